"""The page of exports and the DCAT catalogue: both name every table and form, and what they lead to is there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import compared as c
import pytest
from compared import PLAN, Compared
from service import Served

from api.settings import load_settings
from api.tables import TABLES
from api.tabular import EXCEL, FORMS
from ledger.errors import CannotRun

LICENCE = "https://licencias.example/abierta"


@pytest.fixture(scope="module")
def told() -> Compared:
    return c.tell()


@pytest.fixture(scope="module")
def server(told: Compared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("catalogo") / "registro"
    told.write(folder)
    with Served(folder) as running:
        running.folded()
        yield running


def catalogue(server: Served) -> dict[str, Any]:
    answer = server.get("/catalogo.jsonld")
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "application/ld+json")
    return answer.json


def names_in(value: Any) -> set[str]:
    """Every key and type of a JSON-LD document."""
    if isinstance(value, list):
        return set[str]().union(*[names_in(each) for each in cast("list[Any]", value)])
    if not isinstance(value, dict):
        return set()
    plain = cast("dict[str, Any]", value)
    types = {plain["@type"]} if "@type" in plain else set[str]()
    return set(plain) | types | set[str]().union(*[names_in(each) for each in plain.values()])


def test_each_name_of_the_catalogue_is_of_a_vocabulary_that_it_declares(server: Served) -> None:
    found = catalogue(server)
    names = names_in({key: value for key, value in found.items() if key != "@context"})
    terms = {name for name in names if not name.startswith("@")}
    assert {term.partition(":")[0] for term in terms} == set(found["@context"])
    assert found["@type"] == "dcat:Catalog"
    for mandatory in ("dct:title", "dct:description", "dct:publisher", "dcat:dataset"):
        assert found[mandatory]


def test_each_table_is_a_dataset_in_two_languages_with_a_distribution_for_each_form(server: Served) -> None:
    *datasets, histories, comments = catalogue(server)["dcat:dataset"]
    assert [one["dct:title"] for one in histories["dcat:distribution"]] == ["JSONL"]
    assert len({dataset["@id"] for dataset in datasets}) == len(datasets) == len(TABLES)
    assert [one["dct:title"] for one in comments["dcat:distribution"]] == ["CSV", "JSONL"]
    for dataset in datasets:
        for said in (dataset["dct:title"], dataset["dct:description"]):
            assert [each["@language"] for each in said] == ["es", "en"]
        assert dataset["dct:publisher"]["foaf:name"] == "COPRET"
        assert dataset["dct:temporal"]["dcat:startDate"]["@value"] == "2014-06-30"
        assert dataset["dct:temporal"]["dcat:endDate"]["@value"] == "2016-12-31"
        media = [one["dcat:mediaType"]["@id"].rpartition("media-types/")[2] for one in dataset["dcat:distribution"]]
        assert media == [form.media_type.partition(";")[0] for form in FORMS.values()]


def test_every_address_of_the_catalogue_and_of_the_page_is_there(server: Served) -> None:
    found = catalogue(server)
    base = server.address.rstrip("/")
    addresses: set[str] = {found["foaf:homepage"]["@id"]}
    for dataset in found["dcat:dataset"]:
        addresses.add(dataset["dcat:landingPage"]["@id"].partition("#")[0])
        for one in dataset["dcat:distribution"]:
            addresses |= {one["dcat:accessURL"]["@id"], one["foaf:page"]["@id"]}
    addresses.add(f"{base}{server.path}/exportar")
    page = server.get("/exportar", accept="text/html").body.decode()
    linked = {f"{base}{part.partition(chr(34))[0]}" for part in page.split('href="')[1:]}
    linked = {address for address in linked if "/exportar/" in address and "imprimir" not in address}
    for_excel = {
        address for address in linked if address.endswith(f".{EXCEL}")
    }  # no other table, so not in a catalogue
    assert for_excel == {f"{base}{server.path}/exportar/{PLAN}/{name}.{EXCEL}" for name in TABLES}
    linked -= for_excel
    assert {address for address in addresses if "/exportar/" in address} == linked
    assert len(linked) == len(TABLES) * (len(FORMS) + 1) + 1
    for address in addresses:
        parts = urlsplit(address)
        assert server.get(f"/{parts.path}").status == 200, address


def test_the_catalogue_names_the_record_and_says_that_no_licence_is_stated(server: Served) -> None:
    found = catalogue(server)
    origin, size, _ = server.get("/checkpoint").body.decode().split("\n")[:3]
    for dataset in found["dcat:dataset"]:
        assert dataset["dct:provenance"]["rdfs:label"].split(" ")[:2] == [origin, size]
    assert "dct:license" not in json.dumps(found)
    assert "no ha declarado una licencia" in json.dumps(found, ensure_ascii=False)
    assert "no ha declarado una licencia" in server.get("/exportar", accept="text/html").body.decode()
    assert "has stated no licence" in server.get("/en/exportar", accept="text/html").body.decode()
    tag = server.get("/catalogo.jsonld").headers["etag"]
    assert server.get("/catalogo.jsonld", if_none_match=tag).status == 304


def test_a_licence_of_the_settings_stands_on_every_distribution_and_on_the_page(told: Compared, tmp_path: Path) -> None:
    told.write(tmp_path / "registro")
    settings = tmp_path / "registro" / "constancia.toml"
    settings.write_text(settings.read_text("utf-8") + f'licence = "{LICENCE}"\n', "utf-8")
    with Served(tmp_path / "registro") as server:
        server.folded()
        for dataset in catalogue(server)["dcat:dataset"]:
            for one in dataset["dcat:distribution"]:
                assert one["dct:license"] == {"@id": LICENCE}
        assert LICENCE in server.get("/exportar", accept="text/html").body.decode()
    settings.write_text(settings.read_text("utf-8").replace(LICENCE, "CC BY 4.0"), "utf-8")
    with pytest.raises(CannotRun, match="licence"):
        load_settings(settings, {})


def test_the_page_says_rows_columns_and_the_state_it_is_of(server: Served, told: Compared) -> None:
    page = server.get("/exportar", accept="text/html").body.decode()
    assert "Qué significan sus columnas" in page
    for table in TABLES.values():
        assert table.shape.title[0] in page
        assert table.shape.about[0] in page
        assert all(f"<code>{column.name}</code>" in page for column in table.shape.columns)
    assert "<strong>6 filas</strong>" in page
    assert f"constancia export plan {PLAN} --from {server.address.rstrip('/')}{server.path} --to datos" in page
    at = told.index["reported"]
    older = server.get(f"/en/exportar?at={at}", accept="text/html").body.decode()
    assert f"/exportar/{PLAN}/levels.csv?at={at}&amp;as_of=" in older
    assert "<strong>0 rows</strong>" in older

"""Atom feeds, asked of the real server, and read by a strict XML parser."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import whole_round as c
from compared import PLAN, SEALED, Compared
from compared import tell as tell_compared
from service import Served
from whole_round import Told

from ledger.statement import format_time, format_when

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def told() -> Told:
    return c.tell()


@pytest.fixture(scope="module")
def server(told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("noticias") / "registro"
    told.write(folder)
    with Served(folder) as running:
        running.folded()
        yield running


def feed(server: Served, path: str) -> ElementTree.Element:
    answer = server.get(path)
    assert answer.status == 200, server.log()[-2000:]
    assert answer.headers["content-type"].startswith("application/atom+xml")
    return ElementTree.fromstring(answer.body)


def field(element: ElementTree.Element, name: str) -> str:
    found = element.find(ATOM + name)
    assert found is not None
    return found.text or ""


def test_the_feed_of_a_round_tells_all_that_happened_in_it(server: Served, told: Told) -> None:
    found = feed(server, "/consultas/ronda-1/atom.xml")
    entries = found.findall(ATOM + "entry")
    kinds = [entry.opened.statement.kind for entry in told.world.entries]
    first = kinds.index("RoundOpened")
    of_round = told.world.entries[first:]

    assert len(entries) == len(of_round)
    assert [field(entry, "updated") for entry in entries] == [
        format_time(one.received_ms) for one in reversed(of_round)
    ]
    assert field(found, "updated") == format_time(of_round[-1].received_ms)
    titles = " ".join(field(entry, "title") for entry in entries)
    for words in ("Consulta abierta", "Comentario enviado", "Respuesta dada: Aceptado", "Contenido borrado"):
        assert words in titles


def test_ids_are_the_identities_of_statements_the_same_in_every_feed_and_language(server: Served, told: Told) -> None:
    entry = told.comment("ana")
    digest = base64.urlsafe_b64encode(bytes.fromhex(entry.opened.identity)).decode().rstrip("=")
    wanted = f"ni:///sha-256;{digest}"
    paths = ("/consultas/ronda-1/atom.xml", f"/comentarios/{entry.opened.identity[:12]}/atom.xml")
    feeds = [feed(server, language + path) for path in paths for language in ("", "/en")]

    for one in feeds:
        identifiers = [field(entry, "id") for entry in one.findall(ATOM + "entry")]
        assert wanted in identifiers
        assert len(set(identifiers)) == len(identifiers)
    assert len({field(one, "id") for one in feeds}) == 4


def test_nothing_that_a_citizen_wrote_is_in_a_feed(server: Served, told: Told) -> None:
    paths = ["/consultas/ronda-1/atom.xml"]
    paths += [f"/comentarios/{told.comment(who).opened.identity[:12]}/atom.xml" for who in c.TEXTS]
    for path in paths:
        body = server.get(path).body.decode()
        assert [text for text in (*c.TEXTS.values(), c.SHORTER, "Ana Inventada") if text in body] == []
        assert "Se publicará cada mes." in body or "/comentarios/" in path


def test_the_feed_of_a_comment_tells_what_became_of_it(server: Served, told: Told) -> None:
    def kinds(who: str) -> list[str]:
        found = feed(server, f"/comentarios/{told.comment(who).opened.identity}/atom.xml")
        return [field(entry, "title").partition(" · ")[0].partition(":")[0] for entry in found.findall(ATOM + "entry")]

    assert kinds("ana") == ["Respuesta dada", "Comentario enviado"]
    assert kinds("juan") == ["Moderación apelada", "Contenido retenido", "Comentario enviado"]
    assert kinds("luis") == ["Contenido borrado", "Comentario enviado"]
    assert kinds("sara") == ["Declaración retirada", "Comentario enviado"]


@pytest.mark.parametrize("code", ["abc", "f" * 12, "G" * 12, "0" * 65, "%20", "..", "0" * 11])
def test_a_code_that_names_no_comment_has_no_feed(server: Served, code: str) -> None:
    assert server.get(f"/comentarios/{code}/atom.xml").status == 404


def test_pages_name_their_feed(server: Served, told: Told) -> None:
    page = server.get("/consultas/ronda-1", accept="text/html").body.decode()
    assert '<link rel="alternate" type="application/atom+xml"' in page
    code = told.comment("ana").opened.identity[:12]
    page = server.get(f"/comentarios/{code}", accept="text/html").body.decode()
    assert "Ir a la portada" not in page, server.log()[-3000:]
    assert f'/gt/comentarios/{code}/atom.xml">' in page
    assert server.get("/consultas/no-hay/atom.xml").status == 404


def test_a_feed_of_an_older_state_ends_there(server: Served, told: Told) -> None:
    at = told.comment("juan").index + 1
    found = feed(server, f"/consultas/ronda-1/atom.xml?at={at}")
    assert field(found, "updated") == format_time(told.comment("juan").received_ms)


def test_every_hostile_text_makes_a_feed_that_a_strict_parser_reads(tmp_path: Path, shared_vectors: Path) -> None:
    """In the reasons of officials and as the title of a part: control characters, entities, ends of sections."""
    import json

    naughty = json.loads((shared_vectors / "hostile-strings" / "big-list-of-naughty-strings.json").read_text("utf-8"))
    texts = [text for text in naughty if text.strip(" \t\n") and "\0" not in text and len(text) <= 2_000]
    texts += ["]]>", "<!--", "\x01\x0b\x1f", "\ufffe\uffff", "&amp;&#0;", "\"'<>&"]
    told = c.tell()
    identity = told.comment("ana").opened.identity
    for text in texts:
        told.say("ResponseGiven", c.CHAIR, answers=[identity], disposition="rejected", words={"text": text})
        told.world.now_ms += 1_000
    told.write(tmp_path / "registro")
    with Served(tmp_path / "registro") as server:
        server.folded()
        at = told.comment("ana").index
        seen = 0
        for size in range(len(told.world.entries), at + 17, -90):
            seen += len(feed(server, f"/consultas/ronda-1/atom.xml?at={size}").findall(ATOM + "entry"))
        assert seen >= len(texts)
        assert len(feed(server, f"/comentarios/{identity[:12]}/atom.xml").findall(ATOM + "entry")) == 100


# --- plans, commitments and bodies -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared() -> Compared:
    """With more checks than a page of a feed has."""
    told = tell_compared("]]> & <b> \x01 \u202e hostil")
    for _ in range(120):
        told.world.now_ms += 1_000
        seen: dict[str, Any] = {"link": told.identity["D2"], "checked_at": format_when(told.world.now_ms)}
        told.say("EvidenceChecked", "captura:capturer", **seen, seen="blocked")
    return told


@pytest.fixture(scope="module")
def evidence(compared: Compared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("evidencia") / "registro"
    compared.write(folder)
    with Served(folder) as running:
        running.folded()
        yield running


def link(element: ElementTree.Element, rel: str) -> str:
    hrefs = [each.attrib["href"] for each in element.findall(ATOM + "link") if each.attrib["rel"] == rel]
    return hrefs[0] if hrefs else ""


def indexes(found: ElementTree.Element) -> list[int]:
    return [int(link(entry, "alternate").rpartition("/")[2]) for entry in found.findall(ATOM + "entry")]


def whole(server: Served, path: str) -> list[int]:
    """The entries of a feed on all its pages; each page says where it stands."""
    read: list[int] = []
    first = ""
    while path:
        found = feed(server, path)
        assert link(found, "self").endswith(path)
        assert len(found.findall(ATOM + "entry")) <= 100
        assert link(found, "first") == first
        first = first or link(found, "self")
        read += indexes(found)
        path = link(found, "next").partition(server.path)[2]
    assert read == sorted(set(read), reverse=True)
    return read


def test_the_feed_of_a_commitment_has_all_that_was_said_of_it_on_its_pages(
    evidence: Served, compared: Compared
) -> None:
    found = whole(evidence, f"/planes/{PLAN}/compromisos/C8/atom.xml")
    names = ("reported", "D1", "D2", "own", "wrong", "dispute", "doubt", "answer", "resolved", "V1", "V2", "V3")
    assert {compared.index[name] for name in (*names, "assessed", "coded")} <= set(found)
    assert not {compared.index[name] for name in ("G1", "request", "late")} & set(found)
    kinds = [compared.world.entries[index].opened.statement.kind for index in found]
    assert (kinds.count("EvidenceChecked"), kinds[-1]) == (122, "CommitmentRegistered")


def test_the_feed_of_a_plan_has_each_entry_once_though_several_commitments_share_it(
    evidence: Served, compared: Compared
) -> None:
    found = whole(evidence, f"/planes/{PLAN}/atom.xml")
    of_plan = set(range(len(compared.world.entries))) & set(found)
    for code in ("C8", "G1", "G2"):
        assert set(whole(evidence, f"/planes/{PLAN}/compromisos/{code}/atom.xml")) <= of_plan
    kinds = {compared.world.entries[index].opened.statement.kind for index in found}
    assert {"PlanRegistered", "MethodologyAdopted", "CommitmentCoded", "EvidenceRequested"} <= kinds
    first = feed(evidence, f"/planes/{PLAN}/atom.xml")
    newest = format_time(compared.world.entries[found[0]].received_ms)
    assert field(first, "updated") == newest == field(first.findall(ATOM + "entry")[0], "updated")


def test_an_institution_is_followed_by_its_commitments_and_an_organisation_by_what_it_says(
    evidence: Served, compared: Compared
) -> None:
    of_commitment = whole(evidence, f"/planes/{PLAN}/compromisos/C8/atom.xml")
    assert whole(evidence, "/instituciones/segeplan/atom.xml") == of_commitment
    said = whole(evidence, "/organizaciones/icefi/atom.xml")
    kinds = {compared.world.entries[index].opened.statement.kind for index in said}
    assert {compared.index[name] for name in ("dispute", "V1", "V2", "V3")} <= set(said)
    assert "EvidenceCaptured" in kinds  # of its program
    assert not {compared.index[name] for name in ("assessed", "resolved", "D1")} & set(said)
    irm = whole(evidence, "/organizaciones/irm/atom.xml")
    assert compared.index["V2 of the IRM"] in irm


def test_each_of_them_has_its_own_id_and_its_pages_name_it(evidence: Served) -> None:
    paths = [
        f"/planes/{PLAN}",
        f"/planes/{PLAN}/compromisos/C8",
        "/instituciones/segeplan",
        "/organizaciones/icefi",
        "/organizaciones/guatecivica",
    ]
    ids = [field(feed(evidence, f"{language}{path}/atom.xml"), "id") for path in paths for language in ("", "/en")]
    assert len(set(ids)) == len(ids)
    for path in paths:
        page = evidence.get(path, accept="text/html").body.decode()
        assert f'{evidence.path}{path}/atom.xml">' in page.partition("</head>")[0], path
        assert 'type="application/atom+xml" title="' in page
    for path in ("/planes/no/atom.xml", f"/planes/{PLAN}/compromisos/C9/atom.xml", "/instituciones/no/atom.xml"):
        assert evidence.get(path).status == 404
    assert evidence.get(f"/planes/{PLAN}/atom.xml?antes=x").status == 404


def test_a_feed_quotes_officials_and_no_citizen(evidence: Served) -> None:
    for path in (f"/planes/{PLAN}/compromisos/C8/atom.xml", f"/planes/{PLAN}/atom.xml?antes=70"):
        body = evidence.get(path).body.decode()
        assert SEALED not in body
        ElementTree.fromstring(body)
    assert "]]&gt; &amp; &lt;b&gt;" in evidence.get(f"/planes/{PLAN}/atom.xml?antes=70").body.decode()


def test_a_search_for_few_entries_among_many_ends(evidence: Served) -> None:
    found = feed(evidence, "/organizaciones/guatecivica/atom.xml")
    assert link(found, "next") == ""
    assert field(found, "updated").endswith("Z")

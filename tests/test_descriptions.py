"""Descriptions (CSVW) fit their tables where they lie: in the folder that the command wrote, in the one where a reader
saved what the server gave, and on the server, where each file is found by the name under which it is saved.
"""

import re
from collections.abc import Callable
from pathlib import Path

import compared as c
import pytest
import strict_csvw
import whole_round
from compared import PLAN, Compared
from service import Answer, Served
from whole_round import place, server

from api.cli import run
from api.exports import COLUMNS
from api.tables import TABLES
from api.tabular import DESCRIPTION

ROUND = "ronda-1"
ENDINGS = (DESCRIPTION, "csv")

__all__ = ["place", "server"]  # fixtures


@pytest.fixture(scope="module")
def told() -> Compared:
    return c.tell('Dicho "así",\r\nen dos líneas: ó, ü, ꞌ.')


@pytest.fixture(scope="module")
def written(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command writes."""
    folder = tmp_path_factory.mktemp("datos")
    words = ["export", "plan", PLAN, "--from", str(place), "--to", str(folder), "--formats", "csv", "--quiet"]
    assert run(words) == 0
    return folder


def saved_name(answer: Answer) -> str:
    """The name under which a browser saves an answer."""
    found = re.fullmatch(r'attachment; filename="([^"/]+)"', answer.headers["content-disposition"])
    assert found is not None
    return found[1]


def save(server: Served, folder: Path, path: str) -> str:
    """Save what is at an address, as a browser does; the name."""
    answer = server.get(path)
    assert answer.status == 200, server.log()[-2000:]
    name = saved_name(answer)
    (folder / name).write_bytes(answer.body)
    return name


def beside(server: Served, base: str) -> Callable[[str], bytes]:
    """The files that lie beside an address of the server."""

    def near(name: str) -> bytes:
        answer = server.get(f"{base}/{name}")
        assert answer.status == 200, (base, name)
        return answer.body

    return near


@pytest.mark.parametrize("name", list(TABLES))
def test_a_description_fits_its_table_wherever_the_two_lie(
    server: Served, written: Path, tmp_path: Path, name: str
) -> None:
    base = f"/exportar/{PLAN}"
    described, table = [save(server, tmp_path, f"{base}/{name}.{ending}") for ending in ENDINGS]
    found = strict_csvw.read(lambda file: (tmp_path / file).read_bytes(), described)
    assert found.url == table
    assert strict_csvw.read(lambda file: (written / file).read_bytes(), described) == found
    assert strict_csvw.read(beside(server, base), described) == found
    assert (written / described).read_bytes() == (tmp_path / described).read_bytes()
    assert tuple(found.rows[0]) == TABLES[name].shape.names


@pytest.mark.parametrize("query", ["", "?at=70", "?as_of={day}", "?at=70&as_of={day}"])
def test_the_answer_leads_to_the_description_that_describes_it(server: Served, told: Compared, query: str) -> None:
    base, query = f"/exportar/{PLAN}", query.format(day=told.world_day(9))
    answer = server.get(f"{base}/levels.csv{query}")
    here = answer.headers["content-location"]
    assert here == saved_name(answer)
    assert server.get(f"{base}/{here}").body == answer.body
    link = re.fullmatch(r'<([^>]+)>; rel="describedby"; type="application/csvm\+json"', answer.headers["link"])
    assert link is not None
    assert strict_csvw.read(beside(server, base), link[1]).url == here
    described = server.get(f"{base}/levels.{DESCRIPTION}{query}")
    assert (described.body, described.headers["content-location"]) == (server.get(f"{base}/{link[1]}").body, link[1])


def test_every_form_and_the_histories_are_found_by_the_names_under_which_they_are_saved(server: Served) -> None:
    base = f"/exportar/{PLAN}"
    for file in ("grades.json", "grades.jsonl", "grades.parquet", "histories.jsonl"):
        answer = server.get(f"{base}/{file}?at=72")
        assert server.get(f"{base}/{saved_name(answer)}").body == answer.body, file
        assert answer.headers["content-location"] == saved_name(answer)


@pytest.mark.parametrize(
    "wrong",
    [
        f"{PLAN}.levels.072.2100-01-01.csv",
        f"{PLAN}.levels.72.2100-1-1.csv",
        f"{PLAN}.levels.72.2100-01-01T00:00:00Z.csv",
        f"{PLAN}.levels.9999.2100-01-01.csv",
        f"{PLAN}.levels.72.2001-01-01.csv",
        f"{PLAN}.levels.72.csv",
        f"{PLAN}.nothing.72.2100-01-01.csv",
        f"{PLAN}.levels.72.2100-01-01.xls",
        "otro.levels.72.2100-01-01.csv",
    ],
)
def test_a_name_under_which_nothing_is_saved_is_not_there(server: Served, wrong: str) -> None:
    assert server.get(f"/exportar/{PLAN}/{wrong}").status in (400, 404)
    assert server.get(f"/exportar/{PLAN}/{PLAN}.levels.72.2100-01-01.csv").status == 200


def test_the_reader_of_these_tests_refuses_what_does_not_fit(written: Path) -> None:
    """A cell too many, a number that is none, another header, a bare line feed, an address that is no neighbour."""
    (path,) = written.glob(f"*.evidence.*.{DESCRIPTION}")
    described, table = path.read_bytes(), path.with_name(path.name.removesuffix("-metadata.json")).read_bytes()
    size = re.search(rb'"constancia:tree_size": (\d+)', described)
    assert size is not None
    for old, new in (
        (b"\r\n", b",\r\n"),
        (b"index,", b"indice,"),
        (b"\r\n", b"\n"),
        (b",false,", b",no,"),
        (b'"url": "', b'"url": "otra/'),
        (b'"datatype": "integer"', b'"datatype": "numero"'),
        (b'"datatype": "string"', b'"datatype": "integer"'),
        (b'"index"\n', b'"printed"\n'),
    ):
        assert old in table + described, old
        files = {path.name: described.replace(old, new, 1 if b"\r" in old else -1), "": table.replace(old, new, 1)}
        with pytest.raises((AssertionError, ValueError)):
            strict_csvw.read(lambda name, files=files: files.get(name, files[""]), path.name)


# --- the comments of a consultation ----------------------------------------------------------------------------------


def test_the_description_of_comments_fits_them_wherever_they_lie(tmp_path: Path) -> None:
    told = whole_round.tell()
    told.write(tmp_path / "registro")
    made = tmp_path / "datos"
    words = ["export", "round", ROUND, "--from", str(tmp_path / "registro"), "--to", str(made), "--no-pdf", "--quiet"]
    assert run(words) == 0
    with Served(tmp_path / "registro") as server:
        server.folded()
        base = f"/consultas/{ROUND}"
        for query in ("", f"?at={told.comment('juan').index + 1}"):
            saved = tmp_path / f"guardado{len(query)}"
            saved.mkdir()
            described, table = [save(server, saved, f"{base}/comentarios.{ending}{query}") for ending in ENDINGS]
            found = strict_csvw.read(lambda file, saved=saved: (saved / file).read_bytes(), described)
            assert found.url == table
            assert strict_csvw.read(beside(server, base), described) == found
            assert found.said["constancia:rows"] == len(found.rows) > 4
            assert tuple(found.rows[0]) == tuple([column.name for column in COLUMNS])
            answer = server.get(f"{base}/comentarios.csv{query}")
            assert answer.headers["content-location"] == table
            assert f"<{described}>" in answer.headers["link"]
            if not query:  # the command writes the newest state
                assert strict_csvw.read(lambda file: (made / file).read_bytes(), described) == found
        lines = server.get(f"{base}/comentarios.json")
        assert server.get(f"{base}/{saved_name(lines)}").body == lines.body
        for wrong in ("nada", f"{ROUND}.9999.csv", f"{ROUND}.7.xls", "otra.7.csv", f"{ROUND}.csv"):
            assert server.get(f"{base}/{wrong}").status == 404, wrong
            assert server.get(f"{base}/{wrong}", accept="text/html").status == 404, wrong

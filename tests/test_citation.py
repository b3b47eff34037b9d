"""A frozen citation: page and command make the same one; whoever has the entries rebuilds every table of it;
and another ledger, another history or other tables are found out, with the bytes that show it.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
import test_cli as cli
import world as w
from service import founded_lately, now_ms, put_on_disk
from test_assessing import LIST, Judged

from ledger.statement import format_time, format_when
from ledger.tlog.checkpoint import parse_checkpoint
from ledger.tlog.merkle import Frontier, leaf_hash
from projections.citation import TABLES, cite, differences, digest_of, format_citation, parse_citation, tables_of
from projections.comparison import matrix_of
from projections.evidence import default_as_of
from projections.records import DictRecords
from projections.replay import replay

PAGE = f"/planes/{w.PLAN}/cita"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    town = Judged(tmp_path_factory.mktemp("citas") / "gt")
    with town.server as server:
        server.folded()
        yield town


def address(town: Judged) -> str:
    return f"{town.server.address.rstrip('/')}/gt"


def cited(town: Judged, folder: Path, query: str = "") -> Path:
    """The citation that the page saves."""
    path = folder / "cita.json"
    path.write_bytes(town.server.get(f"{PAGE}/archivo{query}").body)
    return path


def checked(path: Path, where: str | Path, *words: str, code: int = 0) -> Any:
    """What the command says to a citation, as JSON."""
    ran = cli.run("cite", "check", str(path), "--from", str(where), "--json", *words, cwd=path.parent)
    assert ran.code == code, ran.err + ran.out
    return ran.json


def verdict(town: Judged, level: str = "limited") -> Any:
    draft = {"kind": "VerdictGiven", "mechanism": f"{w.C8}.M2", "level": level, "words": {"text": "Leído."}}
    return town.say("icefi:assessor", draft | {"digests": [sha256(LIST).hexdigest()]})


def test_page_and_command_make_the_same_citation_and_it_holds_while_the_ledger_grows(
    town: Judged, tmp_path: Path
) -> None:
    path = cited(town, tmp_path)
    made = cli.run("cite", "make", address(town), "--out", "otra.json", "--json", cwd=tmp_path)
    assert made.code == 0, made.err
    assert (tmp_path / "otra.json").read_bytes() == path.read_bytes()
    size = json.loads(path.read_bytes())["size"]
    assert checked(path, address(town))["rebuilt"] is True
    verdict(town)
    assert town.server.size() > size
    # The same state by its address, and from the folder on disk; and with a policy that the reader pins.
    frozen = cited(town, tmp_path, f"?at={size}")
    assert msgspec.structs.replace(parse_citation(frozen.read_bytes()), head="") == msgspec.structs.replace(
        parse_citation((tmp_path / "otra.json").read_bytes()), head=""
    )
    policy = tmp_path / "politica"
    policy.write_bytes(town.server.get("/policy").body)
    told = checked(frozen, town.folder / "public", "--policy", str(policy))
    assert told["rebuilt"] is True
    # The newest state has other tables.
    newest = json.loads(town.server.get(f"{PAGE}/archivo").body)
    changed = [
        one["name"] for one, other in zip(newest["tables"], told["citation"]["tables"], strict=True) if one != other
    ]
    assert {"matrix", "mechanisms", "grades", "verdicts"} <= set(changed)
    assert cli.run("cite", "make", address(town), "--at", str(size), "--out", "tercera.json", cwd=tmp_path).code == 0
    assert (tmp_path / "tercera.json").read_bytes() == frozen.read_bytes()


def test_a_day_that_is_asked_for_is_cited(town: Judged, tmp_path: Path) -> None:
    size = town.server.size()
    later = format_when(now_ms() + 40 * 86_400_000)[:10]
    path = cited(town, tmp_path, f"?at={size}&as_of={later}")
    assert json.loads(path.read_bytes())["as_of"] == later
    assert checked(path, address(town))["rebuilt"] is True
    page = town.server.get(f"{PAGE}?at={size}&as_of={later}", accept="text/html").body.decode()
    assert f"comparacion?at={size}&amp;as_of={later}" in page


def test_tables_that_are_not_as_cited_are_named(town: Judged, tmp_path: Path) -> None:
    path = cited(town, tmp_path)
    whole = parse_citation(path.read_bytes())
    plain = json.loads(path.read_bytes())
    plain["tables"][2]["digest"] = "0" * 64
    citation = msgspec.convert(plain, type(whole))
    path.write_bytes(format_citation(citation))
    told = checked(path, address(town), code=1)
    assert [one["name"] for one in told["different"]] == ["grades"]
    ran = cli.run("cite", "check", str(path), "--from", address(town), cwd=tmp_path)
    assert "✗ grades" in ran.out
    assert "LA CITA NO SE SOSTIENE" in ran.out
    english = cli.run("cite", "check", str(path), "--from", address(town), cwd=tmp_path, LANG="en_US.UTF-8")
    assert "THE CITATION DOES NOT HOLD" in english.out
    # Whose record it is, and how many rows a table has, are cited too.
    path.write_bytes(format_citation(msgspec.structs.replace(whole, founding="1" * 64)))
    assert "otro registro" in checked(path, address(town), code=1)["wrong"][0]
    more = [msgspec.structs.replace(one, rows=one.rows + (one.name == "verdicts")) for one in whole.tables]
    path.write_bytes(format_citation(msgspec.structs.replace(whole, tables=tuple(more))))
    assert [one["name"] for one in checked(path, address(town), code=1)["different"]] == ["verdicts"]
    # A root that nobody signed, and a file that is none: it has every table of its form, and a head that covers it.
    path.write_bytes(format_citation(msgspec.structs.replace(citation, root="1" * 64)))
    assert "otra historia" in checked(path, address(town), code=1)["wrong"][0]
    for broken in (
        b"{}",
        format_citation(citation).replace(b'":', b'": ', 1),
        b"hola",
        format_citation(msgspec.structs.replace(whole, tables=())),
        format_citation(msgspec.structs.replace(whole, tables=whole.tables[:-1])),
        format_citation(msgspec.structs.replace(whole, tables=(*whole.tables, whole.tables[0]))),
        format_citation(msgspec.structs.replace(whole, size=whole.size + 1)),
    ):
        path.write_bytes(broken)
        ran = cli.run("cite", "check", str(path), "--from", address(town), cwd=tmp_path)
        assert (ran.code, "no es una cita" in ran.err) == (2, True)


def test_another_history_of_the_same_log_is_found_out_with_both_heads(town: Judged, tmp_path: Path) -> None:
    """The same founding and the same log key, and another ending: two heads that do not fit are proof."""
    path = cited(town, tmp_path)
    other = founded_lately()
    fork = tmp_path / "fork"
    other.entries, other.docket = [], w.Docket(other.origin)
    for entry in town.world.entries[:-1]:
        other.now_ms = entry.received_ms
        other.take_note(entry.opened.note)
    while other.docket.size < town.server.size():
        world_says(other)
    put_on_disk(other, fork)
    told = checked(path, fork / "public", "--evidence", "prueba", code=1)
    assert told["rebuilt"] is False
    assert "fork" in {one["kind"] for one in told["findings"]}
    kept = sorted(each.name for each in (tmp_path / "prueba").glob("*-fork/*"))
    assert len(kept) >= 2  # finding.txt, and the signed heads
    # A copy that ends before what is cited does not have it.
    short = w.World(other.origin, other.entries[0].received_ms)
    for entry in town.world.entries[:20]:
        short.now_ms = entry.received_ms
        short.take_note(entry.opened.note)
    put_on_disk(short, tmp_path / "corta")
    told = checked(path, tmp_path / "corta" / "public", code=1)
    assert told["rebuilt"] is False
    assert any("20" in each for each in told["wrong"])


def world_says(world: w.World) -> None:
    """Something else than what the town said."""
    fields = {"title": f"Eje {world.docket.size}", "axis": f"eje-{world.docket.size}"}
    world.say("AxisDefined", "copret:coordinator", **fields)


def test_another_ledger_is_not_what_was_cited(town: Judged, tmp_path: Path) -> None:
    path = cited(town, tmp_path)
    world = founded_lately(ago_ms=900_000)
    put_on_disk(world, tmp_path / "otro")
    assert checked(path, tmp_path / "otro" / "public", code=1)["rebuilt"] is False


def test_every_table_is_a_list_of_rows_whose_digest_follows_from_the_entries() -> None:
    world = w.found()
    world.say("CompletionReported", "minfin:institution", subject=w.G2, level="limited", reason="R", evidence=[])
    asked = {"institution": "minfin", "mechanism": f"{w.G2}.M0", "words": {"text": "¿?"}, "due": {"precision": "none"}}
    world.say("EvidenceRequested", "icefi:assessor", **asked)
    size = world.docket.size
    records, again = DictRecords(), DictRecords()
    replay(world.entries, records)
    replay(world.entries, again)
    tables = tables_of(records, matrix_of(records, w.PLAN, size, default_as_of(records, size)))
    rebuilt = tables_of(again, matrix_of(again, w.PLAN, size, default_as_of(again, size)))
    assert list(tables) == list(TABLES)
    assert {name: digest_of(rows) for name, rows in tables.items()} == {
        name: digest_of(rows) for name, rows in rebuilt.items()
    }
    assert [len(tables[name]) for name in ("matrix", "mechanisms", "requests")] == [3, 3, 1]
    matrix = matrix_of(records, w.PLAN, size, "2030-01-01")
    named = {"origin": w.ORIGIN, "founding": "0" * 64, "head": "h", "root": "1" * 64, "received_at": "t"}
    citation = cite(records, matrix, **named)
    assert parse_citation(format_citation(citation)) == citation
    assert differences(citation, tables_of(records, matrix)) == []
    assert [one.name for one in differences(citation, tables_of(records, matrix) | {"requests": []})] == ["requests"]
    # Of another day are the findings that wait and fall silent, and nothing else here.
    assert [one.name for one in differences(citation, tables)] == ["anomalies"]
    assert differences(citation, {})[0].rows is None


def test_help_is_there_in_both_languages() -> None:
    for words in (("cite",), ("cite", "make"), ("cite", "check")):
        spanish, english = (cli.run(*words, "--help", "--lang", lang) for lang in ("es", "en"))
        assert (spanish.code, english.code) == (0, 0)
        assert spanish.out != english.out


def test_the_example_of_the_format_is_the_citation_of_its_ledger() -> None:
    page = (Path(cli.__file__).parent.parent / "ledger" / "FORMAT.md").read_text("utf-8")
    example = page.partition("\n## Citation\n")[2].partition("```json\n")[2].partition("```")[0].encode()
    head = parse_citation(example).head
    signed = parse_checkpoint(head.encode()).checkpoint
    world, records, tree = w.found(), DictRecords(), Frontier()
    replay(world.entries, records)
    for leaf in world.leaves():
        tree.append(leaf_hash(leaf))
    assert (signed.size, signed.root) == (tree.size, tree.root())
    named = {
        "origin": world.origin,
        "founding": world.entries[0].opened.identity,
        "head": head,
        "root": tree.root().hex(),
        "received_at": format_time(world.entries[-1].received_ms),
    }
    matrix = matrix_of(records, w.PLAN, tree.size, default_as_of(records, tree.size))
    made = cite(records, matrix, **named)
    assert format_citation(made) == example, format_citation(made).decode()
    assert [table.name for table in made.tables] == list(TABLES)


def test_anomalies_are_frozen_and_rebuilt(town: Judged, tmp_path: Path) -> None:
    """With a day that is asked for: silences and delays run up to it."""
    later = format_when(now_ms() + 400 * 86_400_000)[:10]
    path = cited(town, tmp_path, f"?at={town.server.size()}&as_of={later}")
    whole = parse_citation(path.read_bytes())
    shown = town.server.get(f"/api/plans/{w.PLAN}/anomalies?at={whole.size}&as_of={later}&limit=1000").json["data"]
    rows = [one["anomaly"] for one in shown]
    assert "silence/institution" in {one["rule"] for one in rows}
    (table,) = [one for one in whole.tables if one.name == "anomalies"]
    assert (table.rows, table.digest) == (len(rows), digest_of(rows))
    told = checked(path, address(town))
    assert (told["rebuilt"], told["different"]) == (True, [])
    # One finding less, or another day: not what was cited.
    for name, lie in (
        ("one less", msgspec.structs.replace(table, rows=len(rows) - 1, digest=digest_of(rows[:-1]))),
        ("another", msgspec.structs.replace(table, digest=digest_of([rows[0] | {"rule": "date/not-yet"}, *rows[1:]]))),
    ):
        tables = tuple([lie if one.name == "anomalies" else one for one in whole.tables])
        path.write_bytes(format_citation(msgspec.structs.replace(whole, tables=tables)))
        told = checked(path, address(town), code=1)
        assert [(one["name"], one["rows"]) for one in told["different"]] == [("anomalies", len(rows))], name
    page = town.server.get(f"{PAGE}?at={whole.size}&as_of={later}", accept="text/html").body.decode()
    assert "Hallazgos: lo que en el propio registro no concuerda" in page
    assert table.digest in page

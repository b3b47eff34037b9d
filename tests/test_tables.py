"""The tables of a plan: what their rows say, that none is missing, and that each form brings every cell back."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import compared as c
import pytest
from compared import C8, G1, G2, PLAN, Compared
from service import Served

from api.tables import TABLES
from api.tabular import FORMS, Column, Head, Row, Shape, described
from ledger.statement import format_time

NAMES = list(TABLES)
parquet: Any = import_module("pyarrow.parquet")  # it has no types


@pytest.fixture(scope="module")
def told() -> Compared:
    return c.tell()


@pytest.fixture(scope="module")
def server(told: Compared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("tablas") / "registro"
    told.write(folder)
    with Served(folder) as running:
        running.folded()
        yield running


def table(server: Served, name: str, query: str = "") -> list[dict[str, Any]]:
    answer = server.get(f"/exportar/{PLAN}/{name}.json{query}")
    assert answer.status == 200, server.log()[-3000:]
    return answer.json["data"]


def the(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    (found,) = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return found


# --- what rows say ---------------------------------------------------------------------------------------------------


def test_levels_stand_side_by_side_and_name_who_said_them(server: Served, told: Compared) -> None:
    rows = table(server, "levels")
    reported = the(rows, commitment=C8, voice="reported")
    assert (reported["level"], reported["said_by"], reported["entry"]) == (
        "complete",
        "segeplan",
        told.index["reported"],
    )
    assert reported["reason"] == told.text
    irm = the(rows, commitment=C8, voice="irm")
    assert (irm["level"], irm["source"], irm["entry"]) == ("limited", "assessed", told.index["assessed"])
    assert the(rows, commitment=G2, voice="reported")["level"] is None
    voices = {row["voice"] for row in rows}
    assert {"reported", "records", "evidenced", "icefi", "congreso", "irm"} == voices
    assert len(rows) == 3 * len(voices)


def test_evidence_is_listed_once_however_many_mechanisms_it_serves_and_withdrawn_or_not(
    server: Served, told: Compared
) -> None:
    rows = table(server, "evidence")
    assert [row["index"] for row in rows] == sorted(
        told.index[name] for name in ("D1", "D2", "own", "G1", "wrong", "late")
    )
    shared = the(rows, index=told.index["D2"])
    assert shared["for"] == [f"{C8}.M1", f"{C8}.M2", f"{C8}.M3"]
    assert (shared["commitments"], shared["captures"], shared["last_seen"]) == ([C8], 2, "gone")
    assert (shared["dated"], shared["dated_precision"]) == ("2015-07-01", "month")
    withdrawn: int = the(rows, index=told.index["wrong"])["withdrawn"]
    assert told.world.entries[withdrawn].opened.statement.kind == "StatementWithdrawn"
    assert the(rows, index=told.index["late"])["requests"] == [told.index["request of G1"]]
    assert the(rows, index=told.index["G1"])["url"] is None


def test_each_link_has_a_grade_for_each_mechanism_that_it_serves(server: Served, told: Compared) -> None:
    rows = table(server, "grades")
    assert Counter(row["link"] for row in rows) == {
        told.index[name]: count
        for name, count in (("D1", 1), ("D2", 3), ("own", 3), ("G1", 1), ("wrong", 1), ("late", 1))
    }
    assert all(row["rules"] for row in rows)
    reasons = [row for row in table(server, "reasons") if row["of"] == "grade"]
    assert {(row["link"], row["mechanism"]) for row in reasons} == {(row["link"], row["mechanism"]) for row in rows}


def test_disputes_say_how_they_ended_and_quote_no_sealed_word(server: Served, told: Compared) -> None:
    rows = table(server, "disputes")
    ended = the(rows, index=told.index["dispute"])
    assert (ended["state"], ended["resolution"], ended["resolved"]) == ("resolved", "partly", told.index["resolved"])
    assert (ended["answered"], ended["words"]) == (told.index["answer"], told.text)
    citizen = the(rows, index=told.index["doubt"])
    assert (citizen["state"], citizen["actor"], citizen["role"], citizen["words"]) == ("open", None, "citizen", None)
    assert re.fullmatch("[0-9a-f]{64}", citizen["words_digest"])
    assert c.SEALED not in server.get(f"/exportar/{PLAN}/disputes.csv").body.decode()
    later = the(
        table(server, "disputes", f"?at={len(told.world.entries)}&as_of={told.world_day(60)}"),
        index=told.index["doubt"],
    )
    assert later["state"] == "unanswered"
    assert later["answer_due"] == citizen["answer_due"] < told.world_day(60)


def test_requests_say_what_came_of_them_and_when_their_day_is_over(server: Served, told: Compared) -> None:
    size = len(told.world.entries)
    asked, answered = table(server, "requests")
    assert (asked["mechanism"], asked["overdue"], asked["answered"]) == (f"{G2}.M0", False, None)
    assert answered["links"] == [told.index["late"]]
    later = table(server, "requests", f"?at={size}&as_of={told.world_day(30)}")
    assert [row["overdue"] for row in later] == [True, False]


def test_verdicts_assessed_levels_and_codings_have_their_reasons(server: Served, told: Compared) -> None:
    verdicts = table(server, "verdicts")
    assert [row["level"] for row in verdicts] == ["complete", "complete", "limited", "substantial"]
    assert {row["words"] for row in verdicts} == {told.text}
    assessed = table(server, "assessed_levels")
    assert [(row["organisation"], row["in_force"]) for row in assessed] == [("irm", True), ("congreso", True)]
    assert assessed[0]["evidence"] == [told.index["D2"]]
    codings = table(server, "codings")
    assert [(row["code"], row["in_force"]) for row in codings] == [("minor", False), ("moderate", True)]


def test_what_a_citation_and_the_tables_both_name_is_the_same_thing(server: Served) -> None:
    """A row for a row; of codes a citation has those that are in force."""
    cited = {one["name"]: one["rows"] for one in server.get(f"/planes/{PLAN}/cita/archivo").json["tables"]}
    both = [name for name in cited if name in TABLES]
    named = {"mechanisms", "grades", "verdicts", "disputes", "disagreement", "codings", "requests", "anomalies"}
    assert set(both) == named
    for name in both:
        rows = [row for row in table(server, name) if row.get("in_force", True)]
        assert cited[name] == len(rows) > 0, name


def test_what_is_measured_claimed_and_met_is_there(server: Served, told: Compared) -> None:
    assert [(row["part"], row["value"]) for row in table(server, "figures")] == [("mujeres", 4095), ("hombres", -3)]
    claims = table(server, "claims")
    assert [(row["claimed"], row["computed"], row["verdict"]) for row in claims] == [
        (2, 1, "differs"),
        (14, None, "not_computable"),
    ]
    (meeting,) = table(server, "meetings")
    assert (meeting["agenda"], meeting["starts_precision"]) == ([told.text, "Otro punto"], "time")
    assert meeting["starts"] == told.world_day(1)
    tallies = table(server, "tallies")
    assert the(tallies, voice="reported", level="complete")["civil_society"] == 1
    assert sum(row["commitments"] for row in tallies if row["voice"] == "reported") == 3


def test_the_history_of_a_commitment_has_its_statements_as_they_were_signed_and_its_rows(
    server: Served, told: Compared
) -> None:
    lines = server.get(f"/exportar/{PLAN}/histories.jsonl").body.splitlines()
    found = {line["commitment"]: line for line in map(json.loads, lines)}
    assert list(found) == [G1, G2, C8]
    for line in found.values():
        for release in line["releases"]:
            entry = told.world.entries[int(release["index"])]
            assert release["identity"] == entry.opened.identity
            assert release["received_at"] == format_time(entry.received_ms)
            assert release["statement"] == json.loads(entry.opened.line)
    told_of = {release["index"] for release in found[C8]["releases"]}
    assert {told.index[name] for name in ("reported", "D1", "dispute", "doubt", "answer", "resolved", "V1")} <= told_of
    assert told.index["G1"] not in told_of
    for name in ("levels", "grades", "verdicts", "disputes"):
        assert found[C8]["compiled"][name] == [row for row in table(server, name) if row["commitment"] == C8]
    evidence = found[G1]["compiled"]["evidence"]
    assert [row["index"] for row in evidence] == [told.index["G1"], told.index["late"]]


# --- nothing is missing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_every_column_its_key_and_what_the_tree_counts(server: Served, told: Compared, name: str) -> None:
    answer = server.get(f"/exportar/{PLAN}/{name}.json").json
    rows = answer["data"]
    shape = TABLES[name].shape
    assert rows, name
    assert all(tuple(row) == shape.names for row in rows)
    keys = [tuple(row[column] for column in shape.key) for row in rows]
    assert len(set(keys)) == len(keys) == answer["rows"]
    statements = [entry.opened.statement for entry in told.world.entries]
    counted = TABLES[name].counted_among(one for one in statements if getattr(one, "plan", None) == PLAN)
    assert answer.get("whole") == counted
    assert counted in (None, len(rows))


COUNTED = {
    "commitments": {"CommitmentRegistered": 1},
    "evidence": {"EvidenceLinked": 1},
    "captures": {"EvidenceCaptured": 1},
    "checks": {"EvidenceChecked": 1},
    "disputes": {"EvidenceDisputed": 1},
    "requests": {"EvidenceRequested": 1},
    "verdicts": {"VerdictGiven": 1},
    "assessed_levels": {"CompletionAssessed": 1},
    "codings": {"CommitmentCoded": 1},
    "meetings": {"MeetingConvened": 1},
}


@pytest.mark.parametrize("name", COUNTED)
def test_a_table_has_as_many_rows_as_the_tree_has_entries_at_every_size(
    server: Served, told: Compared, name: str
) -> None:
    (kind,) = COUNTED[name]
    kinds = [entry.opened.statement.kind for entry in told.world.entries]
    first = kinds.index("CommitmentRegistered") + 1
    for size in range(first, len(kinds) + 1, 9):
        assert len(table(server, name, f"?at={size}")) == kinds[:size].count(kind), size


@pytest.mark.parametrize("name", NAMES)
def test_every_column_has_a_type_and_a_sentence_in_both_languages(name: str) -> None:
    shape = TABLES[name].shape
    assert len(set(shape.names)) == len(shape.names)
    assert set(shape.key) <= set(shape.names)
    for text in (*shape.title, *shape.about):
        assert text.strip()
        assert text == text.strip()
    for column in shape.columns:
        for sentence in (column.es, column.en):
            assert re.match(r"[a-zA-ZÁÉÍÓÚ].{3,}\.$", sentence), (column.name, sentence)


# --- forms -----------------------------------------------------------------------------------------------------------


def from_csv(column: dict[str, Any], cell: str) -> Any:
    """A cell of CSV as its CSVW description has it."""
    cell = cell[1:] if re.match(r"'[=+\-@\t\r]", cell) else cell
    if column.get("separator"):
        return [_typed(column["datatype"], each) for each in cell.split(column["separator"])] if cell else []
    return _typed(column["datatype"], cell)


def _typed(datatype: str, cell: str) -> Any:
    if datatype == "json":
        return json.loads(cell or "[]")
    if cell == "":
        return None
    return {"integer": int, "boolean": {"true": True, "false": False}.__getitem__}.get(datatype, str)(cell)


def from_parquet(column: Column, value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("name", NAMES)
def test_every_form_has_the_same_cells(server: Served, name: str) -> None:
    base = f"/exportar/{PLAN}/{name}"
    rows = server.get(f"{base}.json").json["data"]
    lines = [json.loads(line) for line in server.get(f"{base}.jsonl").body.splitlines()]
    text = server.get(f"{base}.csv")
    description = server.get(f"/exportar/{PLAN}/" + text.headers["link"].split("<")[1].split(">")[0]).json
    columns = {column["name"]: column for column in description["tableSchema"]["columns"]}
    read = list(csv.DictReader(io.StringIO(text.body.decode(), newline=""), strict=True))
    held = parquet.read_table(io.BytesIO(server.get(f"{base}.parquet").body))

    assert lines == rows
    assert [{key: from_csv(columns[key], cell) for key, cell in row.items()} for row in read] == rows
    for column in TABLES[name].shape.columns:
        cells = [from_parquet(column, value) for value in held.column(column.name).to_pylist()]
        wanted = [row[column.name] for row in rows]
        if column.datatype == "dateTimeStamp":
            wanted = [value and datetime.fromisoformat(value) for value in wanted]
        assert cells == wanted, column.name


CSV_TYPE = "text/csv; header=present; charset=utf-8"


@pytest.mark.parametrize("name", NAMES)
def test_for_excel_there_is_the_same_csv_behind_a_mark_and_in_the_csv_there_is_none(server: Served, name: str) -> None:
    plain, marked = [server.get(f"/exportar/{PLAN}/{name}.{ending}?at=73") for ending in ("csv", "excel.csv")]
    assert marked.body == b"\xef\xbb\xbf" + plain.body
    assert plain.body.startswith(f"{TABLES[name].shape.names[0]},".encode())
    assert plain.headers["content-type"] == marked.headers["content-type"] == CSV_TYPE
    saved = f"{PLAN}.{name}.73.{server.get('/exportar/' + PLAN + '/levels.json?at=73').json['as_of']}.excel.csv"
    assert f'filename="{saved}"' in marked.headers["content-disposition"]
    assert server.get(f"/exportar/{PLAN}/{saved}").body == marked.body


def test_what_excel_makes_of_either(server: Served, told: Compared) -> None:
    """Without a mark it reads the code page of Guatemala's Windows, 1252; with it, UTF-8."""
    plain, marked = [server.get(f"/exportar/{PLAN}/levels.{ending}").body for ending in ("csv", "excel.csv")]
    assert "ó" in told.text
    assert "verificaciÃ³n" in plain.decode("cp1252", "replace")
    rows = list(csv.DictReader(io.StringIO(marked.decode("utf-8-sig"), newline=""), strict=True))
    assert tuple(rows[0]) == TABLES["levels"].shape.names
    assert told.text in {row["reason"] for row in rows}


def test_the_page_of_exports_says_what_is_for_excel_in_both_languages(server: Served) -> None:
    for prefix, form, sentence in (
        ("", "CSV para Excel", "Excel abre un CSV con las letras equivocadas («Ã³» en lugar de «ó»)"),
        ("/en", "CSV for Excel", "Excel opens a CSV with the wrong letters (“Ã³” for “ó”)"),
    ):
        page = server.get(f"{prefix}/exportar", accept="text/html").body.decode()
        for path in (f"/exportar/{PLAN}/levels.excel.csv", "/consultas/ronda-1/comentarios.excel.csv"):
            assert f'href="{server.path}{path}" download>{form}' in page, path
        assert sentence in page


def test_each_file_names_the_record_on_which_it_stands(server: Served, told: Compared) -> None:
    origin, size, root64 = server.get("/checkpoint").body.decode().split("\n")[:3]
    last = format_time(told.world.entries[-1].received_ms)
    answer = server.get(f"/exportar/{PLAN}/levels.json").json
    assert answer["checkpoint"] == {"origin": origin, "size": int(size), "root": root64}
    assert (answer["as_of"], answer["methodology"]) == (told.world_day(0), {PLAN: 2})
    found = server.get(f"/exportar/{PLAN}/levels.csv")
    description = server.get(f"/exportar/{PLAN}/levels.csv-metadata.json").json
    assert (description["constancia:origin"], description["constancia:tree_size"]) == (origin, int(size))
    assert (description["dc:modified"], description["constancia:methodology"]) == (last, 2)
    assert f'filename="{PLAN}.levels.{size}.{told.world_day(0)}.csv"' in found.headers["content-disposition"]
    schema = parquet.read_schema(io.BytesIO(server.get(f"/exportar/{PLAN}/levels.parquet").body))
    named = json.loads(schema.metadata[b"constancia"])
    assert (named["origin"], named["size"], named["root"]) == (origin, int(size), description["constancia:root"])
    assert schema.field("level").metadata[b"en"].decode().startswith("Level")


def test_a_size_and_a_day_give_the_same_bytes_for_ever(server: Served, told: Compared) -> None:
    at = told.index["resolved"] + 1
    day = told.world_day(400)
    first = server.get(f"/exportar/{PLAN}/levels.csv?at={at}&as_of={day}")
    assert first.status == 200
    assert server.get(f"/exportar/{PLAN}/levels.csv?at={at}&as_of={day}").body == first.body
    assert str(told.index["assessed"]) not in [row["entry"] for row in csv.DictReader(io.StringIO(first.body.decode()))]
    early = server.get(f"/exportar/{PLAN}/levels.csv?at={at}&as_of=2014-01-01")
    assert (early.status, early.json["detail"].split("; ")[0][:14]) == (400, "The record of ")
    assert server.get(f"/exportar/{PLAN}/levels.csv?at=1").status == 404
    assert server.get(f"/exportar/{PLAN}/levels.csv?as_of=2001-01-01").status == 404


def test_who_has_a_table_is_told_that_it_has_not_changed(server: Served, told: Compared) -> None:
    path = f"/exportar/{PLAN}/grades.parquet"
    first = server.get(path)
    again = server.get(path, if_none_match=f'"other", W/{first.headers["etag"]}')
    assert (again.status, again.body) == (304, b"")
    assert server.get(path, if_none_match='"other"').status == 200
    older = server.get(f"{path}?at={len(told.world.entries) - 1}")
    later = server.get(f"{path}?at={len(told.world.entries)}&as_of={told.world_day(3)}")
    assert len({each.headers["etag"] for each in (first, older, later)}) == 3
    head = server.request("HEAD", server.path + path)
    assert (head.status, head.body, head.headers["etag"]) == (200, b"", first.headers["etag"])


@pytest.mark.parametrize("file", ["nothing.csv", "levels", "levels.xls", "levels.csv.csv", "levels.", ".csv"])
def test_what_is_not_there(server: Served, file: str) -> None:
    assert server.get(f"/exportar/{PLAN}/{file}").status == 404
    assert server.get("/exportar/no-hay/levels.csv").status == 404


# --- hostile texts ---------------------------------------------------------------------------------------------------

SHAPE = Shape(
    "hostile",
    ("Hostil", "Hostile"),
    ("Una fila por texto.", "A row for each text."),
    ("n",),
    (
        Column("n", "integer", "Un número.", "A number."),
        Column("text", "string", "Un texto.", "A text."),
        Column("texts", "json", "Textos.", "Texts."),
    ),
)
HEAD = Head("constancia.example/gt", 7, bytes(32), "2015-01-01", "2015-01-01T00:00:00.000Z", PLAN, 1, None)


def written(ending: str, rows: list[Row]) -> bytes:
    return b"".join(FORMS[ending].write(HEAD, SHAPE, rows))


def test_every_hostile_text_comes_back_from_every_form(shared_vectors: Path) -> None:
    folder = shared_vectors / "hostile-strings"
    texts: list[str] = json.loads((folder / "big-list-of-naughty-strings.json").read_text("utf-8"))
    texts += (folder / "csv-injection.txt").read_text("utf-8").splitlines()
    texts += ['a"b,c\r\nd', "\r\n", '"', ",,", "a\nb", "\ttab", "=1+1", "@x", "'quoted"]
    texts = [text for text in texts if text]
    rows: list[Row] = [{"n": -at, "text": text, "texts": (text, f"={text}")} for at, text in enumerate(texts)]
    wanted = [{**row, "texts": [text, f"={text}"]} for row, text in zip(rows, texts, strict=True)]

    read = list(csv.DictReader(io.StringIO(written("csv", rows).decode(), newline=""), strict=True))
    assert [row["text"][len(row["text"]) - len(text) :] for row, text in zip(read, texts, strict=True)] == texts
    assert not [row for row in read if row["text"].startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [json.loads(row["texts"]) for row in read] == [row["texts"] for row in wanted]
    assert [int(row["n"]) for row in read] == [row["n"] for row in rows]
    assert json.loads(written("json", rows))["data"] == wanted
    assert [json.loads(line) for line in written("jsonl", rows).decode().split("\n")[:-1]] == wanted
    assert parquet.read_table(io.BytesIO(written("parquet", rows))).to_pylist() == wanted


def test_a_table_without_rows_is_a_table() -> None:
    assert written("csv", []) == b"n,text,texts\r\n"
    assert json.loads(written("json", []))["data"] == []
    assert written("jsonl", []) == b""
    assert parquet.read_table(io.BytesIO(written("parquet", []))).column_names == ["n", "text", "texts"]


def test_a_large_table_is_handed_on_in_parts() -> None:
    rows: list[Row] = [{"n": at, "text": "x" * 100, "texts": ()} for at in range(25_000)]
    for ending in ("csv", "json", "jsonl", "parquet"):
        parts = [len(part) for part in FORMS[ending].write(HEAD, SHAPE, iter(rows))]
        assert len(parts) > 3, ending
    read = parquet.ParquetFile(io.BytesIO(written("parquet", rows)))
    assert (read.metadata.num_rows, read.metadata.num_row_groups) == (25_000, 3)


def test_a_description_is_json_ld_that_names_its_columns() -> None:
    found = json.loads(described(HEAD, SHAPE, "hostile.csv", 0))
    assert found["@context"][0] == "http://www.w3.org/ns/csvw"
    assert (found["url"], found["tableSchema"]["primaryKey"]) == ("hostile.csv", ["n"])
    assert [column["datatype"] for column in found["tableSchema"]["columns"]] == ["integer", "string", "json"]
    assert found["dc:title"] == [{"@language": "es", "@value": "Hostil"}, {"@language": "en", "@value": "Hostile"}]
    assert found["constancia:root"] == "00" * 32
    assert (found["constancia:rows"], found["constancia:rows_follow_from"]) == (0, "computation")


def test_without_pyarrow_the_server_says_what_to_install(told: Compared, tmp_path: Path) -> None:
    told.write(tmp_path / "registro")
    with Served(tmp_path / "registro", before="import sys\nsys.modules['pyarrow.parquet'] = None\n") as server:
        server.folded()
        answer = server.get(f"/exportar/{PLAN}/levels.parquet")
        assert answer.status == 501
        assert "pip install '.[parquet]'" in answer.json["detail"]
        assert server.get(f"/exportar/{PLAN}/levels.csv").status == 200

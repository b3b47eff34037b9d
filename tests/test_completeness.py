"""Nothing is missing: each table says how many rows it has, and so many are in its file, in every form; where rows
follow from entries, whoever walks over the entries counts as many, without any code of the tables.
"""

import io
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import compared as c
import pytest
import strict_csvw
from compared import PLAN, Compared
from service import Served
from whole_round import place, server

from api.cli import run
from api.tables import TABLES
from api.tabular import DESCRIPTION, FORMS

COMPUTED = {"levels", "tallies", "disagreement", "reasons", "anomalies"}
parquet: Any = import_module("pyarrow.parquet")  # it has no types

__all__ = ["place", "server"]  # fixtures


@pytest.fixture(scope="module")
def told() -> Compared:
    return c.tell()


@pytest.fixture(scope="module")
def written(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command writes, in every form."""
    folder = tmp_path_factory.mktemp("datos")
    words = ["export", "plan", PLAN, "--from", str(place), "--to", str(folder), "--formats", ",".join(FORMS), "--quiet"]
    assert run(words) == 0
    return folder


# --- what a file says, and what is in it -----------------------------------------------------------------------------


def counts(near: Callable[[str], bytes], stem: str) -> dict[str, int]:
    """How many rows there are in each form, each read in its own way, and how many the description states."""
    table = strict_csvw.read(near, f"{stem}.{DESCRIPTION}")
    whole = json.loads(near(f"{stem}.json"))
    file = parquet.ParquetFile(io.BytesIO(near(f"{stem}.parquet")))
    said = json.loads(file.schema_arrow.metadata[b"constancia"])
    follows = {True: "entries", False: "computation"}["whole" in whole]
    assert table.said["constancia:rows_follow_from"] == follows
    assert said.get("whole") == whole.get("whole")
    stated = {"stated": table.said["constancia:rows"], "stated in JSON": whole["rows"]}
    stated |= {"by the tree": whole["whole"]} if "whole" in whole else {}
    return stated | {
        "csv": len(table.rows),
        "json": len(whole["data"]),
        "jsonl": len([json.loads(line) for line in near(f"{stem}.jsonl").decode().split("\n")[:-1]]),
        "parquet": sum(len(batch) for batch in file.iter_batches()),
        "stated in Parquet": file.metadata.num_rows,
    }


@pytest.mark.parametrize("name", list(TABLES))
def test_the_count_that_is_stated_is_that_of_the_rows_in_every_form(server: Served, written: Path, name: str) -> None:
    (path,) = written.glob(f"{PLAN}.{name}.*.csv")
    stem = path.name.removesuffix(".csv")
    by_command = counts(lambda file: (written / file).read_bytes(), stem)
    assert len(set(by_command.values())) == 1, by_command
    assert by_command["csv"] > 0
    assert ("by the tree" in by_command) == (name not in COMPUTED)
    assert counts(lambda file: server.get(f"/exportar/{PLAN}/{file}").body, stem) == by_command
    (index,) = [each for each in written.glob(f"{PLAN}.*.json") if each.name.count(".") == 3]
    listed = [one for one in json.loads(index.read_bytes())["files"] if one.get("table") == name and "rows" in one]
    assert [one["file"] for one in listed] == [f"{stem}.{form}" for form in FORMS]
    assert {one["rows"] for one in listed} == set(by_command.values())


# --- a plain walk over the entries -----------------------------------------------------------------------------------

ONE_EACH = {
    "commitments": "CommitmentRegistered",
    "evidence": "EvidenceLinked",
    "captures": "EvidenceCaptured",
    "checks": "EvidenceChecked",
    "disputes": "EvidenceDisputed",
    "requests": "EvidenceRequested",
    "verdicts": "VerdictGiven",
    "assessed_levels": "CompletionAssessed",
    "codings": "CommitmentCoded",
    "meetings": "MeetingConvened",
}


def walked(lines: list[bytes]) -> dict[str, int]:
    """How many rows each table must have, from signed statements as JSON and nothing else."""
    said = [json.loads(line) for line in lines]
    ours = [one for one in said if one.get("plan") == PLAN]
    found = {table: sum(one["kind"] == kind for one in ours) for table, kind in ONE_EACH.items()}
    commitments = {one["commitment"] for one in ours if one["kind"] == "CommitmentRegistered"}
    defined = {one["mechanism"] for one in ours if one["kind"] == "MechanismDefined"}
    bare = {one for one in commitments if not any(each.startswith(f"{one}.") for each in defined)}
    found["mechanisms"] = len(defined) + len(bare)
    found["grades"] = 0
    for link in [one for one in ours if one["kind"] == "EvidenceLinked"]:
        served: set[str] = set()
        for each in link["for"]:
            below = {one for one in defined if one.startswith(each.removesuffix("M0"))}
            served |= below if each.endswith(".M0") and below else {each}
        found["grades"] += len(served)
    found["claims"] = sum(len(one["claims"]) for one in ours if one["kind"] == "ReportPublished")
    found["figures"] = sum(len(one["values"]) for one in ours if one["kind"] == "IndicatorMeasured")
    return found


def test_whoever_walks_over_the_entries_counts_as_many_rows_at_every_size(server: Served, told: Compared) -> None:
    lines = [entry.opened.line for entry in told.world.entries]
    first = [entry.opened.statement.kind for entry in told.world.entries].index("CommitmentRegistered") + 1
    assert set(walked(lines)) == set(TABLES) - COMPUTED
    for size in [*range(first, len(lines), 7), len(lines)]:
        for name, count in walked(lines[:size]).items():
            stated = server.get(f"/exportar/{PLAN}/{name}.{DESCRIPTION}?at={size}").json["constancia:rows"]
            rows = server.get(f"/exportar/{PLAN}/{name}.json?at={size}").json["data"]
            assert stated == len(rows) == count, (name, size)


def test_evidence_for_no_mechanism_counts_for_those_defined_since() -> None:
    """The counting of this test, held against one that was done by hand."""
    link = {"kind": "EvidenceLinked", "plan": PLAN, "for": [f"{PLAN}/G1.M0", f"{PLAN}/G1.M2", f"{PLAN}/G2.M0"]}
    named: list[dict[str, Any]] = [
        {"kind": "CommitmentRegistered", "plan": PLAN, "commitment": f"{PLAN}/{code}"} for code in ("G1", "G2")
    ]
    named += [link, {"kind": "EvidenceLinked", "plan": "otro", "for": ["otro/G1.M0"]}]
    named += [{"kind": "MechanismDefined", "plan": PLAN, "mechanism": f"{PLAN}/G1.M{number}"} for number in (1, 2)]
    found = walked([json.dumps(one).encode() for one in named])
    assert {name: count for name, count in found.items() if count} == {
        "commitments": 2,
        "evidence": 1,
        "mechanisms": 3,
        "grades": 3,
    }

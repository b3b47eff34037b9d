"""A ledger written today must be readable in ten years: ledgers of every format are kept here, and audited as they are.

`tests/vectors/ledger-1/` was published by hand (tests/second_writer.py) from the storyline when format 1 was settled,
and is never written again. `expected.json` beside it holds what must come out for ever: size, root, identities, levels.
`ledger-2` is the worked example of the methodology, with what the evidence reaches at each tree size: formulas are for
ever too. A new format adds a folder; `python tests/test_old_ledgers.py NEW_FOLDER [story | example]` writes one.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import world as w
from second_writer import contents_files, policy_for, publish
from storyline import story
from test_grading import worked_example

from ledger.published import Folder
from ledger.statement import Entry
from ledger.tlog.policy import parse_policy
from ledger.vocabulary import KINDS
from projections.audit import audit
from projections.commitments import Commitment
from projections.comparison import matrix_of
from projections.evidence import default_as_of
from projections.findings import Report
from projections.records import DictRecords

VECTORS = Path(__file__).parent / "vectors"
OLD = sorted(path.parent for path in VECTORS.glob("ledger-*/expected.json"))


def what_must_come_out(report: Report, records: DictRecords, identities: list[str]) -> dict[str, Any]:
    """Everything about an old ledger that no later version of the software may change."""
    levels: dict[str, Any] = {}
    for key, one in records.scan(Commitment):
        said = one.reported
        levels[key] = None if said is None else [said.level, said.index, said.printed]
    counts = report.counts
    return {
        "founding": identities[0],
        "identities": identities,
        "levels": levels,
        "root": report.root,
        "size": counts.entries,
        "signatures": counts.signatures,
        "texts": [counts.contents_shown, counts.contents_hidden],
        "kinds": dict(sorted(counts.by_kind.items())),
    }


def reached(place: Path, size: int) -> list[list[Any]]:
    """What the evidence reaches of each commitment at a tree size, with e of each mechanism."""
    records = DictRecords()
    audit(Folder(place / "public"), at=size, workers=1, records=records)
    return [
        [row.commitment, one.combined.level, one.combined.percent, list(one.combined.e), one.gap, one.contested]
        for row in matrix_of(records, w.PLAN, size, default_as_of(records, size)).rows
        for one in [row.standing]
    ]


def audited(place: Path, founding: str | None) -> tuple[Report, DictRecords]:
    """The report on an old ledger, with the policy that was pinned when it was new, and the state."""
    records = DictRecords()
    policy = parse_policy((place / "policy").read_bytes())
    report = audit(Folder(place / "public"), policy=policy, founding=founding, workers=1, records=records)
    return report, records


def test_a_ledger_of_each_format_is_kept() -> None:
    assert [place.name for place in OLD] == ["ledger-1", "ledger-2"]


@pytest.mark.parametrize("place", OLD, ids=lambda place: place.name)
def test_an_old_ledger_is_read_as_when_it_was_new(place: Path) -> None:
    expected = msgspec.json.decode((place / "expected.json").read_bytes())
    report, records = audited(place, expected["founding"])
    assert report.findings == []
    assert report.verdict == "verified"
    evidenced = expected.pop("evidenced", {})
    assert what_must_come_out(report, records, expected["identities"]) == expected
    assert {size: reached(place, int(size)) for size in evidenced} == evidenced


def test_every_kind_of_format_1_occurs_in_it() -> None:
    expected = msgspec.json.decode((VECTORS / "ledger-1" / "expected.json").read_bytes())
    assert len(expected["kinds"]) == 44
    assert set(expected["kinds"]) <= set(KINDS)


def test_the_worked_example_still_makes_the_same_statements() -> None:
    expected = msgspec.json.decode((VECTORS / "ledger-2" / "expected.json").read_bytes())
    entries, sizes = worked_example()
    assert [entry.opened.identity for entry in entries] == expected["identities"]
    assert [int(size) for size in expected["evidenced"]] == sizes


def test_the_storyline_still_makes_the_same_statements() -> None:
    """The kept ledger is what this code would still write: no format has moved unnoticed."""
    expected = msgspec.json.decode((VECTORS / "ledger-1" / "expected.json").read_bytes())
    assert [entry.opened.identity for entry in story()] == expected["identities"]


def write(place: Path, entries: list[Entry], sizes: list[int]) -> None:
    """Publish a history into a new folder, with what must come out of it, also of the evidence at these sizes."""
    leaves = [entry.opened.statement for entry in entries]
    lines: list[dict[str, Any]] = []
    hidden: dict[str, Any] = {}
    for entry, statement in zip(entries, leaves, strict=True):
        target = getattr(statement, "target", None) or getattr(statement, "statement", None)
        if statement.kind in ("ContentWithheld", "StatementWithdrawn"):
            identity = target if isinstance(target, str) else target.statement  # type: ignore[union-attr]
            hidden[identity] = {"index": entry.index, "digest": entry.opened.identity}
    for entry, statement in zip(entries, leaves, strict=True):
        for salted in statement.salted_digests():
            line: dict[str, Any] = {"index": entry.index, "salted_digest": salted}
            by = hidden.get(entry.opened.identity)
            shown = {"salt": (b"s" * 32).hex(), "content": {"text": "Buen plan."}}
            lines.append(line | ({"by": by} if by else shown))
    world = w.World()
    world.entries = entries
    files = publish(
        w.ORIGIN, world.leaves(), w.key_of("log"), heads=[1, *(sizes or [60])], others=contents_files(lines)
    )
    for path, content in files.items():
        (place / "public" / path).parent.mkdir(parents=True, exist_ok=True)
        (place / "public" / path).write_bytes(content)
    (place / "policy").write_bytes(policy_for(w.ORIGIN, w.key_of("log")))
    report, records = audited(place, entries[0].opened.identity)
    assert not report.findings, report.findings
    out = what_must_come_out(report, records, [entry.opened.identity for entry in entries])
    if sizes:
        out["evidenced"] = {str(size): reached(place, size) for size in sizes}
    (place / "expected.json").write_bytes(msgspec.json.format(msgspec.json.encode(out), indent=1) + b"\n")


if __name__ == "__main__":
    if sys.argv[2:] == ["example"]:
        write(Path(sys.argv[1]), *worked_example())
    else:
        write(Path(sys.argv[1]), story(), [])

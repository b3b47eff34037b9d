"""Releases and records: for each commitment everything that was stated of it, and what that adds up to.

    GET /gt/exportar/{plan}/histories.jsonl     a commitment a line; also from `constancia export plan`

The pattern is that of open contracting (https://standard.open-contracting.org/latest/en/primer/releases_and_records/):
a release is published once and never changes, a record compiles the releases so far. Here a release is a statement, as
it was signed, with its place in the ledger; the compiled state is the commitment's rows of the tables (`api.tables`).

    {"commitment":"gt-2014-2016/C8",
     "releases":[{"index":33,"identity":"64 hex","received_at":"…Z","statement":{"kind":"CommitmentRegistered",…}},…],
     "compiled":{"commitments":[{…}],"mechanisms":[…],"levels":[…],"evidence":[…],…}}

Comments about a commitment are in the table of their consultation, where what became of each text is said.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from api.tables import TABLES, Stand
from api.tabular import Row
from ledger.statement import format_time
from projections.roll import HistoryLine

NAME = "histories"
ENDING = "jsonl"
MEDIA_TYPE = "application/jsonl; charset=utf-8"

COMPILED = (
    "commitments",
    "levels",
    "mechanisms",
    "evidence",
    "grades",
    "verdicts",
    "assessed_levels",
    "codings",
    "disputes",
    "requests",
)
COMMENTS = ("CommentSubmitted", "CommentTranscribed", "CommentEndorsed")


class Release(msgspec.Struct, frozen=True):
    """A statement as it was signed, and where it stands."""

    index: int
    identity: str
    received_at: str
    statement: msgspec.Raw


class History(msgspec.Struct, frozen=True):
    """A commitment: its statements in order, and its rows of each table."""

    commitment: str
    releases: list[Release]
    compiled: dict[str, list[Row]]


def histories(stand: Stand) -> Iterator[bytes]:
    """The history of each commitment of a plan, a line each."""
    rows = {name: _by_commitment(stand, name) for name in COMPILED}
    for row in stand.matrix.rows:
        lines = stand.records.scan(HistoryLine, prefix=f"{row.commitment}/")
        releases = [_release(stand, line.index) for line in [line for _, line in lines] if line.kind not in COMMENTS]
        compiled = {name: found.get(row.commitment, []) for name, found in rows.items()}
        yield msgspec.json.encode(History(row.commitment, releases, compiled)) + b"\n"


def _release(stand: Stand, index: int) -> Release:
    entry = stand.ground.entry(index)
    received = format_time(entry.received_ms)
    return Release(entry.index, entry.opened.identity, received, msgspec.Raw(entry.opened.line))


def _by_commitment(stand: Stand, name: str) -> dict[str, list[Row]]:
    """The rows of a table by the commitments that they are about; a shared piece of evidence is about several."""
    found: dict[str, list[Row]] = {}
    for row in TABLES[name].rows(stand):
        about: Any = row["commitments"] if "commitments" in row else (row["commitment"],)
        for commitment in about:
            found.setdefault(commitment, []).append(row)
    return found

"""The fold contract: entries in, records out. What the record means now, rebuilt by anyone.

    records = DictRecords()
    for entry in verified_entries:
        evolve(records, entry)
    digest(records, origin, size)         two replays agree if their digests do (FORMAT.md, "Records digest")

A fold is total and pure: it takes any registered statement without an error, and reads no clock, no file and nothing
but the entry and the records so far. So anybody who has the entries has the state, and the history that led to it.
"""

from collections.abc import Callable, Iterable

from ledger.statement import Entry
from ledger.vocabulary import Statement
from projections import anomalies, commitments, evidence, meetings, reports, roll, rounds
from projections.records import DictRecords, Record, Records, RecordsAt, SqliteRecords, compare, digest

__all__ = [
    "DictRecords",
    "Record",
    "Records",
    "RecordsAt",
    "SqliteRecords",
    "compare",
    "digest",
    "evolve",
    "replay",
]


_FOLDS: dict[type[Statement], list[Callable[..., None]]] = {}
for _projection in (commitments, evidence, rounds, meetings, reports, anomalies):
    for _kind, _fold in _projection.FOLDS.items():
        _FOLDS.setdefault(_kind, []).append(_fold)


def evolve(records: Records, entry: Entry) -> None:
    """Take one entry into the records: first where it stands, then each projection that its kind concerns."""
    records.begin(entry.index + 1)
    statement = entry.opened.statement
    known = roll.evolve(records, entry)
    for fold in _FOLDS.get(type(statement), ()):
        fold(records, entry, statement, known)


def replay(entries: Iterable[Entry], records: Records) -> None:
    """Take entries into the records, in order."""
    for entry in entries:
        evolve(records, entry)

"""Keys declared compromised from a time on: what they signed between then and their revocation is in dispute.

    Compromise                       a key, since when, and the entry that said so [key]
    compromises(records)             those that are known, by key
    dispute_of(known, entry)         the one that puts an entry in dispute, or None

Nothing is erased and nothing becomes inadmissible: whoever revokes a key does not undo what was done with it, and a
thief cannot undo it by "revoking" either. The entry stays where it is, marked wherever it is shown, and what computes
a grade from acts leaves it out.

Whether an entry is in dispute is asked of the entry and the keys that it names. It is not written into the records that
the entry made: a revocation reaches back, and each of them would have to keep its signers' keys for that day.
"""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import UNSET

from ledger.statement import Entry, parse_when
from ledger.vocabulary import KeyRevoked
from projections.records import Record, Records


class Compromise(Record, frozen=True, kw_only=True):
    """A key that was not its holder's alone from `since_ms` until the entry `index` revoked it [key]."""

    table: ClassVar[str] = "compromise"
    key: str
    actor: str
    since_ms: int
    index: int


def declare(records: Records, entry: Entry, revoked: KeyRevoked, actor: str) -> None:
    """Fold a revocation: one with a `since` puts what the key signed from then on in dispute."""
    if revoked.since is UNSET:
        return
    since_ms = parse_when(revoked.since)
    records.put(revoked.key, Compromise(key=revoked.key, actor=actor, since_ms=since_ms, index=entry.index))


def compromises(records: Records) -> dict[str, Compromise]:
    """The compromised keys that are known, by key."""
    return dict(records.scan(Compromise))


def dispute_of(known: Mapping[str, Compromise], entry: Entry) -> Compromise | None:
    """The compromise that puts an entry in dispute: one of its signers' keys was not its holder's alone by then."""
    for signer in entry.opened.statement.by:
        found = known.get(signer.key)
        if found is not None and found.since_ms <= entry.received_ms and entry.index < found.index:
            return found
    return None


class Signings:
    """Which entries each actor's key has signed, and when: so that whoever reads all of them counts the disputed."""

    def __init__(self, dumped: Mapping[str, Sequence[bytes]] | None = None) -> None:
        """`dumped` is what `dump` gave, to go on from."""
        self._indexes: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
        self._times: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
        for key, (indexes, times) in (dumped or {}).items():
            self._indexes[key].frombytes(indexes)
            self._times[key].frombytes(times)

    def dump(self) -> dict[str, list[bytes]]:
        """All of it, for a file of this machine."""
        return {key: [indexes.tobytes(), self._times[key].tobytes()] for key, indexes in self._indexes.items()}

    def note(self, entry: Entry) -> None:
        """Take an entry, in order. Citizens' keys are nobody's on the roster, so none of them is ever revoked."""
        for signer in entry.opened.statement.by:
            if signer.actor is not UNSET:
                self._indexes[signer.key].append(entry.index)
                self._times[signer.key].append(entry.received_ms)

    def disputed(self, compromise: Compromise) -> int:
        """How many of the entries noted a compromise puts in dispute."""
        times, indexes = self._times[compromise.key], self._indexes[compromise.key]
        return max(0, bisect_left(indexes, compromise.index) - bisect_left(times, compromise.since_ms))

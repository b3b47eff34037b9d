"""The record as a reader at home has it: from published files alone, each of them verified on the way.

    copy = read_copy(source, policy)      every entry proved to be in the tree, every text held against its digest
    copy.records                          what the folds make of them
    copy.content(identity, digest)        a text, or who took it from view

    read_copy(source, policy, size=812, day="2015-11-30")    the first 812 entries, with levels computed for that day

A `Copy` answers what an `api.record.View` answers, so tables and documents are written from it with the code that
serves them, and come out as the server's. It needs neither vault nor journal, and no word of the server.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import UNSET

from api.comments import filters_of
from api.record import Dated, Hidden, Ledger, Shown
from consultation.hiding import Effect
from consultation.text import BUNDLE, bundle_path, parse_bundle, parse_salt, salted_digest
from ledger.errors import CannotRun, Misbehaviour
from ledger.statement import Entry, format_entry, format_time
from ledger.tlog.checkpoint import Checkpoint
from ledger.tlog.merkle import Frontier, leaf_hash
from ledger.tlog.policy import Policy
from ledger.verify import Source, open_head, own_policy, verified_entries
from ledger.vocabulary import CommentSubmitted, CommentTranscribed, LedgerOpened, Statement
from projections.commitments import PlanState
from projections.compromise import Compromise, compromises, dispute_of
from projections.records import DictRecords
from projections.replay import evolve
from projections.roll import Known
from projections.rounds import Comment

Progress = Callable[[int, int], None]


class Copy(Dated[DictRecords]):
    """The record of a ledger's published files: the newest, or as it stood."""

    newest = True
    position = 2**53  # as a search it knows every entry
    note: bytes | None = None

    def __init__(self, ledger: Ledger, checkpoint: Checkpoint, as_of_ms: int, records: DictRecords) -> None:
        """Use `read_copy`."""
        self.ledger = ledger
        self.checkpoint = checkpoint
        self.size = checkpoint.size
        self.as_of_ms = as_of_ms
        self.as_of = format_time(as_of_ms)
        self.records = records
        self.cosignatures = ()
        self.compromised = compromises(records)
        self.day = ledger.day_of(as_of_ms)
        """The day as of which levels are computed: that of the last entry, or the one that was asked for."""
        self._entries: dict[int, Entry] = {}
        self._contents: dict[tuple[str, str], Shown | Hidden] = {}

    @property
    def methodology(self) -> dict[str, int]:
        """The methodology version in force, by plan."""
        return {key: plan.methodology for key, plan in self.records.scan(PlanState) if plan.methodology}

    def content(self, identity: str, salted_digest: str) -> Shown | Hidden | None:
        """What is public of a content; None where the published files have none."""
        return self._contents.get((identity, salted_digest))

    def entry(self, index: int) -> Entry:
        """An entry that is no comment. Raises IndexError for others."""
        found = self._entries.get(index)
        if found is None:
            raise IndexError(f"entry {index} is not kept here")
        return found

    def index_of(self, identity: str) -> int | None:
        """The index of a statement by its identity (64 hex), if it is in the record."""
        known = self.records.get(Known, identity)
        return None if known is None else known.index

    def statements(self, plan: str) -> Iterator[Statement]:
        """Every statement of a plan that is no comment, in the order of the tree."""
        found = (entry.opened.statement for entry in self._entries.values())
        return (one for one in found if getattr(one, "plan", UNSET) == plan)

    def dispute(self, index: int) -> Compromise | None:
        """The compromise of a key that puts an entry in dispute; citizens' keys are nobody's to compromise."""
        found = self._entries.get(index)
        return dispute_of(self.compromised, found) if found is not None and self.compromised else None

    def counts(self, round_: str, name: str) -> list[tuple[str, int]]:
        """How many comments of a round have each value of a filter, as `api.search.Search.counts` has it."""
        found = Counter(
            [
                value
                for _, comment in self.records.scan(Comment, prefix=f"{round_}/")
                for field, value in filters_of(self.ledger, comment)
                if field == name
            ]
        )
        return sorted(found.items())


def read_copy(
    source: Source, policy: Policy | None, progress: Progress, *, size: int | None = None, day: str = ""
) -> Copy:
    """What is published now, or its first `size` entries, or those received up to the end of a day (YYYY-MM-DD).

    With both, the record of that size with levels computed for that day. Without a policy the ledger's own says which
    keys are its. Raises Misbehaviour at the first fault, CannotRun for no such state or a file that cannot be read.
    """
    head = open_head(source, policy or own_policy(source), quorum=policy is not None)
    if size is not None and not 1 <= size <= head.size:
        raise _no_such_state(head.size)
    records = DictRecords()
    kept: dict[int, Entry] = {}
    bound: dict[int, Entry] = {}
    frontier = Frontier()
    last = 0
    for entry in verified_entries(source, head):
        if size is not None and entry.index >= size:
            break
        if size is None and day and _ledger(kept.get(0, entry)).day_of(entry.received_ms) > day:
            break
        evolve(records, entry)
        frontier.append(leaf_hash(format_entry(entry.received_ms, entry.opened.note)))
        if not isinstance(entry.opened.statement, CommentSubmitted | CommentTranscribed):
            kept[entry.index] = entry
        if entry.opened.statement.salted_digests():
            bound[entry.index] = entry
        last = entry.received_ms
        progress(entry.index + 1, size or head.size)
    if not kept:
        raise _no_such_state(head.size)
    copy = Copy(_ledger(kept[0]), Checkpoint(head.origin, frontier.size, frontier.root()), last, records)
    if day:
        copy.day = day
    if copy.day < copy.ledger.day_of(last):
        raise CannotRun(
            f"El registro de {copy.size} asientos llega hasta el {copy.ledger.day_of(last)}.",
            f"The record of {copy.size} entries goes to {copy.ledger.day_of(last)}.",
            "Pida ese día o uno posterior con --as-of, o menos asientos con --at.",
            "Ask for that day or a later one with --as-of, or for fewer entries with --at.",
        )
    copy._entries = kept  # pyright: ignore[reportPrivateUsage]
    copy._contents = dict(_contents(source, copy.size, bound, kept))  # pyright: ignore[reportPrivateUsage]
    return copy


def _no_such_state(size: int) -> CannotRun:
    return CannotRun(
        f"El registro tiene {size} asientos, y ninguno de entonces.",
        f"The ledger has {size} entries, and none of then.",
        "Dé un tamaño de 1 a ese número con --at, o un día posterior al primero con --as-of.",
        "Give a size from 1 to that number with --at, or a day after the first one with --as-of.",
    )


def _ledger(founding: Entry) -> Ledger:
    statement = founding.opened.statement
    assert isinstance(statement, LedgerOpened)  # the rule of index 0, which an audit checks
    identity = founding.opened.identity
    path = statement.origin.rpartition("/")[2]
    return Ledger(statement.origin, path, statement.purpose, statement.offset_minutes, identity, "")


_EFFECTS: dict[str, Effect] = {
    "ContentWithheld": "withheld",
    "ContentRedacted": "redacted",
    "ContentRestored": "replaced",
    "StatementWithdrawn": "withdrawn",
    "ContentErased": "erased",
}


def _contents(
    source: Source, size: int, bound: dict[int, Entry], kept: dict[int, Entry]
) -> Iterable[tuple[tuple[str, str], Shown | Hidden]]:
    """What is public of each content; a text that does not give its digest is no text of this ledger."""
    for number in range(-(-size // BUNDLE)):
        raw = source.read(bundle_path(number))
        for line in parse_bundle(raw, number) if raw is not None else ():
            entry = bound.get(line.index)
            if entry is None or line.salted_digest not in entry.opened.statement.salted_digests():
                continue  # of an entry that came after this head
            key = (entry.opened.identity, line.salted_digest)
            by: Any = line.by
            if by:
                act = kept.get(by.index) if by.index < size else None  # else of an entry that came after this head
                ground: Any = getattr(act.opened.statement, "ground", None) if act else None
                effect = _EFFECTS.get(act.opened.statement.kind, "withheld") if act else "withheld"
                yield key, Hidden(by.index, by.digest, ground if isinstance(ground, str) else None, effect)
                continue
            salt: Any = line.salt
            content: Any = line.content
            signer = entry.opened.statement.by[0].key
            if salted_digest(parse_salt(salt), entry.opened.origin, signer, content) != line.salted_digest:
                detail = f"the text of entry {line.index} does not give its salted digest"
                raise Misbehaviour("content-altered", detail, index=line.index, path=bundle_path(number))
            yield key, Shown(content, salt)

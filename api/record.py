"""The record, read: a `View` is the record as it stood at one tree size, and names the checkpoint it stands on.

    reader.at()            the newest size that is published and folded
    reader.at(812)         the record of the first 812 entries
    reader.as_of("2026-05-01")   of the entries received up to the end of that day, by the ledger's own clock
    view.cosignatures      who has cosigned a head that contains these entries, and when

Pages and the JSON API read through it alike, so both say the same. What is public *now* of contents (texts that may
have been withheld) comes from the vault whatever the view's size: a withheld text is not shown in older views either.
No text is kept in memory between requests, here or anywhere in the server (what is cached are hashes, times, catalogues
and QR codes of addresses), and no answer with a text may be kept unasked (`no-cache`, `contents/` `no-store`). So there
is nothing to clear when a text is withheld or erased. tests/test_gone.py looks everywhere.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache, partial
from typing import Generic, TypeVar

import msgspec

from api.archives import Archive
from api.documents import Documents
from api.problems import Problem
from api.search import Search
from api.settings import Settings
from consultation.desk import reopen
from consultation.hiding import Effect
from consultation.text import Content, parse_content
from consultation.vault import Vault
from ledger.cosigning import Cosigned, Standing
from ledger.log import Log
from ledger.rulebook import Barred, barred_from_moderating
from ledger.statement import Entry, format_time, parse_entry, parse_time, parse_when
from ledger.tlog.checkpoint import Checkpoint
from ledger.tlog.merkle import Frontier
from ledger.tlog.tiles import HashReader
from ledger.vocabulary import LedgerOpened
from ledger.witnesses import Cosigning, Witnessed
from projections.commitments import PlanState
from projections.comparison import Matrix, matrix_of
from projections.compromise import Compromise, compromises, dispute_of
from projections.evidence import Situation, standing_of
from projections.grading import CommitmentStanding, reasons_in
from projections.records import Records, RecordsAt, SqliteRecords, digest
from projections.remembered import Remembered

MAX_AT = 2**53 - 1
KEPT_OPEN = 256  # entries, of 64 KiB at the most
KEPT_LEVELS = 20_000  # of a commitment, at a size and on a day: some hundred bytes each
KEPT_MATRICES = 16  # of all commitments of a plan, with every reason


V = TypeVar("V")
S = TypeVar("S", bound=Records)


class Ledger(msgspec.Struct, frozen=True):
    """What never changes about a ledger. `path` is the segment it is served under."""

    origin: str
    path: str
    purpose: str
    offset_minutes: int
    founding: str
    """Identity of the founding statement, which auditors pin."""
    desk_key: str

    def day_of(self, received_ms: int) -> str:
        """The day of a received time (`YYYY-MM-DD`) by the ledger's own clock."""
        seconds = received_ms // 1000 + 60 * self.offset_minutes
        return (date.fromordinal(date(1970, 1, 1).toordinal() + seconds // 86_400)).isoformat()


class Shown(msgspec.Struct, frozen=True):
    """A content that is public now, with its salt (64 hex)."""

    content: Content
    salt: str


class Hidden(msgspec.Struct, frozen=True):
    """A content taken from view by a statement: its index, identity and ground, and what it did.

    Without a ground its author withdrew it, or it is the shorter text of a redaction that has ended.
    """

    index: int
    identity: str
    ground: str | None
    effect: Effect


class Evidenced(msgspec.Struct, frozen=True):
    """What the evidence supported of a commitment at a size and on a day: level, percent, and the rules that fired."""

    level: str
    percent: int
    rules: frozenset[str]

    @classmethod
    def of(cls, standing: CommitmentStanding) -> "Evidenced":
        """That of a standing."""
        rules = frozenset([one.rule for one in reasons_in(standing)])
        return cls(standing.combined.level, standing.combined.percent, rules)


class Dated(Generic[S]):
    """Records and a day: what levels are computed on."""

    records: S
    day: str

    def situation(self, plan: str) -> Situation:
        """What all commitments of a plan have in common here; found once, for the fifty that a page may show."""
        known: dict[tuple[str, str], Situation] = self.__dict__.setdefault("_situations", {})
        key = (plan, self.day)
        if key not in known:
            known[key] = Situation(self.records, plan, self.day)
        return known[key]


class View(Dated[RecordsAt]):
    """The record of the first `size` entries. Cheap to make; for one request."""

    def __init__(self, reader: "Reader", size: int, root: bytes, note: bytes | None, records: RecordsAt) -> None:
        """Use a Reader."""
        self.ledger = reader.ledger
        self.size = size
        self.checkpoint = Checkpoint(reader.ledger.origin, size, root)
        self.note = note
        self.records = records
        self._reader = reader
        self.as_of_ms = parse_entry(self.entry_bytes(size - 1))[0]
        self.day = reader.ledger.day_of(self.as_of_ms)
        """The day as of which levels are computed: that of the last entry, or the one that was asked for."""

    @property
    def cosignatures(self) -> tuple[Cosigned, ...]:
        """Who cosigned the newest head with a quorum, if that contains all entries of this view; else nobody yet."""
        witnessed = self._reader.witnessed
        return witnessed.cosignatures if witnessed and witnessed.head.size >= self.size else ()

    @property
    def newest(self) -> bool:
        """Whether this was the newest size when the view was made."""
        return self.note is not None

    @property
    def as_of(self) -> str:
        """The received time of the last entry, RFC 3339 with milliseconds."""
        return format_time(self.as_of_ms)

    def entry_bytes(self, index: int) -> bytes:
        """The bytes of an entry. Raises IndexError when the view has no such entry."""
        if not 0 <= index < self.size:
            raise IndexError(f"no entry {index} among {self.size}")
        return next(self._reader.entries(index, index + 1))

    def entry(self, index: int) -> Entry:
        """An entry, opened. Raises IndexError when the view has no such entry."""
        if not 0 <= index < self.size:
            raise IndexError(f"no entry {index} among {self.size}")
        return self._reader.opened(index)

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        """Entries from `start` up to, not including, `stop` or the end of the view."""
        for index, raw in enumerate(self._reader.entries(start, min(stop, self.size)), start):
            yield reopen(index, raw, self.ledger.origin)

    @cached_property
    def compromised(self) -> dict[str, Compromise]:
        """The keys that were declared compromised from a time on; mostly none."""
        return compromises(self.records)

    def dispute(self, index: int) -> Compromise | None:
        """The compromise of a key that puts an entry in dispute, or None. IndexError where there is no such entry."""
        return dispute_of(self.compromised, self.entry(index)) if self.compromised else None

    def index_of(self, identity: str) -> int | None:
        """The index of a statement by its identity (64 hex), if it is in the view."""
        index = self._reader.find(identity)
        return index if index is not None and index < self.size else None

    @property
    def methodology(self) -> dict[str, int]:
        """The methodology version in force, by plan."""
        return {key: plan.methodology for key, plan in self.records.scan(PlanState) if plan.methodology}

    def content(self, identity: str, salted_digest: str) -> Shown | Hidden | None:
        """What is public now of a content: the text, or who took it from view; None if the vault has none."""
        held = self._reader.vault.held(identity, salted_digest)
        if held is None or held.index >= self.size:
            return None
        if held.hidden:
            return Hidden(held.hidden.index, held.hidden.by, held.hidden.ground, held.hidden.effect)
        return Shown(parse_content(held.content), held.salt.hex())


class Reader:
    """The record of one ledger, for all threads. Views stand on what is both published and folded."""

    def __init__(
        self,
        ledger: Ledger,
        log: Log,
        vault: Vault,
        records: SqliteRecords,
        documents: Documents,
        cosigning: Cosigning | None = None,
    ) -> None:
        """`records` is folded by somebody else (api.projector), whose position moves on while we read; `cosigning` are
        the witnesses of the ledger, where its policy asks for any. `search` is set by whoever keeps one."""
        self.ledger = ledger
        self.asks_witnesses = cosigning is not None
        self._cosigning = cosigning
        self.documents = documents
        self.settings: Settings | None = None
        """How this installation is set up, for the page that says what is kept of people."""
        self.archive: Archive | None = None
        """Where captured bytes are kept, as far as they are kept here."""
        self.vault = vault
        self.find = log.find
        self.entries = log.entries
        self.consistency = log.consistency
        self.root_at = log.root_at
        self.published = log.folder.read
        self.search: Search | None = None
        # No entry ever changes, and one answer to two hundred comments stands under each of them.
        self.opened = lru_cache(KEPT_OPEN)(self._open)
        self.evidenced = lru_cache(KEPT_LEVELS)(self._evidenced)
        # Nothing of a size ever changes, so what was computed of it may be kept: it holds statements, and no content.
        self.matrix = lru_cache(KEPT_MATRICES)(self.compare)
        self._remembered = Remembered()
        self._log = log
        self._records = records
        self._roots: OrderedDict[int, bytes] = OrderedDict()
        self._digests: OrderedDict[int, str] = OrderedDict()
        self._lock = threading.Lock()

    def _open(self, index: int) -> Entry:
        return reopen(index, next(self.entries(index, index + 1)), self.ledger.origin)

    def _evidenced(self, commitment: str, size: int, day: str) -> Evidenced | None:
        """The level by the evidence at a size and on a day; None where there was no such commitment."""
        found = standing_of(self._records.at(size), commitment, day)
        return Evidenced.of(found) if found else None

    def standing(self, situation: Situation, commitment: str, size: int) -> CommitmentStanding | None:
        """The levels of a commitment in a situation, which is of `size` entries; not computed again while nothing that
        they follow from is otherwise."""
        since = self._records.at(size).since(commitment)
        return self._remembered.standing_of(situation, commitment, since) if since is not None else None

    def compare(self, plan: str, size: int, as_of: str) -> Matrix:
        """Reported against evidenced, for each commitment of a plan at a size and a day."""
        records = self._records.at(size)
        return matrix_of(
            records, plan, size, as_of, partial(self._remembered.standings_of, touched=records.touched(plan))
        )

    @property
    def witnessed(self) -> Witnessed | None:
        """The newest head with its quorum of witnesses; None while there is none, or where none is asked for."""
        return self._cosigning.witnessed if self._cosigning else None

    def standings(self) -> list[Standing]:
        """How it stands with each witness of the ledger's policy."""
        return self._cosigning.standings() if self._cosigning else []

    @property
    def vkey(self) -> str:
        """The log key that signs the newest head: what a reader of a fresh receipt pins."""
        return self._log.vkey

    @property
    def vkeys(self) -> tuple[str, ...]:
        """Every key that is or was the log's, the newest last."""
        return self._log.vkeys

    def barred(self, identity: str) -> dict[str, Barred]:
        """The organisations that rule A6 keeps from moderating a statement now, and why."""
        docket = self._log.docket
        earlier = docket.earlier(identity)
        return barred_from_moderating(earlier.commitments, earlier.round, docket) if earlier else {}

    def responsible(self, commitment: str) -> frozenset[str]:
        """The organisations that are or were responsible for a commitment: rule A6 bars them from judging it."""
        known = self._log.docket.commitments.get(commitment)
        return known.ever if known else frozenset()

    def receipt(self, index: int) -> bytes:
        """The receipt of an entry as `GET receipts/…` gives it: cosigned as soon as it can be.

        LookupError for an index that is not published.
        """
        return self._log.cosigned_receipt(index) or self._log.receipt(index)

    @property
    def head_note(self) -> bytes:
        """The newest head that the log has signed: of as many entries as any view, or more. Raises Problem (503)."""
        head = self._log.head
        if head is None:
            raise Problem(503, "The record is being read; try again in a moment.", "busy", "transport")
        return head.note

    @property
    def newest(self) -> int:
        """The newest size that a view can stand on; 0 while nothing is folded."""
        return min(self._records.position, self._log.size)

    def at(self, size: int | None = None) -> View:
        """The view of the first `size` entries, or the newest. Raises Problem (404, 503)."""
        head = self._log.head
        newest = self.newest
        if head is None or newest < 1:
            raise Problem(503, "The record is being read; try again in a moment.", "busy", "transport")
        wanted = newest if size is None else size
        if not 1 <= wanted <= newest:
            raise Problem(404, f"The record has {newest} entries; there is no state of it at {wanted}.")
        if wanted == head.size:
            root = head.root
        else:
            root = self._root(wanted)
        note = head.note if wanted == head.size else None
        return View(self, wanted, root, note, self._records.at(wanted))

    def as_of(self, moment: str) -> View:
        """The view of the entries received up to the end of a day (`YYYY-MM-DD`), or up to a time (`…Z`).

        Raises Problem: 400 for what is neither, 404 before the first entry.
        """
        end = self.end_of(moment)
        low, high = 0, self.newest
        while low < high:
            middle = (low + high) // 2
            if parse_entry(next(self._log.entries(middle, middle + 1)))[0] < end:
                low = middle + 1
            else:
                high = middle
        if low < 1:
            raise Problem(404, f"Nothing was registered up to {moment}.")
        view = self.at(low)
        view.day = self.ledger.day_of(end - 1)
        return view

    def end_of(self, moment: str) -> int:
        """The first millisecond after a day by the ledger's clock, or after a time. Raises Problem (400)."""
        try:
            if len(moment) == 10:
                day = datetime.strptime(moment, "%Y-%m-%d").replace(tzinfo=UTC)
                if day.date().isoformat() != moment:
                    raise ValueError
                after = day + timedelta(days=1) - timedelta(minutes=self.ledger.offset_minutes)
                return int(after.timestamp()) * 1000
            return (parse_time(moment) if "." in moment else parse_when(moment) + 999) + 1
        except (ValueError, OverflowError):
            raise Problem(400, "`as_of` is a day such as 2026-05-01, or a time such as 2026-05-01T12:00:00Z.") from None

    def asked(self, at: str | None, as_of: str | None) -> View:
        """The view that a request asks for with `?at=SIZE` or `?as_of=DATE`; with both, that size seen on that day.

        A level depends on the two, so whoever cites one gives both. Raises Problem.
        """
        if at is None:
            return self.at() if as_of is None else self.as_of(as_of)
        view = self.at(plain_number(at, "at"))
        if as_of is not None:
            view.day = self.ledger.day_of(self.end_of(as_of) - 1)
        return view

    def digest(self, size: int) -> str:
        """The records digest of a size that a view can stand on. It reads every record, so it is kept."""
        return self._kept(self._digests, size, lambda: digest(self._records.at(size), self.ledger.origin, size))

    def _root(self, size: int) -> bytes:
        # From the newest tiles: partial ones exist only for sizes under which a head was signed.
        return self._kept(self._roots, size, lambda: Frontier.at(size, HashReader(self._log.size, self._tile)).root())

    def _kept(self, kept: OrderedDict[int, V], size: int, compute: Callable[[], V]) -> V:
        """What was computed for a size before, or is now. Nothing of a size ever changes."""
        with self._lock:
            found = kept.get(size)
        if found is None:
            found = compute()
            with self._lock:
                kept[size] = found
                while len(kept) > 1_024:
                    kept.popitem(last=False)
        return found

    def _tile(self, path: str) -> bytes:
        raw = self._log.folder.read(path)
        if raw is None:
            raise FileNotFoundError(path)
        return raw


def plain_number(text: str, name: str, most: int = MAX_AT) -> int:
    """A number written `0` or without a leading zero. Raises Problem (400)."""
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or str(int(text)) != text or int(text) > most:
        raise Problem(400, f"`{name}` is a whole number of at most {most}.")
    return int(text)


def ledger_of(path: str, log: Log, desk_key: str) -> Ledger:
    """What the founding statement says of a ledger. Raises LookupError before it is published."""
    if not log.size:
        raise LookupError(f"{log.origin} has no founding statement yet")
    founding = reopen(0, next(log.entries(0, 1)), log.origin).opened
    statement = founding.statement
    if not isinstance(statement, LedgerOpened):
        raise LookupError(f"the first entry of {log.origin} is no founding")
    return Ledger(log.origin, path, statement.purpose, statement.offset_minutes, founding.identity, desk_key)

"""The log: the one writer of a ledger. It registers statements, integrates them into the tree, publishes and proves.

Three words for the life of a statement: *sequenced* is in the journal at its index, *integrated* is in the tree,
*published* is under a signed head that anybody can fetch. A caller is answered when its statement is published.

    with Log.open(origin, journal=…, published=…, log_key=…) as log:
        registered = log.register(note).result()      # or raises Refused, CannotRun
        receipt = log.receipt(registered.index)       # a C2SP tlog-proof

Callers' threads parse and verify signatures; then one thread, the sequencer, takes everything that waits (no timer)
and walks it through these steps, each of which says in `_sequence` and `_publish` what is safe once it is done:

    1  judge     the rulebook, in memory, one statement after the other; received time is given
    2  contents  citizens' texts into the vault: no published digest may lack its content
    3  journal   one durable transaction for the batch
    4  files     bundles, then tiles, written once and synced; contents as far as they are public
    5  check     leaf hashes and root computed again from what was written
    6  sign      the head
    7  swap      `head` compared and swapped, outside the database: a log never signs two histories
    8  checkpoint   the newest head, where the policy asks for no witness
    9  answer    the callers

Where the policy asks for a quorum of witnesses, `checkpoint` is not this module's: whoever asks them
(`ledger.witnesses`) puts the newest head there that has the quorum, off this path, and says so by `set_witnessed`, for
the receipts. Nobody who states something waits for a witness.

Opening a ledger walks the same path: what is in the journal and under no head is published. A head that knows more
than the journal, or other entries, means that an old backup was restored: then nothing is written at all. Heads are
looked for in the folder and, before anything is signed, with the witnesses (`Elsewhere`).

A failure is never retried into doubt. Nothing written yet: the batch is answered "busy" and forgotten, and the docket
is loaded again from the journal. A disk that fails or is full while writing: the writer stops, `stopped` says why, no
caller is acknowledged any more, and whoever runs this process ends it; the next start reads what was kept.

Design: DESIGN.md, sections 3 and 4; log-formats, sections 6 to 8 and 13.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec
from nacl.signing import SigningKey

from ledger.cosigning import Prove
from ledger.errors import CannotRun, Refused
from ledger.journal import Journal, Row
from ledger.own_keys import OwnKeys
from ledger.published import Folder
from ledger.rulebook import Docket, check_admissible
from ledger.statement import Opened, canonical, decode_line, format_entry, format_time, open_statement, parse_entry
from ledger.tlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.tlog.errors import FormatError, Malformed
from ledger.tlog.merkle import Frontier, consistency_proof, leaf_hash
from ledger.tlog.note import check_name, parse_note, parse_vkey
from ledger.tlog.policy import NONE, parse_policy
from ledger.tlog.proof import Proof, format_proof
from ledger.tlog.tiles import (
    WIDTH,
    HashReader,
    TileEdge,
    bundles_for_growth,
    format_bundle,
    parse_bundle,
    tiles_of,
)
from ledger.vocabulary import LedgerOpened, LogKeyRotated

MERGE_DELAY_SECONDS = 10
"""What the ledger promises: within this time an acknowledged statement is under a published head."""

FORMATS = (
    "c2sp.org/signed-note@v1.0.0",
    "c2sp.org/tlog-checkpoint@v1.0.0",
    "c2sp.org/tlog-cosignature@v1.0.1",
    "c2sp.org/tlog-proof@v1",
    "c2sp.org/tlog-tiles@v0.1.0",
    "constancia/claim/v1",
    "constancia/content/v1",
    "constancia/statement/v1",
)

CLOCK_TOLERANCE_MS = 60_000
JUMP_WARNING_MS = 24 * 3_600_000
JUMP_REFUSED_MS = 400 * 86_400_000

# Entries that are read into memory at once when much is to be published, as after the loss of the folder.
CATCH_UP = 2_048

_logger = logging.getLogger("constancia.log")


# --- what goes in and comes out --------------------------------------------------------------------------------------


class Registered(msgspec.Struct, frozen=True):
    """Where a statement stands in the record. `fresh` is False when the same text had been registered before."""

    index: int
    identity: str
    received_ms: int
    entry: bytes
    fresh: bool


class Head(msgspec.Struct, frozen=True):
    """A signed head: `note` is the checkpoint's bytes."""

    size: int
    root: bytes
    note: bytes


class Known(msgspec.Struct, frozen=True):
    """A head that this log signed, and who has it: a clause in Spanish and in English."""

    head: Head
    es: str
    en: str


class Elsewhere(Protocol):
    """Those outside this folder who know heads of this log, asked before it signs: `ledger.witnesses`."""

    def shown(self) -> Sequence[Known]:
        """Heads that are signed by this log, as witnesses show them or as they were kept with their cosignatures."""
        ...

    def agree(self, head: Head, prove: Prove) -> bool | None:
        """Have them cosign the head that is published already; say whether a quorum of them agrees with our clock
        (None: too few gave a time). Raises CannotRun when one of them knows a tree that is not ours."""
        ...


class Deposit(msgspec.Struct, frozen=True):
    """A statement that is about to be registered, with what its submitter sent for the vault."""

    opened: Opened
    received_ms: int
    contents: tuple[object, ...]


class Contents(Protocol):
    """What lies beside the tree and goes with it: the vault and its public files (`consultation.desk`)."""

    def keep(self, batch: Sequence[Deposit]) -> None:
        """Keep the contents of statements, durable on return. Called before they are journaled; some of them may
        then never be registered, or be brought again. Raises CannotRun when the disk fails, which stops the writer;
        after any other error the batch is forgotten and its callers get that error."""
        ...

    def publish(self, start: int, stop: int, docket: Docket) -> None:
        """Write what is public now of the entries start..stop-1, and of those whose contents they hide or show.
        Durable on return. Called before the head that covers them; after a crash once more."""
        ...


class NoContents:
    """For a ledger without a vault: statements that bring contents are refused by whoever takes them in."""

    def keep(self, batch: Sequence[Deposit]) -> None:
        """Nothing to keep."""

    def publish(self, start: int, stop: int, docket: Docket) -> None:
        """Nothing to publish."""


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Clock(msgspec.Struct, frozen=True):
    """The two clocks of the machine, as tests may set them: `wall_ms` counts since 1970, `monotonic` seconds."""

    wall_ms: Callable[[], int] = _wall_ms
    monotonic: Callable[[], float] = time.monotonic


class Limits(msgspec.Struct, frozen=True):
    """How much the writer takes at once, and how much may wait for it before callers are told "busy"."""

    batch_statements: int = 500
    batch_bytes: int = 256 * 1024
    waiting_statements: int = 5_000
    waiting_bytes: int = 32 * 1024 * 1024


class Pace:
    """When the next head may be signed.

    Under load (more is waiting): `interval` seconds after the last. Idle: at once, as long as it stays at one each
    `interval` on average over a minute. Each head leaves partial tiles behind for an hour, so a steady trickle of
    single statements must not make hundreds of heads a second; one body sending its fifty statements one after the
    other need not wait for each.
    """

    def __init__(self, interval: float = 0.05, burst: float = 1_200) -> None:
        self.interval = interval
        self._burst = burst
        self._saved = burst
        self._last = float("-inf")

    def wait(self, now: float, *, idle: bool) -> float:
        """Seconds until the next head, 0 for at once; `now` is a monotonic time."""
        if not idle:
            return max(0.0, self._last + self.interval - now)
        return max(0.0, (1 - self._savings(now)) * self.interval)

    def spend(self, now: float) -> None:
        """A head was signed."""
        self._saved = self._savings(now) - 1
        self._last = now

    def _savings(self, now: float) -> float:
        return min(self._burst, self._saved + (now - self._last) / self.interval)


class _Waiting(msgspec.Struct, frozen=True):
    """A statement on its way to the sequencer, or from it to its caller."""

    opened: Opened
    contents: tuple[object, ...]
    answer: Future[Registered]


class _Judged(msgspec.Struct):
    """What judging a batch has come to. Nothing of it holds before the journal has it."""

    rows: list[Row] = []
    deposits: list[Deposit] = []
    taken: list[tuple[_Waiting, Registered]] = []
    refused: list[tuple[_Waiting, Exception]] = []


class _Unfoldable(Exception):
    """The docket failed in the middle of taking a statement: it can no longer be trusted."""

    def __init__(self, culprit: _Waiting, cause: Exception) -> None:
        super().__init__(str(cause))
        self.culprit = culprit
        self.cause = cause


# --- the log ---------------------------------------------------------------------------------------------------------


class Log:
    """A ledger open for writing. All methods may be called from any thread; one thread of its own writes."""

    def __init__(
        self,
        origin: str,
        journal: Journal,
        folder: Folder,
        keys: OwnKeys,
        contents: Contents,
        clock: Clock,
        limits: Limits,
        pace: Pace,
        policy: bytes | None,
    ) -> None:
        """Use `Log.open`."""
        self.origin = origin
        self.folder = folder
        self.stopped: CannotRun | None = None
        """Why the writer stopped, if it did. Nothing is registered any more."""
        self.on_published: list[Callable[[Head], None]] = []
        """Called in the writer's thread after each new head, when its callers were answered. Be quick."""
        self.on_stopped: list[Callable[[CannotRun], None]] = []
        """Called in the writer's thread when it stops for a fault. A server then ends its process."""

        self._journal = journal
        self._keys = keys
        self._contents = contents
        self._clock = clock
        self._limits = limits
        self._pace = pace
        self._policy = policy or b"quorum none\n"
        self.asks_witnesses = parse_policy(self._policy).quorum != NONE
        """Whether the ledger's policy asks for a quorum: then a receipt under the newest head is provisional."""
        self._started = (clock.wall_ms(), clock.monotonic())

        # Owned by the sequencer (before it starts: by `open`).
        self._docket = Docket(origin)
        self._desk_key: str | None = None
        self._named: tuple[str, ...] = ()  # the keys that the folder's own files name
        self._tree = Frontier()  # of the journal: all that is sequenced
        self._edge = TileEdge()  # of the published files
        self._entries: list[bytes] = []  # from the last multiple of 256 under a head on: the newest bundle's …
        self._first = 0  # … and the index of the first of them
        self._in_hand: list[_Waiting] = []  # the batch being sequenced
        self._pending: list[tuple[_Waiting, Registered]] = []  # sequenced, not yet published

        # Replaced whole by the sequencer, read by all.
        self._prover: _Prover | None = None
        # The newest head with a quorum of witnesses: replaced whole by whoever asks them.
        self._witnessed: _Prover | None = None

        # Under this condition: what waits for the sequencer.
        self._turn = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._closing = False
        self._halted: CannotRun | None = None
        self._thread = threading.Thread(target=self._run, name=f"log {origin}", daemon=True)

    @classmethod
    def open(
        cls,
        origin: str,
        *,
        journal: Path,
        published: Path,
        log_key: SigningKey,
        next_key: SigningKey | None = None,
        contents: Contents | None = None,
        desk_key: str | None = None,
        create: bool = False,
        accept_time: bool = False,
        clock: Clock | None = None,
        limits: Limits | None = None,
        pace: Pace | None = None,
        policy: bytes | None = None,
        elsewhere: Elsewhere | None = None,
        known: Sequence[Known] = (),
    ) -> Self:
        """Open the ledger `origin` for writing; with `create`, make it (empty: the founding statement comes first).

        `journal` is the database file, `published` the folder of the public files, `desk_key` the public key (64
        hex digits) of the desk that signs refusals. `log_key` signs heads, and `next_key` from the LogKeyRotated on
        that names it; afterwards it may stand in the place of `log_key`. `accept_time` confirms a clock more than 400
        days after the last entry, or one that witnesses contradict. `policy` is the ledger's policy file, published
        with the log's keys that it does not name (None: one that asks for no witness); where it asks for a quorum,
        `elsewhere` are the witnesses, heard before anything is signed; `known` are heads that others have shown, such
        as mirrors, and that this log signed. Publishes what the journal holds beyond the
        published head. Raises CannotRun: another writer, not a ledger, another ledger's folder or key, a journal that
        was altered, a head that knows more than the journal, a clock that cannot be right.
        """
        try:
            check_name(origin)
        except Malformed as error:
            raise CannotRun(
                f"«{origin}» no puede ser el origen de un registro ({error.message}).",
                f"“{origin}” cannot be the origin of a ledger ({error.message}).",
                "Es una dirección sin esquema, como constancia.example/gt.",
                "It is an address without a scheme, such as constancia.example/gt.",
            ) from error
        kept = Journal.open(journal, create=create)
        try:
            folder = Folder(published)
            log = cls(
                origin,
                kept,
                folder,
                OwnKeys(origin, [log_key] if next_key is None else [log_key, next_key]),
                contents or NoContents(),
                clock or Clock(),
                limits or Limits(),
                pace or Pace(),
                policy,
            )
            log._recover(desk_key, elsewhere, known, accept_time=accept_time)
        except BaseException:
            kept.close()
            raise
        log._thread.start()
        return log

    def halt(self, error: CannotRun) -> None:
        """Stop the writer from outside: nothing is signed any more, callers get this error. Returns at once."""
        with self._turn:
            self._halted = self._halted or error
            self._turn.notify_all()

    def close(self) -> None:
        """Register and publish what waits, then stop. Safe to call twice."""
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        if self._thread is threading.current_thread():
            return  # a listener of ours: the thread ends when it has come back, and the process lets go of the rest
        if self._thread.is_alive():
            self._thread.join()
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- for callers

    def register(self, note: bytes | Opened, contents: Sequence[object] = ()) -> Future[Registered]:
        """Register a statement, given as its signed note or opened already; `contents` go to the vault with it.

        The future is answered when the statement is published. It raises Refused for what the record does not take
        (`busy`: try again later), and CannotRun when the writer has stopped: then the statement may or may not have
        been kept, and the same text sent again after the next start gets its one place in the record.
        """
        answer: Future[Registered] = Future()
        try:
            opened = note if isinstance(note, Opened) else open_statement(note, self.origin)
            if opened.origin != self.origin:
                raise Refused("wrong-origin", "A1", f"this is for the ledger {opened.origin!r}")
            self._enqueue(_Waiting(opened, tuple(contents), answer))
        except (Refused, CannotRun) as error:
            answer.set_exception(error)
        return answer

    @property
    def vkey(self) -> str:
        """The log key in force for the newest head; before the founding statement, the one that it will name."""
        return self._keys.vkey(self._keys.at(self._docket.roster.log, self.size))

    @property
    def vkeys(self) -> tuple[str, ...]:
        """Every key that `policy` and `ledger.json` name: those that are or were the log's, the newest last."""
        return self._named

    @property
    def size(self) -> int:
        """How many entries are published."""
        prover = self._prover
        return prover.head.size if prover else 0

    @property
    def head(self) -> Head | None:
        """The newest published head, or None before the founding statement."""
        prover = self._prover
        return prover.head if prover else None

    def checkpoint(self) -> bytes:
        """The newest checkpoint. LookupError before the founding statement."""
        return self._newest().head.note

    @property
    def docket(self) -> Docket:
        """What the rulebook knows of all sequenced entries. To read only; it grows while you look."""
        return self._docket

    def find(self, identity: str) -> int | None:
        """The index of a published statement by its identity (64 hex digits), or None."""
        index = self._journal.find(bytes.fromhex(identity))
        return index if index is not None and index < self.size else None

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of published entries, from index `start` up to, not including, `stop` or the newest head's size."""
        return self._journal.read(start, min(stop, self.size))

    def receipt(self, index: int, entry: bytes | None = None) -> bytes:
        """The receipt of an entry under the newest head: a tlog-proof with the entry in its `extra` line.

        Provisional where `asks_witnesses`. `entry` are its bytes, if the caller has them. LookupError for an index
        that is not published.
        """
        return self._receipt(self._newest(), index, entry)

    def cosigned_receipt(self, index: int) -> bytes | None:
        """The receipt of an entry under the newest head that has the policy's quorum; None while none covers it."""
        prover = self._witnessed if self.asks_witnesses else self._prover
        if prover is None or not 0 <= index < prover.head.size:
            return None
        return self._receipt(prover, index)

    def _receipt(self, prover: "_Prover", index: int, entry: bytes | None = None) -> bytes:
        if not 0 <= index < prover.head.size:
            raise LookupError(f"no entry {index} under a head of size {prover.head.size}")
        entry = entry or prover.recent(index) or next(self._journal.read(index, index + 1))
        return format_proof(Proof(index, prover.inclusion(index), prover.head.note, entry))

    @property
    def witnessed(self) -> Head | None:
        """The newest head with the quorum that the policy asks for, cosignatures included; None where there is none."""
        prover = self._witnessed
        return prover.head if prover else None

    def set_witnessed(self, head: Head) -> None:
        """From now on this is the newest head with a quorum. Its size and root are those of a published head."""
        self._witnessed = _Prover(head, HashReader(head.size, self._read_tile), 0, ())

    def root_at(self, size: int) -> bytes:
        """The root over the first `size` published entries. LookupError for more than there are, and for none."""
        if not 0 < size <= self.size:
            raise LookupError(f"no tree of {size} entries; {self.size} are published")
        return Frontier.at(size, HashReader(self.size, self._read_tile)).root()

    def consistency(self, old_size: int, new_size: int | None = None) -> tuple[bytes, ...]:
        """The hashes that show the tree of `old_size` to be the beginning of that of `new_size` (None: the newest).

        LookupError for sizes that are not published.
        """
        prover = self._newest()
        size = prover.head.size if new_size is None else new_size
        if not 0 <= old_size <= size <= prover.head.size or size < 1:
            raise LookupError(f"no proof from {old_size} to {size}; {prover.head.size} entries are published")
        return prover.consistency(old_size, size)

    def _newest(self) -> "_Prover":
        if self._prover is None:
            raise LookupError("nothing is published yet: the founding statement comes first")
        return self._prover

    # --- the queue

    def _enqueue(self, waiting: _Waiting) -> None:
        size = len(waiting.opened.note)
        with self._turn:
            if self.stopped or self._halted or self._closing:
                raise (
                    self.stopped
                    or self._halted
                    or CannotRun(
                        "Este registro se está cerrando.",
                        "This ledger is being closed.",
                        "Envíe la declaración de nuevo en un momento.",
                        "Send it again in a moment.",
                    )
                )
            if (
                len(self._queue) >= self._limits.waiting_statements
                or self._queued_bytes + size > self._limits.waiting_bytes
            ):
                raise Refused("busy", "transport", f"{len(self._queue)} statements wait already; send it again later")
            self._queue.append(waiting)
            self._queued_bytes += size
            self._turn.notify()

    def _take(self) -> list[_Waiting] | None:
        """All that waits, within a batch's limits; [] when it is time to publish; None when all is done.

        A caller that has given up (its future is cancelled) is passed over.
        """
        with self._turn:
            self._check_halted()
            while not self._queue:
                wait = self._pace.wait(self._clock.monotonic(), idle=True) if self._pending else None
                if wait == 0 or (self._closing and self._pending):
                    return []
                if self._closing:
                    return None
                self._turn.wait(wait)
                self._check_halted()
            batch: list[_Waiting] = []
            room = self._limits.batch_bytes
            while self._queue and len(batch) < self._limits.batch_statements:
                size = len(self._queue[0].opened.note)
                if batch and size > room:
                    break
                room -= size
                self._queued_bytes -= size
                waiting = self._queue.popleft()
                if waiting.answer.set_running_or_notify_cancel():
                    batch.append(waiting)
            return batch

    def _check_halted(self) -> None:
        if self._halted:
            raise self._halted

    def _run(self) -> None:
        """The sequencer's thread."""
        try:
            while (batch := self._take()) is not None:
                if batch:
                    self._sequence(batch)
                with self._turn:
                    idle = not self._queue
                if self._pending and (not batch or self._pace.wait(self._clock.monotonic(), idle=idle) == 0):
                    self._publish()
        except CannotRun as error:
            self._stop(error)
        except BaseException as error:
            _logger.exception("the writer of %s failed", self.origin)
            self._stop(
                CannotRun(
                    f"Falló el proceso que escribe el registro: {error!r}.",
                    f"The writer failed: {error!r}.",
                    "Es un defecto de constancia. Inicie de nuevo; no se pierde nada.",
                    "This is a bug. Start again; nothing is lost.",
                )
            )
            if not isinstance(error, Exception):
                raise

    def _stop(self, error: CannotRun) -> None:
        """Acknowledge nothing more. What was journaled is published by the next start; a retry then finds it."""
        with self._turn:
            self.stopped = error
            unanswered = [*self._in_hand, *(each for each, _ in self._pending), *self._queue]
            self._in_hand, self._pending = [], []
            self._queue.clear()
            self._queued_bytes = 0
        for each in unanswered:
            if not each.answer.done() and (each.answer.running() or each.answer.set_running_or_notify_cancel()):
                each.answer.set_exception(error)
        for callback in self.on_stopped:
            callback(error)

    # --- sequencing

    def _sequence(self, batch: list[_Waiting]) -> None:
        """Judge a batch, keep it, and leave it to be published. Raises CannotRun: the writer stops."""
        self._in_hand = batch
        # 1. Judge, in memory. Killed here: nothing is stored, and a retry is stored once.
        judged = self._judge_all(batch)
        if judged.rows:
            tree = self._tree.copy()
            tree.extend(row.leaf for row in judged.rows)
            try:
                # 2. Contents first. Killed here: a content without a statement, which is never shown and swept
                # later; a retry finds it there. The other order could publish a digest without its content.
                self._contents.keep(judged.deposits)
                # 3. One transaction. From here the batch cannot be lost: the next start publishes it, and a retry
                # gets the same index, entry and received time.
                self._journal.append(judged.rows, tree.root())
            except CannotRun:
                raise
            except Exception as error:  # noqa: BLE001 (no disk failed: nothing of the batch was journaled)
                self._forget(batch, error)
                return
            self._tree = tree
            self._entries += [row.entry for row in judged.rows]
        # Refusals were judged against what is now durable, so they may go out; so may a repetition of something
        # that is published. All others wait for their head.
        for waiting, reason in judged.refused:
            waiting.answer.set_exception(reason)
        for waiting, registered in judged.taken:
            if registered.index < self.size:
                waiting.answer.set_result(registered)
            else:
                self._pending.append((waiting, registered))
        self._in_hand = []

    def _judge_all(self, batch: list[_Waiting]) -> _Judged:
        received_ms = self._received_time()
        rest = list(batch)
        while True:
            try:
                return self._judge(rest, received_ms)
            except _Unfoldable as failed:
                # A bug of ours, met by one statement. It must not take the others, or the writer, with it.
                _logger.exception("the docket failed on statement %s", failed.culprit.opened.identity)
                failed.culprit.answer.set_exception(failed.cause)
                rest.remove(failed.culprit)
                self._docket = self._reload()

    def _judge(self, batch: list[_Waiting], received_ms: int) -> _Judged:
        """Let each statement in turn meet the rulebook and, if admissible, the docket that judges the next one.

        So of two that race for one rule, exactly one wins.
        """
        docket = self._docket
        judged = _Judged()
        fresh: dict[int, Registered] = {}
        for waiting in batch:
            opened = waiting.opened
            index = docket.index_of(opened.identity)
            if index is not None:
                # The same signed text: the same place, whatever its signatures look like this time.
                judged.taken.append((waiting, self._again(index, opened.identity, fresh.get(index))))
                continue
            try:
                self._check_own_key(opened)
                check_admissible(opened, received_ms, docket)
                entry = format_entry(received_ms, opened.note)
            except Refused as refusal:
                judged.refused.append((waiting, refusal))
                continue
            except Exception as error:
                # A rule's bug; the docket is as it was.
                _logger.exception("the rulebook failed on statement %s", opened.identity)
                judged.refused.append((waiting, error))
                continue
            index = docket.size
            try:
                stream = docket.stream_of(opened)
                version = docket.next_version(stream)
                docket.evolve(received_ms, opened)
            except Exception as error:
                raise _Unfoldable(waiting, error) from error
            identity = bytes.fromhex(opened.identity)
            judged.rows.append(Row(entry, opened.statement.kind, stream, version, identity, leaf_hash(entry)))
            judged.deposits.append(Deposit(opened, received_ms, waiting.contents))
            registered = Registered(index, opened.identity, received_ms, entry, fresh=True)
            judged.taken.append((waiting, registered))
            fresh[index] = registered
        return judged

    def _check_own_key(self, opened: Opened) -> None:
        """Nobody founds a ledger, or gives it a key, whose heads its log could not sign. Raises Refused."""
        statement = opened.statement
        if isinstance(statement, LedgerOpened) and not any(key in self._keys for key in statement.log_keys):
            raise Refused("shape", "LedgerOpened", f"`log_keys` does not name the key of this log, {self.vkey}")
        if isinstance(statement, LogKeyRotated) and statement.new not in self._keys:
            held = f"the log does not hold the key {statement.new[:16]}…"
            raise Refused("state", "LogKeyRotated", f"{held}: its operator makes it with `constancia log-key new`")

    def _again(self, index: int, identity: str, registered: Registered | None) -> Registered:
        """What was answered the first time, for a statement that is there already."""
        if registered is None:
            entry = next(self._journal.read(index, index + 1))
            registered = Registered(index, identity, parse_entry(entry)[0], entry, fresh=False)
        return msgspec.structs.replace(registered, fresh=False)

    def _forget(self, batch: list[_Waiting], error: Exception) -> None:
        """Nothing of the batch was kept: say so, and throw away the docket that had already taken it."""
        self._docket = self._reload()
        for each in batch:
            if not each.answer.done():
                each.answer.set_exception(error)
        self._in_hand = []

    def _received_time(self) -> int:
        """The later of the clock and the last time given, in ms. Raises CannotRun when the clock cannot be right."""
        now, since = self._clock.wall_ms(), self._clock.monotonic()
        parted = abs((now - self._started[0]) - (since - self._started[1]) * 1_000)
        behind = self._docket.last_received - now
        if parted >= CLOCK_TOLERANCE_MS or behind >= CLOCK_TOLERANCE_MS:
            jump = round(max(parted, behind) / 1_000)
            raise CannotRun(
                f"El reloj de esta máquina saltó {jump} segundos; dice {format_time(now)}.",
                f"The clock of this machine jumped by {jump} seconds; it says {format_time(now)}.",
                "Las horas de recepción quedarían mal para siempre. Ponga el reloj en hora e inicie de nuevo.",
                "Received times would be wrong for ever. Set the clock, then start again.",
            )
        return max(now, self._docket.last_received)

    # --- publishing

    def _publish(self) -> None:
        """Bring everything sequenced under one signed head, and answer its callers. Raises CannotRun."""
        self._advance(self._tree.size)
        self._pace.spend(self._clock.monotonic())
        # 9. Answer. Killed before: a retry gets the same index, entry, time, and a receipt.
        pending, self._pending = self._pending, []
        for waiting, registered in pending:
            waiting.answer.set_result(registered)
        self._tell()

    def _advance(self, size: int) -> None:
        """Publish the sequenced entries up to `size` under a new head. Also how the start catches up."""
        head = self.head
        start = head.size if head else 0
        if size == start:
            return
        # A writer that is behind is stopped by the swap; here already, it leaves no files in the other one's way.
        self.folder.check_head(head.note if head else None)
        # 4. Files that never change, bundles before tiles. Killed here: they are written again with the same bytes;
        # no head speaks of them yet, so no reader asks for them.
        written = self._grow(start, size)
        self.folder.create_all(written)
        self._contents.publish(start, size, self._docket)
        # 5. What lies on the disk now, hashed again by another path: a flipped bit is found before it is signed.
        reader = HashReader(size, self._read_tile)
        root = self._check_files(written, start, reader)
        # 6. Sign, unless a witness gave alarm meanwhile. Killed here: the next start signs the same size and root.
        self._check_halted()
        note = self._keys.sign(Checkpoint(self.origin, size, root), self._docket.roster.log, start)
        # 7. Swap the head. From here this is the history; a restored backup or a second writer finds itself behind.
        # 8. Where no quorum of witnesses is asked for, the newest head is the checkpoint. Killed before: done at the
        # start. (Where one is, see step 10 in `ledger.witnesses`.)
        self.folder.swap_head(head.note if head else None, note, checkpoint=not self.asks_witnesses)
        self._set_head(Head(size, root, note), reader)
        if len(self._named) < len(self._docket.roster.log.ever):
            self._write_own_files()

    def _grow(self, start: int, size: int) -> dict[str, bytes]:
        """The bundles and tiles, by path, that the published tree gets when it grows from `start` to `size`."""
        files = {
            bundle.path: format_bundle(self._entries_at(bundle.index * WIDTH, bundle.width))
            for bundle in bundles_for_growth(start, size)
        }
        # Leaf hashes from the very bytes that are published, not those that the journal was given.
        leaves = [leaf_hash(entry) for entry in self._entries_at(start, size - start)]
        files.update((tile.path, content) for tile, content in self._edge.grow(leaves))
        return files

    def _entries_at(self, first: int, count: int) -> list[bytes]:
        begin = first - self._first
        found = self._entries[begin : begin + count]
        if begin < 0 or len(found) != count:
            raise AssertionError(f"entries {first} to {first + count} are not in memory")
        return found

    def _check_files(self, written: dict[str, bytes], start: int, reader: HashReader) -> bytes:
        """Read back what was written and return its root. Raises CannotRun when that is not the journal's."""
        for path, content in written.items():
            if self.folder.read(path) != content:
                raise _unlike(path, path)
        for bundle in bundles_for_growth(start, reader.size):
            raw = self.folder.read(bundle.path) or b""
            for index, entry in enumerate(parse_bundle(raw, bundle.width), bundle.index * WIDTH):
                if reader(0, index) != leaf_hash(entry):
                    raise _unlike(f"el asiento {index} de {bundle.path}", f"entry {index} in {bundle.path}")
        root = reader.root()
        if root != self._edge.root() or (reader.size == self._tree.size and root != self._tree.root()):
            raise _unlike(f"el árbol de tamaño {reader.size}", f"the tree of {reader.size} entries")
        return root

    def _set_head(self, head: Head, reader: HashReader) -> None:
        # Keep in memory what the next bundle begins with.
        first = head.size // WIDTH * WIDTH
        del self._entries[: first - self._first]
        self._first = first
        self._prover = _Prover(head, reader, first, tuple(self._entries[: head.size - first]))

    def _tell(self) -> None:
        head = self._newest().head
        for callback in self.on_published:
            try:
                callback(head)
            except Exception:
                # A listener's trouble (a page that could not be refreshed) is no reason to stop the record.
                _logger.exception("a listener of %s failed", self.origin)

    def _read_tile(self, path: str) -> bytes:
        raw = self.folder.read(path)
        if raw is None:
            raise FileNotFoundError(path)
        return raw

    # --- opening

    def _recover(
        self, desk_key: str | None, elsewhere: Elsewhere | None, known: Sequence[Known], *, accept_time: bool
    ) -> None:
        """Find out where this ledger stands, and publish what is sequenced only. Raises CannotRun."""
        self._desk_key = desk_key
        self._check_folder()
        published = self._published_heads()
        head = published[0].head if published else None
        self._docket, self._tree = self._load([*published, *known, *(elsewhere.shown() if elsewhere else ())])
        self._keys.at(self._docket.roster.log, self._tree.size)
        self._check_clock_behind()
        self.folder.clear_unfinished()
        self._write_own_files()
        if head:
            self._take_up(head)
            if not self.asks_witnesses and self.folder.read("checkpoint") != head.note:
                self.folder.replace("checkpoint", head.note)  # step 8 of the last head, done again
        # Before the first signature. The head that they are asked about is published: it binds nobody anew.
        agreed = elsewhere.agree(head, self.consistency) if elsewhere and head else None
        self._check_clock_jump(agreed, accept_time=accept_time)
        # The same steps as ever, in pieces that fit into memory; the last one is what a crash left over.
        while self.size < self._tree.size:
            size = min((self.size // CATCH_UP + 1) * CATCH_UP, self._tree.size)
            size = self._keys.signable(self._docket.roster.log, size)
            self._remember(self.size, size)
            self._advance(size)

    def _check_folder(self) -> None:
        """The folder's own words must not be another ledger's. Raises CannotRun."""
        raw = self.folder.read("ledger.json")
        if raw is None:
            return
        try:
            said = msgspec.json.decode(raw, type=LedgerFile)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CannotRun(
                f"No se puede leer {self.folder.root / 'ledger.json'}: {error}.",
                f"{self.folder.root / 'ledger.json'} cannot be read: {error}.",
                "Quítelo si esta es la carpeta del registro: se escribe de nuevo.",
                "Remove it if this is the ledger's folder: it is written anew.",
            ) from error
        if said.origin != self.origin:
            raise CannotRun(
                f"{self.folder.root} es la carpeta del registro {said.origin}, no de {self.origin}.",
                f"{self.folder.root} is the folder of the ledger {said.origin}, not of {self.origin}.",
                "Cada registro tiene su propia carpeta: dé la de este, o una vacía.",
                "Each ledger has its own folder: give this one's, or an empty one.",
            )
        if not self._journal.size and self.vkey not in said.log_keys:  # else the journal knows its keys
            keys = ", ".join(said.log_keys)
            raise CannotRun(
                f"La llave dada no es la llave del registro {self.origin}.",
                f"The key given is not the log key of {self.origin}.",
                f"Su llave es {keys}.",
                f"Its log key is {keys}.",
            )

    def _published_heads(self) -> list[Known]:
        """The heads that were published here, by `head` and by `checkpoint`; the first is the newest. CannotRun."""
        heads: list[Known] = []
        verifiers = self._keys.verifiers(list(self._named_in_journal()))
        for path in ("head", "checkpoint"):
            raw = self.folder.read(path)
            if raw is None:
                continue
            try:
                found = open_checkpoint(raw, verifiers)
            except FormatError as error:
                raise CannotRun(
                    f"{self.folder.root / path} no es una cabeza que este registro firmó: {error}.",
                    f"{self.folder.root / path} is not a head that this log signed: {error}.",
                    "Compárela con un espejo; no siga desde una cabeza por la que nadie puede responder.",
                    "Compare it with a mirror; do not go on from a head that nobody can vouch for.",
                ) from error
            if not found.size:
                raise CannotRun(
                    f"{self.folder.root / path} es una cabeza sin asientos, que este registro nunca firma.",
                    f"{self.folder.root / path} is a head of no entries, which this log never signs.",
                    "Guárdela como evidencia y compare con un espejo.",
                    "Keep it as evidence and compare with a mirror.",
                )
            head = Head(found.size, found.root, raw)
            heads.append(Known(head, "la cabeza firmada que está publicada", "the published head"))
        heads.sort(key=lambda each: -each.head.size)
        if heads and self.folder.read("head") != heads[0].head.note:
            size = heads[0].head.size
            raise CannotRun(
                f"{self.folder.root}: `checkpoint` es de tamaño {size}, y `head` es anterior o falta.",
                f"{self.folder.root}: `checkpoint` is of size {size}, and `head` is older or missing.",
                "Alguien puso ahí un `head` anterior. Recupérelo de un espejo o de la copia de respaldo más reciente.",
                "Somebody put an older `head` there. Restore it from a mirror or the newest backup.",
            )
        return heads

    def _named_in_journal(self) -> Iterator[str]:
        """The log keys that the journal's statements name. What cannot be read is named when all of it is loaded."""
        for raw in self._journal.stream("ledger"):
            try:
                statement = _reopen(parse_entry(raw)[1], self.origin).statement
            except (Refused, FormatError, ValueError):
                continue
            if isinstance(statement, LedgerOpened):
                yield from statement.log_keys
            elif isinstance(statement, LogKeyRotated):
                yield statement.new

    def _reload(self) -> Docket:
        """The docket as the journal has it, after one that took what was then not journaled."""
        return self._load((), verify=False)[0]

    def _load(self, known: Sequence[Known], *, verify: bool = True) -> tuple[Docket, Frontier]:
        """Fold the journal, and compare it with itself, with the signed bytes and with the heads that are known.

        Raises CannotRun naming the entries missing or altered.
        """
        size, root = self._journal.head()
        newest = max(known, key=lambda each: each.head.size, default=None)
        covered = newest.head.size if newest else 0
        if newest and covered > size:
            one, last = covered == size + 1, covered - 1
            missing_es = f"falta el asiento {size}" if one else f"faltan los asientos {size} a {last}"
            missing_en = f"entry {size}" if one else f"entries {size} to {last}"
            raise CannotRun(
                f"El diario termina antes que el árbol publicado: {missing_es} (el diario es de tamaño {size}; "
                f"{newest.es}, de {covered}).",
                f"The journal ends before the published tree: {missing_en} missing (it has {size} entries, "
                f"{newest.en} says {covered}).",
                "Se recuperó una copia de respaldo anterior. Traiga los asientos que faltan de un espejo o de una "
                "copia más reciente; iniciar sin ellos sería firmar una segunda historia.",
                "An old backup was restored. Fetch the missing entries from a mirror or a newer backup; starting "
                "without them would sign a second history.",
            )
        docket, tree = Docket(self.origin), Frontier()
        at = {each.head.size: [other for other in known if other.head.size == each.head.size] for each in known}
        for index, row in enumerate(self._journal.rows(0, size)):
            # Entries under a head were verified when they came in, and that head's root vouches for their bytes.
            self._take_row(index, row, docket, verify=verify and index >= covered)
            tree.append(row.leaf)
            for each in at.get(tree.size, ()):
                _check_same(tree, each)
        if tree.size != size or (size and tree.root() != root):
            raise CannotRun(
                f"Los asientos del diario no dan la raíz que él mismo anotó para el tamaño {size}.",
                f"The journal's entries do not have the root that it noted for its {size} entries.",
                "La base de datos fue alterada. Guárdela como evidencia y recupere una copia de respaldo.",
                "The database was altered. Keep it as evidence and restore a backup.",
            )
        return docket, tree

    def _take_row(self, index: int, row: Row, docket: Docket, *, verify: bool) -> None:
        """Fold one entry, deriving every column from its bytes. Raises CannotRun naming a column that differs."""
        try:
            received_ms, note = parse_entry(row.entry)
            opened = open_statement(note, self.origin) if verify else _reopen(note, self.origin)
            stream = docket.stream_of(opened)
            derived = Row(
                row.entry,
                opened.statement.kind,
                stream,
                docket.next_version(stream),
                bytes.fromhex(opened.identity),
                leaf_hash(row.entry),
            )
            different = [name for name in Row.__struct_fields__ if getattr(row, name) != getattr(derived, name)]
            if different:
                raise ValueError(f"{', '.join(different)} not as the signed bytes say")
            docket.evolve(received_ms, opened)
        except (Refused, FormatError, ValueError, LookupError) as error:
            raise CannotRun(
                f"El asiento {index} del diario fue alterado o es de otro registro: {error}.",
                f"Entry {index} of the journal was altered or is of another ledger: {error}.",
                "Guarde la base de datos como evidencia y recupere una copia de respaldo.",
                "Keep the database as evidence and restore a backup.",
            ) from error

    def _check_clock_behind(self) -> None:
        """A clock that is behind the record would give times that stay wrong for ever. Raises CannotRun."""
        behind = self._docket.last_received - self._clock.wall_ms() if self._docket.size else 0
        if behind >= CLOCK_TOLERANCE_MS:
            raise CannotRun(
                f"El reloj está {behind // 1_000} segundos por detrás de la hora de recepción del último asiento.",
                f"The clock is {behind // 1_000} seconds behind the last entry's received time.",
                "Ponga en hora el reloj de esta máquina e inicie de nuevo.",
                "Set the clock of this machine, then start again.",
            )

    def _check_clock_jump(self, agreed: bool | None, *, accept_time: bool) -> None:
        """A clock far ahead of the record, or one that a quorum of witnesses contradicts. Raises CannotRun.

        `agreed` is what witnesses say of it; where they agree, no silence is too long.
        """
        if not self._docket.size or agreed or accept_time:
            return
        ahead = self._clock.wall_ms() - self._docket.last_received
        if agreed is False:
            raise CannotRun(
                f"El reloj dice {format_time(self._clock.wall_ms())}, y los testigos lo contradicen por más de un "
                "minuto.",
                f"The clock says {format_time(self._clock.wall_ms())}, and the witnesses contradict it by more than a "
                "minute.",
                "Ponga en hora el reloj de esta máquina. Si es correcto, confírmelo con `constancia serve "
                "--accept-time`.",
                "Set the clock of this machine. If it is right, confirm it with `constancia serve --accept-time`.",
            )
        if ahead > JUMP_REFUSED_MS:
            raise CannotRun(
                f"Según el reloj, el último asiento es de hace {ahead // 86_400_000} días.",
                f"The clock is {ahead // 86_400_000} days after the last entry.",
                "Si es correcto, confírmelo con `constancia serve --accept-time`.",
                "If it is right, confirm it with `constancia serve --accept-time`.",
            )
        if ahead > JUMP_WARNING_MS:
            _logger.warning("%s: %d hours since the last entry; is the clock right?", self.origin, ahead // 3_600_000)

    def _write_own_files(self) -> None:
        """`ledger.json` and `policy`: what a stranger needs to begin. No anchor: whoever pins, pins from elsewhere.

        A new key is named once the checkpoint covers its rotation, so that whoever reads these files first, and then
        the checkpoint, finds each of their keys in the tree.
        """
        raw = self.folder.read("checkpoint")
        covered = parse_checkpoint(raw).checkpoint.size if raw else 0
        log = self._docket.roster.log
        named = [*log.first, *(each.new for each in log.rotations if each.index < covered)]
        self._named = tuple(map(self._keys.vkey, named)) or (self.vkey,)
        files = {
            "ledger.json": canonical(
                LedgerFile(
                    origin=self.origin,
                    log_keys=self._named,
                    formats=FORMATS,
                    merge_delay_seconds=MERGE_DELAY_SECONDS,
                    desk_key=self._desk_key or msgspec.UNSET,
                )
            )
            + b"\n",
            "policy": self._policy_file(),
        }
        for path, content in files.items():
            if self.folder.read(path) != content:
                self.folder.replace(path, content)

    def _policy_file(self) -> bytes:
        """The policy to publish: the ledger's own, with those of its log's keys that it does not name put in front."""
        named = {each.verifier.public_key for each in parse_policy(self._policy).logs}
        missing = [vkey for vkey in self._named if parse_vkey(vkey).public_key not in named]
        return b"".join(f"log {vkey}\n".encode() for vkey in missing) + self._policy

    def _take_up(self, head: Head) -> None:
        """Go on from a published head: its files must be there and lead to its root. Missing ones are written anew."""
        if all((self.folder.root / path).exists() for path in _paths_of(head.size)):
            self._edge = TileEdge.load(head.size, self._read_tile)
        else:
            _logger.warning("%s: published files are missing; writing them anew from the journal", self.origin)
            self._write_anew(head.size)
        self._remember(head.size - 1, head.size)
        newest = bundles_for_growth(head.size - 1, head.size)[0]
        bundle = format_bundle(self._entries_at(newest.index * WIDTH, newest.width))
        if self._edge.root() != head.root or self.folder.read(newest.path) != bundle:
            raise CannotRun(
                f"{self.folder.root}: los asientos y el árbol publicados no son los de la cabeza publicada.",
                f"{self.folder.root}: the published tiles and entries are not those of the published head.",
                "Se alteraron archivos. Mueva a otro lugar la carpeta `tile` como evidencia e inicie de nuevo: se "
                "escribe otra vez a partir del diario.",
                "Files were altered. Move the folder `tile` away as evidence and start again: it is written anew from "
                "the journal.",
            )
        self._set_head(head, HashReader(head.size, self._read_tile))

    def _write_anew(self, size: int) -> None:
        """Write the files of a tree that has its head already. Those that are there must have the same bytes."""
        self._edge = TileEdge()
        wanted = set(_paths_of(size))
        partial: dict[str, bytes] = {}
        for start in range(0, size, CATCH_UP):
            stop = min(start + CATCH_UP, size)
            self._remember(start, stop)
            files = self._grow(start, stop)
            self.folder.create_all({path: content for path, content in files.items() if ".p/" not in path})
            partial.update(files)
        # Of the partial ones only the last of each level belongs to this size.
        self.folder.create_all({path: content for path, content in partial.items() if path in wanted})

    def _remember(self, start: int, size: int) -> None:
        """Hold in memory the entries from the bundle that `start` falls into up to `size`."""
        self._first = start // WIDTH * WIDTH
        self._entries = list(self._journal.read(self._first, size))


def _paths_of(size: int) -> list[str]:
    """The bundles and tiles that a reader of the tree of `size` entries needs."""
    return [each.path for each in (*tiles_of(size), *bundles_for_growth(0, size))]


class LedgerFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file `ledger.json`: canonical JSON and a line feed."""

    origin: str
    log_keys: tuple[str, ...]
    formats: tuple[str, ...]
    merge_delay_seconds: int
    desk_key: str | msgspec.UnsetType = msgspec.UNSET


class _Prover:
    """Makes proofs under one head, for many threads; keeps the few tiles that they share."""

    def __init__(self, head: Head, reader: HashReader, first: int, recent: tuple[bytes, ...]) -> None:
        self.head = head
        self._reader = reader
        self._lock = threading.Lock()
        self._first = first
        self._recent = recent

    def recent(self, index: int) -> bytes | None:
        """The entry, if it is one of the last few, which most receipts are about."""
        at = index - self._first
        return self._recent[at] if 0 <= at < len(self._recent) else None

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        with self._lock:
            return self._reader.inclusion_proof(index)

    def consistency(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        # From the newest tiles whatever the sizes: partial ones are only kept for sizes under which a head was signed.
        with self._lock:
            return consistency_proof(old_size, new_size, self._reader)


def _check_same(tree: Frontier, known: Known) -> None:
    """The tree of the first entries of the journal is that of a head that is known. Raises CannotRun."""
    if tree.root() != known.head.root:
        raise CannotRun(
            f"Los primeros {tree.size} asientos del diario no son los de {known.es}, de ese tamaño.",
            f"The journal's first {tree.size} entries are not those of {known.en} of that size.",
            "Uno de los dos fue alterado o es de otro registro. Guarde ambos como evidencia y recupere de un espejo.",
            "One of the two was altered or is of another ledger. Keep both as evidence; restore from a mirror.",
        )


def _unlike(es: str, en: str) -> CannotRun:
    return CannotRun(
        f"En el disco, {es} no es lo que se escribió.",
        f"{en}: what lies on the disk is not what was written.",
        "No se firmó nada. Revise el disco y la memoria de esta máquina antes de iniciar de nuevo.",
        "Nothing was signed. Look at the disk and the memory of this machine before you start again.",
    )


def _reopen(note: bytes, origin: str) -> Opened:
    """Open a note whose signatures were verified when it was registered. Raises Refused, Malformed, ValueError."""
    text = parse_note(note).text
    first, line, end = text.split(b"\n")
    if first != origin.encode() or end:
        raise ValueError(f"its origin is {first[:80]!r}")
    return Opened(origin, decode_line(line), sha256(text).hexdigest(), note, line)

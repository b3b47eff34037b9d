"""The witnesses of a ledger: asked for cosignatures, each by a thread of its own; what they say is kept and heeded.

    witnesses = Cosigning(origin, policy, folder, place, wire)
    log = Log.open(…, policy=file, elsewhere=witnesses)     they are heard before the first signature
    witnesses.start(log)                                    from now on asked, off the path of those who state something
    witnesses.witnessed                                     the newest head that has the quorum
    witnesses.standings()                                   of each: what it cosigned last, since when it is silent

Spec: c2sp.org/tlog-witness, the log's side. What an answer means stands in `ledger.cosigning`.

*Calls.* In a call all witnesses are asked for the same head, so that one that hangs or drips holds up nobody: the next
call begins, at most one a second, as soon as the quorum is there, or when nobody is at work any more. A head that does
not move is cosigned again each minute, so that its times bound what comes next. All are asked for *one* head because a
quorum counts only on one: witnesses who each cosign the head of the moment in which they are asked might never meet
under a busy log. One that gave no cosignature is asked again after a while, at first a second, then up to a minute.

*Keeping* (log-formats, section 13, step 10): first `checkpoints/<day>`, then `checkpoint`; see `_keep`.

*Alarm* stops the writer: the log may have signed two histories, and whatever it signed more would make that worse. What
both sides have is kept in `evidence/` beside the ledger (never published by itself), with a page that says what it
means. The writer stops too when a full quorum is a minute away from our clock; one witness alone cannot do that.

*Silence* stops nothing: statements are acknowledged under `head`, `checkpoint` stays where it was, and pages say so.
"""

import logging
import os
import random
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from ledger.cosigning import (
    MEMORY,
    Answer,
    Beyond,
    Contradicted,
    Conversation,
    Cosigned,
    Given,
    Nothing,
    Prove,
    Standing,
    Wire,
    clock_verdict,
    converse,
    day_path,
    format_record,
    split_records,
    unreachable,
)
from ledger.errors import CannotRun, reason
from ledger.log import Clock, Head, Known, Log
from ledger.published import Folder, is_published_path
from ledger.statement import canonical, format_when
from ledger.tlog.checkpoint import parse_checkpoint
from ledger.tlog.errors import FormatError
from ledger.tlog.note import Note, format_note, parse_note
from ledger.tlog.policy import NONE, Checked, Policy, Witness
from ledger.tlog.witness import monitoring_path

INTERVAL_SECONDS = 1.0
"""A moving head is cosigned at most once in this time."""
AGAIN_SECONDS = 60.0
"""A head that does not move is cosigned again after this time."""
LONGEST_CALL_SECONDS = 15.0
"""Longer than any question may take: whoever is still at work then is waited for by nobody."""
BACK_OFF_SECONDS = (1.0, 60.0)

EVIDENCE = "evidence"

_logger = logging.getLogger("constancia.witnesses")

T = TypeVar("T")


# --- the newest head with a quorum -----------------------------------------------------------------------------------


class Witnessed(msgspec.Struct, frozen=True):
    """A head with a quorum of cosignatures, in the order of the policy; `head.note` holds their lines."""

    head: Head
    cosignatures: tuple[Cosigned, ...]

    @property
    def time(self) -> int:
        """Its latest cosignature, in POSIX seconds."""
        return max(each.time for each in self.cosignatures)


def _witnessed(checked: Checked, raw: bytes) -> Witnessed:
    head = Head(checked.checkpoint.size, checked.checkpoint.root, raw)
    return Witnessed(head, tuple(Cosigned(each.witness.verifier.name, each.time) for each in checked.cosignatures))


def find_witnessed(folder: Folder, policy: Policy) -> Witnessed | None:
    """The newest head in the folder that has the quorum of the policy, by `checkpoint` and the last two days.

    The torn end of a file, which a crash left there, is cut off: only the one writer may call this. CannotRun.
    """
    found: list[Witnessed] = []
    days = (f"checkpoints/{each.name}" for each in (folder.root / "checkpoints").glob("*"))
    for path in sorted(path for path in days if is_published_path(path))[-2:]:
        raw = folder.read(path) or b""
        notes, end = split_records(raw)
        if end < len(raw):
            folder.truncate(path, end)
        # The last one that counts: records are appended as the log grows.
        found += [each for each in (_judged(note, policy) for note in reversed(notes[-64:])) if each][:1]
    found += [each for each in [_judged(folder.read("checkpoint") or b"", policy)] if each]
    return max(found, key=lambda each: (each.head.size, each.time), default=None)


def _judged(raw: bytes, policy: Policy) -> Witnessed | None:
    try:
        checked = policy.check(raw)
    except FormatError:
        return None  # signed by nobody that this policy knows: an older policy's, or none
    return _witnessed(checked, raw) if checked.quorum_reached and checked.cosignatures else None


# --- evidence --------------------------------------------------------------------------------------------------------

_MEANING = """{when}

{es}

{en}

Aquí están / Here are:

    head       nuestra cabeza firmada / our signed head
    request    lo que se pidió / what was asked
    answer     lo que el testigo contestó / what the witness answered
    witness    lo que el testigo muestra que firmó, si lo mostró / what it shows that it cosigned, if it did

Si `head` y `witness` llevan ambas la firma de este registro y ninguna es continuación de la otra, el registro firmó dos
historias: esa es la prueba, y cualquiera la puede comprobar sin este servidor. No borre nada de esta carpeta.

If `head` and `witness` both carry this log's signature and neither is the other one grown, the log signed two
histories: that is the proof, and anybody can check it without this server. Delete nothing in this folder.
"""


def _alarm(outcome: Beyond | Contradicted, witness: Witness, head: Head, kept: Path) -> CannotRun:
    name = witness.verifier.name
    if isinstance(outcome, Beyond):
        one, last = outcome.size == head.size + 1, outcome.size - 1
        es = f"falta el asiento {head.size}" if one else f"faltan los asientos {head.size} a {last}"
        en = f"entry {head.size} is missing" if one else f"entries {head.size} to {last} are missing"
        return CannotRun(
            f"El testigo {name} dice haber firmado un árbol de tamaño {outcome.size}, y aquí hay {head.size}: {es}.",
            f"The witness {name} says that it cosigned a tree of {outcome.size} entries, and here are {head.size}: "
            f"{en}.",
            "Probablemente se recuperó una copia de respaldo anterior. Traiga esos asientos de un espejo o de una "
            f"copia más reciente, y no firme nada antes. La evidencia está en {kept}. Si le consta que el testigo "
            "yerra, quítelo de la política.",
            "Probably an old backup was restored. Fetch these entries from a mirror or a newer backup, and sign "
            f"nothing before. The evidence is in {kept}. If you know that the witness is wrong, take it out of the "
            "policy.",
        )
    return CannotRun(
        f"El testigo {name} no encuentra en nuestro árbol de {head.size} asientos el que firmó antes.",
        f"The witness {name} does not find in our tree of {head.size} entries the one that it cosigned before.",
        "Puede haber dos historias firmadas con esta llave. No se firma nada más. Compare con un espejo y con lo que "
        f"está en {kept}, y avise a quienes auditan. Si le consta que el testigo yerra, quítelo de la política.",
        "There may be two histories signed with this key. Nothing more is signed. Compare with a mirror and with what "
        f"is in {kept}, and tell those who audit. If you know that the witness is wrong, take it out of the policy.",
    )


def _write_evidence(folder: Path, files: Mapping[str, bytes]) -> None:
    """Keep what both sides have. A disk that fails here must not keep the alarm from being given."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            with (folder / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        _logger.critical("the evidence could not be kept in %s: %s", folder, reason(error)[1])


# --- calls -----------------------------------------------------------------------------------------------------------


class _Call:
    """All witnesses are asked for this head. Changed under the lock of its Cosigning."""

    def __init__(self, head: Head, began: float, waited_for: set[bytes], *, fresh: bool) -> None:
        self.head = head
        self.began = began
        self.waited_for = waited_for
        """Those whose answer to this call may come soon, by their names in the policy."""
        self.fresh = fresh
        """Whether no call was for this head before."""
        self.moved = False
        """Whether there is a newer head already."""
        self.lines: dict[bytes, Given] = {}
        self.away: dict[bytes, int] = {}
        self.kept = 0
        """How many lines were kept with the head."""


class _Seat:
    """A witness, and when it may be asked again (monotonic seconds). Changed under the lock of its Cosigning."""

    def __init__(self, witness: Witness) -> None:
        self.witness = witness
        self.name = witness.name
        self.standing = Standing(name=witness.verifier.name, url=(witness.url or b"").decode("utf-8", "replace"))
        self.not_before = float("-inf")
        self.failed = 0
        self.busy = False
        self.unheard: Answer | None = None
        """That it gave no answer at all when it was first asked at the start."""


class Cosigning:
    """The witnesses of one ledger. All methods may be called from any thread; each witness has one of its own."""

    def __init__(
        self,
        origin: str,
        policy: Policy,
        folder: Folder,
        place: Path,
        wire: Wire,
        *,
        clock: Clock | None = None,
        accept_time: bool = False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`policy` is the ledger's own (`open_policy`) and asks for a quorum; `folder` are the published files, `place`
        the ledger's folder, for `evidence/` and `witnesses.json`. `accept_time`: the operator vouches for the clock,
        whatever witnesses say. `chance` gives from 0 to 1, so that not all who failed are asked again at once."""
        if policy.quorum == NONE:
            raise ValueError("a policy that asks for no witness")
        self.origin = origin
        self.policy = policy
        self.witnessed: Witnessed | None = None
        """The newest head that has the quorum."""
        self._folder = folder
        self._place = place
        self._wire = wire
        self._clock = clock or Clock()
        self._accept_time = accept_time
        self._chance = chance
        self._seats = [_Seat(each) for each in policy.witnesses]
        self._log: Log | None = None
        self._call: _Call | None = None
        self._turn = threading.Condition()
        self._keeping = threading.Lock()
        self._closing = False
        self._stopped = False
        self._threads: list[threading.Thread] = []
        for each in unreachable(policy):
            _logger.warning("%s: the policy has no address for the witness %s", origin, each.verifier.name)

    def standings(self) -> list[Standing]:
        """How it stands with each witness, in the order of the policy."""
        return [seat.standing for seat in self._seats]

    # --- the start: before anything is signed

    def shown(self) -> list[Known]:
        """Heads of this log that are kept with a quorum, or that witnesses show. CannotRun when the disk fails."""
        self.witnessed = find_witnessed(self._folder, self.policy)
        known: list[Known] = []
        if self.witnessed:
            known.append(
                Known(self.witnessed.head, "la cabeza que firmaron testigos", "the head that witnesses cosigned")
            )
        answers = self._all_at_once(lambda seat: self._wire.look(seat.witness, monitoring_path(self.origin)))
        for seat, answer in answers:
            seat.unheard = answer if answer.status == 0 else None
            if found := self._signed_by_us(answer):
                name = seat.witness.verifier.name
                known.append(
                    Known(found, f"la cabeza que muestra el testigo {name}", f"the head at the witness {name}")
                )
        return known

    def agree(self, head: Head, prove: Prove) -> bool | None:
        """Have all cosign the published head, and compare clocks. Raises CannotRun: alarm."""
        self._call = call = _Call(head, self._clock.monotonic(), set(), fresh=True)
        for seat in self._seats:
            # As if it had cosigned this head: one that knows another size says so, and which.
            seat.standing = msgspec.structs.replace(seat.standing, size=head.size)
        conversations = self._all_at_once(lambda seat: self._ask_at_start(seat, head, prove))
        for seat, conversation in conversations:
            self._take(seat, call, conversation)
        self._note()
        alarms = [self._alarm_in(seat, head, conversation) for seat, conversation in conversations]
        for seat, conversation in conversations:
            self._keep_evidence(seat, head, conversation)
        for alarm in alarms:
            if alarm:
                raise alarm
        return clock_verdict(self.policy, call.away)

    def _ask_at_start(self, seat: _Seat, head: Head, prove: Prove) -> Conversation:
        if seat.unheard:  # it hangs, or is not there: the start does not wait for it a second time
            return Conversation(Nothing(*seat.unheard.why), b"", seat.unheard, None)
        return self._converse(seat, head, prove, lambda: head.size)

    def _all_at_once(self, work: Callable[[_Seat], T]) -> list[tuple[_Seat, T]]:
        seats = [seat for seat in self._seats if seat.witness.url]
        with ThreadPoolExecutor(len(seats), "witness at the start") as threads:
            return list(zip(seats, threads.map(work, seats), strict=True))

    def _signed_by_us(self, answer: Answer) -> Head | None:
        """The head in what a witness shows, if this log signed it; who cosigned is of no matter here."""
        if answer.status != 200:
            return None
        try:
            checkpoint = self.policy.check(answer.body).checkpoint
        except FormatError:
            return None
        return Head(checkpoint.size, checkpoint.root, answer.body)

    # --- running

    def start(self, log: Log) -> None:
        """Take up what was kept, and ask from now on. Raises CannotRun when the disk fails."""
        self._log = log
        if self.witnessed:
            self._publish(log, self.witnessed)
        if self._call:
            self._keep_if_due(log, self._call)
        log.on_published.append(self.wake)
        for seat in self._seats:
            if seat.witness.url:
                name = f"witness {seat.witness.verifier.name}"
                self._threads.append(threading.Thread(target=self._attend, args=(seat, log), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def wake(self, *_: object) -> None:
        """There is a new head. Never waits for anybody who is asked."""
        call = self._call
        if call is None or not call.moved:
            with self._turn:
                if call:
                    call.moved = True
                self._turn.notify_all()

    def close(self) -> None:
        """Ask nobody any more. An answer that is still to come is waited for only a moment: nothing depends on it. Only
        the evidence of an alarm is."""
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        deadline = self._clock.monotonic() + (LONGEST_CALL_SECONDS if self._stopped else 1)
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._clock.monotonic()))
        self._note()

    def _attend(self, seat: _Seat, log: Log) -> None:
        """The thread of one witness."""
        while call := self._next(seat, log):
            size = call.head.size
            try:
                conversation = self._converse(
                    seat, call.head, partial(log.consistency, new_size=size), lambda: log.size
                )
                stop = self._take(seat, call, conversation) or self._alarm_in(seat, call.head, conversation)
                if stop:
                    self._stop(log, stop)
                    self._keep_evidence(seat, call.head, conversation)
                    return
                self._keep_if_due(log, call)
                self._note()  # also of the last answer before a silence
            except CannotRun as error:  # a disk that fails: nothing more is signed, as everywhere
                self._stop(log, error)
            except Exception as error:
                _logger.exception("asking the witness %s failed", seat.standing.name)
                broken = Nothing(f"falló la consulta ({error})", f"asking failed ({error})")
                self._take(seat, call, Conversation(broken, b"", Answer(0), None))

    def _stop(self, log: Log, error: CannotRun) -> None:
        """Nothing more is signed, and nobody asked."""
        log.halt(error)
        with self._turn:
            self._stopped = self._closing = True
            self._turn.notify_all()

    def _next(self, seat: _Seat, log: Log) -> _Call | None:
        """Wait until this witness is to be asked; the call it is asked in, or None when all is over."""
        with self._turn:
            while not self._closing:
                now, head = self._clock.monotonic(), log.head
                if head and self._is_due(head, now):
                    self._begin(head, now)
                call = self._call
                if call and seat.name not in call.lines and now >= seat.not_before:
                    seat.busy = True
                    call.waited_for.add(seat.name)
                    return call
                self._turn.wait(self._patience(seat, head, now))
        return None

    def _is_due(self, head: Head, now: float) -> bool:
        """Whether a new call is to begin."""
        call = self._call
        if call is None:
            return True
        age = now - call.began
        settled = not call.waited_for or self.policy.is_quorum(call.lines) or age >= LONGEST_CALL_SECONDS
        return settled and age >= (INTERVAL_SECONDS if head.size != call.head.size else AGAIN_SECONDS)

    def _begin(self, head: Head, now: float) -> None:
        waited_for = {
            seat.name for seat in self._seats if seat.witness.url and not seat.busy and seat.not_before <= now
        }
        fresh = self._call is None or self._call.head.size != head.size
        self._call = _Call(head, now, waited_for, fresh=fresh)
        self._turn.notify_all()

    def _patience(self, seat: _Seat, head: Head | None, now: float) -> float | None:
        """How long nothing can happen that this witness's thread would not be woken for."""
        call = self._call
        if call is None or head is None:
            return None
        due = call.began + (INTERVAL_SECONDS if head.size != call.head.size else AGAIN_SECONDS)
        if due <= now:  # others are at work
            due = call.began + LONGEST_CALL_SECONDS
        if seat.name not in call.lines:
            due = min(due, seat.not_before)
        return max(0.0, due - now)

    def _converse(self, seat: _Seat, head: Head, prove: Prove, newest: Callable[[], int]) -> Conversation:
        return converse(self._wire.ask, seat.witness, seat.standing.size, head, prove, newest, self._now)

    def _now(self) -> int:
        return self._clock.wall_ms() // 1_000

    def _take(self, seat: _Seat, call: _Call, conversation: Conversation) -> CannotRun | None:
        """Note what came of asking a witness. Returns what must stop the writer: a clock that a quorum contradicts."""
        outcome = conversation.outcome
        with self._turn:
            seat.busy = False
            call.waited_for.discard(seat.name)
            if conversation.away is not None:
                call.away[seat.name] = conversation.away
            if isinstance(outcome, Given):
                call.lines[seat.name] = outcome
                self._spoke(seat, call.head.size, outcome.time)
            elif isinstance(outcome, Nothing):
                self._fell_silent(seat, outcome)
            self._turn.notify_all()
            agreed = clock_verdict(self.policy, call.away)
        # At the start it is the log that decides, by what `agree` answers.
        judged = self._log is not None and not self._accept_time
        return _wrong_clock(self._clock.wall_ms()) if judged and agreed is False else None

    def _spoke(self, seat: _Seat, size: int, time: int) -> None:
        if seat.failed:
            _logger.info("%s: the witness %s cosigns again", self.origin, seat.standing.name)
        seat.failed, seat.not_before = 0, float("-inf")
        seat.standing = msgspec.structs.replace(
            seat.standing, size=size, cosigned_size=size, cosigned_at=time, silent_since=None, why_es="", why_en=""
        )

    def _fell_silent(self, seat: _Seat, outcome: Nothing) -> None:
        if not seat.failed:
            _logger.warning("%s: no cosignature of %s: %s", self.origin, seat.standing.name, outcome.en)
        first, most = BACK_OFF_SECONDS
        wait = min(most, first * 2 ** min(seat.failed, 16)) * (1 + self._chance()) / 2
        seat.failed, seat.not_before = seat.failed + 1, self._clock.monotonic() + wait
        before = seat.standing
        seat.standing = msgspec.structs.replace(
            before,
            failures=before.failures + 1,
            silent_since=before.silent_since or self._now(),
            why_es=outcome.es,
            why_en=outcome.en,
        )

    def _alarm_in(self, seat: _Seat, head: Head, conversation: Conversation) -> CannotRun | None:
        """The alarm that an answer gives, if it does."""
        outcome = conversation.outcome
        if not isinstance(outcome, Beyond | Contradicted):
            return None
        return _alarm(outcome, seat.witness, head, self._evidence_folder(seat, head, conversation))

    def _evidence_folder(self, seat: _Seat, head: Head, conversation: Conversation) -> Path:
        # By what it shows, not by the time: whatever starts a server again and again must not fill the disk.
        same = sha256(head.note + conversation.answer.body).hexdigest()[:16]
        name = re.sub(r"[^A-Za-z0-9.-]", "_", seat.witness.verifier.name)[:80]
        return self._place / EVIDENCE / f"{conversation.answer.status}-{name}-{same}"

    def _keep_evidence(self, seat: _Seat, head: Head, conversation: Conversation) -> None:
        """Keep what both sides have, if the answer gives alarm. The writer is stopped by then."""
        alarm = self._alarm_in(seat, head, conversation)
        folder = self._evidence_folder(seat, head, conversation)
        if alarm is None or folder.is_dir():
            return
        when = format_when(self._clock.wall_ms())
        files = {
            "head": head.note,
            "request": conversation.sent,
            "answer": b"%d\n%b" % (conversation.answer.status, conversation.answer.body),
            "LEAME.txt": _MEANING.format(es=alarm.es, en=alarm.detail, when=when).encode(),
        }
        shown = self._wire.look(seat.witness, monitoring_path(self.origin))
        if shown.status == 200:
            files["witness"] = shown.body
        _write_evidence(folder, files)

    # --- keeping

    def _keep_if_due(self, log: Log, call: _Call) -> None:
        """Keep the head of a call as soon as it has its quorum, and once more when all have answered.

        A head that was kept in an earlier call is kept when all have answered, with all their lines at once.
        """
        with self._turn:
            due = (call.fresh and not call.kept) or not call.waited_for
            if self._closing or not due or not self.policy.is_quorum(call.lines):
                return
            lines = dict(call.lines)
        with self._keeping:
            if len(lines) > call.kept:
                self._keep(log, call.head, lines)
                call.kept = len(lines)

    def _keep(self, log: Log, head: Head, lines: Mapping[bytes, Given]) -> None:
        """Keep and publish a head with the cosignatures that make up the quorum. Raises CannotRun: the disk failed.

        Step 10 of the write order. The witnesses have answered, and remember this head: killed here, they are asked
        again, from the size that they say.
        """
        signers = [each for each in self.policy.witnesses if each.name in lines]
        note = parse_note(head.note)
        raw = format_note(Note(note.text, (*note.lines, *(lines[each.name].line for each in signers))))
        cosigned = tuple(Cosigned(each.verifier.name, lines[each.name].time) for each in signers)
        witnessed = Witnessed(Head(head.size, head.root, raw), cosigned)
        if self.witnessed and witnessed.head.size < self.witnessed.head.size:
            return  # a later call was quicker: what is served never shrinks
        # 10a. Appended and synced. Killed while writing: the next start cuts the torn record. Killed after: the next
        # start finds it here (`find_witnessed`), and does 10b. In the other order a reader could be shown a checkpoint
        # of which no trace is left to bound the times by.
        self._folder.append(day_path(witnessed.time), format_record(raw))
        # 10b. Renamed over `checkpoint`, the folder synced. Killed before: readers still have the last one that had its
        # quorum, which is as true as this.
        self._publish(log, witnessed)

    def _publish(self, log: Log, witnessed: Witnessed) -> None:
        """Make a head with its quorum the checkpoint, and that of the receipts."""
        served = self._folder.read("checkpoint") or b""
        if served != witnessed.head.note and _size_of(served) <= witnessed.head.size:
            self._folder.replace("checkpoint", witnessed.head.note)
        log.set_witnessed(witnessed.head)
        self.witnessed = witnessed

    def _note(self) -> None:
        """Write down how it stands with the witnesses, for `constancia status`. Losing it loses nothing."""
        path = self._place / MEMORY
        try:
            temporary = path.with_name(f".{MEMORY}.{os.getpid()}-{threading.get_ident()}")
            temporary.write_bytes(canonical(self.standings()) + b"\n")
            temporary.replace(path)
        except OSError as error:
            _logger.warning("%s could not be written: %s", path, reason(error)[1])


def _size_of(raw: bytes) -> int:
    """The size that a checkpoint claims, 0 for what is none."""
    try:
        return parse_checkpoint(raw).checkpoint.size
    except FormatError:
        return 0


def _wrong_clock(now_ms: int) -> CannotRun:
    return CannotRun(
        f"El reloj de esta máquina dice {format_when(now_ms)}, y un quórum de testigos lo contradice por más de un "
        "minuto.",
        f"The clock of this machine says {format_when(now_ms)}, and a quorum of witnesses contradicts it by more than "
        "a minute.",
        "Las horas de recepción quedarían mal para siempre. Ponga el reloj en hora e inicie de nuevo; si es correcto, "
        "con `constancia serve --accept-time`.",
        "Received times would be wrong for ever. Set the clock, then start again; if it is right, with `constancia "
        "serve --accept-time`.",
    )

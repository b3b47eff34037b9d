"""What a log makes of its witnesses' answers, its own policy file, and records of cosigned heads. Nothing here waits.

Spec: c2sp.org/tlog-witness, the log's side; its bytes are `ledger.tlog.witness`'s. Who asks, when, and what is done
about it: `ledger.witnesses`.

    conversation = converse(ask, witness, known, …)     one or two questions, and what came of them
    policy = open_policy(file, origin, vkey, …)         the policy that a ledger lives by
    notes, end = split_records(file)                    of checkpoints/<day>

What an answer means (`judge`; the clock comes in as an argument):

    200   one line of this witness that verifies        its cosignature of this head, and its size
    409   a size up to ours                             asked once more, with the proof from there
    409   a larger size                                 alarm: it saw a tree that we do not have
    422                                                 alarm: our tree is not its tree, grown
    else  also no answer, a false one, a time more      no cosignature this time
          than 5 minutes ahead
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from ledger.errors import CannotRun
from ledger.tlog.errors import FormatError
from ledger.tlog.note import SignatureLine, parse_note, parse_vkey
from ledger.tlog.policy import MAX_AHEAD, Log, Policy, Witness, parse_policy
from ledger.tlog.witness import AddCheckpoint, format_add_checkpoint, parse_tree_size, read_cosignature

CLOCK_TOLERANCE_SECONDS = 60

MEMORY = "witnesses.json"

Now = Callable[[], int]
"""The clock of this machine in POSIX seconds."""

Prove = Callable[[int], Sequence[bytes]]
"""Size of an older tree -> the hashes that lead from there to the tree at hand (RFC 6962, section 2.1.2)."""


# --- the port --------------------------------------------------------------------------------------------------------


class Answer(msgspec.Struct, frozen=True):
    """What a witness answered. Status 0: nothing came, or too much; `why` says it, in Spanish and in English."""

    status: int
    body: bytes = b""
    why: tuple[str, str] = ("", "")


Ask = Callable[[Witness, bytes], Answer]
"""Posts the body of an add-checkpoint request to a witness. Raises nothing."""


class Wire(Protocol):
    """How witnesses are reached. Every call ends within seconds, and raises nothing."""

    def ask(self, witness: Witness, body: bytes) -> Answer:
        """Post the body of an add-checkpoint request."""
        ...

    def look(self, witness: Witness, path: str) -> Answer:
        """Get what the witness shows at a path below its monitoring prefix."""
        ...


# --- what an answer means --------------------------------------------------------------------------------------------


class Given(msgspec.Struct, frozen=True):
    """A cosignature of the head that was sent, made at `time` (POSIX seconds)."""

    line: SignatureLine
    time: int


class Behind(msgspec.Struct, frozen=True):
    """The witness cosigned this size last: a tree that ours contains, if all is well."""

    size: int


class Beyond(msgspec.Struct, frozen=True):
    """Alarm: the witness says that it cosigned a larger tree than we ever signed."""

    size: int


class Contradicted(msgspec.Struct, frozen=True):
    """Alarm: the witness does not find the tree that it cosigned in ours."""


class Nothing(msgspec.Struct, frozen=True):
    """No cosignature this time, and why. `time`: one that verified, but from too far in the future."""

    es: str
    en: str
    time: int | None = None


Outcome = Given | Behind | Beyond | Contradicted | Nothing


def judge(answer: Answer, witness: Witness, text: bytes, sizes: tuple[int, int, int], now: int) -> Outcome:
    """What an answer means, of a witness that was asked to cosign the checkpoint of this `text`.

    `sizes` are the old one that was sent, that of the checkpoint, and that of the newest head that we have signed by
    now; `now` is our clock in POSIX seconds, after the answer came.
    """
    match answer.status:
        case 200:
            return _judge_lines(answer.body, witness, text, now)
        case 409:
            return _judge_size(answer.body, *sizes)
        case 422:
            return Contradicted()
        case 0:
            return Nothing(*answer.why)
        case 403:
            return Nothing(
                "contestó 403: no conoce la llave que firma; ¿agregó ya la nueva?",
                "it answered 403: it does not know the key that signs; has it added the new one?",
            )
        case 404:
            return Nothing("contestó 404: no observa este registro", "it answered 404: it does not watch this log")
        case status:
            return Nothing(f"contestó {status}", f"it answered {status}")


def _judge_lines(body: bytes, witness: Witness, text: bytes, now: int) -> Given | Nothing:
    try:
        line, time = read_cosignature(body, witness.verifier, text)
    except FormatError as error:
        return Nothing(f"su firma no sirve ({error.message})", f"its cosignature is no good ({error.message})")
    if time > now + MAX_AHEAD:
        ahead = time - now
        return Nothing(
            f"su reloj está {ahead} segundos por delante", f"its clock is {ahead} seconds ahead of ours", time
        )
    return Given(line, time)


def _judge_size(body: bytes, old: int, size: int, newest: int) -> Behind | Beyond | Nothing:
    try:
        found = parse_tree_size(body)
    except FormatError as error:
        return Nothing(f"contestó 409 sin un tamaño ({error.message})", f"it answered 409 without a size ({error})")
    if found > newest:
        return Beyond(found)
    if found == old or found > size:
        return Nothing(f"contestó 409 con el tamaño {found}", f"it answered 409 with the size {found}")
    return Behind(found)


class Conversation(msgspec.Struct, frozen=True):
    """One or two questions to a witness, and what came of them: the last body sent, the last answer."""

    outcome: Outcome
    sent: bytes
    answer: Answer
    away: int | None
    """How many seconds the witness's clock is ahead (below 0: behind), seen from before and after; None: no time."""


class Sent(Protocol):
    """A signed head (`ledger.log.Head`)."""

    @property
    def size(self) -> int:
        """How many entries it covers."""
        ...

    @property
    def note(self) -> bytes:
        """The checkpoint, signed by the log."""
        ...


def converse(
    ask: Ask, witness: Witness, known: int | None, head: Sent, prove: Prove, newest: Callable[[], int], now: Now
) -> Conversation:
    """Ask for a cosignature of a head, and once more where the witness stands elsewhere than we thought.

    `known` is the size that it cosigned last as far as we know; without one we send 0 and no hashes, and learn it from
    its answer. `prove` leads from an older size to that of the head; `newest` is the size that we have signed by now.
    """
    text = parse_note(head.note).text
    old, retried = known or 0, False
    while True:
        proof = prove(old) if old else ()
        sent = format_add_checkpoint(AddCheckpoint(old, tuple(proof), head.note))
        before = now()
        answer = ask(witness, sent)
        after = now()
        outcome = judge(answer, witness, text, (old, head.size, newest()), after)
        if not isinstance(outcome, Behind) or retried:
            break
        old, retried = outcome.size, True
    if isinstance(outcome, Behind):
        said = f"contestó dos veces 409, la segunda con el tamaño {outcome.size}"
        outcome = Nothing(said, f"it answered 409 twice, the second time with the size {outcome.size}")
    time = outcome.time if isinstance(outcome, Given | Nothing) else None
    away = None if time is None else max(0, time - after) + min(0, time - before)
    return Conversation(outcome, sent, answer, away)


def clock_verdict(policy: Policy, away: Mapping[bytes, int]) -> bool | None:
    """Whether a quorum of witnesses agrees with our clock to a minute; False when a full quorum is away from it.

    `away` is how many seconds each is ahead or behind, by its name in the policy. None where too few gave a time, and
    where they contradict each other. One witness alone is never a contradiction.
    """
    most = CLOCK_TOLERANCE_SECONDS
    if away and policy.is_quorum(name for name, seconds in away.items() if abs(seconds) < most):
        return True
    for side in (1, -1):
        names = [name for name, seconds in away.items() if seconds * side >= most]
        if len(names) > 1 and policy.is_quorum(names):
            return False
    return None


# --- the ledger's own policy -----------------------------------------------------------------------------------------


def open_policy(raw: bytes, origin: str, vkeys: Sequence[str], where: str) -> Policy:
    """The policy file that a ledger lives by: a key of its log, its witnesses, its quorum.

    `vkeys` are the log's keys, the one that signs now last; those that the file does not name (after a rotation) are
    part of the policy all the same. Raises CannotRun, naming the file `where`: not a policy, without any of the keys,
    with another log, or with a quorum that the witnesses with an address cannot reach.
    """
    try:
        policy = parse_policy(raw)
    except FormatError as error:
        raise CannotRun(
            f"{where} no es una política: {error.message}.",
            f"{where} is no policy: {error.message}.",
            "Corrija esa línea. En `deploy/policy.example` hay una con explicaciones.",
            "Mend that line. `deploy/policy.example` is one with explanations.",
        ) from error
    own = [parse_vkey(vkey) for vkey in dict.fromkeys(vkeys)]
    named = {log.verifier for log in policy.logs}
    if named.isdisjoint(own):
        raise CannotRun(
            f"{where} no nombra la llave de este registro.",
            f"{where} does not name the key of this ledger.",
            f"Agregue la línea:  log {vkeys[-1]}",
            f"Add the line:  log {vkeys[-1]}",
        )
    for log in policy.logs:
        if log.verifier.name != origin:
            raise CannotRun(
                f"{where} nombra además el registro {log.verifier.name}.",
                f"{where} names the ledger {log.verifier.name} as well.",
                "Cada registro publica una política para sí mismo: quite esa línea.",
                "Each ledger publishes a policy of its own: take that line out.",
            )
    if not policy.is_quorum(each.name for each in policy.witnesses if each.url):
        without = ", ".join(each.verifier.name for each in unreachable(policy)) or "—"
        raise CannotRun(
            f"{where} pide un quórum que no se puede reunir: no hay dirección para {without}.",
            f"{where} asks for a quorum that cannot be reached: there is no address for {without}.",
            "Ponga la dirección de cada testigo al final de su línea `witness`.",
            "Put the address of each witness at the end of its line `witness`.",
        )
    return policy._replace(logs=(*policy.logs, *(Log(key) for key in own if key not in named)))


def unreachable(policy: Policy) -> list[Witness]:
    """The witnesses that nobody can ask, because the policy has no address for them."""
    return [each for each in policy.witnesses if not each.url]


# --- records, and how it stands --------------------------------------------------------------------------------------


def format_record(note: bytes) -> bytes:
    """A record of `checkpoints/<day>`: u32 big-endian length and the note of a cosigned head."""
    return len(note).to_bytes(4, "big") + note


def split_records(raw: bytes) -> tuple[list[bytes], int]:
    """The notes of a file of cosigned heads, and where the last whole record ends: what follows it is torn."""
    notes: list[bytes] = []
    at = 0
    while at + 4 <= len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "big")
        if end > len(raw):
            break
        notes.append(raw[at + 4 : end])
        at = end
    return notes, at


def day_path(time: int) -> str:
    """The file that a head belongs in whose latest cosignature is from this time (POSIX seconds)."""
    return f"checkpoints/{datetime.fromtimestamp(time, UTC):%Y-%m-%d}"


class Cosigned(msgspec.Struct, frozen=True):
    """That a witness cosigned, and when, in POSIX seconds."""

    name: str
    time: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with one witness. Times are POSIX seconds: of what it cosigned by its own clock, else by ours."""

    name: str
    url: str
    size: int | None = None
    """The size that it cosigned last, as far as we know."""
    cosigned_size: int | None = None
    cosigned_at: int | None = None
    failures: int = 0
    """How often it gave no cosignature, since this process began."""
    silent_since: int | None = None
    why_es: str = ""
    why_en: str = ""


def read_standings(place: Path) -> list[Standing]:
    """What the last process that asked wrote down in a ledger's folder; none where there is nothing to be read."""
    try:
        return msgspec.json.decode((place / MEMORY).read_bytes(), type=list[Standing])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return []

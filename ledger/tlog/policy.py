"""Policies: which logs a reader trusts, and how many of which witnesses must have seen a checkpoint.

Spec: c2sp.org/tlog-policy

A policy is a text file. Items are separated by spaces or tabs; empty lines and lines that begin with # do
not count. Names are defined before they are used, and each is a member of one group at most:

    # One log, one witness, and nothing without it.
    log ledger.example/prueba+01773d1c+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
    witness w1 witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X
    group all-of-them all w1
    quorum all-of-them

A group is reached when `all`, `any`, or a number of its members are; `quorum none` asks for no witness.

>>> vkey = "ledger.example/prueba+01773d1c+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
>>> Policy.from_log_key(vkey) == parse_policy(f"log {vkey}\\nquorum none\\n".encode())
True

A policy knows nothing of age: a frozen log passes. Who cares looks at the times in what `check` returns.
"""

from collections.abc import Iterable
from re import compile as pattern
from typing import NamedTuple

from ledger.tlog.checkpoint import Checkpoint, parse_checkpoint, verify_log_lines
from ledger.tlog.cosignature import verify_cosignature
from ledger.tlog.errors import Malformed, Unverified
from ledger.tlog.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    ED25519,
    Note,
    Verifier,
    decode_utf8,
    format_vkey,
    known_lines,
    parse_decimal,
    parse_vkey,
)

MAX_SIZE = 1_000_000
NONE = b"none"

LOG_TYPES = (ED25519, COSIGNATURE_ML_DSA_44)
WITNESS_TYPES = (COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44)

# How far a witness's clock may be ahead of the reader's, in seconds.
MAX_AHEAD = 300

_FORBIDDEN = pattern(rb"[^\t\n\x20-\x7e\x80-\xff]")
_WHITESPACE = pattern(rb"[ \t]+")


class Log(NamedTuple):
    """A log that is trusted: its key, whose name is its origin, and perhaps where it is served."""

    verifier: Verifier
    url: bytes | None = None


class Witness(NamedTuple):
    """A witness: what the policy calls it, its key, and perhaps where it can be asked.

    Names and addresses in a policy are opaque bytes; for people there is `verifier.name`.
    """

    name: bytes
    verifier: Verifier
    url: bytes | None = None


class Group(NamedTuple):
    """A group of witnesses and groups, reached when `threshold` of its members are."""

    name: bytes
    threshold: int
    members: tuple[bytes, ...]


class Cosignature(NamedTuple):
    """That a witness cosigned, and when, in POSIX seconds."""

    witness: Witness
    time: int


class Checked(NamedTuple):
    """What a policy says of a checkpoint that its log signed."""

    checkpoint: Checkpoint
    note: Note
    log_keys: tuple[Verifier, ...]
    """The log's trusted keys that signed: one, or the old and the new one."""
    cosignatures: tuple[Cosignature, ...]
    """The witnesses that cosigned, each once, with its latest time, in the order of the policy."""
    ahead: tuple[Cosignature, ...]
    """Cosignatures from more than five minutes after `now`: they verify, but do not count."""
    quorum_reached: bool
    quorum_time: int | None
    """The earliest time by which the cosignatures that count made up the quorum; None if they do not, or
    if none is asked for. A single witness with a wrong clock cannot move it where two are needed."""

    def require_quorum(self) -> None:
        """Raise Unverified (not-cosigned) unless the quorum is reached."""
        if not self.quorum_reached:
            names = ", ".join(each.witness.verifier.name for each in self.cosignatures) or "nobody"
            early = ", ".join(each.witness.verifier.name for each in self.ahead)
            why = f"; by your clock these did so in the future, so look at it: {early}" if early else ""
            raise Unverified("not-cosigned", f"not enough witnesses cosigned the checkpoint: {names}{why}")


class Policy(NamedTuple):
    """Whom a reader trusts. Made by `parse_policy`, or from one log key alone."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: bytes
    """The name of a witness or a group, or `none`."""

    @classmethod
    def from_log_key(cls, *vkeys: str) -> "Policy":
        """Return the policy that trusts these log keys and asks for no witness.

        Raises what `parse_vkey` raises, and Malformed (key) for a key that does not sign checkpoints.
        """
        logs = tuple([Log(_key(vkey, (ED25519,))) for vkey in vkeys])
        _check_distinct(log.verifier for log in logs)
        return cls(logs, (), (), NONE)

    def check(self, raw: bytes, *, now: int | None = None) -> Checked:
        """Judge a checkpoint: which log key signed it, which witnesses cosigned it, is that the quorum.

        Raises Malformed; Unverified (unknown-origin, not-signed; weak-key or bad-signature for any line of
        a known key). A quorum that is not reached raises nothing here: see `require_quorum`.

        `now`, in POSIX seconds, is the reader's clock, if cosignatures from the future are not to count.
        """
        signed = parse_checkpoint(raw)
        trusted = [log.verifier for log in self.logs if log.verifier.name == signed.checkpoint.origin]
        log_keys = verify_log_lines(signed, trusted)
        # Beside its Ed25519 line, which it must have, a log may sign with ML-DSA-44, in a cosignature's form.
        seconds = [verifier for verifier in trusted if verifier.type_byte != ED25519]
        for verifier, line in known_lines(signed.note, seconds):
            verify_cosignature(verifier, signed.note.text, line)
        witnesses = {witness.verifier: witness for witness in self.witnesses}
        latest: dict[Witness, int] = {}
        ahead: list[Cosignature] = []
        for verifier, line in known_lines(signed.note, witnesses):
            witness = witnesses[verifier]
            time = verify_cosignature(verifier, signed.note.text, line)
            if time == 0:
                raise Unverified("bad-signature", f"the witness {line.name} gives no time")
            if now is not None and time > now + MAX_AHEAD:
                ahead.append(Cosignature(witness, time))
            else:
                latest[witness] = max(time, latest.get(witness, 0))
        found = tuple([Cosignature(each, latest[each]) for each in self.witnesses if each in latest])
        return Checked(
            checkpoint=signed.checkpoint,
            note=signed.note,
            log_keys=log_keys,
            cosignatures=found,
            ahead=tuple(ahead),
            quorum_reached=self.is_quorum(each.witness.name for each in found),
            quorum_time=self._quorum_time(found),
        )

    def is_quorum(self, names: Iterable[bytes]) -> bool:
        """Say whether these witnesses, by their names in the policy, make up the quorum."""
        if self.quorum == NONE:
            return True
        reached = set(names)
        # Members are defined before their group, so one pass in the order of the file is enough.
        for group in self.groups:
            if sum(member in reached for member in group.members) >= group.threshold:
                reached.add(group.name)
        return self.quorum in reached

    def _quorum_time(self, found: Iterable[Cosignature]) -> int | None:
        if self.quorum == NONE:
            return None
        names: set[bytes] = set()
        for witness, time in sorted(found, key=lambda each: each.time):
            names.add(witness.name)
            if self.is_quorum(names):
                return time
        return None


def parse_policy(raw: bytes) -> Policy:
    """Read a policy file.

    Raises Malformed (too-large, control-byte, shape, reference, key, and the reasons of `parse_vkey`), and
    Unverified (weak-key), each naming the line.
    """
    if len(raw) > MAX_SIZE:
        raise Malformed("too-large", f"a policy of {len(raw)} bytes, over {MAX_SIZE}")
    if _FORBIDDEN.search(raw):
        raise Malformed("control-byte", "a control character other than tab and line feed")
    if raw[-1:] != b"\n":
        raise Malformed("shape", "the last line does not end in a line feed")
    draft = _Draft()
    for number, line in enumerate(raw[:-1].split(b"\n"), start=1):
        words = [word for word in _WHITESPACE.split(line) if word]
        if not words or words[0].startswith(b"#"):
            continue
        try:
            draft.read(words)
        except (Malformed, Unverified) as error:
            raise type(error)(error.reason, f"line {number} of the policy: {error.message}") from None
    if draft.quorum is None:
        raise Malformed("shape", "a policy without a quorum line")
    return Policy(tuple(draft.logs), tuple(draft.witnesses), tuple(draft.groups), draft.quorum)


def format_policy(policy: Policy) -> bytes:
    """Write a policy file that reads as this policy: logs, witnesses, groups, quorum."""
    lines = [_line(b"log", _vkey(log.verifier), log.url) for log in policy.logs]
    lines += [_line(b"witness", each.name, _vkey(each.verifier), each.url) for each in policy.witnesses]
    lines += [_line(b"group", each.name, b"%d" % each.threshold, *each.members) for each in policy.groups]
    return b"".join([*lines, _line(b"quorum", policy.quorum)])


def _shown(name: bytes) -> str:
    """A name for a message; names are opaque bytes."""
    return repr(name.decode("utf-8", "replace"))


def _line(*words: bytes | None) -> bytes:
    return b" ".join(word for word in words if word is not None) + b"\n"


def _vkey(verifier: Verifier) -> bytes:
    return format_vkey(verifier.name, verifier.type_byte, verifier.public_key).encode()


def _key(vkey: str, types: Iterable[int]) -> Verifier:
    verifier = parse_vkey(vkey)
    if verifier.type_byte not in types:
        raise Malformed("key", f"a key of the unsuitable type {verifier.type_byte:#04x}: {vkey[:120]!r}")
    return verifier


def _check_distinct(verifiers: Iterable[Verifier]) -> None:
    keys = [verifier.public_key for verifier in verifiers]
    if len(keys) != len(set(keys)):
        raise Malformed("reference", "one public key twice")


class _Draft:
    """A policy as far as its lines have been read."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorum: bytes | None = None
        self._names: set[bytes] = set()
        self._members: set[bytes] = set()

    def read(self, words: list[bytes]) -> None:
        """Take in the words of one line."""
        match words:
            case [b"log", vkey, *url] if len(url) <= 1:
                self.logs.append(Log(_key(decode_utf8(vkey), LOG_TYPES), *url))
                _check_distinct(log.verifier for log in self.logs)
            case [b"witness", name, vkey, *url] if len(url) <= 1:
                verifier = _key(decode_utf8(vkey), WITNESS_TYPES)
                self._define(name)
                self.witnesses.append(Witness(name, verifier, *url))
                _check_distinct(witness.verifier for witness in self.witnesses)
            case [b"group", name, threshold, *members] if members:
                for member in members:
                    self._take(member)
                # Defined only now: no group is its own member.
                self._define(name)
                self.groups.append(Group(name, _threshold(threshold, len(members)), tuple(members)))
            case [b"quorum", name]:
                if self.quorum is not None:
                    raise Malformed("shape", "a second quorum line")
                if name != NONE and name not in self._names:
                    raise Malformed("reference", f"the quorum {_shown(name)} is not defined")
                self.quorum = name
            case _:
                raise Malformed("shape", "not a line of a policy")

    def _define(self, name: bytes) -> None:
        if name == NONE or name in self._names:
            raise Malformed("reference", f"the name {_shown(name)} is reserved, or defined before")
        self._names.add(name)

    def _take(self, member: bytes) -> None:
        if member not in self._names:
            raise Malformed("reference", f"the member {_shown(member)} is not defined")
        if member in self._members:
            raise Malformed("reference", f"{_shown(member)} is a member twice")
        self._members.add(member)


def _threshold(word: bytes, members: int) -> int:
    if word == b"all":
        return members
    if word == b"any":
        return 1
    threshold = parse_decimal(decode_utf8(word), members)
    if threshold < 1:
        raise Malformed("shape", "a group that asks for none of its members")
    return threshold

"""Signed heads, side by side: every one that a ledger has ever signed must be of one and the same growing tree.

    heads.judge(raw, path)           a head that the policy accepts, or a finding
    heads.of_day(path)               the cosigned heads of one file `checkpoints/<day>`, those not read before
    heads.compare(newest, spine, …)  each is the tree of the newest as it was at that size; else a fork, with its proof

A fork is proved to a third person by three things, all of them among the evidence: the two signed notes, and for heads
of different sizes the hashes that lead from the newer root to what it says of the older size, which is not the older
root (`fork_evidence`). Nothing else of the ledger is needed, and no trust in who shows it.

Cosignature times say from outside when a head existed, and so bound the received times of entries (`Bounds`; log-
formats, section 8).
"""

import time
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import accumulate

import msgspec

from ledger.errors import Misbehaviour
from ledger.published import is_day_path
from ledger.roster import LogKeys
from ledger.statement import format_time
from ledger.tlog.note import ED25519, format_base64, format_vkey, parse_vkey
from ledger.tlog.policy import Log, Policy
from ledger.verify import Head, Source, Spine, growth, judge_head, roots_at
from projections.findings import Gathered

CLOCK_TOLERANCE_MS = 60_000
MERGE_DELAY_MS = 10_000
BOUND_WITHIN_MS = 120_000

# Cosigned heads of a web server are looked for in so many days before the newest cosignature.
DAYS_BACK = 7


class DayRead(msgspec.Struct, frozen=True, array_like=True):
    """How much of a file of cosigned heads was read: its whole records in bytes, and their SHA-256."""

    length: int
    digest: str


class Heads:
    """The signed heads of one ledger. `days` is how far their files were read, in this audit and in earlier ones."""

    def __init__(self, source: Source, policy: Policy, found: Gathered, days: dict[str, DayRead]) -> None:
        self._source = source
        self._policy = policy
        self._found = found
        self.days = days
        self._foreign: list[tuple[bytes, str, Misbehaviour]] = []

    def judge(self, raw: bytes, path: str) -> Head | None:
        """A signed head, or a finding. That it has no quorum is no fault here."""
        try:
            return judge_head(raw, self._policy, path=path, quorum=False)
        except Misbehaviour as fault:
            if fault.kind == "foreign-checkpoint":
                self._foreign.append((raw, path, fault))
            else:
                self._found.add(fault)
            return None

    def of_former_keys(self, origin: str, keys: LogKeys) -> list[Head]:
        """Heads that none of the reader's keys signed, but another that the entries name as the log's; once they are
        known. A reader who pinned one key of a rotation is not told of a foreign ledger. Of the others findings remain.
        """
        logs = [Log(parse_vkey(format_vkey(origin, ED25519, bytes.fromhex(key)))) for key in keys.ever]
        policy = self._policy._replace(logs=tuple(logs))
        heads: list[Head] = []
        for raw, path, fault in self._foreign:
            try:
                heads.append(judge_head(raw, policy, path=path, quorum=False))
            except Misbehaviour:
                self._found.add(fault)
        self._foreign.clear()
        return heads

    # --- cosigned heads, by day

    def day_paths(self, head: Head, paths: list[str] | None) -> list[str]:
        """The files of cosigned heads: those listed, or of a web server those that the cosignatures make likely."""
        latest = max((when for _, when in head.witnesses), default=0)
        if paths is not None:
            # The day may have begun after they were listed.
            today = {time.strftime("checkpoints/%Y-%m-%d", time.gmtime(latest))} if latest else set[str]()
            return sorted(today.union(path for path in paths if is_day_path(path)))
        if not latest:
            return []
        # Those that were read before may have grown, or may be gone.
        days = {time.strftime("%Y-%m-%d", time.gmtime(latest - back * 86_400)) for back in range(DAYS_BACK)}
        return sorted({f"checkpoints/{day}" for day in days} | set(self.days))

    def of_day(self, path: str) -> list[Head]:
        """The cosigned heads of one day that were not read before: each after its length in four bytes, big endian."""
        raw = self._source.read(path) or b""
        known = self.days.get(path, DayRead(0, sha256().hexdigest()))
        if sha256(raw[: known.length]).hexdigest() != known.digest:
            detail = f"its first {known.length} bytes, read by an earlier audit, are gone or are others now"
            self._found.add(Misbehaviour("heads-altered", detail, path=path, evidence={path: raw}))
            return []
        heads: list[Head] = []
        at = known.length
        while at < len(raw):
            end = at + 4 + int.from_bytes(raw[at : at + 4], "big")
            if end > len(raw):
                # A crash while appending leaves this behind; the next start cuts it off.
                self._found.remark("torn-record", path=path)
                break
            head = self.judge(raw[at + 4 : end], path)
            heads += [head] if head else []
            at = end
        self.days[path] = DayRead(at, sha256(raw[:at]).hexdigest())
        return heads

    def check_filed(self, head: Head, cosigned: Sequence[Head], prior: Head | None) -> None:
        """A checkpoint that has its quorum stands among the cosigned heads of its day, where it was put first.

        Whoever takes these away hides when entries were there, and what could prove a fork later. A cache on the way
        may do the same without meaning to, so it is said, and nobody accused.
        """
        if head.quorum_time is None or head.path != "checkpoint" or (prior is not None and prior.size == head.size):
            return
        if not any((each.size, each.root) == (head.size, head.root) for each in cosigned):
            self._found.remark("heads-unfiled", size=head.size)

    # --- one tree

    def compare(self, newest: Head, spine: Spine, heads: Sequence[Head]) -> None:
        """Each signed head is of the tree that the newest describes, as it was at that size."""
        roots = roots_at(self._source, spine, [newest.size, *(head.size for head in heads)])
        # Where the files do not lead to the newest root, they prove nothing of older ones.
        whole = roots.get(newest.size) == newest.root
        for head in heads:
            if head.size > newest.size:
                detail = f"a signed head of {head.size} entries, and the ledger publishes {newest.size}"
                evidence = _notes(newest, head)
                self._found.add(Misbehaviour("head-behind", detail, path=newest.path, evidence=evidence))
            elif head.origin != newest.origin:
                detail = f"a head of {head.origin} in the ledger {newest.origin}"
                evidence = {head.path: head.raw}
                self._found.add(Misbehaviour("foreign-checkpoint", detail, path=head.path, evidence=evidence))
            elif head.size == newest.size:
                if head.root != newest.root:
                    self._found.add(fork(newest, head))
            elif whole and head.root != roots.get(head.size, head.root):
                proof = fork_evidence(self._source, spine, head.size, roots[head.size])
                self._found.add(fork(newest, head, proof))


def fork(newer: Head, older: Head, proof: dict[str, bytes] | None = None) -> Misbehaviour:
    """Two signed heads of which neither grew from the other: both notes, and what `fork_evidence` gives."""
    detail = f"the heads of {newer.size} and {older.size} entries are of two different histories"
    both = sorted({name for name, _ in newer.witnesses} & {name for name, _ in older.witnesses})
    if both:
        detail += f"; {', '.join(both)} cosigned both"
    return Misbehaviour("fork", detail, path=older.path, evidence=_notes(newer, older) | (proof or {}))


def fork_evidence(source: Source, spine: Spine, size: int, root: bytes) -> dict[str, bytes]:
    """What shows that the newer tree had another root at an older size: this root, and the path from it to the newer.

    Both in base64, one hash a line, as the proofs of the public formats are written; `check_consistency` of
    `ledger.tlog.merkle`, or any other implementation of RFC 9162, section 2.1.4.2, judges them.
    """
    try:
        hashes = growth(source, spine, size)
    except Misbehaviour:
        return {}
    return {
        f"root at {size} under the newer head": f"{format_base64(root)}\n".encode(),
        f"consistency proof {size} to {spine.size}": "".join(f"{format_base64(each)}\n" for each in hashes).encode(),
    }


def _notes(newer: Head, older: Head) -> dict[str, bytes]:
    """The bytes of two heads, under names that differ."""
    return {newer.path: newer.raw, older.path if older.path != newer.path else f"{older.path} (2)": older.raw}


# --- what cosignature times say of received times ---------------------------------------------------------------------


class Bound(msgspec.Struct, frozen=True, array_like=True):
    """A tree of `size` entries existed at `when_ms`."""

    size: int
    when_ms: int


class Stamps(msgspec.Struct, frozen=True):
    """What an audit is told of a ledger's time stamps, by whoever checked them (`api.stamping`).

    `bounds` are those that hold: the first `size` entries existed by `when_ms`. `seen` is the signed head that the
    stamped roots were computed from: the audited ledger must have grown from it. `remarks` are by kind, with figures.
    """

    bounds: tuple[Bound, ...] = ()
    seen: tuple[bytes, ...] = ()
    faults: tuple[Misbehaviour, ...] = ()
    remarks: tuple[tuple[str, dict[str, object]], ...] = ()


class Bounds:
    """What cosignature times and time stamps say of received times. Heads without a quorum say nothing.

    A time stamp bounds from above alone: that its head lacks an entry says nothing of when the entry was made.
    """

    def __init__(self, heads: Iterable[Head], earlier: Bound | None = None, stamps: Iterable[Bound] = ()) -> None:
        """`earlier` is the `last` of an audit that these heads go on from."""
        raw = {Bound(head.size, head.quorum_time * 1000): head.raw for head in heads if head.quorum_time is not None}
        self._raw = raw  # what an earlier audit read, or an authority stamped, is not here
        found = list(raw)
        if earlier is not None:
            found.append(earlier)
        cosigned = sorted(found, key=lambda each: (each.size, each.when_ms))
        signed = sorted([*found, *stamps], key=lambda each: (each.size, each.when_ms))
        # Of the cosigned heads up to each the latest time, and of all from each on the earliest.
        self.sizes = [each.size for each in cosigned]
        self.latest = list(accumulate((each.when_ms for each in cosigned), max))
        self.covering = [each.size for each in signed]
        self.earliest = list(accumulate((each.when_ms for each in reversed(signed)), min))[::-1]
        self.unbounded = 0  # entries that no head bounds within two minutes

    def __bool__(self) -> bool:
        return bool(self.covering)

    @property
    def last(self) -> Bound | None:
        """The largest cosigned head and the latest time of all of them."""
        return Bound(self.sizes[-1], self.latest[-1]) if self.sizes else None

    def _head(self, index: int, when_ms: int, *, within: bool) -> bytes:
        """The head of this time that holds the entry, or does not, if it is at hand."""
        fitting = (raw for at, raw in self._raw.items() if at.when_ms == when_ms and (index < at.size) is within)
        return next(fitting, b"")

    def against(self, index: int, received_ms: int) -> tuple[str, bytes] | None:
        """What speaks against an entry's received time, and the head that does, as far as it is at hand; or None."""
        first = bisect_right(self.covering, index)  # the first head with the entry
        if first == len(self.covering) or self.earliest[first] - received_ms > BOUND_WITHIN_MS:
            self.unbounded += 1
        if first < len(self.covering) and received_ms > self.earliest[first] + CLOCK_TOLERANCE_MS:
            when = self.earliest[first]
            detail = f"a head with it was cosigned or time-stamped at {format_time(when)}, before it was received"
            return detail, self._head(index, when, within=True)
        without = bisect_right(self.sizes, index)  # so many heads lack the entry
        if without and received_ms < self.latest[without - 1] - MERGE_DELAY_MS - CLOCK_TOLERANCE_MS:
            when = self.latest[without - 1]
            detail = f"witnesses cosigned a head without it at {format_time(when)}, long after it should have been in"
            return f"{detail} the tree", self._head(index, when, within=False)
        return None

"""The auditor: replays a published ledger from its bytes and says what is not as it must be.

    report = audit(source, policy=parse_policy(file), founding="3f…")
    report.verdict          verified · self-consistent, origin unproven · misbehaviour found
    report.answers          is everything included, does it only grow, does everybody see the same, is it permitted
    report.findings         each with a stable kind, an index or a path, a sentence in Spanish and English, evidence

It trusts neither the server nor its operator, and it uses nothing of the writer. What it does, in this order:

1. the checkpoint is signed by the key that the reader pinned, and cosigned by the quorum of witnesses; the tiles lead
   to its root (`ledger.verify`); it has grown from the head that an earlier audit kept;
2. every entry has its leaf hash, and every signature verifies; the founding statement is the pinned one; every
   statement was admissible where it stands, by the same rulebook that the server is bound to (`ledger.rulebook`), and
   received times fit each other and the witnesses' clocks (`projections.heads`);
3. the projections are folded anew, and the digest over their records is computed; a server is asked for its own;
4. contents: each text gives its salted digest, and where one is missing, a statement that is in the tree took it away
   (`projections.texts`);
5. every other signed head is of the same tree (`projections.heads`), `ledger.json` and `policy` say the same, and in a
   folder every tile and bundle that is still there, and no foreign file (`projections.files`).

A finding does not end the audit: it goes on as far as the bytes allow, so that one report says all. Without a pinned
policy *and* a pinned founding digest the verdict is never a plain "verified": anybody can found a ledger.

With `kept` (`projections.kept`) an audit goes on where an earlier one stopped: consistency with the head of then is
proved first, and only what is new is read. What was verified then was verified for good, since the tree is the same;
texts can change, so those concerned are looked at again, or all of them if the reader wants. A finding about signed
bytes stays a finding in all later audits. An audit that is broken off goes on from what it had committed.

The findings' kinds are for ever (programs act on them): `projections.findings` lists them with what they mean.
"""

import gc
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec

from ledger.docket import DictTables, Docket
from ledger.errors import CannotRun, Misbehaviour, Refused
from ledger.rulebook import check_admissible
from ledger.statement import Entry, format_entry, format_time, format_when, open_statement
from ledger.tlog.checkpoint import parse_checkpoint
from ledger.tlog.errors import FormatError
from ledger.tlog.note import ED25519, format_vkey
from ledger.tlog.policy import Policy, parse_policy
from ledger.tlog.tiles import WIDTH
from ledger.verify import Batch, Head, Source, Spine, check_log_key, judge_head, own_policy, read_spine, roots_at, walk
from ledger.vocabulary import LedgerOpened
from projections.anomalies import Anomaly, anomalies_of
from projections.commitments import Commitment, PlanState
from projections.compromise import Signings, compromises
from projections.evidence import Situation, default_as_of, standings_of
from projections.files import Files, check_ledger_file, check_policy_file
from projections.findings import (
    QUESTIONS,
    VERDICT_ES,
    Answer,
    Assessed,
    ClaimLine,
    Counts,
    Finding,
    Gathered,
    Report,
    Row,
    Verdict,
    answer,
)
from projections.grading import CommitmentStanding
from projections.heads import Bound, Bounds, DayRead, Heads, Stamps, fork, fork_evidence
from projections.kept import SETTLE, Kept
from projections.records import DictRecords, Lines, Records, compare, digest, digest_of
from projections.replay import evolve
from projections.reports import ClaimChecked, Tally
from projections.reports import Report as Published
from projections.rounds import Round
from projections.texts import Seen, Texts

# How long to wait, in seconds, for the head of a growing ledger to follow its contents.
PAUSES = (0.0, 0.1, 0.4, 1.0, 2.0)

# With so much wrong there is no use in reading on: nobody who is given less than they were promised should wait.
MAX_COUNTED = 2_000

Progress = Callable[[int, int], None]
"""Called with the number of entries done and the number of all, of those that are new to this audit."""


# --- who else is asked ----------------------------------------------------------------------------------------------


class Server(Protocol):
    """What a running server says of its own state; asked only where the audit is of a web address."""

    def served_digest(self, size: int) -> str | None:
        """The digest over its records at a tree size, or None if it does not say."""
        ...

    def served_records(self, size: int) -> Iterator[tuple[str, str, bytes]]:
        """Its records at a tree size as (table, key, canonical JSON), asked for only when the digests differ."""
        ...


class AuditRecords(Records, Lines, Protocol):
    """A store of records to fold into, whose records can be listed."""


# --- the audit --------------------------------------------------------------------------------------------------------


def audit(
    source: Source,
    *,
    policy: Policy | None = None,
    founding: str | None = None,
    at: int | None = None,
    seen: Iterable[bytes] = (),
    now: int | None = None,
    max_age: int | None = None,
    every_text: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    server: Server | None = None,
    records: AuditRecords | None = None,
    kept: Kept | None = None,
    stamps: Stamps | None = None,
) -> Report:
    """Audit a published ledger.

    `policy` and `founding` (identity of the first statement, 64 hex) are the reader's anchors. `at` is the tree size at
    which the records are wanted; all entries are verified whatever it is. `seen` are signed heads that the reader has
    kept from earlier: the ledger must have grown from each. `now` is the reader's clock, in POSIX seconds: no
    cosignature from more than five minutes after it counts, and with `max_age` the quorum must not be older than so
    many seconds. `workers` is the number of processes that verify. `server` is asked for its own digest; `records` is
    an empty store to fold into, if the caller wants to read from it. `stamps` is what the reader has found of the
    ledger's time stamps; like cosignatures, they bound the received times of the entries that this audit reads.

    `kept` is what earlier audits of this ledger left, or an empty one: the audit goes on from there, and commits as it
    goes. `every_text` has all contents looked at again, whatever was seen of them.

    Raises CannotRun where there is no ledger to audit, or it cannot be read, or `kept` is another ledger's, or with a
    `kept` file and `at`, which it does not hold; what is wrong with one is in the report.
    """
    if at is not None and kept is not None and kept.path is not None:
        raise CannotRun(
            "Lo guardado por auditorías anteriores es el estado de hoy, no el de un tamaño anterior.",
            "What earlier audits kept is the state of today, not that of an earlier size.",
            "Pida --at sin --trusted.",
            "Ask for --at without --trusted.",
        )
    own = kept is None
    kept = Kept() if kept is None else kept
    try:
        stamps = stamps or Stamps()
        under_way = _Audit(
            source, policy, founding, at, now, max_age, every_text, workers, progress, server, records, kept, stamps
        )
        with _few_collections():
            return under_way.run([*seen, *stamps.seen])
    finally:
        if own:
            kept.close()


@contextmanager
def _few_collections() -> Generator[None]:
    """Have Python look for garbage seldom: what is folded stays, and there is no end of looking at it again."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], 1_000_000), before[1], before[2])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Standing(msgspec.Struct, kw_only=True):
    """Where an audit stands, beside the facts and records that it has folded: what the next one goes on from."""

    origin: str
    head: bytes
    """The signed head under which the entries before `position` were verified."""
    position: int
    docket: bytes
    founded: bytes
    """The founding statement's signed note."""
    entries: int
    signatures: int
    by_kind: dict[str, int]
    findings: list[Finding]
    bound: Bound | None
    unbounded: int
    days: dict[str, DayRead]
    signings: dict[str, list[bytes]]
    texts: dict[int, Seen]
    texts_due: set[int]
    texts_since: int | None
    """When all texts were last looked at, in POSIX seconds, by the reader's clock."""


class _Audit:
    """One audit under way."""

    def __init__(
        self,
        source: Source,
        policy: Policy | None,
        founding: str | None,
        at: int | None,
        now: int | None,
        max_age: int | None,
        every_text: bool,
        workers: int | None,
        progress: Progress | None,
        server: Server | None,
        records: AuditRecords | None,
        kept: Kept,
        stamps: Stamps,
    ) -> None:
        self.source = source
        self.pinned = policy
        self.pinned_founding = founding
        self.at = at
        self.now = now
        self.max_age = max_age
        self.every_text = every_text
        self.stamps = stamps
        self.workers = workers
        self.progress: Progress = progress or _silent
        self.server = server
        self.kept = kept
        self.keeping = records is None
        self.records: AuditRecords = kept.records if records is None else records
        self.found = Gathered()
        self.add = self.found.add
        self.counts = Counts()
        self.kinds: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}
        self.origin = ""
        self.spine: Spine | None = None
        """The tree that is folded, once it is."""
        self.start = 0
        """Entries that an earlier audit has verified."""
        self.prior: Head | None = None
        self.founded: LedgerOpened | None = None
        self.founded_note = b""
        self.founding = ""
        self.digest = ""
        self.folded = 0
        self.served: str | None = None
        self.bound: Bound | None = None
        self.bounds = Bounds([])
        self.compared = 0
        self.signings = Signings()
        self.heads: list[Head] = []
        self.own_files: dict[str, bytes | None] = {}
        # Whether every entry so far could be read, and so folded; and whether all were come by.
        self.whole = True
        self.read = False
        self.comparable = True
        self.days: dict[str, DayRead] = {}
        self.texts_since = now
        self.texts = Texts(source, self.found, kept.tables if self.keeping else DictTables(), {}, set(), self.entry_at)

    # --- the order of things

    def run(self, seen: list[bytes]) -> Report:
        """Do it all."""
        began = time.perf_counter()
        # Listed before any head is read: what is listed was written before, so a head read later covers it.
        listed = self.source.paths()
        paths = None if listed is None else sorted(listed)
        # Before the head too: what they name is in the tree of any head read later.
        self.own_files = {path: self.source.read(path) for path in ("policy", "ledger.json")}
        policy = self.trusted_policy()
        head = self.open_checkpoint(policy, paths) if policy else None
        if policy is None or head is None:
            return self.report(None, began)
        if self.at is not None and not 0 < self.at <= head.size:
            raise CannotRun(
                f"El registro es de tamaño {head.size}; no hay un estado en {self.at}.",
                f"The ledger has {head.size} entries; there is no state at {self.at}.",
                "Pida un tamaño menor.",
                "Ask for a smaller size.",
            )
        docket = self.take_up(head)
        spine = self.spine_of(head)
        self.lap("tiles", began)
        if spine is None or not self.has_grown(head, spine, docket):
            # Nothing of this tree was read, so nothing that is kept of another is told of it.
            self.comparable = False
            return self.report(head, began)
        # A copy: a head counts as read only once it was compared, which is after the entries. An audit that is broken
        # off before that reads it again.
        heads = Heads(self.source, policy, self.found, dict(self.days))
        cosigned = [each for path in heads.day_paths(head, paths) for each in heads.of_day(path)]
        heads.check_filed(head, cosigned, self.prior)
        self.bounds = Bounds([head, *cosigned], self.bound, self.stamps.bounds)
        folding = time.perf_counter()
        self.fold(head, spine, docket)
        self.lap("entries", folding)
        rest = time.perf_counter()
        self.settle_contents(head, spine, docket, policy)
        newest_spine = self.check_heads(heads, head, spine, cosigned, seen, docket)
        self.days = heads.days
        self.check_own_files(head, docket)
        self.tell_disputes()
        if paths is not None:
            newest = newest_spine or spine
            files = Files(self.source, self.found, self.texts, newest, audited=head.size, start=self.start)
            self.counts.files = files.check(paths)
        self.take_stamps()
        self.lap("files", rest)
        self.sum_up(head, docket)
        self.ask_server(head)
        return self.report(head, began)

    def lap(self, name: str, began: float) -> None:
        """Note how long a part took, in seconds. (Only a figure for the reader: nothing is decided by it.)"""
        self.seconds[name] = round(time.perf_counter() - began, 3)

    # --- going on from an earlier audit

    def take_up(self, head: Head) -> Docket:
        """The docket to go on with: that of an earlier audit, or a new one. Raises CannotRun for another ledger's."""
        self.kept.discard()
        tables = self.kept.tables if self.keeping else DictTables()
        if self.kept.standing is None or not self.keeping:
            return Docket(head.origin, tables)
        standing = msgspec.msgpack.decode(self.kept.standing, type=Standing)
        if standing.origin != head.origin:
            raise CannotRun(
                f"Lo guardado en {self.kept.path} es de {standing.origin}, y este registro es {head.origin}.",
                f"What {self.kept.path} keeps is of {standing.origin}, and this ledger is {head.origin}.",
                "Dé otra carpeta con --trusted: cada registro tiene la suya.",
                "Give another folder with --trusted: each ledger has its own.",
            )
        was = parse_checkpoint(standing.head).checkpoint
        self.prior = Head(was.origin, was.size, was.root, standing.head, "kept/checkpoint", (), (), None)
        self.start = standing.position
        self.counts.entries, self.counts.signatures = standing.entries, standing.signatures
        self.kinds.update(standing.by_kind)
        self.bound, self.days = standing.bound, standing.days
        self.bounds.unbounded = standing.unbounded
        self.signings = Signings(standing.signings)
        self.texts_since = standing.texts_since
        self.texts = Texts(self.source, self.found, tables, standing.texts, standing.texts_due, self.entry_at)
        for finding in standing.findings:
            self.found.take(finding)
        if standing.founded:
            self.found_by(_founding_entry(standing.founded, head.origin))
        return Docket.restore(head.origin, standing.docket, tables)

    def has_grown(self, head: Head, spine: Spine, docket: Docket) -> bool:
        """Whether the tree is that of the earlier audit, grown. If not, both notes are the proof, and it ends here."""
        if self.prior is None:
            return True
        if self.prior.size > head.size:
            detail = f"the ledger now shows {head.size} entries, and an earlier audit saw {self.prior.size}"
            evidence = {head.path: head.raw, self.prior.path: self.prior.raw}
            self.add(Misbehaviour("head-behind", detail, path=head.path, evidence=evidence))
            return False
        root = roots_at(self.source, spine, [self.prior.size]).get(self.prior.size)
        if root == self.prior.root:
            self.compared += 1
            return True
        if root is not None:
            proof = fork_evidence(self.source, spine, self.prior.size, root) if self.prior.size < head.size else {}
            self.add(fork(head, self.prior, proof))
            self.commit(self.prior, docket)
        return False

    def commit(self, head: Head, docket: Docket) -> None:
        """Keep what is folded so far, verified under `head`."""
        bound = self.bounds.last if self.bounds else self.bound
        self.kept.commit(
            msgspec.msgpack.encode(
                Standing(
                    origin=head.origin,
                    head=head.raw,
                    position=docket.size,
                    docket=docket.snapshot(),
                    founded=self.founded_note,
                    entries=self.counts.entries,
                    signatures=self.counts.signatures,
                    by_kind=dict(self.kinds),
                    findings=self.found.lasting(),
                    bound=bound,
                    unbounded=self.bounds.unbounded,
                    days=self.days,
                    signings=self.signings.dump(),
                    texts=self.texts.seen,
                    texts_due=self.texts.open_numbers(),
                    texts_since=self.texts_since,
                )
            )
        )

    # --- 1. whom to trust, and the signed head

    def trusted_policy(self) -> Policy | None:
        """The reader's policy, or else the ledger's own, which proves nothing of whose ledger it is."""
        if self.pinned is not None:
            return self.pinned
        try:
            return own_policy(self.source)
        except Misbehaviour as fault:
            if not self.is_ledger():
                raise _no_ledger("ni un punto de control firmado ni una política", "neither a signed checkpoint nor a "
                                 "policy") from None  # fmt: skip
            self.add(fault)
            return None

    def is_ledger(self) -> bool:
        """Whether anything here looks like one."""
        return any(self.source.read(path) is not None for path in ("checkpoint", "head", "ledger.json"))

    def open_checkpoint(self, policy: Policy, paths: list[str] | None) -> Head | None:
        """The checkpoint; where it is missing or fails, the newest signed head, so that the rest is looked at too."""
        for path in ("checkpoint", "head"):
            raw = self.source.read(path)
            if raw is None:
                tiles = any(each.startswith("tile/") for each in paths or ())
                if path == "checkpoint" and not self.is_ledger() and not tiles:
                    raise _no_ledger("falta un punto de control firmado", "no signed checkpoint")
                self.add(Misbehaviour("missing-file", "no signed head is published here", path=path))
                continue
            try:
                # Of the newest head nobody asks for witnesses: it is read only because the checkpoint is no good.
                head = judge_head(raw, policy, path=path, quorum=path == "checkpoint", now=self.now)
            except Misbehaviour as fault:
                self.add(fault)
                if fault.kind == "not-cosigned":
                    return judge_head(raw, policy, path=path, quorum=False, now=self.now)
                if fault.kind == "foreign-checkpoint":
                    self.hint_at_rotation(raw, policy)
                    return None
            else:
                self.check_age(head)
                return head
        return None

    def hint_at_rotation(self, raw: bytes, policy: Policy) -> None:
        """A ledger whose key was rotated names it beside the pinned one. Nobody is to believe that; but to ask."""
        try:
            published = parse_policy(self.own_files["policy"] or b"")
            signers = published.check(raw).log_keys
        except FormatError:
            return
        pinned = {log.verifier for log in policy.logs}
        if not pinned.isdisjoint(log.verifier for log in published.logs):
            vkey = format_vkey(signers[-1].name, ED25519, signers[-1].public_key)
            self.found.remark("log-key-unpinned", vkey=vkey)

    def check_age(self, head: Head) -> None:
        """A view that is frozen passes every other check: the quorum must not be older than the reader asks for."""
        if self.now is None or self.max_age is None or head.quorum_time is None:
            return
        age = self.now - head.quorum_time
        if age > self.max_age:
            detail = f"the quorum cosigned it {age} seconds ago, and {self.max_age} are allowed"
            self.add(Misbehaviour("stale-checkpoint", detail, path=head.path, evidence={head.path: head.raw}))

    def spine_of(self, head: Head) -> Spine | None:
        """The tiles above the entries; None, with findings, where too little is published to prove anything."""
        try:
            return read_spine(self.source, head.size, head.root, self.add, path=head.path)
        except Misbehaviour as fault:
            self.add(fault)
            return None

    # --- 2 and 3. entries, rules, records

    def fold(self, head: Head, spine: Spine, docket: Docket) -> None:
        """Verify every entry and fold it: into the docket, which judges the next, and into the records."""
        bounded = bool(self.bounds)
        self.origin, self.spine = head.origin, spine
        for batch in walk(self.source, head.origin, spine, start=self.start, workers=self.workers):
            for fault in batch.faults:
                self.add(fault)
            self.count(batch.entries)
            for entry in batch.entries:
                if entry.index == docket.size:  # up to the first that could not be read
                    self.take(entry, docket)
                if bounded:
                    self.check_time(entry)
                self.texts.note(entry, docket)
            self.whole = docket.size == batch.first + batch.count
            self.texts.look(batch, head.size)
            if self.keeping:
                self.kept.records.settle(SETTLE)
            self.progress(batch.first + batch.count - self.start, head.size - self.start)
            if self.found.total > MAX_COUNTED:
                self.whole = False
                self.found.remark("stopped", size=batch.first + batch.count)
                break
            if self.whole and self.keeping and self.kept.full:
                self.commit(head, docket)
        else:
            self.read = True
        if not self.whole:
            self.found.remark("folded-in-part", size=docket.size)

    def count(self, entries: list[Entry]) -> None:
        """Add entries to the figures."""
        self.counts.entries += len(entries)
        statements = [entry.opened.statement for entry in entries]
        self.counts.signatures += sum([len(statement.by) for statement in statements])
        self.kinds.update([type(statement).__name__ for statement in statements])

    def take(self, entry: Entry, docket: Docket) -> None:
        """Judge an entry by the rulebook and fold it, admissible or not: what was published, was published."""
        opened = entry.opened
        if entry.index == 0:
            self.found_by(entry)
        self.signings.note(entry)
        refused = False
        try:
            check_admissible(opened, entry.received_ms, docket)
        except Refused as refusal:
            refused = True
            kind = _RULE_KINDS.get(refusal.rule, "forbidden-statement")
            if refusal.rule == "A0" and entry.received_ms >= docket.last_received:
                kind = "forbidden-statement"
            evidence = {"note": opened.note} | self.beside(kind, entry, docket)
            fault = Misbehaviour(kind, str(refusal), index=entry.index, evidence=evidence)
            self.add(fault, code=refusal.code, rule=refusal.rule)
        try:
            docket.evolve(entry.received_ms, opened)
            if self.at is None or entry.index < self.at:
                evolve(self.records, entry)
        except (KeyError, ValueError, AttributeError, TypeError, IndexError):
            # A forbidden statement may speak of what does not exist; an admissible one may not trip the docket.
            if not refused:
                raise
            docket.size = entry.index + 1
            docket.last_received = max(docket.last_received, entry.received_ms)

    def beside(self, kind: str, entry: Entry, docket: Docket) -> dict[str, bytes]:
        """The two entries that contradict each other, where a note alone does not show what is wrong."""
        other: dict[str, tuple[str, int | None]] = {
            "time-went-back": ("entry before", entry.index - 1),
            "duplicate-statement": ("first entry", docket.index_of(entry.opened.identity)),
        }
        if kind not in other:
            return {}
        name, index = other[kind]
        found = None if index is None else self.entry_at(index)
        evidence = {"entry": format_entry(entry.received_ms, entry.opened.note)}
        return evidence | ({name: format_entry(found.received_ms, found.opened.note)} if found else {})

    def entry_at(self, index: int) -> Entry | None:
        """One entry of the audited tree, read again: evidence is rare, and nothing is kept for it."""
        if self.spine is None or not 0 <= index < self.spine.size:
            return None
        for batch in walk(self.source, self.origin, self.spine, start=index, stop=index + 1, workers=1):
            return next(iter(batch.entries), None)
        return None

    def check_time(self, entry: Entry) -> None:
        """Witnesses bound a received time from outside (log-formats, section 8)."""
        wrong = self.bounds.against(entry.index, entry.received_ms)
        if wrong:
            detail, head = wrong
            evidence = {"entry": format_entry(entry.received_ms, entry.opened.note)} | ({"head": head} if head else {})
            self.add(Misbehaviour("time-impossible", detail, index=entry.index, evidence=evidence))

    def found_by(self, entry: Entry) -> None:
        """Look at the founding statement: is it the pinned one, is it of this origin?"""
        self.founding = entry.opened.identity
        self.founded_note = entry.opened.note
        evidence = {"note": entry.opened.note}
        if self.pinned_founding is not None and self.pinned_founding != self.founding:
            detail = f"the founding statement is {self.founding}, and the pinned one {self.pinned_founding}"
            self.add(Misbehaviour("founding-differs", detail, index=0, evidence=evidence))
        if isinstance(entry.opened.statement, LedgerOpened):
            self.founded = entry.opened.statement

    # --- 4. contents

    def settle_contents(self, head: Head, spine: Spine, docket: Docket, policy: Policy) -> None:
        """With all entries known: look again where need be, then judge every marker."""
        last = min(self.start, docket.size)
        if self.every_text:
            again = set(range((last + WIDTH - 1) // WIDTH))
            self.texts_since = self.now
        else:
            again = self.texts.touched(docket, last)
            if last and self.texts_since is not None:
                self.found.remark("texts-kept", size=last, when=format_when(self.texts_since * 1000))

        def batches(number: int) -> Iterator[Batch]:
            stop = min((number + 1) * WIDTH, docket.size)
            return walk(self.source, head.origin, spine, start=number * WIDTH, stop=stop, workers=1)

        self.texts.look_again(batches, again, head.size)
        self.read_on(head, docket, policy)
        self.texts.settle(docket, head)

    def read_on(self, head: Head, docket: Docket, policy: Policy) -> None:
        """Verify entries behind the audited tree, as far as texts are ahead of it: the ledger grew while it was read.

        Only what they do to contents counts; the next audit folds them. A writer changes what is public of a content
        just before it signs the head that says why, so a reader who came in between waits a little.
        """
        known = head.size
        try:
            for pause in PAUSES:
                wanted = self.texts.wanted(head.size, known)
                if wanted is None:
                    return
                time.sleep(pause)
                newer = self.newer_head(policy, known)
                if newer is not None:
                    stop = min(newer.size, wanted + 1)
                    for entry in self.newer_entries(head, newer, known, stop):
                        self.texts.note(entry, docket)
                    known = stop
        except Misbehaviour as fault:
            self.add(fault)

    def newer_head(self, policy: Policy, known: int) -> Head | None:
        """A signed head of more than `known` entries, or None. Raises Misbehaviour."""
        for path in ("checkpoint", "head"):
            newer = judge_head(self.source.read(path) or b"", policy, path=path, quorum=False)
            if newer.size > known:
                return newer
        return None

    def newer_entries(self, head: Head, newer: Head, start: int, stop: int) -> Iterator[Entry]:
        """The entries from `start` to `stop` under a newer head, which has grown from `head`. Raises Misbehaviour."""
        spine = read_spine(self.source, newer.size, newer.root, path=newer.path)
        root = roots_at(self.source, spine, [head.size]).get(head.size)
        if root is not None and root != head.root:
            raise fork(newer, head, fork_evidence(self.source, spine, head.size, root))
        for batch in walk(self.source, head.origin, spine, start=start, stop=stop, workers=1):
            for fault in batch.faults:
                raise fault
            yield from batch.entries

    # --- 5. heads and files

    def check_heads(
        self, heads: Heads, head: Head, spine: Spine, cosigned: list[Head], seen: list[bytes], docket: Docket
    ) -> Spine | None:
        """Every signed head that there is must be of this one tree. Returns the spine of the newest, if it is ahead."""
        others = list(cosigned)
        newest: Head | None = None
        ahead: Spine | None = None
        raw = head.raw if head.path == "head" else self.source.read("head")
        if raw is None:
            self.add(Misbehaviour("missing-file", "the newest signed head is not published", path="head"))
        elif (latest := heads.judge(raw, "head")) is not None:
            others.append(latest)
            if latest.size < head.size:
                detail = f"`head` has {latest.size} entries, and the checkpoint {head.size}"
                evidence = {"head": raw, head.path: head.raw}
                self.add(Misbehaviour("head-behind", detail, path="head", evidence=evidence))
            elif latest.size > head.size:
                ahead = self.spine_of(latest)
                newest = latest if ahead else None
        # (Kept heads, too, may be by another key of the log.)
        for number, earlier in enumerate(seen, 1):
            if (judged := heads.judge(earlier, f"the head kept from earlier ({number})")) is not None:
                others.append(judged)
        # One that is ahead of what the reader's keys signed is not what was audited.
        former = heads.of_former_keys(head.origin, docket.roster.log)
        others += [each for each in former if each.size <= head.size]
        self.compared += len([each for each in others if each.size < head.size])
        self.heads = [head, *others]
        self.counts.heads = len(self.heads)
        heads.compare(newest or head, ahead or spine, [*([head] if newest else []), *others])
        strangers = len(parse_checkpoint(head.raw).note.lines) - len(head.log_keys)
        if not head.witnesses and strangers > 0:
            self.found.remark("witnesses-unknown", count=strangers)
        elif not head.witnesses:
            self.found.remark("no-witnesses")
        elif self.bounds.unbounded:
            self.found.remark("time-unbounded", count=self.bounds.unbounded)
        return ahead

    def check_own_files(self, head: Head, docket: Docket) -> None:
        """Heads are signed by the log's key; `policy` and `ledger.json` name the keys that the entries name."""
        founded = self.founded
        if founded is None:
            return
        for each in self.heads:
            try:
                rotated = check_log_key(each, docket.roster.log, docket.size)
            except Misbehaviour as fault:
                self.add(fault)
            else:
                if rotated is not None:
                    vkey = format_vkey(head.origin, ED25519, bytes.fromhex(rotated.new))
                    self.found.remark("log-key-rotated", index=rotated.index, vkey=vkey)
        keys = set(docket.roster.log.ever)
        for check, path in ((check_policy_file, "policy"), (check_ledger_file, "ledger.json")):
            try:
                check(self.own_files[path], head.origin, keys)
            except Misbehaviour as fault:
                self.add(fault)
        self.compare_policies()
        if founded.purpose == "demonstration":
            self.found.remark("demonstration")

    def compare_policies(self) -> None:
        """A ledger that publishes other witnesses than the reader pinned tells no lie, but the reader should know."""
        raw = self.own_files["policy"]
        if self.pinned is None or raw is None:
            return
        try:
            published = parse_policy(raw)
        except FormatError:
            return  # reported already
        if _asked(published) != _asked(self.pinned):
            self.found.remark("policy-differs")

    def tell_disputes(self) -> None:
        """What was signed with a key that was declared compromised stays valid, and the reader is told."""
        for each in compromises(self.records).values():
            count, since = self.signings.disputed(each), format_time(each.since_ms)
            self.found.remark("disputed", count=count, actor=each.actor, since=since, index=each.index)

    def take_stamps(self) -> None:
        """What is wrong with time stamps, and what a reader should know of them."""
        for fault in self.stamps.faults:
            self.add(fault)
        for kind, figures in self.stamps.remarks:
            self.found.remark(kind, **figures)

    # --- the end

    def sum_up(self, head: Head, docket: Docket) -> None:
        """Keep what was folded, and compute the digest over the records."""
        if self.keeping and self.kept.path is not None and self.whole and self.at is None:
            self.commit(head, docket)
        self.folded = min(docket.size, self.at or head.size)
        if not self.folded:
            return
        if self.keeping:
            self.digest = digest_of(self.kept.total(), head.origin, self.folded)
        else:
            self.digest = digest(self.records, head.origin, self.folded)

    def ask_server(self, head: Head) -> None:
        """Compare the digest over the records with what the server says of itself."""
        if self.server is None or not self.whole:
            return
        self.served = self.server.served_digest(self.at or head.size)
        if self.served is None:
            self.found.remark("no-served-digest")
        elif self.served != self.digest:
            detail = f"the server says {self.served}, and its entries give {self.digest}"
            self.add(Misbehaviour("digest-differs", detail, path="api/digest"))
            difference = compare(self.records.lines(), self.server.served_records(self.at or head.size))
            if difference is not None:
                self.add(Misbehaviour("record-differs", difference, path="api/records"))

    def report(self, head: Head | None, began: float) -> Report:
        """Put together what was found."""
        self.lap("all", began)
        self.counts.by_kind = dict(sorted(self.kinds.items()))
        self.counts.contents_shown, self.counts.contents_hidden = self.texts.shown, self.texts.hidden
        self.counts.hidden_by = self.texts.hidden_by
        self.counts.findings = self.found.total
        pinned = self.pinned is not None, self.pinned_founding is not None
        verdict: Verdict = "verified" if all(pinned) else "self-consistent, origin unproven"
        if self.found.findings:
            verdict = "misbehaviour found"
        records = self.records if self.comparable else DictRecords()
        if not self.comparable:
            self.counts = Counts(findings=self.found.total)
        return Report(
            verdict=verdict,
            verdict_es=VERDICT_ES[verdict],
            origin=head.origin if head else "",
            purpose=self.founded.purpose if self.founded else "",
            size=head.size if head else 0,
            root=head.root.hex() if head else "",
            at=self.folded,
            kept=self.start if self.comparable else 0,
            founding=self.founding,
            policy_pinned=pinned[0],
            founding_pinned=pinned[1],
            witnesses=list(head.witnesses) if head else [],
            checkpoint=head.raw.decode("utf-8", "replace") if head else "",
            digest=self.digest,
            served_digest=self.served,
            counts=self.counts,
            answers=self.answers(head),
            findings=self.found.findings,
            remarks=self.found.remarks,
            as_of=default_as_of(records, self.folded),
            table=_table(records, self.folded),
            anomalies=_anomalies(records, self.folded),
            tallies=[each for _, each in records.scan(Tally)],
            claims=[
                ClaimLine(each.report, each.version, each.tree_size, each.title, claim)
                for _, each in records.scan(Published)
                for claim in each.claims
            ]
            + [_counted(each) for _, each in records.scan(Round) if each.closed is not None],
            seconds=self.seconds,
        )

    def answers(self, head: Head | None) -> list[Answer]:
        """The four questions that a reader has."""
        found = self.found.findings
        if head is None:
            why = ("No hay ninguna cabeza firmada en la que confiar.", "There is no signed head to trust.")
            return [answer(question, found, False, why) for question in QUESTIONS]
        size = f"{head.size:,}"
        return [
            answer(
                "included",
                found,
                self.read,
                (
                    f"Los {size} asientos dan la raíz que el registro firmó, y ningún texto falta sin motivo.",
                    f"The {size} entries give the root that the ledger signed, and no text is gone without a reason.",
                )
                if self.read
                else _UNREAD,
            ),
            answer("append-only", found, bool(self.compared), _grown(self.compared, self.kept.path is not None)),
            answer(
                "same-for-all",
                found,
                head.quorum_time is not None and self.pinned is not None,
                _witnessed(head, self.pinned is not None),
            ),
            answer(
                "permitted",
                found,
                self.read and self.whole,
                (
                    f"Las reglas admiten cada una de las {size} declaraciones donde está.",
                    f"The rules admit each of the {size} statements where it stands.",
                )
                if self.read and self.whole
                else _UNREAD,
            ),
        ]


_UNREAD = ("No se leyó todo: vea las faltas.", "Not all was read: see the findings.")


def _grown(compared: int, keeping: bool) -> tuple[str, str]:
    """Why it is proved, or not, that the record only grows; `keeping` this head for the next time."""
    if compared:
        return (
            f"Creció a partir de todas las cabezas firmadas anteriores que se conocen: {compared}.",
            f"It has grown from all earlier signed heads that are known: {compared}.",
        )
    if keeping:
        return (
            "No se conoce ninguna cabeza anterior con que comparar; desde ahora, esta.",
            "No earlier head is known to compare with; from now on this one is.",
        )
    return (
        "No se conoce ninguna cabeza anterior con que comparar: guarde esta con --trusted.",
        "No earlier head is known to compare with: keep this one with --trusted.",
    )


def _witnessed(head: Head, pinned: bool) -> tuple[str, str]:
    """Why it is proved, or not, that everybody sees the same; `pinned` is whether the reader has a policy."""
    if not pinned:
        return (
            "Usted no fijó ninguna política: nadie de quien usted se fíe ha dicho haber visto esta misma cabeza.",
            "You pinned no policy: nobody whom you trust has said to have seen this very head.",
        )
    if head.quorum_time is None:
        return (
            "La política que usted fija no pide testigos: compare el punto de control con el de otras personas.",
            "The policy that you pin asks for no witnesses: compare the checkpoint with other people's.",
        )
    names, when = ", ".join(name for name, _ in head.witnesses), format_when(head.quorum_time * 1000)
    return (
        f"El quórum de testigos cofirmó esta misma cabeza ({when}): {names}.",
        f"The quorum of witnesses cosigned this very head ({when}): {names}.",
    )


def _asked(policy: Policy) -> tuple[object, ...]:
    """What a policy asks of which witnesses, wherever they are reached."""
    return [(each.name, each.verifier) for each in policy.witnesses], policy.groups, policy.quorum


def _no_ledger(es: str, en: str) -> CannotRun:
    return CannotRun(
        f"Aquí no hay ningún registro: {es}.",
        f"There is no ledger here: {en}.",
        "Dé la carpeta `public` de un registro, o su dirección hasta su ruta (…/gt).",
        "Give the folder `public` of a ledger, or its address up to its path (…/gt).",
    )


def _order(row: Row) -> tuple[str, bool, int]:
    """The plan's own order: the government's commitments first, then by number."""
    return row.commitment.partition("/")[0], row.proposer != "government", row.number


def _counted(round_: Round) -> ClaimLine:
    """What the coordinator counted when a round had closed, beside the record's own count."""
    claimed, computed = round_.closed_count or 0, round_.closed_received or 0
    claim = ClaimChecked(
        measure="comment_count",
        round=round_.round,
        claimed=claimed,
        computed=computed,
        difference=claimed - computed,
        verdict="exact" if claimed == computed else "differs",
    )
    return ClaimLine("", 0, round_.closed_size or 0, round_.round, claim)


def _table(records: Records, size: int) -> list[Row]:
    """Reported, assessed and evidenced, in the order of the plans."""
    as_of = default_as_of(records, size)
    plans = dict.fromkeys([key.partition("/")[0] for key, _ in records.scan(Commitment)])
    rows = [
        _row(commitment, standing)
        for plan in plans
        for commitment, standing in standings_of(Situation(records, plan, as_of))
    ]
    return sorted(rows, key=_order)


def _anomalies(records: Records, size: int) -> dict[str, tuple[Anomaly, ...]]:
    """What the record of each plan shows to be at odds."""
    as_of = default_as_of(records, size)
    return {plan: anomalies_of(records, plan, size, as_of) for plan, _ in records.scan(PlanState)}


def _row(commitment: Commitment, standing: CommitmentStanding) -> Row:
    """The line of a commitment in the table of reported, assessed and evidenced levels."""
    reported = commitment.reported
    return Row(
        commitment=commitment.commitment,
        number=commitment.number,
        proposer=commitment.proposer,
        title=commitment.title,
        institution=commitment.institution,
        reported=reported.level if reported else "",
        printed=bool(reported and reported.printed),
        reported_index=reported.index if reported else None,
        assessed=[Assessed(each.actor, each.role, each.level, each.index) for each in commitment.assessed],
        evidenced=standing.combined.level,
        percent=standing.combined.percent,
        gap=standing.gap,
        contested=standing.contested,
        evidence=commitment.evidence,
        captured=commitment.captured,
        comments=commitment.comments,
    )


def _founding_entry(note: bytes, origin: str) -> Entry:
    """The founding entry, from the note that an earlier audit kept."""
    return Entry(0, 0, open_statement(note, origin))


def _silent(done: int, total: int) -> None:
    """Progress that nobody wants to hear of."""


_RULE_KINDS = {"A0": "time-went-back", "A10": "duplicate-statement"}

"""The auditor: replays a published ledger from its bytes and says what is not as it must be.

    report = audit(source, policy=parse_policy(file), founding="3f…")
    report.verdict          verified · self-consistent, origin unproven · misbehaviour found
    report.findings         each with a stable kind, an index or a path, a sentence in Spanish and English, evidence

It trusts neither the server nor its operator, and it uses nothing of the writer. What it does, in this order:

1. the checkpoint is signed by the key that the reader pinned, the tiles lead to its root, every entry has its leaf
   hash and every signature verifies (`ledger.verify`);
2. the founding statement is the pinned one; every statement was admissible where it stands, by the same rulebook that
   the server is bound to (`ledger.rulebook`), and received times never go back;
3. the projections are folded anew, and the digest over their records is computed; a server is asked for its own;
4. contents: each text gives its salted digest, and where one is missing, a statement that is in the tree took it away;
5. every other file: `head`, older signed heads, `ledger.json`, `policy`; of a folder also every tile and bundle that
   is still there, and files that do not belong.

A finding does not end the audit: it goes on as far as the bytes allow, so that one report says all. Without a pinned
policy *and* a pinned founding digest the verdict is never a plain "verified": anybody can found a ledger.

The findings' kinds are for ever (programs act on them): `projections.findings` lists them with what they mean.
"""

import gc
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Protocol

import msgspec

from consultation.text import (
    Authority,
    Content,
    Form,
    PublicLine,
    bundle_path,
    check_form,
    forms_of,
    parse_bundle,
    parse_bundle_path,
    salted_digest,
)
from ledger.docket import Docket
from ledger.errors import CannotRun, Misbehaviour, Refused
from ledger.rulebook import check_admissible
from ledger.statement import Entry, canonical, format_time
from ledger.tlog.errors import FormatError, Malformed
from ledger.tlog.merkle import HASH_SIZE, leaf_hash
from ledger.tlog.note import ED25519, Verifier, check_public_key, format_vkey, parse_vkey
from ledger.tlog.policy import Policy, parse_policy
from ledger.tlog.tiles import ENTRIES, WIDTH, Tile, parse_path
from ledger.tlog.tiles import parse_bundle as parse_entries
from ledger.verify import (
    Batch,
    Head,
    Source,
    Spine,
    check_log_key,
    judge_head,
    leaf_hashes,
    own_policy,
    read_spine,
    roots_at,
    walk,
)
from ledger.vocabulary import (
    CommentSubmitted,
    CommentTranscribed,
    ContentWithheld,
    LedgerOpened,
    Statement,
    StatementWithdrawn,
)
from projections.commitments import Commitment
from projections.compromise import Signings, compromises
from projections.findings import (
    REMARKS,
    VERDICT_ES,
    Assessed,
    ClaimLine,
    Counts,
    Finding,
    Remark,
    Report,
    Row,
    Verdict,
    sentences,
)
from projections.records import DictRecords, Lines, Records, compare, digest
from projections.replay import evolve
from projections.reports import Report as Published
from projections.reports import Tally

# A report stays readable however much is wrong; what is beyond is counted.
MAX_FINDINGS = 500

# Cosignature times bound received times (log-formats, section 8).
CLOCK_TOLERANCE_MS = 60_000
MERGE_DELAY_MS = 10_000
BOUND_WITHIN_MS = 120_000

# How long to wait, in seconds, for the head of a growing ledger to follow its contents.
PAUSES = (0.0, 0.1, 0.4, 1.0, 2.0)

# With so much wrong there is no use in reading on: nobody who is given less than they were promised should wait.
MAX_COUNTED = 2_000

Progress = Callable[[int, int], None]
"""Called with the number of entries done and the number of all."""


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
    workers: int | None = None,
    progress: Progress | None = None,
    server: Server | None = None,
    records: AuditRecords | None = None,
) -> Report:
    """Audit a published ledger.

    `policy` and `founding` (identity of the first statement, 64 hex) are the reader's anchors. `at` is the tree size at
    which the records are wanted; all entries are verified whatever it is. `seen` are signed heads that the reader has
    kept from earlier: the ledger must have grown from each. `workers` is the number of processes that verify. `server`
    is asked for its own digest; `records` is an empty store to fold into, if the caller wants to read from it.

    Raises CannotRun where there is no ledger to audit, or it cannot be read; what is wrong with one is in the report.
    """
    under_way = _Audit(source, policy, founding, at, workers, progress, server, records or DictRecords())
    with _few_collections():
        return under_way.run(list(seen))


@contextmanager
def _few_collections() -> Generator[None]:
    """Have Python look for garbage seldom: what is folded stays, and there is no end of looking at it again."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], 1_000_000), before[1], before[2])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Audit:
    """One audit under way."""

    def __init__(
        self,
        source: Source,
        policy: Policy | None,
        founding: str | None,
        at: int | None,
        workers: int | None,
        progress: Progress | None,
        server: Server | None,
        records: AuditRecords,
    ) -> None:
        self.source = source
        self.pinned = policy
        self.pinned_founding = founding
        self.at = at
        self.workers = workers
        self.progress: Progress = progress or _silent
        self.server = server
        self.records = records
        self.findings: list[Finding] = []
        self.remarks: list[Remark] = []
        self.counts = Counts()
        self.signings = Signings()
        self.heads: list[Head] = []
        self.own_files: dict[str, bytes | None] = {}
        self.kinds: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}
        self.told: set[tuple[str, int | None, str | None, str | None]] = set()
        self.founded: LedgerOpened | None = None
        self.founding = ""
        self.digest = ""
        self.folded = 0
        self.served: str | None = None
        # What took contents from view: (statement, salted digest) -> index and identity of those that did. A withdrawn
        # comment goes with all its contents: its digest is "".
        self.hidings: dict[tuple[str, str], list[Authority]] = {}
        self.bounds = _Bounds([])
        # Whether every entry so far could be read, and so folded.
        self.whole = True
        # Markers met that name an entry behind the audited tree: the ledger may have grown meanwhile.
        self.later: list[tuple[PublicLine, str]] = []
        # The files of contents that were looked at.
        self.contents_read: set[int] = set()

    # --- findings

    def add(self, fault: Misbehaviour, *, code: str | None = None, rule: str | None = None) -> None:
        """Keep a finding; the same thing at the same place is told once."""
        place = (fault.kind, fault.index, fault.path, rule)
        if place in self.told:
            return
        self.told.add(place)
        self.counts.findings += 1
        if len(self.findings) >= MAX_FINDINGS:
            return
        es, en = sentences(fault.kind, fault.index, fault.path, code, rule)
        self.findings.append(
            Finding(
                kind=fault.kind,
                index=fault.index,
                path=fault.path,
                code=code,
                rule=rule,
                detail=fault.detail,
                es=es,
                en=en,
                evidence=dict(fault.evidence),
            )
        )

    def remark(self, kind: str, **figures: object) -> None:
        """Say something that is no fault, once."""
        es, en = REMARKS[kind]
        each = Remark(kind, es.format(**figures), en.format(**figures))
        if each not in self.remarks:
            self.remarks.append(each)

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
        spine = self.spine_of(head)
        self.lap("tiles", began)
        if spine is None:
            return self.report(head, began)
        cosigned = [each for path in self.days(head, paths) for each in self.read_day(path, policy)]
        self.bounds = _Bounds([head, *cosigned])
        folded = time.perf_counter()
        docket = self.fold(head, spine)
        self.lap("entries", folded)
        rest = time.perf_counter()
        self.folded = min(docket.size, self.at or head.size)
        self.digest = digest(self.records, head.origin, self.folded) if self.folded else ""
        self.settle_contents(head, spine, docket, policy)
        newest_spine = self.check_heads(head, spine, policy, cosigned, seen)
        self.check_own_files(head, docket)
        self.tell_disputes()
        if paths is not None:
            self.check_files(paths, newest_spine or spine, walked=newest_spine is None)
        self.lap("files", rest)
        self.ask_server(head)
        return self.report(head, began)

    def lap(self, name: str, began: float) -> None:
        """Note how long a part took, in seconds. (Only a figure for the reader: nothing is decided by it.)"""
        self.seconds[name] = round(time.perf_counter() - began, 3)

    def report(self, head: Head | None, began: float) -> Report:
        """Put together what was found."""
        self.lap("all", began)
        self.counts.by_kind = dict(sorted(self.kinds.items()))
        pinned = self.pinned is not None, self.pinned_founding is not None
        verdict: Verdict = "verified" if all(pinned) else "self-consistent, origin unproven"
        if self.findings:
            verdict = "misbehaviour found"
        return Report(
            verdict=verdict,
            verdict_es=VERDICT_ES[verdict],
            origin=head.origin if head else "",
            purpose=self.founded.purpose if self.founded else "",
            size=head.size if head else 0,
            root=head.root.hex() if head else "",
            at=self.folded,
            founding=self.founding,
            policy_pinned=pinned[0],
            founding_pinned=pinned[1],
            witnesses=list(head.witnesses) if head else [],
            checkpoint=head.raw.decode("utf-8", "replace") if head else "",
            digest=self.digest,
            served_digest=self.served,
            counts=self.counts,
            findings=self.findings,
            remarks=self.remarks,
            table=sorted((_row(each) for _, each in self.records.scan(Commitment)), key=_order),
            tallies=[each for _, each in self.records.scan(Tally)],
            claims=[
                ClaimLine(each.report, each.version, each.tree_size, each.title, claim)
                for _, each in self.records.scan(Published)
                for claim in each.claims
            ],
            seconds=self.seconds,
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
                raise CannotRun(
                    "Aquí no hay ningún registro: ni un punto de control firmado ni una política.",
                    "There is no ledger here: neither a signed checkpoint nor a policy.",
                    "Dé la carpeta `public` de un registro, o su dirección hasta su ruta (…/gt).",
                    "Give the folder `public` of a ledger, or its address up to its path (…/gt).",
                ) from None
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
                if path == "checkpoint" and not self.is_ledger() and not any(_is_tile(each) for each in paths or ()):
                    raise CannotRun(
                        "Aquí no hay ningún registro: falta un punto de control firmado.",
                        "There is no ledger here: no signed checkpoint.",
                        "Dé la carpeta `public` de un registro, o su dirección hasta su ruta (…/gt).",
                        "Give the folder `public` of a ledger, or its address up to its path (…/gt).",
                    )
                self.add(Misbehaviour("missing-file", "no signed head is published here", path=path))
                continue
            try:
                return judge_head(raw, policy, path=path)
            except Misbehaviour as fault:
                self.add(fault)
                if fault.kind == "not-cosigned":
                    return judge_head(raw, policy, path=path, quorum=False)
                if fault.kind == "foreign-checkpoint":
                    return None
        return None

    def spine_of(self, head: Head) -> Spine | None:
        """The tiles above the entries; None, with findings, where too little is published to prove anything."""
        try:
            return read_spine(self.source, head.size, head.root, self.add, path=head.path)
        except Misbehaviour as fault:
            self.add(fault)
            return None

    # --- 2 and 3. entries, rules, records

    def fold(self, head: Head, spine: Spine) -> Docket:
        """Verify every entry and fold it: into the docket, which judges the next, and into the records."""
        docket = Docket(head.origin)
        bounded = bool(self.bounds)
        for batch in walk(self.source, head.origin, spine, workers=self.workers):
            for fault in batch.faults:
                self.add(fault)
            self.count(batch.entries)
            brought: list[tuple[Entry, tuple[str, ...]]] = []
            for entry in batch.entries:
                if entry.index == docket.size:  # up to the first that could not be read
                    self.take(entry, docket)
                if bounded:
                    self.check_time(entry)
                statement = entry.opened.statement
                if salted := statement.salted_digests():
                    brought.append((entry, salted))
                if type(statement) in _HIDING:  # it may do both: whoever takes a comment back may say why
                    self.note_hiding(entry)
            self.whole = docket.size == batch.first + batch.count
            self.check_contents(batch, brought, head.size)
            self.progress(batch.first + batch.count, head.size)
            if self.counts.findings > MAX_COUNTED:
                self.whole = False
                self.remark("stopped", size=batch.first + batch.count)
                break
        if not self.whole:
            self.remark("folded-in-part", size=docket.size)
        return docket

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
            self.found(entry)
        self.signings.note(entry)
        refused = False
        try:
            check_admissible(opened, entry.received_ms, docket)
        except Refused as refusal:
            refused = True
            kind = _RULE_KINDS.get(refusal.rule, "forbidden-statement")
            if refusal.rule == "A0" and entry.received_ms >= docket.last_received:
                kind = "forbidden-statement"
            fault = Misbehaviour(kind, str(refusal), index=entry.index, evidence={"note": opened.note})
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

    def check_time(self, entry: Entry) -> None:
        """Witnesses bound a received time from outside (log-formats, section 8)."""
        wrong = self.bounds.against(entry.index, entry.received_ms)
        if wrong:
            self.add(Misbehaviour("time-impossible", wrong, index=entry.index))

    def found(self, entry: Entry) -> None:
        """Look at the founding statement: is it the pinned one, is it of this origin?"""
        self.founding = entry.opened.identity
        evidence = {"note": entry.opened.note}
        if self.pinned_founding is not None and self.pinned_founding != self.founding:
            detail = f"the founding statement is {self.founding}, and the pinned one {self.pinned_founding}"
            self.add(Misbehaviour("founding-differs", detail, index=0, evidence=evidence))
        if isinstance(entry.opened.statement, LedgerOpened):
            self.founded = entry.opened.statement

    # --- 4. contents

    def note_hiding(self, entry: Entry) -> None:
        """Remember which contents an entry takes from view."""
        statement = entry.opened.statement
        by = Authority(digest=entry.opened.identity, index=entry.index)
        if isinstance(statement, ContentWithheld):
            self.hidings.setdefault((statement.target.statement, statement.target.salted_digest), []).append(by)
        elif isinstance(statement, StatementWithdrawn):
            self.hidings.setdefault((statement.statement, ""), []).append(by)

    def check_contents(self, batch: Batch, brought: list[tuple[Entry, tuple[str, ...]]], size: int) -> None:
        """Check the contents of 256 entries against those that bring any."""
        if not brought:
            return
        number = batch.first // WIDTH
        self.contents_read.add(number)
        path = bundle_path(number)
        lines = self.read_contents(path, number)
        if lines is None:
            return
        written = {(line.index, line.salted_digest): line for line in lines if line.index < size}
        for entry, digests in brought:
            for salted in dict.fromkeys(digests):
                line = written.pop((entry.index, salted), None)
                if line is None:
                    detail = f"no text and no marker for the salted digest {salted}"
                    self.add(Misbehaviour("content-missing", detail, index=entry.index, path=path))
                elif isinstance(line.content, Content):
                    self.check_shown(entry, line, line.content, path)
                else:
                    # The statement that took it from view comes later in the tree: judged when all is known.
                    self.counts.contents_hidden += 1
                    self.later.append((line, entry.opened.identity))
        # Of an entry that could not be read nobody knows what it brings.
        known = {entry.index for entry in batch.entries} if written else set[int]()
        for (index, salted), line in written.items():
            if index not in known:
                continue
            detail = f"the entry does not bring the salted digest {salted}"
            fault = Misbehaviour("content-unknown", detail, index=index, path=path, evidence={path: _line(line)})
            self.add(fault)

    def read_contents(self, path: str, number: int) -> list[PublicLine] | None:
        """The lines of a file of contents; reported, and None, where it is not there or not of the format."""
        raw = self.source.read(path)
        if raw is None:
            first = number * WIDTH
            self.add(Misbehaviour("missing-file", "contents that entries bring are not there", index=first, path=path))
            return None
        try:
            return parse_bundle(raw, number)
        except Refused as refusal:
            fault = Misbehaviour("content-malformed", str(refusal), path=path, evidence={path: raw})
            self.add(fault, code=refusal.code, rule=refusal.rule)
            return None

    def check_shown(self, entry: Entry, line: PublicLine, content: Content, path: str) -> None:
        """A text that is shown is of its form, and gives its salted digest under its statement's first signer."""
        opened = entry.opened
        self.counts.contents_shown += 1
        salt = bytes.fromhex(str(line.salt))
        computed = salted_digest(salt, opened.origin, opened.statement.by[0].key, content)
        if computed != line.salted_digest:
            detail = f"text and salt give {computed}, and the statement has {line.salted_digest}"
            fault = Misbehaviour("content-altered", detail, index=entry.index, path=path, evidence={path: _line(line)})
            self.add(fault)
            return
        try:
            check_form(content, _form(opened.statement, line.salted_digest))
        except Refused as refusal:
            # The signer meant this text, but the desk should not have taken it.
            fault = Misbehaviour("content-form", str(refusal), index=entry.index, path=path)
            self.add(fault, code=refusal.code, rule=refusal.rule)

    def settle_contents(self, head: Head, spine: Spine, docket: Docket, policy: Policy) -> None:
        """With all entries known: is every marker authorised, and nothing shown that was taken from view?"""
        beyond = [
            line.by.index for line, _ in self.later if isinstance(line.by, Authority) and line.by.index >= head.size
        ]
        if beyond:
            self.read_on(head, docket, policy, max(beyond))
        for line, identity in self.later:
            allowed = [*self.hidings.get((identity, line.salted_digest), ()), *self.hidings.get((identity, ""), ())]
            if line.by not in allowed:
                path = bundle_path(line.index // WIDTH)
                by = line.by if isinstance(line.by, Authority) else Authority(digest="", index=-1)
                detail = f"entry {by.index} ({by.digest[:16]}…) does not take this content from view"
                evidence = {path: _line(line)}
                self.add(Misbehaviour("content-marker", detail, index=line.index, path=path, evidence=evidence))
        for (identity, salted), authorities in self.hidings.items():
            index = docket.index_of(identity)
            if index is not None and min(each.index for each in authorities) < head.size:
                self.check_taken_away(index, identity, salted, docket)

    def check_taken_away(self, index: int, identity: str, salted: str, docket: Docket) -> None:
        """What was taken from view is not shown."""
        earlier = docket.earlier(identity)
        if salted == "" and (earlier is None or earlier.kind not in _COMMENTS):
            return
        path = bundle_path(index // WIDTH)
        raw = self.source.read(path)
        try:
            lines = parse_bundle(raw or b"", index // WIDTH)
        except Refused:
            return  # reported already
        for line in lines:
            if line.index == index and salted in ("", line.salted_digest) and isinstance(line.content, Content):
                detail = f"the content {line.salted_digest} was taken from view, and its text is shown"
                self.add(Misbehaviour("content-shown", detail, index=index, path=path))

    def read_on(self, head: Head, docket: Docket, policy: Policy, wanted: int) -> None:
        """Verify the entries behind the audited tree up to `wanted`: the ledger grew while it was being read."""
        try:
            newer = self.newer_head(policy, wanted)
            if newer is None:
                return
            spine = read_spine(self.source, newer.size, newer.root, path=newer.path)
            if roots_at(self.source, spine, [head.size]).get(head.size) != head.root:
                raise _fork(head, newer)
            for batch in walk(self.source, head.origin, spine, start=head.size, stop=wanted + 1, workers=1):
                for fault in batch.faults:
                    raise fault
                for entry in batch.entries:
                    if docket.size == entry.index:
                        self.take(entry, docket)
                    self.note_hiding(entry)
        except Misbehaviour as fault:
            self.add(fault)

    def newer_head(self, policy: Policy, wanted: int) -> Head | None:
        """A signed head that covers the entry `wanted`, or None.

        A writer changes what is public of a content just before it signs the head that says why, so a reader who came
        in between waits a little.
        """
        for pause in PAUSES:
            time.sleep(pause)
            for path in ("checkpoint", "head"):
                newer = judge_head(self.source.read(path) or b"", policy, path=path, quorum=False)
                if newer.size > wanted:
                    return newer
        return None

    # --- 5. heads and files

    def check_heads(
        self, head: Head, spine: Spine, policy: Policy, cosigned: list[Head], seen: list[bytes]
    ) -> Spine | None:
        """Every signed head that there is must be of this one tree. Returns the spine of the newest, if it is ahead."""
        heads = list(cosigned)
        newest: Head | None = None
        ahead: Spine | None = None
        raw = head.raw if head.path == "head" else self.source.read("head")
        if raw is None:
            self.add(Misbehaviour("missing-file", "the newest signed head is not published", path="head"))
        elif (latest := self.judge(raw, policy, "head")) is not None:
            heads.append(latest)
            if latest.size < head.size:
                detail = f"`head` has {latest.size} entries, and the checkpoint {head.size}"
                self.add(Misbehaviour("head-behind", detail, path="head", evidence={"head": raw}))
            elif latest.size > head.size:
                ahead = self.spine_of(latest)
                newest = latest if ahead else None
        for number, kept in enumerate(seen, 1):
            if (earlier := self.judge(kept, policy, f"the head kept from earlier ({number})")) is not None:
                heads.append(earlier)
        self.heads = [head, *heads]
        self.counts.heads = len(self.heads)
        self.compare_heads(newest or head, ahead or spine, [*([head] if newest else []), *heads])
        if not head.witnesses:
            self.remark("no-witnesses")
        elif self.bounds.unbounded:
            self.remark("time-unbounded", count=self.bounds.unbounded)
        return ahead

    def compare_heads(self, newest: Head, spine: Spine, heads: list[Head]) -> None:
        """Each signed head is of the tree that the newest describes, as it was at that size."""
        roots = roots_at(self.source, spine, [newest.size, *(head.size for head in heads)])
        # Where the files do not lead to the newest root, they prove nothing of older ones.
        whole = roots.get(newest.size) == newest.root
        for head in heads:
            if head.size > newest.size:
                detail = f"a signed head of {head.size} entries, and the ledger publishes {newest.size}"
                evidence = {head.path: head.raw, newest.path: newest.raw}
                self.add(Misbehaviour("head-behind", detail, path=newest.path, evidence=evidence))
            elif head.origin != newest.origin:
                detail = f"a head of {head.origin} in the ledger {newest.origin}"
                self.add(Misbehaviour("foreign-checkpoint", detail, path=head.path, evidence={head.path: head.raw}))
            elif (
                (head.root != newest.root)
                if head.size == newest.size
                else (whole and head.root != roots.get(head.size, head.root))
            ):
                self.add(_fork(newest, head))

    def judge(self, raw: bytes, policy: Policy, path: str) -> Head | None:
        """A signed head, or a finding."""
        try:
            return judge_head(raw, policy, path=path, quorum=False)
        except Misbehaviour as fault:
            self.add(fault)
            return None

    def days(self, head: Head, paths: list[str] | None) -> list[str]:
        """The files of cosigned heads: those listed, or of a web server those that the cosignatures make likely."""
        if paths is not None:
            return [path for path in paths if _is_day(path)]
        latest = max((when for _, when in head.witnesses), default=0)
        if not latest:
            return []
        days = {time.strftime("%Y-%m-%d", time.gmtime(latest - back * 86_400)) for back in range(_DAYS_BACK)}
        return [f"checkpoints/{day}" for day in sorted(days)]

    def read_day(self, path: str, policy: Policy) -> list[Head]:
        """The cosigned heads of one day: each after its length in four bytes, big endian."""
        raw = self.source.read(path)
        heads: list[Head] = []
        at = 0
        while raw and at < len(raw):
            end = at + 4 + int.from_bytes(raw[at : at + 4], "big")
            if end > len(raw):
                # A crash while appending leaves this behind; the next start cuts it off.
                self.remark("torn-record", path=path)
                break
            head = self.judge(raw[at + 4 : end], policy, path)
            heads += [head] if head else []
            at = end
        return heads

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
                    self.remark("log-key-rotated", index=rotated.index, vkey=vkey)
        keys = set(docket.roster.log.ever)
        try:
            self.check_policy_file(head.origin, keys)
            self.check_ledger_file(head.origin, keys)
        except Misbehaviour as fault:
            self.add(fault)
        if founded.purpose == "demonstration":
            self.remark("demonstration")

    def tell_disputes(self) -> None:
        """What was signed with a key that was declared compromised stays valid, and the reader is told."""
        for each in compromises(self.records).values():
            count, since = self.signings.disputed(each), format_time(each.since_ms)
            self.remark("disputed", count=count, actor=each.actor, since=since, index=each.index)

    def check_policy_file(self, origin: str, keys: set[str]) -> None:
        """The ledger's own policy names its own keys."""
        raw = self.own_files["policy"]
        if raw is None:
            raise Misbehaviour("missing-file", "the ledger publishes no policy", path="policy")
        try:
            logs = parse_policy(raw).logs
            if not logs or any(log.verifier.name != origin for log in logs):
                raise Malformed("key", "it is not about this origin")
            _check_keys([log.verifier for log in logs], keys)
        except FormatError as error:
            raise Misbehaviour("bad-policy-file", error.message, path="policy", evidence={"policy": raw}) from None

    def check_ledger_file(self, origin: str, keys: set[str]) -> None:
        """`ledger.json` is of its one form and says what the founding statement says."""
        raw = self.own_files["ledger.json"]
        if raw is None:
            raise Misbehaviour("missing-file", "the ledger does not describe itself", path="ledger.json")
        try:
            said = msgspec.json.decode(raw, type=_LedgerFile)
            if canonical(said) + b"\n" != raw:
                raise ValueError("it is not in its canonical form")
            if said.origin != origin:
                raise ValueError(f"it speaks of the ledger {said.origin}")
            if strange := set(said.formats) - FORMATS:
                raise ValueError(f"it names formats that are not known: {', '.join(sorted(strange))}")
            if not said.log_keys or said.merge_delay_seconds < 1:
                raise ValueError("it names no log key, or promises no time")
            _check_keys([parse_vkey(key) for key in said.log_keys], keys)
            if isinstance(said.desk_key, str):
                check_public_key(bytes.fromhex(said.desk_key))
        except (ValueError, msgspec.DecodeError) as error:
            evidence = {"ledger.json": raw}
            raise Misbehaviour("bad-ledger-file", str(error), path="ledger.json", evidence=evidence) from None

    def check_files(self, paths: list[str], spine: Spine, *, walked: bool) -> None:
        """Every file of a folder: tiles and bundles that are still there agree with the tree, and none is foreign.

        `walked` says that the spine is the one whose entries were verified: those files need no second look.
        """
        size = spine.size
        tiles: dict[int, list[Tile]] = {}
        for path in paths:
            self.counts.files += 1
            if path in _OWN_FILES or _is_day(path):
                continue
            if path.startswith("contents/") and self.known_contents(path, size):
                continue
            try:
                tile = parse_path(path)
            except Malformed:
                self.add(Misbehaviour("unknown-file", "no file of a ledger has this name", path=path))
                continue
            level = max(0, tile.level)
            if (tile.index * WIDTH + tile.width) << 8 * level > size + _AHEAD:
                self.add(Misbehaviour("unknown-file", "a tile far beyond the newest signed head", path=path))
            elif spine.width(level, tile.index):
                # Level 0 by number, so that each tile of leaf hashes is read once for all that lies over it.
                tiles.setdefault(tile.index if level == 0 else -1, []).append(tile)
            else:
                self.remark("files-ahead", size=size)
        for tile in tiles.pop(-1, []):
            self.check_tile(tile, spine, spine.tile(tile.level, tile.index))
        for index, group in sorted(tiles.items()):
            needed = spine.width(0, index)
            others = [tile for tile in group if tile.width != needed or not walked]
            if not others:
                continue
            try:
                right = leaf_hashes(self.source, spine, index, self.add)
            except Misbehaviour as fault:
                self.add(fault)
                continue
            for tile in others:
                self.check_tile(tile, spine, right)

    def check_tile(self, tile: Tile, spine: Spine, right: bytes) -> None:
        """A tile or bundle that no reader of the newest head needs any more still says what the tree says."""
        path = tile.path
        raw = self.source.read(path)
        if raw is None:
            return  # swept between listing and reading
        first = tile.index * WIDTH << 8 * max(0, tile.level)
        if tile.level == ENTRIES:
            try:
                hashes = b"".join([leaf_hash(entry) for entry in parse_entries(raw, tile.width)])
            except Malformed as error:
                self.add(Misbehaviour("bundle-altered", error.message, index=first, path=path, evidence={path: raw}))
                return
        else:
            hashes = raw
            if len(raw) != tile.width * HASH_SIZE:
                detail = f"a tile of {len(raw)} bytes where {tile.width * HASH_SIZE} belong"
                self.add(Misbehaviour("tile-altered", detail, index=first, path=path, evidence={path: raw}))
                return
        common = min(len(hashes), len(right))
        for at in range(0, common, HASH_SIZE):
            if hashes[at : at + HASH_SIZE] != right[at : at + HASH_SIZE]:
                index = (tile.index * WIDTH + at // HASH_SIZE) << 8 * max(0, tile.level)
                kind = "bundle-altered" if tile.level == ENTRIES else "tile-altered"
                detail = "an older file, kept for readers of older heads, is not what the tree says"
                self.add(Misbehaviour(kind, detail, index=index, path=path, evidence={path: raw}))
                return
        if common < len(hashes):
            self.remark("files-ahead", size=spine.size)

    def known_contents(self, path: str, size: int) -> bool:
        """Whether a file of contents belongs to entries that there are; lines that none of them brings are reported."""
        try:
            number = parse_bundle_path(path)
        except Malformed:
            return False
        if number * WIDTH >= size + _AHEAD:
            return False
        if number not in self.contents_read:
            for line in self.read_contents(path, number) or ():
                if line.index < size:
                    detail = f"the entry does not bring the salted digest {line.salted_digest}"
                    evidence = {path: _line(line)}
                    self.add(Misbehaviour("content-unknown", detail, index=line.index, path=path, evidence=evidence))
        return True

    def ask_server(self, head: Head) -> None:
        """Compare the digest over the records with what the server says of itself."""
        if self.server is None or not self.whole:
            return
        self.served = self.server.served_digest(self.at or head.size)
        if self.served is None:
            self.remark("no-served-digest")
        elif self.served != self.digest:
            detail = f"the server says {self.served}, and its entries give {self.digest}"
            self.add(Misbehaviour("digest-differs", detail, path="api/digest"))
            difference = compare(self.records.lines(), self.server.served_records(self.at or head.size))
            if difference is not None:
                self.add(Misbehaviour("record-differs", difference, path="api/records"))


class _Bounds:
    """What cosignature times say of received times. Heads without a quorum say nothing."""

    def __init__(self, heads: list[Head]) -> None:
        cosigned = sorted((head.size, head.quorum_time * 1000) for head in heads if head.quorum_time is not None)
        self.sizes = [size for size, _ in cosigned]
        times = [when for _, when in cosigned]
        # Of the heads up to each the latest time, and of those from each on the earliest.
        self.latest = list(accumulate(times, max))
        self.earliest = list(accumulate(reversed(times), min))[::-1]
        self.unbounded = 0  # entries that no head bounds within two minutes

    def __bool__(self) -> bool:
        return bool(self.sizes)

    def against(self, index: int, received_ms: int) -> str:
        """What speaks against an entry's received time, or nothing."""
        first = bisect_right(self.sizes, index)  # the first head with the entry
        if first == len(self.sizes) or self.earliest[first] - received_ms > BOUND_WITHIN_MS:
            self.unbounded += 1
        if first < len(self.sizes) and received_ms > self.earliest[first] + CLOCK_TOLERANCE_MS:
            return f"witnesses cosigned a head with it at {format_time(self.earliest[first])}, before it was received"
        if first and received_ms < self.latest[first - 1] - MERGE_DELAY_MS - CLOCK_TOLERANCE_MS:
            when = format_time(self.latest[first - 1])
            return f"witnesses cosigned a head without it at {when}, long after it should have been in the tree"
        return ""


def _order(row: Row) -> tuple[str, bool, int]:
    """The plan's own order: the government's commitments first, then by number."""
    return row.commitment.partition("/")[0], row.proposer != "government", row.number


def _row(commitment: Commitment) -> Row:
    """The line of a commitment in the table of reported and assessed levels, in the order of the plan."""
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
        evidence=commitment.evidence,
        captured=commitment.captured,
        comments=commitment.comments,
    )


# The formats that a ledger may name in `ledger.json`.
FORMATS = frozenset(
    {
        "c2sp.org/signed-note@v1.0.0",
        "c2sp.org/tlog-checkpoint@v1.0.0",
        "c2sp.org/tlog-cosignature@v1.0.1",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-tiles@v0.1.0",
        "constancia/claim/v1",
        "constancia/content/v1",
        "constancia/statement/v1",
    }
)


class _LedgerFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The file `ledger.json`, read without the writer's help."""

    origin: str
    log_keys: tuple[str, ...]
    formats: tuple[str, ...]
    merge_delay_seconds: int
    desk_key: str | msgspec.UnsetType = msgspec.UNSET


def _check_keys(verifiers: Iterable[Verifier], keys: set[str]) -> None:
    """Raise Malformed unless these are keys that the ledger's entries name as the log's."""
    for verifier in verifiers:
        if verifier.public_key.hex() not in keys:
            raise Malformed("key", f"the key of {verifier.name} is not one that the ledger names as its log's")


def _silent(done: int, total: int) -> None:
    """Progress that nobody wants to hear of."""


_OWN_FILES = frozenset({"head", "checkpoint", "policy", "ledger.json"})
_COMMENTS = frozenset({CommentSubmitted.__name__, CommentTranscribed.__name__})
_HIDING = frozenset({ContentWithheld, StatementWithdrawn})
_RULE_KINDS = {"A0": "time-went-back", "A10": "duplicate-statement"}

# A writer publishes tiles before the head that covers them; a crash leaves them there until the next start.
_AHEAD = 65_536

# Cosigned heads of a web server are looked for in so many days before the newest cosignature.
_DAYS_BACK = 7


def _fork(one: Head, other: Head) -> Misbehaviour:
    """Two signed heads of which neither grew from the other: both notes are the proof."""
    detail = f"the heads of {one.size} and {other.size} entries are of two different histories"
    evidence = {one.path: one.raw, other.path if other.path != one.path else f"{other.path} (2)": other.raw}
    return Misbehaviour("fork", detail, path=other.path, evidence=evidence)


def _form(statement: Statement, salted: str) -> Form:
    """What form of content a statement brings under a salted digest. Comments are the mass, and have one alone."""
    return "comment" if type(statement).__name__ in _COMMENTS else forms_of(statement)[salted]


def _line(line: PublicLine) -> bytes:
    return msgspec.json.encode(line)


def _is_day(path: str) -> bool:
    folder, _, day = path.partition("/")
    return folder == "checkpoints" and len(day) == 10 and day.replace("-", "").isdigit()


def _is_tile(path: str) -> bool:
    return path.startswith("tile/")

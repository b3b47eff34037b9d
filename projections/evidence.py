"""Evidence: what was linked, captured, checked, disputed and judged, and the facts that levels are computed from.

    Evidence, Sight, Dispute, Verdict, Request, Coding, Assessment     what entries said, folded
    standing_of(records, commitment, as_of) -> CommitmentStanding      the levels of one commitment in all voices

What is folded are facts, never grades: a grade is a function of these facts, of a day and of the methodology in force
(`projections.grading`), so a new methodology rewrites nothing, and any view of the past can be computed again.

Keys begin with the commitment, so that the facts of one commitment are a scan, and those of a plan are one too. A link
for several commitments has records under each. `Use` remembers who else has the same address or the same bytes.

Independent is an organisation that, up to here, never held coordinator or institution in the plan and was never
responsible for the commitment; its offices and programs count as the organisation.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import ClassVar, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from ledger.statement import Entry
from ledger.vocabulary import (
    LEVEL_ORDINAL,
    AssessmentClosed,
    AssessmentOpened,
    Codes,
    CommitmentCoded,
    DisputeResolved,
    DisputeScreened,
    EvidenceCaptured,
    EvidenceChecked,
    EvidenceDisputed,
    EvidenceLinked,
    EvidenceRequested,
    MachineCap,
    Parameters,
    ResponseGiven,
    SharedUseExplained,
    Statement,
    StatementWithdrawn,
    VerdictGiven,
    commitment_of,
)
from projections.commitments import Commitment, Day, LevelSaid, Mechanism, Methodology, PlanState, count_of, day_of
from projections.compromise import Compromise, compromises
from projections.grading import (
    ClaimFacts,
    CommitmentStanding,
    DisputeFacts,
    Facts,
    ItemFacts,
    MechanismFacts,
    Sighting,
    VerdictFacts,
    standing,
)
from projections.records import Record, Records, index_key
from projections.roll import DAY_MS, MINUTE_MS, Actor, DayStart, Known, Ledger, RoleHeld, printed_in, speaker_of

DEFAULT_PARAMETERS = Parameters(
    confirm_days=7,
    gone_days=7,
    answer_days=30,
    silence_days=183,
    reuse_bp=5000,
    substantial_bp=5000,
    machine_cap=MachineCap(grade_0=0, grade_1=0, grade_2=1, grade_3=2),
    own_pages=(),
    codes=Codes(verifiability=(), relevance=(), ambition=(), early_results=()),
    default_grace_days=15,
)
"""What holds for a plan before a methodology was adopted for it; results then name version 0."""

_EPOCH = date(1970, 1, 1).toordinal()

R = TypeVar("R", bound=Record)

# --- records ---------------------------------------------------------------------------------------------------------


class Evidence(Record, frozen=True, kw_only=True):
    """A piece of evidence of a commitment [commitment/index]; one that serves several has a record under each.

    `alike` are the links of other commitments with the same address or the same bytes, as (commitment, link), and
    `explained` are (entry, commitments) of statements that say why these share it.
    """

    table: ClassVar[str] = "evidence"
    indexes: ClassVar[int] = 1
    touches: ClassVar[bool] = True
    commitment: str
    mechanisms: tuple[str, ...]
    identity: str
    url: str = ""
    upload: str = ""
    title: str = ""
    lang: str
    evidence_type: str = ""
    dated: Day | None = None
    publisher: str = ""
    shows: str = ""
    actor: str
    role: str
    index: int
    received_ms: int
    printed: bool = False
    captures: int = 0
    last_digest: str = ""
    last_seen: str = ""
    last_seen_index: int | None = None
    disputes: int = 0
    withdrawn: int | None = None
    alike: tuple[tuple[str, int], ...] = ()
    explained: tuple[tuple[int, tuple[str, ...]], ...] = ()


class Sight(Record, frozen=True, kw_only=True):
    """Somebody looked at a link [commitment/link/index]: a capture (`seen` is `captured`) or a check."""

    table: ClassVar[str] = "sight"
    indexes: ClassVar[int] = 2
    seen: str
    digest: str = ""
    actor: str
    key: str
    index: int
    received_ms: int
    size: int | None = None
    media_type: str = ""
    method: str = ""


class Captured(Record, frozen=True, kw_only=True):
    """Bytes that were captured, by their digest [digest/index]: through which link, and by which statement."""

    table: ClassVar[str] = "captured"
    indexes: ClassVar[int] = 1
    plan: str
    link: str
    identity: str
    index: int


class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that was done about a dispute or a request: at which entry, when, by which actors and keys."""

    index: int
    received_ms: int
    said: str = ""  # admitted, declined; upheld, partly, rejected; the disposition of an answer
    actors: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class Dispute(Record, frozen=True, kw_only=True):
    """A dispute of evidence for a mechanism [commitment/link/index]. A citizen's has no actor, and is screened."""

    table: ClassVar[str] = "dispute"
    indexes: ClassVar[int] = 2
    touches: ClassVar[bool] = True
    mechanism: str
    link: str
    identity: str
    objection: str
    actor: str = ""
    role: str
    key: str
    index: int
    received_ms: int
    screened: Act | None = None
    answers: tuple[Act, ...] = ()
    resolved: Act | None = None
    withdrawn: int | None = None


class Verdict(Record, frozen=True, kw_only=True):
    """An assessor's reading of captured evidence [mechanism/index]. Earlier ones stay, to be shown as replaced."""

    table: ClassVar[str] = "verdict"
    indexes: ClassVar[int] = 1
    touches: ClassVar[bool] = True
    mechanism: str
    actor: str
    role: str
    key: str
    level: str
    digests: tuple[str, ...]
    identity: str
    index: int
    received_ms: int
    withdrawn: int | None = None


class Use(Record, frozen=True, kw_only=True):
    """Who has the same address or the same bytes [plan/url/…, plan/bytes/…]: (commitment, link) each."""

    table: ClassVar[str] = "use"
    uses: tuple[tuple[str, int], ...]


class Request(Record, frozen=True, kw_only=True):
    """Evidence that an assessor asks of an institution, by a day [commitment/index]."""

    table: ClassVar[str] = "request"
    indexes: ClassVar[int] = 1
    mechanism: str
    institution: str
    actor: str
    role: str
    due: Day
    identity: str
    index: int
    received_ms: int
    answers: tuple[Act, ...] = ()
    evidence: tuple[int, ...] = ()  # links that name it as their question


class Coding(Record, frozen=True, kw_only=True):
    """A code that an assessor gives for an aspect of a commitment [commitment/aspect/actor]; the latest stands."""

    table: ClassVar[str] = "coding"
    commitment: str
    aspect: str
    code: str
    actor: str
    role: str
    index: int
    received_ms: int


class Assessment(Record, frozen=True, kw_only=True):
    """An assessment of commitments over a span of time [assessment]; `closed` on the first `tree_size` entries."""

    table: ClassVar[str] = "assessment"
    assessment: str
    plan: str
    from_: str
    until: str
    commitments: tuple[str, ...]
    methodology: int
    actor: str
    role: str
    index: int
    closed: int | None = None
    tree_size: int | None = None


# --- folding ---------------------------------------------------------------------------------------------------------


def _text(text: str | UnsetType) -> str:
    return "" if text is UNSET else text


def _act(entry: Entry, said: str = "") -> Act:
    by = entry.opened.statement.by
    return Act(
        index=entry.index,
        received_ms=entry.received_ms,
        said=said,
        actors=tuple([signer.actor for signer in by if signer.actor is not UNSET]),
        keys=tuple([signer.key for signer in by]),
    )


def _linked(records: Records, entry: Entry, linked: EvidenceLinked, known: Known) -> None:
    actor, role = speaker_of(linked)
    by_commitment: dict[str, list[str]] = {}
    for mechanism in linked.for_:
        by_commitment.setdefault(commitment_of(mechanism), []).append(mechanism)
    url, upload = _text(linked.url), _text(linked.upload)
    for identifier, mechanisms in by_commitment.items():
        records.put(
            index_key(identifier, entry.index),
            Evidence(
                commitment=identifier,
                mechanisms=tuple(mechanisms),
                identity=entry.opened.identity,
                url=url,
                upload=upload,
                title=_text(linked.title),
                lang=linked.lang,
                evidence_type=_text(linked.evidence_type),
                dated=day_of(linked.dated),
                publisher=_text(linked.publisher),
                shows=_text(linked.shows),
                actor=actor,
                role=role,
                index=entry.index,
                received_ms=entry.received_ms,
                printed=printed_in(linked),
            ),
        )
        count_of(records, identifier, evidence=1)
        _use(records, _url_key(linked.plan, url) if url else _bytes_key(linked.plan, upload), identifier, entry.index)
    for question in () if linked.answers is UNSET else linked.answers:
        for key, request in _requests_of(records, question):
            records.put(key, msgspec.structs.replace(request, evidence=(*request.evidence, entry.index)))


def _url_key(plan: str, url: str) -> str:
    """Where the uses of an address are kept: compared with its query."""
    host_and_path, query = compared(url)
    return f"{plan}/url/{sha256(f'{host_and_path}?{query}'.encode()).hexdigest()}"


def _bytes_key(plan: str, digest: str) -> str:
    return f"{plan}/bytes/{digest}"


def _use(records: Records, key: str, commitment: str, link: int) -> None:
    """Note that a link of a commitment has this address, or these bytes, as those of other commitments may have."""
    known = records.get(Use, key)
    uses = known.uses if known is not None else ()
    own = (commitment, link)
    if own in uses:
        return
    records.put(key, Use(uses=(*uses, own)))
    for other in uses:
        if other[0] != commitment:
            _alike(records, own, other)
            _alike(records, other, own)


def _alike(records: Records, one: tuple[str, int], other: tuple[str, int]) -> None:
    evidence = records.get(Evidence, index_key(*one))
    if evidence is not None and other not in evidence.alike:
        records.put(index_key(*one), msgspec.structs.replace(evidence, alike=tuple(sorted((*evidence.alike, other)))))


def _evidence_of(records: Records, link: str) -> list[Evidence]:
    """The records of a link, one for each commitment."""
    known = records.get(Known, link)
    if known is None:
        return []
    found = [records.get(Evidence, index_key(topic, known.index)) for topic in known.topics]
    return [one for one in found if one is not None]


def _captured(records: Records, entry: Entry, captured: EvidenceCaptured, known: Known) -> None:
    sight = Sight(
        seen="captured",
        digest=captured.digest,
        actor=speaker_of(captured)[0],
        key=captured.by[0].key,
        index=entry.index,
        received_ms=entry.received_ms,
        size=captured.size,
        media_type=captured.media_type,
        method=captured.method,
    )
    made = Captured(plan=captured.plan, link=captured.link, identity=entry.opened.identity, index=entry.index)
    records.put(index_key(captured.digest, entry.index), made)
    for evidence in _evidence_of(records, captured.link):
        if evidence.captures == 0 and evidence.withdrawn is None:
            count_of(records, evidence.commitment, captured=1)
        key = index_key(evidence.commitment, evidence.index)
        changed = msgspec.structs.replace(evidence, captures=evidence.captures + 1, last_digest=captured.digest)
        records.put(key, changed)
        records.put(index_key(key, entry.index), sight)
        if evidence.withdrawn is None:
            _use(records, _bytes_key(captured.plan, captured.digest), evidence.commitment, evidence.index)


def _checked(records: Records, entry: Entry, checked: EvidenceChecked, known: Known) -> None:
    sight = Sight(
        seen=checked.seen,
        digest=_text(checked.digest),
        actor=speaker_of(checked)[0],
        key=checked.by[0].key,
        index=entry.index,
        received_ms=entry.received_ms,
    )
    for evidence in _evidence_of(records, checked.link):
        key = index_key(evidence.commitment, evidence.index)
        records.put(key, msgspec.structs.replace(evidence, last_seen=checked.seen, last_seen_index=entry.index))
        records.put(index_key(key, entry.index), sight)


def _disputed(records: Records, entry: Entry, disputed: EvidenceDisputed, known: Known) -> None:
    signer = disputed.by[0]
    for evidence in _evidence_of(records, disputed.link):
        if evidence.commitment == commitment_of(disputed.mechanism):
            key = index_key(evidence.commitment, evidence.index)
            records.put(key, msgspec.structs.replace(evidence, disputes=evidence.disputes + 1))
            count_of(records, evidence.commitment, disputed=1)
            records.put(
                index_key(key, entry.index),
                Dispute(
                    mechanism=disputed.mechanism,
                    link=disputed.link,
                    identity=entry.opened.identity,
                    objection=disputed.objection,
                    actor=_text(signer.actor),
                    role=signer.role,
                    key=signer.key,
                    index=entry.index,
                    received_ms=entry.received_ms,
                ),
            )


def _dispute(records: Records, identity: str) -> tuple[str, Dispute] | None:
    """A dispute by its identity, with its key."""
    known = records.get(Known, identity)
    if known is None or known.kind != "EvidenceDisputed" or not known.place:
        return None
    key = index_key(known.place, known.index)
    found = records.get(Dispute, key)
    return None if found is None else (key, found)


def _screened(records: Records, entry: Entry, screened: DisputeScreened, known: Known) -> None:
    found = _dispute(records, screened.dispute)
    if found is not None and found[1].screened is None:
        records.put(found[0], msgspec.structs.replace(found[1], screened=_act(entry, screened.screening)))


def _resolved(records: Records, entry: Entry, resolved: DisputeResolved, known: Known) -> None:
    found = _dispute(records, resolved.dispute)
    if found is not None and found[1].resolved is None:
        records.put(found[0], msgspec.structs.replace(found[1], resolved=_act(entry, resolved.resolution)))


def _answered(records: Records, entry: Entry, given: ResponseGiven, known: Known) -> None:
    act = _act(entry, given.disposition)
    for identity in given.answers:
        found = _dispute(records, identity)
        if found is not None:
            records.put(found[0], msgspec.structs.replace(found[1], answers=(*found[1].answers, act)))
        for key, request in _requests_of(records, identity):
            records.put(key, msgspec.structs.replace(request, answers=(*request.answers, act)))


def _requested(records: Records, entry: Entry, requested: EvidenceRequested, known: Known) -> None:
    actor, role = speaker_of(requested)
    due = day_of(requested.due)
    assert due is not None
    records.put(
        index_key(commitment_of(requested.mechanism), entry.index),
        Request(
            mechanism=requested.mechanism,
            institution=requested.institution,
            actor=actor,
            role=role,
            due=due,
            identity=entry.opened.identity,
            index=entry.index,
            received_ms=entry.received_ms,
        ),
    )


def _requests_of(records: Records, identity: str) -> list[tuple[str, Request]]:
    """A request by its identity, with its key; nothing where it is no request."""
    known = records.get(Known, identity)
    if known is None or known.kind != "EvidenceRequested":
        return []
    keys = [index_key(topic, known.index) for topic in known.topics]
    return [(key, found) for key in keys if (found := records.get(Request, key)) is not None]


def _verdict(records: Records, entry: Entry, given: VerdictGiven, known: Known) -> None:
    actor, role = speaker_of(given)
    records.put(
        index_key(given.mechanism, entry.index),
        Verdict(
            mechanism=given.mechanism,
            actor=actor,
            role=role,
            key=given.by[0].key,
            level=given.level,
            digests=given.digests,
            identity=entry.opened.identity,
            index=entry.index,
            received_ms=entry.received_ms,
        ),
    )


def _explained(records: Records, entry: Entry, explained: SharedUseExplained, known: Known) -> None:
    commitments = tuple([use.commitment for use in explained.uses])
    for link in explained.evidence:
        for evidence in _evidence_of(records, link):
            key = index_key(evidence.commitment, evidence.index)
            both = (*evidence.explained, (entry.index, commitments))
            records.put(key, msgspec.structs.replace(evidence, explained=both))


def _coded(records: Records, entry: Entry, coded: CommitmentCoded, known: Known) -> None:
    actor, role = speaker_of(coded)
    records.put(
        f"{coded.commitment}/{coded.aspect}/{actor}",
        Coding(
            commitment=coded.commitment,
            aspect=coded.aspect,
            code=coded.code,
            actor=actor,
            role=role,
            index=entry.index,
            received_ms=entry.received_ms,
        ),
    )


def _opened(records: Records, entry: Entry, opened: AssessmentOpened, known: Known) -> None:
    actor, role = speaker_of(opened)
    records.put(
        opened.assessment,
        Assessment(
            assessment=opened.assessment,
            plan=opened.plan,
            from_=opened.from_,
            until=opened.until,
            commitments=opened.commitments,
            methodology=opened.methodology,
            actor=actor,
            role=role,
            index=entry.index,
        ),
    )


def _closed(records: Records, entry: Entry, closed: AssessmentClosed, known: Known) -> None:
    assessment = records.get(Assessment, closed.assessment)
    if assessment is not None:
        changed = msgspec.structs.replace(assessment, closed=entry.index, tree_size=closed.tree_size)
        records.put(closed.assessment, changed)


def _withdrawn(records: Records, entry: Entry, withdrawn: StatementWithdrawn, known: Known) -> None:
    """The effect stops. What a verdict had replaced does not come back: its author has said something else since."""
    target = records.get(Known, withdrawn.statement)
    if target is None or target.withdrawn != entry.index:  # unknown, or withdrawn before
        return
    if target.kind == "EvidenceLinked":
        for evidence in _evidence_of(records, withdrawn.statement):
            _unlink(records, entry, target.plan, evidence)
    elif target.kind == "EvidenceDisputed":
        found = _dispute(records, withdrawn.statement)
        evidence = records.get(Evidence, target.place)
        if evidence is not None:
            records.put(target.place, msgspec.structs.replace(evidence, disputes=evidence.disputes - 1))
            count_of(records, evidence.commitment, disputed=-1)
        if found is not None:
            records.put(found[0], msgspec.structs.replace(found[1], withdrawn=entry.index))
    elif target.kind == "VerdictGiven":
        verdict = records.get(Verdict, target.place)
        if verdict is not None:
            records.put(target.place, msgspec.structs.replace(verdict, withdrawn=entry.index))


def _unlink(records: Records, entry: Entry, plan: str, evidence: Evidence) -> None:
    """A link is taken back: it counts nowhere, and shares nothing."""
    key = index_key(evidence.commitment, evidence.index)
    records.put(key, msgspec.structs.replace(evidence, withdrawn=entry.index, alike=()))
    count_of(records, evidence.commitment, evidence=-1, captured=-1 if evidence.captures else 0)
    own = (evidence.commitment, evidence.index)
    for other in evidence.alike:
        theirs = records.get(Evidence, index_key(*other))
        if theirs is not None:
            left = tuple([one for one in theirs.alike if one != own])
            records.put(index_key(*other), msgspec.structs.replace(theirs, alike=left))
    digests = {sight.digest for _, sight in records.scan(Sight, prefix=f"{key}/") if sight.seen == "captured"}
    address = _url_key(plan, evidence.url) if evidence.url else _bytes_key(plan, evidence.upload)
    for place in sorted({address, *[_bytes_key(plan, digest) for digest in digests]}):
        use = records.get(Use, place)
        if use is not None:
            records.put(place, Use(uses=tuple([one for one in use.uses if one != own])))


FOLDS: dict[type[Statement], Callable[..., None]] = {
    EvidenceLinked: _linked,
    EvidenceCaptured: _captured,
    EvidenceChecked: _checked,
    EvidenceDisputed: _disputed,
    DisputeScreened: _screened,
    DisputeResolved: _resolved,
    ResponseGiven: _answered,
    EvidenceRequested: _requested,
    VerdictGiven: _verdict,
    SharedUseExplained: _explained,
    CommitmentCoded: _coded,
    AssessmentOpened: _opened,
    AssessmentClosed: _closed,
    StatementWithdrawn: _withdrawn,
}


# --- addresses and days ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=20_000)
def compared(url: str) -> tuple[str, str]:
    """An address as it is compared, and its query: host in lower case, no scheme, default port, query, fragment."""
    scheme, _, rest = url.partition("://")
    rest = rest.partition("#")[0]
    rest, _, query = rest.partition("?")
    host, slash, path = rest.partition("/")
    port = {"http": ":80", "https": ":443"}.get(scheme.lower(), "")
    host = host.lower()
    if port and host.endswith(port):
        host = host.removesuffix(port)
    return f"{host}{slash}{path}", query


def is_home_page(url: str) -> bool:
    """Whether an address has no path: what it shows is a whole site, and changes at any time."""
    _, _, path = compared(url)[0].partition("/")
    return path == ""


def is_own_page(url: str, own_pages: Iterable[str]) -> bool:
    """Whether an address is of the tracker itself. An address without a path is that of its root."""
    here = compared(url)[0]
    here = here if "/" in here else f"{here}/"
    return any(here.startswith(compared(prefix)[0]) for prefix in own_pages)


def day_number(received_ms: int, offset_minutes: int) -> int:
    """The day of a received time at the ledger's offset, as `date.toordinal` counts."""
    return (received_ms + offset_minutes * MINUTE_MS) // DAY_MS + _EPOCH


def first_day(day: Day | None) -> int | None:
    """The first day of a span, as `date.toordinal` counts; None where only words were said."""
    return None if day is None or not day.day else date.fromisoformat(day.day).toordinal()


def last_day(day: Day | None) -> int | None:
    """The last day of a span, as `date.toordinal` counts; None where only words were said."""
    if day is None or not day.day:
        return None
    first = date.fromisoformat(day.day)
    if day.precision == "month":
        first = first.replace(day=monthrange(first.year, first.month)[1])
    elif day.precision == "year":
        first = first.replace(month=12, day=31)
    return first.toordinal()


def default_as_of(records: Records, size: int) -> str:
    """The day, `YYYY-MM-DD`, of the last entry of a tree of this size, at the ledger's offset."""
    days = [day for day, start in records.scan(DayStart) if start.index < size]
    return max(days, default="1970-01-01")


# --- the facts of commitments ----------------------------------------------------------------------------------------


class Situation:
    """What all commitments of a plan have in common at one tree size and on one day."""

    def __init__(self, records: Records, plan: str, as_of: str) -> None:
        """`as_of` is a day, `YYYY-MM-DD`."""
        self.records = records
        self.plan = plan
        self.as_of = date.fromisoformat(as_of).toordinal()
        ledger = records.get(Ledger, "ledger")
        self.offset = ledger.offset_minutes if ledger else 0
        self.methodology = self._methodology()
        self.parameters = self.methodology.parameters if self.methodology else DEFAULT_PARAMETERS
        self.compromised: Mapping[str, Compromise] = compromises(records)
        registered = records.get(PlanState, plan)
        self.starts = first_day(registered.starts) if registered else None
        self._organisations = {key: actor.of or key for key, actor in records.scan(Actor)}
        self.coordinators, self.governing = self._government()

    def _methodology(self) -> Methodology | None:
        """The latest version that is in force by the end of the day."""
        found: Methodology | None = None
        for _, one in self.records.scan(Methodology, prefix=f"{self.plan}/"):
            if day_number(one.from_ms, self.offset) <= self.as_of:
                found = one
        return found

    def organisation(self, actor: str) -> str:
        """The organisation that an actor counts for: the `of` of an office or program."""
        return self._organisations.get(actor, actor)

    @property
    def common(self) -> tuple[object, ...]:
        """All of it but the day; to be compared with that of another situation."""
        index = self.methodology.index if self.methodology else None
        people = (self._organisations, self.coordinators, self.governing, self.compromised)
        return self.plan, self.offset, self.starts, index, people

    def _government(self) -> tuple[frozenset[str], frozenset[str]]:
        """Organisations that coordinate now; and those that ever held coordinator or institution in the plan."""
        now: set[str] = set()
        ever: set[str] = set()
        for _, held in self.records.scan(RoleHeld):
            if held.role in ("coordinator", "institution") and (not held.plans or self.plan in held.plans):
                ever.add(self.organisation(held.actor))
                if held.role == "coordinator" and held.ended is None:
                    now.add(self.organisation(held.actor))
        return frozenset(now), frozenset(ever)

    def void(self, keys: Sequence[str], index: int, received_ms: int) -> int | None:
        """The entry that revoked one of these keys as compromised since before they signed; None if none did."""
        for key in keys:
            found = self.compromised.get(key)
            if found is not None and found.since_ms <= received_ms and index < found.index:
                return found.index
        return None

    def day(self, received_ms: int) -> int:
        """The day of a received time."""
        return day_number(received_ms, self.offset)


class Material(msgspec.Struct):
    """The records of one commitment."""

    mechanisms: list[Mechanism] = msgspec.field(default_factory=list[Mechanism])
    evidence: list[Evidence] = msgspec.field(default_factory=list[Evidence])
    sights: dict[int, list[Sight]] = msgspec.field(default_factory=lambda: defaultdict[int, list[Sight]](list))
    disputes: dict[int, list[Dispute]] = msgspec.field(default_factory=lambda: defaultdict[int, list[Dispute]](list))
    verdicts: list[Verdict] = msgspec.field(default_factory=list[Verdict])


def standing_of(records: Records, commitment: str, as_of: str) -> CommitmentStanding | None:
    """The levels of a commitment in all voices on a day (`YYYY-MM-DD`), each with its reasons; None if unknown."""
    found = records.get(Commitment, commitment)
    if found is None:
        return None
    return standing_in(Situation(records, found.plan, as_of), commitment)


def standing_in(situation: Situation, commitment: str) -> CommitmentStanding | None:
    """The levels of a commitment in a situation of its plan; None if unknown."""
    found = situation.records.get(Commitment, commitment)
    return standing(facts_of(situation, found, material_of(situation.records, commitment))) if found else None


def standings_of(situation: Situation) -> Iterator[tuple[Commitment, CommitmentStanding]]:
    """Every commitment of a plan with its levels, in the order of keys."""
    for commitment, material in materials_of(situation.records, situation.plan):
        yield commitment, standing(facts_of(situation, commitment, material))


def materials_of(records: Records, plan: str) -> Iterator[tuple[Commitment, Material]]:
    """Every commitment of a plan with its records, in the order of keys. Each table is read once."""
    prefix = f"{plan}/"
    material: defaultdict[str, Material] = defaultdict(Material)
    for _, mechanism in records.scan(Mechanism, prefix=prefix):
        material[mechanism.commitment].mechanisms.append(mechanism)
    for _, evidence in records.scan(Evidence, prefix=prefix):
        material[evidence.commitment].evidence.append(evidence)
    path, sights = "", list[Sight]()
    for key, sight in records.scan(Sight, prefix=prefix):
        if key[:-10] != path:  # there are many to a link, one after the other
            path = key[:-10]
            commitment, link = _path(key)
            sights = material[commitment].sights[link]
        sights.append(sight)
    for key, dispute in records.scan(Dispute, prefix=prefix):
        commitment, link = _path(key)
        material[commitment].disputes[link].append(dispute)
    for _, verdict in records.scan(Verdict, prefix=prefix):
        material[commitment_of(verdict.mechanism)].verdicts.append(verdict)
    for key, commitment in records.scan(Commitment, prefix=prefix):
        yield commitment, material.get(key) or Material()


def _path(key: str) -> tuple[str, int]:
    """`gt/C8/000000412/000000500` -> (`gt/C8`, 412)."""
    commitment, link, _ = key.rsplit("/", 2)
    return commitment, int(link)


def material_of(records: Records, commitment: str) -> Material:
    """The records of one commitment."""
    found = Material()
    found.mechanisms += [one for _, one in records.scan(Mechanism, prefix=f"{commitment}.M")]
    found.evidence += [one for _, one in records.scan(Evidence, prefix=f"{commitment}/")]
    for key, sight in records.scan(Sight, prefix=f"{commitment}/"):
        found.sights[_path(key)[1]].append(sight)
    for key, dispute in records.scan(Dispute, prefix=f"{commitment}/"):
        found.disputes[_path(key)[1]].append(dispute)
    found.verdicts += [one for _, one in records.scan(Verdict, prefix=f"{commitment}.M")]
    return found


@lru_cache(maxsize=20_000)
def number_of(mechanism: str) -> int:
    """`gt-2014-2016/C8.M12` -> 12."""
    return int(mechanism.rpartition(".M")[2])


def barred_of(situation: Situation, commitment: Commitment) -> frozenset[str]:
    """The organisations that are not independent where this commitment is concerned."""
    return situation.governing | {situation.organisation(one) for one in (*commitment.ever, commitment.institution)}


class _Speakers(dict[str, tuple[str, bool]]):
    """Of each actor: the organisation it counts for, and whether that is independent of the commitment."""

    def __init__(self, situation: Situation, commitment: Commitment) -> None:
        super().__init__()
        self._situation = situation
        self._barred = barred_of(situation, commitment)

    def __missing__(self, actor: str) -> tuple[str, bool]:
        organisation = self._situation.organisation(actor)
        found = self[actor] = (organisation, organisation not in self._barred)
        return found


def facts_of(situation: Situation, commitment: Commitment, material: Material) -> Facts:
    """What the levels of one commitment depend on."""
    speakers = _Speakers(situation, commitment)
    mechanisms = _mechanism_facts(commitment, material.mechanisms)
    names = [one.mechanism for one in mechanisms]
    set_for = dict(commitment.weights)
    weighed = bool(set_for) and set(names) == set(set_for)  # weights set before there was another mechanism are none
    return Facts(
        commitment=commitment.commitment,
        as_of=situation.as_of,
        parameters=situation.parameters,
        reported=_claim(commitment.reported),
        implicit_claim=_claim(commitment.implicit),
        mechanisms=mechanisms,
        weights=tuple([set_for[name] for name in names]) if weighed else (),
        weights_index=commitment.weights_index if weighed else None,
        items=tuple([_item_facts(situation, one, material, speakers) for one in material.evidence]),
        verdicts=tuple(
            [_verdict_facts(situation, one, speakers) for one in sorted(material.verdicts, key=lambda one: one.index)]
        ),
        assessed=_assessed(situation, commitment),
        self_assessed=situation.organisation(commitment.institution) in situation.coordinators,
        due=_due(commitment, material.mechanisms),
    )


def _claim(said: LevelSaid | None) -> ClaimFacts | None:
    return None if said is None else ClaimFacts(said.level, said.index, said.printed)


def _mechanism_facts(commitment: Commitment, mechanisms: Sequence[Mechanism]) -> tuple[MechanismFacts, ...]:
    """The mechanisms by number; the implicit one where none was defined."""
    if not mechanisms:
        implicit = _claim(commitment.implicit)
        return (MechanismFacts(mechanism=f"{commitment.commitment}.M0", number=0, claim=implicit),)
    return tuple(
        [
            MechanismFacts(
                mechanism=one.mechanism,
                number=number_of(one.mechanism),
                claim=_claim(one.reported),
                recurring=one.repeats == "recurring" and bool(one.period_days),
                period_days=one.period_days or 0,
                grace_days=one.grace_days,
                amended=one.amended,
                means=bool(one.means),
                due=bool(one.due and one.due.day),
                goal=one.goal is not None,
            )
            for one in sorted(mechanisms, key=lambda one: number_of(one.mechanism))
        ]
    )


def _item_facts(situation: Situation, evidence: Evidence, material: Material, speakers: _Speakers) -> ItemFacts:
    url, dated = evidence.url, last_day(evidence.dated)
    sights = material.sights.get(evidence.index, ())
    return ItemFacts(
        link=evidence.index,
        mechanisms=tuple([number_of(one) for one in evidence.mechanisms]),
        withdrawn=evidence.withdrawn,
        own_page=bool(url) and is_own_page(url, situation.parameters.own_pages),
        home_page=bool(url) and is_home_page(url),
        dated=dated,
        before_plan=dated is not None and situation.starts is not None and dated < situation.starts,
        shared=shared_with(situation.records, evidence) if evidence.alike else (),
        sightings=_sightings(situation, sights, speakers),
        disputes=tuple(
            [
                dispute_facts(situation, one)
                for one in material.disputes.get(evidence.index, ())
                if situation.void([one.key], one.index, one.received_ms) is None
            ]
        ),
    )


def _sightings(situation: Situation, sights: Sequence[Sight], speakers: _Speakers) -> tuple[Sighting, ...]:
    """Who saw what, and when: those that were signed by whoever they name."""
    if situation.compromised:
        sights = [one for one in sights if situation.void([one.key], one.index, one.received_ms) is None]
    return tuple(
        [
            Sighting(one.index, situation.day(one.received_ms), one.seen, one.digest, *speakers[one.actor])
            for one in sights
        ]
    )


def shared_with(records: Records, evidence: Evidence) -> tuple[int, ...]:
    """The links of other commitments with the same address or bytes, without a statement that says why."""
    return tuple(
        [link for commitment, link in evidence.alike if not _is_explained(records, evidence, commitment, link)]
    )


def _is_explained(records: Records, evidence: Evidence, commitment: str, link: int) -> bool:
    """Whether a statement about either link names both commitments."""
    both = {evidence.commitment, commitment}
    if any(both <= {*named} for _, named in evidence.explained):
        return True
    other = records.get(Evidence, index_key(commitment, link))
    return other is not None and any(both <= {*named} for _, named in other.explained)


def dispute_facts(situation: Situation, dispute: Dispute) -> DisputeFacts:
    """A dispute with those of its acts that were signed by whoever they name."""

    def stands(act: Act | None) -> Act | None:
        return act if act is not None and situation.void(act.keys, act.index, act.received_ms) is None else None

    screened, resolved = stands(dispute.screened), stands(dispute.resolved)
    admitted: Act | Dispute | None = dispute if dispute.role != "citizen" else None
    if screened is not None and screened.said == "admitted":
        admitted = screened
    answers = [act.index for act in dispute.answers if stands(act) is not None]
    return DisputeFacts(
        index=dispute.index,
        mechanism=number_of(dispute.mechanism),
        admitted=admitted.index if admitted else None,
        admitted_day=situation.day(admitted.received_ms) if admitted else 0,
        declined=screened.index if screened is not None and screened.said == "declined" else None,
        answered=answers[0] if answers else None,
        resolved=resolved.index if resolved else None,
        resolution=resolved.said if resolved else "",
        withdrawn=dispute.withdrawn,
    )


class Clock(msgspec.Struct, frozen=True):
    """How it stands with a question, and how many days are left to answer it: negative, the days overdue.

    Of a dispute: `withdrawn`, `resolved`, `declined`, `questioned` (a citizen's that nobody has screened), `answered`
    or `open`; days are counted while it is open. Of a request: `answered` or `open`; one without a day has none.
    """

    state: str
    days_left: int | None = None


def clock_of(situation: Situation, dispute: Dispute) -> Clock:
    """How it stands with a dispute."""
    facts = dispute_facts(situation, dispute)
    if facts.withdrawn is not None:
        return Clock("withdrawn")
    if facts.resolved is not None:
        return Clock("resolved")
    if facts.declined is not None:
        return Clock("declined")
    if facts.questioned:
        return Clock("questioned")
    if facts.answered is not None:
        return Clock("answered")
    return Clock("open", situation.parameters.answer_days - (situation.as_of - facts.admitted_day))


def request_clock(situation: Situation, request: Request) -> Clock:
    """How it stands with evidence that was asked for."""
    if request.answers or request.evidence:
        return Clock("answered")
    due = last_day(request.due)
    return Clock("open", None if due is None else due - situation.as_of)


def _verdict_facts(situation: Situation, verdict: Verdict, speakers: _Speakers) -> VerdictFacts:
    organisation, independent = speakers[verdict.actor]
    return VerdictFacts(
        index=verdict.index,
        day=situation.day(verdict.received_ms),
        mechanism=number_of(verdict.mechanism),
        organisation=organisation,
        actor=verdict.actor,
        role=verdict.role,
        level=verdict.level,
        digests=verdict.digests,
        independent=independent,
        withdrawn=verdict.withdrawn,
        void=situation.void([verdict.key], verdict.index, verdict.received_ms),
    )


def _assessed(situation: Situation, commitment: Commitment) -> tuple[tuple[str, str, str, int], ...]:
    """What assessors said of the whole commitment, in the order of entries. A coordinator's is no assessor's voice."""
    said = [one for one in commitment.assessed if one.role in ("assessor", "irm")]
    return tuple(
        [
            (situation.organisation(one.actor), one.role, one.level, one.index)
            for one in sorted(said, key=lambda one: one.index)
        ]
    )


def _due(commitment: Commitment, mechanisms: Sequence[Mechanism]) -> int | None:
    """The first day of completion of what is reported as less than complete."""
    said = [(commitment.completion_date, commitment.reported)]
    said += [(one.completion_date, one.reported or commitment.reported) for one in mechanisms]
    days = [last_day(day) for day, reported in said if reported is None or LEVEL_ORDINAL[reported.level] < 3]
    return min([day for day in days if day is not None], default=None)

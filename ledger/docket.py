"""The docket: what the rules need to know of the entries so far, and nothing else. A fold over them.

    docket = Docket(origin)
    docket.evolve(received_ms, opened)        the statement is now the entry at index docket.size - 1
    docket.snapshot()                         what lies outside the tables, to go on from later: Docket.restore

The writer rebuilds it from the journal, an auditor from published entries. What grows with the number of statements
lives behind `Tables`; what grows with roster and plan lives in plain dicts. What a kind leaves behind for later rules
stands under @remembers at the end.
"""

from collections import defaultdict
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Protocol, Self, TypeVar

import msgspec
from msgspec import UNSET

from ledger.roster import Roster
from ledger.statement import Opened, parse_when
from ledger.vocabulary import (
    KINDS,
    AppealDecided,
    AssessmentClosed,
    AssessmentOpened,
    AttendanceRecorded,
    AxisDefined,
    Codes,
    CommentEndorsed,
    CommentSubmitted,
    CommentTranscribed,
    CommitmentAmended,
    CommitmentRegistered,
    CommitmentReopened,
    CompletionDateSet,
    CompletionReported,
    ContentErased,
    ContentRedacted,
    ContentRestored,
    ContentWithheld,
    Date,
    DisputeResolved,
    DisputeScreened,
    DocumentPublished,
    ErasureRequested,
    EvidenceCaptured,
    EvidenceDisputed,
    EvidenceLinked,
    EvidenceRequested,
    IndicatorDefined,
    KeyRevoked,
    LedgerOpened,
    MechanismAmended,
    MechanismDefined,
    MeetingConvened,
    MethodologyAdopted,
    MinutesApproved,
    ModerationAppealed,
    OfContent,
    PlanRegistered,
    RemarkRecorded,
    ReportPublished,
    ResponseGiven,
    RoundExtended,
    RoundOpened,
    RulebookAdopted,
    Statement,
    StatementContested,
    StatementWithdrawn,
    Target,
    commitment_of,
    commitments_of,
    has_own_stream,
    stream_of,
)


class Earlier(msgspec.Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """What rules need to know of a registered statement."""

    index: int
    kind: str
    plan: str | None
    signers: tuple[tuple[str | None, str, str], ...]  # (actor, key, role)
    commitments: tuple[str, ...] = ()
    mechanisms: tuple[str, ...] = ()
    round: str | None = None
    contents: tuple[str, ...] = ()  # salted digests; of a capture its digest
    spoken_for: str | None = None  # the actor that did not sign, but is spoken for
    claim: str | None = None
    to: str | None = None
    answers: tuple[str, ...] = ()  # of a response: what it answers


class Moderated(msgspec.Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """How it stands with a content that a moderator has touched.

    `state` is `withheld`, `redacted`, `erased`, or `shown` again; `by` the organisation whose moderator withheld or
    redacted it, with the last moment (ms) for an appeal; `appealed` once there was one. `shorter` are the contents of
    redactions, `statement/salted digest` each. `withdrawn` is the statement by which its author took it back: of a
    comment, which may be moderated all the same, and of the shorter texts in its place.
    """

    state: str
    by: str = ""
    appeal_until: int = 0
    appealed: bool = False
    shorter: tuple[str, ...] = ()
    withdrawn: str = ""


# There is one for every entry, and it is looked at only when another statement names it: it lies there packed, in
# half of the memory.
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Earlier).decode
_unpack_moderated = msgspec.msgpack.Decoder(Moderated).decode


class Tables(Protocol):
    """Where the docket keeps what grows with the number of statements: values by table and key, replaced whole."""

    def get(self, table: str, key: str | bytes) -> object:
        """The value, or None."""
        ...

    def put(self, table: str, key: str | bytes, value: object) -> None:
        """Set the value; the last one stands."""
        ...


class DictTables:
    """Tables in memory."""

    def __init__(self) -> None:
        self._tables: defaultdict[str, dict[str | bytes, object]] = defaultdict(dict)

    def get(self, table: str, key: str | bytes) -> object:
        """The value, or None."""
        return self._tables[table].get(key)

    def put(self, table: str, key: str | bytes, value: object) -> None:
        """Set the value."""
        self._tables[table][key] = value


class Planned(Protocol):
    """What belongs to a plan."""

    plan: str


class CommitmentStanding(msgspec.Struct):
    institution: str
    ever: frozenset[str]  # organisations that are or were responsible
    mechanisms: set[str]
    reported: bool = False  # a first CompletionReported on it, or on a mechanism of it


class ReportedLevel(msgspec.Struct, frozen=True):
    level: str
    printed: bool
    reopened: bool = False


class RoundWindow(msgspec.Struct):
    plan: str
    opens: int
    closes: int
    late: str
    late_until: int | None
    first_version: int
    version: int
    parts: frozenset[str]
    printed: bool
    opened_by: str | None  # organisation


class MeetingStanding(msgspec.Struct):
    plan: str
    present: set[str]
    minutes: set[str]


class ReportStanding(msgspec.Struct):
    plan: str
    organisation: str | None
    versions: set[int]


class AssessmentStanding(msgspec.Struct):
    plan: str
    opened_by: str  # organisation
    commitments: frozenset[str]
    closed: bool = False


class PlanStanding(msgspec.Struct):
    methodologies: list[
        tuple[int, Codes]
    ] = []  # of each version, from 1: since when (ms) it is in force, and its codes

    @property
    def methodology(self) -> int:
        """The last version adopted, in force or not yet; 0 for none."""
        return len(self.methodologies)

    def codes_at(self, received_ms: int) -> Codes | None:
        """The codes of the methodology in force at a received time: of the last version that is; None for none."""
        return next((codes for since, codes in reversed(self.methodologies) if since <= received_ms), None)


class Docket:
    """What the rules know of the entries so far. Rebuilt from the journal, or by an auditor from published entries."""

    def __init__(self, origin: str, tables: Tables | None = None) -> None:
        self.origin = origin
        self.size = 0
        self.last_received = -(2**63)
        self.offset_minutes = 0
        self.purpose = ""
        self.rulebooks: list[tuple[int, int]] = []  # from this index on, this version of the rules
        self.roster = Roster()
        self.plans: dict[str, PlanStanding] = {}
        self.axes: set[tuple[str, str]] = set()
        self.commitments: dict[str, CommitmentStanding] = {}
        self.rounds: dict[str, RoundWindow] = {}
        self.meetings: dict[str, MeetingStanding] = {}
        self.reports: dict[str, ReportStanding] = {}
        self.assessments: dict[str, AssessmentStanding] = {}
        self.indicators: dict[str, tuple[str, frozenset[str] | None]] = {}
        self.reported: dict[str, ReportedLevel] = {}
        self.dates: dict[str, Date] = {}
        self.transcribes_forms: dict[str, bool] = {}  # a transcriber -> whether its channel is the web form
        self._tables: Tables = DictTables() if tables is None else tables

    # --- leaving off and going on

    def snapshot(self) -> bytes:
        """All that the docket knows outside its tables."""
        return msgspec.msgpack.encode({name: getattr(self, name) for name in KEPT})

    @classmethod
    def restore(cls, origin: str, raw: bytes, tables: Tables) -> Self:
        """The docket as it was at `snapshot`, over the tables as they were. Raises msgspec.DecodeError."""
        docket = cls(origin, tables)
        held: Any = msgspec.msgpack.decode(raw, type=_Snapshot)
        for name in KEPT:
            setattr(docket, name, getattr(held, name))
        return docket

    # --- questions

    def rulebook_at(self, index: int) -> int:
        """The version of the rules by which the entry at `index` is judged; 0 before the founding."""
        return next((version for start, version in reversed(self.rulebooks) if start <= index), 0)

    def earlier(self, identity: str) -> Earlier | None:
        """What is known of a registered statement."""
        found = self._tables.get("statement", bytes.fromhex(identity))
        return _unpack(found) if isinstance(found, bytes) else None

    def index_of(self, identity: str) -> int | None:
        """The index of a registered statement, or None."""
        found = self.earlier(identity)
        return None if found is None else found.index

    def withdrawn(self, identity: str) -> bool:
        """Whether a statement was taken back."""
        return self._tables.get("withdrawn", identity) is not None

    def moderated(self, identity: str, digest: str) -> Moderated:
        """How it stands with a content of a statement."""
        found = self._tables.get("content", f"{identity}/{digest}")
        return _unpack_moderated(found) if isinstance(found, bytes) else Moderated("shown")

    def content_state(self, identity: str, digest: str) -> str:
        """`shown`, `withheld`, `redacted`, `replaced` (a shorter text that has given way) or `erased`."""
        return self.moderated(identity, digest).state

    def erasure_requested(self, identity: str, digest: str) -> bool:
        """Whether somebody who may has asked that a content be erased."""
        return self._tables.get("erasure", f"{identity}/{digest}") is not None

    def endorsed(self, comment: str, key: str) -> bool:
        """Whether a key has endorsed a comment."""
        return self._tables.get("endorsed", f"{comment}/{key}") is not None

    def appealed_act(self, appeal: str) -> str | None:
        """The organisation against whose act an appeal is, while it is undecided; else None."""
        found = self._tables.get("appeal", appeal)
        return found if isinstance(found, str) and found else None

    def stream_of(self, opened: Opened) -> str:
        """The stream of the journal that a statement belongs to."""
        statement = opened.statement
        actor = ""
        if isinstance(statement, KeyRevoked):
            actor = self.roster.keys[statement.key].actor
        return stream_of(statement, opened.identity, actor)

    def next_version(self, stream: str) -> int:
        """The 1-based place that the next statement takes in a stream."""
        return self._count(stream) + 1

    def _count(self, stream: str) -> int:
        count = self._tables.get("stream", stream)
        if isinstance(count, int):
            return count
        # A stream that a statement began for itself is counted only when another joins it: most stay alone.
        first = self.earlier(stream.removeprefix("ref/")) if stream.startswith("ref/") else None
        return 1 if first is not None and has_own_stream(KINDS[first.kind]) else 0

    def last_said(self, key: str, kind: str, stream: str) -> int | None:
        """The `said_at` (ms) of the last statement of a key, of one kind, in one stream."""
        found = self._tables.get("said", f"{key}/{kind}/{stream}")
        return found if isinstance(found, int) else None

    def item_taken(self, source: str, kind: str, item: str) -> bool:
        """Whether a printed item was registered already."""
        return self._tables.get("item", f"{source}/{kind}/{item}") is not None

    def has_spoken(self, actor: str, kind: str, stream: str) -> bool:
        """Whether a body has itself signed a kind in a stream (rule A11)."""
        return self._tables.get("spoke", f"{actor}/{kind}/{stream}") is not None

    def capture_links(self, mechanism: str, digest: str) -> list[str]:
        """The links, each once, through which bytes of a digest were captured for a mechanism."""
        found = self._tables.get("captured", f"{mechanism}/{digest}")
        return found.split() if isinstance(found, str) else []

    def dispute(self, identity: str) -> str:
        """`questioned` (a citizen's, not screened), `admitted`, `declined` or `resolved`; empty for no dispute."""
        found = self._tables.get("dispute", identity)
        return found if isinstance(found, str) else ""

    def has_period(self, mechanism: str) -> bool:
        """Whether it was ever said in how many days a mechanism comes again."""
        return self._tables.get("period", mechanism) is not None

    def author_key(self, identity: str) -> str | None:
        """The key that the secret of a comment's claim made its author, if it was shown."""
        found = self._tables.get("author", identity)
        return found if isinstance(found, str) else None

    def mechanism_defined(self, mechanism: str) -> bool:
        """Whether a mechanism id means something: `M0` until the first mechanism is defined."""
        commitment = self.commitments.get(commitment_of(mechanism))
        if commitment is None:
            return False
        if mechanism.endswith(".M0"):
            return not commitment.mechanisms
        return mechanism in commitment.mechanisms

    # --- the fold

    def evolve(self, received_ms: int, opened: Opened) -> None:
        """Take an admissible statement as the entry at index `size`."""
        statement = opened.statement
        kind = type(statement).__name__
        stream = "" if has_own_stream(type(statement)) else self.stream_of(opened)
        self.roster.evolve(self.size, received_ms, opened.identity, statement)
        fold = _FOLDS.get(type(statement))
        if fold is not None:
            fold(self, statement, opened.identity)
        tables = self._tables
        tables.put("statement", bytes.fromhex(opened.identity), _pack(self._remember(statement)))
        printed = getattr(statement, "printed", UNSET)
        if stream:  # else nobody says this kind there again
            tables.put("stream", stream, self._count(stream) + 1)
            said_at = parse_when(statement.said_at)
            for signer in statement.by:
                tables.put("said", f"{signer.key}/{kind}/{stream}", said_at)
                if printed is UNSET and signer.actor is not UNSET:
                    tables.put("spoke", f"{signer.actor}/{kind}/{stream}", 1)
        if printed is not UNSET:
            tables.put("item", f"{printed.source}/{kind}/{printed.item}", 1)
        self.last_received = received_ms
        self.size += 1

    def _remember(self, statement: Statement) -> Earlier:
        """What later rules may ask of this statement."""
        plan = plan_of(statement)
        signers = tuple(
            [(None if signer.actor is UNSET else signer.actor, signer.key, signer.role) for signer in statement.by]
        )
        printed = getattr(statement, "printed", UNSET)
        spoken_for = None
        if printed is not UNSET and printed.on_behalf_of is not UNSET:
            spoken_for = printed.on_behalf_of
        commitments = commitments_of(statement)
        mechanisms: tuple[str, ...] = ()
        round_: str | None = None
        contents = statement.salted_digests()
        claim: str | None = None
        to: str | None = None
        answers: tuple[str, ...] = ()
        match statement:
            case CommentSubmitted() | CommentTranscribed():
                round_ = statement.round
                claim = None if statement.claim is UNSET else statement.claim
            case EvidenceLinked():
                mechanisms = statement.for_
            case EvidenceRequested():
                mechanisms = (statement.mechanism,)
                to = statement.institution
            case EvidenceCaptured():
                link = self.earlier(statement.link)
                commitments = link.commitments if link else ()
                contents = (statement.digest,)
            case OfContent():
                commitments, round_ = self._place(statement.target.statement)
            case AppealDecided():
                commitments, round_ = self._place(statement.appeal)
            case CommentEndorsed():
                commitments, round_ = self._place(statement.comment)
            case DisputeScreened() | DisputeResolved():
                commitments, round_ = self._place(statement.dispute)
            case StatementContested():
                commitments, round_ = self._place(statement.statement)
            case RemarkRecorded():
                spoken_for = statement.speaker
            case ResponseGiven():
                commitments, round_ = self._place(statement.answers[0])
                answers = statement.answers
            case _:
                to = getattr(statement, "to", None)
        return Earlier(
            self.size,
            type(statement).__name__,
            plan,
            signers,
            commitments,
            mechanisms,
            round_,
            contents,
            spoken_for,
            claim,
            to,
            answers,
        )

    def _place(self, identity: str) -> tuple[tuple[str, ...], str | None]:
        """The commitments and the round of an earlier statement."""
        earlier = self.earlier(identity)
        return (earlier.commitments, earlier.round) if earlier else ((), None)

    # Small doors for the folds below.

    def put(self, table: str, key: str, value: object) -> None:
        """Remember one fact in a table that grows."""
        self._tables.put(table, key, value)

    def moderate(self, target: Target, **changed: Any) -> None:
        """Remember what became of a content."""
        before = self.moderated(target.statement, target.salted_digest)
        after = msgspec.structs.replace(before, **changed)
        self.put("content", f"{target.statement}/{target.salted_digest}", _pack(after))

    def give_way(self, target: Target, state: str) -> None:
        """The shorter texts that redactions put in the place of a content are shown no longer."""
        for place in self.moderated(target.statement, target.salted_digest).shorter:
            statement, _, digest = place.partition("/")
            shorter = Target(statement=statement, salted_digest=digest)
            if self.content_state(statement, digest) != "erased":
                self.moderate(shorter, state=state)
            self.give_way(shorter, state)

    def take_back(self, target: Target, withdrawn: str) -> None:
        """The author of a content has taken it back, and with it the shorter texts in its place."""
        self.moderate(target, withdrawn=withdrawn)
        for place in self.moderated(target.statement, target.salted_digest).shorter:
            statement, _, digest = place.partition("/")
            self.take_back(Target(statement=statement, salted_digest=digest), withdrawn)

    def first_shows_secret(self, identity: str, statement: Statement) -> None:
        """The first key that shows the secret of a claim is the author's from now on (rule A4)."""
        secret = getattr(statement, "secret", UNSET)
        earlier = self.earlier(identity)
        if secret is UNSET or earlier is None or self.author_key(identity) is not None:
            return
        if claim_of(secret) == earlier.claim:
            self.put("author", identity, statement.by[0].key)

    def reported_level(self, subject: str) -> ReportedLevel | None:
        """The reported level of a subject: the latest signed one, else the latest printed one."""
        return self.reported.get(subject)


KEPT: dict[str, Any] = {
    "size": int,
    "last_received": int,
    "offset_minutes": int,
    "purpose": str,
    "rulebooks": list[tuple[int, int]],
    "roster": Roster,
    "plans": dict[str, PlanStanding],
    "axes": set[tuple[str, str]],
    "commitments": dict[str, CommitmentStanding],
    "rounds": dict[str, RoundWindow],
    "meetings": dict[str, MeetingStanding],
    "reports": dict[str, ReportStanding],
    "assessments": dict[str, AssessmentStanding],
    "indicators": dict[str, tuple[str, frozenset[str] | None]],
    "reported": dict[str, ReportedLevel],
    "dates": dict[str, Date],
    "transcribes_forms": dict[str, bool],
}
"""What a snapshot holds: every attribute of a docket but its origin and its tables."""

_Snapshot: Any = msgspec.defstruct("_Snapshot", list(KEPT.items()))


def plan_of(statement: Statement) -> str | None:
    """The plan that a statement belongs to, or None."""
    plan = getattr(statement, "plan", UNSET)
    return None if plan is UNSET else plan


def claim_of(secret: str) -> str:
    """The claim (64 hex digits) that a secret (64 hex digits) opens: FORMAT.md, "Claim"."""
    return sha256(b"constancia/claim/v1\n" + bytes.fromhex(secret)).hexdigest()


# --- what kinds leave behind ---------------------------------------------------------------------------------------

S = TypeVar("S", bound=Statement)
_FOLDS: dict[type[Statement], Callable[[Docket, Statement, str], None]] = {}


def remembers(kind: type[S]) -> Callable[[Callable[[Docket, S, str], None]], Callable[[Docket, S, str], None]]:
    """Register what the docket remembers of a kind, for later rules. The third argument is the identity."""

    def register(fold: Callable[[Docket, S, str], None]) -> Callable[[Docket, S, str], None]:
        _FOLDS[kind] = fold  # type: ignore[assignment]
        return fold

    return register


def publisher_of(docket: Docket, published: ReportPublished) -> str | None:
    """The organisation that publishes; for a printed report the body spoken for."""
    printed = published.printed
    actor = published.by[0].actor if printed is UNSET else printed.on_behalf_of
    return None if actor is UNSET else docket.roster.organisation(actor)


@remembers(LedgerOpened)
def _(docket: Docket, founding: LedgerOpened, _identity: str) -> None:
    docket.offset_minutes = founding.offset_minutes
    docket.purpose = founding.purpose
    docket.rulebooks = [(0, founding.rulebook)]


@remembers(RulebookAdopted)
def _(docket: Docket, adopted: RulebookAdopted, _identity: str) -> None:
    docket.rulebooks.append((adopted.from_index, adopted.version))


@remembers(PlanRegistered)
def _(docket: Docket, registered: PlanRegistered, _identity: str) -> None:
    docket.plans[registered.plan] = PlanStanding()


@remembers(MethodologyAdopted)
def _(docket: Docket, adopted: MethodologyAdopted, _identity: str) -> None:
    # Where no time is said it holds for whatever comes later, and nothing later is received before the last entry.
    since = docket.last_received if adopted.from_ is UNSET else parse_when(adopted.from_)
    docket.plans[adopted.plan].methodologies.append((since, adopted.parameters.codes))


@remembers(AxisDefined)
def _(docket: Docket, defined: AxisDefined, _identity: str) -> None:
    docket.axes.add((defined.plan, defined.axis))


@remembers(CommitmentRegistered)
def _(docket: Docket, registered: CommitmentRegistered, _identity: str) -> None:
    docket.commitments[registered.commitment] = CommitmentStanding(
        registered.institution, frozenset({registered.institution}), set()
    )


@remembers(CommitmentAmended)
def _(docket: Docket, amended: CommitmentAmended, _identity: str) -> None:
    if amended.institution is not UNSET:
        standing = docket.commitments[amended.commitment]
        standing.institution = amended.institution
        standing.ever |= {amended.institution}


@remembers(MechanismDefined)
def _(docket: Docket, defined: MechanismDefined, _identity: str) -> None:
    docket.commitments[commitment_of(defined.mechanism)].mechanisms.add(defined.mechanism)
    _remember_period(docket, defined)


@remembers(MechanismAmended)
def _(docket: Docket, amended: MechanismAmended, _identity: str) -> None:
    _remember_period(docket, amended)


def _remember_period(docket: Docket, stated: MechanismDefined | MechanismAmended) -> None:
    if stated.period_days is not UNSET:
        docket.put("period", stated.mechanism, 1)


@remembers(CompletionReported)
def _(docket: Docket, reported: CompletionReported, _identity: str) -> None:
    docket.commitments[commitment_of(reported.subject)].reported = True
    printed = reported.printed is not UNSET
    standing = docket.reported.get(reported.subject)
    if standing is None or standing.printed or not printed:  # a signed statement outranks a printed one
        docket.reported[reported.subject] = ReportedLevel(reported.level, printed)


@remembers(CommitmentReopened)
def _(docket: Docket, reopened: CommitmentReopened, _identity: str) -> None:
    for subject in (
        reopened.commitment,
        *docket.commitments[reopened.commitment].mechanisms,
        f"{reopened.commitment}.M0",
    ):
        standing = docket.reported.get(subject)
        if standing is not None:
            docket.reported[subject] = ReportedLevel(standing.level, standing.printed, reopened=True)


@remembers(CompletionDateSet)
def _(docket: Docket, dated: CompletionDateSet, _identity: str) -> None:
    docket.dates[dated.subject] = dated.date


@remembers(IndicatorDefined)
def _(docket: Docket, defined: IndicatorDefined, _identity: str) -> None:
    parts = None if defined.parts is UNSET else frozenset(part.part for part in defined.parts)
    docket.indicators[defined.indicator] = (defined.plan, parts)


@remembers(ReportPublished)
def _(docket: Docket, published: ReportPublished, _identity: str) -> None:
    report = docket.reports.setdefault(
        published.report, ReportStanding(published.plan, publisher_of(docket, published), set())
    )
    report.versions.add(published.version)


@remembers(EvidenceCaptured)
def _(docket: Docket, captured: EvidenceCaptured, _identity: str) -> None:
    link = docket.earlier(captured.link)
    for mechanism in link.mechanisms if link else ():
        before = docket.capture_links(mechanism, captured.digest)
        if captured.link not in before:
            docket.put("captured", f"{mechanism}/{captured.digest}", " ".join((*before, captured.link)))


@remembers(EvidenceDisputed)
def _(docket: Docket, disputed: EvidenceDisputed, identity: str) -> None:
    docket.put("dispute", identity, "questioned" if disputed.by[0].role == "citizen" else "admitted")


@remembers(DisputeScreened)
def _(docket: Docket, screened: DisputeScreened, _identity: str) -> None:
    docket.put("dispute", screened.dispute, screened.screening)


@remembers(DisputeResolved)
def _(docket: Docket, resolved: DisputeResolved, _identity: str) -> None:
    docket.put("dispute", resolved.dispute, "resolved")


@remembers(AssessmentOpened)
def _(docket: Docket, opened: AssessmentOpened, _identity: str) -> None:
    by = docket.roster.organisation(str(opened.by[0].actor))
    docket.assessments[opened.assessment] = AssessmentStanding(opened.plan, by, frozenset(opened.commitments))


@remembers(AssessmentClosed)
def _(docket: Docket, closed: AssessmentClosed, _identity: str) -> None:
    docket.assessments[closed.assessment].closed = True


@remembers(RoundOpened)
def _(docket: Docket, opened: RoundOpened, _identity: str) -> None:
    actor = opened.by[0].actor
    printed = opened.printed is not UNSET
    docket.rounds[opened.round] = RoundWindow(
        opened.plan,
        parse_when(opened.opens),
        parse_when(opened.closes),
        opened.late,
        None if opened.late_until is UNSET else parse_when(opened.late_until),
        opened.version,
        opened.version,
        frozenset(part.part for part in opened.parts),
        printed,
        None if printed or actor is UNSET else docket.roster.organisation(actor),
    )


@remembers(DocumentPublished)
def _(docket: Docket, published: DocumentPublished, _identity: str) -> None:
    docket.rounds[published.round].version = published.version


@remembers(CommentTranscribed)
def _(docket: Docket, transcribed: CommentTranscribed, _identity: str) -> None:
    if transcribed.printed is UNSET:
        docket.transcribes_forms[str(transcribed.by[0].actor)] = transcribed.channel == "web_form"


@remembers(RoundExtended)
def _(docket: Docket, extended: RoundExtended, _identity: str) -> None:
    docket.rounds[extended.round].closes = parse_when(extended.closes)


@remembers(CommentEndorsed)
def _(docket: Docket, endorsed: CommentEndorsed, _identity: str) -> None:
    docket.put("endorsed", f"{endorsed.comment}/{endorsed.by[0].key}", 1)


@remembers(ErasureRequested)
def _(docket: Docket, requested: ErasureRequested, _identity: str) -> None:
    target = requested.target
    docket.put("erasure", f"{target.statement}/{target.salted_digest}", 1)
    docket.first_shows_secret(target.statement, requested)


@remembers(ContentWithheld)
def _(docket: Docket, withheld: ContentWithheld, _identity: str) -> None:
    docket.moderate(withheld.target, state="withheld", **_act(docket, withheld))


@remembers(ContentRedacted)
def _(docket: Docket, redacted: ContentRedacted, identity: str) -> None:
    before = docket.moderated(redacted.target.statement, redacted.target.salted_digest)
    shorter = (*before.shorter, f"{identity}/{redacted.salted_digest}")
    docket.moderate(redacted.target, state="redacted", shorter=shorter, **_act(docket, redacted))
    if before.withdrawn:
        docket.take_back(Target(statement=identity, salted_digest=redacted.salted_digest), before.withdrawn)


def _act(docket: Docket, done: ContentWithheld | ContentRedacted) -> dict[str, Any]:
    """Whose act it is, and until when it may be appealed."""
    by = docket.roster.organisation(str(done.by[0].actor))
    return {"by": by, "appeal_until": parse_when(done.appeal_until), "appealed": False}


@remembers(ContentRestored)
def _(docket: Docket, restored: ContentRestored, _identity: str) -> None:
    docket.moderate(restored.target, state="shown")
    docket.give_way(restored.target, "replaced")


@remembers(ContentErased)
def _(docket: Docket, erased: ContentErased, _identity: str) -> None:
    docket.moderate(erased.target, state="erased")
    docket.give_way(erased.target, "erased")


@remembers(ModerationAppealed)
def _(docket: Docket, appealed: ModerationAppealed, identity: str) -> None:
    target = appealed.target
    docket.put("appeal", identity, docket.moderated(target.statement, target.salted_digest).by)
    docket.moderate(target, appealed=True)
    docket.first_shows_secret(target.statement, appealed)


@remembers(AppealDecided)
def _(docket: Docket, decided: AppealDecided, _identity: str) -> None:
    docket.put("appeal", decided.appeal, "")


@remembers(StatementContested)
def _(docket: Docket, contested: StatementContested, _identity: str) -> None:
    response = docket.earlier(contested.statement)
    for comment in response.answers if response else ():
        docket.first_shows_secret(comment, contested)


@remembers(MeetingConvened)
def _(docket: Docket, convened: MeetingConvened, _identity: str) -> None:
    docket.meetings[convened.meeting] = MeetingStanding(convened.plan, set(), set())


@remembers(AttendanceRecorded)
def _(docket: Docket, recorded: AttendanceRecorded, _identity: str) -> None:
    present = docket.meetings[recorded.meeting].present
    present.update(docket.roster.organisation(attendee.actor) for attendee in recorded.present)


@remembers(MinutesApproved)
def _(docket: Docket, approved: MinutesApproved, _identity: str) -> None:
    docket.meetings[approved.meeting].minutes.add(approved.document)


@remembers(StatementWithdrawn)
def _(docket: Docket, withdrawn: StatementWithdrawn, identity: str) -> None:
    docket.put("withdrawn", withdrawn.statement, 1)
    docket.first_shows_secret(withdrawn.statement, withdrawn)
    earlier = docket.earlier(withdrawn.statement)
    if earlier is not None and earlier.kind in (CommentSubmitted.__name__, CommentTranscribed.__name__):
        for digest in earlier.contents:
            docket.take_back(Target(statement=withdrawn.statement, salted_digest=digest), identity)

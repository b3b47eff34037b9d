"""Who may state what, and when: the rulebook as a pure function, by the version in force.

    check_admissible(opened, received_ms, docket)      raises Refused, or answers nothing
    docket.evolve(received_ms, opened)                 the statement is now the entry at index docket.size - 1

The docket is what the rules need to know of the entries so far, and nothing else: a fold over them. Rules read the
docket, the statement and its received time `t`; they read no clock, no file and no Unicode table, so whoever replays
the published entries reaches the same verdicts. An auditor runs this same module over a published log, and what it
would have refused there is a finding against the operator.

Rules are tried in the order of their numbers (FORMAT.md, "Admissibility"); the first that fails gives the code.

    A0  received times never go back; index 0 is LedgerOpened, and nothing else is
    A1  shape: exact fields (done by the vocabulary), signers as the kind names them, ids inside the plan
    A2  keys: enrolled for the actor named, in force; signatures (done by `open_statement`)
    A3  roles: a grant that covers plan, institution, commitment and round
    A4  citizens: only where the kind says so, under a key of no actor, with salted words
    A5  references: to registered statements of the right kind and plan; ids defined, new ids free
    A6  separation: nobody judges what their own organisation answers for
    A7  levels: a complete commitment is reopened before it is reported lower
    A8  windows: by received time
    A9  said_at: near the received time, never before the signer's last of the kind in the stream
    A10 the same signed text is one entry (answered by the log before any rule)
    A11 the importer: alone, as printed, from granted sources, and silent once the body speaks for itself
    A12 states: each kind's own rule, the functions under @own_rule

Time rules do not bind the importer (A11). Some rules of a kind need no code here because its types say them.

Rules have versions: RulebookAdopted says from which index on the next one holds, and every entry is judged by the one
in force at its index. Version 1 is this module; the next is one more entry in `RULEBOOKS`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from ledger.docket import (
    AssessmentStanding,
    CommitmentStanding,
    Docket,
    Earlier,
    Planned,
    claim_of,
    plan_of,
    publisher_of,
)
from ledger.errors import Refused
from ledger.roster import Grant, Reach, grant_of, holder_of
from ledger.statement import Opened, parse_when
from ledger.tlog.errors import Malformed, Unverified
from ledger.tlog.note import COSIGNATURE_ED25519, check_public_key, parse_vkey
from ledger.vocabulary import (
    ActorRegistered,
    AppealDecided,
    AssessmentClosed,
    AssessmentOpened,
    AttendanceRecorded,
    AxisDefined,
    CommentEndorsed,
    CommentSubmitted,
    CommentTranscribed,
    CommitmentAmended,
    CommitmentCoded,
    CommitmentRegistered,
    CommitmentReopened,
    CompletionAssessed,
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
    IndicatorMeasured,
    KeyEnrolled,
    KeyRevoked,
    KeyRotated,
    LedgerOpened,
    LogKeyRotated,
    MechanismAmended,
    MechanismDefined,
    MeetingConvened,
    MethodologyAdopted,
    MinutesApproved,
    ModerationAppealed,
    OfContent,
    OfPlan,
    PlanRegistered,
    Printed,
    RegistrarReplaced,
    ReportPublished,
    ResponseGiven,
    RoleEnded,
    RoleGranted,
    RoundClosed,
    RoundExtended,
    RoundOpened,
    RulebookAdopted,
    SharedUseExplained,
    Signer,
    Statement,
    StatementConfirmed,
    StatementContested,
    StatementWithdrawn,
    Target,
    VerdictGiven,
    WeeklyReportFiled,
    WeightsSet,
    WitnessRecognised,
    commitment_of,
    commitments_of,
    has_own_stream,
    signer_patterns,
    stream_of,
)

MINUTE_MS = 60_000
DAY_MS = 86_400_000
AHEAD_MS = 5 * MINUTE_MS
BEHIND_MS = 7 * DAY_MS
BEHIND_TOGETHER_MS = 30 * DAY_MS
SINCE_MS = 30 * DAY_MS
WHOLE_BP = 10_000

# Statements that give an actor a key; whoever holds it signs last.
_ENROLLING = (KeyEnrolled, KeyRotated, RegistrarReplaced)

# Statements that a ResponseGiven answers, one group at a time.
ANSWERED = {
    "CommentSubmitted": "comments",
    "CommentTranscribed": "comments",
    "EvidenceDisputed": "disputes",
    "EvidenceRequested": "requests",
    "RecommendationMade": "recommendations",
}


# --- the check -------------------------------------------------------------------------------------------------------


def check_admissible(opened: Opened, received_ms: int, docket: Docket) -> None:
    """Raise Refused unless the statement may become the next entry, received at `received_ms`.

    It is judged by the rulebook in force at its index; where that is newer than this software, which a finding on its
    RulebookAdopted says, by the newest one known.
    """
    version = docket.rulebook_at(docket.size)
    RULEBOOKS[min(max(version, 1), max(RULEBOOKS))](opened, received_ms, docket)


def _check_version_1(opened: Opened, received_ms: int, docket: Docket) -> None:
    statement = opened.statement
    kind = type(statement)
    signers = statement.by
    role = signers[0].role
    _check_a0(opened, received_ms, docket)
    check_signers(kind, tuple([signer.role for signer in signers]))
    imported = role == "importer"  # who signs alone, as a citizen does
    fields = _fields_of(kind)
    subjects = _subjects(statement, fields)
    _check_plan_ids(statement, subjects)
    reach = _reach(statement, docket)
    if role == "citizen":
        _check_citizen(statement, docket)
    elif docket.size:
        _check_keys(statement, received_ms, docket)
        _check_roles(statement, received_ms, docket, reach, imported)
    _check_references(statement, fields, subjects, reach.plan, docket)
    if imported or getattr(statement, "printed", UNSET) is not UNSET:
        _check_import(statement, opened.identity, received_ms, docket, imported, reach)
    _check_said_at(opened, received_ms, docket, imported)
    own = _OWN_RULES.get(kind)
    if own is not None:
        own(_Case(statement, opened.identity, received_ms, docket, imported, reach))


RULEBOOKS: dict[int, Callable[[Opened, int, Docket], None]] = {1: _check_version_1}
"""The versions of the rulebook that this software knows, from 1 without a gap."""


def _check_a0(opened: Opened, received_ms: int, docket: Docket) -> None:
    if opened.origin != docket.origin:
        raise Refused("wrong-origin", "A1", f"signed for {opened.origin}, and this ledger is {docket.origin}")
    if received_ms < docket.last_received:
        raise Refused("state", "A0", "received before the entry that precedes it")
    if isinstance(opened.statement, LedgerOpened) != (docket.size == 0):
        raise Refused("state", "A0", "a ledger is opened once, by its first entry")
    index = docket.index_of(opened.identity)
    if index is not None:
        raise Refused("state", "A10", f"this statement is entry {index} already")


def check_signers(kind: type[Statement], roles: tuple[str, ...]) -> None:
    """A1, A4 and A11: the roles in `by` are those that the kind names. Raises Refused."""
    if "importer" in roles:
        if len(roles) > 1:
            raise Refused("import", "A11", "the importer signs alone")
        if not kind.importable:
            raise Refused("import", "A11", f"the importer may not state {kind.__name__}: who did it says it")
        return
    if _fits(kind, roles):
        return
    if "citizen" in roles and len(roles) > 1:
        raise Refused("role-scope", "A4", "a citizen signs alone")
    admitted = {one.role for pattern in signer_patterns(kind) for one in pattern}
    foreign = [role for role in roles if role not in admitted]
    wanted = kind.signed_by.replace("*", " × ")
    if foreign:
        raise Refused("role-scope", "A1", f"{kind.__name__} is signed by {wanted}; `{foreign[0]}` may not sign it")
    code = "role-scope" if "registrar" in admitted else "shape"
    raise Refused(code, "A1", f"{kind.__name__} is signed by {wanted}, and not by {' + '.join(roles)}")


@cache
def _fits(kind: type[Statement], roles: tuple[str, ...]) -> bool:
    """Whether these roles, in this order, are one of the ways in which the kind is signed."""
    for pattern in signer_patterns(kind):
        rest = list(roles)
        for one in pattern:
            taken = 0
            while rest and rest[0] == one.role and taken < one.most:
                rest.pop(0)
                taken += 1
            if taken < one.least:
                break
        else:
            if not rest:
                return True
    return False


class _Fields(msgspec.Struct, frozen=True):
    """The fields of a kind that rules look at."""

    ids: tuple[str, ...]  # hold commitment or mechanism ids
    inside: tuple[str, ...]  # lists of objects that hold some
    defines: str  # the one among them that the kind itself defines
    refs: tuple[tuple[str, tuple[str, ...]], ...]  # name earlier statements, of these kinds
    actors: tuple[str, ...]  # name an actor
    planned: tuple[str, ...]  # name a round, meeting, report or assessment that another statement has defined
    axis: str  # names an axis of the plan, which another statement has defined


_HOLD_IDS = frozenset({"subject", "mechanism", "commitment", "commitments", "about", "for_"})


@cache
def _fields_of(kind: type[Statement]) -> _Fields:
    """Found once for each kind: to ask every statement for what its kind does not have costs more than the rules."""
    names = kind.__struct_fields__
    defined: dict[type[Statement], str] = {CommitmentRegistered: "commitment", MechanismDefined: "mechanism"}
    planned: dict[str, type[Statement]] = {
        "round": RoundOpened,
        "meeting": MeetingConvened,
        "report": ReportPublished,
        "assessment": AssessmentOpened,
    }
    return _Fields(
        ids=tuple([name for name in names if name in _HOLD_IDS]),
        inside=tuple([name for name in names if name in ("entries", "uses", "weights")]),
        defines=defined.get(kind, ""),
        refs=tuple(kind.refs.items()),
        actors=tuple([name for name in names if name in ("to", "speaker", "advice_of", "institution")]),
        planned=tuple([name for name, by in planned.items() if name in names and kind is not by]),
        axis="axis" if "axis" in names and kind is not AxisDefined else "",
    )


def _subjects(statement: Statement, fields: _Fields) -> list[tuple[str, str]]:
    """The commitments and mechanisms that a statement names, each with its field."""
    found = [(name, subject) for name in fields.ids for subject in _named(statement, name) if "/" in subject]
    for name in fields.inside:
        for one in getattr(statement, name):
            inside = [(field, getattr(one, field, UNSET)) for field in ("commitment", "mechanism")]
            found += [(f"{name}.{field}", subject) for field, subject in inside if subject is not UNSET]
    return found


def _named(statement: Statement, field: str) -> tuple[str, ...]:
    """What a field names: nothing, one, or a list."""
    value = getattr(statement, field)
    if value is UNSET:
        return ()
    return value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType]


def _check_plan_ids(statement: Statement, subjects: list[tuple[str, str]]) -> None:
    """A1: every subject inside starts with the statement's plan."""
    plan = plan_of(statement)
    for name, subject in subjects:
        if not subject.startswith(f"{plan}/"):
            raise Refused("shape", "A1", f"`{name.rstrip('_')}` {subject} is not in the plan `{plan}`")


def _check_keys(statement: Statement, received_ms: int, docket: Docket) -> None:
    """A2: enrolled and in force. A key that is just being enrolled stands last, as holder, and needs only its line."""
    roster = docket.roster
    signers = statement.by[:-1] if isinstance(statement, _ENROLLING) else statement.by
    for signer in signers:
        if signer.role == "citizen":
            continue
        if signer.role != "recovery":
            roster.check_key(signer, received_ms)
        elif signer.key not in roster.recovery_keys:
            raise Refused("unknown-key", "A2", f"the key {signer.key[:16]}… is no recovery key of this ledger")


def _reach(statement: Statement, docket: Docket) -> Reach:
    """What the statement touches: plan, institutions, commitments, round."""
    plan = plan_of(statement)
    if isinstance(statement, CommentSubmitted):  # by far the most; nobody's grant has to cover it
        return Reach(plan, (), (), statement.round)
    commitments = commitments_of(statement)
    round_: str | None = None
    institutions: list[str] = []
    spoken_of: list[str] = []
    match statement:
        case EvidenceCaptured() | EvidenceDisputed():
            spoken_of = [statement.link]
        case OfContent():
            spoken_of = [statement.target.statement]
        case DisputeScreened() | DisputeResolved():
            spoken_of = [statement.dispute]
        case AppealDecided():
            spoken_of = [statement.appeal]
        case StatementContested():
            spoken_of = [statement.statement]
        case ResponseGiven():
            spoken_of = list(statement.answers)
        case _:
            link = getattr(statement, "link", UNSET)
            if link is not UNSET:
                spoken_of = [link]
            if isinstance(statement, OfPlan):
                named = getattr(statement, "institution", UNSET)
                if named is not UNSET:
                    institutions.append(named)
                own_round = getattr(statement, "round", UNSET)
                round_ = None if own_round is UNSET else own_round
    for identity in spoken_of:
        earlier = docket.earlier(identity)
        if earlier is not None:
            commitments = tuple(dict.fromkeys(commitments + earlier.commitments))
            round_ = earlier.round or round_
            if isinstance(statement, ResponseGiven) and earlier.to is not None:
                institutions.append(earlier.to)
    institutions += [one for one in _institutions(commitments, docket) if one not in institutions]
    return Reach(plan, tuple(institutions), commitments, round_)


def _institutions(commitments: Sequence[str], docket: Docket) -> list[str]:
    """The institutions that answer for commitments now, each once."""
    known = [docket.commitments[one].institution for one in commitments if one in docket.commitments]
    return list(dict.fromkeys(known))


def _check_roles(statement: Statement, received_ms: int, docket: Docket, reach: Reach, imported: bool) -> None:
    """A3: a grant of each role that covers what is touched; an institution speaks for itself only. K2 where asked."""
    roster = docket.roster
    registrars: list[str] = []
    for signer in statement.by:
        role = signer.role
        if role in ("holder", "citizen", "recovery"):
            continue
        if role == "registrar":
            registrars.append(str(signer.actor))
        roster.covering_grant(signer, received_ms, reach)
        if role == "institution" and not imported:
            own = roster.organisation(str(signer.actor))
            for institution in reach.institutions:
                if institution != own:
                    raise Refused("role-scope", "A3", f"`{own}` speaks for itself, and this is about `{institution}`")
            if isinstance(statement, ResponseGiven) and not reach.institutions:
                raise Refused("role-scope", "A3", f"this was not addressed to `{own}`: the coordinator answers it")
    if registrars:
        roster.check_two_registrars(registrars, "A3")


def _check_citizen(statement: Statement, docket: Docket) -> None:
    """A4: a citizen's key belongs to nobody on the roster, and words are salted."""
    if docket.roster.knows_key(statement.by[0].key):
        raise Refused(
            "role-scope",
            "A4",
            "this key belongs to an actor, the log, a witness or the recovery; a citizen uses a fresh one",
        )
    words = getattr(statement, "words", UNSET)
    if words is not UNSET and words.text is not UNSET:
        raise Refused("shape", "A4", "a citizen's words are given by their salted digest, never in the open")


def _check_references(
    statement: Statement, fields: _Fields, subjects: list[tuple[str, str]], plan: str | None, docket: Docket
) -> None:
    """A5: statements, ids and actors that are named exist; what is new is free."""
    if plan is not None and plan not in docket.plans and type(statement) is not PlanRegistered:
        raise Refused("unknown-ref", "A5", f"no plan `{plan}` is registered")
    for name, kinds in fields.refs:
        for identity in _named(statement, name):
            _check_reference(name, identity, kinds, plan, docket)
    for name in fields.actors:
        _check_actor(getattr(statement, name), name, docket)
    for name, subject in subjects:
        if name != fields.defines:
            _check_subject(subject, docket)
    for name in fields.planned:
        known: Mapping[str, Planned] = getattr(docket, f"{name}s")
        _check_defined(statement, name, known, plan)
    if fields.axis:
        axis = getattr(statement, fields.axis)
        if axis is not UNSET and (str(plan), axis) not in docket.axes:
            raise Refused("unknown-ref", "A5", f"no axis `{axis}` is defined in `{plan}`")


def _check_reference(name: str, identity: str, kinds: tuple[str, ...], plan: str | None, docket: Docket) -> None:
    earlier = docket.earlier(identity)
    if earlier is None:
        raise Refused("unknown-ref", "A5", f"`{name}`: no statement {identity[:16]}… is registered")
    if kinds != ("*",) and earlier.kind not in kinds:
        raise Refused(
            "unknown-ref",
            "A5",
            f"`{name}` names a {earlier.kind} (entry {earlier.index}); it takes {' or '.join(kinds)}",
        )
    if earlier.plan != plan:
        raise Refused(
            "unknown-ref",
            "A5",
            f"`{name}` names entry {earlier.index}, which is of {earlier.plan or 'no plan'}; "
            + (f"this is of {plan}" if plan else "this has no `plan`"),
        )
    if docket.withdrawn(identity):
        raise Refused("unknown-ref", "A5", f"`{name}` names entry {earlier.index}, which was withdrawn")


def _check_actor(actor: object, name: str, docket: Docket) -> None:
    if isinstance(actor, str) and actor not in docket.roster.actors:
        raise Refused(
            "unknown-ref", "A5", f"`{name}`: no actor `{actor}` is registered; two registrars can register it"
        )


def _check_subject(subject: str, docket: Docket) -> None:
    if commitment_of(subject) not in docket.commitments:
        raise Refused("unknown-ref", "A5", f"no commitment {commitment_of(subject)} is registered")
    if "." in subject and not docket.mechanism_defined(subject):
        hint = "; it has numbered mechanisms" if subject.endswith(".M0") else ""
        raise Refused("unknown-ref", "A5", f"no mechanism {subject} is defined{hint}")


def _check_defined(statement: Statement, name: str, known: Mapping[str, Planned], plan: str | None) -> None:
    value = getattr(statement, name)
    if value is UNSET:
        return
    found = known.get(value)
    if found is None or found.plan != plan:
        raise Refused("unknown-ref", "A5", f"no {name} `{value}` is registered in `{plan}`")


def _check_import(
    statement: Statement, identity: str, received_ms: int, docket: Docket, imported: bool, reach: Reach
) -> None:
    """A11: the importer states what a granted source prints, once, and only until the body speaks for itself."""
    printed: Printed | UnsetType = getattr(statement, "printed", UNSET)
    if not imported:
        raise Refused("import", "A11", "only the importer states what was printed; leave `printed` out")
    if printed is UNSET:
        raise Refused("import", "A11", "the importer says where each statement is printed, in `printed`")
    grant = docket.roster.covering_grant(statement.by[0], received_ms, reach)
    if printed.source not in grant.sources:
        raise Refused("import", "A11", f"the importer's grant does not name the source {printed.source[:16]}…")
    kind = type(statement).__name__
    if docket.item_taken(printed.source, kind, printed.item):
        raise Refused("id-conflict", "A5", f"the item {printed.item} of this source is registered as {kind} already")
    if printed.on_behalf_of is not UNSET:
        _check_actor(printed.on_behalf_of, "on_behalf_of", docket)
        stream = stream_of(statement, identity, "")
        if docket.has_spoken(printed.on_behalf_of, kind, stream):
            raise Refused(
                "import",
                "A11",
                f"`{printed.on_behalf_of}` has itself stated {kind} in {stream}; the print is silent now",
            )


def _check_said_at(opened: Opened, received_ms: int, docket: Docket, imported: bool) -> None:
    """A9: the signers' time is near the received time and does not go back."""
    statement = opened.statement
    said_at = parse_when(statement.said_at)
    if said_at > received_ms + AHEAD_MS:
        raise Refused("future", "A9", f"said at {statement.said_at}, more than 5 minutes after it was received")
    if imported:
        return
    behind = BEHIND_TOGETHER_MS if len(statement.by) > 1 else BEHIND_MS
    if said_at < received_ms - behind:
        raise Refused(
            "stale", "A9", f"said at {statement.said_at}, more than {behind // DAY_MS} days before it was received"
        )
    if docket.size == 0:
        return
    if has_own_stream(type(statement)):
        return
    stream = _stream_if_known(opened, docket)
    kind = type(statement).__name__
    for signer in statement.by:
        last = docket.last_said(signer.key, kind, stream)
        if last is not None and said_at < last:
            raise Refused("stale", "A9", f"said before what the same signer last stated as {kind} in {stream}")


def _stream_if_known(opened: Opened, docket: Docket) -> str:
    statement = opened.statement
    if isinstance(statement, KeyRevoked) and statement.key not in docket.roster.keys:
        raise Refused("unknown-ref", "A5", "the key to revoke is not enrolled")
    return docket.stream_of(opened)


# --- rules of single kinds -------------------------------------------------------------------------------------------


class _Case(msgspec.Struct, frozen=True):
    """A statement before its own rule: all that such a rule may look at."""

    statement: Statement
    identity: str
    t: int
    docket: Docket
    imported: bool
    reach: Reach

    def refuse(self, code: str, detail: str, rule: str | None = None) -> Refused:
        """The refusal of this kind's own rule."""
        return Refused(code, rule or type(self.statement).__name__, detail)

    def organisation_of(self, signer: Signer) -> str:
        """The organisation that a signer counts for."""
        return self.docket.roster.organisation(str(signer.actor))


S = TypeVar("S", bound=Statement)
_OWN_RULES: dict[type[Statement], Callable[[_Case], None]] = {}


def own_rule(kind: type[S]) -> Callable[[Callable[[S, _Case], None]], Callable[[S, _Case], None]]:
    """Register the rule of a kind: what may not be said although A1 to A11 allow it."""

    def register(rule: Callable[[S, _Case], None]) -> Callable[[S, _Case], None]:
        _OWN_RULES[kind] = lambda case: rule(case.statement, case)  # type: ignore[arg-type]
        return rule

    return register


def _strict_key(case: _Case, key: str) -> None:
    try:
        check_public_key(bytes.fromhex(key))
    except Unverified as error:
        raise case.refuse("weak-key", f"the key {key[:16]}…: {error.message}", "A2") from None


@own_rule(LedgerOpened)
def _(founding: LedgerOpened, case: _Case) -> None:
    if founding.origin != case.docket.origin:
        raise case.refuse("wrong-origin", f"`origin` {founding.origin} is not the line it stands under", "A1")
    if founding.rulebook not in RULEBOOKS:
        raise case.refuse("shape", f"rulebook {founding.rulebook} is not known; this software knows {max(RULEBOOKS)}")
    named = [(one.actor, one.key) for one in founding.registrars]
    if named != [(signer.actor, signer.key) for signer in founding.by]:
        raise case.refuse("shape", "the signers are the registrars that it names, in that order")
    actors = {one.actor: one for one in founding.registrars}
    keys = [one.key for one in founding.registrars] + list(founding.log_keys) + list(founding.recovery.keys)
    if len(actors) < len(founding.registrars) or len(set(keys)) < len(keys):
        raise case.refuse("id-conflict", "actors and keys at the founding are all different")
    organisations: set[str] = set()
    for one in founding.registrars:
        _strict_key(case, one.key)
        within = one.form in ("office", "program")
        if within != (one.of is not UNSET):
            raise case.refuse("shape", f"`{one.actor}`: offices and programs have an `of`, others have none")
        organisation = one if one.of is UNSET else actors.get(one.of)
        if organisation is None or organisation.form in ("office", "program"):
            raise case.refuse("unknown-ref", f"`{one.actor}` is of no registered institution or organisation", "A5")
        organisations.add(organisation.actor)
    for key in [*founding.log_keys, *founding.recovery.keys]:
        _strict_key(case, key)
    if len(organisations) < 3:
        raise case.refuse("role-scope", "the registrars are of fewer than three organisations")
    if not any(actors[organisation].form == "organisation" for organisation in organisations):
        raise case.refuse("role-scope", "no registrar is of form organisation (civil society)")


@own_rule(ActorRegistered)
def _(registered: ActorRegistered, case: _Case) -> None:
    if registered.actor in case.docket.roster.actors:
        raise case.refuse("id-conflict", f"the actor `{registered.actor}` is registered already", "A5")
    _check_body(case, registered.form, registered.of)


def _check_body(case: _Case, form: str, of: str | UnsetType) -> None:
    """A body that is new to the roster: offices and programs belong to one that is registered."""
    if (form in ("office", "program")) != (of is not UNSET):
        raise case.refuse("shape", "offices and programs have an `of`, institutions and organisations have none")
    if of is not UNSET:
        parent = case.docket.roster.actors.get(of)
        if parent is None or parent.form in ("office", "program"):
            raise case.refuse("unknown-ref", f"`of`: no institution or organisation `{of}` is registered", "A5")


@own_rule(KeyEnrolled)
def _(enrolled: KeyEnrolled, case: _Case) -> None:
    _check_holder(case, enrolled.by[-1], enrolled.actor, enrolled.key)
    _check_actor(enrolled.actor, "actor", case.docket)
    _check_new_key(case, enrolled.key)
    _check_span(case, enrolled.from_, enrolled.until)


def _check_holder(case: _Case, holder: Signer, actor: str, key: str) -> None:
    """Whoever gets a key shows that they hold it."""
    if holder.key != key or holder.actor != actor:
        raise case.refuse("shape", "the holder's line is of the key that is enrolled, for its actor")


def _check_new_key(case: _Case, key: str) -> None:
    """A key is strict, and was never anybody's: an actor's, the log's, a recovery key or a witness's."""
    _strict_key(case, key)
    held = case.docket.roster.keys.get(key)
    if held is not None:
        raise case.refuse("id-conflict", f"the key was enrolled before, for `{held.actor}`", "A5")
    if case.docket.roster.knows_key(key):
        raise case.refuse("id-conflict", "the key is the log's, a witness's, or for recovery", "A5")


@own_rule(KeyRotated)
def _(rotated: KeyRotated, case: _Case) -> None:
    old, new = rotated.by
    if old.key != rotated.old or old.actor != rotated.actor:
        raise case.refuse("shape", "the first line is of the key that ends, for its actor")
    _check_holder(case, new, rotated.actor, rotated.new)
    _check_new_key(case, rotated.new)


def _check_span(case: _Case, from_: object, until: object) -> None:
    start = parse_when(from_) if isinstance(from_, str) else case.t
    if isinstance(until, str) and parse_when(until) <= start:
        raise case.refuse("shape", "`until` is not after `from`")


@own_rule(KeyRevoked)
def _(revoked: KeyRevoked, case: _Case) -> None:
    roster = case.docket.roster
    held = roster.keys[revoked.key]
    if held.revoked_at is not None:
        raise case.refuse("state", f"the key was revoked by entry {held.revoked_at}")
    if held.replaced_at is not None and revoked.cause != "compromised":
        raise case.refuse("state", f"the key gave way to another by entry {held.replaced_at}")
    holders = [signer for signer in revoked.by if signer.role == "holder"]
    if holders and holders[0].actor != held.actor:
        raise case.refuse("role-scope", f"the key is of `{held.actor}`; its holder signs, or two registrars", "A3")
    together = len(revoked.by) == 3
    if together and holders[0].key == revoked.key:
        raise case.refuse("role-scope", "beside two registrars the holder signs with another key", "A3")
    if revoked.since is not UNSET:
        if revoked.cause != "compromised":
            raise case.refuse("shape", "`since` goes with the cause `compromised` only")
        since = parse_when(revoked.since)
        if since > case.t:
            raise case.refuse("shape", "`since` is after the revocation itself")
        if since < case.t - SINCE_MS and not together:
            raise case.refuse(
                "role-scope", "`since` more than 30 days back needs two registrars and another key of the holder", "A3"
            )
    roster.check_k2_left("KeyRevoked", case.t, without_key=revoked.key)


@own_rule(RoleGranted)
def _(granted: RoleGranted, case: _Case) -> None:
    if granted.role in ("citizen", "holder", "recovery"):
        raise case.refuse("shape", f"`{granted.role}` is nobody's to grant")
    _check_actor(granted.actor, "actor", case.docket)
    _check_actor(granted.scope.institution, "scope.institution", case.docket)
    if granted.role == "importer":
        if granted.until is UNSET or granted.sources is UNSET:
            raise case.refuse("shape", "an importer's grant has `until` and `sources`")
    elif granted.sources is not UNSET:
        raise case.refuse("shape", "only an importer's grant has `sources`")
    if granted.role == "registrar" and granted.scope.plans is not UNSET:
        raise case.refuse("shape", "a registrar's grant names no plan")
    _check_span(case, granted.from_, granted.until)
    grant: Grant = grant_of(granted, case.identity, case.t)
    conflict = case.docket.roster.conflicting_role(grant)
    if conflict is not None:
        raise case.refuse(
            "conflict-of-interest",
            f"`{conflict.actor}`, of the same organisation, is `{conflict.role}` in the same plan and time",
            "A6",
        )


@own_rule(RoleEnded)
def _(ended: RoleEnded, case: _Case) -> None:
    roster = case.docket.roster
    holder = holder_of(ended)
    made = roster.grants_made_by(ended.grant, holder)
    if not made:
        raise case.refuse("role-scope", f"the grant is not of `{holder}`; its holder ends it, or two registrars", "A3")
    if len(made) > 1:
        raise case.refuse(
            "state", "the founding made several registrars: each ends their own role, or the recovery replaces them"
        )
    if made[0].ended_at is not None:
        raise case.refuse("state", f"the grant was ended by entry {made[0].ended_at}")
    roster.check_k2_left("RoleEnded", case.t, without=made)


@own_rule(RegistrarReplaced)
def _(replaced: RegistrarReplaced, case: _Case) -> None:
    roster = case.docket.roster
    recovering = len(replaced.by) - 1
    if recovering < roster.recovery_threshold:
        raise case.refuse("role-scope", f"{recovering} recovery keys sign, and it takes {roster.recovery_threshold}")
    _check_actor(replaced.removed, "removed", case.docket)
    seats = roster.registrars(case.t)
    left = [grant for grant in seats if grant.actor != replaced.removed]
    if len(left) == len(seats):
        raise case.refuse("state", f"`{replaced.removed}` is no registrar, so nobody can take its place")
    _check_holder(case, replaced.by[-1], replaced.actor, replaced.key)
    _check_new_key(case, replaced.key)
    known = roster.actors.get(replaced.actor)
    if known is None:
        _check_body(case, replaced.form, replaced.of)
    elif (known.name, known.form, known.organisation) != (replaced.name, replaced.form, _organisation(replaced)):
        stands = f"{known.name!r}, {known.form} of `{known.organisation}`"
        raise case.refuse("id-conflict", f"`{replaced.actor}` is registered as {stands}", "A5")
    _check_seats(case, replaced, left)


def _organisation(replaced: RegistrarReplaced) -> str:
    return replaced.actor if replaced.of is UNSET else replaced.of


def _check_seats(case: _Case, replaced: RegistrarReplaced, left: Sequence[Grant]) -> None:
    """What a founding needs holds with the new registrar too: three organisations, one of form organisation.

    Seats are counted, not keys in force: where several registrars lost theirs, one is replaced after the other.
    """
    actors = case.docket.roster.actors
    own = _organisation(replaced)
    organisations = {actors[grant.actor].organisation for grant in left}
    if len(organisations | {own}) < 3:
        raise case.refuse("role-scope", "the registrars would be of fewer than three organisations")
    forms = {actors[one].form for one in organisations}
    forms.add(replaced.form if own == replaced.actor else actors[own].form)
    if "organisation" not in forms:
        raise case.refuse("role-scope", "no registrar would be of form organisation (civil society)")


@own_rule(LogKeyRotated)
def _(rotated: LogKeyRotated, case: _Case) -> None:
    if rotated.old not in case.docket.roster.log.at(case.docket.size):
        raise case.refuse("state", f"the key {rotated.old[:16]}… is not the log's now")
    _check_new_key(case, rotated.new)


@own_rule(WitnessRecognised)
def _(recognised: WitnessRecognised, case: _Case) -> None:
    try:
        verifier = parse_vkey(recognised.vkey)
    except Malformed as error:
        raise case.refuse("shape", f"`vkey`: {error.message}") from None
    except Unverified as error:
        raise case.refuse("weak-key", f"`vkey`: {error.message}", "A2") from None
    if verifier.type_byte < COSIGNATURE_ED25519:
        raise case.refuse("shape", "`vkey` is a key that signs notes; a witness's cosigns (type 04 or 06)")
    if case.docket.roster.knows_key(verifier.public_key.hex()):
        raise case.refuse(
            "id-conflict", f"the key of {verifier.name} is known already, as a witness's or another", "A5"
        )


@own_rule(RulebookAdopted)
def _(adopted: RulebookAdopted, case: _Case) -> None:
    last = case.docket.rulebooks[-1][1]
    if adopted.version != last + 1:
        raise case.refuse("state", f"the next version of the rulebook is {last + 1}")
    if adopted.version not in RULEBOOKS:
        raise case.refuse(
            "state", f"this software knows the rulebook up to version {max(RULEBOOKS)}, and not {adopted.version}"
        )
    if adopted.from_index <= case.docket.size:
        raise case.refuse("state", f"`from_index` comes after this entry, which would be {case.docket.size}")


@own_rule(PlanRegistered)
def _(registered: PlanRegistered, case: _Case) -> None:
    if registered.plan in case.docket.plans:
        raise case.refuse("id-conflict", f"the plan `{registered.plan}` is registered already", "A5")


@own_rule(MethodologyAdopted)
def _(adopted: MethodologyAdopted, case: _Case) -> None:
    last = case.docket.plans[adopted.plan].methodology
    if adopted.version != last + 1:
        raise case.refuse("state", f"the next version of the methodology is {last + 1}")
    if adopted.from_ is not UNSET and parse_when(adopted.from_) < case.t:
        raise case.refuse("state", "a methodology is in force from its registration at the earliest")


@own_rule(AxisDefined)
def _(defined: AxisDefined, case: _Case) -> None:
    if (defined.plan, defined.axis) in case.docket.axes:
        raise case.refuse("id-conflict", f"the axis `{defined.axis}` is defined already", "A5")


@own_rule(CommitmentRegistered)
def _(registered: CommitmentRegistered, case: _Case) -> None:
    if registered.commitment in case.docket.commitments:
        raise case.refuse("id-conflict", f"{registered.commitment} is registered already", "A5")
    if case.docket.roster.actors[registered.institution].form != "institution":
        raise case.refuse("unknown-ref", f"`{registered.institution}` is not an institution", "A5")


@own_rule(MechanismDefined)
def _(defined: MechanismDefined, case: _Case) -> None:
    commitment = case.docket.commitments.get(commitment_of(defined.mechanism))
    if commitment is None:
        raise case.refuse("unknown-ref", f"no commitment {commitment_of(defined.mechanism)} is registered", "A5")
    if defined.mechanism.endswith(".M0"):
        raise case.refuse("shape", "`M0` is the implicit mechanism; numbered ones start at `M1`", "A1")
    if defined.mechanism in commitment.mechanisms:
        raise case.refuse("id-conflict", f"{defined.mechanism} is defined already", "A5")
    if defined.repeats == "recurring" and defined.period_days is UNSET:
        raise case.refuse("shape", "a recurring mechanism has `period_days`")
    _check_p(case, commitment)


@own_rule(CommitmentAmended)
def _(amended: CommitmentAmended, case: _Case) -> None:
    _check_agreement(case, amended.agreement)
    if amended.institution is not UNSET and case.docket.roster.actors[amended.institution].form != "institution":
        raise case.refuse("unknown-ref", f"`{amended.institution}` is not an institution", "A5")
    _check_p(case, case.docket.commitments[amended.commitment])


@own_rule(MechanismAmended)
def _(amended: MechanismAmended, case: _Case) -> None:
    _check_agreement(case, amended.agreement)
    if amended.mechanism.endswith(".M0"):
        raise case.refuse("shape", "`M0` is implicit and has no text of its own: define numbered mechanisms", "A1")
    if (
        amended.repeats == "recurring"
        and amended.period_days is UNSET
        and not case.docket.has_period(amended.mechanism)
    ):
        raise case.refuse("shape", "a recurring mechanism has `period_days`")
    _check_p(case, case.docket.commitments[commitment_of(amended.mechanism)])


def _check_agreement(case: _Case, agreement: str | UnsetType) -> None:
    if agreement is not UNSET:
        raise case.refuse("unknown-ref", f"no agreement `{agreement}` is recorded", "A5")


@own_rule(WeightsSet)
def _(set_: WeightsSet, case: _Case) -> None:
    commitment = case.docket.commitments[set_.commitment]
    stated = [weight.mechanism for weight in set_.weights]
    mechanisms = sorted(commitment.mechanisms) or [f"{set_.commitment}.M0"]
    if sorted(stated) != mechanisms:
        raise case.refuse("shape", f"each mechanism has one weight: {', '.join(mechanisms)}")
    total = sum(weight.bp for weight in set_.weights)
    if total != WHOLE_BP:
        raise case.refuse("shape", f"the weights sum up to {total}, and not to {WHOLE_BP}")
    _check_p(case, commitment)


def _check_p(case: _Case, commitment: CommitmentStanding) -> None:
    """Rule P: once a level was reported, what was promised changes only with a second voice. Binds the importer too."""
    if commitment.reported and not any(signer.role in ("assessor", "irm") for signer in case.statement.by):
        raise case.refuse(
            "state",
            "a level was reported on this commitment: an assessor or the IRM must sign beside the coordinator",
            "P",
        )


@own_rule(WeeklyReportFiled)
def _(filed: WeeklyReportFiled, case: _Case) -> None:
    for entry in filed.entries:
        if entry.mechanism is not UNSET and commitment_of(entry.mechanism) != entry.commitment:
            raise case.refuse("unknown-ref", f"{entry.mechanism} is no mechanism of {entry.commitment}", "A5")


@own_rule(CompletionReported)
def _(reported: CompletionReported, case: _Case) -> None:
    if reported.level == "no_evidence_available":
        raise case.refuse("shape", "`no_evidence_available` is for assessors to say", "A7")
    standing = case.docket.reported.get(reported.subject)
    if standing is not None and standing.level == "complete" and not standing.reopened and reported.level != "complete":
        raise case.refuse("state", f"{reported.subject} is reported complete: CommitmentReopened comes first", "A7")


@own_rule(CommitmentReopened)
def _(reopened: CommitmentReopened, case: _Case) -> None:
    standing = case.docket.reported.get(reopened.commitment)
    if standing is None or standing.level != "complete" or standing.reopened:
        raise case.refuse("state", f"{reopened.commitment} is not reported complete, so there is nothing to reopen")


@own_rule(CompletionDateSet)
def _(dated: CompletionDateSet, case: _Case) -> None:
    before = case.docket.dates.get(dated.subject)
    if before is not None and before != dated.date and dated.reason is UNSET:
        raise case.refuse("state", "a date that was set is moved with a reason")


@own_rule(IndicatorDefined)
def _(defined: IndicatorDefined, case: _Case) -> None:
    if defined.indicator in case.docket.indicators:
        raise case.refuse("id-conflict", f"the indicator `{defined.indicator}` is defined already", "A5")


@own_rule(IndicatorMeasured)
def _(measured: IndicatorMeasured, case: _Case) -> None:
    plan, parts = case.docket.indicators.get(measured.indicator, ("", None))
    if plan != measured.plan:
        raise case.refuse("unknown-ref", f"no indicator `{measured.indicator}` is defined in `{measured.plan}`", "A5")
    stated = [value.part for value in measured.values]
    if parts is None:
        if len(stated) != 1 or stated[0] is not UNSET:
            raise case.refuse("shape", "the indicator has no parts: one value, without a part")
    elif len(set(stated)) != len(stated) or not parts.issuperset(str(part) for part in stated):
        raise case.refuse("shape", f"the parts of the indicator are {', '.join(sorted(parts))}, each at most once")


@own_rule(ReportPublished)
def _(published: ReportPublished, case: _Case) -> None:
    if published.tree_size is not UNSET:
        _check_tree_size(case, published.tree_size)
    before = case.docket.reports.get(published.report)
    if before is None:
        return
    if before.plan != published.plan:
        raise case.refuse("id-conflict", f"the report `{published.report}` is of the plan `{before.plan}`", "A5")
    if published.version in before.versions:
        raise case.refuse(
            "id-conflict", f"version {published.version} of `{published.report}` is published already", "A5"
        )
    if before.organisation != publisher_of(case.docket, published):
        raise case.refuse("role-scope", f"`{published.report}` is published by `{before.organisation}`")


def _check_tree_size(case: _Case, tree_size: int) -> None:
    if tree_size > case.docket.size:
        raise case.refuse("state", f"`tree_size` {tree_size} is more than the {case.docket.size} entries so far")


# Evidence. What was linked, asked or found for a commitment's `M0` counts for each mechanism that it has later.


def _implicit(mechanism: str) -> str:
    return f"{commitment_of(mechanism)}.M0"


@own_rule(EvidenceLinked)
def _(linked: EvidenceLinked, case: _Case) -> None:
    served = {*linked.for_, *map(_implicit, linked.for_)}
    for identity in () if linked.answers is UNSET else linked.answers:
        request = _registered(case, identity)
        if served.isdisjoint(request.mechanisms):
            asked = ", ".join(request.mechanisms)
            raise case.refuse("unknown-ref", f"entry {request.index} asks for evidence on {asked}", "A5")


@own_rule(SharedUseExplained)
def _(explained: SharedUseExplained, case: _Case) -> None:
    uses = {use.commitment for use in explained.uses}
    if len(uses) < len(explained.uses):
        raise case.refuse("shape", "each commitment says once what it takes")
    shown: set[str] = set()
    for identity in explained.evidence:
        link = _registered(case, identity)
        if uses.isdisjoint(link.commitments):
            raise case.refuse("unknown-ref", f"entry {link.index} is linked for none of these commitments", "A5")
        shown.update(link.commitments)
    if uses - shown:
        raise case.refuse("unknown-ref", f"this evidence is not linked for {', '.join(sorted(uses - shown))}", "A5")


@own_rule(EvidenceDisputed)
def _(disputed: EvidenceDisputed, case: _Case) -> None:
    link = _registered(case, disputed.link)
    if disputed.mechanism not in link.mechanisms and _implicit(disputed.mechanism) not in link.mechanisms:
        raise case.refuse("unknown-ref", f"the evidence is not linked for {disputed.mechanism}", "A5")


@own_rule(DisputeScreened)
def _(screened: DisputeScreened, case: _Case) -> None:
    state = case.docket.dispute(screened.dispute)
    if state != "questioned":
        raise case.refuse("state", f"a citizen's dispute is screened, once; this one is {state}")
    _check_independent(case)


@own_rule(DisputeResolved)
def _(resolved: DisputeResolved, case: _Case) -> None:
    state = case.docket.dispute(resolved.dispute)
    if state != "admitted":
        raise case.refuse("state", f"an admitted dispute is resolved, once; this one is {state}")
    roster = case.docket.roster
    dispute = _registered(case, resolved.dispute)
    disputants = {roster.organisation(actor) for actor, _key, _role in dispute.signers if actor is not None}
    for signer in resolved.by:
        if case.organisation_of(signer) in disputants:
            raise case.refuse("conflict-of-interest", f"`{case.organisation_of(signer)}` opened this dispute", "A6")
    _check_independent(case)


@own_rule(VerdictGiven)
def _(given: VerdictGiven, case: _Case) -> None:
    docket = case.docket
    for digest in given.digests:
        links = docket.capture_links(given.mechanism, digest) + docket.capture_links(_implicit(given.mechanism), digest)
        if all(docket.withdrawn(link) for link in links):
            raise case.refuse("unknown-ref", f"no bytes {digest[:16]}… were captured for {given.mechanism}", "A5")
    _check_independent(case)


@own_rule(EvidenceRequested)
def _(requested: EvidenceRequested, case: _Case) -> None:
    responsible = case.docket.commitments[commitment_of(requested.mechanism)].institution
    if requested.institution != responsible:
        raise case.refuse("unknown-ref", f"`{responsible}` is responsible for {requested.mechanism}: ask there", "A5")


@own_rule(AssessmentOpened)
def _(opened: AssessmentOpened, case: _Case) -> None:
    if opened.assessment in case.docket.assessments:
        raise case.refuse("id-conflict", f"the assessment `{opened.assessment}` is opened already", "A5")
    last = case.docket.plans[opened.plan].methodology
    if opened.methodology > last:
        adopted = f"the last version adopted is {last}" if last else "no methodology is adopted"
        raise case.refuse("unknown-ref", f"methodology {opened.methodology}: {adopted}", "A5")


@own_rule(CompletionAssessed)
def _(assessed: CompletionAssessed, case: _Case) -> None:
    if assessed.assessment is not UNSET:
        assessment = _open_assessment(case, assessed.assessment)
        if assessed.commitment not in assessment.commitments:
            raise case.refuse("unknown-ref", f"`{assessed.assessment}` is not about {assessed.commitment}", "A5")
    _check_independent(case)


def _open_assessment(case: _Case, name: str) -> AssessmentStanding:
    """An assessment that the signer's organisation has opened, and not closed."""
    assessment = case.docket.assessments[name]
    if case.organisation_of(case.statement.by[0]) != assessment.opened_by:
        raise case.refuse("role-scope", f"`{name}` is the assessment of `{assessment.opened_by}`", "A3")
    if assessment.closed:
        raise case.refuse("state", f"the assessment `{name}` is closed")
    return assessment


@own_rule(CommitmentCoded)
def _(coded: CommitmentCoded, case: _Case) -> None:
    codes = case.docket.plans[coded.plan].codes_at(case.t)
    if codes is None:
        raise case.refuse("state", "no methodology is in force, so there are no codes")
    known: tuple[str, ...] = getattr(codes, coded.aspect)
    if coded.code not in known:
        raise case.refuse(
            "unknown-ref", f"{coded.aspect} has no code `{coded.code}`; it has {', '.join(known) or 'none'}", "A5"
        )


@own_rule(AssessmentClosed)
def _(closed: AssessmentClosed, case: _Case) -> None:
    _open_assessment(case, closed.assessment)
    _check_tree_size(case, closed.tree_size)


def _check_independent(case: _Case) -> None:
    """A6: no signer is of an organisation that is or ever was responsible for the commitment."""
    for commitment in case.reach.commitments:
        ever = case.docket.commitments[commitment].ever
        for signer in case.statement.by:
            organisation = case.organisation_of(signer)
            if organisation in ever:
                raise case.refuse(
                    "conflict-of-interest", f"`{organisation}` is or was responsible for {commitment}", "A6"
                )


@own_rule(RoundOpened)
def _(opened: RoundOpened, case: _Case) -> None:
    if opened.round in case.docket.rounds:
        raise case.refuse("id-conflict", f"the round `{opened.round}` is opened already", "A5")


@own_rule(RoundExtended)
def _(extended: RoundExtended, case: _Case) -> None:
    round_ = case.docket.rounds[extended.round]
    if case.t >= round_.closes:
        raise case.refuse("state", "the round has closed: it is extended before its close, or not at all")
    if parse_when(extended.closes) <= round_.closes:
        raise case.refuse("state", "the new close is not later than the one that stands")


@own_rule(RoundClosed)
def _(closed: RoundClosed, case: _Case) -> None:
    if case.t < case.docket.rounds[closed.round].closes:
        raise case.refuse("state", "the round is still open: its comments are counted after its close")
    _check_tree_size(case, closed.tree_size)


@own_rule(DocumentPublished)
def _(published: DocumentPublished, case: _Case) -> None:
    last = case.docket.rounds[published.round].version
    if published.version != last + 1:
        raise case.refuse("state", f"the next version of this round's document is {last + 1}")
    for change in published.changes:
        for comment in change.comments:
            _check_reference(
                "comments", comment, ("CommentSubmitted", "CommentTranscribed"), published.plan, case.docket
            )


@own_rule(CommentSubmitted)
def _(submitted: CommentSubmitted, case: _Case) -> None:
    _check_comment(submitted, case)


@own_rule(CommentTranscribed)
def _(transcribed: CommentTranscribed, case: _Case) -> None:
    channel = transcribed.channel
    if (channel == "report") != case.imported:
        raise case.refuse("import", "comments printed in a report are the importer's, and its only ones", "A11")
    if channel == "web_form":
        actor = case.docket.roster.actors[str(transcribed.by[0].actor)]
        if transcribed.claim is UNSET or actor.form != "program":
            raise case.refuse("shape", "a comment from the web form has a `claim`, and a program as its transcriber")
    if not case.imported:
        forms = case.docket.transcribes_forms.get(str(transcribed.by[0].actor))
        if forms is not None and forms != (channel == "web_form"):
            raise case.refuse("role-scope", "the web form has a transcriber of its own, for this channel alone")
    _check_comment(transcribed, case)


def _check_comment(comment: CommentSubmitted | CommentTranscribed, case: _Case) -> None:
    """A5, A8 and A11 for both ways to comment: the round, its version and part, its window."""
    round_ = case.docket.rounds[comment.round]
    if not round_.first_version <= comment.version <= round_.version:
        raise case.refuse("unknown-ref", f"version {comment.version} of this round's document was not published", "A5")
    if comment.about != "whole" and "/" not in comment.about and comment.about not in round_.parts:
        raise case.refuse("unknown-ref", f"the document has no part `{comment.about}`", "A5")
    if comment.reply_to is not UNSET:
        answered = case.docket.earlier(comment.reply_to)
        if answered is None or answered.round != comment.round:
            raise case.refuse("unknown-ref", "a reply stays in the round of the comment it answers", "A5")
    if case.imported:
        return
    if round_.printed:
        raise case.refuse(
            "import", "this round is a printed one of the past: only the importer adds its comments", "A11"
        )
    if case.t < round_.opens:
        raise case.refuse("closed", "the round has not opened yet", "A8")
    if case.t >= round_.closes:
        if round_.late != "accept":
            raise case.refuse("closed", "the round has closed", "A8")
        if round_.late_until is not None and case.t >= round_.late_until:
            raise case.refuse("closed", "the round has closed, and the time for late comments is over", "A8")


@own_rule(CommentEndorsed)
def _(endorsed: CommentEndorsed, case: _Case) -> None:
    key = endorsed.by[0].key
    comment = _registered(case, endorsed.comment)
    if _is_author(case, endorsed.comment, comment, key):
        raise case.refuse("role-scope", "nobody endorses their own comment", "A4")
    if case.docket.endorsed(endorsed.comment, key):
        raise case.refuse("state", "this key has endorsed this comment already")
    round_ = case.docket.rounds[comment.round or ""]
    if not round_.opens <= case.t < round_.closes:
        raise case.refuse("closed", "comments are endorsed while their round is open", "A8")


# Moderation. Every act is about one content of one statement, and leaves entry, signature and place as they are.

# From which states of a content an act leads on.
_MOVES: dict[type[Statement], tuple[str, ...]] = {
    ErasureRequested: ("shown", "withheld", "redacted", "replaced"),
    ContentWithheld: ("shown",),
    ContentRedacted: ("shown", "withheld"),
    ContentRestored: ("withheld", "redacted"),
    ContentErased: ("shown", "withheld", "redacted", "replaced"),
    ModerationAppealed: ("withheld", "redacted"),
}
# Whose contents are names or bytes: there is no shorter text of them.
_WITHOUT_TEXT = frozenset({"AttendanceRecorded", "OfficeHolderChanged", "EvidenceCaptured"})


def _check_target(case: _Case, about: OfContent) -> Earlier:
    """A5 and A12: the content is one of the statement's, and in a state from which this act leads on."""
    target = _registered(case, about.target.statement)
    if target.plan != case.reach.plan:
        raise case.refuse("unknown-ref", f"entry {target.index} is of {target.plan or 'no plan'}", "A5")
    if about.target.salted_digest not in target.contents:
        raise case.refuse("unknown-ref", f"entry {target.index} has no such content", "A5")
    state = case.docket.content_state(about.target.statement, about.target.salted_digest)
    moves = _MOVES[type(about)]
    if state not in moves:
        raise case.refuse("state", f"this content is {state}, and this is for one that is {' or '.join(moves)}")
    return target


def _registered(case: _Case, identity: str) -> Earlier:
    earlier = case.docket.earlier(identity)
    if earlier is None:
        raise case.refuse("unknown-ref", f"no statement {identity[:16]}… is registered", "A5")
    return earlier


class Barred(msgspec.Struct, frozen=True):
    """Why rule A6 keeps an organisation from moderating: it is or was responsible for `commitment`; where that is
    empty, it opened the round itself."""

    commitment: str = ""


def barred_from_moderating(commitments: Sequence[str], round_: str | None, docket: Docket) -> dict[str, Barred]:
    """The organisations that rule A6 keeps from moderating what is about these commitments, in this round."""
    found: dict[str, Barred] = {}
    for commitment in commitments:
        known = docket.commitments.get(commitment)
        for organisation in sorted(known.ever) if known is not None else ():
            found.setdefault(organisation, Barred(commitment))
    opened = docket.rounds.get(round_ or "")
    if opened is not None and opened.opened_by:
        found.setdefault(opened.opened_by, Barred())
    return found


def _check_moderators(case: _Case) -> None:
    """A6: no moderator acts where their organisation answers for the commitment, or has opened the round."""
    barred = barred_from_moderating(case.reach.commitments, case.reach.round, case.docket)
    for signer in case.statement.by:
        _check_not_barred(case.organisation_of(signer), barred)


def _check_not_barred(organisation: str, barred: Mapping[str, Barred]) -> None:
    why = barred.get(organisation)
    if why is not None:
        said = f"is or was responsible for {why.commitment}" if why.commitment else "opened this round itself"
        raise Refused("conflict-of-interest", "A6", f"`{organisation}` {said}")


def check_may_moderate(signer: Signer, target: Target, received_ms: int, docket: Docket) -> None:
    """Raise Refused unless this signer may act as a moderator on a content now: A5, A2, A3 and A6 of every such act.

    For what is no statement, and needs the same right: to read a sealed text (`api.sealed_texts`).
    """
    if signer.role != "moderator" or signer.actor is UNSET:
        raise Refused("role-scope", "A3", "a moderator does this, for a body on the roster")
    earlier = docket.earlier(target.statement)
    if earlier is None or target.salted_digest not in earlier.contents:
        raise Refused("unknown-ref", "A5", "no such content is registered")
    docket.roster.check_key(signer, received_ms)
    institutions = tuple(_institutions(earlier.commitments, docket))
    reach = Reach(earlier.plan, institutions, earlier.commitments, earlier.round)
    docket.roster.covering_grant(signer, received_ms, reach)
    barred = barred_from_moderating(earlier.commitments, earlier.round, docket)
    _check_not_barred(docket.roster.organisation(signer.actor), barred)


@own_rule(ErasureRequested)
def _(requested: ErasureRequested, case: _Case) -> None:
    target = _check_target(case, requested)
    signer = requested.by[0]
    if signer.role == "citizen":
        if requested.authority is not UNSET:
            raise case.refuse("shape", "an author asks in their own name: `authority` is a moderator's to give")
        _check_author(case, requested.target.statement, target, signer.key, requested.secret)
        return
    if requested.ground == "consent_withdrawn" or requested.secret is not UNSET:
        raise case.refuse("role-scope", "consent and secret are the author's own", "A4")
    _check_moderators(case)


@own_rule(ContentWithheld)
def _(withheld: ContentWithheld, case: _Case) -> None:
    _check_target(case, withheld)
    _check_appeal_until(case, withheld.appeal_until)
    _check_moderators(case)


def _check_appeal_until(case: _Case, appeal_until: str) -> None:
    if parse_when(appeal_until) <= case.t:
        raise case.refuse("state", "the time to appeal would be over before it begins")


@own_rule(ContentRedacted)
def _(redacted: ContentRedacted, case: _Case) -> None:
    target = _check_target(case, redacted)
    if target.kind in _WITHOUT_TEXT:
        raise case.refuse("shape", f"the content of a {target.kind} has no shorter form: it is withheld or erased")
    _check_appeal_until(case, redacted.appeal_until)
    _check_moderators(case)


@own_rule(ContentRestored)
def _(restored: ContentRestored, case: _Case) -> None:
    _check_target(case, restored)
    _check_moderators(case)


@own_rule(ContentErased)
def _(erased: ContentErased, case: _Case) -> None:
    _check_target(case, erased)
    if case.organisation_of(erased.by[0]) == case.organisation_of(erased.by[1]):
        raise case.refuse("role-scope", "two moderators of two organisations erase, and these are of one", "A6")
    target = erased.target
    if erased.ground == "requested" and not case.docket.erasure_requested(target.statement, target.salted_digest):
        raise case.refuse("state", "nobody has requested this erasure: ErasureRequested comes first")
    _check_moderators(case)


@own_rule(ModerationAppealed)
def _(appealed: ModerationAppealed, case: _Case) -> None:
    target = _check_target(case, appealed)
    _check_author(case, appealed.target.statement, target, appealed.by[0].key, appealed.secret)
    moderated = case.docket.moderated(appealed.target.statement, appealed.target.salted_digest)
    if moderated.appealed:
        raise case.refuse("state", "this act was appealed already")
    if case.t >= moderated.appeal_until:
        raise case.refuse("closed", "the time to appeal is over")


@own_rule(AppealDecided)
def _(decided: AppealDecided, case: _Case) -> None:
    against = case.docket.appealed_act(decided.appeal)
    if against is None:
        raise case.refuse("state", "this appeal was decided already")
    if case.organisation_of(decided.by[0]) == against:
        raise case.refuse("conflict-of-interest", f"`{against}` does not decide about its own act", "A6")
    _check_moderators(case)


@own_rule(MeetingConvened)
def _(convened: MeetingConvened, case: _Case) -> None:
    if convened.meeting in case.docket.meetings:
        raise case.refuse("id-conflict", f"the meeting `{convened.meeting}` is convened already", "A5")
    for actor in convened.invited:
        _check_actor(actor, "invited", case.docket)
    if case.imported:
        return
    starts = first_instant(convened.starts, case.docket.offset_minutes)
    if starts is None:
        raise case.refuse("shape", "`starts` needs a day")
    if case.t >= starts:
        raise case.refuse("state", "a meeting is convened before it starts")


def first_instant(when: Date | str, offset_minutes: int) -> int | None:
    """The first millisecond of a date at the ledger's offset, or of a time; None for a date without a day."""
    if isinstance(when, str):
        return parse_when(when)
    if when.day is UNSET:
        return None
    return parse_when(f"{when.day}T00:00:00Z") - offset_minutes * MINUTE_MS


@own_rule(AttendanceRecorded)
def _(recorded: AttendanceRecorded, case: _Case) -> None:
    for attendee in recorded.present:
        _check_actor(attendee.actor, "present.actor", case.docket)


@own_rule(MinutesApproved)
def _(approved: MinutesApproved, case: _Case) -> None:
    meeting = case.docket.meetings[approved.meeting]
    coordinators = {case.organisation_of(signer) for signer in approved.by if signer.role == "coordinator"}
    for signer in approved.by:
        if signer.role == "holder":
            body = case.organisation_of(signer)
            if body not in meeting.present:
                raise case.refuse("role-scope", f"`{body}` is not recorded as present at this meeting")
            if body in coordinators:
                raise case.refuse("role-scope", "the coordinator's own organisation is not the second body")
    if not coordinators and approved.document not in meeting.minutes:
        raise case.refuse("state", "a body signs alone only what the coordinator and another body have approved")


@own_rule(ResponseGiven)
def _(given: ResponseGiven, case: _Case) -> None:
    groups: set[str] = set()
    for identity in given.answers:
        earlier = case.docket.earlier(identity)
        groups.add(ANSWERED[earlier.kind] if earlier else "")
    if len(groups) != 1:
        raise case.refuse("shape", f"one answer is to one kind of question, and these are {', '.join(sorted(groups))}")


@own_rule(StatementContested)
def _(contested: StatementContested, case: _Case) -> None:
    earlier = _registered(case, contested.statement)
    signer = contested.by[0]
    if signer.role == "institution":
        if earlier.kind == "ResponseGiven" or contested.secret is not UNSET:
            raise case.refuse("role-scope", "an institution contests what is assessed of its own commitments")
        return
    if earlier.kind != "ResponseGiven":
        raise case.refuse("role-scope", "a citizen contests the answer given to their own comment")
    for comment in earlier.answers:
        answered = case.docket.earlier(comment)
        if answered is not None and _is_author(case, comment, answered, signer.key, contested.secret):
            return
    raise case.refuse("role-scope", f"entry {earlier.index} answers no comment of this author", "A4")


@own_rule(StatementConfirmed)
def _(confirmed: StatementConfirmed, case: _Case) -> None:
    earlier = case.docket.earlier(confirmed.statement)
    if earlier is None or earlier.spoken_for is None:
        raise case.refuse("state", "only a statement that speaks for another body can be confirmed by it")
    if earlier.spoken_for != confirmed.by[0].actor:
        raise case.refuse("role-scope", f"entry {earlier.index} speaks for `{earlier.spoken_for}`")


@own_rule(StatementWithdrawn)
def _(withdrawn: StatementWithdrawn, case: _Case) -> None:
    earlier = case.docket.earlier(withdrawn.statement)
    if earlier is None:
        raise case.refuse("unknown-ref", "no such statement is registered", "A5")
    if case.docket.dispute(withdrawn.statement) == "resolved":
        raise case.refuse("state", "this dispute was resolved: it can no longer be withdrawn")
    signer = withdrawn.by[0]
    if signer.role == "holder":
        if earlier.kind in ("CommentSubmitted", "CommentTranscribed", "CommentEndorsed") or signer.actor not in {
            actor for actor, _key, _role in earlier.signers
        }:
            raise case.refuse("role-scope", f"entry {earlier.index} is withdrawn by its own author", "A4")
        if withdrawn.secret is not UNSET:
            raise case.refuse("shape", "a secret is shown by the author of a comment only")
        return
    _check_author(case, withdrawn.statement, earlier, signer.key, withdrawn.secret)


def _check_author(case: _Case, identity: str, earlier: Earlier, key: str, secret: object) -> None:
    """A4: who takes back, appeals or asks for erasure is the author. Raises Refused."""
    if not _is_author(case, identity, earlier, key, secret):
        whose = "its author's: the key that signed it, or the secret of its claim"
        raise case.refuse("role-scope", f"entry {earlier.index} is {whose}", "A4")


def _is_author(case: _Case, identity: str, earlier: Earlier, key: str, secret: object = UNSET) -> bool:
    """A4: the author is the citizen key that signed, or whoever first shows the secret of the claim."""
    if any(role == "citizen" and signed == key for _actor, signed, role in earlier.signers):
        return True
    author = case.docket.author_key(identity)
    if author is not None:
        return author == key
    return isinstance(secret, str) and earlier.claim is not None and claim_of(secret) == earlier.claim

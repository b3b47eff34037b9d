"""The roll: the ledger itself, its actors and their roles, and where each statement is found.

Two small indexes make everything else cheap. `Known` remembers what a statement was about, for those that only name it
(an answer names its comment, a capture its link). `DayStart` remembers the first entry of each day, so that a view "as
of" a day is found without counting.
"""

from datetime import date
from functools import cache, lru_cache
from typing import ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from ledger.statement import Entry
from ledger.vocabulary import (
    ActorRegistered,
    AppealDecided,
    AssessmentClosed,
    CommentEndorsed,
    CommentSubmitted,
    CommentTranscribed,
    CompletionReported,
    DisputeResolved,
    DisputeScreened,
    EvidenceCaptured,
    EvidenceChecked,
    EvidenceDisputed,
    EvidenceRequested,
    KeyEnrolled,
    KeyRevoked,
    KeyRotated,
    LedgerOpened,
    LogKeyRotated,
    OfContent,
    RegistrarReplaced,
    ResponseGiven,
    RoleEnded,
    RoleGranted,
    Statement,
    StatementConfirmed,
    StatementContested,
    StatementWithdrawn,
    VerdictGiven,
    WeeklyReportFiled,
    commitment_of,
    commitments_of,
)
from projections.compromise import declare
from projections.records import Record, Records, index_key

MINUTE_MS = 60_000
DAY_MS = 86_400_000


class Ledger(Record, frozen=True, kw_only=True):
    """The founding ["ledger"]; `log_keys` with those that came later, in their order."""

    table: ClassVar[str] = "ledger"
    origin: str
    purpose: str
    offset_minutes: int
    founding: str
    opened_ms: int
    registrars: tuple[str, ...]
    log_keys: tuple[str, ...]


class RoleHeld(Record, frozen=True, kw_only=True):
    """A role of an actor, as granted [actor/index]; `ended` by that entry."""

    table: ClassVar[str] = "role"
    indexes: ClassVar[int] = 1
    actor: str
    role: str
    plans: tuple[str, ...] = ()  # none: all
    institution: str = ""
    index: int
    ended: int | None = None


class KeyHeld(Record, frozen=True, kw_only=True):
    """A key of an actor [key]; `replaced` by that entry put another in its place."""

    table: ClassVar[str] = "key"
    actor: str
    key: str
    index: int
    revoked: int | None = None
    cause: str = ""
    replaced: int | None = None


class Actor(Record, frozen=True, kw_only=True):
    """A registered body [actor]."""

    table: ClassVar[str] = "actor"
    actor: str
    name: str
    form: str
    of: str = ""
    site: str = ""
    index: int


class Known(Record, frozen=True, kw_only=True):
    """What a statement was about [identity]: its topics are the histories it stands in."""

    table: ClassVar[str] = "known"
    index: int
    kind: str
    plan: str = ""
    topics: tuple[str, ...] = ()
    place: str = ""  # the key of the record that it made or changed, where a later statement needs it
    withdrawn: int | None = None  # the index of the entry that took it back


class HistoryLine(Record, frozen=True, kw_only=True):
    """One entry in the history of a topic [topic/index]: a commitment, `round/…`, `meeting/…`, `plan/…`, `actor/…`…"""

    table: ClassVar[str] = "history"
    indexes: ClassVar[int] = 1
    index: int
    kind: str
    identity: str
    received_ms: int
    said_at: str
    signers: tuple[str, ...]  # `actor:role`, `:citizen`
    voice: str
    printed: bool = False


class DayStart(Record, frozen=True, kw_only=True):
    """The first entry received on a day [YYYY-MM-DD], at the ledger's offset."""

    table: ClassVar[str] = "day"
    index: int
    received_ms: int


def evolve(records: Records, entry: Entry) -> Known:
    """Take one entry: who it speaks of, and in which histories it stands."""
    statement = entry.opened.statement
    if type(statement) in _ROLL:
        _enrol(records, entry, statement)
    elif type(statement) is StatementWithdrawn:
        _withdraw(records, entry, statement.statement)
    _mark_day(records, entry)
    known = _know(records, entry)
    records.put(entry.opened.identity, known)
    _remember(records, entry, known)
    return known


_ROLL = frozenset(
    {
        LedgerOpened,
        ActorRegistered,
        KeyEnrolled,
        KeyRotated,
        KeyRevoked,
        RoleGranted,
        RoleEnded,
        RegistrarReplaced,
        LogKeyRotated,
    }
)


def _enrol(records: Records, entry: Entry, statement: Statement) -> None:
    """What actors, keys and roles there are."""
    match statement:
        case LedgerOpened():
            _open(records, entry, statement)
        case ActorRegistered():
            of = "" if statement.of is UNSET else statement.of
            site = "" if statement.site is UNSET else statement.site
            actor = Actor(
                actor=statement.actor, name=statement.name, form=statement.form, of=of, site=site, index=entry.index
            )
            records.put(statement.actor, actor)
        case KeyEnrolled():
            key = KeyHeld(actor=statement.actor, key=statement.key, index=entry.index)
            records.put(statement.key, key)
        case KeyRevoked():
            held = records.get(KeyHeld, statement.key)
            actor = held.actor if held else ""
            first = held.index if held else entry.index
            replaced = held.replaced if held else None
            ended = KeyHeld(
                actor=actor,
                key=statement.key,
                index=first,
                revoked=entry.index,
                cause=statement.cause,
                replaced=replaced,
            )
            records.put(statement.key, ended)
            declare(records, entry, statement, actor)
        case KeyRotated():
            _put_another(records, entry, statement.old)
            records.put(statement.new, KeyHeld(actor=statement.actor, key=statement.new, index=entry.index))
        case RoleGranted():
            scope = statement.scope
            held = RoleHeld(
                actor=statement.actor,
                role=statement.role,
                plans=() if scope.plans is UNSET else scope.plans,
                institution="" if scope.institution is UNSET else scope.institution,
                index=entry.index,
            )
            records.put(index_key(statement.actor, entry.index), held)
        case RoleEnded():
            for actor, index in _grants_of(records, statement):
                _end_role(records, entry, index_key(actor, index))
        case RegistrarReplaced():
            _replace(records, entry, statement)
        case LogKeyRotated():
            ledger = records.get(Ledger, "ledger")
            if ledger is not None:
                records.put("ledger", msgspec.structs.replace(ledger, log_keys=(*ledger.log_keys, statement.new)))
        case _:
            pass


def _put_another(records: Records, entry: Entry, key: str) -> None:
    """A key gives way to another."""
    held = records.get(KeyHeld, key)
    if held is not None and held.revoked is None and held.replaced is None:
        records.put(key, msgspec.structs.replace(held, replaced=entry.index))


def _grants_of(records: Records, ended: RoleEnded) -> list[tuple[str, int]]:
    """The actor and the index of each grant that a statement ends."""
    granted = records.get(Known, ended.grant)
    if granted is None:
        return []
    holder = ended.by[0].actor
    if granted.kind == "LedgerOpened":  # it made several, and each is ended by its holder alone
        return [] if holder is UNSET else [(holder, granted.index)]
    return [(topic.removeprefix("actor/"), granted.index) for topic in granted.topics]


def _end_role(records: Records, entry: Entry, key: str) -> None:
    held = records.get(RoleHeld, key)
    if held is not None and held.ended is None:
        records.put(key, msgspec.structs.replace(held, ended=entry.index))


def _replace(records: Records, entry: Entry, replaced: RegistrarReplaced) -> None:
    """The recovery put another registrar in the place of one: its role and its keys end."""
    for key, held in list(records.scan(RoleHeld, prefix=f"{replaced.removed}/")):
        if held.role == "registrar":
            _end_role(records, entry, key)
    for key, held in list(records.scan(KeyHeld)):
        if held.actor == replaced.removed:
            _put_another(records, entry, key)
    if records.get(Actor, replaced.actor) is None:
        of = "" if replaced.of is UNSET else replaced.of
        actor = Actor(actor=replaced.actor, name=replaced.name, form=replaced.form, of=of, index=entry.index)
        records.put(replaced.actor, actor)
    records.put(replaced.key, KeyHeld(actor=replaced.actor, key=replaced.key, index=entry.index))
    role = RoleHeld(actor=replaced.actor, role="registrar", index=entry.index)
    records.put(index_key(replaced.actor, entry.index), role)


def _open(records: Records, entry: Entry, founding: LedgerOpened) -> None:
    ledger = Ledger(
        origin=founding.origin,
        purpose=founding.purpose,
        offset_minutes=founding.offset_minutes,
        founding=entry.opened.identity,
        opened_ms=entry.received_ms,
        registrars=tuple([one.actor for one in founding.registrars]),
        log_keys=founding.log_keys,
    )
    records.put("ledger", ledger)
    for one in founding.registrars:
        of = "" if one.of is UNSET else one.of
        records.put(one.actor, Actor(actor=one.actor, name=one.name, form=one.form, of=of, index=entry.index))
        records.put(one.key, KeyHeld(actor=one.actor, key=one.key, index=entry.index))
        held = RoleHeld(actor=one.actor, role="registrar", index=entry.index)
        records.put(index_key(one.actor, entry.index), held)


def local_day(received_ms: int, offset_minutes: int) -> str:
    """The day, `YYYY-MM-DD`, of a received time at the ledger's offset."""
    return _day((received_ms + offset_minutes * MINUTE_MS) // DAY_MS)


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    """A day by its number since 1970, kept within the years 1 to 9999: a fold takes any time that an entry can bear."""
    first = date(1970, 1, 1).toordinal()
    return date.fromordinal(min(max(first + number, 1), date.max.toordinal())).isoformat()


def _mark_day(records: Records, entry: Entry) -> None:
    ledger = records.get(Ledger, "ledger")
    day = local_day(entry.received_ms, ledger.offset_minutes if ledger else 0)
    if records.get(DayStart, day) is None:
        records.put(day, DayStart(index=entry.index, received_ms=entry.received_ms))


def size_at(records: Records, day: str, newest: int) -> int:
    """The tree size at the end of a day (`YYYY-MM-DD`): entries received up to then. `newest` is the size now."""
    for _, start in records.scan(DayStart, after=day, limit=1):
        return start.index
    return newest


_PATHS = ("round", "meeting", "report", "indicator", "assessment", "actor")
_NAMES_ONE: dict[type[Statement], str] = {
    EvidenceCaptured: "link",
    EvidenceChecked: "link",
    EvidenceDisputed: "link",
    DisputeScreened: "dispute",
    DisputeResolved: "dispute",
    StatementConfirmed: "statement",
    StatementContested: "statement",
    StatementWithdrawn: "statement",
    CommentEndorsed: "comment",
    AppealDecided: "appeal",
}


_NAME_COMMITMENTS = frozenset({"subject", "mechanism", "commitment", "commitments", "entries", "uses", "for_", "about"})


@cache
def _topic_fields(kind: type[Statement]) -> tuple[bool, bool, tuple[str, ...]]:
    """Of a kind: can it speak of commitments, does it name earlier statements, which of its fields name paths."""
    fields = kind.__struct_fields__
    of_commitments = not _NAME_COMMITMENTS.isdisjoint(fields)
    names = kind in _NAMES_ONE or kind in (ResponseGiven, KeyRevoked, RoleEnded, RegistrarReplaced, AssessmentClosed)
    names = names or issubclass(kind, OfContent)
    return of_commitments, names, tuple([field for field in _PATHS if field in fields])


def _know(records: Records, entry: Entry) -> Known:
    """What the statement is about, through the statement it names where it names one."""
    statement = entry.opened.statement
    kind = type(statement)
    of_commitments, names, paths = _topic_fields(kind)
    topics = commitments_of(statement) if of_commitments else ()
    earlier = _named(records, statement) if names else []
    for one in earlier:
        topics += tuple([topic for topic in one.topics if topic not in topics])
    for field in paths:
        value = getattr(statement, field)
        if value is not UNSET and (topic := f"{field}/{value}") not in topics:
            topics += (topic,)
    plan = getattr(statement, "plan", UNSET)
    if not topics and plan is not UNSET:
        topics = (f"plan/{plan}",)
    if isinstance(statement, WeeklyReportFiled | EvidenceRequested):
        topics += (f"actor/{statement.institution}",)
    place = ""
    match statement:
        case CommentSubmitted() | CommentTranscribed():
            place = index_key(statement.round, entry.index)
        case CompletionReported():
            place = statement.subject
        case VerdictGiven():
            place = index_key(statement.mechanism, entry.index)
        case EvidenceDisputed() if earlier:
            place = index_key(commitment_of(statement.mechanism), earlier[0].index)
        case _:
            pass
    return Known(index=entry.index, kind=kind.__name__, plan="" if plan is UNSET else plan, topics=topics, place=place)


def _named(records: Records, statement: Statement) -> list[Known]:
    """What is known of the earlier statements that this one is about."""
    match statement:
        case ResponseGiven():
            identities = statement.answers
        case OfContent():
            identities = (statement.target.statement,)
        case AssessmentClosed():
            opened = records.scan(HistoryLine, prefix=f"assessment/{statement.assessment}/", limit=1)
            identities = tuple([line.identity for _, line in opened])
        case KeyRevoked():
            held = records.get(KeyHeld, statement.key)
            topics = (f"actor/{held.actor}",) if held else ()
            return [Known(index=0, kind="KeyEnrolled", topics=topics)]
        case RoleEnded():
            actors = [actor for actor, _ in _grants_of(records, statement)]
            return [Known(index=0, kind="RoleGranted", topics=tuple([f"actor/{actor}" for actor in actors]))]
        case RegistrarReplaced():
            return [Known(index=0, kind="ActorRegistered", topics=(f"actor/{statement.removed}",))]
        case _:
            identities = (getattr(statement, _NAMES_ONE[type(statement)]),)
    return [found for identity in identities if (found := records.get(Known, identity)) is not None]


def _withdraw(records: Records, entry: Entry, identity: str) -> None:
    """Mark a statement as withdrawn; the first withdrawal stands."""
    known = records.get(Known, identity)
    if known is not None and known.withdrawn is None:
        records.put(identity, msgspec.structs.replace(known, withdrawn=entry.index))


def _remember(records: Records, entry: Entry, known: Known) -> None:
    """A line in each history that the entry stands in."""
    if not known.topics:
        return
    statement = entry.opened.statement
    line = HistoryLine(
        index=entry.index,
        kind=known.kind,
        identity=entry.opened.identity,
        received_ms=entry.received_ms,
        said_at=statement.said_at,
        signers=tuple([_signer(one.actor, one.role) for one in statement.by]),
        voice=voice_of(records, statement),
        printed=printed_in(statement),
    )
    for topic in known.topics:
        records.put(index_key(topic, entry.index), line)


def _signer(actor: str | UnsetType, role: str) -> str:
    return f":{role}" if actor is UNSET else f"{actor}:{role}"


def speaker_of(statement: Statement) -> tuple[str, str]:
    """Who says it: (actor, role). For a printed statement the body it speaks for, with the role `importer`."""
    signer = statement.by[0]
    printed = getattr(statement, "printed", UNSET)
    if printed is not UNSET and printed.on_behalf_of is not UNSET:
        return printed.on_behalf_of, signer.role
    return "" if signer.actor is UNSET else signer.actor, signer.role


def printed_in(statement: Statement) -> bool:
    """Whether a statement is an imported one, "as printed"."""
    return getattr(statement, "printed", UNSET) is not UNSET


_VOICES = {
    "coordinator": "government",
    "institution": "government",
    "assessor": "civil_society",
    "irm": "irm",
    "citizen": "citizen",
    "transcriber": "citizen",
    "moderator": "moderation",
    "capturer": "evidence",
    "registrar": "registrar",
    "recovery": "registrar",
}


def voice_of(records: Records, statement: Statement) -> str:
    """Whose voice a statement is: government, civil_society, irm, citizen, moderation, evidence, registrar.

    A printed statement has the voice of the body it speaks for; a holder's is that of its organisation's form.
    """
    role = statement.by[0].role
    actor = statement.by[0].actor
    if role == "importer":
        printed = getattr(statement, "printed", UNSET)
        if isinstance(statement, CommentTranscribed):
            return "citizen"
        spoken = UNSET if printed is UNSET else printed.on_behalf_of
        if spoken is UNSET:
            return "government"
        if spoken == "irm":
            return "irm"
        actor = spoken
    elif role != "holder":
        return _VOICES.get(role, "government")
    known = None if actor is UNSET else records.get(Actor, actor)
    return "civil_society" if known is not None and known.form == "organisation" else "government"

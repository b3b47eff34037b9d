"""The JSON API of a ledger: the record as data, each answer with the checkpoint it stands on.

    GET /gt/api/plans/gt-2014-2016/commitments?at=812

    {"as_of":"…","checkpoint":{"origin":"…","root":"…","size":812,"witnesses":[]},"data":[…],"methodology":{"gt-2014-2016":1}}

Answers are canonical JSON in the envelope of FORMAT.md, "API answers", so two servers of one record give the same
bytes (but for who has cosigned by then). `?at=SIZE` asks for the record as it stood at a tree size, `?as_of=DATE` at
the end of a day or at a time. Lists are paged by key: `limit`, `after`, and in the envelope `next`, the address of the
next page of the same state. A parameter that a route does not have is refused (400), and those that it has are named:
a mistyped one would be answered with everything, as if nothing had been asked.

`data` are the records that the folds keep (`projections/`), as they are; what is public now of a comment's text comes
from the vault. Every answer that is none is problem+json. Handlers run in threads: they read databases.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Annotated, Any, Generic, TypeVar, cast
from urllib.parse import urlencode

import msgspec
from litestar import Request as HttpRequest
from litestar import Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from api.anomalies import findings_of, with_copies, with_copy
from api.page_changes import Moments
from api.page_comparison import CONDITIONS, conditions_of
from api.phrasing import Phrasing
from api.problems import Problem
from api.reasons import sentence_of
from api.record import Hidden, Reader, Shown, View, plain_number
from consultation.text import Content
from ledger.cosigning import Cosigned, Standing
from ledger.statement import canonical, format_time, format_when
from ledger.tlog.merkle import EMPTY_ROOT
from ledger.tlog.note import format_base64
from ledger.vocabulary import KINDS
from projections.anomalies import Anomaly
from projections.commitments import Axis, Commitment, Mechanism, PlanState
from projections.comparison import Change, Matrix
from projections.evidence import (
    Clock,
    Coding,
    Dispute,
    Evidence,
    Request,
    Sight,
    Situation,
    clock_of,
    request_clock,
    standing_in,
)
from projections.grading import CommitmentStanding, ItemGrade, Reason, reasons_in
from projections.indicators import Figure, Standard, indicators_of, standards_of
from projections.meetings import Meeting, Remark
from projections.records import Record, index_key
from projections.reports import Report, Tally
from projections.roll import Actor, HistoryLine, Known
from projections.rounds import Comment, Document, ModerationAct, Round, state_of
from projections.rounds import Response as Answered
from projections.words.catalogue import languages

T = TypeVar("T")
R = TypeVar("R", bound=Record)

DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000


def _tables(kind: type[Record] = Record) -> Iterator[str]:
    for below in kind.__subclasses__():
        yield below.table
        yield from _tables(below)


# --- the envelope ----------------------------------------------------------------------------------------------------


class WitnessLine(msgspec.Struct, frozen=True):
    """A witness, and when it cosigned: `2026-02-16T12:00:00Z`, by its own clock."""

    name: str
    time: str


class CheckpointLine(msgspec.Struct, frozen=True):
    """What an answer stands on; `root` is base64. `witnesses` are those of the newest head with its quorum, if that
    contains these entries: nobody while it does not, or where the ledger asks for no witness."""

    origin: str
    root: str
    size: int
    witnesses: list[WitnessLine]


class DisputedLine(msgspec.Struct, frozen=True):
    """An entry signed with a key of `actor` that the entry `revoked` declared compromised since then."""

    actor: str
    index: int
    key: str
    revoked: int
    since: str


class Envelope(msgspec.Struct, Generic[T], frozen=True, omit_defaults=True):
    """Every answer. `next` is the address of the next page of a list that goes on; `methodology` is by plan.

    `disputed` are those of the entries named in `data` that were signed with a compromised key.
    """

    as_of: str
    checkpoint: CheckpointLine
    data: T
    methodology: dict[str, int]
    disputed: list[DisputedLine] | UnsetType = UNSET
    next: str | UnsetType = UNSET


def lines_of(cosignatures: Iterable[Cosigned]) -> list[WitnessLine]:
    """Cosignatures as answers show them, in the order of the policy."""
    return [WitnessLine(each.name, format_when(each.time * 1000)) for each in cosignatures]


def answer(view: View, data: object, following: str | None = None) -> Response[bytes]:
    """An answer as of a view; `following` is the address of the next page."""
    envelope = Envelope(
        as_of=view.as_of,
        checkpoint=CheckpointLine(
            view.checkpoint.origin, format_base64(view.checkpoint.root), view.size, lines_of(view.cosignatures)
        ),
        data=data,
        methodology=view.methodology,
        disputed=_disputed_in(view, data) or UNSET,
        next=following or UNSET,
    )
    # Withheld texts must not live on in caches, and older views show what is public now as well.
    headers = {"access-control-allow-origin": "*", "cache-control": "no-cache"}
    if following:
        headers["link"] = f'<{following}>; rel="next"'
    return Response(canonical(envelope), media_type="application/json", headers=headers)


# Fields of records that name the entry which said something.
_SAYING = frozenset({"index", "answered", "confirmed", "reopened", "withdrawn", "withheld", "link"})


def _disputed_in(view: View, data: object) -> list[DisputedLine]:
    """What stands in `data` on the word of a compromised key, in the order of entries."""
    if not view.compromised:
        return []
    lines: list[DisputedLine] = []
    for index in sorted(set(_entries_in(msgspec.json.decode(msgspec.json.encode(data))))):
        found = view.dispute(index) if index < view.size else None
        if found is not None:
            lines.append(DisputedLine(found.actor, index, found.key, found.index, format_time(found.since_ms)))
    return lines


def _entries_in(plain: Any) -> Iterator[int]:
    """The indexes of the entries that an answer names."""
    if isinstance(plain, list):
        for member in cast("list[Any]", plain):
            yield from _entries_in(member)
    elif isinstance(plain, dict):
        for name, member in cast("dict[str, Any]", plain).items():
            if isinstance(member, int) and (name in _SAYING or name.endswith("_index")):
                yield member
            elif name == "entries" and isinstance(member, list):
                yield from [index for index in cast("list[Any]", member) if isinstance(index, int)]
            else:
                yield from _entries_in(member)


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is asked for: at most `limit` rows whose keys come after `after`."""

    address: str
    after: str
    limit: int
    query: dict[str, str]

    @classmethod
    def asked(cls, address: str, after: str | None, limit: str | None, **query: str | None) -> "Page":
        """From the parameters as they came. Raises Problem (400)."""
        most = DEFAULT_LIMIT if limit is None else plain_number(limit, "limit", MAX_LIMIT)
        if most < 1:
            raise Problem(400, f"`limit` is from 1 to {MAX_LIMIT}.")
        kept = {name: value for name, value in query.items() if value is not None}
        return cls(address, after or "", most, kept)

    def answer(self, view: View, rows: Iterable[tuple[str, object]]) -> Response[bytes]:
        """The page from rows (key, what is shown), in the order of keys and starting after `after`."""
        found = list(islice(rows, self.limit + 1))
        if len(found) <= self.limit:
            return answer(view, [row for _, row in found])
        found = found[: self.limit]
        # The next page is of the same state, whatever is registered meanwhile.
        words = {**self.query, "after": found[-1][0], "limit": str(self.limit), "at": str(view.size)}
        return answer(view, [row for _, row in found], f"{self.address}?{urlencode(words)}")


# --- what answers hold beside records --------------------------------------------------------------------------------


class PlanAnswer(msgspec.Struct, frozen=True):
    """A plan, its axes, and its commitments counted by reported level."""

    plan: PlanState
    axes: list[Axis]
    tally: Tally


class Moment(msgspec.Struct, frozen=True):
    """A state of the record: a tree size, and the day as of which levels are computed."""

    size: int
    day: str


class ChangesAnswer(msgspec.Struct, frozen=True):
    """What is otherwise between two moments, in the order of commitments."""

    before: Moment
    after: Moment
    changes: tuple[Change, ...]


class DisputeLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dispute of the evidence that the entry `link` linked: its state, and the days left to answer it while it is
    open (negative: overdue)."""

    link: int
    state: str
    dispute: Dispute
    days_left: int | UnsetType = UNSET


class RequestLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """Evidence that an assessor asked for: whether anything came, and else the days left (negative: overdue)."""

    state: str
    request: Request
    days_left: int | UnsetType = UNSET


class CommitmentAnswer(msgspec.Struct, frozen=True):
    """A commitment in all voices, on `day`: its mechanisms with every grade and verdict, and the reasons of each.

    A reason is a rule and the entries that fired it; `rules` has a sentence for each, by language. Evidence and history
    have lists of their own.
    """

    commitment: Commitment
    mechanisms: list[Mechanism]
    day: str
    standing: CommitmentStanding
    rules: dict[str, dict[str, str]]
    disputes: list[DisputeLine]
    requests: list[RequestLine]
    codings: list[Coding]


class EvidenceAnswer(msgspec.Struct, frozen=True):
    """A piece of evidence, on `day`: what is kept of it for each commitment, who looked at it and what they saw, its
    grade for each mechanism with the reasons, and its disputes."""

    evidence: list[Evidence]
    sights: list[Sight]
    day: str
    grades: list[ItemGrade]
    rules: dict[str, dict[str, str]]
    disputes: list[DisputeLine]


class AnomalyLine(msgspec.Struct, frozen=True):
    """A finding, and the day for which it was computed; its `entries` are the indexes of those that prove it."""

    as_of: str
    anomaly: Anomaly


class RoundAnswer(msgspec.Struct, frozen=True):
    """A round of consultation and the versions of its document."""

    round: Round
    documents: list[Document]


class HiddenBy(msgspec.Struct, frozen=True, omit_defaults=True):
    """The statement that took a content from view. Without a ground, its author withdrew it."""

    index: int
    identity: str
    ground: str | UnsetType = UNSET


class Shorter(msgspec.Struct, frozen=True):
    """What is shown of a redacted text: a content of the redaction itself, with its salt."""

    content: Content
    salt: str


class CommentAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A comment with what is public of its text now: content and salt, or who hid it, or neither (not in the vault).

    `state` is what became of it: shown, redacted (then `shorter` is shown in its place), withheld, withdrawn, erased.
    """

    comment: Comment
    state: str
    content: Content | UnsetType = UNSET
    salt: str | UnsetType = UNSET
    hidden: HiddenBy | UnsetType = UNSET
    shorter: Shorter | UnsetType = UNSET


class MeetingAnswer(msgspec.Struct, frozen=True):
    """A meeting and what was said there; the words are in the entries, or in their contents."""

    meeting: Meeting
    remarks: list[Remark]


class RecordLine(msgspec.Struct, frozen=True):
    """A record as it is kept, for whoever compares it with a replay."""

    key: str
    record: msgspec.Raw


class KindLine(msgspec.Struct, frozen=True):
    """A kind of statement: who signs it, in the words of FORMAT.md, and whether the importer may."""

    kind: str
    signed_by: str
    importable: bool


class EntryAnswer(msgspec.Struct, frozen=True):
    """An entry: where it stands, and its signed note as it was posted."""

    index: int
    identity: str
    kind: str
    received_at: str
    note: str


class DigestAnswer(msgspec.Struct, frozen=True):
    """The records digest (64 hex)."""

    digest: str


class ConsistencyAnswer(msgspec.Struct, frozen=True, rename={"old": "from", "new": "to"}):
    """The hashes (base64) that show the ledger of `from` entries to be the beginning of that of `to`, and the roots
    (base64) that this ledger has at both sizes: whoever holds a signed head with another root can prove a fork."""

    old: int
    new: int
    hashes: list[str]
    old_root: str
    new_root: str


# --- from records to answers -----------------------------------------------------------------------------------------


def commitment_answer(view: View, found: Commitment) -> CommitmentAnswer:
    """A commitment with its standing on the day of the view."""
    records, prefix = view.records, f"{found.commitment}/"
    situation = view.situation(found.plan)
    standing = standing_in(situation, found.commitment)
    assert standing is not None
    requests = [(one, request_clock(situation, one)) for _, one in records.scan(Request, prefix)]
    return CommitmentAnswer(
        commitment=found,
        mechanisms=[one for _, one in records.scan(Mechanism, prefix=f"{found.commitment}.")],
        day=view.day,
        standing=with_copy(view, found.plan, standing),
        rules=rules_of(situation, reasons_in(standing)),
        disputes=disputes_below(situation, prefix),
        requests=[RequestLine(clock.state, one, _days(clock)) for one, clock in requests],
        codings=[one for _, one in records.scan(Coding, prefix)],
    )


def evidence_answer(view: View, index: int) -> EvidenceAnswer:
    """A piece of evidence with its grades on the day of the view. Raises Problem (404)."""
    records = view.records
    opened = view.entry(index).opened if index < view.size else None
    known = records.get(Known, opened.identity) if opened else None
    topics = known.topics if known is not None and known.kind == "EvidenceLinked" else ()
    found = [one for topic in topics if (one := records.get(Evidence, index_key(topic, index))) is not None]
    if not found:
        raise Problem(404, f"The record of {view.size} entries has no evidence {index}.")
    situation = view.situation(commitment_plan(found[0].commitment))
    standings = [standing_in(situation, one.commitment) for one in found]
    mechanisms = [mechanism for standing in standings if standing for mechanism in standing.mechanisms]
    grades = [grade for mechanism in mechanisms for grade in mechanism.grades if grade.link == index]
    keys = [f"{index_key(one.commitment, index)}/" for one in found]
    return EvidenceAnswer(
        evidence=found,
        sights=[one for _, one in records.scan(Sight, prefix=keys[0])],
        day=view.day,
        grades=grades,
        rules=rules_of(situation, [reason for grade in grades for reason in grade.reasons]),
        disputes=[line for key in keys for line in disputes_below(situation, key)],
    )


def commitment_plan(identifier: str) -> str:
    """`gt-2014-2016/C8` -> gt-2014-2016."""
    return identifier.partition("/")[0]


def disputes_below(situation: Situation, prefix: str) -> list[DisputeLine]:
    """The disputes whose keys begin so, of a commitment or of a piece of evidence, with their clocks."""
    found = [
        (int(key.rsplit("/", 2)[1]), one, clock_of(situation, one))
        for key, one in situation.records.scan(Dispute, prefix)
    ]
    return [DisputeLine(link, clock.state, one, _days(clock)) for link, one, clock in found]


def _days(clock: Clock) -> int | UnsetType:
    return UNSET if clock.days_left is None else clock.days_left


def rules_of(situation: Situation, reasons: Iterable[Reason]) -> dict[str, dict[str, str]]:
    """The sentence of each rule that fired, by language, with the parameters in force."""
    fired = sorted({reason.rule for reason in reasons})
    voices = [Phrasing(language) for language in languages()]
    return {rule: {say.language: sentence_of(say, rule, situation.parameters) for say in voices} for rule in fired}


def comment_of(view: View, comment: Comment) -> CommentAnswer:
    """A comment and what is public of its text now."""
    state = state_of(comment)
    match view.content(comment.identity, comment.salted_digest):
        case Shown(content, salt):
            return CommentAnswer(comment, state, content=content, salt=salt)
        case Hidden(index, identity, ground):
            by = HiddenBy(index, identity, ground or UNSET)
            return CommentAnswer(comment, state, hidden=by, shorter=_shorter(view, comment))
        case None:
            return CommentAnswer(comment, state)


def _shorter(view: View, comment: Comment) -> Shorter | UnsetType:
    if not comment.redaction:
        return UNSET
    found = view.content(comment.redaction_by, comment.redaction)
    return Shorter(found.content, found.salt) if isinstance(found, Shown) else UNSET


def _found(view: View, kind: type[R], key: str, what: str) -> R:
    record = view.records.get(kind, key)
    if record is None:
        raise Problem(404, f"The record of {view.size} entries has no {what} {key[:80]!r}.")
    return record


class WitnessStanding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One witness: what it cosigned last, or since when (by our clock) it gives no cosignature, and why."""

    name: str
    address: str
    failures: int
    cosigned_size: int | UnsetType = UNSET
    cosigned_at: str | UnsetType = UNSET
    silent_since: str | UnsetType = UNSET
    why: str | UnsetType = UNSET


class WitnessedHead(msgspec.Struct, frozen=True):
    """The newest head that has the quorum; `root` is base64."""

    size: int
    root: str
    witnesses: list[WitnessLine]


class WitnessesAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The witnesses of a ledger; `asked` is whether its policy asks for a quorum of them."""

    asked: bool
    witnesses: list[WitnessStanding]
    witnessed: WitnessedHead | UnsetType = UNSET


def witnesses_of(reader: Reader) -> WitnessesAnswer:
    """How it stands with the witnesses now."""
    found = reader.witnessed
    head = (
        WitnessedHead(found.head.size, format_base64(found.head.root), lines_of(found.cosignatures)) if found else UNSET
    )
    return WitnessesAnswer(reader.asks_witnesses, [_standing(each) for each in reader.standings()], head)


def _standing(each: Standing) -> WitnessStanding:
    return WitnessStanding(
        each.name,
        each.url,
        each.failures,
        UNSET if each.cosigned_size is None else each.cosigned_size,
        UNSET if each.cosigned_at is None else format_when(each.cosigned_at * 1000),
        UNSET if each.silent_since is None else format_when(each.silent_since * 1000),
        each.why_en or UNSET,
    )


def _plan(view: View, plan: str) -> PlanState:
    return _found(view, PlanState, plan, "plan")


def _commitment(view: View, plan: str, name: str) -> Commitment:
    return _found(view, Commitment, f"{plan}/{name}", "commitment")


def _of_plan(view: View, kind: type[R], plan: str, after: str) -> Iterator[tuple[str, R]]:
    """Records that name their plan in a field, not in their key."""
    for key, record in view.records.scan(kind, after=after):
        if getattr(record, "plan", None) == plan:
            yield key, record


# --- routes ----------------------------------------------------------------------------------------------------------

At = Annotated[str | None, QueryParameter(name="at", description="The tree size to stand on; the newest if absent.")]
AsOf = Annotated[
    str | None,
    QueryParameter(name="as_of", description="A day (2026-05-01, to its end at the ledger's offset) or a time (…Z)."),
]
After = Annotated[str | None, QueryParameter(name="after", description="Only rows whose key comes after this one.")]
Flags = Annotated[
    list[str] | None,
    QueryParameter(
        name="flag",
        description="Only commitments of which this is so; given several times, all of it. `gap` and `contested` are "
        "fields of a standing, the others stand in its `flags`. "
        + " ".join([f"`{one.code}`: {one.meaning}" for one in CONDITIONS]),
    ),
]
Limit = Annotated[str | None, QueryParameter(name="limit", description=f"Rows on a page, 1 to {MAX_LIMIT}.")]


def _flags_asked(flags: list[str] | None) -> frozenset[str]:
    """Raises Problem (400)."""
    wanted, known = frozenset(flags or ()), [one.code for one in CONDITIONS]
    if not wanted <= set(known):
        raise Problem(400, f"`flag` is one of {', '.join(known)}.")
    return wanted


def _of(data: Any, description: str = "As of the checkpoint named.") -> dict[int, ResponseSpec]:
    return {200: ResponseSpec(data_container=Envelope[data], description=description)}


def _check_parameters(request: HttpRequest[Any, Any, Any]) -> None:
    """Raise Problem (400) for a parameter that the route has not."""
    known = _parameters_of(request.route_handler) - set(request.path_params)
    strange = next((name for name in request.query_params if name not in known), None)
    if strange is not None:
        raise Problem(400, f"There is no parameter {strange!r:.100}; there are: {', '.join(sorted(known)) or 'none'}.")


@cache
def _parameters_of(handler: HTTPRouteHandler) -> frozenset[str]:
    """The parameters of a handler, by the names that they have in an address."""
    return frozenset(
        (field.kwarg_definition.name if isinstance(field.kwarg_definition, QueryParameter) else None) or name
        for name, field in handler.parsed_fn_signature.parameters.items()
    )


def router(reader: Reader) -> Router:
    """The JSON API of one ledger, below its path."""
    base = f"/{reader.ledger.path}/api"

    # --- plans and commitments

    @get("/plans", sync_to_thread=True, summary="The plans", tags=["plans"], responses=_of(list[PlanState]))
    def plans(at: At = None, as_of: AsOf = None, after: After = None, limit: Limit = None) -> Response[bytes]:
        view, page = reader.asked(at, as_of), Page.asked(f"{base}/plans", after, limit)
        return page.answer(view, view.records.scan(PlanState, after=page.after, limit=page.limit + 1))

    @get("/plans/{plan:str}", sync_to_thread=True, summary="A plan", tags=["plans"], responses=_of(PlanAnswer))
    def plan_(plan: str, at: At = None, as_of: AsOf = None) -> Response[bytes]:
        view = reader.asked(at, as_of)
        found = _plan(view, plan)
        axes = [axis for _, axis in view.records.scan(Axis, prefix=f"{plan}/")]
        return answer(view, PlanAnswer(found, axes, view.records.get(Tally, plan) or Tally(plan=plan)))

    @get(
        "/plans/{plan:str}/commitments",
        sync_to_thread=True,
        summary="The commitments of a plan",
        description="Whole records, by key. `proposer`, `institution` and `level` (the reported one) narrow the list.",
        tags=["commitments"],
        responses=_of(list[Commitment]),
    )
    def commitments(
        plan: str,
        proposer: str | None = None,
        institution: str | None = None,
        level: str | None = None,
        at: At = None,
        as_of: AsOf = None,
        after: After = None,
        limit: Limit = None,
    ) -> Response[bytes]:
        view = reader.asked(at, as_of)
        _plan(view, plan)
        page = Page.asked(
            f"{base}/plans/{plan}/commitments", after, limit, proposer=proposer, institution=institution, level=level
        )
        rows = (
            (key, one)
            for key, one in view.records.scan(Commitment, prefix=f"{plan}/", after=page.after)
            if proposer in (None, one.proposer)
            and institution in (None, one.institution)
            and level in (None, one.reported.level if one.reported else "")
        )
        return page.answer(view, rows)

    @get(
        "/plans/{plan:str}/commitments/{name:str}",
        sync_to_thread=True,
        summary="A commitment: what is reported, what others find, what the evidence supports, and why",
        description="`name` is the part of its id after the plan: C8, G22. Every grade, verdict and level comes with "
        "the rules of the methodology that gave it and the entries that fired them. Levels age: they are of "
        "`data.day`, the day of the last entry, or the one asked for.",
        tags=["commitments"],
        responses=_of(CommitmentAnswer),
    )
    def commitment(plan: str, name: str, at: At = None, as_of: AsOf = None) -> Response[bytes]:
        view = reader.asked(at, as_of)
        found = _commitment(view, plan, name)
        return answer(view, commitment_answer(view, found))

    @get(
        "/plans/{plan:str}/commitments/{name:str}/history",
        sync_to_thread=True,
        summary="The history of a commitment: every statement about it, in order",
        description="Each with signers, received time, index and identity; `/api/entries/{index}` has the statement.",
        tags=["commitments"],
        responses=_of(list[HistoryLine]),
    )
    def history(
        plan: str, name: str, at: At = None, as_of: AsOf = None, after: After = None, limit: Limit = None
    ) -> Response[bytes]:
        view = reader.asked(at, as_of)
        prefix = _commitment(view, plan, name).commitment + "/"
        page = Page.asked(f"{base}/plans/{plan}/commitments/{name}/history", after, limit)
        return page.answer(view, view.records.scan(HistoryLine, prefix, page.after, page.limit + 1))

    @get(
        "/plans/{plan:str}/commitments/{name:str}/evidence",
        sync_to_thread=True,
        summary="The evidence linked for a commitment",
        tags=["commitments"],
        responses=_of(list[Evidence]),
    )
    def evidence(
        plan: str, name: str, at: At = None, as_of: AsOf = None, after: After = None, limit: Limit = None
    ) -> Response[bytes]:
        view = reader.asked(at, as_of)
        prefix = _commitment(view, plan, name).commitment + "/"
        page = Page.asked(f"{base}/plans/{plan}/commitments/{name}/evidence", after, limit)
        return page.answer(view, view.records.scan(Evidence, prefix, page.after, page.limit + 1))

    @get(
        "/evidence/{index:str}",
        sync_to_thread=True,
        summary="A piece of evidence: captures and checks, its grades with their reasons, its disputes",
        description="`index` is that of its EvidenceLinked.",
        tags=["commitments"],
        responses=_of(EvidenceAnswer),
    )
    def piece(index: str, at: At = None, as_of: AsOf = None) -> Response[bytes]:
        view = reader.asked(at, as_of)
        return answer(view, evidence_answer(view, plain_number(index, "index")))

    @get(
        "/plans/{plan:str}/gaps",
        sync_to_thread=True,
        summary="Reported against evidenced, commitment by commitment, with every reason",
        description="What is reported, what each assessor finds and what the evidence reaches, of each commitment; the "
        "gap in steps of the scale; every grade and level with the rules of the methodology that gave it and the "
        "entries that fired them; and who disagrees with whom. Levels age: they are of the day `data.as_of`, which is "
        "that of the last entry, or the one asked for. `flag` narrows the rows, and nothing else.",
        tags=["plans"],
        responses=_of(Matrix),
    )
    def gaps(plan: str, flag: Flags = None, at: At = None, as_of: AsOf = None) -> Response[bytes]:
        wanted = _flags_asked(flag)
        view = reader.asked(at, as_of)
        _plan(view, plan)
        matrix = with_copies(view, reader.matrix(plan, view.size, view.day))
        rows = tuple([row for row in matrix.rows if wanted <= conditions_of(row.standing)])
        return answer(view, msgspec.structs.replace(matrix, rows=rows))

    @get(
        "/plans/{plan:str}/changes",
        sync_to_thread=True,
        summary="What is otherwise between two moments, and which rule fired",
        description="`from` and `to` are days or tree sizes: by default a month before the view asked for, and that "
        "view. Each change names what it is about, both levels or grades, and the reasons with their entries.",
        tags=["plans"],
        responses=_of(ChangesAnswer),
    )
    def changes(
        plan: str,
        start: Annotated[str | None, QueryParameter(name="from")] = None,
        end: Annotated[str | None, QueryParameter(name="to")] = None,
        at: At = None,
        as_of: AsOf = None,
    ) -> Response[bytes]:
        view = reader.asked(at, as_of)
        _plan(view, plan)
        span = Moments(reader, view).span(plan, start or "", end or "")
        before, after = Moment(span.before.size, span.before.day), Moment(span.after.size, span.after.day)
        return answer(span.after, ChangesAnswer(before, after, span.changes))

    @get(
        "/plans/{plan:str}/tally",
        sync_to_thread=True,
        summary="The commitments counted by reported level and proposer",
        tags=["plans"],
        responses=_of(Tally),
    )
    def tally(plan: str, at: At = None, as_of: AsOf = None) -> Response[bytes]:
        view = reader.asked(at, as_of)
        _plan(view, plan)
        return answer(view, view.records.get(Tally, plan) or Tally(plan=plan))

    @get(
        "/plans/{plan:str}/claims",
        sync_to_thread=True,
        summary="Published reports, each figure they claim beside the record's",
        tags=["plans"],
        responses=_of(list[Report]),
    )
    def claims(
        plan: str, at: At = None, as_of: AsOf = None, after: After = None, limit: Limit = None
    ) -> Response[bytes]:
        view = reader.asked(at, as_of)
        _plan(view, plan)
        page = Page.asked(f"{base}/plans/{plan}/claims", after, limit)
        return page.answer(view, _of_plan(view, Report, plan, page.after))

    @get(
        "/plans/{plan:str}/anomalies",
        sync_to_thread=True,
        summary="What the record of a plan shows to be at odds, by rule, each with the entries that prove it",
        description="`rule` and `institution` narrow the list; `as_of` is the day up to which silences and delays are "
        "counted, that of the last entry if absent.",
        tags=["plans"],
        responses=_of(list[AnomalyLine]),
    )
    def anomalies(
        plan: str,
        rule: str | None = None,
        institution: str | None = None,
        at: At = None,
        as_of: AsOf = None,
        after: After = None,
        limit: Limit = None,
    ) -> Response[bytes]:
        view = reader.asked(at, as_of)
        _plan(view, plan)
        narrowed = {"rule": rule, "institution": institution, "as_of": view.day if as_of else None}
        page = Page.asked(f"{base}/plans/{plan}/anomalies", after, limit, **narrowed)
        found = (
            (f"{place:06d}", AnomalyLine(view.day, one))
            for place, one in enumerate(findings_of(view, plan))
            if rule in (None, one.rule) and (institution is None or institution in one.institutions)
        )
        return page.answer(view, (row for row in found if row[0] > page.after))

    @get(
        "/plans/{plan:str}/indicators",
        sync_to_thread=True,
        summary="The indicators of a plan: counts, shares in basis points, delays in days",
        tags=["plans"],
        responses=_of(list[Figure]),
    )
    def indicators(plan: str, at: At = None, as_of: AsOf = None) -> Response[bytes]:
        view = reader.asked(at, as_of)
        _plan(view, plan)
        return answer(view, indicators_of(view.records, plan, view.size, view.day))

    @get(
        "/plans/{plan:str}/standards",
        sync_to_thread=True,
        summary="What the record of a plan shows of each standard of OGP",
        description="`verdict` is `met` or `short` where a figure can be held against a threshold, `shown` where it is "
        "for the reader to judge, `unknown` where the record has nothing yet.",
        tags=["plans"],
        responses=_of(list[Standard]),
    )
    def standards(plan: str, at: At = None, as_of: AsOf = None) -> Response[bytes]:
        view = reader.asked(at, as_of)
        _plan(view, plan)
        return answer(view, standards_of(view.records, plan, view.size, view.day))

    # --- consultation

    @get(
        "/plans/{plan:str}/rounds",
        sync_to_thread=True,
        summary="The rounds of consultation of a plan",
        tags=["consultation"],
        responses=_of(list[Round]),
    )
    def rounds(
        plan: str, at: At = None, as_of: AsOf = None, after: After = None, limit: Limit = None
    ) -> Response[bytes]:
        view = reader.asked(at, as_of)
        _plan(view, plan)
        page = Page.asked(f"{base}/plans/{plan}/rounds", after, limit)
        return page.answer(view, _of_plan(view, Round, plan, page.after))

    @get(
        "/plans/{plan:str}/rounds/{name:str}",
        sync_to_thread=True,
        summary="A round of consultation",
        tags=["consultation"],
        responses=_of(RoundAnswer),
    )
    def round_(plan: str, name: str, at: At = None, as_of: AsOf = None) -> Response[bytes]:
        view = reader.asked(at, as_of)
        found = _round(view, plan, name)
        return answer(view, RoundAnswer(found, [one for _, one in view.records.scan(Document, prefix=f"{name}/")]))

    @get(
        "/plans/{plan:str}/rounds/{name:str}/comments",
        sync_to_thread=True,
        summary="The comments of a round, hidden ones marked and in their place",
        tags=["consultation"],
        responses=_of(list[CommentAnswer]),
    )
    def comments(
        plan: str, name: str, at: At = None, as_of: AsOf = None, after: After = None, limit: Limit = None
    ) -> Response[bytes]:
        view = reader.asked(at, as_of)
        _round(view, plan, name)
        page = Page.asked(f"{base}/plans/{plan}/rounds/{name}/comments", after, limit)
        found = view.records.scan(Comment, f"{name}/", page.after, page.limit + 1)
        return page.answer(view, ((key, comment_of(view, one)) for key, one in found))

    @get(
        "/plans/{plan:str}/rounds/{name:str}/responses",
        sync_to_thread=True,
        summary="The reasoned answers to the comments of a round",
        tags=["consultation"],
        responses=_of(list[Answered]),
    )
    def responses(
        plan: str, name: str, at: At = None, as_of: AsOf = None, after: After = None, limit: Limit = None
    ) -> Response[bytes]:
        view = reader.asked(at, as_of)
        _round(view, plan, name)
        page = Page.asked(f"{base}/plans/{plan}/rounds/{name}/responses", after, limit)
        return page.answer(view, view.records.scan(Answered, f"{name}/", page.after, page.limit + 1))

    @get(
        "/moderation",
        sync_to_thread=True,
        summary="Every act of moderation: who did it, on what ground, and what became of it",
        tags=["consultation"],
        responses=_of(list[ModerationAct]),
    )
    def moderation(at: At = None, as_of: AsOf = None, after: After = None, limit: Limit = None) -> Response[bytes]:
        view = reader.asked(at, as_of)
        page = Page.asked(f"{base}/moderation", after, limit)
        return page.answer(view, view.records.scan(ModerationAct, "moderation/", page.after, page.limit + 1))

    # --- meetings and bodies

    @get(
        "/plans/{plan:str}/meetings",
        sync_to_thread=True,
        summary="The meetings of a plan",
        tags=["meetings"],
        responses=_of(list[Meeting]),
    )
    def meetings(
        plan: str, at: At = None, as_of: AsOf = None, after: After = None, limit: Limit = None
    ) -> Response[bytes]:
        view = reader.asked(at, as_of)
        _plan(view, plan)
        page = Page.asked(f"{base}/plans/{plan}/meetings", after, limit)
        return page.answer(view, _of_plan(view, Meeting, plan, page.after))

    @get(
        "/plans/{plan:str}/meetings/{name:str}",
        sync_to_thread=True,
        summary="A meeting, and what was said there",
        tags=["meetings"],
        responses=_of(MeetingAnswer),
    )
    def meeting(plan: str, name: str, at: At = None, as_of: AsOf = None) -> Response[bytes]:
        view = reader.asked(at, as_of)
        found = _found(view, Meeting, name, "meeting")
        if found.plan != plan:
            raise Problem(404, "That meeting is of another plan.")
        return answer(view, MeetingAnswer(found, [one for _, one in view.records.scan(Remark, prefix=f"{name}/")]))

    @get("/actors", sync_to_thread=True, summary="The registered bodies", tags=["roster"], responses=_of(list[Actor]))
    def actors(at: At = None, as_of: AsOf = None, after: After = None, limit: Limit = None) -> Response[bytes]:
        view, page = reader.asked(at, as_of), Page.asked(f"{base}/actors", after, limit)
        return page.answer(view, view.records.scan(Actor, after=page.after, limit=page.limit + 1))

    # --- for auditors

    @get(
        "/witnesses",
        sync_to_thread=True,
        summary="The witnesses of the ledger's policy, and what they cosigned last",
        description="`witnessed` is the newest head that has the quorum; each witness's own clock gives its times.",
        tags=["audit"],
        responses=_of(WitnessesAnswer),
    )
    def witnesses() -> Response[bytes]:
        return answer(reader.at(), witnesses_of(reader))

    @get(
        "/digest",
        sync_to_thread=True,
        summary="The digest over all records",
        description='Two replays of the same entries agree if their digests do (FORMAT.md, "Records digest").',
        tags=["audit"],
        responses=_of(DigestAnswer),
    )
    def digest(at: At = None, as_of: AsOf = None) -> Response[bytes]:
        view = reader.asked(at, as_of)
        return answer(view, DigestAnswer(reader.digest(view.size)))

    @get("/records", sync_to_thread=True, summary="The tables of records", tags=["audit"], responses=_of(list[str]))
    def tables(at: At = None, as_of: AsOf = None) -> Response[bytes]:
        return answer(reader.asked(at, as_of), sorted(_tables()))

    @get(
        "/records/{table:str}",
        sync_to_thread=True,
        summary="The records of a table, by key",
        description="As they are folded, so that an auditor can name the record and the field that differs.",
        tags=["audit"],
    )
    def records(
        table: str, at: At = None, as_of: AsOf = None, after: After = None, limit: Limit = None
    ) -> Response[bytes]:
        view, page = reader.asked(at, as_of), Page.asked(f"{base}/records/{table}", after, limit)
        if table not in set(_tables()):
            raise Problem(404, "There is no such table.")
        found = view.records.lines(table, page.after, page.limit + 1)
        return page.answer(view, ((key, RecordLine(key, msgspec.Raw(line))) for _, key, line in found))

    @get(
        "/kinds",
        sync_to_thread=True,
        summary="The kinds of statement, and who signs them",
        tags=["audit"],
        responses=_of(list[KindLine]),
    )
    def kinds(at: At = None, as_of: AsOf = None) -> Response[bytes]:
        view = reader.asked(at, as_of)
        return answer(view, [KindLine(name, kind.signed_by, kind.importable) for name, kind in KINDS.items()])

    @get(
        "/entries/{index:str}",
        sync_to_thread=True,
        summary="An entry: its signed note, and when it was received",
        tags=["audit"],
        responses=_of(EntryAnswer),
    )
    def entry(index: str) -> Response[bytes]:
        view, number = reader.at(), plain_number(index, "index")
        if number >= view.size:
            raise Problem(404, f"The record has {view.size} entries.")
        found = view.entry(number)
        opened = found.opened
        return answer(
            view,
            EntryAnswer(
                number, opened.identity, opened.statement.kind, format_time(found.received_ms), opened.note.decode()
            ),
        )

    @get(
        "/consistency",
        sync_to_thread=True,
        summary="The proof that the ledger of one size is the beginning of that of a larger one",
        description="RFC 9162, section 2.1.4: whoever holds two signed checkpoints finds out whether they are of one "
        "history. `hashes` are base64, in the order in which they are used; `to` may be ahead of the checkpoint named.",
        tags=["audit"],
        responses=_of(ConsistencyAnswer),
    )
    def consistency(
        from_: Annotated[str, QueryParameter(name="from", description="The smaller tree size.")],
        to: Annotated[str, QueryParameter(name="to", description="The larger one, or the same.")],
    ) -> Response[bytes]:
        old, new = plain_number(from_, "from"), plain_number(to, "to")
        if old > new:
            raise Problem(400, "`from` is not larger than `to`.")
        try:
            hashes = [format_base64(each) for each in reader.consistency(old, new)]
            roots = [format_base64(reader.root_at(size) if size else EMPTY_ROOT) for size in (old, new)]
        except LookupError:
            raise Problem(404, "The ledger has not published so many entries.") from None
        return answer(reader.at(), ConsistencyAnswer(old, new, hashes, *roots))

    return Router(
        base,
        before_request=_check_parameters,
        route_handlers=[
            plans,
            plan_,
            commitments,
            commitment,
            history,
            evidence,
            piece,
            gaps,
            changes,
            tally,
            claims,
            anomalies,
            indicators,
            standards,
            rounds,
            round_,
            comments,
            moderation,
            responses,
            meetings,
            meeting,
            actors,
            witnesses,
            digest,
            tables,
            records,
            kinds,
            entry,
            consistency,
        ],
    )


def _round(view: View, plan: str, name: str) -> Round:
    found = _found(view, Round, name, "round")
    if found.plan != plan:
        raise Problem(404, "That round is of another plan.")
    return found

"""Rounds of consultation and their comments: what came, by which channel, what was moderated, what was answered.

A comment's place is never lost: one that was withheld, erased or withdrawn stays in the list and in the counts, marked,
with the entry that did it. Each is counted once, by the state in which it is (`state_of`), so that the states add up to
what was received. Whether a round is announced, open, late or closed follows from its times alone (`state_at`), so no
record changes when a window closes.

Every content that a moderator touches has a record of its own (`Moderated`), of comments and of others, and every act
has one (`ModerationAct`): who did it, on what ground, and what became of it.
"""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import msgspec
from msgspec import UNSET

from ledger.statement import Entry, parse_when
from ledger.vocabulary import (
    AppealDecided,
    CommentEndorsed,
    CommentSubmitted,
    CommentTranscribed,
    ContentErased,
    ContentRedacted,
    ContentRestored,
    ContentWithheld,
    DocumentPublished,
    ErasureRequested,
    ModerationAppealed,
    NoticePublished,
    OfContent,
    ResponseGiven,
    RoundClosed,
    RoundExtended,
    RoundOpened,
    Statement,
    StatementContested,
    StatementWithdrawn,
    Target,
)
from projections.records import Record, Records, index_key
from projections.roll import DAY_MS, Actor, Known, printed_in, speaker_of


class Round(Record, frozen=True, kw_only=True):
    """A round [round]. Times in milliseconds; `channels` are (channel, count), a citizen's own being `signed`."""

    table: ClassVar[str] = "round"
    round: str
    plan: str
    concerns: str
    lang: str
    report: str = ""
    document: str = ""
    version: int
    parts: tuple[tuple[str, str], ...] = ()
    opens_ms: int
    closes_ms: int
    late: str
    late_until_ms: int | None = None
    langs: tuple[str, ...] = ()
    rules: str = ""
    answer_by: str = ""
    index: int
    printed: bool = False
    extended: int | None = None  # the index of the last extension
    closed: int | None = None  # the index of the last RoundClosed
    closed_count: int | None = None  # what that claims, of the first `closed_size` entries
    closed_size: int | None = None
    closed_received: int | None = None  # and what the record gives
    received: int = 0
    shown: int = 0
    withheld: int = 0
    redacted: int = 0
    erased: int = 0
    withdrawn: int = 0
    answered: int = 0
    late_comments: int = 0
    endorsements: int = 0  # by keys, which are cheap: never people
    appealed: int = 0
    overturned: int = 0
    contested: int = 0
    channels: tuple[tuple[str, int], ...] = ()
    positions: tuple[tuple[str, int], ...] = ()
    first_answers: tuple[tuple[int, int], ...] = ()  # whole days from a comment to its first answer, and how many
    counted: int | None = None  # the index of the last entry that changed a count


class Comment(Record, frozen=True, kw_only=True):
    """A comment [round/index]. Its text is a content: the vault's, not the record's."""

    table: ClassVar[str] = "comment"
    indexes: ClassVar[int] = 1
    round: str
    index: int
    nth: int  # of its round
    identity: str
    received_ms: int
    said_at: str
    lang: str
    version: int
    about: str
    reply_to: str = ""
    position: str = ""
    channel: str  # signed, paper, meeting, phone, web_form, report
    heard_at: str = ""
    salted_digest: str
    late: bool = False
    printed: bool = False
    withheld: int | None = None  # the entry in force; a restoration ends it
    redacted: int | None = None
    ground: str = ""  # of the last act
    redaction_by: str = ""  # the shorter text: identity of its statement, and its salted digest
    redaction: str = ""
    restored: int | None = None  # the index of the last restoration
    erased: int | None = None
    withdrawn: int | None = None
    erasure_asked: int | None = None
    appealed: int | None = None  # the last appeal
    decision: str = ""  # of that appeal: upheld, overturned
    endorsed: int = 0  # keys
    answered: int | None = None  # the index of the last answer
    answers: int = 0
    contested: int | None = None  # the last objection to an answer
    changed: int | None = None  # the entry that it led to


class Response(Record, frozen=True, kw_only=True):
    """An answer to a comment [round/comment index/index]."""

    table: ClassVar[str] = "response"
    indexes: ClassVar[int] = 2
    round: str
    comment: int
    index: int
    identity: str
    received_ms: int
    disposition: str
    actor: str
    role: str
    printed: bool = False


class Moderated(Record, frozen=True, kw_only=True):
    """A content that was moderated, of whatever statement [identity/salted digest]; `act` is the entry in force."""

    table: ClassVar[str] = "moderated"
    state: str = "shown"  # shown, withheld, redacted, erased
    act: int | None = None
    redaction_by: str = ""
    redaction: str = ""


class ModerationAct(Record, frozen=True, kw_only=True):
    """An act of moderation [moderation/index]: withheld, redacted, restored or erased, and what became of it."""

    table: ClassVar[str] = "moderation"
    indexes: ClassVar[int] = 1
    act: str
    index: int
    identity: str
    received_ms: int
    statement: str  # whose content, and which
    salted_digest: str
    target: int  # the index of that statement
    round: str = ""
    ground: str = ""
    actors: tuple[str, ...]
    organisations: tuple[str, ...]
    appeal_until: str = ""
    appealed: int | None = None
    decided: int | None = None
    decision: str = ""
    before: int | None = None  # the act on the same content that it undid
    undone: int | None = None  # by the act after it


class ModerationCount(Record, frozen=True, kw_only=True):
    """How many acts there are of a sort, by ground or by organisation [round/act/ground/ or round/act//organisation].

    An act of two organisations is one by its ground, and one for each of them.
    """

    table: ClassVar[str] = "moderation_count"
    round: str = ""
    act: str
    ground: str = ""
    organisation: str = ""
    count: int = 0


class ErasureAsked(Record, frozen=True, kw_only=True):
    """Somebody asked that a content be erased [erasure/index]: its author, or a moderator for another (`actor`)."""

    table: ClassVar[str] = "erasure"
    indexes: ClassVar[int] = 1
    index: int
    received_ms: int
    statement: str  # whose content, and which
    salted_digest: str
    target: int  # the index of that statement
    round: str = ""
    ground: str
    actor: str = ""


class Notice(Record, frozen=True, kw_only=True):
    """Where and when a round was announced [round/index]."""

    table: ClassVar[str] = "notice"
    indexes: ClassVar[int] = 1
    index: int
    medium: str
    outlet: str = ""
    lang: str
    day: str = ""
    precision: str
    url: str = ""
    printed: bool = False


class Document(Record, frozen=True, kw_only=True):
    """A version of the consulted document [round/version]."""

    table: ClassVar[str] = "document"
    round: str
    version: int
    document: str = ""
    index: int
    printed: bool = False


def acts_on(records: Records, statement: str, digest: str, most: int) -> list[ModerationAct]:
    """What moderators did with a content, the last of them first, at most so many."""
    moderated = records.get(Moderated, f"{statement}/{digest}")
    index = None if moderated is None else moderated.act
    found: list[ModerationAct] = []
    while index is not None and len(found) < most:
        act = records.get(ModerationAct, index_key("moderation", index))
        if act is None:
            break
        found.append(act)
        index = act.before
    return found


def state_of(comment: Comment) -> str:
    """`erased`, `withdrawn`, `withheld`, `redacted` or `shown`: the first of them that fits."""
    for state in ("erased", "withdrawn", "withheld", "redacted"):
        if getattr(comment, state) is not None:
            return state
    return "shown"


def state_at(round_: Round, t: int) -> str:
    """`announced`, `open`, `late` or `closed` at a time (ms): from the round's times alone."""
    if t < round_.opens_ms:
        return "announced"
    if t < round_.closes_ms:
        return "open"
    if round_.late == "accept" and (round_.late_until_ms is None or t < round_.late_until_ms):
        return "late"
    return "closed"


class RoundStep(Record, frozen=True, kw_only=True):
    """What a round's counts were before an entry that answered or withheld [round/index]."""

    table: ClassVar[str] = "round_step"
    indexes: ClassVar[int] = 1
    answered: int
    withheld: int


def counts_at(records: Records, round_: Round, size: int) -> tuple[int, int, int]:
    """Comments received, answered and withheld in a round by the first `size` entries, as (n, n, n).

    Each is one look at the first step that came later: what a claim costs does not grow with the round.
    """
    received, answered, withheld = round_.received, round_.answered, round_.withheld
    if round_.counted is None or round_.counted < size:
        return received, answered, withheld
    after = index_key(round_.round, size - 1)
    for _, later in records.scan(Comment, prefix=f"{round_.round}/", after=after, limit=1):
        received = later.nth - 1
    for _, step in records.scan(RoundStep, prefix=f"{round_.round}/", after=after, limit=1):
        answered, withheld = step.answered, step.withheld
    return received, answered, withheld


# --- folding ---------------------------------------------------------------------------------------------------------


def _open(records: Records, entry: Entry, opened: RoundOpened, known: Known) -> None:
    answer_by = "" if opened.answer_by is UNSET or opened.answer_by.day is UNSET else opened.answer_by.day
    records.put(
        opened.round,
        Round(
            round=opened.round,
            plan=opened.plan,
            concerns=opened.concerns,
            lang=opened.lang,
            report="" if opened.report is UNSET else opened.report,
            document="" if opened.document is UNSET else opened.document,
            version=opened.version,
            parts=tuple([(part.part, part.title) for part in opened.parts]),
            opens_ms=parse_when(opened.opens),
            closes_ms=parse_when(opened.closes),
            late=opened.late,
            late_until_ms=None if opened.late_until is UNSET else parse_when(opened.late_until),
            langs=opened.langs,
            rules="" if opened.rules is UNSET else opened.rules,
            answer_by=answer_by,
            index=entry.index,
            printed=printed_in(opened),
        ),
    )
    _publish(records, entry, opened, known)


def _publish(records: Records, entry: Entry, published: RoundOpened | DocumentPublished, known: Known) -> None:
    name, version = published.round, published.version
    digest = "" if published.document is UNSET else published.document
    records.put(
        f"{name}/{version:04d}",
        Document(round=name, version=version, document=digest, index=entry.index, printed=printed_in(published)),
    )
    round_ = records.get(Round, name)
    if round_ is not None and round_.version != version:
        records.put(name, msgspec.structs.replace(round_, version=version, document=digest))
    if isinstance(published, DocumentPublished):
        for identity in dict.fromkeys([comment for change in published.changes for comment in change.comments]):
            _mark_changed(records, identity, entry.index)


def _mark_changed(records: Records, identity: str, index: int) -> None:
    found = _target(records, identity)
    if found is not None:
        _put_comment(records, msgspec.structs.replace(found[0], changed=index))


def _announce(records: Records, entry: Entry, published: NoticePublished, known: Known) -> None:
    if published.round is UNSET:
        return
    notice = Notice(
        index=entry.index,
        medium=published.medium,
        outlet="" if published.outlet is UNSET else published.outlet,
        lang=published.lang,
        day="" if published.on.day is UNSET else published.on.day,
        precision=published.on.precision,
        url="" if published.url is UNSET else published.url,
        printed=printed_in(published),
    )
    records.put(index_key(published.round, entry.index), notice)


def _extend(records: Records, entry: Entry, extended: RoundExtended, known: Known) -> None:
    round_ = records.get(Round, extended.round)
    if round_ is not None:
        closes_ms = parse_when(extended.closes)
        records.put(round_.round, msgspec.structs.replace(round_, closes_ms=closes_ms, extended=entry.index))


def _close(records: Records, entry: Entry, closed: RoundClosed, known: Known) -> None:
    round_ = records.get(Round, closed.round)
    if round_ is None:
        return
    claim = {"closed": entry.index, "closed_count": closed.comment_count, "closed_size": closed.tree_size}
    received = counts_at(records, round_, closed.tree_size)[0]
    records.put(round_.round, msgspec.structs.replace(round_, **claim, closed_received=received))


K = TypeVar("K", str, int)


def _more(counts: tuple[tuple[K, int], ...], name: K) -> tuple[tuple[K, int], ...]:
    """The counts with one more of `name`, in the order of names."""
    for place, (each, count) in enumerate(counts):
        if each == name:
            return (*counts[:place], (name, count + 1), *counts[place + 1 :])
    return tuple(sorted((*counts, (name, 1))))


def _comment(records: Records, entry: Entry, said: CommentSubmitted | CommentTranscribed, known: Known) -> None:
    round_ = records.get(Round, said.round)
    if round_ is None:
        return
    printed = printed_in(said)
    channel = said.channel if isinstance(said, CommentTranscribed) else "signed"
    position = "" if said.position is UNSET else said.position
    late = not printed and entry.received_ms >= round_.closes_ms
    nth = round_.received + 1
    comment = Comment(
        round=said.round,
        index=entry.index,
        nth=nth,
        identity=entry.opened.identity,
        received_ms=entry.received_ms,
        said_at=said.said_at,
        lang=said.lang,
        version=said.version,
        about=said.about,
        reply_to="" if said.reply_to is UNSET else said.reply_to,
        position=position,
        channel=channel,
        heard_at=said.heard_at if isinstance(said, CommentTranscribed) else "",
        salted_digest=said.salted_digest,
        late=late,
        printed=printed,
    )
    records.put(known.place, comment)
    records.put(
        said.round,
        msgspec.structs.replace(
            round_,
            received=nth,
            counted=entry.index,
            shown=round_.shown + 1,
            late_comments=round_.late_comments + late,
            channels=_more(round_.channels, channel),
            positions=_more(round_.positions, position) if position else round_.positions,
        ),
    )


def _target(records: Records, identity: str) -> tuple[Comment, Round] | None:
    """The comment of an identity, with its round."""
    known = records.get(Known, identity)
    comment = records.get(Comment, known.place) if known is not None and known.place else None
    round_ = records.get(Round, comment.round) if comment is not None else None
    return None if comment is None or round_ is None else (comment, round_)


def _put_comment(records: Records, comment: Comment) -> None:
    records.put(index_key(comment.round, comment.index), comment)


def _change(records: Records, entry: Entry, identity: str, digest: str | None = None, **changed: Any) -> None:
    """Change a comment, if the identity is one's (and the salted digest that of its text), and count it anew."""
    found = _target(records, identity)
    if found is None or (digest is not None and found[0].salted_digest != digest):
        return
    comment, round_ = found
    after = msgspec.structs.replace(comment, **changed)
    _put_comment(records, after)
    before, now = state_of(comment), state_of(after)
    if before != now:
        counts = {before: getattr(round_, before) - 1, now: getattr(round_, now) + 1}
        _recount(records, entry, round_, **counts)


def _withdraw(records: Records, entry: Entry, withdrawn: StatementWithdrawn, known: Known) -> None:
    found = _target(records, withdrawn.statement)
    if found is not None:
        _change(records, entry, withdrawn.statement, withdrawn=found[0].withdrawn or entry.index)
        return
    earlier = records.get(Known, withdrawn.statement)
    if earlier is not None and earlier.kind == "CommentEndorsed" and earlier.withdrawn == entry.index:
        _endorsed(records, earlier.place, -1)


def _endorse(records: Records, entry: Entry, endorsed: CommentEndorsed, known: Known) -> None:
    # Whoever withdraws it names this statement alone.
    records.put(entry.opened.identity, msgspec.structs.replace(known, place=endorsed.comment))
    _endorsed(records, endorsed.comment, +1)


def _endorsed(records: Records, identity: str, by: int) -> None:
    found = _target(records, identity)
    if found is not None:
        comment, round_ = found
        _put_comment(records, msgspec.structs.replace(comment, endorsed=comment.endorsed + by))
        records.put(round_.round, msgspec.structs.replace(round_, endorsements=round_.endorsements + by))


# --- moderation ------------------------------------------------------------------------------------------------------


def _ask_erasure(records: Records, entry: Entry, requested: ErasureRequested, known: Known) -> None:
    target, actor = requested.target, requested.by[0].actor
    _change(records, entry, target.statement, target.salted_digest, erasure_asked=entry.index)
    index, round_ = _place(records, target)
    asked = ErasureAsked(
        index=entry.index,
        received_ms=entry.received_ms,
        statement=target.statement,
        salted_digest=target.salted_digest,
        target=index,
        round=round_,
        ground=requested.ground,
        actor="" if actor is UNSET else actor,
    )
    records.put(index_key("erasure", entry.index), asked)


def _place(records: Records, target: Target) -> tuple[int, str]:
    """Where the statement stands whose content is meant: its index (-1: none), and its round."""
    of = records.get(Known, target.statement)
    if of is None:
        return -1, ""
    return of.index, next((topic[6:] for topic in of.topics if topic.startswith("round/")), "")


def _withhold(records: Records, entry: Entry, withheld: ContentWithheld, known: Known) -> None:
    _act(records, entry, withheld, "withheld", ground=withheld.ground, appeal_until=withheld.appeal_until)
    changed: Any = {"withheld": entry.index, "redacted": None, "ground": withheld.ground}
    _moderate(records, entry, withheld.target, {"state": "withheld", "act": entry.index}, changed)


def _redact(records: Records, entry: Entry, redacted: ContentRedacted, known: Known) -> None:
    _act(records, entry, redacted, "redacted", ground=redacted.ground, appeal_until=redacted.appeal_until)
    shorter = {"redaction_by": entry.opened.identity, "redaction": redacted.salted_digest}
    changed: Any = {"withheld": None, "redacted": entry.index, "ground": redacted.ground, **shorter}
    _moderate(records, entry, redacted.target, {"state": "redacted", "act": entry.index, **shorter}, changed)


_NO_REDACTION = {"redaction_by": "", "redaction": ""}


def _restore(records: Records, entry: Entry, restored: ContentRestored, known: Known) -> None:
    _act(records, entry, restored, "restored")
    changed: Any = {"withheld": None, "redacted": None, "ground": "", "restored": entry.index, **_NO_REDACTION}
    _moderate(records, entry, restored.target, {"state": "shown", "act": entry.index, **_NO_REDACTION}, changed)


def _erase(records: Records, entry: Entry, erased: ContentErased, known: Known) -> None:
    _act(records, entry, erased, "erased", ground=erased.ground)
    changed: Any = {"erased": entry.index, "ground": erased.ground, **_NO_REDACTION}
    _moderate(records, entry, erased.target, {"state": "erased", "act": entry.index, **_NO_REDACTION}, changed)


def _moderate(
    records: Records, entry: Entry, target: Target, moderated: dict[str, Any], comment: dict[str, Any]
) -> None:
    """Change the record of a content, and of the comment whose text it is. Erased is erased."""
    key = f"{target.statement}/{target.salted_digest}"
    before = records.get(Moderated, key) or Moderated()
    if before.state != "erased":
        records.put(key, msgspec.structs.replace(before, **moderated))
        _change(records, entry, target.statement, target.salted_digest, **comment)


def _act(
    records: Records, entry: Entry, done: OfContent, act: str, *, ground: str = "", appeal_until: str = ""
) -> None:
    """Keep an act; it undoes the one before it on the same content."""
    target = done.target
    index, round_ = _place(records, target)
    before = records.get(Moderated, f"{target.statement}/{target.salted_digest}")
    if before is not None and before.act is not None:
        key = index_key("moderation", before.act)
        earlier = records.get(ModerationAct, key)
        if earlier is not None:
            records.put(key, msgspec.structs.replace(earlier, undone=entry.index))
    actors = tuple([str(signer.actor) for signer in done.by])
    made = ModerationAct(
        act=act,
        index=entry.index,
        identity=entry.opened.identity,
        received_ms=entry.received_ms,
        statement=target.statement,
        salted_digest=target.salted_digest,
        target=index,
        round=round_,
        ground=ground,
        actors=actors,
        organisations=tuple([organisation_of(records, actor) for actor in actors]),
        appeal_until=appeal_until,
        before=None if before is None else before.act,
    )
    records.put(index_key("moderation", entry.index), made)
    _count_act(records, ModerationCount(round=made.round, act=act, ground=ground))
    for organisation in dict.fromkeys(made.organisations):
        _count_act(records, ModerationCount(round=made.round, act=act, organisation=organisation))


def _count_act(records: Records, one: ModerationCount) -> None:
    key = f"{one.round}/{one.act}/{one.ground}/{one.organisation}"
    found = records.get(ModerationCount, key) or one
    records.put(key, msgspec.structs.replace(found, count=found.count + 1))


def organisation_of(records: Records, actor: str) -> str:
    """The organisation that an actor counts for: itself, or the one that it belongs to."""
    found = records.get(Actor, actor)
    return found.of if found is not None and found.of else actor


def _appeal(records: Records, entry: Entry, appealed: ModerationAppealed, known: Known) -> None:
    target = appealed.target
    moderated = records.get(Moderated, f"{target.statement}/{target.salted_digest}")
    if moderated is None or moderated.act is None:
        return
    key = index_key("moderation", moderated.act)
    act = records.get(ModerationAct, key)
    if act is None:
        return
    # Whoever decides names the appeal alone, and the act may have been undone by then.
    records.put(entry.opened.identity, msgspec.structs.replace(known, place=key))
    records.put(key, msgspec.structs.replace(act, appealed=entry.index))
    _change(records, entry, target.statement, target.salted_digest, appealed=entry.index, decision="")
    _count(records, act.round, "appealed")


def _decide(records: Records, entry: Entry, decided: AppealDecided, known: Known) -> None:
    appeal = records.get(Known, decided.appeal)
    act = records.get(ModerationAct, appeal.place) if appeal is not None else None
    if appeal is None or act is None:
        return
    decision = {"decided": entry.index, "decision": decided.decision}
    records.put(appeal.place, msgspec.structs.replace(act, **decision))
    _change(records, entry, act.statement, act.salted_digest, decision=decided.decision)
    if decided.decision == "overturned":
        _count(records, act.round, "overturned")


def _count(records: Records, name: str, count: str) -> None:
    round_ = records.get(Round, name) if name else None
    if round_ is not None:
        records.put(name, msgspec.structs.replace(round_, **{count: getattr(round_, count) + 1}))


# --- answers ---------------------------------------------------------------------------------------------------------


def _contest(records: Records, entry: Entry, contested: StatementContested, known: Known) -> None:
    response = records.get(Known, contested.statement)
    if response is None or response.kind != "ResponseGiven":
        return
    # Which comments it answers stands in the place of the answer. That one of their authors objects is shown beside
    # each of them; it is counted once.
    answered = [comment for key in response.place.split() if (comment := records.get(Comment, key)) is not None]
    for comment in answered:
        _put_comment(records, msgspec.structs.replace(comment, contested=entry.index))
    for name in dict.fromkeys([comment.round for comment in answered]):
        _count(records, name, "contested")


def _answer(records: Records, entry: Entry, given: ResponseGiven, known: Known) -> None:
    actor, role = speaker_of(given)
    places: list[str] = []
    for identity in given.answers:
        found = _target(records, identity)
        if found is None:
            continue
        comment, round_ = found
        places.append(index_key(comment.round, comment.index))
        key = index_key(comment.round, comment.index)
        led_to = None if given.led_to is UNSET else records.get(Known, given.led_to)
        changed = comment.changed if led_to is None else led_to.index
        after = msgspec.structs.replace(comment, answered=entry.index, answers=comment.answers + 1, changed=changed)
        _put_comment(records, after)
        if comment.answered is None:
            days = (entry.received_ms - comment.received_ms) // DAY_MS
            first = round_.first_answers if printed_in(given) else _more(round_.first_answers, days)
            _recount(records, entry, round_, answered=round_.answered + 1, first_answers=first)
        records.put(
            index_key(key, entry.index),
            Response(
                round=comment.round,
                comment=comment.index,
                index=entry.index,
                identity=entry.opened.identity,
                received_ms=entry.received_ms,
                disposition=given.disposition,
                actor=actor,
                role=role,
                printed=printed_in(given),
            ),
        )
    if places:
        records.put(entry.opened.identity, msgspec.structs.replace(known, place=" ".join(places)))


def _recount(records: Records, entry: Entry, round_: Round, **counts: Any) -> None:
    """Change a round's counts; what they were before this entry is kept."""
    key = index_key(round_.round, entry.index)
    if records.get(RoundStep, key) is None:
        records.put(key, RoundStep(answered=round_.answered, withheld=round_.withheld))
    records.put(round_.round, msgspec.structs.replace(round_, counted=entry.index, **counts))


FOLDS: dict[type[Statement], Callable[..., None]] = {
    RoundOpened: _open,
    RoundExtended: _extend,
    NoticePublished: _announce,
    RoundClosed: _close,
    DocumentPublished: _publish,
    CommentSubmitted: _comment,
    CommentTranscribed: _comment,
    CommentEndorsed: _endorse,
    ErasureRequested: _ask_erasure,
    ContentWithheld: _withhold,
    ContentRedacted: _redact,
    ContentRestored: _restore,
    ContentErased: _erase,
    ModerationAppealed: _appeal,
    AppealDecided: _decide,
    StatementWithdrawn: _withdraw,
    StatementContested: _contest,
    ResponseGiven: _answer,
}

"""Rounds of consultation and their comments: what came, by which channel, what was withheld, what was answered.

A comment's place is never lost: a withheld or withdrawn one stays in the list and in the counts, marked, with the entry
that did it. Whether a round is announced, open, late or closed follows from its times alone (`state_at`), so no record
changes when a window closes.
"""

from collections.abc import Callable
from typing import ClassVar

import msgspec
from msgspec import UNSET

from ledger.statement import Entry, parse_when
from ledger.vocabulary import (
    CommentSubmitted,
    CommentTranscribed,
    ContentWithheld,
    DocumentPublished,
    ResponseGiven,
    RoundOpened,
    Statement,
    StatementWithdrawn,
)
from projections.records import Record, Records, index_key
from projections.roll import Known, printed_in, speaker_of


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
    received: int = 0
    shown: int = 0
    withheld: int = 0
    withdrawn: int = 0
    answered: int = 0
    late_comments: int = 0
    channels: tuple[tuple[str, int], ...] = ()
    positions: tuple[tuple[str, int], ...] = ()
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
    withheld: int | None = None
    ground: str = ""
    withdrawn: int | None = None
    answered: int | None = None  # the index of the last answer
    answers: int = 0


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


class Document(Record, frozen=True, kw_only=True):
    """A version of the consulted document [round/version]."""

    table: ClassVar[str] = "document"
    round: str
    version: int
    document: str = ""
    index: int
    printed: bool = False


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


def _more(counts: tuple[tuple[str, int], ...], name: str) -> tuple[tuple[str, int], ...]:
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


def _hidden(comment: Comment) -> bool:
    return comment.withheld is not None or comment.withdrawn is not None


def _withhold(records: Records, entry: Entry, withheld: ContentWithheld, known: Known) -> None:
    found = _target(records, withheld.target.statement)
    if found is None or found[0].withheld is not None or found[0].salted_digest != withheld.target.salted_digest:
        return
    comment, round_ = found
    changed = msgspec.structs.replace(comment, withheld=entry.index, ground=withheld.ground)
    records.put(index_key(comment.round, comment.index), changed)
    shown = round_.shown - (not _hidden(comment))
    _recount(records, entry, round_, shown=shown, withheld=round_.withheld + 1)


def _withdraw(records: Records, entry: Entry, withdrawn: StatementWithdrawn, known: Known) -> None:
    found = _target(records, withdrawn.statement)
    if found is None or found[0].withdrawn is not None:
        return
    comment, round_ = found
    changed = msgspec.structs.replace(comment, withdrawn=entry.index)
    records.put(index_key(comment.round, comment.index), changed)
    shown = round_.shown - (not _hidden(comment))
    _recount(records, entry, round_, shown=shown, withdrawn=round_.withdrawn + 1)


def _answer(records: Records, entry: Entry, given: ResponseGiven, known: Known) -> None:
    actor, role = speaker_of(given)
    for identity in given.answers:
        found = _target(records, identity)
        if found is None:
            continue
        comment, round_ = found
        key = index_key(comment.round, comment.index)
        records.put(key, msgspec.structs.replace(comment, answered=entry.index, answers=comment.answers + 1))
        if comment.answered is None:
            _recount(records, entry, round_, answered=round_.answered + 1)
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


def _recount(records: Records, entry: Entry, round_: Round, **counts: int) -> None:
    """Change a round's counts; what they were before this entry is kept."""
    key = index_key(round_.round, entry.index)
    if records.get(RoundStep, key) is None:
        records.put(key, RoundStep(answered=round_.answered, withheld=round_.withheld))
    records.put(round_.round, msgspec.structs.replace(round_, counted=entry.index, **counts))


FOLDS: dict[type[Statement], Callable[..., None]] = {
    RoundOpened: _open,
    DocumentPublished: _publish,
    CommentSubmitted: _comment,
    CommentTranscribed: _comment,
    ContentWithheld: _withhold,
    StatementWithdrawn: _withdraw,
    ResponseGiven: _answer,
}

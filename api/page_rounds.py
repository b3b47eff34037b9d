"""Pages about consultation and meetings: what was asked and said, what was answered, what was withheld."""

from collections.abc import Iterable
from typing import Any

from litestar import Response

from api.names import COMMENT_HERE
from api.phrasing import Phrasing
from api.problems import Problem
from api.reading import LIST_PAGE, TIMELINE_PAGE, Reading, after_index, answer, code_of, line_of, pages_of
from api.record import Hidden, Shown
from consultation.text import Content
from projections.commitments import Day
from projections.meetings import Meeting
from projections.roll import HistoryLine, Known
from projections.rounds import Comment, Document, Round, state_at, state_of
from projections.rounds import Response as AnswerGiven

# --- consultation ----------------------------------------------------------------------------------------------------


def rounds_newest_first(reading: Reading) -> list[dict[str, Any]]:
    """Every round, the one that opened last first."""
    rounds = [found for _, found in reading.view.records.scan(Round)]
    return [round_words(reading, found) for found in sorted(rounds, key=lambda one: one.opens_ms, reverse=True)]


def round_words(reading: Reading, found: Round) -> dict[str, Any]:
    """A round with its window in words and its counts."""
    say = reading.say
    # A printed round is history: nobody but the importer can add to it.
    phase = state_at(found, reading.now_ms)
    if found.printed and phase == "late":
        phase = "closed"
    return {
        "id": found.round,
        "heading": say.name("concerns", found.concerns),
        "href": reading.place.to("consultas", found.round),
        "window": window_sentence(reading, found),
        "phase": phase,
        "days_left": days_between(say, reading.now_ms, found.closes_ms - 1) if phase == "open" else None,
        "index": found.index,
        "printed": found.printed,
        "lang": found.lang,
        "received": found.received,
        "shown": found.shown,
        "withheld": found.withheld,
        "withdrawn": found.withdrawn,
        "answered": found.answered,
        "late_comments": found.late_comments,
        "by_channel": found.channels,
        "parts": [{"part": part, "title": title} for part, title in found.parts],
        "answer_by": say.day(found.answer_by) if found.answer_by else "",
        "rules": found.rules,
    }


def days_between(say: Phrasing, start_ms: int, end_ms: int) -> int:
    """How many midnights lie between two times, on the ledger's clock: 0 is "today"."""
    return (say.local(end_ms).date() - say.local(start_ms).date()).days


def window_sentence(reading: Reading, found: Round) -> str:
    """From when to when, as people say it: a window that ends at midnight ends with the day before."""
    say = reading.say

    def midnight(ms: int) -> bool:
        local = say.local(ms)
        return (local.hour, local.minute, local.second) == (0, 0, 0)

    opens = say.day(say.local(found.opens_ms).date()) if midnight(found.opens_ms) else say.time(found.opens_ms)
    if midnight(found.closes_ms):
        return reading.text(
            "From %(opens)s to %(closes)s, that day included.",
            opens=opens,
            closes=say.day(say.local(found.closes_ms - 1).date()),
        )
    return reading.text(
        "From %(opens)s until %(closes)s (%(offset)s).",
        opens=opens,
        closes=say.time(found.closes_ms),
        offset=say.offset,
    )


def rounds_page(reading: Reading) -> Response[bytes]:
    """Every round of consultation."""
    return answer(reading, "rounds.html", rounds=rounds_newest_first(reading))


def round_page(reading: Reading) -> Response[bytes]:
    """A round: its window, its figures, what was said and what was answered."""
    name = reading.place.segments[1]
    found = reading.view.records.get(Round, name)
    if found is None:
        raise Problem(404, "There is no such consultation.")
    comments, pages = after_index(reading, Comment, name, LIST_PAGE, "#comentarios")
    documents = [document for _, document in reading.view.records.scan(Document, prefix=f"{name}/", limit=LIST_PAGE)]
    address = reading.place.base + reading.place.raw()
    return answer(
        reading,
        "round.html",
        round=round_words(reading, found),
        documents=[
            {"version": document.version, "index": document.index, "digest": document.document}
            for document in documents
        ],
        comments=[comment_words(reading, comment, found) for comment in comments],
        pages=pages,
        may_comment=not found.printed and reading.view.newest and state_at(found, reading.now_ms) in ("open", "late"),
        comment_commands=comment_commands(reading, found, address),
    )


def comment_commands(reading: Reading, found: Round, address: str) -> str:
    """How to comment from a command line: a key, a draft, a signature, and off it goes."""
    text = reading.text(COMMENT_HERE)
    draft = (
        f'{{"kind": "CommentSubmitted", "plan": "{found.plan}", "round": "{found.round}", "version": {found.version}, '
        f'"about": "whole", "salted_digest": {{"$content": {{"text": "{text}"}}}}}}'
    )
    return (
        f"constancia key new mi-llave\n"
        f"echo '{draft}' > comentario.json\n"
        f"constancia sign comentario.json --key mi-llave --role citizen --origin {reading.view.ledger.origin}\n"
        f"constancia submit comentario.submission.json --to {address}"
    )


def comment_words(reading: Reading, comment: Comment, found: Round) -> dict[str, Any]:
    """A comment as far as it is public now, with its answers."""
    records = reading.view.records
    state, ground = state_of(comment), comment.ground
    by_index = None if state == "shown" else getattr(comment, state)
    # Of a redacted one the shorter text, which the redaction brings.
    place = (
        (comment.redaction_by, comment.redaction) if state == "redacted" else (comment.identity, comment.salted_digest)
    )
    content = reading.view.content(*place)
    if state in ("shown", "redacted") and isinstance(content, Hidden):
        # Hidden since: what is taken from view is not shown in older states either.
        state, ground, by_index = content.effect, content.ground or "", None
    body = content.content if isinstance(content, Shown) and state in ("shown", "redacted") else None
    part = next((title for part, title in found.parts if part == comment.about), None)
    answers = records.scan(AnswerGiven, prefix=f"{comment.round}/{comment.index:09d}/", limit=LIST_PAGE)
    return {
        "index": comment.index,
        "received_ms": comment.received_ms,
        "channel": comment.channel,
        "position": comment.position,
        "hours_late": -((found.closes_ms - comment.received_ms) // 3_600_000) if comment.late else 0,
        "printed": comment.printed,
        "heard": reading.say.when(comment.heard_at) if comment.heard_at else "",
        "about": code_of(comment.about) if "/" in comment.about else (part or ""),
        "about_href": reading.to_commitment(comment.about) if "/" in comment.about else "",
        "lang": comment.lang,
        "text": text_of(body, "text"),
        "name": text_of(body, "name"),
        "place": text_of(body, "place"),
        "state": state,
        "ground": ground,
        "by_index": by_index,
        "answers": [line_of(reading, reading.view.entry(given.index)) for _, given in answers],
    }


def text_of(content: Content | None, field: str) -> str | None:
    """A field of a content, or None."""
    found = getattr(content, field, None)
    return found if isinstance(found, str) else None


def comments_among(reading: Reading, history: Iterable[HistoryLine]) -> list[dict[str, Any]]:
    """The comments in the history of a commitment, whatever their round; the first of them."""
    records = reading.view.records
    found: list[dict[str, Any]] = []
    for line in history:
        if line.kind in ("CommentSubmitted", "CommentTranscribed") and len(found) < LIST_PAGE:
            known = records.get(Known, line.identity)
            comment = records.get(Comment, known.place) if known else None
            round_ = records.get(Round, comment.round) if comment else None
            if comment and round_:
                found.append(comment_words(reading, comment, round_))
    return found


# --- meetings --------------------------------------------------------------------------------------------------------


def meeting_words(reading: Reading, meeting: Meeting) -> dict[str, Any]:
    """A meeting as a list shows it."""
    name = reading.say.name("meeting_form", meeting.meeting_form)
    return {
        "heading": f"{name} {meeting.number}" if meeting.number else name,
        "href": reading.place.to("reuniones", meeting.meeting),
        "starts": reading.say.when(meeting.starts)
        if meeting.starts_precision == "time"
        else reading.say.date(Day(precision=meeting.starts_precision, day=meeting.starts)),
        "place": meeting.place,
        "lang": meeting.lang,
        "index": meeting.index,
        "printed": meeting.printed,
        "remarks": meeting.remarks,
        "minutes": bool(meeting.minutes),
    }


def meetings_page(reading: Reading) -> Response[bytes]:
    """Every meeting, the newest first."""
    found = [meeting for _, meeting in reading.view.records.scan(Meeting)]
    found.sort(key=lambda meeting: (meeting.starts, meeting.index), reverse=True)
    pages = pages_of(reading, len(found), LIST_PAGE)
    meetings = [meeting_words(reading, meeting) for meeting in found[pages.start : pages.stop]]
    return answer(reading, "meetings.html", meetings=meetings, pages=pages)


def meeting_page(reading: Reading) -> Response[bytes]:
    """A meeting: summons, who was there, what was said, minutes."""
    name = reading.place.segments[1]
    meeting = reading.view.records.get(Meeting, name)
    if meeting is None:
        raise Problem(404, "There is no such meeting.")
    history, pages = after_index(reading, HistoryLine, f"meeting/{name}", TIMELINE_PAGE, "#historia")
    return answer(
        reading,
        "meeting.html",
        meeting=meeting_words(reading, meeting)
        | {
            "invited": [reading.actor(slug) for slug in meeting.invited],
            "agenda": meeting.agenda,
            "minutes_digest": meeting.minutes,
            "minutes_index": meeting.minutes_index,
            "approved_by": [reading.actor(slug) for slug in meeting.approved_by],
            "attendance_index": meeting.attendance_index,
        },
        attendance=[{"name": reading.actor(present.actor), "post": present.post} for present in meeting.present],
        timeline=[line_of(reading, reading.view.entry(line.index)) for line in history],
        pages=pages,
    )

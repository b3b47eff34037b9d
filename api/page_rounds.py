"""Pages about consultation and meetings: what was asked and said, what was answered, what was withheld."""

import re
import sqlite3
import statistics
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, cast

from litestar import Response

from api.comments import find, public
from api.names import COMMENT_FLAGS, COMMENT_HERE, CONTENT_STATES
from api.page_reports import MEASURES
from api.phrasing import Phrasing, plain
from api.problems import Problem
from api.reading import (
    LIST_PAGE,
    MAX_SCAN,
    TIMELINE_PAGE,
    Pages,
    Reading,
    after_index,
    answer,
    code_of,
    line_of,
    pages_of,
)
from api.search import FAIR_DOMAIN, ORDERS, PAGE, Asked, Cursor, Found, Order, Search, term
from projections.commitments import Day
from projections.meetings import Meeting
from projections.records import index_key
from projections.reports import Report
from projections.roll import HistoryLine, Known
from projections.rounds import Comment, Document, Notice, Round, state_at
from projections.rounds import Response as AnswerGiven

MAX_ANSWERS = 20
MAX_CHOICES = 200
MAX_DAYS = 60
MAX_BEHIND = 1_000  # entries that the search may not know yet
CODE_DIGITS = 12  # of a comment's identity, in its address

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
        "extended": found.extended,
        "received": found.received,
        "shown": found.shown,
        "withheld": found.withheld,
        "withdrawn": found.withdrawn,
        "answered": found.answered,
        "late_comments": found.late_comments,
        "endorsements": found.endorsements,
        "contested": found.contested,
        "appealed": found.appealed,
        "overturned": found.overturned,
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
        notices=[
            {
                "index": notice.index,
                "medium": notice.medium,
                "outlet": notice.outlet,
                "lang": notice.lang,
                "on": reading.say.date(Day(precision=notice.precision, day=notice.day)),
                "url": notice.url,
                "printed": notice.printed,
            }
            for _, notice in reading.view.records.scan(Notice, prefix=f"{name}/", limit=LIST_PAGE)
        ],
        figures=figures_of(reading, found),
        pictures=pictures_of(reading, found),
        list=comments_listed(reading, found),
        may_comment=not found.printed and reading.view.newest and state_at(found, reading.now_ms) in ("open", "late"),
        comment_commands=comment_commands(reading, found, address),
    )


# --- figures ---------------------------------------------------------------------------------------------------------


def figures_of(reading: Reading, found: Round) -> dict[str, Any]:
    """What became of the comments, and how long answers took; published counts beside the record's."""
    days = [day for day, count in found.first_answers for _ in range(count)]
    due = bool(found.answer_by) and reading.view.ledger.day_of(reading.now_ms) > found.answer_by
    return {
        "states": [(state, getattr(found, state)) for state in CONTENT_STATES],
        "rate": reading.say.share(_rounded_bp(found.answered, found.received)) if found.received else "",
        "median": statistics.median_low(days) if days else None,
        "longest": max(days, default=0),
        "firsts": len(days),
        "due": reading.say.day(found.answer_by) if found.answer_by else "",
        "overdue": found.received - found.answered if due else 0,
        "claims": [*closing_claims(reading, found), *report_claims(reading, found)],
    }


def _rounded_bp(count: int, whole: int) -> int:
    """A share in basis points, rounded half up as reports' shares are (projections.reports)."""
    return (20_000 * count + whole) // (2 * whole)


def closing_claims(reading: Reading, found: Round) -> Iterator[dict[str, Any]]:
    """What the statement that closes a round says it counted, beside what the record has."""
    if found.closed is None or found.closed_count is None or found.closed_size is None:
        return
    say = reading.say
    claim = {"claimed": say.number(found.closed_count), "size": say.number(found.closed_size)}
    differs = found.closed_count != found.closed_received
    if not differs:
        sentence = reading.text(
            "The coordinator closed it with %(claimed)s comments among the first %(size)s entries; the record has as "
            "many.",
            **claim,
        )
    else:
        sentence = reading.text(
            "The coordinator closed it with %(claimed)s comments among the first %(size)s entries; the record has "
            "%(counted)s.",
            **claim,
            counted=say.number(found.closed_received or 0),
        )
    yield {"differs": differs, "index": found.closed, "sentence": sentence}


def report_claims(reading: Reading, found: Round) -> Iterator[dict[str, Any]]:
    """What published summaries of the round say, beside what the record gives."""
    say = reading.say
    for _, report in reading.view.records.scan(Report, limit=MAX_SCAN):
        for claim in report.claims:
            if claim.round != found.round:
                continue
            words = {
                "report": plain(report.title),
                "measure": reading.text(MEASURES.get(claim.measure, claim.measure)),
                "claimed": say.number(claim.claimed),
            }
            if claim.computed is None:
                sentence = reading.text(
                    "«%(report)s» says of %(measure)s: %(claimed)s. It cannot be computed.", **words
                )
            elif claim.computed == claim.claimed:
                sentence = reading.text(
                    "«%(report)s» says of %(measure)s: %(claimed)s; the record gives the same.", **words
                )
            else:
                sentence = reading.text(
                    "«%(report)s» says of %(measure)s: %(claimed)s; the record gives %(counted)s.",
                    **words,
                    counted=say.number(claim.computed),
                )
            yield {"differs": claim.computed != claim.claimed, "index": report.index, "sentence": sentence}


def pictures_of(reading: Reading, found: Round) -> dict[str, Any] | None:
    """Comments by day and by what they are about, as bars; None where the search cannot count them."""
    search = ready_search(reading)
    if search is None or not found.received:
        return None
    days = _every_day([(date.fromisoformat(day), n) for day, n in search.counts(found.round, "day")])
    by_weeks = len(days) > MAX_DAYS
    if by_weeks:
        weeks = [days[start : start + 7] for start in range(0, len(days), 7)]
        days = [(week[0][0], sum([n for _, n in week])) for week in weeks][-MAX_DAYS:]
    abouts = choices_of(reading, found)["sobre"]
    to = reading.place.to
    return {
        "by_weeks": by_weeks,
        "days": _bars([(reading.say.day(day), n, "") for day, n in days]),
        "parts": _bars(
            [(name, n, to("consultas", found.round, sobre=value) + "#resultados") for value, name, n in abouts]
        ),
    }


def _every_day(counted: list[tuple[date, int]]) -> list[tuple[date, int]]:
    """The days from the first to the last, those without a comment too."""
    if not counted:
        return []
    counts = dict(counted)
    first, last = counted[0][0].toordinal(), counted[-1][0].toordinal()
    return [(day, counts.get(day, 0)) for day in map(date.fromordinal, range(first, last + 1))]


def _bars(rows: list[tuple[str, int, str]]) -> list[dict[str, Any]]:
    most = max([count for _, count, _ in rows], default=0) or 1
    return [{"name": name, "count": n, "href": href, "width": 1_000 * n // most} for name, n, href in rows]


# --- the list of comments --------------------------------------------------------------------------------------------

# The name of each filter in the address, and the term of the search that it asks for.
FILTERS: Mapping[str, str] = {"sobre": "about", "posicion": "position", "canal": "channel", "idioma": "lang"}
# What a comment is now, and what became of it: one choice in the form, two kinds of term.
STATE_TERMS: Mapping[str, str] = {
    **{state: term("state", state) for state in CONTENT_STATES},
    **{flag: term("flag", flag) for flag in COMMENT_FLAGS},
}


def comments_listed(reading: Reading, found: Round) -> dict[str, Any]:
    """One page of the comments: what was asked for, what there is to choose from, and the comments themselves.

    Where the search cannot answer (an older state of the record, or its file is being made) all of them come, the
    oldest first, and the page says why.
    """
    chosen = {name: reading.query.get(name, "").strip() for name in ("q", *FILTERS, "estado", "orden", "dia")}
    order = chosen["orden"] if chosen["orden"] in ORDERS else "fair"
    searched = search_comments(reading, found, chosen, order)
    shared: dict[str, Any] = {"chosen": chosen, "order": order, "filtered": any(map(chosen.get, _NARROWING))}
    if searched is None:
        comments, pages = after_index(reading, Comment, found.round, PAGE, "#resultados")
        why = "past" if not reading.view.newest else "making"
        return shared | {
            "comments": [comment_words(reading, comment, found) for comment in comments],
            "pages": pages,
            "total": found.received,
            "plain": why,
            "choices": {},
        }
    answered, day = searched
    records = reading.view.records
    comments = [records.get(Comment, index_key(found.round, index)) for index in answered.indexes]
    return shared | {
        "comments": [comment_words(reading, comment, found) for comment in comments if comment is not None],
        "pages": _pages_after(reading, answered, chosen, day if order == "fair" else ""),
        "total": answered.total,
        "plain": "",
        "behind": max(0, reading.view.size - answered.size),
        "words": answered.words,
        "cut": answered.cut,
        "day": reading.say.day(day),
        "formula": fair_formula(reading, found, day),
        "orders": ORDERS,
        "choices": choices_of(reading, found),
    }


_NARROWING = ("q", *FILTERS, "estado")


def search_comments(reading: Reading, found: Round, chosen: Mapping[str, str], order: str) -> tuple[Found, str] | None:
    """What the search finds, and the day of the fair order; None where it cannot be asked. Raises Problem (404)."""
    search = ready_search(reading)
    if search is None:
        return None
    terms = [term(name, chosen[field]) for field, name in FILTERS.items() if chosen[field]]
    terms += [STATE_TERMS.get(chosen["estado"], term("state", "?"))] if chosen["estado"] else []
    day = chosen["dia"] if _is_day(chosen["dia"]) else reading.view.ledger.day_of(reading.now_ms)
    asked = Asked(words=chosen["q"], terms=tuple(terms), order=cast("Order", order), day=day, after=_cursor(reading))
    try:
        return find(reading.reader, search, found.round, asked), day
    except sqlite3.Error:  # the file is damaged, or being closed; the record is not
        return None


def ready_search(reading: Reading) -> Search | None:
    """The search, where it can answer: of the newest state, and once it has nearly caught up with the record."""
    search = reading.reader.search
    if search is None or not reading.view.newest or reading.view.size - search.position > MAX_BEHIND:
        return None
    return search


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _cursor(reading: Reading) -> Cursor | None:
    """Where the list goes on: `desde=812`, or `desde=812r` among the answered ones. Raises Problem (404)."""
    raw = reading.query.get("desde", "")
    if raw in ("", "0"):
        return None
    if re.fullmatch(r"[1-9][0-9]{0,14}r?", raw, re.ASCII) is None:
        raise Problem(404, "`desde` is the number of an entry")
    return Cursor(int(raw.removesuffix("r")), raw.endswith("r"))


def _pages_after(reading: Reading, found: Found, chosen: Mapping[str, str], day: str) -> Pages:
    place = reading.place
    kept = {name: value for name, value in chosen.items() if value} | ({"dia": day} if day else {})
    following = found.following
    at = None if following is None else f"{following.index}{'r' if following.second else ''}"
    return Pages(
        before=place.to(*place.segments, **kept) + "#resultados" if reading.query.get("desde") else None,
        after=place.to(*place.segments, **kept, desde=at) + "#resultados" if at else None,
    )


def fair_formula(reading: Reading, found: Round, day: str) -> str:
    """How the place of a comment in the fair order, and the place where a day begins, are computed."""
    received, identity = reading.text("received time"), reading.text("identity")
    domain = FAIR_DOMAIN.decode().strip()
    lines = ((f"<{received}>", f"<{identity}>"), (reading.view.ledger.origin, found.round, day))
    written = [r"\n".join((domain, *each, "")) for each in lines]
    return "\n".join([f'SHA-256("{one}")' for one in written])


def choices_of(reading: Reading, found: Round) -> dict[str, list[tuple[str, str, int]]]:
    """What there is to choose from, as (value, its name, how many comments have it)."""
    search = reading.reader.search
    assert search is not None
    say, parts = reading.say, dict(found.parts)
    counts = {name: dict(search.counts(found.round, term_)) for name, term_ in FILTERS.items()}

    def about(value: str) -> str:
        return plain(parts[value]) if value in parts else code_of(value) or reading.text("The whole document")

    in_order = [value for value in ("whole", *parts) if value in counts["sobre"]]
    in_order += sorted(set(counts["sobre"]) - set(in_order))
    names = {"for", "against", "neutral"}
    return {
        "sobre": [(value, about(value), counts["sobre"][value]) for value in in_order[:MAX_CHOICES]],
        "posicion": [
            (value, say.name("position", value) if value in names else reading.text("No position"), count)
            for value, count in counts["posicion"].items()
        ],
        "canal": [(value, say.name("channel", value), count) for value, count in counts["canal"].items()],
        "idioma": [(value, value, count) for value, count in counts["idioma"].items()],
        "estado": _states(reading, found),
    }


def _states(reading: Reading, found: Round) -> list[tuple[str, str, int]]:
    """The states that a comment of the round is in, and what else became of some."""
    say = reading.say
    counts = {state: getattr(found, state) for state in CONTENT_STATES} | {
        "answered": found.answered,
        "unanswered": found.received - found.answered,
        "late": found.late_comments,
    }
    names = {**{state: say.name("content_state", state) for state in CONTENT_STATES}}
    names |= {flag: say.name("comment_flag", flag) for flag in COMMENT_FLAGS}
    return [(value, names[value], count) for value, count in counts.items() if count]


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
    now = public(reading.view, comment)
    part = next((title for part, title in found.parts if part == comment.about), None)
    answers = records.scan(AnswerGiven, prefix=f"{comment.round}/{comment.index:09d}/", limit=MAX_ANSWERS)
    return {
        "index": comment.index,
        "href": reading.place.to("comentarios", comment.identity[:CODE_DIGITS]),
        "code": comment.identity[:CODE_DIGITS],
        "received_ms": comment.received_ms,
        "channel": comment.channel,
        "position": comment.position,
        "late_ms": comment.received_ms - found.closes_ms if comment.late else None,
        "replies_to": _replied_to(reading, comment),
        "printed": comment.printed,
        "heard": reading.say.when(comment.heard_at) if comment.heard_at else "",
        "about": code_of(comment.about) if "/" in comment.about else (part or ""),
        "about_href": reading.to_commitment(comment.about) if "/" in comment.about else "",
        "lang": comment.lang,
        "text": now.said(),
        "name": now.said("name"),
        "place": now.said("place"),
        "state": now.state,
        "ground": now.ground,
        "by_index": now.by_index,
        "endorsed": comment.endorsed,
        "changed": comment.changed,
        "contested": comment.contested,
        "answers": [line_of(reading, reading.view.entry(given.index)) for _, given in answers],
    }


def _replied_to(reading: Reading, comment: Comment) -> dict[str, Any] | None:
    """The comment that one replies to: its number, and its page."""
    known = reading.view.records.get(Known, comment.reply_to) if comment.reply_to else None
    if known is None:
        return None
    return {"index": known.index, "href": reading.place.to("comentarios", comment.reply_to[:CODE_DIGITS])}


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

"""What is due in a plan, for a calendar program (iCalendar, https://www.rfc-editor.org/rfc/rfc5545).

    GET /gt/planes/{plan}/calendario.ics     completion dates, evidence asked for, disputes to answer, meetings

An event's UID is the identity of the statement that it began with, for ever; DTSTAMP is a received time, and SEQUENCE
how often a completion date was moved: a program that fetches the file again moves its event and keeps one. The file has
no clock. Days are the ledger's own. What is due in a month or a year is due on its last day; what has no day is in no
calendar. Names and titles of officials are quoted, and nothing else.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import msgspec
from litestar import Response

from api import site
from api.downloads import stand_asked
from api.phrasing import plain
from api.reading import Reading, code_of
from api.tables import TABLES, Stand
from projections.commitments import Commitment, Day
from projections.evidence import Request, last_day
from projections.meetings import Meeting

MEDIA_TYPE = "text/calendar"
_LINE = 75  # octets of a line (section 3.1)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something on a day, or at a time (`YYYY-MM-DDTHH:MM:SSZ`). `began` is the entry whose identity it bears, `index`
    the one that set its day."""

    began: int
    index: int
    when: str
    summary: str
    address: str
    moved: int = 0


def calendar_feed(reading: Reading) -> Response[bytes]:
    """Everything of a plan that has a day."""
    stand = stand_asked(reading.reader, reading.view, reading.place.segments[1])
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//{_text(reading.view.ledger.origin)}//Constancia//{reading.place.language.upper()}",
        f"X-WR-CALNAME:{_text(stand.plan.title)}",
        *[line for event in events_of(reading, stand) for line in _lines(reading, event)],
        "END:VCALENDAR",
    ]
    body = "".join([f"{part}\r\n" for line in lines for part in folded(line)])
    headers = dict(site.HEADERS) | {"access-control-allow-origin": "*"}
    return Response(body.encode(), media_type=MEDIA_TYPE, headers=headers)


def events_of(reading: Reading, stand: Stand) -> Iterator[Event]:
    """What is due, and what meets."""
    plan = stand.plan.plan
    for key, one in stand.records.scan(Commitment, prefix=f"{plan}/"):
        day = _last(one.completion_date)
        if day and one.completion_date_index is not None:
            yield Event(
                began=one.index,
                index=one.completion_date_index,
                when=day,
                summary=reading.text("%(code)s is to be complete: %(title)s", code=code_of(key), title=one.title),
                address=reading.to_commitment(key),
                moved=one.dates_moved,
            )
    for key, asked in stand.records.scan(Request, prefix=f"{plan}/"):
        day = _last(asked.due)
        if day and not asked.answers and not asked.evidence:
            name, code = reading.actor(asked.institution), code_of(key.rpartition("/")[0])
            summary = reading.text("%(name)s is to answer a request for evidence of %(code)s", name=name, code=code)
            yield _entry_event(reading, asked.index, day, summary)
    for row in TABLES["disputes"].rows(stand):
        if row["state"] in ("open", "unanswered"):
            code = code_of(str(row["commitment"]))
            summary = reading.text("A dispute of the evidence of %(code)s is to be answered", code=code)
            yield _entry_event(reading, int(str(row["index"])), str(row["answer_due"]), summary)
    for _, meeting in stand.records.scan(Meeting):
        if meeting.plan == plan and meeting.starts_precision in ("time", "day"):
            kind = reading.say.name("meeting_form", meeting.meeting_form)
            summary = reading.text("Meeting: %(form)s", form=kind)
            address = reading.place.to("reuniones", meeting.meeting)
            yield Event(began=meeting.index, index=meeting.index, when=meeting.starts, summary=summary, address=address)


def _last(day: Day | None) -> str:
    """The last day of a span; empty where there is none."""
    found = last_day(day)
    return date.fromordinal(found).isoformat() if found else ""


def _entry_event(reading: Reading, index: int, day: str, summary: str) -> Event:
    return Event(began=index, index=index, when=day, summary=summary, address=reading.place.to("asientos", index))


def _lines(reading: Reading, event: Event) -> Iterator[str]:
    """An event as content lines, not folded yet."""
    view = reading.view
    stamp = datetime.fromtimestamp(view.entry(event.index).received_ms // 1000, UTC)
    yield "BEGIN:VEVENT"
    yield f"UID:{view.entry(event.began).opened.identity}@{view.ledger.origin.partition('/')[0]}"
    yield f"DTSTAMP:{stamp:%Y%m%dT%H%M%SZ}"
    yield f"SEQUENCE:{event.moved}"
    if len(event.when) > 10:
        yield f"DTSTART:{datetime.fromisoformat(event.when):%Y%m%dT%H%M%SZ}"
    else:
        day = date.fromisoformat(event.when)
        yield f"DTSTART;VALUE=DATE:{day:%Y%m%d}"
        if day < date.max:
            yield f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_text(event.summary)}"
    yield f"URL:{reading.place.base}{event.address}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _text(text: str) -> str:
    """A text as iCalendar has it (section 3.3.11); what cannot be seen stands as its number."""
    safe = plain(site.without_marks(text)).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return safe.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n").replace("\t", " ")


def folded(line: str) -> Iterator[str]:
    """A content line in parts of 75 octets at the most, none of which cuts a character."""
    part, size = "", 0
    for character in line:
        octets = len(character.encode())
        if size + octets > _LINE:
            yield part
            part, size = " ", 1
        part += character
        size += octets
    yield part

"""Meetings: convened, attended, what was said there, and minutes that bodies approved together."""

from typing import ClassVar

import msgspec
from msgspec import UNSET

from ledger.statement import Entry
from ledger.vocabulary import (
    AgendaItemProposed,
    AttendanceRecorded,
    Date,
    MeetingConvened,
    MinutesApproved,
    RemarkRecorded,
)
from projections.records import Record, Records, index_key
from projections.roll import printed_in


class Present(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who was there: body, office, and the salted digest of the name, if any."""

    actor: str
    post: str
    person: str = ""


class Meeting(Record, frozen=True, kw_only=True):
    """A meeting [meeting]. `starts` is a day or a time; `starts_precision` is `time` for the latter."""

    table: ClassVar[str] = "meeting"
    meeting: str
    plan: str
    meeting_form: str
    number: int | None = None
    starts: str = ""
    starts_precision: str
    ends: str = ""
    place: str
    lang: str
    invited: tuple[str, ...] = ()
    agenda: tuple[str, ...] = ()
    index: int
    printed: bool = False
    present: tuple[Present, ...] = ()
    attendance_index: int | None = None
    remarks: int = 0
    minutes: str = ""
    minutes_index: int | None = None
    approved_by: tuple[str, ...] = ()


class Remark(Record, frozen=True, kw_only=True):
    """What a body said, or asked to be taken up [meeting/index]. The words are in the entry or its contents."""

    table: ClassVar[str] = "remark"
    indexes: ClassVar[int] = 1
    meeting: str
    kind: str
    speaker: str
    post: str = ""
    index: int
    identity: str
    printed: bool = False


_FOLDED = frozenset({MeetingConvened, AttendanceRecorded, RemarkRecorded, AgendaItemProposed, MinutesApproved})


def evolve(records: Records, entry: Entry) -> None:
    """Take one entry into the meetings."""
    statement = entry.opened.statement
    if type(statement) not in _FOLDED:
        return
    match statement:
        case MeetingConvened():
            _convene(records, entry, statement)
        case AttendanceRecorded():
            present = tuple(
                [
                    Present(actor=one.actor, post=one.post, person="" if one.person is UNSET else one.person)
                    for one in statement.present
                ]
            )
            _change(records, statement.meeting, present=present, attendance_index=entry.index)
        case RemarkRecorded():
            _say(records, entry, statement.meeting, statement.speaker, statement.post)
        case AgendaItemProposed():
            if statement.meeting is not UNSET:
                speaker = statement.by[0].actor
                if statement.printed is not UNSET and statement.printed.on_behalf_of is not UNSET:
                    speaker = statement.printed.on_behalf_of
                _say(records, entry, statement.meeting, "" if speaker is UNSET else speaker, "")
        case MinutesApproved():
            _approve(records, entry, statement)
        case _:
            pass


def _when(when: Date | str) -> tuple[str, str]:
    """A start or end as (text, precision)."""
    if isinstance(when, str):
        return when, "time"
    return ("" if when.day is UNSET else when.day), when.precision


def _convene(records: Records, entry: Entry, convened: MeetingConvened) -> None:
    starts, precision = _when(convened.starts)
    records.put(
        convened.meeting,
        Meeting(
            meeting=convened.meeting,
            plan=convened.plan,
            meeting_form=convened.meeting_form,
            number=None if convened.number is UNSET else convened.number,
            starts=starts,
            starts_precision=precision,
            ends="" if convened.ends is UNSET else _when(convened.ends)[0],
            place=convened.place,
            lang=convened.lang,
            invited=convened.invited,
            agenda=convened.agenda,
            index=entry.index,
            printed=printed_in(convened),
        ),
    )


def _change(records: Records, name: str, **changes: object) -> None:
    meeting = records.get(Meeting, name)
    if meeting is not None:
        records.put(name, msgspec.structs.replace(meeting, **changes))


def _say(records: Records, entry: Entry, meeting: str, speaker: str, post: str) -> None:
    statement = entry.opened.statement
    remark = Remark(
        meeting=meeting,
        kind=statement.kind,
        speaker=speaker,
        post=post,
        index=entry.index,
        identity=entry.opened.identity,
        printed=printed_in(statement),
    )
    records.put(index_key(meeting, entry.index), remark)
    found = records.get(Meeting, meeting)
    if found is not None:
        _change(records, meeting, remarks=found.remarks + 1)


def _approve(records: Records, entry: Entry, approved: MinutesApproved) -> None:
    meeting = records.get(Meeting, approved.meeting)
    if meeting is None:
        return
    before = meeting.approved_by if meeting.minutes == approved.document else ()
    signers = [signer.actor for signer in approved.by if signer.actor is not UNSET]
    by = tuple(dict.fromkeys([*before, *signers]))
    _change(records, approved.meeting, minutes=approved.document, minutes_index=entry.index, approved_by=by)

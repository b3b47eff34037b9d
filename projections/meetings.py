"""Meetings: convened, attended, what was said there, and minutes that bodies approved together."""

from collections.abc import Callable
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
    Statement,
)
from projections.records import Record, Records, index_key
from projections.roll import Known, printed_in, speaker_of


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
    place: str = ""
    lang: str
    invited: tuple[str, ...] = ()
    agenda: tuple[str, ...] = ()
    index: int
    printed: bool = False
    present: tuple[Present, ...] = ()
    attendance_index: int | None = None
    attendance_printed: bool = False
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


class Convened(Record, frozen=True, kw_only=True):
    """The n-th meeting convened in a plan [plan/index], so that a count as of any tree size is one look."""

    table: ClassVar[str] = "convened"
    indexes: ClassVar[int] = 1
    nth: int


class MeetingCount(Record, frozen=True, kw_only=True):
    """How many meetings were convened in a plan [plan]."""

    table: ClassVar[str] = "meeting_count"
    meetings: int


def meetings_at(records: Records, plan: str, size: int) -> int:
    """How many meetings of a plan were convened in the first `size` entries."""
    for _, later in records.scan(Convened, prefix=f"{plan}/", after=index_key(plan, size - 1), limit=1):
        return later.nth - 1
    count = records.get(MeetingCount, plan)
    return 0 if count is None else count.meetings


# --- folding ---------------------------------------------------------------------------------------------------------


def _when(when: Date | str) -> tuple[str, str]:
    """A start or end as (text, precision)."""
    if isinstance(when, str):
        return when, "time"
    return ("" if when.day is UNSET else when.day), when.precision


def _convene(records: Records, entry: Entry, convened: MeetingConvened, known: Known) -> None:
    starts, precision = _when(convened.starts)
    before = records.get(MeetingCount, convened.plan)
    nth = 1 if before is None else before.meetings + 1
    records.put(convened.plan, MeetingCount(meetings=nth))
    records.put(index_key(convened.plan, entry.index), Convened(nth=nth))
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
            place="" if convened.place is UNSET else convened.place,
            lang=convened.lang,
            invited=convened.invited,
            agenda=convened.agenda,
            index=entry.index,
            printed=printed_in(convened),
        ),
    )


def _attend(records: Records, entry: Entry, recorded: AttendanceRecorded, known: Known) -> None:
    meeting = records.get(Meeting, recorded.meeting)
    printed = printed_in(recorded)
    if meeting is None or (printed and meeting.attendance_index is not None and not meeting.attendance_printed):
        return
    present = tuple(
        [
            Present(actor=one.actor, post=one.post, person="" if one.person is UNSET else one.person)
            for one in recorded.present
        ]
    )
    changes = {"present": present, "attendance_index": entry.index, "attendance_printed": printed}
    records.put(recorded.meeting, msgspec.structs.replace(meeting, **changes))


def _remark(records: Records, entry: Entry, recorded: RemarkRecorded, known: Known) -> None:
    _say(records, entry, recorded.meeting, recorded.speaker, recorded.post)


def _propose(records: Records, entry: Entry, proposed: AgendaItemProposed, known: Known) -> None:
    if proposed.meeting is not UNSET:
        _say(records, entry, proposed.meeting, speaker_of(proposed)[0], "")


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
        records.put(meeting, msgspec.structs.replace(found, remarks=found.remarks + 1))


def _approve(records: Records, entry: Entry, approved: MinutesApproved, known: Known) -> None:
    meeting = records.get(Meeting, approved.meeting)
    if meeting is None:
        return
    before = meeting.approved_by if meeting.minutes == approved.document else ()
    signers = [signer.actor for signer in approved.by if signer.actor is not UNSET]
    by = tuple(dict.fromkeys([*before, *signers]))
    changes = {"minutes": approved.document, "minutes_index": entry.index, "approved_by": by}
    records.put(approved.meeting, msgspec.structs.replace(meeting, **changes))


FOLDS: dict[type[Statement], Callable[..., None]] = {
    MeetingConvened: _convene,
    AttendanceRecorded: _attend,
    RemarkRecorded: _remark,
    AgendaItemProposed: _propose,
    MinutesApproved: _approve,
}

"""Meetings: who was called, who came, what was said, who approved the minutes; signed words outrank printed ones."""

from typing import Any

import world as w
from storyline import story

from ledger.statement import Entry, format_when
from projections.meetings import Convened, Meeting, MeetingCount, Remark
from projections.records import DictRecords
from projections.replay import replay

DAY = 86_400_000
CHAIR, IMPORTER = "copret:coordinator", "importador:importer"
MEETING = "comite-1"


def folded(entries: list[Entry]) -> DictRecords:
    records = DictRecords()
    replay(entries, records)
    return records


def meeting_of(world: w.World, name: str = MEETING) -> Meeting:
    found = folded(world.entries).get(Meeting, name)
    assert found is not None
    return found


def convene(world: w.World, **fields: Any) -> Entry:
    """A committee meeting in a day from now, unless told otherwise."""
    plain = {
        "meeting": MEETING,
        "meeting_form": "committee",
        "starts": format_when(world.now_ms + DAY),
        "place": "Sede",
        "invited": ["icefi"],
        "agenda": ["Avances"],
    }
    return world.say("MeetingConvened", CHAIR, **plain | fields)


def attended(*bodies: str) -> dict[str, Any]:
    return {"meeting": MEETING, "present": [{"actor": body, "post": f"Oficina de {body}"} for body in bodies]}


def test_a_meeting_with_attendance_remarks_and_minutes() -> None:
    records = folded(story())
    meeting = records.get(Meeting, MEETING)
    assert meeting is not None
    assert [one.actor for one in meeting.present] == ["icefi"]
    assert (meeting.remarks, meeting.minutes) == (2, w.digest_of("minutes"))
    assert meeting.approved_by == ("copret", "icefi")
    assert [one.speaker for _, one in records.scan(Remark, prefix=f"{MEETING}/")] == ["icefi", "icefi"]


def test_a_convened_meeting_says_when_where_and_for_what() -> None:
    world = w.found()
    starts, ends = format_when(world.now_ms + DAY), format_when(world.now_ms + DAY + 3_600_000)
    entry = convene(world, number=7, ends=ends)
    meeting = meeting_of(world)
    assert (meeting.starts, meeting.starts_precision, meeting.ends) == (starts, "time", ends)
    assert (meeting.number, meeting.place, meeting.invited, meeting.agenda) == (7, "Sede", ("icefi",), ("Avances",))
    assert (meeting.index, meeting.printed, meeting.present, meeting.minutes) == (entry.index, False, (), "")


def test_a_day_is_kept_as_precisely_as_it_was_said() -> None:
    world = w.found()
    convene(world, starts={"precision": "day", "day": "2026-03-02"})
    assert (meeting_of(world).starts, meeting_of(world).starts_precision) == ("2026-03-02", "day")


def test_a_printed_meeting_without_a_printed_place_has_none() -> None:
    world = w.found()
    past: Any = {"meeting": MEETING, "meeting_form": "committee", "invited": [], "agenda": []}
    day = {"precision": "day", "day": "2015-09-21"}
    world.say("MeetingConvened", IMPORTER, **past, starts=day, printed=w.printed("meeting/last"))
    assert (meeting_of(world).place, meeting_of(world).printed) == ("", True)


def test_meetings_are_counted_and_listed_in_the_order_in_which_they_were_convened() -> None:
    world = w.found()
    entries = [convene(world, meeting=name) for name in ("b", "a", "c")]
    records = folded(world.entries)
    assert records.get(MeetingCount, w.PLAN) == MeetingCount(meetings=3)
    listed = [(int(key.rpartition("/")[2]), one.nth) for key, one in records.scan(Convened, prefix=f"{w.PLAN}/")]
    assert listed == [(entry.index, nth) for nth, entry in enumerate(entries, 1)]


def test_a_later_attendance_replaces_the_earlier_one() -> None:
    world = w.found()
    convene(world)
    world.say("AttendanceRecorded", CHAIR, **attended("icefi"))
    last = world.say("AttendanceRecorded", CHAIR, **attended("irm", "congreso"))
    meeting = meeting_of(world)
    assert [one.actor for one in meeting.present] == ["irm", "congreso"]
    assert meeting.attendance_index == last.index


def test_a_printed_attendance_never_replaces_a_signed_one() -> None:
    world = w.found()
    convene(world)
    printed = w.printed("attendance", on_behalf_of="segeplan")
    world.say("AttendanceRecorded", IMPORTER, **attended("irm"), printed=printed)
    assert meeting_of(world).attendance_printed
    world.say("AttendanceRecorded", CHAIR, **attended("icefi"))
    world.say("AttendanceRecorded", IMPORTER, **attended("irm"), printed=w.printed("attendance/2"))
    meeting = meeting_of(world)
    assert ([one.actor for one in meeting.present], meeting.attendance_printed) == (["icefi"], False)


def test_a_name_stays_a_salted_digest() -> None:
    world = w.found()
    convene(world)
    person = w.digest_of("a name and its salt")
    present = [{"actor": "icefi", "post": "Investigación", "person": person}, {"actor": "irm", "post": "Consultoría"}]
    world.say("AttendanceRecorded", CHAIR, meeting=MEETING, present=present)
    assert [one.person for one in meeting_of(world).present] == [person, ""]


def test_a_proposal_for_no_meeting_in_particular_belongs_to_none() -> None:
    world = w.found()
    convene(world)
    world.say("AgendaItemProposed", "icefi:assessor", words={"text": "Un tema."})
    assert meeting_of(world).remarks == 0
    world.say("AgendaItemProposed", "icefi:assessor", meeting=MEETING, words={"text": "Otro tema."})
    assert meeting_of(world).remarks == 1


def test_who_approves_the_same_minutes_later_joins_and_other_minutes_begin_anew() -> None:
    world = w.found()
    convene(world)
    world.say("AttendanceRecorded", CHAIR, **attended("icefi", "congreso"))
    first, second = w.digest_of("minutes"), w.digest_of("minutes, mended")
    world.say("MinutesApproved", CHAIR, "icefi:holder", meeting=MEETING, document=first)
    world.say("MinutesApproved", "congreso:holder", meeting=MEETING, document=first)
    assert meeting_of(world).approved_by == ("copret", "icefi", "congreso")
    last = world.say("MinutesApproved", CHAIR, "congreso:holder", meeting=MEETING, document=second)
    meeting = meeting_of(world)
    assert (meeting.minutes, meeting.minutes_index, meeting.approved_by) == (second, last.index, ("copret", "congreso"))

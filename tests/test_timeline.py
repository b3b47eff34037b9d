"""Levels by voice through time: what stands in which lane, and how a lane goes on."""

import pytest

from api.timeline import VOICES, Band, Change, lay_out


def said(day: str, index: int, voice: str, level: str = "limited") -> Change:
    return Change(day=day, index=index, voice=voice, level=level)


def test_a_row_is_a_moment_and_each_lane_knows_whether_it_has_spoken() -> None:
    rows = lay_out([said("2026-03-02", 7, "evidence"), said("2026-03-01", 4, "government")])
    assert [(row.day, row.index) for row in rows] == [("2026-03-01", 4), ("2026-03-02", 7)]
    assert [[cell.state for cell in row.cells] for row in rows] == [
        ["change", "before", "before", "before"],
        ["on", "before", "before", "change"],
    ]
    assert [cell.voice for cell in rows[0].cells] == list(VOICES)


def test_what_several_voices_say_by_one_entry_is_one_row() -> None:
    rows = lay_out([said("2026-03-01", 4, "civil_society"), said("2026-03-01", 4, "evidence")])
    assert len(rows) == 1
    assert [cell.state for cell in rows[0].cells] == ["before", "change", "before", "change"]


def test_days_that_pass_make_a_row_of_their_own_after_the_entry_they_count_from() -> None:
    rows = lay_out([said("2026-03-01", 4, "evidence"), said("2026-03-31", 4, "evidence", "no_evidence_available")])
    assert [(row.day, row.index) for row in rows] == [("2026-03-01", 4), ("2026-03-31", 4)]


@pytest.mark.parametrize(
    ("first", "last", "within"), [("2026-03-01", "2026-03-09", 1), ("2026-02-01", "2026-03-04", 0)]
)
def test_a_band_stands_where_it_began_and_marks_the_rows_within_it(first: str, last: str, within: int) -> None:
    rows = lay_out([said("2026-03-05", 9, "irm")], [Band(first=first, last=last, index=3)])
    assert [row.band is None for row in rows] == [False, True]
    assert rows[0].cells == ()
    assert [row.within for row in rows] == [0, within]


def test_on_one_day_a_band_comes_first_and_the_order_of_what_is_given_does_not_matter() -> None:
    changes = [said("2026-03-05", 9, "irm"), said("2026-03-05", 8, "government")]
    bands = [
        Band(first="2026-03-05", last="2026-03-05", index=30),
        Band(first="2026-03-05", last="2026-04-01", index=2),
    ]
    rows = lay_out(changes, bands)
    assert [row.index for row in rows] == [2, 30, 8, 9]
    assert rows == lay_out(changes[::-1], bands[::-1])
    assert lay_out([], []) == ()

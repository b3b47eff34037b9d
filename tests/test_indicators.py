"""Indicators and standards: each figure against a history in which it can be counted by hand; the real report."""

from typing import Any

import pytest
import world as w
from storyline import story
from test_anomalies import (
    CHAIR,
    DAY,
    LONG,
    MINFIN,
    PLAN,
    advised,
    claims,
    commented,
    dated,
    disputed,
    folded,
    level,
    link,
    meetings,
    pass_days,
    printed,
    report,
    requested,
    respond,
    shared,
    today_of,
    two_commitments,
)
from world import C8, G1, G2, World

from ledger.statement import Entry, format_when
from projections.indicators import STANDARDS, Figure, Part, Standard, bp, indicators_of, standards_of

__all__ = ["printed"]  # a fixture


def figures(world: World) -> dict[str, Figure]:
    found = indicators_of(folded(world.entries), PLAN, len(world.entries), today_of(world))
    return {one.name: one for one in found}


def standards(world: World) -> dict[str, Standard]:
    found = standards_of(folded(world.entries), PLAN, len(world.entries), today_of(world))
    return {one.standard: one for one in found}


def test_a_plan_that_is_not_there_has_no_figures() -> None:
    records = folded(w.found().entries)
    assert indicators_of(records, "otro", 1, "2026-01-01") == ()
    assert standards_of(records, "otro", 1, "2026-01-01") == ()


def test_each_standard_is_there_once_and_a_fresh_plan_shows_little() -> None:
    found = standards(w.found())
    assert tuple(found) == STANDARDS
    assert {one for one, told in found.items() if told.verdict == "unknown"} == {
        "S2", "S4", "S5", "S6", "S8", "S9", "S11", "S12", "S14", "S16", "S19", "S20", "S1",
    }  # fmt: skip


@pytest.mark.parametrize(("part", "whole", "share"), [(0, 0, 0), (1, 3, 3333), (2, 3, 6666), (3, 3, 10_000)])
def test_shares_are_basis_points_rounded_down(part: int, whole: int, share: int) -> None:
    assert bp(part, whole) == share


def test_flags_of_the_engine_are_counted_with_their_commitments() -> None:
    world = w.found()
    dated(world, "2015-07-01")
    found = figures(world)
    assert (found["overdue"].figures, found["overdue"].commitments) == ({"commitments": 1, "of": 3}, (G2,))
    assert found["not_verifiable"].figures == {"commitments": 3, "of": 3}
    assert found["self_assessed"].commitments == (G1,)


def test_moves_of_dates_are_added_up() -> None:
    world = w.found()
    dated(world, "2015-07-01")
    dated(world, "2015-07-11", reason="Diez días.")
    dated(world, "2015-07-01", subject=C8, who="segeplan:institution")
    dated(world, "2015-07-06", subject=C8, who="segeplan:institution", reason="Cinco.")
    assert figures(world)["dates_moved"].figures == {"moves": 2, "days": 15}


def week(world: World, name: str) -> Entry:
    return world.say("WeeklyReportFiled", MINFIN, institution="minfin", week=name, entries=[])


def test_weeks_without_a_report_are_counted_while_the_plan_runs() -> None:
    world = longer_plan()
    pass_days(world, 28)
    for name in ("2026-W09", "2026-W11"):
        week(world, name)
    world.now_ms += 1_000
    week(world, "2026-W11")  # beside the first, no week more
    week(world, "2025-W52")  # before the plan
    parts = {one.of: one.figures for one in figures(world)["silence"].parts}
    # The plan began on Thursday 2026-01-01: W02 to W11; the week of reading is not over.
    assert parts["minfin"] == {"longest": 28, "since_last": 0, "weeks": 10, "weeks_missing": 8}
    assert parts["segeplan"]["weeks_missing"] == 10


def test_a_plan_that_has_ended_owes_no_weeks_after_it() -> None:
    # From Monday 2014-06-30 to Saturday 2016-12-31 there are 130 whole weeks.
    world = w.found()
    week(world, "2026-W08")
    assert {one.figures["weeks"] for one in figures(world)["silence"].parts} == {130}
    assert {one.figures["weeks_missing"] for one in figures(world)["silence"].parts} == {130}


def longer_plan() -> World:
    """A world whose plan lasts until 2027."""
    world = w.found()
    plain = next(e for e in world.entries if e.opened.statement.kind == "PlanRegistered")
    again = w.opened()
    for entry in world.entries[1:]:
        if entry is plain:
            ends = {"precision": "year", "day": "2027-01-01"}
            starts = {"precision": "day", "day": "2026-01-01"}
            told: Any = {"title": "Plan", "country": "GT", "cycle": 2, "document": w.digest_of("plan")}
            again.say("PlanRegistered", CHAIR, **told, starts=starts, ends=ends)
        else:
            again.now_ms = entry.received_ms
            again.take(entry.opened)
    return again


def test_answers_are_counted_by_what_was_asked() -> None:
    world = w.found()
    commented(world, 0, answered=True)
    disputed(world, 0, answered=True)
    requested(world)
    advised(world, 0)
    found = figures(world)["responses"]
    assert found.figures == {"asked": 4, "answered": 2, "bp": 5000, "median_days": 0, "longest_days": 0}
    assert [(one.of, one.figures["asked"], one.figures["answered"]) for one in found.parts] == [
        ("comments", 1, 1), ("disputes", 1, 1), ("requests", 1, 0), ("advice", 1, 0),
    ]  # fmt: skip


def test_the_middle_wait_is_the_lower_of_two() -> None:
    world = w.found()
    world.open_round(days=60)
    for name, days in (("maria", 2), ("jorge", 5)):
        comment = world.say("CommentSubmitted", f"{name}:citizen", **world.comment(name))
        world.now_ms += days * DAY
        respond(world, comment)
    found = figures(world)["responses"].figures
    assert (found["median_days"], found["longest_days"]) == (2, 5)
    assert standards(world)["S6"].verdict == "unknown"  # nothing is due while the round is open
    pass_days(world, 90)
    assert standards(world)["S6"].verdict == "met"


def test_disputes_that_are_resolved() -> None:
    world = w.found()
    disputed(world, 0)
    dispute = world.entries[-2]
    told: Any = {"dispute": dispute.opened.identity, "resolution": "rejected", "words": {"text": "Sí está."}}
    assert figures(world)["disputes_fixed"].figures == {"disputes": 1, "admitted": 1, "resolved": 0, "bp": 0}
    world.say("DisputeResolved", "irm:irm", **told)
    assert figures(world)["disputes_fixed"].figures == {"disputes": 1, "admitted": 1, "resolved": 1, "bp": 10_000}


def test_links_that_are_shared_and_links_outside_the_tracker() -> None:
    world = w.found()
    shared(world, "http://example.gt/acta?id=1")
    link(world, "http://gobiernoabierto.transparencia.gob.gt/x")
    found = figures(world)
    assert found["shared_evidence"].figures == {"links": 3, "shared": 2, "bp": 6666}
    assert found["independent_sources"].figures == {"links": 3, "outside": 2, "bp": 6666}


def test_meetings_and_repeated_texts() -> None:
    world = w.found()
    meetings(world, "2014-06-30", "2014-09-02")
    two_commitments(world, LONG, LONG)
    found = figures(world)
    assert found["meetings"].figures == {"meetings": 2, "longest_gap": 851, "months_without": 29}
    assert found["text_reuse"].figures["pairs"] == 1


def test_a_commitment_that_was_reopened_is_counted_for_good() -> None:
    world = w.found()
    level(world)
    world.say("CommitmentReopened", MINFIN, commitment=G2, reason="Faltó algo.")
    assert figures(world)["reopened"].figures == {"reopened": 1, "amended": 0, "mechanisms_amended": 0}
    level(world, name="limited")
    level(world, reason="Ahora sí.")
    assert figures(world)["reopened"].commitments == (G2,)


def test_what_moderators_did_is_counted_by_ground_and_organisation() -> None:
    found = indicators_of(folded(story()), PLAN, len(story()), "2026-03-01")
    withheld = next(one for one in found if one.name == "withheld")
    assert withheld.figures["received"] > 0
    assert {one.of for one in withheld.parts} >= {"vigilante"}
    found_standards = standards_of(folded(story()), PLAN, len(story()), "2026-03-01")
    moderation = next(one for one in found_standards if one.standard == "S20")
    assert (moderation.verdict, moderation.figures["by_government"]) == ("met", 0)


# --- standards --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "verdict"), [(13, "short"), (14, "met")])
def test_a_round_is_announced_two_weeks_ahead(days: int, verdict: str) -> None:
    world = w.found()
    opens = format_when(world.now_ms + days * DAY)
    world.open_round(opens=opens, closes=format_when(world.now_ms + (days + 21) * DAY))
    assert standards(world)["S4"].verdict == verdict
    assert standards(world)["S4"].parts == (Part("ronda-1", {"days": days}),)


@pytest.mark.parametrize(("days", "verdict"), [(13, "short"), (14, "met")])
def test_a_draft_report_is_open_for_two_weeks(days: int, verdict: str) -> None:
    world = w.found()
    world.open_round(days=days)
    assert standards(world)["S8"].verdict == verdict


@pytest.mark.parametrize(("days", "verdict"), [(183, "unknown"), (184, "short")])
def test_a_record_that_is_younger_than_half_a_year_shows_no_silence_yet(days: int, verdict: str) -> None:
    world = w.found()
    pass_days(world, days)
    assert standards(world)["S2"].verdict == verdict


@pytest.mark.parametrize(("share", "verdict"), [(3333, "met"), (3334, "short")])
def test_published_figures_are_computed_again(share: int, verdict: str) -> None:
    world = w.found()
    level(world)
    report(world, *claims(1, share))
    assert standards(world)["S19"].verdict == verdict


def test_verifiable_means_mechanisms_with_means_goal_and_day() -> None:
    world = w.found()
    told: Any = {"text": "Un mapa.", "means": "El mapa publicado", "repeats": "once"}
    goal, due = {"value": 1, "decimals": 0, "unit": "mapa"}, {"precision": "day", "day": "2015-12-31"}
    world.say("MechanismDefined", CHAIR, mechanism=f"{C8}.M1", **told, goal=goal, due=due)
    found = standards(world)["S10"]
    assert (found.verdict, found.figures, found.commitments) == ("short", {"verifiable": 1, "of": 3, "bp": 3333}, (C8,))


def test_nobody_was_asked_is_an_alarm_and_one_meeting_ends_it() -> None:
    world = w.found()
    level(world, name="limited")
    assert standards(world)["S15"].verdict == "short"
    meetings(world, "2014-07-01")
    found = standards(world)["S15"]
    assert (found.verdict, found.figures) == ("met", {"engagement": 1, "irm_unanswered": 0, "begun": 1})


def test_a_request_of_the_irm_without_an_answer_is_an_alarm() -> None:
    world = w.found()
    level(world, name="limited")
    meetings(world, "2014-07-01")
    due = {"precision": "day", "day": "2026-02-20"}
    told: Any = {"institution": "minfin", "mechanism": f"{G2}.M0", "words": {"text": "El acta."}, "due": due}
    request = world.say("EvidenceRequested", "irm:irm", **told)
    pass_days(world, 10)
    assert standards(world)["S15"].verdict == "short"
    respond(world, request, MINFIN)
    assert standards(world)["S15"].verdict == "met"


def test_verdicts_of_the_irm_are_withdrawn_by_nobody_else() -> None:
    world = w.found()
    of_ = link(world, "http://example.gt/acta")
    seen = w.digest_of("visto")
    capture: Any = {"link": of_.opened.identity, "digest": seen, "size": 9, "media_type": "text/html"}
    world.say("EvidenceCaptured", "captura:capturer", **capture, method="direct", captured_at=format_when(world.now_ms))
    told: Any = {"mechanism": f"{G2}.M0", "level": "limited", "digests": [seen], "words": {"text": "Leído."}}
    given = world.say("VerdictGiven", "irm:irm", **told)
    assert standards(world)["S16"].figures == {"verdicts": 1, "by_others": 0}
    world.say("StatementWithdrawn", "irm:holder", statement=given.opened.identity, words={"text": "Lo reviso."})
    assert standards(world)["S16"].verdict == "met"


def test_codes_that_make_a_star_and_codes_that_do_not() -> None:
    world = starred("high", "access_to_information", "transformative")
    assert figures(world)["stars"].figures == {"candidates": 0, "coded": 1}  # nothing evidenced yet
    assert standards(world)["S12"].parts == (Part("transformative", {"commitments": 1}),)


def starred(*codes: str) -> World:
    world = w.found()
    aspects = ("verifiability", "relevance", "ambition")
    given = dict(zip(aspects, codes, strict=True))
    lists = {aspect: [given[aspect]] if aspect in given else [] for aspect in w.METHODOLOGY["codes"]}
    adopted: Any = {"version": 2, "parameters": {**w.METHODOLOGY, "codes": lists}, "document": w.digest_of("m2")}
    world.say("MethodologyAdopted", CHAIR, "icefi:assessor", **adopted)
    for aspect, code in given.items():
        world.say("CommitmentCoded", "irm:irm", commitment=G2, aspect=aspect, code=code, words={"text": "Así."})
    return world


# --- the real report --------------------------------------------------------------------------------------------------


def test_the_real_report_in_figures(printed: list[Entry]) -> None:
    found = {one.name: one for one in indicators_of(folded(printed), PLAN, len(printed), "2026-02-16")}
    assert found["not_verifiable"].figures == {"commitments": 48, "of": 48}
    assert found["self_assessed"].figures["commitments"] == 29
    assert found["overdue"].figures == {"commitments": 19, "of": 48}
    assert found["meetings"].figures == {"meetings": 14, "longest_gap": 467, "months_without": 20}
    assert found["shared_evidence"].figures == {"links": 165, "shared": 30, "bp": 1818}
    assert found["independent_sources"].figures == {"links": 165, "outside": 80, "bp": 4848}
    assert found["text_reuse"].figures == {"texts": 301, "pairs": 55}
    assert {one.of: one.figures["answered"] for one in found["responses"].parts} == {"comments": 0, "advice": 9}


def test_the_real_report_against_the_standards(printed: list[Entry]) -> None:
    found = {one.standard: one.verdict for one in standards_of(folded(printed), PLAN, len(printed), "2026-02-16")}
    assert {name for name, verdict in found.items() if verdict == "met"} == {"S8", "S15", "S20"}
    short = {"S1", "S4", "S6", "S7", "S10", "S17", "S19"}
    assert {name for name, verdict in found.items() if verdict == "short"} == short

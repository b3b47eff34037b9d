"""The indicators of a plan, and what its record shows of each standard that OGP asks for: two tables.

The figures are computed (`projections/indicators.py`); here they get their words, each behind its label, so that no
sentence depends on a number being one or many. What has parts (institutions, rounds, grounds) lists them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from litestar import Response

from api.names import CHANNELS, CODES, GROUNDS, MEDIA, msg
from api.page_anomalies import plan_of
from api.phrasing import plain
from api.reading import Reading, answer, code_of
from projections.indicators import STANDARDS, Figure, Part, Standard, figures_of


class Words(NamedTuple):
    """What an indicator or a standard is called, what its figures say, and what those of each part say."""

    name: str
    sentence: str
    part: str = ""


FIGURES: Mapping[str, Words] = {
    "not_verifiable": Words(
        msg("Not verifiable"),
        msg("Commitments without a mechanism, or with one without means, goal and day: %(commitments)s of %(of)s."),
    ),
    "self_assessed": Words(
        msg("Assessed by whoever coordinates"),
        msg(
            "The coordinator's own commitments: %(commitments)s. Reported complete: %(complete)s, substantial: "
            "%(substantial)s, limited: %(limited)s, not started: %(not_started)s."
        ),
    ),
    "overdue": Words(msg("Overdue"), msg("Commitments past their date and not complete: %(commitments)s of %(of)s.")),
    "dates_moved": Words(
        msg("Dates moved"), msg("Times that a date was moved: %(moves)s. Days added in all: %(days)s.")
    ),
    "contradictory_dates": Words(msg("Contradictory dates"), msg("Dates that contradict a level: %(cases)s.")),
    "reopened": Words(
        msg("Reopened and amended"),
        msg("Commitments reopened: %(reopened)s, amended: %(amended)s. Mechanisms amended: %(mechanisms_amended)s."),
    ),
    "silence": Words(
        msg("Silence"),
        msg("Longest silence of an institution, in days: %(longest)s. Weekly reports missing: %(weeks_missing)s."),
        msg(
            "days of the longest silence: %(longest)s, of the present one: %(since_last)s; weekly reports missing: "
            "%(weeks_missing)s of %(weeks)s"
        ),
    ),
    "responses": Words(
        msg("Answers"),
        msg(
            "Questions with an answer: %(answered)s of %(asked)s (%(bp)s). Days to the first answer to a comment: "
            "median %(median_days)s, longest %(longest_days)s."
        ),
        msg("answered: %(answered)s of %(asked)s (%(bp)s)"),
    ),
    "disputes_fixed": Words(
        msg("Disputes resolved"),
        msg("Admitted disputes that are resolved: %(resolved)s of %(admitted)s (%(bp)s). Opened: %(disputes)s."),
    ),
    "late_comments": Words(
        msg("Comments, and late ones"),
        msg("Comments: %(received)s. After the close: %(late)s; of printed ones that is not known."),
        msg("comments: %(received)s"),
    ),
    "withheld": Words(
        msg("Moderation"),
        msg("Texts: %(received)s. Withheld: %(withheld)s, shown in part: %(redacted)s, erased: %(erased)s."),
        msg("acts: %(acts)s"),
    ),
    "meetings": Words(
        msg("Meetings"),
        msg(
            "Meetings: %(meetings)s. Longest gap, in days: %(longest_gap)s. Whole months without one: "
            "%(months_without)s."
        ),
    ),
    "shared_evidence": Words(
        msg("Shared evidence"),
        msg("Links that also serve another commitment, unexplained: %(shared)s of %(links)s (%(bp)s)."),
    ),
    "independent_sources": Words(
        msg("Sources outside the tracker"), msg("Links that lead elsewhere: %(outside)s of %(links)s (%(bp)s).")
    ),
    "text_reuse": Words(
        msg("Repeated texts"), msg("Texts: %(texts)s. Pairs of two commitments that are the same or alike: %(pairs)s.")
    ),
    "stars": Words(
        msg("Candidates for a star"),
        msg(
            "Coded commitments that are specific, relevant, ambitious and at least substantial: %(candidates)s of "
            "%(coded)s. Computed, never awarded."
        ),
    ),
}

ASKED: Mapping[str, Words] = {
    "S1": Words(
        msg("The forum meets at least every six months"),
        msg(
            "Meetings: %(meetings)s. Longest gap, in days: %(longest_gap)s. Whole months without one: "
            "%(months_without)s."
        ),
    ),
    "S2": Words(
        msg("The public repository is brought up to date at least twice a year"),
        msg("Longest silence of an institution, in days: %(longest)s."),
        msg("days: %(longest)s"),
    ),
    "S4": Words(
        msg("A consultation is announced two weeks ahead"),
        msg("Days from announcement to opening, by consultation:"),
        msg("days: %(days)s"),
    ),
    "S5": Words(
        msg("There is outreach, and more than one way to take part"),
        msg("Notices: %(notices)s. Comments: %(comments)s. By medium and channel:"),
        msg("notices: %(notices)s, comments: %(received)s"),
    ),
    "S6": Words(
        msg("Whoever takes part gets a reasoned answer"),
        msg(
            "Comments with an answer: %(answered)s of %(received)s (%(bp)s). Days to it: median %(median_days)s, "
            "longest %(longest_days)s. That led to a change: %(changed)s."
        ),
    ),
    "S7": Words(
        msg("Two meetings a year present results and take comments"),
        msg("Meetings that presented results, by year:"),
        msg("meetings: %(meetings)s"),
    ),
    "S8": Words(
        msg("The self-assessment is open to comment for two weeks"),
        msg("Consultations on a draft of it:"),
        msg("days open: %(days)s, late comments: %(late)s"),
    ),
    "S9": Words(
        msg("Completion is assessed by others after the plan"),
        msg(
            "Commitments: %(commitments)s. With a reported level: %(reported)s, with an assessed one: %(assessed)s. "
            "The evidence reaches less than is reported: %(over)s, more: %(under)s."
        ),
    ),
    "S10": Words(
        msg("Commitments can be verified"),
        msg("Commitments whose mechanisms all have means, goal and day: %(verifiable)s of %(of)s (%(bp)s)."),
    ),
    "S11": Words(msg("Commitments are relevant"), msg("Codes given by assessors: %(coded)s"), msg("%(commitments)s")),
    "S12": Words(msg("Commitments are ambitious"), msg("Codes given by assessors: %(coded)s"), msg("%(commitments)s")),
    "S13": Words(
        msg("Early results fall within the plan"),
        msg("Codes given: %(coded)s. Commitments with evidence older than the plan: %(before_plan)s."),
        msg("%(commitments)s"),
    ),
    "S14": Words(
        msg("Starred commitments are specific, relevant, ambitious and done"),
        msg("Candidates among the coded commitments: %(candidates)s of %(coded)s."),
    ),
    "S15": Words(
        msg("The plan does not run contrary to the process"),
        msg(
            "Meetings and comments: %(engagement)s. Requests of the IRM that are overdue: %(irm_unanswered)s. "
            "Commitments begun by somebody's account: %(begun)s."
        ),
    ),
    "S16": Words(
        msg("Nobody changes the findings of the IRM"),
        msg("Verdicts of the IRM: %(verdicts)s. Withdrawn by anybody else: %(by_others)s."),
    ),
    "S17": Words(
        msg("The template is filled in"),
        msg("Commitments with every field, beside number and name: %(whole)s of %(of)s. Field by field:"),
        msg("%(filled)s of %(of)s"),
    ),
    "S19": Words(
        msg("Reported figures can be computed again"),
        msg(
            "Published figures: %(claims)s. That can be checked: %(checked)s. That differ from the record: "
            "%(differing)s."
        ),
    ),
    "S20": Words(
        msg("Moderation silences nobody"),
        msg(
            "Texts: %(received)s. Withheld: %(withheld)s, shown in part: %(redacted)s, erased: %(erased)s. Acts of "
            "bodies that the plan is about: %(by_government)s."
        ),
        msg("acts: %(acts)s"),
    ),
}

VERDICTS: Mapping[str, str] = {
    "met": msg("Met"),
    "short": msg("Not met"),
    "shown": msg("For the reader to judge"),
    "unknown": msg("The record does not show it yet"),
}

PART_NAMES: Mapping[str, str] = {
    "comments": msg("Comments"),
    "disputes": msg("Disputes of evidence"),
    "requests": msg("Requests for evidence"),
    "advice": msg("Recommendations"),
    "dates": msg("Dates"),
    "lead": msg("Responsible institution"),
    "problem": msg("Problem it addresses"),
    "milestones": msg("Compliance mechanisms"),
    "results": msg("Reported results"),
    **CODES,
    **GROUNDS,
    **CHANNELS,
    **MEDIA,
}


class _Filled(dict[str, str]):
    """The words of a sentence; a figure that there is not stands as a dash."""

    def __missing__(self, name: str) -> str:
        return "–"


def standards_page(reading: Reading) -> Response[bytes]:
    """Indicators and standards of a plan, each with its figures."""
    plan = plan_of(reading)
    view = reading.view
    indicators, asked = figures_of(view.records, plan.plan, view.size, view.day)
    return answer(
        reading,
        "standards.html",
        plan={"id": plan.plan, "title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", plan.plan)},
        day=reading.say.day(view.day),
        indicators=[_row(reading, FIGURES[one.name], one) for one in indicators],
        standards=[
            {
                **_row(reading, ASKED[one.standard], one),
                "code": one.standard,
                "verdict": one.verdict,
                "said": reading.text(VERDICTS[one.verdict]),
            }
            for one in asked
        ],
        verdicts=[
            {"name": reading.text(name), "count": sum(one.verdict == code for one in asked), "code": code}
            for code, name in VERDICTS.items()
        ],
        json_href=reading.place.raw("api", "plans", plan.plan, "indicators"),
        standards_href=reading.place.raw("api", "plans", plan.plan, "standards"),
    )


def _row(reading: Reading, words: Words, one: Figure | Standard) -> dict[str, Any]:
    """An indicator or a standard in words."""
    return {
        "name": reading.text(words.name),
        "sentence": _fill(reading, words.sentence, one.figures),
        "parts": [
            {"name": _part_name(reading, part), "sentence": _fill(reading, words.part, part.figures)}
            for part in one.parts
            if words.part
        ],
        "commitments": _links(reading, one.commitments),
    }


def _fill(reading: Reading, message: str, figures: Mapping[str, int]) -> str:
    say = reading.say
    filled = {name: say.share(value) if name == "bp" else say.number(value) for name, value in figures.items()}
    return reading.text(message) % _Filled(filled)


def _part_name(reading: Reading, part: Part) -> str:
    """An institution, a medium, a ground, a channel; a round, a year and a code stand as they are."""
    known = PART_NAMES.get(part.of)
    return reading.text(known) if known else plain(reading.actor(part.of))


def _links(reading: Reading, commitments: Sequence[str]) -> list[dict[str, str]]:
    return [{"code": code_of(one), "href": reading.to_commitment(one)} for one in commitments]


assert tuple(ASKED) == STANDARDS

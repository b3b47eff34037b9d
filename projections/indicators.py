"""Figures of a plan that its record gives, and what they say of the standards that OGP asks of such plans.

    indicators_of(records, plan, size, as_of) -> (Figure, ...)      counts, shares and delays, each with whose they are
    standards_of(records, plan, size, as_of) -> (Standard, ...)     S1 to S20, as far as a record can show them

Everything is a fold, in integers: shares in basis points, rounded down; delays in whole days, their median the lower of
two middle ones. A figure judges nothing. A standard is `met` or `short` only where it has a threshold that a figure can
be held against; otherwise its figures are `shown`, or it is `unknown` because the record has nothing yet. What is asked
is told in our words: a reader who needs the standard's own reads it where it is published.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from statistics import median_low

import msgspec

from ledger.vocabulary import LEVEL_ORDINAL, commitment_of
from projections.anomalies import (
    Anomaly,
    Scene,
    WeekFiled,
    anomalies_of,
    answers_due,
    meeting_days,
    meeting_gaps,
    silences_of,
    texts_in,
)
from projections.commitments import Commitment, PlanState, Surrounding
from projections.comparison import Matrix, matrix_of, values_of
from projections.evidence import Coding, Dispute, Request, Verdict, first_day, is_own_page, last_day, shared_with
from projections.records import Records, index_key
from projections.reports import LevelStep
from projections.roll import HistoryLine
from projections.rounds import Comment, ModerationAct, ModerationCount, Notice, Response, Round

# Half a year, as OGP counts it for forums and for repositories.
HALF_YEAR = 183
# Days that a consultation is announced ahead, and that a draft is open.
TWO_WEEKS = 14
# Meetings in a year that present results.
RESULTS_A_YEAR = 2


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """A figure of one among several: of an institution, a round, a ground, a year."""

    of: str
    figures: dict[str, int]


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An indicator: its figures, the commitments that it counts, and the same by parts."""

    name: str
    figures: dict[str, int]
    commitments: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


class Standard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked, by its number: `met`, `short`, `shown` or `unknown`, with the figures that say so."""

    standard: str
    verdict: str
    figures: dict[str, int] = {}
    commitments: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


class _Plan:
    """What all figures of a plan at one size and day are taken from."""

    def __init__(self, records: Records, state: PlanState, size: int, as_of: str) -> None:
        self.records = records
        self.state = state
        self.scene = Scene(records, state, size, as_of)
        self.matrix: Matrix = matrix_of(records, state.plan, size, as_of)
        self.anomalies = anomalies_of(records, state.plan, size, as_of)
        self.rounds = [one for _, one in records.scan(Round) if one.plan == state.plan]
        self.prefix = f"{state.plan}/"

    def flagged(self, flag: str) -> tuple[str, ...]:
        """The commitments with a flag of the engine."""
        return tuple([row.commitment for row in self.matrix.rows if flag in row.standing.flags])

    def cases(self, *rules: str) -> list[Anomaly]:
        """The anomalies of some rules."""
        return [one for one in self.anomalies if one.rule in rules]


def bp(part: int, whole: int) -> int:
    """A share in basis points, rounded down; 0 of nothing."""
    return 10_000 * part // whole if whole else 0


def indicators_of(records: Records, plan: str, size: int, as_of: str) -> tuple[Figure, ...]:
    """The indicators of a plan's record of `size` entries on a day (`YYYY-MM-DD`); none of a plan that is not there."""
    return figures_of(records, plan, size, as_of)[0]


def standards_of(records: Records, plan: str, size: int, as_of: str) -> tuple[Standard, ...]:
    """What the record of a plan shows of each standard; nothing of a plan that is not there."""
    return figures_of(records, plan, size, as_of, indicators=False)[1]


def figures_of(
    records: Records, plan: str, size: int, as_of: str, *, indicators: bool = True
) -> tuple[tuple[Figure, ...], tuple[Standard, ...]]:
    """Both, for little more than one of them costs."""
    state = records.get(PlanState, plan)
    if state is None:
        return (), ()
    found = _Plan(records, state, size, as_of)
    return tuple([make(found) for make in _FIGURES] if indicators else []), tuple([make(found) for make in _STANDARDS])


# --- indicators -------------------------------------------------------------------------------------------------------


def _of_flag(name: str, flag: str) -> Callable[[_Plan], Figure]:
    def figure(plan: _Plan) -> Figure:
        found = plan.flagged(flag)
        return Figure(name=name, figures={"commitments": len(found), "of": len(plan.matrix.rows)}, commitments=found)

    return figure


def _self_assessed(plan: _Plan) -> Figure:
    found = plan.flagged("self_assessed")
    reported = {row.commitment: row.standing.reported for row in plan.matrix.rows}
    levels = [reported[one] for one in found]
    counts = {level: levels.count(level) for level in ("complete", "substantial", "limited", "not_started")}
    return Figure(name="self_assessed", figures={"commitments": len(found), **counts}, commitments=found)


def _dates_moved(plan: _Plan) -> Figure:
    cases = plan.cases("date/moved")
    return Figure(
        name="dates_moved",
        figures={
            "moves": sum(one.figures["moves"] for one in cases),
            "days": sum(one.figures["days"] for one in cases),
        },
        commitments=_distinct(cases),
    )


def _distinct(cases: Iterable[Anomaly]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([name for one in cases for name in one.commitments]))


def _silence(plan: _Plan) -> Figure:
    parts: list[Part] = []
    for body in sorted({one.institution for one in plan.scene.commitments}):
        silences = silences_of(plan.scene, body)
        filed, weeks = _weeks(plan, body)
        figures = {
            "longest": max([one.days for one in silences], default=0),
            "since_last": silences[-1].days if silences and silences[-1].after is None else 0,
            "weeks": weeks,
            "weeks_missing": weeks - filed,
        }
        parts.append(Part(body, figures))
    longest = max([one.figures["longest"] for one in parts], default=0)
    missing = sum(one.figures["weeks_missing"] for one in parts)
    return Figure(name="silence", figures={"longest": longest, "weeks_missing": missing}, parts=tuple(parts))


def _weeks(plan: _Plan, body: str) -> tuple[int, int]:
    """Weeks of the plan with a report of an institution, and whole weeks of the plan up to now."""
    starts, ends = first_day(plan.state.starts), last_day(plan.state.ends)
    if starts is None:
        return 0, 0
    first = date.fromordinal(starts)
    last = date.fromordinal(plan.scene.as_of if ends is None else min(plan.scene.as_of, ends))
    monday = first + timedelta(days=-first.weekday() % 7)  # the first whole week
    weeks = [monday + timedelta(weeks=n) for n in range(max(0, ((last - monday).days + 1) // 7))]
    named = {f"{year}-W{week:02d}" for year, week, _ in (one.isocalendar() for one in weeks)}
    filed = {one.week for _, one in plan.records.scan(WeekFiled, prefix=f"{body}/")}
    return len(named & filed), len(named)


def _responses(plan: _Plan) -> Figure:
    """Questions of all kinds, and how many have an answer; of comments also how long the first one took."""
    asked: dict[str, tuple[int, int]] = {
        "comments": (sum(one.received for one in plan.rounds), sum(one.answered for one in plan.rounds)),
        "disputes": _answered([bool(one.answers) for _, one in plan.records.scan(Dispute, prefix=plan.prefix)]),
        "requests": _answered(
            [bool(one.answers or one.evidence) for _, one in plan.records.scan(Request, prefix=plan.prefix)]
        ),
        "advice": _answered(
            [
                one.answered is not None
                for _, one in plan.records.scan(Surrounding, prefix=plan.prefix)
                if one.kind == "RecommendationMade"
            ]
        ),
    }
    parts = [Part(name, {"asked": n, "answered": m, "bp": bp(m, n)}) for name, (n, m) in asked.items() if n]
    total, answered = (sum(pair[place] for pair in asked.values()) for place in (0, 1))
    figures = {"asked": total, "answered": answered, "bp": bp(answered, total)}
    return Figure(name="responses", figures={**figures, **_waits(plan.rounds)}, parts=tuple(parts))


def _answered(answers: Sequence[bool]) -> tuple[int, int]:
    return len(answers), sum(answers)


def _disputes_fixed(plan: _Plan) -> Figure:
    found = [one for _, one in plan.records.scan(Dispute, prefix=plan.prefix) if one.withdrawn is None]
    admitted = [one for one in found if one.role != "citizen" or (one.screened and one.screened.said == "admitted")]
    resolved = sum(one.resolved is not None for one in admitted)
    figures = {
        "disputes": len(found),
        "admitted": len(admitted),
        "resolved": resolved,
        "bp": bp(resolved, len(admitted)),
    }
    return Figure(name="disputes_fixed", figures=figures)


def _late_comments(plan: _Plan) -> Figure:
    received, late = (sum(getattr(one, name) for one in plan.rounds) for name in ("received", "late_comments"))
    channels: dict[str, int] = defaultdict(int)
    for one in plan.rounds:
        for channel, count in one.channels:
            channels[channel] += count
    parts = tuple([Part(channel, {"received": channels[channel]}) for channel in sorted(channels)])
    return Figure(name="late_comments", figures={"received": received, "late": late}, parts=parts)


def _withheld(plan: _Plan) -> Figure:
    grounds: dict[str, int] = defaultdict(int)
    bodies: dict[str, int] = defaultdict(int)
    names = {one.round for one in plan.rounds}
    for _, one in plan.records.scan(ModerationCount):
        if one.round in names and one.act in ("withheld", "redacted", "erased"):
            (grounds if one.ground else bodies)[one.ground or one.organisation] += one.count
    parts = [Part(name, {"acts": count}) for counts in (grounds, bodies) for name, count in sorted(counts.items())]
    states = {name: sum(getattr(one, name) for one in plan.rounds) for name in ("withheld", "redacted", "erased")}
    received = sum(one.received for one in plan.rounds)
    return Figure(name="withheld", figures={"received": received, **states}, parts=tuple(parts))


def _meetings(plan: _Plan) -> Figure:
    gaps = meeting_gaps(plan.scene)
    figures = {
        "meetings": len(meeting_days(plan.scene)),
        "longest_gap": max([one.days for one in gaps], default=0),
        "months_without": sum(one.months for one in gaps),
    }
    return Figure(name="meetings", figures=figures)


def _shared_evidence(plan: _Plan) -> Figure:
    links = [one for found in plan.scene.links.values() for one in found]
    shared = [one for one in links if shared_with(plan.records, one)]
    names = {one.commitment for one in shared}
    figures = {"links": len(links), "shared": len(shared), "bp": bp(len(shared), len(links))}
    ordered = tuple([one.commitment for one in plan.scene.commitments if one.commitment in names])
    return Figure(name="shared_evidence", figures=figures, commitments=ordered)


def _independent_sources(plan: _Plan) -> Figure:
    """Links outside the tracker. Which other hosts are the state's, no methodology says yet."""
    links = [one for found in plan.scene.links.values() for one in found]
    prefixes = plan.scene.parameters.own_pages
    outside = sum(bool(one.url) and not is_own_page(one.url, prefixes) for one in links)
    figures = {"links": len(links), "outside": outside, "bp": bp(outside, len(links))}
    return Figure(name="independent_sources", figures=figures)


def _text_reuse(plan: _Plan) -> Figure:
    cases = plan.cases("text/repeated")
    figures = {"texts": len(texts_in(plan.scene)), "pairs": sum(one.figures["pairs"] for one in cases)}
    return Figure(name="text_reuse", figures=figures, commitments=_distinct(cases))


def _contradictory_dates(plan: _Plan) -> Figure:
    cases = plan.cases("date/after-report", "date/not-yet", "date/evidence-later")
    return Figure(name="contradictory_dates", figures={"cases": len(cases)}, commitments=_distinct(cases))


def _reopened(plan: _Plan) -> Figure:
    """Commitments that fell from complete, and what of a promise was changed after it was registered."""
    fell = {
        key.rpartition("/")[0]
        for key, step in plan.records.scan(LevelStep, prefix=plan.prefix)
        if step.before == "complete" and step.level != "complete"
    }
    reopened = {one.commitment for one in plan.scene.commitments if one.reopened is not None} | fell
    amended = {one.commitment for one in plan.scene.commitments if one.amended is not None}
    changed = [one for found in plan.scene.mechanisms.values() for one in found if one.amended is not None]
    figures = {"reopened": len(reopened), "amended": len(amended), "mechanisms_amended": len(changed)}
    either = reopened | amended | {one.commitment for one in changed}
    ordered = tuple([one.commitment for one in plan.scene.commitments if one.commitment in either])
    return Figure(name="reopened", figures=figures, commitments=ordered)


# OGP has cut its codes anew several times; these are the words of the rounds since 2011 that make a star.
_SPECIFIC = frozenset({"medium", "high", "specific", "verifiable", "yes"})
_AMBITIOUS = frozenset({"moderate", "transformative", "substantial"})
_NOT_RELEVANT = frozenset({"unclear", "none", "no"})


def _codings(plan: _Plan) -> Mapping[str, dict[str, list[str]]]:
    """The codes given to each commitment, by aspect."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for _, one in plan.records.scan(Coding, prefix=plan.prefix):
        found[one.commitment][one.aspect].append(one.code)
    return found


def stars(plan: _Plan) -> tuple[str, ...]:
    """Commitments that could be starred: coded specific, relevant, ambitious, and at least substantial."""
    codings = _codings(plan)
    found: list[str] = []
    for row in plan.matrix.rows:
        given = codings.get(row.commitment, {})
        far = LEVEL_ORDINAL[row.standing.combined.level] >= LEVEL_ORDINAL["substantial"]
        coded = (
            bool(_SPECIFIC & {*given.get("verifiability", ())})
            and bool({*given.get("relevance", ())} - _NOT_RELEVANT)
            and bool(_AMBITIOUS & {*given.get("ambition", ())})
        )
        if far and coded:
            found.append(row.commitment)
    return tuple(found)


def _stars(plan: _Plan) -> Figure:
    found = stars(plan)
    coded = len(_codings(plan))
    return Figure(name="stars", figures={"candidates": len(found), "coded": coded}, commitments=found)


_FIGURES: Sequence[Callable[[_Plan], Figure]] = (
    _of_flag("not_verifiable", "not_verifiable"),
    _self_assessed,
    _of_flag("overdue", "overdue"),
    _dates_moved,
    _contradictory_dates,
    _reopened,
    _silence,
    _responses,
    _disputes_fixed,
    _late_comments,
    _withheld,
    _meetings,
    _shared_evidence,
    _independent_sources,
    _text_reuse,
    _stars,
)


# --- standards --------------------------------------------------------------------------------------------------------


def _held(standard: str, fits: bool, *, known: bool = True, **more: object) -> Standard:
    """A standard with a threshold."""
    return Standard(standard=standard, verdict=("met" if fits else "short") if known else "unknown", **more)  # type: ignore[arg-type]


def _shown(standard: str, *, known: bool, **more: object) -> Standard:
    """A standard whose figures are for a reader to judge."""
    return Standard(standard=standard, verdict="shown" if known else "unknown", **more)  # type: ignore[arg-type]


def _forum(plan: _Plan) -> Standard:
    figures = _meetings(plan).figures
    return _held("S1", figures["longest_gap"] <= HALF_YEAR, known=bool(figures["meetings"]), figures=figures)


def _repository(plan: _Plan) -> Standard:
    """The longest silence. A record that is younger than the threshold shows nothing yet."""
    silence = _silence(plan)
    longest = silence.figures["longest"]
    parts = tuple([Part(one.of, {"longest": one.figures["longest"]}) for one in silence.parts])
    age = plan.scene.as_of - plan.scene.day_of(plan.state.index)
    return _held("S2", longest <= HALF_YEAR, known=age > HALF_YEAR, figures={"longest": longest}, parts=parts)


def _announced(plan: _Plan) -> Standard:
    """Days from the announcement of a round to its opening. Of printed rounds only the days of notices are known."""
    parts: list[Part] = []
    for one in plan.rounds:
        opens = plan.scene.situation.day(one.opens_ms)
        told = [] if one.printed else [plan.scene.day_of(one.index)]
        notices = [notice for _, notice in plan.records.scan(Notice, prefix=f"{one.round}/") if notice.day]
        told += [date.fromisoformat(notice.day).toordinal() for notice in notices if notice.precision == "day"]
        if told:
            parts.append(Part(one.round, {"days": max(0, opens - min(told))}))
    enough = all(one.figures["days"] >= TWO_WEEKS for one in parts)
    return _held("S4", enough, known=bool(parts), parts=tuple(parts))


def _outreach(plan: _Plan) -> Standard:
    media: dict[str, int] = defaultdict(int)
    for one in plan.rounds:
        for _, notice in plan.records.scan(Notice, prefix=f"{one.round}/"):
            media[notice.medium] += 1
    comments = _late_comments(plan)
    parts = [Part(medium, {"notices": count}) for medium, count in sorted(media.items())]
    figures = {"notices": sum(media.values()), "comments": comments.figures["received"]}
    return _shown("S5", known=bool(plan.rounds), figures=figures, parts=(*parts, *comments.parts))


def _reasoned(plan: _Plan) -> Standard:
    """Answers to comments, of the rounds whose day for answers has come."""
    due = [one for one in plan.rounds if answers_due(plan.scene, one) < plan.scene.as_of]
    figures = {name: sum(getattr(one, name) for one in due) for name in ("received", "answered")}
    figures["bp"] = bp(figures["answered"], figures["received"])
    figures |= _waits(due)
    figures["changed"] = sum(one.changed is not None for one in _comments_answered(plan, due))
    whole = figures["answered"] == figures["received"]
    return _held("S6", whole, known=bool(figures["received"]), figures=figures)


def _waits(rounds: Iterable[Round]) -> dict[str, int]:
    """Whole days to the first answers of rounds: the middle one and the longest; nothing where there is no answer."""
    days = sorted([day for one in rounds for day, count in one.first_answers for _ in range(count)])
    return {"median_days": median_low(days), "longest_days": days[-1]} if days else {}


def _comments_answered(plan: _Plan, rounds: Iterable[Round]) -> Iterable[Comment]:
    """Comments with an answer, found by their answers: those of a round without any are not walked through."""
    for one in rounds:
        seen = {reply.comment for _, reply in plan.records.scan(Response, prefix=f"{one.round}/")}
        for index in sorted(seen):
            comment = plan.records.get(Comment, index_key(one.round, index))
            if comment is not None:
                yield comment


def _results(plan: _Plan) -> Standard:
    """Meetings that present results, year by year of the plan."""
    starts, ends = first_day(plan.state.starts), last_day(plan.state.ends)
    if starts is None:
        return _held("S7", fits=False, known=False)
    last = date.fromordinal(min(plan.scene.as_of, ends or plan.scene.as_of)).year
    years = dict.fromkeys(range(date.fromordinal(starts).year, last + 1), 0)
    for first, _, meeting in meeting_days(plan.scene):
        year = date.fromordinal(first).year
        if meeting.meeting_form == "results" and year in years:
            years[year] += 1
    parts = tuple([Part(str(year), {"meetings": count}) for year, count in years.items()])
    return _held("S7", all(n >= RESULTS_A_YEAR for n in years.values()), known=bool(parts), parts=parts)


def _self_assessment(plan: _Plan) -> Standard:
    """Rounds on a draft of the self-assessment: how long, how many late."""
    found = [one for one in plan.rounds if one.concerns == "report_draft"]
    parts = [
        Part(one.round, {"days": (one.closes_ms - one.opens_ms) // 86_400_000, "late": one.late_comments})
        for one in found
    ]
    enough = all(one.figures["days"] >= TWO_WEEKS for one in parts)
    return _held("S8", enough, known=bool(parts), parts=tuple(parts))


def _completion(plan: _Plan) -> Standard:
    rows = [row.standing for row in plan.matrix.rows]
    figures = {
        "commitments": len(rows),
        "reported": sum(bool(one.reported) for one in rows),
        "assessed": sum(any(voice.level for voice in one.voices) for one in rows),
        "over": sum((one.gap or 0) > 0 for one in rows),
        "under": sum((one.gap or 0) < 0 for one in rows),
    }
    return _shown("S9", known=bool(figures["assessed"]), figures=figures)


def _verifiability(plan: _Plan) -> Standard:
    total = len(plan.scene.commitments)
    without = {one.commitments[0] for one in plan.cases("missing/mechanisms", "missing/means")}
    figures = {"verifiable": total - len(without), "of": total, "bp": bp(total - len(without), total)}
    ordered = tuple([one.commitment for one in plan.scene.commitments if one.commitment not in without])
    return _held("S10", not without, known=bool(total), figures=figures, commitments=ordered)


def _coded(standard: str, aspect: str) -> Callable[[_Plan], Standard]:
    def shown(plan: _Plan) -> Standard:
        codes = [code for given in _codings(plan).values() for code in given.get(aspect, ())]
        parts = tuple([Part(code, {"commitments": codes.count(code)}) for code in sorted(set(codes))])
        return _shown(standard, known=bool(codes), figures={"coded": len(codes)}, parts=parts)

    return shown


def _early_results(plan: _Plan) -> Standard:
    before = plan.cases("evidence/before-plan")
    codes = _coded("S13", "early_results")(plan)
    figures = {**codes.figures, "before_plan": len(before)}
    return _shown("S13", known=True, figures=figures, parts=codes.parts, commitments=_distinct(before))


def _starred(plan: _Plan) -> Standard:
    found = _stars(plan)
    return _shown("S14", known=bool(found.figures["coded"]), figures=found.figures, commitments=found.commitments)


def _contrary(plan: _Plan) -> Standard:
    """Three alarms: nobody was asked, the IRM was left without an answer, nothing moved."""
    asked = sum(one.received for one in plan.rounds) + len(meeting_days(plan.scene))
    open_requests = len([one for one in plan.cases("unanswered/request") if _is_irms(plan, one)])
    # Any voice counts: that no evidence was captured is not that nothing was done.
    levels = [values_of(row.standing).values() for row in plan.matrix.rows]
    begun = sum(any(LEVEL_ORDINAL[level] > 0 for level in said) for said in levels)
    figures = {"engagement": asked, "irm_unanswered": open_requests, "begun": begun}
    return _held("S15", asked > 0 and open_requests == 0 and begun > 0, figures=figures)


def _is_irms(plan: _Plan, one: Anomaly) -> bool:
    request = plan.records.get(Request, index_key(commitment_of(one.subject), one.entries[0]))
    return request is not None and request.role == "irm"


def _findings_kept(plan: _Plan) -> Standard:
    """Verdicts of the IRM, and how many of them anybody else withdrew."""
    given = [one for _, one in plan.records.scan(Verdict, prefix=plan.prefix) if one.role == "irm"]
    by_others = 0
    for one in given:
        if one.withdrawn is not None:
            line = plan.records.get(HistoryLine, index_key(commitment_of(one.mechanism), one.withdrawn))
            by_others += line is None or not any(signer.partition(":")[0] == one.actor for signer in line.signers)
    return _held("S16", by_others == 0, known=bool(given), figures={"verdicts": len(given), "by_others": by_others})


_TEMPLATE: Mapping[str, Callable[[Commitment], object]] = {
    "dates": lambda one: one.starts and (one.due or one.completion_date),
    "lead": lambda one: one.institution,
    "problem": lambda one: one.problem,
    "milestones": lambda one: one.mechanisms,
    "results": lambda one: one.reported and one.reported.reason,
}


def _template(plan: _Plan) -> Standard:
    """The fields of OGP's template, beside number and name, which no commitment lacks."""
    total = len(plan.scene.commitments)
    parts = tuple(
        [
            Part(field, {"filled": sum(bool(has(one)) for one in plan.scene.commitments), "of": total})
            for field, has in _TEMPLATE.items()
        ]
    )
    whole = sum(all(has(one) for has in _TEMPLATE.values()) for one in plan.scene.commitments)
    return _held("S17", whole == total, known=bool(total), figures={"whole": whole, "of": total}, parts=parts)


def _recomputed(plan: _Plan) -> Standard:
    claims = [claim for report in plan.scene.reports for claim in report.claims]
    checked = [claim for claim in claims if claim.verdict != "not_computable"]
    differing = sum(claim.verdict == "differs" for claim in checked)
    figures = {"claims": len(claims), "checked": len(checked), "differing": differing}
    return _held("S19", differing == 0, known=bool(checked), figures=figures)


def _not_silenced(plan: _Plan) -> Standard:
    withheld = _withheld(plan)
    names = {one.round for one in plan.rounds}
    governing = plan.scene.situation.governing
    by_government = sum(
        bool(governing & {*act.organisations})
        for _, act in plan.records.scan(ModerationAct, prefix="moderation/")
        if act.round in names
    )
    figures = {**withheld.figures, "by_government": by_government}
    known = bool(figures["received"])
    return _held("S20", by_government == 0, known=known, figures=figures, parts=withheld.parts)


# S3 is of local members. S18, how many commitments a plan should have, waits for a source.
_STANDARDS: Sequence[Callable[[_Plan], Standard]] = (
    _forum,
    _repository,
    _announced,
    _outreach,
    _reasoned,
    _results,
    _self_assessment,
    _completion,
    _verifiability,
    _coded("S11", "relevance"),
    _coded("S12", "ambition"),
    _early_results,
    _starred,
    _contrary,
    _findings_kept,
    _template,
    _recomputed,
    _not_silenced,
)
STANDARDS = tuple([f"S{n}" for n in range(1, 21) if n not in (3, 18)])
"""The standards that a record can show, in their order."""

"""What is otherwise between two moments: in words, with the rule that fired. "What fell this month, and why."

A moment is a day or a tree size; what lies between is the difference of two matrices (`projections.comparison`), so
anybody can compute it again. The page speaks of the last month unless it is asked for another span.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from litestar import Response

from api.names import msg
from api.phrasing import plain
from api.problems import Problem
from api.reading import Reading, answer, code_of, lower
from api.reasons import explainer
from api.record import Reader, View
from projections.commitments import Commitment, PlanState
from projections.comparison import EVIDENCED, REPORTED, Change, changes_between
from projections.grading import Reason
from projections.roll import DayStart

MAX_SHOWN = 200
"""Changes of one kind that a page lists; all of them are in the data."""

GROUPS = (
    ("evidence", msg("What the evidence reaches"), msg("No commitment moved.")),
    ("grades", msg("Pieces of evidence"), msg("No piece of evidence rose or fell.")),
    (REPORTED, msg("What is reported"), msg("Nothing else was reported.")),
    ("voice", msg("What others find"), msg("No assessor said anything else.")),
    ("commitment", msg("New commitments"), ""),
)


class Span:
    """Two states of a plan and what lies between them."""

    def __init__(self, reader: Reader, plan: str, before: View, after: View) -> None:
        self.before, self.after = before, after
        earlier, later = [reader.matrix(plan, view.size, view.day) for view in (before, after)]
        self.changes = changes_between(earlier, later)


class Moments:
    """Views by moments: a day (`2026-05-01`) or a tree size (`812`)."""

    def __init__(self, reader: Reader, view: View) -> None:
        self._reader = reader
        self._view = view

    def __call__(self, moment: str) -> View:
        """The view of a moment. Raises Problem."""
        if moment.isascii() and moment.isdigit() and len(moment) <= 15:
            return self._reader.at(int(moment))
        return self._reader.as_of(moment)

    def first_day(self) -> str:
        """The day of the first entry."""
        return next((day for day, _ in self._view.records.scan(DayStart, limit=1)), self._view.day)

    def span(self, plan: str, start: str, end: str) -> Span:
        """The span that a request names; without an end up to the view, without a start a month back from there.

        Raises Problem for a moment that is neither a day nor a size, and where the end comes before the start.
        """
        after = self(end) if end else self._view
        before = self(start) if start else self(max(month_before(after.day), self.first_day()))
        if not start and before.size >= after.size:  # all of a young record lies in its first day
            known = [one.index for _, one in self._view.records.scan(Commitment, prefix=f"{plan}/")]
            before = self(str(min(max(known, default=0) + 1, after.size)))
        if (before.size, before.day) > (after.size, after.day):
            raise Problem(400, "The span ends before it begins: exchange the two.")
        return Span(self._reader, plan, before, after)


def month_before(day: str) -> str:
    """The same day of the month before, or that month's last."""
    end = date.fromisoformat(day)
    last = end.replace(day=1) - timedelta(days=1)
    return last.replace(day=min(end.day, monthrange(last.year, last.month)[1])).isoformat()


def changes_page(reading: Reading) -> Response[bytes]:
    """What changed in a plan between two moments."""
    name = reading.place.segments[1]
    plan = reading.view.records.get(PlanState, name)
    if plan is None:
        raise Problem(404, "There is no such plan.")
    moments = Moments(reading.reader, reading.view)
    start, end = reading.query.get("desde", "").strip(), reading.query.get("hasta", "").strip()
    span = moments.span(name, start, end)
    steps = [one.steps for one in span.changes if one.what == EVIDENCED]
    explain = explainer(reading, name)
    return answer(
        reading,
        "changes.html",
        filters={"desde": start, "hasta": end},
        plan={"id": name, "title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", name)},
        before=moment_words(reading, span.before),
        after=moment_words(reading, span.after),
        days={"first": reading.say.day(first := moments.first_day()), "least": first, "most": reading.view.day},
        earlier=_month_link(reading, name, span.before, moments),
        fell=sum(step < 0 for step in steps),
        rose=sum(step > 0 for step in steps),
        groups=[
            group
            for group in (_group(reading, span, explain, *one) for one in GROUPS)
            if group["empty"] or group["found"]
        ],
        total=len(span.changes),
        data=reading.place.raw("api", "plans", name, "changes") + f"?from={span.before.size}&to={span.after.size}",
    )


def _month_link(reading: Reading, plan: str, before: View, moments: Moments) -> str | None:
    """The month before the span, where there was one."""
    if before.day <= moments.first_day():
        return None
    desde = max(month_before(before.day), moments.first_day())
    return reading.place.to("planes", plan, "cambios", desde=desde, hasta=before.day)


def moment_words(reading: Reading, view: View) -> dict[str, Any]:
    """A moment in words: the day and the size."""
    return {"day": reading.say.day(view.day), "iso": view.day, "size": view.size}


Explain = Callable[[Reason], dict[str, Any]]


def _group(reading: Reading, span: Span, explain: Explain, key: str, heading: str, empty: str) -> dict[str, Any]:
    found = [change for change in span.changes if group_of(change) == key]
    found.sort(key=lambda change: (change.steps >= 0, abs(change.steps) * -1))  # what fell comes first
    return {
        "key": key,
        "heading": reading.text(heading),
        "empty": reading.text(empty) if empty else "",
        "found": [change_words(reading, change, explain) for change in found[:MAX_SHOWN]],
        "count": len(found),
    }


def group_of(change: Change) -> str:
    """Under which heading a change stands."""
    if change.what == "grade":
        return "grades"
    return "evidence" if change.what in (EVIDENCED, "contested") else change.what


def change_words(reading: Reading, change: Change, explain: Explain) -> dict[str, Any]:
    """A change in one sentence, its direction, and why."""
    return {
        "code": code_of(change.commitment),
        "href": reading.to_commitment(change.commitment),
        "sentence": sentence_of_change(reading, change),
        "direction": _direction(change),
        "link": change.link,
        "reasons": [explain(one) for one in change.reasons],
    }


def _direction(change: Change) -> str:
    if change.what in ("contested", "commitment"):
        return ""
    return "fell" if change.steps < 0 else "rose" if change.steps > 0 else ""


def sentence_of_change(reading: Reading, change: Change) -> str:
    """What changed, in one sentence."""
    match change.what:
        case "commitment":
            return reading.text("The commitment was registered.")
        case "contested":
            if change.after == "yes":
                return reading.text("The assessors' verdicts differ now.")
            return reading.text("The assessors' verdicts do not differ any more.")
        case "grade":
            return _grade_sentence(reading, change)
        case _:
            return _level_sentence(reading, change)


def _level_sentence(reading: Reading, change: Change) -> str:
    names = {
        "before": change.before and lower(reading, change.before),
        "after": change.after and lower(reading, change.after),
    }
    if change.what == "voice":
        who = plain(reading.actor(change.who))
        if not change.after:
            return reading.text("%(who)s took back «%(before)s».", who=who, **names)
        if not change.before:
            return reading.text("%(who)s finds «%(after)s».", who=who, **names)
        return reading.text("%(who)s finds «%(after)s»; before, «%(before)s».", who=who, **names)
    if change.what == REPORTED:
        if not change.before:
            return reading.text("«%(after)s» is reported.", **names)
        return reading.text("«%(after)s» is reported; before, «%(before)s».", **names)
    return reading.text("The evidence reaches «%(after)s»; before, «%(before)s».", **names)


def _grade_sentence(reading: Reading, change: Change) -> str:
    mechanism = change.mechanism.rpartition(".")[2]
    if not change.before:
        return reading.text(
            "New evidence for %(mechanism)s, with grade %(after)s.", mechanism=mechanism, after=change.after
        )
    words = {"mechanism": mechanism, "before": change.before, "after": change.after}
    if change.steps < 0:
        return reading.text("Evidence for %(mechanism)s fell from grade %(before)s to %(after)s.", **words)
    return reading.text("Evidence for %(mechanism)s rose from grade %(before)s to %(after)s.", **words)

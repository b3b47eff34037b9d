"""Two plans of the ledger side by side, by the same figures.

    /gt/planes/<plan>/junto-a?otro=     the plan beside another: the first of the others where none is named

Plans differ in how many commitments they have, so every figure stands with its denominator and its share; a figure that
is of some commitments only (those that the IRM has assessed) names how many those are. A figure leads to the
commitments behind it. Everything is computed from the matrix of each plan, as its comparison shows it, and the page
says whether both stand on the same parameters: what is not counted alike is not to be compared.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from litestar import Response

from api.charts import width
from api.names import LEVELS, msg
from api.page_comparison import CONDITIONS, WIDE_GAP, basis, strip
from api.problems import Problem
from api.reading import Reading, answer
from ledger.vocabulary import LEVEL_ORDINAL, Parameters
from projections.commitments import PlanState
from projections.comparison import EVIDENCED, REPORTED, Matrix, Row

Figure = Callable[[Row], bool | None]
"""Whether something is so of a commitment; None where nobody can tell, and it is not counted at all."""


def _flagged(flag: str) -> Figure:
    return lambda row: flag in row.standing.flags


def _judged(row: Row) -> bool:
    """Whether somebody independent has judged every mechanism."""
    return all(any(one.state == "in_force" for one in each.verdicts) for each in row.standing.mechanisms)


def _irm_finds_less(row: Row) -> bool | None:
    """Whether the IRM says a lower level than is reported; None where either says none."""
    said = next((voice.level for voice in row.standing.voices if voice.role == "irm" and voice.level), "")
    if not said or not row.standing.reported:
        return None
    return LEVEL_ORDINAL[said] < LEVEL_ORDINAL[row.standing.reported]


# What it is called, the condition of the comparison by which its commitments are found there, and what is counted.
FIGURES: Sequence[tuple[str, str, Figure]] = (
    (msg("With a gap of two levels or more"), "gap", lambda row: (row.standing.gap or 0) >= WIDE_GAP),
    (msg("The evidence reaches less than is reported"), "", lambda row: (row.standing.gap or 0) > 0),
    (msg("The evidence reaches more than is reported"), "", lambda row: (row.standing.gap or 0) < 0),
    (msg("The IRM finds less than is reported, of those that it has assessed"), "", _irm_finds_less),
    (msg("With a verdict on every mechanism"), "", _judged),
    (msg("Contested between assessors"), "contested", lambda row: row.standing.contested),
    (msg("Not verifiable"), "not_verifiable", _flagged("not_verifiable")),
    (msg("Reported by their own coordinator"), "self_assessed", _flagged("self_assessed")),
    (msg("Past their due day"), "overdue", _flagged("overdue")),
    (msg("With nothing captured"), "no_capture", _flagged("no_capture")),
    (msg("With evidence in dispute"), "disputed", _flagged("disputed")),
)

_FILTERS: Mapping[str, str] = {one.code: one.name for one in CONDITIONS}


class Side(msgspec.Struct, frozen=True):
    """One of the two plans; `short` is what a narrow column calls it."""

    plan: PlanState
    matrix: Matrix
    short: str


def two_plans_page(reading: Reading) -> Response[bytes]:
    """Two plans of the ledger by the same figures; one alone, where there is no other."""
    plans = dict(reading.plans)
    one = reading.place.segments[1]
    other = reading.query.get("otro", "") or next((key for key in plans if key != one), "")
    sides = _sides(reading, [name for name in (one, other) if name])
    return answer(
        reading,
        "two_plans.html",
        plan={"id": one, "title": sides[0].plan.title, "lang": sides[0].plan.lang},
        others=[{"id": key, "title": plan.title, "chosen": key == other} for key, plan in plans.items() if key != one],
        sides=[_side_words(reading, side) for side in sides],
        alike=_alike(reading, sides),
        levels=[(level, [_at_level(reading, side, level) for side in sides]) for level in LEVELS],
        figures=[
            (reading.text(name), [_cell(reading, side, figure, _behind(reading, side, condition)) for side in sides])
            for name, condition, figure in FIGURES
        ],
    )


def _sides(reading: Reading, names: Sequence[str]) -> list[Side]:
    """The plans with their matrices. Raises Problem (404)."""
    plans = dict(reading.plans)
    if not all(name in plans for name in names):
        raise Problem(404, "There is no such plan.")
    shorts = [_years(plans[name]) or name for name in names]
    if len(set(shorts)) < len(shorts):
        shorts = list(names)
    matrices = [reading.reader.matrix(name, reading.view.size, reading.view.day) for name in names]
    return [Side(plans[name], matrix, short) for name, matrix, short in zip(names, matrices, shorts, strict=True)]


def _years(plan: PlanState) -> str:
    """2014–2016; nothing where it does not say from when to when."""
    first, last = plan.starts.day[:4], plan.ends.day[:4]
    return f"{first}\N{EN DASH}{last}" if first and last else ""


def _alike(reading: Reading, sides: Sequence[Side]) -> bool:
    """Whether all that is computed of these plans is computed by the same parameters."""
    found: list[Parameters] = [reading.view.situation(side.plan.plan).parameters for side in sides]
    return all(one == found[0] for one in found)


def _side_words(reading: Reading, side: Side) -> dict[str, Any]:
    """What stands above the figures of a plan: what it is, its commitments as marks, and where to read on."""
    to = reading.place.to
    name = side.plan.plan
    return {
        "id": name,
        "title": side.plan.title,
        "lang": side.plan.lang,
        "short": side.short,
        "href": to("planes", name),
        "comparison": to("planes", name, "comparacion"),
        "standards": to("planes", name, "indicadores"),
        "findings": to("planes", name, "hallazgos"),
        "total": len(side.matrix.rows),
        "reported": strip(reading, side.matrix, REPORTED),
        "evidenced": strip(reading, side.matrix, EVIDENCED),
        "basis": basis(reading, side.matrix),
    }


def _at_level(reading: Reading, side: Side, level: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """How many commitments are reported at a level, and how many the evidence puts there."""
    listed = reading.place.to("planes", side.plan.plan, nivel=level) + "#compromisos"
    return (
        _cell(reading, side, lambda row: row.standing.reported == level, listed),
        _cell(reading, side, lambda row: row.standing.combined.level == level),
    )


def _behind(reading: Reading, side: Side, condition: str) -> str:
    """Where the commitments that fulfil a condition are listed; nothing for what is no condition of the comparison."""
    if not condition:
        return ""
    return reading.place.to("planes", side.plan.plan, "comparacion", **{_FILTERS[condition]: "si"}) + "#compromisos"


def _cell(reading: Reading, side: Side, figure: Figure, href: str = "") -> dict[str, Any]:
    """How many of how many, and which share that is, in whole percent; the share is empty where nobody can tell."""
    told = [holds for holds in (figure(row) for row in side.matrix.rows) if holds is not None]
    count, of = sum(told), len(told)
    return {
        "count": reading.say.number(count),
        "of": reading.say.number(of),
        "share": reading.say.percent((200 * count + of) // (2 * of)) if of else "",
        "width": width(count, of),
        "href": href if count else "",
        "short": side.short,
    }

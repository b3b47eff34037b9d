"""One sheet for each commitment, in the fields that an action plan's template asks for; and two plans side by side.

    /gt/planes/<plan>/fichas            every commitment on a sheet of its own, for paper; ?compromiso=C8 for one
    /gt/planes/<plan>/junto-a?otro=     two plans by the same figures, each with its denominator

A sheet has what was promised (number, name, dates, who leads, who takes part, the problem, what is to be done, why it
is relevant and ambitious, milestones) and what came of it in all voices. What a sheet is to have and the record does
not is named as missing: that is how complete a plan's registration is. Figures are computed from the same matrix as the
comparison's; nothing is compared that is not counted alike.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from litestar import Response

from api.names import LEVELS, msg
from api.page_assessing import gap_words, mechanism_words, tags_of
from api.page_commitments import promise_fields
from api.problems import Problem
from api.reading import Reading, answer, code_of
from projections.commitments import Commitment, Mechanism, PlanState
from projections.comparison import Matrix, Row
from projections.evidence import Evidence

# What a sheet is to have, by the field of the record. The milestones' own fields are looked at one by one.
ASKED: Mapping[str, str] = {
    "objective": msg("Objective"),
    "description": msg("Description"),
    "problem": msg("Problem it addresses"),
    "relevance": msg("Relevance"),
    "ambition": msg("Ambition"),
    "post": msg("Office responsible"),
    "starts": msg("Starts"),
    "due": msg("Due"),
}


def sheets_page(reading: Reading) -> Response[bytes]:
    """The sheets of a plan's commitments."""
    plan, matrix = _asked(reading, reading.place.segments[1])
    code = reading.query.get("compromiso", "")
    rows = [row for row in matrix.rows if not code or code_of(row.commitment) == code]
    if code and not rows:
        raise Problem(404, "There is no such commitment.")
    return answer(
        reading,
        "sheets.html",
        plan={"id": plan.plan, "title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", plan.plan)},
        sheets=[sheet_words(reading, row) for row in rows],
        alone=bool(code),
    )


def _asked(reading: Reading, name: str) -> tuple[PlanState, Matrix]:
    """A plan and its matrix. Raises Problem (404)."""
    plan = reading.view.records.get(PlanState, name)
    if plan is None:
        raise Problem(404, "There is no such plan.")
    return plan, reading.reader.matrix(name, reading.view.size, reading.view.day)


def sheet_words(reading: Reading, row: Row) -> dict[str, Any]:
    """What stands on the sheet of a commitment."""
    commitment = reading.view.records.get(Commitment, row.commitment)
    assert commitment is not None
    links = {one.index: one for _, one in reading.view.records.scan(Evidence, prefix=f"{row.commitment}/")}
    standing = row.standing
    mechanisms = [
        mechanism_words(reading, one, links) | milestone_words(reading, one.mechanism) for one in standing.mechanisms
    ]
    return {
        "code": code_of(row.commitment),
        "number": row.number,
        "proposer": row.proposer,
        "title": row.title,
        "lang": row.lang,
        "href": reading.to_commitment(row.commitment),
        "index": commitment.index,
        "institution": reading.actor(commitment.institution),
        "post": commitment.post,
        "fields": promise_fields(reading, commitment),
        "mechanisms": mechanisms,
        "reported": standing.reported,
        "reason": commitment.reported.reason if commitment.reported else "",
        "voices": [(reading.actor(voice.organisation), voice.level) for voice in standing.voices if voice.level],
        "evidenced": standing.combined.level,
        "gap_words": gap_words(reading, standing),
        "tags": tags_of(reading, standing),
        "evidence": len(links),
        "missing": missing_in(reading, commitment),
    }


def milestone_words(reading: Reading, mechanism: str) -> dict[str, str]:
    """What a milestone is to reach, and by when."""
    found = reading.view.records.get(Mechanism, mechanism)
    goal = ""
    if found is not None and found.goal is not None:
        value, decimals, unit = found.goal
        goal = f"{reading.say.decimal(value, decimals)} {unit}"
    due = reading.say.date(found.due) if found is not None and found.due and found.due.day else ""
    return {"goal": goal, "due": due}


def missing_in(reading: Reading, commitment: Commitment) -> list[str]:
    """What a sheet is to have and the record does not."""
    missing = [reading.text(name) for field, name in ASKED.items() if not getattr(commitment, field)]
    return missing if commitment.mechanisms else [*missing, reading.text("Milestones with their means of verification")]


# --- two plans -------------------------------------------------------------------------------------------------------

Figure = Callable[[Row], bool]


def _flagged(flag: str) -> Figure:
    return lambda row: flag in row.standing.flags


def _judged(row: Row) -> bool:
    """Whether somebody independent has judged every mechanism."""
    return all(any(one.state == "in_force" for one in each.verdicts) for each in row.standing.mechanisms)


FIGURES: Sequence[tuple[str, Figure]] = (
    (msg("With a gap of two levels or more"), lambda row: row.standing.gap is not None and row.standing.gap >= 2),
    (msg("With a verdict on every mechanism"), _judged),
    (msg("Contested between assessors"), lambda row: row.standing.contested),
    (msg("Not verifiable"), _flagged("not_verifiable")),
    (msg("Reported by their own coordinator"), _flagged("self_assessed")),
    (msg("Past their due day"), _flagged("overdue")),
    (msg("With nothing captured"), _flagged("no_capture")),
    (msg("With evidence in dispute"), _flagged("disputed")),
)


def side_by_side_page(reading: Reading) -> Response[bytes]:
    """Two plans of the ledger by the same figures."""
    plans = dict(reading.view.records.scan(PlanState))
    one = reading.place.segments[1]
    other = reading.query.get("otro", "") or next((key for key in plans if key != one), "")
    chosen = [_asked(reading, name) for name in (one, other) if name]
    columns = [matrix.rows for _, matrix in chosen]
    return answer(
        reading,
        "side_by_side.html",
        plan={
            "id": one,
            "title": chosen[0][0].title,
            "lang": chosen[0][0].lang,
            "href": reading.place.to("planes", one),
        },
        others=[{"id": key, "title": plan.title, "chosen": key == other} for key, plan in plans.items() if key != one],
        columns=[
            {
                "title": plan.title,
                "lang": plan.lang,
                "href": reading.place.to("planes", plan.plan),
                "count": len(matrix.rows),
            }
            for plan, matrix in chosen
        ],
        levels=[
            (level, [(_count(rows, _reported(level)), _count(rows, _evidenced(level)), len(rows)) for rows in columns])
            for level in LEVELS
        ],
        figures=[
            (reading.text(name), [(_count(rows, figure), len(rows)) for rows in columns]) for name, figure in FIGURES
        ],
    )


def _count(rows: Sequence[Row], figure: Figure) -> int:
    return sum(figure(row) for row in rows)


def _reported(level: str) -> Figure:
    return lambda row: row.standing.reported == level


def _evidenced(level: str) -> Figure:
    return lambda row: row.standing.combined.level == level

"""One sheet for each commitment, in the fields that an action plan's template asks for.

    /gt/planes/<plan>/fichas            every commitment on a sheet of its own, for paper; ?compromiso=C8 for one

A sheet has what was promised (number, name, dates, who leads, who takes part, the problem, what is to be done, why it
is relevant and ambitious, milestones) and what came of it in all voices. What a sheet is to have and the record does
not is named as missing: that is how complete a plan's registration is. Levels are those of the comparison's matrix.
"""

from collections.abc import Mapping
from typing import Any

from litestar import Response

from api.names import msg
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

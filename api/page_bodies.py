"""Pages of bodies: what an institution answers for and how it keeps up with it; what an organisation says.

    /gt/instituciones/{slug}     its commitments, how long it has been silent, what it owes and since when
    /gt/organizaciones/{slug}    its roles, the levels that it gives beside the others, what it said last

Both follow from the same tables as the exports (`api.tables`), computed for the day of the view.
"""

from datetime import date
from typing import Any

from litestar import Response

from api.downloads import stand_asked
from api.feeds import body_of, newest_lines, said_by, topics_of
from api.reading import Reading, answer, code_of, line_of
from api.tables import TABLES, Stand
from api.tabular import Row
from projections.commitments import Commitment, Day, PlanState
from projections.comparison import Row as MatrixRow
from projections.roll import Actor, RoleHeld

LATEST = 20


def institution_page(reading: Reading) -> Response[bytes]:
    """An institution: its commitments, its silence, what it owes."""
    body = body_of(reading)
    plans = [_plan_words(reading, stand, body) for stand in _stands(reading)]
    return answer(
        reading,
        "institution.html",
        body=_body_words(reading, body),
        plans=[plan for plan in plans if plan["rows"] or plan["owed"]],
        day=reading.say.day(reading.view.day),
    )


def _stands(reading: Reading) -> list[Stand]:
    return [stand_asked(reading.reader, reading.view, plan) for plan, _ in reading.view.records.scan(PlanState)]


def _body_words(reading: Reading, body: Actor) -> dict[str, Any]:
    held = [role for _, role in reading.view.records.scan(RoleHeld, prefix=f"{body.actor}/")]
    return {
        "id": body.actor,
        "name": body.name,
        "form": body.form,
        "of": reading.actor(body.of) if body.of else "",
        "site": body.site,
        "index": body.index,
        "roles": [
            reading.say.name("role", role) for role in dict.fromkeys(one.role for one in held if one.ended is None)
        ],
    }


def _plan_words(reading: Reading, stand: Stand, body: Actor) -> dict[str, Any]:
    """What an institution answers for in a plan."""
    rows = [row for row in stand.matrix.rows if row.institution == body.actor]
    return {
        "id": stand.plan.plan,
        "title": stand.plan.title,
        "lang": stand.plan.lang,
        "href": reading.place.to("planes", stand.plan.plan),
        "rows": [_row_words(reading, row) for row in rows],
        "silence": _silence(reading, stand, body),
        "owed": list(_owed(reading, stand, body)),
    }


def _row_words(reading: Reading, row: MatrixRow) -> dict[str, Any]:
    """A commitment in the list of its institution."""
    commitment = reading.view.records.get(Commitment, row.commitment)
    assert commitment is not None
    standing = row.standing
    return {
        "code": code_of(row.commitment),
        "title": row.title,
        "lang": row.lang,
        "href": reading.to_commitment(row.commitment),
        "reported": standing.reported,
        "evidenced": standing.combined.level,
        "gap": standing.gap,
        "overdue": "overdue" in standing.flags,
        "date": reading.say.date(commitment.completion_date) if commitment.completion_date else "",
        "moved": commitment.dates_moved,
    }


def _silence(reading: Reading, stand: Stand, body: Actor) -> dict[str, Any]:
    """When it last said anything about the plan, and how many days ago that was."""
    by = said_by(reading, body.actor)
    lines, _ = newest_lines(reading, topics_of(reading, stand.plan.plan), stand.size, by, limit=1)
    if not lines:
        return {"line": None, "days": 0, "long": False}
    then = date.fromisoformat(stand.day(lines[0].received_ms)).toordinal()
    days = stand.situation.as_of - then
    return {"line": lines[0], "days": days, "long": days > stand.situation.parameters.silence_days}


def _owed(reading: Reading, stand: Stand, body: Actor) -> list[dict[str, Any]]:
    """Requests and disputes that wait for an answer of an institution, those due first at the top."""
    ours = {row.commitment for row in stand.matrix.rows if row.institution == body.actor}
    found: list[dict[str, Any]] = []
    for row in TABLES["requests"].rows(stand):
        waits = row["withdrawn"] is None and row["answered"] is None and not row["links"]
        if waits and row["institution"] == body.actor:
            due = Day(precision=str(row["due_precision"]), day=str(row["due"] or ""))
            found.append(_debt(reading, row, "request", due, overdue=bool(row["overdue"])))
    for row in TABLES["disputes"].rows(stand):
        if row["state"] in ("open", "unanswered") and row["commitment"] in ours:
            due = Day(precision="day", day=str(row["answer_due"]))
            found.append(_debt(reading, row, "dispute", due, overdue=row["state"] == "unanswered"))
    return sorted(found, key=lambda one: one["since"])


def _debt(reading: Reading, row: Row, what: str, due: Day, *, overdue: bool) -> dict[str, Any]:
    """Something that waits for an answer."""
    commitment = str(row["commitment"])
    return {
        "what": what,
        "index": row["index"],
        "code": code_of(commitment),
        "href": reading.to_commitment(commitment),
        "due": reading.say.date(due),
        "since": (due.day, row["index"]),
        "overdue": overdue,
    }


# --- organisations ---------------------------------------------------------------------------------------------------


def organisation_page(reading: Reading) -> Response[bytes]:
    """An organisation: its roles, its levels beside the others, what it said last."""
    body = body_of(reading)
    stands = _stands(reading)
    topics = [topic for stand in stands for topic in topics_of(reading, stand.plan.plan)]
    lines, _ = newest_lines(reading, topics, reading.view.size, said_by(reading, body.actor), limit=LATEST)
    plans = [_voice_words(reading, stand, body) for stand in stands]
    return answer(
        reading,
        "organisation.html",
        body=_body_words(reading, body),
        plans=[plan for plan in plans if plan["rows"]],
        lines=[line_of(reading, reading.view.entry(line.index)) for line in lines],
        day=reading.say.day(reading.view.day),
    )


def _voice_words(reading: Reading, stand: Stand, body: Actor) -> dict[str, Any]:
    """The commitments of a plan of which an organisation has said how far they are."""
    rows: list[dict[str, Any]] = []
    for row in stand.matrix.rows:
        voice = next((one for one in row.standing.voices if one.organisation == body.actor), None)
        if voice is not None and (voice.level or voice.lens):
            level = voice.level or (voice.lens.level if voice.lens else "")
            rows.append(
                _row_words(reading, row) | {"level": level, "level_index": voice.index, "partly": not voice.level}
            )
    return {
        "id": stand.plan.plan,
        "title": stand.plan.title,
        "lang": stand.plan.lang,
        "href": reading.place.to("planes", stand.plan.plan),
        "rows": rows,
    }

"""Everything that one organisation has found, to take away: levels, verdicts, codes, requests, disputes, with reasons.

    /gt/evaluaciones                                    the organisations that assess, and how much each has stated
    /gt/evaluaciones/<organisation>?plan=               its whole assessment by commitment, for reading and for paper
    /gt/evaluaciones/<organisation>/csv                 the same, a row for each act; /json in the API's envelope

A row is one statement and how it stands at this view. Nothing is left out: what was withdrawn, replaced or has lapsed
keeps its row and says so. Words that were said in the open are given; others stand in the vault, as far as they are
public.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from litestar import Response
from msgspec import UNSET

from api import answers, site
from api.names import msg
from api.page_assessing import assessors_of, dispute_state, organisation_of
from api.problems import Problem
from api.reading import Reading, answer, code_of, words_of
from api.tabular import FORMS, Column, Row, csv_lines
from ledger.statement import format_time
from ledger.vocabulary import (
    CommitmentCoded,
    CompletionAssessed,
    DisputeResolved,
    DisputeScreened,
    EvidenceDisputed,
    EvidenceRequested,
    Statement,
    VerdictGiven,
    Words,
    commitment_of,
)
from projections.commitments import Commitment, PlanState
from projections.comparison import Matrix
from projections.evidence import Assessment, Coding, Dispute, Request, Verdict

COLUMNS = (
    Column("index", "integer", "Número del asiento.", "Number of the entry."),
    Column("received_at", "dateTimeStamp", "Cuándo se recibió.", "When it was received."),
    Column("kind", "string", "Clase de declaración.", "Kind of statement."),
    Column("commitment", "string", "Compromiso.", "Commitment."),
    Column("mechanism", "string", "Mecanismo, si es de uno.", "Mechanism, if it is about one."),
    Column("actor", "string", "Quien firma.", "Who signed."),
    Column("role", "string", "En qué papel.", "In which role."),
    Column("value", "string", "Nivel, código, objeción o decisión.", "Level, code, objection or decision."),
    Column("aspect", "string", "Aspecto codificado.", "Aspect that is coded."),
    Column("state", "string", "Cómo está ahora.", "How it stands now."),
    Column("due", "date", "Día pedido.", "Day asked for."),
    Column("assessment", "string", "Evaluación de la que es parte.", "Assessment that it is part of."),
    Column("words", "string", "Razones, si están a la vista.", "Reasons, where they are in view."),
    Column("digests", "string", "Archivos leídos (SHA-256).", "Files that were read (SHA-256).", many=True),
    Column("about", "integer", "Asientos de los que trata.", "Entries that it is about.", many=True),
    Column("identity", "string", "Identidad de la declaración.", "Identity of the statement."),
)


STATES: Mapping[str, str] = {
    "in_force": msg("in force"),
    "suspended": msg("suspended while its evidence is in dispute"),
    "lapsed": msg("lapsed"),
    "void": msg("void: its key was compromised"),
    "withdrawn": msg("withdrawn"),
    "replaced": msg("replaced by a later one"),
    "answered": msg("answered"),
    "waiting": msg("without an answer"),
    "questioned": msg("not screened"),
    "open": msg("admitted, without an answer"),
    "upheld": msg("resolved: upheld"),
    "partly": msg("resolved: upheld in part"),
    "rejected": msg("resolved: rejected"),
    "declined": msg("not admitted"),
}


# --- what an organisation stated -------------------------------------------------------------------------------------


class Stated(msgspec.Struct, frozen=True):
    """A statement of an organisation, by its entry, and how it stands."""

    index: int
    state: str


def stated_by(reading: Reading, matrix: Matrix, organisation: str) -> list[Stated]:
    """Every act of assessment of an organisation in a plan, in the order of entries."""
    records, prefix = reading.view.records, f"{matrix.plan}/"

    def ours(actor: str) -> bool:
        return bool(actor) and organisation_of(reading, actor) == organisation

    states = {
        one.index: one.state
        for row in matrix.rows
        for mechanism in row.standing.mechanisms
        for one in mechanism.verdicts
    }
    found = [
        Stated(one.index, states.get(one.index, "withdrawn" if one.withdrawn is not None else "replaced"))
        for _, one in records.scan(Verdict, prefix=prefix)
        if ours(one.actor)
    ]
    found += [
        Stated(one.index, "in_force")
        for row in matrix.rows
        if (commitment := records.get(Commitment, row.commitment)) is not None
        for one in commitment.assessed
        if ours(one.actor)
    ]
    found += [Stated(one.index, "in_force") for _, one in records.scan(Coding, prefix=prefix) if ours(one.actor)]
    found += [
        Stated(one.index, "answered" if one.answers else "waiting")
        for _, one in records.scan(Request, prefix=prefix)
        if ours(one.actor)
    ]
    found += [act for _, one in records.scan(Dispute, prefix=prefix) for act in _acts_of(one, ours)]
    return sorted({one.index: one for one in found}.values(), key=lambda one: one.index)


def _acts_of(dispute: Dispute, ours: Callable[[str], bool]) -> Iterator[Stated]:
    """What an organisation did about a dispute: opened, screened, resolved it."""
    if ours(dispute.actor):
        settled = dispute.resolved.said if dispute.resolved else "withdrawn"
        state = dispute_state(dispute)
        yield Stated(dispute.index, settled if state == "settled" else state)
    for act in (dispute.screened, dispute.resolved):
        if act is not None and any(map(ours, act.actors)):
            yield Stated(act.index, "in_force")


def row_of(reading: Reading, stated: Stated) -> Row:
    """The row of a statement."""
    entry = reading.view.entry(stated.index)
    statement = entry.opened.statement
    signer = statement.by[0]
    mechanism = getattr(statement, "mechanism", "")
    about = [reading.view.index_of(one) for one in _references(statement)]
    words = getattr(statement, "words", UNSET)
    said = words_of(reading, words, entry.opened.identity).text if isinstance(words, Words) else None
    return {
        "index": entry.index,
        "received_at": format_time(entry.received_ms),
        "kind": statement.kind,
        "commitment": _commitment_of(reading, statement),
        "mechanism": mechanism or None,
        "actor": None if signer.actor is UNSET else signer.actor,
        "role": signer.role,
        "value": _value(statement),
        "aspect": statement.aspect if isinstance(statement, CommitmentCoded) else None,
        "state": stated.state,
        "due": _due(statement),
        "assessment": _given(getattr(statement, "assessment", UNSET)),
        "words": statement.reason
        if isinstance(statement, CompletionAssessed) and statement.reason is not UNSET
        else said,
        "digests": statement.digests if isinstance(statement, VerdictGiven) else (),
        "about": tuple([index for index in about if index is not None]),
        "identity": entry.opened.identity,
    }


def _given(value: Any) -> Any:
    return None if value is UNSET else value


def _value(statement: Statement) -> str | None:
    """What was found: the one word of a statement."""
    for name in ("level", "code", "objection", "screening", "resolution"):
        value = getattr(statement, name, UNSET)
        if isinstance(value, str):
            return value
    return None


def _due(statement: Statement) -> str | None:
    return _given(statement.due.day) if isinstance(statement, EvidenceRequested) else None


def _references(statement: Statement) -> tuple[str, ...]:
    """The earlier statements that an act of assessment names."""
    match statement:
        case EvidenceDisputed():
            return (statement.link,)
        case DisputeScreened() | DisputeResolved():
            return (statement.dispute,)
        case CompletionAssessed():
            return () if statement.evidence is UNSET else statement.evidence
        case _:
            return ()


def _commitment_of(reading: Reading, statement: Statement) -> str:
    """The commitment that an act is about."""
    subject = getattr(statement, "commitment", "") or getattr(statement, "mechanism", "")
    if not subject and isinstance(statement, DisputeScreened | DisputeResolved):
        index = reading.view.index_of(statement.dispute)
        dispute = reading.view.entry(index).opened.statement if index is not None else None
        subject = dispute.mechanism if isinstance(dispute, EvidenceDisputed) else ""
    return commitment_of(subject) if subject else ""


# --- pages -----------------------------------------------------------------------------------------------------------


def assessments_page(reading: Reading) -> Response[bytes]:
    """The organisations that assess."""
    plans = [plan for _, plan in reading.view.records.scan(PlanState)]
    found = [
        {
            "plan": plan.title,
            "lang": plan.lang,
            "name": reading.actor(organisation),
            "role": role,
            "href": reading.place.to("evaluaciones", organisation, plan=plan.plan),
        }
        for plan in plans
        for organisation, role in assessors_of(reading, plan.plan)
    ]
    return answer(reading, "assessments.html", organisations=found)


def _asked_for(reading: Reading) -> tuple[PlanState, str, Matrix]:
    """The plan and the organisation that the address names, and the plan's matrix. Raises Problem (404)."""
    organisation, records = reading.place.segments[1], reading.view.records
    plans = dict(records.scan(PlanState))
    plan = plans.get(reading.query.get("plan", "")) or next(iter(plans.values()), None)
    if plan is None or organisation not in dict(assessors_of(reading, plan.plan)):
        raise Problem(404, "No organisation of that name assesses this plan.")
    return plan, organisation, reading.reader.matrix(plan.plan, reading.view.size, reading.view.day)


def assessment_page(reading: Reading) -> Response[bytes]:
    """The whole assessment of an organisation, by commitment."""
    plan, organisation, matrix = _asked_for(reading)
    rows = [row_of(reading, one) for one in stated_by(reading, matrix, organisation)]
    by_commitment: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_commitment.setdefault(str(row["commitment"]), []).append(row)
    own = {row.commitment: row for row in matrix.rows}
    opened = [one for _, one in reading.view.records.scan(Assessment) if one.plan == plan.plan]
    return answer(
        reading,
        "assessment.html",
        plan={"id": plan.plan, "title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", plan.plan)},
        organisation=reading.actor(organisation),
        count=len(rows),
        commitments=[
            {
                "code": code_of(row.commitment),
                "title": row.title,
                "lang": row.lang,
                "href": reading.to_commitment(row.commitment),
                "reported": row.standing.reported,
                "evidenced": row.standing.combined.level,
                "acts": [act_words(reading, act) for act in by_commitment.get(row.commitment, [])],
            }
            for row in own.values()
            if row.commitment in by_commitment
        ],
        untouched=[code_of(one) for one in own if one not in by_commitment],
        assessments=[one for one in opened if organisation_of(reading, one.actor) == organisation],
        files=[
            (form, reading.place.to("evaluaciones", organisation, form, plan=plan.plan)) for form in ("csv", "json")
        ],
        cite_href=reading.place.to("planes", plan.plan, "cita"),
    )


def act_words(reading: Reading, act: Mapping[str, Any]) -> dict[str, Any]:
    """An act in words."""
    say, statement = reading.say, reading.view.entry(act["index"]).opened.statement
    names = {
        "VerdictGiven": "level",
        "CompletionAssessed": "level",
        "CommitmentCoded": "code",
        "EvidenceDisputed": "objection",
        "DisputeScreened": "screening",
        "DisputeResolved": "resolution",
    }
    named, state = names.get(statement.kind, ""), act["state"]
    return {
        "index": act["index"],
        "received_ms": reading.view.entry(act["index"]).received_ms,
        "kind": say.name("kind", statement.kind),
        "mechanism": code_of(act["mechanism"]) if act["mechanism"] else "",
        "aspect": say.name("aspect", act["aspect"]) if act["aspect"] else "",
        "level": act["value"] if named == "level" else "",
        "value": say.name(named, act["value"]) if named and named != "level" else "",
        "due": say.day(act["due"]) if act["due"] else "",
        "state": state,
        "state_words": reading.text(STATES[state]),
        "words": act["words"],
        "lang": statement.lang,
        "digests": act["digests"],
    }


def assessment_file(reading: Reading) -> Response[bytes]:
    """The same as CSV or JSON. Raises Problem (404)."""
    form = reading.place.segments[2]
    if form not in ("csv", "json"):
        raise Problem(404, "There is no such form; there are csv and json.")
    plan, organisation, matrix = _asked_for(reading)
    rows = [row_of(reading, one) for one in stated_by(reading, matrix, organisation)]
    if form == "json":
        return answers.answer(reading.view, rows)
    name = f"evaluacion-{organisation}-{plan.plan}-{reading.view.size}.csv"
    headers = {**site.HEADERS, "content-disposition": f'attachment; filename="{name}"'}
    return Response("".join(csv_lines(COLUMNS, rows)).encode(), media_type=FORMS["csv"].media_type, headers=headers)

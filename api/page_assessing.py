"""The desks of those who judge and of those who are judged: an investigator's list of work, an institution's.

    /gt/mesa/investigacion                 the matrix as an organisation's list of work; requests, disputes, assessments
    /gt/mesa/investigacion?compromiso=C8   one commitment: mechanisms, evidence with its grades, and every form about it
    /gt/mesa/institucion                   what an institution answers for: commitments, requests, disputes, the week

As with the other desks (`api.page_desks`) anybody may read them, and signing happens in the browser. The levels, grades
and gaps are those of the comparison (`projections.comparison`), by its default day; clocks run by the reader's time. An
act that rule A6 would refuse has no button for that organisation, and the page says why.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from litestar import Response

from api.names import ASPECTS, DISPOSITIONS, EVIDENCE_TYPES, LEVELS, OBJECTIONS, RESOLUTIONS, SCREENINGS, msg
from api.page_desks import desk_answer
from api.page_rounds import days_between
from api.phrasing import plain
from api.reading import LIST_PAGE, MAX_SCAN, Reading, code_of, words_of
from api.reasons import reason_words
from ledger.statement import format_when, parse_when
from ledger.vocabulary import EvidenceDisputed, EvidenceRequested, commitment_of
from projections.commitments import Commitment, Mechanism, PlanState
from projections.comparison import Row
from projections.evidence import (
    DEFAULT_PARAMETERS,
    Assessment,
    Coding,
    Dispute,
    Evidence,
    Request,
    Sight,
    number_of,
)
from projections.grading import CommitmentStanding, ItemGrade, MechanismStanding, VerdictStanding
from projections.records import index_key
from projections.roll import Actor, RoleHeld

REQUEST_DAYS = 14
REPORTABLE = ("complete", "substantial", "limited", "not_started")
STANDS = ("in_force", "suspended")

# Of a commitment, in the order in which they are told.
FLAGS: Mapping[str, str] = {
    "evidence_newer": msg("evidence newer than a verdict"),
    "disputed": msg("evidence in dispute"),
    "questioned": msg("evidence questioned by a citizen"),
    "overdue": msg("past its due day"),
    "not_verifiable": msg("not verifiable"),
    "self_assessed": msg("reported by its own coordinator"),
    "shared": msg("evidence shared with others"),
    "gone": msg("evidence gone"),
    "only_own_page": msg("only the tracker's own page"),
    "before_plan": msg("evidence older than the plan"),
    "no_capture": msg("nothing captured"),
    "copied_text": msg("text used twice"),
}
# Of a mechanism: what nobody can verify it by, and that its evidence has to come again and again.
LACKS: Mapping[str, str] = {
    "evidence_newer": msg("evidence newer than a verdict"),
    "no_means": msg("no means of verification"),
    "no_due": msg("no due day"),
    "no_goal": msg("no goal in figures"),
    "recurring": msg("again and again"),
}
VERDICT_STATES: Mapping[str, str] = {
    "in_force": msg("in force"),
    "suspended": msg("suspended while its evidence is in dispute"),
    "lapsed": msg("lapsed"),
    "void": msg("void: its key was compromised"),
    "withdrawn": msg("withdrawn"),
    "replaced": msg("replaced by a later one"),
}
MARKS: Mapping[str, str] = {
    "own_page": msg("the tracker's own page"),
    "home_page": msg("a home page"),
    "shared": msg("shared"),
    "before_plan": msg("older than the plan"),
    "questioned": msg("questioned"),
    "disputed": msg("in dispute"),
    "unanswered": msg("dispute without an answer"),
    "upheld": msg("dispute upheld"),
    "gone": msg("gone"),
    "changed": msg("changed"),
    "aged": msg("out of date"),
    "withdrawn": msg("withdrawn"),
    "uncaptured": msg("not captured"),
}
DISPUTE_STATES: Mapping[str, str] = {
    "questioned": msg("not screened"),
    "open": msg("admitted, without an answer"),
    "answered": msg("answered, not resolved"),
}
TURNS: Mapping[str, str] = {
    "questioned": msg("An assessor or the IRM screens it: until then it changes no grade."),
    "open": msg("%(institution)s answers; the IRM may resolve it, or the coordinator with an assessor."),
    "answered": msg("The IRM resolves it, or the coordinator with an assessor."),
}
VIEWS: Mapping[str, str] = {
    "left": msg("With something left to judge"),
    "gap": msg("Gap of two levels or more"),
    "contested": msg("Contested between assessors"),
    "newer": msg("Evidence newer than a verdict"),
    "disputed": msg("With a dispute"),
}


# --- an investigator's desk ------------------------------------------------------------------------------------------


def assessing_desk_page(reading: Reading) -> Response[bytes]:
    """The list of work of one organisation, or one commitment with every form about it."""
    plans, plan = plans_of(reading)
    if plan is None:
        nothing: dict[str, Any] = {"plan": None, "chosen": None, "assessments": [], "listed_names": {}}
        return desk_answer(reading, "desk_assessing.html", **nothing, **_lists(reading, None))
    organisations = assessors_of(reading, plan.plan)
    asked = reading.query.get("organizacion", "")
    organisation = asked if asked in dict(organisations) else next(iter(dict(organisations)), "")
    matrix = reading.reader.matrix(plan.plan, reading.view.size, reading.view.day)
    assessments = assessments_of(reading, plan.plan)
    code = reading.query.get("compromiso", "")
    row = next((one for one in matrix.rows if code_of(one.commitment) == code), None)
    chosen = chosen_words(reading, row) if row else None
    rows = [] if row else [row_words(reading, one, organisation) for one in matrix.rows]
    view = reading.choice("ver", tuple(VIEWS))
    return desk_answer(
        reading,
        "desk_assessing.html",
        filters={"plan": plan.plan, "organizacion": organisation, "compromiso": code if row else "", "ver": view},
        plan={"id": plan.plan, "methodology": plan.methodology},
        plans=[{"id": one.plan, "title": one.title} for one in plans],
        organisations=[{"id": one, "name": reading.actor(one), "role": role} for one, role in organisations],
        organisation=organisation,
        codes_of_plan=[{"code": code_of(one.commitment), "title": one.title} for one in matrix.rows],
        all_codes=" ".join(code_of(one.commitment) for one in matrix.rows),
        chosen=chosen,
        listed_names=listed_names(matrix.rows, [chosen] if chosen else []),
        home=reading.place.to("mesa", "investigacion", plan=plan.plan, organizacion=organisation),
        rows=[one for one in rows if not view or view in one["views"]],
        views=[(one, reading.text(name)) for one, name in VIEWS.items()],
        views_by_code={one: reading.text(name) for one, name in VIEWS.items()},
        shown_rows=view,
        left=left_sentence(reading, rows, organisation),
        comparison_href=reading.place.to("planes", plan.plan, "comparacion"),
        export_href=reading.place.to("evaluaciones", organisation, plan=plan.plan),
        cite_href=reading.place.to("planes", plan.plan, "cita"),
        sheets_href=reading.place.to("planes", plan.plan, "fichas"),
        beside_href=reading.place.to("planes", plan.plan, "junto-a"),
        requests=requests_of(reading, plan.plan, commitment=row.commitment if row else ""),
        disputes=disputes_waiting(reading, plan.plan, commitment=row.commitment if row else ""),
        assessments=assessments,
        open_assessments=[one["id"] for one in assessments if one["closed"] is None],
        tally={**Counter(row.standing.reported for row in matrix.rows), "total": len(matrix.rows)},
        today=reading.reader.ledger.day_of(reading.now_ms),
        now_when=format_when(reading.now_ms),
        later_when=format_when(reading.now_ms + 90 * 86_400_000),
        request_due=reading.reader.ledger.day_of(reading.now_ms + REQUEST_DAYS * 86_400_000),
        **_lists(reading, plan),
    )


def desk_of(reading: Reading, commitment: str, **query: str) -> str:
    """The address of the desk at a commitment."""
    plan, _, code = commitment.partition("/")
    return reading.place.to("mesa", "investigacion", plan=plan, **query, compromiso=code) + "#elegido"


def plans_of(reading: Reading) -> tuple[list[PlanState], PlanState | None]:
    """Every plan, and the one that is asked for: the first, where none is named."""
    plans = [plan for _, plan in reading.view.records.scan(PlanState)]
    return plans, next((one for one in plans if one.plan == reading.query.get("plan")), plans[0] if plans else None)


def _lists(reading: Reading, plan: PlanState | None) -> dict[str, Any]:
    """What the forms choose from."""
    aspects = aspects_of(reading, plan)
    return {
        "levels": tuple(LEVELS),
        "objections": tuple(OBJECTIONS),
        "report_forms": ("irm", "shadow", "other"),
        "screenings": tuple(SCREENINGS),
        "resolutions": tuple(RESOLUTIONS),
        "aspects_of_methodology": aspects,
        "coded_by_methodology": any(one["codes"] for one in aspects),
    }


def assessors_of(reading: Reading, plan: str) -> list[tuple[str, str]]:
    """The organisations that may assess a plan, each with its role: civil society by name, then the IRM."""
    found: dict[str, str] = {}
    for _, held in reading.view.records.scan(RoleHeld):
        if held.role in ("assessor", "irm") and held.ended is None and (not held.plans or plan in held.plans):
            found[organisation_of(reading, held.actor)] = held.role
    return sorted(found.items(), key=lambda one: (one[1] == "irm", one[0]))


def aspects_of(reading: Reading, plan: PlanState | None) -> list[dict[str, Any]]:
    """The aspects that are coded, each with the codes of the methodology in force."""
    if plan is None or not plan.methodology:
        return []
    codes = reading.view.situation(plan.plan).parameters.codes
    return [
        {
            "code": aspect,
            "name": reading.say.name("aspect", aspect),
            "codes": [{"code": one, "name": reading.say.name("code", one)} for one in getattr(codes, aspect)],
        }
        for aspect in ASPECTS
    ]


def organisation_of(reading: Reading, actor: str) -> str:
    """The organisation that a body counts for: itself, or what it is an office or a program of."""
    found = reading.view.records.get(Actor, actor)
    return found.of or actor if found else actor


def codings_of(reading: Reading, commitment: str) -> list[Coding]:
    """The codes of a commitment, by aspect and body."""
    return [coding for _, coding in reading.view.records.scan(Coding, prefix=f"{commitment}/")]


def row_words(reading: Reading, row: Row, organisation: str) -> dict[str, Any]:
    """A commitment in the list of work of an organisation."""
    standing = row.standing
    own = next((voice for voice in standing.voices if voice.organisation == organisation), None)
    judged = [
        one
        for one in standing.mechanisms
        if any(v.organisation == organisation and v.state in STANDS for v in one.verdicts)
    ]
    codings = [
        one for one in codings_of(reading, row.commitment) if organisation_of(reading, one.actor) == organisation
    ]
    barred = organisation in reading.reader.responsible(row.commitment)
    newer = any("evidence_newer" in one.flags for one in standing.mechanisms)
    left = not barred and (len(judged) < len(standing.mechanisms) or not (own and own.source == "assessed"))
    views = {
        "left": left,
        "gap": standing.gap is not None and standing.gap >= 2,
        "contested": standing.contested,
        "newer": newer,
        "disputed": "disputed" in standing.flags or "questioned" in standing.flags,
    }
    tags = tags_of(reading, standing)
    tags += [reading.text("this organisation may not judge it (A6)")] if barred else []
    number = reading.say.number
    return {
        "code": code_of(row.commitment),
        "title": row.title,
        "lang": row.lang,
        "href": desk_of(reading, row.commitment, organizacion=organisation),
        "reported": standing.reported,
        "evidenced": standing.combined.level,
        "gap": signed(standing.gap),
        "own": own.level if own else "",
        "verdicts": reading.text(
            "%(count)s of %(total)s", count=number(len(judged)), total=number(len(standing.mechanisms))
        ),
        "coded": reading.text("%(count)s of %(total)s", count=number(len(codings)), total=number(len(ASPECTS))),
        "judged": len(judged),
        "mechanisms": len(standing.mechanisms),
        "codings": len(codings),
        "assessed": bool(own and own.source == "assessed"),
        "barred": barred,
        "tags": tags,
        "views": [code for code, so in views.items() if so],
    }


def tags_of(reading: Reading, standing: CommitmentStanding) -> list[str]:
    """What is to be looked at in a commitment, in words."""
    flags = set(standing.flags)
    found = [reading.text(name) for code, name in FLAGS.items() if code in flags]
    return [reading.text("contested"), *found] if standing.contested else found


def signed(gap: int | None) -> str:
    """A gap with its sign."""
    if gap is None:
        return "–"
    return f"+{gap}" if gap > 0 else f"\N{MINUS SIGN}{-gap}" if gap else "0"


def left_sentence(reading: Reading, rows: Sequence[Mapping[str, Any]], organisation: str) -> str:
    """What an organisation has still to judge."""
    open_ones = [row for row in rows if not row["barred"]]
    number = reading.say.number
    return reading.text(
        "%(name)s may judge %(open)s of %(total)s commitments. Without its verdict: %(mechanisms)s of %(all)s "
        "mechanisms; without its level: %(levels)s commitments; without its code: %(codes)s of %(aspects)s aspects.",
        name=plain(reading.actor(organisation)),
        open=number(len(open_ones)),
        total=number(len(rows)),
        mechanisms=number(sum(row["mechanisms"] - row["judged"] for row in open_ones)),
        all=number(sum(row["mechanisms"] for row in open_ones)),
        levels=number(sum(not row["assessed"] for row in open_ones)),
        codes=number(sum(len(ASPECTS) - row["codings"] for row in open_ones)),
        aspects=number(len(ASPECTS) * len(open_ones)),
    )


def listed_names(rows: Sequence[Row], spelled: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """What identifiers stand for: every commitment; and of the commitments that are spelled out their mechanisms, links
    and verdicts."""
    subject = {row.commitment: row.title for row in rows}
    statement: dict[str, str] = {}
    for commitment in spelled:
        subject |= {one["id"]: one["text"] or one["implicit"] for one in commitment["mechanisms"]}
        statement |= {one["identity"]: one["named"] for one in commitment["links"]}
        for mechanism in commitment["mechanisms"]:
            statement |= {one["identity"]: one["named"] for one in mechanism.get("verdicts", ())}
    return {"subject": subject, "statement": statement}


# --- one commitment --------------------------------------------------------------------------------------------------


def chosen_words(reading: Reading, row: Row) -> dict[str, Any]:
    """A commitment with its mechanisms, what was captured of each, and who may not judge it."""
    records, standing = reading.view.records, row.standing
    commitment = records.get(Commitment, row.commitment)
    assert commitment is not None
    links = {one.index: one for _, one in records.scan(Evidence, prefix=f"{row.commitment}/")}
    barred = barred_from_judging(reading, row.commitment)
    return {
        "id": row.commitment,
        "plan": commitment.plan,
        "code": code_of(row.commitment),
        "title": row.title,
        "lang": row.lang,
        "href": reading.to_commitment(row.commitment),
        "index": commitment.index,
        "institution": reading.actor(commitment.institution),
        "institution_id": commitment.institution,
        "reported": standing.reported,
        "reported_index": standing.reported_index,
        "evidenced": standing.combined.level,
        "gap_words": gap_words(reading, standing),
        "voices": [
            {"name": reading.actor(voice.organisation), "level": voice.level, "index": voice.index}
            for voice in standing.voices
        ],
        "codings": [coding_words(reading, one) for one in codings_of(reading, row.commitment)],
        "tags": tags_of(reading, standing),
        "barred": barred,
        "barred_names": barred_sentence(reading, barred),
        "links": [link_words(reading, one) for one in links.values() if one.withdrawn is None],
        "mechanisms": [mechanism_words(reading, one, links) for one in standing.mechanisms],
    }


def barred_from_judging(reading: Reading, commitment: str) -> dict[str, str]:
    """The organisations that A6 keeps from judging a commitment, each with the reason."""
    why = reading.text("it answers or answered for commitment %(code)s", code=code_of(commitment))
    return dict.fromkeys(sorted(reading.reader.responsible(commitment)), why)


def barred_sentence(reading: Reading, barred: Mapping[str, str]) -> str:
    """Who may not judge, and why."""
    if not barred:
        return ""
    named = [f"{plain(reading.actor(name))} ({why})" for name, why in barred.items()]
    return reading.text("May not judge it: %(named)s.", named=reading.say.listed(named))


def gap_words(reading: Reading, standing: CommitmentStanding) -> str:
    """How far reported and evidenced are apart."""
    if not standing.gap:
        return "" if standing.gap is None else reading.text("as reported")
    if standing.gap > 0:
        return reading.texts(
            "%(num)s level below what is reported", "%(num)s levels below what is reported", standing.gap
        )
    return reading.texts("%(num)s level above what is reported", "%(num)s levels above what is reported", -standing.gap)


def coding_words(reading: Reading, coding: Coding) -> dict[str, Any]:
    """A code of an aspect, by whom."""
    return {
        "aspect": reading.say.name("aspect", coding.aspect),
        "code": reading.say.name("code", coding.code),
        "who": reading.actor(coding.actor),
        "index": coding.index,
    }


def link_words(reading: Reading, evidence: Evidence) -> dict[str, Any]:
    """A piece of evidence by its name."""
    return {"identity": evidence.identity, "index": evidence.index, "named": named_evidence(reading, evidence)}


def named_evidence(reading: Reading, evidence: Evidence | None, index: int = 0) -> str:
    """What a piece of evidence is called: its title, its address, or its number."""
    if evidence is not None and (evidence.title or evidence.url):
        return plain(evidence.title or evidence.url)
    return reading.text("Evidence no. %(number)s", number=reading.say.number(evidence.index if evidence else index))


def mechanism_words(reading: Reading, standing: MechanismStanding, links: Mapping[int, Evidence]) -> dict[str, Any]:
    """A mechanism: what was promised, what was captured, what was judged."""
    found = reading.view.records.get(Mechanism, standing.mechanism)
    return {
        "id": standing.mechanism,
        "code": f"M{number_of(standing.mechanism)}",
        "text": found.text if found else "",
        "implicit": reading.text("implicit: no mechanism was defined"),
        "lang": found.lang if found else "",
        "means": found.means if found else "",
        "claim": standing.claim,
        "best": standing.best,
        "e": standing.e,
        "captures": captures_of(reading, standing.mechanism, links),
        "verdicts": [
            verdict_words(reading, one, standing.mechanism) for one in standing.verdicts if one.state != "replaced"
        ],
        "tags": [reading.text(LACKS[flag]) for flag in standing.flags if flag in LACKS],
        "grades": [grade_words(reading, one, links) for one in standing.grades],
    }


def captures_of(reading: Reading, mechanism: str, links: Mapping[int, Evidence]) -> list[dict[str, Any]]:
    """What was captured for a mechanism, each digest once, in the order of links; a verdict names such bytes."""
    implicit = f"{commitment_of(mechanism)}.M0"
    found: dict[str, dict[str, Any]] = {}
    for evidence in links.values():
        if evidence.withdrawn is not None or not {mechanism, implicit} & set(evidence.mechanisms):
            continue
        prefix = f"{index_key(evidence.commitment, evidence.index)}/"
        for _, sight in reading.view.records.scan(Sight, prefix=prefix):
            if sight.seen == "captured":
                found.setdefault(sight.digest, capture_words(reading, evidence, sight))
    return list(found.values())


def capture_words(reading: Reading, evidence: Evidence, sight: Sight) -> dict[str, Any]:
    """Bytes that were captured: of what, when, by whom."""
    return {
        "digest": sight.digest,
        "link": evidence.index,
        "title": evidence.title or evidence.url,
        "lang": evidence.lang,
        "evidence_type": evidence.evidence_type,
        "received_ms": sight.received_ms,
        "by": reading.actor(sight.actor),
        "href": reading.place.to("evidencia", evidence.index),
    }


def verdict_words(reading: Reading, verdict: VerdictStanding, mechanism: str) -> dict[str, Any]:
    """A verdict and how it stands."""
    return {
        "who": reading.actor(verdict.actor),
        "named": reading.text("the verdict on %(code)s", code=code_of(mechanism)),
        "actor": verdict.actor,
        "level": verdict.level,
        "state": verdict.state,
        "state_words": reading.text(VERDICT_STATES[verdict.state]),
        "index": verdict.index,
        "identity": reading.view.entry(verdict.index).opened.identity,
    }


def grade_words(reading: Reading, grade: ItemGrade, links: Mapping[int, Evidence]) -> dict[str, Any]:
    """An item for a mechanism: its grade, and the rules that gave it."""
    evidence = links.get(grade.link)
    plan = commitment_of(grade.mechanism).partition("/")[0]
    rules = {one.rule: reason_words(reading, one, plan) for one in grade.reasons}
    return {
        "identity": reading.view.entry(grade.link).opened.identity,
        "named": named_evidence(reading, evidence, grade.link),
        "href": reading.place.to("evidencia", grade.link),
        "grade": grade.grade,
        "marks": [reading.text(MARKS[mark]) for mark in grade.marks if mark in MARKS],
        "rules": list(rules.values()),
    }


# --- requests, disputes, assessments ---------------------------------------------------------------------------------


def requests_of(reading: Reading, plan: str, institution: str = "", *, commitment: str = "") -> list[dict[str, Any]]:
    """The requests for evidence of a plan, to one institution, or about one commitment: those without an answer, the
    earliest due first; then the others."""
    found = [one for _, one in reading.view.records.scan(Request, prefix=f"{commitment or plan}/", limit=MAX_SCAN)]
    ours = [one for one in found if not institution or one.institution == institution]
    ours.sort(key=lambda one: (bool(one.answers), one.due.day or "9999", one.index))
    return [request_words(reading, one) for one in ours]


def request_words(reading: Reading, request: Request) -> dict[str, Any]:
    """A request for evidence, with its clock."""
    statement = reading.view.entry(request.index).opened.statement
    assert isinstance(statement, EvidenceRequested)
    days = None if request.answers else days_left(reading, request.due.day)
    return {
        "identity": request.identity,
        "index": request.index,
        "plan": statement.plan,
        "heading": reading.text("Evidence for %(code)s", code=code_of(request.mechanism)),
        "commitment_code": code_of(commitment_of(request.mechanism)),
        "who": reading.actor(request.actor),
        "institution": reading.actor(request.institution),
        "due": reading.say.date(request.due),
        "answered": request.answers[-1].index if request.answers else None,
        "evidence": request.evidence,
        "clock": clock_words(reading, days),
        "overdue": days is not None and days < 0,
        "text": words_of(reading, statement.words, request.identity).text,
        "lang": statement.lang,
    }


def days_left(reading: Reading, day: str) -> int | None:
    """How many days are left until a day, by the ledger's clock; less than 0 when it is past."""
    if not day:
        return None
    midnight = parse_when(f"{day}T00:00:00Z") - reading.say.offset_minutes * 60_000
    return days_between(reading.say, reading.now_ms, midnight)


def clock_words(reading: Reading, days: int | None) -> str:
    """How long is left, in words."""
    if days is None:
        return reading.text("without an answer")
    if days < 0:
        return reading.texts("overdue for %(num)s day", "overdue for %(num)s days", -days)
    return reading.texts("%(num)s day left", "%(num)s days left", days)


def dispute_state(dispute: Dispute) -> str:
    """`questioned`, `open` (admitted, without an answer), `answered`; `settled` where nobody waits for anything."""
    if dispute.withdrawn is not None or dispute.resolved is not None:
        return "settled"
    screened = dispute.screened
    if dispute.role == "citizen" and (screened is None or screened.said == "declined"):
        return "questioned" if screened is None else "settled"
    return "answered" if dispute.answers else "open"


def disputes_waiting(
    reading: Reading, plan: str, institution: str = "", *, commitment: str = ""
) -> list[dict[str, Any]]:
    """The disputes of a plan, of one institution's commitments, or of one commitment, that wait for somebody: the
    admitted ones first, because a fresh key costs nothing; then by how long they wait. At most `LIST_PAGE` of them."""
    records = reading.view.records
    found = [
        one for _, one in records.scan(Dispute, prefix=f"{commitment or plan}/") if dispute_state(one) != "settled"
    ]
    if institution:
        found = [one for one in found if _institution_of(reading, one.mechanism) == institution]
    found.sort(key=lambda one: (dispute_state(one) == "questioned", one.index))
    return [dispute_words(reading, one) for one in found[:LIST_PAGE]]


def _institution_of(reading: Reading, mechanism: str) -> str:
    found = reading.view.records.get(Commitment, commitment_of(mechanism))
    return found.institution if found else ""


def dispute_words(reading: Reading, dispute: Dispute) -> dict[str, Any]:
    """A dispute: about what, by whom, whose turn it is, and its clock."""
    statement = reading.view.entry(dispute.index).opened.statement
    assert isinstance(statement, EvidenceDisputed)
    commitment = commitment_of(dispute.mechanism)
    link = reading.view.index_of(dispute.link)
    evidence = reading.view.records.get(Evidence, index_key(commitment, link)) if link is not None else None
    state, found = dispute_state(dispute), reading.view.records.get(Commitment, commitment)
    institution = reading.actor(found.institution) if found else ""
    admitted = dispute.screened or dispute
    left = answer_days(reading, statement.plan) - days_between(reading.say, admitted.received_ms, reading.now_ms)
    barred = barred_from_judging(reading, commitment)
    barred |= {organisation_of(reading, dispute.actor): reading.text("it opened this dispute")} if dispute.actor else {}
    return {
        "identity": dispute.identity,
        "index": dispute.index,
        "plan": statement.plan,
        "commitment": commitment,
        "heading": reading.text("Dispute about %(code)s", code=code_of(dispute.mechanism)),
        "who": reading.actor(dispute.actor) if dispute.actor else reading.text("A person, with their own key"),
        "actor": dispute.actor,
        "objection": dispute.objection,
        "evidence": named_evidence(reading, evidence, link or 0),
        "evidence_href": reading.place.to("evidencia", link or 0),
        "text": words_of(reading, statement.words, dispute.identity).text,
        "lang": statement.lang,
        "state": state,
        "state_words": reading.text(DISPUTE_STATES[state]),
        "turn": reading.text(TURNS[state], institution=plain(institution)),
        "clock": clock_words(reading, left) if state == "open" else "",
        "overdue": state == "open" and left < 0,
        "barred": barred,
        "barred_names": barred_sentence(reading, barred),
    }


def answer_days(reading: Reading, plan: str) -> int:
    """In how many days a dispute is to be answered, by the methodology in force."""
    state = reading.view.records.get(PlanState, plan)
    if state is None or not state.methodology:
        return DEFAULT_PARAMETERS.answer_days
    return reading.view.situation(plan).parameters.answer_days


def assessments_of(reading: Reading, plan: str) -> list[dict[str, Any]]:
    """The assessments of a plan, open ones first, then the newest."""
    found = [one for _, one in reading.view.records.scan(Assessment) if one.plan == plan]
    found.sort(key=lambda one: (one.closed is not None, -one.index))
    return [assessment_words(reading, one) for one in found]


def assessment_words(reading: Reading, found: Assessment) -> dict[str, Any]:
    """An assessment: of what, by whom, on what it stands when closed."""
    first, last = [reading.say.day(reading.reader.ledger.day_of(parse_when(one))) for one in (found.from_, found.until)]
    return {
        "id": found.assessment,
        "index": found.index,
        "actor": found.actor,
        "who": reading.actor(found.actor),
        "span": reading.text("%(first)s to %(last)s", first=first, last=last),
        "count": len(found.commitments),
        "methodology": found.methodology,
        "closed": found.closed,
        "tree_size": found.tree_size or 0,
        "cite": reading.place.now_at("planes", found.plan, "cita", at=found.tree_size) if found.tree_size else "",
    }


# --- an institution's desk -------------------------------------------------------------------------------------------


def institution_desk_page(reading: Reading) -> Response[bytes]:
    """What an institution answers for, and what it is asked."""
    plans, plan = plans_of(reading)
    matrix = reading.reader.matrix(plan.plan, reading.view.size, reading.view.day) if plan else None
    rows = matrix.rows if matrix else ()
    institutions = sorted({row.institution for row in rows})
    asked = reading.query.get("organizacion", "")
    institution = asked if asked in institutions else next(iter(institutions), "")
    ours = [institution_row(reading, row) for row in rows if row.institution == institution]
    return desk_answer(
        reading,
        "desk_institution.html",
        plan={"id": plan.plan} if plan else None,
        plans=[{"id": one.plan, "title": one.title} for one in plans],
        institutions=[{"id": one, "name": reading.actor(one)} for one in institutions],
        institution={"id": institution, "name": reading.actor(institution)},
        rows=ours,
        listed_names=listed_names(rows, ours),
        shared_links=[link | {"code": row["code"]} for row in ours for link in row["links"] if link["shared"]],
        requests=requests_of(reading, plan.plan, institution) if plan else [],
        disputes=disputes_waiting(reading, plan.plan, institution) if plan else [],
        judged=[found for row in rows if row.institution == institution for found in judged_words(reading, row)],
        week=week_of(reading),
        dispositions=tuple(DISPOSITIONS),
        evidence_types=tuple(EVIDENCE_TYPES),
        reportable=REPORTABLE,
        **_lists(reading, None),
    )


def institution_row(reading: Reading, row: Row) -> dict[str, Any]:
    """A commitment as the institution that answers for it sees it."""
    standing = row.standing
    links = [
        one for _, one in reading.view.records.scan(Evidence, prefix=f"{row.commitment}/") if one.withdrawn is None
    ]
    marked = {grade.link for one in standing.mechanisms for grade in one.grades if "shared" in grade.marks}
    return {
        "id": row.commitment,
        "code": code_of(row.commitment),
        "title": row.title,
        "lang": row.lang,
        "href": reading.to_commitment(row.commitment),
        "reported": standing.reported,
        "evidenced": standing.combined.level,
        "tags": tags_of(reading, standing),
        "mechanisms": [mechanism_choice(reading, one) for one in standing.mechanisms],
        "links": [link_words(reading, one) | {"shared": one.index in marked} for one in links],
        "shares": bool(marked),
    }


def mechanism_choice(reading: Reading, standing: MechanismStanding) -> dict[str, Any]:
    """A mechanism to be chosen."""
    found = reading.view.records.get(Mechanism, standing.mechanism)
    code = f"M{number_of(standing.mechanism)}"
    return {
        "id": standing.mechanism,
        "code": code,
        "text": found.text if found else "",
        "implicit": reading.text("implicit: no mechanism was defined"),
        "lang": found.lang if found else "",
    }


def judged_words(reading: Reading, row: Row) -> Iterable[dict[str, Any]]:
    """What assessors found of a commitment: their levels."""
    for voice in row.standing.voices:
        if voice.source == "assessed" and voice.index is not None:
            yield {
                "identity": reading.view.entry(voice.index).opened.identity,
                "index": voice.index,
                "heading": code_of(row.commitment),
                "who": reading.actor(voice.organisation),
                "level": voice.level,
            }


def week_of(reading: Reading) -> str:
    """This week by the ledger's clock, `YYYY-Www`."""
    today = datetime.date.fromisoformat(reading.reader.ledger.day_of(reading.now_ms))
    year, week, _ = today.isocalendar()
    return f"{year}-W{week:02d}"

"""Pages about plans: the front page, the list of commitments with its filters, and one commitment."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Response
from msgspec import UNSET

from api.names import LEVELS, PROPOSERS, msg
from api.page_reports import claimed_tallies
from api.page_rounds import comments_among, rounds_newest_first
from api.phrasing import folded, plain
from api.problems import Problem
from api.reading import (
    LIST_PAGE,
    MAX_LINKS,
    MAX_SCAN,
    TIMELINE_PAGE,
    VOICES,
    Reading,
    after_index,
    answer,
    code_of,
    in_order,
    line_of,
    lower,
    member_of,
    pages_of,
    printed_of,
    statement_at,
)
from ledger.vocabulary import IndicatorDefined
from projections.commitments import (
    Axis,
    Commitment,
    Indicator,
    LevelSaid,
    Measure,
    Mechanism,
    PlanState,
)
from projections.evidence import Evidence
from projections.roll import HistoryLine

# --- plans and commitments -------------------------------------------------------------------------------------------


def commitments_in(reading: Reading, plan: str) -> list[Commitment]:
    """The commitments of a plan: the government's first, by number (G2 before G10)."""
    return in_order([commitment for _, commitment in reading.view.records.scan(Commitment, prefix=f"{plan}/")])


def plan_words(reading: Reading, plan: PlanState, commitments: Sequence[Commitment]) -> dict[str, Any]:
    """A plan, its tally by reported level, and what published reports claim of it."""
    members: dict[str, list[dict[str, Any]]] = {level: [] for level in LEVELS}
    for commitment in commitments:
        if commitment.reported is not None:
            members[commitment.reported.level].append(member_of(reading, commitment))
    by = Counter(commitment.proposer for commitment in commitments)
    claims = claimed_tallies(reading, plan.plan)
    return {
        "id": plan.plan,
        "title": plan.title,
        "lang": plan.lang,
        "index": plan.index,
        "printed": plan.printed,
        "href": reading.place.to("planes", plan.plan),
        "sentence": reading.texts(
            "%(num)s commitment: %(government)s proposed by the government, %(civil)s by civil society.",
            "%(num)s commitments: %(government)s proposed by the government, %(civil)s by civil society.",
            len(commitments),
            government=reading.say.number(by["government"]),
            civil=reading.say.number(by["civil_society"]),
        ),
        "groups": [{"level": level, "members": found} for level, found in members.items() if found],
        "unreported": sum(commitment.reported is None for commitment in commitments),
        "total": len(commitments),
        "odd": sorted({level for claim in claims for level in claim["odd"]}),
        "claims": claims,
    }


def home_page(reading: Reading) -> Response[bytes]:
    """What this is, what is open, how far the plan has come and what was claimed, and how to check it."""
    plans = [
        plan_words(reading, plan, commitments_in(reading, key)) for key, plan in reading.view.records.scan(PlanState)
    ]
    rounds = rounds_newest_first(reading)
    return answer(
        reading,
        "home.html",
        plans=plans,
        open_rounds=[round_ for round_ in rounds if round_["phase"] == "open"],
        closed_rounds=[round_ for round_ in rounds if round_["phase"] != "open"][:5],
        audit_command=f"constancia audit {reading.place.base}{reading.place.raw()}",
    )


def plan_page(reading: Reading) -> Response[bytes]:
    """The commitments of a plan, with filters that work together: level, proposer, institution, evidence, words."""
    identifier = reading.place.segments[1]
    plan = reading.view.records.get(PlanState, identifier)
    if plan is None:
        raise Problem(404, "There is no such plan.")
    commitments = commitments_in(reading, identifier)
    institutions = Counter(commitment.institution for commitment in commitments)
    chosen = {
        "q": reading.query.get("q", "").strip(),
        "nivel": reading.choice("nivel", tuple(LEVELS)),
        "propuesto": reading.choice("propuesto", tuple(PROPOSERS)),
        "institucion": reading.choice("institucion", tuple(institutions)),
        "evidencia": reading.choice("evidencia", ("con", "sin")),
    }
    names = {slug: reading.actor(slug) for slug in institutions}
    words = folded(chosen["q"]).split()

    def fits(commitment: Commitment) -> bool:
        level = commitment.reported.level if commitment.reported else ""
        if chosen["nivel"] not in ("", level) or chosen["propuesto"] not in ("", commitment.proposer):
            return False
        if chosen["institucion"] not in ("", commitment.institution):
            return False
        if chosen["evidencia"] and (chosen["evidencia"] == "con") != (commitment.evidence > 0):
            return False
        text = folded(" ".join([code_of(commitment.commitment), names[commitment.institution], *texts_of(commitment)]))
        return all(word in text for word in words)

    found = [commitment for commitment in commitments if fits(commitment)]
    pages = pages_of(reading, len(found), LIST_PAGE, **chosen)
    return answer(
        reading,
        "plan.html",
        plan=plan_words(reading, plan, commitments),
        chosen=chosen,
        filtered=any(chosen.values()),
        levels=[level for level in LEVELS if any(one.reported and one.reported.level == level for one in commitments)],
        proposers=list(PROPOSERS),
        institutions=[
            {"slug": slug, "name": names[slug], "count": institutions[slug]}
            for slug in sorted(institutions, key=lambda slug: folded(names[slug]))
        ],
        found=len(found),
        rows=[
            {
                **member_of(reading, commitment),
                "proposer": commitment.proposer,
                "institution": names[commitment.institution],
                "level": commitment.reported.level if commitment.reported else None,
                "level_index": commitment.reported.index if commitment.reported else None,
                "evidence": commitment.evidence,
                "printed": commitment.printed,
            }
            for commitment in found[pages.start : pages.stop]
        ],
        pages=pages,
    )


def texts_of(commitment: Commitment) -> tuple[str, ...]:
    """The texts in which a search looks."""
    return (
        commitment.title,
        commitment.objective,
        commitment.description,
        commitment.relevance,
        commitment.ambition,
        commitment.post,
        commitment.reported.reason if commitment.reported else "",
    )


def commitment_page(reading: Reading) -> Response[bytes]:
    """One commitment: the four voices, what was promised, the evidence, and everything that was said, in order."""
    plan_id, code = reading.place.segments[1], reading.place.segments[3]
    records = reading.view.records
    plan = records.get(PlanState, plan_id)
    commitment = records.get(Commitment, f"{plan_id}/{code}")
    if plan is None or commitment is None:
        raise Problem(404, "There is no such commitment.")
    identifier = commitment.commitment
    history, pages = after_index(reading, HistoryLine, identifier, TIMELINE_PAGE, "#historia")
    everything = [line for _, line in records.scan(HistoryLine, prefix=f"{identifier}/", limit=MAX_SCAN)]
    links = [evidence for _, evidence in records.scan(Evidence, prefix=f"{identifier}/", limit=MAX_LINKS)]
    mechanisms = [mechanism for _, mechanism in records.scan(Mechanism, prefix=f"{identifier}.M")]
    assessed = [said_words(reading, said) for said in commitment.assessed]
    return answer(
        reading,
        "commitment.html",
        plan={"title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", plan_id)},
        c=member_of(reading, commitment)
        | {
            "proposer": commitment.proposer,
            "institution": reading.actor(commitment.institution),
            "post": commitment.post,
            "index": commitment.index,
            "printed": commitment.printed,
            "statement": reading.view.entry(commitment.index).opened.statement,
        },
        reported=said_words(reading, commitment.reported) if commitment.reported else None,
        observed=[said for said in assessed if said["role"] != "irm"],
        irm=[said for said in assessed if said["role"] == "irm"],
        evidence={"captured": commitment.captured, "links": commitment.evidence},
        reopened=commitment.reopened,
        gap=gap_sentence(reading, commitment),
        fields=promise_fields(reading, commitment),
        date=commitment.completion_date,
        date_index=commitment.completion_date_index,
        date_statement=statement_at(reading, commitment.completion_date_index),
        dates_moved=commitment.dates_moved,
        next_steps=commitment.next_steps,
        steps_index=commitment.next_steps_index,
        steps_statement=statement_at(reading, commitment.next_steps_index),
        mechanisms=[
            mechanism_words(mechanism)
            for mechanism in sorted(mechanisms, key=lambda one: mechanism_number(one.mechanism))
        ],
        indicators=indicators_of(reading, identifier, everything),
        links=[link_words(reading, evidence) for evidence in links],
        links_left=commitment.evidence > MAX_LINKS,
        comments=comments_among(reading, everything),
        timeline=[line_of(reading, reading.view.entry(line.index)) for line in history],
        voices=VOICES,
        pages=pages,
        offset=reading.say.offset,
    )


def indicators_of(reading: Reading, commitment: str, history: Iterable[HistoryLine]) -> list[dict[str, Any]]:
    """The figures that follow a commitment, one table each: a row for each measuring, a column for each part."""
    tables: list[dict[str, Any]] = []
    for line in history:
        if line.kind != "IndicatorDefined":
            continue
        defined = statement_at(reading, line.index)
        assert isinstance(defined, IndicatorDefined)
        indicator = reading.view.records.get(Indicator, defined.indicator)
        if indicator is None:
            continue
        measures = reading.view.records.scan(Measure, prefix=f"{indicator.indicator}/", limit=MAX_LINKS)
        tables.append(
            {
                "title": indicator.title,
                "unit": indicator.unit,
                "lang": indicator.lang,
                "index": indicator.index,
                "printed": indicator.printed,
                "heads": [title for _, title in indicator.parts] or [reading.text("Value")],
                "rows": [measure_words(reading, indicator, measure) for _, measure in measures],
            }
        )
    return tables


def measure_words(reading: Reading, indicator: Indicator, measure: Measure) -> dict[str, Any]:
    """A row of an indicator's table."""
    say = reading.say
    values = dict(measure.values)
    cells = [
        say.decimal(values[part], indicator.decimals) if part in values else "–"
        for part in ([part for part, _ in indicator.parts] or [""])
    ]
    if measure.out_of is not None and len(cells) == 1:
        cells = [reading.text("%(count)s of %(total)s", count=cells[0], total=say.number(measure.out_of))]
    if measure.as_of is not None:
        date = say.date(measure.as_of)
    elif measure.first_day is not None and measure.last_day is not None:
        date = reading.text("%(first)s to %(last)s", first=say.date(measure.first_day), last=say.date(measure.last_day))
    else:
        date = ""
    return {"date": date, "cells": cells, "index": measure.index}


def around_page(reading: Reading) -> Response[bytes]:
    """What was said of a plan as a whole."""
    name = reading.place.segments[1]
    plan = reading.view.records.get(PlanState, name)
    if plan is None:
        raise Problem(404, "There is no such plan.")
    history, pages = after_index(reading, HistoryLine, f"plan/{name}", TIMELINE_PAGE)
    return answer(
        reading,
        "around.html",
        plan={"title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", name)},
        timeline=[line_of(reading, reading.view.entry(line.index)) for line in history],
        pages=pages,
    )


def said_words(reading: Reading, said: LevelSaid) -> dict[str, Any]:
    """A level as it was said: by whom, when, why, and where it stands."""
    share = None
    if said.share is not None:
        share = reading.text(
            "%(value)s of %(total)s %(unit)s",
            value=reading.say.number(said.share[0]),
            total=reading.say.number(said.share[1]),
            unit=plain(said.unit),
        )
    return {
        "level": said.level,
        "who": reading.actor(said.actor),
        "role": said.role,
        "reason": said.reason,
        "lang": said.lang,
        "index": said.index,
        "received_ms": said.received_ms,
        "printed": said.printed,
        "confirmed": said.confirmed,
        "share": share,
        "statement": statement_at(reading, said.index),
    }


def gap_sentence(reading: Reading, commitment: Commitment) -> str:
    """Where the voices part, in one sentence; empty where there is nothing to compare."""
    if commitment.reported is None:
        return ""
    level = lower(reading, commitment.reported.level)
    others = [
        reading.text(
            "%(name)s finds «%(level)s»", name=plain(reading.actor(said.actor)), level=lower(reading, said.level)
        )
        for said in commitment.assessed
        if said.level != commitment.reported.level
    ]
    if others:
        listed = reading.say.listed(others)
        return reading.text("The institution reports «%(level)s»; %(others)s.", level=level, others=listed)
    if commitment.captured == 0:
        return reading.text("The institution reports «%(level)s»; no evidence has been captured yet.", level=level)
    return ""


def promise_fields(reading: Reading, commitment: Commitment) -> list[dict[str, Any]]:
    """What was promised, field by field, as far as it was stated."""
    axis = reading.view.records.get(Axis, f"{commitment.plan}/{commitment.axis}") if commitment.axis else None
    rows: list[tuple[str, tuple[str, ...]]] = [
        (msg("Objective"), (commitment.objective,)),
        (msg("Description"), (commitment.description,)),
        (msg("Problem it addresses"), (commitment.problem,)),
        (msg("Relevance"), (commitment.relevance,)),
        (msg("Ambition"), (commitment.ambition,)),
        (msg("Work axis"), (axis.title if axis else "",)),
        (msg("Other government bodies"), commitment.government),
        (msg("Other civil-society bodies"), commitment.civil),
        (msg("Other bodies named"), commitment.unlabelled),
        (msg("Further information"), (commitment.further,)),
        (msg("Starts"), (reading.say.date(commitment.starts) if commitment.starts else "",)),
        (msg("Due"), (reading.say.date(commitment.due) if commitment.due else "",)),
    ]
    return [
        {"label": reading.text(label), "texts": [text for text in texts if text]} for label, texts in rows if any(texts)
    ]


def mechanism_number(identifier: str) -> int:
    """`gt-2014-2016/C8.M12` -> 12."""
    return int(identifier.rpartition(".M")[2])


def mechanism_words(mechanism: Mechanism) -> dict[str, Any]:
    """A compliance mechanism as a list shows it."""
    return {
        "code": mechanism.mechanism.rpartition(".")[2],
        "text": mechanism.text,
        "means": mechanism.means,
        "lang": mechanism.lang,
        "index": mechanism.index,
        "printed": mechanism.printed,
        "level": mechanism.reported.level if mechanism.reported else None,
        "level_index": mechanism.reported.index if mechanism.reported else None,
    }


def link_words(reading: Reading, evidence: Evidence) -> dict[str, Any]:
    """A link to evidence, with what became of it."""
    statement = statement_at(reading, evidence.index)
    printed = printed_of(statement) if statement else None
    return {
        "title": evidence.title,
        "url": evidence.url,
        "lang": evidence.lang,
        "index": evidence.index,
        "evidence_type": evidence.evidence_type,
        "mechanisms": [
            mechanism.rpartition(".")[2] for mechanism in evidence.mechanisms if mechanism_number(mechanism) > 0
        ],
        "captures": evidence.captures,
        "digest": evidence.last_digest,
        "seen": evidence.last_seen,
        "disputes": evidence.disputes,
        "withdrawn": evidence.withdrawn,
        "printed": evidence.printed,
        "words": printed.words if printed is not None and printed.words is not UNSET else "",
    }

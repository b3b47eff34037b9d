"""Pages about plans: the front page, all plans, the list of commitments with its filters, what was said of a plan."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from litestar import Response

from api.names import LEVELS, PROPOSERS
from api.page_comparison import bare_sentence, complete_sentence, strip
from api.page_reports import claimed_tallies
from api.page_rounds import rounds_newest_first
from api.phrasing import folded
from api.problems import Problem
from api.reading import (
    LIST_PAGE,
    TIMELINE_PAGE,
    Reading,
    after_index,
    answer,
    code_of,
    in_order,
    line_of,
    member_of,
    pages_of,
)
from projections.commitments import (
    Commitment,
    PlanState,
)
from projections.comparison import EVIDENCED
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
    matrix = reading.reader.matrix(plan.plan, reading.view.size, reading.view.day)
    return {
        "evidenced": strip(reading, matrix, EVIDENCED),
        "compared": [complete_sentence(reading, matrix), *bare_sentence(reading, matrix)],
        "reached": {row.commitment: row.standing.combined.level for row in matrix.rows},
        "comparison": reading.place.to("planes", plan.plan, "comparacion"),
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
    rounds = rounds_newest_first(reading)
    return answer(
        reading,
        "home.html",
        **_all_plans(reading),
        open_rounds=[round_ for round_ in rounds if round_["phase"] == "open"],
        closed_rounds=[round_ for round_ in rounds if round_["phase"] != "open"][:5],
        audit_command=f"constancia audit {reading.place.base}{reading.place.raw()}",
    )


def plans_page(reading: Reading) -> Response[bytes]:
    """The plans of the ledger, one after the other."""
    return answer(reading, "plans.html", **_all_plans(reading))


def _all_plans(reading: Reading) -> dict[str, Any]:
    """Every plan in words, and where two stand side by side."""
    plans = [plan_words(reading, plan, commitments_in(reading, key)) for key, plan in reading.plans]
    beside = reading.place.to("planes", plans[0]["id"], "junto-a") if len(plans) > 1 else ""
    return {"plans": plans, "beside": beside}


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
    said_of_plan = plan_words(reading, plan, commitments)
    return answer(
        reading,
        "plan.html",
        filters=chosen,
        plan=said_of_plan,
        others=[
            {
                "title": one.title,
                "lang": one.lang,
                "href": reading.place.to("planes", key),
                "beside": reading.place.to("planes", identifier, "junto-a", otro=key),
            }
            for key, one in reading.plans
            if key != identifier
        ],
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
                "reached": said_of_plan["reached"].get(commitment.commitment),
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

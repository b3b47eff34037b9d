"""The methodology of a plan: the tables by which evidence becomes a level, with the figures in force.

Every grade and every level names the rules that gave it; each rule is a row here, and its name the row's anchor. The
figures are those of the signed MethodologyAdopted, and the example is computed with them by the same engine as any
commitment. A version never changes: the next one has a page of its own, and both can be replayed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Response

from api.names import msg
from api.problems import Problem
from api.reading import Reading, answer, line_of
from api.reasons import ON_THE_SCALE, RULES, sentence_of, whole_share
from api.worked_example import worked_example
from ledger.vocabulary import Parameters
from projections.commitments import Methodology, PlanState
from projections.grading import reasons_in

# What a cap holds a grade at, and whether a verdict in force that cites the bytes lifts it.
CAPS: Mapping[str, tuple[int, bool]] = {
    "cap/home-page": (1, True),
    "cap/shared": (2, True),
    "cap/before-plan": (2, True),
    "cap/dispute-open": (2, False),
    "cap/dispute-unanswered": (1, False),
}

# What happens | the grade before | the grade after | what brings it back | the row of the other tables that says so.
FALLS: tuple[tuple[str, str, str, str, str], ...] = (
    (
        msg("It is gone, and nobody had captured it"),
        "1",
        "0",
        msg("It is captured from an archive, and shown so"),
        "grade/0-gone",
    ),
    (msg("It is gone, and captures exist"), "2–4", msg("the same, marked «gone»"), "", "mark/gone"),
    (
        msg("It changed, and the mechanism is fulfilled once"),
        "3–4",
        msg("the same for the bytes that were captured; the new ones begin at 1"),
        msg("The new bytes are captured"),
        "",
    ),
    (
        msg("It changed, and the mechanism recurs"),
        "3–4",
        "2",
        msg("The new bytes are captured and confirmed"),
        "fall/changed",
    ),
    (
        msg("An assessor or the IRM disputes it, or somebody admits a citizen's dispute"),
        "3–4",
        "2",
        msg("The dispute is resolved"),
        "cap/dispute-open",
    ),
    (msg("A citizen disputes it, and nobody has screened that"), "0–4", msg("no change"), "", "mark/questioned"),
    (
        msg("A dispute stays unanswered for %(answer_days)s days"),
        "2–4",
        "1",
        msg("It is answered: 2 until it is resolved"),
        "cap/dispute-unanswered",
    ),
    (msg("A dispute is rejected, or upheld in part"), "1–2", msg("no longer held down by it"), "", ""),
    (
        msg("A dispute is upheld"),
        "0–4",
        msg("0 for that mechanism"),
        msg("There is other evidence"),
        "grade/0-upheld",
    ),
    (
        msg("The mechanism recurs, and nothing fresh came"),
        "2–4",
        msg("one less for each period, not below 1"),
        msg("Fresh evidence is captured"),
        "fall/aged",
    ),
    (msg("The mechanism recurs, and fresh evidence came in time"), "0–4", msg("no change"), "", "mark/fresh"),
    (
        msg("A key of whoever captured or judged is declared compromised"),
        "3–4",
        msg("computed without what it signed since then"),
        msg("It is signed again"),
        "verdict/void",
    ),
    (
        msg("A verdict is withdrawn"),
        "4",
        msg("as if it had not been given"),
        msg("There is another verdict"),
        "verdict/withdrawn",
    ),
    (
        msg("A verdict lapses"),
        "4",
        msg("as if it had not been given, but its level still limits the mechanism"),
        msg("Its author gives another"),
        "verdict/lapsed-dispute",
    ),
    (
        msg("A verdict is suspended"),
        "4",
        msg("as if it had not been given, while the dispute is open"),
        msg("The dispute is rejected"),
        "verdict/suspended",
    ),
    (
        msg("An office changes hands, or a site moves"),
        "0–4",
        msg("no change: that is what captures are for"),
        "",
        "",
    ),
)

# A verdict's state, and what it does to its mechanism.
VERDICTS: Mapping[str, tuple[str, str]] = {
    "verdict/in-force": (msg("in force"), msg("its level counts among the verdicts")),
    "verdict/replaced": (msg("replaced"), msg("none")),
    "verdict/withdrawn": (msg("withdrawn"), msg("none")),
    "verdict/void": (msg("void"), msg("none")),
    "verdict/suspended": (msg("suspended"), msg("its level counts, but no higher than the records give")),
    "verdict/lapsed-dispute": (msg("lapsed"), msg("its level is the most that the mechanism can reach")),
    "verdict/lapsed-amended": (msg("lapsed"), msg("its level is the most that the mechanism can reach")),
    "verdict/lapsed-aged": (msg("lapsed"), msg("its level is the most that the mechanism can reach")),
}

# The steps from the items of a mechanism to the level of a commitment: what each is called, and its rules.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        msg("Which mechanisms, and how much each weighs"),
        ("mechanism/implicit", "weights/equal", "weights/set"),
    ),
    (msg("What is claimed of a mechanism"), ("claim/own", "claim/inherited", "claim/none")),
    (msg("How far a mechanism comes"), ("mechanism/machine", "mechanism/verdicts", "mechanism/capped")),
    (
        msg("The level of the commitment: the first of these that holds"),
        ("level/complete", "level/substantial", "level/limited", "level/not-started", "level/no-evidence"),
    ),
    (msg("The level that is reported"), ("reported/commitment", "reported/mechanisms")),
)

FORMULAS = """\
mach(m) = min(claim(m), cap[min(best(m), 3)])
e(m)    = lower_median(verdicts(m)), else mach(m); min with lapsed verdicts
x(k)    = sum(weight(m) for m with e(m) >= k)
percent = floor(sum(weight(m) * e(m)) / 300)
gap     = ord(reported) - ord(level)"""

# In the order of the tables: what each parameter decides.
FIGURES: Mapping[str, str] = {
    "confirm_days": msg("Days between a capture and the check that confirms it"),
    "gone_days": msg("Days between two checks that find nothing, before evidence counts as gone"),
    "answer_days": msg("Days in which a dispute is to be answered"),
    "silence_days": msg("Days without a statement of an institution that count as silence"),
    "reuse_bp": msg("Share of a text that stands in another one too, from which both count as copied"),
    "substantial_bp": msg("Weight of the mechanisms that are substantial or better, for a substantial commitment"),
    "default_grace_days": msg("Days of grace for a recurring mechanism that names none"),
    "machine_cap": msg("The most that the records alone support, by the best grade from 0 to 3"),
    "own_pages": msg("Addresses that count as pages of the tracker itself"),
    "codes": msg("Codes by which a commitment's design and early results are described"),
}


def versions_of(reading: Reading, plan: str) -> dict[int, Methodology]:
    """Every version of a plan's methodology in the view."""
    return {one.version: one for _, one in reading.view.records.scan(Methodology, prefix=f"{plan}/")}


def methodologies_page(reading: Reading) -> Response[bytes]:
    """Which methodology is in force for each plan."""
    plans = [plan for _, plan in reading.view.records.scan(PlanState)]
    shown = [
        {
            "title": plan.title,
            "lang": plan.lang,
            "version": plan.methodology,
            "index": plan.methodology_index,
            "href": reading.place.to("metodologia", plan.plan, plan.methodology) if plan.methodology else "",
        }
        for plan in plans
    ]
    return answer(reading, "methodologies.html", plans=shown)


def methodology_page(reading: Reading) -> Response[bytes]:
    """One version of a plan's methodology, with every table."""
    name, raw = reading.place.segments[1:3]
    plan = reading.view.records.get(PlanState, name)
    versions = versions_of(reading, name) if plan is not None else {}
    if plan is None or raw not in {str(version) for version in versions}:
        raise Problem(404, "There is no such version of a methodology.")
    adopted = versions[int(raw)]
    before = versions.get(adopted.version - 1)
    after = versions.get(adopted.version + 1)
    return answer(
        reading,
        "methodology.html",
        plan={"title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", name)},
        version=adopted.version,
        line=line_of(reading, reading.view.entry(adopted.index)),
        since_ms=adopted.from_ms,
        document=adopted.document,
        followed_by=after and {"version": adopted.version + 1, "href": _to(reading, name, adopted.version + 1)},
        figures=figure_rows(reading, adopted.parameters, before.parameters if before else None),
        others=[
            {"version": version, "href": _to(reading, name, version), "index": each.index}
            for version, each in sorted(versions.items(), reverse=True)
            if version != adopted.version
        ],
        say_rule={rule: sentence_of(reading.say, rule, adopted.parameters) for rule in RULES},
        steps_of_grades=grade_steps(reading, adopted.parameters),
        caps=[{"rule": rule, "most": most, "lifted": lifted} for rule, (most, lifted) in CAPS.items()],
        falls=fall_rows(reading, adopted.parameters),
        verdicts=[
            {"rule": rule, "state": reading.text(state), "effect": reading.text(effect)}
            for rule, (state, effect) in VERDICTS.items()
        ],
        steps=[{"title": reading.text(title), "rules": rules} for title, rules in STEPS],
        example=example_rows(reading, adopted.parameters),
        changed=before is not None,
        formulas=FORMULAS,
        gone_days=reading.say.number(adopted.parameters.gone_days),
    )


def _to(reading: Reading, plan: str, version: int) -> str:
    return reading.place.to("metodologia", plan, version)


def grade_steps(reading: Reading, parameters: Parameters) -> list[dict[str, Any]]:
    """The grades from 0 to 4: the rules that give each, and the level that the records then support by themselves."""
    caps = parameters.machine_cap
    most = (caps.grade_0, caps.grade_1, caps.grade_2, caps.grade_3, caps.grade_3)
    return [
        {
            "grade": grade,
            "rules": [rule for rule in RULES if rule.startswith(f"grade/{grade}-")],
            "supports": ON_THE_SCALE[most[grade]],
        }
        for grade in range(5)
    ]


def example_rows(reading: Reading, parameters: Parameters) -> list[dict[str, Any]]:
    """The worked example: what happened, grades, level, and the rules that were not fired by the step before."""
    rows: list[dict[str, Any]] = []
    before: set[str] = set()
    for step in worked_example(parameters):
        found = step.standing
        fired = {reason.rule for reason in reasons_in(found)}
        rows.append(
            {
                "day": reading.say.day(step.day),
                "happened": reading.text(step.happened),
                "best": [mechanism.best for mechanism in found.mechanisms],
                "level": found.combined.level,
                "percent": reading.say.percent(found.combined.percent),
                "gap": reading.say.number(found.gap or 0),
                "rules": [rule for rule in RULES if rule in fired - before],
            }
        )
        before = fired
    return rows


def fall_rows(reading: Reading, parameters: Parameters) -> list[dict[str, str]]:
    """The degradation table with its figures filled in."""
    days = reading.say.number(parameters.answer_days)
    return [
        {
            "happens": reading.text(happens, answer_days=days) if "%(" in happens else reading.text(happens),
            "from": before,
            "to": reading.text(after) if not after.isdigit() else after,
            "back": reading.text(back) if back else "",
            "rule": rule,
        }
        for happens, before, after, back, rule in FALLS
    ]


def figure_rows(reading: Reading, parameters: Parameters, before: Parameters | None) -> list[dict[str, Any]]:
    """Each parameter: its name, what it decides, its value, and the value of the version before where that differs."""
    rows: list[dict[str, Any]] = []
    for name, meaning in FIGURES.items():
        values = _values(reading, name, parameters)
        earlier = _values(reading, name, before) if before is not None else values
        rows.append(
            {
                "name": name,
                "meaning": reading.text(meaning),
                "lines": values,
                "before": None if earlier == values else earlier,
                "codes": name == "own_pages",
            }
        )
    return rows


def _values(reading: Reading, name: str, parameters: Parameters) -> list[str]:
    """A parameter as lines to be read."""
    say = reading.say
    caps, codes = parameters.machine_cap, parameters.codes
    if name == "machine_cap":
        levels = [
            say.name("level", ON_THE_SCALE[cap]).lower()
            for cap in (caps.grade_0, caps.grade_1, caps.grade_2, caps.grade_3)
        ]
        return [
            reading.text("grade %(grade)s: %(level)s", grade=grade, level=level) for grade, level in enumerate(levels)
        ]
    if name == "own_pages":
        return list(parameters.own_pages)
    if name == "codes":
        return [_coded(reading, aspect, getattr(codes, aspect)) for aspect in codes.__struct_fields__]
    value: int = getattr(parameters, name)
    return [reading.texts("%(num)s day", "%(num)s days", value) if name.endswith("_days") else whole_share(say, value)]


def _coded(reading: Reading, aspect: str, codes: Sequence[str]) -> str:
    """`Ambition: minor (minor), moderate (moderate)`: what each code of an aspect is called, and the code."""
    named = ", ".join([f"{reading.say.name('code', code)} ({code})" for code in codes])
    return f"{reading.say.name('aspect', aspect)}: {named or '–'}"

"""Why a grade or a level is what it is, in words: one sentence for each rule of the grading and degradation tables.

The engine (`projections.grading`) gives every grade, verdict and level with its reasons: the name of a rule and the
indexes of the entries that fired it. The name is for ever, and the anchor of its row on the methodology page
(`/gt/metodologia/gt-2014-2016/1#cap/shared`); the sentence is here, once, for pages, answers and exports:

    RULES                       rule -> its sentence, in English; translated where shown
    sentence_of(say, rule, …)   the sentence with the parameters in force filled in
    explainer(reading, plan)    reasons ready for a template: rule, sentence, address of its row, entries
    reason_words(reading, …)    one of them
"""

from collections.abc import Callable, Mapping
from typing import Any

from api.names import msg
from api.phrasing import Phrasing
from api.reading import Reading
from ledger.vocabulary import Parameters
from projections.grading import Reason

# In the order of the tables. The names are those that the engine uses; tests/test_page_methodology.py compares them.
RULES: Mapping[str, str] = {
    # How an item gets its grade for a mechanism.
    "grade/0-withdrawn": msg("Whoever linked it has withdrawn it: it supports nothing."),
    "grade/0-upheld": msg("A dispute about it was upheld: for this mechanism it supports nothing."),
    "grade/0-own-page": msg("It is a page of the tracker itself, which cannot prove what the tracker says."),
    "grade/0-gone": msg("It is gone, and nobody had captured it: there is nothing left to look at."),
    "grade/1-linked": msg("It is only linked: nobody has captured what is there."),
    "grade/2-captured": msg("It was captured: its bytes have a digest, a capturer and a time."),
    "grade/3-two-organisations": msg("Two organisations captured the same bytes, and one of them is independent."),
    "grade/3-checked-later": msg(
        "An independent organisation captured it and, %(confirm_days)s days later or more, an independent organisation "
        "found the same bytes still there."
    ),
    "grade/4-verdict": msg("A verdict in force by an independent assessor cites its digest."),
    # What holds a grade down.
    "cap/home-page": msg("Its address is a home page, not a document: grade 1 at most, unless a verdict cites it."),
    "cap/shared": msg(
        "The same address or the same bytes serve another commitment, and nobody has explained what each takes from "
        "them: grade 2 at most, unless a verdict cites it."
    ),
    "cap/before-plan": msg("It is dated before the plan began: grade 2 at most, unless a verdict cites it."),
    "cap/dispute-open": msg("A dispute about it is open: grade 2 at most until it is resolved."),
    "cap/dispute-unanswered": msg(
        "A dispute about it has gone unanswered for %(answer_days)s days: grade 1 at most until it is answered."
    ),
    # How a grade falls when evidence changes or ages.
    "fall/changed": msg(
        "Something else stands at its address now, and this mechanism recurs: grade 2 until the new bytes are captured "
        "and confirmed."
    ),
    "fall/aged": msg(
        "This mechanism recurs, and its newest evidence is overdue: one grade less for each period missed, but not "
        "below 1."
    ),
    # What is shown beside a grade and does not change it.
    "mark/gone": msg("It is no longer at its address. Captures of it exist, so the grade stands."),
    "mark/fresh": msg("This mechanism recurs, and its evidence is recent enough: nothing has fallen for its age."),
    "mark/questioned": msg("A citizen disputes it, and nobody has screened that yet: the grade stands until then."),
    # Whether a verdict counts.
    "verdict/in-force": msg("The verdict is in force."),
    "verdict/replaced": msg("Its organisation has given a later verdict on this mechanism."),
    "verdict/withdrawn": msg("Its author has withdrawn it."),
    "verdict/void": msg("It was signed with a key declared compromised since before then: it counts for nothing."),
    "verdict/suspended": msg(
        "A dispute about evidence that it cites is open: until that is resolved, it counts no higher than the records."
    ),
    "verdict/lapsed-dispute": msg(
        "A dispute about evidence that it cites was upheld, wholly or in part: it no longer raises the level, and "
        "still limits it until its author gives another."
    ),
    "verdict/lapsed-amended": msg(
        "The mechanism was amended after it: it no longer raises the level, and still limits it until its author gives "
        "another."
    ),
    "verdict/lapsed-aged": msg(
        "The evidence of this recurring mechanism is overdue: the verdict no longer raises the level, and still limits "
        "it until its author gives another."
    ),
    # What a mechanism is held to, and how far it comes.
    "claim/own": msg("A level was reported for this mechanism."),
    "claim/inherited": msg("The level reported for the whole commitment counts for this mechanism."),
    "claim/none": msg("No level was reported, so there is no claim that evidence could support."),
    "mechanism/implicit": msg(
        "The plan defines no mechanism, so the whole commitment counts as one: it cannot be verified from the plan."
    ),
    "mechanism/machine": msg(
        "No verdict counts here: the level is what was reported, as far as the best grade supports it. Grade 3 "
        "supports «%(level_3)s», grade 2 «%(level_2)s», grade 1 «%(level_1)s»."
    ),
    "mechanism/verdicts": msg(
        "Verdicts decide: the middle one of the organisations' levels, the lower where two stand in the middle."
    ),
    "mechanism/capped": msg("A verdict that lapsed limits the level until its author gives another or withdraws it."),
    "weights/equal": msg("No weights were set: all mechanisms weigh the same."),
    "weights/set": msg("The mechanisms weigh what was set for this commitment."),
    # From mechanisms to the level of a commitment.
    "level/complete": msg(
        "Every mechanism is complete, each by a verdict in force of the IRM or of two independent organisations."
    ),
    "level/substantial": msg("Mechanisms that weigh %(substantial)s or more of the whole are substantial or complete."),
    "level/limited": msg(
        "Some mechanism is limited or better, but those that are substantial or better weigh less than %(substantial)s "
        "of the whole."
    ),
    "level/not-started": msg("For every mechanism the verdict, or else what was reported, says «not started»."),
    "level/no-evidence": msg(
        "No mechanism has evidence that supports a level. It does not follow that nothing was done."
    ),
    "reported/commitment": msg("The level was reported for the whole commitment."),
    "reported/mechanisms": msg(
        "Levels were reported for mechanisms alone; the level of the commitment follows from them by the same formula."
    ),
}


def whole_share(say: Phrasing, basis_points: int) -> str:
    """A share without decimals where it has none: 5000 -> 50 %, 3333 -> 33.33 %."""
    if basis_points % 100:
        return say.share(basis_points)
    space = "" if say.language == "en" else "\N{NO-BREAK SPACE}"
    return f"{say.number(basis_points // 100)}{space}%"


ON_THE_SCALE = ("no_evidence_available", "limited", "substantial", "complete")


def figures_of(say: Phrasing, parameters: Parameters) -> dict[str, str]:
    """What the sentences name: the parameters of a methodology version, as the country writes numbers and levels."""
    caps = parameters.machine_cap

    def most(cap: int) -> str:
        return say.name("level", ON_THE_SCALE[cap]).lower()

    return {
        "confirm_days": say.number(parameters.confirm_days),
        "gone_days": say.number(parameters.gone_days),
        "answer_days": say.number(parameters.answer_days),
        "substantial": whole_share(say, parameters.substantial_bp),
        "level_1": most(caps.grade_1),
        "level_2": most(caps.grade_2),
        "level_3": most(caps.grade_3),
    }


def sentence_of(say: Phrasing, rule: str, parameters: Parameters) -> str:
    """A rule in words. Raises KeyError for a rule that the tables do not have."""
    return say.words.gettext(RULES[rule]) % figures_of(say, parameters)


def explainer(reading: Reading, plan: str) -> Callable[[Reason], dict[str, Any]]:
    """What puts the reasons of a plan's standings into words, by the methodology in force on the day of the view.

    It answers `rule`, `sentence`, `href` (the rule's row on the methodology page) and `entries` (leaf indexes).
    """
    situation = reading.view.situation(plan)
    adopted = situation.methodology
    where = ("metodologia", plan, adopted.version) if adopted else ("metodologia",)
    figures = figures_of(reading.say, situation.parameters)
    table = reading.place.to(*where)

    def explain(reason: Reason) -> dict[str, Any]:
        sentence = reading.text(RULES[reason.rule]) % figures
        return {
            "rule": reason.rule,
            "sentence": sentence,
            "href": f"{table}#{reason.rule}",
            "entries": reason.entries,
        }

    return explain


def reason_words(reading: Reading, reason: Reason, plan: str = "") -> dict[str, Any]:
    """One reason, as `explainer` puts it; of the first plan where none is named. For many, use `explainer`."""
    return explainer(reading, plan or reading.first_plan or "")(reason)

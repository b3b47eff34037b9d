"""A worked example for the methodology page: one commitment with three mechanisms, from a bare claim to `complete`.

Nothing of it is on any record. The facts are invented after commitment C8 of the plan of 2014-2016; the grades, the
levels and the rules that gave them are computed by the engine, with the figures of the version that is shown.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from api.names import msg
from ledger.vocabulary import Parameters
from projections.grading import (
    ClaimFacts,
    CommitmentStanding,
    DisputeFacts,
    Facts,
    ItemFacts,
    MechanismFacts,
    Sighting,
    VerdictFacts,
    standing,
)


class Step(NamedTuple):
    """What happened, on which day (YYYY-MM-DD), and where the commitment stands after it."""

    happened: str
    day: str
    standing: CommitmentStanding


_COMMITMENT = "gt-2014-2016/C8"
_LIST, _REPORT, _ROLL = "1" * 64, "2" * 64, "3" * 64
_TRACKER, _TO_LIST, _TO_REPORT, _TO_ROLL = 1, 2, 3, 20


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def _seen(index: int, day: str, what: str, digest: str, who: str) -> Sighting:
    independent = who != "coordinator"
    return Sighting(index=index, day=_day(day), seen=what, digest=digest, organisation=who, independent=independent)


def _verdict(index: int, day: str, mechanism: int, level: str, who: str, digest: str) -> VerdictFacts:
    return VerdictFacts(
        index=index,
        day=_day(day),
        mechanism=mechanism,
        organisation=who,
        actor=who,
        role="irm" if who == "irm" else "assessor",
        level=level,
        digests=(digest,),
        independent=True,
    )


def _claimed(parameters: Parameters) -> Facts:
    items = (
        ItemFacts(link=_TRACKER, mechanisms=(1, 2, 3), own_page=True),
        ItemFacts(link=_TO_LIST, mechanisms=(2,)),
        ItemFacts(link=_TO_REPORT, mechanisms=(1, 2, 3)),
    )
    mechanisms = tuple([MechanismFacts(mechanism=f"{_COMMITMENT}.M{n}", number=n) for n in (1, 2, 3)])
    reported = ClaimFacts("complete", 0)
    day = _day("2015-09-01")
    return Facts(
        commitment=_COMMITMENT, as_of=day, parameters=parameters, reported=reported, mechanisms=mechanisms, items=items
    )


def _look(facts: Facts, link: int, *sightings: Sighting) -> Facts:
    """The facts with something seen of one item."""
    items = [
        replace(item, sightings=(*item.sightings, *sightings)) if item.link == link else item for item in facts.items
    ]
    return replace(facts, items=tuple(items))


def _dispute(facts: Facts, dispute: DisputeFacts) -> Facts:
    items = [replace(item, disputes=(dispute,)) if item.link == _TO_REPORT else item for item in facts.items]
    return replace(facts, items=tuple(items))


def _happenings(parameters: Parameters) -> Iterator[tuple[str, str, Facts]]:
    """What happened, the day, and the facts after it."""
    facts = _claimed(parameters)
    yield (
        msg("The institution reports «complete» and links a page of the tracker itself, a list and a report."),
        "2015-09-01",
        facts,
    )
    facts = _look(facts, _TO_LIST, _seen(4, "2015-09-04", "captured", _LIST, "coordinator"))
    facts = _look(facts, _TO_REPORT, _seen(5, "2015-09-04", "captured", _REPORT, "coordinator"))
    yield msg("A program of the coordinator captures the list and the report."), "2015-09-04", facts
    for link, digest, first in ((_TO_LIST, _LIST, 6), (_TO_REPORT, _REPORT, 8)):
        captured = _seen(first, "2015-10-01", "captured", digest, "assessor")
        facts = _look(facts, link, captured, _seen(first + 1, "2015-10-10", "alive", digest, "assessor"))
    yield (
        msg("A civil-society organisation captures the same bytes, and finds them still there later."),
        "2015-10-10",
        facts,
    )
    dispute = DisputeFacts(index=10, mechanism=3, admitted=10, admitted_day=_day("2015-10-20"))
    facts = _dispute(facts, dispute)
    yield (
        msg("It disputes the report for the third mechanism: it names some municipalities, not all."),
        "2015-10-20",
        facts,
    )
    unanswered = date.fromordinal(_day("2015-10-20") + parameters.answer_days).isoformat()
    yield msg("Nobody answers in time."), unanswered, facts
    facts = _dispute(facts, replace(dispute, answered=11, resolved=12, resolution="partly"))
    levels = ("complete", "complete", "limited")
    own = [_verdict(12 + n, "2015-12-01", n, level, "assessor", _REPORT) for n, level in enumerate(levels, 1)]
    facts = replace(facts, verdicts=tuple(own))
    yield (
        msg("The institution answers, the IRM upholds the dispute in part, and the organisation gives its verdicts."),
        "2015-12-01",
        facts,
    )
    gone = [_seen(16 + n, day, "gone", "", "assessor") for n, day in enumerate(("2016-02-01", "2016-03-01"))]
    facts = _look(facts, _TO_REPORT, *gone)
    yield msg("After the change of government the report is gone from its address."), "2016-03-01", facts
    roll = ItemFacts(
        link=_TO_ROLL, mechanisms=(3,), sightings=(_seen(21, "2016-04-01", "captured", _ROLL, "assessor"),)
    )
    irm = [_verdict(21 + n, "2016-04-10", n, "complete", "irm", _ROLL if n == 3 else _REPORT) for n in (1, 2, 3)]
    again = _verdict(25, "2016-04-10", 3, "complete", "assessor", _ROLL)
    facts = replace(facts, items=(*facts.items, roll), verdicts=(*facts.verdicts, *irm, again))
    yield (
        msg(
            "A document for the third mechanism is captured; the IRM finds all three complete, and the organisation "
            "finds the third complete too."
        ),
        "2016-04-10",
        facts,
    )


def worked_example(parameters: Parameters) -> list[Step]:
    """The example with these figures, step by step."""
    return [
        Step(happened, day, standing(replace(facts, as_of=_day(day))))
        for happened, day, facts in _happenings(parameters)
    ]

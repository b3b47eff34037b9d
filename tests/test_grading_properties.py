"""What holds of every grade and level, whatever the history: tried on facts and histories that nobody thought of."""

import ast
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from test_grading import D1, D2, D3, Case, M, kinds_in
from world import C8, PLAN

from ledger.errors import Refused
from ledger.vocabulary import LEVEL_ORDINAL
from projections import comparison, evidence, grading
from projections.comparison import changes_between, matrix_of
from projections.evidence import DEFAULT_PARAMETERS, default_as_of
from projections.grading import (
    ClaimFacts,
    CommitmentStanding,
    DisputeFacts,
    Facts,
    ItemFacts,
    ItemGrade,
    MechanismFacts,
    Sighting,
    VerdictFacts,
    holds_until,
    standing,
)
from projections.records import SqliteRecords
from projections.replay import evolve

LEVELS = sorted(LEVEL_ORDINAL)
DIGESTS = ("a", "b", "c")
ORGANISATIONS = (("copret", False), ("icefi", True), ("congreso", True), ("irm", True))
TODAY = 400
_OPEN = DisputeFacts(index=5, mechanism=1, admitted=5, admitted_day=TODAY)


class _Indexes:
    """Indexes in the order of days, each once, as entries have them."""

    def __init__(self, choices: random.Random) -> None:
        self.random = choices
        self.taken: set[int] = set()

    def on(self, day: int) -> int:
        index = day * 1_000 + self.random.randrange(1_000)
        while index in self.taken:
            index += 1
        self.taken.add(index)
        return index


@st.composite
def facts(draw: st.DrawFn, recurring: bool | None = None) -> Facts:
    """Any facts of a commitment: one to three mechanisms, up to four items, looks, disputes and verdicts."""
    choices = random.Random(draw(st.integers(0, 2**32)))
    indexes = _Indexes(choices)
    count = choices.randint(1, 3)
    mechanisms = tuple([_mechanism(choices, indexes, number + 1, recurring) for number in range(count)])
    items = tuple([_item(choices, indexes, count) for _ in range(choices.randint(0, 4))])
    verdicts = [_verdict(choices, indexes, count) for _ in range(choices.randint(0, 5))]
    return Facts(
        commitment=C8,
        as_of=TODAY,
        parameters=DEFAULT_PARAMETERS,
        reported=ClaimFacts(choices.choice(LEVELS[1:]), indexes.on(1)) if choices.random() < 0.9 else None,
        mechanisms=mechanisms,
        items=items,
        verdicts=tuple(sorted(verdicts, key=lambda one: one.index)),
    )


def _mechanism(choices: random.Random, indexes: _Indexes, number: int, recurring: bool | None) -> MechanismFacts:
    repeats = choices.random() < 0.4 if recurring is None else recurring
    return MechanismFacts(
        mechanism=f"{C8}.M{number}",
        number=number,
        claim=ClaimFacts(choices.choice(LEVELS[1:]), indexes.on(2)) if choices.random() < 0.3 else None,
        recurring=repeats,
        period_days=choices.choice((30, 90)) if repeats else 0,
        grace_days=choices.choice((None, 0, 20)),
        amended=indexes.on(choices.randint(100, TODAY)) if choices.random() < 0.2 else None,
    )


def _item(choices: random.Random, indexes: _Indexes, count: int) -> ItemFacts:
    start = choices.randint(10, 300)
    looks = sorted(
        [_look(choices, indexes, choices.randint(start, TODAY)) for _ in range(choices.randint(0, 5))],
        key=lambda one: one.index,
    )
    return ItemFacts(
        link=indexes.on(start - 1),
        mechanisms=tuple(sorted({choices.randint(0, count) for _ in range(2)})),
        withdrawn=indexes.on(TODAY) if choices.random() < 0.1 else None,
        own_page=choices.random() < 0.1,
        home_page=choices.random() < 0.2,
        before_plan=choices.random() < 0.1,
        dated=choices.randint(1, TODAY) if choices.random() < 0.3 else None,
        shared=(indexes.on(5),) if choices.random() < 0.15 else (),
        sightings=tuple(looks),
        disputes=tuple([_dispute(choices, indexes, start, count) for _ in range(choices.choice((0, 0, 1, 2)))]),
    )


def _look(choices: random.Random, indexes: _Indexes, day: int) -> Sighting:
    organisation, independent = choices.choice(ORGANISATIONS)
    seen = choices.choice(("captured", "captured", "captured", "alive", "changed", "gone", "gone", "blocked"))
    digest = choices.choice(DIGESTS) if seen in ("captured", "alive", "changed") else ""
    return Sighting(
        index=indexes.on(day),
        day=day,
        seen=seen,
        digest=digest,
        organisation=organisation,
        independent=independent,
    )


def _dispute(choices: random.Random, indexes: _Indexes, start: int, count: int) -> DisputeFacts:
    day = choices.randint(start, TODAY)
    index = indexes.on(day)
    admitted = index if choices.random() < 0.7 else indexes.on(day) if choices.random() < 0.5 else None
    later = indexes.on(TODAY)
    resolved = later if admitted is not None and choices.random() < 0.5 else None
    return DisputeFacts(
        index=index,
        mechanism=choices.randint(0, count),
        admitted=admitted,
        admitted_day=day,
        answered=indexes.on(choices.randint(day, TODAY)) if choices.random() < 0.4 else None,
        resolved=resolved,
        resolution=choices.choice(("upheld", "partly", "rejected")) if resolved is not None else "",
        withdrawn=indexes.on(TODAY) if resolved is None and choices.random() < 0.1 else None,
    )


def _verdict(choices: random.Random, indexes: _Indexes, count: int) -> VerdictFacts:
    organisation, independent = choices.choice(ORGANISATIONS[1:])
    day = choices.randint(20, TODAY)
    return VerdictFacts(
        index=indexes.on(day),
        day=day,
        mechanism=choices.randint(0, count),
        organisation=organisation,
        actor=organisation,
        role="irm" if organisation == "irm" else "assessor",
        level=choices.choice(LEVELS),
        digests=tuple(choices.sample(DIGESTS, choices.randint(1, 2))),
        independent=independent,
        withdrawn=indexes.on(TODAY) if choices.random() < 0.1 else None,
        void=indexes.on(TODAY) if choices.random() < 0.1 else None,
    )


def grades(found: CommitmentStanding) -> dict[tuple[str, int], ItemGrade]:
    return {(one.mechanism, one.link): one for mechanism in found.mechanisms for one in mechanism.grades}


@given(facts())
@settings(max_examples=300)
def test_every_result_is_within_its_scale_and_made_of_whole_numbers(known: Facts) -> None:
    found = standing(known)
    assert "float" not in kinds_in(msgspec.to_builtins(found))
    for mechanism in found.mechanisms:
        assert 0 <= mechanism.mach <= 2  # a machine says substantial at most
        assert mechanism.mach <= LEVEL_ORDINAL.get(mechanism.claim, 0)
        assert 0 <= mechanism.e <= 3
        assert mechanism.best == max([one.grade for one in mechanism.grades], default=0)
    x1, x2, x3 = found.combined.x
    assert 10_000 >= x1 >= x2 >= x3 >= 0
    assert sum([one.weight for one in found.mechanisms]) == 10_000
    assert 0 <= found.combined.percent <= 100
    assert found.records.level != "complete"


@given(facts(), st.none() | st.integers(TODAY - 30, TODAY + 90), st.integers(0, 200))
@settings(max_examples=300)
def test_until_its_day_a_level_holds_and_time_alone_changes_nothing(known: Facts, due: int | None, later: int) -> None:
    known = msgspec.structs.replace(known, due=due)
    until = holds_until(known)
    assert until is None or until > TODAY
    day = TODAY + later
    if until is None or day < until:
        assert standing(msgspec.structs.replace(known, as_of=day)) == standing(known)


@pytest.mark.parametrize(
    ("days", "known"),
    [
        (31, {"due": TODAY + 30}),
        (None, {"due": TODAY - 1}),
        (30, {"items": (ItemFacts(link=1, mechanisms=(1,), disputes=(_OPEN,)),)}),
        (None, {"items": (ItemFacts(link=1, mechanisms=(1,), disputes=(replace(_OPEN, answered=8),)),)}),
    ],
)
def test_the_day_until_which_a_level_holds_is_that_on_which_it_changes(days: int | None, known: dict[str, Any]) -> None:
    one = MechanismFacts(mechanism=f"{C8}.M1", number=1)
    facts = Facts(commitment=C8, as_of=TODAY, parameters=DEFAULT_PARAMETERS, mechanisms=(one,), **known)
    until = holds_until(facts)
    assert until == (None if days is None else TODAY + days)
    if until is not None:
        assert standing(replace(facts, as_of=until)) != standing(replace(facts, as_of=until - 1)) == standing(facts)


@given(facts())
@settings(max_examples=300)
def test_complete_takes_people(known: Facts) -> None:
    found = standing(known)
    if found.combined.level != "complete":
        return
    for mechanism in found.mechanisms:
        whole = [one for one in mechanism.verdicts if one.state == "in_force" and one.level == "complete"]
        assert any(one.role == "irm" for one in whole) or len({one.organisation for one in whole}) >= 2


def _without(known: Facts, keep: set[int]) -> Facts:
    """The facts with those looks, disputes and verdicts only that are kept; of a dispute, with the acts that are."""

    def dispute(one: DisputeFacts) -> DisputeFacts:
        gone: dict[str, Any] = {
            name: None for name in ("answered", "resolved", "withdrawn") if getattr(one, name) not in keep
        }
        if "resolved" in gone:
            gone["resolution"] = ""
        return msgspec.structs.replace(one, **gone)

    items = [
        msgspec.structs.replace(
            item,
            withdrawn=item.withdrawn if item.withdrawn in keep else None,
            shared=tuple([one for one in item.shared if one in keep]),
            sightings=tuple([one for one in item.sightings if one.index in keep]),
            disputes=tuple([dispute(one) for one in item.disputes if one.index in keep]),
        )
        for item in known.items
    ]
    verdicts = tuple([one for one in known.verdicts if one.index in keep])
    return msgspec.structs.replace(known, items=tuple(items), verdicts=verdicts)


@given(facts())
@settings(max_examples=400)
def test_the_entries_that_a_grade_names_are_enough_to_give_it(known: Facts) -> None:
    """Complete explanations: of all that happened to an item, what its reasons name gives the same grade."""
    found = grades(standing(known))
    for key, grade in found.items():
        named = {index for reason in grade.reasons for index in reason.entries}
        again = grades(standing(_without(known, named)))[key]
        assert (again.grade, {one.rule for one in again.reasons}) == (grade.grade, {one.rule for one in grade.reasons})


@given(facts(), st.randoms())
@settings(max_examples=300)
def test_to_take_away_a_named_entry_changes_the_grade_or_the_explanation(known: Facts, choices: random.Random) -> None:
    found = grades(standing(known))
    everything = {index for item in known.items for one in (*item.sightings, *item.disputes) for index in [one.index]}
    everything |= {index for item in known.items for index in item.shared}
    everything |= {one.index for one in known.verdicts}
    everything |= {
        index
        for item in known.items
        for one in item.disputes
        for index in (one.answered, one.resolved, one.withdrawn)
        if index is not None
    }
    for key, grade in found.items():
        named = sorted({index for reason in grade.reasons for index in reason.entries} & everything)
        for index in named:
            again = grades(standing(_without(known, everything - {index})))[key]
            assert (again.grade, again.reasons) != (grade.grade, grade.reasons), index


@given(facts(recurring=False), st.integers(0, 3), st.sampled_from(DIGESTS))
@settings(max_examples=300)
def test_one_more_capture_lowers_no_grade_of_a_one_off_document(known: Facts, place: int, digest: str) -> None:
    if place >= len(known.items):
        return
    item = known.items[place]
    more = Sighting(
        index=TODAY * 1_000 + 999, day=TODAY, seen="captured", digest=digest, organisation="icefi", independent=True
    )
    changed = msgspec.structs.replace(item, sightings=(*item.sightings, more))
    items = (*known.items[:place], changed, *known.items[place + 1 :])
    before, after = grades(standing(known)), grades(standing(msgspec.structs.replace(known, items=items)))
    for key, grade in before.items():
        # A verdict that cites these bytes may now be in doubt through a dispute of this item; else nothing falls.
        if key[1] == item.link and not item.disputes:
            assert after[key].grade >= grade.grade


@given(facts(), st.integers(0, 3))
@settings(max_examples=300)
def test_one_more_admitted_dispute_raises_no_grade(known: Facts, place: int) -> None:
    if place >= len(known.items):
        return
    item = known.items[place]
    index = TODAY * 1_000 + 998
    more = DisputeFacts(index=index, mechanism=1, admitted=index, admitted_day=TODAY)
    changed = msgspec.structs.replace(item, disputes=(*item.disputes, more))
    items = (*known.items[:place], changed, *known.items[place + 1 :])
    before, after = grades(standing(known)), grades(standing(msgspec.structs.replace(known, items=items)))
    assert all(after[key].grade <= grade.grade for key, grade in before.items())


@given(facts(), st.integers(0, 3))
@settings(max_examples=200)
def test_a_citizens_question_changes_no_number(known: Facts, place: int) -> None:
    if place >= len(known.items):
        return
    item = known.items[place]
    more = DisputeFacts(index=TODAY * 1_000 + 998, mechanism=1)
    changed = msgspec.structs.replace(item, disputes=(*item.disputes, more))
    asked = msgspec.structs.replace(known, items=(*known.items[:place], changed, *known.items[place + 1 :]))
    before, after = standing(known), standing(asked)
    assert (after.combined, after.records, after.voices) == (before.combined, before.records, before.voices)
    assert {key: one.grade for key, one in grades(after).items()} == {k: one.grade for k, one in grades(before).items()}


@given(facts(), st.randoms())
@settings(max_examples=200)
def test_the_order_of_items_and_of_looks_on_one_day_means_nothing(known: Facts, choices: random.Random) -> None:
    items = list(known.items)
    choices.shuffle(items)
    shuffled = standing(msgspec.structs.replace(known, items=tuple(items)))
    plain = standing(known)
    assert (shuffled.combined, shuffled.gap, shuffled.voices) == (plain.combined, plain.gap, plain.voices)
    assert grades(shuffled) == grades(plain)


@given(facts(), st.integers(0, 200))
@settings(max_examples=200)
def test_time_alone_never_raises_a_grade(known: Facts, days: int) -> None:
    later = standing(msgspec.structs.replace(known, as_of=TODAY + days))
    before = grades(standing(known))
    assert all(one.grade <= before[key].grade for key, one in grades(later).items())


def test_no_clock_and_no_chance_is_read() -> None:
    for module in (grading, evidence, comparison):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
                assert names.isdisjoint({"time", "random", "os", "datetime.datetime", "datetime"} - {"datetime"})
                assert "datetime" not in {alias.name for alias in node.names}
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("now", "today", "utcnow")
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float))
            assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))


# --- histories -------------------------------------------------------------------------------------------------------

_WAYS = ("link", "capture", "capture", "check", "dispute", "resolve", "verdict", "withdraw", "days", "report", "amend")


def history(seed: int, length: int) -> Case:
    """A random history of a commitment with three mechanisms; what the rulebook refuses is left out."""
    choices = random.Random(seed)
    case = Case()
    case.mechanisms(1, 2, repeats="recurring", period_days=30)
    case.mechanisms(3)
    disputes: list[str] = []
    for number in range(length):
        case.world.now_ms += choices.choice((1_000, 86_400_000))
        try:
            _step(case, choices, disputes, number)
        except (Refused, IndexError):
            continue
    return case


def _step(case: Case, choices: random.Random, disputes: list[str], number: int) -> None:
    by = choices.choice(("captura:capturer", "rastreo:capturer", "segeplan:institution", "congreso:assessor"))
    name = choices.choice(sorted(case.links)) if case.links else "none"
    digest, mechanism = choices.choice((D1, D2, D3)), choices.choice(M)
    match choices.choice(_WAYS):
        case "link":
            case.link(f"doc-{number}", *choices.sample(M, choices.randint(1, 3)))
        case "capture" if case.links:
            case.capture(name, digest, by)
        case "check" if case.links:
            seen = choices.choice(("alive", "changed", "gone", "unsure"))
            case.check(name, seen, by, digest if seen in ("alive", "changed") else None)
        case "dispute" if case.links:
            disputes.append(case.dispute(name, mechanism, choices.choice(("icefi:assessor", "congreso:assessor"))))
        case "resolve":
            case.resolve(choices.choice(disputes), choices.choice(("upheld", "partly", "rejected")))
        case "verdict":
            who = choices.choice(("icefi:assessor", "congreso:assessor", "irm:irm"))
            case.verdict(mechanism, choices.choice(LEVELS), who, digest)
        case "withdraw" if case.links:
            case.say("StatementWithdrawn", "segeplan:holder", statement=case.links[name])
        case "days":
            case.world.now_ms += choices.randint(1, 40) * 86_400_000
        case "report":
            case.report(choices.choice(("limited", "substantial", "complete")), choices.choice((C8, mechanism)))
        case "amend":
            fields = {"mechanism": mechanism, "reason": "Se acordó.", "text": f"Texto {number}"}
            case.say("MechanismAmended", "copret:coordinator", "icefi:assessor", **fields)
        case _:
            pass


def test_any_tree_size_gives_what_the_entries_up_to_it_give(tmp_path: Path) -> None:
    """The server's store, read as of a size, and a replay of that many entries: the same matrix, the same changes."""
    for seed in range(4):
        case = history(seed, 60)
        entries = case.world.entries
        store = SqliteRecords(tmp_path / f"records-{seed}.db")
        for entry in entries:
            evolve(store, entry)
            if entry.index % 7 == 0:
                store.commit(entry.index + 1)
        store.commit(len(entries))
        before = None
        for size in range(30, len(entries) + 1, 5):
            view, again = store.at(size), case.records(size)
            as_of = default_as_of(again, size)
            assert default_as_of(view, size) == as_of
            matrix = matrix_of(view, PLAN, size, as_of)
            assert matrix == matrix_of(again, PLAN, size, as_of)
            if before is not None:
                same = [one.standing.combined for one in before.rows] == [one.standing.combined for one in matrix.rows]
                assert same <= (not [one for one in changes_between(before, matrix) if one.what == "evidenced"])
            before = matrix
        store.close()


def test_what_is_said_of_other_commitments_changes_nothing_here() -> None:
    """Order means nothing between commitments that share no evidence."""
    case = history(7, 50)
    before = case.standing(as_of="2027-12-31")
    world = case.world
    link: Any = {"title": "Otro", "evidence_type": "document", "shows": "Algo", "url": "http://otro.gt/x"}
    world.say("EvidenceLinked", "minfin:institution", for_=[f"{PLAN}/G2.M0"], **link)
    said: Any = {"level": "complete", "reason": "Hecho.", "evidence": []}
    world.say("CompletionReported", "minfin:institution", subject=f"{PLAN}/G2", **said)
    assert case.standing(as_of="2027-12-31") == before

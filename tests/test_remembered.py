"""What is remembered of levels is what is computed: at every size, on any day, in any order."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import compared
import evidence_story
import pytest
import world as w
from storyline import story
from test_grading import D1, D2, D3, SEGEPLAN, Case
from test_grading_properties import history
from world import C8, G1, G2, PLAN

from ledger.errors import Refused
from ledger.statement import Entry, format_when
from projections import remembered as module
from projections.comparison import Matrix, matrix_of
from projections.evidence import default_as_of, standing_of
from projections.records import RecordsAt, SqliteRecords
from projections.remembered import Remembered
from projections.replay import evolve
from projections.roll import local_day

DAY = 86_400_000


def shared() -> list[Entry]:
    """Commitments that use the same address and bytes, why, and what all commitments of a plan have in common."""
    case = Case()
    w.add_actor(case.world, "usac", "organisation")
    w.grant(case.world, "usac", "capturer")
    for number, of in enumerate((C8, G1, G2, C8)):
        case.link(f"L{number}", f"{of}.M0", url="http://example.gt/x", by="copret:coordinator")
        case.capture(f"L{number}", D1, "captura:capturer")
        case.capture(f"L{number}", D3, "usac:capturer")
    case.say("CommitmentRegistered", "copret:coordinator", **w.commitment(f"{PLAN}/G3", "copret"))
    case.link("both", f"{G1}.M0", f"{PLAN}/G3.M0", by="copret:institution", url="http://example.gt/x")
    uses = [{"commitment": G1, "takes": "Los nombres."}, {"commitment": f"{PLAN}/G3", "takes": "El total."}]
    case.say("SharedUseExplained", "copret:institution", evidence=[case.links["both"]], uses=uses)
    case.say("StatementWithdrawn", "copret:holder", statement=case.links["L2"])
    case.verdict(f"{C8}.M0", "limited", "congreso:assessor", D1)
    case.world.now_ms += 14 * DAY
    parameters = {**w.METHODOLOGY, "substantial_bp": 4000, "own_pages": ["http://example.gt/x"]}
    adopted = {"version": 2, "parameters": parameters, "document": D2}
    case.say("MethodologyAdopted", "copret:coordinator", "icefi:assessor", **adopted)
    case.world.now_ms += 14 * DAY
    case.dispute("L0", f"{C8}.M0", "icefi:assessor")
    day = {"precision": "day", "day": local_day(case.world.now_ms + 20 * DAY, -360)}
    case.say("CompletionDateSet", SEGEPLAN, subject=C8, date=day)
    w.grant(case.world, "usac", "institution")  # from here on it is not independent
    since = format_when(case.world.now_ms - case.world.now_ms % 1000 - 20 * DAY)
    case.world.say("KeyRevoked", *w.REGISTRARS, key=w.public("captura"), cause="compromised", since=since)
    return case.world.entries


TOLD: dict[str, Callable[[], list[Entry]]] = {
    "one of every kind": story,
    "evidence": lambda: evidence_story.tell().world.entries,
    "reported against evidenced": lambda: compared.tell().world.entries,
    "shared": shared,
    **{f"at random {seed}": lambda seed=seed: history(seed, 90).world.entries for seed in range(3)},
}


@pytest.fixture(params=list(TOLD.values()), ids=list(TOLD))
def folded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SqliteRecords, int]]:
    """The records of a history, committed as a server does, and its size."""
    try:
        entries: list[Entry] = request.param()
    except Refused as refused:
        raise AssertionError(refused) from refused
    store = put(tmp_path / "records.db", entries)
    yield store, len(entries)
    store.close()


def put(path: Path, entries: list[Entry]) -> SqliteRecords:
    store = SqliteRecords(path)
    for entry in entries:
        evolve(store, entry)
        if entry.index % 7 == 0:
            store.commit(entry.index + 1)
    store.commit(len(entries))
    return store


def both(remembered: Remembered, records: RecordsAt, as_of: str) -> tuple[Matrix, Matrix]:
    """A matrix with what is remembered, and one computed from nothing."""
    with_it = partial(remembered.standings_of, touched=records.touched(PLAN))
    size = records.size
    return matrix_of(records, PLAN, size, as_of, with_it), matrix_of(records, PLAN, size, as_of)


def days_of(records: RecordsAt, choices: random.Random) -> list[str]:
    """The day of the last entry, and one before or after it."""
    last = default_as_of(records, records.size)
    return [last, f"20{choices.randint(25, 28)}-{choices.randint(1, 12):02}-{choices.randint(1, 28):02}"]


def test_what_is_remembered_is_what_is_computed(folded: tuple[SqliteRecords, int]) -> None:
    store, size = folded
    for seed in range(2):
        choices, remembered = random.Random(seed), Remembered()
        sizes = list(range(1, size + 1))
        if seed:
            choices.shuffle(sizes)
        for one in sizes:
            records = store.at(one)
            for as_of in days_of(records, choices):
                ours, theirs = both(remembered, records, as_of)
                assert ours == theirs, (one, as_of)


def test_one_commitment_is_remembered_as_it_is_computed(folded: tuple[SqliteRecords, int]) -> None:
    store, size = folded
    choices, remembered = random.Random(3), Remembered()
    for one in choices.sample(range(1, size + 1), size):
        records = store.at(one)
        for as_of in days_of(records, choices):
            situation = module.Situation(records, PLAN, as_of)
            touched = records.touched(PLAN)
            for name in (G1, G2, C8):
                since = records.since(name)
                assert since == touched.get(name)
                ours = None if since is None else remembered.standing_of(situation, name, since)
                assert ours == standing_of(records, name, as_of), (one, as_of, name)


def test_only_that_is_computed_about_which_something_was_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = history(1, 90).world.entries
    store = put(tmp_path / "records.db", entries)
    computed: list[str] = []

    def noting(facts: Any) -> Any:
        computed.append(facts.commitment)
        return module_standing(facts)

    module_standing = module.standing
    monkeypatch.setattr(module, "standing", noting)
    remembered = Remembered()
    for before, size in pairwise(range(len(entries) // 2, len(entries))):
        records = store.at(size)
        touched, earlier = records.touched(PLAN), store.at(before).touched(PLAN)
        computed.clear()
        list(remembered.standings_of(module.Situation(records, PLAN, "2028-01-01"), touched))
        if before > len(entries) // 2:
            assert set(computed) == {one for one in touched if touched[one] != earlier[one]}
    store.close()


def test_no_more_is_remembered_than_may_be(tmp_path: Path) -> None:
    entries = history(2, 60).world.entries
    store = put(tmp_path / "records.db", entries)
    remembered = Remembered(most=5)
    for size in range(1, len(entries) + 1):
        ours, theirs = both(remembered, store.at(size), "2028-01-01")
        assert ours == theirs
        assert len(remembered._held) <= 5  # pyright: ignore[reportPrivateUsage]
    store.close()


def test_a_commitment_is_touched_by_whatever_its_levels_follow_from(tmp_path: Path) -> None:
    entries = shared()
    store = put(tmp_path / "records.db", entries)
    changed: dict[str, list[str]] = {C8: [], G1: [], G2: []}
    for entry in entries:
        before, after = store.at(entry.index).touched(PLAN), store.at(entry.index + 1).touched(PLAN)
        for one, kinds in changed.items():
            if before.get(one) != after.get(one):
                assert after[one] == entry.index + 1
                kinds.append(entry.opened.statement.kind)
    assert list(store.at(len(entries)).touched(PLAN)) == sorted({*store.at(len(entries)).touched(PLAN)})
    assert store.at(len(entries)).touched("another") == {}
    assert changed[C8].count("EvidenceLinked") == 5  # its own two, and the three that have the same address
    assert changed[G2][-1] == "StatementWithdrawn"
    assert changed[C8][-2:] == ["EvidenceDisputed", "CompletionDateSet"]
    store.close()

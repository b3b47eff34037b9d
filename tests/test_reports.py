"""Tallies and the check of published claims."""

from typing import Any

import pytest
import world as w
from storyline import story
from world import C8, G1, G2, PLAN

from projections.records import DictRecords
from projections.replay import replay
from projections.reports import ClaimChecked, LevelCount, Report, Tally


def folded(world: w.World | None = None) -> DictRecords:
    records = DictRecords()
    replay(story() if world is None else world.entries, records)
    return records


def report_of(records: DictRecords) -> Report:
    found = records.get(Report, "medio/0001")
    assert found is not None
    return found


def test_the_tally_moves_with_each_level() -> None:
    tally = folded().get(Tally, PLAN)
    assert tally is not None
    assert (tally.government, tally.civil_society) == (2, 1)
    assert tally.levels == (
        LevelCount(level="complete", government=0, civil_society=1),
        LevelCount(level="substantial", government=2, civil_society=0),
        LevelCount(level="limited", government=0, civil_society=0),
    )


def test_claims_are_checked_and_never_corrected() -> None:
    found = [(one.measure, one.level, one.claimed, one.computed, one.verdict) for one in report_of(folded()).claims]
    assert found == [
        ("level_count", "complete", 2, 1, "differs"),
        ("level_count", "substantial", 2, 2, "exact"),
        ("level_share_bp", "complete", 3333, 3333, "exact"),
        ("level_share_bp", "substantial", 6666, 6667, "truncated"),
        ("meeting_count", "", 1, 1, "exact"),
        ("comment_count", "", 3, 3, "exact"),
        ("withheld_count", "", 0, 1, "differs"),
        ("delayed", "", 14, None, "not_computable"),
    ]


def test_a_difference_names_the_commitments_behind_the_count() -> None:
    claims = report_of(folded()).claims
    assert (claims[0].difference, claims[0].members) == (1, (C8,))
    assert claims[1].members == (G1, G2)


def claimed(claim: dict[str, Any], **fields: Any) -> ClaimChecked:
    """The check of one claim, published after G1 went from limited to substantial."""
    world = w.found()
    for level in ("limited", "substantial"):
        said: Any = {"subject": G1, "level": level, "reason": "r", "evidence": []}
        world.say("CompletionReported", "copret:institution", **said)
    report = {"report": "medio", "report_form": "other", "title": "T", "version": 1, "document": w.digest_of("r")}
    none = {"precision": "none"}
    world.say("ReportPublished", "copret:coordinator", **report, on=none, claims=[claim], **fields)
    return report_of(folded(world)).claims[0]


def test_a_claim_is_checked_at_the_tree_size_it_names() -> None:
    claim = {"measure": "level_count", "scope": {"level": "limited"}, "value": 1}
    size = len(w.found().entries) + 1
    assert claimed(claim).verdict == "differs"
    assert claimed(claim, tree_size=size).verdict == "exact"
    assert claimed(claim, tree_size=size - 1).computed == 0


@pytest.mark.parametrize(
    ("scope", "computed"),
    [
        ({"level": "substantial", "proposer": "government"}, 1),
        ({"level": "substantial", "proposer": "civil_society"}, 0),
        ({"institution": "minfin"}, 1),
        ({"institution": "minfin", "level": "substantial"}, 0),
    ],
)
def test_scopes(scope: dict[str, str], computed: int) -> None:
    measure = "level_count" if "level" in scope else "commitment_count"
    assert claimed({"measure": measure, "scope": scope, "value": 1}).computed == computed


def test_a_count_out_of_another_whole_differs() -> None:
    claim = {"measure": "level_count", "scope": {"level": "substantial"}, "value": 1, "out_of": 48}
    assert claimed(claim).verdict == "differs"


@pytest.mark.parametrize(("claim", "verdict"), [(3333, "exact"), (3334, "differs"), (3332, "differs"), (0, "differs")])
def test_shares(claim: int, verdict: str) -> None:
    measure = {"measure": "level_share_bp", "scope": {"level": "substantial"}, "value": claim}
    assert claimed(measure).verdict == verdict

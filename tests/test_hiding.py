"""Texts that disappear with a trace, and come back: withheld, redacted, restored, erased, withdrawn, in every order.

Three go by the same entries: the desk, which writes `contents/`; the auditor, who accuses; and `tests/moderation.py`,
which reads FORMAT.md on its own. What is honest nobody accuses, and every other line is found, with evidence.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from moderation import ACTS, Line, Moderated, Place, Standing
from second_writer import Files
from third_person import convince
from town import Growing, Town

from projections.findings import Report
from projections.kept import Kept

SEEDS = range(12)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here grows while it is read, so nobody waits for it."""
    monkeypatch.setattr("projections.audit.PAUSES", (0.0,))


def cleared(report: Report) -> None:
    assert report.findings == []
    assert report.verdict == "verified"


def exposed(town: Town, report: Report, *kinds: str, index: int) -> None:
    """Exactly these things are found of this entry, and each convinces somebody who has the policy alone."""
    assert [(each.kind, each.index) for each in report.findings] == [(kind, index) for kind in kinds]
    for finding in report.findings:
        convince(finding, town.policy)


# --- honest worlds


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_done_to_texts_in_whatever_order_nobody_is_accused(seed: int, tmp_path: Path) -> None:
    """By one who reads all, one who goes on from the last time, and one who looks at an older size."""
    chance = Random(seed)
    moderated = Moderated()
    done = 0
    for _ in range(5):
        done += moderated.wander(chance, 10)
        town = moderated.publish()
        cleared(town.audit())
        cleared(town.audit(at=chance.randrange(1, len(moderated.world.entries))))
        with closing(Kept(tmp_path / "audit.db")) as kept:
            cleared(town.audit(kept=kept, every_text=chance.random() < 0.3))
    assert done > 10


@pytest.mark.parametrize("seed", SEEDS)
def test_texts_that_change_while_they_are_read_accuse_nobody(seed: int) -> None:
    """The head was read before, the files after: whatever was restored, withheld or erased meanwhile."""
    chance = Random(seed)
    moderated = Moderated()
    moderated.wander(chance, 20)
    before = moderated.publish().mirror()
    moderated.wander(chance, 20)
    town = moderated.publish()
    report = town.audit(Growing(before, Files(before | town.files)))
    cleared(report)
    assert report.size < len(moderated.world.entries)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_out_of_view_is_counted_by_what_was_done(seed: int, tmp_path: Path) -> None:
    chance = Random(seed)
    moderated = Moderated()
    path = tmp_path / "audit.db"
    for _ in range(3):
        moderated.wander(chance, 12)
        town = moderated.publish()
        expected = dict(sorted(Counter(filter(None, map(_effect, moderated.standing().values()))).items()))
        with closing(Kept(path)) as kept:
            counts = town.audit(kept=kept).counts
        assert counts.hidden_by == town.audit().counts.hidden_by == expected
        assert sum(expected.values()) == counts.contents_hidden


def _effect(standing: Standing) -> str | None:
    if standing.erased or standing.withdrawn or standing.replaced:
        return "erased" if standing.erased else "withdrawn" if standing.withdrawn else "replaced"
    if standing.moderated is None:
        return None
    return "withheld" if standing.moderated.opened.statement.kind == "ContentWithheld" else "redacted"


# --- every other line


@pytest.mark.parametrize("seed", SEEDS)
def test_every_other_line_that_an_operator_could_think_of_is_found(seed: int, tmp_path: Path) -> None:
    """For each content in turn: its text where it is out of view, a marker by any other act, none at all."""
    chance = Random(seed)
    moderated = Moderated()
    moderated.wander(chance, 40)
    town = moderated.publish()
    cleared(town.audit())
    lies = 0
    for place, stands in moderated.standing().items():
        true = stands.now()
        index = true["index"]
        acts = [entry for entry in moderated.world.entries if entry.opened.statement.kind in ACTS]
        markers = [moderated.marker(place, by) for by in (*acts, None)]
        for line in (moderated.texts[place], *markers):
            if line == true or _is_tolerated(stands, line):
                continue
            lies += 1
            report = moderated.lie(place, line).audit()
            (finding,) = report.findings
            assert finding.index == index
            by: Any = line.get("by")
            ended = by and stands.line == true and any(by["digest"] == each for each in _ever(moderated, place))
            assert finding.kind == ("content-kept-away" if ended else "content-marker" if by else "content-shown")
            convince(finding, town.policy)
    assert lies > 30
    # And by one who goes on from an audit before the lie, once told to look.
    place = chance.choice(list(moderated.texts))
    true = moderated.standing()[place].now()
    moderated.publish()
    with closing(Kept(tmp_path / "audit.db")) as kept:
        cleared(town.audit(kept=kept))
    with closing(Kept(tmp_path / "audit.db")) as kept:
        report = moderated.lie(place, None).audit(kept=kept, every_text=True)
        exposed(town, report, "content-missing", index=true["index"])


def _is_tolerated(stands: Standing, line: Line) -> bool:
    """Erased twice, with the content in whose place it stood: either will do. Withheld, and then withdrawn: the first
    servers left the marker of the withholding."""
    by = line.get("by", {}).get("digest")
    if stands.erased:
        return by in stands.erasures
    moderated = stands.moderated
    if stands.withdrawn is None or moderated is None:
        return False
    return moderated.opened.statement.kind == "ContentWithheld" and by == moderated.opened.identity


def _ever(moderated: Moderated, place: Place) -> Iterator[str]:
    """The acts that ever took a content from view by themselves."""
    for entry in moderated.world.entries:
        said: Any = entry.opened.statement
        if said.kind in ("ContentWithheld", "ContentRedacted"):
            if (said.target.statement, said.target.salted_digest) == place:
                yield entry.opened.identity

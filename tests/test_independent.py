"""FORMAT.md is enough: a reader written from it alone, in another language, agrees with the auditor."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from moderation import ACTS, Moderated
from town import Town, days

from api.demo.build import Built, build
from ledger.published import Folder
from ledger.tlog.policy import format_policy, parse_policy
from projections.audit import audit

HERE = Path(__file__).parent
OLD = HERE / "vectors" / "ledger-1"


def read(public: Path, policy: Path, *founding: str) -> subprocess.CompletedProcess[str]:
    """What the other reader says of a published folder."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine: the independent verifier is not run (install the package `nodejs`)")
    command = [node, HERE / "independent_verifier.mjs", public, policy, *founding]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def established(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("demo") / "mundo")


def test_it_reads_a_ledger_of_today_as_the_auditor_does(demo: Built) -> None:
    pinned = demo.place / "pinned"
    found = established(read(demo.place / "public", pinned / "policy", demo.founding))
    policy = parse_policy((pinned / "policy").read_bytes())
    report = audit(Folder(demo.place / "public"), policy=policy, founding=demo.founding, workers=1)
    assert report.verdict == "verified"
    assert (found["origin"], found["size"], found["root"]) == (report.origin, report.size, report.root)
    assert (found["founding"], found["signatures"]) == (report.founding, report.counts.signatures)
    assert (found["shown"], found["hidden"]) == (report.counts.contents_shown, report.counts.contents_hidden)


def test_it_reads_the_ledger_that_was_kept_of_format_1() -> None:
    expected = json.loads((OLD / "expected.json").read_text("utf-8"))
    found = established(read(OLD / "public", OLD / "policy", expected["founding"]))
    assert found["identities"] == expected["identities"]
    assert (found["size"], found["root"]) == (expected["size"], expected["root"])
    assert (found["signatures"], [found["shown"], found["hidden"]]) == (expected["signatures"], expected["texts"])


def flip(path: Path, at: float) -> None:
    raw = bytearray(path.read_bytes())
    raw[int(len(raw) * at)] ^= 1
    path.write_bytes(raw)


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "entry": (lambda public: flip(public / "tile/entries/000", 0.5), "entry "),
    "checkpoint": (lambda public: flip(public / "checkpoint", 0.9), ""),
    "contents": (lambda public: (public / "contents/002").unlink(), "neither text nor marker"),
    "entries": (lambda public: shutil.rmtree(public / "tile/entries"), "missing: "),
}


@pytest.mark.parametrize(("change", "says"), CHANGES.values(), ids=CHANGES)
def test_it_refuses_what_the_auditor_refuses(
    tmp_path: Path, demo: Built, change: Callable[[Path], object], says: str
) -> None:
    public = tmp_path / "public"
    shutil.copytree(demo.place / "public", public)
    change(public)
    ran = read(public, demo.place / "pinned" / "policy", demo.founding)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert says in ran.stderr
    policy = parse_policy((demo.place / "pinned" / "policy").read_bytes())
    assert not audit(Folder(public), policy=policy, founding=demo.founding, workers=1).clean


def test_it_refuses_another_founding(demo: Built) -> None:
    ran = read(demo.place / "public", demo.place / "pinned" / "policy", "ab" * 32)
    assert (ran.returncode, "another founding statement" in ran.stderr) == (1, True)


# --- texts


def on_disk(town: Town, place: Path) -> tuple[Path, Path]:
    """The published files of a town, and its policy, as files."""
    shutil.rmtree(place, ignore_errors=True)
    for path, raw in {
        **{f"public/{path}": raw for path, raw in town.files.items()},
        "policy": town.policy_file,
    }.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(raw)
    return place / "public", place / "policy"


@pytest.mark.parametrize("seed", range(4))
def test_it_reads_what_moderators_and_authors_did_as_the_auditor_does(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    moderated = Moderated()
    moderated.wander(chance, 40)
    town = moderated.publish()
    report = town.audit()
    found = established(read(*on_disk(town, tmp_path / "true"), town.founding))
    assert (found["shown"], found["hidden"]) == (report.counts.contents_shown, report.counts.contents_hidden)
    hidden = [place for place, each in moderated.standing().items() if each.now() != each.line]
    for place in chance.sample(hidden, 2):
        town = moderated.lie(place, moderated.texts[place])
        ran = read(*on_disk(town, tmp_path / "shown"), town.founding)
        assert (ran.returncode, "was taken from view" in ran.stderr) == (1, True)
        acts = [each for each in moderated.world.entries if each.opened.statement.kind in ACTS]
        for by in chance.sample(acts, 3):
            town = moderated.lie(place, moderated.marker(place, by))
            ran = read(*on_disk(town, tmp_path / "marked"), town.founding)
            assert ran.returncode == (0 if town.audit().clean else 1), ran.stderr


# --- witnesses


@pytest.fixture
def witnessed(tmp_path: Path) -> tuple[Town, Path, Path]:
    """A town whose checkpoint a quorum of witnesses cosigned, on disk, and the policy that asks for it."""
    town = Town(comments=5, witnessed=True)
    public, policy = tmp_path / "public", tmp_path / "policy"
    for path, raw in town.files.items():
        (public / path).parent.mkdir(parents=True, exist_ok=True)
        (public / path).write_bytes(raw)
    policy.write_bytes(format_policy(town.policy))
    return town, public, policy


def test_it_counts_witnesses_and_reads_the_heads_that_they_cosigned(witnessed: tuple[Town, Path, Path]) -> None:
    town, public, policy = witnessed
    found = established(read(public, policy, town.founding))
    checked = town.policy.check((public / "checkpoint").read_bytes())
    assert found["witnesses"] == sorted(each.witness.name.decode() for each in checked.cosignatures)
    assert found["kept"] == len(town.cosigned) > 0
    assert town.audit().clean


def test_it_refuses_a_checkpoint_without_its_quorum_and_a_kept_head_of_another_history(
    witnessed: tuple[Town, Path, Path],
) -> None:
    town, public, policy = witnessed
    (public / "checkpoint").write_bytes(town.operator.sign(town.world.leaves(), []))
    ran = read(public, policy, town.founding)
    assert (ran.returncode, "not enough witnesses" in ran.stderr) == (1, True)
    (public / "checkpoint").write_bytes(town.files["checkpoint"])
    other = town.operator.sign([*town.world.leaves()[:-2], b"another"], town.witnesses)
    for path, raw in days([other]).items():
        (public / path).write_bytes(raw)
    ran = read(public, policy, town.founding)
    assert (ran.returncode, "another history" in ran.stderr) == (1, True)

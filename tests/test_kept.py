"""Audits that go on where an earlier one stopped: the same verdict and state as one that reads everything, for less."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from second_writer import Files, contents_files, publish
from storyline import story
from town import Town, days
from world import ORIGIN, key_of

from ledger.docket import KEPT, Docket
from ledger.errors import CannotRun
from ledger.statement import format_entry
from ledger.tlog.merkle import check_consistency
from ledger.tlog.note import parse_base64
from ledger.tlog.policy import Policy
from ledger.verify import judge_head
from projections import kept as module
from projections.audit import audit
from projections.commitments import Commitment, PlanState
from projections.findings import Report
from projections.kept import Kept
from projections.records import DictRecords, digest, digest_of
from projections.replay import replay

TOWN = Town(comments=300)
SIZE = len(TOWN.world.entries)


def published(size: int, town: Town = TOWN) -> Files:
    """What the town publishes while it has `size` entries: a text is shown until an entry takes it from view."""
    lines = [line for line in town.lines if line["index"] < size]
    for at, line in enumerate(lines):
        if "by" in line and line["by"]["index"] >= size:
            lines[at] = next(each for each in town.shown if each["index"] == line["index"])
    return publish(ORIGIN, town.world.leaves()[:size], key_of("log"), others=contents_files(lines))


def went_on(path: Path, files: Files, **options: Any) -> Report:
    """One more audit with what is kept at `path`."""
    with Kept(path) as kept:
        return TOWN.audit(files, kept=kept, **options)


class Counting(Files):
    """Files that remember what was read of them."""

    def __init__(self, files: Files) -> None:
        super().__init__(files)
        self.asked: list[str] = []

    def read(self, path: str) -> bytes | None:
        self.asked.append(path)
        return super().read(path)


def same(one: Report, other: Report) -> None:
    """Two reports say the same of a ledger, however much each has read."""
    for field in ("verdict", "origin", "size", "root", "at", "founding", "digest", "table", "tallies", "claims"):
        assert getattr(one, field) == getattr(other, field), field
    for field in ("entries", "signatures", "by_kind", "contents_shown", "contents_hidden", "findings"):
        assert getattr(one.counts, field) == getattr(other.counts, field), field


# --- the same as one that reads everything


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sizes=st.lists(st.integers(1, SIZE), min_size=1, max_size=5).map(sorted))
def test_audits_one_after_the_other_say_what_a_single_one_says(
    sizes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("kept") / "audit.db"
    for size in sizes:
        files = published(size)
        same(went_on(path, files), TOWN.audit(files))


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    went_on(tmp_path / "audit.db", published(300))
    files = Counting(published(SIZE - 2))  # the last two take texts of old entries from view
    report = went_on(tmp_path / "audit.db", files)
    assert (report.verdict, report.kept) == ("verified", 300)
    assert "tile/entries/000" not in files.asked
    assert f"tile/entries/001.p/{SIZE - 258}" in files.asked


def test_an_unchanged_ledger_is_read_as_little_as_can_be(tmp_path: Path) -> None:
    went_on(tmp_path / "audit.db", published(SIZE))
    files = Counting(published(SIZE))
    assert went_on(tmp_path / "audit.db", files).clean
    assert not [path for path in files.asked if "entries" in path or path == "contents/000"]


def test_an_audit_that_is_broken_off_goes_on_from_what_it_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPILL", 400)
    files = published(SIZE)

    class Broken(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == total:
            raise Broken

    with pytest.raises(Broken):
        went_on(tmp_path / "audit.db", files, progress=stop)
    with Kept(tmp_path / "audit.db") as kept:
        assert kept.standing is not None
    report = went_on(tmp_path / "audit.db", files)
    assert report.kept == 256
    same(report, TOWN.audit(files))


@pytest.mark.parametrize("spill", [50, 1_000_000])
def test_one_memory_serves_again_after_an_audit_that_was_broken_off(
    spill: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPILL", spill)

    class Cut(Counting):
        """A connection that breaks in the middle."""

        def read(self, path: str) -> bytes | None:
            if path.startswith("tile/entries/001"):
                raise CannotRun("Se cortó.", "It broke.")
            return super().read(path)

    for path in (tmp_path / "audit.db", None):
        with Kept(path) as kept:
            for _ in range(2):
                with pytest.raises(CannotRun, match="It broke"):
                    TOWN.audit(Cut(published(SIZE)), kept=kept)
            same(TOWN.audit(published(SIZE), kept=kept), TOWN.audit(published(SIZE)))


def test_a_fork_among_cosigned_heads_is_found_by_the_audit_after_one_that_was_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heads are read before the entries and compared behind them: in between they do not count as read."""
    monkeypatch.setattr(module, "SPILL", 400)
    town = Town(comments=300, witnessed=True)
    forked = town.operator.sign([*town.world.leaves()[:-2], b"another"], town.witnesses)
    files = Files(town.files | days([*town.cosigned, forked]))

    class Broken(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == total:
            raise Broken

    with Kept(tmp_path / "audit.db") as kept:
        with pytest.raises(Broken):
            town.audit(files, kept=kept, progress=stop)
        assert kept.standing is not None
        report = town.audit(files, kept=kept)
        assert report.kept == 256
    assert [each.kind for each in report.findings] == ["fork"]


@pytest.mark.parametrize("spill", [1, 50, 1_000_000])
def test_what_does_not_fit_into_memory_goes_to_a_file_and_nothing_else_changes(
    spill: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPILL", spill)
    files = published(SIZE)
    with Kept() as kept:
        report = TOWN.audit(files, kept=kept)
        assert (kept.connection is not None) == (spill < 1_000)
        records = DictRecords()
        replay(TOWN.world.entries, records)
        assert list(kept.records.lines()) == list(records.lines())
    assert report.digest == digest(records, ORIGIN, SIZE)
    assert report.clean


# --- and as strict


def test_a_fork_is_found_first_and_both_notes_and_the_proof_convince_a_third_person(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    went_on(path, published(300))
    other = Town(comments=300)
    other.world.entries.pop(200)
    files = publish(ORIGIN, other.world.leaves(), key_of("log"))
    report = went_on(path, files)
    (finding,) = report.findings
    assert (finding.kind, report.verdict) == ("fork", "misbehaviour found")
    assert {each.question: each.answer for each in report.answers}["append-only"] == "no"
    # The third person has the policy and the evidence, and nothing else.
    notes = [raw for raw in finding.evidence.values() if raw.startswith(ORIGIN.encode())]
    newer, older = [judge_head(raw, TOWN.policy, path="evidence") for raw in notes]
    assert (newer.size, older.size) == (SIZE - 1, 300)
    root = finding.evidence["root at 300 under the newer head"]
    hashes = finding.evidence[f"consistency proof 300 to {SIZE - 1}"]
    then = parse_base64(root.decode().rstrip("\n"))
    proof = [parse_base64(line) for line in hashes.decode().split("\n")[:-1]]
    check_consistency(300, then, newer.size, newer.root, proof)
    assert then != older.root
    # What is proved once stays proved, also when the ledger shows its first history again.
    again = went_on(path, published(SIZE))
    assert [each.kind for each in again.findings] == ["fork"]


def test_a_ledger_that_shows_less_than_before_is_behind_and_nothing_kept_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    went_on(path, published(300))
    report = went_on(path, published(299))
    (finding,) = report.findings
    assert (finding.kind, len(finding.evidence)) == ("head-behind", 2)
    assert went_on(path, published(SIZE)).clean


def test_a_forbidden_statement_is_said_again_by_every_later_audit(tmp_path: Path) -> None:
    town = Town(comments=3)
    level: dict[str, Any] = {"subject": "gt-2014-2016/G2", "level": "limited", "reason": "…", "evidence": []}
    note = town.world.sign("CompletionReported", "copret:institution", **level)  # not its commitment
    town.world.take(opened_of(note))
    town.publish_again()
    path = tmp_path / "audit.db"
    first = audit_kept(town, path)
    assert [each.kind for each in first.findings] == ["forbidden-statement"]
    town.comment("otra", "Después.")
    town.publish_again()
    second = audit_kept(town, path)
    assert second.kept == first.size
    assert second.findings == first.findings


def opened_of(note: bytes) -> Any:
    from ledger.statement import open_statement

    return open_statement(note, ORIGIN)


def audit_kept(town: Town, path: Path, **options: Any) -> Report:
    with Kept(path) as kept:
        return town.audit(kept=kept, **options)


# --- texts change


def test_a_text_withheld_since_is_looked_at_again(tmp_path: Path) -> None:
    town = Town(comments=5)
    path = tmp_path / "audit.db"
    before = audit_kept(town, path)
    by = town.withhold(town.comments[4])
    town.publish_again()  # the operator goes on showing it
    report = audit_kept(town, path)
    assert [(each.kind, each.index) for each in report.findings] == [("content-shown", town.comments[4].index)]
    town.hide(town.comments[4], by)
    town.publish_again()
    after = audit_kept(town, path)
    assert after.clean
    assert after.counts.contents_shown == before.counts.contents_shown - 1
    assert after.counts.contents_hidden == before.counts.contents_hidden + 1


def test_an_old_text_that_was_swapped_is_found_by_those_who_ask_for_every_text(tmp_path: Path) -> None:
    town = Town(comments=300)
    path = tmp_path / "audit.db"
    first = audit_kept(town, path, now=1_800_000_000)
    assert not [each for each in first.remarks if each.kind == "texts-kept"]
    town.lines[40]["content"] = {"text": "Otra cosa."}
    town.publish_again()
    report = audit_kept(town, path, now=1_800_090_000)
    assert report.clean
    (remark,) = [each for each in report.remarks if each.kind == "texts-kept"]
    assert "2027-01-15T08:00:00Z" in remark.en
    report = audit_kept(town, path, every_text=True, now=1_800_090_000)
    assert [(each.kind, each.index) for each in report.findings] == [("content-altered", town.lines[40]["index"])]
    # It stays due until it is in order again.
    assert [each.kind for each in audit_kept(town, path).findings] == ["content-altered"]
    town.lines[40]["content"] = {"text": "Comentario 40."}
    town.publish_again()
    assert audit_kept(town, path).clean


def test_a_withheld_text_that_comes_back_without_a_statement_is_found_when_its_file_is_read(tmp_path: Path) -> None:
    town = Town(comments=300)
    path = tmp_path / "audit.db"
    assert audit_kept(town, path).clean
    index = town.comments[1].index  # withheld long ago
    at = next(at for at, line in enumerate(town.lines) if line["index"] == index)
    town.lines[at] = next(line for line in town.shown if line["index"] == index)
    town.publish_again()
    report = audit_kept(town, path, every_text=True)
    assert [(each.kind, each.index) for each in report.findings] == [("content-shown", index)]


# --- what is kept


def test_a_snapshot_of_the_docket_leaves_nothing_out() -> None:
    assert set(vars(Docket(ORIGIN))) - {"origin", "_tables"} == set(KEPT)
    world = Docket(ORIGIN)
    for entry in story():
        world.evolve(entry.received_ms, entry.opened)
    restored = Docket.restore(ORIGIN, world.snapshot(), world._tables)  # pyright: ignore[reportPrivateUsage]
    for name in KEPT:
        assert getattr(restored, name) == getattr(world, name), name


def test_the_sum_behind_the_digest_is_kept_record_by_record(tmp_path: Path) -> None:
    records = DictRecords()
    with Kept(tmp_path / "audit.db") as kept:
        for number, entry in enumerate(story()):
            replay([entry], records)
            replay([entry], kept.records)
            if number % 7 == 0:
                kept.commit(b"")
        size = len(story())
        assert digest_of(kept.total(), ORIGIN, size) == digest(records, ORIGIN, size)
        assert digest(kept.records, ORIGIN, size) == digest(records, ORIGIN, size)
        assert [each for _, each in kept.records.scan(Commitment)] == [each for _, each in records.scan(Commitment)]
        assert kept.records.get(PlanState, "no-such") is None


def another_ledgers(path: Path) -> None:
    with Kept(path) as kept:
        audit(published(10), kept=kept, workers=1)
        standing = msgspec.msgpack.decode(kept.standing or b"")
        kept.commit(msgspec.msgpack.encode(standing | {"origin": "otro.example/gt"}))


def another_version(path: Path) -> None:
    Kept(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")


def no_database(path: Path) -> None:
    path.write_bytes(b"not a database at all, " * 100)


@pytest.mark.parametrize("damage", [another_ledgers, another_version, no_database])
def test_what_cannot_be_gone_on_from_is_refused_and_says_what_to_do(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = tmp_path / "audit.db"
    damage(path)
    with pytest.raises(CannotRun) as caught:
        went_on(path, published(20))
    assert caught.value.advice
    assert caught.value.advice_es


def test_two_audits_do_not_share_what_is_kept(tmp_path: Path) -> None:
    with Kept(tmp_path / "audit.db"), pytest.raises(CannotRun, match="Another audit"):
        Kept(tmp_path / "audit.db")


def test_an_earlier_state_is_not_what_is_kept(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="--at"):
        went_on(tmp_path / "audit.db", published(20), at=10)


# --- how old a view may be


def test_without_witnesses_no_age_is_asked() -> None:
    assert TOWN.audit(now=4_000_000_000, max_age=1).clean


def test_entries_are_what_the_town_publishes() -> None:
    assert format_entry(TOWN.world.entries[0].received_ms, TOWN.world.entries[0].opened.note) == TOWN.world.leaves()[0]
    assert isinstance(TOWN.policy, Policy)

"""The fold contract: the same entries give the same records, in any store, in any batches, at any tree size."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
import world as w
from hypothesis import given, settings
from hypothesis import strategies as st
from storyline import story

from ledger.errors import CannotRun
from ledger.statement import Entry, canonical
from projections.commitments import Commitment, Day, LevelSaid, PlanState
from projections.records import DictRecords, Records, SqliteRecords, compare, digest, index_key
from projections.replay import evolve, replay
from projections.roll import HistoryLine, Known, local_day, size_at

STORY = story()
NONE = Day(precision="none")
Store = Callable[[Path], DictRecords | SqliteRecords]
_opened: list[SqliteRecords] = []


def sqlite_records(path: Path) -> SqliteRecords:
    """A store that is closed when the test is over."""
    store = SqliteRecords(path)
    _opened.append(store)
    return store


@pytest.fixture(autouse=True)
def closing_stores() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


STORES: list[Store] = [lambda _: DictRecords(), lambda path: sqlite_records(path / "records.db")]


@pytest.fixture(params=STORES, ids=["dict", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> DictRecords | SqliteRecords:
    return request.param(tmp_path)


def folded(entries: list[Entry]) -> DictRecords:
    records = DictRecords()
    replay(entries, records)
    return records


def plan(title: str) -> PlanState:
    return PlanState(plan="p", title=title, lang="es", country="GT", cycle=1, starts=NONE, ends=NONE, index=1)


# --- every store


def test_a_record_is_what_was_put_last(store: DictRecords | SqliteRecords) -> None:
    assert store.get(PlanState, "p") is None
    store.put("p", plan("uno"))
    store.put("p", plan("dos"))
    assert store.get(PlanState, "p") == plan("dos")


def test_scan_goes_by_prefix_in_the_order_of_keys(store: DictRecords | SqliteRecords) -> None:
    keys = ["a/C1/000000002", "a/C1/000000001", "a/C10/000000001", "a/C2/000000001", "b/C1/000000001"]
    store.begin(1)
    for key in keys[:3]:
        store.put(key, plan(key))
    if isinstance(store, SqliteRecords):
        store.commit(1)
    for key in keys[3:]:
        store.put(key, plan(key))
    store.put("a/C1/000000001", plan("again"))

    def found(**how: str | int) -> list[str]:
        return [record.title for _, record in store.scan(PlanState, **how)]  # type: ignore[arg-type]

    assert found(prefix="a/C1/") == ["again", "a/C1/000000002"]
    assert found(prefix="a/") == ["again", "a/C1/000000002", "a/C10/000000001", "a/C2/000000001"]
    assert found(prefix="a/", after="a/C1/000000002") == ["a/C10/000000001", "a/C2/000000001"]
    assert found(prefix="a/", limit=3) == ["again", "a/C1/000000002", "a/C10/000000001"]
    assert found(prefix="z") == []
    assert len(found()) == 5


def test_a_page_begins_behind_a_key_that_is_not_there(store: DictRecords | SqliteRecords) -> None:
    for key in ("a/1", "a/3", "a/5"):
        store.put(key, plan(key))
    assert [key for key, _ in store.scan(PlanState, prefix="a/", after="a/2", limit=1)] == ["a/3"]
    assert [key for key, _ in store.scan(PlanState, prefix="b/", after="a/2")] == []
    assert [key for key, _ in store.scan(PlanState, prefix="a/", after="a/5")] == []


CHANGES = st.lists(  # (key, title, document, whether to commit before the next)
    st.tuples(st.sampled_from(["a/000000001", "a/000000002", "b"]), st.text(max_size=2), st.text(max_size=1))
    | st.none(),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(changes=CHANGES)
def test_any_changes_leave_every_version_readable(
    changes: list[tuple[str, str, str] | None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Old versions are kept as differences; here fields come, go back to their default, and come again."""
    stored, plain = sqlite_records(tmp_path_factory.mktemp("changes") / "records.db"), DictRecords()
    expected: list[list[tuple[str, str, bytes]]] = [[]]
    for change in changes:
        if change is None:
            stored.commit(len(expected) - 1)
            continue
        key, title, document = change
        for records in (stored, plain):
            records.begin(len(expected))
            submitted = Day(precision="day", day=title) if title else None
            record = plan(title)
            records.put(key, msgspec.structs.replace(record, document=document, submitted_on=submitted))
        expected.append(list(plain.lines()))
        assert list(stored.scan(PlanState)) == list(plain.scan(PlanState))
        assert [key for key, _ in stored.scan(PlanState, prefix="a/", limit=1)] == [
            key for key, _ in plain.scan(PlanState, prefix="a/", limit=1)
        ]
    stored.commit(len(expected) - 1)
    for size, lines in enumerate(expected):
        view = stored.at(size)
        assert list(view.lines()) == lines, size
        assert [canonical(record) for _, record in view.scan(PlanState)] == [line for _, _, line in lines]
        for _, key, line in lines:
            found = view.get(PlanState, key)
            assert found is not None
            assert canonical(found) == line
    stored.close()


# --- what a look costs


def steps(store: SqliteRecords, look: Callable[[], object]) -> int:
    """How many steps SQLite's machine takes for a look."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    connection = store._connection  # pyright: ignore[reportPrivateUsage]
    connection.set_progress_handler(count, 1)
    look()
    connection.set_progress_handler(None, 0)
    return taken


def grown(path: Path, size: int) -> SqliteRecords:
    """A store in which one record has `size` versions, and a path has `size` records."""
    store = sqlite_records(path)
    for number in range(1, size + 1):
        store.begin(number)
        store.put("once", plan(f"{number}"))
        store.put(index_key("topic", number - 1), line_of(number - 1))
    store.commit(size)
    return store


def line_of(index: int) -> HistoryLine:
    return HistoryLine(
        index=index, kind="K", identity="i", received_ms=0, said_at="", signers=(), voice="citizen", printed=False
    )


LOOKS: dict[str, Callable[[SqliteRecords, int], object]] = {
    "a list of today": lambda store, size: list(store.at(size).scan(PlanState)),
    "a list of the past": lambda store, size: list(store.at(20).scan(PlanState)),
    "a record of the past": lambda store, size: store.at(20).get(PlanState, "once"),
    "the first page": lambda store, size: list(store.at(size).scan(HistoryLine, "topic/", limit=10)),
    "the last page": lambda store, size: list(
        store.at(size).scan(HistoryLine, "topic/", after=index_key("topic", size - 10), limit=10)
    ),
    "the last page of the past": lambda store, size: list(
        store.at(20).scan(HistoryLine, "topic/", after=index_key("topic", 10), limit=100)
    ),
    "a list that begins later": lambda store, size: list(store.at(1).scan(HistoryLine, "topic/", after="topic/1")),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_no_look_costs_more_in_a_longer_ledger(look: Callable[[SqliteRecords, int], object], tmp_path: Path) -> None:
    small, large = grown(tmp_path / "small.db", 200), grown(tmp_path / "large.db", 2000)
    taken = steps(small, lambda: look(small, 200))
    assert 0 < steps(large, lambda: look(large, 2000)) <= taken + 5
    small.close()
    large.close()


def test_old_versions_keep_only_what_differs(tmp_path: Path) -> None:
    store = sqlite_records(tmp_path / "records.db")
    for number in range(1, 101):
        store.begin(number)
        store.put("p", msgspec.structs.replace(plan("t" * 10_000), cycle=number))
        if number % 7 == 0:
            store.commit(number)
    store.commit(100)
    kept = store._connection.execute("SELECT sum(length(value)) FROM older").fetchone()[0]  # pyright: ignore[reportPrivateUsage]
    assert kept < 15_000
    found = store.at(50).get(PlanState, "p")
    assert found is not None
    assert (found.cycle, len(found.title)) == (50, 10_000)
    store.close()


# --- replay


def test_both_stores_hold_the_same(tmp_path: Path) -> None:
    stored = sqlite_records(tmp_path / "records.db")
    replay(STORY, stored)
    stored.commit(len(STORY))
    assert compare(folded(STORY).lines(), stored.lines()) is None
    assert digest(folded(STORY), w.ORIGIN, len(STORY)) == digest(stored, w.ORIGIN, len(STORY))
    stored.close()


@settings(max_examples=15, deadline=None)
@given(cuts=st.sets(st.integers(1, len(STORY) - 1), max_size=8))
def test_batches_leave_no_trace(cuts: set[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    stored = sqlite_records(tmp_path_factory.mktemp("batches") / "records.db")
    start = 0
    for stop in [*sorted(cuts), len(STORY)]:
        replay(STORY[start:stop], stored)
        stored.commit(stop)
        start = stop
    assert list(stored.lines()) == list(folded(STORY).lines())
    stored.close()


def test_every_earlier_size_is_still_there(tmp_path: Path) -> None:
    stored = sqlite_records(tmp_path / "records.db")
    for start in range(0, len(STORY), 7):  # sizes inside a batch must be there too
        replay(STORY[start : start + 7], stored)
        stored.commit(min(start + 7, len(STORY)))
    for size in range(1, len(STORY) + 1):
        assert compare(folded(STORY[:size]).lines(), stored.at(size).lines()) is None, size
    stored.close()


def test_a_view_is_not_moved_by_later_entries_nor_written_to(tmp_path: Path) -> None:
    stored = sqlite_records(tmp_path / "records.db")
    replay(STORY[:30], stored)
    stored.commit(30)
    view = stored.at(30)
    before = list(view.lines())
    replay(STORY[30:], stored)
    stored.commit(len(STORY))
    assert list(view.lines()) == before
    with pytest.raises(TypeError):
        view.put("p", plan("x"))
    stored.close()


def test_what_was_not_committed_is_gone_after_a_kill(tmp_path: Path) -> None:
    """A real process folds, commits a part, folds on, and is killed."""
    script = textwrap.dedent("""
        import os, signal, sys
        sys.path[:0] = sys.argv[2:]
        from pathlib import Path
        from storyline import story
        from projections.records import SqliteRecords
        from projections.replay import replay
        entries = story()
        store = SqliteRecords(Path(sys.argv[1]))
        replay(entries[:20], store)
        store.commit(20)
        replay(entries[20:], store)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    path = tmp_path / "records.db"
    here = Path(__file__).parent
    ended = subprocess.run([sys.executable, "-c", script, str(path), str(here), str(here.parent)], check=False)
    assert ended.returncode == -signal.SIGKILL
    store = sqlite_records(path)
    assert store.position == 20
    assert list(store.lines()) == list(folded(STORY[:20]).lines())
    replay(STORY[20:], store)
    store.commit(len(STORY))
    assert list(store.lines()) == list(folded(STORY).lines())
    store.close()


def test_a_file_that_is_no_record_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    path.write_bytes(os.urandom(8192))
    with pytest.raises(CannotRun):
        sqlite_records(path)


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()
    with pytest.raises(CannotRun, match="another version"):
        sqlite_records(path)


# --- comparing


def test_a_difference_names_the_record_and_the_field() -> None:
    mine, theirs = folded(STORY), folded(STORY)
    commitment = theirs.get(Commitment, w.G1)
    assert commitment is not None
    said = LevelSaid(level="complete", actor="copret", role="institution", index=1, received_ms=1)
    theirs.put(w.G1, msgspec.structs.replace(commitment, reported=said))
    found = compare(mine.lines(), theirs.lines())
    assert found is not None
    assert found.startswith(f"commitment {w.G1}, field reported")
    assert digest(mine, w.ORIGIN, 1) != digest(theirs, w.ORIGIN, 1)
    theirs = folded(STORY[:-1])
    assert compare(mine.lines(), theirs.lines()) is not None


def test_the_digest_is_the_documented_sum() -> None:
    records = folded(STORY)
    total = 0
    for table, key, line in records.lines():
        total += int.from_bytes(sha256(table.encode() + b"\0" + key.encode() + b"\0" + line).digest(), "big")
    head = f"constancia/records/v1\n{w.ORIGIN}\n9\n".encode()
    assert digest(records, w.ORIGIN, 9) == sha256(head + (total % 2**256).to_bytes(32, "big")).hexdigest()


# --- histories


def history(records: Records, topic: str) -> list[HistoryLine]:
    return [line for _, line in records.scan(HistoryLine, prefix=f"{topic}/")]


def test_the_history_of_a_commitment_has_what_names_it_only_indirectly() -> None:
    kinds = [line.kind for line in history(folded(STORY), w.G1)]
    assert kinds == [
        "CommitmentRegistered",
        "CompletionReported",
        "EvidenceLinked",
        "EvidenceCaptured",
        "EvidenceChecked",
        "EvidenceDisputed",
        "VerdictGiven",
        "CompletionAssessed",
        "CommentSubmitted",
        "ResponseGiven",
        "ContentWithheld",
        "CompletionReported",
        "CommitmentReopened",
        "CompletionReported",
        "StatementWithdrawn",
    ]


def test_every_entry_is_known_and_every_line_leads_to_it() -> None:
    records = folded(STORY)
    for entry in STORY:
        known = records.get(Known, entry.opened.identity)
        assert known is not None
        assert known.index == entry.index
        for topic in known.topics:
            line = records.get(HistoryLine, index_key(topic, entry.index))
            assert line is not None
            assert line.identity == entry.opened.identity


def test_a_day_finds_its_tree_size() -> None:
    records = folded(STORY)
    assert size_at(records, "2026-02-15", len(STORY)) == 0
    assert size_at(records, "2026-02-16", len(STORY)) == len(STORY)


def test_folding_never_fails_on_a_statement_out_of_place() -> None:
    """Total: also on entries that an honest log would not hold, such as answers to nothing."""
    for entry in STORY:
        evolve(DictRecords(), entry)


@settings(max_examples=30, deadline=None)
@given(chosen=st.lists(st.integers(0, len(STORY) - 1), max_size=60))
def test_folding_takes_statements_in_any_order_and_more_than_once(
    chosen: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    stored = sqlite_records(tmp_path_factory.mktemp("any") / "records.db")
    entries = [Entry(index, STORY[which].received_ms, STORY[which].opened) for index, which in enumerate(chosen)]
    replay(entries, stored)
    stored.commit(len(entries))
    assert list(stored.lines()) == list(folded(entries).lines())
    stored.close()


@pytest.mark.parametrize("received_ms", [-62_135_596_800_000, 0, 253_402_300_799_999])
@pytest.mark.parametrize("offset", [-840, 0, 840])
def test_every_time_that_an_entry_can_bear_has_a_day(received_ms: int, offset: int) -> None:
    assert len(local_day(received_ms, offset)) == 10


def test_a_day_is_that_of_the_ledgers_offset() -> None:
    five_in_the_morning = w.NOON - 7 * 3_600_000
    assert local_day(five_in_the_morning, 0) == "2026-02-16"
    assert local_day(five_in_the_morning, -360) == "2026-02-15"

"""The journal keeps what it was given, all or nothing, changes nothing, and says what it cannot open."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from ledger import journal as module
from ledger.errors import CannotRun, Refused
from ledger.journal import Journal, Row

ROOT = Path(__file__).resolve().parent.parent


def row(number: int, stream: str = "actor/copret", version: int = 0) -> Row:
    """The row of the entry `number`; its version in the stream is number + 1 unless given."""
    entry = f"entry {number}\n".encode()
    return Row(
        entry,
        "CompletionReported",
        stream,
        version or number + 1,
        sha256(b"identity" + entry).digest(),
        sha256(b"\0" + entry).digest(),
    )


def root(size: int) -> bytes:
    return sha256(b"root %d" % size).digest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal.open(path, create=True)) as journal:
        journal.append([row(0), row(1)], root(2))
        journal.append([row(2)], root(3))
        yield journal


# --- keeping ---------------------------------------------------------------------------------------------------------


def test_what_went_in_comes_out_in_order_also_after_opening_again(journal: Journal, path: Path) -> None:
    wanted = [row(0), row(1), row(2)]
    assert list(journal.rows(0, 99)) == wanted
    journal.close()

    with closing(Journal.open(path, create=False)) as again:
        assert (again.size, again.head()) == (3, (3, root(3)))
        assert list(again.heads()) == [(2, root(2)), (3, root(3))]
        assert list(again.rows(0, 3)) == wanted
        assert list(again.read(1, 2)) == [wanted[1].entry]
        assert list(again.leaves(1, 9)) == [wanted[1].leaf, wanted[2].leaf]
        assert [again.find(each.identity) for each in wanted] == [0, 1, 2]
        assert again.find(bytes(32)) is None
        assert list(again.read(3, 9)) == []


def test_an_empty_journal_has_no_head(path: Path) -> None:
    with closing(Journal.open(path, create=True)) as journal:
        assert (journal.size, journal.head(), list(journal.read(0, 9))) == (0, (0, b""), [])


def test_long_journals_are_read_in_pages(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 7)
    rows = [row(number) for number in range(30)]
    with closing(Journal.open(path, create=True)) as journal:
        journal.append(rows, root(30))
        assert list(journal.rows(0, 30)) == rows
        assert list(journal.rows(6, 15)) == rows[6:15]
        assert list(journal.leaves(5, 29)) == [each.leaf for each in rows[5:29]]


@pytest.mark.parametrize(
    ("clash", "why"),
    [
        (row(9, version=1), "this version of the stream is taken"),
        (Row(b"other", "K", "ref/x", 1, row(1).identity, bytes(32)), "this statement is registered"),
    ],
)
def test_a_batch_with_one_row_that_clashes_is_rejected_whole(
    journal: Journal, path: Path, clash: Row, why: str
) -> None:
    with pytest.raises(CannotRun):
        journal.append([row(3), clash], root(5))
    # What is on the disk after a failed write is not for this journal to guess: it takes nothing more …
    with pytest.raises(CannotRun, match="earlier write failed"):
        journal.append([row(3)], root(4))
    journal.close()
    # … and the next one finds events, leaves and heads as they were.
    with closing(Journal.open(path, create=False)) as again:
        assert list(again.rows(0, 99)) == [row(0), row(1), row(2)], why
        assert again.head() == (3, root(3))
        again.append([row(3)], root(4))


def test_the_shell_cannot_change_what_is_stored(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PERSISTENCE_MODULE": "eventsourcing.popo",
        "CIPHER_TOPIC": "eventsourcing.cipher:AESCipher",
        "CIPHER_KEY": "MDEyMzQ1Njc4OWFiY2RlZg==",
        "COMPRESSOR_TOPIC": "zlib",
        "MAPPER_TOPIC": "nowhere:Mapper",
        "ORIGINATOR_ID_TYPE": "uuid",
        "CREATE_TABLE": "no",
        "SQLITE_DBNAME": ":memory:",
        "SQLITE_LOCK_TIMEOUT": "0",
    }.items():
        monkeypatch.setenv(name, value)
    with closing(Journal.open(path, create=True)) as journal:
        journal.append([row(0)], root(1))
    with closing(sqlite3.connect(path)) as database:
        stored = database.execute("SELECT * FROM stored_events").fetchall()
    assert stored == [("actor/copret", 1, "CompletionReported", b"entry 0\n")]


# --- durable ---------------------------------------------------------------------------------------------------------


def test_every_connection_writes_ahead_and_waits_for_the_disk(journal: Journal) -> None:
    settings: list[tuple[str, int]] = []

    def look() -> None:
        with journal._datastore.transaction(commit=False) as cursor:  # pyright: ignore[reportPrivateUsage]
            cursor.execute("PRAGMA journal_mode")
            mode = cursor.fetchone()[0]
            cursor.execute("PRAGMA synchronous")
            settings.append((mode, cursor.fetchone()[0]))
            inside.wait(5)  # all at once: each has a connection of its own

    inside = threading.Barrier(4)
    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert settings == [("wal", 2)] * 4


def test_a_database_that_cannot_write_ahead_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # SQLite falls back to another journal mode without an error on file systems that cannot share memory.
    with closing(Journal.open(path, create=True)):
        pass
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode=DELETE").fetchone()[0] == "delete"
    monkeypatch.setattr(module.SQLiteConnectionPool, "_create_connection", _without_wal)
    with pytest.raises(CannotRun, match="journal_mode"):
        Journal.open(path, create=False)


def _without_wal(pool: module.SQLiteConnectionPool) -> module.SQLiteConnection:
    raw = sqlite3.connect(pool.db_name, isolation_level=None, check_same_thread=False)
    return module.SQLiteConnection(raw, None)


def test_a_database_held_by_another_program_is_busy_and_not_broken(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 1)
    journal.close()
    journal = Journal.open(path, create=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as tool:
        tool.execute("BEGIN IMMEDIATE")
        with pytest.raises(Refused) as refused:
            journal.append([row(3)], root(4))
        assert refused.value.code == "busy"
        tool.execute("ROLLBACK")
    journal.append([row(3)], root(4))
    assert journal.head() == (4, root(4))
    journal.close()


def test_readers_see_only_what_is_committed(journal: Journal, path: Path) -> None:
    with closing(Journal.open(path, create=False, writer=False)) as reader:
        assert reader.size == 3
        with pytest.raises(CannotRun, match="for reading"):
            reader.append([row(3)], root(4))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("INSERT INTO stored_events VALUES ('s', 1, 'k', x'00')")
            assert len(list(reader.rows(0, 99))) == 3
            other.execute("ROLLBACK")


def test_a_full_disk_stops_the_journal_and_loses_nothing(small_disk: Path) -> None:
    acknowledged = 0
    with closing(Journal.open(small_disk / "journal.db", create=True)) as journal:
        failure = None
        while failure is None:
            try:
                journal.append([_big(acknowledged + number) for number in range(10)], root(acknowledged + 10))
                acknowledged += 10
            except CannotRun as error:
                failure = str(error)
        assert re.search("could not be written.*(full|disk I/O)", failure)
        assert acknowledged > 0, "the disk was too small for the test to show anything"
        with pytest.raises(CannotRun):
            journal.append([_big(acknowledged)], root(acknowledged + 1))
    (small_disk / "ballast").unlink()

    with closing(Journal.open(small_disk / "journal.db", create=False)) as again:
        # The failed batch may be there, if its commit was and only the answer was lost; half of it never is.
        assert again.size in (acknowledged, acknowledged + 10)
        assert list(again.rows(0, acknowledged)) == [_big(number) for number in range(acknowledged)]
        again.append([_big(again.size)], root(again.size + 1))


def _big(number: int) -> Row:
    small = row(number, stream=f"ref/{number}", version=1)
    return Row(small.entry * 2_000, small.kind, small.stream, 1, small.identity, small.leaf)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 3 MB, with 1 MB of ballast to throw off."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True)
    if not done or done.returncode:
        pytest.skip("cannot mount a small file system here (needs root): disk full is not shown")
    try:
        (place / "ballast").write_bytes(bytes(1_000_000))
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


# --- changing nothing ------------------------------------------------------------------------------------------------

COPY = "SELECT originator_id, originator_version, topic, x'00' FROM stored_events"

ATTACKS = {
    "edit an entry": "UPDATE stored_events SET state = x'00' WHERE rowid = 2",
    "edit a stream": "UPDATE stored_events SET originator_id = 'other'",
    "delete an entry": "DELETE FROM stored_events WHERE rowid = 2",
    "delete the tail": "DELETE FROM leaves WHERE idx = 2",
    "edit a leaf": "UPDATE leaves SET hash = x'00' WHERE idx = 0",
    "edit a head": "UPDATE heads SET root = x'00'",
    "delete heads": "DELETE FROM heads",
    "replace an entry by its key": f"INSERT OR REPLACE INTO stored_events {COPY} LIMIT 1",
    "replace an entry by its row": "REPLACE INTO stored_events (rowid, originator_id, originator_version, topic, state)"
    " VALUES (2, 'other', 1, 'k', x'00')",
    "replace a leaf": "REPLACE INTO leaves VALUES (1, x'01', 9, x'00')",
    "take a statement's leaf": "REPLACE INTO leaves SELECT 3, statement, 9, x'00' FROM leaves WHERE idx = 1",
    "take an entry's leaf": "REPLACE INTO leaves SELECT 3, x'01', notification_id, x'00' FROM leaves WHERE idx = 1",
    "leave a gap": "INSERT INTO leaves VALUES (4, x'01', 9, x'00')",
    "replace a head": "REPLACE INTO heads VALUES (3, x'00')",
    "add an older head": "INSERT INTO heads VALUES (1, x'00')",
    "upsert": f"INSERT INTO stored_events {COPY} WHERE true LIMIT 1 ON CONFLICT DO UPDATE SET state = x'00'",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_nothing_is_changed_by_a_slip_of_the_hand(journal: Journal, path: Path, attack: str) -> None:
    journal.close()
    before = _dump(path)
    with closing(sqlite3.connect(path)) as shell:
        with pytest.raises(sqlite3.IntegrityError, match="the journal"):
            shell.execute(attack)
        shell.commit()
    assert _dump(path) == before


@pytest.mark.parametrize("attack", [name for name in ATTACKS if "gap" not in name and "add" not in name])
def test_without_the_triggers_it_would_be(journal: Journal, path: Path, attack: str) -> None:
    """The control: each attack but those that only add rows does its harm in a database without safeguards."""
    journal.close()
    before = _dump(path)
    with closing(sqlite3.connect(path)) as shell:
        for (name,) in shell.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            shell.execute(f"DROP TRIGGER {name}")
        shell.execute(ATTACKS[attack])
        shell.commit()
    assert _dump(path) != before


def test_triggers_against_update_and_delete_alone_let_replace_pass(journal: Journal, path: Path) -> None:
    journal.close()
    with closing(sqlite3.connect(path)) as shell:
        for (name,) in shell.execute("SELECT name FROM sqlite_schema WHERE sql LIKE '%INSERT ON%'").fetchall():
            shell.execute(f"DROP TRIGGER {name}")
        shell.execute(ATTACKS["replace an entry by its key"])
        assert shell.execute("SELECT count(*) FROM stored_events WHERE state = x'00'").fetchone()[0] == 1


def _dump(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as database:
        tables = ("SELECT rowid, * FROM stored_events", "SELECT * FROM leaves", "SELECT * FROM heads")
        return [database.execute(f"{table} ORDER BY 1").fetchall() for table in tables]


# --- opening ---------------------------------------------------------------------------------------------------------


def _nothing(_path: Path) -> None:
    pass


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("Querido diario:\n" * 500)


def _other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE recipes (name TEXT)")


def _newer(path: Path) -> None:
    Journal.open(path, create=True).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 2")


def _trigger_dropped(path: Path) -> None:
    Journal.open(path, create=True).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TRIGGER leaves_next")


def _trigger_weakened(path: Path) -> None:
    Journal.open(path, create=True).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TRIGGER heads_no_update")
        database.execute("CREATE TRIGGER heads_no_update BEFORE UPDATE ON heads BEGIN SELECT 1; END")


def _entry_lost(path: Path) -> None:
    with closing(Journal.open(path, create=True)) as journal:
        journal.append([row(0), row(1), row(2)], root(3))
    with closing(sqlite3.connect(path)) as database:
        trigger = database.execute("SELECT sql FROM sqlite_schema WHERE name = 'stored_events_no_delete'").fetchone()[0]
        database.execute("DROP TRIGGER stored_events_no_delete")
        database.execute("DELETE FROM stored_events WHERE rowid = 2")
        database.execute(trigger)
        database.commit()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_nothing, "there is no journal here"),
        (Path.mkdir, "not the journal of a ledger"),
        (_empty, "not the journal of a ledger"),
        (_text, "not the journal of a ledger"),
        (_other_database, "not the journal of a ledger"),
        (_newer, "newer version"),
        (_trigger_dropped, "leaves_next"),
        (_trigger_weakened, "heads_no_update"),
    ],
    ids=["nothing", "folder", "empty", "text", "other database", "newer", "trigger dropped", "trigger weakened"],
)  # fmt: skip
def test_what_is_no_journal_is_refused_with_advice_and_left_alone(
    path: Path, make: Callable[[Path], None], says: str
) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(CannotRun, match=says) as refused:
        Journal.open(path, create=False)
    assert refused.value.advice
    assert (path.read_bytes() if path.is_file() else None) == before
    # The lock was let go: the next one is refused for the same reason, not for a second writer.
    with pytest.raises(CannotRun, match=says):
        Journal.open(path, create=False)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="no such folder"):
        Journal.open(tmp_path / "nowhere" / "journal.db", create=True)


def test_an_entry_lost_from_the_middle_is_named(path: Path) -> None:
    _entry_lost(path)
    with closing(Journal.open(path, create=False)) as journal, pytest.raises(CannotRun, match="entry 1 is missing"):
        list(journal.rows(0, 3))


def test_making_one_is_finished_after_a_crash_but_never_over_another(path: Path) -> None:
    path.write_bytes(b"")  # killed after the file was made
    with closing(Journal.open(path, create=True)) as journal:
        assert journal.size == 0
    with closing(Journal.open(path, create=True)) as journal:  # killed before the founding statement
        journal.append([row(0)], root(1))
    with pytest.raises(CannotRun, match="there is a ledger here already"):
        Journal.open(path, create=True)
    path.unlink()
    _other_database(path)
    with pytest.raises(CannotRun, match="not the journal"):
        Journal.open(path, create=True)


# --- one writer ------------------------------------------------------------------------------------------------------


def test_a_second_writer_in_this_process_is_refused_until_the_first_closes(journal: Journal, path: Path) -> None:
    with pytest.raises(CannotRun, match=f"process {os.getpid()}"):
        Journal.open(path, create=False)
    journal.close()
    journal.close()
    Journal.open(path, create=False).close()


HOLD = """
import sys
from pathlib import Path
from ledger.journal import Journal
journal = Journal.open(Path(sys.argv[1]), create=False)
print("open", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_in_another_process_is_refused_with_the_name_of_the_first(journal: Journal, path: Path) -> None:
    journal.close()
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "open\n"
        with pytest.raises(CannotRun, match=f"another writer has this ledger .process {other.pid}."):
            Journal.open(path, create=False)
        # No lock survives its process.
        other.kill()
        other.wait()
    with closing(Journal.open(path, create=False)) as again:
        assert again.size == 3

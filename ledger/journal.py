"""The journal: the entries in their order, kept so that what was acknowledged cannot be lost.

One SQLite file, written through the recorder of the library `eventsourcing`. One entry is one stored event:

    originator_id        the stream of its kind: `ledger`, `actor/icefi`, `ref/<digest>` …
    originator_version   n-th in that stream, from 1
    topic                the kind of statement, never a name in our code
    state                the entry's bytes exactly (received time and signed note)

Beside the library's table stand two of ours, written with the same cursor in the same transaction:

    leaves(idx, statement, notification_id, hash)   idx = the leaf index, dense from 0; statement = the identity,
                                                    which answers "was this said before?"; hash = the leaf hash
    heads(size, root)                               the tree head after each batch

The library's row ids may have gaps and are used again after a restore, so nobody outside ever sees them. The
library's mapper (Python paths as topics, a clock and JSON of its own) and its factory, which lets variables of
the shell choose compressors and ciphers, are not used: what is stored is what was signed, wherever it runs.

Nothing is ever changed here. Triggers abort UPDATE, DELETE and, which those two alone would let pass,
INSERT OR REPLACE. They stop accidents, not administrators: those only the published tree exposes.

Durability is asserted, not hoped for: WAL, `synchronous=FULL`, write transactions that take their lock at the
start. One process writes, by a lock on the file `<journal>.lock`. An error while writing says nothing about what
is on the disk; whoever gets one stops, opens the journal again later, and reads what is there.

This module alone may import `eventsourcing`: it replaces part of the standard `dataclasses` for the process.
Design: DESIGN.md, sections 3 and 4; start-up checks: log-formats, section 13.
"""

import fcntl
import os
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
from eventsourcing.persistence import PersistenceError, StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
)

from ledger.errors import CannotRun, Refused, reason

APPLICATION_ID = 0x436F_6E73  # "Cons": tells a journal from any other SQLite file
SCHEMA_VERSION = 1
FULL = 2  # what `PRAGMA synchronous` answers

# Pages of WAL after which SQLite copies it into the file. Its own 1,000 is five batches of a hundred, and copies
# the pages of the indexes again each time; 16 MB are still read in a moment after a crash.
CHECKPOINT_PAGES = 4_000

# How long another program (a backup, a shell) may hold the database before callers are told "busy".
BUSY_SECONDS = 5

PAGE = 1_000  # entries read in one transaction: a long reader must not hold back the WAL's checkpoints


class Row(msgspec.Struct, frozen=True):
    """One entry as the journal keeps it. `identity` and `leaf` are 32 raw bytes, `version` counts from 1."""

    entry: bytes
    kind: str
    stream: str
    version: int
    identity: bytes
    leaf: bytes


# --- the library's recorder, with our rows beside its own ---------------------------------------------


class _Connection(SQLiteConnection):
    """A connection whose write transactions take the write lock when they begin.

    The library begins deferred ones: read, then write after somebody else has written, is "database is locked"
    at once, and no busy timeout applies.
    """

    def __init__(self, raw: sqlite3.Connection, max_age: float | None) -> None:
        super().__init__(sqlite_conn=raw, max_age=max_age)
        self._raw = raw

    @contextmanager
    def transaction(self, *, commit: bool) -> Generator[SQLiteCursor]:
        """Yield a cursor inside a transaction; a read-only one sees one state from first to last."""
        cursor = self._raw.cursor()
        try:
            cursor.execute("BEGIN IMMEDIATE" if commit else "BEGIN")
            # The bare cursor does all that the library's wrapper of it does, without a call for each row.
            yield cast(SQLiteCursor, cursor)
            if commit:
                self._raw.commit()
        finally:
            # After a commit there is nothing to roll back; after anything else all of it is.
            if self._raw.in_transaction:
                self._raw.rollback()
            cursor.close()


class _Pool(SQLiteConnectionPool):
    """Connections that write ahead and wait for the disk, or none at all."""

    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        raw: sqlite3.Connection = connection._sqlite_conn  # pyright: ignore[reportPrivateUsage]
        # The library sets WAL but leaves `synchronous` to however SQLite was built. With NORMAL more than half
        # of all power cuts lose something acknowledged.
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        found = (raw.execute("PRAGMA journal_mode").fetchone()[0], raw.execute("PRAGMA synchronous").fetchone()[0])
        if found != ("wal", FULL):
            raw.close()
            raise CannotRun(
                f"{self.db_name}: SQLite contesta journal_mode, synchronous = {found}, no ('wal', {FULL}).",
                f"{self.db_name}: SQLite answers journal_mode, synchronous = {found}, not ('wal', {FULL}).",
                "El diario necesita un disco local: las carpetas de red y algunas compartidas no pueden con esto.",
                "The journal needs a local disk: network and some shared folders cannot do this.",
            )
        return _Connection(raw, self.max_age)


class _Datastore(SQLiteDatastore):
    """The library's datastore over our pool. Built here and not by its factory, which reads the environment."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), originator_id_type="text")
        self.pool = _Pool(db_name=str(path), pool_size=8, max_overflow=56, pool_timeout=30.0, lock_timeout=BUSY_SECONDS)


_TABLES = (
    """
    CREATE TABLE leaves (
        idx INTEGER PRIMARY KEY,
        statement BLOB NOT NULL UNIQUE,
        notification_id INTEGER NOT NULL UNIQUE,
        hash BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE heads (
        size INTEGER PRIMARY KEY,
        root BLOB NOT NULL
    )
    """,
)

# INSERT OR REPLACE removes the row in the way without running a DELETE trigger. What is in the way must
# therefore be found before; only a row id that SQLite chose itself is not known before, and is looked at after.
# ROLLBACK and not ABORT: all is lost anyhow, and SQLite then keeps no copies of pages to undo one statement.
_TRIGGERS = {
    "stored_events_new_key": """
        BEFORE INSERT ON stored_events
        WHEN EXISTS (
            SELECT 1 FROM stored_events
            WHERE originator_id = NEW.originator_id AND originator_version = NEW.originator_version
        )
        BEGIN SELECT RAISE(ROLLBACK, 'the journal replaces nothing: this version of the stream is there'); END""",
    "stored_events_new_row": """
        AFTER INSERT ON stored_events
        WHEN EXISTS (SELECT 1 FROM leaves WHERE notification_id = NEW.rowid)
        BEGIN SELECT RAISE(ROLLBACK, 'the journal replaces nothing: this row is there'); END""",
    "leaves_next": """
        BEFORE INSERT ON leaves
        WHEN NEW.idx IS NOT (SELECT ifnull(max(idx), -1) + 1 FROM leaves)
            OR EXISTS (SELECT 1 FROM leaves WHERE statement = NEW.statement)
            OR EXISTS (SELECT 1 FROM leaves WHERE notification_id = NEW.notification_id)
        BEGIN SELECT RAISE(ROLLBACK, 'the journal only grows: not the next index, or registered already'); END""",
    "heads_grow": """
        BEFORE INSERT ON heads
        WHEN NEW.size <= (SELECT ifnull(max(size), 0) FROM heads)
        BEGIN SELECT RAISE(ROLLBACK, 'the journal only grows: a tree head of this size is there'); END""",
} | {
    f"{table}_no_{action.lower()}": f"""
        BEFORE {action} ON {table}
        BEGIN SELECT RAISE(ROLLBACK, 'the journal only grows: no {action}'); END"""
    for table in ("stored_events", "leaves", "heads")
    for action in ("UPDATE", "DELETE")
}


class _Recorder(SQLiteApplicationRecorder):
    """The library's recorder; each batch also writes its leaves and its tree head, or nothing at all."""

    def __init__(self, datastore: SQLiteDatastore) -> None:
        super().__init__(datastore)
        self.insert_events_statement = "INSERT OR ROLLBACK INTO stored_events VALUES (?,?,?,?)"

    def construct_create_table_statements(self) -> list[str]:
        """Our tables and triggers join the library's, created in one transaction with the file's marks."""
        return [
            *super().construct_create_table_statements(),
            *_TABLES,
            *(f"CREATE TRIGGER {name} {body}" for name, body in _TRIGGERS.items()),
            f"PRAGMA application_id = {APPLICATION_ID}",
            f"PRAGMA user_version = {SCHEMA_VERSION}",
        ]

    def _insert_events(
        self,
        c: SQLiteCursor,
        stored_events: Sequence[StoredEvent],
        *,
        first: int,
        hashes: Sequence[tuple[bytes, bytes]],
        root: bytes,
        **kwargs: Any,
    ) -> Sequence[int] | None:
        """Insert events, then the leaves `first` … (identity, leaf hash) and the head, with the same cursor."""
        # The application recorder inserts row by row to learn each row id; its own base class does it at once.
        super(SQLiteApplicationRecorder, self)._insert_events(c, stored_events, **kwargs)
        # SQLite chose max(rowid) + 1 for each, under the write lock that this transaction began with.
        c.execute("SELECT last_insert_rowid()")
        first_row = c.fetchone()[0] - len(stored_events) + 1
        row_ids = range(first_row, first_row + len(stored_events))
        c.executemany(
            "INSERT OR ROLLBACK INTO leaves VALUES (?,?,?,?)",
            [
                (index, identity, row_id, leaf)
                for index, (row_id, (identity, leaf)) in enumerate(zip(row_ids, hashes, strict=True), first)
            ],
        )
        c.execute("INSERT OR ROLLBACK INTO heads VALUES (?,?)", (first + len(hashes), root))
        return row_ids


# --- the journal ----------------------------------------------------------------------------------------


class Journal:
    """Entries by leaf index, with their leaf hashes and the tree head after each batch.

    One thread appends; any thread reads, and sees only what is committed.
    """

    def __init__(self, path: Path, datastore: _Datastore, lock: "_WriterLock | None") -> None:
        """Use `Journal.open`."""
        self.path = path
        self._datastore = datastore
        self._recorder = _Recorder(datastore)
        self._lock = lock
        self._head: tuple[int, bytes] | None = None

    @classmethod
    def open(cls, path: Path, *, create: bool, writer: bool = True) -> "Journal":
        """Open the journal at `path`; with `create`, make it first (an empty one is taken as it is).

        A writer takes the one-writer lock; others only read. Raises CannotRun when the file is missing, is not
        a journal, was made by a newer version, lacks its safeguards, or has another writer already.
        """
        path = path.absolute()
        lock = _WriterLock.take(path) if writer else None
        try:
            if create:
                _refuse_taken(path)
            elif not path.exists():
                raise CannotRun(
                    f"{path}: aquí no hay ningún diario.",
                    f"{path}: there is no journal here.",
                    "Haga un registro con `constancia init`.",
                    "Make a ledger with `constancia init`.",
                )
            _check_file(path, may_be_empty=create)
            journal = cls(path, _Datastore(path), lock)
            try:
                if create and not journal._has_tables():
                    journal._recorder.create_table()
                    _sync_folder(path.parent)
                journal._check_safeguards()
                size, root = journal.head()
            except BaseException:
                journal._datastore.close()
                raise
            journal._head = (size, root)
        except (PersistenceError, sqlite3.Error, OSError) as error:
            if lock:
                lock.release()
            raise CannotRun(
                f"No se puede abrir el diario {path}: {error}.",
                f"{path}: the journal cannot be opened: {error}.",
                "Revise el disco y quién puede escribir ahí.",
                "Look at the disk and at who may write there.",
            ) from error
        except BaseException:
            if lock:
                lock.release()
            raise
        return journal

    def close(self) -> None:
        """Close all connections and let the next writer in."""
        self._datastore.close()
        if self._lock:
            self._lock.release()

    # --- writing

    def append(self, rows: Sequence[Row], root: bytes) -> None:
        """Keep a batch, and `root` as the tree's root after it, all or nothing; durable when this returns.

        Raises Refused (busy) when another process holds the database's own lock for seconds, as a tool of the
        operator may: then nothing was written. Raises CannotRun on any other failure: what is on the disk then is
        not known (an error while committing may come after the commit), so this journal takes nothing more; open
        it again and read.
        """
        if self._lock is None:
            raise CannotRun(f"{self.path}: abierto solo para leer.", f"{self.path}: opened for reading.")
        if self._head is None:
            raise CannotRun(
                f"{self.path}: falló una escritura anterior.",
                f"{self.path}: an earlier write failed.",
                "Inicie de nuevo: entonces se lee lo que quedó guardado.",
                "Start again: it then reads what was kept.",
            )
        before, size = self._head, self._head[0]
        # Unknown from here until the commit is known to have worked.
        self._head = None
        try:
            self._recorder.insert_events(
                [StoredEvent(row.stream, row.version, row.kind, row.entry) for row in rows],
                first=size,
                hashes=[(row.identity, row.leaf) for row in rows],
                root=root,
            )
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                # The write lock is taken before anything is written, and held until all is.
                self._head = before
                raise Refused("busy", "transport", f"the database is held by another program: {error}") from error
            raise self._unwritten(error) from error
        except (PersistenceError, sqlite3.Error) as error:
            raise self._unwritten(error) from error
        self._head = (size + len(rows), root)

    def _unwritten(self, error: Exception) -> CannotRun:
        return CannotRun(
            f"No se pudo escribir el diario {self.path}: {error}.",
            f"{self.path}: the journal could not be written: {error}.",
            "Libere espacio o repare el disco, e inicie de nuevo: se lee lo que quedó guardado y se sigue desde ahí.",
            "Make room or mend the disk, then start again: it reads what was kept and goes on from there.",
        )

    # --- reading

    @property
    def size(self) -> int:
        """How many entries are kept."""
        return self.head()[0]

    def head(self) -> tuple[int, bytes]:
        """The last tree head written, as (size, root); (0, b"") for an empty journal."""
        if self._head is not None:
            return self._head
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT size, root FROM heads ORDER BY size DESC LIMIT 1")
            found = cursor.fetchone()
        return (found["size"], found["root"]) if found else (0, b"")

    def heads(self) -> Iterator[tuple[int, bytes]]:
        """All tree heads written, as (size, root), in order."""
        last = 0
        while True:
            with self._datastore.transaction(commit=False) as cursor:
                cursor.execute("SELECT size, root FROM heads WHERE size > ? ORDER BY size LIMIT ?", (last, PAGE))
                page = cursor.fetchall()
            if not page:
                return
            for found in page:
                yield found["size"], found["root"]
            last = page[-1]["size"]

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The entries' bytes from index `start` up to, not including, `stop` or the end."""
        for row in self.rows(start, stop):
            yield row.entry

    def rows(self, start: int, stop: int) -> Iterator[Row]:
        """The entries with their columns, as stored, in the order of their indexes.

        Raises CannotRun when an index between is missing.
        """
        stop = min(stop, self.size)
        for begin in range(start, stop, PAGE):
            end = min(begin + PAGE, stop)
            with self._datastore.transaction(commit=False) as cursor:
                cursor.execute(
                    "SELECT idx, state, topic, originator_id, originator_version, statement, hash "
                    "FROM leaves JOIN stored_events ON stored_events.rowid = notification_id "
                    "WHERE idx >= ? AND idx < ? ORDER BY idx",
                    (begin, end),
                )
                page = cursor.fetchall()
            for index, found in enumerate(page, begin):
                if found[0] != index:
                    raise self._gap(index)
                yield Row(found[1], found[2], found[3], found[4], found[5], found[6])
            if len(page) != end - begin:
                raise self._gap(begin + len(page))

    def _gap(self, index: int) -> CannotRun:
        return CannotRun(
            f"{self.path}: en el diario falta el asiento {index}.",
            f"{self.path}: entry {index} is missing from the journal.",
            "Recupere el diario de una copia de respaldo.",
            "Restore the journal from a backup.",
        )

    def find(self, identity: bytes) -> int | None:
        """The index of the statement with this identity (32 bytes), or None."""
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT idx FROM leaves WHERE statement = ?", (identity,))
            found = cursor.fetchone()
        return found[0] if found else None

    def stream(self, name: str) -> Iterator[bytes]:
        """The entries' bytes of one stream, in order: for the few of `ledger`, before all others are read."""
        for event in self._recorder.select_events(name):
            yield event.state

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        """The leaf hashes as stored, from `start` up to, not including, `stop` or the end."""
        for begin in range(start, min(stop, self.size), PAGE):
            with self._datastore.transaction(commit=False) as cursor:
                cursor.execute(
                    "SELECT hash FROM leaves WHERE idx >= ? AND idx < ? ORDER BY idx", (begin, min(begin + PAGE, stop))
                )
                page = cursor.fetchall()
            for found in page:
                yield found[0]

    # --- checks at start

    def _has_tables(self) -> bool:
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT count(*) FROM sqlite_schema")
            return bool(cursor.fetchone()[0])

    def _check_safeguards(self) -> None:
        """Tables and triggers as this version makes them, to the letter. Raises CannotRun.

        WAL and `synchronous` were asserted for each connection when it was made.
        """
        wanted = {name: f"CREATE TRIGGER {name} {body}".split() for name, body in _TRIGGERS.items()}
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            found = {row["name"]: row["sql"].split() for row in cursor.fetchall()}
        wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        if wrong:
            raise CannotRun(
                f"{self.path}: se cambiaron protecciones del diario: {', '.join(wrong)}.",
                f"{self.path}: safeguards of the journal were changed: {', '.join(wrong)}.",
                "Alguien alteró la base de datos. Guarde el archivo como evidencia y recupere una copia de respaldo.",
                "Somebody altered the database. Keep the file as evidence and restore a backup.",
            )


def _refuse_taken(path: Path) -> None:
    """Raise CannotRun if there is a journal with entries at `path`; an empty one was never finished."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    _check_file(path, may_be_empty=True)
    with closing(sqlite3.connect(path)) as database:
        if not database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'leaves'").fetchone()[0]:
            return
        if database.execute("SELECT count(*) FROM leaves").fetchone()[0]:
            raise CannotRun(
                f"{path}: aquí ya hay un registro.",
                f"{path}: there is a ledger here already.",
                "Elija otra carpeta, o abra esta.",
                "Choose another folder, or open this one.",
            )


def _check_file(path: Path, *, may_be_empty: bool) -> None:
    """Raise CannotRun unless `path` is a journal that this version understands. Nothing is written."""
    not_ours = CannotRun(
        f"{path}: este no es el diario de un registro.",
        f"{path}: this is not the journal of a ledger.",
        "Dé la carpeta que hizo `init` o `demo`.",
        "Name the folder that `init` or `demo` made.",
    )
    if path.is_dir():
        raise not_ours
    if may_be_empty and (not path.exists() or path.stat().st_size == 0):
        return
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as database:
            mark = database.execute("PRAGMA application_id").fetchone()[0]
            version = database.execute("PRAGMA user_version").fetchone()[0]
            tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise not_ours from error
    if may_be_empty and not tables and not mark:
        return
    if mark != APPLICATION_ID:
        raise not_ours
    if version > SCHEMA_VERSION:
        raise CannotRun(
            f"{path} es de una versión más reciente (esquema {version}; esta conoce el {SCHEMA_VERSION}).",
            f"{path}: written by a newer version (schema {version}, this one knows {SCHEMA_VERSION}).",
            "Instale la versión más reciente de `constancia`.",
            "Install the newer version of `constancia`.",
        )


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class _WriterLock:
    """The one-writer lock: an advisory lock on `<journal>.lock`, let go by the kernel when its process ends.

    `flock` and not `lockf`: the latter does not keep out a second writer in the same process, and is lost when
    any other descriptor of the file is closed.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, journal: Path) -> "_WriterLock":
        """Take it or raise CannotRun, naming who holds it."""
        path = journal.with_name(journal.name + ".lock")
        if not journal.parent.is_dir():
            raise CannotRun(
                f"No hay ninguna carpeta {journal.parent}.",
                f"{journal.parent}: there is no such folder.",
                "Haga un registro con `constancia init`.",
                "Make a ledger with `constancia init`.",
            )
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            why_es, why_en = reason(error)
            raise CannotRun(
                f"No se puede escribir {path}: {why_es}.",
                f"{path} cannot be written: {why_en}.",
                "Quien lleva un registro necesita poder escribir en esta carpeta.",
                "The writer needs to write in this folder.",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 200).decode("utf-8", "replace").strip() or "?"
            os.close(descriptor)
            raise CannotRun(
                f"{journal}: otro proceso ya escribe en este registro (proceso {holder}).",
                f"{journal}: another writer has this ledger (process {holder}).",
                "Un solo proceso escribe en un registro: detenga el otro, o solo lea.",
                "One process writes a ledger: stop the other one, or only read.",
            ) from error
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError:  # a full disk: the lock is held all the same, only its holder is not named
            pass
        return cls(descriptor)

    def release(self) -> None:
        """Let the next writer in. Again is no harm."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

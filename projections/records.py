"""Records: what folds keep, and the stores that keep it.

A record is a frozen struct in a table, under a key, and is replaced whole. Two stores keep them behind one small
port: a dict for tests and audits, and SQLite for the server, which also answers "as of": it keeps every version of
a record with the tree size since which it holds, so a view at an earlier size costs what today's costs. What a fold
put becomes durable together with its position, in one transaction, or not at all.

Keys are paths and lists are scans by prefix: `gt-2014-2016/C8/000000412`. Indexes in keys have nine digits, so the
order of keys is the order of entries.
"""

import bisect
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar

import msgspec

from ledger.errors import CannotRun
from ledger.statement import canonical

SCHEMA = 1
KEPT = 20_000


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a fold keeps: canonical JSON of strings, booleans, integers, lists and structs. Absent fields are null-free.

    `table` names the kind of record; one table has one struct.
    """

    table: ClassVar[str]


R = TypeVar("R", bound=Record)


class Records(Protocol):
    """What folds write and readers read."""

    def begin(self, size: int) -> None:
        """What is put from here on holds since the tree had `size` entries."""
        ...

    def get(self, kind: type[R], key: str) -> R | None:
        """The record under a key, or None."""
        ...

    def put(self, key: str, record: Record) -> None:
        """Set the record under a key."""
        ...

    def scan(
        self, kind: type[R], prefix: str = "", after: str = "", limit: int | None = None
    ) -> Iterator[tuple[str, R]]:
        """Records of a kind whose key starts with `prefix` and is greater than `after`, in the order of keys."""
        ...


def index_key(*path: str, index: int) -> str:
    """A key that ends in an index: in the order of entries."""
    return "/".join((*path, f"{index:09d}"))


class DictRecords:
    """Records in memory."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, Record]] = {}
        self._sorted: dict[str, list[str]] = {}

    def begin(self, size: int) -> None:
        """A dict keeps the newest version only."""

    def get(self, kind: type[R], key: str) -> R | None:
        """The record under a key, or None."""
        table = self._tables.get(kind.table)
        return None if table is None else table.get(key)  # type: ignore[return-value]

    def put(self, key: str, record: Record) -> None:
        """Set the record under a key."""
        table = self._tables.setdefault(record.table, {})
        if key not in table:
            self._sorted.pop(record.table, None)
        table[key] = record

    def scan(
        self, kind: type[R], prefix: str = "", after: str = "", limit: int | None = None
    ) -> Iterator[tuple[str, R]]:
        """Records of a kind by prefix, in the order of keys."""
        table = self._tables.get(kind.table, {})
        keys = self._sorted.get(kind.table)
        if keys is None:
            keys = self._sorted[kind.table] = sorted(table)
        start = bisect.bisect_right(keys, after) if after >= prefix else bisect.bisect_left(keys, prefix)
        for key in keys[start : None if limit is None else start + limit]:
            if not key.startswith(prefix):
                return
            yield key, table[key]  # type: ignore[misc]

    def lines(self) -> Iterator[tuple[str, str, bytes]]:
        """Every record as (table, key, canonical JSON), in that order."""
        for name in sorted(self._tables):
            table = self._tables[name]
            for key in sorted(table):
                yield name, key, canonical(table[key])


# --- SQLite ----------------------------------------------------------------------------------------------------------


class SqliteRecords:
    """Records in a file of their own: what was put since the last commit in memory, everything else on disk.

    One thread writes (get, put, scan, commit); any number read through `at`, each on a connection of its own thread.
    The file is disposable, made anew from the entries at any time, so commits are not synced to disk: after a power
    loss SQLite rolls back to an earlier position, and folding goes on from there.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises CannotRun for a file that is not ours, or of a newer version."""
        self.path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._dirty: dict[tuple[str, str], Record] = {}  # newest version of what was put since the last commit
        self._versions: dict[tuple[str, str, int], Record] = {}  # every version of it, by the size since which it holds
        self._since = 0
        # What the writing thread has read or written lately: folds ask for the same few records again and again.
        self._read: dict[tuple[str, str], Record] = {}
        try:
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, SCHEMA):
                raise CannotRun(
                    f"{path} was made by a newer version of this software.",
                    "Delete it: it is made anew from the journal.",
                )
            with self._connection as connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS records (tbl TEXT, key TEXT, since INTEGER, value BLOB,"
                    " PRIMARY KEY (tbl, key, since)) WITHOUT ROWID"
                )
                connection.execute("CREATE TABLE IF NOT EXISTS position (one INTEGER PRIMARY KEY, size INTEGER)")
                connection.execute("INSERT OR IGNORE INTO position VALUES (1, 0)")
                connection.execute(f"PRAGMA user_version={SCHEMA}")
            self._position = int(self._connection.execute("SELECT size FROM position").fetchone()[0])
        except (sqlite3.DatabaseError, TypeError) as error:
            self.close()
            raise CannotRun(f"{path} is not a record store ({error}).", "Delete it: it is made anew.") from None

    @property
    def _connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self.path, timeout=30, check_same_thread=False)
            found.execute("PRAGMA journal_mode=WAL")
            found.execute("PRAGMA synchronous=OFF")
            self._local.connection = found
            with self._lock:
                self._connections.append(found)
        return found

    @property
    def position(self) -> int:
        """How many entries are folded and committed."""
        return self._position

    def begin(self, size: int) -> None:
        """What is put from here on holds since the tree had `size` entries."""
        self._since = size

    def get(self, kind: type[R], key: str) -> R | None:
        """The record under a key, or None."""
        place = (kind.table, key)
        found = self._dirty.get(place) or self._read.get(place)
        if found is None:
            found = _newest(self._connection, kind, key, self._position)
            if found is not None:
                self._read[place] = found
        return found  # type: ignore[return-value]

    def put(self, key: str, record: Record) -> None:
        """Set the record under a key; durable with the next commit."""
        self._dirty[record.table, key] = record
        self._versions[record.table, key, self._since] = record

    def scan(
        self, kind: type[R], prefix: str = "", after: str = "", limit: int | None = None
    ) -> Iterator[tuple[str, R]]:
        """Records of a kind by prefix, those not yet committed among them, in the order of keys."""
        ours = {
            key: record
            for (table, key), record in self._dirty.items()
            if table == kind.table and key.startswith(prefix) and key > after
        }
        waiting = sorted(ours, reverse=True)
        given = 0
        for key, record in _scan(self._connection, kind, prefix, after, self._position):
            while waiting and waiting[-1] < key and given != limit:
                mine = waiting.pop()
                yield mine, ours[mine]  # type: ignore[misc]
                given += 1
            if given == limit:
                return
            if waiting and waiting[-1] == key:
                waiting.pop()
            yield key, ours.get(key, record)  # type: ignore[misc]
            given += 1
        while waiting and given != limit:
            mine = waiting.pop()
            yield mine, ours[mine]  # type: ignore[misc]
            given += 1

    def commit(self, size: int) -> None:
        """Write what was put, as of `size` entries, together with the position."""
        rows = [(table, key, since, canonical(record)) for (table, key, since), record in self._versions.items()]
        with self._connection as connection:
            connection.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", rows)
            connection.execute("UPDATE position SET size = ? WHERE one = 1", (size,))
        if len(self._read) + len(self._dirty) > KEPT:
            self._read.clear()
        self._read.update(self._dirty)
        self._dirty.clear()
        self._versions.clear()
        self._position = size

    def at(self, size: int) -> "RecordsAt":
        """The records as they were after the first `size` entries; for reading only."""
        return RecordsAt(self, size)

    def lines(self) -> Iterator[tuple[str, str, bytes]]:
        """Every committed record as (table, key, canonical JSON), in that order."""
        return self.at(self._position).lines()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()


class RecordsAt:
    """The records of one tree size, for any thread, unchanged while later entries are folded."""

    def __init__(self, store: SqliteRecords, size: int) -> None:
        self._store = store
        self.size = size

    def begin(self, size: int) -> None:
        """A view is not written to."""
        raise TypeError(f"a view of the past is not written to (size {size})")

    def get(self, kind: type[R], key: str) -> R | None:
        """The record under a key, or None."""
        return _newest(self._store._connection, kind, key, self.size)  # pyright: ignore[reportPrivateUsage]

    def put(self, key: str, record: Record) -> None:
        """A view is not written to."""
        raise TypeError(f"a view of the past is not written to ({record.table}/{key})")

    def scan(
        self, kind: type[R], prefix: str = "", after: str = "", limit: int | None = None
    ) -> Iterator[tuple[str, R]]:
        """Records of a kind by prefix, in the order of keys."""
        connection = self._store._connection  # pyright: ignore[reportPrivateUsage]
        return _scan(connection, kind, prefix, after, self.size, limit)

    def lines(self, table: str = "", after: str = "", limit: int | None = None) -> Iterator[tuple[str, str, bytes]]:
        """Every record as (table, key, canonical JSON), in that order; of one table only, from a key on, if wanted."""
        connection = self._store._connection  # pyright: ignore[reportPrivateUsage]
        rows = connection.execute(
            "SELECT tbl, key, value, max(since) FROM records WHERE since <= ? AND (? = '' OR tbl = ?)"
            " AND (tbl, key) > (?, ?) GROUP BY tbl, key ORDER BY tbl, key LIMIT ?",
            (self.size, table, table, table, after, -1 if limit is None else limit),
        )
        for name, key, value, _ in rows:
            yield name, key, value


def _newest(connection: sqlite3.Connection, kind: type[R], key: str, size: int) -> R | None:
    row = connection.execute(
        "SELECT value FROM records WHERE tbl = ? AND key = ? AND since <= ? ORDER BY since DESC LIMIT 1",
        (kind.table, key, size),
    ).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=kind)


def _scan(
    connection: sqlite3.Connection, kind: type[R], prefix: str, after: str, size: int, limit: int | None = None
) -> Iterator[tuple[str, R]]:
    # A key starts with the prefix if it lies between it and the prefix with the greatest character behind it.
    rows = connection.execute(
        "SELECT key, value, max(since) FROM records WHERE tbl = ? AND key >= ? AND key < ? AND key > ? AND since <= ?"
        " GROUP BY key ORDER BY key LIMIT ?",
        (kind.table, prefix, prefix + "\U0010ffff", after, size, -1 if limit is None else limit),
    )
    decoder = msgspec.json.Decoder(kind)
    for key, value, _ in rows:
        yield key, decoder.decode(value)


# --- comparing ------------------------------------------------------------------------------------------------------


class Lines(Protocol):
    """A store whose records can be listed."""

    def lines(self) -> Iterator[tuple[str, str, bytes]]:
        """Every record as (table, key, canonical JSON), in that order."""
        ...


def digest(records: Lines, origin: str, size: int) -> str:
    """The records digest, 64 hex digits (FORMAT.md, "Records digest")."""
    total = 0
    for table, key, line in records.lines():
        total += int.from_bytes(sha256(b"%b\0%b\0%b" % (table.encode(), key.encode(), line)).digest(), "big")
    total %= 2**256
    head = f"constancia/records/v1\n{origin}\n{size}\n".encode()
    return sha256(head + total.to_bytes(32, "big")).hexdigest()


def compare(mine: Iterable[tuple[str, str, bytes]], theirs: Iterable[tuple[str, str, bytes]]) -> str | None:
    """Where two listings of records first differ, in words, or None: `commitment gt-2014-2016/C8, field level`."""
    left, right = iter(mine), iter(theirs)
    while True:
        one, other = next(left, None), next(right, None)
        if one == other:
            if one is None:
                return None
            continue
        if one is None or other is None or one[:2] != other[:2]:
            only = min(found[:2] for found in (one, other) if found is not None)
            return f"{only[0]} {only[1]}: only one of the two has it"
        here, there = msgspec.json.decode(one[2]), msgspec.json.decode(other[2])
        for field in sorted({*here, *there}):
            if here.get(field) != there.get(field):
                return f"{one[0]} {one[1]}, field {field}: {here.get(field)!r} here, {there.get(field)!r} there"

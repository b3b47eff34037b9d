"""Records: what folds keep, and the stores that keep it.

A record is a frozen struct in a table, under a key, and is replaced whole; none is ever taken away. Two stores keep
them behind one small port: a dict for tests and audits, and SQLite for the server, which also answers "as of": it
keeps every version of a record with the tree size since which it holds. What a fold put becomes durable together with
its position, in one transaction, or not at all.

Keys are paths and lists are scans by prefix: `gt-2014-2016/C8/000000412`. Indexes in keys have nine digits, so the
order of keys is the order of entries.
"""

import bisect
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec

from ledger.errors import CannotRun
from ledger.statement import canonical
from ledger.vocabulary import commitment_of

SCHEMA = 5
KEPT_IN_MEMORY = 20_000  # records that a SQLite store's writer keeps beside those not yet committed
PASSED = 60
"""Rows of the future that a scan walks over before it asks anew behind them: that costs as much as so many."""

_LAST = "\U0010ffff"  # no key holds a character behind it


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What a fold keeps: canonical JSON of strings, booleans, integers, lists and structs. What is absent is left out.

    `table` names the kind of record; one table has one struct. `indexes` says how many indexes of entries its keys end
    in, the last being that of the entry that first put the record: below one path, a later key is a later record.
    `touches` says that keys begin with a commitment, or a mechanism of one, whose levels may follow from the record.
    """

    table: ClassVar[str]
    indexes: ClassVar[int] = 0
    touches: ClassVar[bool] = False


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


def index_key(path: str, index: int) -> str:
    """A key that ends in an index: in the order of entries."""
    return f"{path}/{index:09d}"


class DictRecords:
    """Records in memory."""

    def __init__(self) -> None:
        self._tables: defaultdict[str, dict[str, Record]] = defaultdict(dict)
        self._sorted: dict[str, list[str]] = {}

    def begin(self, size: int) -> None:
        """A dict keeps the newest version only."""

    def get(self, kind: type[R], key: str) -> R | None:
        """The record under a key, or None."""
        return self._tables[kind.table].get(key)  # type: ignore[return-value]

    def put(self, key: str, record: Record) -> None:
        """Set the record under a key."""
        self._tables[record.table][key] = record

    def scan(
        self, kind: type[R], prefix: str = "", after: str = "", limit: int | None = None
    ) -> Iterator[tuple[str, R]]:
        """Records of a kind by prefix, in the order of keys."""
        table = self._tables[kind.table]
        keys = self._sorted.setdefault(kind.table, [])
        if len(keys) != len(table):  # a dict keeps its keys in the order of arrival, so the new ones are the last
            keys.extend(islice(table, len(keys), None))
            keys.sort()
        start = bisect.bisect_right(keys, after) if after >= prefix else bisect.bisect_left(keys, prefix)
        stop = bisect.bisect_left(keys, prefix + _LAST, start)
        for key in keys[start : stop if limit is None else min(stop, start + limit)]:
            yield key, table[key]  # type: ignore[misc]

    def lines(self) -> Iterator[tuple[str, str, bytes]]:
        """Every record as (table, key, canonical JSON), in that order."""
        for name in sorted(self._tables):
            table = self._tables[name]
            for key in sorted(table):
                yield name, key, canonical(table[key])

    def unordered(self) -> Iterator[tuple[str, str, bytes]]:
        """Every record as in `lines`, in the order in which they first came: so they lie in memory."""
        for name, table in self._tables.items():
            for key, record in table.items():
                yield name, key, canonical(record)


# --- SQLite ----------------------------------------------------------------------------------------------------------

# `newest` has one row for each record, so that lists of today never walk over its past. `older` has the versions before
# it: the first one whole, each later one as the fields in which it differs from the first, since what changes a
# thousand times is a count or two, and what is long are texts that never change. Reading a version takes two rows.
# Comments are also listed by when they changed last: the search follows them (`changed`). `touched` has the sizes since
# which anything about a commitment was otherwise, so that what was computed of it is known to hold still.
_TABLES = """
CREATE TABLE IF NOT EXISTS newest (
    tbl TEXT, key TEXT, born INTEGER, since INTEGER, value BLOB, PRIMARY KEY (tbl, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS older (
    tbl TEXT, key TEXT, since INTEGER, value BLOB, PRIMARY KEY (tbl, key, since)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS touched (topic TEXT, since INTEGER, PRIMARY KEY (topic, since)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS position (one INTEGER PRIMARY KEY, size INTEGER);
CREATE INDEX IF NOT EXISTS changed_comments ON newest (since) WHERE tbl = 'comment';
INSERT OR IGNORE INTO position VALUES (1, 0);
"""


class SqliteRecords:
    """Records in a file of their own: what was put since the last commit in memory, everything else on disk.

    One thread writes (get, put, scan, commit); any number read through `at`, each on a connection of its own thread.
    The file is disposable, made anew from the entries at any time, so commits are not synced to disk: after a power
    loss SQLite rolls back to an earlier position, and folding goes on from there.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises CannotRun for a file that is not ours, or of another version."""
        self.path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._dirty: dict[tuple[str, str], dict[int, Record]] = {}  # versions not yet committed, by their `since`
        self._kept: dict[tuple[str, str], Record] = {}  # what the writer read or committed: it alone changes records
        self._since = 0
        try:
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, SCHEMA):
                self.close()
                raise CannotRun(
                    f"{path} es de otra versión de este programa.",
                    f"{path} was made by another version of this software.",
                    "Bórrelo: se hace de nuevo a partir del diario.",
                    "Delete it: it is made anew from the journal.",
                )
            self._connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={SCHEMA}; COMMIT;")
            self._position = int(self._connection.execute("SELECT size FROM position").fetchone()[0])
        except (sqlite3.DatabaseError, TypeError) as error:
            self.close()
            raise CannotRun(
                f"{path} no es un almacén de datos calculados ({error}).",
                f"{path} is not a record store ({error}).",
                "Bórrelo: se hace de nuevo a partir del diario.",
                "Delete it: it is made anew from the journal.",
            ) from None

    @property
    def _connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self.path, timeout=30, check_same_thread=False)
            with self._lock:
                self._connections.append(found)
            found.execute("PRAGMA journal_mode=WAL")
            found.execute("PRAGMA synchronous=OFF")
            self._local.connection = found
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
        found = self._kept.get((kind.table, key))
        if found is None:
            row = self._connection.execute(_NEWEST, (kind.table, key)).fetchone()
            if row is None:
                return None
            found = self._kept[kind.table, key] = msgspec.json.decode(row[2], type=kind)
        return found  # type: ignore[return-value]

    def put(self, key: str, record: Record) -> None:
        """Set the record under a key; durable with the next commit."""
        place = (record.table, key)
        self._kept[place] = record
        versions = self._dirty.get(place)
        if versions is None:
            self._dirty[place] = {self._since: record}
        else:
            versions[self._since] = record

    def scan(
        self, kind: type[R], prefix: str = "", after: str = "", limit: int | None = None
    ) -> Iterator[tuple[str, R]]:
        """Records of a kind by prefix, those not yet committed among them, in the order of keys."""
        ours = sorted(
            [key for table, key in self._dirty if table == kind.table and key.startswith(prefix) and key > after],
            reverse=True,
        )
        found = _merged(ours, _scan(self._connection, kind, prefix, after, self._position))
        for key, record in islice(found, limit):
            yield key, self._kept.get((kind.table, key), record)  # type: ignore[misc]

    def commit(self, size: int) -> None:
        """Write what was put, as of `size` entries, together with the position."""
        newest: list[tuple[str, str, int, int, bytes]] = []
        older: list[tuple[str, str, int, bytes]] = []
        touched: set[tuple[str, int]] = set()
        connection = self._connection
        for (table, key), versions in self._dirty.items():
            *past, (since, record) = versions.items()
            if record.touches:
                topic = _topic(key)
                touched.update([(topic, at) for at in versions])
            row = connection.execute(_NEWEST, (table, key)).fetchone()
            if row is None and not past:
                newest.append((table, key, since, since, canonical(record)))
                continue
            kind = type(record)
            born, first = since, record
            if row is not None:
                born, standing = row[0], msgspec.json.decode(row[2], type=kind)
                first = standing if row[1] == born else _first(connection, kind, key, born)
                past.insert(0, (row[1], standing))
            else:
                born, first = past[0]
            older += [
                (table, key, at, canonical(each) if at == born else _difference(first, each)) for at, each in past
            ]
            newest.append((table, key, born, since, canonical(record)))
        with connection:
            connection.executemany("INSERT OR REPLACE INTO older VALUES (?, ?, ?, ?)", older)
            connection.executemany("INSERT OR REPLACE INTO newest VALUES (?, ?, ?, ?, ?)", newest)
            connection.executemany("INSERT OR IGNORE INTO touched VALUES (?, ?)", sorted(touched))
            connection.execute("UPDATE position SET size = ? WHERE one = 1", (size,))
        self._dirty.clear()
        if len(self._kept) > KEPT_IN_MEMORY:
            self._kept.clear()
        self._position = size

    def changed(self, kind: type[R], after: int, upto: int, limit: int) -> list[tuple[int, R]]:
        """Committed records of a kind whose newest version holds since a size above `after`, up to `upto`.

        As (since, record), in that order: at least `limit` of them if there are, and all that share the last size.
        Quick for comments, which are listed so; a walk over the table for others.
        """
        rows = self._connection.execute(
            f"SELECT since, value FROM newest WHERE tbl = '{kind.table}' AND since > ? AND since <= ? ORDER BY since",
            (after, upto),
        )
        found: list[tuple[int, R]] = []
        for since, value in rows:
            if len(found) >= limit and since != found[-1][0]:
                break
            found.append((since, msgspec.json.decode(value, type=kind)))
        return found

    def at(self, size: int) -> "RecordsAt":
        """The records as they were after the first `size` entries; for reading only."""
        return RecordsAt(self, size)

    def lines(self) -> Iterator[tuple[str, str, bytes]]:
        """Every committed record as (table, key, canonical JSON), in that order."""
        return self.at(self._position).lines()

    def unordered(self) -> Iterator[tuple[str, str, bytes]]:
        """As `lines`: the file is in this order."""
        return self.lines()

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
        connection = self._store._connection  # pyright: ignore[reportPrivateUsage]
        asked = {"table": kind.table, "key": key, "size": self.size}
        row = connection.execute(f"{_VERSIONS} WHERE tbl = :table AND key = :key", asked).fetchone()
        return None if row is None or row[2] > self.size else _record(kind, *row[3:])

    def put(self, key: str, record: Record) -> None:
        """A view is not written to."""
        raise TypeError(f"a view of the past is not written to ({record.table}/{key})")

    def scan(
        self, kind: type[R], prefix: str = "", after: str = "", limit: int | None = None
    ) -> Iterator[tuple[str, R]]:
        """Records of a kind by prefix, in the order of keys."""
        connection = self._store._connection  # pyright: ignore[reportPrivateUsage]
        return islice(_scan(connection, kind, prefix, after, self.size), limit)

    def touched(self, plan: str) -> dict[str, int]:
        """Every commitment of a plan, in the order of keys, with the size since which all about it is as it is here."""
        connection = self._store._connection  # pyright: ignore[reportPrivateUsage]
        return dict(connection.execute(_TOUCHED, {"prefix": f"{plan}/", "stop": f"{plan}/{_LAST}", "size": self.size}))

    def since(self, commitment: str) -> int | None:
        """The size since which all about a commitment is as it is here; None where nothing was said of it."""
        connection = self._store._connection  # pyright: ignore[reportPrivateUsage]
        asked = "SELECT max(since) FROM touched WHERE topic = ? AND since <= ?"
        return connection.execute(asked, (commitment, self.size)).fetchone()[0]

    def last(self, kind: type[R], path: str, limit: int, before: int | None = None) -> list[R]:
        """The newest records below a path that ends in `/`, the last one first; of a kind whose keys end in one index.

        With `before`, those of entries below that index.
        """
        connection = self._store._connection  # pyright: ignore[reportPrivateUsage]
        stop = self.size if before is None else min(before, self.size)
        rows = connection.execute(
            f"{_VERSIONS} WHERE tbl = :table AND key >= :path AND key < :stop ORDER BY key DESC LIMIT :limit",
            {"table": kind.table, "path": path, "stop": f"{path}{stop:09d}", "limit": limit, "size": self.size},
        )
        return [_record(kind, *row) for _, _, _, *row in rows]

    def lines(self, table: str = "", after: str = "", limit: int | None = None) -> Iterator[tuple[str, str, bytes]]:
        """Every record as (table, key, canonical JSON), in that order; of one table only, from a key on, if wanted."""
        return islice(self._lines(table, after), limit)

    def unordered(self) -> Iterator[tuple[str, str, bytes]]:
        """As `lines`: the file is in this order."""
        return self.lines()

    def _lines(self, table: str, after: str) -> Iterator[tuple[str, str, bytes]]:
        connection = self._store._connection  # pyright: ignore[reportPrivateUsage]
        where = "tbl = :table AND key > :after" if table else "key > :after"
        rows = connection.execute(
            f"{_VERSIONS} WHERE {where} AND born <= :size ORDER BY tbl, key",
            {"table": table, "after": after, "size": self.size},
        )
        for name, key, _, value, first in rows:
            yield name, key, value if first in (None, value) else canonical(_patched(first, value))


_NEWEST = "SELECT born, since, value FROM newest WHERE tbl = ? AND key = ?"

# Each record's version at a size, and the first one where the version is kept as a difference from it. Asked of the
# file in one go: a plan's evidence has a later version nearly everywhere, once one looks half a year back.
_VERSIONS = """
SELECT tbl, key, born,
    CASE WHEN since <= :size THEN value WHEN born <= :size THEN
        (SELECT value FROM older WHERE tbl = newest.tbl AND key = newest.key AND since <= :size
         ORDER BY since DESC LIMIT 1) END,
    CASE WHEN born <= :size AND since > :size THEN
        (SELECT value FROM older WHERE tbl = newest.tbl AND key = newest.key AND since = newest.born) END
FROM newest
"""


# From one commitment to the next, each with the last of its sizes: a few steps in the file, however often it changed.
_TOUCHED = """
WITH RECURSIVE topics (topic) AS (
    SELECT min(topic) FROM touched WHERE topic > :prefix
    UNION ALL
    SELECT (SELECT min(topic) FROM touched WHERE topic > topics.topic) FROM topics WHERE topic < :stop
)
SELECT topic, since FROM (
    SELECT topic, (SELECT max(since) FROM touched WHERE touched.topic = topics.topic AND since <= :size) AS since
    FROM topics WHERE topic < :stop
) WHERE since IS NOT NULL
"""


def _topic(key: str) -> str:
    """The commitment at the head of a key: `gt/C8.M1/000000500` -> `gt/C8`."""
    return commitment_of("/".join(key.split("/", 2)[:2]))


def _difference(first: Record, other: Record) -> bytes:
    """The fields of `other` that are not as in `first`, as JSON; null where the field is left out."""
    fields: dict[str, Any] = msgspec.to_builtins(other)
    names = first.__struct_fields__
    return canonical({name: fields.get(name) for name in names if getattr(other, name) != getattr(first, name)})


def _first(connection: sqlite3.Connection, kind: type[R], key: str, born: int) -> R:
    """The first version of a record that has several."""
    row = connection.execute("SELECT value FROM older WHERE tbl = ? AND key = ? AND since = ?", (kind.table, key, born))
    return msgspec.json.decode(row.fetchone()[0], type=kind)


def _record(kind: type[R], value: bytes, first: bytes | None) -> R:
    """A version as `_VERSIONS` gives it: whole, or as the fields in which it differs from the first."""
    if first in (None, value):
        return msgspec.json.decode(value, type=kind)
    return msgspec.convert(_patched(first, value), kind)


def _patched(first: bytes, difference: bytes) -> dict[str, Any]:
    """The fields of a later version."""
    fields: dict[str, Any] = {**msgspec.json.decode(first), **msgspec.json.decode(difference)}
    return {name: field for name, field in fields.items() if field is not None}


def _scan(connection: sqlite3.Connection, kind: type[R], prefix: str, after: str, size: int) -> Iterator[tuple[str, R]]:
    """Records of a kind at a size. Those born later are passed over, in tables in order without looking at each."""
    decoder = msgspec.json.Decoder(kind)
    while True:
        # One lower bound: of two, SQLite would look up one and walk to the other.
        start, above = (after, ">") if after >= prefix else (prefix, ">=")
        rows = connection.execute(
            f"{_VERSIONS} WHERE tbl = :table AND key {above} :start AND key < :stop ORDER BY key",
            {"table": kind.table, "start": start, "stop": prefix + _LAST, "size": size},
        )
        passed = 0
        for _, key, born, value, first in rows:
            if born <= size:
                passed = 0
                yield key, decoder.decode(value) if first is None else _record(kind, value, first)
            elif kind.indexes and (passed := passed + 1) > PASSED:
                after = _behind(key, kind.indexes, size)
                break
        else:
            return


def _behind(key: str, indexes: int, size: int) -> str:
    """The end of the path below which everything from this key on came after `size` entries."""
    path = key.rpartition("/")[0]
    if indexes == 2 and int(path[-9:]) >= size:
        path = path.rpartition("/")[0]
    return f"{path}/{_LAST}"


def _merged(ours: list[str], theirs: Iterator[tuple[str, R]]) -> Iterator[tuple[str, R | None]]:
    """Two ascending series of keys as one, each key once; `ours` stands in descending order."""
    for key, record in theirs:
        while ours and ours[-1] < key:
            yield ours.pop(), None
        if ours and ours[-1] == key:
            ours.pop()
        yield key, record
    while ours:
        yield ours.pop(), None


# --- comparing ------------------------------------------------------------------------------------------------------


class Lines(Protocol):
    """A store whose records can be listed."""

    def lines(self) -> Iterator[tuple[str, str, bytes]]:
        """Every record as (table, key, canonical JSON), in that order."""
        ...

    def unordered(self) -> Iterator[tuple[str, str, bytes]]:
        """The same in the order that is the quickest to read."""
        ...


def digest(records: Lines, origin: str, size: int) -> str:
    """The records digest, 64 hex digits (FORMAT.md, "Records digest")."""
    # A sum has no order.
    return digest_of(sum([weight(*line) for line in records.unordered()]) % 2**256, origin, size)


def digest_of(total: int, origin: str, size: int) -> str:
    """The records digest, 64 hex digits, where the records weigh `total` together (modulo 2^256)."""
    head = f"constancia/records/v1\n{origin}\n{size}\n".encode()
    return sha256(head + total.to_bytes(32, "big")).hexdigest()


def weight(table: str, key: str, line: bytes) -> int:
    """What one record adds to the sum behind the digest; `line` is its canonical JSON."""
    return int.from_bytes(sha256(f"{table}\0{key}\0".encode() + line).digest())


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

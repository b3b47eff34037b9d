"""What an auditor keeps of what it has audited: facts of the docket, records of the folds, and where it stands.

    kept = Kept(path)                a file that stays: the next audit goes on from there
    kept = Kept()                    for this audit alone: in memory, and in a temporary file once it grows too large
    Docket(origin, kept.tables)      where the docket keeps what grows      (`ledger.docket.Tables`)
    evolve(kept.records, entry)      where folds keep what they know        (`projections.records.Records`)
    kept.commit(standing)            all of it durable, in one transaction, with a note of where the audit stands

What is new lies in dicts, and is written in one go; whatever is not there is looked for in the file. So an audit of a
small ledger never touches a disk before its end, and one of a million entries needs no more memory than `SPILL` facts
and records take. Broken off at any moment, the file holds what was committed last.

The sum behind the records digest (FORMAT.md, "Records digest") is kept record by record: what changed since the last
audit is all that is hashed for the next one. And it is kept while entries are folded (`settle`), so that at the end,
when no other process has anything left to verify, there is little to do but to add up.

The file belongs to this program and can be made anew from the entries at any time: it is no format of the record. One
of another version is refused, and so is a second audit that wants the same file at the same time.
"""

import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from ledger.docket import DictTables
from ledger.errors import CannotRun
from ledger.statement import canonical
from projections.records import DictRecords, Record, weight

VERSION = 4
"""Of what is kept: raised whenever a fold, a rule or the shape of a record changes what an earlier audit left here."""

SETTLE = 12_000
"""So many new records are weighed at once."""

SPILL = 240_000
"""So many new facts and records are held in memory: some 100 MB of them, of about fifty thousand comments."""

_LAST = "\U0010ffff"  # no key holds a character behind it

_TABLES = f"""
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -48000;
BEGIN EXCLUSIVE;
CREATE TABLE IF NOT EXISTS facts (tbl TEXT, key BLOB, value BLOB, PRIMARY KEY (tbl, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (tbl TEXT, key TEXT, value BLOB, PRIMARY KEY (tbl, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS standing (one INTEGER PRIMARY KEY, total BLOB, value BLOB);
PRAGMA user_version = {VERSION};
COMMIT;
"""
_FACT = "SELECT value FROM facts WHERE tbl = ? AND key = ?"
_RECORD = "SELECT value FROM records WHERE tbl = ? AND key = ?"
_RECORDS = "SELECT key, value FROM records WHERE tbl = ? AND key > ? AND key >= ? AND key < ? ORDER BY key"

R = TypeVar("R", bound=Record)


class Kept:
    """The memory of an auditor. One thread uses it; close it, or use `with`."""

    def __init__(self, path: Path | None = None) -> None:
        """Open or make the file. Raises CannotRun: of another version, not ours, in use, cannot be written."""
        self.path = path
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.connection: sqlite3.Connection | None = None
        """To what is on disk; None as long as nothing is."""
        self.standing: bytes | None = None
        """What the last commit noted; None where nothing was kept yet."""
        self._total = 0
        self.tables = KeptTables(self)
        self.records = KeptRecords(self)
        if path is not None:
            self._open(path)

    def __enter__(self) -> "Kept":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def full(self) -> bool:
        """Whether it is time to commit."""
        return self.tables.count() + self.records.count() >= SPILL

    def commit(self, standing: bytes) -> None:
        """Write what is new, durable on return, and note `standing` with it. Raises CannotRun."""
        if self.connection is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="constancia-")
            self._open(Path(self._temporary.name) / "audit.db")
        assert self.connection is not None
        try:
            with self.connection:
                self.connection.execute("BEGIN")
                total = self.records.write(self.connection, self._total)
                self.tables.write(self.connection)
                row = (total.to_bytes(32, "big"), standing)
                self.connection.execute("INSERT OR REPLACE INTO standing VALUES (1, ?, ?)", row)
        except sqlite3.Error as error:
            raise _failed(self.path or Path(tempfile.gettempdir()), error) from error
        self._total, self.standing = total, standing
        self.tables.forget()
        self.records.forget()

    def discard(self) -> None:
        """Forget what was not committed: what an audit that was broken off has left."""
        self.tables.forget()
        self.records.forget()

    def total(self) -> int:
        """The sum behind the records digest."""
        return self.records.added(self._total)

    def close(self) -> None:
        """Let go of the file; what was not committed is gone."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def _open(self, path: Path) -> None:
        try:
            # No transaction but those that are begun here.
            connection = sqlite3.connect(path, timeout=2, isolation_level=None)
        except sqlite3.Error as error:
            raise _failed(path, error) from error
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                raise CannotRun(
                    f"{path} lo dejó otra versión de este programa.",
                    f"{path} was left by another version of this software.",
                    "Bórrelo: la próxima auditoría lo hace de nuevo, desde el primer asiento.",
                    "Delete it: the next audit makes it anew, from the first entry on.",
                )
            connection.executescript(_TABLES)
            row = connection.execute("SELECT total, value FROM standing").fetchone()
        except sqlite3.Error as error:
            connection.close()
            raise _failed(path, error) from error
        except CannotRun:
            connection.close()
            raise
        self.connection = connection
        if row is not None:
            self._total, self.standing = int.from_bytes(row[0], "big"), row[1]


class KeptTables(DictTables):
    """Facts of the docket: the new ones in memory, the others in the file."""

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self._kept = kept

    def get(self, table: str, key: str | bytes) -> object:
        """The value, or None."""
        found = self._tables[table].get(key)
        if found is None and self._kept.connection is not None:
            row = self._kept.connection.execute(_FACT, (table, key)).fetchone()
            return None if row is None else row[0]
        return found

    def count(self) -> int:
        """How many are new."""
        return sum(map(len, self._tables.values()))

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the new ones."""
        for name, facts in self._tables.items():
            rows = [(name, key, facts[key]) for key in sorted(facts, key=_as_bytes)]
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", rows)

    def forget(self) -> None:
        """They are on disk now."""
        self._tables.clear()


class KeptRecords(DictRecords):
    """Records of the folds: the new ones in memory, the others in the file. Only the newest version of each."""

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self._kept = kept
        self._read: dict[tuple[str, str], Record] = {}
        # What the new records weigh that were settled, and those records, by table in the order of their keys.
        self._weight = 0
        self._settled: defaultdict[str, list[Record]] = defaultdict(list)

    def get(self, kind: type[R], key: str) -> R | None:
        """The record under a key, or None."""
        found = self._tables[kind.table].get(key)
        if found is None and self._kept.connection is not None:
            found = self._read.get((kind.table, key))
            if found is None:
                row = self._kept.connection.execute(_RECORD, (kind.table, key)).fetchone()
                if row is None:
                    return None
                found = self._read[kind.table, key] = msgspec.json.decode(row[0], type=kind)
        return found  # type: ignore[return-value]

    def scan(
        self, kind: type[R], prefix: str = "", after: str = "", limit: int | None = None
    ) -> Iterator[tuple[str, R]]:
        """Records of a kind by prefix, in the order of keys."""
        ours = super().scan(kind, prefix, after, limit)
        if self._kept.connection is None:
            return ours
        bounds = (kind.table, after, prefix, prefix + _LAST)
        rows = self._kept.connection.execute(_RECORDS, bounds)
        fresh, decoder = self._tables[kind.table], msgspec.json.Decoder(kind)
        theirs = ((key, decoder.decode(value)) for key, value in rows if key not in fresh)
        return islice(merge(ours, theirs, key=_key), limit)

    def lines(self) -> Iterator[tuple[str, str, bytes]]:
        """Every record as (table, key, canonical JSON), in that order."""
        ours = super().lines()
        return ours if self._kept.connection is None else merge(ours, self._stored(self._kept.connection))

    def unordered(self) -> Iterator[tuple[str, str, bytes]]:
        """Every record as in `lines`, in any order."""
        yield from super().unordered()
        if self._kept.connection is not None:
            yield from self._stored(self._kept.connection)

    def count(self) -> int:
        """How many are new, or were read."""
        return sum(map(len, self._tables.values())) + len(self._read)

    def settle(self, least: int = 0) -> None:
        """Weigh the records that came since the last time, if they are so many at least: to find them costs a walk.

        Those that change later are weighed again at the end.
        """
        if sum(map(len, self._tables.values())) - sum(map(len, self._settled.values())) < least:
            return
        for name, table in self._tables.items():
            settled = self._settled[name]
            # A dict keeps its keys in the order of arrival: the new ones are the last.
            for key, record in islice(table.items(), len(settled), None):
                self._weight += self._change(name, key, canonical(record))
                settled.append(record)

    def added(self, total: int) -> int:
        """The sum behind the digest, where that of the records in the file is `total`."""
        self.settle()
        for name, table in self._tables.items():
            settled = self._settled[name]
            for at, ((key, record), weighed) in enumerate(zip(table.items(), settled, strict=True)):
                if record is not weighed:
                    self._weight += weight(name, key, canonical(record)) - weight(name, key, canonical(weighed))
                    settled[at] = record
        return (total + self._weight) % 2**256

    def write(self, connection: sqlite3.Connection, total: int) -> int:
        """Write the new ones; returns the sum as `added` does, where it was `total`."""
        total = self.added(total)
        for name, table in self._tables.items():
            rows = [(name, key, canonical(table[key])) for key in sorted(table)]
            connection.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", rows)
        return total

    def forget(self) -> None:
        """They are on disk now."""
        self._tables.clear()
        self._sorted.clear()
        self._read.clear()
        self._settled.clear()
        self._weight = 0

    def _change(self, table: str, key: str, line: bytes) -> int:
        """What a new version of a record changes of the sum."""
        change = weight(table, key, line)
        if self._kept.connection is not None:
            row = self._kept.connection.execute(_RECORD, (table, key)).fetchone()
            if row is not None:
                change -= weight(table, key, row[0])
        return change

    def _stored(self, connection: sqlite3.Connection) -> Iterator[tuple[str, str, bytes]]:
        """The lines of those records in the file that have no newer version in memory."""
        for name, key, line in connection.execute("SELECT tbl, key, value FROM records ORDER BY tbl, key"):
            if key not in self._tables[name]:
                yield name, key, line


def _key(found: tuple[str, object]) -> str:
    return found[0]


def _as_bytes(key: str | bytes) -> bytes:
    """In the order in which the file keeps them, so that it is written from one end to the other."""
    return key if isinstance(key, bytes) else key.encode()


def _failed(path: Path, error: sqlite3.Error) -> CannotRun:
    if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return CannotRun(
            f"Otra auditoría está usando {path}.",
            f"Another audit is using {path}.",
            "Espere a que termine, o dé otra carpeta con --trusted.",
            "Wait until it ends, or give another folder with --trusted.",
        )
    return CannotRun(
        f"No se puede usar {path}: {error}.",
        f"{path} cannot be used: {error}.",
        "Libere espacio o revise los permisos; si el archivo está dañado, bórrelo: se hace de nuevo.",
        "Make room or look at the permissions; if the file is damaged, delete it: it is made anew.",
    )

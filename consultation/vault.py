"""The vault: contents and salts, by the identity of the statement that brought them and their salted digest.

One SQLite file beside the journal, and the file of its keys beside that (`consultation.sealing`). What is here may have
to disappear, so nothing of it is ever in the tree:

    contents(statement, digest, slot, sealed, kept_ms, idx)      idx = the statement's index, once it is registered
    acts(statement, digest, effect, weight, by_index, by_statement, ground)    what stands of a content, if anything
    strays(name, slot)               keys of contents that this file does not have
    settled(size, keys, wipings)     entries 0 to size-1 have left their marks here; how far the keys are known

The vault commits before the journal does (no published digest may lack its content), so after a crash there may be
contents of statements that never got into the journal. They have no index, are shown nowhere, and are swept after a
day; a retry of the same submission finds them and keeps them. What the journal has decided comes back by `settle`,
which takes the registered statements in order and may be given the same ones again.

A withheld content stays here, sealed, for an appeal; it only is no longer public. Of an erased one there stays the
place alone, without text, salt and key, so that nothing brings it back:

    1  the key is wiped, and the file of keys synced      from here no copy of this file, however old, gives the text
    2  the row is emptied, and this file committed        killed before: the entry is settled again at the next start
    3  the log of writes (WAL) is emptied                 killed before: at the next start

So of this file there may be copies; of the keys only the newest one. An older copy of either is noticed when it is
opened: keys without a content here are strays, and go with the erasure of their content; where the keys are the older
file, all entries are settled again. Keys that are missing altogether are an error.
"""

import sqlite3
import threading
from collections.abc import Container, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from consultation.hiding import Act, Effect, weight_of
from consultation.sealing import Keys, name_of, seal, unseal
from consultation.text import BUNDLE
from ledger.errors import CannotRun

APPLICATION_ID = 0x436F_5661  # "CoVa"
SCHEMA_VERSION = 2
FULL = 2  # what `PRAGMA synchronous` answers

_AT_ONCE = 4_096  # contents that are sealed at once when an older vault is taken over


class Kept(msgspec.Struct, frozen=True):
    """A content to keep: whose, under which salted digest (both 64 hex), its salt (32 bytes) and canonical JSON."""

    statement: str
    digest: str
    salt: bytes
    content: bytes


class Held(msgspec.Struct, frozen=True):
    """What the vault holds of a registered statement: the content, and by which act it is out of view, if it is.

    Salt and content are empty where they are erased.
    """

    index: int
    digest: str
    salt: bytes
    content: bytes
    hidden: Act | None


_TABLES = f"""
CREATE TABLE contents (
    statement BLOB NOT NULL,
    digest BLOB NOT NULL,
    slot INTEGER,
    sealed BLOB,
    kept_ms INTEGER NOT NULL,
    idx INTEGER,
    PRIMARY KEY (statement, digest)
) WITHOUT ROWID;
CREATE INDEX contents_by_index ON contents (idx, digest) WHERE idx IS NOT NULL;
CREATE INDEX contents_waiting ON contents (kept_ms) WHERE idx IS NULL;
CREATE TABLE acts (
    statement BLOB NOT NULL,
    digest BLOB NOT NULL,
    effect TEXT NOT NULL,
    weight INTEGER NOT NULL,
    by_index INTEGER NOT NULL,
    by_statement BLOB NOT NULL,
    ground TEXT,
    PRIMARY KEY (statement, digest)
) WITHOUT ROWID;
CREATE INDEX acts_by_index ON acts (by_index);
CREATE TABLE strays (name BLOB NOT NULL, slot INTEGER NOT NULL, PRIMARY KEY (name, slot)) WITHOUT ROWID;
CREATE TABLE settled (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    size INTEGER NOT NULL,
    keys INTEGER NOT NULL,
    wipings INTEGER NOT NULL
);
INSERT INTO settled VALUES (1, 0, 0, 0);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""

# Version 1 had salt and content in the open, and only the first statement that took a content from view.
_FROM_1 = """
DROP INDEX contents_by_index;
DROP INDEX contents_waiting;
ALTER TABLE contents RENAME TO contents_1;
ALTER TABLE hidden RENAME TO hidden_1;
ALTER TABLE settled RENAME TO settled_1;
"""
_FROM_1_ROWS = """
UPDATE settled SET size = (SELECT size FROM settled_1);
DROP TABLE contents_1;
DROP TABLE hidden_1;
DROP TABLE settled_1;
"""

_HELD = (
    "SELECT c.statement, c.digest, c.slot, c.sealed, c.idx, a.effect, a.by_index, a.by_statement, a.ground "
    "FROM contents c LEFT JOIN acts a ON a.statement = c.statement AND a.digest = c.digest "
)


_ActRow = tuple[bytes, bytes, int, Effect | None, int | None, bytes | None, str | None]
_Row = tuple[bytes, bytes, int | None, bytes | None, int, Effect | None, int | None, bytes | None, str | None]


class Vault:
    """Contents by statement and salted digest. Any thread may call; writes take turns.

    Every method raises CannotRun when the files cannot be read or written; after a failed write, what is on the disk
    is not known, and the caller stops.
    """

    def __init__(self, path: Path, keys: Keys) -> None:
        """Use `Vault.open`."""
        self.path = path
        self._keys = keys
        self._write_lock = threading.Lock()
        self._idle_lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._log_to_empty = True  # killed before step 3?

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> "Vault":
        """Open the vault at `path` and the keys beside it; with `create`, make them when they are missing. An older
        version is brought to this one. Raises CannotRun."""
        version = _version_of(path) if path.exists() else 0
        if not version and not create:
            raise CannotRun(
                f"{path}: aquí no hay ninguna bóveda.",
                f"{path}: there is no vault here.",
                "Recupérela de una copia de respaldo: guarda lo que la gente escribió.",
                "Restore it from a backup: it holds what people wrote.",
            )
        # The keys first: a vault of this version is never without.
        keys = Keys.open(keys_path(path), create=version < SCHEMA_VERSION)
        vault = cls(path, keys)
        try:
            if not version:
                with vault._write() as database:
                    _run(database, _TABLES)
            elif version == 1:
                vault._take_over_1()
            vault._compare_keys()
            vault._empty_log()
        except BaseException:
            vault.close()
            raise
        return vault

    def _take_over_1(self) -> None:
        """Seal what a vault of version 1 has in the open. Killed in here, it is as it was, with unused keys more."""
        with self._write() as database:
            _run(database, _FROM_1 + _TABLES)
            rows = database.execute("SELECT statement, digest, salt, content, kept_ms, idx FROM contents_1")
            while some := rows.fetchmany(_AT_ONCE):
                self._insert(database, some)
            hidden = database.execute("SELECT statement, digest, by_index, by_statement, ground FROM hidden_1")
            self._stand(database, map(_act_of_1, hidden.fetchall()))
            _run(database, _FROM_1_ROWS)
        with self._reading() as database:
            database.execute("VACUUM")  # no page of before is left

    def _compare_keys(self) -> None:
        """Find out whether vault and keys were parted: by a crash between them, or because one is an older copy."""
        with self._write() as database:
            known, wipings = database.execute("SELECT keys, wipings FROM settled").fetchone()
            if (known, wipings) == (self._keys.count, self._keys.wipings):
                return
            if self._keys.count < known:
                raise CannotRun(
                    f"{self._keys.path}: faltan {known - self._keys.count} llaves; esta es una copia antigua.",
                    f"{self._keys.path}: {known - self._keys.count} keys are missing; this is an old copy.",
                    "Recupere `vault.keys` de su copia más nueva: de ese archivo solo vale la última.",
                    "Restore `vault.keys` from its newest copy: of that file only the last one counts.",
                )
            if self._keys.wipings < wipings:  # keys are back that were destroyed: all erasures once more
                used = {row[0] for row in database.execute("SELECT slot FROM contents WHERE slot IS NOT NULL")}
                self._find_strays(database, 0, used)
                database.execute("UPDATE settled SET size = 0")
            self._find_strays(database, known)
            database.execute("UPDATE settled SET keys = ?, wipings = ?", (self._keys.count, self._keys.wipings))

    def _find_strays(self, database: sqlite3.Connection, first: int, used: Container[int] = ()) -> None:
        """Remember the keys from number `first` on that no content here has. Contents have those that are known."""
        unused = (each for each in self._keys.records(first) if not each.wiped and each.slot not in used)
        database.executemany(
            "INSERT INTO strays VALUES (?,?) ON CONFLICT DO NOTHING", ((each.name, each.slot) for each in unused)
        )

    def close(self) -> None:
        """Close every connection."""
        with self._write_lock, self._idle_lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()
            self._keys.close()

    # --- writing

    def keep(self, contents: Iterable[Kept], now_ms: int) -> None:
        """Keep contents of statements about to be registered; durable when this returns. Again is no harm.

        A salted digest fixes salt and content, so the same key never comes with another content.
        """
        rows = {
            key: (*key, each.salt, each.content, now_ms, None)
            for each in contents
            for key in [(bytes.fromhex(each.statement), bytes.fromhex(each.digest))]
        }
        with self._write() as database:
            self._insert(database, [row for key, row in rows.items() if not self._has(database, *key, now_ms)])

    def _has(self, database: sqlite3.Connection, statement: bytes, digest: bytes, now_ms: int) -> bool:
        """Whether there is such a content, erased or not; one that still waits for its statement waits from now."""
        row = database.execute(
            "SELECT slot, idx FROM contents WHERE statement = ? AND digest = ?", (statement, digest)
        ).fetchone()
        if row is None:
            return False
        slot, index = row
        if index is None and self._keys.key(slot, name_of(statement, digest)) is None:
            # Killed while it was being swept.
            database.execute("DELETE FROM contents WHERE statement = ? AND digest = ?", (statement, digest))
            return False
        if index is None:
            database.execute(
                "UPDATE contents SET kept_ms = ? WHERE statement = ? AND digest = ?", (now_ms, statement, digest)
            )
        return True

    def _insert(
        self, database: sqlite3.Connection, rows: Sequence[tuple[bytes, bytes, bytes, bytes, int, int | None]]
    ) -> None:
        """Seal contents, each under a key of its own, which is durable before the transaction is."""
        if not rows:
            return
        names = [name_of(statement, digest) for statement, digest, *_ in rows]
        # Keys that another attempt left behind: no content has them.
        self._find_strays(database, database.execute("SELECT keys FROM settled").fetchone()[0])
        first, keys = self._keys.append(names)
        database.executemany(
            "INSERT INTO contents VALUES (?,?,?,?,?,?)",
            [
                (statement, digest, slot, seal(key, name, salt, content), kept_ms, index)
                for slot, key, name, (statement, digest, salt, content, kept_ms, index) in zip(
                    range(first, first + len(rows)), keys, names, rows, strict=True
                )
            ],
        )
        database.execute("UPDATE settled SET keys = ?", (first + len(rows),))

    def settle(self, registered: Sequence[tuple[int, str]], acts: Sequence[Act], size: int) -> set[int]:
        """Take over what the entries up to `size` decided: (index, identity) of those with contents, and acts.

        Returns the numbers N of the files `contents/<N>` that change by it. Again is no harm.
        """
        with self._write() as database:
            database.executemany(
                "UPDATE contents SET idx = ? WHERE statement = ?",
                [(index, bytes.fromhex(identity)) for index, identity in registered],
            )
            self._stand(database, acts)
            self._erase(database, [act for act in acts if act.effect == "erased"])
            database.execute("UPDATE settled SET size = ? WHERE size < ?", (size, size))
        self._empty_log()
        return {index // BUNDLE for index, _ in registered} | {act.of // BUNDLE for act in acts}

    @staticmethod
    def _stand(database: sqlite3.Connection, acts: Iterable[Act]) -> None:
        """Of each content remember the weightiest act."""
        database.executemany(
            "INSERT INTO acts VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET effect = excluded.effect, "
            "weight = excluded.weight, by_index = excluded.by_index, by_statement = excluded.by_statement, "
            "ground = excluded.ground WHERE excluded.weight > weight",
            [(*_key(act), act.effect, weight_of(act), act.index, bytes.fromhex(act.by), act.ground) for act in acts],
        )

    def _erase(self, database: sqlite3.Connection, acts: Sequence[Act]) -> None:
        """Destroy what these acts erase: the keys at once, the rows with the transaction."""
        slots: list[int] = []
        for act in acts:
            key = _key(act)
            slots += [
                row[0]
                for row in database.execute(
                    "SELECT slot FROM contents WHERE statement = ? AND digest = ? AND slot IS NOT NULL "
                    "UNION ALL SELECT slot FROM strays WHERE name = ?",
                    (*key, name_of(*key)),
                )
            ]
            # The place stays, so that the marker has its line and the same submission finds that it was here.
            database.execute(
                "INSERT INTO contents VALUES (?,?,NULL,NULL,0,?) "
                "ON CONFLICT DO UPDATE SET slot = NULL, sealed = NULL, idx = excluded.idx",
                (*key, act.of),
            )
            database.execute("DELETE FROM strays WHERE name = ?", (name_of(*key),))
        self._wipe(database, slots)

    def _wipe(self, database: sqlite3.Connection, slots: Sequence[int]) -> None:
        if slots:
            self._keys.wipe(slots)
            database.execute("UPDATE settled SET wipings = ?", (self._keys.wipings,))
            self._log_to_empty = True

    def sweep(self, before_ms: int) -> int:
        """Forget contents kept before this time whose statement was never registered; returns how many."""
        with self._write() as database:
            rows = database.execute(
                "SELECT slot FROM contents WHERE idx IS NULL AND kept_ms < ?", (before_ms,)
            ).fetchall()
            self._wipe(database, [row[0] for row in rows])
            database.execute("DELETE FROM contents WHERE idx IS NULL AND kept_ms < ?", (before_ms,))
        self._empty_log()
        return len(rows)

    def _empty_log(self) -> None:
        """Once something was destroyed: empty the log of writes. Another program that reads just now (a backup) can
        keep it from being emptied; then it is with the next write. What is in it is sealed under a key that is gone."""
        if self._log_to_empty:
            with self._write_lock, self._reading() as database:
                database.execute("PRAGMA busy_timeout = 100")
                self._log_to_empty = bool(database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
                database.execute("PRAGMA busy_timeout = 10000")

    # --- reading

    @property
    def settled(self) -> int:
        """How many entries have left their marks here."""
        with self._reading() as database:
            return database.execute("SELECT size FROM settled").fetchone()[0]

    def held(self, statement: str, digest: str) -> Held | None:
        """The content of a registered statement, hidden or not; None when the vault has none."""
        with self._reading() as database:
            row = database.execute(
                _HELD + "WHERE c.statement = ? AND c.digest = ? AND c.idx IS NOT NULL",
                (bytes.fromhex(statement), bytes.fromhex(digest)),
            ).fetchone()
        return self._held(row) if row else None

    def digests(self, statement: str) -> list[str]:
        """The salted digests under which the vault has contents of this statement, registered or not."""
        with self._reading() as database:
            rows = database.execute(
                "SELECT digest FROM contents WHERE statement = ? ORDER BY digest", (bytes.fromhex(statement),)
            ).fetchall()
        return [row[0].hex() for row in rows]

    def between(self, start: int, stop: int) -> Iterator[Held]:
        """What the vault holds of the entries from `start` up to, not including, `stop`: by index, then digest."""
        with self._reading() as database:
            rows = database.execute(
                _HELD + "WHERE c.idx >= ? AND c.idx < ? ORDER BY c.idx, c.digest", (start, stop)
            ).fetchall()
        for row in rows:
            if held := self._held(row):
                yield held

    def acted_on_since(self, size: int) -> list[int]:
        """The indexes of the statements on whose contents entries from `size` on have acted, in whatever way."""
        with self._reading() as database:
            rows = database.execute(
                "SELECT c.idx FROM acts a JOIN contents c ON c.statement = a.statement AND c.digest = a.digest "
                "WHERE a.by_index >= ? AND c.idx IS NOT NULL",
                (size,),
            ).fetchall()
        return [row[0] for row in rows]

    def bundles(self, stop: int) -> list[int]:
        """The numbers N of the files `contents/<N>` that entries below `stop` have."""
        with self._reading() as database:
            rows = database.execute(
                f"SELECT DISTINCT idx / {BUNDLE} FROM contents WHERE idx IS NOT NULL AND idx < ? ORDER BY 1", (stop,)
            ).fetchall()
        return [row[0] for row in rows]

    def acts(self) -> Iterator[Act]:
        """The acts by which contents of registered statements are out of view."""
        with self._reading() as database:
            rows = database.execute(
                "SELECT c.statement, c.digest, c.idx, a.effect, a.by_index, a.by_statement, a.ground "
                "FROM acts a JOIN contents c ON c.statement = a.statement AND c.digest = a.digest "
                "WHERE c.idx IS NOT NULL ORDER BY c.idx, c.digest"
            ).fetchall()
        yield from filter(None, map(_act, rows))

    def _held(self, row: _Row) -> Held | None:
        """What a row holds; None while its key is gone and the row is not emptied yet."""
        statement, digest, slot, sealed, index, effect, by_index, by, ground = row
        hidden = _act((statement, digest, index, effect, by_index, by, ground))
        if sealed is None or slot is None:
            return Held(index, digest.hex(), b"", b"", hidden)
        name = name_of(statement, digest)
        key = self._keys.key(slot, name)
        return None if key is None else Held(index, digest.hex(), *unseal(key, name, sealed), hidden)

    # --- connections

    @contextmanager
    def _write(self) -> Generator[sqlite3.Connection]:
        with self._write_lock, self._reading() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        """A connection for one use. The web server's threads come and go, so connections do not belong to threads."""
        try:
            with self._idle_lock:
                if self._closed:
                    raise CannotRun(f"{self.path}: la bóveda está cerrada.", f"{self.path}: the vault is closed.")
                database = self._idle.pop() if self._idle else None
            database = database or self._connect()
            try:
                yield database
            finally:
                with self._idle_lock:
                    if self._closed:
                        database.close()
                    else:
                        self._idle.append(database)
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=10.0, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA synchronous=FULL")
            database.execute("PRAGMA secure_delete=ON")
            database.execute("PRAGMA trusted_schema=OFF")
            mode = database.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            synchronous = database.execute("PRAGMA synchronous").fetchone()[0]
        except sqlite3.Error:
            database.close()
            raise
        if (mode, synchronous) != ("wal", FULL):
            database.close()
            raise CannotRun(
                f"{self.path}: SQLite contesta journal_mode, synchronous = {mode}, {synchronous}.",
                f"{self.path}: SQLite answers journal_mode, synchronous = {mode}, {synchronous}.",
                "La bóveda necesita un disco local.",
                "The vault needs a local disk.",
            )
        return database


def keys_path(vault: Path) -> Path:
    """Where the keys of a vault lie."""
    return vault.with_suffix(".keys")


def _version_of(path: Path) -> int:
    """The version of the vault at `path`, 0 where there is nothing yet: perhaps somebody was killed who made it.

    Raises CannotRun for what is no vault, or of a newer version.
    """
    try:
        database = sqlite3.connect(path)
        try:
            mark = database.execute("PRAGMA application_id").fetchone()[0]
            version = database.execute("PRAGMA user_version").fetchone()[0]
            empty = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        finally:
            database.close()
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    if not mark and empty:
        return 0
    if mark != APPLICATION_ID:
        raise CannotRun(
            f"{path}: esta no es la bóveda de un registro.",
            f"{path}: this is not the vault of a ledger.",
            "Dé la carpeta que hizo `init`.",
            "Name the folder that `init` made.",
        )
    if version > SCHEMA_VERSION:
        raise CannotRun(
            f"{path} es de una versión más reciente.",
            f"{path}: written by a newer version.",
            "Instale la versión más reciente de `constancia`.",
            "Install the newer version of `constancia`.",
        )
    return version


def _unusable(path: Path, error: sqlite3.Error) -> CannotRun:
    return CannotRun(
        f"No se puede usar la bóveda {path}: {error}.",
        f"{path}: the vault cannot be used: {error}.",
        "Revise el disco y quién puede escribir ahí.",
        "Look at the disk and at who may write there.",
    )


def _run(database: sqlite3.Connection, commands: str) -> None:
    """Run several commands within the transaction that is open (`executescript` would commit it)."""
    for command in commands.split(";\n"):
        database.execute(command)


def _act_of_1(row: tuple[bytes, bytes, int, bytes, str | None]) -> Act:
    """What a vault of version 1 knew of an act. Whose content it was is not needed again."""
    statement, digest, index, by, ground = row
    effect: Effect = "withdrawn" if ground is None else "withheld"
    return Act(statement.hex(), digest.hex(), -1, effect, index, by.hex(), ground)


def _key(act: Act) -> tuple[bytes, bytes]:
    return bytes.fromhex(act.statement), bytes.fromhex(act.digest)


def _act(row: _ActRow) -> Act | None:
    """The act of a row, if it takes from view."""
    statement, digest, index, effect, by_index, by, ground = row
    if effect is None or by_index is None or by is None or effect == "restored":
        return None
    return Act(statement.hex(), digest.hex(), index, effect, by_index, by.hex(), ground)

"""The vault: contents and salts, by the identity of the statement that brought them and their salted digest.

One SQLite file beside the journal. What is here may have to disappear, so nothing of it is ever in the tree:

    contents(statement, digest, salt, content, kept_ms, idx)     idx = the statement's index, once it is registered
    hidden(statement, digest, by_index, by_statement, ground)    taken from view by the statement at `by_index`
    settled(size)                                                entries 0 to size-1 have left their marks here

The vault commits before the journal does (no published digest may lack its content), so after a crash there may be
contents of statements that never got into the journal. They have no index, are shown nowhere, and are swept after a
day; a retry of the same submission finds them and keeps them. What the journal has decided comes back by `settle`,
which takes the registered statements in order and may be given the same ones again.

A withheld content stays here, sealed, for an appeal; it only is no longer public. Deleted rows are overwritten
(`secure_delete`).
"""

import sqlite3
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from consultation.text import BUNDLE
from ledger.errors import CannotRun

APPLICATION_ID = 0x436F_5661  # "CoVa"
SCHEMA_VERSION = 1
FULL = 2  # what `PRAGMA synchronous` answers


class Kept(msgspec.Struct, frozen=True):
    """A content to keep: whose, under which salted digest (both 64 hex), its salt (32 bytes) and canonical JSON."""

    statement: str
    digest: str
    salt: bytes
    content: bytes


class Hiding(msgspec.Struct, frozen=True):
    """A content taken from view: by the statement at `by_index` with the identity `by_statement`, on a ground.

    Without a ground its author withdrew it.
    """

    statement: str
    digest: str
    by_index: int
    by_statement: str
    ground: str | None


class Held(msgspec.Struct, frozen=True):
    """What the vault holds of a registered statement: the content, and whether and by whom it is hidden."""

    index: int
    digest: str
    salt: bytes
    content: bytes
    hidden: Hiding | None


_TABLES = f"""
CREATE TABLE contents (
    statement BLOB NOT NULL,
    digest BLOB NOT NULL,
    salt BLOB NOT NULL,
    content BLOB NOT NULL,
    kept_ms INTEGER NOT NULL,
    idx INTEGER,
    PRIMARY KEY (statement, digest)
) WITHOUT ROWID;
CREATE INDEX contents_by_index ON contents (idx, digest) WHERE idx IS NOT NULL;
CREATE INDEX contents_waiting ON contents (kept_ms) WHERE idx IS NULL;
CREATE TABLE hidden (
    statement BLOB NOT NULL,
    digest BLOB NOT NULL,
    by_index INTEGER NOT NULL,
    by_statement BLOB NOT NULL,
    ground TEXT,
    PRIMARY KEY (statement, digest)
) WITHOUT ROWID;
CREATE TABLE settled (only INTEGER PRIMARY KEY CHECK (only = 1), size INTEGER NOT NULL);
INSERT INTO settled VALUES (1, 0);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""

_HELD = (
    "SELECT c.idx, c.digest, c.salt, c.content, c.statement, h.by_index, h.by_statement, h.ground "
    "FROM contents c LEFT JOIN hidden h ON h.statement = c.statement AND h.digest = c.digest "
)


class Vault:
    """Contents by statement and salted digest. Any thread may call; writes take turns.

    Every method raises CannotRun when the file cannot be read or written; after a failed write, what is on the disk
    is not known, and the caller stops.
    """

    def __init__(self, path: Path) -> None:
        """Use `Vault.open`."""
        self.path = path
        self._write_lock = threading.Lock()
        self._idle_lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> "Vault":
        """Open the vault at `path`; with `create`, make it when it is missing. Raises CannotRun."""
        fresh = not path.exists() or path.stat().st_size == 0
        if fresh and not create:
            raise CannotRun(
                f"{path}: aquí no hay ninguna bóveda.",
                f"{path}: there is no vault here.",
                "Recupérela de una copia de respaldo: guarda lo que la gente escribió.",
                "Restore it from a backup: it holds what people wrote.",
            )
        vault = cls(path)
        try:
            if fresh:
                with vault._write() as database:
                    for command in _TABLES.split(";\n"):
                        database.execute(command)
            with vault._reading() as database:
                mark = database.execute("PRAGMA application_id").fetchone()[0]
                version = database.execute("PRAGMA user_version").fetchone()[0]
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
        except BaseException:
            vault.close()
            raise
        return vault

    def close(self) -> None:
        """Close every connection."""
        with self._write_lock, self._idle_lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()

    # --- writing

    def keep(self, contents: Iterable[Kept], now_ms: int) -> None:
        """Keep contents of statements about to be registered; durable when this returns. Again is no harm.

        A salted digest fixes salt and content, so the same key never comes with another content.
        """
        with self._write() as database:
            database.executemany(
                "INSERT INTO contents (statement, digest, salt, content, kept_ms) VALUES (?,?,?,?,?) "
                "ON CONFLICT DO NOTHING",
                [(bytes.fromhex(k.statement), bytes.fromhex(k.digest), k.salt, k.content, now_ms) for k in contents],
            )

    def settle(self, registered: Sequence[tuple[int, str]], hidings: Sequence[Hiding], size: int) -> set[int]:
        """Take over what the entries up to `size` decided: (index, identity) of those with contents, and hidings.

        Returns the numbers N of the files `contents/<N>` that change by it. Again is no harm. What was hidden first
        stays hidden by that statement.
        """
        touched = {index // BUNDLE for index, _ in registered}
        with self._write() as database:
            database.executemany(
                "UPDATE contents SET idx = ? WHERE statement = ?",
                [(index, bytes.fromhex(identity)) for index, identity in registered],
            )
            for hiding in hidings:
                key = (bytes.fromhex(hiding.statement), bytes.fromhex(hiding.digest))
                database.execute(
                    "INSERT INTO hidden VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING",
                    (*key, hiding.by_index, bytes.fromhex(hiding.by_statement), hiding.ground),
                )
                found = database.execute("SELECT idx FROM contents WHERE statement = ? AND digest = ?", key).fetchone()
                if found and found[0] is not None:
                    touched.add(found[0] // BUNDLE)
            database.execute("UPDATE settled SET size = ? WHERE size < ?", (size, size))
        return touched

    def sweep(self, before_ms: int) -> int:
        """Forget contents kept before this time whose statement was never registered; returns how many."""
        with self._write() as database:
            return database.execute("DELETE FROM contents WHERE idx IS NULL AND kept_ms < ?", (before_ms,)).rowcount

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
        return _held(row) if row else None

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
            yield _held(row)

    def bundles(self, stop: int) -> list[int]:
        """The numbers N of the files `contents/<N>` that entries below `stop` have."""
        with self._reading() as database:
            rows = database.execute(
                f"SELECT DISTINCT idx / {BUNDLE} FROM contents WHERE idx IS NOT NULL AND idx < ? ORDER BY 1", (stop,)
            ).fetchall()
        return [row[0] for row in rows]

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
            raise CannotRun(
                f"No se puede usar la bóveda {self.path}: {error}.",
                f"{self.path}: the vault cannot be used: {error}.",
                "Revise el disco y quién puede escribir ahí.",
                "Look at the disk and at who may write there.",
            ) from error

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


def _held(row: tuple[int, bytes, bytes, bytes, bytes, int | None, bytes | None, str | None]) -> Held:
    index, digest, salt, content, statement, by_index, by_statement, ground = row
    hiding = (
        None
        if by_index is None or by_statement is None
        else Hiding(statement.hex(), digest.hex(), by_index, by_statement.hex(), ground)
    )
    return Held(index, digest.hex(), salt, content, hiding)

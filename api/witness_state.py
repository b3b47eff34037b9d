"""What a witness must never forget: for each log the largest tree that it cosigned, and what spoke against a log.

    witness.db              SQLite: whose state this is, the latest head of each log, evidence
    seen/<hash>             for each log its latest cosigned checkpoint, once more, outside the database;
                            <hash> is the SHA-256 of the log's origin, in hexadecimal

A witness that goes back lets a log show two histories, so a head moves in this order (`State.advance`):

    1  lock; BEGIN IMMEDIATE; read the latest head           nobody else judges or writes meanwhile
    2  check_growth against it, choose the time, cosign      killed here: nothing happened
    3  write the head, COMMIT (WAL, synchronous FULL)        durable; killed here: `seen/` is healed at the start
    4  seen/<hash>: temporary file, sync, rename, sync       outside the database: a restored backup is found out
    5  answer                                                killed before: the log asks again, is told 409

After an error in 3 or 4 nobody knows what the disk kept: `stopped` is set, nothing is cosigned any more, and the
process has to end. The next start reads what is there. It refuses a database that is behind `seen/`, that holds another
witness's state, or a head that this witness did not cosign. Triggers let no head go back and no evidence be changed.

Evidence is a checkpoint that its log signed and that was not cosigned:

    fork         of the size of the latest head, with another root: with that head it proves two histories
    unproven     larger, with a proof that does not lead there: a suspicion, for anybody can send a wrong proof

It is bounded (MOST_EVIDENCE of a kind and log), each checkpoint is kept once, and with it the head that it was held
against. Only lines that verified are kept, never what strangers write below them.

Nothing here reads a clock: times are POSIX seconds and come in. One process has one witness (a lock on the folder).
"""

import fcntl
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from ledger.errors import CannotRun, reason
from ledger.tlog.checkpoint import SignedCheckpoint, parse_checkpoint
from ledger.tlog.cosignature import verify_cosignature
from ledger.tlog.errors import Declined, Malformed, Unverified
from ledger.tlog.note import Note, SignatureLine, Verifier, format_note, format_vkey, known_lines
from ledger.tlog.witness import NEVER, AddCheckpoint, Latest, check_growth, format_add_checkpoint

DATABASE = "witness.db"
SEEN = "seen"

APPLICATION_ID = 0x5769_746E  # "Witn": tells this state from any other SQLite file
SCHEMA_VERSION = 1
FULL = 2  # what `PRAGMA synchronous` answers

MOST_EVIDENCE = 32

# How long another program (a backup, a shell) may hold the database before a log is told "not now".
BUSY_SECONDS = 5

# A clock that goes back by less repeats the last time given; one that goes back further is wrong, now or before.
CLOCK_TOLERANCE = 60

_HASH = re.compile("[0-9a-f]{64}")
_UNFINISHED = ".new-"

_SCHEMA = (
    "CREATE TABLE witness (vkey TEXT NOT NULL, made INTEGER NOT NULL)",
    """CREATE TABLE latest (
        origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, note BLOB NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE evidence (
        number INTEGER PRIMARY KEY, kind TEXT NOT NULL, origin TEXT NOT NULL, size INTEGER NOT NULL,
        root BLOB NOT NULL, time INTEGER NOT NULL, request BLOB NOT NULL, latest BLOB NOT NULL,
        UNIQUE (kind, origin, size, root)
    )""",
    # INSERT OR REPLACE would remove a row without asking the other triggers; what is in the way is found first.
    """CREATE TRIGGER latest_new BEFORE INSERT ON latest WHEN EXISTS (SELECT 1 FROM latest WHERE origin = NEW.origin)
        BEGIN SELECT RAISE(ABORT, 'a witness never goes back: this log has a head'); END""",
    """CREATE TRIGGER latest_grows BEFORE UPDATE ON latest
        WHEN NEW.origin != OLD.origin OR NEW.size < OLD.size OR NEW.time < OLD.time
            OR (NEW.size = OLD.size AND NEW.root != OLD.root)
        BEGIN SELECT RAISE(ABORT, 'a witness never goes back'); END""",
    "CREATE TRIGGER latest_stays BEFORE DELETE ON latest BEGIN SELECT RAISE(ABORT, 'a witness never goes back'); END",
    """CREATE TRIGGER evidence_new BEFORE INSERT ON evidence
        WHEN EXISTS (SELECT 1 FROM evidence WHERE number = NEW.number
            OR (kind, origin, size, root) = (NEW.kind, NEW.origin, NEW.size, NEW.root))
        BEGIN SELECT RAISE(ABORT, 'evidence is kept as it came'); END""",
    "CREATE TRIGGER evidence_fixed BEFORE UPDATE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is kept'); END",
    "CREATE TRIGGER evidence_stays BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is kept'); END",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


class Head(NamedTuple):
    """The latest checkpoint of a log that this witness cosigned, when, and as it is shown to everybody."""

    origin: str
    size: int
    root: bytes
    time: int
    note: bytes


class Evidence(NamedTuple):
    """A checkpoint that its log signed and that was not cosigned.

    `request` holds it with the proof that came with it; `latest` is the head that it was held against, empty where
    there was none. `time` is when it came.
    """

    number: int
    kind: Literal["fork", "unproven"]
    origin: str
    size: int
    root: bytes
    time: int
    request: bytes
    latest: bytes


Cosign = Callable[[bytes, int], SignatureLine]
"""Cosigns the text of a checkpoint at a time."""


class State:
    """The state of one witness. Any thread may call; one at a time writes."""

    def __init__(self, place: Path, witness: Verifier, connection: sqlite3.Connection, lock: int) -> None:
        """Use `State.open`."""
        self.place = place
        self.witness = witness
        self.stopped: CannotRun | None = None
        """Why nothing is cosigned any more, if that is so."""
        self.on_stopped: Callable[[], None] = lambda: None
        self.on_evidence: Callable[[Evidence], None] = lambda _: None
        self._connection = connection
        self._lock = lock
        self._turn = threading.Lock()
        self._made = 0
        self._heads: dict[str, Head] = {}
        self._evidence: list[Evidence] = []

    # --- opening

    @classmethod
    def create(cls, place: Path, witness: Verifier, now: int) -> None:
        """Make the empty state of a new witness in a folder that has none. Raises CannotRun."""
        path = place / DATABASE
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
            (place / SEEN).mkdir()
            connection = _connect(path)
            try:
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    connection.execute(statement)
                connection.execute("INSERT INTO witness VALUES (?,?)", (_vkey(witness), now))
                connection.execute("COMMIT")
            finally:
                connection.close()
            _sync_folder(place)
        except (OSError, sqlite3.Error) as error:
            raise _failed(path, error) from error

    @classmethod
    def open(cls, place: Path, witness: Verifier, *, writer: bool = True) -> "State":
        """Open the state in a folder; a writer takes the lock and heals `seen/`.

        Raises CannotRun: no state is there, another process has it, it is another witness's, damaged, or went back.
        """
        path = place / DATABASE
        if not path.is_file():
            raise _no_state(path)
        lock = _take_lock(place) if writer else -1
        try:
            connection = _connect(path) if writer else _look(path)
            state = cls(place, witness, connection, lock)
            try:
                # Whoever only looks has no lock: what was seen is read first, and the database is never behind that.
                files = _read_seen(place)
                state._load(path)
                state._compare_with_seen(files)
                if writer:
                    state._heal(files)
            except BaseException:
                connection.close()
                raise
        except (OSError, sqlite3.Error) as error:
            _release(lock)
            raise _failed(path, error) from error
        except BaseException:
            _release(lock)
            raise
        return state

    def close(self) -> None:
        """Close the database and let another process have it."""
        with self._turn:
            self._connection.close()
            _release(self._lock)

    def _load(self, path: Path) -> None:
        """Read everything, and ask whether it can be ours. Raises CannotRun, sqlite3.Error."""
        ask = self._connection.execute
        marks = (ask("PRAGMA application_id").fetchone()[0], ask("PRAGMA user_version").fetchone()[0])
        if marks != (APPLICATION_ID, SCHEMA_VERSION) or ask("PRAGMA quick_check").fetchone()[0] != "ok":
            raise _damaged(path, f"application_id, user_version = {marks}")
        rows = ask("SELECT vkey, made FROM witness").fetchall()
        if len(rows) != 1:
            raise _damaged(path, f"{len(rows)} × witness")
        vkey, self._made = rows[0]
        if vkey != _vkey(self.witness):
            raise CannotRun(
                f"{path} es el estado de otro testigo: {vkey}.",
                f"{path} is the state of another witness: {vkey}.",
                "Una llave nueva empieza en una carpeta nueva: constancia witness init",
                "A new key begins in a new folder: constancia witness init",
            )
        for row in ask("SELECT origin, size, root, time, note FROM latest"):
            head = Head(*row)
            if self._head_of(head.note) != head:
                raise _damaged(path, f"{head.origin}, {head.size}")
            self._heads[head.origin] = head
        columns = "number, kind, origin, size, root, time, request, latest"
        self._evidence = [Evidence(*row) for row in ask(f"SELECT {columns} FROM evidence ORDER BY number")]

    def _head_of(self, note: bytes) -> Head | None:
        """The head that a cosigned checkpoint shows, or None where this witness did not cosign it."""
        try:
            signed = parse_checkpoint(note)
            times = [
                verify_cosignature(self.witness, signed.note.text, line)
                for _, line in known_lines(signed.note, [self.witness])
            ]
        except (Malformed, Unverified):
            return None
        return Head(*signed.checkpoint, max(times), note) if times else None

    def _compare_with_seen(self, files: Mapping[Path, bytes]) -> None:
        """Refuse a database that is behind what was answered. Raises CannotRun."""
        for path, note in files.items():
            head = self._head_of(note)
            if head is None or path.name != _hash(head.origin):
                raise _damaged(path, head.origin if head else "")
            kept = self._heads.get(head.origin)
            if kept is None or kept.size < head.size or (kept.size == head.size and kept.root != head.root):
                raise _went_back(self.place / DATABASE, path, head, kept)

    def _heal(self, files: Mapping[Path, bytes]) -> None:
        """Write what a crash kept out of `seen/`, and take away what it left unfinished there."""
        folder = self.place / SEEN
        folder.mkdir(exist_ok=True)
        for unfinished in folder.glob(f"{_UNFINISHED}*"):
            unfinished.unlink()
        for head in self._heads.values():
            if files.get(folder / _hash(head.origin)) != head.note:
                self._write_seen(head)

    # --- reading

    @property
    def heads(self) -> Mapping[str, Head]:
        """The latest head of each log, by origin. What is in it was durable before it was put there."""
        return self._heads

    @property
    def evidence(self) -> Sequence[Evidence]:
        """All evidence, in the order in which it came."""
        return self._evidence

    # --- writing

    def advance(self, request: AddCheckpoint, signed: SignedCheckpoint, now: int, cosign: Cosign) -> SignatureLine:
        """Cosign a checkpoint that its log signed, and keep it as the latest; durable when this returns.

        `signed` is what `open_request` gave. Raises Declined: 409, 422, and 503 while another program holds the
        database or when the clock went back, where nothing was written. Raises CannotRun when the state could not be
        written, then and ever after.
        """
        with self._turn:
            if self.stopped:
                raise self.stopped
            try:
                return self._advance(request, signed, now, cosign)
            except (OSError, sqlite3.Error) as error:
                self.stopped = _failed(self.place / DATABASE, error)
                self.on_stopped()
                raise self.stopped from error
            finally:
                # After a commit there is nothing to roll back; after anything else all of it is.
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")

    def _advance(self, request: AddCheckpoint, signed: SignedCheckpoint, now: int, cosign: Cosign) -> SignatureLine:
        checkpoint = signed.checkpoint
        self._begin()
        kept = self._latest(checkpoint.origin)
        try:
            check_growth(request, checkpoint, Latest(kept.size, kept.root) if kept else NEVER)
        except Declined as declined:
            self._keep_evidence(request, signed, kept, now, declined.status)
            raise
        time = self._time(now)
        if kept and (kept.size, kept.root, kept.time) == (checkpoint.size, checkpoint.root, time):
            # Asked again in the same second: it is durable already, so nobody makes us write as often as they like.
            return known_lines(parse_checkpoint(kept.note).note, [self.witness])[-1][1]
        line = cosign(signed.note.text, time)
        note = format_note(Note(signed.note.text, (*signed.note.lines, line)))
        head = Head(*checkpoint, time, note)
        self._execute(
            "INSERT INTO latest VALUES (:origin, :size, :root, :time, :note)"
            if kept is None
            else "UPDATE latest SET size = :size, root = :root, time = :time, note = :note WHERE origin = :origin",
            head._asdict(),
        )
        self._execute("COMMIT")
        self._write_seen(head)
        self._heads = {**self._heads, head.origin: head}
        return line

    def _begin(self) -> None:
        """Take the write lock of the database. Raises Declined (503) while another program has it."""
        try:
            self._execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raise Declined(503, "busy", "another program holds the state of the witness") from error

    def _execute(self, statement: str, values: Mapping[str, object] | Sequence[object] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    def _latest(self, origin: str) -> Head | None:
        row = self._execute("SELECT origin, size, root, time, note FROM latest WHERE origin = ?", (origin,)).fetchone()
        return Head(*row) if row else None

    def _time(self, now: int) -> int:
        """The time to be given: never before one given already, and never by a clock that is plainly wrong."""
        last: int = self._execute("SELECT ifnull(max(time), 0) FROM latest").fetchone()[0]
        floor = max(last, self._made, 1)
        if now < floor - CLOCK_TOLERANCE:
            raise Declined(503, "clock", f"the clock of the witness says {now}, and it has said {floor} before")
        return max(now, floor)

    def _keep_evidence(
        self, request: AddCheckpoint, signed: SignedCheckpoint, kept: Head | None, now: int, status: int
    ) -> None:
        """Keep what was declined, if it speaks against the log. A 409 alone does not; another root at one size does."""
        checkpoint = signed.checkpoint
        forked = kept is not None and kept.size == checkpoint.size and kept.root != checkpoint.root
        if not forked and status != 422:
            return
        kind = "fork" if forked else "unproven"
        same = [each for each in self._evidence if (each.kind, each.origin) == (kind, checkpoint.origin)]
        if len(same) >= MOST_EVIDENCE or (checkpoint.size, checkpoint.root) in {
            (each.size, each.root) for each in same
        }:
            return
        sent = format_add_checkpoint(request._replace(checkpoint=format_note(signed.note)))
        number = len(self._evidence) + 1
        found = Evidence(number, kind, *checkpoint, now, sent, kept.note if kept else b"")
        self._execute(f"INSERT INTO evidence VALUES ({','.join('?' * len(found))})", found)
        self._execute("COMMIT")
        self._evidence = [*self._evidence, found]
        self.on_evidence(found)

    def _write_seen(self, head: Head) -> None:
        """Step 4: the head outside the database, whole before or whole after, durable when this returns."""
        folder = self.place / SEEN
        temporary = folder / f"{_UNFINISHED}{_hash(head.origin)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            rest = memoryview(head.note)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, folder / _hash(head.origin))
        _sync_folder(folder)


# --- the files -------------------------------------------------------------------------------------------------------


def _read_seen(place: Path) -> dict[Path, bytes]:
    """The files of `seen/`, by path; nothing of them is believed yet."""
    folder = place / SEEN
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path: path.read_bytes() for path in found if _HASH.fullmatch(path.name)}


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that writes ahead and waits for the disk, or none. Transactions are begun by hand."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    found = (connection.execute("PRAGMA journal_mode=WAL").fetchone()[0],)
    connection.execute("PRAGMA synchronous=FULL")
    found += (connection.execute("PRAGMA synchronous").fetchone()[0],)
    if found != ("wal", FULL):
        connection.close()
        raise CannotRun(
            f"{path}: SQLite contesta journal_mode, synchronous = {found}, no ('wal', {FULL}).",
            f"{path}: SQLite answers journal_mode, synchronous = {found}, not ('wal', {FULL}).",
            "El estado de un testigo necesita un disco local: las carpetas de red no pueden con esto.",
            "The state of a witness needs a local disk: network folders cannot do this.",
        )
    return connection


def _look(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _take_lock(place: Path) -> int:
    """Take the lock on the folder, which the kernel lets go when the process ends. Raises CannotRun, OSError."""
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise CannotRun(
            f"{place}: otro proceso ya es este testigo.",
            f"{place}: another process is this witness already.",
            "Un testigo es un solo proceso: detenga el otro (systemctl stop constancia-witness).",
            "A witness is one process: stop the other one (systemctl stop constancia-witness).",
        ) from None
    return descriptor


def _release(lock: int) -> None:
    if lock >= 0:
        with suppress(OSError):
            os.close(lock)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hash(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()


def _vkey(witness: Verifier) -> str:
    return format_vkey(witness.name, witness.type_byte, witness.public_key)


# --- what cannot be ---------------------------------------------------------------------------------------------------

_NEW_ES = "retire esta llave y empiece con otra y otro nombre: constancia witness init (vea deploy/TESTIGO.md)."
_NEW_EN = (
    "retire this key and begin with another one and another name: constancia witness init (see deploy/WITNESS.md)."
)


def _went_back(database: Path, path: Path, seen: Head, kept: Head | None) -> CannotRun:
    size = kept.size if kept else 0
    return CannotRun(
        f"El estado de este testigo retrocedió: de {seen.origin} ya cofirmó {seen.size} asientos ({path}), y "
        f"{database} conoce {size}. Así está una copia de respaldo antigua; con ella cofirmaría dos historias.",
        f"The state of this witness went back: of {seen.origin} it has cosigned {seen.size} entries ({path}), and "
        f"{database} knows {size}. So does an old backup; with it two histories would be cosigned.",
        f"Ponga de vuelta la base de datos más nueva; si se perdió, {_NEW_ES}",
        f"Put the newest database back; if it is lost, {_NEW_EN}",
    )


def _no_state(path: Path) -> CannotRun:
    return CannotRun(
        f"{path}: aquí no hay el estado de ningún testigo.",
        f"{path}: there is no state of a witness here.",
        f"Si es un testigo nuevo: constancia witness init. Si el estado se perdió, {_NEW_ES}",
        f"If it is a new witness: constancia witness init. If the state is lost, {_NEW_EN}",
    )


def _damaged(path: Path, what: str) -> CannotRun:
    return CannotRun(
        f"{path} no es lo que este testigo escribió ({what}).",
        f"{path} is not what this witness wrote ({what}).",
        f"Revise el disco. Si el estado se perdió, {_NEW_ES}",
        f"Look at the disk. If the state is lost, {_NEW_EN}",
    )


def _failed(path: Path, error: OSError | sqlite3.Error) -> CannotRun:
    why_es, why_en = reason(error) if isinstance(error, OSError) else (str(error), str(error))
    return CannotRun(
        f"No se puede leer o escribir el estado del testigo, {path}: {why_es}.",
        f"The state of the witness, {path}, cannot be read or written: {why_en}.",
        "Revise el disco y quién puede escribir ahí, e inicie de nuevo: entonces se lee lo que quedó guardado.",
        "Look at the disk and at who may write there, and start again: it then reads what was kept.",
    )

"""How much one client may send: counts that hold no address, and the proof of work that goes beyond them.

Only what citizens sign is counted, and the form that the server signs for them; officials, assessors and programs have
keys that the roster knows. For each client (an IPv4 address, a /64 of IPv6) and each round:

    free        `free_statements` at once, and `free_statements_per_hour` more as time goes by. Nothing is asked.
    with work   beyond that each statement brings the answer to a challenge (api.work); at most
                `worked_statements_per_hour`, and each fifth of that doubles the work.
    no more     beyond that, later.

For the whole ledger `ledger_statements_per_minute`: as long as more is coming, everybody is asked for work, at the
level of their own client. Nobody is turned away for what others send.

Large bodies that were refused are counted too, whoever signed them: it takes long to say what is wrong with one. Where
there were many, the next large one is asked for work. And so are challenges, because making one costs us a trial.

A client is counted under a keyed digest (BLAKE2b, 16 bytes) of its network and the round. The key is drawn anew each
UTC day and the old one is overwritten, with all the counts under it: after that nobody, we included, can tell whose
they were. So a day begins with full allowances.

    limits.db   secrets   today's key, and the one that signs challenges
                spent     digest -> how much was spent, and when that was so
                used      a challenge that was answered -> the statement that it was used for, until it expires

Decisions are made in memory, under one lock, in microseconds; a thread writes behind, once a second. What a crash takes
is the last second. The file can be deleted at any time; then counting begins anew.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from math import ceil
from pathlib import Path
from secrets import token_bytes
from typing import Any, Self

import msgspec

from api.clients import network_of
from api.problems import Problem
from api.work import MAX_LEVEL, Answered, NoAnswer, Work
from ledger.errors import CannotRun

_logger = logging.getLogger("constancia.server")

FLUSH_SECONDS = 1.0

# Clients that are counted at one time. Beyond it the one that was longest quiet is forgotten.
MOST_COUNTED = 200_000

# How many large bodies of a client may be refused before it is asked for work, and how many challenges it may take.
REFUSED_BURST, REFUSED_PER_SECOND = 60, 1.0
CHALLENGES_BURST, CHALLENGES_PER_SECOND = 60, 1.0

# Places beside the rounds; no round has such a name.
OTHER = " other"
REFUSED = " refused"
_WORKED = "with work "
_CHALLENGES = " challenges"

_DAY = 86_400.0


class Rate(msgspec.Struct, frozen=True):
    """A token bucket: so much at once, and so much more each second."""

    burst: float
    per_second: float


class Rates(msgspec.Struct, frozen=True):
    """The allowances, as settings have them."""

    free_statements: int = 20
    free_statements_per_hour: int = 20
    worked_statements_per_hour: int = 600
    ledger_statements_per_minute: int = 600
    work_iterations: int = 1_000


class Spent:
    """Token buckets by key. Pure: the time comes in, and what is kept is how much was spent and when that was so."""

    def __init__(self, most: int = MOST_COUNTED) -> None:
        """`most` buckets are kept; then the one that was longest not touched is forgotten, that is, full again."""
        self._most = most
        self.kept: dict[bytes, tuple[float, float]] = {}

    def spent(self, key: bytes, rate: Rate, now: float) -> float:
        """How much of its burst is spent now. A clock that goes back refills nothing."""
        spent, at = self.kept.get(key, (0.0, now))
        return max(0.0, spent - max(0.0, now - at) * rate.per_second)

    def wait(self, key: bytes, rate: Rate, now: float) -> float:
        """Seconds until one can be taken; 0 when one can be taken now."""
        over = self.spent(key, rate, now) + 1 - rate.burst
        # A billionth of a token is nobody's: sums of floats have that much of an error.
        if over <= 1e-9:
            return 0.0
        return over / rate.per_second if rate.per_second else _DAY

    def take(self, key: bytes, rate: Rate, now: float) -> None:
        """Spend one; beyond the burst nothing is owed."""
        spent = min(rate.burst, self.spent(key, rate, now) + 1)
        self.kept.pop(key, None)
        self.kept[key] = (spent, now)
        if len(self.kept) > self._most:
            del self.kept[next(iter(self.kept))]

    def give_back(self, key: bytes) -> None:
        """One was taken for nothing."""
        if key in self.kept:
            spent, at = self.kept[key]
            self.kept[key] = (max(0.0, spent - 1), at)


class Limited(Problem):
    """429: too much from this client, or from all together."""

    def __init__(self, reason: str, detail: str, seconds: float) -> None:
        super().__init__(429, detail, "rate-limit", "transport")
        self.reason = reason
        """Of `address`, `ledger`, `worked`, `work`, `challenges`: for the operator's figures."""
        self.retry_after = max(1, ceil(seconds))


class Charge(msgspec.Struct, frozen=True):
    """What was taken for a submission, so that it can be given back if the server had no time for it."""

    keys: tuple[bytes, ...] = ()
    worked: bool = False


FREE = Charge()


class Limits:
    """The counts of one ledger. All methods may be called from any thread."""

    def __init__(self, rates: Rates, store: "Store", clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds."""
        self._clock = clock
        self._free = Rate(rates.free_statements, rates.free_statements_per_hour / 3600)
        self._worked = Rate(rates.worked_statements_per_hour, rates.worked_statements_per_hour / 3600)
        self._all = Rate(rates.ledger_statements_per_minute, rates.ledger_statements_per_minute / 60)
        self._refused = Rate(REFUSED_BURST, REFUSED_PER_SECOND)
        self._challenges = Rate(CHALLENGES_BURST, CHALLENGES_PER_SECOND)
        self._store = store
        self._lock = threading.Lock()
        self._buckets = Spent()
        self._changed: set[bytes] = set()
        self._used: dict[bytes, tuple[str, int]] = {}
        self._new_used: set[bytes] = set()
        self._day, self._secret = "", b""
        self._everybody = b""
        self._load()
        self._work = Work(store.work_secret(), rates.work_iterations)
        self._closing = threading.Event()
        self._writer = threading.Thread(target=self._write_behind, name="limits", daemon=True)

    @classmethod
    def open(cls, path: Path, rates: Rates, clock: Callable[[], float] = time.time) -> Self:
        """The counts kept in this file, which is made where it is not, or is spoilt. Raises CannotRun."""
        limits = cls(rates, Store.open(path), clock)
        limits._writer.start()
        return limits

    def close(self) -> None:
        """Write what is new, and end."""
        self._closing.set()
        self._writer.join()
        self._flush()
        self._store.close()

    # --- asking

    def admit(self, client: str, place: str, statement: str = "", answer: str = "") -> Charge:
        """Count one statement of this client in a round (or OTHER). Raises Limited.

        `answer` is the header `Constancia-Work`; it is good once, and again for the same `statement` (64 hex).
        """
        with self._lock:
            now = self._turn()
            free, worked = self._key(client, place), self._key(client, _WORKED + place)
            wait, crowd = self._buckets.wait(free, self._free, now), self._buckets.wait(self._everybody, self._all, now)
            if not wait and not crowd:
                return self._take(now, (free, self._free), (self._everybody, self._all))
            return self._with_work(now, worked, self._worked, statement, answer, wait or crowd, not wait)

    def look(self, client: str, statement: str = "", answer: str = "") -> Charge:
        """Let a client send something large, unless too much of that was refused. Raises Limited."""
        with self._lock:
            now = self._turn()
            key = self._key(client, REFUSED)
            if wait := self._buckets.wait(key, self._refused, now):
                worked = self._key(client, _WORKED + REFUSED)
                return self._with_work(now, worked, self._worked, statement, answer, wait, crowd=False)
            return FREE

    def _with_work(
        self, now: float, key: bytes, rate: Rate, statement: str, answer: str, wait: float, crowd: bool
    ) -> Charge:
        """Beyond the free allowance: an answer that is good, or Limited."""
        name = self._judge(answer, statement, self._level(key, now), now) if answer else None
        if name is None:
            if crowd:
                raise Limited("ledger", "Much is being sent to this ledger; everybody is asked for work.", wait)
            raise Limited("address", "Much was sent from your address; the next one asks for work.", wait)
        if self._used.get(name.name, ("",))[0] == statement != "":
            return Charge(worked=True)
        if later := self._buckets.wait(key, rate, now):
            raise Limited("worked", "Too much was sent from your address, with work too.", later)
        self._used[name.name] = (statement, name.expires)
        self._new_used.add(name.name)
        charge = self._take(now, (key, rate), (self._everybody, self._all))
        return Charge(charge.keys, worked=True)

    def _judge(self, answer: str, statement: str, level: int, now: float) -> Answered:
        """The answer, if it is good for this statement. Raises Limited, saying what is wrong with it."""
        try:
            found = self._work.judge(answer, now)
        except NoAnswer as why:
            raise Limited("work", f"The answer in Constancia-Work is not accepted: {why}.", 1) from None
        if found.name in self._used:
            if self._used[found.name][0] != statement or not statement:
                raise Limited("work", "The answer in Constancia-Work was used before.", 1)
        elif found.level + 1 < level:
            raise Limited("work", "More work is asked by now than this answer shows.", 1)
        return found

    def _level(self, worked: bytes, now: float) -> int:
        spent = self._buckets.spent(worked, self._worked, now)
        return min(MAX_LEVEL, int((MAX_LEVEL + 1) * spent / self._worked.burst))

    def challenge(self, client: str, place: str = OTHER) -> dict[str, Any]:
        """A challenge for this client's next statement in a place, as JSON. Raises Limited when it has taken too many.

        Takes as long as one trial of the work: not for an event loop.
        """
        with self._lock:
            now = self._turn()
            key = self._key(client, _CHALLENGES)
            if wait := self._buckets.wait(key, self._challenges, now):
                raise Limited("challenges", "Too many challenges were asked for from your address.", wait)
            self._take(now, (key, self._challenges))
            level = self._level(self._key(client, _WORKED + place), now)
        return self._work.challenge(level, now)

    # --- telling

    def refused(self, client: str) -> None:
        """Something large that this client sent was refused."""
        with self._lock:
            now = self._turn()
            self._take(now, (self._key(client, REFUSED), self._refused))

    def give_back(self, charge: Charge) -> None:
        """The server had no time for what was counted: it will come again. An answer stays used, for its statement."""
        with self._lock:
            for key in charge.keys:
                self._buckets.give_back(key)
                self._changed.add(key)

    # --- inside

    def _turn(self) -> float:
        """The time; on a new day everything that was counted is forgotten, with the key that it was counted under."""
        now = self._clock()
        if self._day != (day := _day(now)):
            self._day, self._secret = day, token_bytes(32)
            self._everybody = self._key("", "")
            self._buckets = Spent()
            self._changed.clear()
        return now

    def _key(self, client: str, place: str) -> bytes:
        told = network_of(client) + b"\0" + place.encode()
        return blake2b(told, key=self._secret, digest_size=16).digest()

    def _take(self, now: float, *taken: tuple[bytes, Rate]) -> Charge:
        for key, rate in taken:
            self._buckets.take(key, rate, now)
            self._changed.add(key)
        return Charge(tuple(key for key, _ in taken))

    def _load(self) -> None:
        now = self._clock()
        kept = self._store.secret_of(_day(now))
        if kept:
            self._day, self._secret = _day(now), kept
            self._everybody = self._key("", "")
            self._buckets.kept = self._store.spent()
        self._used = self._store.used(now)
        self._turn()

    def _write_behind(self) -> None:
        failed = False
        while not self._closing.wait(FLUSH_SECONDS):
            try:
                self._flush()
                failed = False
            except sqlite3.Error as error:
                # Counting goes on in memory; a full disk is the writer's trouble, and told there.
                if not failed:
                    _logger.warning("the counts of limits.db cannot be kept: %s", error)
                failed = True

    def _flush(self) -> None:
        with self._lock:
            now = self._turn()
            for name in [name for name, (_, expires) in self._used.items() if expires < now]:
                del self._used[name]
            changed, self._changed = self._changed, set()
            new, self._new_used = self._new_used, set()
            kept = [(key, *self._buckets.kept[key]) for key in changed if key in self._buckets.kept]
            used = [(name, *self._used[name]) for name in new if name in self._used]
            day, secret = self._day, self._secret
        self._store.write(day, secret, kept, used, now)


def _day(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"


# --- the file --------------------------------------------------------------------------------------------------------

_TABLES = """
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, day TEXT NOT NULL, secret BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS spent (key BLOB PRIMARY KEY, spent REAL NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used (answer BLOB PRIMARY KEY, statement TEXT NOT NULL, expires INTEGER NOT NULL)
    WITHOUT ROWID;
"""


class Store:
    """limits.db. Used by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._day = ""

    @classmethod
    def open(cls, path: Path) -> Self:
        """The file, or a new one where it is spoilt. Raises CannotRun."""
        try:
            try:
                return cls(_connected(path))
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                _logger.warning("%s is spoilt, and made anew: %s", path, error)
                path.unlink()
                return cls(_connected(path))
        except (sqlite3.Error, OSError) as error:
            raise CannotRun(
                f"No se puede usar {path}: {error}.",
                f"{path} cannot be used: {error}.",
                "Ahí se cuenta cuánto envía cada quien. Revise quién puede escribir en la carpeta; el archivo puede "
                "borrarse.",
                "It counts how much everybody sends. See who may write in the folder; the file may be deleted.",
            ) from None

    def work_secret(self) -> bytes:
        """The secret that challenges are made under; it stays, so that they outlive a restart."""
        self._db.execute("INSERT OR IGNORE INTO secrets VALUES ('work', '', ?)", (token_bytes(32),))
        return bytes(self._db.execute("SELECT secret FROM secrets WHERE name = 'work'").fetchone()[0])

    def secret_of(self, day: str) -> bytes | None:
        """The key of that day's counts, if these are that day's."""
        row = self._db.execute("SELECT secret FROM secrets WHERE name = 'day' AND day = ?", (day,)).fetchone()
        self._day = day if row else ""
        return bytes(row[0]) if row else None

    def spent(self) -> dict[bytes, tuple[float, float]]:
        """Every count."""
        return {bytes(key): (spent, at) for key, spent, at in self._db.execute("SELECT * FROM spent ORDER BY at")}

    def used(self, now: float) -> dict[bytes, tuple[str, int]]:
        """The answers that have not expired."""
        rows = self._db.execute("SELECT * FROM used WHERE expires >= ?", (now,))
        return {bytes(name): (statement, expires) for name, statement, expires in rows}

    def write(
        self,
        day: str,
        secret: bytes,
        spent: Iterable[tuple[bytes, float, float]],
        used: Iterable[tuple[bytes, str, int]],
        now: float,
    ) -> None:
        """Keep these. On a new day the key and the counts of the last one are overwritten."""
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:  # commits, or rolls back
            if day != self._day:
                self._db.execute("DELETE FROM spent")
                self._db.execute("INSERT OR REPLACE INTO secrets VALUES ('day', ?, ?)", (day, secret))
            self._db.executemany("INSERT OR REPLACE INTO spent VALUES (?, ?, ?)", spent)
            self._db.executemany("INSERT OR REPLACE INTO used VALUES (?, ?, ?)", used)
            self._db.execute("DELETE FROM used WHERE expires < ?", (now,))
        self._day = day

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _connected(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # Deleted means overwritten, also in the journal, which is cut off; nothing waits for the disk.
        connection.executescript("PRAGMA secure_delete = ON; PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = OFF;")
        if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("its pages do not fit together")
        connection.executescript(_TABLES)
    except BaseException:
        connection.close()
        raise
    return connection

"""The search of comments: which comments of a round answer to words and filters, and in what order they are read.

    search = open_search(Path("search.db"), origin, position=812)
    found = search.find("ronda-1", Asked(words="agua potable", position="for", order="fair", day="2026-02-16"))
    found.indexes, found.total, found.following

One SQLite file, disposable: made anew from the record when it is missing, of another version, of another ledger, or
ahead of the record. It holds no text, only which words stand in which comment:

    round(id, slug)
    line(place, round, idx, fair, terms)    a comment: place = round · 2^32 + its number in the round
    word(id, round, word, stem, n)  a term of a round, and how many comments have it
    posting(place, bits)            of a term, by 32,768 comments: place = term · 2^20 + block
    position(size)                  how many entries are in it

A filter is a term like a word (`=position:for`, `=day:2026-02-16`; no word begins with `=`), so every question is an
intersection of sets of small numbers: as Python integers, 100,000 comments are 12,500 bytes, and one AND of them takes
a microsecond. The members of a block are kept as a sorted list of 16-bit numbers, or as a bitmap where that is shorter.

Words are compared without case, accents and apostrophes (`api.phrasing.folded`), by their Spanish stem
(https://snowballstem.org/algorithms/spanish/stemmer.html); the last word also as the beginning of a word. All of them
must be there.

**Order.** `fair` begins at another comment each day, the same for everybody: comments stand in the order of

    SHA-256("constancia/fair-order/v1\\n<received time>\\n<identity>\\n")              (`fair_key`, 48 bits of it)

and a day begins with the first one not below SHA-256("constancia/fair-order/v1\\n<origin>\\n<round>\\n<day>\\n"), and
goes round. The received time is the ledger's, so nobody chooses their place. Of few matches all are sorted; of many the
walk from the beginning soon has a page of them: the cost is at most about the root of 50 times the round.

A page is continued after a comment (`after`), not by a number, so its cost does not grow with how far one has read.

What is taken from view leaves the file. `put` and `commit` clear its bits and delete the words that no comment has any
more; deleted rows are overwritten (`secure_delete`). But where SQLite once moved rows between pages, old copies of them
stay between the new ones, so `clean` writes the whole file anew, and empties the write-ahead log.
"""

import re
import sqlite3
import threading
from array import array
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import snowballstemmer

from api.phrasing import folded

SCHEMA = 1
APPLICATION_ID = 0x436F_5365  # "CoSe"
PAGE = 25
MAX_WORDS = 12
LEAST_PREFIX = 3
MOST_BEGINNINGS = 300  # words that may begin with the last one: somebody could invent thousands
MAX_WORD = 48
EVERY = "="  # the term that every comment has
FAIR_DOMAIN = b"constancia/fair-order/v1\n"

Order = Literal["fair", "oldest", "newest", "waiting"]
ORDERS: tuple[Order, ...] = get_args(Order)

_BLOCK = 32_768
_BLOCK_BYTES = _BLOCK // 8
_ROUND_BITS = 32
_TERM_BITS = 20
_ANSWERED = "=flag:answered"
_FREE = re.compile(r"[^\W_]+")

_TABLES = f"""
CREATE TABLE round (id INTEGER PRIMARY KEY, slug TEXT UNIQUE);
CREATE TABLE line (place INTEGER PRIMARY KEY, round INTEGER, idx INTEGER, fair INTEGER, terms BLOB);
CREATE INDEX line_fair ON line (round, fair, place, idx);
CREATE INDEX line_index ON line (idx, place);
CREATE TABLE word (id INTEGER PRIMARY KEY, round INTEGER, word TEXT, stem TEXT, n INTEGER);
CREATE UNIQUE INDEX word_word ON word (round, word);
CREATE INDEX word_stem ON word (round, stem);
CREATE TABLE posting (place INTEGER PRIMARY KEY, bits BLOB);
CREATE TABLE position (one INTEGER PRIMARY KEY, size INTEGER, origin TEXT);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA};
"""


class Cursor(msgspec.Struct, frozen=True):
    """Where a list goes on: after the comment of this entry; `second`: among the answered ones (order `waiting`)."""

    index: int
    second: bool = False


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for. Empty means any; `terms` are filters as `term` writes them; `day` is for the fair order."""

    words: str = ""
    terms: tuple[str, ...] = ()
    order: Order = "fair"
    day: str = ""
    after: Cursor | None = None
    without: frozenset[int] = frozenset()
    """Indexes of comments that are hidden since: they answer to no word any more."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One page of what was found, as indexes of entries; how many there are in all; where the next page begins.

    `size` says how many entries the file knew; `words` those that were looked for; `cut` that more words began with
    the last one than were looked at.
    """

    indexes: tuple[int, ...]
    total: int
    following: Cursor | None
    size: int
    words: tuple[str, ...] = ()
    cut: bool = False


class Line(msgspec.Struct, frozen=True):
    """A comment as the search takes it: its place in the round, counted from 0, and all that it is found by."""

    round: str
    nth: int
    index: int
    fair: int
    terms: frozenset[str]


# --- words and keys --------------------------------------------------------------------------------------------------


def words_in(text: str) -> list[str]:
    """The words of a text, folded, in their order."""
    return [word[:MAX_WORD] for word in _FREE.findall(folded(text))]


# One stemmer for each thread: it keeps the word it works on in itself.
_own = threading.local()


@lru_cache(50_000)
def stem_of(word: str) -> str:
    """The Spanish stem of a folded word; other languages are cut alike in text and question, so they meet too."""
    stemmer: Any = getattr(_own, "stemmer", None)
    if stemmer is None:
        library: Any = snowballstemmer  # it has no usable types
        stemmer = _own.stemmer = library.stemmer("spanish")
    return stemmer.stemWord(word)


def term(name: str, value: str) -> str:
    """A filter as a term: `=position:for`."""
    return f"={name}:{value}"


def fair_key(received_at: str, identity: str) -> int:
    """Where a comment stands in the fair order."""
    return _fair(received_at, identity)


def fair_start(origin: str, round_: str, day: str) -> int:
    """Where the fair order begins on a day (`YYYY-MM-DD`, by the ledger's clock)."""
    return _fair(origin, round_, day)


def _fair(*lines: str) -> int:
    return int.from_bytes(sha256(FAIR_DOMAIN + "".join(f"{line}\n" for line in lines).encode()).digest()[:6])


# --- sets of small numbers -------------------------------------------------------------------------------------------


def _bytes_of(members: set[int]) -> bytes:
    """A block as it is kept: a list of 16-bit numbers, or a bitmap where that is shorter."""
    if 2 * len(members) < _BLOCK_BYTES:
        return array("H", sorted(members)).tobytes()
    bitmap = bytearray(_BLOCK_BYTES)
    for member in members:
        bitmap[member >> 3] |= 1 << (member & 7)
    return bytes(bitmap)


def _members_of(raw: bytes) -> set[int]:
    """The members of a block."""
    if len(raw) < _BLOCK_BYTES:
        return set(array("H", raw))
    return {8 * at + bit for at, byte in enumerate(raw) if byte for bit in range(8) if byte >> bit & 1}


def _add(bitmap: bytearray, block: int, raw: bytes) -> None:
    """Set the bits of a block in the bitmap of its round."""
    start = block * _BLOCK_BYTES
    if len(raw) < _BLOCK_BYTES:
        for member in array("H", raw):
            bitmap[start + (member >> 3)] |= 1 << (member & 7)
    else:
        stop = start + _BLOCK_BYTES
        both = int.from_bytes(bitmap[start:stop], "little") | int.from_bytes(raw, "little")
        bitmap[start:stop] = both.to_bytes(_BLOCK_BYTES, "little")


_WINDOW = 512


def _ascending(bits: bytes, start: int = 0) -> Iterator[int]:
    """The members of a bitmap from `start` on."""
    for offset in range(start >> 3, len(bits), _WINDOW):
        left = int.from_bytes(bits[offset : offset + _WINDOW], "little")
        if offset == start >> 3:
            left = left >> (start & 7) << (start & 7)
        while left:
            low = left & -left
            yield 8 * offset + low.bit_length() - 1
            left ^= low


def _descending(bits: bytes, stop: int) -> Iterator[int]:
    """The members of a bitmap below `stop`, the greatest first."""
    for end in range(min(len(bits), (stop + 7) >> 3), 0, -_WINDOW):
        offset = max(0, end - _WINDOW)
        left = int.from_bytes(bits[offset:end], "little") & ((1 << max(0, stop - 8 * offset)) - 1)
        while left:
            high = left.bit_length() - 1
            yield 8 * offset + high
            left ^= 1 << high


# --- the file --------------------------------------------------------------------------------------------------------


class Search:
    """The file. One thread writes (`put`, `commit`); any number ask, each on a connection of its own for that long."""

    def __init__(self, path: Path, origin: str) -> None:
        """Open or make the file. Raises sqlite3.DatabaseError, ValueError: it is none of ours; see `open_search`."""
        self.path = path
        self.origin = origin
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._writer = self._connect()
        try:
            self.position = self._prepare()
        except BaseException:
            self._writer.close()
            raise
        self._rounds: dict[str, int] = {}
        self._words: dict[tuple[int, str], int] = {}
        self._changes: defaultdict[int, dict[int, bool]] = defaultdict(dict)  # of each term: who has it now, or not
        self.unclean = True
        """Something was removed since the last `clean`, or may have been before a crash."""

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=OFF")
            database.execute("PRAGMA secure_delete=ON")
            database.execute("PRAGMA cache_size=-16000")
            database.execute("PRAGMA trusted_schema=OFF")
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _prepare(self) -> int:
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        mark = self._writer.execute("PRAGMA application_id").fetchone()[0]
        if (version, mark) == (0, 0):
            self._writer.executescript(f"BEGIN; {_TABLES} COMMIT;")
            self._writer.execute("INSERT INTO position VALUES (1, 0, ?)", (self.origin,))
        elif (version, mark) != (SCHEMA, APPLICATION_ID):
            raise ValueError(f"{self.path} is of version {version}")
        size, origin = self._writer.execute("SELECT size, origin FROM position").fetchone()
        if origin != self.origin:
            raise ValueError(f"{self.path} is of the ledger {origin}")
        return int(size)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()
        self._writer.close()

    # --- writing

    def put(self, lines: Iterable[Line]) -> None:
        """Take comments as they are now, new ones and changed ones; nothing is in the file before `commit`."""
        if not self._writer.in_transaction:
            self._writer.execute("BEGIN IMMEDIATE")
        for line in lines:
            self._put(line)

    def _put(self, line: Line) -> None:
        round_ = self._round(line.round)
        place = round_ << _ROUND_BITS | line.nth
        row = self._writer.execute("SELECT terms FROM line WHERE place = ?", (place,)).fetchone()
        before = set(array("I", row[0])) if row else set[int]()
        now = {self._term(round_, word) for word in line.terms}
        for each in now - before:
            self._changes[each][line.nth] = True
        for each in before - now:
            self._changes[each][line.nth] = False
        terms = array("I", sorted(now)).tobytes()
        self._writer.execute(
            "INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?)", (place, round_, line.index, line.fair, terms)
        )

    def _round(self, slug: str) -> int:
        found = self._rounds.get(slug)
        if found is None:
            self._writer.execute("INSERT OR IGNORE INTO round (slug) VALUES (?)", (slug,))
            found = self._rounds[slug] = _round_of(self._writer, slug) or 0
        return found

    def _term(self, round_: int, word: str) -> int:
        found = self._words.get((round_, word))
        if found is None:
            if len(self._words) > 100_000:
                self._words.clear()
            stem = "" if word.startswith("=") else stem_of(word)
            query = "INSERT OR IGNORE INTO word (round, word, stem, n) VALUES (?, ?, ?, 0)"
            self._writer.execute(query, (round_, word, stem))
            query = "SELECT id FROM word WHERE round = ? AND word = ?"
            found = self._writer.execute(query, (round_, word)).fetchone()[0]
            self._words[round_, word] = found
        return found

    def commit(self, size: int) -> None:
        """Write what was put: the file then has the first `size` entries, and no word that was removed."""
        if not self._writer.in_transaction:
            self._writer.execute("BEGIN IMMEDIATE")
        removed = False
        for term_, members in self._changes.items():
            removed |= self._change(term_, members)
        self._writer.execute("UPDATE position SET size = ?", (size,))
        self._writer.execute("COMMIT")
        self._changes.clear()
        self.position = size
        self.unclean |= removed

    def _change(self, term_: int, members: dict[int, bool]) -> bool:
        """Set and clear bits of a term; says whether any was cleared."""
        blocks: defaultdict[int, dict[int, bool]] = defaultdict(dict)
        for nth, has in members.items():
            blocks[nth // _BLOCK][nth % _BLOCK] = has
        more, cleared = 0, False
        for block, changes in blocks.items():
            place = term_ << _TERM_BITS | block
            row = self._writer.execute("SELECT bits FROM posting WHERE place = ?", (place,)).fetchone()
            standing = _members_of(row[0]) if row else set[int]()
            before = len(standing)
            standing |= {nth for nth, has in changes.items() if has}
            kept = standing - {nth for nth, has in changes.items() if not has}
            more, cleared, standing = more + len(kept) - before, cleared or len(kept) < len(standing), kept
            if standing:
                self._writer.execute("INSERT OR REPLACE INTO posting VALUES (?, ?)", (place, _bytes_of(standing)))
            else:
                self._writer.execute("DELETE FROM posting WHERE place = ?", (place,))
        self._writer.execute("UPDATE word SET n = n + ? WHERE id = ?", (more, term_))
        gone = self._writer.execute(
            "DELETE FROM word WHERE id = ? AND n = 0 RETURNING round, word", (term_,)
        ).fetchall()
        for round_, word in gone:
            self._words.pop((round_, word), None)
        return cleared

    def clean(self) -> None:
        """Leave nothing in the file of what was removed. Raises sqlite3.Error.

        Readers go on meanwhile, but hold up the end: if one reads for ten seconds, `unclean` stays.
        """
        self._writer.execute("VACUUM")
        busy = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        self.unclean = bool(busy)

    # --- asking

    def find(self, round_: str, asked: Asked, size: int = PAGE) -> Found:
        """The comments of a round that have all that is asked for, one page of them. Raises sqlite3.Error."""
        with self._reading() as database:
            return _Question(database, self.origin, round_, asked, size).answer()

    def counts(self, round_: str, name: str) -> list[tuple[str, int]]:
        """How many comments have each value of a filter: `counts("ronda-1", "day")`. Raises sqlite3.Error."""
        start = term(name, "")
        with self._reading() as database:
            rows = database.execute(
                "SELECT word, n FROM word WHERE round = ? AND word >= ? AND word < ? ORDER BY word",
                (_round_of(database, round_), start, start[:-1] + ";"),
            ).fetchall()
        return [(word[len(start) :], n) for word, n in rows]

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            if self._closed:
                raise sqlite3.ProgrammingError("the search is closed")
            database = self._idle.pop() if self._idle else None
        database = database or self._connect()
        database.execute("BEGIN")
        try:
            yield database
        finally:
            with suppress(sqlite3.Error):
                database.execute("ROLLBACK")
            with self._lock:
                if self._closed:
                    database.close()
                else:
                    self._idle.append(database)


def _round_of(database: sqlite3.Connection, slug: str) -> int | None:
    row = database.execute("SELECT id FROM round WHERE slug = ?", (slug,)).fetchone()
    return int(row[0]) if row else None


class _Question:
    """One question, in one state of the file."""

    def __init__(self, database: sqlite3.Connection, origin: str, slug: str, asked: Asked, page: int) -> None:
        self._database = database
        self._asked = asked
        self._page = page
        self._round = _round_of(database, slug)
        self._start = fair_start(origin, slug, asked.day)
        self._slug = slug
        self._cut = False
        self._count = 0
        if self._round is not None:
            query = "SELECT max(place) FROM line WHERE place < ?"
            last = database.execute(query, ((self._round + 1) << _ROUND_BITS,)).fetchone()[0]
            self._count = (last & (1 << _ROUND_BITS) - 1) + 1
        self._blocks = -(-self._count // _BLOCK)

    def answer(self) -> Found:
        words = tuple(dict.fromkeys(words_in(self._asked.words)))[:MAX_WORDS]
        size = self._database.execute("SELECT size FROM position").fetchone()[0]
        bits = self._matching(words) if self._count else 0
        raw = bits.to_bytes(self._blocks * _BLOCK_BYTES, "little")
        total = bits.bit_count()
        found = self._ordered(raw, total) if total else []
        indexes = tuple([index for index, _ in found[: self._page]])
        more = len(found) > self._page
        following = Cursor(*found[self._page - 1]) if more else None
        return Found(indexes=indexes, total=total, following=following, size=size, words=words, cut=self._cut)

    # --- which

    def _matching(self, words: Sequence[str]) -> int:
        """The set of comments, as an integer whose bits are their numbers."""
        assert self._round is not None
        bits = self._of_words([EVERY])
        for filter_ in self._asked.terms:
            bits &= self._of_words([filter_])
        for word in words:
            bits &= self._of_question(word, last=word == words[-1])
        if words:
            for index in self._asked.without:
                place = self._place(index)
                bits &= ~(1 << place) if place is not None else -1
        return bits

    def _of_question(self, word: str, *, last: bool) -> int:
        # Two questions: of one with OR, SQLite looks at every word of the round.
        query = (
            "SELECT id FROM word WHERE round = ? AND word = ? UNION SELECT id FROM word WHERE round = ? AND stem = ?"
        )
        bounds = (self._round, word, self._round, stem_of(word))
        terms = [row[0] for row in self._database.execute(query, bounds)]
        if last and len(word) >= LEAST_PREFIX:
            query = "SELECT id FROM word WHERE round = ? AND word > ? AND word < ? ORDER BY word LIMIT ?"
            between = (self._round, word, word + "\U0010ffff", MOST_BEGINNINGS + 1)
            begun = [row[0] for row in self._database.execute(query, between)]
            self._cut = len(begun) > MOST_BEGINNINGS
            terms += begun[:MOST_BEGINNINGS]
        return self._union(terms)

    def _of_words(self, words: Sequence[str]) -> int:
        query = "SELECT id FROM word WHERE round = ? AND word = ?"
        rows = [self._database.execute(query, (self._round, word)).fetchone() for word in words]
        return self._union([row[0] for row in rows if row])

    def _union(self, terms: Iterable[int]) -> int:
        bitmap = bytearray(self._blocks * _BLOCK_BYTES)
        for each in set(terms):
            first = each << _TERM_BITS
            query = "SELECT place, bits FROM posting WHERE place >= ? AND place < ?"
            for place, raw in self._database.execute(query, (first, first + self._blocks)):
                _add(bitmap, place - first, raw)
        return int.from_bytes(bitmap, "little")

    def _place(self, index: int) -> int | None:
        """The number in this round of the comment of an entry."""
        row = self._database.execute("SELECT place FROM line WHERE idx = ?", (index,)).fetchone()
        if row is None or row[0] >> _ROUND_BITS != self._round:
            return None
        return row[0] & (1 << _ROUND_BITS) - 1

    # --- in what order

    def _ordered(self, raw: bytes, total: int) -> list[tuple[int, bool]]:
        """(index, second) of one page and one more."""
        after = self._asked.after
        place = self._place(after.index) if after else None
        match self._asked.order:
            case "fair":
                return self._fair(raw, total, place)
            case "oldest":
                return self._take(_ascending(raw, 0 if place is None else place + 1))
            case "newest":
                return self._take(_descending(raw, self._count if place is None else place))
            case "waiting":
                return self._waiting(raw, place, second=after is not None and after.second)

    def _take(self, members: Iterator[int], *, second: bool = False) -> list[tuple[int, bool]]:
        assert self._round is not None
        found: list[tuple[int, bool]] = []
        for nth in members:
            query = "SELECT idx FROM line WHERE place = ?"
            row = self._database.execute(query, (self._round << _ROUND_BITS | nth,)).fetchone()
            found.append((row[0], second))
            if len(found) > self._page:
                break
        return found

    def _waiting(self, raw: bytes, place: int | None, *, second: bool) -> list[tuple[int, bool]]:
        answered = self._of_words([_ANSWERED])
        bits = int.from_bytes(raw, "little")
        first = (bits & ~answered).to_bytes(len(raw), "little")
        after = (bits & answered).to_bytes(len(raw), "little")
        start = 0 if place is None else place + 1
        if second:
            return self._take(_ascending(after, start), second=True)
        found = self._take(_ascending(first, start))
        if len(found) <= self._page:
            found += self._take(_ascending(after), second=True)
        return found[: self._page + 1]

    def _fair(self, raw: bytes, total: int, place: int | None) -> list[tuple[int, bool]]:
        start = (self._start, 0)
        here = start if place is None else self._fair_of(place)
        wanted = self._page + 1
        if total * total <= wanted * self._count:
            return self._sorted(raw, place, here)
        found: list[tuple[int, bool]] = []
        # From here to the end, and from the least one to where the day began; a reader past the end has only the rest.
        legs = [(here, None), (None, start)] if here >= start else [(here, start)]
        for low, high in legs:
            for key, nth, index in self._walk(low, high):
                if (key, nth) != here or place is None:
                    if raw[nth >> 3] >> (nth & 7) & 1:
                        found.append((index, False))
                        if len(found) == wanted:
                            return found
        return found

    def _fair_of(self, nth: int) -> tuple[int, int]:
        assert self._round is not None
        query = "SELECT fair FROM line WHERE place = ?"
        return self._database.execute(query, (self._round << _ROUND_BITS | nth,)).fetchone()[0], nth

    def _walk(self, low: tuple[int, int] | None, high: tuple[int, int] | None) -> Iterator[tuple[int, int, int]]:
        """(key, number, index) in the fair order from `low` on, up to, not including, `high`."""
        assert self._round is not None
        base = self._round << _ROUND_BITS
        least, most = low or (-1, 0), high or (1 << 60, 0)
        query = (
            "SELECT fair, place - ?, idx FROM line WHERE round = ? "
            "AND (fair, place) >= (?, ?) AND (fair, place) < (?, ?) ORDER BY fair, place"
        )
        bounds = (base, self._round, least[0], base | least[1], most[0], base | most[1])
        yield from self._database.execute(query, bounds)

    def _sorted(self, raw: bytes, place: int | None, here: tuple[int, int]) -> list[tuple[int, bool]]:
        """Few matches: all of them, in the fair order."""
        assert self._round is not None
        base = self._round << _ROUND_BITS
        query = "SELECT fair, idx FROM line WHERE place = ?"
        rows = [(*self._database.execute(query, (base | nth,)).fetchone(), nth) for nth in _ascending(raw)]
        start = (self._start, 0)

        def turn(key: int, nth: int) -> tuple[bool, int, int]:
            return (key, nth) < start, key, nth

        after = turn(*here)
        ordered = sorted([(turn(fair, nth), index) for fair, index, nth in rows])
        left = [(index, False) for key, index in ordered if place is None or key > after]
        return left[: self._page + 1]


def open_search(path: Path, origin: str, position: int) -> Search:
    """The search at `path`, made anew when it cannot be that of a record of `position` entries."""
    with suppress(sqlite3.DatabaseError, ValueError):
        search = Search(path, origin)
        if search.position <= position:
            return search
        search.close()
    for part in path.parent.glob(path.name + "*"):
        part.unlink()
    return Search(path, origin)

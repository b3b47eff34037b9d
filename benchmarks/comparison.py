"""Reported against evidenced, as the record grows: the matrix of a plan from records, and from entries alone.

    matrix          20 ms / the matrix of 48 commitments at a tree size anywhere in the past, from the server's records
    cold            2 s / the same from 100,000 verified entries and nothing else: folded, and computed
    larger          10 × the matrix of 48 commitments / that of 1,000 with 50,000 statements about evidence, entry by
                    entry as both grow, each size asked for once
    larger-past     10 × 20 ms / that of 1,000 anywhere in the past

Anywhere in the past nothing that was computed for another size is of any use; as a record grows, the server computes
those commitments alone about which something was said (`projections.remembered`).

Entries are made by the rulebook's own world, signed and admitted. Most of the 100,000 are comments, as in a ledger that
is used; the rest are links, captures, checks, disputes, answers and verdicts, some fifty for each commitment.

    python -m benchmarks.comparison [--entries 100000] [--commitments 1000] [--evidence 50000] [--profile]
"""

import argparse
import cProfile
import pstats
import random
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.limits import Limits
from benchmarks.ratio import Ratio
from ledger.errors import Refused
from ledger.statement import Entry, format_when
from projections.comparison import Matrix, matrix_of
from projections.evidence import default_as_of
from projections.records import DictRecords, Records, SqliteRecords
from projections.remembered import Remembered
from projections.replay import evolve, replay
from tests import world as w

COMMITMENTS = 48
EVIDENCE = 2_400
ENTRIES = 100_000
LARGER, LARGER_EVIDENCE = 1_000, 50_000
LIMIT_MATRIX = 0.020
LIMIT_COLD = 2.0
LIMIT_LARGER = 10
LAST = 100  # entries after each of which a matrix is asked for
SIZES = 9  # tree sizes at which a matrix is asked for, each for the first time
_SAID: dict[str, Any] = {"title": "Documento", "evidence_type": "document", "shows": "Lo hecho"}
_CAPTURE: dict[str, Any] = {"size": 10, "media_type": "text/html", "method": "direct"}


class _Record:
    """A plan whose commitments have three mechanisms each, and what is said about its evidence, at random."""

    def __init__(self, commitments: int) -> None:
        self.random = random.Random(20150930)
        self.world = w.found()
        self.ids = [f"{w.PLAN}/{'ABCDEFGH'[number // 900]}{number % 900 + 1}" for number in range(commitments)]
        self.links: list[tuple[str, str, list[str]]] = []  # (identity, commitment, digests)
        self.disputes: list[str] = []
        for identifier in self.ids:
            self.world.say("CommitmentRegistered", "copret:coordinator", **w.commitment(identifier, "segeplan"))
            for number in (1, 2, 3):
                fields = {"mechanism": f"{identifier}.M{number}", "text": "Uno", "means": "Documento"}
                self.world.say("MechanismDefined", "copret:coordinator", **fields, repeats="once")
            said: Any = {"level": "complete", "reason": "Hecho.", "evidence": []}
            self.world.say("CompletionReported", "segeplan:institution", subject=identifier, **said)

    def grow(self, statements: int) -> None:
        """So many statements about evidence more, spread over the commitments; half a day passes with each fifty."""
        done = 0
        while done < statements:
            self.world.now_ms += 1_000
            if done % 50 == 0:
                self.world.now_ms += 43_200_000
            try:
                self._say(done)
            except Refused:
                continue
            done += 1

    def _say(self, done: int) -> None:
        kind = self.random.random()
        if kind < 0.2 or not self.links:
            self._link(done)
            return
        link, commitment, digests = self.random.choice(self.links)
        by = self.random.choice(("captura:capturer", "segeplan:institution", "congreso:assessor"))
        now = format_when(self.world.now_ms)
        if kind < 0.55 or not digests:
            digest = self.random.choice(digests) if digests else w.digest_of(f"bytes {done}")
            self.world.say("EvidenceCaptured", by, link=link, digest=digest, captured_at=now, **_CAPTURE)
            digests.append(digest) if digest not in digests else None
        elif kind < 0.85:
            seen = self.random.choice(("alive", "alive", "gone"))
            digest = digests[0] if seen == "alive" else None
            self.world.say("EvidenceChecked", by, link=link, seen=seen, digest=digest, checked_at=now)
        elif kind < 0.90:
            self._dispute(link, commitment)
        else:
            level = self.random.choice(("limited", "substantial", "complete"))
            read: Any = {"digests": digests[:1], "words": {"text": f"Leído, {done}."}}
            who = self.random.choice(("icefi:assessor", "irm:irm"))
            self.world.say("VerdictGiven", who, mechanism=f"{commitment}.M1", level=level, **read)

    def _link(self, done: int) -> None:
        commitment = self.random.choice(self.ids)
        fields = {"for_": [f"{commitment}.M{number}" for number in (1, 2, 3)], "url": f"http://example.gt/{done}"}
        entry = self.world.say("EvidenceLinked", "segeplan:institution", **fields, **_SAID)
        self.links.append((entry.opened.identity, commitment, []))

    def _dispute(self, link: str, commitment: str) -> None:
        if self.disputes and self.random.random() < 0.6:
            said: Any = {"resolution": "rejected", "words": {"text": "Leído."}}
            self.world.say("DisputeResolved", "irm:irm", dispute=self.disputes.pop(), **said)
            return
        about: Any = {"objection": "absent", "words": {"text": f"No está ({len(self.world.entries)})."}}
        entry = self.world.say("EvidenceDisputed", "icefi:assessor", link=link, mechanism=f"{commitment}.M1", **about)
        self.disputes.append(entry.opened.identity)


def history(commitments: int, evidence: int, entries: int = 0) -> list[Entry]:
    """The entries of a plan with so many commitments and statements about evidence, and comments up to `entries`."""
    record = _Record(commitments)
    record.grow(evidence)
    more = entries - len(record.world.entries)
    if more > 0:
        record.world.open_round()
        for number in range(more - 1):
            who = f"citizen-{number}"
            record.world.say("CommentSubmitted", f"{who}:citizen", **record.world.comment(who))
    return record.world.entries


def limit_to_matrix(folder: Path, measured: Limits) -> Ratio:
    """20 ms / the slowest of the matrices of 48 commitments at sizes never asked for before."""
    del measured
    entries = history(COMMITMENTS, EVIDENCE)
    taken = _first_times(stored(folder, entries), len(entries))
    return Ratio(
        name="matrix of 48",
        ours_is=f"1 / seconds for the matrix of {COMMITMENTS} commitments at a new tree size, from records",
        ours=1 / max(taken),
        peer_is=f"1 / the limit ({1000 * LIMIT_MATRIX:.0f} ms)",
        peer=1 / LIMIT_MATRIX,
        goal=1.0,
        fair=f"{len(entries):,} entries; the slowest of {SIZES} sizes; in the middle {1000 * _middle(taken):.1f} ms",
    )


def limit_to_cold_matrix(folder: Path, measured: Limits) -> Ratio:
    """2 s / folding 100,000 verified entries and computing the matrix of 48 commitments."""
    del folder, measured
    entries = history(COMMITMENTS, EVIDENCE, ENTRIES)
    taken = _seconds(lambda: cold(entries))
    return Ratio(
        name="matrix, cold",
        ours_is=f"1 / seconds to fold {ENTRIES:,} entries and compute the matrix",
        ours=1 / taken,
        peer_is=f"1 / the limit ({LIMIT_COLD:.0f} s)",
        peer=1 / LIMIT_COLD,
        goal=1.0,
    )


def larger_matrix_to_matrix(folder: Path, measured: Limits) -> Ratio:
    """Ten times the matrix of 48 / that of 1,000 commitments, at each of the newest sizes in turn."""
    del measured
    few = _middle(_grown(*_put(folder / "small", COMMITMENTS, EVIDENCE)))
    many = _middle(_grown(*_put(folder / "large", LARGER, LARGER_EVIDENCE)))
    return Ratio(
        name="matrix of 1,000",
        ours_is=f"1 / seconds for {LARGER:,} commitments with {LARGER_EVIDENCE:,} statements, after each new entry",
        ours=1 / many,
        peer_is=f"1 / {LIMIT_LARGER} times the seconds for {COMMITMENTS}",
        peer=1 / (LIMIT_LARGER * few),
        goal=1.0,
        fair=f"{1000 * many:.1f} ms and {1000 * few:.1f} ms; the first of each plan is not counted",
    )


def limit_to_larger_matrix(folder: Path, measured: Limits) -> Ratio:
    """Ten times the limit of 48 / the matrix of 1,000 commitments anywhere in the past."""
    del measured
    many = _middle(_first_times(*_put(folder, LARGER, LARGER_EVIDENCE)))
    return Ratio(
        name="matrix of 1,000, past",
        ours_is=f"1 / seconds for {LARGER:,} commitments with {LARGER_EVIDENCE:,} statements at a new tree size",
        ours=1 / many,
        peer_is=f"1 / {LIMIT_LARGER} times {1000 * LIMIT_MATRIX:.0f} ms",
        peer=1 / (LIMIT_LARGER * LIMIT_MATRIX),
        goal=1.0,
        fair=f"nothing remembered; {1000 * many:.0f} ms",
    )


def _put(folder: Path, commitments: int, evidence: int) -> tuple[SqliteRecords, int]:
    entries = history(commitments, evidence)
    return stored(folder, entries), len(entries)


def _middle(taken: Sequence[float]) -> float:
    return sorted(taken)[len(taken) // 2]


def stored(folder: Path, entries: Sequence[Entry]) -> SqliteRecords:
    """The records of a server that has folded these entries."""
    folder.mkdir(parents=True, exist_ok=True)
    store = SqliteRecords(folder / "records.db")
    for entry in entries:
        evolve(store, entry)
        if entry.index % 500 == 499:
            store.commit(entry.index + 1)
    store.commit(len(entries))
    return store


def cold(entries: Sequence[Entry]) -> Matrix:
    """A matrix from nothing but entries."""
    records = DictRecords()
    replay(entries, records)
    return at(records, len(entries))


def at(records: Records, size: int) -> Matrix:
    """The matrix as a page asks for it, computed from nothing."""
    return matrix_of(records, w.PLAN, size, default_as_of(records, size))


def _grown(store: SqliteRecords, size: int) -> list[float]:
    """Seconds for a matrix after each of the last entries, as the server asks for it."""
    remembered = Remembered()

    def look(one: int) -> Matrix:
        records = store.at(one)
        standings = partial(remembered.standings_of, touched=records.touched(w.PLAN))
        return matrix_of(records, w.PLAN, one, default_as_of(records, one), standings)

    look(size - LAST)
    found = [_seconds(lambda one=one: look(one)) for one in range(size - LAST + 1, size + 1)]
    if look(size) != at(store.at(size), size):
        raise AssertionError("what was remembered is not what is computed")
    store.close()
    return found


def _first_times(store: SqliteRecords, size: int) -> list[float]:
    """Seconds for a matrix at each of several sizes, each asked once."""
    at(store.at(size), size)  # the code is warm, and the file in the cache
    sizes = [size - 1 - number * size // (2 * SIZES) for number in range(SIZES)]
    found = [_seconds(lambda one=one: at(store.at(one), one)) for one in sizes]
    store.close()
    return found


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> int:
    """Measures one after the other, with a profile of the last where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparison", description=__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--commitments", type=int, default=LARGER)
    parser.add_argument("--evidence", type=int, default=LARGER_EVIDENCE)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        small = history(COMMITMENTS, EVIDENCE)
        taken = _first_times(stored(Path(folder) / "small", small), len(small))
        print(f"48 commitments, {len(small)} entries: {[f'{1000 * one:.1f}' for one in taken]} ms")
        entries = history(COMMITMENTS, EVIDENCE, chosen.entries)
        print(f"cold, {len(entries)} entries: {_seconds(lambda: cold(entries)):.2f} s")
        large = history(chosen.commitments, chosen.evidence)
        store = stored(Path(folder) / "large", large)
        if chosen.profile:
            profile = cProfile.Profile()
            profile.runcall(at, store.at(len(large)), len(large))
            pstats.Stats(profile).sort_stats("cumulative").print_stats(25)
        taken = _first_times(store, len(large))
        print(f"{chosen.commitments} commitments, {len(large)} entries: {[f'{1000 * one:.0f}' for one in taken]} ms")
        few = _middle(_grown(SqliteRecords(Path(folder) / "small" / "records.db"), len(small)))
        many = _middle(_grown(SqliteRecords(Path(folder) / "large" / "records.db"), len(large)))
        print(f"after each new entry: 48 in {1000 * few:.2f} ms, {chosen.commitments} in {1000 * many:.2f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Keeping entries: our journal in batches, tree and tiles included, against the event store as it comes.

Both write the same bytes to SQLite files on the same disk, durably. The library's own way is one aggregate,
one event, one `save`; ours is what the sequencer does with a hundred statements that wait.
"""

import os
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from benchmarks.limits import STATEMENT_BYTES, Limits, rate
from benchmarks.ratio import Ratio, alternate
from ledger.journal import Journal, Row
from ledger.tlog.merkle import Frontier, leaf_hash
from ledger.tlog.tiles import WIDTH, TileEdge, bundles_for_growth, format_bundle

BATCH = 100
STREAMS = 100
PUBLISH_EVERY_SECONDS = 0.05
TIME = b"2026-01-01T00:00:00.000Z\n"


def entry_bytes() -> bytes:
    """An entry of the usual size. Only its length matters here: nothing below reads what it says."""
    return TIME + os.urandom(STATEMENT_BYTES // 2).hex().encode()


def batches_with_tiles_to_one_save_an_event(folder: Path, limits: Limits) -> Ratio:
    """Journal append in batches of 100, leaf rows and tiles included / eventsourcing, one save an event."""
    del limits
    journal = Journal.open(folder / "journal.db", create=True)
    try:
        ours, peer = alternate(
            lambda: rate(_batches(journal, folder / "public")),
            lambda: rate(_saves(folder)),
        )
    finally:
        journal.close()
    return Ratio(
        name="journal",
        ours_is="entries kept in batches of 100, with leaf rows, tree and published tiles",
        ours=ours,
        peer_is="eventsourcing out of the box, one save an event",
        peer=peer,
        goal=12,
        fair="same bytes, same disk, every transaction synced on both sides",
    )


def _batches(journal: Journal, public: Path) -> Callable[[], int]:
    """A step that keeps one batch; what it grew is published every 50 ms, as the writer does under load."""
    leaves = list(journal.leaves(0, journal.size))
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    tiles = _Tiles(public, leaves, list(journal.read(journal.size - journal.size % WIDTH, journal.size)))
    published_at = time.monotonic()

    def step() -> int:
        nonlocal published_at
        entries = [entry_bytes() for _ in range(BATCH)]
        hashes = [leaf_hash(entry) for entry in entries]
        rows = [
            Row(entry, "CommentSubmitted", f"round/{n % STREAMS}", n // STREAMS + 1, sha256(entry).digest(), leaf)
            for n, (entry, leaf) in enumerate(zip(entries, hashes, strict=True), tree.size)
        ]
        for leaf in hashes:
            tree.append(leaf)
        journal.append(rows, tree.root())
        tiles.grow(entries, hashes)
        if time.monotonic() - published_at >= PUBLISH_EVERY_SECONDS:
            tiles.publish()
            published_at = time.monotonic()
        return BATCH

    return step


class _Tiles:
    """Tiles and bundles of a growing tree, each file synced before it gets its name."""

    def __init__(self, public: Path, leaves: list[bytes], last_entries: list[bytes]) -> None:
        self.public = public
        self.edge = TileEdge()
        self.edge.grow(leaves)
        self.size = len(leaves)
        self.entries = last_entries  # from the last full bundle on
        self.hashes: list[bytes] = []

    def grow(self, entries: list[bytes], hashes: list[bytes]) -> None:
        self.entries += entries
        self.hashes += hashes

    def publish(self) -> None:
        for tile, content in self.edge.grow(self.hashes):
            self._write(tile.path, content)
        begin = self.size - self.size % WIDTH
        for bundle in bundles_for_growth(self.size, self.edge.size):
            first = bundle.index * WIDTH - begin
            self._write(bundle.path, format_bundle(self.entries[first : first + bundle.width]))
        self.size = self.edge.size
        self.entries = self.entries[self.size - self.size % WIDTH - begin :]
        self.hashes = []

    def _write(self, path: str, content: bytes) -> None:
        target = self.public / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(target.name + ".new")
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)


# --- the library's own way --------------------------------------------------------------------------------


class _Round(Aggregate):
    @event("CommentSubmitted")
    def comment(self, entry: str) -> None:
        """The event carries the entry; the aggregate keeps nothing, which is the cheapest there is."""


def _saves(folder: Path) -> Callable[[], int]:
    """A step that saves one event with the library's own application, mapper and recorder."""
    name = folder / f"library-{time.monotonic_ns()}.db"
    application: Application[UUID] = Application(
        env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(name)}
    )
    rounds = [_Round() for _ in range(STREAMS)]
    application.save(*rounds)
    turn = 0

    def step() -> int:
        nonlocal turn
        turn += 1
        chosen = rounds[turn % STREAMS]
        chosen.comment(entry_bytes().decode())
        application.save(chosen)
        return 1

    return step

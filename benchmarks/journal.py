"""Keeping entries: our journal in batches, tree and tiles included, against the event store as it comes.

Both write the same bytes to SQLite files on the same disk, durably. The library's own way is an aggregate
with an event and one `save`; ours is what the sequencer does with a hundred statements that wait.
"""

import os
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate

from benchmarks.limits import STATEMENT_BYTES, Limits, rate
from benchmarks.ratio import Ratio, alternate
from ledger.journal import Journal, Row
from ledger.published import Folder
from ledger.tlog.merkle import Frontier, leaf_hash
from ledger.tlog.tiles import WIDTH, TileEdge, bundles_for_growth, format_bundle

BATCH = 100
PUBLISH_EVERY_SECONDS = 0.05
TIME = b"2026-01-01T00:00:00.000Z\n"


def entry_bytes() -> bytes:
    """An entry of the usual size. Only its length matters here: nothing below reads what it says."""
    return TIME + os.urandom(STATEMENT_BYTES // 2).hex().encode()


def batches_with_tiles_to_one_save_an_event(folder: Path, limits: Limits) -> Ratio:
    """Journal append in batches of 100, leaf rows and tiles included / eventsourcing, one save an event."""
    del limits
    ours, peer = alternate(lambda: _rate_of_batches(folder), lambda: rate(_saves(folder)))
    return Ratio(
        name="journal",
        ours_is="entries kept in batches of 100, with leaf rows, tree and published tiles",
        ours=ours,
        peer_is="eventsourcing out of the box, one save an event",
        peer=peer,
        goal=12,
        fair="same bytes, same disk, new files, every transaction synced; each entry in a stream of its own",
    )


def _rate_of_batches(folder: Path) -> float:
    """Entries a second into a new journal."""
    fresh = folder / f"ours-{time.monotonic_ns()}"
    fresh.mkdir()
    journal = Journal.open(fresh / "journal.db", create=True)
    try:
        return rate(_batches(journal, _Tiles(fresh / "public")))
    finally:
        journal.close()


def _batches(journal: Journal, tiles: "_Tiles") -> Callable[[], int]:
    """A step that keeps one batch; what it grew is published every 50 ms, as the writer does under load."""
    tree = Frontier()
    published_at = time.monotonic()

    def step() -> int:
        nonlocal published_at
        entries = [entry_bytes() for _ in range(BATCH)]
        hashes = [leaf_hash(entry) for entry in entries]
        identities = [sha256(entry[len(TIME) :]).digest() for entry in entries]
        rows = [
            Row(entry, "CommentSubmitted", f"ref/{identity.hex()}", 1, identity, leaf)
            for entry, identity, leaf in zip(entries, identities, hashes, strict=True)
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
    """Tiles and bundles of a growing tree, written as the log writes them."""

    def __init__(self, public: Path) -> None:
        self.folder = Folder(public)
        self.edge = TileEdge()
        self.size = 0
        self.entries: list[bytes] = []  # from the last full bundle on
        self.hashes: list[bytes] = []

    def grow(self, entries: list[bytes], hashes: list[bytes]) -> None:
        self.entries += entries
        self.hashes += hashes

    def publish(self) -> None:
        files = {tile.path: content for tile, content in self.edge.grow(self.hashes)}
        begin = self.size - self.size % WIDTH
        for bundle in bundles_for_growth(self.size, self.edge.size):
            first = bundle.index * WIDTH - begin
            files[bundle.path] = format_bundle(self.entries[first : first + bundle.width])
        self.folder.create_all(files)
        self.size = self.edge.size
        self.entries = self.entries[self.size - self.size % WIDTH - begin :]
        self.hashes = []


# --- the library's own way --------------------------------------------------------------------------------


class _Comment(Aggregate):
    """An aggregate of one event, which carries the entry: what a comment is to the journal."""

    def __init__(self, entry: str) -> None:
        self.entry = entry


def _saves(folder: Path) -> Callable[[], int]:
    """A step that saves one event with the library's own application, mapper and recorder, in a new database."""
    name = folder / f"library-{time.monotonic_ns()}.db"
    application: Application[UUID] = Application(
        env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(name)}
    )

    def step() -> int:
        application.save(_Comment(entry_bytes().decode()))
        return 1

    return step

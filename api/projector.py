"""The projector: one thread that folds what was published into the record store, so that readers never wait for it.

Woken after each publication; it reads up to 1,000 entries at a time by their index, folds them, and writes records and
position in one transaction. So the store is always exactly the record of its first `position` entries, also after a
kill. It is disposable: made anew when it is of another ledger or further than the log (a restored backup).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from consultation.desk import reopen
from ledger.errors import CannotRun
from projections.records import SqliteRecords
from projections.replay import evolve

BATCH = 1_000
PACE_SECONDS = 0.1

_logger = logging.getLogger("constancia.projector")


class Published(Protocol):
    """What the projector needs of the log."""

    @property
    def origin(self) -> str:
        """The ledger's origin."""
        ...

    @property
    def size(self) -> int:
        """How many entries are published."""
        ...

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of published entries."""
        ...


class Projector:
    """Keeps the records of one ledger up to date, in a thread of its own."""

    def __init__(self, log: Published, records: SqliteRecords) -> None:
        """Nothing happens before `start`."""
        self.records = records
        self.on_folded: list[Callable[[], None]] = []
        """Called in this thread after each commit; whoever is called does not wait."""
        self.failed: BaseException | None = None
        """Why folding stopped, if it did: the pages then stay at the last position."""
        self._log = log
        self._wake = threading.Event()
        self._closing = False
        self._folded = 0.0
        self._moved = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"projector {log.origin}", daemon=True)

    def start(self) -> None:
        """Begin to fold."""
        self._thread.start()

    def wake(self, *_: object) -> None:
        """There may be more to fold. Never waits."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the batch at hand, and close the store."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self.records.close()

    def wait(self, size: int, seconds: float) -> bool:
        """Wait until the first `size` entries are folded, at most so long; says whether they are."""
        deadline = time.monotonic() + seconds
        with self._moved:
            while self.records.position < size:
                left = deadline - time.monotonic()
                if left <= 0 or self.failed:
                    return False
                self._moved.wait(left)
        return True

    def _run(self) -> None:
        try:
            while not self._closing:
                self._wake.clear()
                while not self._closing and self.fold():
                    pass
                self._wake.wait(60)
                if time.monotonic() - self._folded < PACE_SECONDS and not self._closing:
                    # Under load fewer and larger batches: the writer needs the processor more than the pages do.
                    time.sleep(PACE_SECONDS)
        except Exception as error:
            # The record itself goes on: statements are taken and published. What is shown stands still, and
            # `/readyz` says so.
            _logger.exception("folding %s failed", self._log.origin)
            self.failed = error
            with self._moved:
                self._moved.notify_all()

    def fold(self) -> bool:
        """Fold the next batch; False when there is none."""
        position = self.records.position
        stop = min(position + BATCH, self._log.size)
        if position >= stop:
            return False
        for index, raw in enumerate(self._log.entries(position, stop), position):
            evolve(self.records, reopen(index, raw, self._log.origin))
        self.records.commit(stop)
        self._folded = time.monotonic()
        with self._moved:
            self._moved.notify_all()
        for callback in self.on_folded:
            callback()
        return True


def open_records(path: Path, log: Published, opened: Callable[[Path], SqliteRecords] = SqliteRecords) -> SqliteRecords:
    """The record store at `path`, made anew when it cannot be this log's. Raises CannotRun."""
    try:
        records = opened(path)
        if records.position <= log.size:
            return records
        _logger.warning("%s is further than the log; folding anew", path)
        records.close()
    except CannotRun as error:
        _logger.warning("%s; folding anew", error.detail)
    for part in path.parent.glob(path.name + "*"):
        part.unlink()
    return opened(path)

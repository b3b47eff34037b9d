"""Keeps the search of comments up to date: a thread of its own beside the projector's, so that the record never waits.

Woken when records were committed; it takes the comments that changed since the search's position, a few hundred at a
time, each as it is now (its record, and its text as far as the vault shows it), and commits them with their position.
After a kill it goes on from there. A text hidden between its publication and the next commit is masked by whoever asks
(`hidden_since`): it is not found from the moment at which the vault hides it.
"""

import logging
import threading
import time

from api.comments import filters_of, public
from api.record import Reader, View
from api.search import EVERY, Line, Search, fair_key, open_search, term, words_in
from ledger.statement import format_time
from projections.records import SqliteRecords
from projections.rounds import Comment

BATCH = 500
PACE_SECONDS = 0.2

_logger = logging.getLogger("constancia.search")


class Indexer:
    """Folds changed comments into the search of one ledger, in a thread of its own."""

    def __init__(self, reader: Reader, records: SqliteRecords) -> None:
        """Opens the search beside the records; nothing happens before `start`."""
        self.failed: BaseException | None = None
        """Why it stopped, if it did: lists then come without search, and say so."""
        self._reader = reader
        self._records = records
        self._path = records.path.with_name("search.db")
        self.search: Search = open_search(self._path, reader.ledger.origin, records.position)
        self._wake = threading.Event()
        self._rest = threading.Event()  # set when it ends: no rest then
        self._closing = False
        self._folded = 0.0
        self._thread = threading.Thread(target=self._run, name=f"indexer {reader.ledger.origin}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self, *_: object) -> None:
        """There may be more to take in. Never waits."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the batch at hand, and close the file."""
        self._closing = True
        self._rest.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self.search.close()

    def _run(self) -> None:
        try:
            while not self._closing:
                self._wake.clear()
                while not self._closing and self.fold():
                    # The writer, the projector and the pages need the processor more.
                    time.sleep(0.002)
                if self.search.unclean and not self._closing:
                    self._clean()
                else:
                    self._wake.wait(60)
                if time.monotonic() - self._folded < PACE_SECONDS:
                    self._rest.wait(PACE_SECONDS)  # under load fewer and larger batches
        except Exception as error:
            _logger.exception("the search of %s stands still", self._reader.ledger.origin)
            self.failed = error

    def _clean(self) -> None:
        """Nothing that was removed stays in the file. Somebody who withdraws one comment after the other gets a fifth
        of a processor for it, and no more."""
        begun = time.monotonic()
        self.search.clean()
        self._rest.wait(4 * (time.monotonic() - begun))

    def fold(self) -> bool:
        """Take in the next comments that changed; False when there are none. Raises sqlite3.Error."""
        upto = self._records.position
        position = self.search.position
        if position >= upto:
            return False
        changed = self._records.changed(Comment, position, upto, BATCH)
        view = self._reader.at()
        self.search.put([line_of(view, comment) for _, comment in changed])
        self._folded = time.monotonic()
        self.search.commit(changed[-1][0] if len(changed) >= BATCH else upto)
        return True


def line_of(view: View, comment: Comment) -> Line:
    """A comment as it is found: by its words as far as they are public now, and by what its record says."""
    filters = [term(name, value) for name, value in filters_of(view.ledger, comment)]
    key = fair_key(format_time(comment.received_ms), comment.identity)
    now = public(view, comment)
    words = [word for field in ("text", "name", "place") for word in words_in(now.said(field) or "")]
    return Line(comment.round, comment.nth - 1, comment.index, key, frozenset([EVERY, *filters, *words]))

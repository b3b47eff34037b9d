"""The monitor: an audit that goes on for ever, and says only what changes.

    follow_ledger(wanted, watch)     until it is told to stop; the exit code

Each round is an audit of what is new (`api.auditing`), with all that earlier rounds kept. A piece of news is one of

    grown          the ledger has more entries, all in order
    finding        something an honest ledger cannot have published; told once, with its evidence
    mended         a finding about files or texts that the newest round no longer has
    unreachable    the ledger cannot be read (told once, until it answers again)
    reachable      it answers again

and goes to the screen as a line, or as a JSON document a line with --json, and to the webhook. Freshness is part of the
audit: with a quorum of witnesses its last cosignature must be younger than `--max-age` (15 minutes if not given), since
a frozen view passes every other check. Once a day all texts are looked at again.

What cannot be delivered to the webhook is tried again with the next round, in order, up to `BACKLOG` pieces.
"""

import signal
import tempfile
import time
from collections import deque
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import httpcore2
import msgspec

from api.auditing import DAY, Wanted, opened_memory, run_audit
from api.evidence import write_evidence
from api.screen import screen
from ledger.errors import CannotRun
from ledger.statement import format_when

if TYPE_CHECKING:
    from projections.findings import Finding, Report
    from projections.kept import Kept

FRESH_WITHIN = 900
BACKLOG = 1_000
_SECONDS = {"connect": 5.0, "read": 10.0, "write": 10.0, "pool": 5.0}

Place = tuple[str, int | None, str | None, str | None]


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """How to keep watch: a round every so many seconds, and where news goes."""

    every: int = 60
    webhook: str | None = None
    exit_on_finding: bool = False


class News(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One piece of news. `at` is the monitor's clock, UTC; `size` the newest size that it has verified."""

    event: Literal["grown", "finding", "mended", "unreachable", "reachable"]
    at: str
    ledger: str
    size: int
    es: str
    en: str
    finding: "Finding | None" = None


class Monitor:
    """What a monitor has told so far."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._size = 0
        self._standing: dict[Place, Finding] = {}
        self._reachable = True

    def news_of(self, report: "Report", at: str) -> list[News]:
        """What a round's report brings that was not told yet."""
        found = {_place(each): each for each in report.findings}
        news = [self._answers(at)] if not self._reachable else []
        self._reachable = True
        clean = not found
        if report.size > self._size and clean:
            news.append(self._grown(report, at))
        self._size = max(self._size, report.size)
        news += [self._of("finding", at, each) for place, each in found.items() if place not in self._standing]
        news += [self._of("mended", at, each) for place, each in self._standing.items() if place not in found]
        self._standing = found
        return news

    def no_answer(self, error: CannotRun, at: str) -> list[News]:
        """The ledger could not be read in a round."""
        if not self._reachable:
            return []
        self._reachable = False
        return [News(event="unreachable", at=at, ledger=self._where, size=self._size, es=error.es, en=error.detail)]

    def _answers(self, at: str) -> News:
        es, en = "El registro contesta de nuevo.", "The ledger answers again."
        return News(event="reachable", at=at, ledger=self._where, size=self._size, es=es, en=en)

    def _grown(self, report: "Report", at: str) -> News:
        more = report.size - max(self._size, report.kept)
        es = f"{report.size:,} asientos en orden; nuevos: {more:,}."
        en = f"{report.size:,} entries in order; new: {more:,}."
        return News(event="grown", at=at, ledger=self._where, size=report.size, es=es, en=en)

    def _of(self, event: Literal["finding", "mended"], at: str, finding: "Finding") -> News:
        es, en = (
            (finding.es, finding.en)
            if event == "finding"
            else (
                f"Está en orden de nuevo. Antes: {finding.es}",
                f"In order again. Before: {finding.en}",
            )
        )
        return News(event=event, at=at, ledger=self._where, size=self._size, es=es, en=en, finding=finding)


def _place(finding: "Finding") -> Place:
    return finding.kind, finding.index, finding.path, finding.rule


def follow_ledger(wanted: Wanted, watch: Watch) -> int:
    """Keep watch until a signal ends it: 0, or 1 when something is wrong as it ends. Raises CannotRun at the start.

    With `exit_on_finding` it ends with 1 at the first finding.
    """
    if wanted.max_age is None:
        wanted = msgspec.structs.replace(wanted, max_age=FRESH_WITHIN)
    monitor = Monitor(wanted.where)
    courier = Courier(watch.webhook)
    screen.note(
        f"Vigilando {wanted.where} cada {watch.every} s; Ctrl-C termina.",
        f"Watching {wanted.where} every {watch.every} s; Ctrl-C ends it.",
    )
    wrong = False
    texts_at = 0.0
    # Without a folder to keep it in, what was verified is kept for as long as the watch lasts.
    with ExitStack() as closing:
        told = closing.enter_context(told_to_stop())
        if wanted.trusted is None:
            folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="constancia-"))
            wanted = msgspec.structs.replace(wanted, trusted=Path(folder))
        kept = closing.enter_context(opened_memory(wanted.trusted))
        while not told.told:
            at = format_when(int(time.time()) * 1000)
            daily = time.time() - texts_at > DAY
            try:
                report = _round(wanted, kept, every_text=daily)
            except CannotRun as error:
                news = monitor.no_answer(error, at)
            else:
                texts_at = time.time() if daily else texts_at
                wrong = not report.clean
                news = monitor.news_of(report, at)
                if wrong and wanted.evidence and any(each.event == "finding" for each in news):
                    write_evidence(report, wanted.evidence / at.replace(":", ""))
            for each in news:
                _tell(each)
                courier.take(each)
            courier.deliver()
            if wrong and watch.exit_on_finding:
                break
            told.wait(watch.every)
    return 1 if wrong else 0


def _round(wanted: Wanted, kept: "Kept", *, every_text: bool) -> "Report":
    """One audit, without its progress: a monitor speaks of what changes."""
    quiet, screen.quiet = screen.quiet, True
    try:
        return run_audit(wanted, kept, every_text=every_text)
    finally:
        screen.quiet = quiet


def _tell(news: News) -> None:
    """One line for people, or one JSON document for programs."""
    if screen.as_json:
        print(msgspec.json.encode(news).decode(), flush=True)
        return
    marks = {"finding": ("✗", "bold red"), "mended": ("✓", "green"), "unreachable": ("!", "yellow")}
    mark, style = marks.get(news.event, ("·", ""))
    kind = f"{news.finding.kind}: " if news.finding else ""
    screen.line(f"{news.at} {mark} {kind}{screen.pick(news.es, news.en)}", style=style)


class Courier:
    """Takes news to a webhook, each as one JSON document by POST; what is not taken there waits for the next time."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._waiting: deque[bytes] = deque(maxlen=BACKLOG)
        self._pool = httpcore2.ConnectionPool(max_connections=1)

    def take(self, news: News) -> None:
        """Have a piece of news delivered."""
        if self._url is not None:
            self._waiting.append(msgspec.json.encode(news))

    def deliver(self) -> None:
        """Deliver what waits, in order, until one is not taken."""
        while self._waiting:
            if not self._delivered(self._waiting[0]):
                screen.note(
                    f"{self._url} no recibió una novedad; se intenta de nuevo en la próxima vuelta.",
                    f"{self._url} did not take a piece of news; it is tried again in the next round.",
                )
                return
            self._waiting.popleft()

    def _delivered(self, body: bytes) -> bool:
        headers = [("content-type", "application/json"), ("user-agent", "constancia-monitor/1")]
        try:
            answer = self._pool.request(
                "POST", str(self._url), headers=headers, content=body, extensions={"timeout": _SECONDS}
            )
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError):
            return False
        return 200 <= answer.status < 300


class Told:
    """Whether a signal has told us to stop.

    Not a threading.Event: to set one takes its lock, and a signal may come while the same thread holds it in `wait`.
    """

    def __init__(self) -> None:
        self.told = False

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until told; says whether it was told."""
        until = time.monotonic() + seconds
        while not self.told and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
        return self.told


@contextmanager
def told_to_stop() -> Generator[Told]:
    """Told by SIGINT or SIGTERM: the round at hand is finished, unless a second one says not to wait for that.

    Either way nothing is lost: what a round has verified is committed as it goes.
    """
    told = Told()

    def tell(_number: int, _frame: object) -> None:
        if told.told:
            raise KeyboardInterrupt
        told.told = True

    before = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

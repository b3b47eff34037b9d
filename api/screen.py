"""The terminal: what the command says, in the reader's language, to people or to programs.

One process has one terminal, so there is one `screen`. Results go to standard output, all else (progress, advice,
errors) to standard error; `--json` leaves nothing but one JSON document on standard output, `--quiet` silences what is
neither result nor error. Every sentence is written twice where it is said, Spanish first:

    screen.say("Listo.", "Done.")
    raise CannotRun(
        "El puerto está ocupado.", "The port is taken.", "Elija otro con --port.", "Choose another with --port."
    )

The reader's language is `--lang`, or else what LC_ALL, LC_MESSAGES or LANG says; Spanish unless that is English.
"""

import os
import sys
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal, TextIO

import msgspec

from ledger.errors import CannotRun

if TYPE_CHECKING:
    from rich.console import Console

Lang = Literal["es", "en"]

# Plain progress lines, where no bar can be drawn, come no more often than this (seconds).
PLAIN_EVERY = 5.0


def language(arguments: Sequence[str], environment: Mapping[str, str]) -> Lang:
    """The language of a command line and its environment. The last `--lang` counts, wherever it stands."""
    found = ""
    for at, word in enumerate(arguments):
        if word == "--":
            break
        if word.startswith("--lang="):
            found = word.removeprefix("--lang=")
        elif word == "--lang" and at + 1 < len(arguments):
            found = arguments[at + 1]
    if not found:
        found = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), "")
    return "en" if found.lower().startswith("en") else "es"


class Screen:
    """Where the command speaks. `lang`, `quiet`, `as_json` and `debug` are set from the command line."""

    def __init__(self) -> None:
        self.lang: Lang = "es"
        self.quiet = False
        self.as_json = False
        self.debug = False

    # --- words

    def pick(self, es: str, en: str) -> str:
        """The sentence in the reader's language."""
        return es if self.lang == "es" else en

    # --- consoles: made when first needed, because rich takes time to load

    def console(self, stream: TextIO | None = None) -> "Console":
        """A console on standard output, or on the stream given."""
        from rich.console import Console

        return Console(file=stream or sys.stdout, highlight=False, soft_wrap=True)

    def say(self, es: str, en: str, *, style: str = "") -> None:
        """A line of the result, for people."""
        if not self.as_json:
            self.line(self.pick(es, en), style=style)

    def line(self, text: str = "", *, style: str = "") -> None:
        """A line of the result as it is, on standard output. No markup: what strangers wrote may look like it."""
        if self.as_json:
            return
        self.console().print(printable(text), style=style or None, markup=False)

    def note(self, es: str, en: str, *, style: str = "dim") -> None:
        """A remark on standard error: advice, what is being done."""
        if not self.quiet:
            self.console(sys.stderr).print(printable(self.pick(es, en)), style=style, markup=False)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
        """A table of the result; columns that start with `>` stand at the right, as numbers do.

        Where nobody looks at a terminal, plain lines with tabs: programs cut those.
        """
        if self.as_json:
            return
        if not sys.stdout.isatty():
            if title:
                print(title)
            for row in [[name.lstrip(">") for name in columns], *rows]:
                print("\t".join(printable(cell) for cell in row))
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        drawn = Table(
            title=title or None, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False
        )
        for name in columns:
            drawn.add_column(name.lstrip(">"), justify="right" if name.startswith(">") else "left", overflow="fold")
        for row in rows:
            drawn.add_row(*[Text(printable(cell)) for cell in row])
        self.console().print(drawn, soft_wrap=False)

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Names and values, one to a line, values in a column."""
        if self.as_json:
            return
        listed = list(pairs)
        width = max((len(name) for name, _ in listed), default=0)
        for name, value in listed:
            self.line(f"{name.ljust(width)}  {value}")

    def json(self, value: object) -> None:
        """The JSON document of the result."""
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n")
        sys.stdout.flush()

    # --- errors

    def fail(self, what: str, next_step: str = "") -> None:
        """An error on standard error: what and where, then what to do next."""
        console = self.console(sys.stderr)
        console.print(f"{self.pick('Error', 'Error')}: {printable(what)}", style="bold red", markup=False)
        if next_step:
            console.print(printable(next_step), markup=False)

    def cannot(self, error: CannotRun) -> None:
        """Say why we cannot go on."""
        self.fail(self.pick(error.es, error.detail), self.pick(error.advice_es, error.advice))

    # --- progress

    @contextmanager
    def progress(self, es: str, en: str, total: int | None = None) -> "Generator[Progress]":
        """A bar on standard error with count, rate and time left; plain lines where that is no terminal."""
        shown = Progress(self.pick(es, en), total, quiet=self.quiet)
        with shown:
            yield shown


class Progress:
    """How far a long piece of work has come. `at(done)` or `at(done, total)` moves it."""

    def __init__(self, title: str, total: int | None, *, quiet: bool) -> None:
        self.title = title
        self.total = total
        self.done = 0
        self._quiet = quiet
        self._began = self._told = time.monotonic()
        self._bar: _Bar | None = None

    def __enter__(self) -> "Progress":
        if not self._quiet and sys.stderr.isatty():
            self._bar = _Bar(self.title, self.total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.close()
        elif not self._quiet and self.done:
            self._tell(last=True)

    def at(self, done: int, total: int | None = None) -> None:
        """So many are done (of so many)."""
        self.done = done
        self.total = self.total if total is None else total
        if self._bar:
            self._bar.move(self.done, self.total)
        elif not self._quiet and time.monotonic() - self._told >= PLAIN_EVERY:
            self._tell()

    def step(self) -> None:
        """One more is done."""
        self.at(self.done + 1)

    def _tell(self, *, last: bool = False) -> None:
        self._told = time.monotonic()
        seconds = max(self._told - self._began, 1e-6)
        rate = self.done / seconds
        of = f"/{self.total}" if self.total else ""
        rest = f", {format_seconds((self.total - self.done) / rate)}" if self.total and rate and not last else ""
        took = f", {seconds:.1f} s" if last else rest
        # Of what took no time to speak of, a rate says nothing.
        speed = f"{rate:,.0f}/s" if seconds >= 0.02 else ""
        print(f"{self.title}: {self.done}{of} ({(speed + took).lstrip(', ')})", file=sys.stderr, flush=True)


class _Bar:
    """The bar on a terminal."""

    def __init__(self, title: str, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            ProgressColumn,
            Task,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import (
            Progress as RichProgress,
        )
        from rich.text import Text

        class Rate(ProgressColumn):
            def render(self, task: Task) -> Text:
                speed = task.finished_speed or task.speed
                return Text(f"{speed:,.0f}/s" if speed else "")

        self._drawn = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._drawn.add_task(title, total=total)
        self._drawn.start()

    def move(self, done: int, total: int | None) -> None:
        self._drawn.update(self._task, completed=done, total=total)

    def close(self) -> None:
        self._drawn.stop()


def printable(text: str) -> str:
    """The text without characters that would steer a terminal: each stands as its number, line feeds and tabs stay."""
    return "".join(
        char if char in "\n\t" or (char.isprintable() and char not in _TURNING) else f"\\u{ord(char):04x}"
        for char in text
    )


# Marks that turn the reading order.
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def format_seconds(seconds: float) -> str:
    """A span for people: `4 s`, `2 min 10 s`."""
    whole = int(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def format_moment(ms: int, offset_minutes: int = 0) -> str:
    """A moment in a ledger's local time, with the offset: `2026-02-16 06:00:00 −06:00`."""
    zone = UTC if not offset_minutes else timezone(timedelta(minutes=offset_minutes))
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
    sign, minutes = ("−" if offset_minutes < 0 else "+"), abs(offset_minutes)
    shown = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" if offset_minutes else "UTC"
    return f"{local:%Y-%m-%d %H:%M:%S} {shown}"


def color_wanted() -> bool:
    """Whether colour is for this terminal."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


screen = Screen()
"""The terminal of this process."""

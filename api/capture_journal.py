"""The journal of a capturer: what was signed on this machine, and what became of it.

    with open_journal(Path("archive/journal.jsonl")) as journal:     for this process alone
        journal.add(Line(identity=…, note=…, …))      before it is sent: from here on it is never signed again
        journal.add(Line(identity=…, index=812, …))   what the ledger made of it

One JSON object a line, only ever added to, each line synced before anything else is done. The last line may be torn by
a power cut; what it would have said was not yet sent, so it is cut off. Two lines tell of one statement:

    {"identity":"…","origin":"constancia.example/gt","link":"…","kind":"EvidenceCaptured","ms":…,"note":"…"}
    {"identity":"…","index":812,"receipt":"…"}         or   {"identity":"…","refused":"stale (A9): …"}
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ledger.errors import CannotRun, reason


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the journal: a note that was signed, or what became of one."""

    identity: str
    origin: str = ""
    link: str = ""
    kind: str = ""
    ms: int = 0  # when what the note says was seen
    note: str = ""
    index: int | None = None
    receipt: str = ""
    refused: str = ""


class Journal:
    """What was signed on this machine, and what became of it: JSON lines, only ever added to, each synced."""

    def __init__(self, path: Path) -> None:
        """Use `open_journal`."""
        self._path = path
        raw = path.read_bytes() if path.exists() else b""
        whole = raw.rpartition(b"\n")[0] + b"\n" if b"\n" in raw else b""
        if whole != raw:  # a line that was being written when the machine stopped: what it says was not sent
            with path.open("r+b") as file:
                file.truncate(len(whole))
        self.lines = [self._parsed(line, number) for number, line in enumerate(whole.splitlines(), 1)]

    def _parsed(self, line: bytes, number: int) -> Line:
        try:
            return msgspec.json.decode(line, type=Line)
        except msgspec.MsgspecError:
            raise CannotRun(
                f"{self._path}, línea {number}: no es una línea de este diario.",
                f"{self._path}, line {number}: no line of this journal.",
                "Muévalo a otro lugar: lo registrado está en el registro; lo firmado y no enviado se firmará otra vez.",
                "Move it away: what is registered is in the ledger; what was signed and not sent will be signed again.",
            ) from None

    def add(self, line: Line) -> None:
        """Write a line; it is on the disk when this returns. Raises CannotRun."""
        try:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            why_es, why_en = reason(error)
            raise CannotRun(
                f"No se puede escribir en {self._path}: {why_es}.",
                f"{self._path} cannot be written to: {why_en}.",
                "Libere espacio o dé otro lugar con --journal, y repita la orden: sigue donde quedó.",
                "Free some space or give another place with --journal, and run the command again: it goes on.",
            ) from error
        self.lines.append(line)

    def pending(self, origin: str) -> list[Line]:
        """Notes that were signed for a ledger, of which nobody knows whether they are registered."""
        settled = {line.identity for line in self.lines if not line.note}
        return [line for line in self.lines if line.note and line.origin == origin and line.identity not in settled]

    def done(self, origin: str, kind: str) -> dict[str, int]:
        """Link -> when this machine last saw what it signed of it as `kind`, and which was not refused."""
        refused = {line.identity for line in self.lines if line.refused}
        mine = [line for line in self.lines if (line.origin, line.kind) == (origin, kind)]
        return {line.link: line.ms for line in mine if line.identity not in refused}


@contextmanager
def open_journal(path: Path) -> Generator[Journal]:
    """The journal in a file, for this process alone. Raises CannotRun."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        why_es, why_en = reason(error)
        raise CannotRun(
            f"No se puede escribir junto a {path}: {why_es}.",
            f"Beside {path} nothing can be written: {why_en}.",
            "Dé otro lugar con --journal.",
            "Give another place with --journal.",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Journal(path)
    except BlockingIOError:
        raise CannotRun(
            f"Otra captura trabaja ya con {path}.",
            f"Another capture is at work with {path} already.",
            "Espere a que termine: las dos harían lo mismo.",
            "Wait until it has ended: both would do the same.",
        ) from None
    finally:
        os.close(lock)

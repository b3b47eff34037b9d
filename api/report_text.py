"""A report file as lines, and its lines as blocks: headings, table cells, prose.

The file is UTF-8 text, or a .docx (`api.docx_text`). In both a table cell begins with a line that starts with TAB and
runs to the next TAB line, to a section heading, or to a gap of CELL_GAP blank lines: the space that a table leaves on
the page.

    blocks_of(["1. CREATION PROCESS OF THE PLAN", "The plan was sent.", "\tNo.", "\tPlace"])
    # heading, prose, cell, cell
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from api.docx_text import BadDocument, docx_text
from ledger.errors import CannotRun

MAX_BYTES: Final = 32 * 1024 * 1024
"""A larger file is not read: the one known report has 200 KB, a scanned one would be binary."""

CELL_GAP: Final = 5
"""So many blank lines end a cell. Inside the cells of the known report there are never more than three."""


class CannotRead(CannotRun):
    """The file is not a report that this program can read.

    `reason` says what was found and `expected` what to give instead, one clause each, in English; `reason_es` and
    `expected_es` say the same in Spanish.
    """

    def __init__(self, reason: str, reason_es: str, expected: tuple[str, str]) -> None:
        """`expected` in English and in Spanish."""
        super().__init__(f"{reason_es}; se esperaba {expected[1]}.", f"{reason}; expected {expected[0]}.")
        self.reason = reason
        self.reason_es = reason_es
        self.expected, self.expected_es = expected


# --- bytes to text ----------------------------------------------------------------------------------------------------

_FILE_EXPECTED: Final = (
    "a UTF-8 text file or a .docx of a self-assessment",
    "un archivo de texto en UTF-8 o un .docx de una autoevaluación",
)
_UTF_8_EXPECTED: Final = ("the same text saved as UTF-8", "el mismo texto guardado como UTF-8")
_SIZE_EXPECTED: Final = (f"at most {MAX_BYTES}", f"{MAX_BYTES} a lo sumo")


def read_text(raw: bytes) -> str:
    """The text of a report file (UTF-8, or a .docx).

    Raises CannotRead for anything else: empty, too large, binary, another encoding, a damaged archive.
    """
    if not raw.strip():
        raise CannotRead("the file is empty", "el archivo está vacío", _FILE_EXPECTED)
    if len(raw) > MAX_BYTES:
        raise CannotRead(f"the file has {len(raw)} bytes", f"el archivo tiene {len(raw)} bytes", _SIZE_EXPECTED)
    if raw.startswith(b"PK\x03\x04"):
        try:
            return docx_text(raw, gap=CELL_GAP, limit=MAX_BYTES)
        except BadDocument as error:
            raise CannotRead(str(error), error.es, _FILE_EXPECTED) from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CannotRead("the file is UTF-16", "el archivo está en UTF-16", _UTF_8_EXPECTED)
    if b"\x00" in raw:
        at = raw.index(0)
        raise CannotRead(
            f"the file is binary (NUL at byte {at})", f"el archivo es binario (NUL en el byte {at})", _FILE_EXPECTED
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"(byte {error.start}: 0x{raw[error.start]:02x})"
        raise CannotRead(
            f"the file is not UTF-8 {where}", f"el archivo no está en UTF-8 {where}", _UTF_8_EXPECTED
        ) from error


# --- text to blocks ---------------------------------------------------------------------------------------------------

_BOOKMARK = re.compile(r"\[bookmark: [^\]]*\]")
_HEADING = re.compile(r"(?:(\d{1,2}(?:\.\d{1,2})*)\.?\s+)?(\S.*)")
BULLETS: Final = "·•▪‣-–"


class Block(msgspec.Struct, frozen=True):
    """A heading, a cell or a line of prose, as a list of (line number, line without bookmarks)."""

    kind: Literal["heading", "cell", "prose"]
    lines: tuple[tuple[int, str], ...]

    @property
    def text(self) -> str:
        return tidy(line for _, line in self.lines)

    @property
    def flat(self) -> str:
        """The text on one line."""
        return " ".join(self.text.split())

    @property
    def first(self) -> int:
        return self.lines[0][0]

    @property
    def last(self) -> int:
        """The last line that holds something: the blank ones after it belong to nobody."""
        return max((number for number, line in self.lines if line.strip()), default=self.first)


def tidy(lines: Iterable[str]) -> str:
    """Lines without margins, without bullets that introduce nothing, without runs of blank lines."""
    kept: list[str] = []
    for line in lines:
        stripped = line.strip()
        if stripped in BULLETS:
            stripped = ""
        if stripped or (kept and kept[-1]):
            kept.append(stripped)
    return "\n".join(kept).strip()


def parse_heading(line: str, inside_cell: bool) -> tuple[str, str] | None:
    """(number, title) of a section heading: mostly capitals; inside a cell only with a number."""
    match = _HEADING.fullmatch(_BOOKMARK.sub("", line).strip())
    if match is None or (inside_cell and match[1] is None):
        return None
    title = " ".join(match[2].split())
    letters = [c for c in title if c.isalpha()]
    capitals = sum(c.isupper() for c in letters)
    if len(title.split()) < 3 or capitals * 5 < len(letters) * 4:
        return None
    return match[1] or "", title.rstrip(":")


def blocks_of(lines: Sequence[str]) -> list[Block]:
    """The blocks of a text, in order. Blank lines belong to the cell above them, or to nobody."""
    found: list[Block] = []
    cell: list[tuple[int, str]] = []
    blanks = 0

    def close() -> None:
        if cell:
            found.append(Block("cell", tuple(cell)))
            cell.clear()

    for number, raw in enumerate(lines, 1):
        line = _BOOKMARK.sub("", raw)
        if raw.startswith("\t"):
            # Several TABs on one line are several cells.
            for text in line[1:].split("\t"):
                close()
                cell.append((number, text))
        elif not line.strip():
            blanks += 1
            if cell:
                cell.append((number, ""))
            continue
        elif parse_heading(raw, inside_cell=bool(cell)) is not None:
            close()
            found.append(Block("heading", ((number, line),)))
        elif cell and blanks < CELL_GAP:
            cell.append((number, line))
        else:
            close()
            found.append(Block("prose", ((number, line),)))
        blanks = 0
    close()
    return found

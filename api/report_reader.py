"""A published self-assessment, read as it is printed: blocks of text (`api.report_text`) -> printed facts.

* A commitment is a table: a numbered title cell, then pairs of label cell and value cell. The template varies from
  table to table, so labels match by prefix and in any order, rows may be missing and values may stand in odd places;
* The level is the column of the one cell marked X below the four printed levels.

Nothing is repaired: a missing row is an absent field, a misplaced text stays in the row where it is printed, and both
are written down as a `Note`. Every line of the file gets exactly one `Use`; what no fact holds is listed as unread.

    printed = read_report(open("report.txt", "rb").read())
    printed.tables[0].level             # "complete"
    printed.tables[0].fields["post"]    # Field(text=..., first=195, last=195)

This module states what is printed. What it means in the vocabulary of the ledger is `api.importer`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from api.report_text import BULLETS, Block, CannotRead, blocks_of, parse_heading, read_text, tidy

Letter = Literal["G", "C"]
Use = Literal["blank", "heading", "table", "fact", "left-out", "narrative", "unread"]
"""What became of a line: `table` = label or empty cell of a table that was read; `left-out` = a name, e-mail or
telephone that must not enter the record; `narrative` = prose that states no fact of the catalogue."""


class Date(msgspec.Struct, frozen=True, omit_defaults=True):
    """A printed date with its precision; `day` is the first day of the span, absent when precision is none."""

    precision: Literal["day", "month", "year", "none"]
    day: str | None = None


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something missing or odd, for the import report: a stable code, the line (1-based), and what was printed."""

    code: str
    line: int
    detail: str = ""


class Field(msgspec.Struct, frozen=True):
    """The value of one row: its text without the margins, its first and last line."""

    text: str
    first: int
    last: int


class Link(msgspec.Struct, frozen=True):
    """An address as printed (`raw`) and as it can be linked (`url`)."""

    line: int
    raw: str
    url: str


class Others(msgspec.Struct, frozen=True):
    """The row "Other actors involved", by the label each name stands under."""

    government: tuple[str, ...] = ()
    civil: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()


class Table(msgspec.Struct, frozen=True):
    """One commitment as printed. `fields` holds the rows that are there; an empty row has the text ''."""

    letter: Letter
    number: int
    title: str
    section: str
    first: int
    last: int
    fields: Mapping[str, Field]
    others: Others
    level: str | None
    mechanisms: tuple[Field, ...]
    links: tuple[Link, ...]
    missing: tuple[str, ...]
    empty: tuple[str, ...]
    notes: tuple[Note, ...]

    @property
    def name(self) -> str:
        """`G8`, `C22`."""
        return f"{self.letter}{self.number}"


class Paragraph(msgspec.Struct, frozen=True):
    """A line of prose in a section."""

    line: int
    text: str


class Section(msgspec.Struct, frozen=True):
    """A heading and what stands below it outside the tables of commitments: its lines, and which of them are cells."""

    number: str
    title: str
    line: int
    paragraphs: tuple[Paragraph, ...]
    cells: tuple[Field, ...]

    @property
    def label(self) -> str:
        """How a statement names the section: its printed number, or its title where it has none."""
        return self.number or self.title


class Meeting(msgspec.Struct, frozen=True):
    """A row of the table of committee meetings."""

    number: int
    place: str
    date: Date
    words: str
    line: int


class Comment(msgspec.Struct, frozen=True):
    """A comment of the consultation, without its sender. `local` is the printed minute, `YYYY-MM-DDTHH:MM`."""

    number: int
    local: str
    text: str
    line: int


class MeasureTable(msgspec.Struct, frozen=True):
    """A table of figures printed as plain lines: dated columns of whole numbers by row."""

    caption: str
    dates: tuple[Date, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    totals: tuple[int, ...]
    first: int
    last: int


class Printed(msgspec.Struct, frozen=True):
    """Everything that the report prints and that this program can name."""

    source: str
    lines: tuple[str, ...]
    uses: tuple[Use, ...]
    sections: tuple[Section, ...]
    tables: tuple[Table, ...]
    meetings: tuple[Meeting, ...]
    comments: tuple[Comment, ...]
    measures: tuple[MeasureTable, ...]
    names: tuple[str, ...]
    notes: tuple[Note, ...]

    def section(self, words: str) -> Section | None:
        """The first section whose title contains `words`, in capitals or not."""
        return next((s for s in self.sections if words.casefold() in s.title.casefold()), None)


# --- one table --------------------------------------------------------------------------------------------------------

_TITLE = re.compile(r"(\d{1,3})\s*\.\s*(\S.*)", re.DOTALL)

# Row name -> how its label begins (spaces collapsed, lower case). First fit wins, so results stand before description.
_LABELS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("institution", ("secretariat/ministry",)),
    ("person", ("name of the person responsible",)),
    ("others", ("other actors",)),
    ("objective", ("main objective",)),
    ("results", ("description of the results",)),
    ("description", ("description of the", "brief description of the")),
    ("date", ("date of completion", "completion date")),
    ("next_steps", ("next steps",)),
    ("further", ("additional information",)),
)
# Labels of one word: the word must stand alone on the first line, or half the values would be labels.
_SHORT_LABELS: Final = {
    "position": "post",
    "email": "email",
    "e-mail": "email",
    "telephone": "telephone",
    "relevance": "relevance",
    "ambition": "ambition",
    "compliance": "compliance",
}
ROWS: Final = (
    "institution", "person", "post", "email", "telephone", "others", "objective", "description", "relevance",
    "ambition", "compliance", "results", "date", "next_steps", "further",
)  # fmt: skip
"""The rows of the template, in its order."""

TEXT_ROWS: Final = ("objective", "description", "relevance", "ambition", "results")
PRIVATE_ROWS: Final = ("person", "email", "telephone")

# The usual words of each label. Another wording is read all the same, and noted.
_USUAL: Final = {
    "institution": ("secretariat/ministry responsible",),
    "others": ("other actors involved",),
    "description": ("description of the commitment", "brief description of the commitment"),
    "results": ("description of the results",),
    "relevance": ("relevance",),
    "ambition": ("ambition",),
    "date": ("completion date", "date of completion"),
}

_LEVELS: Final = {
    "not begun": "not_started",
    "not started": "not_started",
    "limited": "limited",
    "considerable": "substantial",
    "substantial": "substantial",
    "complete": "complete",
}
_MARKS: Final = ("X", "x", "✓", "✔", "☒")
_CIVIL_LABEL = re.compile(r"(?:civil society|society civil)(?:,? private(?: initiative\b.*)?)?", re.IGNORECASE)
_LINK = re.compile(r"https?://\S+", re.IGNORECASE)
_BARE_LINK = re.compile(r"(?<![/\w.@])www\.[\w.-]+", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MECHANISMS = re.compile(r"compliance mechanisms\b.*:$", re.IGNORECASE)
_NUMBERED = re.compile(r"\d{1,2}\s*[.)]\s*(\S.*)")


def _label(block: Block) -> str | None:
    flat = block.flat.casefold()
    lines = block.text.split("\n")
    short = _SHORT_LABELS.get(lines[0].strip(" .:").casefold())
    if short is not None:
        return short
    return next((name for name, starts in _LABELS if flat.startswith(starts)), None)


def parse_link(raw: str) -> str | None:
    """The address to link for a printed one: closing punctuation dropped, HTML entities resolved once, the rest that
    is not printable ASCII percent-encoded. None if that is no http(s) address of 8 to 2,048 bytes."""
    url = _ENTITY.sub(lambda m: unescape(m[0]), raw.rstrip(").,;"))
    url = quote(url, safe="".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in '"<>\\'))
    return url if 8 <= len(url) <= 2048 and _LINK.fullmatch(url) else None


_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH: Final = r"(?P<month>" + "|".join(_MONTHS) + r")"
_DATES: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:[^\W\d]+,\s*)?{_MONTH}\s+(?P<day>\d{{1,2}})\s*,\s*(?P<year>\d{{4}})",
        rf"(?:[^\W\d]+,\s*)?(?P<day>\d{{1,2}})\s+{_MONTH}\s*,?\s*(?P<year>\d{{4}})",
        rf"{_MONTH}\s*,?\s*(?P<year>\d{{4}})",
        r"(?P<year>\d{4})",
        r"(?P<day>\d{1,2})[-/](?P<number>\d{1,2})[-/](?P<year>\d{4})",
    )
)
_DATE_INSIDE = re.compile(rf"{_MONTH}\s*,?\s+(?:\d{{1,2}}\s*,\s*)?\d{{4}}", re.IGNORECASE)
_DAYS_IN: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parse_date(text: str) -> Date | None:
    """A date that fills the whole text (`July 2015`, `Guatemala, July 1,  2015`, `31-5-2014`, `2016`), else None.

    A place before a full date is passed over; a sentence that merely contains a date is no date."""
    flat = " ".join(text.split()).rstrip(".")
    for pattern in _DATES:
        match = pattern.fullmatch(flat)
        if match is None:
            continue
        part = match.groupdict()
        month = part.get("number") or (str(_MONTHS.index(part["month"].casefold()) + 1) if part.get("month") else None)
        return _date(int(part["year"]), int(month) if month else None, int(part["day"]) if part.get("day") else None)
    return None


def _date(year: int, month: int | None, day: int | None) -> Date | None:
    if year < 1 or (month is not None and not 1 <= month <= 12):
        return None
    if month is None:
        return Date("year", f"{year:04d}-01-01")
    if day is None:
        return Date("month", f"{year:04d}-{month:02d}-01")
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _DAYS_IN[month - 1] + leap:
        return None
    return Date("day", f"{year:04d}-{month:02d}-{day:02d}")


class _TableReader:
    """Reads the cells of one commitment; keeps notes of what is odd and of what became of every line."""

    def __init__(self, letter: Letter, section: str, title: Block, cells: Sequence[Block]) -> None:
        self._letter: Letter = letter
        self._section = section
        self._title = title
        self._cells = cells
        self._notes: list[Note] = []
        self._uses: dict[int, Use] = {}
        self._fields: dict[str, Field] = {}
        self._others = Others()
        self._level: str | None = None

    def read(self) -> tuple[Table, dict[int, Use]]:
        self._use(self._title, "fact")
        for name, label, values in self._rows():
            self._read_row(name, label, values)
        match = _TITLE.match(self._title.flat)
        if match is None:
            raise AssertionError("a table is only opened at a numbered title")
        links = self._links()
        table = Table(
            letter=self._letter,
            number=int(match[1]),
            title=match[2],
            section=self._section,
            first=self._title.first,
            last=max(block.last for block in (self._title, *self._cells)),
            fields=self._fields,
            others=self._others,
            level=self._level,
            mechanisms=self._mechanisms(),
            links=links,
            missing=tuple(name for name in ROWS if name not in self._fields),
            empty=tuple(n for n in ROWS if n in self._fields and n != "further" and not self._fields[n].text),
            notes=tuple(sorted(self._notes, key=lambda note: note.line)),
        )
        return table, self._uses

    def _use(self, block: Block, use: Use) -> None:
        for number, line in block.lines:
            self._uses[number] = use if line.strip() else "table" if number == block.first else "blank"

    def _note(self, code: str, line: int, detail: str = "") -> None:
        self._notes.append(Note(code, line, detail[:200]))

    def _rows(self) -> list[tuple[str, Block, list[Block]]]:
        """The cells below each label. A label that comes twice is a value: only its first cell opens a row."""
        rows: list[tuple[str, Block, list[Block]]] = []
        seen: set[str] = set()
        for cell in self._cells:
            name = _label(cell)
            if name is not None and name in seen:
                self._note("label-twice", cell.first, cell.flat)
                name = None
            if name is not None:
                seen.add(name)
                rows.append((name, cell, []))
            elif rows:
                rows[-1][2].append(cell)
            elif cell.text:
                self._note("no-label", cell.first)
                self._use(cell, "unread")
            else:
                self._use(cell, "table")
        return rows

    def _read_row(self, name: str, label: Block, values: list[Block]) -> None:
        flat = label.flat.casefold()
        if name == "further":
            # Label and text share a cell here: "Additional Information: ...".
            text = re.sub(r"(?i)^additional\s+information\s*:?\s*", "", label.text, count=1)
            text = "\n".join(t for t in (text, *(v.text for v in values)) if t)
            self._use(label, "fact" if text else "table")
            for value in values:
                self._use(value, "fact" if value.text else "table")
            self._fields[name] = Field(text, label.first, max(b.last for b in (label, *values)))
            return
        self._use(label, "table")
        usual = _USUAL.get(name)
        if usual is not None and flat.rstrip(" .:") not in usual:
            self._note("label-words", label.first, label.flat)
        if name == "compliance":
            self._read_level(label, values)
        elif name == "others":
            self._read_others(label, values)
        else:
            self._read_value(name, label, values)

    def _read_value(self, name: str, label: Block, values: list[Block]) -> None:
        filled = [v for v in values if v.text]
        if len(values) - len(filled) >= 2:
            self._note("row-without-label", values[-1].first)
        for extra in filled[1:]:
            code = "links-without-label" if not without_links(extra.text) else "cell-without-label"
            self._note(code, extra.first)
        for value in values:
            use: Use = "left-out" if name in PRIVATE_ROWS else "fact"
            self._use(value, use if value.text else "table")
        # Links alone in a cell of their own are evidence, not part of the row above them.
        texts = filled[:1] + [v for v in filled[1:] if without_links(v.text)]
        span = texts or values or [label]
        self._fields[name] = Field("\n".join(v.text for v in texts), span[0].first, span[-1].last)
        text = self._fields[name].text
        if name in TEXT_ROWS and parse_date(text) is not None:
            self._note("date-as-text", span[0].first, text)
        if name == "date" and text and parse_date(text) is None:
            self._note("date-in-sentence" if _DATE_INSIDE.search(text) else "no-date", span[0].first)
        if "[image:" in text:
            self._note("image", span[0].first)

    def _read_level(self, label: Block, values: list[Block]) -> None:
        """Columns are counted from the label: the mark in the n-th cell below means the n-th printed level."""
        for value in values:
            self._use(value, "fact" if value.text in _MARKS else "table")
        headings: list[str] = []
        for value in values:
            level = _LEVELS.get(value.flat.casefold())
            if level is None:
                break
            headings.append(level)
        row = values[len(headings) :]
        marks = [i for i, cell in enumerate(row) if cell.text in _MARKS]
        printed = " | ".join(cell.flat or "·" for cell in row)
        self._fields["compliance"] = Field(printed, label.first, (row or [label])[-1].last)
        third = values[2].flat if len(headings) > 2 else ""
        if third and third.casefold() != "considerable":
            self._note("level-words", values[2].first, third)
        if headings != ["not_started", "limited", "substantial", "complete"]:
            self._note("level-headings", label.first, ", ".join(headings))
        for cell in row:
            if cell.text and cell.text not in _MARKS:
                self._note("box-text", cell.first, cell.flat)
            if cell.text in _MARKS and cell.text != "X":
                self._note("box-spelling", cell.first, cell.text)
        if len(row) != len(headings) + 1:
            self._note("box-cells", label.first, printed)
        if len(marks) != 1:
            self._note("box-marks", label.first, printed)
        elif not 1 <= marks[0] <= len(headings) or len(row) <= len(headings):
            # Below the label, beyond the last level, or in a row that lost a cell: no telling which level is meant.
            self._note("box-column", row[marks[0]].first, printed)
        else:
            self._level = headings[marks[0] - 1]

    def _read_others(self, label: Block, values: list[Block]) -> None:
        under: dict[str, list[str]] = {"government": [], "civil": [], "unlabelled": []}
        current = "unlabelled"
        for value in values:
            flat = value.flat.strip(" .:")
            if not flat:
                # The empty first column of the next row: what was above no longer holds.
                current = "unlabelled"
                self._use(value, "table")
            elif flat.casefold() == "government":
                current = "government"
                self._use(value, "table")
            elif _CIVIL_LABEL.fullmatch(flat):
                current = "civil"
                if not flat.casefold().startswith("civil society"):
                    self._note("label-words", value.first, flat)
                self._use(value, "table")
            else:
                self._use(value, "fact")
                for line in entries(value.text):
                    if line in under[current]:
                        self._note("actor-twice", value.first, line)
                    else:
                        under[current].append(line)
        if under["unlabelled"]:
            self._note("actors-without-label", label.first)
        texts = [t for group in under.values() for t in group]
        last = values[-1].last if values else label.last
        self._fields["others"] = Field("\n".join(texts), label.first, last)
        self._others = Others(*(tuple(under[k]) for k in ("government", "civil", "unlabelled")))

    def _mechanisms(self) -> tuple[Field, ...]:
        """A numbered list right after a line that announces compliance mechanisms; bullets are none."""
        for cell in self._cells:
            lines = [(n, line.strip()) for n, line in cell.lines if line.strip()]
            for index, (_, line) in enumerate(lines):
                if not _MECHANISMS.search(line):
                    continue
                found: list[Field] = []
                for number, following in lines[index + 1 :]:
                    match = _NUMBERED.fullmatch(following)
                    if match is None:
                        break
                    found.append(Field(match[1], number, number))
                if found:
                    return tuple(found)
        return ()

    def _links(self) -> tuple[Link, ...]:
        """Each distinct address, in printed order, wherever in the table it stands."""
        links: dict[str, Link] = {}
        further = self._fields.get("further")
        for cell in (self._title, *self._cells):
            for number, line in cell.lines:
                for match in _BARE_LINK.finditer(line):
                    self._note("link-bare", number, match[0])
                for match in _LINK.finditer(line):
                    url = parse_link(match[0])
                    if url is None:
                        self._note("link-refused", number, match[0])
                        continue
                    if url in links:
                        self._note("link-twice", number, match[0])
                        continue
                    if _ENTITY.search(match[0]):
                        self._note("link-entities", number, match[0])
                    if not match[0].isascii():
                        self._note("link-encoded", number, match[0])
                    if further is None or not further.first <= number <= further.last:
                        self._note("link-elsewhere", number, match[0])
                    links[url] = Link(number, match[0], url)
        if not links:
            self._note("no-links", self._title.first)
        return tuple(links.values())


def without_links(text: str) -> str:
    """The lines that hold more than an address."""
    return tidy(line for line in text.split("\n") if _LINK.sub("", line).strip(" .,;:()") or not line.strip())


def entries(text: str) -> list[str]:
    """The entries of a list printed one a line, bullets dropped."""
    stripped = (line.strip().lstrip(BULLETS).strip() for line in text.split("\n"))
    return [" ".join(line.split()) for line in stripped if line]


# --- the whole report -------------------------------------------------------------------------------------------------

_TABLE_EXPECTED: Final = (
    'tables whose cells begin with TAB, each a numbered title followed by a row "Secretariat/Ministry"',
    "tablas cuyas celdas empiezan con TAB: un título numerado y, debajo, la fila «Secretariat/Ministry»",
)
_HONORIFIC = re.compile(
    r"\b(?:Mr\.|Mrs\.|Ms\.|Dr\.|Licenciad[oa]|Lic\.|Licda\.|Ing\.|Engineer|Attorney)\s+"
    r"((?:[A-ZÁÉÍÓÚÑ][a-záéíóúñ]+\s*){2,5})"
)
_COMMENT_HEAD = re.compile(
    rf"(?P<weekday>[A-Z][a-z]+day),\s*(?P<date>{_MONTH}\s+\d{{1,2}}\s*,\s*\d{{4}})\s+"
    r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)\s+Sent by:\s*(?P<sender>.*)",
    re.IGNORECASE,
)
_MEASURE_HEAD = re.compile(r"Estado de Ejecuci[oó]n\s*(?:Al\s*)?(?P<dates>\d.*%)\s*$")
_MEASURE_ROW = re.compile(r"(?P<label>[^\W\d][^\d%]*?)\s+(?P<figures>[\d%.\s]+?)\s*$")
_CAPTION = re.compile(r"^Evolution of the execution of .+$", re.MULTILINE)
_NUMERIC_DATE = re.compile(r"\d{1,2}[-/]\d{1,2}[-/]\d{4}")


def read_report(raw: bytes | str) -> Printed:
    """Read a report: the bytes of a text or .docx file, or its text.

    Raises CannotRead if it is not a report: nothing that looks like a table of a commitment was found.
    """
    text = raw if isinstance(raw, str) else read_text(raw)
    source = hashlib.sha256(raw.encode() if isinstance(raw, str) else raw).hexdigest()
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if lines and not lines[-1]:
        lines.pop()
    return _Reader(source, lines).read()


class _Reader:
    """Walks the blocks once: sections, tables, then the facts that stand in cells and lines of the sections."""

    def __init__(self, source: str, lines: list[str]) -> None:
        self._source = source
        self._lines = lines
        self._uses: list[Use] = ["unread" if line.strip() else "blank" for line in lines]
        self._sections: list[Section] = []
        self._tables: list[Table] = []
        self._notes: list[Note] = []
        self._names: list[str] = []

    def read(self) -> Printed:
        blocks = blocks_of(self._lines)
        self._read_sections(blocks)
        if not self._tables:
            raise CannotRead(
                "the file holds no table of a commitment", "no hay en él tabla alguna de un compromiso", _TABLE_EXPECTED
            )
        self._check_numbers()
        meetings = self._read_meetings()
        comments = self._read_comments()
        measures = self._read_measures()
        self._name_narrative()
        return Printed(
            source=self._source,
            lines=tuple(self._lines),
            uses=tuple(self._uses),
            sections=tuple(self._sections),
            tables=tuple(self._tables),
            meetings=meetings,
            comments=comments,
            measures=measures,
            names=self._all_names(),
            notes=tuple(self._notes),
        )

    def _read_sections(self, blocks: list[Block]) -> None:
        number, title, line = "", "", 1
        letter: Letter | None = None
        start = 0
        for index in range(len(blocks) + 1):
            if index < len(blocks) and blocks[index].kind != "heading":
                continue
            self._read_section(number, title, line, letter, blocks[start:index])
            if index == len(blocks):
                return
            block = blocks[index]
            number, title = parse_heading(block.lines[0][1], inside_cell=False) or ("", block.flat)
            line, start = block.first, index + 1
            self._uses[line - 1] = "heading"
            if "PROPOSED BY" in title.upper():
                letter = "C" if "CIVIL" in title.upper() else "G"

    def _read_section(self, number: str, title: str, line: int, letter: Letter | None, blocks: Sequence[Block]) -> None:
        starts = [i for i in range(len(blocks)) if _opens_table(blocks, i)]
        ends = [*starts[1:], len(blocks)] if starts else []
        inside: set[int] = set()
        for start, end in zip(starts, ends, strict=True):
            cells = [b for b in blocks[start + 1 : end] if b.kind == "cell"]
            inside.update(i for i in range(start, end) if blocks[i].kind == "cell")
            if letter is None:
                self._notes.append(Note("table-without-proposer", blocks[start].first, blocks[start].flat[:80]))
                continue
            table, uses = _TableReader(letter, number or title, blocks[start], cells).read()
            self._tables.append(table)
            for at, use in uses.items():
                self._uses[at - 1] = use
            person = table.fields.get("person")
            if person is not None and len(person.text.split()) > 1:
                self._names.append(" ".join(person.text.split()))
        free = [b for i, b in enumerate(blocks) if i not in inside]
        paragraphs = tuple(Paragraph(n, line.strip()) for b in free for n, line in b.lines if line.strip())
        cells = tuple(Field(b.text, b.first, b.last) for b in free if b.kind == "cell")
        if title or paragraphs or cells:
            self._sections.append(Section(number, title, line, paragraphs, cells))

    def _check_numbers(self) -> None:
        for letter in ("G", "C"):
            tables = [t for t in self._tables if t.letter == letter]
            for expected, table in enumerate(tables, 1):
                if table.number != expected:
                    self._notes.append(Note("table-number", table.first, f"{table.name}, expected {letter}{expected}"))

    def _mark(self, first: int, last: int, use: Use) -> None:
        for at in range(first - 1, last):
            if self._lines[at].strip() or self._lines[at].startswith("\t"):
                self._uses[at] = use

    def _read_meetings(self) -> tuple[Meeting, ...]:
        """Rows of five cells (number, committee, convenor, place, date) below a row of such headings."""
        found: list[Meeting] = []
        for section in self._sections:
            flat = [" ".join(c.text.split()) for c in section.cells]
            heads = [i for i in range(len(flat) - 4) if flat[i] == "No." and flat[i + 4].casefold() == "date"]
            for head in heads:
                self._mark(section.cells[head].first, section.cells[head + 4].last, "table")
                at = head + 5
                while at + 4 < len(flat) and flat[at].isdigit():
                    date = parse_date(flat[at + 4])
                    first, last = section.cells[at].first, section.cells[at + 4].last
                    if date is None:
                        self._notes.append(Note("meeting-date", first, flat[at + 4]))
                    else:
                        words = " | ".join(flat[at : at + 5])
                        found.append(Meeting(int(flat[at]), flat[at + 3], date, words, first))
                        self._mark(first, last, "fact")
                    at += 5
        return tuple(found)

    def _read_comments(self) -> tuple[Comment, ...]:
        """A cell with the number, a cell with minute and sender, then the first cell with text."""
        found: list[Comment] = []
        for section in self._sections:
            for index, head in enumerate(section.cells):
                match = _COMMENT_HEAD.fullmatch(" ".join(head.text.split()))
                if match is None:
                    continue
                before = section.cells[index - 1] if index else None
                after = next((c for c in section.cells[index + 1 :] if c.text), None)
                date = parse_date(match["date"])
                # A date before the first 'from' line cannot be a comment's: it would have no day.
                if before is None or not before.text.isdigit() or after is None or date is None or date.day is None:
                    self._notes.append(Note("comment-head", head.first))
                    continue
                sender = match["sender"].removeprefix("Enter your name...").strip()
                if len(sender.split()) > 1:
                    self._names.append(sender)
                if _weekday(date.day) != match["weekday"].casefold():
                    self._notes.append(Note("weekday", head.first, f"{match['weekday']} {date.day}"))
                self._mark(before.first, after.last, "fact")
                self._mark(head.first, head.last, "left-out")
                local = f"{date.day}T{match['hour']}:{match['minute']}"
                found.append(Comment(int(before.text), local, after.text, before.first))
        return tuple(found)

    def _read_measures(self) -> tuple[MeasureTable, ...]:
        """Lines `<row> <figures and percents>` below a line that heads dated columns; matched to the captions
        "Evolution of the execution of ..." in the tables, whose images they stand for, in printed order."""
        captions = [m[0] for t in self._tables for f in t.fields.values() for m in _CAPTION.finditer(f.text)]
        found: list[MeasureTable] = []
        for section in self._sections:
            lines = iter(section.paragraphs)
            for line in lines:
                head = _MEASURE_HEAD.fullmatch(line.text)
                if head is None:
                    continue
                dates = [d for d in map(parse_date, _NUMERIC_DATE.findall(head["dates"])) if d is not None]
                table = self._read_measure(line, tuple(dates), lines, captions[len(found) : len(found) + 1])
                if table is not None:
                    found.append(table)
        if len(captions) != len(found):
            self._notes.append(Note("captions", 1, f"{len(captions)} captions, {len(found)} tables"))
        return tuple(found)

    def _read_measure(
        self, head: Paragraph, dates: tuple[Date, ...], lines: Iterator[Paragraph], captions: list[str]
    ) -> MeasureTable | None:
        rows: list[tuple[str, tuple[int, ...]]] = []
        last = head.line
        for line in lines:
            match = _MEASURE_ROW.fullmatch(line.text)
            if match is None:
                break
            # A percent is computed, not a figure; a column may lack its percent.
            figures = tuple(int(f) for f in match["figures"].split() if f.isdigit())
            if len(figures) != len(dates):
                self._notes.append(Note("measure-row", line.line, line.text))
                break
            rows.append((match["label"], figures))
            last = line.line
            if match["label"].casefold() == "total":
                break
        if not rows or rows[-1][0].casefold() != "total" or not dates:
            self._notes.append(Note("measure-table", head.line))
            return None
        totals = rows.pop()[1]
        for column, total in enumerate(totals):
            if sum(figures[column] for _, figures in rows) != total:
                self._notes.append(Note("measure-total", last, str(total)))
        self._mark(head.line, last, "fact")
        return MeasureTable(captions[0] if captions else "", dates, tuple(rows), totals, head.line, last)

    def _name_narrative(self) -> None:
        """What is left in a section is prose of that section; its empty cells are layout."""
        for section in self._sections:
            for paragraph in section.paragraphs:
                if self._uses[paragraph.line - 1] == "unread":
                    self._uses[paragraph.line - 1] = "narrative"
        for at, line in enumerate(self._lines):
            if line and not line.strip():
                # TAB alone is an empty cell; a line of spaces is blank.
                self._uses[at] = "table" if line.startswith("\t") else "blank"
        for at, line in enumerate(self._lines):
            for match in _BARE_LINK.finditer(line):
                if not any(table.first <= at + 1 <= table.last for table in self._tables):
                    self._notes.append(Note("link-bare", at + 1, match[0]))

    def _all_names(self) -> tuple[str, ...]:
        titled = [" ".join(m[1].split()) for line in self._lines for m in _HONORIFIC.finditer(line)]
        return tuple(dict.fromkeys([*self._names, *titled]))


def _opens_table(blocks: Sequence[Block], index: int) -> bool:
    if blocks[index].kind != "cell" or not _TITLE.match(blocks[index].text):
        return False
    following = next((b for b in blocks[index + 1 :] if b.kind == "cell" and b.text), None)
    return following is not None and _label(following) == "institution"


_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _weekday(day: str) -> str:
    """Zeller's congruence: this module must not need a clock or a calendar of the machine."""
    year, month, date = (int(part) for part in day.split("-"))
    if month < 3:
        year, month = year - 1, month + 12
    return _WEEKDAYS[(date + 13 * (month + 1) // 5 + year + year // 4 - year // 100 + year // 400 + 5) % 7]


# --- names ------------------------------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """For searching a name: lower case, no accents, one space between words."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w]+", " ", plain).casefold().split())


_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_TELEPHONE = re.compile(r"(?<![\w/.-])(?:\+?502[ -]?)?(\d{4})[ -]?(\d{4})(?![\w/-])")


def personal_content(text: str, names: Sequence[str]) -> str | None:
    """Which kind of personal content a text holds: `name`, `email` or `telephone`; None if none is seen.

    A name counts when it is printed in full, as somewhere else in the report; addresses of links are passed over,
    and a span of years is no telephone."""
    prose = _LINK.sub(" ", text)
    if _EMAIL.search(prose):
        return "email"
    for match in _TELEPHONE.finditer(prose):
        if not (1900 <= int(match[1]) < 2100 and 1900 <= int(match[2]) < 2100):
            return "telephone"
    folded = f" {fold(prose)} "
    return "name" if any(f" {fold(name)} " in folded for name in names) else None

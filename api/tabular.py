"""One table in four forms, each a stream of bytes: CSV with its description, JSON, JSON lines, Parquet.

    Shape      name, titles and columns of a table; every column has a type and a sentence in both languages
    Head       the record on which a file stands: origin, size, root, day and methodology
    FORMS      csv, json, jsonl, parquet: how rows become bytes

    CSV        https://rfc-editor.org/rfc/rfc4180: UTF-8, one header, CRLF. Times are ISO 8601 with offset, always Z.
               A cell that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return)
               begins with an apostrophe. Lists are set apart by spaces; a list of free texts is a JSON array.
    for Excel  the same CSV behind a byte order mark: without one Excel reads UTF-8 as the code page of its country, and
               shows «ó» as «Ã³». A file of its own, because to whoever expects no mark it is a part of the header
    CSVW       https://www.w3.org/TR/tabular-metadata/: describes the CSV, and the JSON lines with it
    JSON       one object in the envelope of the API (FORMAT.md, "API answers"): checkpoint, as_of, methodology, data
    JSON lines one object a line, the same fields; texts stand as they are
    Parquet    https://parquet.apache.org/docs/file-format/, by pyarrow (extra `parquet`); lists are lists, times
               are times, the checkpoint and the columns' sentences are in the file's metadata

Pure: nothing here knows what a commitment is, and the same rows give the same bytes wherever they are written.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from importlib import import_module
from itertools import islice
from typing import Any, Literal, TypeVar

import msgspec

from ledger.errors import CannotRun
from ledger.statement import canonical
from ledger.tlog.note import format_base64

T = TypeVar("T")
Cell = str | int | bool | tuple[str, ...] | tuple[int, ...] | None
Row = Mapping[str, Cell]
Datatype = Literal["string", "integer", "boolean", "dateTimeStamp", "date", "anyURI", "json"]

BATCH = 200
ROW_GROUP = 10_000
MARK = codecs.BOM_UTF8
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
APOSTROPHE = (
    "Una celda que una hoja de cálculo tomaría por fórmula comienza con un apóstrofo.",
    "A cell that a spreadsheet would take for a formula begins with an apostrophe.",
)


class Column(msgspec.Struct, frozen=True):
    """A column: its name, its type in CSVW, and what it means. `many`: a cell is a list of such values.

    `json` is a list of free texts: in CSV a JSON array, because such texts hold spaces.
    """

    name: str
    datatype: Datatype
    es: str
    en: str
    many: bool = False


class Shape(msgspec.Struct, frozen=True):
    """What a table is: titles and what one row is, as (es, en); the columns that tell rows apart; all columns."""

    name: str
    title: tuple[str, str]
    about: tuple[str, str]
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple([column.name for column in self.columns])


class Head(msgspec.Struct, frozen=True):
    """The record on which a file stands. `as_of` is the day computed for, `received` the time of the last entry.

    `methodology` is the version in force, 0 for none. `whole` is how many rows the tree says that the table has,
    counted apart from the rows; None where no number follows from it.
    """

    origin: str
    size: int
    root: bytes
    as_of: str
    received: str
    plan: str
    methodology: int
    whole: int | None = None


def _batches(rows: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


# --- CSV -------------------------------------------------------------------------------------------------------------


def csv_cell(value: Cell) -> str:
    """A cell as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else str(value)


def csv_lines(columns: Sequence[Column], rows: Iterable[Row], *, header: bool = True) -> Iterator[str]:
    """The rows as CSV, a batch at a time; the header before them."""
    names = [column.name for column in columns]
    as_json = {column.name for column in columns if column.datatype == "json"}
    if header:
        yield ",".join(names) + "\r\n"
    for batch in _batches(rows):
        text = io.StringIO()
        written = csv.writer(text, lineterminator="\r\n")
        for row in batch:
            written.writerow([_as_json(row[name]) if name in as_json else csv_cell(row[name]) for name in names])
        yield text.getvalue()


def _as_json(value: Cell) -> str:
    return msgspec.json.encode(value).decode() if value else ""


def described(head: Head, shape: Shape, url: str, rows: int) -> bytes:
    """The CSVW description of the table at `url`: its columns, the record on which it stands, and its number of rows.

    That number follows from entries, and then from the tree alone, or from the computation that makes the rows.
    """
    return csvw(
        shape,
        url,
        {
            "dc:source": f"{head.origin}, {head.size}",
            "dc:modified": head.received,
            "constancia:origin": head.origin,
            "constancia:tree_size": head.size,
            "constancia:root": head.root.hex(),
            "constancia:as_of": head.as_of,
            "constancia:plan": head.plan,
            "constancia:methodology": head.methodology,
            "constancia:rows": rows,
            "constancia:rows_follow_from": "computation" if head.whole is None else "entries",
        },
        APOSTROPHE,
    )


def csvw(shape: Shape, url: str, stands_on: Mapping[str, Any], note: tuple[str, str]) -> bytes:
    """A CSVW description from its parts. `stands_on` are common properties."""
    whole: dict[str, Any] = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "es"}],
        "url": url,
        "dc:title": in_both(*shape.title),
        "dc:description": in_both(*shape.about),
        **stands_on,
        "rdfs:comment": in_both(*note),
        "dialect": {"encoding": "utf-8", "header": True, "lineTerminators": ["\r\n"], "delimiter": ","},
        "tableSchema": {
            "primaryKey": list(shape.key),
            "columns": [
                {
                    "name": column.name,
                    "titles": column.name,
                    "datatype": column.datatype,
                    **({"separator": " "} if column.many else {}),
                    "dc:description": in_both(column.es, column.en),
                }
                for column in shape.columns
            ],
        },
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def in_both(es: str, en: str) -> list[dict[str, str]]:
    """A text in both languages, as JSON-LD has it."""
    return [{"@value": es, "@language": "es"}, {"@value": en, "@language": "en"}]


# --- JSON ------------------------------------------------------------------------------------------------------------


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """The rows as JSON, one a line, a batch at a time."""
    for batch in _batches(rows):
        yield "".join([msgspec.json.encode(row).decode() + "\n" for row in batch])


def _json(head: Head, shape: Shape, rows: Iterable[Row]) -> Iterator[bytes]:
    """One object, a row a line; how many they were stands behind them."""
    opening = canonical(
        {
            "as_of": head.as_of,
            "checkpoint": {"origin": head.origin, "root": format_base64(head.root), "size": head.size},
            "methodology": {head.plan: head.methodology} if head.methodology else {},
            "plan": head.plan,
            "table": shape.name,
            **({} if head.whole is None else {"whole": head.whole}),
        }
    )
    yield opening[:-1] + b',"data":['
    count = 0
    for batch in _batches(rows):
        lines = [(b"," if count + at else b"") + b"\n" + msgspec.json.encode(row) for at, row in enumerate(batch)]
        count += len(batch)
        yield b"".join(lines)
    yield f'\n],"rows":{count}}}\n'.encode()


# --- Parquet ---------------------------------------------------------------------------------------------------------


class _Sink(io.RawIOBase):
    """A file that is handed on while it is written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """How much was written."""
        return self._written

    def write(self, part: Any) -> int:
        """Take a part."""
        taken = bytes(part)
        self._parts.append(taken)
        self._written += len(taken)
        return len(taken)

    def drained(self) -> bytes:
        """What was written since the last time."""
        found = b"".join(self._parts)
        self._parts.clear()
        return found


def parquet_missing() -> CannotRun | None:
    """What to say where Parquet cannot be written; None where it can."""
    try:
        import_module("pyarrow.parquet")
    except (ImportError, OSError) as error:
        return CannotRun(
            f"Falta lo que escribe Parquet ({error}).",
            f"What writes Parquet is missing ({error}).",
            "Instale el extra (`pip install '.[parquet]'` en la carpeta del programa), o pida CSV o JSON.",
            "Install the extra (`pip install '.[parquet]'` in the program's folder), or ask for CSV or JSON.",
        )
    return None


def _parquet(head: Head, shape: Shape, rows: Iterable[Row]) -> Iterator[bytes]:
    """A Parquet file, handed on by row groups. Raises CannotRun where pyarrow is missing."""
    if missing := parquet_missing():
        raise missing
    arrow: Any = import_module("pyarrow")  # it has no types
    schema = arrow.schema(
        [
            arrow.field(column.name, _arrow_type(arrow, column), metadata={"es": column.es, "en": column.en})
            for column in shape.columns
        ],
        metadata={
            "constancia": canonical(
                {
                    "as_of": head.as_of,
                    "methodology": head.methodology,
                    "origin": head.origin,
                    "plan": head.plan,
                    "root": head.root.hex(),
                    "size": head.size,
                    "table": shape.name,
                    **({} if head.whole is None else {"whole": head.whole}),
                }
            ),
            "title": shape.title[0],
            "title_en": shape.title[1],
        },
    )
    sink = _Sink()
    convert = {column.name: _ARROW_VALUES.get(column.datatype, _as_it_is) for column in shape.columns}
    writer: Any = import_module("pyarrow.parquet").ParquetWriter(sink, schema, compression="zstd")
    try:
        for batch in _batches(rows, ROW_GROUP):
            arrays = {name: [to(row[name]) for row in batch] for name, to in convert.items()}
            writer.write_table(arrow.Table.from_pydict(arrays, schema=schema))
            yield sink.drained()
    finally:
        writer.close()
    yield sink.drained()


def _arrow_type(arrow: Any, column: Column) -> Any:
    match column.datatype:
        case "integer":
            found = arrow.int64()
        case "boolean":
            found = arrow.bool_()
        case "dateTimeStamp":
            found = arrow.timestamp("ms", tz="UTC")
        case "date":
            found = arrow.date32()
        case _:
            found = arrow.string()
    return arrow.list_(found) if column.many or column.datatype == "json" else found


def _as_it_is(value: Any) -> Any:
    return value


_ARROW_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "dateTimeStamp": lambda value: value and datetime.fromisoformat(value),
    "date": lambda value: value and date.fromisoformat(value),
}


# --- the forms -------------------------------------------------------------------------------------------------------


class Form(msgspec.Struct, frozen=True):
    """A form of a table: the ending of its files, its media type, and what makes it."""

    ending: str
    media_type: str
    write: Callable[[Head, Shape, Iterable[Row]], Iterator[bytes]]


def _csv(head: Head, shape: Shape, rows: Iterable[Row]) -> Iterator[bytes]:
    return (part.encode() for part in csv_lines(shape.columns, rows))


def _jsonl(head: Head, shape: Shape, rows: Iterable[Row]) -> Iterator[bytes]:
    return (part.encode() for part in json_lines(rows))


def _for_excel(head: Head, shape: Shape, rows: Iterable[Row]) -> Iterator[bytes]:
    yield MARK
    yield from _csv(head, shape, rows)


DESCRIPTION = "csv-metadata.json"
DESCRIPTION_TYPE = "application/csvm+json"

FORMS: Mapping[str, Form] = {
    form.ending: form
    for form in (
        Form("csv", "text/csv; header=present", _csv),  # every text is sent with `; charset=utf-8` behind its type
        Form("json", "application/json", _json),
        Form("jsonl", "application/jsonl; charset=utf-8", _jsonl),
        Form("parquet", "application/vnd.apache.parquet", _parquet),
    )
}
EXCEL = "excel.csv"
SERVED: Mapping[str, Form] = {**FORMS, EXCEL: Form(EXCEL, FORMS["csv"].media_type, _for_excel)}
"""The forms, and the one that is no other table but the same CSV for one program."""

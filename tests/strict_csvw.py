"""A strict reader of CSV on the Web, that knows nothing of us: what does not fit its description is refused.

    read(near, "levels.csv-metadata.json") -> Read      `near` gives the bytes of a file by its name, all side by side

Of https://www.w3.org/TR/tabular-metadata/ it has what we use, and takes nothing else: one table, a dialect, columns
with built-in datatypes and separators, a primary key. Of https://www.w3.org/TR/tabular-data-model/ it has the lexical
forms of those datatypes (6.4); the file itself is read by RFC 4180, to the letter. Raises AssertionError.
"""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple, cast

CONTEXT = "http://www.w3.org/ns/csvw"
# Prefixes of the initial context of RDFa (metadata, 5.8), and our own, which is read as an absolute IRI.
PREFIXES = ("dc:", "rdfs:", "constancia:")
OF_TABLE = {"@context", "url", "dialect", "tableSchema"}
OF_SCHEMA = {"primaryKey", "columns"}
OF_COLUMN = {"name", "titles", "datatype", "separator"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*\Z")
FIELD = re.compile(r'"((?:[^"]|"")*)"|([^",\r\n]*)')


class Read(NamedTuple):
    """A table: the name of its CSV, typed rows, and the common properties of the description."""

    url: str
    rows: list[dict[str, Any]]
    said: dict[str, Any]


def read(near: Callable[[str], bytes], name: str) -> Read:
    """The table that a description describes."""
    told = json.loads(near(name))
    said = {key: value for key, value in told.items() if key.startswith(PREFIXES)}
    assert set(told) - set(said) == OF_TABLE, name
    assert told["@context"] == [CONTEXT, {"@language": "es"}]
    _check_language_maps(said)
    url = told["url"]
    assert re.fullmatch(r"[A-Za-z0-9._-]+", url), f"{url} is no file beside its description"
    assert name == f"{url}-metadata.json"  # where CSVW looks for it (model, 5.3)
    dialect = {"encoding": "utf-8", "header": True, "lineTerminators": ["\r\n"], "delimiter": ","}
    assert told["dialect"] == dialect
    header, *lines = parse_csv(near(url).decode("utf-8", "strict"))
    columns = _columns(told["tableSchema"], header)
    assert all(len(line) == len(columns) for line in lines)
    rows = [{one["name"]: _cell(one, text) for one, text in zip(columns, line, strict=True)} for line in lines]
    key = told["tableSchema"]["primaryKey"]
    assert set(key) <= set(header)
    assert len({tuple(map(repr, [row[column] for column in key])) for row in rows}) == len(rows), "no key"
    return Read(url, rows, said)


def _columns(schema: dict[str, Any], header: list[str]) -> list[dict[str, Any]]:
    assert set(schema) == OF_SCHEMA
    columns = schema["columns"]
    for column in columns:
        said = {key: value for key, value in column.items() if key.startswith(PREFIXES)}
        assert set(column) - set(said) in (OF_COLUMN, OF_COLUMN - {"separator"}), column
        _check_language_maps(said)
        assert NAME.match(column["name"]), column
        assert column["datatype"] in DATATYPES, column
    assert [column["titles"] for column in columns] == header
    assert len({column["name"] for column in columns}) == len(columns)
    return columns


def _check_language_maps(said: dict[str, Any]) -> None:
    for value in said.values():
        if isinstance(value, list):
            texts = cast("list[dict[str, str]]", value)
            assert [set(each) for each in texts] == [{"@value", "@language"}] * 2, texts
        else:
            assert isinstance(value, str | int), value


def parse_csv(text: str) -> list[list[str]]:
    """RFC 4180: every record ends with CRLF, quotes only around a whole field and doubled inside."""
    assert not text.startswith("\ufeff")
    records: list[list[str]] = [[]]
    at = 0
    while at < len(text):
        field = FIELD.match(text, at)
        assert field is not None
        records[-1].append(field[2] if field[1] is None else field[1].replace('""', '"'))
        at = field.end()
        if text.startswith(",", at):
            at += 1
            continue
        assert text.startswith("\r\n", at), text[max(0, at - 40) : at + 40]
        at += 2
        records.append([])
    assert records.pop() == [], "the last record has no end"
    return records


def _cell(column: dict[str, Any], text: str) -> Any:
    of = DATATYPES[column["datatype"]]
    if "separator" in column:
        return [of(each) for each in text.split(column["separator"])] if text else []
    return of(text) if text else None


def _matched(pattern: str, make: Callable[[str], Any]) -> Callable[[str], Any]:
    def of(text: str) -> Any:
        assert re.fullmatch(pattern, text), text
        return make(text)

    return of


DATATYPES: dict[str, Callable[[str], Any]] = {
    "string": str,
    "anyURI": _matched(r"[^\s]+", str),
    "integer": _matched(r"0|-?[1-9][0-9]*", int),
    "boolean": _matched("true|false", "true".__eq__),
    "date": _matched(r"\d{4}-\d\d-\d\d", date.fromisoformat),
    "dateTimeStamp": _matched(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", datetime.fromisoformat),
    "json": json.loads,
}
"""The built-in datatypes that are used (https://www.w3.org/TR/tabular-metadata/#datatypes)."""

"""The tables of a plan over HTTP: one address for each table and form, at any size and for any day.

    GET /gt/exportar/{plan}/{table}.csv                  RFC 4180
    GET /gt/exportar/{plan}/{table}.excel.csv            the same behind a byte order mark
    GET /gt/exportar/{plan}/{table}.csv-metadata.json    CSVW: the columns, and the record on which the table stands
    GET /gt/exportar/{plan}/{table}.json                 in the envelope of the API
    GET /gt/exportar/{plan}/{table}.jsonl                one object a line
    GET /gt/exportar/{plan}/{table}.parquet              where the extra `parquet` is installed
    GET /gt/exportar/{plan}/histories.jsonl              every commitment's statements and compiled state (`releases`)
    GET /gt/exportar/{plan}/{plan}.{table}.{size}.{day}.csv    the same for ever: the name under which a file is saved

`?at=SIZE` is the record of so many entries, `?as_of=DAY` the record at the end of a day, and computed for that day;
with both the record of that size, computed for that day, as a citation names them. The newest without either.

Each answer says under which name it is saved, and by that name it is found here too (`Content-Location`). A description
names its CSV by it, so that it fits here as in any folder where the two lie side by side: what a description does not
name, it does not describe (https://www.w3.org/TR/tabular-data-model/#locating-metadata).

A table is made while it is sent, in threads, a batch of rows at a time. Its ETag follows from the root, the size, the
day and the code that makes it, so that whoever asks again is told at once that nothing has changed.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from litestar import Request, get
from litestar import Response as HttpAnswer
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Stream

from api import releases
from api.problems import Problem
from api.record import Reader, View
from api.tables import TABLES, Stand, Table
from api.tabular import DESCRIPTION, DESCRIPTION_TYPE, SERVED, described, parquet_missing

At = Annotated[str | None, QueryParameter(name="at", description="The record of so many entries")]
AsOf = Annotated[str | None, QueryParameter(name="as_of", description="Computed for this day (YYYY-MM-DD)")]

HEADERS = {"access-control-allow-origin": "*", "cache-control": "no-cache", "x-content-type-options": "nosniff"}


def stand_asked(reader: Reader, view: View, plan: str) -> Stand:
    """The plan at the size and for the day of a view. Raises Problem (400, 404).

    No table can be of a day before its last entry: what was said since would count, and no day of waiting would.
    """
    last = view.ledger.day_of(view.as_of_ms)
    if view.day < last:
        raise Problem(400, f"The record of {view.size} entries goes to {last}; `as_of` is that day or a later one.")
    try:
        return Stand(view, plan, reader.matrix)
    except LookupError:
        raise Problem(404, "There is no such plan.") from None


def handlers(reader: Reader) -> Sequence[HTTPRouteHandler]:
    """The routes, below the ledger's path."""

    @get("/exportar/{plan:str}/{file:str}", sync_to_thread=True, tags=["plans"])
    def table(
        request: Request[Any, Any, Any], plan: str, file: str, at: At = None, as_of: AsOf = None
    ) -> HttpAnswer[bytes] | Stream:
        """A table of a plan in one of its forms."""
        saved = file.startswith(f"{plan}.")
        if saved:
            name, ending, at, as_of = _of_saved(file)
        else:
            name, _, ending = file.partition(".")
        found = TABLES.get(name)
        of_all = (name, ending) == (releases.NAME, releases.ENDING)
        if not of_all and (found is None or (ending not in SERVED and ending != DESCRIPTION)):
            raise _no_such_table()
        if ending == "parquet" and (missing := parquet_missing()):
            raise Problem(501, f"{missing.detail} {missing.advice}")
        stand = stand_asked(reader, reader.asked(at, as_of), plan)
        if saved and file != f"{stem_of(stand, name)}.{ending}":
            raise _no_such_table()
        return _histories(request, stand) if found is None else _answer(request, stand, found, ending)

    return [table]


def _no_such_table() -> Problem:
    return Problem(404, "There is no such table, or not in this form.")


def _of_saved(file: str) -> tuple[str, str, str, str]:
    """Table, ending, size and day of the name under which a file is saved. Raises Problem (404)."""
    parts = file.split(".", 4)
    if len(parts) != 5:
        raise _no_such_table()
    _, name, size, day, ending = parts
    return name, ending, size, day


def _answer(request: Request[Any, Any, Any], stand: Stand, table: Table, ending: str) -> HttpAnswer[bytes] | Stream:
    shape, stem = table.shape, stem_of(stand, table.shape.name)
    headers = _saved_as(stand, f"{stem}.{ending}") | {
        "link": f'<{stem}.{DESCRIPTION}>; rel="describedby"; type="{DESCRIPTION_TYPE}"',
    }
    media_type = DESCRIPTION_TYPE if ending == DESCRIPTION else SERVED[ending].media_type
    if unchanged(request.headers.get("if-none-match", ""), headers["etag"]):
        return HttpAnswer(b"", status_code=304, headers=headers, media_type=media_type)
    head = stand.head(table)
    if ending == DESCRIPTION:
        body = described(head, shape, f"{stem}.csv", table.height(stand))
        return HttpAnswer(body, headers=headers, media_type=media_type)
    if request.method == "HEAD":
        return HttpAnswer(b"", headers=headers, media_type=media_type)
    parts = SERVED[ending].write(head, shape, table.rows(stand))
    return Stream(in_threads(parts), media_type=media_type, headers=headers)


def _histories(request: Request[Any, Any, Any], stand: Stand) -> HttpAnswer[bytes] | Stream:
    """The histories of commitments."""
    headers = _saved_as(stand, f"{stem_of(stand, releases.NAME)}.{releases.ENDING}")
    if unchanged(request.headers.get("if-none-match", ""), headers["etag"]):
        return HttpAnswer(b"", status_code=304, headers=headers, media_type=releases.MEDIA_TYPE)
    if request.method == "HEAD":
        return HttpAnswer(b"", headers=headers, media_type=releases.MEDIA_TYPE)
    return Stream(in_threads(releases.histories(stand)), media_type=releases.MEDIA_TYPE, headers=headers)


def _saved_as(stand: Stand, name: str) -> dict[str, str]:
    """The headers of an answer that is saved under a name, which is also its address for ever."""
    return HEADERS | {
        "etag": etag(stand),
        "content-disposition": f'attachment; filename="{name}"',
        "content-location": name,
    }


def stem_of(stand: Stand, name: str) -> str:
    """The name of a table's files, without its ending: plan, table, size and day."""
    return f"{stand.plan.plan}.{name}.{stand.size}.{stand.as_of}"


async def in_threads(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each part is made in a thread, when the reader has taken the one before it."""
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part


def etag(stand: Stand) -> str:
    """What changes when the bytes of a table do: the record, the day, or the code that makes it."""
    return f'"{stand.ground.checkpoint.root.hex()[:16]}-{stand.size}-{stand.as_of}-{_code()}"'


def unchanged(header: str, tag: str) -> bool:
    """Does an If-None-Match header name this tag?"""
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in header[:1_000].split(","))


@cache
def _code() -> str:
    """A digest over the code that makes tables: two versions of it need not give the same bytes."""
    api = Path(__file__).resolve().parent
    files = [
        api / "anomalies.py",
        api / "columns.py",
        api / "tables.py",
        api / "tabular.py",
        *sorted((api.parent / "projections").glob("*.py")),
    ]
    return hashlib.sha256(b"".join([path.read_bytes() for path in files])).hexdigest()[:12]

"""A citation: one state of the record, named so that anybody can rebuild every table of it.

    citation = cite(records, matrix, origin=…, …)         `matrix`: of the first `size` entries, as of a day
    differences(citation, tables_of(records, matrix))     none: the tables are those that were cited

A report that quotes a level or a gap quotes this. The file is canonical JSON, and nothing in it is to be believed: the
root is that of the log's tree at that size, or the log has shown two histories; the tables follow from the entries, or
they are not what was cited.

    {"as_of":"2015-10-20",                                 the day by which evidence ages and deadlines run
     "citation":1,                                         this form
     "founding":"64 hex", "origin":"constancia.example/gt",   whose record
     "head":"…",                                           a signed head of the log, of `size` entries or more
     "methodology":1, "methodology_index":12,              by which tables, and where it was adopted
     "plan":"gt-2014-2016",
     "received_at":"2015-10-20T12:00:00.000Z",             when the last of the entries was received
     "root":"64 hex", "size":812,
     "tables":[{"digest":"64 hex","name":"matrix","rows":48}, …]}

A table is a list of rows, each an object; its digest is the SHA-256 of its canonical JSON. Tables come in the order of
`TABLES`, which is for ever: another table, or another form of one, is another number in `citation`.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from ledger.statement import canonical
from ledger.vocabulary import Day, Digest, Slug
from projections.anomalies import Anomaly, anomalies_of
from projections.comparison import Matrix
from projections.evidence import Assessment, Coding, Dispute, Request
from projections.records import Records

FORM = 1

Rows = list[dict[str, Any]]


class CitedTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table by its digest, and how many rows it has."""

    name: str
    rows: int
    digest: Digest


class Citation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One state of the record, and the digests of its tables."""

    citation: int
    origin: str
    founding: Digest
    head: str
    size: int
    root: Digest
    received_at: str
    plan: Slug
    as_of: Day
    methodology: int
    methodology_index: int
    tables: tuple[CitedTable, ...]


class Different(msgspec.Struct, frozen=True):
    """A table that is not as cited: how many rows it has now, None where there is no such table."""

    name: str
    cited: int
    rows: int | None


def tables_of(records: Records, matrix: Matrix, anomalies: Sequence[Anomaly] | None = None) -> dict[str, Rows]:
    """Every table of a state, in the order of `TABLES`. `records` are those that the matrix was made of.

    `anomalies` are those of the same plan, size and day, where they were found before.
    """
    if anomalies is None:
        anomalies = anomalies_of(records, matrix.plan, matrix.size, matrix.as_of)
    found = {name: table(records, matrix) for name, table in _OF_MATRIX.items()}
    return found | {_ANOMALIES: [_plain(one) for one in anomalies]}


def digest_of(rows: Rows) -> str:
    """The digest of a table, 64 hex digits."""
    return sha256(canonical(rows)).hexdigest()


def cite(
    records: Records,
    matrix: Matrix,
    anomalies: Sequence[Anomaly] | None = None,
    /,
    *,
    origin: str,
    founding: str,
    head: str,
    root: str,
    received_at: str,
) -> Citation:
    """The citation of the state that a matrix is of. `root` is 64 hex digits, `head` a signed head of the log."""
    tables = tables_of(records, matrix, anomalies)
    return Citation(
        citation=FORM,
        origin=origin,
        founding=founding,
        head=head,
        size=matrix.size,
        root=root,
        received_at=received_at,
        plan=matrix.plan,
        as_of=matrix.as_of,
        methodology=matrix.methodology,
        methodology_index=matrix.methodology_index,
        tables=tuple([CitedTable(name=name, rows=len(rows), digest=digest_of(rows)) for name, rows in tables.items()]),
    )


def format_citation(citation: Citation) -> bytes:
    """The file: canonical JSON and a line feed."""
    return canonical(citation) + b"\n"


def parse_citation(raw: bytes) -> Citation:
    """The citation in a file. Raises ValueError for what is none, or is not in its one form."""
    try:
        found = msgspec.json.decode(raw, type=Citation)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    if found.citation != FORM:
        raise ValueError(f"a citation of form {found.citation}, and this software knows {FORM}")
    if found.size < 1 or format_citation(found) != raw:
        raise ValueError("not in its canonical form")
    if [table.name for table in found.tables] != list(TABLES):
        raise ValueError(f"form {FORM} has the tables {', '.join(TABLES)}, each once and in this order")
    return found


def differences(citation: Citation, tables: Mapping[str, Rows]) -> list[Different]:
    """The tables that are not as cited."""
    found: list[Different] = []
    for cited in citation.tables:
        rows = tables.get(cited.name)
        if rows is None or len(rows) != cited.rows or digest_of(rows) != cited.digest:
            found.append(Different(cited.name, cited.rows, None if rows is None else len(rows)))
    return found


# --- the tables ------------------------------------------------------------------------------------------------------


def _plain(struct: object, *without: str) -> dict[str, Any]:
    """A struct as an object, without some of its fields."""
    fields: dict[str, Any] = msgspec.to_builtins(struct)
    return {name: value for name, value in fields.items() if name not in without}


def _matrix(records: Records, matrix: Matrix) -> Rows:
    """A commitment in all voices; its mechanisms are a table of their own."""
    return [_plain(row, "standing") | {"standing": _plain(row.standing, "mechanisms")} for row in matrix.rows]


def _mechanisms(records: Records, matrix: Matrix) -> Rows:
    return [_plain(one, "grades", "verdicts") for row in matrix.rows for one in row.standing.mechanisms]


def _grades(records: Records, matrix: Matrix) -> Rows:
    every = [one for row in matrix.rows for mechanism in row.standing.mechanisms for one in mechanism.grades]
    return [_plain(one) for one in every]


def _verdicts(records: Records, matrix: Matrix) -> Rows:
    every = [one for row in matrix.rows for mechanism in row.standing.mechanisms for one in mechanism.verdicts]
    return [_plain(one) for one in every]


def _disputes(records: Records, matrix: Matrix) -> Rows:
    return [_plain(one) for _, one in records.scan(Dispute, prefix=f"{matrix.plan}/")]


def _disagreement(records: Records, matrix: Matrix) -> Rows:
    return [_plain(cell) for cell in matrix.disagreement]


def _codings(records: Records, matrix: Matrix) -> Rows:
    return [_plain(one) for row in matrix.rows for _, one in records.scan(Coding, prefix=f"{row.commitment}/")]


def _requests(records: Records, matrix: Matrix) -> Rows:
    return [_plain(one) for _, one in records.scan(Request, prefix=f"{matrix.plan}/")]


def _assessments(records: Records, matrix: Matrix) -> Rows:
    return [_plain(one) for _, one in records.scan(Assessment) if one.plan == matrix.plan]


_OF_MATRIX: Mapping[str, Callable[[Records, Matrix], Rows]] = {
    "matrix": _matrix,
    "mechanisms": _mechanisms,
    "grades": _grades,
    "verdicts": _verdicts,
    "disputes": _disputes,
    "disagreement": _disagreement,
    "codings": _codings,
    "requests": _requests,
    "assessments": _assessments,
}
_ANOMALIES = "anomalies"
TABLES = (*_OF_MATRIX, _ANOMALIES)
"""The names of the tables of form 1, in their order."""

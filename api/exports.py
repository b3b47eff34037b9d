"""Every comment of a round as a table: CSV with its metadata, and JSON lines, both from one `Row`.

    GET /gt/consultas/{round}/comentarios.csv                   https://rfc-editor.org/rfc/rfc4180, UTF-8, one header
    GET /gt/consultas/{round}/comentarios.excel.csv             the same behind a byte order mark
    GET /gt/consultas/{round}/comentarios.csv-metadata.json     CSVW (https://www.w3.org/TR/tabular-data-primer/)
    GET /gt/consultas/{round}/comentarios.json                  the same rows, one JSON object a line
    GET /gt/consultas/{round}/{round}.{size}.csv                the same by the names under which these files are saved

`?at=SIZE` and `?as_of=DATE` as everywhere. No comment is left out: one that is withheld, redacted, erased or withdrawn
keeps its row, with its state, the ground and the entry that did it, and without its text, so that the rows are as many
as the comments received. What every column means stands in the metadata, in both languages, beside the checkpoint on
which the table stands; each answer names it (`Link: …; rel="describedby"`). The metadata names the CSV as it is saved.

A cell that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) begins with an
apostrophe in the CSV. The JSON lines have every text as it is.

Rows are streamed, a batch at a time, so the answer of a large round needs no memory to speak of.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Annotated, Any

from litestar import Response as HttpAnswer
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Stream

from api.comments import public
from api.problems import Problem
from api.record import Reader, View
from api.tabular import (
    APOSTROPHE,
    BATCH,
    DESCRIPTION,
    DESCRIPTION_TYPE,
    EXCEL,
    MARK,
    SERVED,
    Column,
    Shape,
    csv_lines,
    csvw,
    json_lines,
)
from ledger.statement import format_time
from projections.records import index_key
from projections.rounds import Comment, Response, Round

MAX_ANSWERS = 100


COLUMNS: tuple[Column, ...] = (
    Column("round", "string", "Identificador de la consulta.", "Identifier of the consultation."),
    Column("version", "integer", "Versión del documento comentada.", "Version of the document commented on."),
    Column(
        "about",
        "string",
        "De qué trata: whole (todo el documento), una parte, o un compromiso.",
        "What it is about: whole (the document), a part, or a commitment.",
    ),
    Column("index", "integer", "Número del asiento en el registro.", "Number of the entry in the ledger."),
    Column(
        "identity",
        "string",
        "Identidad del comentario: SHA-256 del texto firmado, 64 dígitos hexadecimales.",
        "Identity of the comment: SHA-256 of the signed text, 64 hexadecimal digits.",
    ),
    Column("received_at", "dateTimeStamp", "Cuándo se recibió, UTC.", "When it was received, UTC."),
    Column(
        "said_at", "dateTimeStamp", "Cuándo dice su autor que lo dijo, UTC.", "When its author says it was said, UTC."
    ),
    Column("lang", "string", "Idioma del texto (BCP 47).", "Language of the text (BCP 47)."),
    Column(
        "channel",
        "string",
        "Cómo llegó: signed (firmado por su autor), paper, meeting, phone, web_form, report.",
        "How it came: signed (by its author), paper, meeting, phone, web_form, report.",
    ),
    Column(
        "heard_at",
        "dateTimeStamp",
        "Cuándo lo oyó o leyó quien lo transcribió, UTC.",
        "When whoever transcribed it heard or read it, UTC.",
    ),
    Column(
        "position", "string", "Postura: for, against, neutral, o ninguna.", "Position: for, against, neutral, or none."
    ),
    Column(
        "reply_to",
        "string",
        "Identidad del comentario al que responde.",
        "Identity of the comment that it replies to.",
    ),
    Column("late", "boolean", "Si llegó después del cierre.", "Whether it came after the closing."),
    Column("printed", "boolean", "Si se copió de un informe impreso.", "Whether it was copied from a printed report."),
    Column(
        "state",
        "string",
        "Estado del texto: shown (visible), redacted (visible en parte), withheld (retenido), withdrawn (retirado por "
        "su autor), erased (borrado).",
        "State of the text: shown, redacted (shown in part), withheld, withdrawn (by its author), erased.",
    ),
    Column("ground", "string", "Causal del acto de moderación.", "Ground of the act of moderation."),
    Column(
        "state_by",
        "integer",
        "Asiento que dejó el texto en ese estado.",
        "Entry that left the text in that state.",
    ),
    Column(
        "text",
        "string",
        "El texto, si es público; si está en parte, el más corto.",
        "The text, if it is public; if in part, the shorter one.",
    ),
    Column(
        "name", "string", "Nombre, si su autor lo dio y es público.", "Name, if its author gave it and it is public."
    ),
    Column(
        "place", "string", "Lugar, si su autor lo dio y es público.", "Place, if its author gave it and it is public."
    ),
    Column(
        "salted_digest",
        "string",
        "Resumen con sal que el registro guarda del texto.",
        "Salted digest that the ledger keeps of the text.",
    ),
    Column("salt", "string", "La sal del texto mostrado.", "The salt of the text shown."),
    Column(
        "endorsements",
        "integer",
        "Cuántas llaves lo apoyan; una llave no es una persona.",
        "How many keys endorse it; a key is not a person.",
    ),
    Column("answers", "integer", "Cuántas respuestas ha recibido.", "How many answers it has had."),
    Column("first_answered_at", "dateTimeStamp", "Cuándo llegó la primera, UTC.", "When the first one came, UTC."),
    Column(
        "disposition",
        "string",
        "Qué dice la última: accepted, partly, rejected, already_done, out_of_scope.",
        "What the last one says: accepted, partly, rejected, already_done, out_of_scope.",
    ),
    Column("answered_by", "string", "Quién dio la última.", "Who gave the last one."),
    Column("answer", "integer", "Asiento de la última.", "Entry of the last one."),
    Column("contested", "integer", "Asiento en que su autor la objeta.", "Entry in which its author contests it."),
    Column("appealed", "integer", "Asiento de la última apelación.", "Entry of the last appeal."),
    Column(
        "decision",
        "string",
        "Qué se decidió: upheld (se mantiene), overturned (se revoca).",
        "What was decided: upheld, overturned.",
    ),
    Column("changed", "integer", "Asiento del cambio al que dio lugar.", "Entry of the change that it led to."),
)
"""A comment by the names of the columns; None where there is nothing."""


# --- rows ------------------------------------------------------------------------------------------------------------


def rows_of(view: View, round_: str, after: str = "") -> Iterator[dict[str, Any]]:
    """Every comment of a round, by index, as it is public now; only those behind the key `after`, if given."""
    for _, comment in view.records.scan(Comment, prefix=f"{round_}/", after=after):
        yield row_of(view, comment)


def row_of(view: View, comment: Comment) -> dict[str, Any]:
    """One comment as a row."""
    now = public(view, comment)
    prefix = f"{comment.round}/{comment.index:09d}/"
    answers = [one for _, one in view.records.scan(Response, prefix=prefix, limit=MAX_ANSWERS)]
    last = answers[-1] if answers else None
    return {
        "round": comment.round,
        "version": comment.version,
        "about": comment.about,
        "index": comment.index,
        "identity": comment.identity,
        "received_at": format_time(comment.received_ms),
        "said_at": comment.said_at,
        "lang": comment.lang,
        "channel": comment.channel,
        "heard_at": comment.heard_at or None,
        "position": comment.position or None,
        "reply_to": comment.reply_to or None,
        "late": comment.late,
        "printed": comment.printed,
        "state": now.state,
        "ground": now.ground or None,
        "state_by": now.by_index,
        "text": now.said(),
        "name": now.said("name"),
        "place": now.said("place"),
        "salted_digest": comment.redaction if now.state == "redacted" else comment.salted_digest,
        "salt": now.salt or None,
        "endorsements": comment.endorsed,
        "answers": comment.answers,
        "first_answered_at": format_time(answers[0].received_ms) if answers else None,
        "disposition": last.disposition if last else None,
        "answered_by": last.actor if last else None,
        "answer": last.index if last else None,
        "contested": comment.contested,
        "appealed": comment.appealed,
        "decision": comment.decision or None,
        "changed": comment.changed,
    }


# --- what the columns mean -------------------------------------------------------------------------------------------


def metadata(view: View, round_: Round, url: str) -> bytes:
    """The CSVW description of the table at `url`: its columns, and the record on which it stands."""
    checkpoint = view.checkpoint
    shape = Shape(
        name=round_.round,
        title=(f"Comentarios de la consulta {round_.round}", f"Comments of the consultation {round_.round}"),
        about=("Una fila por cada comentario recibido.", "A row for each comment received."),
        key=("index",),
        columns=COLUMNS,
    )
    stands_on: dict[str, Any] = {
        "dc:source": f"{checkpoint.origin}, {checkpoint.size}",
        "dc:modified": view.as_of,
        "constancia:origin": checkpoint.origin,
        "constancia:tree_size": checkpoint.size,
        "constancia:root": checkpoint.root.hex(),
        "constancia:as_of": view.as_of,
        "constancia:methodology": view.methodology.get(round_.plan, 0),
        "constancia:rows": round_.received,
        "constancia:rows_follow_from": "entries",
    }
    note = (
        f"{APOSTROPHE[0]} Ningún comentario falta: los retenidos, borrados o retirados están marcados, sin texto.",
        f"{APOSTROPHE[1]} No comment is missing: those withheld, erased or withdrawn are marked, without text.",
    )
    return csvw(shape, url, stands_on, note)


# --- over HTTP -------------------------------------------------------------------------------------------------------

At = Annotated[str | None, QueryParameter(name="at", description="The record of so many entries")]
AsOf = Annotated[str | None, QueryParameter(name="as_of", description="The record at the end of a day, or at a time")]


def handlers(reader: Reader) -> Sequence[HTTPRouteHandler]:
    """The routes, below the ledger's path."""

    def answered(name: str, ending: str, at: str | None, as_of: str | None) -> HttpAnswer[bytes] | Stream:
        view = reader.asked(at, as_of)
        found = view.records.get(Round, name)
        if found is None:
            raise Problem(404, "There is no such consultation.")
        return _answer(view, found, ending)

    @get("/consultas/{name:str}/comentarios.csv", sync_to_thread=True, tags=["consultation"])
    def table(name: str, at: At = None, as_of: AsOf = None) -> HttpAnswer[bytes] | Stream:
        """The comments of a round as CSV."""
        return answered(name, "csv", at, as_of)

    @get("/consultas/{name:str}/comentarios.excel.csv", sync_to_thread=True, tags=["consultation"])
    def for_excel(name: str, at: At = None, as_of: AsOf = None) -> HttpAnswer[bytes] | Stream:
        """The comments of a round as CSV that Excel opens with its accents: behind a byte order mark."""
        return answered(name, EXCEL, at, as_of)

    @get("/consultas/{name:str}/comentarios.json", sync_to_thread=True, tags=["consultation"])
    def lines(name: str, at: At = None, as_of: AsOf = None) -> HttpAnswer[bytes] | Stream:
        """The comments of a round as JSON lines."""
        return answered(name, "jsonl", at, as_of)

    @get("/consultas/{name:str}/comentarios.csv-metadata.json", sync_to_thread=True, tags=["consultation"])
    def described(name: str, at: At = None, as_of: AsOf = None) -> HttpAnswer[bytes] | Stream:
        """What the columns of the tables mean, and on which record they stand (CSVW)."""
        return answered(name, DESCRIPTION, at, as_of)

    @get("/consultas/{name:str}/{file:str}", sync_to_thread=True, tags=["consultation"])
    def saved(name: str, file: str) -> HttpAnswer[bytes] | Stream:
        """The same by the name under which each file is saved: ROUND.SIZE.csv, .jsonl and so on."""
        of, _, rest = file.partition(".")
        size, _, ending = rest.partition(".")
        if of != name or ending not in ("csv", EXCEL, "jsonl", DESCRIPTION):
            raise Problem(404, "There is no such page, and no such table.")
        return answered(name, ending, size, None)

    return [table, for_excel, lines, described, saved]


_HEADERS = {"access-control-allow-origin": "*", "cache-control": "no-cache", "x-content-type-options": "nosniff"}


def _answer(view: View, found: Round, ending: str) -> HttpAnswer[bytes] | Stream:
    """A file of a round, with the name under which it is saved, which is also its address."""
    stem = stem_of_round(found, view.size)
    headers = _HEADERS | {
        "content-disposition": f'attachment; filename="{stem}.{ending}"',
        "content-location": f"{stem}.{ending}",
        "link": f'<{stem}.{DESCRIPTION}>; rel="describedby"; type="{DESCRIPTION_TYPE}"',
    }
    if ending == DESCRIPTION:
        return HttpAnswer(metadata(view, found, f"{stem}.csv"), media_type=DESCRIPTION_TYPE, headers=headers)
    lines = json_lines if ending == "jsonl" else partial(csv_lines, COLUMNS, header=False)
    return Stream(_streamed(view, found, lines, ending), media_type=SERVED[ending].media_type, headers=headers)


def stem_of_round(round_: Round, size: int) -> str:
    """The name of a round's files without its ending: the round, and the size of the record."""
    return f"{round_.round}.{size}"


def _streamed(view: View, found: Round, lines: Any, ending: str) -> AsyncIterator[bytes]:
    """The rows of a round, all of the one view; each batch is a question of its own, so that a slow reader holds up
    nothing."""

    def batch(after: str) -> list[dict[str, Any]]:
        return list(islice(rows_of(view, found.round, after), BATCH))

    async def parts() -> AsyncIterator[bytes]:
        if ending == EXCEL:
            yield MARK
        if ending != "jsonl":
            yield "".join(csv_lines(COLUMNS, ())).encode()
        after = ""
        while rows := await asyncio.to_thread(batch, after):
            yield "".join(lines(rows)).encode()
            after = index_key(found.round, rows[-1]["index"])

    return parts()

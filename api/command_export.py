"""The command `export`: a consultation or a plan as tables and as a document, from published files."""

from datetime import datetime
from pathlib import Path

import rich_click as click

from api.command import ANY_PATH, argument, as_json, command, constancia, group, option, say, spoken
from ledger.errors import CannotRun


@group(
    constancia,
    help=say(
        "Escribe partes de un registro como tablas y documentos, a partir de sus archivos publicados.",
        "Write parts of a ledger as tables and documents, from its published files.",
    ),
)
@spoken
def export() -> None:
    """Export."""


from_where = option(
    "--from",
    "where",
    required=True,
    metavar=say("URL_O_CARPETA", "URL_OR_FOLDER"),
    help=say("La dirección del registro, o su carpeta.", "The ledger's address, or its folder."),
)
to_folder = option(
    "--to",
    "folder",
    type=ANY_PATH,
    required=True,
    metavar=say("CARPETA", "FOLDER"),
    help=say("Dónde escribir; se crea si falta.", "Where to write; made if it is missing."),
)
trusting = option(
    "--policy",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say("La política en la que usted confía.", "The policy that you trust."),
)


@command(
    export,
    "round",
    help=say(
        "Escribe una consulta: todos los comentarios en CSV y en líneas JSON, qué significa cada columna, y la "
        "consulta como PDF accesible.\n\n"
        "Comprueba por el camino que cada asiento esté en el árbol y firmado; que además se permitía, lo dice "
        "`constancia audit`.",
        "Write a consultation: all comments as CSV and as JSON lines, what each column means, and the consultation as "
        "an accessible PDF.\n\n"
        "On the way it verifies that each entry is in the tree and signed; whether it was permitted too, "
        "`constancia audit` says.",
    ),
)
@argument("name", metavar=say("CONSULTA", "ROUND"))
@from_where
@to_folder
@trusting
@option(
    "--in",
    "language",
    type=click.Choice(["es-GT", "en"]),
    default=say("es-GT", "en"),
    show_default=True,
    help=say("Idioma del PDF.", "Language of the PDF."),
)
@option("--no-pdf", is_flag=True, help=say("Solo las tablas.", "The tables only."))
@as_json
@spoken
def export_round(name: str, where: str, folder: Path, policy: Path | None, language: str, no_pdf: bool) -> int:
    """A round."""
    from api.operate import need_server

    need_server()
    from api.exporting import export_round as write

    return write(name, where, folder, policy, language, pdf=not no_pdf)


FORM_NAMES = ("csv", "json", "jsonl", "parquet", "pdf")


@command(
    export,
    "plan",
    help=say(
        "Escribe la comparación de un plan: compromisos, niveles de cada voz, evidencia con sus grados y razones, "
        "disputas, dictámenes, cifras, en tablas con qué significa cada columna, y como PDF accesible.\n\n"
        "Comprueba por el camino que cada asiento esté en el árbol y firmado, y cuenta en el árbol cuántas filas debe "
        "haber. El mismo registro y el mismo día dan los mismos archivos que el servidor.",
        "Write the comparison of a plan: commitments, levels of each voice, evidence with its grades and reasons, "
        "disputes, verdicts, figures, as tables with what each column means, and as an accessible PDF.\n\n"
        "On the way it verifies that each entry is in the tree and signed, and counts in the tree how many rows there "
        "must be. The same record and day give the same files as the server.",
    ),
)
@argument("plan", metavar=say("PLAN", "PLAN"))
@from_where
@to_folder
@option(
    "--at",
    "size",
    type=click.IntRange(min=1),
    metavar=say("N", "N"),
    help=say("El registro de los primeros N asientos.", "The record of the first N entries."),
)
@option(
    "--as-of",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar=say("DÍA", "DAY"),
    help=say(
        "El registro al final de ese día, y calculado para él; con --at, solo calculado para él.",
        "The record at the end of that day, and computed for it; with --at, computed for it only.",
    ),
)
@option(
    "--formats",
    metavar=say("LISTA", "LIST"),
    help=say(
        f"Qué formas, con comas: {', '.join(FORM_NAMES)}. Por omisión todas; Parquet, si su extra está instalado.",
        f"Which forms, with commas: {', '.join(FORM_NAMES)}. By default all; Parquet where its extra is installed.",
    ),
)
@trusting
@option(
    "--in",
    "language",
    type=click.Choice(["es-GT", "en"]),
    default=say("es-GT", "en"),
    show_default=True,
    help=say("Idioma del PDF.", "Language of the PDF."),
)
@as_json
@spoken
def export_plan(
    plan: str,
    where: str,
    folder: Path,
    size: int | None,
    day: datetime | None,
    formats: str | None,
    policy: Path | None,
    language: str,
) -> int:
    """A plan."""
    from api.operate import need_server

    need_server()
    forms = None if formats is None else _forms(formats)
    from api.exporting import export_plan as write

    return write(plan, where, folder, policy, language, forms, size, day.date().isoformat() if day else "")


def _forms(formats: str) -> list[str]:
    """The forms of a list, each once. Raises CannotRun."""
    forms = list(dict.fromkeys([name.strip() for name in formats.split(",") if name.strip()]))
    wrong = [name for name in forms if name not in FORM_NAMES]
    if wrong or not forms:
        raise CannotRun(
            f"No hay ninguna forma «{', '.join(wrong)}».",
            f"There is no form “{', '.join(wrong)}”.",
            f"Dé algunas de estas, con comas: {', '.join(FORM_NAMES)}.",
            f"Give some of these, with commas: {', '.join(FORM_NAMES)}.",
        )
    return forms

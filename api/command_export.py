"""The command `export`: a consultation as tables and as a document, from published files."""

from pathlib import Path

import rich_click as click

from api.command import ANY_PATH, argument, as_json, command, constancia, group, option, say, spoken


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
@option(
    "--from",
    "where",
    required=True,
    metavar=say("URL_O_CARPETA", "URL_OR_FOLDER"),
    help=say("La dirección del registro, o su carpeta.", "The ledger's address, or its folder."),
)
@option(
    "--to",
    "folder",
    type=ANY_PATH,
    required=True,
    metavar=say("CARPETA", "FOLDER"),
    help=say("Dónde escribir; se crea si falta.", "Where to write; made if it is missing."),
)
@option(
    "--policy",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say("La política en la que usted confía.", "The policy that you trust."),
)
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

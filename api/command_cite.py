"""The command `cite`: a state of the record frozen in a file, and rebuilt from it."""

from pathlib import Path

import rich_click as click

from api.command import ANY_PATH, argument, as_json, command, constancia, group, option, say, spoken
from api.command_checks import pinned_founding, pinned_policy


@group(
    constancia,
    help=say(
        "Cita un estado del registro de modo que cualquiera pueda rehacer cada tabla, y comprueba citas de otros.",
        "Cite a state of the record so that anybody can rebuild every table of it, and check the citations of others.",
    ),
)
@spoken
def cite() -> None:
    """Citations."""


@command(
    cite,
    "make",
    help=say(
        "Audita un registro y escribe la cita de un estado: origen, tamaño, raíz, día, metodología y el resumen de "
        "cada tabla.\n\nLo que no se verifica no se cita.",
        "Audit a ledger and write the citation of a state: origin, size, root, day, methodology and the digest of "
        "each table.\n\nWhat does not verify is not cited.",
    ),
)
@argument("where", metavar=say("URL_O_CARPETA", "URL_OR_FOLDER"))
@option("--plan", help=say("El plan, si hay varios.", "The plan, where there are several."))
@option(
    "--at",
    type=click.IntRange(min=1),
    metavar="N",
    help=say(
        "El estado de los primeros N asientos; por omisión, el de hoy.",
        "That of the first N entries; by default, today's.",
    ),
)
@option(
    "--as-of",
    metavar=say("DÍA", "DAY"),
    help=say(
        "Día con que corren plazos y envejece la evidencia; por omisión, el del último asiento.",
        "Day by which deadlines run and evidence ages; by default, that of the last entry.",
    ),
)
@option("--out", type=ANY_PATH, metavar=say("ARCHIVO", "FILE"), help=say("Dónde escribirla.", "Where to write it."))
@pinned_policy
@pinned_founding
@as_json
@spoken
def cite_make(
    where: str,
    plan: str | None,
    at: int | None,
    as_of: str | None,
    out: Path | None,
    policy: Path | None,
    founding: str | None,
) -> int:
    """Make a citation."""
    from api.citing import Pins, make_citation

    return make_citation(where, plan, at, as_of, out, Pins(policy=policy, founding=founding))


@command(
    cite,
    "check",
    help=say(
        "Rehace cada tabla que cita un archivo, a partir de los asientos, y compara sus resúmenes.\n\nAudita hasta el "
        "tamaño citado, prueba la raíz y que la cabeza firmada de la cita sea del mismo árbol. Termina con 1 si algo "
        "difiere: otro registro, otra historia u otras tablas.",
        "Rebuild every table that a file cites, from the entries, and compare their digests.\n\nIt audits up to the "
        "cited size, proves the root, and that the signed head in the citation is of the same tree. Ends with 1 where "
        "anything differs: another ledger, another history or other tables.",
    ),
)
@argument("file", type=ANY_PATH, metavar=say("CITA", "CITATION"))
@option(
    "--from",
    "where",
    required=True,
    metavar=say("URL_O_CARPETA", "URL_OR_FOLDER"),
    help=say("La dirección del registro, o su carpeta.", "The ledger's address, or its folder."),
)
@option(
    "--evidence",
    type=ANY_PATH,
    metavar=say("CARPETA", "FOLDER"),
    help=say(
        "Si hay faltas, deja ahí los bytes que las prueban a terceros.",
        "Where there are findings, leave there the bytes that prove them to others.",
    ),
)
@pinned_policy
@pinned_founding
@as_json
@spoken
def cite_check(file: Path, where: str, evidence: Path | None, policy: Path | None, founding: str | None) -> int:
    """Check a citation."""
    from api.citing import Pins, check_citation

    return check_citation(file, where, Pins(policy=policy, founding=founding), evidence)

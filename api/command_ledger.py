"""Commands of those who run a ledger: `init`, `serve`, `log-key`, `timestamp`, `demo`."""

from collections.abc import Sequence
from pathlib import Path

import rich_click as click

from api.command import (
    ANY_PATH,
    argument,
    as_json,
    ask_passphrase,
    checked_origin,
    command,
    constancia,
    group,
    option,
    say,
    spoken,
)

# --- for those who run a ledger --------------------------------------------------------------------------------------


@command(
    constancia,
    help=say(
        "Hace la carpeta de un registro nuevo, con llaves nuevas para el servidor, y dice qué falta para fundarlo.\n\n"
        "Funda el registro con tres --registrar o más. Si se dan sus archivos de llave, queda fundado; si se dan solo "
        "llaves públicas, deja una nota para que cada quien la firme, y después `init CARPETA --founding NOTA`.",
        "Make the folder of a new ledger, with new keys for the server, and say what is missing to found it.\n\n"
        "Three --registrar or more found it. Where their key files are given, it is founded at once; where public keys "
        "are given, a note is left for each to sign, and then `init FOLDER --founding NOTE`.",
    ),
)
@argument("place", type=ANY_PATH, metavar=say("CARPETA", "FOLDER"))
@option(
    "--origin",
    metavar=say("ORIGEN", "ORIGIN"),
    help=say(
        "Nombre del registro, para siempre: una dirección sin esquema, como constancia.example/gt.",
        "The ledger's name, for ever: an address without a scheme, such as constancia.example/gt.",
    ),
)
@option(
    "--purpose",
    type=click.Choice(["record", "demonstration"]),
    default="record",
    show_default=True,
    help=say("Un registro de verdad, o una demostración.", "A real record, or a demonstration."),
)
@option(
    "--registrar",
    "registrars",
    multiple=True,
    metavar=say("CUERPO:FORMA:LLAVE[:NOMBRE]", "BODY:FORM:KEY[:NAME]"),
    help=say(
        "Un registrador; FORMA es institution u organisation; LLAVE, un archivo o 64 dígitos.",
        "A registrar; FORM is institution or organisation; KEY a file or 64 digits.",
    ),
)
@option(
    "--recovery",
    multiple=True,
    metavar=say("LLAVE", "KEY"),
    help=say(
        "Llave pública de recuperación (dos o más; hacen falta dos para actuar).",
        "Public recovery key (two or more; it takes two to act).",
    ),
)
@option(
    "--founding",
    "founding_note",
    type=ANY_PATH,
    metavar=say("NOTA", "NOTE"),
    help=say("La declaración fundacional, firmada por todos.", "The founding statement, signed by everybody."),
)
@option(
    "--policy",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say(
        "Los testigos del registro, sus grupos y el quórum, sin línea `log`; hay un ejemplo en deploy/policy.example.",
        "The ledger's witnesses, their groups and the quorum, without a `log` line; deploy/policy.example is one.",
    ),
)
@option(
    "--offset-minutes",
    type=click.IntRange(-840, 840),
    default=-360,
    show_default=True,
    help=say("Hora local del registro, en minutos respecto de UTC.", "The ledger's local time, in minutes from UTC."),
)
@as_json
@spoken
def init(
    place: Path,
    origin: str | None,
    purpose: str,
    registrars: Sequence[str],
    recovery: Sequence[str],
    founding_note: Path | None,
    policy: Path | None,
    offset_minutes: int,
) -> None:
    """Init."""
    from api.operate import need_server

    need_server()
    from api.founding import init_ledger

    checked = checked_origin(origin) if origin else None
    init_ledger(place, checked, purpose, registrars, recovery, founding_note, offset_minutes, ask_passphrase, policy)


@command(
    constancia,
    help=say(
        "Sirve el registro de una carpeta: recibe declaraciones y muestra las páginas. Ctrl-C lo detiene.",
        "Serve the ledger of a folder: take statements and show the pages. Ctrl-C stops it.",
    ),
)
@option(
    "--dir",
    "place",
    type=ANY_PATH,
    default=Path(),
    metavar=say("CARPETA", "FOLDER"),
    help=say(
        "La carpeta con constancia.toml; por omisión esta.", "The folder with constancia.toml; by default this one."
    ),
)
@option("--host", help=say("Dirección en la que se escucha.", "Address to listen on."))
@option("--port", type=click.IntRange(0, 65535), help=say("Puerto; 0 elige uno libre.", "Port; 0 chooses a free one."))
@option(
    "--accept-time",
    is_flag=True,
    help=say(
        "Confirma que el reloj está bien, aunque el último asiento sea de hace más de 400 días o los testigos lo "
        "contradigan.",
        "Confirm that the clock is right, though the last entry is from more than 400 days ago, or witnesses "
        "contradict it.",
    ),
)
@spoken
def serve(place: Path, host: str | None, port: int | None, accept_time: bool) -> None:
    """Serve."""
    from api.operate import need_server

    need_server()
    from api.running import serve_folder

    serve_folder(place, host, port, accept_time=accept_time)


@group(
    constancia,
    name="log-key",
    help=say(
        "La llave con la que el registro firma sus cabezas, y cómo cambiarla por otra.",
        "The key with which the log signs its heads, and how to exchange it for another.",
    ),
)
@spoken
def log_key() -> None:
    """The log's key."""


@command(
    log_key,
    "new",
    help=say(
        "Hace la llave siguiente del registro, en keys/log.next, e imprime el borrador que dos registradores firman "
        "para ponerla en el lugar de la actual. Hasta entonces no cambia nada, y nunca se sobrescribe una llave.",
        "Make the log's next key, in keys/log.next, and print the draft that two registrars sign to put it in the "
        "place of the present one. Until then nothing changes, and no key is ever overwritten.",
    ),
)
@option(
    "--dir",
    "place",
    type=ANY_PATH,
    default=Path(),
    metavar=say("CARPETA", "FOLDER"),
    help=say("La carpeta del registro; por omisión esta.", "The ledger's folder; by default this one."),
)
@as_json
@spoken
def log_key_new(place: Path) -> None:
    """Make the log's next key."""
    from api.log_keys import new_log_key

    new_log_key(place)


@command(
    constancia,
    help=say(
        "Pide a una autoridad de sellado de tiempo (RFC 3161) un sello del punto de control publicado, lo comprueba y "
        "lo publica con el registro, en timestamps/.\n\n"
        "Sirve para el registro de esta máquina y para la copia de otro, y para un temporizador: repetirla no hace "
        "daño. Termina con 1 si la autoridad se niega o su sello no vale, con 2 si no contesta.",
        "Ask a time stamping authority (RFC 3161) for a stamp of the published checkpoint, check it, and publish it "
        "with the ledger, in timestamps/.\n\n"
        "For the ledger of this machine and for a copy of another's, and fit for a timer: doing it again is no harm. "
        "Ends with 1 when the authority refuses or its stamp does not hold, with 2 when it does not answer.",
    ),
)
@option(
    "--dir",
    "place",
    type=ANY_PATH,
    default=Path(),
    metavar=say("CARPETA", "FOLDER"),
    help=say(
        "La carpeta del registro o sus archivos publicados; por omisión esta.",
        "The ledger's folder or its published files; by default this one.",
    ),
)
@option(
    "--authority",
    required=True,
    metavar="URL",
    help=say("Dirección http(s) de la autoridad.", "The authority's address, http(s)."),
)
@option(
    "--root",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say(
        "Su certificado raíz (PEM); sin él no se comprueba la firma.",
        "Its root certificate (PEM); without it the signature is not checked.",
    ),
)
@option(
    "--at",
    type=click.IntRange(min=1),
    metavar="N",
    help=say(
        "El punto de control de los primeros N asientos, en vez del más nuevo.",
        "The checkpoint of the first N entries, instead of the newest.",
    ),
)
@as_json
@spoken
def timestamp(place: Path, authority: str, root: Path | None, at: int | None) -> int:
    """Timestamp."""
    from api.stamping import stamp_checkpoint

    return stamp_checkpoint(place, authority, root, at)


@command(
    constancia,
    help=say(
        "Construye un mundo pequeño y completo, lo audita y lo sirve: el plan de Guatemala 2014-2016 con sus 48 "
        "compromisos, como está impreso en su autoevaluación, y una consulta inventada que está abierta ahora.\n\n"
        "Si la carpeta ya es una demostración, la usa.",
        "Build a small complete world, audit it and serve it: Guatemala's plan of 2014-2016 with its 48 commitments, "
        "as printed in its self-assessment, and an invented consultation that is open now.\n\n"
        "A folder that is a demonstration already is used again.",
    ),
)
@option(
    "--dir",
    "place",
    type=ANY_PATH,
    default=Path("constancia-demo"),
    show_default=True,
    metavar=say("CARPETA", "FOLDER"),
    help=say("Dónde se construye.", "Where it is built."),
)
@option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help=say("Dirección en la que se escucha.", "Address to listen on."),
)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help=say("Puerto; 0 elige uno libre.", "Port; 0 chooses a free one."),
)
@option("--no-serve", is_flag=True, help=say("Construye y audita, y termina.", "Build and audit, then end."))
@as_json
@spoken
def demo(place: Path, host: str, port: int, no_serve: bool) -> int:
    """Demo."""
    from api.operate import need_server

    need_server()
    from api.running import run_demo

    return run_demo(place, host, port, serving=not no_serve)

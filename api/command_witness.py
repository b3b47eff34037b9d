"""Commands of those who witness: `witness init`, `add`, `remove`, `list`, `status`, `serve`."""

from pathlib import Path

import rich_click as click

from api.command import (
    ANY_PATH,
    argument,
    as_json,
    ask_passphrase,
    command,
    constancia,
    group,
    new_passphrase,
    option,
    say,
    spoken,
)

# --- for those who witness -------------------------------------------------------------------------------------------


@group(
    constancia,
    help=say(
        "Un testigo: da fe de que un registro solo crece, y de que a todos se les muestra la misma historia.\n\n"
        "Lo lleva alguien que no depende de quien opera el registro. Observa cualquier registro C2SP. Cómo llevar uno: "
        "deploy/TESTIGO.md.",
        "A witness: it attests that a log only grows, and that everybody is shown the same history.\n\n"
        "Somebody runs it who does not depend on the log's operator. It watches any C2SP log. How to run one: "
        "deploy/WITNESS.md.",
    ),
)
@spoken
def witness() -> None:
    """Witnesses."""


witness_dir = option(
    "--dir",
    "place",
    type=ANY_PATH,
    default=Path(),
    metavar=say("CARPETA", "FOLDER"),
    help=say("La carpeta del testigo; por omisión esta.", "The witness's folder; by default this one."),
)


@command(
    witness,
    "init",
    help=say(
        "Hace la carpeta de un testigo nuevo, con una llave nueva, y muestra su parte pública: la línea que se pone en "
        "una política.",
        "Make the folder of a new witness, with a new key, and show its public half: the line for a policy.",
    ),
)
@witness_dir
@option(
    "--name",
    required=True,
    metavar=say("NOMBRE", "NAME"),
    help=say(
        "Su nombre, para siempre: una dirección sin esquema, como witness.example/w1.",
        "Its name, for ever: an address without a scheme, such as witness.example/w1.",
    ),
)
@option(
    "--url",
    default="",
    metavar="URL",
    help=say("Su dirección pública, si ya la tiene.", "Its public address, if it has one already."),
)
@option(
    "--passphrase",
    "locked",
    is_flag=True,
    help=say(
        "Protege la llave con una frase de contraseña, que `serve` pide al iniciar.",
        "Protect the key with a passphrase, which `serve` asks for at the start.",
    ),
)
@as_json
@spoken
def witness_init(place: Path, name: str, url: str, locked: bool) -> None:
    """Init."""
    from api.witnessing import init_witness

    init_witness(place, name, url, new_passphrase() if locked else None)


@command(
    witness,
    "add",
    help=say(
        "Observa un registro, por su llave: origen+código+llave, como está en la política de quien lo opera.",
        "Watch a log, by its key: origin+code+key, as its operator's policy has it.",
    ),
)
@witness_dir
@argument("vkey", metavar=say("LLAVE", "VKEY"))
@option(
    "--from",
    "url",
    metavar="URL",
    help=say(
        "Pregunta antes en esa dirección si el registro firma con esa llave, y muestra su tamaño.",
        "Ask at that address first whether the log signs with that key, and show its size.",
    ),
)
@as_json
@spoken
def witness_add(place: Path, vkey: str, url: str | None) -> None:
    """Add."""
    from api.witnessing import add_log

    add_log(place, vkey, url)


@command(
    witness,
    "remove",
    help=say(
        "Deja de observar un registro, por su origen o por una de sus llaves. Lo que se cofirmó de él no se olvida.",
        "Watch a log no more, by its origin or one of its keys. What was cosigned of it is not forgotten.",
    ),
)
@witness_dir
@argument("named", metavar=say("ORIGEN_O_LLAVE", "ORIGIN_OR_VKEY"))
@as_json
@spoken
def witness_remove(place: Path, named: str) -> None:
    """Remove."""
    from api.witnessing import remove_log

    remove_log(place, named)


@command(witness, "list", help=say("Enumera los registros que observa.", "List the logs that it watches."))
@witness_dir
@as_json
@spoken
def witness_list(place: Path) -> int:
    """List."""
    from api.witnessing import show_witness

    return show_witness(place, whole=False)


@command(
    witness,
    "status",
    help=say(
        "Dice cómo está un testigo: su llave, los registros con su tamaño, y lo que habla contra alguno. Termina con "
        "1 si un registro mostró dos historias.",
        "Say how a witness stands: its key, the logs with their sizes, and what speaks against one. Ends with 1 when "
        "a log showed two histories.",
    ),
)
@witness_dir
@as_json
@spoken
def witness_status(place: Path) -> int:
    """Status."""
    from api.witnessing import show_witness

    return show_witness(place, whole=True)


@command(
    witness,
    "serve",
    help=say("Sirve el testigo de una carpeta. Ctrl-C lo detiene.", "Serve the witness of a folder. Ctrl-C stops it."),
)
@witness_dir
@option("--host", help=say("Dirección en la que se escucha.", "Address to listen on."))
@option("--port", type=click.IntRange(0, 65535), help=say("Puerto; 0 elige uno libre.", "Port; 0 chooses a free one."))
@spoken
def witness_serve(place: Path, host: str | None, port: int | None) -> None:
    """Serve."""
    from api.operate import need_server

    need_server()
    from api.witnessing import serve_folder

    serve_folder(place, host, port, ask_passphrase)

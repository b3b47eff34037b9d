"""How the command `constancia` is built and speaks: its root, its decorators, the options that every command has.

    @command(constancia, help=say("…", "…"))      a command below the root
    @group(constancia, help=say("…", "…"))        a group of commands
    @spoken                                       --lang, --quiet, --debug; and @as_json for --json

Every text is written in Spanish and English side by side; which of the two is chosen here, while the tree is built,
because the command line's own help is made from it. What commands there are stands in `command_*.py`; what a command
does, in the module that it imports when it runs, so that an auditor's commands load no web library and no event store
(`tests/test_house.py` looks).
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import rich_click as click
from rich_click.rich_help_formatter import RichHelpFormatter
from rich_click.rich_help_rendering import get_rich_usage

from api.screen import language, screen
from ledger.errors import CannotRun, Refused

FINE, FOUND, COULD_NOT = 0, 1, 2
DAY = 86_400
PASSPHRASE = "CONSTANCIA_PASSPHRASE"

screen.lang = language(sys.argv[1:], os.environ)
say = screen.pick
METAVAR, COMMAND = say("[OPCIONES]", "[OPTIONS]"), say("ORDEN …", "COMMAND …")

F = TypeVar("F", bound=Callable[..., Any])

# The library's decorators are typed only in part; what they take and give is said here once.
untyped: Any = click
ANY_PATH: Any = click.Path(path_type=Path)


def option(*names: str, **more: Any) -> Callable[[F], F]:
    """An option of a command."""
    return untyped.option(*names, **more)


def argument(name: str, **more: Any) -> Callable[[F], F]:
    """An argument of a command."""
    return untyped.argument(name, **more)


def command(above: Any, *name: str, **more: Any) -> Callable[[Callable[..., Any]], Any]:
    """A command below a group."""
    return above.command(*name, cls=Command, options_metavar=METAVAR, **more)


def group(above: Any, *name: str, **more: Any) -> Callable[[Callable[..., Any]], Any]:
    """A group of commands below another."""
    return above.group(*name, cls=Group, options_metavar=METAVAR, subcommand_metavar=COMMAND, **more)


# --- how the tree speaks ---------------------------------------------------------------------------------------------


class _InOurWords:
    """Usage line and `--help` in the reader's language."""

    def format_usage(self, ctx: click.Context, formatter: Any) -> None:
        """The usage line."""
        command = cast("click.Command", self)
        pieces = " ".join(command.collect_usage_pieces(ctx))
        get_rich_usage(cast("RichHelpFormatter", formatter), ctx.command_path, pieces, say("Uso:", "Usage:"))

    def get_help_option(self, ctx: click.Context) -> Any:
        """The option `--help`."""
        shown: Any = super().get_help_option(ctx)  # type: ignore[misc]
        if shown is not None:
            shown.help = say("Muestra esta ayuda.", "Show this help.")
        return cast("Any", shown)


class Command(_InOurWords, click.RichCommand):
    """A command."""


class Group(_InOurWords, click.RichGroup):
    """A group of commands."""

    command_class = Command


click.rich_click.OPTIONS_PANEL_TITLE = say("Opciones", "Options")
click.rich_click.COMMANDS_PANEL_TITLE = say("Órdenes", "Commands")
click.rich_click.ARGUMENTS_PANEL_TITLE = say("Argumentos", "Arguments")
click.rich_click.REQUIRED_LONG_STRING = say("[obligatorio]", "[required]")
click.rich_click.DEFAULT_STRING = say("[por omisión: {}]", "[default: {}]")
click.rich_click.ENVVAR_STRING = "[{}]"
click.rich_click.TEXT_MARKUP = None
click.rich_click.MAX_WIDTH = 100


def _set_quiet(_ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    screen.quiet = screen.quiet or value


def _set_json(_ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    screen.as_json = screen.as_json or value


def _set_debug(_ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    screen.debug = screen.debug or value


def spoken(function: F) -> F:
    """The options that every command has."""
    options = (
        option(
            "--lang",
            type=click.Choice(["es", "en"]),
            expose_value=False,
            help=say(
                "Idioma; por omisión el del entorno, y español si no es inglés.",
                "Language; by default the environment's, and Spanish unless that is English.",
            ),
        ),
        option(
            "-q",
            "--quiet",
            is_flag=True,
            expose_value=False,
            callback=_set_quiet,
            help=say("Solo resultados y errores.", "Results and errors only."),
        ),
        option(
            "--debug",
            is_flag=True,
            expose_value=False,
            callback=_set_debug,
            help=say("Ante un fallo, muestra la traza.", "On a failure, show the traceback."),
        ),
    )
    for each in reversed(options):
        function = each(function)
    return function


as_json = option(
    "--json",
    is_flag=True,
    expose_value=False,
    callback=_set_json,
    help=say("El resultado como un documento JSON.", "The result as one JSON document."),
)


key_option = option(
    "--key",
    "key_file",
    type=ANY_PATH,
    required=True,
    metavar=say("ARCHIVO", "FILE"),
    help=say("Su llave privada de OpenSSH (Ed25519).", "Your OpenSSH private key (Ed25519)."),
)
to_option = option(
    "--to",
    "url",
    required=True,
    metavar="URL",
    help=say(
        "Dirección del registro hasta su ruta: http://localhost:8000/gt",
        "Address of the ledger up to its path: http://localhost:8000/gt",
    ),
)


@untyped.group(
    cls=Group,
    options_metavar=METAVAR,
    subcommand_metavar=COMMAND,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=say(
        "Un registro público de compromisos de gobierno abierto que nadie puede reescribir.\n\n"
        "Para empezar: `constancia demo` construye un mundo pequeño y lo sirve; `constancia audit` comprueba "
        "cualquier registro, sin confiar en quien lo publica.",
        "A public record of open-government commitments that nobody can rewrite.\n\n"
        "To begin: `constancia demo` builds a small world and serves it; `constancia audit` checks any ledger, "
        "without trusting whoever publishes it.",
    ),
)
@untyped.version_option(
    package_name="constancia", message="constancia %(version)s", help=say("Muestra la versión.", "Show the version.")
)
@spoken
def constancia() -> None:
    """The command."""


# --- a refusal -----------------------------------------------------------------------------------------------------


def show_refusal(refused: Refused, note: str = "", *, sent: bool = True) -> None:
    """Say that a statement was refused, or (not `sent`) would be: code, rule, and why."""
    from api.details import in_spanish
    from api.problems import RULES, TITLES, advice_on

    if screen.as_json:
        plain = {"code": refused.code, "rule": refused.rule, "detail": refused.detail}
        screen.json({"refused": plain | ({"refusal": note} if note else {})})
    es, en = TITLES[refused.code]
    told = say("rechazada", "refused") if sent else say("así no se registraría", "it would not be registered so")
    screen.fail(f"{told}: {say(es, en)}.")
    if asks := RULES.get(refused.rule):
        screen.note(f"Regla {refused.rule}: {asks[0]}", f"Rule {refused.rule}: {asks[1]}", style="")
    else:
        screen.note(f"Regla: {refused.rule}.", f"Rule: {refused.rule}.", style="")
    screen.note(f"Código {refused.code}: {in_spanish(refused.detail)}", f"Code {refused.code}: {refused.detail}")
    if sent:
        screen.note(*advice_on(refused.code, refused.rule), style="")


# --- origins --------------------------------------------------------------------------------------------------------


def checked_origin(origin: str) -> str:
    """The origin, if one may be named so. Raises CannotRun."""
    from ledger.tlog.errors import Malformed
    from ledger.tlog.note import check_name

    try:
        check_name(origin)
    except Malformed as error:
        raise CannotRun(
            f"«{origin}» no puede ser el origen de un registro ({error.message}).",
            f"“{origin}” cannot be the origin of a ledger ({error.message}).",
            "Es una dirección sin esquema, como constancia.example/gt; está en `ledger.json`.",
            "It is an address without a scheme, such as constancia.example/gt; `ledger.json` has it.",
        ) from None
    return origin


# --- passphrases -----------------------------------------------------------------------------------------------------


def new_passphrase() -> bytes:
    """A passphrase for a new key file: from the environment, or agreed upon at the terminal. Raises CannotRun."""
    if given := os.environ.get(PASSPHRASE):
        return given.encode()
    _need_terminal()
    from getpass import getpass

    for _ in range(3):
        first = getpass(say("Frase de contraseña: ", "Passphrase: "))
        if not first:
            screen.note("Una frase vacía no protege nada.", "An empty passphrase protects nothing.")
        elif first == getpass(say("Otra vez: ", "Again: ")):
            return first.encode()
        else:
            screen.note("No son iguales.", "They differ.")
    raise CannotRun("No se acordó una frase.", "No passphrase was agreed.", "Empiece de nuevo.", "Begin again.")


def ask_passphrase(path: Path) -> bytes:
    """The passphrase of a key file: from the environment, or from whoever sits at the terminal."""
    if given := os.environ.get(PASSPHRASE):
        return given.encode()
    _need_terminal()
    from getpass import getpass

    return getpass(say(f"Frase de contraseña de {path}: ", f"Passphrase of {path}: ")).encode()


def _need_terminal() -> None:
    if not sys.stdin.isatty():
        raise CannotRun(
            "Hace falta una frase de contraseña, y no hay nadie en la terminal para darla.",
            "A passphrase is needed, and nobody is at the terminal to give it.",
            f"Póngala en la variable {PASSPHRASE}, o use --no-passphrase para una llave de prueba.",
            f"Put it into the variable {PASSPHRASE}, or use --no-passphrase for a key to try things out.",
        )

"""The command `constancia`: its tree, its options, its exit codes.

    0  fine          1  findings, or refused          2  it could not be done

What a command does stands in the module that it imports when it runs, so that an auditor's commands load no web library
and no event store (`tests/test_house.py` looks). Every text is written in Spanish and English side by side; which of
the two is chosen here, while the tree is built, because the command line's own help is made from it.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import rich_click as click
from rich_click.rich_help_formatter import RichHelpFormatter
from rich_click.rich_help_rendering import get_rich_usage

from api.screen import language, screen
from ledger.errors import CannotRun, Misbehaviour, Refused

FINE, FOUND, COULD_NOT = 0, 1, 2
DAY = 86_400
PASSPHRASE = "CONSTANCIA_PASSPHRASE"

screen.lang = language(sys.argv[1:], os.environ)
say = screen.pick
_METAVAR, _COMMAND = say("[OPCIONES]", "[OPTIONS]"), say("ORDEN …", "COMMAND …")

F = TypeVar("F", bound=Callable[..., Any])

# The library's decorators are typed only in part; what they take and give is said here once.
_click: Any = click
ANY_PATH: Any = click.Path(path_type=Path)


def option(*names: str, **more: Any) -> Callable[[F], F]:
    """An option of a command."""
    return _click.option(*names, **more)


def argument(name: str, **more: Any) -> Callable[[F], F]:
    """An argument of a command."""
    return _click.argument(name, **more)


def command(above: Any, *name: str, **more: Any) -> Callable[[Callable[..., Any]], Any]:
    """A command below a group."""
    return above.command(*name, cls=Command, options_metavar=_METAVAR, **more)


def group(above: Any, **more: Any) -> Callable[[Callable[..., Any]], Any]:
    """A group of commands below another."""
    return above.group(cls=Group, options_metavar=_METAVAR, subcommand_metavar=_COMMAND, **more)


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


@_click.group(
    cls=Group,
    options_metavar=_METAVAR,
    subcommand_metavar=_COMMAND,
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
@_click.version_option(
    package_name="constancia", message="constancia %(version)s", help=say("Muestra la versión.", "Show the version.")
)
@spoken
def constancia() -> None:
    """The command."""


# --- keys ------------------------------------------------------------------------------------------------------------


@group(
    constancia,
    help=say("Hace y muestra llaves para firmar.", "Make and show signing keys."),
)
@spoken
def key() -> None:
    """Keys."""


@command(
    key,
    "new",
    help=say(
        "Hace una llave Ed25519 nueva, protegida por una frase de contraseña. El archivo es una llave privada de "
        "OpenSSH: `ssh-keygen` también la lee. Nunca sobrescribe nada, y la llave no sale de esta máquina.",
        "Make a new Ed25519 key, protected by a passphrase. The file is an OpenSSH private key: `ssh-keygen` reads it "
        "too. Nothing is ever overwritten, and the key does not leave this machine.",
    ),
)
@argument("path", type=ANY_PATH, metavar=say("ARCHIVO", "FILE"))
@option(
    "--no-passphrase",
    is_flag=True,
    help=say("Sin frase: solo para pruebas.", "Without a passphrase: for trying things out only."),
)
@option(
    "--origin",
    metavar=say("ORIGEN", "ORIGIN"),
    help=say("Muestra también el nombre de la llave en ese registro.", "Also show the key's name in that ledger."),
)
@as_json
@spoken
def key_new(path: Path, no_passphrase: bool, origin: str | None) -> None:
    """Make a key."""
    from api.keyfiles import make_key_file, public_hex

    if path.exists():  # before anybody thinks up a passphrase
        make_key_file(path, None)
    passphrase = None if no_passphrase else _new_passphrase()
    made = make_key_file(path, passphrase)
    screen.note(f"Llave nueva en {path} (solo usted puede leerla).", f"New key in {path} (only you may read it).")
    _show_key(public_hex(made), origin)
    if not screen.as_json:
        screen.note(
            "Esa es su parte pública. Quien firma por una institución la da a dos registradores, que la inscriben; "
            "para comentar en una consulta no hace falta.",
            "That is its public half. Who signs for a body gives it to two registrars, who enrol it; to comment in a "
            "consultation that is not needed.",
        )


@command(
    key,
    "show",
    help=say(
        "Imprime la parte pública de una llave, en 64 dígitos hexadecimales, como la escriben las declaraciones.",
        "Print the public half of a key, in 64 hexadecimal digits, as statements write it.",
    ),
)
@argument("path", metavar=say("ARCHIVO", "FILE"))
@option(
    "--origin",
    metavar=say("ORIGEN", "ORIGIN"),
    help=say("Muestra también el nombre de la llave en ese registro.", "Also show the key's name in that ledger."),
)
@as_json
@spoken
def key_show(path: str, origin: str | None) -> None:
    """Show a key."""
    from api.keyfiles import read_public_key

    _show_key(read_public_key(path), origin)


def _show_key(public: str, origin: str | None) -> None:
    from ledger.statement import key_name

    shown = {"key": public}
    if origin:
        shown["name"] = key_name(_checked_origin(origin), public)[0]
    if screen.as_json:
        screen.json(shown)
    else:
        for value in shown.values():
            screen.line(value)


def _checked_origin(origin: str) -> str:
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


def _new_passphrase() -> bytes:
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


# --- kinds, sign and submit ------------------------------------------------------------------------------------------


@command(
    constancia,
    help=say(
        "Enumera las clases de declaración; de una muestra los campos y un borrador para llenar.\n\n"
        "Declarar algo toma cuatro órdenes:\n\n"
        "constancia kinds CompletionReported\n\n"
        "constancia sign borrador.json --key mi-llave --origin ORIGEN --actor CUERPO --role PAPEL\n\n"
        "constancia submit borrador.note --to URL\n\n"
        "constancia verify borrador.tlog-proof --policy POLITICA",
        "List the kinds of statement; of one show the fields and a draft to fill in.\n\n"
        "Stating something takes four commands:\n\n"
        "constancia kinds CompletionReported\n\n"
        "constancia sign draft.json --key my-key --origin ORIGIN --actor BODY --role ROLE\n\n"
        "constancia submit draft.note --to URL\n\n"
        "constancia verify draft.tlog-proof --policy POLICY",
    ),
)
@argument("kind", required=False, metavar=say("[CLASE]", "[KIND]"))
@as_json
@spoken
def kinds(kind: str | None) -> None:
    """Kinds."""
    from api.making import show_kinds

    show_kinds(kind)


@command(
    constancia,
    help=say(
        "Firma un borrador, o añade su firma a una nota que otros firmaron. No envía nada.\n\n"
        "Un borrador es el JSON de una declaración, sin quién ni cuándo, que esta orden pone:\n\n"
        '{"kind": "CompletionReported", "subject": "gt-2014-2016/G1", "level": "limited", "reason": "…", '
        '"evidence": []}\n\n'
        "Qué se puede declarar, y con qué campos: `constancia kinds`.\n\n"
        'Un texto que nombra a una persona va como {"$content": {"text": "…"}}: se firma solo su resumen con sal, y el '
        "texto queda al lado, en un envío.",
        "Sign a draft, or add your signature to a note that others have signed. Nothing is sent.\n\n"
        "A draft is the JSON of a statement, without who and when, which this command fills in:\n\n"
        '{"kind": "CompletionReported", "subject": "gt-2014-2016/G1", "level": "limited", "reason": "…", '
        '"evidence": []}\n\n'
        "What can be stated, and with which fields: `constancia kinds`.\n\n"
        'A text that names a person goes in as {"$content": {"text": "…"}}: only its salted digest is signed, and the '
        "text stays beside it, in a submission.",
    ),
)
@argument("draft", type=ANY_PATH, metavar=say("BORRADOR", "DRAFT"))
@key_option
@option(
    "--origin",
    metavar=say("ORIGEN", "ORIGIN"),
    help=say(
        "El registro para el que se firma, como constancia.example/gt. Una nota ya firmada lo lleva.",
        "The ledger it is signed for, such as constancia.example/gt. A signed note names it.",
    ),
)
@option(
    "--actor",
    metavar=say("CUERPO", "BODY"),
    help=say(
        "Quién firma, como copret; nadie, si firma un ciudadano.",
        "Who signs, such as copret; nobody, when a citizen signs.",
    ),
)
@option(
    "--role",
    default="citizen",
    show_default=True,
    metavar=say("PAPEL", "ROLE"),
    help=say(
        "En qué papel: institution, coordinator, assessor, irm, registrar, holder, citizen …",
        "In which role: institution, coordinator, assessor, irm, registrar, holder, citizen …",
    ),
)
@option(
    "--also",
    multiple=True,
    metavar=say("CUERPO:PAPEL:LLAVE", "BODY:ROLE:KEY"),
    help=say(
        "Otro firmante, que firmará después; LLAVE es su parte pública o un archivo. Se puede repetir.",
        "Another signer, who will sign later; KEY is the public half or a file. May be repeated.",
    ),
)
@option(
    "--out",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say(
        "Dónde escribir; por omisión junto al borrador (.note o .submission.json).",
        "Where to write; by default beside the draft (.note or .submission.json).",
    ),
)
@as_json
@spoken
def sign(
    draft: Path, key_file: Path, origin: str | None, actor: str | None, role: str, also: Sequence[str], out: Path | None
) -> int:
    """Sign."""
    from api.making import sign_file
    from api.names import ROLES

    if role not in ROLES:
        raise CannotRun(
            f"No hay ningún papel {role}.",
            f"There is no role {role}.",
            f"Hay: {', '.join(ROLES)}.",
            f"There are: {', '.join(ROLES)}.",
        )
    if actor and role == "citizen":
        raise CannotRun(
            f"Falta decir en qué papel firma {actor}.",
            f"In which role {actor} signs is not said.",
            "Añada --role: institution, coordinator, assessor, irm, registrar, holder …",
            "Add --role: institution, coordinator, assessor, irm, registrar, holder …",
        )
    checked = _checked_origin(origin) if origin else None
    try:
        sign_file(draft, key_file, ask_passphrase, checked, actor, role, also, out)
    except Refused as refused:
        show_refusal(refused, sent=False)
        return FOUND
    return FINE


@command(
    constancia,
    help=say(
        "Envía una nota firmada o un envío a un registro, y guarda la constancia.\n\nLo mismo dos veces se registra "
        "una sola vez. Si el registro la rechaza, dice con qué regla, y la orden termina con 1.",
        "Send a signed note or a submission to a ledger, and keep the receipt.\n\nThe same thing twice is registered "
        "once. Where the ledger refuses it, the rule is named, and the command ends with 1.",
    ),
)
@argument("file", type=ANY_PATH, metavar=say("ARCHIVO", "FILE"))
@to_option
@option(
    "--receipt",
    "receipt_file",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say(
        "Dónde guardar la constancia; por omisión junto al archivo (.tlog-proof).",
        "Where to keep the receipt; by default beside the file (.tlog-proof).",
    ),
)
@option(
    "--policy",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say("Comprueba la constancia con esta política fijada.", "Check the receipt by this pinned policy."),
)
@as_json
@spoken
def submit(file: Path, url: str, receipt_file: Path | None, policy: Path | None) -> None:
    """Submit."""
    from api.making import submit_file

    submit_file(file, url, receipt_file, policy)


# --- the printed report ----------------------------------------------------------------------------------------------


@command(
    constancia,
    "import-report",
    help=say(
        "Lee una autoevaluación publicada (texto o .docx) y prepara sus declaraciones «como está impreso», con un "
        "informe de lo leído, lo que falta y lo que se ve mal.\n\nCon --submit las firma y las registra. Se puede "
        "interrumpir y repetir: nada se registra dos veces.",
        "Read a published self-assessment (text or .docx) and draft its statements “as printed”, with a report of "
        "what was read, what is missing and what looks wrong.\n\nWith --submit they are signed and registered. It may "
        "be broken off and run again: nothing is registered twice.",
    ),
)
@argument("file", type=ANY_PATH, metavar=say("ARCHIVO", "FILE"))
@option("--report-lang", default="en", show_default=True, help=say("Idioma del informe.", "Language of the report."))
@option(
    "--plan",
    metavar=say("PLAN", "PLAN"),
    help=say(
        "Identificador del plan; por omisión, del título: gt-2014-2016.",
        "The plan's slug; by default from the title: gt-2014-2016.",
    ),
)
@option(
    "--submit", "submitting", is_flag=True, help=say("Firma y registra lo leído.", "Sign and register what was read.")
)
@option(
    "--to",
    "url",
    metavar="URL",
    help=say("Dirección del registro (con --submit).", "Address of the ledger (with --submit)."),
)
@option(
    "--key",
    "key_file",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say("Llave del importador (con --submit).", "The importer's key (with --submit)."),
)
@option(
    "--actor",
    default="importador",
    show_default=True,
    metavar=say("CUERPO", "BODY"),
    help=say("El importador, como está inscrito.", "The importer, as enrolled."),
)
@option(
    "--origin",
    metavar=say("ORIGEN", "ORIGIN"),
    help=say(
        "Origen del registro; por omisión, el que la dirección dice tener.",
        "Origin of the ledger; by default what the address says of itself.",
    ),
)
@option(
    "--prepare",
    type=ANY_PATH,
    metavar=say("CARPETA", "FOLDER"),
    help=say(
        "Deja en CARPETA los borradores de lo que dos registradores declaran antes: entidades, importador y su papel.",
        "Leave in FOLDER drafts of what two registrars state before: the bodies, the importer and its role.",
    ),
)
@as_json
@spoken
def import_report(
    file: Path,
    report_lang: str,
    plan: str | None,
    submitting: bool,
    url: str | None,
    key_file: Path | None,
    actor: str,
    origin: str | None,
    prepare: Path | None,
) -> int:
    """Import."""
    from api.importing import import_file, prepare_roster, register_report

    if submitting and not (url and key_file):
        raise CannotRun(
            "--submit necesita --to y --key.",
            "--submit needs --to and --key.",
            "Por ejemplo: --to http://localhost:8000/gt --key keys/importador.key",
            "For example: --to http://localhost:8000/gt --key keys/importador.key",
        )
    drafts, report = import_file(file, report_lang, plan, brief=submitting or prepare is not None)
    if prepare:
        prepare_roster(drafts, report, prepare, actor)
    if not url or not key_file or not submitting:
        return FINE
    return register_report(drafts, report, url, key_file, ask_passphrase, actor, origin)


# --- for those who check ---------------------------------------------------------------------------------------------


@command(
    constancia,
    help=say(
        "Comprueba un registro entero, por su carpeta o por su dirección, y vuelve a calcular todo lo que muestra.\n\n"
        "Sin --policy y --founding, que usted obtiene por otro camino, el veredicto no puede pasar de «coherente "
        "consigo mismo, origen sin probar»: cualquiera puede fundar un registro. Termina con 1 si encuentra faltas.\n\n"
        "Con --trusted CARPETA guarda lo verificado: la próxima vez prueba que el registro creció a partir de ahí y "
        "lee solo lo nuevo. Con --follow no termina: vigila.",
        "Check a whole ledger, by its folder or its address, and compute again all that it shows.\n\n"
        "Without --policy and --founding, which you get by another way, the verdict can be no more than "
        "“self-consistent, origin unproven”: anybody can found a ledger. Ends with 1 when it finds misbehaviour.\n\n"
        "With --trusted FOLDER it keeps what is verified: the next time it proves that the ledger has grown from "
        "there, and reads only what is new. With --follow it does not end: it keeps watch.",
    ),
)
@argument("where", metavar=say("URL_O_CARPETA", "URL_OR_FOLDER"))
@option(
    "--policy",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say(
        "La política que usted fija: llaves del registro, testigos.",
        "The policy that you pin: the log's keys, witnesses.",
    ),
)
@option(
    "--founding",
    metavar=say("RESUMEN", "DIGEST"),
    help=say(
        "Identidad de la declaración fundacional: 64 dígitos hexadecimales, o un archivo que los contiene.",
        "Identity of the founding statement: 64 hexadecimal digits, or a file that holds them.",
    ),
)
@option(
    "--at",
    type=click.IntRange(min=1),
    metavar="N",
    help=say("Estado que interesa: el de los primeros N asientos.", "The state wanted: that of the first N entries."),
)
@option(
    "--workers",
    type=click.IntRange(min=1, max=64),
    metavar="N",
    help=say(
        "Procesos que verifican firmas; por omisión, uno por núcleo.",
        "Processes that verify signatures; by default one a core.",
    ),
)
@option(
    "--trusted",
    type=ANY_PATH,
    metavar=say("CARPETA", "FOLDER"),
    help=say(
        "Donde guardar lo verificado y seguir desde ahí; se puede interrumpir.",
        "Where to keep what is verified, and to go on from; may be broken off.",
    ),
)
@option(
    "--texts",
    "every_text",
    is_flag=True,
    help=say(
        "Con --trusted: mira de nuevo todos los textos, que pueden cambiar.",
        "With --trusted: look again at all texts, which can change.",
    ),
)
@option(
    "--max-age",
    type=click.IntRange(min=1),
    metavar=say("SEGUNDOS", "SECONDS"),
    help=say(
        "Qué edad puede tener la última cofirma del quórum; sin él, una vista congelada pasa.",
        "How old the quorum's last cosignature may be; without it, a frozen view passes.",
    ),
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
@option(
    "--follow",
    is_flag=True,
    help=say(
        "Vigila sin fin: audita cada --every segundos lo nuevo, y dice solo lo que cambia.",
        "Watch without end: audit what is new every --every seconds, and say only what changes.",
    ),
)
@option(
    "--every",
    type=click.IntRange(min=1, max=DAY),
    default=60,
    show_default=True,
    metavar=say("SEGUNDOS", "SECONDS"),
    help=say("Cada cuánto, con --follow.", "How often, with --follow."),
)
@option(
    "--webhook",
    metavar="URL",
    help=say(
        "Con --follow: envía ahí cada novedad, un documento JSON por POST.",
        "With --follow: send each piece of news there, one JSON document by POST.",
    ),
)
@option(
    "--exit-on-finding",
    is_flag=True,
    help=say("Con --follow: termina con 1 ante la primera falta.", "With --follow: end with 1 at the first finding."),
)
@option(
    "--tsa-root",
    "tsa_roots",
    type=ANY_PATH,
    multiple=True,
    metavar=say("ARCHIVO", "FILE"),
    help=say(
        "Certificado raíz (PEM) de una autoridad de sellado de tiempo que usted fija; se puede repetir.",
        "Root certificate (PEM) of a time stamping authority that you pin; may be repeated.",
    ),
)
@as_json
@spoken
def audit(
    where: str,
    policy: Path | None,
    founding: str | None,
    at: int | None,
    workers: int | None,
    trusted: Path | None,
    every_text: bool,
    max_age: int | None,
    evidence: Path | None,
    follow: bool,
    every: int,
    webhook: str | None,
    exit_on_finding: bool,
    tsa_roots: Sequence[Path],
) -> int:
    """Audit."""
    from api.auditing import Wanted, audit_ledger

    wanted = Wanted(
        where=where,
        policy=policy,
        founding=founding,
        at=at,
        workers=workers,
        trusted=trusted,
        every_text=every_text,
        max_age=max_age,
        evidence=evidence,
        tsa_roots=tuple(tsa_roots),
    )
    if not follow:
        return audit_ledger(wanted)
    from api.monitoring import Watch, follow_ledger

    return follow_ledger(wanted, Watch(every=every, webhook=webhook, exit_on_finding=exit_on_finding))


@command(
    constancia,
    help=say(
        "Guarda una copia verificada de un registro, que se puede publicar y auditar como el original.\n\n"
        "Nada entra a la copia sin haber pasado la auditoría; ante una falta la copia queda como estaba, y la orden "
        "termina con 1. Otra vez, trae solo lo nuevo; los textos retirados se quitan también aquí.",
        "Keep a verified copy of a ledger, which can be published and audited like the original.\n\n"
        "Nothing gets into the copy that has not passed the audit; at a finding the copy stays as it was, and the "
        "command ends with 1. Run again, it fetches only what is new; texts taken from view go here too.",
    ),
)
@argument("url", metavar="URL")
@argument("place", type=ANY_PATH, metavar=say("CARPETA", "FOLDER"))
@option(
    "--policy",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say("La política que usted fija.", "The policy that you pin."),
)
@option(
    "--founding",
    metavar=say("RESUMEN", "DIGEST"),
    help=say("La declaración fundacional que usted fija.", "The founding statement that you pin."),
)
@option("--follow", is_flag=True, help=say("Sin fin, cada --every segundos.", "Without end, every --every seconds."))
@option(
    "--every",
    type=click.IntRange(min=1, max=DAY),
    default=60,
    show_default=True,
    metavar=say("SEGUNDOS", "SECONDS"),
    help=say("Cada cuánto, con --follow.", "How often, with --follow."),
)
@as_json
@spoken
def mirror(url: str, place: Path, policy: Path | None, founding: str | None, follow: bool, every: int) -> int:
    """Mirror."""
    from api.mirroring import mirror_ledger

    return mirror_ledger(url, place, policy, founding, every if follow else None)


@command(
    constancia,
    help=say(
        "Comprueba una constancia sin conexión: que esa declaración, con esas firmas, está en el registro, en ese "
        "lugar y con esa hora. Termina con 1 si no es así.",
        "Check a receipt offline: that this statement, with these signatures, is in the ledger, at this place and "
        "with this time. Ends with 1 when it is not.",
    ),
)
@argument("receipt", type=ANY_PATH, metavar=say("CONSTANCIA", "RECEIPT"))
@option(
    "--policy",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say("La política en la que usted confía.", "The policy that you trust."),
)
@option(
    "--ledger-key",
    metavar="VKEY",
    help=say(
        "O solo la llave del registro, como está en su `policy`: origen+código+llave.",
        "Or the log's key alone, as in its `policy`: origin+code+key.",
    ),
)
@as_json
@spoken
def verify(receipt: Path, policy: Path | None, ledger_key: str | None) -> int:
    """Verify."""
    from api.checking import verify_file

    return verify_file(receipt, policy, ledger_key)


@command(
    constancia,
    help=say(
        "Dice cómo está un registro: su origen, cuántos asientos tiene, qué se puede fijar de él. No verifica nada; "
        "eso lo hace `audit`.",
        "Say how a ledger stands: its origin, how many entries it has, what can be pinned of it. Nothing is verified; "
        "`audit` does that.",
    ),
)
@argument("where", default=".", metavar=say("[CARPETA_O_URL]", "[FOLDER_OR_URL]"))
@as_json
@spoken
def status(where: str) -> None:
    """Status."""
    from api.checking import show_status

    show_status(where)


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

    checked = _checked_origin(origin) if origin else None
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

    init_witness(place, name, url, _new_passphrase() if locked else None)


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


# --- the way out -----------------------------------------------------------------------------------------------------


def main() -> None:
    """Run the command of `sys.argv`; ends the process with 0, 1 or 2."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command line; returns its exit code. Only bugs of ours show a traceback, and only with --debug."""
    try:
        answer: object = constancia.main(list(arguments), prog_name="constancia", standalone_mode=False)
    except click.ClickException as error:
        _usage(error, arguments)
        return COULD_NOT
    except (click.Abort, KeyboardInterrupt):
        screen.note("Interrumpido.", "Interrupted.")
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; what Python would still flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except Refused as refused:
        show_refusal(refused)
        return FOUND
    except Misbehaviour as fault:
        if screen.debug:
            raise
        screen.fail(str(fault))
        return FOUND
    except CannotRun as error:
        if screen.debug:
            raise
        screen.cannot(error)
        return COULD_NOT
    except Exception as error:
        if screen.debug:
            raise
        screen.fail(
            say(
                f"Esto es un defecto de constancia: {type(error).__name__}: {error}",
                f"This is a defect of constancia: {type(error).__name__}: {error}",
            ),
            say(
                "Repita la orden con --debug y envíe la traza a quienes la mantienen.",
                "Run the command again with --debug and send the traceback to its maintainers.",
            ),
        )
        return COULD_NOT
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else FINE


def show_refusal(refused: Refused, note: str = "", *, sent: bool = True) -> None:
    """Say that a statement was refused, or (not `sent`) would be: code, rule, and why."""
    from api.details import in_spanish
    from api.problems import RULES, TITLES

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


def _usage(error: click.ClickException, arguments: Sequence[str]) -> None:
    """What was wrong with the command line, and where its help is."""
    if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command: the message is its help
        print(error.message)
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "constancia"
    if not context and arguments and arguments[0] in constancia.commands:
        path = f"constancia {arguments[0]}"
    screen.fail(_usage_words(error), say(f"Ayuda: {path} --help", f"Help: {path} --help"))


def _usage_words(error: click.ClickException) -> str:
    if screen.lang == "en":
        return error.format_message()
    if type(error).__name__ == "NoSuchCommand":
        return f"no hay ninguna orden {cast('Any', error).command_name}."
    match error:
        case click.NoSuchOption():
            similar = f" ¿Quiso decir {', '.join(sorted(error.possibilities))}?" if error.possibilities else ""
            return f"no hay ninguna opción {error.option_name}.{similar}"
        case click.MissingParameter():
            name = error.param.get_error_hint(cast("click.Context", error.ctx)) if error.param else ""
            return f"falta {name}."
        case click.BadOptionUsage():
            return f"falta el valor de {error.option_name}, o sobra."
        case click.BadParameter():
            name = error.param.get_error_hint(cast("click.Context", error.ctx)) if error.param else ""
            kind = error.param.type if error.param else None
            if isinstance(kind, click.IntRange):
                least, most = kind.min, kind.max
                bounds = f"de {least} a {most}" if most is not None else f"de {least} en adelante"
                return f"el valor de {name} no sirve: se espera un número entero, {bounds}."
            if isinstance(kind, click.Choice):
                return f"el valor de {name} no sirve: se espera uno de {', '.join(map(str, kind.choices))}."
            return f"el valor de {name} no sirve: {error.message}"
        case _:
            return error.format_message()


if __name__ == "__main__":
    main()

"""Commands of those who state something: `key`, `kinds`, `sign`, `submit`, `import-report`."""

from collections.abc import Sequence
from pathlib import Path

from api.command import (
    ANY_PATH,
    FINE,
    FOUND,
    argument,
    as_json,
    ask_passphrase,
    checked_origin,
    command,
    constancia,
    group,
    key_option,
    new_passphrase,
    option,
    say,
    show_refusal,
    spoken,
    to_option,
)
from api.screen import screen
from ledger.errors import CannotRun, Refused

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
    passphrase = None if no_passphrase else new_passphrase()
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
        shown["name"] = key_name(checked_origin(origin), public)[0]
    if screen.as_json:
        screen.json(shown)
    else:
        for value in shown.values():
            screen.line(value)


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
    checked = checked_origin(origin) if origin else None
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

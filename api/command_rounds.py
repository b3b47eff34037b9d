"""Commands of coordinators and moderators: `round`, `answer`, `transcribe`, `moderate`.

Each asks the ledger for what it needs, drafts the statement, signs it with --key, shows it, and sends it once it is
agreed upon. A comment, or another question that is answered, is named by its address on the site, by its code, or by
the number of its entry; captured bytes by their address, their digest, or the entry of their capture.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from api.command import (
    ANY_PATH,
    argument,
    as_json,
    ask_passphrase,
    command,
    constancia,
    group,
    key_option,
    option,
    say,
    spoken,
)
from api.screen import screen
from ledger.errors import CannotRun

WITHHOLDING = ("personal_data", "hate", "threat", "spam", "illegal", "rights_of_others", "court_order")
DISPOSITIONS = ("accepted", "partly", "rejected", "already_done", "out_of_scope")
COMMENT = say("COMENTARIO", "COMMENT")
ROUND = say("CONSULTA", "ROUND")
CONTENT = say("CONTENIDO", "CONTENT")
QUESTION = say("PREGUNTA", "QUESTION")
# What an institution answers, first of all; the rest is the coordinator's.
_OF_EVIDENCE = ("disputes", "requests")

_ACTING = (
    option(
        "--to",
        "url",
        metavar="URL",
        help=say(
            "Dirección del registro hasta su ruta: http://localhost:8000/gt. Sobra si se da la del comentario.",
            "Address of the ledger up to its path: http://localhost:8000/gt. Not needed where a comment's is given.",
        ),
    ),
    key_option,
    option(
        "--out",
        type=ANY_PATH,
        metavar=say("ARCHIVO", "FILE"),
        help=say(
            "Dónde dejar lo firmado; por omisión aquí, con el código de la declaración.",
            "Where to leave what was signed; by default here, under the statement's code.",
        ),
    ),
    option(
        "--receipt",
        "receipt_file",
        type=ANY_PATH,
        metavar=say("ARCHIVO", "FILE"),
        help=say("Dónde guardar la constancia.", "Where to keep the receipt."),
    ),
    option(
        "--policy",
        type=ANY_PATH,
        metavar=say("ARCHIVO", "FILE"),
        help=say("Comprueba la constancia con esta política fijada.", "Check the receipt by this pinned policy."),
    ),
    option(
        "--dry-run",
        is_flag=True,
        help=say(
            "Muestra lo que firmaría; no firma ni envía nada.", "Show what would be signed; sign and send nothing."
        ),
    ),
    option("--yes", is_flag=True, help=say("Envía sin preguntar.", "Send without asking.")),
    as_json,
)


def acting(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every act of an officer has."""
    for each in reversed(_ACTING):
        function = each(function)
    return spoken(function)


def _at(url: str | None, key_file: Path, named: str = "") -> Any:
    """The desk of this officer, to be opened."""
    from api.officers import Desk, ledger_of

    return Desk(ledger_of(url, named), key_file, ask_passphrase)


def _how(options: dict[str, Any]) -> Any:
    from api.officers import How

    return How(**options)


def words_in(text: str, *, salted: bool) -> dict[str, Any]:
    """Words in the open, or as a content of the vault."""
    return {"salted_digest": {"$content": {"text": text}}} if salted else {"text": text}


salted_option = option(
    "--salted",
    is_flag=True,
    help=say(
        "Las razones nombran a una persona: solo se firma su resumen con sal.",
        "The reasons name a person: only their salted digest is signed.",
    ),
)


# --- rounds ----------------------------------------------------------------------------------------------------------


@group(
    constancia,
    "round",
    help=say(
        "Abre, anuncia, prorroga y cierra consultas, y publica versiones.",
        "Open, announce, extend and close rounds; publish versions.",
    ),
)
@spoken
def round_() -> None:
    """Rounds."""


@command(
    round_,
    "open",
    help=say(
        "Abre una consulta. Las horas van con el reloj del registro («2026-12-31 18:00»).\n\nDe los archivos se "
        "firma el resumen; entréguelos a quien opera el registro, que los pone en la carpeta documents/.",
        "Open a round. Times are on the ledger's clock (“2026-12-31 18:00”).\n\nOf the files the digest is "
        "signed; hand them to whoever operates the ledger, who puts them into the folder documents/.",
    ),
)
@argument("name", metavar=ROUND)
@option("--plan", required=True, help=say("El plan, como gt-2014-2016.", "The plan, such as gt-2014-2016."))
@option(
    "--concerns",
    type=click.Choice(["plan_draft", "report_draft", "amendment", "other"]),
    required=True,
    help=say("Qué se consulta.", "What is consulted."),
)
@option("--report", help=say("El informe, si es uno.", "The report, if it is one."))
@option(
    "--document",
    type=ANY_PATH,
    required=True,
    metavar=say("ARCHIVO", "FILE"),
    help=say("El documento.", "The document."),
)
@option(
    "--rules",
    type=ANY_PATH,
    required=True,
    metavar=say("ARCHIVO", "FILE"),
    help=say("Las reglas de moderación.", "The moderation rules."),
)
@option(
    "--part", "parts", multiple=True, help=say("«identificador: título»; se repite.", "“identifier: title”; repeat.")
)
@option("--opens", required=True, metavar=say("HORA", "TIME"), help=say("Cuándo abre.", "When it opens."))
@option("--closes", required=True, metavar=say("HORA", "TIME"), help=say("Cuándo cierra.", "When it closes."))
@option("--accept-late", is_flag=True, help=say("Recibe también lo tardío.", "Take late comments too."))
@option(
    "--late-until", metavar=say("HORA", "TIME"), help=say("Hasta cuándo lo tardío.", "Until when late ones are taken.")
)
@option("--comment-lang", "langs", multiple=True, default=("es-GT",), show_default=True,
        help=say("Idioma en que se contesta; se repite.", "Language in which it is answered; repeat."))  # fmt: skip
@option("--answer-by", metavar=say("DÍA", "DAY"), help=say("Día para contestar.", "Day by which it is answered."))
@acting
def round_open(
    name: str,
    plan: str,
    concerns: str,
    report: str | None,
    document: Path,
    rules: Path,
    parts: Sequence[str],
    opens: str,
    closes: str,
    accept_late: bool,
    late_until: str | None,
    langs: Sequence[str],
    answer_by: str | None,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Open a round."""
    from api.officers import digest_of, part_of

    with _at(url, key_file) as desk:
        draft = {
            "kind": "RoundOpened",
            "plan": plan,
            "round": name,
            "concerns": concerns,
            "document": digest_of(document),
            "version": 1,
            "parts": [part_of(one) for one in parts],
            "opens": desk.when(opens),
            "closes": desk.when(closes),
            "late": "accept" if accept_late or late_until else "refuse",
            "langs": list(langs),
            "rules": digest_of(rules),
            "answer_by": {"precision": "day", "day": answer_by} if answer_by else {"precision": "none"},
        }
        draft |= {"report": report} if report else {}
        draft |= {"late_until": desk.when(late_until)} if late_until else {}
        _say_where_documents_go(document, rules)
        desk.state(draft, "coordinator", _how(how))


def _say_where_documents_go(*files: Path) -> None:
    named = ", ".join(map(str, files))
    screen.note(
        f"Entregue a quien opera el registro, para su carpeta documents/: {named}",
        f"Hand to whoever operates the ledger, for its folder documents/: {named}",
    )


@command(
    round_,
    "notice",
    help=say(
        "Declara dónde y cuándo se anunció una consulta; su página lo muestra.",
        "State where and when a round was announced; its page shows it.",
    ),
)
@argument("name", metavar=ROUND)
@option(
    "--medium",
    type=click.Choice(["press", "web", "email", "radio", "tv", "poster", "social", "message"]),
    required=True,
    help=say("Por qué medio.", "By which medium."),
)
@option("--outlet", help=say("Nombre del periódico, emisora, página o cuenta.", "Newspaper, station, page or account."))
@option(
    "--on", "day", required=True, metavar=say("DÍA", "DAY"), help=say("Día, como 2026-11-22.", "Day, as 2026-11-22.")
)
@option("--address", metavar="URL", help=say("Dirección del aviso.", "Address of the notice."))
@acting
def round_notice(
    name: str,
    medium: str,
    outlet: str | None,
    day: str,
    address: str | None,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Tell of a notice."""
    with _at(url, key_file) as desk:
        draft = {
            "kind": "NoticePublished",
            "plan": desk.round(name).plan,
            "round": name,
            "announces": "round",
            "medium": medium,
            "on": {"precision": "day", "day": day},
        }
        draft |= {"outlet": outlet} if outlet else {}
        draft |= {"url": address} if address else {}
        desk.state(draft, "coordinator", _how(how))


@command(
    round_, "extend", help=say("Prorroga una consulta que aún no cierra.", "Extend a round that has not closed yet.")
)
@argument("name", metavar=ROUND)
@option("--closes", required=True, metavar=say("HORA", "TIME"), help=say("Nuevo cierre.", "New close."))
@option("--reason", required=True, help=say("Por qué.", "Why."))
@acting
def round_extend(name: str, closes: str, reason: str, url: str | None, key_file: Path, **how: Any) -> None:
    """Extend a round."""
    with _at(url, key_file) as desk:
        found = desk.round(name)
        draft = {
            "kind": "RoundExtended",
            "plan": found.plan,
            "round": name,
            "closes": desk.when(closes),
            "reason": reason,
        }
        desk.state(draft, "coordinator", _how(how))


@command(
    round_,
    "close",
    help=say(
        "Declara cuántos comentarios hubo en una consulta cerrada; la cuenta sale del registro.",
        "State how many comments there were in a round that has closed; the count is the record's.",
    ),
)
@argument("name", metavar=ROUND)
@acting
def round_close(name: str, url: str | None, key_file: Path, **how: Any) -> None:
    """Close a round."""
    with _at(url, key_file) as desk:
        size = desk.size  # before the round is asked for: a comment that comes between would be counted, not covered
        found = desk.round(name)
        counted = {"comment_count": found.received, "tree_size": size}
        desk.state({"kind": "RoundClosed", "plan": found.plan, "round": name, **counted}, "coordinator", _how(how))


@command(
    round_,
    "publish",
    help=say("Publica una versión nueva del documento consultado.", "Publish a new version of the consulted document."),
)
@argument("name", metavar=ROUND)
@option(
    "--document",
    type=ANY_PATH,
    required=True,
    metavar=say("ARCHIVO", "FILE"),
    help=say("El documento.", "The document."),
)
@option(
    "--change",
    "changes",
    multiple=True,
    required=True,
    help=say(
        "Qué cambió, y al final entre corchetes los comentarios que lo motivaron: «Se añadió un indicador [45, 52]».",
        "What changed, with the comments it came from in brackets at the end: “An indicator was added [45, 52]”.",
    ),
)
@acting
def round_publish(
    name: str, document: Path, changes: Sequence[str], url: str | None, key_file: Path, **how: Any
) -> None:
    """Publish a version."""
    from api.officers import digest_of

    with _at(url, key_file) as desk:
        found = desk.round(name)
        draft = {
            "kind": "DocumentPublished",
            "plan": found.plan,
            "round": name,
            "document": digest_of(document),
            "version": found.version + 1,
            "changes": [_change(desk, one) for one in changes],
        }
        _say_where_documents_go(document)
        desk.state(draft, "coordinator", _how(how))


def _change(desk: Any, line: str) -> dict[str, Any]:
    text, _, listed = line.rstrip().removesuffix("]").rpartition("[") if line.rstrip().endswith("]") else (line, "", "")
    named = listed.replace(",", " ").split()
    return {"text": text.strip(), "comments": [desk.comment(one).comment.identity for one in named]}


# --- answers and transcriptions --------------------------------------------------------------------------------------


@command(
    constancia,
    help=say(
        "Contesta, con razones, comentarios, objeciones, solicitudes de evidencia o recomendaciones.\n\nVarias a la "
        "vez si son de una misma clase. Una objeción o una solicitud se nombra por el número de su asiento; lo que se "
        "hizo por ella, como la evidencia que se añadió, con --led-to.",
        "Answer comments, disputes, requests for evidence or recommendations, with reasons.\n\nSeveral at once where "
        "they are of one sort. A dispute or a request is named by the number of its entry; what was done because of "
        "it, such as the evidence that was added, by --led-to.",
    ),
)
@argument("questions", nargs=-1, required=True, metavar=f"{QUESTION}…")
@option(
    "--disposition",
    type=click.Choice(DISPOSITIONS),
    required=True,
    help=say("Qué pasa con ellas.", "What becomes of them."),
)
@option("--reasons", help=say("Por qué; obligatorio si se rechaza.", "Why; required where it is rejected."))
@option("--led-to", type=int, metavar=say("ASIENTO", "ENTRY"), help=say("A qué llevó.", "What it led to."))
@option(
    "--role",
    type=click.Choice(["coordinator", "institution"]),
    help=say(
        "En qué papel contesta. Por omisión, el que tenga: coordinator antes para comentarios y recomendaciones, "
        "institution antes para objeciones y solicitudes.",
        "In which role you answer. By default the one that you hold: coordinator first for comments and "
        "recommendations, institution first for disputes and requests.",
    ),
)
@salted_option
@acting
def answer(
    questions: Sequence[str],
    disposition: str,
    reasons: str | None,
    led_to: int | None,
    role: str | None,
    salted: bool,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Answer."""
    if disposition == "rejected" and not reasons:
        raise CannotRun(
            "Un rechazo lleva razones.",
            "What is rejected is given reasons.",
            "Diga por qué con --reasons.",
            "Say why by --reasons.",
        )
    with _at(url, key_file, questions[0]) as desk:
        found = desk.questions(questions)
        plan, answers = found[0].plan, [one.identity for one in found]
        draft = {"kind": "ResponseGiven", "plan": plan, "answers": answers, "disposition": disposition}
        draft |= {"words": words_in(reasons, salted=salted)} if reasons else {}
        draft |= {"led_to": desk.identity(led_to)} if led_to is not None else {}
        roles = ("institution", "coordinator") if found[0].sort in _OF_EVIDENCE else ("coordinator", "institution")
        desk.state_by([desk.signer(*([role] if role else roles))], draft, _how(how))


@command(
    constancia,
    help=say(
        "Transcribe un comentario que llegó en papel, en una reunión o por teléfono, palabra por palabra.\n\nDeja un "
        "archivo privado con el secreto del comentario: entréguelo a quien lo dijo y no guarde copia.",
        "Transcribe, word for word, a comment that came on paper, in a meeting or by telephone.\n\nA private file with "
        "the comment's secret is left: hand it to whoever said it, and keep no copy.",
    ),
)
@argument("name", metavar=ROUND)
@option(
    "--text",
    "text_file",
    type=ANY_PATH,
    required=True,
    metavar=say("ARCHIVO", "FILE"),
    help=say("Las palabras exactas.", "The exact words."),
)
@option(
    "--channel",
    type=click.Choice(["paper", "meeting", "phone"]),
    required=True,
    help=say("Cómo llegó.", "How it came."),
)
@option(
    "--heard-at",
    required=True,
    metavar=say("HORA", "TIME"),
    help=say("Cuándo se dijo o entregó.", "When it was said or handed in."),
)
@option(
    "--about",
    default="whole",
    show_default=True,
    help=say("Parte o compromiso de que trata.", "The part or commitment it is about."),
)
@option("--position", type=click.Choice(["for", "against", "neutral"]), help=say("Postura.", "Position."))
@option("--author", help=say("Nombre, solo si quiere que se publique.", "Name, only if it is to be public."))
@option("--place", help=say("Lugar, solo si quiere que se publique.", "Place, only if it is to be public."))
@option(
    "--scan",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say("Copia digital de la hoja: se firma su resumen.", "Scan of the sheet: its digest is signed."),
)
@acting
def transcribe(
    name: str,
    text_file: Path,
    channel: str,
    heard_at: str,
    about: str,
    position: str | None,
    author: str | None,
    place: str | None,
    scan: Path | None,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Transcribe."""
    from api.officers import digest_of, text_in
    from consultation.text import claim, new_salt

    secret = new_salt()
    content = {"text": text_in(text_file)}
    content |= {"name": author} if author else {}
    content |= {"place": place} if place else {}
    with _at(url, key_file) as desk:
        found = desk.round(name)
        draft = {
            "kind": "CommentTranscribed",
            "plan": found.plan,
            "round": name,
            "version": found.version,
            "about": about,
            "salted_digest": {"$content": content},
            "claim": claim(secret),
            "channel": channel,
            "heard_at": desk.when(heard_at),
        }
        draft |= {"position": position} if position else {}
        draft |= {"source": digest_of(scan)} if scan else {}
        desk.state(draft, "transcriber", _how(how), secret=secret)
        if not how["dry_run"]:
            screen.note(
                "Entregue el archivo .private.json a quien lo dijo y no guarde copia: con él podrá retirarlo o apelar.",
                "Hand the file .private.json to whoever said it and keep no copy: with it they can withdraw or appeal.",
                style="yellow",
            )


# --- moderation ------------------------------------------------------------------------------------------------------


@group(
    constancia,
    help=say(
        "Retiene, tacha, restaura y borra textos, y decide apelaciones. Cada acto queda a la vista: quién y por qué."
        "\n\nLos archivos capturados como evidencia también se retienen, restauran y borran.",
        "Withhold, blank out, restore and erase texts, and decide appeals. Every act stays in public: who and why."
        "\n\nFiles that were captured as evidence are withheld, restored and erased too.",
    ),
)
@spoken
def moderate() -> None:
    """Moderation."""


def _grounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of an act that needs a ground and a rule."""
    options = (
        option(
            "--rule",
            required=True,
            help=say("La regla de moderación que incumple.", "The moderation rule that it breaks."),
        ),
        option("--authority", help=say("La autoridad que lo ordenó.", "The authority that ordered it.")),
    )
    for each in reversed(options):
        function = each(function)
    return function


def _ground(*more: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return option(
        "--ground", type=click.Choice([*WITHHOLDING, *more]), required=True, help=say("El motivo.", "The ground.")
    )


appeal_option = option(
    "--appeal-days",
    type=click.IntRange(1, 3650),
    default=30,
    show_default=True,
    help=say("Días en que su autor puede apelar.", "Days in which its author can appeal."),
)
reasons_option = option("--reasons", required=True, help=say("Las razones, a la vista.", "The reasons, in public."))


def _about(found: Any, kind: str, **fields: Any) -> dict[str, Any]:
    """The draft of an act about a comment's text or captured bytes, without what was not given."""
    given = {name: value for name, value in fields.items() if value is not None}
    return {"kind": kind, "plan": found.plan, "target": found.target, **given}


def _content(desk: Any, named: str) -> Any:
    """What is named: a comment's text, or captured bytes, of which it is said who moves them."""
    from api.officers import Bytes

    found = desk.content(named)
    if isinstance(found, Bytes):
        screen.note(
            f"Es un archivo capturado: {found.digest}. Una vez registrado el acto, el servidor lo obedece; donde se "
            f"guardan los bytes, los mueve o destruye `constancia archive LUGAR --to {desk.url}`.",
            f"It is a captured file: {found.digest}. Once the act is registered the server obeys it; where the bytes "
            f"are kept, `constancia archive PLACE --to {desk.url}` moves or destroys them.",
        )
    return found


@command(
    moderate,
    "read",
    help=say(
        "Muestra a un moderador un texto retenido, para decidir sobre él. Nadie sabrá quién miró; solo se cuenta.",
        "Show a moderator a withheld text, to decide about it. Nobody is told who looked; looks are counted.",
    ),
)
@argument("comment", metavar=COMMENT)
@option("--to", "url", metavar="URL", help=say("Dirección del registro.", "Address of the ledger."))
@key_option
@as_json
@spoken
def moderate_read(comment: str, url: str | None, key_file: Path) -> None:
    """Read a sealed text."""
    import msgspec

    from api.screen import printable

    with _at(url, key_file, comment) as desk:
        content = desk.sealed(desk.comment(comment))
    if screen.as_json:
        screen.json(msgspec.to_builtins(content))
        return
    for value in msgspec.to_builtins(content).values():
        screen.line(printable(value))


@command(
    moderate,
    "withhold",
    help=say(
        "Retiene el texto de un comentario, o un archivo capturado como evidencia: por su resumen SHA-256, su "
        "dirección o el asiento de su captura.",
        "Withhold the text of a comment, or a file captured as evidence: by its SHA-256 digest, its address, or the "
        "entry of its capture.",
    ),
)
@argument("content", metavar=CONTENT)
@_ground()
@_grounded
@appeal_option
@acting
def moderate_withhold(
    content: str,
    ground: str,
    rule: str,
    authority: str | None,
    appeal_days: int,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Withhold."""
    with _at(url, key_file, content) as desk:
        until = desk.in_days(appeal_days)
        said = {"ground": ground, "rule": rule, "authority": authority, "appeal_until": until}
        desk.state(_about(_content(desk, content), "ContentWithheld", **said), "moderator", _how(how))


@command(
    moderate,
    "redact",
    help=say(
        "Muestra el texto sin los pasajes que se nombran; «[…]» queda en su lugar.",
        "Show the text without the passages that are named; “[…]” stands in their place.",
    ),
)
@argument("comment", metavar=COMMENT)
@option(
    "--blank",
    "passages",
    multiple=True,
    help=say("Un pasaje, tal como está; se repite.", "A passage as it stands; repeat."),
)
@option("--without-name", is_flag=True, help=say("Quita también el nombre.", "Take out the name too."))
@option("--without-place", is_flag=True, help=say("Quita también el lugar.", "Take out the place too."))
@_ground()
@_grounded
@appeal_option
@acting
def moderate_redact(
    comment: str,
    passages: Sequence[str],
    without_name: bool,
    without_place: bool,
    ground: str,
    rule: str,
    authority: str | None,
    appeal_days: int,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Blank out passages."""
    from api.officers import blank_out

    with _at(url, key_file, comment) as desk:
        found = desk.comment(comment)
        shorter = blank_out(desk.text(found), tuple(passages), name=not without_name, place=not without_place)
        until = desk.in_days(appeal_days)
        said = {"ground": ground, "rule": rule, "authority": authority, "appeal_until": until}
        draft = _about(found, "ContentRedacted", salted_digest={"$content": shorter}, **said)
        desk.state(draft, "moderator", _how(how))


@command(
    moderate,
    "restore",
    help=say(
        "Vuelve a mostrar un texto, entero, o un archivo capturado.", "Show a text again, whole, or a captured file."
    ),
)
@argument("content", metavar=CONTENT)
@reasons_option
@salted_option
@acting
def moderate_restore(content: str, reasons: str, salted: bool, url: str | None, key_file: Path, **how: Any) -> None:
    """Restore."""
    with _at(url, key_file, content) as desk:
        draft = _about(_content(desk, content), "ContentRestored", words=words_in(reasons, salted=salted))
        desk.state(draft, "moderator", _how(how))


@command(
    moderate,
    "request",
    help=say(
        "Pide, por una tercera persona o una autoridad, que se borre un texto o un archivo capturado.",
        "Ask, for a third person or an authority, that a text or a captured file be erased.",
    ),
)
@argument("content", metavar=CONTENT)
@option(
    "--ground",
    type=click.Choice(["personal_data", "legal_order"]),
    required=True,
    help=say("El motivo.", "The ground."),
)
@option("--authority", help=say("La autoridad que lo ordenó.", "The authority that ordered it."))
@acting
def moderate_request(
    content: str, ground: str, authority: str | None, url: str | None, key_file: Path, **how: Any
) -> None:
    """Ask for erasure."""
    with _at(url, key_file, content) as desk:
        draft = _about(_content(desk, content), "ErasureRequested", ground=ground, authority=authority)
        desk.state(draft, "moderator", _how(how))


@command(
    moderate,
    "erase",
    help=say(
        "Destruye un texto, con su sal y su llave, o un archivo capturado. Firman dos moderadores de dos "
        "organizaciones: esta orden deja la nota con su firma; la otra persona la firma con `constancia sign` y la "
        "envía con `constancia submit`.",
        "Destroy a text, with its salt and key, or a captured file. Two moderators of two organisations sign: this "
        "command leaves the note with your signature; the other one signs it with `constancia sign` and sends it with "
        "`constancia submit`.",
    ),
)
@argument("content", metavar=CONTENT)
@option(
    "--with", "other", required=True, metavar=say("CUERPO", "BODY"), help=say("Quién más firma.", "Who else signs.")
)
@_ground("requested")
@_grounded
@option(
    "--store",
    "stores",
    multiple=True,
    type=click.Choice(["vault", "backups", "mirrors"]),
    default=("vault",),
    show_default=True,
    help=say("Dónde se destruye; se repite.", "Where it is destroyed; repeat."),
)
@acting
def moderate_erase(
    content: str,
    other: str,
    ground: str,
    rule: str,
    authority: str | None,
    stores: Sequence[str],
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Erase."""
    with _at(url, key_file, content) as desk:
        said = {"ground": ground, "rule": rule, "authority": authority, "stores": list(stores)}
        desk.state(_about(_content(desk, content), "ContentErased", **said), "moderator", _how(how), other)


@command(
    moderate,
    "decide",
    help=say(
        "Decide la apelación de un comentario: upheld, el acto queda; overturned, toca restaurar.",
        "Decide the appeal about a comment: upheld, the act stands; overturned, a restoration is due.",
    ),
)
@argument("comment", metavar=COMMENT)
@option(
    "--decision", type=click.Choice(["upheld", "overturned"]), required=True, help=say("La decisión.", "The decision.")
)
@reasons_option
@salted_option
@acting
def moderate_decide(
    comment: str, decision: str, reasons: str, salted: bool, url: str | None, key_file: Path, **how: Any
) -> None:
    """Decide an appeal."""
    with _at(url, key_file, comment) as desk:
        found = desk.comment(comment)
        if found.comment.appealed is None:
            raise CannotRun(
                "Nadie ha apelado por ese comentario.",
                "Nobody has appealed about that comment.",
                "Las apelaciones que esperan están en /mesa/moderacion.",
                "The appeals that wait are on /mesa/moderacion.",
            )
        draft = {
            "kind": "AppealDecided",
            "plan": found.round.plan,
            "appeal": desk.identity(found.comment.appealed),
            "decision": decision,
            "words": words_in(reasons, salted=salted),
        }
        desk.state(draft, "moderator", _how(how))

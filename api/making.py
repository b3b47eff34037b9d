"""What `kinds`, `sign` and `submit` do, once their command line is read.

Files are written whole or not at all, and never over another but the very note that gets one more line.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import UNSET

from api.keyfiles import public_hex, read_key_file, read_public_key
from api.names import COMMENT_HERE, KIND_NAMES, KIND_RULES, TYPES
from api.posting import Answer, Post, RefusedWithNote
from api.screen import printable, screen
from api.signing import Json, Signed, add_line, is_signed, parse_draft, read_signed, sign_draft, signer_words
from api.work import solve
from consultation.text import fit
from ledger.errors import CannotRun, Misbehaviour, Refused, reason
from ledger.kinds import BY_SIGNING, draft_of, fields_of, object_of, types_in
from ledger.statement import canonical
from ledger.vocabulary import KINDS, Statement
from projections.words.catalogue import catalogue, languages

Ask = Callable[[Path], bytes]

MAX_FILE = 8 * 1024 * 1024
SIGNATURE_BLOCK = "\n\n— ".encode()


def read_file(path: Path, most: int = MAX_FILE) -> bytes:
    """The bytes of a file that the reader named. Raises CannotRun."""
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise CannotRun(
            f"No se puede leer {path}: {reason(error)[0]}.",
            f"{path} cannot be read: {reason(error)[1]}.",
            "Revise el nombre del archivo.",
            "Look at the file's name.",
        ) from None
    if len(raw) > most:
        raise CannotRun(f"{path} tiene más de {most} bytes.", f"{path} has more than {most} bytes.")
    return raw


def write_file(path: Path, content: bytes, *, private: bool = False, over: bool = False) -> None:
    """Write a file whole: beside, then renamed; an existing one only with `over`. Raises CannotRun."""
    if path.exists() and not over and path.read_bytes() != content:
        raise CannotRun(
            f"{path} ya existe con otro contenido.",
            f"{path} exists already, with other content.",
            "Elija otro nombre con --out, o mueva ese archivo.",
            "Choose another name with --out, or move that file away.",
        )
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CannotRun(
            f"No se pudo escribir {path}: {reason(error)[0]}.",
            f"{path} could not be written: {reason(error)[1]}.",
            "Elija otro lugar.",
            "Choose another place.",
        ) from None


# --- kinds -----------------------------------------------------------------------------------------------------------


def show_kinds(name: str | None) -> None:
    """Print every kind of statement, or one with its fields and an empty draft. Raises CannotRun."""
    if name is None:
        rows = [(kind, _kind_name(kind), _signed_by(struct)) for kind, struct in KINDS.items()]
        if screen.as_json:
            screen.json([{"kind": kind, "name": words, "signed_by": signers} for kind, words, signers in rows])
        screen.table([screen.pick("clase", "kind"), screen.pick("qué declara", "states"), _signers()], rows)
        screen.note(
            "Los campos de una, y un borrador para llenar: constancia kinds CLASE",
            "The fields of one, and a draft to fill in: constancia kinds KIND",
        )
        return
    struct = KINDS.get(name)
    if struct is None:
        near = get_close_matches(name, KINDS, 1)
        raise CannotRun(
            f"No hay ninguna clase de declaración {name}.",
            f"There is no kind of statement {name}.",
            f"¿Quiso decir {near[0]}?" if near else "`constancia kinds` las enumera.",
            f"Did you mean {near[0]}?" if near else "`constancia kinds` lists them.",
        )
    fields = fields_of(struct, BY_SIGNING)
    rule = _gettext(KIND_RULES[name]) if name in KIND_RULES else ""
    types = [(each, object_of(each), _gettext(TYPES[each]) if each in TYPES else "") for each in types_in(struct)]
    if screen.as_json:
        screen.json(
            {
                "kind": name,
                "name": _kind_name(name),
                "signed_by": _signed_by(struct),
                "rule": rule,
                "fields": [field._asdict() for field in fields],
                "types": {
                    each: [field._asdict() for field in inside] if inside is not None else words
                    for each, inside, words in types
                },
                "draft": draft_of(struct),
            }
        )
        return
    screen.line(f"{name}: {_kind_name(name)}", style="bold")
    screen.line(f"{_signers()}: {_signed_by(struct)}")
    if rule:
        screen.line(rule)
    screen.line()
    screen.table([screen.pick("campo", "field"), "", screen.pick("tipo", "type")], fields)
    screen.say("? puede faltar; ° solo puede faltar en lo impreso.", "? may be absent; ° only in what was printed.")
    screen.line()
    screen.table(
        [screen.pick("tipo", "type"), screen.pick("cómo se escribe", "how it is written")],
        [
            (
                each,
                words or ", ".join(f"{field.name}{field.mark}: {field.type}" for field in inside or ()),
            )
            for each, inside, words in types
        ],
    )
    screen.line()
    screen.say("Un borrador para llenar, con los campos obligatorios:", "A draft to fill in, with the fields required:")
    screen.line(msgspec.json.format(msgspec.json.encode(draft_of(struct)), indent=1).decode())


def _signers() -> str:
    return screen.pick("firma", "signed by")


def _gettext(english: str) -> str:
    return catalogue("es-GT" if screen.lang == "es" else "en").gettext(english)


def _kind_name(kind: str) -> str:
    return _gettext(KIND_NAMES[kind])


def _signed_by(struct: type[Statement]) -> str:
    return struct.signed_by.replace("*", " × ").replace(" or ", screen.pick(" o ", " or "))


# --- sign ------------------------------------------------------------------------------------------------------------


def sign_file(
    path: Path,
    key_file: Path,
    ask: Ask,
    origin: str | None,
    actor: str | None,
    role: str,
    also: Sequence[str],
    out: Path | None,
) -> None:
    """Sign the draft in a file, or add a line to the note in it. Raises CannotRun, Refused."""
    raw = read_file(path)
    if is_signed(raw):
        if SIGNATURE_BLOCK not in raw and not raw.startswith(b"{"):
            raise CannotRun(
                f"{path} no es un borrador (JSON) ni una nota firmada.",
                f"{path} is neither a draft (JSON) nor a signed note.",
                "`constancia kinds CLASE` muestra un borrador.",
                "`constancia kinds KIND` shows a draft.",
            )
        signed = read_signed(raw)
        if origin and origin != signed.origin:
            raise Refused("wrong-origin", "A1", f"the note is for the ledger {signed.origin!r}, not {origin!r}")
        # Who signs must see what: it is shown before the key is opened.
        show_statement(signed)
        signed = add_line(signed, read_key_file(key_file, ask))
        written = keep_signed(signed, out or path, over=out is None)
    else:
        draft = parse_draft(raw)
        _check_that_it_was_filled_in(path, draft)
        if origin is None:
            raise CannotRun(
                "Falta el registro para el que se firma.",
                "The ledger to sign for is missing.",
                "Dé --origin; está en `ledger.json` y lo muestra `constancia status`.",
                "Give --origin; `ledger.json` has it, and `constancia status` shows it.",
            )
        others = [_signer(one) for one in also]
        key = read_key_file(key_file, ask)
        first = {"key": public_hex(key), "role": role} | ({"actor": actor} if actor else {})
        if not actor and role not in ("citizen", "recovery"):
            raise CannotRun(
                f"Quien firma como {role} lo hace por un cuerpo.",
                f"Who signs as {role} does so for a body.",
                "Diga cuál con --actor, como --actor minfin.",
                "Say which with --actor, such as --actor minfin.",
            )
        lang = "es-GT" if screen.lang == "es" else "en"
        signed = sign_draft(draft, origin, [key], by=[first, *others], now_ms=_now_ms(), lang=lang)
        show_statement(signed)
        ending = ".submission.json" if signed.contents else ".note"
        written = keep_signed(signed, out or path.with_name(path.name.removesuffix(".json") + ending), over=False)
    say_signed(signed, written)


def _check_that_it_was_filled_in(path: Path, draft: Json) -> None:
    """A comment as a page shows it is not yet anybody's. Raises CannotRun."""
    salted = draft.get("salted_digest")
    content = cast("Json", salted).get("$content") if isinstance(salted, dict) else None
    text = cast("Json", content).get("text") if isinstance(content, dict) else None
    if text in {catalogue(language).gettext(COMMENT_HERE) for language in languages()}:
        raise CannotRun(
            f"{path} lleva todavía el texto de ejemplo.",
            f"{path} still holds the text of the example.",
            "Escriba en su lugar su comentario, y firme después: lo registrado no se borra.",
            "Write your comment in its place, then sign: what is registered cannot be undone.",
        )


def _signer(text: str) -> dict[str, str]:
    actor, _, rest = text.partition(":")
    role, _, key = rest.partition(":")
    if not role or not key:
        raise CannotRun(
            f"«{text}» no es CUERPO:PAPEL:LLAVE.",
            f"“{text}” is not BODY:ROLE:KEY.",
            "Por ejemplo --also icefi:registrar:icefi.pub",
            "For example --also icefi:registrar:icefi.pub",
        )
    return {"key": read_public_key(key), "role": role} | ({"actor": actor} if actor else {})


def keep_signed(signed: Signed, path: Path, *, over: bool) -> list[Path]:
    """Write the note or submission, and the private file of a claim; returns what was written."""
    written = [path]
    if signed.secret is not None:
        private = path.with_name(path.name.partition(".")[0] + ".private.json")
        content = {
            "origin": signed.origin,
            "statement": signed.identity,
            "secret": signed.secret.hex(),
            "contents": signed.contents,
        }
        write_file(private, canonical(content) + b"\n", private=True)
        written.append(private)
    write_file(path, signed.body, over=over)
    return written


def say_signed(signed: Signed, written: Sequence[Path]) -> None:
    """Say where a signed note was written, and who has still to sign it."""
    missing = signed.missing
    if screen.as_json:
        screen.json(
            {
                "identity": signed.identity,
                "origin": signed.origin,
                "kind": signed.statement.kind,
                "missing": missing,
                "files": [str(path) for path in written],
            }
        )
    screen.say(f"Firmada: {written[0]}", f"Signed: {written[0]}", style="green")
    if len(written) > 1:
        screen.note(
            f"{written[1]} es solo suyo: con el secreto que contiene podrá probar que el comentario es suyo, "
            "aunque pierda la llave. No lo envíe.",
            f"{written[1]} is yours alone: with the secret in it you can prove that the comment is yours, even "
            "without the key. Do not send it.",
            style="yellow",
        )
    if missing:
        names = ", ".join(_name_of(key, signed.statement) for key in missing)
        screen.note(
            f"Falta que firmen {len(missing)}: {names}. Páseles el archivo; cada quien: constancia sign {written[0]} "
            "--key SU_LLAVE",
            f"{len(missing)} more must sign: {names}. Hand them the file; each: constancia sign {written[0]} --key KEY",
        )
    elif signed.statement.kind == "LedgerOpened":
        screen.note(
            f"Están todas las firmas. Funde el registro con: constancia init CARPETA --founding {written[0]}",
            f"All have signed. Found the ledger with: constancia init FOLDER --founding {written[0]}",
        )
    else:
        screen.note(
            f"Envíela con: constancia submit {written[0]} --to URL",
            f"Send it with: constancia submit {written[0]} --to URL",
        )


def _name_of(key: str, statement: Statement) -> str:
    """Whose key of `by` this is: the body, or a registrar that the founding statement names; else its first digits."""
    named = {signer.key: signer.actor for signer in statement.by if signer.actor is not UNSET}
    return named.get(key, f"{key[:16]}…")


def show_statement(signed: Signed) -> None:
    """What is about to be signed, on standard error."""
    if screen.quiet:
        return
    statement = signed.statement
    facts = [
        (screen.pick("registro", "ledger"), signed.origin),
        (screen.pick("declaración", "statement"), statement.kind),
        (screen.pick("firman", "signed by"), ", ".join(signer_words(statement))),
        (screen.pick("dicha", "said at"), statement.said_at),
    ]
    plain: dict[str, Any] = msgspec.to_builtins(statement)
    hidden = {"kind", "by", "said_at", "lang"}
    facts += [(name, _short(value)) for name, value in plain.items() if name not in hidden]
    for content in signed.contents:
        facts.append((screen.pick("a la bóveda", "to the vault"), _short(msgspec.to_builtins(content.content))))
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        screen.note(f"  {name.ljust(width)}  {value}", f"  {name.ljust(width)}  {value}", style="")
    _warn_of_personal_content(plain)


_PERSONAL = {
    "email": ("un correo electrónico", "an e-mail address"),
    "telephone": ("un teléfono", "a telephone"),
    "name": ("un nombre", "a name"),
}


def _warn_of_personal_content(plain: dict[str, Any]) -> None:
    """Say so when words that will stand in the open for ever seem to hold an e-mail address or a telephone."""
    from api.report_reader import personal_content

    for name, value in plain.items():
        if isinstance(value, dict):
            _warn_of_personal_content(cast("dict[str, Any]", value))
        elif isinstance(value, str) and " " in value and (holds := personal_content(value, ())):
            es, en = _PERSONAL[holds]
            screen.note(
                f"Atención: `{name}` parece llevar {es}, y quedaría a la vista para siempre: un asiento no se borra. "
                'Quítelo, o póngalo como {"$content": …}.',
                f"Beware: `{name}` seems to hold {en}, which would be in the open for ever: no entry is ever erased. "
                'Take it out, or put it as {"$content": …}.',
                style="bold yellow",
            )


def _short(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return printable(text if len(text) <= 160 else text[:159] + "…")


# --- submit ----------------------------------------------------------------------------------------------------------


def submit_file(path: Path, url: str, receipt_file: Path | None, policy_file: Path | None) -> None:
    """Send a note or submission and keep the receipt. Raises CannotRun, Refused, Misbehaviour."""
    raw = read_file(path)
    if not is_signed(raw) and b'"secret":' in raw:
        raise CannotRun(
            f"{path} es su archivo privado: no lo envíe ni lo muestre.",
            f"{path} is your private file: neither send nor show it.",
            f"Lo que se envía está al lado: {path.name.partition('.')[0]}.submission.json",
            f"What is sent is beside it: {path.name.partition('.')[0]}.submission.json",
        )
    if not is_signed(raw):
        raise CannotRun(
            f"{path} es un borrador sin firmar.",
            f"{path} is a draft that nobody has signed.",
            f"Fírmelo con: constancia sign {path} --key ARCHIVO --origin ORIGEN",
            f"Sign it with: constancia sign {path} --key FILE --origin ORIGIN",
        )
    signed = read_signed(raw)
    if signed.missing:
        names = ", ".join(_name_of(key, signed.statement) for key in signed.missing)
        raise CannotRun(
            f"Faltan firmas: {names}.",
            f"Signatures are missing: {names}.",
            f"Cada quien firma con: constancia sign {path} --key SU_LLAVE",
            f"Each signs with: constancia sign {path} --key KEY",
        )
    # Here too: of what is registered already a ledger takes no contents, so it would not say that they do not fit.
    fit(signed.statement, signed.origin, signed.contents)
    with Post(url, _work) as post:
        try:
            answer = post.submit(signed.body, signed.media_type)
        except RefusedWithNote as refused:
            kept = path.with_name(path.name.partition(".")[0] + ".refusal.note")
            write_file(kept, refused.note.encode(), over=True)
            screen.note(
                f"El registro firmó cuándo llegó: {kept}. Guárdela.",
                f"The ledger has signed when it came: {kept}. Keep it.",
            )
            raise
        pinned = read_file(policy_file) if policy_file else post.get("/policy")
        if answer.provisional:
            answer = _final(post, answer)
    # Kept whatever it is worth: what a ledger acknowledged and cannot prove is evidence against it.
    kept = receipt_file or path.with_name(path.name.partition(".")[0] + ".tlog-proof")
    write_file(kept, answer.receipt.encode(), over=True)
    try:
        check_receipt(answer, signed, pinned)
    except Misbehaviour:
        screen.note(
            f"El registro contestó que la tiene como asiento {answer.index}; lo que dio por constancia está en {kept}.",
            f"The ledger answered that it has it as entry {answer.index}; what it gave for a receipt is in {kept}.",
            style="",
        )
        raise
    _tell_registered(answer, kept, post.url)


def _work(challenge: Mapping[str, Any]) -> str:
    """The answer to a challenge, done in sight."""
    screen.note(
        "Desde su dirección se envió mucho: el registro pide una prueba de trabajo, y este programa la hace.",
        "Much was sent from your address: the ledger asks for a proof of work, and this program does it.",
    )
    with screen.progress("Trabajo", "Work") as progress:
        return solve(challenge, progress.at)


def _tell_registered(answer: Answer, kept: Path, url: str) -> None:
    """Say where a statement stands, and where its receipt is kept; `url` is the ledger's."""
    link = f"{url}/asientos/{answer.index}"
    if screen.as_json:
        told = {"index": answer.index, "identity": answer.identity, "received_at": answer.received_at}
        told |= {"fresh": answer.fresh, "provisional": answer.provisional}
        screen.json(told | {"receipt": str(kept), "link": link})
        return
    if answer.fresh:
        screen.say("Registrada.", "Registered.", style="bold green")
    else:
        screen.say("Ya estaba registrada.", "It was registered already.", style="bold green")
    screen.facts(
        [
            (screen.pick("asiento", "entry"), str(answer.index)),
            (screen.pick("recibida", "received"), answer.received_at),
            (screen.pick("identidad", "identity"), answer.identity),
            (screen.pick("constancia", "receipt"), str(kept)),
            (screen.pick("enlace", "link"), link),
        ]
    )
    if answer.provisional:
        screen.note(
            "La constancia es provisional: los testigos del registro aún no han cofirmado. La definitiva estará en\n"
            f"  {url}/receipts/{answer.identity}\n"
            "o envíe otra vez el mismo archivo: no se registra dos veces.",
            "The receipt is provisional: the ledger's witnesses have not cosigned yet. The final one will be at\n"
            f"  {url}/receipts/{answer.identity}\n"
            "or send the same file again: it is not registered twice.",
            style="yellow",
        )
        return
    screen.note(
        f"Compruébela sin conexión: constancia verify {kept} --policy POLITICA",
        f"Check it offline: constancia verify {kept} --policy POLICY",
    )


# How long, in seconds, the witnesses of a ledger are waited for; they are asked about once a second.
_PATIENCE = (0.5, 1.0, 1.5, 2.0, 3.0)


def _final(post: Post, answer: Answer) -> Answer:
    """The answer with the receipt that witnesses have cosigned, if it comes within seconds; else as it was."""
    path = f"/receipts/{answer.identity}"
    screen.note("Esperando a los testigos del registro…", "Waiting for the ledger's witnesses…")
    for wait in _PATIENCE:
        time.sleep(wait)
        receipt, provisional = post.receipt(path)
        if not provisional:
            return msgspec.structs.replace(answer, receipt=receipt, provisional=False)
    return answer


def check_receipt(answer: Answer, signed: Signed, policy: bytes | None) -> None:
    """The receipt is of the statement that was sent, and proves it under the policy.

    Raises Misbehaviour: the ledger acknowledged what it did not register.
    """
    from ledger.tlog.errors import FormatError
    from ledger.tlog.policy import NONE, parse_policy
    from ledger.verify import verify_receipt

    try:
        rules = parse_policy(policy or b"")
    except FormatError as error:
        raise CannotRun(
            f"La política no se puede leer: {error.message}.", f"The policy cannot be read: {error.message}."
        ) from None
    if answer.provisional:  # by the log's own word only, until its witnesses have spoken
        rules = rules._replace(witnesses=(), groups=(), quorum=NONE)
    proven = verify_receipt(answer.receipt.encode(), rules)
    told = (answer.identity, answer.index)
    if proven.entry.opened.identity != signed.identity or told != (signed.identity, proven.entry.index):
        raise Misbehaviour("bad-receipt", "the receipt is of another statement than the one sent", index=answer.index)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

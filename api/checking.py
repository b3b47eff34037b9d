"""What `verify` and `status` do, once their command line is read, and how pins are read. They trust nothing that they
read. (`audit` stands in `api.auditing`.)"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from api.disclosed import Disclosed, disclosed, entry_at
from api.making import read_file
from api.screen import screen
from api.signing import signer_words
from api.sources import reading
from ledger.errors import CannotRun, Misbehaviour
from ledger.statement import format_time, format_when
from ledger.tlog.errors import FormatError
from ledger.tlog.note import format_vkey
from ledger.tlog.policy import Policy, parse_policy
from ledger.verify import Receipt, Source, oddity_of, open_head, own_policy, verify_receipt

if TYPE_CHECKING:
    pass

_HEX64 = re.compile("[0-9a-f]{64}")
SHOWN_FINDINGS = 20


def read_policy(path: Path) -> Policy:
    """The policy in a file that the reader pins. Raises CannotRun."""
    try:
        return parse_policy(read_file(path))
    except FormatError as error:
        raise CannotRun(
            f"{path} no es una política: {error.message}.",
            f"{path} is not a policy: {error.message}.",
            "Una política tiene líneas como: log ORIGEN+CÓDIGO+LLAVE   y   quorum none",
            "A policy has lines such as: log ORIGIN+CODE+KEY   and   quorum none",
        ) from None


def read_founding(given: str) -> str:
    """The digest of the founding statement that the reader pins, given itself or in a file. Raises CannotRun."""
    digest = given
    if not _HEX64.fullmatch(given) and Path(given).is_file():
        digest = read_file(Path(given)).decode("utf-8", "replace").strip()
    if not _HEX64.fullmatch(digest):
        raise CannotRun(
            "--founding espera los 64 dígitos hexadecimales de la declaración fundacional, o un archivo con ellos.",
            "--founding takes the 64 hexadecimal digits of the founding statement, or a file with them.",
            "`constancia status` los muestra; fije los que obtuvo por otro camino.",
            "`constancia status` shows them; pin those that you got by another way.",
        )
    return digest


# --- verify ----------------------------------------------------------------------------------------------------------


def verify_file(path: Path, policy: Path | None, ledger_key: str | None, contents: str | None = None) -> int:
    """Check a receipt, print what it shows, and return the exit code; with `contents`, the folder or address of the
    ledger, also what is public now of its contents. Raises CannotRun."""
    if (policy is None) == (ledger_key is None):
        raise CannotRun(
            "Dé --policy o --ledger-key, uno de los dos: una constancia no dice en quién confía usted.",
            "Give --policy or --ledger-key, one of the two: a receipt does not say whom you trust.",
            "Ejemplo: --policy politica.txt",
            "Example: --policy policy.txt",
        )
    raw = read_file(path)
    oddity = oddity_of(raw)
    if oddity in ("empty-file", "not-a-receipt"):
        empty = oddity == "empty-file"
        raise CannotRun(
            f"{path}: el archivo está vacío."
            if empty
            else f"Eso no es una constancia (un archivo tlog-proof): {path}.",
            f"{path}: the file is empty." if empty else f"That is not a receipt (a tlog-proof file): {path}.",
            "`constancia submit` guarda una; cada página de un asiento ofrece la suya.",
            "`constancia submit` keeps one; each page of an entry offers its own.",
        )
    try:
        trusted = read_policy(policy) if policy else Policy.from_log_key(ledger_key or "")
    except FormatError as error:
        raise CannotRun(
            f"--ledger-key no es una llave de registro: {error.message}.",
            f"--ledger-key is not the key of a ledger: {error.message}.",
            "Tiene la forma ORIGEN+CÓDIGO+LLAVE, como en la línea `log` de `policy`.",
            "It has the form ORIGIN+CODE+KEY, as in the line `log` of `policy`.",
        ) from None
    try:
        receipt = verify_receipt(raw, trusted)
    except Misbehaviour as fault:
        _say_not_verified(fault, _RECEIPT_FAULTS.get(fault.kind, _OTHER_FAULT))
        if oddity == "line-ends":
            screen.note(
                "Un programa de correo o un editor pudo cambiar sus fines de línea: use el archivo original.",
                "A mail program or an editor may have changed its line ends: use the original file.",
            )
        return 1
    try:
        shown = None if contents is None else _contents_now(contents, trusted, receipt)
    except Misbehaviour as fault:
        from projections.findings import SENTENCES

        _say_not_verified(fault, SENTENCES.get(fault.kind, _OTHER_FAULT))
        return 1
    _show_receipt(receipt, shown)
    if sum(log.verifier.name == receipt.origin for log in trusted.logs) > 1:
        screen.note(
            "Su política tiene varias llaves del registro. Una constancia sola no dice hasta qué tamaño valía cada "
            "una: si la anterior pudo caer en otras manos, audite el registro o pida testigos.",
            "Your policy has several keys of the log. A receipt alone does not say up to which size each was in force: "
            "if the old one may be in other hands, audit the ledger or ask for witnesses.",
        )
    return 0


def _say_not_verified(fault: Misbehaviour, words: tuple[str, str]) -> None:
    if screen.as_json:
        screen.json({"verified": False, "kind": fault.kind, "detail": fault.detail})
    screen.line(screen.pick("NO SE VERIFICA", "DOES NOT VERIFY"), style="bold red")
    screen.line(f"{screen.pick(*words)} ({fault.kind}: {fault.detail})")


def _contents_now(where: str, trusted: Policy, receipt: Receipt) -> list[Disclosed]:
    with reading(where) as (source, _):
        return list(disclosed(source, trusted, receipt.entry))


_OTHER_FAULT = ("La constancia no es válida.", "The receipt is not valid.")
_RECEIPT_FAULTS = {
    "foreign-checkpoint": (
        "La firma un registro que no está en su política: es de otro, o su política es de otro.",
        "It is signed by a ledger that your policy does not have: the receipt or the policy is another's.",
    ),
    "not-cosigned": (
        (
            "Es provisional: no la han firmado los testigos que su política pide. Pida la definitiva al registro, en "
            "…/receipts/IDENTIDAD, o envíe otra vez la misma declaración."
        ),
        (
            "It is provisional: the witnesses that your policy asks for have not cosigned it. Ask the ledger for the "
            "final one, at …/receipts/IDENTITY, or send the same statement again."
        ),
    ),
    "bad-receipt": ("El archivo fue alterado o está incompleto.", "The file was altered or is incomplete."),
    "bad-statement": ("La declaración que contiene no es válida.", "The statement in it is not valid."),
    "bad-entry": ("El asiento que contiene no es válido.", "The entry in it is not valid."),
}


def _show_receipt(receipt: Receipt, contents: list[Disclosed] | None) -> None:
    opened = receipt.entry.opened
    if screen.as_json:
        screen.json(
            {
                "verified": True,
                "origin": receipt.origin,
                "index": receipt.entry.index,
                "received_at": format_time(receipt.entry.received_ms),
                "identity": opened.identity,
                "kind": opened.statement.kind,
                "by": msgspec.to_builtins(opened.statement.by),
                "size": receipt.size,
                "root": receipt.root.hex(),
                "log_keys": receipt.log_keys,
                "witnesses": receipt.witnesses,
                **({} if contents is None else {"contents": contents}),
            }
        )
        return
    pick = screen.pick
    screen.line(pick("Verificada.", "Verified."), style="bold green")
    if screen.quiet:
        return
    screen.facts(
        [
            (pick("registro", "ledger"), receipt.origin),
            (
                pick("asiento", "entry"),
                pick(
                    f"{receipt.entry.index} (el registro tenía {receipt.size}, que se cuentan desde el 0)",
                    f"{receipt.entry.index} (the ledger had {receipt.size}, counted from 0)",
                ),
            ),
            (pick("recibida", "received"), format_time(receipt.entry.received_ms)),
            (pick("declaración", "statement"), opened.statement.kind),
            (pick("firman", "signed by"), ", ".join(signer_words(opened.statement))),
            (pick("identidad", "identity"), opened.identity),
            (pick("llave del registro", "key of the log"), ", ".join(receipt.log_keys)),
            (
                pick("testigos", "witnesses"),
                ", ".join(name for name, _ in receipt.witnesses) or pick("ninguno", "none"),
            ),
        ]
    )
    for each in contents or ():
        by = "" if each.by is None else pick(f" [asiento {each.by}]", f" [entry {each.by}]")
        screen.line(pick(*each.words) + by)
        for text in () if each.text is None else (each.text.text, each.text.name, each.text.place):
            if isinstance(text, str):
                screen.line(f"  «{text}»")
    screen.line(opened.line.decode(), style="dim")


# --- status ----------------------------------------------------------------------------------------------------------


class WitnessSaid(msgspec.Struct, frozen=True):
    """A witness of the ledger's policy: what it cosigned last, and since when it gives no cosignature."""

    name: str
    cosigned_size: int | None = None
    cosigned_at: str | None = None
    silent_since: str | None = None
    why_es: str = ""
    why_en: str = ""


class Standing(msgspec.Struct, frozen=True):
    """How a ledger stands by its own word. `checkpoint_size` is that of `checkpoint`, behind which `size` may be ahead
    while witnesses are waited for."""

    where: str
    origin: str
    purpose: str
    size: int
    root: str
    last_received: str
    founding: str
    log_keys: list[str]
    checkpoint_size: int
    witnesses: list[WitnessSaid]


def show_status(where: str) -> None:
    """Print how a ledger stands. Raises CannotRun, Misbehaviour."""
    standing = standing_of(where)
    if screen.as_json:
        screen.json(standing)
        return
    pick = screen.pick
    purposes = {
        "demonstration": pick("demostración", "demonstration"),
        "record": pick("registro", "record"),
    }
    screen.facts(
        [
            (pick("registro", "ledger"), standing.origin),
            (pick("propósito", "purpose"), purposes.get(standing.purpose, standing.purpose)),
            (pick("asientos", "entries"), f"{standing.size:,}"),
            (pick("último", "last"), standing.last_received),
            (pick("raíz", "root"), standing.root),
            (pick("fundación", "founding"), standing.founding),
            *[(pick("llave", "key"), vkey) for vkey in standing.log_keys],
            *_witness_facts(standing),
        ]
    )
    screen.note(
        f"Nada de esto se ha verificado. Verifíquelo con: constancia audit {where}",
        f"None of this was verified. Verify it with: constancia audit {where}",
    )


def _witness_facts(standing: Standing) -> list[tuple[str, str]]:
    pick = screen.pick
    if not standing.witnesses:
        return [(pick("testigos", "witnesses"), pick("ninguno", "none"))]
    told = pick(f"{standing.checkpoint_size:,} asientos", f"{standing.checkpoint_size:,} entries")
    if standing.checkpoint_size < standing.size:
        told += pick(
            "; lo posterior espera el quórum, y sus constancias son provisionales",
            "; what came later waits for the quorum, and its receipts are provisional",
        )
    facts = [(pick("punto de control", "checkpoint"), told)]
    for each in standing.witnesses:
        size, when = each.cosigned_size or 0, each.cosigned_at
        told = (
            pick(f"{size:,} asientos, {when}", f"{size:,} entries, {when}")
            if when
            else pick("sin cofirmas que consten", "no cosignature on record")
        )
        if each.silent_since:
            told += pick(
                f"; en silencio desde {each.silent_since} ({each.why_es})",
                f"; silent since {each.silent_since} ({each.why_en})",
            )
        facts.append((pick("testigo", "witness"), f"{each.name}: {told}"))
    return facts


def standing_of(where: str) -> Standing:
    """What a ledger says of itself: its checkpoint, its first entry and its last. Raises CannotRun, Misbehaviour."""
    from ledger.vocabulary import LedgerOpened

    with reading(where) as (source, _):
        if source.read("policy") is None:
            raise CannotRun(
                f"En {where} no hay ningún registro.",
                f"There is no ledger at {where}.",
                "Dé su carpeta, o su dirección hasta su ruta, como http://localhost:8000/gt",
                "Give its folder, or its address up to its path, such as http://localhost:8000/gt",
            )
        policy = own_policy(source)
        # The newest signed head, whether witnesses have seen it or not; a copy of published files may be without.
        head = open_head(source, policy, path="checkpoint" if source.read("head") is None else "head", quorum=False)
        checkpoint, witnesses = _witnesses_told(where, source)
        first, last = (entry_at(source, head, index) for index in (0, head.size - 1))
    founded = first.opened.statement
    return Standing(
        where,
        head.origin,
        founded.purpose if isinstance(founded, LedgerOpened) else "—",
        head.size,
        head.root.hex(),
        format_time(last.received_ms),
        first.opened.identity,
        [format_vkey(each.verifier.name, each.verifier.type_byte, each.verifier.public_key) for each in policy.logs],
        checkpoint,
        witnesses,
    )


def _witnesses_told(where: str, source: Source) -> tuple[int, list[WitnessSaid]]:
    """The size of `checkpoint`, and the witnesses of the ledger's policy: as its server says or noted, else by that
    checkpoint."""
    from ledger.cosigning import read_standings

    size, found = _witnesses_published(source)
    if "://" in where:
        told = _answered_witnesses(source.read("api/witnesses") or b"")
    else:
        told = [
            WitnessSaid(
                each.name,
                each.cosigned_size,
                _when(each.cosigned_at),
                _when(each.silent_since),
                each.why_es,
                each.why_en,
            )
            for each in read_standings(Path(where))
        ]
    found |= {each.name: each for each in told if each.cosigned_at or each.silent_since}
    return size, list(found.values())


def _witnesses_published(source: Source) -> tuple[int, dict[str, WitnessSaid]]:
    """The size of `checkpoint`, and what it says of each witness of the published policy, by name."""
    found: dict[str, WitnessSaid] = {}
    try:
        policy = parse_policy(source.read("policy") or b"")
        found = {each.verifier.name: WitnessSaid(each.verifier.name) for each in policy.witnesses}
        checked = policy.check(source.read("checkpoint") or b"")
    except FormatError:  # nothing is there yet that has its quorum, or nothing that can be read
        return 0, found
    size = checked.checkpoint.size
    for each in checked.cosignatures:
        name = each.witness.verifier.name
        found[name] = WitnessSaid(name, size, _when(each.time))
    return size, found


def _when(time: int | None) -> str | None:
    return None if time is None else format_when(time * 1000)


class _Told(msgspec.Struct, frozen=True):
    name: str
    cosigned_size: int | None = None
    cosigned_at: str | None = None
    silent_since: str | None = None
    why: str = ""


class _ToldOfAll(msgspec.Struct, frozen=True):
    witnesses: list[_Told]


class _Answered(msgspec.Struct, frozen=True):
    data: _ToldOfAll


def _answered_witnesses(raw: bytes) -> list[WitnessSaid]:
    """What a running server says of its witnesses; nothing where it says nothing."""
    try:
        found = msgspec.json.decode(raw, type=_Answered).data.witnesses
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    return [
        WitnessSaid(each.name, each.cosigned_size, each.cosigned_at, each.silent_since, each.why, each.why)
        for each in found
    ]

"""What `audit`, `verify` and `status` do, once their command line is read. They trust nothing that they read."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from api.making import read_file
from api.screen import screen
from api.signing import signer_words
from api.sources import reading
from ledger.errors import CannotRun, Misbehaviour
from ledger.statement import Entry, format_time, format_when
from ledger.tlog.errors import FormatError, Malformed
from ledger.tlog.note import format_vkey
from ledger.tlog.policy import Policy, parse_policy
from ledger.tlog.tiles import WIDTH, entries_path, parse_bundle
from ledger.verify import Head, Receipt, Source, open_entry, open_head, own_policy, verify_receipt

if TYPE_CHECKING:
    from projections.findings import ClaimLine, Report
    from projections.reports import ClaimChecked, Tally

_HEX64 = re.compile("[0-9a-f]{64}")
_RECEIPT = b"c2sp.org/tlog-proof"
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


# --- audit -----------------------------------------------------------------------------------------------------------


def audit_ledger(where: str, policy: Path | None, founding: str | None, at: int | None, workers: int | None) -> int:
    """Audit, print the report, and return the exit code. Raises CannotRun."""
    from projections.audit import audit

    pinned = read_policy(policy) if policy else None
    founding = None if founding is None else read_founding(founding)
    with reading(where) as (source, server), screen.progress("Auditando", "Auditing") as progress:
        report = audit(
            source,
            policy=pinned,
            founding=founding,
            at=at,
            workers=workers or os.cpu_count() or 1,
            progress=progress.at,
            server=server,
        )
    if screen.as_json:
        screen.json(report)
    else:
        show_audit(report)
    return 0 if report.clean else 1


def show_audit(report: "Report") -> None:
    """An audit's report, for people."""
    counts, pick = report.counts, screen.pick
    # Over the network files cannot be listed.
    files = [(pick("archivos", "files"), str(counts.files))] if counts.files else []
    state = report.digest or pick("ninguno", "none")
    unread = report.size - counts.entries
    entries = f"{report.size:,}" + (pick(f" ({unread:,} sin leer)", f" ({unread:,} unread)") if unread else "")
    if report.at != report.size and report.digest:
        state += pick(f" (con los primeros {report.at:,} asientos)", f" (from the first {report.at:,} entries)")
    if not screen.quiet:
        screen.facts(
            [
                (pick("registro", "ledger"), report.origin or "—"),
                (pick("asientos", "entries"), entries),
                (pick("firmas verificadas", "signatures verified"), f"{counts.signatures:,}"),
                (
                    pick("textos en la bóveda", "texts in the vault"),
                    pick(
                        f"{counts.contents_shown} a la vista; retirados con motivo: {counts.contents_hidden}",
                        f"{counts.contents_shown} shown, {counts.contents_hidden} taken from view with a ground",
                    ),
                ),
                (pick("cabezas firmadas", "signed heads"), str(counts.heads)),
                *files,
                (pick("raíz", "root"), report.root or "—"),
                (pick("fundación", "founding"), report.founding or pick("no se pudo leer", "could not be read")),
                (pick("estado calculado", "computed state"), state),
                (pick("tiempo", "time"), f"{report.seconds.get('all', 0):.2f} s"),
            ]
        )
        _show_table(report)
        _show_claims(report.claims)
        for remark in report.remarks:
            screen.line(f"· {pick(remark.es, remark.en)}", style="dim")
    show_findings(report)
    show_verdict(report)


def show_findings(report: "Report") -> None:
    """What is not as it must be; the first of it."""
    pick, total = screen.pick, report.counts.findings
    for finding in report.findings[:SHOWN_FINDINGS]:
        screen.line(f"✗ {finding.kind}: {pick(finding.es, finding.en)}", style="red")
        screen.line(f"    {finding.detail}", style="dim")
    if total > SHOWN_FINDINGS:
        screen.line(
            pick(
                f"… y {total - SHOWN_FINDINGS} faltas más; todas con --json.",
                f"… and {total - SHOWN_FINDINGS} more findings; all with --json.",
            )
        )


# A level on the terminal: in Spanish of one commitment and of many, and in English.
LEVELS = {
    "complete": ("completo", "completos", "complete"),
    "substantial": ("sustancial", "sustanciales", "substantial"),
    "limited": ("limitado", "limitados", "limited"),
    "not_started": ("no iniciado", "no iniciados", "not started"),
    "no_evidence_available": ("sin evidencia", "sin evidencia", "no evidence available"),
}
_MEASURES = {
    "commitment_count": ("compromisos", "commitments"),
    "level_count": ("compromisos", "commitments"),
    "level_share_bp": ("parte de los compromisos", "share of commitments"),
    "meeting_count": ("reuniones", "meetings"),
    "comment_count": ("comentarios", "comments"),
    "response_count": ("comentarios respondidos", "comments answered"),
    "withheld_count": ("comentarios retenidos", "comments withheld"),
    "delayed": ("compromisos atrasados", "delayed commitments"),
}
_PROPOSERS = {
    "government": ("propuestos por el gobierno", "proposed by the government"),
    "civil_society": ("propuestos por la sociedad civil", "proposed by civil society"),
}


def tally_of(tallies: "Sequence[Tally]") -> dict[str, int]:
    """How many commitments are reported at each level, over all plans."""
    counts: Counter[str] = Counter()
    for tally in tallies:
        counts.update(tally.by_level())
    return dict(counts)


def level_counts(counts: Mapping[str, int]) -> str:
    """28 completos, 15 sustanciales, 5 limitados."""
    named = [(counts[name], words) for name, words in LEVELS.items() if counts.get(name)]
    return ", ".join(
        f"{count} {screen.pick(one if count == 1 else many, english)}" for count, (one, many, english) in named
    )


def _show_table(report: "Report") -> None:
    """What is reported of each commitment, what others assess, and what there is to show for it."""
    pick = screen.pick

    def level(code: str) -> str:
        one, _, english = LEVELS.get(code, ("—", "—", "—"))
        return pick(one, english)

    columns = [("compromiso", "commitment"), ("institución", "institution"), ("reportado", "reported")]
    columns += [("evaluado", "assessed"), (">enlaces", ">links"), (">capturados", ">captured")]
    for plan, listed in groupby(report.table, key=lambda row: row.commitment.partition("/")[0]):
        rows = [
            (
                row.commitment.partition("/")[2],
                row.institution,
                level(row.reported) + (pick(" (impreso)", " (printed)") if row.printed else ""),
                ", ".join(f"{each.actor}: {level(each.level)}" for each in row.assessed) or "—",
                str(row.evidence),
                str(row.captured),
            )
            for row in listed
        ]
        screen.line()
        screen.table([pick(*names) for names in columns], rows, title=f"Plan {plan}")
        counts = tally_of([tally for tally in report.tallies if tally.plan == plan])
        screen.line(f"{pick('Reportado', 'Reported')}: {level_counts(counts)} ({sum(counts.values())})", style="bold")


def _show_claims(lines: "Sequence[ClaimLine]") -> None:
    """Each figure that a published report claims, beside the one that the record gives."""
    pick = screen.pick
    columns = [("cifra", "figure"), (">afirma", ">claims"), (">el registro daba", ">record gave"), ("", "")]
    for (title, version, size), listed in groupby(lines, key=lambda line: (line.title, line.version, line.tree_size)):
        rows = [
            (
                _claimed_figure(line.claim),
                _figure(line.claim, line.claim.claimed),
                _figure(line.claim, line.claim.computed),
                pick(*_CLAIM_VERDICTS.get(line.claim.verdict, (line.claim.verdict, line.claim.verdict))),
            )
            for line in listed
        ]
        screen.line()
        when = pick(
            f"versión {version}; el registro tenía {size:,} asientos",
            f"version {version}; the record had {size:,} entries",
        )
        screen.table([pick(*names) for names in columns], rows, title=f"{title} ({when})")
    differing = sum(line.claim.verdict == "differs" for line in lines)
    if differing:
        screen.say(
            f"No coinciden con lo que el registro contaba {differing} de {len(lines)} cifras publicadas.",
            f"{differing} of {len(lines)} published figures differ from what the record counted.",
            style="bold yellow",
        )


_CLAIM_VERDICTS = {
    "exact": ("coincide", "agrees"),
    "truncated": ("coincide, sin redondear", "agrees, not rounded"),
    "differs": ("≠ NO COINCIDE", "≠ DIFFERS"),
    "not_computable": ("no se puede calcular", "cannot be computed"),
}


def _claimed_figure(claim: "ClaimChecked") -> str:
    """What a figure counts: `compromisos sustanciales, propuestos por el gobierno`."""
    pick = screen.pick
    named = pick(*_MEASURES.get(claim.measure, (claim.measure, claim.measure)))
    if claim.level in LEVELS:
        _, many, english = LEVELS[claim.level]
        named = pick(f"{named} {many}", f"{named}: {english}")
    scope = [pick(*_PROPOSERS[claim.proposer])] if claim.proposer in _PROPOSERS else []
    return ", ".join([named, *scope, *filter(None, (claim.institution, claim.round))])


def _figure(claim: "ClaimChecked", value: int | None) -> str:
    """A count with what it is of, or a share in percent from basis points; no float is involved."""
    if value is None:
        return "—"
    if claim.measure.endswith("_bp"):
        return f"{value // 100}.{value % 100:02d} %"
    return str(value) if claim.out_of is None else f"{value} {screen.pick('de', 'of')} {claim.out_of}"


def show_verdict(report: "Report") -> None:
    """The verdict, in one line, and what would make it a better one."""
    verdict = screen.pick(report.verdict_es, report.verdict)
    style = {"verified": "bold green", "misbehaviour found": "bold red"}.get(report.verdict, "bold yellow")
    screen.line(f"{screen.pick('Veredicto', 'Verdict')}: {verdict}", style=style)
    if report.verdict == "self-consistent, origin unproven":
        missing = [] if report.policy_pinned else ["--policy"]
        missing += [] if report.founding_pinned else ["--founding"]
        screen.note(
            f"Para probar de quién es, fije {' y '.join(missing)} con lo que obtuvo por otro camino que este registro.",
            f"To prove whose it is, pin {' and '.join(missing)} with what you got by another way than this ledger.",
        )


# --- verify ----------------------------------------------------------------------------------------------------------


def verify_file(path: Path, policy: Path | None, ledger_key: str | None) -> int:
    """Check a receipt, print what it shows, and return the exit code. Raises CannotRun."""
    if (policy is None) == (ledger_key is None):
        raise CannotRun(
            "Dé --policy o --ledger-key, uno de los dos: una constancia no dice en quién confía usted.",
            "Give --policy or --ledger-key, one of the two: a receipt does not say whom you trust.",
            "Ejemplo: --policy politica.txt",
            "Example: --policy policy.txt",
        )
    raw = read_file(path)
    if not raw.startswith(_RECEIPT):
        raise CannotRun(
            f"{path} no es una constancia (un archivo tlog-proof).",
            f"{path} is not a receipt (a tlog-proof file).",
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
        if screen.as_json:
            screen.json({"verified": False, "kind": fault.kind, "detail": fault.detail})
        screen.line(screen.pick("NO SE VERIFICA", "DOES NOT VERIFY"), style="bold red")
        es, en = _RECEIPT_FAULTS.get(fault.kind, ("La constancia no es válida.", "The receipt is not valid."))
        screen.line(f"{screen.pick(es, en)} ({fault.kind}: {fault.detail})")
        return 1
    _show_receipt(receipt)
    return 0


_RECEIPT_FAULTS = {
    "foreign-checkpoint": (
        "La firma un registro que no está en su política: es de otro, o su política es de otro.",
        "It is signed by a ledger that your policy does not have: the receipt or the policy is another's.",
    ),
    "not-cosigned": (
        "Es provisional: todavía no la han firmado los testigos que su política pide.",
        "It is provisional: the witnesses that your policy asks for have not cosigned yet.",
    ),
    "bad-receipt": ("El archivo fue alterado o está incompleto.", "The file was altered or is incomplete."),
    "bad-statement": ("La declaración que contiene no es válida.", "The statement in it is not valid."),
    "bad-entry": ("El asiento que contiene no es válido.", "The entry in it is not valid."),
}


def _show_receipt(receipt: Receipt) -> None:
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
                "witnesses": receipt.witnesses,
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
            (
                pick("testigos", "witnesses"),
                ", ".join(name for name, _ in receipt.witnesses) or pick("ninguno", "none"),
            ),
        ]
    )
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
        policy = own_policy(source)
        # The newest signed head, whether witnesses have seen it or not; a copy of published files may be without.
        head = open_head(source, policy, path="checkpoint" if source.read("head") is None else "head", quorum=False)
        checkpoint, witnesses = _witnesses_told(where, source)
        first, last = (_entry_at(source, head, index) for index in (0, head.size - 1))
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
    try:
        policy = parse_policy(source.read("policy") or b"")
        found = {each.verifier.name: WitnessSaid(each.verifier.name) for each in policy.witnesses}
        checked = policy.check(source.read("checkpoint") or b"")
    except FormatError:  # nothing is there yet that has its quorum, or nothing that can be read
        return 0, {}
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


def _entry_at(source: Source, head: Head, index: int) -> Entry:
    """One entry, by the bundle that has it. Raises Misbehaviour."""
    number, slot = divmod(index, WIDTH)
    width = min(WIDTH, head.size - number * WIDTH)
    path = entries_path(number, width)
    raw = source.read(path)
    if raw is None and width < WIDTH:
        path, width = entries_path(number), WIDTH
        raw = source.read(path)
    try:
        return open_entry(index, parse_bundle(raw or b"", width)[slot], head.origin)
    except Malformed as error:
        raise Misbehaviour("missing-file", f"no entries can be read there: {error.message}", path=path) from None

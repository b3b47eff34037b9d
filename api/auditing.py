"""What `audit` does, once its command line is read: it audits, tells people or programs, and leaves the evidence.

    audit_ledger(wanted)      one audit, its report on the screen; the exit code
    run_audit(wanted, …)      the audit itself, with what earlier ones kept and what is on disk already

The folder that `--trusted` names holds all that an auditor keeps between two audits of one ledger:

    audit.db       docket, records and where the audit stands      (`projections.kept`)
    checkpoint     the last signed head that was found in order, for people and other programs
    files/         full tiles and bundles that came over the network; each is checked again whenever it is read
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from api.checking import read_founding, read_policy
from api.disclosed import OUT_OF_VIEW
from api.evidence import write_evidence
from api.screen import screen
from api.sources import forget, reading
from ledger.errors import CannotRun, reason

if TYPE_CHECKING:
    from ledger.verify import Source
    from projections.findings import ClaimLine, Report
    from projections.kept import Kept
    from projections.reports import ClaimChecked, Tally

SHOWN_FINDINGS = 20

DAY = 86_400


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader wants audited, and how. Ages are in seconds."""

    where: str
    policy: Path | None = None
    founding: str | None = None
    at: int | None = None
    workers: int | None = None
    trusted: Path | None = None
    every_text: bool = False
    max_age: int | None = None
    evidence: Path | None = None
    tsa_roots: tuple[Path, ...] = ()


def audit_ledger(wanted: Wanted) -> int:
    """Audit, print the report, and return the exit code. Raises CannotRun."""
    with opened_memory(wanted.trusted) as kept:
        report = run_audit(wanted, kept, every_text=wanted.every_text)
    if screen.as_json:
        screen.json(report)
    else:
        show_audit(report)
    if report.findings and wanted.evidence:
        write_evidence(report, wanted.evidence)
    return 0 if report.clean else 1


@contextmanager
def opened_memory(trusted: Path | None) -> "Generator[Kept]":
    """What earlier audits left in a folder, made if need be; without one, what this audit alone needs."""
    from projections.kept import Kept

    if trusted is not None:
        try:
            trusted.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotRun(
                f"No se puede usar la carpeta {trusted}: {reason(error)[0]}.",
                f"The folder {trusted} cannot be used: {reason(error)[1]}.",
                "Dé otra con --trusted.",
                "Give another with --trusted.",
            ) from error
    with Kept(trusted / "audit.db" if trusted else None) as kept:
        yield kept


def run_audit(
    wanted: Wanted,
    kept: "Kept",
    *,
    every_text: bool = False,
    wrap: "Callable[[Source], Source] | None" = None,
) -> "Report":
    """One audit of what is wanted; `wrap` may put another source before the published files. Raises CannotRun."""
    from api.stamping import read_stamps
    from projections.audit import audit

    pinned = read_policy(wanted.policy) if wanted.policy else None
    founding = None if wanted.founding is None else read_founding(wanted.founding)
    files = wanted.trusted / "files" if wanted.trusted else None
    with reading(wanted.where, files) as (source, server):
        source = wrap(source) if wrap else source
        stamps = read_stamps(source, pinned, wanted.tsa_roots)
        with screen.progress("Auditando", "Auditing") as progress:
            report = audit(
                source,
                policy=pinned,
                founding=founding,
                at=wanted.at,
                now=int(time.time()),
                max_age=wanted.max_age,
                every_text=every_text,
                workers=wanted.workers or os.cpu_count() or 1,
                progress=progress.at,
                server=server,
                kept=kept,
                stamps=stamps,
            )
        if files is not None:
            # What was found wrong may have come down wrong: it is fetched anew the next time.
            forget(files, [each.path for each in report.findings if each.path])
    if wanted.trusted and report.clean:
        (wanted.trusted / "checkpoint").write_text(report.checkpoint, "utf-8")
    return report


def show_audit(report: "Report") -> None:
    """An audit's report, for people."""
    counts, pick = report.counts, screen.pick
    # Over the network files cannot be listed.
    files = [(pick("archivos", "files"), str(counts.files))] if counts.files else []
    state = report.digest or pick("ninguno", "none")
    unread = report.size - counts.entries
    entries = f"{report.size:,}" + (pick(f" ({unread:,} sin leer)", f" ({unread:,} unread)") if unread > 0 else "")
    if report.kept:
        entries += pick(f" ({report.kept:,} ya verificados antes)", f" ({report.kept:,} verified earlier)")
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
                        f"{counts.contents_shown} a la vista; fuera de ella, con su motivo: {counts.contents_hidden}",
                        f"{counts.contents_shown} shown, {counts.contents_hidden} taken from view with a ground",
                    )
                    + _hidden_by(counts.hidden_by),
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
        _show_answers(report)
        for remark in report.remarks:
            screen.line(f"· {pick(remark.es, remark.en)}", style="dim")
    show_findings(report)
    show_verdict(report)


def _hidden_by(counts: dict[str, int]) -> str:
    """How many are out of view by each act: " (2 content withheld; 1 withdrawn by its author)"."""
    said = [f"{count} {screen.pick(*words)}" for effect, words in OUT_OF_VIEW.items() if (count := counts.get(effect))]
    return f" ({'; '.join(said)})" if said else ""


_ANSWERED = {"yes": ("✓ Sí", "✓ Yes", "green"), "no": ("✗ No", "✗ No", "red")}


def _show_answers(report: "Report") -> None:
    """The four questions, each with its answer and the reason."""
    from projections.findings import QUESTIONS

    pick = screen.pick
    screen.line()
    for each in report.answers:
        es, en, style = _ANSWERED.get(each.answer, ("○ Sin probar", "○ Not proven", "yellow"))
        screen.line(f"{pick(*QUESTIONS[each.question])} {pick(es, en)}", style=f"bold {style}")
        screen.line(f"    {pick(each.es, each.en)}")


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
    """What is reported of each commitment, what others assess, how far the evidence reaches."""
    pick = screen.pick

    def level(code: str) -> str:
        one, _, english = LEVELS.get(code, ("—", "—", "—"))
        return pick(one, english)

    columns = [("compromiso", "commitment"), ("institución", "institution"), ("reportado", "reported")]
    columns += [("evaluado", "assessed"), ("evidencia", "evidence"), (">%", ">%"), (">brecha", ">gap")]
    columns += [(">enlaces", ">links"), (">capturados", ">captured")]
    for plan, listed in groupby(report.table, key=lambda row: row.commitment.partition("/")[0]):
        shown = list(listed)
        rows = [
            (
                row.commitment.partition("/")[2],
                row.institution,
                level(row.reported) + (pick(" (impreso)", " (printed)") if row.printed else ""),
                ", ".join(f"{each.actor}: {level(each.level)}" for each in row.assessed) or "—",
                level(row.evidenced) + (pick(" (difieren)", " (contested)") if row.contested else ""),
                str(row.percent),
                "" if row.gap is None else f"{row.gap:+d}" if row.gap else "0",
                str(row.evidence),
                str(row.captured),
            )
            for row in shown
        ]
        screen.line()
        screen.table([pick(*names) for names in columns], rows, title=f"Plan {plan}")
        counts = tally_of([tally for tally in report.tallies if tally.plan == plan])
        screen.line(f"{pick('Reportado', 'Reported')}: {level_counts(counts)} ({sum(counts.values())})", style="bold")
        reached = Counter(row.evidenced for row in shown)
        as_of = pick(f"Evidencia, al {report.as_of}", f"Evidence, as of {report.as_of}")
        screen.line(f"{as_of}: {level_counts(reached)} ({sum(reached.values())})", style="bold")
        found = report.anomalies.get(plan, ())
        rules = len({one.rule for one in found})
        if found:
            screen.say(
                f"El registro mismo muestra {len(found)} cosas que no concuerdan, por {rules} reglas (--json: cuáles).",
                f"The record itself shows {len(found)} things that do not fit, by {rules} rules (--json: which).",
            )


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
        of = pick(f"versión {version}", f"version {version}") if version else pick("cierre", "closing")
        when = f"{of}; " + pick(f"el registro tenía {size:,} asientos", f"the record had {size:,} entries")
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

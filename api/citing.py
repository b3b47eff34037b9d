"""What `constancia cite` does: a state of the record is frozen in a file, and rebuilt from it by anybody.

    make_citation(…)      audit, and write the citation of the state that was wanted
    check_citation(…)     audit, prove the root, compute every table anew, compare: 0, or 1 with what differs

To check a citation nobody has to be believed, neither who made it nor who serves the ledger: the entries are
verified, the tree at the cited size must have the cited root, the signed head in the file must be of the same tree, and
the tables follow from the entries. What is wrong ends with 1, and the bytes that show it can be kept (`--evidence`).
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from api.auditing import show_findings
from api.checking import read_founding, read_policy
from api.evidence import write_evidence
from api.making import read_file, write_file
from api.screen import screen
from api.sources import reading
from ledger.errors import CannotRun, Misbehaviour
from ledger.statement import format_time
from ledger.tlog.checkpoint import parse_checkpoint
from ledger.tlog.errors import FormatError
from ledger.verify import Source, judge_head, own_policy, read_spine, roots_at, walk
from projections.audit import Server, audit
from projections.citation import Citation, Different, cite, differences, format_citation, parse_citation, tables_of
from projections.commitments import PlanState
from projections.comparison import matrix_of
from projections.evidence import default_as_of
from projections.findings import Report
from projections.records import DictRecords

MAX_CITATION = 1024 * 1024


class Pins(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader trusts."""

    policy: Path | None = None
    founding: str | None = None


class Audited(msgspec.Struct, frozen=True):
    """An audit, and the records at the size that was wanted, with the root and the last entry's time of that size."""

    report: Report
    records: DictRecords
    root: str
    received_at: str


def _audited(
    source: Source,
    server: Server | None,
    pins: Pins,
    at: int | None,
    founding: str | None,
    seen: tuple[bytes, ...] = (),
) -> Audited:
    """Audit a ledger, with the records of its first `at` entries. Raises CannotRun, Misbehaviour."""
    records = DictRecords()
    policy = read_policy(pins.policy) if pins.policy else None
    with screen.progress("Auditando", "Auditing") as progress:
        report = audit(
            source,
            policy=policy,
            founding=founding,
            at=at,
            seen=seen,
            now=int(time.time()),
            workers=os.cpu_count() or 1,
            progress=progress.at,
            server=server if at is None else None,
            records=records,
        )
    trusted = policy or own_policy(source)
    head = judge_head(report.checkpoint.encode(), trusted, path="checkpoint", quorum=False)
    spine = read_spine(source, head.size, head.root)
    size = at or head.size
    root = roots_at(source, spine, [size])[size].hex()
    last = [
        entry
        for batch in walk(source, head.origin, spine, start=size - 1, stop=size, workers=1)
        for entry in batch.entries
    ]
    return Audited(report, records, root, format_time(last[0].received_ms) if last else "")


def _size_of(source: Source) -> int:
    """How many entries the published head has; 0 where none can be read."""
    try:
        return parse_checkpoint(source.read("checkpoint") or source.read("head") or b"").checkpoint.size
    except FormatError:
        return 0


# --- making ----------------------------------------------------------------------------------------------------------


def make_citation(where: str, plan: str | None, at: int | None, as_of: str | None, out: Path | None, pins: Pins) -> int:
    """Audit, and write the citation of the first `at` entries as of a day. Raises CannotRun, Misbehaviour."""
    founding = None if pins.founding is None else read_founding(pins.founding)
    with reading(where) as (source, server):
        found = _audited(source, server, pins, at, founding)
    if not found.report.clean:
        show_findings(found.report)
        screen.say("No se cita lo que no se verifica.", "What does not verify is not cited.", style="bold red")
        return 1
    state = _plan_of(found.records, plan)
    size = found.report.at
    matrix = matrix_of(found.records, state.plan, size, as_of or default_as_of(found.records, size))
    citation = cite(
        found.records,
        matrix,
        origin=found.report.origin,
        founding=found.report.founding,
        head=found.report.checkpoint,
        root=found.root,
        received_at=found.received_at,
    )
    path = out or Path(f"cita-{state.plan}-{size}.json")
    write_file(path, format_citation(citation))
    if screen.as_json:
        screen.json({"file": str(path), "citation": citation})
    screen.say(f"Citado: {path}", f"Cited: {path}", style="green")
    _show_citation(citation)
    return 0


def _plan_of(records: DictRecords, plan: str | None) -> PlanState:
    plans = dict(records.scan(PlanState))
    if plan in plans or (plan is None and len(plans) == 1):
        return plans[plan] if plan is not None else next(iter(plans.values()))
    known = ", ".join(plans) or screen.pick("ninguno", "none")
    raise CannotRun(
        "Diga de qué plan, con --plan." if plan is None else f"No hay ningún plan «{plan}».",
        "Say of which plan, with --plan." if plan is None else f"There is no plan “{plan}”.",
        f"Hay: {known}.",
        f"There are: {known}.",
    )


def _show_citation(citation: Citation) -> None:
    pick = screen.pick
    if screen.quiet:
        return
    screen.facts(
        [
            (pick("registro", "ledger"), citation.origin),
            (pick("plan", "plan"), citation.plan),
            (pick("asientos", "entries"), f"{citation.size:,}"),
            (pick("raíz", "root"), citation.root),
            (pick("al día", "as of"), citation.as_of),
            (
                pick("metodología", "methodology"),
                pick(
                    f"versión {citation.methodology} (asiento {citation.methodology_index})",
                    f"version {citation.methodology} (entry {citation.methodology_index})",
                ),
            ),
        ]
    )


# --- checking --------------------------------------------------------------------------------------------------------


def check_citation(path: Path, where: str, pins: Pins, evidence: Path | None) -> int:
    """Rebuild what a file cites, from a ledger; the exit code. Raises CannotRun."""
    citation = _read_citation(path)
    founding = citation.founding if pins.founding is None else read_founding(pins.founding)
    with reading(where) as (source, server):
        size = _size_of(source)
        # A copy may lag behind the head in the file; but not behind what is cited.
        cited_head = parse_checkpoint(citation.head.encode()).checkpoint
        seen = (citation.head.encode(),) if cited_head.size <= size or size < citation.size else ()
        try:
            found = _audited(source, server, pins, citation.size if citation.size <= size else None, founding, seen)
        except Misbehaviour as fault:
            return _tell(citation, None, [f"{fault.kind}: {fault.detail}"], [])
    wrong = _wrong_in(citation, found)
    different: list[Different] = []
    if not wrong and found.report.clean:
        matrix = matrix_of(found.records, citation.plan, citation.size, citation.as_of)
        different = differences(citation, tables_of(found.records, matrix))
        if (matrix.methodology, matrix.methodology_index) != (citation.methodology, citation.methodology_index):
            wrong.append(screen.pick("la metodología no es la citada", "the methodology is not the one cited"))
    if found.report.findings and evidence:
        write_evidence(found.report, evidence)
    return _tell(citation, found.report, wrong, different)


def _read_citation(path: Path) -> Citation:
    try:
        citation = parse_citation(read_file(path, MAX_CITATION))
        if parse_checkpoint(citation.head.encode()).checkpoint.size < citation.size:
            raise ValueError("its head is of fewer entries than it cites")
    except (ValueError, FormatError) as error:
        raise CannotRun(
            f"{path} no es una cita: {error}.",
            f"{path} is not a citation: {error}.",
            "La página «Citar» de un plan guarda una, y `constancia cite make` hace otra.",
            "The page “Citation” of a plan saves one, and `constancia cite make` makes one.",
        ) from None
    return citation


def _wrong_in(citation: Citation, found: Audited) -> list[str]:
    """What contradicts the citation before any table is looked at."""
    pick, report = screen.pick, found.report
    if report.origin != citation.origin:
        return [pick(f"es otro registro: {report.origin}", f"it is another ledger: {report.origin}")]
    if report.founding != citation.founding:
        words = (
            f"la fundación es {report.founding}, y la citada {citation.founding}: otro registro",
            f"the founding is {report.founding}, and the one cited {citation.founding}: another ledger",
        )
        return [pick(*words)]
    if report.size < citation.size:
        words = (
            f"el registro tiene {report.size} asientos, y la cita es de {citation.size}",
            f"the ledger has {report.size} entries, and the citation is of {citation.size}",
        )
        return [pick(*words)]
    if found.root != citation.root:
        words = (
            f"la raíz con {citation.size} asientos es {found.root}, y la citada {citation.root}: otra historia",
            f"the root at {citation.size} entries is {found.root}, and the one cited {citation.root}: another history",
        )
        return [pick(*words)]
    if found.received_at != citation.received_at:
        return [pick("la hora del último asiento no es la citada", "the time of the last entry is not the one cited")]
    return []


def _tell(citation: Citation, report: Report | None, wrong: list[str], different: list[Different]) -> int:
    """Say whether the tables are those that were cited; the exit code."""
    fine = report is not None and report.clean and not wrong and not different
    if screen.as_json:
        screen.json(
            {
                "rebuilt": fine,
                "citation": citation,
                "wrong": wrong,
                "different": different,
                "findings": report.findings if report else [],
            }
        )
    _show_citation(citation)
    if report is not None and report.findings:
        show_findings(report)
    for each in wrong:
        screen.line(f"✗ {each}", style="red")
    if report is not None and report.clean and not wrong:
        _show_tables(citation, {each.name: each for each in different})
    if fine:
        words = ("La cita se sostiene: cada tabla es la citada.", "The citation holds: every table is as cited.")
        screen.say(*words, style="bold green")
    else:
        screen.say("LA CITA NO SE SOSTIENE", "THE CITATION DOES NOT HOLD", style="bold red")
    return 0 if fine else 1


def _show_tables(citation: Citation, changed: Mapping[str, Different]) -> None:
    """Each table, and whether it is as cited."""
    pick = screen.pick
    for table in citation.tables:
        other, rows = changed.get(table.name), pick(f"{table.rows} filas", f"{table.rows} rows")
        if other is None:
            screen.line(f"✓ {table.name}: {rows}", style="green")
            continue
        now = "–" if other.rows is None else str(other.rows)
        differs = pick(f"no es la citada ({rows}; ahora {now})", f"not as cited ({rows}; now {now})")
        screen.line(f"✗ {table.name}: {differs}", style="red")

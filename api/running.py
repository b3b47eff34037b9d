"""What `serve` and `demo` do, once their command line is read."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from api.auditing import LEVELS, level_counts, show_findings, show_verdict
from api.operate import not_a_ledger, not_empty, origins_of, public_folder
from api.screen import screen
from ledger.errors import CannotRun
from ledger.published import Folder
from ledger.tlog.note import ED25519, format_vkey
from ledger.tlog.policy import Policy, parse_policy
from ledger.verify import open_head, verified_entries
from ledger.vocabulary import LedgerOpened

if TYPE_CHECKING:
    from projections.findings import Report


# --- serve -----------------------------------------------------------------------------------------------------------


def serve_folder(place: Path, host: str | None, port: int | None, *, accept_time: bool = False) -> None:
    """Serve until it is stopped; `accept_time` confirms the clock after a long silence. Raises CannotRun."""
    from api.app import serve
    from api.mirroring import is_copy, serve_copy
    from api.settings import load_settings

    if not (place / "constancia.toml").exists() and not place.is_file():
        if not is_copy(place):
            raise not_a_ledger(place)
        serve_copy(place, host or "127.0.0.1", 8000 if port is None else port)
        screen.note("Detenido.", "Stopped.")
        return
    settings = load_settings(place, os.environ)
    for each in settings.ledgers:
        if not (each.place / "public" / "head").exists() and not (each.place / "journal.db").exists():
            raise not_a_ledger(each.place)
    paths = [each.path for each in settings.ledgers]
    serve(settings, host, port, ready=lambda address: _say_address(address, paths), accept_time=accept_time)
    screen.note("Detenido.", "Stopped.")


def _say_address(address: str, paths: Sequence[str]) -> None:
    screen.note("Ctrl-C lo detiene.", "Ctrl-C stops it.")
    for path in paths:
        screen.line(f"{screen.pick('Sitio', 'Site')}: {address}{path}/", style="bold")


# --- demo ------------------------------------------------------------------------------------------------------------


class Count(msgspec.Struct, frozen=True):
    """A figure that the report claims, beside the one in its own tables."""

    level: str
    claimed: int
    counted: int


class Summary(msgspec.Struct, frozen=True):
    """What the screen of a demonstration ends with: `tally` is of the report's plan, `others` of the others."""

    folder: str
    origin: str
    founding: str
    statements: int
    seconds: float
    fresh: bool
    tally: dict[str, int]
    others: dict[str, dict[str, int]]
    claimed: list[Count]
    claim_differs: bool
    verdict: Literal["verified", "self-consistent, origin unproven", "misbehaviour found"]
    entries_audited: int
    findings: int
    digest: str


def run_demo(place: Path, host: str, port: int, *, serving: bool) -> int:
    """Build (or take up again), audit, tell, serve; returns the exit code. Raises CannotRun."""
    if serving:
        from api.listening import free_port

        free_port(host, port)  # before anything is built
    began = time.monotonic()
    from api.demo.build import DEFAULT_PORT, build, explain_keys

    fresh = _is_new(place)
    if fresh:
        with screen.progress("Registrando declaraciones", "Registering statements") as progress:
            build(place, progress=progress.at)
    else:
        screen.note(f"{place} ya es una demostración: se usa.", f"{place} is a demonstration already: it is used.")
        _catch_up(place)
    seconds = time.monotonic() - began
    explain_keys(place, origins_of(place)[0], port or DEFAULT_PORT)
    report = _audit(place)
    summary = _summary(place, report, seconds, fresh=fresh)
    _tell(summary, report, place)
    if serving:
        from api.app import serve
        from api.settings import load_settings

        paths = [origin.rpartition("/")[2] for origin in origins_of(place)]
        serve(load_settings(place, os.environ), host, port, ready=lambda address: _say_address(address, paths))
        screen.note("Detenido.", "Stopped.")
    elif not screen.as_json:
        screen.note(f"Sírvalo con: constancia serve --dir {place}", f"Serve it with: constancia serve --dir {place}")
    return 0 if report.clean else 1


def _is_new(place: Path) -> bool:
    """Whether a demonstration is to be built there. Raises CannotRun for a folder that holds something else."""
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        if not place.absolute().parent.is_dir():
            raise CannotRun(
                f"No hay ninguna carpeta {place.absolute().parent}.",
                f"There is no folder {place.absolute().parent}.",
                "Créela, o elija otra con --dir.",
                "Make it, or choose another with --dir.",
            )
        return True
    if not origins_of(place):
        raise not_empty(place)
    source = Folder(public_folder(place))
    head = open_head(source, parse_policy(source.read("policy") or b""), quorum=False)
    founded = next(iter(verified_entries(source, head, workers=1))).opened.statement
    if not isinstance(founded, LedgerOpened) or founded.purpose != "demonstration":
        raise CannotRun(
            f"{place} es un registro de verdad, no una demostración.",
            f"{place} is a real ledger, not a demonstration.",
            f"Sírvalo con `constancia serve --dir {place}`, o elija otra carpeta con --dir.",
            f"Serve it with `constancia serve --dir {place}`, or choose another folder with --dir.",
        )
    return False


def _catch_up(place: Path) -> None:
    """Publish what an interrupted server had journaled: opening the ledger does it."""
    from api.log_keys import read_log_keys
    from api.operate import opened_for_writing
    from api.settings import read_key

    (origin,) = origins_of(place)[:1]
    log_key, next_key = read_log_keys(place)
    with opened_for_writing(place, origin, log_key, read_key(place / "keys" / "desk"), next_key=next_key):
        pass


def _audit(place: Path) -> "Report":
    """The real audit, pinned to the log keys that this folder keeps and to its founding statement."""
    from api.log_keys import read_log_keys
    from projections.audit import audit

    source = Folder(place / "public")
    (origin,) = origins_of(place)[:1]
    kept = [format_vkey(origin, ED25519, bytes(key.verify_key)) for key in read_log_keys(place) if key]
    policy = Policy.from_log_key(*kept)
    head = open_head(source, policy)
    founding = next(iter(verified_entries(source, head, workers=1))).opened.identity
    with screen.progress("Auditando", "Auditing") as progress:
        return audit(source, policy=policy, founding=founding, workers=1, progress=progress.at)


def _summary(place: Path, report: "Report", seconds: float, *, fresh: bool) -> Summary:
    """The figures that the audit computed from the published entries."""
    from api.demo.build import PLAN

    tallies = {one.plan: one.by_level() for one in report.tallies}
    claimed = [
        Count(claim.level, claim.claimed, claim.computed)
        for claim in (line.claim for line in report.claims)
        if claim.measure == "level_count" and not claim.proposer and claim.computed is not None
    ]
    return Summary(
        folder=str(place),
        origin=report.origin,
        founding=report.founding,
        statements=report.size,
        seconds=round(seconds, 2),
        fresh=fresh,
        tally=tallies.pop(PLAN, {}),
        others=tallies,
        claimed=claimed,
        claim_differs=any(each.claimed != each.counted for each in claimed),
        verdict=report.verdict,
        entries_audited=report.counts.entries,
        findings=report.counts.findings,
        digest=report.digest,
    )


def _tell(summary: Summary, report: "Report", place: Path) -> None:
    if screen.as_json:
        screen.json(summary)
        return
    pick, others = screen.pick, summary.others

    screen.line()
    screen.facts(
        [
            (pick("Registro", "Ledger"), f"{summary.origin} ({pick('demostración', 'demonstration')})"),
            (
                pick("Declaraciones registradas", "Statements registered"),
                f"{summary.statements}" + (f"   ({summary.seconds:.1f} s)" if summary.fresh else ""),
            ),
            (
                pick("Compromisos según las tablas", "Commitments by the tables")
                if summary.fresh
                else pick("Compromisos según el registro, hoy", "Commitments by the record, now"),
                f"{level_counts(summary.tally)}   ({sum(summary.tally.values())})",
            ),
            (
                pick("Lo que el informe afirma", "What the report claims"),
                level_counts({each.level: each.claimed for each in summary.claimed}),
            ),
            *((f"Plan {plan}", f"{level_counts(tally)}   ({sum(tally.values())})") for plan, tally in others.items()),
        ]
    )
    differing = [each for each in summary.claimed if each.claimed != each.counted]
    if differing:
        listed = "; ".join(
            pick(
                f"{LEVELS[each.level][1]}, afirma {each.claimed} y sus tablas dan {each.counted}",
                f"{LEVELS[each.level][2]}, it claims {each.claimed} and its tables give {each.counted}",
            )
            for each in differing
        )
        screen.line(pick(f"No coinciden: {listed}.", f"They differ: {listed}."), style="bold yellow")
    audited = pick(
        f"Auditoría: {report.counts.entries} asientos y {report.counts.signatures} firmas comprobados, "
        f"{report.counts.findings} faltas",
        f"Audit: {report.counts.entries} entries and {report.counts.signatures} signatures checked, "
        f"{report.counts.findings} findings",
    )
    screen.line(f"{audited}.")
    show_findings(report)
    show_verdict(report)
    screen.note(
        f"Las llaves para probar están en {place / 'keys'} (vea README.txt).",
        f"The keys for trying things out are in {place / 'keys'} (see README.txt).",
    )
    screen.line(
        pick("Repita usted la auditoría: ", "Repeat the audit yourself: ")
        + f"constancia audit {place} --policy {place}/pinned/policy --founding {place}/pinned/founding",
        style="dim",
    )

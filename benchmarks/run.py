"""`make bench`: the limits of this machine, then each ratio with both of its sides, from this one run.

A rate alone says more about a machine than about a program. So every line names what it is divided by, and
both were measured here, in turn. The load before and after is printed too: what was taken on a busy machine
is worth little.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks import abuse, audit, comparison, journal, latency, limits, reading, submission
from benchmarks.limits import Limits
from benchmarks.ratio import NotMeasured, Ratio

# Each takes a folder to write in and the limits, and gives one ratio. In the order of the README's table.
RATIOS: dict[str, Callable[[Path, Limits], Ratio]] = {
    "audit": audit.full_audit_to_bare_verification,
    "two-cores": audit.full_audit_on_all_cores_to_one,
    "openssl": audit.full_audit_to_openssl,
    "incremental": audit.full_audit_to_what_is_new,
    "memory": audit.limit_to_audit_memory,
    "provable": latency.provable_median,
    "provable-99": latency.provable_at_the_99th,
    "submission": submission.durable_to_only_verified,
    "reading": reading.pages_under_the_limit,
    "journal": journal.batches_with_tiles_to_one_save_an_event,
    "matrix": comparison.limit_to_matrix,
    "matrix-cold": comparison.limit_to_cold_matrix,
    "matrix-larger": comparison.larger_matrix_to_matrix,
    "matrix-larger-past": comparison.limit_to_larger_matrix,
    "comments": abuse.limit_to_comments,
    "burst": abuse.burst_to_unlimited,
    "slow": abuse.limit_to_honest_among_slow,
    "slow-held": abuse.limit_to_longest_hold,
    "greedy": abuse.honest_beside_greedy,
}


class Outcome(msgspec.Struct, frozen=True):
    """What `--json` prints: everything that the tables show."""

    limits: Limits
    ratios: list[Ratio]
    not_measured: dict[str, str]
    load_before: float
    load_after: float


def main() -> int:
    """Measures and prints. Exit code 2 when a ratio could not be measured; with --goals 1 when one misses its goal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("only", nargs="*", help=f"of {', '.join(RATIOS)}; all when none is named")
    parser.add_argument("--dir", type=Path, default=Path("build"), help="where files are written: a real disk")
    parser.add_argument("--goals", action="store_true", help="end with 1 when a goal is missed")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    if unknown := set(options.only) - set(RATIOS):
        parser.error(f"no such ratio: {', '.join(sorted(unknown))}")
    outcome = measure(options.dir, options.only or list(RATIOS))
    if options.json:
        print(msgspec.json.encode(outcome).decode())
    else:
        show(outcome)
    if outcome.not_measured:
        return 2
    return 1 if options.goals and not all(ratio.met for ratio in outcome.ratios) else 0


def measure(parent: Path, names: list[str]) -> Outcome:
    """Runs everything in a folder of its own below `parent`, which is gone afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    load_before = os.getloadavg()[0]
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as name:
        with progress.status("the limits of this machine"):
            measured = limits.measure(Path(name))
        ratios: list[Ratio] = []
        left_out: dict[str, str] = {}
        for wanted in names:
            folder = Path(name) / wanted
            folder.mkdir()
            with progress.status(wanted):
                try:
                    ratios.append(RATIOS[wanted](folder, measured))
                except NotMeasured as why:
                    left_out[wanted] = str(why)
    return Outcome(measured, ratios, left_out, load_before, os.getloadavg()[0])


def show(outcome: Outcome) -> None:
    """Two tables, for people."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(
        f"{platform.system()} {platform.machine()}, {outcome.limits.cores} cores, "
        f"Python {platform.python_version()}, load {outcome.load_before:.2f} before and "
        f"{outcome.load_after:.2f} after"
    )
    console.print(limits_table(outcome.limits))
    console.print(ratios_table(outcome.ratios))
    for name, why in outcome.not_measured.items():
        console.print(f"[bold red]{name} was not measured: {why}[/]")


def limits_table(measured: Limits) -> Table:
    """What the machine can do at all."""
    table = Table(title="Limits of this machine", title_justify="left")
    table.add_column("what")
    table.add_column("measured", justify="right")
    every = f"{measured.cores} cores" if measured.cores > 1 else "the only core"
    rows = [
        ("PyNaCl, verifications a second, one core", number(measured.verify_one_core)),
        (f"PyNaCl, verifications a second, {every}", number(measured.verify_all_cores)),
        ("openssl speed ed25519, verifications a second, one core", number(measured.openssl_one_core)),
        (f"openssl speed ed25519, verifications a second, {every}", number(measured.openssl_all_cores)),
        ("write and fsync of one statement, median", f"{measured.fsync_ms_median:.2f} ms"),
        ("write and fsync of one statement, 99th percentile", f"{measured.fsync_ms_p99:.2f} ms"),
        ("raw sqlite3, rows a second, one a transaction", number(measured.sqlite_single)),
        ("raw sqlite3, rows a second, 100 a transaction", number(measured.sqlite_batch_100)),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def ratios_table(ratios: list[Ratio]) -> Table:
    """Each ratio with both of its sides."""
    table = Table(title="Ratios", title_justify="left", show_lines=True)
    for heading in ("what", "ours, a second", "divided by", "its, a second", "ratio", "goal"):
        table.add_column(heading, justify="left" if heading in ("what", "divided by") else "right")
    for ratio in ratios:
        what = f"{ratio.name}: {ratio.ours_is}" + (f"\n[dim]{ratio.fair}[/dim]" if ratio.fair else "")
        colour = "green" if ratio.met else "red"
        table.add_row(
            what,
            number(ratio.ours),
            ratio.peer_is,
            number(ratio.peer),
            f"[bold {colour}]{ratio.value:.2f}[/]",
            f">= {ratio.goal:.2f}",
        )
    return table


def number(value: float | None) -> str:
    """A rate for people; a dash where it could not be measured."""
    return "-" if value is None else f"{value:,.0f}"


if __name__ == "__main__":
    sys.exit(main())

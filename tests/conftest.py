"""What all tests share: the browser, test data from elsewhere, and a loud word about what was skipped.

On a newcomer's machine a test may lack a browser or the public test vectors; it is then skipped, and the
last lines on the screen say what was not shown and how to get it. With CONSTANCIA_NO_SKIP=1, as in CI, any
skip is a failure: nothing that looks green was left out.
"""

import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent

# Shared machines are slow at odd moments: a deadline per example would make tests fail by chance.
settings.register_profile("default", deadline=None, print_blob=True)
# In CI the examples are the same in every run; new ones are found on developers' machines.
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

# --- test data from elsewhere -----------------------------------------------------------------------------


def _shared_folder(name: str) -> Path:
    """The folder of that name beside the repository (or under CONSTANCIA_SHARED), or skip the test."""
    places = [ROOT.parent / "shared"]
    if named := os.environ.get("CONSTANCIA_SHARED"):
        places.insert(0, Path(named))
    for place in places:
        if (place / name).is_dir():
            return place / name
    pytest.skip(f"no {name}/ in ../shared: set CONSTANCIA_SHARED to the folder that has it")


@pytest.fixture(scope="session")
def shared_vectors() -> Path:
    """Public test vectors (Wycheproof, RFC 6962, RFC 8785 and others), kept outside the repository."""
    return _shared_folder("vectors")


@pytest.fixture(scope="session")
def seed_report() -> Path:
    """The real report, Guatemala's mid-term self-assessment, as text."""
    return _shared_folder("seed") / "report.txt"


# --- the browser ------------------------------------------------------------------------------------------


def chromium_path() -> str | None:
    """The installed Chromium, or None. Playwright's own download is never used.

    Debian builds the same source as `chromium-headless-shell` without the windows around a page, which nobody sees
    here and which take two thirds of the time.
    """
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium without the parts that talk to hosts of their own."""
    flags = [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    if os.geteuid() == 0:  # Chromium's sandbox refuses root
        flags.append("--no-sandbox")
    return {**browser_type_launch_args, "executable_path": chromium_path(), "args": flags}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Whoever makes a context of its own says so too: smooth scrolling takes a second before a click further down."""
    return {**browser_context_args, "reduced_motion": "reduce"}


@pytest.fixture(scope="session")
def axe_findings() -> "Callable[[Page], list[str]]":
    """What axe finds wrong with the page as it stands: one line for each element, none when all is well."""
    from axe_playwright_python.sync_playwright import Axe

    axe: Any = Axe()  # it has no usable types

    def findings(page: "Page") -> list[str]:
        answer = cast("dict[str, Any]", axe.run(page).response)
        return [
            f"{violation['id']} ({violation['impact']}): {node['html']}"
            for violation in answer["violations"]
            for node in violation["nodes"]
        ]

    return findings


LONGEST = (
    "cli browser gone pages commenting verify_page witnessed page_rounds app desks assessing witness page_evidence",
    "audit_flips limits hiding crash erasure capture timestamps officers mirrors_at_start page_comparison",
)
"""Files of tests that take long, the longest first: whoever began with one last would be waited for by all others."""


def _rank(item: pytest.Item) -> int:
    name = item.path.stem.removeprefix("test_")
    longest = " ".join(LONGEST).split()
    return longest.index(name) if name in longest else len(longest)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that drives a browser, and skip it where there is none. The longest files first."""
    items.sort(key=_rank)
    missing = chromium_path() is None
    for item in items:
        if {"page", "browser", "context"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
            if missing:
                item.add_marker(
                    pytest.mark.skip(
                        reason="no Chromium found: install the package `chromium-headless-shell` or `chromium`"
                    )
                )


# --- skips are never silent -------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CONSTANCIA_NO_SKIP=1 a skipped test has failed (an expected failure has not)."""
    report = yield
    if os.environ.get("CONSTANCIA_NO_SKIP") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but nothing may be skipped here: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module that skips itself."""
    report = yield
    if os.environ.get("CONSTANCIA_NO_SKIP") and report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"skipped, but nothing may be skipped here: {_reason(report)}"
    return report


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    longrepr = report.longrepr
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The banner: what was not shown, and why."""
    skipped: list[Any] = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    reasons: dict[str, list[str]] = {}
    for report in skipped:
        reasons.setdefault(_reason(report).removeprefix("Skipped: "), []).append(report.nodeid)
    terminalreporter.section("NOT SHOWN IN THIS RUN", sep="#", yellow=True, bold=True)
    for reason, nodeids in reasons.items():
        terminalreporter.write_line(f"{len(nodeids)} skipped: {reason}", yellow=True, bold=True)
        for nodeid in nodeids:
            terminalreporter.write_line(f"    {nodeid}")
    terminalreporter.write_line("In CI (CONSTANCIA_NO_SKIP=1) each of these is a failure.", yellow=True)

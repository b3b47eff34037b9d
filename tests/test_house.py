"""The rules of the house that no other tool checks: who may import whom, what may be named how, what the
base install must do without, and what no committed file may contain.

The table of imports is the architecture: the record trusts nothing above it, the auditor does not import
the writer it audits, and the web stays at the doors.
"""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ledger", "consultation", "projections", "api")
ALL_OF_US = (*PACKAGES, "tests", "benchmarks")


class Room(NamedTuple):
    """What the modules of one folder may import: of ours by dotted prefix, of others by top-level name."""

    ours: tuple[str, ...]
    others: frozenset[str]
    not_ours: tuple[str, ...] = ()


# The longest name that fits a module decides.
HOUSE = {
    "ledger.tlog": Room(("ledger.tlog",), frozenset({"nacl", "cryptography"})),
    "ledger": Room(("ledger",), frozenset({"nacl", "cryptography", "msgspec"})),
    "ledger.journal": Room(("ledger",), frozenset({"nacl", "cryptography", "msgspec", "eventsourcing"})),
    "consultation": Room(("ledger", "consultation"), frozenset({"msgspec"})),
    # The desk has a key of its own: it signs the note that says when a refused submission came.
    "consultation.desk": Room(("ledger", "consultation"), frozenset({"msgspec", "nacl"})),
    "consultation.sealing": Room(("ledger", "consultation"), frozenset({"msgspec", "nacl"})),
    "projections": Room(
        ("ledger", "projections", "consultation.text", "consultation.hiding"),
        frozenset({"msgspec", "psycopg"}),
        not_ours=("ledger.log", "ledger.journal"),
    ),
}

# What the base install is without. Commands of an auditor must not load any of it.
SERVER_ONLY = frozenset(
    {
        "litestar",
        "granian",
        "eventsourcing",
        "jinja2",
        "babel",
        "structlog",
        "prometheus_client",
        "psycopg",
        "snowballstemmer",
        "weasyprint",
        "pyarrow",
        "altcha",
        "obstore",
        "brotli",
    }
)


def modules(*packages: str) -> Iterator[tuple[str, Path]]:
    """Every module of these packages as (dotted name, file)."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


KNOWN = {name for name, _ in modules(*PACKAGES)}


def imported(name: str, path: Path, *, at_load: bool = False) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, with the line; with `at_load`, only what importing it runs."""
    tree = ast.parse(path.read_text("utf-8"), str(path))
    for node in loaded(tree) if at_load else ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name if path.name == "__init__.py" else name.rpartition(".")[0]
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                # `from ledger import log` imports ledger.log; `from ledger.log import Log` does not.
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in KNOWN else base, node.lineno


def loaded(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes outside functions and outside `if TYPE_CHECKING`."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    """Is this module, or one of the packages above it, among the prefixes?"""
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def room_of(name: str) -> Room | None:
    """The line of the table that fits this module; None where everything may be imported."""
    fitting = [key for key in HOUSE if within(name, (key,))]
    return HOUSE[max(fitting, key=len)] if fitting else None


def trespasses(name: str, path: Path) -> Iterator[str]:
    """What this file imports against the table."""
    room = room_of(name)
    for target, line in imported(name, path):
        top = target.partition(".")[0]
        at = f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}:{line} imports {target}"
        if top in ("tests", "benchmarks"):
            yield at
        elif room is None or top in sys.stdlib_module_names:
            continue
        elif top in PACKAGES:
            if not within(target, room.ours) or within(target, room.not_ours):
                yield at
        elif top not in room.others:
            yield at


def test_nobody_imports_against_the_table() -> None:
    assert [wrong for name, path in modules(*PACKAGES) for wrong in trespasses(name, path)] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("ledger.tlog.note", "import msgspec"),
        ("ledger.tlog.note", "from ledger.errors import Refused"),
        ("ledger.tlog.note", "from .. import errors"),
        ("ledger.statement", "import eventsourcing.persistence"),
        ("ledger.verify", "def f():\n    import litestar"),
        ("ledger.verify", "from projections import audit"),
        ("consultation.text", "import projections.rounds"),
        ("projections.audit", "import ledger.journal"),
        ("projections.audit", "from ledger.log import Log"),
        ("projections.audit", "from consultation.vault import Vault"),
        ("projections.audit", "import jinja2"),
        ("api.app", "from tests import town"),
    ],
)
def test_the_table_is_enforced(module: str, source: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(source, "utf-8")
    assert list(trespasses(module, path)) != []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("ledger.tlog.note", "import nacl.signing\nimport hashlib\nfrom ledger.tlog.errors import Malformed"),
        ("ledger.journal", "from eventsourcing.sqlite import SQLiteApplicationRecorder"),
        ("projections.rounds", "from consultation.text import salted_digest\nfrom ledger import vocabulary"),
        ("api.app", "import litestar\nfrom ledger.log import Log"),
    ],
)
def test_the_table_allows_what_it_says(module: str, source: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(source, "utf-8")
    assert list(trespasses(module, path)) == []


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {
        name: {target for target, _ in imported(name, path, at_load=True) if target in KNOWN}
        for name, path in modules(*PACKAGES)
    }
    finished: set[str] = set()

    def circle(name: str, way: tuple[str, ...]) -> tuple[str, ...] | None:
        if name in way:
            return (*way[way.index(name) :], name)
        if name in finished:
            return None
        for target in sorted(graph[name]):
            if found := circle(target, (*way, name)):
                return found
        finished.add(name)
        return None

    assert [found for name in graph if (found := circle(name, ()))] == []


def test_every_package_opens_with_a_docstring_and_imports_nothing() -> None:
    wrong: list[str] = []
    for package in PACKAGES:
        for folder in {path.parent for path in (ROOT / package).rglob("*.py")}:
            init = folder / "__init__.py"
            body = ast.parse(init.read_text("utf-8")).body if init.exists() else []
            only_docstring = len(body) == 1 and isinstance(body[0], ast.Expr)
            if not only_docstring or not ast.get_docstring(ast.Module(body, [])):
                wrong.append(str(init.relative_to(ROOT)))
    assert wrong == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    says_nothing = re.compile(r"(^|_)(utils?|helpers?|commons?|managers?|misc|stuff)(_|$)")
    assert [str(path) for _, path in modules(*ALL_OF_US) if says_nothing.search(path.stem)] == []


# --- the base install ---------------------------------------------------------------------------------------


# What an auditor runs, and the two modules of the record that it must do without.
AUDITORS = ("ledger", "projections", "consultation.text", "consultation.hiding")
WRITERS = ("ledger.log", "ledger.journal", "ledger.witnesses")


def loaded_by(code: str) -> set[str]:
    """The top-level modules in memory after a fresh interpreter has run this code."""
    ending = "\nimport json, sys\nprint(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    ran = subprocess.run([sys.executable, "-c", code + ending], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_the_record_the_folds_and_the_auditor_load_no_web_library_and_no_event_store() -> None:
    names = [name for name in sorted(KNOWN) if within(name, AUDITORS) and name not in WRITERS]
    assert "ledger.errors" in names
    assert loaded_by("\n".join(f"import {name}" for name in names)) & SERVER_ONLY == set()


@pytest.mark.parametrize("words", ["--version", "audit", "verify", "key", "sign", "submit", "import-report", "witness"])
def test_an_auditors_command_loads_no_web_library_and_no_event_store(words: str) -> None:
    arguments = [words] if words.startswith("-") else [words, "--help"]
    code = (
        f"import sys\nsys.argv = ['constancia', *{arguments}]\n"
        "from api.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )
    assert loaded_by(code) & SERVER_ONLY == set()


def test_no_part_of_the_web_server_can_reach_out_to_what_links_name() -> None:
    """The fetcher is for a command, run by hand or by a timer: no request to us makes us visit anybody."""
    reached, waiting = set[str](), ["api.app", "api.operate", "api.witness"]
    graph = {name: {target for target, _ in imported(name, path) if target in KNOWN} for name, path in modules("api")}
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += sorted(graph.get(name, ()))
    assert "api.page_archives" in reached
    assert reached & {"api.fetching", "api.judging", "api.capture", "api.command_capture"} == set()
    callers = {name for name, targets in graph.items() if "api.fetching" in targets}
    assert callers == {"api.capture", "api.command_capture", "api.judging"}


def test_whoever_looks_after_a_witness_needs_no_web_library_and_its_server_none_but_the_listener() -> None:
    assert loaded_by("import api.witnessing") & SERVER_ONLY == set()
    assert loaded_by("import api.witness\nimport granian.server.embed") & SERVER_ONLY == {"granian"}


def test_the_base_install_declares_no_server_library() -> None:
    needed = importlib.metadata.requires("constancia") or []
    base = {re.split(r"[<>=\[; ]", line)[0].lower().replace("-", "_") for line in needed if "extra ==" not in line}
    assert base == {"pynacl", "cryptography", "bcrypt", "msgspec", "rich_click", "httpcore2"}


# --- what no committed file contains ------------------------------------------------------------------------

# `public` holds the bytes of old ledgers (tests/vectors), which are tiles and not texts.
WALKED_PAST = {"__pycache__", "node_modules", "vendor", "test-results", "public"}
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".lock",
    ".txt",
    ".json",
    ".html",
    ".css",
    ".js",
    ".svg",
    ".po",
    ".sh",
    ".xml",
    "",
}


def written_files() -> Iterator[Path]:
    """Every file that we wrote: no virtual environment, no build output, no vendored file."""
    for top in sorted(ROOT.iterdir()):
        if top.is_file() and top.suffix in TEXT and top.name not in ("LICENSE", ".git"):
            yield top
        elif top.name in (*ALL_OF_US, "deploy", ".ci"):
            for path in sorted(top.rglob("*")):
                if path.is_file() and path.suffix in TEXT and not WALKED_PAST & set(path.parts):
                    yield path


def holding(pattern: str, paths: Iterator[Path] | list[Path]) -> list[str]:
    """The lines of these files in which the pattern is found."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in paths
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]


def test_no_set_up_file_names_a_host() -> None:
    paths = [ROOT / "Makefile", ROOT / "pyproject.toml", *ROOT.glob("*.lock"), *(ROOT / ".ci").iterdir()]
    paths += ROOT.rglob("VENDOR.json") if (ROOT / "api/static/vendor").is_dir() else []
    assert len(paths) >= 5
    assert holding("://", paths) == []


def test_no_file_names_a_package_registry() -> None:
    assert holding(r"pypi[.]org|pythonhosted[.]org|npmjs[.](org|com)", written_files()) == []
    assert not (ROOT / "uv.lock").exists()


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    homes = r"(?<![\w.\-/:])/([r]oot|[w]ork|(home|Users)/\w+|opt/[w]heels)/"
    assert holding(homes, written_files()) == []


def test_no_file_holds_an_e_mail_address_of_a_person() -> None:
    nobody = r"(?:[\w-]+\.)*(?:example(?:\.\w+)?|invalid|test|localhost|openssh\.com)\b"
    assert holding(rf"(?<![\\\w.+-])[\w.+-]+@(?!{nobody})[\w-]+\.[a-z]{{2,}}", written_files()) == []


def test_every_package_of_the_small_lock_is_in_the_large_one_in_the_same_version() -> None:
    def pins(name: str) -> set[str]:
        # Without the condition behind it: a package that another one needs everywhere loses its own.
        return {line.split(" ")[0] for line in (ROOT / name).read_text().splitlines() if "==" in line}

    small, large = pins("requirements.lock"), pins("requirements-dev.lock")
    assert len(small) > 20
    assert small - large == set()

"""Templates are compiled once and kept for the next start, and never shown as they were before they changed."""

import os
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest

from api import site
from api.site import Compiled

WARM = "from api import site; site.warm()"
WITHOUT_COMPILING = """
import jinja2
def compile(*_, **__): raise AssertionError("a template was compiled")
jinja2.Environment.compile = compile
"""


def start(folder: Path, program: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A process of its own that keeps what it compiles in a folder."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder), "PYTHONDONTWRITEBYTECODE": "", **more}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment, timeout=120
    )


def rendered(folder: Path | None, source: str) -> str:
    loader = jinja2.DictLoader({"a": source})
    made = jinja2.Environment(loader=loader, bytecode_cache=Compiled(folder), autoescape=True)
    return made.get_template("a").render(word="<b>")


def test_a_second_start_compiles_nothing(tmp_path: Path) -> None:
    assert "was compiled" in start(tmp_path, WITHOUT_COMPILING + WARM).stderr
    first = start(tmp_path, WARM)
    assert first.returncode == 0, first.stderr
    kept = list(tmp_path.rglob("template-*.bin"))
    assert len(kept) == len(list((site.HERE / "templates").glob("*.html")))
    second = start(tmp_path, WITHOUT_COMPILING + WARM)
    assert second.returncode == 0, second.stderr


def test_python_that_keeps_nothing_keeps_no_template(tmp_path: Path) -> None:
    assert start(tmp_path, WARM, PYTHONDONTWRITEBYTECODE="1").returncode == 0
    assert list(tmp_path.rglob("*")) == []


def test_a_template_that_changed_is_compiled_anew(tmp_path: Path) -> None:
    assert rendered(tmp_path, "one {{ word }}") == "one &lt;b&gt;"
    assert rendered(tmp_path, "two {{ word }}") == "two &lt;b&gt;"
    assert rendered(tmp_path, "two {{ word }}") == "two &lt;b&gt;"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_was_compiled_with_other_functions_is_compiled_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered(tmp_path, "{{ word }}")
    (kept,) = tmp_path.iterdir()
    before = kept.read_bytes()
    monkeypatch.setattr(site, "_stamp", lambda: b"z" * 32)
    assert rendered(tmp_path, "{{ word }}") == "&lt;b&gt;"
    assert kept.read_bytes() == b"z" * 32 + before[32:]


@pytest.mark.parametrize("cut", [0, 1, 31, 32, 33, 60, 200, -1])
def test_what_was_cut_off_is_compiled_anew(tmp_path: Path, cut: int) -> None:
    rendered(tmp_path, "{{ word }}")
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:cut])
    assert rendered(tmp_path, "{{ word }}") == "&lt;b&gt;"
    assert kept.read_bytes() == whole


@pytest.mark.parametrize("folder", [None, Path("/nowhere/at/all")])
def test_where_nothing_can_be_kept_pages_are_there_all_the_same(folder: Path | None) -> None:
    assert rendered(folder, "{{ word }}") == "&lt;b&gt;"

"""A skipped test is never silent: the last lines say what was not shown, and in CI it is a failure."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPS = {
    "test_marked": "import pytest\n@pytest.mark.skip(reason='no moon')\ndef test_x() -> None: ...",
    "test_inside": "import pytest\ndef test_x() -> None: pytest.skip('no sun')",
    "test_fixture": "import pytest\n@pytest.fixture\ndef m(): pytest.skip('no wind')\ndef test_x(m) -> None: ...",
    "test_module": "import pytest\npytest.skip('no rain', allow_module_level=True)\ndef test_x() -> None: ...",
}
SKIPPED = ("no moon", "no sun", "no wind", "no rain")
NO_SKIPS = {
    "test_passing": "def test_y() -> None: ...",
    "test_expected": "import pytest\n@pytest.mark.xfail\ndef test_z() -> None: raise ValueError",
}


def run_pytest(folder: Path, sources: dict[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
    """A pytest of its own, with workers as in `make test`, with the real conftest and these test files."""
    (folder / "conftest.py").write_bytes((HERE / "conftest.py").read_bytes())
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    browser\n", "utf-8")
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source, "utf-8")
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "CONSTANCIA_NO_SKIP")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "1"]
    return subprocess.run(command, cwd=folder, env=kept | environment, capture_output=True, text=True, check=False)


def test_what_was_skipped_is_told_at_the_end(tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, SKIPS | NO_SKIPS)

    assert ran.returncode == 0, ran.stdout
    banner = ran.stdout.partition("NOT SHOWN IN THIS RUN")[2]
    assert [reason for reason in SKIPPED if f"1 skipped: {reason}" not in banner] == []
    assert "test_marked.py::test_x" in banner


def test_in_ci_every_skip_is_a_failure_and_an_expected_failure_is_none(tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, SKIPS | NO_SKIPS, CONSTANCIA_NO_SKIP="1")

    assert ran.returncode == 1, ran.stdout
    refused = [line for line in ran.stdout.splitlines() if "nothing may be skipped here" in line]
    assert [reason for reason in SKIPPED if not any(reason in line for line in refused)] == []
    assert "1 passed, 1 xfailed" in ran.stdout
    assert "skipped," not in ran.stdout.splitlines()[-1]


def test_without_chromium_what_needs_it_is_skipped_by_name(tmp_path: Path) -> None:
    nothing = tmp_path / "bin"
    nothing.mkdir()
    ran = run_pytest(tmp_path, {"test_page": "def test_x(page) -> None: page.goto('about:blank')"}, PATH=str(nothing))

    assert ran.returncode == 0, ran.stdout
    assert "1 skipped: no Chromium found" in ran.stdout
    assert "test_page.py::test_x" in ran.stdout

"""The wheel as an auditor installs it: nothing is missing from it, nothing is in it that does not belong, and
its command runs in a fresh environment that has the base dependencies alone.
"""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ledger", "consultation", "projections", "api")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, cwd="/")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(build, capture_output=True, text=True, check=False, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("constancia-*.whl"))


@pytest.fixture(scope="module")
def base_install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh virtual environment with the wheel and its base dependencies, as locked."""
    folder = tmp_path_factory.mktemp("base")
    venv.create(folder / "venv", with_pip=True)
    pins = [line.split(" \\")[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line]
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pins), "utf-8")
    binaries = folder / "venv" / "bin"
    installed = run(binaries / "python", "-m", "pip", "install", "--quiet", "-c", constraints, wheel)
    if installed.returncode and "connection" in installed.stderr.lower():
        pytest.skip("the package index cannot be reached, so nothing can be installed afresh")
    assert installed.returncode == 0, installed.stderr
    return binaries


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == ours


@pytest.mark.slow
def test_the_base_install_has_the_command_and_no_server(base_install: Path) -> None:
    version = run(base_install / "constancia", "--version")
    assert (version.returncode, "0.1.0" in version.stdout) == (0, True), version.stderr

    for command in ("audit", "verify", "key", "sign", "submit", "import-report"):
        helped = run(base_install / "constancia", command, "--help")
        assert (helped.returncode, helped.stderr) == (0, "")

    for library in ("litestar", "eventsourcing", "jinja2", "granian"):
        assert run(base_install / "python", "-c", f"import {library}").returncode == 1


@pytest.mark.slow
def test_a_missing_extra_is_named(base_install: Path, tmp_path: Path) -> None:
    refused = run(base_install / "constancia", "demo", "--no-serve", "--dir", tmp_path / "demo")

    assert refused.returncode == 2
    assert ".[server]" in refused.stderr
    assert "Traceback" not in refused.stderr

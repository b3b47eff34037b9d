"""The README is true: the files and functions of its walks exist, and so do the commands it tells."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def named(text: str) -> list[tuple[str, str]]:
    """(file, function) for each function of a walk: of the file named last, or of the one in brackets behind it."""
    found: list[tuple[str, str]] = []
    for step in re.split(r"^\d+\. ", text, flags=re.MULTILINE)[1:]:
        file = ""
        words = re.findall(r"`([^`]+)`", step)
        for number, word in enumerate(words):
            if word.endswith(".py"):
                file = word
                continue
            if re.fullmatch(r"[A-Za-z_]+(\.[a-z_]+)?", word) and not word.startswith("constancia"):
                following = words[number + 1] if number + 1 < len(words) else ""
                bracketed = re.search(rf"`{re.escape(word)}`\s*\(`|`{re.escape(word)}`,\s*`", step)
                found.append((following if bracketed and following.endswith(".py") else file, word))
    return found


WALKS = named(section("The walk of a comment")) + named(section("The walk of an audit"))


def test_the_walks_are_read() -> None:
    assert len(WALKS) > 20


@pytest.mark.parametrize(("file", "name"), WALKS)
def test_every_function_of_the_walks_exists(file: str, name: str) -> None:
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    found: object = module
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)


def test_every_file_of_the_map_exists() -> None:
    map_ = section("A map of the house")
    folder = ""
    for line in map_.splitlines():
        top = re.match(r" {4}(\w+)/ ", line)
        folder = top[1] if top else folder
        if line.startswith("      "):
            for name in re.findall(r"\b(\w+\.(?:py|md)|tlog/)", line):
                assert (ROOT / folder / name).exists(), f"{folder}/{name}"


@pytest.mark.parametrize("make", ["demo", "test", "install"])
def test_the_makefile_has_the_targets(make: str) -> None:
    assert re.search(rf"^{make}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


COMMANDS = sorted(set(re.findall(r"constancia (audit|demo|sign|submit|verify|key new|witness \w+)", README)))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_exist(command: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "api.cli", *command.split(), "--help"], cwd=ROOT, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr

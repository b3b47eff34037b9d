"""The browser libraries of others are those that VENDOR.json names, byte for byte, each with its licence."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

VENDOR = Path(__file__).parent.parent / "api" / "static" / "vendor"
LISTED: list[dict[str, Any]] = json.loads((VENDOR / "VENDOR.json").read_text("utf-8"))
FILES = {name: hashes for package in LISTED for name, hashes in package["files"].items()}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_vendored_file_is_the_one_that_is_listed(name: str) -> None:
    content = (VENDOR / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == FILES[name]["sha256"]
    assert "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode() == FILES[name]["sha384"]


def test_nothing_else_lies_there() -> None:
    assert {path.name for path in VENDOR.iterdir()} == {*FILES, "VENDOR.json"}


def test_every_package_says_version_and_licence_and_brings_it() -> None:
    words = {"MIT": "MIT License", "BSD-3-Clause": "Redistributions in binary form must reproduce"}
    assert len(LISTED) == 3
    for package in LISTED:
        assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", package["version"])
        (licence,) = [name for name in package["files"] if name.endswith(".LICENSE")]
        assert words[package["licence"]] in (VENDOR / licence).read_text("utf-8")


def test_vendored_modules_name_no_file_that_is_not_there() -> None:
    for name in FILES:
        if name.endswith(".js"):
            named = re.findall(r'^(?:import|export) .*? from "\./([^"]+)"', (VENDOR / name).read_text("utf-8"), re.M)
            assert set(named) <= set(FILES), name

"""Mirrors: what passed the audit is copied and can be audited again; what did not pass never gets in."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from second_writer import Files
from static_server import served
from test_cli import COMMAND, environment, run, serving
from town import Town

from ledger.published import Folder
from projections.findings import Report


class Original:
    """A town on a web server, and the pins of whoever copies it."""

    def __init__(self, folder: Path, comments: int = 5) -> None:
        self.town = Town(comments)
        self.pins: list[Any] = []
        for name, content in (("policy", self.town.files["policy"]), ("founding", self.town.founding.encode())):
            (folder / name).write_bytes(content)
            self.pins += [f"--{name}", folder / name]

    def audit(self, copy: Path) -> Report:
        return self.town.audit(Folder(copy / "public"))  # type: ignore[arg-type]


@pytest.fixture
def original(tmp_path: Path) -> Original:
    return Original(tmp_path)


def test_a_copy_is_the_ledger_and_passes_the_same_audit(original: Original, tmp_path: Path) -> None:
    copy = tmp_path / "copia"
    with served(original.town.files) as server:
        ran = run("mirror", server.url, copy, *original.pins)
    assert ran.code == 0, ran.err
    assert "verificado" in ran.out
    report = original.audit(copy)
    assert (report.verdict, report.size) == ("verified", len(original.town.world.entries))
    assert [path for path in (copy / "incoming").rglob("*") if path.is_file()] == []


def test_a_second_round_fetches_only_what_is_new(original: Original, tmp_path: Path) -> None:
    town, copy = original.town, tmp_path / "copia"
    for number in range(300):
        town.comment(f"nueva-{number}", "Uno más.")
    town.publish_again()
    with served(town.files) as server:
        assert run("mirror", server.url, copy, *original.pins).code == 0
    town.comment("tardía", "El último.")
    town.publish_again()
    with served(town.files) as server:
        assert run("mirror", server.url, copy, *original.pins).code == 0
        assert server.asked["tile/entries/000"] == 0
        assert server.asked["tile/0/000"] == 0
    assert original.audit(copy).verdict == "verified"


def test_what_does_not_pass_never_gets_in_and_the_copy_stays_as_it_was(original: Original, tmp_path: Path) -> None:
    town, copy = original.town, tmp_path / "copia"
    with served(town.files) as server:
        assert run("mirror", server.url, copy, *original.pins).code == 0
    before = {path: path.read_bytes() for path in (copy / "public").rglob("*") if path.is_file()}
    honest = town.files.copy()
    town.comment("otra", "Otra.")
    town.lines[-1]["content"] = {"text": "No lo dijo."}
    town.publish_again()
    with served(town.files) as server:
        ran = run("mirror", server.url, copy, *original.pins, "--json")
    assert ran.code == 1
    assert [each["kind"] for each in ran.json["findings"]] == ["content-altered"]
    assert {path: path.read_bytes() for path in (copy / "public").rglob("*") if path.is_file()} == before
    assert original.audit(copy).clean
    town.lines[-1]["content"] = {"text": "Otra."}
    town.publish_again()
    with served(town.files) as server:
        assert run("mirror", server.url, copy, *original.pins).code == 0
    assert original.audit(copy).size == len(town.world.entries)
    assert honest["checkpoint"] != town.files["checkpoint"]


def test_a_tile_that_came_wrong_once_is_fetched_anew(original: Original, tmp_path: Path) -> None:
    town, copy = original.town, tmp_path / "copia"
    for number in range(300):
        town.comment(f"nueva-{number}", "Uno más.")
    town.publish_again()
    wrong = Files(town.files)
    wrong["tile/entries/000"] = wrong["tile/entries/000"].replace(b"vecina", b"vecinx", 1).replace(b"Plan", b"Plam", 1)
    with served(wrong) as server:
        assert run("mirror", server.url, copy, *original.pins).code == 1
    with served(town.files) as server:
        assert run("mirror", server.url, copy, *original.pins).code == 0
    assert original.audit(copy).verdict == "verified"


def test_a_text_taken_from_view_is_taken_from_the_copy_too(original: Original, tmp_path: Path) -> None:
    town, copy = original.town, tmp_path / "copia"
    with served(town.files) as server:
        assert run("mirror", server.url, copy, *original.pins).code == 0
    assert b"Comentario 4." in (copy / "public/contents/000").read_bytes()
    town.hide(town.comments[4], town.withhold(town.comments[4]))
    town.publish_again()
    with served(town.files) as server:
        assert run("mirror", server.url, copy, *original.pins).code == 0
    kept = [path for path in copy.rglob("*") if path.is_file() and b"Comentario 4." in path.read_bytes()]
    assert kept == []
    assert original.audit(copy).clean


def test_a_fork_stops_the_copy(original: Original, tmp_path: Path) -> None:
    town, copy = original.town, tmp_path / "copia"
    with served(town.files) as server:
        assert run("mirror", server.url, copy, *original.pins).code == 0
    other = Town(comments=4)
    with served(other.files) as server:
        ran = run("mirror", server.url, copy, *original.pins, "--json")
    assert ran.code == 1
    assert {each["kind"] for each in ran.json["findings"]} & {"fork", "head-behind"}
    assert original.audit(copy).size == len(town.world.entries)


def test_a_copy_that_lost_files_gets_them_back(original: Original, tmp_path: Path) -> None:
    town, copy = original.town, tmp_path / "copia"
    with served(town.files) as server:
        assert run("mirror", server.url, copy, *original.pins).code == 0
        for path in (copy / "public/tile").rglob("*"):
            if path.is_file():
                path.unlink()
        assert run("mirror", server.url, copy, *original.pins).code == 0
    assert original.audit(copy).verdict == "verified"


def test_a_mirror_that_follows_says_a_line_a_round_and_ends_when_told(original: Original, tmp_path: Path) -> None:
    copy = tmp_path / "copia"
    words = ["mirror", "", copy, *original.pins, "--follow", "--every", "1", "--json"]
    with served(original.town.files) as server:
        words[1] = server.url
        process = subprocess.Popen([COMMAND, *map(str, words)], stdout=subprocess.PIPE, env=environment(), text=True)
        assert process.stdout is not None
        with process.stdout:
            first = ""
            while not first.endswith("\n}\n"):
                first += process.stdout.readline()
            assert json.loads(first)["verdict"] == "verified"
            process.terminate()
            process.stdout.read()
        assert process.wait(30) == 0
    assert original.audit(copy).verdict == "verified"


def test_a_copy_is_served_and_audited_by_address_like_the_original(original: Original, tmp_path: Path) -> None:
    copy = tmp_path / "copia"
    with served(original.town.files) as server:
        assert run("mirror", server.url, copy, *original.pins).code == 0
    with serving(copy) as address:
        ran = run("audit", address, *original.pins, "--json")
        assert (ran.code, ran.json["verdict"], ran.json["size"]) == (0, "verified", len(original.town.world.entries))
        with pytest.raises(HTTPError) as caught:
            urlopen(f"{address}/..%2f..%2faudit.db", timeout=10)
        assert caught.value.code == 404
        caught.value.close()


def rounds(output: Any) -> Iterator[dict[str, Any]]:
    """The report of each round, as the command prints it."""
    while True:
        text = ""
        while not text.endswith("\n}\n"):
            text += output.readline()
        yield json.loads(text)


def test_texts_that_came_with_a_refused_round_are_in_the_copy_once_it_is_in_order(
    original: Original, tmp_path: Path
) -> None:
    town, copy = original.town, tmp_path / "copia"
    with served(Files(town.files)) as server:
        words = ["mirror", server.url, copy, *original.pins, "--follow", "--every", "1", "--json"]
        process = subprocess.Popen([COMMAND, *map(str, words)], stdout=subprocess.PIPE, env=environment(), text=True)
        assert process.stdout is not None
        with process.stdout:
            reports = rounds(process.stdout)
            assert next(reports)["verdict"] == "verified"
            for number in range(600):  # three files of texts, of which one is not as it must be
                town.comment(f"nueva-{number}", "Uno más.")
            honest = town.lines[-1]["content"]
            town.lines[-1]["content"] = {"text": "No lo dijo."}
            town.publish_again()
            server.files = Files(town.files)
            refused = next(report for report in reports if report["size"] == len(town.world.entries))
            assert [each["kind"] for each in refused["findings"]] == ["content-altered"]
            town.lines[-1]["content"] = honest
            town.publish_again()
            server.files = Files(town.files)
            assert next(report for report in reports if not report["findings"])["size"] == len(town.world.entries)
            process.terminate()
            process.stdout.read()
        assert process.wait(30) == 0
    report = original.audit(copy)
    assert (report.findings, report.size) == ([], len(town.world.entries))

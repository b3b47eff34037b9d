"""Monitors: an audit that goes on for ever and says only what changes, to people, to programs, to a webhook."""

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from second_writer import Files
from static_server import StaticServer, answer, served
from test_cli import COMMAND, environment, run
from town import Town

from api.monitoring import Monitor
from ledger.errors import CannotRun, Misbehaviour
from projections.findings import Report

AT = "2026-11-26T03:00:00Z"


def report_of(town: Town) -> Report:
    return town.audit()


# --- what is news


def test_growth_is_told_once_and_silence_is_not() -> None:
    town, monitor = Town(), Monitor("http://registro.example/gt")
    (first,) = monitor.news_of(report_of(town), AT)
    assert (first.event, first.size) == ("grown", len(town.world.entries))
    assert monitor.news_of(report_of(town), AT) == []
    town.comment("otra", "Una más.")
    town.publish_again()
    (second,) = monitor.news_of(report_of(town), AT)
    assert second.es == f"{len(town.world.entries)} asientos en orden; nuevos: 1."


def test_a_finding_is_told_once_and_its_end_too() -> None:
    town, monitor = Town(), Monitor("here")
    monitor.news_of(report_of(town), AT)
    honest = town.lines[0]["content"]
    town.lines[0]["content"] = {"text": "Otra cosa."}
    town.publish_again()
    (news,) = monitor.news_of(report_of(town), AT)
    assert (news.event, news.finding and news.finding.kind) == ("finding", "content-altered")
    assert monitor.news_of(report_of(town), AT) == []
    town.lines[0]["content"] = honest
    town.publish_again()
    assert [each.event for each in monitor.news_of(report_of(town), AT)] == ["mended"]


def test_a_ledger_that_does_not_answer_is_told_once_and_when_it_does_again() -> None:
    town, monitor = Town(), Monitor("here")
    error = CannotRun("No contesta.", "No answer.")
    assert [each.event for each in monitor.no_answer(error, AT)] == ["unreachable"]
    assert monitor.no_answer(error, AT) == []
    assert [each.event for each in monitor.news_of(report_of(town), AT)] == ["reachable", "grown"]


# --- the real thing


@contextmanager
def webhook(status_of: Callable[[int], int] = lambda _: 204) -> Generator[tuple[str, "Queue[dict[str, Any]]"]]:
    """An address that takes news; `status_of` gives the status for the n-th delivery."""
    taken: Queue[dict[str, Any]] = Queue()
    count = [0]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            count[0] += 1
            status = status_of(count[0])
            if status < 300:
                assert self.headers["content-type"] == "application/json"
                taken.put(json.loads(body))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/novedades", taken
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def watching(server: StaticServer, town: Town, folder: Path, *more: str) -> Generator["subprocess.Popen[str]"]:
    (folder / "policy").write_bytes(town.files["policy"])
    pins = ["--policy", folder / "policy", "--founding", town.founding]
    words = ["audit", server.url, *pins, "--trusted", folder / "kept", "--follow", "--every", "1", *more]
    process = subprocess.Popen(
        [COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(), text=True
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)


def change(server: StaticServer, files: Files) -> None:
    server.files = Files(files)


def test_a_monitor_tells_programs_people_and_a_webhook_of_growth_and_of_a_fork(tmp_path: Path) -> None:
    town = Town()
    with served(town.files) as server, webhook() as (url, taken):
        with watching(server, town, tmp_path, "--json", "--webhook", url, "--exit-on-finding") as process:
            assert process.stdout is not None
            first = json.loads(process.stdout.readline())
            assert (first["event"], first["size"]) == ("grown", len(town.world.entries))
            town.comment("otra", "Una más.")
            town.publish_again()
            change(server, town.files)
            assert json.loads(process.stdout.readline())["size"] == len(town.world.entries)
            other = Town()
            for number in range(3):
                other.comment(f"falsa-{number}", "Otra historia.")
            other.publish_again()
            change(server, other.files)
            news = json.loads(process.stdout.readline())
            assert (news["event"], news["finding"]["kind"]) == ("finding", "fork")
            assert process.wait(60) == 1
        assert [taken.get(timeout=10)["event"] for _ in range(3)] == ["grown", "grown", "finding"]


def test_what_a_webhook_does_not_take_is_delivered_later_in_order(tmp_path: Path) -> None:
    town = Town()
    with (
        served(town.files) as server,
        webhook(lambda number: 503 if number < 3 else 200) as (url, taken),
        watching(server, town, tmp_path, "--webhook", url) as process,
    ):
        assert process.stdout is not None
        assert "asientos en orden" in process.stdout.readline()
        assert taken.get(timeout=30)["event"] == "grown"


def forbidden(handler: BaseHTTPRequestHandler, _path: str, _number: int) -> bool:
    return answer(handler, 403, b"")


def test_a_server_that_goes_away_ends_no_watch(tmp_path: Path) -> None:
    town = Town()
    with served(town.files) as server, watching(server, town, tmp_path, "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "grown"
        server.behave = forbidden
        assert json.loads(process.stdout.readline())["event"] == "unreachable"
        server.behave = None
        assert json.loads(process.stdout.readline())["event"] == "reachable"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_without_a_folder_the_watch_keeps_what_it_verified_all_the_same(tmp_path: Path) -> None:
    town = Town(comments=300)
    with served(town.files) as server:
        words = ["audit", server.url, "--follow", "--every", "1", "--json"]
        process = subprocess.Popen(
            [COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(), text=True
        )
        assert process.stdout is not None
        with process.stdout:
            assert json.loads(process.stdout.readline())["event"] == "grown"
            for number in range(2):
                town.comment(f"otra-{number}", "Una más.")
                town.publish_again()
                change(server, town.files)
                news = json.loads(process.stdout.readline())
                assert (news["event"], news["size"]) == ("grown", len(town.world.entries))
            assert server.asked["tile/entries/000"] == 1
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


# --- the same folder, one audit at a time


def test_what_is_kept_is_gone_on_from_and_said(tmp_path: Path) -> None:
    town = Town(comments=300)
    (tmp_path / "policy").write_bytes(town.files["policy"])
    pins = ["--policy", tmp_path / "policy", "--founding", town.founding, "--trusted", tmp_path / "kept"]
    with served(town.files) as server:
        first = run("audit", server.url, *pins, "--json").json
        second = run("audit", server.url, *pins, "--json").json
        assert server.asked["tile/entries/000"] == 1
    assert (first["kept"], second["kept"]) == (0, first["size"])
    for field in ("verdict", "digest", "size", "root", "founding", "table"):
        assert first[field] == second[field]
    assert (tmp_path / "kept/checkpoint").read_bytes() == town.files["checkpoint"]
    assert [each["answer"] for each in second["answers"]] == ["yes", "yes", "not proven", "yes"]


def test_a_file_on_the_disk_that_was_damaged_is_fetched_anew(tmp_path: Path) -> None:
    town = Town(comments=300)
    (tmp_path / "policy").write_bytes(town.files["policy"])
    pins = ["--policy", tmp_path / "policy", "--founding", town.founding, "--trusted", tmp_path / "kept"]
    with served(town.files) as server:
        assert run("audit", server.url, *pins).code == 0
        (tmp_path / "kept/audit.db").unlink()
        bundle = tmp_path / "kept/files/tile/entries/000"
        bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
        assert run("audit", server.url, *pins).code == 1
        assert run("audit", server.url, *pins).code == 0


def test_evidence_is_left_for_others_and_never_replaced(tmp_path: Path) -> None:
    town = Town()
    town.lines[0]["content"] = {"text": "Otra cosa."}
    town.publish_again()
    for path, raw in town.files.items():
        (tmp_path / "public" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "public" / path).write_bytes(raw)
    ran = run("audit", tmp_path / "public", "--evidence", tmp_path / "pruebas")
    assert ran.code == 1
    place = tmp_path / "pruebas/001-content-altered"
    assert {path.name for path in place.iterdir()} == {"finding.txt", "contents_000", "note"}
    assert (place / "note").read_bytes() == town.comments[0].opened.note
    assert json.loads((tmp_path / "pruebas/report.json").read_bytes())["findings"]
    again = run("audit", tmp_path / "public", "--evidence", tmp_path / "pruebas")
    assert again.code == 2
    assert "no está vacía" in again.err


@pytest.mark.parametrize("name", ["../../etc/passwd", ".hidden", "", "tile/0/000", "a" * 300])
def test_evidence_stays_in_its_folder(name: str) -> None:
    from api.evidence import evidence_name

    made = evidence_name(name)
    assert made
    assert "/" not in made
    assert not made.startswith(".")


def test_misbehaviour_needs_no_evidence_to_be_told() -> None:
    assert Misbehaviour("fork", "two heads").evidence == {}

"""The pages for those who run a witness are true: their commands run in their order, and both say the same."""

import configparser
import http.client
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from growing_log import GrowingLog
from second_writer import Files
from static_server import served

from api.cli import run
from api.command import constancia as root
from api.fetching import Fetched, Hop
from api.judging import Seen, judge
from api.witnessing import WitnessSettings
from ledger.tlog.note import parse_note
from ledger.tlog.policy import parse_policy
from ledger.tlog.witness import monitoring_path

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
PAGES = ("TESTIGO.md", "WITNESS.md")
LOG = GrowingLog("registro.example/gt", "the key of a log", 20)


def text(page: str) -> str:
    return (DEPLOY / page).read_text("utf-8")


def block(page: str) -> list[str]:
    """The five commands of a page."""
    found = re.search(r"^```sh\n(.*?)^```", text(page), re.DOTALL | re.MULTILINE)
    assert found
    return found[1].splitlines()


@pytest.fixture
def log_on_the_web() -> Generator[str]:
    """Where the log publishes its checkpoint, as any static server would."""
    with served(Files({"checkpoint": LOG.checkpoint(20)})) as web:
        yield web.url


def constancia(line: str, place: Path, *more: str) -> "subprocess.Popen[str]":
    words = [*shlex.split(line)[1:], *more]
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli", *words], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_five_commands_make_a_witness_that_cosigns(tmp_path: Path, log_on_the_web: str) -> None:
    init, add, listed, serve, status = block("TESTIGO.md")
    add = add.replace("registro.example/gt+LLAVE", LOG.vkey).replace("https://registro.example/gt", log_on_the_web)
    said: list[str] = []
    for line in (init, add, listed):
        running = constancia(line, tmp_path)
        out, error = running.communicate(timeout=60)
        assert running.returncode == 0, error
        said.append(out)
    assert "testigo.example/w1" in said[0]
    assert "20" in said[1]
    assert LOG.origin in said[2]
    running = constancia(serve, tmp_path, "--port", "0")
    assert running.stdout
    port = int(running.stdout.readline().rstrip().rstrip("/").rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/add-checkpoint", LOG.request(0, 20))
    answer = connection.getresponse()
    assert (answer.status, answer.read()[:3]) == (200, "—".encode())
    connection.request("GET", "/" + monitoring_path(LOG.origin))
    shown = connection.getresponse().read()
    connection.close()
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert running.returncode == 0
    out, _ = constancia(status, tmp_path, "--json").communicate(timeout=60)
    standing = json.loads(out)
    assert standing["logs"][0]["size"] == 20
    # The line that `init` printed is one for a policy, and counts.
    assert standing["policy"] in said[0]
    rules = parse_policy(f"log {LOG.vkey}\n{standing['policy']}\nquorum testigo.example/w1\n".encode())
    rules.check(shown).require_quorum()
    assert parse_note(shown).text == parse_note(LOG.checkpoint(20)).text


def test_both_pages_give_the_same_commands() -> None:
    assert block("TESTIGO.md") == block("WITNESS.md")
    indented = [re.findall(r"^ {4}(.*)$", text(page), re.MULTILINE) for page in PAGES]
    assert indented[0] == indented[1]
    assert text("TESTIGO.md").count("\n## ") == text("WITNESS.md").count("\n## ")


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_is_named_and_no_other(page: str) -> None:
    found = re.search(r"`testigo/witness\.toml`: ([^.]*)\.", text(page))
    assert found
    assert re.findall(r"`(\w+)`", found[1]) == [field.name for field in msgspec.structs.fields(WitnessSettings)]
    assert f"`127.0.0.1:{WitnessSettings(name='x').port}`" in text(page)


@pytest.mark.parametrize("page", PAGES)
def test_what_the_page_tells_of_alarms_is_what_the_program_says(page: str) -> None:
    files = ("api/witness_state.py", "api/witness_page.py", "ledger/cosigning.py")
    program = "".join((DEPLOY.parent / name).read_text("utf-8") for name in files)
    joined = re.sub(r'"\s+f?"', "", program)
    quoted = re.findall(r"[«“]([^»”]+)[»”]", text(page).partition("| qué")[2] or text(page).partition("| what")[2])
    told = [part.strip() for each in quoted for part in re.split("[…:]", each) if part.strip()]
    assert len(told) >= 6
    own = {"cofirmado", "cosigned", "Copias de respaldo", "Backups"}  # a column, and sections of the page
    assert [part for part in told if part not in joined and part not in own] == []


def test_the_service_runs_a_command_that_exists() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string((DEPLOY / "constancia-witness.service").read_text("utf-8"))
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/.venv/bin/constancia")
    assert words[:2] == ["witness", "serve"]
    assert words[words.index("--dir") + 1] == f"/var/lib/{unit['Service']['StateDirectory']}"
    assert run([*words, "--help"]) == 0
    for page in PAGES:
        assert unit["Service"]["User"] in text(page)
        assert words[-1] in text(page)


def commands(page: str) -> list[str]:
    return sorted(set(re.findall(r"constancia ((?:log-key|witness) \w+|[a-z-]+)", text(page))))


def test_the_pages_for_operators_name_the_same_commands_and_these_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands("REGISTRO.md") == commands("LEDGER.md")
    assert {"init", "serve", "status", "mirror", "log-key new", "timestamp", "demo", "kinds"} <= {
        "demo",
        *commands("REGISTRO.md"),
    }
    for command in commands("REGISTRO.md"):
        assert run([*command.split(), "--help"]) == 0
    capsys.readouterr()
    assert text("REGISTRO.md").count("## ") == text("LEDGER.md").count("## ")


def test_a_witness_is_not_named_by_a_whole_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["witness", "init", "--dir", str(tmp_path / "w"), "--name", "https://testigo.example/w1"]) == 2
    assert "--url" in capsys.readouterr().err
    assert not (tmp_path / "w").exists()


def test_an_address_without_the_ledgers_path_is_told_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with served(Files({})) as web:
        assert run(["status", web.url.removesuffix("/gt")]) == 2
    assert "/gt" in capsys.readouterr().err


# --- for those who capture evidence ----------------------------------------------------------------------------------

CAPTURE = ("CAPTURA.md", "CAPTURE.md")


def test_both_pages_for_capturers_give_the_same_commands_with_options_that_exist() -> None:
    assert block("CAPTURA.md") == block("CAPTURE.md")
    indented = [re.findall(r"^ {4}(.*)$", text(page), re.MULTILINE) for page in CAPTURE]
    assert indented[0] == indented[1]
    assert text("CAPTURA.md").count("\n## ") == text("CAPTURE.md").count("\n## ")
    for page in CAPTURE:
        told = re.sub(r"^ {4}.*$", "", text(page), flags=re.MULTILINE)
        known = {each for name in ("capture", "recheck") for one in root.commands[name].params for each in one.opts}
        named = set(re.findall(r"--[a-z][a-z-]*", told))
        assert len(named) >= 12
        assert named <= known
    for line in block("CAPTURA.md"):
        _, name, *words = shlex.split(line)
        assert run([name, *words, "--help"]) == 0


@pytest.mark.parametrize("page", CAPTURE)
def test_the_page_names_what_a_check_can_say_and_nothing_else(page: str) -> None:
    assert re.findall(r"^\| `(\w+)` \|", text(page), re.MULTILINE) == list(get_args(Seen))
    turned_away = re.search(r"`blocked` \| ([0-9, ]+)", text(page))
    assert turned_away
    for status in turned_away[1].strip(" ,").split(", "):
        hop = Hop(url="http://a.example/", address="", status=int(status), reason="", headers=())
        assert judge(Fetched(url=hop.url, hops=(hop,), body=b"x", fetched_ms=0), hop.url, ()).seen == "blocked"


def test_the_timer_runs_a_service_of_commands_that_exist() -> None:
    lines = (DEPLOY / "constancia-capture.service").read_text("utf-8").splitlines()
    ran = [line.removeprefix("ExecStart=") for line in lines if line.startswith("ExecStart=")]
    assert [shlex.split(line)[1] for line in ran] == ["capture", "recheck", "archive"]
    for line in ran:
        program, *words = shlex.split(line)
        assert program.endswith("/.venv/bin/constancia")
        assert run([*words, "--help"]) == 0
    for name in ("LEDGER", "PLAN"):
        assert all(f"${{{name}}}" in "".join(ran) and f"`{name}=" in text(page) for page in CAPTURE)
    timer = configparser.RawConfigParser(strict=False)
    timer.optionxform = str  # type: ignore[assignment,method-assign]
    timer.read_string((DEPLOY / "constancia-capture.timer").read_text("utf-8"))
    assert timer["Install"]["WantedBy"] == "timers.target"
    assert "SuccessExitStatus=1" in lines

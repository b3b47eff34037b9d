"""A running witness: a real process, real sockets, every status, many at once, killed, full, restored."""

import http.client
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import pytest
from growing_log import GrowingLog
from second_writer import Files, publish
from static_server import served

from api.listening import SECURITY_HEADERS
from api.witness_page import policy_line
from api.witnessing import load_witness
from ledger.tlog.note import parse_note
from ledger.tlog.policy import parse_policy
from ledger.tlog.witness import MAX_BODY, SIZE_TYPE, monitoring_path, parse_add_checkpoint, read_cosignature

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
NAME = "witness.example/w1"
TIMEOUT = 2

LOG = GrowingLog("registro.example/otro", "the key of a log", 200)
FORKED = LOG.forked(3)
SHOWN = "/" + monitoring_path(LOG.origin)


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def command(*words: str, lang: str = "en", code: int = 0) -> str:
    """Run `constancia witness …`; returns what it says on standard output, and on standard error if it fails."""
    ran = subprocess.run(
        [sys.executable, "-m", "api.cli", "--lang", lang, "witness", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout if code == 0 else ran.stdout + ran.stderr


def make(place: Path, *logs: GrowingLog) -> Path:
    """A witness's folder, made as an operator makes it."""
    command("init", "--dir", str(place), "--name", NAME)
    for log in logs:
        command("add", "--dir", str(place), log.vkey)
    with (place / "witness.toml").open("a") as file:
        file.write(f"read_timeout = {TIMEOUT}\n")
    return place


class Process:
    """`constancia witness serve` in a process of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.key = load_witness(place)[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "--lang", "en", "witness", "serve", "--dir", str(place), "--port", "0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if "http://" not in line:
            raise AssertionError(f"the witness did not start: {line}{self.end()[1]}")
        self.port = int(line.rstrip().rstrip("/").rpartition(":")[2])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.end()

    def end(self) -> tuple[int, str]:
        """Wait for the end; exit code and standard error."""
        _, error = self.process.communicate(timeout=60)
        return self.process.returncode, error

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def post(self, body: bytes) -> Answer:
        return self.request("POST", "/add-checkpoint", body)

    def cosigned(self, log: GrowingLog, old: int, size: int) -> int:
        """Ask, verify, and return the time of the cosignature."""
        answer = self.post(log.request(old, size))
        assert answer.status == 200, answer
        return self.verified(log, size, answer)

    def verified(self, log: GrowingLog, size: int, answer: Answer) -> int:
        return read_cosignature(answer.body, self.key, parse_note(log.checkpoint(size)).text)[1]

    def shown(self, log: GrowingLog) -> int:
        """The size shown of a log, its lines verified."""
        raw = self.request("GET", "/" + monitoring_path(log.origin)).body
        rules = parse_policy(f"log {log.vkey}\n{policy_line(self.key, '')}\nquorum {NAME}\n".encode())
        checked = rules.check(raw)
        checked.require_quorum()
        return checked.checkpoint.size


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Generator[Process]:
    """A witness that has cosigned ten entries of LOG. Tests here do not make it grow."""
    with Process(make(tmp_path_factory.mktemp("witness") / "w1", LOG)) as running:
        running.cosigned(LOG, 0, 10)
        yield running


# --- every status -------------------------------------------------------------------------------------------------

STRANGER = GrowingLog(LOG.origin, "somebody else's key", 20)
UNKNOWN = GrowingLog("registro.example/nadie", "a log that nobody watches", 20)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, b"empty"),
        (b"old 10\n", 400, b"shape"),
        (b"old 010\n\n" + LOG.checkpoint(11), 400, b"encoding"),
        (b"old 10\n\n" + LOG.checkpoint(11)[:-1], 400, b"shape"),
        (b"old 10\n\n" + LOG.checkpoint(11).replace(b"\n\n", b"\nmore\n\n"), 400, b"extension"),
        (b"x" * (MAX_BODY + 1), 400, b"limit"),
        (b"old 12\n\n" + LOG.checkpoint(11), 400, b"old size 12"),
        (STRANGER.request(10, 11), 403, b"not-signed"),
        (LOG.request(10, 11).replace(b"\n11\n", b"\n12\n"), 403, b"bad-signature"),
        (UNKNOWN.request(0, 11), 404, b"unknown-origin"),
        (LOG.request(0, 11), 409, b"10\n"),
        (LOG.request(9, 11), 409, b"10\n"),
        (LOG.request(11, 11), 409, b"10\n"),
        (LOG.request(10, 11, ()), 422, b"inconsistent"),
        (FORKED.request(10, 11), 422, b"inconsistent"),
        (FORKED.request(10, 10), 422, b"inconsistent"),
    ],
)
def test_a_request_is_answered_with_its_status(witness: Process, body: bytes, status: int, says: bytes) -> None:
    answer = witness.post(body)
    assert answer.status == status
    assert says in answer.body
    assert answer.headers["content-type"] == (SIZE_TYPE if status == 409 else "text/plain; charset=utf-8")
    if status == 409:
        assert answer.body == says
    assert witness.shown(LOG) == 10


def test_what_grew_is_cosigned_with_the_time_of_now(witness: Process) -> None:
    before = int(time.time())
    assert before <= witness.cosigned(LOG, 10, 10) <= time.time()


def test_a_log_that_knows_nothing_learns_the_size_and_then_grows(tmp_path: Path) -> None:
    with Process(make(tmp_path / "w", LOG)) as witness:
        witness.cosigned(LOG, 0, 150)
        size = int(witness.post(b"old 0\n\n" + LOG.checkpoint(200)).body)
        assert size == 150
        witness.cosigned(LOG, size, 200)
        assert witness.shown(LOG) == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/healthz", 200),
        ("GET", SHOWN, 200),
        ("HEAD", SHOWN, 200),
        ("GET", "/add-checkpoint", 405),
        ("PUT", "/add-checkpoint", 405),
        ("POST", "/", 405),
        ("DELETE", SHOWN, 405),
        ("GET", "/" + monitoring_path(UNKNOWN.origin), 404),
        ("GET", SHOWN.upper(), 404),
        ("GET", SHOWN + "/", 404),
        ("GET", "/witness.db", 404),
        ("GET", "/../key", 404),
        ("POST", "/add-checkpoint/", 404),
        ("POST", "/sign-subtree", 404),
    ],
)
def test_each_address_has_its_methods(witness: Process, method: str, path: str, status: int) -> None:
    answer = witness.request(method, path, b"" if method in ("POST", "PUT") else None)
    assert answer.status == status
    assert ("allow" in answer.headers) == (status == 405)
    assert (answer.body == b"") == (method == "HEAD")
    for name in SECURITY_HEADERS:
        assert name in answer.headers


def test_a_checkpoint_that_was_never_cosigned_is_not_there(tmp_path: Path) -> None:
    with Process(make(tmp_path / "w", LOG)) as witness:
        assert witness.request("GET", SHOWN).status == 404
        witness.post(LOG.request(0, 5, (bytes(32),)))
        assert witness.request("GET", SHOWN).status == 404


def test_what_strangers_wrote_below_a_checkpoint_is_not_shown(witness: Process) -> None:
    stranger = STRANGER.checkpoint(10).partition(b"\n\n")[2]
    answer = witness.post(LOG.request(10, 10) + stranger)
    assert answer.status == 200
    assert stranger not in witness.request("GET", SHOWN).body


def test_one_connection_serves_many_requests(witness: Process) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", witness.port, timeout=30)
    connection.connect()
    kept = connection.sock
    for body, status in ((LOG.request(10, 10), 200), (b"x", 400), (LOG.request(0, 5), 409), (LOG.request(10, 10), 200)):
        connection.request("POST", "/add-checkpoint", body)
        response = connection.getresponse()
        assert response.status == status
        response.read()
        assert connection.sock is kept
    connection.close()


# --- who means ill ------------------------------------------------------------------------------------------------


def raw(witness: Process, sent: bytes, seconds: float = 30) -> bytes:
    """Send these bytes and read until the witness closes the connection."""
    with socket.create_connection(("127.0.0.1", witness.port), timeout=seconds) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65_536):
            received += part
        return received


HEAD_OF_POST = b"POST /add-checkpoint HTTP/1.1\r\nhost: x\r\n"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"POST /add-checkpoint HTT", b""),
        (HEAD_OF_POST, b""),
        (b"POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nold 10\n", b"HTTP/1.1 408"),
        (
            b"POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nold\r\n",
            b"HTTP/1.1 408",
        ),
        (b"", b""),
    ],
    ids=["request line", "headers", "body", "chunks", "nothing"],
)
def test_a_slow_client_is_closed(witness: Process, sent: bytes, answer: bytes) -> None:
    assert raw(witness, sent).startswith(answer)
    assert witness.request("GET", "/healthz").status == 200


@pytest.mark.parametrize("announced", [str(MAX_BODY + 1), "9" * 30, "-1", "x"])
def test_a_body_that_announces_too_much_is_refused_unread(witness: Process, announced: str) -> None:
    head = HEAD_OF_POST + f"content-length: {announced}\r\n\r\n".encode()
    assert raw(witness, head).startswith(b"HTTP/1.1 400")


def test_a_body_in_chunks_without_end_is_cut_off(witness: Process) -> None:
    head = HEAD_OF_POST + b"transfer-encoding: chunked\r\n\r\n"
    assert raw(witness, head + (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 3).startswith(b"HTTP/1.1 400")


# --- many at once -------------------------------------------------------------------------------------------------


def test_of_many_that_race_one_wins_and_sizes_never_go_back(tmp_path: Path) -> None:
    """32 threads from one size to different ones, then to the same one: one wins each time, the others are told."""
    with Process(make(tmp_path / "w", LOG)) as witness, ThreadPoolExecutor(33) as threads:
        shown: list[int] = []
        over = threading.Event()

        def look() -> None:
            while not over.is_set():
                answer = witness.request("GET", SHOWN)
                if answer.status == 200:
                    shown.append(int(answer.body.split(b"\n")[1]))

        looking = threads.submit(look)
        latest, last_time = 0, 0
        for number in range(8):
            targets = [latest + 1 + (each % 20 if number % 2 else 0) for each in range(32)]
            bodies = [LOG.request(latest, target) for target in targets]
            answers = list(threads.map(witness.post, bodies))
            won = [target for target, answer in zip(targets, answers, strict=True) if answer.status == 200]
            assert len(won) == 1
            others = [answer for answer in answers if answer.status != 200]
            assert {(answer.status, answer.body) for answer in others} == {(409, b"%d\n" % won[0])}
            (answer,) = (answer for answer in answers if answer.status == 200)
            given = witness.verified(LOG, won[0], answer)
            assert given >= last_time
            latest, last_time = won[0], given
        again = list(threads.map(witness.post, [LOG.request(latest, latest)] * 32))
        times = [witness.verified(LOG, latest, answer) for answer in again]
        over.set()
        looking.result(30)
        assert [answer.status for answer in again] == [200] * 32
        assert min(times) >= last_time
        assert len(shown) > 5
        assert shown == sorted(shown)
        assert witness.shown(LOG) == latest


def test_logs_that_ask_at_the_same_time_are_all_served(tmp_path: Path) -> None:
    logs = [GrowingLog(f"registro.example/{number}", f"key {number}", 30) for number in range(8)]
    with Process(make(tmp_path / "w", *logs)) as witness, ThreadPoolExecutor(8) as threads:

        def ask(log: GrowingLog) -> list[int]:
            return [witness.cosigned(log, size, size + 3) for size in range(0, 30, 3)]

        for times in threads.map(ask, logs):
            assert times == sorted(times)
        assert [witness.shown(log) for log in logs] == [30] * 8


# --- killed, restored, full ---------------------------------------------------------------------------------------


def test_killed_at_any_moment_it_remembers_all_that_it_acknowledged(tmp_path: Path) -> None:
    place = make(tmp_path / "w", LOG)
    dice = random.Random(7)
    acknowledged = asked = 0
    for _ in range(6):
        with Process(place) as witness:
            path = "/" + monitoring_path(LOG.origin)
            kept = witness.shown(LOG) if witness.request("GET", path).status == 200 else 0
            # What was asked for last may have been kept without an answer, and nothing else.
            assert kept in (acknowledged, asked)
            acknowledged = asked = kept
            killer = threading.Timer(dice.uniform(0.005, 0.06), witness.process.kill)
            killer.start()
            try:
                while acknowledged < 200:
                    asked = acknowledged + 1
                    witness.cosigned(LOG, acknowledged, asked)
                    acknowledged = asked
            except (OSError, http.client.HTTPException):
                pass
            killer.join()
            witness.kill()
    assert acknowledged > 5
    with Process(place) as witness:
        assert witness.shown(LOG) in (acknowledged, asked)


@contextmanager
def traced(witness: Process, *options: str) -> Generator[None]:
    """Let strace watch the process, or do something to it."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("no strace: the order of syncs is not shown (install the package `strace`)")
    command = [strace, "-f", "-y", "-s", "20", *options, "-p", str(witness.process.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracing:
        assert tracing.stderr
        said = tracing.stderr.readline()
        if "attached" not in said:
            tracing.communicate(timeout=60)
            pytest.skip(f"strace may not trace here: the order of syncs is not shown ({said.strip()})")
        try:
            yield
        finally:
            tracing.terminate()
            tracing.communicate(timeout=60)


def test_nothing_is_answered_before_it_is_on_the_disk(tmp_path: Path) -> None:
    place = make(tmp_path / "w", LOG)
    trace = tmp_path / "trace"
    with Process(place) as witness:
        witness.cosigned(LOG, 0, 4)
        with traced(witness, "-e", "trace=fsync,fdatasync,rename,writev,sendto,write", "-o", str(trace)):
            witness.cosigned(LOG, 4, 9)
    steps = (
        r"fdatasync\(\d+<.*/witness\.db-wal>\) += 0",
        r"fsync\(\d+<.*/seen/\.new-[0-9a-f]+>\) += 0",
        r'rename\(".*',
        r"fsync\(\d+<.*/seen>\) += 0",
        r"\w+\(\d+<socket:.*HTTP/1\.1 200.*",
    )
    found = [step for line in trace.read_text().splitlines() for step in steps if re.search(step, line)]
    assert tuple(found) == steps


@pytest.mark.parametrize("call", ["fdatasync:when=1", "fsync:when=1", "rename:when=1", "fsync:when=2", "writev:when=1"])
def test_killed_inside_each_step_it_goes_on_from_what_was_written(tmp_path: Path, call: str) -> None:
    place = make(tmp_path / "w", LOG)
    name, _, when = call.partition(":")
    with Process(place) as witness:
        witness.cosigned(LOG, 0, 4)
        with traced(witness, "-o", os.devnull, "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:{when}"):
            with pytest.raises((OSError, http.client.HTTPException)):
                witness.post(LOG.request(4, 9))
            assert witness.end()[0] == -signal.SIGKILL
    with Process(place) as witness:
        # A process that is killed leaves to the kernel what it had written, synced or not: here the commit.
        assert witness.shown(LOG) == 9
        witness.cosigned(LOG, 9, 12)


def test_a_restored_older_database_refuses_to_start(tmp_path: Path) -> None:
    place = make(tmp_path / "w", LOG)
    with Process(place) as witness:
        witness.cosigned(LOG, 0, 4)
    shutil.copy(place / "witness.db", tmp_path / "backup")
    with Process(place) as witness:
        witness.cosigned(LOG, 4, 9)
    shutil.copy(tmp_path / "backup", place / "witness.db")
    for lang, said in (("es", "retrocedió"), ("en", "went back")):
        told = command("serve", "--dir", str(place), "--port", "0", lang=lang, code=2)
        assert said in told
        assert LOG.origin in told
        assert " 9 " in told
        assert " 4." in told
        assert "constancia witness init" in told
    assert "went back" in command("status", "--dir", str(place), code=2)


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    place = make(tmp_path / "w", LOG)
    with Process(place) as witness:
        witness.cosigned(LOG, 0, 4)
        assert "another process is this witness" in command("serve", "--dir", str(place), "--port", "0", code=2)
        witness.cosigned(LOG, 4, 5)


def test_a_full_disk_is_no_acknowledgement_and_ends_the_process(tmp_path: Path) -> None:
    """As on a disk that is full, no file may grow beyond what the process can still write: nothing."""
    place = make(tmp_path / "w", LOG)
    with Process(place) as witness:
        witness.cosigned(LOG, 0, 4)
        resource.prlimit(witness.process.pid, resource.RLIMIT_FSIZE, (1, 1))
        answers = [witness.post(LOG.request(4, 9))]
        code, error = witness.end()
        assert [answer.status for answer in answers] == [503]
        assert b"cannot be read or written" in answers[0].body
        assert code == 2
        assert "cannot be read or written" in error
    with Process(place) as witness:
        assert witness.shown(LOG) == 4
        witness.cosigned(LOG, 4, 9)


def test_when_only_the_file_outside_the_database_fails_nothing_is_acknowledged_either(tmp_path: Path) -> None:
    place = make(tmp_path / "w", LOG)
    with Process(place) as witness:
        witness.cosigned(LOG, 0, 4)
        shutil.rmtree(place / "seen")
        assert witness.post(LOG.request(4, 9)).status == 503
        assert witness.end()[0] == 2
    with Process(place) as witness:  # the database had it already: the log asks again, and learns it
        assert witness.post(LOG.request(4, 9)).body == b"9\n"


# --- people ---------------------------------------------------------------------------------------------------------


def test_a_fork_is_kept_shown_and_said_in_status(tmp_path: Path) -> None:
    place = make(tmp_path / "w", LOG)
    with Process(place) as witness:
        witness.cosigned(LOG, 0, 9)
        assert "Nada habla" in witness.request("GET", "/").body.decode()
        assert witness.post(FORKED.request(9, 9)).status == 422
        page = witness.request("GET", "/", headers={"accept-language": "en"}).body.decode()
        assert "two different states of 9 entries" in page
        for log in (LOG, FORKED):
            assert log.checkpoint(9).split(b"\n")[2].decode() in page.replace("&#x27;", "'")
        assert "two different states of 9 entries" in command("status", "--dir", str(place), code=1)
        witness.process.send_signal(signal.SIGTERM)
        assert "two histories" in witness.end()[1]
    (found,) = json.loads(command("status", "--dir", str(place), "--json", code=1))["evidence"]
    assert (found["kind"], found["size"]) == ("fork", 9)
    assert parse_add_checkpoint(found["request"].encode()).checkpoint == FORKED.checkpoint(9)


def test_a_suspicion_is_shown_and_is_no_alarm(tmp_path: Path) -> None:
    place = make(tmp_path / "w", LOG)
    with Process(place) as witness:
        witness.cosigned(LOG, 0, 9)
        assert witness.post(LOG.request(9, 12, ())).status == 422  # as a stranger may, with what the log published
        assert "anybody can send a wrong proof" in witness.request("GET", "/?lang=en").body.decode()
        witness.cosigned(LOG, 9, 12)
    assert "anybody can send a wrong proof" in command("status", "--dir", str(place))


def test_the_page_says_who_it_is_in_both_languages(witness: Process) -> None:
    policy = policy_line(witness.key, "")
    rules = parse_policy(f"log {LOG.vkey}\n{policy}\nquorum {NAME}\n".encode())
    assert rules.check(witness.request("GET", SHOWN).body).quorum_reached
    spanish, english = witness.request("GET", "/"), witness.request("GET", "/?lang=en")
    assert (spanish.headers["content-language"], english.headers["content-language"]) == ("es", "en")
    for page, word in ((spanish, "Testigo"), (english, "Witness")):
        assert f"<h1>{word} {NAME}</h1>" in page.body.decode()
        assert f"<pre>{policy}</pre>" in page.body.decode()
        assert f"{LOG.origin}</th><td>10</td>" in page.body.decode()
    assert b"<html lang=en>" in witness.request("GET", "/", headers={"accept-language": "en"}).body
    assert b"<html lang=es>" in witness.request("GET", "/?lang=es", headers={"accept-language": "en"}).body


def test_axe_finds_nothing_on_the_page(
    tmp_path: Path, page: "Page", axe_findings: "Callable[[Page], list[str]]"
) -> None:
    with Process(make(tmp_path / "w", LOG, UNKNOWN)) as witness:
        witness.cosigned(LOG, 0, 9)
        witness.post(FORKED.request(9, 9))
        witness.post(LOG.request(9, 12, ()))
        for path in ("/?lang=es", "/?lang=en"):
            page.goto(f"http://127.0.0.1:{witness.port}{path}")
            assert axe_findings(page) == []
        assert page.locator(".alarm").count() == 2
        page.get_by_role("link", name="UTC").click()
        assert LOG.origin in page.locator("body").inner_text()


# --- the folder -----------------------------------------------------------------------------------------------------


def test_a_foreign_log_is_asked_who_it_is_and_watched(tmp_path: Path) -> None:
    foreign = GrowingLog("log.example/de-otros", "the key of a foreign log", 30)
    files = publish(foreign.origin, foreign.entries, foreign.key)
    place = make(tmp_path / "w")
    only = Files({path: files[path] for path in files if path == "checkpoint" or path.startswith("tile/")})
    with served(only) as web:
        url = web.url
        told = json.loads(command("add", "--dir", str(place), foreign.vkey, "--from", url, "--json"))
        assert told == {"origin": foreign.origin, "vkey": foreign.vkey, "size": 30, "founding": None}
        wrong = GrowingLog("log.example/de-otros", "another key").vkey
        assert "was not signed by that key" in command("add", "--dir", str(place), wrong, "--from", url, code=2)
    assert json.loads(command("list", "--dir", str(place), "--json"))[0]["url"] == url
    with Process(place) as witness:
        witness.cosigned(foreign, 0, 30)
        assert witness.shown(foreign) == 30


def test_a_ledger_of_ours_shows_its_founding(tmp_path: Path) -> None:
    from town import Town

    town = Town(comments=2)
    place = make(tmp_path / "w")
    vkey = town.files["policy"].decode().split()[1]
    with served(town.files) as web:
        told = json.loads(command("add", "--dir", str(place), vkey, "--from", web.url, "--json"))
    assert (told["founding"], told["size"]) == (town.founding, len(town.world.entries))


def test_logs_are_added_listed_and_removed_and_comments_stay(tmp_path: Path) -> None:
    place = make(tmp_path / "w", LOG)
    logs = place / "logs"
    logs.write_bytes(b"# the town's own log\n" + logs.read_bytes().rstrip(b"\n"))  # as an editor may leave it
    assert "already" in command("add", "--dir", str(place), LOG.vkey, code=2)
    second = GrowingLog(LOG.origin, "the new key")
    command("add", "--dir", str(place), second.vkey)
    command("add", "--dir", str(place), UNKNOWN.vkey)
    assert [each["vkey"] for each in json.loads(command("list", "--dir", str(place), "--json"))] == [
        LOG.vkey, second.vkey, UNKNOWN.vkey,
    ]  # fmt: skip
    command("remove", "--dir", str(place), second.vkey)
    assert logs.read_text() == f"# the town's own log\nlog {LOG.vkey}\nlog {UNKNOWN.vkey}\n"
    command("remove", "--dir", str(place), LOG.origin)
    assert logs.read_text() == f"# the town's own log\nlog {UNKNOWN.vkey}\n"
    assert "does not watch" in command("remove", "--dir", str(place), LOG.origin, code=2)


def test_a_log_that_was_removed_and_comes_back_goes_on_from_there(tmp_path: Path) -> None:
    place = make(tmp_path / "w", LOG)
    with Process(place) as witness:
        witness.cosigned(LOG, 0, 9)
    command("remove", "--dir", str(place), LOG.origin)
    with Process(place) as witness:
        assert witness.post(LOG.request(9, 10)).status == 404
        assert witness.request("GET", SHOWN).status == 404
    command("add", "--dir", str(place), LOG.vkey)
    with Process(place) as witness:
        assert witness.post(LOG.request(0, 10)).body == b"9\n"


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("witness.toml", "name = 5\n", "Expected `str`"),
        ("witness.toml", f'name = "{NAME}"\nprot = 80\n', "prot"),
        ("witness.toml", f'name = "{NAME}"\nport = 70000\n', "port"),
        ("witness.toml", 'name = "a b"\n', "cannot be the name of a witness"),
        ("witness.toml", "name =\n", "witness.toml"),
        ("witness.toml", 'name = "witness.example/other"\n', "the state of another witness"),
        ("logs", "log x\n", "line 1"),
        ("logs", f"log {LOG.vkey}\nlog {LOG.vkey}\n", "line 2"),
        ("logs", "quorum none\n", "quorum"),
        ("logs", "witness w " + LOG.vkey + "\n", "line 1"),
        ("key", "not a key\n", "not an OpenSSH private key"),
    ],
)
def test_a_mistake_in_the_folder_is_named(tmp_path: Path, file: str, content: str, said: str) -> None:
    place = make(tmp_path / "w", LOG)
    (place / file).write_text(content)
    assert said in command("serve", "--dir", str(place), "--port", "0", code=2)


@pytest.mark.parametrize("file", ["witness.toml", "logs", "key", "witness.db"])
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    place = make(tmp_path / "w", LOG)
    (place / file).unlink()
    told = command("serve", "--dir", str(place), "--port", "0", code=2)
    assert str(place / file) in told


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    place = make(tmp_path / "w")
    (place / "key").chmod(0o640)
    assert "chmod 600" in command("serve", "--dir", str(place), code=2)


def test_a_folder_that_holds_something_is_not_made_a_witness(tmp_path: Path) -> None:
    place = make(tmp_path / "w")
    assert "exists already" in command("init", "--dir", str(place), "--name", NAME, code=2)
    assert "cannot be the name" in command("init", "--dir", str(tmp_path / "x"), "--name", "a b", code=2)
    assert not (tmp_path / "x").exists()
    assert (place.stat().st_mode & 0o777, (place / "key").stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize("vkey", ["x", "", LOG.vkey[:-2], LOG.vkey.replace("+", "-", 1), f"{LOG.vkey} http://x y"])
def test_what_is_no_key_of_a_log_is_not_watched(tmp_path: Path, vkey: str) -> None:
    place = make(tmp_path / "w")
    assert "is not the key of a log" in command("add", "--dir", str(place), vkey, code=2)
    assert (place / "logs").read_bytes() == b""


def test_a_key_with_a_passphrase_is_asked_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSTANCIA_PASSPHRASE", "una frase de prueba")
    place = tmp_path / "w"
    command("init", "--dir", str(place), "--name", NAME, "--passphrase")
    command("add", "--dir", str(place), LOG.vkey)
    with Process(place) as witness:
        witness.cosigned(LOG, 0, 9)
    monkeypatch.setenv("CONSTANCIA_PASSPHRASE", "otra")
    assert "not the passphrase" in command("serve", "--dir", str(place), "--port", "0", code=2)
    os.environ.pop("CONSTANCIA_PASSPHRASE")
    assert LOG.origin in command("status", "--dir", str(place))

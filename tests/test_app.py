"""The server as a process: how it starts and refuses to, what every request meets, and how it ends."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from service import START, STATEMENT, Served, founded_lately, free_port, now_ms, put_on_disk
from world import G1, World

from api.listening import SECURITY_HEADERS
from api.settings import LedgerSettings, Settings, format_settings

TIMEOUT = 2.0


@pytest.fixture(scope="module")
def world() -> World:
    return founded_lately()


@pytest.fixture(scope="module")
def template(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger's folder to copy."""
    folder = tmp_path_factory.mktemp("template") / "ledger"
    put_on_disk(world, folder, read_timeout=TIMEOUT)
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "ledger")
    return tmp_path / "ledger"


@pytest.fixture(scope="module")
def served(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served") / "ledger"
    shutil.copytree(template, folder)
    with Served(folder) as server:
        yield server
        assert "Traceback" not in server.log()


def statement(world: World, reason: str = "Porque sí.") -> bytes:
    world.now_ms = now_ms()
    return world.sign(
        "CompletionReported", "copret:institution", subject=G1, level="limited", reason=reason, evidence=[]
    )


def refusal_to_start(folder: Path, port: int | None = None) -> str:
    """What a server says that will not start; it must end with exit code 2, and without a traceback."""
    ran = subprocess.run(
        [sys.executable, "-c", START, str(folder), str(port or free_port())],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stderr


# --- starting --------------------------------------------------------------------------------------------------------


def test_it_starts_within_two_seconds_of_work_and_says_where(folder: Path) -> None:
    with Served(folder) as server:
        worked = cpu_seconds(server.process.pid)
        assert server.address == f"http://127.0.0.1:{server.port}/"
        assert server.get("//readyz").status == 200
    # What it worked, and not how long that took: others may be at work on this machine, and slow each second down.
    assert 0 < worked < 5


def cpu_seconds(process: int) -> float:
    """The processor time that a process has used so far."""
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def test_a_port_in_use_is_named_with_what_to_do(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refusal_to_start(folder, port)
    assert f"port {port}" in said
    assert "--port" in said


def test_a_second_server_on_the_same_port_or_the_same_ledger_is_refused(folder: Path) -> None:
    with Served(folder) as server:
        assert "in use" in refusal_to_start(folder, server.port)
        assert "another writer" in refusal_to_start(folder)
        assert server.get("/checkpoint").status == 200


@pytest.mark.parametrize(
    ("missing", "named"),
    [("constancia.toml", "constancia init"), ("journal.db", "journal"), ("vault.db", "vault"), ("keys/log", "keys")],
)
def test_a_folder_that_lacks_a_part_is_refused_by_its_name(folder: Path, missing: str, named: str) -> None:
    (folder / missing).unlink()
    assert named in refusal_to_start(folder)


def test_a_key_that_others_can_read_is_refused(folder: Path) -> None:
    (folder / "keys/log").chmod(0o644)
    assert "chmod 600" in refusal_to_start(folder)


def test_another_log_key_is_refused(folder: Path) -> None:
    (folder / "keys/log").write_bytes((folder / "keys/desk").read_bytes())
    assert "log key" in refusal_to_start(folder) or "log_key" in refusal_to_start(folder)


def test_a_restored_old_backup_is_refused_with_the_missing_entries(folder: Path, world: World) -> None:
    backup = {name: (folder / name).read_bytes() for name in ("journal.db",)}
    with Served(folder) as server:
        size = server.size()
        assert server.post(statement(world)).status == 201
    for path in folder.glob("journal.db*"):
        path.unlink()
    for name, content in backup.items():
        (folder / name).write_bytes(content)
    assert f"entry {size}" in refusal_to_start(folder)


@pytest.mark.parametrize("spoilt", ["missing", "garbage", "another"])
def test_the_record_store_is_made_anew_when_it_is_gone_or_wrong(folder: Path, spoilt: str, world: World) -> None:
    with Served(folder) as server:
        assert server.post(statement(world)).status == 201
        digest = wait_for_digest(server)
    store = folder / "records.db"
    for path in folder.glob("records.db*"):
        path.unlink()
    if spoilt == "garbage":
        store.write_bytes(b"not a database" * 1000)
    if spoilt == "another":
        shutil.copy(folder / "vault.db", store)
    with Served(folder) as server:
        assert wait_for_digest(server) == digest


def wait_for_digest(server: Served) -> str:
    """The digest over the records once they are as far as the tree."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = server.get("/api/digest")
        if answer.status == 200 and answer.json["checkpoint"]["size"] == server.size():
            return str(answer.json["data"]["digest"])
        time.sleep(0.02)
    raise AssertionError("the records did not catch up")


def test_what_is_registered_is_on_the_page_within_a_second(served: Served, world: World) -> None:
    answer = served.post(statement(world, "Visible enseguida."))
    assert answer.status == 201
    deadline = time.monotonic() + 1
    while True:
        history = served.get("/api/plans/gt-2014-2016/commitments/G1/history?limit=1000").json["data"]
        if any(line["identity"] == answer.json["identity"] for line in history):
            break
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_several_ledgers_live_in_one_installation_each_under_its_own_path(template: Path, tmp_path: Path) -> None:
    other = founded_lately()
    # Another ledger has another origin, and so other signatures.
    other_world = World("constancia.example/hn", now_ms() - 600_000)
    from world import FOUNDERS, founding

    other_world.say("LedgerOpened", *FOUNDERS, **founding(origin=other_world.origin))
    put_on_disk(other_world, tmp_path / "hn")
    shutil.copytree(template, tmp_path / "gt")
    settings = Settings(
        ledgers=(LedgerSettings("constancia.example/gt", "gt"), LedgerSettings("constancia.example/hn", "hn"))
    )
    (tmp_path / "constancia.toml").write_text(format_settings(settings))
    with Served(tmp_path) as server:
        assert server.get("//gt/checkpoint").body.startswith(b"constancia.example/gt\n")
        assert server.get("//hn/checkpoint").body.startswith(b"constancia.example/hn\n1\n")
        other.now_ms = now_ms()
        note = other.sign("AxisDefined", "copret:coordinator", axis="otra", title="Otra")
        crossed = server.request("POST", "/hn/statements", note, {"content-type": STATEMENT})
        assert (crossed.status, crossed.code) == (422, "wrong-origin")
        front = server.get("//", accept="text/html")
        assert front.status == 200
        assert b"/gt/" in front.body
        assert b"/hn/" in front.body


# --- what every request meets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/gt/checkpoint", "/gt/", "/", "/healthz", "/readyz", "/metrics", "/static/favicon.svg"]
)
def test_what_can_be_read_can_be_asked_for_its_headers(served: Served, path: str) -> None:
    answer, head = served.get(f"/{path}"), served.request("HEAD", path)
    assert (head.status, head.body) == (answer.status, b"")
    assert head.headers["content-type"] == answer.headers["content-type"]


@pytest.mark.parametrize(
    "path", ["/gt/checkpoint", "/gt/api/plans", "/gt/", "/gt/en/", "/", "/healthz", "/schema", "/nowhere", "/gt/api/x"]
)
def test_every_answer_has_the_security_headers_and_sets_no_cookie(served: Served, path: str) -> None:
    answer = served.request("GET", path, headers={"accept": "text/html,*/*"})
    assert answer.status < 500
    for name in SECURITY_HEADERS:
        assert name in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nHost: a:80\r\n\r\n", 200),
        (b"\x00\x01\x02\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"POST /gt/statements HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (b"POST /gt/statements HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n", 431),
    ],
)
def test_http_that_cannot_be_read_is_refused(served: Served, sent: bytes, status: int) -> None:
    assert served.raw(sent, seconds=5).startswith(b"HTTP/1.%d %d " % (0 if b"HTTP/1.0" in sent else 1, status))
    assert served.get("//healthz").body == b"ok\n"


def test_hosts_are_compared_literally_and_never_as_patterns(folder: Path) -> None:
    settings = Settings(
        ledgers=(LedgerSettings("constancia.example/gt", "."),), hosts=("constancia.example", "[::1]"), read_timeout=2
    )
    (folder / "constancia.toml").write_text(format_settings(settings))
    with Served(folder) as server:

        def status(host: str) -> int:
            return server.request("GET", "/healthz", headers={"host": host}).status

        for good in ("constancia.example", "constancia.example:8443", "CONSTANCIA.example", "[::1]:80"):
            assert status(good) == 200, good
        for bad in ("constanciaXexample", "a.constancia.example", "constancia.example.evil", "*", ".*", "127.0.0.1"):
            assert status(bad) == 400, bad


@pytest.mark.parametrize(("trusted", "scheme"), [("127.0.0.1", "https"), ("203.0.113.9", "http"), ("", "http")])
def test_only_a_trusted_proxy_is_believed_what_it_forwards(folder: Path, trusted: str, scheme: str) -> None:
    with Served(folder, {"CONSTANCIA_TRUSTED_PROXIES": trusted} if trusted else None) as server:
        while server.get("//readyz").status != 200:
            time.sleep(0.02)
        forwarded = {"x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https", "host": "registro.example"}
        page = server.request("GET", "/gt/verificar", headers={"accept": "text/html", **forwarded}).body.decode()
        assert f"constancia audit {scheme}://registro.example/gt" in page
        assert "198.51.100.7" not in page + server.log()


def test_slow_headers_and_idle_connections_are_closed(served: Served) -> None:
    for sent in (b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"):
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", served.port), timeout=15) as connection:
            connection.sendall(sent)
            while connection.recv(65_536):
                pass
        assert time.monotonic() - begun < TIMEOUT + 3


def test_more_requests_than_it_can_take_are_told_to_come_again(folder: Path) -> None:
    settings = Settings(ledgers=(LedgerSettings("constancia.example/gt", "."),), max_requests=8, read_timeout=3)
    (folder / "constancia.toml").write_text(format_settings(settings))
    head = f"POST /gt/statements HTTP/1.1\r\nHost: a\r\nContent-Type: {STATEMENT}\r\nContent-Length: 10\r\n\r\na"
    with Served(folder) as server:
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
        for connection in held:
            connection.sendall(head.encode())
        time.sleep(0.3)
        answer = server.get("/checkpoint")
        assert (answer.status, answer.code) == (503, "busy")
        assert int(answer.headers["retry-after"]) > 0
        for path, words in (("/planes", "El servidor tiene demasiado que hacer"), ("/en/planes", "too much to do")):
            page = server.get(path, accept="text/html")
            assert (page.status, page.headers["retry-after"]) == (503, "2")
            assert page.headers["content-type"].startswith("text/html")
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert words in page.body.decode()
        assert server.get("/api/plans", accept="text/html").code == "busy"
        for connection in held:
            connection.close()
        time.sleep(0.3)
        assert server.get("/checkpoint").status == 200


def test_many_slow_senders_do_not_hold_up_an_honest_one(served: Served, world: World) -> None:
    head = f"POST /gt/statements HTTP/1.1\r\nHost: a\r\nContent-Type: {STATEMENT}\r\nContent-Length: 100\r\n\r\na"
    held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(200)]
    try:
        for connection in held:
            connection.sendall(head.encode())
        begun = time.monotonic()
        assert served.post(statement(world, "Entre muchos.")).status == 201
        assert time.monotonic() - begun < 2
    finally:
        for connection in held:
            connection.close()


def test_one_connection_serves_many_requests(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        for _ in range(20):
            connection.request("GET", "/gt/checkpoint")
            response = connection.getresponse()
            assert response.status == 200
            response.read()
    finally:
        connection.close()


# --- operations ------------------------------------------------------------------------------------------------------


def test_health_readiness_and_metrics(served: Served) -> None:
    assert served.get("//healthz").body == b"ok\n"
    assert served.get("//readyz").body == b"ready\n"
    metrics = served.get("//metrics").body.decode()
    size = re.search(r'constancia_entries\{ledger="gt"\} ([0-9.]+)', metrics)
    assert size
    assert float(size[1]) == served.size()
    assert 'constancia_writer_stopped{ledger="gt"} 0.0' in metrics
    assert 'constancia_requests_total{method="GET",status="200"}' in metrics
    # Nothing that a client chooses becomes a label.
    served.request("BREW", "/a/b/c")
    assert "BREW" not in served.get("//metrics").body.decode()


def test_when_the_published_head_is_not_ours_any_more_the_process_ends_and_says_why(folder: Path, world: World) -> None:
    """As when another server wrote the same ledger from a restored copy."""
    with Served(folder) as server:
        (folder / "public/head").write_bytes(b"constancia.example/gt\n999\nx\n\n")
        answer = server.post(statement(world))
        assert (answer.status, answer.code) == (503, "busy")
        assert server.process.wait(20) == 2
        assert "is not what this writer left there" in server.log()
        assert "Traceback" not in server.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_soon(folder: Path, world: World, number: int) -> None:
    with Served(folder) as server:
        assert server.post(statement(world)).status == 201
        size = server.size()
        begun = time.monotonic()
        assert server.stop(number) == 0
        assert time.monotonic() - begun < 5
        assert server.log() == ""
    with Served(folder) as server:
        assert server.size() == size


def test_a_schema_is_offered_without_loading_anything_from_elsewhere(served: Served) -> None:
    answer = served.get("//schema")
    assert json.loads(answer.body)["openapi"].startswith("3.")
    assert b"<script" not in answer.body


def test_a_signal_under_load_ends_it_cleanly_and_everybody_gets_an_answer(folder: Path, world: World) -> None:
    """Forty clients post without a pause. None is cut off without an answer that says whether to try again."""
    with Served(folder) as server:
        statuses: list[int] = []
        over = threading.Event()

        def post(number: int) -> None:
            for turn in range(10_000):
                if over.is_set():
                    return
                note = world.sign("AxisDefined", "copret:coordinator", axis=f"a{number}-{turn}", title="Título")
                try:
                    statuses.append(server.post(note).status)
                except OSError:
                    return

        world.now_ms = now_ms()
        threads = [threading.Thread(target=post, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        begun = time.monotonic()
        code = server.stop()
        took = time.monotonic() - begun
        over.set()
        for thread in threads:
            thread.join()
        assert code == 0
        assert took < 10
        assert set(statuses) <= {201, 503}
        assert statuses.count(201) > 20
        assert "Traceback" not in server.log()
    with Served(folder) as server:
        # What was acknowledged is there, and perhaps some whose answer got lost.
        assert server.size() >= len(world.entries) + statuses.count(201)

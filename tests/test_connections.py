"""Connections that hold others up: which are ended and which never are, decided on looks, and at a real server."""

import http.client
import resource
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from service import STATEMENT, Served, founded_lately, put_on_disk, until

from api.connections import Judge, Look, connections, end, look_at, most_connections

SECONDS = 8.0


def peer(number: int) -> tuple[str, int]:
    return ("192.0.2.1", number)


def idle(count: int) -> dict[int, Look]:
    """So many connections on which nothing moves."""
    return {number: Look(peer(number), 0, 0) for number in range(count)}


# --- the judge -------------------------------------------------------------------------------------------------------


def test_whoever_takes_nothing_is_ended_after_the_time_and_not_before() -> None:
    judge = Judge(100, SECONDS)
    stuck = {1: Look(peer(1), 500, 9_000)}
    for now in (100.0, 104.0, 107.9):
        assert judge.judge(stuck, {}, now) == {}
    assert judge.judge(stuck, {}, 108.0) == {1: "slow"}


@pytest.mark.parametrize(("rate", "ends"), [(0, True), (100, True), (1_000, True), (1_100, False), (50_000, False)])
def test_a_crawl_is_ended_and_a_slow_network_is_not(rate: int, ends: bool) -> None:
    judge = Judge(100, SECONDS)
    ended = [judge.judge({1: Look(peer(1), rate * second, 9_000)}, {}, 100.0 + second) for second in range(60)]
    assert any(ended) is ends
    if ends:
        assert ended.index({1: "slow"}) == SECONDS


def test_a_connection_that_took_everything_in_between_is_not_slow() -> None:
    judge = Judge(100, SECONDS)
    for second in range(60):
        assert judge.judge({1: Look(peer(1), second * 10, 0 if second % 5 == 0 else 10)}, {}, 100.0 + second) == {}


def test_idle_connections_are_left_alone_as_long_as_there_is_room() -> None:
    judge = Judge(100, SECONDS)
    for second in range(100):
        assert judge.judge(idle(89), {}, float(second)) == {}
    assert not judge.crowded()


def test_in_a_crowd_the_longest_silent_make_room() -> None:
    judge = Judge(100, SECONDS)
    judge.judge(idle(60), {}, 100.0)
    judge.judge(idle(89), {}, 101.0)
    ended = judge.judge(idle(95), {}, 102.0)
    assert judge.crowded()
    assert set(ended.values()) == {"crowded"}
    assert len(ended) == 20
    assert set(ended) <= set(range(60))


def test_whoever_was_answered_lately_and_whoever_came_just_now_is_not_the_first_to_go() -> None:
    judge = Judge(20, SECONDS)
    looks = idle(16)
    judge.judge(looks, {}, 100.0)
    looks[3] = Look(peer(3), 700, 0)  # an answer went there
    looks |= {number: Look(peer(number), 0, 0) for number in (16, 17, 18)}
    ended = judge.judge(looks, {}, 105.0)
    assert len(ended) == 4
    assert not {3, 16, 17, 18} & set(ended)
    assert judge.judge({number: looks[number] for number in (3, 16, 17, 18)}, {}, 105.1) == {}


def test_a_request_at_work_is_not_interrupted_unless_it_drips() -> None:
    judge = Judge(10, SECONDS)
    looks = idle(10)
    judge.judge(looks, {}, 100.0)
    working = {peer(number): 104.0 for number in range(10)}
    assert judge.judge(looks, working, 105.0) == {}
    assert len(judge.judge(looks, working, 106.0)) == 3


def test_a_socket_that_got_a_dead_ones_number_begins_anew() -> None:
    judge = Judge(100, SECONDS)
    judge.judge({1: Look(peer(1), 500, 9_000)}, {}, 100.0)
    assert judge.judge({1: Look(peer(2), 500, 9_000)}, {}, 200.0) == {}


def test_as_many_connections_as_descriptors_allow() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        assert most_connections(100) == 100
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert 4 <= most_connections(10**7) < 10**7
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- real sockets ----------------------------------------------------------------------------------------------------


def test_the_kernel_says_what_waits_and_an_ended_connection_is_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            served, _ = listener.accept()
            with served:
                served.setblocking(False)
                found = dict(seen(port))
                assert [look.peer for look in found.values()] == [client.getsockname()]
                assert [look.queued for look in found.values()] == [0]
                served.send(b"x" * 1_000)
                until(lambda: next(iter(dict(seen(port)).values())).acked >= 1_000)
                for _ in range(1_000):
                    try:
                        served.send(b"x" * 65_536)
                    except BlockingIOError:
                        break
                assert next(iter(dict(seen(port)).values())).queued > 0
                for _, each in connections(port):
                    end(each)
            until(lambda: is_closed(client))


def seen(port: int) -> Iterator[tuple[int, Look]]:
    """Every connection to a port of this process, as it looks now."""
    for number, each in connections(port):
        look = look_at(each)
        if look:
            yield number, look


def is_closed(connection: socket.socket) -> bool:
    """Has the other side ended it? Asked of the kernel: what was sent before may still wait to be read."""
    state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state in (7, 8)  # closed; or the other side sent its end


def held_by(port: int) -> set[int]:
    """The other sides' ports of all connections to `port` that the kernel still keeps for the server with data to send,
    or open: one that it gave up silently is over, though its other side was never told."""
    over = {"05", "06", "07"}  # only waiting for the other side's end; closed
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = [(row[1].rpartition(":")[2], row[2].rpartition(":")[2], row[3]) for row in rows]
    return {int(theirs, 16) for ours, theirs, state in ends if int(ours, 16) == port and state not in over}


# --- at a server -----------------------------------------------------------------------------------------------------

TIMEOUT = 2.0
HOST = b"Host: a\r\n"
HEAD = b"POST /gt/statements HTTP/1.1\r\n" + HOST + f"Content-Type: {STATEMENT}\r\n".encode()
DRIPS = {
    "nothing": (b"", b""),
    "slow header": (b"GET /healthz HTTP/1.1\r\n", b"x"),
    "slow body": (HEAD + b"Content-Length: 1000\r\n\r\n", b"x"),
    "slow chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a body that nobody reads": (b"POST /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n", b"x"),
    "idle after an answer": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n", b""),
    # Larger than what the other side has room for.
    "slow reading": (b"GET /schema HTTP/1.1\r\n" + HOST + b"\r\n", b""),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "ledger"
    put_on_disk(founded_lately(), folder, read_timeout=TIMEOUT)
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "ledger"))


def opened(port: int, small: bool = False) -> socket.socket:
    """A connection; a small one takes little at a time."""
    connection = socket.socket()
    if small:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.connect(("127.0.0.1", port))
    return connection


def test_every_kind_of_slow_connection_is_ended_while_honest_requests_are_answered(folder: Path) -> None:
    with Served(folder) as server:
        held: list[tuple[str, bytes, socket.socket]] = []
        for name, (sent, drip) in DRIPS.items():
            for _ in range(30):
                connection = opened(server.port, small=name == "slow reading")
                connection.sendall(sent)
                held.append((name, drip, connection))
        deadline = time.monotonic() + 60
        left = held
        while left:
            assert time.monotonic() < deadline, {name for name, _, _ in left}
            assert server.get("//healthz").status == 200
            held_still = held_by(server.port)
            left = [each for each in left if not is_closed(each[2]) and each[2].getsockname()[1] in held_still]
            for _, drip, connection in left:
                try:
                    connection.send(drip)
                except OSError:
                    continue
        assert "Traceback" not in server.log()
    for _, _, connection in held:
        connection.close()


def test_more_connections_than_descriptors_leave_the_server_at_work(folder: Path) -> None:
    few = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
    with Served(folder, {"CONSTANCIA_READ_TIMEOUT": "60"}, before=few) as server:
        held = [opened(server.port) for _ in range(120)]
        for _ in range(5):
            # Nobody lets go by themselves for a minute: only because others are ended is this answered.
            assert server.get("//healthz").status == 200
            assert server.get("/checkpoint").status == 200
        assert any(is_closed(connection) for connection in held)
        held += [opened(server.port) for _ in range(60)]
        assert server.get("/").status == 200
        for connection in held:
            connection.close()
        assert "Traceback" not in server.log()


def test_connections_beyond_the_setting_wait_for_others_to_end(folder: Path) -> None:
    environment = {"CONSTANCIA_MAX_CONNECTIONS": "8", "CONSTANCIA_READ_TIMEOUT": "30"}
    with Served(folder, environment) as server:
        kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for _ in range(4):
            kept.request("GET", "/healthz")
            assert kept.getresponse().read() == b"ok\n"
        held = [opened(server.port) for _ in range(30)]
        assert server.get("//healthz").status == 200
        for connection in (*held, kept):
            connection.close()

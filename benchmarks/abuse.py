"""What many, the greedy and the slow do to everybody else: the defences of the server, and the same without them.

Real servers in processes of their own, real connections, comments signed by as many citizens, each from one of many
addresses that a trusted proxy names. All limits are on; the rate of the whole ledger alone is set so high that
`comments` and `burst` do not reach it, because there everybody would be asked for work and the client would do it on
the same cores. Each ratio has its control: the same load on a server whose defence is switched off.

    python -m benchmarks.abuse defended FOLDER       a server; prints its address
    python -m benchmarks.abuse SWITCHED-OFF FOLDER   of `slow`, `queue`: the same without that defence
"""

import asyncio
import importlib
import json
import socket
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from benchmarks.limits import Limits
from benchmarks.ratio import Ratio
from benchmarks.record import LOG_KEY, ORIGIN, comments
from benchmarks.submission import prepare, running
from consultation.text import format_submission
from ledger.tlog.note import ED25519, format_vkey
from ledger.tlog.policy import Policy
from ledger.verify import verify_receipt

RATE, SECONDS = 300, 60
BURST, BURST_CONNECTIONS = 10_000, 3_000
SLOW = 800
HONEST_RATE, GREEDY_TIMES = 10, 50
# Of one address come so many comments: fewer than it may send without work.
FROM_ONE_ADDRESS = 10

OPEN = {"trusted_proxies": ("127.0.0.1",), "ledger_statements_per_minute": 1_000_000}
UNLIMITED = {"free_statements": 1_000_000, "max_requests": 100_000, "max_connections": 100_000}


class Answer(msgspec.Struct, frozen=True):
    """What came back, how long it took, and after how many seconds to try again."""

    status: int
    seconds: float
    retry_after: int
    body: bytes


class Client:
    """Kept connections to one server, which takes all addresses from this one."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.host, _, port = parts.netloc.partition(":")
        self.port = int(port)
        self.free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()
        self._path = parts.path

    async def connect(self, count: int) -> None:
        """So many more connections."""
        for _ in range(count):
            self.free.put_nowait(await asyncio.open_connection(self.host, self.port))

    def close(self) -> None:
        """End those that are free."""
        while not self.free.empty():
            self.free.get_nowait()[1].close()

    async def post(self, body: bytes, source: str, due: float | None = None) -> Answer:
        """Post a submission as if from an address; the time runs from when it was due, or from now."""
        head = (
            f"POST {self._path} HTTP/1.1\r\nhost: {self.host}\r\nx-forwarded-for: {source}\r\n"
            f"content-type: application/vnd.constancia.submission+json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return await self._ask(head.encode() + body, due)

    async def get(self, path: str, due: float | None = None) -> Answer:
        """Ask for a page."""
        return await self._ask(f"GET {path} HTTP/1.1\r\nhost: {self.host}\r\n\r\n".encode(), due)

    async def _ask(self, sent: bytes, due: float | None) -> Answer:
        begun = time.perf_counter() if due is None else due
        pair = await self.free.get()
        try:
            pair[1].write(sent)
            head = await pair[0].readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError):
            # A kept connection that idled was ended. Whether it was heard is not known, so it is sent again.
            pair[1].close()
            pair = await asyncio.open_connection(self.host, self.port)
            pair[1].write(sent)
            head = await pair[0].readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
        body = await pair[0].readexactly(int(fields[b"content-length"]))
        self.free.put_nowait(pair)
        took = time.perf_counter() - begun
        return Answer(int(head[9:12]), took, int(fields.get(b"retry-after", b"0")), body)


def submissions(first: int, count: int) -> list[bytes]:
    """So many comments as they are posted."""
    return [format_submission(each.note, each.contents) for each in comments(first, count)]


def source_of(number: int) -> str:
    """The address that a comment comes from."""
    network = number // FROM_ONE_ADDRESS
    return f"198.18.{network // 250}.{network % 250}"


def p99(seconds: Sequence[float]) -> float:
    """The 99th percentile."""
    return sorted(seconds)[int(len(seconds) * 0.99)]


async def at_rate(rate: float, count: int, ask: Callable[[int, float], Awaitable[Answer]]) -> list[Answer]:
    """Ask so many times, evenly, whether or not earlier ones were answered."""
    began = time.perf_counter() + 0.1
    waiting: list[asyncio.Task[Answer]] = []
    for number in range(count):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        waiting.append(asyncio.ensure_future(ask(number, due)))
    return list(await asyncio.gather(*waiting))


# --- many --------------------------------------------------------------------------------------------------------


def limit_to_comments(folder: Path, measured: Limits) -> Ratio:
    """250 ms / the 99th percentile to an answered receipt, at 300 signed comments a second for a minute."""
    del measured
    prepare(folder, **OPEN)
    bodies = submissions(0, RATE * SECONDS)
    with running("defended", folder, __name__) as address:
        answers = asyncio.run(_steady(address, bodies))
    policy = Policy.from_log_key(format_vkey(ORIGIN, ED25519, bytes(LOG_KEY.verify_key)))
    for answer in answers:
        if answer.status != 201:
            raise RuntimeError(f"refused: {answer.status} {answer.body[:300]!r}")
        verify_receipt(json.loads(answer.body)["receipt"].encode(), policy)
    seconds = [answer.seconds for answer in answers]
    return Ratio(
        name="comments",
        ours_is=f"1 / seconds from due to an answered receipt, 99th percentile ({p99(seconds) * 1000:.0f} ms)",
        ours=1 / p99(seconds),
        peer_is="1 / the limit (250 ms)",
        peer=1 / 0.250,
        goal=1.0,
        fair=f"{RATE} signed comments a second for {SECONDS} s from {len(bodies) // FROM_ONE_ADDRESS} addresses, "
        f"client included; median {sorted(seconds)[len(seconds) // 2] * 1000:.0f} ms, "
        f"slowest {max(seconds) * 1000:.0f} ms",
    )


async def _steady(address: str, bodies: Sequence[bytes]) -> list[Answer]:
    client = Client(address)
    await client.connect(100)
    answers = await at_rate(RATE, len(bodies), lambda n, due: client.post(bodies[n], source_of(n), due))
    client.close()
    return answers


class Burst(msgspec.Struct, frozen=True):
    """How a burst went: places given, those told to come again, and the time until each was told anything."""

    places: int
    told: Counter[int]
    without_time: int
    first: list[float]
    seconds: float


def burst_to_unlimited(folder: Path, measured: Limits) -> Ratio:
    """Seconds until each of 10,000 at once has a first word, with nothing limited / ours. None may be lost."""
    del measured
    bodies = submissions(0, BURST)
    (folder / "ours").mkdir()
    prepare(folder / "ours", **OPEN)
    with running("defended", folder / "ours", __name__) as address:
        ours = asyncio.run(_burst(address, bodies))
    (folder / "control").mkdir()
    prepare(folder / "control", **OPEN, **UNLIMITED)
    with running("queue", folder / "control", __name__) as address:
        control = asyncio.run(_burst(address, bodies))
    if not ours.told or ours.without_time:
        raise RuntimeError(f"the surplus was not told when to come again: {ours.told}, {ours.without_time}")
    if ours.places != BURST:
        raise RuntimeError(f"{BURST} comments have {ours.places} places")
    return Ratio(
        name="burst",
        ours_is=f"1 / seconds until each has a first word, 99th percentile ({p99(ours.first):.1f} s)",
        ours=1 / p99(ours.first),
        peer_is=f"1 / the same with nothing limited ({p99(control.first):.1f} s)",
        peer=1 / p99(control.first),
        goal=2.0,
        fair=f"{BURST} comments over {BURST_CONNECTIONS} connections at once; {sum(ours.told.values())} times told to "
        f"come again; all have a place, none has two, after {ours.seconds:.0f} s ({control.seconds:.0f} s with nothing "
        "limited)",
    )


async def _burst(address: str, bodies: Sequence[bytes]) -> Burst:
    client = Client(address)
    await client.connect(BURST_CONNECTIONS)
    told: Counter[int] = Counter()
    without_time = 0
    first: list[float] = []

    async def insist(number: int, begun: float) -> int:
        nonlocal without_time
        due: float | None = begun
        while True:
            answer = await client.post(bodies[number], source_of(number), due)
            if due is not None:
                first.append(answer.seconds)
            due = None
            if answer.status in (200, 201):
                return int(json.loads(answer.body)["index"])
            if answer.status not in (429, 503):
                raise RuntimeError(f"refused: {answer.status} {answer.body[:300]!r}")
            told[answer.status] += 1
            without_time += not answer.retry_after
            await asyncio.sleep(answer.retry_after * (1 + number % 100 / 100))

    begun = time.perf_counter()
    places = await asyncio.gather(*(insist(number, begun) for number in range(len(bodies))))
    seconds = time.perf_counter() - begun
    # Each again, some of them: the same submission has the same place.
    for number in range(0, len(bodies), 500):
        again = await client.post(bodies[number], source_of(number))
        if again.status != 200 or json.loads(again.body)["index"] != places[number]:
            raise RuntimeError(f"comment {number} has two places")
    client.close()
    return Burst(len(set(places)), told, without_time, first, seconds)


# --- the greedy --------------------------------------------------------------------------------------------------


def honest_beside_greedy(folder: Path, measured: Limits) -> Ratio:
    """Honest comments' 99th percentile alone / the same beside a client that sends fifty times as much."""
    del measured
    alone, beside, refused = _with_greedy(folder, "ours", {})
    control_alone, control_beside, _ = _with_greedy(folder, "control", {"free_statements": 1_000_000})
    return Ratio(
        name="greedy",
        ours_is=f"1 / honest seconds to a receipt, 99th percentile, beside the greedy client ({beside * 1000:.0f} ms)",
        ours=1 / beside,
        peer_is=f"1 / the same alone ({alone * 1000:.0f} ms)",
        peer=1 / alone,
        goal=0.5,
        fair=f"{HONEST_RATE} a second from many addresses, {HONEST_RATE * GREEDY_TIMES} from one, of which "
        f"{refused:.0%} were told to wait; control, no limits: {control_alone * 1000:.0f} ms alone, "
        f"{control_beside * 1000:.0f} ms beside",
    )


def _with_greedy(folder: Path, name: str, changed: dict[str, Any]) -> tuple[float, float, float]:
    (folder / name).mkdir()
    prepare(folder / name, **OPEN, **changed)
    with running("defended", folder / name, __name__) as address:
        return asyncio.run(_greedy(address))


async def _greedy(address: str, seconds: int = 15) -> tuple[float, float, float]:
    """Seconds of the honest alone, and beside the greedy; which part of what the greedy sent was refused."""
    honest, greedy = Client(address), Client(address)
    await honest.connect(20)
    await greedy.connect(50)
    count = HONEST_RATE * seconds
    mine = submissions(0, 2 * count + 100)
    theirs = submissions(1_000_000, count * GREEDY_TIMES)
    for number in range(100):  # files, caches and pages of code
        await honest.post(mine[2 * count + number], source_of(2 * count + number))
    alone = await at_rate(HONEST_RATE, count, lambda n, due: honest.post(mine[n], source_of(n), due))
    together = asyncio.ensure_future(
        at_rate(HONEST_RATE * GREEDY_TIMES, len(theirs), lambda n, due: greedy.post(theirs[n], "192.0.2.1", due))
    )
    beside = await at_rate(HONEST_RATE, count, lambda n, due: honest.post(mine[count + n], source_of(count + n), due))
    refused = await together
    for answer in (*alone, *beside):
        if answer.status != 201:
            raise RuntimeError(f"an honest comment was refused: {answer.status} {answer.body[:300]!r}")
    honest.close()
    greedy.close()
    return (
        p99([answer.seconds for answer in alone]),
        p99([answer.seconds for answer in beside]),
        sum(answer.status == 429 for answer in refused) / len(refused),
    )


# --- the slow ----------------------------------------------------------------------------------------------------

_HEAD = b"POST /gt/statements HTTP/1.1\r\nHost: a\r\nContent-Type: application/vnd.constancia.statement\r\n"
# What each kind of slow connection begins with, and what it drips.
KINDS = (
    (b"", b""),
    (b"GET /gt/checkpoint HTTP/1.1\r\n", b"x"),
    (_HEAD + b"Content-Length: 1000\r\n\r\n", b"x"),
    (b"GET /static/constancia.css HTTP/1.1\r\nHost: a\r\n\r\n", b""),
)


def limit_to_honest_among_slow(folder: Path, measured: Limits) -> Ratio:
    """100 ms / the 99th percentile of honest comments and pages among 800 slow connections."""
    del measured
    ours = _among_slow(folder, "ours", "defended", {})
    seconds = ours.among
    return Ratio(
        name="slow, honest",
        ours_is=f"1 / seconds to an answer, 99th percentile ({p99(seconds) * 1000:.0f} ms)",
        ours=1 / p99(seconds),
        peer_is="1 / the limit (100 ms)",
        peer=1 / 0.100,
        goal=1.0,
        fair=f"{SLOW} connections: idle, slow headers, slow bodies, slow reading, a quarter each; just before, without "
        f"them: {p99(ours.alone) * 1000:.0f} ms",
    )


def limit_to_longest_hold(folder: Path, measured: Limits) -> Ratio:
    """10 s / the longest that a slow connection was kept."""
    del measured
    longest = _among_slow(folder, "ours", "defended", {}).longest
    control = _among_slow(folder, "control", "slow", {"read_timeout": 600.0})
    return Ratio(
        name="slow, held",
        ours_is=f"1 / seconds until the last of {SLOW} slow connections was ended ({longest:.1f} s)",
        ours=1 / longest,
        peer_is="1 / the limit (10 s)",
        peer=1 / 10,
        goal=1.0,
        fair=f"control, the defence switched off: {control.left} of {SLOW} still held after {HOLD_SECONDS} s, honest "
        f"requests at {p99(control.among) * 1000:.0f} ms",
    )


HOLD_SECONDS = 15


class Among(msgspec.Struct, frozen=True):
    """Seconds of honest requests alone and among the slow; the longest that one of these was held, and how many are."""

    alone: list[float]
    among: list[float]
    longest: float
    left: int


def _among_slow(folder: Path, name: str, which: str, changed: dict[str, Any]) -> Among:
    (folder / name).mkdir()
    prepare(folder / name, **OPEN, **changed)
    with running(which, folder / name, __name__) as address:
        return asyncio.run(_slow(address))


async def _slow(address: str) -> Among:
    client = Client(address)
    await client.connect(20)
    count = 20 * HOLD_SECONDS
    bodies = submissions(0, count + 100)

    async def honest(number: int, due: float) -> Answer:
        if number % 2:
            return await client.get("/gt/checkpoint", due)
        return await client.post(bodies[number // 2], source_of(number // 2), due)

    for number in range(count, count + 100):
        await client.post(bodies[number], source_of(number))
    alone = await at_rate(20, count, honest)
    slow = [_Slow(client.host, client.port, *KINDS[number % len(KINDS)]) for number in range(SLOW)]
    dripping = asyncio.ensure_future(_drip(slow))
    answers = await at_rate(20, count, lambda number, due: honest(count + number, due))
    await dripping
    if wrong := [answer for answer in (*alone, *answers) if answer.status not in (200, 201)]:
        raise RuntimeError(f"an honest request was refused: {wrong[0].status} {wrong[0].body[:300]!r}")
    client.close()
    held = [each.held for each in slow]
    for each in slow:
        each.connection.close()
    return Among(
        [answer.seconds for answer in alone],
        [answer.seconds for answer in answers],
        max(each or HOLD_SECONDS for each in held),
        held.count(None),
    )


class _Slow:
    """One slow connection, and how long it was held."""

    def __init__(self, host: str, port: int, begins: bytes, drips: bytes) -> None:
        self.connection = socket.socket()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.connection.connect((host, port))
        self.connection.setblocking(False)
        self.connection.send(begins)
        self.begun = time.perf_counter()
        self.held: float | None = None
        self._drips = drips

    def drip(self) -> None:
        """One drop more, unless the other side has ended it."""
        if self.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1:
            self.held = time.perf_counter() - self.begun
            return
        try:
            self.connection.send(self._drips)
        except OSError:
            return  # the next look tells why


async def _drip(slow: Sequence[_Slow]) -> None:
    end = time.perf_counter() + HOLD_SECONDS
    while time.perf_counter() < end:
        for number, each in enumerate(slow):
            if each.held is None:
                each.drip()
            if number % 50 == 49:
                await asyncio.sleep(0)  # the honest have their turn
        await asyncio.sleep(0.25)


# --- the servers -------------------------------------------------------------------------------------------------


@contextmanager
def _unwatched(app: Any, *_: object) -> Generator[Any]:
    yield app


def serve(which: str, folder: Path) -> None:
    """The real server, or the same with one defence switched off."""
    from api import app
    from api.settings import load_settings

    listening: Any = importlib.import_module("api.listening")
    log: Any = importlib.import_module("ledger.log")
    if which == "slow":
        listening.watched = _unwatched
    if which == "queue":
        log.Limits = partial(log.Limits, waiting_statements=10**9, waiting_bytes=10**12)
    settings = load_settings(folder, {})
    path = settings.ledgers[0].path
    app.serve(settings, port=0, ready=lambda base: print(f"{base}{path}/statements", flush=True))


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))

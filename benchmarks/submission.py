"""Statements over HTTP: registered, durable, in the tree and published, against a handler that only looks at them.

Both servers are processes of their own on the same web server with the same number of connections, and get the same
notes. Ours answers when the statement is under a published head, with its receipt. The peer decodes the statement,
verifies its signature and answers; it keeps nothing. The client runs on the same cores: it takes its share from both.

What bounds ours on two cores, measured by thread while it runs: the event loop takes 0.6 of a core, the writer 0.3, the
projector 0.2, the web server's own threads 0.15, and half a core stays idle. One interpreter lock is handed between
them at every signature check and every call of SQLite; neither more connections (200 to 1,000) nor another switch
interval (0.1 to 5 ms) nor rows inserted by the dozen changes the rate by a tenth. The projector in a process of its
own would be the next step.

    python -m benchmarks.submission ours FOLDER      one of the two servers; prints its address
    python -m benchmarks.submission peer FOLDER
"""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from benchmarks.limits import Limits
from benchmarks.ratio import Ratio, alternate
from benchmarks.record import LOG_KEY, ORIGIN, evidence, make_ledger
from ledger.statement import open_statement
from tests import world

# A head is signed at most every 50 ms, so fewer callers would measure how long they wait and not how much is done.
CONNECTIONS = 400
WARM_UP_SECONDS = 0.5
SECONDS = 3.0
STUCK_SECONDS = 60
NOTES = 25_000


def durable_to_only_verified(folder: Path, measured: Limits) -> Ratio:
    """Signed statement over HTTP, durable, in the tree and published / a handler that only decodes and verifies."""
    del measured
    prepare(folder)
    used = 0

    def ours() -> float:
        nonlocal used
        notes = list(evidence(used, NOTES))
        used += NOTES
        with running("ours", folder) as address:
            return asyncio.run(asyncio.wait_for(answers_a_second(address, notes), STUCK_SECONDS))

    def peer() -> float:
        with running("peer", folder) as address:
            return asyncio.run(asyncio.wait_for(answers_a_second(address, list(evidence(0, NOTES))), STUCK_SECONDS))

    ours_rate, peer_rate = alternate(ours, peer)
    return Ratio(
        name="submission",
        ours_is="statement posted, verified, judged, durable, in the tree, published; answered with its receipt",
        ours=ours_rate,
        peer_is="the same web server, decoding and verifying the same statements, keeping nothing",
        peer=peer_rate,
        goal=0.80,
        fair=f"{CONNECTIONS} connections; the client shares the cores with the server",
    )


def prepare(folder: Path, **settings: Any) -> None:
    """A founded ledger with its keys and settings, as `constancia serve` wants it; other settings, if it is there."""
    from api.keyfiles import make_key_file
    from api.settings import FILE_NAME, LedgerSettings, Settings, format_settings

    make_ledger(folder, 0)
    keys = folder / "keys"
    keys.mkdir(exist_ok=True)
    for name, key in (("log", LOG_KEY), ("desk", world.key_of("desk"))):
        if not (keys / name).exists():
            make_key_file(keys / name, None, key)
    (folder / FILE_NAME).write_text(format_settings(Settings(ledgers=(LedgerSettings(ORIGIN),), **settings)), "utf-8")


@contextmanager
def running(which: str, folder: Path, module: str = "benchmarks.submission") -> Generator[str]:
    """One of the servers of a module while it runs; gives the address to post to."""
    command = [sys.executable, "-m", module, which, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError(f"the server `{which}` did not start")
            yield address
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    """Ends the server. Asked more than once: a signal that comes while the event loop is flooded can get lost."""
    for _ in range(STUCK_SECONDS):
        process.terminate()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()


# --- the client ---------------------------------------------------------------------------------------------------


class _Client(asyncio.Protocol):
    """One kept connection that posts the next note as soon as the last was answered."""

    def __init__(self, load: "_Load") -> None:
        self.load = load
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._post()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self.buffer = b""
        self.load.answered(head, body)
        self._post()

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.lost(exc)

    def _post(self) -> None:
        note = next(self.load.notes, None)
        if note is None or self.load.over:
            self.load.end()
        elif self.transport:
            self.transport.write(self.load.head % len(note) + note)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise RuntimeError(f"an answer of unknown length: {head!r}")


class _Load:
    """What all connections share."""

    def __init__(self, address: str, notes: Sequence[bytes]) -> None:
        parts = urlsplit(address)
        self.head = (
            f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
            "content-type: application/vnd.constancia.statement\r\ncontent-length: %d\r\n\r\n"
        ).encode()
        self.notes = iter(notes)
        self.done = asyncio.get_running_loop().create_future()
        self.over = False
        self.count = 0
        self.last = 0.0

    def answered(self, head: bytes, body: bytes) -> None:
        if not head.startswith(b"HTTP/1.1 201"):
            self._fail(RuntimeError(f"refused: {head[:100]!r} {body[:300]!r}"))
        self.count += 1
        self.last = time.perf_counter()

    def lost(self, why: Exception | None) -> None:
        if not self.over:
            self._fail(why or RuntimeError("the server closed a connection"))

    def end(self) -> None:
        self.over = True
        if not self.done.done():
            self.done.set_result(None)

    def _fail(self, why: Exception) -> None:
        self.over = True
        if not self.done.done():
            self.done.set_exception(why)


async def answers_a_second(address: str, notes: Sequence[bytes]) -> float:
    """Posts the notes over many connections; answers a second, those of the first moments left out."""
    load = _Load(address, notes)
    loop = asyncio.get_running_loop()
    host, _, port = urlsplit(address).netloc.partition(":")
    pairs = [await loop.create_connection(lambda: _Client(load), host, int(port)) for _ in range(CONNECTIONS)]
    await asyncio.sleep(WARM_UP_SECONDS)
    start, before = time.perf_counter(), load.count
    loop.call_later(SECONDS, load.end)
    await load.done
    end, after = load.last, load.count
    for transport, _ in pairs:
        transport.abort()
    return (after - before) / (end - start)


# --- the servers --------------------------------------------------------------------------------------------------


def _say(address: str) -> None:
    print(address, flush=True)


def serve_ours(folder: Path) -> None:
    """The real server."""
    from api.app import serve
    from api.settings import load_settings

    settings = load_settings(folder, {})
    serve(settings, port=0, ready=lambda base: _say(f"{base}{settings.ledgers[0].path}/statements"))


def serve_peer() -> None:
    """The same web server and framework, with one handler that decodes and verifies."""
    import socket

    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server
    from litestar import Litestar, Request, Response, post

    @post("/statements")
    async def submit(request: Request[Any, Any, Any]) -> Response[bytes]:
        opened = open_statement(await request.body(), ORIGIN)
        return Response(b'{"identity":"%b"}' % opened.identity.encode(), media_type="application/json")

    # As in api.app: under load the event loop's own way to hear of a signal can lose it.
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ended.set())

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def run() -> None:
        server = Server(
            cast("Any", Litestar([submit], openapi_config=None)),
            address="127.0.0.1",
            port=port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=False,
            backlog=1_024,
            log_enabled=False,
        )
        serving = asyncio.create_task(server.serve())
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.01)
        writer.close()
        _say(f"http://127.0.0.1:{port}/statements")
        while not ended.is_set():
            await asyncio.sleep(0.1)
        server.stop()
        await serving

    asyncio.run(run())


if __name__ == "__main__":
    if sys.argv[1] == "ours":
        serve_ours(Path(sys.argv[2]))
    else:
        serve_peer()

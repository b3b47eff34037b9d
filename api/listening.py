"""A listening socket, and what a stranger may do at it: shared by the server of ledgers and that of a witness.

    listen(app, host, port, …)      serve an ASGI application until SIGTERM, SIGINT, or until it is told to end
    read_body(receive, …)           the raw body of a request, within a limit of bytes and of time
    free_port(host, port)           the port, if nobody listens there

Plain HTTP/1.1, where slow headers and idle connections can be timed out; HTTP/2 and TLS are the reverse proxy's.
Loads no web framework, and the server's own extension only when it listens.
"""

import asyncio
import re
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from api.connections import most_connections, watched
from api.problems import Problem
from ledger.errors import CannotRun, reason

# Answers that are no pages may load and show nothing at all; pages bring their own policy.
SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

# Connections that may be open, and those that may wait to be accepted.
MAX_CONNECTIONS = 4_096
BACKLOG = 1_024

_LENGTH = re.compile("[0-9]{1,18}")


def listen(
    app: Any,
    host: str,
    port: int,
    *,
    read_timeout: float,
    halt: threading.Event,
    ready: Callable[[str], None] | None = None,
    max_connections: int = MAX_CONNECTIONS,
) -> None:
    """Serve an ASGI application until a signal, or until `halt` is set by another thread.

    Headers that take longer than `read_timeout` seconds are cut off, and so are connections that idle as long, or take
    an answer at a crawl (api.connections). More than `max_connections` wait until others end; fewer, where the machine
    gives this process fewer descriptors. `ready` is called with the address when requests are taken. Call it in the
    main thread: signals go there.
    """
    most = most_connections(max_connections)
    with watched(app, port, most, read_timeout) as looked_after:
        asyncio.run(_listen(looked_after, host, port, read_timeout, halt, ready, most))


async def _listen(
    app: Any,
    host: str,
    port: int,
    read_timeout: float,
    halt: threading.Event,
    ready: Callable[[str], None] | None,
    most: int,
) -> None:
    # Imported here: it brings its own extension and is not needed to build the application.
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.server.embed import Server

    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        # Connections, not requests. One more is not accepted, so that descriptors cannot run out: without this the
        # server would try to accept it again and again, and do nothing else.
        backpressure=most,
        log_enabled=False,
        http1_settings=HTTP1Settings(header_read_timeout=int(read_timeout * 1000), max_buffer_size=65_536),
    )

    # Not `loop.add_signal_handler`: that tells the loop by a byte in the same pipe as everything else that wakes it,
    # and under load the pipe may be full, and the signal lost.
    def end(_number: int, _frame: object) -> None:
        halt.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}

    async def watch() -> None:
        """End on a signal, or when told to; say when the first connection is taken."""
        said = ready is None
        while not halt.is_set():
            if not said and await _answers(host, port):
                said = True
                if ready:
                    ready(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
            await asyncio.sleep(0.1 if said else 0.01)
        server.stop()

    watching = asyncio.create_task(watch())
    try:
        await server.serve()
    finally:
        watching.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


async def _answers(host: str, port: int) -> bool:
    """Is a connection taken?"""
    try:
        _, writer = await asyncio.open_connection({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)
    except OSError:
        return False
    writer.close()
    return True


def free_port(host: str, port: int) -> int:
    """The port, if nobody listens there; a free one for 0. Raises CannotRun, naming the port and the way out."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        why_es, why_en = reason(error)
        raise CannotRun(
            f"«{host}» no es una dirección en la que se pueda escuchar: {why_es}.",
            f"“{host}” is no address to listen on: {why_en}.",
            "Dé otra en `host`, o con --host.",
            "Give another in `host`, or with --host.",
        ) from None
    with socket.socket(family, kind, protocol) as probe:
        # As the server will: an old connection that is still closing is no reason to wait.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            why_es, why_en = reason(error)
            other = port + 1 if 0 < port < 65535 else 8000
            raise CannotRun(
                f"No se puede escuchar en {host}, puerto {port}: {why_es}.",
                f"Cannot listen on {host}, port {port}: {why_en}.",
                f"Detenga lo que lo usa, o elija otro: --port {other}   (--port 0 busca uno libre)",
                f"Stop what uses it, or choose another: --port {other}   (--port 0 finds a free one)",
            ) from None
        return probe.getsockname()[1]


# --- reading a body --------------------------------------------------------------------------------------------------


async def read_body(receive: Callable[[], Awaitable[Any]], announced: str | None, limit: int, seconds: float) -> bytes:
    """The raw body, at most `limit` bytes within `seconds`. Raises Problem: 413, 408, or 400 for a lost connection.

    `announced` is the Content-Length, if there is one: a body that announces too much is refused before any of it is
    read.
    """
    if announced is not None:
        if not _LENGTH.fullmatch(announced):
            raise Problem(400, "Content-Length is not a number.")
        if int(announced) > limit:
            raise _too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message: Any = await receive()
                if message["type"] != "http.request":
                    raise Problem(400, "The connection was lost before the end of the body.")
                body += message.get("body", b"")
                if len(body) > limit:
                    raise _too_large(limit)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Problem(408, f"The body did not come within {seconds:g} seconds.") from None


def _too_large(limit: int) -> Problem:
    return Problem(413, f"The limit is {limit} bytes.", "too-large", "transport")

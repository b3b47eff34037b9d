"""The server of a witness: any C2SP log may ask it to cosign that its tree has only grown.

Spec: c2sp.org/tlog-witness; what is asked in which order stands in `ledger.tlog.witness`

    POST /add-checkpoint            200 the cosignature, or the log's size (409), or why not
    GET  /<hash>/checkpoint         the latest checkpoint cosigned; <hash> = SHA-256 of the log's origin, hexadecimal
    GET  /                          for people: what this is, its key, the logs and their sizes, evidence
    GET  /healthz                   200, or 503 once nothing is cosigned any more

    400  not of the format, longer than 64 KiB, or `old` over the size       408  the body did not come in time
    403  no trusted key of the log signed                                    422  the tree has not only grown
    404  no such log, path or checkpoint                                     503  too many requests, the clock went
    405  another method                                                           back, or the state cannot be written
    409  `old` is not the size cosigned last; type text/x.tlog.size

An answer 200 says what is on the disk already (`api.witness_state`). When the state cannot be written, 503 is answered
and the process ends, because nobody then knows what the disk kept. No web framework, no session, nobody's address is
kept. TLS and limits by address are the reverse proxy's.
"""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from nacl.signing import SigningKey

from api.listening import SECURITY_HEADERS, free_port, listen, read_body
from api.problems import Problem, prefers_english
from api.tiles import Receive, Scope, Send, header
from api.witness_page import CONTENT_SECURITY, witness_page
from api.witness_state import Evidence, State
from ledger.errors import CannotRun
from ledger.tlog.cosignature import cosign
from ledger.tlog.errors import Declined, Malformed
from ledger.tlog.note import SignatureLine, Verifier, format_line
from ledger.tlog.policy import Log
from ledger.tlog.witness import (
    ADD_CHECKPOINT,
    MAX_BODY,
    SIZE_TYPE,
    format_tree_size,
    monitoring_path,
    open_request,
    parse_add_checkpoint,
)

_logger = logging.getLogger("constancia.witness")

PLAIN = "text/plain; charset=utf-8"

# How long requests at work may take to be answered when the server ends.
DRAIN_SECONDS = 5.0

_MONITORING = re.compile("[0-9a-f]{64}/checkpoint")


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes
    media_type: str = PLAIN
    headers: Mapping[str, str] = {}


class Witness:
    """A witness: its key, the logs that it watches, and what it has seen of them."""

    def __init__(self, verifier: Verifier, key: SigningKey, logs: Sequence[Log], state: State, url: str = "") -> None:
        """`verifier` is the public half of `key`, with the witness's name; `url` the address that it is known by."""
        self.verifier = verifier
        self.logs = tuple(logs)
        self.state = state
        self.url = url
        self._key = key
        self._keys: dict[str, list[Verifier]] = {}
        for log in logs:
            self._keys.setdefault(log.verifier.name, []).append(log.verifier)

    def add_checkpoint(self, body: bytes, now: int) -> bytes:
        """Judge a request at a time in POSIX seconds, and return the cosignature line of the answer 200.

        Raises Malformed (answer 400), Declined (its status), CannotRun (503, and nothing more is cosigned).
        """
        request = parse_add_checkpoint(body)
        signed = open_request(request, lambda origin: self._keys.get(origin, ()))
        return format_line(self.state.advance(request, signed, now, self._cosign)).encode()

    def _cosign(self, text: bytes, at: int) -> SignatureLine:
        return cosign(self.verifier.name, self._key, text, at)


# --- HTTP ------------------------------------------------------------------------------------------------------------


class Application:
    """The ASGI application of a witness."""

    def __init__(self, witness: Witness, *, threads: int, max_requests: int, read_timeout: float) -> None:
        """`read_timeout` in seconds is for a body; more than `max_requests` at one time are answered 503."""
        self._witness = witness
        self._threads = ThreadPoolExecutor(threads, "witness")
        self._most = max_requests
        self._read_timeout = read_timeout
        self._at_work = 0
        self._closing = False
        self._checkpoints = {monitoring_path(log.verifier.name): log.verifier.name for log in witness.logs}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or take part in the server's beginning and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        self._at_work += 1
        try:
            answer = await self._answer(scope, receive)
        except Exception:
            # A bug of ours. Nothing of what was sent goes into the log.
            _logger.exception("a request failed")
            answer = Answer(500, b"The failure was noted; please tell the operator.\n")
        try:
            await _send(answer, scope, send)
        finally:
            self._at_work -= 1

    async def _live(self, receive: Receive, send: Send) -> None:
        """Say that we are ready; at the end wait until requests at work are answered."""
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._closing = True
        deadline = time.monotonic() + DRAIN_SECONDS
        while self._at_work and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        self._threads.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path: str = scope["path"].removeprefix("/")
        allowed = ("POST",) if path == ADD_CHECKPOINT else ("GET", "HEAD")
        if self._at_work > self._most or self._closing:
            return _not_now("too many requests at once, or the server is ending")
        if path != ADD_CHECKPOINT and path not in ("", "healthz") and not _MONITORING.fullmatch(path):
            return Answer(404, b"There is nothing here.\n")
        if scope["method"] not in allowed:
            return Answer(405, b"Another method is asked for.\n", headers={"allow": ", ".join(allowed)})
        if path == ADD_CHECKPOINT:
            return await self._add_checkpoint(scope, receive)
        if path == "healthz":
            return _not_now(self._witness.state.stopped.detail) if self._witness.state.stopped else Answer(200, b"ok\n")
        return self._show_checkpoint(path) if path else self._show_page(scope)

    async def _add_checkpoint(self, scope: Scope, receive: Receive) -> Answer:
        try:
            body = await read_body(receive, header(scope, b"content-length") or None, MAX_BODY, self._read_timeout)
        except Problem as problem:
            # To this protocol a request that is too long is one that is not of the format.
            status = 400 if problem.status == 413 else problem.status
            return Answer(status, f"{problem.detail}\n".encode(), headers={"connection": "close"})
        loop = asyncio.get_running_loop()
        try:
            return Answer(200, await loop.run_in_executor(self._threads, self._judge, body))
        except Malformed as error:
            return Answer(400, f"{error.reason}: {error.message}\n".encode())
        except Declined as declined:
            if declined.status == 503:
                _logger.error("not now: %s", declined.message)
                return _not_now(declined.message)
            if declined.size is not None:
                return Answer(declined.status, format_tree_size(declined.size), SIZE_TYPE)
            return Answer(declined.status, f"{declined.reason}: {declined.message}\n".encode())
        except CannotRun as error:
            return _not_now(error.detail)

    def _judge(self, body: bytes) -> bytes:
        # The clock is read when the request's turn comes, not when its first byte came.
        return self._witness.add_checkpoint(body, int(time.time()))

    def _show_checkpoint(self, path: str) -> Answer:
        head = self._witness.state.heads.get(self._checkpoints.get(path, ""))
        if head is None:
            return Answer(404, b"No checkpoint of such a log was cosigned here.\n")
        return Answer(200, head.note, headers={"cache-control": "no-cache"})

    def _show_page(self, scope: Scope) -> Answer:
        asked = scope["query_string"]
        english = asked == b"lang=en" or (asked != b"lang=es" and prefers_english(header(scope, b"accept-language")))
        witness = self._witness
        page = witness_page(witness.verifier, witness.url, witness.logs, witness.state, "en" if english else "es")
        headers = {
            "cache-control": "no-cache",
            "vary": "accept-language",
            "content-language": "en" if english else "es",
            "content-security-policy": CONTENT_SECURITY,
        }
        return Answer(200, page.encode(), "text/html; charset=utf-8", headers)


def _not_now(why: str) -> Answer:
    return Answer(503, f"{why}\n".encode(), headers={"retry-after": "5"})


async def _send(answer: Answer, scope: Scope, send: Send) -> None:
    headers = {
        "content-type": answer.media_type,
        "content-length": str(len(answer.body)),
        "cache-control": "no-store",
        "access-control-allow-origin": "*",
        **SECURITY_HEADERS,
        **answer.headers,
    }
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})


# --- serving ---------------------------------------------------------------------------------------------------------


def serve_witness(
    witness: Witness,
    host: str,
    port: int,
    *,
    threads: int,
    max_requests: int,
    read_timeout: float,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is called with the address when requests are taken. Closes the state.

    Raises CannotRun: the port is taken, or the state could not be written while serving.
    """
    state = witness.state
    halt = threading.Event()
    state.on_stopped = halt.set
    state.on_evidence = _report_evidence
    try:
        port = free_port(host, port)
        app: Any = Application(witness, threads=threads, max_requests=max_requests, read_timeout=read_timeout)
        listen(app, host, port, read_timeout=read_timeout, halt=halt, ready=ready)
    finally:
        state.close()
    if state.stopped:
        raise state.stopped


def _report_evidence(found: Evidence) -> None:
    what = "two histories" if found.kind == "fork" else "a proof that does not hold"
    _logger.critical("evidence %d: %s of %s at size %d", found.number, what, found.origin, found.size)

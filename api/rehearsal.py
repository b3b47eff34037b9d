"""Would the rulebook admit this? A statement is tried before anybody signs it.

    POST /gt/mesa/ensayo    application/vnd.constancia.unsigned    200 {"admissible": true, "size": 812}

What is posted is the text that would be signed (FORMAT.md, "Statement"): origin and JSON, each with its line feed, and
no signature. It is judged as the next entry, received now: bytes, form and every rule but that of the signatures
themselves (A2 still asks whether the keys named are in force). A refusal is answered as that of a statement is
(`api.problems`). Nothing is kept, and nothing can be registered from it: an unsigned text is no statement.

The answer is good for the moment at which it is given. What comes in between is judged when the statement comes.
"""

import asyncio
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
from litestar import Request, Response, Router, post

from api.details import in_spanish
from api.listening import read_body
from api.problems import Problem, prefers_english
from ledger.docket import Docket
from ledger.errors import Refused
from ledger.rulebook import check_admissible
from ledger.statement import Opened, decode_line

UNSIGNED = "application/vnd.constancia.unsigned"
MAX_TEXT = 65_510  # that of a note, whose text is shorter


def unsigned(text: bytes, origin: str) -> Opened:
    """The statement of a text that nobody has signed, for the ledger `origin`. Raises Refused."""
    first, _, rest = text.partition(b"\n")
    if first != origin.encode():
        raise Refused("wrong-origin", "A1", f"this is for another ledger than {origin!r}")
    line, end, more = rest.partition(b"\n")
    if not end or more:
        raise Refused("not-json", "FORMAT.md, Statement", "the text of a statement has two lines: origin and object")
    return Opened(origin, decode_line(line), sha256(text).hexdigest(), b"", line)


def rehearse(text: bytes, docket: Docket, now_ms: int) -> None:
    """Raise Refused unless the statement of this unsigned text may become the next entry at this moment."""
    check_admissible(unsigned(text, docket.origin), max(now_ms, docket.last_received), docket)


class Rehearsed(msgspec.Struct, frozen=True):
    """The rulebook admits it, after so many entries."""

    admissible: bool
    size: int


def _told(refused: Refused, accept_language: str) -> Problem:
    """The refusal for whoever reads it: what was found too is in their language, where there are words for it."""
    problem = Problem.of(refused)
    if not prefers_english(accept_language):
        problem.detail = in_spanish(problem.detail)
    return problem


def router(path: str, docket: Callable[[], Docket], read_timeout: float) -> Router:
    """The route of one ledger, below its path. `docket` gives what the rulebook knows now."""

    @post(
        "/mesa/ensayo",
        summary="Whether a statement would be admitted, before anybody signs it",
        description="The body is the text that would be signed: origin and JSON, without signature lines.",
        request_max_body_size=None,
        status_code=200,
        tags=["statements"],
    )
    async def try_out(request: Request[Any, Any, Any]) -> Response[bytes]:
        if request.headers.get("content-type", "").lower() != UNSIGNED:
            raise Problem(415, f"What is tried out is posted as {UNSIGNED}.", "media-type", "transport")
        body = await read_body(request.receive, request.headers.get("content-length"), MAX_TEXT, read_timeout)
        known = docket()
        try:
            await asyncio.to_thread(rehearse, body, known, time.time_ns() // 1_000_000)
        except Refused as error:
            raise _told(error, request.headers.get("accept-language", "")) from None
        answer = msgspec.json.encode(Rehearsed(True, known.size))
        return Response(answer, media_type="application/json", headers={"cache-control": "no-store"})

    return Router(f"/{path}", route_handlers=[try_out])

"""The published files over HTTP: a small ASGI application that any static server or CDN could take the place of.

It serves the folder `public/` of one ledger below the ledger's path, and nothing else: a path is first held against
the grammar of published files, so it is never joined to a folder blindly. No redirects, no cookies, no listing.

    checkpoint, head                text/plain            no-cache
    tile/…                          octet-stream          a year, immutable
    checkpoints/<day>               octet-stream          no-cache today, then a year, immutable
    contents/<N>                    JSON lines            no-store: a content may be withheld at any time
    timestamps/<size>/<hex>.tsr     timestamp-reply       a year, immutable
    timestamps/index                text/plain            no-cache
    policy                          text/plain            no-cache
    ledger.json                     JSON                  no-cache

Formats: log-formats, sections 6 and 7; c2sp.org/tlog-tiles; of time stamps RFC 3161, section 3.4. Everything is public:
any page may read it (CORS).
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from api.problems import Problem
from ledger.published import STAMP_INDEX, Folder, is_stamp_path

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

FOR_EVER = "public, max-age=31536000, immutable"
OCTETS = "application/octet-stream"
STAMP = "application/timestamp-reply"

_OWN = {
    "checkpoint": ("text/plain; charset=utf-8", "no-cache"),
    "head": ("text/plain; charset=utf-8", "no-cache"),
    "policy": ("text/plain; charset=utf-8", "no-cache"),
    "ledger.json": ("application/json", "no-cache"),
    STAMP_INDEX: ("text/plain; charset=utf-8", "no-cache"),
}


def type_and_caching(path: str, today: str) -> tuple[str, str]:
    """Content type and Cache-Control of a published path; `today` is the UTC day, `YYYY-MM-DD`."""
    if path in _OWN:
        return _OWN[path]
    if path.startswith("contents/"):
        return "application/jsonl", "no-store"
    if is_stamp_path(path):
        return STAMP, FOR_EVER
    if path == f"checkpoints/{today}":
        return OCTETS, "no-cache"
    return OCTETS, FOR_EVER


async def serve_file(folder: Folder, path: str, scope: Scope, send: Send) -> None:
    """Answer GET or HEAD of one published path from the folder; 404 and 405 otherwise."""
    method = scope["method"]
    if method not in ("GET", "HEAD"):
        await send_problem(Problem(405, "Published files are only read."), scope, send, {"allow": "GET, HEAD"})
        return
    content = folder.read(path)
    if content is None:
        await send_problem(Problem(404, "There is no such published file."), scope, send)
        return
    media_type, caching = type_and_caching(path, f"{datetime.now(UTC):%Y-%m-%d}")
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", caching.encode()),
        (b"access-control-allow-origin", b"*"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content if method == "GET" else b""})


async def send_problem(problem: Problem, scope: Scope, send: Send, more: dict[str, str] | None = None) -> None:
    """Answer with a problem from a place that has no framework around it."""
    body = problem.body(header(scope, b"accept-language"))
    headers = problem.headers() | {"content-length": str(len(body)), "access-control-allow-origin": "*"} | (more or {})
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def header(scope: Scope, name: bytes) -> str:
    """The first header of this (lower-case) name, or the empty string."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""

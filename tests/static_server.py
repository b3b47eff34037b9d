"""A plain web server over published files in memory, below /gt, that a test can make misbehave or change while it runs.

with served(files) as server:
    RemoteLedger(server.url)
"""

import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from second_writer import Files

Behave = Callable[[BaseHTTPRequestHandler, str, int], bool]
"""Answers a request for a path, the n-th for it, in a special way; False: as usual."""


class StaticServer(ThreadingHTTPServer):
    """A plain web server over files in memory, below /gt, that a test can make misbehave."""

    daemon_threads = True

    def __init__(self, files: Files, behave: Behave | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.behave = behave
        self.asked: Counter[str] = Counter()
        self.clients: set[tuple[str, int]] = set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/gt"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StaticServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        path = self.path.removeprefix("/gt/")
        with self.server.lock:
            self.server.asked[path] += 1
            self.server.clients.add(self.client_address)
            number = self.server.asked[path]
        if self.server.behave and self.server.behave(self, path, number):
            return
        raw = self.server.files.get(path)
        self.answer(404 if raw is None else 200, raw or b"")

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def served(files: Files, behave: Behave | None = None) -> Generator[StaticServer]:
    server = StaticServer(files, behave)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> bool:
    assert isinstance(handler, Handler)
    handler.answer(status, body, **headers)
    return True

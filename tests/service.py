"""A running server to test against: a founded ledger on disk, the real process, a real HTTP client.

world = founded_lately()                       the world of tests/world.py, founded ten minutes ago
settings = put_on_disk(world, folder)          journal, vault, published files, keys, constancia.toml
with Served(folder) as server:
    answer = server.post(world.sign(…))
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self, cast

import world as worlds
from world import ORIGIN, World, found, key_of

from api.keyfiles import format_key_file
from api.settings import LedgerSettings, Settings, format_settings
from consultation.desk import Desk
from consultation.text import SaltedContent, format_submission
from consultation.vault import Vault
from ledger.log import Clock, Log
from ledger.published import Folder

STATEMENT = "application/vnd.constancia.statement"
SUBMISSION = "application/vnd.constancia.submission+json"


def now_ms() -> int:
    """The machine's clock."""
    return time.time_ns() // 1_000_000


def founded_lately(*, round_open: bool = True, ago_ms: int = 600_000) -> World:
    """The founded world as if it had begun ten minutes ago, so that a server with a real clock goes on from it."""
    original = worlds.World
    worlds.World = partial(World, now_ms=now_ms() - ago_ms)  # type: ignore[misc,assignment]
    try:
        world = found()
    finally:
        worlds.World = original
    if round_open:
        world.open_round()
    return world


def put_on_disk(
    world: World,
    folder: Path,
    *,
    as_received: bool = False,
    contents: Mapping[int, list[SaltedContent]] = MappingProxyType({}),
    **changed: Any,
) -> Settings:
    """A ledger's folder with everything that the world said; returns its settings, also in constancia.toml.

    All of it comes in at the world's last moment, or, with `as_received`, each at its own. `contents` come with
    the entries of these indexes.
    """
    (folder / "keys").mkdir(parents=True)
    for name in ("log", "desk"):
        path = folder / "keys" / name
        path.touch(0o600)
        path.write_bytes(format_key_file(key_of(name), None))
    settings = Settings(ledgers=(LedgerSettings(world.origin, "."),), **changed)
    (folder / "constancia.toml").write_text(format_settings(settings), "utf-8")
    with closing(Vault.open(folder / "vault.db", create=True)) as vault:
        desk = Desk(world.origin, vault, Folder(folder / "public"), key_of("desk"))
        now = [world.now_ms]
        clock = Clock(wall_ms=lambda: now[0], monotonic=lambda: now[0] / 1000)
        with Log.open(
            world.origin,
            journal=folder / "journal.db",
            published=folder / "public",
            log_key=key_of("log"),
            contents=desk,
            desk_key=desk.public_key,
            create=True,
            clock=clock,
        ) as log:
            desk.open(log)
            for entry in world.entries if as_received else ():
                now[0] = entry.received_ms
                said = contents.get(entry.index, [])
                assert desk.submit(entry.opened.note, said).result(30).index == entry.index
            waiting = [desk.submit(entry.opened.note, contents.get(entry.index, [])) for entry in world.entries]
            assert [each.result(30).index for each in waiting] == list(range(len(waiting)))
    return settings


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The code of a problem."""
        return cast("str | None", self.json.get("code"))


START = """
import logging, os, sys
from pathlib import Path
from api.app import serve
from api.settings import load_settings
from ledger.errors import CannotRun
logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
try:
    serve(load_settings(Path(sys.argv[1]), os.environ), port=int(sys.argv[2]), ready=lambda at: print(at, flush=True))
except CannotRun as error:
    print(error.detail, "|", error.advice, file=sys.stderr)
    sys.exit(2)
"""


def until(true: Callable[[], object], seconds: float = 30, pause: float = 0.05) -> None:
    """Wait until something is so; it must be in the end."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(pause)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast("int", probe.getsockname()[1])


class Served:
    """The real server over a folder, in a process of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None, before: str = "") -> None:
        """`before` is Python that the process runs first."""
        self.folder = folder
        self._before = before
        self.port = free_port()
        self.path = "/" + ORIGIN.rpartition("/")[2]
        self._environment = {**os.environ, **(environment or {})}
        self._log = folder / "server.log"

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", self._before + START, str(self.folder), str(self.port)],
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
            )
        assert self.process.stdout
        self.address = self.process.stdout.readline().decode().strip()
        if not self.address:
            self.process.wait(30)
            self.process.stdout.close()
            raise AssertionError(f"the server did not start: {self.log()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()
        if self.process.stdout:
            self.process.stdout.close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process by a signal; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def log(self) -> str:
        """What the process wrote to its log."""
        return self._log.read_text("utf-8", "replace")

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """GET a path below the ledger's (or any, when it starts with //)."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("GET", path[1:] if path.startswith("//") else self.path + path, headers=headers)

    def post(self, note: bytes, contents: list[SaltedContent] | None = None, media_type: str | None = None) -> Answer:
        """POST a statement, with its contents if there are any."""
        body = note if contents is None else format_submission(note, contents)
        named = media_type
        if named is None:
            named = STATEMENT if contents is None else SUBMISSION
        return self.request("POST", f"{self.path}/statements", body, {"content-type": named})

    def raw(self, sent: bytes, seconds: float = 30) -> bytes:
        """Send bytes as they are; everything that comes back until the server closes or the time is over."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(sent)
            received = b""
            try:
                while part := connection.recv(65_536):
                    received += part
            except (TimeoutError, ConnectionResetError):
                pass
            return received

    def folded(self) -> None:
        """Wait until what is published is also in the answers of the API, at most ten seconds."""
        deadline = time.monotonic() + 10
        while self.get("/api/digest").json["checkpoint"]["size"] < self.size():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def size(self) -> int:
        """The published tree size."""
        return int(self.get("/checkpoint").body.split(b"\n")[1])

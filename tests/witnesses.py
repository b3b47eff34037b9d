"""Witnesses to test against: the real server in processes of its own, and peers that do what no witness should.

with Witnesses(folder, VKEY, "civil-1", "civil-2") as witnesses:      started, each on a port of its own
    policy = witnesses.policy("group q 2 civil-1 civil-2", "quorum q")
    witnesses["civil-1"].stop()
with Peer(drip) as peer:                                              a socket that behaves as the function says
"""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from service import free_port
from world import key_of

from api.witnessing import load_witness
from ledger.tlog.cosignature import cosign
from ledger.tlog.errors import Declined
from ledger.tlog.note import COSIGNATURE_ED25519, ED25519, Verifier, format_line, format_vkey, parse_vkey
from ledger.tlog.witness import NEVER, Latest, check_growth, format_tree_size, open_request, parse_add_checkpoint

ROOT = Path(__file__).resolve().parent.parent


def log_vkey(origin: str, name: str = "log") -> str:
    """The key of a test ledger's log."""
    return format_vkey(origin, ED25519, bytes(key_of(name).verify_key))


def command(*arguments: str) -> None:
    """Run `constancia …` in this process; it must go well."""
    from api import cli

    assert cli.run(arguments) == 0


class WitnessServer:
    """One witness: its folder, its port, and its process while it runs."""

    def __init__(self, folder: Path, name: str, *vkeys: str) -> None:
        self.folder = folder
        self.short = name
        command("witness", "init", "--dir", str(folder), "--name", f"{name}.example/w")
        for vkey in vkeys:
            command("witness", "add", "--dir", str(folder), vkey)
        self.verifier = load_witness(folder)[1]
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """As notes name it."""
        return self.verifier.name

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self.spawn()
        self.wait()

    def spawn(self) -> None:
        """Start it."""
        with (self.folder / "server.log").open("ab") as log:
            arguments = ["witness", "serve", "--dir", str(self.folder), "--port", str(self.port)]
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", *arguments], cwd=ROOT, stdout=log, stderr=log
            )

    def wait(self) -> None:
        """Wait until it takes connections."""
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self.process
                assert self.process.poll() is None, (self.folder / "server.log").read_text("utf-8")
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def stop(self) -> None:
        """End it."""
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            self.process = None


class Witnesses:
    """Several of them, by their short names."""

    def __init__(self, folder: Path, vkey: str, *names: str) -> None:
        self._all = {name: WitnessServer(folder / name, name, vkey) for name in names}
        self._vkey = vkey

    def __getitem__(self, name: str) -> WitnessServer:
        return self._all[name]

    def __enter__(self) -> Self:
        for each in self._all.values():
            each.spawn()
        for each in self._all.values():
            each.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._all.values():
            each.stop()

    def policy(self, *lines: str, **others: tuple[Verifier, str]) -> bytes:
        """A policy with the log, all these witnesses and `others` (verifier, address), and then the lines."""
        witnesses = {name: (each.verifier, each.url) for name, each in self._all.items()} | others
        return policy_of(self._vkey, witnesses, *lines)


def policy_of(vkey: str, witnesses: dict[str, tuple[Verifier, str]], *lines: str) -> bytes:
    """A policy: a log, witnesses by their names in it, and further lines."""
    named = [f"witness {name} {_vkey(verifier)} {url}".rstrip() for name, (verifier, url) in witnesses.items()]
    return "".join(f"{line}\n" for line in (f"log {vkey}", *named, *lines)).encode()


def _vkey(verifier: Verifier) -> str:
    return format_vkey(verifier.name, verifier.type_byte, verifier.public_key)


def verifier_of(name: str) -> Verifier:
    """A witness's public key whose private one the test has (`key_of(name)`)."""
    return parse_vkey(format_vkey(f"{name}.example/w", COSIGNATURE_ED25519, bytes(key_of(name).verify_key)))


# --- peers that misbehave --------------------------------------------------------------------------------------------

Behave = Callable[[socket.socket, threading.Event], None]
"""What is done with a connection, until the event is set."""


class Peer:
    """A socket that takes connections and does what it is told with each, in a thread of its own."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self._closing = threading.Event()
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with ExitStack() as open_ones:
            while not self._closing.is_set():
                try:
                    connection, _ = self._listening.accept()
                except OSError:
                    return
                self.connections += 1
                open_ones.callback(connection.close)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self._behave(connection, self._closing)
        except OSError:
            pass
        finally:
            connection.close()


def request_of(connection: socket.socket) -> bytes:
    """One HTTP request with its body, as it came; b"" when the other side closed."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        part = connection.recv(65_536)
        if not part:
            return b""
        raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def hang(connection: socket.socket, closing: threading.Event) -> None:
    """Take the request and say nothing."""
    request_of(connection)
    closing.wait()


def drip(connection: socket.socket, closing: threading.Event) -> None:
    """A header without end, one byte at a time."""
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while not closing.wait(0.2):
        connection.sendall(b"a")


def huge(connection: socket.socket, closing: threading.Event) -> None:
    """An answer of five megabytes."""
    while request_of(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n")
        for _ in range(500):
            connection.sendall(b"x" * 10_000)


def answering(status: int, body: bytes) -> Behave:
    """Answer everything alike."""

    def behave(connection: socket.socket, closing: threading.Event) -> None:
        while request_of(connection):
            head = f"HTTP/1.1 {status} Whatever\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)

    return behave


class InMemory:
    """A witness as the specification has it, whose clock is wrong by `shift` seconds, and which takes `delay` seconds
    to answer; its state is in memory."""

    def __init__(self, name: str, vkey: str, shift: int = 0, delay: float = 0) -> None:
        self._delay = delay
        self.mute = False
        self.asked = 0
        self.verifier = verifier_of(name)
        self.latest = NEVER
        self.shift = shift
        self._key = key_of(name)
        self.logs = [parse_vkey(vkey)]
        self._lock = threading.Lock()

    def behave(self, connection: socket.socket, closing: threading.Event) -> None:
        """Answer add-checkpoint requests; show nothing."""
        while request := request_of(connection):
            if self.mute:
                closing.wait()
            head, _, body = request.partition(b"\r\n\r\n")
            status, answer = self._answer(body) if head.startswith(b"POST") else (404, b"")
            lines = f"HTTP/1.1 {status} Whatever\r\ncontent-length: {len(answer)}\r\n\r\n"
            connection.sendall(lines.encode() + answer)

    def _answer(self, body: bytes) -> tuple[int, bytes]:
        request = parse_add_checkpoint(body)
        self.asked += 1
        time.sleep(self._delay)
        with self._lock:
            try:
                signed = open_request(request, lambda _: self.logs)
                check_growth(request, signed.checkpoint, self.latest)
            except Declined as declined:
                return declined.status, b"" if declined.size is None else format_tree_size(declined.size)
            self.latest = Latest(signed.checkpoint.size, signed.checkpoint.root)
        line = cosign(self.verifier.name, self._key, signed.note.text, int(time.time()) + self.shift)
        return 200, format_line(line).encode()


def in_memory(peers: ExitStack, vkey: str, **shifts: int) -> dict[str, tuple[Verifier, str]]:
    """Witnesses in this process, by name, each with a clock that is wrong by so many seconds: for `policy_of`."""
    found: dict[str, tuple[Verifier, str]] = {}
    for name, shift in shifts.items():
        witness = InMemory(name, vkey, shift)
        found[name] = (witness.verifier, peers.enter_context(Peer(witness.behave)).url)
    return found

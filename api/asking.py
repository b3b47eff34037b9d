"""How a server reaches the witnesses of its policy, and mirrors: over HTTP, and never held up, filled up or led
elsewhere by one.

    wire = WitnessWire()
    answer = wire.ask(witness, body)        POST <address>/add-checkpoint
    answer = wire.look(witness, path)       GET <address>/<path>: the policy has one address for both

Each witness has a connection of its own, kept open between two questions. A question ends within `Patience.whole`
seconds, whatever the other side does: every single read and write, also of the answer's first line and of a TLS
handshake, has only what is left of it, so that a server that drips one byte a second gains nothing. Answers are at most
64 KiB, and read no further. Redirects are not followed: whoever a policy names answers itself.

`heads_at_mirrors` asks copies of the ledger, before it is opened, for the newest head that they were shown.

What an answer means is for `ledger.cosigning`; here nothing is believed, and nothing is raised.
"""

import logging
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import msgspec
from nacl.signing import SigningKey

from api.settings import LedgerSettings, read_policy_file
from ledger.cosigning import Answer, open_policy
from ledger.errors import CannotRun
from ledger.log import Head, Known
from ledger.published import Folder
from ledger.tlog.errors import FormatError
from ledger.tlog.note import ED25519, format_vkey
from ledger.tlog.policy import NONE, Policy, Witness
from ledger.tlog.witness import ADD_CHECKPOINT, MAX_BODY
from ledger.witnesses import Cosigning

AGENT = "constancia-log/1"

_logger = logging.getLogger("constancia.mirrors")


class Patience(msgspec.Struct, frozen=True):
    """How long to wait, in seconds: for a connection, for the next bytes, and for a whole answer."""

    connect: float = 3.0
    read: float = 4.0
    whole: float = 6.0


class _Deadline:
    """Until when the question at hand must be answered (monotonic seconds)."""

    until = float("inf")

    def left(self, timeout: float | None, error: type[Exception]) -> float:
        """What is left of it, or of `timeout` if that is less. Raises `error` when the time is over."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise error("it took too long")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore2.NetworkStream):
    """A connection on which nothing takes longer than the question may."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = self._deadline.left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    """Opens such connections."""

    def __init__(self, deadline: _Deadline) -> None:
        self._inner = httpcore2.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        left = self._deadline.left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self._deadline)


class _Line:
    """The connection to one witness; one question at a time."""

    def __init__(self) -> None:
        self.deadline = _Deadline()
        self.pool = httpcore2.ConnectionPool(
            max_connections=1, keepalive_expiry=90, network_backend=_Backend(self.deadline)
        )
        self.lock = threading.Lock()


class WitnessWire:
    """`ledger.cosigning.Wire` over HTTP. Safe for several threads."""

    def __init__(self, patience: Patience | None = None) -> None:
        """Nothing is asked yet."""
        self._patience = patience or Patience()
        self._lines: dict[bytes, _Line] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections. What is being asked fails."""
        for line in list(self._lines.values()):
            line.pool.close()

    def ask(self, witness: Witness, body: bytes) -> Answer:
        """Post the body of an add-checkpoint request."""
        return self._of_witness(witness, "POST", ADD_CHECKPOINT, body)

    def look(self, witness: Witness, path: str) -> Answer:
        """Get what the witness shows at a path."""
        return self._of_witness(witness, "GET", path, None)

    def get(self, address: str, path: str) -> Answer:
        """Get what stands at a path below any address, such as that of a mirror."""
        return self._question(address.encode(), address, "GET", path, None)

    def _of_witness(self, witness: Witness, method: str, path: str, body: bytes | None) -> Answer:
        if not witness.url:
            return Answer(0, why=("la política no dice su dirección", "the policy has no address for it"))
        return self._question(witness.name, witness.url.decode("ascii"), method, path, body)

    def _question(self, name: bytes, address: str, method: str, path: str, body: bytes | None) -> Answer:
        with self._lock:
            line = self._lines.setdefault(name, _Line())
        address = address.rstrip("/")
        with line.lock:
            line.deadline.until = time.monotonic() + self._patience.whole
            try:
                return self._send(line, method, f"{address}/{path}", body)
            except httpcore2.TimeoutException:
                return Answer(0, why=("tardó demasiado", "it took too long"))
            except httpcore2.ConnectError as error:
                if isinstance(error.__cause__, ssl.SSLError):
                    es = f"su certificado no se puede comprobar ({error})"
                    return Answer(0, why=(es, f"its certificate does not verify ({error})"))
                return Answer(0, why=("nadie contesta en su dirección", "nobody answers at its address"))
            except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError, RuntimeError, ValueError) as error:
                said = str(error)[:200] or type(error).__name__
                return Answer(0, why=(f"falló la conexión ({said})", f"the connection failed ({said})"))

    def _send(self, line: _Line, method: str, url: str, body: bytes | None) -> Answer:
        waits = {"connect": self._patience.connect, "read": self._patience.read, "write": self._patience.read}
        timeouts = waits | {"pool": self._patience.whole}
        headers = [("host", urlsplit(url).netloc), ("user-agent", AGENT), ("accept-encoding", "identity")]
        request = line.pool.stream(method, url, headers=headers, content=body, extensions={"timeout": timeouts})
        with request as response:
            received = b""
            for chunk in response.iter_stream():
                received += chunk
                if len(received) > MAX_BODY:
                    es = f"su respuesta es de más de {MAX_BODY:,} bytes"
                    return Answer(0, why=(es, f"its answer is longer than {MAX_BODY:,} bytes"))
            return Answer(response.status, received)


# --- for one ledger --------------------------------------------------------------------------------------------------


def witnesses_of(
    settings: LedgerSettings,
    keys: Sequence[SigningKey | None],
    folder: Folder,
    closing: ExitStack,
    *,
    accept_time: bool = False,
) -> tuple[bytes | None, Cosigning | None]:
    """The policy file that the settings of a ledger name, and its witnesses if it asks for any.

    `keys` are the log's keys at hand, the one that signs now last; `closing` lets go of the connections. Raises
    CannotRun for a policy that does not fit.
    """
    if not settings.policy:
        return None, None
    path = Path(settings.policy)
    raw = read_policy_file(path)
    vkeys = [format_vkey(settings.origin, ED25519, bytes(key.verify_key)) for key in keys if key]
    policy = check_policy(raw, settings.origin, [*_published_keys(folder), *vkeys], path)
    if policy.quorum == NONE:
        return raw, None
    wire = WitnessWire()
    closing.callback(wire.close)
    cosigning = Cosigning(settings.origin, policy, folder, settings.place, wire, accept_time=accept_time)
    return raw, cosigning


def heads_at_mirrors(settings: LedgerSettings, keys: Sequence[SigningKey | None], folder: Folder) -> list[Known]:
    """The heads of this log that the mirrors in the settings show; of those that do not answer it is only warned.

    A mirror cannot make up a head, since the log itself must have signed it; so one that knows more than this machine
    has been shown what an older backup lacks.
    """
    if not settings.mirrors:
        return []
    vkeys = [format_vkey(settings.origin, ED25519, bytes(key.verify_key)) for key in keys if key]
    policy = Policy.from_log_key(*dict.fromkeys([*_published_keys(folder), *vkeys]))
    wire = WitnessWire()
    try:
        with ThreadPoolExecutor(len(settings.mirrors), "mirror at the start") as threads:
            found = threads.map(partial(_head_at, wire, policy), settings.mirrors)
            return [each for each in found if each]
    finally:
        wire.close()


def _head_at(wire: WitnessWire, policy: Policy, address: str) -> Known | None:
    """The newest head at a mirror that the log signed."""
    why = "it shows no head of this log"
    for path in ("head", "checkpoint"):
        answer = wire.get(address, path)
        if answer.status == 200:
            try:
                checkpoint = policy.check(answer.body).checkpoint
            except FormatError as error:
                why = error.message
                continue
            head = Head(checkpoint.size, checkpoint.root, answer.body)
            return Known(head, f"la cabeza que muestra el espejo {address}", f"the head at the mirror {address}")
        why = answer.why[1] or f"it answered {answer.status}"
    _logger.warning("%s: the mirror %s was not compared with: %s", policy.logs[0].verifier.name, address, why)
    return None


def _published_keys(folder: Folder) -> list[str]:
    """The log's keys by the ledger's own word, which the log compares with its journal: old ones are among them."""
    try:
        return list(msgspec.json.decode(folder.read("ledger.json") or b"", type=_Named).log_keys)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


class _Named(msgspec.Struct, frozen=True):
    """The part of `ledger.json` that is looked at."""

    log_keys: tuple[str, ...]


def check_policy(raw: bytes, origin: str, vkeys: Sequence[str], path: Path) -> Policy:
    """The policy that a ledger is to live by, read from `path`; see `open_policy`. Raises CannotRun."""
    policy = open_policy(raw, origin, vkeys, str(path))
    for witness in policy.witnesses:
        text = (witness.url or b"").decode("ascii", "replace")
        if text and not _is_address(text):
            raise CannotRun(
                f"{path}: «{text}» no es la dirección de un testigo.",
                f"{path}: “{text}” is not the address of a witness.",
                "Escríbala con http:// o https://, como la da quien opera el testigo.",
                "Write it with http:// or https://, as whoever runs the witness gives it.",
            )
    return policy


def _is_address(text: str) -> bool:
    """Whether this is a web address that can be asked, below which there may be paths."""
    try:
        parts = urlsplit(text)
        port = parts.port  # a ValueError for what is none
    except ValueError:
        return False
    plain = text.isascii() and not parts.query and not parts.fragment and port != 0
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)

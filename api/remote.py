"""A ledger's published files over HTTP, for whoever audits it: `ledger.verify.Source` and `projections.audit.Server`.

    with RemoteLedger("https://constancia.example/gt", files=folder) as source:
        report = audit(source, policy=…, founding=…, server=source)

Nothing that comes back is believed here: the auditor checks it. What this module does is to ask politely and never to
be held up or filled up by a server that means ill:

* at most four connections, kept open; upcoming tiles and bundles are asked for ahead, so that a distant server costs
  bandwidth and not one round trip for each file;
* every answer has a limit in bytes by what is asked for, every request a deadline; both count what really comes in;
* full tiles, bundles and time stamps never change: with `files` they are kept in that folder and not asked for again.
  What lies there is believed no more than what comes over the network;
* a request that fails on the way, or is told "not now", is tried again, three times in all;
* redirects are not followed: whoever names an address gets that address or an error.

A file that is not there (404) is None; whether that is a fault is the auditor's to say. All else is a CannotRun.
"""

import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar
from urllib.parse import quote

import httpcore2
import msgspec

from api.posting import ledger_url
from ledger.errors import CannotRun
from ledger.published import STAMP_INDEX, Folder, is_full_path, is_stamp_path
from ledger.tlog.errors import Malformed
from ledger.tlog.tiles import ENTRIES, WIDTH, Tile, parse_path

CONNECTIONS = 4
TRIES = 3
AGENT = "constancia-audit/1"

# How many full tiles, each with its bundle, are asked for ahead of the one that is being read.
_AHEAD = 4

# The most bytes that an honest answer can have, by how its path begins; the longest prefix counts.
_LIMITS = {
    "tile/entries/": WIDTH * (2 + 65_535),
    "tile/": WIDTH * 32,
    "checkpoint": 1_000_000,
    "checkpoints/": 256 * 1024 * 1024,
    "head": 1_000_000,
    "policy": 1_000_000,
    "ledger.json": 1_000_000,
    # 256 entries, each with up to 256 contents of at most three texts.
    "contents/": 64 * 1024 * 1024,
    "timestamps/": 64 * 1024,
    "timestamps/index": 8 * 1024 * 1024,
    "api/": 64 * 1024 * 1024,
}


class Patience(msgspec.Struct, frozen=True):
    """How long to wait, in seconds: for a connection, for the next bytes, and for a whole answer with `more` for each
    megabyte that it may have."""

    connect: float = 10.0
    read: float = 20.0
    whole: float = 60.0
    more: float = 2.0
    pause: float = 0.5


class _Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    retry_after: float


class RemoteLedger:
    """The ledger at an address, up to its path (`…/gt`). Safe for several threads. Close it, or use `with`."""

    def __init__(self, url: str, *, patience: Patience | None = None, files: Path | None = None) -> None:
        """Nothing is asked yet. Raises CannotRun for what is no address of a ledger."""
        self.url = ledger_url(url)
        self._files = None if files is None else Folder(files)
        self._patience = patience or Patience()
        self._pool = httpcore2.ConnectionPool(max_connections=CONNECTIONS, keepalive_expiry=30)
        self._readers = ThreadPoolExecutor(CONNECTIONS, "remote")
        self._lock = threading.Lock()
        self._coming: dict[str, Future[bytes | None]] = {}
        self._size = 0  # of the tree, as the newest checkpoint read says; only for reading ahead

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop what is still coming, and close the connections."""
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._pool.close()

    # --- files

    def read(self, path: str) -> bytes | None:
        """The file at a path below the ledger's address, or None for a 404. Raises CannotRun."""
        self._read_ahead(path)
        with self._lock:
            coming = self._coming.pop(path, None)
        raw = self._read(path) if coming is None else coming.result()
        if path == "checkpoint" and raw:
            size = raw.split(b"\n", 2)[1:2]
            self._size = int(size[0]) if size and size[0].isdigit() and len(size[0]) < 19 else 0
        return raw

    def paths(self) -> None:
        """A web server cannot be asked what files it has."""

    def _read_ahead(self, path: str) -> None:
        """Ask for the full tiles and bundles behind this one, which an audit reads next, in order."""
        try:
            tile = parse_path(path) if path.startswith("tile/") else None
        except Malformed:
            return
        if tile is None or tile.width != WIDTH or tile.level > 0:
            return
        last = min(tile.index + _AHEAD, self._size // WIDTH - 1)
        with self._lock:
            # Of what was asked for ahead and never read, nothing is kept for long.
            if len(self._coming) > 4 * _AHEAD:
                self._coming.clear()
            for index in range(tile.index + 1, last + 1):
                for level in (0, ENTRIES):
                    wanted = Tile(level, index).path
                    if wanted not in self._coming and (index, level) > (tile.index, tile.level):
                        self._coming[wanted] = self._readers.submit(self._read, wanted)

    def _read(self, path: str) -> bytes | None:
        """One file: of those that never change, from the disk if it is there, and kept if it is not."""
        if self._files is None or not _never_changes(path):
            return self._fetch(path)
        raw = self._files.read(path)
        if raw is None:
            raw = self._fetch(path)
            if raw is not None:
                self._files.replace(path, raw)
        return raw

    # --- asking

    def _fetch(self, path: str) -> bytes | None:
        """One file, tried again where that may help. Raises CannotRun."""
        why = ("", "")
        for number in range(TRIES):
            wait = self._patience.pause * 3**number
            try:
                answer = self._ask(path)
            except httpcore2.TimeoutException:
                why = ("tardó demasiado", "it took too long")
            except httpcore2.ConnectError:
                why = ("nadie contesta ahí", "nobody answers there")
            except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
                said = str(error) or type(error).__name__
                why = (f"falló la conexión ({said})", f"the connection failed ({said})")
            else:
                if answer.status == 200:
                    return answer.body
                if answer.status in (404, 410):
                    return None
                if 300 <= answer.status < 400:
                    raise CannotRun(
                        f"{self.url}/{path} contestó {answer.status}, una redirección, y no se sigue ninguna.",
                        f"{self.url}/{path} answered {answer.status}, a redirect, and none is followed.",
                        "Dé la dirección final.",
                        "Name the final address.",
                    )
                why = (f"contestó {answer.status}", f"it answered {answer.status}")
                if answer.status not in (429, 500, 502, 503, 504):
                    break
                wait = max(wait, min(answer.retry_after, 10.0))
            if number + 1 < TRIES:
                time.sleep(wait)
        raise CannotRun(
            f"No se puede leer el registro en {self.url}: {why[0]} ({path}).",
            f"The ledger at {self.url} cannot be read: {why[1]} ({path}).",
            "Revise la dirección, o intente más tarde.",
            "Look at the address, or try again later.",
        )

    def _ask(self, path: str) -> _Answer:
        """One request. Raises httpcore2's errors; CannotRun for an answer that is too long or in another coding."""
        limit = _LIMITS[max((start for start in _LIMITS if path.startswith(start)), key=len, default="policy")]
        patience = self._patience
        deadline = time.monotonic() + patience.whole + patience.more * limit / 1_000_000
        timeouts = {"connect": patience.connect, "read": patience.read, "write": patience.read, "pool": patience.whole}
        headers = [("user-agent", AGENT), ("accept-encoding", "gzip, identity")]
        request = self._pool.stream("GET", f"{self.url}/{path}", headers=headers, extensions={"timeout": timeouts})
        with request as response:
            found = {name.lower(): value for name, value in response.headers}
            retry = found.get(b"retry-after", b"")
            after = float(retry) if retry.isdigit() and len(retry) < 6 else 0.0
            if response.status != 200:
                return _Answer(response.status, b"", after)
            coding = found.get(b"content-encoding", b"identity").strip().lower()
            if coding not in (b"identity", b"gzip"):
                raise CannotRun(
                    f"{self.url}/{path} llega con la codificación {coding[:20]!r}, que nadie pidió.",
                    f"{self.url}/{path} comes in the coding {coding[:20]!r}, which nobody asked for.",
                    "Revise la dirección; si es la correcta, avise a quien opera el registro.",
                    "Look at the address; if it is right, tell whoever operates the ledger.",
                )
            unpack = zlib.decompressobj(31) if coding == b"gzip" else None
            parts: list[bytes] = []
            size = 0
            for chunk in response.iter_stream():
                part = unpack.decompress(chunk, limit + 1 - size) if unpack else chunk
                parts.append(part)
                size += len(part)
                if size > limit or (unpack and unpack.unconsumed_tail):
                    raise CannotRun(
                        f"{self.url}/{path} es más largo de lo que puede ser un archivo así ({limit:,} bytes).",
                        f"{self.url}/{path} is longer than any such file can be ({limit:,} bytes).",
                        "Revise la dirección; si es la correcta, avise a quien opera el registro.",
                        "Look at the address; if it is right, tell whoever operates the ledger.",
                    )
                if time.monotonic() > deadline:
                    raise httpcore2.ReadTimeout("it took too long")
            if unpack and not unpack.eof:
                raise httpcore2.RemoteProtocolError("the compressed answer ends too early")
            return _Answer(200, b"".join(parts), after)

    # --- what a running server says of its own state

    def served_digest(self, size: int) -> str | None:
        """The digest over its records at a tree size, or None where it gives none. Raises CannotRun."""
        raw = self._fetch(f"api/digest?at={size}")
        try:
            said = msgspec.json.decode(raw or b"", type=_Enveloped[_Digest])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return said.data.digest if said.checkpoint.size == size else None

    def served_records(self, size: int) -> Iterator[tuple[str, str, bytes]]:
        """Its records at a tree size as (table, key, JSON), table by table. Raises CannotRun."""
        try:
            raw = self._fetch(f"api/records?at={size}")
            for table in sorted(msgspec.json.decode(raw or b"", type=_Enveloped[list[str]]).data):
                after: str | None = ""
                while after is not None:
                    query = f"at={size}&limit=500&after={quote(after, safe='')}"
                    raw = self._fetch(f"api/records/{quote(table, safe='')}?{query}")
                    page = msgspec.json.decode(raw or b"", type=_Enveloped[list[_Line]])
                    for line in page.data:
                        yield table, line.key, bytes(line.record)
                    following = page.data[-1].key if page.data and page.next is not None else None
                    after = following if following is not None and following > after else None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CannotRun(
                f"No se puede leer {self.url}/api/records: {error}.",
                f"{self.url}/api/records cannot be read: {error}.",
                "Revise la dirección; si es la correcta, avise a quien opera el registro.",
                "Look at the address; if it is right, tell whoever operates the ledger.",
            ) from None


def _never_changes(path: str) -> bool:
    """Whether this is the path of a full tile or bundle, or of a time stamp."""
    return is_full_path(path) or (is_stamp_path(path) and path != STAMP_INDEX)


class _Size(msgspec.Struct, frozen=True):
    size: int


class _Digest(msgspec.Struct, frozen=True):
    digest: str


class _Line(msgspec.Struct, frozen=True):
    key: str
    record: msgspec.Raw


T = TypeVar("T")


class _Enveloped(msgspec.Struct, Generic[T], frozen=True):
    """The part of an API answer that is looked at."""

    checkpoint: _Size
    data: T
    next: str | None = None

"""What was captured, kept: the bytes under their digest, and beside them a web archive that standard tools replay.

    archive = open_archive("archive")                    a folder, or s3://bucket/prefix (extra `capture`)
    archive.keep(body, web_archive(capture, body))       -> the digest; what is there already is not written again
    archive.read(digest)                                 the bytes, checked; Misbehaviour where one bit is another

    archive/
      9f/9f86d081…15b0f00a08          the bytes, as they were hashed and signed for
      9f/9f86d081…15b0f00a08.wacz     how they came: the first capture of them
      sealed/9f/…                     what a statement withheld: nobody is served from there

**The web archive** is a WACZ 1.1.1 (<https://specs.webrecorder.net/wacz/1.1.1/>), a zip whose files are stored and
not packed:

    archive/data.warc.gz      WARC 1.1 (ISO 28500:2017), each record a gzip member of its own: `warcinfo`; a `response`
                              for every redirect (without its body) and for the answer; or one `resource`, for a file
                              that was handed in. Digests of payload and block: `sha256:` and 64 hex digits
    indexes/index.cdx         CDXJ, sorted: `com,example)/acta 20260216120000 {"url":…,"offset":…,…}`
    pages/pages.jsonl         the one page
    datapackage.json          every file with its size and sha256; under `capture` what a reader wants to know first:
                              the digest, what type was declared and what the bytes are, whether they differ, the way
    datapackage-digest.json   the sha256 of datapackage.json

The payload digest of the answer IS the digest that the statement signs: of the document as a reader saves it. So the
payload is kept without its codings, and headers that would no longer be true stand as `x-archive-orig-…` (content-
encoding, transfer-encoding, content-length), as other archivers write them. `set-cookie` is left out: nothing that a
server gave to the capturer alone is evidence. The same capture makes the same bytes, so archives can be compared.

We write these few records ourselves: `warcio` replaces our digests by SHA-1, and its output differs from run to run. It
reads them in the tests, as a second opinion.

**Withholding.** Captured bytes may hold personal data. A ContentWithheld on the capture (its identity, and its digest)
takes them from view: the server asks the record before it serves, so that takes effect at once; `settle` then moves the
files under `sealed/`, which must not be served by anything else (a bucket's public prefix, a CDN). They are kept there
for an appeal, and come back with ContentRestored. ContentErased destroys them wherever they are.
"""

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Protocol, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import msgspec

from ledger.errors import CannotRun, Misbehaviour, reason
from ledger.statement import canonical

WACZ_VERSION = "1.1.1"
WACZ_TYPE = "application/wacz"
_OURS = UUID("6f1f3e0a-6d0c-5a0e-9d8f-0d6a1f6b7c11")  # the namespace of our record ids
_CHANGED = ("content-encoding", "transfer-encoding", "content-length")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer on the way to the bytes. Names of headers are lower-case."""

    url: str
    address: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """How bytes came: by which answers (none: they were handed in), when (ms), and what they were said to be."""

    url: str
    answers: tuple[Answer, ...] = ()
    captured_ms: int
    method: str
    declared: str = ""
    media_type: str
    differs: bool = False
    coding: str = ""
    title: str = ""
    agent: str = ""


# --- writing a web archive -------------------------------------------------------------------------------------------


def web_archive(capture: Capture, body: bytes, software: str) -> bytes:
    """The WACZ of a capture."""
    when = datetime.fromtimestamp(capture.captured_ms / 1000, UTC).replace(microsecond=0)
    warc, lines = _warc(capture, body, when, software)
    url = capture.answers[-1].url if capture.answers else capture.url
    page: dict[str, Any] = {"id": sha256(body).hexdigest(), "title": capture.title or url, "ts": _iso(when), "url": url}
    pages = [{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}, page]
    files = {
        "archive/data.warc.gz": warc,
        "indexes/index.cdx": "".join(sorted(lines)).encode(),
        "pages/pages.jsonl": b"".join(canonical(each) + b"\n" for each in pages),
    }
    package = canonical(
        {
            "profile": "data-package",
            "wacz_version": WACZ_VERSION,
            "title": capture.title or url,
            "created": _iso(when),
            "software": software,
            "mainPageUrl": url,
            "mainPageDate": _iso(when),
            "resources": [
                {
                    "name": path.rpartition("/")[2],
                    "path": path,
                    "hash": f"sha256:{sha256(raw).hexdigest()}",
                    "bytes": len(raw),
                }
                for path, raw in files.items()
            ],
            "capture": {
                "digest": sha256(body).hexdigest(),
                "size": len(body),
                "method": capture.method,
                "url": capture.url,
                "way": [each.url for each in capture.answers],
                "declared": capture.declared,
                "media_type": capture.media_type,
                "differs": capture.differs,
                "coding": capture.coding,
            },
        }
    )
    files["datapackage.json"] = package
    files["datapackage-digest.json"] = canonical(
        {"path": "datapackage.json", "hash": f"sha256:{sha256(package).hexdigest()}"}
    )
    return _zip(files, when)


def _zip(files: Mapping[str, bytes], when: datetime) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as file:
        for path, raw in files.items():
            member = zipfile.ZipInfo(path, (max(when.year, 1980), *when.timetuple()[1:6]))
            member.create_system, member.external_attr = 3, 0o644 << 16
            file.writestr(member, raw)
    return made.getvalue()


def _iso(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _warc(capture: Capture, body: bytes, when: datetime, software: str) -> tuple[bytes, list[str]]:
    """The records, and a line of the index for each that can be replayed."""
    seed = f"{sha256(body).hexdigest()}/{capture.captured_ms}/{capture.url}"
    info = f"software: {software}\r\nformat: WARC File Format 1.1\r\nrobots: ignored, see api/fetching.py\r\n"
    info += f"http-header-user-agent: {capture.agent}\r\n" if capture.agent else ""
    first = {"WARC-Filename": "data.warc.gz", "Content-Type": "application/warc-fields"}
    warc = _record("warcinfo", seed, 0, when, first, info.encode())
    lines: list[str] = []
    for number, (url, fields, block, payload, told) in enumerate(_contents(capture, body), 1):
        kind = "response" if capture.answers else "resource"
        named = {"WARC-Target-URI": url, **fields, "WARC-Payload-Digest": f"sha256:{sha256(payload).hexdigest()}"}
        raw = _record(kind, seed, number, when, named, block)
        place = {"digest": f"sha256:{sha256(payload).hexdigest()}", "filename": "data.warc.gz"}
        place |= {"length": str(len(raw)), "offset": str(len(warc)), "url": url, **told}
        lines.append(f"{url_key(url)} {when:%Y%m%d%H%M%S} {canonical(place).decode()}\n")
        warc += raw
    return warc, lines


def _contents(capture: Capture, body: bytes) -> Iterator[tuple[str, dict[str, str], bytes, bytes, dict[str, str]]]:
    """For each record its address, fields, block and payload, and what the index says of it."""
    if not capture.answers:
        yield capture.url, {"Content-Type": capture.media_type}, body, body, {"mime": capture.media_type}
    for number, answer in enumerate(capture.answers, 1):
        payload = body if number == len(capture.answers) else b""
        fields = {"Content-Type": "application/http; msgtype=response", "WARC-IP-Address": answer.address}
        mime = capture.media_type if payload else "unk"
        head = _http_head(answer, payload, capture.coding if payload else "")
        yield answer.url, fields, head + payload, payload, {"mime": mime, "status": str(answer.status)}


def _http_head(answer: Answer, payload: bytes, coding: str) -> bytes:
    """Status line and headers, as far as they are true of the payload that is kept."""
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}".rstrip()]
    for name, value in answer.headers:
        if name == "set-cookie":
            continue
        stands = name == "content-length" and not coding and value.strip() == str(len(payload))
        lines.append(f"x-archive-orig-{name}: {value}" if name in _CHANGED and not stands else f"{name}: {value}")
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1", "replace")


def _record(kind: str, seed: str, number: int, when: datetime, fields: Mapping[str, str], block: bytes) -> bytes:
    lines = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{uuid5(_OURS, f'{seed}/{number}')}>",
        "WARC-Date": _iso(when),
        **fields,
        "WARC-Block-Digest": f"sha256:{sha256(block).hexdigest()}",
        "Content-Length": str(len(block)),
    }
    head = "WARC/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    packing = zlib.compressobj(6, wbits=31)  # of gzip's header, zlib fills in no time and no name
    return packing.compress(head.encode() + block + b"\r\n\r\n") + packing.flush()


def url_key(url: str) -> str:
    """The sort key of an address in an index: `gob,copret)/acta?x=1`; an address without a host as it is."""
    parts = urlsplit(url)
    if not parts.hostname:
        return url.lower().replace(" ", "%20")
    host = parts.hostname.removeprefix("www.")
    reversed_ = host if host.replace(".", "").isdigit() or ":" in host else ",".join(reversed(host.split(".")))
    port = f":{parts.port}" if parts.port not in (None, {"http": 80, "https": 443}.get(parts.scheme)) else ""
    return f"{reversed_}{port}){(parts.path or '/').lower()}" + (f"?{parts.query.lower()}" if parts.query else "")


# --- reading one -----------------------------------------------------------------------------------------------------


class _Resource(msgspec.Struct, frozen=True):
    path: str
    hash: str
    bytes: int


class _Told(msgspec.Struct, frozen=True):
    digest: str
    declared: str
    media_type: str
    differs: bool


class _Package(msgspec.Struct, frozen=True):
    resources: list[_Resource]
    capture: _Told


class _PackageDigest(msgspec.Struct, frozen=True):
    hash: str


# A changed zip may also ask for a password, for a version or packing that there is not, or end too soon.
_UNREADABLE = (
    zipfile.BadZipFile,
    msgspec.MsgspecError,
    zlib.error,
    struct.error,
    LookupError,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
)


def check_web_archive(raw: bytes, digest: str) -> None:
    """A WACZ of ours is whole, and is of this digest. Raises Misbehaviour."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as file:
            if any(one.compress_type != zipfile.ZIP_STORED for one in file.infolist()):
                raise _altered(digest, "its web archive is packed, as none of ours is")  # and might swell
            package = file.read("datapackage.json")
            told = msgspec.json.decode(package, type=_Package)
            stated = msgspec.json.decode(file.read("datapackage-digest.json"), type=_PackageDigest).hash
            held = {each.path: file.read(each.path) for each in told.resources}
    except _UNREADABLE as error:
        raise _altered(digest, f"its web archive cannot be read: {error}") from None
    if stated != f"sha256:{sha256(package).hexdigest()}" or told.capture.digest != digest:
        raise _altered(digest, "its web archive is of something else")
    for each in told.resources:
        if each.hash != f"sha256:{sha256(held[each.path]).hexdigest()}" or each.bytes != len(held[each.path]):
            raise _altered(digest, f"{each.path} of its web archive was changed")


def _altered(digest: str, detail: str) -> Misbehaviour:
    return Misbehaviour("archive-altered", f"{detail} (digest {digest})")


# --- where things are kept -------------------------------------------------------------------------------------------


class Shelf(Protocol):
    """Files by path, in a folder or in an object store. All raise CannotRun where the machine refuses."""

    def get(self, path: str) -> bytes | None:
        """The bytes of a file, or None."""
        ...

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        ...

    def put(self, path: str, raw: bytes) -> None:
        """Write a file whole and for good."""
        ...

    def drop(self, path: str) -> None:
        """Destroy a file; one that is not there is no error."""
        ...

    def paths(self) -> Iterator[str]:
        """All paths, in order."""
        ...


class FolderShelf:
    """A folder. Files appear whole, and are on the disk when `put` returns."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made when it is first needed."""
        self._folder = folder

    def get(self, path: str) -> bytes | None:
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._cannot(error) from error

    def has(self, path: str) -> bool:
        return (self._folder / path).is_file()

    def put(self, path: str, raw: bytes) -> None:
        place = self._folder / path
        beside = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if path.startswith(SEALED) else 0o755)
            if path.startswith(SEALED):
                (self._folder / SEALED).chmod(0o700)
            with beside.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(place)
            _sync(place.parent)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise self._cannot(error) from error

    def drop(self, path: str) -> None:
        try:
            (self._folder / path).unlink(missing_ok=True)
            if (self._folder / path).parent.is_dir():
                _sync((self._folder / path).parent)
        except OSError as error:
            raise self._cannot(error) from error

    def paths(self) -> Iterator[str]:
        found = [path for path in self._folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
        yield from sorted(path.relative_to(self._folder).as_posix() for path in found)

    def _cannot(self, error: OSError) -> CannotRun:
        why_es, why_en = reason(error)
        return CannotRun(
            f"El archivo de evidencia {self._folder} no se puede usar: {why_es}.",
            f"The evidence archive {self._folder} cannot be used: {why_en}.",
            "Revise la carpeta, sus permisos y el espacio libre, o dé otra con --archive.",
            "Look at the folder, its permissions and the free space, or give another one with --archive.",
        )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class ObjectShelf:
    """An object store, through obstore. Nothing depends on its promises: paths name what they hold."""

    def __init__(self, store: Any) -> None:
        """`store` is one of obstore's."""
        import obstore

        self._obstore: Any = obstore
        self._store = store

    def get(self, path: str) -> bytes | None:
        try:
            return bytes(self._obstore.get(self._store, path).bytes())
        except FileNotFoundError:
            return None
        except self._obstore.exceptions.BaseError as error:
            raise self._cannot(error) from error

    def has(self, path: str) -> bool:
        try:
            self._obstore.head(self._store, path)
        except FileNotFoundError:
            return False
        except self._obstore.exceptions.BaseError as error:
            raise self._cannot(error) from error
        return True

    def put(self, path: str, raw: bytes) -> None:
        try:
            self._obstore.put(self._store, path, raw)
        except self._obstore.exceptions.BaseError as error:
            raise self._cannot(error) from error

    def drop(self, path: str) -> None:
        try:
            self._obstore.delete(self._store, path)
        except FileNotFoundError:
            pass
        except self._obstore.exceptions.BaseError as error:
            raise self._cannot(error) from error

    def paths(self) -> Iterator[str]:
        try:
            pages = list(self._obstore.list(self._store))
        except self._obstore.exceptions.BaseError as error:
            raise self._cannot(error) from error
        yield from sorted(str(each["path"]) for page in pages for each in page)

    def _cannot(self, error: Exception) -> CannotRun:
        said = str(error).splitlines()[0][:200]
        return CannotRun(
            f"El almacén de objetos no contesta como debe: {said}.",
            f"The object store does not answer as it should: {said}.",
            "Revise la dirección y las variables AWS_… de este proceso, y repita la orden.",
            "Look at the address and at the AWS_… variables of this process, and run the command again.",
        )


# --- the archive -----------------------------------------------------------------------------------------------------

SEALED = "sealed/"
_ENDINGS = ("", ".wacz")
State = Literal["shown", "withheld", "erased"]


def open_archive(place: str) -> "Archive":
    """The archive in a folder, or in an object store (`s3://bucket/prefix`). Raises CannotRun."""
    if "://" not in place:
        return Archive(FolderShelf(Path(place)))
    try:
        import obstore.store

        made = cast("Any", obstore.store).from_url(place)
        return Archive(ObjectShelf(made))
    except ImportError:
        raise CannotRun(
            "Para un almacén de objetos falta una parte de la instalación.",
            "For an object store a part of the installation is missing.",
            "Instálela con: pip install 'constancia[capture]'",
            "Install it with: pip install 'constancia[capture]'",
        ) from None
    except _store_errors() as error:
        said = str(error).splitlines()[0][:200]
        raise CannotRun(
            f"«{place}» no es la dirección de un almacén: {said}.",
            f"“{place}” is not the address of a store: {said}.",
            "Por ejemplo --archive s3://evidencia/gt, o una carpeta.",
            "For example --archive s3://evidence/gt, or a folder.",
        ) from None


def _store_errors() -> tuple[type[Exception], ...]:
    import obstore

    return (ValueError, cast("Any", obstore).exceptions.BaseError)


class Archive:
    """Captured bytes by their digest. Any thread may ask."""

    def __init__(self, shelf: Shelf) -> None:
        """See `open_archive`."""
        self._shelf = shelf

    def keep(self, body: bytes, web: bytes) -> str:
        """Keep bytes and the web archive of their capture, unless they are here already (also sealed); the digest."""
        digest = sha256(body).hexdigest()
        path = _path(digest)
        for ending, raw in ((".wacz", web), ("", body)):
            if not self._shelf.has(path + ending) and not self._shelf.has(SEALED + path + ending):
                self._shelf.put(path + ending, raw)
        return digest

    def read(self, digest: str) -> bytes | None:
        """The bytes of a digest (64 hex), or None where they are not to be seen. Raises Misbehaviour: they changed."""
        return self._checked(digest, _path(digest))

    def has(self, digest: str) -> bool:
        """Whether the bytes of a digest are here to be seen."""
        return self._shelf.has(_path(digest))

    def read_web_archive(self, digest: str) -> bytes | None:
        """The WACZ beside them, or None. Raises Misbehaviour: it was changed."""
        raw = self._shelf.get(_path(digest) + ".wacz")
        if raw is not None:
            check_web_archive(raw, digest)
        return raw

    def _checked(self, digest: str, path: str) -> bytes | None:
        raw = self._shelf.get(path)
        if raw is not None and (found := sha256(raw).hexdigest()) != digest:
            raise _altered(digest, f"the bytes kept give {found}")
        return raw

    def digests(self) -> list[str]:
        """All digests that are kept, in view or sealed, in order."""
        names = {path.rpartition("/")[2].removesuffix(".wacz") for path in self._shelf.paths()}
        return sorted(name for name in names if len(name) == 64 and set(name) <= set("0123456789abcdef"))

    def check(self, digest: str) -> None:
        """What is kept of a digest is what it was. Raises Misbehaviour."""
        for place in ("", SEALED):
            self._checked(digest, place + _path(digest))
            raw = self._shelf.get(place + _path(digest) + ".wacz")
            if raw is not None:
                check_web_archive(raw, digest)

    def settle(self, digest: str, state: State) -> bool:
        """Have a digest kept as the record says it stands: whether anything had to be done.

        Withheld: out of view, under `sealed/`. Shown: in view again. Erased: destroyed. Repeated, it does nothing;
        broken off, it goes on: a copy is whole before the other is dropped.
        """
        done = [self._settle(_path(digest) + ending, state) for ending in _ENDINGS]  # both, whatever the first says
        return True in done

    def _settle(self, path: str, state: State) -> bool:
        seen, sealed = self._shelf.has(path), self._shelf.has(SEALED + path)
        if state == "erased":
            self._shelf.drop(path)
            self._shelf.drop(SEALED + path)
            return seen or sealed
        here, there = (path, SEALED + path) if state == "withheld" else (SEALED + path, path)
        raw = self._shelf.get(here)
        if raw is None:
            return False
        self._shelf.put(there, raw)
        self._shelf.drop(here)
        return True


def _path(digest: str) -> str:
    assert len(digest) == 64
    return f"{digest[:2]}/{digest}"

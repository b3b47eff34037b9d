"""A web of two hundred pages, and what each does to whoever comes: some are honest, some die, change or lie, and some
do all that a server can do to a client. Served from raw sockets, because no HTTP library would.

    PAGES                            every page, with what a capture and a later check must say of it
    with Web(folder) as web:         at ports 80 and 443 of every address
        web.turned = True            time has passed: what dies is dead, what changes has changed

A page's behaviour is a function of the connection; `turned` tells the first visit from the second. What a page sends is
made from its name, so every run sees the same bytes.
"""

import gzip
import io
import json
import random
import socket
import ssl
import struct
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from own_network import Addresses

_brotli: Any = import_module("brotli")

OPEN = "45.67.89."
"""Where most of the web lives: addresses like any other of the open Internet (here they are this machine)."""
INTRANET = "203.0.113."
"""A network that must be allowed by name before it is visited."""
INNER = "10.66.6.6"
"""Where nobody may ever be led."""
STUCK = OPEN + "250"
"""Takes no connection: a caller waits."""

MIB = 1 << 20
MAX_BODY = MIB
"""What the captures of the test are told to take at most."""


class Page(NamedTuple):
    """A page: where, what it does, and `seen/rule` at the first and the second visit (`captured/direct`, …)."""

    url: str
    does: str
    first: str
    second: str

    @property
    def host(self) -> str:
        return self.url.split("/")[2].rpartition("@")[2].partition(":")[0]


class Visit(NamedTuple):
    """One connection: what was asked, and the socket to answer on."""

    host: str
    path: str
    head: bytes
    socket: socket.socket
    turned: bool

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def answer(self, body: bytes, kind: str = "text/html; charset=utf-8", status: str = "200 OK", **more: str) -> None:
        """A proper answer."""
        headers = {"content-type": kind, "content-length": str(len(body)), "connection": "close"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.send(f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1"), body)

    def redirect(self, to: str, status: str = "302 Found", **more: str) -> None:
        self.answer(b"", status=status, location=to, **more)

    def drip(self, piece: bytes, pause: float) -> None:
        """The same again and again, until the other side has had enough."""
        while True:
            self.send(piece)
            time.sleep(pause)


# --- what honest servers send ----------------------------------------------------------------------------------------


def text_of(visit: Visit, what: str = "") -> bytes:
    """The HTML of a page."""
    name = f"{visit.host}{visit.path}"
    return f"<!DOCTYPE html><html><title>Acta de {name}</title><p>Texto de {name}. {what}</p></html>".encode()


def office_file() -> bytes:
    """A .docx, as far as its names go."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in ("[Content_Types].xml", "word/document.xml"):
            file.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), "<xml/>")
    return made.getvalue()


PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + bytes(13)
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
OLD = "<!DOCTYPE html><title>Página</title><p>Guatemala".encode("latin-1")

HONEST: Mapping[str, tuple[bytes, str]] = {
    "pdf": (PDF, "application/pdf"),
    "png": (PNG, "image/png"),
    "csv": (b"mes,monto\nenero,10\nfebrero,20\n", "text/csv"),
    "json": (json.dumps({"monto": 10}).encode(), "application/json"),
    "xml": (b"<?xml version='1.0'?><a/>", "text/xml"),
    "docx": (office_file(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "text": ("Acta de la reunión.\n".encode(), "text/plain; charset=utf-8"),
    "latin": (OLD, "text/html; charset=iso-8859-1"),
}
LIES: Mapping[str, tuple[bytes, str]] = {
    "html-as-pdf": (b"<html><title>x</title>no soy un PDF</html>", "application/pdf"),
    "pdf-as-html": (PDF, "text/html"),
    "program-as-text": (b"\x7fELF\x02\x01\x01" + bytes(60), "text/plain"),
    "png-as-pdf": (PNG, "application/pdf"),
    "zip-as-image": (office_file(), "image/png"),
    "html-as-image": (b"<script>alert(1)</script>", "image/jpeg"),
}


def zip_bomb() -> bytes:
    """A document that swells when somebody opens it, which a capturer never does."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("a", (2026, 1, 1, 0, 0, 0)), bytes(30 * MIB), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def coded(visit: Visit, body: bytes, coding: str) -> None:
    visit.answer(body, content_encoding=coding)


def chunk(piece: bytes) -> bytes:
    return f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n"


# --- what servers do -------------------------------------------------------------------------------------------------


def _honest(visit: Visit) -> None:
    visit.answer(text_of(visit))


def _file(visit: Visit) -> None:
    body, kind = {**HONEST, **LIES}[visit.path.strip("/").partition(".")[0]]
    visit.answer(body, kind)


def _titled(title: str, status: str = "200 OK", **more: str) -> Callable[[Visit], None]:
    return lambda visit: visit.answer(f"<html><title>{title}</title>…</html>".encode(), status=status, **more)


def _status(status: str, **more: str) -> Callable[[Visit], None]:
    def does(visit: Visit) -> None:
        visit.answer(text_of(visit), status=status, **more)

    return does


def _then(later: Callable[[Visit], None]) -> Callable[[Visit], None]:
    """Honest, until time has passed."""
    return lambda visit: (later if visit.turned else _honest)(visit)


def _to(location: str, **more: str) -> Callable[[Visit], None]:
    return lambda visit: visit.redirect(location, **more)


def _chain(visit: Visit) -> None:
    """Three redirects, relative ones among them, then the document."""
    step = visit.path.rpartition("/")[2]
    ways = {"uno": "dos", "dos": "/cadena/tres", "tres": f"http://{visit.host}/cadena/fin#abajo"}
    visit.redirect(ways[step], "301 Moved Permanently") if step in ways else _honest(visit)


def _endless_chain(visit: Visit) -> None:
    number = int(visit.path.rpartition("/")[2] or 0)
    visit.redirect(f"/sinfin/{number + 1}")


def _circle(visit: Visit) -> None:
    visit.redirect("/circulo/b" if visit.path.endswith("a") else "/circulo/a")


def _cookie_wall(visit: Visit) -> None:
    """Gives a cookie and asks for it; whoever brings none is told so, which is the document."""
    if b"cookie:" in visit.head.lower():
        visit.answer(b"<html><title>Bienvenido</title></html>")
    elif visit.path.endswith("entrada"):
        visit.redirect("/galleta/sala", set_cookie="sesion=1; Path=/")
    else:
        _honest(visit)


def _home(visit: Visit) -> None:
    _honest(visit) if visit.path == "/" else visit.redirect("/")


def _endless(visit: Visit) -> None:
    visit.send(OK + b"\r\n")
    visit.drip(b"x" * 65_536, 0)


def _reset(visit: Visit) -> None:
    visit.send(OK + b"content-length: 1000\r\n\r\nempieza")
    visit.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _hang(visit: Visit) -> None:
    time.sleep(30)


def _reflect_headers(visit: Visit) -> None:
    """The document is what was asked with: nothing of the capturer may be in it but its name."""
    visit.answer(visit.head, "text/plain")


def _dynamic(visit: Visit) -> None:
    visit.answer(text_of(visit, f"Hoy es {'martes' if visit.turned else 'lunes'}."))


def _raw(*pieces: bytes) -> Callable[[Visit], None]:
    return lambda visit: visit.send(*pieces)


def _drip_head(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\n")
    visit.drip(b"x-a: b\r\n", 0.3)


def _drip_body(visit: Visit) -> None:
    visit.send(OK + b"content-length: 1000000\r\n\r\n")
    visit.drip(b"x", 0.3)


def _drip_chunks(visit: Visit) -> None:
    visit.send(CHUNKED)
    visit.drip(chunk(b"x"), 0.3)


def _endless_headers(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\n")
    visit.drip(b"x-relleno: " + b"y" * 1000 + b"\r\n", 0)


def _endless_continue(visit: Visit) -> None:
    visit.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0)


def _endless_chunks(visit: Visit) -> None:
    visit.send(CHUNKED)
    visit.drip(chunk(b"z" * 8192), 0)


def _endless_extension(visit: Visit) -> None:
    visit.send(CHUNKED + b"5;")
    visit.drip(b"a=b;" * 1000, 0)


def _squeezed(raw: bytes, level: int = 9, bits: int = 31) -> bytes:
    packing = zlib.compressobj(level, wbits=bits)
    return packing.compress(raw) + packing.flush()


GZIP_BOMB = _squeezed(bytes(40 * MIB))
PLAIN_TEXT = b"<html><title>Comprimida</title>" + b"hola " * 500

DOES: Mapping[str, Callable[[Visit], None]] = {
    "honest": _honest,
    "file": _file,
    "dies-404": _then(_status("404 Not Found")),
    "dies-410": _then(_status("410 Gone")),
    "changes": _then(lambda visit: visit.answer(text_of(visit, "Cambió."))),
    "grows": _then(lambda visit: visit.answer(text_of(visit, "x" * 50_000))),
    "dynamic": _dynamic,
    "chain": _chain,
    "to-https": lambda visit: (
        _honest(visit) if visit.path == "/seguro" else visit.redirect(f"https://{visit.host}/seguro")
    ),
    "turns-inward": _then(_to(f"http://{INNER}/admin")),
    "cookie-wall": _cookie_wall,
    "headers": _reflect_headers,
    "zip-bomb": lambda visit: visit.answer(zip_bomb(), "application/zip"),
    # what is no document
    "home-page": _home,
    "soft-404": _titled("404: página no encontrada"),
    "soft-404-es": _titled("La página que busca no existe"),
    "parked": _titled("This domain is for sale"),
    "suspended": _titled("Cuenta suspendida"),
    "empty": lambda visit: visit.answer(b""),
    "captcha": _titled("Just a moment..."),
    "captcha-es": _titled("Compruebe el captcha"),
    "captcha-503": _titled("Espere", "503 Service Unavailable", cf_mitigated="challenge"),
    "401": _status("401 Unauthorized", www_authenticate="Basic realm=x"),
    "403": _status("403 Forbidden"),
    "429": _status("429 Too Many Requests", retry_after="3600"),
    "451": _status("451 Unavailable For Legal Reasons"),
    "500": _status("500 Internal Server Error"),
    "502": _status("502 Bad Gateway"),
    "503": _status("503 Service Unavailable"),
    "204": lambda visit: visit.send(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "206": _status("206 Partial Content"),
    "300": _status("300 Multiple Choices"),
    "404": _status("404 Not Found"),
    # redirects that lead astray
    "circle": _circle,
    "endless-chain": _endless_chain,
    "to-itself": lambda visit: visit.redirect(visit.path),
    "downgrade": lambda visit: visit.redirect(f"http://{visit.host}/claro"),
    "no-location": lambda visit: visit.answer(b"x", status="302 Found"),
    # decompression
    "gzip": lambda visit: coded(visit, gzip.compress(PLAIN_TEXT, mtime=0), "gzip"),
    "gzip-members": lambda visit: coded(visit, gzip.compress(PLAIN_TEXT[:9]) + gzip.compress(PLAIN_TEXT[9:]), "gzip"),
    "deflate": lambda visit: coded(visit, zlib.compress(PLAIN_TEXT), "deflate"),
    "deflate-raw": lambda visit: coded(visit, _squeezed(PLAIN_TEXT, 9, -15), "deflate"),
    "br": lambda visit: coded(visit, _brotli.compress(PLAIN_TEXT), "br"),
    "gzip-bomb": lambda visit: coded(visit, GZIP_BOMB, "gzip"),
    "deflate-bomb": lambda visit: coded(visit, _squeezed(bytes(40 * MIB), 9, 15), "deflate"),
    "br-bomb": lambda visit: coded(visit, _brotli.compress(bytes(40 * MIB), quality=5), "br"),
    "nested-bomb": lambda visit: coded(visit, gzip.compress(GZIP_BOMB), "gzip, gzip"),
    "nested-header": lambda visit: visit.send(
        OK + b"content-encoding: br\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n" + GZIP_BOMB
    ),
    "many-members": lambda visit: coded(visit, gzip.compress(b"") * 5_000, "gzip"),
    "gzip-cut": lambda visit: coded(visit, gzip.compress(PLAIN_TEXT)[:-20], "gzip"),
    "gzip-not": lambda visit: coded(visit, PLAIN_TEXT, "gzip"),
    "zstd": lambda visit: coded(visit, PLAIN_TEXT, "zstd"),
    # the wire
    "endless": _endless,
    "endless-chunks": _endless_chunks,
    "endless-extension": _endless_extension,
    "endless-headers": _endless_headers,
    "endless-continue": _endless_continue,
    "too-large": lambda visit: visit.answer(b"y" * (MAX_BODY + 1), "text/plain"),
    "large-headers": lambda visit: visit.answer(b"x", x_grande="z" * 70_000),
    "drip-head": _drip_head,
    "drip-body": _drip_body,
    "drip-chunks": _drip_chunks,
    "hang": _hang,
    "hang-in-body": lambda visit: (visit.send(OK + b"content-length: 10\r\n\r\nab"), _hang(visit))[1],
    "closes": _raw(),
    "reset": _reset,
    "cut": _raw(OK + b"content-length: 1000\r\n\r\nempieza"),
    "cut-chunks": _raw(CHUNKED + b"5\r\nhola"),
    "two-lengths": _raw(OK + b"content-length: 5\r\ncontent-length: 9\r\n\r\nholaa"),
    "bad-length": _raw(OK + b"content-length: -5\r\n\r\nhola"),
    "bad-chunk": _raw(CHUNKED + b"zz\r\nhola\r\n"),
    "http-0.9": _raw(b"<html>sin encabezado</html>"),
    "http-2": _raw(b"HTTP/2 200 OK\r\n\r\nhola"),
    "garbage": _raw(random.Random(1).randbytes(5_000)),
    "bad-header": _raw(OK + b"con espacios : x\r\n\r\nhola"),
    "split-header": _raw(OK + b"x: a\x00b\r\n\r\nhola"),
}

UNSURE = "unsure/"


def _pages() -> Iterator[Page]:
    """Every page, each sort on hosts of its own, so that a slow one keeps nobody waiting."""
    both: dict[str, str] = {
        "home-page": "unsure/home-page",
        "soft-404": "unsure/soft-404",
        "soft-404-es": "unsure/soft-404",
        "parked": "unsure/parked",
        "suspended": "unsure/parked",
        "empty": "unsure/empty",
        "captcha": "blocked/challenge",
        "captcha-es": "blocked/challenge",
        "captcha-503": "blocked/challenge",
        "401": "blocked/turned-away",
        "403": "blocked/turned-away",
        "451": "blocked/turned-away",
        "500": "unsure/server-fault",
        "502": "unsure/server-fault",
        "503": "unsure/server-fault",
        "204": "unsure/odd-status",
        "206": "unsure/odd-status",
        "300": "unsure/odd-status",
        "404": "gone/not-there",
        "no-location": "unsure/odd-status",
        "circle": "unsure/redirects",
        "endless-chain": "unsure/redirects",
        "to-itself": "unsure/redirects",
        "gzip-bomb": "unsure/too-large",
        "deflate-bomb": "unsure/too-large",
        "br-bomb": "unsure/too-large",
        "nested-bomb": "unsure/coding",
        "nested-header": "unsure/coding",
        "many-members": "unsure/coding",
        "gzip-cut": "unsure/cut",
        "gzip-not": "unsure/coding",
        "zstd": "unsure/coding",
        "endless": "unsure/too-large",
        "endless-chunks": "unsure/too-large",
        "endless-extension": "unsure/protocol",
        "endless-headers": "unsure/header-size",
        "endless-continue": "unsure/header-size",
        "too-large": "unsure/too-large",
        "large-headers": "unsure/header-size",
        "drip-head": "unsure/timeout",
        "drip-body": "unsure/too-slow",
        "drip-chunks": "unsure/too-slow",
        "hang": "unsure/timeout",
        "hang-in-body": "unsure/timeout",
        "closes": "unsure/cut",
        "reset": "unsure/cut",
        "cut": "unsure/cut",
        "cut-chunks": "unsure/cut",
        "two-lengths": "unsure/protocol",
        "bad-length": "unsure/protocol",
        "bad-chunk": "unsure/protocol",
        "http-0.9": "unsure/cut",
        "http-2": "unsure/protocol",
        "garbage": "unsure/cut",
        "bad-header": "unsure/protocol",
        "split-header": "unsure/protocol",
    }
    paths = {"circle": "/circulo/a", "endless-chain": "/sinfin/0", "home-page": "/informes/acta.html"}
    for does, seen in both.items():
        yield Page(f"http://{does.replace('.', '-')}.example{paths.get(does, '/acta')}", does, seen, seen)
    yield from _leading_inward()
    yield from _odd_addresses()
    for name in [*HONEST, *LIES]:
        yield Page(f"http://archivos.example/{name}.bin", "file", "captured/direct", "alive/same-bytes")
    for does in ("gzip", "gzip-members", "deflate", "deflate-raw", "br", "cookie-wall", "chain", "headers", "zip-bomb"):
        path = {"cookie-wall": "/galleta/entrada", "chain": "/cadena/uno"}.get(does, "/acta")
        yield Page(f"http://{does}.example{path}", does, "captured/direct", "alive/same-bytes")
    yield Page("http://seguro.example/entrada", "to-https", "captured/direct", "alive/same-bytes")
    yield Page("https://seguro.example/acta", "honest", "captured/direct", "alive/same-bytes")
    for number in range(6):
        yield Page(f"http://muere-{number}.example/acta", "dies-404", "captured/direct", "gone/not-there")
        yield Page(f"http://cambia-{number}.example/acta", "changes", "captured/direct", "changed/other-bytes")
    for number in range(3):
        yield Page(f"http://retirada-{number}.example/acta", "dies-410", "captured/direct", "gone/not-there")
        yield Page(f"http://viva.example/{number}", "dynamic", "captured/direct", "changed/other-bytes")
        yield Page(f"http://crece-{number}.example/acta", "grows", "captured/direct", "changed/other-bytes")
        yield Page(f"http://caduca-{number}.example/acta", "honest", "captured/direct", "gone/no-name")
    for does, name in (("429", "harto"),):
        yield Page(f"http://{name}.example/a", does, "blocked/turned-away", "blocked/turned-away")
        yield Page(f"http://{name}.example/b", does, "put-off/asked-to-wait", "put-off/asked-to-wait")


def _leading_inward() -> Iterator[Page]:
    """Names and redirects that lead to where nobody may be led, at once or later."""
    for number, place in enumerate(INWARD):
        yield Page(f"http://adentro-{number}.example/acta", f"to:{place}", "unsure/address", "unsure/address")
    for name in ("interno", "mixto", "mapeado", "nube"):
        yield Page(f"http://{name}.example/acta", "honest", "unsure/address", "unsure/address")
    for number in range(4):
        yield Page(f"http://voluble-{number}.example/acta", "honest", "captured/direct", "unsure/address")
    for number in range(3):
        yield Page(f"http://vuelta-{number}.example/acta", "turns-inward", "captured/direct", "unsure/address")
    for number in range(2):
        yield Page(f"http://intranet-{number}.example/acta", "honest", "captured/direct", "alive/same-bytes")


INWARD = (
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://2130706433/",
    "http://localhost/",
    "//10.66.6.6/relativo",
    "http://192.168.0.1/",
    "http://172.16.9.9/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::ffff:10.66.6.6]/",
    "http://[64:ff9b::a42:606]/",
    "http://[2002:a42:606::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://metadatos.example/",
)


def _odd_addresses() -> Iterator[Page]:
    """Addresses and redirects that are refused for how they are written, and TLS that is not what it should be."""
    yield Page("http://nadie.example/acta", "", "gone/no-name", "gone/no-name")
    yield Page("http://usuario:clave@honrada.example/", "honest", "unsure/credentials", "unsure/credentials")
    yield Page("http://honrada.example:8080/", "", "unsure/port", "unsure/port")
    yield Page("http://honrada.example:8443/", "", "unsure/no-connection", "unsure/no-connection")
    yield Page("http://atascada.example/acta", "", "unsure/no-connection", "unsure/no-connection")
    places = ("file:///etc/passwd", "ftp://honrada.example/a", "gopher://honrada.example/", "data:text/html,hola")
    for number, place in enumerate((*places, "javascript:alert(1)")):
        yield Page(f"http://esquema-{number}.example/acta", f"to:{place}", "unsure/scheme", "unsure/scheme")
    for number, place in enumerate(("http://honrada.example:22/", "http://honrada.example:65536/", "http://a b/")):
        rule = ("port", "malformed", "malformed")[number]
        yield Page(f"http://torcida-{number}.example/acta", f"to:{place}", UNSURE + rule, UNSURE + rule)
    yield Page(
        "http://clave.example/acta", "to:http://u:p@honrada.example/", "unsure/credentials", "unsure/credentials"
    )
    yield Page("https://baja.example/acta", "downgrade", "unsure/downgrade", "unsure/downgrade")
    for name in ("vencido", "ajeno", "propio", "sin-tls"):
        yield Page(f"https://{name}.example/acta", "honest", "unsure/tls", "unsure/tls")


COUNT = 200
_ODD = tuple(_pages())
PAGES: tuple[Page, ...] = _ODD + tuple(
    [
        Page(f"http://ministerio-{number % 12}.example/actas/{number}", "honest", "captured/direct", "alive/same-bytes")
        for number in range(COUNT - len(_ODD))
    ]
)


def names(turned: Callable[[], bool]) -> dict[str, Addresses]:
    """What the name server says, before and after time has passed."""
    found: dict[str, Addresses] = {}
    for number, host in enumerate(sorted({page.host for page in PAGES})):
        found[host] = [OPEN + str(number % 200 + 1)]
        if host.startswith("voluble"):
            found[host] = _voluble(OPEN + "201", turned)
        elif host.startswith("caduca"):
            del found[host]
        elif host.startswith("intranet"):
            found[host] = [INTRANET + str(number % 200 + 1)]
    found["interno.example"] = [INNER]
    found["mixto.example"] = [OPEN + "9", INNER]
    found["mapeado.example"] = ["::ffff:10.66.6.6"]
    found["nube.example"] = [OPEN + "10", "fd00:ec2::254"]
    found["metadatos.example"] = ["169.254.169.254"]
    found["atascada.example"] = [STUCK]
    found |= {f"caduca-{number}.example": [OPEN + "11"] for number in range(0 if turned() else 3)}
    del found["nadie.example"]
    return found


def _voluble(address: str, turned: Callable[[], bool]) -> Callable[[], list[str]]:
    """A name that is public to whoever asks, and another thing to whoever asks again right after."""
    last = [0.0]

    def given() -> list[str]:
        again = turned() or time.monotonic() - last[0] < 0.5
        last[0] = time.monotonic()
        return [INNER] if again else [address]

    return given


# --- the server ------------------------------------------------------------------------------------------------------


class Web:
    """The web, at ports 80 and 443 of every address. `heads` are the requests that came."""

    def __init__(self, folder: Path) -> None:
        self.turned = False
        self.heads: list[bytes] = []
        self._does = {(page.host, page.url.partition("/")[0]): page.does for page in PAGES}
        self.authority = folder / "authority.pem"
        self._contexts = _certificates(folder, self.authority)

    def __enter__(self) -> Self:
        self._open: list[socket.socket] = []
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # beside the one that takes every address
        stuck.bind((STUCK, 80))
        stuck.listen(0)
        self._open.append(stuck)
        for _ in range(2):  # its queue is full from now on, and whoever comes waits
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex((STUCK, 80))
            self._open.append(waiting)
        for port, secure in ((80, False), (443, True)):
            family = socket.AF_INET6 if Path("/proc/net/if_inet6").exists() else socket.AF_INET
            listening = socket.socket(family, socket.SOCK_STREAM)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listening.bind(("", port))
            listening.listen(128)
            self._open.append(listening)
            threading.Thread(target=self._accept, args=(listening, secure), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._open:
            one.close()

    def _accept(self, listening: socket.socket, secure: bool) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, secure), daemon=True).start()

    def _serve(self, connection: socket.socket, secure: bool) -> None:
        try:
            connection.settimeout(30)
            if secure:
                connection = self._contexts[""].wrap_socket(connection, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head and (piece := connection.recv(65_536)):
                head += piece
            self.heads.append(head)
            self._answer(connection, head, "https:" if secure else "http:")
        except (OSError, ValueError):
            pass  # whoever came had enough, or was not let in
        finally:
            connection.close()

    def _answer(self, connection: socket.socket, head: bytes, scheme: str) -> None:
        path = head.split(b" ")[1].decode()
        host = next(line[5:].strip().decode() for line in head.split(b"\r\n") if line.lower().startswith(b"host:"))
        does = self._does.get((host, scheme)) or self._does.get((host, "http:"), "honest")
        visit = Visit(host, path, head, connection, self.turned)
        if does.startswith("to:"):
            visit.redirect(does[3:])
        else:
            DOES[does](visit)


def _certificates(folder: Path, authority: Path) -> dict[str, ssl.SSLContext]:
    """TLS by the name that is asked for; the authority's certificate is written for those who are to trust it."""
    own = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Autoridad de prueba")])
    now = datetime.now(UTC)

    def made(
        names: list[str], key: Any, issuer: x509.Name, signer: Any, ends: datetime, *, root: bool = False
    ) -> x509.Certificate:
        named = subject if root else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        builder = (
            x509.CertificateBuilder()
            .subject_name(named)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), False)
        return builder.sign(signer, hashes.SHA256())

    root = made([], own, subject, own, now + timedelta(days=30), root=True)
    authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    good = now + timedelta(days=30)
    contexts: dict[str, ssl.SSLContext] = {}
    for name, names, ends, trusted in (
        ("", ["seguro.example", "baja.example"], good, True),
        ("vencido.example", ["vencido.example"], now - timedelta(days=1), True),
        ("ajeno.example", ["otro.example"], good, True),
        ("propio.example", ["propio.example"], good, False),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        signer, issuer = (
            (own, subject) if trusted else (key, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "yo")]))
        )
        certificate = made(names, key, issuer, signer, ends)
        path = folder / f"{sha256(name.encode()).hexdigest()[:8]}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[name].load_cert_chain(path)

    def chosen(connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        if name == "sin-tls.example":
            return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
        connection.context = contexts.get(name or "", contexts[""])
        return None

    contexts[""].sni_callback = chosen  # type: ignore[assignment]
    return contexts

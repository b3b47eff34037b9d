"""Fetching what strangers name: one document from the open web, guarded on every side.

    got = fetch("https://www.mineduc.example/acta.pdf", Rules())        a Fetched, or Unfetched is raised

What a link leads to is chosen by whoever wrote it, and what answers by whoever owns the name. So neither is believed:

1. Only `http` and `https`, ports 80 and 443, no user names in the address.
2. The name is resolved once, and EVERY address it gives must be one of the open Internet (`why_not`): a name with one
   private address is refused, whatever its others are. The connection goes to an address that was checked, and nobody
   asks again: a name that answers otherwise a moment later gains nothing. Host and SNI carry the name.
3. A redirect is read, not followed by a library: its target goes through 1 and 2 anew, at most `redirects` times, never
   in a circle, and never from https back to http.
4. Everything is bounded: the whole (seconds), connecting, the first header, silence, the lowest rate, the size of the
   headers, of the body on the wire and of the body decoded, and how much more there may be decoded than was sent.
5. No cookies are kept, no credentials sent, no proxy of the environment used. The request says who asks, and where to
   complain (`agent`).

`httpcore2` does HTTP, because it lets us bring our own network (`NetworkBackend`), so that no other resolution and no
other socket can occur; because its parser, h11, is strict (two lengths, bad chunks, HTTP/0.9 and a body cut short are
errors); and because it decodes nothing by itself. It is in the base install already. `http.client` is lenient in all of
these, and a library that follows redirects or decompresses would have to be talked out of both.

We ask for `Accept-Encoding: identity`. What comes in gzip, deflate or br all the same is decoded within the bounds; in
two codings, one in another, it is refused.

robots.txt is not asked. It speaks to crawlers, which find addresses by following links (RFC 9309, section 1); here one
document is fetched that a public body named as evidence of its own acts, no link in it is followed, one connection to a
host is open at a time, with a pause between two (`Turns`), and whoever answers 401, 403 or 429 is taken at their word.

`Rules.allow` lets networks through that are refused otherwise: for an intranet of your own, and for tests. It is empty
unless somebody says so. Nothing here is ever called on a request to our server (tests/test_house.py).
"""

import ipaddress
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any, cast
from urllib.parse import quote, urljoin, urlsplit

import httpcore2
import msgspec

from api.clients import Address, Network

MIB = 1 << 20
# Of the addresses of a name so many are tried, in the order in which the resolver gave them.
MAX_ADDRESSES = 6
MAX_URL = 4_096


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch may take, and whom it may reach. Times are seconds, sizes bytes."""

    total: float = 90.0
    connect: float = 10.0
    first_byte: float = 30.0  # from the request to the end of the answer's header
    silence: float = 15.0
    least_rate: int = 512  # bytes in a second, on the average, once `grace` is over
    grace: float = 15.0
    header: int = 64 * 1024
    body: int = 64 * MIB  # on the wire, and decoded
    ratio: int = 200  # decoded, beyond the first MiB, at most so many times what was sent
    redirects: int = 8
    ports: tuple[int, ...] = (80, 443)
    allow: tuple[Network, ...] = ()
    agent: str = "constancia (evidence capture)"


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One answer on the way: who was asked, at which address, and what it said. Names of headers are lower-case."""

    url: str
    address: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> str:
        """The first header of a name (lower-case), or nothing."""
        return next((value for each, value in self.headers if each == name), "")


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, whatever its status. `hops` are the redirects and, last, the answer itself; `body` is decoded."""

    url: str
    hops: tuple[Hop, ...]
    body: bytes
    coding: str = ""
    wire: int = 0  # bytes of the body as it was sent
    fetched_ms: int
    agent: str = ""  # how the request named itself

    @property
    def last(self) -> Hop:
        """The answer itself."""
        return self.hops[-1]


class Unfetched(Exception):
    """Nothing that counts came back; `code` says why (`WHY`), `hops` how far it went."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        assert code in WHY
        self.code = code
        self.detail = detail
        self.hops: tuple[Hop, ...] = ()


# Code -> what it says to people, in Spanish and English.
WHY: dict[str, tuple[str, str]] = {
    "malformed": ("la dirección no se puede leer", "the address cannot be read"),
    "scheme": ("no es http ni https", "it is neither http nor https"),
    "credentials": ("la dirección lleva usuario o contraseña", "the address carries a user or password"),
    "port": ("un puerto que no se visita", "a port that is not visited"),
    "address": ("lleva a una red que no es pública", "it leads to a network that is not public"),
    "no-name": ("el nombre no existe", "the name does not exist"),
    "name-failed": ("no se pudo preguntar por el nombre", "the name could not be asked for"),
    "no-connection": ("nadie recibe la conexión", "nobody takes the connection"),
    "timeout": ("tardó demasiado", "it took too long"),
    "too-slow": ("gotea", "it drips"),
    "tls": ("su certificado o su TLS no son válidos", "its certificate or its TLS is not valid"),
    "cut": ("se cortó", "it was cut short"),
    "protocol": ("no habla HTTP como se debe", "it does not speak proper HTTP"),
    "header-size": ("encabezados demasiado grandes", "headers too large"),
    "too-large": ("demasiado grande", "too large"),
    "too-dense": ("se infla demasiado al descomprimir", "it swells too much when unpacked"),
    "coding": ("una codificación que no se pidió ni se acepta", "a coding that was neither asked for nor is accepted"),
    "redirects": ("demasiadas redirecciones, o en círculo", "too many redirects, or in a circle"),
    "downgrade": ("redirige de https a http", "it redirects from https to http"),
}

Resolve = Callable[[str, int, float], Sequence[str]]


# --- addresses -------------------------------------------------------------------------------------------------------

# By name and not by `ipaddress`, whose verdict differs between versions of Python: it has called multicast, NAT64, 6to4
# and `fec0::/10` global. From IANA's registries of special-purpose addresses (RFC 6890), and of clouds.
_NOT_IPV4 = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared (CGNAT)",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "metadata of a cloud",
    "169.254.0.0/16": "link-local, metadata of clouds",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "6to4 relay",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved, broadcast",
}
# Of IPv6 only the global unicast block is visited, so ::1, fc00::/7, fe80::/10, ff00::/8, ::ffff:0:0/96, 64:ff9b::/96
# and all that is not assigned yet are out; and of the block these.
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
_NOT_IPV6 = {
    "2001::/23": "protocol assignments, Teredo",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "3fff::/20": "documentation",
}
_REFUSED: tuple[tuple[Network, str], ...] = tuple(
    [(ipaddress.ip_network(network), name) for network, name in {**_NOT_IPV4, **_NOT_IPV6}.items()]
)


def why_not(address: Address, allow: Iterable[Network] = ()) -> str:
    """Why an address is not visited; nothing where it may be. `allow` are networks that are, whatever they are."""
    if any(address.version == network.version and address in network for network in allow):
        return ""
    for network, name in _REFUSED:
        if address.version == network.version and address in network:
            return name
    if isinstance(address, ipaddress.IPv6Address):
        if address not in _GLOBAL_IPV6:
            return "not global"
        # ISATAP (RFC 5214): the last 32 bits are an IPv4 address that a tunnel of ours might lead to.
        if address.packed[8:12] in (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe"):
            return "an IPv4 address inside"
    return ""


def resolve_name(host: str, port: int, seconds: float) -> Sequence[str]:
    """The addresses of a name as this machine's resolver gives them, asked once. Raises Unfetched."""
    answer: list[Any] = []

    def ask() -> None:
        try:
            answer.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.append(error)

    # The resolver cannot be interrupted: past our patience it goes on alone, until its own ends.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    if not answer:
        raise Unfetched("name-failed", f"no answer about {host} within {seconds:.0f} s")
    if isinstance(answer[0], socket.gaierror) and answer[0].errno == socket.EAI_NONAME:
        raise Unfetched("no-name", host)
    if isinstance(answer[0], Exception):
        raise Unfetched("name-failed", f"{host}: {answer[0]}")
    return list(dict.fromkeys(str(each[4][0]) for each in answer[0]))


def checked_addresses(host: str, port: int, rules: Rules, resolve: Resolve, seconds: float) -> list[str]:
    """The addresses of a name, all of them fit to be visited. Raises Unfetched."""
    found = resolve(host, port, seconds)
    if not found:
        raise Unfetched("name-failed", f"{host} has no address")
    for text in found:
        try:
            reason = why_not(ipaddress.ip_address(text), rules.allow)  # a scope (`fe80::1%eth0`) is checked with it
        except ValueError:
            reason = "not an address"
        if reason:
            raise Unfetched("address", f"{host} is {text} ({reason})")
    return list(found)[:MAX_ADDRESSES]


# --- what is asked for -----------------------------------------------------------------------------------------------

_HOST = re.compile(r"(?!.*\.\.)[a-z0-9_](?:[a-z0-9._-]{0,252}[a-z0-9_.])?\Z")


class Target(msgspec.Struct, frozen=True):
    """An address, taken apart once: what is resolved, connected to and asked for comes from here alone."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """Host and, unless it is the scheme's own, port; as a Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address, without fragment."""
        return f"{self.scheme}://{self.netloc}{self.path}"


_PORTS = {"http": 80, "https": 443}


def target_of(url: str, rules: Rules) -> Target:
    """An address taken apart. Raises Unfetched for what is not visited."""
    if not url or len(url) > MAX_URL or any(ord(char) <= 0x20 or ord(char) == 0x7F or char in '\\"<>' for char in url):
        raise Unfetched("malformed", "a character, or a length, that no address has")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Unfetched("malformed", str(error)) from None
    if parts.scheme not in _PORTS:
        raise Unfetched("scheme", parts.scheme or "none")
    if "@" in parts.netloc:
        raise Unfetched("credentials", "the address carries a user or password")
    port = _PORTS[parts.scheme] if port is None else port
    if port not in rules.ports:
        raise Unfetched("port", str(port))
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + ("?" + _query(parts.query) if parts.query else "")
    return Target(parts.scheme, _host(host, parts.netloc), port, path)


def _query(text: str) -> str:
    return quote(text, safe="/%:@!$&'()*+,;=~-._?[]|^`{}")


def _host(host: str, netloc: str) -> str:
    """A host name in ASCII, or an IPv6 literal. Raises Unfetched."""
    if netloc.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise Unfetched("malformed", f"no IPv6 address: {host}") from None
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise Unfetched("malformed", "no host name") from None
    if not _HOST.match(name):
        raise Unfetched("malformed", "no host name")
    return name


def redirected(here: Target, location: str, rules: Rules) -> Target:
    """Where a Location leads. Raises Unfetched."""
    try:
        # Servers write the bytes of UTF-8 as they are; a header is read as Latin-1.
        plain = quote(location.strip().encode("latin-1"), safe="".join(map(chr, range(0x21, 0x7F))))
        joined = urljoin(here.url, plain)
    except ValueError as error:
        raise Unfetched("malformed", f"Location: {error}") from None
    there = target_of(joined, rules)
    if here.scheme == "https" and there.scheme == "http":
        raise Unfetched("downgrade", f"{here.netloc} redirects to {there.scheme}://{there.netloc}")
    return there


# --- the wire --------------------------------------------------------------------------------------------------------


class _Budget:
    """What is left of the time and of the bytes of one request."""

    def __init__(self, rules: Rules, deadline: float) -> None:
        self.rules = rules
        self.deadline = deadline
        self.first_byte = 0.0  # the deadline of the header, once the request is on its way
        self.bytes = rules.header + 64 * 1024  # h11 reads ahead: what is left over is of the body
        self.began = 0.0  # when the body did
        self.received = 0

    def seconds(self) -> float:
        """How long the next step may take. Raises Unfetched."""
        now = time.monotonic()
        ends = min(self.deadline, self.first_byte) if self.first_byte else self.deadline
        if now >= ends:
            raise Unfetched("timeout", "the time for the answer is over")
        return min(ends - now, self.rules.silence)

    def body_begins(self) -> None:
        self.first_byte = 0.0
        self.began = time.monotonic()
        self.received = 0
        # Chunks of one byte are sent in six; whoever does so may.
        self.bytes = 2 * self.rules.body + MIB

    def took(self, count: int) -> None:
        """Count what came. Raises Unfetched."""
        self.received += count
        self.bytes -= count
        if self.bytes < 0:
            code = "too-large" if self.began else "header-size"
            raise Unfetched(code, "more bytes came than an answer may have")
        passed = time.monotonic() - self.began
        if self.began and passed > self.rules.grace and self.received < passed * self.rules.least_rate:
            raise Unfetched("too-slow", f"{self.received} bytes in {passed:.0f} s")


class _Wire(httpcore2.NetworkStream):
    """A socket within a budget."""

    def __init__(self, sock: socket.socket, budget: _Budget) -> None:
        self._sock = sock
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._sock.settimeout(self._budget.seconds())
            received = self._sock.recv(max_bytes)
        except TimeoutError:
            self._budget.seconds()
            raise Unfetched("timeout", "nothing came any more") from None
        except ssl.SSLError as error:
            raise Unfetched("tls", str(error)) from None
        except OSError as error:
            raise Unfetched("cut", str(error)) from None
        self._budget.took(len(received))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._sock.settimeout(self._budget.seconds())
            self._sock.sendall(buffer)
        except TimeoutError:
            raise Unfetched("timeout", "the request was not taken") from None
        except OSError as error:
            raise Unfetched("cut", str(error)) from None
        self._budget.first_byte = time.monotonic() + self._budget.rules.first_byte

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            self._sock.settimeout(min(self._budget.seconds(), self._budget.rules.connect))
            self._sock = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
        except TimeoutError:
            raise Unfetched("timeout", "TLS was not agreed upon") from None
        except (ssl.SSLError, ValueError) as error:
            raise Unfetched("tls", str(error)) from None
        except OSError as error:
            raise Unfetched("cut", str(error)) from None
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._sock if info == "socket" else None


class _Net(httpcore2.NetworkBackend):
    """The network as one request sees it: there is nobody but the addresses that were checked."""

    def __init__(self, addresses: Sequence[str], budget: _Budget) -> None:
        self._addresses = addresses
        self._budget = budget
        self.reached = ""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        said = ""
        for address in self._addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(min(self._budget.seconds(), self._budget.rules.connect))
                sock.connect((address, port))
            except OSError as error:
                sock.close()
                said = f"{address}: {error}"
                continue
            except Unfetched:
                sock.close()
                raise
            self.reached = address
            return _Wire(sock, self._budget)
        raise Unfetched("no-connection", said)


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that this machine trusts (also `SSL_CERT_FILE`)."""
    return httpcore2.default_ssl_context()


# --- decoding --------------------------------------------------------------------------------------------------------

_STEP = 256 * 1024
# Members of one gzip stream: a few are usual, a million of empty ones is an attack.
_MAX_MEMBERS = 64


def decoded(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """The body without its coding (`gzip`, `deflate`, `br`, or none), in pieces of bounded size. Raises Unfetched."""
    try:
        match coding:
            case "":
                yield from pieces
            case "gzip" | "x-gzip":
                yield from _gunzipped(pieces)
            case "deflate":
                yield from _inflated(pieces)
            case "br":
                yield from _unbrotlied(pieces)
            case _:
                raise Unfetched("coding", coding[:40])
    except zlib.error as error:
        raise Unfetched("coding", f"{coding}: {error}") from None


def _gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    members, unpacking = 1, zlib.decompressobj(31)
    for piece in pieces:
        rest = piece
        while rest:
            if unpacking.eof:
                members, unpacking = members + 1, zlib.decompressobj(31)
                if members > _MAX_MEMBERS:
                    raise Unfetched("coding", "a gzip of too many members")
            yield unpacking.decompress(rest, _STEP)
            rest = unpacking.unused_data if unpacking.eof else unpacking.unconsumed_tail
    if not unpacking.eof:
        raise Unfetched("cut", "the gzip has no end")


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    unpacking, rest = None, b""
    for piece in pieces:
        rest += piece
        if unpacking is None and len(rest) < 2:
            continue
        if unpacking is None:
            # Half of the servers send the bare stream and not, as they should, that of zlib.
            whole = rest[0] & 0x0F == 8 and (rest[0] << 8 | rest[1]) % 31 == 0
            unpacking = zlib.decompressobj(15 if whole else -15)
        while rest and not unpacking.eof:
            yield unpacking.decompress(rest, _STEP)
            rest = unpacking.unconsumed_tail
    if unpacking is None or not unpacking.eof:
        raise Unfetched("cut", "the deflate has no end")


def _unbrotlied(pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        brotli: Any = import_module("brotli")
    except ImportError:
        raise Unfetched("coding", "br: not without the extra `capture`") from None
    unpacking = brotli.Decompressor()
    try:
        for piece in pieces:
            yield unpacking.process(piece, output_buffer_limit=_STEP)
            while not unpacking.can_accept_more_data():
                yield unpacking.process(b"", output_buffer_limit=_STEP)
    except brotli.error as error:
        raise Unfetched("coding", f"br: {error}") from None
    if not unpacking.is_finished():
        raise Unfetched("cut", "the br has no end")


def _coding_of(hop: Hop) -> str:
    """The one coding of an answer. Raises Unfetched where there are two."""
    named = [
        each.strip().lower() for name, value in hop.headers if name == "content-encoding" for each in value.split(",")
    ]
    codings = [each for each in named if each not in ("", "identity")]
    if len(codings) > 1:
        raise Unfetched("coding", f"{len(codings)} codings, one in another")
    return codings[0] if codings else ""


# --- one fetch -------------------------------------------------------------------------------------------------------


class Turns:
    """One connection to a host at a time, and a pause before the next. Any thread may ask."""

    def __init__(self, pause: float) -> None:
        """`pause` is seconds between the end of one request and the beginning of the next to the same host."""
        self._pause = pause
        self._hosts: dict[str, tuple[threading.Lock, list[float]]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def at(self, host: str) -> Generator[None]:
        """Have the host for oneself."""
        with self._lock:
            own, last = self._hosts.setdefault(host, (threading.Lock(), [0.0]))
        with own:
            wait = last[0] + self._pause - time.monotonic()
            if last[0] and wait > 0:
                time.sleep(wait)
            try:
                yield
            finally:
                last[0] = time.monotonic()


def fetch(url: str, rules: Rules, turns: Turns | None = None, resolve: Resolve = resolve_name) -> Fetched:
    """Fetch what an address leads to. Raises Unfetched, with the answers that came before."""
    turns = turns or Turns(0.0)
    hops: list[Hop] = []
    deadline = time.monotonic() + rules.total
    try:
        here = target_of(url.partition("#")[0], rules)
        seen = {here.url}
        while True:
            with turns.at(here.host):
                # Waiting for one's turn is not the host's fault.
                deadline = max(deadline, time.monotonic() + rules.connect)
                hop, body, coding, wire = _ask(here, rules, resolve, deadline)
            hops.append(hop)
            location = hop.header("location")
            if hop.status not in (301, 302, 303, 307, 308) or not location:
                now = time.time_ns() // 1_000_000
                return Fetched(
                    url=url,
                    hops=tuple(hops),
                    body=body,
                    coding=coding,
                    wire=wire,
                    fetched_ms=now,
                    agent=rules.agent,
                )
            here = redirected(here, location, rules)
            if here.url in seen or len(hops) > rules.redirects:
                raise Unfetched("redirects", f"{len(hops)} redirects, the last to {here.url[:200]}")
            seen.add(here.url)
    except Unfetched as error:
        error.hops = tuple(hops)
        raise


def _ask(here: Target, rules: Rules, resolve: Resolve, deadline: float) -> tuple[Hop, bytes, str, int]:
    """One request: what was answered, its body decoded, from which coding, and how many bytes it had on the wire."""
    budget = _Budget(rules, deadline)
    net = _Net(checked_addresses(here.host, here.port, rules, resolve, min(rules.connect, budget.seconds())), budget)
    headers = {"host": here.netloc, "user-agent": rules.agent, "accept": "*/*", "accept-encoding": "identity"}
    try:
        with (
            httpcore2.ConnectionPool(ssl_context=_trusted(), network_backend=net, max_connections=1) as pool,
            pool.stream("GET", here.url, headers={**headers, "connection": "close"}) as answer,
        ):
            budget.body_begins()
            hop = _hop(here, net.reached, answer, rules)
            if hop.status in (301, 302, 303, 307, 308) and hop.header("location"):
                return hop, b"", "", 0
            coding = _coding_of(hop)
            body, wire = _read(answer, coding, rules)
            return hop, body, coding, wire
    except httpcore2.RemoteProtocolError as error:
        raise Unfetched(_fault(str(error), budget), str(error)[:200]) from None
    except (httpcore2.ProtocolError, httpcore2.NetworkError, httpcore2.UnsupportedProtocol) as error:
        raise Unfetched("protocol", f"{type(error).__name__}: {error}"[:200]) from None


def _fault(said: str, budget: _Budget) -> str:
    """What h11 found wrong; of its messages only these tell more than that it is not HTTP."""
    if "closed" in said or "disconnected" in said:
        return "cut"
    return "header-size" if "too long" in said and not budget.began else "protocol"


def _hop(here: Target, address: str, answer: httpcore2.Response, rules: Rules) -> Hop:
    if sum(len(name) + len(value) + 4 for name, value in answer.headers) > rules.header:
        raise Unfetched("header-size", f"more than {rules.header} bytes")
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers]
    reason = cast("dict[str, bytes]", answer.extensions).get("reason_phrase", b"")
    return Hop(
        url=here.url,
        address=address,
        status=answer.status,
        reason=reason.decode("latin-1"),
        headers=tuple(headers),
    )


def _read(answer: httpcore2.Response, coding: str, rules: Rules) -> tuple[bytes, int]:
    """The body, decoded, and its bytes on the wire. Raises Unfetched as soon as a bound is passed."""
    sent = 0

    def wire() -> Iterator[bytes]:
        nonlocal sent
        for piece in answer.iter_stream():
            sent += len(piece)
            if sent > rules.body:
                raise Unfetched("too-large", f"more than {rules.body} bytes")
            yield piece

    pieces: list[bytes] = []
    size = 0
    for piece in decoded(wire(), coding):
        size += len(piece)
        if size > rules.body:
            raise Unfetched("too-large", f"more than {rules.body} bytes, decoded")
        if size > MIB and size > rules.ratio * sent:
            raise Unfetched("too-dense", f"{size} bytes out of {sent}")
        pieces.append(piece)
    return b"".join(pieces), sent

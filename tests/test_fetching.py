"""The fetcher's parts by themselves: addresses, redirects, decoding, turns. All of it together: test_capture.py."""

import gzip
import ipaddress
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.fetching import (
    MIB,
    Rules,
    Turns,
    Unfetched,
    checked_addresses,
    decoded,
    fetch,
    redirected,
    resolve_name,
    target_of,
    why_not,
)

RULES = Rules()
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": import_module("brotli").compress,
}
PUBLIC = ["1.1.1.1", "8.8.8.8", "45.67.89.1", "192.0.1.1", "198.17.255.255", "223.255.255.255", "2606:4700::1111"]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "100.100.100.200",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:0:7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2606:4700::5efe:127.0.0.1",
    "2606:4700::200:5efe:10.0.0.1",
]


def why(code: str) -> "pytest.RaisesExc[Unfetched]":
    return pytest.raises(Unfetched, match=rf"\A{code}: ")


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_of_the_open_internet_are_visited(text: str) -> None:
    assert why_not(ipaddress.ip_address(text)) == ""


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_every_other_sort_of_address_is_not(text: str) -> None:
    assert why_not(ipaddress.ip_address(text)) != ""


@given(st.ip_addresses())
def test_whatever_the_library_does_not_call_global_is_not_visited(address: ipaddress.IPv4Address) -> None:
    """The library's list and ours were made apart; ours refuses more, and nothing less."""
    if not address.is_global and address not in ipaddress.ip_network("192.0.0.0/24"):
        assert why_not(address) != ""


@given(st.ip_addresses(v=4))
def test_an_address_of_ipv4_in_clothes_of_ipv6_is_not_visited(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for dressed in (0xFFFF << 32, 0x64FF9B << 96, 0, 0x2002 << 112 | number << 80, 0x20010000 << 96):
        assert why_not(ipaddress.IPv6Address(dressed | number)) != ""


@given(st.ip_addresses())
def test_what_is_allowed_by_name_is_visited_and_nothing_beside_it(address: ipaddress.IPv4Address) -> None:
    own = ipaddress.ip_network(f"{address}/{address.max_prefixlen}")
    assert why_not(address, [own]) == ""
    beside = type(address)(int(address) ^ 1)
    assert why_not(beside, [own]) == why_not(beside)


@pytest.mark.parametrize("bad", ["10.0.0.1", "::1", "fe80::1%eth0", "nonsense"])
def test_one_bad_address_of_a_name_refuses_the_name(bad: str) -> None:
    def resolve(host: str, port: int, seconds: float) -> Sequence[str]:
        return ["8.8.8.8", bad, "1.1.1.1"]

    with why("address"):
        checked_addresses("a.example", 80, RULES, resolve, 1)


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0177.1", "0", "localhost", "127.0.0.1"])
def test_every_spelling_of_this_machine_is_refused_after_it_was_resolved(host: str) -> None:
    with why("address"):
        checked_addresses(host, 80, RULES, resolve_name, 5)


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hangs(*_: object, **__: object) -> bool:
        return over.wait(30)

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    with why("name-failed"):
        resolve_name("a.example", 80, 0.05)
    over.set()


def test_nothing_is_connected_to_where_a_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def connects(*_: object) -> None:
        raise AssertionError("a connection was begun")

    monkeypatch.setattr(socket.socket, "connect", connects)
    for place in ("http://10.0.0.1/", "https://[::1]/", "http://169.254.169.254/", "http://2130706433/"):
        with why("address"):
            fetch(place, RULES)


# --- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://A.Example", "a.example", 80, "/"),
        ("https://a.example:443/b?c=d", "a.example", 443, "/b?c=d"),
        ("http://a.example?x", "a.example", 80, "/?x"),
        ("http://[2606:4700:0::1]/", "2606:4700::1", 80, "/"),
        ("http://a.example/%C3%A1%20b", "a.example", 80, "/%C3%A1%20b"),
        ("http://a.example/á", "a.example", 80, "/%C3%A1"),
        ("http://año.example/", "xn--ao-zja.example", 80, "/"),
    ],
)
def test_an_address_is_taken_apart_once(url: str, host: str, port: int, path: str) -> None:
    found = target_of(url, RULES)
    assert (found.host, found.port, found.path) == (host, port, path)
    assert target_of(found.url, RULES) == found


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://a.example/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("//a.example/", "scheme"),
        ("http://u@a.example/", "credentials"),
        ("http://u:p@a.example/", "credentials"),
        ("http://@a.example/", "credentials"),
        ("http://a.example:22/", "port"),
        ("http://a.example:0/", "port"),
        ("http://a.example:99999/", "malformed"),
        ("http://a.example:x/", "malformed"),
        ("http:///a", "malformed"),
        ("http://", "malformed"),
        ("", "malformed"),
        ("http://a b.example/", "malformed"),
        ("http://a.example/\r\nHost: b", "malformed"),
        ("http://a.example\\@b.example/", "malformed"),
        ("http://[::1/", "malformed"),
        ("http://[::g]/", "malformed"),
        ("http://a..example/", "malformed"),
        ("http://-/", "malformed"),
        ("http://a.example/" + "x" * 5_000, "malformed"),
    ],
)
def test_other_addresses_are_refused_for_what_is_wrong_with_them(url: str, code: str) -> None:
    with why(code):
        target_of(url, RULES)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused_with_a_reason(text: str) -> None:
    for url in (text, f"http://{text}", f"http://a.example/{text}"):
        try:
            found = target_of(url, RULES)
        except Unfetched:  # it has one of the codes, or it could not have been made
            continue
        assert found.url.isascii()
        assert not set(" \r\n\t") & set(found.url)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "https://a.example/b"),
        ("b?c", "https://a.example/x/b?c"),
        ("//b.example/", "https://b.example/"),
        ("?q=1", "https://a.example/x/y?q=1"),
        ("https://b.example#f", "https://b.example/"),
        ("/á".encode().decode("latin-1"), "https://a.example/%C3%A1"),
        (" /b ", "https://a.example/b"),
    ],
)
def test_a_redirect_is_read_as_browsers_read_it(location: str, url: str) -> None:
    assert redirected(target_of("https://a.example/x/y", RULES), location, RULES).url == url


def test_a_redirect_out_of_tls_is_refused() -> None:
    with why("downgrade"):
        redirected(target_of("https://a.example/", RULES), "http://a.example/", RULES)


# --- decoding --------------------------------------------------------------------------------------------------------

TEXT = b"Acta de la reuni\xc3\xb3n. " * 999


def bare(raw: bytes) -> bytes:
    packing = zlib.compressobj(9, wbits=-15)
    return packing.compress(raw) + packing.flush()


@given(st.integers(1, 5_000))
def test_codings_are_undone_however_they_are_cut(width: int) -> None:
    for coding, raw in (
        ("", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT[:7]) + gzip.compress(TEXT[7:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare(TEXT)),
        ("br", PACK["br"](TEXT)),
    ):
        pieces = [raw[at : at + width] for at in range(0, len(raw), width)]
        assert b"".join(decoded(pieces, coding)) == TEXT


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_what_swells_is_handed_out_in_small_pieces(coding: str) -> None:
    """So that whoever counts can stop: a bomb costs no more than what it takes to notice it."""
    packed = PACK[coding](bytes(64 * MIB))
    taken = 0
    for piece in decoded([packed], coding):
        assert len(piece) <= 2 * MIB
        taken += len(piece)
        if taken > MIB:
            return
    raise AssertionError("it did not swell")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_stream_without_its_end_is_cut_short(coding: str) -> None:
    with why("cut"):
        list(decoded([PACK[coding](TEXT)[:-5]], coding))
    with why("cut"):
        list(decoded([], coding))


def test_other_codings_are_refused() -> None:
    for coding, raw in (("zstd", TEXT), ("gzip", TEXT), ("deflate", b"\xff" * 9), ("br", b"\xff" * 9)):
        with why("coding"):
            list(decoded([raw], coding))


def test_a_gzip_of_endlessly_many_members_is_refused() -> None:
    def members() -> Iterator[bytes]:
        while True:
            yield gzip.compress(b"")

    with why("coding"):
        list(decoded(members(), "gzip"))


# --- a whole fetch, from this machine --------------------------------------------------------------------------------


def answering(raw: bytes) -> tuple[socket.socket, Rules]:
    """A server that sends these bytes to the first who comes, and rules that let it be visited."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(raw)

    threading.Thread(target=serve, daemon=True).start()
    allow = (ipaddress.ip_network("127.0.0.0/8"),)
    return listening, Rules(allow=allow, ports=(listening.getsockname()[1],))


def http(body: bytes, coding: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("coding", PACK)
def test_what_swells_too_much_is_given_up_long_before_it_is_too_large(coding: str) -> None:
    listening, rules = answering(http(PACK[coding](bytes(48 * MIB)), coding))
    with listening, why("too-dense"):
        fetch(f"http://127.0.0.1:{rules.ports[0]}/", rules)


def test_text_that_packs_well_is_taken() -> None:
    body = "".join(f"enero,{row},{row % 340}\n" for row in range(200_000)).encode()
    listening, rules = answering(http(PACK["gzip"](body), "gzip"))
    with listening:
        got = fetch(f"http://127.0.0.1:{rules.ports[0]}/#parte", rules)
    assert (got.body, got.coding, got.last.url) == (body, "gzip", f"http://127.0.0.1:{rules.ports[0]}/")


def test_the_addresses_of_a_name_are_tried_in_their_order() -> None:
    listening, rules = answering(http(b"hola", "identity"))

    def resolve(host: str, port: int, seconds: float) -> Sequence[str]:
        return ["127.0.0.9", "127.0.0.1", "127.0.0.8"]

    with listening:
        got = fetch(f"http://a.example:{rules.ports[0]}/", rules, resolve=resolve)
    assert (got.last.address, got.body) == ("127.0.0.1", b"hola")


def test_a_name_is_asked_for_once() -> None:
    listening, rules = answering(http(b"hola", "identity"))
    asked: list[str] = []

    def resolve(host: str, port: int, seconds: float) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with listening:
        fetch(f"http://a.example:{rules.ports[0]}/", rules, resolve=resolve)
    assert asked == ["a.example"]


# --- politeness ------------------------------------------------------------------------------------------------------


def test_a_host_is_visited_by_one_at_a_time() -> None:
    turns, inside, most = Turns(0.0), [0], [0]

    def visit() -> None:
        for _ in range(20):
            with turns.at("a.example"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.0005)
                inside[0] -= 1

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_a_host_is_left_in_peace_between_two_visits_and_others_are_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    turns = Turns(7.0)
    for host in ("a.example", "b.example", "a.example"):
        with turns.at(host):
            pass
    (pause,) = slept
    assert 6.0 < pause <= 7.0

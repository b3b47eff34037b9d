"""Whose address counts: chains of proxies read from the right, and what nobody who is not trusted can change."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.clients import behind_proxies, client_of, network_of, parse_address, parse_networks

TRUSTED = parse_networks(["10.0.0.2", "10.1.0.0/16", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.1", [], "203.0.113.1"),
        ("203.0.113.1", ["198.51.100.1"], "203.0.113.1"),  # not from a proxy of ours
        ("10.0.0.2", [], "10.0.0.2"),
        ("10.0.0.2", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),  # two headers are one list
        ("10.0.0.2", ["6.6.6.6, 198.51.100.1, 10.1.9.9"], "198.51.100.1"),
        ("10.0.0.2", ["6.6.6.6,198.51.100.1,10.1.9.9,fd00::7"], "198.51.100.1"),
        ("10.0.0.2", ["10.1.0.5, 10.1.0.6"], "10.1.0.5"),  # nobody but ours: the first of them asks
        ("10.0.0.2", ["198.51.100.1, unknown"], "10.0.0.2"),
        ("10.0.0.2", ["198.51.100.1, , 10.1.0.6"], "10.1.0.6"),
        ("10.0.0.2", [""], "10.0.0.2"),
        ("10.0.0.2", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.2", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.2", ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.2", ["198.51.100.1"], "198.51.100.1"),
        ("testclient", ["198.51.100.1"], "testclient"),
        ("10.0.0.2", [",".join(["6.6.6.6"] * 100_000 + ["198.51.100.1"])], "198.51.100.1"),
    ],
)
def test_a_chain_is_read_from_the_right(peer: str, forwarded: list[str], client: str) -> None:
    assert client_of(peer, forwarded, TRUSTED) == client


def test_without_trusted_proxies_nothing_is_believed() -> None:
    assert client_of("10.0.0.2", ["198.51.100.1"], ()) == "10.0.0.2"


@pytest.mark.parametrize("text", ["", "*", "a.example", "10.0.0.0/33", "10.0.0.1/8"])
def test_what_is_neither_address_nor_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_networks([text])


@pytest.mark.parametrize("text", ["", " ", "x", "1.2.3", "1.2.3.4.5", "[", "[]", "::g", "1.2.3.4,", "1" * 10_000])
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse_address(text) is None


def test_an_address_stands_for_its_network() -> None:
    assert network_of("192.0.2.1") == network_of("::ffff:192.0.2.1") == bytes([192, 0, 2, 1])
    assert network_of("2001:db8:0:1::5") == network_of("2001:db8:0:1:ffff::") == bytes.fromhex("20010db800000001")
    assert network_of("2001:db8:0:2::5") != network_of("2001:db8:0:1::5")
    assert network_of("fe80::1%eth0") == bytes.fromhex("fe80000000000000")
    assert network_of("testclient") == network_of("") == b""


def run(work: Any) -> None:
    """In a thread of its own: where a browser was tested before, this one has an event loop already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def told(scope: dict[str, Any], *trusted: str) -> dict[str, Any]:
    """The scope as the application gets it."""
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope)

    run(behind_proxies(app, trusted)(scope, None, None))  # type: ignore[arg-type]
    return seen[0]


HEADERS = [(b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"6.6.6.6, 198.51.100.1")]


def test_the_application_is_told_client_and_scheme_by_a_trusted_proxy_alone() -> None:
    asked = {"type": "http", "client": ("10.0.0.2", 4711), "scheme": "http", "headers": HEADERS}
    assert told(dict(asked), "10.0.0.0/8") == asked | {"client": ("198.51.100.1", 0), "scheme": "https"}
    assert told(dict(asked), "10.0.0.3") == asked
    assert told(dict(asked)) == asked
    strange = asked | {"headers": [(b"x-forwarded-proto", b"javascript")]}
    assert told(dict(strange), "10.0.0.2")["scheme"] == "http"
    assert told({"type": "lifespan"}) == {"type": "lifespan"}


def test_an_operator_who_named_no_proxy_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        pass

    wrapped = behind_proxies(app, ())
    for _ in range(3):
        asked = {"type": "http", "client": ("10.0.0.2", 4711), "scheme": "http", "headers": HEADERS}
        run(wrapped(asked, None, None))  # type: ignore[arg-type]
    (said,) = caplog.messages
    assert "trusted_proxies" in said
    assert "198.51" not in said

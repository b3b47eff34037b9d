"""Who asks: the address of a client, and no more of it than counting needs.

    behind_proxies(app, trusted)      ASGI: `scope["client"]` and `scope["scheme"]` as the trusted proxies tell them
    network_of(address)               what counts as one client: an IPv4 address, the /64 of an IPv6 address

A proxy appends to X-Forwarded-For the address that it was connected from, so the list is read from its end: each
address is believed because the one after it is trusted, and the first that is not trusted is the client. What stands
before it was written by the client, and means nothing. From a peer that is not trusted nothing is believed at all. An
address that cannot be read ends the walk: the client is then the last proxy that could be named.
"""

import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

_logger = logging.getLogger("constancia.server")

Application = Callable[[Any, Any, Any], Awaitable[None]]
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# A chain of proxies is a few addresses long. Whoever writes more writes them to be read, so the rest is not.
MAX_CHAIN = 32


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks (`10.0.0.2`, `fd00::/8`). Raises ValueError, naming the text that is neither."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def parse_address(text: str) -> Address | None:
    """An address, also with a port (`192.0.2.1:4711`, `[2001:db8::1]:4711`) as some proxies write it; None for others.

    An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is that IPv4 address.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def client_of(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """The client's address, given who is connected and the X-Forwarded-For headers in their order."""
    found = parse_address(peer)
    if found is None or not _within(found, trusted):
        return peer
    chain = ",".join(forwarded).rsplit(",", MAX_CHAIN)[-MAX_CHAIN:]
    for text in reversed(chain):
        earlier = parse_address(text)
        if earlier is None:
            break
        found = earlier
        if not _within(found, trusted):
            break
    return str(found)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def network_of(client: str) -> bytes:
    """The bytes that stand for a client when it is counted: 4 of IPv4, 8 of IPv6 (its /64), none of anything else."""
    address = parse_address(client)
    if address is None:
        return b""
    return address.packed if isinstance(address, IPv4Address) else address.packed[:8]


def behind_proxies(app: Application, trusted: Sequence[str]) -> Application:
    """The application, told the client's address and scheme as these proxies know them. Raises ValueError.

    `trusted` are addresses or networks; with none, X-Forwarded-* headers change nothing.
    """
    networks = parse_networks(trusted)
    warned = False

    async def told(scope: Any, receive: Any, send: Any) -> None:
        nonlocal warned
        if scope["type"] == "http" and scope.get("client"):
            headers = scope["headers"]
            forwarded = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
            peer = scope["client"][0]
            found = parse_address(peer) if networks or forwarded else None
            if found is not None and _within(found, networks):
                scope["client"] = (client_of(peer, forwarded, networks), 0)
                scheme = next((value for name, value in headers if name == b"x-forwarded-proto"), b"")
                if scheme in (b"http", b"https"):
                    scope["scheme"] = scheme.decode()
            elif forwarded and not warned:
                warned = True
                _logger.warning(
                    "a request came with X-Forwarded-For from an address that is not in `trusted_proxies`: if that is "
                    "your own proxy, all its clients are counted as one until you name it there"
                )
        await app(scope, receive, send)

    return told

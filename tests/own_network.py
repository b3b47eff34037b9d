"""A network of our own: a namespace in which every address of the world is this machine, and a witness sees who calls.

    entered(script, …)         the command line that runs a Python script in it
    bring_up()                 in the namespace: `lo` is up and takes every address, of IPv4 and IPv6
    with Wire() as wire:       every TCP connection that anybody begins, and every UDP datagram, by address and port
    with Names({...}):         the name server, at whatever address this machine asks

Nothing can leave: there is no interface but `lo`, which `bring_up` makes sure of before it does anything. Routes are
set over netlink by hand, so that no program has to be installed.
"""

import ctypes
import os
import shutil
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self


def entered(*words: str | Path) -> list[str]:
    """The command line that runs a Python script in a network of its own."""
    unshare = shutil.which("unshare")
    assert unshare, "util-linux is part of every Linux"
    roots = [] if os.geteuid() == 0 else ["--map-root-user"]
    return [unshare, "--net", "--mount", *roots, sys.executable, *map(str, words)]


# --- setting it up ---------------------------------------------------------------------------------------------------

_NEW_LINK, _NEW_ROUTE = 16, 24
_REQUEST_ACK_CREATE = 0x1 | 0x4 | 0x400
_LOCAL_TABLE, _BOOT, _HOST_SCOPE, _LOCAL = 255, 3, 254, 2
_OUTGOING = 4  # RTA_OIF


def bring_up() -> None:
    """Bring `lo` up, and have every address lead to it. Nothing is done where there is another interface."""
    assert [name for _, name in socket.if_nameindex()] == ["lo"], "this is not a network of our own"
    _netlink(_NEW_LINK, struct.pack("BxHiII", 0, 0, 1, 1, 1))  # interface 1: IFF_UP
    families = [socket.AF_INET, socket.AF_INET6] if Path("/proc/net/if_inet6").exists() else [socket.AF_INET]
    for family in families:
        route = struct.pack("8BI", family, 0, 0, 0, _LOCAL_TABLE, _BOOT, _HOST_SCOPE, _LOCAL, 0)
        _netlink(_NEW_ROUTE, route + struct.pack("HHI", 8, _OUTGOING, 1))


def _netlink(kind: int, body: bytes) -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as asked:
        asked.bind((0, 0))
        asked.send(struct.pack("IHHII", 16 + len(body), kind, _REQUEST_ACK_CREATE, 1, 0) + body)
        (code,) = struct.unpack_from("i", asked.recv(4096), 16)
        if code:
            raise OSError(-code, os.strerror(-code))


# --- the witness -----------------------------------------------------------------------------------------------------


class Attempt(NamedTuple):
    """Somebody began a connection, or sent a datagram."""

    protocol: str
    address: str
    port: int


# A filter of the kernel (classic BPF), so that megabytes of bodies cannot crowd out what is looked for: of IPv4 and
# IPv6 the TCP packets with SYN and without ACK, and UDP. (code, if so skip, else skip, value)
_FILTER = (
    (0x30, 0, 0, 0),  # the first byte
    (0x54, 0, 0, 0xF0),
    (0x15, 0, 7, 0x40),  # IPv4
    (0x30, 0, 0, 9),
    (0x15, 11, 0, 17),  # UDP
    (0x15, 0, 11, 6),
    (0xB1, 0, 0, 0),  # X = length of the header
    (0x50, 0, 0, 13),
    (0x54, 0, 0, 0x12),
    (0x15, 6, 7, 0x02),
    (0x15, 0, 6, 0x60),  # IPv6
    (0x30, 0, 0, 6),
    (0x15, 3, 0, 17),
    (0x15, 0, 3, 6),
    (0x30, 0, 0, 53),
    (0x54, 0, 0, 0x12),
    (0x15, 0, 0, 0x02),
)


def _program() -> bytes:
    """The filter: jumps above are counted to these two last lines."""
    lines = [list(line) for line in _FILTER]
    accept, refuse = len(lines), len(lines) + 1

    def to(line: int, then: int, otherwise: int) -> None:
        lines[line][1], lines[line][2] = then - line - 1, otherwise - line - 1

    to(2, 3, 10)
    to(4, accept, 5)
    to(5, 6, refuse)
    to(9, accept, refuse)
    to(10, 11, refuse)
    to(12, accept, 13)
    to(13, 14, refuse)
    to(16, accept, refuse)
    lines += [[0x06, 0, 0, 128], [0x06, 0, 0, 0]]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


class Wire:
    """Everything that is begun on this network, while it is watched."""

    def __enter__(self) -> Self:
        self.attempts: list[Attempt] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        program = _program()
        held = ctypes.create_string_buffer(program, len(program))
        lines = len(program) // 8
        self._socket.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", lines, ctypes.addressof(held)))
        self._socket.settimeout(0.2)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        _, self.missed = struct.unpack("II", self._socket.getsockopt(263, 6, 8))
        self._socket.close()

    def _watch(self) -> None:
        while True:
            try:
                packet = self._socket.recv(256)
            except TimeoutError:
                if self._over.is_set():
                    return
                continue
            self.attempts.append(_attempt(packet))


def _attempt(packet: bytes) -> Attempt:
    if packet[0] >> 4 == 4:
        start, protocol = 4 * (packet[0] & 0x0F), packet[9]
        address = str(IPv4Address(packet[16:20]))
    else:
        start, protocol = 40, packet[6]
        address = str(IPv6Address(packet[24:40]))
    (port,) = struct.unpack_from(">H", packet, start + 2)
    return Attempt({6: "tcp", 17: "udp"}[protocol], address, port)


# --- names -----------------------------------------------------------------------------------------------------------

Addresses = Sequence[str] | Callable[[], Sequence[str]]
_IPV4, _IPV6 = 1, 28


class Names:
    """A name server for every name there is (RFC 1035): the addresses of a name, or NXDOMAIN.

    A name may answer each time anew: what is given for it is then called for its IPv4 addresses.
    """

    def __init__(self, names: Mapping[str, Addresses]) -> None:
        self.names = dict(names)

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                question, asker = self._socket.recvfrom(512)
                self._socket.sendto(self._answer(question), asker)
            except OSError:
                return

    def _answer(self, question: bytes) -> bytes:
        labels: list[str] = []
        at = 12
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length].decode())
            at += 1 + length
        (kind,) = struct.unpack_from(">H", question, at + 1)
        name = ".".join(labels).lower()
        asked = question[12 : at + 5]
        if name not in self.names:
            return question[:2] + struct.pack(">5H", 0x8183, 1, 0, 0, 0) + asked
        given = self.names[name]
        # Of one resolution the questions for IPv4 and for IPv6 are one.
        texts = given() if callable(given) and kind == _IPV4 else () if callable(given) else given
        found = [one.packed for one in map(ip_address, texts) if one.version == {_IPV4: 4, _IPV6: 6}.get(kind)]
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(one)) + one for one in found)
        return question[:2] + struct.pack(">5H", 0x8180, 1, len(found), 0, 0) + asked + records


def ask_here(folder: Path) -> None:
    """Have every program of this namespace ask our name server, and nobody else."""
    here = folder / "resolv.conf"
    here.write_text("nameserver 127.0.0.1\noptions timeout:5 attempts:2\n")
    hosts = folder / "hosts"
    hosts.write_text("127.0.0.1 localhost\n")
    libc = ctypes.CDLL(None, use_errno=True)
    for ours, theirs in ((here, "/etc/resolv.conf"), (hosts, "/etc/hosts")):
        real = os.path.realpath(theirs)  # often a link to what another service keeps
        if not Path(real).exists():
            continue
        if libc.mount(os.fsencode(ours), os.fsencode(real), None, 4096, None):  # MS_BIND, in this namespace alone
            raise OSError(ctypes.get_errno(), f"cannot mount over {real}")

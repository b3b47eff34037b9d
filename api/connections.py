"""The connections that a web server holds: so many and no more, and none that takes an answer at a crawl.

    most_connections(wanted)      how many there may be, given the descriptors that this process may open
    with watched(app, port, …) as app:
        …                         while connections to `port` are looked after

The web server ends what is slow in coming: headers and idle connections; bodies have their own deadline
(api.listening). It does not see who is slow in taking: bytes of an answer wait in the kernel, and the descriptor with
them. And once all connections are in use, the next one waits until somebody lets go. Both are seen from outside of it,
in what the kernel says of each socket of this process (Linux: /proc/self/fd, tcp(7), `TCP_INFO` and `SIOCOUTQ`), by
one thread:

    slow       bytes are waiting to be taken, and for a while fewer than LEAST_RATE a second were: it is reset. The
               while is three quarters of `seconds`, so that this comes before the web server calls it idle and lets go:
               what is still in the kernel then nobody can reach any more. For what is let go sooner (`Connection:
               close`) the kernel has `seconds` as a limit of its own (`TCP_USER_TIMEOUT`), set where connections are
               accepted, and inherited.
    crowded    nine in ten of all connections are in use: those that have said nothing complete for longest are reset,
               until three in four are left. Not those whose request is at work, unless it is so for longer than
               AT_WORK_SECONDS: then it is a body that drips.

A socket is looked at through a descriptor of its own, made for the moment (`dup`), so that it cannot be mistaken for
another that got the same number. Elsewhere than on Linux nothing of this is done.
"""

import fcntl
import logging
import os
import resource
import socket
import stat
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

_logger = logging.getLogger("constancia.server")

Application = Callable[[Any, Any, Any], Awaitable[None]]
Peer = tuple[Any, ...]

DESCRIPTORS = "/proc/self/fd"

# The slowest telephone network carries more bytes a second.
LEAST_RATE = 1_024

LOOK_SECONDS, LOOK_SECONDS_CROWDED, LOOK_SECONDS_AT_START = 1.0, 0.1, 0.01
# Of the time that a connection may idle: how long it may crawl, and how often it is looked at for that at the least.
CRAWL_PART, LOOK_PART = 3 / 4, 1 / 8
AT_WORK_SECONDS = 2.0
YOUNGEST_SECONDS = 0.2

# Descriptors that are kept for files and outgoing connections; of few, a quarter.
KEPT_FOR_FILES = 64

SIOCOUTQ = 0x5411
# struct tcp_info: `tcpi_bytes_acked` and `tcpi_bytes_received`, 64 bits each.
_BYTES = struct.Struct("=120xQQ")


def most_connections(wanted: int) -> int:
    """How many connections may be open at once: `wanted`, if that many descriptors can be had.

    Raises the soft limit of descriptors of this process as far as it may.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = len(os.listdir(DESCRIPTORS)) if os.path.isdir(DESCRIPTORS) else 64
    needed = wanted + in_use + KEPT_FOR_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(4, min(wanted, soft - in_use - min(KEPT_FOR_FILES, soft // 4)))


class Seen(msgspec.Struct):
    """What was seen of a connection. Seconds are those of the monotonic clock."""

    peer: Peer
    waiting_since: float
    """Since when nothing was answered on it."""
    acked: int = 0
    """Bytes that its other side has taken."""
    crawl_since: float = 0.0
    """Since when bytes wait to be taken; 0 when none do."""
    crawl_acked: int = 0


class Look(msgspec.Struct, frozen=True):
    """What the kernel says of a connection now: bytes taken by its other side, and bytes that wait to be."""

    peer: Peer
    acked: int
    queued: int


class Judge:
    """Decides which connections are to be ended. Pure: looks and times come in."""

    def __init__(self, most: int, seconds: float) -> None:
        """`most` connections; `seconds` that one may take an answer at a crawl."""
        self._many, self._enough = most * 9 // 10, most * 3 // 4
        self._seconds = seconds
        self.seen: dict[int, Seen] = {}

    def judge(self, looks: dict[int, Look], at_work: dict[Peer, float], now: float) -> dict[int, str]:
        """Socket -> why it is to be ended. `at_work`: since when the request of a peer is with the application."""
        self.seen = {number: self._after(number, look, now) for number, look in looks.items()}
        ended = {number: "slow" for number, look in looks.items() if self._crawls(self.seen[number], look, now)}
        return ended | self._crowd(looks, ended, at_work, now)

    def crowded(self) -> bool:
        """Are there nearly as many as there may be?"""
        return len(self.seen) >= self._many

    def _after(self, number: int, look: Look, now: float) -> Seen:
        seen = self.seen.get(number)
        if seen is None or seen.peer != look.peer:
            seen = Seen(look.peer, now, look.acked)
        if look.acked > seen.acked:
            seen.acked, seen.waiting_since = look.acked, now
        if not look.queued:
            seen.crawl_since = 0.0
        elif not seen.crawl_since:
            seen.crawl_since, seen.crawl_acked = now, look.acked
        return seen

    def _crawls(self, seen: Seen, look: Look, now: float) -> bool:
        if not seen.crawl_since or now - seen.crawl_since < self._seconds:
            return False
        if look.acked - seen.crawl_acked < self._seconds * LEAST_RATE:
            return True
        seen.crawl_since, seen.crawl_acked = now, look.acked
        return False

    def _crowd(
        self, looks: dict[int, Look], ended: dict[int, str], at_work: dict[Peer, float], now: float
    ) -> dict[int, str]:
        if not self.crowded():
            return {}

        def may_go(number: int) -> bool:
            seen = self.seen[number]
            begun = at_work.get(seen.peer)
            patience = AT_WORK_SECONDS if begun is not None or looks[number].queued else YOUNGEST_SECONDS
            return number not in ended and now - (seen.waiting_since if begun is None else begun) >= patience

        longest = sorted((n for n in looks if may_go(n)), key=lambda n: self.seen[n].waiting_since)
        return dict.fromkeys(longest[: len(looks) - len(ended) - self._enough], "crowded")


# --- looking and ending ----------------------------------------------------------------------------------------------


def connections(port: int) -> Iterator[tuple[int, socket.socket]]:
    """Every connection of this process to its own `port`, and what accepts them: inode and a socket for the moment."""
    for name in os.listdir(DESCRIPTORS):
        try:
            kind = os.stat(int(name))
            if not stat.S_ISSOCK(kind.st_mode):
                continue
            copy = os.dup(int(name))
        except OSError:
            continue  # gone meanwhile
        try:
            opened = socket.socket(fileno=copy)
        except OSError:
            os.close(copy)
            continue
        with opened:
            if opened.family in (socket.AF_INET, socket.AF_INET6) and opened.getsockname()[1] == port:
                yield os.fstat(copy).st_ino, opened


def look_at(connection: socket.socket) -> Look | None:
    """What the kernel says of it; None of what is no connection, or not any more."""
    try:
        peer = connection.getpeername()[:2]
        acked, _ = _BYTES.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES.size))
        (queued,) = struct.unpack("i", fcntl.ioctl(connection, SIOCOUTQ, b"\0\0\0\0"))
    except (OSError, struct.error):
        return None
    return Look(peer, acked, queued)


def end(connection: socket.socket) -> None:
    """Reset a connection: the web server sees that it is over, lets go, and nothing of it stays in the kernel."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # its other side was quicker


class _Watch:
    def __init__(self, port: int, most: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds
        self._judge = Judge(most, seconds * CRAWL_PART)
        self._pause = min(LOOK_SECONDS, seconds * LOOK_PART)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="connections", daemon=True)
        self.at_work: dict[Peer, float] = {}
        self._ended = 0
        self._told = 0.0
        self._listening = False  # was the socket seen that accepts, and given its limit?

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._until_next()):
            try:
                self._turn()
            except OSError as error:
                # No descriptor for a look, say. The next look may have one.
                _logger.warning("connections could not be looked at: %s", error)

    def _until_next(self) -> float:
        if not self._listening:
            return LOOK_SECONDS_AT_START  # the first to be accepted inherit the limit too
        return LOOK_SECONDS_CROWDED if self._judge.crowded() else self._pause

    def _turn(self) -> None:
        now = time.monotonic()
        looks: dict[int, Look] = {}
        for number, each in connections(self._port):
            if look := look_at(each):
                looks[number] = look
            else:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._seconds * 1000))
                self._listening = True
        ended = self._judge.judge(looks, self.at_work.copy(), now)
        if not ended:
            return
        for number, each in connections(self._port):
            if number in ended:
                end(each)
        self._ended += len(ended)
        if now - self._told >= 60:
            _logger.warning("%d connections that held others up were ended (of %d)", self._ended, len(looks))
            self._ended, self._told = 0, now


@contextmanager
def watched(app: Application, port: int, most: int, seconds: float) -> Generator[Application]:
    """The application, while its connections are looked after."""
    if not os.path.isdir(DESCRIPTORS):
        yield app
        return
    watch = _Watch(port, most, seconds)
    at_work = watch.at_work

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        peer = scope.get("client")
        if peer is None:
            await app(scope, receive, send)
            return
        at_work[peer] = time.monotonic()
        try:
            await app(scope, receive, send)
        finally:
            at_work.pop(peer, None)

    watch.start()
    try:
        yield noted
    finally:
        watch.stop()

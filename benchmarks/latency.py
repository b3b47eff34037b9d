"""How long a signed statement takes to become provable, while fifty a second arrive.

A real client posts over kept connections, one statement every 20 ms whether or not earlier ones were answered, to a
server that is a process of its own. A statement is provable when its answer is there: the receipt in it verifies
under the log's key, and is durable and published. The time runs from when the statement was due to be posted, so that
a server which holds up the client does not look quick.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from benchmarks.limits import Limits
from benchmarks.ratio import Ratio
from benchmarks.record import LOG_KEY, ORIGIN, evidence
from benchmarks.submission import prepare, running
from ledger.tlog.note import ED25519, format_vkey
from ledger.tlog.policy import Policy
from ledger.verify import verify_receipt

RATE = 50
SECONDS = 20
WARM_UP = 50
CONNECTIONS = 50


class _Answer(msgspec.Struct):
    receipt: str


def provable_median(folder: Path, measured: Limits) -> Ratio:
    """100 ms / the median time until a receipt verifies."""
    del measured
    return _ratio(folder, "provable", 0.5, 0.100)


def provable_at_the_99th(folder: Path, measured: Limits) -> Ratio:
    """500 ms / the 99th percentile."""
    del measured
    return _ratio(folder, "provable, 99th", 0.99, 0.500)


def _ratio(folder: Path, name: str, share: float, limit: float) -> Ratio:
    prepare(folder)
    notes = list(evidence(0, RATE * SECONDS + WARM_UP))
    with running("ours", folder) as address:
        seconds = sorted(asyncio.run(_post_all(address, notes))[WARM_UP:])
    value = statistics.median(seconds) if share == 0.5 else seconds[int(len(seconds) * share)]
    return Ratio(
        name=name,
        ours_is=f"1 / seconds from due to a receipt that verifies ({value * 1000:.1f} ms)",
        ours=1 / value,
        peer_is=f"1 / the limit ({limit * 1000:.0f} ms)",
        peer=1 / limit,
        goal=1.0,
        fair=f"{RATE} statements a second for {SECONDS} s; slowest {seconds[-1] * 1000:.0f} ms",
    )


async def _post_all(address: str, notes: Sequence[bytes]) -> list[float]:
    """For each note the seconds from its due time to a receipt that verifies."""
    parts = urlsplit(address)
    host, _, port = parts.netloc.partition(":")
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(host, int(port)))
    policy = Policy.from_log_key(format_vkey(ORIGIN, ED25519, bytes(LOG_KEY.verify_key)))
    head = (
        f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        "content-type: application/vnd.constancia.statement\r\ncontent-length: %d\r\n\r\n"
    ).encode()

    async def one(note: bytes, due: float) -> float:
        reader, writer = await free.get()
        writer.write(head % len(note) + note)
        answer = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in answer.split(b"\r\n")[1:] if line)
        body = await reader.readexactly(int(fields[b"content-length"]))
        free.put_nowait((reader, writer))
        if not answer.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(f"refused: {answer[:60]!r} {body[:300]!r}")
        verify_receipt(msgspec.json.decode(body, type=_Answer).receipt.encode(), policy)
        return time.perf_counter() - due

    began = time.perf_counter() + 0.2
    waiting: list[asyncio.Task[float]] = []
    for number, note in enumerate(notes):
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        waiting.append(asyncio.create_task(one(note, due)))
    took = list(await asyncio.gather(*waiting))
    while not free.empty():
        free.get_nowait()[1].close()
    return took

"""What this machine can do at all: the figures that every ratio stands beside.

Signature checks are measured in processes, one a core, all starting at once: threads would measure the
interpreter too. Storage is measured in a folder on the disk where the ledger would lie, never in memory.
"""

import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier

import msgspec
from nacl.bindings import crypto_sign_open
from nacl.signing import SigningKey

SECONDS = 1.5
# The size of a typical statement: what is verified, and what is written.
STATEMENT_BYTES = 600


class Limits(msgspec.Struct, frozen=True):
    """Verifications and rows a second; a sync in milliseconds. None where it cannot be measured here."""

    cores: int
    verify_one_core: float
    verify_all_cores: float
    openssl_one_core: float | None
    openssl_all_cores: float | None
    fsync_ms_median: float
    fsync_ms_p99: float
    sqlite_single: float
    sqlite_batch_100: float


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure(folder: Path) -> Limits:
    """Measures everything, one after the other, in about fifteen seconds."""
    count = cores()
    fsyncs = sync_latencies(folder)
    return Limits(
        cores=count,
        verify_one_core=verifications_a_second(1),
        verify_all_cores=verifications_a_second(count),
        openssl_one_core=openssl_verifications_a_second(1),
        openssl_all_cores=openssl_verifications_a_second(count),
        fsync_ms_median=statistics.median(fsyncs) * 1000,
        fsync_ms_p99=sorted(fsyncs)[int(len(fsyncs) * 0.99)] * 1000,
        sqlite_single=sqlite_rows_a_second(folder, 1),
        sqlite_batch_100=sqlite_rows_a_second(folder, 100),
    )


def rate(step: Callable[[], int], seconds: float = SECONDS) -> float:
    """How many a second: calls the step, which answers how many it did, until the time is over."""
    step()  # the first one pays for caches and files
    done = 0
    start = time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        done += step()
    return done / spent


# --- signatures -------------------------------------------------------------------------------------------


def _verify_for_a_while(barrier: Barrier) -> float:
    """One process: libsodium through PyNaCl's thinnest call, over different statements and keys."""
    keys = [SigningKey.generate() for _ in range(256)]
    signed = [(bytes(key.sign(os.urandom(STATEMENT_BYTES))), bytes(key.verify_key)) for key in keys]

    def step() -> int:
        for signature_and_message, public in signed:
            crypto_sign_open(signature_and_message, public)
        return len(signed)

    barrier.wait(60)
    return rate(step)


def verifications_a_second(processes: int) -> float:
    """Bare PyNaCl, in so many processes at once; the sum."""
    context = get_context("spawn")
    barrier = context.Manager().Barrier(processes)
    with context.Pool(processes) as pool:
        return sum(pool.map(_verify_for_a_while, [barrier] * processes, chunksize=1))


def openssl_verifications_a_second(processes: int) -> float | None:
    """`openssl speed ed25519`, an independent yardstick. None without openssl."""
    if not (openssl := shutil.which("openssl")):
        return None
    command = [openssl, "speed", "-seconds", "2", *(["-multi", str(processes)] if processes > 1 else []), "ed25519"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"EdDSA \(Ed25519\)\s+\S+s\s+\S+s\s+[\d.]+\s+([\d.]+)", ran.stdout)
    return float(found[1]) if found else None


# --- storage ----------------------------------------------------------------------------------------------


def sync_latencies(folder: Path) -> list[float]:
    """Seconds that writing and syncing one statement took, many times."""
    taken: list[float] = []
    body = os.urandom(STATEMENT_BYTES)
    with (folder / "sync").open("wb", buffering=0) as file:
        start = time.perf_counter()
        while len(taken) < 50 or (time.perf_counter() - start < SECONDS and len(taken) < 5000):
            before = time.perf_counter()
            file.write(body)
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - before)
    return taken


def sqlite_rows_a_second(folder: Path, batch: int) -> float:
    """Raw sqlite3 in WAL, every transaction synced: rows of a statement and the unique index that a journal has."""
    connection = sqlite3.connect(folder / f"raw-{batch}.db", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(
            "CREATE TABLE events (stream TEXT, version INTEGER, kind TEXT, entry BLOB, PRIMARY KEY (stream, version))"
        )
        written = 0

        def step() -> int:
            nonlocal written
            rows = [
                (f"round/{n % 100}", n, "CommentSubmitted", os.urandom(STATEMENT_BYTES))
                for n in range(written, written + batch)
            ]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
            connection.execute("COMMIT")
            written += batch
            return batch

        return rate(step)
    finally:
        connection.close()

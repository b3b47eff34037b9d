"""A second writer of published files, by hand: what a ledger's folder must hold, said as plainly as possible.

It shares no code with `ledger.log`. It slices lists where the real writer grows edges, so the two meet only in the
bytes. Tests audit what it publishes, compare it with what the real writer publishes, and make it lie.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from nacl.signing import SigningKey

from ledger.tlog.checkpoint import Checkpoint, sign_checkpoint
from ledger.tlog.merkle import leaf_hash, root_of
from ledger.tlog.note import ED25519, format_vkey
from ledger.tlog.tiles import WIDTH, entries_path, format_bundle, tile_path


class Files(dict[str, bytes]):
    """Published files in memory, by path: a Source for audits, open to every change a test wants to make."""

    def read(self, path: str) -> bytes | None:
        return self.get(path)

    def paths(self) -> Iterable[str] | None:
        return list(self)

    def copy(self) -> "Files":
        return Files(self)


class Web(Files):
    """The same files as a web server gives them: nothing can be listed."""

    def paths(self) -> Iterable[str] | None:
        return None


def policy_for(origin: str, log_key: SigningKey) -> bytes:
    """A policy that trusts this log key and asks for no witness."""
    return f"log {format_vkey(origin, ED25519, bytes(log_key.verify_key))}\nquorum none\n".encode()


def levels_of(entries: Sequence[bytes]) -> list[list[bytes]]:
    """For each tile level all its hashes: leaf hashes, then roots of 256 complete leaves, of 65,536 …"""
    levels = [[leaf_hash(entry) for entry in entries]]
    while len(levels[-1]) >= WIDTH:
        below = levels[-1]
        levels.append([root_of(below[at : at + WIDTH]) for at in range(0, len(below) // WIDTH * WIDTH, WIDTH)])
    return levels


def publish(
    origin: str,
    entries: Sequence[bytes],
    log_key: SigningKey,
    *,
    heads: Iterable[int] = (),
    others: dict[str, bytes] | None = None,
) -> Files:
    """All files of a log after heads of these sizes and of its full size, old partial tiles and bundles included.

    `others` are further files (ledger.json, contents/…), taken as they are.
    """
    files = Files()
    for size in sorted({*heads, len(entries)}):
        for level, hashes in enumerate(levels_of(entries[:size])):
            for at in range(0, len(hashes), WIDTH):
                tile = hashes[at : at + WIDTH]
                files[tile_path(level, at // WIDTH, len(tile))] = b"".join(tile)
        for at in range(0, size, WIDTH):
            bundle = entries[at : min(at + WIDTH, size)]
            files[entries_path(at // WIDTH, len(bundle))] = format_bundle(bundle)
    root = root_of(leaf_hash(entry) for entry in entries)
    files["checkpoint"] = files["head"] = sign_checkpoint(Checkpoint(origin, len(entries), root), log_key)
    files["policy"] = policy_for(origin, log_key)
    files["ledger.json"] = ledger_file(origin, log_key)
    files.update(others or {})
    return files


def ledger_file(origin: str, log_key: SigningKey) -> bytes:
    """`ledger.json`, written out."""
    vkey = format_vkey(origin, ED25519, bytes(log_key.verify_key))
    said = {
        "formats": [
            "c2sp.org/signed-note@v1.0.0",
            "c2sp.org/tlog-checkpoint@v1.0.0",
            "c2sp.org/tlog-tiles@v0.1.0",
            "constancia/statement/v1",
        ],
        "log_keys": [vkey],
        "merge_delay_seconds": 10,
        "origin": origin,
    }
    return json.dumps(said, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def contents_files(lines: Iterable[dict[str, Any]]) -> dict[str, bytes]:
    """`contents/<N>` for lines `{index, salted_digest, …}`, each in the file of its 256 entries."""
    files: dict[str, bytes] = {}
    for line in sorted(lines, key=lambda each: (each["index"], each["salted_digest"])):
        path = f"contents/{line['index'] // WIDTH:03}"
        raw = json.dumps(line, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
        files[path] = files.get(path, b"") + raw + b"\n"
    return files

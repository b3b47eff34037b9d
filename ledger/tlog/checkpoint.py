"""Checkpoints: the signed head of a log, which says how many entries it has and what their root is.

Spec: c2sp.org/tlog-checkpoint

A checkpoint is a signed note whose text has three lines: the log's origin, the size of the tree in decimal,
and the base64 of its root. The log signs it with an Ed25519 key (type 0x01) whose name is the origin;
witnesses may have added lines, which `ledger.tlog.policy` judges.

    ledger.example/prueba
    8
    XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

    — ledger.example/prueba AXc9HN7mdKEwtRP36uanecHeVtfKBfq5DYIG5si6fm1TfW9Wk4SgLWR8qZAgshHXwUScMgssSDdSDI5q+CUTp208WAU=

>>> from nacl.signing import SigningKey
>>> from ledger.tlog.note import ED25519, format_vkey, parse_vkey
>>> key = SigningKey(bytes(range(32)))
>>> root = bytes.fromhex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
>>> raw = sign_checkpoint(Checkpoint("ledger.example/prueba", 8, root), key)
>>> vkey = parse_vkey("ledger.example/prueba+01773d1c+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")
>>> open_checkpoint(raw, [vkey]).size
8

The spec allows further lines in the text and recommends against them. They are refused here: those who
cosign say nothing about them, and two readers may take them for two things.
"""

from collections.abc import Iterable
from typing import NamedTuple

from nacl.signing import SigningKey

from ledger.tlog.errors import Malformed, Unverified
from ledger.tlog.merkle import HASH_SIZE
from ledger.tlog.note import (
    ED25519,
    Note,
    Verifier,
    check_name,
    decode_utf8,
    format_base64,
    format_note,
    known_lines,
    parse_base64,
    parse_decimal,
    parse_note,
    sign_line,
    verify_line,
)


class Checkpoint(NamedTuple):
    """The head of a log: its origin, the number of its entries, and the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes


class SignedCheckpoint(NamedTuple):
    """A checkpoint with the note that carries it. What it was parsed from; nobody has verified it yet."""

    checkpoint: Checkpoint
    note: Note


def parse_checkpoint_text(text: bytes) -> Checkpoint:
    """Read the text of a checkpoint. Raises Malformed (bad-utf8, shape, extension, name, encoding)."""
    lines = decode_utf8(text).split("\n")
    if len(lines) < 4 or lines[-1]:
        raise Malformed("shape", "a checkpoint has three lines: origin, size and root")
    origin, size, root = lines[:3]
    check_name(origin)
    checkpoint = Checkpoint(origin, parse_decimal(size), parse_base64(root, HASH_SIZE))
    if len(lines) > 4:
        raise Malformed("extension", "a checkpoint with extension lines")
    return checkpoint


def format_checkpoint_text(checkpoint: Checkpoint) -> bytes:
    """Write the text of a checkpoint. ValueError for a size or root that no log has."""
    if not 0 <= checkpoint.size < 2**63 or len(checkpoint.root) != HASH_SIZE:
        raise ValueError(f"not the head of a log: {checkpoint}")
    check_name(checkpoint.origin)
    return f"{checkpoint.origin}\n{checkpoint.size}\n{format_base64(checkpoint.root)}\n".encode()


def parse_checkpoint(raw: bytes) -> SignedCheckpoint:
    """Read a checkpoint and its signature lines, none of them verified. Raises Malformed."""
    note = parse_note(raw)
    return SignedCheckpoint(parse_checkpoint_text(note.text), note)


def sign_checkpoint(checkpoint: Checkpoint, *signing_keys: SigningKey) -> bytes:
    """Return the checkpoint, signed by the log with one key or more, a line for each in this order."""
    text = format_checkpoint_text(checkpoint)
    return format_note(Note(text, tuple([sign_line(checkpoint.origin, key, text) for key in signing_keys])))


def open_checkpoint(raw: bytes, verifiers: Iterable[Verifier]) -> Checkpoint:
    """Return the checkpoint if its log signed it; cosignatures are not looked at.

    `verifiers` are the log keys that are trusted, of any origins. Raises Malformed; Unverified
    (unknown-origin, not-signed, and the reasons of `verify_ed25519`).
    """
    signed = parse_checkpoint(raw)
    verify_log_lines(signed, verifiers)
    return signed.checkpoint


def verify_log_lines(signed: SignedCheckpoint, verifiers: Iterable[Verifier]) -> tuple[Verifier, ...]:
    """Return the keys of the log that signed, in the order of their lines; at least one.

    Raises Unverified (unknown-origin, not-signed, and the reasons of `verify_ed25519`).
    """
    origin = signed.checkpoint.origin
    keys = [verifier for verifier in verifiers if verifier.name == origin and verifier.type_byte == ED25519]
    if not keys:
        raise Unverified("unknown-origin", f"no key is trusted for the log {origin}")
    known = known_lines(signed.note, keys)
    if not known:
        raise Unverified("not-signed", f"no trusted key of the log {origin} signed the checkpoint")
    for verifier, line in known:
        verify_line(verifier, signed.note.text, line)
    return tuple(dict.fromkeys(verifier for verifier, _ in known))

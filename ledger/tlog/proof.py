"""Proof files: all that is needed to show, offline and for ever, that an entry is in a log.

Spec: c2sp.org/tlog-proof

This one shows that the entry 0x10 is number 2 of the log that the checkpoint describes:

    c2sp.org/tlog-proof@v1
    extra EA==
    index 2
    B1Bqhf2d0vEg62lPhgEeW7RmLlxBWmKRcDPUqWJEh+c=
    +sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=
    a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=

    ledger.example/prueba
    8
    XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

    — ledger.example/prueba AXc9HN7mdKEwtRP36uanecHeVtfKBfq5DYIG5si6fm1TfW9Wk4SgLWR8qZAgshHXwUScMgssSDdSDI5q+CUTp208WAU=

The hashes go from the leaf's sibling up to the child of the root. The `extra` line may be missing; nobody
signs it, so what stands in it is believed only when it is the entry itself, whose hash the proof needs.
`verify_proof` asks four things, in any order but none left out: the leaf hash of the entry's exact bytes, the
log's signature, the quorum of witnesses, the path to the root.
"""

from typing import NamedTuple

from ledger.tlog.errors import Malformed, Unverified
from ledger.tlog.merkle import HASH_SIZE, check_inclusion, leaf_hash
from ledger.tlog.note import decode_utf8, format_base64, parse_base64, parse_decimal
from ledger.tlog.policy import Checked, Policy

HEADER = "c2sp.org/tlog-proof@v1"

# No tree of 2^63 - 1 entries has a longer path.
MAX_HASHES = 63
MAX_SIZE = 2_000_000


class Proof(NamedTuple):
    """A proof as it stands in its file: nothing in it is verified."""

    index: int  # pyright: ignore[reportIncompatibleMethodOverride]  # nobody searches a proof as a tuple
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    """The checkpoint with its signature lines, verbatim."""
    extra: bytes | None = None


class Proven(NamedTuple):
    """What a proof has shown: this entry is at this index of the log that `checked` describes."""

    entry: bytes
    index: int  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
    checked: Checked


def parse_proof(raw: bytes) -> Proof:
    """Read a proof file. Its checkpoint is cut off, and judged only by `verify_proof`.

    Raises Malformed (empty, too-large, bad-utf8, shape, encoding).
    """
    if not raw:
        raise Malformed("empty", "no bytes")
    if len(raw) > MAX_SIZE:
        raise Malformed("too-large", f"a proof of {len(raw)} bytes, over {MAX_SIZE}")
    head, empty_line, checkpoint = raw.partition(b"\n\n")
    if not empty_line or not checkpoint:
        raise Malformed("shape", "a proof without an empty line and a checkpoint after it")
    lines = decode_utf8(head).split("\n")
    if lines[0] != HEADER:
        raise Malformed("shape", f"the first line is not {HEADER}")
    at = 1
    extra = None
    if lines[at:] and lines[at].startswith("extra "):
        extra = parse_base64(lines[at].removeprefix("extra "))
        at += 1
    if not lines[at:] or not lines[at].startswith("index "):
        raise Malformed("shape", "no index line where it belongs")
    index = parse_decimal(lines[at].removeprefix("index "))
    hashes = lines[at + 1 :]
    if len(hashes) > MAX_HASHES:
        raise Malformed("too-large", f"{len(hashes)} hashes, over {MAX_HASHES}")
    return Proof(index, tuple([parse_base64(each, HASH_SIZE) for each in hashes]), checkpoint, extra)


def format_proof(proof: Proof) -> bytes:
    """Write a proof file. The inverse of `parse_proof`. ValueError for what no proof holds."""
    if not 0 <= proof.index < 2**63 or len(proof.hashes) > MAX_HASHES or not proof.checkpoint:
        raise ValueError("not a proof")
    if any(len(each) != HASH_SIZE for each in proof.hashes):
        raise ValueError(f"a hash has {HASH_SIZE} bytes")
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {format_base64(proof.extra)}")
    lines.append(f"index {proof.index}")
    lines += map(format_base64, proof.hashes)
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + proof.checkpoint


def verify_proof(proof: Proof, policy: Policy, *, entry: bytes | None = None, now: int | None = None) -> Proven:
    """Return the entry that the proof shows to be in a log that the policy trusts.

    The entry is `entry`, or else what stands in `extra`. Raises Malformed (shape when there is no entry
    either way, and for the checkpoint); Unverified (what `Policy.check` raises, not-cosigned,
    inconsistent). `now` is as in `Policy.check`.
    """
    subject = proof.extra if entry is None else entry
    if subject is None:
        raise Malformed("shape", "the proof does not hold its entry, and none was given")
    checked = policy.check(proof.checkpoint, now=now)
    checked.require_quorum()
    head = checked.checkpoint
    try:
        check_inclusion(leaf_hash(subject), proof.index, head.size, proof.hashes, head.root)
    except Unverified as error:
        raise Unverified(error.reason, f"entry {proof.index} of {head.origin}: {error.message}") from None
    return Proven(subject, proof.index, checked)

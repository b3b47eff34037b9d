"""Witnesses: how a log asks for a cosignature, and what a witness answers. Both sides, without the wire.

Spec: c2sp.org/tlog-witness

A log posts to `<submission prefix>/add-checkpoint` the size that the witness saw last, the proof that the tree has only
grown since then, and the checkpoint to be cosigned:

    old 4
    a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=

    ledger.example/prueba
    8
    XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

    — ledger.example/prueba AXc9HN7mdKEwtRP36uanecHeVtfKBfq5DYIG5si6fm1TfW9Wk4SgLWR8qZAgshHXwUScMgssSDdSDI5q+CUTp208WAU=

The witness answers with its signature line, or with one of the statuses that `Declined` carries. What it asks, in this
order, so that nothing is computed for whoever has not signed:

    400  the request is not of the format
    404  the origin is not one that it knows
    403  no trusted key of the log signed, or one did not verify
    400  `old` is more than the size of the checkpoint
    409  `old` is not the size that it cosigned last: the answer is that size, and the log may try once more
    422  the proof does not lead from there to here; or two roots of one size

    request = parse_add_checkpoint(body)                             Malformed: answer 400
    signed = open_request(request, keys_of)                          404, 403, 400
    ── in one atomic step with keeping the new head ──
    check_growth(request, signed.checkpoint, latest)                 409, 422
    cosign(name, key, signed.note.text, now)                         ledger.tlog.cosignature

and on the side of the log:

    cosignature = read_cosignature(answer, witness, text)            of a 200
    size = parse_tree_size(answer)                                   of a 409

Whoever keeps the state of a witness must have made it durable before it answers, and must never go back.
`sign-subtree`, which the spec leaves optional, is left out.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple

from ledger.tlog.checkpoint import Checkpoint, SignedCheckpoint, parse_checkpoint, verify_log_lines
from ledger.tlog.cosignature import verify_cosignature
from ledger.tlog.errors import Declined, Malformed, Unverified
from ledger.tlog.merkle import EMPTY_ROOT, HASH_SIZE, check_consistency
from ledger.tlog.note import (
    ED25519,
    Note,
    SignatureLine,
    Verifier,
    decode_utf8,
    format_base64,
    known_lines,
    parse_base64,
    parse_decimal,
    parse_line,
)

ADD_CHECKPOINT = "add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
"""Content type of the answer 409."""

MAX_BODY = 65_536
"""Most bytes of a request or an answer: 63 hashes and a checkpoint of 16 lines, ML-DSA-44 among them, are less."""

MAX_HASHES = 63


class AddCheckpoint(NamedTuple):
    """A request for a cosignature, as it was sent: nothing in it is verified."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    """The checkpoint with its signature lines, verbatim."""


class Latest(NamedTuple):
    """The largest tree of a log that a witness has cosigned."""

    size: int
    root: bytes


NEVER = Latest(0, EMPTY_ROOT)
"""Of a log of which the witness has cosigned nothing yet."""


# --- the request --------------------------------------------------------------------------------------------


def parse_add_checkpoint(raw: bytes) -> AddCheckpoint:
    """Read the body of a request. Its checkpoint is cut off, and judged only by `open_request`.

    Raises Malformed (empty, too-large, bad-utf8, shape, encoding); a server answers 400.
    """
    if not raw:
        raise Malformed("empty", "no bytes")
    if len(raw) > MAX_BODY:
        raise Malformed("too-large", f"a request of {len(raw)} bytes, over {MAX_BODY}")
    head, empty_line, checkpoint = raw.partition(b"\n\n")
    if not empty_line or not checkpoint:
        raise Malformed("shape", "a request without an empty line and a checkpoint after it")
    first, *hashes = decode_utf8(head).split("\n")
    if not first.startswith("old "):
        raise Malformed("shape", "the first line is not `old` and a size")
    if len(hashes) > MAX_HASHES:
        raise Malformed("too-large", f"{len(hashes)} hashes, over {MAX_HASHES}")
    old_size = parse_decimal(first.removeprefix("old "))
    return AddCheckpoint(old_size, tuple([parse_base64(each, HASH_SIZE) for each in hashes]), checkpoint)


def format_add_checkpoint(request: AddCheckpoint) -> bytes:
    """Write the body of a request. The inverse of `parse_add_checkpoint`. ValueError for what no log sends."""
    if not 0 <= request.old_size < 2**63 or len(request.proof) > MAX_HASHES or not request.checkpoint:
        raise ValueError("not a request for a cosignature")
    if any(len(each) != HASH_SIZE for each in request.proof):
        raise ValueError(f"a hash has {HASH_SIZE} bytes")
    lines = [f"old {request.old_size}", *map(format_base64, request.proof)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + request.checkpoint


# --- what a witness asks ------------------------------------------------------------------------------------


def open_request(request: AddCheckpoint, keys_of: Callable[[str], Sequence[Verifier]]) -> SignedCheckpoint:
    """Return the checkpoint of a request if its log signed it; `keys_of` gives the trusted keys of an origin.

    Of its lines only those that verified are left, each once: a witness shows them to others, and keeps nothing that
    strangers wrote below them.

    Raises Declined: 400 (not a checkpoint, or `old` is more than its size), 404, 403.
    """
    try:
        signed = parse_checkpoint(request.checkpoint)
    except Malformed as error:
        raise Declined(400, error.reason, error.message) from None
    # A key of another type says nothing here: see `verify_log_lines`.
    keys = [key for key in keys_of(signed.checkpoint.origin) if key.type_byte == ED25519]
    if not keys:
        raise Declined(404, "unknown-origin", f"no log {signed.checkpoint.origin[:200]} is known here")
    try:
        verify_log_lines(signed, keys)
    except Unverified as error:
        raise Declined(403, error.reason, error.message) from None
    if request.old_size > signed.checkpoint.size:
        detail = f"the old size {request.old_size} is more than the checkpoint's, {signed.checkpoint.size}"
        raise Declined(400, "shape", detail)
    lines = dict.fromkeys(line for _, line in known_lines(signed.note, keys))
    return SignedCheckpoint(signed.checkpoint, Note(signed.note.text, tuple(lines)))


def check_growth(request: AddCheckpoint, checkpoint: Checkpoint, latest: Latest) -> None:
    """Raise Declined (409, 422) unless the checkpoint is the latest tree, grown or as it was.

    To be called in one atomic step with keeping `checkpoint` as the latest: between the two no other request may be
    judged, or the witness would go back.
    """
    if request.old_size != latest.size:
        detail = f"the latest checkpoint cosigned here is of size {latest.size}, not {request.old_size}"
        raise Declined(409, "conflict", detail, size=latest.size)
    try:
        check_consistency(latest.size, latest.root, checkpoint.size, checkpoint.root, request.proof)
    except Unverified as error:
        raise Declined(422, error.reason, error.message) from None


def format_tree_size(size: int) -> bytes:
    """Write the body of an answer 409: the size that was cosigned last."""
    if not 0 <= size < 2**63:
        raise ValueError(f"not the size of a tree: {size}")
    return b"%d\n" % size


def monitoring_path(origin: str) -> str:
    """Where below its monitoring prefix a witness shows the latest checkpoint that it cosigned of a log."""
    return f"{sha256(origin.encode()).hexdigest()}/checkpoint"


# --- what a log makes of the answer -------------------------------------------------------------------------


def parse_tree_size(raw: bytes) -> int:
    """Read the body of an answer 409. Raises Malformed (bad-utf8, shape, encoding)."""
    if len(raw) > 32 or raw[-1:] != b"\n":
        raise Malformed("shape", "not a size and a line feed")
    return parse_decimal(decode_utf8(raw[:-1]))


def read_cosignature(raw: bytes, witness: Verifier, text: bytes) -> tuple[SignatureLine, int]:
    """Return the line of this witness in the body of an answer 200, and its time in POSIX seconds.

    `text` is that of the checkpoint that was to be cosigned. Lines of other names or keys are passed over; of several
    by this key the latest counts, and each must verify.

    Raises Malformed (too-large, bad-utf8, shape, encoding, name); Unverified (not-cosigned where there is no line of
    this witness; weak-key, bad-signature, also for a line that gives no time).
    """
    if len(raw) > MAX_BODY:
        raise Malformed("too-large", f"an answer of {len(raw)} bytes, over {MAX_BODY}")
    *lines, last = decode_utf8(raw).split("\n")
    if last or not lines:
        raise Malformed("shape", "the last line does not end in a line feed")
    found: list[tuple[SignatureLine, int]] = []
    for line in map(parse_line, lines):
        if (line.name, line.key_id) == (witness.name, witness.key_id):
            found.append((line, verify_cosignature(witness, text, line)))
    if not found:
        raise Unverified("not-cosigned", f"no line of the witness {witness.name}")
    latest = max(found, key=lambda each: each[1])
    if latest[1] == 0:
        raise Unverified("bad-signature", f"the witness {witness.name} gives no time")
    return latest

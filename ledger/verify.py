"""Published files and a policy go in; verified entries come out, or the misbehaviour that the files prove.

This is what an auditor, a mirror or a newspaper runs. It knows the public formats (`ledger.tlog`) and the statement,
and nothing of the journal or the writer: the auditor does not depend on what it audits. It reads through one seam,
`Source`, and no clock. What it establishes, in this order, and nothing is believed before its turn:

1. `open_head`      the checkpoint is signed by a log key of the policy, and the quorum of witnesses cosigned it.
                    Without a policy the ledger's own files name the key (`own_policy`): then everything below still
                    holds together, but *whose* ledger it is stays unproven.
2. `read_spine`     the tiles at the right edge lead to the checkpoint's root, and every full tile above level 0 to
                    its hash in the tile above it: from here on the hash of each 256 entries is known.
3. `walk`           every full tile of level 0 leads to its hash, every entry has its leaf hash, is of its one form
                    (a time, a note) and holds a statement whose signatures verify.

A wrong byte in a tile or a bundle is named by path and, where one entry is concerned, by index. `walk` goes on behind
what it finds, so that an auditor sees all of it; `verified_entries` is the strict door: it raises the first. Whether a
statement was *admissible* is for `ledger.rulebook`, whose docket an auditor folds over the verified entries
(`projections.audit`).

    source = Folder(path)                                 # or api.remote.RemoteLedger(url)
    head = open_head(source, parse_policy(policy_file))
    for entry in verified_entries(source, head):
        ...

Verifying signatures is nearly all of the work, and it is shared out (`ledger.signatures`) by bundles of 256 entries,
ahead of whoever reads. Results come in order, and only a few bundles are in memory at a time.
"""

import os
from binascii import a2b_base64, b2a_base64
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from hashlib import sha256
from typing import Protocol

import msgspec

from ledger.errors import Misbehaviour, Refused
from ledger.roster import LogKeys, LogRotation
from ledger.signatures import Signed, Verifiers, verdicts
from ledger.statement import (
    MAX_NOTE,
    Entry,
    Opened,
    decode_line,
    format_entry,
    key_name,
    open_statement,
    parse_entry,
)
from ledger.tlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.tlog.errors import FormatError, Malformed, Unverified
from ledger.tlog.merkle import HASH_SIZE, Frontier, leaf_hash
from ledger.tlog.note import ED25519, Verifier, format_vkey, parse_vkey
from ledger.tlog.policy import Checked, Policy, parse_policy
from ledger.tlog.proof import parse_proof, verify_proof
from ledger.tlog.tiles import WIDTH, HashReader, entries_path, parse_bundle, parse_path, tile_path, tile_root

# How many bundles for each process are verified ahead of the reader: enough to keep all busy while the reader folds.
_AHEAD = 3

# Below this number of entries starting a process costs more than it saves.
_WORTH_A_PROCESS = 2048


class Source(Protocol):
    """Where published files are read from: a folder, a web address, a dict in a test."""

    def read(self, path: str) -> bytes | None:
        """The content of the file at `path` below the ledger's prefix, or None if there is none."""
        ...

    def paths(self) -> Iterable[str] | None:
        """Every file there is, or None where files cannot be listed (a web server)."""
        ...


# --- 1. the checkpoint ------------------------------------------------------------------------------------------------


class Head(msgspec.Struct, frozen=True):
    """A signed tree head that a policy accepts. `raw` is the note as it was read, `path` where from."""

    origin: str
    size: int
    root: bytes
    raw: bytes
    path: str
    log_keys: tuple[Verifier, ...]
    """The trusted keys that signed it: one, or the old and the new one of a rotation."""
    witnesses: tuple[tuple[str, int], ...]
    """Name of each witness of the policy that cosigned, and when, in POSIX seconds."""
    quorum_time: int | None


def open_head(source: Source, policy: Policy, *, path: str = "checkpoint", quorum: bool = True) -> Head:
    """Read a signed head and judge it by the policy; `quorum=False` for `head`, which nobody has cosigned yet.

    Raises Misbehaviour: missing-file; bad-checkpoint (not of the format, or a signature that fails);
    foreign-checkpoint (no key that the policy trusts signed it); not-cosigned.
    """
    raw = source.read(path)
    if raw is None:
        raise Misbehaviour("missing-file", "the ledger publishes no such signed head", path=path)
    return judge_head(raw, policy, path=path, quorum=quorum)


def judge_head(raw: bytes, policy: Policy, *, path: str, quorum: bool = True, now: int | None = None) -> Head:
    """As `open_head`, for the bytes of a signed head.

    With `now`, the reader's clock in POSIX seconds, cosignatures from more than five minutes after it do not count.
    """
    evidence = {path: raw}
    try:
        checked = policy.check(raw, now=now)
        if quorum:
            checked.require_quorum()
    except Malformed as error:
        raise Misbehaviour("bad-checkpoint", error.message, path=path, evidence=evidence) from None
    except Unverified as error:
        kind = _HEAD_KINDS.get(error.reason, "bad-checkpoint")
        raise Misbehaviour(kind, error.message, path=path, evidence=evidence) from None
    return _head_of(checked, raw, path)


_HEAD_KINDS = {
    "unknown-origin": "foreign-checkpoint",
    "not-signed": "foreign-checkpoint",
    "not-cosigned": "not-cosigned",
}


def _head_of(checked: Checked, raw: bytes, path: str) -> Head:
    checkpoint: Checkpoint = checked.checkpoint
    if checkpoint.size == 0:
        # The first checkpoint covers the founding statement.
        raise Misbehaviour("bad-checkpoint", "a checkpoint of no entries", path=path, evidence={path: raw})
    return Head(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root,
        raw=raw,
        path=path,
        log_keys=checked.log_keys,
        witnesses=tuple([(each.witness.verifier.name, each.time) for each in checked.cosignatures]),
        quorum_time=checked.quorum_time,
    )


def check_log_key(head: Head, keys: LogKeys, folded: int) -> LogRotation | None:
    """A signed head is signed by a log key in force at its size, as the first `folded` entries of its ledger say.

    `head` is one that the reader's policy accepts. Returns None; or, where the policy names only a key that was rotated
    away and the head has a line of the next one beside it, that rotation: the reader should pin its `new`.

    Raises Misbehaviour (log-key), with the index of the rotation where there is one: whoever still has a key that gave
    way to another has stolen it, or is an operator who does not keep to the registrars' word.
    """
    signers = [verifier.public_key.hex() for verifier in head.log_keys]
    in_force = keys.at(head.size)
    if not in_force.isdisjoint(signers):
        return None
    newest = next((each for each in reversed(keys.rotations) if each.index < head.size and each.new in in_force), None)
    if newest is not None and _has_line_of(head, newest.new):
        return newest
    evidence = {head.path: head.raw}
    for each in keys.rotations:
        if each.old in signers and each.index < head.size:
            detail = (
                f"a head of {head.size} entries signed by {each.old}, which entry {each.index} replaced by {each.new}"
            )
            raise Misbehaviour("log-key", detail, index=each.index, path=head.path, evidence=evidence)
        if each.new in signers:
            detail = f"a head of {head.size} entries signed by {each.new}, which only entry {each.index} made the log's"
            raise Misbehaviour("log-key", detail, index=each.index, path=head.path, evidence=evidence)
    if head.size > folded:
        return None  # what it covers beyond may have named the key
    detail = f"the head is signed by the key {signers[0]}, which the ledger does not name as its own"
    raise Misbehaviour("log-key", detail, path=head.path, evidence=evidence)


def _has_line_of(head: Head, key: str) -> bool:
    """Whether a log key that the reader's policy does not name signed a head too."""
    verifier = parse_vkey(format_vkey(head.origin, ED25519, bytes.fromhex(key)))
    try:
        open_checkpoint(head.raw, [verifier])
    except FormatError:
        return False
    return True


def own_policy(source: Source) -> Policy:
    """The policy that the ledger itself publishes: no anchor, since anybody can found a ledger.

    Witnesses are left out: only its log keys are needed to see whether the files hold together. Raises Misbehaviour:
    missing-file, bad-policy-file.
    """
    raw = source.read("policy")
    if raw is None:
        raise Misbehaviour("missing-file", "the ledger publishes no policy that names its key", path="policy")
    try:
        return parse_policy(raw)._replace(witnesses=(), groups=(), quorum=b"none")
    except FormatError as error:
        raise Misbehaviour("bad-policy-file", error.message, path="policy", evidence={"policy": raw}) from None


# --- 2. the tiles above the entries -----------------------------------------------------------------------------------

Report = Callable[[Misbehaviour], None]
"""Takes what is found; may raise it."""


def _raise(fault: Misbehaviour) -> None:
    raise fault


def _overhear(fault: Misbehaviour) -> None:
    """For what is reported elsewhere."""


class Spine(msgspec.Struct, frozen=True):
    """The hashes of a tree that are known to be right, because they lead to a verified root.

    `levels[L]` holds, side by side, every hash of tile level L: for L >= 1 all of them, for level 0 only those of
    its last, partial tile. So 32 bytes are kept for each 256 entries.
    """

    size: int
    root: bytes
    levels: tuple[bytes, ...]

    def tile(self, level: int, index: int) -> bytes:
        """The right hashes of tile (level, index), level >= 1, as far as the tree has them."""
        return self.levels[level][index * WIDTH * HASH_SIZE : (index + 1) * WIDTH * HASH_SIZE]

    def width(self, level: int, index: int) -> int:
        """How many hashes tile (level, index) has in this tree: 0 where there is none, 256 where it is full."""
        return max(0, min(WIDTH, (self.size >> 8 * level) - index * WIDTH))


def read_spine(source: Source, size: int, root: bytes, report: Report = _raise, *, path: str = "checkpoint") -> Spine:
    """Read the tiles above level 0, and the last of level 0, and hash them up to the root of a verified head.

    What is wrong goes to `report`: missing-file, tile-altered, and root-mismatch where no reading of the published
    files leads to the root. Where `report` returns, the true hashes are computed from the entries, as far as these
    lead to the root; `path` is the head's, for the message. Raises Misbehaviour where files are missing without which
    nothing else can be proved.
    """
    top = (size.bit_length() - 1) // 8
    edges = [_edge(source, size, level, report) for level in range(top + 1)]
    if _root(edges) != root:
        edges = _mend(source, size, root, edges, report, path)
    levels = [b""] * (top + 1)
    levels[top] = edges[top]
    # From the root down: each full tile leads to its hash in the level above, which is right by now.
    for level in range(top - 1, 0, -1):
        parts: list[bytes] = []
        for index in range(size >> 8 * (level + 1)):
            right = levels[level + 1][index * HASH_SIZE : (index + 1) * HASH_SIZE]
            parts.append(_full_tile(source, size, level, index, right, report))
        levels[level] = b"".join([*parts, edges[level]])
    levels[0] = edges[0]
    return Spine(size, root, tuple(levels))


def _root(edges: Sequence[bytes]) -> bytes:
    """The root over the partial tiles at the right edge, given from level 0 upwards."""
    frontier = Frontier()
    for level in range(len(edges) - 1, -1, -1):
        for at in range(0, len(edges[level]), HASH_SIZE):
            frontier.append_subtree(8 * level, edges[level][at : at + HASH_SIZE])
    return frontier.root()


def _edge(source: Source, size: int, level: int, report: Report) -> bytes:
    """The published hashes of the last, partial tile of a level; zeros where they cannot be read."""
    index, width = divmod(size >> 8 * level, WIDTH)
    return _read_tile(source, level, index, width, report) if width else b""


def _read_tile(source: Source, level: int, index: int, width: int, report: Report) -> bytes:
    """The first `width` hashes of a tile, from the partial tile or, when that was taken away, the full one."""
    path, raw, whole = _read_either(source, tile_path(level, index, width), tile_path(level, index))
    first = (index * WIDTH) << 8 * level
    if raw is None:
        report(Misbehaviour("missing-file", "a tile that the checkpoint needs is not there", index=first, path=path))
    elif len(raw) != (WIDTH if whole else width) * HASH_SIZE:
        detail = f"a tile of {len(raw)} bytes where {width * HASH_SIZE} belong"
        report(Misbehaviour("tile-altered", detail, index=first, path=path, evidence={path: raw}))
    else:
        return raw[: width * HASH_SIZE]
    return bytes(width * HASH_SIZE)


def _read_either(source: Source, partial: str, full: str) -> tuple[str, bytes | None, bool]:
    """Path, content, and whether it is the full file: partial ones may go once the full one is there."""
    raw = source.read(partial)
    if raw is not None or partial == full:
        return partial, raw, partial == full
    raw = source.read(full)
    return (partial, None, False) if raw is None else (full, raw, True)


def _full_tile(source: Source, size: int, level: int, index: int, right: bytes, report: Report) -> bytes:
    """The hashes of a full tile that leads to `right`; reported, and computed from the entries, if it does not.

    Raises Misbehaviour (missing-file) for a tile that is not there and cannot be computed.
    """
    raw = _read_tile(source, level, index, WIDTH, report)
    if tile_root(raw) == right:
        return raw
    path = tile_path(level, index)
    true = _computed(source, size, level, index)
    if true is not None and tile_root(true) == right:
        _report_tile(path, level, index, raw, true, report)
        return true
    if not any(raw):
        raise _unreadable(path)
    _report_tile(path, level, index, raw, None, report)
    return raw


def _unreadable(path: str) -> Misbehaviour:
    """Nothing below this tile can be read: whoever signs for a tree must publish it."""
    return Misbehaviour("missing-file", "without this file the tree below it cannot be proved", path=path)


def _report_tile(path: str, level: int, index: int, raw: bytes, true: bytes | None, report: Report) -> None:
    """Report a tile that is not what the tree says; with the true hashes known, the entries concerned are named."""
    if not any(raw):  # what _read_tile gave for a tile that it has reported already
        return
    first, evidence = (index * WIDTH) << 8 * level, {path: raw}
    if true is None:
        detail = "the tile does not lead to its hash in the tile above it"
        report(Misbehaviour("tile-altered", detail, index=first, path=path, evidence=evidence))
        return
    slots = [at // HASH_SIZE for at in range(0, len(true), HASH_SIZE) if raw[at : at + 32] != true[at : at + 32]]
    where = (index * WIDTH + slots[0]) << 8 * level
    detail = f"hash {slots[0]} of the tile is not that of the entries from {where} on ({len(slots)} such hashes)"
    evidence["hashes in the tree"] = true
    report(Misbehaviour("tile-altered", detail, index=where, path=path, evidence=evidence))


def _computed(source: Source, size: int, level: int, index: int) -> bytes | None:
    """The hashes of tile (level, index) computed from the entries alone; None where these cannot be read.

    Slow, and only needed to say what is wrong.
    """
    width = min(WIDTH, (size >> 8 * level) - index * WIDTH)
    if level == 0:
        _, raw, whole = _read_either(source, entries_path(index, width), entries_path(index))
        try:
            entries = parse_bundle(raw or b"", WIDTH if whole else width)
        except Malformed:
            return None
        return b"".join([leaf_hash(entry) for entry in entries[:width]])
    roots: list[bytes] = []
    for slot in range(width):
        below = _computed(source, size, level - 1, index * WIDTH + slot)
        if below is None:
            # At the first gap: a head may claim more entries than anybody could read.
            return None
        roots.append(tile_root(below))
    return b"".join(roots)


def _mend(source: Source, size: int, root: bytes, edges: list[bytes], report: Report, path: str) -> list[bytes]:
    """Say which tiles at the right edge are wrong, and return the right ones if the entries lead to the root."""
    computed = [
        _computed(source, size, level, size >> 8 * (level + 1)) if edge else b"" for level, edge in enumerate(edges)
    ]
    true = [each if each is not None else edge for each, edge in zip(computed, edges, strict=True)]
    known = _root(true) == root
    for level, (published, each) in enumerate(zip(edges, true, strict=True)):
        if published != each:
            index, width = divmod(size >> 8 * level, WIDTH)
            tile, _, _ = _read_either(source, tile_path(level, index, width), tile_path(level, index))
            _report_tile(tile, level, index, published, each, report)
    for level, edge in enumerate(edges):
        if not known and edge and not any(edge):
            index, width = divmod(size >> 8 * level, WIDTH)
            raise _unreadable(tile_path(level, index, width))
    if not known:
        detail = "neither the published tiles nor the entries lead to the root of the signed head"
        evidence = {path: source.read(path) or b"", "signed root": root, "root of the tiles": _root(edges)}
        report(
            Misbehaviour("root-mismatch", detail, path=path, evidence=evidence | {"root of the entries": _root(true)})
        )
    return true if known else edges


def leaf_hashes(source: Source, spine: Spine, index: int, report: Report = _raise) -> bytes:
    """The right leaf hashes of the entries 256·index to 256·index + 255, as far as the tree has them."""
    if spine.width(0, index) < WIDTH:
        return spine.levels[0]
    right = spine.levels[1][index * HASH_SIZE : (index + 1) * HASH_SIZE]
    return _full_tile(source, spine.size, 0, index, right, report)


def roots_at(source: Source, spine: Spine, sizes: Iterable[int]) -> dict[int, bytes]:
    """The root that the tree had at each of these earlier sizes (0 < size <= the spine's).

    Whoever holds an older signed head compares: another root at its size is a fork. A size of which a tile is missing
    has no root here; `walk` reports the tile.
    """
    roots: dict[int, bytes] = {}
    frontier = Frontier()
    for size in sorted({size for size in sizes if 0 < size <= spine.size}):
        while frontier.size + WIDTH <= size:
            at = frontier.size // WIDTH * HASH_SIZE
            frontier.append_subtree(8, spine.levels[1][at : at + HASH_SIZE])
        tail = frontier.copy()
        if size > tail.size:
            try:
                hashes = leaf_hashes(source, spine, size // WIDTH, _overhear)
            except Misbehaviour:
                continue
            tail.extend(hashes[at : at + HASH_SIZE] for at in range(0, (size - tail.size) * HASH_SIZE, HASH_SIZE))
        roots[size] = tail.root()
    return roots


def growth(source: Source, spine: Spine, old_size: int) -> tuple[bytes, ...]:
    """The hashes that show the tree of `old_size` entries to be the beginning of the spine's, which is no smaller.

    With them, anybody who knows the two roots can see by `ledger.tlog.merkle.check_consistency` which root the newer
    tree had at that size. Raises Misbehaviour where a tile is missing.
    """

    def right(path: str) -> bytes:
        tile = parse_path(path)
        if tile.level:
            return spine.tile(tile.level, tile.index)
        return leaf_hashes(source, spine, tile.index, _overhear)

    return HashReader(spine.size, right).consistency_proof(old_size)


# --- 3. the entries ---------------------------------------------------------------------------------------------------


class Batch(msgspec.Struct, frozen=True):
    """What one bundle gave: its entries in order, and what is wrong with it.

    `first` is the index of the first entry; an entry that is not what the tree says, or that cannot be opened, is
    missing from `entries` and named in `faults`.
    """

    first: int
    count: int
    entries: list[Entry]
    faults: list[Misbehaviour]


def walk(
    source: Source, origin: str, spine: Spine, *, start: int = 0, stop: int | None = None, workers: int | None = None
) -> Iterator[Batch]:
    """Verify the entries start..stop-1, bundle by bundle, and give them in order.

    `origin` is the ledger's; `workers` is how many processes verify signatures, this one included (the number of
    cores if not given). Faults in a batch: missing-file, tile-altered, bundle-altered, entry-altered, bad-entry,
    bad-statement.
    """
    stop = spine.size if stop is None else min(stop, spine.size)
    if start >= stop:
        return
    bundles = range(start // WIDTH, (stop - 1) // WIDTH + 1)
    workers = workers or os.cpu_count() or 1
    if stop - start < _WORTH_A_PROCESS:
        workers = 1

    def prepare(index: int) -> _Prepared:
        return _prepare(source, origin, spine, index, max(start, index * WIDTH), min(stop, (index + 1) * WIDTH))

    if workers <= 1:
        for index in bundles:
            prepared = prepare(index)
            yield prepared.judged(verdicts(prepared.signed), origin)
        return
    with Verifiers(workers - 1) as verifiers:
        waiting = iter(bundles)
        window: deque[tuple[_Prepared, Future[bytes]]] = deque()
        while True:
            while len(window) < workers * _AHEAD and (index := next(waiting, None)) is not None:
                prepared = prepare(index)
                window.append((prepared, verifiers.submit(prepared.signed) or _done(verdicts(prepared.signed))))
            if not window:
                return
            prepared, future = window[0]
            if not future.done():
                # Nothing to give yet: this process takes a share of the verifying, from the far end.
                far = next((at for at in range(len(window) - 1, -1, -1) if window[at][1].cancel()), None)
                if far is not None:
                    window[far] = (window[far][0], _done(verdicts(window[far][0].signed)))
                    continue
            window.popleft()
            yield prepared.judged(future.result(), origin)


def _done(answer: bytes) -> Future[bytes]:
    future: Future[bytes] = Future()
    future.set_result(answer)
    return future


def verified_entries(source: Source, head: Head, *, workers: int | None = None) -> Iterator[Entry]:
    """Every entry of the tree that a verified head describes. Raises Misbehaviour at the first fault.

    Each entry is proved to be in the tree, whole and signed, before it is given.
    """
    spine = read_spine(source, head.size, head.root, path=head.path)
    for batch in walk(source, head.origin, spine, workers=workers):
        if batch.faults:
            raise batch.faults[0]
        yield from batch.entries


class _Prepared(msgspec.Struct):
    """A bundle of which all is checked but the signatures: `owners` are the entries that they belong to."""

    batch: Batch
    signed: list[Signed]
    owners: list[Entry]

    def judged(self, answer: bytes, origin: str) -> Batch:
        """The batch, once the signatures are verified."""
        if b"\0" not in answer:
            return self.batch
        for index in {self.owners[at].index for at, good in enumerate(answer) if not good}:
            at = next(at for at, entry in enumerate(self.batch.entries) if entry.index == index)
            entry = self.batch.entries[at]
            # The strict and slow way says why; its verdict is the one that counts.
            try:
                open_entry(index, format_entry(entry.received_ms, entry.opened.note), origin)
            except Misbehaviour as fault:
                del self.batch.entries[at]
                self.batch.faults.append(fault)
        self.batch.faults.sort(key=lambda fault: -1 if fault.index is None else fault.index)
        return self.batch


def _prepare(source: Source, origin: str, spine: Spine, index: int, first: int, last: int) -> _Prepared:
    """Read bundle `index` and its tile, check the entries first..last-1 of it, and collect their signatures."""
    entries: list[Entry] = []
    faults: list[Misbehaviour] = []
    prepared = _Prepared(Batch(first, last - first, entries, faults), [], [])
    width = spine.width(0, index)
    try:
        right = leaf_hashes(source, spine, index, faults.append)
    except Misbehaviour:  # the tile is missing, which is among the faults: its entries cannot be proved
        right = b""
    path, raw, whole = _read_either(source, entries_path(index, width), entries_path(index))
    if raw is None:
        detail = "an entry bundle that the checkpoint needs is not there"
        faults.append(Misbehaviour("missing-file", detail, index=index * WIDTH, path=path))
        return prepared
    try:
        records = parse_bundle(raw, WIDTH if whole else width)[:width]
    except Malformed as error:
        faults.append(_altered_bundle(index, path, raw, right, error.message))
        return prepared
    if not right:
        return prepared
    begin = index * WIDTH
    origin_line = origin.encode() + b"\n"
    # One comparison for the whole bundle; only where it fails is the entry looked for.
    hashes = [leaf_hash(record) for record in records]
    good = b"".join(hashes) == right
    for number in range(first, last):
        record = records[number - begin]
        at = (number - begin) * HASH_SIZE
        if not good and hashes[number - begin] != right[at : at + HASH_SIZE]:
            evidence = {"entry": record, "leaf hash in the tree": right[at : at + HASH_SIZE]}
            detail = "the entry is not the one whose hash is in the tree"
            faults.append(Misbehaviour("entry-altered", detail, index=number, path=path, evidence=evidence))
            continue
        try:
            entry = _open_unsigned(number, record, origin, origin_line, prepared) or open_entry(number, record, origin)
        except Misbehaviour as fault:
            faults.append(fault)
        else:
            entries.append(entry)
    return prepared


# Key id and signature, and how long their base64 is.
_BLOB = 4 + 64
_PAYLOAD = 92


def _open_unsigned(index: int, raw: bytes, origin: str, first: bytes, prepared: _Prepared) -> Entry | None:
    """The entry of a leaf's bytes, its signatures put aside to be verified; None if anything is out of the ordinary.

    This is the quick way through `open_entry` for entries that are as they should be, and it says nothing of others:
    whatever it does not take, `open_entry` judges. `first` is the origin with its line feed.
    """
    try:
        received_ms, note = parse_entry(raw)
    except ValueError:
        return None
    # The text ends at the last empty line; a statement's has two lines, and the first is the origin.
    end = note.rfind(b"\n\n") + 1
    line = note[len(first) : end - 1]
    if not note.startswith(first) or b"\n" in line or line[:1] != b"{":
        return None
    try:
        # Decoding and encoding again refuses bytes that are not UTF-8, and control characters.
        statement = decode_line(line)
    except Refused:
        return None
    text = note[:end]
    entry = Entry(index, received_ms, Opened(origin, statement, sha256(text).hexdigest(), note, line))
    at = end + 1
    signed: list[Signed] = []
    for signer in statement.by:
        name, key_id, key = key_name(origin, signer.key)
        start = f"— {name} ".encode()
        begin = at + len(start)
        try:
            blob = a2b_base64(note[begin : begin + _PAYLOAD])
        except ValueError:
            return None
        # Writing the line again refuses another name, foreign characters, stray bits and a missing line feed.
        written = start + b2a_base64(blob)
        if len(blob) != _BLOB or blob[:4] != key_id or not note.startswith(written, at):
            return None
        at += len(written)
        signed.append(Signed(key, blob[4:] + text))
    if at != len(note) or len(note) > MAX_NOTE:
        return None
    prepared.signed += signed
    prepared.owners += [entry] * len(signed)
    return entry


def _altered_bundle(index: int, path: str, raw: bytes, right: bytes, message: str) -> Misbehaviour:
    """A bundle that does not fall into its records: name the first entry that is not the tree's."""
    at = slot = 0
    while at + 2 <= len(raw) and slot * HASH_SIZE < len(right):
        end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
        if leaf_hash(raw[at + 2 : end]) != right[slot * HASH_SIZE : (slot + 1) * HASH_SIZE]:
            break
        at, slot = end, slot + 1
    slot = max(0, min(slot, len(right) // HASH_SIZE - 1))  # what is too much comes after the last entry
    return Misbehaviour("bundle-altered", message, index=index * WIDTH + slot, path=path, evidence={path: raw})


def open_entry(index: int, entry: bytes, origin: str) -> Entry:
    """The entry of a leaf's bytes, strictly: of its one form, and holding a statement whose signatures verify.

    Raises Misbehaviour: bad-entry, bad-statement. That the bytes are the tree's is for the caller to have shown.
    """
    try:
        received_ms, note = parse_entry(entry)
        if format_entry(received_ms, note) != entry:
            raise ValueError("the received time is not in its one form")
    except (ValueError, Refused) as error:
        evidence = {"entry": entry}
        raise Misbehaviour("bad-entry", str(error), index=index, evidence=evidence, reason="entry") from None
    try:
        opened = open_statement(note, origin)
    except Refused as refused:
        evidence = {"entry": entry}
        raise Misbehaviour(
            "bad-statement", str(refused), index=index, evidence=evidence, reason=refused.code
        ) from refused
    return Entry(index, received_ms, opened)


# --- one receipt, offline ---------------------------------------------------------------------------------------------


class Receipt(msgspec.Struct, frozen=True):
    """What a receipt has shown: this entry is at `entry.index` of the tree of `size` entries of `origin`."""

    origin: str
    size: int
    root: bytes
    entry: Entry
    log_keys: tuple[str, ...]
    """Public keys of the log that signed the head, 64 hex digits each."""
    witnesses: tuple[tuple[str, int], ...]
    """Name of each witness that cosigned, and when, in POSIX seconds."""
    quorum_time: int | None


_PROOF = b"c2sp.org/tlog-proof"
_BOM = b"\xef\xbb\xbf"


def oddity_of(raw: bytes) -> str:
    """What a file is that people take for a receipt: `empty-file`, `not-a-receipt`, or `line-ends` for one that a mail
    program or an editor wrote again with other line ends or a byte order mark; "" for what may be a receipt.
    """
    if not raw:
        return "empty-file"
    if not raw.removeprefix(_BOM).startswith(_PROOF):
        return "not-a-receipt"
    return "line-ends" if raw.startswith(_BOM) or b"\r\n" in raw else ""


def verify_receipt(raw: bytes, policy: Policy) -> Receipt:
    """Check a receipt (a tlog-proof with the entry in its `extra` line) by a policy, without any other file.

    A policy may name several keys of the log, as after a rotation; the head of any of them is accepted, because one
    file cannot tell at which size a key gave way to the next. Who has reason to doubt (the old key was stolen) asks for
    witnesses in the policy, or audits the ledger: a head by a key out of force is a finding there (`check_log_key`).

    Raises Misbehaviour: bad-receipt (not of the format, or the path does not lead to the root); foreign-checkpoint (no
    key that the policy trusts signed it); not-cosigned (a provisional receipt); bad-entry, bad-statement.
    """
    evidence = {"receipt": raw}
    try:
        proof = parse_proof(raw)
        proven = verify_proof(proof, policy)
        if parse_checkpoint(proof.checkpoint).checkpoint.size == 0:
            raise Unverified("inconsistent", "a checkpoint of no entries")
    except FormatError as error:
        kind = _HEAD_KINDS.get(error.reason, "bad-receipt")
        raise Misbehaviour(kind, error.message, evidence=evidence, reason=error.reason) from None
    checked = proven.checked
    return Receipt(
        origin=checked.checkpoint.origin,
        size=checked.checkpoint.size,
        root=checked.checkpoint.root,
        entry=open_entry(proven.index, proven.entry, checked.checkpoint.origin),
        log_keys=tuple([verifier.public_key.hex() for verifier in checked.log_keys]),
        witnesses=tuple([(each.witness.verifier.name, each.time) for each in checked.cosignatures]),
        quorum_time=checked.quorum_time,
    )

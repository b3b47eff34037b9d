"""The auditor's look at files beside entries and heads: what a ledger says of itself, and all else in its folder.

    check_policy_file(…), check_ledger_file(…)   they say what the founding statement says
    Files(…).check(paths)                        every tile and bundle agrees with the tree, and no file is foreign

A reader of the newest head needs few of the files; a reader of an older one gets those that were written for it, so
they must not lie either. Of a web server files cannot be listed: there only what is needed is read.
"""

from collections.abc import Collection, Iterable

import msgspec

from ledger.errors import Misbehaviour
from ledger.published import is_day_path, is_stamp_path
from ledger.statement import canonical
from ledger.tlog.errors import FormatError, Malformed
from ledger.tlog.merkle import HASH_SIZE, leaf_hash
from ledger.tlog.note import Verifier, check_public_key, parse_vkey
from ledger.tlog.policy import parse_policy
from ledger.tlog.tiles import ENTRIES, WIDTH, Tile, parse_bundle, parse_path
from ledger.verify import Source, Spine, leaf_hashes
from projections.findings import Gathered
from projections.texts import Texts

# A writer publishes tiles before the head that covers them; a crash leaves them there until the next start.
AHEAD = 65_536

OWN_FILES = frozenset({"head", "checkpoint", "policy", "ledger.json"})

# The formats that a ledger may name in `ledger.json`.
FORMATS = frozenset(
    {
        "c2sp.org/signed-note@v1.0.0",
        "c2sp.org/tlog-checkpoint@v1.0.0",
        "c2sp.org/tlog-cosignature@v1.0.1",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-tiles@v0.1.0",
        "constancia/claim/v1",
        "constancia/content/v1",
        "constancia/statement/v1",
    }
)


# --- what a ledger says of itself -------------------------------------------------------------------------------------


def check_policy_file(raw: bytes | None, origin: str, keys: Collection[str]) -> None:
    """The ledger's own policy names its own keys, `keys` (64 hex digits each). Raises Misbehaviour."""
    if raw is None:
        raise Misbehaviour("missing-file", "the ledger publishes no policy", path="policy")
    try:
        logs = parse_policy(raw).logs
        if not logs or any(log.verifier.name != origin for log in logs):
            raise Malformed("key", "it is not about this origin")
        _check_keys([log.verifier for log in logs], keys)
    except FormatError as error:
        raise Misbehaviour("bad-policy-file", error.message, path="policy", evidence={"policy": raw}) from None


def check_ledger_file(raw: bytes | None, origin: str, keys: Collection[str]) -> None:
    """`ledger.json` is of its one form and names the log's keys, `keys`. Raises Misbehaviour."""
    if raw is None:
        raise Misbehaviour("missing-file", "the ledger does not describe itself", path="ledger.json")
    try:
        said = msgspec.json.decode(raw, type=_LedgerFile)
        if canonical(said) + b"\n" != raw:
            raise ValueError("it is not in its canonical form")
        if said.origin != origin:
            raise ValueError(f"it speaks of the ledger {said.origin}")
        if strange := set(said.formats) - FORMATS:
            raise ValueError(f"it names formats that are not known: {', '.join(sorted(strange))}")
        if not said.log_keys or said.merge_delay_seconds < 1:
            raise ValueError("it names no log key, or promises no time")
        _check_keys([parse_vkey(key) for key in said.log_keys], keys)
        if isinstance(said.desk_key, str):
            check_public_key(bytes.fromhex(said.desk_key))
    except (ValueError, msgspec.DecodeError) as error:
        evidence = {"ledger.json": raw}
        raise Misbehaviour("bad-ledger-file", str(error), path="ledger.json", evidence=evidence) from None


class _LedgerFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The file `ledger.json`, read without the writer's help."""

    origin: str
    log_keys: tuple[str, ...]
    formats: tuple[str, ...]
    merge_delay_seconds: int
    desk_key: str | msgspec.UnsetType = msgspec.UNSET


def _check_keys(verifiers: Iterable[Verifier], keys: Collection[str]) -> None:
    """Raise Malformed unless these are keys that the ledger's entries name as the log's."""
    for verifier in verifiers:
        if verifier.public_key.hex() not in keys:
            raise Malformed("key", f"the key of {verifier.name} is not one that the ledger names as its log's")


# --- every file of a folder -------------------------------------------------------------------------------------------


class Files:
    """The files of a folder against the tree of its newest head, `spine`.

    The first `audited` entries were verified; where that is all of them, what a reader needs is not read twice. Files
    that only concern entries before `start` were looked at by an earlier audit.
    """

    def __init__(
        self, source: Source, found: Gathered, texts: Texts, spine: Spine, *, audited: int, start: int = 0
    ) -> None:
        self._source = source
        self._found = found
        self._texts = texts
        self._spine = spine
        self._audited = audited
        self._start = start

    def check(self, paths: Iterable[str]) -> int:
        """Look at all of them; returns how many there are."""
        count = 0
        # Level 0 and bundles by number, so that each tile of leaf hashes is read once for all that lies over it.
        tiles: dict[int, list[Tile]] = {}
        for path in paths:
            count += 1
            tile = self._known(path)
            if tile is not None:
                tiles.setdefault(tile.index if tile.level <= 0 else -1, []).append(tile)
        for tile in tiles.pop(-1, []):
            self._check_tile(tile, self._spine.tile(tile.level, tile.index))
        for index, group in sorted(tiles.items()):
            self._check_group(index, group)
        if self._texts.beyond_all > self._spine.size:
            self._found.remark("files-ahead", size=self._spine.size)
        return count

    def _known(self, path: str) -> Tile | None:
        """The tile that a path names, if it is one that has to be looked at. Foreign files are reported."""
        size = self._spine.size
        if path in OWN_FILES or is_day_path(path) or is_stamp_path(path):
            return None
        if path.startswith("contents/"):
            if self._texts.is_known(path, size + AHEAD, start=self._start, audited=self._audited):
                return None
        try:
            tile = parse_path(path)
        except Malformed:
            self._found.add(Misbehaviour("unknown-file", "no file of a ledger has this name", path=path))
            return None
        level = max(0, tile.level)
        last = (tile.index * WIDTH + tile.width) << 8 * level
        if last > size + AHEAD:
            self._found.add(Misbehaviour("unknown-file", "a tile far beyond the newest signed head", path=path))
        elif not self._spine.width(level, tile.index):
            self._found.remark("files-ahead", size=size)
        elif last > self._start:
            return tile
        return None

    def _check_group(self, index: int, group: list[Tile]) -> None:
        """The tiles of leaf hashes and the bundles over 256 entries."""
        needed = self._spine.width(0, index)
        others = [tile for tile in group if tile.width != needed or self._audited != self._spine.size]
        if not others:
            return
        try:
            right = leaf_hashes(self._source, self._spine, index, self._found.add)
        except Misbehaviour as fault:
            self._found.add(fault)
            return
        for tile in others:
            self._check_tile(tile, right)

    def _check_tile(self, tile: Tile, right: bytes) -> None:
        """A tile or bundle that no reader of the newest head needs any more still says what the tree says."""
        path = tile.path
        raw = self._source.read(path)
        if raw is None:
            return  # swept between listing and reading
        first = tile.index * WIDTH << 8 * max(0, tile.level)
        altered = "bundle-altered" if tile.level == ENTRIES else "tile-altered"
        try:
            hashes = _hashes(tile, raw)
        except Malformed as error:
            self._found.add(Misbehaviour(altered, error.message, index=first, path=path, evidence={path: raw}))
            return
        common = min(len(hashes), len(right))
        for at in range(0, common, HASH_SIZE):
            if hashes[at : at + HASH_SIZE] != right[at : at + HASH_SIZE]:
                index = (tile.index * WIDTH + at // HASH_SIZE) << 8 * max(0, tile.level)
                detail = "an older file, kept for readers of older heads, is not what the tree says"
                evidence = {path: raw, "hashes in the tree": right[:common]}
                self._found.add(Misbehaviour(altered, detail, index=index, path=path, evidence=evidence))
                return
        if common < len(hashes):
            self._found.remark("files-ahead", size=self._spine.size)


def _hashes(tile: Tile, raw: bytes) -> bytes:
    """The hashes of a tile, or of the entries of a bundle, side by side. Raises Malformed."""
    if tile.level == ENTRIES:
        return b"".join([leaf_hash(entry) for entry in parse_bundle(raw, tile.width)])
    if len(raw) != tile.width * HASH_SIZE:
        raise Malformed("shape", f"a tile of {len(raw)} bytes where {tile.width * HASH_SIZE} belong")
    return raw

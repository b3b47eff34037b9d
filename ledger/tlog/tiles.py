"""Tiles and entry bundles: how a tree and its entries lie in files that never change.

Spec: c2sp.org/tlog-tiles

A tile holds up to 256 neighbouring hashes of one level: level 0 are the leaf hashes, level 1 the roots of
256 leaves each, level 2 of 65,536. The seven levels between are computed again, never stored. Hash i of
tile (L, N) is the root of the complete subtree (8·L, 256·N + i). An entry bundle holds the entries behind
tile (0, N), each after its length in two bytes, big endian.

A tree of 70,000 leaves lies in

    tile/0/000 … tile/0/272, tile/0/273.p/112      273 full tiles and one 112 hashes wide
    tile/1/000, tile/1/001.p/17                    a partial tile is never hashed into the level above
    tile/2/000.p/1
    tile/entries/000 … tile/entries/273.p/112

The number of a tile is written in groups of three digits, all but the last with an x before it:

>>> tile_path(0, 1234067), tile_path(1, 1, 17), entries_path(273, 112)
('tile/0/x001/x234/067', 'tile/1/001.p/17', 'tile/entries/273.p/112')
>>> parse_path("tile/entries/x001/000")
Tile(level=-1, index=1000, width=256)
>>> format_bundle([b"a", b""])
b'\\x00\\x01a\\x00\\x00'

Nothing here can be trusted before it was hashed up to the root of a verified checkpoint. A full tile may be
kept for ever; of a partial one only the sizes of published checkpoints must exist, and once its full tile is
there, a reader cuts the full one.
"""

from collections.abc import Callable, Iterable, Sequence
from re import compile as pattern
from typing import NamedTuple

from ledger.tlog.errors import Malformed
from ledger.tlog.merkle import HASH_SIZE, Frontier, consistency_proof, inclusion_proof, level_above

WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""

ENTRIES = -1
"""What a Tile has for a level when it is an entry bundle."""

MAX_LEVEL = 63
MAX_ENTRY = 65_535

_PATH = pattern(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?")
_INDEX = pattern(r"(?:x[0-9]{3}/)*[0-9]{3}")

Read = Callable[[str], bytes]
"""Gives the content of a published file by its path below the log's prefix, or raises FileNotFoundError."""


class Tile(NamedTuple):
    """The place of a tile, or of an entry bundle (level ENTRIES); width 256 means full."""

    level: int
    index: int  # pyright: ignore[reportIncompatibleMethodOverride]  # nobody searches a tile as a tuple
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies below the log's prefix."""
        if self.level == ENTRIES:
            return entries_path(self.index, self.width)
        return tile_path(self.level, self.index, self.width)


# --- paths ---------------------------------------------------------------------------------------------


def index_path(index: int) -> str:
    """Write a number in groups of three digits: 0 is `000`, 1234067 is `x001/x234/067`."""
    path = f"{index % 1000:03}"
    while index := index // 1000:
        path = f"x{index % 1000:03}/{path}"
    return path


def parse_index_path(path: str) -> int:
    """Read such a number. Raises Malformed (encoding)."""
    if len(path) > 40 or not _INDEX.fullmatch(path):
        raise Malformed("encoding", f"not a number in groups of three digits: {path[:80]!r}")
    index = int(path.replace("x", "").replace("/", ""))
    if index_path(index) != path or index >= 2**63:
        raise Malformed("encoding", f"a number in another than its one form: {path[:80]!r}")
    return index


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Return the path of tile (level, index), `width` hashes wide. ValueError if there is no such tile."""
    if not 0 <= level <= MAX_LEVEL:
        raise ValueError(f"no tile has level {level}")
    return _path(str(level), index, width)


def entries_path(index: int, width: int = WIDTH) -> str:
    """Return the path of an entry bundle of `width` entries. ValueError if there is no such bundle."""
    return _path("entries", index, width)


def _path(level: str, index: int, width: int) -> str:
    if index < 0 or not 1 <= width <= WIDTH:
        raise ValueError(f"no tile has number {index} and width {width}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{index_path(index)}{partial}"


def parse_path(path: str) -> Tile:
    """Read the path of a tile or an entry bundle. Raises Malformed (shape, encoding)."""
    found = _PATH.fullmatch(path) if len(path) <= 64 else None
    if not found:
        raise Malformed("shape", f"not the path of a tile: {path[:80]!r}")
    level, number, width = found.groups()
    wide = int(width) if width else WIDTH
    tile = Tile(ENTRIES if level == "entries" else int(level), parse_index_path(number), wide)
    if tile.level > MAX_LEVEL or not 1 <= tile.width <= WIDTH or tile.path != path:
        raise Malformed("encoding", f"the path of a tile in another than its one form: {path[:80]!r}")
    return tile


# --- which tiles there are -----------------------------------------------------------------------------


def tiles_of(size: int) -> list[Tile]:
    """Return all tiles of a tree of `size` leaves, level by level; bundles stand beside those of level 0."""
    return tiles_for_growth(0, size)


def tiles_for_growth(old_size: int, new_size: int) -> list[Tile]:
    """Return the tiles to be written when a published tree grows, level by level from below.

    Those of level 0 are the bundles to be written too. Tiles that the old size had already are left out.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a tree of {old_size} leaves does not grow to {new_size}")
    tiles: list[Tile] = []
    old, new = old_size, new_size
    level = 0
    # Where a level does not grow, none above it does.
    while new > old:
        tiles += [Tile(level, index) for index in range(old // WIDTH, new // WIDTH)]
        if new % WIDTH:
            tiles.append(Tile(level, new // WIDTH, new % WIDTH))
        old //= WIDTH
        new //= WIDTH
        level += 1
    return tiles


def bundles_for_growth(old_size: int, new_size: int) -> list[Tile]:
    """Return the entry bundles to be written when a published tree grows."""
    return [Tile(ENTRIES, tile.index, tile.width) for tile in tiles_for_growth(old_size, new_size) if tile.level == 0]


# --- what is in them -----------------------------------------------------------------------------------


def format_bundle(entries: Iterable[bytes]) -> bytes:
    """Write entries as a bundle. ValueError for more than 256 of them or more than 65,535 bytes in one."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise ValueError(f"an entry of {len(entry)} bytes, over {MAX_ENTRY}")
        parts += (len(entry).to_bytes(2, "big"), entry)
    if len(parts) > 2 * WIDTH:
        raise ValueError(f"a bundle of {len(parts) // 2} entries, over {WIDTH}")
    return b"".join(parts)


def parse_bundle(raw: bytes, width: int = WIDTH) -> list[bytes]:
    """Read a bundle of `width` entries. Raises Malformed (shape) for a short, long or extra record."""
    entries: list[bytes] = []
    at, end = 0, len(raw)
    for _ in range(width):
        if at + 2 > end:
            raise Malformed("shape", f"a bundle of {len(entries)} entries where {width} belong")
        begin = at + 2
        at = begin + (raw[at] << 8 | raw[at + 1])
        entries.append(raw[begin:at])
    if at != end:
        off = f"{end - at} bytes too long" if end > at else f"{at - end} bytes too short"
        raise Malformed("shape", f"a bundle of {width} entries is {off}")
    return entries


def parse_tile(raw: bytes, width: int = WIDTH) -> list[bytes]:
    """Cut a tile into its hashes. Raises Malformed (shape) unless it is `width` of them."""
    if len(raw) != width * HASH_SIZE:
        raise Malformed("shape", f"a tile of {len(raw)} bytes where {width * HASH_SIZE} belong")
    return [raw[at : at + HASH_SIZE] for at in range(0, len(raw), HASH_SIZE)]


# --- reading hashes out of tiles -----------------------------------------------------------------------


class HashReader:
    """The complete subtrees of a published tree of `size` leaves, read from its tiles.

    `reader(level, index)` gives one of them; `inclusion_proof` and `consistency_proof` of
    `ledger.tlog.merkle` take the reader as it is. It verifies nothing: what comes out is as good as the
    tiles. Tiles once read are kept, with the levels computed inside them, up to `keep` of them. A reader is
    for one thread at a time.

    Raises what `read` raises; Malformed (shape) for a tile of the wrong length.
    """

    def __init__(self, size: int, read: Read, *, keep: int = 64) -> None:
        self.size = size
        self._read = read
        self._keep = max(1, keep)
        # For each tile the hashes of its levels 0 to 7, side by side, as far as they were needed.
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """Return the root of the complete subtree (level, index). ValueError if the tree has none such."""
        if level < 0 or index < 0 or (index + 1) << level > self.size:
            raise ValueError(f"a tree of {self.size} leaves has no complete subtree ({level}, {index})")
        tile_level, inside = divmod(level, 8)
        # The tile whose hashes lie under this subtree, 2^inside of them side by side.
        tile_index = (index << inside) // WIDTH
        levels = self._tile(tile_level, tile_index)
        while len(levels) <= inside:
            below = levels[-1]
            levels.append(level_above(below[: len(below) // 64 * 64]))
        at = (index - (tile_index * WIDTH >> inside)) * HASH_SIZE
        return levels[inside][at : at + HASH_SIZE]

    def _tile(self, level: int, index: int) -> list[bytes]:
        levels = self._tiles.get((level, index))
        if levels is None:
            levels = [self._read_tile(level, index)]
            while len(self._tiles) >= self._keep:
                del self._tiles[next(iter(self._tiles))]
            self._tiles[level, index] = levels
        return levels

    def _read_tile(self, level: int, index: int) -> bytes:
        width = min(WIDTH, (self.size >> 8 * level) - index * WIDTH)
        wanted = width
        try:
            raw = self._read(tile_path(level, index, width))
        except FileNotFoundError:
            if width == WIDTH:
                raise
            # A partial tile may be taken away when its full one is there, which begins with the same hashes.
            wanted = WIDTH
            raw = self._read(tile_path(level, index))
        if len(raw) != wanted * HASH_SIZE:
            raise Malformed("shape", f"{tile_path(level, index, wanted)} has {len(raw)} bytes")
        return raw[: width * HASH_SIZE]

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return self.frontier().root()

    def frontier(self) -> Frontier:
        """Return the right edge of the tree, to append to."""
        return Frontier.at(self.size, self)

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """Return the proof that leaf `index` is in the tree."""
        return inclusion_proof(index, self.size, self)

    def consistency_proof(self, old_size: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of `old_size` leaves is the beginning of this one."""
        return consistency_proof(old_size, self.size, self)


# --- writing tiles -------------------------------------------------------------------------------------


class TileEdge:
    """The tiles at the right edge of a growing tree, which alone are still written to.

    Feed it leaf hashes, and it gives the tiles to be written, whole: `grow` for the files, `root` for the
    tree as those tiles have it, computed by another path than a Frontier does it.
    """

    def __init__(self) -> None:
        self._size = 0
        # For each level the hashes of its last tile, side by side; fewer than 256.
        self._levels: list[bytearray] = [bytearray()]

    @classmethod
    def load(cls, size: int, read: Read) -> "TileEdge":
        """Take up the edge of a published tree of `size` leaves, read as HashReader reads."""
        edge = cls()
        reader = HashReader(size, read)
        edge._size = size
        edge._levels = []
        level = 0
        while (size >> 8 * level) or level == 0:
            wide = (size >> 8 * level) % WIDTH
            first = (size >> 8 * level) - wide
            edge._levels.append(bytearray(b"".join(reader(8 * level, first + i) for i in range(wide))))
            level += 1
        return edge

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def grow(self, leaf_hashes: Sequence[bytes]) -> list[tuple[Tile, bytes]]:
        """Append leaf hashes; return each tile of `tiles_for_growth` with its content, level by level."""
        if any(len(each) != HASH_SIZE for each in leaf_hashes):
            raise ValueError(f"a hash has {HASH_SIZE} bytes")
        written: list[tuple[Tile, bytes]] = []
        new = b"".join(leaf_hashes)
        size = self._size
        self._size += len(leaf_hashes)
        level = 0
        while new:
            if level == len(self._levels):
                self._levels.append(bytearray())
            index = (size >> 8 * level) // WIDTH
            content = bytes(self._levels[level]) + new
            full = len(content) // (WIDTH * HASH_SIZE) * (WIDTH * HASH_SIZE)
            roots: list[bytes] = []
            for at in range(0, full, WIDTH * HASH_SIZE):
                tile = content[at : at + WIDTH * HASH_SIZE]
                written.append((Tile(level, index), tile))
                roots.append(tile_root(tile))
                index += 1
            rest = content[full:]
            self._levels[level] = bytearray(rest)
            if rest:
                written.append((Tile(level, index, len(rest) // HASH_SIZE), rest))
            new = b"".join(roots)
            level += 1
        return written

    def root(self) -> bytes:
        """Return the root of the tree, hashed anew from the tiles at its edge."""
        whole = Frontier()
        for level in reversed(range(len(self._levels))):
            for root in parse_tile(bytes(self._levels[level]), len(self._levels[level]) // HASH_SIZE):
                whole.append_subtree(8 * level, root)
        return whole.root()


def tile_root(raw: bytes) -> bytes:
    """Return the root over the hashes of a full tile: the hash that stands for it in the level above."""
    hashes = raw
    while len(hashes) > HASH_SIZE:
        hashes = level_above(hashes)
    return hashes

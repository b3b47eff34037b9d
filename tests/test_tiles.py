"""Tiles and bundles: their paths, what they hold, and that proofs come out of them at every size."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.tlog.errors import Malformed
from ledger.tlog.merkle import Frontier, check_consistency, check_inclusion, leaf_hash, root_of
from ledger.tlog.tiles import (
    ENTRIES,
    HashReader,
    Read,
    Tile,
    TileEdge,
    bundles_for_growth,
    entries_path,
    format_bundle,
    index_path,
    parse_bundle,
    parse_index_path,
    parse_path,
    parse_tile,
    tile_path,
    tile_root,
    tiles_for_growth,
    tiles_of,
)

MANY = tuple(leaf_hash(str(number).encode()) for number in range(70_000))


class Folder(dict[str, bytes]):
    """Published files, in memory; each is written once."""

    def publish(self, tiles: list[tuple[Tile, bytes]]) -> None:
        for tile, content in tiles:
            assert self.setdefault(tile.path, content) == content

    def read(self, path: str) -> bytes:
        if path not in self:
            raise FileNotFoundError(path)
        return self[path]


def published(size: int) -> Folder:
    folder = Folder()
    folder.publish(TileEdge().grow(MANY[:size]))
    return folder


# --- paths ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("tile/0/000", Tile(0, 0)),
        ("tile/0/000.p/1", Tile(0, 0, 1)),
        ("tile/0/999.p/255", Tile(0, 999, 255)),
        ("tile/1/x001/000", Tile(1, 1000)),
        ("tile/63/x001/x234/067", Tile(63, 1234067)),
        ("tile/0/x001/x234/067.p/8", Tile(0, 1234067, 8)),
        ("tile/entries/000", Tile(ENTRIES, 0)),
        ("tile/entries/x001/000.p/17", Tile(ENTRIES, 1000, 17)),
        (f"tile/0/{index_path(2**63 - 1)}", Tile(0, 2**63 - 1)),
    ],
)
def test_a_path_has_one_form(path: str, tile: Tile) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x1/000",
        "tile/0/x001/x000",
        "tile/0/X001/000",
        "tile/0/-01",
        "tile/0/٠٠٠",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/100/000",
        "tile/-1/000",
        "tile/8/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/1/",
        "tile/data/000",
        "tile/entries",
        "tile/entries/0",
        "tile/entries/000.p/256",
        "tile/0/000/../000",
        "tile/0/%30%30%30",
        "tile//000",
        f"tile/0/{index_path(2**63)}",
        "tile/0/" + "x001/" * 1000 + "000",
    ],
)
def test_a_path_in_any_other_form_is_refused(path: str) -> None:
    with pytest.raises(Malformed):
        parse_path(path)


@given(st.integers(-1, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_a_path_goes_there_and_back(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert parse_path(tile.path) == tile


@given(st.from_regex(r"\Atile/([0-9]{1,2}|entries)/(x[0-9]{1,3}/)*[0-9]{1,4}(\.p/[0-9]{1,3})?\Z"))
def test_what_is_parsed_is_written_the_same(path: str) -> None:
    try:
        tile = parse_path(path)
    except Malformed:
        return
    assert tile.path == path


@given(st.integers(0, 2**63 - 1))
def test_a_number_in_groups_goes_there_and_back(index: int) -> None:
    assert parse_index_path(index_path(index)) == index


@pytest.mark.parametrize("path", ["", "0", "x000/001", "1234", "x1/234", "000\n", "x001/234.p/1", index_path(2**63)])
def test_a_number_in_other_groups_is_refused(path: str) -> None:
    with pytest.raises(Malformed):
        parse_index_path(path)


def test_there_is_no_path_for_what_is_no_tile() -> None:
    for wrong in (
        lambda: tile_path(-1, 0),
        lambda: tile_path(64, 0),
        lambda: tile_path(0, -1),
        lambda: tile_path(0, 0, 0),
        lambda: tile_path(0, 0, 257),
        lambda: entries_path(-1),
        lambda: entries_path(0, 0),
    ):
        with pytest.raises(ValueError, match="no tile has"):
            wrong()


# --- which tiles there are --------------------------------------------------------------------------------


def test_the_tiles_of_seventy_thousand_entries() -> None:
    assert tiles_of(70_000) == [
        *(Tile(0, index) for index in range(273)),
        Tile(0, 273, 112),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        (0, 0, []),
        (5, 5, []),
        (0, 1, ["tile/0/000.p/1"]),
        (1, 3, ["tile/0/000.p/3"]),
        (255, 256, ["tile/0/000", "tile/1/000.p/1"]),
        (256, 257, ["tile/0/001.p/1"]),
        (250, 600, ["tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"]),
        (65_535, 65_536, ["tile/0/255", "tile/1/000", "tile/2/000.p/1"]),
    ],
)
def test_what_growth_writes(old: int, new: int, paths: list[str]) -> None:
    assert [tile.path for tile in tiles_for_growth(old, new)] == paths
    bundles = [path.replace("tile/0/", "tile/entries/") for path in paths if path.startswith("tile/0/")]
    assert [bundle.path for bundle in bundles_for_growth(old, new)] == bundles


def test_a_tree_does_not_shrink() -> None:
    for old, new in ((2, 1), (-1, 1)):
        with pytest.raises(ValueError, match="does not grow"):
            tiles_for_growth(old, new)


# --- bundles ----------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=40), max_size=256))
def test_a_bundle_goes_there_and_back(entries: list[bytes]) -> None:
    assert parse_bundle(format_bundle(entries), len(entries)) == entries


def test_the_largest_entry_fits_and_one_byte_more_does_not() -> None:
    largest = b"x" * 65_535
    assert parse_bundle(format_bundle([largest, b""]), 2) == [largest, b""]
    with pytest.raises(ValueError, match="65536 bytes"):
        format_bundle([largest + b"x"])
    with pytest.raises(ValueError, match="257 entries"):
        format_bundle([b""] * 257)


@pytest.mark.parametrize(
    ("raw", "width"),
    [
        (b"", 1),
        (b"\x00", 1),
        (b"\x00\x01", 1),
        (b"\x00\x01a", 2),
        (b"\x00\x01a", 0),
        (b"\x00\x01ab", 1),
        (b"\x00\x01a\x00", 1),
        (b"\x00\x01a\x00\x00", 1),
        (b"\x00\x02a", 1),
        (b"\xff\xff" + b"x" * 65_534, 1),
        (format_bundle([b"a"] * 255), 256),
        (format_bundle([b"a"] * 256) + b"\x00\x00", 256),
    ],
)
def test_a_bundle_with_a_short_long_or_extra_record_is_refused(raw: bytes, width: int) -> None:
    with pytest.raises(Malformed) as caught:
        parse_bundle(raw, width)
    assert caught.value.reason == "shape"


@given(st.binary(max_size=60), st.integers(1, 5))
def test_what_a_bundle_is_read_as_is_written_the_same(raw: bytes, width: int) -> None:
    try:
        entries = parse_bundle(raw, width)
    except Malformed:
        return
    assert len(entries) == width
    assert format_bundle(entries) == raw


# --- reading and writing tiles ----------------------------------------------------------------------------


def test_every_head_on_the_way_can_be_proven_from_the_files() -> None:
    """Given a log that grew in uneven steps; each published size gives root, inclusion and consistency."""
    steps = random.Random(6962)
    folder, edge, frontier = Folder(), TileEdge(), Frontier()
    heads = [(0, frontier.root())]
    while edge.size < len(MANY):
        old = edge.size
        batch = MANY[old : old + steps.choice([1, 2, 5, 100, 255, 256, 1000, 7000])]
        tiles = edge.grow(batch)
        assert [tile for tile, _ in tiles] == tiles_for_growth(old, edge.size)
        folder.publish(tiles)
        frontier.extend(batch)
        assert edge.root() == frontier.root()
        heads.append((edge.size, edge.root()))
    assert len(heads) > 30
    assert heads[-1][1] == root_of(MANY)
    for old, new in pairwise(heads):
        reader = HashReader(new[0], folder.read)
        assert reader.root() == new[1]
        assert reader.frontier().size == new[0]
        check_consistency(*old, *new, reader.consistency_proof(old[0]))
        early = steps.choice(heads)
        if early[0] <= new[0]:
            check_consistency(*early, *new, reader.consistency_proof(early[0]))
        for index in {0, new[0] - 1, old[0] - 1, steps.randrange(new[0])} - {-1}:
            check_inclusion(MANY[index], index, new[0], reader.inclusion_proof(index), new[1])
    for tile in tiles_of(edge.size):
        assert len(parse_tile(folder[tile.path], tile.width)) == tile.width


@settings(max_examples=25)
@given(st.lists(st.integers(0, 700), max_size=6), st.integers(0, 600))
def test_an_edge_that_is_loaded_goes_on_as_if_it_had_never_stopped(steps: list[int], more: int) -> None:
    folder, edge = Folder(), TileEdge()
    for step in steps:
        folder.publish(edge.grow(MANY[edge.size : edge.size + step]))
    loaded = TileEdge.load(edge.size, folder.read)
    assert (loaded.size, loaded.root()) == (edge.size, edge.root())
    assert loaded.grow(MANY[edge.size : edge.size + more]) == edge.grow(MANY[edge.size : edge.size + more])


def test_an_edge_is_loaded_at_each_turn_of_a_level() -> None:
    for size in (0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000):
        loaded = TileEdge.load(size, published(size).read)
        assert loaded.root() == root_of(MANY[:size])
        assert loaded.grow([]) == []


def test_a_partial_tile_that_was_taken_away_is_cut_from_the_full_one() -> None:
    folder = published(300)
    folder.publish(TileEdge().grow(MANY[:600]))
    del folder["tile/0/001.p/44"]
    reader = HashReader(300, folder.read)
    assert reader.root() == root_of(MANY[:300])
    check_inclusion(MANY[299], 299, 300, reader.inclusion_proof(299), reader.root())


def test_only_as_many_tiles_are_kept_as_allowed() -> None:
    folder = published(70_000)
    asked: list[str] = []

    def read(path: str) -> bytes:
        asked.append(path)
        return folder[path]

    generous, miserly = HashReader(70_000, read), HashReader(70_000, read, keep=1)
    generous.inclusion_proof(5)
    first = len(asked)
    assert generous.inclusion_proof(6)
    assert len(asked) == first == len(set(asked))
    for index in (5, 65_535, 5):
        assert miserly.inclusion_proof(index) == generous.inclusion_proof(index)
    assert asked.count("tile/0/000") == 3


def test_a_wrong_tile_is_not_read_as_a_tile() -> None:
    for content in (b"", b"x" * 31, b"x" * 32 * 3, b"x" * 32 * 5):
        reader = HashReader(4, {"tile/0/000.p/4": content}.__getitem__)
        with pytest.raises(Malformed) as caught:
            reader.root()
        assert caught.value.reason == "shape"
        assert "tile/0/000.p/4" in str(caught.value)
    with pytest.raises(Malformed):
        parse_tile(b"x" * 33, 1)


def test_a_missing_tile_is_named() -> None:
    folder = published(300)
    full = folder.pop("tile/0/000")
    with pytest.raises(FileNotFoundError, match="tile/0/000"):
        HashReader(300, folder.read).inclusion_proof(5)
    folder["tile/0/000"] = full
    del folder["tile/0/001.p/44"]
    with pytest.raises(FileNotFoundError, match="tile/0/001"):
        HashReader(300, folder.read).root()


def test_a_reader_gives_no_subtree_that_is_not_complete() -> None:
    read: Read = published(300).read
    reader = HashReader(300, read)
    assert reader(8, 0) == root_of(MANY[:256]) == tile_root(read("tile/0/000"))
    for level, index in ((0, 300), (8, 1), (9, 0), (-1, 0), (0, -1), (70, 0)):
        with pytest.raises(ValueError, match="no complete subtree"):
            reader(level, index)


def test_only_hashes_are_taken() -> None:
    edge = TileEdge()
    with pytest.raises(ValueError, match="32 bytes"):
        edge.grow([MANY[0], b"x"])
    assert edge.size == 0

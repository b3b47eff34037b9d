"""The Merkle tree: public roots and proofs, every small tree, and every way to bend a proof."""

import json
from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_log import LEAVES, subtree

from ledger.tlog.errors import Unverified
from ledger.tlog.merkle import (
    EMPTY_ROOT,
    Frontier,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_hash,
    root_of,
)

MANY = tuple(leaf_hash(str(number).encode()) for number in range(70))


def defined_root(leaves: Sequence[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


def defined_subtree(level: int, index: int) -> bytes:
    leaves = MANY[index << level : (index + 1) << level]
    assert len(leaves) == 1 << level
    return defined_root(leaves)


ROOTS = [defined_root(MANY[:size]) for size in range(len(MANY) + 1)]


def refused(*case: Any) -> bool:
    """Say whether a proof (of inclusion with 5 arguments, of consistency with 5 too) is refused."""
    check = check_inclusion if isinstance(case[0], bytes) else check_consistency
    try:
        check(*case)
    except Unverified as error:
        return error.reason == "inconsistent"
    return False


# --- roots ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "beginning"),
    [
        (0, "e3b0c442"),
        (1, "6e340b9c"),
        (2, "fac54203"),
        (3, "aeb6bcfe"),
        (4, "d37ee418"),
        (5, "4e3bbb1f"),
        (6, "76e67dad"),
        (7, "ddb89be4"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ],
)
def test_the_roots_of_the_reference_tree(size: int, beginning: str) -> None:
    assert root_of(LEAVES[:size]).hex().startswith(beginning)


def test_the_root_of_nothing() -> None:
    assert b64decode("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=") == EMPTY_ROOT == root_of([])


def test_leaf_and_node_cannot_be_mixed_up() -> None:
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])


def test_roots_are_those_of_the_definition() -> None:
    assert [root_of(MANY[:size]) for size in range(len(MANY) + 1)] == ROOTS
    assert root_of(iter(MANY)) == ROOTS[-1]


# --- the frontier -----------------------------------------------------------------------------------------


def test_a_frontier_knows_each_root_on_its_way() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(MANY):
        assert (frontier.size, frontier.root()) == (size, ROOTS[size])
        frontier.append(leaf)
    assert frontier.root() == ROOTS[-1]


@given(st.integers(0, 70), st.integers(0, 70))
def test_a_stored_frontier_goes_on_as_if_it_had_never_stopped(first: int, second: int) -> None:
    first, second = sorted((first, second))
    before = Frontier()
    before.extend(MANY[:first])
    after = Frontier(before.size, before.hashes)
    after.extend(MANY[first:second])
    assert (after.size, after.root()) == (second, ROOTS[second])
    assert Frontier.at(second, defined_subtree).hashes == after.hashes
    assert before.root() == ROOTS[first]


def test_a_copy_grows_on_its_own() -> None:
    frontier = Frontier(2, (defined_subtree(1, 0),))
    copy = frontier.copy()
    copy.append(MANY[2])
    assert (frontier.root(), copy.root()) == (ROOTS[2], ROOTS[3])


def test_parts_hashed_apart_come_together() -> None:
    frontier = Frontier()
    for index in range(4):
        frontier.append_subtree(4, root_of(MANY[16 * index : 16 * (index + 1)]))
    frontier.append_subtree(2, root_of(MANY[64:68]))
    frontier.extend(MANY[68:])
    assert (frontier.size, frontier.root()) == (70, ROOTS[70])


def test_a_frontier_takes_only_what_fits() -> None:
    frontier = Frontier()
    frontier.extend(MANY[:6])
    for wrong in (
        lambda: frontier.append_subtree(2, MANY[0]),
        lambda: frontier.append(MANY[0][:31]),
        lambda: frontier.extend([MANY[6], b""]),
        lambda: Frontier(6, frontier.hashes),
        lambda: Frontier(7, ()),
        lambda: Frontier(-1, ()),
        lambda: Frontier(1, (b"",)),
    ):
        with pytest.raises(ValueError, match=r"hash|subtree"):
            wrong()
    # What was good before the bad one was taken, and the frontier is still a whole one.
    assert (frontier.size, frontier.root()) == (7, ROOTS[7])


# --- public proofs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def public_proofs(shared_vectors: Path) -> Any:
    return json.loads((shared_vectors / "rfc6962" / "proofs.json").read_text())


def test_the_public_inclusion_proofs(public_proofs: Any) -> None:
    cases = public_proofs["inclusion"]
    assert len(cases) == 5
    for case in cases:
        proof = tuple(b64decode(each) for each in case["proof"] or ())
        leaf, index, size = b64decode(case["leafHash"]), case["leafIdx"], case["treeSize"]
        check_inclusion(leaf, index, size, proof, b64decode(case["root"]))
        if size == 8:
            assert inclusion_proof(index, size, subtree) == proof


def test_the_public_consistency_proofs(public_proofs: Any) -> None:
    cases = public_proofs["consistency"]
    assert len(cases) == 5
    for case in cases:
        proof = tuple(b64decode(each) for each in case["proof"] or ())
        old, new = b64decode(case["root1"]), b64decode(case["root2"])
        check_consistency(case["size1"], old, case["size2"], new, proof)
        assert consistency_proof(case["size1"], case["size2"], subtree) == proof


# --- every small tree -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(1, 40))
def test_each_leaf_is_in_each_tree(size: int) -> None:
    for index in range(size):
        proof = inclusion_proof(index, size, defined_subtree)
        check_inclusion(MANY[index], index, size, proof, ROOTS[size])
        assert len(proof) <= size.bit_length()
        for other in range(size + 2):
            assert refused(MANY[index], other, size, proof, ROOTS[size]) == (other != index)


@pytest.mark.parametrize("size", range(40))
def test_each_tree_is_the_beginning_of_each_larger_one(size: int) -> None:
    for old in range(size + 1):
        proof = consistency_proof(old, size, defined_subtree)
        check_consistency(old, ROOTS[old], size, ROOTS[size], proof)
        if old not in (0, size):
            assert refused(old, ROOTS[old + 1], size, ROOTS[size], proof)
            assert refused(old, ROOTS[old], size, ROOTS[size - 1], proof)


def _bent(proof: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    """Every proof with one hash left out, doubled, flipped, cut, added, or two neighbours swapped."""
    flipped = [bytes([each[0] ^ 1]) + each[1:] for each in proof]
    bent = [proof[:at] + proof[at + 1 :] for at in range(len(proof))]
    bent += [(*proof[:at], proof[at], *proof[at:]) for at in range(len(proof))]
    bent += [(*proof[:at], flipped[at], *proof[at + 1 :]) for at in range(len(proof))]
    bent += [(*proof[:at], proof[at][:31], *proof[at + 1 :]) for at in range(len(proof))]
    bent += [(*proof[:at], proof[at + 1], proof[at], *proof[at + 2 :]) for at in range(len(proof) - 1)]
    return [*bent, (*proof, MANY[0]), (MANY[0], *proof)]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8, 11, 16, 33])
def test_a_bent_proof_is_refused(size: int) -> None:
    for index in range(size):
        for proof in _bent(inclusion_proof(index, size, defined_subtree)):
            assert refused(MANY[index], index, size, proof, ROOTS[size])
    for old in range(1, size + 1):
        for proof in _bent(consistency_proof(old, size, defined_subtree)):
            assert refused(old, ROOTS[old], size, ROOTS[size], proof)


def test_what_is_no_proof_at_all() -> None:
    leaf, root = MANY[0], MANY[0]
    assert not refused(leaf, 0, 1, (), root)
    assert refused(leaf, 0, 0, (), EMPTY_ROOT)
    assert refused(leaf, -1, 1, (), root)
    assert refused(leaf, 1, 1, (), root)
    assert refused(leaf[:31], 0, 1, (), leaf[:31])
    assert refused(leaf, 0, 1, (), MANY[1])
    # The log grows, and only grows.
    assert not refused(0, EMPTY_ROOT, 0, EMPTY_ROOT, ())
    assert not refused(0, EMPTY_ROOT, 5, ROOTS[5], ())
    assert refused(0, ROOTS[1], 5, ROOTS[5], ())
    assert refused(0, EMPTY_ROOT, 5, ROOTS[5], (MANY[0],))
    assert refused(0, ROOTS[1], 0, ROOTS[1], ())
    assert refused(5, ROOTS[5], 5, ROOTS[6], ())
    assert refused(5, ROOTS[5], 5, ROOTS[5], (MANY[0],))
    assert refused(5, ROOTS[5], 4, ROOTS[4], ())
    assert refused(-1, EMPTY_ROOT, 5, ROOTS[5], ())
    assert refused(4, ROOTS[4], 5, ROOTS[5], ())
    # Equal roots of equal sizes, but too short for hashes: some libraries forget to look.
    assert refused(5, ROOTS[5][:12], 5, ROOTS[5][:12], ())


def test_there_is_no_proof_of_what_is_not() -> None:
    for wrong in (
        lambda: inclusion_proof(5, 5, defined_subtree),
        lambda: inclusion_proof(-1, 5, defined_subtree),
        lambda: consistency_proof(6, 5, defined_subtree),
        lambda: consistency_proof(-1, 5, defined_subtree),
    ):
        with pytest.raises(ValueError, match="tree of"):
            wrong()


@given(st.data())
def test_a_node_is_the_root_over_its_leaves(data: st.DataObject) -> None:
    level = data.draw(st.integers(0, 6))
    begin = data.draw(st.integers(0, (70 - 1) >> level)) << level
    end = data.draw(st.integers(begin + 1, min(70, begin + (1 << level))))
    assert range_hash(begin, end, defined_subtree) == defined_root(MANY[begin:end])

"""The Merkle tree: roots, and proofs that an entry is in it and that it has only grown.

Spec: RFC 6962, section 2.1 (RFC 9162, section 2.1, says the same)

    leaf  = SHA-256(0x00 ‖ entry)
    node  = SHA-256(0x01 ‖ left ‖ right)

A tree of n leaves is split at the largest power of two below n. Of one leaf the root is the leaf hash; of
none it is SHA-256 of nothing. A subtree (level, index) is the complete one over the leaves from
index·2^level on, 2^level of them. The tree of the three entries "", 00 and 10 has the root aeb6bcfe:

                     (0..2)
                    /      \\
       subtree (1,0)        leaf 2 = subtree (0,2)
        /       \\
    leaf 0     leaf 1

>>> leaves = [leaf_hash(entry) for entry in (b"", b"\\x00", b"\\x10")]
>>> root_of(leaves).hex()[:8]
'aeb6bcfe'
>>> subtree = lambda level, index: leaves[index] if level == 0 else node_hash(*leaves[:2])
>>> path = inclusion_proof(2, 3, subtree)
>>> check_inclusion(leaves[2], 2, 3, path, root_of(leaves))

Proofs are made from complete subtrees alone, which a callback gives (`ledger.tlog.tiles.HashReader` reads
them from tiles). Checks raise Unverified (inconsistent); they do not answer True.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from ledger.tlog.errors import Unverified

HASH_SIZE = 32

EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves."""

Subtree = Callable[[int, int], bytes]
"""Gives the root of the complete subtree (level, index)."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf from the bytes of its entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node from those of its two children."""
    return sha256(b"\x01" + left + right).digest()


def level_above(hashes: bytes) -> bytes:
    """Hash each pair of neighbours: from hashes side by side, an even number, to half as many."""
    return b"".join([sha256(b"\x01" + hashes[at : at + 64]).digest() for at in range(0, len(hashes), 64)])


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Compute the root of a tree anew from all its leaf hashes; a stream of any length will do."""
    frontier = Frontier()
    frontier.extend(leaf_hashes)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: all that is needed to append to it and to know its root.

    It holds the roots of the complete subtrees that the tree falls into, largest first, one for each bit
    of its size; so it is small, and `size` and `hashes` are all there is to store.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Begin empty, or go on from a stored `size` and `hashes`; ValueError if these do not fit."""
        if size < 0 or len(hashes) != size.bit_count() or any(len(each) != HASH_SIZE for each in hashes):
            raise ValueError(f"{len(hashes)} subtree hashes do not make a tree of {size} leaves")
        self._size = size
        self._hashes = list(hashes)

    @classmethod
    def at(cls, size: int, subtree: Subtree) -> "Frontier":
        """Read the frontier of a tree of `size` leaves from its complete subtrees."""
        return cls(size, [subtree(level, index) for level, index in _complete(0, size)])

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees, from the left, largest first."""
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash of 32 bytes."""
        self.append_subtree(0, leaf)

    def append_subtree(self, level: int, root: bytes) -> None:
        """Add 2^level leaves at once, by the root of their complete subtree.

        The size must be a multiple of 2^level. Parts of a tree that were hashed apart, in two processes,
        come together here.
        """
        if len(root) != HASH_SIZE:
            raise ValueError(f"a hash has {HASH_SIZE} bytes, this one {len(root)}")
        if self._size & ((1 << level) - 1):
            raise ValueError(f"a subtree of level {level} does not fit on a tree of {self._size} leaves")
        hashes = self._hashes
        # Each trailing 1 bit of the size is a complete subtree that now gets its right half.
        position = self._size >> level
        while position & 1:
            root = sha256(b"\x01" + hashes.pop() + root).digest()
            position >>= 1
        hashes.append(root)
        self._size += 1 << level

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add many leaf hashes, 32 bytes each."""
        hashes = self._hashes
        position = self._size
        for root in leaf_hashes:
            if len(root) != HASH_SIZE:
                self._size = position
                raise ValueError(f"a hash has {HASH_SIZE} bytes, this one {len(root)}")
            bits = position
            while bits & 1:
                root = sha256(b"\x01" + hashes.pop() + root).digest()
                bits >>= 1
            hashes.append(root)
            position += 1
        self._size = position

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        return _joined(self._hashes)

    def copy(self) -> "Frontier":
        """Return a frontier that grows on its own from here."""
        return Frontier(self._size, self._hashes)


# --- making proofs -------------------------------------------------------------------------------------


def range_hash(begin: int, end: int, subtree: Subtree) -> bytes:
    """Return the hash of the node over the leaves begin..end-1, as it stands in some tree.

    `begin` is a multiple of a power of two that is at least end − begin; so is that of every node.
    """
    return _joined([subtree(level, index) for level, index in _complete(begin, end)])


def inclusion_proof(index: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Return the hashes that lead from leaf `index` to the root of the tree of `size` leaves, leaf end first.

    ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    return tuple(range_hash(begin, end, subtree) for begin, end in reversed(_siblings(index, size)))


def consistency_proof(old_size: int, new_size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Return the hashes that show the tree of `old_size` leaves to be the beginning of that of `new_size`.

    Empty when the sizes are equal or the old one is 0. ValueError unless 0 <= old_size <= new_size.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a tree of {old_size} leaves does not grow to {new_size}")
    if old_size in (0, new_size):
        return ()
    # RFC 6962, section 2.1.2, from the root down to the node that ends where the old tree ended.
    begin, end = 0, new_size
    ranges: list[tuple[int, int]] = []
    while end != old_size:
        middle = begin + (1 << (end - begin - 1).bit_length() - 1)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    # That node is the whole old tree when its size is a power of two: its root the reader has already.
    if begin:
        ranges.append((begin, old_size))
    return tuple(range_hash(first, last, subtree) for first, last in reversed(ranges))


def _siblings(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves beside the path from the root down to leaf `index`, root end first."""
    begin, end = 0, size
    ranges: list[tuple[int, int]] = []
    while end - begin > 1:
        middle = begin + (1 << (end - begin - 1).bit_length() - 1)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return ranges


def _complete(begin: int, end: int) -> list[tuple[int, int]]:
    """The complete subtrees (level, index), largest first, that a node's leaves begin..end-1 fall into."""
    subtrees: list[tuple[int, int]] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        subtrees.append((level, begin >> level))
        begin += 1 << level
    return subtrees


def _joined(hashes: Sequence[bytes]) -> bytes:
    """The root over neighbouring complete subtrees, largest first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in hashes[-2::-1]:
        root = sha256(b"\x01" + left + root).digest()
    return root


# --- checking proofs -----------------------------------------------------------------------------------


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise Unverified (inconsistent) unless `proof` leads from the leaf hash at `index` to the root."""
    _check_lengths((leaf, root, *proof))
    if not 0 <= index < size:
        raise Unverified("inconsistent", f"no leaf {index} in a tree of {size}")
    # RFC 9162, section 2.1.3.2.
    first, second = index, size - 1
    computed = leaf
    for sibling in proof:
        if second == 0:
            raise Unverified("inconsistent", "the inclusion proof is too long")
        if first & 1 or first == second:
            computed = node_hash(sibling, computed)
            while first and not first & 1:
                first >>= 1
                second >>= 1
        else:
            computed = node_hash(computed, sibling)
        first >>= 1
        second >>= 1
    if second:
        raise Unverified("inconsistent", "the inclusion proof is too short")
    if computed != root:
        raise Unverified("inconsistent", f"the proof of leaf {index} does not lead to the root")


def check_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise Unverified (inconsistent) unless the new tree is the old one, grown."""
    _check_lengths((old_root, new_root, *proof))
    if not 0 <= old_size <= new_size:
        raise Unverified("inconsistent", f"a tree of {old_size} leaves does not grow to {new_size}")
    if old_size in (0, new_size):
        if proof:
            raise Unverified("inconsistent", "a consistency proof where none is needed")
        if old_size == new_size and old_root != new_root:
            raise Unverified("inconsistent", f"two roots for one size of {new_size}")
        if 0 in (old_size, new_size) and old_root != EMPTY_ROOT:
            raise Unverified("inconsistent", "not the root of the empty tree")
        return
    if not proof:
        raise Unverified("inconsistent", "the consistency proof is too short")
    # RFC 9162, section 2.1.4.2.
    path = (old_root, *proof) if old_size & (old_size - 1) == 0 else tuple(proof)
    first, second = old_size - 1, new_size - 1
    while first & 1:
        first >>= 1
        second >>= 1
    old = new = path[0]
    for sibling in path[1:]:
        if second == 0:
            raise Unverified("inconsistent", "the consistency proof is too long")
        if first & 1 or first == second:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while first and not first & 1:
                first >>= 1
                second >>= 1
        else:
            new = node_hash(new, sibling)
        first >>= 1
        second >>= 1
    if second:
        raise Unverified("inconsistent", "the consistency proof is too short")
    if old != old_root or new != new_root:
        which = "old" if old != old_root else "new"
        raise Unverified("inconsistent", f"the proof from {old_size} to {new_size} misses the {which} root")


def _check_lengths(hashes: Iterable[bytes]) -> None:
    if any(len(each) != HASH_SIZE for each in hashes):
        raise Unverified("inconsistent", f"a hash that has not {HASH_SIZE} bytes")

"""A C2SP log that is nothing of ours: it grows in memory, asks witnesses, and may be told to lie.

log = GrowingLog("registro.example/otro", "a seed")
log.grow(10)
body = log.request(4, 10)                      what it posts to a witness
lie = log.forked(7)                            the same log, signed by the same key, with another entry 7
"""

from nacl.signing import SigningKey

from ledger.tlog.checkpoint import Checkpoint, sign_checkpoint
from ledger.tlog.merkle import consistency_proof, leaf_hash, root_of
from ledger.tlog.note import ED25519, format_vkey
from ledger.tlog.witness import AddCheckpoint, format_add_checkpoint


class GrowingLog:
    """Entries, a key, and what is asked of a witness."""

    def __init__(self, origin: str, seed: str, entries: int = 0) -> None:
        self.origin = origin
        self.seed = seed
        self.key = SigningKey(seed.encode().ljust(32, b".")[:32])
        self.vkey = format_vkey(origin, ED25519, bytes(self.key.verify_key))
        self.entries: list[bytes] = []
        self.grow(entries)

    def grow(self, count: int) -> None:
        """Append so many entries."""
        self.entries += [b"entry %d" % (len(self.entries) + number) for number in range(count)]

    def forked(self, at: int) -> "GrowingLog":
        """The same log with another entry there."""
        other = GrowingLog(self.origin, self.seed)
        other.entries = [*self.entries[:at], b"another", *self.entries[at + 1 :]]
        return other

    def head(self, size: int) -> Checkpoint:
        """Its head at a size."""
        return Checkpoint(self.origin, size, root_of([leaf_hash(entry) for entry in self.entries[:size]]))

    def checkpoint(self, size: int) -> bytes:
        """The head, signed."""
        return sign_checkpoint(self.head(size), self.key)

    def proof(self, old: int, size: int) -> tuple[bytes, ...]:
        """That the one is the beginning of the other."""

        def subtree(level: int, index: int) -> bytes:
            return root_of([leaf_hash(entry) for entry in self.entries[index << level : (index + 1) << level]])

        return consistency_proof(old, size, subtree)

    def request(self, old: int, size: int, proof: tuple[bytes, ...] | None = None) -> bytes:
        """What is posted to a witness that has cosigned `old`; another proof if one is given."""
        return format_add_checkpoint(
            AddCheckpoint(old, self.proof(old, size) if proof is None else proof, self.checkpoint(size))
        )

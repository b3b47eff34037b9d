"""The log's signing keys that its writer has at hand: the one in force and, around a rotation, the next.

    keys = OwnKeys(origin, [log_key, next_key])
    note = keys.sign(checkpoint, named, start)        a head, by the key in force at its size

Which key is in force is the ledger's word, not the operator's: `ledger.roster.LogKeys`, a fold of LedgerOpened and
LogKeyRotated. A head that covers a rotation is signed by the new key; the first that does so also bears a line of the
old one, where that is still at hand, and before the other: so whoever pinned either key can follow.
"""

from collections.abc import Sequence

from nacl.signing import SigningKey

from ledger.errors import CannotRun
from ledger.roster import LogKeys
from ledger.tlog.checkpoint import Checkpoint, sign_checkpoint
from ledger.tlog.note import ED25519, Verifier, format_vkey, parse_vkey


class OwnKeys:
    """Signing keys of one log, the one that it was given first before all others."""

    def __init__(self, origin: str, keys: Sequence[SigningKey]) -> None:
        self.origin = origin
        self._keys = {bytes(key.verify_key).hex(): key for key in keys}

    def __contains__(self, public: str) -> bool:
        return public in self._keys

    def vkey(self, public: str) -> str:
        """A public key (64 hex digits) of this log as a vkey."""
        return format_vkey(self.origin, ED25519, bytes.fromhex(public))

    def verifiers(self, named: Sequence[str]) -> list[Verifier]:
        """Of the keys at hand and those that the ledger names."""
        return [parse_vkey(self.vkey(public)) for public in dict.fromkeys([*self._keys, *named])]

    def at(self, named: LogKeys, size: int) -> str:
        """The public key at hand that is in force for heads of `size` entries. Raises CannotRun.

        Before the founding, which will name it: the first key that was given.
        """
        in_force = named.at(size)
        found = next((public for public in self._keys if public in in_force or not in_force), None)
        if found is None:
            raise self._not_at_hand(named, size)
        return found

    def signable(self, named: LogKeys, size: int) -> int:
        """The next size, from `size` on, at which the key in force is at hand: a lost key's turn is passed over."""
        for rotation in named.rotations:
            if rotation.index >= size and named.at(size).isdisjoint(self._keys):
                size = rotation.index + 1
        return size

    def sign(self, checkpoint: Checkpoint, named: LogKeys, start: int) -> bytes:
        """Sign a head that follows one of `start` entries (0: it is the first). Raises CannotRun."""
        signers = [each.old for each in named.rotations if start <= each.index < checkpoint.size]
        signers.append(self.at(named, checkpoint.size))
        return sign_checkpoint(checkpoint, *[self._keys[each] for each in dict.fromkeys(signers) if each in self._keys])

    def _not_at_hand(self, named: LogKeys, size: int) -> CannotRun:
        wanted = ", ".join(map(self.vkey, sorted(named.at(size))))
        since = next((each.index for each in reversed(named.rotations) if each.index < size), 0)
        return CannotRun(
            f"La llave dada no es la del registro {self.origin}, que desde el asiento {since} es {wanted}.",
            f"The key given is not the log key of {self.origin}, which since entry {since} is {wanted}.",
            "Ponga esa llave en keys/log; está en una copia de respaldo, o la tiene quien hizo la rotación.",
            "Put that key into keys/log; a backup has it, or whoever made the rotation.",
        )

"""The keys of the vault: one for each content, in a file of its own beside the vault.

Who destroys a key destroys its text wherever copies of the vault lie, so that erasing reaches the backups. That is why
the keys are not in the vault: of it there may be as many copies as one likes, of the keys only the newest one.

    vault.keys    header   "constancia vault keys/1\\n", zeros, the number of wipings (8 bytes, big-endian): 64 bytes
                  records  name ‖ key, 64 bytes each          name = SHA-256(statement ‖ salted digest), both 32 bytes

A record is appended and synced before the vault speaks of it; it is never moved, and a key is used for one content
alone. Wiping writes zeros in the place of the key and leaves the name. No journal, no free pages: what is wiped is in
no other place of this file. A torn last record was never used, and the next one is written over it.

    sealed = nonce (24) ‖ XChaCha20-Poly1305(key, salt ‖ content; bound to the record's name)

<https://doc.libsodium.org/secret-key_cryptography/aead/chacha20-poly1305/xchacha20-poly1305_construction>
"""

import errno
import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from typing import Self

import msgspec
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as _decrypt
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as _encrypt
from nacl.exceptions import CryptoError

from ledger.errors import CannotRun, reason

RECORD = 64
KEY_BYTES = 32
NONCE_BYTES = 24
SALT_BYTES = 32

_MAGIC = b"constancia vault keys/1\n"
_COUNTER = 8
_WIPED = bytes(KEY_BYTES)
_CHUNK = 4_096  # records read at once when all are looked at


class Record(msgspec.Struct, frozen=True):
    """One record: its number, whose key it is, and whether that is wiped."""

    slot: int
    name: bytes
    wiped: bool


def name_of(statement: bytes, digest: bytes) -> bytes:
    """The name under which the key of a content is kept; both arguments are 32 bytes."""
    return sha256(statement + digest).digest()


def seal(key: bytes, name: bytes, salt: bytes, content: bytes) -> bytes:
    """Salt and content as they lie in the vault."""
    nonce = token_bytes(NONCE_BYTES)
    return nonce + _encrypt(salt + content, name, nonce, key)


def unseal(key: bytes, name: bytes, sealed: bytes) -> tuple[bytes, bytes]:
    """Salt and content. Raises CannotRun when this is not the key, or the bytes were changed."""
    try:
        opened = _decrypt(sealed[NONCE_BYTES:], name, sealed[:NONCE_BYTES], key)
    except CryptoError:
        raise CannotRun(
            "La bóveda y sus llaves no van juntas, o algo cambió sus bytes.",
            "The vault and its keys do not belong together, or something changed their bytes.",
            "Recupere `vault.db` de una copia, y `vault.keys` solo de la más nueva.",
            "Restore `vault.db` from a copy, and `vault.keys` only from the newest one.",
        ) from None
    return opened[:SALT_BYTES], opened[SALT_BYTES:]


class Keys:
    """The file of keys. Any thread may read; who writes sees to it that nobody else does.

    Every method raises CannotRun when the file cannot be read or written; after a failed write, what is on the disk
    is not known, and the caller stops.
    """

    def __init__(self, path: Path, handle: int) -> None:
        """Use `Keys.open`."""
        self.path = path
        self._handle = handle

    @classmethod
    def open(cls, path: Path, *, create: bool) -> Self:
        """Open the keys at `path`; with `create`, make the file when it is missing. Raises CannotRun."""
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)
        except OSError as error:
            if create or error.errno != errno.ENOENT:
                raise _unusable(path, error) from error
            raise CannotRun(
                f"{path}: faltan las llaves de la bóveda.",
                f"{path}: the keys of the vault are missing.",
                "Recupérelas de su copia más nueva: sin ellas no se puede leer lo que la gente escribió.",
                "Restore them from their newest copy: without them nobody can read what people wrote.",
            ) from None
        keys = cls(path, handle)
        try:
            if os.fstat(handle).st_size < RECORD and create:
                # Killed in here: the header is written again, for nothing can follow it yet.
                keys._put(0, _MAGIC.ljust(RECORD, b"\0"))
                keys._sync(whole=True)
                _sync_folder(path)
            if os.pread(handle, len(_MAGIC), 0) != _MAGIC:
                raise CannotRun(
                    f"{path}: estas no son las llaves de una bóveda.",
                    f"{path}: these are not the keys of a vault.",
                    "Recupérelas de su copia más nueva.",
                    "Restore them from their newest copy.",
                )
        except OSError as error:
            keys.close()
            raise _unusable(path, error) from error
        except BaseException:
            keys.close()
            raise
        return keys

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    # --- reading

    @property
    def count(self) -> int:
        """How many whole records there are."""
        try:
            return os.fstat(self._handle).st_size // RECORD - 1
        except OSError as error:
            raise _unusable(self.path, error) from error

    @property
    def wipings(self) -> int:
        """How often something was wiped here: a copy that says less is older."""
        return int.from_bytes(self._read(RECORD - _COUNTER, _COUNTER))

    def key(self, slot: int, name: bytes) -> bytes | None:
        """The key of a record; None once it is wiped. Raises CannotRun for a record of another name."""
        raw = self._read(RECORD * (slot + 1), RECORD)
        if len(raw) < RECORD or raw[:KEY_BYTES] != name:
            raise CannotRun(
                f"{self.path}: la llave {slot} no es la que la bóveda espera.",
                f"{self.path}: key {slot} is not the one that the vault expects.",
                "Recupere `vault.keys` de su copia más nueva.",
                "Restore `vault.keys` from its newest copy.",
            )
        return None if raw[KEY_BYTES:] == _WIPED else raw[KEY_BYTES:]

    def records(self, start: int = 0) -> Iterator[Record]:
        """The records from number `start` on, in order."""
        for first in range(start, self.count, _CHUNK):
            raw = self._read(RECORD * (first + 1), RECORD * _CHUNK)
            for at in range(0, len(raw) - RECORD + 1, RECORD):
                key = raw[at + KEY_BYTES : at + RECORD]
                yield Record(first + at // RECORD, raw[at : at + KEY_BYTES], key == _WIPED)

    def _read(self, at: int, length: int) -> bytes:
        try:
            return os.pread(self._handle, length, at)
        except OSError as error:
            raise _unusable(self.path, error) from error

    # --- writing

    def append(self, names: Sequence[bytes]) -> tuple[int, list[bytes]]:
        """New keys under these names, durable on return: the number of the first, and the keys."""
        first = self.count
        keys = [token_bytes(KEY_BYTES) for _ in names]
        try:
            self._put(RECORD * (first + 1), b"".join([name + key for name, key in zip(names, keys, strict=True)]))
            self._sync()
        except OSError as error:
            raise _unusable(self.path, error) from error
        return first, keys

    def wipe(self, slots: Sequence[int]) -> None:
        """Destroy these keys, durably on return. Again is no harm."""
        try:
            for slot in slots:
                self._put(RECORD * (slot + 1) + KEY_BYTES, _WIPED)
            self._put(RECORD - _COUNTER, (self.wipings + 1).to_bytes(_COUNTER))
            self._sync()
        except OSError as error:
            raise _unusable(self.path, error) from error

    def _put(self, at: int, content: bytes) -> None:
        written = 0
        while written < len(content):
            written += os.pwrite(self._handle, content[written:], at + written)

    def _sync(self, *, whole: bool = False) -> None:
        (os.fsync if whole else os.fdatasync)(self._handle)


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unusable(path: Path, error: OSError) -> CannotRun:
    why = reason(error)
    return CannotRun(
        f"No se pueden usar las llaves de la bóveda {path}: {why[0]}.",
        f"{path}: the keys of the vault cannot be used: {why[1]}.",
        "Revise el disco y quién puede escribir ahí.",
        "Look at the disk and at who may write there.",
    )

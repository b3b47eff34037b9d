"""Cosignatures: a witness's word that a checkpoint is the largest consistent tree it has seen of a log.

Spec: c2sp.org/tlog-cosignature

A cosignature is a line under a checkpoint. After the key id come the time, as POSIX seconds in 8 bytes, big
endian, and the signature:

    — witness.example/w1 IDJKvgAAAABlU/EADY8BdtnjWDfK8QZ3d8HqP5HpO+qPw+rsaxTp35CgwOEKnKiLB902WTReJr+VpY14BfLRu7MBnQ16PMaR9ZO/BQ==

A witness with an Ed25519 key (type 0x04) signs a header, the time, and the text of the checkpoint:

    cosignature/v1
    time 1700000000
    ledger.example/prueba
    8
    XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

One with an ML-DSA-44 key (type 0x06) signs a structure that names the witness too (`subtree_message`); here
it is only read. Either form starts with bytes that no statement and no checkpoint of a log starts with.

>>> from nacl.signing import SigningKey
>>> text = b"ledger.example/prueba\\n8\\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\\n"
>>> line = cosign("witness.example/w1", SigningKey(bytes(range(32, 64))), text, 1700000000)
>>> from ledger.tlog.note import parse_vkey
>>> witness = parse_vkey("witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X")
>>> verify_cosignature(witness, text, line)
1700000000
"""  # noqa: E501 (a signature line has the length it has)

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from nacl.signing import SigningKey

from ledger.tlog.checkpoint import Checkpoint, parse_checkpoint_text
from ledger.tlog.errors import Unverified
from ledger.tlog.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    SignatureLine,
    Verifier,
    check_name,
    key_id,
    verify_ed25519,
)

_MAX_TIME = 2**63 - 1


def cosigned_message(text: bytes, time: int) -> bytes:
    """Return what an Ed25519 witness signs for the text of a checkpoint at a time in POSIX seconds."""
    return b"cosignature/v1\ntime %d\n%b" % (time, text)


def subtree_message(cosigner: str, checkpoint: Checkpoint, time: int) -> bytes:
    """Return what an ML-DSA-44 witness signs. ValueError for names over 255 bytes, which it cannot hold."""
    parts = [b"subtree/v1\n\x00"]
    name, origin = cosigner.encode(), checkpoint.origin.encode()
    if len(name) > 255 or len(origin) > 255:
        raise ValueError("a subtree cosignature holds names of at most 255 bytes")
    parts += [bytes([len(name)]), name, time.to_bytes(8, "big"), bytes([len(origin)]), origin]
    # The subtree that is signed is the whole tree, from its first leaf on.
    parts += [bytes(8), checkpoint.size.to_bytes(8, "big"), checkpoint.root]
    return b"".join(parts)


def cosign(name: str, signing_key: SigningKey, text: bytes, time: int) -> SignatureLine:
    """Cosign the text of a checkpoint with an Ed25519 key, at a time in POSIX seconds.

    Raises Malformed if the text is not that of a checkpoint; ValueError for a time that no witness gives.
    """
    parse_checkpoint_text(text)
    check_name(name)
    if not 0 < time <= _MAX_TIME:
        raise ValueError(f"no witness cosigns at {time}")
    identity = key_id(name, COSIGNATURE_ED25519, bytes(signing_key.verify_key))
    signature = signing_key.sign(cosigned_message(text, time)).signature
    return SignatureLine(name, identity, time.to_bytes(8, "big") + signature)


def verify_cosignature(verifier: Verifier, text: bytes, line: SignatureLine) -> int:
    """Return the time of a cosigner's line, in POSIX seconds, if the cosigner made it for this checkpoint.

    Only an ML-DSA-44 line may give 0: no word about time, which those asked as witnesses never say. Raises
    Malformed if the text is not that of a checkpoint; Unverified (weak-key, bad-signature).
    """
    checkpoint = parse_checkpoint_text(text)
    time, signature = int.from_bytes(line.signature[:8], "big"), line.signature[8:]
    if time > _MAX_TIME or (time == 0 and verifier.type_byte == COSIGNATURE_ED25519):
        raise Unverified("bad-signature", f"the line of {line.name} gives a time that no witness gives")
    if verifier.type_byte == COSIGNATURE_ED25519:
        try:
            verify_ed25519(verifier.public_key, cosigned_message(text, time), signature)
        except Unverified as error:
            raise Unverified(error.reason, f"the line of {line.name}: {error.message}") from None
    elif verifier.type_byte == COSIGNATURE_ML_DSA_44:
        try:
            message = subtree_message(verifier.name, checkpoint, time)
            _ml_dsa_key(verifier.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise Unverified("bad-signature", f"the line of {line.name} does not verify") from None
    else:
        raise Unverified("bad-signature", f"a key of type {verifier.type_byte:#04x} does not cosign")
    return time


@lru_cache(maxsize=64)
def _ml_dsa_key(public_key: bytes) -> MLDSA44PublicKey:
    return MLDSA44PublicKey.from_public_bytes(public_key)

"""Strict Ed25519: one verdict, that of libsodium, on every public vector, and why each refusal.

A second opinion is written out here: rules 1 to 4 of the specification, over another library whose own
verdict is laxer.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from ledger.tlog.errors import Unverified
from ledger.tlog.note import check_public_key, verify_ed25519

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493

KEY = SigningKey(bytes(range(32)))
PUBLIC = bytes(KEY.verify_key)
MESSAGE = b"a message"
SIGNATURE = KEY.sign(MESSAGE).signature

# The y of the points of order 1, 2, 4 and 8, and what is congruent to them below 2^255.
SMALL_Y = (
    0,
    1,
    P - 1,
    int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
    int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
)
WEAK = [
    (y | sign << 255).to_bytes(32, "little")
    for y in (*SMALL_Y, *(y + P for y in SMALL_Y if y + P < 2**255))
    for sign in (0, 1)
]


def accepted(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        verify_ed25519(public_key, message, signature)
    except Unverified as error:
        if error.reason not in ("weak-key", "bad-signature"):
            raise
        return False
    return True


def accepted_by_libsodium(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(public_key).verify(message, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def accepted_by_second_opinion(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Rules 1 to 4, each on its own line, then a library that checks none of them but the last."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    for point in (public_key, signature[:32]):
        y = int.from_bytes(point[:31] + bytes([point[31] & 0x7F]), "little")
        if y >= 2**255 - 19:
            return False
        if y in SMALL_Y:
            return False
    if int.from_bytes(signature[32:], "little") >= L:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_wycheproof(shared_vectors: Path) -> None:
    suite: Any = json.loads((shared_vectors / "wycheproof" / "ed25519_test.json").read_text())
    cases = [
        (bytes.fromhex(group["publicKey"]["pk"]), bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]), case)
        for group in suite["testGroups"]
        for case in group["tests"]
    ]
    assert len(cases) == 151
    expected = [case["result"] == "valid" for *_, case in cases]
    assert sum(expected) == 88
    assert [accepted(*rest) for *rest, _ in cases] == expected
    assert [accepted_by_second_opinion(*rest) for *rest, _ in cases] == expected


def test_unusual_keys_and_signatures(shared_vectors: Path) -> None:
    suite: Any = json.loads((shared_vectors / "ed25519-edge-cases" / "ed25519vectors.json").read_text())
    cases = [(bytes.fromhex(c["key"]), c["msg"].encode(), bytes.fromhex(c["sig"])) for c in suite]
    assert len(cases) == 914
    expected = [accepted_by_libsodium(*case) for case in cases]
    assert sum(expected) == 43
    assert [accepted(*case) for case in cases] == expected
    assert [accepted_by_second_opinion(*case) for case in cases] == expected


def test_an_honest_signature_verifies() -> None:
    verify_ed25519(PUBLIC, MESSAGE, SIGNATURE)
    check_public_key(PUBLIC)
    assert accepted_by_second_opinion(PUBLIC, MESSAGE, SIGNATURE)


def test_under_a_small_order_key_one_signature_would_fit_every_message() -> None:
    key, signature = bytes([1]) + bytes(31), bytes([1]) + bytes(63)
    lax = Ed25519PublicKey.from_public_bytes(key)
    for message in (b"I said this", b"I never said that"):
        lax.verify(signature, message)  # raises nothing: this is what the strict rules are for
        with pytest.raises(Unverified) as caught:
            verify_ed25519(key, message, signature)
        assert caught.value.reason == "weak-key"


def test_there_are_fourteen_encodings_of_small_order() -> None:
    # Ten below p, and y = p and p + 1 with either sign; p + 18 and beyond are of other points.
    assert len(set(WEAK)) == 14


@pytest.mark.parametrize("point", [*WEAK, (2**255 - 1).to_bytes(32, "little"), (P + 5).to_bytes(32, "little")])
def test_a_weak_point_is_neither_key_nor_r(point: bytes) -> None:
    for refused in (
        lambda: check_public_key(point),
        lambda: verify_ed25519(point, MESSAGE, SIGNATURE),
        lambda: verify_ed25519(PUBLIC, MESSAGE, point + SIGNATURE[32:]),
    ):
        with pytest.raises(Unverified) as caught:
            refused()
        assert caught.value.reason == "weak-key"


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_of_another_length_is_no_key(length: int) -> None:
    for refused in (
        lambda: check_public_key((PUBLIC * 2)[:length]),
        lambda: verify_ed25519((PUBLIC * 2)[:length], MESSAGE, SIGNATURE),
    ):
        with pytest.raises(Unverified) as caught:
            refused()
        assert caught.value.reason == "weak-key"


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        SIGNATURE[:63],
        SIGNATURE + b"\x00",
        SIGNATURE[:32] + L.to_bytes(32, "little"),
        SIGNATURE[:32] + (int.from_bytes(SIGNATURE[32:], "little") + L).to_bytes(32, "little"),
        SIGNATURE[:32] + bytes([255]) * 32,
        SIGNATURE[32:] + SIGNATURE[:32],
        KEY.sign(b"another message").signature,
        SigningKey(bytes(32)).sign(MESSAGE).signature,
    ],
)
def test_a_bad_signature_is_called_so(signature: bytes) -> None:
    with pytest.raises(Unverified) as caught:
        verify_ed25519(PUBLIC, MESSAGE, signature)
    assert caught.value.reason == "bad-signature"


def test_a_key_that_is_no_point_of_the_curve_verifies_nothing() -> None:
    nowhere = bytes([2]) + bytes(31)
    with pytest.raises(Unverified):
        verify_ed25519(nowhere, MESSAGE, SIGNATURE)


@given(st.binary(max_size=200), st.integers(0, 511))
def test_one_flipped_bit_is_refused(message: bytes, bit: int) -> None:
    signature = bytearray(KEY.sign(message).signature)
    assert accepted(PUBLIC, message, bytes(signature))
    signature[bit // 8] ^= 1 << bit % 8
    assert not accepted(PUBLIC, message, bytes(signature))
    assert not accepted_by_second_opinion(PUBLIC, message, bytes(signature))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=64))
def test_all_three_agree_on_keys_at_random(public_key: bytes, message: bytes) -> None:
    case = (public_key, message, SIGNATURE)
    assert accepted(*case) == accepted_by_libsodium(*case) == accepted_by_second_opinion(*case)

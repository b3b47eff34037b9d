"""Cosignatures: byte for byte, by one key for one head at one time, in both forms."""

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey
from reference_log import CHECKPOINT_TEXT, LOG_VKEY, TIME, WITNESS, WITNESS_KEY, WITNESS_LINE, WITNESS_VKEY

from ledger.tlog.checkpoint import Checkpoint, format_checkpoint_text, parse_checkpoint_text
from ledger.tlog.cosignature import cosign, cosigned_message, subtree_message, verify_cosignature
from ledger.tlog.errors import Malformed, Unverified
from ledger.tlog.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    SignatureLine,
    Verifier,
    format_line,
    format_vkey,
    key_id,
    parse_vkey,
)

OTHER_KEY = SigningKey(bytes(range(64, 96)))
OTHER_VKEY = format_vkey(WITNESS, COSIGNATURE_ED25519, bytes(OTHER_KEY.verify_key))

# --- Ed25519 ----------------------------------------------------------------------------------------------


def test_the_worked_example_is_cosigned_byte_for_byte() -> None:
    line = cosign(WITNESS, WITNESS_KEY, CHECKPOINT_TEXT, TIME)
    assert format_line(line).encode() == WITNESS_LINE
    assert verify_cosignature(parse_vkey(WITNESS_VKEY), CHECKPOINT_TEXT, line) == TIME
    assert cosigned_message(b"x\n", 7) == b"cosignature/v1\ntime 7\nx\n"


def test_a_cosignature_of_another_head_time_or_key_is_refused() -> None:
    line = cosign(WITNESS, WITNESS_KEY, CHECKPOINT_TEXT, TIME)
    witness = parse_vkey(WITNESS_VKEY)
    other = parse_vkey(OTHER_VKEY)
    wrong = [
        (witness, CHECKPOINT_TEXT.replace(b"\n8\n", b"\n9\n"), line),
        (other, CHECKPOINT_TEXT, line),
        (parse_vkey(LOG_VKEY), CHECKPOINT_TEXT, line),
    ]
    for time in (TIME + 1, 0, 2**63, 2**64 - 1):
        bent = line._replace(signature=time.to_bytes(8, "big") + line.signature[8:])
        wrong.append((witness, CHECKPOINT_TEXT, bent))
    wrong += [(witness, CHECKPOINT_TEXT, line._replace(signature=line.signature[:length])) for length in (1, 7, 8, 71)]
    wrong.append((witness, CHECKPOINT_TEXT, line._replace(signature=line.signature + b"\x00")))
    for case in wrong:
        with pytest.raises(Unverified) as caught:
            verify_cosignature(*case)
        assert caught.value.reason == "bad-signature"


@pytest.mark.parametrize("time", [0, -1, 2**63])
def test_no_witness_cosigns_at_an_impossible_time(time: int) -> None:
    with pytest.raises(ValueError, match="cosigns at"):
        cosign(WITNESS, WITNESS_KEY, CHECKPOINT_TEXT, time)


def test_only_a_checkpoint_is_cosigned() -> None:
    with pytest.raises(Malformed):
        cosign(WITNESS, WITNESS_KEY, b'ledger.example/prueba\n{"kind":"Comment"}\n', TIME)


# --- ML-DSA-44 --------------------------------------------------------------------------------------------

ML_KEY = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
ML_PUBLIC = ML_KEY.public_key().public_bytes_raw()


def ml_line(name: str, time: int, text: bytes = CHECKPOINT_TEXT) -> SignatureLine:
    signature = ML_KEY.sign(subtree_message(name, parse_checkpoint_text(text), time))
    identity = key_id(name, COSIGNATURE_ML_DSA_44, ML_PUBLIC)
    return SignatureLine(name, identity, time.to_bytes(8, "big") + signature)


def test_the_message_of_an_ml_dsa_cosignature() -> None:
    head = parse_checkpoint_text(CHECKPOINT_TEXT)
    assert subtree_message("w", head, 7) == (
        b"subtree/v1\n\x00\x01w" + b"\x00" * 7 + b"\x07" + b"\x15ledger.example/prueba"
        b"\x00\x00\x00\x00\x00\x00\x00\x00" + b"\x00" * 7 + b"\x08" + head.root
    )
    with pytest.raises(ValueError, match="255"):
        subtree_message("w" * 256, head, 7)


# --- both -------------------------------------------------------------------------------------------------

ED = parse_vkey(WITNESS_VKEY)
ML = parse_vkey(format_vkey(WITNESS, COSIGNATURE_ML_DSA_44, ML_PUBLIC))
LINES = {ED: cosign(WITNESS, WITNESS_KEY, CHECKPOINT_TEXT, TIME), ML: ml_line(WITNESS, TIME)}
ROOTS = st.binary(min_size=32, max_size=32)
BOTH = pytest.mark.parametrize("witness", [ED, ML], ids=["Ed25519", "ML-DSA-44"])


@BOTH
@given(st.data())
def test_no_mutated_signature_is_accepted(witness: Verifier, data: st.DataObject) -> None:
    good = LINES[witness].signature
    at = data.draw(st.integers(0, len(good) - 1))
    bent = data.draw(
        st.just(good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :])
        | st.just(good[:at])
        | st.just(good + data.draw(st.binary(min_size=1, max_size=3)))
    )
    with pytest.raises(Unverified):
        verify_cosignature(witness, CHECKPOINT_TEXT, LINES[witness]._replace(signature=bent))


@BOTH
@given(st.builds(Checkpoint, st.sampled_from(["ledger.example/prueba", "otro"]), st.integers(0, 12), ROOTS))
def test_it_is_of_no_other_head(witness: Verifier, head: Checkpoint) -> None:
    with pytest.raises(Unverified):
        verify_cosignature(witness, format_checkpoint_text(head), LINES[witness])


@given(
    st.builds(
        Checkpoint, st.just("registro.example/otro"), st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32)
    ),
    st.integers(1, 2**63 - 1),
)
def test_what_is_cosigned_verifies_with_its_time(head: Checkpoint, time: int) -> None:
    text = format_checkpoint_text(head)
    assert verify_cosignature(ED, text, cosign(WITNESS, WITNESS_KEY, text, time)) == time


def test_an_ml_dsa_line_verifies_with_its_time_and_may_give_none() -> None:
    assert verify_cosignature(ML, CHECKPOINT_TEXT, ml_line(WITNESS, TIME)) == TIME
    assert verify_cosignature(ML, CHECKPOINT_TEXT, ml_line(WITNESS, 0)) == 0


def test_an_ml_dsa_line_names_its_cosigner() -> None:
    other = ml_line("witness.example/w2", TIME)
    with pytest.raises(Unverified):
        verify_cosignature(ML, CHECKPOINT_TEXT, LINES[ML]._replace(signature=other.signature))

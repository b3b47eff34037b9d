"""Proof files: one form, and nothing left out when they are verified."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_log import (
    CHECKPOINT,
    CHECKPOINT_TEXT,
    ENTRIES,
    LOG_LINE,
    LOG_VKEY,
    ORIGIN,
    WITNESS_LINE,
    WITNESS_VKEY,
    subtree,
)

from ledger.tlog import proof as module
from ledger.tlog.errors import FormatError, Malformed
from ledger.tlog.merkle import inclusion_proof
from ledger.tlog.policy import Policy, parse_policy
from ledger.tlog.proof import Proof, format_proof, parse_proof, verify_proof

LOG_ALONE = Policy.from_log_key(LOG_VKEY)
COSIGNED = parse_policy(f"log {LOG_VKEY}\nwitness w1 {WITNESS_VKEY}\nquorum w1\n".encode())


def receipt(index: int, checkpoint: bytes = CHECKPOINT) -> Proof:
    return Proof(index, inclusion_proof(index, 8, subtree), checkpoint, ENTRIES[index])


EXAMPLE = f"""c2sp.org/tlog-proof@v1
extra EA==
index 2
B1Bqhf2d0vEg62lPhgEeW7RmLlxBWmKRcDPUqWJEh+c=
+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=
a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=

{CHECKPOINT_TEXT.decode()}
{LOG_LINE.decode()}"""


def test_the_example_in_the_module_is_this_one_byte_for_byte() -> None:
    assert format_proof(receipt(2, CHECKPOINT_TEXT + b"\n" + LOG_LINE)).decode() == EXAMPLE
    indented = "".join(f"    {line}".rstrip(" ") + "\n" for line in EXAMPLE[:-1].split("\n"))
    assert indented in (module.__doc__ or "")
    assert parse_proof(EXAMPLE.encode()) == receipt(2, CHECKPOINT_TEXT + b"\n" + LOG_LINE)


@pytest.mark.parametrize("index", range(8))
def test_each_entry_is_proven_from_its_file_alone(index: int) -> None:
    proven = verify_proof(parse_proof(format_proof(receipt(index))), COSIGNED)
    assert (proven.entry, proven.index) == (ENTRIES[index], index)
    assert (proven.checked.checkpoint.origin, proven.checked.checkpoint.size) == (ORIGIN, 8)
    assert proven.checked.quorum_reached


def test_the_entry_may_come_from_elsewhere() -> None:
    bare = receipt(5)._replace(extra=None)
    assert verify_proof(bare, COSIGNED, entry=ENTRIES[5]).entry == ENTRIES[5]
    assert b"extra" not in format_proof(bare)
    # What is given goes before what stands in the file.
    assert verify_proof(receipt(5)._replace(extra=b"else"), COSIGNED, entry=ENTRIES[5]).entry == ENTRIES[5]
    with pytest.raises(Malformed) as caught:
        verify_proof(bare, COSIGNED)
    assert caught.value.reason == "shape"


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        (receipt(2)._replace(extra=b"\x11"), "inconsistent"),
        (receipt(2)._replace(extra=b""), "inconsistent"),
        (receipt(2)._replace(index=3), "inconsistent"),
        (receipt(2)._replace(index=8), "inconsistent"),
        (receipt(2)._replace(hashes=()), "inconsistent"),
        (receipt(2)._replace(hashes=receipt(2).hashes[:-1]), "inconsistent"),
        (receipt(2)._replace(hashes=(*receipt(2).hashes, bytes(32))), "inconsistent"),
        (receipt(2)._replace(hashes=receipt(3).hashes), "inconsistent"),
        (receipt(2, CHECKPOINT_TEXT + b"\n" + LOG_LINE), "not-cosigned"),
        (receipt(2, CHECKPOINT_TEXT + b"\n" + WITNESS_LINE), "not-signed"),
        (receipt(2, CHECKPOINT.replace(b"\n8\n", b"\n9\n")), "bad-signature"),
        (receipt(2, CHECKPOINT.replace(b"DY8BdtnjWDfK", b"DY8BdtnjWDfL")), "bad-signature"),
        (receipt(2, CHECKPOINT.replace(b"prueba\n8", b"otra\n8")), "unknown-origin"),
        (receipt(2, b"no checkpoint"), "no-signatures"),
        (receipt(2, b"\n" + CHECKPOINT), "name"),
    ],
)
def test_nothing_is_left_out(proof: Proof, reason: str) -> None:
    for candidate in (proof, parse_proof(format_proof(proof))):
        with pytest.raises(FormatError) as caught:
            verify_proof(candidate, COSIGNED)
        assert caught.value.reason == reason


def test_a_provisional_receipt_verifies_with_the_log_key_alone() -> None:
    provisional = receipt(2, CHECKPOINT_TEXT + b"\n" + LOG_LINE)
    assert verify_proof(provisional, LOG_ALONE).checked.cosignatures == ()


def test_a_cosignature_from_the_future_leaves_the_quorum_open() -> None:
    verify_proof(receipt(2), COSIGNED, now=1_700_000_000)
    with pytest.raises(FormatError) as caught:
        verify_proof(receipt(2), COSIGNED, now=1_600_000_000)
    assert caught.value.reason == "not-cosigned"


HASH = "B1Bqhf2d0vEg62lPhgEeW7RmLlxBWmKRcDPUqWJEh+c="


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        ("\n", "shape"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n", "shape"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n\n", "shape"),
        ("c2sp.org/tlog-proof@v1\n\nx\n", "shape"),
        ("c2sp.org/tlog-proof@v1\nextra EA==\n\nx\n", "shape"),
        ("c2sp.org/tlog-proof@v2\nindex 0\n\nx\n", "shape"),
        ("\ufeffc2sp.org/tlog-proof@v1\nindex 0\n\nx\n", "shape"),
        ("c2sp.org/tlog-proof@v1\nindex 0\nextra EA==\n\nx\n", "encoding"),
        ("c2sp.org/tlog-proof@v1\nextra EA==\nextra EA==\nindex 0\n\nx\n", "shape"),
        ("c2sp.org/tlog-proof@v1\nextra\nindex 0\n\nx\n", "shape"),
        ("c2sp.org/tlog-proof@v1\nextra EB==\nindex 0\n\nx\n", "encoding"),
        ("c2sp.org/tlog-proof@v1\nextra EA\nindex 0\n\nx\n", "encoding"),
        ("c2sp.org/tlog-proof@v1\nextra  EA==\nindex 0\n\nx\n", "encoding"),
        ("c2sp.org/tlog-proof@v1\nindex\n\nx\n", "shape"),
        ("c2sp.org/tlog-proof@v1\nindex 00\n\nx\n", "encoding"),
        ("c2sp.org/tlog-proof@v1\nindex -1\n\nx\n", "encoding"),
        ("c2sp.org/tlog-proof@v1\nindex 1 \n\nx\n", "encoding"),
        (f"c2sp.org/tlog-proof@v1\nindex {2**63}\n\nx\n", "encoding"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH[4:]}\n\nx\n", "encoding"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH} \n\nx\n", "encoding"),
        (f"c2sp.org/tlog-proof@v1\r\nindex 0\r\n{HASH}\r\n\n\nx\n", "shape"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n" + f"{HASH}\n" * 64 + "\nx\n", "too-large"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n\n" + "x" * 2_000_000, "too-large"),
    ],
)
def test_a_proof_in_any_other_form_is_refused(raw: str, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_proof(raw.encode())
    assert caught.value.reason == reason


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Malformed) as caught:
        parse_proof(b"c2sp.org/tlog-proof@v1\nindex \xff\n\nx\n")
    assert caught.value.reason == "bad-utf8"


@pytest.mark.parametrize(
    "proof",
    [
        receipt(2)._replace(index=-1),
        receipt(2)._replace(index=2**63),
        receipt(2)._replace(hashes=(b"",)),
        receipt(2)._replace(hashes=(bytes(32),) * 64),
        receipt(2)._replace(checkpoint=b""),
    ],
)
def test_what_is_no_proof_is_not_written(proof: Proof) -> None:
    with pytest.raises(ValueError, match=r"proof|hash"):
        format_proof(proof)


_PROOFS = st.builds(
    Proof,
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    st.binary(min_size=1),
    st.none() | st.binary(),
)


@given(_PROOFS)
def test_what_is_written_is_parsed_again(proof: Proof) -> None:
    assert parse_proof(format_proof(proof)) == proof


@given(_PROOFS, st.data())
def test_no_other_bytes_parse_to_an_equal_proof(proof: Proof, data: st.DataObject) -> None:
    raw = format_proof(proof)
    at = data.draw(st.integers(0, len(raw) - 1))
    piece = data.draw(st.sampled_from([b"", b" ", b"0", b"\n", b"=", b"\r", raw[at : at + 1] * 2]))
    mutated = raw[:at] + piece + raw[at + 1 :]
    try:
        parsed = parse_proof(mutated)
    except Malformed:
        return
    assert (parsed == proof) == (mutated == raw)
    assert format_proof(parsed) == mutated

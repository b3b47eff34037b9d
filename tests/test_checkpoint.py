"""Checkpoints: three lines in one form, signed by the log whose name they carry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey
from reference_log import (
    CHECKPOINT,
    CHECKPOINT_TEXT,
    LEAVES,
    LOG_KEY,
    LOG_LINE,
    LOG_VKEY,
    ORIGIN,
    WITNESS_LINE,
    WITNESS_VKEY,
)

from ledger.tlog.checkpoint import (
    Checkpoint,
    format_checkpoint_text,
    open_checkpoint,
    parse_checkpoint,
    parse_checkpoint_text,
    sign_checkpoint,
    verify_log_lines,
)
from ledger.tlog.errors import FormatError, Malformed, Unverified
from ledger.tlog.merkle import root_of
from ledger.tlog.note import ED25519, Note, format_note, format_vkey, parse_vkey, sign_line

HEAD = Checkpoint(ORIGIN, 8, root_of(LEAVES))
LOG = parse_vkey(LOG_VKEY)


def test_the_worked_example_byte_for_byte() -> None:
    assert format_checkpoint_text(HEAD) == CHECKPOINT_TEXT
    assert parse_checkpoint_text(CHECKPOINT_TEXT) == HEAD
    assert sign_checkpoint(HEAD, LOG_KEY) == CHECKPOINT_TEXT + b"\n" + LOG_LINE
    assert open_checkpoint(CHECKPOINT, [LOG]) == HEAD
    signed = parse_checkpoint(CHECKPOINT)
    assert signed.checkpoint == HEAD
    assert format_note(signed.note) == CHECKPOINT
    assert verify_log_lines(signed, [LOG]) == (LOG,)


ROOT = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "shape"),
        ("\n", "shape"),
        (f"{ORIGIN}\n8\n", "shape"),
        (f"{ORIGIN}\n8\n{ROOT}", "shape"),
        (f"{ORIGIN}\n8\n{ROOT}\nextension\n", "extension"),
        (f"{ORIGIN}\n8\n{ROOT}\n\n", "extension"),
        (f"{ORIGIN}\n8\n{ROOT}\nextension", "shape"),
        (f"\n8\n{ROOT}\n", "name"),
        (f"a b\n8\n{ROOT}\n", "name"),
        (f"a+b\n8\n{ROOT}\n", "name"),
        (f"a\u2028b\n8\n{ROOT}\n", "name"),
        (f"a\r\n8\n{ROOT}\n", "name"),
        (f"{ORIGIN}\n08\n{ROOT}\n", "encoding"),
        (f"{ORIGIN}\n+8\n{ROOT}\n", "encoding"),
        (f"{ORIGIN}\n-8\n{ROOT}\n", "encoding"),
        (f"{ORIGIN}\n8 \n{ROOT}\n", "encoding"),
        (f"{ORIGIN}\n8\r\n{ROOT}\n", "encoding"),
        (f"{ORIGIN}\n\n{ROOT}\n", "encoding"),
        (f"{ORIGIN}\n{2**63}\n{ROOT}\n", "encoding"),
        (f"{ORIGIN}\n8\n\n", "encoding"),
        (f"{ORIGIN}\n8\n{ROOT[:-1]}\n", "encoding"),
        (f"{ORIGIN}\n8\n{ROOT[:-2]}h=\n", "encoding"),
        (f"{ORIGIN}\n8\n{ROOT[:-4]}\n", "encoding"),
        (f"{ORIGIN}\n8\n{ROOT} \n", "encoding"),
        (f"{ORIGIN}\n8\n{ROOT}\r\n", "encoding"),
    ],
)
def test_a_text_in_any_other_form_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_checkpoint_text(text.encode())
    assert caught.value.reason == reason


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Malformed) as caught:
        parse_checkpoint_text(b"\xff\n8\n" + ROOT.encode() + b"\n")
    assert caught.value.reason == "bad-utf8"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (CHECKPOINT.replace(b"prueba\n8", b"prueba\n9"), "bad-signature"),
        (CHECKPOINT.replace(b"prueba\n8", b"prueba\n7"), "bad-signature"),
        (CHECKPOINT.replace(b"prueba\n8", b"prueba\n08"), "encoding"),
        (CHECKPOINT.replace(b"XcnaeacG", b"XcnaeacH"), "bad-signature"),
        (CHECKPOINT.replace(b"prueba\n8", b"prueba2\n8"), "unknown-origin"),
        (CHECKPOINT.replace(b"\n", b"\r\n"), "control-byte"),
        (CHECKPOINT.replace(b"Qyg=\n", b"Qyg=\nmore\n"), "extension"),
        (CHECKPOINT_TEXT + b"\n" + WITNESS_LINE, "not-signed"),
        (CHECKPOINT_TEXT + b"\n" + LOG_LINE.replace(b"AXc9HN7m", b"AXc9HN7n"), "bad-signature"),
        (CHECKPOINT_TEXT + b"\n" + LOG_LINE.replace(b"AXc9HN7m", b"AXc8HN7m"), "not-signed"),
        (CHECKPOINT_TEXT + b"\n" + LOG_LINE * 2 + LOG_LINE.replace(b"7md", b"7mc"), "bad-signature"),
        (CHECKPOINT_TEXT, "no-signatures"),
        (b"", "empty"),
    ],
)
def test_a_head_that_the_log_did_not_sign_so_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(FormatError) as caught:
        open_checkpoint(raw, [LOG])
    assert caught.value.reason == reason


def test_only_a_key_with_the_name_of_the_origin_speaks_for_the_log() -> None:
    """Given another log's key that signs this log's head; it is a stranger's word."""
    other = SigningKey(bytes(32))
    raw = format_note(Note(CHECKPOINT_TEXT, (sign_line("other.example/log", other, CHECKPOINT_TEXT),)))
    stranger = parse_vkey(format_vkey("other.example/log", ED25519, bytes(other.verify_key)))
    with pytest.raises(Unverified) as caught:
        open_checkpoint(raw, [LOG, stranger])
    assert caught.value.reason == "not-signed"
    with pytest.raises(Unverified) as caught:
        open_checkpoint(raw, [stranger])
    assert caught.value.reason == "unknown-origin"


def test_a_witness_key_is_no_log_key() -> None:
    with pytest.raises(Unverified) as caught:
        open_checkpoint(CHECKPOINT, [parse_vkey(WITNESS_VKEY)])
    assert caught.value.reason == "unknown-origin"


def test_the_old_and_the_new_key_of_a_log() -> None:
    new = SigningKey(bytes(32))
    new_key = parse_vkey(format_vkey(ORIGIN, ED25519, bytes(new.verify_key)))
    new_line = sign_line(ORIGIN, new, CHECKPOINT_TEXT)
    both = parse_checkpoint(CHECKPOINT)
    both = both._replace(note=both.note._replace(lines=(new_line, *both.note.lines)))
    assert verify_log_lines(both, [LOG, new_key]) == (new_key, LOG)
    assert verify_log_lines(both, [LOG]) == (LOG,)
    assert verify_log_lines(parse_checkpoint(CHECKPOINT), [LOG, new_key]) == (LOG,)


_NAMES = st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"], exclude_characters="+ "), min_size=1)
_HEADS = st.builds(Checkpoint, _NAMES, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))


@given(_HEADS)
def test_what_is_written_is_parsed_again(head: Checkpoint) -> None:
    assert parse_checkpoint_text(format_checkpoint_text(head)) == head
    assert parse_checkpoint(sign_checkpoint(head, LOG_KEY)).checkpoint == head


@given(_HEADS, st.data())
def test_no_other_bytes_parse_to_an_equal_checkpoint(head: Checkpoint, data: st.DataObject) -> None:
    text = format_checkpoint_text(head)
    at = data.draw(st.integers(0, len(text) - 1))
    piece = data.draw(st.sampled_from([b"", b" ", b"0", b"\n", b"=", b"\r\n", text[at : at + 1] * 2]))
    mutated = text[:at] + piece + text[at + 1 :]
    try:
        parsed = parse_checkpoint_text(mutated)
    except Malformed:
        return
    assert (parsed == head) == (mutated == text)


@pytest.mark.parametrize("head", [HEAD._replace(size=-1), HEAD._replace(size=2**63), HEAD._replace(root=b"")])
def test_what_is_no_head_is_not_written(head: Checkpoint) -> None:
    with pytest.raises(ValueError, match="not the head of a log"):
        format_checkpoint_text(head)


def test_a_head_with_an_impossible_origin_is_not_signed() -> None:
    with pytest.raises(Malformed):
        sign_checkpoint(HEAD._replace(origin="a b"), LOG_KEY)

"""Signed notes: one form only, unknown lines ignored, a known line that fails refuses the whole."""

import doctest
import pickle
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey
from reference_log import (
    CHECKPOINT,
    CHECKPOINT_TEXT,
    LOG_KEY,
    LOG_LINE,
    LOG_VKEY,
    ORIGIN,
    WITNESS_LINE,
    WITNESS_VKEY,
)

from ledger.tlog import checkpoint, cosignature, merkle, note, policy, proof, tiles
from ledger.tlog.errors import FormatError, Malformed, Unverified
from ledger.tlog.note import (
    COSIGNATURE_ED25519,
    ED25519,
    Note,
    SignatureLine,
    format_base64,
    format_note,
    format_vkey,
    key_id,
    open_note,
    parse_base64,
    parse_decimal,
    parse_note,
    parse_vkey,
    sign_line,
)

TEXT = b"a text\n"
LINE = "— name AAAAAAE=\n".encode()  # key id 0, a signature of one byte
DASH = "—".encode()


@pytest.mark.parametrize("module", [note, merkle, tiles, checkpoint, cosignature, policy])
def test_the_examples_in_the_module_run(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted > 0


@pytest.mark.parametrize("module", [note, checkpoint, proof])
def test_the_example_in_the_module_is_the_worked_example(module: ModuleType) -> None:
    assert f"    {LOG_LINE.decode()}" in (module.__doc__ or "")


# --- notes ------------------------------------------------------------------------------------------------


def test_the_worked_example_is_parsed_and_written_byte_for_byte() -> None:
    parsed = parse_note(CHECKPOINT)
    assert parsed.text == CHECKPOINT_TEXT
    assert [(line.name, line.key_id.hex()) for line in parsed.lines] == [
        (ORIGIN, "01773d1c"),
        ("witness.example/w1", "20324abe"),
    ]
    assert format_note(parsed) == CHECKPOINT


def test_the_worked_example_is_signed_byte_for_byte() -> None:
    signed = format_note(Note(CHECKPOINT_TEXT, (sign_line(ORIGIN, LOG_KEY, CHECKPOINT_TEXT),)))
    assert signed == CHECKPOINT_TEXT + b"\n" + LOG_LINE


@pytest.mark.parametrize(
    "text",
    [
        b"one line\n",
        b"two\nlines\n",
        b"an empty\n\nline inside\n",
        b"\n",
        b"ends in empty lines\n\n\n",
        "a next line \u0085 and a line separator \u2028 end no line\n".encode(),
        "\ufeffbyte order mark, \u202eoverride, \U0001f58b\n".encode(),
    ],
)
def test_any_text_that_ends_in_a_line_feed_can_be_signed(text: bytes) -> None:
    raw = text + b"\n" + LINE
    assert parse_note(raw) == Note(text, (SignatureLine("name", bytes(4), b"\x01"),))
    assert format_note(parse_note(raw)) == raw


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"\n", "no-signatures"),
        (b"\n\n", "no-signatures"),
        (TEXT, "no-signatures"),
        (TEXT + b"\n", "no-signatures"),
        (TEXT + LINE, "no-signatures"),
        (b"\n" + LINE, "no-signatures"),
        (TEXT + b"\n" + LINE[:-1], "shape"),
        (TEXT + b"\n" + LINE + b"\n", "no-signatures"),
        (TEXT + b"\n" + LINE + b"\n" + b"x\n", "encoding"),
        (b"\xff\n\n" + LINE, "bad-utf8"),
        (b"\xff", "bad-utf8"),
        (TEXT + b"\n" + LINE + b"\xff", "bad-utf8"),
        (b"\xed\xa0\x80\n\n" + LINE, "bad-utf8"),  # a surrogate
        (b"\xc0\x8a\n\n" + LINE, "bad-utf8"),  # an overlong line feed
        ("a text\n\n— name AAAAAAE=\n".encode("utf-16"), "bad-utf8"),
        (b"a\ttext\n\n" + LINE, "control-byte"),
        (b"a\x00text\n\n" + LINE, "control-byte"),
        ((TEXT + b"\n" + LINE).replace(b"\n", b"\r\n"), "control-byte"),
        (TEXT + b"\n" + LINE[:-1] + b"\r\n", "control-byte"),
        (TEXT + b"\n" + LINE.replace(DASH, b"-"), "encoding"),
        (TEXT + b"\n" + LINE.replace(DASH + b" ", DASH), "encoding"),
        (TEXT + b"\n " + LINE, "encoding"),
        (TEXT + b"\n" + LINE.replace(b"name ", b""), "encoding"),
        (TEXT + b"\n" + LINE.replace(b"name", b""), "name"),
        (TEXT + b"\n" + LINE.replace(b"name", b" name"), "name"),
        (TEXT + b"\n" + LINE.replace(b"name", b"na+me"), "name"),
        (TEXT + b"\n" + LINE.replace(b"name", "na\u00a0me".encode()), "name"),
        (TEXT + b"\n" + LINE.replace(b"name", "na\u2003me".encode()), "name"),
        (TEXT + b"\n" + LINE.replace(b"name", "na\u2028me".encode()), "name"),
        (TEXT + b"\n" + LINE.replace(b"name", "na\u0085me".encode()), "name"),
        (TEXT + b"\n" + LINE.replace(b"name", b"na me"), "encoding"),
        (TEXT + b"\n" + LINE.replace(b"AAAAAAE=", b""), "encoding"),
        (TEXT + b"\n" + LINE.replace(b"AAAAAAE=", b"AAAAAA=="), "encoding"),  # a key id alone
        (TEXT + b"\n" + LINE.replace(b"AAAAAAE=", b"AAAAAAF="), "encoding"),  # stray bits
        (TEXT + b"\n" + LINE.replace(b"AAAAAAE=", b"AAAAAAE"), "encoding"),  # no padding
        (TEXT + b"\n" + LINE.replace(b"AAAAAAE=", b"AAAAAAE=="), "encoding"),
        (TEXT + b"\n" + LINE.replace(b"AAAAAAE=", b"AAAAAAE= "), "encoding"),
        (TEXT + b"\n" + LINE.replace(b"AAAAAAE=", b" AAAAAAE="), "encoding"),
        (TEXT + b"\n" + LINE.replace(b"AAAAAAE=", b"AAAA\nAAE="), "encoding"),
        (TEXT + b"\n" + LINE.replace(b"AAAAAAE=", b"AAAA-_E="), "encoding"),  # the URL alphabet
        (TEXT + b"\n" + LINE.replace(b"AAAAAAE=", b"AAAA.AAE="), "encoding"),
        (TEXT + b"\n" + LINE.replace(b"AAAAAAE=", "AAAAАAE=".encode()), "encoding"),  # a Cyrillic A
        (TEXT + b"\n" + LINE * 101, "too-large"),
        (b"x" * 1_000_000 + b"\n\n" + LINE, "too-large"),
    ],
)
def test_a_note_in_any_other_form_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_note(raw)
    assert caught.value.reason == reason
    assert len(str(caught.value)) < 400


def test_there_is_room_for_many_lines_and_a_limit_of_ones_own() -> None:
    assert len(parse_note(TEXT + b"\n" + LINE * 100).lines) == 100
    assert len(parse_note(TEXT + b"\n" + LINE * 2, max_lines=2).lines) == 2
    with pytest.raises(Malformed, match="more than 2"):
        parse_note(TEXT + b"\n" + LINE * 3, max_lines=2)
    with pytest.raises(Malformed, match="over 10"):
        parse_note(TEXT + b"\n" + LINE, max_size=10)


_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=[chr(c) for c in range(32)]))
_NAMES = st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"], exclude_characters="+ "), min_size=1)
_LINES = st.builds(SignatureLine, _NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=100))
_NOTES = st.builds(
    Note,
    st.lists(_TEXTS, min_size=1).map(lambda lines: "".join(f"{line}\n" for line in lines).encode()),
    st.lists(_LINES, min_size=1, max_size=5).map(tuple),
)


@given(_NOTES)
def test_what_is_written_is_parsed_again(value: Note) -> None:
    assert parse_note(format_note(value)) == value


@given(_NOTES, st.data())
def test_no_other_bytes_parse_to_an_equal_note(value: Note, data: st.DataObject) -> None:
    raw = format_note(value)
    at = data.draw(st.integers(0, len(raw) - 1))
    piece = data.draw(st.sampled_from([b"", b" ", b"\n", b"=", b"A", b"\x00", b"\xc2\xa0", raw[at : at + 1] * 2]))
    mutated = raw[:at] + piece + raw[at + 1 :]
    try:
        parsed = parse_note(mutated)
    except Malformed:
        return
    assert (parsed == value) == (mutated == raw)
    assert format_note(parsed) == mutated


@given(st.binary())
def test_no_bytes_make_the_parser_fail_otherwise(raw: bytes) -> None:
    try:
        parsed = parse_note(raw)
    except Malformed:
        return
    assert format_note(parsed) == raw


# --- numbers and base64 -----------------------------------------------------------------------------------


def test_decimals_have_one_form() -> None:
    assert [parse_decimal(text) for text in ("0", "7", "10", str(2**63 - 1))] == [0, 7, 10, 2**63 - 1]
    assert parse_decimal("255", 255) == 255


@pytest.mark.parametrize(
    "text",
    ["", "00", "01", "+5", "-5", "-0", " 5", "5 ", "5\n", "1_000", "٣", "²", "５", "0x5", "1e3", "1.0"],
)
def test_a_decimal_in_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_decimal(text)
    assert caught.value.reason == "encoding"


@pytest.mark.parametrize(("text", "limit"), [("256", 255), (str(2**63), 2**63 - 1), ("9" * 5000, 2**63 - 1)])
def test_a_decimal_over_its_limit_is_refused(text: str, limit: int) -> None:
    with pytest.raises(Malformed):
        parse_decimal(text, limit)


@given(st.binary())
def test_base64_goes_there_and_back(raw: bytes) -> None:
    assert parse_base64(format_base64(raw)) == raw


@pytest.mark.parametrize("text", ["aGl=", "aGk", "aGk= ", "aG k=", "aGk=\n", "aGk==", "=aGk", "a", "aGkñ", "_-__"])
def test_base64_in_any_other_form_is_refused(text: str) -> None:
    assert parse_base64("aGk=") == b"hi"
    with pytest.raises(Malformed) as caught:
        parse_base64(text)
    assert caught.value.reason == "encoding"


def test_base64_of_another_length_is_refused() -> None:
    with pytest.raises(Malformed, match="3 belong"):
        parse_base64("aGk=", 3)


# --- keys -------------------------------------------------------------------------------------------------


def test_the_keys_of_the_worked_example() -> None:
    log, witness = parse_vkey(LOG_VKEY), parse_vkey(WITNESS_VKEY)
    assert (log.name, log.key_id.hex(), log.type_byte) == (ORIGIN, "01773d1c", ED25519)
    assert log.public_key == bytes(LOG_KEY.verify_key)
    assert (witness.key_id.hex(), witness.type_byte) == ("20324abe", COSIGNATURE_ED25519)
    for vkey, verifier in ((LOG_VKEY, log), (WITNESS_VKEY, witness)):
        assert format_vkey(verifier.name, verifier.type_byte, verifier.public_key) == vkey
        assert key_id(verifier.name, verifier.type_byte, verifier.public_key) == verifier.key_id


def test_a_vkey_is_cut_at_its_first_two_plus_signs_only() -> None:
    assert WITNESS_VKEY.count("+") == 2
    key = next(
        key
        for seed in range(100)
        if "+" in format_base64(b"\x01" + bytes((key := SigningKey(bytes([seed] * 32))).verify_key))
    )
    vkey = format_vkey("n", ED25519, bytes(key.verify_key))
    assert parse_vkey(vkey).public_key == bytes(key.verify_key)


@pytest.mark.parametrize(
    ("vkey", "reason"),
    [
        ("", "encoding"),
        ("name", "encoding"),
        ("name+01773d1c", "encoding"),
        (LOG_VKEY.replace("01773d1c", "01773D1C"), "encoding"),
        (LOG_VKEY.replace("01773d1c", "1773d1c"), "encoding"),
        (LOG_VKEY.replace("01773d1c", "+1773d1c"), "encoding"),
        (LOG_VKEY.replace("01773d1c", "01773d1d"), "key"),
        (LOG_VKEY.replace("prueba", "pruebas"), "key"),
        (LOG_VKEY.replace("prueba", "prue ba"), "name"),
        (LOG_VKEY.replace("prueba", "prue\u2003ba"), "name"),
        (LOG_VKEY.replace("prueba", "prue\ud800ba"), "bad-utf8"),
        (LOG_VKEY.replace(ORIGIN, ""), "name"),
        (LOG_VKEY + "\n", "encoding"),
        (LOG_VKEY + " ", "encoding"),
        (LOG_VKEY[:-4], "key"),  # 29 bytes
        (LOG_VKEY + "AAAA", "key"),
        (LOG_VKEY[:-1] + "=", "encoding"),
        (format_vkey("n", 0x02, bytes(32)), "key"),
        (format_vkey("n", 0xFF, bytes(32)), "key"),
        (format_vkey("n", 0x06, bytes(32)), "key"),
        ("n+00000000+", "key"),
    ],
)
def test_a_vkey_in_any_other_form_is_refused(vkey: str, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_vkey(vkey)
    assert caught.value.reason == reason


@pytest.mark.parametrize("type_byte", [ED25519, COSIGNATURE_ED25519])
def test_a_vkey_of_small_order_is_refused(type_byte: int) -> None:
    with pytest.raises(Unverified) as caught:
        parse_vkey(format_vkey("n", type_byte, bytes([1]) + bytes(31)))
    assert caught.value.reason == "weak-key"


# --- opening ----------------------------------------------------------------------------------------------


def _signed(*names: str, text: bytes = TEXT) -> tuple[bytes, list[note.Verifier]]:
    keys = [SigningKey(bytes([n]) * 32) for n in range(1, len(names) + 1)]
    lines = tuple(sign_line(name, key, text) for name, key in zip(names, keys, strict=True))
    verifiers = [
        parse_vkey(format_vkey(name, ED25519, bytes(key.verify_key))) for name, key in zip(names, keys, strict=True)
    ]
    return format_note(Note(text, lines)), verifiers


def test_only_lines_of_known_keys_are_given_back() -> None:
    raw, (first, second) = _signed("first", "second")
    assert [line.name for line in open_note(raw, [first, second]).lines] == ["first", "second"]
    assert [line.name for line in open_note(raw, [second]).lines] == ["second"]


def test_a_line_with_a_known_name_and_another_id_is_of_an_unknown_key() -> None:
    raw, (first, second) = _signed("same", "same")
    assert len(open_note(raw, [first]).lines) == 1
    assert len(open_note(raw, [first, second]).lines) == 2


def test_without_a_line_of_a_known_key_nothing_opens() -> None:
    raw, _ = _signed("first")
    for verifiers in ([], [parse_vkey(LOG_VKEY)]):
        with pytest.raises(Unverified) as caught:
            open_note(raw, verifiers)
        assert caught.value.reason == "not-signed"


def test_one_known_line_that_fails_refuses_the_whole_note() -> None:
    raw, verifiers = _signed("first", "second")
    parsed = parse_note(raw)
    broken = parsed.lines[1]._replace(signature=parsed.lines[0].signature)
    with pytest.raises(Unverified) as caught:
        open_note(format_note(Note(TEXT, (parsed.lines[0], broken))), verifiers)
    assert caught.value.reason == "bad-signature"
    assert "second" in str(caught.value)
    # The same line under a key that nobody knows is no concern of ours.
    assert len(open_note(format_note(Note(TEXT, (parsed.lines[0], broken))), verifiers[:1]).lines) == 1


def test_a_changed_text_does_not_open() -> None:
    raw, verifiers = _signed("first")
    with pytest.raises(Unverified):
        open_note(raw.replace(b"a text", b"A text"), verifiers)


def test_a_cosignature_is_no_plain_signature() -> None:
    with pytest.raises(Unverified):
        open_note(CHECKPOINT_TEXT + b"\n" + WITNESS_LINE, [parse_vkey(WITNESS_VKEY)])


def test_what_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="line feed"):
        sign_line("name", LOG_KEY, b"no line feed")
    with pytest.raises(Malformed):
        sign_line("a name", LOG_KEY, TEXT)


@pytest.mark.parametrize("kind", [Malformed, Unverified])
def test_an_error_survives_the_way_between_processes(kind: type[FormatError]) -> None:
    error = pickle.loads(pickle.dumps(kind("reason", "what happened")))
    assert type(error) is kind
    assert (error.reason, error.message, str(error)) == ("reason", "what happened", "what happened")

"""Contents: their forms and limits, the salted digest and the claim, and how a submission is read."""

import doctest
import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from consultation import text
from consultation.text import Content, SaltedContent
from ledger.errors import Refused
from ledger.statement import canonical, decode_line
from ledger.tlog.errors import Malformed
from ledger.vocabulary import KINDS

ORIGIN = "constancia.example/gt"
KEY = "ab" * 32
SALT = bytes(range(32))
HEX = "12" * 32


def test_the_worked_examples_are_right() -> None:
    assert doctest.testmod(text).failed == 0
    assert doctest.testmod(text).attempted >= 3


def test_the_salted_digest_is_made_of_the_bytes_that_the_format_names() -> None:
    content = Content(text="Año «nuevo»\n", name="A", place="B")
    line = b'{"name":"A","place":"B","text":"A\xc3\xb1o \xc2\xabnuevo\xc2\xbb\\n"}'
    whole = b"constancia/content/v1\n" + SALT + ORIGIN.encode() + b"\n" + KEY.encode() + b"\n" + line
    assert text.salted_digest(SALT, ORIGIN, KEY, content) == sha256(whole).hexdigest()


@pytest.mark.parametrize(
    ("salt", "origin", "key", "content"),
    [
        (bytes(32), ORIGIN, KEY, Content(text="a")),
        (SALT, "constancia.example/hn", KEY, Content(text="a")),
        (SALT, ORIGIN, "cd" * 32, Content(text="a")),
        (SALT, ORIGIN, KEY, Content(text="a ")),
        (SALT, ORIGIN, KEY, Content(text="a", place="b")),
        (SALT, ORIGIN, KEY, Content(name="a")),
    ],
)
def test_another_salt_ledger_signer_or_text_has_another_digest(
    salt: bytes, origin: str, key: str, content: Content
) -> None:
    original = text.salted_digest(SALT, ORIGIN, KEY, Content(text="a"))
    assert text.salted_digest(salt, origin, key, content) != original


def test_the_claim_is_made_of_the_bytes_that_the_format_names() -> None:
    assert text.claim(SALT) == sha256(b"constancia/claim/v1\n" + SALT).hexdigest()


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_salt_or_secret_of_another_length_is_a_bug_of_the_caller(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        text.claim(bytes(length))
    with pytest.raises(ValueError, match="32 bytes"):
        text.salted_digest(bytes(length), ORIGIN, KEY, Content(text="a"))


def test_salts_are_32_bytes_and_never_the_same() -> None:
    salts = {text.new_salt() for _ in range(100)}
    assert {len(salt) for salt in salts} == {32}
    assert len(salts) == 100


# --- bad bytes -------------------------------------------------------------------------------------------------------

BAD_CONTENTS = [
    (b"", "empty"),
    (b"not json", "not-json"),
    (b"[", "not-json"),
    (b'{"text":"a"', "not-json"),
    (b"\xff\xfe", "bad-utf8"),
    (b'\xef\xbb\xbf{"text":"a"}', "bad-utf8"),
    ('{"text":"a"}'.encode("utf-16"), "bad-utf8"),
    (b'{"text":"\xc0\xaf"}', "bad-utf8"),
    (b'{"text":"\\ud800"}', "bad-utf8"),
    (b'{"text":"a","text":"b"}', "duplicate-key"),
    (b'{"text":1.0}', "float"),
    (b'{"text":1e3}', "float"),
    (b'{"text":-0}', "float"),
    (b'{"text":9007199254740992}', "int-range"),
    (b"[" * 17 + b"]" * 17, "too-deep"),
    (b"[" * 100_000, "too-deep"),
    (b'{"text":' + b'{"text":' * 100_000, "too-deep"),
    (b'{"text":"a\\u0000b"}', "nul"),
    (b' {"text":"a"}', "not-canonical"),
    (b'{"text":"a"}\n', "not-canonical"),
    (b'{"text": "a"}', "not-canonical"),
    (b'{"text":"a","place":"b"}', "not-canonical"),
    (b'{"text":"\\u00e9"}', "not-canonical"),
    (b'{"text":"a\\/b"}', "not-canonical"),
    (b'{"texts":"a"}', "shape"),
    (b'{"text":null}', "shape"),
    (b'{"text":5}', "shape"),
    (b'{"text":["a"]}', "shape"),
    (b'"a"', "shape"),
    (b"[]", "shape"),
    (b'{"text":" \\t\\n "}', "empty-text"),
    (b'{"text":""}', "empty-text"),
    (b'{"name":"","text":"a"}', "empty-text"),
    (b'{"place":" ","text":"a"}', "empty-text"),
    (b'{"text":"' + b"a" * 4001 + b'"}', "shape"),
    (b'{"text":"' + "€".encode() * 2731 + b'"}', "shape"),
]


@pytest.mark.parametrize(("raw", "code"), BAD_CONTENTS)
def test_a_bad_content_is_refused_by_name(raw: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        text.parse_content(raw)
    assert refused.value.code == code


@pytest.mark.parametrize(("raw", "code"), [case for case in BAD_CONTENTS if case[1] != "empty-text"])
def test_the_same_bytes_are_no_submission_either(raw: bytes, code: str) -> None:
    # A text of the right shape but the wrong length is judged with its statement, not here.
    with pytest.raises(Refused):
        text.parse_submission(raw)


@pytest.mark.parametrize(
    "words", ["a", "a" * 4000, "€" * 2730, "\u200b", "\u3164", "\u00a0", "\u202e abc", "qʼij q’ij q'ij qꞌij", "\x01"]
)
def test_any_text_within_the_limits_is_kept_as_it_is(words: str) -> None:
    # No rule consults Unicode's tables: what looks empty but is none of the three ASCII characters is a text.
    assert text.parse_content(canonical(Content(text=words))).text == words


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200))
def test_what_is_written_is_read_back(words: str) -> None:
    content = Content(text=words, place="x")
    if words.strip(" \t\n"):
        assert text.parse_content(canonical(content)) == content
    else:
        with pytest.raises(Refused):
            text.parse_content(canonical(content))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        content = text.parse_content(raw)
    except Refused:
        return
    assert canonical(content) == raw


# --- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "forms"),
    [
        (Content(text="a"), {"comment", "words"}),
        (Content(text="a", name="b"), {"comment"}),
        (Content(text="a", place="b"), {"comment"}),
        (Content(name="b"), {"person"}),
        (Content(place="b"), set[str]()),
        (Content(), set[str]()),
        (Content(name="a", place="b"), set[str]()),
    ],
)
def test_a_content_has_the_fields_of_its_form(content: Content, forms: set[str]) -> None:
    fitting: set[str] = set()
    for form in ("comment", "words", "person"):
        try:
            text.check_form(content, form)
        except Refused:
            continue
        fitting.add(form)
    assert fitting == forms


COMMON = {
    "by": [{"actor": "copret", "key": KEY, "role": "coordinator"}],
    "lang": "es",
    "plan": "gt-2014-2016",
    "said_at": "2026-11-22T08:14:00Z",
}
DAY = {"day": "2015-01-01", "precision": "day"}


@pytest.mark.parametrize(
    ("fields", "forms"),
    [
        (
            {
                "about": "whole",
                "by": [{"key": KEY, "role": "citizen"}],
                "claim": HEX,
                "kind": "CommentSubmitted",
                "round": "r",
                "salted_digest": HEX,
                "version": 1,
            },
            {HEX: "comment"},
        ),
        (
            {
                "about": "whole",
                "channel": "paper",
                "heard_at": "2026-11-22T08:14:00Z",
                "kind": "CommentTranscribed",
                "round": "r",
                "salted_digest": HEX,
                "version": 1,
            },
            {HEX: "comment"},
        ),
        (
            {"kind": "RemarkRecorded", "meeting": "m", "post": "p", "speaker": "s", "words": {"salted_digest": HEX}},
            {HEX: "words"},
        ),
        ({"kind": "RemarkRecorded", "meeting": "m", "post": "p", "speaker": "s", "words": {"text": "open"}}, {}),
        (
            {"institution": "i", "kind": "OfficeHolderChanged", "on": DAY, "person": HEX, "post": "p"},
            {HEX: "person"},
        ),
        (
            {
                "kind": "AttendanceRecorded",
                "meeting": "m",
                "present": [{"actor": "a", "person": HEX, "post": "p"}, {"actor": "b", "post": "p"}],
            },
            {HEX: "person"},
        ),
        ({"axis": "a", "kind": "AxisDefined", "title": "t"}, {}),
    ],
)
def test_a_statement_says_which_form_it_expects_under_each_digest(
    fields: dict[str, object], forms: dict[str, str]
) -> None:
    line = json.dumps(COMMON | fields, sort_keys=True, separators=(",", ":")).encode()
    assert text.forms_of(decode_line(line)) == forms


def test_no_kind_binds_contents_in_a_field_that_is_not_known_here() -> None:
    """A new field of type salted digest must be given a form, or its content would be taken for a person's name."""
    known = {"salted_digest", "words", "person", "present", "target"}
    for kind in KINDS.values():
        assert callable(kind.salted_digests)
        assert {field for field in kind.__struct_fields__ if "salted" in field or "person" in field} <= known


# --- submissions -----------------------------------------------------------------------------------------------------


def test_a_submission_is_read_as_it_was_written() -> None:
    salted = SaltedContent(salt=SALT.hex(), content=Content(text="¿Por qué?"))
    raw = text.format_submission(b"a note\n", [salted])
    assert (
        raw
        == ('{"contents":[{"content":{"text":"¿Por qué?"},"salt":"' + SALT.hex() + '"}],"note":"a note\\n"}').encode()
    )
    assert text.parse_submission(raw) == text.Submission(note="a note\n", contents=(salted,))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"contents":[],"note":"a","more":1}', "shape"),
        (b'{"note":"a"}', "shape"),
        (b'{"contents":{},"note":"a"}', "shape"),
        (b'{"contents":[{"salt":"a"}],"note":"a"}', "shape"),
        (b'{"contents":[{"content":{"text":"a"},"salt":"a"}],"note":5}', "shape"),
        (b'{"note":"a","contents":[]}', "not-canonical"),
        (b'{"contents":[' + b",".join([b'{"content":{},"salt":""}'] * 257) + b'],"note":""}', "shape"),
        (b" " * (text.MAX_SUBMISSION + 1), "too-large"),
    ],
)
def test_a_bad_submission_is_refused_by_name(raw: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        text.parse_submission(raw)
    assert refused.value.code == code


@pytest.mark.parametrize("salt", ["", "00", "AB" * 32, "zz" * 32, " " + "ab" * 32, "ab " * 32, "ab" * 33])
def test_a_salt_has_one_form(salt: str) -> None:
    with pytest.raises(Refused) as refused:
        text.parse_salt(salt)
    assert refused.value.code == "shape"


# --- what is public now ----------------------------------------------------------------------------------------------

SHOWN = text.PublicLine(index=256, salted_digest="aa" * 32, salt=SALT.hex(), content=Content(text="é"))
HIDDEN = text.PublicLine(index=256, salted_digest="bb" * 32, by=text.Authority(index=300, digest="cc" * 32))
LATER = text.PublicLine(index=511, salted_digest="00" * 32, salt=SALT.hex(), content=Content(name="x"))


def test_a_file_of_contents_has_the_bytes_that_the_format_names() -> None:
    raw = text.format_bundle([SHOWN, HIDDEN])
    assert (
        raw
        == (
            '{"content":{"text":"é"},"index":256,"salt":"' + SALT.hex() + '","salted_digest":"' + "aa" * 32 + '"}\n'
            '{"by":{"digest":"' + "cc" * 32 + '","index":300},"index":256,"salted_digest":"' + "bb" * 32 + '"}\n'
        ).encode()
    )
    assert text.parse_bundle(raw, 1) == [SHOWN, HIDDEN]
    assert text.parse_bundle(b"", 1) == []


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        ([HIDDEN, SHOWN], 1),
        ([SHOWN, SHOWN], 1),
        ([SHOWN], 0),
        ([SHOWN], 2),
        ([LATER, SHOWN], 1),
        ([text.PublicLine(index=256, salted_digest="aa" * 32)], 1),
        ([text.PublicLine(index=256, salted_digest="aa" * 32, salt=SALT.hex())], 1),
        ([text.PublicLine(index=256, salted_digest="AA" * 32, by=text.Authority(index=3, digest="cc" * 32))], 1),
        ([text.PublicLine(index=256, salted_digest="aa" * 32, by=text.Authority(index=-3, digest="cc" * 32))], 1),
        ([text.PublicLine(index=256, salted_digest="aa" * 32, by=text.Authority(index=3, digest="c"))], 1),
        ([text.PublicLine(index=256, salted_digest="aa" * 32, salt="00", content=Content(text="a"))], 1),
        ([text.PublicLine(index=256, salted_digest="aa" * 32, salt=SALT.hex(), content=Content(text=" "))], 1),
        (
            [
                text.PublicLine(
                    index=256,
                    salted_digest="aa" * 32,
                    salt=SALT.hex(),
                    content=Content(text="a"),
                    by=text.Authority(index=3, digest="cc" * 32),
                )
            ],
            1,
        ),
    ],
)
def test_a_file_of_contents_out_of_order_or_shape_is_refused(lines: list[text.PublicLine], number: int) -> None:
    with pytest.raises(Refused):
        text.parse_bundle(text.format_bundle(lines), number)


@pytest.mark.parametrize("raw", [b"\n", b"{}", b"{}\n", b'{"index":256}\n', text.format_bundle([SHOWN])[:-1]])
def test_a_file_of_contents_with_a_broken_line_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused):
        text.parse_bundle(raw, 1)


def test_the_path_of_a_file_of_contents_has_one_form() -> None:
    assert text.bundle_path(1234) == "contents/x001/234"
    assert text.parse_bundle_path("contents/x001/234") == 1234
    for path in ("contents/1", "contents/0001", "contents/x000/001", "content/000", "contents/000.p/1", "contents/"):
        with pytest.raises(Malformed):
            text.parse_bundle_path(path)


def test_a_refusal_never_repeats_what_the_citizen_wrote() -> None:
    for raw in (b'{"text":"secreto", "x":1}', b'{"text":"secreto" }', b'{"text":"secreto","text":"b"}'):
        with pytest.raises(Refused) as refused:
            text.parse_content(raw)
        assert "secreto" not in str(refused.value)


def test_absent_fields_are_absent_and_never_null() -> None:
    assert canonical(Content(text="a")) == b'{"text":"a"}'
    assert Content(text="a").name is UNSET

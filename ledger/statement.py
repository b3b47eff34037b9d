"""A statement as bytes: one line of canonical JSON under the ledger's origin, in a signed note.

    constancia.example/gt                                      the origin, fixed for the ledger's life
    {"by":[{"actor":"copret","key":"03a1…","role":…}],…}       one JSON object, in its only form
                                                               (empty line)
    — constancia.example/gt/k/56475aa75463474c… base64…        one line for each signer, in the order of `by`

FORMAT.md gives every byte. Here is how trust in these bytes is reached, and nothing is trusted before its turn:

1. size, UTF-8, two lines of text, our origin;
2. the JSON decodes into one kind of the vocabulary, unknown fields refused, and encoding it again gives the same
   bytes. That comparison refuses spaces, key order, needless escapes, duplicate keys and every number that is not a
   plain integer: RFC 8785 for the subset without floats, with ASCII keys;
3. signature lines stand in the order of `by`, each under the name derived from its key, and every one verifies.

The fast path only learns "no"; a second, slow look then finds the reason to give. A statement's identity is the
SHA-256 of its signed text. Signatures are left out of it: some browsers sign with randomness, so one statement may
come with different, equally good signatures.

Nothing here reads a clock, a file or the roster. Whether a key belongs to its actor, and whether the statement may
be registered, is for `ledger.rulebook`.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

import msgspec
from nacl.signing import SigningKey

from ledger.errors import Refused
from ledger.tlog import note as notes
from ledger.tlog.errors import Malformed, Unverified
from ledger.vocabulary import FORM_IN_WORDS, MAX_INTEGER, MAX_TEXT_BYTES, AnyStatement, Statement

MAX_ENTRY = 65_535  # a bundle record has a length of two bytes
TIME_LENGTH = 24
MAX_NOTE = MAX_ENTRY - TIME_LENGTH - 1
MAX_DEPTH = 16
MAX_SIGNERS = 16

_decoder: msgspec.json.Decoder[Statement] = msgspec.json.Decoder(AnyStatement)
_encoder = msgspec.json.Encoder(order="sorted")


class Opened(msgspec.Struct, frozen=True, gc=False):
    """A statement whose bytes, signers and signatures agree. `line` is its JSON, `note` the whole signed note.

    `gc=False` here and on other values that come by the million: see `ledger.vocabulary.Shape`.
    """

    origin: str
    statement: Statement
    identity: str
    note: bytes
    line: bytes


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A registered statement: what every fold takes. `received_ms` counts milliseconds since 1970 (UTC)."""

    index: int
    received_ms: int
    opened: Opened


# --- times -----------------------------------------------------------------------------------------------------------

_WHEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


@lru_cache(maxsize=8192)
def _seconds(text: str) -> int:
    """Seconds since 1970 of `YYYY-MM-DDTHH:MM:SS`. Raises ValueError for a moment that does not exist."""
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp())


@lru_cache(maxsize=8192)
def parse_when(text: str) -> int:
    """Milliseconds since 1970 of a signer's time, `YYYY-MM-DDTHH:MM:SSZ`. Raises ValueError."""
    if not _WHEN.fullmatch(text):
        raise ValueError(f"not a time of the form YYYY-MM-DDTHH:MM:SSZ: {text[:40]!r}")
    return _seconds(text[:19]) * 1000


def format_when(ms: int) -> str:
    """A signer's time, `YYYY-MM-DDTHH:MM:SSZ`; what is below a second is cut."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=8192)
def parse_time(text: str) -> int:
    """Milliseconds since 1970 of a received time, `YYYY-MM-DDTHH:MM:SS.mmmZ`. Raises ValueError."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"not a time of the form YYYY-MM-DDTHH:MM:SS.mmmZ: {text[:40]!r}")
    return _seconds(text[:19]) * 1000 + int(text[20:23])


def format_time(ms: int) -> str:
    """A received time, `YYYY-MM-DDTHH:MM:SS.mmmZ`."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


# --- entries ---------------------------------------------------------------------------------------------------------


def format_entry(received_ms: int, note: bytes) -> bytes:
    """The bytes of a leaf: received time, line feed, note. Raises Refused (too-large)."""
    if len(note) > MAX_NOTE:
        raise Refused("too-large", "FORMAT.md, Entry", f"a note of {len(note)} bytes; the limit is {MAX_NOTE}")
    return format_time(received_ms).encode() + b"\n" + note


def parse_entry(entry: bytes) -> tuple[int, bytes]:
    """Received time (ms) and note of a leaf's bytes. Raises ValueError; the note is not looked into."""
    if len(entry) > MAX_ENTRY or entry[TIME_LENGTH : TIME_LENGTH + 1] != b"\n":
        raise ValueError("an entry is a received time of 24 characters, a line feed and a note, at most 65,535 bytes")
    return parse_time(entry[:TIME_LENGTH].decode("ascii", "replace")), entry[TIME_LENGTH + 1 :]


# --- canonical JSON --------------------------------------------------------------------------------------------------


def canonical(value: object) -> bytes:
    """The canonical JSON of a struct or of plain objects within our subset (RFC 8785, no floats, ASCII keys)."""
    return _encoder.encode(value)


def canonical_lines(values: Sequence[object]) -> bytes:
    """The canonical JSON of each, with a line feed behind each."""
    return _encoder.encode_lines(values)


def decode_line(line: bytes) -> Statement:
    """The statement of one line of JSON. Raises Refused naming what is wrong with the bytes."""
    try:
        statement = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _why_not(line, error) from None
    if _encoder.encode(statement) != line or b"\\u0000" in line:
        # A NUL alone survives decoding and encoding; the six characters may also be an escaped backslash and a word.
        check_json_bytes(line)
        expected = _encoder.encode(statement)
        if expected != line:
            raise Refused(
                "not-canonical",
                "FORMAT.md, Canonical JSON",
                f"the object has only one form as bytes; its SHA-256 is {sha256(expected).hexdigest()}",
            )
    if len(line) > MAX_TEXT_BYTES:
        _check_text_bytes(line)
    return statement


def _check_text_bytes(line: bytes) -> None:
    """No text over 8,192 bytes: types can only count code points. Raises Refused (shape)."""
    for text in _STRING.findall(line.decode()):
        size = len(json.loads(text).encode())
        if size > MAX_TEXT_BYTES:
            raise Refused("shape", "A1", f"a text has {size} bytes; the limit is {MAX_TEXT_BYTES}")


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def check_json_bytes(line: bytes) -> None:
    """What is wrong with these bytes as JSON of our subset, whatever they mean. Raises Refused; linear in time."""
    where = "FORMAT.md, Canonical JSON"
    if not line:
        raise Refused("empty", where, "there is nothing here")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise Refused("bad-utf8", where, f"not UTF-8 at byte {error.start}") from None
    if text.startswith("\ufeff"):
        raise Refused("bad-utf8", where, "a byte order mark; JSON here starts with {")
    outside = _STRING.sub('""', text)
    depth = 0
    for bracket in _BRACKET.finditer(outside):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise Refused("too-deep", where, f"objects and lists go deeper than {MAX_DEPTH}")
    if _ESCAPED_NUL.search(text):
        raise Refused("nul", where, "a NUL character")
    try:
        json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_plain_integer,
        )
    except Refused:
        raise
    except ValueError as error:
        raise Refused("not-json", where, f"not JSON: {error}") from None
    try:
        for string in _STRING.findall(text):
            json.loads(string).encode()
    except UnicodeEncodeError:
        raise Refused("bad-utf8", where, "half of a surrogate pair, which no UTF-8 can hold") from None


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused("duplicate-key", "FORMAT.md, Canonical JSON", f"the key {twice!r} stands twice in one object")
    return found


def _no_float(text: str) -> object:
    raise Refused("float", "FORMAT.md, Canonical JSON", f"{text[:40]} is not a plain integer")


def _plain_integer(text: str) -> int:
    if text == "-0":
        return _no_float(text)  # type: ignore[return-value]
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise Refused("int-range", "FORMAT.md, Canonical JSON", f"{text[:40]} is outside ±(2^53−1)")
    return int(text)


_AT = re.compile(r" - at `\$(.*)`$")
_REGEX = re.compile(r"^Expected `(?:str|object)` matching regex '(.*)'$", re.DOTALL)


def _why_not(line: bytes, error: Exception) -> Refused:
    """The reason why a line did not decode: the bytes first, then the shape in plain words."""
    try:
        check_json_bytes(line)
    except Refused as reason:
        return reason
    message = str(error)
    place = _AT.search(message)
    message = _AT.sub("", message)
    if form := _REGEX.match(message):
        message = FORM_IN_WORDS.get(form[1].encode().decode("unicode_escape"), "not of the form of its type")
    where = f"`{place[1].lstrip('.')}`: " if place and place[1] else ""
    return Refused("shape", "A1", f"{where}{message}")


# --- keys' names -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2048)  # the keys of bodies; those of citizens come once
def key_name(origin: str, public_key: str) -> tuple[str, bytes, bytes]:
    """Name and key id of the signature line of a key (64 hex digits) in the ledger `origin`, and the raw key.

    `<origin>/k/<first 32 hex digits of SHA-256(raw key)>`: no line can carry another's name, and one key has two
    names in two ledgers.
    """
    raw = bytes.fromhex(public_key)
    name = f"{origin}/k/{sha256(raw).hexdigest()[:32]}"
    return name, notes.key_id(name, notes.ED25519, raw), raw


# --- opening ---------------------------------------------------------------------------------------------------------


def open_statement(note: bytes, origin: str) -> Opened:
    """The statement of a signed note for the ledger `origin`, every signature verified.

    Raises Refused: too-large, empty, bad-utf8, not-json …, wrong-origin, shape, encoding, weak-key, bad-signature.
    """
    statement, parsed, line = _take_apart(note, origin)
    if len(parsed.lines) != len(statement.by):
        raise Refused(
            "bad-signature",
            "A2",
            f"{len(parsed.lines)} signature lines for {len(statement.by)} signers: one each",
        )
    text = parsed.text
    for number, (signer, written) in enumerate(zip(statement.by, parsed.lines, strict=True)):
        name, identifier, raw = key_name(origin, signer.key)
        if written.name != name or written.key_id != identifier:
            raise Refused(
                "bad-signature", "A2", f"signature line {number + 1} is not under the name of its key, {name}"
            )
        _verify(raw, text, written.signature, signer.key)
    return Opened(origin, statement, sha256(text).hexdigest(), note, line)


def read_unverified(note: bytes, origin: str) -> Statement:
    """What a note says, before anybody looks at its signatures: good for treating whoever sent it, for nothing else.

    Raises Refused as `open_statement`, but for signatures.
    """
    return _take_apart(note, origin)[0]


def unverified_identity(note: bytes) -> str:
    """The identity that a note has if it is a statement at all; of anything else, a digest that no statement has."""
    return sha256(note[: note.rfind(b"\n\n") + 1]).hexdigest()


def _verify(raw: bytes, text: bytes, signature: bytes, key: str) -> None:
    try:
        notes.verify_ed25519(raw, text, signature)
    except Unverified as error:
        raise Refused(error.reason, "A2", f"key {key[:16]}…: {error.message}") from None


_NOTE_FAULTS = {"empty": "empty", "too-large": "too-large", "bad-utf8": "bad-utf8", "encoding": "encoding"}


def _take_apart(note: bytes, origin: str) -> tuple[Statement, notes.Note, bytes]:
    """A note's statement, its parts and its JSON line; signatures are not looked at."""
    if len(note) > MAX_NOTE:
        raise Refused("too-large", "FORMAT.md, Entry", f"a note of {len(note)} bytes; the limit is {MAX_NOTE}")
    try:
        parsed = notes.parse_note(note, max_lines=MAX_SIGNERS)
    except Malformed as error:
        code = _NOTE_FAULTS.get(error.reason, "bad-signature" if error.reason == "no-signatures" else "not-json")
        raise Refused(code, "FORMAT.md, Statement", error.message) from None
    first, _, rest = parsed.text.partition(b"\n")
    line = rest[:-1]
    if b"\n" in line or not line.startswith(b"{"):
        if not rest or b"\n" in line:
            raise Refused(
                "not-json", "FORMAT.md, Statement", "the text of a statement has two lines: origin and object"
            )
        check_json_bytes(line)
        raise Refused("shape", "FORMAT.md, Statement", "the second line of a statement is one JSON object")
    if first != origin.encode():
        shown = first[:200].decode("utf-8", "replace")
        raise Refused("wrong-origin", "A1", f"this is for the ledger {shown!r}, and this ledger is {origin!r}")
    return decode_line(line), parsed, line


# --- making ----------------------------------------------------------------------------------------------------------


def signed_text(origin: str, statement: Statement) -> bytes:
    """What signers sign: origin and JSON, each with its line feed."""
    return origin.encode() + b"\n" + canonical(statement) + b"\n"


def identity_of(origin: str, statement: Statement) -> str:
    """The identity, 64 hex digits, that the statement will have in this ledger."""
    return sha256(signed_text(origin, statement)).hexdigest()


def sign_statement(origin: str, statement: Statement, keys: Sequence[SigningKey]) -> bytes:
    """The note of a statement signed by all that its `by` names, `keys` in the same order.

    Raises ValueError when a key is not the one named, Refused when the statement could not be read back.
    """
    if [bytes(key.verify_key).hex() for key in keys] != [signer.key for signer in statement.by]:
        raise ValueError("the keys are not those that `by` names, in that order")
    text = signed_text(origin, statement)
    lines = [
        notes.sign_line(key_name(origin, signer.key)[0], key, text)
        for signer, key in zip(statement.by, keys, strict=True)
    ]
    note = notes.format_note(notes.Note(text, tuple(lines)))
    _take_apart(note, origin)
    return note


def countersign(note: bytes, origin: str, key: SigningKey) -> bytes:
    """Add the line of `key` to a note that others have signed; their lines are verified, and stay in the order of `by`.

    Raises Refused: what `open_statement` refuses, and `bad-signature` when the key is not named in `by`.
    """
    statement, parsed, _ = _take_apart(note, origin)
    written = {line.name: line for line in parsed.lines}
    ordered: list[notes.SignatureLine] = []
    mine = bytes(key.verify_key).hex()
    if mine not in {signer.key for signer in statement.by}:
        raise Refused("bad-signature", "A2", f"the key {mine[:16]}… is not among the signers that the statement names")
    for signer in statement.by:
        name, identifier, raw = key_name(origin, signer.key)
        line = written.pop(name, None)
        if signer.key == mine:
            ordered.append(notes.sign_line(name, key, parsed.text))
        elif line is not None:
            if line.key_id != identifier:
                raise Refused("bad-signature", "A2", f"the line of {name} has another key's id")
            _verify(raw, parsed.text, line.signature, signer.key)
            ordered.append(line)
    if written:
        raise Refused("bad-signature", "A2", f"a line of somebody not named in `by`: {next(iter(written))}")
    return notes.format_note(notes.Note(parsed.text, tuple(ordered)))


def missing_signers(note: bytes, origin: str) -> list[str]:
    """Keys (64 hex digits) named in `by` that have not signed yet. Raises Refused."""
    statement, parsed, _ = _take_apart(note, origin)
    names = {line.name for line in parsed.lines}
    return [signer.key for signer in statement.by if key_name(origin, signer.key)[0] not in names]

"""Contents: what a statement binds by a salted digest and keeps out of the tree, so that it can disappear.

A content is one JSON object of texts, in one of three forms (FORMAT.md, "Contents"):

    comment   {"name"?, "place"?, "text"}     a citizen's comment; name and place only if the citizen gives them
    words     {"text"}                        words that name a person
    person    {"name"}                        a person's name

It is bound to one ledger and one signer, so a copy under another key, or in another ledger, has another digest:

    SHA-256("constancia/content/v1\\n" ‖ salt ‖ origin ‖ "\\n" ‖ first signer's key, 64 hex ‖ "\\n" ‖ canonical JSON)

The salt is 32 random bytes. It keeps a short text from being guessed; it proves nothing about who wrote it, because
it is published with the text. Authorship is proved by the key, or by the claim secret, whose digest is in the comment:

    SHA-256("constancia/claim/v1\\n" ‖ secret)

Contents travel with their statement in one submission, one JSON object in its canonical form:

    {"contents":[{"content":{"text":"…"},"salt":"64 hex"}],"note":"the signed note"}

What is public now of the contents of entries 256N to 256N+255 is the published file `contents/<N>`: lines of canonical
JSON by index, then by salted digest. A content that was taken from view has a marker naming the statement that did it:

    {"content":{"text":"…"},"index":18,"salt":"64 hex","salted_digest":"64 hex"}
    {"by":{"digest":"64 hex","index":25},"index":19,"salted_digest":"64 hex"}

>>> salt, key = bytes(range(32)), "3b" * 32
>>> salted_digest(salt, "constancia.example/gt", key, Content(text="Que se publique el acta."))
'72a7c1e05e2e8a59f72404fd7ba30a5186dd55bf14483bd53499aba0aa49f892'
>>> claim(bytes(32))
'6f94eab2caa09a3daac38a88599cb1f94a80c1f0c430b95c073fd84d10bef271'
"""

import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from ledger.errors import Refused
from ledger.statement import canonical, canonical_lines, check_json_bytes
from ledger.tlog.errors import Malformed
from ledger.tlog.tiles import index_path, parse_index_path
from ledger.vocabulary import (
    CommentSubmitted,
    CommentTranscribed,
    ContentRedacted,
    ModerationAppealed,
    Statement,
    Words,
)

SALT_BYTES = 32
MAX_CODE_POINTS = 4_000
MAX_BYTES = 8_192
MAX_CONTENTS = 256  # an attendance list names at most so many persons

# What one submission may weigh: a note as large as notes get, written as a JSON string, and a few full contents.
# A statement that brings more (hundreds of names) stays below it too, because names are short.
MAX_SUBMISSION = 262_144

SALT_DOMAIN = b"constancia/content/v1\n"
CLAIM_DOMAIN = b"constancia/claim/v1\n"

WHERE = "FORMAT.md, Contents"

T = TypeVar("T")
Form = Literal["comment", "words", "person"]

# The fields of each form: those that must be there, and those that may.
_FIELDS: dict[Form, tuple[frozenset[str], frozenset[str]]] = {
    "comment": (frozenset({"text"}), frozenset({"text", "name", "place"})),
    "words": (frozenset({"text"}), frozenset({"text"})),
    "person": (frozenset({"name"}), frozenset({"name"})),
}


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The texts of one content, of any form. Which form a statement expects for a digest: `forms_of`."""

    text: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    place: str | UnsetType = UNSET


class SaltedContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A content with its salt, 64 hex digits."""

    salt: str
    content: Content


class Submission(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client posts: the signed note, and the contents whose salted digests it brings."""

    note: str
    contents: tuple[SaltedContent, ...]


_decode_content = msgspec.json.Decoder(Content).decode
_decode_submission = msgspec.json.Decoder(Submission).decode


# --- contents --------------------------------------------------------------------------------------------------------


def parse_content(raw: bytes) -> Content:
    """The content of canonical JSON bytes; its texts are within the limits. Raises Refused."""
    content = _decoded(raw, _decode_content)
    check_limits(content)
    return content


def check_limits(content: Content) -> None:
    """Each text has 1 to 4,000 code points, at most 8,192 bytes, and is not blank. Raises Refused.

    Blank is ASCII space, tab and line feed alone: what else is invisible depends on the version of Unicode's tables,
    and two readers must not differ. The code is `empty-text` for a blank text, `shape` for one that is too long.
    """
    for field in ("text", "name", "place"):
        text = getattr(content, field)
        if text is UNSET:
            continue
        if not text.strip(" \t\n"):
            raise Refused("empty-text", WHERE, f"`{field}` has no character other than space, tab and line feed")
        if "\0" in text:
            raise Refused("nul", WHERE, f"`{field}` has a NUL character")
        # A code point is at most four bytes: most texts need not be encoded to be measured.
        if len(text) > MAX_CODE_POINTS or (len(text) > MAX_BYTES // 4 and len(text.encode()) > MAX_BYTES):
            raise Refused(
                "shape",
                WHERE,
                f"`{field}` has {len(text)} characters in {len(text.encode())} bytes; "
                f"the limits are {MAX_CODE_POINTS} and {MAX_BYTES}",
            )


def check_form(content: Content, form: Form) -> None:
    """The content has the fields of this form. Raises Refused (shape)."""
    if form == "comment" and content.text is not UNSET:  # the mass: all else is the citizen's to give or not
        return
    present = {field for field in ("text", "name", "place") if getattr(content, field) is not UNSET}
    needed, allowed = _FIELDS[form]
    if not needed <= present or not present <= allowed:
        raise Refused(
            "shape",
            WHERE,
            f"a content of the form {form} has {' and '.join(sorted(needed))}"
            + (f", and may have {' and '.join(sorted(allowed - needed))}" if allowed - needed else "")
            + f"; this one has {', '.join(sorted(present)) or 'nothing'}",
        )


def forms_of(statement: Statement) -> dict[str, Form]:
    """The contents that a statement brings: salted digest -> the form that is expected under it."""
    forms: dict[str, Form] = {}
    brought = statement.salted_digests()
    if not brought:
        return forms
    words = {
        value.salted_digest
        for value in (getattr(statement, field) for field in statement.__struct_fields__)
        if isinstance(value, Words)
    }
    for digest in brought:
        if digest in words or isinstance(statement, ModerationAppealed):
            forms[digest] = "words"
        elif isinstance(statement, CommentSubmitted | CommentTranscribed | ContentRedacted):
            forms[digest] = "comment"
        else:
            forms[digest] = "person"
    return forms


# --- digests ---------------------------------------------------------------------------------------------------------


def new_salt() -> bytes:
    """32 bytes from the system's random source."""
    return secrets.token_bytes(SALT_BYTES)


def salted_digest(salt: bytes, origin: str, first_signer: str, content: Content) -> str:
    """The salted digest, 64 hex digits, of a content in the ledger `origin` under the key (64 hex) of its first signer.

    Raises ValueError for a salt or key of another length.
    """
    if len(salt) != SALT_BYTES or len(first_signer) != 64:
        raise ValueError("a salt has 32 bytes, and a key is written in 64 hexadecimal digits")
    tied = f"{origin}\n{first_signer}\n".encode()
    return sha256(SALT_DOMAIN + salt + tied + canonical(content)).hexdigest()


def claim(secret: bytes) -> str:
    """The claim, 64 hex digits, that a comment carries for this secret of 32 bytes. Raises ValueError."""
    if len(secret) != SALT_BYTES:
        raise ValueError("a claim secret has 32 bytes")
    return sha256(CLAIM_DOMAIN + secret).hexdigest()


def parse_salt(text: str) -> bytes:
    """The 32 bytes of a salt written in 64 lower-case hex digits. Raises Refused (shape)."""
    try:
        salt = bytes.fromhex(text)
    except ValueError:
        salt = b""
    # Formatting it again catches capitals and the spaces that fromhex skips.
    if len(salt) != SALT_BYTES or salt.hex() != text:
        raise Refused("shape", WHERE, "a salt is 32 bytes, written in 64 lower-case hexadecimal digits")
    return salt


def fit(statement: Statement, origin: str, contents: Sequence[SaltedContent]) -> dict[str, SaltedContent]:
    """The contents by salted digest, if they are those that the statement binds: all of them and no others.

    Raises Refused: `digest-mismatch`, `empty-text`, `nul`, `shape`.
    """
    expected = forms_of(statement)
    if len(contents) > MAX_CONTENTS:
        raise Refused("shape", WHERE, f"{len(contents)} contents; the limit is {MAX_CONTENTS}")
    fitted: dict[str, SaltedContent] = {}
    for number, salted in enumerate(contents, 1):
        check_limits(salted.content)
        digest = salted_digest(parse_salt(salted.salt), origin, statement.by[0].key, salted.content)
        form = expected.get(digest)
        if form is None or digest in fitted:
            raise Refused(
                "digest-mismatch",
                WHERE,
                f"content {number} of {len(contents)} gives the salted digest {digest}, which the statement "
                + ("brings once only" if digest in fitted else "does not bring"),
            )
        check_form(salted.content, form)
        fitted[digest] = salted
    missing = [digest for digest in expected if digest not in fitted]
    if missing:
        raise Refused(
            "digest-mismatch",
            WHERE,
            f"the statement brings {len(expected)} salted digest(s); the content of {missing[0]} did not come",
        )
    return fitted


# --- submissions -----------------------------------------------------------------------------------------------------


def parse_submission(raw: bytes) -> Submission:
    """A submission from the bytes of its canonical JSON; nothing in it is checked beyond its shape. Raises Refused."""
    if len(raw) > MAX_SUBMISSION:
        raise Refused("too-large", WHERE, f"a submission of {len(raw)} bytes; the limit is {MAX_SUBMISSION}")
    submission = _decoded(raw, _decode_submission)
    if len(submission.contents) > MAX_CONTENTS:
        raise Refused("shape", WHERE, f"{len(submission.contents)} contents; the limit is {MAX_CONTENTS}")
    return submission


def format_submission(note: bytes, contents: Sequence[SaltedContent]) -> bytes:
    """The bytes of a submission. The inverse of `parse_submission`."""
    return canonical(Submission(note=note.decode(), contents=tuple(contents)))


# --- what is public now ----------------------------------------------------------------------------------------------

BUNDLE = 256  # entries whose contents share one file


class Authority(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The statement that took a content from view: its identity and its index."""

    digest: str
    index: int


class PublicLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One line of `contents/<N>`: a content with its salt, or in place of both the marker `by`."""

    index: int
    salted_digest: str
    salt: str | UnsetType = UNSET
    content: Content | UnsetType = UNSET
    by: Authority | UnsetType = UNSET


_line_decoder = msgspec.json.Decoder(PublicLine)
_HEX64 = re.compile("[0-9a-f]{64}")


def bundle_path(number: int) -> str:
    """The path of the file for entries 256·number to 256·number+255, below the ledger's prefix."""
    return f"contents/{index_path(number)}"


def parse_bundle_path(path: str) -> int:
    """The number in such a path. Raises Malformed (shape, encoding)."""
    if not path.startswith("contents/"):
        raise Malformed("shape", f"not the path of a file of contents: {path[:80]!r}")
    return parse_index_path(path.removeprefix("contents/"))


def format_bundle(lines: Iterable[PublicLine]) -> bytes:
    """The bytes of `contents/<N>`; the lines come in order."""
    return canonical_lines(list(lines))


def parse_bundle(raw: bytes, number: int) -> list[PublicLine]:
    """The lines of `contents/<number>`, each in its place; no digest is recomputed. Raises Refused."""
    if raw and not raw.endswith(b"\n"):
        raise Refused("shape", WHERE, "the last line has no line feed")
    lines = _canonical_lines(raw)
    before, end = (BUNDLE * number, ""), (BUNDLE * (number + 1), "")
    for line in lines:
        place = (line.index, line.salted_digest)
        if not before < place < end:
            raise Refused("shape", WHERE, f"a line of entry {line.index} out of its place")
        before = place
        if not _HEX64.fullmatch(line.salted_digest):
            raise Refused("shape", WHERE, f"entry {line.index}: a salted digest is 64 lower-case hex digits")
        if isinstance(line.by, Authority):
            whole = line.salt is UNSET and line.content is UNSET
            if not whole or line.by.index < 0 or not _HEX64.fullmatch(line.by.digest):
                raise Refused("shape", WHERE, f"entry {line.index}: not a marker")
        elif isinstance(line.content, Content) and isinstance(line.salt, str):
            parse_salt(line.salt)
            check_limits(line.content)
        else:
            raise Refused("shape", WHERE, f"entry {line.index}: neither a content with its salt nor a marker")
    return lines


def _canonical_lines(raw: bytes) -> list[PublicLine]:
    """Decode all lines at once, encode again, compare; only where that fails is the line looked for. Raises Refused."""
    try:
        lines = _line_decoder.decode_lines(raw)
        if canonical_lines(lines) == raw:
            return lines
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    return [_decoded(line, _line_decoder.decode) for line in raw.split(b"\n")[:-1]]


def _decoded(raw: bytes, decode: Callable[[bytes], T]) -> T:
    """Decode, encode again, compare. Raises Refused naming what is wrong with the bytes, or else with the shape."""
    try:
        decoded = decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        check_json_bytes(raw)
        raise Refused("shape", WHERE, _in_words(str(error))) from None
    expected = canonical(decoded)
    if expected != raw:
        check_json_bytes(raw)
        raise Refused(
            "not-canonical",
            WHERE,
            f"the object has only one form as bytes; its SHA-256 is {sha256(expected).hexdigest()}",
        )
    return decoded


def _in_words(message: str) -> str:
    """What msgspec says, with the place in front as elsewhere."""
    text, found, place = message.removesuffix("`").partition(" - at `$.")
    return f"`{place}`: {text}" if found else message

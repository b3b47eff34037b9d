"""Signed notes: a text, and the lines of those who signed it.

Spec: c2sp.org/signed-note

A note is a text, an empty line, and one signature line or more:

    ledger.example/prueba
    8
    XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

    — ledger.example/prueba AXc9HN7mdKEwtRP36uanecHeVtfKBfq5DYIG5si6fm1TfW9Wk4SgLWR8qZAgshHXwUScMgssSDdSDI5q+CUTp208WAU=
    — witness.example/w1 IDJKvgAAAABlU/EADY8BdtnjWDfK8QZ3d8HqP5HpO+qPw+rsaxTp35CgwOEKnKiLB902WTReJr+VpY14BfLRu7MBnQ16PMaR9ZO/BQ==

The text ends at the last empty line and keeps its final line feed; signatures cover the text alone. A
signature line is an em dash (U+2014), a space, the name of the key, a space, and the base64 of a key id
of 4 bytes and the signature. Name and key id together fix key *and* algorithm; lines of unknown keys are
ignored, and their order means nothing.

A verifier key (vkey) is a key as one string, name, key id and base64 of the type byte and the key:

    ledger.example/prueba+01773d1c+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4

The key id is the first 4 bytes of SHA-256(name ‖ 0x0A ‖ type byte ‖ key).

Ed25519 is verified here under the strict rules: canonical encodings of A and R, neither of small order,
S below the group order, then the equation without cofactor. Those are libsodium's, so libsodium judges;
only when it refuses do we look again, slowly, to say why. Verifying releases the interpreter lock.

>>> from nacl.signing import SigningKey
>>> key = SigningKey(bytes(range(32)))
>>> text = b"ledger.example/prueba\\n8\\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\\n"
>>> raw = format_note(Note(text, (sign_line("ledger.example/prueba", key, text),)))
>>> vkey = format_vkey("ledger.example/prueba", ED25519, bytes(key.verify_key))
>>> [line.name for line in open_note(raw, [parse_vkey(vkey)]).lines]
['ledger.example/prueba']
"""  # noqa: E501 (a signature line has the length it has)

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from re import compile as pattern
from typing import NamedTuple

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from ledger.tlog.errors import Malformed, Unverified

# Signature types, the byte before the key in a vkey.
ED25519 = 0x01
COSIGNATURE_ED25519 = 0x04
COSIGNATURE_ML_DSA_44 = 0x06

KEY_LENGTHS = {ED25519: 32, COSIGNATURE_ED25519: 32, COSIGNATURE_ML_DSA_44: 1312}

# The spec asks for room for 16 lines at least; a policy of 32 witnesses with two keys each fits too.
MAX_LINES = 100
MAX_SIZE = 1_000_000

_CONTROL_BYTES = bytes(set(range(0x20)) - {0x0A})

# Unicode's White_Space, written out: the tables of two languages, or of two versions of one, differ.
_NAME = pattern("[^+ \t\n\v\f\r\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_DECIMAL = pattern("0|[1-9][0-9]*")
_KEY_ID_HEX = pattern("[0-9a-f]{8}")


class SignatureLine(NamedTuple):
    """One line under a note: whose, and what. The signature is as yet only bytes."""

    name: str
    key_id: bytes
    signature: bytes


class Note(NamedTuple):
    """A text, with its final line feed, and the lines under it, in the order in which they stand."""

    text: bytes
    lines: tuple[SignatureLine, ...]


class Verifier(NamedTuple):
    """A public key that signs notes under a name: what a vkey says."""

    name: str
    key_id: bytes
    type_byte: int
    public_key: bytes


# --- the forms of numbers and bytes, for all specs of this package ---------------------------------------


def parse_decimal(text: str, limit: int = 2**63 - 1) -> int:
    """Return the number written as `0` or without a leading zero, in ASCII digits, at most `limit`.

    Raises Malformed (encoding). `int()` alone takes "1_000", " 5", "+5" and "٣".
    """
    # 2^63-1 has 19 digits: the length is looked at first, so that no huge number is ever computed.
    if len(text) > 20 or not _DECIMAL.fullmatch(text) or (number := int(text)) > limit:
        raise Malformed("encoding", f"not a decimal number of at most {limit}: {text[:40]!r}")
    return number


def parse_base64(text: str, length: int | None = None) -> bytes:
    """Return the bytes of RFC 4648 base64 in its one form, with padding; `length` of them, if given.

    Raises Malformed (encoding): for foreign characters, missing padding, and stray bits in the last
    character, which most decoders overlook.
    """
    try:
        raw = a2b_base64(text, strict_mode=True)
    except ValueError:
        raise Malformed("encoding", f"not base64: {text[:80]!r}") from None
    if b2a_base64(raw, newline=False).decode() != text:
        raise Malformed("encoding", f"base64 in another than its one form: {text[:80]!r}")
    if length is not None and len(raw) != length:
        raise Malformed("encoding", f"base64 of {len(raw)} bytes where {length} belong: {text[:80]!r}")
    return raw


def format_base64(raw: bytes) -> str:
    """Return the base64 of `raw`, with padding and without line feeds."""
    return b2a_base64(raw, newline=False).decode("ascii")


def decode_utf8(raw: bytes) -> str:
    """Return `raw` as text. Raises Malformed (bad-utf8)."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("bad-utf8", f"not UTF-8 at byte {error.start}") from None


def check_name(name: str) -> None:
    """Raise Malformed (name) unless `name` may be that of a key: not empty, no space, no plus sign."""
    if not _NAME.fullmatch(name):
        raise Malformed("name", f"not a key name: {name[:80]!r}")


# --- notes ---------------------------------------------------------------------------------------------


def parse_note(raw: bytes, *, max_lines: int = MAX_LINES, max_size: int = MAX_SIZE) -> Note:
    """Take a note apart. Nothing is verified; of the text only UTF-8 and control bytes are judged.

    Raises Malformed (empty, too-large, bad-utf8, control-byte, no-signatures, shape, encoding, name).
    """
    if not raw:
        raise Malformed("empty", "no bytes")
    if len(raw) > max_size:
        raise Malformed("too-large", f"a note of {len(raw)} bytes, over {max_size}")
    # UTF-8 never hides a line feed inside another character, so bytes can be cut before they are decoded.
    cut = raw.rfind(b"\n\n") + 1
    text = raw[:cut]
    try:
        text.decode()
        block = raw[cut:].decode()
    except UnicodeDecodeError:
        raise Malformed("bad-utf8", "a note that is not UTF-8") from None
    if len(raw.translate(None, _CONTROL_BYTES)) != len(raw):
        raise Malformed("control-byte", "a control character other than a line feed")
    if not cut or len(block) == 1:
        raise Malformed("no-signatures", "no empty line with signature lines after it")
    first, *lines, last = block.split("\n")
    if first or last:
        raise Malformed("shape", "the last line does not end in a line feed")
    if len(lines) > max_lines:
        raise Malformed("too-large", f"more than {max_lines} signature lines")
    return Note(text, tuple([parse_line(line) for line in lines]))


def parse_line(line: str) -> SignatureLine:
    """Take one signature line, without its line feed, apart. Raises Malformed (encoding, name)."""
    dash, _, rest = line.partition(" ")
    # A line feed inside the base64 makes a line without a dash: for the sender that is his encoding.
    if dash != "—":
        raise Malformed("encoding", f"not a signature line: {line[:80]!r}")
    name, _, payload = rest.partition(" ")
    if not _NAME.fullmatch(name):
        raise Malformed("name", f"not a key name: {name[:80]!r}")
    blob = parse_base64(payload)
    if len(blob) < 5:
        raise Malformed("encoding", f"a signature line of only {len(blob)} bytes: {line[:80]!r}")
    return SignatureLine(name, blob[:4], blob[4:])


def format_line(line: SignatureLine) -> str:
    """Write a signature line, with its line feed."""
    return f"— {line.name} {format_base64(line.key_id + line.signature)}\n"


def format_note(note: Note) -> bytes:
    """Write a note. The inverse of `parse_note`: parsing and writing gives the same bytes."""
    return note.text + b"\n" + "".join(map(format_line, note.lines)).encode()


# --- keys ----------------------------------------------------------------------------------------------


def key_id(name: str, type_byte: int, public_key: bytes) -> bytes:
    """Return the 4 bytes that tell keys of one name apart."""
    return sha256(b"%b\n%c%b" % (name.encode(), type_byte, public_key)).digest()[:4]


def format_vkey(name: str, type_byte: int, public_key: bytes) -> str:
    """Write a key as one string."""
    encoded = format_base64(bytes([type_byte]) + public_key)
    return f"{name}+{key_id(name, type_byte, public_key).hex()}+{encoded}"


def parse_vkey(vkey: str) -> Verifier:
    """Read a key from its one string.

    Raises Malformed (encoding, name, key), and Unverified (weak-key) for an Ed25519 key that the strict
    rules refuse. Types other than Ed25519 (0x01) and the cosignatures (0x04, 0x06) are not read.
    """
    # The base64 may contain plus signs, the name may not: only the first two cut.
    name, first, rest = vkey.partition("+")
    hexadecimal, second, encoded = rest.partition("+")
    if not first or not second or not _KEY_ID_HEX.fullmatch(hexadecimal):
        raise Malformed("encoding", f"not a vkey: {vkey[:120]!r}")
    check_name(name)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Malformed("bad-utf8", f"not a key name: {name[:80]!r}") from None
    blob = parse_base64(encoded)
    if not blob or KEY_LENGTHS.get(blob[0]) != len(blob) - 1:
        raise Malformed("key", f"a key of an unknown type or of the wrong length: {vkey[:120]!r}")
    verifier = Verifier(name, bytes.fromhex(hexadecimal), blob[0], blob[1:])
    if key_id(name, blob[0], blob[1:]) != verifier.key_id:
        raise Malformed("key", f"the key id is not that of the key: {vkey[:120]!r}")
    if blob[0] != COSIGNATURE_ML_DSA_44:
        check_public_key(verifier.public_key)
    return verifier


# --- Ed25519, strictly ---------------------------------------------------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_WITHOUT_SIGN = (1 << 255) - 1

# The y of the eight points of small order, whichever the sign of x. With the rule that y < p these are
# all 14 encodings of such points, and both where x is 0 and the sign bit 1.
_SMALL_ORDER = frozenset(
    {
        0,
        1,
        _P - 1,
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    }
)


def _is_weak(point: bytes) -> bool:
    """Say whether an encoded point is not canonical, or of small order."""
    y = int.from_bytes(point, "little") & _WITHOUT_SIGN
    return y >= _P or y in _SMALL_ORDER


@lru_cache(maxsize=4096)
def _is_good_key(public_key: bytes) -> bool:
    return len(public_key) == 32 and not _is_weak(public_key)


def check_public_key(public_key: bytes) -> None:
    """Raise Unverified (weak-key) unless these are 32 bytes that the strict rules accept as a key.

    To be called when a key is first accepted: under a small-order key one signature fits many messages,
    so its holder could deny what was signed.
    """
    if not _is_good_key(public_key):
        raise Unverified("weak-key", f"not an acceptable Ed25519 key: {public_key[:33].hex()}")


def verify_ed25519(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Raise Unverified (weak-key, bad-signature) unless `signature` is that of the key on the message."""
    # The binding takes signature and message in one buffer, so the lengths are judged here.
    if len(signature) == 64 and len(public_key) == 32:
        try:
            crypto_sign_open(signature + message, public_key)
        except BadSignatureError:
            pass
        else:
            return
    check_public_key(public_key)
    if len(signature) != 64:
        raise Unverified("bad-signature", f"a signature of {len(signature)} bytes instead of 64")
    if _is_weak(signature[:32]):
        raise Unverified("weak-key", "the R of the signature is not canonical, or of small order")
    if int.from_bytes(signature[32:], "little") >= _L:
        raise Unverified("bad-signature", "the S of the signature is not below the group order")
    raise Unverified("bad-signature", "the signature does not verify")


# --- signing and opening -------------------------------------------------------------------------------


def sign_line(name: str, signing_key: SigningKey, text: bytes) -> SignatureLine:
    """Sign a text with an Ed25519 key (type 0x01); the line goes under it.

    Raises Malformed (name); ValueError for a text that does not end in a line feed.
    """
    check_name(name)
    if text[-1:] != b"\n":
        raise ValueError("the text of a note ends in a line feed")
    public_key = bytes(signing_key.verify_key)
    return SignatureLine(name, key_id(name, ED25519, public_key), signing_key.sign(text).signature)


def verify_line(verifier: Verifier, text: bytes, line: SignatureLine) -> None:
    """Raise Unverified unless `line` is the signature of this key (type 0x01) on the text."""
    if verifier.type_byte != ED25519:
        raise Unverified("bad-signature", f"a key of type {verifier.type_byte:#04x} does not sign plainly")
    try:
        verify_ed25519(verifier.public_key, text, line.signature)
    except Unverified as error:
        raise Unverified(error.reason, f"the line of {line.name}: {error.message}") from None


def known_lines(note: Note, verifiers: Iterable[Verifier]) -> list[tuple[Verifier, SignatureLine]]:
    """Pair each line with its key, in the order of the lines; lines of unknown keys are left out."""
    by_identity = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    return [
        (verifier, line) for line in note.lines if (verifier := by_identity.get((line.name, line.key_id))) is not None
    ]


def open_note(raw: bytes, verifiers: Iterable[Verifier]) -> Note:
    """Return the note with the lines that verified, and only those.

    Lines of unknown keys are ignored; a line of a known key that fails refuses the whole note, and so
    does a note without any line of a known key. Raises Malformed; Unverified (not-signed, and the
    reasons of `verify_ed25519`).
    """
    note = parse_note(raw)
    known = known_lines(note, verifiers)
    if not known:
        raise Unverified("not-signed", "no line of a known key")
    for verifier, line in known:
        verify_line(verifier, note.text, line)
    return Note(note.text, tuple([line for _, line in known]))

"""Receipts, good and bad in every way we know of, each with the verdict that all must give: made from seeds.

    for vector in vectors():        name, receipt, policy, and the kind of verdict, None for a good one
        ...

Browser, server form, command and `verify_receipt` are shown to agree on each (tests/test_verify_page.py). The only
difference there may be is told in `browser`: no browser verifies ML-DSA-44, so there the line of such a witness counts
for nothing.

A receipt is built from leaves (`receipt_of`), so that a bad statement can stand rightly in a tree: then nothing but the
statement is wrong. Statements are signed over whatever text a case wants (`signed`).
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import storyline
import world as w
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from nacl.signing import SigningKey

from ledger.statement import format_entry, key_name
from ledger.tlog.checkpoint import Checkpoint, format_checkpoint_text
from ledger.tlog.cosignature import cosign, cosigned_message, subtree_message
from ledger.tlog.merkle import inclusion_proof, leaf_hash, root_of
from ledger.tlog.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    ED25519,
    Note,
    SignatureLine,
    format_base64,
    format_note,
    format_vkey,
    key_id,
    sign_line,
)
from ledger.tlog.proof import Proof, format_proof

LOG = w.key_of("log")
TIME = 1_771_243_300
L = 2**252 + 27742317777372353535851937790883648493
ML_KEY = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
NEUTRAL = bytes([1]) + bytes(31)  # the point of order one, as a key or an R

WITNESSES = ("uno", "dos", "tres")


def vkey(name: str, key: SigningKey, type_byte: int = ED25519) -> str:
    """A key as one string."""
    return format_vkey(name, type_byte, bytes(key.verify_key))


def witness_name(one: str) -> str:
    """The name of a witness's key."""
    return f"testigo.example/{one}"


LOG_LINE = f"log {vkey(w.ORIGIN, LOG)}\n"
ALONE = f"{LOG_LINE}quorum none\n".encode()
_WITNESS_LINES = "".join(
    f"witness {one} {vkey(witness_name(one), w.key_of(one), COSIGNATURE_ED25519)}\n" for one in WITNESSES
)
TWO_OF_THREE = f"{LOG_LINE}{_WITNESS_LINES}group civil 2 uno dos tres\nquorum civil\n".encode()
_ML_VKEY = format_vkey("testigo.example/ml", COSIGNATURE_ML_DSA_44, ML_KEY.public_key().public_bytes_raw())
WITH_ML = f"{LOG_LINE}{_WITNESS_LINES}witness ml {_ML_VKEY}\ngroup civil 2 uno ml\nquorum civil\n".encode()


class Vector(NamedTuple):
    """A receipt, the policy that judges it, and the kind of verdict; `browser` where a browser cannot know better."""

    name: str
    receipt: bytes
    policy: bytes
    kind: str | None
    browser: str | None


# --- making receipts -------------------------------------------------------------------------------------------------


def text_of(leaves: Sequence[bytes], origin: str = w.ORIGIN) -> bytes:
    """The text of the checkpoint over these leaves."""
    return format_checkpoint_text(Checkpoint(origin, len(leaves), root_of(map(leaf_hash, leaves))))


def cosignature(one: str, text: bytes, time: int = TIME) -> SignatureLine:
    """The line of a witness."""
    return cosign(witness_name(one), w.key_of(one), text, time)


def ml_cosignature(leaves: Sequence[bytes], time: int = TIME) -> SignatureLine:
    """The line of the witness that signs with ML-DSA-44."""
    checkpoint = Checkpoint(w.ORIGIN, len(leaves), root_of(map(leaf_hash, leaves)))
    public = ML_KEY.public_key().public_bytes_raw()
    signature = ML_KEY.sign(subtree_message("testigo.example/ml", checkpoint, time))
    identity = key_id("testigo.example/ml", COSIGNATURE_ML_DSA_44, public)
    return SignatureLine("testigo.example/ml", identity, time.to_bytes(8, "big") + signature)


def signed_head(text: bytes, *lines: SignatureLine, key: SigningKey = LOG, name: str = w.ORIGIN) -> bytes:
    """A checkpoint with the log's line and further ones."""
    return format_note(Note(text, (sign_line(name, key, text), *lines)))


def receipt_of(leaves: Sequence[bytes], index: int, head: bytes | None = None, extra: bytes | None = None) -> bytes:
    """The receipt of a leaf, under a head (or the plain one), with the leaf (or something else) in `extra`."""
    hashes = [leaf_hash(leaf) for leaf in leaves]

    def subtree(level: int, at: int) -> bytes:
        return root_of(hashes[at << level : (at + 1) << level])

    path = inclusion_proof(index, len(leaves), subtree)
    head = head if head is not None else signed_head(text_of(leaves))
    return format_proof(Proof(index, path, head, leaves[index] if extra is None else extra))


def signed(line: str | bytes, *who: str, origin: str = w.ORIGIN) -> bytes:
    """The note of a text that may be anything, signed by these people in this order."""
    raw = line if isinstance(line, bytes) else line.encode()
    text = origin.encode() + b"\n" + raw + b"\n"
    lines = [sign_line(key_name(origin, w.public(one))[0], w.key_of(one), text) for one in who]
    return format_note(Note(text, tuple(lines)))


def canonical(value: Any) -> str:
    """Canonical JSON, by another library than the product's."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# --- the leaves they stand in ----------------------------------------------------------------------------------------


@cache
def leaves() -> tuple[bytes, ...]:
    """The entries of the history that has nearly every kind of statement."""
    return tuple(format_entry(entry.received_ms, entry.opened.note) for entry in storyline.history())


@cache
def statements() -> dict[str, dict[str, Any]]:
    """The first statement of each kind, as plain JSON."""
    found: dict[str, dict[str, Any]] = {}
    for entry in storyline.history():
        found.setdefault(entry.opened.statement.kind, json.loads(entry.opened.line))
    return found


def in_tree(entry: bytes) -> bytes:
    """The receipt of any bytes at all, which stand rightly in a tree whose root the log signed."""
    grown = (*leaves(), entry)
    return receipt_of(grown, len(grown) - 1)


def of_note(note: bytes) -> bytes:
    """The same for a note under a good received time."""
    return in_tree(b"2026-02-16T12:00:00.123Z\n" + note)


def with_line(line: str | bytes, *who: str) -> bytes:
    """The same for one line of JSON, or what stands in its place, signed by citizens."""
    return of_note(signed(line, *(who or ("ana",))))


COMMENT = "CommentSubmitted"
REPORT = "CompletionReported"


def changed(like: str, /, *who: str, drop: Sequence[str] = (), **fields: Any) -> bytes:
    """The receipt of a statement like the first of its kind, with other fields, rightly signed."""
    plain = {name: value for name, value in statements()[like].items() if name not in drop}
    return with_line(canonical(plain | fields), *who)


def _step(text: str) -> bytes:
    """The receipt of next steps in these words."""
    return changed("NextStepsSet", "segeplan", steps=[{"text": text}])


# --- the table -------------------------------------------------------------------------------------------------------

Case = tuple[str, bytes, bytes, str | None]


def vectors() -> list[Vector]:
    """Every receipt."""
    cases = [*_good(), *_altered(), *_heads(), *_cosigned(), *_entries(), *_bytes(), *_shapes(), *_signatures()]
    found = [Vector(name, receipt, policy, kind, kind) for name, receipt, policy, kind in cases]
    return found + _beyond_browsers()


def _good() -> list[Case]:
    head = signed_head(text_of(leaves()))
    stranger = sign_line("nadie.example/x", w.key_of("nadie"), text_of(leaves()))
    return [
        ("good", receipt_of(leaves(), 7), ALONE, None),
        ("good, the first entry", receipt_of(leaves(), 0), ALONE, None),
        ("good, the last entry", receipt_of(leaves(), len(leaves()) - 1), ALONE, None),
        ("good, the only entry", receipt_of(leaves()[:1], 0), ALONE, None),
        ("good, judged by the key alone", receipt_of(leaves(), 7), vkey(w.ORIGIN, LOG).encode() + b"\n", None),
        ("a line of an unknown key", receipt_of(leaves(), 7, signed_head(text_of(leaves()), stranger)), ALONE, None),
        ("the log's line twice", receipt_of(leaves(), 7, head + head.split(b"\n\n")[1]), ALONE, None),
        ("good, three signers", receipt_of(leaves(), 0), ALONE, None),
        ("good, letters of three alphabets", _step("ñ 日本 \U0001f30e /"), ALONE, None),
        ("good, escapes where they must be", _step('a\n\t"\\\x7f\u2028'), ALONE, None),
    ]  # fmt: skip


def _altered() -> list[Case]:
    good = receipt_of(leaves(), 7)
    first, *middle = good.split(b"\n")
    head = signed_head(text_of(leaves()))
    hashes = [line for line in good.split(b"\n\n")[0].split(b"\n") if len(line) == 44]
    other, third = hashes[0], hashes[1]
    entry = leaves()[7]

    def swapped(old: bytes, new: bytes) -> bytes:
        assert good.count(old) == 1, old
        return good.replace(old, new)

    bad = {
        "no bytes": b"",
        "another header": good.replace(b"@v1", b"@v2", 1),
        "no header": b"\n".join(middle),
        "byte order mark": b"\xef\xbb\xbf" + good,
        "CR LF": good.replace(b"\n", b"\r\n"),
        "no empty line": good.replace(b"\n\n", b"\n", 1),
        "no checkpoint": good.split(b"\n\n")[0] + b"\n\n",
        "no index": swapped(b"index 7\n", b""),
        "index with a leading zero": swapped(b"index 7\n", b"index 07\n"),
        "index with a sign": swapped(b"index 7\n", b"index +7\n"),
        "index with an underscore": swapped(b"index 7\n", b"index 1_0\n"),
        "index in other digits": swapped(b"index 7\n", "index ٧\n".encode()),
        "index of another entry": swapped(b"index 7\n", b"index 6\n"),
        "index beyond the tree": swapped(b"index 7\n", b"index %d\n" % len(leaves())),
        "index of 2^63": swapped(b"index 7\n", b"index 9223372036854775808\n"),
        "a space after the index": swapped(b"index 7\n", b"index 7 \n"),
        "no extra": b"\n".join(line for line in good.split(b"\n") if not line.startswith(b"extra ")),
        "extra twice": good.replace(b"\nindex", b"\nextra AA==\nindex", 1),
        "an empty extra": receipt_of(leaves(), 7, extra=b""),
        "extra that is another entry": receipt_of(leaves(), 7, extra=leaves()[8]),
        "extra behind the index": first + b"\nindex 7\nextra " + format_base64(entry).encode() + b"\n\n" + head,
        "extra without padding": receipt_of(leaves(), 7, extra=b"ab").replace(b"extra YWI=", b"extra YWI"),
        "extra with stray bits": receipt_of(leaves(), 7, extra=b"ab").replace(b"extra YWI=", b"extra YWJ="),
        "extra in the alphabet of addresses": receipt_of(leaves(), 7, extra=b"\xff\xff\xfe").replace(b"///+", b"__-_"),
        "an altered entry": receipt_of(leaves(), 7, extra=entry[:-3] + b"A" + entry[-2:]),
        "an altered statement": receipt_of(leaves(), 7, extra=entry.replace(b'"lang":"es-GT"', b'"lang":"en"')),
        "an altered received time": receipt_of(leaves(), 7, extra=entry.replace(b"2026", b"2025", 1)),
        "an extra hash": swapped(other, other + b"\n" + other),
        "a missing hash": swapped(other + b"\n", b""),
        "no hashes": good.replace(b"\n".join(hashes) + b"\n", b""),
        "two hashes exchanged": swapped(other + b"\n" + third, third + b"\n" + other),
        "a hash of 31 bytes": swapped(other, format_base64(bytes(31)).encode()),
        "a hash with stray bits": swapped(other, other[:-2] + bytes([other[-2] + 1]) + b"="),
        "a hash of one byte": swapped(other, b"AA=="),
        "64 hashes": swapped(other, b"\n".join([other] * 64)),
        "bytes behind the end": good + b"x",
        "a line behind the end": good + b"x\n",
        "an empty line behind the end": good + b"\n",
        "no line feed at the end": good[:-1],
        "not UTF-8 above": swapped(b"index 7\n", b"index 7\xff\n"),
        "not UTF-8 below": good + "— nadie ".encode() + b"\xff AAAAAAA=\n",
        "over two million bytes": receipt_of(leaves(), 7, extra=bytes(1_600_000)),
    }  # fmt: skip
    return [(name, receipt, ALONE, "bad-receipt") for name, receipt in bad.items()]


def _heads() -> list[Case]:
    text = text_of(leaves())
    head = signed_head(text)
    origin, size, root = text.decode().split("\n")[:3]

    def under(other: bytes) -> bytes:
        return receipt_of(leaves(), 7, other)

    def says(origin: str = origin, size: str = size, root: str = root, more: str = "") -> bytes:
        return under(signed_head(f"{origin}\n{size}\n{root}\n{more}".encode(), name=w.ORIGIN))

    line = sign_line(w.ORIGIN, LOG, text)
    s = int.from_bytes(line.signature[32:], "little")
    foreign = signed_head(text_of(leaves(), "otro.example/x"), name="otro.example/x")

    def with_signature(signature: bytes) -> bytes:
        return under(format_note(Note(text, (line._replace(signature=signature),))))

    bad = {
        "another root, unsigned": under(head.replace(root.encode(), format_base64(bytes(32)).encode())),
        "another root, signed": says(root=format_base64(bytes(32))),
        "a root of 31 bytes": says(root=format_base64(bytes(31))),
        "a root with stray bits": says(root=root[:-2] + chr(ord(root[-2]) + 1) + "="),
        "a size with a leading zero": says(size=f"0{size}"),
        "a size of none": says(size="0"),
        "a size that is too small": says(size="3"),
        "a size of 2^63": says(size=str(2**63)),
        "an extension line": says(more="más\n"),
        "an origin with a space": says(origin="constancia.example gt"),
        "a checkpoint of two lines": under(signed_head(f"{origin}\n{size}\n".encode())),
        "a tab in the checkpoint": says(more="\t\n"),
        "an altered signature of the log": with_signature(line.signature[:-1] + b"\0"),
        "S not below the order, in the log's signature": with_signature(
            line.signature[:32] + (s + L).to_bytes(32, "little")
        ),
        "R of small order, in the log's signature": with_signature(NEUTRAL + bytes(32)),
        "a signature of 63 bytes": with_signature(line.signature[:63]),
        "one good line of the log and one bad": under(
            format_note(Note(text, (line, line._replace(signature=bytes(64)))))
        ),
        "a hyphen for the dash": under(head.replace("— ".encode(), b"- ")),
        "no signatures": under(text + b"\n"),
        "a signature line with stray bits": under(head[:-3] + bytes([head[-3] + 1]) + head[-2:]),
        "over a hundred signature lines": under(head + head.split(b"\n\n")[1] * 100),
        "a key name with a plus sign": under(head + "— a+b AAAAAAAA\n".encode()),
        "a signature line of four bytes": under(head + "— nadie AAAAAA==\n".encode()),
    }
    not_ours = {
        "another key under this origin": under(signed_head(text, key=w.key_of("otro"))),
        "another origin": receipt_of(leaves(), 7, foreign),
        "signed under another name": under(signed_head(text, name="otro.example/x")),
        "a line with another key's id": under(format_note(Note(text, (line._replace(key_id=bytes(4)),)))),
    }
    cases: list[Case] = [(name, receipt, ALONE, "bad-receipt") for name, receipt in bad.items()]
    return cases + [(name, receipt, ALONE, "foreign-checkpoint") for name, receipt in not_ours.items()]


def _cosigned() -> list[Case]:
    text = text_of(leaves())
    one, two = cosignature("uno", text), cosignature("dos", text, TIME + 5)
    altered = one._replace(signature=one.signature[:-1] + b"\0")
    elsewhere = cosignature("uno", text_of(leaves(), "otro.example/x"))
    earlier = one._replace(signature=(TIME - 1).to_bytes(8, "big") + one.signature[8:])
    small = cosignature("uno", text_of(leaves()[:3]))

    def at(time: int) -> SignatureLine:
        signature = w.key_of("uno").sign(cosigned_message(text, time)).signature
        return one._replace(signature=time.to_bytes(8, "big") + signature)

    def under(*lines: SignatureLine) -> bytes:
        return receipt_of(leaves(), 7, signed_head(text, *lines))

    plain = sign_line(witness_name("uno"), w.key_of("uno"), text)
    broken = receipt_of(leaves(), 7, signed_head(text, one, two), extra=leaves()[8])
    return [
        ("cosigned", under(one, two), TWO_OF_THREE, None),
        ("cosigned by all, in another order", under(cosignature("tres", text), two, one), TWO_OF_THREE, None),
        ("cosigned, by a reader who asks for no witness", under(one, two), ALONE, None),
        ("cosigned twice by one witness", under(one, at(TIME + 60), two), TWO_OF_THREE, None),
        ("cosigned at the last time there is", under(at(2**63 - 1), two), TWO_OF_THREE, None),
        ("provisional", under(), TWO_OF_THREE, "not-cosigned"),
        ("quorum not reached", under(one), TWO_OF_THREE, "not-cosigned"),
        ("one witness twice is not two", under(one, at(TIME + 60)), TWO_OF_THREE, "not-cosigned"),
        ("a witness that nobody knows", under(one, cosignature("nadie", text)), TWO_OF_THREE, "not-cosigned"),
        ("a plain signature of a witness", under(two, plain), TWO_OF_THREE, "not-cosigned"),
        ("provisional, and another entry", receipt_of(leaves(), 7, extra=leaves()[8]), TWO_OF_THREE, "not-cosigned"),
        ("cosigned, and another entry", broken, TWO_OF_THREE, "bad-receipt"),
        ("a wrong cosignature", under(altered, two), TWO_OF_THREE, "bad-receipt"),
        ("a wrong cosignature beside a quorum", under(altered, two, cosignature("tres", text)), TWO_OF_THREE,
         "bad-receipt"),
        ("a cosignature of another origin", under(elsewhere, two), TWO_OF_THREE, "bad-receipt"),
        ("a cosignature of a smaller tree", under(small, two), TWO_OF_THREE, "bad-receipt"),
        ("a cosignature with another time", under(earlier, two), TWO_OF_THREE, "bad-receipt"),
        ("a cosignature at time 0", under(at(0), two), TWO_OF_THREE, "bad-receipt"),
        ("a cosignature at time 2^63", under(at(2**63), two), TWO_OF_THREE, "bad-receipt"),
        ("a cosignature of eight bytes", under(one._replace(signature=one.signature[:8]), two), TWO_OF_THREE,
         "bad-receipt"),
    ]  # fmt: skip


def _entries() -> list[Case]:
    note = leaves()[7][25:]
    bad = {
        "received at no time": b"\n" + note,
        "received without milliseconds": b"2026-02-16T12:00:00Z\n" + note,
        "received at the hour 24": b"2026-02-16T24:00:00.000Z\n" + note,
        "received on February 30": b"2026-02-30T12:00:00.000Z\n" + note,
        "received in a leap second": b"2026-12-31T23:59:60.000Z\n" + note,
        "received in the year 0": b"0000-02-16T12:00:00.000Z\n" + note,
        "received in another zone": b"2026-02-16T12:00:00.00+1\n" + note,
        "received in small letters": b"2026-02-16t12:00:00.000z\n" + note,
        "received in other digits": "2026-02-16T12:00:00.00٣Z"[:-1].encode() + b"\n" + note,
        "a space for the line feed": b"2026-02-16T12:00:00.000Z " + note,
        "an entry of no bytes": b"",
        "an entry over its limit": b"2026-02-16T12:00:00.000Z\n" + bytes(65_511),
    }
    return [(name, in_tree(entry), ALONE, "bad-entry") for name, entry in bad.items()]


def _bytes() -> list[Case]:
    """Statements whose JSON is not in its one form, each rightly signed and in the tree."""
    plain = statements()["NextStepsSet"]
    line = canonical(plain)
    assert '"text":"Seguir."' in line
    alone = signed(line, "segeplan")

    def said(text: str) -> str:
        return line.replace("Seguir.", text)

    wrong: dict[str, str | bytes] = {
        "a space in the JSON": line.replace(":", ": ", 1),
        "a space behind the JSON": line + " ",
        "byte order mark before the JSON": "\ufeff" + line,
        "members in another order": json.dumps(
            dict(reversed(plain.items())), separators=(",", ":"), ensure_ascii=False
        ),
        "a duplicate key": line.replace("{", '{"by":[],', 1),
        "the last of two keys": line[:-1] + f',"steps":{canonical(plain["steps"])}}}',
        "an escaped slash": said("a\\/b"),
        "an escaped letter": said("\\u00e9"),
        "an escape in capitals": said("\\u001F"),
        "an escaped NUL": said("a\\u0000b"),
        "half of a surrogate pair": said("a\\ud800b"),
        "a tab that is not escaped": said("a\tb"),
        "bytes that are no text": said("a").encode().replace(b'"a"', b'"\xff"'),
        "overlong UTF-8": said("a").encode().replace(b'"a"', b'"\xc0\xaf"'),
        "a list in place of the object": f"[{line}]",
        "a number in place of the object": "8",
        "no JSON": "{",
        "nothing": "",
        "two objects": line + line,
        "three lines": line + "\n" + line,
        "a deep nest": line[:-1] + ',"x":' + "[" * 2_000 + "]" * 2_000 + "}",
        "the name of an object's ancestor": line[:-1] + ',"__proto__":{"by":[]}}',
    }
    numbers = {
        "a float": '"number":1.0', "an exponent": '"number":1e0', "minus zero": '"number":-0',
        "a number beyond 2^53": '"number":9007199254740993', "a number that is a word": '"number":NaN',
        "a null": '"number":null',
    }  # fmt: skip
    registered = canonical(statements()["CommitmentRegistered"])
    assert '"number":1,' in registered
    cases: list[Case] = [(name, with_line(text, "segeplan"), ALONE, "bad-statement") for name, text in wrong.items()]
    cases += [
        (name, with_line(registered.replace('"number":1', number), "copret"), ALONE, "bad-statement")
        for name, number in numbers.items()
    ]
    return [
        *cases,
        ("the same, untouched", with_line(line, "segeplan"), ALONE, None),
        ("the other, untouched", with_line(registered, "copret"), ALONE, None),
        ("a statement of another origin", of_note(signed(line, "segeplan", origin="otro.example/x")), ALONE,
         "bad-statement"),
        ("CR LF in the statement", of_note(alone.replace(b"\n", b"\r\n")), ALONE, "bad-statement"),
        ("no note", of_note(b"hola\n"), ALONE, "bad-statement"),
        ("bytes behind the note", of_note(alone + b"x"), ALONE, "bad-statement"),
    ]  # fmt: skip


def _shapes() -> list[Case]:
    """Statements that are not of their kind's shape, each in canonical form, rightly signed and in the tree."""
    at = "2026-02-16T12:00:00Z"
    by = statements()[COMMENT]["by"]
    twice = [by[0], by[0]]
    bad = {
        "an unknown kind": changed(COMMENT, kind="CommentSent"),
        "a kind that is a word of the language": changed(COMMENT, kind="constructor"),
        "an unknown field": changed(COMMENT, note="x"),
        "a missing field": changed(COMMENT, drop=["claim"]),
        "a field of another type": changed(COMMENT, version="1"),
        "a number out of bounds": changed(COMMENT, version=10_000),
        "a truth where a number belongs": changed(COMMENT, version=True),
        "an unknown choice": changed(COMMENT, position="perhaps"),
        "a digest in capitals": changed(COMMENT, claim="AB" * 32),
        "a digest with a line feed": changed(COMMENT, claim="a" * 64 + "\n"),
        "a day that does not exist": changed(COMMENT, said_at="2026-02-30T12:00:00Z"),
        "a citizen with an actor": changed(COMMENT, by=[by[0] | {"actor": "copret"}]),
        "an official without an actor": changed(COMMENT, by=[by[0] | {"role": "irm"}]),
        "one key twice": changed(COMMENT, "ana", "ana", by=twice),
        "nobody": changed(COMMENT, by=[]),
        "a blank text": changed("NextStepsSet", "segeplan", steps=[{"text": " \t\n"}]),
        "a text of 4,001 characters": changed("NextStepsSet", "segeplan", steps=[{"text": "a" * 4001}]),
        "a text over 8,192 bytes": changed("NextStepsSet", "segeplan", steps=[{"text": "\U0001f30e" * 2049}]),
        "the same member twice": changed("NextStepsSet", "segeplan", steps=[{"text": "a"}, {"text": "a"}]),
        "257 members": changed("NextStepsSet", "segeplan", steps=[{"text": f"{n}"} for n in range(257)]),
        "words both open and salted": changed(
            "EvidenceDisputed", "icefi", words={"text": "x", "salted_digest": "0" * 64}
        ),
        "words neither open nor salted": changed("EvidenceDisputed", "icefi", words={}),
        "a month that begins on its second": changed(
            "CompletionDateSet", "segeplan", date={"precision": "month", "day": "2015-07-02"}
        ),
        "a year without a day": changed("CompletionDateSet", "segeplan", date={"precision": "year"}),
        "no date, with a day": changed(
            "CompletionDateSet", "segeplan", date={"precision": "none", "day": "2015-07-01"}
        ),
        "evidence that is both link and file": changed("EvidenceLinked", "copret", upload="0" * 64),
        "evidence without a title": changed("EvidenceLinked", "copret", drop=["title"]),
        "a link to a script": changed("EvidenceLinked", "copret", url="javascript:alert(1)"),
        "a check that saw nothing": changed("EvidenceChecked", "captura", drop=["digest"]),
        "a round that closes before it opens": changed("RoundOpened", "copret", closes=at, opens=at),
        "late without lateness": changed("RoundOpened", "copret", late_until="2027-02-16T12:00:00Z"),
        "a part called whole": changed("RoundOpened", "copret", parts=[{"part": "whole", "title": "x"}]),
        "two parts of one name": changed(
            "RoundOpened", "copret", parts=[{"part": "a", "title": "x"}, {"part": "a", "title": "y"}]
        ),
        "a rejection without reason": changed("ResponseGiven", "copret", disposition="rejected"),
        "fewer recovery keys than their threshold": changed(
            "LedgerOpened",
            *("icefi", "guatecivica", "copret"),
            recovery={"keys": [w.public("recovery-1"), w.public("recovery-2")], "threshold": 3},
        ),
    }
    return [(name, receipt, ALONE, "bad-statement") for name, receipt in bad.items()]


def _signatures() -> list[Case]:
    line = canonical(statements()["LedgerOpened"])
    founders = ("icefi", "guatecivica", "copret")
    note = signed(line, *founders)
    text, block = note[: note.rindex(b"\n\n") + 1], note[note.rindex(b"\n\n") + 2 :]
    rows = block.splitlines(keepends=True)
    (comment,) = [signed(canonical(statements()[COMMENT]), "ana")]
    comment_text = comment[: comment.rindex(b"\n\n") + 1]
    name, identity, _ = key_name(w.ORIGIN, w.public("ana"))
    good = w.key_of("ana").sign(comment_text).signature
    s = int.from_bytes(good[32:], "little")

    def by_ana(signature: bytes, name: str = name, identity: bytes = identity) -> bytes:
        return of_note(format_note(Note(comment_text, (SignatureLine(name, identity, signature),))))

    def lines(*rows: bytes) -> bytes:
        return of_note(text + b"\n" + b"".join(rows))

    weak = canonical(statements()[COMMENT] | {"by": [{"key": NEUTRAL.hex(), "role": "citizen"}]})
    weak_text = f"{w.ORIGIN}\n{weak}\n".encode()
    weak_name, weak_id, _ = key_name(w.ORIGIN, NEUTRAL.hex())
    weak_line = SignatureLine(weak_name, weak_id, NEUTRAL + bytes(32))
    bad = {
        "lines exchanged": lines(rows[1], rows[0], rows[2]),
        "a line missing": lines(rows[0], rows[1]),
        "a line too many": lines(*rows, rows[2]),
        "a line of somebody else": lines(rows[0], rows[1], signed(line, "otro")[len(text) + 1 :]),
        "seventeen lines": lines(*rows * 6),
        "a wrong signature": by_ana(good[:-1] + b"\0"),
        "the signature of another text": by_ana(w.key_of("ana").sign(b"x").signature),
        "S not below the order": by_ana(good[:32] + (s + L).to_bytes(32, "little")),
        "R of small order": by_ana(NEUTRAL + bytes(32)),
        "a signature of 65 bytes": by_ana(good + b"\0"),
        "another key's name": by_ana(good, name=key_name(w.ORIGIN, w.public("otro"))[0]),
        "a name that is no key's": by_ana(good, name="ana"),
        "another key's id": by_ana(good, identity=bytes(4)),
        "a weak key, whose signature fits every text": of_note(format_note(Note(weak_text, (weak_line,)))),
    }
    return [
        ("by ana, untouched", by_ana(good), ALONE, None),
        ("the founding, untouched", lines(*rows), ALONE, None),
        *[(name, receipt, ALONE, "bad-statement") for name, receipt in bad.items()],
    ]


def _beyond_browsers() -> list[Vector]:
    text = text_of(leaves())
    one, ml = cosignature("uno", text), ml_cosignature(leaves())
    broken = ml._replace(signature=ml.signature[:-1] + bytes([ml.signature[-1] ^ 1]))

    def under(*lines: SignatureLine) -> bytes:
        return receipt_of(leaves(), 7, signed_head(text, *lines))

    two = cosignature("dos", text)
    return [
        Vector("cosigned with ML-DSA-44", under(one, ml), WITH_ML, None, "not-cosigned"),
        Vector("a wrong line of ML-DSA-44", under(one, broken), WITH_ML, "bad-receipt", "not-cosigned"),
        Vector("ML-DSA-44 beside what nobody asks for", under(two, ml), WITH_ML, "not-cosigned", "not-cosigned"),
    ]


def history() -> list[bytes]:
    """A good receipt for each entry of the history: nearly every kind of statement."""
    return [receipt_of(leaves(), index) for index in range(len(leaves()))]

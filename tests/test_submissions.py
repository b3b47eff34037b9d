"""Posting to the real server: what is taken, what is refused and by which code, and that nothing is lost or left over.

After every bad input: the documented status and code, the tree as it was, and the next honest statement goes in.
"""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from nacl import bindings
from nacl.signing import SigningKey
from service import STATEMENT, SUBMISSION, Answer, Served, founded_lately, now_ms, put_on_disk
from world import FOUNDERS, G1, G2, ORIGIN, REGISTRARS, World, founding, key_of, public

from api.problems import RULES, TITLES
from consultation.text import Content, SaltedContent, format_submission
from ledger import rulebook
from ledger.errors import STATUS_OF_CODE
from ledger.statement import MAX_NOTE, canonical, format_when, key_name, open_statement, parse_time
from ledger.tlog.note import Note, SignatureLine, format_note, parse_note, sign_line
from ledger.tlog.policy import parse_policy
from ledger.tlog.proof import parse_proof, verify_proof

SALT = (b"s" * 32).hex()
ID = "ab" * 32
DAY = 86_400_000


class Town:
    """A running server with its people. The world signs; the server judges."""

    def __init__(self, server: Served, world: World) -> None:
        self.server = server
        self.world = world
        self.said = 0

    def honest(self) -> bytes:
        """A statement that the record takes, another one each time."""
        self.world.now_ms = now_ms()
        self.said += 1
        return self.world.sign(
            "CompletionReported",
            "copret:institution",
            subject=G1,
            level="limited",
            reason=f"Avance número {self.said}.",
            evidence=[],
        )

    def line(self) -> dict[str, Any]:
        """The object of such a statement, to be spoilt."""
        return json.loads(open_statement(self.honest(), ORIGIN).line)

    def sign(self, line: bytes | dict[str, Any], *names: str, origin: str = ORIGIN) -> bytes:
        """A note whose signatures are good whatever its second line is."""
        return signed(line, *(names or ("copret",)), origin=origin)


def signed(line: bytes | dict[str, Any], *names: str, origin: str = ORIGIN) -> bytes:
    raw = line if isinstance(line, bytes) else canonical(line)
    text = origin.encode() + b"\n" + raw + b"\n"
    lines = tuple(sign_line(key_name(origin, public(name))[0], key_of(name), text) for name in names)
    return format_note(Note(text, lines))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("ledger")
    world = founded_lately(round_open=False)
    # A round that closed a minute ago, beside one that is open.
    world.open_round(round="cerrada", opens=format_when(world.now_ms), closes=format_when(now_ms() - 60_000))
    world.open_round()
    world.say("KeyRevoked", *REGISTRARS, key=public("congreso"), cause="lost")
    put_on_disk(world, folder, read_timeout=2.0, access_log=True)
    with Served(folder) as server:
        yield Town(server, world)
        assert server.process.poll() is None
        assert "Traceback" not in server.log()
        assert server.stop() == 0


@pytest.fixture
def town(running: Town) -> Iterator[Town]:
    """The town, and afterwards: the tree as it was but for what the test registered, and open for the next."""
    yield running
    answer = running.server.post(running.honest())
    assert (answer.status, answer.json["index"] + 1) == (201, running.server.size())


def refused(town: Town, answer: Answer, code: str, size: int) -> None:
    """The documented problem, and an unchanged tree."""
    assert (answer.status, answer.code) == (STATUS_OF_CODE[code], code), answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json) >= {"type", "title", "status", "code", "rule", "detail"}
    assert answer.json["title"] in TITLES[code]
    assert town.server.size() == size


# --- what is taken ---------------------------------------------------------------------------------------------------


def test_a_statement_is_registered_and_its_receipt_verifies_offline(town: Town) -> None:
    note = town.honest()
    answer = town.server.post(note)
    assert answer.status == 201
    assert answer.headers["location"] == f"/gt/receipts/{answer.json['identity']}"
    policy = parse_policy(town.server.get("/policy").body)
    proof = parse_proof(answer.json["receipt"].encode())
    proven = verify_proof(proof, policy)
    assert proven.index == answer.json["index"]
    assert proven.entry == answer.json["received_at"].encode() + b"\n" + note
    later = town.server.get(f"/receipts/{answer.json['identity']}")
    assert verify_proof(parse_proof(later.body), policy).entry == proven.entry
    assert later.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_comment_goes_in_with_its_text(town: Town) -> None:
    town.world.now_ms = now_ms()
    note = town.world.sign("CommentSubmitted", "maria:citizen", **town.world.comment("maria"))
    answer = town.server.post(note, [SaltedContent(salt=SALT, content=Content(text="Buen plan."))])
    assert answer.status == 201
    lines = [json.loads(line) for line in town.server.get("/contents/000").body.splitlines()]
    assert [line["content"]["text"] for line in lines if line["index"] == answer.json["index"]] == ["Buen plan."]


def test_the_same_again_is_the_same_answer(town: Town) -> None:
    note = town.honest()
    first = town.server.post(note)
    size = town.server.size()
    time.sleep(0.01)
    for _ in range(3):
        again = town.server.post(note)
        assert again.status == 200
        assert [again.json[name] for name in ("index", "identity", "received_at")] == [
            first.json[name] for name in ("index", "identity", "received_at")
        ]
    assert town.server.size() == size


def randomized(note: bytes, key: SigningKey) -> bytes:
    """The same text under a signature with a random R, as some browsers make them."""
    text = parse_note(note).text
    seed_hash = bindings.crypto_hash_sha512(bytes(key))
    clamped = bytearray(seed_hash[:32])
    clamped[0] &= 248
    clamped[31] = (clamped[31] & 127) | 64
    secret = bindings.crypto_core_ed25519_scalar_reduce(bytes(clamped) + bytes(32))
    nonce = bindings.crypto_core_ed25519_scalar_reduce(bindings.randombytes(64))
    commitment = bindings.crypto_scalarmult_ed25519_base_noclamp(nonce)
    challenge = bindings.crypto_core_ed25519_scalar_reduce(
        bindings.crypto_hash_sha512(commitment + bytes(key.verify_key) + text)
    )
    product = bindings.crypto_core_ed25519_scalar_mul(challenge, secret)
    scalar = bindings.crypto_core_ed25519_scalar_add(nonce, product)
    line = parse_note(note).lines[0]
    return format_note(Note(text, (SignatureLine(line.name, line.key_id, commitment + scalar),)))


def test_the_same_text_with_other_signature_bytes_is_the_same_statement(town: Town) -> None:
    note = town.honest()
    other = randomized(note, key_of("copret"))
    assert other != note
    first = town.server.post(other)
    assert first.status == 201
    assert town.server.post(note).status == 200
    assert town.server.post(randomized(note, key_of("copret"))).json["index"] == first.json["index"]


def at_once(town: Town, notes: list[bytes]) -> list[Answer]:
    """The answers to notes that are all posted at the same time."""
    with ThreadPoolExecutor(len(notes)) as threads:
        return list(threads.map(town.server.post, notes))


def test_thirty_two_at_once_with_one_statement_get_one_place(town: Town) -> None:
    note, size = town.honest(), town.server.size()
    answers = at_once(town, [note] * 32)
    assert sorted(answer.status for answer in answers) == [200] * 31 + [201]
    assert {(answer.json["index"], answer.json["received_at"]) for answer in answers} == {
        (size, answers[0].json["received_at"])
    }
    assert town.server.size() == size + 1


def test_two_that_race_for_one_name_do_not_both_win(town: Town) -> None:
    town.world.now_ms = now_ms()
    notes = [
        town.world.sign("AxisDefined", "copret:coordinator", axis="carrera", title=title) for title in ("Uno", "Dos")
    ]
    answers = at_once(town, notes)
    assert sorted((answer.status, answer.json.get("code")) for answer in answers) == [(201, None), (409, "id-conflict")]


def sent_and_not_heard(town: Town, note: bytes, stay: Callable[[], None]) -> None:
    """Post a note, stay on the line for a while, and hang up without reading the answer."""
    with socket.create_connection(("127.0.0.1", town.server.port)) as connection:
        head = f"POST /gt/statements HTTP/1.1\r\nHost: x\r\nContent-Type: {STATEMENT}\r\nContent-Length: {len(note)}"
        connection.sendall(head.encode() + b"\r\n\r\n" + note)
        stay()


def test_a_statement_whose_sender_hangs_up_once_it_is_registered_stays(town: Town) -> None:
    note, size = town.honest(), town.server.size()

    def until_it_is_registered() -> None:
        deadline = time.monotonic() + 30
        while town.server.size() == size and time.monotonic() < deadline:
            time.sleep(0.02)

    sent_and_not_heard(town, note, until_it_is_registered)
    again = town.server.post(note)
    assert (again.status, again.json["index"]) == (200, size)
    assert town.server.size() == size + 1


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 4, 8, 16])
def test_whenever_the_sender_hangs_up_asking_again_gives_one_place(town: Town, milliseconds: int) -> None:
    # A connection that is lost before the server has read the body brings no statement; later it does. Which of the
    # two it was the sender cannot know, and need not: the same text is the same statement.
    note, size = town.honest(), town.server.size()
    sent_and_not_heard(town, note, lambda: time.sleep(milliseconds / 1000))
    again, once_more = town.server.post(note), town.server.post(note)
    assert again.status in (200, 201)
    assert once_more.status == 200
    assert [again.json["index"], once_more.json["index"], town.server.size()] == [size, size, size + 1]


# --- bytes and JSON (threats 1 to 13) --------------------------------------------------------------------------------

Spoil = Callable[[Town], bytes]


def with_line(change: Callable[[bytes], bytes]) -> Spoil:
    return lambda town: town.sign(change(canonical(town.line())))


def with_fields(change: Callable[[dict[str, Any]], object], *names: str) -> Spoil:
    def spoil(town: Town) -> bytes:
        line = town.line()
        change(line)
        return town.sign(line, *names)

    return spoil


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(line: bytes) -> bytes:
        assert old in line
        return line.replace(old, new, 1)

    return change


BYTES: list[tuple[str, Spoil, str]] = [
    ("1 nothing", lambda _: b"", "empty"),
    ("2 a line that is no JSON", with_line(lambda _: b"{hola}"), "not-json"),
    ("2 a line of text", with_line(lambda _: b"hola"), "not-json"),
    ("2 cut off", with_line(lambda line: line[:-1]), "not-json"),
    ("2 three lines", with_line(lambda line: line + b"\n1"), "not-json"),
    ("3 a byte that is not UTF-8", with_line(replaced(b"Avance", b"Avance\xff")), "bad-utf8"),
    ("3 an overlong form", with_line(replaced(b"Avance", b"Avance\xc0\xaf")), "bad-utf8"),
    ("3 a surrogate as bytes", with_line(replaced(b"Avance", b"\xed\xa0\x80")), "bad-utf8"),
    ("3 a surrogate as an escape", with_line(replaced(b"Avance", rb"\ud800")), "bad-utf8"),
    ("3 a byte order mark", with_line(lambda line: b"\xef\xbb\xbf" + line), "bad-utf8"),
    ("3 UTF-16", lambda town: town.honest().decode().encode("utf-16"), "bad-utf8"),
    ("4 a key twice", with_line(replaced(b'"kind":', b'"kind":"X","kind":')), "duplicate-key"),
    ("4 a key twice inside", with_line(replaced(b'"actor":', b'"actor":"x","actor":')), "duplicate-key"),
    ("5 a float", with_line(replaced(b'"evidence":[]', b'"evidence":[1.0]')), "float"),
    ("5 an exponent", with_line(replaced(b'"evidence":[]', b'"evidence":[1e0]')), "float"),
    ("5 minus zero", with_line(replaced(b'"evidence":[]', b'"evidence":[-0]')), "float"),
    ("5 not a number", with_line(replaced(b'"evidence":[]', b'"evidence":[NaN]')), "float"),
    ("6 2^53", with_line(replaced(b'"evidence":[]', b'"evidence":[9007199254740992]')), "int-range"),
    ("6 a thousand digits", with_line(replaced(b'"evidence":[]', b'"evidence":[' + b"9" * 1000 + b"]")), "int-range"),
    ("7 seventeen deep", with_line(replaced(b"[]", b"[" * 16 + b"]" * 16)), "too-deep"),
    ("7 thirty thousand deep", with_line(replaced(b"[]", b"[" * 30_000 + b"]" * 30_000)), "too-deep"),
    ("7 never closed", with_line(lambda _: b"{" + b"[" * 60_000), "too-deep"),
    ("10 a space", with_line(replaced(b'"kind":', b'"kind": ')), "not-canonical"),
    (
        "10 another order",
        with_line(lambda line: b'{"subject":' + line[1:].replace(b',"subject":', b",", 1)),
        "not-json",
    ),
    (
        "10 another order of keys",
        with_line(lambda line: b'{"plan":"gt-2014-2016",' + line[1:].replace(b',"plan":"gt-2014-2016"', b"", 1)),
        "not-canonical",
    ),
    ("10 a needless escape", with_line(replaced(b"Avance", rb"\u0041vance")), "not-canonical"),
    ("10 an escaped slash", with_line(replaced(b"gt-2014-2016/G1", rb"gt-2014-2016\/G1")), "not-canonical"),
    ("11 an unknown field", with_fields(lambda line: line.update(colour="red")), "shape"),
    ("11 a missing field", with_fields(lambda line: line.pop("evidence")), "shape"),
    ("11 null", with_fields(lambda line: line.update(reason=None)), "shape"),
    ("11 a wrong type", with_fields(lambda line: line.update(level=3)), "shape"),
    ("11 a list instead of the object", with_line(lambda _: b"[]"), "shape"),
    ("12 NUL", with_line(replaced(b"Avance", rb"\u0000")), "nul"),
    ("24 an unknown kind", with_fields(lambda line: line.update(kind="CompletionReported2")), "shape"),
    (
        "24 the desk's own note",
        lambda town: town.sign(
            {
                "code": "closed",
                "kind": "SubmissionRefused",
                "received_at": "2026-01-01T00:00:00.000Z",
                "statement": SALT,
            }
        ),
        "shape",
    ),
    ("28 second 60", with_fields(lambda line: line.update(said_at="2026-11-22T08:14:60Z")), "shape"),
    ("28 no zone", with_fields(lambda line: line.update(said_at="2026-11-22T08:14:00")), "shape"),
    ("28 milliseconds", with_fields(lambda line: line.update(said_at="2026-11-22T08:14:00.000Z")), "shape"),
    ("29 another level", with_fields(lambda line: line.update(level="considerable")), "shape"),
    ("31 an inline text of spaces", with_fields(lambda line: line.update(reason=" \t\n")), "shape"),
    ("11 a text too long", with_fields(lambda line: line.update(reason="a" * 4001)), "shape"),
    ("11 a text of too many bytes", with_fields(lambda line: line.update(reason="€" * 2731)), "shape"),
]


@pytest.mark.parametrize(("spoil", "code"), [case[1:] for case in BYTES], ids=[case[0] for case in BYTES])
def test_bad_bytes_are_refused_by_name(town: Town, spoil: Spoil, code: str) -> None:
    note, size = spoil(town), town.server.size()
    begun = time.monotonic()
    refused(town, town.server.post(note), code, size)
    assert time.monotonic() - begun < 1


def test_what_is_not_canonical_is_answered_with_the_digest_and_not_the_text(town: Town) -> None:
    line = canonical(town.line())
    answer = town.server.post(town.sign(line.replace(b'"kind":', b'"kind": ')))
    assert re.search("[0-9a-f]{64}", answer.json["detail"])
    assert b"Avance" not in answer.body


def test_a_body_that_announces_one_byte_too_many_is_refused_before_it_is_sent(town: Town) -> None:
    size = town.server.size()
    for media_type, limit in ((STATEMENT, MAX_NOTE), (SUBMISSION, 262_144)):
        head = f"POST /gt/statements HTTP/1.1\r\nHost: x\r\nContent-Type: {media_type}\r\nContent-Length: {limit + 1}"
        begun = time.monotonic()
        answer = town.server.raw(head.encode() + b"\r\n\r\n", seconds=1)
        assert answer.startswith(b"HTTP/1.1 413 "), answer
        assert b'"code":"too-large"' in answer
        assert time.monotonic() - begun < 1.5
    assert town.server.size() == size


def test_a_note_of_the_greatest_length_is_read(town: Town) -> None:
    line = canonical(town.line())
    padding = MAX_NOTE - len(town.sign(line))
    answer = town.server.post(town.sign(line.replace(b"Avance", b"A" * (padding + 6))))
    assert answer.code == "shape"  # its text is too long; its bytes were not
    too_long = town.sign(line.replace(b"Avance", b"A" * (padding + 7)))
    assert len(too_long) == MAX_NOTE + 1
    refused(town, town.server.post(too_long), "too-large", town.server.size())


def test_a_body_without_end_is_cut_off(town: Town) -> None:
    head = f"POST /gt/statements HTTP/1.1\r\nHost: x\r\nContent-Type: {STATEMENT}\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent = 0
    received = b""
    with socket.create_connection(("127.0.0.1", town.server.port), timeout=20) as connection:
        connection.sendall(head.encode())
        try:
            while sent < 50_000_000:
                connection.sendall(b"2000\r\n" + b"a" * 0x2000 + b"\r\n")
                sent += 0x2000
        except OSError:
            pass
        connection.settimeout(5)
        try:
            while part := connection.recv(65_536):
                received += part
        except OSError:
            pass
    assert sent < 20_000_000
    assert received == b"" or received.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_drips_is_cut_off_in_time(town: Town) -> None:
    head = f"POST /gt/statements HTTP/1.1\r\nHost: x\r\nContent-Type: {STATEMENT}\r\nContent-Length: 1000\r\n\r\nabc"
    begun = time.monotonic()
    answer = town.server.raw(head.encode(), seconds=8)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert 1.5 < time.monotonic() - begun < 6


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        STATEMENT + "; charset=utf-8",
        STATEMENT + ", text/plain",
        "application/vnd.constancia.statement2",
    ],
)
def test_any_other_media_type_is_refused(town: Town, media_type: str) -> None:
    size = town.server.size()
    refused(town, town.server.post(town.honest(), media_type=media_type), "media-type", size)


def test_a_foreign_page_gets_no_leave_to_post(town: Town) -> None:
    asked = {
        "origin": "https://evil.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    answer = town.server.request("OPTIONS", "/gt/statements", headers=asked)
    assert "access-control-allow-methods" not in answer.headers
    assert "access-control-allow-headers" not in answer.headers


def test_a_submission_in_other_bytes_than_its_only_form_is_refused(town: Town) -> None:
    town.world.now_ms = now_ms()
    note = town.world.sign("CommentSubmitted", "pedro:citizen", **town.world.comment("pedro"))
    good = format_submission(note, [SaltedContent(salt=SALT, content=Content(text="Buen plan."))])
    bad = [
        (b"", "empty"),
        (b"hola", "not-json"),
        (b"\xff" + good, "bad-utf8"),
        (good.replace(b'"note":', b'"note": '), "not-canonical"),
        (good.replace(b'"note":', b'"note":"x","note":'), "duplicate-key"),
        (good.replace(b'"contents":', b'"more":1,"contents":'), "shape"),
        (good.replace(b'"text":', b'"texto":'), "shape"),
        (good.replace(b"Buen plan.", rb"\u0000"), "nul"),
        (good.replace(b"Buen plan.", b"  "), "empty-text"),
        (good.replace(b"Buen plan.", b"Mal plan."), "digest-mismatch"),
        (good.replace(SALT.encode(), SALT[:-1].encode() + b"0"), "digest-mismatch"),
        (good.replace(SALT.encode(), SALT[:-1].encode()), "shape"),
        (b'{"contents":' + b"[" * 100_000, "too-deep"),
        (format_submission(note, []), "digest-mismatch"),
    ]
    size = town.server.size()
    for body, code in bad:
        answer = town.server.request("POST", "/gt/statements", body, {"content-type": SUBMISSION})
        refused(town, answer, code, size)
        assert b"plan." not in answer.body
    refused(town, town.server.post(note), "digest-mismatch", size)
    assert town.server.request("POST", "/gt/statements", good, {"content-type": SUBMISSION}).status == 201


# --- signature and identity (threats 14 to 27) -----------------------------------------------------------------------


def lines_changed(change: Callable[[list[str]], list[str]]) -> Spoil:
    def spoil(town: Town) -> bytes:
        head, _, block = town.honest().decode().rpartition("\n\n")
        return (head + "\n\n" + "".join(change(block.splitlines(keepends=True)))).encode()

    return spoil


def payload_changed(change: Callable[[bytes], bytes]) -> Spoil:
    def spoil(town: Town) -> bytes:
        parsed = parse_note(town.honest())
        (line,) = parsed.lines
        return format_note(Note(parsed.text, (SignatureLine(line.name, line.key_id, change(line.signature)),)))

    return spoil


L = 2**252 + 27742317777372353535851937790883648493


def unreduced(signature: bytes) -> bytes:
    return signature[:32] + (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")


WEAK = bytes([1]) + bytes(31)


def under_a_weak_key(town: Town) -> bytes:
    """Under the key 01 00…, R = the key and S = 0 verify for every message in lax libraries."""
    line = town.line()
    line["by"] = [{"actor": "copret", "key": WEAK.hex(), "role": "institution"}]
    text = ORIGIN.encode() + b"\n" + canonical(line) + b"\n"
    name, key_id, _ = key_name(ORIGIN, WEAK.hex())
    return format_note(Note(text, (SignatureLine(name, key_id, WEAK + bytes(32)),)))


def said(kind: str, *who: str, **fields: Any) -> Spoil:
    def spoil(town: Town) -> bytes:
        town.world.now_ms = now_ms()
        return town.world.sign(kind, *who, **fields)

    return spoil


def enrolled_weak(town: Town) -> bytes:
    town.world.now_ms = now_ms()
    line = json.loads(
        canonical(town.world.draft("KeyEnrolled", *REGISTRARS, "mesa:holder", actor="mesa", key=public("x")))
    )
    line["key"] = WEAK.hex()
    line["by"][2]["key"] = WEAK.hex()
    text = ORIGIN.encode() + b"\n" + canonical(line) + b"\n"
    lines = [sign_line(key_name(ORIGIN, public(name))[0], key_of(name), text) for name in ("icefi", "copret")]
    name, key_id, _ = key_name(ORIGIN, WEAK.hex())
    return format_note(Note(text, (*lines, SignatureLine(name, key_id, WEAK + bytes(32)))))


def with_the_key_of_minfin(town: Town) -> bytes:
    town.world.now_ms = now_ms()
    honest = town.world.draft("KeyEnrolled", *REGISTRARS, "mesa:holder", actor="mesa", key=public("minfin"))
    line = json.loads(canonical(honest))
    line["by"][2]["key"] = public("minfin")
    return town.sign(line, "icefi", "copret", "minfin")


def in_another_order(town: Town) -> bytes:
    town.world.now_ms = now_ms()
    note = town.world.sign("RoleGranted", *REGISTRARS, actor="irm", role="irm", scope={})
    parsed = parse_note(note)
    return format_note(Note(parsed.text, parsed.lines[::-1]))


LEVEL: dict[str, Any] = {"subject": G1, "level": "limited", "reason": "Porque sí.", "evidence": []}

SIGNATURES: list[tuple[str, Spoil, str]] = [
    ("14 of another text", payload_changed(lambda _: bytes(64)), "weak-key"),
    ("14 one bit", payload_changed(lambda raw: raw[:40] + bytes([raw[40] ^ 1]) + raw[41:]), "bad-signature"),
    ("14 no line", lines_changed(lambda _: []), "bad-signature"),
    ("14 no empty line", lambda town: town.honest().replace(b"\n\n", b"\n"), "bad-signature"),
    ("14 one line too many", lines_changed(lambda lines: lines * 2), "bad-signature"),
    ("14 seventeen lines", lines_changed(lambda lines: lines * 17), "too-large"),
    ("14 signed by another", lambda town: town.sign(town.line(), "icefi"), "bad-signature"),
    (
        "14 under another's name",
        lines_changed(lambda lines: [lines[0].replace("/k/", "/k/0")]),
        "bad-signature",
    ),
    (
        "14 in another order",
        with_fields(lambda line: line.update(by=line["by"][::-1]), "icefi", "copret"),
        "bad-signature",
    ),
    ("15 63 bytes", payload_changed(lambda raw: raw[:-1]), "bad-signature"),
    ("15 65 bytes", payload_changed(lambda raw: raw + b"\0"), "bad-signature"),
    ("15 S not reduced", payload_changed(unreduced), "bad-signature"),
    ("16 a weak key", under_a_weak_key, "weak-key"),
    ("16 a weak key enrolled", enrolled_weak, "weak-key"),
    ("16 a weak R", payload_changed(lambda raw: WEAK + raw[32:]), "weak-key"),
    ("17 URL alphabet", lines_changed(lambda lines: [lines[0][:-9] + "-_-_-_-_\n"]), "encoding"),
    ("17 no padding", payload_changed(lambda raw: raw[:-2]), "bad-signature"),
    ("17 padding cut", lines_changed(lambda lines: [lines[0].rstrip("=\n")[:-1] + "\n"]), "encoding"),
    ("17 a line feed inside", lines_changed(lambda lines: [lines[0][:-20] + "\n" + lines[0][-20:]]), "encoding"),
    ("17 a space", lines_changed(lambda lines: [lines[0][:-20] + " " + lines[0][-20:]]), "encoding"),
    ("18 nobody's key", said("CompletionReported", "nadie:institution", **LEVEL), "unknown-key"),
    ("18 another's key", said("CompletionReported", "copret/otra:institution", **LEVEL), "unknown-key"),
    (
        "19 a revoked key",
        said("CompletionAssessed", "congreso:assessor", commitment=G2, level="limited", reason="r", evidence=[]),
        "revoked-key",
    ),
    (
        "20 another's commitment",
        said("CompletionReported", "copret:institution", **(LEVEL | {"subject": G2})),
        "role-scope",
    ),
    (
        "20 a role not held",
        said("CompletionAssessed", "minfin:assessor", commitment=G1, level="limited", reason="r", evidence=[]),
        "role-scope",
    ),
    ("21 a citizen states a level", said("CompletionReported", "maria:citizen", **LEVEL), "role-scope"),
    (
        "21 a citizen beside an official",
        said("CompletionReported", "copret:institution", "maria:citizen", **LEVEL),
        "role-scope",
    ),
    ("22 a key of another", with_the_key_of_minfin, "id-conflict"),
    ("22 a key twice", with_fields(lambda line: line.update(by=line["by"] * 2), "copret", "copret"), "shape"),
    ("23 another ledger", lambda town: signed(town.line(), "copret", origin="constancia.example/hn"), "wrong-origin"),
    ("23 a checkpoint", lambda town: town.server.get("/checkpoint").body, "not-json"),
    ("23 founded again", said("LedgerOpened", *FOUNDERS, **founding()), "state"),
    (
        "27 a grant by one organisation twice",
        said("RoleGranted", "copret:registrar", "copret/2:registrar", actor="irm", role="irm", scope={}),
        "unknown-key",
    ),
    (
        "27 a grant by one registrar",
        said("RoleGranted", "copret:registrar", actor="irm", role="irm", scope={}),
        "role-scope",
    ),
    (
        "5 an actor nobody registered",
        said("RoleGranted", *REGISTRARS, actor="nadie", role="irm", scope={}),
        "unknown-ref",
    ),
    (
        "A6 assessor of one's own",
        said("CompletionAssessed", "copret:coordinator", commitment=G1, level="limited", reason="r", evidence=[]),
        "conflict-of-interest",
    ),
]


@pytest.mark.parametrize(("spoil", "code"), [case[1:] for case in SIGNATURES], ids=[case[0] for case in SIGNATURES])
def test_a_bad_signature_or_signer_is_refused_by_name(town: Town, spoil: Spoil, code: str) -> None:
    note, size = spoil(town), town.server.size()
    refused(town, town.server.post(note), code, size)


# --- meaning (threats 28 to 38) --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("away_ms", "code"),
    [(6 * 60_000, "future"), (-8 * DAY, "stale"), (365 * DAY, "future"), (-3_650 * DAY, "stale")],
)
def test_a_time_too_far_away_is_refused(town: Town, away_ms: int, code: str) -> None:
    note = town.world.sign("CompletionReported", "copret:institution", said_at=format_when(now_ms() + away_ms), **LEVEL)
    refused(town, town.server.post(note), code, town.server.size())


def test_an_older_statement_after_a_newer_one_is_refused(town: Town) -> None:
    town.world.now_ms = now_ms()
    for away, status in ((0, 201), (-3_600_000, 422)):
        note = town.world.sign(
            "CompletionReported",
            "minfin:institution",
            said_at=format_when(town.world.now_ms + away),
            **(LEVEL | {"subject": G2, "reason": f"{away}"}),
        )
        answer = town.server.post(note)
        assert answer.status == status
    assert answer.code == "stale"


def test_a_comment_after_the_window_is_refused_with_a_note_to_keep(town: Town) -> None:
    town.world.now_ms = now_ms()
    note = town.world.sign("CommentSubmitted", "lucia:citizen", **town.world.comment("lucia", round="cerrada"))
    content = [SaltedContent(salt=SALT, content=Content(text="Buen plan."))]
    size = town.server.size()
    answer = town.server.post(note, content)
    refused(town, answer, "closed", size)
    refusal = parse_note(answer.json["refusal"].encode())
    line = json.loads(refusal.text.split(b"\n")[1])
    assert line["statement"] == open_statement(note, ORIGIN).identity
    assert line["code"] == "closed"
    assert abs(now_ms() - parse_time(line["received_at"])) < 10_000
    # It is the desk's, whose key the ledger names, and cannot itself be registered.
    desk_key = town.server.get("/ledger.json").json["desk_key"]
    assert refusal.lines[0].name == key_name(ORIGIN, desk_key)[0]
    refused(town, town.server.post(answer.json["refusal"].encode()), "shape", size)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "ftp://a.example/", "http://a b", "//a.example"]
)
def test_a_link_that_is_none_is_refused(town: Town, url: str) -> None:
    def change(line: dict[str, Any]) -> None:
        for name in ("subject", "level", "reason", "evidence"):
            line.pop(name)
        line.update(kind="EvidenceLinked", title="T", evidence_type="page", shows="s", url=url)
        line["for"] = [f"{G1}.M0"]

    refused(town, town.server.post(with_fields(change)(town)), "shape", town.server.size())


def test_hostile_text_is_taken_as_it_is_and_forges_no_header_and_no_line_of_the_log(town: Town) -> None:
    town.world.now_ms = now_ms()
    hostile = "<script>alert(1)</script>\r\nSet-Cookie: a=b\x1b[31m\u202e =1+1"
    note = town.world.sign("CompletionReported", "copret:institution", **(LEVEL | {"reason": hostile}))
    answer = town.server.post(note)
    assert answer.status == 201
    assert "set-cookie" not in answer.headers
    town.server.folded()
    entry = town.server.get(f"/api/entries/{answer.json['index']}")
    assert json.loads(entry.json["data"]["note"].split("\n")[1])["reason"] == hostile
    assert town.server.request("GET", "/gt/%0d%0aFORGED%1b[31m").status == 404
    assert "\nFORGED" not in town.server.log()
    assert "\x1b" not in town.server.log()


def test_nobody_finds_what_was_written_in_the_log(town: Town) -> None:
    town.world.now_ms = now_ms()
    words = "palabras muy reservadas de una vecina"
    note = town.world.sign("CommentSubmitted", "sara:citizen", **town.world.comment("sara", words))
    good = SaltedContent(salt=SALT, content=Content(text=words))
    town.server.post(note, [SaltedContent(salt=SALT, content=Content(text=words + "!"))])
    assert town.server.post(note, [good]).status == 201
    assert "reservadas" not in town.server.log()
    assert "sara" not in town.server.log()
    assert "POST /gt/statements 201" in town.server.log()


def test_every_code_has_a_status_a_spanish_and_an_english_title() -> None:
    assert TITLES.keys() == STATUS_OF_CODE.keys()
    assert all(spanish and english and spanish != english for spanish, english in TITLES.values())


def test_every_numbered_rule_that_refuses_says_what_it_asks() -> None:
    numbered = set(re.findall(r'"(A[0-9]+|P|transport)"', Path(rulebook.__file__).read_text("utf-8")))
    assert {"A3", "A8", "P"} <= numbered <= RULES.keys()
    assert all(spanish and english and spanish != english for spanish, english in RULES.values())


def test_the_title_speaks_the_readers_language(town: Town) -> None:
    headers = {"content-type": STATEMENT, "accept-language": "en-GB, es;q=0.5"}
    assert town.server.request("POST", "/gt/statements", b"", headers).json["title"] == TITLES["empty"][1]
    assert town.server.post(b"").json["title"] == TITLES["empty"][0]


def test_refusals_are_counted_by_code(town: Town) -> None:
    town.server.post(b"")
    metrics = town.server.get("//metrics").body.decode()
    assert re.search(r'constancia_refusals_total\{code="empty",ledger="gt"\} [1-9]', metrics)


# --- receipts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", ["ab" * 32, "AB" * 32, "x", "ab" * 31, "..%2f..%2fkeys%2flog", "ab" * 32 + "0"])
def test_there_is_no_receipt_of_what_is_not_there(town: Town, identity: str) -> None:
    answer = town.server.get(f"/receipts/{identity}")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_kill_in_the_middle_of_a_stream_of_posts_loses_nothing_acknowledged(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    world = founded_lately(round_open=False)
    put_on_disk(world, folder)
    acknowledged: dict[bytes, dict[str, Any]] = {}
    town = Town(Served(folder), world)
    for _ in range(3):
        with Served(folder) as server:
            town.server = server
            notes = [town.honest() for _ in range(40)]

            def post(notes: list[bytes] = notes, server: Served = server) -> None:
                for note in notes:
                    try:
                        answer = server.post(note)
                    except OSError:
                        return
                    assert answer.status == 201
                    acknowledged[note] = answer.json

            thread = threading.Thread(target=post)
            thread.start()
            time.sleep(0.3)
            server.process.kill()
            server.process.wait(10)
            thread.join()
    assert acknowledged
    with Served(folder) as server:
        for note, first in acknowledged.items():
            again = server.post(note)
            assert again.status == 200
            assert (again.json["index"], again.json["received_at"]) == (first["index"], first["received_at"])
        assert server.stop() == 0

"""A withheld text is shown to the moderator who decides about it, once for each signed request, and to nobody else."""

import json
import secrets
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import world as w
from hypothesis import given
from hypothesis import strategies as st
from service import Served, founded_lately, now_ms, put_on_disk

from api import sealed_texts
from api.sealed_texts import FRESH_MS, MAX_REQUEST, open_asked
from consultation.text import Content, SaltedContent
from ledger.errors import Refused
from ledger.rulebook import barred_from_moderating, check_may_moderate
from ledger.statement import canonical, format_when, key_name
from ledger.tlog.note import Note, format_note, sign_line
from ledger.vocabulary import Signer, Target

TEXT = "Vive en la 5a calle."
STATEMENT = "application/vnd.constancia.statement"


def asked(who: str, target: dict[str, str], said_ms: int | None = None, **changed: Any) -> bytes:
    """A signed request of `vigilante:moderator`."""
    signer = w.World().signer(who)
    line = {
        "by": [signer],
        "kind": "TextAsked",
        "nonce": secrets.token_hex(32),
        "said_at": format_when(now_ms() if said_ms is None else said_ms),
        "target": target,
        **changed,
    }
    return signed(line, who.partition(":")[0])


def signed(line: object, name: str, origin: str = w.ORIGIN) -> bytes:
    text = origin.encode() + b"\n" + canonical(line) + b"\n"
    return format_note(Note(text, (sign_line(key_name(origin, w.public(name))[0], w.key_of(name), text),)))


class Town:
    """A served ledger with a comment that was withheld, and one that is shown."""

    def __init__(self, server: Served, world: w.World) -> None:
        self.server, self.world = server, world
        self.withheld = self.comment("maria", TEXT)
        self.shown = self.comment("ana", "A la vista.")
        why = {"ground": "personal_data", "rule": "R 2", "appeal_until": format_when(now_ms() + 86_400_000)}
        self.act("ContentWithheld", "vigilante:moderator", target=self.withheld, **why)

    def comment(self, who: str, text: str, **fields: Any) -> dict[str, str]:
        """Registers a comment; its target."""
        self.world.now_ms = now_ms()
        said = self.world.comment(who, text, **fields)
        note = self.world.sign("CommentSubmitted", f"{who}:citizen", **said)
        content = SaltedContent(salt=(b"s" * 32).hex(), content=Content(text=text))
        answer = self.server.post(note, [content])
        assert answer.status == 201, answer.body
        return {"statement": answer.json["identity"], "salted_digest": said["salted_digest"]}

    def act(self, kind: str, *who: str, **fields: Any) -> None:
        self.world.now_ms = now_ms()
        answer = self.server.post(self.world.sign(kind, *who, **fields))
        assert answer.status == 201, answer.body

    def ask(self, note: bytes, media_type: str = STATEMENT) -> Any:
        return self.server.request("POST", "/gt/mesa/textos", note, {"content-type": media_type})


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("sellados")
    world = founded_lately()
    w.second_moderator(world)
    put_on_disk(world, folder)
    with Served(folder) as server:
        yield Town(server, world)


def test_a_moderator_reads_it_and_no_trace_of_the_text_is_left(town: Town) -> None:
    before = metric(town)
    answer = town.ask(asked("vigilante:moderator", town.withheld))
    assert (answer.status, answer.json) == (200, {"content": {"text": TEXT}})
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    assert town.ask(asked("jurado:moderator", town.withheld)).json == {"content": {"text": TEXT}}
    assert metric(town) == before + 2
    assert "5a calle" not in town.server.log()
    assert "vigilante" not in town.server.log()


def metric(town: Town) -> float:
    lines = town.server.get("//metrics").body.decode().splitlines()
    return sum(
        float(line.rpartition(" ")[2]) for line in lines if line.startswith("constancia_sealed_texts_read_total{")
    )


def test_a_request_is_good_once(town: Town) -> None:
    note = asked("vigilante:moderator", town.withheld)
    assert town.ask(note).status == 200
    again = town.ask(note)
    assert (again.status, again.code) == (409, "state")


@pytest.mark.parametrize(("shift", "code"), [(-FRESH_MS - 5_000, "stale"), (FRESH_MS + 5_000, "future")])
def test_an_old_one_and_one_of_the_future_are_refused(town: Town, shift: int, code: str) -> None:
    answer = town.ask(asked("vigilante:moderator", town.withheld, now_ms() + shift))
    assert (answer.status, answer.code) == (422, code)


@pytest.mark.parametrize(
    ("who", "code", "rule"),
    [
        ("maria:citizen", "role-scope", "A3"),  # not even its author
        ("copret:coordinator", "role-scope", "A3"),
        ("copret:moderator", "role-scope", "A3"),
        ("icefi:moderator", "role-scope", "A3"),
        ("nadie:moderator", "unknown-key", "A2"),
        ("vigilante/otra:moderator", "unknown-key", "A2"),
    ],
)
def test_nobody_else_reads_it(town: Town, who: str, code: str, rule: str) -> None:
    before = metric(town)
    answer = town.ask(asked(who, town.withheld))
    assert (answer.status, answer.code, answer.json["rule"]) == (403, code, rule)
    assert TEXT not in answer.body.decode()
    assert metric(town) == before


def test_what_is_shown_or_unknown_or_erased_is_not_sealed(town: Town) -> None:
    assert town.ask(asked("vigilante:moderator", town.shown)).code == "state"
    unknown = {"statement": "ab" * 32, "salted_digest": "cd" * 32}
    assert town.ask(asked("vigilante:moderator", unknown)).code == "unknown-ref"
    other = {**town.withheld, "salted_digest": town.shown["salted_digest"]}
    assert town.ask(asked("vigilante:moderator", other)).code == "unknown-ref"
    gone = town.comment("eva", "Se destruye.")
    erased = {"ground": "illegal", "rule": "R 4", "stores": ["vault"]}
    town.act("ContentErased", "vigilante:moderator", "jurado:moderator", target=gone, **erased)
    answer = town.ask(asked("vigilante:moderator", gone))
    assert answer.code == "state"
    assert b"Se destruye" not in answer.body


def test_a_request_is_no_statement_and_a_statement_no_request(town: Town) -> None:
    note = asked("vigilante:moderator", town.withheld)
    size = town.server.size()
    assert town.server.post(note).code == "shape"
    town.world.now_ms = now_ms()
    statement = town.world.sign("ContentRestored", "vigilante:moderator", target=town.withheld, words={"text": "x"})
    assert town.ask(statement).code == "shape"
    assert town.server.size() == size


@pytest.mark.parametrize("media_type", ["text/plain", "application/json", "application/vnd.constancia.submission+json"])
def test_no_foreign_page_can_ask(town: Town, media_type: str) -> None:
    assert town.ask(asked("vigilante:moderator", town.withheld), media_type).status == 415


def test_one_too_large_is_not_read(town: Town) -> None:
    assert town.ask(b"x" * (MAX_REQUEST + 1)).status == 413


TARGET = {"statement": "ab" * 32, "salted_digest": "cd" * 32}
GOOD: dict[str, Any] = {
    "by": [w.World().signer("vigilante:moderator")],
    "kind": "TextAsked",
    "nonce": "ef" * 32,
    "said_at": "2026-02-16T12:00:00Z",
    "target": TARGET,
}

Change = Callable[[bytes], bytes]

MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not-json"),
    "no signature": (signed(GOOD, "vigilante").partition(b"\n\n")[0] + b"\n", "not-json"),
    "another ledger": (signed(GOOD, "vigilante", "otra.example/gt"), "wrong-origin"),
    "two signers": (signed({**GOOD, "by": [*GOOD["by"], w.World().signer("jurado:moderator")]}, "vigilante"), "shape"),
    "no signer": (signed({**GOOD, "by": []}, "vigilante"), "shape"),
    "another kind": (signed({**GOOD, "kind": "SubmissionRefused"}, "vigilante"), "shape"),
    "a field more": (signed({**GOOD, "ground": "hate"}, "vigilante"), "shape"),
    "a field less": (signed({key: GOOD[key] for key in ("by", "kind", "nonce", "target")}, "vigilante"), "shape"),
    "no time": (signed({**GOOD, "said_at": "mañana"}, "vigilante"), "shape"),
    "another's signature": (signed(GOOD, "jurado"), "bad-signature"),
    "changed after signing": (signed(GOOD, "vigilante").replace(b"12:00:00", b"12:00:01"), "bad-signature"),
    "not canonical": (signed(GOOD, "vigilante").replace(b'"kind":', b'"kind": '), "not-canonical"),
    "two lines": (signed(GOOD, "vigilante") + signed(GOOD, "vigilante").rpartition(b"\n\n")[2], "not-json"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_request_is_refused(name: str) -> None:
    note, code = MALFORMED[name]
    with pytest.raises(Refused) as caught:
        open_asked(note, w.ORIGIN)
    assert caught.value.code == code


def test_a_good_one_is_opened() -> None:
    note = signed(GOOD, "vigilante")
    found, identity = open_asked(note, w.ORIGIN)
    assert json.loads(canonical(found)) == GOOD
    assert identity == sha256(note.partition(b"\n\n")[0] + b"\n").hexdigest()


def test_the_worked_example_of_the_format_is_one() -> None:
    text = (Path(sealed_texts.__file__).parent.parent / "ledger" / "FORMAT.md").read_text("utf-8")
    example = text.partition("## Request for a sealed text")[2].split("```\n")[1]
    assert example.encode() == signed(GOOD, "vigilante")


def test_a6_binds_who_only_wants_to_read() -> None:
    world = w.found()
    world.open_round()
    entry = world.say("CommentSubmitted", "maria:citizen", **world.comment("maria", about=w.G1))
    target = Target(statement=entry.opened.identity, salted_digest=entry.opened.statement.salted_digests()[0])
    signer = Signer(actor="vigilante", key=w.public("vigilante"), role="moderator")
    check_may_moderate(signer, target, world.now_ms, world.docket)

    assert set(barred_from_moderating((w.G1,), "ronda-1", world.docket)) == {"copret"}
    standing = world.docket.commitments[w.G1]
    standing.ever |= {"vigilante"}
    with pytest.raises(Refused, match=f"responsible for {w.G1}") as caught:
        check_may_moderate(signer, target, world.now_ms, world.docket)
    assert (caught.value.code, caught.value.rule) == ("conflict-of-interest", "A6")
    standing.ever -= {"vigilante"}
    world.docket.rounds["ronda-1"].opened_by = "vigilante"
    with pytest.raises(Refused, match="opened this round itself"):
        check_may_moderate(signer, target, world.now_ms, world.docket)


@given(st.binary(max_size=300), st.integers(0, 400))
def test_no_bytes_bring_it_down(junk: bytes, at: int) -> None:
    note = signed(GOOD, "vigilante")
    for raw in (junk, note[:at] + junk + note[at:]):
        try:
            open_asked(raw, w.ORIGIN)
        except Refused:
            continue
        assert raw == note

"""A statement is tried by the rulebook before anybody signs it: the verdict of the signed one, and nothing is kept."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import world as w
from service import Served, founded_lately, now_ms, put_on_disk

from api.rehearsal import MAX_TEXT, UNSIGNED, rehearse, unsigned
from ledger.errors import Refused
from ledger.statement import canonical

VERDICT: dict[str, Any] = {
    "mechanism": f"{w.C8}.M0",
    "level": "limited",
    "digests": [w.digest_of("x")],
    "words": {"text": "R"},
}
FAIR: dict[str, Any] = {"commitment": w.C8, "level": "limited", "reason": "R", "evidence": []}


def text_of(world: w.World, kind: str, *who: str, **fields: Any) -> bytes:
    """The text that these would sign."""
    return world.sign(kind, *who, **fields).partition(b"\n\n")[0] + b"\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, w.World]]:
    world = founded_lately()
    folder = tmp_path_factory.mktemp("ensayo") / "gt"
    put_on_disk(world, folder)
    with Served(folder) as server:
        server.folded()
        yield server, world


def tried(server: Served, text: bytes, media_type: str = UNSIGNED, **headers: str) -> Any:
    named = {"content-type": media_type} | {name.replace("_", "-"): value for name, value in headers.items()}
    return server.request("POST", "/gt/mesa/ensayo", text, named)


def test_what_the_rules_admit_is_admitted_and_nothing_is_kept(served: tuple[Served, w.World]) -> None:
    server, world = served
    world.now_ms = now_ms()
    size = server.size()
    answer = tried(server, text_of(world, "CompletionAssessed", "icefi:assessor", **FAIR))
    assert (answer.status, answer.json) == (200, {"admissible": True, "size": size})
    assert answer.headers["cache-control"] == "no-store"
    assert server.size() == size


@pytest.mark.parametrize(
    ("who", "kind", "fields", "code"),
    [
        ("segeplan:assessor", "CompletionAssessed", FAIR, "role-scope"),
        ("copret:coordinator", "CompletionAssessed", FAIR | {"commitment": w.G1}, "conflict-of-interest"),
        ("icefi:assessor", "VerdictGiven", VERDICT, "unknown-ref"),
        ("nadie:assessor", "CompletionAssessed", FAIR, "unknown-key"),
    ],
)
def test_what_the_rules_refuse_is_refused_as_the_signed_statement_is(
    served: tuple[Served, w.World], who: str, kind: str, fields: dict[str, Any], code: str
) -> None:
    server, world = served
    world.now_ms = now_ms()
    answer = tried(server, text_of(world, kind, who, **fields))
    signed = server.post(world.sign(kind, who, **fields))
    assert (answer.status, answer.code) == (signed.status, signed.code)
    assert answer.code == code
    assert answer.json["rule"] == signed.json["rule"]


def test_a_refusal_is_told_in_the_language_of_whoever_asks(served: tuple[Served, w.World]) -> None:
    server, world = served
    world.now_ms = now_ms()
    text = text_of(world, "CompletionAssessed", "copret:coordinator", **FAIR | {"commitment": w.G1})
    assert "responde o respondió por" in tried(server, text).json["detail"]
    assert "is or was responsible for" in tried(server, text, accept_language="en").json["detail"]


def test_what_is_no_text_of_a_statement_is_refused(served: tuple[Served, w.World]) -> None:
    server, world = served
    text = text_of(world, "CompletionAssessed", "icefi:assessor", **FAIR)
    foreign = text.replace(w.ORIGIN.encode(), b"otra.example/gt", 1)
    line = text.partition(b"\n")[2]
    assert tried(server, foreign).code == "wrong-origin"
    assert tried(server, world.sign("CompletionAssessed", "icefi:assessor", **FAIR)).code == "not-json"  # it is signed
    assert tried(server, text.rstrip(b"\n")).code == "not-json"
    assert tried(server, text.replace(b'"kind"', b' "kind"')).code == "not-canonical"
    assert tried(server, w.ORIGIN.encode() + b"\n" + canonical(json.loads(line) | {"more": 1}) + b"\n").code == "shape"
    assert tried(server, text, "text/plain").status == 415
    assert tried(server, b"x" * (MAX_TEXT + 1)).status == 413


def test_an_unsigned_text_registers_nothing(served: tuple[Served, w.World]) -> None:
    server, world = served
    world.now_ms = now_ms()
    text = text_of(world, "CompletionAssessed", "icefi:assessor", **FAIR)
    assert server.post(text).status == 422
    assert server.post(text + b"\n").status == 422


def test_it_is_judged_as_the_next_entry_even_where_the_clock_has_fallen_behind() -> None:
    world = w.found()
    text = text_of(world, "CompletionAssessed", "icefi:assessor", **FAIR)
    rehearse(text, world.docket, world.now_ms - 1_000)
    assert unsigned(text, world.origin).identity == world.check("CompletionAssessed", "icefi:assessor", **FAIR).identity
    with pytest.raises(Refused, match="stale"):
        rehearse(text, world.docket, world.now_ms + 8 * 86_400_000)

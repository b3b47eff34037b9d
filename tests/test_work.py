"""Proof of work: what a challenge is, what solves it, what does not, and that the library's own solver agrees."""

import base64
import json
import time
from typing import Any

import pytest
from altcha import v2 as untyped

from api.work import LEAST, MAX_LEVEL, MOST, NoAnswer, Work, solve

SECRET = bytes(range(32))
altcha: Any = untyped  # its dicts have no types


@pytest.fixture
def work() -> Work:
    return Work(SECRET, 1)


def test_a_solved_challenge_is_known_by_its_own_name_level_and_end(work: Work) -> None:
    now = time.time()
    challenge = work.challenge(2, now)
    answered = work.judge(solve(challenge), now)
    assert answered.name.hex() == challenge["parameters"]["nonce"]
    assert answered.level == 2
    assert answered.expires == int(now) + 600


@pytest.mark.parametrize("level", range(MAX_LEVEL + 1))
def test_each_level_doubles_the_work(work: Work, level: int) -> None:
    for _ in range(10):
        told: list[tuple[int, int]] = []
        answer = solve(work.challenge(level, time.time()), lambda done, most, told=told: told.append((done, most)))
        counter = json.loads(base64.b64decode(answer))["solution"]["counter"]
        assert LEAST << level <= counter <= MOST << level
        assert [done for done, _ in told] == list(range(counter + 1))
        assert {most for _, most in told} == {MOST << level}


def test_the_librarys_own_solver_and_ours_find_the_same(work: Work) -> None:
    challenge = work.challenge(0, time.time())
    theirs = altcha.solve_challenge(altcha.Challenge.from_dict(challenge))
    assert theirs is not None
    assert json.loads(base64.b64decode(solve(challenge)))["solution"] == {
        "counter": theirs.counter,
        "derivedKey": theirs.derived_key,
    }
    assert work.judge(altcha.Payload(altcha.Challenge.from_dict(challenge), theirs).to_base64(), time.time())


def changed(answer: str, *path: str, to: Any) -> str:
    """An answer with one value changed."""
    plain = json.loads(base64.b64decode(answer))
    place = plain
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return base64.b64encode(json.dumps(plain).encode()).decode()


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("challenge", "parameters", "expiresAt"), 4_000_000_000),
        (("challenge", "parameters", "expiresAt"), None),
        (("challenge", "parameters", "cost"), 0),
        (("challenge", "parameters", "data"), {"level": 4}),
        (("challenge", "parameters", "data"), None),
        (("challenge", "parameters", "nonce"), "00" * 16),
        (("challenge", "parameters", "keySignature"), None),
        (("challenge", "parameters", "keyPrefix"), ""),
        (("challenge", "parameters"), 5),
        (("challenge", "parameters"), {}),
        (("challenge", "signature"), None),
        (("challenge", "signature"), "é"),
        (("challenge",), []),
        (("solution", "derivedKey"), "00" * 32),
        (("solution", "derivedKey"), 5),
        (("solution",), None),
    ],
)
def test_a_changed_answer_is_none(work: Work, path: tuple[str, ...], to: Any) -> None:
    with pytest.raises(NoAnswer):
        work.judge(changed(solve(work.challenge(0, time.time())), *path, to=to), time.time())


@pytest.mark.parametrize(
    "answer",
    ["", "x", "e30=", "bnVsbA==", "WzFd", "A" * 3_000, base64.b64encode(b"[" * 1_400).decode(), "ñ", "\0", "===="],
)
def test_junk_is_no_answer(work: Work, answer: str) -> None:
    with pytest.raises(NoAnswer):
        work.judge(answer, time.time())


def test_an_answer_under_another_secret_or_after_its_end_is_none(work: Work) -> None:
    now = time.time()
    answer = solve(work.challenge(0, now))
    with pytest.raises(NoAnswer):
        Work(bytes(32), 1).judge(answer, now)
    with pytest.raises(NoAnswer, match="expired"):
        work.judge(answer, now + 601)
    with pytest.raises(NoAnswer, match="expired"):
        work.judge(solve(work.challenge(0, now - 601)), now)


@pytest.mark.parametrize(
    "challenge",
    [
        {},
        {"parameters": 1},
        {"parameters": {"algorithm": "SHA-1", "cost": 1, "nonce": "00", "salt": "00", "keyPrefix": "00"}},
        {"parameters": {"algorithm": "PBKDF2/SHA-256", "cost": 10**9, "nonce": "00", "salt": "00", "keyPrefix": "00"}},
        {"parameters": {"algorithm": "PBKDF2/SHA-256", "cost": 1, "nonce": "xy", "salt": "00", "keyPrefix": "00"}},
        {"parameters": {"algorithm": "PBKDF2/SHA-256", "cost": 1, "nonce": "00", "salt": "00", "keyPrefix": "ff" * 20}},
    ],
)
def test_nobody_is_made_to_work_for_ever(challenge: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="server"):
        solve(challenge)

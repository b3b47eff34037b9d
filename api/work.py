"""Proof of work: what a client does, once an address has sent much, so that sending still more costs it something.

No puzzle, no picture, nobody else's service: a computer searches for a number for about a second, and ours checks in a
fraction of a millisecond that it was found. Challenge and answer are those of ALTCHA, version 2 (https://altcha.org,
"Proof-of-work mechanism"), with PBKDF2/SHA-256:

    challenge   {"parameters": {"algorithm": "PBKDF2/SHA-256", "cost": iterations, "expiresAt": Unix seconds,
                 "keyLength": 32, "keyPrefix": 32 hex, "keySignature": 64 hex, "nonce": 32 hex, "salt": 32 hex,
                 "data": {"level": n}}, "signature": 64 hex}
    work        for counter = 0, 1, 2, …: PBKDF2(nonce ‖ counter as 4 bytes, salt, cost iterations), 32 bytes;
                found when these begin with keyPrefix
    answer      base64 of {"challenge": …, "solution": {"counter": n, "derivedKey": 64 hex}}, in the header
                `Constancia-Work`

The counter is ours: we draw it, so the work is between LEAST and MOST trials and not a matter of luck, and each level
doubles both. `keySignature` lets us check without deriving anything again. A challenge is worth one answer, for
VALID_SECONDS: `api.limits` keeps the ones that were used.

`solve` needs nothing but hashlib, because `constancia submit` runs from the base install; its twin in browsers is
static/work.js.
"""

import base64
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from hashlib import pbkdf2_hmac, sha256
from typing import Any, cast

import msgspec

HEADER = "constancia-work"
ALGORITHM = "PBKDF2/SHA-256"

# Trials at level 0: with 1,000 iterations each, about a second on a telephone and a twentieth of one for a program.
LEAST, MOST = 40, 100
MAX_LEVEL = 4

VALID_SECONDS = 600

# An answer has about 700 characters. A longer header is none.
MAX_ANSWER = 2_000

# A client does no more than this for anybody: the highest level, four times over, and no iteration beyond.
MOST_TRIALS = 4 * (MOST << MAX_LEVEL)
MOST_ITERATIONS = 100_000


class NoAnswer(Exception):
    """This answers no challenge of ours, or none that still counts. The message holds nothing of theirs."""


class Answered(msgspec.Struct, frozen=True):
    """A challenge that was answered: its name for keeping it, its level, the second after which it is worth nothing."""

    name: bytes
    level: int
    expires: int


class Work:
    """Makes challenges and judges answers, under a secret that nobody else has."""

    def __init__(self, secret: bytes, iterations: int) -> None:
        """`secret`: 32 bytes, kept as long as its challenges are to be worth anything."""
        # Two keys from one secret: whoever knew that of the signature could not make the other.
        self._signs = hmac.digest(secret, b"challenge", sha256)
        self._derives = hmac.digest(secret, b"derived key", sha256)
        self._iterations = iterations

    def challenge(self, level: int, now: float) -> dict[str, Any]:
        """A new challenge, as JSON. Takes as long as one trial."""
        # Imported here: the base install solves challenges and makes none.
        from altcha import v2

        altcha: Any = v2
        counter = (LEAST + secrets.randbelow(MOST - LEAST + 1)) << level
        made = altcha.create_challenge(
            ALGORITHM,
            self._iterations,
            counter=counter,
            expires_at=int(now) + VALID_SECONDS,
            data={"level": level},
            hmac_secret=self._signs,
            hmac_key_secret=self._derives,
        )
        return cast("dict[str, Any]", made.to_dict())

    def judge(self, answer: str, now: float) -> Answered:
        """The challenge that this header answers. Raises NoAnswer. Says nothing of whether it was used before."""
        from altcha import v2

        altcha: Any = v2
        if len(answer) > MAX_ANSWER:
            raise NoAnswer("it is too long")
        try:
            payload = altcha.Payload.from_base64(answer)
            parameters = payload.challenge.parameters
            result = altcha.verify_solution(payload, self._signs, hmac_key_secret=self._derives)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise NoAnswer("it cannot be read") from None
        if result.expired:
            raise NoAnswer("its challenge has expired")
        if not result.verified:
            raise NoAnswer("it does not solve a challenge of this ledger")
        # From here on every value in the challenge is one that we wrote and signed.
        if parameters.expires_at < now:
            raise NoAnswer("its challenge has expired")
        return Answered(bytes.fromhex(parameters.nonce), int(parameters.data["level"]), parameters.expires_at)


# --- the other side --------------------------------------------------------------------------------------------------


class _Parameters(msgspec.Struct, frozen=True, rename="camel"):
    algorithm: str
    cost: int
    nonce: str
    salt: str
    key_prefix: str
    key_length: int = 32
    data: Mapping[str, Any] = {}


class _Challenge(msgspec.Struct, frozen=True):
    parameters: _Parameters


def solve(challenge: Mapping[str, Any], progress: Callable[[int, int], None] = lambda _done, _most: None) -> str:
    """The answer to a challenge, for the header. Raises ValueError for what is none, or would take for ever.

    `progress` is told after each trial how many there were, and how many there are at the most.
    """
    try:
        asked = msgspec.convert(challenge, _Challenge).parameters
        nonce, salt, wanted = (bytes.fromhex(text) for text in (asked.nonce, asked.salt, asked.key_prefix))
    except (msgspec.ValidationError, ValueError):
        raise ValueError("the server sent no challenge that can be read") from None
    if asked.algorithm != ALGORITHM or not 0 < asked.cost <= MOST_ITERATIONS or not 16 <= asked.key_length <= 64:
        raise ValueError("the server asks for work of a kind that is not known here")
    level = asked.data.get("level")
    most = MOST << level if isinstance(level, int) and 0 <= level <= MAX_LEVEL else MOST_TRIALS
    for counter in range(MOST_TRIALS + 1):
        derived = pbkdf2_hmac("sha256", nonce + counter.to_bytes(4, "big"), salt, asked.cost, asked.key_length)
        progress(counter, max(most, counter))
        if derived.startswith(wanted):
            solution = {"counter": counter, "derivedKey": derived.hex()}
            return base64.b64encode(json.dumps({"challenge": challenge, "solution": solution}).encode()).decode()
    raise ValueError("the server asks for more work than anybody should do")

"""Reading a round of 100,000 comments: every kind of page and answer, asked of the real server over one connection.

The limit is 50 ms at the 99th percentile, on the machine at hand, from the request's first byte to the answer's last;
the ratio is that of the slowest kind. Each address is asked once to see that it answers, then many times, all kinds in
turn. The ledger is made by the writer itself, from comments signed by as many citizens, with words drawn as language
draws them: few very often, most of them rarely.

    python -m benchmarks.reading [--comments 100000] [--dir FOLDER] [--profile]    each kind on its own
"""

import argparse
import http.client
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from nacl.signing import SigningKey

from benchmarks.limits import Limits
from benchmarks.ratio import Ratio
from benchmarks.record import AT_ONCE, LOG_KEY, ORIGIN, Submitted
from benchmarks.submission import prepare, running
from consultation.desk import Desk
from consultation.text import Content, SaltedContent, claim, salted_digest
from consultation.vault import Vault
from ledger.log import Clock, Log
from ledger.published import Folder
from ledger.statement import format_when, sign_statement
from ledger.vocabulary import KINDS
from tests import world

COMMENTS = 100_000
LIMIT_SECONDS = 0.050
ROUNDS = 150
ROUND = "ronda-1"
DAYS = 21
VOCABULARY = 30_000
WORDS_EACH = 40
PARTS = tuple(f"parte-{number}" for number in range(1, 13))
ANSWERED = 0.3
ANSWERS_AT_ONCE = 200
WITHHELD = 300
_SYLLABLES = ("ca", "te", "mi", "so", "la", "ne", "pu", "ra", "ción", "dad", "ble", "men", "to", "res", "ña", "ver")


def pages_under_the_limit(folder: Path, measured: Limits) -> Ratio:
    """50 ms / the 99th percentile of the slowest kind of page."""
    del measured
    prepare_round(folder, COMMENTS)
    with running("ours", folder) as address:
        taken = measure(address, ROUNDS)
    slowest = max(taken, key=lambda name: percentile(taken[name], 0.99))
    value = percentile(taken[slowest], 0.99)
    every = ", ".join(f"{name} {percentile(seconds, 0.99) * 1000:.0f}" for name, seconds in taken.items())
    return Ratio(
        name="reading, 99th",
        ours_is=f"1 / seconds for a page of {COMMENTS:,} comments, the slowest kind ({slowest}, {value * 1000:.0f} ms)",
        ours=1 / value,
        peer_is=f"1 / the limit ({LIMIT_SECONDS * 1000:.0f} ms)",
        peer=1 / LIMIT_SECONDS,
        goal=1.0,
        fair=f"99th percentile in ms: {every}",
    )


# --- what is asked ---------------------------------------------------------------------------------------------------


def addresses() -> dict[str, str]:
    """Every kind of page and answer, by its name; `{after}` is the entry of a comment far inside the round."""
    page, common, rare = f"/consultas/{ROUND}", word(1), word(VOCABULARY // 2)
    both = f"{page}?q={quote(common + ' ' + word(3))}"
    return {
        "first page": page,
        "deep": f"{page}?desde={{after}}",
        "oldest": f"{page}?orden=oldest",
        "newest, deep": f"{page}?orden=newest&desde={{after}}",
        "waiting": f"{page}?orden=waiting",
        "part": f"{page}?sobre={PARTS[3]}",
        "part, position, state": f"{page}?sobre={PARTS[3]}&posicion=for&estado=unanswered&orden=newest",
        "withheld": f"{page}?estado=withheld",
        "nothing fits": f"{page}?sobre={PARTS[3]}&canal=paper&estado=withheld",
        "common word": f"{page}?q={quote(common)}",
        "two words": both,
        "words, part, position": f"{both}&sobre={PARTS[3]}&posicion=for",
        "rare word": f"{page}?q={quote(rare)}",
        "beginning": f"{page}?q={quote(common[:3])}",
        "no such word": f"{page}?q=inexistente",
        "English": f"/en{page}?q={quote(common)}",
        "as of": f"{page}?at={{middle}}",
        "as of, deep": f"{page}?at={{middle}}&desde={{early}}",
        "rounds": "/consultas",
        "one comment": "/comentarios/{after}",
        "writing": f"/consultas/{ROUND}/comentar",
        "document": f"/consultas/{ROUND}/documento",
        "moderation": "/moderacion",
        "desk, moderation": f"/mesa/moderacion?ronda={ROUND}",
        "desk, coordination": f"/mesa/coordinacion?ronda={ROUND}",
        "feed": f"/consultas/{ROUND}/atom.xml",
        "feed of one": "/comentarios/{after}/atom.xml",
        "API, comments": f"/api/plans/{world.PLAN}/rounds/{ROUND}/comments?limit=50",
        "API, deep": f"/api/plans/{world.PLAN}/rounds/{ROUND}/comments?limit=50&after={ROUND}/{{after:09d}}",
    }


def measure(address: str, rounds: int) -> dict[str, list[float]]:
    """The seconds that each kind of page took, all kinds in turn. Raises RuntimeError for one that is not answered."""
    parts = urlsplit(address)
    path = parts.path.removesuffix("/statements")
    taken: dict[str, list[float]] = {}
    with closing(http.client.HTTPConnection(parts.netloc, timeout=60)) as connection:

        def ask(target: str) -> float:
            begun = time.perf_counter()
            connection.request("GET", path + target, headers={"accept": "text/html"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{target}: {answer.status} {body[:200]!r}")
            return time.perf_counter() - begun

        size = _settled(connection, path)
        numbers = {"after": size // 2, "middle": size // 2, "early": size // 4}
        wanted = {name: target.format(**numbers) for name, target in addresses().items()}
        for target in wanted.values():
            ask(target)
        for _ in range(rounds):
            for name, target in wanted.items():
                taken.setdefault(name, []).append(ask(target))
    return taken


def _settled(connection: http.client.HTTPConnection, path: str) -> int:
    """Wait until the server has folded and indexed everything; gives the size of the record."""
    for _ in range(6_000):
        connection.request("GET", "/metrics")
        folded = f'constancia_entries_not_folded{{ledger="{path[1:]}"}} 0.0'.encode() in connection.getresponse().read()
        connection.request("GET", f"{path}/consultas/{ROUND}", headers={"accept": "text/html"})
        page = connection.getresponse()
        body = page.read()
        if folded and page.status == 200 and b'class="behind' not in body:
            connection.request("GET", f"{path}/checkpoint")
            return int(connection.getresponse().read().split(b"\n")[1])
        time.sleep(0.1)
    raise RuntimeError("the server never became ready")


def percentile(seconds: list[float], share: float) -> float:
    """The value below which this share of them lies."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))]


# --- the round -------------------------------------------------------------------------------------------------------


def word(rank: int) -> str:
    """An invented word; the lower its rank, the more often it is said."""
    digest = sha256(b"word %d" % rank).digest()
    return "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest[: 2 + digest[9] % 3]) + chr(97 + rank % 26)


def prepare_round(folder: Path, count: int) -> None:
    """A founded ledger, with its keys and settings, in which `count` comments came over three weeks."""
    if (folder / "constancia.toml").exists():
        return
    started = time.time_ns() // 1_000_000 - (DAYS + 2) * 86_400_000
    small = _founded(started)
    clock = _Advancing(small.now_ms, DAYS * 86_400_000 // (count + 1_000))
    with closing(Vault.open(folder / "vault.db", create=True)) as vault:
        desk = Desk(ORIGIN, vault, Folder(folder / "public"), world.key_of("desk"))
        with Log.open(
            ORIGIN,
            journal=folder / "journal.db",
            published=folder / "public",
            log_key=LOG_KEY,
            contents=desk,
            desk_key=desk.public_key,
            create=True,
            clock=Clock(wall_ms=clock.wall_ms, monotonic=clock.monotonic),
        ) as log:
            desk.open(log)
            for entry in small.entries:
                log.register(entry.opened.note).result()
            _fill(desk, log, clock, count)
    prepare(folder)


class _Advancing:
    """A clock that a round of three weeks passes on within a minute: a step for each look at it."""

    def __init__(self, start_ms: int, step_ms: int) -> None:
        self.now = start_ms
        self._start = start_ms
        self._step = step_ms

    def wall_ms(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return (self.now - self._start) / 1000

    def advance(self, comments: int) -> None:
        self.now += comments * self._step


def _founded(now_ms: int) -> world.World:
    original = world.World
    world.World = lambda origin=ORIGIN: original(origin, now_ms)  # type: ignore[misc,assignment]
    try:
        small = world.found()
    finally:
        world.World = original
    parts = [{"part": part, "title": f"Parte {number} del borrador"} for number, part in enumerate(PARTS, 1)]
    small.open_round(days=DAYS + 1, parts=parts, langs=["es-GT", "en"], late="accept")
    return small


def _fill(desk: Desk, log: Log, clock: _Advancing, count: int) -> None:
    draw = random.Random(2015)
    waiting = _comments(draw, clock, count)
    done: list[tuple[str, str]] = []
    while batch := list(islice(waiting, AT_ONCE)):
        answers = [desk.submit(each.note, each.contents) for each in batch]
        for answer, each in zip(answers, batch, strict=True):
            answer.result()
            done.append(_names(each.note))
        clock.advance(len(batch))
    some = draw.sample(done, int(count * ANSWERED))
    for first in range(0, len(some), ANSWERS_AT_ONCE):
        identities = [identity for identity, _ in some[first : first + ANSWERS_AT_ONCE]]
        words = {"text": "Se tomó en cuenta en la versión siguiente. " * 3}
        fields: Any = {"answers": identities, "disposition": "accepted", "words": words}
        log.register(_said("ResponseGiven", "copret", "coordinator", clock.now, **fields)).result()
    for identity, digest in draw.sample(done, min(WITHHELD, count // 10)):
        fields = {
            "target": {"statement": identity, "salted_digest": digest},
            "ground": draw.choice(("personal_data", "hate", "spam")),
            "rule": "Regla 3",
            "appeal_until": format_when(clock.now + 30 * 86_400_000),
        }
        log.register(_said("ContentWithheld", "vigilante", "moderator", clock.now, **fields)).result()


def _said(kind: str, actor: str, role: str, now_ms: int, **fields: Any) -> bytes:
    by = [{"actor": actor, "key": world.public(actor), "role": role}]
    plain = {"kind": kind, "plan": world.PLAN, "by": by, "said_at": format_when(now_ms), "lang": "es-GT", **fields}
    return sign_statement(ORIGIN, msgspec.convert(plain, KINDS[kind]), [world.key_of(actor)])


def _names(note: bytes) -> tuple[str, str]:
    """Identity and salted digest of a comment's note."""
    text = note[: note.rindex(b"\n\n") + 1]
    fields = msgspec.json.decode(text.split(b"\n")[1])
    return sha256(text).hexdigest(), fields["salted_digest"]


def _comments(draw: random.Random, clock: _Advancing, count: int) -> Iterator[Submitted]:
    ranks = list(range(1, VOCABULARY + 1))
    weights = [1 / rank for rank in ranks]
    words = [word(rank) for rank in ranks]
    cumulative = [0.0]
    for weight in weights:
        cumulative.append(cumulative[-1] + weight)
    for number in range(count):
        seed = sha256(b"citizen %d" % number).digest()
        key = SigningKey(seed)
        public = bytes(key.verify_key).hex()
        said = " ".join(draw.choices(words, cum_weights=cumulative[1:], k=WORDS_EACH))
        content = Content(text=f"{said.capitalize()}.", name=f"Persona {number}") if number % 3 else Content(text=said)
        fields: dict[str, Any] = {
            "kind": "CommentSubmitted",
            "plan": world.PLAN,
            "by": [{"key": public, "role": "citizen"}],
            "said_at": format_when(clock.now),
            "lang": "en" if number % 20 == 0 else "es-GT",
            "round": ROUND,
            "version": 1,
            "about": draw.choice(("whole", *PARTS, world.G1, world.C8)),
            "salted_digest": salted_digest(seed, ORIGIN, public, content),
            "claim": claim(seed),
        }
        if position := draw.choice(("for", "against", "neutral", "")):
            fields["position"] = position
        note = sign_statement(ORIGIN, msgspec.convert(fields, KINDS["CommentSubmitted"]), [key])
        yield Submitted(note, (SaltedContent(salt=seed.hex(), content=content),))


def main() -> int:
    """Each kind of page on its own line: median, 99th percentile and slowest, in milliseconds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.add_argument("--comments", type=int, default=COMMENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--dir", type=Path, default=Path("build/reading"), help="kept, and used again when it is there")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    prepare_round(options.dir, options.comments)
    with running("ours", options.dir) as address:
        taken = measure(address, options.rounds)
    for name, seconds in taken.items():
        middle, most = statistics.median(seconds), percentile(seconds, 0.99)
        print(f"{name:24} {middle * 1000:8.1f} {most * 1000:8.1f} {max(seconds) * 1000:8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

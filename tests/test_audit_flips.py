"""Single flipped bits anywhere in what is published: the audit names the file, or a line of the table says why not.

MISSED lists, place by place, what nothing signs, hashes or pins. A flip that is missed and not in the table is a
failure; so is a line of the table in whose places no flip is missed any more.
"""

import random
import re
from collections.abc import Iterable

import pytest
import world as w
from second_writer import Files, ledger_file
from town import Town
from world import ORIGIN, key_of, public


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here grows while it is read, so nobody waits for it."""
    monkeypatch.setattr("projections.audit.PAUSES", (0.0,))


def dressed(town: Town) -> Town:
    """A town that publishes all that a ledger may: a comment in its policy, the key of its desk."""
    desk = b'"desk_key":"%b","formats"' % public("desk").encode()
    town.files["ledger.json"] = ledger_file(ORIGIN, key_of("log")).replace(b'"formats"', desk)
    town.files["policy"] = b"# Whom we trust.\n" + town.files["policy"]
    assert town.audit().clean
    return town


SMALL = dressed(Town(witnessed=True, world=w.opened()))  # the founding alone
TOWN = dressed(Town(witnessed=True))

_DAY = r"checkpoints/[0-9-]{10}"
_COSIGNER = rb"\xe2\x80\x94 (testigo-[a-e]\.example/w) ([A-Za-z0-9+/]{6})"

MISSED: dict[str, tuple[str, bytes, str]] = {
    # name: files, places in them (the groups), and why nobody can tell
    "a witness's name in the checkpoint": (
        "checkpoint",
        _COSIGNER,
        "a line of a key that the policy does not name counts for nothing, and the other four make the quorum",
    ),
    "a witness's name in a day's head": (_DAY, _COSIGNER, "the same, and older heads need no quorum"),
    "the length of a day's last record": (
        _DAY,
        rb"(?s)(\0\0..)constancia\.example",
        "a record that is longer than its file is what a crash leaves, and said in a remark",
    ),
    "a comment in the policy": ("policy", rb"(?m)^#([^\n]*)$", "it says nothing"),
    "a threshold in the policy": (
        "policy",
        rb"(?m)^group civil ([0-9]) ",
        "the published policy is no anchor: readers pin their own",
    ),
    "the desk's key": ("ledger.json", rb'"desk_key":"([0-9a-f]{64})"', "no statement names it"),
    "the promised merge delay": ("ledger.json", rb'"merge_delay_seconds":([0-9]+)', "no statement names it"),
}


def places(files: Files, path: str, row: str) -> set[int]:
    """Where in a file a line of the table applies."""
    where, spans, _ = MISSED[row]
    if not re.fullmatch(where, path):
        return set()
    return {
        at
        for found in re.finditer(spans, files[path])
        for group in range(1, len(found.groups()) + 1)
        for at in range(*found.span(group))
    }


def is_missed(town: Town, path: str, at: int, bit: int) -> bool:
    """Whether the audit finds nothing; what it finds must name the file."""
    files = town.files.copy()
    raw = bytearray(files[path])
    raw[at] ^= 1 << bit
    files[path] = bytes(raw)
    report = town.audit(files)
    if report.clean:
        return True
    assert path in {finding.path for finding in report.findings}, (path, at, bit)
    assert report.verdict == "misbehaviour found"
    return False


def unexplained(town: Town, path: str, flips: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Flips of (byte, bit) in a file that are missed, and in no place that the table knows."""
    known = set[int]().union(*(places(town.files, path, row) for row in MISSED))
    return [(at, bit) for at, bit in flips if is_missed(town, path, at, bit) and at not in known]


@pytest.mark.parametrize("path", sorted(SMALL.files))
def test_two_bits_of_every_byte_of_a_ledger_of_its_founding_alone(path: str) -> None:
    dice = random.Random(path)
    flips = [(at, bit) for at in range(len(SMALL.files[path])) for bit in dice.sample(range(8), 2)]
    assert unexplained(SMALL, path, flips) == []


def test_a_bit_of_every_byte_of_the_contents() -> None:
    dice = random.Random(1)
    raw = TOWN.files["contents/000"]
    assert unexplained(TOWN, "contents/000", [(at, dice.randrange(8)) for at in range(len(raw))]) == []


def test_a_thousand_bits_at_random() -> None:
    dice = random.Random(20260216)
    every = [(path, at) for path in sorted(TOWN.files) for at in range(len(TOWN.files[path]))]
    for path, at in dice.sample(every, 1_000):
        assert unexplained(TOWN, path, [(at, dice.randrange(8))]) == [], path


def test_the_first_and_the_last_bytes_of_a_larger_ledger() -> None:
    town = dressed(Town(comments=300, witnessed=True))  # full and partial tiles, two levels of them
    for path in sorted(town.files):
        last = len(town.files[path]) - 1
        assert unexplained(town, path, [(0, 0), (0, 7), (last // 2, 3), (last, 0), (last, 7)]) == [], path


@pytest.mark.parametrize("row", MISSED)
def test_what_the_table_says_is_missed_is_still_missed(row: str) -> None:
    for path in SMALL.files:
        for at in sorted(places(SMALL.files, path, row)):
            if any(is_missed(SMALL, path, at, bit) for bit in range(8)):
                return
    pytest.fail(f"every flip is found now: strike the line {row!r}")

"""Killed at any moment, the ledger loses nothing acknowledged, publishes the rest, and never signs two histories.

A child process (this file run as a program) registers statements and says, over a pipe, which ones were
acknowledged. The parent kills it: at random moments while it works, and, with strace, inside the n-th system call
that changes something on the disk. Then it opens the ledger as any start does, and compares.

`kill -9` leaves what the kernel was given; it says nothing of a power cut. For that, test_published checks the order
of syncs, and the journal asserts SQLite's.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import world
from test_log import LOG_KEY, Hands

from ledger.errors import CannotRun
from ledger.journal import Journal
from ledger.log import Log, Pace, Registered
from ledger.published import Folder
from ledger.statement import open_statement
from ledger.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger.tlog.merkle import leaf_hash, root_of
from ledger.tlog.note import ED25519, format_vkey, parse_vkey
from ledger.tlog.policy import parse_policy
from ledger.tlog.proof import parse_proof, verify_proof

ROOT = Path(__file__).resolve().parent.parent
ORIGIN = world.ORIGIN
START_MS = world.NOON + 60_000


class Said(msgspec.Struct):
    """What the child saw acknowledged."""

    number: int
    index: int
    received_ms: int


# --- the child -------------------------------------------------------------------------------------------------------


def work(folder: Path, first: int, stop: int, together: int) -> None:
    """Open the ledger and register the statements first..stop-1, `together` at a time, saying which are in."""
    _say(b"here\n")
    sys.stdin.readline()
    notes = msgspec.msgpack.decode((folder / "notes").read_bytes(), type=list[bytes])
    with _open(folder) as log:
        _say(b"ready\n")
        for begin in range(first, stop, together):
            answers = [log.register(note) for note in notes[begin : min(begin + together, stop)]]
            for number, answer in enumerate(answers, begin):
                _say(_line(number, answer.result()))
    _say(b"done\n")


def _line(number: int, registered: Registered) -> bytes:
    return msgspec.json.encode(Said(number, registered.index, registered.received_ms)) + b"\n"


def _say(line: bytes) -> None:
    os.write(1, line)


def _open(folder: Path) -> Log:
    return Log.open(
        ORIGIN,
        journal=folder / "journal.db",
        published=folder / "public",
        log_key=LOG_KEY,
        # From the founding statement on the ledger is opened, not made.
        create=_entries_kept(folder) == 0,
        # The same moment in every run: what is compared is the ledger, not the clock.
        clock=Hands(START_MS).clock,
        pace=Pace(interval=0.005),
    )


def _entries_kept(folder: Path) -> int:
    try:
        with closing(Journal.open(folder / "journal.db", create=False, writer=False)) as journal:
            return journal.size
    except CannotRun:  # killed before there was one
        return 0


# --- the parent ------------------------------------------------------------------------------------------------------


class Town:
    """A ledger that is written by children who die, and what they said before."""

    def __init__(self, folder: Path, notes: list[bytes]) -> None:
        self.folder = folder
        self.notes = notes
        self.acknowledged: dict[int, Said] = {}
        self.heads: dict[int, bytes] = {}
        folder.mkdir(parents=True)
        (folder / "notes").write_bytes(msgspec.msgpack.encode(notes))

    def copy(self, folder: Path) -> "Town":
        """The same ledger at another place, which remembers the same."""
        shutil.copytree(self.folder, folder / "town")
        town = Town(folder / "other", self.notes)
        town.folder = folder / "town"
        town.acknowledged, town.heads = dict(self.acknowledged), dict(self.heads)
        return town

    def child(self, first: int, stop: int, together: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, __file__, str(self.folder), str(first), str(stop), str(together)]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def heard(self, output: bytes) -> None:
        """Take down what a child acknowledged: whole lines only. The same statement keeps its place for ever."""
        for line in output.split(b"\n")[:-1]:
            if line in (b"here", b"ready", b"done"):
                continue
            said = msgspec.json.decode(line, type=Said)
            before = self.acknowledged.setdefault(said.number, said)
            assert before == said, "a retry got another place"
        self.look()

    def look(self) -> None:
        """Note every head that the world could have seen: signed, and of one size only ever with one root."""
        for path in ("head", "checkpoint"):
            if raw := Folder(self.folder / "public").read(path):
                head = _head(raw)
                assert self.heads.setdefault(head.size, head.root) == head.root, "two histories were signed"

    def audit(self) -> None:
        """Open the ledger once more and compare everything with what was said and seen."""
        with _open(self.folder) as log:
            entries = list(log.entries(0, log.size))
            size = log.size
            policy = parse_policy((self.folder / "public" / "policy").read_bytes())
            identities = [open_statement(entry[25:], ORIGIN).identity for entry in entries]
            assert len(set(identities)) == len(identities)
            for said in self.acknowledged.values():
                assert identities[said.index] == open_statement(self.notes[said.number], ORIGIN).identity
                again = log.register(self.notes[said.number]).result(20)
                assert (again.index, again.received_ms, again.fresh) == (said.index, said.received_ms, False)
            for index in range(0, size, max(1, size // 7)):
                assert verify_proof(parse_proof(log.receipt(index)), policy).entry == entries[index]
            assert log.size == size
        self.look()
        roots = {size: root_of(map(leaf_hash, entries[:size])) for size in self.heads}
        assert roots == self.heads, "a head was seen that is no beginning of this tree"
        assert not list((self.folder / "public").glob(".new-*"))


def _head(raw: bytes) -> Checkpoint:
    return open_checkpoint(raw, [parse_vkey(format_vkey(ORIGIN, ED25519, bytes(LOG_KEY.verify_key)))])


@pytest.fixture(scope="module")
def notes() -> list[bytes]:
    """The founded world and 400 comments, signed once."""
    town = world.found()
    town.open_round()
    said = [entry.opened.note for entry in town.entries]
    for number in range(400):
        who = f"citizen-{number}"
        said.append(town.sign("CommentSubmitted", f"{who}:citizen", **town.comment(who, f"comentario {number}")))
    return said


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_kill_9_at_random_moments_loses_nothing_acknowledged(tmp_path: Path, notes: list[bytes]) -> None:
    """One ledger, killed again and again from its founding on; each child takes up where the last was heard."""
    chance = random.Random(20260216)
    town = Town(tmp_path / "town", notes)
    kills, unacknowledged, deadline = 0, 0, time.monotonic() + 300
    while kills < 55 and time.monotonic() < deadline:
        known = len(town.acknowledged)
        # The last few once more: a retry must find its statement.
        first = max(0, min(known, len(notes) - 60) - 5)
        child = town.child(first, len(notes), chance.choice((1, 1, 3, 20)))
        assert child.stdout
        assert child.stdin
        output = child.stdout.readline()
        child.stdin.write(b"go\n")
        child.stdin.flush()
        if chance.random() < 0.8:
            output += child.stdout.readline()
            time.sleep(chance.random() * 0.12)
        else:  # while it opens the ledger, perhaps while it recovers
            time.sleep(chance.random() * 0.03)
        child.send_signal(signal.SIGKILL)
        rest, errors = child.communicate()
        assert child.returncode in (-signal.SIGKILL, 0), errors.decode()
        town.heard(output + rest)
        if child.returncode:
            kills += 1
            unacknowledged += _entries_kept(town.folder) > len(town.acknowledged)
        else:
            # It was through before it was killed: a new town, so that there is always work to be killed in.
            town.audit()
            town = Town(tmp_path / f"town-{kills}", notes)
    town.audit()
    assert kills >= 50, f"only {kills} children died at work: this showed too little"
    assert unacknowledged, "no child died between keeping and answering: this showed too little"


# --- inside system calls ---------------------------------------------------------------------------------------------

# What changes something on the disk, under whatever name this machine has it.
CALLS = "write,pwrite64,fsync,fdatasync,ftruncate,/^(rename|link|unlink|mkdir)(at|at2)?$"
FEW = 5  # statements, one after the other: founding, actor, key …

# How many moments of each scenario a run tries; all of them with CONSTANCIA_CRASH=all.
MOMENTS = 10_000 if os.environ.get("CONSTANCIA_CRASH") == "all" else 30


def _nothing(_town: Town) -> None:
    """The ledger is made: database, tables, the folder's own files; then the first statements."""


def _made(town: Town) -> None:
    """The ledger is there, and more is registered."""
    with town.child(0, 1, 1) as child:
        town.heard(child.communicate(b"go\n")[0])


def _unpublished(town: Town) -> None:
    """The journal is ahead: all is published by the start, before any statement is taken."""
    with town.child(0, FEW, FEW) as child:
        town.heard(child.communicate(b"go\n")[0])
    town.heads.clear()
    shutil.rmtree(town.folder / "public")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("before", [_nothing, _made, _unpublished], ids=["making", "working", "recovering"])
def test_killed_inside_a_call_that_changes_the_disk_nothing_acknowledged_is_lost(
    tmp_path: Path, notes: list[bytes], before: Callable[[Town], None]
) -> None:
    """The same ledger each time, so that the n-th call is always in the same place: the first commit, the first
    tile, the first head …"""
    template = Town(tmp_path / "template", notes)
    before(template)
    moments = _moments(template.copy(tmp_path / "traced"))
    killed, lost_answers = 0, 0
    tried = moments[:: -(-len(moments) // MOMENTS)]
    for number, (call, count) in enumerate(tried):
        town = template.copy(tmp_path / str(number))
        code, output = _run_traced(town, "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={count}")
        killed += code != 0
        town.heard(output)
        lost_answers += _entries_kept(town.folder) > len(town.acknowledged)
        town.audit()
        # And the work can be finished, as if nothing had been.
        with _open(town.folder) as log:
            assert [log.register(note).result(20).index for note in notes[:FEW]] == list(range(FEW))
        shutil.rmtree(town.folder)
    print(f"{killed} kills fired of {len(tried)}, {lost_answers} between keeping and answering; {len(moments)} moments")
    # An injection that did not fire shows nothing, however green.
    assert killed >= len(tried) * 0.9


def _moments(town: Town) -> list[tuple[str, int]]:
    """Each call that changes the disk, with its count in the thread that makes most of them: how strace counts."""
    trace = town.folder / "trace"
    _, output = _run_traced(town, "-o", str(trace))
    assert output.endswith(b"done\n")
    seen = Counter(re.findall(r"^(\d+) +(\w+)\(", trace.read_text(), re.MULTILINE))
    moments = {(call, count) for (_, call), most in seen.items() for count in range(1, most + 1)}
    assert {"write", "link", "fsync"} <= {call for call, _ in moments}, "the calls were not seen"
    return sorted(moments)


def _run_traced(town: Town, *options: str) -> tuple[int, bytes]:
    """Run a child that is traced from before it touches the ledger; return its exit code and what it said.

    (Not with `--seccomp-bpf`, although it is faster: strace 6.1 then forgets what it counted and injects nothing.)
    """
    path = shutil.which("strace")
    if not path:
        pytest.skip("no strace: kills inside system calls are not shown (install the package `strace`)")
    with town.child(0, FEW, 1) as child:
        assert child.stdout
        assert child.stdout.readline() == b"here\n"
        command = (path, "-f", "-e", f"trace={CALLS}", *options, "-p", str(child.pid))
        with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
            assert strace.stderr
            answer = strace.stderr.readline()
            if b"attached" not in answer:
                child.kill()
                reason = answer.decode("utf-8", "replace")[:200]
                pytest.skip(f"strace may not trace here: kills inside system calls are not shown ({reason})")
            output, errors = child.communicate(b"go\n", timeout=60)
            strace.communicate(timeout=60)
        assert child.returncode in (-signal.SIGKILL, 0), errors.decode()
        return child.returncode, output


if __name__ == "__main__":
    work(Path(sys.argv[1]), *map(int, sys.argv[2:5]))

"""The one writer: what it registers, in which order it writes, and what makes it refuse to start or stop."""

import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from hashlib import sha512
from pathlib import Path
from typing import Any

import msgspec
import pytest
import second_writer
import world
from nacl.bindings import crypto_scalarmult_ed25519_base_noclamp

from ledger import log as module
from ledger.docket import Docket
from ledger.errors import CannotRun, Refused
from ledger.journal import Journal
from ledger.log import Clock, Deposit, Head, Limits, Log, Pace, Registered
from ledger.published import Folder
from ledger.statement import parse_entry
from ledger.tlog.checkpoint import open_checkpoint
from ledger.tlog.merkle import check_consistency, check_inclusion, leaf_hash, root_of
from ledger.tlog.note import Note, SignatureLine, format_note, parse_note, parse_vkey
from ledger.tlog.policy import parse_policy
from ledger.tlog.proof import parse_proof, verify_proof

LOG_KEY = world.key_of("log")
DAY_MS = 86_400_000
WAIT = 20  # seconds until a test gives up on an answer


class Hands:
    """A clock that runs as time does, from a given moment, and that a test can set."""

    def __init__(self, start_ms: int) -> None:
        self.offset_ms = start_ms - int(time.monotonic() * 1000)

    @property
    def clock(self) -> Clock:
        return Clock(wall_ms=lambda: int(time.monotonic() * 1000) + self.offset_ms)


class Place:
    """A ledger on disk: its files, its clock, and the world whose statements are registered in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal.db"
        self.public = folder / "public"
        self.world = world.found()
        self.hands = Hands(self.world.now_ms)
        self.count = 0

    def open(self, **options: Any) -> Log:
        options = {"journal": self.journal, "published": self.public, "log_key": LOG_KEY, "clock": self.hands.clock,
                   **options}  # fmt: skip
        return Log.open(self.world.origin, **options)

    def founded(self, **options: Any) -> Log:
        """A new log in which the whole world is registered."""
        log = self.open(create=True, **options)
        for answer in [log.register(entry.opened.note) for entry in self.world.entries]:
            answer.result(WAIT)
        return log

    def axis(self, title: str, axis: str = "") -> bytes:
        """A statement that the rulebook takes once for each axis."""
        self.count += 1
        axis = axis or f"eje-{self.count}"
        return self.world.sign("AxisDefined", "copret:coordinator", axis=axis, title=title)

    def files(self) -> dict[str, bytes]:
        folder = Folder(self.public)
        return {path: folder.read(path) or b"" for path in folder.paths()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def log(place: Place) -> Iterator[Log]:
    with place.founded() as log:
        yield log


class Gate(module.NoContents):
    """Contents that let the writer go on only when the test says so, and remember what they saw."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)
        self.batches: list[list[Deposit]] = []
        self.failures: list[Exception] = []

    def keep(self, batch: Sequence[Deposit]) -> None:
        self.batches.append(list(batch))
        self.entered.release()
        assert self.open.wait(WAIT)
        if self.failures:
            raise self.failures.pop(0)

    def hold(self, log: Log, note: bytes) -> Future[Registered]:
        """Make the writer wait with this statement in its hands."""
        while self.entered.acquire(blocking=False):
            pass
        self.open.clear()
        answer = log.register(note)
        assert self.entered.acquire(timeout=WAIT)
        self.batches.clear()
        return answer


def code_of(answer: Future[Registered]) -> str:
    with pytest.raises(Refused) as refused:
        answer.result(WAIT)
    return refused.value.code


# --- registering -----------------------------------------------------------------------------------------------------


def test_what_is_answered_is_published_and_its_receipt_verifies(place: Place, log: Log) -> None:
    registered = log.register(place.axis("Datos abiertos")).result(WAIT)
    assert (registered.index, registered.fresh, log.size) == (len(place.world.entries), True, registered.index + 1)
    assert parse_entry(registered.entry)[0] == registered.received_ms

    policy = parse_policy((place.public / "policy").read_bytes())
    proven = verify_proof(parse_proof(log.receipt(registered.index)), policy)
    assert (proven.index, proven.entry) == (registered.index, registered.entry)
    assert proven.checked.checkpoint.size == log.size
    assert log.find(registered.identity) == registered.index
    assert log.find("0" * 64) is None
    assert list(log.entries(registered.index, 999)) == [registered.entry]
    assert log.checkpoint() == (place.public / "checkpoint").read_bytes() == (place.public / "head").read_bytes()


def test_the_files_are_those_that_an_independent_writer_makes(place: Place) -> None:
    heads: list[Head] = []
    with place.open(create=True) as log:
        log.on_published.append(heads.append)
        for entry in place.world.entries:
            log.register(entry.opened.note).result(WAIT)
        entries = list(log.entries(0, log.size))
    assert [head.size for head in heads] == list(range(1, len(entries) + 1))
    mine = place.files()
    theirs = second_writer.publish(
        place.world.origin,
        entries,
        LOG_KEY,
        heads=[head.size for head in heads],
        others={"ledger.json": mine["ledger.json"]},
    )
    assert mine == theirs


def test_the_ledgers_own_files_say_who_it_is(place: Place) -> None:
    desk = world.public("desk")
    place.open(create=True, desk_key=desk).close()
    files = place.files()
    assert list(files) == ["ledger.json", "policy"], "there is no checkpoint before the founding statement"
    said = json.loads(files["ledger.json"])
    vkey = said["log_keys"][0]
    assert said == {
        "desk_key": desk,
        "formats": list(module.FORMATS),
        "log_keys": [vkey],
        "merge_delay_seconds": 10,
        "origin": place.world.origin,
    }
    assert parse_vkey(vkey).public_key == bytes(LOG_KEY.verify_key)
    assert files["policy"] == second_writer.policy_for(place.world.origin, LOG_KEY)


def test_the_same_text_again_is_the_same_statement_whatever_its_signature(place: Place, log: Log) -> None:
    note = place.axis("Datos abiertos")
    first = log.register(note).result(WAIT)
    other = _signed_with_randomness(note, "copret")
    assert other != note
    for again in (note, other):
        assert log.register(again).result(WAIT) == msgspec.structs.replace(first, fresh=False)
    assert log.size == first.index + 1


def _signed_with_randomness(note: bytes, name: str) -> bytes:
    """Another valid Ed25519 signature of the same text by the same key, as some browsers make them."""
    parsed = parse_note(note)
    order = 2**252 + 27742317777372353535851937790883648493
    key = world.key_of(name)
    secret = bytearray(sha512(bytes(key)).digest()[:32])
    secret[0] &= 248
    secret[31] = secret[31] & 127 | 64
    nonce = int.from_bytes(os.urandom(64), "little") % order
    point = crypto_scalarmult_ed25519_base_noclamp(nonce.to_bytes(32, "little"))
    challenge = int.from_bytes(sha512(point + bytes(key.verify_key) + parsed.text).digest(), "little")
    scalar = (nonce + challenge * int.from_bytes(secret, "little")) % order
    line = parsed.lines[0]
    signed = SignatureLine(line.name, line.key_id, point + scalar.to_bytes(32, "little"))
    return format_note(Note(parsed.text, (signed,)))


def test_32_threads_post_one_statement_and_get_one_place(place: Place, log: Log) -> None:
    note = place.axis("Datos abiertos")
    size = log.size
    start = threading.Barrier(32)

    def post(_: int) -> Registered:
        start.wait()
        return log.register(note).result(WAIT)

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(post, range(32)))
    assert {(each.index, each.identity, each.received_ms, each.entry) for each in answers} == {
        (size, answers[0].identity, answers[0].received_ms, answers[0].entry)
    }
    assert [each.fresh for each in answers].count(True) == 1
    assert log.size == size + 1


def test_of_two_statements_that_race_for_one_rule_exactly_one_wins(place: Place) -> None:
    gate = Gate()
    with place.founded(contents=gate) as log:
        size = log.size
        first = gate.hold(log, place.axis("zero"))
        rivals = [log.register(place.axis(title, axis="uno")) for title in ("Datos", "Datos abiertos")]
        unlike = log.register(place.axis("Otro"))
        gate.open.set()
        assert first.result(WAIT).index == size
        assert rivals[0].result(WAIT).index == size + 1
        assert code_of(rivals[1]) == "id-conflict"
        assert unlike.result(WAIT).index == size + 2
        assert len(gate.batches) == 1, "they were to meet in one batch"
        assert [each.opened.statement.kind for each in gate.batches[0]] == ["AxisDefined"] * 2


def test_what_the_record_does_not_take_leaves_no_trace(place: Place, log: Log) -> None:
    size, before = log.size, place.files()
    good = place.axis("Datos abiertos")
    for note, code in {
        b"": "empty",
        good[:-5] + b"AAA=\n": "bad-signature",
        good.replace(b"Datos", b"datos"): "bad-signature",
        good.replace(b"constancia.example/gt\n", b"constancia.example/sv\n", 1): "wrong-origin",
        b"x" * 70_000: "too-large",
        place.world.sign("AxisDefined", "maria:citizen", axis="x", title="y"): "role-scope",
    }.items():
        assert code_of(log.register(note)) == code
    assert (log.size, place.files()) == (size, before)
    assert log.register(good).result(WAIT).index == size


def test_a_ledger_begins_with_its_founding_by_this_logs_own_key(place: Place) -> None:
    with place.open(create=True) as log:
        assert code_of(log.register(place.axis("too early"))) == "state"
        foreign = place.world.sign(
            "LedgerOpened", *world.FOUNDERS, **world.founding(log_keys=[world.public("another log")])
        )
        assert code_of(log.register(foreign)) == "shape"
        assert log.head is None
        for ask in (log.checkpoint, lambda: log.receipt(0), lambda: log.consistency(0)):
            with pytest.raises(LookupError):
                ask()
        assert log.register(place.world.entries[0].opened.note).result(WAIT).index == 0


# --- batches and pace ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "sizes"),
    [(Limits(), [7]), (Limits(batch_statements=3), [3, 3, 1]), (Limits(batch_bytes=1), [1] * 7)],
)
def test_all_that_waits_goes_into_one_batch_within_its_limits(place: Place, limits: Limits, sizes: list[int]) -> None:
    gate = Gate()
    with place.founded(contents=gate, limits=limits) as log:
        gate.hold(log, place.axis("zero"))
        answers = [log.register(place.axis(f"número {number}")) for number in range(7)]
        gate.open.set()
        indexes = [answer.result(WAIT).index for answer in answers]
        assert [len(batch) for batch in gate.batches] == sizes
        assert indexes == list(range(indexes[0], indexes[0] + 7)), "in the order in which they came"


@pytest.mark.parametrize("limits", [Limits(waiting_statements=3), Limits(waiting_bytes=2_000)])
def test_when_too_much_waits_callers_are_told_to_come_again(place: Place, limits: Limits) -> None:
    gate = Gate()
    with place.founded(contents=gate, limits=Limits()) as log:
        log._limits = limits  # pyright: ignore[reportPrivateUsage]
        gate.hold(log, place.axis("zero"))
        answers = [log.register(place.axis(f"número {number}")) for number in range(9)]
        busy = [answer for answer in answers if answer.done()]
        assert 0 < len(busy) < 9
        assert {code_of(answer) for answer in busy} == {"busy"}
        gate.open.set()
        for answer in answers:
            if answer not in busy:
                answer.result(WAIT)
        assert log.register(place.axis("later")).result(WAIT)


def test_a_caller_who_gave_up_before_its_turn_is_passed_over(place: Place) -> None:
    gate = Gate()
    with place.founded(contents=gate) as log:
        size = log.size
        held = gate.hold(log, place.axis("zero"))
        gone, stays = log.register(place.axis("gone")), log.register(place.axis("stays"))
        assert gone.cancel()
        assert not held.cancel(), "what the writer has in its hands can no longer be called back"
        gate.open.set()
        assert (held.result(WAIT).index, stays.result(WAIT).index) == (size, size + 1)


def test_a_batch_of_which_all_callers_gave_up_is_nothing(place: Place) -> None:
    gate = Gate()
    with place.open(create=True, contents=gate) as log:
        founding, second = [entry.opened.note for entry in place.world.entries[:2]]
        gate.failures.append(Refused("busy", "transport", "not now"))
        held = gate.hold(log, founding)
        assert log.register(second).cancel()
        gate.open.set()
        assert code_of(held) == "busy"
        assert [log.register(note).result(WAIT).index for note in (founding, second)] == [0, 1]


def test_one_head_covers_all_that_came_meanwhile(place: Place) -> None:
    heads: list[Head] = []
    pace = Pace(interval=0.2, burst=1)
    with place.founded() as log:
        log._pace = pace  # pyright: ignore[reportPrivateUsage]
        log.on_published.append(heads.append)
        answers: list[Future[Registered]] = []
        begin = time.monotonic()
        while time.monotonic() < begin + 1:
            answers.append(log.register(place.axis(f"número {len(answers)}")))
            time.sleep(0.002)
        for answer in answers:
            answer.result(WAIT)
        elapsed = time.monotonic() - begin
    assert 2 <= len(heads) <= elapsed / pace.interval + 2
    assert len(answers) > 3 * len(heads)


def test_pace_at_once_when_idle_one_each_interval_under_load() -> None:
    pace = Pace(interval=0.05, burst=3)
    assert pace.wait(100.0, idle=True) == pace.wait(100.0, idle=False) == 0
    for _ in range(3):
        assert pace.wait(100.0, idle=True) == 0
        pace.spend(100.0)
    assert pace.wait(100.0, idle=False) == pytest.approx(0.05)
    assert pace.wait(100.0, idle=True) == pytest.approx(0.05)  # three at once were the savings of three intervals
    assert pace.wait(100.03, idle=True) == pytest.approx(0.02)
    assert pace.wait(100.05, idle=True) == pytest.approx(0, abs=1e-9)
    pace.spend(100.05)
    assert pace.wait(200.0, idle=True) == 0
    for _ in range(3):
        pace.spend(200.0)
    assert pace.wait(200.0, idle=True) == pytest.approx(0.05)  # no more is saved than a burst


def test_closing_registers_and_publishes_what_waits(place: Place) -> None:
    gate = Gate()
    log = place.founded(contents=gate)
    held = gate.hold(log, place.axis("zero"))
    waiting = log.register(place.axis("one"))
    closing_thread = threading.Thread(target=log.close)
    closing_thread.start()
    time.sleep(0.05)
    gate.open.set()
    closing_thread.join(WAIT)
    assert waiting.result(0).index == held.result(0).index + 1 == log.size - 1
    with pytest.raises(CannotRun):
        log.register(place.axis("late")).result(WAIT)
    log.close()


def test_a_listener_that_fails_does_not_stop_the_record(place: Place, log: Log) -> None:
    def fail(_head: Head) -> None:
        raise RuntimeError("no page today")

    log.on_published.append(fail)
    for title in ("one", "two"):
        log.register(place.axis(title)).result(WAIT)
    assert log.stopped is None


# --- proofs ----------------------------------------------------------------------------------------------------------


def comments(place: Place, count: int) -> list[bytes]:
    """Comments by citizens, each with a key of its own, in a round that is open."""
    return [
        place.world.sign(
            "CommentSubmitted", f"citizen-{number}:citizen", **place.world.comment(f"citizen-{number}", f"nº {number}")
        )
        for number in range(count)
    ]


def test_every_entry_and_every_growth_is_proven_across_tiles(place: Place) -> None:
    place.world.open_round()
    heads: dict[int, bytes] = {}
    with place.founded() as log:
        log.on_published.append(lambda head: heads.update({head.size: head.root}))
        for answer in [log.register(note) for note in comments(place, 620 - log.size)]:
            answer.result(WAIT)
        entries = list(log.entries(0, 999))
        root = root_of(map(leaf_hash, entries))
        assert (len(entries), log.head and log.head.root) == (620, root)
        policy = parse_policy((place.public / "policy").read_bytes())
        for index in (0, 1, 255, 256, 300, 511, 512, 618, 619):
            proven = verify_proof(parse_proof(log.receipt(index)), policy)
            assert (proven.index, proven.entry) == (index, entries[index])
        for old in (0, 1, 34, 255, 256, 257, 512, 619, 620):
            old_root = root_of(map(leaf_hash, entries[:old]))
            check_consistency(old, old_root, 620, root, log.consistency(old))
        for size, head_root in heads.items():
            assert head_root == root_of(map(leaf_hash, entries[:size]))
            check_consistency(20, root_of(map(leaf_hash, entries[:20])), size, head_root, log.consistency(20, size))
        for missing in (-1, 620):
            with pytest.raises(LookupError):
                log.receipt(missing)
        for old, new in ((-1, 620), (5, 621), (9, 8), (0, 0)):
            with pytest.raises(LookupError):
                log.consistency(old, new)
    with place.open() as again:
        assert again.size == 620
        proof = parse_proof(again.receipt(300))
        check_inclusion(leaf_hash(entries[300]), 300, 620, proof.hashes, root)


# --- contents --------------------------------------------------------------------------------------------------------


class Watcher(module.NoContents):
    """Contents that look, whenever they are called, at what is durable and public already."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.seen: list[tuple[str, int, int]] = []

    def look(self, step: str) -> None:
        with closing(Journal.open(self.place.journal, create=False, writer=False)) as journal:
            head = Folder(self.place.public).read("head")
            size = open_checkpoint(head, [_log_verifier(self.place)]).size if head else 0
            self.seen.append((step, journal.size, size))

    def keep(self, batch: Sequence[Deposit]) -> None:
        self.look("keep")

    def publish(self, start: int, stop: int, docket: Docket) -> None:
        assert docket.size == stop
        self.look(f"publish {start} {stop}")


def _log_verifier(place: Place) -> Any:
    return parse_policy(second_writer.policy_for(place.world.origin, LOG_KEY)).logs[0].verifier


def test_contents_are_kept_before_the_journal_and_published_before_the_head(place: Place) -> None:
    watcher = Watcher(place)
    with place.open(create=True, contents=watcher) as log:
        for entry in place.world.entries[:2]:
            log.register(entry.opened.note, ["what the submitter sent"]).result(WAIT)
        again = log.register(place.world.entries[1].opened.note, ["other contents"]).result(WAIT)
        assert not again.fresh
    assert watcher.seen == [
        ("keep", 0, 0),
        ("publish 0 1", 1, 0),
        ("keep", 1, 1),
        ("publish 1 2", 2, 1),
    ]  # fmt: skip  (and nothing is kept for a statement that is there)


def test_what_the_vault_cannot_keep_is_not_registered_and_can_come_again(place: Place) -> None:
    gate = Gate()
    with place.founded(contents=gate) as log:
        size = log.size
        note = place.axis("Datos abiertos")
        gate.failures.append(Refused("busy", "transport", "the vault is held by another program"))
        assert code_of(log.register(note, ["x"])) == "busy"
        assert (log.size, log.docket.size) == (size, size)
        registered = log.register(note, ["x"]).result(WAIT)
        assert (registered.index, registered.fresh) == (size, True)
        assert [deposit.contents for deposit in gate.batches[-1]] == [("x",)]


def test_a_disk_that_fails_under_the_vault_stops_the_writer(place: Place) -> None:
    gate = Gate()
    with place.founded(contents=gate) as log:
        gate.failures.append(CannotRun("No se puede usar la bóveda.", "The vault cannot be used."))
        with pytest.raises(CannotRun, match="vault"):
            log.register(place.axis("one")).result(WAIT)
        with pytest.raises(CannotRun, match="vault"):
            log.register(place.axis("two")).result(WAIT)


# --- faults ----------------------------------------------------------------------------------------------------------


def test_a_database_held_by_a_tool_makes_callers_wait_not_the_record_stop(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger import journal

    monkeypatch.setattr(journal, "BUSY_SECONDS", 1)
    with place.founded() as log:
        note = place.axis("Datos abiertos")
        with closing(sqlite3.connect(place.journal, isolation_level=None)) as tool:
            tool.execute("BEGIN IMMEDIATE")
            assert code_of(log.register(note)) == "busy"
            tool.execute("ROLLBACK")
        assert log.register(note).result(WAIT).fresh


def test_a_bug_in_one_rule_costs_one_statement(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(opened: Any, received_ms: int, docket: Docket) -> None:
        if getattr(opened.statement, "title", "") == "bug":
            raise RuntimeError("bug in a rule")
        real(opened, received_ms, docket)

    real = module.check_admissible
    gate = Gate()
    with place.founded(contents=gate) as log:
        monkeypatch.setattr(module, "check_admissible", check)
        gate.hold(log, place.axis("zero"))
        one, bug, two = [log.register(place.axis(title)) for title in ("one", "bug", "two")]
        gate.open.set()
        with pytest.raises(RuntimeError, match="bug in a rule"):
            bug.result(WAIT)
        assert one.result(WAIT).index + 1 == two.result(WAIT).index == log.size - 1


def test_a_bug_in_the_docket_costs_one_statement_and_a_reload(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def evolve(docket: Docket, received_ms: int, opened: Any) -> None:
        if getattr(opened.statement, "title", "") == "bug":
            docket.size += 17  # half of it was done
            raise RuntimeError("bug in the docket")
        real(docket, received_ms, opened)

    real = Docket.evolve
    gate = Gate()
    with place.founded(contents=gate) as log:
        monkeypatch.setattr(Docket, "evolve", evolve)
        gate.hold(log, place.axis("zero"))
        one, bug, two = [log.register(place.axis(title)) for title in ("one", "bug", "two")]
        gate.open.set()
        with pytest.raises(RuntimeError, match="bug in the docket"):
            bug.result(WAIT)
        assert one.result(WAIT).index + 1 == two.result(WAIT).index == log.size - 1
        assert log.docket.size == log.size


def test_after_a_failed_sync_nothing_is_acknowledged_and_the_next_start_has_it_all(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    stops: list[CannotRun] = []
    with place.founded() as log:
        log.on_stopped.append(stops.append)
        size, head = log.size, (place.public / "head").read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", broken)
            first = log.register(place.axis("uno", axis="uno"))
            with pytest.raises(CannotRun, match="input/output error"):
                first.result(WAIT)
        # The disk works again, but what it forgot meanwhile nobody knows: no retry.
        with pytest.raises(CannotRun, match="input/output error"):
            log.register(place.axis("dos")).result(WAIT)
        assert stops == [log.stopped]
        assert (log.size, (place.public / "head").read_bytes()) == (size, head)
    with place.open() as again:
        # It was in the journal when publishing failed: published now, and a retry finds it.
        assert again.size == size + 1
        assert not again.register(place.axis("uno", axis="uno")).result(WAIT).fresh


def fill_up(path: Path) -> None:
    """Leave no room on a disk."""
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass


def register_on_a_full_disk(place: Place, note: bytes, rest: Path) -> None:
    with place.open() as log:
        fill_up(rest)
        log.register(note).result(WAIT)


def test_a_full_disk_stops_the_writer_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True)
    if not done or done.returncode:
        pytest.skip("cannot mount a small file system here (needs root): disk full is not shown")
    try:
        place = Place(disk)
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(1_200_000))
        place.world.open_round()
        notes = comments(place, 2_000)
        acknowledged: list[Registered] = []
        with place.founded() as log:
            stopped = None
            for note in notes:
                try:
                    acknowledged.append(log.register(note).result(WAIT))
                except CannotRun as error:
                    stopped = error
                    break
            assert stopped
            assert "start again" in stopped.advice
            assert log.stopped is stopped
            assert acknowledged
        # Still full. A start that has nothing left to write may succeed; then the next statement does not.
        fill_up(disk / "rest")
        with pytest.raises(CannotRun):
            register_on_a_full_disk(place, notes[len(acknowledged)], disk / "what the start cleared away")
        (disk / "rest").unlink()
        (disk / "what the start cleared away").unlink(missing_ok=True)
        ballast.unlink()
        with place.open() as again:
            for registered in acknowledged:
                assert list(again.entries(registered.index, registered.index + 1)) == [registered.entry]
            # The one that was not acknowledged may be there or not. A retry finds it, or registers it, once.
            retry = again.register(notes[len(acknowledged)]).result(WAIT)
            assert retry.index == acknowledged[-1].index + 1
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_bit_that_flips_on_the_disk_is_found_before_it_is_signed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flip(folder: Folder, files: dict[str, bytes]) -> None:
        real(folder, files)
        path = folder.root / next(iter(files))
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 4
        path.write_bytes(raw)

    real = Folder.create_all
    with place.founded() as log:
        head = (place.public / "head").read_bytes()
        monkeypatch.setattr(Folder, "create_all", flip)
        with pytest.raises(CannotRun, match="not what was written"):
            log.register(place.axis("uno")).result(WAIT)
        assert (place.public / "head").read_bytes() == head


# --- time ------------------------------------------------------------------------------------------------------------


def test_received_times_never_go_back(place: Place, log: Log) -> None:
    last = log.register(place.axis("uno")).result(WAIT).received_ms
    place.hands.offset_ms -= 30_000
    assert log.register(place.axis("dos")).result(WAIT).received_ms == last
    place.hands.offset_ms += 30_000
    assert log.register(place.axis("tres")).result(WAIT).received_ms >= last


@pytest.mark.parametrize("jump_ms", [-10 * 365 * DAY_MS, -3_600_000, -61_000, 61_000, 3_600_000, 10 * 365 * DAY_MS])
def test_the_writer_stops_when_the_clock_jumps_while_it_runs(place: Place, jump_ms: int) -> None:
    with place.founded() as log:
        size = log.size
        place.hands.offset_ms += jump_ms
        with pytest.raises(CannotRun, match="clock of this machine jumped"):
            log.register(place.axis("uno")).result(WAIT)
        place.hands.offset_ms -= jump_ms
        with pytest.raises(CannotRun, match="jumped"):
            log.register(place.axis("uno")).result(WAIT)
        assert log.size == size
    with place.open() as again:
        assert again.register(place.axis("uno")).result(WAIT).index == size


@pytest.mark.parametrize(
    ("jump_ms", "says"),
    [(-61_000, "behind the last entry"), (-10 * 365 * DAY_MS, "behind"), (401 * DAY_MS, "401 days after")],
)
def test_a_clock_that_cannot_be_right_stops_the_start(place: Place, jump_ms: int, says: str) -> None:
    place.founded().close()
    place.hands.offset_ms += jump_ms
    with pytest.raises(CannotRun, match=says) as stopped:
        place.open()
    assert stopped.value.advice
    if jump_ms > 0:
        place.open(accept_time=True).close()


def test_a_long_pause_is_only_worth_a_warning(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.founded().close()
    place.hands.offset_ms += 3 * DAY_MS
    place.open().close()
    assert "72 hours since the last entry" in caplog.text


# --- starting again --------------------------------------------------------------------------------------------------


def test_an_old_backup_of_the_journal_is_refused_with_the_missing_entries(place: Place) -> None:
    backup = place.folder / "backup.db"
    with place.founded() as log:
        size = log.size
        _back_up(place.journal, backup)
        for title in ("uno", "dos", "tres"):
            log.register(place.axis(title)).result(WAIT)
    _restore(backup, place.journal)
    before = place.files()
    with pytest.raises(CannotRun, match=f"entries {size} to {size + 2} missing") as stopped:
        place.open()
    assert "backup" in stopped.value.advice
    assert place.files() == before
    # The lock was let go, and the second attempt says the same.
    with pytest.raises(CannotRun, match="missing"):
        place.open()


def test_an_old_backup_of_journal_and_head_is_told_by_the_checkpoint(place: Place) -> None:
    backup = place.folder / "backup.db"
    with place.founded() as log:
        _back_up(place.journal, backup)
        head = (place.public / "head").read_bytes()
        log.register(place.axis("uno")).result(WAIT)
    _restore(backup, place.journal)
    (place.public / "head").write_bytes(head)
    with pytest.raises(CannotRun, match="`head` is older or missing"):
        place.open()


def test_a_journal_with_another_history_of_the_same_length_is_refused(place: Place) -> None:
    backup = place.folder / "backup.db"
    with place.founded() as log:
        _back_up(place.journal, backup)
        log.register(place.axis("uno")).result(WAIT)
    other = Place(place.folder / "other")
    other.folder.mkdir()
    shutil.copytree(place.public, other.public)
    _restore(backup, other.journal)
    # Elsewhere, with the folder moved away, the backup went on with another statement.
    shutil.rmtree(other.public)
    other.hands = place.hands
    with other.open() as log:
        log.register(place.axis("dos")).result(WAIT)
    shutil.rmtree(other.public)
    shutil.copytree(place.public, other.public)
    with pytest.raises(CannotRun, match="not those of the published head"):
        other.open()


def test_two_servers_on_one_ledger_the_second_is_refused(place: Place, log: Log) -> None:
    with pytest.raises(CannotRun, match="another writer"):
        place.open()
    assert log.register(place.axis("uno")).result(WAIT)


def test_a_server_with_a_journal_of_its_own_cannot_fork_the_published_tree(place: Place) -> None:
    """Where no lock is shared there is still the head, which the second server finds moved before it writes."""
    gate = Gate()
    with place.founded() as log:
        size = log.size
        copy = place.folder / "copy.db"
        _back_up(place.journal, copy)
        with place.open(journal=copy, contents=gate) as rival:
            held = gate.hold(rival, place.axis("cero"))
            mine = log.register(place.axis("uno")).result(WAIT)
            files = place.files()
            second = rival.register(place.axis("dos"))
            gate.open.set()
            for answer in (held, second):
                with pytest.raises(CannotRun, match="not what this writer left there"):
                    answer.result(WAIT)
            assert rival.stopped
        assert place.files() == files
        assert log.register(place.axis("tres")).result(WAIT).index == size + 1
        head = open_checkpoint((place.public / "head").read_bytes(), [_log_verifier(place)])
        assert head.root == root_of(map(leaf_hash, log.entries(0, 999)))
        assert list(log.entries(size, size + 1)) == [mine.entry]


def _unchecked(folder: Folder, expected: bytes | None) -> None:
    """Whatever `head` holds."""


@pytest.mark.parametrize("compared", [True, False], ids=["compared", "control"])
def test_of_two_servers_that_publish_at_the_same_moment_the_swap_lets_one_through(
    place: Place, monkeypatch: pytest.MonkeyPatch, compared: bool
) -> None:
    """The control shows what the comparison is for: without it the same key signs two histories."""
    gate = Gate()
    if not compared:
        monkeypatch.setattr(Folder, "check_head", _unchecked)
    with place.founded(contents=gate) as log:
        copy = place.folder / "copy.db"
        _back_up(place.journal, copy)

        pace = Pace(interval=60)
        pace.spend(time.monotonic())
        log._pace = pace  # pyright: ignore[reportPrivateUsage]  # one head for both of its statements

        class Late(module.NoContents):
            """Another server publishes two statements while this one is between its tiles and its head."""

            def publish(self, start: int, stop: int, docket: Docket) -> None:
                answers = [gate.hold(log, place.axis("uno")), log.register(place.axis("dos"))]
                gate.open.set()
                for answer in answers:
                    answer.result(WAIT)

        with place.open(journal=copy, contents=Late()) as rival:
            answer = rival.register(place.axis("tres"))
            if compared:
                with pytest.raises(CannotRun, match="not what this writer left there"):
                    answer.result(WAIT)
                assert rival.stopped
            else:
                answer.result(WAIT)
        head = open_checkpoint((place.public / "head").read_bytes(), [_log_verifier(place)])
        honest = root_of([leaf_hash(entry) for entry in log.entries(0, head.size)])
        assert log.stopped is None
        assert (head.root == honest) == compared


def _back_up(journal: Path, to: Path) -> None:
    with closing(sqlite3.connect(journal)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def _restore(backup: Path, journal: Path) -> None:
    for name in (journal.name, journal.name + "-wal", journal.name + "-shm"):
        (journal.parent / name).unlink(missing_ok=True)
    shutil.copy(backup, journal)


TAMPERINGS = {
    "kind": "UPDATE stored_events SET topic = 'AxisDefined' WHERE rowid = 7",
    "stream": "UPDATE stored_events SET originator_id = 'plan/x' WHERE rowid = 7",
    "version": "UPDATE stored_events SET originator_version = 99 WHERE rowid = 7",
    "identity": "UPDATE leaves SET statement = zeroblob(32) WHERE idx = 6",
    "leaf": "UPDATE leaves SET hash = zeroblob(32) WHERE idx = 6",
    "altered": "UPDATE stored_events SET state = replace(CAST(state AS TEXT), 'IRM', 'irm')",
    "origin": "UPDATE stored_events SET state = replace(CAST(state AS TEXT), 'example/gt', 'example/sv')",
    "missing": "DELETE FROM stored_events WHERE rowid = 7",
    "order": "UPDATE leaves SET notification_id = 15 - notification_id WHERE notification_id = 7",
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_journal_that_was_altered_is_refused_naming_the_entry(place: Place, tampering: str) -> None:
    place.founded().close()
    _tamper(place.journal, TAMPERINGS[tampering])
    before = place.files()
    with pytest.raises(CannotRun, match=r"[Ee]ntry \d+") as stopped:
        place.open()
    if tampering in ("kind", "stream", "version", "identity", "leaf"):
        assert f"Entry 6 of the journal was altered or is of another ledger: {tampering}" in str(stopped.value)
    assert place.files() == before


def test_an_unpublished_entry_whose_signature_was_altered_is_refused(place: Place) -> None:
    """No head vouches for it yet, so its signatures are verified again."""
    place.founded().close()
    (place.public / "head").unlink()
    (place.public / "checkpoint").unlink()
    with closing(Journal.open(place.journal, create=False)) as journal:
        rows = list(journal.rows(0, 99))
        entry = rows[5].entry[:-10] + b"AAAAAAAA=\n"
    leaves = [row.leaf for row in rows]
    leaves[5] = leaf_hash(entry)
    root = root_of(leaves)
    _tamper(
        place.journal,
        f"UPDATE stored_events SET state = x'{entry.hex()}' WHERE rowid = 6",
        f"UPDATE leaves SET hash = x'{leaves[5].hex()}' WHERE idx = 5",
        f"UPDATE heads SET root = x'{root.hex()}' WHERE size = {len(rows)}",
    )
    with pytest.raises(CannotRun, match="Entry 5"):
        place.open()


def _tamper(journal: Path, *commands: str) -> None:
    """What an administrator could do: take the safeguards away, change rows, put the safeguards back."""
    with closing(sqlite3.connect(journal, isolation_level=None)) as database:
        triggers = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        if "15 - notification_id" in commands[0]:
            database.execute("UPDATE leaves SET notification_id = -8 WHERE notification_id = 8")
        for command in commands:
            assert database.execute(command).rowcount
        database.execute("UPDATE leaves SET notification_id = 7 WHERE notification_id = -8")
        for _, sql in triggers:
            database.execute(sql)


def test_published_files_that_are_gone_are_written_anew(place: Place) -> None:
    place.world.open_round()
    with place.founded() as log:
        for answer in [log.register(note) for note in comments(place, 600 - log.size)]:
            answer.result(WAIT)
    before = place.files()
    needed = {path for path in before if ".p/" not in path or path.endswith(("/88", "1/000.p/2"))}
    shutil.rmtree(place.public / "tile")
    with place.open() as log:
        assert log.size == 600
        log.register(place.axis("uno")).result(WAIT)
    after = place.files()
    assert {path: after.get(path) for path in needed - {"head", "checkpoint"}} == {
        path: before[path] for path in needed - {"head", "checkpoint"}
    }


def test_a_lost_folder_is_published_anew_in_pieces(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CATCH_UP", 256)
    place.world.open_round()
    with place.founded() as log:
        for answer in [log.register(note) for note in comments(place, 700 - log.size)]:
            answer.result(WAIT)
        head = log.checkpoint()
        entries = list(log.entries(0, 999))
    shutil.rmtree(place.public)
    with place.open() as log:
        assert log.checkpoint() == head
    theirs = second_writer.publish(place.world.origin, entries, LOG_KEY, heads=[256, 512])
    theirs["ledger.json"] = place.files()["ledger.json"]  # names formats that the other writer does not
    assert place.files() == theirs


@pytest.mark.parametrize("path", ["tile/0/000.p/35", "tile/entries/000.p/35"])
def test_altered_files_are_not_built_upon_and_can_be_written_anew(place: Place, path: str) -> None:
    with place.founded() as log:
        log.register(place.axis("uno")).result(WAIT)
        assert log.size == 35
    before = (place.public / path).read_bytes()
    (place.public / path).write_bytes(before[:40] + bytes([before[40] ^ 1]) + before[41:])
    with pytest.raises(CannotRun, match="not those of the published head") as stopped:
        place.open()
    assert "Move the folder `tile` away" in stopped.value.advice
    (place.public / "tile").rename(place.folder / "evidence")
    place.open().close()
    assert (place.public / path).read_bytes() == before


def test_the_checkpoint_that_a_crash_kept_back_is_put_there(place: Place) -> None:
    place.founded().close()
    head = (place.public / "head").read_bytes()
    (place.public / "checkpoint").unlink()
    (place.public / ".new-1-1").write_bytes(b"half a file")
    place.open().close()
    assert (place.public / "checkpoint").read_bytes() == head
    assert not (place.public / ".new-1-1").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"log_key": world.key_of("another log")}, "not the log key"),
        ({"origin": "constancia.example/sv"}, "is the folder of the ledger constancia.example/gt"),
        ({"origin": "with space"}, "cannot be the origin"),
        ({"create": True}, "there is a ledger here already"),
    ],
)
def test_another_ledgers_folder_or_key_is_refused(place: Place, change: dict[str, Any], says: str) -> None:
    place.founded().close()
    before = place.files()
    place.world.origin = change.pop("origin", place.world.origin)
    with pytest.raises(CannotRun, match=says):
        place.open(**change)
    assert place.files() == before


def test_another_ledgers_journal_is_refused(place: Place) -> None:
    place.founded().close()
    shutil.rmtree(place.public)
    place.world.origin = "constancia.example/sv"
    with pytest.raises(CannotRun, match="Entry 0 of the journal"):
        place.open()


def test_a_head_that_this_log_did_not_sign_is_refused(place: Place) -> None:
    place.founded().close()
    head = place.public / "head"
    head.write_bytes(head.read_bytes().replace(b"\n34\n", b"\n33\n"))
    with pytest.raises(CannotRun, match="not a head that this log signed"):
        place.open()

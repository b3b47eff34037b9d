"""The state of a witness: kept before it answers, never back, whatever is restored, damaged or full."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from growing_log import GrowingLog
from nacl.signing import SigningKey
from reference_log import WITNESS, WITNESS_KEY, WITNESS_VKEY

from api.witness import Witness
from api.witness_state import CLOCK_TOLERANCE, DATABASE, MOST_EVIDENCE, SEEN, State
from ledger.errors import CannotRun
from ledger.tlog.errors import Declined
from ledger.tlog.note import COSIGNATURE_ED25519, format_vkey, parse_vkey
from ledger.tlog.policy import Log, parse_policy
from ledger.tlog.witness import parse_add_checkpoint, read_cosignature

ROOT = Path(__file__).resolve().parent.parent
MADE = 1_800_000_000
NOW = MADE + 3_600
KEY = parse_vkey(WITNESS_VKEY)

LOG = GrowingLog("registro.example/otro", "the key of a log", 60)
FORKED = LOG.forked(7)
SECOND = GrowingLog("registro.example/segundo", "the key of a second log", 60)
SEEN_FILE = sha256(LOG.origin.encode()).hexdigest()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    State.create(tmp_path, KEY, MADE)
    return tmp_path


@contextmanager
def opened(place: Path) -> Generator[Witness]:
    with closing(State.open(place, KEY)) as state:
        yield Witness(KEY, WITNESS_KEY, [Log(parse_vkey(each.vkey)) for each in (LOG, SECOND)], state)


def text_of(body: bytes) -> bytes:
    return parse_add_checkpoint(body).checkpoint.partition(b"\n\n")[0] + b"\n"


def cosigned(witness: Witness, body: bytes, now: int = NOW) -> int:
    """Ask, check the cosignature, and return its time."""
    return read_cosignature(witness.add_checkpoint(body, now), KEY, text_of(body))[1]


def refused(place: Path) -> CannotRun:
    with pytest.raises(CannotRun) as caught:
        State.open(place, KEY)
    return caught.value


# --- what is kept ---------------------------------------------------------------------------------------------


def test_what_was_cosigned_is_there_after_a_restart_and_shown_with_both_lines(place: Path) -> None:
    with opened(place) as witness:
        assert cosigned(witness, LOG.request(0, 4)) == NOW
        assert cosigned(witness, LOG.request(4, 9), NOW + 5) == NOW + 5
    with opened(place) as witness:
        head = witness.state.heads[LOG.origin]
        assert head[:4] == (*LOG.head(9), NOW + 5)
        rules = parse_policy(f"log {LOG.vkey}\nwitness w {WITNESS_VKEY}\nquorum w\n".encode())
        assert rules.check(head.note).quorum_time == NOW + 5
        assert (place / SEEN / SEEN_FILE).read_bytes() == head.note
        with pytest.raises(Declined) as caught:
            witness.add_checkpoint(LOG.request(4, 10), NOW + 6)
        assert (caught.value.status, caught.value.size) == (409, 9)


def test_logs_do_not_touch_one_another(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 9))
        cosigned(witness, SECOND.request(0, 3))
        assert {origin: head.size for origin, head in witness.state.heads.items()} == {LOG.origin: 9, SECOND.origin: 3}


def test_a_head_that_stays_is_cosigned_again_with_a_later_time(place: Path) -> None:
    with opened(place) as witness:
        times = [cosigned(witness, LOG.request(old, 9), NOW + later) for old, later in ((0, 0), (9, 60), (9, 120))]
    assert times == [NOW, NOW + 60, NOW + 120]


def test_asked_again_in_the_same_second_nothing_is_written(place: Path) -> None:
    with opened(place) as witness:
        first = witness.add_checkpoint(LOG.request(0, 9), NOW)
        before = (place / SEEN / SEEN_FILE).stat()
        assert witness.add_checkpoint(LOG.request(9, 9), NOW) == first
        assert (place / SEEN / SEEN_FILE).stat() == before
        assert not witness.state.stopped
        cosigned(witness, LOG.request(9, 12), NOW)


# --- the clock ------------------------------------------------------------------------------------------------


def test_the_time_given_never_goes_back(place: Path) -> None:
    with opened(place) as witness:
        assert cosigned(witness, LOG.request(0, 4), NOW) == NOW
        assert cosigned(witness, LOG.request(4, 9), NOW - CLOCK_TOLERANCE) == NOW
        # One clock has all logs.
        assert cosigned(witness, SECOND.request(0, 9), NOW - 1) == NOW


@pytest.mark.parametrize("now", [0, 1, MADE - CLOCK_TOLERANCE - 1])
def test_a_clock_before_the_witness_was_made_cosigns_nothing(place: Path, now: int) -> None:
    with opened(place) as witness:
        with pytest.raises(Declined) as caught:
            witness.add_checkpoint(LOG.request(0, 4), now)
        assert (caught.value.status, caught.value.reason) == (503, "clock")
        assert LOG.origin not in witness.state.heads
        cosigned(witness, LOG.request(0, 4))


def test_a_clock_that_went_back_cosigns_nothing_until_it_is_right(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 4))
    with opened(place) as witness:
        with pytest.raises(Declined) as caught:
            witness.add_checkpoint(LOG.request(4, 9), NOW - CLOCK_TOLERANCE - 1)
        assert caught.value.status == 503
        assert cosigned(witness, LOG.request(4, 9)) == NOW


# --- never back -----------------------------------------------------------------------------------------------


def test_a_restored_database_is_refused_with_the_log_and_both_sizes(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 4))
    shutil.copy(place / DATABASE, place / "backup")
    with opened(place) as witness:
        cosigned(witness, LOG.request(4, 9))
    newest = (place / DATABASE).read_bytes()
    shutil.copy(place / "backup", place / DATABASE)
    error = refused(place)
    for said in (error.es, error.detail):
        assert LOG.origin in said
        assert " 9 " in said
        assert " 4." in said
    assert "constancia witness init" in error.advice
    # The newest one is taken again.
    (place / DATABASE).write_bytes(newest)
    with opened(place) as witness:
        cosigned(witness, LOG.request(9, 10))


def test_a_new_empty_database_is_refused(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 4))
    (place / DATABASE).unlink()
    assert "there is no state" in refused(place).detail
    elsewhere = place / "new"
    elsewhere.mkdir()
    State.create(elsewhere, KEY, MADE)
    shutil.copy(elsewhere / DATABASE, place / DATABASE)
    assert " 4 " in refused(place).detail
    assert " 0." in refused(place).detail


def test_a_database_with_another_history_of_the_same_size_is_refused(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, FORKED.request(0, 9))
    other = (place / DATABASE).read_bytes()
    shutil.rmtree(place / SEEN)
    (place / DATABASE).unlink()
    (place / SEEN).mkdir()
    again = place / "again"
    again.mkdir()
    State.create(again, KEY, MADE)
    with opened(again) as witness:
        cosigned(witness, LOG.request(0, 9))
    (again / DATABASE).write_bytes(other)
    assert "went back" in refused(again).detail


@pytest.mark.parametrize("crash", ["older", "missing", "no folder", "unfinished"])
def test_a_crash_between_the_database_and_the_file_heals_itself(place: Path, crash: str) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 4))
        older = (place / SEEN / SEEN_FILE).read_bytes()
        cosigned(witness, LOG.request(4, 9))
        newest = (place / SEEN / SEEN_FILE).read_bytes()
    if crash == "no folder":
        shutil.rmtree(place / SEEN)
    else:
        (place / SEEN / SEEN_FILE).unlink()
    if crash == "older":
        (place / SEEN / SEEN_FILE).write_bytes(older)
    if crash == "unfinished":
        (place / SEEN / f".new-{SEEN_FILE}").write_bytes(newest[:50])
    with opened(place) as witness:
        assert [path.name for path in (place / SEEN).iterdir()] == [SEEN_FILE]
        assert (place / SEEN / SEEN_FILE).read_bytes() == newest
        cosigned(witness, LOG.request(9, 10))


def test_looking_heals_nothing_and_needs_no_lock(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 4))
        (place / SEEN / SEEN_FILE).unlink()
        with closing(State.open(place, KEY, writer=False)) as looked:
            assert looked.heads == witness.state.heads
        assert not (place / SEEN / SEEN_FILE).exists()


def test_whoever_looks_while_it_works_never_finds_it_behind(place: Path) -> None:
    with opened(place) as witness, ThreadPoolExecutor(1) as threads:
        working = threads.submit(lambda: [cosigned(witness, LOG.request(size, size + 1)) for size in range(60)])
        sizes: list[int] = []
        while not working.done() or len(sizes) < 5:
            with closing(State.open(place, KEY, writer=False)) as looked:
                sizes += [head.size for head in looked.heads.values()]
        assert len(working.result()) == 60
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 3


@pytest.mark.parametrize("content", [b"", b"x", LOG.checkpoint(9)])
def test_a_file_that_this_witness_did_not_write_is_refused(place: Path, content: bytes) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 4))
    (place / SEEN / SEEN_FILE).write_bytes(content)
    assert "is not what this witness wrote" in refused(place).detail


def test_a_head_under_the_name_of_another_log_is_refused(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 4))
    (place / SEEN / SEEN_FILE).rename(place / SEEN / sha256(b"x").hexdigest())
    assert "is not what this witness wrote" in refused(place).detail


def test_the_state_of_another_key_is_refused(place: Path) -> None:
    other = parse_vkey(format_vkey(WITNESS, COSIGNATURE_ED25519, bytes(SigningKey(bytes(32)).verify_key)))
    with pytest.raises(CannotRun, match="another witness"):
        State.open(place, other)


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_a_file_that_is_no_state_is_refused(place: Path, content: bytes) -> None:
    (place / DATABASE).write_bytes(content)
    with pytest.raises(CannotRun):
        State.open(place, KEY)


def test_a_damaged_head_is_refused(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 4))
    with closing(sqlite3.connect(place / DATABASE)) as connection:
        connection.execute("UPDATE latest SET size = 5")
        connection.commit()
    assert f"{LOG.origin}, 5" in refused(place).detail


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE latest SET size = size - 1",
        "UPDATE latest SET time = time - 1",
        "UPDATE latest SET root = zeroblob(32)",
        "UPDATE latest SET origin = 'x'",
        "DELETE FROM latest",
        "INSERT OR REPLACE INTO latest SELECT origin, 1, root, time, note FROM latest",
        "UPDATE evidence SET kind = 'x'",
        "DELETE FROM evidence",
        "INSERT OR REPLACE INTO evidence SELECT number, kind, 'x', size, root, time, request, latest FROM evidence",
        "INSERT OR REPLACE INTO evidence SELECT 99, kind, origin, size, root, 0, request, latest FROM evidence",
    ],
)
def test_the_database_itself_does_not_go_back(place: Path, statement: str) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 9))
        with pytest.raises(Declined):
            witness.add_checkpoint(FORKED.request(9, 9), NOW)
    with closing(sqlite3.connect(place / DATABASE)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)


def test_one_process_has_one_witness(place: Path) -> None:
    code = (
        "from pathlib import Path\nfrom api.witness_state import State\nfrom ledger.tlog.note import parse_vkey\n"
        f"State.open(Path({str(place)!r}), parse_vkey({WITNESS_VKEY!r}))"
    )
    with opened(place):
        assert "another process is this witness" in refused(place).detail
        ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert "another process is this witness" in ran.stderr
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 4))


# --- when it cannot be written ----------------------------------------------------------------------------------


def test_after_a_failed_write_nothing_is_cosigned_and_a_restart_knows_what_was_kept(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 4))
        stopped: list[bool] = []
        witness.state.on_stopped = lambda: stopped.append(True)
        shutil.rmtree(place / SEEN)
        for _ in range(2):
            with pytest.raises(CannotRun):
                witness.add_checkpoint(LOG.request(4, 9), NOW)
        assert stopped == [True]
        assert witness.state.stopped
        # What was not acknowledged is not shown.
        assert witness.state.heads[LOG.origin].size == 4
    with opened(place) as witness:  # the commit came before the failure
        assert witness.state.heads[LOG.origin].size == 9


def test_while_another_program_holds_the_database_the_answer_is_not_now(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.witness_state.BUSY_SECONDS", 0.05)
    with opened(place) as witness, closing(sqlite3.connect(place / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Declined) as caught:
            witness.add_checkpoint(LOG.request(0, 4), NOW)
        assert (caught.value.status, caught.value.reason) == (503, "busy")
        other.execute("ROLLBACK")
        cosigned(witness, LOG.request(0, 4))


# --- evidence -------------------------------------------------------------------------------------------------


def test_another_root_at_the_size_cosigned_is_kept_with_both_notes(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 9))
        told: list[str] = []
        witness.state.on_evidence = lambda found: told.append(found.kind)
        for old in (9, 9, 4):  # the same once; a wrong old size does not hide it
            with pytest.raises(Declined) as caught:
                witness.add_checkpoint(FORKED.request(old, 9, ()), NOW + 1)
            assert caught.value.status == (422 if old == 9 else 409)
        assert told == ["fork"]
        cosigned(witness, LOG.request(9, 12))
    with opened(place) as witness:
        (found,) = witness.state.evidence
    assert (found.number, found.kind, found.origin, found.size, found.time) == (1, "fork", LOG.origin, 9, NOW + 1)
    rules = parse_policy(f"log {LOG.vkey}\nwitness w {WITNESS_VKEY}\nquorum none\n".encode())
    one, two = (rules.check(raw).checkpoint for raw in (parse_add_checkpoint(found.request).checkpoint, found.latest))
    assert one.size == two.size
    assert one.root != two.root


def test_a_proof_that_does_not_hold_is_a_suspicion(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 9))
        with pytest.raises(Declined):
            witness.add_checkpoint(FORKED.request(9, 20), NOW)
        (found,) = witness.state.evidence
        assert (found.kind, found.size) == ("unproven", 20)
        assert parse_add_checkpoint(found.request).proof == FORKED.proof(9, 20)


def test_what_speaks_against_nobody_is_not_kept(place: Path) -> None:
    stranger = GrowingLog(LOG.origin, "somebody else's key", 20)
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 9))
        for body in (stranger.request(9, 9), LOG.request(4, 9), LOG.request(4, 20), LOG.request(10, 10)):
            with pytest.raises(Declined):
                witness.add_checkpoint(body, NOW)
        assert list(witness.state.evidence) == []


def test_evidence_is_bounded_for_each_kind_and_log(place: Path) -> None:
    with opened(place) as witness:
        cosigned(witness, LOG.request(0, 9))
        cosigned(witness, SECOND.request(0, 9))
        for size in range(10, 10 + MOST_EVIDENCE + 5):  # anybody can send a wrong proof of a true head
            with pytest.raises(Declined):
                witness.add_checkpoint(LOG.request(9, size, ()), NOW)
        with pytest.raises(Declined):
            witness.add_checkpoint(FORKED.request(9, 9), NOW)
        with pytest.raises(Declined):
            witness.add_checkpoint(SECOND.request(9, 12, ()), NOW)
        kinds = [(each.kind, each.origin) for each in witness.state.evidence]
        assert kinds.count(("unproven", LOG.origin)) == MOST_EVIDENCE
        assert kinds[-2:] == [("fork", LOG.origin), ("unproven", SECOND.origin)]
        assert not witness.state.stopped

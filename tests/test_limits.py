"""How much a client may send: the counts, what the file keeps of them, the work beyond them, and all of it at a server.

Numbers are small here, so that a test reaches them; what the settings say by default is in the documentation.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from service import STATEMENT, SUBMISSION, Answer, Served, founded_lately, now_ms, put_on_disk, until
from world import World

from api.limits import MOST_COUNTED, OTHER, Charge, Limited, Limits, Rate, Rates, Spent
from api.problems import TITLES
from api.work import solve
from consultation.text import Content, SaltedContent, format_submission
from ledger.statement import format_when

NOON = 1_800_000_000.0 - 1_800_000_000 % 86_400 + 43_200
SMALL = Rates(
    free_statements=3,
    free_statements_per_hour=60,
    worked_statements_per_hour=5,
    ledger_statements_per_minute=100,
    work_iterations=1,
)


class Clock:
    """A clock that stands until it is told."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(tmp_path: Path, clock: Clock) -> Iterator[Limits]:
    opened = Limits.open(tmp_path / "limits.db", SMALL, clock)
    yield opened
    opened.close()


def reason(limits: Limits, client: str, place: str = "r", **more: str) -> str:
    """Why a client is told to wait; empty when it is not."""
    try:
        limits.admit(client, place, **more)
    except Limited as limited:
        return limited.reason
    return ""


# --- token buckets ---------------------------------------------------------------------------------------------------


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    spent, rate = Spent(), Rate(3, 0.5)
    for _ in range(3):
        assert spent.wait(b"k", rate, 0) == 0
        spent.take(b"k", rate, 0)
    assert spent.wait(b"k", rate, 0) == pytest.approx(2)
    assert spent.wait(b"k", rate, 1.5) == pytest.approx(0.5)
    assert spent.wait(b"k", rate, 2) == 0
    spent.take(b"k", rate, 2)
    assert spent.wait(b"k", rate, 2) > 0
    assert spent.spent(b"k", rate, 1_000) == 0


def test_a_bucket_owes_nothing_and_a_clock_that_goes_back_refills_nothing() -> None:
    spent, rate = Spent(), Rate(2, 1)
    for _ in range(50):
        spent.take(b"k", rate, 100)
    assert spent.wait(b"k", rate, 100) == pytest.approx(1)
    assert spent.wait(b"k", rate, -1_000_000) == pytest.approx(1)


def test_what_was_taken_for_nothing_can_be_given_back() -> None:
    spent, rate = Spent(), Rate(1, 0.1)
    spent.take(b"k", rate, 0)
    spent.give_back(b"k")
    spent.give_back(b"k")
    spent.give_back(b"unknown")
    assert spent.wait(b"k", rate, 0) == 0
    assert spent.spent(b"k", rate, 0) == 0


def test_buckets_beyond_the_most_are_forgotten_the_longest_quiet_first() -> None:
    spent, rate = Spent(most=3), Rate(1, 0)
    for key in (b"a", b"b", b"c", b"a", b"d"):
        spent.take(key, rate, 0)
    assert list(spent.kept) == [b"c", b"a", b"d"]
    assert spent.wait(b"a", rate, 0) == 86_400
    assert MOST_COUNTED > 10_000


# --- who is counted as whom ------------------------------------------------------------------------------------------


def test_each_client_and_each_round_has_its_own_allowance(limits: Limits) -> None:
    assert [reason(limits, "192.0.2.1") for _ in range(4)] == ["", "", "", "address"]
    assert reason(limits, "192.0.2.2") == ""
    assert reason(limits, "192.0.2.1", "another") == ""
    assert reason(limits, "192.0.2.1", OTHER) == ""
    assert reason(limits, "::ffff:192.0.2.1") == "address"


def test_a_network_of_ipv6_is_one_client(limits: Limits) -> None:
    assert [reason(limits, f"2001:db8:0:1::{host:x}") for host in range(4)] == ["", "", "", "address"]
    assert reason(limits, "2001:db8:0:2::1") == ""


def test_time_refills_the_allowance(limits: Limits, clock: Clock) -> None:
    assert [reason(limits, "192.0.2.1") for _ in range(4)][-1] == "address"
    clock.now += 59
    assert reason(limits, "192.0.2.1") == "address"
    clock.now += 1
    assert [reason(limits, "192.0.2.1") for _ in range(2)] == ["", "address"]


def test_the_wait_that_is_told_is_the_wait_that_is_needed(limits: Limits, clock: Clock) -> None:
    for _ in range(3):
        limits.admit("192.0.2.1", "r")
    with pytest.raises(Limited) as told:
        limits.admit("192.0.2.1", "r")
    assert told.value.waiting() == {"retry-after": str(told.value.retry_after)}
    clock.now += told.value.retry_after
    limits.admit("192.0.2.1", "r")


def test_beyond_the_rate_of_the_whole_ledger_everybody_works_and_nobody_is_turned_away(
    tmp_path: Path, clock: Clock
) -> None:
    limits = Limits.open(tmp_path / "limits.db", Rates(ledger_statements_per_minute=10, work_iterations=1), clock)
    try:
        assert [reason(limits, f"192.0.2.{host}") for host in range(12)] == [""] * 10 + ["ledger"] * 2
        answer = solve(limits.challenge("198.51.100.1"))
        assert reason(limits, "198.51.100.1", statement="a" * 64, answer=answer) == ""
        clock.now += 12
        assert reason(limits, "203.0.113.1") == ""
    finally:
        limits.close()


def test_what_the_server_had_no_time_for_is_not_counted(limits: Limits) -> None:
    for _ in range(20):
        limits.give_back(limits.admit("192.0.2.1", "r"))
    assert limits.admit("192.0.2.1", "r") == Charge(limits.admit("192.0.2.1", "r").keys)


# --- work ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def spent_out(limits: Limits) -> Limits:
    """The limits when 192.0.2.1 has used what is free."""
    for _ in range(3):
        limits.admit("192.0.2.1", "r")
    return limits


def test_with_work_the_next_one_is_taken(spent_out: Limits) -> None:
    answer = solve(spent_out.challenge("192.0.2.1", "r"))
    assert spent_out.admit("192.0.2.1", "r", "a" * 64, answer).worked


def test_an_answer_is_good_once_and_again_for_its_own_statement_alone(spent_out: Limits) -> None:
    answer = solve(spent_out.challenge("192.0.2.1", "r"))
    for _ in range(20):
        assert spent_out.admit("192.0.2.1", "r", "a" * 64, answer).worked
    assert reason(spent_out, "192.0.2.1", statement="b" * 64, answer=answer) == "work"
    assert reason(spent_out, "192.0.2.1", answer=answer) == "work"
    # Also where it was spent on a form that has no statement yet.
    other = solve(spent_out.challenge("192.0.2.1", "r"))
    assert reason(spent_out, "192.0.2.1", answer=other) == ""
    assert reason(spent_out, "192.0.2.1", answer=other) == "work"


def test_the_free_allowance_uses_up_no_answer(limits: Limits) -> None:
    answer = solve(limits.challenge("192.0.2.1", "r"))
    for number in range(3):
        assert not limits.admit("192.0.2.1", "r", f"{number:064}", answer).worked
    assert limits.admit("192.0.2.1", "r", "f" * 64, answer).worked


def test_work_gets_harder_and_comes_to_an_end(spent_out: Limits) -> None:
    levels: list[int] = []
    for number in range(5):
        challenge = spent_out.challenge("192.0.2.1", "r")
        levels.append(challenge["parameters"]["data"]["level"])
        assert spent_out.admit("192.0.2.1", "r", f"{number:064}", solve(challenge)).worked
    assert levels == [0, 1, 2, 3, 4]
    answer = solve(spent_out.challenge("192.0.2.1", "r"))
    assert reason(spent_out, "192.0.2.1", statement="f" * 64, answer=answer) == "worked"


def test_cheap_answers_cannot_be_hoarded(spent_out: Limits) -> None:
    hoard = [solve(spent_out.challenge("192.0.2.1", "r")) for _ in range(4)]
    told = [reason(spent_out, "192.0.2.1", statement=f"{n:064}", answer=answer) for n, answer in enumerate(hoard)]
    assert told == ["", "", "work", "work"]


def test_an_answer_expires(spent_out: Limits, clock: Clock) -> None:
    clock.now = time.time()
    answer = solve(spent_out.challenge("192.0.2.1", "r"))
    clock.now += 601
    for _ in range(3):
        spent_out.admit("192.0.2.1", "r")
    assert reason(spent_out, "192.0.2.1", statement="a" * 64, answer=answer) == "work"


def test_challenges_are_counted_because_they_cost_us_work(limits: Limits, clock: Clock) -> None:
    for _ in range(60):
        limits.challenge("192.0.2.1")
    with pytest.raises(Limited, match="challenges"):
        limits.challenge("192.0.2.1")
    limits.challenge("192.0.2.2")
    clock.now += 1
    limits.challenge("192.0.2.1")


def test_large_bodies_that_are_refused_cost_work_and_small_allowances_are_left_alone(limits: Limits) -> None:
    for _ in range(60):
        limits.look("192.0.2.1")
        limits.refused("192.0.2.1")
    with pytest.raises(Limited):
        limits.look("192.0.2.1")
    answer = solve(limits.challenge("192.0.2.1"))
    assert limits.look("192.0.2.1", "a" * 64, answer).worked
    assert reason(limits, "192.0.2.1") == ""


# --- the file --------------------------------------------------------------------------------------------------------


def test_counts_and_used_answers_and_challenges_outlive_a_restart(tmp_path: Path, clock: Clock) -> None:
    clock.now = time.time()  # the library that judges answers reads the computer's clock
    limits = Limits.open(tmp_path / "limits.db", SMALL, clock)
    for _ in range(3):
        limits.admit("192.0.2.1", "r")
    used, fresh = (solve(limits.challenge("192.0.2.1", "r")) for _ in range(2))
    limits.admit("192.0.2.1", "r", "a" * 64, used)
    limits.close()
    limits = Limits.open(tmp_path / "limits.db", SMALL, clock)
    try:
        assert reason(limits, "192.0.2.1") == "address"
        assert reason(limits, "192.0.2.1", statement="b" * 64, answer=used) == "work"
        assert reason(limits, "192.0.2.1", statement="a" * 64, answer=used) == ""
        assert reason(limits, "192.0.2.1", statement="b" * 64, answer=fresh) == ""
    finally:
        limits.close()


def test_counts_are_written_behind_without_being_asked(tmp_path: Path, limits: Limits) -> None:
    limits.admit("192.0.2.1", "r")
    deadline = time.monotonic() + 20
    while not rows(tmp_path, "spent"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def rows(folder: Path, table: str) -> list[Any]:
    """All rows of a table of limits.db."""
    connection = sqlite3.connect(folder / "limits.db")
    try:
        return connection.execute(f"SELECT * FROM {table}").fetchall()
    finally:
        connection.close()


def test_on_a_new_day_the_key_and_all_that_was_counted_under_it_are_gone_from_the_file(
    tmp_path: Path, clock: Clock
) -> None:
    limits = Limits.open(tmp_path / "limits.db", SMALL, clock)
    for _ in range(3):
        limits.admit("192.0.2.1", "r")
    limits.close()
    (old,) = [bytes(secret) for name, _, secret in rows(tmp_path, "secrets") if name == "day"]
    digests = [bytes(key) for key, _, _ in rows(tmp_path, "spent")]
    assert len(digests) == 2
    assert old in (tmp_path / "limits.db").read_bytes()
    clock.now += 86_400
    limits = Limits.open(tmp_path / "limits.db", SMALL, clock)
    assert reason(limits, "192.0.2.1") == ""
    clock.now += 86_400  # and once more while it runs
    assert reason(limits, "192.0.2.1") == ""
    limits.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for gone in (old, *digests):
        assert gone not in kept
    assert len({bytes(key) for key, _, _ in rows(tmp_path, "spent")} - set(digests)) == 2


def test_the_file_holds_no_address_and_is_its_owners_alone(tmp_path: Path, clock: Clock) -> None:
    limits = Limits.open(tmp_path / "limits.db", SMALL, clock)
    for client in ("192.0.2.1", "2001:db8:0:1::5"):
        limits.admit(client, "r")
    limits.close()
    kept = (tmp_path / "limits.db").read_bytes()
    for address in (b"192.0.2.1", bytes([192, 0, 2, 1]), b"2001:db8", bytes.fromhex("20010db800000001")):
        assert address not in kept
    assert (tmp_path / "limits.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("spoilt", [b"not a database" * 1_000, b"", b"SQLite format 3\0" + b"\0" * 5_000])
def test_a_spoilt_file_is_made_anew(tmp_path: Path, clock: Clock, spoilt: bytes) -> None:
    (tmp_path / "limits.db").write_bytes(spoilt)
    limits = Limits.open(tmp_path / "limits.db", SMALL, clock)
    assert reason(limits, "192.0.2.1") == ""
    limits.close()
    assert len(rows(tmp_path, "spent")) == 2


def test_counting_is_right_from_many_threads(tmp_path: Path, clock: Clock) -> None:
    limits = Limits.open(tmp_path / "limits.db", Rates(free_statements=100), clock)
    taken: list[int] = []

    def ask() -> None:
        taken.append(sum(not reason(limits, "192.0.2.1") for _ in range(50)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    limits.close()
    assert sum(taken) == 100


# --- at a server -----------------------------------------------------------------------------------------------------

BEHIND = {"CONSTANCIA_TRUSTED_PROXIES": "127.0.0.1"}
CAPS = {
    "CONSTANCIA_FREE_STATEMENTS": "2",
    "CONSTANCIA_FREE_STATEMENTS_PER_HOUR": "1",
    "CONSTANCIA_WORK_ITERATIONS": "1",
}


@pytest.fixture(scope="module")
def world() -> World:
    return founded_lately()


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    put_on_disk(world, tmp_path / "ledger")
    return tmp_path / "ledger"


def comment(world: World, who: str) -> bytes:
    """A submission of a citizen's comment; another citizen, another comment."""
    world.now_ms = now_ms()
    note = world.sign("CommentSubmitted", f"{who}:citizen", **world.comment(who))
    return format_submission(note, [SaltedContent(salt=(b"s" * 32).hex(), content=Content(text="Buen plan."))])


def sent(server: Served, body: bytes, address: str = "", answer: str = "", **headers: str) -> Answer:
    """Post a submission as if it came through a proxy from an address."""
    named = {"content-type": SUBMISSION} | {name.replace("_", "-"): value for name, value in headers.items()}
    named |= {"x-forwarded-for": address} if address else {}
    named |= {"constancia-work": answer} if answer else {}
    return server.request("POST", "/gt/statements", body, named)


def limited(server: Served) -> dict[str, float]:
    """The figures of the operator, by reason."""
    text = server.get("//metrics").body.decode()
    return {
        line.split('reason="')[1].split('"')[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("constancia_limited_total{")
    }


def test_too_much_is_told_with_what_to_do_and_the_work_lets_the_same_body_in(folder: Path, world: World) -> None:
    with Served(folder, BEHIND | CAPS) as server:
        for who in ("ana", "beto"):
            assert sent(server, comment(world, who), "198.51.100.7").status == 201
        third = comment(world, "carla")
        size = server.size()
        told = sent(server, third, "198.51.100.7", accept_language="es")
        assert (told.status, told.code, told.json["rule"]) == (429, "rate-limit", "transport")
        assert told.headers["content-type"] == "application/problem+json"
        assert told.json["title"] == TITLES["rate-limit"][0]
        assert int(told.headers["retry-after"]) > 60
        assert server.size() == size
        answer = solve(told.json["challenge"])
        taken = sent(server, third, "198.51.100.7", answer)
        assert taken.status == 201
        # The same submission is the same entry, with and without an answer, however much was sent.
        for again in (answer, "", "nonsense"):
            repeated = sent(server, third, "198.51.100.7", again)
            assert (repeated.status, repeated.json["index"]) == (200, taken.json["index"])
        spent = sent(server, comment(world, "dora"), "198.51.100.7", answer)
        assert (spent.status, spent.code) == (429, "rate-limit")
        assert "used before" in spent.json["detail"]
        assert "challenge" in spent.json
        assert sent(server, comment(world, "eva"), "198.51.100.8").status == 201
        assert limited(server) == {"address": 1.0, "taken": 1.0, "work": 1.0}
        assert "198.51.100" not in server.log() + server.get("//metrics").body.decode()


def test_a_challenge_can_be_fetched_beforehand(folder: Path, world: World) -> None:
    nothing_free = {"CONSTANCIA_FREE_STATEMENTS": "0", "CONSTANCIA_FREE_STATEMENTS_PER_HOUR": "0"}
    with Served(folder, CAPS | nothing_free) as server:
        challenge = server.get("/challenge?round=ronda-1")
        assert (challenge.status, challenge.headers["cache-control"]) == (200, "no-store")
        assert sent(server, comment(world, "ana"), answer=solve(challenge.json)).status == 201
        assert sent(server, comment(world, "beto")).status == 429


def test_what_officials_state_is_not_counted(folder: Path, world: World) -> None:
    with Served(folder, CAPS) as server:
        for number in range(6):
            world.now_ms = now_ms()
            note = world.sign("AxisDefined", "copret:coordinator", axis=f"a{number}", title="Eje")
            assert server.post(note).status == 201


@pytest.mark.parametrize(
    "forged", ["203.0.113.5", "203.0.113.5, 203.0.113.6", "::1", "nonsense", "203.0.113.5, 127.0.0.1"]
)
def test_a_forged_address_changes_nothing(folder: Path, world: World, forged: str) -> None:
    with Served(folder, CAPS) as server:  # no proxy is trusted
        told = [sent(server, comment(world, f"p{n}"), f"{n}{forged}" if n else forged).status for n in range(4)]
        assert told == [201, 201, 429, 429]
        assert server.log().count("trusted_proxies") == 1
    with Served(folder, CAPS | BEHIND) as server:  # what a client wrote stands before what the proxy appended
        told = [sent(server, comment(world, f"q{n}"), f"{n}.{n}.{n}.{n}, {forged}, 192.0.2.9").status for n in range(4)]
        assert told == [201, 201, 429, 429]
        assert sent(server, comment(world, "r"), f"{forged}, 192.0.2.10, 127.0.0.1").status == 201


def test_counts_and_used_answers_outlive_a_restart_of_the_server(folder: Path, world: World) -> None:
    with Served(folder, CAPS) as server:
        for who in ("ana", "beto"):
            assert sent(server, comment(world, who)).status == 201
        told = sent(server, comment(world, "carla"))
        used = solve(told.json["challenge"])
        fresh = solve(server.get("/challenge").json)
        assert sent(server, comment(world, "carla"), answer=used).status == 201
        assert server.stop(signal.SIGTERM) == 0
    with Served(folder, CAPS) as server:
        dora = comment(world, "dora")
        assert sent(server, dora).status == 429
        assert sent(server, dora, answer=used).status == 429
        assert sent(server, dora, answer=fresh).status == 201


def test_beyond_the_rate_of_the_ledger_everybody_is_asked(folder: Path, world: World) -> None:
    caps = BEHIND | CAPS | {"CONSTANCIA_LEDGER_STATEMENTS_PER_MINUTE": "3"}
    with Served(folder, caps) as server:
        told = [sent(server, comment(world, f"p{n}"), f"198.51.100.{n}") for n in range(5)]
        assert [answer.status for answer in told] == [201, 201, 201, 429, 429]
        answer = solve(told[-1].json["challenge"])
        assert sent(server, comment(world, "p4"), "198.51.100.4", answer).status == 201
        assert limited(server) == {"ledger": 2.0, "taken": 1.0}


def test_many_large_bodies_that_are_no_statements_cost_work(folder: Path, world: World) -> None:
    junk = b"constancia.example/gt\n{" + b" " * 5_000 + b"}\n\nx\n"
    with Served(folder) as server:
        statuses = [server.post(junk, media_type=STATEMENT).status for _ in range(70)]
        assert statuses[:60] == [422] * 60
        assert statuses[-1] == 429
        world.now_ms = now_ms()
        honest = world.sign("AxisDefined", "copret:coordinator", axis="eje", title="Eje")
        assert server.post(honest).status == 201


def test_the_server_does_not_start_with_a_proxy_that_is_no_address(folder: Path) -> None:
    with pytest.raises(AssertionError, match="trusted_proxies"), Served(folder, {"CONSTANCIA_TRUSTED_PROXIES": "*"}):
        pass


def test_a_comment_that_the_form_signs_is_counted_as_its_authors(folder: Path, world: World) -> None:
    with Served(folder, CAPS | BEHIND) as server:
        statuses: list[int] = []
        for number in range(3):
            note = world.sign(
                "CommentTranscribed",
                "nadie:transcriber",
                **world.comment(f"p{number}"),
                channel="web_form",
                heard_at=format_when(now_ms()),
            )
            content = SaltedContent(salt=(b"s" * 32).hex(), content=Content(text="Buen plan."))
            statuses.append(sent(server, format_submission(note, [content]), "198.51.100.7").status)
        # They are not good, and refused for it; that they were counted shows in the third.
        assert statuses == [422, 422, 429]


def test_the_command_does_the_work_in_sight_and_says_so(folder: Path, world: World, tmp_path: Path) -> None:
    with Served(folder, CAPS | {"CONSTANCIA_FREE_STATEMENTS": "1"}) as server:
        outcomes: list[subprocess.CompletedProcess[str]] = []
        for who in ("ana", "beto"):
            (tmp_path / f"{who}.note").write_bytes(comment(world, who))
            command = [sys.executable, "-m", "api.cli", "submit", str(tmp_path / f"{who}.note"), "--to"]
            outcomes.append(
                subprocess.run(
                    [*command, f"{server.address}gt"],
                    capture_output=True,
                    text=True,
                    check=False,
                    env={**os.environ, "LANG": "es_GT.UTF-8"},
                )
            )
        assert [outcome.returncode for outcome in outcomes] == [0, 0], outcomes
        assert "prueba de trabajo" not in outcomes[0].stderr
        assert "prueba de trabajo" in outcomes[1].stderr
        assert "Trabajo: " in outcomes[1].stderr
        assert limited(server) == {"address": 1.0, "taken": 1.0}


# --- a flood ---------------------------------------------------------------------------------------------------------


def test_of_a_flood_nothing_is_lost_and_the_surplus_is_told_when_to_come_again(folder: Path, world: World) -> None:
    """Six hundred at once on a server that takes sixteen: each that is told to come again comes, and has its place."""
    bodies = [comment(world, f"p{number}") for number in range(600)]
    told: list[int] = []
    over = BEHIND | {"CONSTANCIA_MAX_REQUESTS": "16", "CONSTANCIA_LEDGER_STATEMENTS_PER_MINUTE": "100000"}
    with Served(folder, over) as server:
        size = server.size()

        def insist(number: int) -> int:
            while True:
                answer = sent(server, bodies[number], f"198.51.{number // 10}.1")
                if answer.status in (200, 201):
                    return int(answer.json["index"])
                assert (answer.status, answer.code) == (503, "busy")
                told.append(int(answer.headers["retry-after"]))
                time.sleep(told[-1] * (0.5 + number / 600))

        with ThreadPoolExecutor(100) as many:
            places = list(many.map(insist, range(600)))
        assert sorted(places) == list(range(size, size + 600))
        assert told
        assert min(told) >= 1
        for number in range(0, 600, 60):
            again = sent(server, bodies[number], "198.51.100.1")
            assert (again.status, again.json["index"]) == (200, places[number])


def test_what_the_writer_has_no_room_for_is_told_and_takes_nothing_from_its_sender(folder: Path, world: World) -> None:
    """The writer stands still, as on a slow disk, with room for two: the others are told to come again, and do."""
    held = (
        "import ledger.log as log, functools, pathlib, time\n"
        "log.Limits = functools.partial(log.Limits, waiting_statements=2, batch_statements=1)\n"
        "before = log.Log._take\n"
        f"gate = pathlib.Path({str(folder / 'held')!r})\n"
        "def take(self):\n"
        "    while gate.exists(): time.sleep(0.01)\n"
        "    return before(self)\n"
        "log.Log._take = take\n"
    )
    with Served(folder, BEHIND | CAPS, before=held) as server:
        (folder / "held").touch()
        bodies = [comment(world, f"p{number}") for number in range(8)]
        with ThreadPoolExecutor(8) as many:
            waiting = [many.submit(sent, server, body, f"198.51.100.{n // 2}") for n, body in enumerate(bodies)]
            until(lambda: sum(each.done() for each in waiting) >= 4)
            (folder / "held").unlink()
            answers = [each.result() for each in waiting]
        busy = [n for n, answer in enumerate(answers) if answer.status == 503]
        assert {answer.status for answer in answers} == {201, 503}
        assert {answers[n].code for n in busy} == {"busy"}
        assert min(int(answers[n].headers["retry-after"]) for n in busy) >= 1
        # Two are free for each address, and what there was no time for did not use them up.
        assert [sent(server, bodies[n], f"198.51.100.{n // 2}").status for n in busy] == [201] * len(busy)
        assert sent(server, comment(world, "otra"), "198.51.100.0").status == 429

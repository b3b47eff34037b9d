"""Asking a witness over real sockets: a question ends in time whatever the other side does, and is never led away."""

import socket
import threading
from pathlib import Path

import pytest
from witnesses import Behave, InMemory, Peer, answering, drip, hang, huge, log_vkey, policy_of, request_of, verifier_of
from world import ORIGIN, key_of

from api.asking import Patience, WitnessWire, check_policy
from ledger.errors import CannotRun
from ledger.tlog.checkpoint import Checkpoint, sign_checkpoint
from ledger.tlog.policy import Witness
from ledger.tlog.witness import ADD_CHECKPOINT, AddCheckpoint, format_add_checkpoint

SHORT = Patience(connect=0.5, read=0.5, whole=1.0)
HEAD = sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), key_of("log"))
BODY = format_add_checkpoint(AddCheckpoint(0, (), HEAD))


def at(url: str) -> Witness:
    return Witness(b"w", verifier_of("w"), url.encode())


def slow_body(connection: socket.socket, closing: threading.Event) -> None:
    """The right length, one byte at a time."""
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while not closing.wait(0.2):
        connection.sendall(b"a")


def cut(connection: socket.socket, closing: threading.Event) -> None:
    """Half an answer."""
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")


def another_language(connection: socket.socket, closing: threading.Event) -> None:
    """No HTTP at all."""
    request_of(connection)
    connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")


@pytest.mark.parametrize(
    ("behave", "why"),
    [
        (hang, "too long"),
        (drip, "too long"),
        (slow_body, "too long"),
        (huge, "longer than 65,536 bytes"),
        (cut, "connection failed"),
        (another_language, "connection failed"),
    ],
)
def test_whatever_the_other_side_does_the_question_ends_without_an_answer(behave: Behave, why: str) -> None:
    with Peer(behave) as peer:
        wire = WitnessWire(SHORT)
        for _ in range(2):
            answer = wire.ask(at(peer.url), BODY)
            assert answer.status == 0
            assert why in answer.why[1]
            assert answer.why[0]
        wire.close()


def test_nobody_there_is_no_answer() -> None:
    with Peer(hang) as peer:
        url = peer.url
    wire = WitnessWire(SHORT)
    assert "nobody answers" in wire.ask(at(url), BODY).why[1]
    assert "nobody answers" in wire.look(at(url), "x").why[1]
    assert "no address" in wire.ask(Witness(b"w", verifier_of("w")), BODY).why[1]


def test_a_connection_is_kept_and_both_ways_of_asking_share_it() -> None:
    witness = InMemory("w", log_vkey(ORIGIN))
    with Peer(witness.behave) as peer:
        wire = WitnessWire(SHORT)
        first = wire.ask(at(peer.url), BODY)
        assert first.status == 200
        assert first.body.startswith("— w.example/w ".encode())
        assert wire.ask(at(peer.url), BODY).body == b"1\n"
        assert wire.look(at(peer.url), "x").status == 404
        assert peer.connections == 1
        wire.close()


def test_a_witness_below_a_path_is_asked_there() -> None:
    asked: list[bytes] = []

    def behave(connection: socket.socket, closing: threading.Event) -> None:
        asked.append(request_of(connection).split(b"\r\n")[0])

    with Peer(behave) as peer:
        wire = WitnessWire(SHORT)
        wire.ask(at(peer.url + "/testigo/"), BODY)
        wire.look(at(peer.url + "/testigo"), "abc/checkpoint")
        wire.close()
    assert asked == [f"POST /testigo/{ADD_CHECKPOINT} HTTP/1.1".encode(), b"GET /testigo/abc/checkpoint HTTP/1.1"]


def test_a_redirect_is_an_answer_and_nothing_more() -> None:
    with Peer(answering(200, b"")) as other:
        location = b"HTTP/1.1 307 Elsewhere\r\ncontent-length: 0\r\nlocation: " + other.url.encode() + b"\r\n\r\n"

        def behave(connection: socket.socket, closing: threading.Event) -> None:
            while request_of(connection):
                connection.sendall(location)

        with Peer(behave) as peer:
            wire = WitnessWire(SHORT)
            assert wire.ask(at(peer.url), BODY).status == 307
            wire.close()
        assert other.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "ftp://w.example",
        "w.example",
        "http://",
        "http://w.example/?x=1",
        "http://w/#x",
        "http://w:99999",
        "http://[w",
        "http://testigo.é",
    ],
)
def test_what_is_no_address_of_a_witness_is_refused(url: str) -> None:
    policy = policy_of(log_vkey(ORIGIN), {"w": (verifier_of("w"), url)}, "quorum w")
    with pytest.raises(CannotRun, match="not the address of a witness"):
        check_policy(policy, ORIGIN, [log_vkey(ORIGIN)], Path("policy"))

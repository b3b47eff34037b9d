"""What a log makes of its witnesses' answers: a table; and the policy file, the records and the clocks."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from nacl.signing import SigningKey
from reference_log import (
    CHECKPOINT_TEXT,
    LEAVES,
    LOG_KEY,
    LOG_VKEY,
    ORIGIN,
    TIME,
    WITNESS,
    WITNESS_KEY,
    WITNESS_VKEY,
    subtree,
)

from ledger.cosigning import (
    Answer,
    Behind,
    Beyond,
    Contradicted,
    Given,
    Nothing,
    Outcome,
    clock_verdict,
    converse,
    day_path,
    format_record,
    judge,
    open_policy,
    split_records,
    unreachable,
)
from ledger.errors import CannotRun
from ledger.tlog.checkpoint import Checkpoint, sign_checkpoint
from ledger.tlog.cosignature import cosign
from ledger.tlog.errors import Declined
from ledger.tlog.merkle import consistency_proof, root_of
from ledger.tlog.note import COSIGNATURE_ED25519, ED25519, format_line, format_vkey, parse_vkey
from ledger.tlog.policy import Witness as PolicyWitness
from ledger.tlog.policy import parse_policy
from ledger.tlog.witness import (
    NEVER,
    AddCheckpoint,
    Latest,
    check_growth,
    format_tree_size,
    open_request,
    parse_add_checkpoint,
)

WHO = PolicyWitness(b"w1", parse_vkey(WITNESS_VKEY), b"http://witness.example")
OTHER = SigningKey(bytes(range(64, 96)))


class Signed(NamedTuple):
    """A signed head of the reference log."""

    size: int
    note: bytes


def head_of(size: int) -> Signed:
    return Signed(size, sign_checkpoint(Checkpoint(ORIGIN, size, root_of(LEAVES[:size])), LOG_KEY))


HEAD = head_of(8)


def line(at: int, text: bytes = CHECKPOINT_TEXT, name: str = WITNESS, key: SigningKey = WITNESS_KEY) -> bytes:
    return format_line(cosign(name, key, text, at)).encode()


def prove(old: int, size: int = 8) -> Sequence[bytes]:
    return consistency_proof(old, size, subtree)


# --- one answer ------------------------------------------------------------------------------------------------------

GOOD = line(TIME)
ANSWERS: list[tuple[str, Answer, type[Outcome]]] = [
    ("its cosignature", Answer(200, GOOD), Given),
    ("its cosignature among those of others", Answer(200, line(TIME, name="x", key=OTHER) + GOOD), Given),
    ("four minutes ahead", Answer(200, line(TIME + 299)), Given),
    ("an hour behind", Answer(200, line(TIME - 3_600)), Given),
    ("six minutes ahead", Answer(200, line(TIME + 360)), Nothing),
    ("of another witness", Answer(200, line(TIME, name="x", key=OTHER)), Nothing),
    ("by another key under its name", Answer(200, line(TIME, key=OTHER)), Nothing),
    ("of another tree", Answer(200, line(TIME, text=CHECKPOINT_TEXT.replace(b"\n8\n", b"\n7\n"))), Nothing),
    ("a bit turned", Answer(200, GOOD[:60] + (b"A" if GOOD[60:61] != b"A" else b"B") + GOOD[61:]), Nothing),
    ("no line feed at the end", Answer(200, GOOD[:-1]), Nothing),
    ("nothing", Answer(200, b""), Nothing),
    ("a page", Answer(200, b"<html>\n"), Nothing),
    ("a smaller size", Answer(409, b"5\n"), Behind),
    ("never anything", Answer(409, b"0\n"), Behind),
    ("our own size", Answer(409, b"8\n"), Behind),
    ("what we sent", Answer(409, b"3\n"), Nothing),
    ("a size that we have signed since", Answer(409, b"9\n"), Nothing),
    ("a size that we never signed", Answer(409, b"11\n"), Beyond),
    ("a size far away", Answer(409, b"9223372036854775807\n"), Beyond),
    ("a size that is none", Answer(409, b"9223372036854775808\n"), Nothing),
    ("a size with a zero before it", Answer(409, b"011\n"), Nothing),
    ("a size without line feed", Answer(409, b"11"), Nothing),
    ("a size and more", Answer(409, b"11\n\n"), Nothing),
    ("a size in other digits", Answer(409, "١١\n".encode()), Nothing),
    ("conflict without a size", Answer(409), Nothing),
    ("the proof fails", Answer(422), Contradicted),
    ("the proof fails, with words", Answer(422, b"no"), Contradicted),
    *[(f"{status}", Answer(status, b"11\n"), Nothing) for status in (201, 204, 301, 307, 400, 403, 404, 429, 500, 503)],
    ("silence", Answer(0, why=("tardó demasiado", "it took too long")), Nothing),
]


@pytest.mark.parametrize(("answer", "expected"), [each[1:] for each in ANSWERS], ids=[each[0] for each in ANSWERS])
def test_what_an_answer_means(answer: Answer, expected: type[Outcome]) -> None:
    outcome = judge(answer, WHO, CHECKPOINT_TEXT, (3, 8, 10), TIME)
    assert type(outcome) is expected
    if isinstance(outcome, Nothing):
        assert outcome.es
        assert outcome.en


def test_of_several_lines_the_latest_counts_and_each_must_verify() -> None:
    outcome = judge(Answer(200, line(TIME - 60) + line(TIME)), WHO, CHECKPOINT_TEXT, (3, 8, 8), TIME)
    assert isinstance(outcome, Given)
    assert outcome.time == TIME
    false = line(TIME, text=CHECKPOINT_TEXT.replace(b"\n8\n", b"\n9\n"))
    assert isinstance(judge(Answer(200, false + line(TIME)), WHO, CHECKPOINT_TEXT, (3, 8, 8), TIME), Nothing)


# --- a conversation --------------------------------------------------------------------------------------------------


class Witness:
    """The other side, as the specification has it: the pure functions over a size in memory."""

    def __init__(self, latest: Latest = NEVER, at: int = TIME) -> None:
        self.latest = latest
        self.at = at
        self.requests: list[AddCheckpoint] = []

    def ask(self, witness: PolicyWitness, body: bytes) -> Answer:
        request = parse_add_checkpoint(body)
        self.requests.append(request)
        try:
            signed = open_request(request, {ORIGIN: [parse_vkey(LOG_VKEY)]}.__getitem__)
            check_growth(request, signed.checkpoint, self.latest)
        except Declined as declined:
            return Answer(declined.status, b"" if declined.size is None else format_tree_size(declined.size))
        self.latest = Latest(signed.checkpoint.size, signed.checkpoint.root)
        return Answer(200, line(self.at, signed.note.text))


def talk(
    ask: Callable[[PolicyWitness, bytes], Answer], known: int | None, head: Signed = HEAD, newest: int = 8
) -> Outcome:
    def proof(old: int) -> Sequence[bytes]:
        return prove(old, head.size)

    return converse(ask, WHO, known, head, proof, lambda: newest, lambda: TIME).outcome


@pytest.mark.parametrize("size", range(9))
@pytest.mark.parametrize("known", [None, *range(9)])
def test_wherever_the_witness_stands_two_questions_are_enough(size: int, known: int | None) -> None:
    witness = Witness(Latest(size, root_of(LEAVES[:size])) if size else NEVER)
    assert isinstance(talk(witness.ask, known), Given)
    assert witness.latest == Latest(8, root_of(LEAVES))
    assert len(witness.requests) == (1 if (known or 0) == size else 2)
    if known is None:
        assert (witness.requests[0].old_size, witness.requests[0].proof) == (0, ())


def test_a_witness_that_saw_more_than_we_have_gives_alarm() -> None:
    witness = Witness(Latest(8, root_of(LEAVES)))
    assert talk(witness.ask, None, head_of(5), newest=5) == Beyond(8)
    assert len(witness.requests) == 1


@pytest.mark.parametrize("known", [None, 5, 8])
@pytest.mark.parametrize("size", [5, 8])
def test_a_witness_that_saw_another_history_gives_alarm(known: int | None, size: int) -> None:
    witness = Witness(Latest(size, root_of([*LEAVES[:3], LEAVES[0], *LEAVES[4:size]])))
    assert isinstance(talk(witness.ask, known), Contradicted)


def test_a_witness_that_never_settles_is_asked_twice_and_no_more() -> None:
    sizes = iter((3, 4, 5))

    def ask(witness: PolicyWitness, body: bytes) -> Answer:
        return Answer(409, format_tree_size(next(sizes)))

    assert isinstance(talk(ask, 7), Nothing)
    assert next(sizes) == 5


@pytest.mark.parametrize(
    ("at", "before", "after", "away"),
    [(100, 100, 100, 0), (102, 100, 104, 0), (160, 100, 100, 60), (160, 95, 104, 56), (40, 100, 104, -60)],
)
def test_a_clock_is_away_by_what_the_time_of_asking_cannot_explain(at: int, before: int, after: int, away: int) -> None:
    clock = iter((before, after))
    found = converse(Witness(at=at).ask, WHO, 0, HEAD, prove, lambda: 8, lambda: next(clock))
    assert found.away == away


# --- clocks ----------------------------------------------------------------------------------------------------------


def policy(quorum: str) -> bytes:
    keys = [SigningKey(bytes([number] * 32)) for number in range(1, 4)]
    lines = [
        f"witness w{number} {format_vkey(f'w{number}', COSIGNATURE_ED25519, bytes(key.verify_key))} http://w{number}"
        for number, key in enumerate(keys, 1)
    ]
    return "\n".join([f"log {LOG_VKEY}", *lines, quorum, "quorum q", ""]).encode()


@pytest.mark.parametrize(
    ("quorum", "away", "verdict"),
    [
        ("group q 2 w1 w2 w3", {"w1": 0, "w2": 3, "w3": -59}, True),
        ("group q 2 w1 w2 w3", {"w1": 0, "w2": 59, "w3": 3_600}, True),
        ("group q 2 w1 w2 w3", {"w1": 0, "w2": 60, "w3": 3_600}, False),
        ("group q 2 w1 w2 w3", {"w1": -60, "w2": -70}, False),
        ("group q 2 w1 w2 w3", {"w1": 0, "w2": 60, "w3": -60}, None),  # they contradict each other
        ("group q 2 w1 w2 w3", {"w1": 3_600}, None),
        ("group q 2 w1 w2 w3", {"w1": 0}, None),
        ("group q 2 w1 w2 w3", {}, None),
        ("group q any w1 w2 w3", {"w1": 3_600}, None),  # a quorum, but one witness alone stops nobody
        ("group q any w1 w2 w3", {"w1": 3_600, "w2": 0}, True),
        ("group q any w1 w2 w3", {"w1": 3_600, "w2": 3_600}, False),
        ("group q all w1 w2 w3", {"w1": 3_600, "w2": 3_600, "w3": 0}, None),
    ],
)
def test_only_a_full_quorum_of_several_contradicts_the_clock(
    quorum: str, away: dict[str, int], verdict: bool | None
) -> None:
    found = clock_verdict(parse_policy(policy(quorum)), {name.encode(): seconds for name, seconds in away.items()})
    assert found is verdict


# --- the policy file -------------------------------------------------------------------------------------------------


def test_a_policy_that_a_ledger_can_live_by() -> None:
    found = open_policy(policy("group q 2 w1 w2 w3").replace(b" http://w3", b""), ORIGIN, [LOG_VKEY], "policy")
    assert [each.name for each in unreachable(found)] == [b"w3"]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"nothing\n", "is no policy"),
        (policy("group q 2 w1 w2 w3").split(b"\n", 1)[1], f"log {LOG_VKEY}"),
        (policy("group q 2 w1 w2 w3").replace(b" http://w3", b"").replace(b" http://w2", b""), "no address for w2, w3"),
        (policy("group q all w1 w2 w3").replace(b" http://w3", b""), "no address for w3"),
        (
            b"log example.com/other+a1f3ee0c+AQ" + b"A" * 43 + b"\n" + policy("group q any w1"),
            "is no policy",
        ),
    ],
)
def test_a_policy_that_no_ledger_can_live_by(raw: bytes, says: str) -> None:
    with pytest.raises(CannotRun) as refused:
        open_policy(raw, ORIGIN, [LOG_VKEY], "the file")
    assert says in str(refused.value)


def test_a_policy_is_for_one_ledger() -> None:
    other = format_vkey("ledger.example/otro", ED25519, bytes(OTHER.verify_key))
    with pytest.raises(CannotRun, match=r"names the ledger ledger.example.otro as well"):
        open_policy(f"log {other}\n".encode() + policy("group q any w1"), ORIGIN, [LOG_VKEY], "policy")


# --- records ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", range(6))
def test_records_are_split_and_a_torn_one_is_told(torn: int) -> None:
    notes = [b"one\n", b"", HEAD.note]
    whole = b"".join(map(format_record, notes))
    assert split_records(whole) == (notes, len(whole))
    last = format_record(b"last\n")
    assert split_records(whole + last[:torn]) == (notes, len(whole))
    assert split_records(whole + last)[0] == [*notes, b"last\n"]


def test_a_head_is_filed_by_the_day_of_its_latest_cosignature() -> None:
    assert day_path(1_771_286_399) == "checkpoints/2026-02-16"
    assert day_path(1_771_286_400) == "checkpoints/2026-02-17"

"""Policies: what their file may say, who has to have signed, and when the quorum is reached."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey
from reference_log import (
    CHECKPOINT,
    CHECKPOINT_TEXT,
    LOG_KEY,
    LOG_LINE,
    LOG_VKEY,
    ORIGIN,
    TIME,
    WITNESS_LINE,
    WITNESS_VKEY,
)
from test_cosignature import ML_PUBLIC, ml_line

from ledger.tlog.cosignature import cosign
from ledger.tlog.errors import FormatError, Malformed, Unverified
from ledger.tlog.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    ED25519,
    Note,
    format_line,
    format_note,
    format_vkey,
    parse_vkey,
    sign_line,
)
from ledger.tlog.policy import Group, Policy, format_policy, parse_policy

EXAMPLE = f"log {LOG_VKEY}\nwitness w1 {WITNESS_VKEY}\nquorum w1\n"

NAMES = [f"witness.example/{letter}" for letter in "abcde"]
KEYS = {name: SigningKey(name.encode().ljust(32, b".")) for name in NAMES}
VKEYS = {name: format_vkey(name, COSIGNATURE_ED25519, bytes(key.verify_key)) for name, key in KEYS.items()}
WITNESSES = "".join(f"witness {name[-1]} {vkey}\n" for name, vkey in VKEYS.items())


def policy(rules: str) -> Policy:
    """The log, the five witnesses a to e, and the rest of the file."""
    return parse_policy(f"log {LOG_VKEY}\n{WITNESSES}{rules}".encode())


def cosigned(times: dict[str, int]) -> bytes:
    """The checkpoint, signed by the log and cosigned by some of a to e, each at its time."""
    lines = [sign_line(ORIGIN, LOG_KEY, CHECKPOINT_TEXT)]
    lines += [
        cosign(name, KEYS[name], CHECKPOINT_TEXT, time)
        for letter, time in times.items()
        for name in NAMES
        if name.endswith(letter)
    ]
    return format_note(Note(CHECKPOINT_TEXT, tuple(lines)))


def reached(rules: str, letters: str) -> bool:
    return policy(rules).check(cosigned(dict.fromkeys(letters, TIME))).quorum_reached


# --- the file ---------------------------------------------------------------------------------------------


def test_a_policy_is_read() -> None:
    read = parse_policy(
        (
            "# the log\n\n"
            f"log {LOG_VKEY} https://ledger.example/prueba\n"
            f"  witness\t w1   {WITNESS_VKEY} \t https://witness.example/ñ/\n"
            f"{WITNESSES}"
            "\t # groups\n"
            "group civil 2 a b c\ngroup estado any d\ngroup both all civil estado\n"
            "group \xe9 1 e\n"
            "quorum both\n"
        ).encode()
    )
    assert [(log.verifier, log.url) for log in read.logs] == [(parse_vkey(LOG_VKEY), b"https://ledger.example/prueba")]
    assert read.witnesses[0] == (b"w1", parse_vkey(WITNESS_VKEY), "https://witness.example/ñ/".encode())
    assert read.witnesses[1] == (b"a", parse_vkey(VKEYS[NAMES[0]]), None)
    assert read.groups == (
        Group(b"civil", 2, (b"a", b"b", b"c")),
        Group(b"estado", 1, (b"d",)),
        Group(b"both", 2, (b"civil", b"estado")),
        Group("\xe9".encode(), 1, (b"e",)),
    )
    assert read.quorum == b"both"
    assert parse_policy(format_policy(read)) == read


def test_names_are_opaque_bytes() -> None:
    line = f"witness NAME {WITNESS_VKEY}\nquorum NAME\n".encode().replace(b"NAME", b"\xff\xfe")
    assert parse_policy(line).quorum == b"\xff\xfe"


def test_forty_of_each_are_no_trouble() -> None:
    keys = [SigningKey(bytes([n]) * 32) for n in range(80)]
    lines = [f"log {format_vkey('l' + str(n), ED25519, bytes(keys[n].verify_key))}\n" for n in range(40)]
    lines += [
        f"witness w{n} {format_vkey('w', COSIGNATURE_ED25519, bytes(keys[n].verify_key))}\n" for n in range(40, 80)
    ]
    lines += [f"group g{n} all w{n}\n" for n in range(40, 80)]
    read = parse_policy(("".join(lines) + "quorum none\n").encode())
    assert (len(read.logs), len(read.witnesses), len(read.groups)) == (40, 40, 40)


OTHER_NAME = format_vkey("other", COSIGNATURE_ED25519, bytes(KEYS[NAMES[0]].verify_key))
A, B = (f"witness {name[-1]} {VKEYS[name]}\n" for name in NAMES[:2])


MALFORMED = [
    ("", "shape"),
    (f"log {LOG_VKEY}\n", "shape"),
    ("quorum none", "shape"),
    ("quorum none\nquorum none\n", "shape"),
    ("quorum\n", "shape"),
    ("quorum none none\n", "shape"),
    ("Quorum none\n", "shape"),
    ("unknown\nquorum none\n", "shape"),
    ("quorum none\r\n", "control-byte"),
    ("quorum\x00none\n", "control-byte"),
    ("quorum none\n\x7f", "control-byte"),
    ("quorum\vnone\n", "control-byte"),
    ("quorum\u00a0none\n", "shape"),
    ("quorum nobody\n", "reference"),
    (f"quorum a\n{A}", "reference"),
    ("log\nquorum none\n", "shape"),
    (f"log {LOG_VKEY} url more\nquorum none\n", "shape"),
    (f"log {LOG_VKEY}x\nquorum none\n", "encoding"),
    (f"log {VKEYS[NAMES[0]]}\nquorum none\n", "key"),
    (f"log {LOG_VKEY}\nlog {LOG_VKEY} url\nquorum none\n", "reference"),
    (
        f"log {LOG_VKEY}\nlog {format_vkey('other', ED25519, bytes(LOG_KEY.verify_key))}\nquorum none\n",
        "reference",
    ),
    (f"witness w1\n{WITNESS_VKEY}\nquorum none\n", "shape"),
    (f"witness w1 {WITNESS_VKEY} url more\nquorum none\n", "shape"),
    (f"witness w1 {LOG_VKEY}\nquorum none\n", "key"),
    (f"witness none {WITNESS_VKEY}\nquorum none\n", "reference"),
    (f"{A}{A}quorum none\n", "reference"),
    (f"{A}witness a {VKEYS[NAMES[1]]}\nquorum none\n", "reference"),
    (f"{A}witness b {VKEYS[NAMES[0]]}\nquorum none\n", "reference"),
    (f"{A}witness b {OTHER_NAME}\nquorum none\n", "reference"),
    (f"{A}group g all\nquorum none\n", "shape"),
    (f"{A}group g a\nquorum none\n", "shape"),
    (f"{A}group g 0 a\nquorum none\n", "shape"),
    (f"{A}group g 2 a\nquorum none\n", "encoding"),
    (f"{A}group g 01 a\nquorum none\n", "encoding"),
    (f"{A}group g +1 a\nquorum none\n", "encoding"),
    (f"{A}group g ALL a\nquorum none\n", "encoding"),
    (f"{A}group g all a a\nquorum none\n", "reference"),
    (f"{A}group g all a\ngroup h all a\nquorum none\n", "reference"),
    (f"{A}group g all b\n{B}quorum none\n", "reference"),
    (f"{A}group g all g\nquorum none\n", "reference"),
    (f"{A}group a all a\nquorum none\n", "reference"),
    (f"{A}group none all a\nquorum none\n", "reference"),
    (f"{A}group g all none\nquorum none\n", "reference"),
    ("#" * 1_000_000 + "\nquorum none\n", "too-large"),
]


@pytest.mark.parametrize(("text", "reason"), MALFORMED)
def test_a_policy_in_any_other_form_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_policy(text.encode())
    assert caught.value.reason == reason


def test_an_error_names_the_line() -> None:
    with pytest.raises(Malformed, match="line 3 of the policy"):
        parse_policy(f"# comment\n\nlog {LOG_VKEY}x\nquorum none\n".encode())


def test_a_weak_key_is_not_trusted() -> None:
    weak = format_vkey("w", COSIGNATURE_ED25519, bytes([1]) + bytes(31))
    with pytest.raises(Unverified) as caught:
        parse_policy(f"witness w {weak}\nquorum w\n".encode())
    assert caught.value.reason == "weak-key"


@given(st.binary())
def test_no_bytes_make_the_parser_fail_otherwise(raw: bytes) -> None:
    try:
        read = parse_policy(raw)
    except (Malformed, Unverified):
        return
    assert parse_policy(format_policy(read)) == read


@given(st.data())
def test_what_is_written_is_parsed_again(data: st.DataObject) -> None:
    free = [name[-1] for name in NAMES]
    rules: list[str] = []
    for number in range(data.draw(st.integers(0, 4))):
        members = data.draw(st.lists(st.sampled_from(free), min_size=1, unique=True)) if free else []
        if members:
            free = [name for name in free if name not in members] + [f"g{number}"]
            rules.append(f"group g{number} {data.draw(st.integers(1, len(members)))} {' '.join(members)}\n")
    read = policy("".join(rules) + f"quorum {data.draw(st.sampled_from([*free, 'none']))}\n")
    assert parse_policy(format_policy(read)) == read


# --- judging ----------------------------------------------------------------------------------------------


def test_the_worked_example_reaches_its_quorum() -> None:
    checked = parse_policy(EXAMPLE.encode()).check(CHECKPOINT)
    assert checked.checkpoint == (ORIGIN, 8, checked.checkpoint.root)
    assert checked.log_keys == (parse_vkey(LOG_VKEY),)
    assert [(each.witness.name, each.time) for each in checked.cosignatures] == [(b"w1", TIME)]
    assert checked.quorum_reached
    assert checked.quorum_time == TIME
    checked.require_quorum()


def test_without_the_witness_the_quorum_is_not_reached() -> None:
    checked = parse_policy(EXAMPLE.encode()).check(CHECKPOINT_TEXT + b"\n" + LOG_LINE)
    assert (checked.quorum_reached, checked.quorum_time, checked.cosignatures) == (False, None, ())
    with pytest.raises(Unverified) as caught:
        checked.require_quorum()
    assert caught.value.reason == "not-cosigned"


def test_a_log_key_alone_asks_for_no_witness() -> None:
    checked = Policy.from_log_key(LOG_VKEY).check(CHECKPOINT)
    assert (checked.quorum_reached, checked.quorum_time, checked.cosignatures) == (True, None, ())
    checked.require_quorum()
    with pytest.raises(Malformed):
        Policy.from_log_key(WITNESS_VKEY)
    with pytest.raises(Malformed):
        Policy.from_log_key(LOG_VKEY, LOG_VKEY)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (CHECKPOINT_TEXT + b"\n" + WITNESS_LINE, "not-signed"),
        (CHECKPOINT.replace(b"AXc9HN7m", b"AXc9HN7n"), "bad-signature"),
        (CHECKPOINT.replace(b"DY8BdtnjWDfK", b"DY8BdtnjWDfL"), "bad-signature"),
        (CHECKPOINT.replace(b"AAAABlU/EAD", b"AAAABlU/EBD"), "bad-signature"),
        (CHECKPOINT.replace(b"IDJKvgAAAABlU/EA", b"IDJKvgAAAAAAAAAA"), "bad-signature"),
        (CHECKPOINT.replace(b"ledger.example/prueba\n8", b"ledger.example/otra\n8"), "unknown-origin"),
        (CHECKPOINT.replace(b"Qyg=\n", b"Qyg=\nextension\n"), "extension"),
        (b"", "empty"),
    ],
)
def test_one_bad_signature_of_two_refuses_the_checkpoint(raw: bytes, reason: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_policy(EXAMPLE.encode()).check(raw)
    assert caught.value.reason == reason


def test_lines_of_strangers_do_not_matter() -> None:
    stranger = format_line(cosign("stranger.example", SigningKey(bytes(32)), CHECKPOINT_TEXT, TIME)).encode()
    broken = stranger.replace(b"A", b"B", 1)
    checked = parse_policy(EXAMPLE.encode()).check(CHECKPOINT + stranger + broken)
    assert len(checked.cosignatures) == 1
    assert len(checked.note.lines) == 4


GROUPS = "group civil 2 a b c\ngroup estado any d e\ngroup ambos all civil estado\nquorum ambos\n"


@pytest.mark.parametrize(
    ("rules", "letters", "expected"),
    [
        ("quorum none\n", "", True),
        ("quorum a\n", "", False),
        ("quorum a\n", "a", True),
        ("quorum a\n", "bcde", False),
        ("group g any a b\nquorum g\n", "b", True),
        ("group g any a b\nquorum g\n", "cde", False),
        ("group g all a b\nquorum g\n", "a", False),
        ("group g all a b\nquorum g\n", "ab", True),
        ("group g 2 a b c d e\nquorum g\n", "e", False),
        ("group g 2 a b c d e\nquorum g\n", "be", True),
        (GROUPS, "", False),
        (GROUPS, "abc", False),
        (GROUPS, "de", False),
        (GROUPS, "ad", False),
        (GROUPS, "acd", True),
        (GROUPS, "abcde", True),
    ],
)
def test_a_quorum_is_reached_by_its_rule(rules: str, letters: str, expected: bool) -> None:
    assert reached(rules, letters) == expected


@pytest.mark.parametrize("size", range(6))
def test_two_of_three_of_civil_society_and_one_of_two_of_the_state(size: int) -> None:
    for letters in combinations("abcde", size):
        civil, state = (len(set(letters) & set(group)) for group in ("abc", "de"))
        assert reached(GROUPS, "".join(letters)) == (civil >= 2 and state >= 1)


def test_one_witness_that_cosigns_twice_is_still_one() -> None:
    twice = cosigned({"a": TIME}) + format_line(cosign(NAMES[0], KEYS[NAMES[0]], CHECKPOINT_TEXT, TIME + 9)).encode()
    checked = policy("group g 2 a b\nquorum g\n").check(twice)
    assert not checked.quorum_reached
    assert [(each.witness.name, each.time) for each in checked.cosignatures] == [(b"a", TIME + 9)]


def test_the_time_of_a_quorum_is_when_its_last_needed_witness_came() -> None:
    rules = policy("group g 2 a b c\nquorum g\n")
    checked = rules.check(cosigned({"a": TIME + 50, "b": TIME + 10, "c": TIME + 4000}))
    assert checked.quorum_time == TIME + 50
    # In the order of the policy, whatever the order of the lines.
    checked = rules.check(cosigned({"c": TIME, "a": TIME + 1}))
    assert [each.witness.name for each in checked.cosignatures] == [b"a", b"c"]
    assert checked.quorum_time == TIME + 1


def test_a_cosignature_from_the_future_does_not_count_and_is_shown() -> None:
    rules = policy("group g 2 a b c\nquorum g\n")
    raw = cosigned({"a": TIME, "b": TIME + 301})
    assert rules.check(raw).quorum_reached
    assert rules.check(raw, now=TIME + 1).quorum_reached
    checked = rules.check(raw, now=TIME)
    assert not checked.quorum_reached
    assert [(each.witness.name, each.time) for each in checked.ahead] == [(b"b", TIME + 301)]
    with pytest.raises(Unverified, match=r"by your clock these did so in the future.*: "):
        checked.require_quorum()
    # One witness with a wrong clock stops nobody.
    assert rules.check(cosigned({"a": TIME, "b": TIME + 301, "c": TIME}), now=TIME).quorum_reached


# --- ML-DSA-44 --------------------------------------------------------------------------------------------


def test_an_ml_dsa_witness_counts() -> None:
    vkey = format_vkey("pq.example", COSIGNATURE_ML_DSA_44, ML_PUBLIC)
    rules = parse_policy(f"log {LOG_VKEY}\nwitness pq {vkey}\nquorum pq\n".encode())
    good = format_line(ml_line("pq.example", TIME)).encode()
    assert len(good.split(b" ")[2]) == 3244 + 1
    checked = rules.check(CHECKPOINT_TEXT + b"\n" + LOG_LINE + good)
    assert (checked.quorum_reached, checked.quorum_time) == (True, TIME)


@pytest.mark.parametrize("fault", ["name", "time", "no time", "head", "length"])
def test_an_ml_dsa_line_that_fails_refuses_the_checkpoint(fault: str) -> None:
    vkey = format_vkey("pq.example", COSIGNATURE_ML_DSA_44, ML_PUBLIC)
    rules = parse_policy(f"log {LOG_VKEY}\nwitness pq {vkey}\nquorum pq\n".encode())
    good = ml_line("pq.example", TIME)
    bad = {
        "name": ml_line("other.example", TIME)._replace(name="pq.example", key_id=good.key_id),
        "time": good._replace(signature=(TIME + 1).to_bytes(8, "big") + good.signature[8:]),
        "no time": ml_line("pq.example", 0),
        "head": ml_line("pq.example", TIME, CHECKPOINT_TEXT.replace(b"\n8\n", b"\n9\n")),
        "length": good._replace(signature=good.signature[:-1]),
    }[fault]
    with pytest.raises(Unverified) as caught:
        rules.check(CHECKPOINT_TEXT + b"\n" + LOG_LINE + format_line(bad).encode())
    assert caught.value.reason == "bad-signature"


def test_a_log_may_sign_with_ml_dsa_beside_ed25519_but_not_instead() -> None:
    vkey = format_vkey(ORIGIN, COSIGNATURE_ML_DSA_44, ML_PUBLIC)
    both = parse_policy(f"log {LOG_VKEY}\nlog {vkey}\nquorum none\n".encode())
    alone = parse_policy(f"log {vkey}\nquorum none\n".encode())
    second = format_line(ml_line(ORIGIN, 0)).encode()
    raw = CHECKPOINT_TEXT + b"\n" + LOG_LINE + second
    assert both.check(raw).log_keys == (parse_vkey(LOG_VKEY),)
    for rules, bent, reason in (
        (alone, raw, "unknown-origin"),
        (both, CHECKPOINT_TEXT + b"\n" + second, "not-signed"),
        (
            both,
            raw.replace(second, format_line(ml_line(ORIGIN, 0)._replace(signature=bytes(2428))).encode()),
            "bad-signature",
        ),
    ):
        with pytest.raises(Unverified) as caught:
            rules.check(bent)
        assert caught.value.reason == reason

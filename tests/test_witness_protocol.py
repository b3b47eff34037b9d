"""Logs and witnesses: one form of each message, the statuses in their order, and only growth is cosigned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey
from reference_log import (
    CHECKPOINT,
    CHECKPOINT_TEXT,
    LEAVES,
    LOG_KEY,
    LOG_LINE,
    LOG_VKEY,
    ORIGIN,
    TIME,
    WITNESS,
    WITNESS_KEY,
    WITNESS_LINE,
    WITNESS_VKEY,
    subtree,
)

from ledger.tlog import witness as module
from ledger.tlog.checkpoint import Checkpoint, SignedCheckpoint, sign_checkpoint
from ledger.tlog.cosignature import cosign
from ledger.tlog.errors import Declined, FormatError, Malformed, Unverified
from ledger.tlog.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, node_hash, root_of
from ledger.tlog.note import (
    COSIGNATURE_ED25519,
    ED25519,
    SignatureLine,
    Verifier,
    format_base64,
    format_line,
    format_note,
    format_vkey,
    key_id,
    parse_vkey,
    sign_line,
)
from ledger.tlog.witness import (
    MAX_BODY,
    MAX_HASHES,
    NEVER,
    AddCheckpoint,
    Latest,
    check_growth,
    format_add_checkpoint,
    format_tree_size,
    monitoring_path,
    open_request,
    parse_add_checkpoint,
    parse_tree_size,
    read_cosignature,
)

LOG = parse_vkey(LOG_VKEY)
WITNESS_KEY_PUBLIC = parse_vkey(WITNESS_VKEY)
OTHER_KEY = SigningKey(bytes(range(64, 96)))


def head(size: int, root: bytes | None = None) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_of(LEAVES[:size]) if root is None else root)


def request(old: int, checkpoint: Checkpoint, proof: tuple[bytes, ...] | None = None) -> AddCheckpoint:
    """What an honest log sends for this head of the reference tree; another proof if one is given."""
    if proof is None:
        proof = consistency_proof(old, checkpoint.size, subtree)
    return AddCheckpoint(old, proof, sign_checkpoint(checkpoint, LOG_KEY))


def keys_of(origin: str) -> list[Verifier]:
    return [LOG] if origin == ORIGIN else []


def declined(asked: AddCheckpoint, latest: Latest = NEVER) -> tuple[int, str, int | None]:
    """Status, reason and size of the refusal."""
    with pytest.raises(Declined) as caught:
        check_growth(asked, open_request(asked, keys_of).checkpoint, latest)
    return caught.value.status, caught.value.reason, caught.value.size


# --- the request ------------------------------------------------------------------------------------------

EXAMPLE = f"""old 4
{format_base64(root_of(LEAVES[4:]))}

{CHECKPOINT_TEXT.decode()}
{LOG_LINE.decode()}""".encode()


def test_the_example_in_the_module_is_this_one_byte_for_byte() -> None:
    assert format_add_checkpoint(request(4, head(8))) == EXAMPLE
    assert parse_add_checkpoint(EXAMPLE) == request(4, head(8))
    indented = "".join(f"    {line}".rstrip(" ") + "\n" for line in EXAMPLE[:-1].decode().split("\n"))
    assert indented in (module.__doc__ or "")
    opened = open_request(parse_add_checkpoint(EXAMPLE), keys_of)
    assert opened.checkpoint == head(8)
    check_growth(request(4, head(8)), opened.checkpoint, Latest(4, root_of(LEAVES[:4])))


HASH = format_base64(bytes(32))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"old 0\n\n" + b"x" * MAX_BODY, "too-large"),
        (b"old 0\n", "shape"),
        (b"old 0\n\n", "shape"),
        (b"old 0\nx", "shape"),
        (b"\n\nx", "shape"),
        (b"\nold 0\n\nx", "shape"),
        (b"old\n\nx", "shape"),
        (b"Old 0\n\nx", "shape"),
        (b" old 0\n\nx", "shape"),
        (b"size 0\n\nx", "shape"),
        (b"old \n\nx", "encoding"),
        (b"old  0\n\nx", "encoding"),
        (b"old 00\n\nx", "encoding"),
        (b"old 07\n\nx", "encoding"),
        (b"old +7\n\nx", "encoding"),
        (b"old -7\n\nx", "encoding"),
        (b"old 7 \n\nx", "encoding"),
        (b"old 7\r\n\r\nx\n\ny", "encoding"),
        (b"old 0x7\n\nx", "encoding"),
        (b"old 1_0\n\nx", "encoding"),
        ("old ٣\n\nx".encode(), "encoding"),
        (f"old {2**63}\n\nx".encode(), "encoding"),
        (f"old {'9' * 400}\n\nx".encode(), "encoding"),
        (b"old \xff\n\nx", "bad-utf8"),
        (f"old 1\n{HASH[:-4]}\n\nx".encode(), "encoding"),
        (f"old 1\n{HASH}AAAA\n\nx".encode(), "encoding"),
        (f"old 1\n{HASH[:-1]}\n\nx".encode(), "encoding"),
        (f"old 1\n{HASH} \n\nx".encode(), "encoding"),
        (f"old 1\n{HASH}\r\n\nx".encode(), "encoding"),
        (f"old 1\n{HASH[:-2]}B=\n\nx".encode(), "encoding"),
        (f"old 1\n{bytes(32).hex()}\n\nx".encode(), "encoding"),
        (f"old 1\n{HASH.replace('A', '_')}\n\nx".encode(), "encoding"),
        (b"old 1\n" + f"{HASH}\n".encode() * (MAX_HASHES + 1) + b"\nx", "too-large"),
    ],
)
def test_a_request_in_any_other_form_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_add_checkpoint(raw)
    assert caught.value.reason == reason


def test_the_longest_request_is_read() -> None:
    asked = AddCheckpoint(2**63 - 1, tuple(bytes([n]) * 32 for n in range(MAX_HASHES)), CHECKPOINT)
    assert parse_add_checkpoint(format_add_checkpoint(asked)) == asked


@pytest.mark.parametrize(
    "asked",
    [
        AddCheckpoint(-1, (), b"x"),
        AddCheckpoint(2**63, (), b"x"),
        AddCheckpoint(0, (), b""),
        AddCheckpoint(1, (bytes(31),), b"x"),
        AddCheckpoint(1, (bytes(32),) * (MAX_HASHES + 1), b"x"),
    ],
)
def test_what_no_log_sends_is_not_written(asked: AddCheckpoint) -> None:
    with pytest.raises(ValueError):
        format_add_checkpoint(asked)


_REQUESTS = st.builds(
    AddCheckpoint,
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_HASHES).map(tuple),
    st.binary(min_size=1, max_size=200),
)


@given(_REQUESTS)
def test_what_is_written_is_parsed_again(asked: AddCheckpoint) -> None:
    assert parse_add_checkpoint(format_add_checkpoint(asked)) == asked


@st.composite
def mutated(draw: st.DrawFn, raw: bytes) -> bytes:
    """The same bytes with a part of them taken out and something else put there."""
    begin = draw(st.integers(0, len(raw)))
    end = draw(st.integers(begin, min(len(raw), begin + 8)))
    return raw[:begin] + draw(st.binary(max_size=8) | st.sampled_from([b"\n", b"\n\n", b"0", b" ", b"="])) + raw[end:]


@given(_REQUESTS, st.data())
def test_no_other_bytes_parse_to_an_equal_request(asked: AddCheckpoint, data: st.DataObject) -> None:
    raw = format_add_checkpoint(asked)
    other = data.draw(mutated(raw))
    try:
        found = parse_add_checkpoint(other)
    except Malformed:
        return
    assert format_add_checkpoint(found) == other
    assert (found == asked) == (other == raw)


@given(st.data())
def test_no_mutated_request_is_opened_as_another_value(data: st.DataObject) -> None:
    """Whatever is done to the bytes of a signed request: it is declined, or its head is the one that was signed."""
    other = data.draw(mutated(EXAMPLE))
    try:
        opened = open_request(parse_add_checkpoint(other), keys_of)
    except (Malformed, Declined):
        return
    assert opened.checkpoint == head(8)
    assert format_note(opened.note) == CHECKPOINT_TEXT + b"\n" + LOG_LINE


# --- what a witness asks, in its order --------------------------------------------------------------------


def signed_by(key: SigningKey, name: str = ORIGIN, text: bytes = CHECKPOINT_TEXT) -> bytes:
    return format_line(sign_line(name, key, text)).encode()


BROKEN_LINE = signed_by(LOG_KEY, text=b"another text\n")
STRANGER = signed_by(OTHER_KEY)
UNSIGNED = CHECKPOINT_TEXT + b"\n"
TOO_NEW = AddCheckpoint(9, (), CHECKPOINT)


@pytest.mark.parametrize(
    ("asked", "status", "reason"),
    [
        # 400: no checkpoint at all, or one with extension lines
        (AddCheckpoint(0, (), b"x"), 400, "no-signatures"),
        (AddCheckpoint(0, (), UNSIGNED), 400, "no-signatures"),
        (AddCheckpoint(0, (), CHECKPOINT[:-1]), 400, "shape"),
        (AddCheckpoint(0, (), CHECKPOINT.replace(b"=\n\n", b"=\nmore\n\n")), 400, "extension"),
        (AddCheckpoint(0, (), CHECKPOINT.replace(b"\n8\n", b"\n08\n")), 400, "encoding"),
        # 404 before 403: nothing is verified for a log that nobody knows
        (AddCheckpoint(0, (), CHECKPOINT.replace(ORIGIN.encode(), b"ledger.example/otro")), 404, "unknown-origin"),
        (AddCheckpoint(99, (), CHECKPOINT.replace(ORIGIN.encode(), b"ledger.example/otro")), 404, "unknown-origin"),
        # 403: by nobody that is trusted, by a witness alone, or by a trusted key that did not sign this
        (AddCheckpoint(0, (), UNSIGNED + STRANGER), 403, "not-signed"),
        (AddCheckpoint(0, (), UNSIGNED + WITNESS_LINE), 403, "not-signed"),
        (AddCheckpoint(0, (), UNSIGNED + BROKEN_LINE), 403, "bad-signature"),
        (AddCheckpoint(0, (), UNSIGNED + LOG_LINE + BROKEN_LINE), 403, "bad-signature"),
        (AddCheckpoint(0, (), CHECKPOINT.replace(b"\n8\n", b"\n9\n")), 403, "bad-signature"),
        # 403 before 400 for the size: a stranger learns nothing of what a size would do
        (AddCheckpoint(9, (), UNSIGNED + STRANGER), 403, "not-signed"),
        (TOO_NEW, 400, "shape"),
    ],
)
def test_a_request_is_declined_with_its_status(asked: AddCheckpoint, status: int, reason: str) -> None:
    assert declined(asked) == (status, reason, None)


def test_too_large_an_old_size_goes_before_the_size_that_was_cosigned() -> None:
    assert declined(TOO_NEW, Latest(8, root_of(LEAVES)))[0] == 400


def test_only_the_lines_that_verified_are_left() -> None:
    crowd = CHECKPOINT_TEXT + b"\n" + STRANGER + LOG_LINE + WITNESS_LINE + LOG_LINE
    opened = open_request(AddCheckpoint(0, (), crowd), keys_of)
    assert format_note(opened.note) == CHECKPOINT_TEXT + b"\n" + LOG_LINE


def test_the_old_and_the_new_key_of_a_log_are_both_its_own() -> None:
    new = parse_vkey(format_vkey(ORIGIN, ED25519, bytes(OTHER_KEY.verify_key)))
    both = AddCheckpoint(0, (), UNSIGNED + LOG_LINE + STRANGER)
    assert len(open_request(both, lambda _: [LOG, new]).note.lines) == 2
    assert len(open_request(both, lambda _: [new]).note.lines) == 1


def test_a_key_that_signs_no_checkpoints_makes_no_log_known() -> None:
    cosigner = parse_vkey(format_vkey(ORIGIN, COSIGNATURE_ED25519, bytes(LOG_KEY.verify_key)))
    with pytest.raises(Declined) as caught:
        open_request(request(0, head(8)), lambda _: [cosigner])
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("asked", "latest", "expected"),
    [
        # 409 whatever the rest of the request says
        (request(7, head(8)), NEVER, (409, "conflict", 0)),
        (request(0, head(8)), Latest(3, root_of(LEAVES[:3])), (409, "conflict", 3)),
        (request(3, head(8)), Latest(7, root_of(LEAVES[:7])), (409, "conflict", 7)),
        (request(3, head(8), ()), Latest(9, bytes(32)), (409, "conflict", 9)),
        (request(8, head(8, bytes(32)), ()), Latest(9, bytes(32)), (409, "conflict", 9)),
        # 422: size zero with another root than that of nothing
        (request(0, head(0, bytes(32))), NEVER, (422, "inconsistent", None)),
        # 422: a proof where none may be
        (request(0, head(8), (bytes(32),)), NEVER, (422, "inconsistent", None)),
        (request(8, head(8), (bytes(32),)), Latest(8, root_of(LEAVES)), (422, "inconsistent", None)),
        # 422: one size, two roots
        (request(8, head(8, bytes(32)), ()), Latest(8, root_of(LEAVES)), (422, "inconsistent", None)),
        # 422: a proof that does not lead there
        (request(7, head(8), ()), Latest(7, root_of(LEAVES[:7])), (422, "inconsistent", None)),
        (request(7, head(8, bytes(32))), Latest(7, root_of(LEAVES[:7])), (422, "inconsistent", None)),
        (request(7, head(8)), Latest(7, bytes(32)), (422, "inconsistent", None)),
    ],
)
def test_what_is_not_growth_is_declined(
    asked: AddCheckpoint, latest: Latest, expected: tuple[int, str, int | None]
) -> None:
    assert declined(asked, latest) == expected


def test_the_empty_tree_is_cosigned_and_grows() -> None:
    check_growth(request(0, head(0)), head(0), NEVER)
    check_growth(request(0, head(8)), head(8), Latest(0, EMPTY_ROOT))


def naive_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, as it stands there."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    cut = 1
    while cut * 2 < len(leaves):
        cut *= 2
    return node_hash(naive_root(leaves[:cut]), naive_root(leaves[cut:]))


def naive_proof(old: int, leaves: list[bytes], *, whole: bool = True) -> tuple[bytes, ...]:
    """SUBPROOF of RFC 6962, section 2.1.2, as it stands there."""
    if old == len(leaves):
        return () if whole else (naive_root(leaves),)
    cut = 1
    while cut * 2 < len(leaves):
        cut *= 2
    if old <= cut:
        return (*naive_proof(old, leaves[:cut], whole=whole), naive_root(leaves[cut:]))
    return (*naive_proof(old - cut, leaves[cut:], whole=False), naive_root(leaves[:cut]))


@given(st.data())
def test_growth_is_exactly_what_the_tree_says(data: st.DataObject) -> None:
    """Two logs that are equal up to some entry: from one to the other it is growth only if nothing was changed."""
    entries = data.draw(st.lists(st.binary(max_size=2), max_size=40))
    changed = data.draw(st.integers(0, len(entries)))
    now = [leaf_hash(entry) for entry in entries]
    before = [leaf_hash(entry if at < changed else entry + b"!") for at, entry in enumerate(entries)]
    old = data.draw(st.integers(0, len(entries)))
    proof = naive_proof(old, now) if old else ()
    checkpoint = Checkpoint(ORIGIN, len(now), naive_root(now))
    asked = AddCheckpoint(old, proof, b"not looked at")
    latest = Latest(old, naive_root(before[:old]))
    if before[:old] == now[:old]:
        check_growth(asked, checkpoint, latest)
    else:
        with pytest.raises(Declined) as caught:
            check_growth(asked, checkpoint, latest)
        assert caught.value.status == 422


@given(st.integers(0, 8), st.integers(0, 8), st.data())
def test_no_other_proof_shows_growth(old: int, size: int, data: st.DataObject) -> None:
    if old > size:
        old, size = size, old
    proof = list(consistency_proof(old, size, subtree))
    bent = data.draw(
        st.lists(st.sampled_from([*LEAVES, *proof, bytes(32), root_of(LEAVES)]), max_size=6).filter(
            lambda each: each != proof
        )
    )
    with pytest.raises(Declined) as caught:
        check_growth(AddCheckpoint(old, tuple(bent), b"x"), head(size), Latest(old, root_of(LEAVES[:old])))
    assert caught.value.status == 422


# --- the answers ------------------------------------------------------------------------------------------


@given(st.integers(0, 2**63 - 1))
def test_a_size_goes_there_and_back(size: int) -> None:
    assert parse_tree_size(format_tree_size(size)) == size


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "shape"),
        (b"8", "shape"),
        (b"\n", "encoding"),
        (b"8\n\n", "encoding"),
        (b" 8\n", "encoding"),
        (b"8 \n", "encoding"),
        (b"08\n", "encoding"),
        (b"-8\n", "encoding"),
        (b"8\r\n", "encoding"),
        (b"\xff\n", "bad-utf8"),
        (f"{2**63}\n".encode(), "encoding"),
        (b"9" * 40 + b"\n", "shape"),
    ],
)
def test_a_size_in_any_other_form_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_tree_size(raw)
    assert caught.value.reason == reason


@pytest.mark.parametrize("size", [-1, 2**63])
def test_what_is_no_size_is_not_written(size: int) -> None:
    with pytest.raises(ValueError):
        format_tree_size(size)


@given(st.binary(max_size=40) | st.integers(0, 2**64).map(lambda size: f"{size}\n".encode()))
def test_what_a_size_is_read_as_is_written_the_same(raw: bytes) -> None:
    try:
        size = parse_tree_size(raw)
    except Malformed:
        return
    assert format_tree_size(size) == raw


def test_where_a_witness_shows_a_log() -> None:
    assert monitoring_path("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/checkpoint"


def line_at(time: int, key: SigningKey = WITNESS_KEY, name: str = WITNESS) -> bytes:
    return format_line(cosign(name, key, CHECKPOINT_TEXT, time)).encode()


def test_the_cosignature_of_the_worked_example_is_read() -> None:
    line, time = read_cosignature(WITNESS_LINE, WITNESS_KEY_PUBLIC, CHECKPOINT_TEXT)
    assert (format_line(line).encode(), time) == (WITNESS_LINE, TIME)


def test_of_several_lines_the_latest_of_this_witness_counts() -> None:
    crowd = line_at(TIME - 5) + line_at(TIME, OTHER_KEY, "witness.example/w2") + line_at(TIME + 9) + line_at(TIME)
    assert read_cosignature(crowd, WITNESS_KEY_PUBLIC, CHECKPOINT_TEXT)[1] == TIME + 9


_AT_ZERO = bytes(8) + WITNESS_KEY.sign(b"cosignature/v1\ntime 0\n" + CHECKPOINT_TEXT).signature
NO_TIME = format_line(SignatureLine(WITNESS, WITNESS_KEY_PUBLIC.key_id, _AT_ZERO)).encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "shape"),
        (b"x", "shape"),
        (b"\n", "encoding"),
        (WITNESS_LINE[:-1], "shape"),
        (WITNESS_LINE + b"\n", "encoding"),
        (b"\n" + WITNESS_LINE, "encoding"),
        (CHECKPOINT, "encoding"),
        (WITNESS_LINE.replace(b"\n", b"\r\n"), "encoding"),
        (WITNESS_LINE + b"\xff\n", "bad-utf8"),
        (b"x" * (MAX_BODY + 1), "too-large"),
        (line_at(TIME, OTHER_KEY), "not-cosigned"),
        (line_at(TIME, name="witness.example/w2"), "not-cosigned"),
        (LOG_LINE, "not-cosigned"),
        (WITNESS_LINE.replace(b"AAAABlU", b"AAAABlV"), "bad-signature"),
        (NO_TIME, "bad-signature"),
        (WITNESS_LINE + NO_TIME, "bad-signature"),
    ],
)
def test_what_is_no_cosignature_of_this_witness_is_not_taken(raw: bytes, reason: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_cosignature(raw, WITNESS_KEY_PUBLIC, CHECKPOINT_TEXT)
    assert caught.value.reason == reason


@given(st.data())
def test_no_mutated_answer_is_another_cosignature(data: st.DataObject) -> None:
    other = data.draw(mutated(WITNESS_LINE))
    try:
        line, time = read_cosignature(other, WITNESS_KEY_PUBLIC, CHECKPOINT_TEXT)
    except (Malformed, Unverified):
        return
    assert (format_line(line).encode(), time) == (WITNESS_LINE, TIME)


def test_a_cosignature_of_another_checkpoint_is_not_taken() -> None:
    with pytest.raises(Unverified):
        read_cosignature(WITNESS_LINE, WITNESS_KEY_PUBLIC, CHECKPOINT_TEXT.replace(b"\n8\n", b"\n9\n"))


def test_the_whole_way_of_a_cosignature() -> None:
    """A log that grows one entry at a time, a witness, and what each takes from the other."""
    latest = NEVER
    for size in range(9):
        raw = format_add_checkpoint(request(latest.size, head(size)))
        asked = parse_add_checkpoint(raw)
        opened: SignedCheckpoint = open_request(asked, keys_of)
        check_growth(asked, opened.checkpoint, latest)
        answer = format_line(cosign(WITNESS, WITNESS_KEY, opened.note.text, TIME + size)).encode()
        line, time = read_cosignature(answer, WITNESS_KEY_PUBLIC, opened.note.text)
        assert (time, line.key_id) == (TIME + size, key_id(WITNESS, COSIGNATURE_ED25519, bytes(WITNESS_KEY.verify_key)))
        latest = Latest(opened.checkpoint.size, opened.checkpoint.root)
    assert latest == Latest(8, root_of(LEAVES))

"""From published files and a policy to verified entries: what is believed, and how each wrong byte is named."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey
from second_writer import Files, Web, publish
from town import Town
from world import ORIGIN, key_of

from ledger import verify
from ledger.errors import Misbehaviour
from ledger.signatures import Signed, Verifiers, verdicts
from ledger.statement import format_entry, open_statement
from ledger.tlog.checkpoint import Checkpoint, sign_checkpoint
from ledger.tlog.merkle import inclusion_proof, leaf_hash, root_of
from ledger.tlog.note import Note, format_line, format_note, parse_note
from ledger.tlog.policy import parse_policy
from ledger.tlog.proof import Proof, format_proof
from ledger.tlog.tiles import HashReader, entries_path, format_bundle, parse_bundle, tile_path
from ledger.verify import (
    open_entry,
    open_head,
    own_policy,
    read_spine,
    roots_at,
    verified_entries,
    verify_receipt,
    walk,
)

TOWN = Town(comments=300)  # 337 entries: one full bundle and a partial one
LEAVES = TOWN.world.leaves()
POLICY = TOWN.policy


def faults_of(files: Files) -> list[Misbehaviour]:
    """All that is wrong with files whose checkpoint is TOWN's."""
    found: list[Misbehaviour] = []
    head = open_head(files, POLICY)
    spine = read_spine(files, head.size, head.root, found.append)
    for batch in walk(files, ORIGIN, spine, workers=1):
        found += batch.faults
    return found


def flipped(path: str, at: int) -> Files:
    files = TOWN.files.copy()
    raw = bytearray(files[path])
    raw[at] ^= 0x10
    files[path] = bytes(raw)
    return files


# --- what is as it should be ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [TOWN.files, Web(TOWN.files)], ids=["folder", "web"])
def test_every_entry_comes_out_in_order_and_whole(files: Files) -> None:
    head = open_head(files, POLICY)
    entries = list(verified_entries(files, head))
    assert [format_entry(entry.received_ms, entry.opened.note) for entry in entries] == LEAVES
    assert [entry.index for entry in entries] == list(range(len(LEAVES)))
    assert entries == TOWN.world.entries


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512])
def test_trees_of_awkward_sizes_verify(size: int) -> None:
    leaves = (LEAVES * 2)[:size]
    files = publish(ORIGIN, leaves, key_of("log"))
    head = open_head(files, POLICY)
    assert sum(1 for _ in verified_entries(files, head)) == size


def test_a_tree_of_three_levels_leads_to_its_root() -> None:
    # Only hashes: what `walk` does with entries does not depend on the level.
    size = 65_536 + 256 + 3
    leaves = [number.to_bytes(4, "big") for number in range(size)]
    files = publish(ORIGIN, leaves, key_of("log"))
    head = open_head(files, POLICY)
    spine = read_spine(files, head.size, head.root)
    sizes = [1, 255, 256, 65_535, 65_536, 65_537, size]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    assert roots_at(files, spine, sizes) == {each: root_of(hashes[:each]) for each in sizes}
    for path, first in (
        ("tile/2/000.p/1", 0),
        ("tile/1/000", 0),
        ("tile/1/001.p/1", 65_536),
        ("tile/0/257.p/3", 65_792),
    ):
        altered = files.copy()
        altered[path] = bytes([altered[path][0] ^ 1]) + altered[path][1:]
        found: list[Misbehaviour] = []
        mended = read_spine(altered, head.size, head.root, found.append)
        assert [(fault.kind, fault.path, fault.index) for fault in found] == [("tile-altered", path, first)]
        assert mended == spine


def test_partial_files_may_be_gone_once_their_full_ones_are_there() -> None:
    # An older head of 300 entries, read from the files of a longer tree of 600.
    leaves = (LEAVES * 2)[:600]
    older, newer = publish(ORIGIN, leaves[:300], key_of("log")), publish(ORIGIN, leaves, key_of("log"))
    files = Files({path: raw for path, raw in newer.items() if ".p/" not in path} | {"checkpoint": older["checkpoint"]})
    files["tile/1/000.p/1"] = older["tile/1/000.p/1"]
    head = open_head(files, POLICY)
    assert head.size == 300
    assert sum(1 for _ in verified_entries(files, head)) == 300


def test_a_part_of_the_entries_can_be_read_alone() -> None:
    head = open_head(TOWN.files, POLICY)
    spine = read_spine(TOWN.files, head.size, head.root)
    found = [entry.index for batch in walk(TOWN.files, ORIGIN, spine, start=250, stop=260) for entry in batch.entries]
    assert found == list(range(250, 260))


# --- the signed head --------------------------------------------------------------------------------------------------


OTHER = SigningKey(b"\x77" * 32)
ROOT = root_of(leaf_hash(leaf) for leaf in LEAVES)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (None, "missing-file"),
        (b"", "bad-checkpoint"),
        (b"not a note\n", "bad-checkpoint"),
        (sign_checkpoint(Checkpoint(ORIGIN, 3, ROOT), OTHER), "foreign-checkpoint"),
        (sign_checkpoint(Checkpoint("other.example/gt", 3, ROOT), key_of("log")), "foreign-checkpoint"),
        (sign_checkpoint(Checkpoint(ORIGIN, 0, root_of([])), key_of("log")), "bad-checkpoint"),
        (TOWN.files["checkpoint"].replace(b"\n337\n", b"\n336\n"), "bad-checkpoint"),
        (TOWN.files["checkpoint"].replace(b"\n337\n", b"\n0337\n"), "bad-checkpoint"),
        (TOWN.files["checkpoint"].replace(b"\n", b"\r\n"), "bad-checkpoint"),
        (TOWN.files["checkpoint"][:-1], "bad-checkpoint"),
    ],
)
def test_a_head_that_the_policy_does_not_accept_is_named(raw: bytes | None, kind: str) -> None:
    files = Files({"checkpoint": raw} if raw is not None else {})
    with pytest.raises(Misbehaviour) as caught:
        open_head(files, POLICY)
    assert (caught.value.kind, caught.value.path) == (kind, "checkpoint")


def test_a_head_without_the_quorum_is_not_cosigned() -> None:
    witness = "witness w1 witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X\nquorum w1\n"
    policy = parse_policy(TOWN.files["policy"].replace(b"quorum none\n", witness.encode()))
    with pytest.raises(Misbehaviour) as caught:
        open_head(TOWN.files, policy)
    assert caught.value.kind == "not-cosigned"
    assert open_head(TOWN.files, policy, quorum=False).size == len(LEAVES)


def test_the_ledgers_own_policy_is_only_its_log_keys() -> None:
    assert own_policy(TOWN.files) == POLICY
    for raw, kind in ((None, "missing-file"), (b"log nonsense\n", "bad-policy-file")):
        with pytest.raises(Misbehaviour) as caught:
            own_policy(Files({"policy": raw} if raw is not None else {}))
        assert caught.value.kind == kind


# --- every wrong byte has a name --------------------------------------------------------------------------------------

NEEDED = [path for path in publish(ORIGIN, LEAVES, key_of("log")) if path.startswith("tile/")]


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from(NEEDED), place=st.floats(0, 1, exclude_max=True))
def test_a_flipped_byte_names_its_file_and_an_entry_of_it(path: str, place: float) -> None:
    at = int(len(TOWN.files[path]) * place)
    found = faults_of(flipped(path, at))
    assert found
    assert {fault.path for fault in found} == {path}
    assert all(fault.index is not None and 0 <= fault.index < len(LEAVES) for fault in found)
    assert {fault.kind for fault in found} <= {"tile-altered", "bundle-altered", "entry-altered"}


@pytest.mark.parametrize("slot", [0, 1, 100, 255])
def test_a_wrong_hash_names_the_entry_that_it_stands_for(slot: int) -> None:
    (fault,) = faults_of(flipped("tile/0/000", 32 * slot + 5))
    assert (fault.kind, fault.index, fault.path) == ("tile-altered", slot, "tile/0/000")


def test_a_wrong_entry_is_named_alone_and_the_others_are_read() -> None:
    bundle = parse_bundle(TOWN.files["tile/entries/000"])
    bundle[40] = LEAVES[41]
    files = TOWN.files.copy()
    files["tile/entries/000"] = format_bundle(bundle)
    (fault,) = faults_of(files)
    assert (fault.kind, fault.index, fault.path) == ("entry-altered", 40, "tile/entries/000")
    assert fault.evidence["entry"] == LEAVES[41]


def _cut(raw: bytes) -> bytes:
    return raw[:-1]


def _longer(raw: bytes) -> bytes:
    return raw + b"\0"


def _emptied(raw: bytes) -> bytes:
    return raw[:0]


@pytest.mark.parametrize("path", NEEDED)
@pytest.mark.parametrize("change", [None, _emptied, _cut, _longer])
def test_a_file_missing_or_of_another_length_is_named(path: str, change: Callable[[bytes], bytes] | None) -> None:
    files = TOWN.files.copy()
    raw = files.pop(path)
    if change is not None:
        files[path] = change(raw)
    found = faults_of(files)
    assert path in {fault.path for fault in found}
    assert {fault.kind for fault in found} <= {"missing-file", "tile-altered", "bundle-altered"}


def test_entries_and_tiles_altered_alike_do_not_lead_to_the_signed_root() -> None:
    leaves = [*LEAVES[:-1], LEAVES[0]]
    files = publish(ORIGIN, leaves, key_of("log"))
    files["checkpoint"] = TOWN.files["checkpoint"]
    kinds = {(fault.kind, fault.path) for fault in faults_of(files)}
    assert kinds == {("root-mismatch", "checkpoint")}


def test_a_full_bundle_altered_with_its_tile_is_named_by_that_tile() -> None:
    leaves = [*LEAVES[:10], LEAVES[0], *LEAVES[11:]]
    forged = publish(ORIGIN, leaves, key_of("log"))
    files = TOWN.files.copy()
    for path in ("tile/0/000", "tile/entries/000"):
        files[path] = forged[path]
    (fault,) = faults_of(files)
    assert (fault.kind, fault.path) == ("tile-altered", "tile/0/000")


def test_the_strict_door_raises_the_first_fault() -> None:
    files = flipped("tile/entries/001.p/81", 400)
    head = open_head(files, POLICY)
    entries = verified_entries(files, head)
    assert [next(entries).index for _ in range(256)] == list(range(256))
    with pytest.raises(Misbehaviour) as caught:
        list(entries)
    assert caught.value.path == "tile/entries/001.p/81"


# --- statements -------------------------------------------------------------------------------------------------------


def altered_note(change: Callable[[bytes], bytes]) -> bytes:
    entry = TOWN.world.entries[20]
    return format_entry(entry.received_ms, entry.opened.note)[:25] + change(entry.opened.note)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (b"", "bad-entry"),
        (LEAVES[3].replace(b"Z\n", b" \n", 1), "bad-entry"),
        (b"2026-02-30" + LEAVES[3][10:], "bad-entry"),
        (b"2026-02-16T12:00:60.000Z" + LEAVES[3][24:], "bad-entry"),
        (LEAVES[3][:25], "bad-statement"),
        (LEAVES[3][:-1], "bad-statement"),
        (LEAVES[3] + b"\n", "bad-statement"),
        (altered_note(lambda note: note.replace(ORIGIN.encode(), b"elsewhere.example/gt", 1)), "bad-statement"),
        (altered_note(lambda note: note.replace(b'"lang":', b'"lang" :', 1)), "bad-statement"),
        (altered_note(lambda note: note.replace(b"es-GT", b"es-ES", 1)), "bad-statement"),
        (altered_note(lambda note: b"\n".join(note.split(b"\n")[:-2]) + b"\n"), "bad-statement"),
        (altered_note(lambda note: note + note.split(b"\n")[-2] + b"\n"), "bad-statement"),
    ],
)
def test_what_the_operator_put_into_the_tree_is_judged_too(entry: bytes, kind: str) -> None:
    leaves = [*LEAVES[:5], entry, *LEAVES[6:]]
    files = publish(ORIGIN, leaves, key_of("log"))
    (fault,) = faults_of(files)
    assert (fault.kind, fault.index) == (kind, 5)
    assert fault.evidence["entry"] == entry


CHANGES = ("flip", "cut", "repeat", "insert")


def changed(raw: bytes, place: float, what: str, byte: int) -> bytes:
    """The bytes with one of them changed, cut out, repeated, or put in."""
    at = int(len(raw) * place)
    return {
        "flip": raw[:at] + bytes([byte]) + raw[at + 1 :],
        "cut": raw[:at] + raw[at + 1 :],
        "repeat": raw[:at] + raw[at : at + 1] * 2 + raw[at + 1 :],
        "insert": raw[:at] + bytes([byte]) + raw[at:],
    }[what]


def both_ways_agree(number: int, raw: bytes) -> bool:
    """Whether the strict way takes an entry; the quick one must say the same, and read the same in it."""
    try:
        strict = open_entry(0, raw, ORIGIN)
    except Misbehaviour:
        strict = None
    files = publish(ORIGIN, [raw], key_of("log"))
    head = open_head(files, POLICY)
    (batch,) = walk(files, ORIGIN, read_spine(files, 1, head.root), workers=1)
    quick = [(entry.received_ms, entry.opened) for entry in batch.entries]
    assert quick == ([(strict.received_ms, strict.opened)] if strict else []), number
    assert len(batch.faults) == (0 if strict else 1)
    return strict is not None


@settings(max_examples=300, deadline=None)
@given(
    number=st.integers(0, len(LEAVES) - 1),
    place=st.floats(0, 1, exclude_max=True),
    what=st.sampled_from(CHANGES),
    byte=st.integers(0, 255),
)
def test_the_quick_way_takes_no_entry_that_the_strict_way_refuses(
    number: int, place: float, what: str, byte: int
) -> None:
    both_ways_agree(number, changed(LEAVES[number], place, what, byte))


@settings(max_examples=300, deadline=None)
@given(
    number=st.sampled_from([0, 3, 4, 5]),
    place=st.floats(0, 1, exclude_max=True),
    what=st.sampled_from(CHANGES),
    byte=st.integers(0, 255),
    extra=st.binary(max_size=2),
)
def test_nor_one_that_its_own_signer_signed_so(number: int, place: float, what: str, byte: int, extra: bytes) -> None:
    # Operator and signer in league: whatever is wrong with the text, or the signature's length, it is well signed.
    entry = TOWN.comments[number]
    note = parse_note(entry.opened.note)
    text = changed(note.text, place, what, byte)
    signature = key_of(f"vecina-{number}").sign(extra + text).signature + extra
    line = format_line(note.lines[0]._replace(signature=signature)).encode()
    both_ways_agree(entry.index, format_entry(entry.received_ms, b"")[:25] + text + b"\n" + line)


def test_what_is_as_it_should_be_both_ways_take() -> None:
    assert all(both_ways_agree(number, LEAVES[number]) for number in range(0, len(LEAVES), 7))


def test_a_signature_of_65_bytes_is_none_though_64_of_them_sign_the_rest() -> None:
    # libsodium takes signature and message in one buffer: a byte too many in the one would count for the other.
    entry = TOWN.comments[5]
    note = parse_note(entry.opened.note)
    signature = key_of("vecina-5").sign(b"!" + note.text).signature + b"!"
    longer = format_note(Note(note.text, (note.lines[0]._replace(signature=signature),)))
    leaf = format_entry(entry.received_ms, longer)
    assert len(leaf) == len(LEAVES[entry.index])
    files = publish(ORIGIN, [leaf], key_of("log"))
    (fault,) = faults_of(files)
    assert (fault.kind, fault.index) == ("bad-statement", 0)


# --- signatures on several cores --------------------------------------------------------------------------------------


def signatures(count: int) -> list[Signed]:
    signed: list[Signed] = []
    for number in range(count):
        key = SigningKey(bytes([number % 250 + 1]) * 32)
        message = b"message %d" % number
        signed.append(Signed(bytes(key.verify_key), key.sign(message).signature + message))
    return signed


def test_other_processes_give_the_same_verdicts() -> None:
    signed = signatures(50)
    wrong = {3, 17, 49}
    for at in wrong:
        signed[at] = Signed(signed[at].key, signed[at].signature_and_message + b"!")
    expected = bytes(at not in wrong for at in range(50))
    assert verdicts(signed) == expected
    with Verifiers(2) as verifiers:
        futures = [verifiers.submit(signed) for _ in range(6)]
        assert [future.result() for future in futures if future] == [expected] * 6


def test_a_process_asked_ahead_answers_each_question_and_no_other() -> None:
    signed = signatures(40)
    asked = [[*signed[:at], Signed(signed[at].key, bytes(70)), *signed[at + 1 :]] for at in range(40)]
    with Verifiers(1) as verifiers:
        futures = [verifiers.submit(each) for each in asked]
        answers = [future.result() for future in futures if future]
    assert answers == [bytes(each != at for each in range(40)) for at in range(40)]


def test_a_process_that_dies_takes_no_verdict_with_it() -> None:
    signed = signatures(20)
    with Verifiers(1) as verifiers:
        (process,) = verifiers.running
        process.kill()
        process.wait()
        for _ in range(3):
            future = verifiers.submit(signed)
            assert future is not None
            assert future.result() == b"\1" * 20


def test_without_other_processes_nothing_is_shared_out() -> None:
    with Verifiers(0) as verifiers:
        assert verifiers.submit(signatures(1)) is None


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_bad_signature_is_found_however_many_verify(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_WORTH_A_PROCESS", 0)
    bad = 300
    note = bytearray(TOWN.world.entries[bad].opened.note)
    note[-20] = ord("A") if note[-20] != ord("A") else ord("B")
    leaves = list(LEAVES)
    leaves[bad] = LEAVES[bad][:25] + bytes(note)
    files = publish(ORIGIN, leaves, key_of("log"))
    head = open_head(files, POLICY)
    batches = list(walk(files, ORIGIN, read_spine(files, head.size, head.root), workers=workers))
    assert [batch.first for batch in batches] == [0, 256]
    (fault,) = [fault for batch in batches for fault in batch.faults]
    assert (fault.kind, fault.index) == ("bad-statement", bad)
    assert sum(len(batch.entries) for batch in batches) == len(LEAVES) - 1


# --- receipts ---------------------------------------------------------------------------------------------------------


def receipt(index: int) -> bytes:
    reader = HashReader(len(LEAVES), lambda path: TOWN.files[path])
    return format_proof(
        Proof(index, inclusion_proof(index, len(LEAVES), reader), TOWN.files["checkpoint"], LEAVES[index])
    )


@pytest.mark.parametrize("index", [0, 100, 255, 256, 336])
def test_a_receipt_proves_its_entry_offline(index: int) -> None:
    proven = verify_receipt(receipt(index), POLICY)
    assert proven.entry == TOWN.world.entries[index]
    assert (proven.origin, proven.size) == (ORIGIN, len(LEAVES))
    assert proven.log_keys == (bytes(key_of("log").verify_key).hex(),)


@settings(max_examples=100, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_receipt_with_a_flipped_bit_proves_nothing(place: float, bit: int) -> None:
    raw = bytearray(receipt(260))
    raw[int(len(raw) * place)] ^= 1 << bit
    with pytest.raises(Misbehaviour):
        verify_receipt(bytes(raw), POLICY)


def test_a_receipt_of_another_log_or_place_is_refused() -> None:
    raw = receipt(260)
    foreign = raw.replace(TOWN.files["checkpoint"], sign_checkpoint(Checkpoint(ORIGIN, 337, ROOT), OTHER))
    for wrong, kind in (
        (foreign, "foreign-checkpoint"),
        (raw.replace(b"index 260", b"index 261"), "bad-receipt"),
        (raw.replace(b"extra ", b"extra  "), "bad-receipt"),
        (b"", "bad-receipt"),
        (receipt(260)[:100], "bad-receipt"),
    ):
        with pytest.raises(Misbehaviour) as caught:
            verify_receipt(wrong, POLICY)
        assert caught.value.kind == kind


def test_a_receipt_must_hold_a_statement_that_verifies() -> None:
    files = publish(ORIGIN, [b"no entry"], key_of("log"))
    raw = format_proof(Proof(0, (), files["checkpoint"], b"no entry"))
    with pytest.raises(Misbehaviour) as caught:
        verify_receipt(raw, POLICY)
    assert caught.value.kind == "bad-entry"


def test_paths_of_the_second_writer_are_those_of_the_spec() -> None:
    # The control of this file: the hand-made folder holds what a tree of 337 entries must hold.
    assert sorted(NEEDED) == sorted(
        [tile_path(0, 0), tile_path(0, 1, 81), tile_path(1, 0, 1), entries_path(0), entries_path(1, 81)]
    )
    assert open_statement(TOWN.world.entries[0].opened.note, ORIGIN) == TOWN.world.entries[0].opened

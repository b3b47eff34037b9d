"""Everything that an operator, a mirror or a thief of the folder may do to published files, and what the audit says.

The operator of `Town` holds the log's key and signs whatever it likes; what it cannot do is sign for others. Controls
that untouched ledgers pass stand in test_audit.py, and at the end of this file.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from nacl.signing import SigningKey
from second_writer import Files, Web, contents_files, policy_for, publish
from town import DAY_MS, SALT, Town
from world import G1, ORIGIN, REGISTRARS, commitment, digest_of, founding, key_of, public, salted_digest

from ledger.docket import Docket
from ledger.statement import canonical, format_entry, format_when, open_statement
from ledger.tlog.checkpoint import Checkpoint, sign_checkpoint
from ledger.tlog.cosignature import cosign
from ledger.tlog.merkle import leaf_hash, root_of
from ledger.tlog.note import COSIGNATURE_ED25519, Note, format_note, format_vkey, parse_note
from ledger.tlog.policy import parse_policy
from ledger.tlog.tiles import format_bundle, parse_bundle
from projections.audit import audit
from projections.findings import Report
from projections.records import DictRecords, digest
from projections.replay import replay


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here grows while it is read, so nobody waits for it."""
    monkeypatch.setattr("projections.audit.PAUSES", (0.0,))


TOWN = Town(comments=300)  # 337 entries: a full bundle and a partial one
MIDDLE = 120
LATEST = len(TOWN.world.entries) - 1


def told(report: Report) -> list[tuple[str, int | None, str | None]]:
    return [(finding.kind, finding.index, finding.path) for finding in report.findings]


def only(report: Report) -> tuple[str, int | None, str | None]:
    """The one thing found."""
    (finding,) = told(report)
    assert report.verdict == "misbehaviour found"
    return finding


def signed_again(leaves: list[bytes], lines: list[dict[str, Any]] | None = None) -> Files:
    """The operator publishes other entries under its own good signature."""
    return publish(ORIGIN, leaves, key_of("log"), others=contents_files(TOWN.lines if lines is None else lines))


# --- bytes ------------------------------------------------------------------------------------------------------------


def flips() -> Iterator[tuple[str, int, int]]:
    """For every published file its first and last byte and six others, each with another bit flipped."""
    dice = random.Random(20260216)
    for path in sorted(TOWN.files):
        size = len(TOWN.files[path])
        for at in sorted({0, size - 1, *(dice.randrange(size) for _ in range(6))}):
            yield path, at, dice.randrange(8)


@pytest.mark.parametrize("path", sorted(TOWN.files))
def test_a_flipped_bit_in_any_published_file_is_found_and_the_file_named(path: str) -> None:
    for _, at, bit in (each for each in flips() if each[0] == path):
        files = TOWN.files.copy()
        raw = bytearray(files[path])
        raw[at] ^= 1 << bit
        files[path] = bytes(raw)
        report = TOWN.audit(files)
        assert path in {finding.path for finding in report.findings}, (path, at, bit)
        assert report.verdict == "misbehaviour found"


@pytest.mark.parametrize("path", sorted(TOWN.files))
def test_a_published_file_that_is_deleted_is_missed_where_a_reader_needs_it(path: str) -> None:
    files = TOWN.files.copy()
    del files[path]
    report = TOWN.audit(files)
    # Partial files of older heads may go once the full one is there; readers then cut that.
    needed = not (path.startswith(("tile/0/000.p", "tile/entries/000.p", "tile/entries/001.p/78", "tile/0/001.p/78")))
    assert (("missing-file", path) in {(kind, where) for kind, _, where in told(report)}) == needed


@pytest.mark.parametrize("path", sorted(TOWN.files))
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_published_file_that_is_cut_is_found(path: str, keep: float) -> None:
    files = TOWN.files.copy()
    files[path] = files[path][: int(len(files[path]) * keep)]
    report = TOWN.audit(files)
    assert path in {finding.path for finding in report.findings}


@pytest.mark.parametrize("path", sorted(TOWN.files.keys() - {"policy"}))  # a policy may have empty lines
def test_a_published_file_that_is_longer_is_found(path: str) -> None:
    files = TOWN.files.copy()
    files[path] += b"\n"
    assert path in {finding.path for finding in TOWN.audit(files).findings}


@pytest.mark.parametrize(
    "path",
    ["index.html", "tile/0/0", "tile/0/900", "tile/0/001.p/0", "tile/7/000", "tile/data/000", "contents/x",
     "Checkpoint", "contents/900", "checkpoints/today", "tile/entries/000.p/256", "../outside"],
)  # fmt: skip
def test_a_file_that_does_not_belong_is_named(path: str) -> None:
    files = TOWN.files.copy()
    files[path] = b"\0" * 32
    assert only(TOWN.audit(files)) == ("unknown-file", None, path)


@pytest.mark.parametrize(("one", "other"), [("tile/0/000", "tile/entries/000"), ("tile/entries/000", "contents/000")])
def test_files_that_changed_places_are_named(one: str, other: str) -> None:
    files = TOWN.files.copy()
    files[one], files[other] = files[other], files[one]
    paths = {finding.path for finding in TOWN.audit(files).findings}
    assert {one, other} <= paths


def test_an_older_partial_file_that_differs_is_named() -> None:
    for path, index in (("tile/0/000.p/7", 3), ("tile/entries/000.p/7", 3)):
        files = TOWN.files.copy()
        if path.startswith("tile/entries"):
            records = parse_bundle(files[path], 7)
            files[path] = format_bundle([*records[:3], records[2], *records[4:]])
        else:
            files[path] = files[path][:96] + files[path][64:96] + files[path][128:]
        kind = "bundle-altered" if "entries" in path else "tile-altered"
        assert only(TOWN.audit(files)) == (kind, index, path)


# --- entries: database scripts, and what an operator signs -----------------------------------------------------------


def leaves() -> list[bytes]:
    return TOWN.world.leaves()


def edited(index: int, old: bytes, new: bytes) -> list[bytes]:
    """One entry with other words in it: whoever signed it did not sign that."""
    changed = leaves()
    assert old in changed[index]
    changed[index] = changed[index].replace(old, new, 1)
    return changed


def test_an_entry_edited_in_place_is_named() -> None:
    files = TOWN.files.copy()
    bundle = parse_bundle(files["tile/entries/000"])
    bundle[MIDDLE] = edited(MIDDLE, b"es-GT", b"es-ES")[MIDDLE]
    files["tile/entries/000"] = format_bundle(bundle)
    assert told(TOWN.audit(files))[0] == ("entry-altered", MIDDLE, "tile/entries/000")


def test_only_the_received_time_edited_is_named() -> None:
    files = TOWN.files.copy()
    bundle = parse_bundle(files["tile/entries/000"])
    bundle[MIDDLE] = b"2026-02-16T12:00:59.000Z" + bundle[MIDDLE][24:]
    files["tile/entries/000"] = format_bundle(bundle)
    assert told(TOWN.audit(files))[0] == ("entry-altered", MIDDLE, "tile/entries/000")


def test_two_entries_that_changed_places_are_both_named() -> None:
    files = TOWN.files.copy()
    bundle = parse_bundle(files["tile/entries/000"])
    bundle[100], bundle[101] = bundle[101], bundle[100]
    files["tile/entries/000"] = format_bundle(bundle)
    assert {(kind, index) for kind, index, _ in told(TOWN.audit(files))} >= {
        ("entry-altered", 100),
        ("entry-altered", 101),
    }


def test_the_state_is_computed_up_to_the_first_entry_that_cannot_be_read() -> None:
    files = TOWN.files.copy()
    bundle = parse_bundle(files["tile/entries/000"])
    bundle[100] = bundle[100].replace(b"es-GT", b"es-ES")
    files["tile/entries/000"] = format_bundle(bundle)
    report = TOWN.audit(files)
    records = DictRecords()
    replay(TOWN.world.entries[:100], records)
    assert [(finding.kind, finding.index) for finding in report.findings] == [("entry-altered", 100)]
    assert (report.at, report.digest) == (100, digest(records, ORIGIN, 100))
    assert report.founding == TOWN.founding
    # What is pinned is compared although something else is wrong.
    other = audit(files, policy=TOWN.policy, founding="ab" * 32, workers=1)
    assert "founding-differs" in {finding.kind for finding in other.findings}


@pytest.mark.parametrize("at", [0, MIDDLE, LATEST])
def test_an_entry_taken_out_under_the_old_head_is_found(at: int) -> None:
    changed = leaves()
    del changed[at]
    files = signed_again(changed)
    files["checkpoint"] = files["head"] = TOWN.files["head"]
    report = TOWN.audit(files)
    assert report.findings
    assert all(finding.path is not None or finding.index is not None for finding in report.findings)


def test_an_edit_that_the_operator_signs_itself_fails_its_signers_signature() -> None:
    report = TOWN.audit(signed_again(edited(MIDDLE, b"es-GT", b"es-ES")))
    assert told(report)[0] == ("bad-statement", MIDDLE, None)
    assert "bad-signature" in report.findings[0].detail
    assert {remark.kind for remark in report.remarks} >= {"folded-in-part"}


def test_a_swap_that_the_operator_signs_breaks_times_and_is_a_fork_to_who_kept_a_head() -> None:
    changed = leaves()
    changed[MIDDLE], changed[MIDDLE + 1] = changed[MIDDLE + 1], changed[MIDDLE]
    report = TOWN.audit(signed_again(changed), seen=[TOWN.files["head"]])
    kinds = {(kind, index) for kind, index, _ in told(report)}
    assert ("time-went-back", MIDDLE + 1) in kinds
    assert ("fork", None) in kinds


def test_backdating_is_found_by_the_entry_before() -> None:
    changed = leaves()
    changed[MIDDLE] = b"2026-02-16T11:59:59.000Z" + changed[MIDDLE][24:]
    report = TOWN.audit(signed_again(changed))
    assert told(report)[0] == ("time-went-back", MIDDLE, None)
    assert (report.findings[0].code, report.findings[0].rule) == ("state", "A0")


def test_a_statement_entered_twice_is_named() -> None:
    changed = [*leaves(), b"2026-02-17T12:00:00.000Z" + leaves()[MIDDLE][24:]]
    report = TOWN.audit(signed_again(changed))
    assert ("duplicate-statement", LATEST + 1, None) in told(report)


def test_the_tail_cut_off_and_signed_is_a_lie_to_who_kept_a_head() -> None:
    files = signed_again(leaves()[:300], [line for line in TOWN.lines if line["index"] < 300 and "by" not in line])
    report = TOWN.audit(files, seen=[TOWN.files["head"]])
    assert ("head-behind", None, "checkpoint") in told(report) or ("head-behind", None, "head") in told(report)
    behind = next(finding for finding in report.findings if finding.kind == "head-behind")
    assert TOWN.files["head"] in behind.evidence.values()


# --- what the rulebook forbids, registered all the same ---------------------------------------------------------------

Forbidden = Callable[[Town], None]


def without_role(town: Town) -> None:
    town.world.take(opened(town, "CommitmentRegistered", "maria/copy:coordinator", **commitment(f"{G1[:-1]}9")))


def of_another_institution(town: Town) -> None:
    fields: dict[str, Any] = {"subject": G1, "level": "complete", "reason": "Listo.", "evidence": []}
    town.world.take(opened(town, "CompletionReported", "minfin:institution", **fields))


def granted_by_one_side(town: Town) -> None:
    fields: dict[str, Any] = {"actor": "copret", "role": "assessor", "scope": {"plans": ["gt-2014-2016"]}}
    town.world.take(opened(town, "RoleGranted", "copret:registrar", "copret/second:registrar", **fields))


def from_the_future(town: Town) -> None:
    fields = town.world.comment("tarde", "Del futuro.")
    town.world.take(
        opened(town, "CommentSubmitted", "tarde:citizen", said_at=format_when(town.world.now_ms + DAY_MS), **fields)
    )


def after_the_window(town: Town) -> None:
    town.world.now_ms += 22 * DAY_MS
    town.world.take(opened(town, "CommentSubmitted", "tarde:citizen", **town.world.comment("tarde", "Tarde.")))


def under_a_revoked_key(town: Town) -> None:
    town.world.say("KeyRevoked", "minfin:holder", key=public("minfin"), cause="lost")
    fields: dict[str, Any] = {"subject": "gt-2014-2016/G2", "level": "limited", "reason": "Va.", "evidence": []}
    town.world.take(opened(town, "CompletionReported", "minfin:institution", **fields))


def a_second_founding(town: Town) -> None:
    town.world.take(
        opened(town, "LedgerOpened", *("icefi:registrar", "guatecivica:registrar", "copret:registrar"), **founding())
    )


def of_what_is_not_there(town: Town) -> None:
    fields: dict[str, Any] = {"commitment": "gt-2014-2016/C20", "level": "limited", "reason": "Nada.", "evidence": []}
    town.world.take(opened(town, "CompletionAssessed", "icefi:assessor", **fields))


def an_actor_twice(town: Town) -> None:
    town.world.take(
        opened(town, "ActorRegistered", *REGISTRARS, actor="minfin", form="institution", name="Otro MINFIN")
    )


def opened(town: Town, kind: str, *who: str, **fields: Any) -> Any:
    """A well signed statement, whatever the rulebook thinks of it."""
    return open_statement(town.world.sign(kind, *who, **fields), ORIGIN)


@pytest.mark.parametrize(
    ("forbid", "rule", "code"),
    [
        (without_role, "A2", "unknown-key"),
        (of_another_institution, "A3", "role-scope"),
        (granted_by_one_side, "A2", "unknown-key"),
        (from_the_future, "A9", "future"),
        (after_the_window, "A8", "closed"),
        (under_a_revoked_key, "A2", "revoked-key"),
        (a_second_founding, "A0", "state"),
        (of_what_is_not_there, "A5", "unknown-ref"),
        (an_actor_twice, "A5", "id-conflict"),
    ],
)
def test_a_forbidden_statement_that_was_registered_is_named_with_its_rule(
    forbid: Forbidden, rule: str, code: str
) -> None:
    town = Town()
    bend(town, forbid)
    at = len(town.world.entries) - 1
    # What comes after it is still read and judged.
    town.comment("despues", "Sigo aquí.") if forbid is not after_the_window else None
    town.publish_again()
    report = town.audit()
    findings = [finding for finding in report.findings if not finding.kind.startswith(("content", "missing"))]
    assert [(finding.kind, finding.index, finding.rule, finding.code) for finding in findings] == [
        ("forbidden-statement", at, rule, code)
    ]
    assert findings[0].evidence["note"] == town.world.entries[at].opened.note
    assert f"regla {rule}" in findings[0].es
    assert f"rule {rule}" in findings[0].en


def bend(town: Town, forbid: Forbidden) -> None:
    """Let the operator's docket take what it should not, as far as it can."""
    evolve = Docket.evolve

    def take(docket: Docket, received_ms: int, statement: Any) -> None:
        try:
            evolve(docket, received_ms, statement)
        except (KeyError, AttributeError):
            docket.size += 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Docket, "evolve", take)
        forbid(town)


# --- whose ledger, and which history ----------------------------------------------------------------------------------


def test_a_perfect_copy_under_another_key_is_another_ledgers() -> None:
    files = publish(ORIGIN, leaves(), SigningKey(b"\x09" * 32), others=contents_files(TOWN.lines))
    assert ("foreign-checkpoint", None, "checkpoint") in told(TOWN.audit(files))


def test_a_perfect_forgery_without_pins_is_never_plainly_verified() -> None:
    files = publish(ORIGIN, leaves(), SigningKey(b"\x09" * 32), others=contents_files(TOWN.lines))
    report = audit(files, workers=1)
    assert report.verdict != "verified"
    # It even gives itself away: the founding statement names another log key.
    assert "log-key" in {finding.kind for finding in report.findings}


def test_a_ledger_founded_anew_under_the_same_name_and_key_has_another_founding() -> None:
    town = Town()
    report = town.audit(founding=digest_of("another founding"))
    assert only(report)[:2] == ("founding-differs", 0)


def test_the_checkpoint_of_another_ledger_is_refused() -> None:
    files = TOWN.files.copy()
    other = publish("elsewhere.example/hn", leaves(), key_of("log"))
    files["checkpoint"] = other["checkpoint"]
    assert told(TOWN.audit(files))[0] == ("foreign-checkpoint", None, "checkpoint")


def test_two_heads_of_one_size_are_a_fork_and_both_notes_are_kept() -> None:
    files = TOWN.files.copy()
    other = sign_checkpoint(Checkpoint(ORIGIN, 337, digest_bytes("other history")), key_of("log"))
    files["head"] = other
    report = TOWN.audit(files)
    assert only(report) == ("fork", None, "head")
    assert set(report.findings[0].evidence.values()) == {files["checkpoint"], other}


@pytest.mark.parametrize("size", [1, 100, 256, 300, 336])
def test_an_older_head_of_another_history_is_a_fork(size: int) -> None:
    other = sign_checkpoint(Checkpoint(ORIGIN, size, digest_bytes("other history")), key_of("log"))
    report = TOWN.audit(seen=[other])
    assert only(report)[0] == "fork"
    assert other in report.findings[0].evidence.values()


@pytest.mark.parametrize("size", [1, 100, 256, 300, 336, 337])
def test_an_older_head_of_this_history_is_none(size: int) -> None:
    root = root_of(leaf_hash(leaf) for leaf in leaves()[:size])
    assert TOWN.audit(seen=[sign_checkpoint(Checkpoint(ORIGIN, size, root), key_of("log"))]).clean


def test_a_head_older_than_the_checkpoint_is_behind() -> None:
    files = TOWN.files.copy()
    root = root_of(leaf_hash(leaf) for leaf in leaves()[:300])
    files["head"] = sign_checkpoint(Checkpoint(ORIGIN, 300, root), key_of("log"))
    assert only(TOWN.audit(files)) == ("head-behind", None, "head")


def test_a_head_that_is_ahead_is_read_too() -> None:
    whole = TOWN.files.copy()
    older = publish(ORIGIN, leaves()[:300], key_of("log"), others=contents_files(TOWN.lines))
    whole["checkpoint"] = older["checkpoint"]
    whole.update({path: raw for path, raw in older.items() if path.startswith("tile/")})
    report = TOWN.audit(whole)
    assert report.clean, report.findings
    assert report.size == 300
    raw = bytearray(whole["tile/0/001.p/81"])
    raw[-1] ^= 1
    whole["tile/0/001.p/81"] = bytes(raw)
    assert ("tile-altered", 336, "tile/0/001.p/81") in told(TOWN.audit(whole))


def digest_bytes(name: str) -> bytes:
    return bytes.fromhex(digest_of(name))


@pytest.mark.parametrize("size", [338, 70_000, 2**32, 2**40, 2**62, 2**63 - 1])
def test_a_head_over_entries_that_nobody_publishes_does_not_hold_the_auditor_up(size: int) -> None:
    for path in ("checkpoint", "head"):
        files = TOWN.files.copy()
        files[path] = sign_checkpoint(Checkpoint(ORIGIN, size, digest_bytes("a large claim")), key_of("log"))
        began = time.monotonic()
        report = TOWN.audit(files)
        assert time.monotonic() - began < 5
        assert {finding.kind for finding in report.findings} & {"missing-file", "root-mismatch"}


def test_with_far_too_much_wrong_the_audit_stops() -> None:
    # A tree over 2,200 entries that are none: one bundle after the other is nothing but findings.
    files = publish(ORIGIN, [b"no entry %d" % number for number in range(5_000)], key_of("log"))
    report = TOWN.audit(files)
    assert "stopped" in {remark.kind for remark in report.remarks}
    assert report.counts.findings > len(report.findings) == 500
    assert report.verdict == "misbehaviour found"


# --- witnesses --------------------------------------------------------------------------------------------------------

WITNESS = "witness.example/w1"
WITNESS_KEY = SigningKey(bytes(range(32, 64)))
WITNESSED = parse_policy(
    policy_for(ORIGIN, key_of("log")).replace(
        b"quorum none\n",
        f"witness w1 {format_vkey(WITNESS, COSIGNATURE_ED25519, bytes(WITNESS_KEY.verify_key))}\nquorum w1\n".encode(),
    )
)
NOON_S = 1_771_243_200  # when the town was founded; all that was said was said in its first second


def cosigned(raw: bytes, at: int = NOON_S) -> bytes:
    note = parse_note(raw)
    return format_note(Note(note.text, (*note.lines, cosign(WITNESS, WITNESS_KEY, note.text, at))))


def day(*heads: bytes) -> bytes:
    return b"".join(len(head).to_bytes(4, "big") + head for head in heads)


def witnessed(*heads: bytes) -> Files:
    files = TOWN.files.copy()
    files["checkpoint"] = cosigned(files["checkpoint"])
    files["checkpoints/2026-02-16"] = day(*heads, files["checkpoint"])
    return files


def head_at(size: int, root: bytes | None = None, *, at: int = NOON_S) -> bytes:
    root = root_of(leaf_hash(leaf) for leaf in leaves()[:size]) if root is None else root
    return cosigned(sign_checkpoint(Checkpoint(ORIGIN, size, root), key_of("log")), at)


@pytest.mark.parametrize("kind", [Files, Web])
def test_cosigned_heads_are_read_and_fit(kind: type[Files]) -> None:
    report = TOWN.audit(kind(witnessed(head_at(100), head_at(300))), policy=WITNESSED)
    assert report.clean, report.findings
    assert report.counts.heads == 5
    assert report.witnesses == [(WITNESS, NOON_S)]


def test_a_checkpoint_without_its_quorum_is_named_and_the_rest_still_read() -> None:
    report = TOWN.audit(policy=WITNESSED)
    assert only(report) == ("not-cosigned", None, "checkpoint")
    assert report.counts.entries == 337


@pytest.mark.parametrize("kind", [Files, Web])
def test_a_cosigned_head_of_another_history_is_a_fork(kind: type[Files]) -> None:
    forged = head_at(100, digest_bytes("other history"))
    report = TOWN.audit(kind(witnessed(forged)), policy=WITNESSED)
    assert only(report) == ("fork", None, "checkpoints/2026-02-16")
    assert forged in report.findings[0].evidence.values()


def test_a_wrong_cosignature_is_named() -> None:
    forged = format_note(Note(parse_note(TOWN.files["head"]).text, parse_note(witnessed()["checkpoint"]).lines))
    wrong = forged[:-10] + b"AAAAAAAA=\n"
    files = witnessed()
    files["checkpoints/2026-02-16"] = day(wrong)
    assert told(TOWN.audit(files, policy=WITNESSED))[0] == ("bad-checkpoint", None, "checkpoints/2026-02-16")


@pytest.mark.parametrize(
    ("head", "index"),
    [
        (head_at(100, at=NOON_S - 61), 0),  # cosigned before its entries were received
        (head_at(100, at=NOON_S + 72), 100),  # entry 100 should have been in it, if it came when it says
    ],
)
def test_a_received_time_that_witnesses_contradict_is_named(head: bytes, index: int) -> None:
    report = TOWN.audit(witnessed(head), policy=WITNESSED)
    assert {finding.kind for finding in report.findings} == {"time-impossible"}
    assert min(finding.index or 0 for finding in report.findings) == index


@pytest.mark.parametrize("at", [NOON_S - 59, NOON_S, NOON_S + 69])
def test_a_received_time_within_the_tolerance_of_clocks_is_none(at: int) -> None:
    assert TOWN.audit(witnessed(head_at(100, at=at)), policy=WITNESSED).clean


def test_times_that_nobody_bounds_are_said() -> None:
    files = witnessed()
    files["checkpoint"] = cosigned(TOWN.files["checkpoint"], NOON_S + 3_600)
    del files["checkpoints/2026-02-16"]
    report = TOWN.audit(files, policy=WITNESSED)
    assert report.clean
    assert "337" in next(remark.en for remark in report.remarks if remark.kind == "time-unbounded")


def test_a_torn_last_record_is_what_a_crash_leaves_and_no_lie() -> None:
    files = witnessed()
    files["checkpoints/2026-02-16"] += files["checkpoints/2026-02-16"][:50]
    report = TOWN.audit(files, policy=WITNESSED)
    assert report.clean
    assert "torn-record" in {remark.kind for remark in report.remarks}


# --- contents ---------------------------------------------------------------------------------------------------------

SHOWN = next(line for line in TOWN.lines if "content" in line)
HIDDEN = next(line for line in TOWN.lines if "by" in line)


def with_line(index: int, line: dict[str, Any] | None) -> Files:
    """The town's contents with another line for an entry, or with none."""
    lines = [each for each in TOWN.lines if each["index"] != index]
    files = TOWN.files.copy()
    files.update(contents_files([*lines, *([line] if line else [])]))
    return files


def _marker(line: dict[str, Any], index: int, identity: str | None = None) -> dict[str, Any]:
    identity = identity or TOWN.world.entries[index].opened.identity
    by = {"index": index, "digest": identity}
    return {"index": line["index"], "salted_digest": line["salted_digest"], "by": by}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (None, "content-missing"),
        (SHOWN | {"content": {"text": "Otra cosa."}}, "content-altered"),
        (SHOWN | {"salt": "00" * 32}, "content-altered"),
        (SHOWN | {"content": SHOWN["content"] | {"name": "Nadie"}}, "content-altered"),
        (_marker(SHOWN, 5), "content-marker"),
        (_marker(SHOWN, HIDDEN["by"]["index"], HIDDEN["by"]["digest"]), "content-marker"),
    ],
)
def test_a_text_that_is_not_what_was_signed_or_gone_without_leave_is_named(
    line: dict[str, Any] | None, kind: str
) -> None:
    assert only(TOWN.audit(with_line(SHOWN["index"], line))) == (kind, SHOWN["index"], "contents/000")


def test_a_marker_for_an_entry_that_does_not_exist_is_named() -> None:
    files = with_line(SHOWN["index"], _marker(SHOWN, 9_000, digest_of("nothing")))
    assert only(TOWN.audit(files)) == ("content-marker", SHOWN["index"], "contents/000")


@pytest.mark.parametrize("which", [0, 1], ids=["withheld", "withdrawn"])
def test_a_text_that_was_taken_from_view_and_is_shown_is_named(which: int) -> None:
    hidden = [line for line in TOWN.lines if "by" in line][which]
    sent = next(line for line in TOWN.shown if line["index"] == hidden["index"])
    files = with_line(hidden["index"], sent)
    assert only(TOWN.audit(files)) == ("content-shown", hidden["index"], "contents/000")


def test_a_text_that_no_entry_brings_is_named() -> None:
    extra: dict[str, Any] = {"index": 3, "salt": SALT.hex(), "content": {"text": "Hola."}}
    extra["salted_digest"] = salted_digest(ORIGIN, public("icefi"), {"text": "Hola."})
    files = TOWN.files.copy()
    files.update(contents_files([*TOWN.lines, extra]))
    assert only(TOWN.audit(files)) == ("content-unknown", 3, "contents/000")


def test_a_text_of_another_form_than_its_statement_asks_for_is_named() -> None:
    town = Town()
    # A comment whose content is only a name: the digest fits, the desk should never have taken it.
    fields = town.world.comment("sin-texto")
    fields["salted_digest"] = salted_digest(ORIGIN, public("sin-texto"), {"name": "Nadie"})
    entry = town.world.say("CommentSubmitted", "sin-texto:citizen", **fields)
    line = {"index": entry.index, "salt": SALT.hex(), "content": {"name": "Nadie"}}
    town.lines.append(line | {"salted_digest": fields["salted_digest"]})
    town.publish_again()
    assert only(town.audit()) == ("content-form", entry.index, "contents/000")


CONTENTS = TOWN.files["contents/000"]


@pytest.mark.parametrize(
    "raw",
    [
        CONTENTS.replace(b'"index":', b'"index": ', 1),
        b"".join(reversed(CONTENTS.splitlines(keepends=True))),
        CONTENTS + CONTENTS,
        CONTENTS[:-1],
        b"[]\n" + CONTENTS,
    ],
)
def test_a_file_of_contents_has_one_form(raw: bytes) -> None:
    files = TOWN.files.copy()
    files["contents/000"] = raw
    assert ("content-malformed", None, "contents/000") in told(TOWN.audit(files))


def test_a_content_withheld_while_the_audit_reads_is_no_finding() -> None:
    # The reader took the checkpoint; then a moderator withheld a comment, and the new files were published.
    town = Town()
    before = town.files.copy()
    entry = town.comments[4]
    town.hide(entry, town.withhold(entry))
    town.publish_again()
    after = Files(before | town.files)  # files of older heads stay for an hour
    report = town.audit(Moving(before, after))
    assert report.clean, report.findings
    assert report.size == len(town.world.entries) - 1
    # Without the statement in the newer tree the same marker is a lie.
    lying = after.copy()
    lying.update({path: before[path] for path in ("checkpoint", "head")})
    assert told(town.audit(Moving(before, lying)))[0] == ("content-marker", entry.index, "contents/000")


class Moving(Web):
    """A web server whose ledger grows just after the first checkpoint was read."""

    def __init__(self, before: Files, after: Files) -> None:
        super().__init__(after)
        self.first = before["checkpoint"]

    def read(self, path: str) -> bytes | None:
        if path == "checkpoint" and self.first:
            raw, self.first = self.first, b""
            return raw
        return super().read(path)


# --- what the ledger says of itself -----------------------------------------------------------------------------------


def ledger_json(**fields: Any) -> bytes:
    said = json.loads(TOWN.files["ledger.json"])
    return canonical(said | fields) + b"\n"


@pytest.mark.parametrize(
    "raw",
    [
        ledger_json(origin="elsewhere.example/hn"),
        ledger_json(log_keys=[format_vkey(ORIGIN, 1, bytes(SigningKey(b"\x09" * 32).verify_key))]),
        ledger_json(log_keys=[]),
        ledger_json(formats=["elsewhere.example/format"]),
        ledger_json(merge_delay_seconds=0),
        ledger_json(surprise=1),
        ledger_json(desk_key="00" * 32),
        TOWN.files["ledger.json"].replace(b":", b": ", 1),
        b"{}\n",
    ],
)  # fmt: skip
def test_ledger_json_says_what_the_founding_says(raw: bytes) -> None:
    files = TOWN.files.copy()
    files["ledger.json"] = raw
    assert only(TOWN.audit(files)) == ("bad-ledger-file", None, "ledger.json")


@pytest.mark.parametrize(
    "raw",
    [b"", b"quorum none\n", policy_for(ORIGIN, SigningKey(b"\x09" * 32)), policy_for("a.example/b", key_of("log"))],
)
def test_the_published_policy_names_the_ledgers_own_key(raw: bytes) -> None:
    files = TOWN.files.copy()
    files["policy"] = raw
    assert only(TOWN.audit(files)) == ("bad-policy-file", None, "policy")


# --- the running server -----------------------------------------------------------------------------------------------


class Served:
    """A server that says what it likes of its own state."""

    def __init__(self, said: str | None, records: list[tuple[str, str, bytes]]) -> None:
        self.said = said
        self.records = records

    def served_digest(self, size: int) -> str | None:
        return self.said

    def served_records(self, size: int) -> Iterator[tuple[str, str, bytes]]:
        return iter(self.records)


def replayed() -> DictRecords:
    records = DictRecords()
    TOWN.audit(records=records)
    return records


def test_a_server_that_tells_the_truth_is_believed() -> None:
    records = replayed()
    report = TOWN.audit(Web(TOWN.files), server=Served(digest(records, ORIGIN, 337), list(records.lines())))
    assert report.clean
    assert report.served_digest == report.digest


def test_a_served_record_that_differs_is_named_with_its_field() -> None:
    lines = list(replayed().lines())
    at = next(at for at, (table, key, _) in enumerate(lines) if (table, key) == ("commitment", G1))
    lines[at] = (
        *lines[at][:2],
        lines[at][2].replace(b'"comments":0', b'"comments":1').replace(b"Compromiso", b"Promesa"),
    )
    report = TOWN.audit(Web(TOWN.files), server=Served(digest_of("false"), lines))
    assert [(kind, path) for kind, _, path in told(report)] == [
        ("digest-differs", "api/digest"),
        ("record-differs", "api/records"),
    ]
    assert f"commitment {G1}, field title" in report.findings[1].detail


def test_a_false_digest_over_true_records_is_named_too() -> None:
    report = TOWN.audit(Web(TOWN.files), server=Served(digest_of("false"), list(replayed().lines())))
    assert only(report) == ("digest-differs", None, "api/digest")


def test_a_server_that_says_nothing_is_remarked_upon() -> None:
    report = TOWN.audit(Web(TOWN.files), server=Served(None, []))
    assert report.clean
    assert "no-served-digest" in {remark.kind for remark in report.remarks}


# --- controls ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("comments", [3, 4, 10])
def test_untouched_ledgers_of_any_size_give_no_finding(comments: int) -> None:
    town = Town(comments)
    assert town.audit().findings == []
    assert town.audit(Web(town.files)).findings == []


def test_files_written_ahead_of_the_next_head_are_no_lie() -> None:
    # A crash between tiles and head leaves this; the next start signs it.
    files = TOWN.files.copy()
    more = publish(ORIGIN, [*leaves(), leaves()[3]], key_of("log"))
    for path in ("tile/0/001.p/82", "tile/entries/001.p/82"):
        files[path] = more[path]
    report = TOWN.audit(files)
    assert report.clean, report.findings
    assert "files-ahead" in {remark.kind for remark in report.remarks}


def test_what_is_ahead_must_still_begin_with_what_is_signed() -> None:
    files = TOWN.files.copy()
    changed = [*leaves()[:330], leaves()[3], *leaves()[331:], leaves()[4]]
    more = publish(ORIGIN, changed, key_of("log"))
    files["tile/0/001.p/82"] = more["tile/0/001.p/82"]
    assert told(TOWN.audit(files)) == [("tile-altered", 330, "tile/0/001.p/82")]


def test_format_entry_is_what_the_town_publishes() -> None:
    assert leaves()[0] == format_entry(TOWN.world.entries[0].received_ms, TOWN.world.entries[0].opened.note)

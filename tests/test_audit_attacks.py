"""The attacks: everything that an operator, a mirror, a witness or an official may leave in published files.

Each test is a lie, told in the town of `tests/town.py` before five witnesses, two of three of civil society and one of
two of the state making the quorum. The audit names it by kind, entry or file, and its evidence convinces a third
person who has neither the ledger nor the auditor (`tests/third_person.py`), but for what BARE lists. Honest worlds that
look odd, and accuse nobody, are in test_honest_worlds.py; single flipped bits in test_audit_flips.py.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from pathlib import Path
from re import sub
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
import world as w
from moderation import ACTS, Moderated
from nacl.signing import SigningKey
from second_writer import Files, Web, contents_files, ledger_file, policy_for, publish
from third_person import Unconvinced, convince
from town import DAY_MS, SALT, Auditor, Growing, Town, ask, days, record, signed_otherwise, tree_of, with_lines
from world import G1, G2, ORIGIN, PLAN, REGISTRARS, commitment, digest_of, founding, key_of, public, salted_digest

from ledger.statement import Entry, canonical, format_when, key_name, signed_text
from ledger.tlog.checkpoint import Checkpoint, sign_checkpoint
from ledger.tlog.note import (
    COSIGNATURE_ED25519,
    ED25519,
    Note,
    SignatureLine,
    format_note,
    format_vkey,
    parse_note,
    sign_line,
)
from ledger.tlog.policy import Policy, parse_policy
from ledger.tlog.tiles import entries_path, format_bundle, parse_bundle
from projections.audit import audit
from projections.findings import Report
from projections.kept import Kept
from projections.records import DictRecords, digest
from projections.replay import replay


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here grows while it is read, so nobody waits for it."""
    monkeypatch.setattr("projections.audit.PAUSES", (0.0,))


TOWN = Town(comments=300, witnessed=True)  # 337 entries: a full bundle and a partial one
OPERATOR = TOWN.operator
ANA, BETO, CELIA, DORA, ELSA = TOWN.witnesses
LEAGUE = (ANA, BETO, DORA)  # a quorum
MIDDLE = 120
LATEST = len(TOWN.world.entries) - 1
SIZE = LATEST + 1
DAY = "checkpoints/2026-02-16"

Place = tuple[str, int | None, str | None]
"""Kind, index and path of a finding."""


def told(report: Report) -> list[Place]:
    return [(finding.kind, finding.index, finding.path) for finding in report.findings]


def exposed(report: Report, *places: Place, policy: Policy = TOWN.policy, now: int | None = None) -> None:
    """Exactly these things were found, and each convinces."""
    assert sorted(told(report), key=str) == sorted(places, key=str)
    convincing(report, policy, now)


def among(report: Report, *places: Place, policy: Policy = TOWN.policy) -> None:
    """These things were found, with others that follow from them, and each convinces."""
    assert set(places) <= set(told(report)), told(report)[:10]
    convincing(report, policy)


def convincing(report: Report, policy: Policy, now: int | None = None) -> None:
    assert report.verdict == "misbehaviour found"
    assert "no" in {each.answer for each in report.answers}
    for finding in report.findings:
        if finding.kind not in BARE:
            convince(finding, policy, now)


# --- two histories ----------------------------------------------------------------------------------------------------


def other_history() -> list[bytes]:
    """Two comments in the other order, with the times in the right one: nothing in it is wrong by itself."""
    return OPERATOR.reorder(MIDDLE, times=True)


def head_of(size: int, root: bytes) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, root), key_of("log"))


def test_a_fork_at_the_same_size() -> None:
    other = OPERATOR.sign(other_history())
    report = TOWN.audit(OPERATOR.serve("head", lambda _: other))
    exposed(report, ("fork", None, "head"))
    assert set(report.findings[0].evidence.values()) == {TOWN.files["checkpoint"], other}


@pytest.mark.parametrize("size", [1, 100, 256, 300, 336])
def test_a_fork_at_a_smaller_size(size: int) -> None:
    other = head_of(size, tree_of([b"other history"] * size))
    report = TOWN.audit(seen=[other])
    exposed(report, ("fork", None, "the head kept from earlier (1)"))
    assert {TOWN.files["checkpoint"], other} <= set(report.findings[0].evidence.values())


def test_a_fork_shown_to_one_mirror_alone() -> None:
    auditor = Auditor(TOWN)
    assert auditor.look(TOWN.files).clean
    for_one = OPERATOR.publish(other_history(), LEAGUE, cosigned=[])
    assert TOWN.audit(for_one).clean  # who sees nothing else cannot know
    report = auditor.look(for_one)
    exposed(report, ("fork", None, "the head kept from earlier (1)"))
    for note in (TOWN.files["checkpoint"], for_one["checkpoint"]):
        assert note in report.findings[0].evidence.values()
        assert TOWN.policy.check(note).quorum_reached


@pytest.mark.parametrize("kind", [Files, Web])
def test_a_fork_among_the_cosigned_heads_of_the_day(kind: type[Files]) -> None:
    bare = head_of(100, tree_of([b"other"] * 100))
    forged = with_lines(bare, [each.sign(parse_note(bare).text, TOWN.clock_s) for each in LEAGUE])
    files = kind(TOWN.files | days([*TOWN.cosigned, forged]))
    report = TOWN.audit(files)
    exposed(report, ("fork", None, DAY))
    assert forged in report.findings[0].evidence.values()


def test_a_fork_that_no_witness_helps_with() -> None:
    files = OPERATOR.publish(other_history())
    exposed(TOWN.audit(files), ("not-cosigned", None, "checkpoint"), ("fork", None, DAY))


def split() -> tuple[Town, Files, Files]:
    """The net is cut in two: Beto and Dora see one history, Celia and Elsa another; Ana cosigns both."""
    town = Town(witnessed=True)
    ana, beto, celia, dora, elsa = town.witnesses
    old = town.world.leaves()
    town.comment("una", "Así fue.")
    one = town.operator.publish(town.world.leaves(), cosigned=town.cosigned)
    head, leaves = one["head"], town.world.leaves()
    one["checkpoint"] = ask([copy(ana), copy(beto), copy(dora)], head, leaves, town.clock_s)
    elsewhere = Town(witnessed=True)
    elsewhere.comment("otra", "Fue de otro modo.")
    others = elsewhere.world.leaves()
    assert others[: len(old)] == old
    head = elsewhere.operator.sign(others)
    two = elsewhere.operator.publish(others, cosigned=elsewhere.cosigned)
    two["checkpoint"] = ask([copy(celia), copy(elsa)], head, others, town.clock_s)
    return town, one, two


def test_two_quorums_of_one_size_with_one_witness_in_league() -> None:
    town, one, two = split()
    ana = town.witnesses[0]
    two["checkpoint"] = with_lines(two["checkpoint"], [ana.sign(parse_note(two["checkpoint"]).text, town.clock_s)])
    # Two of three is broken by one bad witness: each side alone looks well.
    assert town.audit(one).clean
    assert town.audit(two).clean
    auditor = Auditor(town)
    auditor.look(one)
    report = auditor.look(two)
    exposed(report, ("fork", None, "the head kept from earlier (1)"), policy=town.policy)
    notes = [town.policy.check(raw) for raw in report.findings[0].evidence.values()]
    assert all(note.quorum_reached for note in notes)
    assert "testigo-a.example/w cosigned both" in report.findings[0].detail
    one_side, other_side = ({each.witness.name for each in note.cosignatures} for note in notes)
    assert one_side & other_side == {b"a"}


def test_a_split_net_without_a_witness_in_league() -> None:
    town, one, two = split()
    assert town.audit(one).clean
    exposed(town.audit(two), ("not-cosigned", None, "checkpoint"), policy=town.policy)


# --- what is not there any more, and what was not there ---------------------------------------------------------------

DROPPED = [pytest.param(0, id="first"), pytest.param(MIDDLE, id="middle"), pytest.param(LATEST, id="last")]


@pytest.mark.parametrize("at", DROPPED)
def test_an_entry_dropped_under_the_old_heads(at: int) -> None:
    among(TOWN.audit(OPERATOR.slip(OPERATOR.drop(at))), ("missing-file", 256, "tile/0/001.p/81"))


@pytest.mark.parametrize("at", DROPPED)
def test_an_entry_dropped_and_the_tiles_left(at: int) -> None:
    files = OPERATOR.slip(OPERATOR.drop(at), tiles=False)
    width = 80
    files[entries_path(1, 81)] = files.pop(entries_path(1, width))
    path = entries_path(0) if at < 256 else entries_path(1, 81)
    among(TOWN.audit(files), ("bundle-altered" if at == LATEST else "entry-altered", at, path))


@pytest.mark.parametrize("at", DROPPED)
def test_an_entry_dropped_and_signed_again(at: int) -> None:
    report = TOWN.audit(OPERATOR.publish(OPERATOR.drop(at)))
    among(report, ("not-cosigned", None, "checkpoint"), ("head-behind", None, "checkpoint"))
    assert (("fork", None, DAY) in told(report)) == (at != LATEST)
    assert (("forbidden-statement", 0, None) in told(report)) == (at == 0)


def test_an_entry_dropped_with_a_quorum_in_league() -> None:
    report = TOWN.audit(OPERATOR.publish(OPERATOR.drop(MIDDLE), LEAGUE))
    exposed(report, ("fork", None, DAY), ("head-behind", None, "checkpoint"))


def test_an_entry_dropped_with_every_trace() -> None:
    files = OPERATOR.publish(OPERATOR.drop(MIDDLE), LEAGUE, cosigned=[])
    assert TOWN.audit(files).clean
    report = TOWN.audit(files, seen=[TOWN.cosigned[0], TOWN.cosigned[1]])
    # The first head is from before the entry: it is not contradicted.
    exposed(report, ("fork", None, "the head kept from earlier (2)"))


def test_the_tail_cut_off_under_the_old_heads() -> None:
    among(TOWN.audit(OPERATOR.slip(OPERATOR.truncate(300))), ("missing-file", 256, "tile/0/001.p/81"))


def test_the_tail_cut_off_and_signed() -> None:
    report = TOWN.audit(OPERATOR.publish(OPERATOR.truncate(300), LEAGUE))
    exposed(report, ("head-behind", None, "checkpoint"))
    assert TOWN.cosigned[1] in report.findings[0].evidence.values()


def test_the_tail_cut_off_with_every_trace() -> None:
    files = OPERATOR.publish(OPERATOR.truncate(300), LEAGUE, cosigned=[])
    assert TOWN.audit(files).clean
    auditor = Auditor(TOWN)
    auditor.look(TOWN.files)
    report = auditor.look(files)
    exposed(report, ("head-behind", None, "checkpoint"))
    assert TOWN.files["checkpoint"] in report.findings[0].evidence.values()


def test_a_frozen_view() -> None:
    town = Town(witnessed=True)
    auditor = Auditor(town)
    frozen = town.mirror()
    assert auditor.look(frozen).clean  # it was true once
    town.comment("mas-tarde", "Llegué después.")
    town.publish_again()
    assert auditor.look(town.files).clean
    exposed(auditor.look(frozen), ("head-behind", None, "checkpoint"), policy=town.policy)


def test_a_frozen_view_before_a_reader_with_a_clock() -> None:
    cosigned = TOWN.audit().witnesses[0][1]
    assert TOWN.audit(now=cosigned + 600, max_age=600).clean
    now = cosigned + 601
    exposed(TOWN.audit(now=now, max_age=600), ("stale-checkpoint", None, "checkpoint"), now=now)


@pytest.mark.parametrize("left", [(), (1, 2), (0, 2), (2, 1, 0)], ids=str)
def test_cosigned_heads_taken_away_after_an_audit_read_them(left: tuple[int, ...], tmp_path: Path) -> None:
    with Kept(tmp_path / "kept.db") as kept:
        assert TOWN.audit(kept=kept).clean
    files = OPERATOR.serve(DAY, lambda _: b"".join(record(TOWN.cosigned[at]) for at in left))
    assert TOWN.audit(files).clean  # who comes for the first time cannot know
    with Kept(tmp_path / "kept.db") as kept:
        exposed(TOWN.audit(files, kept=kept), ("heads-altered", None, DAY))
    # Put back, they do not undo what was seen.
    with Kept(tmp_path / "kept.db") as kept:
        exposed(TOWN.audit(kept=kept), ("heads-altered", None, DAY))


def test_an_entry_put_in_afterwards() -> None:
    before = TOWN.world.entries[MIDDLE].received_ms
    note = TOWN.world.sign("CommentSubmitted", "tarde:citizen", **TOWN.world.comment("tarde", "Siempre estuve."))
    late = OPERATOR.at_time(OPERATOR.entry(note), before)
    line: dict[str, Any] = {"index": MIDDLE, "salt": SALT.hex(), "content": {"text": "Siempre estuve."}}
    line["salted_digest"] = salted_digest(ORIGIN, public("tarde"), {"text": "Siempre estuve."})
    leaves = OPERATOR.insert(MIDDLE, late)
    files = OPERATOR.publish(leaves, LEAGUE, lines=[*OPERATOR.contents(leaves), line])
    exposed(TOWN.audit(files), ("fork", None, DAY))


# --- order and time ---------------------------------------------------------------------------------------------------


def test_two_entries_that_changed_places_under_the_old_heads() -> None:
    files = OPERATOR.slip(OPERATOR.reorder(MIDDLE), tiles=False)
    places = [("entry-altered", at, "tile/entries/000") for at in (MIDDLE, MIDDLE + 1)]
    among(TOWN.audit(files), *places)


def test_two_entries_that_changed_places_and_signed() -> None:
    report = TOWN.audit(OPERATOR.publish(OPERATOR.reorder(MIDDLE), LEAGUE))
    exposed(report, ("time-went-back", MIDDLE + 1, None), ("fork", None, DAY))


def test_two_entries_that_changed_places_and_times() -> None:
    exposed(TOWN.audit(OPERATOR.publish(other_history(), LEAGUE)), ("fork", None, DAY))


def test_a_received_time_changed_under_the_old_heads() -> None:
    files = OPERATOR.slip(OPERATOR.redate(MIDDLE, 1), tiles=False)
    among(TOWN.audit(files), ("entry-altered", MIDDLE, "tile/entries/000"))


def test_an_entry_backdated_before_the_one_that_precedes_it() -> None:
    report = TOWN.audit(OPERATOR.publish(OPERATOR.redate(MIDDLE, -1_000), LEAGUE))
    among(report, ("time-went-back", MIDDLE, None), ("fork", None, DAY))
    finding = next(each for each in report.findings if each.kind == "time-went-back")
    assert (finding.code, finding.rule) == ("state", "A0")


LEVEL: dict[str, Any] = {"subject": G1, "level": "limited", "reason": "Avance.", "evidence": []}


def after_an_hour() -> tuple[Town, bytes]:
    """A quiet hour passes and the unchanged head is cosigned once more; then somebody speaks."""
    town = Town(witnessed=True)
    town.world.now_ms += 3_600_000
    town.publish_again()
    return town, town.operator.entry(town.world.sign("CompletionReported", "copret:institution", **LEVEL))


def test_an_entry_backdated_against_the_witnesses() -> None:
    town, entry = after_an_hour()
    now = town.world.now_ms
    assert town.audit(town.operator.grow(entry)).clean
    report = town.audit(town.operator.grow(town.operator.at_time(entry, now - 30 * 60_000)))
    at = len(town.world.entries)
    # What was said only after it was received is refused by the rulebook too.
    exposed(report, ("time-impossible", at, None), ("forbidden-statement", at, None), policy=town.policy)


def test_a_signed_paper_backdated_against_the_witnesses() -> None:
    town = Town(witnessed=True)
    note = town.world.sign("CompletionReported", "copret:institution", **LEVEL)
    received = town.world.now_ms + 1_000
    town.world.now_ms += 3_600_000
    town.publish_again()
    # Kept back for an hour, and entered as if it had come at once.
    report = town.audit(town.operator.grow(town.operator.at_time(town.operator.entry(note), received)))
    exposed(report, ("time-impossible", len(town.world.entries), None), policy=town.policy)


@pytest.mark.parametrize("by_ms", [70_001, 80_000])
def test_an_entry_backdated_by_a_little_more_than_delay_and_clocks_explain(by_ms: int) -> None:
    town, entry = after_an_hour()
    received = last_cosigned_ms(town) - by_ms
    assert town.audit(town.operator.grow(town.operator.at_time(entry, received + by_ms - 70_000))).clean
    report = town.audit(town.operator.grow(town.operator.at_time(entry, received)))
    exposed(report, ("time-impossible", len(town.world.entries), None), policy=town.policy)


def last_cosigned_ms(town: Town) -> int:
    return (town.policy.check(town.cosigned[-1]).quorum_time or 0) * 1_000


@pytest.mark.parametrize("by_ms", [60_001, 120_000, 3_600_000])
def test_an_entry_postdated_against_the_witnesses(by_ms: int) -> None:
    town, entry = after_an_hour()
    now = town.clock_s * 1_000
    for later, found in ((60_000, False), (by_ms, True)):
        files = town.operator.grow(town.operator.at_time(entry, now + later), at_ms=town.world.now_ms)
        report = town.audit(files)
        assert report.clean != found
        if found:
            exposed(report, ("time-impossible", len(town.world.entries), None), policy=town.policy)


def test_the_operators_clock_an_hour_ahead() -> None:
    town = Town(witnessed=True)
    town.world.now_ms += 3_600_000
    town.let_in("CompletionReported", "copret:institution", **LEVEL)
    true_s = town.clock_s - 3_600
    head = town.operator.sign(town.world.leaves())
    cosigned = ask(town.witnesses, head, town.world.leaves(), true_s)
    files = town.operator.publish(town.world.leaves(), cosigned=[*town.cosigned, cosigned])
    files["checkpoint"] = cosigned
    exposed(town.audit(files), ("time-impossible", len(town.world.entries) - 1, None), policy=town.policy)


# --- words that nobody signed -----------------------------------------------------------------------------------------


def test_an_entry_edited_under_the_old_heads() -> None:
    files = OPERATOR.replace_entry("tile/entries/000", MIDDLE, lambda leaf: leaf.replace(b"es-GT", b"es-ES"))
    report = TOWN.audit(files)
    exposed(report, ("entry-altered", MIDDLE, "tile/entries/000"))
    assert report.findings[0].evidence["entry"] == OPERATOR.edit(MIDDLE, b"es-GT", b"es-ES")[MIDDLE]


def test_an_entry_edited_and_signed_by_the_operator() -> None:
    report = TOWN.audit(OPERATOR.publish(OPERATOR.edit(MIDDLE, b"es-GT", b"es-ES"), LEAGUE))
    among(report, ("bad-statement", MIDDLE, None), ("fork", None, DAY))
    assert "bad-signature" in report.findings[0].detail
    assert "folded-in-part" in {remark.kind for remark in report.remarks}


def reported(town: Town, value: int = 2, **fields: Any) -> Entry:
    """The coordinator's report claims a number of complete commitments."""
    claims = [{"measure": "level_count", "scope": {"level": "complete"}, "value": value, "out_of": 3}]
    said: dict[str, Any] = {
        "report": "medio",
        "report_form": "self_assessment_midterm",
        "version": 1,
        "title": "Informe de medio término",
        "on": {"precision": "none"},
        "document": digest_of("informe"),
        "claims": claims,
        **fields,
    }
    return town.let_in("ReportPublished", "copret:coordinator", **said)


def test_a_published_claim_rewritten_in_place_and_signed_by_the_operator() -> None:
    town = Town(witnessed=True)
    entry = reported(town)
    town.publish_again()
    assert town.audit().clean
    leaves = town.operator.edit(entry.index, b'"value":2', b'"value":1')
    report = town.audit(town.operator.publish(leaves, town.witnesses[:4]))
    exposed(report, ("bad-statement", entry.index, None), ("fork", None, DAY), policy=town.policy)
    assert "bad-signature" in report.findings[0].detail


def test_the_state_is_computed_up_to_the_first_entry_that_cannot_be_read() -> None:
    files = OPERATOR.replace_entry("tile/entries/000", 100, lambda leaf: leaf.replace(b"es-GT", b"es-ES"))
    report = TOWN.audit(files)
    records = DictRecords()
    replay(TOWN.world.entries[:100], records)
    assert (report.at, report.digest) == (100, digest(records, ORIGIN, 100))
    assert report.founding == TOWN.founding
    # What is pinned is compared although something else is wrong.
    among(TOWN.audit(files, founding="ab" * 32), ("founding-differs", 0, None))


# --- whose ledger -----------------------------------------------------------------------------------------------------


def test_a_perfect_copy_signed_with_another_key() -> None:
    exposed(TOWN.audit(OPERATOR.publish(OPERATOR.leaves(), key="thief")), ("foreign-checkpoint", None, "checkpoint"))


def test_a_head_signed_with_a_registrars_key() -> None:
    files = OPERATOR.publish(OPERATOR.leaves(), LEAGUE, key="icefi")
    exposed(TOWN.audit(files), ("foreign-checkpoint", None, "checkpoint"))


def test_a_perfect_forgery_before_a_reader_who_pins_nothing() -> None:
    files = publish(ORIGIN, OPERATOR.leaves(), SigningKey(b"\x09" * 32), others=contents_files(TOWN.lines))
    report = audit(files, workers=1)
    # It even gives itself away: the founding statement names another log key.
    assert {("log-key", None, "checkpoint"), ("bad-policy-file", None, "policy")} <= set(told(report))


def test_a_ledger_founded_anew_under_the_same_name_and_key() -> None:
    report = TOWN.audit(founding=digest_of("another founding"))
    exposed(report, ("founding-differs", 0, None))
    assert report.findings[0].evidence["note"] == TOWN.world.entries[0].opened.note


def test_the_checkpoint_of_another_ledger() -> None:
    other = publish("elsewhere.example/hn", OPERATOR.leaves(), key_of("log"))
    report = TOWN.audit(OPERATOR.serve("checkpoint", lambda _: other["checkpoint"]))
    exposed(report, ("foreign-checkpoint", None, "checkpoint"))


# --- statements that are none -----------------------------------------------------------------------------------------


def a_level(town: Town = TOWN) -> bytes:
    """A statement of one signer that brings no text."""
    return town.world.sign("CompletionReported", "copret:institution", **LEVEL)


def an_actor() -> bytes:
    """A statement of two signers."""
    return TOWN.world.sign("ActorRegistered", *REGISTRARS, actor="nueva", form="organisation", name="Nueva")


def signed(text: bytes, *names: str) -> bytes:
    """Any text, signed as statements are by those who should have read it."""
    lines = [sign_line(key_name(ORIGIN, public(name))[0], key_of(name), text) for name in names]
    return format_note(Note(text, tuple(lines)))


def line_of(note: bytes) -> bytes:
    return parse_note(note).text.split(b"\n")[1]


def with_signatures(note: bytes, change: Callable[[list[SignatureLine]], list[SignatureLine]]) -> bytes:
    parsed = parse_note(note)
    return format_note(Note(parsed.text, tuple(change(list(parsed.lines)))))


def weak() -> bytes:
    """A citizen's key of small order, under which one signature fits every message."""
    key = b"\x01" + bytes(31)
    draft = TOWN.world.draft("CommentSubmitted", "debil:citizen", **TOWN.world.comment("debil"))
    statement = msgspec.structs.replace(draft, by=(msgspec.structs.replace(draft.by[0], key=key.hex()),))
    name, identifier, _ = key_name(ORIGIN, key.hex())
    return format_note(Note(signed_text(ORIGIN, statement), (SignatureLine(name, identifier, key + bytes(32)),)))


def foreign(note: bytes) -> bytes:
    """What the same people signed for another ledger."""
    text = b"constancia.example/hn\n" + line_of(note) + b"\n"
    name = key_name("constancia.example/hn", public("copret"))[0]
    return format_note(Note(text, (sign_line(name, key_of("copret"), text),)))


def relabelled() -> bytes:
    """The same again, and the operator puts this ledger's name in the first line and over the signature."""
    theirs = parse_note(foreign(a_level()))
    name, identifier, _ = key_name(ORIGIN, public("copret"))
    text = ORIGIN.encode() + b"\n" + theirs.text.partition(b"\n")[2]
    return format_note(Note(text, (SignatureLine(name, identifier, theirs.lines[0].signature),)))


def respelled(old: bytes, new: bytes) -> bytes:
    """Another spelling of the same object, which its signer signed."""
    line = line_of(a_level())
    assert old in line
    return signed(ORIGIN.encode() + b"\n" + line.replace(old, new, 1) + b"\n", "copret")


NO_STATEMENTS = {
    "signature stripped": (lambda: parse_note(a_level()).text + b"\n", "bad-signature"),
    "one signature of two stripped": (lambda: with_signatures(an_actor(), lambda lines: lines[:1]), "bad-signature"),
    "signature line added": (
        lambda: with_signatures(a_level(), lambda lines: [*lines, parse_note(an_actor()).lines[0]]),
        "bad-signature",
    ),
    "signature line twice": (lambda: with_signatures(a_level(), lambda lines: lines * 2), "bad-signature"),
    "signature lines in another order": (
        lambda: with_signatures(an_actor(), lambda lines: lines[::-1]),
        "bad-signature",
    ),
    "signature of another statement": (
        lambda: with_signatures(a_level(), lambda lines: list(parse_note(respelled(b"limited", b"complete")).lines)),
        "bad-signature",
    ),
    "signed with another's key": (
        lambda: with_signatures(
            a_level(),
            lambda lines: [sign_line(lines[0].name, key_of("minfin"), b"x\n")._replace(key_id=lines[0].key_id)],
        ),
        "bad-signature",
    ),
    "cosigned as if by a witness": (
        lambda: with_lines(a_level(), [SignatureLine(ANA.key_name, ANA.verifier.key_id, bytes(72))]),
        "bad-signature",
    ),
    "signed with a weak key": (weak, "weak-key"),
    "signed for another ledger": (lambda: foreign(a_level()), "wrong-origin"),
    "signed for another ledger and relabelled": (relabelled, "bad-signature"),
    "a space in the object": (lambda: respelled(b'"kind":', b'"kind": '), "not-canonical"),
    "a needless escape": (lambda: respelled(b"Avance.", b"Avance\\u002e"), "not-canonical"),
    "one field twice": (lambda: respelled(b'"lang":"es-GT"', b'"lang":"es-GT","lang":"en"'), "duplicate-key"),
    "a field that the kind has not": (lambda: respelled(b'"lang":', b'"fun":1,"lang":'), "shape"),
    "a level of another scale": (lambda: respelled(b'"limited"', b'"avanzado"'), "shape"),
    "a kind of another ledger": (lambda: respelled(b'"CompletionReported"', b'"BudgetApproved"'), "shape"),
    "said at second 60": (
        lambda: signed(
            ORIGIN.encode() + b"\n" + sub(rb'("said_at":"[^"]{17})[0-9]{2}Z', rb"\g<1>60Z", line_of(a_level())) + b"\n",
            "copret",
        ),
        "shape",
    ),
    "a third line of text": (
        lambda: signed(ORIGIN.encode() + b"\n" + line_of(a_level()) + b"\nmore\n", "copret"),
        "not-json",
    ),
    "a checkpoint as a statement": (lambda: TOWN.files["head"], "not-json"),
    "a refusal note as a statement": (
        lambda: signed(ORIGIN.encode() + b'\n{"code":"closed","kind":"SubmissionRefused"}\n', "desk"),
        "shape",
    ),
}


@pytest.mark.parametrize(("note", "code"), NO_STATEMENTS.values(), ids=NO_STATEMENTS)
def test_a_statement_that_is_none(note: Callable[[], bytes], code: str) -> None:
    report = TOWN.audit(OPERATOR.grow(OPERATOR.entry(note())))
    exposed(report, ("bad-statement", SIZE, None))
    assert report.findings[0].detail.startswith(code)
    # The witnesses saw growth, and that is all they say.
    assert TOWN.policy.check(OPERATOR.grow(OPERATOR.entry(note()))["checkpoint"]).quorum_reached


NO_ENTRIES = {
    "a received time without milliseconds": b"2026-02-16T13:00:00Z\n",
    "a received time of second 60": b"2026-02-16T13:00:60.000Z\n",
    "a received time with an offset": b"2026-02-16T13:00:00.000+00:00\n",
    "a received time in lower case": b"2026-02-16t13:00:00.000z\n",
    "a received time of a day that is not": b"2026-02-30T13:00:00.000Z\n",
    "no received time": b"",
    "an empty line before the note": b"2026-02-16T13:00:00.000Z\r\n",
}


@pytest.mark.parametrize("time", NO_ENTRIES.values(), ids=NO_ENTRIES)
def test_an_entry_that_is_none(time: bytes) -> None:
    exposed(TOWN.audit(OPERATOR.grow(time + a_level())), ("bad-entry", SIZE, None))


def test_an_entry_of_no_bytes() -> None:
    exposed(TOWN.audit(OPERATOR.grow(b"")), ("bad-entry", SIZE, None))


# --- statements entered again -----------------------------------------------------------------------------------------


def later(note: bytes) -> bytes:
    return OPERATOR.entry(note, after_ms=DAY_MS)


def test_a_statement_entered_twice() -> None:
    note = TOWN.world.entries[40].opened.note
    files = OPERATOR.grow(OPERATOR.entry(note))
    exposed(TOWN.audit(files), ("duplicate-statement", SIZE, None))


def test_a_statement_entered_twice_with_other_signatures() -> None:
    comment = TOWN.comments[10]
    note = signed_otherwise(comment.opened.note, key_of("vecina-10"))
    assert note != comment.opened.note
    files = OPERATOR.grow(OPERATOR.entry(note))
    shown = next(line for line in TOWN.lines if line["index"] == comment.index)
    files.update(contents_files([*TOWN.lines, shown | {"index": SIZE}]))
    exposed(TOWN.audit(files), ("duplicate-statement", SIZE, None))


def test_a_statement_of_another_town_with_the_same_name_and_keys() -> None:
    elsewhere = Town(comments=4)
    elsewhere.world.now_ms += 60_000
    fields = elsewhere.world.comment("ana", "Contesto.", reply_to=elsewhere.comment("eva", "Pregunto.").opened.identity)
    note = elsewhere.world.sign("CommentSubmitted", "ana:citizen", **fields)
    town = Town(witnessed=True)
    town.world.now_ms += 60_000
    town.show(town.take(note), "ana", "Contesto.")
    town.publish_again()
    report = town.audit()
    exposed(report, ("forbidden-statement", len(town.world.entries) - 1, None), policy=town.policy)
    assert (report.findings[0].rule, report.findings[0].code) == ("A5", "unknown-ref")


# --- what the rulebook forbids, registered all the same ---------------------------------------------------------------

COPRET, CHAIR, IMPORTER = "copret:institution", "copret:coordinator", "importador:importer"


def level(subject: str = G1, code: str = "limited", **fields: Any) -> dict[str, Any]:
    return {"subject": subject, "level": code, "reason": "Avance.", "evidence": [], **fields}


def grant_to(actor: str = "congreso", role: str = "capturer", **fields: Any) -> dict[str, Any]:
    return {"actor": actor, "role": role, "scope": {"plans": [PLAN]}, **fields}


def enrol(town: Town, name: str, **fields: Any) -> None:
    """One more key of an actor: `icefi/b` is a second one of icefi."""
    actor = name.partition("/")[0]
    town.world.say("KeyEnrolled", *REGISTRARS, f"{name}:holder", actor=actor, key=public(name), **fields)


def official_of_another_institution(town: Town) -> None:
    town.let_in("CompletionReported", "minfin:institution", **level(G1, "complete"))


def citizen_reports_a_level(town: Town) -> None:
    town.let_in("CompletionReported", "ana:citizen", **level())


def role_that_was_never_granted(town: Town) -> None:
    town.let_in("CommitmentRegistered", "icefi:coordinator", **commitment(f"{PLAN}/G9"))


def key_that_nobody_enrolled(town: Town) -> None:
    town.let_in("CompletionReported", "copret/robada:institution", **level())


def grant_by_one_organisation_twice(town: Town) -> None:
    enrol(town, "icefi/b")
    town.let_in("RoleGranted", "icefi:registrar", "icefi/b:registrar", **grant_to())


def grant_by_two_ministries(town: Town) -> None:
    town.world.say("RoleGranted", *REGISTRARS, actor="minfin", role="registrar", scope={})
    town.let_in("RoleGranted", "copret:registrar", "minfin:registrar", **grant_to())


def grant_by_a_revoked_key(town: Town) -> None:
    town.world.say("KeyRevoked", "guatecivica:holder", key=public("guatecivica"), cause="lost")
    town.let_in("RoleGranted", "guatecivica:registrar", "copret:registrar", **grant_to())


def grant_by_an_expired_key(town: Town) -> None:
    enrol(town, "guatecivica/b", until=format_when(town.world.now_ms + DAY_MS))
    town.world.now_ms += 2 * DAY_MS
    town.let_in("RoleGranted", "guatecivica/b:registrar", "copret:registrar", **grant_to())


def grant_by_recovery_keys(town: Town) -> None:
    town.let_in("RoleGranted", "recovery-1:recovery", "recovery-2:recovery", **grant_to())


def grant_that_makes_a_judge_of_a_party(town: Town) -> None:
    town.let_in("RoleGranted", *REGISTRARS, **grant_to("minfin", "assessor"))


def grant_without_end_to_an_importer(town: Town) -> None:
    town.let_in("RoleGranted", *REGISTRARS, **grant_to("importador", "importer"))


def role_used_before_it_was_granted(town: Town) -> None:
    w.add_actor(town.world, "nueva", "organisation")
    town.let_in("CompletionAssessed", "nueva:assessor", commitment=G1, level="limited", reason="Vi.", evidence=[])
    w.grant(town.world, "nueva", "assessor")


def role_used_after_it_ended(town: Town) -> None:
    w.add_actor(town.world, "nueva", "organisation")
    w.grant(town.world, "nueva", "assessor", until=format_when(town.world.now_ms + DAY_MS))
    town.world.now_ms += 2 * DAY_MS
    town.let_in("CompletionAssessed", "nueva:assessor", commitment=G1, level="limited", reason="Vi.", evidence=[])


def role_used_outside_its_scope(town: Town) -> None:
    w.add_actor(town.world, "nueva", "organisation")
    w.grant(town.world, "nueva", "assessor", scope={"plans": [PLAN], "commitments": [G2]})
    town.let_in("CompletionAssessed", "nueva:assessor", commitment=G1, level="limited", reason="Vi.", evidence=[])


def key_not_yet_in_force(town: Town) -> None:
    enrol(town, "minfin/b", from_=format_when(town.world.now_ms + DAY_MS))
    town.let_in("CompletionReported", "minfin/b:institution", **level(G2))


def key_used_before_it_was_enrolled(town: Town) -> None:
    town.let_in("CompletionReported", "minfin/b:institution", **level(G2))
    enrol(town, "minfin/b")


def key_used_after_it_was_revoked(town: Town) -> None:
    town.world.say("KeyRevoked", "minfin:holder", key=public("minfin"), cause="lost")
    town.let_in("CompletionReported", "minfin:institution", **level(G2))


def key_revoked_by_another_body(town: Town) -> None:
    town.let_in("KeyRevoked", "minfin:holder", key=public("segeplan"), cause="lost")


def key_disowned_long_ago_by_its_holder_alone(town: Town) -> None:
    town.world.now_ms += 90 * DAY_MS
    since = format_when(town.world.now_ms - 31 * DAY_MS)
    town.let_in("KeyRevoked", "minfin:holder", key=public("minfin"), cause="compromised", since=since)


def one_key_for_two_holders(town: Town) -> None:
    town.world.say("ActorRegistered", *REGISTRARS, actor="doble", form="organisation", name="Doble")
    fields: dict[str, Any] = {"actor": "doble", "key": public("minfin")}
    statement = town.world.draft("KeyEnrolled", *REGISTRARS, "minfin:holder", **fields)
    (*registrars, holder) = statement.by
    by = (*registrars, msgspec.structs.replace(holder, actor="doble"))
    text = signed_text(ORIGIN, msgspec.structs.replace(statement, by=by))
    town.take(signed(text, "icefi", "copret", "minfin"))


def actor_registered_twice(town: Town) -> None:
    town.let_in("ActorRegistered", *REGISTRARS, actor="minfin", form="institution", name="Otro MINFIN")


def second_founding(town: Town) -> None:
    town.let_in("LedgerOpened", *w.FOUNDERS, **founding(offset_minutes=0))


def level_of_no_commitment(town: Town) -> None:
    fields: dict[str, Any] = {"commitment": f"{PLAN}/C20", "level": "limited", "reason": "Nada.", "evidence": []}
    town.let_in("CompletionAssessed", "icefi:assessor", **fields)


def level_lowered_after_complete_without_reopening(town: Town) -> None:
    town.world.say("CompletionReported", COPRET, **level(code="complete"))
    town.let_in("CompletionReported", COPRET, **level(code="limited"))


def level_that_only_assessors_give(town: Town) -> None:
    town.let_in("CompletionReported", COPRET, **level(code="no_evidence_available"))


def reopening_of_what_is_not_complete(town: Town) -> None:
    town.let_in("CommitmentReopened", COPRET, commitment=G1, reason="Más.")


def assessment_of_ones_own_commitment(town: Town) -> None:
    town.let_in("CompletionAssessed", CHAIR, commitment=G1, level="complete", reason="Es nuestro.", evidence=[])


def promise_changed_after_a_level_by_the_coordinator_alone(town: Town) -> None:
    town.world.say("CompletionReported", COPRET, **level())
    fields: dict[str, Any] = {"mechanism": f"{G1}.M1", "text": "Manual", "means": "Publicación", "repeats": "once"}
    town.let_in("MechanismDefined", CHAIR, **fields)


def date_moved_without_a_reason(town: Town) -> None:
    for day in ("2016-01-01", "2017-01-01"):
        date = {"precision": "year", "day": day}
        town.let_in("CompletionDateSet", COPRET, subject=G1, date=date)


def verdict_on_bytes_that_nobody_captured(town: Town) -> None:
    fields: dict[str, Any] = {"mechanism": f"{G1}.M0", "level": "limited", "digests": [digest_of("nada")]}
    town.let_in("VerdictGiven", "icefi:assessor", **fields, words={"text": "Leído."})


def methodology_without_civil_society(town: Town) -> None:
    fields: dict[str, Any] = {"version": 2, "parameters": w.METHODOLOGY, "document": digest_of("m2")}
    town.let_in("MethodologyAdopted", CHAIR, **fields)


def comment(town: Town, who: str, text: str, **fields: Any) -> None:
    """A comment that should not be here, with its text."""
    town.show(town.let_in("CommentSubmitted", f"{who}:citizen", **town.world.comment(who, text, **fields)), who, text)


def comment_after_the_round(town: Town) -> None:
    town.world.now_ms += 22 * DAY_MS
    comment(town, "tarde", "Llego tarde.")


def comment_after_the_round_said_to_be_in_time(town: Town) -> None:
    said = format_when(town.world.now_ms + 20 * DAY_MS)
    town.world.now_ms += 22 * DAY_MS
    comment(town, "tarde", "Lo dije a tiempo.", said_at=said)


def comment_before_the_round(town: Town) -> None:
    second_round(town, opens=format_when(town.world.now_ms + DAY_MS))
    comment(town, "pronto", "Llego temprano.", round="ronda-2")


def comment_counted_in_another_round(town: Town) -> None:
    second_round(town)
    answered = town.comments[0].opened.identity
    comment(town, "movido", "Contesto en la otra ronda.", round="ronda-2", reply_to=answered)


def comment_on_a_version_that_was_not_published(town: Town) -> None:
    comment(town, "adelantada", "Sobre la tercera.", version=3)


def comment_under_an_officials_key(town: Town) -> None:
    comment(town, "copret", "Todo va muy bien.")


def comment_under_the_logs_key(town: Town) -> None:
    comment(town, "log", "Todo va muy bien.")


def comment_withdrawn_by_another_who_shows_the_salt(town: Town) -> None:
    fields: dict[str, Any] = {"statement": town.comments[0].opened.identity, "secret": SALT.hex()}
    town.hide(town.comments[0], town.let_in("StatementWithdrawn", "otra:citizen", **fields))


def comment_withdrawn_by_its_transcriber(town: Town) -> None:
    fields = town.world.comment("mesa", "Oído.", channel="paper", heard_at=format_when(town.world.now_ms))
    heard = town.world.say("CommentTranscribed", "mesa:transcriber", **fields)
    town.show(heard, "mesa", "Oído.")
    town.hide(heard, town.let_in("StatementWithdrawn", "mesa:holder", statement=heard.opened.identity))


def comment_withheld_by_no_moderator(town: Town) -> None:
    at = town.comments[0]
    town.hide(at, town.let_in("ContentWithheld", "icefi:moderator", **town.withholding(at)))


def comment_withheld_when_the_appeal_is_over(town: Town) -> None:
    at, over = town.comments[0], format_when(town.world.now_ms - DAY_MS)
    town.hide(at, town.let_in("ContentWithheld", "vigilante:moderator", **town.withholding(at, appeal_until=over)))


def comment_withheld_twice(town: Town) -> None:
    at = town.comments[0]
    town.hide(at, town.withhold(at))
    town.let_in("ContentWithheld", "vigilante:moderator", **town.withholding(at, ground="spam"))


def words_of_a_citizen_in_the_open(town: Town) -> None:
    link = linked(town)
    fields: dict[str, Any] = {"link": link, "mechanism": f"{G1}.M0", "objection": "absent"}
    town.let_in("EvidenceDisputed", "ana:citizen", **fields, words={"text": "Soy Ana."})


def answer_to_what_was_put_to_another(town: Town) -> None:
    fields: dict[str, Any] = {"answers": [town.comments[0].opened.identity], "disposition": "accepted"}
    town.let_in("ResponseGiven", "minfin:institution", **fields)


def statement_from_the_future(town: Town) -> None:
    town.let_in("CompletionReported", COPRET, **level(said_at=format_when(town.world.now_ms + DAY_MS)))


def paper_held_back_for_eight_days(town: Town) -> None:
    said = format_when(town.world.now_ms)
    town.world.now_ms += 8 * DAY_MS
    town.let_in("CompletionReported", COPRET, **level(said_at=said))


def older_level_after_the_newer(town: Town) -> None:
    said = format_when(town.world.now_ms)
    town.world.now_ms += DAY_MS
    town.world.say("CompletionReported", COPRET, **level(code="substantial"))
    town.let_in("CompletionReported", COPRET, **level(said_at=said))


def imported_level(item: str = "G1/level", **fields: Any) -> dict[str, Any]:
    return level(printed=w.printed(item, on_behalf_of="copret", **fields))


def importer_after_the_body_spoke(town: Town) -> None:
    town.world.say("CompletionReported", COPRET, **level())
    town.let_in("CompletionReported", IMPORTER, **imported_level())


def importer_with_one_item_twice(town: Town) -> None:
    town.world.say("CompletionReported", IMPORTER, **imported_level())
    town.world.now_ms += 1_000
    town.let_in("CompletionReported", IMPORTER, **imported_level())


def importer_of_another_source(town: Town) -> None:
    town.let_in("CompletionReported", IMPORTER, **imported_level(source=digest_of("inventado")))


def importer_without_saying_where_it_is_printed(town: Town) -> None:
    town.let_in("CompletionReported", IMPORTER, **level())


def importer_who_registers_an_actor(town: Town) -> None:
    town.let_in("ActorRegistered", IMPORTER, actor="nuevo", form="organisation", name="Nuevo")


def importer_after_its_grant(town: Town) -> None:
    town.world.now_ms += 401 * DAY_MS
    town.let_in("CompletionReported", IMPORTER, **imported_level())


def official_who_passes_a_level_off_as_printed(town: Town) -> None:
    town.let_in("CompletionReported", COPRET, **imported_level())


def claim_over_a_tree_that_is_not_there_yet(town: Town) -> None:
    reported(town, tree_size=town.world.docket.size + 1)


def report_published_twice_with_other_claims(town: Town) -> None:
    reported(town)
    town.world.now_ms += 1_000
    reported(town, 3)


def report_taken_over_by_another_body(town: Town) -> None:
    reported(town)
    fields: dict[str, Any] = {"report": "medio", "report_form": "shadow", "version": 2, "title": "Otro", "claims": []}
    fields |= {"on": {"precision": "none"}, "document": digest_of("otro")}
    town.let_in("ReportPublished", "icefi:assessor", **fields)


def convened(town: Town, **fields: Any) -> dict[str, Any]:
    starts = format_when(town.world.now_ms + DAY_MS)
    meeting: dict[str, Any] = {"meeting": "comite-1", "meeting_form": "committee", "starts": starts, "place": "Sede"}
    return meeting | {"invited": ["icefi"], "agenda": ["Avances"], **fields}


def meeting_convened_after_it_began(town: Town) -> None:
    town.let_in("MeetingConvened", CHAIR, **convened(town, starts=format_when(town.world.now_ms - DAY_MS)))


def minutes_signed_by_who_was_not_there(town: Town) -> None:
    town.world.say("MeetingConvened", CHAIR, **convened(town))
    town.world.say("AttendanceRecorded", CHAIR, meeting="comite-1", present=[{"actor": "irm", "post": "Visita"}])
    town.let_in("MinutesApproved", CHAIR, "icefi:holder", meeting="comite-1", document=digest_of("acta"))


def confirmation_by_a_body_not_spoken_for(town: Town) -> None:
    printed = town.world.say("CompletionReported", IMPORTER, **imported_level())
    town.let_in("StatementConfirmed", "minfin:holder", statement=printed.opened.identity)


def second_round(town: Town, **fields: Any) -> None:
    town.world.now_ms += 1_000
    opens = format_when(town.world.now_ms)
    window: dict[str, Any] = {"opens": opens, "closes": format_when(town.world.now_ms + 30 * DAY_MS), **fields}
    town.world.open_round(round="ronda-2", **window)


def linked(town: Town) -> str:
    fields: dict[str, Any] = {"for_": [f"{G1}.M0"], "url": "http://example.gt/a", "title": "Acta", "shows": "Algo"}
    return town.world.say("EvidenceLinked", COPRET, **fields, evidence_type="page").opened.identity


Forbidden = Callable[[Town], None]

FORBIDDEN: list[tuple[Forbidden, str, str]] = [
    (official_of_another_institution, "A3", "role-scope"),
    (citizen_reports_a_level, "A1", "role-scope"),
    (role_that_was_never_granted, "A3", "role-scope"),
    (key_that_nobody_enrolled, "A2", "unknown-key"),
    (grant_by_one_organisation_twice, "A3", "role-scope"),
    (grant_by_two_ministries, "A3", "role-scope"),
    (grant_by_a_revoked_key, "A2", "revoked-key"),
    (grant_by_an_expired_key, "A2", "revoked-key"),
    (grant_by_recovery_keys, "A1", "role-scope"),
    (grant_that_makes_a_judge_of_a_party, "A6", "conflict-of-interest"),
    (grant_without_end_to_an_importer, "RoleGranted", "shape"),
    (role_used_before_it_was_granted, "A3", "role-scope"),
    (role_used_after_it_ended, "A3", "role-scope"),
    (role_used_outside_its_scope, "A3", "role-scope"),
    (key_not_yet_in_force, "A2", "unknown-key"),
    (key_used_before_it_was_enrolled, "A2", "unknown-key"),
    (key_used_after_it_was_revoked, "A2", "revoked-key"),
    (key_revoked_by_another_body, "A3", "role-scope"),
    (key_disowned_long_ago_by_its_holder_alone, "A3", "role-scope"),
    (one_key_for_two_holders, "A5", "id-conflict"),
    (actor_registered_twice, "A5", "id-conflict"),
    (second_founding, "A0", "state"),
    (level_of_no_commitment, "A5", "unknown-ref"),
    (level_lowered_after_complete_without_reopening, "A7", "state"),
    (level_that_only_assessors_give, "A7", "shape"),
    (reopening_of_what_is_not_complete, "CommitmentReopened", "state"),
    (assessment_of_ones_own_commitment, "A6", "conflict-of-interest"),
    (promise_changed_after_a_level_by_the_coordinator_alone, "P", "state"),
    (date_moved_without_a_reason, "CompletionDateSet", "state"),
    (verdict_on_bytes_that_nobody_captured, "A5", "unknown-ref"),
    (methodology_without_civil_society, "A1", "shape"),
    (comment_after_the_round, "A8", "closed"),
    (comment_after_the_round_said_to_be_in_time, "A8", "closed"),
    (comment_before_the_round, "A8", "closed"),
    (comment_counted_in_another_round, "A5", "unknown-ref"),
    (comment_on_a_version_that_was_not_published, "A5", "unknown-ref"),
    (comment_under_an_officials_key, "A4", "role-scope"),
    (comment_under_the_logs_key, "A4", "role-scope"),
    (comment_withdrawn_by_another_who_shows_the_salt, "A4", "role-scope"),
    (comment_withdrawn_by_its_transcriber, "A4", "role-scope"),
    (comment_withheld_by_no_moderator, "A3", "role-scope"),
    (comment_withheld_when_the_appeal_is_over, "ContentWithheld", "state"),
    (comment_withheld_twice, "ContentWithheld", "state"),
    (words_of_a_citizen_in_the_open, "A4", "shape"),
    (answer_to_what_was_put_to_another, "A3", "role-scope"),
    (statement_from_the_future, "A9", "future"),
    (paper_held_back_for_eight_days, "A9", "stale"),
    (older_level_after_the_newer, "A9", "stale"),
    (importer_after_the_body_spoke, "A11", "import"),
    (importer_with_one_item_twice, "A5", "id-conflict"),
    (importer_of_another_source, "A11", "import"),
    (importer_without_saying_where_it_is_printed, "A11", "import"),
    (importer_who_registers_an_actor, "A11", "import"),
    (importer_after_its_grant, "A3", "role-scope"),
    (official_who_passes_a_level_off_as_printed, "A11", "import"),
    (claim_over_a_tree_that_is_not_there_yet, "ReportPublished", "state"),
    (report_published_twice_with_other_claims, "A5", "id-conflict"),
    (report_taken_over_by_another_body, "ReportPublished", "role-scope"),
    (meeting_convened_after_it_began, "MeetingConvened", "state"),
    (minutes_signed_by_who_was_not_there, "MinutesApproved", "role-scope"),
    (confirmation_by_a_body_not_spoken_for, "StatementConfirmed", "role-scope"),
]


@pytest.mark.parametrize(
    ("lie", "rule", "code"),
    FORBIDDEN,
    ids=[lie.__name__.replace("_", " ") for lie, _, _ in FORBIDDEN],
)
def test_a_forbidden_statement(lie: Forbidden, rule: str, code: str) -> None:
    town = Town(witnessed=True)
    told_apart = Told(town)
    lie(town)
    # What comes after it is still read and judged.
    town.world.say("ContextNoted", "irm:irm", first_day=NONE, last_day=NONE, words={"text": "Sigo aquí."})
    town.publish_again()
    report = town.audit()
    at = told_apart.forbidden()
    exposed(report, ("forbidden-statement", at, None), policy=town.policy)
    (finding,) = report.findings
    assert (finding.rule, finding.code) == (rule, code)
    assert finding.evidence["note"] == town.world.entries[at].opened.note
    assert f"regla {rule}" in finding.es
    assert f"rule {rule}" in finding.en


NONE = {"precision": "none"}


class Told:
    """Which entry of a town was let in: remembered by listening at the door, for the lies above."""

    def __init__(self, town: Town) -> None:
        self.entries: list[Entry] = []
        take = town.take

        def listen(note: bytes) -> Entry:
            self.entries.append(take(note))
            return self.entries[-1]

        town.take = listen  # type: ignore[method-assign]

    def forbidden(self) -> int:
        """The last that was let in: a lie may let in what is honest before."""
        return self.entries[-1].index


def test_a_moderator_of_the_institution_that_is_commented_on() -> None:
    town = Town(witnessed=True)
    about = town.comment("ana", "Sobre G2.", about=G2)
    w.add_actor(town.world, "ayuda", "office", "minfin")
    grant = town.let_in("RoleGranted", *REGISTRARS, **grant_to("ayuda", "moderator"))
    town.hide(about, town.let_in("ContentWithheld", "ayuda:moderator", **town.withholding(about)))
    town.publish_again()
    report = town.audit()
    places = [("forbidden-statement", at, None) for at in (grant.index, len(town.world.entries) - 1)]
    exposed(report, *places, policy=town.policy)
    assert {(finding.rule, finding.code) for finding in report.findings} == {("A6", "conflict-of-interest")}


# --- files of the tree ------------------------------------------------------------------------------------------------

ALL_PATHS = sorted(TOWN.files)


@pytest.mark.parametrize("path", ALL_PATHS)
def test_a_published_file_that_is_deleted(path: str) -> None:
    files = TOWN.files.copy()
    del files[path]
    report = TOWN.audit(files)
    # Partial files of older heads may go once the full one is there; readers then cut that.
    spared = path.startswith(("tile/0/000.p", "tile/entries/000.p", "tile/entries/001.p/79", "tile/0/001.p/79"))
    # Nobody can know that a day's file was there, but who kept a head of it.
    spared = spared or path.startswith("checkpoints/")
    assert (("missing-file", path) in {(kind, where) for kind, _, where in told(report)}) == (not spared)
    assert report.clean == spared


@pytest.mark.parametrize("path", ALL_PATHS)
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_published_file_that_is_cut(path: str, keep: float) -> None:
    report = TOWN.audit(OPERATOR.serve(path, lambda raw: raw[: int(len(raw) * keep)]))
    if path.startswith("checkpoints/"):  # as a crash leaves it: what is left is read
        assert report.clean
        assert ("torn-record" in {remark.kind for remark in report.remarks}) == (keep > 0)
        return
    assert path in {finding.path for finding in report.findings}
    convincing(report, TOWN.policy)


@pytest.mark.parametrize("path", sorted(TOWN.files.keys() - {"policy", DAY}))  # a policy may have empty lines
def test_a_published_file_that_is_longer(path: str) -> None:
    report = TOWN.audit(OPERATOR.serve(path, lambda raw: raw + b"\n"))
    assert path in {finding.path for finding in report.findings}
    convincing(report, TOWN.policy)


@pytest.mark.parametrize(
    "path",
    ["index.html", "tile/0/0", "tile/0/900", "tile/0/001.p/0", "tile/7/000", "tile/data/000", "contents/x",
     "Checkpoint", "contents/900", "checkpoints/today", "tile/entries/000.p/256", "../outside"],
)  # fmt: skip
def test_a_file_that_does_not_belong(path: str) -> None:
    files = TOWN.files.copy()
    files[path] = b"\0" * 32
    report = TOWN.audit(files)
    assert told(report) == [("unknown-file", None, path)]


def test_cosigned_heads_that_are_not_kept() -> None:
    # A newcomer has no earlier audit to compare with; but where the checkpoint was cosigned, its head must be kept.
    for files in (Files, Web):
        report = TOWN.audit(files({path: raw for path, raw in TOWN.files.items() if path != DAY}))
        assert "heads-unfiled" in {remark.kind for remark in report.remarks}
        assert "heads-unfiled" not in {remark.kind for remark in TOWN.audit(files(TOWN.files)).remarks}


@pytest.mark.parametrize("path", ["checkpoints/2026-02-30", "checkpoints/9999-99-99", "checkpoints/2026-0216-"])
def test_cosigned_heads_of_a_day_that_is_not_in_the_calendar(path: str) -> None:
    exposed(TOWN.audit(Files(TOWN.files | {path: TOWN.files[DAY]})), ("unknown-file", None, path))


@pytest.mark.parametrize(("one", "other"), [("tile/0/000", "tile/entries/000"), ("tile/entries/000", "contents/000")])
def test_files_that_changed_places(one: str, other: str) -> None:
    files = TOWN.files.copy()
    files[one], files[other] = files[other], files[one]
    report = TOWN.audit(files)
    assert {one, other} <= {finding.path for finding in report.findings}
    convincing(report, TOWN.policy)


def swapped_hashes(raw: bytes) -> bytes:
    """The hash of entry 3 in the place of that of entry 2."""
    return raw[:64] + raw[96:128] + raw[96:]


def test_a_tile_altered_and_its_entries_right() -> None:
    exposed(TOWN.audit(OPERATOR.serve("tile/0/000", swapped_hashes)), ("tile-altered", 2, "tile/0/000"))


def test_a_tile_above_the_entries_altered() -> None:
    report = TOWN.audit(OPERATOR.serve("tile/1/000.p/1", lambda raw: raw[::-1]))
    among(report, ("tile-altered", 0, "tile/1/000.p/1"))


def test_an_entry_altered_and_its_tiles_right() -> None:
    files = OPERATOR.replace_entry("tile/entries/001.p/81", 4, lambda leaf: leaf.replace(b"es-GT", b"en"))
    exposed(TOWN.audit(files), ("entry-altered", 260, "tile/entries/001.p/81"))


def test_a_tile_altered_with_its_entries() -> None:
    files = OPERATOR.slip(OPERATOR.edit(MIDDLE, b"es-GT", b"es-ES"))
    # The full tile does not lead to its hash in the tile above it, which was altered too, and does not fit the root.
    among(TOWN.audit(files), ("root-mismatch", None, "checkpoint"))


@pytest.mark.parametrize("path", ["tile/0/000.p/34", "tile/0/001.p/79"])
def test_an_old_partial_tile_altered(path: str) -> None:
    at = 2 if "/000" in path else 258
    exposed(TOWN.audit(OPERATOR.serve(path, swapped_hashes)), ("tile-altered", at, path))


@pytest.mark.parametrize(("path", "width"), [("tile/entries/000.p/34", 34), ("tile/entries/001.p/79", 79)])
def test_an_old_partial_bundle_altered(path: str, width: int) -> None:
    report = TOWN.audit(OPERATOR.serve(path, lambda raw: other_bundle(raw, width)))
    exposed(report, ("bundle-altered", 3 if width == 34 else 259, path))


def other_bundle(raw: bytes, width: int = 34) -> bytes:
    """A bundle in which one entry stands in the place of the next."""
    records = parse_bundle(raw, width)
    return format_bundle([*records[:3], records[2], *records[4:]])


def test_a_bundle_cut_in_two_and_nothing_else_is_to_blame() -> None:
    # The entries that took texts from view can no longer be read: that is no fault of the texts.
    path = "tile/entries/001.p/81"
    report = TOWN.audit(OPERATOR.serve(path, lambda raw: raw[: len(raw) // 2]))
    assert [(kind, where) for kind, _, where in told(report)] == [("bundle-altered", path)]
    convincing(report, TOWN.policy)


def test_files_ahead_of_the_head_that_do_not_begin_with_what_is_signed() -> None:
    leaves = OPERATOR.leaves()
    changed = [*leaves[:330], leaves[3], *leaves[331:], leaves[4]]
    files = TOWN.files.copy()
    files["tile/0/001.p/82"] = publish(ORIGIN, changed, key_of("log"))["tile/0/001.p/82"]
    exposed(TOWN.audit(files), ("tile-altered", 330, "tile/0/001.p/82"))


class Counted(Files):
    """Files that count how often they are read."""

    reads = 0

    def read(self, path: str) -> bytes | None:
        self.reads += 1
        return super().read(path)


@pytest.mark.parametrize("size", [338, 70_000, 2**32, 2**40, 2**62, 2**63 - 1])
@pytest.mark.parametrize("path", ["checkpoint", "head"])
def test_a_head_over_entries_that_nobody_publishes(path: str, size: int) -> None:
    files = Counted(OPERATOR.serve(path, lambda _: head_of(size, bytes.fromhex(digest_of("a large claim")))))
    report = TOWN.audit(files)
    assert {finding.kind for finding in report.findings} & {"missing-file", "root-mismatch"}
    convincing(report, TOWN.policy)
    # However large the claim, the auditor is not held up by it.
    honest = Counted(TOWN.files)
    TOWN.audit(honest)
    assert files.reads < 3 * honest.reads + 50


def test_so_much_that_is_wrong_that_nobody_reads_on() -> None:
    # A tree over 5,000 entries that are none: one bundle after the other is nothing but findings.
    files = publish(ORIGIN, [b"no entry %d" % number for number in range(5_000)], key_of("log"))
    report = TOWN.audit(files, policy=parse_policy(files["policy"]))
    assert "stopped" in {remark.kind for remark in report.remarks}
    assert report.counts.findings > len(report.findings) == 500
    convincing(report, parse_policy(files["policy"]))


# --- signed heads -----------------------------------------------------------------------------------------------------


def text_of(head: bytes) -> list[bytes]:
    return parse_note(head).text.split(b"\n")[:3]


def resigned(*lines: bytes) -> bytes:
    """Any text, signed by the log and by a quorum in league, as far as witnesses cosign such a thing."""
    text = b"\n".join(lines) + b"\n"
    try:
        cosigned = [each.sign(text, TOWN.clock_s) for each in LEAGUE]
    except ValueError:
        cosigned = []
    return format_note(Note(text, (sign_line(ORIGIN, key_of("log"), text), *cosigned)))


NAME, COUNT, ROOT = text_of(TOWN.files["head"])

BAD_HEADS = {
    "an extension line": (resigned(NAME, COUNT, ROOT, b"extra"), "bad-checkpoint"),
    "a leading zero": (resigned(NAME, b"0" + COUNT, ROOT), "bad-checkpoint"),
    "a size with a plus sign": (resigned(NAME, b"+" + COUNT, ROOT), "bad-checkpoint"),
    "no entries": (resigned(NAME, b"0", b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), "bad-checkpoint"),
    "a root of 31 bytes": (resigned(NAME, COUNT, b64encode(bytes(31))), "bad-checkpoint"),
    "lines that end in CRLF": (TOWN.files["head"].replace(b"\n", b"\r\n"), "bad-checkpoint"),
    "another ledger's name": (resigned(b"elsewhere.example/hn", COUNT, ROOT), "foreign-checkpoint"),
    "no signature": (parse_note(TOWN.files["head"]).text + b"\n", "bad-checkpoint"),
    "a bad signature beside a good one": (
        with_lines(
            TOWN.files["head"],
            [parse_note(TOWN.files["head"]).lines[0]._replace(signature=bytes(64))],
        ),
        "bad-checkpoint",
    ),
    "a statement in its place": (a_level(), "bad-checkpoint"),
}


@pytest.mark.parametrize("path", ["checkpoint", "head"])
@pytest.mark.parametrize(("head", "kind"), BAD_HEADS.values(), ids=BAD_HEADS)
def test_a_head_with(head: bytes, kind: str, path: str) -> None:
    exposed(TOWN.audit(OPERATOR.serve(path, lambda _: head)), (kind, None, path))


@pytest.mark.parametrize("by", [-1, 1])
def test_a_checkpoint_of_a_size_too_small_or_too_large(by: int) -> None:
    head = resigned(NAME, b"%d" % (SIZE + by), ROOT)
    report = TOWN.audit(OPERATOR.serve("checkpoint", lambda _: head))
    wanted = "tile/0/001.p/80" if by < 0 else "tile/0/001.p/82"
    among(report, ("missing-file", 256, wanted))


def test_a_checkpoint_with_another_sizes_root() -> None:
    head = resigned(NAME, COUNT, text_of(TOWN.cosigned[1])[2])
    report = TOWN.audit(OPERATOR.serve("checkpoint", lambda _: head))
    among(report, ("root-mismatch", None, "checkpoint"), ("fork", None, DAY))


def test_a_head_older_than_the_checkpoint() -> None:
    report = TOWN.audit(OPERATOR.serve("head", lambda _: TOWN.cosigned[1]))
    exposed(report, ("head-behind", None, "head"))


# --- witnesses --------------------------------------------------------------------------------------------------------


def cosigned_by(*lines: SignatureLine, head: bytes = TOWN.files["head"]) -> Files:
    """The checkpoint with these cosignatures alone."""
    bare = format_note(parse_note(head)._replace(lines=parse_note(head).lines[:1]))
    return OPERATOR.serve("checkpoint", lambda _: with_lines(bare, lines))


TEXT = parse_note(TOWN.files["head"]).text
NOW = TOWN.clock_s - 1
ABC = [each.sign(TEXT, NOW) for each in (ANA, BETO, CELIA)]
DE = [each.sign(TEXT, NOW) for each in (DORA, ELSA)]
THIEF = SigningKey(b"\x09" * 32)


def unlisted() -> SignatureLine:
    stranger = copy(DORA)
    stranger.key_name, stranger.key = "testigo-x.example/w", key_of("x")
    return stranger.sign(TEXT, NOW)


def moved(witness: Any) -> SignatureLine:
    """What the witness wrote under an older head."""
    return next(line for line in parse_note(TOWN.cosigned[1]).lines if line.name == witness.key_name)


TOO_FEW = {
    "nobody": [],
    "all of civil society and nobody of the state": ABC,
    "all of the state and one of civil society": [ABC[0], *DE],
    "one of civil society twice": [ABC[0], ANA.sign(TEXT, NOW + 1), *DE],
    "an unlisted witness in the place of the state's": [*ABC, unlisted()],
}


@pytest.mark.parametrize("lines", TOO_FEW.values(), ids=TOO_FEW)
def test_a_checkpoint_cosigned_by(lines: list[SignatureLine]) -> None:
    report = TOWN.audit(cosigned_by(*lines))
    exposed(report, ("not-cosigned", None, "checkpoint"))
    assert report.counts.entries == SIZE  # the rest is read all the same


def test_a_quorum_that_cosigned_in_the_future() -> None:
    ahead = [each.sign(TEXT, NOW + 301) for each in LEAGUE]
    files = cosigned_by(*ahead)
    assert TOWN.audit(files, now=NOW + 1).clean  # five minutes are what clocks may differ
    exposed(TOWN.audit(files, now=NOW), ("not-cosigned", None, "checkpoint"), now=NOW)


FORGED = {
    "forged": SignatureLine(DORA.key_name, DORA.verifier.key_id, NOW.to_bytes(8, "big") + bytes(64)),
    "signed with another key": DE[0]._replace(
        signature=DE[0].signature[:8] + THIEF.sign(b"cosignature/v1\ntime %d\n" % NOW + TEXT).signature
    ),
    "with another time": DE[0]._replace(signature=(NOW - 3_600).to_bytes(8, "big") + DE[0].signature[8:]),
    "with no time": DE[0]._replace(signature=bytes(8) + DE[0].signature[8:]),
    "moved here from an older head": moved(DORA),
    "made as a log signs": DE[0]._replace(signature=DORA.key.sign(TEXT).signature),
}


@pytest.mark.parametrize("line", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("where", ["checkpoint", DAY])
def test_a_cosignature(line: SignatureLine, where: str) -> None:
    files = cosigned_by(*ABC, line)
    if where == DAY:
        files = Files(TOWN.files | {DAY: b"".join(map(record, [*TOWN.cosigned[:-1], files["checkpoint"]]))})
    exposed(TOWN.audit(files), ("bad-checkpoint", None, where))


# --- contents ---------------------------------------------------------------------------------------------------------

SHOWN = next(line for line in TOWN.lines if "content" in line)
HIDDEN = next(line for line in TOWN.lines if "by" in line)
AT = SHOWN["index"]
CONTENTS = TOWN.files["contents/000"]


def marker(line: dict[str, Any], index: int, identity: str | None = None) -> dict[str, Any]:
    identity = identity or TOWN.world.entries[index].opened.identity
    return {"index": line["index"], "salted_digest": line["salted_digest"], "by": {"index": index, "digest": identity}}


TEXTS: dict[str, tuple[dict[str, Any] | None, str]] = {
    "withheld without a statement": (None, "content-missing"),
    "exchanged": (SHOWN | {"content": {"text": "Otra cosa."}}, "content-altered"),
    "under another salt": (SHOWN | {"salt": "00" * 32}, "content-altered"),
    "with a name that was not given": (SHOWN | {"content": SHOWN["content"] | {"name": "Nadie"}}, "content-altered"),
    "withheld by a statement that does not authorise it": (marker(SHOWN, 5), "content-marker"),
    "withheld by the statement that withheld another": (
        marker(SHOWN, HIDDEN["by"]["index"], HIDDEN["by"]["digest"]),
        "content-marker",
    ),
    "withheld by an entry that is not there": (marker(SHOWN, 9_000, digest_of("nothing")), "content-marker"),
    "withheld by the right entry and another statement": (
        marker(SHOWN, HIDDEN["by"]["index"], digest_of("nothing")),
        "content-marker",
    ),
}


@pytest.mark.parametrize(("line", "kind"), TEXTS.values(), ids=TEXTS)
def test_a_text(line: dict[str, Any] | None, kind: str) -> None:
    exposed(TOWN.audit(OPERATOR.say_of(AT, line)), (kind, AT, "contents/000"))


def test_a_withheld_text_restored_without_a_statement_and_swapped() -> None:
    line = SHOWN | {"index": HIDDEN["index"], "salted_digest": HIDDEN["salted_digest"]}
    report = TOWN.audit(OPERATOR.say_of(HIDDEN["index"], line))
    place = (HIDDEN["index"], "contents/000")
    exposed(report, ("content-altered", *place), ("content-shown", *place))


@pytest.mark.parametrize("which", [0, 1], ids=["withheld", "withdrawn"])
def test_a_text_taken_from_view_and_still_shown(which: int) -> None:
    hidden = [line for line in TOWN.lines if "by" in line][which]
    sent = next(line for line in TOWN.shown if line["index"] == hidden["index"])
    report = TOWN.audit(OPERATOR.say_of(hidden["index"], sent))
    exposed(report, ("content-shown", hidden["index"], "contents/000"))


def test_the_words_of_a_withdrawn_dispute_taken_from_view() -> None:
    # Withdrawing a comment takes its text from view; of a dispute it only ends the effect.
    town = Town(witnessed=True)
    dispute, by = withdrawn_dispute(town)
    town.hide(dispute, by)
    town.publish_again()
    exposed(town.audit(), ("content-marker", dispute.index, "contents/000"), policy=town.policy)


def withdrawn_dispute(town: Town) -> tuple[Entry, Entry]:
    """A citizen disputes a piece of evidence in words, and takes it back."""
    fields: dict[str, Any] = {"link": linked(town), "mechanism": f"{G1}.M0", "objection": "absent"}
    words = {"salted_digest": salted_digest(ORIGIN, public("ana"), {"text": "No está."})}
    dispute = town.world.say("EvidenceDisputed", "ana:citizen", **fields, words=words)
    town.show(dispute, "ana", "No está.")
    return dispute, town.world.say("StatementWithdrawn", "ana:citizen", statement=dispute.opened.identity)


def test_two_texts_that_changed_places() -> None:
    one, other = (line["index"] for line in TOWN.lines[5:7])
    places = [("content-altered", at, "contents/000") for at in (one, other)]
    exposed(TOWN.audit(OPERATOR.swap_texts(one, other)), *places)


def test_a_text_under_anothers_salted_digest() -> None:
    other = TOWN.lines[6]
    report = TOWN.audit(OPERATOR.say_of(AT, SHOWN | {"salted_digest": other["salted_digest"]}))
    place = (AT, "contents/000")
    exposed(report, ("content-missing", *place), ("content-unknown", *place))


def test_a_text_copied_under_another_key_with_its_salt() -> None:
    town = Town(witnessed=True)
    first = town.comments[0]
    text, salted = "Comentario 0.", first.opened.statement.salted_digests()[0]
    entry = town.let_in("CommentSubmitted", "copiona:citizen", **town.world.comment("x", salted_digest=salted))
    town.lines.append(
        {"index": entry.index, "salted_digest": salted, "salt": SALT.hex(), "content": {"text": text}},
    )
    town.publish_again()
    exposed(town.audit(), ("content-altered", entry.index, "contents/000"), policy=town.policy)


def test_a_text_that_no_entry_brings() -> None:
    extra: dict[str, Any] = {"index": 3, "salt": SALT.hex(), "content": {"text": "Hola."}}
    extra["salted_digest"] = salted_digest(ORIGIN, public("icefi"), {"text": "Hola."})
    files = Files(TOWN.files | contents_files([*TOWN.lines, extra]))
    exposed(TOWN.audit(files), ("content-unknown", 3, "contents/000"))


def test_a_text_of_an_entry_that_is_not_there() -> None:
    # A crash before the head leaves this too; but somebody has to say it.
    line: dict[str, Any] = {"index": SIZE, "salt": SALT.hex(), "content": {"text": "De nadie."}}
    line["salted_digest"] = salted_digest(ORIGIN, public("nadie"), {"text": "De nadie."})
    report = TOWN.audit(Files(TOWN.files | contents_files([*TOWN.lines, line])))
    assert "files-ahead" in {remark.kind for remark in report.remarks}


def test_a_text_of_another_form_than_its_statement_asks_for() -> None:
    town = Town(witnessed=True)
    # A comment whose content is only a name: the digest fits, the desk should never have taken it.
    fields = town.world.comment("sin-texto")
    fields["salted_digest"] = salted_digest(ORIGIN, public("sin-texto"), {"name": "Nadie"})
    entry = town.world.say("CommentSubmitted", "sin-texto:citizen", **fields)
    line = {"index": entry.index, "salt": SALT.hex(), "content": {"name": "Nadie"}}
    town.lines.append(line | {"salted_digest": fields["salted_digest"]})
    town.publish_again()
    exposed(town.audit(), ("content-form", entry.index, "contents/000"), policy=town.policy)


@pytest.mark.parametrize(
    "raw",
    [
        CONTENTS.replace(b'"index":', b'"index": ', 1),
        b"".join(reversed(CONTENTS.splitlines(keepends=True))),
        CONTENTS + CONTENTS,
        CONTENTS[:-1],
        b"[]\n" + CONTENTS,
    ],
    ids=["with a space", "in another order", "twice", "without its end", "with something else"],
)
def test_a_file_of_texts(raw: bytes) -> None:
    among(TOWN.audit(OPERATOR.serve("contents/000", lambda _: raw)), ("content-malformed", None, "contents/000"))


def test_a_text_withheld_ahead_of_a_statement_that_never_comes() -> None:
    town = Town()
    before = town.mirror()
    entry = town.comments[4]
    town.hide(entry, town.withhold(entry))
    town.publish_again()
    # The marker is there, and the head that would say why is not signed.
    lying = Files(before | town.files | {path: before[path] for path in ("checkpoint", "head")})
    report = town.audit(Growing(before, lying))
    exposed(report, ("content-marker", entry.index, "contents/000"), policy=town.policy)


# --- texts that disappear with a trace, and come back


class Case:
    """A comment on which moderators and its author act, and what the operator shows in its place."""

    def __init__(self, *kinds: str) -> None:
        self.moderated = Moderated(comments=2)
        self.comment, self.other = list(self.moderated.texts)
        self.acts = [self.moderated.act(kind, self.comment) for kind in kinds]
        places = list(self.moderated.texts)
        self.shorter = places[2] if len(places) > 2 else self.comment

    def text(self, place: tuple[str, str]) -> dict[str, Any]:
        return self.moderated.texts[place]

    def named(self, place: tuple[str, str], at: int) -> dict[str, Any]:
        return self.moderated.marker(place, self.acts[at])


WITHHELD, REDACTED, RESTORED, ERASED, WITHDRAWN = ACTS

# The acts on a comment; whose line is another (the comment's, or that of its shorter text), and which; the finding.
MODERATED: dict[str, tuple[tuple[str, ...], str, Callable[[Case], dict[str, Any] | None], str]] = {
    "an erased text still shown": ((ERASED,), "comment", lambda it: it.text(it.comment), "content-shown"),
    "an erased text under the marker of its withholding": (
        (WITHHELD, ERASED), "comment", lambda it: it.named(it.comment, 0), "content-marker",
    ),
    "an erasure by marker alone": (
        (WITHHELD,), "comment", lambda it: it.moderated.marker(it.comment, None), "content-marker",
    ),
    "an erasure by another identity at an entry that is there": (
        (WITHHELD,),
        "comment",
        lambda it: it.moderated.marker(it.comment, it.acts[0], digest_of("erased")),
        "content-marker",
    ),
    "a text without a line after it was erased": ((ERASED,), "comment", lambda _: None, "content-missing"),
    "the shorter text of an erased one still shown": (
        (REDACTED, ERASED), "shorter", lambda it: it.text(it.shorter), "content-shown",
    ),
    "a restored text kept away": (
        (WITHHELD, RESTORED), "comment", lambda it: it.named(it.comment, 0), "content-kept-away",
    ),
    "a redacted text restored and kept away": (
        (WITHHELD, REDACTED, RESTORED), "comment", lambda it: it.named(it.comment, 1), "content-kept-away",
    ),
    "a restored text under the marker of its restoration": (
        (WITHHELD, RESTORED), "comment", lambda it: it.named(it.comment, 1), "content-marker",
    ),
    "a text withheld again under the marker of the first time": (
        (WITHHELD, RESTORED, WITHHELD), "comment", lambda it: it.named(it.comment, 0), "content-marker",
    ),
    "a redaction under the marker of a withholding": (
        (WITHHELD, REDACTED), "comment", lambda it: it.named(it.comment, 0), "content-marker",
    ),
    "the full text in the place of the shorter one": (
        (REDACTED,),
        "shorter",
        lambda it: it.text(it.shorter) | {"content": it.text(it.comment)["content"]},
        "content-altered",
    ),
    "the full text beside the shorter one": ((REDACTED,), "comment", lambda it: it.text(it.comment), "content-shown"),
    "another shorter text": (
        (REDACTED,), "shorter", lambda it: it.text(it.shorter) | {"content": {"text": "[…]"}}, "content-altered",
    ),
    "a shorter text kept away": ((REDACTED,), "shorter", lambda it: it.named(it.shorter, 0), "content-marker"),
    "a shorter text that is nowhere": ((REDACTED,), "shorter", lambda _: None, "content-missing"),
    "a shorter text shown after the restoration": (
        (REDACTED, RESTORED), "shorter", lambda it: it.text(it.shorter), "content-shown",
    ),
    "a withdrawn text shown after a restoration": (
        (WITHHELD, WITHDRAWN, RESTORED), "comment", lambda it: it.text(it.comment), "content-shown",
    ),
    "a withdrawn text under a withholding that has ended": (
        (WITHHELD, WITHDRAWN, RESTORED), "comment", lambda it: it.named(it.comment, 0), "content-marker",
    ),
    "the shorter text of a withdrawn comment shown": (
        (REDACTED, WITHDRAWN), "shorter", lambda it: it.text(it.shorter), "content-shown",
    ),
    "the shorter text of a comment that was withdrawn before": (
        (WITHDRAWN, REDACTED), "shorter", lambda it: it.text(it.shorter), "content-shown",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kinds", "which", "lie", "kind"), MODERATED.values(), ids=MODERATED)
@pytest.mark.parametrize("before", [None, 0, 1], ids=["read whole", "gone on from before", "gone on from the act"])
def test_of_a_moderated_text(
    kinds: tuple[str, ...],
    which: str,
    lie: Callable[[Case], dict[str, Any] | None],
    kind: str,
    before: int | None,
    tmp_path: Path,
) -> None:
    """Read whole, or by one who had audited before the acts, or between the first and the others."""
    case = Case(*kinds) if before is None else _audited_before(kinds, before, tmp_path / "audit.db")
    place = case.comment if which == "comment" else case.shorter
    town = case.moderated.publish()
    assert town.audit().findings == []
    line = lie(case)
    town = case.moderated.lie(place, line)
    index = case.text(place)["index"]
    if before is None:
        exposed(town.audit(), (kind, index, "contents/000"), policy=town.policy)
        return
    with Kept(tmp_path / "audit.db") as kept:  # where nothing was said since, one has to ask for every text
        report = town.audit(kept=kept, every_text=len(kinds) <= before)
        exposed(report, (kind, index, "contents/000"), policy=town.policy)
    with Kept(tmp_path / "audit.db") as kept:  # it stays due until it is mended
        exposed(town.audit(kept=kept), (kind, index, "contents/000"), policy=town.policy)
    with Kept(tmp_path / "audit.db") as kept:
        assert case.moderated.publish().audit(kept=kept).findings == []


def _audited_before(kinds: tuple[str, ...], acts: int, path: Path) -> Case:
    """An auditor who keeps what it knows has looked after so many acts."""
    case = Case(*kinds[:acts])
    with Kept(path) as kept:
        assert case.moderated.publish().audit(kept=kept).findings == []
    case.acts += [case.moderated.act(kind, case.comment) for kind in kinds[acts:]]
    case.shorter = list(case.moderated.texts)[-1]
    return case


# --- what the ledger says of itself -----------------------------------------------------------------------------------


def ledger_json(**fields: Any) -> bytes:
    return canonical(msgspec.json.decode(TOWN.files["ledger.json"]) | fields) + b"\n"


LEDGER_FILES = {
    "another ledger": ledger_json(origin="elsewhere.example/hn"),
    "another key": ledger_json(log_keys=[format_vkey(ORIGIN, ED25519, bytes(THIEF.verify_key))]),
    "no key": ledger_json(log_keys=[]),
    "an unknown format": ledger_json(formats=["elsewhere.example/format"]),
    "no merge delay": ledger_json(merge_delay_seconds=0),
    "a field too many": ledger_json(surprise=1),
    "a weak key of the desk": ledger_json(desk_key="00" * 32),
    "a space": ledger_file(ORIGIN, key_of("log")).replace(b":", b": ", 1),
    "nothing": b"{}\n",
}


@pytest.mark.parametrize("raw", LEDGER_FILES.values(), ids=LEDGER_FILES)
def test_ledger_json_names(raw: bytes) -> None:
    exposed(TOWN.audit(OPERATOR.serve("ledger.json", lambda _: raw)), ("bad-ledger-file", None, "ledger.json"))


POLICIES = {
    "nothing": b"",
    "no log": b"quorum none\n",
    "another key of the log": policy_for(ORIGIN, THIEF),
    "another ledger": policy_for("a.example/b", key_of("log")),
}


@pytest.mark.parametrize("raw", POLICIES.values(), ids=POLICIES)
def test_the_published_policy_names(raw: bytes) -> None:
    exposed(TOWN.audit(OPERATOR.serve("policy", lambda _: raw)), ("bad-policy-file", None, "policy"))


STRANGER = format_vkey(ANA.key_name, COSIGNATURE_ED25519, bytes(THIEF.verify_key))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"group civil 2 a b c", b"group civil 1 a b c"),
        (b"quorum ambos", b"quorum estado"),
        (b"quorum ambos", b"quorum none"),
        (b"group estado any d e", b"group estado any d"),
        (ANA.policy_line.encode(), f"witness a {STRANGER}\n".encode()),
    ],
    ids=[
        "a lower threshold",
        "another quorum",
        "no quorum",
        "a witness who does not count",
        "another key of a witness",
    ],
)
def test_the_published_policy_asks_for_something_else_than_the_pinned_one(old: bytes, new: bytes) -> None:
    # Witnesses come and go and get new keys, so this is no lie by itself; but the reader must hear of it.
    report = TOWN.audit(OPERATOR.serve("policy", lambda raw: raw.replace(old, new)))
    assert report.findings == []
    assert "policy-differs" in {remark.kind for remark in report.remarks}


# --- the running server -----------------------------------------------------------------------------------------------

Record = tuple[str, str, bytes]


class Served:
    """A server that says what it likes of its own state."""

    def __init__(self, said: str | None, records: Sequence[Record]) -> None:
        self.said = said
        self.records = records

    def served_digest(self, size: int) -> str | None:
        return self.said

    def served_records(self, size: int) -> Iterator[Record]:
        return iter(self.records)


def told_as(table: str, key: str, old: bytes, new: bytes, town: Town = TOWN) -> tuple[Report, str]:
    """The audit of a server that serves one record with other words; and what it says of it."""
    records = DictRecords()
    town.audit(records=records)
    lines = list(records.lines())
    at = next(at for at, line in enumerate(lines) if line[:2] == (table, key))
    assert old in lines[at][2]
    lines[at] = (table, key, lines[at][2].replace(old, new))
    report = town.audit(Web(town.files), server=Served(digest_of("false"), lines))
    exposed(report, ("digest-differs", None, "api/digest"), ("record-differs", None, "api/records"), policy=town.policy)
    return report, report.findings[1].detail


def test_a_served_record_with_other_words() -> None:
    assert f"commitment {G1}, field title" in told_as("commitment", G1, b"Compromiso", b"Promesa")[1]


def test_a_served_tally_that_counts_a_comment_in_another_round() -> None:
    town = Town(comments=3, witnessed=True)
    second_round(town)
    town.comment("dos", "En la segunda.", round="ronda-2")
    town.publish_again()
    records = DictRecords()
    town.audit(records=records)
    assert "round ronda-1, field channels" in told_as("round", "ronda-1", b'["signed",3]', b'["signed",4]', town)[1]


def test_a_served_claim_that_is_not_the_published_one() -> None:
    town = Town(witnessed=True)
    reported(town)
    town.publish_again()
    records = DictRecords()
    town.audit(records=records)
    key = next(key for table, key, _ in records.lines() if table == "report")
    assert "field claims" in told_as("report", key, b'"claimed":2', b'"claimed":1', town)[1]


def test_a_false_digest_over_true_records() -> None:
    records = DictRecords()
    TOWN.audit(records=records)
    report = TOWN.audit(Web(TOWN.files), server=Served(digest_of("false"), list(records.lines())))
    exposed(report, ("digest-differs", None, "api/digest"))


# --- what the evidence does not show by itself ------------------------------------------------------------------------


def heads_gone() -> Report:
    with TemporaryDirectory() as folder:
        with Kept(Path(folder, "kept.db")) as kept:
            TOWN.audit(kept=kept)
        with Kept(Path(folder, "kept.db")) as kept:
            return TOWN.audit(OPERATOR.serve(DAY, lambda _: b""), kept=kept)


BARE: dict[str, tuple[str, Callable[[], Report]]] = {
    "heads-altered": ("the bytes that an earlier audit read: it keeps their digest only", heads_gone),
}
"""Findings whose evidence does not convince a third person yet, with what is lacking, and a lie that shows it."""


@pytest.mark.parametrize(("kind", "lie"), [(kind, lie) for kind, (_, lie) in BARE.items()], ids=BARE)
def test_evidence_that_is_listed_as_bare_is_bare(kind: str, lie: Callable[[], Report]) -> None:
    finding = next(each for each in lie().findings if each.kind == kind)
    with pytest.raises(Unconvinced):
        convince(finding, TOWN.policy)

"""What a stolen key signed: which entries are in dispute, who counts them, and that nothing else changes."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import storyline
import world as w
from town import Town
from world import G2, REGISTRARS, World, found, public

from ledger.docket import Docket
from ledger.rulebook import check_admissible
from ledger.statement import Entry, format_when
from projections.commitments import Commitment
from projections.compromise import Compromise, Signings, compromises, dispute_of
from projections.kept import Kept
from projections.records import DictRecords, digest
from projections.replay import evolve, replay
from projections.roll import Actor, KeyHeld, Ledger, RoleHeld

SECOND = 1_000


def report(world: World, key: str = "minfin", **fields: Any) -> Entry:
    """A level, said by the holder of a key or by whoever stole it."""
    return world.say(
        "CompletionReported",
        f"{key}:institution",
        **{"subject": G2, "level": "limited", "reason": "Avance.", "evidence": [], **fields},
    )


def folded(world: World) -> DictRecords:
    records = DictRecords()
    replay(world.entries, records)
    return records


def disputed(world: World) -> list[int]:
    """The indexes of the entries in dispute."""
    known = compromises(folded(world))
    return [entry.index for entry in world.entries if dispute_of(known, entry) is not None]


def tick(world: World) -> str:
    """Let time come to the next whole second, and say which."""
    world.now_ms += SECOND - world.now_ms % SECOND
    return format_when(world.now_ms)


def test_acts_from_the_compromise_to_its_revocation_are_in_dispute_and_no_others() -> None:
    world = found()
    report(world)  # the last millisecond before
    since = tick(world)
    first = report(world, level="substantial")
    other = report(world, "copret", subject=w.G1)
    last = report(world, level="complete")
    world.say("KeyRevoked", *REGISTRARS, key=public("minfin"), cause="compromised", since=since)
    assert disputed(world) == [first.index, last.index]
    assert other.index not in disputed(world)


def test_a_revocation_by_the_key_itself_is_not_in_dispute() -> None:
    world = found()
    since = tick(world)
    act = report(world)
    world.say("KeyRevoked", "minfin:holder", key=public("minfin"), cause="compromised", since=since)
    assert disputed(world) == [act.index]


@pytest.mark.parametrize("cause", ["lost", "retired", "compromised"])
def test_without_a_since_nothing_is(cause: str) -> None:
    world = found()
    report(world)
    world.say("KeyRevoked", *REGISTRARS, key=public("minfin"), cause=cause)
    assert disputed(world) == []
    assert list(folded(world).scan(Compromise)) == []


def test_one_compromised_signer_of_several_is_enough() -> None:
    world = found()
    since = tick(world)
    granted = w.grant(world, "minfin", "capturer")
    world.say("KeyEnrolled", *REGISTRARS, "copret/b:holder", actor="copret", key=public("copret/b"))
    k2 = ("guatecivica:registrar", "copret/b:registrar")
    world.say("KeyRevoked", *k2, key=public("icefi"), cause="compromised", since=since)
    assert disputed(world) == [granted.index, granted.index + 1]
    assert world.docket.roster.grants["minfin"][-1].role == "capturer"  # admissibility does not change


def test_what_a_key_signed_before_it_gave_way_can_be_put_in_dispute_later() -> None:
    world = found()
    since = tick(world)
    act = report(world)
    rotation = {"actor": "minfin", "old": public("minfin"), "new": public("minfin/b")}
    rotated = world.say("KeyRotated", "minfin:holder", "minfin/b:holder", **rotation)
    report(world, "minfin/b", level="substantial")
    world.say("KeyRevoked", "minfin/b:holder", key=public("minfin"), cause="compromised", since=since)
    assert disputed(world) == [act.index, rotated.index]


def test_the_reported_level_stands_and_the_tally_too() -> None:
    world = found()
    since = tick(world)
    act = report(world)
    before = folded(world)
    world.say("KeyRevoked", *REGISTRARS, key=public("minfin"), cause="compromised", since=since)
    after = folded(world)
    for records in (before, after):
        standing = records.get(Commitment, G2)
        assert standing is not None
        assert standing.reported is not None
        assert (standing.reported.level, standing.reported.index) == ("limited", act.index)
    tables = {table for table, _, _ in after.lines()} - {table for table, _, _ in before.lines()}
    assert tables == {"compromise"}


def test_everything_stays_admissible_on_replay() -> None:
    world = found()
    since = tick(world)
    report(world)
    world.say("KeyRevoked", *REGISTRARS, key=public("minfin"), cause="compromised", since=since)
    docket = Docket(world.origin)
    for entry in world.entries:
        check_admissible(entry.opened, entry.received_ms, docket)
        docket.evolve(entry.received_ms, entry.opened)
    assert docket.size == len(world.entries)


def test_whoever_reads_all_entries_counts_the_same() -> None:
    world = found()
    report(world)
    since = tick(world)
    for level in ("substantial", "complete"):
        report(world, level=level)
    world.say("KeyRevoked", *REGISTRARS, key=public("minfin"), cause="compromised", since=since)
    signings = Signings()
    for entry in world.entries:
        signings.note(entry)
    (known,) = compromises(folded(world)).values()
    assert signings.disputed(known) == len(disputed(world)) == 2


def test_a_since_before_the_first_act_and_after_the_last_count_all_and_none() -> None:
    world = found()
    report(world)
    signings = Signings()
    for entry in world.entries:
        signings.note(entry)
    size, now = len(world.entries), world.now_ms
    for since, count in ((0, 2), (now, 0)):  # it was enrolled, and has reported
        assert signings.disputed(Compromise(key=public("minfin"), actor="minfin", since_ms=since, index=size)) == count
    assert signings.disputed(Compromise(key=public("nobody"), actor="x", since_ms=0, index=size)) == 0


def test_the_auditor_tells_and_finds_no_fault() -> None:
    town = Town(comments=3)
    since = tick(town.world)
    for level in ("limited", "substantial"):
        report(town.world, level=level)
    revoked = town.world.say("KeyRevoked", *REGISTRARS, key=public("minfin"), cause="compromised", since=since)
    town.publish_again()
    told = town.audit()
    assert (told.findings, told.verdict) == ([], "verified")
    (remark,) = [one for one in told.remarks if one.kind == "disputed"]
    assert f"(asiento {revoked.index}): 2 asientos en disputa" in remark.es
    assert f"(entry {revoked.index}): 2 entries are in dispute" in remark.en
    assert "minfin" in remark.es
    earlier = town.audit(at=revoked.index)  # in the state before, nobody knew
    assert [one.kind for one in earlier.remarks if one.kind == "disputed"] == []


# --- the roll


def told() -> World:
    world = found()
    storyline.keys(world)
    return world


def test_the_roll_keeps_what_ended_and_what_took_its_place() -> None:
    world = told()
    records = folded(world)
    index = {type(entry.opened.statement).__name__: entry.index for entry in world.entries}
    old, new = records.get(KeyHeld, public("minfin")), records.get(KeyHeld, public("minfin/b"))
    assert old is not None
    assert new is not None
    assert (old.replaced, old.revoked) == (index["KeyRotated"], None)
    assert (new.replaced, new.revoked, new.cause) == (None, index["KeyRevoked"], "compromised")
    removed = records.get(KeyHeld, public("guatecivica"))
    assert removed is not None
    assert removed.replaced == index["RegistrarReplaced"]
    held = {actor: [(one.role, one.ended) for _, one in records.scan(RoleHeld, prefix=f"{actor}/")]
            for actor in ("congreso", "guatecivica", "dosis")}  # fmt: skip
    assert held == {
        "congreso": [("assessor", index["RoleEnded"])],
        "guatecivica": [("registrar", index["RegistrarReplaced"])],
        "dosis": [("registrar", None)],
    }
    assert records.get(Actor, "dosis") is not None
    ledger = records.get(Ledger, "ledger")
    assert ledger is not None
    assert ledger.log_keys == (public("log"), public("log-2"))


def test_a_founding_role_that_ends_and_a_body_that_replaces_itself() -> None:
    world = found()
    founding = world.entries[0].opened.identity
    fields = {"removed": "icefi", "actor": "icefi", "name": "ICEFI", "form": "organisation", "reason": "Perdida."}
    recovery = ("recovery-1:recovery", "recovery-2:recovery", "icefi/b:holder")
    replaced = world.say("RegistrarReplaced", *recovery, **fields, key=public("icefi/b"))
    ended = world.say("RoleEnded", "guatecivica:holder", grant=founding, words={"text": "Se retira."})
    records = folded(world)
    roles = [(one.role, one.ended) for _, one in records.scan(RoleHeld, prefix="icefi/") if one.role == "registrar"]
    assert roles == [("registrar", replaced.index), ("registrar", None)]
    (role,) = [one for _, one in records.scan(RoleHeld, prefix="guatecivica/")]
    assert role.ended == ended.index


def test_a_ledger_without_any_of_this_has_the_records_it_always_had() -> None:
    lines = [line for _, _, line in folded(found()).lines()]
    for word in (b'"ended"', b'"replaced"', b'"since_ms"'):
        assert not any(word in line for line in lines)


def test_the_fold_takes_these_kinds_in_any_order() -> None:
    world = told()
    tail = world.entries[-7:]
    for order in list(permutations(tail))[::97]:
        records = DictRecords()
        for entry in [*order, *world.entries[:3], *order]:
            evolve(records, entry)
        assert digest(records, w.ORIGIN, 1)


# --- audits that go on from an earlier one


def test_an_audit_that_goes_on_counts_what_it_read_long_ago(tmp_path: Path) -> None:
    town = Town(comments=3)
    since = tick(town.world)
    report(town.world)
    town.publish_again()
    with Kept(tmp_path / "audit.db") as kept:
        assert town.audit(kept=kept).verdict == "verified"
    report(town.world, level="substantial")
    town.world.say("KeyRevoked", *REGISTRARS, key=public("minfin"), cause="compromised", since=since)
    town.publish_again()
    with Kept(tmp_path / "audit.db") as kept:
        told = town.audit(kept=kept)
    assert (told.findings, told.kept > 0) == ([], True)
    (remark,) = [one for one in told.remarks if one.kind == "disputed"]
    assert "2 entries are in dispute" in remark.en


def test_an_audit_that_goes_on_knows_the_log_keys_of_then(tmp_path: Path) -> None:
    town = Town(comments=3)
    index = town.world.say("LogKeyRotated", *REGISTRARS, old=public("log"), new=public("log-2")).index
    town.publish_again()  # signed with the old key, which is a finding for ever
    with Kept(tmp_path / "audit.db") as kept:
        assert {(one.kind, one.index) for one in town.audit(kept=kept).findings} == {("log-key", index)}
    report(town.world)
    town.publish_again()
    with Kept(tmp_path / "audit.db") as kept:
        told = town.audit(kept=kept)
    assert told.kept > index
    assert {(one.kind, one.index) for one in told.findings} == {("log-key", index)}

"""What the record says of plans and commitments after the storyline."""

from typing import Any

import msgspec
import pytest
import world as w
from storyline import story
from world import C8, G1, G2, PLAN

from ledger.statement import Entry
from projections.commitments import Commitment, Mechanism, PlanState, Surrounding
from projections.evidence import Evidence, Verdict
from projections.records import DictRecords
from projections.replay import replay
from projections.roll import Actor, Ledger, RoleHeld


def folded(entries: list[Entry] | None = None) -> DictRecords:
    records = DictRecords()
    replay(story() if entries is None else entries, records)
    return records


def commitment(records: DictRecords, identifier: str) -> Commitment:
    found = records.get(Commitment, identifier)
    assert found is not None
    return found


def test_the_plan_and_its_methodology() -> None:
    plan = folded().get(PlanState, PLAN)
    assert plan is not None
    assert (plan.cycle, plan.country, plan.methodology) == (2, "GT", 1)
    assert (plan.starts.day, plan.ends.precision) == ("2014-06-30", "year")


def test_the_latest_level_stands_with_its_entry() -> None:
    g1 = commitment(folded(), G1)
    assert g1.reported is not None
    assert (g1.reported.level, g1.reported.actor, g1.reported.role) == ("substantial", "copret", "institution")
    kind = story()[g1.reported.index].opened.statement.kind
    assert (kind, g1.reopened) == ("CompletionReported", None)


def test_reopening_shows_until_a_level_is_reported_again() -> None:
    entries = story()
    at = next(entry.index for entry in entries if entry.opened.statement.kind == "CommitmentReopened")
    assert commitment(folded(entries[: at + 1]), G1).reopened == at
    assert commitment(folded(entries[: at + 2]), G1).reopened is None


def test_a_printed_level_speaks_for_the_body_and_says_so() -> None:
    c8 = commitment(folded(), C8)
    assert c8.reported is not None
    assert (c8.reported.actor, c8.reported.role, c8.reported.printed) == ("segeplan", "importer", True)


@pytest.mark.parametrize("signed_first", [True, False])
def test_a_signed_level_outranks_a_printed_one_whatever_their_order(signed_first: bool) -> None:
    world = w.found()

    def say_signed() -> None:
        level: Any = {"subject": G2, "level": "limited", "reason": "Poco.", "evidence": []}
        world.say("CompletionReported", "minfin:institution", **level)

    def say_printed() -> None:
        printed = w.printed("G2/level")  # on nobody's behalf, so rule A11 lets it follow
        level: Any = {"subject": G2, "level": "complete", "evidence": [], "printed": printed}
        world.say("CompletionReported", "importador:importer", **level)

    for say in (say_signed, say_printed) if signed_first else (say_printed, say_signed):
        if say is say_signed and not signed_first:
            world.say("CommitmentReopened", "minfin:institution", commitment=G2, reason="Se revisa.")
        say()
    g2 = commitment(folded(world.entries), G2)
    assert g2.reported is not None
    assert (g2.reported.level, g2.reported.printed) == ("limited", False)


def test_each_assessor_has_one_level_until_it_is_withdrawn() -> None:
    entries = story()
    at = next(entry.index for entry in entries if entry.opened.statement.kind == "CompletionAssessed")
    assessed = commitment(folded(entries[: at + 1]), G1).assessed
    assert [(one.actor, one.role, one.level) for one in assessed] == [("irm", "irm", "not_started")]
    assert commitment(folded(), G1).assessed == ()


def test_dates_and_next_steps() -> None:
    c8 = commitment(folded(), C8)
    assert c8.completion_date is not None
    assert (c8.completion_date.day, c8.completion_date.precision, c8.dates_moved) == ("2015-07-01", "month", 0)
    assert [step.text for step in c8.next_steps] == ["Seguir."]


def test_a_moved_date_is_counted() -> None:
    world = w.found()
    for month, reason in (("2015-07-01", None), ("2015-12-01", "Tarde."), ("2015-12-01", None)):
        date = {"precision": "month", "day": month}
        world.now_ms += 1000
        world.say("CompletionDateSet", "copret:institution", subject=G1, date=date, reason=reason)
    assert commitment(folded(world.entries), G1).dates_moved == 1


def test_evidence_keeps_what_happened_to_it() -> None:
    found = [one for _, one in folded().scan(Evidence, prefix=f"{G1}/")]
    assert len(found) == 1
    item = found[0]
    assert (item.captures, item.last_digest, item.last_seen, item.disputes, item.withdrawn) == (
        1,
        w.digest_of("seen"),
        "alive",
        1,
        None,
    )
    g1 = commitment(folded(), G1)
    assert (g1.evidence, g1.captured, g1.disputed, g1.comments) == (1, 1, 1, 1)


def test_withdrawn_evidence_stays_and_no_longer_counts() -> None:
    world = w.found()
    fields: Any = {"for": [f"{G1}.M0"], "url": "http://e.gt/a", "title": "A", "evidence_type": "page", "shows": "S"}
    identity = world.say("EvidenceLinked", "copret:institution", **fields).opened.identity
    entry = world.say("StatementWithdrawn", "copret:holder", statement=identity)
    records = folded(world.entries)
    assert [one.withdrawn for _, one in records.scan(Evidence)] == [entry.index]
    assert commitment(records, G1).evidence == 0


def test_evidence_for_two_commitments_is_in_both() -> None:
    world = w.found()
    for plan_wide in ("copret",):
        w.grant(world, plan_wide, "capturer")
    fields: Any = {"for": [f"{G1}.M0", f"{G2}.M0"], "url": "http://e.gt/a", "title": "A", "evidence_type": "page"}
    world.say("EvidenceLinked", "copret:coordinator", **fields, shows="S")
    records = folded(world.entries)
    assert [one.commitment for _, one in records.scan(Evidence)] == [G1, G2]


def test_mechanisms_take_levels_of_their_own() -> None:
    world = w.found()
    mechanism = {"mechanism": f"{G1}.M1", "text": "Manual", "means": "Publicación", "repeats": "once"}
    world.say("MechanismDefined", "copret:coordinator", **mechanism)
    level: Any = {"subject": f"{G1}.M1", "level": "complete", "reason": "Publicado.", "evidence": []}
    world.say("CompletionReported", "copret:institution", **level)
    records = folded(world.entries)
    found = records.get(Mechanism, f"{G1}.M1")
    assert found is not None
    assert found.reported is not None
    assert found.reported.level == "complete"
    assert commitment(records, G1).reported is None
    assert commitment(records, G1).mechanisms == 1


def test_an_amendment_takes_the_place_of_what_was_promised() -> None:
    world = w.found()
    g1 = commitment(folded(world.entries), G1)
    chair = "copret:coordinator"
    mechanism: dict[str, Any] = {"text": "Manual", "means": "Publicación", "repeats": "once"}
    world.say("MechanismDefined", chair, mechanism=f"{G1}.M1", **mechanism)
    day = {"precision": "day", "day": "2026-12-31"}
    others: Any = {"government": ["SAT"], "civil": [], "unlabelled": []}
    fields: dict[str, Any] = {"commitment": G1, "reason": "Se pidió."}
    world.say("CommitmentAmended", chair, **fields, institution="minfin", others=others, due=day)
    last = world.say("CommitmentAmended", chair, **fields, title="Otro título").index
    changed = {"reason": "Se pidió.", "repeats": "recurring", "period_days": 30, "due": day}
    third = world.say("MechanismAmended", chair, mechanism=f"{G1}.M1", **changed).index
    records = folded(world.entries)
    after = commitment(records, G1)
    assert (after.title, after.institution, after.objective) == ("Otro título", "minfin", g1.objective)
    assert (after.government, after.ever, after.amended, after.index) == (("SAT",), ("copret",), last, g1.index)
    assert after.due is not None
    assert after.due.day == "2026-12-31"
    m1 = records.get(Mechanism, f"{G1}.M1")
    assert m1 is not None
    assert (m1.text, m1.repeats, m1.period_days, m1.amended) == ("Manual", "recurring", 30, third)


def test_verdicts_and_advice() -> None:
    records = folded()
    (verdict,) = [one for _, one in records.scan(Verdict, prefix=f"{G1}.M0/")]
    assert (verdict.level, verdict.withdrawn) == ("limited", None)
    advice = [one for _, one in records.scan(Surrounding, prefix=f"{PLAN}/") if one.kind == "RecommendationMade"]
    assert len(advice) == 1
    assert advice[0].answered is not None


def test_the_roll() -> None:
    records = folded()
    ledger = records.get(Ledger, "ledger")
    assert ledger is not None
    assert (ledger.purpose, ledger.offset_minutes, ledger.registrars) == (
        "demonstration",
        -360,
        ("icefi", "guatecivica", "copret"),
    )
    assert ledger.founding == story()[0].opened.identity
    captura = records.get(Actor, "captura")
    assert captura is not None
    assert (captura.form, captura.of) == ("program", "icefi")
    assert [one.role for _, one in records.scan(RoleHeld, prefix="copret/")] == [
        "registrar",
        "coordinator",
        "institution",
    ]


def test_records_are_plain_json_without_null() -> None:
    for _, _, line in folded().lines():
        assert b":null" not in line
        assert msgspec.json.decode(line) is not None

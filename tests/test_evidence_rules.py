"""The rules of amendments, evidence, disputes and assessments: what each refuses, and that its honest neighbour passes.

A line of a table is (code of the refusal or none, who signs, the fields that it changes). A refusal changes nothing, so
the lines of a table are tried one after the other in one world; a line that passes is not registered.
"""

from typing import Any

import pytest
import world as w
from storyline import CODES
from test_rulebook import COPRET, DAY, K2, M0, captured, level, link, linked, refused
from world import C8, G1, G2, PLAN, World, digest_of, found

from ledger.errors import Refused
from ledger.rulebook import check_signers
from ledger.statement import format_when
from ledger.vocabulary import KINDS

S, I, O = "icefi:assessor", "irm:irm", "copret:coordinator"  # noqa: E741
WORDS = {"text": "Unas palabras."}
SALTED = {"salted_digest": digest_of("unas palabras")}
DAY_DUE = {"precision": "day", "day": "2026-03-31"}


def tried(world: World, kind: str, fields: dict[str, Any], *lines: tuple[str, tuple[str, ...], dict[str, Any]]) -> None:
    """Assert what becomes of each line of a table."""
    for code, who, change in lines:
        world.now_ms += 1000  # another second, so another statement
        if code:
            refused(code, world, kind, *who, **fields | change)
        else:
            world.check(kind, *who, **fields | change)


def mechanism(identifier: str = f"{G1}.M1", **fields: Any) -> dict[str, Any]:
    return {"mechanism": identifier, "text": "Manual publicado", "means": "Publicación", "repeats": "once", **fields}


def said(world: World, kind: str, *who: str, **fields: Any) -> str:
    return world.say(kind, *who, **fields).opened.identity


# --- what was promised changes


def test_an_amendment_changes_something() -> None:
    world = found()
    fields: dict[str, Any] = {"commitment": G1, "reason": "Se pidió."}
    with pytest.raises(ValueError, match="one or more"):
        world.draft("CommitmentAmended", O, **fields)
    world.say("MechanismDefined", O, **mechanism())
    with pytest.raises(ValueError, match="one or more"):
        world.draft("MechanismAmended", O, mechanism=f"{G1}.M1", reason="Se pidió.")


def test_a_commitment_is_amended_by_the_coordinator() -> None:
    tried(
        found(),
        "CommitmentAmended",
        {"commitment": G1, "reason": "Se pidió.", "title": "Otro título"},
        ("", (O,), {}),
        ("", (O, S), {}),
        ("", (O, I), {}),
        ("role-scope", COPRET, {}),
        ("shape", (S,), {}),
        ("shape", (O, S, I), {}),
        ("unknown-ref", (O,), {"commitment": f"{PLAN}/G9"}),
        ("unknown-ref", (O,), {"axis": "otro"}),
        ("unknown-ref", (O,), {"institution": "nadie"}),
        ("unknown-ref", (O,), {"institution": "icefi"}),
        ("unknown-ref", (O,), {"agreement": "acuerdo-1"}),
        ("", (O,), {"axis": "integridad", "institution": "minfin", "due": DAY_DUE}),
    )


def test_a_commitment_goes_to_another_institution_and_the_first_one_is_remembered() -> None:
    world = found()
    identity = linked(world)
    captured(world, identity, digest_of("bytes"))
    world.say("CommitmentAmended", O, commitment=G1, reason="Cambio de gobierno.", institution="minfin")
    refused("role-scope", world, "CompletionReported", *COPRET, **level(), by_rule="A3")
    world.say("CompletionReported", "minfin:institution", **level())
    assessed: dict[str, Any] = {"commitment": G1, "level": "complete", "reason": "Visto.", "evidence": []}
    refused("conflict-of-interest", world, "CompletionAssessed", O, **assessed, by_rule="A6")
    world.say("CompletionAssessed", S, **assessed)
    dispute = said(world, "EvidenceDisputed", I, link=identity, mechanism=M0, objection="absent", words=WORDS)
    resolved: dict[str, Any] = {"dispute": dispute, "resolution": "rejected", "words": WORDS}
    refused("conflict-of-interest", world, "DisputeResolved", O, S, **resolved, by_rule="A6")


def test_p_after_a_level_amendments_and_weights_need_a_second_voice() -> None:
    world = found()
    world.say("MechanismDefined", O, **mechanism())
    amended: dict[str, Any] = {"commitment": G1, "reason": "Se pidió.", "title": "Otro título"}
    changed: dict[str, Any] = {"mechanism": f"{G1}.M1", "reason": "Se pidió.", "text": "Otro texto"}
    weights: dict[str, Any] = {"commitment": G1, "weights": [{"mechanism": f"{G1}.M1", "bp": 10_000}]}
    kinds = (("CommitmentAmended", amended), ("MechanismAmended", changed), ("WeightsSet", weights))
    for kind, fields in kinds:
        tried(world, kind, fields, ("", (O,), {}))
    world.say("CompletionReported", *COPRET, **level(f"{G1}.M1"))
    for kind, fields in kinds:
        refused("state", world, kind, O, **fields, by_rule="P")
        tried(world, kind, fields, ("", (O, S), {}), ("", (O, I), {}))


def test_a_mechanism_is_amended_once_it_is_defined() -> None:
    world = found()
    changed: dict[str, Any] = {"mechanism": f"{G1}.M1", "reason": "Se pidió.", "due": DAY_DUE}
    tried(
        world,
        "MechanismAmended",
        changed,
        ("unknown-ref", (O,), {}),
        ("shape", (O,), {"mechanism": M0}),
    )
    world.say("MechanismDefined", O, **mechanism())
    world.say("MechanismDefined", O, **mechanism(f"{G1}.M2", repeats="recurring", period_days=30))
    tried(
        world,
        "MechanismAmended",
        changed,
        ("", (O,), {}),
        ("role-scope", COPRET, {}),
        ("unknown-ref", (O,), {"agreement": "acuerdo-1"}),
        ("shape", (O,), {"repeats": "recurring"}),
        ("", (O,), {"repeats": "recurring", "period_days": 30}),
        ("", (O,), {"mechanism": f"{G1}.M2", "repeats": "recurring"}),
    )
    world.say("MechanismAmended", O, **changed, period_days=30)
    world.say("MechanismAmended", O, **changed, repeats="recurring")


def test_weights_are_of_each_mechanism_and_of_the_whole() -> None:
    world = found()
    implicit: dict[str, Any] = {"commitment": G1, "weights": [{"mechanism": M0, "bp": 10_000}]}
    tried(world, "WeightsSet", implicit, ("", (O,), {}))
    for number in (1, 2):
        world.say("MechanismDefined", O, **mechanism(f"{G1}.M{number}"))
    world.say("MechanismDefined", O, **mechanism(f"{C8}.M1"))

    def of(**bp: int) -> dict[str, Any]:
        return {"weights": [{"mechanism": f"{G1}.{number}", "bp": each} for number, each in bp.items()]}

    twice = [{"mechanism": f"{G1}.M1", "bp": 2500}, {"mechanism": f"{G1}.M1", "bp": 7500}]
    foreign = [{"mechanism": f"{G1}.M1", "bp": 2500}, {"mechanism": f"{C8}.M1", "bp": 7500}]
    tried(
        world,
        "WeightsSet",
        {"commitment": G1},
        ("unknown-ref", (O,), implicit),
        ("", (O,), of(M2=7500, M1=2500)),
        ("shape", (O,), of(M1=2500, M2=7499)),
        ("shape", (O,), of(M1=2501, M2=7500)),
        ("shape", (O,), of(M1=10_000)),
        ("unknown-ref", (O,), of(M1=2500, M2=2500, M3=5000)),
        ("shape", (O,), {"weights": twice}),
        ("shape", (O,), {"weights": foreign}),
        ("shape", (S,), of(M1=2500, M2=7500)),
    )


# --- weekly reports


def test_an_institution_files_its_own_week() -> None:
    world = found()
    world.say("MechanismDefined", O, **mechanism())
    of: dict[str, Any] = {"progress": "La mitad.", "action": "Se convocó."}

    def entry(commitment: str = G1, **fields: Any) -> dict[str, Any]:
        return {"entries": [{"commitment": commitment, **of, **fields}]}

    tried(
        world,
        "WeeklyReportFiled",
        {"institution": "copret", "week": "2026-W07", "entries": []},
        ("", COPRET, {}),
        ("", COPRET, entry()),
        ("", COPRET, entry(mechanism=f"{G1}.M1")),
        ("role-scope", (O,), {}),
        ("role-scope", ("minfin:institution",), {}),
        ("role-scope", COPRET, {"institution": "minfin"}),
        ("role-scope", COPRET, entry(G2)),
        ("role-scope", COPRET, {"institution": "nadie"}),
        ("unknown-ref", COPRET, entry(f"{PLAN}/G9")),
        ("unknown-ref", COPRET, entry(mechanism=f"{G1}.M2")),
        ("unknown-ref", COPRET, entry(mechanism=f"{C8}.M0")),
        ("shape", COPRET, entry("otro-plan/G1")),
        ("shape", COPRET, entry(mechanism="otro-plan/G1.M0")),
    )
    filed = world.say("WeeklyReportFiled", *COPRET, institution="copret", week="2026-W07", **entry())
    assert world.docket.stream_of(filed.opened) == "actor/copret"
    world.now_ms += 1000
    world.say("WeeklyReportFiled", *COPRET, institution="copret", week="2026-W07", **entry())  # beside the first


@pytest.mark.parametrize(
    ("week", "exists"),
    [
        ("2015-W53", True),
        ("2020-W53", True),
        ("2026-W53", True),
        ("2025-W53", False),
        ("2027-W53", False),
        ("2026-W00", False),
        ("2026-W54", False),
        ("2026-W7", False),
        ("0000-W01", False),
        ("0001-W01", True),
        ("9999-W52", True),
    ],
)
def test_weeks_are_those_of_iso_8601(week: str, exists: bool) -> None:
    world = found()
    fields: dict[str, Any] = {"institution": "copret", "week": week, "entries": []}
    if exists:
        world.check("WeeklyReportFiled", *COPRET, **fields)
    else:
        with pytest.raises(ValueError, match="week"):
            world.draft("WeeklyReportFiled", *COPRET, **fields)


# --- evidence that serves several commitments; evidence asked for


def test_shared_use_is_explained_by_the_institution_responsible() -> None:
    world = found()
    g3, g4 = f"{PLAN}/G3", f"{PLAN}/G4"
    for commitment in (g3, g4):
        world.say("CommitmentRegistered", O, **w.commitment(commitment))
    both = said(world, "EvidenceLinked", *COPRET, **link() | {"for": [M0, f"{g3}.M0"]})
    alone = linked(world, url="http://example.gt/b")
    other = linked(world, mechanism=f"{g4}.M0", url="http://example.gt/c")
    foreign = said(world, "EvidenceLinked", O, **link(url="http://example.gt/d") | {"for": [M0, f"{G2}.M0"]})

    def uses(*commitments: str) -> dict[str, Any]:
        return {"uses": [{"commitment": one, "takes": f"La parte de {one}."} for one in commitments]}

    twice = {"uses": [{"commitment": G1, "takes": "Esto."}, {"commitment": G1, "takes": "Lo otro."}]}
    tried(
        world,
        "SharedUseExplained",
        {"evidence": [both], **uses(G1, g3)},
        ("", COPRET, {}),
        ("", COPRET, {"evidence": [alone, both]}),
        ("", COPRET, {"evidence": [alone, other], **uses(G1, g4)}),
        ("", COPRET, {"evidence": [both, other], **uses(G1, g3, g4)}),
        ("role-scope", (O,), {}),
        ("role-scope", ("minfin:institution",), {}),
        ("role-scope", COPRET, {"evidence": [foreign], **uses(G1, G2)}),
        ("unknown-ref", COPRET, {"evidence": [alone]}),
        ("unknown-ref", COPRET, {"evidence": [both, other]}),
        ("unknown-ref", COPRET, {"evidence": [world.entries[0].opened.identity]}),
        ("unknown-ref", COPRET, uses(G1, f"{PLAN}/G9")),
        ("shape", COPRET, uses(G1, "otro-plan/G1")),
        ("shape", COPRET, twice),
    )
    world.say("StatementWithdrawn", "copret:holder", statement=both)
    refused("unknown-ref", world, "SharedUseExplained", *COPRET, evidence=[both], **uses(G1, g3), by_rule="A5")


def test_evidence_is_asked_of_the_institution_responsible() -> None:
    world = found()
    tried(
        world,
        "EvidenceRequested",
        {"institution": "copret", "mechanism": M0, "words": WORDS, "due": DAY_DUE},
        ("", (S,), {}),
        ("", (I,), {}),
        ("role-scope", (O,), {}),
        ("role-scope", ("ana:citizen",), {"words": SALTED}),
        ("unknown-ref", (S,), {"institution": "minfin"}),
        ("unknown-ref", (S,), {"institution": "nadie"}),
        ("unknown-ref", (S,), {"mechanism": f"{G1}.M1"}),
        ("", (S,), {"institution": "minfin", "mechanism": f"{G2}.M0"}),
    )


def test_what_was_asked_for_is_answered_by_whom_it_was_asked() -> None:
    world = found()
    fields: dict[str, Any] = {"words": WORDS, "due": DAY_DUE}
    asked = said(world, "EvidenceRequested", S, institution="minfin", mechanism=f"{G2}.M0", **fields)
    advice = said(world, "RecommendationMade", I, to="minfin", words=WORDS)
    tried(
        world,
        "ResponseGiven",
        {"answers": [asked], "disposition": "accepted"},
        ("", ("minfin:institution",), {}),
        ("", (O,), {}),
        ("role-scope", COPRET, {}),
        ("role-scope", (S,), {}),
        ("shape", ("minfin:institution",), {"answers": [asked, advice]}),
    )


def test_a_link_answers_what_was_asked_of_its_mechanisms() -> None:
    world = found()
    fields: dict[str, Any] = {"institution": "copret", "words": WORDS, "due": DAY_DUE}
    early = said(world, "EvidenceRequested", S, mechanism=M0, **fields)
    other = said(world, "EvidenceRequested", S, **fields | {"institution": "minfin", "mechanism": f"{G2}.M0"})
    tried(
        world,
        "EvidenceLinked",
        link(),
        ("", COPRET, {"answers": [early]}),
        ("unknown-ref", COPRET, {"answers": [other]}),
    )
    for number in (1, 2):
        world.say("MechanismDefined", O, **mechanism(f"{G1}.M{number}"))
    late = said(world, "EvidenceRequested", I, mechanism=f"{G1}.M2", **fields)
    tried(
        world,
        "EvidenceLinked",
        link(f"{G1}.M1"),
        ("", COPRET, {"answers": [early]}),
        ("unknown-ref", COPRET, {"answers": [late]}),
        ("unknown-ref", COPRET, {"answers": [early, late]}),
        ("unknown-ref", COPRET, {"answers": [other]}),
        ("", COPRET, {"for": [f"{G1}.M1", f"{G1}.M2"], "answers": [early, late]}),
    )


# --- captures and checks


def test_an_institution_captures_and_checks_what_is_linked_for_its_own_commitments() -> None:
    world = found()
    mine, theirs = linked(world), linked(world, "segeplan:institution", mechanism=f"{C8}.M0")
    both = said(world, "EvidenceLinked", O, **link() | {"for": [M0, f"{C8}.M0"]})
    at = format_when(world.now_ms)
    seen: dict[str, Any] = {"digest": digest_of("bytes"), "size": 10, "media_type": "text/html", "method": "direct"}
    for kind, fields in (
        ("EvidenceCaptured", {**seen, "captured_at": at}),
        ("EvidenceChecked", {"seen": "gone", "checked_at": at}),
    ):
        tried(
            world,
            kind,
            fields,
            ("", COPRET, {"link": mine}),
            ("role-scope", COPRET, {"link": theirs}),
            ("role-scope", COPRET, {"link": both}),
            ("", (O,), {"link": both}),
            ("", (S,), {"link": both}),
            ("", (I,), {"link": both}),
            ("", ("captura:capturer",), {"link": both}),
            ("role-scope", ("ana:citizen",), {"link": mine}),
            ("unknown-ref", (S,), {"link": world.entries[0].opened.identity}),
        )
    with pytest.raises(ValueError, match="digest"):
        world.draft("EvidenceChecked", S, link=mine, seen="alive", checked_at=at)


# --- disputes


def disputed(world: World, who: str = "ana:citizen", **fields: Any) -> str:
    words = SALTED if who.endswith(":citizen") else WORDS
    url = f"http://example.gt/{world.docket.size}"
    identity = fields.pop("link", None) or linked(world, url=url)
    of = {"link": identity, "mechanism": M0, "objection": "absent", "words": words, **fields}
    return said(world, "EvidenceDisputed", who, **of)


def test_a_dispute_is_of_the_mechanism_that_the_link_is_for() -> None:
    world = found()
    before = linked(world)
    for number in (1, 2):
        world.say("MechanismDefined", O, **mechanism(f"{G1}.M{number}"))
    after = said(world, "EvidenceLinked", *COPRET, **link(f"{G1}.M1", "http://example.gt/b"))
    tried(
        world,
        "EvidenceDisputed",
        {"link": after, "mechanism": f"{G1}.M1", "objection": "absent", "words": WORDS},
        ("", (S,), {}),
        ("", (I,), {}),
        ("", ("ana:citizen",), {"words": SALTED}),
        ("shape", ("ana:citizen",), {}),
        ("role-scope", COPRET, {}),
        ("unknown-ref", (S,), {"mechanism": f"{G1}.M2"}),
        ("unknown-ref", (S,), {"mechanism": M0}),
        ("", (S,), {"link": before}),
        ("", (S,), {"link": before, "mechanism": f"{G1}.M2"}),
        ("unknown-ref", (S,), {"link": before, "mechanism": f"{G2}.M0"}),
    )


def test_a_citizens_dispute_is_screened_once() -> None:
    world = found()
    fields: dict[str, Any] = {"screening": "admitted", "words": WORDS}
    own = disputed(world, S)
    refused("state", world, "DisputeScreened", I, dispute=own, **fields)
    questioned = disputed(world)
    refused("role-scope", world, "DisputeScreened", O, dispute=questioned, **fields)
    salted: dict[str, Any] = fields | {"words": SALTED}
    refused("role-scope", world, "DisputeScreened", "ana:citizen", dispute=questioned, **salted)
    refused("unknown-ref", world, "DisputeScreened", S, dispute=linked(world), **fields)
    assert world.docket.dispute(questioned) == "questioned"
    screened = world.say("DisputeScreened", S, dispute=questioned, **fields)
    assert world.docket.dispute(questioned) == "admitted"
    assert world.docket.stream_of(screened.opened) == f"ref/{questioned}"
    refused("state", world, "DisputeScreened", I, dispute=questioned, **fields | {"screening": "declined"})
    withdrawn = disputed(world, "eva:citizen")
    world.say("StatementWithdrawn", "eva:citizen", statement=withdrawn)
    refused("unknown-ref", world, "DisputeScreened", S, dispute=withdrawn, **fields, by_rule="A5")


def test_a6_nobody_screens_or_resolves_about_their_own() -> None:
    world = found()
    questioned, admitted = disputed(world), disputed(world, I)
    standing = world.docket.commitments[G1]
    standing.ever |= {"icefi"}  # as if it had once been responsible
    screening: dict[str, Any] = {"dispute": questioned, "screening": "declined", "words": WORDS}
    refused("conflict-of-interest", world, "DisputeScreened", S, **screening, by_rule="A6")
    standing.ever = frozenset({"minfin"})
    world.say("DisputeScreened", S, **screening)
    standing.ever = frozenset({"copret"})
    resolved: dict[str, Any] = {"dispute": admitted, "resolution": "upheld", "words": WORDS}
    refused("conflict-of-interest", world, "DisputeResolved", O, "congreso:assessor", **resolved, by_rule="A6")
    standing.ever = frozenset({"minfin"})
    world.say("DisputeResolved", O, "congreso:assessor", **resolved)


def test_an_admitted_dispute_is_resolved_once_and_not_by_the_disputant() -> None:
    world = found()
    of = {"link": linked(world, "segeplan:institution", mechanism=f"{C8}.M0"), "mechanism": f"{C8}.M0"}
    by_s, by_i = disputed(world, S, **of), disputed(world, I, **of)
    questioned, declined, withdrawn = (disputed(world, f"{who}:citizen", **of) for who in ("ana", "eva", "luz"))
    world.say("DisputeScreened", S, dispute=declined, screening="declined", words=WORDS)
    world.say("StatementWithdrawn", "luz:citizen", statement=withdrawn)
    w.add_actor(world, "oficina", "office", "icefi")
    w.grant(world, "oficina", "assessor")
    conflict = "conflict-of-interest"
    tried(
        world,
        "DisputeResolved",
        {"resolution": "partly", "words": WORDS},
        ("", (I,), {"dispute": by_s}),
        ("", (O, "congreso:assessor"), {"dispute": by_s}),
        (conflict, (O, S), {"dispute": by_s}),
        (conflict, (O, "oficina:assessor"), {"dispute": by_s}),
        (conflict, (I,), {"dispute": by_i}),
        ("", (O, S), {"dispute": by_i}),
        ("shape", (O,), {"dispute": by_s}),
        ("shape", ("congreso:assessor",), {"dispute": by_s}),
        ("role-scope", ("segeplan:institution",), {"dispute": by_s}),
        ("state", (I,), {"dispute": questioned}),
        ("state", (I,), {"dispute": declined}),
        ("unknown-ref", (I,), {"dispute": withdrawn}),
    )
    world.say("DisputeScreened", S, dispute=questioned, screening="admitted", words=WORDS)
    for dispute in (by_s, questioned):
        world.say("DisputeResolved", I, dispute=dispute, resolution="rejected", words=WORDS)
        assert world.docket.dispute(dispute) == "resolved"
    refused("state", world, "DisputeResolved", I, dispute=by_s, resolution="upheld", words=WORDS)


def test_a_dispute_is_withdrawn_by_its_author_before_it_is_resolved() -> None:
    world = found()
    first, second, of_ana = disputed(world, S), disputed(world, S), disputed(world)
    refused("role-scope", world, "StatementWithdrawn", "irm:holder", statement=first)
    refused("role-scope", world, "StatementWithdrawn", "eva:citizen", statement=of_ana)
    world.say("StatementWithdrawn", "icefi:holder", statement=first)
    world.say("DisputeScreened", I, dispute=of_ana, screening="admitted", words=WORDS)
    for dispute, who in ((second, "icefi:holder"), (of_ana, "ana:citizen")):
        tried(world, "StatementWithdrawn", {"statement": dispute}, ("", (who,), {}))
        world.say("DisputeResolved", I, dispute=dispute, resolution="upheld", words=WORDS)
        refused("state", world, "StatementWithdrawn", who, statement=dispute)


def test_a_dispute_is_answered_by_the_institution_responsible() -> None:
    world = found()
    of = {"link": linked(world, "segeplan:institution", mechanism=f"{C8}.M0"), "mechanism": f"{C8}.M0"}
    dispute = disputed(world, S, **of)
    tried(
        world,
        "ResponseGiven",
        {"answers": [dispute], "disposition": "rejected", "words": WORDS},
        ("", ("segeplan:institution",), {}),
        ("", (O,), {}),
        ("role-scope", COPRET, {}),
    )


# --- verdicts


def test_a_verdict_cites_bytes_of_any_link_that_stands() -> None:
    world = found()
    seen = digest_of("seen")
    first, second = linked(world), linked(world, url="http://example.gt/b")
    for identity in (first, second):
        captured(world, identity, seen)
    world.say("MechanismDefined", O, **mechanism())
    third = said(world, "EvidenceLinked", *COPRET, **link(f"{G1}.M1", "http://example.gt/c"))
    captured(world, third, digest_of("other"))
    fields: dict[str, Any] = {"mechanism": f"{G1}.M1", "level": "limited", "words": WORDS}
    tried(
        world,
        "VerdictGiven",
        fields | {"digests": [seen]},
        ("", (S,), {}),
        ("", (I,), {"digests": [seen, digest_of("other")]}),
        ("role-scope", (O,), {}),
        ("role-scope", COPRET, {}),
        ("unknown-ref", (S,), {"digests": [seen, digest_of("never captured")]}),
    )
    world.say("StatementWithdrawn", "copret:holder", statement=second)
    world.check("VerdictGiven", S, **fields, digests=[seen])
    world.say("StatementWithdrawn", "copret:holder", statement=first)
    refused("unknown-ref", world, "VerdictGiven", S, **fields, digests=[seen], by_rule="A5")


# --- assessments


def methodology(world: World, version: int, **fields: Any) -> None:
    parameters = {**w.METHODOLOGY, "codes": CODES}
    document = digest_of(f"methodology {version}")
    world.say(
        "MethodologyAdopted", O, S, **{"version": version, "parameters": parameters, "document": document} | fields
    )


def assessment(name: str = "medio", **fields: Any) -> dict[str, Any]:
    span = {"from": "2014-07-01T06:00:00Z", "until": "2015-07-01T06:00:00Z"}
    return {"assessment": name, **span, "commitments": [G1, G2], "methodology": 1, **fields}


def test_an_assessment_is_opened_by_a_methodology_that_was_adopted() -> None:
    world = found()
    tried(
        world,
        "AssessmentOpened",
        assessment(),
        ("", (S,), {}),
        ("", (I,), {}),
        ("", (O,), {}),
        ("role-scope", COPRET, {}),
        ("unknown-ref", (S,), {"methodology": 2}),
        ("unknown-ref", (S,), {"commitments": [G1, f"{PLAN}/G9"]}),
        ("shape", (S,), {"commitments": ["otro-plan/G1"]}),
    )
    with pytest.raises(ValueError, match="before"):
        world.draft("AssessmentOpened", S, **assessment(until="2014-07-01T06:00:00Z"))
    opened = world.say("AssessmentOpened", S, **assessment())
    assert world.docket.stream_of(opened.opened) == "assessment/medio"
    refused("id-conflict", world, "AssessmentOpened", I, **assessment())
    methodology(world, 2, **{"from": format_when(world.now_ms + DAY)})
    world.say("AssessmentOpened", S, **assessment("final", methodology=2))


def test_an_assessment_before_any_methodology() -> None:
    world = World()
    world.say("LedgerOpened", *w.FOUNDERS, **w.founding())
    for actor, role in (("copret", "coordinator"), ("icefi", "assessor")):
        w.grant(world, actor, role)
    none = {"precision": "none"}
    world.say("PlanRegistered", O, title="P", country="GT", cycle=1, starts=none, ends=none, document=digest_of("p"))
    world.say("CommitmentRegistered", O, **w.commitment(G1))
    refused("unknown-ref", world, "AssessmentOpened", S, **assessment(commitments=[G1]))
    refused("state", world, "CommitmentCoded", S, commitment=G1, aspect="ambition", code="minor", words=WORDS)


def test_an_assessment_is_its_openers_until_they_close_it() -> None:
    world = found()
    world.say("AssessmentOpened", S, **assessment())
    level_of: dict[str, Any] = {"level": "limited", "reason": "Visto.", "evidence": [], "assessment": "medio"}
    tried(
        world,
        "CompletionAssessed",
        {"commitment": G1, **level_of},
        ("", (S,), {}),
        ("unknown-ref", (S,), {"commitment": C8}),
        ("unknown-ref", (S,), {"assessment": "otra"}),
        ("role-scope", ("congreso:assessor",), {}),
        ("role-scope", (I,), {}),
    )
    size = world.docket.size
    tried(
        world,
        "AssessmentClosed",
        {"assessment": "medio", "tree_size": size},
        ("", (S,), {}),
        ("", (S,), {"tree_size": 1}),
        ("state", (S,), {"tree_size": size + 1}),
        ("role-scope", (I,), {}),
        ("role-scope", ("congreso:assessor",), {}),
        ("unknown-ref", (S,), {"assessment": "otra"}),
    )
    world.say("AssessmentClosed", S, assessment="medio", tree_size=size)
    refused("state", world, "AssessmentClosed", S, assessment="medio", tree_size=size - 1)
    world.now_ms += 1000
    refused("state", world, "CompletionAssessed", S, commitment=G1, **level_of)
    refused("id-conflict", world, "AssessmentOpened", S, **assessment())


def test_an_assessment_is_of_its_plan() -> None:
    world = found()
    other = "gt-2016-2018"
    for actor, role in (("copret", "coordinator"), ("icefi", "assessor")):
        world.say("RoleGranted", *K2, actor=actor, role=role, scope={"plans": [other]})
    none = {"precision": "none"}
    plan: dict[str, Any] = {"title": "Tercer plan", "country": "GT", "cycle": 3, "starts": none, "ends": none}
    world.say("PlanRegistered", O, plan=other, **plan, document=digest_of("plan 3"))
    world.say("AssessmentOpened", S, **assessment())
    refused("unknown-ref", world, "AssessmentClosed", S, plan=other, assessment="medio", tree_size=1, by_rule="A5")


@pytest.mark.parametrize("aspect", CODES)
def test_codes_are_those_of_the_methodology_in_force(aspect: str) -> None:
    world = found()  # its first methodology knows no codes
    fields: dict[str, Any] = {"commitment": G1, "aspect": aspect, "code": CODES[aspect][-1], "words": WORDS}
    refused("unknown-ref", world, "CommitmentCoded", S, **fields)
    later = world.now_ms - world.now_ms % 1000 + DAY
    methodology(world, 2, **{"from": format_when(later)})
    refused("unknown-ref", world, "CommitmentCoded", S, **fields)
    world.now_ms = later
    for code in CODES[aspect]:
        world.check("CommitmentCoded", S, **fields | {"code": code})
    tried(
        world,
        "CommitmentCoded",
        fields,
        ("", (I,), {}),
        ("role-scope", (O,), {}),
        ("role-scope", COPRET, {}),
        ("unknown-ref", (S,), {"code": "otro"}),
        ("unknown-ref", (S,), {"commitment": f"{PLAN}/G9"}),
    )
    coded = world.say("CommitmentCoded", S, **fields)
    assert world.docket.stream_of(coded.opened) == G1
    fewer = {**CODES, aspect: CODES[aspect][:1]}
    methodology(world, 3, parameters={**w.METHODOLOGY, "codes": fewer})
    world.now_ms += 1000
    refused("unknown-ref", world, "CommitmentCoded", S, **fields)


# --- all of them


EVIDENCE_KINDS = (
    "CommitmentAmended",
    "MechanismAmended",
    "WeightsSet",
    "WeeklyReportFiled",
    "SharedUseExplained",
    "DisputeScreened",
    "DisputeResolved",
    "EvidenceRequested",
    "AssessmentOpened",
    "CommitmentCoded",
    "AssessmentClosed",
)


@pytest.mark.parametrize("kind", EVIDENCE_KINDS)
def test_a11_the_importer_states_none_of_them(kind: str) -> None:
    with pytest.raises(Refused) as caught:
        check_signers(KINDS[kind], ("importer",))
    assert caught.value.code == "import"

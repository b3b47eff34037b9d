"""Every rule of the rulebook, by what it refuses; and that the honest neighbour of each refusal passes."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import world as w
from world import C8, G1, G2, PLAN, World, digest_of, found, founding, opened, public

from ledger.docket import Docket
from ledger.errors import Refused
from ledger.rulebook import check_admissible, check_signers
from ledger.statement import format_when, open_statement, sign_statement
from ledger.vocabulary import KINDS, signer_patterns

DAY = 86_400_000
COPRET = ("copret:institution",)
CHAIR = ("copret:coordinator",)
K2 = w.REGISTRARS
M0 = f"{G1}.M0"


def refused(code: str, world: World, kind: str, /, *who: str, by_rule: str | None = None, **fields: Any) -> Refused:
    """Assert that the statement is refused under `code`, and that saying it changes nothing."""
    size = world.docket.size
    with pytest.raises(Refused) as caught:
        world.say(kind, *who, **fields)
    assert (caught.value.code, world.docket.size) == (code, size), caught.value
    if by_rule is not None:
        assert caught.value.rule == by_rule, caught.value
    return caught.value


def level(subject: str = G1, level: str = "limited", **fields: Any) -> dict[str, Any]:
    return {"subject": subject, "level": level, "reason": "Avance.", "evidence": [], **fields}


def link(mechanism: str = M0, url: str = "http://example.gt/a", **fields: Any) -> dict[str, Any]:
    return {"for": [mechanism], "url": url, "title": "Acta", "evidence_type": "page", "shows": "Lo hecho", **fields}


def linked(world: World, who: str = "copret:institution", **fields: Any) -> str:
    return world.say("EvidenceLinked", who, **link(**fields)).opened.identity


def captured(world: World, identity: str, digest: str, who: str = "captura:capturer") -> str:
    return world.say(
        "EvidenceCaptured",
        who,
        link=identity,
        digest=digest,
        size=10,
        media_type="text/html",
        method="direct",
        captured_at=format_when(world.now_ms),
    ).opened.identity


# --- A0: order


def test_a0_a_ledger_starts_with_its_founding() -> None:
    world = World()
    refused("state", world, "ActorRegistered", *K2, actor="x", form="organisation", name="X", by_rule="A0")


def test_a0_a_ledger_is_opened_once() -> None:
    world = opened()
    refused("state", world, "LedgerOpened", *w.FOUNDERS, **founding(rulebook=1, offset_minutes=0), by_rule="A0")


def test_a0_received_times_never_go_back() -> None:
    world = found()
    world.now_ms = world.docket.last_received - 1
    refused("state", world, "CompletionReported", *COPRET, **level(), by_rule="A0")
    world.now_ms = world.docket.last_received
    world.say("CompletionReported", *COPRET, **level())


def test_a10_the_same_text_is_no_second_entry() -> None:
    world = found()
    entry = world.say("CompletionReported", *COPRET, **level())
    with pytest.raises(Refused) as caught:
        check_admissible(entry.opened, world.now_ms, world.docket)
    assert caught.value.rule == "A10"
    assert world.docket.index_of(entry.opened.identity) == entry.index


# --- the founding


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("wrong-origin", {"origin": "another.example/gt"}),
        ("shape", {"rulebook": 2}),
        ("id-conflict", {"log_keys": [public("icefi")]}),
        ("id-conflict", {"recovery": {"keys": [public("log"), public("recovery-2")], "threshold": 2}}),
        ("weak-key", {"log_keys": ["01" + "00" * 31]}),
        ("weak-key", {"recovery": {"keys": ["00" * 32, public("recovery-2")], "threshold": 2}}),
    ],
)
def test_founding_refuses(code: str, change: dict[str, Any]) -> None:
    refused(code, World(), "LedgerOpened", *w.FOUNDERS, **founding(**change))


def _registrar(actor: str, form: str, **fields: Any) -> dict[str, Any]:
    return {"actor": actor, "name": actor, "form": form, "key": public(actor), **fields}


@pytest.mark.parametrize(
    ("code", "registrars"),
    [
        ("role-scope", [_registrar(one, "institution") for one in ("a", "b", "c")]),
        (
            "role-scope",
            [_registrar("a", "organisation"), _registrar("b", "office", of="a"), _registrar("c", "institution")],
        ),
        (
            "shape",
            [_registrar("a", "organisation", of="b"), _registrar("b", "institution"), _registrar("c", "institution")],
        ),
        ("shape", [_registrar("a", "organisation"), _registrar("b", "office"), _registrar("c", "institution")]),
        (
            "unknown-ref",
            [_registrar("a", "organisation"), _registrar("b", "office", of="z"), _registrar("c", "institution")],
        ),
    ],
)
def test_founding_needs_three_organisations_and_civil_society(code: str, registrars: list[dict[str, Any]]) -> None:
    who = [f"{one['actor']}:registrar" for one in registrars]
    refused(code, World(), "LedgerOpened", *who, **founding(registrars=registrars))


def test_founding_is_signed_by_the_registrars_it_names() -> None:
    refused(
        "shape", World(), "LedgerOpened", "icefi:registrar", "copret:registrar", "guatecivica:registrar", **founding()
    )


# --- A1: shape, signers, ids in the plan


def test_a1_a_level_of_another_scale_is_a_matter_of_shape() -> None:
    world = found()
    statement = world.draft("CompletionReported", *COPRET, **level())
    note = sign_statement(world.origin, statement, [w.key_of("copret")])
    with pytest.raises(Refused) as caught:
        open_statement(note.replace(b'"limited"', b'"avanzado"'), world.origin)
    assert (caught.value.code, caught.value.rule) == ("shape", "A1")


def test_a1_subjects_are_of_the_plan() -> None:
    refused("shape", found(), "CompletionReported", *COPRET, **level("otro-plan/G1"), by_rule="A1")


ROLES = frozenset({"registrar", "coordinator", "institution", "assessor", "irm", "citizen", "moderator", "capturer"})


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a1_every_role_that_the_kind_does_not_name_is_refused(kind: str) -> None:
    """The matrix role × kind, every cell that must be closed."""
    admitted = {one.role for pattern in signer_patterns(KINDS[kind]) for one in pattern}
    for role in sorted(ROLES - admitted):
        with pytest.raises(Refused) as caught:
            check_signers(KINDS[kind], (role,))
        assert caught.value.code == "role-scope", (kind, role)


def test_a1_a_methodology_needs_civil_society() -> None:
    world = found()
    fields: dict[str, Any] = {"version": 2, "parameters": w.METHODOLOGY, "document": digest_of("m2")}
    refused("shape", world, "MethodologyAdopted", *CHAIR, **fields)
    world.say("MethodologyAdopted", *CHAIR, "icefi:assessor", "congreso:assessor", **fields)


# --- A2: keys


def test_a2_an_unknown_key_speaks_for_nobody() -> None:
    refused("unknown-key", found(), "CompletionReported", "copret/other:institution", **level(), by_rule="A2")


def test_a2_a_key_of_one_actor_does_not_speak_for_another() -> None:
    world = found()
    statement = world.draft("CompletionReported", *COPRET, **level())

    borrowed = msgspec.structs.replace(statement, by=(msgspec.structs.replace(statement.by[0], key=public("minfin")),))
    note = sign_statement(world.origin, borrowed, [w.key_of("minfin")])
    with pytest.raises(Refused) as caught:
        check_admissible(open_statement(note, world.origin), world.now_ms, world.docket)
    assert caught.value.code == "unknown-key"


def test_a2_a_revoked_key_ends_at_the_index() -> None:
    world = found()
    before = world.say("CompletionReported", "minfin:institution", **level(G2))
    world.say("KeyRevoked", "minfin:holder", key=public("minfin"), cause="retired")
    refused("revoked-key", world, "CompletionReported", "minfin:institution", **level(G2, "substantial"), by_rule="A2")
    again = Docket(world.origin)  # what was said before stays admissible on replay
    for entry in world.entries:
        check_admissible(entry.opened, entry.received_ms, again)
        again.evolve(entry.received_ms, entry.opened)
    assert again.index_of(before.opened.identity) == before.index


def test_a2_a_key_is_in_force_from_and_until() -> None:
    world = found()
    start, end = world.now_ms + DAY, world.now_ms + 3 * DAY
    fields: dict[str, Any] = {
        "actor": "minfin",
        "key": public("minfin/b"),
        "from": format_when(start),
        "until": format_when(end),
    }
    world.say("KeyEnrolled", *K2, "minfin/b:holder", **fields)
    who = "minfin/b:institution"
    refused("unknown-key", world, "CompletionReported", who, **level(G2))
    world.now_ms = start
    world.say("CompletionReported", who, **level(G2))
    world.now_ms = end
    refused("revoked-key", world, "CompletionReported", who, **level(G2, "substantial"))


# --- A3: roles and scopes


def test_a3_a_role_needs_a_grant() -> None:
    refused("role-scope", found(), "CompletionReported", "icefi:coordinator", **level(), by_rule="A3")


def test_a3_an_institution_speaks_for_its_own_commitments() -> None:
    world = found()
    refused("role-scope", world, "CompletionReported", "minfin:institution", **level(G1), by_rule="A3")
    world.say("CompletionReported", "minfin:institution", **level(G2))


def test_a3_a_grant_covers_its_plans_only() -> None:
    world = found()
    world.say(
        "RoleGranted",
        *K2,
        actor="copret",
        role="transcriber",
        scope={"plans": ["gt-2016-2018"]},
    )
    world.open_round()
    fields = world.comment("mesa", channel="paper", heard_at=format_when(world.now_ms))
    refused("role-scope", world, "CommentTranscribed", "copret:transcriber", **fields, by_rule="A3")


def test_a3_a_grant_has_an_end() -> None:
    world = found()
    w.add_actor(world, "breve", "organisation")
    w.grant(world, "breve", "capturer", until=format_when(world.now_ms + DAY))
    identity = linked(world)
    captured(world, identity, digest_of("bytes"), "breve:capturer")
    world.now_ms += DAY
    with pytest.raises(Refused) as error:
        captured(world, identity, digest_of("bytes"), "breve:capturer")
    assert error.value.code == "role-scope"


def test_a3_rounds_and_commitments_in_a_scope_restrict() -> None:
    world = found()
    w.add_actor(world, "estrecho", "organisation")
    w.grant(world, "estrecho", "capturer", scope={"plans": [PLAN], "commitments": [G2]})
    with pytest.raises(Refused) as error:
        captured(world, linked(world), digest_of("bytes"), "estrecho:capturer")
    assert error.value.code == "role-scope"


@pytest.mark.parametrize("pair", [("copret", "copret"), ("icefi", "icefi/b")])
def test_a3_k2_is_two_organisations(pair: tuple[str, str]) -> None:
    world = found()
    if pair[1] == "icefi/b":
        world.say("KeyEnrolled", *K2, "icefi/b:holder", actor="icefi", key=public("icefi/b"))
    who = [f"{one}:registrar" for one in dict.fromkeys(pair)]
    refused("role-scope", world, "ActorRegistered", *who, actor="nuevo", form="organisation", name="Nuevo")


def test_a3_k2_needs_civil_society() -> None:
    world = found()
    world.say("RoleGranted", *K2, actor="minfin", role="registrar", scope={})
    fields: dict[str, Any] = {"actor": "nuevo", "form": "organisation", "name": "Nuevo"}
    refused("role-scope", world, "ActorRegistered", "copret:registrar", "minfin:registrar", **fields, by_rule="A3")
    world.say("ActorRegistered", "guatecivica:registrar", "minfin:registrar", **fields)


def test_a3_an_institution_answers_only_what_was_put_to_it() -> None:
    world = found()
    world.open_round()
    whole = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana")).opened.identity
    mine = world.say("CommentSubmitted", "eva:citizen", **world.comment("eva", about=G2)).opened.identity
    answer = {"disposition": "accepted"}
    refused("role-scope", world, "ResponseGiven", "minfin:institution", answers=[whole], **answer)
    world.say("ResponseGiven", "minfin:institution", answers=[mine], **answer)
    world.say("ResponseGiven", *CHAIR, answers=[whole], **answer)


# --- A4: citizens


def test_a4_a_citizen_states_no_level() -> None:
    refused("role-scope", found(), "CompletionReported", "ana:citizen", **level())


def test_a4_a_citizen_never_signs_beside_an_official() -> None:
    world = found()
    world.open_round()
    refused("role-scope", world, "CommentSubmitted", "ana:citizen", "copret:coordinator", **world.comment("ana"))


@pytest.mark.parametrize("name", ["copret", "log", "recovery-1"])
def test_a4_a_citizens_key_is_nobodys_on_the_roster(name: str) -> None:
    world = found()
    world.open_round()
    refused("role-scope", world, "CommentSubmitted", f"{name}:citizen", **world.comment(name), by_rule="A4")


def test_a4_a_citizens_words_are_salted() -> None:
    world = found()
    identity = linked(world)
    fields: dict[str, Any] = {"link": identity, "mechanism": M0, "objection": "absent"}
    refused("shape", world, "EvidenceDisputed", "ana:citizen", **fields, words={"text": "No está."}, by_rule="A4")
    world.say("EvidenceDisputed", "ana:citizen", **fields, words={"salted_digest": digest_of("no está")})


def test_a4_only_the_author_withdraws_a_comment() -> None:
    world = found()
    world.open_round()
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana")).opened.identity
    refused("role-scope", world, "StatementWithdrawn", "eva:citizen", statement=comment, by_rule="A4")
    wrong = digest_of("another secret")
    refused("role-scope", world, "StatementWithdrawn", "eva:citizen", statement=comment, secret=wrong, by_rule="A4")
    refused("role-scope", world, "StatementWithdrawn", "copret:holder", statement=comment, by_rule="A4")
    world.say("StatementWithdrawn", "ana:citizen", statement=comment)


def test_a4_the_secret_of_the_claim_makes_an_author() -> None:
    world = found()
    world.open_round()
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana")).opened.identity
    world.say("StatementWithdrawn", "eva:citizen", statement=comment, secret=digest_of("secret of ana"))
    assert world.docket.author_key(comment) == public("eva")


def test_a4_a_transcriber_withdraws_nothing() -> None:
    world = found()
    world.open_round()
    heard: dict[str, Any] = {"channel": "paper", "heard_at": format_when(world.now_ms)}
    comment = world.say("CommentTranscribed", "mesa:transcriber", **world.comment("mesa", **heard)).opened.identity
    refused("role-scope", world, "StatementWithdrawn", "mesa:holder", statement=comment)


# --- A5: references


REFERENCES: list[tuple[str, str, tuple[str, ...], Callable[[World], dict[str, Any]]]] = [
    ("unknown-ref", "CompletionReported", COPRET, lambda _: level(f"{PLAN}/G9")),
    ("unknown-ref", "CompletionReported", COPRET, lambda _: level(f"{G1}.M1")),
    ("unknown-ref", "CompletionReported", COPRET, lambda _: level(evidence=[digest_of("nothing")])),
    ("unknown-ref", "EvidenceLinked", COPRET, lambda _: link(f"{G1}.M2")),
    ("unknown-ref", "EvidenceLinked", COPRET, lambda world: link(answers=[world.entries[0].opened.identity])),
    ("unknown-ref", "RoleGranted", K2, lambda _: {"actor": "nadie", "role": "capturer", "scope": {}}),
    ("unknown-ref", "CommitmentRegistered", CHAIR, lambda _: w.commitment(f"{PLAN}/G3", "nadie")),
    ("unknown-ref", "CommitmentRegistered", CHAIR, lambda _: w.commitment(f"{PLAN}/G3", "icefi")),
    ("unknown-ref", "CommitmentRegistered", CHAIR, lambda _: w.commitment(f"{PLAN}/G3", axis="otro")),
    ("id-conflict", "CommitmentRegistered", CHAIR, lambda _: w.commitment(G1, title="Otro")),
    ("id-conflict", "AxisDefined", CHAIR, lambda _: {"axis": "integridad", "title": "Otra"}),
    ("id-conflict", "ActorRegistered", K2, lambda _: {"actor": "minfin", "form": "organisation", "name": "Otro"}),
    ("unknown-ref", "ActorRegistered", K2, lambda _: {"actor": "x", "form": "office", "of": "nadie", "name": "X"}),
    ("unknown-ref", "ActorRegistered", K2, lambda _: {"actor": "x", "form": "office", "of": "captura", "name": "X"}),
    ("shape", "ActorRegistered", K2, lambda _: {"actor": "x", "form": "office", "name": "X"}),
    ("shape", "ActorRegistered", K2, lambda _: {"actor": "x", "form": "institution", "of": "copret", "name": "X"}),
    ("unknown-ref", "KeyRevoked", K2, lambda _: {"key": public("nobody"), "cause": "lost"}),
    (
        "unknown-ref",
        "DocumentPublished",
        CHAIR,
        lambda _: {"round": "r", "version": 2, "document": digest_of("d"), "changes": []},
    ),
    (
        "unknown-ref",
        "RemarkRecorded",
        CHAIR,
        lambda _: {"meeting": "m", "speaker": "irm", "post": "p", "words": {"text": "x"}},
    ),
    (
        "unknown-ref",
        "PlanSubmitted",
        CHAIR,
        lambda _: {"to": "ogp", "on": {"precision": "none"}, "document": digest_of("d")},
    ),
    (
        "unknown-ref",
        "NoticePublished",
        CHAIR,
        lambda _: {"announces": "round", "round": "r", "medium": "web", "on": {"precision": "none"}},
    ),
    (
        "unknown-ref",
        "IndicatorMeasured",
        COPRET,
        lambda _: {"indicator": "i", "as_of": {"precision": "none"}, "values": [{"value": 1}]},
    ),
    ("unknown-ref", "RecommendationMade", ("irm:irm",), lambda _: {"to": "nadie", "words": {"text": "x"}}),
    (
        "unknown-ref",
        "CompletionAssessed",
        ("icefi:assessor",),
        lambda _: {"commitment": G1, "level": "limited", "reason": "r", "evidence": [], "assessment": "a"},
    ),
]


@pytest.mark.parametrize(("code", "kind", "who", "fields"), REFERENCES)
def test_a5_what_is_named_exists_and_what_is_new_is_free(
    code: str, kind: str, who: tuple[str, ...], fields: Callable[[World], dict[str, Any]]
) -> None:
    world = found()
    refused(code, world, kind, *who, **fields(world))


def test_a5_a_plan_is_registered_first() -> None:
    world = found()
    world.say("RoleGranted", *K2, actor="copret", role="coordinator", scope={"plans": ["gt-2016-2018"]})
    refused("unknown-ref", world, "AxisDefined", *CHAIR, plan="gt-2016-2018", axis="a", title="A", by_rule="A5")


def test_a5_a_reference_stays_in_its_plan() -> None:
    world = found()
    other = "gt-2016-2018"
    for role in ("coordinator", "institution"):
        world.say("RoleGranted", *K2, actor="copret", role=role, scope={"plans": [other]})
    world.say(
        "PlanRegistered",
        *CHAIR,
        plan=other,
        title="Tercer plan",
        country="GT",
        cycle=3,
        starts={"precision": "none"},
        ends={"precision": "none"},
        document=digest_of("plan 3"),
    )
    identity = linked(world)
    world.say("CommitmentRegistered", *CHAIR, plan=other, **w.commitment(f"{other}/G1"))
    fields = level(f"{other}/G1", evidence=[identity])
    refused("unknown-ref", world, "CompletionReported", *COPRET, plan=other, **fields, by_rule="A5")


def test_a5_a_withdrawn_statement_can_no_longer_be_named() -> None:
    world = found()
    identity = linked(world)
    world.say("StatementWithdrawn", "copret:holder", statement=identity)
    refused("unknown-ref", world, "CompletionReported", *COPRET, **level(evidence=[identity]), by_rule="A5")
    world.now_ms += 1000  # another second, so another statement
    refused("unknown-ref", world, "StatementWithdrawn", "copret:holder", statement=identity, by_rule="A5")


def test_a5_m0_stands_until_a_mechanism_is_defined() -> None:
    world = found()
    world.say("EvidenceLinked", *COPRET, **link())
    mechanism: dict[str, Any] = {
        "mechanism": f"{G1}.M1",
        "text": "Manual publicado",
        "means": "Publicación",
        "repeats": "once",
    }
    world.say("MechanismDefined", *CHAIR, **mechanism)
    refused("unknown-ref", world, "EvidenceLinked", *COPRET, **link(url="http://example.gt/b"))
    world.say("EvidenceLinked", *COPRET, **link(f"{G1}.M1"))
    refused("id-conflict", world, "MechanismDefined", *CHAIR, **{**mechanism, "text": "Otro"})


# --- A6: separation


@pytest.mark.parametrize("role", ["assessor", "irm", "moderator"])
def test_a6_who_reports_does_not_judge(role: str) -> None:
    world = found()
    fields: dict[str, Any] = {"actor": "minfin", "role": role, "scope": {"plans": [PLAN]}}
    refused("conflict-of-interest", world, "RoleGranted", *K2, **fields, by_rule="A6")
    refused("conflict-of-interest", world, "RoleGranted", *K2, **{**fields, "scope": {}}, by_rule="A6")
    world.say("RoleGranted", *K2, **{**fields, "scope": {"plans": ["otro-plan"]}})


def test_a6_an_office_is_its_institution() -> None:
    world = found()
    w.add_actor(world, "auditoria", "office", "minfin")
    refused(
        "conflict-of-interest", world, "RoleGranted", *K2, actor="auditoria", role="assessor", scope={"plans": [PLAN]}
    )


def test_a6_grants_that_do_not_meet_in_time_may_follow_each_other() -> None:
    world = found()
    w.add_actor(world, "nueva", "organisation")
    w.grant(world, "nueva", "assessor", until=format_when(world.now_ms + DAY))
    later = format_when(world.now_ms + 2 * DAY)
    world.say("RoleGranted", *K2, actor="nueva", role="institution", scope={"plans": [PLAN]}, **{"from": later})


def test_a6_nobody_assesses_their_own_commitment() -> None:
    world = found()
    fields: dict[str, Any] = {"level": "complete", "reason": "Visto.", "evidence": []}
    refused("conflict-of-interest", world, "CompletionAssessed", *CHAIR, commitment=G1, **fields, by_rule="A6")
    world.say("CompletionAssessed", *CHAIR, commitment=G2, **fields)
    world.say("CompletionAssessed", "icefi:assessor", commitment=G1, **fields)


def test_a_stream_counts_the_statement_that_began_it() -> None:
    world = found()
    world.open_round()
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana"))
    stream = f"ref/{comment.opened.identity}"
    assert world.docket.stream_of(comment.opened) == stream
    assert world.docket.next_version(stream) == 2
    world.say("StatementWithdrawn", "ana:citizen", statement=comment.opened.identity)
    assert world.docket.next_version(stream) == 3
    founding = world.entries[0].opened.identity
    assert world.docket.next_version(f"ref/{founding}") == 1
    assert world.docket.next_version("ledger") == 2


def test_a6_a_moderator_does_not_hide_what_concerns_it() -> None:
    world = found()
    world.open_round()
    # The moderator's organisation answers for a commitment of the other plan's name only; so it may moderate here.
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana", about=G1))
    target = {"statement": comment.opened.identity, "salted_digest": comment.opened.statement.salted_digests()[0]}
    fields: dict[str, Any] = {
        "target": target,
        "ground": "hate",
        "rule": "Regla 3",
        "appeal_until": format_when(world.now_ms + 30 * DAY),
    }
    # A grant from before the organisation became responsible would still be a conflict: put the fact into the docket.
    standing = world.docket.commitments[G1]
    kept = standing.ever
    standing.ever = kept | {"vigilante"}
    refused("conflict-of-interest", world, "ContentWithheld", "vigilante:moderator", **fields, by_rule="A6")
    standing.ever = kept
    world.docket.rounds["ronda-1"].opened_by = "vigilante"
    refused("conflict-of-interest", world, "ContentWithheld", "vigilante:moderator", **fields, by_rule="A6")
    world.docket.rounds["ronda-1"].opened_by = "copret"
    world.say("ContentWithheld", "vigilante:moderator", **fields)
    refused("state", world, "ContentWithheld", "vigilante:moderator", **{**fields, "ground": "spam"})


# --- A7: levels


def test_a7_a_reporter_does_not_claim_that_there_is_no_evidence() -> None:
    world = found()
    refused("shape", world, "CompletionReported", *COPRET, **level(level="no_evidence_available"), by_rule="A7")
    world.say(
        "CompletionAssessed", "irm:irm", commitment=G1, level="no_evidence_available", reason="Nada.", evidence=[]
    )


def test_a7_complete_is_reopened_before_it_falls() -> None:
    world = found()
    world.say("CompletionReported", *COPRET, **level(level="complete"))
    refused("state", world, "CompletionReported", *COPRET, **level(level="limited"), by_rule="A7")
    refused("state", world, "CommitmentReopened", "minfin:institution", commitment=G2, reason="Más.")
    world.say("CommitmentReopened", *COPRET, commitment=G1, reason="Más acciones.")
    refused("state", world, "CommitmentReopened", *CHAIR, commitment=G1, reason="Otra vez.")
    world.say("CompletionReported", *COPRET, **level(level="limited"))


# --- A8: windows


@pytest.mark.parametrize(("offset", "admitted"), [(-1, False), (0, True), (DAY - 1, True), (DAY, False)])
def test_a8_a_round_takes_comments_from_opens_to_just_before_closes(offset: int, admitted: bool) -> None:
    world = found()
    world.now_ms += 1000 - world.now_ms % 1000
    start = world.now_ms + 10 * DAY
    world.open_round(opens=format_when(start), closes=format_when(start + DAY))
    world.now_ms = start + offset
    if admitted:
        world.say("CommentSubmitted", "ana:citizen", **world.comment("ana"))
    else:
        refused("closed", world, "CommentSubmitted", "ana:citizen", **world.comment("ana"), by_rule="A8")


def test_a8_late_comments_until_their_own_end() -> None:
    world = found()
    world.now_ms += 1000 - world.now_ms % 1000
    start = world.now_ms
    world.open_round(late="accept", closes=format_when(start + DAY), late_until=format_when(start + 2 * DAY))
    world.now_ms = start + 2 * DAY - 1
    world.say("CommentSubmitted", "ana:citizen", **world.comment("ana"))
    world.now_ms += 1
    refused("closed", world, "CommentSubmitted", "eva:citizen", **world.comment("eva"))


# --- A9: said_at


@pytest.mark.parametrize(
    ("minutes", "code"), [(5, None), (6, "future"), (-7 * 24 * 60, None), (-7 * 24 * 60 - 1, "stale")]
)
def test_a9_said_near_the_time_it_was_received(minutes: int, code: str | None) -> None:
    world = found()
    world.now_ms += 40 * DAY
    world.now_ms -= world.now_ms % 60_000
    said_at = format_when(world.now_ms + minutes * 60_000)
    if code is None:
        world.say("CompletionReported", *COPRET, **level(said_at=said_at))
    else:
        refused(code, world, "CompletionReported", *COPRET, **level(said_at=said_at), by_rule="A9")


def test_a9_several_signers_have_thirty_days() -> None:
    world = found()
    world.now_ms += 60 * DAY
    world.now_ms -= world.now_ms % 60_000
    fields: dict[str, Any] = {"actor": "nuevo", "form": "organisation", "name": "Nuevo"}
    refused("stale", world, "ActorRegistered", *K2, **fields, said_at=format_when(world.now_ms - 30 * DAY - 60_000))
    world.say("ActorRegistered", *K2, **fields, said_at=format_when(world.now_ms - 30 * DAY))


def test_a9_a_signer_does_not_go_back_on_itself() -> None:
    world = found()
    world.now_ms += DAY
    world.say("CompletionReported", *COPRET, **level())
    earlier = format_when(world.now_ms - DAY // 2)
    refused("stale", world, "CompletionReported", *COPRET, **level(level="substantial", said_at=earlier), by_rule="A9")
    world.say("CompletionDateSet", *COPRET, subject=G1, date={"precision": "none"}, said_at=earlier)


# --- A11: the importer


def imported(world: World, **fields: Any) -> dict[str, Any]:
    return level(printed=w.printed("G1/level", on_behalf_of="copret"), **fields)


def test_a11_the_importer_signs_alone_and_only_what_was_printed() -> None:
    world = found()
    refused("import", world, "CompletionReported", "importador:importer", "copret:institution", **imported(world))
    refused("import", world, "CompletionReported", "importador:importer", **level(), by_rule="A11")
    refused("import", world, "CompletionReported", *COPRET, **imported(world), by_rule="A11")
    refused(
        "import",
        world,
        "ActorRegistered",
        "importador:importer",
        actor="x",
        form="organisation",
        name="X",
        by_rule="A11",
    )
    fields = imported(world)
    fields["printed"]["source"] = digest_of("another source")
    refused("import", world, "CompletionReported", "importador:importer", **fields, by_rule="A11")
    world.say("CompletionReported", "importador:importer", **imported(world))
    refused("id-conflict", world, "CompletionReported", "importador:importer", **imported(world, level="complete"))


def test_a11_the_print_is_silent_once_the_body_speaks() -> None:
    world = found()
    world.say("CompletionReported", *COPRET, **level())
    refused("import", world, "CompletionReported", "importador:importer", **imported(world), by_rule="A11")
    other = level(G2, printed=w.printed("G2/level", on_behalf_of="minfin"))
    world.say("CompletionReported", "importador:importer", **other)


def test_a11_a_body_spoken_for_is_registered() -> None:
    world = found()
    fields = level(printed=w.printed("G1/level", on_behalf_of="nadie"))
    refused("unknown-ref", world, "CompletionReported", "importador:importer", **fields)


def test_a11_the_importer_may_be_late_and_about_the_past_but_not_ahead() -> None:
    world = found()
    world.now_ms += 40 * DAY
    world.say(
        "CompletionReported", "importador:importer", **imported(world, said_at=format_when(world.now_ms - 40 * DAY))
    )
    refused(
        "future",
        world,
        "CompletionDateSet",
        "importador:importer",
        subject=G1,
        date={"precision": "none"},
        printed=w.printed("G1/date"),
        said_at=format_when(world.now_ms + 10 * 60_000),
    )


def test_a11_a_printed_round_takes_printed_comments_only() -> None:
    world = found()
    past: dict[str, Any] = {"opens": "2015-09-04T06:00:00Z", "closes": "2015-09-26T06:00:00Z", "late": "accept"}
    fields: dict[str, Any] = {
        "round": "ronda-2015",
        "concerns": "report_draft",
        "version": 1,
        "parts": [],
        "langs": [],
        **past,
    }
    world.say("RoundOpened", "importador:importer", **fields, printed=w.printed("round"))
    refused(
        "import", world, "CommentSubmitted", "ana:citizen", **world.comment("ana", round="ronda-2015"), by_rule="A11"
    )
    heard: dict[str, Any] = {"round": "ronda-2015", "version": 1, "about": "whole", "heard_at": "2015-09-25T18:08:00Z"}
    heard |= {"salted_digest": digest_of("texto"), "channel": "report"}
    refused("import", world, "CommentTranscribed", "mesa:transcriber", **heard)
    world.say("CommentTranscribed", "importador:importer", **heard, printed=w.printed("comment/1"))


def test_a11_p_binds_the_importer_too() -> None:
    world = found()
    world.say("CompletionReported", "importador:importer", **imported(world))
    mechanism: dict[str, Any] = {"mechanism": f"{G1}.M1", "text": "Manual", "printed": w.printed("G1/mechanism/1")}
    refused("state", world, "MechanismDefined", "importador:importer", **mechanism, by_rule="P")


# --- A12: each kind's own


def test_p_after_a_level_a_mechanism_needs_a_second_voice() -> None:
    world = found()
    world.say("CompletionReported", *COPRET, **level())
    mechanism: dict[str, Any] = {"mechanism": f"{G1}.M1", "text": "Manual", "means": "Publicación", "repeats": "once"}
    refused("state", world, "MechanismDefined", *CHAIR, **mechanism, by_rule="P")
    world.say("MechanismDefined", *CHAIR, "icefi:assessor", **mechanism)
    world.say("MechanismDefined", *CHAIR, "irm:irm", **{**mechanism, "mechanism": f"{G1}.M2"})


@pytest.mark.parametrize("change", [{"mechanism": f"{G1}.M0"}, {"repeats": "recurring"}])
def test_mechanism_shape(change: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "mechanism": f"{G1}.M1",
        "text": "Manual",
        "means": "Publicación",
        "repeats": "once",
        **change,
    }
    refused("shape", found(), "MechanismDefined", *CHAIR, **fields)


def test_mechanism_of_no_commitment() -> None:
    fields: dict[str, Any] = {"mechanism": f"{PLAN}/G9.M1", "text": "Manual", "means": "Publicación", "repeats": "once"}
    refused("unknown-ref", found(), "MechanismDefined", *CHAIR, **fields)


@pytest.mark.parametrize(
    ("code", "who", "change"),
    [
        ("id-conflict", "icefi/b:holder", {"key": public("copret"), "who": "copret:holder", "actor": "copret"}),
        ("id-conflict", "", {"key": public("log"), "who": "log:holder", "actor": "copret"}),
        ("id-conflict", "", {"key": public("recovery-1"), "who": "recovery-1:holder", "actor": "copret"}),
        ("shape", "", {"key": public("copret/b"), "who": "copret/c:holder", "actor": "copret"}),
        ("shape", "", {"key": public("copret/b"), "who": "minfin:holder", "actor": "copret"}),
    ],
)
def test_a_key_is_enrolled_once_and_by_its_holder(code: str, who: str, change: dict[str, str]) -> None:
    world = found()
    holder = change.pop("who")
    name = holder.partition(":")[0]
    signer = {"actor": change["actor"], "key": public(name), "role": "holder"}
    by = [world.signer(one) for one in K2] + [signer]

    plain = {"kind": "KeyEnrolled", "by": by, "said_at": format_when(world.now_ms), "lang": "es", **change}
    if len({one["key"] for one in by}) < 3:  # `by` names no key twice: that is shape already
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(plain, KINDS["KeyEnrolled"])
        return
    statement = msgspec.convert(plain, KINDS["KeyEnrolled"])
    note = sign_statement(world.origin, statement, [w.key_of(one.partition(":")[0]) for one in (*K2, holder)])
    with pytest.raises(Refused) as caught:
        check_admissible(open_statement(note, world.origin), world.now_ms, world.docket)
    assert caught.value.code == code


def test_one_key_for_two_holders_is_a_conflict() -> None:
    world = found()
    w.add_actor(world, "nuevo", "organisation", key=False)
    signer = {"actor": "nuevo", "key": public("minfin"), "role": "holder"}

    statement = msgspec.convert(
        {
            "kind": "KeyEnrolled",
            "by": [world.signer(one) for one in K2] + [signer],
            "said_at": format_when(world.now_ms),
            "lang": "es",
            "actor": "nuevo",
            "key": public("minfin"),
        },
        KINDS["KeyEnrolled"],
    )
    note = sign_statement(world.origin, statement, [w.key_of(one) for one in ("icefi", "copret", "minfin")])
    with pytest.raises(Refused) as caught:
        check_admissible(open_statement(note, world.origin), world.now_ms, world.docket)
    assert caught.value.code == "id-conflict"


def test_revocation_by_holder_or_two_registrars_and_no_one_else() -> None:
    world = found()
    refused("role-scope", world, "KeyRevoked", "minfin:holder", key=public("segeplan"), cause="lost")
    world.say("KeyRevoked", *K2, key=public("segeplan"), cause="lost")
    refused("state", world, "KeyRevoked", *K2, key=public("segeplan"), cause="retired")


def test_a_compromise_reaches_back_thirty_days_or_takes_three() -> None:
    world = found()
    world.say("KeyEnrolled", *K2, "minfin/b:holder", actor="minfin", key=public("minfin/b"))
    world.now_ms += 90 * DAY
    world.now_ms -= world.now_ms % 1000
    key = public("minfin")
    long_ago, lately = format_when(world.now_ms - 31 * DAY), format_when(world.now_ms - 30 * DAY)
    refused("shape", world, "KeyRevoked", "minfin:holder", key=key, cause="retired", since=lately)
    refused("shape", world, "KeyRevoked", *K2, key=key, cause="compromised", since=format_when(world.now_ms + 60_000))
    refused("role-scope", world, "KeyRevoked", "minfin:holder", key=key, cause="compromised", since=long_ago)
    refused("role-scope", world, "KeyRevoked", *K2, key=key, cause="compromised", since=long_ago)
    refused("role-scope", world, "KeyRevoked", *K2, "minfin:holder", key=key, cause="compromised", since=long_ago)
    world.say("KeyRevoked", *K2, "minfin/b:holder", key=key, cause="compromised", since=long_ago)


def test_no_revocation_leaves_the_roster_without_two_registrars() -> None:
    world = found()
    world.say("KeyRevoked", *K2, key=public("guatecivica"), cause="lost")
    refused("state", world, "KeyRevoked", "icefi:holder", key=public("icefi"), cause="retired")
    refused("state", world, "KeyRevoked", "copret:holder", key=public("copret"), cause="retired")


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "citizen", "scope": {}},
        {"role": "holder", "scope": {}},
        {"role": "recovery", "scope": {}},
        {"role": "importer", "scope": {}},
        {"role": "importer", "scope": {}, "until": "2030-01-01T00:00:00Z"},
        {"role": "capturer", "scope": {}, "sources": [digest_of("s")]},
        {"role": "registrar", "scope": {"plans": [PLAN]}},
        {"role": "capturer", "scope": {}, "from": "2030-01-01T00:00:00Z", "until": "2029-01-01T00:00:00Z"},
    ],
)
def test_grants_that_mean_nothing(fields: dict[str, Any]) -> None:
    refused("shape", found(), "RoleGranted", *K2, actor="segeplan", **fields)


def test_methodologies_follow_each_other_and_never_reach_back() -> None:
    world = found()
    who = (*CHAIR, "icefi:assessor")
    fields: dict[str, Any] = {"parameters": w.METHODOLOGY, "document": digest_of("m")}
    refused("state", world, "MethodologyAdopted", *who, version=3, **fields)
    past = format_when(world.now_ms - DAY)
    refused("state", world, "MethodologyAdopted", *who, version=2, **fields, **{"from": past})
    world.say("MethodologyAdopted", *who, version=2, **fields)


def test_a_plan_is_registered_once() -> None:
    world = found()
    fields: dict[str, Any] = {"title": "Otro", "country": "GT", "cycle": 2, "document": digest_of("plan")}
    fields |= {"starts": {"precision": "none"}, "ends": {"precision": "none"}}
    refused("id-conflict", world, "PlanRegistered", *CHAIR, **fields)


def test_a_date_is_moved_with_a_reason() -> None:
    world = found()
    july = {"precision": "month", "day": "2015-07-01"}
    world.say("CompletionDateSet", *COPRET, subject=G1, date=july)
    december = {"precision": "month", "day": "2015-12-01"}
    refused("state", world, "CompletionDateSet", *COPRET, subject=G1, date=december)
    world.say("CompletionDateSet", *COPRET, subject=G1, date=december, reason="Cambio de autoridades.")


def test_indicators_and_their_parts() -> None:
    world = found()
    define: dict[str, Any] = {
        "indicator": "prestamos",
        "subject": G1,
        "title": "Préstamos",
        "unit": "préstamos",
        "decimals": 0,
    }
    parts = [{"part": "eficiente", "title": "Eficientes"}, {"part": "deficiente", "title": "Deficientes"}]
    world.say("IndicatorDefined", *COPRET, **define, parts=parts)
    refused("id-conflict", world, "IndicatorDefined", *COPRET, **define)
    when: dict[str, Any] = {"as_of": {"precision": "day", "day": "2015-05-31"}}
    refused("shape", world, "IndicatorMeasured", *COPRET, indicator="prestamos", **when, values=[{"value": 1}])
    foreign = [{"part": "otro", "value": 1}]
    refused("shape", world, "IndicatorMeasured", *COPRET, indicator="prestamos", **when, values=foreign)
    twice = [{"part": "eficiente", "value": 1}, {"part": "eficiente", "value": 2}]
    refused("shape", world, "IndicatorMeasured", *COPRET, indicator="prestamos", **when, values=twice)
    values = [{"part": "eficiente", "value": 11}, {"part": "deficiente", "value": 16}]
    world.say("IndicatorMeasured", *COPRET, indicator="prestamos", **when, values=values)
    world.say("IndicatorDefined", *COPRET, **{**define, "indicator": "personas"})
    refused("shape", world, "IndicatorMeasured", *COPRET, indicator="personas", **when, values=values)
    world.say("IndicatorMeasured", *COPRET, indicator="personas", **when, values=[{"value": 4095}])


def test_reports_have_versions_of_one_publisher() -> None:
    world = found()
    report: dict[str, Any] = {
        "report": "medio",
        "report_form": "self_assessment_midterm",
        "title": "Medio término",
        "claims": [],
    }
    report |= {"on": {"precision": "none"}, "document": digest_of("r")}
    refused("state", world, "ReportPublished", *CHAIR, **report, version=1, tree_size=world.docket.size + 1)
    world.say("ReportPublished", *CHAIR, **report, version=1, tree_size=world.docket.size)
    refused("id-conflict", world, "ReportPublished", *CHAIR, **{**report, "title": "Otra"}, version=1)
    refused("role-scope", world, "ReportPublished", "icefi:assessor", **report, version=2)
    world.say("ReportPublished", *CHAIR, **report, version=2)


def test_a_dispute_is_about_what_the_link_is_for() -> None:
    world = found()
    identity = linked(world)
    fields: dict[str, Any] = {"link": identity, "objection": "absent", "words": {"text": "No está."}}
    refused("unknown-ref", world, "EvidenceDisputed", "icefi:assessor", **fields, mechanism=f"{C8}.M0")
    world.say("EvidenceDisputed", "icefi:assessor", **fields, mechanism=M0)


def test_a_verdict_reads_captured_bytes_of_that_mechanism() -> None:
    world = found()
    seen, other = digest_of("seen"), digest_of("other")
    identity = linked(world)
    captured(world, identity, seen)
    captured(world, linked(world, mechanism=f"{C8}.M0", who="segeplan:institution"), other)
    fields: dict[str, Any] = {"mechanism": M0, "level": "complete", "words": {"text": "Leído."}}
    refused("unknown-ref", world, "VerdictGiven", "icefi:assessor", **fields, digests=[other])
    refused(
        "conflict-of-interest", world, "VerdictGiven", "segeplan:irm", **{**fields, "digests": [seen]}
    ) if False else None
    world.say("VerdictGiven", "icefi:assessor", **fields, digests=[seen])
    world.say("StatementWithdrawn", "copret:holder", statement=identity)
    refused("unknown-ref", world, "VerdictGiven", "irm:irm", **fields, digests=[seen])


def test_a_round_is_opened_once_and_its_versions_follow() -> None:
    world = found()
    world.open_round()
    with pytest.raises(Refused) as error:
        world.open_round(concerns="other")
    assert error.value.code == "id-conflict"
    document: dict[str, Any] = {"round": "ronda-1", "document": digest_of("v2"), "changes": []}
    refused("state", world, "DocumentPublished", *CHAIR, **document, version=3)
    refused("unknown-ref", world, "CommentSubmitted", "ana:citizen", **world.comment("ana", version=2))
    world.say("DocumentPublished", *CHAIR, **document, version=2)
    world.say("CommentSubmitted", "ana:citizen", **world.comment("ana", version=2))
    changes = [{"text": "Se añadió un anexo.", "comments": [digest_of("nothing")]}]
    document["changes"] = changes
    refused("unknown-ref", world, "DocumentPublished", *CHAIR, **document, version=3)


def test_a_comment_names_a_part_and_replies_within_its_round() -> None:
    world = found()
    world.open_round()
    refused("unknown-ref", world, "CommentSubmitted", "ana:citizen", **world.comment("ana", about="otra-parte"))
    first = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana", about="resultados")).opened.identity
    world.open_round(round="ronda-2")
    reply = world.comment("eva", round="ronda-2", reply_to=first)
    refused("unknown-ref", world, "CommentSubmitted", "eva:citizen", **reply)
    world.say("CommentSubmitted", "eva:citizen", **world.comment("eva", reply_to=first))


def test_the_web_form_has_a_transcriber_of_its_own() -> None:
    world = found()
    world.open_round()
    heard: dict[str, Any] = {"heard_at": format_when(world.now_ms)}
    refused(
        "shape", world, "CommentTranscribed", "mesa:transcriber", **world.comment("mesa", channel="web_form", **heard)
    )
    w.add_actor(world, "formulario", "program", "mesa")
    w.grant(world, "formulario", "transcriber")
    who = "formulario:transcriber"
    without_claim = world.comment("formulario", channel="web_form", **heard)
    del without_claim["claim"]
    refused("shape", world, "CommentTranscribed", who, **without_claim)
    world.say("CommentTranscribed", who, **world.comment("formulario", channel="web_form", **heard))
    paper = world.comment("formulario", "Otro.", channel="paper", **heard)
    refused("role-scope", world, "CommentTranscribed", who, **paper)


def test_withholding_names_a_content_that_is_there() -> None:
    world = found()
    world.open_round()
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana"))
    digest = comment.opened.statement.salted_digests()[0]
    fields: dict[str, Any] = {"ground": "spam", "rule": "Regla 1", "appeal_until": format_when(world.now_ms + DAY)}
    who = "vigilante:moderator"
    absent = {"statement": digest_of("nothing"), "salted_digest": digest}
    refused("unknown-ref", world, "ContentWithheld", who, **fields, target=absent)
    other = {"statement": comment.opened.identity, "salted_digest": digest_of("another")}
    refused("unknown-ref", world, "ContentWithheld", who, **fields, target=other)
    target = {"statement": comment.opened.identity, "salted_digest": digest}
    over = {**fields, "appeal_until": format_when(world.now_ms - DAY)}
    refused("state", world, "ContentWithheld", who, **over, target=target)
    refused("unknown-ref", world, "ContentWithheld", who, plan=None, **fields, target=target)
    world.say("ContentWithheld", who, **fields, target=target)
    assert world.docket.content_state(comment.opened.identity, digest) == "withheld"


def meeting(world: World, **fields: Any) -> dict[str, Any]:
    starts = format_when(world.now_ms + DAY)
    default: dict[str, Any] = {
        "meeting": "comite-1",
        "meeting_form": "committee",
        "starts": starts,
        "place": "Sede",
        "invited": [],
        "agenda": [],
    }
    return default | fields


def test_a_meeting_is_convened_before_it_starts() -> None:
    world = found()
    past: dict[str, Any] = {"precision": "day", "day": "2015-09-21"}
    refused("state", world, "MeetingConvened", *CHAIR, **meeting(world, starts=past))
    refused("shape", world, "MeetingConvened", *CHAIR, **meeting(world, starts={"precision": "none"}))
    refused("unknown-ref", world, "MeetingConvened", *CHAIR, **meeting(world, invited=["nadie"]))
    world.say("MeetingConvened", "importador:importer", **meeting(world, starts=past), printed=w.printed("meeting/1"))
    refused("id-conflict", world, "MeetingConvened", *CHAIR, **meeting(world))


def test_a_day_starts_at_the_ledgers_offset() -> None:
    world = found()
    tomorrow = {"precision": "day", "day": "2026-02-17"}  # starts 06:00 UTC at -360 minutes
    world.now_ms = w.NOON + 18 * 3_600_000  # exactly then
    refused("state", world, "MeetingConvened", *CHAIR, **meeting(world, starts=tomorrow))
    world = found()
    world.now_ms = w.NOON + 18 * 3_600_000 - 1
    world.say("MeetingConvened", *CHAIR, **meeting(world, starts=tomorrow))


def test_minutes_are_approved_together() -> None:
    world = found()
    world.say("MeetingConvened", *CHAIR, **meeting(world))
    document: dict[str, Any] = {"meeting": "comite-1", "document": digest_of("minutes")}
    refused("role-scope", world, "MinutesApproved", *CHAIR, "icefi:holder", **document)
    present = [{"actor": "icefi", "post": "Investigación"}, {"actor": "irm", "post": "Investigación"}]
    refused(
        "unknown-ref",
        world,
        "AttendanceRecorded",
        *CHAIR,
        meeting="comite-1",
        present=[{"actor": "nadie", "post": "x"}],
    )
    world.say("AttendanceRecorded", *CHAIR, meeting="comite-1", present=present)
    refused("shape", world, "MinutesApproved", *CHAIR, **document)
    refused("state", world, "MinutesApproved", "irm:holder", **document)
    world.say("MinutesApproved", *CHAIR, "icefi:holder", **document)
    world.say("MinutesApproved", "irm:holder", **document)


def test_one_answer_is_to_one_kind_of_question() -> None:
    world = found()
    world.open_round()
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana")).opened.identity
    advice = world.say("RecommendationMade", "irm:irm", to="copret", words={"text": "Publicar."}).opened.identity
    refused("shape", world, "ResponseGiven", *CHAIR, answers=[comment, advice], disposition="accepted")
    refused(
        "unknown-ref",
        world,
        "ResponseGiven",
        *CHAIR,
        answers=[world.entries[0].opened.identity],
        disposition="accepted",
    )
    world.say("ResponseGiven", *COPRET, answers=[advice], disposition="accepted")


def test_only_the_body_spoken_for_confirms() -> None:
    world = found()
    own = world.say("CompletionReported", *COPRET, **level()).opened.identity
    printed = world.say(
        "CompletionReported", "importador:importer", **level(G2, printed=w.printed("G2/level", on_behalf_of="minfin"))
    ).opened.identity
    refused("state", world, "StatementConfirmed", "copret:holder", statement=own)
    refused("role-scope", world, "StatementConfirmed", "copret:holder", statement=printed)
    world.say("StatementConfirmed", "minfin:holder", statement=printed)


def test_officials_withdraw_their_own() -> None:
    world = found()
    identity = linked(world)
    refused("role-scope", world, "StatementWithdrawn", "minfin:holder", statement=identity)
    refused("shape", world, "StatementWithdrawn", "copret:holder", statement=identity, secret=digest_of("s"))
    level_said = world.say("CompletionReported", *COPRET, **level()).opened.identity
    refused("unknown-ref", world, "StatementWithdrawn", "copret:holder", statement=level_said)
    world.say("StatementWithdrawn", "copret:holder", statement=identity)


def test_another_ledgers_statement_is_refused() -> None:
    world, other = found(), World("otro.example/gt")
    opened_there = open_statement(
        sign_statement(other.origin, world.draft("CompletionReported", *COPRET, **level()), [w.key_of("copret")]),
        other.origin,
    )
    with pytest.raises(Refused) as caught:
        check_admissible(opened_there, world.now_ms, world.docket)
    assert caught.value.code == "wrong-origin"

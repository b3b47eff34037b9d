"""The public's turn in the rulebook: rounds extended and closed, endorsements, moderation in every state, appeals."""

from typing import Any

import pytest
import world as w
from test_rulebook import refused
from world import G1, PLAN, World, digest_of, found, public, salted_digest

from ledger.statement import Entry, format_when

DAY = 86_400_000
CHAIR = "copret:coordinator"
ONE, OTHER = "vigilante:moderator", "jurado:moderator"


def town(**round_: Any) -> World:
    """A founded ledger with an open round and moderators of two organisations."""
    world = found()
    w.second_moderator(world)
    world.now_ms += 1_000 - world.now_ms % 1_000
    world.open_round(**round_)
    return world


def comment(world: World, who: str = "ana", **fields: Any) -> dict[str, Any]:
    """A comment is made; its target."""
    return target_of(world.say("CommentSubmitted", f"{who}:citizen", **world.comment(who, **fields)))


def target_of(entry: Entry) -> dict[str, str]:
    return {"statement": entry.opened.identity, "salted_digest": entry.opened.statement.salted_digests()[0]}


def act(world: World, kind: str, *who: str, **fields: Any) -> Entry:
    """An act of moderation with what it needs."""
    return world.say(kind, *(who or (ONE,)), **asked(world, kind, **fields))


def asked(world: World, kind: str, **fields: Any) -> dict[str, Any]:
    """The fields that an act needs beside its target."""
    later = format_when(world.now_ms + 15 * DAY)
    shorter = salted_digest(world.origin, public("vigilante"), {"text": f"Buen […] {world.docket.size}"})
    needed: dict[str, dict[str, Any]] = {
        "ContentWithheld": {"ground": "hate", "rule": f"Regla {world.docket.size}", "appeal_until": later},
        "ContentRedacted": {
            "ground": "personal_data", "rule": "Regla 1", "appeal_until": later, "salted_digest": shorter,
        },
        "ContentRestored": {"words": {"text": f"No había motivo {world.docket.size}."}},
        "ContentErased": {"ground": "personal_data", "rule": "Ley", "stores": ["vault", "backups"]},
        "ErasureRequested": {"ground": "personal_data"},
        "ModerationAppealed": {
            "salted_digest": salted_digest(world.origin, public("ana"), {"text": f"Apelo {world.docket.size}"})
        },
    }  # fmt: skip
    return needed[kind] | fields


# --- rounds


def test_a_round_is_extended_before_its_close_and_to_a_later_one() -> None:
    world = town(days=2)
    closes = world.docket.rounds["ronda-1"].closes
    longer: dict[str, Any] = {"round": "ronda-1", "reason": "Feriado."}
    refused("state", world, "RoundExtended", CHAIR, **longer, closes=format_when(closes))
    refused("role-scope", world, "RoundExtended", "icefi:assessor", **longer, closes=format_when(closes + DAY))
    world.say("RoundExtended", CHAIR, **longer, closes=format_when(closes + DAY))
    world.now_ms = closes + 1_000
    comment(world)
    world.now_ms = closes + DAY
    refused("closed", world, "CommentSubmitted", "eva:citizen", **world.comment("eva"), by_rule="A8")
    refused("state", world, "RoundExtended", CHAIR, **longer, closes=format_when(closes + 9 * DAY))


def test_a_round_is_counted_after_its_close_and_not_beyond_the_entries_there_are() -> None:
    world = town(days=1)
    claim: dict[str, Any] = {"round": "ronda-1", "comment_count": 0}
    refused("state", world, "RoundClosed", CHAIR, **claim, tree_size=world.docket.size)
    world.now_ms += DAY
    refused("state", world, "RoundClosed", CHAIR, **claim, tree_size=world.docket.size + 1)
    world.say("RoundClosed", CHAIR, **claim, tree_size=world.docket.size)


# --- endorsements


def test_a_key_endorses_anothers_comment_once_while_the_round_is_open() -> None:
    world = town(days=1, late="accept")
    named = comment(world)["statement"]
    refused("role-scope", world, "CommentEndorsed", "ana:citizen", comment=named, by_rule="A4")
    given = world.say("CommentEndorsed", "eva:citizen", comment=named).opened.identity
    refused("state", world, "CommentEndorsed", "eva:citizen", comment=named, said_at=format_when(world.now_ms + 9_000))
    refused("role-scope", world, "StatementWithdrawn", "ana:citizen", statement=given, by_rule="A4")
    refused("role-scope", world, "CommentEndorsed", "mesa:transcriber", comment=named)
    world.say("StatementWithdrawn", "eva:citizen", statement=given)
    world.now_ms += DAY
    refused("closed", world, "CommentEndorsed", "rosa:citizen", comment=named, by_rule="A8")


def test_a_withdrawn_comment_is_not_endorsed() -> None:
    world = town()
    named = comment(world)["statement"]
    world.say("StatementWithdrawn", "ana:citizen", statement=named)
    refused("unknown-ref", world, "CommentEndorsed", "eva:citizen", comment=named, by_rule="A5")


# --- the states of a content

ACTS = ("ContentWithheld", "ContentRedacted", "ContentRestored", "ContentErased", "ModerationAppealed")
LEADS_ON = {
    "shown": {"ContentWithheld", "ContentRedacted", "ContentErased"},
    "withheld": {"ContentRedacted", "ContentRestored", "ContentErased", "ModerationAppealed"},
    "redacted": {"ContentRestored", "ContentErased", "ModerationAppealed"},
    "erased": set[str](),
}
SIGNERS = {"ContentErased": (ONE, OTHER), "ModerationAppealed": ("ana:citizen",)}


@pytest.mark.parametrize("kind", ACTS)
@pytest.mark.parametrize("state", LEADS_ON)
def test_each_act_leads_on_from_the_states_it_is_for(state: str, kind: str) -> None:
    world = town()
    target = comment(world)
    if state != "shown":
        before = f"Content{state.capitalize()}"
        act(world, before, *SIGNERS.get(before, ()), target=target)
    assert world.docket.content_state(*target.values()) == state
    signers = SIGNERS.get(kind, (ONE,))
    if kind in LEADS_ON[state]:
        act(world, kind, *signers, target=target)
    else:
        refused("state", world, kind, *signers, **asked(world, kind, target=target))


def test_a_shorter_text_gives_way_and_can_itself_be_moderated() -> None:
    world = town()
    target = comment(world)
    first = target_of(act(world, "ContentRedacted", target=target))
    state = world.docket.content_state
    assert (state(*target.values()), state(*first.values())) == ("redacted", "shown")
    act(world, "ContentWithheld", target=first)
    act(world, "ContentRestored", target=target)
    assert (state(*target.values()), state(*first.values())) == ("shown", "replaced")
    refused("state", world, "ContentRestored", ONE, **asked(world, "ContentRestored", target=first))
    second = target_of(act(world, "ContentRedacted", target=target))
    act(world, "ContentErased", ONE, OTHER, target=target)
    assert [state(*one.values()) for one in (target, first, second)] == ["erased"] * 3
    for one in (target, first, second):
        refused("state", world, "ContentWithheld", ONE, **asked(world, "ContentWithheld", target=one))


def test_names_and_captured_bytes_have_no_shorter_text() -> None:
    world = found()
    office: dict[str, Any] = {"institution": "copret", "post": "Dirección", "on": {"precision": "none"}}
    person = world.say("OfficeHolderChanged", CHAIR, **office, person=digest_of("a name"))
    target = target_of(person)
    refused("shape", world, "ContentRedacted", ONE, **asked(world, "ContentRedacted", target=target))
    act(world, "ContentWithheld", target=target)


# --- who may


def test_two_organisations_erase() -> None:
    world = town()
    target = comment(world)
    fields = asked(world, "ContentErased", target=target)
    refused("shape", world, "ContentErased", ONE, **fields)
    w.add_actor(world, "turno", "office", "vigilante")
    w.grant(world, "turno", "moderator")
    refused("role-scope", world, "ContentErased", ONE, "turno:moderator", **fields, by_rule="A6")
    requested = {**fields, "ground": "requested"}
    refused("state", world, "ContentErased", ONE, OTHER, **requested)
    world.say("ErasureRequested", "ana:citizen", target=target, ground="consent_withdrawn")
    world.say("ContentErased", ONE, OTHER, **requested)


def test_who_asks_for_an_erasure() -> None:
    world = town()
    target = comment(world)
    ask: dict[str, Any] = {"target": target, "ground": "consent_withdrawn"}
    refused("role-scope", world, "ErasureRequested", "eva:citizen", **ask, by_rule="A4")
    refused("role-scope", world, "ErasureRequested", ONE, **ask, by_rule="A4")
    refused("shape", world, "ErasureRequested", "ana:citizen", **ask, authority="Juzgado")
    legal = {"target": target, "ground": "legal_order", "authority": "Juzgado"}
    refused("role-scope", world, "ErasureRequested", ONE, **legal, secret=digest_of("x"), by_rule="A4")
    world.say("ErasureRequested", ONE, **legal)
    # Withdrawn comes first, and does not stand in the way.
    world.say("StatementWithdrawn", "ana:citizen", statement=target["statement"])
    world.say("ErasureRequested", "ana:citizen", **ask)


def test_the_secret_is_spent_with_its_first_use_whatever_that_was() -> None:
    world = town()
    target = comment(world)
    secret = digest_of("secret of ana")
    world.say("ErasureRequested", "otra:citizen", target=target, ground="personal_data", secret=secret)
    refused("role-scope", world, "StatementWithdrawn", "eva:citizen", statement=target["statement"], secret=secret)
    world.say("StatementWithdrawn", "otra:citizen", statement=target["statement"])


@pytest.mark.parametrize("kind", ["ContentWithheld", "ContentRedacted", "ContentErased", "ErasureRequested"])
def test_a6_nobody_moderates_what_concerns_them(kind: str) -> None:
    world = town()
    target = comment(world, about=G1)
    fields = asked(world, kind, target=target)
    signers = (ONE, OTHER) if kind == "ContentErased" else (OTHER,)
    standing = world.docket.commitments[G1]
    standing.ever |= {"jurado"}
    refused("conflict-of-interest", world, kind, *signers, **fields, by_rule="A6")
    standing.ever -= {"jurado"}
    world.docket.rounds["ronda-1"].opened_by = "jurado"
    refused("conflict-of-interest", world, kind, *signers, **fields, by_rule="A6")


def test_an_appeal_is_the_authors_in_time_and_once() -> None:
    world = town()
    target = comment(world)
    act(world, "ContentWithheld", target=target)
    appeal = asked(world, "ModerationAppealed", target=target)
    refused("role-scope", world, "ModerationAppealed", "eva:citizen", **appeal, by_rule="A4")
    world.say("ModerationAppealed", "eva:citizen", **appeal, secret=digest_of("secret of ana"))
    refused("state", world, "ModerationAppealed", "ana:citizen", **asked(world, "ModerationAppealed", target=target))
    act(world, "ContentRestored", target=target)
    act(world, "ContentWithheld", target=target)  # another act, another appeal
    act(world, "ModerationAppealed", "ana:citizen", target=target)
    act(world, "ContentRestored", target=target)
    act(world, "ContentWithheld", target=target)
    world.now_ms += 15 * DAY
    refused("closed", world, "ModerationAppealed", "ana:citizen", **asked(world, "ModerationAppealed", target=target))


def test_another_organisation_decides_once() -> None:
    world = town()
    target = comment(world)
    act(world, "ContentWithheld", target=target)
    appeal = act(world, "ModerationAppealed", "ana:citizen", target=target).opened.identity
    decide: dict[str, Any] = {"appeal": appeal, "decision": "overturned", "words": {"text": "No incita a nada."}}
    refused("conflict-of-interest", world, "AppealDecided", ONE, **decide, by_rule="A6")
    refused("role-scope", world, "AppealDecided", "copret:coordinator", **decide)
    world.say("AppealDecided", OTHER, **decide)
    refused("state", world, "AppealDecided", OTHER, **{**decide, "decision": "upheld"})
    act(world, "ContentRestored", OTHER, target=target)


def test_a_scope_of_rounds_holds_for_appeals_too() -> None:
    world = town()
    w.add_actor(world, "consejo", "organisation")
    w.grant(world, "consejo", "moderator", scope={"plans": [PLAN], "rounds": ["otra-ronda"]})
    target = comment(world)
    act(world, "ContentWithheld", target=target)
    appeal = act(world, "ModerationAppealed", "ana:citizen", target=target).opened.identity
    decide: dict[str, Any] = {"appeal": appeal, "decision": "upheld", "words": {"text": "Así queda."}}
    refused("role-scope", world, "AppealDecided", "consejo:moderator", **decide, by_rule="A3")


# --- answers


def test_an_answer_is_contested_by_an_author_of_what_it_answers() -> None:
    world = town()
    named = comment(world)["statement"]
    given = world.say("ResponseGiven", CHAIR, answers=[named], disposition="accepted").opened.identity
    words = {"salted_digest": salted_digest(world.origin, public("ana"), {"text": "No responde."})}
    contest: dict[str, Any] = {"statement": given, "words": words}
    refused("role-scope", world, "StatementContested", "eva:citizen", **contest, by_rule="A4")
    refused("shape", world, "StatementContested", "ana:citizen", statement=given, words={"text": "No."}, by_rule="A4")
    refused("role-scope", world, "StatementContested", "copret:institution", **contest)
    world.say("StatementContested", "ana:citizen", **contest)
    world.say("StatementContested", "eva:citizen", **contest, secret=digest_of("secret of ana"))


def test_an_institution_contests_what_is_assessed_of_its_own() -> None:
    world = found()
    seen: dict[str, Any] = {"commitment": G1, "level": "limited", "reason": "Poco.", "evidence": []}
    assessed = world.say("CompletionAssessed", "irm:irm", **seen).opened.identity
    contest: dict[str, Any] = {"statement": assessed, "words": {"text": "Falta el informe de junio."}}
    refused("role-scope", world, "StatementContested", "minfin:institution", **contest, by_rule="A3")
    refused("role-scope", world, "StatementContested", "ana:citizen", statement=assessed,
            words={"salted_digest": digest_of("words")})  # fmt: skip
    world.say("StatementContested", "copret:institution", **contest)


def shorter_of(world: World, target: dict[str, str], kind: str = "ContentRedacted") -> dict[str, str]:
    """A content is redacted; the shorter text."""
    return target_of(act(world, kind, target=target))


def test_shorter_texts_of_shorter_texts_give_way_with_the_first() -> None:
    world = town()
    first = comment(world)
    second = shorter_of(world, first)
    third = shorter_of(world, second)
    act(world, "ContentRestored", target=first)
    states = [world.docket.content_state(each["statement"], each["salted_digest"]) for each in (first, second, third)]
    assert states == ["shown", "replaced", "replaced"]
    act(world, "ContentErased", ONE, OTHER, target=first)
    states = [world.docket.content_state(each["statement"], each["salted_digest"]) for each in (first, second, third)]
    assert states == ["erased", "erased", "erased"]


def test_what_an_author_takes_back_is_so_for_every_shorter_text_before_and_after() -> None:
    world = town()
    first = comment(world)
    second = shorter_of(world, first)
    taken = world.say("StatementWithdrawn", "ana:citizen", statement=first["statement"]).opened.identity
    third = shorter_of(world, second)
    for each in (first, second, third):
        assert world.docket.moderated(each["statement"], each["salted_digest"]).withdrawn == taken
    other = comment(world, "eva")
    assert world.docket.moderated(other["statement"], other["salted_digest"]).withdrawn == ""

"""Rounds and comments: nothing is lost, whatever is withheld, withdrawn or answered."""

from typing import Any

import world as w
from storyline import public_turn, story

from ledger.statement import Entry, format_when
from projections.records import DictRecords
from projections.replay import replay
from projections.rounds import Comment, Document, Moderated, ModerationAct, Notice, Response, Round, state_at, state_of

DAY = 86_400_000


def folded(entries: list[Entry] | None = None) -> DictRecords:
    records = DictRecords()
    replay(story() if entries is None else entries, records)
    return records


def round_of(records: DictRecords) -> Round:
    found = records.get(Round, "ronda-1")
    assert found is not None
    return found


def test_counts_say_what_became_of_every_comment() -> None:
    found = round_of(folded())
    assert (found.received, found.shown, found.withheld, found.withdrawn, found.answered) == (3, 1, 1, 1, 1)
    assert found.channels == (("paper", 1), ("signed", 2))
    assert found.positions == (("for", 1),)


def test_a_withheld_comment_keeps_its_place_and_names_the_act() -> None:
    comments = [one for _, one in folded().scan(Comment, prefix="ronda-1/")]
    assert [one.channel for one in comments] == ["signed", "signed", "paper"]
    first = comments[0]
    assert first.withheld is not None
    assert first.ground == "hate"
    assert story()[first.withheld].opened.statement.kind == "ContentWithheld"
    assert comments[1].withdrawn is not None


def test_a_comment_both_withheld_and_withdrawn_is_counted_once() -> None:
    world = w.found()
    world.open_round()
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana"))
    world.say("StatementWithdrawn", "ana:citizen", statement=comment.opened.identity)
    target = {"statement": comment.opened.identity, "salted_digest": comment.opened.statement.salted_digests()[0]}
    appeal_until = format_when(world.now_ms + DAY)
    hidden = {"target": target, "ground": "spam", "rule": "1", "appeal_until": appeal_until}
    world.say("ContentWithheld", "vigilante:moderator", **hidden)
    found = round_of(folded(world.entries))
    assert (found.received, found.shown, found.withheld, found.withdrawn) == (1, 0, 0, 1)


def test_an_answer_is_counted_once_and_kept_each_time() -> None:
    world = w.found()
    world.open_round()
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana"))
    for disposition in ("partly", "accepted"):
        world.say("ResponseGiven", "copret:coordinator", answers=[comment.opened.identity], disposition=disposition)
    records = folded(world.entries)
    assert round_of(records).answered == 1
    answers = [one for _, one in records.scan(Response, prefix=f"ronda-1/{comment.index:09d}/")]
    assert [one.disposition for one in answers] == ["partly", "accepted"]


def test_late_is_by_received_time() -> None:
    world = w.found()
    world.now_ms += 1000 - world.now_ms % 1000
    world.open_round(days=1, late="accept")
    world.say("CommentSubmitted", "ana:citizen", **world.comment("ana"))
    world.now_ms += DAY
    world.say("CommentSubmitted", "eva:citizen", **world.comment("eva"))
    records = folded(world.entries)
    assert [one.late for _, one in records.scan(Comment)] == [False, True]
    assert round_of(records).late_comments == 1


def test_printed_comments_have_no_lateness() -> None:
    world = w.found()
    past = {"opens": "2015-09-04T06:00:00Z", "closes": "2015-09-26T06:00:00Z", "late": "accept"}
    fields: Any = {"round": "ronda-1", "concerns": "report_draft", "version": 1, "parts": [], "langs": [], **past}
    world.say("RoundOpened", "importador:importer", **fields, printed=w.printed("round"))
    heard = {"round": "ronda-1", "version": 1, "about": "whole", "heard_at": "2015-09-25T18:08:00Z"}
    comment = {"salted_digest": w.digest_of("texto"), "channel": "report", "printed": w.printed("comment/1")}
    world.say("CommentTranscribed", "importador:importer", **heard, **comment)
    records = folded(world.entries)
    assert [one.late for _, one in records.scan(Comment)] == [False]


def test_a_rounds_state_follows_from_its_times() -> None:
    world = w.found()
    world.now_ms += 1000 - world.now_ms % 1000
    t = world.now_ms
    world.open_round(
        opens=format_when(t + DAY), closes=format_when(t + 2 * DAY), late="accept", late_until=format_when(t + 3 * DAY)
    )
    found = round_of(folded(world.entries))
    times = [0, DAY - 1, DAY, 2 * DAY - 1, 2 * DAY, 3 * DAY - 1, 3 * DAY]
    states = ["announced", "announced", "open", "open", "late", "late", "closed"]
    assert [state_at(found, t + after) for after in times] == states


def test_document_versions() -> None:
    world = w.found()
    world.open_round()
    world.say(
        "DocumentPublished",
        "copret:coordinator",
        round="ronda-1",
        version=2,
        document=w.digest_of("v2"),
        changes=[],
    )
    records = folded(world.entries)
    assert [one.version for _, one in records.scan(Document, prefix="ronda-1/")] == [1, 2]
    assert (round_of(records).version, round_of(records).document) == (2, w.digest_of("v2"))


# --- the public's turn


def turned() -> tuple[w.World, DictRecords]:
    """The history that `public_turn` tells, in a world of its own."""
    world = w.found()
    world.open_round()
    public_turn(world)
    return world, folded(world.entries)


def comments_of(records: DictRecords) -> list[Comment]:
    return [one for _, one in records.scan(Comment, prefix="ronda-1/")]


def test_every_comment_is_in_one_state_and_the_states_add_up() -> None:
    _, records = turned()
    assert [state_of(one) for one in comments_of(records)] == ["shown", "redacted", "erased"]
    found = round_of(records)
    counts = (found.shown, found.redacted, found.erased, found.withheld, found.withdrawn)
    assert counts == (1, 1, 1, 0, 0)
    assert sum(counts) == found.received


def test_an_act_of_moderation_says_what_became_of_it() -> None:
    world, records = turned()
    acts = [one for _, one in records.scan(ModerationAct)]
    assert [one.act for one in acts] == ["withheld", "restored", "redacted", "erased"]
    withheld, restored, redacted, erased = acts
    assert (withheld.organisations, withheld.ground, withheld.decision) == (("vigilante",), "hate", "overturned")
    assert (withheld.undone, redacted.undone) == (restored.index, None)
    assert erased.organisations == ("vigilante", "jurado")
    for place, kind in ((withheld.appealed, "ModerationAppealed"), (withheld.decided, "AppealDecided")):
        assert place is not None
        assert world.entries[place].opened.statement.kind == kind
    assert (round_of(records).appealed, round_of(records).overturned) == (1, 1)


def test_a_redaction_names_its_shorter_text() -> None:
    world, records = turned()
    second = comments_of(records)[1]
    assert second.redacted is not None
    opened = world.entries[second.redacted].opened
    assert (second.redaction_by, second.redaction) == (opened.identity, opened.statement.salted_digests()[0])
    moderated = records.get(Moderated, f"{second.identity}/{second.salted_digest}")
    assert moderated is not None
    assert (moderated.state, moderated.act, moderated.redaction) == ("redacted", second.redacted, second.redaction)


def test_endorsements_are_keys_and_can_be_taken_back() -> None:
    _, records = turned()
    assert [one.endorsed for one in comments_of(records)] == [1, 0, 0]
    assert round_of(records).endorsements == 1


def test_an_answer_has_its_delay_its_objection_and_its_change() -> None:
    world, records = turned()
    first, second, third = comments_of(records)
    assert round_of(records).first_answers == ((0, 2),)
    assert first.contested == second.contested
    assert first.contested is not None
    assert world.entries[first.contested].opened.statement.kind == "StatementContested"
    assert (third.contested, third.changed, second.changed) == (None, None, None)
    assert first.changed is not None
    assert world.entries[first.changed].opened.statement.kind == "DocumentPublished"


def test_a_closing_claim_stands_beside_what_the_record_gives() -> None:
    _, records = turned()
    found = records.get(Round, "ronda-2")
    assert found is not None
    assert (found.closed_count, found.closed_received) == (7, 0)
    assert (found.closed_size, found.closed) == (found.index + 1, found.index + 1)


def test_an_extension_moves_the_close() -> None:
    world, records = turned()
    found = round_of(records)
    assert found.extended is not None
    extended: Any = world.entries[found.extended].opened.statement
    assert format_when(found.closes_ms) == extended.closes


def test_an_erasure_is_final_and_a_restoration_does_not_undo_a_withdrawal() -> None:
    world = w.found()
    w.second_moderator(world)
    world.open_round()
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana")).opened
    target = {"statement": comment.identity, "salted_digest": comment.statement.salted_digests()[0]}
    until = format_when(world.now_ms + DAY)
    world.say("ContentWithheld", "vigilante:moderator", target=target, ground="spam", rule="1", appeal_until=until)
    world.say("StatementWithdrawn", "ana:citizen", statement=comment.identity)
    world.say("ContentRestored", "vigilante:moderator", target=target, words={"text": "No."})
    assert [state_of(one) for one in comments_of(folded(world.entries))] == ["withdrawn"]
    erased: Any = {"ground": "spam", "rule": "1", "stores": ["vault"]}
    world.say("ContentErased", "vigilante:moderator", "jurado:moderator", target=target, **erased)
    found = folded(world.entries)
    assert [state_of(one) for one in comments_of(found)] == ["erased"]
    assert (round_of(found).erased, round_of(found).withdrawn, round_of(found).withheld) == (1, 0, 0)


def test_a_round_has_its_notices() -> None:
    (notice,) = [one for _, one in folded().scan(Notice, prefix="ronda-1/")]
    assert (notice.medium, notice.day, notice.precision) == ("web", "2015-05-08", "day")

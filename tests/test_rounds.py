"""Rounds and comments: nothing is lost, whatever is withheld, withdrawn or answered."""

from typing import Any

import world as w
from storyline import story

from ledger.statement import Entry, format_when
from projections.records import DictRecords
from projections.replay import replay
from projections.rounds import Comment, Document, Response, Round, state_at

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


def test_a_comment_both_withheld_and_withdrawn_is_hidden_once() -> None:
    world = w.found()
    world.open_round()
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana"))
    world.say("StatementWithdrawn", "ana:citizen", statement=comment.opened.identity)
    target = {"statement": comment.opened.identity, "salted_digest": comment.opened.statement.salted_digests()[0]}
    appeal_until = format_when(world.now_ms + DAY)
    hidden = {"target": target, "ground": "spam", "rule": "1", "appeal_until": appeal_until}
    world.say("ContentWithheld", "vigilante:moderator", **hidden)
    found = round_of(folded(world.entries))
    assert (found.received, found.shown, found.withheld, found.withdrawn) == (1, 0, 1, 1)


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

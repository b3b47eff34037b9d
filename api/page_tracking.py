"""What became of a comment, by its code, and what its author or anybody may still do about it.

    /comentarios                 a field for the code; what was signed in this browser (static/mine-page.js)
    /comentarios/{code}          one comment: received, in the record, shown or not, answered, contested, what it led to

A code is the first 12 digits of the comment's identity, as its receipt prints them, or more of them; the number of its
entry leads there too. The page is for reading without scripts. With them its author withdraws, asks for erasure,
contests an answer or appeals, and others endorse (static/acts.js): each is a statement of its own, reviewed and signed
in the browser.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response

from api.names import msg
from api.page_commenting import TONGUES, comment_by, statement_by, words_of_script
from api.page_receipts import short_code, standing_of
from api.page_rounds import CODE_DIGITS, comment_words, round_words
from api.problems import Problem
from api.reading import LIST_PAGE, Reading, answer, line_of, redirect, statement_at
from ledger.statement import parse_when
from ledger.vocabulary import ContentErased, ContentRedacted, ContentWithheld
from projections.rounds import Comment, ModerationAct, Round, acts_on, state_at, state_of
from projections.rounds import Response as AnswerGiven

# Grounds on which an author asks for erasure, in the words of one who asks.
GROUNDS_TO_ASK = {
    "consent_withdrawn": msg("I do not want it to be published any more"),
    "personal_data": msg("It contains personal data"),
    "legal_order": msg("An authority has ordered it"),
}


def comments_page(reading: Reading) -> Response[bytes]:
    """A field for a code, which leads to its comment; and, by script, what was signed in this browser."""
    asked = reading.query.get("codigo", "")
    code = re.sub(r"[\s.#-]", "", asked).lower()
    found = comment_by(reading, code) if code else None
    if found is not None:
        return redirect(reading.place.to("comentarios", found.identity[:CODE_DIGITS]))
    # Whoever endorses, appeals or answers has a receipt with a code too.
    other = statement_by(reading, code) if code else None
    if other is not None:
        return redirect(reading.place.to("asientos", other))
    return answer(
        reading,
        "comments.html",
        404 if asked else 200,
        asked=asked,
        words_of_script=words_of_script(reading),
    )


def comment_page(reading: Reading) -> Response[bytes]:
    """One comment, and what became of it. Raises Problem (404)."""
    comment = comment_by(reading, reading.place.segments[1])
    round_ = reading.view.records.get(Round, comment.round) if comment else None
    if comment is None or round_ is None:
        raise Problem(404, "There is no comment with this code.")
    statement: Any = statement_at(reading, comment.index)
    author = statement.by[0]
    acts = moderation_of(reading, comment)
    return answer(
        reading,
        "tracking.html",
        comment=comment_words(reading, comment, round_),
        record=comment,
        round=round_words(reading, round_),
        code=short_code(comment.identity),
        state=state_of(comment),
        standing=standing_of(reading.reader.receipt(comment.index), reading.reader.published("policy")),
        acts=acts,
        answers=answers_of(reading, comment),
        due=due_of(reading, comment, round_),
        may=may_be_done(reading, comment, round_, acts),
        author_key=author.key if author.role == "citizen" else "",
        claim=statement.claim if isinstance(statement.claim, str) else "",
        plan=round_.plan,
        said_at={index: line_of(reading, reading.view.entry(index)) for index in spoken_at(comment, acts)},
        grounds={ground: reading.text(sentence) for ground, sentence in GROUNDS_TO_ASK.items()},
        tongues=TONGUES,
        words_of_script=words_of_script(reading),
    )


# --- what became of it -----------------------------------------------------------------------------------------------


def spoken_at(comment: Comment, told: Sequence["Act"]) -> set[int]:
    """The entries whose words the page shows beside what they did: appeals, decisions, restorations, objections."""
    acts = [act.record for act in told]
    found = {index for act in acts for index in (act.appealed, act.decided) if index is not None}
    found |= {act.index for act in acts if act.act == "restored"}
    return found | ({comment.contested} if comment.contested is not None else set())


class Act(msgspec.Struct, frozen=True):
    """An act of moderation as the page tells it: its record, the rule cited, who acted, and until when to appeal."""

    record: ModerationAct
    rule: str
    lang: str
    bodies: tuple[str, ...]
    until: str
    open: bool


def moderation_of(reading: Reading, comment: Comment) -> list[Act]:
    """What moderators did with a comment's text, in its order; of very many acts the last ones."""
    acts = acts_on(reading.view.records, comment.identity, comment.salted_digest, LIST_PAGE)
    return [told(reading, record) for record in reversed(acts)]


def told(reading: Reading, record: ModerationAct) -> Act:
    """An act of moderation as the page tells it."""
    statement: Any = statement_at(reading, record.index)
    until_ms = parse_when(record.appeal_until) if record.appeal_until else 0
    return Act(
        record=record,
        rule=statement.rule if isinstance(statement, ContentWithheld | ContentRedacted | ContentErased) else "",
        lang=statement.lang,
        bodies=tuple([reading.actor(slug) for slug in record.organisations]),
        until=reading.say.time(until_ms) if until_ms else "",
        open=record.appealed is None and record.undone is None and reading.now_ms < until_ms,
    )


def answers_of(reading: Reading, comment: Comment) -> list[dict[str, Any]]:
    """Each answer: its identity, and how many days it took."""
    prefix = f"{comment.round}/{comment.index:09d}/"
    return [
        {
            "index": given.index,
            "identity": given.identity,
            "days": (given.received_ms - comment.received_ms) // 86_400_000,
            "printed": given.printed,
        }
        for _, given in reading.view.records.scan(AnswerGiven, prefix=prefix, limit=LIST_PAGE)
    ]


def due_of(reading: Reading, comment: Comment, round_: Round) -> dict[str, Any]:
    """Until when an answer is owed, and whether that is over: in days, none if there is no such day."""
    if not round_.answer_by or comment.answered is not None:
        return {"day": "", "overdue": 0}
    end_ms = reading.reader.end_of(round_.answer_by)
    late = -((end_ms - reading.now_ms) // 86_400_000) if reading.now_ms >= end_ms else 0
    return {"day": reading.say.day(round_.answer_by), "overdue": late}


def may_be_done(reading: Reading, comment: Comment, round_: Round, acts: Sequence[Act]) -> dict[str, bool]:
    """Which acts the record would take now; whose they are the browser knows, and the record judges."""
    now = not reading.place.keep and not comment.printed
    state, phase = state_of(comment), state_at(round_, reading.now_ms)
    appeal = any(act.open for act in acts) and state in ("withheld", "redacted")
    return {
        "withdraw": now and comment.withdrawn is None and comment.erased is None,
        "erase": now and comment.erased is None and comment.erasure_asked is None,
        "contest": now and comment.answered is not None,
        "appeal": now and appeal,
        "endorse": now and state in ("shown", "redacted") and phase == "open",
        "reply": now and state in ("shown", "redacted") and phase in ("open", "late"),
    }

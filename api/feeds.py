"""Atom feeds: what happens in a round, a plan, a commitment; what bodies say, and moderators do (https://www.rfc-editor.org/rfc/rfc4287).

    GET /gt/consultas/{round}/atom.xml        opened, extended, comments, answers, moderation, counted: the last hundred
    GET /gt/comentarios/{code}/atom.xml       the comment, and each entry that changed something about it
    GET /gt/moderacion/atom.xml               every act of moderation: of texts, of captured files
    GET /gt/planes/{plan}/atom.xml            what is said of a plan and its commitments, without citizens' comments
    GET /gt/planes/{plan}/compromisos/{code}/atom.xml    the same of one commitment
    GET /gt/instituciones/{slug}/atom.xml     the same of the commitments that an institution answers for
    GET /gt/organizaciones/{slug}/atom.xml    what an organisation says, its offices and programs among it

The last five have a hundred entries each; `?antes=INDEX` goes on behind them (https://www.rfc-editor.org/rfc/rfc5005).

An entry's id is that of its statement for ever, as RFC 6920 writes a digest (`ni:///sha-256;…`), in every feed and
language; `updated` is the received time, so nothing looks new because a server was started. A feed has no clock.

A feed is copied by programs that nobody can call back: it names comments and quotes none of them. Words that officials
said in the open are quoted. Everything that XML cannot hold stands as its number (`api.phrasing.plain`).
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from litestar import Response
from msgspec import UNSET

from api import site
from api.comments import steps_of
from api.names import msg
from api.page_commenting import comment_by
from api.phrasing import iso, plain
from api.problems import Problem
from api.reading import Line, Reading, code_of, line_of
from ledger.statement import Entry
from ledger.tlog.note import format_base64
from ledger.vocabulary import OfContent, Target, Words, commitments_of
from projections.commitments import Commitment, PlanState
from projections.roll import Actor, HistoryLine, Known
from projections.rounds import ModerationAct, Round

ENTRIES = 100
MEDIA_TYPE = "application/atom+xml"


def round_feed(reading: Reading) -> Response[bytes]:
    """What happens in a round, the newest first."""
    name = reading.place.segments[1]
    found = reading.view.records.get(Round, name)
    if found is None:
        raise Problem(404, "There is no such consultation.")
    lines = reading.view.records.last(HistoryLine, f"round/{name}/", ENTRIES)
    return _feed(
        reading,
        reading.view.entry(found.index),
        reading.text(
            "Consultation %(round)s: %(heading)s", round=name, heading=reading.say.name("concerns", found.concerns)
        ),
        reading.place.segments[:2],
        [reading.view.entry(line.index) for line in lines],
        "round",
    )


def comment_feed(reading: Reading) -> Response[bytes]:
    """What became of a comment, the newest first."""
    comment = comment_by(reading, reading.place.segments[1])
    if comment is None:
        raise Problem(404, "There is no comment with this code.")
    steps = steps_of(reading.view, comment)[-ENTRIES:]
    return _feed(
        reading,
        reading.view.entry(comment.index),
        reading.text("What became of comment %(code)s", code=comment.identity[:12]),
        ("comentarios", comment.identity[:12]),
        [reading.view.entry(index) for index in reversed(steps)],
        "comment",
    )


def moderation_feed(reading: Reading) -> Response[bytes]:
    """Every act of moderation of the ledger, the newest first."""
    view = reading.view
    before = reading.number("antes", 0, view.size, view.size)
    found = view.records.last(ModerationAct, "moderation/", ENTRIES + 1, before)
    acts = found[:ENTRIES]
    return _feed(
        reading,
        view.entry(0),
        reading.text("Moderation"),
        reading.place.segments[:1],
        [view.entry(act.index) for act in acts],
        "moderation",
        acts[-1].index if len(found) > ENTRIES else None,
    )


# --- plans, commitments, bodies --------------------------------------------------------------------------------------

LOOKED_AT = 5_000
"""How many lines of histories a page of a feed looks at, at the most."""


def plan_feed(reading: Reading) -> Response[bytes]:
    """What is said of a plan, the newest first."""
    plan = reading.view.records.get(PlanState, reading.place.segments[1])
    if plan is None:
        raise Problem(404, "There is no such plan.")
    title = reading.text("Plan: %(title)s", title=plan.title)
    return _paged(reading, plan.index, title, f"plan-{plan.plan}", topics_of(reading, plan.plan), of_bodies)


def commitment_feed(reading: Reading) -> Response[bytes]:
    """What is said of a commitment, the newest first."""
    _, plan, _, code = reading.place.segments[:4]
    found = reading.view.records.get(Commitment, f"{plan}/{code}")
    if found is None:
        raise Problem(404, "There is no such commitment.")
    title = reading.text("Commitment %(code)s: %(title)s", code=code, title=found.title)
    return _paged(reading, found.index, title, "commitment", [found.commitment], of_bodies)


def institution_feed(reading: Reading) -> Response[bytes]:
    """What is said of the commitments of an institution, the newest first."""
    body = body_of(reading)
    topics = [
        key
        for plan, _ in reading.view.records.scan(PlanState)
        for key, one in reading.view.records.scan(Commitment, prefix=f"{plan}/")
        if one.institution == body.actor
    ]
    title = reading.text("Commitments of %(name)s", name=body.name)
    return _paged(reading, body.index, title, f"institution-{body.actor}", topics, of_bodies)


def organisation_feed(reading: Reading) -> Response[bytes]:
    """What an organisation says, the newest first."""
    body = body_of(reading)
    topics = [topic for plan, _ in reading.view.records.scan(PlanState) for topic in topics_of(reading, plan)]
    title = reading.text("What %(name)s says", name=body.name)
    by = said_by(reading, body.actor)
    return _paged(reading, body.index, title, f"organisation-{body.actor}", topics, by)


def body_of(reading: Reading) -> Actor:
    """The registered body that the address names. Raises Problem (404)."""
    found = reading.view.records.get(Actor, reading.place.segments[1])
    if found is None:
        raise Problem(404, "There is no such body.")
    return found


def topics_of(reading: Reading, plan: str) -> list[str]:
    """The histories of a plan: its own and those of its commitments."""
    return [f"plan/{plan}", *[key for key, _ in reading.view.records.scan(Commitment, prefix=f"{plan}/")]]


def of_bodies(line: HistoryLine) -> bool:
    """Is it said by an official or an assessor? Comments have feeds of their own, with their consultation."""
    return line.kind not in ("CommentSubmitted", "CommentTranscribed", "CommentEndorsed") and line.voice != "moderation"


def said_by(reading: Reading, organisation: str) -> Callable[[HistoryLine], bool]:
    """Whether a line was signed by an organisation, or by an office or program of it."""
    ours = {slug for slug, actor in reading.view.records.scan(Actor) if organisation in (slug, actor.of)}
    return lambda line: any(signer.rpartition(":")[0] in ours for signer in line.signers)


def newest_lines(
    reading: Reading, topics: Sequence[str], before: int, fits: Callable[[HistoryLine], bool], limit: int = ENTRIES
) -> tuple[list[HistoryLine], int | None]:
    """The newest lines below an index in any of these histories, each once; and below which index to go on, if at all.

    Lines are looked at one by one from the newest on, at most LOOKED_AT of them, however few fit.
    """
    found: list[HistoryLine] = []
    last = before
    merged = heapq.merge(*[_backwards(reading, topic, before) for topic in topics], key=lambda line: -line.index)
    for count, line in enumerate(merged, 1):
        if line.index != last:
            if len(found) == limit:
                return found, found[-1].index
            if fits(line):
                found.append(line)
        last = line.index
        if count == LOOKED_AT:
            return found, last
    return found, None


def _backwards(reading: Reading, topic: str, before: int) -> Iterator[HistoryLine]:
    """A history from the newest line on, read a few at a time."""
    while lines := reading.view.records.last(HistoryLine, f"{topic}/", 50, before):
        yield from lines
        before = lines[-1].index


def _paged(
    reading: Reading,
    index: int,
    title: str,
    of: str,
    topics: Sequence[str],
    fits: Callable[[HistoryLine], bool],
) -> Response[bytes]:
    """A page of a feed of what the entry `index` began."""
    before = reading.number("antes", 0, reading.view.size, reading.view.size)
    lines, following = newest_lines(reading, topics, before, fits)
    view = reading.view
    entries = [view.entry(line.index) for line in lines]
    return _feed(reading, view.entry(index), title, reading.place.segments[:-1], entries, of, following)


# --- a feed ----------------------------------------------------------------------------------------------------------


def _feed(
    reading: Reading,
    source: Entry,
    title: str,
    path: tuple[str, ...],
    entries: list[Entry],
    of: str,
    following: int | None = None,
) -> Response[bytes]:
    """The whole feed, of the thing that the statement `source` began; `following` is where its next page begins."""
    place = reading.place
    newest = entries[0].received_ms if entries else source.received_ms
    language = place.language
    first = place.base + place.to(*path, "atom.xml")
    antes = reading.query.get("antes", "")
    address = place.base + place.to(*path, "atom.xml", antes=antes) if antes else first
    more = place.base + place.to(*path, "atom.xml", antes=following)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(language)}>',
        f"<id>{identifier(source.opened.identity)}#{of}-{language}</id>",
        f"<title>{_safe(title)}</title>",
        f"<updated>{iso(newest)}</updated>",
        f"<author><name>{_safe(reading.view.ledger.origin)}</name></author>",
        f'<link rel="self" type="{MEDIA_TYPE}" href={quoteattr(address)}/>',
        f'<link rel="alternate" type="text/html" href={quoteattr(place.base + place.to(*path))}/>',
        *([f'<link rel="first" type="{MEDIA_TYPE}" href={quoteattr(first)}/>'] if antes else []),
        *([f'<link rel="next" type="{MEDIA_TYPE}" href={quoteattr(more)}/>'] if following else []),
        *[part for entry in entries for part in _entry(reading, entry)],
        "</feed>",
    ]
    headers = dict(site.HEADERS) | {"access-control-allow-origin": "*"}
    return Response("\n".join([*lines, ""]).encode(), media_type=MEDIA_TYPE, headers=headers)


def _entry(reading: Reading, entry: Entry) -> Iterator[str]:
    line = line_of(reading, entry)
    moment = iso(entry.received_ms)
    yield f"<entry><id>{identifier(line.identity)}</id>"
    yield f"<title>{_safe(title_of(reading, line))}</title>"
    yield f"<published>{moment}</published><updated>{moment}</updated>"
    yield f"<author><name>{_safe(_names(reading, line))}</name></author>"
    address = reading.place.base + reading.place.to("asientos", entry.index)
    yield f'<link rel="alternate" type="text/html" href={quoteattr(address)}/>'
    yield f'<content type="text">{_safe(chr(10).join(says(reading, line)))}</content></entry>'


def identifier(identity: str) -> str:
    """A statement's identity as an IRI: RFC 6920."""
    digest = format_base64(bytes.fromhex(identity)).rstrip("=").translate(str.maketrans("+/", "-_"))
    return f"ni:///sha-256;{digest}"


# What a statement says in one word; the list of names has the same name.
_SAYING = ("disposition", "decision", "position", "level", "seen", "objection", "screening", "resolution", "aspect")


def title_of(reading: Reading, line: Line) -> str:
    """What happened, in a few words."""
    statement: Any = line.statement
    kind = reading.say.name("kind", statement.kind)
    for field in _SAYING:
        code = getattr(statement, field, UNSET)
        if isinstance(code, str):
            kind = f"{kind}: {reading.say.name(field, code)}"
    return f"{kind} · {reading.text('record no. %(number)s', number=reading.say.number(line.index))}"


def says(reading: Reading, line: Line) -> Iterable[str]:
    """What the statement says that may be copied by anybody for ever: when, by whom, about what, on what ground."""
    statement: Any = line.statement
    say = reading.say
    yield reading.text(
        "%(who)s, %(when)s (%(offset)s)", who=_names(reading, line), when=say.time(line.received_ms), offset=say.offset
    )
    about = getattr(statement, "about", UNSET)
    if isinstance(about, str):
        yield reading.text("About: %(part)s", part=about)
    elif codes := [code_of(each) for each in commitments_of(statement)]:
        yield reading.text("Commitments: %(codes)s", codes=reading.say.listed(codes))
    if isinstance(statement, OfContent) and (target := target_of(reading, statement.target)):
        yield target
    ground = getattr(statement, "ground", UNSET)
    if isinstance(ground, str):
        yield reading.text("Ground: %(ground)s", ground=say.name("ground", ground))
    closes = getattr(statement, "closes", UNSET)
    if isinstance(closes, str):
        yield reading.text("It closes: %(when)s", when=say.when(closes))
    count = getattr(statement, "comment_count", UNSET)
    if isinstance(count, int):
        yield reading.texts("%(num)s comment counted", "%(num)s comments counted", count)
    for field in ("rule", "reason", "words"):
        words = getattr(statement, field, UNSET)
        text = words.text if isinstance(words, Words) else words
        if isinstance(text, str):
            yield text


def target_of(reading: Reading, target: Target) -> str:
    """What an act of moderation is about, without a word of it; nothing where the record does not know it."""
    known = reading.view.records.get(Known, target.statement)
    if known is None:
        return ""
    number = reading.say.number(known.index)
    if known.kind == "EvidenceCaptured":
        return reading.text(
            "Captured file: record no. %(number)s, SHA-256 %(digest)s", number=number, digest=target.salted_digest
        )
    return reading.text("The text: record no. %(number)s", number=number)


def _names(reading: Reading, line: Line) -> str:
    person = reading.say.words.gettext(PERSON)
    return reading.say.listed([signer.name or person for signer in line.signers])


PERSON = msg("A person, with their own key")


def _safe(text: str) -> str:
    return escape(plain(site.without_marks(text)))

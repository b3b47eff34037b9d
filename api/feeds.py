"""Atom feeds: what happens in a round, and what became of one comment (https://www.rfc-editor.org/rfc/rfc4287).

    GET /gt/consultas/{round}/atom.xml        opened, extended, comments, answers, moderation, counted: the last hundred
    GET /gt/comentarios/{code}/atom.xml       the comment, and each entry that changed something about it

An entry's id is that of its statement for ever, as RFC 6920 writes a digest (`ni:///sha-256;…`), in every feed and
language; `updated` is the received time, so nothing looks new because a server was started. A feed has no clock.

A feed is copied by programs that nobody can call back: it names comments and quotes none of them. Words that officials
said in the open are quoted. Everything that XML cannot hold stands as its number (`api.phrasing.plain`).
"""

from collections.abc import Iterable, Iterator
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
from api.reading import Line, Reading, line_of
from ledger.statement import Entry
from ledger.tlog.note import format_base64
from ledger.vocabulary import Words
from projections.roll import HistoryLine
from projections.rounds import Round

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
    )


def _feed(reading: Reading, source: Entry, title: str, path: tuple[str, ...], entries: list[Entry]) -> Response[bytes]:
    """The whole feed. It is of the thing that the statement `source` began."""
    place = reading.place
    newest = entries[0].received_ms if entries else source.received_ms
    language = place.language
    of = "comment" if path[0] == "comentarios" else "round"
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(language)}>',
        f"<id>{identifier(source.opened.identity)}#{of}-{language}</id>",
        f"<title>{_safe(title)}</title>",
        f"<updated>{iso(newest)}</updated>",
        f"<author><name>{_safe(reading.view.ledger.origin)}</name></author>",
        f'<link rel="self" type="{MEDIA_TYPE}" href={quoteattr(place.base + place.to(*path, "atom.xml"))}/>',
        f'<link rel="alternate" type="text/html" href={quoteattr(place.base + place.to(*path))}/>',
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


def title_of(reading: Reading, line: Line) -> str:
    """What happened, in a few words."""
    statement: Any = line.statement
    kind = reading.say.name("kind", statement.kind)
    for field, names in (("disposition", "disposition"), ("decision", "decision"), ("position", "position")):
        code = getattr(statement, field, UNSET)
        if isinstance(code, str):
            kind = f"{kind}: {reading.say.name(names, code)}"
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


def _names(reading: Reading, line: Line) -> str:
    person = reading.say.words.gettext(PERSON)
    return reading.say.listed([signer.name or person for signer in line.signers])


PERSON = msg("A person, with their own key")


def _safe(text: str) -> str:
    return escape(plain(site.without_marks(text)))

"""One reader's request, and how the record becomes the words of a page.

A `Reading` is the record at one tree size, the language, the address and the clock. From here come lines (a statement
ready to be read), lists in pages, and the answer: a template with what every page of a ledger needs. What a page says
of plans, rounds and reports stands in the modules that build on this one (`api/page_*.py`).
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec
from litestar import Response
from markupsafe import Markup
from msgspec import UNSET

from api import site
from api.names import msg
from api.phrasing import Phrasing, plain, shown
from api.problems import Problem
from api.record import Hidden, Reader, Shown, View
from api.site import Place
from ledger.statement import Entry
from ledger.vocabulary import (
    AppealDecided,
    CommentSubmitted,
    CommentTranscribed,
    OfContent,
    RemarkRecorded,
    Statement,
    Words,
    commitment_of,
)
from projections.commitments import Commitment, Indicator, PlanState
from projections.records import Record
from projections.roll import Actor, voice_of

R = TypeVar("R", bound=Record)

LIST_PAGE = 50
TIMELINE_PAGE = 50
MAX_LINKS = 100
MAX_SCAN = 500
MAX_MARKS = 500
MAX_QUERY = 200
MAX_REFS = 8
MAX_STRANGE = 5

# What other sites add to the addresses that are shared there: nobody filters by it.
_ADDED_ELSEWHERE = re.compile(r"utm_\w+|fbclid|gclid|mc_[ce]id|igshid")

# The lanes of a timeline, in this order.
VOICES = ("government", "civil_society", "irm", "evidence", "citizen")

Clock = Callable[[], int]
"""Milliseconds since 1970, UTC."""


class Reading(msgspec.Struct, frozen=True):
    """One reader's request: which record, in which words, from where, and what time it is for them."""

    reader: Reader
    view: View
    place: Place
    say: Phrasing
    query: Mapping[str, str]
    now_ms: int

    def text(self, message: str, **words: object) -> str:
        """A sentence of the catalogue with its words filled in."""
        return self.say.words.gettext(message) % words if words else self.say.words.gettext(message)

    def texts(self, singular: str, plural: str, n: int, **words: object) -> str:
        """The same in the plural form that `n` asks for."""
        return self.say.words.ngettext(singular, plural, n) % {"num": self.say.number(n), **words}

    def actor(self, slug: str) -> str:
        """The name of a body, or its slug where it is not registered."""
        found = self.view.records.get(Actor, slug)
        return found.name if found else slug

    def number(self, name: str, least: int, most: int, default: int) -> int:
        """A number from the query; a missing one is the default, one that makes no sense is an address that is not."""
        raw = self.query.get(name, "")
        if raw == "":
            return default
        if not (raw.isascii() and raw.isdigit() and len(raw) <= 15 and least <= int(raw) <= most):
            raise Problem(404, f"`{name}` is a number from {least} to {most}")
        return int(raw)

    def choice(self, name: str, among: Sequence[str]) -> str:
        """One of these from the query, or nothing."""
        raw = self.query.get(name, "")
        return raw if raw in among else ""

    @property
    def plans(self) -> list[tuple[str, PlanState]]:
        """The plans by their identifiers, and so by their years."""
        return list(self.view.records.scan(PlanState))

    @property
    def first_plan(self) -> str | None:
        """The plan that is meant where there is only one."""
        return next((key for key, _ in self.view.records.scan(PlanState, limit=1)), None)

    def to_commitment(self, subject: str) -> str:
        """The page of a commitment (of `gt-2014-2016/C8` or of a mechanism of it)."""
        plan, _, code = commitment_of(subject).partition("/")
        return self.place.to("planes", plan, "compromisos", code)

    def to_document(self, digest: str) -> str:
        """The document with this digest, or nothing where it is not kept here."""
        return self.place.raw("documentos", digest) if self.reader.documents.has(digest) else ""


# --- lines: one statement, ready to be read --------------------------------------------------------------------------


class Signed(msgspec.Struct, frozen=True):
    """Who signed: the body's name (None for a citizen) and the role."""

    name: str | None
    role: str


class Line(msgspec.Struct, frozen=True):
    """One entry of the ledger as a page shows it."""

    index: int
    received_ms: int
    identity: str
    statement: Statement
    signers: tuple[Signed, ...]
    printed: bool
    lane: str


def line_of(reading: Reading, entry: Entry) -> Line:
    """An entry as a line."""
    statement = entry.opened.statement
    signers = tuple(
        Signed(reading.actor(signer.actor) if isinstance(signer.actor, str) else None, signer.role)
        for signer in statement.by
    )
    return Line(
        index=entry.index,
        received_ms=entry.received_ms,
        identity=entry.opened.identity,
        statement=statement,
        signers=signers,
        printed=printed_of(statement) is not None,
        lane=lane_of(reading, statement),
    )


def printed_of(statement: Statement) -> Any:
    """Where an imported statement stands in its source; None for a signed one."""
    found = getattr(statement, "printed", UNSET)
    return None if found is UNSET else found


def lane_of(reading: Reading, statement: Statement) -> str:
    """The lane of a timeline in which a statement stands: a voice, or that it is evidence, or the public's own."""
    if statement.kind in ("EvidenceLinked", "EvidenceCaptured", "EvidenceChecked"):
        return "evidence"
    if isinstance(statement, CommentSubmitted | CommentTranscribed | OfContent | AppealDecided):
        return "citizen"
    if isinstance(statement, RemarkRecorded):  # the coordinator records it; the voice is the speaker's
        speaker = reading.view.records.get(Actor, statement.speaker)
        voice = "civil_society" if speaker is not None and speaker.form == "organisation" else "government"
        return "irm" if statement.speaker == "irm" else voice
    voice = voice_of(reading.view.records, statement)
    return voice if voice in VOICES else "government"


class Said(msgspec.Struct, frozen=True):
    """Words as far as they are public: the text, or that they are withheld, or neither."""

    text: str | None
    hidden: bool = False


def words_of(reading: Reading, words: Words | str, identity: str) -> Said:
    """Words in the open, or what the vault shows now under their salted digest."""
    if isinstance(words, Words) and isinstance(words.text, str):
        return Said(words.text)
    salted = words.salted_digest if isinstance(words, Words) else words
    assert isinstance(salted, str)
    found = reading.view.content(identity, salted)
    if isinstance(found, Shown):
        return Said(found.content.text if isinstance(found.content.text, str) else None)
    return Said(None, hidden=isinstance(found, Hidden))


# --- lists in pages --------------------------------------------------------------------------------------------------


class Pages(msgspec.Struct, frozen=True):
    """Where a page of a list stands. Addresses are None at either end; `number` is 0 where pages are not counted."""

    before: str | None
    after: str | None
    number: int = 0
    count: int = 0
    total: int = 0
    start: int = 0
    stop: int = 0


def pages_of(reading: Reading, total: int, size: int, **query: str) -> Pages:
    """The page that the query asks for (`pagina=2`), of a list of `total` members."""
    count = max(1, -(-total // size))
    number = reading.number("pagina", 1, count, 1)

    def to(page: int) -> str:
        kept = {name: value for name, value in query.items() if value}
        return reading.place.to(*reading.place.segments, **kept, pagina=page)

    return Pages(
        before=to(number - 1) if number > 1 else None,
        after=to(number + 1) if number < count else None,
        number=number,
        count=count,
        total=total,
        start=(number - 1) * size,
        stop=min(total, number * size),
    )


def after_index(reading: Reading, kind: type[R], topic: str, size: int, anchor: str = "") -> tuple[list[R], Pages]:
    """The records of a topic, oldest first, from the index that the query names on (`desde=812`).

    Such a list is read by key, so that a page costs the same however long the list is; nobody counts it.
    """
    start = reading.number("desde", 0, reading.view.size, 0)
    prefix = f"{topic}/"
    found = list(reading.view.records.scan(kind, prefix=prefix, after=f"{prefix}{start:09d}", limit=size + 1))
    if start == 0:  # nothing has the index 0 but the founding, which is in no such list
        found = list(reading.view.records.scan(kind, prefix=prefix, limit=size + 1))
    shown_ones = found[:size]
    place = reading.place
    return [record for _, record in shown_ones], Pages(
        before=place.to(*place.segments) + anchor if start else None,
        after=place.to(*place.segments, desde=int(shown_ones[-1][0][-9:])) + anchor if len(found) > size else None,
    )


# --- commitments and statements in passing ---------------------------------------------------------------------------


def in_order(commitments: Sequence[Commitment]) -> list[Commitment]:
    """The government's first, then by letter and number."""
    return sorted(commitments, key=lambda one: (one.proposer != "government", one.number, one.commitment))


def code_of(identifier: str) -> str:
    """`gt-2014-2016/C8` -> `C8`."""
    return identifier.partition("/")[2]


def member_of(reading: Reading, commitment: Commitment) -> dict[str, Any]:
    """A commitment in a list: code, title, address."""
    return {
        "code": code_of(commitment.commitment),
        "title": commitment.title,
        "lang": commitment.lang,
        "href": reading.to_commitment(commitment.commitment),
    }


def statement_at(reading: Reading, index: int | None) -> Statement | None:
    """The statement of an entry that a record names."""
    return None if index is None else reading.view.entry(index).opened.statement


def refers_to(reading: Reading, statement: Statement) -> list[int]:
    """The indexes of the earlier statements that one names: what an answer answers, what a capture captured."""
    named: list[str] = []
    for field in statement.refs:
        value: Any = getattr(statement, field, UNSET)
        named += [value] if isinstance(value, str) else [] if value is UNSET else value
    target: Any = getattr(statement, "target", UNSET)
    named += [target.statement] if target is not UNSET else []
    found = [reading.view.index_of(identity) for identity in named[:MAX_REFS]]
    return [index for index in found if index is not None]


def lower(reading: Reading, level: str) -> str:
    """The name of a level inside a sentence."""
    return reading.say.name("level", level).lower()


# --- answering -------------------------------------------------------------------------------------------------------


def not_taken(reading: Reading, filters: Mapping[str, str]) -> list[str]:
    """What the address asks for and the page leaves out, in sentences: names that are no filter of it, and values that
    a filter has not. `filters` is what was understood, by name. Unsaid, everything would pass for the answer."""
    known = filters.keys() | {"at", "as_of", "pagina"}
    asked = {name: value.strip() for name, value in reading.query.items() if not _ADDED_ELSEWHERE.fullmatch(name)}
    strange = [
        reading.text(
            "No filter of this page is called “%(name)s”; what follows is shown without it. There are: %(known)s.",
            name=plain(name),
            known=reading.say.listed(list(filters)),
        )
        for name in asked
        if name not in known
    ]
    strange += [
        reading.text(
            "“%(value)s” is none of the values of the filter “%(name)s”; what follows is shown without it.",
            value=plain(asked[name]),
            name=name,
        )
        for name, understood in filters.items()
        if asked.get(name) and asked[name] != understood
    ]
    return strange[:MAX_STRANGE]


def answer(
    reading: Reading, template: str, status: int = 200, *, filters: Mapping[str, str] | None = None, **words: Any
) -> Response[bytes]:
    """A page of the ledger: what every one of its templates may use, and the words of this one.

    `filters`: of a page that filters, what it understood of the address, by name; the rest is said (`not_taken`).
    """
    view = reading.view

    def actor(slug: str) -> Markup:
        return shown(reading.actor(slug))

    def brief(slug: str) -> Markup:
        return site.brief(reading.actor(slug))

    def indicator(slug: str) -> Markup:
        found = view.records.get(Indicator, slug)
        return shown(found.title, found.lang) if found else shown(slug)

    def disputed(index: int) -> bool:
        return view.dispute(index) is not None

    return site.page(
        template,
        reading.place,
        reading.say,
        status,
        sections(reading.say, [key for key, _ in view.records.scan(PlanState, limit=2)]),
        view={
            "origin": view.ledger.origin,
            "size": view.size,
            "root": view.checkpoint.root.hex(),
            "root64": base64.b64encode(view.checkpoint.root).decode(),
            "received_ms": view.as_of_ms,
            "historical": bool(reading.place.keep),
            "asks_witnesses": reading.reader.asks_witnesses,
            "witnessed": _witnessed(reading),
        },
        purpose=view.ledger.purpose,
        not_taken=not_taken(reading, filters) if filters is not None else [],
        actor=actor,
        brief=brief,
        indicator=indicator,
        disputed=disputed,
        refers_to=partial(refers_to, reading),
        commitment_href=reading.to_commitment,
        document_href=reading.to_document,
        words_of=partial(words_of, reading),
        **words,
    )


def _witnessed(reading: Reading) -> dict[str, Any] | None:
    """The newest head with its quorum of witnesses: how many entries it covers, who cosigned it and when."""
    found = reading.reader.witnessed
    if found is None:
        return None
    return {
        "size": found.head.size,
        "covers": found.head.size >= reading.view.size,
        "cosignatures": [{"name": each.name, "ms": each.time * 1000} for each in found.cosignatures],
    }


def sections(say: Phrasing, plans: Sequence[str]) -> tuple[tuple[tuple[str, ...], str], ...]:
    """The menu: the path of each entry and its name. It leads to the plan, or to all where there are several."""
    found: list[tuple[tuple[str, ...], str]] = [
        (("consultas",), msg("Consultations")),
        (("reuniones",), msg("Meetings")),
        (("informes",), msg("Published reports")),
        (("verificar",), msg("Verify")),
        (("asientos",), msg("Entries")),
        (("acerca",), msg("About")),
    ]
    if plans:
        found.insert(0, (("planes",), msg("Plans")) if len(plans) > 1 else (("planes", plans[0]), msg("Plan")))
    return tuple((path, say.words.gettext(name)) for path, name in found)


def redirect(path: str) -> Response[bytes]:
    """See there."""
    return Response(b"", status_code=303, headers={**site.HEADERS, "location": path}, media_type="text/plain")

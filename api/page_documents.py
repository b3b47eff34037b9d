"""The page of a consulted document: by parts, each with what was said about it, and what its versions differ in.

    /gt/consultas/<round>/documento               the version that is consulted now
    …?version=1                                   an earlier one
    …?version=2&comparar=1                        what version 2 changed, by part
    …?parte=acceso                                leads to that part (for a form without scripts)

The file is read from the ledger's `documents/` by the digest that the statement of its version names (api.documents);
a text is laid out by parts (api.consulted), anything else is offered as a file. The round names its parts, in a signed
statement; the document marks them. Where the two differ the page says so.
"""

import threading
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from litestar import Response
from msgspec import UNSET

from api.consulted import Consulted, Section, changes_between, html_of, read_document
from api.names import POSITIONS
from api.page_rounds import CODE_DIGITS, round_words
from api.problems import Problem
from api.reading import LIST_PAGE, Reading, answer, code_of, redirect, statement_at
from api.record import Reader, View
from ledger.vocabulary import DocumentPublished
from projections.records import index_key
from projections.rounds import Comment, Document, Round, state_at

# Versions that a page lists; a consultation has a handful.
MAX_VERSIONS = 100
WHOLE = "whole"

# --- how much was said about each part -------------------------------------------------------------------------------


class _Said:
    """What the comments of one round are about, in the order of their indexes: compact, and only ever added to."""

    def __init__(self) -> None:
        self.indexes = array("q")
        self.which = array("L")
        self.pairs: dict[tuple[str, str], int] = {}  # (about, position) -> its number


class Tallies:
    """Comments by what they are about and by position, for every view. Any thread may ask.

    Records are read once: a question costs what came since the last one, however long the round is.
    """

    def __init__(self) -> None:
        self._rounds: dict[str, _Said] = {}
        self._lock = threading.Lock()

    def counts(self, view: View, round_: str) -> dict[str, Counter[str]]:
        """About -> position ("" for none) -> comments, as of the view. Withheld and erased ones count as well."""
        with self._lock:
            said = self._rounds.setdefault(round_, _Said())
            if not said.indexes or said.indexes[-1] < view.size:
                self._read(view, round_, said)
            stop = bisect_left(said.indexes, view.size)
            numbers = Counter(said.which[:stop])
            pairs = tuple(said.pairs)
        found: dict[str, Counter[str]] = {}
        for number, count in numbers.items():
            about, position = pairs[number]
            found.setdefault(about, Counter())[position] = count
        return found

    def _read(self, view: View, round_: str, said: _Said) -> None:
        after = index_key(round_, said.indexes[-1]) if said.indexes else f"{round_}/"
        for _, comment in view.records.scan(Comment, prefix=f"{round_}/", after=after):
            said.indexes.append(comment.index)
            pair = comment.about, comment.position
            said.which.append(said.pairs.setdefault(pair, len(said.pairs)))


_TALLIES: WeakKeyDictionary[Reader, Tallies] = WeakKeyDictionary()


def tallies_of(reader: Reader) -> Tallies:
    """The tallies of a ledger's reader."""
    return _TALLIES.setdefault(reader, Tallies())


def spoken(reading: Reading, counts: Mapping[str, int]) -> dict[str, Any]:
    """How much was said, as the page says it: the number, and by position in the order of the names."""
    say = reading.say
    by_position = [
        f"{say.name('position', name)}: {say.number(counts[name])}" for name in POSITIONS if counts.get(name)
    ]
    if by_position and counts.get(""):
        by_position.append(reading.text("No position: %(count)s", count=say.number(counts[""])))
    return {"count": sum(counts.values()), "by_position": by_position}


# --- the page --------------------------------------------------------------------------------------------------------


def document_page(reading: Reading) -> Response[bytes]:
    """The consulted document by parts, or the file where it is no text; its versions, and what they changed."""
    name = reading.place.segments[1]
    found = reading.view.records.get(Round, name)
    if found is None:
        raise Problem(404, "There is no such consultation.")
    versions = [one for _, one in reading.view.records.scan(Document, prefix=f"{name}/", limit=MAX_VERSIONS)]
    chosen = _version(reading, versions, "version", found.version)
    query = {"version": chosen.version} if chosen.version != found.version else {}
    if asked := reading.choice("parte", [part for part, _ in found.parts]):
        return redirect(reading.place.to(*reading.place.segments, **query) + f"#{anchor(asked)}")
    laid_out = text_of_version(reading, chosen)
    current = chosen.version == found.version and reading.view.newest
    counts = tallies_of(reading.reader).counts(reading.view, name)
    return answer(
        reading,
        "document.html",
        round=round_words(reading, found),
        version=chosen.version,
        current=found.version,
        document=chosen,
        opening=_opening(laid_out),
        stretches=_parts(reading, found, laid_out, counts),
        laid_out=laid_out is not None,
        missing=_missing(found, laid_out),
        unknown=[] if laid_out is None else [slug for slug in laid_out.parts if slug not in dict(found.parts)],
        others=_others(reading, found, counts),
        versions=[_version_words(reading, one, versions) for one in reversed(versions)],
        comparison=_comparison(reading, versions, chosen, laid_out),
        may_comment=current and not found.printed and state_at(found, reading.now_ms) in ("open", "late"),
        to_round=reading.place.to("consultas", name),
        to_here=reading.place.to(*reading.place.segments),
    )


def anchor(part: str) -> str:
    """Where a part begins on the page."""
    return f"parte-{part}"


def _version(reading: Reading, versions: Sequence[Document], field: str, default: int) -> Document:
    wanted = reading.number(field, 1, 9_999, default)
    for one in versions:
        if one.version == wanted:
            return one
    raise Problem(404, f"This consultation has no version {wanted} of its document.")


def text_of_version(reading: Reading, document: Document) -> Consulted | None:
    """A version laid out by parts; None where the file is not here, or is no text."""
    kept = reading.reader.documents.read(document.document) if document.document else None
    if kept is None or kept.media_type != "text/plain":
        return None
    try:
        return read_document(kept.content)
    except ValueError:
        return None


def _opening(laid_out: Consulted | None) -> dict[str, Any]:
    """The document's own title, and what stands before its first heading."""
    if laid_out is None:
        return {"title": "", "html": ""}
    first = next((one for one in laid_out.sections[:1] if not one.part and not one.title), None)
    return {"title": laid_out.title, "html": html_of(first.blocks, 2) if first else ""}


def _parts(
    reading: Reading, found: Round, laid_out: Consulted | None, counts: Mapping[str, Mapping[str, int]]
) -> list[dict[str, Any]]:
    """What the page goes through: the sections of the text, then the parts that only the round names."""
    titles = dict(found.parts)
    sections = [one for one in laid_out.sections if one.part or one.title] if laid_out else []
    named = {one.part for one in sections}
    sections += [Section(part, title, 2, ()) for part, title in found.parts if part not in named]
    return [
        {
            "part": one.part if one.part in titles else "",
            "anchor": anchor(one.part) if one.part else "",
            "title": one.title or titles.get(one.part, one.part),
            "html": html_of(one.blocks, 3),
            "said": spoken(reading, counts.get(one.part, {})) if one.part in titles else None,
            **_doors(reading, found, one.part),
        }
        for one in sections
    ]


def _doors(reading: Reading, found: Round, about: str) -> dict[str, str]:
    """Where one comments on a part, and where one reads what others said of it."""
    place = reading.place
    return {
        "to_comment": place.to("consultas", found.round, "comentar", parte=about),
        "to_comments": place.to("consultas", found.round, sobre=about) + "#resultados",
    }


def _missing(found: Round, laid_out: Consulted | None) -> list[dict[str, str]]:
    """The parts that the round names and the text does not mark."""
    marked = frozenset[str]() if laid_out is None else frozenset(laid_out.parts)
    return [{"part": part, "title": title} for part, title in found.parts if laid_out and part not in marked]


def _others(reading: Reading, found: Round, counts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """What was said about no part: about the whole, about commitments, and about parts that nobody defined."""
    commitments = sorted(about for about in counts if "/" in about)
    return {
        "whole": {"said": spoken(reading, counts.get(WHOLE, {})), **_doors(reading, found, WHOLE)},
        "commitments": [
            {
                "code": code_of(about),
                "href": reading.to_commitment(about),
                "said": spoken(reading, counts[about]),
                **_doors(reading, found, about),
            }
            for about in commitments[:LIST_PAGE]
        ],
        "more": max(0, len(commitments) - LIST_PAGE),
    }


def _version_words(reading: Reading, document: Document, versions: Sequence[Document]) -> dict[str, Any]:
    """A version with what its statement says it changed, and the comments that each change answers."""
    stated = statement_at(reading, document.index)
    changes = stated.changes if isinstance(stated, DocumentPublished) else ()
    lang = stated.lang if stated is not None and stated.lang is not UNSET else None
    before = max((one.version for one in versions if one.version < document.version), default=None)
    place = reading.place
    return {
        "version": document.version,
        "index": document.index,
        "digest": document.document,
        "printed": document.printed,
        "href": place.to(*place.segments, version=document.version),
        "lang": lang,
        "changes": [
            {
                "text": change.text,
                "comments": [
                    {"index": index, "href": place.to("comentarios", identity[:CODE_DIGITS])}
                    for identity in change.comments[:LIST_PAGE]
                    if (index := reading.view.index_of(identity)) is not None
                ],
                "more": max(0, len(change.comments) - LIST_PAGE),
            }
            for change in changes
        ],
        "compare": place.to(*place.segments, version=document.version, comparar=before) + "#cambios" if before else "",
        "before": before,
    }


def _comparison(
    reading: Reading, versions: Sequence[Document], chosen: Document, laid_out: Consulted | None
) -> dict[str, Any] | None:
    """What the chosen version changed since the one asked for; `changes` is None where they cannot be compared here."""
    if not reading.query.get("comparar"):
        return None
    older = _version(reading, versions, "comparar", chosen.version)
    before = text_of_version(reading, older)
    changes = changes_between(before, laid_out) if before is not None and laid_out is not None else None
    return {
        "older": older.version,
        "newer": chosen.version,
        "comparable": before is not None and laid_out is not None,
        "changes": None if changes is None else [one._asdict() for one in changes if one.fate != "same"],
        "same": 0 if changes is None else sum(one.fate == "same" for one in changes),
    }

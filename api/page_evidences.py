"""The list of all evidence: what was linked for the plans of a ledger, each with its best grade and what is the matter.

    /gt/evidencia                     everything, the newest link first
    /gt/evidencia?estado=gone         what is no longer there; also not captured, disputed, shared, …
    /gt/evidencia?grado=1&q=acta      links alone, by words of the title, the address or the commitment

Grades and marks are those of the plan's matrix at the view (`Reader.matrix`), so the list says what the pages of
commitments say. A piece that serves several mechanisms has here the best of its grades.
"""

from typing import Any

import msgspec
from litestar import Response

from api.phrasing import folded
from api.reading import LIST_PAGE, Reading, answer, code_of, pages_of
from api.standings import MARKS, item_words
from projections.evidence import Evidence
from projections.records import index_key

GRADES = ("0", "1", "2", "3", "4")


class Piece(msgspec.Struct, kw_only=True):
    """A link over all that it is for: its best grade, all marks, its commitments by title."""

    link: int
    grade: int = 0
    marks: set[str] = msgspec.field(default_factory=set[str])
    commitments: dict[str, str] = msgspec.field(default_factory=dict[str, str])


def pieces_of(reading: Reading) -> list[Piece]:
    """Everything that was linked, the newest first."""
    view = reading.view
    found: dict[int, Piece] = {}
    for plan, _ in reading.plans:
        for row in reading.reader.matrix(plan, view.size, view.day).rows:
            for grade in (grade for mechanism in row.standing.mechanisms for grade in mechanism.grades):
                piece = found.setdefault(grade.link, Piece(link=grade.link))
                piece.grade = max(piece.grade, grade.grade)
                piece.marks |= set(grade.marks)
                piece.commitments[row.commitment] = row.title
    return [found[link] for link in sorted(found, reverse=True)]


def evidences_page(reading: Reading) -> Response[bytes]:
    """All evidence, with filters that work together: plan, what is the matter, grade, words."""
    pieces = pieces_of(reading)
    plans = dict(reading.plans)
    states = [mark for mark in MARKS if any(mark in piece.marks for piece in pieces)]
    chosen = {
        "q": reading.query.get("q", "").strip(),
        "estado": reading.choice("estado", states),
        "grado": reading.choice("grado", GRADES),
        "plan": reading.choice("plan", tuple(plans)),
    }
    words = folded(chosen["q"]).split()

    def fits(piece: Piece) -> bool:
        if chosen["estado"] and chosen["estado"] not in piece.marks:
            return False
        if chosen["plan"] and not any(one.startswith(f"{chosen['plan']}/") for one in piece.commitments):
            return False
        if chosen["grado"] not in ("", str(piece.grade)):
            return False
        return not words or all(word in text_of(reading, piece) for word in words)

    found = [piece for piece in pieces if fits(piece)]
    pages = pages_of(reading, len(found), LIST_PAGE, **chosen)
    return answer(
        reading,
        "evidences.html",
        filters=chosen,
        chosen=chosen,
        filtered=any(chosen.values()),
        states=[(mark, reading.text(MARKS[mark]), sum(mark in piece.marks for piece in pieces)) for mark in states],
        grades=[(grade, sum(str(piece.grade) == grade for piece in pieces)) for grade in GRADES],
        plans=[(key, plan.title) for key, plan in plans.items()],
        found=len(found),
        total=len(pieces),
        rows=[row_of(reading, piece, several=len(plans) > 1) for piece in found[pages.start : pages.stop]],
        pages=pages,
    )


def evidence_at(reading: Reading, piece: Piece) -> Evidence:
    """What the record keeps of it, for the first of its commitments."""
    evidence = reading.view.records.get(Evidence, index_key(min(piece.commitments), piece.link))
    assert evidence is not None
    return evidence


def text_of(reading: Reading, piece: Piece) -> str:
    """The words in which a search looks."""
    evidence = evidence_at(reading, piece)
    names = [f"{code_of(identifier)} {title}" for identifier, title in piece.commitments.items()]
    return folded(" ".join([evidence.title, evidence.url, evidence.shows, evidence.publisher, *names]))


def row_of(reading: Reading, piece: Piece, *, several: bool) -> dict[str, Any]:
    """A piece as the list shows it; where there are several plans, a code says of which."""
    return {
        **item_words(reading, evidence_at(reading, piece)),
        "grade": piece.grade,
        "marks": [reading.text(label) for mark, label in MARKS.items() if mark in piece.marks],
        "commitments": [
            {
                "code": identifier if several else code_of(identifier),
                "title": title,
                "href": reading.to_commitment(identifier),
            }
            for identifier, title in sorted(piece.commitments.items())
        ],
    }

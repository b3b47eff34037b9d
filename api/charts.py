"""Pictures of levels that are tables first: what is drawn is computed here, and `templates/charts.html` draws it.

    dumbbell(marks)          what each voice says of one commitment, on the scale of five, and the line from what is
                             reported to what is evidenced
    heat(voices, cells)      who disagrees with whom and how often, as rows of a square
    over_time(points, n)     counts by level at several moments, as columns of stacked pieces
    width(n, of)             a bar: n of so many, in thousandths

Every picture is a table with words and numbers in it, so that it can be read aloud, at 320 pixels, on paper and without
colour; what is drawn beside them is small SVG without any text, because a scaled text becomes too small to read. A
voice is a shape and a letter, a level a mark, a word and its number, a shade a pattern and a figure: colour adds
nothing that they do not say. No script, no request: everything stands in the page.

Nothing here knows a language, a page or the record.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

SCALE = ("no_evidence_available", "not_started", "limited", "substantial", "complete")
"""The scale from left to right. The first two have the same number: nothing shown, and nothing begun."""

VOICES = ("government", "civil_society", "irm", "evidence")
"""Who speaks, always in this order: Reports, Observes, IRM, Evidence."""

LETTERS: Mapping[str, str] = {"government": "R", "civil_society": "O", "irm": "I", "evidence": "E"}
"""Their first letters, the same in Spanish and English; each stands in a shape of its own."""

SHADES = 5
"""Patterns from faint to solid; 0 is none."""

# --- one commitment on the scale -------------------------------------------------------------------------------------


class Mark(msgspec.Struct, frozen=True):
    """A voice at a level. `name` is whose voice it is: a body, or the voice itself."""

    voice: str
    name: str
    level: str


class Step(msgspec.Struct, frozen=True):
    """A place of the scale: the voices there, in their order, and which part of the line crosses it.

    `line` is "" (none), "right" or "left" (it begins here and goes there), or "through".
    """

    level: str
    marks: tuple[Mark, ...]
    line: str


def dumbbell(marks: Iterable[Mark], ordinals: Mapping[str, int]) -> tuple[Step, ...]:
    """The five places of the scale. The line joins `government` and `evidence` where their numbers differ."""
    known = sorted(marks, key=lambda mark: VOICES.index(mark.voice))
    at = {mark.voice: mark.level for mark in known}
    reported, evidenced = at.get("government"), at.get("evidence")
    ends = range(0)
    if reported and evidenced and ordinals[reported] != ordinals[evidenced]:
        first, last = sorted((SCALE.index(reported), SCALE.index(evidenced)))
        ends = range(first, last + 1)
    return tuple(
        Step(level, tuple(mark for mark in known if mark.level == level), _part(place, ends))
        for place, level in enumerate(SCALE)
    )


def _part(place: int, ends: range) -> str:
    if place not in ends:
        return ""
    return "right" if place == ends[0] else "left" if place == ends[-1] else "through"


# --- who disagrees with whom -----------------------------------------------------------------------------------------


class Compared(Protocol):
    """Two voices, compared over the commitments of which both say a level."""

    @property
    def a(self) -> str: ...
    @property
    def b(self) -> str: ...
    @property
    def compared(self) -> int: ...
    @property
    def differ(self) -> int: ...
    @property
    def a_above(self) -> int: ...
    @property
    def b_above(self) -> int: ...
    @property
    def sum_abs(self) -> int: ...


class Square(msgspec.Struct, frozen=True):
    """What the voice of the row (`row`) and that of the column differ in. `above`: the row's level is the higher one.

    `steps` is the sum of the distances; `shade` goes from 0 (nowhere, or nothing to compare) to SHADES.
    """

    row: str
    column: str
    compared: int
    differ: int
    above: int
    below: int
    steps: int
    shade: int


def heat(voices: Sequence[str], cells: Iterable[Compared]) -> tuple[tuple[Square | None, ...], ...]:
    """A row for each voice, with a square for each voice; None on the diagonal and where two were never compared."""
    found: dict[tuple[str, str], Square] = {}
    for cell in cells:
        shade = shade_of(cell.differ, cell.compared)
        a, b = cell.a, cell.b
        found[a, b] = Square(a, b, cell.compared, cell.differ, cell.a_above, cell.b_above, cell.sum_abs, shade)
        found[b, a] = Square(b, a, cell.compared, cell.differ, cell.b_above, cell.a_above, cell.sum_abs, shade)
    return tuple(tuple(found.get((a, b)) if a != b else None for b in voices) for a in voices)


def shade_of(n: int, of: int) -> int:
    """How dark `n` of so many is, in fifths: 0 for none, and rounded up, so that one difference is never nothing."""
    return -(-SHADES * n // of) if of else 0


# --- counts over time ------------------------------------------------------------------------------------------------


class Piece(msgspec.Struct, frozen=True):
    """A part of a column, all in thousandths of the picture; `y` counts from above."""

    level: str
    x: int
    y: int
    width: int
    height: int


def over_time(points: Sequence[Mapping[str, int]], of: int) -> tuple[Piece, ...]:
    """A column for each moment, the highest level at the bottom; what nobody spoke of stays empty.

    `points` count by level, of at most `of` in all. Columns leave a quarter of their pitch free.
    """
    pieces: list[Piece] = []
    for place, counts in enumerate(points):
        left, right = 1000 * place // len(points), 1000 * (place + 1) // len(points)
        below = 0
        for level in reversed(SCALE):
            count = counts.get(level, 0)
            low, high = 1000 * below // of if of else 0, 1000 * (below + count) // of if of else 0
            if count:
                pieces.append(Piece(level, left, 1000 - high, max(1, (right - left) * 3 // 4), high - low))
            below += count
    return tuple(pieces)


def percent(thousandths: int) -> str:
    """A length for SVG: 125 -> 12.5%."""
    return f"{thousandths // 10}.{thousandths % 10}%"


# --- bars ------------------------------------------------------------------------------------------------------------


def width(n: int, of: int) -> int:
    """A bar of `n` out of so many, in thousandths; whatever is not nothing can be seen."""
    return max(4, 1000 * n // of) if n and of else 0

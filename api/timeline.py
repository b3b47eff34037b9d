"""The levels of a commitment through time, one lane for each voice: drawn as a table, from top to bottom.

    lay_out(changes, bands) -> rows      what stands in each lane after each moment, ready for templates/timeline.html

A picture that is a table first can be read aloud, at 320 pixels, on paper and without colour; nothing is scaled and no
script is asked. A row is a moment at which some voice said another level. In each lane it holds what was said there and
then, or how that lane goes on: `before` (it has said nothing yet) or `on` (what it said last still stands). What
happened around the plan (a context that was noted, a change of office) lies across all lanes as a band, where it began.

Nothing here knows a language, a page or the record.
"""

from collections.abc import Iterable

import msgspec

VOICES = ("government", "civil_society", "irm", "evidence")
"""The lanes, always in this order: Reports, Observes, IRM, Evidence."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A voice says a level, of the whole commitment or of a part of it (`part`, such as M2).

    `who` is the body that speaks, `index` the entry that says so, `ended` whether it takes back what it had said (then
    there is no level). The evidence speaks through `percent`, and through the entry after which it was computed anew.
    """

    day: str  # YYYY-MM-DD
    index: int
    voice: str
    level: str
    who: str = ""
    part: str = ""
    percent: int | None = None
    rules: tuple[str, ...] = ()  # what fired that had not before
    ended: bool = False
    printed: bool = False


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Something around the plan, from its first day to its last (the same for a moment)."""

    first: str
    last: str
    index: int


class Cell(msgspec.Struct, frozen=True):
    """A lane in a row: what is said there now; else whether it has said anything (`on`) or not (`before`)."""

    voice: str
    changes: tuple[Change, ...]
    state: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A moment: its day, the entry it stands for, the lanes; or a band that begins here. `within`: bands that last."""

    day: str
    index: int
    cells: tuple[Cell, ...] = ()
    band: Band | None = None
    within: int = 0


def lay_out(changes: Iterable[Change], bands: Iterable[Band] = ()) -> tuple[Row, ...]:
    """The rows, oldest first: one for each day and entry at which a level was said, one for each band where it began.

    On one day bands come first. What a voice says twice in the same words is no change, and is to be left out before.
    """
    moments: dict[tuple[str, int], list[Change]] = {}
    for change in sorted(changes, key=lambda one: (one.day, one.index)):
        moments.setdefault((change.day, change.index), []).append(change)
    around = sorted(bands, key=lambda one: (one.first, one.index))
    rows = [(band.first, 0, band.index, band) for band in around]
    rows += [(day, 1, index, None) for day, index in moments]
    said: set[str] = set()
    laid: list[Row] = []
    for day, _, index, band in sorted(rows, key=lambda one: one[:3]):
        within = sum([one.first <= day <= one.last and one is not band for one in around])
        if band is not None:
            laid.append(Row(day=day, index=index, band=band, within=within))
            continue
        here = moments[day, index]
        cells = tuple([_cell(voice, here, said) for voice in VOICES])
        said |= {change.voice for change in here}
        laid.append(Row(day=day, index=index, cells=cells, within=within))
    return tuple(laid)


def _cell(voice: str, here: Iterable[Change], said: set[str]) -> Cell:
    own = tuple([change for change in here if change.voice == voice])
    return Cell(voice, own, "change" if own else "on" if voice in said else "before")

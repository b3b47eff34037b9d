"""Text that is used again: which runs of six words two texts share, and what part of the shorter one that is.

    repeated(texts, least_bp)     pairs of texts that share at least so many basis points of the shorter one's shingles
    passages(text, other)         a text in pieces, each of them in the other text too, or not

A shingle is a run of six words. Words are split at ASCII space, tab and newline; ASCII letters are lower-cased, and
nothing else is folded, so that anybody gets the same figures without tables of Unicode. A text counts each of its
shingles once. A text of fewer than six words has none, and repeats nothing.

Texts with the same shingles stand together as one `Wording`, or a template that a hundred commitments share would make
thousands of pairs. Two wordings are compared only if the shorter one's rarest shingles, of which whoever shares enough
must have one, lead to the other: what everybody writes costs nothing.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

RUN = 6
"""Words of a shingle."""

MOST = 20_000
"""So many pairs of wordings are told at most: a plan whose every text is a variant of one has millions."""

_WORD = re.compile(r"[^ \t\n]+")
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_BITS = 32  # of a word's number; a shingle is six of them in one integer, so two that are equal are the same words
_WHOLE_RUN = (1 << _BITS * RUN) - 1

K = TypeVar("K", bound=Hashable)


class Wording(NamedTuple, Generic[K]):
    """Texts that have the same shingles: their names in order, and how many shingles that is."""

    names: tuple[K, ...]
    shingles: int


class Alike(NamedTuple, Generic[K]):
    """Two wordings, the shorter one first, and how many shingles they share."""

    shorter: Wording[K]
    longer: Wording[K]
    shared: int

    @property
    def bp(self) -> int:
        """The part of the shorter one that is shared, in basis points, rounded down."""
        return 10_000 * self.shared // self.shorter.shingles


class Repeated(NamedTuple, Generic[K]):
    """Wordings of several texts, pairs of wordings that are alike, and whether there are more pairs than are told."""

    same: tuple[Wording[K], ...]
    alike: tuple[Alike[K], ...]
    more: bool = False


def words_of(text: str) -> list[str]:
    """The words of a text, as they are compared."""
    return _WORD.findall(text.translate(_LOWER))


class _Numbers:
    """A number for each word, and so for each shingle."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def runs(self, text: str) -> list[int]:
        """The shingles of a text, in order, from its first word on."""
        run, found = 0, list[int]()
        for place, word in enumerate(words_of(text)):
            number = self._known.setdefault(word, len(self._known) + 1)
            run = (run << _BITS | number) & _WHOLE_RUN
            if place >= RUN - 1:
                found.append(run)
        return found


def repeated(texts: Mapping[K, str], least_bp: int) -> Repeated[K]:
    """Which texts are the same or alike: those that share `least_bp` (1 to 10,000) of the shorter one, or more."""
    numbers = _Numbers()
    several = _in_several(numbers, texts.values())
    # What stands in one text alone is only counted: most shingles of most plans.
    by_shingles: dict[tuple[frozenset[int], K | None], list[K]] = {}
    sizes: dict[tuple[frozenset[int], K | None], int] = {}
    for name, text in texts.items():
        shingles = frozenset(numbers.runs(text))
        common = shingles & several
        if not common:
            continue
        key = (common, None if len(common) == len(shingles) else name)
        by_shingles.setdefault(key, []).append(name)
        sizes[key] = len(shingles)
    keys = sorted(by_shingles, key=sizes.__getitem__)  # in the order of texts where as long
    wordings = [Wording(tuple(by_shingles[key]), sizes[key]) for key in keys]
    same = tuple([wording for wording in wordings if len(wording.names) > 1])
    found: list[Alike[K]] = []
    for shorter, longer, shared in _pairs([key[0] for key in keys], [one.shingles for one in wordings], least_bp):
        if len(found) == MOST:
            return Repeated(same, tuple(found), more=True)
        found.append(Alike(wordings[shorter], wordings[longer], shared))
    return Repeated(same, tuple(found))


def _in_several(numbers: _Numbers, texts: Iterable[str]) -> set[int]:
    """The shingles that stand in more than one text."""
    once, several = set[int](), set[int]()
    for text in texts:
        shingles = set(numbers.runs(text))
        several |= once & shingles
        once |= shingles
    return several


def _pairs(sets: Sequence[frozenset[int]], sizes: Sequence[int], least_bp: int) -> Iterator[tuple[int, int, int]]:
    """Places of two texts, the shorter one first, and how many shingles they share: at least `least_bp` of the shorter.

    `sets` are the shingles that also stand elsewhere, `sizes` how many there are in all, ascending.
    """
    having: dict[int, list[int]] = {}
    for place, members in enumerate(sets):
        for member in members:
            having.setdefault(member, []).append(place)
    for place, members in enumerate(sets):
        needed = -(-sizes[place] * least_bp // 10_000)
        looked_up = max(0, len(members) - needed + 1)  # whoever has all the others lacks one too many
        rarest = sorted(members, key=lambda member: (len(having[member]), member))[:looked_up]
        for other in sorted({other for member in rarest for other in having[member] if other > place}):
            shared = len(members & sets[other])
            if shared >= needed:
                yield place, other, shared


def passages(text: str, other: str) -> tuple[tuple[str, bool], ...]:
    """A text in pieces that together are the text: (piece, whether its words are part of a shingle of the other)."""
    numbers = _Numbers()
    theirs = frozenset(numbers.runs(other))
    words = list(_WORD.finditer(text))
    shared = [False] * len(words)
    for start, run in enumerate(numbers.runs(text)):
        if run in theirs:
            shared[start : start + RUN] = [True] * RUN
    pieces: list[tuple[str, bool]] = []
    at = 0
    for place, word in enumerate(words):
        if place and shared[place] != shared[place - 1]:
            # The space between stands with what is not shared, so that a mark begins and ends at a word.
            cut = word.start() if shared[place] else words[place - 1].end()
            pieces.append((text[at:cut], shared[place - 1]))
            at = cut
    if text:
        pieces.append((text[at:], bool(shared) and shared[-1]))
    return tuple(pieces)


def shared_words(text: str, other: str) -> int:
    """How many words of a text stand in passages that the other one has too."""
    return sum([len(_WORD.findall(piece)) for piece, shared in passages(text, other) if shared])

"""Standings that were computed before, as long as nothing that they follow from is otherwise.

    remembered = Remembered()
    remembered.standings_of(situation, touched)     as `projections.evidence.standings_of`, and the same to the letter
    remembered.standing_of(situation, name, since)  of one commitment

The levels of a commitment follow from the statements about it (a change of what it shares with another touches both,
and why is told of a link that is for both), from what all commitments of its plan have in common, and from the day.
The records know since which size nothing about a commitment has changed; `holds_until` knows from which day on time
alone may change a level. So at a size that nobody has asked for before, as after each new entry, only those commitments
are computed about which something was said.

What is remembered can be forgotten at any time, and never leaves the process.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from projections.commitments import Commitment
from projections.evidence import Material, Situation, facts_of, material_of, materials_of
from projections.grading import CommitmentStanding, holds_until, standing

MOST = 4_000
"""Standings that are remembered: some 10 kB each, where a commitment has fifty statements about its evidence."""

FEW = 8
"""So many commitments at most are read one by one; more of them are read in one go with all others of their plan."""

Found = tuple[Commitment, CommitmentStanding]


class _Held(msgspec.Struct, frozen=True):
    """What was found, in which situation, from which day on, and until which."""

    found: Found
    common: tuple[object, ...]
    first: int
    until: int | None


class Remembered:
    """The standings computed last, for all threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._held: OrderedDict[tuple[str, int], _Held] = OrderedDict()
        self._common: tuple[object, ...] = ()
        self._lock = threading.Lock()

    def standings_of(self, situation: Situation, touched: Mapping[str, int]) -> Iterator[Found]:
        """Every commitment of a plan with its levels, in the order of keys.

        `touched` is that of the plan in the records of the situation (`RecordsAt.touched`).
        """
        common = self._one(situation.common)
        known = {name: self._known((name, since), situation, common) for name, since in touched.items()}
        missing = [name for name, found in known.items() if found is None]
        for commitment, material in self._read(situation, missing, len(touched)):
            name = commitment.commitment
            known[name] = self._compute((name, touched[name]), situation, commitment, material, common)
        for found in known.values():
            if found is not None:  # a topic that is no commitment: nothing but what was said before there was one
                yield found

    def _one(self, common: tuple[object, ...]) -> tuple[object, ...]:
        """The same as the last, where it is equal: thousands hold it, and a comparison with itself is quick."""
        with self._lock:
            if self._common != common:
                self._common = common
            return self._common

    def standing_of(self, situation: Situation, name: str, since: int) -> CommitmentStanding | None:
        """The levels of a commitment, about which all is as it is since a size (`RecordsAt.since`); None if unknown."""
        common = self._one(situation.common)
        found = self._known((name, since), situation, common)
        if found is None:
            for commitment, material in self._read(situation, [name], 1):
                found = self._compute((name, since), situation, commitment, material, common)
        return found[1] if found else None

    def _known(self, key: tuple[str, int], situation: Situation, common: tuple[object, ...]) -> Found | None:
        """What is remembered of a commitment, as it is since a size, if it holds here."""
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return None
            self._held.move_to_end(key)
        as_of = situation.as_of
        holds = held.first <= as_of and (held.until is None or as_of < held.until) and held.common == common
        return held.found if holds else None

    def _read(
        self, situation: Situation, missing: Sequence[str], all_of_them: int
    ) -> Iterator[tuple[Commitment, Material]]:
        """The records of the commitments that are missing."""
        records = situation.records
        if len(missing) > max(FEW, all_of_them // 4):
            wanted = {*missing}
            yield from [one for one in materials_of(records, situation.plan) if one[0].commitment in wanted]
            return
        for name in missing:
            commitment = records.get(Commitment, name)
            if commitment is not None:
                yield commitment, material_of(records, name)

    def _compute(
        self,
        key: tuple[str, int],
        situation: Situation,
        commitment: Commitment,
        material: Material,
        common: tuple[object, ...],
    ) -> Found:
        """The standing of a commitment, to be remembered."""
        facts = facts_of(situation, commitment, material)
        found = (commitment, standing(facts))
        with self._lock:
            self._held[key] = _Held(found, common, situation.as_of, holds_until(facts))
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return found

"""Reported against evidenced: all commitments of a plan in all voices, and where the voices part.

    matrix_of(records, plan, size, as_of) -> Matrix        a row for each commitment, and the disagreement matrix
    changes_between(before, after) -> list of Change       what is otherwise between two matrices, and which rule fired

Both are pure: a matrix follows from the records at a tree size, a day, and the methodology in force on it, and names
the three. Two that name the same three are the same, whoever computes them; so a citation of the three is enough to
rebuild every table.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from ledger.vocabulary import LEVEL_ORDINAL
from projections.commitments import Commitment
from projections.evidence import Situation, standings_of
from projections.grading import CommitmentStanding, ItemGrade, Reason
from projections.records import Records

REPORTED, EVIDENCED = "reported", "evidenced"
"""The columns of a matrix that are no organisation's."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A commitment in the matrix."""

    commitment: str
    number: int
    proposer: str
    institution: str
    axis: str
    title: str
    lang: str
    standing: CommitmentStanding


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """Two voices over the commitments where both have a value, by ordinal: how often and how far they differ."""

    a: str
    b: str
    compared: int
    differ: int
    a_above: int
    b_above: int
    sum_abs: int


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """All commitments of a plan at a tree size and on a day (`YYYY-MM-DD`), by a version of the methodology.

    `assessors` are (organisation, role), civil society by name and then the IRM: the columns between reported and
    evidenced. `methodology` is 0 where none is in force; then the defaults hold.
    """

    plan: str
    size: int
    as_of: str
    methodology: int
    methodology_index: int
    rows: tuple[Row, ...]
    assessors: tuple[tuple[str, str], ...]
    disagreement: tuple[Cell, ...]


Standings = Callable[[Situation], Iterable[tuple[Commitment, CommitmentStanding]]]
"""Every commitment of a plan with its levels."""


def matrix_of(records: Records, plan: str, size: int, as_of: str, standings: Standings = standings_of) -> Matrix:
    """The matrix of a plan. `records` are those of the first `size` entries; `as_of` is a day, `YYYY-MM-DD`."""
    situation = Situation(records, plan, as_of)
    rows = [_row(commitment, found) for commitment, found in standings(situation)]
    rows.sort(key=lambda row: (row.proposer != "government", row.number, row.commitment))
    voices = {(voice.role == "irm", voice.organisation): voice.role for row in rows for voice in row.standing.voices}
    assessors = tuple([(organisation, voices[irm, organisation]) for irm, organisation in sorted(voices)])
    method = situation.methodology
    return Matrix(
        plan=plan,
        size=size,
        as_of=as_of,
        methodology=method.version if method else 0,
        methodology_index=method.index if method else 0,
        rows=tuple(rows),
        assessors=assessors,
        disagreement=disagreement(rows, [REPORTED, *[one for one, _ in assessors], EVIDENCED]),
    )


def _row(commitment: Commitment, found: CommitmentStanding) -> Row:
    return Row(
        commitment=commitment.commitment,
        number=commitment.number,
        proposer=commitment.proposer,
        institution=commitment.institution,
        axis=commitment.axis,
        title=commitment.title,
        lang=commitment.lang,
        standing=found,
    )


def values_of(standing: CommitmentStanding) -> dict[str, str]:
    """The level of a commitment in each voice that has one."""
    found = {voice.organisation: voice.level for voice in standing.voices if voice.level}
    if standing.reported:
        found[REPORTED] = standing.reported
    found[EVIDENCED] = standing.combined.level
    return found


def disagreement(rows: Iterable[Row], columns: Sequence[str]) -> tuple[Cell, ...]:
    """Each pair of columns, the earlier one as `a`."""
    alike: Counter[tuple[int | None, ...]] = Counter()  # many commitments have the same levels in every voice
    for row in rows:
        values = values_of(row.standing)
        alike[tuple([LEVEL_ORDINAL[values[one]] if one in values else None for one in columns])] += 1
    return tuple(
        [
            _cell(a, b, [(levels[one], levels[other], count) for levels, count in alike.items()])
            for one, a in enumerate(columns)
            for other, b in list(enumerate(columns))[one + 1 :]
        ]
    )


def _cell(a: str, b: str, values: Iterable[tuple[int | None, int | None, int]]) -> Cell:
    """`values` are the ordinals of `a` and of `b`, and how many commitments have them."""
    gaps = [(one - other, count) for one, other, count in values if one is not None and other is not None]
    return Cell(
        a=a,
        b=b,
        compared=sum([count for _, count in gaps]),
        differ=sum([count for gap, count in gaps if gap != 0]),
        a_above=sum([count for gap, count in gaps if gap > 0]),
        b_above=sum([count for gap, count in gaps if gap < 0]),
        sum_abs=sum([abs(gap) * count for gap, count in gaps]),
    )


# --- what changed ----------------------------------------------------------------------------------------------------


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a commitment that is otherwise in the later of two matrices.

    `what` is `reported`, `evidenced`, `voice` (of `who`), `grade` (of the link `link` for `mechanism`), `contested`, or
    `commitment` where it is new. Levels and grades are given as text; `before` is empty where there was none. `reasons`
    are those that hold after and did not before, or, where nothing holds after, those that held before.
    """

    commitment: str
    what: str
    who: str = ""
    mechanism: str = ""
    link: int | None = None
    before: str = ""
    after: str = ""
    reasons: tuple[Reason, ...] = ()

    @property
    def steps(self) -> int:
        """By how much it rose; negative where it fell."""
        return _ordinal(self.after) - _ordinal(self.before)


def _ordinal(said: str) -> int:
    """A level or a grade as a number; nothing is 0."""
    return int(said) if said.isdigit() else LEVEL_ORDINAL.get(said, 0)


def changes_between(before: Matrix, after: Matrix) -> tuple[Change, ...]:
    """What is otherwise in the later matrix, commitment by commitment in its order."""
    earlier = {row.commitment: row.standing for row in before.rows}
    found: list[Change] = []
    for row in after.rows:
        was = earlier.get(row.commitment)
        if was is None:
            found.append(Change(commitment=row.commitment, what="commitment"))
            continue
        found += _changes(was, row.standing)
    return tuple(found)


def _changes(was: CommitmentStanding, now: CommitmentStanding) -> Iterable[Change]:
    here = now.commitment
    if was.reported != now.reported:
        reasons = tuple([one for one in now.reasons if one.rule.startswith("reported/")])
        yield Change(commitment=here, what=REPORTED, before=was.reported, after=now.reported, reasons=reasons)
    said = {voice.organisation: voice.level for voice in was.voices}
    for voice in now.voices:
        level = said.get(voice.organisation, "")
        if level != voice.level:
            yield Change(commitment=here, what="voice", who=voice.organisation, before=level, after=voice.level)
    if was.combined.level != now.combined.level:
        reasons = _newer(was.reasons, now.reasons)
        then, level = was.combined.level, now.combined.level
        yield Change(commitment=here, what=EVIDENCED, before=then, after=level, reasons=reasons)
    if was.contested != now.contested:
        yield Change(commitment=here, what="contested", before=_yes(was.contested), after=_yes(now.contested))
    yield from _grade_changes(was, now)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _grade_changes(was: CommitmentStanding, now: CommitmentStanding) -> Iterable[Change]:
    """Items that fell or rose, each with the row of the tables that made it so."""
    before, after = _grades(was), _grades(now)
    for key, grade in after.items():
        then = before.get(key)
        if then is not None and then.grade == grade.grade:
            continue
        yield Change(
            commitment=now.commitment,
            what="grade",
            mechanism=grade.mechanism,
            link=grade.link,
            before="" if then is None else str(then.grade),
            after=str(grade.grade),
            reasons=grade.reasons if then is None else _newer(then.reasons, grade.reasons),
        )


def _grades(standing: CommitmentStanding) -> dict[tuple[str, int], ItemGrade]:
    return {(one.mechanism, one.link): one for mechanism in standing.mechanisms for one in mechanism.grades}


def _newer(before: Sequence[Reason], after: Sequence[Reason]) -> tuple[Reason, ...]:
    """The reasons that were not there before, or, where something only went away, those that are left."""
    fresh = tuple([one for one in after if one not in before])
    return fresh or tuple(after)

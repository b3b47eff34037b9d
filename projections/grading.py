"""From evidence to a level: the grading table, the degradation table and the level formulas, as one pure function.

    standing(facts) -> CommitmentStanding      every grade, every level, the gap; each with the rules that gave it

A result is a function of the tree size, a day (`as_of`) and the methodology in force: `Facts` holds what the entries up
to that size say of one commitment (gathered by `projections.evidence`), the day, and the signed parameters. Integers
only; no clock, no record, no text is read here.

The way of a level:

1. An item (an EvidenceLinked) has a grade from 0 to 4 for each mechanism that it is linked for: what was captured, by
   whom, what was seen later, which disputes stand (`_Grader.grade`). The best item counts.
2. A verdict is in force, suspended, lapsed, or gone (`_Grader.verdict_states`).
3. A mechanism reaches e, an ordinal from 0 to 3: the lower median of the verdicts of independent organisations; where
   there is none, what the machine may say of the grade, never more than is claimed.
4. A commitment's level follows from the weights of the mechanisms that reach 1, 2 and 3. `complete` needs people.

Reported, assessed and evidenced stand side by side, and none overwrites another. The same formulas, fed with the
machine's ordinals alone or with one assessor's verdicts, give the other lenses.

Every grade, ordinal and level carries `Reason`s: the row of the tables that fired (the name is also the anchor of the
methodology page) and the indexes of the entries that fired it.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ledger.vocabulary import LEVEL_ORDINAL, Parameters

WHOLE = 10_000
"""All weights of a commitment together, in basis points."""


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why: a row of the methodology's tables, and the indexes of the entries that fired it."""

    rule: str
    entries: tuple[int, ...] = ()


# --- what is known ---------------------------------------------------------------------------------------------------
# `gc=False` as in `ledger.vocabulary.Shape`: what is frozen is in no circle, and a matrix makes thousands of these.
# Days are numbers, as `date.toordinal` counts them, at the ledger's offset. Acts signed with a key that was not its
# holder's alone are left out before, except verdicts, which stay to be shown as void.


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """A capture (`seen` is `captured`) or a check of a link: what was there, who looked, and on which day."""

    index: int
    day: int
    seen: str
    digest: str
    organisation: str
    independent: bool


class DisputeFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A dispute of an item for a mechanism. `admitted` is the entry by which it counts: its own, or its screening."""

    index: int
    mechanism: int
    admitted: int | None = None
    admitted_day: int = 0
    declined: int | None = None
    answered: int | None = None
    resolved: int | None = None
    resolution: str = ""
    withdrawn: int | None = None

    @property
    def open(self) -> bool:
        """Whether it counts now."""
        return self.admitted is not None and self.resolved is None and self.withdrawn is None

    @property
    def questioned(self) -> bool:
        """Whether it is a citizen's that nobody has screened."""
        return self.admitted is None and self.declined is None and self.withdrawn is None


class ItemFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A piece of evidence of the commitment. `mechanisms` are their numbers; 0 was said before there were any."""

    link: int
    mechanisms: tuple[int, ...]
    withdrawn: int | None = None
    own_page: bool = False
    home_page: bool = False
    dated: int | None = None  # the last day of the span
    before_plan: bool = False
    shared: tuple[int, ...] = ()  # the links of other commitments that have the same address or bytes, unexplained
    sightings: tuple[Sighting, ...] = ()
    disputes: tuple[DisputeFacts, ...] = ()


class VerdictFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A verdict of an assessor on a mechanism (0: on the implicit one)."""

    index: int
    day: int
    mechanism: int
    organisation: str
    actor: str
    role: str
    level: str
    digests: tuple[str, ...]
    independent: bool
    withdrawn: int | None = None
    void: int | None = None  # the entry that revoked its key as compromised since a time before it


class ClaimFacts(msgspec.Struct, frozen=True, gc=False):
    """A level that was reported, at an entry. A signed one outranks a printed one."""

    level: str
    index: int
    printed: bool = False


class MechanismFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A mechanism; the implicit one has the number 0."""

    mechanism: str
    number: int
    claim: ClaimFacts | None = None
    recurring: bool = False
    period_days: int = 0
    grace_days: int | None = None
    amended: int | None = None  # the last entry that amended it
    means: bool = False
    due: bool = False
    goal: bool = False


class Facts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that a commitment's levels depend on."""

    commitment: str
    as_of: int
    parameters: Parameters
    reported: ClaimFacts | None = None
    implicit_claim: ClaimFacts | None = None  # on the implicit mechanism, which each later one inherits
    mechanisms: tuple[MechanismFacts, ...]
    weights: tuple[int, ...] = ()  # in the order of mechanisms; none: equal
    weights_index: int | None = None
    items: tuple[ItemFacts, ...] = ()
    verdicts: tuple[VerdictFacts, ...] = ()
    assessed: tuple[tuple[str, str, str, int], ...] = ()  # CompletionAssessed: (organisation, role, level, index)
    self_assessed: bool = False
    due: int | None = None  # the first day of completion of what is not reported as complete


# --- what follows ----------------------------------------------------------------------------------------------------


class ItemGrade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The grade of a link (the index of its EvidenceLinked) for a mechanism; `digest` is that of the best bytes."""

    link: int
    commitment: str
    mechanism: str
    grade: int
    digest: str = ""
    marks: tuple[str, ...] = ()
    reasons: tuple[Reason, ...]


class VerdictStanding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How it stands with a verdict: in_force, suspended, lapsed, void, withdrawn or replaced."""

    organisation: str
    actor: str
    role: str
    mechanism: str
    level: str
    index: int
    state: str
    reasons: tuple[Reason, ...]


class MechanismStanding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far a mechanism is: `claim` as reported, `best` grade, `mach` what a machine may say, `e` what counts."""

    mechanism: str
    number: int
    weight: int
    claim: str
    claim_index: int | None
    inherited: bool
    best: int
    mach: int
    e: int
    grades: tuple[ItemGrade, ...]
    verdicts: tuple[VerdictStanding, ...]
    reasons: tuple[Reason, ...]
    flags: tuple[str, ...]


class Lens(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A level as one way of looking gives it. `x` = (x1, x2, x3), weights that reach each ordinal, basis points."""

    level: str
    percent: int
    x: tuple[int, int, int]
    e: tuple[int, ...]


class Voice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an assessor finds: its CompletionAssessed (`assessed`), or its verdicts where it judged every mechanism
    (`verdicts`), or nothing yet. `lens` is its view alone, where it has given any verdict."""

    organisation: str
    role: str
    level: str = ""
    source: str = ""
    index: int | None = None
    lens: Lens | None = None


class CommitmentStanding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A commitment in all voices. `gap` = ordinal reported − ordinal evidenced: positive where more is reported."""

    commitment: str
    reported: str
    reported_index: int | None
    reported_from_mechanisms: bool
    records: Lens
    voices: tuple[Voice, ...]
    combined: Lens
    gap: int | None
    contested: bool
    mechanisms: tuple[MechanismStanding, ...]
    reasons: tuple[Reason, ...]
    flags: tuple[str, ...]


def standing(facts: Facts) -> CommitmentStanding:
    """Every grade and level of a commitment, with their reasons."""
    weights = facts.weights or equal_weights(len(facts.mechanisms))
    items = [_Item(one, facts.parameters) for one in facts.items]
    graders = [_Grader(facts, one, items) for one in facts.mechanisms]
    mechanisms = tuple([grader.standing(weight) for grader, weight in zip(graders, weights, strict=True)])
    complete = all(grader.read_as_complete() for grader in graders)
    combined = _lens(facts, graders, mechanisms, [one.e for one in mechanisms], complete)
    reported, index, from_mechanisms = _reported(facts, mechanisms)
    return CommitmentStanding(
        commitment=facts.commitment,
        reported=reported,
        reported_index=index,
        reported_from_mechanisms=from_mechanisms,
        records=_lens(facts, graders, mechanisms, [one.mach for one in mechanisms], complete=False, verdicts=False),
        voices=_voices(facts, graders, mechanisms),
        combined=combined,
        gap=LEVEL_ORDINAL[reported] - LEVEL_ORDINAL[combined.level] if reported else None,
        contested=any(grader.contested() for grader in graders),
        mechanisms=mechanisms,
        reasons=_level_reasons(facts, graders, mechanisms, combined, from_mechanisms=from_mechanisms),
        flags=_flags(facts, mechanisms),
    )


def holds_until(facts: Facts) -> int | None:
    """The first later day on which, with nothing more said, a level might be another; None where none is.

    That is when a day of completion has passed, or the time to answer a dispute; a duty that recurs is asked each day.
    """
    if any(one.recurring for one in facts.mechanisms):
        return facts.as_of + 1
    days = [
        dispute.admitted_day + facts.parameters.answer_days
        for item in facts.items
        for dispute in item.disputes
        if dispute.open and dispute.answered is None
    ]
    if facts.due is not None:
        days.append(facts.due + 1)
    return min([day for day in days if day > facts.as_of], default=None)


def reasons_in(standing: CommitmentStanding) -> Iterator[Reason]:
    """Every reason that a standing gives: of the level, of its mechanisms, of their grades and verdicts."""
    yield from standing.reasons
    for mechanism in standing.mechanisms:
        yield from mechanism.reasons
        for one in (*mechanism.grades, *mechanism.verdicts):
            yield from one.reasons


def equal_weights(count: int) -> tuple[int, ...]:
    """10,000 basis points shared evenly, the remainder one each to the first: 3 -> 3334, 3333, 3333."""
    each, left = divmod(WHOLE, count)
    return tuple([each + (place < left) for place in range(count)])


# --- one item --------------------------------------------------------------------------------------------------------


_Graded = tuple[int, str, tuple[Reason, ...]]
"""A grade, the digest of the best bytes, and why."""


class _Item:
    """What of an item is the same for every mechanism, found once: its bytes, what confirms them, what caps them."""

    def __init__(self, item: ItemFacts, parameters: Parameters) -> None:
        self.facts = item
        self.captures: dict[str, list[Sighting]] = {}
        for one in item.sightings:
            if one.seen == "captured":
                self.captures.setdefault(one.digest, []).append(one)
        self.gone = self._gone(parameters)
        self.confirmed = {digest: self._confirmed(digest, parameters) for digest in self.captures}
        self.caps = self._caps()
        self.marks = self._marks()
        self.plain: _Graded | None = None
        """What a mechanism gives it that has no dispute, no verdict about it, and no clock."""

    @property
    def first(self) -> Sighting | None:
        """The first capture."""
        return next((one for one in self.facts.sightings if one.seen == "captured"), None)

    def _gone(self, parameters: Parameters) -> tuple[int, ...]:
        """The checks by which a link counts as gone: two, far enough apart or by two organisations, none alive since.

        A page that has changed is there, so a check that saw it `changed` ends a series as one that saw it `alive`.
        """
        series: list[Sighting] = []
        for one in self.facts.sightings:
            if one.seen == "gone":
                series.append(one)
            elif one.seen in ("alive", "changed"):
                series = []
        for one in series[1:]:
            apart = one.day - series[0].day >= parameters.gone_days
            if apart or one.organisation != series[0].organisation:
                return (series[0].index, one.index)
        return ()

    def _confirmed(self, digest: str, parameters: Parameters) -> tuple[int, Reason]:
        """The row of the grading table for bytes of a digest, before verdicts and before anything caps it."""
        captures = self.captures[digest]
        for pair in _pairs(captures):
            return 3, Reason("grade/3-two-organisations", pair)
        for capture in captures:
            for check in self.facts.sightings:
                later = check.day - capture.day >= parameters.confirm_days
                if capture.independent and check.independent and later:
                    if check.seen == "alive" and check.digest == digest:
                        return 3, Reason("grade/3-checked-later", (capture.index, check.index))
        return 2, Reason("grade/2-captured", (captures[0].index,))

    def _caps(self) -> list[tuple[int, Reason]]:
        """What it can reach at most, and why, unless a verdict in force lifts it: what a person can see through."""
        item = self.facts
        caps: list[tuple[int, Reason]] = []
        if item.home_page:
            caps.append((1, Reason("cap/home-page", (item.link,))))
        if item.shared:
            caps.append((2, Reason("cap/shared", _together(item.link, *item.shared))))
        if item.before_plan:
            caps.append((2, Reason("cap/before-plan", (item.link,))))
        return caps

    def changed(self, digest: str) -> int | None:
        """The check after which bytes of this digest are no longer what is there."""
        found: int | None = None
        for one in self.facts.sightings:
            if one.seen == "changed" and one.digest != digest:
                found = one.index if found is None else found
            elif one.digest == digest and one.seen in ("alive", "changed"):
                found = None
        return found

    def _marks(self) -> tuple[str, ...]:
        """Words that a page shows beside a grade."""
        item = self.facts
        told = [one.seen for one in item.sightings if one.seen in ("alive", "changed", "gone")]
        said = (
            ("withdrawn", item.withdrawn is not None),
            ("own_page", item.own_page),
            ("home_page", item.home_page),
            ("shared", bool(item.shared)),
            ("before_plan", item.before_plan),
            ("gone", bool(self.gone)),
            ("changed", told[-1:] == ["changed"]),
            ("uncaptured", not self.captures),
        )
        return tuple([mark for mark, holds in said if holds])


# --- one mechanism ---------------------------------------------------------------------------------------------------


class _Grader:
    """One mechanism of the facts: its items, its verdicts, and what follows."""

    def __init__(self, facts: Facts, mechanism: MechanismFacts, items: Sequence[_Item]) -> None:
        self.facts = facts
        self.mechanism = mechanism
        self.parameters = facts.parameters
        ours = (0, mechanism.number)  # what was said of the implicit mechanism counts for each
        self.items = [one for one in items if 0 in one.facts.mechanisms or mechanism.number in one.facts.mechanisms]
        self.disputes = {
            one.facts.link: [dispute for dispute in one.facts.disputes if dispute.mechanism in ours]
            for one in self.items
            if one.facts.disputes
        }
        self.given = [verdict for verdict in facts.verdicts if verdict.mechanism in ours]
        self.freshness = self._freshness() if mechanism.recurring else []
        self.age = self._age(facts.as_of)
        self.verdicts = [self._verdict(verdict) for verdict in self.given]
        self.cited = self._cited()
        self.grades = [self.grade(item) for item in self.items]
        self.best = max([one.grade for one in self.grades], default=0)
        claim = self.claim
        caps = self.parameters.machine_cap
        cap = (caps.grade_0, caps.grade_1, caps.grade_2, caps.grade_3)[min(self.best, 3)]
        self.mach = min(LEVEL_ORDINAL[claim.level] if claim else 0, cap)
        self.counting = self._counting()
        self.e = self._reached()

    @property
    def claim(self) -> ClaimFacts | None:
        """What is reported of it: of itself, of the implicit mechanism before it, or of the whole commitment."""
        own = [one for one in (self.mechanism.claim, self.facts.implicit_claim) if one is not None]
        return max(own, key=_rank) if own else self.facts.reported

    @property
    def inherited(self) -> bool:
        """Whether what is reported was said of something wider."""
        return self.claim is not self.mechanism.claim

    # --- freshness: a duty that recurs needs evidence that does

    def _freshness(self) -> list[tuple[int, int, int]]:
        """(day of the first capture, how fresh it is, its entry) of each captured item, in the order of capture."""
        found: list[tuple[int, int, int]] = []
        for item in self.items:
            first = item.first  # to capture old bytes again refreshes nothing
            if first is not None and item.facts.withdrawn is None:
                dated = item.facts.dated
                fresh = first.day if dated is None else min(dated, first.day)
                found.append((first.day, fresh, first.index))
        return sorted(found)

    def _dates(self) -> tuple[int, ...]:
        """The first captures, which say how fresh each item is: that nothing is fresher takes all of them to prove."""
        return _together(*[entry for _, _, entry in self.freshness])

    def _grace(self) -> int:
        grace = self.mechanism.grace_days
        return self.parameters.default_grace_days if grace is None else grace

    def _age(self, day: int) -> int:
        """Whole periods that have passed on a day since the newest evidence and its grace."""
        fresh = [fresh for captured, fresh, _ in self.freshness if captured <= day]
        if not fresh:
            return 0
        return max(0, day - max(fresh) - self._grace()) // self.mechanism.period_days

    def _aged_on(self, since: int) -> tuple[int, bool] | None:
        """The first day from `since` on with an age of one period or more, and whether it has lasted until now."""
        changes = sorted({captured for captured, _, _ in self.freshness if captured > since})
        starts = [since, *changes]
        for start, end in zip(starts, [*changes, self.facts.as_of + 1], strict=True):
            known = [fresh for captured, fresh, _ in self.freshness if captured <= start]
            if not known:
                continue
            day = max(start, max(known) + self._grace() + self.mechanism.period_days)
            if day < end and day <= self.facts.as_of:
                newest = max([fresh for _, fresh, _ in self.freshness])
                return day, newest <= max(known)
        return None

    # --- verdicts

    def _verdict(self, verdict: VerdictFacts) -> tuple[VerdictFacts, str, Reason, bool]:
        """A verdict, its state, why, and whether the grade of what it cites still starts from it."""
        if verdict.void is not None:
            return verdict, "void", Reason("verdict/void", (verdict.index, verdict.void)), False
        later = [
            one.index
            for one in self.given
            if one.organisation == verdict.organisation and one.index > verdict.index and one.void is None
        ]
        if later:
            return verdict, "replaced", Reason("verdict/replaced", (verdict.index, max(later))), False
        if verdict.withdrawn is not None:
            return verdict, "withdrawn", Reason("verdict/withdrawn", (verdict.index, verdict.withdrawn)), False
        return self._in_doubt(verdict) or (verdict, "in_force", Reason("verdict/in-force", (verdict.index,)), True)

    def _in_doubt(self, verdict: VerdictFacts) -> tuple[VerdictFacts, str, Reason, bool] | None:
        """A verdict that lapsed or is suspended."""
        amended = self.mechanism.amended
        if amended is not None and amended > verdict.index:
            return verdict, "lapsed", Reason("verdict/lapsed-amended", (verdict.index, amended)), False
        disputes = [
            dispute
            for item in self.items
            if not item.captures.keys().isdisjoint(verdict.digests)
            for dispute in self.disputes.get(item.facts.link, ())
            if dispute.admitted is not None and dispute.admitted > verdict.index and dispute.withdrawn is None
        ]
        lost = [one for one in disputes if one.resolution in ("partly", "upheld")]
        if lost:
            first = min(lost, key=lambda one: one.resolved or 0)
            entries = _together(verdict.index, first.index, first.admitted, first.resolved)
            return verdict, "lapsed", Reason("verdict/lapsed-dispute", entries), False
        waiting = [one for one in disputes if one.open]
        aged = self._aged_on(verdict.day) if self.freshness else None
        if aged is not None:
            reason = Reason("verdict/lapsed-aged", _together(verdict.index, *self._dates()))
            return verdict, "lapsed", reason, aged[1] and not waiting
        if waiting:
            entries = _together(verdict.index, *[each for one in waiting for each in (one.index, one.admitted)])
            return verdict, "suspended", Reason("verdict/suspended", entries), False
        return None

    def _cited(self) -> frozenset[str]:
        """The digests that verdicts stand on."""
        found: set[str] = set()
        for verdict, state, _, from_it in self.verdicts:
            if verdict.independent and (state == "in_force" or from_it):
                found.update(verdict.digests)
        return frozenset(found)

    def _counting(self) -> list[tuple[int, VerdictFacts, str]]:
        """(ordinal, verdict, state) of the independent verdicts in force or suspended, in the order of ordinals."""
        found: list[tuple[int, VerdictFacts, str]] = []
        for verdict, state, _, _ in self.verdicts:
            if verdict.independent and state in ("in_force", "suspended"):
                said = LEVEL_ORDINAL[verdict.level]
                found.append((said if state == "in_force" else min(said, self.mach), verdict, state))
        return sorted(found, key=lambda one: (one[0], one[1].index))

    def _lapsed(self) -> list[VerdictFacts]:
        """Independent verdicts that lapsed: each caps until its author gives another or withdraws it."""
        return [verdict for verdict, state, _, _ in self.verdicts if state == "lapsed" and verdict.independent]

    def _reached(self) -> int:
        """e: the lower median of what independent organisations found, or the machine's; below lapsed verdicts."""
        e = self.counting[(len(self.counting) - 1) // 2][0] if self.counting else self.mach
        return min([e, *[LEVEL_ORDINAL[one.level] for one in self._lapsed()]])

    def of_organisation(self, organisation: str) -> tuple[int, bool]:
        """What one assessor's own lens has of the mechanism, and whether its verdict is in force and says complete."""
        for verdict, state, _, _ in self.verdicts:
            if verdict.organisation == organisation and verdict.independent:
                said = LEVEL_ORDINAL[verdict.level]
                if state == "in_force":
                    return said, said == 3
                if state in ("suspended", "lapsed"):
                    return min(said, self.mach), False
        return self.mach, False

    def read_as_complete(self) -> bool:
        """Whether the IRM or two independent organisations have found it complete, and stand by it."""
        whole = [verdict for ordinal, verdict, state in self.counting if ordinal == 3 and state == "in_force"]
        return any(one.role == "irm" for one in whole) or len({one.organisation for one in whole}) >= 2

    def contested(self) -> bool:
        """Whether two assessors' verdicts in force differ."""
        return len({verdict.level for _, verdict, state in self.counting if state == "in_force"}) > 1

    def says_not_started(self) -> bool:
        """Whether the statement that decides about it, verdict or else claim, says that nothing was begun."""
        if self.counting:
            middle = self.counting[(len(self.counting) - 1) // 2][0]
            return all(verdict.level == "not_started" for ordinal, verdict, _ in self.counting if ordinal == middle)
        return self.claimed_not_started()

    def claimed_not_started(self) -> bool:
        """Whether what is reported of it is that nothing was begun."""
        claim = self.claim
        return claim is not None and claim.level == "not_started"

    # --- grades

    def grade(self, item: _Item) -> ItemGrade:
        """The grade of an item for this mechanism."""
        link = item.facts.link
        disputes = self.disputes.get(link, ())
        marks = item.marks
        if disputes or self.mechanism.recurring or not self.cited.isdisjoint(item.captures):
            grade, digest, reasons = self._graded(item, disputes)
        else:  # as for every mechanism about which nothing more was said
            if item.plain is None:
                item.plain = self._graded(item, ())
            grade, digest, reasons = item.plain
        if disputes:
            marks += self._dispute_marks(disputes)
            reasons += tuple([Reason("mark/questioned", (one.index,)) for one in disputes if one.questioned])
        if self.age and grade > 1:  # by one for each period without fresh evidence, to 1 at the least
            grade, marks = max(1, grade - self.age), (*marks, "aged")
            reasons = (*reasons, Reason("fall/aged", self._dates()))
        return ItemGrade(
            link=link,
            commitment=self.facts.commitment,
            mechanism=self.mechanism.mechanism,
            grade=grade,
            digest=digest,
            marks=marks,
            reasons=reasons,
        )

    def _graded(self, item: _Item, disputes: Sequence[DisputeFacts]) -> _Graded:
        """Grade, digest and reasons, before citizens' questions and age."""
        nothing = self._nothing(item, disputes)
        if nothing:
            return nothing
        grade, digest, reasons = self._best_bytes(item, disputes)
        return grade, digest, (*reasons, *self._remarks(item))

    def _nothing(self, item: _Item, disputes: Sequence[DisputeFacts]) -> _Graded | None:
        """The grade 0, where a row of the tables says so."""
        facts = item.facts
        if facts.withdrawn is not None:
            return 0, "", (Reason("grade/0-withdrawn", (facts.link, facts.withdrawn)),)
        for one in disputes:
            if one.resolution == "upheld":
                entries = _together(facts.link, one.index, one.admitted, one.resolved)
                return 0, "", (Reason("grade/0-upheld", entries),)
        if facts.own_page:
            return 0, "", (Reason("grade/0-own-page", (facts.link,)),)
        if item.gone and not item.captures:
            return 0, "", (Reason("grade/0-gone", (facts.link, *item.gone)),)
        return None

    def _best_bytes(self, item: _Item, disputes: Sequence[DisputeFacts]) -> _Graded:
        """The best of the bytes captured, or that it is linked only."""
        if not item.captures:
            caps = [*item.caps, *self._dispute_caps(disputes)]
            reasons = (Reason("grade/1-linked", (item.facts.link,)), *_binding(1, caps))
            return min([1, *[cap for cap, _ in caps]]), "", reasons
        graded = [self._of_bytes(item, digest, disputes) for digest in item.captures]
        return graded[0] if len(graded) == 1 else max(graded, key=_first)

    def _of_bytes(self, item: _Item, digest: str, disputes: Sequence[DisputeFacts]) -> _Graded:
        """The grade of bytes of one digest: what confirms them, what makes them fall, what caps them."""
        read = self._read(item, digest)
        base, why = read or item.confirmed[digest]
        caps = self._dispute_caps(disputes)
        if not read:
            caps += item.caps
        if self.mechanism.recurring and base >= 3:
            changed = item.changed(digest)
            if changed is not None:
                caps.append((2, Reason("fall/changed", (changed,))))
        if not caps:
            return base, digest, (why,)
        return min([base, *[cap for cap, _ in caps]]), digest, (why, *_binding(base, caps))

    def _read(self, item: _Item, digest: str) -> tuple[int, Reason] | None:
        """The grade 4, where an independent assessor's verdict stands on these bytes."""
        if digest not in self.cited:
            return None
        for verdict, state, _, from_it in self.verdicts:
            if verdict.independent and digest in verdict.digests and (state == "in_force" or from_it):
                return 4, Reason("grade/4-verdict", _together(item.captures[digest][0].index, verdict.index))
        return None

    def _dispute_caps(self, disputes: Sequence[DisputeFacts]) -> list[tuple[int, Reason]]:
        """What open disputes leave of a grade; no verdict lifts that."""
        caps: list[tuple[int, Reason]] = []
        for one in disputes:
            if self._unanswered(one):
                caps.append((1, Reason("cap/dispute-unanswered", _together(one.index, one.admitted))))
            elif one.open:
                caps.append((2, Reason("cap/dispute-open", _together(one.index, one.admitted, one.answered))))
        return caps

    def _unanswered(self, dispute: DisputeFacts) -> bool:
        """Whether nobody has answered for as long as the methodology allows."""
        overdue = self.facts.as_of - dispute.admitted_day >= self.parameters.answer_days
        return dispute.open and dispute.answered is None and overdue

    def _dispute_marks(self, disputes: Sequence[DisputeFacts]) -> tuple[str, ...]:
        said = (
            ("questioned", any(one.questioned for one in disputes)),
            ("disputed", any(one.open for one in disputes)),
            ("unanswered", any(self._unanswered(one) for one in disputes)),
            ("upheld", any(one.resolution == "upheld" for one in disputes)),
        )
        return tuple([mark for mark, holds in said if holds])

    def _remarks(self, item: _Item) -> tuple[Reason, ...]:
        """What changes no grade and is shown all the same, or keeps it from falling."""
        found = (Reason("mark/fresh", self._dates()),) if self.freshness and self.age < 1 else ()
        if item.gone and item.captures:
            found += (Reason("mark/gone", item.gone),)
        return found

    # --- all of it

    def standing(self, weight: int) -> MechanismStanding:
        """The mechanism with everything that led to it."""
        claim = self.claim
        return MechanismStanding(
            mechanism=self.mechanism.mechanism,
            number=self.mechanism.number,
            weight=weight,
            claim=claim.level if claim else "",
            claim_index=claim.index if claim else None,
            inherited=claim is not None and self.inherited,
            best=self.best,
            mach=self.mach,
            e=self.e,
            grades=tuple(self.grades),
            verdicts=tuple([_verdict_standing(self.mechanism.mechanism, *one[:3]) for one in self.verdicts]),
            reasons=self._reasons(),
            flags=self._flags(),
        )

    def _reasons(self) -> tuple[Reason, ...]:
        """Why e is what it is."""
        claim = self.claim
        reasons: list[Reason] = []
        if claim is None:
            reasons.append(Reason("claim/none"))
        else:
            reasons.append(Reason("claim/inherited" if self.inherited else "claim/own", (claim.index,)))
        if self.mechanism.number == 0:
            reasons.append(Reason("mechanism/implicit"))
        if self.counting:
            reasons.append(Reason("mechanism/verdicts", tuple([verdict.index for _, verdict, _ in self.counting])))
        else:
            reasons.append(Reason("mechanism/machine", self.deciding()))
        lapsed = self._lapsed()
        if lapsed:
            reasons.append(Reason("mechanism/capped", tuple([one.index for one in lapsed])))
        return tuple(reasons)

    def deciding(self) -> tuple[int, ...]:
        """The entries that decide about it: verdicts, or the best item's."""
        if self.counting:
            return tuple([verdict.index for _, verdict, _ in self.counting])
        best = next((one for one in self.grades if one.grade == self.best), None)
        if best is None:
            return ()
        return _together(best.link, *[index for reason in best.reasons for index in reason.entries])

    def _flags(self) -> tuple[str, ...]:
        """Words that a page shows beside a mechanism."""
        read = [verdict.index for _, verdict, _ in self.counting]
        newest = -1
        if read:
            links = [item.facts.link for item in self.items]
            captured = [one.index for item in self.items for each in item.captures.values() for one in each]
            newest = max([*links, *captured], default=-1)
        said = (
            ("recurring", self.mechanism.recurring),
            ("no_means", not self.mechanism.means),
            ("no_due", not self.mechanism.due),
            ("no_goal", not self.mechanism.goal),
            ("evidence_newer", bool(read) and newest > max(read)),
        )
        return tuple([flag for flag, holds in said if holds])


def _verdict_standing(mechanism: str, verdict: VerdictFacts, state: str, reason: Reason) -> VerdictStanding:
    return VerdictStanding(
        organisation=verdict.organisation,
        actor=verdict.actor,
        role=verdict.role,
        mechanism=mechanism,
        level=verdict.level,
        index=verdict.index,
        state=state,
        reasons=(reason,),
    )


def _pairs(captures: Sequence[Sighting]) -> Iterable[tuple[int, int]]:
    """Pairs of captures by two organisations, one of them independent, in their order."""
    for place, one in enumerate(captures):
        for other in captures[place + 1 :]:
            if one.organisation != other.organisation and (one.independent or other.independent):
                yield one.index, other.index


def _binding(base: int, caps: Sequence[tuple[int, Reason]]) -> tuple[Reason, ...]:
    """The caps that make a grade lower than its base: the lowest win, and all that are as low are named."""
    lowest = min([base, *[cap for cap, _ in caps]])
    return tuple([reason for cap, reason in caps if cap == lowest < base])


def _together(*indexes: int | None) -> tuple[int, ...]:
    """Indexes in order, each once."""
    return tuple(sorted({index for index in indexes if index is not None}))


def _first(graded: _Graded) -> int:
    return graded[0]


def _rank(claim: ClaimFacts) -> tuple[bool, int]:
    return not claim.printed, claim.index


# --- the commitment --------------------------------------------------------------------------------------------------


def _reaching(mechanisms: Sequence[MechanismStanding], e: Sequence[int]) -> tuple[int, int, int]:
    """x(1), x(2), x(3): the weights of the mechanisms that reach each ordinal."""
    x = [sum([one.weight for one, reached in zip(mechanisms, e, strict=True) if reached >= k]) for k in (1, 2, 3)]
    return x[0], x[1], x[2]


def _lens(
    facts: Facts,
    graders: Sequence[_Grader],
    mechanisms: Sequence[MechanismStanding],
    e: Sequence[int],
    complete: bool,
    *,
    verdicts: bool = True,
) -> Lens:
    """The level formula over ordinals. `complete` says whether people stand behind every 3."""
    x = _reaching(mechanisms, e)
    if x[2] == WHOLE and complete:
        level = "complete"
    elif x[1] >= facts.parameters.substantial_bp and x[1] > 0:
        level = "substantial"
    elif x[0] > 0:
        level = "limited"
    elif all(one.says_not_started() if verdicts else one.claimed_not_started() for one in graders):
        level = "not_started"
    else:
        level = "no_evidence_available"
    percent = sum([one.weight * reached for one, reached in zip(mechanisms, e, strict=True)]) // 300
    return Lens(level=level, percent=percent, x=x, e=tuple(e))


def _reported(facts: Facts, mechanisms: Sequence[MechanismStanding]) -> tuple[str, int | None, bool]:
    """The reported level, its entry, and whether it follows from claims on mechanisms alone."""
    if facts.reported is not None:
        return facts.reported.level, facts.reported.index, False
    claimed = [one for one in mechanisms if one.claim]
    if not claimed:
        return "", None, False
    x = _reaching(mechanisms, [LEVEL_ORDINAL[one.claim] if one.claim else 0 for one in mechanisms])
    level = "not_started"
    if x[2] == WHOLE:
        level = "complete"
    elif x[1] >= facts.parameters.substantial_bp and x[1] > 0:
        level = "substantial"
    elif x[0] > 0:
        level = "limited"
    return level, max([one.claim_index or 0 for one in claimed]), True


_SAYING = ("in_force", "suspended", "lapsed")
"""The states of a verdict in which its author still says something."""


def _voices(facts: Facts, graders: Sequence[_Grader], mechanisms: Sequence[MechanismStanding]) -> tuple[Voice, ...]:
    """What each assessor finds: civil society by name, then the IRM."""
    roles = {organisation: role for organisation, role, _, _ in facts.assessed}
    for grader in graders:
        for verdict, state, _, _ in grader.verdicts:
            if verdict.independent and state in _SAYING:
                roles[verdict.organisation] = verdict.role
    return tuple(
        [
            _voice(facts, graders, mechanisms, one, roles[one])
            for one in sorted(roles, key=lambda o: (roles[o] == "irm", o))
        ]
    )


def _voice(
    facts: Facts, graders: Sequence[_Grader], mechanisms: Sequence[MechanismStanding], organisation: str, role: str
) -> Voice:
    own = [grader.of_organisation(organisation) for grader in graders]
    standing_ones = [
        [
            state
            for verdict, state, _, _ in grader.verdicts
            if verdict.organisation == organisation and verdict.independent
        ]
        for grader in graders
    ]
    given = [any(state in _SAYING for state in states) for states in standing_ones]
    lens = None
    if any(given):
        complete = all(whole for _, whole in own)
        lens = _lens(facts, graders, mechanisms, [reached for reached, _ in own], complete)
    said = [(level, index) for who, _, level, index in facts.assessed if who == organisation]
    if said:
        level, index = said[-1]
        return Voice(organisation=organisation, role=role, level=level, source="assessed", index=index, lens=lens)
    if lens is not None and all(given):
        return Voice(organisation=organisation, role=role, level=lens.level, source="verdicts", lens=lens)
    return Voice(organisation=organisation, role=role, lens=lens)


_RULE_OF_LEVEL = {
    "complete": "level/complete",
    "substantial": "level/substantial",
    "limited": "level/limited",
    "not_started": "level/not-started",
    "no_evidence_available": "level/no-evidence",
}
_NEEDS = {"complete": 3, "substantial": 2, "limited": 1}


def _level_reasons(
    facts: Facts,
    graders: Sequence[_Grader],
    mechanisms: Sequence[MechanismStanding],
    combined: Lens,
    *,
    from_mechanisms: bool,
) -> tuple[Reason, ...]:
    """Why the commitment is at its level: the mechanisms that carry it, by the entries that decide about each."""
    least = _NEEDS.get(combined.level, 0)
    carrying = [grader for grader, e in zip(graders, combined.e, strict=True) if e >= least]
    entries = _together(*[index for grader in carrying for index in grader.deciding()])
    reasons = [Reason(_RULE_OF_LEVEL[combined.level], entries)]
    if facts.weights:
        reasons.append(Reason("weights/set", _together(facts.weights_index)))
    elif len(mechanisms) > 1:
        reasons.append(Reason("weights/equal"))
    if from_mechanisms:
        reasons.append(Reason("reported/mechanisms", _together(*[one.claim_index for one in mechanisms])))
    elif facts.reported is not None:
        reasons.append(Reason("reported/commitment", (facts.reported.index,)))
    return tuple(reasons)


def _flags(facts: Facts, mechanisms: Sequence[MechanismStanding]) -> tuple[str, ...]:
    """What a matrix filters by."""
    items = [item for item in facts.items if item.withdrawn is None]
    marks = {mark for mechanism in mechanisms for grade in mechanism.grades for mark in grade.marks}
    vague = any({"no_means", "no_due", "no_goal"} <= {*one.flags} for one in mechanisms)
    said = (
        ("not_verifiable", mechanisms[0].number == 0 or vague),
        ("self_assessed", facts.self_assessed),
        ("overdue", facts.due is not None and facts.due < facts.as_of),
        ("shared", any(item.shared for item in items)),
        ("gone", "gone" in marks),
        ("only_own_page", bool(items) and all(item.own_page for item in items)),
        ("before_plan", any(item.before_plan for item in items)),
        ("no_capture", not any(one.seen == "captured" for item in items for one in item.sightings)),
        ("evidence_newer", any("evidence_newer" in one.flags for one in mechanisms)),
        ("disputed", "disputed" in marks),
        ("questioned", "questioned" in marks),
    )
    return tuple([flag for flag, holds in said if holds])

"""Plans, commitments, mechanisms, figures: their state, folded from what was stated about them.

Reported and assessed are separate: what those responsible say never overwrites what others say, and a signed statement
outranks a printed one whatever their order. Everything keeps the index of the entry that said it, so that a page can
lead to the proof.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from ledger.statement import Entry, parse_when
from ledger.vocabulary import (
    ActivityRecorded,
    AxisDefined,
    CommentSubmitted,
    CommentTranscribed,
    CommitmentAmended,
    CommitmentRegistered,
    CommitmentReopened,
    CompletionAssessed,
    CompletionDateSet,
    CompletionReported,
    ContextNoted,
    FundingRecorded,
    Goal,
    IndicatorDefined,
    IndicatorMeasured,
    InstrumentCited,
    MechanismAmended,
    MechanismDefined,
    MethodologyAdopted,
    NextStepsSet,
    OfficeHolderChanged,
    Parameters,
    PlanRegistered,
    PlanSubmitted,
    RecommendationMade,
    ResponseGiven,
    Statement,
    StatementConfirmed,
    StatementWithdrawn,
    WeightsSet,
    commitment_of,
    subject_of,
)
from ledger.vocabulary import Date as DateSaid
from projections.records import Record, Records, index_key
from projections.reports import count_level, count_new
from projections.roll import Known, printed_in, speaker_of


class Day(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A date as precise as it was said; `day` is empty where only words were said."""

    precision: str
    day: str = ""


class Axis(Record, frozen=True, kw_only=True):
    """A work axis [plan/axis]."""

    table: ClassVar[str] = "axis"
    plan: str
    axis: str
    title: str
    lang: str
    index: int
    printed: bool = False


class PlanState(Record, frozen=True, kw_only=True):
    """An action plan [plan]."""

    table: ClassVar[str] = "plan"
    plan: str
    title: str
    lang: str
    country: str
    cycle: int
    starts: Day
    ends: Day
    document: str = ""
    methodology: int = 0
    methodology_index: int = 0
    submitted_to: str = ""
    submitted_on: Day | None = None
    index: int
    printed: bool = False


class Methodology(Record, frozen=True, kw_only=True):
    """A version of the parameters of grades and levels [plan/version], in force from `from_ms` on."""

    table: ClassVar[str] = "methodology"
    plan: str
    version: int
    from_ms: int
    parameters: Parameters
    document: str
    index: int


class LevelSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A level, by whom and where. `share` is (value, out of); `confirmed` by the body spoken for, at that index."""

    level: str
    reason: str = ""
    lang: str = ""
    actor: str
    role: str
    index: int
    received_ms: int
    printed: bool = False
    share: tuple[int, int] | None = None
    unit: str = ""
    confirmed: int | None = None


class StepNext(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A next step."""

    text: str
    due: Day | None = None


class Commitment(Record, frozen=True, kw_only=True):
    """A commitment as it stands [id]. `reported` by those responsible, `assessed` by others, one each."""

    table: ClassVar[str] = "commitment"
    touches: ClassVar[bool] = True
    commitment: str
    plan: str
    number: int
    proposer: str
    title: str
    lang: str
    objective: str = ""
    description: str = ""
    relevance: str = ""
    ambition: str = ""
    axis: str = ""
    institution: str
    post: str = ""
    government: tuple[str, ...] = ()
    civil: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()
    problem: str = ""
    further: str = ""
    starts: Day | None = None
    due: Day | None = None
    index: int
    printed: bool = False
    ever: tuple[str, ...] = ()  # the bodies that were responsible before
    amended: int | None = None  # the last entry that amended it
    weights: tuple[tuple[str, int], ...] = ()  # (mechanism, basis points), as last set
    weights_index: int | None = None
    reported: LevelSaid | None = None
    implicit: LevelSaid | None = None  # reported of its implicit mechanism, before it had any
    reopened: int | None = None  # the index of CommitmentReopened, until a level is reported again
    assessed: tuple[LevelSaid, ...] = ()
    completion_date: Day | None = None
    completion_date_index: int | None = None
    completion_date_printed: bool = False
    dates_moved: int = 0
    next_steps: tuple[StepNext, ...] = ()
    next_steps_index: int | None = None
    next_steps_printed: bool = False
    mechanisms: int = 0
    evidence: int = 0
    captured: int = 0
    disputed: int = 0
    comments: int = 0


class Mechanism(Record, frozen=True, kw_only=True):
    """A compliance mechanism [id]. `goal` is (value, decimals, unit)."""

    table: ClassVar[str] = "mechanism"
    touches: ClassVar[bool] = True
    mechanism: str
    commitment: str
    text: str
    lang: str
    means: str = ""
    repeats: str = ""
    period_days: int | None = None
    grace_days: int | None = None
    due: Day | None = None
    goal: tuple[int, int, str] | None = None
    amended: int | None = None
    reported: LevelSaid | None = None
    completion_date: Day | None = None
    date_printed: bool = False
    index: int
    printed: bool = False


class Indicator(Record, frozen=True, kw_only=True):
    """A figure that is followed [indicator]; `parts` are (part, title)."""

    table: ClassVar[str] = "indicator"
    indicator: str
    subject: str
    title: str
    lang: str
    unit: str
    decimals: int
    parts: tuple[tuple[str, str], ...] = ()
    index: int
    printed: bool = False


class Measure(Record, frozen=True, kw_only=True):
    """A measured figure [indicator/index]; `values` are (part or empty, value)."""

    table: ClassVar[str] = "measure"
    indexes: ClassVar[int] = 1
    indicator: str
    as_of: Day | None = None
    first_day: Day | None = None
    last_day: Day | None = None
    values: tuple[tuple[str, int], ...]
    out_of: int | None = None
    index: int
    printed: bool = False


class Surrounding(Record, frozen=True, kw_only=True):
    """What stands around plan or commitment [either/index]: instrument, funding, context, office, activity, advice.

    The entry itself has its words; this is what lists need.
    """

    table: ClassVar[str] = "surrounding"
    indexes: ClassVar[int] = 1
    kind: str
    index: int
    printed: bool = False
    first_day: Day | None = None
    last_day: Day | None = None
    answered: int | None = None  # of advice: the index of the last answer


# --- folding ---------------------------------------------------------------------------------------------------------


def day_of(date: DateSaid | UnsetType) -> Day | None:
    """A date of a statement as records keep it."""
    if date is UNSET:
        return None
    return Day(precision=date.precision, day="" if date.day is UNSET else date.day)


def _certain(date: DateSaid) -> Day:
    return Day(precision=date.precision, day="" if date.day is UNSET else date.day)


def _text(text: str | UnsetType) -> str:
    return "" if text is UNSET else text


def _plan(records: Records, entry: Entry, registered: PlanRegistered, known: Known) -> None:
    records.put(
        registered.plan,
        PlanState(
            plan=registered.plan,
            title=registered.title,
            lang=registered.lang,
            country=registered.country,
            cycle=registered.cycle,
            starts=_certain(registered.starts),
            ends=_certain(registered.ends),
            document=_text(registered.document),
            index=entry.index,
            printed=printed_in(registered),
        ),
    )


def _methodology(records: Records, entry: Entry, adopted: MethodologyAdopted, known: Known) -> None:
    records.put(
        f"{adopted.plan}/{adopted.version:04d}",
        Methodology(
            plan=adopted.plan,
            version=adopted.version,
            from_ms=entry.received_ms if adopted.from_ is UNSET else parse_when(adopted.from_),
            parameters=adopted.parameters,
            document=adopted.document,
            index=entry.index,
        ),
    )
    plan = records.get(PlanState, adopted.plan)
    if plan is not None:
        changed = msgspec.structs.replace(plan, methodology=adopted.version, methodology_index=entry.index)
        records.put(adopted.plan, changed)


def _submitted(records: Records, entry: Entry, submitted: PlanSubmitted, known: Known) -> None:
    plan = records.get(PlanState, submitted.plan)
    if plan is not None:
        on = _certain(submitted.on)
        records.put(submitted.plan, msgspec.structs.replace(plan, submitted_to=submitted.to, submitted_on=on))


def _axis(records: Records, entry: Entry, defined: AxisDefined, known: Known) -> None:
    records.put(
        f"{defined.plan}/{defined.axis}",
        Axis(
            plan=defined.plan,
            axis=defined.axis,
            title=defined.title,
            lang=defined.lang,
            index=entry.index,
            printed=printed_in(defined),
        ),
    )


def _commitment(records: Records, entry: Entry, registered: CommitmentRegistered, known: Known) -> None:
    records.put(
        registered.commitment,
        Commitment(
            commitment=registered.commitment,
            plan=registered.plan,
            number=registered.number,
            proposer=registered.proposer,
            title=registered.title,
            lang=registered.lang,
            objective=_text(registered.objective),
            description=_text(registered.description),
            relevance=_text(registered.relevance),
            ambition=_text(registered.ambition),
            axis=_text(registered.axis),
            institution=registered.institution,
            post=_text(registered.post),
            government=registered.others.government,
            civil=registered.others.civil,
            unlabelled=registered.others.unlabelled,
            problem=_text(registered.problem),
            further=_text(registered.further),
            starts=day_of(registered.starts),
            due=day_of(registered.due),
            index=entry.index,
            printed=printed_in(registered),
        ),
    )
    count_new(records, entry, registered)


def _mechanism(records: Records, entry: Entry, defined: MechanismDefined, known: Known) -> None:
    commitment = records.get(Commitment, commitment_of(defined.mechanism))
    records.put(
        defined.mechanism,
        Mechanism(
            mechanism=defined.mechanism,
            commitment=commitment_of(defined.mechanism),
            text=defined.text,
            lang=defined.lang,
            means=_text(defined.means),
            repeats=_text(defined.repeats),
            period_days=None if defined.period_days is UNSET else defined.period_days,
            grace_days=None if defined.grace_days is UNSET else defined.grace_days,
            due=day_of(defined.due),
            goal=_goal(defined.goal),
            index=entry.index,
            printed=printed_in(defined),
        ),
    )
    if commitment is not None:
        changed = msgspec.structs.replace(commitment, mechanisms=commitment.mechanisms + 1)
        records.put(commitment.commitment, changed)


def _goal(goal: Goal | UnsetType) -> tuple[int, int, str] | None:
    return None if goal is UNSET else (goal.value, goal.decimals, goal.unit)


def _amended(records: Records, entry: Entry, amended: CommitmentAmended, known: Known) -> None:
    """What is named takes the place of what was. Who was responsible once stays so where independence is asked."""
    commitment = records.get(Commitment, amended.commitment)
    if commitment is None:
        return
    changes: dict[str, Any] = {"amended": entry.index}
    for name in ("title", "objective", "description", "relevance", "ambition", "axis", "post", "problem", "further"):
        text = getattr(amended, name)
        if text is not UNSET:
            changes[name] = text
    for name in ("starts", "due"):
        date = getattr(amended, name)
        if date is not UNSET:
            changes[name] = day_of(date)
    if amended.others is not UNSET:
        others = amended.others
        changes |= {"government": others.government, "civil": others.civil, "unlabelled": others.unlabelled}
    if amended.institution is not UNSET and amended.institution != commitment.institution:
        before = tuple([one for one in commitment.ever if one != commitment.institution])
        changes |= {"institution": amended.institution, "ever": (*before, commitment.institution)}
    records.put(amended.commitment, msgspec.structs.replace(commitment, **changes))


def _mechanism_amended(records: Records, entry: Entry, amended: MechanismAmended, known: Known) -> None:
    mechanism = records.get(Mechanism, amended.mechanism)
    if mechanism is None:
        return
    changes: dict[str, Any] = {"amended": entry.index}
    for name in ("text", "means", "repeats", "period_days", "grace_days"):
        value = getattr(amended, name)
        if value is not UNSET:
            changes[name] = value
    if amended.due is not UNSET:
        changes["due"] = day_of(amended.due)
    if amended.goal is not UNSET:
        changes["goal"] = _goal(amended.goal)
    records.put(amended.mechanism, msgspec.structs.replace(mechanism, **changes))


def _weighed(records: Records, entry: Entry, weighed: WeightsSet, known: Known) -> None:
    commitment = records.get(Commitment, weighed.commitment)
    if commitment is not None:
        weights = tuple([(one.mechanism, one.bp) for one in weighed.weights])
        changed = msgspec.structs.replace(commitment, weights=weights, weights_index=entry.index)
        records.put(weighed.commitment, changed)


def _level(entry: Entry, said: CompletionReported | CompletionAssessed) -> LevelSaid:
    actor, role = speaker_of(said)
    share = said.share if isinstance(said, CompletionReported) else UNSET
    return LevelSaid(
        level=said.level,
        reason=_text(said.reason),
        lang=said.lang,
        actor=actor,
        role=role,
        index=entry.index,
        received_ms=entry.received_ms,
        printed=printed_in(said),
        share=None if share is UNSET else (share.value, share.out_of),
        unit="" if share is UNSET else share.unit,
    )


def _outranks(new: LevelSaid, standing: LevelSaid | None) -> bool:
    """The latest stands, but a signed level outranks a printed one."""
    return standing is None or standing.printed or not new.printed


def _reported(records: Records, entry: Entry, reported: CompletionReported, known: Known) -> None:
    level = _level(entry, reported)
    if "." in reported.subject:
        if reported.subject.endswith(".M0"):
            _reported_implicit(records, reported.subject, level)
            return
        mechanism = records.get(Mechanism, reported.subject)
        if mechanism is not None and _outranks(level, mechanism.reported):
            records.put(reported.subject, msgspec.structs.replace(mechanism, reported=level))
        return
    commitment = records.get(Commitment, reported.subject)
    if commitment is None or not _outranks(level, commitment.reported):
        return
    records.put(reported.subject, msgspec.structs.replace(commitment, reported=level, reopened=None))
    count_level(records, commitment.plan, reported.subject, reported.level, entry.index)


def _reported_implicit(records: Records, subject: str, level: LevelSaid) -> None:
    commitment = records.get(Commitment, commitment_of(subject))
    if commitment is not None and _outranks(level, commitment.implicit):
        records.put(commitment.commitment, msgspec.structs.replace(commitment, implicit=level))


def _reopened(records: Records, entry: Entry, reopened: CommitmentReopened, known: Known) -> None:
    commitment = records.get(Commitment, reopened.commitment)
    if commitment is not None:
        records.put(reopened.commitment, msgspec.structs.replace(commitment, reopened=entry.index))


def _assessed(records: Records, entry: Entry, assessed: CompletionAssessed, known: Known) -> None:
    commitment = records.get(Commitment, assessed.commitment)
    if commitment is None:
        return
    level = _level(entry, assessed)
    others = [one for one in commitment.assessed if one.actor != level.actor]
    in_order = tuple(sorted([*others, level], key=lambda one: (one.role == "irm", one.actor)))
    records.put(assessed.commitment, msgspec.structs.replace(commitment, assessed=in_order))


def _dated(records: Records, entry: Entry, dated: CompletionDateSet, known: Known) -> None:
    day, printed = _certain(dated.date), printed_in(dated)
    if "." in dated.subject:
        mechanism = records.get(Mechanism, dated.subject)
        if mechanism is not None and not (printed and mechanism.completion_date and not mechanism.date_printed):
            changed = msgspec.structs.replace(mechanism, completion_date=day, date_printed=printed)
            records.put(dated.subject, changed)
        return
    commitment = records.get(Commitment, dated.subject)
    if commitment is None or (printed and commitment.completion_date and not commitment.completion_date_printed):
        return
    moved = commitment.completion_date is not None and commitment.completion_date != day
    records.put(
        dated.subject,
        msgspec.structs.replace(
            commitment,
            completion_date=day,
            completion_date_index=entry.index,
            completion_date_printed=printed,
            dates_moved=commitment.dates_moved + moved,
        ),
    )


def _steps(records: Records, entry: Entry, steps: NextStepsSet, known: Known) -> None:
    commitment = records.get(Commitment, steps.commitment)
    printed = printed_in(steps)
    if commitment is None:
        return
    if printed and commitment.next_steps_index is not None and not commitment.next_steps_printed:
        return
    changed = msgspec.structs.replace(
        commitment,
        next_steps=tuple([StepNext(text=step.text, due=day_of(step.due)) for step in steps.steps]),
        next_steps_index=entry.index,
        next_steps_printed=printed,
    )
    records.put(steps.commitment, changed)


def count_of(records: Records, identifier: str, **more: int) -> None:
    """Add to the counts of a commitment: `evidence=1`."""
    commitment = records.get(Commitment, identifier)
    if commitment is not None:
        changes = {name: getattr(commitment, name) + by for name, by in more.items()}
        records.put(identifier, msgspec.structs.replace(commitment, **changes))


def _withdrawn(records: Records, entry: Entry, withdrawn: StatementWithdrawn, known: Known) -> None:
    """An assessment is taken back. What it had replaced does not come back: its author has said other things since."""
    target = records.get(Known, withdrawn.statement)
    if target is None or target.withdrawn != entry.index or target.kind != "CompletionAssessed":
        return
    for topic in target.topics:
        commitment = records.get(Commitment, topic)
        if commitment is not None:
            left = tuple([one for one in commitment.assessed if one.index != target.index])
            records.put(topic, msgspec.structs.replace(commitment, assessed=left))


def _confirmed(records: Records, entry: Entry, confirmed: StatementConfirmed, known: Known) -> None:
    """A level that stands, confirmed or put into words by the body that it was printed for."""
    target = records.get(Known, confirmed.statement)
    if target is None or target.kind != "CompletionReported":
        return
    holder = records.get(Mechanism if "." in target.place else Commitment, target.place)
    if holder is not None and holder.reported is not None and holder.reported.index == target.index:
        level = msgspec.structs.replace(holder.reported, confirmed=entry.index)
        records.put(target.place, msgspec.structs.replace(holder, reported=level))


def _indicator(records: Records, entry: Entry, defined: IndicatorDefined, known: Known) -> None:
    parts = () if defined.parts is UNSET else tuple([(part.part, part.title) for part in defined.parts])
    records.put(
        defined.indicator,
        Indicator(
            indicator=defined.indicator,
            subject=defined.subject,
            title=defined.title,
            lang=defined.lang,
            unit=defined.unit,
            decimals=defined.decimals,
            parts=parts,
            index=entry.index,
            printed=printed_in(defined),
        ),
    )


def _measured(records: Records, entry: Entry, measured: IndicatorMeasured, known: Known) -> None:
    records.put(
        index_key(measured.indicator, entry.index),
        Measure(
            indicator=measured.indicator,
            as_of=day_of(measured.as_of),
            first_day=day_of(measured.first_day),
            last_day=day_of(measured.last_day),
            values=tuple([(_text(one.part), one.value) for one in measured.values]),
            out_of=None if measured.out_of is UNSET else measured.out_of,
            index=entry.index,
            printed=printed_in(measured),
        ),
    )


_Around = InstrumentCited | FundingRecorded | ContextNoted | OfficeHolderChanged | ActivityRecorded | RecommendationMade


def _around(records: Records, entry: Entry, statement: _Around, known: Known) -> None:
    subject = subject_of(statement)
    first = getattr(statement, "first_day", getattr(statement, "on", UNSET))
    records.put(
        index_key(commitment_of(subject) if subject else statement.plan, entry.index),
        Surrounding(
            kind=statement.kind,
            index=entry.index,
            printed=printed_in(statement),
            first_day=day_of(first),
            last_day=day_of(getattr(statement, "last_day", UNSET)),
        ),
    )


def _answered(records: Records, entry: Entry, given: ResponseGiven, known: Known) -> None:
    for identity in given.answers:
        question = records.get(Known, identity)
        if question is not None and question.kind == "RecommendationMade":
            key = index_key(question.plan, question.index)
            advice = records.get(Surrounding, key)
            if advice is not None:
                records.put(key, msgspec.structs.replace(advice, answered=entry.index))


def _commented(records: Records, entry: Entry, comment: CommentSubmitted | CommentTranscribed, known: Known) -> None:
    if "/" in comment.about:
        count_of(records, commitment_of(comment.about), comments=1)


FOLDS: dict[type[Statement], Callable[..., None]] = {
    PlanRegistered: _plan,
    MethodologyAdopted: _methodology,
    PlanSubmitted: _submitted,
    AxisDefined: _axis,
    CommitmentRegistered: _commitment,
    CommitmentAmended: _amended,
    MechanismDefined: _mechanism,
    MechanismAmended: _mechanism_amended,
    WeightsSet: _weighed,
    CompletionReported: _reported,
    CommitmentReopened: _reopened,
    CompletionAssessed: _assessed,
    CompletionDateSet: _dated,
    NextStepsSet: _steps,
    StatementWithdrawn: _withdrawn,
    StatementConfirmed: _confirmed,
    IndicatorDefined: _indicator,
    IndicatorMeasured: _measured,
    InstrumentCited: _around,
    FundingRecorded: _around,
    ContextNoted: _around,
    OfficeHolderChanged: _around,
    ActivityRecorded: _around,
    RecommendationMade: _around,
    ResponseGiven: _answered,
    CommentSubmitted: _commented,
    CommentTranscribed: _commented,
}

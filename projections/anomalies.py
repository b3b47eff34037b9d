"""What the record itself shows to be at odds: never listed by hand, always with the entries that prove it.

    anomalies_of(records, plan, size, as_of) -> (Anomaly, ...)      in the order of RULES, then of commitments

An anomaly is a named rule that fires on records: a figure that the record does not give, a level that its own next
steps contradict, a text or a link that serves several commitments, a date that cannot be, a silence. It says nothing
of intentions, and nothing of what the record does not hold: "no link" is not "nothing was done". Whatever is printed in
its sentence stands in `figures`, `dates` and `codes`, as integers, days and codes, so that a page and a program say
the same; and `entries` are the leaf indexes without which the rule would not fire as it does.

Everything is a function of the records of the first `size` entries, a day, and the methodology in force: thresholds are
its parameters. Days are those of the ledger's offset. A date of a month or a year is a span: two dates contradict each
other only if no day of one span fits the other.

`FOLDS` keeps three traces that no other fold does: the days on which a body signed something itself, each completion
date that was set, and the weeks for which an institution filed its report.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET

from ledger.statement import Entry, parse_when
from ledger.vocabulary import KINDS, CompletionDateSet, Statement, WeeklyReportFiled, commitment_of
from projections.commitments import (
    Commitment,
    Day,
    Indicator,
    LevelSaid,
    Measure,
    Mechanism,
    PlanState,
    Surrounding,
    day_of,
)
from projections.evidence import (
    Dispute,
    Evidence,
    Request,
    Sight,
    Situation,
    compared,
    day_number,
    first_day,
    is_home_page,
    is_own_page,
    last_day,
    number_of,
    shared_with,
)
from projections.meetings import Convened, Meeting
from projections.records import Record, Records, index_key
from projections.reports import ClaimChecked, LevelStep, Proposed, Report
from projections.reuse import Alike, Wording, repeated, shared_words, words_of
from projections.roll import DayStart, Known, Ledger, RoleHeld, local_day, printed_in
from projections.rounds import Comment, Round, organisation_of

RULES = (
    "report/count",
    "report/share",
    "date/after-report",
    "date/not-yet",
    "date/evidence-later",
    "open/mechanism",
    "open/share",
    "open/figure",
    "open/steps",
    "evidence/none",
    "evidence/only-own-page",
    "evidence/only-home-page",
    "evidence/before-plan",
    "evidence/shared",
    "text/repeated",
    "self-assessed",
    "missing/mechanisms",
    "missing/means",
    "missing/date",
    "date/moved",
    "silence/meetings",
    "silence/institution",
    "unanswered/comments",
    "unanswered/dispute",
    "unanswered/request",
    "unanswered/advice",
)
"""Every rule, in the order in which findings are told: what contradicts itself before what is missing."""


class TextUse(msgspec.Struct, frozen=True, kw_only=True):
    """A text that is repeated: of which commitment or mechanism, which field, and in which of two wordings: 0 is the
    shorter one, 1 the longer."""

    subject: str
    field: str
    wording: int = 0


class Anomaly(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One case of a rule.

    `subject` is what is no commitment and no institution: a report and its version, a round, a meeting, an address.
    `entries` are in order, each once.
    """

    rule: str
    commitments: tuple[str, ...] = ()
    institutions: tuple[str, ...] = ()
    subject: str = ""
    figures: dict[str, int] = {}
    dates: dict[str, Day] = {}
    codes: dict[str, str] = {}
    texts: tuple[TextUse, ...] = ()
    entries: tuple[int, ...]


# --- traces: what no other fold keeps ---------------------------------------------------------------------------------


class Spoke(Record, frozen=True, kw_only=True):
    """A day on which a body signed something itself, or an office or program of it [organisation/YYYY-MM-DD].

    What was printed is the importer's. `index` is the first statement of that day.
    """

    table: ClassVar[str] = "spoke"
    day: str
    index: int


class DateStep(Record, frozen=True, kw_only=True):
    """A completion date that was set [subject/index]."""

    table: ClassVar[str] = "date_step"
    indexes: ClassVar[int] = 1
    date: Day
    index: int
    printed: bool = False


class WeekFiled(Record, frozen=True, kw_only=True):
    """A week for which an institution filed its report, or said that there was nothing [institution/YYYY-Www]."""

    table: ClassVar[str] = "week_filed"
    week: str
    index: int


def _speak(records: Records, entry: Entry, statement: Statement, known: Known) -> None:
    for signer in statement.by:
        if signer.actor is UNSET:
            continue
        ledger = records.get(Ledger, "ledger")
        day = local_day(entry.received_ms, ledger.offset_minutes if ledger else 0)
        key = f"{organisation_of(records, signer.actor)}/{day}"
        if records.get(Spoke, key) is None:
            records.put(key, Spoke(day=day, index=entry.index))


def _date(records: Records, entry: Entry, dated: CompletionDateSet, known: Known) -> None:
    _speak(records, entry, dated, known)
    said = day_of(dated.date)
    assert said is not None
    step = DateStep(date=said, index=entry.index, printed=printed_in(dated))
    records.put(index_key(dated.subject, entry.index), step)


def _file(records: Records, entry: Entry, filed: WeeklyReportFiled, known: Known) -> None:
    _speak(records, entry, filed, known)
    key = f"{filed.institution}/{filed.week}"
    if records.get(WeekFiled, key) is None:
        records.put(key, WeekFiled(week=filed.week, index=entry.index))


FOLDS: dict[type[Statement], Callable[..., None]] = {
    **dict.fromkeys(KINDS.values(), _speak),
    CompletionDateSet: _date,
    WeeklyReportFiled: _file,
}


# --- the scene: what the rules look at --------------------------------------------------------------------------------


class Scene:
    """The records of a plan at one size, read once for all rules. Days are numbers, as `date.toordinal` counts them."""

    def __init__(self, records: Records, plan: PlanState, size: int, as_of: str) -> None:
        """`as_of` is a day, `YYYY-MM-DD`."""
        self.records = records
        self.plan = plan
        self.size = size
        self.situation = Situation(records, plan.plan, as_of)
        self.as_of = self.situation.as_of
        self.parameters = self.situation.parameters

    @cached_property
    def commitments(self) -> list[Commitment]:
        """The government's first, then by letter and number."""
        found = [one for _, one in self.records.scan(Commitment, prefix=f"{self.plan.plan}/")]
        return sorted(found, key=lambda one: (one.proposer != "government", one.number, one.commitment))

    @cached_property
    def complete(self) -> list[tuple[Commitment, LevelSaid]]:
        """Those that are reported complete, with what said so."""
        return [(one, one.reported) for one in self.commitments if one.reported and one.reported.level == "complete"]

    @cached_property
    def mechanisms(self) -> Mapping[str, list[Mechanism]]:
        """The defined mechanisms of each commitment, by number."""
        found = defaultdict[str, list[Mechanism]](list)
        for _, one in self.records.scan(Mechanism, prefix=f"{self.plan.plan}/"):
            found[one.commitment].append(one)
        for each in found.values():
            each.sort(key=lambda one: number_of(one.mechanism))
        return found

    @cached_property
    def links(self) -> Mapping[str, list[Evidence]]:
        """The evidence that stands for each commitment, in the order of entries."""
        found = defaultdict[str, list[Evidence]](list)
        for _, one in self.records.scan(Evidence, prefix=f"{self.plan.plan}/"):
            if one.withdrawn is None:
                found[one.commitment].append(one)
        return found

    @cached_property
    def reports(self) -> list[Report]:
        """The published reports of the plan, the first entry first."""
        found = [one for _, one in self.records.scan(Report) if one.plan == self.plan.plan]
        return sorted(found, key=lambda one: one.index)

    @cached_property
    def told(self) -> list[tuple[int, Report]]:
        """The self-assessments that have a date, with its last day."""
        dated = [(last_day(Day(precision=one.precision, day=one.day)), one) for one in self.reports]
        return [(day, one) for day, one in dated if day is not None and one.report_form.startswith("self_assessment")]

    @cached_property
    def dates(self) -> Mapping[str, list[DateStep]]:
        """The completion dates that were set for each commitment and mechanism, in the order of entries."""
        found = defaultdict[str, list[DateStep]](list)
        for key, step in self.records.scan(DateStep, prefix=f"{self.plan.plan}/"):
            found[key.rpartition("/")[0]].append(step)
        return found

    @cached_property
    def measures(self) -> Mapping[str, list[tuple[Indicator, Measure]]]:
        """The figures that follow each commitment, as measured last."""
        found = defaultdict[str, list[tuple[Indicator, Measure]]](list)
        for key, indicator in self.records.scan(Indicator):
            measures = [one for _, one in self.records.scan(Measure, prefix=f"{key}/")]
            if measures and indicator.subject.startswith(f"{self.plan.plan}/"):
                found[commitment_of(indicator.subject)].append((indicator, measures[-1]))
        return found

    @cached_property
    def _days(self) -> tuple[list[int], list[int]]:
        found = [(one.index, date.fromisoformat(day).toordinal()) for day, one in self.records.scan(DayStart)]
        return [index for index, _ in found], [day for _, day in found]

    def day_of(self, index: int) -> int:
        """The day on which an entry was received."""
        indexes, days = self._days
        return days[max(0, bisect_right(indexes, index) - 1)]

    def case(self, rule: str, *commitments: Commitment, entries: Iterable[int | None], **more: Any) -> Anomaly:
        """An anomaly of these commitments and their institutions."""
        more.setdefault("institutions", tuple(dict.fromkeys([one.institution for one in commitments])))
        return Anomaly(
            rule=rule,
            commitments=tuple([one.commitment for one in commitments]),
            entries=tuple(sorted({index for index in entries if index is not None})),
            **more,
        )


def day_from(number: int) -> Day:
    """A day from its number."""
    return Day(precision="day", day=date.fromordinal(number).isoformat())


def anomalies_of(records: Records, plan: str, size: int, as_of: str) -> tuple[Anomaly, ...]:
    """Every anomaly that a plan's record of `size` entries shows on a day (`YYYY-MM-DD`), in the order of RULES.

    None for a plan that is not registered. Before a methodology is adopted its defaults hold, as for levels.
    """
    state = records.get(PlanState, plan)
    if state is None:
        return ()
    scene = Scene(records, state, size, as_of)
    place = {rule: number for number, rule in enumerate(RULES)}
    found = [anomaly for rule in _LOOKING for anomaly in rule(scene)]
    return tuple(sorted(found, key=lambda anomaly: place[anomaly.rule]))


# --- what a report claims ---------------------------------------------------------------------------------------------


def _claims(scene: Scene) -> Iterator[Anomaly]:
    """Figures that the record does not give."""
    for report in scene.reports:
        for claim in report.claims:
            if claim.verdict != "differs" or claim.computed is None:
                continue
            scope = {"level": claim.level, "proposer": claim.proposer, "round": claim.round}
            figures = {"claimed": claim.claimed, "computed": claim.computed}
            if claim.out_of is not None:
                figures["out_of"] = claim.out_of
            yield Anomaly(
                rule="report/count",
                commitments=claim.members if claim.level else (),
                institutions=(claim.institution,) if claim.institution else (),
                subject=f"{report.report}/{report.version}",
                figures=figures,
                codes={"measure": claim.measure, **{name: code for name, code in scope.items() if code}},
                entries=tuple(sorted({report.index, *_behind(scene, report, claim)})),
            )


def _behind(scene: Scene, report: Report, claim: ClaimChecked) -> Iterator[int]:
    """The entries that the record's figure counts; of comments the rounds that they came in."""
    if claim.measure == "meeting_count":
        for key, _ in scene.records.scan(Convened, prefix=f"{scene.plan.plan}/"):
            if (index := int(key[-9:])) < report.tree_size:
                yield index
    elif claim.level:
        for member in claim.members:
            yield _level_entry(scene, member, report.tree_size)
    elif claim.measure == "commitment_count":
        for member in claim.members:
            found = scene.records.get(Proposed, member)
            if found is not None:
                yield found.index
    else:
        for key, round_ in scene.records.scan(Round):
            if round_.plan == scene.plan.plan and claim.round in ("", key) and round_.received:
                yield round_.index


def _level_entry(scene: Scene, commitment: str, size: int) -> int:
    """The entry that set the level in which a commitment stood among the first `size` entries."""
    keys = [key for key, _ in scene.records.scan(LevelStep, prefix=f"{commitment}/")]
    return max([index for key in keys if (index := int(key[-9:])) < size], default=0)


def _shares(scene: Scene) -> Iterator[Anomaly]:
    """Shares that do not follow from the counts printed beside them."""
    for report in scene.reports:
        counts = {_scope(claim): claim for claim in report.claims if claim.measure == "level_count" and claim.out_of}
        for claim in report.claims:
            count = counts.get(_scope(claim)) if claim.measure == "level_share_bp" else None
            if count is None or not count.out_of:
                continue
            rounded = (20_000 * count.claimed + count.out_of) // (2 * count.out_of)
            if claim.claimed == rounded:
                continue
            cut = claim.claimed == 10_000 * count.claimed // count.out_of
            yield Anomaly(
                rule="report/share",
                subject=f"{report.report}/{report.version}",
                figures={"claimed": claim.claimed, "count": count.claimed, "out_of": count.out_of, "computed": rounded},
                codes={"level": claim.level, "how": "truncated" if cut else "differs"},
                entries=(report.index,),
            )


def _scope(claim: ClaimChecked) -> tuple[str, str, str]:
    return claim.level, claim.proposer, claim.institution


# --- dates ------------------------------------------------------------------------------------------------------------


def _dates(scene: Scene) -> Iterator[Anomaly]:
    """Reported complete, and a date that says otherwise."""
    for commitment, reported in scene.complete:
        said = commitment.completion_date
        first, last = first_day(said), last_day(said)
        if said is None or first is None or last is None:
            continue
        entries = (reported.index, commitment.completion_date_index)
        after = next((one for one in scene.told if one[1].index > reported.index and first > one[0]), None)
        if after is not None:
            report = after[1]
            yield scene.case(
                "date/after-report",
                commitment,
                subject=f"{report.report}/{report.version}",
                dates={"date": said, "report": Day(precision=report.precision, day=report.day)},
                entries=(*entries, report.index),
            )
        if first > scene.as_of:
            figures = {"days": first - scene.as_of}
            yield scene.case("date/not-yet", commitment, figures=figures, dates={"date": said}, entries=entries)
        later = _newest_dated(scene.links[commitment.commitment])
        if later is not None and later[0] > last:
            yield scene.case(
                "date/evidence-later",
                commitment,
                figures={"days": later[0] - last},
                dates={"date": said, "evidence": later[1]},
                entries=(*entries, later[2]),
            )


def _newest_dated(links: Iterable[Evidence]) -> tuple[int, Day, int] | None:
    """The first day, date and entry of the evidence that is dated last."""
    found = [(day, one.dated, one.index) for one in links if one.dated and (day := first_day(one.dated)) is not None]
    return max(found, key=lambda one: (one[0], -one[2]), default=None)


def _moved(scene: Scene) -> Iterator[Anomaly]:
    """Completion dates that were set anew."""
    for commitment in scene.commitments:
        subjects = [commitment.commitment, *[one.mechanism for one in scene.mechanisms[commitment.commitment]]]
        for subject in subjects:
            steps = standing_steps(scene.dates[subject])
            if len(steps) > 1:
                yield scene.case(
                    "date/moved",
                    commitment,
                    subject="" if subject == commitment.commitment else subject,
                    figures={"moves": len(steps) - 1, "days": days_added(steps)},
                    dates={"first": steps[0].date, "last": steps[-1].date},
                    entries=[step.index for step in steps],
                )


def standing_steps(steps: Iterable[DateStep]) -> list[DateStep]:
    """The dates that stood one after the other, each another than the last; a signed one is never replaced by print."""
    found: list[DateStep] = []
    signed = False
    for step in steps:
        if step.printed and signed:
            continue
        signed = signed or not step.printed
        if not found or found[-1].date != step.date:
            found.append(step)
    return found


def days_added(steps: Sequence[DateStep]) -> int:
    """By how many days the end of the first date and of the last differ; 0 where one of them has no day."""
    first, last = last_day(steps[0].date), last_day(steps[-1].date)
    return last - first if first is not None and last is not None else 0


# --- what is open although complete -----------------------------------------------------------------------------------


def _open(scene: Scene) -> Iterator[Anomaly]:
    """Reported complete, and something is left to do by the same account."""
    for commitment, reported in scene.complete:
        for mechanism in scene.mechanisms[commitment.commitment]:
            said = mechanism.reported
            if said is not None and said.level != "complete":
                yield scene.case(
                    "open/mechanism",
                    commitment,
                    subject=mechanism.mechanism,
                    codes={"level": said.level},
                    entries=(reported.index, said.index),
                )
        yield from _shortfalls(scene, commitment, reported)
        if commitment.next_steps:
            figures = {"steps": len(commitment.next_steps)}
            entries = (reported.index, commitment.next_steps_index)
            yield scene.case("open/steps", commitment, figures=figures, entries=entries)


def _shortfalls(scene: Scene, commitment: Commitment, reported: LevelSaid) -> Iterator[Anomaly]:
    """Shares and figures that do not reach their whole."""
    said = [("", reported)]
    said += [(one.mechanism, one.reported) for one in scene.mechanisms[commitment.commitment] if one.reported]
    for subject, level in said:
        if level.level == "complete" and level.share is not None and level.share[0] < level.share[1]:
            figures = {"value": level.share[0], "out_of": level.share[1]}
            yield scene.case(
                "open/share", commitment, subject=subject, figures=figures, entries=(reported.index, level.index)
            )
    for indicator, measure in scene.measures[commitment.commitment]:
        value = dict(measure.values).get("")
        if value is not None and measure.out_of is not None and value < measure.out_of:
            yield scene.case(
                "open/figure",
                commitment,
                subject=indicator.indicator,
                figures={"value": value, "out_of": measure.out_of, "decimals": indicator.decimals},
                entries=(reported.index, indicator.index, measure.index),
            )


# --- evidence ---------------------------------------------------------------------------------------------------------


def _evidence(scene: Scene) -> Iterator[Anomaly]:
    """Evidence that is none, or cannot be of this plan."""
    for commitment in scene.commitments:
        links, reported = scene.links[commitment.commitment], commitment.reported
        if not links:
            if reported is not None and reported.level in ("complete", "substantial"):
                codes = {"level": reported.level}
                yield scene.case("evidence/none", commitment, codes=codes, entries=(reported.index,))
            continue
        yield from _only_entrances(scene, commitment, links)
        starts = scene.situation.starts
        before = [one for one in links if starts is not None and (last_day(one.dated) or starts) < starts]
        if before:
            newest = max(before, key=lambda one: (last_day(one.dated) or 0, -one.index))
            assert newest.dated is not None
            yield scene.case(
                "evidence/before-plan",
                commitment,
                figures={"links": len(before), "of": len(links)},
                dates={"starts": scene.plan.starts, "newest": newest.dated},
                entries=(scene.plan.index, *[one.index for one in before]),
            )


def _only_entrances(scene: Scene, commitment: Commitment, links: Sequence[Evidence]) -> Iterator[Anomaly]:
    """The only evidence are pages of the tracker itself, or the first pages of sites."""
    prefixes = scene.parameters.own_pages
    own = [bool(one.url) and is_own_page(one.url, prefixes) for one in links]
    home = [bool(one.url) and is_home_page(one.url) for one in links]
    entries = [one.index for one in links]
    figures = {"links": len(links)}
    method = scene.situation.methodology
    adopted = [method.index] if method is not None and any(own) else []  # it says which pages are the tracker's
    if all(own):
        yield scene.case("evidence/only-own-page", commitment, figures=figures, entries=entries + adopted)
    elif all(map(bool.__or__, own, home)):
        yield scene.case("evidence/only-home-page", commitment, figures=figures, entries=entries + adopted)


def _shared(scene: Scene) -> Iterator[Anomaly]:
    """Links with the same address or bytes that serve several commitments, and nobody says what each takes of it."""
    found: dict[int, list[Evidence]] = defaultdict(list)
    beside: dict[int, set[int]] = defaultdict(set)
    for commitment in scene.commitments:
        for link in scene.links[commitment.commitment]:
            found[link.index].append(link)
            others = shared_with(scene.records, link)
            for other in others:
                beside[link.index].add(other)
                beside[other].add(link.index)
    by_name = {one.commitment: one for one in scene.commitments}
    for links in _connected(beside):
        held = [one for link in links for one in found[link]]
        names = sorted({one.commitment for one in held}, key=list(by_name).index)
        addresses = {compared(one.url) for one in held}
        bytes_of = [one for one in held if len(addresses) > 1 or not one.url]
        yield scene.case(
            "evidence/shared",
            *[by_name[name] for name in names],
            subject=held[0].url or held[0].upload,
            figures={"commitments": len(names), "links": len(links)},
            codes={"by": "bytes" if bytes_of else "address"},
            entries=[*links, *_captures(scene, bytes_of)],
        )


def _connected(beside: Mapping[int, set[int]]) -> Iterator[list[int]]:
    """The groups in which each member leads to each other, by their first member."""
    seen: set[int] = set()
    for start in sorted(beside):
        group, waiting = set[int](), {start} - seen
        while waiting:
            here = waiting.pop()
            group.add(here)
            waiting |= beside[here] - group
        seen |= group
        if group:
            yield sorted(group)


def _captures(scene: Scene, links: Sequence[Evidence]) -> Iterator[int]:
    """The first capture of each link of the bytes that several of them have."""
    first: dict[str, dict[tuple[str, int], int]] = defaultdict(dict)
    for one in links:
        for _, sight in scene.records.scan(Sight, prefix=f"{index_key(one.commitment, one.index)}/"):
            if sight.seen == "captured":
                first[sight.digest].setdefault((one.commitment, one.index), sight.index)
    for held in first.values():
        if len(held) > 1:
            yield from held.values()


# --- texts ------------------------------------------------------------------------------------------------------------

FIELDS = ("title", "objective", "description", "problem", "relevance", "ambition", "further", "reason")
"""The texts that are compared. The name of a responsible office is none: one office answers for many commitments."""


def texts_in(scene: Scene) -> dict[tuple[str, str], tuple[str, tuple[int, ...]]]:
    """The standing texts of a plan, by commitment or mechanism and field, each with the entries that said it."""
    found: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}
    for one in scene.commitments:
        said = (one.index,) if one.amended is None else (one.index, one.amended)
        for field in FIELDS[:-1]:
            if text := getattr(one, field):
                found[one.commitment, field] = text, said
        levels = [(one.commitment, one.reported), (f"{one.commitment}.M0", one.implicit)]
        levels += [(each.mechanism, each.reported) for each in scene.mechanisms[one.commitment]]
        for subject, level in levels:
            if level is not None and level.reason:
                found[subject, "reason"] = level.reason, (level.index,)
    return found


def _texts(scene: Scene) -> Iterator[Anomaly]:
    """Texts that several commitments have in common, the longest passages first."""
    texts = texts_in(scene)
    plain = {name: text for name, (text, _) in texts.items()}
    found = repeated(plain, scene.parameters.reuse_bp)
    cases = [_text_case(scene, texts, told) for told in (*found.same, *found.alike) if _pairs_between(told)]
    yield from sorted(cases, key=lambda case: -case.figures["words"])


def _text_case(
    scene: Scene,
    texts: Mapping[tuple[str, str], tuple[str, tuple[int, ...]]],
    told: Wording[tuple[str, str]] | Alike[tuple[str, str]],
) -> Anomaly:
    """One wording of several texts, or two that are alike."""
    if isinstance(told, Wording):
        shorter, longer, bp, shared = told.names, (), 10_000, told.shingles
        words = len(words_of(texts[shorter[0]][0]))
    else:
        shorter, longer, bp, shared = told.shorter.names, told.longer.names, told.bp, told.shared
        words = shared_words(texts[shorter[0]][0], texts[longer[0]][0])
    involved = {commitment_of(subject) for subject, _ in (*shorter, *longer)}
    uses = [(0, name) for name in shorter] + [(1, name) for name in longer]
    return scene.case(
        "text/repeated",
        *[one for one in scene.commitments if one.commitment in involved],
        figures={"bp": bp, "shared": shared, "words": words, "pairs": _pairs_between(told)},
        texts=tuple([TextUse(subject=subject, field=field, wording=place) for place, (subject, field) in uses]),
        entries=[index for _, name in uses for index in texts[name][1]],
    )


def _pairs_between(told: Wording[tuple[str, str]] | Alike[tuple[str, str]]) -> int:
    """How many pairs of texts of two commitments these are."""
    if isinstance(told, Wording):
        owners = [commitment_of(subject) for subject, _ in told.names]
        return sum(one != other for place, one in enumerate(owners) for other in owners[place + 1 :])
    others = [commitment_of(subject) for subject, _ in told.longer.names]
    return sum(commitment_of(subject) != other for subject, _ in told.shorter.names for other in others)


# --- who judges, and what is missing ----------------------------------------------------------------------------------


def _self_assessed(scene: Scene) -> Iterator[Anomaly]:
    """Bodies that coordinate the plan and answer for commitments in it."""
    situation = scene.situation
    for body in sorted(situation.coordinators):
        theirs = [one for one in scene.commitments if situation.organisation(one.institution) == body]
        if theirs:
            levels = [one.reported.level for one in theirs if one.reported]
            grants = [
                held.index
                for _, held in scene.records.scan(RoleHeld)
                if held.role == "coordinator" and held.ended is None and situation.organisation(held.actor) == body
                if not held.plans or scene.plan.plan in held.plans
            ]
            yield scene.case(
                "self-assessed",
                *theirs,
                institutions=(body,),
                figures={"commitments": len(theirs), "of": len(scene.commitments), **_counted(levels)},
                entries=[*grants, *[one.index for one in theirs]],
            )


def _counted(levels: Sequence[str]) -> dict[str, int]:
    return {level: levels.count(level) for level in ("complete", "substantial", "limited", "not_started")}


def _missing(scene: Scene) -> Iterator[Anomaly]:
    """What a commitment needs to be verified: mechanisms, means and goal and day of each, a date."""
    for commitment in scene.commitments:
        defined = scene.mechanisms[commitment.commitment]
        if not defined:
            yield scene.case("missing/mechanisms", commitment, entries=(commitment.index,))
        vague = [one for one in defined if not (one.means and one.goal is not None and last_day(one.due) is not None)]
        if vague:
            without = {
                "means": sum(not one.means for one in defined),
                "goal": sum(one.goal is None for one in defined),
                "due": sum(last_day(one.due) is None for one in defined),
            }
            entries = [index for one in vague for index in (one.index, one.amended)]
            figures = {"mechanisms": len(defined), **without}
            yield scene.case("missing/means", commitment, figures=figures, entries=entries)
        if last_day(commitment.completion_date) is None:
            index = commitment.completion_date_index
            codes = {"stated": "no" if index is None else "words"}
            yield scene.case("missing/date", commitment, codes=codes, entries=(commitment.index, index))


# --- silence ----------------------------------------------------------------------------------------------------------


def meeting_days(scene: Scene) -> list[tuple[int, int, Meeting]]:
    """The meetings of the plan with the first and the last day of their dates, in the order of days."""
    found: list[tuple[int, int, Meeting]] = []
    for _, one in scene.records.scan(Meeting):
        if one.plan != scene.plan.plan or one.starts_precision == "year" or not one.starts:
            continue  # within a year it may have been at any time
        if one.starts_precision == "time":
            first = last = day_number(parse_when(one.starts), scene.situation.offset)
        else:
            day = Day(precision=one.starts_precision, day=one.starts)
            first, last = first_day(day) or 0, last_day(day) or 0
        found.append((first, last, one))
    return sorted(found, key=lambda one: (one[0], one[2].index))


class Gap(msgspec.Struct, frozen=True):
    """A time without a meeting: from the end of one to the beginning of the next, in days and whole months.

    Without `before` it begins with the plan, without `after` it lasts until the end of the plan or the day of reading.
    """

    first: int
    last: int
    months: int
    before: Meeting | None = None
    after: Meeting | None = None

    @property
    def days(self) -> int:
        """From one day to the other."""
        return self.last - self.first


def meeting_gaps(scene: Scene) -> list[Gap]:
    """The times between meetings, within the plan, in their order."""
    starts, ends = first_day(scene.plan.starts), last_day(scene.plan.ends)
    end = scene.as_of if ends is None else min(scene.as_of, ends)
    gaps: list[Gap] = []
    at, before = starts, None
    for first, last, meeting in meeting_days(scene):
        if first > end:
            break
        if at is not None and first > at:
            gaps.append(Gap(at, first, _months_between(at, first), before, meeting))
        at, before = max(last, at or last), meeting
    if at is not None and end > at:
        gaps.append(Gap(at, end, _months_between(at, end + 1), before, None))
    return gaps


def _months_between(first: int, last: int) -> int:
    """Calendar months that lie wholly between two days."""
    start, end = date.fromordinal(first), date.fromordinal(last)
    return max(0, 12 * (end.year - start.year) + end.month - start.month - 1)


# The plan's own process asks for committee and technical meetings every month: a calendar month without one is a gap.
_MONTHS_WITHOUT = 1


def _meetings(scene: Scene) -> Iterator[Anomaly]:
    """Months in which nobody met."""
    for gap in meeting_gaps(scene):
        if gap.months < _MONTHS_WITHOUT:
            continue
        yield Anomaly(
            rule="silence/meetings",
            figures={"days": gap.days, "months": gap.months},
            dates={"from": day_from(gap.first), "to": day_from(gap.last)},
            codes={
                name: one.meeting for name, one in (("before", gap.before), ("after", gap.after)) if one is not None
            },
            entries=tuple(
                sorted({one.index for one in (gap.before or scene.plan, gap.after or gap.before or scene.plan)})
            ),
        )


class Silence(msgspec.Struct, frozen=True):
    """A time in which a body signed nothing: days from and to, the entry before it, and the one that ended it."""

    first: int
    last: int
    before: int
    after: int | None

    @property
    def days(self) -> int:
        """From one day to the other."""
        return self.last - self.first


def silences_of(scene: Scene, institution: str) -> list[Silence]:
    """When an institution signed nothing, from its first commitment in the plan on, in order."""
    theirs = [one.index for one in scene.commitments if one.institution == institution]
    if not theirs:
        return []
    at, before = scene.day_of(min(theirs)), min(theirs)
    found: list[Silence] = []
    for _, spoke in scene.records.scan(Spoke, prefix=f"{scene.situation.organisation(institution)}/"):
        day = date.fromisoformat(spoke.day).toordinal()
        if day >= at:
            if day > at:
                found.append(Silence(at, day, before, spoke.index))
            at, before = day, max(before, spoke.index)
    if scene.as_of > at:
        found.append(Silence(at, scene.as_of, before, None))
    return found


def _silence(scene: Scene) -> Iterator[Anomaly]:
    """Institutions from which nothing came for longer than the methodology allows."""
    for institution in sorted({one.institution for one in scene.commitments}):
        for silence in silences_of(scene, institution):
            if silence.days > scene.parameters.silence_days:
                yield Anomaly(
                    rule="silence/institution",
                    institutions=(institution,),
                    figures={"days": silence.days, "allowed": scene.parameters.silence_days},
                    dates={"from": day_from(silence.first), "to": day_from(silence.last)},
                    codes={} if silence.after is None else {"ended": "yes"},
                    entries=tuple(sorted({silence.before, *([] if silence.after is None else [silence.after])})),
                )


# --- questions without an answer --------------------------------------------------------------------------------------

_MOST_COMMENTS = 50  # cited as proof: of a round with many thousands, the first ones


def _unanswered(scene: Scene) -> Iterator[Anomaly]:
    """Comments, disputes, requests and advice whose time to be answered has passed."""
    yield from _comments(scene)
    by_name = {one.commitment: one for one in scene.commitments}
    answer_days = scene.parameters.answer_days
    for key, dispute in scene.records.scan(Dispute, prefix=f"{scene.plan.plan}/"):
        admitted = dispute if dispute.role != "citizen" else dispute.screened
        if admitted is None or (dispute.screened is not None and dispute.screened.said != "admitted"):
            continue
        days = scene.as_of - scene.situation.day(admitted.received_ms)
        commitment = by_name.get(key.rsplit("/", 2)[0])
        open_ = not dispute.answers and dispute.resolved is None and dispute.withdrawn is None
        if commitment is not None and open_ and days >= answer_days:
            figures = {"days": days, "allowed": answer_days}
            codes = {"objection": dispute.objection}
            entries = {int(key.rsplit("/", 2)[1]), dispute.index, admitted.index}
            yield scene.case("unanswered/dispute", commitment, figures=figures, codes=codes, entries=entries)
    for key, request in scene.records.scan(Request, prefix=f"{scene.plan.plan}/"):
        commitment, due = by_name.get(key.rpartition("/")[0]), last_day(request.due)
        if commitment is None or due is None or due >= scene.as_of or request.answers or request.evidence:
            continue
        yield scene.case(
            "unanswered/request",
            commitment,
            institutions=(request.institution,),
            subject=request.mechanism,
            figures={"days": scene.as_of - due},
            dates={"due": request.due},
            entries=(request.index,),
        )
    yield from _advice(scene)


def answers_due(scene: Scene, round_: Round) -> int:
    """The day by which the comments of a round are to be answered: as promised, or as long after its close as a dispute
    may wait."""
    if round_.answer_by:
        return date.fromisoformat(round_.answer_by).toordinal()
    return scene.situation.day(round_.closes_ms - 1) + scene.parameters.answer_days


def _comments(scene: Scene) -> Iterator[Anomaly]:
    for key, round_ in scene.records.scan(Round):
        waiting = round_.received - round_.answered
        if round_.plan != scene.plan.plan or not waiting:
            continue
        due = answers_due(scene, round_)
        if due >= scene.as_of:
            continue
        found = scene.records.scan(Comment, prefix=f"{key}/", limit=20 * _MOST_COMMENTS)
        unanswered = [one.index for _, one in found if one.answered is None][:_MOST_COMMENTS]
        closed = scene.situation.day(round_.closes_ms - 1)
        dates = {"closed": day_from(closed), "due": day_from(due)}
        yield Anomaly(
            rule="unanswered/comments",
            subject=key,
            figures={"unanswered": waiting, "received": round_.received, "days": scene.as_of - due},
            dates=dates,
            codes={"promised": "yes" if round_.answer_by else "no"},
            entries=(round_.index, *unanswered),
        )


def _advice(scene: Scene) -> Iterator[Anomaly]:
    """Recommendations without an answer, for as long as a dispute may go without one."""
    for _, one in scene.records.scan(Surrounding, prefix=f"{scene.plan.plan}/"):
        if one.kind == "RecommendationMade" and one.answered is None:
            days = scene.as_of - scene.day_of(one.index)
            if days >= scene.parameters.answer_days:
                figures = {"days": days, "allowed": scene.parameters.answer_days}
                yield Anomaly(rule="unanswered/advice", figures=figures, entries=(one.index,))


_LOOKING: Sequence[Callable[[Scene], Iterator[Anomaly]]] = (
    _claims,
    _shares,
    _dates,
    _moved,
    _open,
    _evidence,
    _shared,
    _texts,
    _self_assessed,
    _missing,
    _meetings,
    _silence,
    _unanswered,
)

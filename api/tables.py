"""The tables of a plan: reported against evidenced, with everything it rests on, as rows with documented columns.

    stand = Stand(view, "gt-2014-2016")                    a plan of the record at one size, computed for one day
    TABLES["levels"].rows(stand)                           dicts, one a row, the columns in TABLES["levels"].shape
    stand.head(TABLES["levels"])                           what each file says of the record on which it stands

A table is a pure function of (entries up to a size, day). Nothing in it depends on what is public today: words that
were said in the open are given, words under a salted digest stand as that digest, and whoever wants to read them
follows the entry. So the server, a citation and anybody's copy of the published files give the same bytes for ever.

No row is left out: what was withdrawn keeps its row with the entry that withdrew it, and what was signed with a key
that was declared compromised is marked. How many rows a table has follows from the tree: `Table.whole` counts them from
the plan's statements alone, apart from the rows (the server finds those through the histories, the command
`constancia export plan` walks through the whole tree).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec
from msgspec import UNSET

from api import columns
from api.anomalies import findings_of, with_copies
from api.record import Ledger
from api.tabular import Cell, Head, Row, Shape
from ledger.statement import Entry, format_time
from ledger.tlog.checkpoint import Checkpoint
from ledger.vocabulary import LEVEL_ORDINAL, IndicatorMeasured, ReportPublished, Statement, Words, commitment_of
from projections.commitments import Axis, Commitment, Day, Indicator, Measure, Mechanism, PlanState, day_of
from projections.comparison import Matrix, matrix_of
from projections.compromise import compromises, dispute_of
from projections.evidence import Dispute, Evidence, Request, Situation, dispute_facts, last_day
from projections.grading import DisputeFacts, Lens, Reason, Voice
from projections.meetings import Meeting
from projections.records import Records, index_key
from projections.reports import Report
from projections.roll import Actor, HistoryLine, Known, speaker_of

if TYPE_CHECKING:
    from api.record import View


class Ground(Protocol):
    """What tables are made from: an `api.record.View`, or an `api.copying.Copy`."""

    @property
    def ledger(self) -> Ledger:
        """What never changes about the ledger."""
        ...

    @property
    def checkpoint(self) -> Checkpoint:
        """The head of the record."""
        ...

    @property
    def records(self) -> Records:
        """What the folds keep at that size."""
        ...

    @property
    def as_of_ms(self) -> int:
        """When the last entry was received."""
        ...

    @property
    def day(self) -> str:
        """The day for which levels are computed, YYYY-MM-DD."""
        ...

    def entry(self, index: int) -> Entry:
        """An entry that is no comment."""
        ...


class Stand:
    """A plan of the record at one size, computed for one day."""

    def __init__(self, ground: Ground, plan: str, compare: Callable[[str, int, str], Matrix] | None = None) -> None:
        """`compare` gives the matrix of (plan, size, day) to whoever keeps some. LookupError where there is no plan."""
        found = ground.records.get(PlanState, plan)
        if found is None:
            raise LookupError(plan)
        self.ground = ground
        self.records = ground.records
        self.size = ground.checkpoint.size
        self.plan = found
        self.as_of = ground.day
        self._compare = compare

    @cached_property
    def matrix(self) -> Matrix:
        """The plan's comparison."""
        if self._compare is not None:
            return self._compare(self.plan.plan, self.size, self.as_of)
        return matrix_of(self.records, self.plan.plan, self.size, self.as_of)

    @cached_property
    def situation(self) -> Situation:
        """What all its commitments have in common on that day."""
        return Situation(self.records, self.plan.plan, self.as_of)

    @cached_property
    def compromised(self) -> Any:
        """The keys that were declared compromised."""
        return compromises(self.records)

    @cached_property
    def told(self) -> Mapping[str, tuple[int, ...]]:
        """The plan's entries by kind, in order, as the histories name them: each once, however many it stands in."""
        found: dict[str, set[int]] = {}
        for _, line in self.records.scan(HistoryLine, prefix=f"{self.plan.plan}/"):
            found.setdefault(line.kind, set()).add(line.index)
        for topics, wanted in _ELSEWHERE.items():
            for _, line in self.records.scan(HistoryLine, prefix=topics):
                if line.kind == wanted and self._is_of_plan(line.identity):
                    found.setdefault(line.kind, set()).add(line.index)
        return {kind: tuple(sorted(indexes)) for kind, indexes in found.items()}

    def _is_of_plan(self, identity: str) -> bool:
        known = self.records.get(Known, identity)
        return known is not None and known.plan == self.plan.plan

    def entries(self, *kinds: str) -> Iterator[Entry]:
        """The entries of these kinds in the plan, in order."""
        for index in sorted([index for kind in kinds for index in self.told.get(kind, ())]):
            yield self.ground.entry(index)

    def index_of(self, identity: str) -> int | None:
        """The index of an earlier statement."""
        known = self.records.get(Known, identity)
        return None if known is None else known.index

    def organisation(self, actor: str) -> str:
        """The organisation of an office or program; itself of any other."""
        found = self.records.get(Actor, actor)
        return found.of or actor if found else actor

    def day(self, received_ms: int) -> str:
        """The day of a received time by the ledger's own clock."""
        return self.ground.ledger.day_of(received_ms)

    def head(self, table: "Table") -> Head:
        """What a file of this table says of the record on which it stands."""
        checkpoint = self.ground.checkpoint
        return Head(
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=checkpoint.root,
            as_of=self.as_of,
            received=format_time(self.ground.as_of_ms),
            plan=self.plan.plan,
            methodology=self.matrix.methodology,
            whole=table.counted(self),
        )


# Histories that are no commitment's, and what of them the tables have.
_ELSEWHERE = {"meeting/": "MeetingConvened", "report/": "ReportPublished", "indicator/": "IndicatorMeasured"}


class Table(msgspec.Struct, frozen=True):
    """A table: its shape, its rows, and how many of them the tree says there are.

    `kinds` are the statements from which that number follows; `whole` counts it from them, in their order. Without it
    each of them makes one row. A table without kinds is computed, and no number of rows follows from the tree.
    """

    shape: Shape
    rows: Callable[[Stand], Iterable[Row]]
    kinds: tuple[str, ...] = ()
    whole: Callable[[Iterable[Statement]], int] | None = None

    def counted(self, stand: Stand) -> int | None:
        """How many rows follow from the statements that the histories name."""
        if not self.kinds:
            return None
        if self.whole is None:
            return sum([len(stand.told.get(kind, ())) for kind in self.kinds])
        return self.whole(entry.opened.statement for entry in stand.entries(*self.kinds))

    def height(self, stand: Stand) -> int:
        """How many rows it has: as the tree says, or as many as the computation makes."""
        counted = self.counted(stand)
        return sum(1 for _ in self.rows(stand)) if counted is None else counted

    def counted_among(self, statements: Iterable[Statement]) -> int | None:
        """The same from all statements of the plan, in the order of the tree."""
        if not self.kinds:
            return None
        ours = (one for one in statements if one.kind in self.kinds)
        return sum(1 for _ in ours) if self.whole is None else self.whole(ours)


# --- cells -----------------------------------------------------------------------------------------------------------


def _text(value: Any) -> Any:
    """A field of a statement or a record as a cell: what is absent or empty is no value."""
    return None if value is UNSET or value == "" else value


def _on(name: str, day: Day | None) -> dict[str, Cell]:
    """A date as its two cells: the first day of its span, and how precise it was."""
    return {name: None if day is None else _text(day.day), f"{name}_precision": None if day is None else day.precision}


def _words(words: Words) -> dict[str, Cell]:
    return {"words": _text(words.text), "words_digest": _text(words.salted_digest)}


def _said(stand: Stand, entry: Entry) -> dict[str, Cell]:
    """The cells that each statement has: where it stands, who says it, what became of it."""
    statement = entry.opened.statement
    actor, role = speaker_of(statement)
    known = stand.records.get(Known, entry.opened.identity)
    dispute = dispute_of(stand.compromised, entry) if stand.compromised else None
    return {
        "index": entry.index,
        "identity": entry.opened.identity,
        "received_at": format_time(entry.received_ms),
        "actor": _text(actor),
        "organisation": stand.organisation(actor) if actor else None,
        "role": role,
        "printed": getattr(statement, "printed", UNSET) is not UNSET,
        "withdrawn": known.withdrawn if known else None,
        "key_revoked": dispute.index if dispute else None,
    }


def _reasons(*reasons: Reason) -> dict[str, Cell]:
    return {
        "rules": tuple([reason.rule for reason in reasons]),
        "entries": tuple(sorted({index for reason in reasons for index in reason.entries})),
    }


# --- commitments and mechanisms --------------------------------------------------------------------------------------


def _of_commitments(stand: Stand) -> Iterator[Row]:
    records = stand.records
    for row in with_copies(cast("View", stand.ground), stand.matrix).rows:
        one = records.get(Commitment, row.commitment)
        assert one is not None  # the matrix is of records
        axis = records.get(Axis, f"{one.plan}/{one.axis}") if one.axis else None
        standing = row.standing
        yield {
            "commitment": one.commitment,
            "number": one.number,
            "proposer": one.proposer,
            "title": one.title,
            "lang": one.lang,
            "axis": _text(one.axis),
            "axis_title": axis.title if axis else None,
            "institution": one.institution,
            "post": _text(one.post),
            "others_government": one.government,
            "others_civil": one.civil,
            "others_unlabelled": one.unlabelled,
            "objective": _text(one.objective),
            "description": _text(one.description),
            "relevance": _text(one.relevance),
            "ambition": _text(one.ambition),
            "problem": _text(one.problem),
            "further": _text(one.further),
            **_on("starts", one.starts),
            **_on("due", one.due),
            **_on("completion_date", one.completion_date),
            "dates_moved": one.dates_moved,
            "reported": _text(standing.reported),
            "reported_by": standing.reported_index,
            "evidenced": standing.combined.level,
            "percent": standing.combined.percent,
            "gap": standing.gap,
            "contested": standing.contested,
            "flags": standing.flags,
            "links": one.evidence,
            "captured": one.captured,
            "index": one.index,
            "printed": one.printed,
        }


def _of_mechanisms(stand: Stand) -> Iterator[Row]:
    for row in stand.matrix.rows:
        for standing in row.standing.mechanisms:
            one = stand.records.get(Mechanism, standing.mechanism)
            yield {
                "mechanism": standing.mechanism,
                "commitment": row.commitment,
                "number": standing.number,
                "implicit": one is None,
                "text": one.text if one else None,
                "lang": one.lang if one else None,
                "means": _text(one.means) if one else None,
                "repeats": _text(one.repeats) if one else None,
                "period_days": one.period_days if one else None,
                "grace_days": one.grace_days if one else None,
                **_on("due", one.due if one else None),
                "weight_bp": standing.weight,
                "claim": _text(standing.claim),
                "claim_by": standing.claim_index,
                "inherited": standing.inherited,
                "best_grade": standing.best,
                "machine": standing.mach,
                "reached": standing.e,
                "items": len(standing.grades),
                "verdicts": sum([verdict.state == "in_force" for verdict in standing.verdicts]),
                "flags": standing.flags,
                **_reasons(*standing.reasons),
                "index": one.index if one else None,
                "printed": one.printed if one else False,
            }


def _mechanisms_among(statements: Iterable[Statement]) -> int:
    """One for each that was defined, and the implicit one of each commitment that has none."""
    registered: set[str] = set()
    defined: set[str] = set()
    for statement in statements:
        one: Any = statement
        if statement.kind == "CommitmentRegistered":
            registered.add(one.commitment)
        else:
            defined.add(one.mechanism)
    return len(defined) + len(registered - {commitment_of(each) for each in defined})


# --- levels ----------------------------------------------------------------------------------------------------------


def _of_levels(stand: Stand) -> Iterator[Row]:
    for row in stand.matrix.rows:
        standing = row.standing
        source = "mechanisms" if standing.reported_from_mechanisms else "commitment" if standing.reported else None
        yield _level(stand, row.commitment, "reported", standing.reported, source, standing.reported_index)
        yield _level(stand, row.commitment, "records", standing.records.level, "computed", lens=standing.records)
        voices = {(voice.organisation, voice.role): voice for voice in standing.voices}
        for organisation, role in stand.matrix.assessors:
            yield _voice(
                stand, row.commitment, voices.get((organisation, role)) or Voice(organisation=organisation, role=role)
            )
        yield _level(
            stand,
            row.commitment,
            "evidenced",
            standing.combined.level,
            "computed",
            lens=standing.combined,
            reasons=standing.reasons,
        )


def _voice(stand: Stand, commitment: str, voice: Voice) -> Row:
    source, role = _text(voice.source), voice.role
    return _level(stand, commitment, voice.organisation, voice.level, source, voice.index, voice.lens, role=role)


def _level(
    stand: Stand,
    commitment: str,
    voice: str,
    level: str,
    source: str | None,
    index: int | None = None,
    lens: Lens | None = None,
    reasons: Sequence[Reason] = (),
    role: str | None = None,
) -> Row:
    entry = None if index is None else stand.ground.entry(index)
    said: Any = entry.opened.statement if entry else None
    return {
        "commitment": commitment,
        "voice": voice,
        "role": role,
        "level": _text(level),
        "ordinal": LEVEL_ORDINAL[level] if level else None,
        "source": source,
        "entry": index,
        "received_at": format_time(entry.received_ms) if entry else None,
        "said_by": _text(speaker_of(said)[0]) if entry else None,
        "reason": _text(getattr(said, "reason", UNSET)),
        "lang": said.lang if entry else None,
        "printed": bool(entry and getattr(said, "printed", UNSET) is not UNSET),
        "lens": lens.level if lens else None,
        "percent": lens.percent if lens else None,
        "x1_bp": lens.x[0] if lens else None,
        "x2_bp": lens.x[1] if lens else None,
        "x3_bp": lens.x[2] if lens else None,
        **_reasons(*reasons),
    }


def _of_grades(stand: Stand) -> Iterator[Row]:
    for row in stand.matrix.rows:
        for mechanism in row.standing.mechanisms:
            for grade in mechanism.grades:
                yield {
                    "commitment": row.commitment,
                    "mechanism": mechanism.mechanism,
                    "link": grade.link,
                    "grade": grade.grade,
                    "digest": _text(grade.digest),
                    "marks": grade.marks,
                    **_reasons(*grade.reasons),
                }


def _grades_among(statements: Iterable[Statement]) -> int:
    """One for each link and mechanism; what was linked for the implicit one counts for each defined since."""
    mechanisms: dict[str, set[str]] = {}
    links: list[tuple[str, ...]] = []
    for statement in statements:
        one: Any = statement
        if statement.kind == "MechanismDefined":
            mechanisms.setdefault(commitment_of(one.mechanism), set()).add(one.mechanism)
        else:
            links.append(one.for_)
    return sum([len(_served(link, mechanisms)) for link in links])


def _served(link: tuple[str, ...], mechanisms: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    for each in link:
        standing = mechanisms.get(commitment_of(each))
        found |= {each} if standing is None or not each.endswith(".M0") else standing
    return found


def _of_reasons(stand: Stand) -> Iterator[Row]:
    for row in stand.matrix.rows:
        standing = row.standing
        yield from _why(row.commitment, "level", standing.reasons)
        for mechanism in standing.mechanisms:
            name = mechanism.mechanism
            yield from _why(row.commitment, "mechanism", mechanism.reasons, mechanism=name)
            for grade in mechanism.grades:
                yield from _why(row.commitment, "grade", grade.reasons, mechanism=name, link=grade.link)
            for verdict in mechanism.verdicts:
                yield from _why(row.commitment, "verdict", verdict.reasons, mechanism=name, verdict=verdict.index)


def _why(
    commitment: str,
    of: str,
    reasons: Sequence[Reason],
    mechanism: str | None = None,
    link: int | None = None,
    verdict: int | None = None,
) -> Iterator[Row]:
    for place, reason in enumerate(reasons, 1):
        yield {
            "commitment": commitment,
            "of": of,
            "mechanism": mechanism,
            "link": link,
            "verdict": verdict,
            "place": place,
            "rule": reason.rule,
            "entries": reason.entries,
        }


# --- evidence --------------------------------------------------------------------------------------------------------


def _of_evidence(stand: Stand) -> Iterator[Row]:
    grades = {
        (grade.link, mechanism.mechanism): grade.grade
        for row in stand.matrix.rows
        for mechanism in row.standing.mechanisms
        for grade in mechanism.grades
    }
    best: Counter[int] = Counter()
    for (link, _), grade in grades.items():
        best[link] = max(best[link], grade)
    for entry in stand.entries("EvidenceLinked"):
        one: Any = entry.opened.statement
        kept = stand.records.get(Evidence, index_key(commitment_of(one.for_[0]), entry.index))
        yield {
            **_said(stand, entry),
            "for": one.for_,
            "commitments": tuple(dict.fromkeys([commitment_of(each) for each in one.for_])),
            "url": _text(one.url),
            "upload": _text(one.upload),
            "title": _text(one.title),
            "lang": one.lang,
            "evidence_type": _text(one.evidence_type),
            **_on("dated", day_of(one.dated)),
            "publisher": _text(one.publisher),
            "shows": _text(one.shows),
            "requests": _indexes(stand, one.answers),
            "best_grade": best.get(entry.index),
            "captures": kept.captures if kept else 0,
            "last_seen": _text(kept.last_seen) if kept else None,
        }


def _indexes(stand: Stand, identities: Any) -> tuple[int, ...]:
    """The indexes of the earlier statements that a field names."""
    named = () if identities is UNSET else identities
    return tuple([index for each in named if (index := stand.index_of(each)) is not None])


def _of_captures(stand: Stand) -> Iterator[Row]:
    for entry in stand.entries("EvidenceCaptured"):
        one: Any = entry.opened.statement
        yield {
            **_said(stand, entry),
            "link": stand.index_of(one.link),
            "digest": one.digest,
            "size": one.size,
            "media_type": one.media_type,
            "http_status": _text(one.http_status),
            "method": one.method,
            "final_url": _text(one.final_url),
            "captured_at": one.captured_at,
        }


def _of_checks(stand: Stand) -> Iterator[Row]:
    for entry in stand.entries("EvidenceChecked"):
        one: Any = entry.opened.statement
        yield {
            **_said(stand, entry),
            "link": stand.index_of(one.link),
            "seen": one.seen,
            "digest": _text(one.digest),
            "checked_at": one.checked_at,
        }


# --- disputes, requests and what became of them ----------------------------------------------------------------------


def _of_disputes(stand: Stand) -> Iterator[Row]:
    for entry in stand.entries("EvidenceDisputed"):
        one: Any = entry.opened.statement
        key = index_key(index_key(commitment_of(one.mechanism), stand.index_of(one.link) or 0), entry.index)
        kept = stand.records.get(Dispute, key)
        assert kept is not None  # its fold and its history come of the same entry
        facts = dispute_facts(stand.situation, kept)
        answer = next((act for act in kept.answers if act.index == facts.answered), None)
        due = facts.admitted_day + stand.situation.parameters.answer_days if facts.admitted is not None else None
        yield {
            **_said(stand, entry),
            "link": stand.index_of(one.link),
            "mechanism": one.mechanism,
            "commitment": commitment_of(one.mechanism),
            "objection": one.objection,
            **_words(one.words),
            "state": _dispute_state(facts, overdue=due is not None and due <= stand.situation.as_of),
            "admitted": facts.admitted,
            "screened": kept.screened.index if kept.screened else None,
            "answer_due": date.fromordinal(due).isoformat() if due else None,
            "answered": facts.answered,
            "answered_at": format_time(answer.received_ms) if answer else None,
            "resolution": _text(facts.resolution),
            "resolved": facts.resolved,
        }


def _dispute_state(facts: DisputeFacts, *, overdue: bool) -> str:
    """In one word; `overdue` says that the days to answer are over."""
    states = (
        ("withdrawn", facts.withdrawn is not None),
        ("resolved", facts.resolved is not None),
        ("declined", facts.declined is not None),
        ("questioned", facts.questioned),
        ("answered", facts.answered is not None),
        ("unanswered", overdue),
    )
    return next((state for state, holds in states if holds), "open")


def _of_requests(stand: Stand) -> Iterator[Row]:
    for entry in stand.entries("EvidenceRequested"):
        one: Any = entry.opened.statement
        kept = stand.records.get(Request, index_key(commitment_of(one.mechanism), entry.index))
        assert kept is not None
        said = _said(stand, entry)
        last = last_day(kept.due)
        waiting = said["withdrawn"] is None and not kept.answers and not kept.evidence
        yield {
            **said,
            "institution": one.institution,
            "mechanism": one.mechanism,
            "commitment": commitment_of(one.mechanism),
            **_words(one.words),
            **_on("due", kept.due),
            "answered": kept.answers[0].index if kept.answers else None,
            "answered_at": format_time(kept.answers[0].received_ms) if kept.answers else None,
            "links": kept.evidence,
            "overdue": waiting and last is not None and last < stand.situation.as_of,
        }


# --- assessment ------------------------------------------------------------------------------------------------------


def _of_verdicts(stand: Stand) -> Iterator[Row]:
    standings = {
        (verdict.index, verdict.mechanism): verdict
        for row in stand.matrix.rows
        for mechanism in row.standing.mechanisms
        for verdict in mechanism.verdicts
    }
    by_index = {index: verdict for (index, _), verdict in sorted(standings.items(), reverse=True)}
    for entry in stand.entries("VerdictGiven"):
        one: Any = entry.opened.statement
        standing = standings.get((entry.index, one.mechanism)) or by_index.get(entry.index)
        yield {
            **_said(stand, entry),
            "mechanism": one.mechanism,
            "commitment": commitment_of(one.mechanism),
            "level": one.level,
            "ordinal": LEVEL_ORDINAL[one.level],
            "digests": one.digests,
            **_words(one.words),
            "state": standing.state if standing else None,
            **_reasons(*(standing.reasons if standing else ())),
        }


def _of_assessed_levels(stand: Stand) -> Iterator[Row]:
    in_force = {
        said.index
        for _, commitment in stand.records.scan(Commitment, prefix=f"{stand.plan.plan}/")
        for said in commitment.assessed
    }
    for entry in stand.entries("CompletionAssessed"):
        one: Any = entry.opened.statement
        yield {
            **_said(stand, entry),
            "commitment": one.commitment,
            "level": one.level,
            "ordinal": LEVEL_ORDINAL[one.level],
            "reason": one.reason,
            "lang": one.lang,
            "evidence": _indexes(stand, one.evidence),
            "assessment": _text(one.assessment),
            "in_force": entry.index in in_force,
        }


def _of_codings(stand: Stand) -> Iterator[Row]:
    entries = list(stand.entries("CommitmentCoded"))
    last: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        one: Any = entry.opened.statement
        known = stand.records.get(Known, entry.opened.identity)
        if not (known and known.withdrawn):
            last[one.commitment, one.aspect, speaker_of(one)[0]] = entry.index
    for entry in entries:
        one = entry.opened.statement
        yield {
            **_said(stand, entry),
            "commitment": one.commitment,
            "aspect": one.aspect,
            "code": one.code,
            **_words(one.words),
            "in_force": last.get((one.commitment, one.aspect, speaker_of(one)[0])) == entry.index,
        }


# --- the plan as a whole ---------------------------------------------------------------------------------------------


def _of_disagreement(stand: Stand) -> Iterator[Row]:
    for cell in stand.matrix.disagreement:
        yield {
            "a": cell.a,
            "b": cell.b,
            "compared": cell.compared,
            "differ": cell.differ,
            "a_above": cell.a_above,
            "b_above": cell.b_above,
            "sum_abs": cell.sum_abs,
        }


_IN_ORDER = ("complete", "substantial", "limited", "not_started", "no_evidence_available", "")


def _of_tallies(stand: Stand) -> Iterator[Row]:
    said: dict[str, list[tuple[str, str]]] = {"reported": [], "records": []}
    for row in stand.matrix.rows:
        voices = {voice.organisation: voice.level for voice in row.standing.voices}
        said["reported"].append((row.standing.reported, row.proposer))
        said["records"].append((row.standing.records.level, row.proposer))
        for organisation, _ in stand.matrix.assessors:
            said.setdefault(organisation, []).append((voices.get(organisation, ""), row.proposer))
        said.setdefault("evidenced", []).append((row.standing.combined.level, row.proposer))
    for voice, levels in said.items():
        counts = Counter(levels)
        for level in _IN_ORDER:
            government, civil = counts[level, "government"], counts[level, "civil_society"]
            yield {
                "voice": voice,
                "level": level or "none",
                "government": government,
                "civil_society": civil,
                "commitments": government + civil,
                "out_of": len(stand.matrix.rows),
            }


def _of_claims(stand: Stand) -> Iterator[Row]:
    reports = [report for _, report in stand.records.scan(Report) if report.plan == stand.plan.plan]
    for report in sorted(reports, key=lambda one: one.index):
        for number, claim in enumerate(report.claims, 1):
            yield {
                "report": report.report,
                "version": report.version,
                "claim": number,
                "report_form": report.report_form,
                "actor": report.actor,
                "measure": claim.measure,
                "level": _text(claim.level),
                "proposer": _text(claim.proposer),
                "institution": _text(claim.institution),
                "round": _text(claim.round),
                "claimed": claim.claimed,
                "out_of": claim.out_of,
                "computed": claim.computed,
                "difference": claim.difference,
                "verdict": claim.verdict,
                "members": claim.members,
                "tree_size": report.tree_size,
                "index": report.index,
                "printed": report.printed,
            }


def _claims_among(statements: Iterable[Statement]) -> int:
    return sum([len(one.claims) for one in statements if isinstance(one, ReportPublished)])


def _of_figures(stand: Stand) -> Iterator[Row]:
    for _, indicator in list(stand.records.scan(Indicator)):
        if indicator.subject.partition("/")[0] != stand.plan.plan:
            continue
        titles = dict(indicator.parts)
        for _, measure in list(stand.records.scan(Measure, prefix=f"{indicator.indicator}/")):
            for part, value in measure.values:
                yield {
                    "indicator": indicator.indicator,
                    "subject": indicator.subject,
                    "title": indicator.title,
                    "lang": indicator.lang,
                    "unit": indicator.unit,
                    "decimals": indicator.decimals,
                    "part": _text(part),
                    "part_title": titles.get(part),
                    "value": value,
                    "out_of": measure.out_of,
                    **_on("as_of", measure.as_of),
                    **_on("first_day", measure.first_day),
                    **_on("last_day", measure.last_day),
                    "index": measure.index,
                    "printed": measure.printed,
                }


def _figures_among(statements: Iterable[Statement]) -> int:
    return sum([len(one.values) for one in statements if isinstance(one, IndicatorMeasured)])


def _of_anomalies(stand: Stand) -> Iterator[Row]:
    for number, one in enumerate(findings_of(cast("View", stand.ground), stand.plan.plan), 1):
        yield {
            "number": number,
            "rule": one.rule,
            "commitments": one.commitments,
            "institutions": one.institutions,
            "subject": _text(one.subject),
            "figures": tuple([f"{name}={value}" for name, value in sorted(one.figures.items())]),
            "dates": tuple([f"{name}={day.day or day.precision}" for name, day in sorted(one.dates.items())]),
            "codes": tuple([f"{name}={code}" for name, code in sorted(one.codes.items())]),
            "texts": tuple([f"{use.subject} {use.field}" for use in one.texts]),
            "entries": one.entries,
        }


def _of_meetings(stand: Stand) -> Iterator[Row]:
    meetings = [meeting for _, meeting in stand.records.scan(Meeting) if meeting.plan == stand.plan.plan]
    for one in sorted(meetings, key=lambda each: each.index):
        exact = one.starts_precision == "time"
        yield {
            "meeting": one.meeting,
            "meeting_form": one.meeting_form,
            "number": one.number,
            "starts": _day_of_moment(stand, one.starts) if exact else _text(one.starts),
            "starts_precision": one.starts_precision,
            "starts_at": one.starts if exact else None,
            "place": _text(one.place),
            "lang": one.lang,
            "invited": one.invited,
            "agenda": one.agenda,
            "present": tuple(dict.fromkeys([present.actor for present in one.present])),
            "attendance": one.attendance_index,
            "remarks": one.remarks,
            "minutes": _text(one.minutes),
            "minutes_by": one.minutes_index,
            "approved_by": one.approved_by,
            "index": one.index,
            "printed": one.printed,
        }


def _day_of_moment(stand: Stand, moment: str) -> str:
    return stand.day(int(datetime.fromisoformat(moment).timestamp() * 1000))


# --- all of them -----------------------------------------------------------------------------------------------------

TABLES: Mapping[str, Table] = {
    table.shape.name: table
    for table in (
        Table(columns.COMMITMENTS, _of_commitments, ("CommitmentRegistered",)),
        Table(columns.LEVELS, _of_levels),
        Table(columns.TALLIES, _of_tallies),
        Table(columns.DISAGREEMENT, _of_disagreement),
        Table(columns.MECHANISMS, _of_mechanisms, ("CommitmentRegistered", "MechanismDefined"), _mechanisms_among),
        Table(columns.EVIDENCE, _of_evidence, ("EvidenceLinked",)),
        Table(columns.GRADES, _of_grades, ("EvidenceLinked", "MechanismDefined"), _grades_among),
        Table(columns.REASONS, _of_reasons),
        Table(columns.CAPTURES, _of_captures, ("EvidenceCaptured",)),
        Table(columns.CHECKS, _of_checks, ("EvidenceChecked",)),
        Table(columns.DISPUTES, _of_disputes, ("EvidenceDisputed",)),
        Table(columns.REQUESTS, _of_requests, ("EvidenceRequested",)),
        Table(columns.VERDICTS, _of_verdicts, ("VerdictGiven",)),
        Table(columns.ASSESSED_LEVELS, _of_assessed_levels, ("CompletionAssessed",)),
        Table(columns.CODINGS, _of_codings, ("CommitmentCoded",)),
        Table(columns.ANOMALIES, _of_anomalies),
        Table(columns.CLAIMS, _of_claims, ("ReportPublished",), _claims_among),
        Table(columns.FIGURES, _of_figures, ("IndicatorMeasured",), _figures_among),
        Table(columns.MEETINGS, _of_meetings, ("MeetingConvened",)),
    )
}

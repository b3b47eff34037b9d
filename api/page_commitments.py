"""The page of one commitment: what is reported of it, what others find, what the evidence supports, and why.

    /gt/planes/<plan>/compromisos/<code>     four voices, the gap in words, levels through time, mechanisms with
                                             their evidence, disputes and requests with their clocks, codings, history

The evidenced level is computed by `projections.evidence` at the size and on the day of the view; `api.standings` puts
it into words. Its past is computed the same way, after each entry that touched the commitment (at most `MAX_MOMENTS`),
so that the timeline of the evidence is a replay and no record of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from litestar import Response
from msgspec.structs import replace

from api.anomalies import with_copy
from api.names import msg
from api.page_comparison import CONDITIONS, conditions_of
from api.page_rounds import comments_among
from api.phrasing import plain
from api.problems import Problem
from api.reading import (
    MAX_LINKS,
    MAX_SCAN,
    TIMELINE_PAGE,
    VOICES,
    Reading,
    after_index,
    answer,
    line_of,
    lower,
    member_of,
    statement_at,
)
from api.record import Evidenced
from api.site import brief
from api.standings import Telling, code_of, said_words
from api.timeline import Band, Change, Row, lay_out
from ledger.vocabulary import (
    CommitmentReopened,
    CompletionAssessed,
    CompletionReported,
    IndicatorDefined,
    OfficeHolderChanged,
    Statement,
    StatementWithdrawn,
    VerdictGiven,
)
from projections.commitments import Axis, Commitment, Indicator, Measure, PlanState, Surrounding
from projections.evidence import Dispute, dispute_facts, last_day
from projections.grading import Reason
from projections.roll import HistoryLine, speaker_of

MAX_MOMENTS = 48
"""So many times the past of the evidenced level is computed for a page."""

MAX_ROWS = 40
"""So many rows the timeline of levels has: the newest."""

MOVERS = frozenset(
    {
        "CommitmentReopened",
        "CompletionAssessed",
        "CompletionReported",
        "DisputeResolved",
        "DisputeScreened",
        "EvidenceCaptured",
        "EvidenceChecked",
        "EvidenceDisputed",
        "EvidenceLinked",
        "MechanismAmended",
        "MechanismDefined",
        "ResponseGiven",
        "SharedUseExplained",
        "StatementWithdrawn",
        "VerdictGiven",
        "WeightsSet",
    }
)
"""Kinds after which the evidence may support another level."""

BEGINNINGS = frozenset({"CompletionAssessed", "CompletionReported", "EvidenceLinked", "VerdictGiven"})
"""Kinds before which there is nothing to compare."""


def commitment_page(reading: Reading) -> Response[bytes]:
    """One commitment: the four voices, how they came to differ, what was promised, the evidence and everything said."""
    plan_id, code = reading.place.segments[1], reading.place.segments[3]
    records = reading.view.records
    plan = records.get(PlanState, plan_id)
    commitment = records.get(Commitment, f"{plan_id}/{code}")
    if plan is None or commitment is None:
        raise Problem(404, "There is no such commitment.")
    identifier = commitment.commitment
    history, pages = after_index(reading, HistoryLine, identifier, TIMELINE_PAGE, "#historia")
    everything = [line for _, line in records.scan(HistoryLine, prefix=f"{identifier}/", limit=MAX_SCAN)]
    telling = Telling(reading, commitment)
    voices = [telling.voice(voice) for voice in telling.standing.voices]
    return answer(
        reading,
        "commitment.html",
        plan={"id": plan_id, "title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", plan_id)},
        c=member_of(reading, commitment)
        | {
            "proposer": commitment.proposer,
            "institution": reading.actor(commitment.institution),
            "institution_href": reading.place.to("instituciones", commitment.institution),
            "post": commitment.post,
            "index": commitment.index,
            "amended": commitment.amended,
            "printed": commitment.printed,
            "statement": reading.view.entry(commitment.index).opened.statement,
        },
        reported=reported_words(telling),
        observed=[voice for voice in voices if voice["role"] != "irm"],
        irm=[voice for voice in voices if voice["role"] == "irm"],
        others=[said_words(reading, said) for said in commitment.assessed if said.role not in ("assessor", "irm")],
        evidence=telling.evidence(),
        basis=telling.basis(),
        reopened=commitment.reopened,
        gap=gap_sentence(telling),
        agrees=not telling.standing.gap,
        steps=steps_sentence(telling),
        contested=telling.standing.contested,
        holds=conditions(reading, telling),
        levels=level_rows(telling, everything),
        max_rows=MAX_ROWS,
        fields=promise_fields(reading, commitment),
        date=commitment.completion_date,
        date_index=commitment.completion_date_index,
        date_statement=statement_at(reading, commitment.completion_date_index),
        dates_moved=commitment.dates_moved,
        next_steps=commitment.next_steps,
        steps_index=commitment.next_steps_index,
        steps_statement=statement_at(reading, commitment.next_steps_index),
        mechanisms=[telling.mechanism(one) for one in telling.standing.mechanisms],
        disputes=disputes_of(telling),
        codings=telling.codings(),
        indicators=indicators_of(reading, identifier, everything),
        comments=comments_among(reading, everything),
        timeline=[line_of(reading, reading.view.entry(line.index)) for line in history],
        voices=VOICES,
        pages=pages,
        offset=reading.say.offset,
    )


# --- what the voices say now -----------------------------------------------------------------------------------------


def reported_words(telling: Telling) -> dict[str, Any] | None:
    """The level that is reported: of the whole, or what the levels of its mechanisms add up to."""
    standing, commitment = telling.standing, telling.commitment
    if not standing.reported:
        return None
    if commitment.reported is not None and not standing.reported_from_mechanisms:
        return said_words(telling.reading, commitment.reported)
    return {"level": standing.reported, "index": standing.reported_index, "reason": ""}


def gap_sentence(telling: Telling) -> str:
    """Where the voices part, in one sentence; empty where there is nothing to compare."""
    reading, standing = telling.reading, telling.standing
    if not standing.reported:
        return ""
    level = lower(reading, standing.reported)
    others = [
        reading.text(
            "%(name)s finds «%(level)s»",
            name=plain(reading.actor(voice.organisation)),
            level=lower(reading, voice.level),
        )
        for voice in standing.voices
        if voice.level and voice.level != standing.reported
    ]
    if "no_capture" in standing.flags:
        if not others:
            return reading.text("The institution reports «%(level)s»; no evidence has been captured yet.", level=level)
        others.append(reading.text("no evidence has been captured yet"))
    elif standing.gap or others:
        reached = lower(reading, standing.combined.level)
        others.append(reading.text("the evidence reaches «%(level)s»", level=reached))
    if not others:
        return reading.text("The institution reports «%(level)s», and the evidence reaches as far.", level=level)
    return reading.text(
        "The institution reports «%(level)s»; %(others)s.", level=level, others=reading.say.listed(others)
    )


def steps_sentence(telling: Telling) -> str:
    """The gap as a number of steps; nothing where there is none."""
    reading, gap = telling.reading, telling.standing.gap
    if not gap:
        return ""
    if gap > 0:
        return reading.texts(
            "Reported %(num)s step above the evidence.", "Reported %(num)s steps above the evidence.", gap
        )
    return reading.texts(
        "Reported %(num)s step below the evidence.", "Reported %(num)s steps below the evidence.", -gap
    )


def conditions(reading: Reading, telling: Telling) -> list[dict[str, str]]:
    """What is so of this commitment, by name, each with what it means."""
    holds = conditions_of(with_copy(reading.view, telling.commitment.plan, telling.standing))
    return [
        {"label": reading.text(one.label), "meaning": reading.text(one.meaning)}
        for one in CONDITIONS
        if one.code in holds
    ]


def disputes_of(telling: Telling) -> list[dict[str, Any]]:
    """The disputes of its evidence, those that wait first."""
    prefix = f"{telling.commitment.commitment}/"
    found = [
        telling.dispute(dispute, int(key.rsplit("/", 2)[1])) for key, dispute in telling.records.scan(Dispute, prefix)
    ]
    waiting = ("open", "answered", "questioned")
    return sorted(found, key=lambda one: (one["state"] not in waiting, not one["overdue"], one["index"]))


# --- levels through time ---------------------------------------------------------------------------------------------


def level_rows(telling: Telling, history: Sequence[HistoryLine]) -> list[dict[str, Any]]:
    """The timeline of levels, the newest rows: each with the statement that it stands for, and its bands in words."""
    changes = [*said_changes(telling, history), *evidence_changes(telling, history)]
    rows = lay_out(changes, bands_of(telling))[-MAX_ROWS:]
    return [row_words(telling, row) for row in rows]


def row_words(telling: Telling, row: Row) -> dict[str, Any]:
    """A row ready for its template."""
    reading = telling.reading
    entry = reading.view.entry(row.index)
    cells = [
        {
            "voice": cell.voice,
            "state": cell.state,
            "changes": [
                {
                    "level": change.level,
                    "who": brief(reading.actor(change.who)) if change.who else "",
                    "part": change.part,
                    "percent": reading.say.percent(change.percent) if change.percent is not None else "",
                    "ended": change.ended,
                    "printed": change.printed,
                    "index": change.index,
                }
                for change in cell.changes
            ],
        }
        for cell in row.cells
    ]
    computed = any(change.voice == "evidence" for cell in row.cells for change in cell.changes)
    passed = computed and reading.view.ledger.day_of(entry.received_ms) != row.day
    return {
        "day": reading.say.day(row.day),
        "index": row.index,
        "statement": entry.opened.statement,
        "identity": entry.opened.identity,
        "band": row.band,
        "last": reading.say.day(row.band.last) if row.band and row.band.last != row.band.first else "",
        "within": bool(row.within),
        "cells": cells,
        "rules": [
            telling.explain(Reason(rule)) for cell in row.cells for change in cell.changes for rule in change.rules
        ],
        "passed": passed,
    }


def said_changes(telling: Telling, history: Sequence[HistoryLine]) -> Iterator[Change]:
    """What voices have said of the level, each time that they did."""
    reading = telling.reading
    for line in history:
        if line.kind not in _SAYING:
            continue
        statement = reading.view.entry(line.index).opened.statement
        day = reading.view.ledger.day_of(line.received_ms)
        change = _said(telling, statement, day, line)
        if change is not None:
            yield change


_SAYING = ("CommitmentReopened", "CompletionAssessed", "CompletionReported", "StatementWithdrawn", "VerdictGiven")


def voice_of(role: str) -> str:
    """The lane in which somebody speaks of a level."""
    return {"assessor": "civil_society", "irm": "irm"}.get(role, "government")


def _said(telling: Telling, statement: Statement, day: str, line: HistoryLine) -> Change | None:
    who, role = speaker_of(statement)
    base = Change(day=day, index=line.index, voice=voice_of(role), level="", who=who, printed=line.printed)
    match statement:
        case CompletionReported():
            part = code_of(statement.subject) if "." in statement.subject else ""
            return replace(base, level=statement.level, part=part)
        case CompletionAssessed():
            return replace(base, level=statement.level)
        case VerdictGiven():
            return replace(base, level=statement.level, part=code_of(statement.mechanism))
        case CommitmentReopened():
            return replace(base, ended=True)
        case StatementWithdrawn():
            index = telling.reading.view.index_of(statement.statement)
            target = statement_at(telling.reading, index)
            if isinstance(target, CompletionAssessed | VerdictGiven):  # its key signed as holder, whatever its role is
                voice = voice_of(speaker_of(target)[1])
                return replace(base, voice=voice, ended=True, part=code_of(getattr(target, "mechanism", ".M0")))
        case _:
            pass
    return None


def evidence_changes(telling: Telling, history: Sequence[HistoryLine]) -> Iterator[Change]:
    """The evidenced level each time that it became another: computed after each entry that may have moved it."""
    before: Evidenced | None = None
    reader, view, name = telling.reading.reader, telling.reading.view, telling.commitment.commitment
    for size, day, index in moments_of(telling, history):
        # Of the past everything may be kept; the moment of the view is another with each entry, and is known here.
        present = (size, day) == (view.size, view.day)
        now = Evidenced.of(telling.standing) if present else reader.evidenced(name, size, day)
        if now is None or (before is not None and (now.level, now.percent) == (before.level, before.percent)):
            before = now or before
            continue
        fresh = sorted(now.rules - before.rules) if before is not None else []
        yield Change(day=day, index=index, voice="evidence", level=now.level, percent=now.percent, rules=tuple(fresh))
        before = now


def moments_of(telling: Telling, history: Sequence[HistoryLine]) -> list[tuple[int, str, int]]:
    """(size, day, entry) at which the evidenced level is computed, oldest first.

    After each entry that may move it; after the last one of a day where they are too many; when a dispute has waited
    too long for an answer; and on the day of the view.
    """
    reading, situation = telling.reading, telling.situation
    found = [
        (line.index + 1, reading.view.ledger.day_of(line.received_ms), line.index)
        for line in history
        if line.kind in MOVERS
    ]
    began = [line.index for line in history if line.kind in BEGINNINGS]
    found = [moment for moment in found if began and moment[2] >= began[0]]
    if not found:
        return []
    if len(found) > MAX_MOMENTS:
        found = list({day: (size, day, index) for size, day, index in found}.values())[-MAX_MOMENTS:]
    for dispute in telling.disputes:
        facts = dispute_facts(situation, dispute)
        ends = facts.admitted_day + situation.parameters.answer_days
        if facts.admitted is not None and ends <= situation.as_of:
            day = date.fromordinal(ends).isoformat()
            size = max([size for size, known, _ in found if known <= day], default=0)
            if size:
                found.append((size, day, size - 1))
    found.append((reading.view.size, reading.view.day, found[-1][2] if found else reading.view.size - 1))
    return sorted(set(found), key=lambda one: (one[1], one[0]))


def bands_of(telling: Telling) -> Iterator[Band]:
    """What happened around the plan: contexts that were noted, and changes of office at the responsible body."""
    commitment = telling.commitment
    responsible = {commitment.institution, *commitment.ever}
    for _, around in telling.records.scan(Surrounding, prefix=f"{commitment.plan}/", limit=MAX_SCAN):
        if around.kind not in ("ContextNoted", "OfficeHolderChanged") or around.first_day is None:
            continue
        if around.kind == "OfficeHolderChanged":
            changed = statement_at(telling.reading, around.index)
            if not isinstance(changed, OfficeHolderChanged) or changed.institution not in responsible:
                continue
        first, last = around.first_day.day, last_day(around.last_day or around.first_day)
        if first and last is not None:
            yield Band(first=first, last=date.fromordinal(last).isoformat(), index=around.index)


# --- what was promised -----------------------------------------------------------------------------------------------


def promise_fields(reading: Reading, commitment: Commitment) -> list[dict[str, Any]]:
    """What was promised, field by field, as far as it was stated."""
    axis = reading.view.records.get(Axis, f"{commitment.plan}/{commitment.axis}") if commitment.axis else None
    rows: list[tuple[str, tuple[str, ...]]] = [
        (msg("Objective"), (commitment.objective,)),
        (msg("Description"), (commitment.description,)),
        (msg("Problem it addresses"), (commitment.problem,)),
        (msg("Relevance"), (commitment.relevance,)),
        (msg("Ambition"), (commitment.ambition,)),
        (msg("Work axis"), (axis.title if axis else "",)),
        (msg("Other government bodies"), commitment.government),
        (msg("Other civil-society bodies"), commitment.civil),
        (msg("Other bodies named"), commitment.unlabelled),
        (msg("Further information"), (commitment.further,)),
        (msg("Starts"), (reading.say.date(commitment.starts) if commitment.starts else "",)),
        (msg("Due"), (reading.say.date(commitment.due) if commitment.due else "",)),
    ]
    return [
        {"label": reading.text(label), "texts": [text for text in texts if text]} for label, texts in rows if any(texts)
    ]


def indicators_of(reading: Reading, commitment: str, history: Iterable[HistoryLine]) -> list[dict[str, Any]]:
    """The figures that follow a commitment, one table each: a row for each measuring, a column for each part."""
    tables: list[dict[str, Any]] = []
    for line in history:
        if line.kind != "IndicatorDefined":
            continue
        defined = statement_at(reading, line.index)
        assert isinstance(defined, IndicatorDefined)
        indicator = reading.view.records.get(Indicator, defined.indicator)
        if indicator is None:
            continue
        measures = reading.view.records.scan(Measure, prefix=f"{indicator.indicator}/", limit=MAX_LINKS)
        tables.append(
            {
                "title": indicator.title,
                "unit": indicator.unit,
                "lang": indicator.lang,
                "index": indicator.index,
                "printed": indicator.printed,
                "heads": [title for _, title in indicator.parts] or [reading.text("Value")],
                "rows": [measure_words(reading, indicator, measure) for _, measure in measures],
            }
        )
    return tables


def measure_words(reading: Reading, indicator: Indicator, measure: Measure) -> dict[str, Any]:
    """A row of an indicator's table."""
    say = reading.say
    values = dict(measure.values)
    cells = [
        say.decimal(values[part], indicator.decimals) if part in values else "–"
        for part in ([part for part, _ in indicator.parts] or [""])
    ]
    if measure.out_of is not None and len(cells) == 1:
        cells = [reading.text("%(count)s of %(total)s", count=cells[0], total=say.number(measure.out_of))]
    if measure.as_of is not None:
        date = say.date(measure.as_of)
    elif measure.first_day is not None and measure.last_day is not None:
        date = reading.text("%(first)s to %(last)s", first=say.date(measure.first_day), last=say.date(measure.last_day))
    else:
        date = ""
    return {"date": date, "cells": cells, "index": measure.index}

"""The page of a plan's comparison: what is reported of each commitment against what voices and evidence say of it.

    /gt/planes/<plan>/comparacion     the picture of the gaps, the matrix, filters, groups, disagreement, over time

Everything is computed by `projections.comparison` at the size and the day of the view; here it is chosen from, put in
order and worded. What a commitment lacks is said as what is not there yet ("no captured evidence yet"), never as what
was not done: nobody who only lacks proof has been shown to have done nothing.
"""

import datetime
from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response
from markupsafe import Markup

from api import site
from api.anomalies import COPIED_TEXT, with_copies
from api.charts import LETTERS, SCALE, VOICES, Mark, Piece, Square, dumbbell, heat, over_time, percent, width
from api.names import PROPOSERS, msg
from api.phrasing import folded, plain
from api.problems import Problem
from api.reading import LIST_PAGE, Reading, answer, code_of, lower, pages_of
from api.record import Reader, View
from ledger.vocabulary import LEVEL_ORDINAL
from projections.commitments import Axis, Commitment, Day, PlanState
from projections.comparison import EVIDENCED, REPORTED, Matrix, Row, values_of
from projections.grading import CommitmentStanding, Voice

WIDE_GAP = 2
MOMENTS, FEWEST = 24, 4
"""States that a picture over time shows, at most and at least."""
LOOKED_AT = 1_200
"""Commitments that are graded for it, over all states: 24 states of a plan of 50, and fewer of a larger one."""


class Condition(msgspec.Struct, frozen=True):
    """What may be so of a commitment, and can be asked for: the name in addresses, what it is called, what it means."""

    code: str
    name: str
    label: str
    meaning: str


# In the order in which somebody who compares asks for them. The codes are the flags of a standing, and two of our own.
CONDITIONS: tuple[Condition, ...] = (
    Condition(
        "gap",
        "brecha",
        msg("Gap of 2 or more"),
        msg("What is reported stands two or three steps of the scale above what the evidence reaches."),
    ),
    Condition(
        "contested",
        "discrepancia",
        msg("Contested"),
        msg("Two assessors have verdicts in force on the same mechanism, and they differ."),
    ),
    Condition(
        "no_capture",
        "sin_captura",
        msg("No captured evidence yet"),
        msg("There are links at the most. A link says where to look; only a capture fixes what was there."),
    ),
    Condition(
        "self_assessed",
        "autoevaluado",
        msg("Self-assessed"),
        msg("The responsible institution also coordinates the plan, so that it reports on itself."),
    ),
    Condition(
        "not_verifiable",
        "no_verificable",
        msg("The plan does not say how to verify it"),
        msg("The plan does not say what would show it as fulfilled: no mechanism, or no goal, means or date."),
    ),
    Condition(
        "overdue",
        "vencido",
        msg("Past due"),
        msg("Its completion date has gone by, and it is reported as less than complete."),
    ),
    Condition(
        "shared",
        "compartida",
        msg("Evidence shared"),
        msg(
            "The same address or bytes serve another commitment too, and nobody has explained what each takes from it."
        ),
    ),
    Condition(
        "gone",
        "desaparecida",
        msg("Evidence gone"),
        msg("What was linked is no longer where it was. A capture keeps it; a link alone does not."),
    ),
    Condition(
        "only_own_page",
        "solo_portal",
        msg("Only the tracker's own page"),
        msg("All that is linked are pages of the site that follows the plan, which prove nothing by themselves."),
    ),
    Condition(
        "before_plan",
        "antes_del_plan",
        msg("Dated before the plan"),
        msg("Evidence is dated before the plan began, so it can show something that was there already."),
    ),
    Condition(
        COPIED_TEXT,
        "texto_repetido",
        msg("Copied text"),
        msg("A large part of its text stands, word for word, in another commitment too."),
    ),
    Condition(
        "evidence_newer",
        "evidencia_posterior",
        msg("Evidence newer than the verdict"),
        msg("Something was captured after an assessor judged. The verdict stands until that assessor gives another."),
    ),
    Condition(
        "disputed",
        "objetada",
        msg("Evidence disputed"),
        msg("An admitted dispute of its evidence is open."),
    ),
    Condition(
        "questioned",
        "cuestionada",
        msg("Evidence questioned"),
        msg("A citizen disputes its evidence, and no assessor has admitted or declined that yet. It changes no grade."),
    ),
)

IN_COLUMNS = frozenset({"gap", "no_capture"})
"""What a row of the matrix says in a column of its own, so that it needs no sign."""

ORDERS: Mapping[str, str] = {"numero": msg("By number"), "brecha": msg("The widest gap first")}


def conditions_of(standing: CommitmentStanding) -> frozenset[str]:
    """The codes of the conditions that a commitment fulfils."""
    found = set(standing.flags)
    if standing.contested:
        found.add("contested")
    if standing.gap is not None and standing.gap >= WIDE_GAP:
        found.add("gap")
    return frozenset(found)


# --- the page --------------------------------------------------------------------------------------------------------


def comparison_page(reading: Reading) -> Response[bytes]:
    """Reported against evidenced, commitment by commitment, and where the voices part."""
    identifier = reading.place.segments[1]
    plan = reading.view.records.get(PlanState, identifier)
    if plan is None:
        raise Problem(404, "There is no such plan.")
    matrix = with_copies(reading.view, reading.reader.matrix(identifier, reading.view.size, reading.view.day))
    chosen = asked(reading, matrix)
    found = in_order([row for row in matrix.rows if fits(row, chosen)], chosen["orden"])
    pages = pages_of(reading, len(found), LIST_PAGE, **chosen)
    commitments = dict(reading.view.records.scan(Commitment, prefix=f"{identifier}/"))
    return answer(
        reading,
        "comparison.html",
        filters=chosen,
        plan={
            "id": identifier,
            "title": plan.title,
            "lang": plan.lang,
            "href": reading.place.to("planes", identifier),
        },
        sentences=summary(reading, matrix),
        strips=[strip(reading, matrix, voice) for voice in (REPORTED, EVIDENCED)],
        chosen=chosen,
        filtered=any(value for name, value in chosen.items() if name != "orden"),
        here_path=reading.place.to(*reading.place.segments),
        json_path=json_path(reading, identifier),
        conditions=condition_words(reading, matrix, chosen),
        choices=choices(reading, matrix),
        orders={code: reading.text(name) for code, name in ORDERS.items()},
        found=len(found),
        total=len(matrix.rows),
        rows=[row_words(reading, row, commitments[row.commitment]) for row in found[pages.start : pages.stop]],
        pages=pages,
        basis=basis(reading, matrix),
        disagreement=disagreement(reading, matrix),
        groups=groups(reading, matrix),
        times=times(reading, plan, matrix),
        scale=SCALE,
        letters=LETTERS,
        voices=VOICES,
        percent=percent,
    )


def json_path(reading: Reading, plan: str) -> str:
    """The same as data: of the same size and day, also when more has been registered meanwhile."""
    view = reading.view
    return f"{reading.place.raw('api', 'plans', plan, 'gaps')}?{urlencode({'at': view.size, 'as_of': view.day})}"


def condition_words(reading: Reading, matrix: Matrix, chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    """The conditions with what they mean, and of how many commitments each is so; filters do not change the count."""
    counts = Counter(code for row in matrix.rows for code in conditions_of(row.standing))
    return [
        {
            "code": one.code,
            "name": one.name,
            "label": reading.text(one.label),
            "meaning": reading.text(one.meaning),
            "count": counts[one.code],
            "chosen": bool(chosen[one.name]),
        }
        for one in CONDITIONS
    ]


def asked(reading: Reading, matrix: Matrix) -> dict[str, str]:
    """What the reader chose, by the name in the address; empty where nothing was."""
    return {
        **{one.name: reading.choice(one.name, ("si",)) for one in CONDITIONS},
        "institucion": reading.choice("institucion", sorted({row.institution for row in matrix.rows})),
        "propuesto": reading.choice("propuesto", tuple(PROPOSERS)),
        "eje": reading.choice("eje", sorted({row.axis for row in matrix.rows})),
        "orden": reading.choice("orden", tuple(ORDERS)) or "numero",
    }


def fits(row: Row, chosen: Mapping[str, str]) -> bool:
    """Whether a commitment fulfils everything that was chosen."""
    holds = conditions_of(row.standing)
    return (
        all(one.code in holds for one in CONDITIONS if chosen[one.name])
        and chosen["institucion"] in ("", row.institution)
        and chosen["propuesto"] in ("", row.proposer)
        and chosen["eje"] in ("", row.axis)
    )


def in_order(rows: Sequence[Row], order: str) -> list[Row]:
    """As the matrix has them, by number; or the widest gap first, and last those without any."""
    if order != "brecha":
        return list(rows)
    return sorted(rows, key=lambda row: (row.standing.gap is None, -(row.standing.gap or 0)))


def choices(reading: Reading, matrix: Matrix) -> dict[str, list[tuple[str, str, int]]]:
    """What can be chosen of institutions, proposers and axes: (value, name, how many), by name."""
    return {
        "institucion": counted(matrix, lambda row: row.institution, lambda slug: plain(reading.actor(slug))),
        "propuesto": counted(matrix, lambda row: row.proposer, lambda code: reading.say.name("proposer", code)),
        "eje": [one for one in counted(matrix, lambda row: row.axis, axis_name(reading, matrix.plan)) if one[0]],
    }


def counted(matrix: Matrix, key: Callable[[Row], str], name: Callable[[str], str]) -> list[tuple[str, str, int]]:
    """(value, name, how many) of what the rows have in common, by name."""
    numbers = Counter(key(row) for row in matrix.rows)
    return sorted(((value, name(value), n) for value, n in numbers.items()), key=lambda one: folded(one[1]))


def axis_name(reading: Reading, plan: str) -> Callable[[str], str]:
    """What an axis is called; the plan's own commitments may name none."""

    def name(axis: str) -> str:
        if not axis:
            return reading.text("Without an axis")
        found = reading.view.records.get(Axis, f"{plan}/{axis}")
        return plain(found.title) if found else axis

    return name


# --- one commitment --------------------------------------------------------------------------------------------------


def row_words(reading: Reading, row: Row, commitment: Commitment) -> dict[str, Any]:
    """A row of the picture and of the matrix."""
    standing = row.standing
    holds = conditions_of(standing)
    said = commitment.reported
    return {
        "code": code_of(row.commitment),
        "title": row.title,
        "lang": row.lang,
        "href": reading.to_commitment(row.commitment),
        "institution": reading.actor(row.institution),
        "proposer": row.proposer,
        "reported": standing.reported,
        "reported_index": standing.reported_index,
        "from_mechanisms": standing.reported_from_mechanisms,
        "printed": said.printed if said is not None and said.index == standing.reported_index else False,
        "observed": [voice_words(reading, voice) for voice in standing.voices if voice.role != "irm"],
        "irm": [voice_words(reading, voice) for voice in standing.voices if voice.role == "irm"],
        "combined": standing.combined,
        "records": standing.records,
        "no_capture": "no_capture" in holds,
        "gap": standing.gap,
        "sign": signed(standing.gap),
        "words": gap_words(reading, standing),
        "holds": [(one.code, reading.text(one.label)) for one in CONDITIONS if one.code in holds - IN_COLUMNS],
        "steps": dumbbell(marks(reading, standing), LEVEL_ORDINAL),
    }


def voice_words(reading: Reading, voice: Voice) -> dict[str, Any]:
    """What an assessor finds; `percent` where its own verdicts give one, `partly` where they do not reach a level."""
    return {
        "name": site.brief(reading.actor(voice.organisation)),
        "level": voice.level,
        "index": voice.index,
        "percent": voice.lens.percent if voice.lens is not None and voice.source == "verdicts" else None,
        "partly": not voice.level and voice.lens is not None,
    }


def marks(reading: Reading, standing: CommitmentStanding) -> list[Mark]:
    """The voices on the scale, as far as each says a level."""
    found = [Mark("government", reading.say.name("voice", "government"), standing.reported)]
    for voice in standing.voices:
        found.append(Mark(voice_of(voice.role), plain(reading.actor(voice.organisation)), voice.level))
    found.append(Mark("evidence", reading.say.name("voice", "evidence"), standing.combined.level))
    return [mark for mark in found if mark.level]


def voice_of(role: str) -> str:
    """The voice with which an assessor speaks."""
    return "irm" if role == "irm" else "civil_society"


def signed(gap: int | None) -> str:
    """A gap with its sign: +2, −1, 0; nothing where there is none."""
    if gap is None:
        return ""
    return f"+{gap}" if gap > 0 else f"\N{MINUS SIGN}{-gap}" if gap < 0 else "0"


def gap_words(reading: Reading, standing: CommitmentStanding) -> str:
    """What is reported and what the evidence reaches, in one sentence."""
    if not standing.reported:
        return reading.text("No level is reported.")
    reported, reached = lower(reading, standing.reported), lower(reading, standing.combined.level)
    if "no_capture" in standing.flags and not LEVEL_ORDINAL[standing.combined.level]:
        return reading.text("Reports «%(reported)s»; no captured evidence yet.", reported=reported)
    if not standing.gap:
        return reading.text("Reports «%(reported)s»; the evidence reaches as far.", reported=reported)
    return reading.text(
        "Reports «%(reported)s»; the evidence reaches «%(reached)s».", reported=reported, reached=reached
    )


# --- the plan as a whole ---------------------------------------------------------------------------------------------


def strip(reading: Reading, matrix: Matrix, voice: str) -> list[dict[str, Any]]:
    """The commitments in groups by the level that a voice gives them, the highest first."""
    members: dict[str, list[dict[str, Any]]] = {level: [] for level in reversed(SCALE)}
    for row in matrix.rows:
        if level := values_of(row.standing).get(voice):
            href = reading.to_commitment(row.commitment)
            members[level].append({"code": code_of(row.commitment), "title": row.title, "href": href})
    return [{"level": level, "members": found} for level, found in members.items() if found]


def complete_sentence(reading: Reading, matrix: Matrix) -> str:
    """How many are reported complete, and in how many of all the evidence reaches that."""
    return reading.text(
        "Of %(total)s commitments, %(reported)s are reported complete; the evidence reaches «complete» in %(reached)s.",
        total=reading.say.number(len(matrix.rows)),
        reported=reading.say.number(sum(row.standing.reported == "complete" for row in matrix.rows)),
        reached=reading.say.number(sum(row.standing.combined.level == "complete" for row in matrix.rows)),
    )


def bare_sentence(reading: Reading, matrix: Matrix) -> list[str]:
    """Of how many nothing was captured yet, and what that does not say; nothing where there is none."""
    bare = sum("no_capture" in row.standing.flags for row in matrix.rows)
    if not bare:
        return []
    if bare == len(matrix.rows):
        return [
            reading.text(
                "Of none of them is there any captured evidence yet: it is still to be captured, which does not say "
                "that nothing was done."
            )
        ]
    return [
        reading.text(
            "Of %(num)s there is no captured evidence yet: it is still to be captured, which does not say that nothing "
            "was done.",
            num=reading.say.number(bare),
        )
    ]


def summary(reading: Reading, matrix: Matrix) -> list[str]:
    """What the page shows, in sentences."""
    gaps = [row.standing.gap for row in matrix.rows if row.standing.gap is not None]
    sentences = [complete_sentence(reading, matrix)]
    if wide := sum(gap >= WIDE_GAP for gap in gaps):
        one = msg("In %(num)s, what is reported stands two steps or more above the evidence.")
        sentences.append(reading.text(one, num=reading.say.number(wide)))
    if beyond := sum(gap < 0 for gap in gaps):
        one = msg("In %(num)s, the evidence reaches further than what is reported.")
        sentences.append(reading.text(one, num=reading.say.number(beyond)))
    return [*sentences, *bare_sentence(reading, matrix)]


def basis(reading: Reading, matrix: Matrix) -> dict[str, Any]:
    """What all figures of the page stand on: methodology, day and tree size."""
    return {
        "version": matrix.methodology,
        "index": matrix.methodology_index,
        "href": reading.place.to("metodologia", matrix.plan, matrix.methodology) if matrix.methodology else "",
        "day": matrix.as_of,
        "size": matrix.size,
    }


class Speaker(msgspec.Struct, frozen=True):
    """Who is compared; `code` as the cells of the disagreement name them, `short` as a narrow column does."""

    code: str
    voice: str
    name: str
    short: Markup


def speakers(reading: Reading, matrix: Matrix) -> list[Speaker]:
    """Reported, each assessor, evidenced: always in this order."""
    first, last = (reading.say.name("voice", voice) for voice in ("government", "evidence"))
    bodies = [(slug, role, reading.actor(slug)) for slug, role in matrix.assessors]
    return [
        Speaker(REPORTED, "government", first, Markup.escape(first)),
        *(
            Speaker(slug, "irm" if role == "irm" else "civil_society", plain(name), site.brief(name))
            for slug, role, name in bodies
        ),
        Speaker(EVIDENCED, "evidence", last, Markup.escape(last)),
    ]


def disagreement(reading: Reading, matrix: Matrix) -> dict[str, Any]:
    """Who disagrees with whom: the voices that say anything, and a row of squares for each."""
    able = {code for cell in matrix.disagreement if cell.compared for code in (cell.a, cell.b)}
    voices = [one for one in speakers(reading, matrix) if one.code in able]
    rows: tuple[tuple[Square | None, ...], ...] = heat([one.code for one in voices], matrix.disagreement)
    return {"voices": voices, "rows": rows}


def groups(reading: Reading, matrix: Matrix) -> list[dict[str, Any]]:
    """The same figures by institution, by axis where there are any, and by who proposed."""
    views: tuple[tuple[str, str, str, Callable[[Row], str], Callable[[str], str]], ...] = (
        ("institucion", msg("By institution"), msg("Institution"), lambda row: row.institution, reading.actor),
        ("eje", msg("By axis"), msg("Axis"), lambda row: row.axis, axis_name(reading, matrix.plan)),
        (
            "propuesto",
            msg("By who proposed them"),
            msg("Proposed by"),
            lambda row: row.proposer,
            lambda code: reading.say.name("proposer", code),
        ),
    )
    return [
        {
            "title": reading.text(title),
            "head": reading.text(head),
            "rows": [
                group_words(reading, name, value, label(value), [row for row in matrix.rows if key(row) == value])
                for value, _, _ in counted(matrix, key, label)
            ],
        }
        for name, title, head, key, label in views
        if name != "eje" or any(row.axis for row in matrix.rows)
    ]


def group_words(reading: Reading, name: str, value: str, label: str, rows: Sequence[Row]) -> dict[str, Any]:
    """A group's figures: how many are complete as reported and by evidence, how many have a wide gap."""
    of = len(rows)
    figures = (
        sum(row.standing.reported == "complete" for row in rows),
        sum(row.standing.combined.level == "complete" for row in rows),
        sum("gap" in conditions_of(row.standing) for row in rows),
    )
    asked_for = {name: value} if value else {}
    return {
        "name": label,
        "of": of,
        "href": reading.place.to("planes", reading.place.segments[1], "comparacion", **asked_for) + "#compromisos",
        "bars": [{"count": n, "width": width(n, of)} for n in figures],
    }


# --- over time -------------------------------------------------------------------------------------------------------


class Moment(msgspec.Struct, frozen=True):
    """A state of the record: its first `size` entries, as of a day. `unit` is what lies between two of them."""

    size: int
    day: str
    unit: str


def moments(view: View, reader: Reader, first: int, most: int) -> list[Moment]:
    """At most so many states, the view's own the last: ends of months; of days, or sizes, in a record that is young.

    `first` is the index of the entry with which the plan began.
    """
    began = datetime.date.fromisoformat(view.ledger.day_of(view.entry(first).received_ms))
    today = datetime.date.fromisoformat(view.day)
    last = Moment(view.size, view.day, "")
    months = month_ends(began, today)
    if len(months) >= 2:
        chosen, unit = thinned(months, most - 1), "month"
    elif (today - began).days >= 2:
        days = [began + datetime.timedelta(days=n) for n in range((today - began).days)]
        chosen, unit = thinned(days, most - 1), "day"
    else:
        sizes = even_sizes(first, view.size, most - 1)
        found = [Moment(size, view.ledger.day_of(view.entry(size - 1).received_ms), "size") for size in sizes]
        return [*found, msgspec.structs.replace(last, unit="size")]
    ends = [(min(reader.as_of(day.isoformat()).size, view.size), day.isoformat()) for day in chosen]
    return [*(Moment(size, day, unit) for size, day in ends), msgspec.structs.replace(last, unit=unit)]


def even_sizes(first: int, size: int, most: int) -> range:
    """At most so many sizes between two, at even distances: multiples of a power of two, which stay the same as the
    ledger grows, so that what was computed of them need not be computed again."""
    step = 1 << ((size - first) // most).bit_length()
    return range((first // step + 1) * step, size, step)


def month_ends(began: datetime.date, until: datetime.date) -> list[datetime.date]:
    """The last days of months from that of `began` on, all before `until`."""
    ends: list[datetime.date] = []
    end = _month_end(began)
    while end < until:
        ends.append(end)
        end = _month_end(end + datetime.timedelta(days=1))
    return ends


def _month_end(day: datetime.date) -> datetime.date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def thinned(days: Sequence[datetime.date], most: int) -> list[datetime.date]:
    """At most so many of them, at even distances, the last one among them."""
    step = max(1, -(-len(days) // most))
    return list(reversed(list(reversed(days))[::step]))


@lru_cache(1_024)
def counts_at(reader: Reader, plan: str, size: int, day: str) -> Mapping[str, Mapping[str, int]]:
    """How many commitments each voice puts at each level at a size and a day, which never changes."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in reader.compare(plan, size, day).rows:
        for voice, level in values_of(row.standing).items():
            counts[voice][level] += 1
    return counts


def times(reading: Reading, plan: PlanState, matrix: Matrix) -> dict[str, Any]:
    """Levels by voice over time: a picture and its figures for each voice that said anything by now."""
    most = max(FEWEST, min(MOMENTS, LOOKED_AT // max(1, len(matrix.rows))))
    states = moments(reading.view, reading.reader, plan.index, most)
    found = [counts_at(reading.reader, plan.plan, state.size, state.day) for state in states]
    lines: list[dict[str, Any]] = []
    for speaker in speakers(reading, matrix):
        points: list[Mapping[str, int]] = [counts.get(speaker.code, Counter[str]()) for counts in found]
        if any(points):
            pieces: tuple[Piece, ...] = over_time(points, len(matrix.rows))
            lines.append({"speaker": speaker, "points": points, "pieces": pieces})
    return {
        "labels": [moment_words(reading, state) for state in states],
        # A choice and no links: every page of an earlier state leads to that state of all others, and a robot that
        # follows links would read the whole site over again for each.
        "by": "at" if states[-1].unit == "size" else "as_of",
        "days": [str(state.size) if state.unit == "size" else state.day for state in states],
        "lines": lines,
        "of": len(matrix.rows),
    }


def moment_words(reading: Reading, moment: Moment) -> str:
    """What a moment is called: a month, a day, or so many entries."""
    if moment.unit == "size":
        return reading.texts("%(num)s entry", "%(num)s entries", moment.size)
    if moment.unit == "month":
        return reading.say.date(Day(precision="month", day=moment.day))
    return reading.say.day(moment.day)

"""The pages of a ledger: server-rendered HTML that a phone, a screen reader, a printer and an auditor can all read.

A page is a function of a `View` (the record as it stood at one tree size), the reader's language and, for the days left
of a round, the clock. It names the checkpoint it stands on, links each claim to its signed statement, works without
JavaScript and loads nothing from another host.

    /gt/…       Spanish, the default            ?at=SIZE    the record as it stood at that many entries
    /gt/en/…    the same pages in English       ?as_of=DAY  the same, at the end of a day

`router(reader)` is what the app mounts; below it stands one function for each page, from the record to the words of its
template. Lists are paged, and a page reads only the entries that it shows.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from msgspec import UNSET

from api import site
from api.phrasing import LEVELS, PROPOSERS, Phrasing, folded, msg, plain, shown
from api.problems import Problem
from api.record import Hidden, Reader, Shown, View
from api.site import Place
from consultation.text import Content
from ledger.statement import Entry
from ledger.vocabulary import IndicatorDefined, Statement, Words, commitment_of, commitments_of
from projections.commitments import (
    Axis,
    Commitment,
    Day,
    Evidence,
    Indicator,
    LevelSaid,
    Measure,
    Mechanism,
    PlanState,
)
from projections.meetings import Meeting
from projections.records import Record
from projections.reports import ClaimChecked, Report
from projections.roll import Actor, HistoryLine, Known, RoleHeld, voice_of
from projections.rounds import Comment, Document, Round, state_at
from projections.rounds import Response as AnswerGiven
from projections.words.catalogue import DEFAULT_LANGUAGE

R = TypeVar("R", bound=Record)

LIST_PAGE = 24
TIMELINE_PAGE = 50
MAX_LINKS = 100
MAX_SCAN = 500
MAX_MARKS = 500
MAX_QUERY = 200

# The lanes of a timeline, in this order.
VOICES = ("government", "civil_society", "irm", "evidence", "citizen")

Clock = Callable[[], int]
"""Milliseconds since 1970, UTC."""


class Reading(msgspec.Struct, frozen=True):
    """One reader's request: which record, in which words, from where, and what time it is for them."""

    reader: Reader
    view: View
    place: Place
    say: Phrasing
    query: Mapping[str, str]
    now_ms: int

    def text(self, message: str, **words: object) -> str:
        """A sentence of the catalogue with its words filled in."""
        return self.say.words.gettext(message) % words if words else self.say.words.gettext(message)

    def texts(self, singular: str, plural: str, n: int, **words: object) -> str:
        """The same in the plural form that `n` asks for."""
        return self.say.words.ngettext(singular, plural, n) % {"num": self.say.number(n), **words}

    def actor(self, slug: str) -> str:
        """The name of a body, or its slug where it is not registered."""
        found = self.view.records.get(Actor, slug)
        return found.name if found else slug

    def number(self, name: str, least: int, most: int, default: int) -> int:
        """A number from the query; a missing one is the default, one that makes no sense is an address that is not."""
        raw = self.query.get(name, "")
        if raw == "":
            return default
        if not (raw.isascii() and raw.isdigit() and len(raw) <= 15 and least <= int(raw) <= most):
            raise Problem(404, f"`{name}` is a number from {least} to {most}")
        return int(raw)

    def choice(self, name: str, among: Sequence[str]) -> str:
        """One of these from the query, or nothing."""
        raw = self.query.get(name, "")
        return raw if raw in among else ""

    @property
    def first_plan(self) -> str | None:
        """The plan that the menu leads to."""
        return next((key for key, _ in self.view.records.scan(PlanState, limit=1)), None)

    def to_commitment(self, subject: str) -> str:
        """The page of a commitment (of `gt-2014-2016/C8` or of a mechanism of it)."""
        plan, _, code = commitment_of(subject).partition("/")
        return self.place.to("planes", plan, "compromisos", code)


# --- lines: one statement, ready to be read --------------------------------------------------------------------------


class Signed(msgspec.Struct, frozen=True):
    """Who signed: the body's name (None for a citizen) and the role."""

    name: str | None
    role: str


class Line(msgspec.Struct, frozen=True):
    """One entry of the ledger as a page shows it."""

    index: int
    received_ms: int
    identity: str
    statement: Statement
    signers: tuple[Signed, ...]
    printed: bool
    lane: str


def line_of(reading: Reading, entry: Entry) -> Line:
    """An entry as a line."""
    statement = entry.opened.statement
    signers = tuple(
        Signed(reading.actor(signer.actor) if isinstance(signer.actor, str) else None, signer.role)
        for signer in statement.by
    )
    return Line(
        index=entry.index,
        received_ms=entry.received_ms,
        identity=entry.opened.identity,
        statement=statement,
        signers=signers,
        printed=printed_of(statement) is not None,
        lane=lane_of(reading, statement),
    )


def printed_of(statement: Statement) -> Any:
    """Where an imported statement stands in its source; None for a signed one."""
    found = getattr(statement, "printed", UNSET)
    return None if found is UNSET else found


def lane_of(reading: Reading, statement: Statement) -> str:
    """The lane of a timeline in which a statement stands: a voice, or that it is evidence, or the public's own."""
    if statement.kind in ("EvidenceLinked", "EvidenceCaptured", "EvidenceChecked"):
        return "evidence"
    if statement.kind in ("CommentSubmitted", "CommentTranscribed", "ContentWithheld"):
        return "citizen"
    voice = voice_of(reading.view.records, statement)
    return voice if voice in VOICES else "government"


class Said(msgspec.Struct, frozen=True):
    """Words as far as they are public: the text, or that they are withheld, or neither."""

    text: str | None
    hidden: bool = False


def words_of(reading: Reading, words: Words, identity: str) -> Said:
    """Words in the open, or what the vault shows of them now."""
    if isinstance(words.text, str):
        return Said(words.text)
    assert isinstance(words.salted_digest, str)
    found = reading.view.content(identity, words.salted_digest)
    if isinstance(found, Shown):
        return Said(found.content.text if isinstance(found.content.text, str) else None)
    return Said(None, hidden=isinstance(found, Hidden))


# --- lists in pages --------------------------------------------------------------------------------------------------


class Pages(msgspec.Struct, frozen=True):
    """Where a page of a list stands. Addresses are None at either end; `number` is 0 where pages are not counted."""

    before: str | None
    after: str | None
    number: int = 0
    count: int = 0
    total: int = 0
    start: int = 0
    stop: int = 0


def pages_of(reading: Reading, total: int, size: int, **query: str) -> Pages:
    """The page that the query asks for (`pagina=2`), of a list of `total` members."""
    count = max(1, -(-total // size))
    number = reading.number("pagina", 1, count, 1)

    def to(page: int) -> str:
        kept = {name: value for name, value in query.items() if value}
        return reading.place.to(*reading.place.segments, **kept, pagina=page)

    return Pages(
        before=to(number - 1) if number > 1 else None,
        after=to(number + 1) if number < count else None,
        number=number,
        count=count,
        total=total,
        start=(number - 1) * size,
        stop=min(total, number * size),
    )


def after_index(reading: Reading, kind: type[R], topic: str, size: int, anchor: str = "") -> tuple[list[R], Pages]:
    """The records of a topic, oldest first, from the index that the query names on (`desde=812`).

    Such a list is read by key, so that a page costs the same however long the list is; nobody counts it.
    """
    start = reading.number("desde", 0, reading.view.size, 0)
    prefix = f"{topic}/"
    found = list(reading.view.records.scan(kind, prefix=prefix, after=f"{prefix}{start:09d}", limit=size + 1))
    if start == 0:  # nothing has the index 0 but the founding, which is in no such list
        found = list(reading.view.records.scan(kind, prefix=prefix, limit=size + 1))
    shown_ones = found[:size]
    place = reading.place
    return [record for _, record in shown_ones], Pages(
        before=place.to(*place.segments) + anchor if start else None,
        after=place.to(*place.segments, desde=int(shown_ones[-1][0][-9:])) + anchor if len(found) > size else None,
    )


# --- plans and commitments -------------------------------------------------------------------------------------------


def commitments_in(reading: Reading, plan: str) -> list[Commitment]:
    """The commitments of a plan: the government's first, by number (G2 before G10)."""
    return in_order([commitment for _, commitment in reading.view.records.scan(Commitment, prefix=f"{plan}/")])


def in_order(commitments: Sequence[Commitment]) -> list[Commitment]:
    """The government's first, then by letter and number."""
    return sorted(commitments, key=lambda one: (one.proposer != "government", one.number, one.commitment))


def code_of(identifier: str) -> str:
    """`gt-2014-2016/C8` -> `C8`."""
    return identifier.partition("/")[2]


def member_of(reading: Reading, commitment: Commitment) -> dict[str, Any]:
    """A commitment in a list: code, title, address."""
    return {
        "code": code_of(commitment.commitment),
        "title": commitment.title,
        "lang": commitment.lang,
        "href": reading.to_commitment(commitment.commitment),
    }


def plan_words(reading: Reading, plan: PlanState, commitments: Sequence[Commitment]) -> dict[str, Any]:
    """A plan, its tally by reported level, and what published reports claim of it."""
    members: dict[str, list[dict[str, Any]]] = {level: [] for level in LEVELS}
    for commitment in commitments:
        if commitment.reported is not None:
            members[commitment.reported.level].append(member_of(reading, commitment))
    by = Counter(commitment.proposer for commitment in commitments)
    claims = claimed_tallies(reading, plan.plan)
    return {
        "id": plan.plan,
        "title": plan.title,
        "lang": plan.lang,
        "index": plan.index,
        "printed": plan.printed,
        "href": reading.place.to("planes", plan.plan),
        "sentence": reading.texts(
            "%(num)s commitment: %(government)s proposed by the government, %(civil)s by civil society.",
            "%(num)s commitments: %(government)s proposed by the government, %(civil)s by civil society.",
            len(commitments),
            government=reading.say.number(by["government"]),
            civil=reading.say.number(by["civil_society"]),
        ),
        "groups": [{"level": level, "members": found} for level, found in members.items() if found],
        "unreported": sum(commitment.reported is None for commitment in commitments),
        "total": len(commitments),
        "odd": sorted({level for claim in claims for level in claim["odd"]}),
        "claims": claims,
    }


def home_page(reading: Reading) -> Response[bytes]:
    """What this is, what is open, how far the plan has come and what was claimed, and how to check it."""
    plans = [
        plan_words(reading, plan, commitments_in(reading, key)) for key, plan in reading.view.records.scan(PlanState)
    ]
    rounds = rounds_newest_first(reading)
    return answer(
        reading,
        "home.html",
        plans=plans,
        open_rounds=[round_ for round_ in rounds if round_["phase"] == "open"],
        closed_rounds=[round_ for round_ in rounds if round_["phase"] != "open"][:5],
        audit_command=f"constancia audit {reading.place.base}{reading.place.raw()}",
    )


def plan_page(reading: Reading) -> Response[bytes]:
    """The commitments of a plan, with filters that work together: level, proposer, institution, evidence, words."""
    identifier = reading.place.segments[1]
    plan = reading.view.records.get(PlanState, identifier)
    if plan is None:
        raise Problem(404, "There is no such plan.")
    commitments = commitments_in(reading, identifier)
    institutions = Counter(commitment.institution for commitment in commitments)
    chosen = {
        "q": reading.query.get("q", "").strip(),
        "nivel": reading.choice("nivel", tuple(LEVELS)),
        "propuesto": reading.choice("propuesto", tuple(PROPOSERS)),
        "institucion": reading.choice("institucion", tuple(institutions)),
        "evidencia": reading.choice("evidencia", ("con", "sin")),
    }
    names = {slug: reading.actor(slug) for slug in institutions}
    words = folded(chosen["q"]).split()

    def fits(commitment: Commitment) -> bool:
        level = commitment.reported.level if commitment.reported else ""
        if chosen["nivel"] not in ("", level) or chosen["propuesto"] not in ("", commitment.proposer):
            return False
        if chosen["institucion"] not in ("", commitment.institution):
            return False
        if chosen["evidencia"] and (chosen["evidencia"] == "con") != (commitment.evidence > 0):
            return False
        text = folded(" ".join([code_of(commitment.commitment), names[commitment.institution], *texts_of(commitment)]))
        return all(word in text for word in words)

    found = [commitment for commitment in commitments if fits(commitment)]
    pages = pages_of(reading, len(found), LIST_PAGE, **chosen)
    return answer(
        reading,
        "plan.html",
        plan=plan_words(reading, plan, commitments),
        chosen=chosen,
        filtered=any(chosen.values()),
        levels=[level for level in LEVELS if any(one.reported and one.reported.level == level for one in commitments)],
        proposers=list(PROPOSERS),
        institutions=[
            {"slug": slug, "name": names[slug], "count": institutions[slug]}
            for slug in sorted(institutions, key=lambda slug: folded(names[slug]))
        ],
        found=len(found),
        rows=[
            {
                **member_of(reading, commitment),
                "proposer": commitment.proposer,
                "institution": names[commitment.institution],
                "level": commitment.reported.level if commitment.reported else None,
                "level_index": commitment.reported.index if commitment.reported else None,
                "evidence": commitment.evidence,
                "printed": commitment.printed,
            }
            for commitment in found[pages.start : pages.stop]
        ],
        pages=pages,
    )


def texts_of(commitment: Commitment) -> tuple[str, ...]:
    """The texts in which a search looks."""
    return (
        commitment.title,
        commitment.objective,
        commitment.description,
        commitment.relevance,
        commitment.ambition,
        commitment.post,
        commitment.reported.reason if commitment.reported else "",
    )


def commitment_page(reading: Reading) -> Response[bytes]:
    """One commitment: the four voices, what was promised, the evidence, and everything that was said, in order."""
    plan_id, code = reading.place.segments[1], reading.place.segments[3]
    records = reading.view.records
    plan = records.get(PlanState, plan_id)
    commitment = records.get(Commitment, f"{plan_id}/{code}")
    if plan is None or commitment is None:
        raise Problem(404, "There is no such commitment.")
    identifier = commitment.commitment
    history, pages = after_index(reading, HistoryLine, identifier, TIMELINE_PAGE, "#historia")
    everything = [line for _, line in records.scan(HistoryLine, prefix=f"{identifier}/", limit=MAX_SCAN)]
    links = [evidence for _, evidence in records.scan(Evidence, prefix=f"{identifier}/", limit=MAX_LINKS)]
    mechanisms = [mechanism for _, mechanism in records.scan(Mechanism, prefix=f"{identifier}.M")]
    assessed = [said_words(reading, said) for said in commitment.assessed]
    return answer(
        reading,
        "commitment.html",
        plan={"title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", plan_id)},
        c=member_of(reading, commitment)
        | {
            "proposer": commitment.proposer,
            "institution": reading.actor(commitment.institution),
            "post": commitment.post,
            "index": commitment.index,
            "printed": commitment.printed,
            "statement": reading.view.entry(commitment.index).opened.statement,
        },
        reported=said_words(reading, commitment.reported) if commitment.reported else None,
        observed=[said for said in assessed if said["role"] != "irm"],
        irm=[said for said in assessed if said["role"] == "irm"],
        evidence={"captured": commitment.captured, "links": commitment.evidence},
        reopened=commitment.reopened,
        gap=gap_sentence(reading, commitment),
        fields=promise_fields(reading, commitment),
        date=commitment.completion_date,
        date_index=commitment.completion_date_index,
        date_statement=statement_at(reading, commitment.completion_date_index),
        dates_moved=commitment.dates_moved,
        next_steps=commitment.next_steps,
        steps_index=commitment.next_steps_index,
        steps_statement=statement_at(reading, commitment.next_steps_index),
        mechanisms=[
            mechanism_words(mechanism)
            for mechanism in sorted(mechanisms, key=lambda one: mechanism_number(one.mechanism))
        ],
        indicators=indicators_of(reading, identifier, everything),
        links=[link_words(reading, evidence) for evidence in links],
        links_left=commitment.evidence > MAX_LINKS,
        comments=comments_among(reading, everything),
        timeline=[line_of(reading, reading.view.entry(line.index)) for line in history],
        voices=VOICES,
        pages=pages,
        offset=reading.say.offset,
    )


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


def around_page(reading: Reading) -> Response[bytes]:
    """What was said of a plan as a whole."""
    name = reading.place.segments[1]
    plan = reading.view.records.get(PlanState, name)
    if plan is None:
        raise Problem(404, "There is no such plan.")
    history, pages = after_index(reading, HistoryLine, f"plan/{name}", TIMELINE_PAGE)
    return answer(
        reading,
        "around.html",
        plan={"title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", name)},
        timeline=[line_of(reading, reading.view.entry(line.index)) for line in history],
        pages=pages,
    )


def statement_at(reading: Reading, index: int | None) -> Statement | None:
    """The statement of an entry that a record names."""
    return None if index is None else reading.view.entry(index).opened.statement


def said_words(reading: Reading, said: LevelSaid) -> dict[str, Any]:
    """A level as it was said: by whom, when, why, and where it stands."""
    share = None
    if said.share is not None:
        share = reading.text(
            "%(value)s of %(total)s %(unit)s",
            value=reading.say.number(said.share[0]),
            total=reading.say.number(said.share[1]),
            unit=plain(said.unit),
        )
    return {
        "level": said.level,
        "who": reading.actor(said.actor),
        "role": said.role,
        "reason": said.reason,
        "lang": said.lang,
        "index": said.index,
        "received_ms": said.received_ms,
        "printed": said.printed,
        "share": share,
        "statement": statement_at(reading, said.index),
    }


def gap_sentence(reading: Reading, commitment: Commitment) -> str:
    """Where the voices part, in one sentence; empty where there is nothing to compare."""
    if commitment.reported is None:
        return ""
    level = lower(reading, commitment.reported.level)
    others = [
        reading.text(
            "%(name)s finds «%(level)s»", name=plain(reading.actor(said.actor)), level=lower(reading, said.level)
        )
        for said in commitment.assessed
        if said.level != commitment.reported.level
    ]
    if others:
        listed = reading.say.listed(others)
        return reading.text("The institution reports «%(level)s»; %(others)s.", level=level, others=listed)
    if commitment.captured == 0:
        return reading.text("The institution reports «%(level)s»; no evidence has been captured yet.", level=level)
    return ""


def lower(reading: Reading, level: str) -> str:
    """The name of a level inside a sentence."""
    return reading.say.name("level", level).lower()


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


def mechanism_number(identifier: str) -> int:
    """`gt-2014-2016/C8.M12` -> 12."""
    return int(identifier.rpartition(".M")[2])


def mechanism_words(mechanism: Mechanism) -> dict[str, Any]:
    """A compliance mechanism as a list shows it."""
    return {
        "code": mechanism.mechanism.rpartition(".")[2],
        "text": mechanism.text,
        "means": mechanism.means,
        "lang": mechanism.lang,
        "index": mechanism.index,
        "printed": mechanism.printed,
        "level": mechanism.reported.level if mechanism.reported else None,
        "level_index": mechanism.reported.index if mechanism.reported else None,
    }


def link_words(reading: Reading, evidence: Evidence) -> dict[str, Any]:
    """A link to evidence, with what became of it."""
    statement = statement_at(reading, evidence.index)
    printed = printed_of(statement) if statement else None
    return {
        "title": evidence.title,
        "url": evidence.url,
        "lang": evidence.lang,
        "index": evidence.index,
        "evidence_type": evidence.evidence_type,
        "mechanisms": [
            mechanism.rpartition(".")[2] for mechanism in evidence.mechanisms if mechanism_number(mechanism) > 0
        ],
        "captures": evidence.captures,
        "digest": evidence.last_digest,
        "seen": evidence.last_seen,
        "disputes": evidence.disputes,
        "withdrawn": evidence.withdrawn,
        "printed": evidence.printed,
        "words": printed.words if printed is not None and printed.words is not UNSET else "",
    }


# --- published figures -----------------------------------------------------------------------------------------------


def reports_in(reading: Reading, plan: str = "") -> list[Report]:
    """The published reports, the newest entry first."""
    found = [report for _, report in reading.view.records.scan(Report) if plan in ("", report.plan)]
    return sorted(found, key=lambda report: report.index, reverse=True)


def claimed_tallies(reading: Reading, plan: str) -> list[dict[str, Any]]:
    """What each report claims of the plan's levels as a whole, beside what the record gives."""
    tallies: list[dict[str, Any]] = []
    for report in reports_in(reading, plan):
        claims = [
            claim
            for claim in report.claims
            if claim.measure == "level_count" and claim.level and not (claim.proposer or claim.institution)
        ]
        if not claims:
            continue
        differing = [claim for claim in claims if claim.difference]
        place = {level: number for number, level in enumerate(LEVELS)}
        tallies.append(
            {
                "title": report.title,
                "lang": report.lang,
                "href": to_report(reading, report),
                "index": report.index,
                "total": claims[0].out_of or sum(claim.claimed for claim in claims),
                "groups": [
                    {"level": claim.level, "count": min(max(claim.claimed, 0), MAX_MARKS)}
                    for claim in sorted(claims, key=lambda claim: place.get(claim.level, 9))
                ],
                "odd": [claim.level for claim in differing],
                "differences": bool(differing),
                "sentence": tally_sentence(reading, differing),
            }
        )
    return tallies


def tally_sentence(reading: Reading, differing: Sequence[ClaimChecked]) -> str:
    """Where a claimed tally and the record part, in one plain sentence."""
    if not differing:
        return reading.text("The report claims what the record counts.")

    def counts(figures: Iterable[tuple[int | None, str]]) -> str:
        return reading.say.listed(
            [
                reading.text("%(count)s %(level)s", count=reading.say.number(count or 0), level=lower(reading, level))
                for count, level in figures
            ]
        )

    return reading.text(
        "They differ: the report claims %(claimed)s, and the record counts %(computed)s.",
        claimed=counts((claim.claimed, claim.level) for claim in differing),
        computed=counts((claim.computed, claim.level) for claim in differing),
    )


def report_sentence(reading: Reading, report: Report) -> str:
    """How many of a report's figures hold."""
    checked = [claim for claim in report.claims if claim.verdict != "not_computable"]
    differing = sum(claim.verdict == "differs" for claim in checked)
    if not checked:
        return reading.text("It claims no figures that the record could check.")
    if not differing:
        return reading.texts(
            "Its %(num)s checkable figure matches the record.",
            "Its %(num)s checkable figures match the record.",
            len(checked),
        )
    return reading.texts(
        "%(num)s of its %(total)s checkable figures differs from the record.",
        "%(num)s of its %(total)s checkable figures differ from the record.",
        differing,
        total=reading.say.number(len(checked)),
    )


def to_report(reading: Reading, report: Report) -> str:
    """The page of a report."""
    return reading.place.to("informes", report.report, report.version)


def report_words(reading: Reading, report: Report) -> dict[str, Any]:
    """A report as a list shows it."""
    return {
        "title": report.title,
        "lang": report.lang,
        "report_form": report.report_form,
        "on": Day(precision=report.precision, day=report.day),
        "who": reading.actor(report.actor),
        "href": to_report(reading, report),
        "index": report.index,
        "printed": report.printed,
        "differences": any(claim.verdict == "differs" for claim in report.claims),
        "checked": any(claim.verdict != "not_computable" for claim in report.claims),
        "sentence": report_sentence(reading, report),
        "statement": statement_at(reading, report.index),
        "at": report.tree_size,
    }


def reports_page(reading: Reading) -> Response[bytes]:
    """Every published report, with how many of its figures hold."""
    return answer(reading, "reports.html", reports=[report_words(reading, report) for report in reports_in(reading)])


def report_page(reading: Reading) -> Response[bytes]:
    """A report, figure by figure: claimed, computed, the difference, and the commitments behind it."""
    _, name, version = reading.place.segments
    if not (version.isascii() and version.isdigit() and len(version) <= 4):
        raise Problem(404, "There is no such report.")
    report = reading.view.records.get(Report, f"{name}/{int(version):04d}")
    if report is None:
        raise Problem(404, "There is no such report.")
    return answer(
        reading,
        "report.html",
        report=report_words(reading, report),
        tally=next(
            (one["sentence"] for one in claimed_tallies(reading, report.plan) if one["index"] == report.index), ""
        ),
        claims=[claim_words(reading, claim) for claim in report.claims],
    )


MEASURES: Mapping[str, str] = {
    "commitment_count": msg("Commitments"),
    "meeting_count": msg("Meetings"),
    "comment_count": msg("Comments"),
    "response_count": msg("Answered comments"),
    "withheld_count": msg("Withheld comments"),
    "delayed": msg("Delayed commitments"),
}
AT_A_LEVEL: Mapping[str, str] = {
    "level_count": msg("Commitments at level %(level)s"),
    "level_share_bp": msg("Share of commitments at level %(level)s"),
}


def claim_words(reading: Reading, claim: ClaimChecked) -> dict[str, Any]:
    """One figure of a report."""
    say = reading.say
    share = claim.measure.endswith("_bp")

    def figure(value: int | None) -> str | None:
        if value is None:
            return None
        if share:
            return say.share(value)
        if claim.out_of is None:
            return say.number(value)
        return reading.text("%(count)s of %(total)s", count=say.number(value), total=say.number(claim.out_of))

    label = (AT_A_LEVEL if claim.level else MEASURES).get(claim.measure)
    level = lower(reading, claim.level) if claim.level else ""
    parts = [reading.say.words.gettext(label) % {"level": level} if label else claim.measure]
    parts += [say.name("proposer", claim.proposer)] if claim.proposer else []
    parts += [plain(reading.actor(claim.institution))] if claim.institution else []
    parts += [claim.round] if claim.round else []
    difference = None
    if claim.difference is not None:
        sign = "+" if claim.difference > 0 else "\N{MINUS SIGN}" if claim.difference < 0 else ""
        size = abs(claim.difference)
        difference = sign + (say.share(size) if share else say.number(size))
    members = [reading.view.records.get(Commitment, identifier) for identifier in claim.members]
    return {
        "label": " · ".join(parts),
        "claimed": figure(claim.claimed),
        "computed": figure(claim.computed),
        "difference": difference,
        "verdict": claim.verdict,
        # A share has the same commitments behind it as the count beside it.
        "behind": [] if share else [member_of(reading, one) for one in in_order([one for one in members if one])],
    }


# --- consultation ----------------------------------------------------------------------------------------------------


def rounds_newest_first(reading: Reading) -> list[dict[str, Any]]:
    """Every round, the one that opened last first."""
    rounds = [found for _, found in reading.view.records.scan(Round)]
    return [round_words(reading, found) for found in sorted(rounds, key=lambda one: one.opens_ms, reverse=True)]


def round_words(reading: Reading, found: Round) -> dict[str, Any]:
    """A round with its window in words and its counts."""
    say = reading.say
    # A printed round is history: nobody but the importer can add to it.
    phase = state_at(found, reading.now_ms)
    if found.printed and phase == "late":
        phase = "closed"
    return {
        "id": found.round,
        "heading": say.name("concerns", found.concerns),
        "href": reading.place.to("consultas", found.round),
        "window": window_sentence(reading, found),
        "phase": phase,
        "days_left": days_between(say, reading.now_ms, found.closes_ms - 1) if phase == "open" else None,
        "index": found.index,
        "printed": found.printed,
        "lang": found.lang,
        "received": found.received,
        "shown": found.shown,
        "withheld": found.withheld,
        "withdrawn": found.withdrawn,
        "answered": found.answered,
        "late_comments": found.late_comments,
        "by_channel": found.channels,
        "parts": [{"part": part, "title": title} for part, title in found.parts],
        "answer_by": say.day(found.answer_by) if found.answer_by else "",
    }


def days_between(say: Phrasing, start_ms: int, end_ms: int) -> int:
    """How many midnights lie between two times, on the ledger's clock: 0 is "today"."""
    return (say.local(end_ms).date() - say.local(start_ms).date()).days


def window_sentence(reading: Reading, found: Round) -> str:
    """From when to when, as people say it: a window that ends at midnight ends with the day before."""
    say = reading.say

    def midnight(ms: int) -> bool:
        local = say.local(ms)
        return (local.hour, local.minute, local.second) == (0, 0, 0)

    opens = say.day(say.local(found.opens_ms).date()) if midnight(found.opens_ms) else say.time(found.opens_ms)
    if midnight(found.closes_ms):
        return reading.text(
            "From %(opens)s to %(closes)s, that day included.",
            opens=opens,
            closes=say.day(say.local(found.closes_ms - 1).date()),
        )
    return reading.text(
        "From %(opens)s until %(closes)s (%(offset)s).",
        opens=opens,
        closes=say.time(found.closes_ms),
        offset=say.offset,
    )


def rounds_page(reading: Reading) -> Response[bytes]:
    """Every round of consultation."""
    return answer(reading, "rounds.html", rounds=rounds_newest_first(reading))


def round_page(reading: Reading) -> Response[bytes]:
    """A round: its window, its figures, what was said and what was answered."""
    name = reading.place.segments[1]
    found = reading.view.records.get(Round, name)
    if found is None:
        raise Problem(404, "There is no such consultation.")
    comments, pages = after_index(reading, Comment, name, LIST_PAGE, "#comentarios")
    documents = [document for _, document in reading.view.records.scan(Document, prefix=f"{name}/", limit=LIST_PAGE)]
    address = reading.place.base + reading.place.raw()
    return answer(
        reading,
        "round.html",
        round=round_words(reading, found),
        documents=[
            {"version": document.version, "index": document.index, "digest": document.document}
            for document in documents
        ],
        comments=[comment_words(reading, comment, found) for comment in comments],
        pages=pages,
        may_comment=not found.printed and reading.view.newest and state_at(found, reading.now_ms) in ("open", "late"),
        comment_commands=comment_commands(reading, found, address),
    )


def comment_commands(reading: Reading, found: Round, address: str) -> str:
    """How to comment from a command line: a key, a draft, a signature, and off it goes."""
    text = reading.text("Write your comment here")
    draft = (
        f'{{"kind": "CommentSubmitted", "plan": "{found.plan}", "round": "{found.round}", "version": {found.version}, '
        f'"about": "whole", "salted_digest": {{"$content": {{"text": "{text}"}}}}}}'
    )
    return (
        f"constancia key new mi-llave\n"
        f"echo '{draft}' > comentario.json\n"
        f"constancia sign comentario.json --key mi-llave --role citizen --origin {reading.view.ledger.origin}\n"
        f"constancia submit comentario.submission.json --to {address}"
    )


def comment_words(reading: Reading, comment: Comment, found: Round) -> dict[str, Any]:
    """A comment as far as it is public now, with its answers."""
    records = reading.view.records
    content = reading.view.content(comment.identity, comment.salted_digest)
    state, ground, by_index = "shown", comment.ground, comment.withheld
    if comment.withdrawn is not None:
        state, by_index = "withdrawn", comment.withdrawn
    elif comment.withheld is not None:
        state = "withheld"
    elif isinstance(content, Hidden):  # hidden since: what is taken from view is not shown in older states either
        state, ground, by_index = ("withheld" if content.ground else "withdrawn"), content.ground or "", None
    body = content.content if isinstance(content, Shown) and state == "shown" else None
    part = next((title for part, title in found.parts if part == comment.about), None)
    answers = records.scan(AnswerGiven, prefix=f"{comment.round}/{comment.index:09d}/", limit=LIST_PAGE)
    return {
        "index": comment.index,
        "received_ms": comment.received_ms,
        "channel": comment.channel,
        "position": comment.position,
        "hours_late": -((found.closes_ms - comment.received_ms) // 3_600_000) if comment.late else 0,
        "printed": comment.printed,
        "heard": reading.say.when(comment.heard_at) if comment.heard_at else "",
        "about": code_of(comment.about) if "/" in comment.about else (part or ""),
        "about_href": reading.to_commitment(comment.about) if "/" in comment.about else "",
        "lang": comment.lang,
        "text": text_of(body, "text"),
        "name": text_of(body, "name"),
        "place": text_of(body, "place"),
        "state": state if body is None else "shown",
        "ground": ground,
        "by_index": by_index,
        "answers": [line_of(reading, reading.view.entry(given.index)) for _, given in answers],
    }


def text_of(content: Content | None, field: str) -> str | None:
    """A field of a content, or None."""
    found = getattr(content, field, None)
    return found if isinstance(found, str) else None


def comments_among(reading: Reading, history: Iterable[HistoryLine]) -> list[dict[str, Any]]:
    """The comments in the history of a commitment, whatever their round; the first of them."""
    records = reading.view.records
    found: list[dict[str, Any]] = []
    for line in history:
        if line.kind in ("CommentSubmitted", "CommentTranscribed") and len(found) < LIST_PAGE:
            known = records.get(Known, line.identity)
            comment = records.get(Comment, known.place) if known else None
            round_ = records.get(Round, comment.round) if comment else None
            if comment and round_:
                found.append(comment_words(reading, comment, round_))
    return found


# --- meetings --------------------------------------------------------------------------------------------------------


def meeting_words(reading: Reading, meeting: Meeting) -> dict[str, Any]:
    """A meeting as a list shows it."""
    name = reading.say.name("meeting_form", meeting.meeting_form)
    return {
        "heading": f"{name} {meeting.number}" if meeting.number else name,
        "href": reading.place.to("reuniones", meeting.meeting),
        "starts": reading.say.when(meeting.starts)
        if meeting.starts_precision == "time"
        else reading.say.date(Day(precision=meeting.starts_precision, day=meeting.starts)),
        "place": meeting.place,
        "lang": meeting.lang,
        "index": meeting.index,
        "printed": meeting.printed,
        "remarks": meeting.remarks,
        "minutes": bool(meeting.minutes),
    }


def meetings_page(reading: Reading) -> Response[bytes]:
    """Every meeting, the newest first."""
    found = [meeting for _, meeting in reading.view.records.scan(Meeting)]
    found.sort(key=lambda meeting: (meeting.starts, meeting.index), reverse=True)
    pages = pages_of(reading, len(found), LIST_PAGE)
    meetings = [meeting_words(reading, meeting) for meeting in found[pages.start : pages.stop]]
    return answer(reading, "meetings.html", meetings=meetings, pages=pages)


def meeting_page(reading: Reading) -> Response[bytes]:
    """A meeting: summons, who was there, what was said, minutes."""
    name = reading.place.segments[1]
    meeting = reading.view.records.get(Meeting, name)
    if meeting is None:
        raise Problem(404, "There is no such meeting.")
    history, pages = after_index(reading, HistoryLine, f"meeting/{name}", TIMELINE_PAGE, "#historia")
    return answer(
        reading,
        "meeting.html",
        meeting=meeting_words(reading, meeting)
        | {
            "invited": [reading.actor(slug) for slug in meeting.invited],
            "agenda": meeting.agenda,
            "minutes_digest": meeting.minutes,
            "minutes_index": meeting.minutes_index,
            "approved_by": [reading.actor(slug) for slug in meeting.approved_by],
            "attendance_index": meeting.attendance_index,
        },
        attendance=[{"name": reading.actor(present.actor), "post": present.post} for present in meeting.present],
        timeline=[line_of(reading, reading.view.entry(line.index)) for line in history],
        pages=pages,
    )


# --- the ledger's own pages ------------------------------------------------------------------------------------------


def entries_page(reading: Reading) -> Response[bytes]:
    """Every entry, the newest first; `?numero=N` goes to one."""
    view = reading.view
    if reading.query.get("numero"):
        return redirect(reading.place.to("asientos", reading.number("numero", 0, view.size - 1, 0)))
    pages = pages_of(reading, view.size, LIST_PAGE)
    stop = view.size - pages.start
    lines = [line_of(reading, entry) for entry in view.entries(max(0, stop - LIST_PAGE), stop)]
    return answer(reading, "entries.html", lines=lines[::-1], pages=pages)


def entry_page(reading: Reading) -> Response[bytes]:
    """One entry: its sentence, its proof, its fields, its bytes."""
    index = entry_index(reading)
    line = line_of(reading, reading.view.entry(index))
    subjects = commitments_of(line.statement)
    commitment = reading.view.records.get(Commitment, subjects[0]) if len(subjects) == 1 else None
    receipt = f"constancia-{index}.tlog-proof"
    return answer(
        reading,
        "entry.html",
        line=line,
        subject=commitment.commitment if commitment else None,
        subject_title=f"{commitment.commitment.partition('/')[2]} · {plain(commitment.title)}" if commitment else "",
        fields=msgspec.json.decode(reading.view.entry(index).opened.line),
        raw_text=reading.view.entry_bytes(index).decode(),
        raw_href=reading.place.raw("asientos", index, "original"),
        receipt=receipt,
        verify_command=f"constancia verify {receipt} --ledger-key '{reading.view.ledger.vkey}'",
    )


def entry_index(reading: Reading) -> int:
    """The index that the address names. Raises Problem (404)."""
    raw = reading.place.segments[1]
    size = reading.view.size
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 15 and str(int(raw)) == raw and int(raw) < size):
        raise Problem(404, f"The ledger has {size} entries; there is no entry {raw[:20]} among them.")
    return int(raw)


def entry_bytes_page(reading: Reading) -> Response[bytes]:
    """The bytes of an entry, as text that no browser takes for anything else."""
    headers = dict(site.HEADERS) | {"cache-control": "public, max-age=31536000, immutable"}
    raw = reading.view.entry_bytes(entry_index(reading))
    return Response(raw, media_type="text/plain", headers=headers)


def verify_page(reading: Reading) -> Response[bytes]:
    """How to check everything without trusting this server, with this ledger's own commands."""
    ledger = reading.view.ledger
    url = reading.place.base + reading.place.raw()
    return answer(
        reading,
        "verify.html",
        ledger_url=url,
        install_commands="make install\n. .venv/bin/activate",
        audit_command=f"constancia audit {url}",
        pinned_command=f"curl -o policy.txt {url}/policy\n"
        f"constancia audit {url} \\\n    --policy policy.txt \\\n    --founding {ledger.founding}",
        receipt_command=f"constancia verify constancia-0.tlog-proof \\\n    --ledger-key '{ledger.vkey}'",
        log_vkeys=[ledger.vkey],
        founding=ledger.founding,
    )


def about_page(reading: Reading) -> Response[bytes]:
    """What this is, who may say what, privacy, formats, licence."""
    records = reading.view.records
    bodies: list[dict[str, Any]] = []
    for slug, actor in records.scan(Actor):
        held = dict.fromkeys(role.role for _, role in records.scan(RoleHeld, prefix=f"{slug}/"))
        bodies.append(
            {"name": actor.name, "form": actor.form, "roles": [reading.say.name("role", role) for role in held]}
        )
    bodies.sort(key=lambda body: (not body["roles"], folded(body["name"])))
    plans = [{"id": plan.plan, "title": plan.title, "lang": plan.lang} for _, plan in records.scan(PlanState)]
    return answer(reading, "about.html", bodies=bodies, plans=plans, levels=list(LEVELS))


# --- answering -------------------------------------------------------------------------------------------------------


def answer(reading: Reading, template: str, status: int = 200, **words: Any) -> Response[bytes]:
    """A page of the ledger: what every one of its templates may use, and the words of this one."""
    view = reading.view
    return site.page(
        template,
        reading.place,
        reading.say,
        status,
        sections(reading.say, reading.first_plan),
        view={
            "origin": view.ledger.origin,
            "size": view.size,
            "root": view.checkpoint.root.hex(),
            "received_ms": view.as_of_ms,
            "historical": bool(reading.place.keep),
            "witnesses": [],
        },
        purpose=view.ledger.purpose,
        actor=lambda slug: shown(reading.actor(slug)),
        brief=lambda slug: site.brief(reading.actor(slug)),
        commitment_href=reading.to_commitment,
        words_of=lambda words, identity: words_of(reading, words, identity),
        **words,
    )


def sections(say: Phrasing, plan: str | None) -> tuple[tuple[tuple[str, ...], str], ...]:
    """The menu: the path of each entry and its name."""
    found = [
        (("consultas",), msg("Consultations")),
        (("reuniones",), msg("Meetings")),
        (("informes",), msg("Published reports")),
        (("verificar",), msg("Verify")),
        (("asientos",), msg("Entries")),
        (("acerca",), msg("About")),
    ]
    if plan is not None:
        found.insert(0, (("planes", plan), msg("Plan")))
    return tuple((path, say.words.gettext(name)) for path, name in found)


def redirect(path: str) -> Response[bytes]:
    """See there."""
    return Response(b"", status_code=303, headers={**site.HEADERS, "location": path}, media_type="text/plain")


# --- routes ----------------------------------------------------------------------------------------------------------

Page = Callable[[Reading], Response[bytes]]

PAGES: Mapping[str, Page] = {
    "/": home_page,
    "/planes/{plan:str}": plan_page,
    "/planes/{plan:str}/entorno": around_page,
    "/planes/{plan:str}/compromisos/{code:str}": commitment_page,
    "/consultas": rounds_page,
    "/consultas/{round:str}": round_page,
    "/reuniones": meetings_page,
    "/reuniones/{meeting:str}": meeting_page,
    "/informes": reports_page,
    "/informes/{report:str}/{version:str}": report_page,
    "/verificar": verify_page,
    "/asientos": entries_page,
    "/asientos/{index:str}": entry_page,
    "/asientos/{index:str}/original": entry_bytes_page,
    "/acerca": about_page,
}


def now() -> int:
    """The clock of this machine; nothing but the days left of a round is read from it."""
    return time.time_ns() // 1_000_000


def router(reader: Reader, clock: Clock = now) -> Router:
    """Every page of a ledger in every language, under its path. What they raise as Problem is answered as a page."""
    site.warm()
    handlers: list[HTTPRouteHandler] = []
    for language, segment in site.SEGMENTS.items():
        prefix = f"/{segment}" if segment else ""
        for path, build in PAGES.items():
            handlers.append(_handler(reader, clock, language, f"{prefix}{path}".rstrip("/") or "/", build))

    def problem(request: Request[Any, Any, Any], error: Problem) -> Response[bytes]:
        return problem_page(request, error, (reader,))

    return Router(f"/{reader.ledger.path}", route_handlers=handlers, exception_handlers={Problem: problem})


def _handler(reader: Reader, clock: Clock, language: str, path: str, build: Page) -> HTTPRouteHandler:
    @get(path, include_in_schema=False, sync_to_thread=True)
    def show(request: Request[Any, Any, Any]) -> Response[bytes]:
        query = dict(request.query_params)
        if any(len(name) + len(value) > MAX_QUERY for name, value in query.items()):
            raise Problem(404, "There is no such page.")
        place = place_of(request, (reader,))
        view = reader.asked(query.get("at") or None, query.get("as_of") or None)
        say = Phrasing(language, reader.ledger.offset_minutes)
        return build(Reading(reader, view, place, say, query, clock()))

    return show


def place_of(request: Request[Any, Any, Any], readers: Sequence[Reader]) -> Place:
    """Where a request stands; outside of every ledger its `ledger` is empty."""
    parts = [part for part in request.url.path.split("/") if part]
    base = str(request.base_url).rstrip("/")
    ledger = parts.pop(0) if parts and parts[0] in {reader.ledger.path for reader in readers} else ""
    language = next((one for one, segment in site.SEGMENTS.items() if segment and parts[:1] == [segment]), None)
    if language:
        parts.pop(0)
    keep = tuple(
        (name, value)
        for name in ("at", "as_of")
        if (value := request.query_params.get(name)) and len(value) <= MAX_QUERY
    )
    return Place(base, ledger, language or DEFAULT_LANGUAGE, tuple(parts), keep)


def front(readers: Sequence[Reader], clock: Clock = now) -> list[HTTPRouteHandler]:
    """`/`, which leads to the ledger, or lists them where there are several; and the static files."""

    def ledgers(language: str) -> Response[bytes]:
        place = Place("", "", language)
        say = Phrasing(language)
        found = [
            {
                "href": f"/{reader.ledger.path}/{site.SEGMENTS[language]}",
                "origin": reader.ledger.origin,
                "title": next((plan.title for _, plan in reader.at().records.scan(PlanState)), reader.ledger.origin),
                "size": reader.newest,
                "purpose": reader.ledger.purpose,
            }
            for reader in readers
        ]
        return site.page("ledgers.html", place, say, view=None, purpose="", ledgers=found)

    handlers: list[HTTPRouteHandler] = []
    for language, segment in site.SEGMENTS.items():

        @get(f"/{segment}", include_in_schema=False, sync_to_thread=True)
        def lead(language: str = language, segment: str = segment) -> Response[bytes]:
            if len(readers) == 1:
                return redirect("/".join(part for part in ("", readers[0].ledger.path, segment) if part) + "/")
            return ledgers(language)

        handlers.append(lead)

    @get("/static/{name:str}", include_in_schema=False, sync_to_thread=False)
    def static(name: str) -> Response[bytes]:
        found = site.asset_answer(name)
        if found is None:
            raise Problem(404, "There is no such file.")
        return found

    return [*handlers, static]


# --- what cannot be shown --------------------------------------------------------------------------------------------

EXPLANATIONS: Mapping[int, tuple[str, str]] = {
    400: (msg("The address could not be understood"), msg("A part of the address is not what this page expects.")),
    404: (
        msg("There is no such page"),
        msg("The address leads to nothing in this record. Nothing is ever removed from it: look at how it is written."),
    ),
    405: (msg("That cannot be done here"), msg("This address is only for reading.")),
    500: (
        msg("The server failed"),
        msg("The fault is ours and was noted. What is registered is safe; please try again in a moment."),
    ),
    503: (
        msg("The record is not ready yet"),
        msg("The server is reading the ledger. Please try again in a moment."),
    ),
}

# What programs ask for: an error there is problem+json whatever the caller says it accepts.
NOT_PAGES = frozenset(
    {"api", "statements", "receipts", "tile", "checkpoints", "contents", "schema", "healthz", "readyz", "metrics"}
)


def error_page(request: Request[Any, Any, Any], problem: Problem, readers: Sequence[Reader]) -> Response[bytes] | None:
    """A problem as a page, if a person asked for one: a browser, at an address that is no program's. Else None."""
    place = place_of(request, readers)
    if "text/html" not in request.headers.get("accept", "") or request.method not in ("GET", "HEAD"):
        return None
    return None if NOT_PAGES & set(place.segments[:1]) else problem_page(request, problem, readers)


def problem_page(request: Request[Any, Any, Any], problem: Problem, readers: Sequence[Reader]) -> Response[bytes]:
    """A problem as a page, in the language of its address."""
    place = msgspec.structs.replace(place_of(request, readers), keep=())
    reader = next((one for one in readers if one.ledger.path == place.ledger), None)
    say = Phrasing(place.language, reader.ledger.offset_minutes if reader else 0)
    heading, explanation = EXPLANATIONS.get(problem.status, EXPLANATIONS[400 if problem.status < 500 else 500])
    return site.page(
        "error.html",
        place,
        say,
        problem.status,
        sections(say, None) if reader else (),
        view=None,
        purpose=reader.ledger.purpose if reader else "",
        number=problem.status,
        heading=say.words.gettext(heading),
        explanation=say.words.gettext(explanation),
    )

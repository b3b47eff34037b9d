"""What the record of a plan shows to be at odds: findings by rule, each in a sentence with its proofs.

The findings are computed (`projections/anomalies.py`); here they get their words. A sentence is a message of the
catalogue, with names, figures and dates filled in; commitments in it are links.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from litestar import Response
from markupsafe import Markup

from api.anomalies import findings_of
from api.names import msg
from api.page_reports import claim_words
from api.phrasing import folded, plain, shown
from api.problems import Problem
from api.reading import LIST_PAGE, Reading, answer, code_of, lower, pages_of
from ledger.vocabulary import commitment_of
from projections.anomalies import FIELDS, RULES, Anomaly, Scene, TextUse, meeting_days, texts_in
from projections.commitments import Commitment, Day, Indicator, PlanState
from projections.evidence import Situation
from projections.reports import ClaimChecked, Report
from projections.reuse import passages, shared_words, words_of

SHOWN = 8
"""Cases of a rule on the page of all rules; the page of one rule has them all."""

PROOFS = 6
"""Proofs beside a case; the others are behind a fold."""

# Each rule: what it is called, and why it matters.
RULE_NAMES: Mapping[str, tuple[str, str]] = {
    "report/count": (
        msg("A published figure that the record does not give"),
        msg("Whoever reads only the report believes a figure that the statements behind it, added up, do not support."),
    ),
    "report/share": (
        msg("A printed share that does not follow from its own figures"),
        msg("Both figures stand in the same report: one of them is wrong, or was cut instead of rounded."),
    ),
    "date/after-report": (
        msg("Complete before its own completion date"),
        msg("A report cannot know that something is complete which by its own date was to end later."),
    ),
    "date/not-yet": (
        msg("Complete, with a completion date that has not come yet"),
        msg("Either the date or the level is wrong, and a reader cannot tell which."),
    ),
    "date/evidence-later": (
        msg("Evidence that is later than the completion date"),
        msg("If the work went on, the date is wrong; if it did not, the evidence shows something else."),
    ),
    "open/mechanism": (
        msg("Complete, and one of its mechanisms is not"),
        msg("A commitment is complete when each of its mechanisms is."),
    ),
    "open/share": (
        msg("Complete, with a share below its whole"),
        msg("The share itself says that something is left."),
    ),
    "open/figure": (
        msg("Complete, with a figure below its whole"),
        msg("The figure may measure something else than what was promised; somebody should say so."),
    ),
    "open/steps": (
        msg("Complete, with next steps still set"),
        msg("What is complete leaves nothing to do. Steps may be upkeep, or the part that is missing: read them."),
    ),
    "evidence/none": (
        msg("No evidence for what is reported done"),
        msg("Nobody can check a level of which nothing can be seen."),
    ),
    "evidence/only-own-page": (
        msg("The tracker's own pages are the only evidence"),
        msg("A page of whoever reports repeats the report; it does not prove it."),
    ),
    "evidence/only-home-page": (
        msg("The first page of a site is the only evidence"),
        msg("What a first page shows changes at any time, and it shows nothing in particular."),
    ),
    "evidence/before-plan": (
        msg("Evidence that is older than the plan"),
        msg("What was there before the plan cannot be a result of it."),
    ),
    "evidence/shared": (
        msg("One piece of evidence for several commitments"),
        msg("It may serve each of them; as long as nobody says what each takes from it, it cannot be read as proof."),
    ),
    "text/repeated": (
        msg("The same text in several commitments"),
        msg("Different promises with the same words cannot be told apart, nor checked one by one."),
    ),
    "self-assessed": (
        msg("Whoever coordinates the plan also reports on itself"),
        msg("The body that collects and publishes the levels is the one that they are about."),
    ),
    "missing/mechanisms": (
        msg("No compliance mechanism"),
        msg("Without a mechanism nobody has said by what one would see that the promise was kept."),
    ),
    "missing/means": (
        msg("Mechanisms without means, goal or day"),
        msg("What would prove it, how much is enough and by when: without the three, a mechanism cannot be verified."),
    ),
    "missing/date": (
        msg("No completion date"),
        msg("What has no date is never late."),
    ),
    "date/moved": (
        msg("Completion dates that were moved"),
        msg("Moving a date is no fault, and each has a reason on the record; together they show how the plan slides."),
    ),
    "silence/meetings": (
        msg("Months without a meeting"),
        msg("The plan's own process asks for meetings every month."),
    ),
    "silence/institution": (
        msg("An institution that says nothing"),
        msg("A commitment of which nobody speaks for so long is followed by nobody."),
    ),
    "unanswered/comments": (
        msg("Comments without an answer"),
        msg("Whoever was asked for an opinion is owed a reasoned answer."),
    ),
    "unanswered/dispute": (
        msg("Disputes without an answer"),
        msg("An objection to evidence that nobody answers lowers its grade."),
    ),
    "unanswered/request": (
        msg("Requests for evidence without an answer"),
        msg("An assessor asked by a day, and nothing came."),
    ),
    "unanswered/advice": (
        msg("Recommendations without an answer"),
        msg("Advice may be declined, but not passed over in silence."),
    ),
}

FIELD_NAMES: Mapping[str, str] = {
    "title": msg("title"),
    "objective": msg("objective"),
    "description": msg("description"),
    "problem": msg("problem"),
    "relevance": msg("relevance"),
    "ambition": msg("ambition"),
    "further": msg("further information"),
    "reason": msg("reported results"),
}

# --- the page ---------------------------------------------------------------------------------------------------------


def plan_of(reading: Reading) -> PlanState:
    """The plan that the address names. Raises Problem (404)."""
    plan = reading.view.records.get(PlanState, reading.place.segments[1])
    if plan is None:
        raise Problem(404, "There is no such plan.")
    return plan


def anomalies_page(reading: Reading) -> Response[bytes]:
    """Every finding by rule: what it is called, why it matters, how many there are, each with its proofs."""
    plan = plan_of(reading)
    day = reading.view.day
    found = findings_of(reading.view, plan.plan)
    bodies = Counter([body for one in found for body in one.institutions])
    chosen = {"regla": reading.choice("regla", RULES), "institucion": reading.choice("institucion", tuple(bodies))}
    fitting = [
        one
        for one in found
        if chosen["regla"] in ("", one.rule)
        and (not chosen["institucion"] or chosen["institucion"] in one.institutions)
    ]
    every, counts = Counter([one.rule for one in found]), Counter([one.rule for one in fitting])
    pages = pages_of(reading, len(fitting), LIST_PAGE, **chosen) if chosen["regla"] else None
    words = _Words(reading, plan)
    method = Situation(reading.view.records, plan.plan, day).methodology
    return answer(
        reading,
        "anomalies.html",
        filters=chosen,
        plan={"id": plan.plan, "title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", plan.plan)},
        day=reading.say.day(day),
        total=len(found),
        rules_found=len({one.rule for one in found}),
        methodology=method.version if method else 0,
        chosen=chosen,
        fitting=len(fitting),
        pages=pages,
        bars=_bars(reading, plan, every),
        rules=[
            {"code": rule, "name": rule_name(reading, rule), "count": counts[rule]} for rule in RULES if counts[rule]
        ],
        groups=[
            _group(reading, words, rule, [one for one in fitting if one.rule == rule], pages)
            for rule in RULES
            if counts[rule]
        ],
        quiet=[rule_name(reading, rule) for rule in RULES if not every[rule]],
        institutions=[
            {"slug": body, "name": reading.actor(body), "count": bodies[body]}
            for body in sorted(bodies, key=lambda body: folded(reading.actor(body)))
        ],
        calendar=calendar_of(reading, plan, day),
        json_href=reading.place.raw("api", "plans", plan.plan, "anomalies"),
    )


def rule_name(reading: Reading, rule: str) -> str:
    """What a rule is called."""
    return reading.text(RULE_NAMES[rule][0])


def anchor_of(rule: str) -> str:
    """Where a rule stands on the page."""
    return rule.replace("/", "-")


def _bars(reading: Reading, plan: PlanState, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """The picture: how many findings each rule has."""
    most = max(counts.values(), default=1)
    return [
        {
            "name": rule_name(reading, rule),
            "href": reading.place.to("planes", plan.plan, "hallazgos", regla=rule),
            "count": counts[rule],
            "width": 1_000 * counts[rule] // most,
        }
        for rule in RULES
        if counts[rule]
    ]


def _group(reading: Reading, words: "_Words", rule: str, cases: Sequence[Anomaly], pages: Any) -> dict[str, Any]:
    """A rule and its cases; of one that is shown alone, those of the page that is asked for."""
    told = cases[pages.start : pages.stop] if pages else cases[:SHOWN]
    return {
        "code": rule,
        "anchor": anchor_of(rule),
        "name": rule_name(reading, rule),
        "why": reading.text(RULE_NAMES[rule][1]),
        "count": len(cases),
        "cases": [words.case(one) for one in told],
        "more": None
        if pages or len(cases) == len(told)
        else reading.place.to(*reading.place.segments, **_query(reading, rule)),
    }


def told_by_rule(reading: Reading, plan: PlanState) -> list[dict[str, Any]]:
    """Every finding of a plan by rule, each as a sentence with its proofs: what the paper says of them."""
    words = _Words(reading, plan)
    cases: dict[str, list[Anomaly]] = {}
    for one in findings_of(reading.view, plan.plan):
        cases.setdefault(one.rule, []).append(one)
    return [
        {
            "name": rule_name(reading, rule),
            "why": reading.text(RULE_NAMES[rule][1]),
            "cases": [words.case(one) for one in found],
        }
        for rule, found in cases.items()
    ]


def _query(reading: Reading, rule: str) -> dict[str, str]:
    institution = reading.query.get("institucion", "")
    return {"regla": rule, **({"institucion": institution} if institution else {})}


def calendar_of(reading: Reading, plan: PlanState, day: str) -> dict[str, Any] | None:
    """The meetings month by month, from the plan's first year or the first meeting to the last; None without any."""
    scene = Scene(reading.view.records, plan, reading.view.size, day)
    days = meeting_days(scene)
    if not days:
        return None
    months = Counter([(held.year, held.month) for first, _, _ in days for held in [date.fromordinal(first)]])
    starts = scene.situation.starts or days[0][0]
    first, last = date.fromordinal(min(starts, days[0][0])), date.fromordinal(days[-1][0])
    inside = (date.fromordinal(starts).year, date.fromordinal(starts).month)
    rows = [
        {
            "year": year,
            "cells": [
                {
                    "count": months[year, month],
                    "without": inside <= (year, month) <= (last.year, last.month) and not months[year, month],
                }
                for month in range(1, 13)
            ],
        }
        for year in range(first.year, last.year + 1)
    ]
    return {"rows": rows, "months": reading.say.months(), "meetings": len(days), "href": reading.place.to("reuniones")}


# --- words ------------------------------------------------------------------------------------------------------------


class _Words:
    """How findings of a plan are told in the reader's language."""

    def __init__(self, reading: Reading, plan: PlanState) -> None:
        self.reading = reading
        self.plan = plan

    def case(self, one: Anomaly) -> dict[str, Any]:
        """A finding: its sentence, whose it is, its proofs."""
        return {
            "sentence": _SENTENCES[one.rule](self, one),
            "institutions": one.institutions,
            "proofs": one.entries[:PROOFS],
            "others": one.entries[PROOFS:],
            "title": self.title(one.commitments[0]) if len(one.commitments) == 1 else "",
        }

    def text(self, message: str, **words: object) -> Markup:
        """A message with words filled in; those that are no markup are escaped."""
        return Markup(self.reading.say.words.gettext(message)) % words

    def texts(self, singular: str, plural: str, n: int, **words: object) -> Markup:
        """The same in the plural form that `n` asks for."""
        return Markup(self.reading.say.words.ngettext(singular, plural, n)) % {"num": self.number(n), **words}

    def number(self, value: int) -> str:
        """A number as the country writes it."""
        return self.reading.say.number(value)

    def date(self, day: Day) -> str:
        """A date, as precise as it was said."""
        return self.reading.say.date(day)

    def link(self, subject: str) -> Markup:
        """A commitment, or a mechanism of one, as a link with its code."""
        name = code_of(subject)
        return Markup('<a href="{}">{}</a>').format(self.reading.to_commitment(subject), name)

    def listed(self, parts: Sequence[Markup | str]) -> Markup:
        """a, b and c, each of them markup or escaped."""
        marks = [f"\ue100{place}\ue101" for place in range(len(parts))]
        whole = Markup.escape(self.reading.say.listed(marks))
        for mark, part in zip(marks, parts, strict=True):
            whole = whole.replace(mark, Markup.escape(part))
        return whole

    def links(self, commitments: Iterable[str]) -> Markup:
        """Commitments as a list in a sentence."""
        return self.listed([self.link(one) for one in commitments])

    def title(self, commitment: str) -> Markup | str:
        """The title of a commitment, as it was signed."""
        found = self.reading.view.records.get(Commitment, commitment)
        return shown(found.title, found.lang) if found else ""

    def level(self, code: str) -> str:
        """A level inside a sentence."""
        return lower(self.reading, code)

    def report(self, one: Anomaly) -> tuple[Markup, Report | None]:
        """A report as a link, and its record."""
        name, _, version = one.subject.rpartition("/")
        found = self.reading.view.records.get(Report, f"{name}/{int(version):04d}")
        title = shown(found.title, found.lang) if found else one.subject
        href = self.reading.place.to("informes", name, version)
        return Markup('<a href="{}">{}</a>').format(href, title), found

    def uses(self, uses: Iterable[TextUse]) -> Markup:
        """Texts: whose and which field."""
        words = self.reading.say.words
        return self.listed(
            [
                Markup("{}&nbsp;({})").format(self.link(use.subject), words.gettext(FIELD_NAMES[use.field]))
                for use in uses
            ]
        )

    def beside(self, one: TextUse, other: TextUse) -> str:
        """Where two texts stand side by side."""
        plan = self.plan.plan
        return self.reading.place.to("planes", plan, "hallazgos", _name_of(one), _name_of(other))


def _name_of(use: TextUse) -> str:
    """A text in an address: C8-reason, C8.M1-reason."""
    return f"{code_of(use.subject)}-{use.field}"


def _count(words: _Words, one: Anomaly) -> Markup:
    report, _ = words.report(one)
    claim = ClaimChecked(
        measure=one.codes["measure"],
        level=one.codes.get("level", ""),
        proposer=one.codes.get("proposer", ""),
        round=one.codes.get("round", ""),
        institution=one.institutions[0] if one.institutions else "",
        claimed=one.figures["claimed"],
        computed=one.figures["computed"],
        out_of=one.figures.get("out_of"),
        difference=one.figures["claimed"] - one.figures["computed"],
        verdict="differs",
    )
    told = claim_words(words.reading, claim)
    return words.text(
        "%(label)s: %(report)s claims %(claimed)s, and the record gives %(computed)s (difference %(difference)s).",
        label=told["label"],
        report=report,
        claimed=told["claimed"],
        computed=told["computed"],
        difference=told["difference"],
    )


def _share(words: _Words, one: Anomaly) -> Markup:
    share, figures = words.reading.say.share, one.figures
    filled: dict[str, object] = {
        "report": words.report(one)[0],
        "claimed": share(figures["claimed"]),
        "count": words.number(figures["count"]),
        "out_of": words.number(figures["out_of"]),
        "computed": share(figures["computed"]),
        "level": words.level(one.codes["level"]),
    }
    if one.codes["how"] == "truncated":
        return words.text(
            "%(report)s prints %(claimed)s for its %(count)s of %(out_of)s commitments at «%(level)s», which is "
            "%(computed)s: the share was cut, not rounded.",
            **filled,
        )
    return words.text(
        "%(report)s prints %(claimed)s for its %(count)s of %(out_of)s commitments at «%(level)s», which is "
        "%(computed)s.",
        **filled,
    )


def _after_report(words: _Words, one: Anomaly) -> Markup:
    return words.text(
        "%(commitment)s is reported complete. Its completion date, %(date)s, comes after the report that says so: "
        "%(report)s, of %(day)s.",
        commitment=words.link(one.commitments[0]),
        date=words.date(one.dates["date"]),
        report=words.report(one)[0],
        day=words.date(one.dates["report"]),
    )


def _not_yet(words: _Words, one: Anomaly) -> Markup:
    return words.texts(
        "%(commitment)s is reported complete. Its completion date, %(date)s, is %(num)s day ahead.",
        "%(commitment)s is reported complete. Its completion date, %(date)s, is %(num)s days ahead.",
        one.figures["days"],
        commitment=words.link(one.commitments[0]),
        date=words.date(one.dates["date"]),
    )


def _evidence_later(words: _Words, one: Anomaly) -> Markup:
    return words.texts(
        "%(commitment)s is reported complete with date %(date)s. Its newest evidence is of %(evidence)s: %(num)s day "
        "later.",
        "%(commitment)s is reported complete with date %(date)s. Its newest evidence is of %(evidence)s: %(num)s days "
        "later.",
        one.figures["days"],
        commitment=words.link(one.commitments[0]),
        date=words.date(one.dates["date"]),
        evidence=words.date(one.dates["evidence"]),
    )


def _open_mechanism(words: _Words, one: Anomaly) -> Markup:
    return words.text(
        "%(commitment)s is reported complete. Its mechanism %(mechanism)s is reported «%(level)s».",
        commitment=words.link(one.commitments[0]),
        mechanism=code_of(one.subject),
        level=words.level(one.codes["level"]),
    )


def _open_share(words: _Words, one: Anomaly) -> Markup:
    return words.text(
        "%(subject)s is reported complete with %(value)s of %(out_of)s.",
        subject=words.link(one.subject or one.commitments[0]),
        value=words.number(one.figures["value"]),
        out_of=words.number(one.figures["out_of"]),
    )


def _open_figure(words: _Words, one: Anomaly) -> Markup:
    found = words.reading.view.records.get(Indicator, one.subject)
    decimals = one.figures["decimals"]
    say = words.reading.say
    return words.text(
        "%(commitment)s is reported complete. Its figure «%(figure)s» stands at %(value)s of %(out_of)s (%(share)s).",
        commitment=words.link(one.commitments[0]),
        figure=shown(found.title, found.lang) if found else one.subject,
        value=say.decimal(one.figures["value"], decimals),
        out_of=say.decimal(one.figures["out_of"], decimals),
        share=say.share(10_000 * one.figures["value"] // one.figures["out_of"]),
    )


def _open_steps(words: _Words, one: Anomaly) -> Markup:
    return words.texts(
        "%(commitment)s is reported complete, and %(num)s next step is set.",
        "%(commitment)s is reported complete, and %(num)s next steps are set.",
        one.figures["steps"],
        commitment=words.link(one.commitments[0]),
    )


def _no_evidence(words: _Words, one: Anomaly) -> Markup:
    return words.text(
        "%(commitment)s is reported «%(level)s», and no evidence is linked for it.",
        commitment=words.link(one.commitments[0]),
        level=words.level(one.codes["level"]),
    )


def _only_own(words: _Words, one: Anomaly) -> Markup:
    return words.texts(
        "The only link of %(commitment)s leads to the tracker itself.",
        "The %(num)s links of %(commitment)s all lead to the tracker itself.",
        one.figures["links"],
        commitment=words.link(one.commitments[0]),
    )


def _only_home(words: _Words, one: Anomaly) -> Markup:
    return words.texts(
        "The only link of %(commitment)s leads to the first page of a site.",
        "The %(num)s links of %(commitment)s all lead to first pages of sites, or to the tracker itself.",
        one.figures["links"],
        commitment=words.link(one.commitments[0]),
    )


def _before_plan(words: _Words, one: Anomaly) -> Markup:
    return words.texts(
        "%(num)s of the %(of)s links of %(commitment)s is dated before the plan began (%(starts)s): of %(newest)s.",
        "%(num)s of the %(of)s links of %(commitment)s are dated before the plan began (%(starts)s); the newest of "
        "them is of %(newest)s.",
        one.figures["links"],
        of=words.number(one.figures["of"]),
        commitment=words.link(one.commitments[0]),
        starts=words.date(one.dates["starts"]),
        newest=words.date(one.dates["newest"]),
    )


def _shared(words: _Words, one: Anomaly) -> Markup:
    commitments = words.links(one.commitments)
    if one.codes["by"] == "bytes":
        return words.text(
            "%(commitments)s give the same file as evidence, whatever its address: %(what)s",
            commitments=commitments,
            what=shown(one.subject),
        )
    return words.text(
        "%(commitments)s give the same address as evidence: %(what)s", commitments=commitments, what=shown(one.subject)
    )


def _text(words: _Words, one: Anomaly) -> Markup:
    shorter = [use for use in one.texts if use.wording == 0]
    longer = [use for use in one.texts if use.wording == 1]
    first, second = shorter[0], (longer or shorter[1:])[0]
    beside = Markup(' <a href="{}">{}</a>').format(
        words.beside(first, second), words.reading.text("Read them side by side")
    )
    if not longer:
        sentence = words.texts(
            "%(texts)s have the same text of %(num)s word.",
            "%(texts)s have the same text of %(num)s words.",
            one.figures["words"],
            texts=words.uses(shorter),
        )
    elif one.figures["bp"] == 10_000:
        sentence = words.texts(
            "All that %(shorter)s says is also in %(longer)s: %(num)s word.",
            "All that %(shorter)s says is also in %(longer)s: %(num)s words.",
            one.figures["words"],
            shorter=words.uses(shorter),
            longer=words.uses(longer),
        )
    else:
        sentence = words.texts(
            "%(share)s of %(shorter)s is also in %(longer)s: %(num)s word.",
            "%(share)s of %(shorter)s is also in %(longer)s: %(num)s words.",
            one.figures["words"],
            share=words.reading.say.share(one.figures["bp"]),
            shorter=words.uses(shorter),
            longer=words.uses(longer),
        )
    return sentence + beside


def _self_assessed(words: _Words, one: Anomaly) -> Markup:
    figures = one.figures
    return words.text(
        "%(body)s coordinates the plan and answers for %(commitments)s of its %(of)s commitments. Of its own it "
        "reports %(complete)s complete, %(substantial)s substantial, %(limited)s limited, %(not_started)s not started.",
        body=shown(words.reading.actor(one.institutions[0])),
        **{name: words.number(figures[name]) for name in ("commitments", "of", "complete", "substantial", "limited")},
        not_started=words.number(figures["not_started"]),
    )


def _no_mechanisms(words: _Words, one: Anomaly) -> Markup:
    return words.text("%(commitment)s has no compliance mechanism.", commitment=words.link(one.commitments[0]))


def _no_means(words: _Words, one: Anomaly) -> Markup:
    return words.texts(
        "The mechanism of %(commitment)s: without means of verification %(means)s, without a goal %(goal)s, without a "
        "day %(due)s.",
        "Of the %(num)s mechanisms of %(commitment)s, %(means)s have no means of verification, %(goal)s no goal and "
        "%(due)s no day.",
        one.figures["mechanisms"],
        commitment=words.link(one.commitments[0]),
        **{name: words.number(one.figures[name]) for name in ("means", "goal", "due")},
    )


def _no_date(words: _Words, one: Anomaly) -> Markup:
    commitment = words.link(one.commitments[0])
    if one.codes["stated"] == "words":
        return words.text("What stands as the completion date of %(commitment)s names no day.", commitment=commitment)
    return words.text("%(commitment)s has no completion date.", commitment=commitment)


def _moved(words: _Words, one: Anomaly) -> Markup:
    days = one.figures["days"]
    filled: dict[str, object] = {
        "subject": words.link(one.subject or one.commitments[0]),
        "first": words.date(one.dates["first"]),
        "last": words.date(one.dates["last"]),
        "days": ("+" if days > 0 else "\N{MINUS SIGN}" if days < 0 else "") + words.number(abs(days)),
    }
    return words.texts(
        "The completion date of %(subject)s was moved once, from %(first)s to %(last)s (days: %(days)s).",
        "The completion date of %(subject)s was moved %(num)s times, from %(first)s to %(last)s (days: %(days)s).",
        one.figures["moves"],
        **filled,
    )


def _no_meetings(words: _Words, one: Anomaly) -> Markup:
    filled: dict[str, object] = {
        "first": words.date(one.dates["from"]),
        "last": words.date(one.dates["to"]),
        "days": words.reading.texts("%(num)s day", "%(num)s days", one.figures["days"]),
    }
    months = one.figures["months"]
    if "before" not in one.codes:
        return words.texts(
            "From the beginning of the plan, %(first)s, to %(last)s nobody met: %(days)s, %(num)s whole month without "
            "a meeting.",
            "From the beginning of the plan, %(first)s, to %(last)s nobody met: %(days)s, %(num)s whole months "
            "without a meeting.",
            months,
            **filled,
        )
    if "after" not in one.codes:
        return words.texts(
            "After the meeting of %(first)s the record has no other up to %(last)s: %(days)s, %(num)s whole month "
            "without a meeting.",
            "After the meeting of %(first)s the record has no other up to %(last)s: %(days)s, %(num)s whole months "
            "without a meeting.",
            months,
            **filled,
        )
    return words.texts(
        "Between the meetings of %(first)s and %(last)s lie %(days)s, %(num)s whole month without a meeting.",
        "Between the meetings of %(first)s and %(last)s lie %(days)s, %(num)s whole months without a meeting.",
        months,
        **filled,
    )


def _silent(words: _Words, one: Anomaly) -> Markup:
    filled: dict[str, object] = {
        "body": shown(words.reading.actor(one.institutions[0])),
        "first": words.date(one.dates["from"]),
        "last": words.date(one.dates["to"]),
        "allowed": words.number(one.figures["allowed"]),
    }
    return words.texts(
        "%(body)s signed nothing from %(first)s to %(last)s: %(num)s day. The methodology allows %(allowed)s.",
        "%(body)s signed nothing from %(first)s to %(last)s: %(num)s days. The methodology allows %(allowed)s.",
        one.figures["days"],
        **filled,
    )


def _no_answers(words: _Words, one: Anomaly) -> Markup:
    href = words.reading.place.to("consultas", one.subject, estado="unanswered", orden="oldest")
    filled: dict[str, object] = {
        "unanswered": words.number(one.figures["unanswered"]),
        "received": words.number(one.figures["received"]),
        "round": Markup('<a href="{}#resultados">{}</a>').format(href, plain(one.subject)),
        "due": words.date(one.dates["due"]),
        "closed": words.date(one.dates["closed"]),
    }
    if one.codes["promised"] == "yes":
        return words.text(
            "%(unanswered)s of the %(received)s comments of the consultation %(round)s have no answer; answers were "
            "promised by %(due)s.",
            **filled,
        )
    return words.text(
        "%(unanswered)s of the %(received)s comments of the consultation %(round)s have no answer. It closed on "
        "%(closed)s and names no day for answers.",
        **filled,
    )


def _no_reply_to_dispute(words: _Words, one: Anomaly) -> Markup:
    return words.texts(
        "A dispute of evidence for %(commitment)s has had no answer for %(num)s day (the methodology allows "
        "%(allowed)s).",
        "A dispute of evidence for %(commitment)s has had no answer for %(num)s days (the methodology allows "
        "%(allowed)s).",
        one.figures["days"],
        commitment=words.link(one.commitments[0]),
        allowed=words.number(one.figures["allowed"]),
    )


def _no_reply_to_request(words: _Words, one: Anomaly) -> Markup:
    return words.texts(
        "Evidence for %(mechanism)s was asked of %(body)s by %(due)s: nothing has come, %(num)s day later.",
        "Evidence for %(mechanism)s was asked of %(body)s by %(due)s: nothing has come, %(num)s days later.",
        one.figures["days"],
        mechanism=words.link(one.subject),
        body=shown(words.reading.actor(one.institutions[0])),
        due=words.date(one.dates["due"]),
    )


def _no_reply_to_advice(words: _Words, one: Anomaly) -> Markup:
    return words.texts(
        "A recommendation has had no answer for %(num)s day.",
        "A recommendation has had no answer for %(num)s days.",
        one.figures["days"],
    )


_SENTENCES = {
    "report/count": _count,
    "report/share": _share,
    "date/after-report": _after_report,
    "date/not-yet": _not_yet,
    "date/evidence-later": _evidence_later,
    "open/mechanism": _open_mechanism,
    "open/share": _open_share,
    "open/figure": _open_figure,
    "open/steps": _open_steps,
    "evidence/none": _no_evidence,
    "evidence/only-own-page": _only_own,
    "evidence/only-home-page": _only_home,
    "evidence/before-plan": _before_plan,
    "evidence/shared": _shared,
    "text/repeated": _text,
    "self-assessed": _self_assessed,
    "missing/mechanisms": _no_mechanisms,
    "missing/means": _no_means,
    "missing/date": _no_date,
    "date/moved": _moved,
    "silence/meetings": _no_meetings,
    "silence/institution": _silent,
    "unanswered/comments": _no_answers,
    "unanswered/dispute": _no_reply_to_dispute,
    "unanswered/request": _no_reply_to_request,
    "unanswered/advice": _no_reply_to_advice,
}

# --- two texts side by side -------------------------------------------------------------------------------------------


def texts_page(reading: Reading) -> Response[bytes]:
    """Two texts of a plan beside each other, with the passages that both have marked."""
    plan = plan_of(reading)
    scene = Scene(reading.view.records, plan, reading.view.size, reading.view.day)
    texts = texts_in(scene)
    names = [_use_of(plan.plan, name) for name in reading.place.segments[3:5]]
    if any(name not in texts for name in names) or names[0] == names[1]:
        raise Problem(404, "There are no such texts in the plan.")
    (one, _), (other, _) = texts[names[0]], texts[names[1]]
    return answer(
        reading,
        "repeated.html",
        plan={"title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", plan.plan)},
        back=reading.place.to("planes", plan.plan, "hallazgos", regla="text/repeated"),
        words=shared_words(one, other),
        sides=[_side(reading, texts, name, against) for name, against in ((names[0], other), (names[1], one))],
    )


def _use_of(plan: str, name: str) -> tuple[str, str]:
    """`C8.M1-reason` -> (gt-2014-2016/C8.M1, reason). Raises Problem (404)."""
    subject, _, field = name.rpartition("-")
    if field not in FIELDS or not subject:
        raise Problem(404, "There are no such texts in the plan.")
    return f"{plan}/{subject}", field


def _side(
    reading: Reading,
    texts: Mapping[tuple[str, str], tuple[str, tuple[int, ...]]],
    name: tuple[str, str],
    other: str,
) -> dict[str, Any]:
    subject, field = name
    text, entries = texts[name]
    commitment = reading.view.records.get(Commitment, commitment_of(subject))
    assert commitment is not None
    return {
        "code": code_of(subject),
        "title": commitment.title,
        "lang": commitment.lang,
        "href": reading.to_commitment(subject),
        "field": reading.text(FIELD_NAMES[field]),
        "pieces": passages(text, other),
        "words": len(words_of(text)),
        "shared": shared_words(text, other),
        "entries": entries,
    }

"""Pages about published reports: each of their figures beside what the record itself adds up to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from litestar import Response

from api.names import LEVELS, msg
from api.phrasing import plain
from api.problems import Problem
from api.reading import MAX_MARKS, Reading, answer, in_order, lower, member_of, statement_at
from projections.commitments import Commitment, Day
from projections.reports import ClaimChecked, Report, Tally

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
                "sentence": tally_sentence(reading, report, claims, differing),
            }
        )
    return tallies


def tally_sentence(
    reading: Reading, report: Report, claims: Sequence[ClaimChecked], differing: Sequence[ClaimChecked]
) -> str:
    """Where a claimed tally and the record part, in plain words: as of the report, and as of now where that changed."""
    now = reported_now(reading, report.plan)
    moved = [claim for claim in claims if claim.computed is not None and claim.computed != now.get(claim.level, 0)]
    if not differing and not moved:
        return reading.text("The report claims what the record counts.")

    def counts(figures: Iterable[tuple[int | None, str]]) -> str:
        return reading.say.listed(
            [
                reading.text("%(count)s %(level)s", count=reading.say.number(count or 0), level=lower(reading, level))
                for count, level in figures
            ]
        )

    claimed = counts((claim.claimed, claim.level) for claim in differing)
    computed = counts((claim.computed, claim.level) for claim in differing)
    if not moved:
        return reading.text(
            "They differ: the report claims %(claimed)s, and the record counts %(computed)s.",
            claimed=claimed,
            computed=computed,
        )
    if differing:
        then = reading.text(
            "They differ: the report claims %(claimed)s, and when it was published the record counted %(computed)s.",
            claimed=claimed,
            computed=computed,
        )
    else:
        then = reading.text("The report claims what the record counted when it was published.")
    today = reading.text(
        "Since then levels have changed: now it counts %(now)s.",
        now=counts((now.get(claim.level, 0), claim.level) for claim in moved),
    )
    return f"{then} {today}"


def reported_now(reading: Reading, plan: str) -> dict[str, int]:
    """How many commitments of a plan are reported at each level, in the state that is read."""
    tally = reading.view.records.get(Tally, plan)
    return {} if tally is None else tally.by_level()


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

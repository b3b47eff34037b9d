"""How the standing of a commitment reads: levels, grades, verdicts, disputes and requests, ready for a template.

A `Telling` is one commitment as the record stands at a view: its standing in all voices (`projections.evidence`), what
puts reasons into words, and the clocks. The page of a commitment and the page of a piece of evidence say the same of
the same thing because both ask here. Nothing is computed twice, and nothing here decides: it names.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from api.names import ASPECTS, msg
from api.phrasing import plain
from api.problems import Problem
from api.reading import Reading, printed_of, statement_at, words_of
from api.reasons import ON_THE_SCALE, explainer, whole_share
from ledger.vocabulary import EvidenceLinked
from projections.commitments import Commitment, LevelSaid, Mechanism
from projections.evidence import (
    Act,
    Clock,
    Coding,
    Dispute,
    Evidence,
    Request,
    Verdict,
    barred_of,
    clock_of,
    number_of,
    request_clock,
)
from projections.grading import ItemGrade, Lens, MechanismStanding, Reason, VerdictStanding, Voice
from projections.records import index_key

# What a page shows beside a grade.
MARKS = {
    "own_page": msg("page of the tracker itself"),
    "home_page": msg("home page"),
    "shared": msg("shared with another commitment"),
    "before_plan": msg("dated before the plan"),
    "questioned": msg("questioned by a citizen"),
    "disputed": msg("disputed"),
    "unanswered": msg("dispute unanswered"),
    "upheld": msg("dispute upheld"),
    "gone": msg("no longer there"),
    "changed": msg("changed since"),
    "aged": msg("overdue"),
    "withdrawn": msg("link withdrawn"),
    "uncaptured": msg("not captured yet"),
}

# How it stands with a verdict.
STATES = {
    "in_force": msg("in force"),
    "suspended": msg("suspended"),
    "lapsed": msg("lapsed"),
    "void": msg("void"),
    "withdrawn": msg("withdrawn"),
    "replaced": msg("replaced"),
}

# What is missing from a mechanism, or what it is.
FLAGS = {
    "recurring": msg("recurs"),
    "no_means": msg("no means of verification"),
    "no_due": msg("no date"),
    "no_goal": msg("no goal"),
    "evidence_newer": msg("evidence newer than the verdict"),
}


def code_of(mechanism: str) -> str:
    """`gt-2014-2016/C8.M2` -> M2; of the implicit mechanism nothing, because nobody defined it."""
    number = number_of(mechanism)
    return f"M{number}" if number else ""


class Telling:
    """One commitment at a view, in words. Raises Problem (404) where there is none."""

    def __init__(self, reading: Reading, commitment: Commitment) -> None:
        self.reading = reading
        self.commitment = commitment
        self.records = reading.view.records
        self.situation = reading.view.situation(commitment.plan)
        found = reading.reader.standing(self.situation, commitment.commitment, reading.view.size)
        if found is None:
            raise Problem(404, "There is no such commitment.")
        self.standing = found
        self.explain = explainer(reading, commitment.plan)
        self.disputes = self._all(Dispute)
        self.requests = self._all(Request)

    def _all(self, kind: Any) -> list[Any]:
        return [one for _, one in self.records.scan(kind, prefix=f"{self.commitment.commitment}/")]

    def reasons(self, reasons: Sequence[Reason]) -> list[dict[str, Any]]:
        """Reasons, each with the sentence of its rule and the entries that fired it."""
        return [self.explain(reason) for reason in reasons]

    # --- the commitment

    def basis(self) -> dict[str, Any]:
        """What the computed level stands on: methodology, day and tree size."""
        adopted = self.situation.methodology
        place = self.reading.place
        return {
            "version": adopted.version if adopted else 0,
            "index": adopted.index if adopted else None,
            "href": place.to("metodologia", adopted.plan, adopted.version) if adopted else place.to("metodologia"),
            "day": self.reading.view.day,
            "size": self.reading.view.size,
        }

    def evidence(self) -> dict[str, Any]:
        """The level by the evidence: combined, and by the records alone."""
        return {
            **self.lens(self.standing.combined),
            "records": self.lens(self.standing.records),
            "reasons": self.reasons(self.standing.reasons),
            "captured": self.commitment.captured,
            "links": self.commitment.evidence,
        }

    def lens(self, lens: Lens) -> dict[str, Any]:
        """A level with its percent, which stands beside it and never decides it."""
        return {"level": lens.level, "percent": self.reading.say.percent(lens.percent)}

    def voice(self, voice: Voice) -> dict[str, Any]:
        """What an assessor finds: a level that it gave, or the one that its verdicts add up to."""
        given = [one for one in self.commitment.assessed if one.index == voice.index and voice.source == "assessed"]
        verdicts = [
            verdict.index
            for mechanism in self.standing.mechanisms
            for verdict in mechanism.verdicts
            if verdict.organisation == voice.organisation and verdict.state not in ("replaced", "withdrawn", "void")
        ]
        return {
            "name": self.reading.actor(voice.organisation),
            "role": voice.role,
            "level": voice.level,
            "source": voice.source,
            "said": said_words(self.reading, given[0]) if given else None,
            "lens": self.lens(voice.lens) if voice.lens is not None else None,
            "verdicts": verdicts,
        }

    # --- mechanisms, their evidence and their verdicts

    def mechanism(self, found: MechanismStanding) -> dict[str, Any]:
        """A mechanism with what it is held to, how far it comes, its evidence and its verdicts."""
        defined = self.records.get(Mechanism, found.mechanism)
        text, say = self.reading.text, self.reading.say
        return {
            "code": code_of(found.mechanism),
            "defined": defined,
            "repeats": repeats_words(self.reading, defined) if defined else "",
            "goal": goal_words(self.reading, defined) if defined else "",
            "weight": whole_share(say, found.weight),
            "claim": found.claim,
            "claim_index": found.claim_index,
            "inherited": found.inherited,
            "best": found.best,
            "reaches": ON_THE_SCALE[found.e],
            "machine": ON_THE_SCALE[found.mach],
            "reasons": self.reasons(found.reasons),
            "flags": [text(FLAGS[flag]) for flag in found.flags if flag != "recurring"],
            "items": [self.item(grade) for grade in found.grades],
            "verdicts": [self.verdict(verdict) for verdict in found.verdicts],
            "requests": [self.request(one) for one in self.requests if one.mechanism == found.mechanism],
        }

    def item(self, grade: ItemGrade) -> dict[str, Any]:
        """A piece of evidence as a list shows it, with its grade for one mechanism and why."""
        evidence = self.records.get(Evidence, index_key(grade.commitment, grade.link))
        assert evidence is not None
        return {
            **item_words(self.reading, evidence),
            "grade": grade.grade,
            "digest": grade.digest,
            "marks": [self.reading.text(MARKS[mark]) for mark in grade.marks],
            "reasons": self.reasons(grade.reasons),
        }

    def verdict(self, verdict: VerdictStanding) -> dict[str, Any]:
        """A verdict, how it stands with it and why, what it says, and the digests that its author read."""
        given = statement_at(self.reading, verdict.index)
        record = self.records.get(Verdict, index_key(verdict.mechanism, verdict.index))
        return {
            "name": self.reading.actor(verdict.organisation),
            "role": verdict.role,
            "level": verdict.level,
            "index": verdict.index,
            "mechanism": code_of(verdict.mechanism),
            "state": verdict.state,
            "state_name": self.reading.text(STATES[verdict.state]),
            "reasons": self.reasons(verdict.reasons),
            "digests": getattr(given, "digests", ()),
            "received_ms": self.reading.view.entry(verdict.index).received_ms,
            "statement": given,
            "identity": record.identity if record else self.reading.view.entry(verdict.index).opened.identity,
        }

    # --- disputes and requests, with their clocks

    def disputes_of(self, link: int) -> list[Dispute]:
        """The disputes of a piece of evidence, as far as they are about this commitment."""
        prefix = f"{index_key(self.commitment.commitment, link)}/"
        return [dispute for _, dispute in self.records.scan(Dispute, prefix=prefix)]

    def independent(self, actor: str) -> bool:
        """Whether a body's word confirms what it did not make itself: it governs nothing here and never did."""
        return self.situation.organisation(actor) not in barred_of(self.situation, self.commitment)

    def dispute(self, dispute: Dispute, link: int) -> dict[str, Any]:
        """A dispute: what is objected and by whom, where it stands, and how many days are left or overdue."""
        reading = self.reading
        clock = clock_of(self.situation, dispute)
        resolution = dispute.resolved.said if dispute.resolved else ""
        return {
            "index": dispute.index,
            "identity": dispute.identity,
            "link": link,
            "href": reading.place.to("evidencia", link),
            "mechanism": code_of(dispute.mechanism),
            "objection": reading.say.name("objection", dispute.objection),
            "who": reading.actor(dispute.actor) if dispute.actor else "",
            "role": dispute.role,
            "received_ms": dispute.received_ms,
            "statement": statement_at(reading, dispute.index),
            "state": clock.state,
            "overdue": clock.days_left is not None and clock.days_left <= 0,
            "sentence": self._dispute_sentence(clock, resolution),
            "screened": self.act(dispute.screened) if dispute.screened else None,
            "answers": [self.act(one) for one in dispute.answers],
            "resolved": self.act(dispute.resolved) if dispute.resolved else None,
            "withdrawn": dispute.withdrawn,
        }

    def _dispute_sentence(self, clock: Clock, resolution: str) -> str:
        reading, left = self.reading, clock.days_left
        if left is not None and left > 0:
            return reading.texts(
                "Admitted; %(num)s day left to answer.", "Admitted; %(num)s days left to answer.", left
            )
        if left is not None:
            return reading.texts(
                "Admitted and unanswered: the time to answer ended %(num)s day ago.",
                "Admitted and unanswered: the time to answer ended %(num)s days ago.",
                -left,
            )
        if clock.state == "resolved":
            return reading.text("Resolved: %(resolution)s.", resolution=reading.say.name("resolution", resolution))
        return reading.text(_OF_A_DISPUTE[clock.state])

    def request(self, request: Request) -> dict[str, Any]:
        """Evidence that was asked for: of whom, by when, and whether anything came."""
        reading = self.reading
        clock = request_clock(self.situation, request)
        left = clock.days_left
        if clock.state == "answered":
            sentence = reading.text("Answered.")
        elif left is None:
            sentence = reading.text("Waiting for an answer.")
        elif left >= 0:
            sentence = reading.texts("%(num)s day left.", "%(num)s days left.", left)
        else:
            sentence = reading.texts("Unanswered, %(num)s day overdue.", "Unanswered, %(num)s days overdue.", -left)
        return {
            "index": request.index,
            "identity": request.identity,
            "mechanism": code_of(request.mechanism),
            "institution": reading.actor(request.institution),
            "who": reading.actor(request.actor),
            "due": request.due,
            "received_ms": request.received_ms,
            "statement": statement_at(reading, request.index),
            "answers": [self.act(one) for one in request.answers],
            "evidence": [{"index": link, "href": reading.place.to("evidencia", link)} for link in request.evidence],
            "overdue": left is not None and left < 0,
            "sentence": sentence,
        }

    def act(self, act: Act) -> dict[str, Any]:
        """What was done about a dispute or a request, and by whom."""
        entry = self.reading.view.entry(act.index)
        return {
            "index": act.index,
            "received_ms": act.received_ms,
            "said": act.said,
            "who": self.reading.say.listed([plain(self.reading.actor(actor)) for actor in act.actors]),
            "statement": entry.opened.statement,
            "identity": entry.opened.identity,
        }

    def codings(self) -> list[dict[str, Any]]:
        """How assessors code the design and the early results, aspect by aspect, with their reasons."""
        reading = self.reading
        found: list[dict[str, Any]] = []
        for coding in sorted(self._all(Coding), key=lambda one: (list(ASPECTS).index(one.aspect), one.index)):
            given = reading.view.entry(coding.index).opened
            words = getattr(given.statement, "words", UNSET)
            found.append(
                {
                    "aspect": reading.say.name("aspect", coding.aspect),
                    "code": reading.say.name("code", coding.code),
                    "who": reading.actor(coding.actor),
                    "role": coding.role,
                    "index": coding.index,
                    "words": words_of(reading, words, given.identity) if words is not UNSET else None,
                    "lang": given.statement.lang,
                }
            )
        return found


_OF_A_DISPUTE = {
    "withdrawn": msg("Withdrawn by whoever made it."),
    "declined": msg("A citizen's, not admitted: it changes nothing."),
    "questioned": msg("A citizen's, waiting for an assessor to admit it or not: it changes nothing until then."),
    "answered": msg("Admitted and answered; waiting to be resolved."),
}


# --- in passing ------------------------------------------------------------------------------------------------------


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
        "confirmed": said.confirmed,
        "share": share,
        "statement": statement_at(reading, said.index),
    }


def item_words(reading: Reading, evidence: Evidence) -> dict[str, Any]:
    """A piece of evidence in passing: what it is called, where it leads, what became of it."""
    statement = statement_at(reading, evidence.index)
    assert isinstance(statement, EvidenceLinked)
    printed = printed_of(statement)
    return {
        "title": evidence.title,
        "url": evidence.url,
        "upload": evidence.upload,
        "lang": evidence.lang,
        "index": evidence.index,
        "href": reading.place.to("evidencia", evidence.index),
        "evidence_type": evidence.evidence_type,
        "captures": evidence.captures,
        "seen": evidence.last_seen,
        "printed": evidence.printed,
        "words": printed.words if printed is not None and printed.words is not UNSET else "",
    }


def repeats_words(reading: Reading, mechanism: Mechanism) -> str:
    """How often a mechanism is to be fulfilled."""
    if mechanism.repeats != "recurring" or not mechanism.period_days:
        return reading.text("Fulfilled once.") if mechanism.repeats == "once" else ""
    return reading.texts("Recurs every %(num)s day.", "Recurs every %(num)s days.", mechanism.period_days)


def goal_words(reading: Reading, mechanism: Mechanism) -> str:
    """The figure that a mechanism is to reach, with its unit."""
    if mechanism.goal is None:
        return ""
    value, decimals, unit = mechanism.goal
    return f"{reading.say.decimal(value, decimals)} {plain(unit)}"

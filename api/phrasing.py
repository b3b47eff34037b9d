"""How the record reads: names, dates, numbers and foreign text, in the reader's language.

Pages ask here for every word that stands for a code of the record (a level, a role, a kind of statement), for days and
times at the ledger's own offset, for numbers as the country writes them, and for texts that others wrote. The last are
hostile until shown otherwise: they are isolated from the direction of the page around them (`<bdi>`), and characters
that cannot be seen, or that turn the reading order, stand there by their number.

`msg` marks a sentence for the catalogues and returns it as it is; it is translated where it is shown.
"""

import datetime
import re
import unicodedata
from collections.abc import Mapping

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.lists import format_list
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from ledger.vocabulary import LEVEL_ORDINAL, Date
from projections.commitments import Day
from projections.words.catalogue import catalogue


def msg(text: str) -> str:
    """Marks a sentence for the catalogues."""
    return text


# Babel's `es` is Spain's (1.234,5): Guatemala writes 1,234.5. Languages that Babel does not know are written so too.
_LOCALES: Mapping[str, str] = {"en": "en"}
_SPANISH_OF_GUATEMALA = "es_GT"

# --- names of codes -----------------------------------------------------------------------------------------

# In the order of the scale, highest first: the order of every tally.
LEVELS: Mapping[str, str] = {
    "complete": msg("Complete"),
    "substantial": msg("Substantial"),
    "limited": msg("Limited"),
    "not_started": msg("Not started"),
    "no_evidence_available": msg("No evidence available"),
}

PROPOSERS: Mapping[str, str] = {
    "government": msg("Proposed by the government"),
    "civil_society": msg("Proposed by civil society"),
}

ROLES: Mapping[str, str] = {
    "registrar": msg("registrar"),
    "coordinator": msg("coordinator"),
    "institution": msg("responsible institution"),
    "assessor": msg("civil-society assessor"),
    "irm": msg("Independent Reporting Mechanism"),
    "citizen": msg("citizen, with a key of their own"),
    "moderator": msg("moderator"),
    "capturer": msg("capturer of evidence"),
    "transcriber": msg("transcriber"),
    "importer": msg("importer, as printed"),
    "holder": msg("holder of the key"),
    "recovery": msg("recovery key"),
}

FORMS: Mapping[str, str] = {
    "institution": msg("public institution"),
    "organisation": msg("organisation"),
    "office": msg("office"),
    "program": msg("computer program"),
}

# The four voices, always in this order, and the public's.
VOICES: Mapping[str, str] = {
    "government": msg("Reports"),
    "civil_society": msg("Observes"),
    "irm": msg("IRM"),
    "evidence": msg("Evidence"),
    "citizen": msg("Public"),
}

GROUNDS: Mapping[str, str] = {
    "personal_data": msg("it contains personal data"),
    "hate": msg("it incites hatred"),
    "threat": msg("it contains a threat"),
    "spam": msg("it is spam"),
    "illegal": msg("the law forbids it"),
    "rights_of_others": msg("it violates the rights of others"),
    "court_order": msg("a court has ordered it"),
    "consent_withdrawn": msg("its author has withdrawn consent"),
    "legal_order": msg("an authority has ordered it"),
}

POSITIONS: Mapping[str, str] = {
    "for": msg("In favour"),
    "against": msg("Against"),
    "neutral": msg("Neutral"),
}

CHANNELS: Mapping[str, str] = {
    "signed": msg("signed by its author"),
    "paper": msg("transcribed from paper"),
    "meeting": msg("transcribed from a meeting"),
    "phone": msg("transcribed from a telephone call"),
    "web_form": msg("received by web form, not signed by its author"),
    "report": msg("transcribed from the report"),
}

DISPOSITIONS: Mapping[str, str] = {
    "accepted": msg("Accepted"),
    "partly": msg("Accepted in part"),
    "rejected": msg("Rejected"),
    "already_done": msg("Already done"),
    "out_of_scope": msg("Out of scope"),
}

CONCERNS: Mapping[str, str] = {
    "plan_draft": msg("Draft of the action plan"),
    "report_draft": msg("Draft of the self-assessment report"),
    "amendment": msg("Amendment of a commitment"),
    "other": msg("Another matter"),
}

MEETING_FORMS: Mapping[str, str] = {
    "committee": msg("Technical committee"),
    "technical": msg("Technical meeting"),
    "irm": msg("Meeting with the IRM"),
    "results": msg("Presentation of results"),
    "work_table": msg("Work table"),
}

REPORT_FORMS: Mapping[str, str] = {
    "self_assessment_midterm": msg("Mid-term self-assessment"),
    "self_assessment_final": msg("Final self-assessment"),
    "irm": msg("IRM report"),
    "shadow": msg("Civil-society report"),
    "round_summary": msg("Summary of a consultation"),
    "other": msg("Another report"),
}

VERDICTS: Mapping[str, str] = {
    "exact": msg("matches the record"),
    "truncated": msg("matches, cut short"),
    "differs": msg("differs from the record"),
    "not_computable": msg("cannot be computed from the record"),
}

EVIDENCE_TYPES: Mapping[str, str] = {
    "document": msg("document"),
    "page": msg("web page"),
    "statistic": msg("statistic"),
    "dataset": msg("dataset"),
    "log": msg("log"),
    "minutes": msg("minutes"),
    "press": msg("press"),
    "law": msg("law"),
    "image": msg("image"),
    "other": msg("other evidence"),
}

OBJECTIONS: Mapping[str, str] = {
    "absent": msg("it is not there"),
    "not_relevant": msg("it does not bear on this"),
    "contradicts": msg("it says the contrary"),
    "not_theirs": msg("it is somebody else's work"),
    "before_plan": msg("it is older than the plan"),
    "altered": msg("it was altered"),
}

SEEN: Mapping[str, str] = {
    "alive": msg("still there, unchanged"),
    "changed": msg("there, but changed"),
    "gone": msg("no longer there"),
    "blocked": msg("access blocked"),
    "unsure": msg("could not be established"),
}

MEDIA: Mapping[str, str] = {
    "press": msg("press"),
    "web": msg("web"),
    "email": msg("e-mail"),
    "radio": msg("radio"),
    "tv": msg("television"),
    "poster": msg("poster"),
    "social": msg("social media"),
    "message": msg("message"),
}

CAUSES: Mapping[str, str] = {
    "retired": msg("retired"),
    "lost": msg("lost"),
    "compromised": msg("compromised"),
}

FUNDINGS: Mapping[str, str] = {
    "funded": msg("funded"),
    "partly_funded": msg("funded in part"),
    "unfunded": msg("not funded"),
}

# One name for each kind of statement, as a past-tense fact.
KIND_NAMES: Mapping[str, str] = {
    "LedgerOpened": msg("Ledger opened"),
    "ActorRegistered": msg("Body registered"),
    "KeyEnrolled": msg("Key enrolled"),
    "KeyRevoked": msg("Key revoked"),
    "RoleGranted": msg("Role granted"),
    "PlanRegistered": msg("Plan registered"),
    "MethodologyAdopted": msg("Methodology adopted"),
    "AxisDefined": msg("Work axis defined"),
    "PlanSubmitted": msg("Plan submitted"),
    "NoticePublished": msg("Notice published"),
    "CommitmentRegistered": msg("Commitment registered"),
    "MechanismDefined": msg("Compliance mechanism defined"),
    "InstrumentCited": msg("Legal instrument cited"),
    "FundingRecorded": msg("Funding recorded"),
    "ContextNoted": msg("Context noted"),
    "OfficeHolderChanged": msg("Change of office recorded"),
    "ActivityRecorded": msg("Activity recorded"),
    "RecommendationMade": msg("Recommendation made"),
    "CompletionReported": msg("Level reported"),
    "CompletionDateSet": msg("Completion date set"),
    "NextStepsSet": msg("Next steps set"),
    "CommitmentReopened": msg("Commitment reopened"),
    "IndicatorDefined": msg("Indicator defined"),
    "IndicatorMeasured": msg("Indicator measured"),
    "ReportPublished": msg("Report published"),
    "EvidenceLinked": msg("Evidence linked"),
    "EvidenceCaptured": msg("Evidence captured"),
    "EvidenceChecked": msg("Evidence checked"),
    "EvidenceDisputed": msg("Evidence disputed"),
    "VerdictGiven": msg("Verdict given"),
    "CompletionAssessed": msg("Level assessed"),
    "RoundOpened": msg("Consultation opened"),
    "DocumentPublished": msg("Consulted document published"),
    "CommentSubmitted": msg("Comment submitted"),
    "CommentTranscribed": msg("Comment transcribed"),
    "ContentWithheld": msg("Content withheld"),
    "MeetingConvened": msg("Meeting convened"),
    "AgendaItemProposed": msg("Agenda item proposed"),
    "AttendanceRecorded": msg("Attendance recorded"),
    "RemarkRecorded": msg("Remark recorded"),
    "MinutesApproved": msg("Minutes approved"),
    "ResponseGiven": msg("Answer given"),
    "StatementConfirmed": msg("Statement confirmed"),
    "StatementWithdrawn": msg("Statement withdrawn"),
}

NAMES: Mapping[str, Mapping[str, str]] = {
    "level": LEVELS,
    "proposer": PROPOSERS,
    "role": ROLES,
    "form": FORMS,
    "voice": VOICES,
    "ground": GROUNDS,
    "position": POSITIONS,
    "channel": CHANNELS,
    "disposition": DISPOSITIONS,
    "concerns": CONCERNS,
    "meeting_form": MEETING_FORMS,
    "report_form": REPORT_FORMS,
    "verdict": VERDICTS,
    "evidence_type": EVIDENCE_TYPES,
    "objection": OBJECTIONS,
    "seen": SEEN,
    "medium": MEDIA,
    "cause": CAUSES,
    "funding": FUNDINGS,
    "kind": KIND_NAMES,
}

# --- texts that others wrote ----------------------------------------------------------------------------------

# Letters and marks that draw nothing, beside the categories below.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# Controls, formats (bidi and zero-width among them), line and paragraph separators, private and unassigned.
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Cs"})
_TAME = re.compile(r"[\n\t -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf]*\Z")


def unseen(character: str) -> bool:
    """Does this character draw nothing, or change the reading order?"""
    if character in "\n\t":
        return False
    return (
        character in _BLANK
        or unicodedata.category(character) in _UNSEEN
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def shown(text: str, lang: str | None = None) -> Markup:
    """A text that somebody else wrote, safe to stand in a sentence of ours.

    It is escaped, isolated in `<bdi>` with the language it is signed in, and every character that cannot be seen stands
    as its number (U+202E), so that what is read is what was signed. The exact bytes are in the statement.
    """
    if _TAME.match(text):
        inside = escape(text)
    else:
        inside = Markup().join(
            Markup('<span class="flag">U+{:04X}</span>').format(ord(character))
            if unseen(character)
            else escape(character)
            for character in text
        )
    return Markup('<bdi lang="{}">{}</bdi>').format(lang, inside) if lang else Markup("<bdi>{}</bdi>").format(inside)


def http_address(url: str) -> str | None:
    """The address if a link to it may be made: http or https, nothing else. The vocabulary refuses others already."""
    return url if re.match(r"https?://", url) and not any(map(unseen, url)) else None


_APOSTROPHES = dict.fromkeys(map(ord, "'’ʼꞌ‘`´"))


def folded(text: str) -> str:
    """A text as a search sees it: no case, no accents, no apostrophes (K'iche' is typed with four kinds)."""
    plain = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).casefold()
    return "".join(character for character in plain if not unicodedata.combining(character))


# --- the voice of one language --------------------------------------------------------------------------------


class Phrasing:
    """Names, days, times and numbers in one language, at one ledger's offset from UTC."""

    def __init__(self, language: str, offset_minutes: int = 0) -> None:
        self.language = language
        self.offset_minutes = offset_minutes
        self.words = catalogue(language)
        self._zone = datetime.timezone(datetime.timedelta(minutes=offset_minutes))
        self._locale = Locale.parse(_LOCALES.get(language, _SPANISH_OF_GUATEMALA))

    def name(self, list_name: str, code: str) -> str:
        """What a code of the record is called (`name("level", "complete")`); an unknown code stands as it is."""
        english = NAMES[list_name].get(code)
        return self.words.gettext(english) if english is not None else code

    def number(self, value: int) -> str:
        """1,234,567 as the country writes it."""
        return format_decimal(value, locale=self._locale)

    def decimal(self, value: int, decimals: int = 0) -> str:
        """An integer with its decimals: `decimal(5603, 2)` is 56.03. No float is involved."""
        if decimals == 0:
            return self.number(value)
        sign = "-" if value < 0 else ""
        whole, part = divmod(abs(value), 10**decimals)
        point = self._locale.number_symbols["latn"]["decimal"]
        return f"{sign}{self.number(whole)}{point}{part:0{decimals}d}"

    def share(self, basis_points: int) -> str:
        """58.33 % from 5833."""
        text = self.decimal(basis_points, 2)
        return f"{text}\N{NO-BREAK SPACE}%" if self.language != "en" else f"{text}%"

    def day(self, day: datetime.date | str) -> str:
        """4 de septiembre de 2015."""
        value = datetime.date.fromisoformat(day) if isinstance(day, str) else day
        return format_date(value, "long", locale=self._locale)

    def date(self, date: Date | Day) -> str:
        """A date, as precise as it was said: a day, a month, a year or nothing."""
        if not isinstance(date.day, str) or not date.day:
            return self.words.gettext("no date")
        value = datetime.date.fromisoformat(date.day)
        if date.precision == "year":
            return str(value.year)
        if date.precision == "month":
            return format_skeleton("yMMMM", value, locale=self._locale)
        return self.day(value)

    def local(self, milliseconds: int) -> datetime.datetime:
        """A received time, at the ledger's offset."""
        return datetime.datetime.fromtimestamp(milliseconds / 1000, self._zone)

    def time(self, milliseconds: int) -> str:
        """4 de septiembre de 2015, 14:05 — at the ledger's offset, which `offset` names."""
        local = self.local(milliseconds)
        return f"{self.day(local.date())}, {local:%H:%M}"

    def when(self, when: str) -> str:
        """The same for a time as statements write it (2015-09-04T06:00:00Z)."""
        moment = datetime.datetime.fromisoformat(when.replace("Z", "+00:00"))
        return self.time(int(moment.timestamp()) * 1000)

    def date_or_when(self, value: Date | Day | str) -> str:
        """A day, or a time, whichever was said."""
        return self.when(value) if isinstance(value, str) else self.date(value)

    @property
    def offset(self) -> str:
        """UTC-06:00."""
        sign = "\N{MINUS SIGN}" if self.offset_minutes < 0 else "+"
        hours, minutes = divmod(abs(self.offset_minutes), 60)
        return f"UTC{sign}{hours:02d}:{minutes:02d}" if self.offset_minutes else "UTC"

    def listed(self, parts: list[str]) -> str:
        """a, b y c; in Spanish `e` before the sound of an i (COPRET e ICEFI)."""
        if not parts:
            return ""
        whole = format_list(parts, locale=self._locale)
        last = parts[-1]
        if len(parts) > 1 and self._locale.language == "es" and re.match(r"(?:i|hi(?!e))", folded(last)):
            whole = f"{whole.removesuffix(f' y {last}')} e {last}"
        return whole


def level_ordinal(level: str) -> int:
    """The place of a level on the scale, 0 to 3."""
    return LEVEL_ORDINAL[level]


def iso(milliseconds: int) -> str:
    """A received time for a machine: 2015-09-04T20:05:00.000Z."""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def plain(text: str) -> str:
    """A text for an attribute or a list, without markup: characters that cannot be seen stand as their numbers."""
    return "".join(f"[U+{ord(character):04X}]" if unseen(character) else character for character in text)


def visible(text: str) -> Markup:
    """Raw bytes as text, in a block of its own: escaped, with the number of each character that cannot be seen."""
    return Markup().join(
        Markup('<span class="flag">U+{:04X}</span>').format(ord(character)) if unseen(character) else escape(character)
        for character in text
    )

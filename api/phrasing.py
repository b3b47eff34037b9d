"""How the record reads: names, dates, numbers and foreign text, in the reader's language.

Pages ask here for every word that stands for a code of the record (a level, a role, a kind of statement), for days and
times at the ledger's own offset, for numbers as the country writes them, and for texts that others wrote. The last are
hostile until shown otherwise: they are isolated from the direction of the page around them (`<bdi>`), and characters
that cannot be seen, or that turn the reading order, stand there by their number.

What codes are called stands in `api.names`.
"""

import datetime
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.lists import format_list
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from api.names import NAMES
from ledger.vocabulary import LEVEL_ORDINAL, Date
from projections.commitments import Day
from projections.words.catalogue import catalogue

# Babel's `es` is Spain's (1.234,5): Guatemala writes 1,234.5. So do its other languages: Babel knows K'iche' without
# months or a way to join words, and kek, cak and mam not at all; dates and numbers of all of them are es-GT's.
_LOCALES: Mapping[str, str] = {"en": "en"}
_SPANISH_OF_GUATEMALA = "es_GT"

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
    inside = visible(text)
    return Markup('<bdi lang="{}">{}</bdi>').format(lang, inside) if lang else Markup("<bdi>{}</bdi>").format(inside)


def http_address(url: str) -> str | None:
    """The address if a link to it may be made: http or https, nothing else. The vocabulary refuses others already."""
    return url if re.match(r"https?://", url) and not any(map(unseen, url)) else None


# All typed for one letter of Mayan languages, the glottal stop: apostrophes and primes, and the saltillo in both cases.
_APOSTROPHES = dict.fromkeys(map(ord, "'\u2018\u2019\u201b\u2032\u02b9\u02bb\u02bc\u02c8\ua78b\ua78c\uff07`\u00b4"))


def folded(text: str) -> str:
    """A text as a search sees it: no case, no accents, no apostrophes (K'iche' is typed with many kinds)."""
    plain = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).casefold()
    return "".join(character for character in plain if not unicodedata.combining(character))


# A page says the same numbers and days over and over, and Babel reads its patterns anew each time.
@lru_cache(10_000)
def _number(value: int, locale: Locale) -> str:
    return format_decimal(value, locale=locale)


@lru_cache(10_000)
def _day(day: datetime.date, locale: Locale) -> str:
    return format_date(day, "long", locale=locale)


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
        return _number(value, self._locale)

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

    def percent(self, value: int) -> str:
        """58 % from 58."""
        return f"{self.number(value)}%" if self.language == "en" else f"{self.number(value)}\N{NO-BREAK SPACE}%"

    def day(self, day: datetime.date | str) -> str:
        """4 de septiembre de 2015."""
        value = datetime.date.fromisoformat(day) if isinstance(day, str) else day
        return _day(value, self._locale)

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

    def months(self) -> list[tuple[str, str]]:
        """The months of a year, each in short and in full."""
        days = [datetime.date(2000, month, 1) for month in range(1, 13)]
        return [
            (format_skeleton("MMM", day, locale=self._locale), format_skeleton("MMMM", day, locale=self._locale))
            for day in days
        ]

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


def name_parts(name: str) -> list[str]:
    """The name of a ledger in the parts between which a line may break: behind slashes and dots."""
    return re.split(r"(?<=[/.])", name)


def plain(text: str) -> str:
    """A text for an attribute or a list, without markup: characters that cannot be seen stand as their numbers."""
    return "".join(f"[U+{ord(character):04X}]" if unseen(character) else character for character in text)


def visible(text: str) -> Markup:
    """A text as it stands, in a block of its own: escaped, with the number of each character that cannot be seen."""
    if _TAME.match(text):
        return escape(text)
    return Markup().join(
        Markup('<span class="flag">U+{:04X}</span>').format(ord(character)) if unseen(character) else escape(character)
        for character in text
    )

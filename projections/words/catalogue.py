"""Reads the message catalogues beside this file, without compiling them first.

A catalogue is a gettext `.po` file, named after its language (BCP 47): `es-GT.po`, `en.po`. The English sentence is
the message's id; a context (`msgctxt`) tells apart what English says with one word. Catalogues are read as they stand
in git, with the standard library alone, because the auditor's base install speaks both languages too and because a
compiled file that nobody compiled is a page without words.

A catalogue whose header says `X-Draft: yes` is a draft: what nobody has translated yet is said in Spanish, the language
that its readers also know, and each phrase that is translated stands between two marks (`MARKS`). Pages turn the marks
into `<span lang="quc">` (api.site), so that a screen reader knows which language it speaks: a page of a draft is a
Spanish page with phrases of the other language in it, until all of them are. How a draft becomes official: TRADUCIR.md.

The parser takes what gettext's own tools write and refuses all else, with the line.
"""

import gettext
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
DEFAULT_LANGUAGE = "es-GT"

# Each in itself: a reader looks for the word they know. A catalogue in another language adds its name here.
NAMES: Mapping[str, str] = {
    "es-GT": "Español",
    "en": "English",
    "cab": "Garífuna",
    "cak": "Kaqchikel",
    "kek": "Q'eqchi'",
    "mam": "Mam",
    "quc": "K'iche'",
}

# Around a phrase of a draft. Private-use characters: whatever others write of them is shown by its number, so no text
# of a statement can hold one (api.phrasing).
MARKS = ("\ue000", "\ue001")

_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_LINE = re.compile(r'(?:(msgctxt|msgid_plural|msgid|msgstr)(?:\[([0-9])\])? )?"((?:[^"\\]|\\[nt"\\])*)"\Z')


class Message(NamedTuple):
    """One entry of a catalogue; `texts` has one member, or one for each plural form."""

    context: str | None
    singular: str
    plural: str | None
    texts: tuple[str, ...]


def parse_catalogue(source: str) -> Iterator[Message]:
    """The messages of a `.po` file, its header (the empty id) first. Raises ValueError with the line."""
    fields: dict[str, str] = {}
    last = ""

    def message(number: int) -> Message:
        texts = [name for name in fields if name.startswith("msgstr")]
        if "msgid" not in fields or not texts:
            raise ValueError(f"line {number}: a message without msgid or msgstr")
        if texts not in (["msgstr"], [f"msgstr{form}" for form in range(len(texts))]):
            raise ValueError(f"line {number}: plural forms out of order")
        if ("msgid_plural" in fields) == (texts == ["msgstr"]):
            raise ValueError(f"line {number}: plural forms go with msgid_plural, and only with it")
        return Message(
            fields.get("msgctxt"),
            fields["msgid"],
            fields.get("msgid_plural"),
            tuple(fields[name] for name in texts),
        )

    number = 0
    for number, line in enumerate(source.split("\n"), 1):
        if line == "" or line.startswith("#"):
            if any(name.startswith("msgstr") for name in fields):
                yield message(number)
                fields, last = {}, ""
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise ValueError(f"line {number}: not a line of a catalogue: {line[:60]!r}")
        word, form, text = parts.groups()
        text = re.sub(r"\\(.)", lambda found: _ESCAPES[found[1]], text)
        if word is None:
            if not last:
                raise ValueError(f"line {number}: a text that belongs to nothing")
            fields[last] += text
            continue
        if word in ("msgctxt", "msgid") and any(name.startswith("msgstr") for name in fields):
            yield message(number)
            fields = {}
        last = word + (form or "")
        if last in fields:
            raise ValueError(f"line {number}: {word} twice in one message")
        fields[last] = text
    if fields:
        yield message(number)


class Catalogue(gettext.NullTranslations):
    """The sentences of one language. An unknown message is answered in English; tests see that there is none.

    `draft`: it is one, and what is not translated is said in the words of `instead`, the Spanish catalogue.
    """

    def __init__(self, language: str, source: str, instead: "Catalogue | None" = None) -> None:
        super().__init__()
        self.language = language
        self.messages = list(parse_catalogue(source))
        header = "".join(self.messages[0].texts) if self.messages and self.messages[0].singular == "" else ""
        self.draft = re.search(r"^X-Draft: yes$", header, re.MULTILINE) is not None
        self._instead = instead if self.draft else None
        rule = re.search(r"^Plural-Forms: *nplurals=([0-9]); *plural=([^;]+);", header, re.MULTILINE)
        # The rule of a draft is for its speakers to write; until they do, it says nothing that has plural forms.
        if rule is None and (not self.draft or any(one.plural and any(one.texts) for one in self.messages)):
            raise ValueError(f"the catalogue {language} says no Plural-Forms in its header")
        self.plurals = int(rule[1]) if rule else 1
        self._form: Callable[[int], int] = gettext.c2py(rule[2] if rule else "0")  # pyright: ignore[reportAttributeAccessIssue]
        self._texts: dict[tuple[str | None, str], tuple[str, ...]] = {
            (message.context, message.singular): message.texts for message in self.messages if all(message.texts)
        }
        if len(self._texts) != sum(all(message.texts) for message in self.messages):
            raise ValueError(f"the catalogue {language} holds one message twice")

    def _find(self, context: str | None, singular: str, plural: str, n: int) -> str:
        texts = self._texts.get((context, singular))
        if texts is None:
            if self._instead is not None:
                return self._instead._find(context, singular, plural, n)
            return singular if n == 1 else plural
        text = texts[self._form(n) if len(texts) > 1 else 0]
        return f"{MARKS[0]}{text}{MARKS[1]}" if self.draft else text

    def gettext(self, message: str) -> str:
        """The sentence for this English one."""
        return self._find(None, message, message, 1)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The sentence in the plural form that `n` asks for."""
        return self._find(None, msgid1, msgid2, n)

    def pgettext(self, context: str, message: str) -> str:
        """The sentence for this English one, where it is used as `context` says."""
        return self._find(context, message, message, 1)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        """Both: a context and a number."""
        return self._find(context, msgid1, msgid2, n)


@cache
def languages() -> tuple[str, ...]:
    """The languages in which everything is said, the default first."""
    return tuple(language for language in _all() if not catalogue(language).draft)


@cache
def drafts() -> tuple[str, ...]:
    """The languages whose catalogue is a draft."""
    return tuple(language for language in _all() if catalogue(language).draft)


@cache
def _all() -> tuple[str, ...]:
    found = sorted(path.stem for path in FOLDER.glob("*.po"))
    return tuple(sorted(found, key=lambda language: language != DEFAULT_LANGUAGE))


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language. Raises KeyError where there is none."""
    if language not in _all():
        raise KeyError(language)
    source = (FOLDER / f"{language}.po").read_text("utf-8")
    return Catalogue(language, source, None if language == DEFAULT_LANGUAGE else catalogue(DEFAULT_LANGUAGE))


def progress(words: Catalogue) -> tuple[int, int]:
    """How many of the sentences in use a catalogue says, and how many there are."""
    wanted = {(one.context, one.singular) for one in catalogue(DEFAULT_LANGUAGE).messages if one.singular}
    said = {(one.context, one.singular) for one in words.messages if all(one.texts)}
    return len(wanted & said), len(wanted)

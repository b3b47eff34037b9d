"""Reads the message catalogues beside this file, without compiling them first.

A catalogue is a gettext `.po` file, named after its language (BCP 47): `es-GT.po`, `en.po`. The English sentence is
the message's id; a context (`msgctxt`) tells apart what English says with one word. Catalogues are read as they stand
in git, with the standard library alone, because the auditor's base install speaks both languages too and because a
compiled file that nobody compiled is a page without words.

The parser takes what gettext's own tools write and refuses all else, with the line.
"""

import gettext
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
DEFAULT_LANGUAGE = "es-GT"

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
    """The sentences of one language. An unknown message is answered in English; tests see that there is none."""

    def __init__(self, language: str, source: str) -> None:
        super().__init__()
        self.language = language
        self.messages = list(parse_catalogue(source))
        header = "".join(self.messages[0].texts) if self.messages and self.messages[0].singular == "" else ""
        rule = re.search(r"^Plural-Forms: *nplurals=[0-9]; *plural=([^;]+);", header, re.MULTILINE)
        if rule is None:
            raise ValueError(f"the catalogue {language} says no Plural-Forms in its header")
        self._form: Callable[[int], int] = gettext.c2py(rule[1])  # pyright: ignore[reportAttributeAccessIssue]
        self._texts: dict[tuple[str | None, str], tuple[str, ...]] = {
            (message.context, message.singular): message.texts for message in self.messages if all(message.texts)
        }
        if len(self._texts) != sum(all(message.texts) for message in self.messages):
            raise ValueError(f"the catalogue {language} holds one message twice")

    def _find(self, context: str | None, singular: str, plural: str, n: int) -> str:
        texts = self._texts.get((context, singular))
        if texts is None:
            return singular if n == 1 else plural
        form = self._form(n) if len(texts) > 1 else 0
        return texts[form]

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
    """The languages that have a catalogue, the default first."""
    found = sorted(path.stem for path in FOLDER.glob("*.po"))
    return tuple(sorted(found, key=lambda language: language != DEFAULT_LANGUAGE))


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language. Raises KeyError where there is none."""
    path = FOLDER / f"{language}.po"
    if language not in languages():
        raise KeyError(language)
    return Catalogue(language, path.read_text("utf-8"))

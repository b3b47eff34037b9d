"""What translators and those who look after a catalogue run: `make words`, and `make words LANGUAGE=cak`.

    python -m projections.words.drafting            how complete each catalogue is, and what is wrong with it
    python -m projections.words.drafting cak        begins `cak.po`, or brings an older one up to date

A catalogue is brought up to date without losing a word: every sentence in use stands in it, in the order of the Spanish
one, with the Spanish beside it as a remark; what nobody has translated is empty; a translation whose sentence is no
longer in use goes. Its header and the remarks above it stay as they are. TRADUCIR.md says the rest.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from projections.words.catalogue import (
    DEFAULT_LANGUAGE,
    FOLDER,
    NAMES,
    Catalogue,
    Message,
    catalogue,
    drafts,
    languages,
    parse_catalogue,
    progress,
)

_CODE = re.compile(r"[a-z]{2,3}(?:-[A-Z]{2})?\Z")
_WORDS = re.compile(r"%\(([a-z0-9_]+)\)s")
_PERCENT = re.compile(r"%(?!\([a-z0-9_]+\)s)")
_TAG = re.compile(r"<[^>]*>?")

HEADER = """\
# Constancia: {name}, borrador. Cómo se traduce y cómo deja de ser borrador: TRADUCIR.md, en esta carpeta.
# La regla de los plurales la escribe quien habla el idioma; mientras falte, las frases con plural quedan vacías.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Language: {language}\\n"
"X-Draft: yes\\n"
"""


def begun_or_renewed(language: str, model: str, older: str = "") -> str:
    """The text of a catalogue with every sentence of `model` (the Spanish one), and the translations of `older`."""
    old_blocks = list(_blocks(older))
    kept = {
        (one.context, one.singular, one.plural): one.texts for block in old_blocks for one in parse_catalogue(block)
    }
    header = (
        old_blocks[0] + "\n" if old_blocks else HEADER.format(name=NAMES.get(language, language), language=language)
    )
    forms = Catalogue(language, header).plurals
    found = [header]
    for block in list(_blocks(model))[1:]:
        (message,) = parse_catalogue(block)
        remarks = [line for line in block.split("\n") if line.startswith("#:")]
        texts = kept.get((message.context, message.singular, message.plural), ())
        found.append(
            "\n".join(
                [*(f"#. {_quoted(text)[1:-1]}" for text in message.texts), *remarks, *_entry(message, texts, forms)]
            )
        )
    return "\n\n".join(part.rstrip("\n") for part in found) + "\n"


def _blocks(source: str) -> Iterator[str]:
    """The messages of a catalogue as they are written, each with the remarks above it; the header is the first."""
    lines: list[str] = []
    for line in (*source.split("\n"), ""):
        if (not line or line.startswith("#")) and any(each.startswith("msgstr") for each in lines):
            yield "\n".join(lines)
            lines = []
        lines += [line] if line else []


def _entry(message: Message, texts: Sequence[str], forms: int) -> Iterator[str]:
    if message.context is not None:
        yield f"msgctxt {_quoted(message.context)}"
    yield f"msgid {_quoted(message.singular)}"
    if message.plural is None:
        yield f"msgstr {_quoted(texts[0] if texts else '')}"
        return
    yield f"msgid_plural {_quoted(message.plural)}"
    for form in range(forms):
        yield f"msgstr[{form}] {_quoted(texts[form] if form < len(texts) else '')}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def faults_of(words: Catalogue) -> list[str]:
    """What would break a page or mislead a reader: each as the sentence and what is wrong with its translation."""
    found: list[str] = []
    for message in words.messages:
        said = [text for text in message.texts if text]
        if not message.singular or not said:
            continue
        if message.plural is not None and len(message.texts) != words.plurals:
            found.append(f"{message.singular!r}: {len(message.texts)} forms, and the header says {words.plurals}")
        if len(said) < len(message.texts):
            found.append(f"{message.singular!r}: some of its plural forms are empty")
        for text in said:
            found += [f"{message.singular!r}: {fault}" for fault in _faults(message, text)]
    return found


def _faults(message: Message, text: str) -> Iterator[str]:
    source = message.singular if message.plural is None else message.plural
    filled, wanted = set(_WORDS.findall(text)), set(_WORDS.findall(source))
    # «One day left» may leave the number out; nothing may be filled in that is not given.
    if filled - wanted or (message.plural is None and filled != wanted):
        yield f"it fills in {sorted(filled)} instead of {sorted(wanted)}"
    if _PERCENT.search(text.replace("%%", "")):
        yield "a % that fills nothing in is written %%"
    if sorted(_TAG.findall(text)) != sorted(_TAG.findall(source)):
        yield f"its tags are {_TAG.findall(text)} instead of {_TAG.findall(source)}"
    if text != text.strip() and source == source.strip():
        yield "a space at its beginning or end"


def main(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """Write the catalogue named, or say how each one is. Returns 1 where something is wrong with one."""
    if arguments:
        (language,) = arguments
        if not _CODE.fullmatch(language) or language in languages():
            print(f"{language}: no es el código de un idioma que falte, como cak o mam / not the code of a missing one")
            return 1
        path = folder / f"{language}.po"
        model = (FOLDER / f"{DEFAULT_LANGUAGE}.po").read_text("utf-8")
        path.write_text(begun_or_renewed(language, model, path.read_text("utf-8") if path.exists() else ""), "utf-8")
        print(f"{path}: {len(list(parse_catalogue(model))) - 1} frases / sentences")
        return 0
    wrong = False
    for language in languages() + drafts():
        words = catalogue(language)
        done, total = progress(words)
        state = "borrador / draft" if words.draft else "oficial / official"
        print(f"{language:6} {NAMES.get(language, '?'):12} {state:20} {done:5} de / of {total:5}")
        for fault in faults_of(words):
            wrong = True
            print(f"       {fault}")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

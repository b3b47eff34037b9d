"""A consulted document, read by parts: a small source form in which nothing can run, and what two versions differ in.

The file stays what it is, and its SHA-256 is what was signed; here it is only laid out. It is plain UTF-8 text (`.md`,
`.txt`), and reads well where nobody lays it out:

    # Título                      a heading, of one to six signs
    ## Acceso {#acceso}           the same, and from here on this is the part `acceso` of the round
                                  (up to the next heading of the same or a higher level, or the next part)
    Un párrafo, en una línea      lines in a row are one paragraph, an empty line ends it
    o en varias.
    - un punto     * otro         a list; so is `1. uno`
    > una cita                    a quotation
    **importante**                stress
    [la ley](https://…)           a link, and so is a bare https://…; other schemes stay as they are typed

Whatever else is in it stands there as it is typed: HTML is text, and characters that cannot be seen stand as their
numbers. The host of a link is said beside it, so that no text hides where it leads. Pure: bytes in, values out.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from markupsafe import Markup

from api.phrasing import http_address, visible

# More than this is offered as a file alone: a page is for reading.
MAX_SHOWN = 1_048_576
MAX_BLOCKS = 4_000
# The most that is compared at all, in blocks of both versions together; the search takes their product at worst.
MAX_COMPARED = 2_000

BlockForm = Literal["heading", "paragraph", "bullets", "numbers", "quote"]


class Block(NamedTuple):
    """A heading, a paragraph, a list or a quotation; `lines` as typed, without their signs."""

    form: BlockForm
    lines: tuple[str, ...]
    level: int = 0


class Section(NamedTuple):
    """A stretch of the document: a part under its slug, or what belongs to none (`part` is empty)."""

    part: str
    title: str
    level: int
    blocks: tuple[Block, ...]


class Consulted(NamedTuple):
    """A document by sections, in its order. No two have the same slug."""

    title: str
    sections: tuple[Section, ...]

    def part(self, slug: str) -> Section | None:
        """The section that is this part of the round."""
        return next((section for section in self.sections if section.part == slug), None)

    @property
    def parts(self) -> tuple[str, ...]:
        """The slugs of its parts, in its order."""
        return tuple(section.part for section in self.sections if section.part)


_HEADING = re.compile(r"(#{1,6})[ \t]+")
_SLUG = re.compile(r"(?:\A|[ \t])\{#([a-z0-9][a-z0-9-]{0,63})\}\Z")
_MARKED: Sequence[tuple[BlockForm, re.Pattern[str]]] = (
    ("bullets", re.compile(r"[-*][ \t]+(.*)\Z")),
    ("numbers", re.compile(r"[0-9]{1,3}[.)][ \t]+(.*)\Z")),
    ("quote", re.compile(r">[ \t]?(.*)\Z")),
)


@lru_cache(maxsize=32)
def read_document(raw: bytes) -> Consulted:
    """A document by parts. Raises ValueError for what is no text to lay out: not UTF-8, a NUL, or too large."""
    if len(raw) > MAX_SHOWN or b"\0" in raw:
        raise ValueError("no text that a page lays out")
    blocks = list(_blocks(raw.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")))
    if len(blocks) > MAX_BLOCKS:
        raise ValueError("too many paragraphs for a page")
    return _sections(blocks)


def _blocks(source: str) -> Iterator[tuple[Block, str]]:
    """The blocks in order, each with the slug that its heading carries."""
    form: BlockForm = "paragraph"
    lines: list[str] = []
    for line in (*source.split("\n"), ""):
        heading = _HEADING.match(line)
        marked = _marked_line(line)
        goes_on = bool(lines) and form == "paragraph" if marked is None else marked[0] == form
        if lines and (heading or not line.strip() or (marked is not None and not goes_on)):
            yield Block(form, tuple(lines)), ""
            lines, form = [], "paragraph"
        if heading:
            title = line[heading.end() :].strip()
            slug = _SLUG.search(title)
            title = title[: slug.start()].strip() if slug else title
            yield Block("heading", (title,), len(heading[1])), slug[1] if slug else ""
        elif marked is not None:
            form = marked[0]
            lines.append(marked[1])
        elif line.strip():
            if lines and form != "paragraph":  # a point or a quotation goes on in the next line
                lines[-1] += "\n" + line.strip()
            else:
                lines.append(line.strip())


def _marked_line(line: str) -> tuple[BlockForm, str] | None:
    """The form that a line's sign gives it, and the line without the sign."""
    for form, sign in _MARKED:
        if found := sign.match(line):
            return form, found[1]
    return None


def _sections(blocks: Sequence[tuple[Block, str]]) -> Consulted:
    title = ""
    found: list[tuple[str, str, int, list[Block]]] = [("", "", 0, [])]
    seen: set[str] = set()
    for block, slug in blocks:
        if block.form != "heading":
            found[-1][3].append(block)
        elif slug and slug not in seen:
            seen.add(slug)
            found.append((slug, block.lines[0], block.level, []))
        elif not title and len(found) == 1 and not found[0][3] and block.level == 1:
            title = block.lines[0]
        elif found[-1][0] and block.level <= found[-1][2]:  # it ends the part, and begins what belongs to none
            found.append(("", block.lines[0], block.level, []))
        else:
            found[-1][3].append(block)
    sections = tuple(Section(part, name, level, tuple(inside)) for part, name, level, inside in found)
    return Consulted(title, tuple(one for one in sections if one.part or one.title or one.blocks))


# --- laid out --------------------------------------------------------------------------------------------------------

# Every stretch is bounded, so that no line can make the search long.
_INLINE = re.compile(
    r"\[(?P<text>[^\[\]\n]{1,300})\]\((?P<to>https?://[^\s()<>\"\\]{1,2000})\)"
    r"|(?P<bare>https?://[^\s<>\"\\)\]]{1,2000}[^\s<>\"\\)\].,;:!?»”'])"
    r"|\*\*(?P<strong>[^*\n]{1,500})\*\*"
)


def inline(text: str) -> Markup:
    """A line with its links and its stress; all else is text."""
    out: list[Markup] = []
    at = 0
    for found in _INLINE.finditer(text):
        out += [visible(text[at : found.start()]), _marked(found)]
        at = found.end()
    return Markup().join([*out, visible(text[at:])])


def _marked(found: re.Match[str]) -> Markup:
    if found["strong"]:
        return Markup("<strong>{}</strong>").format(visible(found["strong"]))
    address = found["to"] or found["bare"]
    if http_address(address) is None:
        return visible(found[0])
    link = Markup('<a class="outside" href="{}" rel="noopener nofollow ugc noreferrer">{}</a>')
    if found["bare"]:
        return link.format(address, visible(address))
    return Markup("{} ({})").format(link.format(address, visible(found["text"])), visible(_host(address)))


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc or address
    except ValueError:
        return address


@lru_cache(maxsize=512)
def html_of(blocks: tuple[Block, ...], deepest: int) -> Markup:
    """Blocks as HTML. `deepest` is the level of the heading above them (1 to 6): theirs follow below it, in order."""
    out: list[Markup] = []
    base = min((block.level for block in blocks if block.form == "heading"), default=0)
    level = deepest
    for block in blocks:
        lines = [inline(line) for line in block.lines]
        if block.form == "heading":
            level = min(6, level + 1, deepest + 1 + block.level - base)  # none is left out on the way down
            tag = f"h{level}"
            out.append(Markup("<{}>{}</{}>").format(Markup(tag), lines[0], Markup(tag)))
        elif block.form == "paragraph":
            out.append(Markup("<p>{}</p>").format(Markup("\n").join(lines)))
        elif block.form == "quote":
            out.append(Markup("<blockquote><p>{}</p></blockquote>").format(Markup("\n").join(lines)))
        else:
            tag = Markup("ol" if block.form == "numbers" else "ul")
            points = Markup().join(Markup("<li>{}</li>").format(line) for line in lines)
            out.append(Markup("<{}>{}</{}>").format(tag, points, tag))
    return Markup("\n").join(out)


# --- two versions ----------------------------------------------------------------------------------------------------


class Passage(NamedTuple):
    """A passage that only one of two versions has."""

    added: bool
    text: str


class Change(NamedTuple):
    """What became of one section: `same`, `changed`, `added` or `removed`, with the passages that differ."""

    part: str
    title: str
    fate: Literal["same", "changed", "added", "removed"]
    passages: tuple[Passage, ...]


@lru_cache(maxsize=32)
def changes_between(older: Consulted, newer: Consulted) -> tuple[Change, ...] | None:
    """What the newer version changed, by part, in its order; None where there is too much to compare on a page."""
    if sum(len(section.blocks) for section in (*older.sections, *newer.sections)) > MAX_COMPARED:
        return None
    found: list[Change] = []
    for section in newer.sections:
        found.append(_changed(_twin(older, section), section))
    for section in older.sections:
        if _twin(newer, section) is None:
            found.append(_changed(section, None))
    return tuple(found)


def _twin(document: Consulted, section: Section) -> Section | None:
    """The same part in another version; what belongs to no part is known by its title."""
    return next(
        (one for one in document.sections if one.part == section.part and (section.part or one.title == section.title)),
        None,
    )


def _passages_of(section: Section | None) -> list[str]:
    """A section in passages: its title, each heading and paragraph, each point of a list."""
    if section is None:
        return []
    lists = ("bullets", "numbers")
    return [
        *([section.title] if section.title else []),
        *(
            passage
            for block in section.blocks
            for passage in (block.lines if block.form in lists else (" ".join(block.lines),))
        ),
    ]


def _changed(before: Section | None, after: Section | None) -> Change:
    old, new = _passages_of(before), _passages_of(after)
    section = after or before
    assert section is not None
    passages: list[Passage] = []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what != "equal":
            passages += [Passage(False, text) for text in old[a:b]] + [Passage(True, text) for text in new[c:d]]
    fate = "added" if before is None else "removed" if after is None else "changed" if passages else "same"
    return Change(section.part, section.title, fate, tuple(passages))

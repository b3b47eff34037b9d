"""A .docx as the lines that `api.report_text` reads, with the standard library alone.

WordprocessingML (ECMA-376, part 1): paragraphs and tables of `word/document.xml`, list numbers and bullets from
`word/numbering.xml` and `word/styles.xml`, because Word prints them and does not store them in the text.

* A paragraph is a line; a line break in it begins another.
* A table cell begins with a line that starts with TAB; after a table comes a gap of blank lines.
* Deleted and moved-away text, and what older programs show instead of a drawing, is not there.

No macro runs, nothing is fetched, and a document that declares entities is refused.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_GONE: Final = (f"{_W}del", f"{_W}moveFrom", f"{_W}pPr", f"{_W}rPr", _FALLBACK)

Element = ElementTree.Element


class BadDocument(ValueError):
    """The bytes are no document that can be read; the message says what is wrong with them, `es` in Spanish."""

    def __init__(self, en: str, es: str) -> None:
        super().__init__(en)
        self.es = es


def docx_text(raw: bytes, *, gap: int, limit: int) -> str:
    """The text of a .docx: `gap` blank lines after each table, no part of it larger than `limit` bytes unpacked.

    Raises BadDocument.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = {
                name: _parse(name, archive, limit)
                for name in ("word/document.xml", "word/numbering.xml", "word/styles.xml")
                if name == "word/document.xml" or name in archive.namelist()
            }
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
        if isinstance(error, BadDocument):
            raise
        raise BadDocument(
            "the file is an archive without word/document.xml", "el archivo no contiene word/document.xml"
        ) from error
    body = parts["word/document.xml"].find(f"{_W}body")
    if body is None:
        raise BadDocument("word/document.xml has no body", "word/document.xml no tiene cuerpo")
    numbering = _Numbering(parts.get("word/numbering.xml"), parts.get("word/styles.xml"))
    try:
        return "\n".join(_lines(body, numbering, gap))
    except RecursionError:
        raise BadDocument("word/document.xml is nested too deeply", "word/document.xml anida demasiado") from None


def _parse(name: str, archive: zipfile.ZipFile, limit: int) -> Element:
    # The reader stops at the limit whatever size the archive claims.
    with archive.open(name) as stream:
        xml = stream.read(limit + 1)
    if len(xml) > limit:
        raise BadDocument(f"{name} has more than {limit} bytes", f"{name} tiene más de {limit} bytes")
    try:
        text = xml.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadDocument(f"{name} is not UTF-8", f"{name} no está en UTF-8") from error
    # A document has no DTD; refusing one shuts out entity bombs without another parser.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadDocument(f"{name} declares entities", f"{name} declara entidades")
    try:
        return ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BadDocument(f"{name} is not well-formed", f"{name} no es XML bien formado") from error


def _lines(parent: Element, numbering: _Numbering, gap: int) -> Iterator[str]:
    for block in parent:
        if block.tag == f"{_W}p":
            # A TAB at the start would make a cell of it.
            yield from (line.lstrip("\t") for line in _paragraph(block, numbering))
        elif block.tag == f"{_W}tbl":
            for row in _below(block, f"{_W}tr"):
                for cell in _below(row, f"{_W}tc"):
                    lines = [line.lstrip("\t") for p in cell.iter(f"{_W}p") for line in _paragraph(p, numbering)]
                    yield "\t" + (lines[0] if lines else "")
                    yield from lines[1:]
                yield ""
            yield from [""] * gap
        elif block.tag == f"{_W}sdt":
            for content in block.findall(f"{_W}sdtContent"):
                yield from _lines(content, numbering, gap)


def _below(parent: Element, tag: str) -> Iterator[Element]:
    """The children with a tag, also those inside content controls, but not those of a table inside."""
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent"):
            yield from _below(child, tag)


def _paragraph(paragraph: Element, numbering: _Numbering) -> list[str]:
    pieces: list[str] = []

    def walk(element: Element) -> None:
        for node in element:
            if node.tag in _GONE:
                continue
            if node.tag == f"{_W}t":
                pieces.append(node.text or "")
            elif node.tag == f"{_W}tab":
                pieces.append(" ")
            elif node.tag in (f"{_W}br", f"{_W}cr"):
                pieces.append("\n")
            else:
                walk(node)

    walk(paragraph)
    text = "".join(pieces)
    label = numbering.label(paragraph) if text.strip() else ""
    return f"{label} {text}".split("\n") if label else text.split("\n")


class _Numbering:
    """The numbers that lists and headings print, counted as the document goes on."""

    def __init__(self, numbering: Element | None, styles: Element | None) -> None:
        self._abstract: dict[str, str] = {}
        self._levels: dict[tuple[str, int], tuple[str, str, int]] = {}
        self._counts: dict[tuple[str, int], int] = {}
        self._of_style: dict[str, tuple[str, int]] = {}
        for definition in numbering.iter(f"{_W}abstractNum") if numbering is not None else ():
            for level in definition.findall(f"{_W}lvl"):
                form, text, start = (_value(level.find(f"{_W}{name}")) for name in ("numFmt", "lvlText", "start"))
                key = (definition.get(f"{_W}abstractNumId", ""), _int(level.get(f"{_W}ilvl"), 0))
                self._levels[key] = (form or "decimal", text or "", _int(start, 1))
        for instance in numbering.iter(f"{_W}num") if numbering is not None else ():
            self._abstract[instance.get(f"{_W}numId", "")] = _value(instance.find(f"{_W}abstractNumId")) or ""
        for style in styles.iter(f"{_W}style") if styles is not None else ():
            found = _numbered(style.find(f"{_W}pPr"))
            if found is not None:
                self._of_style[style.get(f"{_W}styleId", "")] = found

    def label(self, paragraph: Element) -> str:
        """What Word prints before this paragraph: `3.`, `4.1.`, `·`, or nothing."""
        properties = paragraph.find(f"{_W}pPr")
        found = _numbered(properties)
        if found is None and properties is not None:
            found = self._of_style.get(_value(properties.find(f"{_W}pStyle")) or "")
        if found is None:
            return ""
        abstract, level = self._abstract.get(found[0], ""), found[1]
        if (abstract, level) not in self._levels:
            return ""
        form, text, start = self._levels[abstract, level]
        if form == "bullet":
            return "·"
        if form == "none":
            return ""
        self._counts[abstract, level] = self._counts.get((abstract, level), start - 1) + 1
        for deeper in [key for key in self._counts if key[0] == abstract and key[1] > level]:
            del self._counts[deeper]
        for above in range(level + 1):
            first = self._levels.get((abstract, above), ("", "", 1))[2]
            text = text.replace(f"%{above + 1}", str(self._counts.get((abstract, above), first)))
        return text


def _numbered(properties: Element | None) -> tuple[str, int] | None:
    """(list, level) of a paragraph or style; None without numbering, or where it is switched off (list 0)."""
    numbers = properties.find(f"{_W}numPr") if properties is not None else None
    if numbers is None:
        return None
    instance = _value(numbers.find(f"{_W}numId"))
    return (instance, _int(_value(numbers.find(f"{_W}ilvl")), 0)) if instance and instance != "0" else None


def _value(element: Element | None) -> str | None:
    return element.get(f"{_W}val") if element is not None else None


def _int(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 9 else default

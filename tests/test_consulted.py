"""A consulted document by parts: what its source form means, that nothing in it runs, what two versions differ in."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from api.consulted import (
    MAX_COMPARED,
    MAX_SHOWN,
    Block,
    Passage,
    changes_between,
    html_of,
    inline,
    read_document,
)

DRAFT = """\
\ufeff# Plan
Antes de las partes.

## Acceso {#acceso}
Primera línea
segunda línea.

### Plazos
- uno
- dos
  y su continuación
1. primero
2) segundo
> cita
> larga

## Sin parte
De nadie.

## Seguimiento {#seguimiento}
"""


def test_headings_with_a_slug_are_the_parts_and_end_with_their_level() -> None:
    plan = read_document(DRAFT.encode())

    assert plan.title == "Plan"
    assert plan.parts == ("acceso", "seguimiento")
    assert [(one.part, one.title) for one in plan.sections] == [
        ("", ""),
        ("acceso", "Acceso"),
        ("", "Sin parte"),
        ("seguimiento", "Seguimiento"),
    ]
    access = plan.part("acceso")
    assert access is not None
    assert access.blocks == (
        Block("paragraph", ("Primera línea", "segunda línea.")),
        Block("heading", ("Plazos",), 3),
        Block("bullets", ("uno", "dos\ny su continuación")),
        Block("numbers", ("primero", "segundo")),
        Block("quote", ("cita", "larga")),
    )
    assert plan.part("otra") is None


@pytest.mark.parametrize(
    ("source", "parts", "title"),
    [
        ("", (), ""),
        ("Solo texto.", (), ""),
        ("# {#a}\nx", ("a",), ""),
        ("# Uno {#a}\n# Dos {#a}\n", ("a",), ""),  # a slug is a part once
        ("# T {#A}\n", (), "T {#A}"),  # not a slug
        ("#sin espacio {#a}\n", (), ""),
        ("####### siete {#a}\n", (), ""),
        ("texto {#a}\n", (), ""),
        ("## B {#b}\r\ntexto\r\n", ("b",), ""),
        ("## T {#" + "a" * 65 + "}", (), ""),
    ],
)
def test_what_is_a_part_and_what_is_none(source: str, parts: tuple[str, ...], title: str) -> None:
    found = read_document(source.encode())
    assert (found.parts, found.title) == (parts, title)


@pytest.mark.parametrize("raw", [b"\xff", b"a\0b", b"\xc3(", b"x" * (MAX_SHOWN + 1), b"a\n\n" * 5_000])
def test_what_is_no_text_for_a_page_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        read_document(raw)


@pytest.mark.parametrize(
    ("line", "html"),
    [
        ("**a** y *b*", "<strong>a</strong> y *b*"),
        ("<b onclick=x>", "&lt;b onclick=x&gt;"),
        ("[ley](javascript:alert(1))", "[ley](javascript:alert(1))"),
        ("[ley](data:text/html,x)", "[ley](data:text/html,x)"),
        ("[a](//b)", "[a](//b)"),
        ("a\u202eb", 'a<span class="flag">U+202E</span>b'),
        ("&lt;", "&amp;lt;"),
        ("http://", "http://"),
    ],
)
def test_a_line_is_text(line: str, html: str) -> None:
    assert str(inline(line)) == html


@pytest.mark.parametrize(
    ("line", "href", "rest"),
    [
        ("Vea https://a.example/b?c=d.", "https://a.example/b?c=d", "Vea …."),
        ("(https://a.example/b)", "https://a.example/b", "(…)"),
        ('[ley](https://a.example/x"y)', None, None),
        ("[https://banco.example](https://a.example/x)", "https://a.example/x", "… (a.example)"),
        ("[ley](http://u:p@a.example)", "http://u:p@a.example", "… (u:p@a.example)"),
        ("[ley](http://[::1)", None, None),
    ],
)
def test_only_http_becomes_a_link_and_its_host_is_said(line: str, href: str | None, rest: str | None) -> None:
    made = str(inline(line))
    links = re.findall(r'<a class="outside" href="([^"]*)" rel="noopener nofollow ugc noreferrer">.*?</a>', made)
    if href is None:
        assert all(re.fullmatch(r"https?://[^\"<>\s]+", link) for link in links)
        assert 'x"y' not in links
    else:
        assert links == [href]
        assert re.sub(r"<a .*?</a>", "…", made) == rest


TEXTS = st.text(alphabet=st.sampled_from('#-*>12. ab<"&[]()\n{}\u202ehttps://:') | st.characters(), max_size=200)


@given(TEXTS)
def test_nothing_of_a_document_becomes_markup_but_what_the_form_knows(source: str) -> None:
    plan = read_document(source.replace("\0", "").encode("utf-8", "replace"))
    for section in plan.sections:
        made = html_of(section.blocks, 3)
        assert isinstance(made, Markup)
        tags = set(re.findall(r"<([^>\s]*)", made))
        known = {"p", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "a", "strong", "span"}
        assert {tag.strip("/") for tag in tags} <= known
        assert "\u202e" not in made


def test_inner_headings_follow_each_other_below_that_of_the_part() -> None:
    blocks = [Block("heading", ("x",), level) for level in (3, 6, 3, 4)]
    assert re.findall(r"<(h[0-9])>", html_of(tuple(blocks), 3)) == ["h4", "h5", "h4", "h5"]


def test_hostile_strings_stay_text(shared_vectors: Path) -> None:
    lines = (shared_vectors / "hostile-strings" / "xss-payloads.txt").read_text("utf-8").splitlines()
    naughty = json.loads((shared_vectors / "hostile-strings" / "big-list-of-naughty-strings.json").read_text("utf-8"))
    assert len(lines) + len(naughty) > 1_000
    for line in [*lines, *naughty]:
        made = str(inline(line))
        assert set(re.findall(r"<(/?[a-z]+)", made)) <= {"a", "/a", "strong", "/strong", "span", "/span"}
        assert all(re.match(r"https?://", link) for link in re.findall(r'href="([^"]*)"', made))


@pytest.mark.parametrize("sign", ["[", "**", "[a](", "# ", "> ", "http://", "a \t", "{#"])
def test_a_document_of_one_sign_a_million_times_is_read_and_laid_out(sign: str) -> None:
    # With a search that takes the square of a line, this does not come to an end.
    plan = read_document((sign * MAX_SHOWN)[:MAX_SHOWN].encode())
    made = html_of(tuple(block for section in plan.sections for block in section.blocks), 3)
    assert len(made) + len(plan.title) + sum(len(one.title) for one in plan.sections) > MAX_SHOWN // 4


# --- two versions ----------------------------------------------------------------------------------------------------


def test_versions_are_compared_by_part_and_passage() -> None:
    older = read_document(b"# P\n## A {#a}\nuno\n\n- x\n- y\n## B {#b}\nb\n## C {#c}\nc\n")
    newer = read_document(b"# P\n## A {#a}\nuno\n\n- x\n- z\n## C {#c}\nc\n## D {#d}\nd\n")
    changes = changes_between(older, newer)

    assert changes is not None
    assert [(one.part, one.fate, one.passages) for one in changes] == [
        ("a", "changed", (Passage(False, "y"), Passage(True, "z"))),
        ("c", "same", ()),
        ("d", "added", (Passage(True, "D"), Passage(True, "d"))),
        ("b", "removed", (Passage(False, "B"), Passage(False, "b"))),
    ]
    assert all(one.fate == "same" for one in changes_between(older, older) or ())


def test_a_part_that_moves_is_the_same_part_and_what_has_no_slug_is_known_by_its_title() -> None:
    older = read_document(b"## A {#a}\na\n## X\nx\n## B {#b}\nb\n")
    newer = read_document(b"## B {#b}\nb\n## X\nx2\n## A {#a}\na\n")
    assert [(one.title, one.fate) for one in changes_between(older, newer) or ()] == [
        ("B", "same"),
        ("X", "changed"),
        ("A", "same"),
    ]


def test_too_much_is_not_compared_on_a_page() -> None:
    long = read_document(b"a\n\n" * (MAX_COMPARED // 2 + 1))
    assert changes_between(long, long) is None


@given(TEXTS, TEXTS)
def test_the_older_version_without_what_was_taken_out_and_with_what_was_added_is_the_newer(old: str, new: str) -> None:
    older, newer = (read_document(text.replace("\0", "").encode("utf-8", "replace")) for text in (old, new))
    changes = changes_between(older, newer)
    assert changes is not None
    added = Counter(passage.text for change in changes for passage in change.passages if passage.added)
    taken = Counter(passage.text for change in changes for passage in change.passages if not passage.added)
    everything = changes_between(read_document(b""), older), changes_between(read_document(b""), newer)
    before, after = (Counter(p.text for change in each or () for p in change.passages) for each in everything)
    before.update(added)
    after.update(taken)
    assert before == after

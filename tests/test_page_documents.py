"""The page of a consulted document, asked of a real server: parts, comments beside them, versions, other files."""

import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
import world as w
from playwright.sync_api import Page, expect
from service import Served, founded_lately, put_on_disk
from test_browser import Look, look
from test_pages import Read, people, ready, wait_for

from consultation.text import Content, SaltedContent, claim
from consultation.text import salted_digest as digest_of_content
from ledger.statement import open_statement

__all__ = ["look"]  # a fixture

FIRST = b"""# Borrador
Lea con calma.

## Acceso {#acceso}
Se publicar\xc3\xa1n las solicitudes. <script>alert(1)</script> <b>fuerte</b>
[la ley](https://ley.example/57) y [no](javascript:alert(2))

- cada mes
- en el sitio

## Anexo {#anexo}
Nadie lo nombra.
"""
SECOND = FIRST.replace(b"cada mes", b"cada semana") + b"\n## Seguimiento {#seguimiento}\nCon un tablero.\n"
PDF = b"%PDF-1.7\n"
DOCUMENT = "/consultas/ronda-1/documento"

PARTS = [
    {"part": "acceso", "title": "Acceso a la información"},
    {"part": "seguimiento", "title": "Seguimiento de lo prometido"},
]


def digest(raw: bytes) -> str:
    """The digest that a statement names."""
    return sha256(raw).hexdigest()


def comment(server: Served, world: w.World, who: str, about: str, **fields: Any) -> str:
    """A comment through the door; its identity."""
    content = SaltedContent(salt="ab" * 32, content=Content(text=f"De {who} sobre {about}."))
    found = digest_of_content(bytes.fromhex(content.salt), world.origin, w.public(who), content.content)
    words = world.comment(who, about=about, **fields) | {"salted_digest": found, "claim": claim(who.encode().ljust(32))}
    note = world.sign("CommentSubmitted", f"{who}:citizen", **words)
    answer = server.post(note, [content])
    assert answer.status == 201, answer.body
    return open_statement(note, world.origin).identity


@pytest.fixture(scope="module")
def consulted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A round on a text in two versions, with comments on the first; and one on a file that is no text."""
    folder = tmp_path_factory.mktemp("documentos") / "registro"
    world = founded_lately(round_open=False)
    world.open_round(document=digest(FIRST), parts=PARTS)
    world.open_round(round="ronda-2", document=digest(PDF), parts=PARTS)
    world.open_round(round="ronda-3", document=digest(b"not kept"), parts=[])
    put_on_disk(world, folder)
    kept = folder / "documents"
    kept.mkdir()
    for name, raw in (("v1.md", FIRST), ("v2.md", SECOND), ("plan.pdf", PDF)):
        (kept / name).write_bytes(raw)
    with Served(folder) as server:
        ready(server)
        people_ = (f"persona-{number}" for number in count())
        said = [
            comment(server, world, next(people_), about, **({"position": position} if position else {}))
            for about, position in (
                ("acceso", "for"),
                ("acceso", "for"),
                ("acceso", "against"),
                ("acceso", ""),
                ("whole", "neutral"),
                (f"{w.PLAN}/C8", ""),
            )
        ]
        changes = [{"text": "Ahora <cada> semana", "comments": said[:2]}]
        published = {"round": "ronda-1", "version": 2, "document": digest(SECOND), "changes": changes}
        assert server.post(world.sign("DocumentPublished", "copret:coordinator", **published)).status == 201
        wait_for(server, DOCUMENT, "Versión 2, la que se consulta ahora")
        yield server


def part_of(source: str, part: str) -> str:
    """What the page shows of one part."""
    found = re.search(rf'<section id="parte-{part}".*?</section>', source, re.DOTALL)
    assert found, part
    return found[0]


def test_a_text_is_shown_by_parts_with_what_was_said_of_each(consulted: Served) -> None:
    source = people(consulted, DOCUMENT)
    access = part_of(source, "acceso")

    assert "cada semana" in access
    assert "4 comentarios" in Read(access).text
    assert "A favor: 2 · En contra: 1 · Sin posición: 1" in access
    assert 'href="/gt/consultas/ronda-1?sobre=acceso#resultados"' in access
    assert 'href="/gt/consultas/ronda-1/comentar?parte=acceso"' in access
    assert "Sin comentarios todavía" in part_of(source, "seguimiento")
    whole = source[source.index('id="documento-entero"') :]
    assert "1 comentario" in whole
    assert 'href="/gt/consultas/ronda-1?sobre=gt-2014-2016%2FC8#resultados"' in whole


def test_nothing_of_a_document_is_interpreted(consulted: Served) -> None:
    page = Read(people(consulted, DOCUMENT))

    assert "<script>alert(1)</script> <b>fuerte</b>" in page.text
    assert "[no](javascript:alert(2))" in page.text
    assert not [found for found in page.all("script") if "src" not in found]
    assert [link for link in page.links if "ley.example" in link] == ["https://ley.example/57"]
    assert not [link for link in page.links if link.startswith("javascript")]


def test_parts_that_only_one_of_the_two_names_are_said(consulted: Served) -> None:
    now, first = people(consulted, DOCUMENT), people(consulted, f"{DOCUMENT}?version=1")

    assert "marca partes que la consulta no nombra" in now
    assert "<code>anexo</code>" in now
    assert "doors" not in part_of(now, "anexo")
    assert "nombra partes que el documento no marca" not in now
    assert "nombra partes que el documento no marca" in first
    assert "Seguimiento de lo prometido" in part_of(first, "seguimiento")


def test_an_earlier_version_is_read_but_not_commented(consulted: Served) -> None:
    source = people(consulted, f"{DOCUMENT}?version=1")

    assert "Versión 1, que no es la que se consulta ahora." in source
    assert "cada mes" in part_of(source, "acceso")
    assert "/comentar?" not in source
    assert people(consulted, f"{DOCUMENT}?version=3", status=404)
    assert people(consulted, f"{DOCUMENT}?version=0", status=404)


def test_versions_say_what_changed_and_which_comments_that_answers(consulted: Served) -> None:
    source = people(consulted, DOCUMENT)
    versions = source[source.index('id="versiones"') :]

    assert digest(FIRST) in versions
    assert digest(SECOND) in versions
    assert "Ahora &lt;cada&gt; semana" in versions
    assert len(re.findall(r"comentario núm\. \d+", versions)) == 2
    assert 'href="/gt/consultas/ronda-1/documento?version=2&amp;comparar=1#cambios"' in versions


@pytest.mark.parametrize(
    ("language", "added", "taken"), [("", "Se agregó:", "Se quitó:"), ("/en", "Added:", "Taken out:")]
)
def test_two_versions_are_compared_in_words(consulted: Served, language: str, added: str, taken: str) -> None:
    source = people(consulted, f"{language}{DOCUMENT}?version=2&comparar=1")
    changes = source[source.index('id="cambios"') : source.index('class="by-parts"')]

    assert re.findall(r"<b>([^<]*)</b> <(ins|del)><bdi[^>]*>([^<]*)", changes) == [
        (taken, "del", "cada mes"),
        (added, "ins", "cada semana"),
        (added, "ins", "Seguimiento"),
        (added, "ins", "Con un tablero."),
    ]
    # Backwards, and a version with itself.
    back = people(consulted, f"{DOCUMENT}?version=1&comparar=2")
    assert "sección quitada" in back[back.index('id="cambios"') :]
    assert "Ningún pasaje cambia." in people(consulted, f"{DOCUMENT}?version=2&comparar=2")


def test_another_file_is_offered_with_its_digest_and_its_parts_by_title(consulted: Served) -> None:
    source = people(consulted, "/consultas/ronda-2/documento")

    assert "no es texto simple" in source
    assert f'href="/gt/documentos/{digest(PDF)}"' in source
    assert "Acceso a la información" in part_of(source, "acceso")
    assert "comentar?parte=acceso" in part_of(source, "acceso")
    assert "no se pueden comparar" in people(consulted, "/consultas/ronda-2/documento?comparar=1")


def test_a_file_that_is_not_kept_here_is_said_to_be_elsewhere(consulted: Served) -> None:
    assert "El documento no se guarda aquí" in people(consulted, "/consultas/ronda-3/documento")
    people(consulted, "/consultas/nada/documento", status=404)


def test_a_file_that_was_changed_is_not_the_document(consulted: Served) -> None:
    path = consulted.folder / "documents" / "v1.md"
    path.write_bytes(FIRST + b"x")
    try:
        assert "El documento no se guarda aquí" in people(consulted, f"{DOCUMENT}?version=1")
    finally:
        path.write_bytes(FIRST)


def test_an_older_state_counts_what_was_said_until_then(consulted: Served) -> None:
    size = int(re.search(r"comentario núm\. (\d+)", people(consulted, DOCUMENT))[1])  # type: ignore[index]
    source = people(consulted, f"{DOCUMENT}?at={size + 1}")

    assert "1 comentario" in Read(part_of(source, "acceso")).text
    assert "/comentar?" not in source
    assert 'id="versiones"' in source
    assert "version=2" not in source


def test_the_choice_of_a_part_leads_to_it_without_scripts(consulted: Served) -> None:
    answer = consulted.get(f"{DOCUMENT}?parte=seguimiento", accept="text/html")
    assert (answer.status, answer.headers["location"]) == (303, "/gt/consultas/ronda-1/documento#parte-seguimiento")
    older = consulted.get(f"/en{DOCUMENT}?version=1&parte=acceso", accept="text/html")
    assert older.headers["location"] == "/gt/en/consultas/ronda-1/documento?version=1#parte-acceso"
    people(consulted, f"{DOCUMENT}?parte=otra")


# --- in a browser ----------------------------------------------------------------------------------------------------

SHOWN = (DOCUMENT, f"{DOCUMENT}?version=2&comparar=1", "/consultas/ronda-2/documento")


@pytest.mark.parametrize("path", SHOWN)
@pytest.mark.parametrize(("language", "width"), [("", 320), ("/en", 390), ("", 1280)])
def test_it_is_read_on_every_screen(
    consulted: Served,
    look: Look,
    axe_findings: Callable[[Page], list[str]],
    path: str,
    language: str,
    width: int,
) -> None:
    page = look(f"{consulted.address.rstrip('/')}/gt{language}{path}", width)
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # On a phone a list to choose from, on a desk the parts at the side; never both.
    chooser = page.locator("form.jump")
    assert chooser.is_visible() is (width < 1000)
    assert page.locator(".parts nav").is_visible() is (width >= 1000)


def test_a_phone_without_scripts_goes_to_a_part(consulted: Served, look: Look) -> None:
    page = look(f"{consulted.address.rstrip('/')}/gt{DOCUMENT}", 390, javascript=False)
    page.get_by_label("Parte del documento").select_option("seguimiento")
    page.get_by_role("button", name="Ir").click()
    expect(page).to_have_url(re.compile(r"/documento#parte-seguimiento$"))
    expect(page.get_by_role("heading", name="Seguimiento", exact=True)).to_be_in_viewport()


@pytest.mark.parametrize("forced", ["active", "none"])
def test_changes_are_told_apart_without_colour(
    consulted: Served, look: Look, axe_findings: Callable[[Page], list[str]], forced: Any
) -> None:
    page = look(f"{consulted.address.rstrip('/')}/gt{SHOWN[1]}", 1280, forced=forced, scheme="dark")
    taken, added = page.locator("#cambios li").all()[:2]
    assert taken.inner_text().startswith("Se quitó: cada mes")
    assert added.inner_text().startswith("Se agregó: cada semana")
    assert "line-through" in taken.locator("del").evaluate("node => getComputedStyle(node).textDecorationLine")
    assert "underline" in added.locator("ins").evaluate("node => getComputedStyle(node).textDecorationLine")
    if forced == "none":
        assert axe_findings(page) == []

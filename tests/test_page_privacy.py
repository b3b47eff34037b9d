"""What the page on data protection says is what the code does: every kind, field, column and setting is explained, and
after a comment came nothing of what is never stored is anywhere.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
import world as w
from playwright.sync_api import Page
from service import Served, founded_lately, put_on_disk
from test_browser import Look, look
from test_pages import PAGES, Read, people, ready, site, wait_for

from api.limits import Store
from api.names import NAMES
from api.page_privacy import ACTS, COLUMNS, CONTENTS, COUNTS, FIELDS, SETTINGS, signed_by_people
from api.phrasing import Phrasing
from api.settings import LedgerSettings, Settings
from consultation.text import Content, SaltedContent, claim, format_submission, salted_digest
from consultation.vault import Vault
from ledger.kinds import fields_of
from ledger.vocabulary import KINDS

__all__ = ["look", "site"]  # fixtures

# --- nothing is left out ---------------------------------------------------------------------------------------------


def test_every_field_that_a_citizen_signs_is_explained_and_no_other() -> None:
    kinds = signed_by_people()
    assert {"CommentSubmitted", "CommentTranscribed", "CommentEndorsed", "ErasureRequested"} <= {
        name for name, _ in kinds
    }
    fields = {field.name for _, kind in kinds for field in fields_of(kind, frozenset())}
    assert set(FIELDS) == fields


def columns_of(path: Path) -> set[str]:
    """The names of all columns of a database."""
    with closing(sqlite3.connect(path)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {row[1] for table in tables for row in database.execute(f"PRAGMA table_info({table})")}


def test_every_field_of_a_content_and_every_column_of_the_vault_is_explained(tmp_path: Path) -> None:
    Vault.open(tmp_path / "vault.db", create=True).close()
    assert set(CONTENTS) == set(Content.__struct_fields__)
    assert set(COLUMNS) == columns_of(tmp_path / "vault.db")


def test_every_column_of_the_counts_is_explained(tmp_path: Path) -> None:
    Store.open(tmp_path / "limits.db").close()
    assert set(COUNTS) == columns_of(tmp_path / "limits.db")


def test_every_setting_is_looked_at() -> None:
    assert set(SETTINGS) == {*Settings.__struct_fields__, *LedgerSettings.__struct_fields__}


def test_every_statement_that_takes_a_text_from_view_or_brings_it_back_is_in_the_table() -> None:
    about_a_content = {name for name in KINDS if name.startswith("Content")}
    assert {kind for _, kind, *_ in ACTS} == about_a_content | {"StatementWithdrawn"}


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["", "/en"])
def test_the_page_has_every_kind_field_and_act_and_whom_to_ask(site: Served, language: str) -> None:
    page = Read(people(site, f"{language}/privacidad"))
    for name in FIELDS:
        assert name in page.text
    if language:
        for name, _ in signed_by_people():
            assert NAMES["kind"][name] in page.text
        assert "2 × moderator, of different organisations" in page.text
        assert "Log of requests (method, path, status, duration; no address, no query, no text): off." in page.text
        assert "20 statements at once and 20 more each hour are taken as they come" in page.text
        assert "Servers in front of this one, which see your address and may log it: none." in page.text
    else:
        assert f"2 × {Phrasing('es-GT').name('role', 'moderator')}, de organizaciones distintas" in page.text
        assert "artículo 31 de la Constitución" in page.text
    assert "(COPRET)" in page.text
    assert f"/gt{language}/planes/gt-2014-2016/compromisos/C6" in page.links


@pytest.mark.parametrize("path", ["/", "/consultas", "/acerca", "/en/verificar"])
def test_every_page_leads_to_it(site: Served, path: str) -> None:
    language = "/en" if path.startswith("/en") else ""
    assert f"/gt{language}/privacidad" in Read(people(site, path)).links


@pytest.mark.parametrize(("language", "width"), [("", 320), ("/en", 390), ("", 1280)])
def test_it_is_read_on_every_screen(
    site: Served, look: Look, axe_findings: Callable[[Page], list[str]], language: str, width: int
) -> None:
    page = look(f"{site.address.rstrip('/')}/gt{language}/privacidad", width)
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# --- what is never stored, looked for --------------------------------------------------------------------------------

AGENT = "Navegador-Inconfundible/7.31 (aparato de una vecina)"
ADDRESS = "203.0.113.77"
SECRET = bytes(range(200, 232))
TEXT = "Un comentario con palabras inconfundibles: zurumbático quetzalillo."


@pytest.fixture(scope="module")
def commented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that logs every request, behind a proxy that names the address, after a comment and some reading."""
    folder = tmp_path_factory.mktemp("privacidad") / "registro"
    world = founded_lately()
    put_on_disk(world, folder, access_log=True, trusted_proxies=("127.0.0.1",))
    with Served(folder) as server:
        ready(server)
        # What a browser sends, and a proxy adds.
        sent = {
            "user-agent": AGENT,
            "x-forwarded-for": ADDRESS,
            "x-real-ip": ADDRESS,
            "forwarded": f"for={ADDRESS}",
            "accept-language": "quc,es;q=0.5,x-inconfundible",
            "cookie": "inconfundible=1",
            "accept": "text/html",
        }
        media = {"content-type": "application/vnd.constancia.submission+json"}
        content = SaltedContent(salt="5a" * 32, content=Content(text=TEXT))
        digest = salted_digest(bytes.fromhex(content.salt), world.origin, w.public("vecina"), content.content)
        words = world.comment("vecina") | {"salted_digest": digest, "claim": claim(SECRET)}
        note = world.sign("CommentSubmitted", "vecina:citizen", **words)
        first = server.request("POST", "/gt/statements", format_submission(note, [content]), {**sent, **media})
        assert first.status == 201, first.body
        # A refused one too: nothing of it may stay.
        other = SaltedContent(salt="5b" * 32, content=Content(text="rechazado-inconfundible"))
        note = world.sign("CommentSubmitted", "vecino:citizen", **world.comment("vecino"))
        refused = server.request("POST", "/gt/statements", format_submission(note, [other]), {**sent, **media})
        assert (refused.status, refused.code) == (422, "digest-mismatch")
        wait_for(server, "/consultas/ronda-1", "zurumbático")
        for path in ("/", "/consultas/ronda-1", "/privacidad", "/planes/gt-2014-2016?q=inconfundible", "/nada"):
            assert server.request("GET", f"/gt{path}", None, sent).status in (200, 404)
        yield server


def everything(server: Served) -> dict[str, bytes]:
    """All that the server has written: every file under the ledger's folder, its log, and its figures."""
    found = {path.name: path.read_bytes() for path in sorted(server.folder.rglob("*")) if path.is_file()}
    found["/metrics"] = server.get("//metrics").body
    return found


def holding(server: Served, *needles: bytes) -> list[str]:
    """The files in which one of these is."""
    return [name for name, raw in everything(server).items() if any(needle in raw for needle in needles)]


def test_the_search_finds_what_is_there(commented: Served) -> None:
    assert "server.log" in holding(commented, b"POST /gt/statements")
    assert "journal.db" in holding(commented, w.public("vecina").encode()) or "journal.db-wal" in holding(
        commented, w.public("vecina").encode()
    )
    assert [name for name in holding(commented, TEXT.encode()) if name.startswith(("vault", "0", "000"))]


@pytest.mark.parametrize(
    ("what", "needles"),
    [
        ("the address", (ADDRESS.encode(),)),
        ("the name of the browser", (AGENT.encode(), b"Navegador-Inconfundible")),
        ("the languages of the browser", (b"x-inconfundible",)),
        ("a cookie, or what was searched for", (b"inconfundible=1", b"q=inconfundible")),
        ("the private key", (bytes(w.key_of("vecina")), bytes(w.key_of("vecina")).hex().encode())),
        ("the secret of the private file", (SECRET, SECRET.hex().encode())),
        ("what was refused", (b"rechazado-inconfundible", b"5b" * 32, b"\x5b" * 32)),
    ],
)
def test_it_is_nowhere(commented: Served, what: str, needles: tuple[bytes, ...]) -> None:
    assert holding(commented, *needles) == [], what


def test_the_log_of_requests_is_method_path_status_and_time(commented: Served) -> None:
    lines = [line for line in commented.log().splitlines() if " /gt" in line]
    assert len(lines) > 5
    assert [line for line in lines if not re.search(r" (GET|POST) /gt[^?\s]* \d{3} [\d.]+ ms$", line)] == []


def test_no_text_of_a_comment_is_in_the_log_or_the_figures_or_the_ledger(commented: Served) -> None:
    allowed = re.compile(r"vault\.db|vault|\d+|server\.log-none")
    found = [name for name in holding(commented, TEXT.encode(), "zurumbático".encode()) if not allowed.match(name)]
    assert found == []


@pytest.mark.parametrize("path", PAGES)
def test_no_page_sets_a_cookie(site: Served, path: str) -> None:
    answer = site.get(path, accept="text/html", cookie="a=b")
    assert "set-cookie" not in answer.headers
    assert not SimpleCookie(answer.headers.get("set-cookie", ""))


def test_a_browser_holds_no_cookie_after_reading_and_verifying(site: Served, look: Look) -> None:
    page = look(f"{site.address.rstrip('/')}/gt/", 390)
    for path in ("/consultas", "/verificar", "/privacidad", "/en/"):
        page.goto(f"{site.address.rstrip('/')}/gt{path}")
    assert page.context.cookies() == []
    assert page.evaluate("document.cookie") == ""

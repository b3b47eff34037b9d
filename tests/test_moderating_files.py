"""Captured files withheld, restored and erased by command: real processes, a real server, a real archive; an audit
agrees with it."""

import base64
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import test_cli as cli
from playwright.sync_api import Browser, Page, expect
from service import now_ms
from test_feeds import ATOM, field
from test_feeds import feed as read_feed
from test_officers import Office, key
from test_page_archives import Office as Kept

from ledger.statement import format_when

WITHHOLD = ("--ground", "personal_data", "--rule", "Regla 2")


class Town(Kept):
    """The served ledger of captured bytes, as officers' folders know it."""

    def statement(self, index: int) -> Any:
        """The statement of an entry."""
        self.server.folded()
        note = self.server.get(f"/api/entries/{index}").json["data"]["note"]
        return json.loads(note.split("\n")[1])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    town = Town(tmp_path_factory.mktemp("archivos") / "gt")
    with town.server as server:
        server.folded()
        yield town


@pytest.fixture
def office(town: Any, tmp_path: Path) -> Office:
    return Office(town, tmp_path)


def captured(office: Office, body: bytes, who: str = "captura:capturer") -> tuple[dict[str, str], int]:
    """Bytes that were captured: the target that acts name, and the entry of the capture."""
    town: Any = office.town
    return town.capture(body, who), town.server.size() - 1


def status_of(office: Office, digest: str) -> int:
    """How the server answers whoever asks for the bytes."""
    town: Any = office.town
    return int(town.get(digest).status)


def test_a_file_is_withheld_by_its_digest_and_restored_by_its_address(office: Office) -> None:
    target, _ = captured(office, b"padron con nombres")
    digest = target["salted_digest"]
    words = ("moderate", "withhold", digest, *WITHHOLD)
    dry = office.ran("vigilante", *words, "--dry-run")
    assert "El reglamento la admite" in dry.err
    assert f"Es un archivo capturado: {digest}" in dry.err
    assert f"constancia archive LUGAR --to {office.url}" in dry.err
    assert status_of(office, digest) == 200

    said = office.did("vigilante", *words, "--authority", "Juzgado 2")
    assert (said["kind"], said["target"], said["authority"]) == ("ContentWithheld", target, "Juzgado 2")
    assert status_of(office, digest) == 451
    twice = office.ran("vigilante", *words, "--yes", code=1, LANG="en_US.UTF-8")
    assert "Somebody did it before" in twice.err

    address = f"{office.url}/evidencia/archivos/{digest}.wacz"
    restored = office.did("jurado", "moderate", "restore", address, "--reasons", "Son públicos.", to=False)
    assert (restored["kind"], restored["target"]) == ("ContentRestored", target)
    assert status_of(office, digest) == 200


def test_a_file_is_erased_by_two_because_somebody_asked_and_the_archive_destroys_it(office: Office) -> None:
    town: Any = office.town
    body = b"lo que hay que borrar"
    target, entry = captured(office, body)
    digest = sha256(body).hexdigest()
    asked = office.did("jurado", "moderate", "request", str(entry), "--ground", "legal_order", "--authority", "Juzgado")
    assert (asked["kind"], asked["target"]) == ("ErasureRequested", target)
    words = ("moderate", "erase", str(entry), "--ground", "requested", "--rule", "Regla 4", "--out", "n", "--yes")
    office.ran("vigilante", *words, "--with", "jurado", "--store", "vault", "--store", "backups")
    assert status_of(office, digest) == 200  # one of two has signed
    key(office.folder, "jurado")
    assert cli.run("sign", "n", "--key", "jurado.key", cwd=office.folder).code == 0
    sent = cli.run("submit", "n", "--to", office.url, "--json", cwd=office.folder)
    erased = town.statement(sent.json["index"])
    assert (erased["kind"], erased["target"], erased["stores"]) == ("ContentErased", target, ["vault", "backups"])
    assert status_of(office, digest) == 410
    assert digest in town.settled()["moved"]
    assert [path for path in (town.folder / "archive").rglob("*") if digest in path.name] == []
    late = office.ran("vigilante", "moderate", "withhold", digest, *WITHHOLD, "--yes", code=1)
    assert "state" in late.err


def test_of_several_captures_of_the_same_bytes_the_one_that_was_withheld_is_restored(office: Office) -> None:
    body = b"los mismos bytes"
    first, entry = captured(office, body)
    second, other = captured(office, body, "sombra:capturer")
    digest = first["salted_digest"]
    assert office.did("vigilante", "moderate", "withhold", str(other), *WITHHOLD)["target"] == second
    # By the digest it is the one that was withheld, though it is not the first.
    assert office.did("jurado", "moderate", "restore", digest, "--reasons", "R")["target"] == second
    assert office.did("vigilante", "moderate", "withhold", digest, *WITHHOLD)["target"] == first
    office.did("vigilante", "moderate", "withhold", str(other), *WITHHOLD)
    restore = ("moderate", "restore", "--reasons", "R")
    unclear = office.ran("jurado", *restore, digest, "--yes", code=2)
    assert f"asientos {entry}, {other}" in unclear.err
    assert "number of its entry" in office.ran("jurado", *restore, digest, code=2, LANG="en_US.UTF-8").err
    for number in (entry, other):
        assert status_of(office, digest) == 451  # while any is withheld
        office.did("jurado", *restore, str(number))
    assert status_of(office, digest) == 200


def test_acts_on_files_are_called_so_in_public_in_both_languages_and_lead_to_the_evidence(office: Office) -> None:
    town: Any = office.town
    target, _ = captured(office, b"a la vista de todos")
    digest = target["salted_digest"]
    words = ("--rule", "Regla 2", "--ground", "court_order", "--authority", "Juzgado 9")
    office.did("vigilante", "moderate", "withhold", digest, *words)
    act = town.server.size() - 1
    for language, named, of in (
        ("", "Archivo capturado retenido", "un archivo capturado de esta evidencia"),
        ("/en", "Captured file withheld", "a file captured of this evidence"),
    ):
        body = town.server.get(f"{language}/moderacion", accept="text/html").body.decode()
        article = body.partition(f'<article class="comment" id="a{act}">')[2].partition("</article>")[0]
        assert f"<strong>{named}</strong>" in article
        assert f'<a href="/gt{language}/evidencia/{town.index}">{of}</a>' in article
        assert f"SHA-256 {digest}" in article
        assert "Texto retenido" not in body
        assert "Text withheld" not in body
    office.did("jurado", "moderate", "restore", digest, "--reasons", "R")
    body = town.server.get("/moderacion", accept="text/html").body.decode()
    assert "Archivo capturado, de nuevo a la vista" in body


def test_all_of_moderation_has_a_feed_that_goes_on_in_pages(office: Office) -> None:
    town: Any = office.town
    target, entry = captured(office, b"retenido muchas veces")
    why = {"ground": "personal_data", "appeal_until": format_when(now_ms() + 86_400_000)}
    for number in range(51):  # the same statement in the same second would be one entry
        town.say("vigilante:moderator", kind="ContentWithheld", target=target, rule=f"Regla {number}", **why)
        town.say("jurado:moderator", kind="ContentRestored", target=target, words={"text": f"Público: {number}."})
    page = town.server.get("/moderacion", accept="text/html").body.decode()
    assert '<a href="/gt/moderacion/atom.xml">Seguir toda la moderación (Atom)</a>' in page
    assert f'href="{office.url}/moderacion/atom.xml"' in page

    feed = read_feed(town.server, "/moderacion/atom.xml")
    entries = feed.findall(ATOM + "entry")
    assert len(entries) == 100
    restored, withheld = entries[:2]
    assert field(restored, "title").startswith("Contenido mostrado de nuevo")
    last = town.server.get(f"/api/entries/{town.server.size() - 1}").json["data"]
    digest = base64.urlsafe_b64encode(bytes.fromhex(last["identity"])).decode().rstrip("=")
    assert field(restored, "id") == f"ni:///sha-256;{digest}"
    assert field(restored, "updated") == last["received_at"] == field(feed, "updated")
    said = field(withheld, "content")
    assert f"SHA-256 {target['salted_digest']}" in said
    assert f"Archivo capturado: constancia núm. {entry}" in said
    assert "contiene datos personales" in said
    english = read_feed(town.server, "/en/moderacion/atom.xml")
    assert f"Captured file: record no. {entry}" in field(english.findall(ATOM + "entry")[0], "content")

    (following,) = [one.get("href", "") for one in feed.findall(ATOM + "link") if one.get("rel") == "next"]
    rest = read_feed(town.server, following.partition("/gt")[2])
    ids = [field(one, "id") for one in [*entries, *rest.findall(ATOM + "entry")]]
    acts = len(town.server.get("/api/records/moderation?limit=500").json["data"])
    assert len(set(ids)) == len(ids) == acts > 100
    assert not [one for one in rest.findall(ATOM + "link") if one.get("rel") == "next"]


def test_what_is_for_texts_alone_says_what_is_done_with_files(office: Office) -> None:
    town: Any = office.town
    target, entry = captured(office, b"un archivo")
    size = town.server.size()
    redact = ("moderate", "redact", *WITHHOLD, "--blank", "x", "--yes")
    for named in (str(entry), target["salted_digest"], target["statement"][:12]):
        refused = office.ran("vigilante", *redact, named, code=2)
        assert "son bytes capturados" in refused.err
        assert "moderate withhold" in refused.err
    read = office.ran("vigilante", "moderate", "read", str(entry), code=2, LANG="en_US.UTF-8")
    assert "under sealed/" in read.err
    for unknown in ("0" * 64, "0", "ab" * 8, f"{office.url}/evidencia/{town.index}"):
        nothing = office.ran("vigilante", "moderate", "withhold", unknown, *WITHHOLD, "--yes", code=2)
        assert "no es un comentario ni un archivo capturado" in nothing.err
    assert town.server.size() == size


def test_who_does_not_moderate_withholds_no_files(office: Office) -> None:
    target, _ = captured(office, b"de la propia casa")
    words = ("moderate", "withhold", target["salted_digest"], *WITHHOLD, "--yes")
    assert "no tiene ese papel" in office.ran("copret", *words, code=2).err
    assert status_of(office, target["salted_digest"]) == 200


@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_where_withheld_files_are_told_of(
    office: Office, browser: Browser, axe_findings: Callable[[Page], list[str]], width: int
) -> None:
    town: Any = office.town
    target, _ = captured(office, f"retenido, {width}".encode())
    why = {"ground": "personal_data", "rule": "Regla 2", "appeal_until": format_when(now_ms() + 86_400_000)}
    town.say("vigilante:moderator", kind="ContentWithheld", target=target, **why)
    act = town.server.size() - 1
    for path in ("/moderacion", "/en/moderacion", f"/evidencia/archivos/{target['salted_digest']}"):
        page = browser.new_page(viewport={"width": width, "height": 844})
        page.goto(office.url + path)
        assert axe_findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator(f"main a[href$='/asientos/{act}']").first.click()
        expect(page.locator("main")).to_contain_text("Regla 2")
        page.close()


def test_an_audit_agrees_with_all_of_it(office: Office) -> None:
    ran = cli.run("audit", office.url, "--json")
    assert ran.code == 0, ran.out
    assert [one for one in ran.json["findings"] if one["severity"] != "note"] == []

"""Captured bytes over HTTP: served as files to be saved, and withheld, restored and erased as the record says."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import world as w
from service import Answer, Served, founded_lately, now_ms, put_on_disk
from test_cli import run

from api.archives import Archive, Capture, open_archive, web_archive
from api.signing import sign_draft
from ledger.statement import format_when

LIST = b"<html><script>alert(1)</script>Beneficiaria: Rosa</html>"


class Office:
    """A served ledger with a link, and an archive in its folder."""

    def __init__(self, folder: Path) -> None:
        world = founded_lately(round_open=False)
        w.second_moderator(world)
        w.add_actor(world, "sombra", "program", "congreso")
        w.grant(world, "sombra", "capturer")
        told = {"title": "Lista", "evidence_type": "document", "shows": "Quiénes"}
        linked = world.say(
            "EvidenceLinked", "copret:institution", for_=[f"{w.G1}.M0"], url="http://a.example/l", **told
        )
        self.link, self.index = linked.opened.identity, linked.index
        put_on_disk(world, folder)
        self.folder, self.archive = folder, open_archive(str(folder / "archive"))
        self.server = Served(folder)

    def say(self, *who: str, **fields: Any) -> str:
        """Register a statement; its identity."""
        signers = [one.partition(":") for one in who]
        by = [{"actor": name, "key": w.public(name), "role": role} for name, _, role in signers]
        keys = [w.key_of(name) for name, _, _ in signers]
        signed = sign_draft({"plan": w.PLAN} | fields, w.ORIGIN, keys, by=by, now_ms=now_ms())
        answer = self.server.post(signed.note)
        assert answer.status == 201, answer.body
        self.server.folded()
        return str(answer.json["identity"])

    def capture(self, body: bytes, who: str = "captura:capturer", *, keep: bool = True) -> dict[str, str]:
        """Capture bytes; the target that acts of moderation name."""
        if keep:
            kept(self.archive, body)
        seen = {"size": len(body), "media_type": "text/html", "method": "direct", "captured_at": format_when(now_ms())}
        digest = sha256(body).hexdigest()
        identity = self.say(who, kind="EvidenceCaptured", link=self.link, digest=digest, **seen)
        return {"statement": identity, "salted_digest": digest}

    def get(self, digest: str, ending: str = "", **headers: str) -> Answer:
        return self.server.get(f"/evidencia/archivos/{digest}{ending}", **headers)

    def settled(self) -> Any:
        url = f"{self.server.address.rstrip('/')}/gt"
        return run("archive", self.folder / "archive", "--to", url, "--json").json


def kept(archive: Archive, body: bytes) -> str:
    capture = Capture(url="http://a.example/l", captured_ms=1_771_243_200_000, method="direct", media_type="text/html")
    return archive.keep(body, web_archive(capture, body, "constancia"))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    office = Office(tmp_path_factory.mktemp("archivo") / "gt")
    with office.server:
        yield office


def leads_to(office: Office, page: Answer, act: int) -> None:
    """The page and its headers lead to the statement of an entry, which says who did it and why."""
    link = f"/gt/asientos/{act}"
    assert f'<a href="{link}">Leer esa declaración: constancia núm. {act}</a>' in page.body.decode()
    assert f'<{link}>; rel="describedby"' in page.headers["link"]
    told = office.server.get(link.removeprefix("/gt"), accept="text/html").body.decode()
    assert "Contenido retenido" in told or "Contenido borrado" in told


def test_captured_bytes_are_saved_and_never_shown(office: Office) -> None:
    digest = office.capture(LIST)["salted_digest"]
    answer = office.get(digest)
    assert (answer.status, answer.body) == (200, LIST)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{digest}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert answer.headers["cache-control"] == "no-cache"


def test_the_web_archive_stands_beside_them(office: Office) -> None:
    digest = office.capture(b"otra")["salted_digest"]
    answer = office.get(digest, ".wacz")
    assert answer.headers["content-type"] == "application/wacz"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as file:
        assert json.loads(file.read("datapackage.json"))["capture"]["digest"] == digest


def test_the_page_of_the_evidence_leads_to_both_and_says_what_is_withheld(office: Office) -> None:
    target = office.capture(b"a la vista")
    digest = target["salted_digest"]
    address = f"/gt/evidencia/archivos/{digest}"
    page = office.server.get(f"/evidencia/{office.index}").body.decode()
    assert f'href="{address}"' in page
    assert f'href="{address}.wacz"' in page
    assert re.search(r"/gt/mesa/investigacion\?plan=[^&]+&amp;compromiso=", page)
    until = format_when(now_ms() + 30 * 86_400_000)
    why = {"ground": "personal_data", "rule": "Regla 1", "appeal_until": until}
    office.say("vigilante:moderator", kind="ContentWithheld", target=target, **why)
    act = office.server.size() - 1
    page = office.server.get(f"/evidencia/{office.index}").body.decode()
    assert address not in page
    assert f'href="/gt/asientos/{act}"' in page  # who and on which ground
    before = office.server.get(f"/evidencia/{office.index}?at={act}").body.decode()
    assert "Los bytes están retenidos" in before
    assert f"/asientos/{act}" not in before
    assert "Los bytes están retenidos" in page


def test_what_merely_lies_in_the_folder_is_not_served(office: Office) -> None:
    assert office.get(kept(office.archive, b"nadie lo captur\xc3\xb3")).status == 404


def test_bytes_that_are_kept_elsewhere_are_said_not_to_be_here(office: Office) -> None:
    assert office.get(office.capture(b"lejos", keep=False)["salted_digest"]).status == 404


@pytest.mark.parametrize(
    "name", ["", "x", "A" * 64, "0" * 63, "0" * 65, "../" + "0" * 61, "0" * 64 + ".exe", "0" * 64 + "."]
)
def test_other_names_are_no_addresses(office: Office, name: str) -> None:
    assert office.get(name).status in (400, 404)


def test_a_flipped_bit_is_not_served(office: Office) -> None:
    digest = office.capture(b"entero")["salted_digest"]
    place = office.folder / "archive" / digest[:2] / digest
    place.write_bytes(b"Entero")
    assert office.get(digest).status == 500
    place.write_bytes(b"entero")
    assert office.get(digest).status == 200


def test_withheld_bytes_are_out_of_view_at_once_and_sealed_and_come_back(office: Office) -> None:
    body = b"lista con nombres"
    target = office.capture(body)
    digest, path = target["salted_digest"], Path(target["salted_digest"][:2]) / target["salted_digest"]
    office.capture(body, "sombra:capturer")  # another capture of the same bytes does not show them either
    until = format_when(now_ms() + 30 * 86_400_000)
    why = {"ground": "personal_data", "rule": "Regla 1", "appeal_until": until}
    office.say("vigilante:moderator", kind="ContentWithheld", target=target, **why)
    act = office.server.size() - 1
    page = office.get(digest, accept="text/html")
    assert (page.status, page.headers["content-type"]) == (451, "text/html; charset=utf-8")
    assert "retenido" in page.body.decode()
    leads_to(office, page, act)
    assert body not in page.body
    assert office.get(digest, ".wacz").status == 451
    assert digest in office.settled()["moved"]
    folder = office.folder / "archive"
    assert not (folder / path).exists()
    assert (folder / "sealed" / path).read_bytes() == body
    assert (folder / "sealed").stat().st_mode & 0o077 == 0
    kept(office.archive, body)  # captured again, it stays sealed
    assert not (folder / path).exists()
    assert office.settled()["moved"] == []
    words = {"text": "Los nombres eran de funcionarios."}
    office.say("jurado:moderator", kind="ContentRestored", target=target, words=words)
    assert digest in office.settled()["moved"]
    assert office.get(digest).body == body
    assert office.get(digest, ".wacz").status == 200


def test_erased_bytes_are_destroyed_wherever_they_are(office: Office) -> None:
    body = b"lo que pidieron borrar"
    target = office.capture(body)
    digest = target["salted_digest"]
    why = {"ground": "court_order", "rule": "Sentencia", "stores": ["vault", "backups", "mirrors"]}
    office.say("vigilante:moderator", "jurado:moderator", kind="ContentErased", target=target, **why)
    page = office.get(digest, accept="text/html")
    assert page.status == 410
    assert "borrado" in page.body.decode()
    act = office.server.size() - 1
    leads_to(office, page, act)
    assert (
        office.get(digest).headers["link"] == f'</gt/asientos/{act}>; rel="describedby"'
    )  # nothing is blocked: it is gone
    assert digest in office.settled()["moved"]
    left = [path for path in (office.folder / "archive").rglob("*") if digest in path.name]
    assert left == []
    kept(office.archive, body)
    assert office.get(digest).status == 410  # handed in once more, it is not served
    assert digest in office.settled()["moved"]  # and destroyed once more


def test_an_older_view_serves_no_more(office: Office) -> None:
    body = b"ya no"
    target = office.capture(body)
    size = office.server.size()
    until = format_when(now_ms() + 30 * 86_400_000)
    why = {"ground": "personal_data", "rule": "Regla 1", "appeal_until": until}
    office.say("vigilante:moderator", kind="ContentWithheld", target=target, **why)
    older = office.get(target["salted_digest"], f"?at={size}")
    assert older.status == 451
    # The act is younger than that view, and is told all the same.
    leads_to(office, office.get(target["salted_digest"], f"?at={size}", accept="text/html"), size)


def test_the_answer_names_the_statement_that_withheld_and_who_blocks_it_in_its_headers(office: Office) -> None:
    target = office.capture(b"solo para programas")
    until = format_when(now_ms() + 30 * 86_400_000)
    why = {"ground": "court_order", "rule": "Sentencia", "authority": "Juzgado 2", "appeal_until": until}
    office.say("vigilante:moderator", kind="ContentWithheld", target=target, **why)
    act = office.server.size() - 1
    for ending in ("", ".wacz"):
        answer = office.get(target["salted_digest"], ending)
        assert answer.status == 451
        assert answer.headers["link"] == f'</gt/asientos/{act}>; rel="describedby", </gt/>; rel="blocked-by"'
    page = office.get(target["salted_digest"], accept="text/html").body.decode()
    assert "Juzgado 2" in office.server.get(f"/asientos/{act}", accept="text/html").body.decode()
    assert "Juzgado 2" not in page  # whoever ordered it is told by the statement; we are who carries it out
    unknown = office.get("0" * 64)
    assert (unknown.status, "link" in unknown.headers) == (404, False)

"""Documents by digest: what is sent is what was signed for, whatever lies in the folder."""

import os
from hashlib import sha256
from pathlib import Path

from service import Served, founded_lately, put_on_disk
from test_pages import people, ready

from api.documents import Documents


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def test_a_document_is_found_by_the_digest_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "acta.pdf").write_bytes(b"%PDF acta")
    (tmp_path / "borrador.md").write_text("# Borrador\n")
    documents = Documents(tmp_path)
    found = documents.read(digest(b"# Borrador\n"))
    assert found
    assert (found.name, found.media_type, found.shown) == ("borrador.md", "text/plain", True)
    saved = documents.read(digest(b"%PDF acta"))
    assert saved
    assert not saved.shown
    assert documents.has(digest(b"%PDF acta"))
    assert documents.read(digest(b"otra cosa")) is None


def test_changed_bytes_are_no_longer_the_document(tmp_path: Path) -> None:
    path = tmp_path / "reglas.txt"
    path.write_bytes(b"uno")
    documents = Documents(tmp_path)
    assert documents.has(digest(b"uno"))
    before = path.stat()
    path.write_bytes(b"dos")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if nothing had happened
    assert documents.read(digest(b"uno")) is None
    path.write_bytes(b"tres!")
    assert documents.has(digest(b"tres!"))


def test_links_out_of_the_folder_and_folders_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "secreto").write_bytes(b"clave")
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "carpeta").mkdir()
    (folder / "enlace.txt").symlink_to(tmp_path / "secreto")
    assert not Documents(folder).has(digest(b"clave"))


def test_without_a_folder_there_are_no_documents(tmp_path: Path) -> None:
    assert not Documents(tmp_path / "nada").has(digest(b""))


def test_what_is_consulted_can_be_read_from_the_page_of_its_round(tmp_path: Path) -> None:
    world = founded_lately()  # its round names the SHA-256 of `draft` and of `rules`
    put_on_disk(world, tmp_path / "registro")
    (tmp_path / "registro" / "documents").mkdir()
    (tmp_path / "registro" / "documents" / "borrador.txt").write_bytes(b"draft")
    with Served(tmp_path / "registro") as site:
        page = people(ready(site), "/consultas/ronda-1")
        assert page.count(">Leer el documento</a>") == 1
        assert page.count("El documento no se guarda aquí") == 1
        answer = site.get(f"/documentos/{digest(b'draft')}")
        assert (answer.status, answer.body) == (200, b"draft")
        assert answer.headers["content-type"].startswith("text/plain")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["content-disposition"].startswith("inline")
        missing = site.get(f"/documentos/{digest(b'rules')}", accept="text/html")
        assert missing.status == 404

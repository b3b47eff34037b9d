"""Types are told from bytes alone; declared ones only ever make a difference that is noted."""

import gzip
import io
import zipfile

import pytest
from hostile_web import HONEST
from hypothesis import given
from hypothesis import strategies as st

from api.sniffing import BINARY, differs, sniff, title_of

OOXML = "application/vnd.openxmlformats-officedocument"


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, "application/vnd.oasis.opendocument.text" if name == "mimetype" else "x")
    return made.getvalue()


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"%PDF-1.4\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0..", "image/jpeg"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", "application/x-ole-storage"),
        (gzip.compress(b"x", mtime=0), "application/gzip"),
        (zipped("[Content_Types].xml", "word/document.xml"), f"{OOXML}.wordprocessingml.document"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), f"{OOXML}.spreadsheetml.sheet"),
        (zipped("[Content_Types].xml", "ppt/presentation.xml"), f"{OOXML}.presentationml.presentation"),
        (zipped("mimetype", "content.xml"), "application/vnd.oasis.opendocument.text"),
        (zipped("a.txt"), "application/zip"),
        (b"PK\x03\x04", "application/zip"),
        (b"<!DOCTYPE html><p>", "text/html"),
        (b"\xef\xbb\xbf\n <HTML lang=es>", "text/html"),
        (b"<!-- a --><!-- b -->\n<html>", "text/html"),
        ("<html><p>Guatemala, año".encode("latin-1"), "text/html"),
        (b"<script>alert(1)</script>", "text/html"),
        (b"<?xml version='1.0'?><!DOCTYPE html><html>", "text/html"),
        (b"<?xml version='1.0'?><rss/>", "application/xml"),
        (b"<svg xmlns='x'><script/></svg>", "image/svg+xml"),
        (b"<?xml version='1.0'?><svg/>", "image/svg+xml"),
        (b'{"a": [1]}', "application/json"),
        (b"[1, 2]", "application/json"),
        (b"{no json}", "text/plain"),
        (b"[" * 100_000, "text/plain"),
        (b"a,b\n1,2\n3,4\n", "text/csv"),
        (b"First this, then that.\nNow here, then there.\nOften so, rarely not.\n", "text/plain"),
        (b'a;b\n"x;y";2\n3;4\n', "text/csv"),
        (b"a,b\n1,2\n", "text/plain"),
        (b"Querida oficina,\nadjunto va el acta.\n", "text/plain"),
        ("á".encode("utf-16"), "text/plain"),
        (b"BM es una sigla", "text/plain"),
        (b"ID3 es otra", "text/plain"),
        ("\u00e1 ".encode("latin-1"), BINARY),
        (b"\x00\x01\x02", BINARY),
        (b"\x7fELF\x02", "text/plain"),
        (b"\x7fELF\x02\x00\x00", BINARY),
        (b"", "text/plain"),
    ],
)  # fmt: skip
def test_bytes_tell_what_they_are(body: bytes, media_type: str) -> None:
    assert sniff(body) == media_type


@given(st.binary(max_size=200))
def test_any_bytes_have_a_type_that_a_statement_can_name(body: bytes) -> None:
    for start in (b"", b"%PDF-", b"PK\x03\x04" + b"." * 26 + b"mimetype", b"<html>", b"{", b"\xff\xfe"):
        whole, parts = sniff(start + body), sniff(start + body).split("/")
        assert len(parts) == 2
        assert whole == whole.lower()


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_declaration_makes_no_difference(name: str) -> None:
    body, declared = HONEST[name]
    assert not differs(declared, sniff(body))


@pytest.mark.parametrize(
    ("declared", "sniffed", "lies"),
    [
        ("", "application/pdf", False),
        ("application/octet-stream", "text/html", False),
        ("binary/octet-stream", "text/html", False),
        ("Application/PDF; x=1", "application/pdf", False),
        ("application/x-pdf", "application/pdf", False),
        ("text/plain", "text/csv", False),
        ("text/plain", "application/json", False),
        ("text/css", "text/plain", False),
        ("application/msword", "application/x-ole-storage", False),
        ("application/pdf", "text/html", True),
        ("text/html", "text/plain", True),
        ("text/html", "application/pdf", True),
        ("image/png", "image/jpeg", True),
        ("text/plain", "application/octet-stream", True),
        ("text/plain", "application/pdf", True),
    ],
)
def test_a_lie_is_told_from_another_name(declared: str, sniffed: str, lies: bool) -> None:
    assert differs(declared, sniffed) is lies


def test_a_title_is_one_line_in_whatever_encoding() -> None:
    assert title_of("<TITLE id=a>Ácta\n de  hoy</TITLE>".encode()) == "Ácta de hoy"
    assert title_of("<title>Ácta</title>".encode("latin-1")) == "Ácta"
    assert title_of(b"<title>" + b"x" * 9_000 + b"</title>") == ""
    assert title_of(b"<p>") == ""

"""What bytes are, by their own beginning: the media type that a capture states. What a server declared is not believed.

The table is short, because the label decides nothing: captured bytes are always served as a file to be saved, never
shown (`api.page_archives`). What fits no row is `text/plain` if it is text in UTF-8 throughout, and
`application/octet-stream` if not. The order of steps:

1. magic bytes at the beginning (at byte 4 or 8 for some);
2. a zip is told from its first name and from the names in its directory: OOXML, ODF, EPUB, or plain zip;
3. text: HTML by its first tag, SVG, XML, JSON by whether it parses, CSV by lines of equally many fields.

Nothing is unpacked. `differs` tells whether what was declared is another thing than what came; declared charsets,
`x-` names and other names of one type make no difference.
"""

import csv
import io
import json
import re

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"BM", "image/bmp"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),  # .doc, .xls, .ppt before 2007
    (0, b"{\\rtf", "application/rtf"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
)
# Of these the first bytes say too little: `BM` begins many a word.
_ONLY_BINARY = frozenset({"image/bmp", "image/tiff", "audio/mpeg"})

_OOXML = "application/vnd.openxmlformats-officedocument"
_IN_ZIP: tuple[tuple[bytes, str], ...] = (
    (b"word/document.xml", f"{_OOXML}.wordprocessingml.document"),
    (b"xl/workbook.", f"{_OOXML}.spreadsheetml.sheet"),
    (b"ppt/presentation.xml", f"{_OOXML}.presentationml.presentation"),
    (b"META-INF/MANIFEST.MF", "application/java-archive"),
    (b"datapackage.json", "application/wacz"),
)
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,4000}?-->\s*)*<(?:!doctype\s+html|html|head|body|title|meta|script|h1)\b",
    re.IGNORECASE | re.DOTALL,
)
_TAIL = 256 * 1024
TEXT, BINARY = "text/plain", "application/octet-stream"

# Other names under which servers declare the same.
_SAME = {
    "text/xml": "application/xml",
    "application/xhtml+xml": "text/html",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "application/x-pdf": "application/pdf",
    "application/x-zip-compressed": "application/zip",
    "application/x-gzip": "application/gzip",
    "text/rtf": "application/rtf",
    "text/json": "application/json",
    "application/csv": "text/csv",
    "application/msword": "application/x-ole-storage",
    "application/vnd.ms-excel": "application/x-ole-storage",
    "application/vnd.ms-powerpoint": "application/x-ole-storage",
    "application/download": BINARY,
    "application/force-download": BINARY,
    "binary/octet-stream": BINARY,
}


def sniff(body: bytes) -> str:
    """The media type of these bytes. Never raises."""
    text = _text(body)
    for at, magic, media_type in _MAGIC:
        if body.startswith(magic, at) and not (text is not None and media_type in _ONLY_BINARY):
            return media_type
    if body.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(body)
    if _HTML.match(body[:16_384].lstrip(b"\xef\xbb\xbf")):  # also where its encoding is an old one
        return "text/html"
    return BINARY if text is None else _of_text(text)


def _text(body: bytes) -> str | None:
    """The bytes as text, or None where they are none."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\x00" in body[:4096]:
        return None
    else:
        encoding = "utf-8-sig"
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        return None


def _zip(body: bytes) -> str:
    # The first member of ODF and EPUB is stored, and is the type itself.
    if body[30:38] == b"mimetype":
        declared = re.match(rb"application/[a-z0-9.+-]{3,80}", body[38:200])
        return declared[0].decode() if declared else "application/zip"
    names = body[:4_096] + body[-_TAIL:]
    return next((media_type for name, media_type in _IN_ZIP if name in names), "application/zip")


def _of_text(text: str) -> str:
    start = text[:4_096].lstrip()
    if start.startswith(("<?xml", "<svg", "<rss", "<feed")):
        return "image/svg+xml" if re.search(r"<svg\b", start) else "application/xml"
    if start.startswith(("{", "[")):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return TEXT
        return "application/json"
    return "text/csv" if _is_csv(text) else TEXT


def _is_csv(text: str) -> bool:
    """Three lines or more, all of the same number of fields, two or more: by comma, semicolon or tab.

    Prose may have one comma in each line too, but writes a space behind it.
    """
    whole = text[:65_536].rpartition("\n")[0] if len(text) > 65_536 else text
    for delimiter in (",", ";", "\t"):
        try:
            rows = [row for row in csv.reader(io.StringIO(whole), delimiter=delimiter) if row]
        except csv.Error:
            continue
        widths = {len(row) for row in rows}
        prose = widths == {2} and all(row[1].startswith(" ") for row in rows)
        if len(rows) >= 3 and len(widths) == 1 and max(widths) >= 2 and not prose:
            return True
    return False


def plain_type(declared: str) -> str:
    """A declared Content-Type without parameters, under the name that `sniff` has for it; empty where there is none."""
    bare = declared.partition(";")[0].strip().lower()
    return _SAME.get(bare, bare)


def differs(declared: str, sniffed: str) -> bool:
    """Whether a server declared another type than the bytes are of. What it left open is no lie."""
    named = plain_type(declared)
    if named in ("", BINARY, sniffed, _SAME.get(sniffed, sniffed)):
        return False
    # Text of any sort may be called plain text, and plain text may be any sort of text that shows no mark of it.
    return not (
        named == TEXT and (sniffed.startswith("text/") or sniffed in ("application/json", "application/xml"))
    ) and not (sniffed == TEXT and named.startswith("text/") and named != "text/html")


_TITLE = re.compile(rb"<title[^>]{0,200}>(.{0,2000}?)</title", re.IGNORECASE | re.DOTALL)


def title_of(body: bytes) -> str:
    """The title of an HTML page, as its bytes have it, in one line; empty where it has none."""
    found = _TITLE.search(body[:65_536])
    if not found:
        return ""
    try:
        text = found[1].decode("utf-8")
    except UnicodeDecodeError:
        text = found[1].decode("latin-1")
    return " ".join(text.split())[:300]

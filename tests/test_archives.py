"""Archives: what an independent reader makes of one, what a flipped bit does, and that every store keeps alike."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.archives import (
    Answer,
    Archive,
    Capture,
    ObjectShelf,
    check_web_archive,
    open_archive,
    url_key,
    web_archive,
)
from ledger.errors import CannotRun, Misbehaviour

BODY = "<html><title>Acta</title><p>Reunión del comité.</p></html>".encode()
DIGEST = sha256(BODY).hexdigest()
NOON = 1_771_243_200_000
SOFTWARE = "constancia 0"

MOVED = Answer(
    url="http://www.copret.example/acta?a=1",
    address="45.67.89.1",
    status=301,
    reason="Moved Permanently",
    headers=(("location", "https://copret.example/acta"), ("content-length", "154")),
)
CAME = Answer(
    url="https://copret.example/acta",
    address="2606:4700::1",
    status=200,
    reason="OK",
    headers=(
        ("content-type", "text/html; charset=utf-8"),
        ("content-encoding", "gzip"),
        ("transfer-encoding", "chunked"),
        ("set-cookie", "sesion=secreta"),
        ("etag", '"x"'),
    ),
)
CAPTURE = Capture(
    url=MOVED.url,
    answers=(MOVED, CAME),
    captured_ms=NOON,
    method="direct",
    declared="text/html; charset=utf-8",
    media_type="text/html",
    coding="gzip",
    title="Acta",
    agent="constancia/0 (+x)",
)
MADE = web_archive(CAPTURE, BODY, SOFTWARE)


def files_of(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        assert {one.compress_type for one in file.infolist()} == {zipfile.ZIP_STORED}  # so that a reader may seek in it
        return {name: file.read(name) for name in file.namelist()}


def records_of(warc: bytes, at: int = 0) -> list[tuple[Any, bytes]]:
    """The records of a WARC as `warcio` reads them, digests checked."""
    iterator: Any = import_module("warcio.archiveiterator").ArchiveIterator
    read = iterator(io.BytesIO(warc[at:]), check_digests="raise")
    return [(record, record.content_stream().read()) for record in read]


# --- a second opinion ------------------------------------------------------------------------------------------------


def test_warcio_reads_every_record_and_agrees_with_every_digest() -> None:
    info, moved, came = records_of(files_of(MADE)["archive/data.warc.gz"])
    assert [record.rec_type for record, _ in (info, moved, came)] == ["warcinfo", "response", "response"]
    assert info[0].rec_headers.protocol == "WARC/1.1"
    assert b"http-header-user-agent: constancia/0 (+x)" in info[1]
    assert (moved[0].http_headers.get_statuscode(), moved[1]) == ("301", b"")
    assert moved[0].http_headers.get_header("location") == CAME.url
    assert came[0].rec_headers.get_header("WARC-Payload-Digest") == f"sha256:{DIGEST}"
    assert came[0].rec_headers.get_header("WARC-IP-Address") == CAME.address
    assert came[0].rec_headers.get_header("WARC-Date") == "2026-02-16T12:00:00Z"
    assert came[1] == BODY
    headers = came[0].http_headers
    assert headers.get_header("content-type") == "text/html; charset=utf-8"
    assert headers.get_header("x-archive-orig-content-encoding") == "gzip"
    assert headers.get_header("x-archive-orig-transfer-encoding") == "chunked"
    assert [headers.get_header(name) for name in ("content-encoding", "transfer-encoding", "set-cookie")] == [None] * 3
    assert b"secreta" not in gzip.decompress(files_of(MADE)["archive/data.warc.gz"])


def test_warcio_notices_a_body_that_was_changed() -> None:
    plain = gzip.decompress(files_of(MADE)["archive/data.warc.gz"])
    assert len(records_of(plain)) == 3
    with pytest.raises(Exception, match="digest failed"):
        records_of(plain.replace("Reunión".encode(), "Reunjón".encode()))


def test_the_index_leads_to_each_record() -> None:
    files = files_of(MADE)
    lines = files["indexes/index.cdx"].decode().splitlines()
    assert lines == sorted(lines)
    for line, answer in zip(lines, (CAME, MOVED), strict=True):
        key, time, plain = line.split(" ", 2)
        told = json.loads(plain)
        assert (key, time) == (url_key(answer.url), "20260216120000")
        at, length = int(told["offset"]), int(told["length"])
        ((record, body),) = records_of(files["archive/data.warc.gz"][at : at + length])
        assert record.rec_headers.get_header("WARC-Target-URI") == told["url"] == answer.url
        assert record.http_headers.get_statuscode() == told["status"]
        assert told["digest"] == f"sha256:{sha256(body).hexdigest()}"
        assert told["filename"] == "data.warc.gz"


def test_the_package_is_what_its_specification_asks_for() -> None:
    """WACZ 1.1.1, sections 5 to 7, read by a reader written from them."""
    files = files_of(MADE)
    package = json.loads(files["datapackage.json"])
    assert (package["profile"], package["wacz_version"]) == ("data-package", "1.1.1")
    assert {one["path"] for one in package["resources"]} == set(files) - {"datapackage.json", "datapackage-digest.json"}
    for one in package["resources"]:
        raw = files[one["path"]]
        assert (one["hash"], one["bytes"]) == (f"sha256:{sha256(raw).hexdigest()}", len(raw))
        assert one["name"] == one["path"].rpartition("/")[2]
    digest = json.loads(files["datapackage-digest.json"])
    assert digest == {"path": "datapackage.json", "hash": f"sha256:{sha256(files['datapackage.json']).hexdigest()}"}
    header, page = [json.loads(line) for line in files["pages/pages.jsonl"].splitlines()]
    assert header["format"] == "json-pages-1.0"
    assert (page["url"], page["ts"], page["title"]) == (CAME.url, "2026-02-16T12:00:00Z", "Acta")
    assert package["capture"]["way"] == [MOVED.url, CAME.url]
    assert package["capture"]["digest"] == DIGEST


def test_the_same_capture_makes_the_same_bytes_and_another_others() -> None:
    assert web_archive(CAPTURE, BODY, SOFTWARE) == MADE
    later = msgspec.structs.replace(CAPTURE, captured_ms=NOON + 1000)
    assert web_archive(later, BODY, SOFTWARE) != MADE


def test_a_file_that_was_handed_in_is_a_resource() -> None:
    capture = Capture(url=f"urn:sha256:{DIGEST}", captured_ms=NOON, method="upload", media_type="text/html")
    raw = web_archive(capture, BODY, SOFTWARE)
    _, (record, body) = records_of(files_of(raw)["archive/data.warc.gz"])
    assert (record.rec_type, body) == ("resource", BODY)
    assert record.rec_headers.get_header("Content-Type") == "text/html"
    check_web_archive(raw, DIGEST)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.Copret.example/Acta?B=1", "example,copret)/acta?b=1"),
        ("http://a.example:8080", "example,a:8080)/"),
        ("https://a.example:443/", "example,a)/"),
        ("http://45.67.89.1/x", "45.67.89.1)/x"),
        ("urn:sha256:00", "urn:sha256:00"),
    ],
)
def test_addresses_are_sorted_by_their_names_from_behind(url: str, key: str) -> None:
    assert url_key(url) == key


# --- tampering -------------------------------------------------------------------------------------------------------


def test_every_flipped_byte_of_a_web_archive_is_noticed_or_changes_nothing() -> None:
    """What nothing covers are fields of the zip that say nothing of the files: times, attributes, versions."""
    whole = files_of(MADE)
    unnoticed = 0
    for at in range(len(MADE)):
        raw = MADE[:at] + bytes([MADE[at] ^ 0x55]) + MADE[at + 1 :]
        try:
            check_web_archive(raw, DIGEST)
        except Misbehaviour:
            continue
        unnoticed += 1
        with zipfile.ZipFile(io.BytesIO(raw)) as file:
            assert {name: file.read(name) for name in whole} == whole
    assert unnoticed < len(MADE) / 4


def test_a_web_archive_of_something_else_is_refused() -> None:
    with pytest.raises(Misbehaviour, match="something else"):
        check_web_archive(MADE, "0" * 64)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, held in files_of(MADE).items():
            file.writestr(name, held)
    for raw in (packed.getvalue(), b"", b"PK\x03\x04", MADE[:-10], web_archive(CAPTURE, b"", SOFTWARE)):
        with pytest.raises(Misbehaviour):
            check_web_archive(raw, DIGEST)


# --- stores ----------------------------------------------------------------------------------------------------------


def in_memory(_: Path) -> Archive:
    store: Any = import_module("obstore.store")
    return Archive(ObjectShelf(store.MemoryStore()))


def in_local_store(folder: Path) -> Archive:
    store: Any = import_module("obstore.store")
    folder.mkdir(exist_ok=True)
    return Archive(ObjectShelf(store.LocalStore(str(folder))))


def in_folder(folder: Path) -> Archive:
    return open_archive(str(folder))


STORES = (in_folder, in_local_store, in_memory)


@pytest.mark.parametrize("made", STORES)
def test_bytes_are_kept_once_under_their_digest(made: Callable[[Path], Archive], tmp_path: Path) -> None:
    archive = made(tmp_path / "a")
    assert archive.read(DIGEST) is None
    assert archive.digests() == []
    assert archive.keep(BODY, MADE) == DIGEST
    other = web_archive(Capture(url="x", captured_ms=NOON, method="upload", media_type="text/html"), BODY, SOFTWARE)
    assert archive.keep(BODY, other) == DIGEST
    assert archive.read(DIGEST) == BODY
    assert archive.read_web_archive(DIGEST) == MADE  # the first one stays
    assert archive.digests() == [DIGEST]
    assert archive.has(DIGEST)
    archive.check(DIGEST)


@pytest.mark.parametrize("made", STORES)
def test_the_record_decides_where_they_are_kept(made: Callable[[Path], Archive], tmp_path: Path) -> None:
    archive = made(tmp_path / "a")
    archive.keep(BODY, MADE)
    assert not archive.settle(DIGEST, "shown")
    assert archive.settle(DIGEST, "withheld")
    assert not archive.settle(DIGEST, "withheld")
    assert (archive.read(DIGEST), archive.read_web_archive(DIGEST), archive.has(DIGEST)) == (None, None, False)
    assert archive.digests() == [DIGEST]
    archive.keep(BODY, MADE)
    assert archive.read(DIGEST) is None  # captured once more, they stay out of view
    assert archive.settle(DIGEST, "shown")
    assert (archive.read(DIGEST), archive.read_web_archive(DIGEST)) == (BODY, MADE)
    archive.settle(DIGEST, "withheld")
    assert archive.settle(DIGEST, "erased")
    assert not archive.settle(DIGEST, "erased")
    assert archive.digests() == []


def test_the_layout_of_a_folder_is_the_one_that_is_written_down(tmp_path: Path) -> None:
    open_archive(str(tmp_path)).keep(BODY, MADE)
    assert (tmp_path / DIGEST[:2] / DIGEST).read_bytes() == BODY
    assert (tmp_path / DIGEST[:2] / f"{DIGEST}.wacz").read_bytes() == MADE
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [DIGEST, f"{DIGEST}.wacz"]


@pytest.mark.parametrize("ending", ["", ".wacz"])
@pytest.mark.parametrize("sealed", [False, True])
def test_a_flipped_byte_is_noticed_when_it_is_read(tmp_path: Path, ending: str, sealed: bool) -> None:
    archive = open_archive(str(tmp_path))
    archive.keep(BODY, MADE)
    archive.settle(DIGEST, "withheld" if sealed else "shown")
    place = tmp_path / ("sealed" if sealed else "") / DIGEST[:2] / f"{DIGEST}{ending}"
    raw = place.read_bytes()
    place.write_bytes(raw[:60] + bytes([raw[60] ^ 1]) + raw[61:] if ending else bytes([raw[0] ^ 1]) + raw[1:])
    with pytest.raises(Misbehaviour, match="archive-altered"):
        archive.check(DIGEST)
    if not sealed:
        with pytest.raises(Misbehaviour, match="archive-altered"):
            archive.read_web_archive(DIGEST) if ending else archive.read(DIGEST)


def test_a_move_that_was_broken_off_is_finished(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    archive.keep(BODY, MADE)
    archive.settle(DIGEST, "withheld")
    (tmp_path / DIGEST[:2] / DIGEST).write_bytes(BODY)  # as if the copy was made and the first one not yet dropped
    assert archive.settle(DIGEST, "withheld")
    assert archive.read(DIGEST) is None


def test_a_folder_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotRun, match="--archive"):
        open_archive(str(tmp_path / "file")).keep(BODY, MADE)


def test_a_place_that_is_none_says_so() -> None:
    with pytest.raises(CannotRun, match="not the address of a store"):
        open_archive("nowhere://x")

"""Reading a ledger over HTTP: what arrives is what is there, and no server holds an auditor up or fills it up."""

import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from second_writer import Files
from service import Served, founded_lately, put_on_disk
from static_server import answer, served
from town import Town
from world import G1, ORIGIN

from api.remote import CONNECTIONS, Patience, RemoteLedger
from ledger.errors import CannotRun
from ledger.tlog.policy import parse_policy
from projections.audit import audit

TOWN = Town(comments=600)  # three bundles, so that some are read ahead
QUICK = Patience(connect=2.0, read=0.5, whole=1.0, more=0.0, pause=0.01)

# --- a server as it should be -----------------------------------------------------------------------------------------


def test_a_ledger_on_a_plain_web_server_is_verified() -> None:
    with served(TOWN.files) as server, RemoteLedger(server.url) as source:
        report = audit(source, policy=TOWN.policy, founding=TOWN.founding, server=source, workers=1)
    assert report.findings == []
    assert report.verdict == "verified"
    assert report.counts.entries == len(TOWN.world.entries)
    # A plain web server computes nothing, so there is no digest to compare.
    assert "no-served-digest" in {remark.kind for remark in report.remarks}


def test_each_file_is_asked_for_once_over_few_connections() -> None:
    with served(TOWN.files) as server, RemoteLedger(server.url) as source:
        assert audit(source, policy=TOWN.policy, founding=TOWN.founding, workers=1).clean
        again = {path: times for path, times in server.asked.items() if times > 1 and path.startswith("tile/")}
        assert again == {}
        assert server.asked["tile/0/001"] == server.asked["tile/entries/001"] == 1
        assert len(server.clients) <= CONNECTIONS


def test_a_lie_is_found_over_http_as_in_a_folder() -> None:
    files = TOWN.files.copy()
    raw = bytearray(files["tile/entries/001"])
    raw[5000] ^= 1
    files["tile/entries/001"] = bytes(raw)
    with served(files) as server, RemoteLedger(server.url) as source:
        report = audit(source, policy=TOWN.policy, founding=TOWN.founding, workers=1)
    (finding,) = report.findings
    assert finding.path == "tile/entries/001"


def test_a_compressed_answer_is_unpacked() -> None:
    packed = gzip.compress(TOWN.files["tile/entries/000"])

    def behave(handler: BaseHTTPRequestHandler, path: str, number: int) -> bool:
        return path == "tile/entries/000" and answer(handler, 200, packed, content_encoding="gzip")

    with served(TOWN.files, behave) as server, RemoteLedger(server.url) as source:
        assert source.read("tile/entries/000") == TOWN.files["tile/entries/000"]


def test_a_file_that_is_not_there_is_none() -> None:
    with served(Files()) as server, RemoteLedger(server.url) as source:
        assert source.read("checkpoint") is None
        assert source.paths() is None
        assert source.served_digest(5) is None


# --- a server as it should not be -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_passing_fault_is_asked_about_again(status: int) -> None:
    def behave(handler: BaseHTTPRequestHandler, path: str, number: int) -> bool:
        return number < 3 and answer(handler, status, b"", retry_after="0")

    with served(TOWN.files, behave) as server, RemoteLedger(server.url, patience=QUICK) as source:
        assert source.read("policy") == TOWN.files["policy"]
        assert server.asked["policy"] == 3


def test_a_connection_that_breaks_is_made_again() -> None:
    def behave(handler: BaseHTTPRequestHandler, path: str, number: int) -> bool:
        if number == 1:
            handler.close_connection = True
            handler.connection.close()
        return number == 1

    with served(TOWN.files, behave) as server, RemoteLedger(server.url, patience=QUICK) as source:
        assert source.read("policy") == TOWN.files["policy"]


@pytest.mark.parametrize(
    ("status", "word"), [(500, "500"), (403, "403"), (302, "redirect"), (301, "redirect"), (206, "206")]
)
def test_any_other_answer_cannot_be_read(status: int, word: str) -> None:
    def behave(handler: BaseHTTPRequestHandler, path: str, number: int) -> bool:
        return path == "policy" and answer(handler, status, b"x", location=f"{server.url}/elsewhere")

    with served(TOWN.files, behave) as server, RemoteLedger(server.url, patience=QUICK) as source:
        with pytest.raises(CannotRun, match=word):
            source.read("policy")
        assert server.asked["elsewhere"] == 0  # nothing was followed


@pytest.mark.parametrize("path", ["tile/0/000", "checkpoint", "policy"])
@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_cut_short(path: str, packed: bool) -> None:
    body = gzip.compress(bytes(50_000_000)) if packed else bytes(3_000_000)
    headers = {"content_encoding": "gzip"} if packed else {}

    def behave(handler: BaseHTTPRequestHandler, path: str, number: int) -> bool:
        try:
            return answer(handler, 200, body, **headers)
        except ConnectionError:  # the auditor hung up
            return True

    with served(TOWN.files, behave) as server, RemoteLedger(server.url) as source:
        with pytest.raises(CannotRun, match="longer"):
            source.read(path)
        assert server.asked[path] == 1  # there is no use in asking again


def test_a_compression_that_nobody_asked_for_is_refused() -> None:
    def behave(handler: BaseHTTPRequestHandler, path: str, number: int) -> bool:
        return answer(handler, 200, b"x", content_encoding="br")

    with (
        served(TOWN.files, behave) as server,
        RemoteLedger(server.url) as source,
        pytest.raises(CannotRun, match="coding"),
    ):
        source.read("policy")


@pytest.mark.parametrize("drip", [False, True], ids=["silent", "dripping"])
def test_a_server_that_hangs_is_given_up(drip: bool) -> None:
    stop = threading.Event()

    def behave(handler: BaseHTTPRequestHandler, path: str, number: int) -> bool:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        try:
            while not stop.wait(0.1):
                handler.wfile.write(b"x" if drip else b"")
                handler.wfile.flush()
        except ConnectionError:
            pass
        return True

    with served(TOWN.files, behave) as server, RemoteLedger(server.url, patience=QUICK) as source:
        began = time.monotonic()
        with pytest.raises(CannotRun):
            source.read("policy")
        assert time.monotonic() - began < 6
        stop.set()


def test_a_server_that_is_not_there_cannot_be_read() -> None:
    with served(TOWN.files) as server:
        url = server.url
    with RemoteLedger(url, patience=QUICK) as source, pytest.raises(CannotRun):
        source.read("checkpoint")


@pytest.mark.parametrize(
    "url", ["", "gt", "ftp://example.org/gt", "http:///gt", "http://example.org/gt?at=5", "/srv/gt"]
)
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(CannotRun):
        RemoteLedger(url)


# --- the real server --------------------------------------------------------------------------------------------------


def test_the_running_server_serves_the_state_that_its_entries_give(tmp_path: Path) -> None:
    world = founded_lately()
    put_on_disk(world, tmp_path)
    policy = parse_policy((tmp_path / "public/policy").read_bytes())
    founding = world.entries[0].opened.identity
    with Served(tmp_path) as server, RemoteLedger(f"http://127.0.0.1:{server.port}/gt") as source:
        report = audit(source, policy=policy, founding=founding, server=source, workers=1)
        assert report.findings == []
        assert report.verdict == "verified"
        assert report.served_digest == report.digest
        earlier = audit(source, policy=policy, founding=founding, server=source, at=20, workers=1)
        assert earlier.findings == []
        assert earlier.served_digest == earlier.digest != report.digest
        records = {(table, key) for table, key, _ in source.served_records(report.size)}
    assert ("commitment", G1) in records
    assert ("ledger", "ledger") in records
    assert report.origin == ORIGIN

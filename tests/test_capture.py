"""Evidence is captured from a web that does all it can against it, in a network of its own; nothing leaves what may be
visited, every statement is the right one, and a run that was killed is finished without saying anything twice."""

import io
import json
import subprocess
import zipfile
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hostile_web import COUNT, HONEST, INTRANET, LIES, MAX_BODY, OPEN, PAGES, PDF, PLAIN_TEXT, Page
from own_network import entered
from service import Served
from test_cli import run

from api.archives import open_archive
from ledger.errors import Misbehaviour

HERE = Path(__file__).resolve().parent

pytestmark = pytest.mark.slow


class Scene:
    """What came of the scenario: the result, and the folders it left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.result: dict[str, Any] = json.loads((folder / "result.json").read_bytes())
        self.archive = open_archive(str(folder / "archive"))
        self.captured = self._of("EvidenceCaptured")
        self.checked = self._of("EvidenceChecked")

    def _of(self, kind: str) -> dict[str, list[dict[str, Any]]]:
        """The statements of a kind, by the address of their link."""
        address = {identity: url for url, identity in self.result["links"].items()}
        found: dict[str, list[dict[str, Any]]] = {}
        for statement in self.result["statements"]:
            if statement["kind"] == kind:
                found.setdefault(address[statement["link"]], []).append(statement)
        return found

    def told(self, run: str) -> dict[str, dict[str, Any]]:
        """What a run said of each address."""
        return {one["url"]: one for one in self.result[run]["links"]}

    def url(self, does: str) -> str:
        """The address of the one page that does so."""
        (found,) = [page.url for page in PAGES if page.does == does]
        return found


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("captura")
    line = entered(HERE / "capture_scenario.py", folder)
    ran = subprocess.run(line, capture_output=True, text=True, check=False, timeout=280, cwd=HERE)
    if "unshare" in ran.stderr and "not permitted" in ran.stderr:
        pytest.skip("cannot make a network namespace here (needs root): the hostile web is not shown")
    assert ran.returncode == 0, ran.stderr
    return Scene(folder)


def test_there_are_two_hundred_pages_and_all_were_linked(scene: Scene) -> None:
    assert len(PAGES) == len({page.url for page in PAGES}) == COUNT == 200
    assert set(scene.result["links"]) == {page.url for page in PAGES} | {"upload"}


def test_no_connection_was_begun_to_anywhere_but_what_may_be_visited(scene: Scene) -> None:
    """The kernel's own account of every connection that any process began, refused ones included."""
    attempts = [tuple(each) for each in scene.result["attempts"]]
    assert scene.result["missed"] == 0
    reached = {each for each in attempts if each[0] == "tcp"}
    assert reached
    for _, address, port in reached:
        ours = (address, port) == ("127.0.0.1", scene.result["ledger_port"])
        web = address.startswith((OPEN, INTRANET)) and port in (80, 443)
        assert ours or web or (address.startswith(OPEN) and port == 8443), (address, port)
    assert {address for protocol, address, _ in attempts if protocol == "udp"} == {"127.0.0.1"}  # names alone


def test_the_network_that_was_allowed_by_name_was_visited(scene: Scene) -> None:
    assert any(address.startswith(INTRANET) for _, address, _ in scene.result["attempts"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.url)
def test_a_capture_says_of_each_page_what_it_is(scene: Scene, page: Page) -> None:
    captures = scene.captured.get(page.url, [])
    if page.first == "captured/direct":
        (capture,) = captures  # once, though the run was killed and begun again
        assert (capture["method"], capture["http_status"]) == ("direct", 200)
        assert capture["by"][0]["role"] == "capturer"
        body = scene.archive.read(capture["digest"])
        assert body is not None
        assert (len(body), sha256(body).hexdigest()) == (capture["size"], capture["digest"])
    else:
        told = scene.told("capture")[page.url]
        assert f"{told['seen']}/{told['rule']}" == page.first, told
        assert captures == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.url)
def test_a_later_check_says_of_each_page_what_became_of_it(scene: Scene, page: Page) -> None:
    told = scene.told("recheck")[page.url]
    assert f"{told['seen']}/{told['rule']}" == page.second, told
    if page.second.startswith("put-off"):
        return  # it is looked at by the next run
    check = scene.checked[page.url][0]
    assert check["seen"] == page.second.partition("/")[0]
    if page.second == "alive/same-bytes":
        assert check["digest"] == scene.captured[page.url][0]["digest"]
    elif page.second == "changed/other-bytes":
        assert check["digest"] != scene.captured[page.url][0]["digest"]
        assert scene.archive.read(check["digest"])  # what it says can be looked at
    else:
        assert "digest" not in check


def test_a_run_that_was_killed_is_finished_without_saying_anything_twice(scene: Scene) -> None:
    killed = scene.result["killed"]
    assert killed["code"] == -9
    wanted = sum(page.first.startswith("captured") for page in PAGES)
    assert 0 < killed["registered"] < wanted
    # The ledger had registered this one; the journal lost its word for it, and sent it again.
    assert Counter(link for link, made in scene.captured.items() for _ in made).most_common(1)[0][1] == 1
    assert len(scene.captured) == wanted + 1  # and the file that was handed in
    lines = [json.loads(line) for line in (scene.folder / "archive/journal.jsonl").read_bytes().splitlines()]
    assert sum(line["identity"] == killed["identity"] and "index" in line for line in lines) == 1
    signed = [line["identity"] for line in lines if "note" in line]
    assert len(signed) == len(set(signed)) == sum("receipt" in line for line in lines)
    # What was captured before the kill was not fetched again.
    assert len(scene.result["capture"]["links"]) < COUNT


def test_codes_of_exit_tell_whether_all_is_as_it_should_be(scene: Scene) -> None:
    assert [scene.result[run]["code"] for run in ("capture", "again", "upload", "recheck")] == [1, 0, 0, 1]


def test_what_was_looked_at_lately_is_not_looked_at_again(scene: Scene) -> None:
    assert [one["url"] for one in scene.result["soon"]["links"]] == ["http://harto.example/b"]


def test_a_file_that_was_handed_in_is_captured_under_the_digest_that_was_linked(scene: Scene) -> None:
    (capture,) = scene.captured["upload"]
    assert (capture["digest"], capture["method"]) == (sha256(PDF).hexdigest(), "upload")
    assert "http_status" not in capture
    assert "final_url" not in capture


def test_progress_is_told_in_plain_lines(scene: Scene) -> None:
    assert "Capturando: " in scene.result["capture"]["said"]
    assert "/s, " in scene.result["recheck"]["said"]


# --- what was asked, and what is kept --------------------------------------------------------------------------------


def test_requests_carry_no_cookie_and_say_who_asks(scene: Scene) -> None:
    heads = [head.lower() for head in scene.result["heads"] if head]
    assert len(heads) > 300
    for head in heads:
        names = [line.partition(":")[0] for line in head.split("\r\n")[1:] if line]
        assert names == ["host", "user-agent", "accept", "accept-encoding", "connection"]
        assert "\r\nuser-agent: constancia/" in head
        assert "/gt; captura)" in head
        assert "\r\naccept-encoding: identity\r\n" in head


def test_what_a_page_was_fetched_through_stands_in_the_statement(scene: Scene) -> None:
    assert scene.captured[scene.url("chain")][0]["final_url"] == "http://chain.example/cadena/fin"
    assert scene.captured[scene.url("to-https")][0]["final_url"] == "https://seguro.example/seguro"
    assert "final_url" not in scene.captured["http://ministerio-1.example/actas/1"][0]


@pytest.mark.parametrize("name", LIES)
def test_the_type_stated_is_that_of_the_bytes_and_the_lie_is_kept(scene: Scene, name: str) -> None:
    capture = scene.captured[f"http://archivos.example/{name}.bin"][0]
    told = scene.told("capture").get(f"http://archivos.example/{name}.bin")
    declared = LIES[name][1]
    assert capture["media_type"] != declared
    package = _package(scene, capture["digest"])
    if told is not None:  # or it was captured by the run that was killed
        assert (told["differs"], told["declared"]) == (True, declared)
        assert package["capture"]["differs"] or package["capture"]["declared"] != declared


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_type_is_recognised(scene: Scene, name: str) -> None:
    capture = scene.captured[f"http://archivos.example/{name}.bin"][0]
    declared = HONEST[name][1].partition(";")[0]
    assert capture["media_type"] == {"text/xml": "application/xml"}.get(declared, declared)


@pytest.mark.parametrize("does", ["gzip", "gzip-members", "deflate", "deflate-raw", "br"])
def test_the_digest_is_of_the_document_whatever_it_was_packed_in(scene: Scene, does: str) -> None:
    assert scene.captured[scene.url(does)][0]["digest"] == sha256(PLAIN_TEXT).hexdigest()


def test_a_zip_that_swells_is_kept_as_it_is_and_never_opened(scene: Scene) -> None:
    capture = scene.captured[scene.url("zip-bomb")][0]
    assert capture["media_type"] == "application/zip"
    assert capture["size"] < MAX_BODY


def test_every_document_has_a_web_archive_that_holds(scene: Scene) -> None:
    digests = {one["digest"] for made in scene.captured.values() for one in made}
    assert digests <= set(scene.archive.digests())
    for digest in digests:
        assert scene.archive.read_web_archive(digest)


def _package(scene: Scene, digest: str) -> dict[str, Any]:
    raw = scene.archive.read_web_archive(digest)
    assert raw
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        return json.loads(file.read("datapackage.json"))


# --- the ledger and the archive, afterwards --------------------------------------------------------------------------


def test_an_audit_of_the_ledger_finds_nothing(scene: Scene) -> None:
    assert run("audit", scene.folder / "gt").code == 0


def test_the_archive_is_checked_bit_by_bit(scene: Scene, tmp_path: Path) -> None:
    digest = scene.captured["http://ministerio-1.example/actas/1"][0]["digest"]
    place = scene.folder / "archive" / digest[:2] / digest
    with Served(scene.folder / "gt") as server:
        url = f"{server.address.rstrip('/')}/gt"
        fine = run("archive", scene.folder / "archive", "--to", url, "--json")
        assert (fine.code, fine.json["altered"], fine.json["moved"]) == (0, [], [])
        assert fine.json["digests"] == len(scene.archive.digests())
        whole = place.read_bytes()
        place.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        try:
            with pytest.raises(Misbehaviour, match="archive-altered"):
                scene.archive.read(digest)
            found = run("archive", scene.folder / "archive", "--to", url)
            assert found.code == 1
            assert digest in found.err
        finally:
            place.write_bytes(whole)

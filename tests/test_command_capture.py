"""What a capturer meets at the command line: files handed in, copies of other archives, refusals, a day without a net.

The web here is a server on this machine, which is allowed by name; what a hostile one does: test_capture.py.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import test_cli as cli
import world as w
from service import Served, founded_lately, put_on_disk
from test_officers import key

from api.archives import open_archive
from api.capture import Link, told
from api.command_capture import archive_counts, seen_counts
from api.fetching import Fetched, Hop, Unfetched
from api.judging import Outcome
from api.screen import screen
from ledger.errors import CannotRun

PAGE = b"<!DOCTYPE html><html><title>Acta</title><p>Lo acordado.</p></html>"
FILE = b"%PDF-1.7 el acta firmada"
SENT = {"/acta": PAGE, "/otra": PAGE + b"!", "/copia": PAGE + b"?", "/404": b"<html><title>404</title></html>"}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = SENT[self.path]
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class Desk:
    """A served ledger with links to a web on this machine, and a folder from which commands are run."""

    def __init__(self, folder: Path, web: str) -> None:
        world = founded_lately(round_open=False)
        w.add_actor(world, "sinpapel", "program", "icefi")
        words: dict[str, Any] = {"title": "Acta", "evidence_type": "document", "shows": "Lo hecho"}
        self.links: dict[str, Any] = {}
        for name, commitment in (("acta", w.G1), ("otra", w.G2), ("404", w.G1), ("copia", w.C8)):
            url = f"http://{web}/{name}"
            self.links[name] = world.say(
                "EvidenceLinked", "icefi:assessor", for_=[f"{commitment}.M0"], url=url, **words
            )
        upload = sha256(FILE).hexdigest()
        linked = world.say("EvidenceLinked", "icefi:assessor", for_=[f"{w.C8}.M0"], upload=upload, **words)
        self.links["file"] = linked
        put_on_disk(world, folder / "gt")
        self.server, self.folder = Served(folder / "gt"), folder
        self.allowed: tuple[str, ...] = (
            "--allow",
            "127.0.0.0/8",
            "--allow-port",
            web.rpartition(":")[2],
            "--pause",
            "0",
        )

    def ran(
        self, *words: str | Path, who: str = "captura", code: int = 0, place: str = "archivo", **more: str
    ) -> cli.Ran:
        url = f"{self.server.address.rstrip('/')}/gt"
        own = ["--key", str(key(self.folder, who)), "--to", url, "--archive", place, *self.allowed]
        ran = cli.run(words[0], *own, *words[1:], cwd=self.folder, **more)
        assert ran.code == code, ran.err + ran.out
        self.server.folded()
        return ran

    def did(self, *words: str | Path, who: str = "captura", place: str = "archivo") -> Any:
        """The one statement that a command registered."""
        (done,) = self.ran(*words, "--json", who=who, place=place).json["links"]
        note = self.server.get(f"/api/entries/{done['index']}").json["data"]["note"]
        return json.loads(note.split("\n")[1])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    web = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    Thread(target=web.serve_forever, daemon=True).start()
    desk = Desk(tmp_path_factory.mktemp("mesa"), f"127.0.0.1:{web.server_port}")
    with desk.server as server:
        server.folded()
        yield desk
    web.shutdown()
    web.server_close()


def test_nothing_of_this_machine_is_visited_unless_it_is_allowed(desk: Desk) -> None:
    allowed, desk.allowed = desk.allowed, desk.allowed[2:]
    try:
        ran = desk.ran("capture", "--link", str(desk.links["acta"].index), "--dry-run", code=1)
    finally:
        desk.allowed = allowed
    assert "lleva a una red que no es pública" in ran.out
    assert "127.0.0.1 (loopback)" in ran.out
    assert "--allow RED" in ran.err
    assert "--allow-port PUERTO" in ran.err


def test_a_port_that_is_not_visited_is_said_with_the_option_that_allows_it(desk: Desk) -> None:
    allowed, desk.allowed = desk.allowed, (*desk.allowed[:2], "--pause", "0")
    try:
        ran = desk.ran("capture", "--link", str(desk.links["acta"].index), "--dry-run", code=1, LANG="en")
    finally:
        desk.allowed = allowed
    assert "a port that is not visited" in ran.out
    assert "--allow-port PORT" in ran.err


def test_one_and_four_are_counted_as_people_say_it(desk: Desk) -> None:
    four = ("capture", "--plan", w.PLAN, "--anyway", "--again", "0", "--dry-run")
    one = ("capture", "--commitment", w.G2, "--again", "0", "--dry-run")
    assert desk.ran(*four).out.strip() == "4 capturadas"
    assert desk.ran(*four, LANG="en").out.strip() == "4 captured"
    assert desk.ran(*one).out.strip() == "1 capturada"
    assert desk.ran(*one, LANG="en").out.strip() == "1 captured"


@pytest.mark.parametrize(
    ("seen", "one", "four", "english"),
    [
        ("alive", "1 sigue igual", "4 siguen igual", "4 alive"),
        ("blocked", "1 no deja pasar", "4 no dejan pasar", "4 blocked"),
        ("captured", "1 capturada", "4 capturadas", "4 captured"),
        ("changed", "1 cambió", "4 cambiaron", "4 changed"),
        ("gone", "1 ya no está", "4 ya no están", "4 gone"),
        ("put-off", "1 para otra vez", "4 para otra vez", "4 put off"),
        ("unsure", "1 dudosa", "4 dudosas", "4 unsure"),
    ],
)
def test_whatever_was_seen_is_counted_in_its_number(
    monkeypatch: pytest.MonkeyPatch, seen: str, one: str, four: str, english: str
) -> None:
    monkeypatch.setattr(screen, "lang", "es")
    assert seen_counts({seen: 1}) == one
    assert seen_counts({seen: 4}) == four
    monkeypatch.setattr(screen, "lang", "en")
    assert seen_counts({seen: 4}) == english


def test_what_an_archive_holds_is_counted_in_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "lang", "es")
    assert archive_counts(1, 1, 1) == "1 documento; 1 cambió de lugar; 1 no es lo que era."
    assert archive_counts(4, 4, 0) == "4 documentos; 4 cambiaron de lugar; 0 no son lo que eran."
    monkeypatch.setattr(screen, "lang", "en")
    assert archive_counts(1, 0, 1) == "1 document; 0 put elsewhere; 1 is not what it was."
    assert archive_counts(4, 4, 4) == "4 documents; 4 put elsewhere; 4 are not what they were."


def test_a_dry_run_says_what_was_seen_and_does_nothing(desk: Desk) -> None:
    size = desk.server.size()
    ran = desk.ran("capture", "--commitment", w.G2, "--dry-run", place="seco")
    assert ran.out.strip() == "1 capturada"
    assert desk.server.size() == size
    assert open_archive(str(desk.folder / "seco")).digests() == []


def test_a_link_is_named_by_its_entry_its_identity_or_its_page(desk: Desk) -> None:
    link = desk.links["acta"]
    for name in (str(link.index), link.opened.identity, f"http://x.example/gt/evidencia/{link.index}"):
        (seen,) = desk.ran("recheck", "--link", name, "--dry-run", "--json").json["links"]
        assert (seen["link"], seen["rule"]) == (link.index, "first-seen")


def test_what_was_captured_is_not_captured_again_but_when_it_is_asked_for(desk: Desk) -> None:
    link = str(desk.links["acta"].index)
    capture = desk.did("capture", "--link", link)
    assert (capture["digest"], capture["size"]) == (sha256(PAGE).hexdigest(), len(PAGE))
    assert desk.ran("capture", "--link", link).out.strip() == "Nada que hacer: todo está hecho."
    assert desk.ran("capture", "--link", link, "--again", "1", "--json").json["links"] == []
    again = desk.did("capture", "--link", link, "--again", "0")
    assert again["digest"] == capture["digest"]


def test_another_body_captures_for_itself(desk: Desk) -> None:
    capture = desk.did("capture", "--link", str(desk.links["acta"].index), who="icefi", place="de-icefi")
    assert (capture["by"][0]["actor"], capture["by"][0]["role"]) == ("icefi", "assessor")


def test_what_looks_like_no_document_is_captured_only_where_somebody_says_that_it_is_one(desk: Desk) -> None:
    link = str(desk.links["404"].index)
    ran = desk.ran("capture", "--link", link, code=1)
    assert "la página dice que no existe" in ran.out
    assert desk.did("capture", "--link", link, "--anyway")["digest"] == sha256(SENT["/404"]).hexdigest()
    (seen,) = desk.ran("recheck", "--link", link, "--json").json["links"]
    assert seen["rule"] == "same-bytes"


def test_a_file_is_handed_in_for_the_link_that_names_its_digest(desk: Desk) -> None:
    (desk.folder / "acta.pdf").write_bytes(FILE)
    capture = desk.did("capture", "--plan", w.PLAN, "--file", "acta.pdf")
    assert capture["link"] == desk.links["file"].opened.identity
    assert (capture["method"], capture["media_type"], capture["digest"]) == (
        "upload",
        "application/pdf",
        sha256(FILE).hexdigest(),
    )
    again = desk.ran("capture", "--plan", w.PLAN, "--file", "acta.pdf", "--json").json["links"]
    assert "index" not in again[0]  # it is said once
    assert desk.ran("recheck", "--link", str(desk.links["file"].index), "--json").json["links"] == []


def test_another_file_than_the_one_that_was_linked_is_not_taken(desk: Desk) -> None:
    (desk.folder / "otra.pdf").write_bytes(FILE + b".")
    ran = desk.ran("capture", "--link", str(desk.links["file"].index), "--file", "otra.pdf", code=2)
    assert "nombra otro archivo" in ran.err
    ran = desk.ran("capture", "--plan", w.PLAN, "--file", "otra.pdf", code=2)
    assert "Ninguna evidencia" in ran.err
    ran = desk.ran("capture", "--file", "otra.pdf", code=2)
    assert "--link" in ran.err


def test_a_page_behind_a_wall_is_handed_in_as_somebody_saved_it(desk: Desk) -> None:
    (desk.folder / "guardada.html").write_bytes(PAGE + b"<!-- guardada -->")
    capture = desk.did("capture", "--link", str(desk.links["otra"].index), "--file", "guardada.html")
    assert (capture["method"], "http_status" in capture) == ("upload", False)


def test_a_copy_of_another_archive_says_where_it_came_from(desk: Desk) -> None:
    place = f"http://127.0.0.1:{desk.allowed[3]}/copia"
    capture = desk.did("capture", "--link", str(desk.links["otra"].index), "--archive-url", place)
    assert (capture["method"], capture["final_url"], capture["http_status"]) == ("archive", place, 200)
    assert desk.ran("capture", "--plan", w.PLAN, "--archive-url", place, code=2).err.count("--link") == 1


def test_a_body_without_a_role_is_told_whom_to_ask(desk: Desk) -> None:
    ran = desk.ran("capture", "--plan", w.PLAN, who="sinpapel", code=2)
    assert "registradores" in ran.err
    ran = desk.ran("capture", "--plan", w.PLAN, "--role", "irm", code=2)
    assert "«captura»" in ran.err


def test_what_the_ledger_refuses_is_said_with_its_rule_and_the_others_go_on(desk: Desk) -> None:
    """An institution captures for its own commitments alone."""
    ran = desk.ran("capture", "--plan", w.PLAN, "--json", who="segeplan", code=1, place="de-segeplan")
    refused = {one["commitment"]: one.get("refused", "") for one in ran.json["links"] if one["seen"] == "captured"}
    assert refused.pop(w.C8) == ""
    assert set(refused) == {w.G1, w.G2}
    assert all(each.startswith("role-scope (") for each in refused.values())
    again = desk.ran("capture", "--plan", w.PLAN, who="segeplan", code=1, place="de-segeplan", LANG="en")
    assert "role-scope" in again.out  # what was refused has not been said, and is tried again


@pytest.mark.parametrize(
    ("words", "es"),
    [
        ((), "Dé --link, --commitment o --plan"),
        (("--plan", w.PLAN, "--commitment", w.G1), "Dé --link, --commitment o --plan"),
        (("--link", "0"), "no es una evidencia enlazada"),
        (("--link", "99999"), "no tiene el asiento 99999"),
        (("--plan", w.PLAN, "--allow", "aquí"), "no es una red"),
        (("--plan", w.PLAN, "--allow", "10.2.0.5:8080"), "se dan con --allow-port"),
        (("--plan", "otro-plan"), f"Planes: {w.PLAN}."),
        (("--commitment", f"{w.PLAN}/C99"), f"ningún plan ni compromiso «{w.PLAN}/C99»"),
        (("--commitment", "C8"), "Un compromiso se escribe con su plan"),
    ],
)
def test_what_was_asked_wrongly_is_said_with_what_to_do(desk: Desk, words: tuple[str, ...], es: str) -> None:
    assert es in desk.ran("recheck", *words, code=2).err


def test_results_are_told_in_english_too(desk: Desk) -> None:
    SENT["/acta"] = PAGE + b" (bis)"
    try:
        ran = desk.ran("recheck", "--commitment", w.G1, "--every", "0", code=1, LANG="en")
    finally:
        SENT["/acta"] = PAGE
    assert ran.out.splitlines()[0] == "1 alive, 1 changed"
    assert "other bytes than those captured" in ran.out
    assert "Checking: 2/2" in ran.err


def test_quiet_leaves_results_alone(desk: Desk) -> None:
    assert desk.ran("recheck", "--commitment", w.G2, "--every", "0", "--quiet", code=1).err == ""


# --- a day without a net ---------------------------------------------------------------------------------------------


def silence(*hosts: str, answered: str = "") -> Iterator[tuple[Link, Outcome]]:
    for number, host in enumerate(hosts):
        link = Link(index=number, identity="", commitment="", url=f"http://{host}/")
        if host == answered:
            hop = Hop(url=link.url, address="", status=500, reason="", headers=())
            yield link, Fetched(url=link.url, hops=(hop,), body=b"", fetched_ms=0)
        else:
            yield link, Unfetched("name-failed", host)


def urls(came: Iterator[tuple[Link, Outcome]]) -> list[str]:
    return [link.url for link, _ in told(came)]


def test_where_of_many_hosts_none_answers_nothing_is_stated() -> None:
    with pytest.raises(CannotRun, match="Nothing was signed"):
        urls(silence("a.example", "b.example", "c.example"))


def test_silence_is_stated_once_somebody_has_answered_and_nothing_is_lost() -> None:
    hosts = ("a.example", "b.example", "c.example", "d.example")
    for answered in hosts:
        assert sorted(urls(silence(*hosts, answered=answered))) == [f"http://{host}/" for host in hosts]


def test_the_silence_of_few_is_theirs() -> None:
    assert len(urls(silence("a.example", "b.example", "a.example"))) == 3

"""The comments of a round as tables and as a document: from the server, and from published files with the command."""

import csv
import io
import json
import socket
import threading
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import whole_round as c
from service import Served
from whole_round import Told, place, server

from api.cli import run
from api.exports import COLUMNS
from api.tabular import csv_lines, json_lines

STATES = {"ana": "shown", "luis": "erased", "rosa": "redacted", "juan": "withheld", "sara": "withdrawn"}

__all__ = ["place", "server"]  # fixtures


@pytest.fixture(scope="module")
def told() -> Told:
    return c.tell()


def rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def test_no_comment_is_left_out_and_each_says_its_state(server: Served, told: Told) -> None:
    answer = server.get("/consultas/ronda-1/comentarios.csv")
    found = {row["identity"]: row for row in rows(answer.body)}

    assert answer.headers["content-type"].startswith("text/csv")
    assert len(found) == len(c.TEXTS)
    for who, state in STATES.items():
        row = found[told.comment(who).opened.identity]
        assert row["state"] == state, who
        assert row["text"] == {"shown": c.TEXTS[who], "redacted": c.SHORTER}.get(state, ""), who
    withheld = found[told.comment("juan").opened.identity]
    assert (withheld["ground"], withheld["decision"]) == ("hate", "upheld")
    assert told.world.entries[int(withheld["state_by"])].opened.statement.kind == "ContentWithheld"
    answered = found[told.comment("ana").opened.identity]
    assert (answered["answers"], answered["disposition"], answered["answered_by"]) == ("1", "accepted", "copret")
    assert (answered["name"], answered["endorsements"]) == ("Ana Inventada", "1")
    for hidden in ("luis", "juan", "sara", "rosa"):
        assert c.TEXTS[hidden].encode() not in answer.body


def test_for_excel_there_is_the_same_behind_a_mark(server: Served) -> None:
    plain, marked = [server.get(f"/consultas/ronda-1/comentarios.{ending}") for ending in ("csv", "excel.csv")]
    assert marked.body == b"\xef\xbb\xbf" + plain.body
    assert plain.body.startswith(b"round,")
    assert marked.headers["content-type"] == plain.headers["content-type"] == "text/csv; header=present; charset=utf-8"
    here = marked.headers["content-location"]
    assert here == plain.headers["content-location"].removesuffix("csv") + "excel.csv"
    assert server.get(f"/consultas/ronda-1/{here}").body == marked.body
    page = server.get("/consultas/ronda-1", accept="text/html").body.decode()
    assert 'comentarios.excel.csv">CSV para Excel</a>' in page


def test_the_lines_of_json_say_the_same(server: Served) -> None:
    table = rows(server.get("/consultas/ronda-1/comentarios.csv").body)
    lines = [json.loads(line) for line in server.get("/consultas/ronda-1/comentarios.json").body.splitlines()]

    def cell(value: Any) -> str:
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    assert [{name: cell(value) for name, value in line.items()} for line in lines] == table


def test_every_column_is_documented_in_both_languages(server: Served) -> None:
    answer = server.get("/consultas/ronda-1/comentarios.csv")
    header = answer.body.split(b"\r\n")[0].decode().split(",")
    described = server.get("/consultas/ronda-1/" + answer.headers["link"].split("<")[1].split(">")[0]).json
    columns = described["tableSchema"]["columns"]

    assert [column["name"] for column in columns] == header == [column.name for column in COLUMNS]
    for column in columns:
        assert [said["@language"] for said in column["dc:description"] if said["@value"]] == ["es", "en"]
    origin, size, _ = server.get("/checkpoint").body.decode().split("\n")[:3]
    assert (described["constancia:origin"], described["constancia:tree_size"]) == (origin, int(size))
    assert described["constancia:rows"] == len(rows(answer.body))
    assert described["url"] == f"ronda-1.{size}.csv"
    assert rows(server.get(f"/consultas/ronda-1/{described['url']}").body) == rows(answer.body)


def test_an_older_state_has_its_own_table_without_what_was_hidden_since(server: Served, told: Told) -> None:
    at = told.comment("juan").index + 1
    found = rows(server.get(f"/consultas/ronda-1/comentarios.csv?at={at}").body)
    assert [row["identity"] for row in found] == [told.comment(who).opened.identity for who in list(c.TEXTS)[:5]]
    assert c.TEXTS["luis"] not in [row["text"] for row in found]
    assert {row["answers"] for row in found} == {"0"}


@pytest.mark.parametrize("ending", ["csv", "json", "csv-metadata.json"])
def test_a_head_request_has_the_headers_and_no_row(server: Served, ending: str) -> None:
    path = f"/consultas/ronda-1/comentarios.{ending}"
    answer, head = server.get(path), server.request("HEAD", server.path + path)
    assert (head.status, head.body) == (200, b"")
    for name in ("content-type", "content-disposition", "link", "cache-control"):
        assert head.headers.get(name) == answer.headers.get(name)


@pytest.mark.parametrize("path", ["/consultas/no-hay/comentarios.csv", "/consultas/ronda-1/comentarios.csv?at=9999"])
def test_what_is_not_there(server: Served, path: str) -> None:
    assert server.get(path).status == 404


# --- hostile cells ---------------------------------------------------------------------------------------------------


def row_with(text: str) -> dict[str, Any]:
    return {column.name: None for column in COLUMNS} | {"text": text, "index": 7, "late": False}


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_begins_as_a_formula(first: str) -> None:
    text = f"{first}HYPERLINK(1)"
    (found,) = rows("".join(csv_lines(COLUMNS, [row_with(text)])).encode())
    assert found["text"] == f"'{text}"
    assert found["index"] == "7"


def test_hostile_texts_come_back_as_they_were(shared_vectors: Path) -> None:
    """Line breaks, quotes and commas break no row; in JSON the text is exact."""
    folder = shared_vectors / "hostile-strings"
    texts: list[str] = json.loads((folder / "big-list-of-naughty-strings.json").read_text("utf-8"))
    texts += (folder / "csv-injection.txt").read_text("utf-8").splitlines()
    texts += ['a"b,c\r\nd', "\r\n", '"', ",,", "a\nb"]
    written = "".join(csv_lines(COLUMNS, [row_with(text) for text in texts]))
    found = rows(written.encode())
    lines = "".join(json_lines([row_with(text) for text in texts])).split("\n")[:-1]

    assert len(found) == len(lines) == len(texts) > 500
    for text, row, line in zip(texts, found, lines, strict=True):
        assert row["text"] in (text, f"'{text}")
        assert not row["text"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert json.loads(line)["text"] == text


# --- the command -----------------------------------------------------------------------------------------------------


def export(where: str, folder: Path, *more: str) -> dict[str, Path]:
    """Run the command; the files it wrote, by their endings."""
    assert run(["export", "round", "ronda-1", "--from", where, "--to", str(folder), "--quiet", *more]) == 0
    return {path.name.split(".", 2)[2]: path for path in folder.iterdir()}


def test_the_command_writes_what_the_server_gives(place: Path, server: Served, tmp_path: Path) -> None:
    files = export(str(place), tmp_path / "carpeta", "--no-pdf")
    again = export(server.address.rstrip("/") + server.path, tmp_path / "direccion", "--no-pdf")

    assert sorted(files) == ["csv", "csv-metadata.json", "jsonl"]
    assert files["csv"].read_bytes() == server.get("/consultas/ronda-1/comentarios.csv").body
    assert files["jsonl"].read_bytes() == server.get("/consultas/ronda-1/comentarios.json").body
    described = server.get("/consultas/ronda-1/comentarios.csv-metadata.json").body
    assert files["csv-metadata.json"].read_bytes() == described
    assert [path.read_bytes() for path in files.values()] == [again[name].read_bytes() for name in files]


def test_an_altered_text_or_entry_is_not_exported(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    for path, old, new in (
        ("contents/000", b"falta agua", b"sobra agua"),
        ("tile/entries/000.p", b"Se publicar", b"No publicar"),
    ):
        copy = tmp_path / path.replace("/", "-")
        shutil.copytree(place / "public", copy / "public")
        for file in (copy / "public").rglob("*"):
            if file.is_file() and str(file.relative_to(copy / "public")).startswith(path):
                file.write_bytes(file.read_bytes().replace(old, new))
        words = ["export", "round", "ronda-1", "--from", str(copy), "--to", str(tmp_path / "no"), "--no-pdf"]
        assert run(words) == 1
    assert not (tmp_path / "no").exists()
    assert "000" in capsys.readouterr().err


def test_a_round_that_is_not_there_is_named(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "round", "otra", "--from", str(place), "--to", str(tmp_path / "no")]) == 2
    assert "ronda-1" in capsys.readouterr().err


# --- the document ----------------------------------------------------------------------------------------------------


def streams(raw: bytes) -> bytes:
    """Everything that is compressed in a PDF, inflated, behind the file itself."""
    found = [raw]
    for part in raw.split(b"stream\n")[1:]:
        try:
            found.append(zlib.decompress(part))
        except zlib.error:
            try:
                found.append(zlib.decompressobj().decompress(part))
            except zlib.error:
                continue
    return b"\n".join(found)


def test_the_document_is_a_tagged_pdf_in_its_language(place: Path, tmp_path: Path) -> None:
    for language in ("es-GT", "en"):
        files = export(str(place), tmp_path / language, "--in", language)
        raw = files[f"{language}.pdf"].read_bytes()
        inside = streams(raw)
        assert raw.startswith(b"%PDF-1.7")
        assert b"pdfuaid:part" in inside
        for mark in (b"/StructTreeRoot", b"/Marked true", f"/Lang ({language})".encode(), b"/DisplayDocTitle true"):
            assert mark in inside, mark
        for tag in (b"/S /H1", b"/S /H2", b"/S /Table", b"/S /TH", b"/S /Link", b"/S /Caption"):
            assert tag in inside, tag
        again = export(str(place), tmp_path / f"{language}-2", "--in", language)
        assert again[f"{language}.pdf"].read_bytes() == raw


def test_nothing_that_a_text_names_is_fetched_and_no_text_breaks_the_document(
    tmp_path: Path, shared_vectors: Path
) -> None:
    """Images, styles, attachments and links in every place where a text can stand; nobody may ask our listener."""
    folder = shared_vectors / "hostile-strings"
    naughty: list[str] = json.loads((folder / "big-list-of-naughty-strings.json").read_text("utf-8"))
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        asked: list[bytes] = []

        def listen() -> None:
            try:
                while True:
                    connection, _ = listener.accept()
                    asked.append(connection.recv(200))
                    connection.close()
            except OSError:
                pass

        threading.Thread(target=listen, daemon=True).start()
        at = f"http://127.0.0.1:{listener.getsockname()[1]}"
        bait = (
            f'<img src="{at}/a"><link rel="stylesheet" href="{at}/b"><style>@import url({at}/c)</style>'
            f'<link rel=attachment href="file:///etc/hostname"><object data="{at}/d"></object>'
            f'<svg><image href="{at}/e"/></svg><a rel="attachment" href="{at}/f">x</a>'
        )
        texts = dict.fromkeys(c.TEXTS, bait)
        told = c.tell(texts, parts=[{"part": "metas", "title": bait}, {"part": "plazos", "title": "\x01\u202e<b>"}])
        lines = [text for text in naughty if text.strip(" \t\n") and "\0" not in text]
        while lines:
            some: list[str] = []
            size = 0
            while lines and size + len(lines[-1]) < 3_000 and len(some) < 60:
                some.append(lines.pop())
                size += 4 * len(some[-1])
            told.comments_on(
                f"persona-{len(lines)}", "\n".join(some or [lines.pop()[:2_000]]), name=bait[:200], place="<i>"
            )
        told.write(tmp_path / "registro")
        files = export(str(tmp_path / "registro"), tmp_path / "salida")
        raw = files["es-GT.pdf"].read_bytes()
        assert raw.startswith(b"%PDF-1.7")
        assert b"/EmbeddedFile" not in streams(raw)
        assert asked == []


def test_the_listener_of_that_test_hears_who_fetches() -> None:
    import urllib.request

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        heard: list[bytes] = []

        def listen() -> None:
            connection, _ = listener.accept()
            heard.append(connection.recv(200))
            connection.sendall(b"HTTP/1.0 204 No Content\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        with urllib.request.urlopen(f"http://127.0.0.1:{listener.getsockname()[1]}/a"):
            thread.join()
        assert heard[0].startswith(b"GET /a")

"""`constancia export plan`: the server's bytes, from verified published files, at any size and for any day."""

import hashlib
import json
import shutil
import socket
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import compared as c
import pytest
from compared import PLAN, Compared
from service import Served
from test_cli import run as command
from test_exports import streams
from whole_round import place, server

from api.cli import run
from api.copying import read_copy
from api.exporting import plan_document
from api.tables import TABLES, Stand
from ledger.published import Folder

FORMS = ("csv", "json", "jsonl", "parquet")

__all__ = ["place", "server"]  # fixtures


@pytest.fixture(scope="module")
def told() -> Compared:
    return c.tell()


def export(where: Path | str, folder: Path, *more: str, code: int = 0, forms: str = ",".join(FORMS)) -> Path:
    words = ["export", "plan", PLAN, "--from", str(where), "--to", str(folder), "--formats", forms, "--quiet", *more]
    assert run(words) == code
    return folder


def index_of(folder: Path) -> dict[str, Any]:
    (found,) = [path for path in folder.glob(f"{PLAN}.*.json") if path.name.count(".") == 3]
    return json.loads(found.read_bytes())


@pytest.mark.parametrize("state", ["newest", "size", "day", "both"])
def test_the_command_writes_what_the_server_gives(
    place: Path, server: Served, told: Compared, tmp_path: Path, state: str
) -> None:
    size, day = told.index["resolved"] + 1, told.world_day(30)
    then = told.world_day(-4)
    words, query = {
        "newest": ([], ""),
        "size": (["--at", str(size)], f"?at={size}"),
        "day": (["--as-of", then], f"?as_of={then}"),
        "both": (["--at", str(size), "--as-of", day], f"?at={size}&as_of={day}"),
    }[state]
    folder = export(place, tmp_path / "datos", *words)
    index = index_of(folder)
    for name in TABLES:
        for form in FORMS:
            answer = server.get(f"/exportar/{PLAN}/{name}.{form}{query}")
            path = folder / f"{PLAN}.{name}.{index['size']}.{index['as_of']}.{form}"
            assert path.read_bytes() == answer.body, (name, form)
            assert f'filename="{path.name}"' in answer.headers["content-disposition"]
        described = f"{PLAN}.{name}.{index['size']}.{index['as_of']}.csv-metadata.json"
        assert (folder / described).read_bytes() == server.get(f"/exportar/{PLAN}/{name}.csv-metadata.json{query}").body
    histories = f"{PLAN}.histories.{index['size']}.{index['as_of']}.jsonl"
    assert (folder / histories).read_bytes() == server.get(f"/exportar/{PLAN}/histories.jsonl{query}").body
    assert index["root"] == server.get(f"/exportar/{PLAN}/levels.csv-metadata.json{query}").json["constancia:root"]


def test_the_index_names_every_file_its_digest_and_its_rows(place: Path, told: Compared, tmp_path: Path) -> None:
    folder = export(place, tmp_path / "datos")
    index = index_of(folder)
    assert (index["size"], index["as_of"], index["methodology"]) == (len(told.world.entries), told.world_day(0), 2)
    assert {path.name for path in folder.iterdir()} == {one["file"] for one in index["files"]} | {
        f"{PLAN}.{index['size']}.{index['as_of']}.json"
    }
    for one in index["files"]:
        assert hashlib.sha256((folder / one["file"]).read_bytes()).hexdigest() == one["sha256"]
    rows = {one["table"]: one["rows"] for one in index["files"] if one["file"].endswith(".csv")}
    kinds = [entry.opened.statement.kind for entry in told.world.entries]
    assert rows["evidence"] == kinds.count("EvidenceLinked")
    assert rows["disputes"] == kinds.count("EvidenceDisputed")
    assert all(one.get("whole") in (None, one.get("rows")) for one in index["files"])
    again = export(place, tmp_path / "otra vez")
    assert sorted(path.read_bytes() for path in again.iterdir()) == sorted(
        path.read_bytes() for path in folder.iterdir()
    )


def test_from_an_address_it_is_the_same(place: Path, server: Served, tmp_path: Path) -> None:
    from_folder = export(place, tmp_path / "carpeta", forms="csv")
    from_address = export(server.address.rstrip("/") + server.path, tmp_path / "direccion", forms="csv")
    assert [path.read_bytes() for path in sorted(from_folder.iterdir())] == [
        path.read_bytes() for path in sorted(from_address.iterdir())
    ]


def test_people_are_told_that_nothing_is_missing(place: Path, tmp_path: Path) -> None:
    words = ["export", "plan", PLAN, "--from", place, "--to", tmp_path / "datos", "--formats", "csv"]
    for language, sentence in (("es", "se contaron en el árbol"), ("en", "counted in the tree")):
        ran = command("--lang", language, *words)
        assert ran.code == 0, ran.err
        assert sentence in ran.err
        assert "evidence: 6 " in ran.err
    assert command(*words, "--json").json["size"] == 74


def test_every_form_is_written_unless_some_are_named_and_parquet_where_its_extra_is(
    place: Path, tmp_path: Path
) -> None:
    whole, without = tmp_path / "todo", tmp_path / "sin parquet"
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pyarrow.parquet'] = None\n", "utf-8")
    words = ["export", "plan", PLAN, "--from", place]
    ran = command(*words, "--to", whole)
    assert (ran.code, ran.err.count("'.[parquet]'")) == (0, 0), ran.err
    endings = {path.name.split(".", 4)[-1] for path in whole.iterdir()}
    assert endings == {*FORMS, "csv-metadata.json", "pdf"}
    for language, sentence in (("es", "Sin Parquet; para tenerlo"), ("en", "Without Parquet; to have it")):
        ran = command("--lang", language, *words, "--to", without, "--in", "es-GT", PYTHONPATH=str(tmp_path))
        assert ran.code == 0, ran.err
        (said,) = [line for line in ran.err.splitlines() if "Parquet" in line]
        assert said.startswith(sentence)
        assert "pip install '.[parquet]'" in said
        left = {path.name: path.read_bytes() for path in whole.iterdir() if path.suffix != ".parquet"}
        made = {path.name: path.read_bytes() for path in without.iterdir()}
        index = f"{PLAN}.74.{index_of(whole)['as_of']}.json"
        assert len(left.pop(index)) > len(made.pop(index))
        assert made == left
    refused = command(*words, "--to", tmp_path / "no", "--formats", "parquet", PYTHONPATH=str(tmp_path))
    assert (refused.code, "pip install '.[parquet]'" in refused.err) == (2, True)
    assert not (tmp_path / "no").exists()


def test_an_altered_entry_is_not_exported(place: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copia"
    shutil.copytree(place / "public", copy / "public")
    for file in (copy / "public" / "tile" / "entries").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes().replace(b"medios de verific", b"MEDIOS de verific"))
    export(copy, tmp_path / "no", code=1)
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--at", "9999"], "9999"),
        (["--as-of", "2001-01-01"], "--as-of"),
        (["--at", "70", "--as-of", "2001-01-01"], "--at"),
        (["--formats", "xls"], "xls"),
        (["--formats", ""], "csv"),
    ],
)
def test_what_cannot_be_exported_is_said_and_nothing_is_written(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], named: str
) -> None:
    export(place, tmp_path / "no", *words, code=2)
    assert not (tmp_path / "no").exists()
    said = capsys.readouterr().err
    assert named in said or "74" in said


def test_a_plan_that_is_not_there_is_named(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "plan", "otro", "--from", str(place), "--to", str(tmp_path / "no"), "--formats", "csv"]) == 2
    assert PLAN in capsys.readouterr().err


# --- the document ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["es-GT", "en"])
def test_the_document_is_a_tagged_pdf_that_names_its_checkpoint(
    place: Path, told: Compared, tmp_path: Path, language: str
) -> None:
    folder = export(place, tmp_path / language, "--in", language, forms="pdf")
    index = index_of(folder)
    raw = (folder / f"{PLAN}.{index['size']}.{index['as_of']}.{language}.pdf").read_bytes()
    inside = streams(raw)
    assert raw.startswith(b"%PDF-1.7")
    for mark in (
        b"pdfuaid:part",
        b"/StructTreeRoot",
        b"/Marked true",
        b"/DisplayDocTitle true",
        f"/Lang ({language})".encode(),
        {"es-GT": "Lo reportado frente a la evidencia", "en": "Reported against evidenced"}[language].encode(),
    ):
        assert mark in inside, mark
    for tag in (b"/S /H1", b"/S /H2", b"/S /H3", b"/S /H4", b"/S /Table", b"/S /TH", b"/S /Caption", b"/S /L"):
        assert tag in inside, tag


def test_the_document_says_what_the_tables_say(place: Path, told: Compared) -> None:
    copy = read_copy(Folder(place / "public"), None, lambda done, total: None)
    stand = Stand(copy, PLAN)
    for language, voice, word in (("es-GT", "Evidencia", "Sustancial"), ("en", "Evidence", "Substantial")):
        html = plan_document(copy, stand, language)
        assert f'lang="{language}"' in html
        assert voice in html
        assert word in html
        assert copy.checkpoint.root.hex() in html
        assert f"{copy.checkpoint.root.hex()[:16]}…" in html
        for row in TABLES["reasons"].rows(stand):
            assert f"<code>{row['rule']}</code>" in html, row
        for entry in told.world.entries:
            if entry.opened.statement.kind in ("EvidenceLinked", "VerdictGiven", "CompletionAssessed"):
                assert f"/asientos/{entry.index}" in html
    assert c.SEALED not in html


def test_no_text_breaks_the_document_and_nothing_that_it_names_is_fetched(tmp_path: Path) -> None:
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
            f'</td><img src="{at}/a"><link rel="stylesheet" href="{at}/b"><style>@import url({at}/c)</style>'
            f'<object data="{at}/d"></object><a rel="attachment" href="file:///etc/hostname">x</a>\x01\u202e{{{{ 7 }}}}'
        )
        told = c.tell(bait)
        told.write(tmp_path / "registro")
        folder = export(tmp_path / "registro", tmp_path / "salida", forms="pdf")
        (path,) = folder.glob("*.pdf")
        raw = path.read_bytes()
        assert raw.startswith(b"%PDF-1.7")
        assert b"/EmbeddedFile" not in streams(raw)
        assert asked == []


def test_the_page_to_print_says_the_same_and_names_the_record(server: Served, told: Compared) -> None:
    page = server.get(f"/exportar/{PLAN}/imprimir", accept="text/html")
    assert page.status == 200, server.log()[-3000:]
    text = page.body.decode()
    size = len(told.world.entries)
    assert f"{size} asientos, raíz" in text
    assert f"calculado al {told.world_day(0)}" in text
    assert "grade/0-own-page" in text
    older = server.get(
        f"/en/exportar/{PLAN}/imprimir?at={told.index['resolved'] + 1}", accept="text/html"
    ).body.decode()
    assert f"{told.index['resolved'] + 1} entries, root" in older
    assert server.get("/exportar/otro/imprimir", accept="text/html").status == 404

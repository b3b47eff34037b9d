"""A text that is gone is nowhere: not on any page, in any answer, feed, export, search or file, and in no later backup.

A comment with marked words is posted to the real server. Everything that it answers is gathered, by every route that
the application has and every link in what it says, and every file of the ledger's folder. The words are found before;
while they are withheld, on no route; after the erasure nowhere, nor the salt, nor the shorter text that stood there.
The ledger verifies before and after. Another comment, which nobody touches, is found all the time: so the test looks.
"""

import gzip
import io
import re
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import product
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from service import Answer, Served, founded_lately, now_ms, put_on_disk, until
from world import G1, ORIGIN, PLAN, World, key_of, public, salted_digest, second_moderator

from consultation.text import Content, SaltedContent
from ledger.published import Folder
from ledger.statement import Opened, format_when, open_statement, sign_statement
from ledger.tlog.policy import parse_policy
from projections.audit import audit

# Words that no page has by itself, nor a search for the first of them in what it repeats.
FIRST, SECOND = "candelaria7q", "mercadoviejo9x"
TEXT = f"Me llamo {FIRST} y vivo frente al {SECOND}."
SHORTER = "Una vecina vive frente al […] quebradahonda4z."
KEPT = "Que publiquen el presupuesto en laplazacentral3w."

TRANSLATED = re.compile(r"/gt/(en|quc)\b")

# The application writes its routes down when it is put together.
LISTING = """
import api.app
_create_app = api.app.create_app
def create_app(*args, **named):
    app = _create_app(*args, **named)
    routes = [route.path for route in app.routes if "GET" in getattr(route, "methods", ())]
    open({path!r}, "w").write("\\n".join(routes))
    return app
api.app.create_app = create_app
"""

# Where the words must be found while they are shown, if there is such a route: else this shows nothing.
MUST_SHOW = (
    r"/gt/contents/000",
    r"/gt/api/plans/[^/]+/rounds/ronda-1/comments",
    r"/gt/consultas/ronda-1",
    r"/gt/consultas/ronda-1/comentarios\.csv",
    r"/gt/consultas/ronda-1/comentarios\.json",
    r"/gt/comentarios/[0-9a-f]+",
)


class Case:
    """A served ledger with two comments, and what is said about the one with the marked words."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world: World = founded_lately(round_open=False)
        second_moderator(self.world)
        self.world.open_round()
        put_on_disk(self.world, folder)
        self.listed = folder.parent / "routes"
        self.said: list[Opened] = []

    def serve(self) -> Served:
        return Served(self.folder, before=LISTING.format(path=str(self.listed)))

    def say(self, server: Served, kind: str, *who: str, text: str | None = None, **fields: Any) -> Opened:
        """Post a statement, with a text if it brings one; returns it."""
        self.world.now_ms = now_ms()
        note = self.world.sign(kind, *who, **fields)
        answer = self.post(server, note, text, who[0])
        assert answer.status == 201, answer.body
        self.said.append(open_statement(note, ORIGIN))
        self.world.take(self.said[-1])
        server.folded()
        return self.said[-1]

    def post(self, server: Served, note: bytes, text: str | None, who: str) -> Answer:
        salted = None if text is None else [SaltedContent(salt=salt_of(text).hex(), content=Content(text=text))]
        return server.post(note, salted)

    def comment(self, server: Served, who: str, text: str) -> Opened:
        digest = salted_digest(ORIGIN, public(who), {"text": text}, salt_of(text))
        fields = self.world.comment(who, about=G1) | {"salted_digest": digest}
        return self.say(server, "CommentSubmitted", f"{who}:citizen", text=text, **fields)

    def act(self, server: Served, kind: str, on: Opened, *who: str, **fields: Any) -> Opened:
        target = {"statement": on.identity, "salted_digest": on.statement.salted_digests()[0]}
        return self.say(server, kind, *(who or ("vigilante:moderator",)), target=target, **fields)

    def audited(self) -> None:
        """The published files verify."""
        policy = parse_policy((self.folder / "public/policy").read_bytes())
        founding = self.world.entries[0].opened.identity
        report = audit(Folder(self.folder / "public"), policy=policy, founding=founding, workers=1)
        assert (report.verdict, report.findings) == ("verified", [])


def salt_of(text: str) -> bytes:
    """The salt of a text, random to whoever does not have it."""
    return Random(text).randbytes(32)


# --- everything that is there


def unpacked(raw: bytes) -> Iterator[bytes]:
    """Bytes as they are, and what is packed in them: archives, compressed answers, streams of a PDF."""
    yield raw
    if raw.startswith(b"\x1f\x8b"):
        yield gzip.decompress(raw)
    if zipfile.is_zipfile(io.BytesIO(raw)):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for name in archive.namelist():
                yield from unpacked(archive.read(name))
    if raw.startswith(b"%PDF"):
        for stream in re.findall(rb"stream\r?\n(.*?)endstream", raw, re.DOTALL):
            with suppress(zlib.error):
                yield zlib.decompress(stream)


def has(raw: bytes, words: tuple[bytes, ...]) -> bool:
    return any(word in part for part in unpacked(raw) for word in words)


def files_with(folder: Path, *words: bytes) -> set[str]:
    """The files in which any of the words is found, in their bytes or in a row of a database."""
    found = {path for path in folder.rglob("*") if path.is_file() and has(path.read_bytes(), words)}
    for path in folder.rglob("*.db"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                with suppress(sqlite3.Error):  # of a virtual table whose module is not loaded
                    rows = database.execute(f'SELECT * FROM "{table}"').fetchall()
                    if any(has(repr(value).encode(), words) for row in rows for value in row):
                        found.add(path)
    return {str(path.relative_to(folder)) for path in found}


def answers(case: Case, server: Served) -> dict[str, Answer]:
    """What is answered at every address that there is: of every route, of every file, and of every link in a page."""
    for_all = [PLAN, G1.rpartition("/")[2], "ronda-1", "comment", "moderation", "1"]
    for_all += [name for entry in case.said for name in (entry.identity, entry.identity[:12])]
    for_all += [str(entry.index) for entry in case.world.entries[-len(case.said) :]]
    waiting: list[str] = []
    for route in case.listed.read_text("utf-8").split("\n"):
        names = re.findall(r"\{([a-z_]+):[a-z]+\}", route)
        values = [[PLAN] if name == "plan" else for_all for name in names]
        pattern = re.sub(r"\{[^}]*\}", "{}", route)
        waiting += [pattern.format(*map(quote, chosen)) for chosen in product(*values)]
    published = case.folder / "public"
    waiting += [f"/gt/{path.relative_to(published)}" for path in published.rglob("*") if path.is_file()]
    # What a search finds, and the state as it was when the words were shown.
    queries = (f"?q={FIRST}", f"?at={case.world.docket.size}", f"?at={case.world.docket.size - 1}")
    found: dict[str, Answer] = {}
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = server.get(f"/{path}")
        assert found[path].status < 500, path
        if found[path].status != 200:
            continue
        if "?" not in path and not TRANSLATED.match(path):
            waiting += [path + query for query in queries]
        for link in re.findall(rb'(?:href|src)="(/[^"#]*)', found[path].body):
            address = link.decode().replace("&amp;", "&")
            # Filters upon filters lead nowhere new, nor do those of the same pages in other languages.
            if address.count("&") < 2 and not ("?" in address and TRANSLATED.match(address)):
                waiting.append(address)
    return {path: answer for path, answer in found.items() if answer.status == 200}


def routes_with(said: dict[str, Answer], *words: bytes) -> set[str]:
    """The addresses at which any of the words is said, in body or headers."""
    return {
        path
        for path, answer in said.items()
        if has(answer.body, words) or any(word in repr(answer.headers).encode() for word in words)
    }


def until_gone(folder: Path, *words: bytes) -> None:
    """Nobody finds a word that was taken from view from that moment; the search's file is swept soon after."""
    until(lambda: not files_with(folder, *words), 60)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_erased_comment_is_nowhere(tmp_path: Path) -> None:
    case = Case(tmp_path / "ledger")
    marked = (SECOND.encode(), salt_of(TEXT).hex().encode(), salt_of(TEXT))
    shorter = (b"quebradahonda4z", salt_of(SHORTER).hex().encode(), salt_of(SHORTER))
    kept = (b"laplazacentral3w",)
    rule = {"rule": "3", "appeal_until": format_when(now_ms() + 30 * 86_400_000)}
    with case.serve() as server:
        case.comment(server, "eva", KEPT)
        comment = case.comment(server, "ana", TEXT)
        case.audited()

        # Shown: found wherever comments are.
        said = answers(case, server)
        shown_at = routes_with(said, *marked)
        for pattern in MUST_SHOW:
            at = [path for path in said if re.fullmatch(pattern, path)]
            assert not at or shown_at & set(at), f"{pattern}: the words are not where they should be"
        assert {"/gt/contents/000", "/gt/consultas/ronda-1"} <= shown_at
        # Of the search the words, and no salt; its log of writes may have them too.
        assert files_with(case.folder, *marked) - {"search.db-wal"} == {"public/contents/000", "search.db"}
        assert files_with(case.folder, *marked[1:]) == {"public/contents/000"}
        _keep_backup(case.folder, tmp_path / "before")

        # Withheld: on no route, sealed in the vault. Restored: everywhere again.
        case.act(server, "ContentWithheld", comment, ground="personal_data", **rule)
        assert routes_with(answers(case, server), *marked) == set()
        until_gone(case.folder, *marked)
        case.act(server, "ContentRestored", comment, words={"text": "No había motivo."})
        for path in ("/gt/contents/000", "/gt/consultas/ronda-1"):
            assert has(server.get(f"/{path}").body, marked)

        # Redacted: the shorter text is found, and the full one is not.
        digest = salted_digest(ORIGIN, public("vigilante"), {"text": SHORTER}, salt_of(SHORTER))
        redacting: dict[str, Any] = {"ground": "personal_data", "salted_digest": digest, "text": SHORTER, **rule}
        case.act(server, "ContentRedacted", comment, **redacting)
        said = answers(case, server)
        assert routes_with(said, *marked) == set()
        assert "/gt/contents/000" in routes_with(said, *shorter)

        # Erased, as its author asks: nowhere.
        case.act(server, "ErasureRequested", comment, "ana:citizen", ground="consent_withdrawn")
        moderators = ("vigilante:moderator", "jurado:moderator")
        stores = {"ground": "requested", "rule": "Ley", "stores": ["vault", "backups", "mirrors"]}
        case.act(server, "ContentErased", comment, *moderators, **stores)
        _is_gone(case, server, marked + shorter, kept)
        case.audited()

        # The same submission again writes nothing, whatever signatures it comes under.
        note = sign_statement(ORIGIN, comment.statement, [key_of("ana")])
        again = case.post(server, note, TEXT, "ana")
        assert again.status == 200
        until_gone(case.folder, *marked)

    # Nor in a backup that is made now, nor after a restart with one from before and the keys of now.
    _keep_backup(case.folder, tmp_path / "after")
    assert files_with(tmp_path / "after", *marked, *shorter) == set()
    shutil.copy(tmp_path / "before/vault.db", case.folder / "vault.db")
    with case.serve() as server:
        _is_gone(case, server, marked + shorter, kept)
    case.audited()


def _is_gone(case: Case, server: Served, words: tuple[bytes, ...], kept: tuple[bytes, ...]) -> None:
    """None of the words is anywhere, and others are where they were."""
    said = answers(case, server)
    assert routes_with(said, *words) == set()
    until_gone(case.folder, *words)
    assert routes_with(said, *kept) >= {"/gt/contents/000", "/gt/consultas/ronda-1"}
    assert FIRST not in server.log()
    assert SECOND not in server.log()


def _keep_backup(folder: Path, place: Path) -> None:
    """A backup as deploy/LEDGER.md says: databases by SQLite's own way, the rest as files."""
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns("*.db", "*.db-*", "server.log"))
    for name in ("journal.db", "vault.db"):
        with closing(sqlite3.connect(folder / name)) as source, closing(sqlite3.connect(place / name)) as target:
            source.backup(target)

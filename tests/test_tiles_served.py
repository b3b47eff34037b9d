"""The published files over HTTP: bytes, types, caching and cross-origin headers, and nothing but published files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from service import Served, founded_lately, put_on_disk
from world import World

from api.tiles import FOR_EVER, type_and_caching
from consultation.text import Content, SaltedContent

CASES = [
    ("checkpoint", "text/plain; charset=utf-8", "no-cache"),
    ("head", "text/plain; charset=utf-8", "no-cache"),
    ("policy", "text/plain; charset=utf-8", "no-cache"),
    ("ledger.json", "application/json", "no-cache"),
    ("contents/000", "application/jsonl", "no-store"),
    ("tile/entries/000.p/{width}", "application/octet-stream", FOR_EVER),
    ("tile/0/000.p/{width}", "application/octet-stream", FOR_EVER),
    ("timestamps/34/0123456789abcdef.tsr", "application/timestamp-reply", FOR_EVER),
    ("timestamps/index", "text/plain; charset=utf-8", "no-cache"),
]


class Site:
    def __init__(self, server: Served, world: World, folder: Path) -> None:
        self.server = server
        self.folder = folder / "public"
        self.width = server.size()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("ledger")
    world = founded_lately()
    put_on_disk(world, folder)
    with Served(folder) as server:
        note = world.sign("CommentSubmitted", "maria:citizen", **world.comment("maria"))
        salted = SaltedContent(salt=(b"s" * 32).hex(), content=Content(text="Buen plan."))
        assert server.post(note, [salted]).status == 201
        (folder / "public" / "timestamps" / "34").mkdir(parents=True)
        (folder / "public" / "timestamps" / "34" / "0123456789abcdef.tsr").write_bytes(b"0\x82")
        (folder / "public" / "timestamps" / "index").write_bytes(b"timestamps/34/0123456789abcdef.tsr\n")
        (folder / "public" / "secret").write_text("not published")
        (folder / "public" / "tile" / ".new-1-2").write_text("unfinished")
        yield Site(server, world, folder)
        assert "Traceback" not in server.log()


@pytest.mark.parametrize(("path", "media_type", "caching"), CASES, ids=[case[0] for case in CASES])
def test_a_published_file_is_served_as_it_lies_there(site: Site, path: str, media_type: str, caching: str) -> None:
    path = path.format(width=site.width)
    answer = site.server.get(f"/{path}")
    assert (answer.status, answer.body) == (200, (site.folder / path).read_bytes())
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == caching
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    assert "transfer-encoding" not in answer.headers
    head = site.server.request("HEAD", f"/gt/{path}")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == answer.headers["content-length"]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/001",
        "tile/0/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/000/",
        "tile/0/000.p/",
        "tile/entries/",
        "tile/data/000",
        "tile/",
        "tile",
        "contents/",
        "contents/001",
        "contents/0",
        "checkpoints/2026-11-22",
        "checkpoints/..",
        "checkpoint/",
        "secret",
        "journal.db",
        "keys/log",
        "constancia.toml",
        "tile/.new-1-2",
        "../keys/log",
        "tile/../../keys/log",
        "%2e%2e/keys/log",
        "..%2fkeys%2flog",
        "tile/0/..%2f..%2f..%2f..%2fkeys%2flog",
        "tile%2f0%2f000%00",
        "checkpoint%00",
        "checkpoint%0a",
        "CHECKPOINT",
        "check%ffpoint",
        "a" * 5000,
    ],
)
def test_nothing_but_published_files_is_served_and_nobody_is_redirected(site: Site, path: str) -> None:
    raw = site.server.raw(f"GET /gt/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(), seconds=5)
    assert raw.startswith(b"HTTP/1.1 404 "), raw[:200]
    assert b"location:" not in raw
    assert b"OPENSSH" not in raw
    assert b"not published" not in raw


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_published_files_are_only_read(site: Site, method: str) -> None:
    answer = site.server.request(method, "/gt/checkpoint", b"x" if method in ("POST", "PUT") else None)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert site.server.size() == site.width


def test_a_missing_file_is_a_problem_in_json_and_never_a_page(site: Site) -> None:
    answer = site.server.get("/tile/0/001", accept="text/html")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_heads_of_past_days_are_kept_for_ever_and_todays_are_not() -> None:
    assert type_and_caching("checkpoints/2026-11-22", "2026-11-23")[1] == FOR_EVER
    assert type_and_caching("checkpoints/2026-11-23", "2026-11-23")[1] == "no-cache"

"""The search follows the record: what is hidden is not found from that moment, and a file that is gone comes back."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import whole_round as c
from whole_round import Told

from api.app import Running, open_ledger
from api.comments import find
from api.indexing import Indexer
from api.search import Asked, Search
from api.settings import LedgerSettings, load_settings


@pytest.fixture
def told() -> Told:
    return c.tell()


@pytest.fixture
def opened(told: Told, tmp_path: Path) -> Iterator[Running]:
    told.write(tmp_path / "registro")
    with ExitStack() as closing:
        yield open_ledger(settings_of(tmp_path), closing)


def settings_of(tmp_path: Path) -> LedgerSettings:
    return load_settings(tmp_path / "registro", {}).ledgers[0]


def settled(running: Running) -> Search:
    """The search once it knows every entry."""
    search = running.reader.search
    assert search is not None
    deadline = time.monotonic() + 20
    while search.position < running.log.size:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return search


def indexes(running: Running, words: str) -> list[int]:
    search = settled(running)
    return sorted(find(running.reader, search, "ronda-1", Asked(words=words, order="oldest")).indexes)


def test_texts_are_found_as_far_as_they_are_public(opened: Running, told: Told) -> None:
    assert indexes(opened, "presupuestos") == [told.comment("ana").index]
    assert indexes(opened, "comunidad") == [told.comment("eva").index]  # withheld, and restored
    assert indexes(opened, "apoyar") == [told.comment("rosa").index]  # the shorter text of a redaction
    assert indexes(opened, "qachak k'iche'") == [told.comment("quic").index]
    assert indexes(opened, "aldea inventada") == [told.comment("ana").index]  # the place that its author gave
    for hidden in ("teléfono", "calle", "odioinventado", "retractado"):
        assert indexes(opened, hidden) == [], hidden


def test_every_filter_is_there(opened: Running, told: Told) -> None:
    search = settled(opened)

    def counts(name: str) -> dict[str, int]:
        return dict(search.counts("ronda-1", name))

    assert counts("state") == {"erased": 1, "redacted": 1, "shown": 4, "withdrawn": 1, "withheld": 1}
    assert counts("flag") == {"answered": 2, "unanswered": 6}
    assert counts("channel") == {"meeting": 1, "signed": 7}
    assert counts("lang") == {"es-GT": 7, "quc": 1}
    assert counts("position") == {"against": 2, "for": 2, "neutral": 1, "none": 3}
    assert counts("about") == {"gt-2014-2016/G1": 2, "metas": 2, "plazos": 1, "whole": 3}
    assert sum(counts("day").values()) == 8


def withhold(running: Running, told: Told, who: str) -> None:
    """A moderator withholds a comment now, while the server runs."""
    told.world.now_ms = now = int(time.time() * 1000)
    hidden: Any = {"ground": "hate", "rule": "Regla 3", "appeal_until": c.format_when(now + 30 * c.DAY)}
    entry = told.say("ContentWithheld", "vigilante:moderator", target=told.target(who), **hidden)
    running.desk.submit(entry.opened.note).result(30)


def on_disk(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (tmp_path / "registro").glob("search.db*"))


def test_hidden_words_are_soon_nowhere_on_the_disk_of_the_search(opened: Running, told: Told, tmp_path: Path) -> None:
    settled(opened)
    assert b"presupuesto" in on_disk(tmp_path)
    withhold(opened, told, "ana")
    search = settled(opened)
    deadline = time.monotonic() + 20
    while search.unclean:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    raw = on_disk(tmp_path)
    assert b"comunidades" in raw
    hidden = (b"presupuesto", b"aldea", b"telefono", b"calle", b"odioinventado", b"retractado")
    assert [word for word in hidden if word in raw] == []


def stand_still(indexer: Indexer) -> bool:
    """As if it were busy with something else."""
    return False


def test_what_is_hidden_is_not_found_from_that_moment_though_the_search_stands_still(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.write(tmp_path / "registro")
    with ExitStack() as closing:
        running = open_ledger(settings_of(tmp_path), closing)
        search = settled(running)
        monkeypatch.setattr(Indexer, "fold", stand_still)
        before = indexes(running, "presupuesto")
        withhold(running, told, "ana")
        found = find(running.reader, search, "ronda-1", Asked(words="presupuesto"))
        assert before == [told.comment("ana").index]
        assert (found.indexes, found.total) == ((), 0)
        # Without words it keeps its place.
        assert find(running.reader, search, "ronda-1", Asked()).total == 8


@pytest.mark.parametrize("damage", ["gone", "garbage"])
def test_a_lost_file_is_made_anew_from_the_record(told: Told, tmp_path: Path, damage: str) -> None:
    told.write(tmp_path / "registro")
    path = tmp_path / "registro" / "search.db"
    with ExitStack() as closing:
        settled(open_ledger(settings_of(tmp_path), closing))
    for part in path.parent.glob("search.db*"):
        part.unlink()
    if damage == "garbage":
        path.write_bytes(b"garbage" * 1_000)
    with ExitStack() as closing:
        again = open_ledger(settings_of(tmp_path), closing)
        assert indexes(again, "presupuesto") == [told.comment("ana").index]
        assert indexes(again, "odioinventado") == []


def test_many_changes_are_taken_in_several_batches(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.indexing.BATCH", 2)
    told.write(tmp_path / "registro")
    with ExitStack() as closing:
        running = open_ledger(settings_of(tmp_path), closing)
        search = settled(running)
        assert dict(search.counts("ronda-1", "state")) == {
            "erased": 1,
            "redacted": 1,
            "shown": 4,
            "withdrawn": 1,
            "withheld": 1,
        }

"""Mirrors at the start: a machine that was given back an old state is told so by whoever has seen more."""

import shutil
from pathlib import Path

import msgspec
import pytest
from second_writer import Files
from service import Served, founded_lately, put_on_disk
from static_server import served
from world import ORIGIN, World, key_of

from api.settings import FILE_NAME, Settings, format_settings, load_settings
from ledger.errors import CannotRun
from ledger.published import Folder
from ledger.tlog.checkpoint import Checkpoint, sign_checkpoint


def with_mirrors(folder: Path, settings: Settings, *mirrors: str) -> None:
    (ledger,) = settings.ledgers
    changed = msgspec.structs.replace(settings, ledgers=(msgspec.structs.replace(ledger, mirrors=mirrors),))
    (folder / FILE_NAME).write_text(format_settings(changed), "utf-8")


def files_of(folder: Path) -> Files:
    public = Folder(folder / "public")
    return Files({path: public.read(path) or b"" for path in public.paths()})


class Place:
    """A ledger on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world: World = founded_lately()
        self.settings = put_on_disk(self.world, folder)
        self.size = len(self.world.entries)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "gt")


def test_an_old_backup_with_its_head_is_refused_when_a_mirror_has_seen_more(place: Place, tmp_path: Path) -> None:
    shutil.copytree(place.folder, tmp_path / "backup")
    with Served(place.folder) as server:
        for name in ("uno", "dos"):
            entry = place.world.sign("AxisDefined", "copret:coordinator", axis=name, title=name)
            assert server.post(entry).status == 201
    mirror = files_of(place.folder)
    shutil.rmtree(place.folder)
    shutil.copytree(tmp_path / "backup", place.folder)
    with served(mirror) as other:
        with_mirrors(place.folder, place.settings, other.url)
        missing = f"entries {place.size} to {place.size + 1} missing.*head at the mirror {other.url}"
        with pytest.raises(AssertionError, match=missing), Served(place.folder):
            pass
    # The control: without anybody who has seen more, an old state with its old head cannot be told from a new one.
    with_mirrors(place.folder, place.settings)
    with Served(place.folder) as server:
        assert server.get("/checkpoint").status == 200


def test_a_mirror_that_shows_as_much_or_less_or_nothing_or_nonsense_stops_no_start(place: Place) -> None:
    foreign = sign_checkpoint(Checkpoint(ORIGIN, 10_000, b"r" * 32), key_of("somebody"))
    behaviours = [files_of(place.folder), Files(), Files({"head": foreign}), Files({"head": b"no head at all\n"})]
    for files in behaviours:
        with served(files) as other:
            with_mirrors(place.folder, place.settings, other.url, "http://127.0.0.1:9/gt")
            with Served(place.folder) as server:
                assert server.get("/checkpoint").status == 200
                if files is not behaviours[0]:
                    assert f"the mirror {other.url} was not compared with" in server.log()


@pytest.mark.parametrize("address", ["espejo.example/gt", "ftp://espejo.example/gt", "https://", "file:///gt"])
def test_what_is_no_address_is_refused_and_named(place: Place, address: str) -> None:
    with_mirrors(place.folder, place.settings, address)
    with pytest.raises(CannotRun, match="not the address of a mirror"):
        load_settings(place.folder, {})

"""Published files: whole or not there, never rewritten, one head at a time."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ledger.errors import CannotRun
from ledger.published import KEEP_PARTIAL_SECONDS, Folder, is_published_path

TILE = "tile/0/000.p/3"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "public")


# --- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["head", "checkpoint", "policy", "ledger.json", "checkpoints/2026-02-16", "contents/000", "contents/x001/234",
     "tile/0/000", "tile/63/x001/x234/067.p/255", "tile/entries/x001/000", "tile/entries/000.p/1",
     "timestamps/index", "timestamps/34/0123456789abcdef.tsr"],
)  # fmt: skip
def test_these_are_paths_of_a_ledger(path: str) -> None:
    assert is_published_path(path)


@pytest.mark.parametrize(
    "path",
    ["", "/head", "head/", "../head", "tile/0/../../journal.db", "tile/0/0", "tile/0/000.p/0", "tile/0/000.p/256",
     "tile/00/000", "tile/64/000", "tile/0/x000/001", "contents/1", "contents/", "contents/000.p/1",
     "checkpoints/2026-2-16", "checkpoints/2026-02-16\n", "journal.db", ".new-1-1", "tile/0/000\0", "tile\\0\\000",
     "timestamps/", "timestamps/index\n", "timestamps/034/0123456789abcdef.tsr", "timestamps/0/0123456789abcdef.tsr",
     "timestamps/34/0123456789ABCDEF.tsr", "timestamps/34/0123456789abcde.tsr", "timestamps/34/0123456789abcdef.tsr\n",
     "timestamps/34/0123456789abcdef", "timestamps/12345678901234567890/0123456789abcdef.tsr"],
)  # fmt: skip
def test_and_these_are_not(folder: Folder, path: str) -> None:
    assert not is_published_path(path)
    assert folder.read(path) is None
    with pytest.raises(ValueError, match="not a path"):
        folder.replace(path, b"x")


def test_nothing_outside_the_folder_is_read(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"key")
    folder.replace("head", b"h")
    assert folder.read("../secret") is None
    assert folder.read("checkpoint/../head") is None


# --- files that never change -----------------------------------------------------------------------------------------


def test_a_file_is_created_once_and_the_same_again_is_no_harm(folder: Folder) -> None:
    folder.create_all({TILE: b"abc", "tile/entries/000.p/3": b"def"})
    before = (folder.root / TILE).stat()
    folder.create(TILE, b"abc")
    assert folder.read(TILE) == b"abc"
    assert (folder.root / TILE).stat().st_mtime_ns == before.st_mtime_ns
    assert list(folder.paths()) == [TILE, "tile/entries/000.p/3"]


@pytest.mark.parametrize("there", [b"", b"ab", b"abd", b"abcd"])
def test_other_bytes_at_a_path_that_never_changes_are_fatal(folder: Folder, there: bytes) -> None:
    folder.create(TILE, there)
    with pytest.raises(CannotRun, match="published already with other bytes") as stopped:
        folder.create_all({TILE: b"abc", "tile/1/000.p/1": b"later"})
    assert stopped.value.advice
    assert folder.read(TILE) == there
    assert list(folder.paths()) == [TILE]


def test_of_two_who_create_one_file_the_first_wins(folder: Folder) -> None:
    """The name is given by a link, which never takes another file's place, so no lock is needed for this."""
    other = Folder(folder.root)
    errors: list[CannotRun] = []

    def create(writer: Folder, content: bytes) -> None:
        start.wait()
        for number in range(100):
            try:
                writer.create(f"tile/0/{number:03}", content)
            except CannotRun as error:
                errors.append(error)

    start = threading.Barrier(2)
    threads = [
        threading.Thread(target=create, args=(folder, b"a" * 8192)),
        threading.Thread(target=create, args=(other, b"b" * 8192)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = [folder.read(f"tile/0/{number:03}") for number in range(100)]
    assert set(written) <= {b"a" * 8192, b"b" * 8192}
    assert len(errors) == 100
    assert not list(folder.root.glob(".new-*"))


# --- order of what reaches the disk ----------------------------------------------------------------------------------


def test_names_reach_the_disk_after_bytes_and_folders_after_names(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut can only leave a prefix of this list behind: never a name without its synced bytes."""
    steps = _recorded(monkeypatch, folder)
    folder.create_all({"tile/0/000": b"a", "tile/entries/000": b"b"})
    # Syncs that wait for each other's company may finish in any order; the groups may not.
    groups = [steps[0:2], steps[2:4], steps[4:6], steps[6:8], *([each] for each in steps[8:])]
    assert [sorted(group) for group in groups] == [
        ["sync .new", "sync .new"],
        ["link .new tile/0/000", "link .new tile/entries/000"],
        ["unlink .new", "unlink .new"],
        ["sync tile/0", "sync tile/entries"],
        ["sync tile"],
        ["sync ."],
        ["sync .."],
    ]
    steps.clear()
    folder.swap_head(None, b"head")
    assert steps == ["sync .new", "replace .new head", "sync ."]
    steps.clear()
    folder.swap_head(b"head", b"new head", checkpoint=True)
    assert steps == [
        "sync .new", "sync .new",
        "replace .new head", "sync .",
        "replace .new checkpoint", "sync .",
    ]  # fmt: skip
    assert folder.read("head") == folder.read("checkpoint") == b"new head"
    assert (folder.root / "head").stat().st_ino != (folder.root / "checkpoint").stat().st_ino


def _recorded(monkeypatch: pytest.MonkeyPatch, folder: Folder) -> list[str]:
    """Let the real calls happen, and note which file each was about."""
    steps: list[str] = []

    def short(path: str | Path) -> str:
        name = os.path.relpath(path, folder.root)
        return ".new" if name.startswith(".new-") else name

    def fsync(descriptor: int) -> None:
        steps.append(f"sync {short(os.readlink(f'/proc/self/fd/{descriptor}'))}")
        real["fsync"](descriptor)

    def two(name: str, source: str | Path, target: str | Path) -> None:
        steps.append(f"{name} {short(source)} {short(target)}")
        real[name](source, target)

    def unlink(path: str | Path) -> None:
        steps.append(f"unlink {short(path)}")
        real["unlink"](path)

    real = {name: getattr(os, name) for name in ("fsync", "link", "replace", "unlink")}
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", partial(two, "link"))
    monkeypatch.setattr(os, "replace", partial(two, "replace"))
    monkeypatch.setattr(os, "unlink", unlink)
    return steps


# --- files that change -----------------------------------------------------------------------------------------------


def test_a_reader_sees_the_old_file_or_the_new_one(folder: Folder) -> None:
    contents = [bytes([byte]) * 100_000 for byte in range(2)]
    folder.replace("contents/000", contents[0])
    seen: set[bytes] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            raw = folder.read("contents/000")
            assert raw is not None
            seen.add(raw)

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(200):
        folder.replace("contents/000", contents[number % 2])
    done.set()
    reader.join()
    assert seen == set(contents)


def test_records_are_appended_and_a_torn_one_is_cut(folder: Folder) -> None:
    folder.append("checkpoints/2026-02-16", b"first")
    folder.append("checkpoints/2026-02-16", b"secon")
    folder.truncate("checkpoints/2026-02-16", 5)
    folder.append("checkpoints/2026-02-16", b"second")
    assert folder.read("checkpoints/2026-02-16") == b"firstsecond"


# --- the head --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "expected"), [(None, b"old"), (b"old", None), (b"old", b"older"), (b"old", b"old\n")]
)
def test_the_head_is_swapped_only_from_what_the_writer_knows(
    folder: Folder, there: bytes | None, expected: bytes | None
) -> None:
    if there:
        folder.swap_head(None, there)
    with pytest.raises(CannotRun, match="not what this writer left there"):
        folder.swap_head(expected, b"new")
    assert folder.read("head") == there
    folder.swap_head(there, b"new")
    assert folder.read("head") == b"new"


def test_of_many_who_swap_one_head_one_wins(folder: Folder) -> None:
    """Each of 8 writers, without any other lock, adds to a chain; a lost swap would fork it."""
    folder.swap_head(None, b"0")
    won: list[tuple[int, int]] = []

    def grow(name: int) -> None:
        own = Folder(folder.root)
        for _ in range(30):
            head = own.read("head")
            assert head is not None
            new = b"%d" % (int(head) + 1)
            try:
                own.swap_head(head, new)
            except CannotRun:
                continue
            won.append((int(new), name))

    threads = [threading.Thread(target=grow, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(number for number, _ in won) == list(range(1, len(won) + 1))
    assert folder.read("head") == b"%d" % len(won)
    assert len(won) < 240, "nobody raced: this showed nothing"


# --- faults ----------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_said_and_leaves_no_half_file(small_disk: Folder) -> None:
    with pytest.raises(CannotRun, match="no space left") as stopped:
        small_disk.create_all({f"tile/entries/{number:03}": bytes(300_000) for number in range(9)})
    assert "Make room" in stopped.value.advice
    assert list(small_disk.paths()) == []
    small_disk.create_all({f"tile/entries/{number:03}": bytes(300_000) for number in range(3)})
    for checkpoint in (False, True):
        with pytest.raises(CannotRun, match="no space left"):
            small_disk.swap_head(None, bytes(300_000), checkpoint=checkpoint)
        assert small_disk.read("head") is None
    assert not list(small_disk.root.glob(".new-*"))
    small_disk.swap_head(None, b"small enough")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Folder]:
    """A real file system of 1 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True)
    if not done or done.returncode:
        pytest.skip("cannot mount a small file system here (needs root): disk full is not shown")
    try:
        yield Folder(place)
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_sync_that_fails_is_an_error_and_gives_nothing_a_name(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    folder.swap_head(None, b"old")
    monkeypatch.setattr(os, "fsync", broken)
    for write in (
        lambda: folder.create(TILE, b"abc"),
        lambda: folder.replace("checkpoint", b"new"),
        lambda: folder.swap_head(b"old", b"new"),
    ):
        with pytest.raises(CannotRun, match="input/output error"):
            write()
    assert list(folder.paths()) == ["head"]
    assert folder.read("head") == b"old"


# --- tidying up ------------------------------------------------------------------------------------------------------


def test_what_a_crash_left_unfinished_is_no_published_path_and_goes_away(folder: Folder) -> None:
    folder.replace("head", b"h")
    (folder.root / ".new-99-1").write_bytes(b"half")
    (folder.root / "notes.txt").write_bytes(b"an operator's")
    assert sorted(folder.paths()) == ["head", "notes.txt"]
    assert folder.clear_unfinished() == 1
    assert {each.name for each in folder.root.iterdir()} == {"head", "notes.txt"}


def test_partial_files_go_an_hour_after_their_full_one(folder: Folder) -> None:
    partials = ["tile/0/000.p/3", "tile/0/000.p/255", "tile/entries/000.p/3", "tile/1/000.p/1", "tile/0/001.p/9"]
    folder.create_all(dict.fromkeys(partials, b"x"))
    written = 1_771_243_200
    assert folder.sweep(written + 10**9) == []  # no full one yet

    folder.create_all({"tile/0/000": b"full", "tile/entries/000": b"full"})
    for path in ("tile/0/000", "tile/entries/000"):
        os.utime(folder.root / path, (written, written))
    assert folder.sweep(written + KEEP_PARTIAL_SECONDS - 1) == []
    assert sorted(folder.sweep(written + KEEP_PARTIAL_SECONDS)) == sorted(partials[:3])
    assert sorted(folder.paths()) == sorted(["tile/0/000", "tile/entries/000", *partials[3:]])
    assert not (folder.root / "tile/0/000.p").exists()

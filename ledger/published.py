"""The published files as a folder: written so that a reader, or a power cut, never meets half a file.

Four ways to write, for four kinds of file:

    create        tiles, bundles, time stamps: each path gets its bytes once; the same again is no harm, others fatal
    replace       `checkpoint`, `contents/<N>`, `policy`, `ledger.json`: the newest, whole or not at all
    swap_head     `head`: replaced only if it still holds what the writer believes it to hold
    append        `checkpoints/<day>`, `timestamps/index`: records one after the other

Each is durable when it returns: written under a temporary name, synced, linked or renamed into its place, the
folder synced. Temporary names begin with a dot and are no published paths; `clear_unfinished` removes what a
crash left of them.

The swap of `head` is what keeps a log from signing two histories when the database is not the newest (a restored
backup, a second server): it lies outside the database, and is compared under a lock on the folder itself.

Partial tiles and bundles are kept for every published size. One may go an hour after its full one was written,
because readers then cut the full one (`sweep`; the time is an argument, nothing here reads a clock).

Paths: log-formats, sections 6 and 7. Why not obstore's LocalStore: it never syncs, and cannot compare and swap.
"""

import errno
import fcntl
import itertools
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from re import compile as pattern

from ledger.errors import CannotRun, reason
from ledger.tlog.errors import Malformed
from ledger.tlog.tiles import WIDTH, Tile, parse_index_path, parse_path

KEEP_PARTIAL_SECONDS = 3_600

_OWN_FILES = frozenset({"head", "checkpoint", "policy", "ledger.json"})
_DAY = pattern(r"checkpoints/[0-9]{4}-[0-9]{2}-[0-9]{2}")

# The list of time stamps, one path a line: a web server cannot be asked what files it has.
STAMP_INDEX = "timestamps/index"
_STAMP = pattern(r"timestamps/([1-9][0-9]{0,18})/([0-9a-f]{16})\.tsr")

_UNFINISHED = ".new-"
_numbers = itertools.count()  # of temporary names in this process, whatever folder object makes them

_WEDGED_ES = "No se escribe ni se firma nada más. Compare con un espejo antes de iniciar de nuevo."
_WEDGED_EN = "Nothing more is written or signed. Compare with a mirror before you start again."
_ACTIONS = {"read": "leer", "write": "escribir", "make": "crear", "lock": "bloquear"}


def is_day_path(path: str) -> bool:
    """Say whether this is the path of a file of cosigned heads: a day of the calendar, `checkpoints/2026-02-16`."""
    if not _DAY.fullmatch(path):
        return False
    try:
        date.fromisoformat(path.removeprefix("checkpoints/"))
    except ValueError:
        return False
    return True


def is_full_path(path: str) -> bool:
    """Say whether this is the path of a full tile or bundle, which never changes once it is there."""
    try:
        return path.startswith("tile/") and parse_path(path).width == WIDTH
    except Malformed:
        return False


def is_published_path(path: str) -> bool:
    """Say whether a file of this name belongs below a ledger's prefix."""
    if path in _OWN_FILES or is_day_path(path) or is_stamp_path(path):
        return True
    try:
        if path.startswith("contents/"):
            parse_index_path(path.removeprefix("contents/"))
        else:
            parse_path(path)
    except Malformed:
        return False
    return True


def stamp_path(size: int, certificate: str) -> str:
    """Where the time stamp of the checkpoint of `size` entries stands, by the SHA-256 (64 hex) of its signer's
    certificate."""
    return f"timestamps/{size}/{certificate[:16]}.tsr"


def is_stamp_path(path: str) -> bool:
    """Whether this is the path of a time stamp, or of the list of them."""
    return path == STAMP_INDEX or _STAMP.fullmatch(path) is not None


def parse_stamp_path(path: str) -> tuple[int, str]:
    """Tree size, and the first 16 hex digits of the SHA-256 of the signer's certificate. Raises Malformed."""
    found = _STAMP.fullmatch(path)
    if found is None:
        raise Malformed("shape", f"not the path of a time stamp: {path[:80]!r}")
    return int(found[1]), found[2]


def parse_stamp_index(raw: bytes) -> list[str]:
    """The paths that a list of time stamps holds, each once. What follows the last line feed is still being written.

    Raises Malformed.
    """
    lines = raw[: raw.rfind(b"\n") + 1].decode("ascii", "replace").split("\n")[:-1]
    for line in lines:
        parse_stamp_path(line)
    return list(dict.fromkeys(lines))


def merge_stamp_index(ours: bytes, theirs: bytes) -> bytes:
    """Our list of time stamps, with what another has besides. Raises Malformed."""
    paths = dict.fromkeys([*parse_stamp_index(ours), *parse_stamp_index(theirs)])
    return "".join(f"{path}\n" for path in paths).encode()


class Folder:
    """The published files of one ledger, below the folder `root`.

    All paths are relative, with `/`. To write one that `is_published_path` does not know is a ValueError: our bug.
    Every failure of the machine is a CannotRun; after one, whether the file is there is not known.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders: set[Path] = set()

    # --- reading

    def read(self, path: str) -> bytes | None:
        """The file's bytes; None if there is none, or if no published file has such a path."""
        if not is_published_path(path):
            return None
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._failed("read", path, error) from error

    def paths(self) -> Iterator[str]:
        """Every file there is, also those that do not belong here; names that a writer has not finished with aside."""
        for folder, below, names in os.walk(self.root):
            below.sort()
            prefix = "" if Path(folder) == self.root else Path(folder).relative_to(self.root).as_posix() + "/"
            for name in sorted(names):
                if prefix or not name.startswith(_UNFINISHED):
                    yield prefix + name

    # --- writing

    def create(self, path: str, content: bytes) -> None:
        """Write a file that never changes again. See `create_all`."""
        self.create_all({path: content})

    def create_all(self, files: Mapping[str, bytes]) -> None:
        """Write files that never change again, durable together when this returns.

        A file that is there with the same bytes is left alone: after a crash the same ones are written again.
        Raises CannotRun, and writes nothing, when one is there with other bytes.
        """
        places = {path: self._place(path) for path in files}
        fresh = [path for path in files if not self._is_there(path, files[path])]
        touched = {place.parent for place in places.values()}
        for folder in touched.copy():
            touched |= self._make_folder(folder)
        temporary = self._write_temporary([files[path] for path in fresh])
        try:
            for path, each in zip(fresh, temporary, strict=True):
                self._link(path, each, files[path])
        finally:
            for each in temporary:
                with suppress(OSError):
                    os.unlink(each)
        # The deepest first: a name is durable before the name of the folder that holds it.
        by_depth = itertools.groupby(sorted(touched, key=_depth, reverse=True), key=_depth)
        for _, folders in by_depth:
            self._sync_folders(*folders)

    def replace(self, path: str, content: bytes) -> None:
        """Put `content` in the place of the file, which readers see whole before or whole after."""
        place = self._place(path)
        made = self._make_folder(place.parent)
        (temporary,) = self._write_temporary([content])
        self._rename(temporary, path, place)
        self._sync_folders(place.parent, *made)

    def check_head(self, expected: bytes | None) -> None:
        """Raise CannotRun unless `head` holds these bytes (None: there is no head yet)."""
        found = self.read("head")
        if found != expected:
            (found_es, found_en), (expected_es, expected_en) = _size_in(found), _size_in(expected)
            raise CannotRun(
                f"{self.root / 'head'} no es lo que este proceso dejó ahí: ahora dice {found_es}, y este proceso "
                f"esperaba {expected_es}.",
                f"{self.root / 'head'} is not what this writer left there: it now says {found_en}, "
                f"this writer expected {expected_en}.",
                f"Otro servidor escribe en este registro, o se recuperó una copia anterior. {_WEDGED_ES}",
                f"Another server writes this ledger, or an older copy was restored. {_WEDGED_EN}",
            )

    def swap_head(self, expected: bytes | None, new: bytes, *, checkpoint: bool = False) -> None:
        """Replace `head` if its bytes are `expected` (None: there is none yet); then, if asked, `checkpoint` too.

        Raises CannotRun if they are not: another writer signed in between, or this one starts from an older state.
        `checkpoint` gets a file of its own and not a second name of the same: who puts an old `head` back by
        copying over it must not change the checkpoint with it. Both files are synced at once.
        """
        with self._locked():
            self.check_head(expected)
            head, *rest = self._write_temporary([new, new] if checkpoint else [new])
            self._rename(head, "head", self.root / "head")
            # Readers of `checkpoint` must not see what a power cut could take away from `head`.
            self._sync_folders(self.root)
            for each in rest:
                self._rename(each, "checkpoint", self.root / "checkpoint")
                self._sync_folders(self.root)

    def append(self, path: str, record: bytes) -> None:
        """Add bytes to the end of a file, made if need be. A crash may leave a torn end: see `truncate`."""
        place = self._place(path)
        made = self._make_folder(place.parent)
        try:
            fresh = not place.exists()
            descriptor = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                _write_all(descriptor, record)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._failed("write", path, error) from error
        if fresh:
            self._sync_folders(place.parent, *made)

    def truncate(self, path: str, length: int) -> None:
        """Cut a torn record off the end of a file that `append` wrote."""
        try:
            with self._place(path).open("r+b") as file:
                file.truncate(length)
                os.fsync(file.fileno())
        except OSError as error:
            raise self._failed("write", path, error) from error

    # --- tidying up

    def clear_unfinished(self) -> int:
        """Remove temporary files that a crash left, and say how many. Only the one writer may do this."""
        count = 0
        with suppress(FileNotFoundError):
            for place in self.root.glob(f"{_UNFINISHED}*"):
                place.unlink(missing_ok=True)
                count += 1
        return count

    def sweep(self, now: float) -> list[str]:
        """Remove partial tiles and bundles whose full one is an hour old at `now` (POSIX seconds).

        Returns the paths removed. Readers that want such a size cut the full file.
        """
        removed: list[str] = []
        for path in list(self.paths()):
            try:
                tile = parse_path(path)
            except Malformed:
                continue
            if tile.width == WIDTH:
                continue
            full = self.root / Tile(tile.level, tile.index).path
            with suppress(FileNotFoundError):
                if full.stat().st_mtime + KEEP_PARTIAL_SECONDS <= now:
                    (self.root / path).unlink()
                    removed.append(path)
        for folder in {(self.root / path).parent for path in removed}:
            with suppress(OSError):  # not empty: another partial of this tile is still young
                folder.rmdir()
        return removed

    # --- steps

    def _place(self, path: str) -> Path:
        if not is_published_path(path):
            raise ValueError(f"not a path of a ledger: {path[:80]!r}")
        return self.root / path

    def _make_folder(self, folder: Path) -> set[Path]:
        """Make a folder and those above it; return the folders in which a new name now stands."""
        if folder in self._folders:
            return set()
        try:
            missing = list(itertools.takewhile(lambda each: not each.is_dir(), (folder, *folder.parents)))
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed("make", folder.name, error) from error
        self._folders.add(folder)
        return {each.parent for each in missing}

    def _is_there(self, path: str, content: bytes) -> bool:
        """Whether the file is there. Raises CannotRun if it has other bytes."""
        found = self.read(path)
        if found is not None and found != content:
            raise CannotRun(
                f"{self.root / path} ya está publicado con otros bytes, y nunca cambia.",
                f"{self.root / path}: published already with other bytes, and it never changes.",
                _WEDGED_ES,
                _WEDGED_EN,
            )
        return found is not None

    def _unfinished(self) -> Path:
        return self.root / f"{_UNFINISHED}{os.getpid()}-{next(_numbers)}"

    def _write_temporary(self, contents: Sequence[bytes]) -> list[Path]:
        """Write and sync files that nobody knows yet. None is left if one fails."""
        written: dict[int, Path] = {}
        try:
            for content in contents:
                temporary = self._unfinished()
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
                written[descriptor] = temporary
                _write_all(descriptor, content)
            _sync(*written)
        except OSError as error:
            for temporary in written.values():
                with suppress(OSError):
                    temporary.unlink()
            raise self._failed("write", f"{_UNFINISHED}*", error) from error
        finally:
            for descriptor in written:
                os.close(descriptor)
        return list(written.values())

    def _link(self, path: str, temporary: Path, content: bytes) -> None:
        """Give synced bytes their name. Unlike a rename, a link never takes the place of another file."""
        try:
            os.link(temporary, self.root / path)
        except FileExistsError:  # somebody else was quicker
            self._is_there(path, content)
        except OSError as error:
            raise self._failed("write", path, error) from error

    def _rename(self, temporary: Path, path: str, place: Path) -> None:
        """Put synced bytes in the place of a file."""
        try:
            os.replace(temporary, place)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise self._failed("write", path, error) from error

    def _sync_folders(self, *folders: Path) -> None:
        descriptors: list[int] = []
        try:
            for folder in folders:
                descriptors.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            _sync(*descriptors)
        except OSError as error:
            raise self._failed("write", folders[0].name, error) from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    @contextmanager
    def _locked(self) -> Generator[None]:
        """Hold the lock on the folder: other writers, also on a shared disk, swap before or after us."""
        self._make_folder(self.root)
        try:
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._failed("lock", "head", error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _failed(self, action: str, path: str, error: OSError) -> CannotRun:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        first_es = "Libere espacio en el disco" if full else "Revise el disco y quién puede escribir ahí"
        first_en = "Make room on the disk" if full else "Look at the disk and at who may write there"
        why_es, why_en = reason(error)
        return CannotRun(
            f"{self.root}: no se pudo {_ACTIONS[action]} {path}: {why_es}.",
            f"{self.root}: could not {action} {path}: {why_en}.",
            f"{first_es}, e inicie de nuevo: se sigue desde lo que quedó guardado.",
            f"{first_en}, then start again: it goes on from what was kept.",
        )


def _depth(folder: Path) -> int:
    return len(folder.parts)


# A disk can make several syncs good with one write of its log, if they come together.
_syncers = ThreadPoolExecutor(4, thread_name_prefix="sync")


def _sync(*descriptors: int) -> None:
    """Wait until all these files or folders are on the disk. Raises OSError if that is not sure of any one."""
    first, *others = descriptors or (None,)
    waiting = [_syncers.submit(os.fsync, descriptor) for descriptor in others]
    try:
        if first is not None:
            os.fsync(first)
    finally:
        wait(waiting)
    for each in waiting:
        each.result()


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _size_in(head: bytes | None) -> tuple[str, str]:
    """What a head claims, in Spanish and English, for a message only: nothing is verified."""
    if head is None:
        return "nada", "nothing"
    lines = head.split(b"\n")
    if len(lines) < 2:
        return "algo que no es una cabeza firmada", "no tree head"
    size = lines[1][:20].decode("utf-8", "replace")
    return f"tamaño {size}", f"size {size}"

"""What is erased is in no file of the vault any more: its text, its salt, its key. Not after a kill in the midst of it,
not in a copy of the vault from before, not when that copy is put back.
"""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import world as w

from consultation.desk import Desk
from consultation.hiding import Act
from consultation.sealing import KEY_BYTES, RECORD, Keys, name_of
from consultation.text import Content, SaltedContent
from consultation.vault import Kept, Vault, keys_path
from ledger.errors import CannotRun
from ledger.log import Clock, Log
from ledger.published import Folder
from ledger.tlog.policy import parse_policy
from projections.audit import audit

ROOT = Path(__file__).resolve().parent.parent
A, B, C, BY = "aa" * 32, "bb" * 32, "cc" * 32, "ee" * 32
DIGEST = "11" * 32
SALT = bytes(range(100, 132))
TEXT = "Vivo frente al mercado, casa azul, y mi nombre es Candelaria."
CONTENT = b'{"text":"%b"}' % TEXT.encode()
OTHER = b'{"text":"Que se publique el acta."}'
ERASED = Act(A, DIGEST, 0, "erased", 2, BY, "requested")


def filled(path: Path) -> Vault:
    """A vault with two contents of registered statements."""
    vault = Vault.open(path, create=True)
    vault.keep([Kept(A, DIGEST, SALT, CONTENT), Kept(B, DIGEST, bytes(32), OTHER)], 0)
    vault.settle([(0, A), (1, B)], [], 2)
    return vault


def key_in(path: Path, slot: int) -> bytes:
    """The key of a record, zeros if it is wiped."""
    at = RECORD * (slot + 1) + KEY_BYTES
    return keys_path(path).read_bytes()[at : at + KEY_BYTES]


def files_with(folder: Path, *wanted: bytes) -> list[str]:
    """The files below a folder in which any of these bytes is found."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(each in path.read_bytes() for each in wanted)
    ]


def sealed_in(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as database:
        (sealed,) = database.execute("SELECT sealed FROM contents WHERE statement = ?", (bytes.fromhex(A),)).fetchone()
    return sealed


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    vault = filled(tmp_path / "vault.db")
    yield vault
    vault.close()


def test_text_salt_and_key_are_in_no_file_and_the_place_stays(vault: Vault, tmp_path: Path) -> None:
    key, sealed = key_in(vault.path, 0), sealed_in(vault.path)
    assert files_with(tmp_path, key) == ["vault.keys"]
    assert files_with(tmp_path, sealed) != []
    assert files_with(tmp_path, TEXT.encode(), SALT) == [], "text and salt are never in the open"
    vault.settle([], [ERASED], 3)
    assert files_with(tmp_path, key, sealed, sealed[24:], TEXT.encode(), SALT) == []
    held = vault.held(A, DIGEST)
    assert held
    assert (held.index, held.salt, held.content, held.hidden) == (0, b"", b"", ERASED)
    other = vault.held(B, DIGEST)
    assert other
    assert other.content == OTHER
    # The same again writes nothing: not the erasure, not the content.
    before = {path: path.read_bytes() for path in (vault.path, keys_path(vault.path))}
    vault.settle([], [ERASED], 3)
    vault.keep([Kept(A, DIGEST, SALT, CONTENT)], 1)
    assert keys_path(vault.path).read_bytes() == before[keys_path(vault.path)]
    again = vault.held(A, DIGEST)
    assert again == held


def test_a_copy_from_before_the_erasure_gives_nothing(vault: Vault, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "vault.db"
    copy.parent.mkdir()
    with closing(sqlite3.connect(vault.path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    vault.settle([], [ERASED], 3)
    # Whoever has that copy and the keys of today.
    shutil.copy(keys_path(vault.path), keys_path(copy))
    with closing(Vault.open(copy)) as old:
        assert old.held(A, DIGEST) is None
        assert [held.index for held in old.between(0, 256)] == [1]
        # Put back, it learns of the erasure again, and looks like the other.
        assert old.settled == 2
        old.settle([], [ERASED], 3)
        assert old.held(A, DIGEST) == vault.held(A, DIGEST)


def test_a_vault_from_before_the_content_destroys_the_key_all_the_same(tmp_path: Path) -> None:
    """It was restored from a copy in which the content is not yet; a newer copy with it may still lie somewhere."""
    path = tmp_path / "vault.db"
    with closing(Vault.open(path, create=True)) as vault:
        vault.keep([Kept(B, DIGEST, bytes(32), OTHER)], 0)
        vault.settle([(0, B)], [], 1)
    shutil.copy(path, tmp_path / "old.db")
    with closing(Vault.open(path)) as vault:
        vault.keep([Kept(A, DIGEST, SALT, CONTENT)], 0)
        vault.settle([(1, A)], [], 2)
    shutil.copy(path, tmp_path / "newer.db")
    os.replace(tmp_path / "old.db", path)
    key = key_in(path, 1)
    assert key != bytes(KEY_BYTES)
    with closing(Vault.open(path)) as vault:
        # What came after has keys of its own, behind those.
        vault.keep([Kept(C, DIGEST, bytes(32), OTHER)], 0)
        vault.settle([(1, A), (2, C)], [Act(A, DIGEST, 1, "erased", 3, BY)], 4)
        assert files_with(tmp_path, key) == []
        held = vault.held(A, DIGEST)
        assert held
        assert (held.index, held.content) == (1, b"")
        assert vault.held(B, DIGEST)
        assert vault.held(C, DIGEST)


def test_an_old_copy_of_the_keys_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    filled(path).close()
    old = keys_path(path).read_bytes()
    with closing(Vault.open(path)) as vault:
        vault.settle([], [ERASED], 3)
    keys_path(path).write_bytes(old)
    assert key_in(path, 0) != bytes(KEY_BYTES)
    with closing(Vault.open(path)) as vault:
        # Every entry is settled again, and the key that came back goes.
        assert vault.settled == 0
        vault.settle([(0, A), (1, B)], [ERASED], 3)
        assert key_in(path, 0) == bytes(KEY_BYTES)
        assert vault.held(B, DIGEST)
    with closing(Vault.open(path)) as vault:
        vault.keep([Kept(C, DIGEST, bytes(32), OTHER)], 0)
    keys_path(path).write_bytes(old)
    with pytest.raises(CannotRun, match="1 keys are missing; this is an old copy"):
        Vault.open(path)


def test_a_vault_without_its_keys_does_not_open(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    filled(path).close()
    keys_path(path).unlink()
    with pytest.raises(CannotRun, match="the keys of the vault are missing"):
        Vault.open(path, create=True)
    assert not keys_path(path).exists()
    keys_path(path).write_bytes(b"something else" * 100)
    with pytest.raises(CannotRun, match="not the keys of a vault"):
        Vault.open(path)


def test_the_keys_of_another_vault_open_nothing(tmp_path: Path) -> None:
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    filled(one).close()
    filled(other).close()
    shutil.copy(keys_path(other), keys_path(one))
    with closing(Vault.open(one)) as vault, pytest.raises(CannotRun, match="do not belong together"):
        vault.held(A, DIGEST)
    with closing(Keys.open(keys_path(one), create=False)) as keys, pytest.raises(CannotRun, match="not the one"):
        keys.key(0, name_of(bytes.fromhex(B), bytes.fromhex(DIGEST)))


def test_two_contents_never_share_a_key_and_bytes_of_one_do_not_pass_for_another(vault: Vault) -> None:
    raw = keys_path(vault.path).read_bytes()
    assert len({raw[at : at + KEY_BYTES] for at in range(RECORD + KEY_BYTES, len(raw), RECORD)}) == 2
    with closing(sqlite3.connect(vault.path, isolation_level=None)) as database:
        database.execute("UPDATE contents SET slot = 1 - slot")
    with pytest.raises(CannotRun, match="not the one that the vault expects"):
        vault.held(A, DIGEST)


def test_a_torn_last_record_of_the_keys_is_written_over(vault: Vault) -> None:
    with keys_path(vault.path).open("ab") as file:
        file.write(b"torn")
    vault.keep([Kept(C, DIGEST, SALT, OTHER)], 0)
    vault.settle([(2, C)], [], 3)
    held = vault.held(C, DIGEST)
    assert held
    assert held.content == OTHER
    assert keys_path(vault.path).stat().st_size == RECORD * 4


# --- a vault of version 1 --------------------------------------------------------------------------------------------

VERSION_1 = """
CREATE TABLE contents (statement BLOB NOT NULL, digest BLOB NOT NULL, salt BLOB NOT NULL, content BLOB NOT NULL,
    kept_ms INTEGER NOT NULL, idx INTEGER, PRIMARY KEY (statement, digest)) WITHOUT ROWID;
CREATE INDEX contents_by_index ON contents (idx, digest) WHERE idx IS NOT NULL;
CREATE INDEX contents_waiting ON contents (kept_ms) WHERE idx IS NULL;
CREATE TABLE hidden (statement BLOB NOT NULL, digest BLOB NOT NULL, by_index INTEGER NOT NULL,
    by_statement BLOB NOT NULL, ground TEXT, PRIMARY KEY (statement, digest)) WITHOUT ROWID;
CREATE TABLE settled (only INTEGER PRIMARY KEY CHECK (only = 1), size INTEGER NOT NULL);
INSERT INTO settled VALUES (1, 12);
PRAGMA application_id = 1131370081;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
"""


def version_1(path: Path, count: int = 3) -> None:
    """A vault as the first version left it: the log of writes not yet emptied, one content waiting."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(VERSION_1)
        rows: list[tuple[bytes, bytes, bytes, bytes, int, int | None]] = [
            (number.to_bytes(32), bytes.fromhex(DIGEST), SALT, CONTENT, 5, number) for number in range(count)
        ]
        rows.append((b"w" * 32, bytes.fromhex(DIGEST), SALT, CONTENT, 5, None))
        database.executemany("INSERT INTO contents VALUES (?,?,?,?,?,?)", rows)
        for number, ground in ((0, "spam"), (1, None)):
            hidden = (number.to_bytes(32), bytes.fromhex(DIGEST), 10 + number, bytes.fromhex(BY), ground)
            database.execute("INSERT INTO hidden VALUES (?,?,?,?,?)", hidden)
        for path_ in list(path.parent.glob(path.name + "*")):
            shutil.copy(path_, path_.with_name("kept-" + path_.name))
    for path_ in list(path.parent.glob("kept-" + path.name + "*")):
        path_.replace(path_.with_name(path_.name.removeprefix("kept-")))


def nothing(path: Path) -> None:
    """There is no vault yet."""


def check_taken_over(path: Path, count: int = 3) -> None:
    with closing(Vault.open(path)) as vault:
        assert vault.settled == 12
        effects = [held.hidden.effect if held.hidden else None for held in vault.between(0, 10_000)]
        assert effects == ["withheld", "withdrawn", *([None] * (count - 2))]
        assert all((held.salt, held.content) == (SALT, CONTENT) for held in vault.between(0, 10_000))
        assert vault.digests("77" * 32) == [DIGEST]  # the one that waits, of b"w" * 32
        assert files_with(path.parent, TEXT.encode(), SALT) == []


def test_a_vault_of_version_1_is_sealed_when_it_is_opened(tmp_path: Path) -> None:
    version_1(tmp_path / "vault.db", 5_000)
    assert files_with(tmp_path, TEXT.encode(), SALT) != []
    check_taken_over(tmp_path / "vault.db", 5_000)
    check_taken_over(tmp_path / "vault.db", 5_000)


# --- killed ----------------------------------------------------------------------------------------------------------

CALLS = "write,pwrite64,fsync,fdatasync,ftruncate,/^(rename|link|unlink|mkdir)(at|at2)?$"
EVERY = 1 if os.environ.get("CONSTANCIA_CRASH") == "all" else 4


def work(what: str, path: Path) -> None:
    """What the child does, over and over the same: `what` with the vault at `path`."""
    print("here", flush=True)
    sys.stdin.readline()
    if what == "desk":
        with ledger(path.parent) as (_, desk):
            desk.submit((path.parent / "erasing").read_bytes()).result(30)
        return
    with closing(Vault.open(path, create=True)) as vault:
        if what == "erase":
            vault.settle([], [ERASED], 3)
        elif what == "keep":
            vault.keep([Kept(C, DIGEST, SALT, OTHER)], 0)
        elif what == "sweep":
            vault.sweep(1)


def _traced(what: str, path: Path, *options: str) -> int:
    """Run a child that strace watches, from before it opens the vault; return its exit code."""
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("no strace: kills inside system calls are not shown (install the package `strace`)")
    command = [sys.executable, __file__, what, str(path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdin
        assert child.stdout.readline() == b"here\n"
        watch = (strace, "-f", "-e", f"trace={CALLS}", *options, "-p", str(child.pid))
        with subprocess.Popen(watch, stderr=subprocess.PIPE) as watcher:
            assert watcher.stderr
            assert b"attached" in watcher.stderr.readline()
            child.communicate(b"go\n")
            watcher.communicate()
    return child.returncode


def _killed_everywhere(
    what: str, folder: Path, prepare: Callable[[Path], None], check: Callable[[Path], None]
) -> tuple[int, int]:
    """Do it anew for every call that changes the disk, killed in that call; then check. Returns kills and moments."""
    traced = folder / "traced" / "vault.db"
    traced.parent.mkdir(parents=True)
    prepare(traced)
    assert _traced(what, traced, "-o", str(folder / "trace")) == 0
    # Strace counts the calls of each thread by themselves.
    seen = Counter(re.findall(r"^(\d+) +(\w+)\(", (folder / "trace").read_text(), re.MULTILINE))
    moments = sorted({(call, count) for (_, call), most in seen.items() for count in range(1, most + 1)})
    killed = 0
    for number, (call, count) in enumerate(moments[::EVERY]):
        path = folder / str(number) / "vault.db"
        path.parent.mkdir()
        prepare(path)
        options = ("-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={count}")
        killed += _traced(what, path, *options) == -signal.SIGKILL
        check(path)
        shutil.rmtree(path.parent)
    return killed, len(moments[::EVERY])


@pytest.mark.slow
def test_killed_inside_any_call_of_an_erasure_it_is_done_again_and_whole(tmp_path: Path) -> None:
    key = b""

    def prepare(path: Path) -> None:
        nonlocal key
        filled(path).close()
        key = key_in(path, 0)

    def check(path: Path) -> None:
        with closing(Vault.open(path)) as vault:
            if vault.settled < 3:  # not committed: the entry is settled again, as the desk does it at the start
                vault.settle([], [ERASED], 3)
            assert files_with(path.parent, key, TEXT.encode(), SALT) == []
            held, other = vault.held(A, DIGEST), vault.held(B, DIGEST)
            assert held
            assert other
            assert (held.content, held.hidden, other.content) == (b"", ERASED, OTHER)
        assert files_with(path.parent, key) == []

    killed, moments = _killed_everywhere("erase", tmp_path, prepare, check)
    assert killed >= moments * 0.9


@pytest.mark.slow
@pytest.mark.parametrize("what", ["keep", "sweep"])
def test_killed_inside_any_call_a_retry_finds_its_place_and_others_keep_theirs(tmp_path: Path, what: str) -> None:
    def prepare(path: Path) -> None:
        with closing(filled(path)) as vault:
            if what == "sweep":
                vault.keep([Kept(C, DIGEST, SALT, OTHER)], 0)

    def check(path: Path) -> None:
        with closing(Vault.open(path)) as vault:
            vault.keep([Kept(C, DIGEST, SALT, OTHER)], 0)
            vault.settle([(2, C)], [], 3)
            assert [held.content for held in vault.between(0, 9)] == [CONTENT, OTHER, OTHER]
            # Whatever keys the kill left behind, all of one name go.
            vault.settle([], [Act(C, DIGEST, 2, "erased", 3, BY)], 4)
        raw = keys_path(path).read_bytes()
        name = name_of(bytes.fromhex(C), bytes.fromhex(DIGEST))
        left = [raw[at + 32 : at + 64] for at in range(64, len(raw) - 63, 64) if raw[at : at + 32] == name]
        assert left
        assert set(left) == {bytes(KEY_BYTES)}

    killed, moments = _killed_everywhere(what, tmp_path, prepare, check)
    assert killed >= moments * 0.9


@pytest.mark.slow
@pytest.mark.parametrize("prepare", [nothing, version_1], ids=["made", "taken over from version 1"])
def test_killed_inside_any_call_while_it_is_opened_a_vault_opens_the_next_time(
    tmp_path: Path, prepare: Callable[[Path], None]
) -> None:
    def check(path: Path) -> None:
        if prepare is version_1:
            check_taken_over(path)
        with closing(Vault.open(path, create=True)) as vault:
            vault.keep([Kept(C, DIGEST, SALT, OTHER)], 0)

    killed, moments = _killed_everywhere("open", tmp_path, prepare, check)
    assert killed >= moments * 0.9


# --- at the desk of a whole ledger


@contextmanager
def ledger(folder: Path, *, create: bool = False) -> Generator[tuple[Log, Desk]]:
    """The log and the desk of a folder, at the moment that is written there."""
    now_ms = int((folder / "now").read_text())
    clock = Clock(wall_ms=lambda: now_ms, monotonic=lambda: now_ms / 1_000)
    with closing(Vault.open(folder / "vault.db", create=create)) as vault:
        desk = Desk(w.ORIGIN, vault, Folder(folder / "public"), w.key_of("desk"))
        with Log.open(
            w.ORIGIN,
            journal=folder / "journal.db",
            published=folder / "public",
            log_key=w.key_of("log"),
            contents=desk,
            desk_key=desk.public_key,
            create=create,
            clock=clock,
        ) as log:
            desk.open(log)
            yield log, desk


def founded_with_a_comment(folder: Path) -> None:
    """A ledger with the comment of TEXT, and the statement that erases it, signed and not yet sent."""
    world = w.found()
    w.second_moderator(world)
    world.open_round()
    (folder / "now").write_text(str(world.now_ms + 10_000))
    digest = w.salted_digest(w.ORIGIN, w.public("ana"), {"text": TEXT}, SALT)
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana") | {"salted_digest": digest})
    target = {"statement": comment.opened.identity, "salted_digest": digest}
    fields = {"target": target, "ground": "personal_data", "rule": "Ley", "stores": ["vault"]}
    (folder / "erasing").write_bytes(world.sign("ContentErased", "vigilante:moderator", "jurado:moderator", **fields))
    (folder / "comment").write_bytes(comment.opened.note)
    with ledger(folder, create=True) as (_, desk):
        answers = [desk.submit(entry.opened.note) for entry in world.entries[:-1]]
        answers.append(desk.submit(comment.opened.note, [SENT]))
        assert [answer.result(30).index for answer in answers] == list(range(len(world.entries)))


SENT = SaltedContent(salt=SALT.hex(), content=Content(text=TEXT))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_inside_any_call_while_the_ledger_erases_it_is_whole_after_the_next_start(tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    founded_with_a_comment(template)
    key = key_in(template / "vault.db", 0)
    assert files_with(template, TEXT.encode(), SALT.hex().encode()) == ["public/contents/000"]

    def prepare(path: Path) -> None:
        shutil.copytree(template, path.parent, dirs_exist_ok=True)

    def check(path: Path) -> None:
        folder = path.parent
        comment = (folder / "comment").read_bytes()
        with ledger(folder) as (log, desk):
            # Registered before the kill, or now: one entry, and the text is gone with the answer.
            erased = desk.submit((folder / "erasing").read_bytes()).result(30)
            assert erased.index == log.size - 1
            assert files_with(folder, TEXT.encode(), SALT.hex().encode(), SALT, key) == []
            keys = keys_path(path).read_bytes()
            again = desk.submit(comment, [SENT]).result(30)
            assert (again.index, again.fresh) == (erased.index - 1, False)
            assert keys_path(path).read_bytes() == keys
        assert files_with(folder, TEXT.encode(), SALT.hex().encode(), SALT, key) == []
        policy = parse_policy((folder / "public/policy").read_bytes())
        report = audit(Folder(folder / "public"), policy=policy, workers=1)
        assert report.findings == []
        assert report.counts.hidden_by == {"erased": 1}

    killed, moments = _killed_everywhere("desk", tmp_path, prepare, check)
    assert killed >= moments * 0.9


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]))

"""The vault: what is kept, shown, hidden and swept, and what survives the loss of the process."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from consultation.hiding import Act, Effect, standing
from consultation.vault import Kept, Vault, keys_path
from ledger.errors import CannotRun

A, B, C = "aa" * 32, "bb" * 32, "cc" * 32
D1, D2 = "11" * 32, "22" * 32
SALT = bytes(range(32))
DAY = 86_400_000


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    vault = Vault.open(tmp_path / "vault.db", create=True)
    yield vault
    vault.close()


def kept(statement: str, digest: str = D1, text: str = "a") -> Kept:
    return Kept(statement, digest, SALT, b'{"text":"%b"}' % text.encode())


def act(of: int, effect: Effect, index: int, by: str = C, *, statement: str = A, ground: str | None = None) -> Act:
    return Act(statement, D1, of, effect, index, by, ground)


def test_a_content_is_nowhere_to_be_seen_before_its_statement_is_registered(vault: Vault) -> None:
    vault.keep([kept(A)], 0)
    assert vault.held(A, D1) is None
    assert list(vault.between(0, 1000)) == []
    assert vault.digests(A) == [D1]


def test_a_content_is_held_under_its_statement_once_that_is_registered(vault: Vault) -> None:
    vault.keep([kept(A), kept(B, D2, "b"), kept(B, D1, "c")], 0)
    assert vault.settle([(300, A), (7, B)], [], 301) == {0, 1}
    held = vault.held(A, D1)
    assert held
    assert (held.index, held.digest, held.salt, held.content, held.hidden) == (300, D1, SALT, b'{"text":"a"}', None)
    assert [(held.index, held.digest) for held in vault.between(0, 256)] == [(7, D1), (7, D2)]
    assert [(held.index, held.digest) for held in vault.between(256, 512)] == [(300, D1)]
    assert vault.settled == 301


def test_the_same_again_changes_nothing(vault: Vault) -> None:
    withheld = act(0, "withheld", 1, ground="spam")
    for _ in range(2):
        vault.keep([kept(A)], 0)
        vault.settle([(0, A)], [withheld], 2)
    held = vault.held(A, D1)
    assert held
    assert held.hidden == withheld
    vault.settle([(0, A)], [], 1)
    assert vault.settled == 2


def keys_of(vault: Vault) -> list[bytes]:
    raw = keys_path(vault.path).read_bytes()
    return [raw[at + 32 : at + 64] for at in range(64, len(raw) - 63, 64)]


ORDERS: list[tuple[str, list[Act], Effect | None]] = [
    ("the later", [act(0, "withheld", 1), act(0, "redacted", 2)], "redacted"),
    ("restored", [act(0, "withheld", 1), act(0, "restored", 2)], None),
    ("again", [act(0, "withheld", 1), act(0, "restored", 2), act(0, "withheld", 3)], "withheld"),
    ("its author first", [act(0, "withheld", 1), act(0, "withdrawn", 2), act(0, "restored", 3)], "withdrawn"),
    ("its author then", [act(0, "withdrawn", 1), act(0, "withheld", 2)], "withdrawn"),
    ("replaced for ever", [act(0, "replaced", 1), act(0, "withheld", 2), act(0, "restored", 3)], "replaced"),
    ("erased for ever", [act(0, "erased", 1), act(0, "withdrawn", 2), act(0, "restored", 3)], "erased"),
]


@pytest.mark.parametrize(("acts", "stands"), [case[1:] for case in ORDERS], ids=[case[0] for case in ORDERS])
def test_which_act_stands_is_the_same_in_whatever_order_they_are_learned(
    acts: list[Act], stands: Effect | None, tmp_path: Path
) -> None:
    assert (found := standing(acts)) is None or found.effect == stands
    for number, order in enumerate(permutations(acts)):
        vault = Vault.open(tmp_path / str(number), create=True)
        vault.keep([kept(A)], 0)
        for each in order:
            vault.settle([(0, A)], [each], 4)
        held = vault.held(A, D1)
        assert held
        assert (held.hidden.effect if held.hidden else None) == stands
        vault.close()


def test_an_act_names_the_file_that_changes(vault: Vault) -> None:
    vault.keep([kept(A)], 0)
    vault.settle([(1000, A)], [], 1001)
    assert vault.settle([], [act(1000, "withdrawn", 2000)], 2001) == {1000 // 256}
    assert vault.settle([], [], 2002) == set()
    assert [each.of for each in vault.acts()] == [1000]


def test_contents_of_statements_that_never_came_are_swept_and_others_stay(vault: Vault) -> None:
    vault.keep([kept(A), kept(B)], now_ms=0)
    vault.keep([kept(C)], now_ms=DAY)
    vault.settle([(0, A)], [], 1)
    assert vault.sweep(before_ms=DAY) == 1
    assert vault.digests(A) == vault.digests(C) == [D1]
    assert vault.digests(B) == []


def test_the_keys_of_what_is_swept_are_wiped(vault: Vault) -> None:
    vault.keep([kept(A), kept(B)], 0)
    vault.settle([(0, B)], [], 1)
    keys = [raw for raw in keys_of(vault) if raw != bytes(32)]
    assert len(keys) == 2
    assert vault.sweep(before_ms=1) == 1
    assert len({raw for raw in keys_of(vault) if raw != bytes(32)}) == 1
    # And a retry gets another key.
    vault.keep([kept(A)], 0)
    vault.settle([(1, A)], [], 2)
    assert vault.held(A, D1)
    assert vault.held(B, D1)


def test_many_threads_read_while_one_writes(vault: Vault) -> None:
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(200):
                seen = [held.index for held in vault.between(0, 256)]
                assert seen == list(range(len(seen)))
        except BaseException as error:  # noqa: BLE001 (a thread's failure is looked at below)
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for index in range(100):
        statement = f"{index:064x}"
        vault.keep([kept(statement)], 0)
        vault.settle([(index, statement)], [], index + 1)
    for thread in threads:
        thread.join()
    assert failures == []


def test_what_was_kept_survives_a_kill(tmp_path: Path) -> None:
    """The process is killed right after `keep` returns; nothing was closed."""
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from consultation.vault import Kept, Vault, keys_path\n"
        "vault = Vault.open(Path(sys.argv[1]), create=True)\n"
        f"vault.keep([Kept({A!r}, {D1!r}, bytes(32), b'x')], 0)\n"
        f"vault.settle([(3, {A!r})], [], 4)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "vault.db"
    ran = subprocess.run([sys.executable, "-c", code, str(path)], check=False, env=os.environ)
    assert ran.returncode == -signal.SIGKILL
    vault = Vault.open(path)
    held = vault.held(A, D1)
    assert held
    assert held.content == b"x"
    vault.close()


def test_every_connection_waits_for_the_disk(vault: Vault) -> None:
    with vault._reading() as database:  # pyright: ignore[reportPrivateUsage]
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_missing_vault_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="no vault"):
        Vault.open(tmp_path / "vault.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"not a database at all, but long enough" * 100, None])
def test_another_file_is_no_vault(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "vault.db"
    if content is None:
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE t (x)")
        database.commit()
        database.close()
    else:
        path.write_bytes(content)
    with pytest.raises(CannotRun):
        Vault.open(path, create=True)


def test_a_vault_of_a_newer_version_is_left_alone(vault: Vault) -> None:
    vault.close()
    database = sqlite3.connect(vault.path)
    database.execute("PRAGMA user_version = 3")
    database.close()
    with pytest.raises(CannotRun, match="newer"):
        Vault.open(vault.path)


def test_a_closed_vault_says_so(vault: Vault) -> None:
    vault.close()
    with pytest.raises(CannotRun, match="closed"):
        vault.held(A, D1)

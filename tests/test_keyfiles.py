"""Key files: what OpenSSH makes we read, what we make OpenSSH reads, and nothing is ever overwritten."""

import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from world import key_of, public

from api.keyfiles import KDF_ROUNDS, format_key_file, make_key_file, public_hex, read_key_file, read_public_key
from ledger.errors import CannotRun

PHRASE = b"una frase larga de prueba"


def never(path: Path) -> bytes:
    """For a file that wants no passphrase."""
    raise AssertionError(f"{path} was asked for a passphrase")


def given(phrase: bytes) -> Callable[[Path], bytes]:
    return lambda _: phrase


def ssh_keygen(*words: str | Path) -> str:
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("no ssh-keygen on this machine: install openssh-client")
    ran = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("phrase", [None, PHRASE])
def test_a_key_is_read_back_from_its_file(tmp_path: Path, phrase: bytes | None) -> None:
    made = make_key_file(tmp_path / "mia", phrase)

    assert public_hex(read_key_file(tmp_path / "mia", given(phrase) if phrase else never)) == public_hex(made)
    assert read_public_key(str(tmp_path / "mia")) == public_hex(made)


def test_two_new_keys_are_different(tmp_path: Path) -> None:
    assert make_key_file(tmp_path / "a", None) != make_key_file(tmp_path / "b", None)


@pytest.mark.parametrize("phrase", [None, PHRASE])
def test_ssh_keygen_reads_what_we_make(tmp_path: Path, phrase: bytes | None) -> None:
    made = make_key_file(tmp_path / "mia", phrase)

    line = ssh_keygen("-y", "-P", (phrase or b"").decode(), "-f", tmp_path / "mia")

    (tmp_path / "mia.pub").write_text(line)
    assert line.startswith("ssh-ed25519 ")
    assert read_public_key(str(tmp_path / "mia.pub")) == public_hex(made)


@pytest.mark.parametrize("phrase", [b"", PHRASE])
def test_we_read_what_ssh_keygen_makes(tmp_path: Path, phrase: bytes) -> None:
    ssh_keygen("-q", "-t", "ed25519", "-N", phrase.decode(), "-C", "una llave", "-f", tmp_path / "suya")

    key = read_key_file(tmp_path / "suya", given(phrase) if phrase else never)

    assert public_hex(key) == read_public_key(str(tmp_path / "suya.pub")) == read_public_key(str(tmp_path / "suya"))


def test_a_key_file_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mia"
    make_key_file(path, None)
    before = path.read_bytes()

    with pytest.raises(CannotRun, match="never overwritten"):
        make_key_file(path, None)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == before


def test_a_passphrase_costs_thirty_two_rounds_of_bcrypt() -> None:
    raw = format_key_file(key_of("copret"), PHRASE)
    body = b"".join(raw.split(b"\n")[1:-2])

    from binascii import a2b_base64

    options = a2b_base64(body + b"=" * (-len(body) % 4)).partition(b"bcrypt")[2]
    # string options = string salt (16 bytes), uint32 rounds
    assert int.from_bytes(options[4 + 4 + 16 : 4 + 4 + 16 + 4], "big") == KDF_ROUNDS == 32


def test_an_empty_passphrase_is_refused() -> None:
    with pytest.raises(ValueError, match="protects nothing"):
        format_key_file(SigningKey.generate(), b"")


def test_the_public_key_may_be_given_in_hexadecimal() -> None:
    assert read_public_key(public("copret")) == public("copret")


def _rsa(path: Path) -> None:
    ssh_keygen("-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", path)


def _ecdsa(path: Path) -> None:
    ssh_keygen("-q", "-t", "ecdsa", "-N", "", "-f", path)


def _open_to_others(path: Path) -> None:
    make_key_file(path, None)
    path.chmod(0o644)


def _cut(path: Path) -> None:
    make_key_file(path, None)
    path.write_bytes(path.read_bytes()[:120])


def _text(path: Path) -> None:
    path.write_text("hola")
    path.chmod(0o600)


def _nothing(path: Path) -> None:
    path.unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_nothing, "cannot be read"),
        (_text, "not an OpenSSH private key"),
        (_cut, "not an OpenSSH private key"),
        (_rsa, "not an Ed25519 key"),
        (_ecdsa, "not an Ed25519 key"),
        (_open_to_others, "Others on this machine may read"),
    ],
)
def test_what_is_no_key_of_ours_is_refused_with_advice(tmp_path: Path, make: Callable[[Path], None], says: str) -> None:
    make(tmp_path / "llave")

    with pytest.raises(CannotRun, match=says) as stopped:
        read_key_file(tmp_path / "llave", never)

    assert stopped.value.es != stopped.value.detail
    assert stopped.value.advice
    assert stopped.value.advice_es


def test_a_wrong_passphrase_is_named_as_such(tmp_path: Path) -> None:
    make_key_file(tmp_path / "mia", PHRASE)

    with pytest.raises(CannotRun, match="not the passphrase"):
        read_key_file(tmp_path / "mia", given(b"otra"))


@pytest.mark.parametrize("text", ["ABCD", "AB" * 32, "zz" * 32, "no hay tal archivo"])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(CannotRun):
        read_public_key(text)

"""Key files: what OpenSSH makes we read, what we make OpenSSH reads, and nothing is ever overwritten."""

import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from nacl.signing import SigningKey
from world import ORIGIN, REGISTRARS, found, key_of, public

from api.keyfiles import KDF_ROUNDS, format_key_file, make_key_file, public_hex, read_key_file, read_public_key
from ledger.errors import CannotRun
from ledger.rulebook import check_admissible
from ledger.statement import format_when, open_statement, sign_statement
from ledger.vocabulary import KINDS

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


# Of the ciphers that `ssh-keygen -Z` knows.
READ = ["aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com"]
NOT_READ = ["aes128-ctr", "aes192-cbc", "3des-cbc", "chacha20-poly1305@openssh.com"]


def encrypted(path: Path, cipher: str, rounds: int = 16) -> Path:
    words = [
        "-q",
        "-t",
        "ed25519",
        "-N",
        PHRASE.decode(),
        "-Z",
        cipher,
        "-a",
        str(rounds),
        "-C",
        "una llave",
        "-f",
        path,
    ]
    ssh_keygen(*words)
    return path


@pytest.mark.parametrize("cipher", READ)
def test_we_read_what_ssh_keygen_encrypts(tmp_path: Path, cipher: str) -> None:
    path = encrypted(tmp_path / "suya", cipher)

    assert (
        public_hex(read_key_file(path, given(PHRASE))) == read_public_key(f"{path}.pub") == read_public_key(str(path))
    )
    with pytest.raises(CannotRun, match="not the passphrase"):
        read_key_file(path, given(b"otra"))


def test_the_rounds_of_its_bcrypt_are_its_owners_choice(tmp_path: Path) -> None:
    path = encrypted(tmp_path / "suya", "aes256-ctr", rounds=40)
    assert public_hex(read_key_file(path, given(PHRASE))) == read_public_key(f"{path}.pub")


@pytest.mark.parametrize("cipher", NOT_READ)
def test_of_another_cipher_the_way_out_is_told_and_works(tmp_path: Path, cipher: str) -> None:
    path = encrypted(tmp_path / "suya", cipher)

    with pytest.raises(CannotRun, match=f"encrypted with {cipher}") as stopped:
        read_key_file(path, given(PHRASE))
    assert read_public_key(str(path)) == read_public_key(f"{path}.pub")  # that half is in the clear

    words = stopped.value.advice.rpartition(": ssh-keygen ")[2].split()
    ssh_keygen(*words, "-P", PHRASE.decode(), "-N", PHRASE.decode())
    assert public_hex(read_key_file(path, given(PHRASE))) == read_public_key(f"{path}.pub")


@pytest.mark.parametrize("cipher", [None, "aes256-ctr"])
def test_ssh_keygen_changes_the_passphrase_of_what_we_make(tmp_path: Path, cipher: str | None) -> None:
    made = make_key_file(tmp_path / "mia", PHRASE)
    more = [] if cipher is None else ["-Z", cipher]
    ssh_keygen("-q", "-p", "-P", PHRASE.decode(), "-N", "otra frase", *more, "-f", tmp_path / "mia")
    assert public_hex(read_key_file(tmp_path / "mia", given(b"otra frase"))) == public_hex(made)


def test_a_key_of_ssh_keygen_signs_statements_that_verify(tmp_path: Path) -> None:
    path = encrypted(tmp_path / "suya", "aes256-ctr")
    key = read_key_file(path, given(PHRASE))
    world = found()
    enrolled = {"actor": "minfin", "key": public_hex(key)}
    by = [world.signer(one) for one in REGISTRARS] + [{**enrolled, "role": "holder"}]
    plain = {"kind": "KeyEnrolled", "by": by, "said_at": format_when(world.now_ms), "lang": "es-GT", **enrolled}
    statement = msgspec.convert(plain, KINDS["KeyEnrolled"])
    note = sign_statement(ORIGIN, statement, [key_of("icefi"), key_of("copret"), key])
    check_admissible(open_statement(note, ORIGIN), world.now_ms, world.docket)


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

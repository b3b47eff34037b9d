"""Settings from file and environment: what is read, what is refused and by which name; key files."""

import os
import re
import subprocess
from pathlib import Path

import msgspec
import pytest
from nacl.signing import SigningKey

from api.app import rates_of
from api.keyfiles import format_key_file
from api.limits import Rates
from api.settings import LedgerSettings, Settings, format_settings, load_settings, read_key
from ledger.errors import CannotRun

ORIGIN = "constancia.example/gt"
MINIMAL = f'[[ledgers]]\norigin = "{ORIGIN}"\n'


def written(folder: Path, text: str) -> Path:
    (folder / "constancia.toml").write_text(text, "utf-8")
    return folder


def test_a_file_with_one_ledger_is_enough(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, MINIMAL), {"PATH": "x"})
    assert settings == Settings(ledgers=(LedgerSettings(ORIGIN, str(tmp_path.resolve())),))
    assert settings.ledgers[0].path == "gt"
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert load_settings(tmp_path / "constancia.toml", {}) == settings


def test_several_ledgers_lie_under_their_own_paths_and_folders(tmp_path: Path) -> None:
    text = '[[ledgers]]\norigin = "a.example/gt"\nfolder = "gt"\n[[ledgers]]\norigin = "a.example/hn"\nfolder = "hn"\n'
    settings = load_settings(written(tmp_path, text), {})
    assert [ledger.path for ledger in settings.ledgers] == ["gt", "hn"]
    assert [ledger.place for ledger in settings.ledgers] == [tmp_path.resolve() / "gt", tmp_path.resolve() / "hn"]


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    folder = written(tmp_path, 'port = 9000\nhosts = ["a.example"]\n' + MINIMAL)
    environment = {
        "CONSTANCIA_PORT": "9001",
        "CONSTANCIA_HOSTS": "b.example, c.example",
        "CONSTANCIA_READ_TIMEOUT": "2.5",
        "CONSTANCIA_ACCESS_LOG": "true",
        "CONSTANCIA_SHARED": "not a setting, and left alone",
        "OTHER": "x",
    }
    settings = load_settings(folder, environment)
    assert (settings.port, settings.hosts) == (9001, ("b.example", "c.example"))
    assert (settings.read_timeout, settings.access_log) == (2.5, True)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("prot = 1\n" + MINIMAL, "prot"),
        (MINIMAL + 'colour = "red"\n', "colour"),
        ("port = 70000\n" + MINIMAL, "port"),
        ('port = "8000"\n' + MINIMAL, "port"),
        ("port = -1\n" + MINIMAL, "port"),
        ("read_timeout = 0\n" + MINIMAL, "read_timeout"),
        ('[[ledgers]]\norigin = "No Origin"\n', "ledgers[0].origin"),
        ('[[ledgers]]\nfolder = "."\n', "origin"),
        ("port = 1\n", "ledgers"),
        ("ledgers = []\n", "ledgers"),
        ("port = \n", "not TOML"),
        ("\x00", "not TOML"),
        ('[[ledgers]]\norigin = "a.example/metrics"\n', "metrics"),
        (MINIMAL + MINIMAL, "share"),
        ('[[ledgers]]\norigin = "a.example/gt"\nfolder = "a"\n[[ledgers]]\norigin = "b.example/gt"\n', "share"),
        ('[[ledgers]]\norigin = "a.example/gt"\n[[ledgers]]\norigin = "a.example/hn"\n', "share"),
    ],
)
def test_a_wrong_file_is_refused_by_what_is_wrong(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(CannotRun) as refused:
        load_settings(written(tmp_path, text), {})
    assert names in refused.value.detail
    assert "constancia.toml" in refused.value.detail
    assert refused.value.advice


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CONSTANCIA_PROT", "1"),
        ("CONSTANCIA_PORT", "eight"),
        ("CONSTANCIA_PORT", "70000"),
        ("CONSTANCIA_LEDGERS", "[]"),
        ("CONSTANCIA_ACCESS_LOG", "perhaps"),
        ("CONSTANCIA_", "x"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_name(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(CannotRun, match=variable):
        load_settings(written(tmp_path, MINIMAL), {variable: value})


def test_a_folder_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="not the folder of a ledger") as refused:
        load_settings(tmp_path, {})
    assert "constancia init" in refused.value.advice


def test_a_policy_is_named_relative_to_the_file(tmp_path: Path) -> None:
    (ledger,) = load_settings(written(tmp_path, MINIMAL + 'policy = "a/policy"\n'), {}).ledgers
    assert ledger.policy == str(tmp_path.resolve() / "a" / "policy")
    assert load_settings(written(tmp_path, MINIMAL), {}).ledgers[0].policy == ""


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    settings = Settings(
        ledgers=(LedgerSettings(ORIGIN, str(tmp_path.resolve()), str(tmp_path.resolve() / "policy")),),
        port=9000,
        hosts=("a.example", "é.example"),
        read_timeout=2.5,
        access_log=True,
    )
    text = format_settings(settings)
    assert load_settings(written(tmp_path, text), {}) == settings
    assert "threads" not in text


# --- key files -------------------------------------------------------------------------------------------------------


def key_file(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_key_is_read_as_it_was_written_and_ssh_keygen_reads_it_too(tmp_path: Path) -> None:
    key = SigningKey(bytes(range(32)))
    path = key_file(tmp_path / "log", format_key_file(key, None))
    assert read_key(path) == key
    told = subprocess.run(["ssh-keygen", "-y", "-f", str(path)], capture_output=True, check=False, text=True)
    assert told.stdout.startswith("ssh-ed25519 ")


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        (b"", 0o600),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", 0o600),
        (bytes(32), 0o600),
        (format_key_file(SigningKey(bytes(32)), None), 0o644),
        (format_key_file(SigningKey(bytes(32)), None), 0o620),
    ],
)
def test_a_key_that_cannot_be_used_or_lies_open_is_refused(tmp_path: Path, content: bytes, mode: int) -> None:
    with pytest.raises(CannotRun, match="log"):
        read_key(key_file(tmp_path / "log", content, mode))


def test_keys_of_another_sort_are_refused(tmp_path: Path) -> None:
    for number, arguments in enumerate((["-t", "ecdsa", "-N", ""], ["-t", "ed25519", "-N", "a passphrase"])):
        path = tmp_path / f"key{number}"
        subprocess.run(["ssh-keygen", "-q", "-f", str(path), *arguments], check=True)
        with pytest.raises(CannotRun):
            read_key(path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="desk"):
        read_key(tmp_path / "desk")


def test_the_environment_of_this_machine_is_fine(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, MINIMAL), os.environ).ledgers


@pytest.mark.parametrize("page", ["LEDGER.md", "REGISTRO.md"])
def test_the_pages_for_operators_name_every_limit_with_its_default(page: str) -> None:
    text = (Path(__file__).parent.parent / "deploy" / page).read_text("utf-8")
    told = {name: int(value) for name, value in re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.MULTILINE)}
    assert (
        told
        == msgspec.to_builtins(rates_of(Settings(ledgers=(LedgerSettings(ORIGIN),))))
        == msgspec.to_builtins(Rates())
    )

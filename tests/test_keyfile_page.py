"""Key files opened in the browser: what `ssh-keygen` and `constancia key new` write is read there as the command reads
it, the key signs and cannot be taken out again, and what is wrong is told apart.
"""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey
from playwright.sync_api import Browser, Page
from service import Served, founded_lately, put_on_disk
from test_keyfiles import NOT_READ, PHRASE, READ, encrypted, ssh_keygen

from api.keyfiles import format_key_file, make_key_file, public_hex, read_public_key
from api.site import script
from ledger.tlog.note import verify_ed25519

KEY = SigningKey(bytes(range(32)))

OPEN = """async ({script, file, phrase, cancel}) => {
    const { parseKeyFile, openKeyFile } = await import(script);
    const steps = [];
    try {
        const parsed = parseKeyFile(Uint8Array.from(file));
        const stop = new AbortController();
        const tell = (done, of) => { steps.push([done, of]); if (cancel) stop.abort(new Error("cancelled")); };
        const signer = await openKeyFile(parsed, phrase, tell, stop.signal);
        const signature = await signer.sign(new TextEncoder().encode("a statement"));
        return { key: signer.key, public: parsed.key, sealed: parsed.sealed, engine: signer.engine, steps,
                 signature: Array.from(signature), members: Object.keys(signer).sort() };
    } catch (fault) {
        return { fault: fault.reason ?? String(fault), evidence: fault.evidence ?? "", steps };
    }
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("llaves")
    put_on_disk(founded_lately(), folder)
    with Served(folder) as server:
        yield server


@pytest.fixture(scope="module")
def desk(browser: Browser, served: Served) -> Iterator[Page]:
    """A page of the ledger, with its policy for scripts."""
    page = browser.new_page()
    page.goto(f"{served.address.rstrip('/')}/gt/verificar")
    yield page
    page.close()


Opened = Callable[..., Any]


@pytest.fixture
def opened(desk: Page) -> Opened:
    """What the page makes of a file and a passphrase."""

    def opening(file: bytes, phrase: bytes | str = b"", *, cancel: bool = False, page: Page = desk) -> Any:
        text = phrase.decode() if isinstance(phrase, bytes) else phrase
        said = {"script": script("keyfile.js"), "file": list(file), "phrase": text, "cancel": cancel}
        return page.evaluate(OPEN, said)

    return opening


def signed_by(found: Any) -> str:
    """The key, if it is the one whose signature verifies by the strict rules."""
    verify_ed25519(bytes.fromhex(found["key"]), b"a statement", bytes(found["signature"]))
    return str(found["key"])


@pytest.mark.parametrize("cipher", READ)
def test_what_ssh_keygen_encrypts_is_opened(tmp_path: Path, opened: Opened, cipher: str) -> None:
    path = encrypted(tmp_path / "suya", cipher, rounds=24)

    found = opened(path.read_bytes(), PHRASE)

    assert signed_by(found) == found["public"] == read_public_key(f"{path}.pub")
    assert found["engine"] == "webcrypto"
    assert found["members"] == ["engine", "key", "sign"]
    assert found["sealed"] is True
    assert opened(path.read_bytes(), b"otra")["fault"] == "passphrase-wrong"
    assert opened(path.read_bytes())["fault"] == "passphrase-missing"


@pytest.mark.parametrize("phrase", [b"", PHRASE, "ñandú sin prisa".encode()])
def test_what_constancia_key_new_makes_is_opened(tmp_path: Path, opened: Opened, phrase: bytes) -> None:
    made = make_key_file(tmp_path / "mia", phrase or None)
    found = opened((tmp_path / "mia").read_bytes(), phrase)
    assert signed_by(found) == public_hex(made)
    assert found["sealed"] is bool(phrase)


def test_a_key_of_ssh_keygen_without_a_passphrase_and_with_line_ends_of_windows(tmp_path: Path, opened: Opened) -> None:
    path = tmp_path / "suya"
    ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", "a comment of some length", "-f", path)
    assert signed_by(opened(path.read_bytes().replace(b"\n", b"\r\n"))) == read_public_key(f"{path}.pub")


def test_its_progress_is_counted_and_goes_to_the_end(tmp_path: Path, opened: Opened) -> None:
    steps = opened(encrypted(tmp_path / "suya", "aes256-ctr", rounds=24).read_bytes(), PHRASE)["steps"]
    assert steps == [[done, 49] for done in range(49)]


def test_it_can_be_given_up(tmp_path: Path, opened: Opened) -> None:
    path = encrypted(tmp_path / "suya", "aes256-ctr", rounds=200)
    found = opened(path.read_bytes(), PHRASE, cancel=True)
    assert found["fault"] == "Error: cancelled"
    assert len(found["steps"]) < 401


@pytest.mark.parametrize("cipher", NOT_READ)
def test_of_another_cipher_the_name_is_told(tmp_path: Path, opened: Opened, cipher: str) -> None:
    found = opened(encrypted(tmp_path / "suya", cipher).read_bytes(), PHRASE)
    assert (found["fault"], found["evidence"]) == ("key-cipher", cipher)


@pytest.mark.parametrize(("words", "kind"), [(("rsa", "2048"), "ssh-rsa"), (("ecdsa", "256"), "ecdsa-sha2-nistp256")])
def test_another_kind_of_key_is_told_by_its_name(
    tmp_path: Path, opened: Opened, words: tuple[str, str], kind: str
) -> None:
    ssh_keygen("-q", "-t", words[0], "-b", words[1], "-N", "", "-f", tmp_path / "otra")
    found = opened((tmp_path / "otra").read_bytes())
    assert (found["fault"], found["evidence"]) == ("key-kind", kind)


def test_what_is_no_private_key_of_openssh(tmp_path: Path, opened: Opened) -> None:
    ssh_keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "suya")
    ssh_keygen("-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", tmp_path / "pem")
    expected = {
        b"": "key-file",
        b"una foto": "key-file",
        b"\xff\xfe": "key-file",
        (tmp_path / "pem").read_bytes(): "key-file",
        bytes(20_000): "key-file",
        (tmp_path / "suya.pub").read_bytes(): "key-public",
    }
    assert [opened(file)["fault"] for file in expected] == list(expected.values())


@pytest.mark.parametrize("phrase", [b"", PHRASE])
def test_a_file_that_was_cut_off_or_altered_anywhere_gives_no_other_key(
    tmp_path: Path, opened: Opened, phrase: bytes
) -> None:
    """What was altered may look like a wrong passphrase instead; only the comment in it may change unnoticed."""
    whole = encrypted(tmp_path / "suya", "aes256-ctr", rounds=1).read_bytes() if phrase else format_key_file(KEY, None)
    lines = whole.splitlines()
    cut = [whole[: -len(lines[-1]) - 2], whole[:100]]
    cut += [b"\n".join([*lines[:each], lines[-1]]) for each in range(1, len(lines) - 1)]
    assert {opened(file, phrase)["fault"] for file in cut} == {"key-damaged"}

    key = opened(whole, phrase)["key"]
    at = [place for place in range(len(lines[0]) + 1, len(whole) - len(lines[-1]) - 3) if whole[place] != ord("\n")]
    allowed = {"key-damaged", "key-file", "key-kind", "key-cipher", "passphrase-wrong", "weak-key"}
    for place in at[:: len(at) // 40]:
        other = b"A" if whole[place : place + 1] != b"A" else b"B"
        found = opened(whole[:place] + other + whole[place + 1 :], phrase)
        assert found.get("fault") in allowed or (phrase and signed_by(found) == key), place


def test_a_seed_under_another_public_key_is_refused(opened: Opened) -> None:
    """All of the file agrees with itself, and only the signature shows that the halves are of two keys."""
    foreign = bytes(SigningKey(bytes(32)).verify_key)
    file = format_key_file(KEY, None)
    body = b"".join(file.splitlines()[1:-1])
    forged = base64.b64encode(base64.b64decode(body).replace(bytes(KEY.verify_key), foreign))
    found = opened(b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + forged + b"\n-----END OPENSSH PRIVATE KEY-----\n")
    assert found["fault"] == "key-damaged"


def test_where_the_browser_knows_no_ed25519_the_vendored_library_signs(
    browser: Browser, served: Served, opened: Opened
) -> None:
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script(
        "const real = crypto.subtle.importKey.bind(crypto.subtle);"
        "crypto.subtle.importKey = async (format, key, how, ...rest) => {"
        "  if ((how.name ?? how) === 'Ed25519') throw new DOMException('no', 'NotSupportedError');"
        "  return real(format, key, how, ...rest);"
        "};"
    )
    page = context.new_page()
    page.goto(f"{served.address.rstrip('/')}/gt/verificar")

    found = opened(format_key_file(KEY, PHRASE), PHRASE, page=page)

    assert found["engine"] == "vendored"
    assert signed_by(found) == public_hex(KEY)
    context.close()


def test_a_page_that_came_over_plain_http_says_so(browser: Browser, served: Served, opened: Opened) -> None:
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined });")
    page = context.new_page()
    page.goto(f"{served.address.rstrip('/')}/gt/verificar")
    assert opened(format_key_file(KEY, None), page=page)["fault"] == "no-webcrypto"
    context.close()

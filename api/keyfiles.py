"""Key files of people: Ed25519 keys as OpenSSH private keys, which `ssh-keygen` and agents read too.

    key = make_key_file(path, passphrase)        a new key; the file is created, never overwritten, mode 0600
    key = read_key_file(path, ask)               `ask` is called only when the file wants a passphrase

A passphrase goes through OpenSSH's bcrypt with 32 rounds, about a quarter of a second for each guess. The key never
leaves this machine: what is sent is signatures. What `ssh-keygen -t ed25519` makes is read as well, without a
passphrase or under its default cipher aes256-ctr, aes256-cbc or aes256-gcm; from another one `ssh-keygen` itself
changes it. Other kinds of keys, and the PEM form of OpenSSL, are not ours. (The server reads its own keys itself:
`api.settings`.)
"""

import os
import stat
from binascii import Error, a2b_base64
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)
from nacl.signing import SigningKey

from ledger.errors import CannotRun, reason

KDF_ROUNDS = 32
_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"


def public_hex(key: SigningKey) -> str:
    """The public key as statements write it: 64 hex digits."""
    return bytes(key.verify_key).hex()


def format_key_file(key: SigningKey, passphrase: bytes | None) -> bytes:
    """The OpenSSH private key file of a key; None for one without a passphrase."""
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        if not passphrase:
            raise ValueError("an empty passphrase protects nothing")
        encryption = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(KDF_ROUNDS).build(passphrase)
    private = Ed25519PrivateKey.from_private_bytes(bytes(key))
    return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)


def make_key_file(path: Path, passphrase: bytes | None, key: SigningKey | None = None) -> SigningKey:
    """Write a new key (or the one given) to a file that is not there yet, readable by its owner alone.

    Raises CannotRun when the file exists or cannot be written.
    """
    made = SigningKey.generate() if key is None else key
    content = format_key_file(made, passphrase)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CannotRun(
            f"{path} ya existe, y una llave nunca se sobrescribe.",
            f"{path} exists already, and a key is never overwritten.",
            "Elija otro nombre, o mueva ese archivo.",
            "Choose another name, or move that file away.",
        ) from None
    except OSError as error:
        raise CannotRun(
            f"No se pudo crear {path}: {reason(error)[0]}.",
            f"{path} could not be made: {reason(error)[1]}.",
            "Revise que la carpeta exista y que usted pueda escribir en ella.",
            "See that the folder exists and that you may write there.",
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return made


def read_key_file(path: Path, ask: Callable[[Path], bytes]) -> SigningKey:
    """The key of a private key file. `ask(path)` gives the passphrase where one is needed.

    Raises CannotRun: not there, not a private key, another kind of key, wrong passphrase, others may read it.
    """
    try:
        mode = path.stat().st_mode
        raw = path.read_bytes()
    except OSError as error:
        raise CannotRun(
            f"No se puede leer la llave {path}: {reason(error)[0]}.",
            f"The key {path} cannot be read: {reason(error)[1]}.",
            f"Haga una con: constancia key new {path}",
            f"Make one with: constancia key new {path}",
        ) from None
    if not raw.startswith(_BEGIN):
        raise _not_a_key(path)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CannotRun(
            f"Otras personas de esta máquina pueden leer la llave {path}.",
            f"Others on this machine may read the key {path}.",
            f"Ciérrela con: chmod 600 {path}",
            f"Close it with: chmod 600 {path}",
        )
    try:
        key = _load(raw, None)
    except TypeError:  # the library's word for "it wants a passphrase"
        try:
            key = _load(raw, ask(path))
        except (ValueError, InvalidTag):
            raise CannotRun(
                f"Esa no es la frase de contraseña de {path}.",
                f"That is not the passphrase of {path}.",
                "Inténtelo otra vez.",
                "Try again.",
            ) from None
    except UnsupportedAlgorithm:
        raise _locked_otherwise(path, raw) from None
    except ValueError:
        raise _not_a_key(path) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise CannotRun(
            f"{path} no es una llave Ed25519.",
            f"{path} is not an Ed25519 key.",
            "Haga una con `constancia key new`, o con: ssh-keygen -t ed25519",
            "Make one with `constancia key new`, or with: ssh-keygen -t ed25519",
        )
    return SigningKey(key.private_bytes_raw())


def read_public_key(text: str) -> str:
    """A public key, 64 hex digits, from those digits, or from the path of a private or public OpenSSH key file.

    A private key file is asked for its public half, which stands in it in the clear: no passphrase is needed.
    Raises CannotRun.
    """
    if len(text) == 64 and set(text) <= set("0123456789abcdef"):
        return text
    path = Path(text)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CannotRun(
            f"«{text}» no es una llave pública (64 dígitos hexadecimales) ni un archivo de llave: {reason(error)[0]}.",
            f"“{text}” is neither a public key (64 hexadecimal digits) nor a key file: {reason(error)[1]}.",
            "`constancia key show ARCHIVO` imprime la llave pública de un archivo.",
            "`constancia key show FILE` prints the public key of a file.",
        ) from None
    found = _public_half(raw) if raw.startswith(_BEGIN) else _ssh_public(raw)
    if found is None:
        raise _not_a_key(path)
    return found


def _load(raw: bytes, passphrase: bytes | None) -> object:
    return load_ssh_private_key(raw, password=passphrase)


def _ssh_public(raw: bytes) -> str | None:
    """The key of a line `ssh-ed25519 AAAA… comment`."""
    try:
        key = load_ssh_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.public_bytes_raw().hex() if isinstance(key, Ed25519PublicKey) else None


def _in_the_clear(raw: bytes) -> tuple[bytes, bytes] | None:
    """Cipher and first public key, which stand unencrypted at the front of an OpenSSH private key file."""
    try:
        body = a2b_base64(b"".join(raw.strip().split(b"\n")[1:-1]))
    except Error:
        return None
    at = len(b"openssh-key-v1\0")
    if body[:at] != b"openssh-key-v1\0":
        return None

    def string() -> bytes:
        nonlocal at
        size = int.from_bytes(body[at : at + 4], "big")
        at += 4 + size
        return body[at - size : at]

    cipher = string()
    for _ in range(2):  # key derivation, its options
        string()
    at += 4  # number of keys
    return cipher, string()


def _public_half(raw: bytes) -> str | None:
    """The Ed25519 public key of an OpenSSH private key file."""
    found = _in_the_clear(raw)
    if found is None:
        return None
    blob = found[1]
    prefix = b"\0\0\0\x0bssh-ed25519\0\0\0 "
    return blob[len(prefix) :].hex() if blob.startswith(prefix) and len(blob) == len(prefix) + 32 else None


def _locked_otherwise(path: Path, raw: bytes) -> CannotRun:
    found = _in_the_clear(raw)
    cipher = found[0].decode("ascii", "replace") if found else "?"
    change = f"ssh-keygen -p -Z aes256-ctr -f {path}"
    return CannotRun(
        f"{path} está cifrada con {cipher}, que aquí no se lee.",
        f"{path} is encrypted with {cipher}, which is not read here.",
        f"Cámbielo, con la misma frase o con otra: {change}",
        f"Change it, with the same passphrase or another: {change}",
    )


def _not_a_key(path: Path) -> CannotRun:
    return CannotRun(
        f"{path} no es una llave privada de OpenSSH.",
        f"{path} is not an OpenSSH private key.",
        "Haga una con `constancia key new`, o con: ssh-keygen -t ed25519",
        "Make one with `constancia key new`, or with: ssh-keygen -t ed25519",
    )

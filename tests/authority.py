"""A time stamping authority to test with: certificates made here, stamps made by `openssl ts`, served over HTTP.

    authority = Authority.make(folder / "tsa")
    der = authority.stamp(text)                        what `openssl ts -reply` answers
    authority.openssl_accepts(der, text)               what `openssl ts -verify` says of it
    with authority.served() as url:
        …                                              POST application/timestamp-query

OpenSSL 3.0 cannot stamp with Ed25519, and with `certs=` it may put the certificates in an order that is not DER.
"""

import re
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    CertificateBuilder,
    ExtendedKeyUsage,
    Name,
    NameAttribute,
    random_serial_number,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

Answer = Callable[[bytes], tuple[int, dict[str, str], bytes]]
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

CONFIGURATION = """
[tsa]
default_tsa = authority
[authority]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = {signer_digest}
default_policy = 1.3.6.1.4.1.99999.1
digests = {digests}
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = {precision}
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = {naming}
{more}
"""


def new_key(kind: str = "ec") -> Key:
    """A fresh key: `ec` or `rsa`."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def certify(
    subject: str,
    key: Key,
    issuer: str,
    issuer_key: Key,
    *,
    valid: tuple[timedelta, timedelta] = (timedelta(days=-1), timedelta(days=3650)),
    usage: tuple[ObjectIdentifier, ...] | None = None,
    critical: bool = True,
    serial: int | None = None,
) -> Certificate:
    """A certificate, valid between these distances from now; of an authority of certificates where `usage` is None."""
    now = datetime.now(UTC)
    builder = (
        CertificateBuilder()
        .subject_name(Name([NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(Name([NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(serial or random_serial_number())
        .not_valid_before(now + valid[0])
        .not_valid_after(now + valid[1])
    )
    if usage is None:
        builder = builder.add_extension(BasicConstraints(ca=True, path_length=None), critical=True)
    elif usage:
        builder = builder.add_extension(ExtendedKeyUsage(list(usage)), critical=critical)
    return builder.sign(issuer_key, SHA256())


STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)


class Authority:
    """An authority in a folder: `root.pem`, `tsa.pem`, `tsa.key` and openssl's configuration."""

    def __init__(self, folder: Path, root: Certificate, signer: Certificate, key: Key, root_key: Key) -> None:
        self.folder = folder
        self.root = root
        self.signer = signer
        self.key = key
        self.root_key = root_key
        self.asked = 0

    @classmethod
    def make(
        cls,
        folder: Path,
        *,
        name: str = "Sellos de prueba",
        kind: str = "ec",
        between: str = "",
        digests: str = "sha256",
        signer_digest: str = "sha256",
        naming: str = "sha256",
        precision: int = 3,
        valid: tuple[timedelta, timedelta] = (timedelta(days=-1), timedelta(days=3650)),
        root_valid: timedelta = timedelta(days=-1),
    ) -> Self:
        """Make one; `between` names an intermediate authority, whose certificate is enclosed in every stamp."""
        folder.mkdir(parents=True)
        root_key, key = new_key(kind), new_key(kind)
        root = certify(
            f"Raíz de {name}", root_key, f"Raíz de {name}", root_key, valid=(root_valid, timedelta(days=3650))
        )
        issuer, issuer_key, more = f"Raíz de {name}", root_key, ""
        if between:
            middle_key = new_key(kind)
            middle = certify(between, middle_key, issuer, issuer_key)
            (folder / "between.pem").write_bytes(middle.public_bytes(Encoding.PEM))
            issuer, issuer_key, more = between, middle_key, "certs = between.pem"
        signer = certify(name, key, issuer, issuer_key, valid=valid, usage=STAMPING)
        (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
        (folder / "tsa.pem").write_bytes(signer.public_bytes(Encoding.PEM))
        (folder / "tsa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "openssl.cnf").write_text(
            CONFIGURATION.format(
                digests=digests, signer_digest=signer_digest, naming=naming, precision=precision, more=more
            ),
            "utf-8",
        )
        return cls(folder, root, signer, key, root_key)

    @property
    def root_file(self) -> Path:
        """What a reader pins."""
        return self.folder / "root.pem"

    def certify_again(
        self,
        *,
        usage: tuple[ObjectIdentifier, ...] | None = STAMPING,
        critical: bool = True,
        serial: int | None = None,
    ) -> Certificate:
        """Another certificate of the same key and name, by the same root."""
        name, issuer = (each.rfc4514_string().removeprefix("CN=") for each in (self.signer.subject, self.root.subject))
        return certify(name, self.key, issuer, self.root_key, usage=usage, critical=critical, serial=serial)

    def openssl(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Run `openssl` in the folder."""
        return subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, check=False, timeout=60)

    def reply(self, query: bytes) -> bytes:
        """The answer to a query, which may be a refusal."""
        self.asked += 1
        (self.folder / "query").write_bytes(query)
        ran = self.openssl("ts", "-reply", "-config", "openssl.cnf", "-queryfile", "query", "-out", "reply")
        assert ran.returncode == 0, ran.stderr
        return (self.folder / "reply").read_bytes()

    def stamp(self, text: bytes) -> bytes:
        """A stamp of these bytes, asked for by `openssl ts -query`."""
        (self.folder / "text").write_bytes(text)
        assert self.openssl("ts", "-query", "-data", "text", "-sha256", "-cert", "-out", "asked").returncode == 0
        return self.reply((self.folder / "asked").read_bytes())

    def sign_info(self, info: bytes, signer: Certificate | None = None, *, name_certificate: bool = True) -> bytes:
        """A stamp that says what `info` says (a TSTInfo), true or not, and that encloses any certificate of the key.

        `openssl cms` signs it: `openssl ts` would not.
        """
        (self.folder / "info").write_bytes(info)
        (self.folder / "enclosed.pem").write_bytes((signer or self.signer).public_bytes(Encoding.PEM))
        words = [
            "cms",
            "-sign",
            "-in",
            "info",
            "-binary",
            "-nodetach",
            "-outform",
            "DER",
            "-out",
            "cms",
            "-md",
            "sha256",
        ]
        words += ["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-signer", "enclosed.pem", "-inkey", "tsa.key"]
        ran = self.openssl(*words, *["-cades"] * name_certificate)
        assert ran.returncode == 0, ran.stderr
        body = b"\x30\x03\x02\x01\x00" + (self.folder / "cms").read_bytes()
        return b"\x30\x82" + len(body).to_bytes(2, "big") + body

    def stamp_at(self, text: bytes, when: datetime) -> bytes:
        """A stamp of these bytes that says another time, in whole seconds."""
        info = token_info(self.stamp(text))
        said = re.search(rb"\x18.(\d{14}(\.\d+)?Z)", info)
        assert said
        assert len(said[1]) == 15, "such an authority is made with precision=0"
        return self.sign_info(info.replace(said[1], f"{when:%Y%m%d%H%M%SZ}".encode()))

    def openssl_accepts(self, der: bytes, text: bytes, when: datetime | None = None) -> bool:
        """Whether `openssl ts -verify` takes it, under the authority's root, now or at another time."""
        at = ["-attime", str(int(when.timestamp()))] if when else []
        (self.folder / "text").write_bytes(text)
        (self.folder / "judged").write_bytes(der)
        return (
            self.openssl("ts", "-verify", "-data", "text", "-in", "judged", "-CAfile", "root.pem", *at).returncode == 0
        )

    @contextmanager
    def served(self) -> Generator[str]:
        """The authority's address, while it answers."""
        with serving(lambda query: (200, {"content-type": "application/timestamp-reply"}, self.reply(query))) as url:
            yield url


def token_info(der: bytes) -> bytes:
    """The TSTInfo in a short stamp: it follows its type's name, in two wrappings of three bytes each."""
    at = der.index(bytes.fromhex("060b2a864886f70d0109100104")) + 13
    width = 2 if der[at + 1] < 0x80 else 3
    assert (der[at], der[at + width]) == (0xA0, 0x04)
    length = der[at + width + 1] if width == 2 else der[at + width + 2]
    return der[at + 2 * width : at + 2 * width + length]


@contextmanager
def serving(answer: Answer) -> Generator[str]:
    """The address of a server on this machine that answers every POST of a time stamp query so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["content-length"]))
            assert self.headers["content-type"] == "application/timestamp-query"
            status, headers, body = answer(query)
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing on the screen."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/tsr"
        finally:
            server.shutdown()
            thread.join()

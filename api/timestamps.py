"""Time stamps of outside authorities: what one says of a checkpoint, and whether it holds. Pure: no clock, no network.

A time stamp is an authority's signed word that some bytes existed at a time (RFC 3161; signing certificate: RFC 5816).
Ours are over the *text* of a checkpoint (FORMAT.md, "Time stamp"). What is established, in this order:

1. `open_stamp`     the bytes are DER and nothing but one granted response; it is over this checkpoint's text, by
                    SHA-256; one signer, whose certificate is inside and is the one that the signed attributes name.
                    What the stamp says is known then, and nothing of it is believed.
2. `verify_stamp`   that certificate is for time stamping alone, and leads to a root that the reader pinned, all
                    certificates being valid at the stamped time; and the signature is its.

    stamped = verify_stamp(der, text, roots)     # or Misbehaviour: bad-timestamp, timestamp-unpinned
    stamped.latest_ms                            # by then the first `size` entries existed

Signatures and chains are judged by OpenSSL through rfc3161-client. That library drops fractions of a second and does
not look at the signing certificate attribute, so those two are read here from the bytes that it has parsed strictly.
A stamp bounds received times from above alone: that a head lacks an entry says nothing of when the entry was made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import new as new_hash
from hashlib import sha256
from typing import NamedTuple
from warnings import catch_warnings, simplefilter

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import (
    Certificate,
    DuplicateExtension,
    ExtendedKeyUsage,
    ExtensionNotFound,
    InvalidVersion,
    UnsupportedGeneralNameType,
    load_der_x509_certificate,
    load_pem_x509_certificates,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import TimeStampResponse, VerificationError, VerifierBuilder, decode_timestamp_response

from ledger.errors import Misbehaviour
from ledger.published import parse_stamp_path
from ledger.verify import Source
from projections.heads import Bound

MAX_STAMP = 64 * 1024

_SHA256 = "2.16.840.1.101.3.4.2.1"
# Digests that an authority may sign over, by the DER of their object identifiers: SHA-256, SHA-384, SHA-512.
_DIGESTS = frozenset(bytes.fromhex(f"060960864801650304020{each}") for each in (1, 2, 3))
# The signed attributes that name the signer's certificate, new and old; and the digest of each length in them.
_SIGNING_CERTIFICATE = bytes.fromhex("060b2a864886f70d010910022f"), bytes.fromhex("060b2a864886f70d010910020c")
_BY_LENGTH = {20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}


# What the libraries raise for a certificate or a stamp with a broken part, which they look at only when asked for it.
_BROKEN = (
    *(ValueError, TypeError, AttributeError, LookupError, OverflowError, CryptographyDeprecationWarning),
    *(InvalidVersion, DuplicateExtension, UnsupportedGeneralNameType, UnsupportedAlgorithm),
)


class StampedTime(msgspec.Struct, frozen=True):
    """What an authority says: the bytes existed at `time_ms`, give or take `accuracy_ms`.

    `authority` is its name (the subject of its certificate, RFC 4514), `certificate` the SHA-256 of that certificate.
    """

    authority: str
    certificate: str
    time_ms: int
    accuracy_ms: int

    @property
    def latest_ms(self) -> int:
        """The latest time that the stamp admits; a begun millisecond counts whole."""
        return self.time_ms + 1 + self.accuracy_ms


class OpenedStamp(NamedTuple):
    """A time stamp over the right bytes. Nobody has verified its signature."""

    response: TimeStampResponse
    signer: Certificate
    enclosed: tuple[Certificate, ...]
    imprint: bytes
    says: StampedTime


def read_roots(pem: bytes) -> list[Certificate]:
    """The certificates of a PEM file, each its own issuer. Raises ValueError, with what is wrong."""
    roots = load_pem_x509_certificates(pem)
    for root in roots:
        if root.issuer != root.subject:
            raise ValueError(f"{root.subject.rfc4514_string()} is no root: {root.issuer.rfc4514_string()} issued it")
    return roots


# --- one stamp -------------------------------------------------------------------------------------------------------


def open_stamp(der: bytes, text: bytes, path: str | None = None) -> OpenedStamp:
    """Read a response and hold it against the text of a checkpoint. Raises Misbehaviour (bad-timestamp)."""
    try:
        if len(der) > MAX_STAMP:
            raise ValueError(f"a time stamp of more than {MAX_STAMP} bytes")
        response = decode_timestamp_response(der)
        if response.as_bytes() != der:
            raise ValueError("it is not in its one form (DER)")
        if response.status != 0:
            raise ValueError(f"the authority did not grant it (status {response.status})")
        imprint = response.tst_info.message_imprint
        if imprint.hash_algorithm.dotted_string != _SHA256 or imprint.message != sha256(text).digest():
            raise ValueError("it is over other bytes than this checkpoint's text")
        certificates = _certificates(response)
        signed = _signed_parts(der)
        signer = _signer_of(response, certificates, signed)
        authority = signer.subject.rfc4514_string()
        fingerprint = sha256(_der(signer)).hexdigest()
        says = StampedTime(authority, fingerprint, parse_generalized_time(signed.time), _accuracy_ms(response))
    except _BROKEN as error:
        raise _bad(str(error), der, path) from None
    return OpenedStamp(response, signer, tuple(certificates), imprint.message, says)


def verify_stamp(der: bytes, text: bytes, roots: Sequence[Certificate], path: str | None = None) -> StampedTime:
    """What a stamp says of a checkpoint's text, under pinned roots.

    Raises Misbehaviour: bad-timestamp, and timestamp-unpinned where no root of these is above its certificate: then
    nothing is known of its signature.
    """
    opened = open_stamp(der, text, path)
    if not leads_to(opened, roots):
        raise Misbehaviour("timestamp-unpinned", f"the authority {opened.says.authority} is not pinned", path=path)
    return _verify(opened, roots, path)


def _verify(opened: OpenedStamp, roots: Sequence[Certificate], path: str | None) -> StampedTime:
    """Certificate, chain and signature. Raises Misbehaviour (bad-timestamp)."""
    der = opened.response.as_bytes()
    try:
        usage = opened.signer.extensions.get_extension_for_class(ExtendedKeyUsage)
        if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
            raise ValueError("the signer's certificate is not for time stamping alone")
        VerifierBuilder(roots=list(roots)).build().verify(opened.response, opened.imprint)
    except ExtensionNotFound:
        raise _bad("the signer's certificate is not for time stamping", der, path) from None
    except (VerificationError, *_BROKEN) as error:
        raise _bad(str(error), der, path) from None
    return opened.says


def parse_generalized_time(text: str) -> int:
    """A GeneralizedTime of DER (`20261126023854.394Z`) as POSIX milliseconds, cut off. Raises ValueError."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    digits = whole + fraction
    if len(whole) != 14 or not text.endswith("Z") or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"not a time: {text[:40]!r}")
    if fraction.endswith("0") or ("." in text and not fraction):
        raise ValueError(f"not a time in its one form: {text[:40]!r}")
    seconds = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    return int(seconds) * 1000 + int(fraction[:3].ljust(3, "0"))


def _bad(detail: str, der: bytes, path: str | None) -> Misbehaviour:
    return Misbehaviour("bad-timestamp", detail, path=path, evidence={path or "timestamp": der})


def leads_to(opened: OpenedStamp, roots: Sequence[Certificate]) -> bool:
    """Whether names in the enclosed certificates lead to a pinned root. They prove nothing, they say whom to ask."""
    above = {each.subject: each.issuer for each in opened.enclosed}
    wanted = {root.subject for root in roots}
    name, left = opened.signer.issuer, len(above)
    while name not in wanted and left and name in above:
        name, left = above[name], left - 1
    return name in wanted


def _accuracy_ms(response: TimeStampResponse) -> int:
    """The accuracy that a stamp claims, rounded up; none is 0."""
    accuracy = response.tst_info.accuracy
    if accuracy is None:  # type: ignore[unnecessary-comparison]  # the library's types leave this out
        return 0
    return (accuracy.seconds or 0) * 1000 + (accuracy.millis or 0) + (1 if accuracy.micros else 0)


def _certificates(response: TimeStampResponse) -> list[Certificate]:
    """The enclosed certificates. Raises what is in _BROKEN."""
    with catch_warnings():
        # What the library warns of (a serial number below 1) it will refuse one day; we do today.
        simplefilter("error", CryptographyDeprecationWarning)
        return [load_der_x509_certificate(each) for each in response.signed_data.certificates]


def _signer_of(response: TimeStampResponse, certificates: list[Certificate], signed: "_Signed") -> Certificate:
    """The enclosed certificate of the one signer, which the signed attributes must name. Raises ValueError."""
    signers = list(response.signed_data.signer_infos)
    if len(signers) != 1:
        raise ValueError(f"{len(signers)} signers, and there must be one")
    number, issuer = signers[0].serial_number, signers[0].issuer
    found = [each for each in certificates if each.serial_number == number and each.issuer == issuer]
    if len(found) != 1:
        raise ValueError("the signer's certificate is not inside")
    digest = signed.certificate_digest
    if new_hash(_BY_LENGTH.get(len(digest), ""), _der(found[0]), usedforsecurity=False).digest() != digest:
        raise ValueError("the certificate inside is not the one that the signer names")
    return found[0]


# --- the bytes -------------------------------------------------------------------------------------------------------


class _Signed(NamedTuple):
    """What is read from the bytes: the stamped time, and the digest of the signer's certificate."""

    time: str
    certificate_digest: bytes


def _signed_parts(der: bytes) -> _Signed:
    """Walk down a response to the parts that are signed. Raises ValueError, IndexError."""
    (response,) = _values(der)
    content = _inside(response, 1, 1, 0)  # the token's SignedData
    fields = _values(content.content)
    (token,) = _values(_inside(fields[2], 1, 0).content)  # TSTInfo, in an octet string
    (signer,) = _values(fields[-1].content)
    version, _, digest, attributes = _values(signer.content)[:4]
    if attributes.tag != 0xA0:
        raise ValueError("it has no signed attributes")
    if (fields[0].content, version.content) != (b"\3", b"\1") or _inside(digest, 0).whole not in _DIGESTS:
        raise ValueError("another version, or signed over another digest than SHA-256, SHA-384 or SHA-512")
    named = [each for each in _values(attributes.content) if _inside(each, 0).whole in _SIGNING_CERTIFICATE]
    if not named:
        raise ValueError("the signer does not name its certificate")
    identifier = _inside(named[0], 1, 0, 0, 0)  # the first of the certificates named is the signer's
    (certificate_digest, *_) = [each.content for each in _values(identifier.content) if each.tag == 0x04]
    return _Signed(_inside(token, 4).content.decode("ascii"), certificate_digest)


class _Value(NamedTuple):
    """One DER value: its tag, its bytes, and what is inside."""

    tag: int
    whole: bytes
    content: bytes


def _values(der: bytes) -> list[_Value]:
    """The DER values that stand side by side in these bytes. Raises ValueError, IndexError."""
    return list(_iterate(der))


def _iterate(der: bytes) -> Iterator[_Value]:
    at = 0
    while at < len(der):
        start, length, at = at, der[at + 1], at + 2
        if length & 0x80:
            width = length & 0x7F
            length, at = int.from_bytes(der[at : at + width], "big"), at + width
        at += length
        if at > len(der):
            raise ValueError("cut off")
        yield _Value(der[start], der[start:at], der[at - length : at])


def _inside(value: _Value, *way: int) -> _Value:
    """The value at the end of a way: at each step the n-th inside."""
    for step in way:
        value = _values(value.content)[step]
    return value


def _der(certificate: Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


# --- all stamps of a ledger ------------------------------------------------------------------------------------------


class CheckedStamps(msgspec.Struct, frozen=True):
    """What a ledger's time stamps say.

    `stamped` are those that hold, by tree size; `unpinned` name the authorities of those that nothing is known of;
    `ahead` counts those of checkpoints that the reader does not know yet.
    """

    stamped: list[tuple[int, StampedTime]]
    faults: list[Misbehaviour]
    unpinned: list[str]
    ahead: int

    def bounds(self) -> tuple[Bound, ...]:
        """What the stamps that hold say of received times."""
        return tuple([Bound(size, each.latest_ms) for size, each in self.stamped])


def check_timestamps(
    source: Source, paths: Iterable[str], texts: Mapping[int, bytes], roots: Sequence[Certificate]
) -> CheckedStamps:
    """Check the time stamps at `paths` against the texts of the checkpoints, by size, and the pinned roots.

    Raises CannotRun where the source cannot be read.
    """
    stamped: list[tuple[int, StampedTime]] = []
    faults: list[Misbehaviour] = []
    unpinned: list[str] = []
    ahead = 0
    for path in paths:
        size, fingerprint = parse_stamp_path(path)
        if size not in texts:
            ahead += 1
            continue
        try:
            opened = _open_at(source, path, fingerprint, texts[size])
            if leads_to(opened, roots):
                stamped.append((size, _verify(opened, roots, path)))
            else:
                unpinned.append(opened.says.authority)
        except Misbehaviour as fault:
            faults.append(fault)
    return CheckedStamps(stamped, faults, unpinned, ahead)


def _open_at(source: Source, path: str, fingerprint: str, text: bytes) -> OpenedStamp:
    """The stamp at a path, which must be that of its signer's certificate. Raises Misbehaviour."""
    der = source.read(path)
    if der is None:
        raise Misbehaviour("missing-file", "the ledger lists this time stamp, and it is not there", path=path)
    opened = open_stamp(der, text, path)
    if not opened.says.certificate.startswith(fingerprint):
        raise _bad("it stands under the name of another authority's certificate", der, path)
    return opened

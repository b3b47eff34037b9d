"""Time stamps: what a reader believes of them, and the ways in which one can lie. `openssl ts` is a second opinion."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from authority import STAMPING, Answer, Authority, certify, new_key, serving, token_info
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from second_writer import Files, Web
from service import Served, founded_lately, now_ms, put_on_disk
from static_server import served
from town import Town

from api.remote import RemoteLedger
from api.stamping import check_clocks, checkpoint_at, list_stamps, read_stamps
from api.timestamps import (
    StampedTime,
    check_timestamps,
    leads_to,
    open_stamp,
    parse_generalized_time,
    read_roots,
    verify_stamp,
)
from ledger.errors import CannotRun, Misbehaviour
from ledger.published import STAMP_INDEX, Folder, parse_stamp_index, stamp_path
from ledger.statement import parse_time
from ledger.tlog.checkpoint import format_checkpoint_text
from ledger.tlog.errors import Malformed
from ledger.verify import Source
from projections.findings import MAX_FINDINGS, Report
from projections.heads import Bound

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, the second verifier, is not there")

COMMAND = Path(sys.executable).parent / "constancia"
TEXT = b"constancia.example/gt\n34\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
OTHER = TEXT.replace(b"34", b"35")
NAME = "Sellos de prueba"
MINUTE = 60_000


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture(scope="module")
def der(tsa: Authority) -> bytes:
    return tsa.stamp(TEXT)


def refused(der: bytes, text: bytes, roots: Sequence[Certificate]) -> str:
    """The kind of misbehaviour that a stamp is, and why; its bytes are the evidence."""
    with pytest.raises(Misbehaviour) as caught:
        verify_stamp(der, text, roots, "timestamps/34/0123456789abcdef.tsr")
    if caught.value.kind == "bad-timestamp":
        assert der in caught.value.evidence.values()
    return f"{caught.value.kind}: {caught.value.detail}"


# --- one stamp -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "between", "signer_digest"), [("ec", "", "sha256"), ("rsa", "", "sha512"), ("ec", "Z" * 60, "sha384")]
)
def test_a_good_stamp_says_who_and_when(tmp_path: Path, kind: str, between: str, signer_digest: str) -> None:
    authority = Authority.make(tmp_path / "tsa", kind=kind, between=between, signer_digest=signer_digest)
    began = now_ms()
    der = authority.stamp(TEXT)
    ended = now_ms()
    says = verify_stamp(der, TEXT, [authority.root])
    assert (says.authority, says.accuracy_ms) == (f"CN={NAME}", 1501)
    assert says.certificate == sha256(authority.signer.public_bytes(Encoding.DER)).hexdigest()
    assert began - 1 <= says.time_ms <= ended
    assert says.latest_ms == says.time_ms + 1 + 1501
    assert authority.openssl_accepts(der, TEXT)


@pytest.mark.parametrize("naming", ["sha1", "sha384", "sha512"])
def test_the_signers_certificate_is_named_in_the_old_form_or_by_another_digest(tmp_path: Path, naming: str) -> None:
    authority = Authority.make(tmp_path / "tsa", naming=naming)
    assert verify_stamp(authority.stamp(TEXT), TEXT, [authority.root]).authority == f"CN={NAME}"


def test_the_fraction_of_a_second_is_what_openssl_reads(tsa: Authority) -> None:
    for _ in range(5):
        der = tsa.stamp(TEXT)
        (tsa.folder / "read").write_bytes(der)
        told = tsa.openssl("ts", "-reply", "-in", "read", "-text").stdout.decode()
        (when,) = [line.partition(": ")[2] for line in told.splitlines() if line.startswith("Time stamp:")]
        _, _, clock, _, _ = when.split()
        fraction = f"0.{clock.partition('.')[2]}" if "." in clock else "0"
        assert verify_stamp(der, TEXT, [tsa.root]).time_ms % 1000 == round(float(fraction) * 1000)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("19700101000000Z", 0),
        ("19700101000001.5Z", 1500),
        ("20260216120000.123Z", 1_771_243_200_123),
        ("20260216120000.1239Z", 1_771_243_200_123),
        ("20240229235959Z", 1_709_251_199_000),
    ],
)
def test_times(text: str, ms: int) -> None:
    assert parse_generalized_time(text) == ms


@pytest.mark.parametrize(
    "text",
    ["", "Z", "20260216120000", "20260216120000.Z0", "20260216120000.10Z", "202602161200Z", "20260230120000Z",
     "20260216120000+0000", "20260216120060Z", "2026021612000xZ", "20260216120000.1x3Z", "٢٠260216120000Z"],
)  # fmt: skip
def test_and_these_are_none(text: str) -> None:
    with pytest.raises(ValueError):
        parse_generalized_time(text)


# --- lies ------------------------------------------------------------------------------------------------------------


def test_a_stamp_of_another_checkpoint(tsa: Authority, der: bytes) -> None:
    assert "over other bytes" in refused(der, OTHER, [tsa.root])
    assert not tsa.openssl_accepts(der, OTHER)


def test_a_stamp_by_sha_512_is_over_other_bytes(tmp_path: Path) -> None:
    other = Authority.make(tmp_path / "tsa", digests="sha256, sha512")
    (other.folder / "text").write_bytes(TEXT)
    other.openssl("ts", "-query", "-data", "text", "-sha512", "-cert", "-out", "asked")
    assert "over other bytes" in refused(other.reply((other.folder / "asked").read_bytes()), TEXT, [other.root])


def test_a_stamp_of_another_authority_under_the_same_name(tmp_path: Path, tsa: Authority) -> None:
    liar = Authority.make(tmp_path / "tsa", name=NAME)
    der = liar.stamp(TEXT)
    assert (liar.root.subject, liar.signer.subject) == (tsa.root.subject, tsa.signer.subject)
    assert refused(der, TEXT, [tsa.root]).startswith("bad-timestamp")
    assert not tsa.openssl_accepts(der, TEXT)
    assert verify_stamp(der, TEXT, [liar.root]).authority == f"CN={NAME}"  # whoever pins it believes it


def test_a_stamp_of_an_authority_that_nobody_pinned(tmp_path: Path, tsa: Authority, der: bytes) -> None:
    other = Authority.make(tmp_path / "tsa", name="Otra autoridad")
    assert refused(der, TEXT, [other.root]).startswith("timestamp-unpinned")
    assert refused(der, TEXT, []).startswith("timestamp-unpinned")
    assert verify_stamp(der, TEXT, [other.root, tsa.root]).authority == f"CN={NAME}"


NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(("days", "why"), [(-21, "not yet valid"), (-15, ""), (-9, "expired"), (0, "expired")])
def test_the_certificate_must_be_valid_at_the_stamped_time_and_at_no_other(tmp_path: Path, days: int, why: str) -> None:
    authority = Authority.make(tmp_path / "tsa", valid=(-20 * DAY, -10 * DAY), root_valid=-30 * DAY, precision=0)
    when = NOW + days * DAY
    der = authority.stamp_at(TEXT, when)
    if why:
        assert why in refused(der, TEXT, [authority.root])
    else:
        assert verify_stamp(der, TEXT, [authority.root]).time_ms == int(when.timestamp()) * 1000
    assert authority.openssl_accepts(der, TEXT, when) == (why == "")


def test_the_root_too_must_be_valid_at_the_stamped_time(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path / "tsa", valid=(-20 * DAY, 10 * DAY), root_valid=-10 * DAY, precision=0)
    early, later = NOW - 15 * DAY, NOW - 5 * DAY
    assert "not yet valid" in refused(authority.stamp_at(TEXT, early), TEXT, [authority.root])
    assert (
        verify_stamp(authority.stamp_at(TEXT, later), TEXT, [authority.root]).time_ms == int(later.timestamp()) * 1000
    )


CODE = ExtendedKeyUsageOID.CODE_SIGNING


@pytest.mark.parametrize(
    ("usage", "critical"), [((*STAMPING, CODE), True), ((CODE,), True), ((), True), (None, True), (STAMPING, False)]
)
def test_a_certificate_that_is_not_for_time_stamping_alone(
    tmp_path: Path, usage: tuple[ObjectIdentifier, ...] | None, critical: bool
) -> None:
    authority = Authority.make(tmp_path / "tsa")
    good = authority.certify_again()
    bad = authority.certify_again(usage=usage, critical=critical)
    info = token_info(authority.stamp(TEXT))
    assert verify_stamp(authority.sign_info(info, good), TEXT, [authority.root]).authority == f"CN={NAME}"
    der = authority.sign_info(info, bad)
    assert refused(der, TEXT, [authority.root]).startswith("bad-timestamp")
    assert not authority.openssl_accepts(der, TEXT)


def test_a_stamp_whose_certificate_was_exchanged_for_another_of_the_same_key(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path / "tsa")
    before = authority.signer.public_bytes(Encoding.DER)
    der = authority.stamp(TEXT)
    serial = authority.signer.serial_number
    again = (authority.certify_again(serial=serial).public_bytes(Encoding.DER) for _ in range(200))
    after = next(each for each in again if len(each) == len(before))  # a signature has one of a few lengths
    exchanged = der.replace(before, after)
    assert exchanged != der
    assert "not the one that the signer names" in refused(exchanged, TEXT, [authority.root])
    assert not authority.openssl_accepts(exchanged, TEXT)


def test_a_stamp_that_does_not_name_its_certificate(tsa: Authority, der: bytes) -> None:
    assert verify_stamp(tsa.sign_info(token_info(der)), TEXT, [tsa.root]).authority == f"CN={NAME}"
    nameless = tsa.sign_info(token_info(der), name_certificate=False)
    assert "does not name its certificate" in refused(nameless, TEXT, [tsa.root])
    assert not tsa.openssl_accepts(nameless, TEXT)


def test_a_refusal_is_no_stamp(tmp_path: Path) -> None:
    strict = Authority.make(tmp_path / "tsa", digests="sha512")
    assert refused(strict.stamp(TEXT), TEXT, [strict.root]).startswith("bad-timestamp")


CHANGES: list[Callable[[bytes], bytes]] = [
    lambda der: b"",
    lambda der: der[:-1],
    lambda der: der + b"\0",
    lambda der: der + der,
    lambda der: der[4:],
    lambda der: b"\x30\x80" + der[4:] + b"\0\0",
    lambda der: b"\x30\x83\0" + der[2:],
    lambda der: der + b"\0" * 70_000,
    lambda der: b"<html>no</html>",
    lambda der: b"\x30\x82\xff\xff" * 1000,
    lambda der: b"\x30\x80" * 20_000,
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_der_is_no_stamp(tsa: Authority, der: bytes, change: Callable[[bytes], bytes]) -> None:
    assert refused(change(der), TEXT, [tsa.root]).startswith("bad-timestamp")


def verdict(der: bytes, tsa: Authority) -> StampedTime | None:
    """What a reader believes of a stamp, or None."""
    try:
        return verify_stamp(der, TEXT, [tsa.root])
    except Misbehaviour:
        return None


def test_no_altered_bit_makes_a_stamp_say_another_thing(tsa: Authority, der: bytes) -> None:
    """Every bit. The few that matter to nobody (the name of an algorithm that the key implies) may pass."""
    honest = verdict(der, tsa)
    assert honest
    passed: list[int] = []
    for bit in range(len(der) * 8):
        altered = bytearray(der)
        altered[bit // 8] ^= 1 << bit % 8
        said = verdict(bytes(altered), tsa)
        assert said in (None, honest), bit
        passed += [bit] if said else []
    assert len(passed) < 8 * 12
    # Whatever passes here, the second verifier takes too.
    for bit in passed:
        altered = bytearray(der)
        altered[bit // 8] ^= 1 << bit % 8
        assert tsa.openssl_accepts(bytes(altered), TEXT), bit


def test_bytes_put_in_taken_out_or_replaced_make_no_stamp_say_another_thing(tsa: Authority, der: bytes) -> None:
    honest = verdict(der, tsa)
    drawn = random.Random(20260216)
    for _ in range(2_000):
        altered = bytearray(der)
        at, count = drawn.randrange(len(der)), drawn.randrange(1, 5)
        altered[at : at + drawn.choice((0, count))] = drawn.randbytes(drawn.choice((0, count)))
        assert verdict(bytes(altered), tsa) in (None, honest)


def test_openssl_refuses_what_is_refused_here(tsa: Authority, der: bytes) -> None:
    """Of the altered stamps that openssl takes there is none that says another thing; here fewer are taken."""
    drawn = random.Random(1)
    disputed = 0
    for bit in drawn.sample(range(len(der) * 8), 150):
        altered = bytearray(der)
        altered[bit // 8] ^= 1 << bit % 8
        theirs = tsa.openssl_accepts(bytes(altered), TEXT)
        ours = verdict(bytes(altered), tsa) is not None
        assert theirs or not ours
        disputed += theirs and not ours
    assert disputed <= 15


# --- pinned roots ----------------------------------------------------------------------------------------------------


def test_a_root_is_its_own_issuer(tsa: Authority) -> None:
    assert read_roots(tsa.root_file.read_bytes()) == [tsa.root]
    with pytest.raises(ValueError, match="is no root"):
        read_roots((tsa.folder / "tsa.pem").read_bytes())
    with pytest.raises(ValueError):
        read_roots(b"no certificate")


def test_names_that_run_in_a_circle_lead_nowhere(tmp_path: Path, der: bytes) -> None:
    key = new_key()
    one, two = certify("A", key, "B", key), certify("B", key, "A", key)
    opened = open_stamp(der, TEXT)._replace(signer=one, enclosed=(one, two))
    assert not leads_to(opened, [certify("C", key, "C", key)])
    assert leads_to(opened, [certify("A", key, "A", key)])


# --- the stamps of a ledger ------------------------------------------------------------------------------------------


def text_of(source: Source, size: int | None = None) -> bytes:
    """The text of a published checkpoint."""
    return format_checkpoint_text(checkpoint_at(source, size))


def put(files: Files, tsa: Authority, der: bytes, size: int, *, listed: bool = True) -> str:
    """Publish a stamp by hand; returns its path."""
    path = stamp_path(size, sha256(tsa.signer.public_bytes(Encoding.DER)).hexdigest())
    files[path] = der
    if listed:
        files[STAMP_INDEX] = files.get(STAMP_INDEX, b"") + f"{path}\n".encode()
    return path


def audited(town: Town, files: Files, tsa: Authority | None) -> Report:
    """An audit of a town's files, as the command does it."""
    stamps = read_stamps(files, town.policy, [tsa.root_file] if tsa else [])
    return town.audit(files, stamps=stamps)


def told(report: Report) -> tuple[list[tuple[str, str | None]], set[str]]:
    """Kind and path of the findings, and the kinds of remarks about stamps."""
    remarks = {each.kind for each in report.remarks if each.kind.startswith("timestamp")}
    return [(each.kind, each.path) for each in report.findings], remarks


@pytest.fixture(scope="module")
def town() -> Town:
    return Town()


@pytest.mark.parametrize("web", [False, True])
def test_a_good_stamp_in_an_audit(town: Town, tsa: Authority, web: bool) -> None:
    files = Web(town.files) if web else town.files.copy()
    put(files, tsa, tsa.stamp(text_of(files)), len(town.world.entries))
    report = audited(town, files, tsa)
    assert told(report) == ([], {"timestamped"})
    assert report.verdict == "verified"
    assert told(audited(town, files, None)) == ([], {"timestamp-unpinned"})
    assert told(audited(town, town.files, None)) == ([], set())
    assert told(audited(town, town.files, tsa)) == ([], {"timestamp-none"})


def test_a_stamp_that_is_in_no_list_is_found_in_a_folder(town: Town, tsa: Authority) -> None:
    files = town.files.copy()
    put(files, tsa, tsa.stamp(text_of(files)), len(town.world.entries), listed=False)
    assert told(audited(town, files, tsa)) == ([], {"timestamped"})
    assert told(audited(town, Web(files), tsa)) == ([], {"timestamp-none"})


def test_a_stamp_of_an_older_checkpoint_needs_no_signed_head(town: Town, tsa: Authority) -> None:
    files = town.files.copy()
    for size in (1, 7, 12):
        put(files, tsa, tsa.stamp(text_of(files, size)), size)
    report = audited(town, files, tsa)
    assert told(report) == ([], {"timestamped"})
    (remark,) = [each for each in report.remarks if each.kind == "timestamped"]
    assert "12" in remark.es
    assert "12" in remark.en


def test_lies_about_stamps_are_findings(town: Town, tsa: Authority, tmp_path: Path) -> None:
    size = len(town.world.entries)
    good = tsa.stamp(text_of(town.files))

    def findings(der: bytes, at: int = size) -> tuple[list[tuple[str, str | None]], set[str]]:
        files = town.files.copy()
        path = put(files, tsa, der, at)
        found, remarks = told(audited(town, files, tsa))
        return [(kind, "there" if where == path else where) for kind, where in found], remarks

    assert findings(good) == ([], {"timestamped"})
    assert findings(good, size - 1) == ([("bad-timestamp", "there")], set())
    assert findings(tsa.stamp(TEXT)) == ([("bad-timestamp", "there")], set())
    assert findings(b"") == ([("bad-timestamp", "there")], set())
    assert findings(bytes([*good[:-1], good[-1] ^ 1])) == ([("bad-timestamp", "there")], set())
    # Of a checkpoint that nobody has seen nothing can be said.
    assert findings(good, size + 1) == ([], {"timestamp-ahead"})
    # Another authority's stamp, of the same name or another, under this one's.
    for name in (NAME, "Otra"):
        liar = Authority.make(tmp_path / name, name=name)
        assert findings(liar.stamp(text_of(town.files))) == ([("bad-timestamp", "there")], set())


def test_lies_about_the_list_are_findings(town: Town, tsa: Authority) -> None:
    size = len(town.world.entries)
    files = town.files.copy()
    path = put(files, tsa, tsa.stamp(text_of(files)), size)
    del files[path]
    assert told(audited(town, files, tsa)) == ([("missing-file", path)], set())
    for raw in (b"../journal.db\n", b"timestamps/index\n", b"\n", b"\xff\n", path.encode() + b"\r\n"):
        files[STAMP_INDEX] = raw
        assert told(audited(town, files, tsa)) == ([("bad-timestamp", STAMP_INDEX)], set())
    files[STAMP_INDEX] = f"{path}".encode()  # still being written
    assert told(audited(town, files, tsa)) == ([], {"timestamp-none"})


def test_a_bad_stamp_denies_that_everybody_sees_the_same_and_nothing_else(town: Town, tsa: Authority) -> None:
    files = town.files.copy()
    put(files, tsa, tsa.stamp(TEXT), len(town.world.entries))
    answers = {each.question: each.answer for each in audited(town, files, tsa).answers}
    assert [question for question, answer in answers.items() if answer == "no"] == ["same-for-all"]


def test_a_list_of_very_many_stamps_that_are_not_there_fills_no_report(town: Town, tsa: Authority) -> None:
    files = town.files.copy()
    files[STAMP_INDEX] = b"".join(f"{stamp_path(7, f'{number:064x}'[::-1])}\n".encode() for number in range(900))
    report = audited(town, files, tsa)
    assert (len(report.findings), report.counts.findings) == (MAX_FINDINGS, 900)


def test_the_list_holds_each_path_once() -> None:
    one, two = stamp_path(1, "0" * 64), stamp_path(2, "f" * 64)
    assert parse_stamp_index(f"{two}\n{one}\n{two}\ntimest".encode()) == [two, one]
    assert parse_stamp_index(b"") == []
    with pytest.raises(Malformed):
        parse_stamp_index(f"{one}\n\x0b{two}\n".encode())


# --- received times --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead_ms", "found"), [(-MINUTE, False), (30_000, False), (3 * MINUTE, True)])
def test_an_entry_is_not_received_after_a_stamp_of_a_head_that_has_it(
    tsa: Authority, tmp_path: Path, ahead_ms: int, found: bool
) -> None:
    """The operator's clock is ahead: what it says was received in three minutes is stamped now."""
    town = Town()
    size = len(town.world.entries)
    last = town.world.entries[-1].received_ms
    slow = Authority.make(
        tmp_path / "tsa", name="Otra", valid=(-3650 * DAY, 3650 * DAY), root_valid=-3650 * DAY, precision=0
    )
    when = datetime.fromtimestamp((last - ahead_ms) // 1000, UTC)
    files = town.files.copy()
    put(files, slow, slow.stamp_at(text_of(files), when), size)
    report = audited(town, files, slow)
    assert {each.kind for each in report.findings} == ({"time-impossible"} if found else set())
    if found:
        assert size - 1 in {each.index for each in report.findings}
        assert report.verdict == "misbehaviour found"
    # Who did not pin that authority learns nothing of it.
    assert told(audited(town, files, tsa)) == ([], {"timestamp-unpinned"})


def test_a_stamp_says_nothing_of_what_its_head_lacks(tmp_path: Path) -> None:
    """A head of seven entries is stamped years after the others came: they may have been there all the time."""
    town = Town()
    late = Authority.make(tmp_path / "tsa", precision=0)
    files = town.files.copy()
    put(files, late, late.stamp(text_of(files, 7)), 7)
    assert told(audited(town, files, late)) == ([], {"timestamped"})


def test_bounds_are_the_latest_that_a_stamp_admits(tsa: Authority, town: Town) -> None:
    files = town.files.copy()
    size = len(town.world.entries)
    path = put(files, tsa, tsa.stamp(text_of(files)), size)
    checked = check_timestamps(files, [path], {size: text_of(files)}, [tsa.root])
    ((_, says),) = checked.stamped
    assert checked.bounds() == (Bound(size, says.time_ms + 1502),)


# --- without the library ---------------------------------------------------------------------------------------------


def test_without_the_extra_an_audit_says_that_stamps_are_there(
    town: Town, tsa: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = town.files.copy()
    put(files, tsa, tsa.stamp(text_of(files)), len(town.world.entries))
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    monkeypatch.delitem(sys.modules, "api.timestamps")
    report = audited(town, files, None)
    assert told(report) == ([], {"timestamp-unchecked"})
    (remark,) = [each for each in report.remarks if each.kind == "timestamp-unchecked"]
    assert "pip install" in remark.es
    with pytest.raises(CannotRun, match="extra “time”"):
        audited(town, files, tsa)
    (path,) = list_stamps(files)
    del files[path]
    assert told(audited(town, files, None)) == ([("missing-file", path)], {"timestamp-unchecked"})


# --- the command -----------------------------------------------------------------------------------------------------


class Ran:
    """One run of the command."""

    def __init__(self, *words: str | Path, lang: str = "es") -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
        done = subprocess.run(
            [COMMAND, *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=environment | {"NO_COLOR": "1", "LANG": lang},
        )
        assert "Traceback" not in done.stderr + done.stdout
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    put_on_disk(founded_lately(), tmp_path / "ledger")
    return tmp_path / "ledger"


def test_the_round_trip(ledger: Path, tsa: Authority) -> None:
    """Asked over HTTP, answered by `openssl ts`, kept, asked again, audited in the folder and over the network."""
    words = ("timestamp", "--dir", ledger, "--root", tsa.root_file, "--authority")
    public = Folder(ledger / "public")
    with tsa.served() as url:
        first = Ran(*words, url, "--json")
        assert first.code == 0, first.err
        assert (first.json["fresh"], first.json["verified"], first.json["authority"]) == (True, True, f"CN={NAME}")
        kept = public.read(first.json["path"])
        assert kept is not None
        assert tsa.openssl_accepts(kept, text_of(public))
        assert abs(parse_time(first.json["time"]) - now_ms()) < MINUTE
        asked = tsa.asked
        again = Ran(*words, url)
        assert (again.code, tsa.asked) == (0, asked + 1)
        assert "Ya estaba sellado" in again.out
        assert "Stamped already" in Ran(*words, url, "--lang", "en").out
        assert public.read(first.json["path"]) == kept
        assert public.read(STAMP_INDEX) == f"{first.json['path']}\n".encode()
        # An older checkpoint, from the published files alone.
        older = Ran("timestamp", "--dir", ledger / "public", "--at", "9", "--authority", url, "--json")
        assert (older.code, older.json["size"], older.json["verified"]) == (0, 9, False)
        assert Ran(*words, url, "--at", "100000").code == 2
    pins = ("--policy", ledger / "public" / "policy", "--json")
    report = Ran("audit", ledger, *pins, "--tsa-root", tsa.root_file)
    assert (report.code, report.json["findings"]) == (0, [])
    with Served(ledger) as server:
        url = f"http://127.0.0.1:{server.port}{server.path}"
        over_http = Ran("audit", url, *pins, "--tsa-root", tsa.root_file)
        unpinned = Ran("audit", url, *pins)
        with RemoteLedger(url) as remote:
            assert list_stamps(remote) == list_stamps(public)
    for ran, kind in ((report, "timestamped"), (over_http, "timestamped"), (unpinned, "timestamp-unpinned")):
        assert ran.code == 0, ran.out
        (remark,) = [each for each in ran.json["remarks"] if each["kind"].startswith("timestamp")]
        assert remark["kind"] == kind
        assert ": 2" in remark["es"]


def test_a_copy_has_the_stamps_of_the_original_and_those_of_its_own(
    ledger: Path, tsa: Authority, tmp_path: Path
) -> None:
    """A copy that listed what it has not would be found wrong."""
    copy = tmp_path / "copia"
    with tsa.served() as authority, Served(ledger) as server:
        url = f"http://127.0.0.1:{server.port}{server.path}"
        theirs = [Ran("timestamp", "--dir", ledger, "--authority", authority, "--json").json["path"]]
        assert Ran("mirror", url, copy).code == 0
        assert list_stamps(Folder(copy / "public")) == theirs
        own = Ran("timestamp", "--dir", copy / "public", "--authority", authority, "--at", "5", "--json").json["path"]
        words = ("timestamp", "--dir", ledger, "--authority", authority, "--at", "8", "--json")
        theirs.append(Ran(*words).json["path"])
        assert Ran("mirror", url, copy).code == 0
    public = Folder(copy / "public")
    assert sorted(parse_stamp_index(public.read(STAMP_INDEX) or b"")) == sorted([own, *theirs])
    ran = Ran("audit", copy, "--tsa-root", tsa.root_file, "--json")
    assert (ran.code, ran.json["findings"]) == (0, [])
    assert ": 3." in next(each["es"] for each in ran.json["remarks"] if each["kind"] == "timestamped")


def test_what_earlier_audits_kept_spares_fetching_stamps_again(town: Town, tsa: Authority, tmp_path: Path) -> None:
    files = town.files.copy()
    path = put(files, tsa, tsa.stamp(text_of(files)), len(town.world.entries))
    words = ("--trusted", tmp_path / "kept", "--tsa-root", tsa.root_file, "--json")
    with served(files) as server:
        for _ in range(2):
            ran = Ran("audit", server.url, *words)
            assert (ran.code, ran.json["findings"]) == (0, [])
            assert "timestamped" in {each["kind"] for each in ran.json["remarks"]}
        assert (server.asked[path], server.asked[STAMP_INDEX]) == (1, 2)
        (tmp_path / "kept" / "files" / path).write_bytes(b"altered on the reader's disk")
        assert Ran("audit", server.url, *words).code == 1
        assert Ran("audit", server.url, *words).code == 0  # fetched anew


def test_an_audit_of_a_folder_with_an_altered_stamp_ends_with_1(ledger: Path, tsa: Authority) -> None:
    with tsa.served() as url:
        path = Ran("timestamp", "--dir", ledger, "--authority", url, "--json").json["path"]
    place = ledger / "public" / path
    raw = bytearray(place.read_bytes())
    raw[-1] ^= 1
    place.write_bytes(raw)
    ran = Ran("audit", ledger, "--tsa-root", tsa.root_file)
    assert ran.code == 1
    assert "bad-timestamp" in ran.out
    assert path in ran.out
    with tsa.served() as url:  # and the command leaves it there, and says so
        ran = Ran("timestamp", "--dir", ledger, "--authority", url, "--root", tsa.root_file)
    assert ran.code == 1
    assert place.read_bytes() == raw


def test_a_crash_between_the_stamp_and_its_line_is_made_good(ledger: Path, tsa: Authority) -> None:
    public = Folder(ledger / "public")
    with tsa.served() as url:
        words = ("timestamp", "--dir", ledger, "--authority", url, "--json")
        path = Ran(*words).json["path"]
        (ledger / "public" / STAMP_INDEX).write_bytes(path.encode()[:20])
        assert Ran(*words).json["fresh"] is False
    assert public.read(STAMP_INDEX) == f"{path}\n".encode()


TYPE = {"content-type": "application/timestamp-reply"}
ANSWERS: list[tuple[str, Answer, int]] = [
    ("an error", lambda query: (500, {}, b"no"), 2),
    ("a page", lambda query: (200, {"content-type": "text/html"}, b"<html>"), 2),
    ("a redirection", lambda query: (302, {"location": "http://127.0.0.1:9/"}, b""), 2),
    ("too much", lambda query: (200, TYPE, b"0" * 70_000), 2),
    ("the question", lambda query: (200, TYPE, query), 1),
    ("nothing", lambda query: (200, TYPE, b""), 1),
    ("less than it said", lambda query: (200, TYPE | {"content-length": "99"}, b"0"), 2),
]


@pytest.mark.parametrize(("answer", "code"), [each[1:] for each in ANSWERS], ids=[each[0] for each in ANSWERS])
def test_an_authority_that_answers_something_else(ledger: Path, answer: Answer, code: int) -> None:
    with serving(answer) as url:
        ran = Ran("timestamp", "--dir", ledger, "--authority", url)
    assert (ran.code, ran.out) == (code, "")
    assert "Error: " in ran.err
    assert not (ledger / "public" / "timestamps").exists()


def test_an_authority_that_nobody_pinned_that_refuses_or_that_answers_another_question(
    ledger: Path, tsa: Authority, tmp_path: Path
) -> None:
    text = text_of(Folder(ledger / "public"))
    stranger = Authority.make(tmp_path / "otra", name="Otra")
    refusing = Authority.make(tmp_path / "niega", name="Niega", digests="sha512")
    old = tsa.stamp(text)  # right in everything but the nonce
    cases: list[tuple[Answer, str]] = [
        (lambda query: (200, TYPE, stranger.reply(query)), "timestamp-unpinned"),
        (lambda query: (200, TYPE, refusing.reply(query)), "bad-timestamp"),
        (lambda query: (200, TYPE, old), "bad-timestamp"),
        (lambda query: (200, TYPE, tsa.stamp(TEXT)), "bad-timestamp"),
    ]
    for answer, kind in cases:
        with serving(answer) as url:
            ran = Ran("timestamp", "--dir", ledger, "--authority", url, "--root", tsa.root_file, "--json")
        assert (ran.code, ran.json["kind"]) == (1, kind)
    assert not (ledger / "public" / "timestamps").exists()


def test_nobody_there_and_what_is_no_address_or_no_root(ledger: Path, tsa: Authority) -> None:
    nobody = "http://127.0.0.1:9/tsr"
    for words in (
        ("--authority", nobody),
        ("--authority", "ftp://127.0.0.1/"),
        ("--authority", "sellos.example"),
        ("--authority", nobody, "--root", tsa.folder / "tsa.pem"),
        ("--authority", nobody, "--root", ledger / "constancia.toml"),
        ("--authority", nobody, "--root", ledger / "none"),
    ):
        ran = Ran("timestamp", "--dir", ledger, *words)
        assert (ran.code, ran.out) == (2, ""), ran.err
    assert "Nothing" not in ran.err
    assert Ran("timestamp", "--dir", ledger / "keys", "--authority", nobody).code == 2


def test_clocks_that_part_by_more_than_a_minute() -> None:
    for stamped in (1_000_000, 1_000_000 - MINUTE, 1_002_000 + MINUTE):
        check_clocks(stamped, 1_000_000, 1_002_000)
    for stamped in (999_999 - MINUTE, 1_002_001 + MINUTE):
        with pytest.raises(CannotRun, match="part by more than a minute"):
            check_clocks(stamped, 1_000_000, 1_002_000)

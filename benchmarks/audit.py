"""The auditor against bare signature checks: what replaying a whole record costs beyond what cannot be avoided.

Every figure is taken in a fresh process that may use only so many cores. Reading the files, parsing, the canonical
form, signatures, rulebook, tree, contents and replay are all in ours; the peer has its keys, texts and signatures in
memory and does nothing but call libsodium.

What one comment costs on one core, in µs, where libsodium takes 40 to verify its signature (CPython 3.11):

    decode_line              6   3 of them for patterns: for each, msgspec calls Python's `re` by name
    the rest of _prepare     8   tile, leaf, identity, name and id of the key: seven hashes; base64; two structs
    check_admissible         4
    Docket.evolve            2
    evolve, the records      6   four are put
    contents                 4   decoded, encoded, compared, hashed
    records digest           4   three records encoded and hashed
    all else                 3   older files, and giving back the memory of all that was folded

So even without any rule or record the ratio could hardly pass 0.7, and what an entry costs is now spread so thin that
no one place gives much more. What did help, for whoever looks again: values that Python does not search for garbage
(`gc=False`, 5 µs), asking a kind's fields once a kind and not each statement, and reading the records for the digest
as they lie in memory. Of a replay's time much goes to memory that no cache holds: to keep less costs less.

On two cores the second only verifies, and takes nearly all of that; this one takes what is left over, so it is the sum
that counts and not who does what. What nobody shares is the end. Weighing the records for the digest was most of it
(5 of 76 µs), and is done while others verify (`projections.kept`, `settle`): 1.76 became 1.8. Where it asks too often
which records are new, it costs more than it saves, since that is a walk over all of them.

An audit of more entries than fit into `SPILL` writes what it has folded to disk: some 20 µs an entry more, most of it
for keys in no order. That is the price of memory that does not grow.
"""

import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from nacl.bindings import crypto_sign_open

from benchmarks import limits
from benchmarks.limits import Limits
from benchmarks.ratio import NotMeasured, Ratio, alternate
from benchmarks.record import ORIGIN, Growing, make_ledger
from ledger.published import Folder
from ledger.statement import decode_line, open_statement, parse_entry
from ledger.tlog.note import parse_note
from ledger.tlog.policy import parse_policy
from ledger.tlog.tiles import parse_bundle
from projections.audit import audit
from projections.kept import Kept

COMMENTS = 30_000
GROWN = 100_000
LARGE = 1_000_000


def full_audit_to_bare_verification(folder: Path, measured: Limits) -> Ratio:
    """Full audit on one core / PyNaCl verifying the same bytes on one core."""
    del measured
    public = make_ledger(folder.parent / "ledger", COMMENTS)
    ours, peer = alternate(lambda: audited_a_second(public, 1), lambda: verified_a_second(public))
    return Ratio(
        name="audit",
        ours_is="full audit: read, parse, canonical form, signatures, rulebook, tree, contents, replay; one core",
        ours=ours,
        peer_is="bare PyNaCl (libsodium) verifying the same signatures from memory, one core",
        peer=peer,
        goal=0.85,
        fair=f"{COMMENTS:,} comments, each by another key, with its published text",
    )


def full_audit_on_all_cores_to_one(folder: Path, measured: Limits) -> Ratio:
    """Full audit on two cores / on one."""
    if measured.cores < 2:
        raise NotMeasured("this machine gives us one core")
    public = make_ledger(folder.parent / "ledger", COMMENTS)
    ours, peer = alternate(lambda: audited_a_second(public, 2), lambda: audited_a_second(public, 1))
    return Ratio(
        name="two cores",
        ours_is="full audit, two cores",
        ours=ours,
        peer_is="full audit, one core",
        peer=peer,
        goal=1.8,
    )


def full_audit_to_openssl(folder: Path, measured: Limits) -> Ratio:
    """Full audit on all cores / `openssl speed ed25519` on all cores."""
    if measured.openssl_all_cores is None:
        raise NotMeasured("there is no openssl here, or it does not know ed25519")
    public = make_ledger(folder.parent / "ledger", COMMENTS)
    ours, peer = alternate(
        lambda: audited_a_second(public, measured.cores),
        lambda: limits.openssl_verifications_a_second(measured.cores) or 0.0,
    )
    return Ratio(
        name="openssl",
        ours_is=f"full audit, {measured.cores} cores",
        ours=ours,
        peer_is=f"openssl speed ed25519, verifications, {measured.cores} cores",
        peer=peer,
        goal=1.6,
    )


def full_audit_to_what_is_new(folder: Path, measured: Limits) -> Ratio:
    """Full audit of a ledger / the next audit, after it has grown by a hundredth."""
    growing = Growing(folder / "public")
    growing.grow(GROWN - growing.size)
    database = folder / "audit.db"
    with _fresh_process(measured.cores) as pool:
        full = pool.submit(_audit_keeping, growing.folder, database, measured.cores).result()
    growing.grow(GROWN // 100)
    with _fresh_process(measured.cores) as pool:
        new = pool.submit(_audit_keeping, growing.folder, database, measured.cores).result()
    return Ratio(
        name="incremental",
        ours_is=f"1 / seconds of an audit that goes on from {GROWN:,} entries to {GROWN // 100:,} more ({new:.2f} s)",
        ours=1 / new,
        peer_is=f"1 / seconds of the full audit of {GROWN:,} entries before ({full:.1f} s)",
        peer=1 / full,
        goal=20.0,
        fair="all cores; both keep docket, records and position on disk",
    )


def limit_to_audit_memory(folder: Path, measured: Limits) -> Ratio:
    """300 MB / the most memory that an audit of a million entries takes, in all of its processes."""
    growing = Growing(folder / "public")
    growing.grow(LARGE - growing.size)
    with _fresh_process(measured.cores) as pool:
        peak = pool.submit(_audit_measured, growing.folder, measured.cores).result()
    return Ratio(
        name="memory",
        ours_is="the limit, in MB",
        ours=300.0,
        peer_is=f"most memory of a full audit of {LARGE:,} entries, all of its processes together, in MB",
        peer=peak,
        goal=1.0,
        fair="proportional set size, looked at ten times a second",
    )


# --- both sides ---------------------------------------------------------------------------------------------------


def audited_a_second(public: Path, cores: int) -> float:
    """Entries a second of a full audit with the policy and the founding statement pinned."""
    with _fresh_process(cores) as pool:
        return pool.submit(_audit, public, cores).result()


def verified_a_second(public: Path) -> float:
    """Signatures a second of bare verification in one process."""
    with _fresh_process(1) as pool:
        return pool.submit(_verify, public).result()


def _fresh_process(cores: int) -> ProcessPoolExecutor:
    """One process that imports anew and uses, with those that it starts, so many cores."""
    return ProcessPoolExecutor(1, get_context("spawn"), _bind_to, (cores,))


def _bind_to(cores: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def _audit(public: Path, cores: int) -> float:
    source = Folder(public)
    policy = parse_policy((public / "policy").read_bytes())
    founding = _founding(public)
    start = time.perf_counter()
    report = audit(source, policy=policy, founding=founding, workers=cores)
    spent = time.perf_counter() - start
    if report.verdict != "verified":
        raise RuntimeError(f"the ledger that was made to be measured is not in order: {report.findings[:3]}")
    return report.size / spent


def _audit_keeping(public: Path, database: Path, cores: int) -> float:
    """Seconds of an audit with what earlier ones kept in a file."""
    policy = parse_policy((public / "policy").read_bytes())
    start = time.perf_counter()
    with Kept(database) as kept:
        report = audit(Folder(public), policy=policy, founding=_founding(public), workers=cores, kept=kept)
    spent = time.perf_counter() - start
    if report.verdict != "verified":
        raise RuntimeError(f"the ledger that was made to be measured is not in order: {report.findings[:3]}")
    return spent


def _audit_measured(public: Path, cores: int) -> float:
    """The most memory, in MB, that this process and those that it starts took during an audit."""
    most = 0.0
    over = threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.1):
            most = max(most, sum(map(_memory, [os.getpid(), *_children()])))

    watching = threading.Thread(target=watch)
    watching.start()
    policy = parse_policy((public / "policy").read_bytes())
    try:
        report = audit(Folder(public), policy=policy, founding=_founding(public), workers=cores)
    finally:
        over.set()
        watching.join()
    if report.verdict != "verified":
        raise RuntimeError(f"the ledger that was made to be measured is not in order: {report.findings[:3]}")
    return most


def _children() -> list[int]:
    return [int(word) for word in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _memory(process: int) -> float:
    """The memory of a process in MB; what several share counts once among them."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _founding(public: Path) -> str:
    first = parse_bundle((public / "tile/entries/000").read_bytes())[0]
    return open_statement(parse_entry(first)[1], ORIGIN).identity


def _verify(public: Path) -> float:
    signed: list[tuple[bytes, bytes]] = []
    for path in sorted(public.glob("tile/entries/**/[x0-9]??")):
        if path.is_file() and not path.parent.name.endswith(".p"):  # full ones
            for entry in parse_bundle(path.read_bytes()):
                note = parse_note(parse_entry(entry)[1])
                signers = decode_line(note.text.split(b"\n")[1]).by
                signed += [
                    (line.signature + note.text, bytes.fromhex(signer.key))
                    for signer, line in zip(signers, note.lines, strict=True)
                ]
    start = time.perf_counter()
    for signature_and_message, key in signed:
        crypto_sign_open(signature_and_message, key)
    return len(signed) / (time.perf_counter() - start)

"""Time stamps asked for (`constancia timestamp`), kept among the published files, and read by who audits.

Asking, in this order; nothing is kept before all of it held:

1. the published checkpoint verifies under the ledger's own policy; its text is what is to be stamped;
2. the authority is asked over HTTP (RFC 3161, section 3.4), once: SHA-256, a nonce, its certificate wanted; the answer
   has a limit in bytes and a deadline, and no redirect is followed;
3. the answer fits text and nonce, verifies under the root that was given, and its clock agrees with ours: a stamp that
   is too early would for ever contradict the received times of an honest ledger;
4. the stamp is written, then its path is added to `timestamps/index`. A crash in between is made good by asking again.

The same checkpoint stamped again by the same certificate leaves the first stamp, which is the better one.

The library for all this is the extra `time`; where it is missing, an audit says that stamps are there, unchecked.
"""

import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpcore2
import msgspec

from api.making import read_file
from api.operate import public_folder
from api.screen import screen
from ledger.errors import CannotRun, Misbehaviour
from ledger.published import STAMP_INDEX, Folder, is_stamp_path, parse_stamp_index, stamp_path
from ledger.statement import format_time
from ledger.tlog.checkpoint import Checkpoint, format_checkpoint_text
from ledger.tlog.errors import Malformed
from ledger.tlog.policy import Policy
from ledger.verify import Source, open_head, own_policy, read_spine, roots_at
from projections.findings import sentences
from projections.heads import Stamps

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from api.timestamps import CheckedStamps, OpenedStamp

CLOCKS_PART_MS = 60_000
DEADLINE = 60.0
_SECONDS = {"connect": 10.0, "read": 20.0, "write": 20.0, "pool": 10.0}
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"


def time_is_installed() -> bool:
    """Whether the extra `time` is."""
    return find_spec("rfc3161_client") is not None


def need_time() -> None:
    """Raises CannotRun, naming the extra, where the library for time stamps is not installed."""
    if not time_is_installed():
        raise CannotRun(
            "Los sellos de tiempo necesitan el extra «time», que no está instalado (falta rfc3161-client).",
            "Time stamps need the extra “time”, which is not installed (rfc3161-client is missing).",
            "Instálelo desde la carpeta del programa: pip install '.[time]'",
            "Install it from the program's folder: pip install '.[time]'",
        )


def read_root_files(paths: Sequence[Path]) -> "list[Certificate]":
    """The root certificates in PEM files. Raises CannotRun."""
    from api.timestamps import read_roots

    roots: list[Certificate] = []
    for path in paths:
        try:
            roots += read_roots(read_file(path))
        except ValueError as error:
            raise CannotRun(
                f"{path} no es un archivo de certificados raíz: {error}.",
                f"{path} is no file of root certificates: {error}.",
                "Se espera PEM: la raíz que publica la autoridad, que es su propia emisora.",
                "PEM is expected: the root that the authority publishes, which is its own issuer.",
            ) from None
    return roots


# --- asking ----------------------------------------------------------------------------------------------------------


class Kept(msgspec.Struct, frozen=True):
    """A stamp that is published: `fresh` unless it was there already; `verified` under a root that was given."""

    path: str
    size: int
    root: str
    authority: str
    certificate: str
    time: str
    accuracy_ms: int
    verified: bool
    fresh: bool


def stamp_checkpoint(place: Path, authority: str, root: Path | None, at: int | None) -> int:
    """Have a checkpoint stamped, and say what was kept; returns the exit code. Raises CannotRun, Misbehaviour."""
    need_time()
    url = _authority_url(authority)
    roots = read_root_files([root] if root else [])
    folder = Folder(public_folder(place))
    checkpoint = checkpoint_at(folder, at)
    text = format_checkpoint_text(checkpoint)
    screen.note(
        f"Punto de control de {checkpoint.size:,} asientos; se pide su sello a {url}",
        f"Checkpoint of {checkpoint.size:,} entries; asking {url} for its stamp",
    )
    try:
        opened = ask_for_stamp(url, text, roots)
        kept = keep_stamp(folder, checkpoint, opened, roots)
    except Misbehaviour as fault:
        return _say_bad(fault)
    _say_kept(kept)
    return 0


def checkpoint_at(source: Source, at: int | None = None) -> Checkpoint:
    """The published checkpoint, or that of the first `at` entries, whose root the tiles give.

    Raises Misbehaviour where the checkpoint does not verify or tiles are missing, CannotRun for a size too large.
    """
    head = open_head(source, own_policy(source), quorum=False)
    if at is None or at == head.size:
        return Checkpoint(head.origin, head.size, head.root)
    if at > head.size:
        raise CannotRun(
            f"El punto de control publicado es de {head.size} asientos; no hay uno de {at}.",
            f"The published checkpoint is of {head.size} entries; there is none of {at}.",
            "Pida un tamaño menor, o ninguno.",
            "Ask for a smaller size, or none.",
        )
    found = roots_at(source, read_spine(source, head.size, head.root), [at])
    if at not in found:
        raise Misbehaviour("missing-file", f"the root of the first {at} entries cannot be computed")
    return Checkpoint(head.origin, at, found[at])


def ask_for_stamp(url: str, text: bytes, roots: "Sequence[Certificate]") -> "OpenedStamp":
    """A fresh stamp of a checkpoint's text, verified if there are roots.

    Raises CannotRun where the authority does not answer as one, or its clock and ours part by more than a minute;
    Misbehaviour (bad-timestamp, timestamp-unpinned) for an answer that does not hold.
    """
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    from api.timestamps import open_stamp, verify_stamp

    request = TimestampRequestBuilder().data(text).hash_algorithm(HashAlgorithm.SHA256).build()
    began = time.time_ns() // 1_000_000
    der = _post(url, request.as_bytes())
    ended = time.time_ns() // 1_000_000
    opened = open_stamp(der, text)
    if opened.response.tst_info.nonce != request.nonce:
        raise Misbehaviour("bad-timestamp", "it answers another question (nonce)", evidence={"timestamp": der})
    if roots:
        verify_stamp(der, text, roots)
    check_clocks(opened.says.time_ms, began, ended)
    return opened


def check_clocks(stamped_ms: int, began_ms: int, ended_ms: int) -> None:
    """Raise CannotRun if a stamp is not of the time between question and answer, give or take a minute."""
    if began_ms - CLOCKS_PART_MS <= stamped_ms <= ended_ms + CLOCKS_PART_MS:
        return
    raise CannotRun(
        f"El reloj de la autoridad ({format_time(stamped_ms)}) y el de esta máquina ({format_time(ended_ms)}) se "
        "apartan más de un minuto. No se guardó nada.",
        f"The authority's clock ({format_time(stamped_ms)}) and this machine's ({format_time(ended_ms)}) part by more "
        "than a minute. Nothing was kept.",
        "Ponga en hora el que esté mal, o elija otra autoridad.",
        "Set right the one that is wrong, or choose another authority.",
    )


def keep_stamp(folder: Folder, checkpoint: Checkpoint, opened: "OpenedStamp", roots: "Sequence[Certificate]") -> Kept:
    """Publish a stamp, once for each certificate, and list it. Raises CannotRun; Misbehaviour for a bad one there."""
    from api.timestamps import open_stamp, verify_stamp

    path, says = stamp_path(checkpoint.size, opened.says.certificate), opened.says
    before = folder.read(path)
    if before is None:
        folder.create(path, opened.response.as_bytes())
    else:
        text = format_checkpoint_text(checkpoint)
        says = verify_stamp(before, text, roots, path) if roots else open_stamp(before, text, path).says
    # Durable from here on; whoever cannot list files finds it by the next line alone.
    _list_stamp(folder, path)
    return Kept(
        path,
        checkpoint.size,
        checkpoint.root.hex(),
        says.authority,
        says.certificate,
        format_time(says.time_ms),
        says.accuracy_ms,
        bool(roots),
        before is None,
    )


def _list_stamp(folder: Folder, path: str) -> None:
    """Add a path to the list, unless it is there; what a crash left of a line is cut off first."""
    raw = folder.read(STAMP_INDEX) or b""
    whole = raw.rfind(b"\n") + 1
    if f"{path}\n".encode() in raw.splitlines(keepends=True):
        return
    if whole < len(raw):
        folder.truncate(STAMP_INDEX, whole)
    folder.append(STAMP_INDEX, f"{path}\n".encode())


def _say_kept(kept: Kept) -> None:
    if screen.as_json:
        screen.json(kept)
        return
    pick = screen.pick
    screen.line(pick("Sellado.", "Stamped.") if kept.fresh else pick("Ya estaba sellado.", "Stamped already."))
    if not screen.quiet:
        screen.facts(
            [
                (pick("asientos", "entries"), f"{kept.size:,}"),
                (pick("raíz", "root"), kept.root),
                (pick("autoridad", "authority"), kept.authority),
                (pick("hora", "time"), f"{kept.time} ± {kept.accuracy_ms} ms"),
                (pick("archivo", "file"), kept.path),
            ]
        )
    if not kept.verified:
        screen.note(
            "Su firma no se comprobó: fije la raíz de la autoridad con --root.",
            "Its signature was not checked: pin the authority's root with --root.",
        )


def _say_bad(fault: Misbehaviour) -> int:
    if screen.as_json:
        screen.json({"kept": False, "kind": fault.kind, "detail": fault.detail})
    es, en = _UNPINNED if fault.kind == "timestamp-unpinned" else sentences(fault.kind, None, fault.path)
    screen.fail(f"{screen.pick(es, en)} ({fault.kind}: {fault.detail})")
    return 1


_UNPINNED = (
    "El sello es de una autoridad cuya raíz no está en --root.",
    "The stamp is of an authority whose root is not in --root.",
)


# --- over HTTP -------------------------------------------------------------------------------------------------------


def _authority_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment or "@" in parts.netloc:
        raise CannotRun(
            f"«{text}» no es la dirección de una autoridad de sellado.",
            f"“{text}” is not the address of a time stamping authority.",
            "Escríbala entera, como http://sellos.example/tsr",
            "Write all of it, such as http://stamps.example/tsr",
        )
    return text


def _post(url: str, query: bytes) -> bytes:
    """The authority's answer to a query. Raises CannotRun."""
    headers = [("content-type", _QUERY), ("accept", _REPLY), ("content-length", str(len(query)))]
    try:
        with (
            httpcore2.ConnectionPool() as pool,
            pool.stream("POST", url, headers=headers, content=query, extensions={"timeout": _SECONDS}) as response,
        ):
            found = {name.lower(): value.decode("latin-1") for name, value in response.headers}
            media_type = found.get(b"content-type", "").partition(";")[0].strip().lower()
            if response.status != 200 or media_type != _REPLY:
                raise _no_authority(url, f"{response.status} {media_type}".strip())
            return _read_capped(url, response)
    except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
        raise _no_answer(url, "nadie contesta ahí", "nobody answers there") from None
    except httpcore2.TimeoutException:
        raise _no_answer(url, "tardó demasiado", "it took too long") from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
        name = type(error).__name__
        raise _no_answer(url, f"se perdió la conexión ({name})", f"the connection was lost ({name})") from None


def _read_capped(url: str, response: httpcore2.Response) -> bytes:
    from api.timestamps import MAX_STAMP

    deadline = time.monotonic() + DEADLINE
    answer = b""
    for part in response.iter_stream():
        answer += part
        if len(answer) > MAX_STAMP:
            raise _no_authority(url, f"> {MAX_STAMP} bytes")
        if time.monotonic() > deadline:
            raise httpcore2.ReadTimeout("it took too long")
    return answer


def _no_authority(url: str, what: str) -> CannotRun:
    return CannotRun(
        f"{url} no contestó como una autoridad de sellado de tiempo ({what}).",
        f"{url} did not answer as a time stamping authority ({what}).",
        "Revise la dirección; las redirecciones no se siguen.",
        "Look at the address; redirects are not followed.",
    )


def _no_answer(url: str, es: str, en: str) -> CannotRun:
    return CannotRun(
        f"No hubo sello de {url}: {es}.",
        f"No stamp came from {url}: {en}.",
        "Intente más tarde: pedirlo otra vez no hace daño.",
        "Try again later: asking again is no harm.",
    )


# --- reading, for an audit -------------------------------------------------------------------------------------------


def list_stamps(source: Source) -> list[str]:
    """The paths of a ledger's time stamps: those listed in its own list, and of a folder those that are there.

    Raises Misbehaviour (bad-timestamp) for a list that is none, CannotRun.
    """
    raw = source.read(STAMP_INDEX) or b""
    try:
        listed = parse_stamp_index(raw)
    except Malformed as error:
        evidence = {STAMP_INDEX: raw}
        raise Misbehaviour("bad-timestamp", error.message, path=STAMP_INDEX, evidence=evidence) from None
    there = [path for path in source.paths() or () if is_stamp_path(path) and path != STAMP_INDEX]
    return sorted({*listed, *there})


def read_stamps(source: Source, policy: Policy | None, root_files: Sequence[Path]) -> Stamps:
    """Read and check a ledger's time stamps under the roots in these files. Raises CannotRun.

    What keeps the roots of the stamped sizes from being computed is for the audit to report: then stamps say nothing.
    """
    if root_files:
        need_time()
    try:
        paths = list_stamps(source)
    except Misbehaviour as fault:
        return Stamps(faults=(fault,))
    if not paths:
        return Stamps(remarks=(("timestamp-none", {}),) if root_files else ())
    if not time_is_installed():
        why = "the ledger lists this time stamp, and it is not there"
        faults = [Misbehaviour("missing-file", why, path=path) for path in paths if source.read(path) is None]
        return Stamps(faults=tuple(faults), remarks=(("timestamp-unchecked", {"count": len(paths)}),))
    from api.timestamps import check_timestamps

    roots = read_root_files(root_files)
    try:
        texts, head = _texts(source, policy, paths)
    except Misbehaviour:
        return Stamps()
    checked = check_timestamps(source, paths, texts, roots)
    return Stamps(checked.bounds(), (head,), tuple(checked.faults), tuple(_remarks(checked)))


def _texts(source: Source, policy: Policy | None, paths: Sequence[str]) -> tuple[dict[int, bytes], bytes]:
    """The text of the checkpoint at each stamped size that the tree has, and the head it was computed from.

    Raises Misbehaviour.
    """
    from ledger.published import parse_stamp_path

    head = open_head(source, policy or own_policy(source), quorum=False)
    spine = read_spine(source, head.size, head.root, _leave_to_audit, path=head.path)
    roots = roots_at(source, spine, {parse_stamp_path(path)[0] for path in paths})
    texts = {size: format_checkpoint_text(Checkpoint(head.origin, size, root)) for size, root in roots.items()}
    return texts, head.raw


def _leave_to_audit(fault: Misbehaviour) -> None:
    """The audit reads the same files and reports what is wrong with them."""


def _remarks(checked: "CheckedStamps") -> list[tuple[str, dict[str, object]]]:
    remarks: list[tuple[str, dict[str, object]]] = []
    if checked.stamped:
        size = max(size for size, _ in checked.stamped)
        when = format_time(min(stamped.latest_ms for each, stamped in checked.stamped if each == size))
        remarks.append(("timestamped", {"count": len(checked.stamped), "size": size, "when": when}))
    if checked.unpinned:
        authorities = "; ".join(sorted(set(checked.unpinned)))
        remarks.append(("timestamp-unpinned", {"count": len(checked.unpinned), "authorities": authorities}))
    if checked.ahead:
        remarks.append(("timestamp-ahead", {"count": checked.ahead}))
    return remarks

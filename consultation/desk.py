"""The desk: the one door of the record. A statement and its contents go in together, or not at all.

    desk = Desk(origin, vault, folder, desk_key)
    log = Log.open(…, contents=desk, desk_key=desk.public_key)
    desk.open(log)
    registered = desk.submit(note, contents).result()

`submit` opens the signed note, and holds the contents that came with it against the salted digests inside: one content
for each digest, of the form that the kind expects, none besides, each giving its digest under its salt, this ledger
and the statement's first signer. Then the log has the word. This is checked here and not by the rulebook, because an
auditor cannot check again what may have disappeared since.

As the log's `Contents` the desk keeps what was admitted before the journal does, and writes `contents/<N>`, what is
public now, before the head that covers it is signed. It learns what the entries say from the published bundles, so
the same code runs after a crash, with nothing in memory.

The same statement again is answered as before and writes nothing, whatever contents come with it.

A submission that came too late is answered with a note to keep, signed by the desk's own key, outside the tree:

    constancia.example/gt
    {"code":"closed","kind":"SubmissionRefused","received_at":"2026-11-22T08:14:00.123Z","statement":"64 hex"}

Its kind is in no catalogue, so nobody can register it. FORMAT.md, "Contents" and "Refusal note".
"""

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from hashlib import sha256
from typing import Protocol

import msgspec
from nacl.signing import SigningKey

from consultation.hiding import Act, acts_of
from consultation.text import (
    BUNDLE,
    Authority,
    Content,
    PublicLine,
    SaltedContent,
    bundle_path,
    fit,
    format_bundle,
    parse_content,
    parse_salt,
    salted_digest,
)
from consultation.text import parse_bundle as parse_bundle_file
from consultation.vault import Held, Kept, Vault
from ledger.docket import Docket
from ledger.errors import CannotRun, Refused
from ledger.log import Deposit, Registered
from ledger.published import Folder
from ledger.statement import (
    Entry,
    Opened,
    canonical,
    decode_line,
    format_time,
    key_name,
    open_statement,
    parse_entry,
)
from ledger.tlog.note import Note, format_note, sign_line
from ledger.tlog.tiles import WIDTH, entries_path, parse_bundle

_logger = logging.getLogger("constancia.desk")

SWEEP_AFTER_MS = 86_400_000

_SETTLE_EVERY = 4_096


class Register(Protocol):
    """What the desk needs of the log."""

    @property
    def size(self) -> int:
        """How many entries are published."""
        ...

    @property
    def docket(self) -> Docket:
        """What the rulebook knows of all sequenced entries."""
        ...

    def register(self, note: bytes | Opened, contents: Sequence[object] = ()) -> Future[Registered]:
        """Register a statement."""
        ...


class SubmissionRefused(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=True):
    """The desk's word that a statement came, and was refused."""

    code: str
    received_at: str
    statement: str


class Desk:
    """The door of one ledger, and what lies beside its tree. All methods may be called from any thread."""

    def __init__(self, origin: str, vault: Vault, folder: Folder, desk_key: SigningKey) -> None:
        """`folder` holds the published files; `desk_key` signs refusal notes, and nothing else."""
        self.origin = origin
        self.vault = vault
        self.public_key = bytes(desk_key.verify_key).hex()
        self._folder = folder
        self._key = desk_key
        self._log: Register | None = None
        # As far as the entries were looked at. The vault knows it too, but is not written to for entries without
        # contents more than now and then.
        self._settled = vault.settled

    def open(self, log: Register) -> None:
        """Take submissions for this log from now on; forget contents whose statement never came.

        A vault that was restored from a backup first learns what it has missed: what was withheld or erased since is
        shown to nobody again, and destroyed once more. Files of contents that somebody took away, as with the whole
        folder of published files, are written anew, and so are those of a backup, where they show what is hidden.
        """
        if self.vault.settled < log.size:
            self.publish(log.size, log.size, log.docket)
        self.sweep()
        for number in self.vault.bundles(log.size):
            if self._folder.read(bundle_path(number)) is None:
                self._write_public(number, log.size)
        for number in self._showing_hidden(log.size):
            self._write_public(number, log.size)
        self._log = log

    def _showing_hidden(self, size: int) -> set[int]:
        """The files without a marker for what is out of view."""
        numbers: set[int] = set()
        raw, number = b"", -1
        for act in self.vault.acts():
            if act.of < size and act.of // BUNDLE not in numbers:
                if act.of // BUNDLE != number:
                    number = act.of // BUNDLE
                    raw = self._folder.read(bundle_path(number)) or b""
                if format_bundle([_marker(act)]) not in raw:
                    numbers.add(number)
        return numbers

    def sweep(self) -> int:
        """Forget contents older than a day whose statement was never registered; returns how many."""
        return self.vault.sweep(_now_ms() - SWEEP_AFTER_MS)

    # --- the door

    def submit(self, note: bytes, contents: Sequence[SaltedContent] = ()) -> Future[Registered]:
        """Register a statement with its contents; the future answers as `Log.register` does.

        Raises Refused at once for what the bytes, signatures or contents show to be wrong.
        """
        return self.submit_opened(open_statement(note, self.origin), contents)

    def submit_opened(self, opened: Opened, contents: Sequence[SaltedContent] = ()) -> Future[Registered]:
        """The same for a statement that is open already."""
        if self._log is None:
            raise CannotRun(
                f"El registro {self.origin} aún no está abierto.",
                f"{self.origin} is not open yet.",
                "Envíe la declaración de nuevo en un momento.",
                "Send it again in a moment.",
            )
        if self._log.docket.index_of(opened.identity) is not None:
            return self._log.register(opened)
        return self._log.register(opened, self.fitting(opened, contents))

    def fitting(self, opened: Opened, contents: Sequence[SaltedContent]) -> tuple[Kept, ...]:
        """The contents as the vault keeps them, if they are those that the statement binds. Raises Refused."""
        fitted = fit(opened.statement, self.origin, contents)
        return tuple(
            [
                Kept(opened.identity, digest, parse_salt(salted.salt), canonical(salted.content))
                for digest, salted in fitted.items()
            ]
        )

    def refusal(self, identity: str, code: str, received_ms: int | None = None) -> bytes:
        """The signed note that a statement (64 hex) came now, and was refused with this code."""
        received_at = format_time(_now_ms() if received_ms is None else received_ms)
        line = canonical(SubmissionRefused(code=code, received_at=received_at, statement=identity))
        text = self.origin.encode() + b"\n" + line + b"\n"
        name = key_name(self.origin, self.public_key)[0]
        return format_note(Note(text, (sign_line(name, self._key, text),)))

    # --- beside the tree

    def keep(self, batch: Sequence[Deposit]) -> None:
        """Step 2 of writing: the vault has the contents, durably, before the journal has their statements."""
        kept = [content for deposit in batch for content in deposit.contents if isinstance(content, Kept)]
        if kept:
            self.vault.keep(kept, _now_ms())

    def publish(self, start: int, stop: int, docket: Docket) -> None:
        """Step 4 of writing: `contents/<N>` says what is public now of the entries below `stop`.

        Also of earlier entries on whose contents the entries start..stop-1 act, and, when the vault was restored from
        a backup, of all that it has missed. What they erase is destroyed first: `Vault.settle`.
        """
        if self._settled < start:
            self._take_back(self._settled, start, stop, docket)
        registered: list[tuple[int, str]] = []
        acts: list[Act] = []
        for entry in _bundled(self._folder, self.origin, min(start, self._settled), stop):
            if entry.opened.statement.salted_digests():
                registered.append((entry.index, entry.opened.identity))
            acts += acts_of(entry.index, entry.opened, docket)
        if registered or acts or stop - self.vault.settled >= _SETTLE_EVERY:
            for number in sorted(self.vault.settle(registered, acts, stop)):
                self._write_public(number, stop)
        self._settled = stop

    def _take_back(self, start: int, end: int, stop: int, docket: Docket) -> None:
        """A vault from a backup lacks what came since: what is public of it is taken back from the published files.

        What was sealed when the backup was put back is in no other place; whoever operates the ledger is told.
        """
        back: list[Kept] = []
        lost: list[int] = []
        # Of one file at a time, and gone with this call: no text outlives here what takes it from view.
        number, public = -1, dict[tuple[int, str], PublicLine]()
        for entry in _bundled(self._folder, self.origin, start, stop):
            identity, digests = entry.opened.identity, entry.opened.statement.salted_digests()
            if entry.index >= end:
                break
            for digest in set(digests) - set(self.vault.digests(identity)) if digests else ():
                if number != entry.index // BUNDLE:
                    number = entry.index // BUNDLE
                    public = self._published(number)
                if found := _as_bound(public.get((entry.index, digest)), entry, self.origin):
                    back.append(found)
                elif docket.content_state(identity, digest) != "erased":
                    lost.append(entry.index)
        if back:
            self.vault.keep(back, _now_ms())
            _logger.warning(
                "%s: the vault is an older copy; %d texts that came since were taken back from contents/",
                self.origin,
                len(back),
            )
        if lost:
            _logger.error(
                "%s: the texts of %d entries are in neither vault nor contents/ (%s): restore a newer vault.db",
                self.origin,
                len(lost),
                ", ".join(map(str, lost[:20])) + ("…" if len(lost) > 20 else ""),
            )

    def _published(self, number: int) -> dict[tuple[int, str], PublicLine]:
        """The lines of a file of contents, by index and salted digest; none of a file that is not of the format."""
        try:
            lines = parse_bundle_file(self._folder.read(bundle_path(number)) or b"", number)
        except Refused:
            return {}
        return {(line.index, line.salted_digest): line for line in lines}

    def _write_public(self, number: int, stop: int) -> None:
        held = self.vault.between(number * BUNDLE, min((number + 1) * BUNDLE, stop))
        content = format_bundle(map(public_line, held))
        if self._folder.read(bundle_path(number)) != content:
            self._folder.replace(bundle_path(number), content)


def public_line(held: Held) -> PublicLine:
    """What `contents/<N>` says of one content."""
    if held.hidden:
        return _marker(held.hidden)
    return PublicLine(
        index=held.index, salted_digest=held.digest, salt=held.salt.hex(), content=parse_content(held.content)
    )


def _as_bound(line: PublicLine | None, entry: Entry, origin: str) -> Kept | None:
    """A content as a public line has it, if that is what the entry's statement bound."""
    if line is None or not isinstance(line.content, Content):
        return None
    salt, key = parse_salt(str(line.salt)), entry.opened.statement.by[0].key
    if salted_digest(salt, origin, key, line.content) != line.salted_digest:
        return None
    return Kept(entry.opened.identity, line.salted_digest, salt, canonical(line.content))


def _marker(act: Act) -> PublicLine:
    return PublicLine(index=act.of, salted_digest=act.digest, by=Authority(digest=act.by, index=act.index))


def reopen(index: int, raw: bytes, origin: str) -> Entry:
    """The entry of a leaf's bytes that this record published itself: its signatures were verified when it came in.

    Raises ValueError, Refused for bytes that are not such an entry.
    """
    received_ms, note = parse_entry(raw)
    end = note.rindex(b"\n\n") + 1
    first, line, rest = note[:end].split(b"\n")
    if first != origin.encode() or rest:
        raise ValueError(f"entry {index} is of the origin {first[:80]!r}")
    return Entry(index, received_ms, Opened(origin, decode_line(line), sha256(note[:end]).hexdigest(), note, line))


def _bundled(folder: Folder, origin: str, start: int, stop: int) -> Iterator[Entry]:
    """The entries from `start` up to `stop` as they lie in the bundles of the tree of `stop` entries."""
    for number in range(start // WIDTH, -(-stop // WIDTH)):
        width = min(WIDTH, stop - number * WIDTH)
        raw = folder.read(entries_path(number, width))
        if raw is None:
            path = entries_path(number, width)
            raise CannotRun(
                f"{folder.root}: falta el archivo de asientos {path}.",
                f"{folder.root}: the bundle {path} is missing.",
                "Recupérelo de un espejo; también se escribe de nuevo si mueve a otro lugar toda la carpeta `tile`.",
                "Restore it from a mirror; it is also written anew when the whole folder `tile` is moved away.",
            )
        for index, entry in enumerate(parse_bundle(raw, width), number * WIDTH):
            if index >= start:
                yield reopen(index, entry, origin)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

"""A ledger to measure with: founded by the rulebook, with a plan and an open round, and as many comments as asked.

Each comment is by a citizen with a key of its own and brings a text to the vault: the mass case, and the dearest one
to verify, since no key is seen twice.
"""

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from nacl.signing import SigningKey

from consultation.desk import Desk
from consultation.text import Content, PublicLine, SaltedContent, bundle_path, claim, salted_digest
from consultation.text import format_bundle as format_texts
from consultation.vault import Vault
from ledger.log import Log
from ledger.published import Folder
from ledger.statement import decode_line, format_entry, format_when, open_statement, parse_entry, sign_statement
from ledger.tlog.checkpoint import Checkpoint, sign_checkpoint
from ledger.tlog.merkle import leaf_hash
from ledger.tlog.tiles import WIDTH, TileEdge, entries_path, format_bundle, tiles_of
from ledger.vocabulary import KINDS
from tests import world
from tests.second_writer import ledger_file, policy_for

ORIGIN = world.ORIGIN
LOG_KEY = world.key_of("log")
# How many may wait for the sequencer at once; it takes up to 500 of them at a time.
AT_ONCE = 2_000
TEXT = (
    "Propongo que cada compromiso publique su presupuesto y su avance por mes, con el nombre de la oficina que "
    "responde. Así sabremos en la comunidad a quién preguntar. Comentario número {number}."
)


class Submitted(msgspec.Struct, frozen=True):
    """A comment as its citizen sends it."""

    note: bytes
    contents: tuple[SaltedContent, ...]


def founding_notes() -> list[bytes]:
    """The statements that a ledger needs before the first comment, said now."""
    small = world.World(now_ms=time.time_ns() // 1_000_000)
    small.say("LedgerOpened", *world.FOUNDERS, **world.founding())
    world.grant(small, "copret", "coordinator")
    small.say(
        "PlanRegistered",
        "copret:coordinator",
        title="Plan de acción",
        country="GT",
        cycle=2,
        starts={"precision": "day", "day": "2014-06-30"},
        ends={"precision": "year", "day": "2016-01-01"},
        document=world.digest_of("plan"),
    )
    world.grant(small, "icefi", "assessor")
    small.say("CommitmentRegistered", "copret:coordinator", **world.commitment(world.G1))
    small.open_round()
    return [entry.opened.note for entry in small.entries]


def comments(first: int, count: int) -> Iterator[Submitted]:
    """So many different comments in that round, numbered from `first`, each signed by another citizen."""
    kind = KINDS["CommentSubmitted"]
    said_at = format_when(time.time_ns() // 1_000_000)
    for number in range(first, first + count):
        seed = sha256(b"citizen %d" % number).digest()
        key = SigningKey(seed)
        public = bytes(key.verify_key).hex()
        content = Content(text=TEXT.format(number=number))
        fields: dict[str, Any] = {
            "kind": "CommentSubmitted",
            "plan": world.PLAN,
            "by": [{"key": public, "role": "citizen"}],
            "said_at": said_at,
            "lang": "es-GT",
            "round": "ronda-1",
            "version": 1,
            "about": "whole",
            "salted_digest": salted_digest(seed, ORIGIN, public, content),
            "claim": claim(seed),
        }
        note = sign_statement(ORIGIN, msgspec.convert(fields, kind), [key])
        yield Submitted(note, (SaltedContent(salt=seed.hex(), content=content),))


def evidence(first: int, count: int) -> Iterator[bytes]:
    """So many different notes without contents: links to evidence by one organisation."""
    kind = KINDS["EvidenceLinked"]
    said_at = format_when(time.time_ns() // 1_000_000)
    key = world.key_of("icefi")
    for number in range(first, first + count):
        fields: dict[str, Any] = {
            "kind": "EvidenceLinked",
            "plan": world.PLAN,
            "by": [{"actor": "icefi", "key": bytes(key.verify_key).hex(), "role": "assessor"}],
            "said_at": said_at,
            "lang": "es-GT",
            "for": [f"{world.G1}.M0"],
            "url": f"https://datos.example/compromisos/g1/avance/{number}",
            "title": f"Registro de avance número {number}",
            "evidence_type": "page",
            "shows": "La oficina responsable publicó el avance del mes con el nombre de quien responde.",
        }
        yield sign_statement(ORIGIN, msgspec.convert(fields, kind), [key])


def make_ledger(folder: Path, count: int) -> Path:
    """A published ledger of the founding statements and `count` comments; returns the folder of its public files."""
    public = folder / "public"
    if public.exists():
        return public
    folder.mkdir(parents=True, exist_ok=True)
    vault = Vault.open(folder / "vault.db", create=True)
    desk = Desk(ORIGIN, vault, Folder(public), world.key_of("desk"))
    with Log.open(
        ORIGIN,
        journal=folder / "journal.db",
        published=public,
        log_key=LOG_KEY,
        contents=desk,
        desk_key=desk.public_key,
        create=True,
    ) as log:
        desk.open(log)
        for note in founding_notes():
            log.register(note).result()
        for first in range(0, count, AT_ONCE):
            waiting = [desk.submit(each.note, each.contents) for each in comments(first, min(AT_ONCE, count - first))]
            for answer in waiting:
                answer.result()
    vault.close()
    return public


class Growing:
    """A published ledger that grows by comments without a server: for sizes at which registering would take too long.

    The same entries, tiles and contents that the writer would publish, and nothing durable about how.
    """

    def __init__(self, public: Path) -> None:
        self.folder = public
        self._edge = TileEdge()
        self._partial: dict[int, bytes] = {}  # the newest partial tile of each level
        self._leaves: list[bytes] = []  # not yet in the tree
        self._bundle: list[bytes] = []
        self._lines: list[PublicLine] = []
        self._received_ms = time.time_ns() // 1_000_000
        self.size = 0
        for note in founding_notes():
            self._take(note)
        self.founding = open_statement(parse_entry(self._bundle[0])[1], ORIGIN).identity
        self._publish()

    def grow(self, count: int) -> None:
        """Publish so many more comments under one head."""
        for each in comments(self.size, count):
            (salted,) = each.contents
            self._lines.append(
                PublicLine(
                    index=self.size,
                    salted_digest=decode_line(each.note.split(b"\n", 2)[1]).salted_digests()[0],
                    salt=salted.salt,
                    content=salted.content,
                )
            )
            self._take(each.note)
        self._publish()

    def _take(self, note: bytes) -> None:
        entry = format_entry(self._received_ms, note)
        self._bundle.append(entry)
        self._leaves.append(leaf_hash(entry))
        self.size += 1
        if not self.size % WIDTH:
            self._integrate()
            self._write(entries_path(self.size // WIDTH - 1), format_bundle(self._bundle))
            self._bundle.clear()
            self._write_texts(self.size // WIDTH - 1)
            self._lines.clear()

    def _integrate(self) -> None:
        for tile, content in self._edge.grow(self._leaves):
            if tile.width == WIDTH:
                self._write(tile.path, content)
            else:
                self._partial[tile.level] = content
        self._leaves.clear()

    def _publish(self) -> None:
        self._integrate()
        for tile in tiles_of(self.size):
            if tile.width < WIDTH:
                self._write(tile.path, self._partial[tile.level])
        if self._bundle:
            self._write(entries_path(self.size // WIDTH, len(self._bundle)), format_bundle(self._bundle))
            self._write_texts(self.size // WIDTH)
        checkpoint = sign_checkpoint(Checkpoint(ORIGIN, self.size, self._edge.root()), LOG_KEY)
        own = {"head": checkpoint, "checkpoint": checkpoint, "policy": policy_for(ORIGIN, LOG_KEY)}
        for path, content in {**own, "ledger.json": ledger_file(ORIGIN, LOG_KEY)}.items():
            self._write(path, content)

    def _write_texts(self, number: int) -> None:
        if self._lines:
            self._write(bundle_path(number), format_texts(self._lines))

    def _write(self, path: str, content: bytes) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

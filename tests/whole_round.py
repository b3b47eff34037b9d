"""A round in which everything has happened once: comments of every state, answers, appeals, a count, with their texts.

    told = tell()                      the statements and their contents, as if it had begun ten minutes ago
    told.write(folder)                 the same on disk, ready to be served
    told.comment("ana")                the entry of a comment, by who said it

Texts may be given (`tell(texts={"ana": "<script>…"})`), so that hostile ones stand where harmless ones do.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import world as w
from service import Served, founded_lately
from world import World

from api.keyfiles import format_key_file
from api.settings import LedgerSettings, Settings, format_settings
from consultation.desk import Desk
from consultation.text import Content, SaltedContent, salted_digest
from consultation.vault import Vault
from ledger.log import Clock, Log
from ledger.published import Folder
from ledger.rulebook import claim_of
from ledger.statement import Entry, format_when

DAY = 86_400_000
CHAIR = "copret:coordinator"
PARTS = [{"part": "metas", "title": "Metas e indicadores"}, {"part": "plazos", "title": "Plazos"}]
TEXTS = {
    "ana": "Que se publique el presupuesto de cada compromiso, con su participación ciudadana.",
    "eva": "Los plazos son muy cortos para las comunidades.",
    "luis": "El teléfono privado de Persona Inventada es 0000-0000.",
    "rosa": "Vive en la calle inventada 7, y apoyo el plan.",
    "juan": "Palabra prohibida: odioinventado.",
    "mesa": "Dictado en la asamblea: falta agua potable.",
    "sara": "Me arrepiento de este comentario retractado.",
    "quic": "Utz ri qachak pa k’iche’.",
}
SHORTER = "Vive en […], y apoyo el plan."
ERASED, WITHHELD, REDACTED, RESTORED, WITHDRAWN = "luis", "juan", "rosa", "eva", "sara"


class Told:
    """What was said, and the contents that travel with it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.contents: dict[int, list[SaltedContent]] = {}
        self._comments: dict[str, Entry] = {}

    def say(self, kind: str, *who: str, content: Content | None = None, **fields: Any) -> Entry:
        """Say something; with a content, whose salted digest goes into the field `salted_digest`."""
        salted: list[SaltedContent] = []
        if content is not None:
            signer = w.public(who[0].partition(":")[0])
            salt = sha256(f"salt {len(self.world.entries)}".encode()).digest()
            fields["salted_digest"] = salted_digest(salt, self.world.origin, signer, content)
            salted.append(SaltedContent(salt=salt.hex(), content=content))
        entry = self.world.say(kind, *who, **fields)
        if salted:
            self.contents[entry.index] = salted
        return entry

    def comments_on(self, who: str, text: str, *, by: str = "", name: str = "", place: str = "", **fields: Any) -> None:
        """A comment of somebody; `by` is who transcribes it."""
        given = {"name": name, "place": place}
        content = Content(text=text, **{key: value for key, value in given.items() if value})
        fields = {"round": "ronda-1", "version": 1, "about": "whole", **fields}
        claim = claim_of(w.digest_of(f"secret of {who}"))
        kind = "CommentTranscribed" if by else "CommentSubmitted"
        self._comments[who] = self.say(kind, by or f"{who}:citizen", content=content, claim=claim, **fields)

    def comment(self, who: str) -> Entry:
        """The entry of a comment."""
        return self._comments[who]

    def target(self, who: str) -> dict[str, str]:
        """The content of a comment, as moderators name it."""
        opened = self.comment(who).opened
        return {"statement": opened.identity, "salted_digest": opened.statement.salted_digests()[0]}

    def write(self, folder: Path, **changed: Any) -> Settings:
        """The ledger's folder, ready to be served; settings may be changed."""
        (folder / "keys").mkdir(parents=True)
        for name in ("log", "desk"):
            path = folder / "keys" / name
            path.touch(0o600)
            path.write_bytes(format_key_file(w.key_of(name), None))
        settings = Settings(ledgers=(LedgerSettings(self.world.origin, "."),), **changed)
        (folder / "constancia.toml").write_text(format_settings(settings), "utf-8")
        with closing(Vault.open(folder / "vault.db", create=True)) as vault:
            desk = Desk(self.world.origin, vault, Folder(folder / "public"), w.key_of("desk"))
            times = iter([entry.received_ms for entry in self.world.entries])
            self._register(folder, desk, times)
        return settings

    def _register(self, folder: Path, desk: Desk, times: Any) -> None:
        now = [self.world.entries[0].received_ms]
        clock = Clock(wall_ms=lambda: now[0], monotonic=lambda: now[0] / 1000)
        with Log.open(
            self.world.origin,
            journal=folder / "journal.db",
            published=folder / "public",
            create=True,
            log_key=w.key_of("log"),
            desk_key=desk.public_key,
            contents=desk,
            clock=clock,
        ) as log:
            desk.open(log)
            for entry in self.world.entries:
                now[0] = next(times)
                made = desk.submit(entry.opened.note, self.contents.get(entry.index, [])).result(30)
                assert (made.index, made.received_ms) == (entry.index, entry.received_ms)


def tell(texts: Mapping[str, str] | None = None, *, ago_ms: int = 3 * DAY, **round_: Any) -> Told:
    """The whole history; `texts` by who says them."""
    world = founded_lately(round_open=False, ago_ms=ago_ms)
    told = Told(world)
    said = {**TEXTS, **(texts or {})}
    w.add_actor(world, "defensor", "organisation")
    w.grant(world, "defensor", "moderator")
    world.open_round(parts=round_.pop("parts", PARTS), langs=["es-GT", "quc"], **round_)
    told.comments_on("ana", said["ana"], about="metas", position="for", name="Ana Inventada", place="Aldea Inventada")
    told.comments_on("eva", said["eva"], about="plazos", position="against")
    world.now_ms += DAY
    told.comments_on("luis", said["luis"], about=w.G1)
    told.comments_on("rosa", said["rosa"], about=w.G1, position="for")
    told.comments_on("juan", said["juan"], position="against")
    heard = {"channel": "meeting", "heard_at": format_when(world.now_ms)}
    told.comments_on("mesa", said["mesa"], by="mesa:transcriber", about="metas", **heard)
    told.comments_on("sara", said["sara"], position="neutral")
    told.comments_on("quic", said["quic"], lang="quc")
    _moderate(told)
    world.now_ms += DAY
    answers = [told.comment("ana").opened.identity, told.comment("mesa").opened.identity]
    words = {"text": "Se publicará cada mes."}
    world.say("ResponseGiven", CHAIR, answers=answers, disposition="accepted", words=words)
    told.say("CommentEndorsed", "luis:citizen", comment=told.comment("ana").opened.identity)
    return told


def _moderate(told: Told) -> None:
    world, moderator = told.world, "vigilante:moderator"
    until = format_when(world.now_ms + 30 * DAY)
    hidden: Any = {"rule": "Regla 3", "appeal_until": until}
    told.say("ContentWithheld", moderator, target=told.target("eva"), ground="spam", **hidden)
    told.say("ContentRestored", moderator, target=told.target("eva"), words={"text": "No era correo basura."})
    shorter = Content(text=SHORTER)
    redacted: Any = {"target": told.target("rosa"), "ground": "personal_data"}
    told.say("ContentRedacted", moderator, content=shorter, **redacted, **hidden)
    told.say("ContentWithheld", moderator, target=told.target("juan"), ground="hate", **hidden)
    both = (moderator, "defensor:moderator")
    erased: Any = {"ground": "personal_data", "rule": "Regla 4", "stores": ["vault", "backups", "mirrors"]}
    told.say("ContentErased", *both, target=told.target("luis"), **erased)
    told.say("StatementWithdrawn", "sara:citizen", statement=told.comment("sara").opened.identity)
    reasons = Content(text="No es odio.")
    appeal = told.say("ModerationAppealed", "juan:citizen", content=reasons, target=told.target("juan"))
    words = {"text": "La regla 3 no alcanza: se devuelve."}
    told.say("AppealDecided", "defensor:moderator", appeal=appeal.opened.identity, decision="upheld", words=words)


# --- a module that tests exports tells its own (`told`), and imports the rest -----------------------------------------


@pytest.fixture(scope="module")
def place(told: Told, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was told, on disk."""
    folder = tmp_path_factory.mktemp("dicho") / "registro"
    told.write(folder)
    return folder


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Served]:
    """The same, served."""
    with Served(place) as running:
        running.folded()
        yield running

"""What those in office do by command: ask the ledger, draft, sign, show, and send.

    with Desk(url, key_file) as desk:                      what the ledger says of itself and of this key
        comment = desk.comment("https://…/gt/comentarios/0123456789ab")
        desk.state(draft, "moderator", how)                tried, signed, shown, agreed upon, sent, its receipt kept

The drafts are those of `api.signing`; signing and sending are `api.making`'s. Here is only what must be asked before:
whose key it is, where a comment stands, what a round counts. The server is believed no further than that: what is
signed is shown in full, and a wrong answer is refused by the rulebook, or by whoever reads.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from api.keyfiles import public_hex, read_key_file, read_public_key
from api.making import Ask, keep_signed, read_file, say_signed, show_statement, submit_file
from api.posting import Post
from api.screen import screen
from api.signing import Json, sign_draft, unsigned_text
from consultation.text import Content
from ledger.errors import CannotRun, Refused
from ledger.rulebook import ANSWERED
from ledger.statement import Opened, canonical, format_when, key_name, open_statement
from ledger.tlog.note import Note, format_note, sign_line
from ledger.vocabulary import EvidenceCaptured
from projections.commitments import Commitment, Mechanism, PlanState
from projections.evidence import Captured
from projections.records import Record, index_key
from projections.roll import Actor, KeyHeld, Known, Ledger, RoleHeld
from projections.rounds import Comment, Moderated, Round

R = TypeVar("R", bound=Record)

MAX_DOCUMENT = 32 * 1024 * 1024
_PAGE = 500


class How(msgspec.Struct, frozen=True, kw_only=True):
    """How an act is carried out: what every command of an officer can be told."""

    out: Path | None = None
    receipt_file: Path | None = None
    policy: Path | None = None
    dry_run: bool = False
    yes: bool = False


class _Row(msgspec.Struct, frozen=True):
    key: str
    record: msgspec.Raw


class _Rows(msgspec.Struct, frozen=True):
    data: list[_Row]


class Found(msgspec.Struct, frozen=True):
    """A comment, and the round that it is in."""

    comment: Comment
    round: Round

    @property
    def plan(self) -> str:
        """The plan that it is of."""
        return self.round.plan

    @property
    def target(self) -> Json:
        """Its text, as acts of moderation name it."""
        return {"statement": self.comment.identity, "salted_digest": self.comment.salted_digest}


class Bytes(msgspec.Struct, frozen=True):
    """Captured bytes, by one of the statements that captured them: its plan, index and identity, and their digest."""

    plan: str
    index: int
    identity: str
    digest: str

    @property
    def target(self) -> Json:
        """As acts of moderation name them: FORMAT.md, "Archives"."""
        return {"statement": self.identity, "salted_digest": self.digest}


class Question(msgspec.Struct, frozen=True):
    """Something that an answer is owed to: its sort (`ledger.rulebook.ANSWERED`), its plan and its identity."""

    sort: str
    plan: str
    identity: str


_SORTS = {
    "comments": ("comentarios", "comments"),
    "disputes": ("objeciones", "disputes"),
    "requests": ("solicitudes de evidencia", "requests for evidence"),
    "recommendations": ("recomendaciones", "recommendations"),
}


class Desk:
    """One officer at one ledger."""

    def __init__(self, url: str, key_file: Path, ask: Ask) -> None:
        """`url` is the ledger's, or that of anything below it that names it. Raises CannotRun."""
        self._post = Post(url)
        self._key_file = key_file
        self._ask = ask
        self.url = self._post.url

    def __enter__(self) -> Self:
        self._post.__enter__()
        found = self._record(Ledger, "ledger")
        if found is None:
            raise CannotRun(
                f"{self.url} no dice qué registro es.",
                f"{self.url} does not say which ledger it is.",
                "Revise la dirección: termina en la ruta del registro, como /gt.",
                "Look at the address: it ends in the ledger's path, such as /gt.",
            )
        self.ledger = found
        self.key = read_public_key(str(self._key_file))
        self.actor = self._actor_of_key()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._post.__exit__(kind, error, trace)

    # --- asking

    def _rows(self, kind: type[R], after: str = "", limit: int = _PAGE) -> list[tuple[str, R]]:
        raw = self._post.get(f"/api/records/{kind.table}?after={quote(after, safe='')}&limit={limit}")
        try:
            rows = msgspec.json.decode(raw or b"", type=_Rows).data
            return [(row.key, msgspec.json.decode(row.record, type=kind)) for row in rows]
        except msgspec.MsgspecError:
            raise CannotRun(
                f"{self.url} contesta algo que esta versión del programa no entiende.",
                f"{self.url} answers what this version of the program does not understand.",
                "Use la misma versión que el servidor.",
                "Use the version that the server has.",
            ) from None

    def _record(self, kind: type[R], key: str) -> R | None:
        """The record under a key, or None."""
        found = self._rows(kind, _before(key), 1)
        return found[0][1] if found and found[0][0] == key else None

    def _every(self, kind: type[R], prefix: str = "") -> Iterator[R]:
        for _, record in self._keyed(kind, prefix):
            yield record

    def _keyed(self, kind: type[R], prefix: str) -> Iterator[tuple[str, R]]:
        """Every record below a prefix, with its key."""
        after = prefix
        while rows := self._rows(kind, after):
            for key, record in rows:
                if not key.startswith(prefix):
                    return
                yield key, record
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def _actor_of_key(self) -> str:
        held = self._record(KeyHeld, self.key)
        if held is None:
            raise CannotRun(
                f"El registro no conoce la llave de {self._key_file}.",
                f"The ledger does not know the key of {self._key_file}.",
                f"Dos registradores de organizaciones distintas pueden inscribirla: {self.key}",
                f"Two registrars of different organisations can enrol it: {self.key}",
            )
        if held.revoked is not None or held.replaced is not None:
            raise CannotRun(
                f"La llave de {self._key_file} fue revocada o cedió su lugar a otra.",
                f"The key of {self._key_file} was revoked, or gave way to another.",
                "Firme con la nueva.",
                "Sign with the new one.",
            )
        return held.actor

    def role_among(self, *wanted: str) -> str:
        """The first of these roles that this officer's body holds. Raises CannotRun."""
        roles = {one.role for one in self._every(RoleHeld, f"{self.actor}/") if one.ended is None}
        found = next((role for role in wanted if role in roles), None)
        if found is None:
            held = ", ".join(sorted(roles)) or screen.pick("ninguno", "none")
            named = "/".join(wanted)
            raise CannotRun(
                f"Esto lo firma quien es {named}, y «{self.actor}» no tiene ese papel (tiene: {held}).",
                f"This is signed by whoever is {named}, and “{self.actor}” holds no such role (it holds: {held}).",
                "Firme con la llave de un cuerpo que lo tenga, o pídalo a dos registradores.",
                "Sign with the key of a body that does, or ask two registrars for it.",
            )
        return found

    def other_key(self, actor: str) -> str:
        """A key in force of another body, who is to sign too. Raises CannotRun."""
        keys = [
            one.key
            for one in self._every(KeyHeld)
            if one.actor == actor and one.revoked is None and one.replaced is None
        ]
        if not keys:
            raise CannotRun(
                f"«{actor}» no tiene ninguna llave vigente en este registro.",
                f"“{actor}” has no key in force in this ledger.",
                "Los cuerpos y sus papeles están en la página «Acerca».",
                "The bodies and their roles are on the page “About”.",
            )
        theirs, mine = self._record(Actor, actor), self._record(Actor, self.actor)
        if theirs and mine and (theirs.of or theirs.actor) == (mine.of or mine.actor):
            raise CannotRun(
                f"«{actor}» es de su propia organización.",
                f"“{actor}” is of your own organisation.",
                "Nombre a uno de otra.",
                "Name one of another.",
            )
        return keys[-1]

    def plan(self, name: str | None) -> PlanState:
        """A plan by its identifier, or the only one that there is. Raises CannotRun."""
        plans = {one.plan: one for one in self._every(PlanState)}
        if name in plans or (name is None and len(plans) == 1):
            return plans[name or next(iter(plans))]
        raise CannotRun(
            f"No hay ningún plan «{name}»." if name else "Diga de qué plan, con --plan.",
            f"There is no plan “{name}”." if name else "Say of which plan, with --plan.",
            f"Hay: {', '.join(plans)}.",
            f"There are: {', '.join(plans)}.",
        )

    def commitment(self, named: str, plan: str | None = None) -> Commitment:
        """A commitment by its identifier (`gt-2014-2016/C8`), or by its code and a plan.

        No plan has to be named where only one has such a commitment. Raises CannotRun.
        """
        with_it = [one.plan for one in self._every(PlanState) if self._record(Commitment, f"{one.plan}/{named}")]
        plan = plan or (with_it[0] if len(with_it) == 1 else None)
        identifier = named if "/" in named else f"{self.plan(plan).plan}/{named}"
        found = self._record(Commitment, identifier)
        if found is None:
            raise CannotRun(
                f"No hay ningún compromiso «{named}».",
                f"There is no commitment “{named}”.",
                "Dé su código, como C8, o su identificador, como gt-2014-2016/C8.",
                "Give its code, such as C8, or its identifier, such as gt-2014-2016/C8.",
            )
        return found

    def mechanism(self, named: str, plan: str | None = None) -> tuple[str, Commitment]:
        """A mechanism by its code (`C8.M1`; `C8` where there is none but the implicit one). Raises CannotRun."""
        above, _, number = named.partition(".")
        commitment = self.commitment(above, plan)
        number = number or ("M0" if not commitment.mechanisms else "")
        identifier = f"{commitment.commitment}.{number}"
        implicit = number == "M0" and not commitment.mechanisms
        if not implicit and self._record(Mechanism, identifier) is None:
            prefix = f"{commitment.commitment}."
            known = [one.mechanism.removeprefix(prefix) for one in self._every(Mechanism, prefix)] or ["M0"]
            raise CannotRun(
                f"No hay ningún mecanismo «{named}».",
                f"There is no mechanism “{named}”.",
                f"Hay: {', '.join(known)}.",
                f"There are: {', '.join(known)}.",
            )
        return identifier, commitment

    def named(self, number: str, kind: str) -> str:
        """The identity of a statement of a kind, by the number of its entry or its identity. Raises CannotRun."""
        short = number.isascii() and number.isdigit() and len(number) < 16
        identity = self.identity(int(number)) if short else number
        known = self._record(Known, identity)
        if known is None or known.kind != kind:
            raise CannotRun(
                f"«{number}» no es un asiento de {kind}.",
                f"“{number}” is no entry of {kind}.",
                "El número está en la página de lo que quiere nombrar.",
                "The number stands on the page of what you want to name.",
            )
        return identity

    def round(self, name: str) -> Round:
        """A round by its identifier. Raises CannotRun."""
        found = self._record(Round, name)
        if found is None:
            known = ", ".join(one.round for one in self._every(Round)) or screen.pick("ninguna", "none")
            raise CannotRun(
                f"No hay ninguna consulta «{name}».",
                f"There is no round “{name}”.",
                f"Hay: {known}.",
                f"There are: {known}.",
            )
        return found

    def questions(self, named: Sequence[str]) -> list[Question]:
        """What one answer is to: comments, disputes, requests for evidence or recommendations, each once. They are
        named by address, code (12 hex digits or more) or number of entry. Raises CannotRun: also for several sorts."""
        found = list(dict.fromkeys([self._question(one) for one in named]))
        sorts = dict.fromkeys([_SORTS[one.sort] for one in found])
        if len(sorts) > 1:
            spanish, english = (", ".join(sort[lang] for sort in sorts) for lang in (0, 1))
            raise CannotRun(
                f"Una respuesta es a preguntas de una sola clase, y estas son de varias: {spanish}.",
                f"One answer is to questions of one sort, and these are of several: {english}.",
                "Dé la orden una vez para cada clase.",
                "Run the command once for each sort.",
            )
        return found

    def _question(self, named: str) -> Question:
        known = self._known_as(_name_in(named))
        sort = ANSWERED.get(known[1].kind) if known else None
        if known is None or sort is None:
            raise CannotRun(
                f"«{named}» no es un comentario, una objeción, una solicitud de evidencia ni una recomendación de este "
                "registro.",
                f"“{named}” is no comment, dispute, request for evidence or recommendation of this ledger.",
                "Dé su dirección, su código (12 dígitos o más) o el número de su asiento.",
                "Give its address, its code (12 digits or more), or the number of its entry.",
            )
        return Question(sort, known[1].plan, known[0])

    def comment(self, named: str) -> Found:
        """A comment by its address, its code (12 hex digits or more) or the number of its entry. Raises CannotRun."""
        found = self._comment(named)
        if found is not None:
            return found
        if self._bytes(named):
            raise CannotRun(
                f"«{named}» son bytes capturados, no un comentario.",
                f"“{named}” are captured bytes, and no comment.",
                "Se retienen, restauran y borran enteros: `constancia moderate withhold`, `restore`, `erase`. Los "
                "retenidos siguen en el archivo de quien lo opera, bajo sealed/.",
                "They are withheld, restored and erased as a whole: `constancia moderate withhold`, `restore`, "
                "`erase`. Those withheld are still in their operator's archive, under sealed/.",
            )
        raise CannotRun(
            f"«{named}» no es un comentario de este registro.",
            f"“{named}” is no comment of this ledger.",
            "Dé su dirección, su código (12 dígitos o más) o el número de su asiento.",
            "Give its address, its code (12 digits or more), or the number of its entry.",
        )

    def _comment(self, named: str) -> Found | None:
        known = self._known(_name_in(named))
        found = self._record(Comment, known.place) if known and known.place and known.kind in COMMENTS else None
        round_ = self._record(Round, found.round) if found else None
        return Found(found, round_) if found and round_ else None

    def content(self, named: str) -> Found | Bytes:
        """What an act of moderation is about: a comment's text (as `comment` names it), or captured bytes: by their
        SHA-256 digest, the address of the file, or the number of a capture's entry. Raises CannotRun."""
        found = self._comment(named)
        captures = [] if found else self._bytes(named)
        if found is None and not captures:
            raise CannotRun(
                f"«{named}» no es un comentario ni un archivo capturado de este registro.",
                f"“{named}” is no comment and no captured file of this ledger.",
                "Dé la dirección, el código o el asiento de un comentario; o la dirección del archivo, su resumen "
                "SHA-256 (64 dígitos) o el asiento de su captura.",
                "Give the address, code or entry of a comment; or the address of the file, its SHA-256 digest (64 "
                "digits), or the entry of its capture.",
            )
        return found or self._one_of(captures)

    def _bytes(self, named: str) -> list[Bytes]:
        """The captures of a digest, or the one that an entry holds; none where nothing of the sort is named."""
        name = _name_in(named).removesuffix(".wacz")
        known = self._known_as(name)
        if known is not None and known[1].kind == "EvidenceCaptured":
            statement = self.opened(known[1].index).statement
            assert isinstance(statement, EvidenceCaptured)
            return [Bytes(statement.plan, known[1].index, known[0], statement.digest)]
        if known is not None or len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            return []
        return [Bytes(one.plan, one.index, one.identity, name) for one in self._every(Captured, f"{name}/")]

    def _one_of(self, captures: Sequence[Bytes]) -> Bytes:
        """Of the captures of the same bytes the one that was moderated, or else the first. Raises CannotRun."""
        moderated = [one for one in captures if self._is_moderated(one)]
        if len(captures) > 1 and len(moderated) > 1:
            numbers = ", ".join(str(one.index) for one in moderated)
            raise CannotRun(
                f"Esos bytes se retuvieron o borraron por varias capturas: asientos {numbers}.",
                f"These bytes were withheld or erased through several captures: entries {numbers}.",
                "Diga cuál, por el número de su asiento; están a la vista solo si ninguna queda retenida.",
                "Say which, by the number of its entry; they are in view only once none is withheld.",
            )
        return (moderated or captures)[0]

    def _is_moderated(self, one: Bytes) -> bool:
        found = self._record(Moderated, f"{one.identity}/{one.digest}")
        return found is not None and found.state != "shown"

    def _known(self, name: str) -> Known | None:
        found = self._known_as(name)
        return found[1] if found else None

    def _known_as(self, name: str) -> tuple[str, Known] | None:
        """The identity of a statement, and what is known of it, by the number of its entry or by its code."""
        if name.isascii() and name.isdigit() and len(name) < 12:
            identity = self.identity(int(name))
            known = self._record(Known, identity)
            return (identity, known) if known else None
        if len(name) >= 12 and set(name) <= set("0123456789abcdef"):
            fitting = [row for row in self._rows(Known, _before(name), 2) if row[0].startswith(name)]
            return fitting[0] if len(fitting) == 1 else None
        return None

    def identity(self, index: int) -> str:
        """The identity of the statement that an entry holds. Raises CannotRun."""
        raw = self._post.get(f"/api/entries/{index}")
        if raw is None:
            raise CannotRun(
                f"El registro no tiene el asiento {index}.",
                f"The ledger has no entry {index}.",
                "Mire el número en la página de lo que quiere nombrar.",
                "See the number on the page of what you want to name.",
            )
        return str(msgspec.json.decode(raw)["data"]["identity"])

    def opened(self, index: int) -> Opened:
        """The statement of an entry, by its own signed bytes, whatever the server says of it. Raises CannotRun."""
        raw = self._post.get(f"/api/entries/{index}") or b""
        try:
            return open_statement(msgspec.json.decode(raw)["data"]["note"].encode(), self.ledger.origin)
        except (Refused, msgspec.MsgspecError, KeyError, TypeError, AttributeError):
            raise CannotRun(
                f"El asiento {index} de {self.url} no es una declaración firmada.",
                f"Entry {index} of {self.url} is no signed statement.",
                "Audítelo: constancia audit dice qué está mal.",
                "Audit it: constancia audit says what is wrong.",
            ) from None

    @property
    def size(self) -> int:
        """How many entries the answers of the ledger stand on."""
        raw = self._post.get("/api/actors?limit=1") or b"{}"
        return int(msgspec.json.decode(raw)["checkpoint"]["size"])

    def text(self, found: Found) -> Content:
        """What is to be read of a comment: what the ledger shows, or, of a sealed text, what this key is let see."""
        comment = found.comment
        if comment.withheld is not None or comment.redacted is not None:
            return self.sealed(found)
        after = index_key(comment.round, comment.index - 1)
        path = f"/api/plans/{found.round.plan}/rounds/{comment.round}/comments?after={quote(after, safe='')}&limit=1"
        rows = msgspec.json.decode(self._post.get(path) or b'{"data": []}')["data"]
        if not rows or "content" not in rows[0]:
            raise CannotRun("Ese texto ya no está a la vista.", "That text is no longer in view.")
        return msgspec.convert(rows[0]["content"], Content)

    def sealed(self, found: Found) -> Content:
        """A withheld text, asked for with a note that is good once (`api.sealed_texts`). Raises Refused, CannotRun."""
        key = read_key_file(self._key_file, self._ask)
        by = [{"actor": self.actor, "key": self.key, "role": "moderator"}]
        nonce = secrets.token_hex(32)
        asked = {
            "by": by,
            "kind": "TextAsked",
            "nonce": nonce,
            "said_at": format_when(_now_ms()),
            "target": found.target,
        }
        text = self.ledger.origin.encode() + b"\n" + canonical(asked) + b"\n"
        name = key_name(self.ledger.origin, self.key)[0]
        answer = self._post.ask_text(format_note(Note(text, (sign_line(name, key, text),))))
        return msgspec.json.decode(answer, type=_TextAnswer).content

    # --- times

    def when(self, text: str) -> str:
        """A time as statements write it: `2026-12-31 18:00` on the ledger's clock, or `2027-01-01T00:00:00Z`."""
        for form in ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"):
            try:
                local = datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
            moment = local - timedelta(minutes=self.ledger.offset_minutes)
            return format_when(int(moment.timestamp()) * 1000)
        try:
            moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            return format_when(int(moment.timestamp()) * 1000)
        except ValueError:
            raise CannotRun(
                f"«{text}» no es una hora.",
                f"“{text}” is no time.",
                "Escríbala como «2026-12-31 18:00», con el reloj del registro, o como 2027-01-01T00:00:00Z.",
                "Write it as “2026-12-31 18:00”, on the ledger's clock, or as 2027-01-01T00:00:00Z.",
            ) from None

    def in_days(self, days: int) -> str:
        """So many days from now."""
        return format_when(_now_ms() + days * 86_400_000)

    # --- stating

    def signer(self, *roles: str) -> dict[str, str]:
        """This officer as a signer, in the first of these roles that it holds. Raises CannotRun."""
        return {"actor": self.actor, "key": self.key, "role": self.role_among(*roles)}

    def other_signer(self, actor: str, role: str) -> dict[str, str]:
        """Another body as a signer. Raises CannotRun."""
        return {"actor": actor, "key": self.other_key(actor), "role": role}

    def state(self, draft: Json, role: str, how: How, *others: str, secret: bytes | None = None) -> None:
        """State a draft as this officer; `others` (bodies) sign after, in the same role. As `state_by`."""
        by = [self.signer(role), *[self.other_signer(other, role) for other in others]]
        self.state_by(by, draft, how, secret=secret)

    def state_by(self, by: list[dict[str, str]], draft: Json, how: How, *, secret: bytes | None = None) -> None:
        """Have a draft tried by the rulebook, sign it as this officer, show it, and send it once it is agreed upon and
        all of `by` have signed. `secret` is that of the draft's claim, and goes into a private file.

        Raises CannotRun, Refused, Misbehaviour.
        """
        lang = "es-GT" if screen.lang == "es" else "en"
        if how.dry_run:
            self._show_draft(draft | {"by": by})
        tried = self._post.rehearse(unsigned_text(draft, self.ledger.origin, by=by, now_ms=_now_ms(), lang=lang))
        if how.dry_run:
            if tried:
                screen.note("El reglamento la admite tal como está.", "The rulebook admits it as it stands.")
            return
        key = read_key_file(self._key_file, self._ask)
        assert public_hex(key) == self.key
        signed = sign_draft(draft, self.ledger.origin, [key], by=by, now_ms=_now_ms(), lang=lang)
        signed = msgspec.structs.replace(signed, secret=secret)
        show_statement(signed)
        if not how.yes:
            agree()
        ending = ".submission.json" if signed.contents else ".note"
        written = keep_signed(signed, how.out or Path(f"{signed.identity[:12]}{ending}"), over=False)
        if signed.missing:
            say_signed(signed, written)
            return
        submit_file(written[0], self.url, how.receipt_file, how.policy)

    def _show_draft(self, draft: Json) -> None:
        screen.note(
            f"Así se firmaría para {self.ledger.origin}; nada se firmó ni se envió.",
            f"So it would be signed for {self.ledger.origin}; nothing was signed or sent.",
        )
        screen.json(draft)


COMMENTS = ("CommentSubmitted", "CommentTranscribed")


class _TextAnswer(msgspec.Struct, frozen=True):
    content: Content


def _name_in(named: str) -> str:
    """What an address names: its last segment. What is no address stays as it is."""
    return named.partition("?")[0].partition("#")[0].rstrip("/").rpartition("/")[2]


def _before(key: str) -> str:
    """What sorts before a key and after all that sort before it: lists begin after something."""
    return key[:-1] + chr(ord(key[-1]) - 1) + "\U0010ffff"


def ledger_of(url: str | None, named: str = "") -> str:
    """The address of the ledger: the one given, or the one below which a comment's address lies. Raises CannotRun."""
    if url:
        return url
    parts = urlsplit(named)
    segments = [part for part in parts.path.split("/") if part]
    if parts.scheme in ("http", "https") and parts.netloc and segments:
        return f"{parts.scheme}://{parts.netloc}/{segments[0]}"
    raise CannotRun(
        "Falta la dirección del registro.",
        "The address of the ledger is missing.",
        "Dé --to http://localhost:8000/gt, o la dirección entera del comentario.",
        "Give --to http://localhost:8000/gt, or the whole address of the comment.",
    )


def agree() -> None:
    """Ask whether what was shown is to be sent. Raises CannotRun: no, or nobody is there to ask."""
    import sys

    if not sys.stdin.isatty():
        raise CannotRun(
            "Nadie está en la terminal para confirmar.",
            "Nobody is at the terminal to agree.",
            "Léalo con --dry-run, y añada --yes para enviarlo sin preguntar.",
            "Read it with --dry-run, and add --yes to send it without being asked.",
        )
    screen.note("Lo registrado no se borra. ¿Enviarlo?", "What is registered cannot be undone. Send it?", style="bold")
    if input(screen.pick("[s/N] ", "[y/N] ")).strip().lower() not in ("s", "si", "sí", "y", "yes"):
        raise CannotRun("No se envió nada.", "Nothing was sent.")


def digest_of(path: Path) -> str:
    """The digest of a document, which the operator then puts into `documents/`. Raises CannotRun."""
    return sha256(read_file(path, MAX_DOCUMENT)).hexdigest()


def text_in(path: Path) -> str:
    """The exact words in a text file, without the line feeds at its end. Raises CannotRun."""
    try:
        return read_file(path).decode("utf-8").rstrip("\n")
    except UnicodeDecodeError:
        raise CannotRun(
            f"{path} no es UTF-8.",
            f"{path} is not UTF-8.",
            "Guárdelo como texto sin formato, en UTF-8.",
            "Save it as plain text, in UTF-8.",
        ) from None


def blank_out(content: Content, passages: tuple[str, ...], *, name: bool, place: bool) -> Json:
    """The shorter text: `[…]` in place of each passage; name and place only if they are kept. Raises CannotRun."""
    text = str(content.text)
    for passage in passages:
        if not passage or passage not in text:
            raise CannotRun(
                f"El texto no contiene «{passage}».",
                f"The text does not hold “{passage}”.",
                "Escriba el pasaje tal como está.",
                "Write the passage as it stands.",
            )
        text = text.replace(passage, "[…]")
    shorter = {"text": text}
    if name and isinstance(content.name, str):
        shorter["name"] = content.name
    if place and isinstance(content.place, str):
        shorter["place"] = content.place
    if shorter == msgspec.to_builtins(content):
        raise CannotRun(
            "Así no se quita nada del texto.",
            "Nothing would be taken out of the text so.",
            "Nombre los pasajes con --blank.",
            "Name the passages with --blank.",
        )
    return shorter


def part_of(line: str) -> Json:
    """A part `identifier: title`. Raises CannotRun."""
    part, colon, title = line.partition(":")
    if not colon or not title.strip():
        raise CannotRun(
            f"«{line}» no es una parte.",
            f"“{line}” is no part.",
            "Escriba «identificador: título».",
            "Write “identifier: title”.",
        )
    return {"part": part.strip(), "title": title.strip()}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

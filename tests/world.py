"""A small world to test with: bodies with keys, a founded ledger, and a way to say things in it.

    world = found()                     the ledger of FORMAT.md's founding table, with a plan and three commitments
    world.say("CompletionReported", "copret:institution", subject=G1, level="limited", reason="…", evidence=[])

Keys are made from names, so every run makes the same bytes. `say` signs, checks against the rulebook and takes the
statement into the docket, as the log would, and keeps the entries; `sign` only makes the note. Time is a number that
tests move themselves (`world.now_ms`).
"""

from hashlib import sha256
from typing import Any

import msgspec
from nacl.signing import SigningKey

from ledger.rulebook import Docket, check_admissible, claim_of
from ledger.statement import Entry, Opened, canonical, format_entry, format_when, open_statement, sign_statement
from ledger.vocabulary import KINDS, Statement

ORIGIN = "constancia.example/gt"
PLAN = "gt-2014-2016"
G1, G2, C8 = f"{PLAN}/G1", f"{PLAN}/G2", f"{PLAN}/C8"
NOON = 1_771_243_200_000  # 2026-02-16T12:00:00Z
SOURCE = sha256(b"the printed report").hexdigest()


def key_of(name: str) -> SigningKey:
    """The signing key of a name: the same on every run."""
    return SigningKey(sha256(f"constancia test key of {name}".encode()).digest())


def public(name: str) -> str:
    """The public key of a name, 64 hex digits."""
    return bytes(key_of(name).verify_key).hex()


def digest_of(name: str) -> str:
    """A digest of some file called `name`."""
    return sha256(name.encode()).hexdigest()


def salted_digest(origin: str, signer: str, content: dict[str, str], salt: bytes = b"s" * 32) -> str:
    """FORMAT.md, "Salted digest", written out a second time so that tests do not lean on the product's own."""
    lines = b"constancia/content/v1\n" + salt + origin.encode() + b"\n" + signer.encode() + b"\n"
    return sha256(lines + canonical(content)).hexdigest()


class World:
    """A ledger in memory: its docket, its entries, its people."""

    def __init__(self, origin: str = ORIGIN, now_ms: int = NOON) -> None:
        self.origin = origin
        self.now_ms = now_ms
        self.docket = Docket(origin)
        self.entries: list[Entry] = []

    def signer(self, who: str) -> dict[str, str]:
        """`copret:institution` or `maria:citizen` or `icefi/second:assessor` (a second key) -> an entry of `by`."""
        name, _, role = who.partition(":")
        signer = {"key": public(name), "role": role}
        if role not in ("citizen", "recovery"):
            signer["actor"] = name.partition("/")[0]
        return signer

    def draft(self, kind: str, *who: str, **fields: Any) -> Statement:
        """The statement of `kind` by `who`; `said_at`, `lang` and `plan` are filled in where left out."""
        struct = KINDS[kind]
        plain: dict[str, Any] = {
            "kind": kind,
            "by": [self.signer(one) for one in who],
            "said_at": format_when(self.now_ms),
            "lang": "es-GT",
        }
        if "plan" in struct.__struct_fields__:
            plain["plan"] = PLAN
        plain.update({name.rstrip("_"): value for name, value in fields.items()})
        return msgspec.convert({name: value for name, value in plain.items() if value is not None}, struct)

    def sign(self, kind: str, *who: str, **fields: Any) -> bytes:
        """The signed note of `draft(…)`."""
        statement = self.draft(kind, *who, **fields)
        return sign_statement(self.origin, statement, [key_of(one.partition(":")[0]) for one in who])

    def check(self, kind: str, *who: str, **fields: Any) -> Opened:
        """Open the signed note and check it against the rulebook at `now_ms`. Raises Refused."""
        opened = open_statement(self.sign(kind, *who, **fields), self.origin)
        check_admissible(opened, self.now_ms, self.docket)
        return opened

    def say(self, kind: str, *who: str, **fields: Any) -> Entry:
        """Register a statement: signed, checked, taken. A millisecond passes. Raises Refused."""
        return self.take(self.check(kind, *who, **fields))

    def take_note(self, note: bytes) -> Entry:
        """Register a signed note: checked, taken. Raises Refused."""
        opened = open_statement(note, self.origin)
        check_admissible(opened, self.now_ms, self.docket)
        return self.take(opened)

    def take(self, opened: Opened) -> Entry:
        """Take an opened statement as the next entry, without asking the rulebook."""
        entry = Entry(self.docket.size, self.now_ms, opened)
        self.docket.evolve(self.now_ms, opened)
        self.entries.append(entry)
        self.now_ms += 1
        return entry

    def leaves(self) -> list[bytes]:
        """The entries' bytes."""
        return [format_entry(entry.received_ms, entry.opened.note) for entry in self.entries]

    # --- what most tests need

    def comment(self, who: str, text: str = "Buen plan.", **fields: Any) -> dict[str, Any]:
        """Fields of a citizen's comment in the round `ronda-1`."""
        secret = digest_of(f"secret of {who}")
        return {
            "round": "ronda-1",
            "version": 1,
            "about": "whole",
            "salted_digest": salted_digest(self.origin, public(who), {"text": text}),
            "claim": claim_of(secret),
            **fields,
        }

    def open_round(self, days: int = 21, **fields: Any) -> Entry:
        """A signed round `ronda-1`, open from now on."""
        return self.say(
            "RoundOpened",
            "copret:coordinator",
            **{
                "round": "ronda-1",
                "concerns": "report_draft",
                "document": digest_of("draft"),
                "version": 1,
                "parts": [{"part": "resultados", "title": "Resultados"}],
                "opens": format_when(self.now_ms),
                "closes": format_when(self.now_ms + days * 86_400_000),
                "late": "refuse",
                "langs": ["es-GT"],
                "rules": digest_of("rules"),
                "answer_by": {"precision": "none"},
                **fields,
            },
        )


METHODOLOGY: dict[str, Any] = {
    "confirm_days": 7,
    "gone_days": 7,
    "answer_days": 30,
    "silence_days": 183,
    "reuse_bp": 5000,
    "substantial_bp": 5000,
    "machine_cap": {"grade_0": 0, "grade_1": 0, "grade_2": 1, "grade_3": 2},
    "own_pages": ["http://gobiernoabierto.transparencia.gob.gt/"],
    "codes": {"verifiability": [], "relevance": [], "ambition": [], "early_results": []},
    "default_grace_days": 15,
}

REGISTRARS = ("icefi:registrar", "copret:registrar")


def founding(**fields: Any) -> dict[str, Any]:
    """Fields of LedgerOpened: icefi and guatecivica (organisations), copret (institution)."""
    return {
        "origin": ORIGIN,
        "purpose": "demonstration",
        "registrars": [
            {"actor": "icefi", "name": "ICEFI", "form": "organisation", "key": public("icefi")},
            {"actor": "guatecivica", "name": "Guatecívica", "form": "organisation", "key": public("guatecivica")},
            {"actor": "copret", "name": "COPRET", "form": "institution", "key": public("copret")},
        ],
        "recovery": {"keys": [public("recovery-1"), public("recovery-2")], "threshold": 2},
        "log_keys": [public("log")],
        "rulebook": 1,
        "offset_minutes": -360,
        **fields,
    }


FOUNDERS = ("icefi:registrar", "guatecivica:registrar", "copret:registrar")


def opened() -> World:
    """A ledger with its founding entry alone."""
    world = World()
    world.say("LedgerOpened", *FOUNDERS, **founding())
    return world


def add_actor(world: World, actor: str, form: str, of: str | None = None, *, key: bool = True) -> None:
    """Register an actor and enrol a key of it."""
    world.say("ActorRegistered", *REGISTRARS, actor=actor, form=form, of=of, name=actor.upper())
    if key:
        world.say("KeyEnrolled", *REGISTRARS, f"{actor}:holder", actor=actor, key=public(actor))


def grant(world: World, actor: str, role: str, **fields: Any) -> Entry:
    """Grant a role for the plan."""
    fields.setdefault("scope", {"plans": [PLAN]})
    return world.say("RoleGranted", *REGISTRARS, actor=actor, role=role, **fields)


def printed(item: str, **fields: Any) -> dict[str, Any]:
    """Where an imported statement stands."""
    return {"source": SOURCE, "section": "4.1", "item": item, "form": "summary", **fields}


def commitment(identifier: str, institution: str = "copret", **fields: Any) -> dict[str, Any]:
    """Fields of CommitmentRegistered."""
    return {
        "commitment": identifier,
        "number": int(identifier.rpartition("/")[2][1:]),
        "proposer": "government" if identifier.rpartition("/")[2].startswith("G") else "civil_society",
        "title": f"Compromiso {identifier}",
        "objective": "Un objetivo.",
        "description": "Una descripción.",
        "relevance": "Una relevancia.",
        "ambition": "Una ambición.",
        "post": "Dirección",
        "institution": institution,
        "others": {"government": [], "civil": [], "unlabelled": []},
        **fields,
    }


def found() -> World:
    """A founded demonstration ledger with roles, a plan, a methodology and the commitments G1 (copret), G2 (minfin)
    and C8 (segeplan). Actors with keys: icefi, guatecivica, copret, irm, congreso, minfin, segeplan, importador,
    vigilante (moderator), captura (a program of icefi), mesa (transcriber)."""
    world = opened()
    add_actor(world, "irm", "organisation")
    grant(world, "copret", "coordinator")
    grant(world, "copret", "institution", scope={"plans": [PLAN], "institution": "copret"})
    grant(world, "icefi", "assessor")
    grant(world, "irm", "irm")
    add_actor(world, "importador", "program", "guatecivica")
    until = format_when(world.now_ms + 400 * 86_400_000)
    grant(world, "importador", "importer", until=until, sources=[SOURCE])
    for actor in ("minfin", "segeplan"):
        add_actor(world, actor, "institution")
        grant(world, actor, "institution", scope={"plans": [PLAN], "institution": actor})
    for actor, role in (("congreso", "assessor"), ("vigilante", "moderator"), ("mesa", "transcriber")):
        add_actor(world, actor, "organisation")
        grant(world, actor, role)
    add_actor(world, "captura", "program", "icefi")
    grant(world, "captura", "capturer")
    world.say(
        "PlanRegistered",
        "copret:coordinator",
        title="Segundo plan de acción de gobierno abierto",
        country="GT",
        cycle=2,
        starts={"precision": "day", "day": "2014-06-30"},
        ends={"precision": "year", "day": "2016-01-01"},
        document=digest_of("plan"),
    )
    world.say(
        "MethodologyAdopted",
        "copret:coordinator",
        "icefi:assessor",
        version=1,
        parameters=METHODOLOGY,
        document=digest_of("methodology"),
    )
    world.say("AxisDefined", "copret:coordinator", axis="integridad", title="Integridad pública")
    world.say("CommitmentRegistered", "copret:coordinator", **commitment(G1))
    world.say("CommitmentRegistered", "copret:coordinator", **commitment(G2, "minfin"))
    world.say("CommitmentRegistered", "copret:coordinator", **commitment(C8, "segeplan"))
    return world


def second_moderator(world: World) -> None:
    """`jurado`, of another organisation than `vigilante`: erasures and appeals take two."""
    add_actor(world, "jurado", "organisation")
    grant(world, "jurado", "moderator")

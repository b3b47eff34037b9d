"""A small complete world: a founded ledger with the plan of 2014-2016 as printed, and a consultation that is open now.

    built = build(place, now_ms=…, progress=…)

Everything goes in by the one door (consultation.desk) under the rulebook, signed by keys made a moment before: who
watches may delete the folder and build another, and no two of them are the same ledger. Nothing of what is signed here
was signed by the bodies named; the ledger's purpose is `demonstration`, and every page says so. What the printed report
does not contain is invented, and each invented text begins with `INVENTED`.

The order is that of the founding table: registrars, bodies with their keys and roles, plan, methodology, then the
printed report in the order of the importer, then the invented consultation.

A build is made in a folder beside `place` and renamed when it is complete, so that a folder is either whole or not
there.
"""

import json
import secrets
import shlex
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from nacl.signing import SigningKey

from api.importer import Draft, demo_drafts
from api.keyfiles import make_key_file, public_hex
from api.operate import make_folder, not_empty, opened_for_writing
from api.registering import sign_printed
from api.report_actors import ACTORS
from api.signing import Signed, sign_draft
from ledger.statement import format_when

if TYPE_CHECKING:
    from consultation.desk import Desk
    from ledger.log import Registered

PLAN = "gt-2014-2016"
ROUND = "consulta-inventada"
INVENTED = "Inventado para la demostración: "
IMPORTER = "importador"
PINNED = "pinned"
DEFAULT_PORT = 8000
MODERATOR = "moderacion-inventada"
OFFSET_MINUTES = -360
DAY_MS = 86_400_000

REGISTRARS = ("icefi", "guatecivica", "copret")
RECOVERY = ("recuperacion-1", "recuperacion-2", "recuperacion-3")
# Bodies beside the registrars that hold a key. The others are spoken of, and sign nothing.
WITH_KEYS = ("irm", "congreso-transparente", "minfin", "segeplan", "sat", "ine", "mspas", "conred")
INSTITUTIONS = ("copret", "minfin", "segeplan", "sat", "ine", "mspas", "conred")
CITIZENS = ("vecina-1", "vecino-2", "vecina-3", "vecino-4")

# So many statements are on their way at one time; the bar moves when they have arrived.
_AHEAD = 64

_DOCUMENTS = Path(__file__).parent / "documents"

METHODOLOGY: Mapping[str, Any] = {
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

README = """\
LLAVES DE UNA DEMOSTRACIÓN / KEYS OF A DEMONSTRATION

Estas llaves se hicieron al construir la demostración y no tienen contraseña. No son de las instituciones que nombran:
nadie de ellas las ha visto. Sirven para probar; no las use para nada más.

These keys were made when the demonstration was built, and have no passphrase. They are not those of the bodies that
they name, none of which has ever seen them. They are for trying things out, and for nothing else.

  log, desk             del servidor: firma las cabezas del registro, y las notas de rechazo
                        the server's: signs the heads of the log, and refusal notes
  icefi, guatecivica,   los tres que fundaron el registro; copret es además coordinador e institución, icefi evaluador
  copret                the three founders; copret is also coordinator and institution, icefi an assessor
  minfin … conred       instituciones responsables / responsible institutions
  congreso-transparente organización evaluadora / an assessing organisation
  irm                   Mecanismo de Revisión Independiente / Independent Review Mechanism
  importador            importa lo impreso / imports what was printed
  moderacion-inventada  una moderadora inventada / an invented moderator
  vecina-…, vecino-…    autores inventados de comentarios / invented authors of comments
  recuperacion-…        llaves de recuperación (dos de tres) / recovery keys (two of three)

Pruebe, con el registro servido en otra terminal. Desde la carpeta donde hizo la demostración, con `constancia` en la
ruta (`. .venv/bin/activate`):

Try, with the ledger served in another terminal. From the folder in which you made the demonstration, with `constancia`
on the path (`. .venv/bin/activate`):

cd {keys}
constancia sign borrador.json --key minfin.key --origin {origin} --actor minfin --role institution
constancia submit borrador.note --to http://localhost:{port}/gt
constancia verify borrador.tlog-proof --policy ../pinned/policy

`borrador.json` dice lo que se declara; cámbielo, y borre o renombre `borrador.note` antes de firmar de nuevo. Las
clases de declaración y sus campos: `constancia kinds`. Para comentar la consulta abierta vea su página en el sitio.

`borrador.json` is what is stated; change it, and delete or rename `borrador.note` before you sign again. The kinds of
statement and their fields: `constancia kinds`. To comment on the open consultation see its page on the site.
"""


class Built(msgspec.Struct, frozen=True):
    """What was built: the ledger's folder and origin, how many statements, and the identity of the founding one."""

    place: Path
    origin: str
    size: int
    founding: str


class _Cast:
    """The people of a demonstration and their keys, and how they say something through the desk."""

    def __init__(self, origin: str, now_ms: int, desk: "Desk", done: Callable[[], None]) -> None:
        self.origin = origin
        self.now_ms = now_ms
        self.keys: dict[str, SigningKey] = {}
        self.secrets: dict[str, bytes] = {}
        self._desk = desk
        self._done = done
        self._waiting: list[Future[Registered]] = []

    def key(self, name: str) -> SigningKey:
        """The key of somebody; made when first asked for."""
        if name not in self.keys:
            self.keys[name] = SigningKey.generate()
        return self.keys[name]

    def public(self, name: str) -> str:
        """The public key of somebody."""
        return public_hex(self.key(name))

    def say(self, kind: str, *who: str, **fields: Any) -> Signed:
        """Sign and submit a statement: `who` is `name:role`, each a signer. Raises Refused."""
        names = [one.partition(":")[0] for one in who]
        by = [self._signer(one) for one in who]
        draft = {"kind": kind, **{name.rstrip("_"): value for name, value in fields.items()}}
        keys = [self.key(name) for name in names]
        return self.submit(sign_draft(draft, self.origin, keys, by=by, now_ms=self.now_ms))

    def submit(self, signed: Signed) -> Signed:
        """Submit what is signed; the answers are waited for in `settle`."""
        self._waiting.append(self._desk.submit(signed.note, signed.contents))
        if len(self._waiting) >= _AHEAD:
            self.settle()
        return signed

    def settle(self) -> None:
        """Wait until all that was said is registered. Raises the first refusal."""
        for answer in self._waiting:
            answer.result()
            self._done()
        self._waiting.clear()

    def _signer(self, one: str) -> dict[str, str]:
        name, _, role = one.partition(":")
        signer = {"key": self.public(name), "role": role}
        return signer if role == "citizen" else {"actor": name, **signer}


def new_origin() -> str:
    """The origin of a demonstration: no two are the same ledger."""
    return f"demo-{secrets.token_hex(4)}.constancia.example/gt"


def build(
    place: Path,
    *,
    now_ms: Callable[[], int] | None = None,
    progress: Callable[[int, int], None] | None = None,
    printed: bool = True,
) -> Built:
    """Build a demonstration at `place`, which is not there yet or empty. `progress` gets done and all.

    Without `printed` it ends after the roster: a founded ledger into which somebody else imports the report.

    Raises CannotRun when `place` holds something, and when the disk fails.
    """
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise not_empty(place)
    clock = now_ms or (lambda: time.time_ns() // 1_000_000)
    unfinished = place.parent / f".{place.name}.unfinished-{secrets.token_hex(4)}"
    try:
        built = _build(unfinished, new_origin(), clock(), progress or (lambda done, total: None), printed=printed)
        if place.exists():
            place.rmdir()
        unfinished.rename(place)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return Built(place, built.origin, built.size, built.founding)


def _build(place: Path, origin: str, now_ms: int, progress: Callable[[int, int], None], *, printed: bool) -> Built:
    drafts = demo_drafts()
    # What the founding, the roster and the consultation add to the printed statements; only the bar depends on it.
    total = len(drafts) + _OTHERS
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(done, max(total, done))

    log_key, desk_key = make_folder(place, origin)
    with opened_for_writing(place, origin, log_key, desk_key, create=True) as (log, desk):
        people = _Cast(origin, now_ms, desk, count)
        source = drafts[0].statement["printed"]["source"]
        founding = _found(people, public_hex(log_key))
        _enrol(people, source)
        if printed:
            _import(people, drafts)
            _consult(people)
        people.settle()
        progress(done, done)
        size = log.size
    _keep_keys(place, people)
    explain_keys(place, origin, DEFAULT_PORT)
    _pin(place, founding)
    shutil.copytree(_DOCUMENTS, place / "documents")
    return Built(place, origin, size, founding)


# --- founding and roster ---------------------------------------------------------------------------------------------

_K2 = ("icefi:registrar", "copret:registrar")
_FORMS = {actor.actor: (actor.form, actor.name_es) for actor in ACTORS}
_OTHERS = 44


def _found(people: _Cast, log_key: str) -> str:
    registrars = [
        {"actor": actor, "name": _FORMS[actor][1], "form": _FORMS[actor][0], "key": people.public(actor)}
        for actor in REGISTRARS
    ]
    return people.say(
        "LedgerOpened",
        *(f"{actor}:registrar" for actor in REGISTRARS),
        origin=people.origin,
        purpose="demonstration",
        registrars=registrars,
        recovery={"keys": [people.public(name) for name in RECOVERY], "threshold": 2},
        log_keys=[log_key],
        rulebook=1,
        offset_minutes=OFFSET_MINUTES,
    ).identity


def _enrol(people: _Cast, source: str) -> None:
    """Everybody else: bodies, keys, roles."""
    bodies = [(actor.actor, actor.form, actor.name_es) for actor in ACTORS if actor.actor not in REGISTRARS]
    bodies.append((MODERATOR, "organisation", INVENTED + "organización moderadora"))
    for actor, form, name in bodies:
        people.say("ActorRegistered", *_K2, actor=actor, form=form, name=name)
    people.say(
        "ActorRegistered", *_K2, actor=IMPORTER, form="program", of="guatecivica", name="Importador de lo impreso"
    )
    for actor in (*WITH_KEYS, MODERATOR, IMPORTER):
        people.say("KeyEnrolled", *_K2, f"{actor}:holder", actor=actor, key=people.public(actor))

    def grant(actor: str, role: str, **more: Any) -> None:
        scope = {"plans": [PLAN], **more.pop("scope", {})}
        people.say("RoleGranted", *_K2, actor=actor, role=role, scope=scope, **more)

    grant("copret", "coordinator")
    for actor in INSTITUTIONS:
        grant(actor, "institution", scope={"institution": actor})
    grant("icefi", "assessor")
    grant("congreso-transparente", "assessor")
    grant("irm", "irm")
    grant(MODERATOR, "moderator")
    grant(IMPORTER, "importer", until=format_when(people.now_ms + 365 * DAY_MS), sources=[source])


def _import(people: _Cast, drafts: Sequence[Draft]) -> None:
    """The printed report, in the importer's order; the methodology as soon as there is a plan."""
    references: dict[str, str] = {}
    for number, draft in enumerate(drafts):
        if number == 1:
            _adopt(people)
        signed = sign_printed(draft, references, people.origin, people.key(IMPORTER), IMPORTER, people.now_ms)
        references[draft.name] = people.submit(signed).identity
    people.settle()


def _adopt(people: _Cast) -> None:
    people.say(
        "MethodologyAdopted",
        "copret:coordinator",
        "icefi:assessor",
        plan=PLAN,
        version=1,
        parameters=dict(METHODOLOGY),
        document=_digest("metodologia.md"),
    )


# --- the invented consultation ---------------------------------------------------------------------------------------

# Author, what the comment is about, position, text. The last one is withheld, the first one answered.
_COMMENTS: Sequence[tuple[str, str, str, str]] = (
    (
        "vecina-1",
        "acceso",
        "for",
        "que cada institución publique en su sitio las solicitudes de información, y en cuántos días las respondió.",
    ),
    (
        "vecino-2",
        "whole",
        "neutral",
        "se entiende, pero faltan plazos y cargos responsables.",
    ),
    (
        "vecina-3",
        f"{PLAN}/C2",
        "against",
        "este compromiso debería decir a qué idiomas mayas se traducirá la ley, y para cuándo.",
    ),
    (
        "vecino-4",
        "seguimiento",
        "against",
        "este texto hace de cuenta que publica el teléfono de una vecina, y por eso una moderadora lo retiene.",
    ),
)
_ANSWER = "se acepta; se propondrá como mecanismo del próximo plan."


def _consult(people: _Cast) -> None:
    now = people.now_ms
    people.say(
        "RoundOpened",
        "copret:coordinator",
        plan=PLAN,
        round=ROUND,
        concerns="plan_draft",
        document=_digest("consulta.md"),
        version=1,
        parts=[
            {"part": "acceso", "title": INVENTED + "acceso a la información"},
            {"part": "seguimiento", "title": INVENTED + "seguimiento de los compromisos"},
        ],
        opens=format_when(now),
        closes=format_when(now + 30 * DAY_MS),
        late="accept",
        langs=["es-GT", "en"],
        rules=_digest("moderacion.md"),
        answer_by={"day": format_when(now + 60 * DAY_MS)[:10], "precision": "day"},
    )
    comments = [
        people.say(
            "CommentSubmitted",
            f"{author}:citizen",
            plan=PLAN,
            round=ROUND,
            version=1,
            about=about,
            position=position,
            salted_digest={"$content": {"text": INVENTED + text}},
        )
        for author, about, position, text in _COMMENTS
    ]
    people.settle()
    withheld = comments[-1]
    people.say(
        "ContentWithheld",
        f"{MODERATOR}:moderator",
        plan=PLAN,
        target={"statement": withheld.identity, "salted_digest": withheld.statement.salted_digests()[0]},
        ground="personal_data",
        rule=INVENTED + "regla 3, datos personales de otra persona.",
        appeal_until=format_when(now + 15 * DAY_MS),
    )
    people.say(
        "ResponseGiven",
        "copret:coordinator",
        plan=PLAN,
        answers=[comments[0].identity],
        disposition="accepted",
        words={"text": INVENTED + _ANSWER},
    )


def _digest(name: str) -> str:
    return sha256((_DOCUMENTS / name).read_bytes()).hexdigest()


def _pin(place: Path, founding: str) -> None:
    """What an auditor of this demonstration pins, kept apart from the published files that it is to vouch for."""
    pinned = place / PINNED
    pinned.mkdir()
    shutil.copyfile(place / "public" / "policy", pinned / "policy")
    (pinned / "founding").write_text(f"{founding}\n", "ascii")


def _keep_keys(place: Path, people: _Cast) -> None:
    for name, key in people.keys.items():
        make_key_file(place / "keys" / f"{name}.key", None, key)


def explain_keys(place: Path, origin: str, port: int) -> None:
    """Write what the keys are for, and an example that can be pasted while the ledger is served at `port`."""
    words = README.format(origin=origin, port=port, keys=shlex.quote(str(place / "keys")))
    (place / "keys" / "README.txt").write_text(words, "utf-8")
    draft: dict[str, object] = {
        "kind": "CompletionReported",
        "subject": f"{PLAN}/C11",
        "level": "substantial",
        "reason": f"{INVENTED}ya hay avances.",
        "evidence": [],
    }
    paper = place / "keys" / "borrador.json"
    if not paper.exists():
        paper.write_text(json.dumps(draft, ensure_ascii=False, indent=1) + "\n", "utf-8")

"""A small complete world: a founded ledger, the plan of 2014-2016 as printed, one that follows, an open consultation.

    built = build(place, now_ms=…, progress=…)

Everything goes in by the one door (consultation.desk) under the rulebook, signed by keys made a moment before: who
watches may delete the folder and build another, and no two of them are the same ledger. Nothing of what is signed here
was signed by the bodies named; the ledger's purpose is `demonstration`, and every page says so. What the printed report
does not contain is invented, and each invented text begins with `INVENTED`.

The order is that of the founding table: registrars, bodies with their keys and roles, plan, methodology, then the
printed report in the order of the importer, then the invented story of evidence (api.demo.evidence), the invented plan
that follows (api.demo.successor), so that there are two to compare, and the invented consultations
(api.demo.consultation).

A build is made in a folder beside `place` and renamed when it is complete, so that a folder is either whole or not
there.
"""

import json
import secrets
import shlex
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from api.demo.cast import INVENTED, Cast
from api.demo.consultation import (
    CLOSED_ROUND,
    DAY_MS,
    DOCUMENTS,
    MODERATOR,
    ROUND,
    SECOND_MODERATOR,
    TRANSCRIBER,
    WEB_FORM,
    consult,
    digest_of,
)
from api.demo.evidence import CAPTURERS, CODES, evidence
from api.demo.successor import follow, register
from api.importer import Draft, demo_drafts
from api.keyfiles import make_key_file, public_hex
from api.operate import make_folder, not_empty, opened_for_writing
from api.registering import sign_printed
from api.report_actors import ACTORS
from api.signing import Signed
from ledger.statement import format_when

__all__ = ["CLOSED_ROUND", "INVENTED", "MODERATOR", "ROUND", "Built", "build", "explain_keys", "new_origin"]

PLAN = "gt-2014-2016"
SUCCESSOR = "gt-2016-2018"
IMPORTER = "importador"
PINNED = "pinned"
DEFAULT_PORT = 8000
OFFSET_MINUTES = -360

REGISTRARS = ("icefi", "guatecivica", "copret")
RECOVERY = ("recuperacion-1", "recuperacion-2", "recuperacion-3")
# Bodies beside the registrars that hold a key. The others are spoken of, and sign nothing.
WITH_KEYS = ("irm", "congreso-transparente", "minfin", "segeplan", "sat", "ine", "mspas", "conred")
INSTITUTIONS = ("copret", "minfin", "segeplan", "sat", "ine", "mspas", "conred")

METHODOLOGY: Mapping[str, Any] = {
    "confirm_days": 7,
    "gone_days": 7,
    "answer_days": 30,
    "silence_days": 183,
    "reuse_bp": 5000,
    "substantial_bp": 5000,
    "machine_cap": {"grade_0": 0, "grade_1": 0, "grade_2": 1, "grade_3": 2},
    # What the tracker says of itself; the documents that it keeps for others lie beside (`/images/`).
    "own_pages": [
        "http://gobiernoabierto.transparencia.gob.gt/compromisos/",
        "http://gobiernoabierto.transparencia.gob.gt/mesa-tecnica",
    ],
    "codes": {aspect: list(codes) for aspect, codes in CODES.items()},
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
  web_form              del servidor: firma lo que llega por el formulario sin scripts, como programa que transcribe
                        the server's: signs what comes by the form without scripts, as a program that transcribes
  icefi, guatecivica,   los tres que fundaron el registro; copret es además coordinador e institución, icefi evaluador
  copret                the three founders; copret is also coordinator and institution, icefi an assessor
  minfin … conred       instituciones responsables / responsible institutions
  congreso-transparente organización evaluadora / an assessing organisation
  irm                   Mecanismo de Revisión Independiente / Independent Review Mechanism
  importador            importa lo impreso / imports what was printed
  moderacion-inventada  una moderadora inventada: retiene, muestra en parte, restaura
                        an invented moderator: withholds, redacts, restores
  segunda-moderacion-…  otra, de otra organización: decide apelaciones, y firma los borrados junto con la primera
                        another, of another organisation: decides appeals, and signs erasures together with the first
  captura-…             programas que capturan evidencia: uno de la coordinación, otro de ICEFI, que es independiente
                        programs that capture evidence: one of the coordinator's, one of ICEFI's, which is independent
  transcripcion-…       anota lo que llega en papel o se dice en reuniones / writes down what comes on paper or is said
  vecina-…, vecino-…    autores inventados de comentarios y objeciones / invented authors of comments and disputes
  recuperacion-…        llaves de recuperación (dos de tres) / recovery keys (two of three)

Pruebe, con el registro servido en otra terminal. Desde la carpeta donde hizo la demostración, con `constancia` en la
ruta (`. .venv/bin/activate`):

Try, with the ledger served in another terminal. From the folder in which you made the demonstration, with `constancia`
on the path (`. .venv/bin/activate`):

cd {keys}

1. Una institución reporta un avance, y verifica su constancia / An institution reports, and verifies its receipt

constancia sign borrador.json --key minfin.key --origin {origin} --actor minfin --role institution
constancia submit borrador.note --to http://localhost:{port}/gt
constancia verify borrador.tlog-proof --policy ../pinned/policy

2. Una moderadora retiene un comentario, con motivo y regla / A moderator withholds a comment, with ground and rule

constancia sign retener.json --key {moderator}.key --origin {origin} --actor {moderator} --role moderator
constancia submit retener.note --to http://localhost:{port}/gt

3. La coordinación responde un comentario con razones / The coordinator answers a comment with reasons

constancia sign responder.json --key copret.key --origin {origin} --actor copret --role coordinator
constancia submit responder.note --to http://localhost:{port}/gt

Moderar y responder se puede también en el navegador, con el archivo de la llave: http://localhost:{port}/gt/mesa
You may moderate and answer in the browser too, with the key file: http://localhost:{port}/gt/en/mesa

Cada `.json` dice lo que se declara; cámbielo, y borre o renombre el `.note` antes de firmar de nuevo. Las clases de
declaración y sus campos: `constancia kinds`. Para comentar, en el navegador: la consulta abierta, en el sitio. Ahí no
hace falta ninguna de estas llaves: su navegador hace la suya.

Each `.json` is what is stated; change it, and delete or rename the `.note` before you sign again. The kinds of
statement and their fields: `constancia kinds`. To comment, in the browser: the open consultation, on the site. It takes
none of these keys: your browser makes its own.
"""


class Built(msgspec.Struct, frozen=True):
    """What was built: the ledger's folder and origin, how many statements, and the identity of the founding one."""

    place: Path
    origin: str
    size: int
    founding: str


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
    # What the founding, the roster and what is invented add to the printed statements; only the bar depends on it.
    total = len(drafts) + _OTHERS
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(done, max(total, done))

    log_key, desk_key = make_folder(place, origin)
    with opened_for_writing(place, origin, log_key, desk_key, create=True) as (log, desk):
        people = Cast(origin, now_ms, desk, count)
        source = drafts[0].statement["printed"]["source"]
        founding = _found(people, public_hex(log_key))
        _enrol(people, source)
        said: Mapping[str, Signed] = {}
        if printed:
            _import(people, drafts)
            evidence(people, PLAN)
            register(people, SUCCESSOR)
            _adopt(people, SUCCESSOR)
            follow(people, SUCCESSOR)
            said = consult(people, PLAN)
        people.settle()
        progress(done, done)
        size = log.size
    _keep_keys(place, people)
    if said:
        _keep_papers(place, people, said)
    explain_keys(place, origin, DEFAULT_PORT)
    _pin(place, founding)
    shutil.copytree(DOCUMENTS, place / "documents")
    return Built(place, origin, size, founding)


# --- founding and roster ---------------------------------------------------------------------------------------------

_K2 = ("icefi:registrar", "copret:registrar")
_FORMS = {actor.actor: (actor.form, actor.name_es) for actor in ACTORS}
_OTHERS = 292


def _found(people: Cast, log_key: str) -> str:
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


def _enrol(people: Cast, source: str) -> None:
    """Everybody else: bodies, keys, roles."""
    bodies = [(actor.actor, actor.form, actor.name_es) for actor in ACTORS if actor.actor not in REGISTRARS]
    bodies += [
        (MODERATOR, "organisation", INVENTED + "organización moderadora"),
        (SECOND_MODERATOR, "organisation", INVENTED + "segunda organización moderadora"),
        (TRANSCRIBER, "organisation", INVENTED + "organización que transcribe"),
    ]
    for actor, form, name in bodies:
        people.say("ActorRegistered", *_K2, actor=actor, form=form, name=name)
    for actor, of, name in (
        (IMPORTER, "guatecivica", "Importador de lo impreso"),
        (WEB_FORM, TRANSCRIBER, INVENTED + "programa del formulario web"),
        *((name, of, INVENTED + f"programa de captura de {of.upper()}") for name, of in CAPTURERS.items()),
    ):
        people.say("ActorRegistered", *_K2, actor=actor, form="program", of=of, name=name)
    for actor in (*WITH_KEYS, MODERATOR, SECOND_MODERATOR, TRANSCRIBER, WEB_FORM, *CAPTURERS, IMPORTER):
        people.say("KeyEnrolled", *_K2, f"{actor}:holder", actor=actor, key=people.public(actor))

    def grant(actor: str, role: str, **more: Any) -> None:
        scope = {"plans": [PLAN, SUCCESSOR], **more.pop("scope", {})}
        people.say("RoleGranted", *_K2, actor=actor, role=role, scope=scope, **more)

    grant("copret", "coordinator")
    for actor in INSTITUTIONS:
        grant(actor, "institution", scope={"institution": actor})
    grant("icefi", "assessor")
    grant("congreso-transparente", "assessor")
    grant("irm", "irm")
    for moderator in (MODERATOR, SECOND_MODERATOR):
        grant(moderator, "moderator")
    for transcriber in (TRANSCRIBER, WEB_FORM):
        grant(transcriber, "transcriber")
    for capturer in CAPTURERS:
        grant(capturer, "capturer")
    importing = {"plans": [PLAN]}
    grant(IMPORTER, "importer", scope=importing, until=format_when(people.now_ms + 365 * DAY_MS), sources=[source])


def _import(people: Cast, drafts: Sequence[Draft]) -> None:
    """The printed report, in the importer's order; the methodology as soon as there is a plan."""
    references: dict[str, str] = {}
    for number, draft in enumerate(drafts):
        if number == 1:
            _adopt(people, PLAN)
        signed = sign_printed(draft, references, people.origin, people.key(IMPORTER), IMPORTER, people.now_ms)
        references[draft.name] = people.submit(signed).identity
    people.settle()


def _adopt(people: Cast, plan: str) -> None:
    people.say(
        "MethodologyAdopted",
        "copret:coordinator",
        "icefi:assessor",
        plan=plan,
        version=1,
        parameters=dict(METHODOLOGY),
        document=digest_of("metodologia.md"),
    )


def _pin(place: Path, founding: str) -> None:
    """What an auditor of this demonstration pins, kept apart from the published files that it is to vouch for."""
    pinned = place / PINNED
    pinned.mkdir()
    shutil.copyfile(place / "public" / "policy", pinned / "policy")
    (pinned / "founding").write_text(f"{founding}\n", "ascii")


def _keep_keys(place: Path, people: Cast) -> None:
    for name, key in people.keys.items():
        # The key of the web form is the server's to use, so it lies where the server looks for it.
        make_key_file(place / "keys" / ("web_form" if name == WEB_FORM else f"{name}.key"), None, key)


def _keep_papers(place: Path, people: Cast, said: Mapping[str, Signed]) -> None:
    """Drafts to try a role with: what the text beside the keys names."""
    comment = said["vecino-8"]
    papers: Mapping[str, Mapping[str, object]] = {
        "borrador": {
            "kind": "CompletionReported",
            "subject": f"{PLAN}/C11",
            "level": "substantial",
            "reason": f"{INVENTED}ya hay avances.",
            "evidence": [],
        },
        "retener": {
            "kind": "ContentWithheld",
            "plan": PLAN,
            "target": {"statement": comment.identity, "salted_digest": comment.statement.salted_digests()[0]},
            "ground": "spam",
            "rule": f"{INVENTED}solo para probar cómo se retiene.",
            "appeal_until": format_when(people.now_ms + 15 * DAY_MS),
        },
        "responder": {
            "kind": "ResponseGiven",
            "plan": PLAN,
            "answers": [said["papel"].identity],
            "disposition": "accepted",
            "words": {"text": f"{INVENTED}habrá una ventanilla en cada cabecera."},
        },
    }
    for name, draft in papers.items():
        text = json.dumps(draft, ensure_ascii=False, indent=1)
        (place / "keys" / f"{name}.json").write_text(text + "\n", "utf-8")


def explain_keys(place: Path, origin: str, port: int) -> None:
    """Write what the keys are for, and examples that can be pasted while the ledger is served at `port`."""
    words = README.format(origin=origin, port=port, keys=shlex.quote(str(place / "keys")), moderator=MODERATOR)
    (place / "keys" / "README.txt").write_text(words, "utf-8")

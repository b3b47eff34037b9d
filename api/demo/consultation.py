"""The invented consultations of the demonstration: one that is open, on a draft by parts, and one that has closed.

In the open one everything happens that can happen to a comment. Each line of `_COMMENTS` is told to its end below:

    vecina-1   answered (accepted), endorsed, and the second version of the draft changed for it
    vecino-2   answered (partly), and the draft changed for it too
    vecina-3   about a commitment; answered (rejected), and she contests the answer
    vecino-4   withheld, because it shows a telephone number
    vecina-5   withheld, appealed, decided for her by another organisation, restored
    vecino-6   shown in part: the name of a third person is taken out
    vecina-7   erased at her own request, by two moderators of two organisations
    vecino-8   answered (already done)
    vecina-9   answered (out of scope)
    vecino-10  a reply to vecina-1
    vecina-11  withdrawn by its author
    papel, reunion      written down by a transcriber; formulario, by the program of the web form

The one that has closed had its window in the days before, and took late comments for ten minutes more; the coordinator
states its count.
No text names a person, and none of the keys is anybody's.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from typing import Any

from api.demo.cast import INVENTED, Cast, content, identities
from api.signing import Signed
from consultation.text import claim
from ledger.statement import format_when

ROUND = "consulta-inventada"
CLOSED_ROUND = "consulta-inventada-cerrada"
# Two that moderate, of two organisations: one decides what the other did, and both together erase.
MODERATOR = "moderacion-inventada"
SECOND_MODERATOR = "segunda-moderacion-inventada"
TRANSCRIBER = "transcripcion-inventada"
WEB_FORM = "formulario-web"

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

DOCUMENTS = Path(__file__).parent / "documents"

_CHAIR = "copret:coordinator"

_PARTS = {
    "acceso": "acceso a la información",
    "seguimiento": "seguimiento de los compromisos",
    "idiomas": "idiomas nacionales",
    "datos": "datos abiertos",
}

# Author, what it is about, position, text.
_COMMENTS: Sequence[tuple[str, str, str, str]] = (
    (
        "vecina-1",
        "acceso",
        "for",
        "que cada institución publique en su sitio las solicitudes de información, y en cuántos días las respondió.",
    ),
    ("vecino-2", "whole", "neutral", "se entiende, pero faltan plazos y cargos responsables."),
    (
        "vecina-3",
        "{plan}/C2",
        "against",
        "este compromiso debería decir a qué idiomas mayas se traducirá la ley, y para cuándo.",
    ),
    (
        "vecino-4",
        "seguimiento",
        "against",
        "este texto hace de cuenta que publica el teléfono de una vecina, y por eso una moderadora lo retiene.",
    ),
    (
        "vecina-5",
        "seguimiento",
        "against",
        "el seguimiento semanal se prometió antes y no se cumplió; decirlo con dureza no es motivo para retenerlo.",
    ),
    (
        "vecino-6",
        "datos",
        "for",
        "los datos de mi municipio están completos; este texto hace de cuenta que nombra a quien atiende la oficina.",
    ),
    ("vecina-7", "idiomas", "for", "este texto ya no lo quiero en público, y pido que se destruya."),
    ("vecino-8", "datos", "neutral", "¿van a publicar el diccionario de los datos?"),
    ("vecina-9", "whole", "", "que también se arregle la carretera de mi aldea."),
    ("vecina-11", "acceso", "against", "lo pensé mejor y retiro este comentario."),
)
_REPLY = "de acuerdo, y que se publique también lo que se negó."
_PAPER = "escrito a mano: que haya dónde preguntar sin internet."
_MEETING = "dicho en una reunión: que las actas salgan la misma semana."
_FORM = "enviado con el formulario, sin firma: que los informes sean más cortos."


def digest_of(name: str) -> str:
    """The digest of one of the documents."""
    return sha256((DOCUMENTS / name).read_bytes()).hexdigest()


def _round(people: Cast, plan: str, name: str, document: str, parts: Mapping[str, str], **fields: Any) -> None:
    people.say(
        "RoundOpened",
        _CHAIR,
        plan=plan,
        round=name,
        concerns="plan_draft",
        document=digest_of(document),
        version=1,
        parts=[{"part": part, "title": INVENTED + title} for part, title in parts.items()],
        langs=["es-GT", "en"],
        rules=digest_of("moderacion.md"),
        answer_by={"day": format_when(people.now_ms + 60 * DAY_MS)[:10], "precision": "day"},
        **fields,
    )


def consult(people: Cast, plan: str) -> dict[str, Signed]:
    """Both consultations, from the opening to what became of each comment; the open one's comments by their author."""
    now = people.now_ms
    opens, closes = format_when(now), format_when(now + 30 * DAY_MS)
    _round(people, plan, ROUND, "borrador-v1.md", _PARTS, opens=opens, closes=closes, late="accept")
    said = _comment(people, plan)
    people.settle()
    _moderate(people, plan, said)
    _answer(people, plan, said)
    people.settle()
    _close(people, plan)
    return said


def _comment(people: Cast, plan: str) -> dict[str, Signed]:
    """What people said, by the name of who said it; and who stands by it."""
    place: dict[str, Any] = {"plan": plan, "round": ROUND, "version": 1}
    said = {
        author: people.say(
            "CommentSubmitted",
            f"{author}:citizen",
            **place,
            about=about.format(plan=plan),
            **({"position": position} if position else {}),
            salted_digest=content(text),
        )
        for author, about, position, text in _COMMENTS
    }
    heard: dict[str, Any] = {**place, "heard_at": format_when(people.now_ms - HOUR_MS)}
    transcriber, form = f"{TRANSCRIBER}:transcriber", f"{WEB_FORM}:transcriber"
    people.settle()
    said["vecino-10"] = people.say(
        "CommentSubmitted",
        "vecino-10:citizen",
        **place,
        about="acceso",
        position="for",
        reply_to=said["vecina-1"].identity,
        salted_digest=content(_REPLY),
    )
    said["papel"] = people.say(
        "CommentTranscribed", transcriber, **heard, about="acceso", channel="paper", salted_digest=content(_PAPER)
    )
    said["reunion"] = people.say(
        "CommentTranscribed",
        transcriber,
        **heard,
        about="seguimiento",
        channel="meeting",
        salted_digest=content(_MEETING),
    )
    said["formulario"] = people.say(
        "CommentTranscribed",
        form,
        **heard,
        about="whole",
        channel="web_form",
        # A secret that nobody kept: the private file of whoever would have sent it.
        claim=claim(token_bytes(32)),
        salted_digest=content(_FORM),
    )
    people.settle()
    for author, comment in (("vecino-2", "vecina-1"), ("vecino-8", "vecina-1"), ("vecina-9", "papel")):
        people.say("CommentEndorsed", f"{author}:citizen", plan=plan, comment=said[comment].identity)
    return said


def _moderate(people: Cast, plan: str, said: Mapping[str, Signed]) -> None:
    first, second = f"{MODERATOR}:moderator", f"{SECOND_MODERATOR}:moderator"
    until = format_when(people.now_ms + 15 * DAY_MS)

    def on(author: str) -> dict[str, Any]:
        comment = said[author]
        target = {"statement": comment.identity, "salted_digest": comment.statement.salted_digests()[0]}
        return {"plan": plan, "target": target}

    personal: dict[str, Any] = {
        "ground": "personal_data",
        "rule": INVENTED + "regla 3, datos personales de otra persona.",
        "appeal_until": until,
    }
    people.say("ContentWithheld", first, **on("vecino-4"), **personal)
    shorter = content("los datos de mi municipio están completos. [Se quitó el nombre de una persona.]")
    people.say("ContentRedacted", first, **on("vecino-6"), **personal, salted_digest=shorter)

    hate: dict[str, Any] = {"ground": "hate", "rule": INVENTED + "regla 4.", "appeal_until": until}
    people.say("ContentWithheld", first, **on("vecina-5"), **hate)
    people.settle()
    reasons = content("mi texto critica un incumplimiento, y la regla 2 dice que eso no se retiene.")
    appeal = people.say("ModerationAppealed", "vecina-5:citizen", **on("vecina-5"), salted_digest=reasons)
    people.settle()
    decided = {"text": INVENTED + "la regla 2 protege la crítica dura; el texto no ataca a nadie."}
    people.say("AppealDecided", second, plan=plan, appeal=appeal.identity, decision="overturned", words=decided)
    people.settle()
    restored = {"text": INVENTED + "se muestra otra vez, como se decidió."}
    people.say("ContentRestored", first, **on("vecina-5"), words=restored)

    people.say("ErasureRequested", "vecina-7:citizen", **on("vecina-7"), ground="consent_withdrawn")
    people.settle()
    rule = INVENTED + "regla 6, a pedido de quien lo escribió."
    stores = ["vault", "backups", "mirrors"]
    people.say("ContentErased", first, second, **on("vecina-7"), ground="requested", rule=rule, stores=stores)
    people.say("StatementWithdrawn", "vecina-11:citizen", plan=plan, statement=said["vecina-11"].identity)
    people.settle()


def _answer(people: Cast, plan: str, said: Mapping[str, Signed]) -> None:
    """Each disposition once; the second version of the draft; and an answer that is contested."""
    changed = people.say(
        "DocumentPublished",
        _CHAIR,
        plan=plan,
        round=ROUND,
        version=2,
        document=digest_of("borrador-v2.md"),
        changes=[
            {"text": INVENTED + "se agrega en cuántos días se respondió.", "comments": [said["vecina-1"].identity]},
            {
                "text": INVENTED + "cada compromiso nombra un cargo responsable, y las personas también objetan.",
                "comments": identities([said["vecino-2"], said["reunion"]]),
            },
        ],
    )
    people.settle()

    def answer(disposition: str, text: str, *authors: str, led_to: Signed | None = None) -> Signed:
        return people.say(
            "ResponseGiven",
            _CHAIR,
            plan=plan,
            answers=identities([said[author] for author in authors]),
            disposition=disposition,
            words={"text": INVENTED + text},
            **({"led_to": led_to.identity} if led_to else {}),
        )

    answer("accepted", "se acepta; se propondrá como mecanismo del próximo plan.", "vecina-1", led_to=changed)
    answer("partly", "los cargos sí; los plazos dependen del presupuesto.", "vecino-2", "reunion", led_to=changed)
    rejected = answer("rejected", "los idiomas se deciden con cada comunidad, no en este plan.", "vecina-3")
    answer("already_done", "el diccionario está publicado junto a los datos.", "vecino-8")
    answer("out_of_scope", "las carreteras no son de este plan; se pasó a la municipalidad.", "vecina-9")
    people.settle()
    objection = {"salted_digest": content("la comunidad ya decidió, y el plan es el lugar para decirlo.")}
    people.say("StatementContested", "vecina-3:citizen", plan=plan, statement=rejected.identity, words=objection)


def _close(people: Cast, plan: str) -> None:
    """The round that closed two hours ago: two comments that came after, and what the coordinator counts."""
    now = people.now_ms
    parts = {"horarios": "horarios de las reuniones", "lugares": "lugares"}
    window = {"opens": format_when(now - 30 * DAY_MS), "closes": format_when(now - 2 * HOUR_MS), "late": "accept"}
    _round(people, plan, CLOSED_ROUND, "consulta-cerrada.md", parts, **window, late_until=format_when(now + 600_000))
    for author, part, text in (
        ("vecina-12", "horarios", "después de las seis de la tarde."),
        ("vecino-13", "lugares", "en las cabeceras departamentales, por turnos."),
    ):
        people.say(
            "CommentSubmitted",
            f"{author}:citizen",
            plan=plan,
            round=CLOSED_ROUND,
            version=1,
            about=part,
            salted_digest=content(text),
        )
    people.settle()
    people.say("RoundClosed", _CHAIR, plan=plan, round=CLOSED_ROUND, comment_count=2, tree_size=people.registered)

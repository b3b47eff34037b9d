"""What an answer says when it cannot say what was asked: problem+json with a stable code, in the reader's language.

    {"type":"urn:constancia:closed","title":"La consulta está cerrada","status":409,
     "code":"closed","rule":"A8","detail":"…"}

RFC 9457. `code` and `rule` are for programs and stand in FORMAT.md; `title` is one plain sentence, in Spanish or
English; `detail` names the case at hand, never what a citizen wrote. HTTP that cannot be read, or an address that is
not there, has a status and no code.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ledger.errors import Refused

MEDIA_TYPE = "application/problem+json"

# Code -> what it means to the person who gets it, in Spanish and English.
TITLES: Mapping[str, tuple[str, str]] = {
    "role-scope": ("Quien firma no tiene un papel que cubra esto", "No role of the signer covers this"),
    "conflict-of-interest": (
        "Quien firma no es independiente en este asunto",
        "The signer is not independent in this matter",
    ),
    "import": (
        "Lo impreso y lo firmado no se mezclan así",
        "What was printed and what is signed do not mix this way",
    ),
    "unknown-key": ("La llave no está inscrita", "The key is not enrolled"),
    "revoked-key": ("La llave fue revocada", "The key was revoked"),
    "state": ("El registro no está en un estado que lo permita", "The record is not in a state that allows this"),
    "closed": ("Fuera del plazo de la consulta", "Outside the window of the round"),
    "id-conflict": ("El identificador ya está en uso", "The identifier is taken"),
    "shape": ("La declaración no tiene la forma debida", "The statement does not have its shape"),
    "unknown-ref": ("Se refiere a algo que no está en el registro", "It refers to what is not in the record"),
    "future": ("La fecha declarada está en el futuro", "The time stated is in the future"),
    "stale": ("La fecha declarada es demasiado antigua", "The time stated is too long ago"),
    "bad-signature": ("Falta una firma, o no es válida", "A signature is missing, or does not verify"),
    "wrong-origin": ("La declaración es para otro registro", "The statement is for another ledger"),
    "empty": ("No se recibió nada", "Nothing was received"),
    "bad-utf8": ("El texto no es UTF-8", "The text is not UTF-8"),
    "not-json": ("No es una declaración firmada", "It is not a signed statement"),
    "duplicate-key": ("Una clave aparece dos veces", "A key stands twice"),
    "float": ("Hay un número que no es un entero simple", "A number is not a plain integer"),
    "int-range": ("Un entero es demasiado grande", "An integer is too large"),
    "too-deep": ("Los objetos están anidados demasiado profundo", "Objects are nested too deep"),
    "nul": ("Hay un carácter NUL", "There is a NUL character"),
    "not-canonical": ("No es la forma canónica de los bytes", "It is not the canonical form of the bytes"),
    "encoding": ("Una codificación no está en su única forma", "An encoding is not in its one form"),
    "weak-key": ("La llave o la firma es débil", "The key or the signature is weak"),
    "empty-text": ("El texto está vacío", "The text is empty"),
    "digest-mismatch": (
        "El contenido no corresponde a su resumen con sal",
        "The content does not fit its salted digest",
    ),
    "too-large": ("El envío es demasiado grande", "The submission is too large"),
    "media-type": ("El tipo de contenido no es uno de los acordados", "The content type is none of those agreed"),
    "rate-limit": ("Demasiados envíos; espere un momento", "Too many submissions; wait a moment"),
    "busy": ("El servidor está ocupado; intente de nuevo", "The server is busy; try again"),
}

# Rule -> what it asks of whoever signs, in Spanish and English. A kind's own rule goes by the kind's name.
RULES: Mapping[str, tuple[str, str]] = {
    "A0": (
        "Un registro se abre una sola vez, y sus horas de recepción nunca retroceden.",
        "A ledger is opened once, and its received times never go back.",
    ),
    "A1": (
        "Cada clase de declaración tiene sus campos y sus firmantes (`constancia kinds`), y es para este registro.",
        "Each kind of statement has its fields and its signers (`constancia kinds`), and is for this ledger.",
    ),
    "A2": (
        "Cada firmante tiene una llave inscrita y vigente, y su línea de firma verifica.",
        "Each signer has a key that is enrolled and in force, and a signature line that verifies.",
    ),
    "A3": (
        "Quien firma necesita un papel vigente para lo que trata; lo otorgan dos registradores.",
        "A signer needs a role in force for what this is about; two registrars grant it.",
    ),
    "A4": (
        "Una persona firma sola, con llave propia; su comentario es de esa llave o de quien muestra su secreto.",
        "A citizen signs alone, with their own key; a comment is of that key, or of whoever shows its secret.",
    ),
    "A5": (
        "Lo que se nombra tiene que estar en el registro, y lo que se define tiene que ser nuevo.",
        "What is named has to be on the record, and what is defined has to be new.",
    ),
    "A6": (
        "Nadie juzga aquello de lo que responde su propia organización.",
        "Nobody judges what their own organisation answers for.",
    ),
    "A7": (
        "Quien reporta no dice «sin evidencia»; antes de bajar de «completo» se reabre el compromiso.",
        "Those who report do not say “no evidence”; below “complete” the commitment is reopened first.",
    ),
    "A8": (
        "Se comenta mientras la consulta está abierta, según la hora de recepción.",
        "Comments are taken while the round is open, by received time.",
    ),
    "A9": (
        "Lo firmado se envía dentro de 7 días (30 con varias firmas), y no antes de su `said_at`: revise el reloj.",
        "What is signed is sent within 7 days (30 with several signers), not before its `said_at`: look at the clock.",
    ),
    "A10": ("La misma declaración es un solo asiento.", "The same statement is one entry."),
    "A11": (
        "Lo impreso, también en una consulta del pasado, lo registra solo el importador, hasta que la entidad firma.",
        "What was printed, in a past consultation too, the importer alone registers, until the body itself signs.",
    ),
    "P": (
        "Tras el primer nivel reportado, lo prometido solo cambia si firma también un evaluador o el IRM.",
        "After a first reported level, what was promised changes only with an assessor or the IRM signing too.",
    ),
    "transport": (
        "Espere un momento y envíe otra vez el mismo archivo.",
        "Wait a moment and send the same file again.",
    ),
}

# Code, or code and rule, of a statement that was refused -> what its signer can do about it, in Spanish and English.
ADVICE: Mapping[str, tuple[str, str]] = {
    "role-scope": (
        "Revise con qué llave firma. Si su organización debe tener ese papel, pídalo a dos registradores.",
        "See which key you sign with. If your organisation should hold that role, ask two registrars for it.",
    ),
    "role-scope.A6": (
        "Busque a quien modera por otra organización para que firme con usted.",
        "Find a moderator of another organisation to sign with you.",
    ),
    "conflict-of-interest": (
        "Su organización no puede decidir esto. Pídalo a otra: la mesa dice quién no puede, y por qué.",
        "Your organisation may not decide this. Ask another one: the desk says who may not, and why.",
    ),
    "unknown-key": (
        "Pida a dos registradores de organizaciones distintas que inscriban esta llave.",
        "Ask two registrars of different organisations to enrol this key.",
    ),
    "revoked-key": (
        "Firme con la llave que tomó su lugar. Si no hay, pida a dos registradores que inscriban otra.",
        "Sign with the key that took its place. If there is none, ask two registrars to enrol another.",
    ),
    "closed": (
        "Ya no hay plazo para esto. Si fue la consulta la que cerró, se puede abrir otra.",
        "The time for this is over. If it was the consultation that closed, another one can be opened.",
    ),
    "state": (
        "Alguien lo hizo antes, o todavía no toca. Traiga la página de nuevo y mire en qué estado está.",
        "Somebody did it before, or it is too early. Bring the page anew and look at its state.",
    ),
    "id-conflict": (
        "Elija otro identificador: ese ya lo usa otra consulta.",
        "Choose another identifier: a consultation has that one already.",
    ),
    "unknown-ref": (
        "Revise los números y nombres que escribió; quizá se retiró aquello a lo que se refieren.",
        "Look at the numbers and names that you wrote; what they refer to may have been withdrawn.",
    ),
    "shape": (
        "Corrija el campo que se nombra.",
        "Correct the field that is named.",
    ),
    "future": (
        "El reloj de esta máquina va adelantado: póngalo en hora y firme otra vez.",
        "The clock of this machine is ahead: set it right, and sign again.",
    ),
    "stale": (
        "Se firmó hace demasiado tiempo, o el reloj de esta máquina va atrasado: firme otra vez.",
        "It was signed too long ago, or the clock of this machine is behind: sign again.",
    ),
    "rate-limit": (
        "Espere un momento y envíela otra vez: no se registra dos veces.",
        "Wait a moment and send it again: it is not registered twice.",
    ),
    "busy": (
        "Espere un momento y envíela otra vez: no se registra dos veces.",
        "Wait a moment and send it again: it is not registered twice.",
    ),
    "other": (
        "No se registró nada. Si no entiende por qué, muestre este mensaje a quien opera el registro.",
        "Nothing was registered. If you do not see why, show this message to whoever operates the ledger.",
    ),
}


def advice_on(code: str, rule: str) -> tuple[str, str]:
    """What to do about a refusal, in Spanish and English."""
    return ADVICE.get(f"{code}.{rule}") or ADVICE.get(code) or ADVICE["other"]


# Statuses that come without a code.
PLAIN_TITLES: Mapping[int, tuple[str, str]] = {
    400: ("No se pudo leer la solicitud", "The request could not be read"),
    404: ("No existe", "There is no such thing"),
    405: ("Aquí no se puede hacer eso", "That cannot be done here"),
    408: ("La solicitud tardó demasiado", "The request took too long"),
    410: ("Fue borrado", "It was erased"),
    451: ("Está retenido", "It is withheld"),
    500: ("Falló el servidor", "The server failed"),
    501: ("Este servidor no lo hace", "This server does not do it"),
    503: ("El servidor no está listo", "The server is not ready"),
}


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The JSON of a problem."""

    type: str
    title: str
    status: int
    code: str | UnsetType = UNSET
    rule: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    refusal: str | UnsetType = UNSET
    challenge: Mapping[str, Any] | UnsetType = UNSET


class Problem(Exception):
    """An answer other than the one asked for. Raised anywhere below a request, answered in one place."""

    def __init__(self, status: int, detail: str, code: str | None = None, rule: str | None = None) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.code = code
        self.rule = rule
        self.refusal: bytes | None = None
        """The desk's signed note, for a statement that came too late."""
        self.challenge: Mapping[str, Any] | None = None
        """The work that makes the next try go through (api.work), where too much was sent."""
        self.retry_after = 2
        """Seconds to wait before trying again, for 429 and 503."""
        self.act: int | None = None
        """The entry of the statement by which what was asked for is out of view, for 410 and 451."""

    @classmethod
    def of(cls, refused: Refused) -> "Problem":
        """The answer to a statement that was refused."""
        return cls(refused.status, refused.detail, refused.code, refused.rule)

    @classmethod
    def by_act(cls, status: int, detail: str, act: int | None) -> "Problem":
        """The answer to whoever asks for what the statement of entry `act` took from view."""
        problem = cls(status, detail)
        problem.act = act
        return problem

    def body(self, accept_language: str = "") -> bytes:
        """The JSON, with the title in the language that the reader prefers of our two."""
        spanish, english = TITLES[self.code] if self.code else PLAIN_TITLES.get(self.status, PLAIN_TITLES[400])
        return msgspec.json.encode(
            ProblemBody(
                type=f"urn:constancia:{self.code}" if self.code else "about:blank",
                title=english if prefers_english(accept_language) else spanish,
                status=self.status,
                code=self.code or UNSET,
                rule=self.rule or UNSET,
                detail=self.detail or UNSET,
                refusal=self.refusal.decode() if self.refusal else UNSET,
                challenge=self.challenge or UNSET,
            )
        )

    def headers(self) -> dict[str, str]:
        """What goes with it."""
        return {"content-type": MEDIA_TYPE, "cache-control": "no-store"} | self.waiting()

    def waiting(self) -> dict[str, str]:
        """When to try again, for problem+json and for pages alike."""
        return {"retry-after": str(self.retry_after)} if self.status in (429, 503) else {}


def prefers_english(accept_language: str) -> bool:
    """Does this Accept-Language header put English before Spanish? Spanish is the default."""
    best: dict[str, float] = {}
    for part in accept_language[:400].split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.partition("-")[0].strip().lower()
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            weight = 0.0
        best[language] = max(best.get(language, 0.0), weight)
    return best.get("en", 0.0) > best.get("es", 0.0)

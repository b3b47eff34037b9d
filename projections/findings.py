"""What an audit says: its findings, the table of what is reported and assessed, each claimed figure, and the verdict.

    report.verdict          verified · self-consistent, origin unproven · misbehaviour found
    report.findings         each with a stable kind, an index or a path, a sentence in Spanish and English, evidence

The kinds of findings are for ever, because programs act on them; their sentences are not. `projections.audit` finds.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from projections.reports import ClaimChecked, Tally

Verdict = Literal["verified", "self-consistent, origin unproven", "misbehaviour found"]

VERDICT_ES: Mapping[str, str] = {
    "verified": "verificado",
    "self-consistent, origin unproven": "coherente consigo mismo, origen sin probar",
    "misbehaviour found": "se encontraron faltas",
}


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that an honest ledger cannot have published.

    `es` and `en` are sentences for people, `detail` is for those who look closer (English). `code` and `rule` are those
    of the refusal, where a rule forbids a statement. `evidence` holds the bytes, by name.
    """

    kind: str
    index: int | None = None
    path: str | None = None
    code: str | None = None
    rule: str | None = None
    detail: str
    es: str
    en: str
    evidence: dict[str, bytes] = {}


class Remark(msgspec.Struct, frozen=True):
    """Something a reader should know that is no fault: nobody witnesses the ledger, files are ahead of the head."""

    kind: str
    es: str
    en: str


class Counts(msgspec.Struct):
    """What was looked at."""

    entries: int = 0
    signatures: int = 0
    by_kind: dict[str, int] = {}
    contents_shown: int = 0
    contents_hidden: int = 0
    heads: int = 0
    files: int = 0
    findings: int = 0


class Assessed(msgspec.Struct, frozen=True):
    """What one body that is not responsible says of a commitment."""

    actor: str
    role: str
    level: str
    index: int


class Row(msgspec.Struct, frozen=True):
    """One commitment: what is reported, what others assess, and what there is to show for it."""

    commitment: str
    number: int
    proposer: str
    title: str
    institution: str
    reported: str
    printed: bool
    reported_index: int | None
    assessed: list[Assessed]
    evidence: int
    captured: int
    comments: int


class ClaimLine(msgspec.Struct, frozen=True):
    """A figure that a published report claims, beside the one that the first `tree_size` entries give."""

    report: str
    version: int
    tree_size: int
    title: str
    claim: ClaimChecked


class Report(msgspec.Struct, kw_only=True):
    """What an audit found. Everything in it can be written as JSON (bytes as base64)."""

    verdict: Verdict
    verdict_es: str
    origin: str
    purpose: str
    size: int
    root: str
    at: int
    founding: str
    policy_pinned: bool
    founding_pinned: bool
    witnesses: list[tuple[str, int]]
    checkpoint: str
    digest: str
    served_digest: str | None
    counts: Counts
    findings: list[Finding]
    remarks: list[Remark]
    table: list[Row]
    tallies: list[Tally]
    claims: list[ClaimLine]
    seconds: dict[str, float]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


# --- sentences -------------------------------------------------------------------------------------------------------

SENTENCES: Mapping[str, tuple[str, str]] = {
    # kind: what it means, in Spanish and English
    "missing-file": (
        "Falta un archivo que el registro debe publicar.",
        "A file that the ledger must publish is missing.",
    ),
    "bad-checkpoint": (
        "El checkpoint no tiene la forma debida, o su firma no verifica.",
        "The checkpoint is not of the right form, or its signature does not verify.",
    ),
    "foreign-checkpoint": (
        "El checkpoint no está firmado por la llave en que usted confía: es de otro registro.",
        "The checkpoint is not signed by the key that you trust: it is another ledger's.",
    ),
    "not-cosigned": (
        "Los testigos que pide su política no han firmado el checkpoint.",
        "The witnesses that your policy asks for have not cosigned the checkpoint.",
    ),
    "bad-policy-file": (
        "El archivo de política que publica el registro no se puede leer o nombra otras llaves.",
        "The policy file that the ledger publishes cannot be read, or names other keys.",
    ),
    "bad-ledger-file": (
        "El archivo ledger.json no dice lo mismo que el asiento de fundación.",
        "The file ledger.json does not say what the founding entry says.",
    ),
    "log-key": (
        "Una cabeza está firmada con una llave que el registro no declaró como suya, o que a ese tamaño no lo era.",
        "A head is signed with a key that the ledger has not named as its own, or that was not at that size.",
    ),
    "root-mismatch": (
        "Los asientos publicados no dan la raíz que el registro firmó: algo se cambió, se quitó o se agregó.",
        "The published entries do not give the root that the ledger signed: something was changed, removed or added.",
    ),
    "tile-altered": (
        "Un archivo del árbol fue alterado.",
        "A file of the tree was altered.",
    ),
    "bundle-altered": (
        "Un archivo de asientos fue alterado.",
        "A file of entries was altered.",
    ),
    "entry-altered": (
        "El asiento fue alterado: no es el que está en el árbol firmado.",
        "The entry was altered: it is not the one in the signed tree.",
    ),
    "bad-entry": (
        "El asiento no tiene la forma de un asiento.",
        "The entry is not of the form of an entry.",
    ),
    "bad-statement": (
        "La declaración del asiento no es válida: su forma o una de sus firmas falla.",
        "The entry's statement is not valid: its form or one of its signatures fails.",
    ),
    "founding-differs": (
        "El asiento de fundación no es el que usted tiene por bueno: este es otro registro con el mismo nombre.",
        "The founding entry is not the one you hold for good: this is another ledger of the same name.",
    ),
    "forbidden-statement": (
        "El registro aceptó una declaración que sus propias reglas prohíben.",
        "The ledger took in a statement that its own rules forbid.",
    ),
    "duplicate-statement": (
        "La misma declaración fue asentada dos veces.",
        "The same statement was entered twice.",
    ),
    "time-went-back": (
        "La hora de recepción es anterior a la del asiento precedente.",
        "The received time is before that of the preceding entry.",
    ),
    "time-impossible": (
        "La hora de recepción contradice a los testigos, que firmaron antes o después.",
        "The received time contradicts the witnesses, who cosigned before or after it.",
    ),
    "content-missing": (
        "Falta un texto sin que ninguna declaración lo haya retirado.",
        "A text is missing, and no statement has taken it from view.",
    ),
    "content-altered": (
        "El texto publicado no es el que se firmó.",
        "The published text is not the one that was signed.",
    ),
    "content-form": (
        "El texto publicado no tiene la forma que su declaración pide.",
        "The published text is not of the form that its statement asks for.",
    ),
    "content-unknown": (
        "Se publica un texto que el asiento no trae.",
        "A text is published that the entry does not bring.",
    ),
    "content-marker": (
        "Un texto falta y la declaración que se cita no autoriza a retirarlo.",
        "A text is missing, and the statement that is named does not take it from view.",
    ),
    "content-shown": (
        "Se muestra un texto que una declaración retiró.",
        "A text is shown that a statement has taken from view.",
    ),
    "content-malformed": (
        "El archivo de textos no tiene la forma debida.",
        "The file of texts is not of the right form.",
    ),
    "fork": (
        "El registro firmó dos historias distintas. Las dos firmas son la prueba.",
        "The ledger has signed two different histories. The two signatures are the proof.",
    ),
    "head-behind": (
        "El registro publica menos asientos de los que ya firmó.",
        "The ledger publishes fewer entries than it has signed for.",
    ),
    "unknown-file": (
        "Hay un archivo que no pertenece a un registro.",
        "There is a file that does not belong to a ledger.",
    ),
    "digest-differs": (
        "El servidor muestra un estado distinto del que resulta de sus propios asientos.",
        "The server shows another state than its own entries give.",
    ),
    "record-differs": (
        "El servidor muestra un dato distinto del que resulta de sus propios asientos.",
        "The server shows a fact other than its own entries give.",
    ),
}

REMARKS: Mapping[str, tuple[str, str]] = {
    "no-witnesses": (
        "Ningún testigo ha firmado: nadie de fuera da fe de las horas ni de que todos vean la misma historia.",
        "No witness has cosigned: nobody outside vouches for the times, or for everybody seeing the same history.",
    ),
    "time-unbounded": (
        "De {count} asientos ningún testigo acota la hora de recepción a menos de dos minutos.",
        "Of {count} entries no witness bounds the received time within two minutes.",
    ),
    "files-ahead": (
        "Hay archivos escritos después del checkpoint de {size} asientos, que ninguna firma cubre todavía.",
        "There are files written after the checkpoint of {size} entries, which no signature covers yet.",
    ),
    "torn-record": (
        "El último registro de {path} está cortado, como lo deja una interrupción.",
        "The last record of {path} is cut off, as an interruption leaves it.",
    ),
    "folded-in-part": (
        "El estado se calculó solo con los primeros {size} asientos: el siguiente no se puede leer.",
        "The state was computed from the first {size} entries only: the next one cannot be read.",
    ),
    "stopped": (
        "La auditoría se detuvo en el asiento {size}: hay demasiadas faltas para seguir.",
        "The audit stopped at entry {size}: there is too much wrong to go on.",
    ),
    "no-served-digest": (
        "El servidor no dice la suma de su propio estado, así que no se pudo comparar.",
        "The server does not give the digest of its own state, so the two could not be compared.",
    ),
    "disputed": (
        "Una llave de {actor} se declaró comprometida desde {since} (asiento {index}): {count} asientos en disputa.",
        "A key of {actor} was declared compromised since {since} (entry {index}): {count} entries are in dispute.",
    ),
    "log-key-rotated": (
        "La llave del registro cambió en el asiento {index}; su política nombra la anterior. Fije también {vkey}.",
        "The log's key was exchanged at entry {index}; your policy names the old one. Pin also {vkey}.",
    ),
    "demonstration": (
        "Este registro es una demostración.",
        "This ledger is a demonstration.",
    ),
}


def sentences(
    kind: str, index: int | None, path: str | None, code: str | None = None, rule: str | None = None
) -> tuple[str, str]:
    """What a finding means, in Spanish and English, with its place and the rule that was broken."""
    es, en = SENTENCES[kind]
    place_es = [f"asiento {index}"] * (index is not None) + [f"archivo {path}"] * (path is not None)
    place_en = [f"entry {index}"] * (index is not None) + [f"file {path}"] * (path is not None)
    if rule is not None:
        place_es.append(f"regla {rule}, {code}")
        place_en.append(f"rule {rule}, {code}")
    if not place_es:
        return es, en
    return f"{es} ({'; '.join(place_es)})", f"{en} ({'; '.join(place_en)})"

"""What an audit says: its findings, the table of what is reported and assessed, each claimed figure, and the verdict.

    report.verdict          verified · self-consistent, origin unproven · misbehaviour found
    report.findings         each with a stable kind, an index or a path, a sentence in Spanish and English, evidence

    report.answers          four questions: is everything included, does it only grow, does everybody see the same, is
                            what it says permitted; each yes, no, or not proven, and why

The kinds of findings are for ever, because programs act on them; their sentences are not. `projections.audit` finds.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from ledger.errors import Misbehaviour
from projections.anomalies import Anomaly
from projections.reports import ClaimChecked, Tally

# A report stays readable however much is wrong; what is beyond is counted.
MAX_FINDINGS = 500

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
    hidden_by: dict[str, int] = {}
    """Those out of view by what was done: withheld, redacted, replaced, withdrawn, erased."""
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
    """One commitment: what is reported, what others assess, and what there is to show for it.

    `evidenced` is the level that the evidence reaches by the methodology in force on the day of the last entry, with
    its percent; `gap` is reported − evidenced in steps of the scale, where a level is reported.
    """

    commitment: str
    number: int
    proposer: str
    title: str
    institution: str
    reported: str
    printed: bool
    reported_index: int | None
    assessed: list[Assessed]
    evidenced: str
    percent: int
    gap: int | None
    contested: bool
    evidence: int
    captured: int
    comments: int


class ClaimLine(msgspec.Struct, frozen=True):
    """A figure that a published report claims, beside the one that the first `tree_size` entries give.

    What a coordinator counts when a round closes is such a figure too: of no report, version 0, the round as title.
    """

    report: str
    version: int
    tree_size: int
    title: str
    claim: ClaimChecked


Question = Literal["included", "append-only", "same-for-all", "permitted"]
Answered = Literal["yes", "no", "not proven"]


class Answer(msgspec.Struct, frozen=True):
    """The answer to one of the four questions that every audit is about, with its reason."""

    question: Question
    answer: Answered
    es: str
    en: str


class Report(msgspec.Struct, kw_only=True):
    """What an audit found. Everything in it can be written as JSON (bytes as base64)."""

    verdict: Verdict
    verdict_es: str
    origin: str
    purpose: str
    size: int
    root: str
    at: int
    kept: int
    """Entries that an earlier audit had verified, and that were not read again."""
    founding: str
    policy_pinned: bool
    founding_pinned: bool
    witnesses: list[tuple[str, int]]
    checkpoint: str
    digest: str
    served_digest: str | None
    counts: Counts
    answers: list[Answer]
    findings: list[Finding]
    remarks: list[Remark]
    as_of: str
    table: list[Row]
    tallies: list[Tally]
    claims: list[ClaimLine]
    anomalies: dict[str, tuple[Anomaly, ...]]
    """What the record of each plan shows to be at odds, each with the entries that prove it. No fault of the ledger."""
    seconds: dict[str, float]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


# --- gathering --------------------------------------------------------------------------------------------------------


class Gathered:
    """What an audit under way has found so far."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.remarks: list[Remark] = []
        self.total = 0
        self._told: set[tuple[str, int | None, str | None, str | None]] = set()

    def add(self, fault: Misbehaviour, *, code: str | None = None, rule: str | None = None) -> None:
        """Keep a finding; the same thing at the same place is told once."""
        es, en = sentences(fault.kind, fault.index, fault.path, code, rule)
        self.take(
            Finding(
                kind=fault.kind,
                index=fault.index,
                path=fault.path,
                code=code,
                rule=rule,
                detail=fault.detail,
                es=es,
                en=en,
                evidence=dict(fault.evidence),
            )
        )

    def take(self, finding: Finding) -> None:
        """Keep a finding as it is."""
        place = (finding.kind, finding.index, finding.path, finding.rule)
        if place in self._told:
            return
        self._told.add(place)
        self.total += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)

    def remark(self, kind: str, **figures: object) -> None:
        """Say something that is no fault, once."""
        es, en = REMARKS[kind]
        each = Remark(kind, es.format(**figures), en.format(**figures))
        if each not in self.remarks:
            self.remarks.append(each)

    def lasting(self) -> list[Finding]:
        """Those that no later state of the files takes back: an audit that goes on from here says them again."""
        return [each for each in self.findings if each.kind in LASTING or (each.path or "").startswith("checkpoints/")]


# What is proved by signed bytes alone. Whatever else is wrong with files or texts may be put right, and is looked at
# again.
LASTING = frozenset(
    {
        "fork",
        "log-key",
        "heads-altered",
        "forbidden-statement",
        "duplicate-statement",
        "time-went-back",
        "time-impossible",
    }
)


# --- the four questions -----------------------------------------------------------------------------------------------

QUESTIONS: Mapping[Question, tuple[str, str]] = {
    "included": ("¿Está incluido todo?", "Is everything included?"),
    "append-only": ("¿El registro solo crece?", "Does the record only grow?"),
    "same-for-all": ("¿Ven todos lo mismo?", "Does everybody see the same?"),
    "permitted": ("¿Permiten las reglas lo que dice?", "Do the rules permit what it says?"),
}

# Which questions a kind of finding answers with no.
DENIES: Mapping[str, tuple[Question, ...]] = {
    "missing-file": ("included",),
    "root-mismatch": ("included",),
    "tile-altered": ("included",),
    "bundle-altered": ("included",),
    "entry-altered": ("included",),
    "bad-entry": ("included",),
    "content-missing": ("included",),
    "content-kept-away": ("included",),
    "content-altered": ("included",),
    "content-unknown": ("included",),
    "content-malformed": ("included",),
    "unknown-file": ("included",),
    # Whoever was shown the one of two histories does not see the other.
    "fork": ("append-only", "same-for-all"),
    "head-behind": ("append-only",),
    "heads-altered": ("append-only",),
    "bad-checkpoint": ("same-for-all",),
    "foreign-checkpoint": ("same-for-all",),
    "not-cosigned": ("same-for-all",),
    "stale-checkpoint": ("same-for-all",),
    "log-key": ("same-for-all",),
    "founding-differs": ("same-for-all",),
    "bad-policy-file": ("same-for-all",),
    "bad-ledger-file": ("same-for-all",),
    "bad-timestamp": ("same-for-all",),
    "digest-differs": ("same-for-all",),
    "record-differs": ("same-for-all",),
    "bad-statement": ("permitted",),
    "forbidden-statement": ("permitted",),
    "duplicate-statement": ("permitted",),
    "time-went-back": ("permitted",),
    "time-impossible": ("permitted",),
    "content-form": ("permitted",),
    "content-marker": ("permitted",),
    "content-shown": ("permitted",),
}


def answer(question: Question, findings: Iterable[Finding], proven: bool, yes: tuple[str, str]) -> Answer:
    """The answer to a question: no where a finding denies it, `yes` (its reason, in both languages) where it is proven.

    Where it is neither, the reason is why not.
    """
    kinds = sorted({each.kind for each in findings if question in DENIES[each.kind]})
    if kinds:
        named = ", ".join(kinds)
        return Answer(question, "no", f"Faltas: {named}.", f"Findings: {named}.")
    return Answer(question, "yes" if proven else "not proven", *yes)


# --- sentences -------------------------------------------------------------------------------------------------------

SENTENCES: Mapping[str, tuple[str, str]] = {
    # kind: what it means, in Spanish and English
    "missing-file": (
        "Falta un archivo que el registro debe publicar.",
        "A file that the ledger must publish is missing.",
    ),
    "bad-checkpoint": (
        "El punto de control no tiene la forma debida, o su firma no verifica.",
        "The checkpoint is not of the right form, or its signature does not verify.",
    ),
    "foreign-checkpoint": (
        "El punto de control no está firmado por la llave en que usted confía: es de otro registro.",
        "The checkpoint is not signed by the key that you trust: it is another ledger's.",
    ),
    "not-cosigned": (
        "Los testigos que pide su política no han cofirmado el punto de control.",
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
        "La hora de recepción contradice a los testigos o a una autoridad de tiempo, que firmaron antes o después.",
        "The received time contradicts the witnesses or a time stamping authority, who signed before or after it.",
    ),
    "bad-timestamp": (
        "Un sello de tiempo no vale: su forma, su firma o lo que sella no es lo debido.",
        "A time stamp does not hold: its form, its signature or what it stamps is not as it must be.",
    ),
    "content-missing": (
        "Falta un texto sin que ninguna declaración lo haya retirado.",
        "A text is missing, and no statement has taken it from view.",
    ),
    "content-kept-away": (
        "Un texto fue restituido, y sigue sin mostrarse.",
        "A text was restored, and is still kept from view.",
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
    "heads-altered": (
        "El registro quitó o cambió cabezas cofirmadas que había publicado.",
        "The ledger has taken away or changed cosigned heads that it had published.",
    ),
    "stale-checkpoint": (
        "El punto de control es viejo: los testigos no lo han cofirmado en el plazo que usted pide.",
        "The checkpoint is old: the witnesses have not cosigned it within the time that you ask for.",
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
        "Ningún testigo ha firmado: ninguno da fe de las horas ni de que todos vean la misma historia.",
        "No witness has cosigned: none vouches for the times, or for everybody seeing the same history.",
    ),
    "witnesses-unknown": (
        "El punto de control lleva {count} firmas que su política no conoce; si son de testigos, nómbrelos ahí.",
        "The checkpoint has {count} signatures that your policy does not know; if of witnesses, name them there.",
    ),
    "time-unbounded": (
        "Asientos cuya hora de recepción ningún testigo confirma con dos minutos de margen: {count}.",
        "Entries whose received time no witness bounds within two minutes: {count}.",
    ),
    "heads-unfiled": (
        "El punto de control de {size} asientos no está entre las cabezas cofirmadas que el registro debe conservar.",
        "The checkpoint of {size} entries is not among the cosigned heads that the ledger has to keep.",
    ),
    "files-ahead": (
        "Hay archivos escritos después del punto de control de {size} asientos, que ninguna firma cubre todavía.",
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
        "El servidor no dice el resumen de su propio estado, así que no se pudo comparar.",
        "The server does not give the digest of its own state, so the two could not be compared.",
    ),
    "texts-kept": (
        "Los textos de los primeros {size} asientos se miraron el {when}; con --texts se miran todos de nuevo.",
        "The texts of the first {size} entries were looked at on {when}; --texts looks at all of them again.",
    ),
    "timestamped": (
        "Sellos de tiempo verificados: {count}. Los primeros {size} asientos existían a más tardar el {when}.",
        "Time stamps verified: {count}. The first {size} entries existed by {when}.",
    ),
    "timestamp-none": (
        "El registro no publica ningún sello de tiempo.",
        "The ledger publishes no time stamp.",
    ),
    "timestamp-unpinned": (
        "Sellos de tiempo de autoridades que usted no fijó con --tsa-root: {count} ({authorities}). No prueban nada.",
        "Time stamps of authorities that you did not pin with --tsa-root: {count} ({authorities}). They prove nothing.",
    ),
    "timestamp-unchecked": (
        "Sellos de tiempo sin comprobar: {count}. Hace falta el extra «time»: pip install '.[time]'.",
        "Time stamps not checked: {count}. That needs the extra “time”: pip install '.[time]'.",
    ),
    "timestamp-ahead": (
        "Sellos de tiempo de puntos de control que no son parte del auditado: {count}.",
        "Time stamps of checkpoints that are no part of the one audited: {count}.",
    ),
    "policy-differs": (
        "El registro publica una política con otros testigos u otro quórum que la que usted fija: averigüe por qué.",
        "The ledger publishes a policy with other witnesses or another quorum than the one you pin: find out why.",
    ),
    "disputed": (
        "Una llave de {actor} se declaró comprometida desde {since} (asiento {index}): {count} asientos en disputa.",
        "A key of {actor} was declared compromised since {since} (entry {index}): {count} entries are in dispute.",
    ),
    "log-key-unpinned": (
        "El registro dice que {vkey} es también su llave: pregunte a los registradores, y si la confirman, fije ambas.",
        "The ledger says that {vkey} is its key too: ask the registrars, and if they confirm it, pin both.",
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

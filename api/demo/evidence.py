"""The invented story of evidence: in a few commitments everything happens that can happen to a piece of evidence.

The printed commitments, levels and links stay as they are. What is linked here is linked beside them: small documents
that are made up (`documents/evidencia-…`), under addresses of a domain that cannot exist, each saying so in its title.
Nobody fetched them from anywhere: the digests are those of the files, which lie in the ledger's `documents/`.

    C8    M1 two verdicts of complete; M2 two that differ, one that was replaced and one withdrawn, and a citizen's
          question that nobody has screened; M3 captured by a program of the coordinator alone, and disputed by an
          assessor without an answer; weights set
    G22   M1 answers a request; the verdict on it is suspended by a dispute, which was answered; M2 a verdict in force;
          M3 amended to come again each half year: the verdict on it has lapsed, and its evidence has aged
    C19   evidence that a dispute took away (upheld); and a page that is gone, whose bytes two organisations captured
    C22   a citizen's dispute admitted, answered and rejected, so the verdict stands; another one not admitted
    C10   evidence from before the plan, a home page, a link withdrawn; a request whose day has passed without an answer
    C11   little reported and more found; it shares its evidence with C12, and nobody says why
    C13   shares its evidence with C14, and the ministry says what each takes from it

The IRM's assessment is closed, with codes and levels; ICEFI's is still open. One institution objects to what was
assessed, and two have filed the report of this week.

Everything is received now, for received times are the log's own. What takes days to come (30 until a dispute counts as
unanswered) is seen by asking for a later day.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from api.demo.cast import INVENTED, Cast, content
from api.demo.consultation import DAY_MS, DOCUMENTS, HOUR_MS, digest_of
from api.signing import Signed
from ledger.statement import format_when

# Programs that capture, of two organisations: one counts as independent, and the coordinator's nowhere.
CAPTURERS: Mapping[str, str] = {"captura-coordinacion": "copret", "captura-icefi": "icefi"}

CODES: Mapping[str, tuple[str, ...]] = {
    "verifiability": ("none", "low", "medium", "high"),
    "relevance": (
        "access_to_information",
        "civic_participation",
        "public_accountability",
        "technology_and_innovation",
        "unclear",
    ),
    "ambition": ("none", "minor", "moderate", "transformative"),
    "early_results": ("worsened", "did_not_change", "marginal", "major", "outstanding"),
}
"""What the IRM of those years coded of each commitment."""

_HOST = "https://evidencia.demostracion.example"
_TYPES = {"csv": ("dataset", "text/csv"), "md": ("document", "text/markdown")}
_CHAIR, _S, _T, _I = "copret:coordinator", "icefi:assessor", "congreso-transparente:assessor", "irm:irm"
_OURS, _THEIRS = "captura-coordinacion:capturer", "captura-icefi:capturer"
_SPAN = {"from": "2014-07-01T06:00:00Z", "until": "2015-10-01T06:00:00Z"}


def words(text: str) -> dict[str, str]:
    """Invented words in the open."""
    return {"text": INVENTED + text}


def evidence(people: Cast, plan: str) -> None:
    """The whole story, commitment by commitment."""
    story = Story(people, plan)
    for tell in (_c8, _g22, _c19, _c22, _c10, _shared, _weeks, _assess):
        tell(story)
        people.settle()


class Story:
    """The cast in one plan: what is said again and again, in few words. Mechanisms are named `C8.M1`."""

    def __init__(self, people: Cast, plan: str) -> None:
        self.people = people
        self.plan = plan

    def id(self, name: str) -> str:
        """The id of a commitment or mechanism."""
        return f"{self.plan}/{name}"

    def say(self, kind: str, *who: str, **fields: Any) -> Signed:
        """A statement of the plan."""
        return self.people.say(kind, *who, plan=self.plan, **fields)

    def link(self, who: str, name: str, title: str, *mechanisms: str, **fields: Any) -> Signed:
        """Evidence at an address that ends in `name`, linked for mechanisms."""
        of = {"for": [self.id(one) for one in mechanisms], "url": f"{_HOST}/{name}", **fields}
        evidence_type = _TYPES.get(name.rpartition(".")[2], ("page", ""))[0]
        shows = INVENTED + "lo que aquí se dice que muestra."
        return self.say("EvidenceLinked", who, title=INVENTED + title, evidence_type=evidence_type, shows=shows, **of)

    def capture(self, link: Signed, name: str, *who: str) -> str:
        """The document captured by each of these, one after the other; its digest."""
        digest = digest_of(f"evidencia-{name}")
        size = (DOCUMENTS / f"evidencia-{name}").stat().st_size
        media_type = _TYPES[name.rpartition(".")[2]][1]
        seen: dict[str, Any] = {"digest": digest, "size": size, "media_type": media_type, "http_status": 200}
        for one in who:
            at = format_when(self.people.now_ms - HOUR_MS)
            self.say("EvidenceCaptured", one, link=link.identity, method="direct", captured_at=at, **seen)
        return digest

    def check(self, link: Signed, who: str, seen: str, **fields: Any) -> None:
        """Somebody looks at the link again."""
        at = format_when(self.people.now_ms)
        self.say("EvidenceChecked", who, link=link.identity, seen=seen, checked_at=at, **fields)

    def verdict(self, who: str, mechanism: str, level: str, digest: str, text: str) -> Signed:
        """A reading of captured bytes."""
        of = {"mechanism": self.id(mechanism), "level": level, "digests": [digest]}
        return self.say("VerdictGiven", who, words=words(text), **of)

    def dispute(self, who: str, link: Signed, mechanism: str, objection: str, text: str) -> Signed:
        """An objection to evidence; a citizen's words are in the vault."""
        said = {"salted_digest": content(text)} if who.endswith(":citizen") else words(text)
        of = {"link": link.identity, "mechanism": self.id(mechanism), "objection": objection}
        return self.say("EvidenceDisputed", who, words=said, **of)

    def answer(self, who: str, to: Signed, disposition: str, text: str, **fields: Any) -> None:
        """What the institution answers."""
        of = {"answers": [to.identity], "disposition": disposition}
        self.say("ResponseGiven", who, words=words(text), **of, **fields)


def _c8(story: Story) -> None:
    segeplan = "segeplan:institution"
    weights = [{"mechanism": story.id(f"C8.M{number}"), "bp": bp} for number, bp in ((1, 2500), (2, 2500), (3, 5000))]
    story.say("WeightsSet", _CHAIR, _S, commitment=story.id("C8"), weights=weights)
    maps = story.link(segeplan, "c8-municipios.csv", "listado de municipios con mapa", "C8.M1", "C8.M2")
    spread = story.link(segeplan, "c8-extension.md", "informe sobre la extensión", "C8.M3")
    listed = story.capture(maps, "c8-municipios.csv", _OURS, _THEIRS)
    story.capture(spread, "c8-extension.md", _OURS)
    story.verdict(_S, "C8.M1", "complete", listed, "la base existe, y tiene los mapas.")
    story.verdict(_I, "C8.M1", "complete", listed, "se comprobó la base.")
    story.verdict(_S, "C8.M2", "substantial", listed, "hay dos municipios piloto completos.")
    story.verdict(_S, "C8.M2", "complete", listed, "hay tres municipios piloto, y eso se prometió.")
    hasty = story.verdict(_T, "C8.M2", "limited", listed, "falta verlos todos.")
    story.people.settle()
    story.say("StatementWithdrawn", f"{_T.partition(':')[0]}:holder", statement=hasty.identity)
    story.verdict(_I, "C8.M2", "limited", listed, "en uno de los tres falta el mapa de potencialidades.")
    story.dispute("vecina-14:citizen", maps, "C8.M2", "absent", "en mi municipio nadie ha visto ese mapa.")
    story.dispute(_S, spread, "C8.M3", "contradicts", "el informe dice que la extensión todavía no se decide.")


def _g22(story: Story) -> None:
    conred = "conred:institution"
    due = {"day": format_when(story.people.now_ms + 15 * DAY_MS)[:10], "precision": "day"}
    ask = {"institution": "conred", "mechanism": story.id("G22.M1"), "due": due}
    request = story.say("EvidenceRequested", _S, words=words("falta el gasto por mes."), **ask)
    for_both = ("G22.M1", "G22.M2")
    spent = story.link(conred, "g22-gastos.csv", "gasto por mes", *for_both, answers=[request.identity])
    story.answer(conred, request, "accepted", "se enlaza el gasto por mes.", led_to=spent.identity)
    half_year = {"precision": "day", "day": "2015-06-30"}
    attended = story.link(conred, "g22-emergencias.csv", "emergencias por semestre", "G22.M3", dated=half_year)
    listed = story.capture(spent, "g22-gastos.csv", _OURS, _THEIRS)
    counted = story.capture(attended, "g22-emergencias.csv", _THEIRS)
    story.verdict(_S, "G22.M1", "complete", listed, "están los tres meses.")
    story.verdict(_S, "G22.M2", "substantial", listed, "el destino se dice, sin contrato.")
    story.verdict(_I, "G22.M3", "limited", counted, "hay dos semestres.")
    disputed = story.dispute(_T, spent, "G22.M1", "altered", "el total de mayo no es el que se publicó antes.")
    story.answer(conred, disputed, "rejected", "el total se corrigió, y la corrección se publicó.")
    often: dict[str, Any] = {"repeats": "recurring", "period_days": 183, "grace_days": 30}
    why = INVENTED + "lo prometido vuelve cada semestre, y así se medirá."
    story.say("MechanismAmended", _CHAIR, _I, mechanism=story.id("G22.M3"), reason=why, **often)


def _c19(story: Story) -> None:
    sat = "sat:institution"
    amounts = story.link(sat, "c19-exenciones.csv", "monto exonerado por año", "C19.M0")
    laws = story.link(sat, "c19-listado.md", "listado de exoneraciones por ley", "C19.M0")
    story.capture(amounts, "c19-exenciones.csv", _OURS, _THEIRS)
    listed = story.capture(laws, "c19-listado.md", _OURS, _THEIRS)
    story.verdict(_T, "C19.M0", "limited", listed, "hay leyes, y faltan montos.")
    disputed = story.dispute(_I, amounts, "C19.M0", "not_relevant", "es un solo año, de antes del plan.")
    story.answer(sat, disputed, "partly", "es cierto que falta lo demás.")
    story.people.settle()
    decided: dict[str, Any] = {"resolution": "upheld", "words": words("no muestra lo que se prometió.")}
    story.say("DisputeResolved", _CHAIR, _S, dispute=disputed.identity, **decided)
    for who in (_OURS, _THEIRS):
        story.check(laws, who, "gone")


def _c22(story: Story) -> None:
    ine = "ine:institution"
    prices = story.link(ine, "c22-precios.csv", "precios de referencia", "C22.M0")
    listed = story.capture(prices, "c22-precios.csv", _OURS, _THEIRS)
    story.verdict(_T, "C22.M0", "substantial", listed, "los precios están, con pocos productos.")
    first = story.dispute("vecino-15:citizen", prices, "C22.M0", "not_theirs", "esos precios los calculó otra entidad.")
    second = story.dispute("vecina-16:citizen", prices, "C22.M0", "absent", "no me gusta ese producto.")
    story.people.settle()
    screened = "DisputeScreened"
    fit, unfit = words("dice qué falla, y se puede comprobar."), words("no dice qué falta en la evidencia.")
    story.say(screened, _S, dispute=first.identity, screening="admitted", words=fit)
    story.say(screened, _I, dispute=second.identity, screening="declined", words=unfit)
    story.answer(ine, first, "rejected", "los calculó el instituto; se publica el método.")
    story.people.settle()
    decided: dict[str, Any] = {"resolution": "rejected", "words": words("el método publicado lo muestra.")}
    story.say("DisputeResolved", _I, dispute=first.identity, **decided)
    story.check(prices, _THEIRS, "alive", digest=listed)


def _c10(story: Story) -> None:
    mspas = "mspas:institution"
    before = {"precision": "year", "day": "2013-01-01"}
    survey = story.link(mspas, "c10-puestos.md", "diagnóstico de 2013", "C10.M0", dated=before)
    story.capture(survey, "c10-puestos.md", _OURS, _THEIRS)
    story.link(mspas, "", "portada de un sitio", "C10.M0")
    mistaken = story.link(mspas, "c10-equivocado", "enlace equivocado", "C10.M0")
    now = story.people.now_ms
    asked, due = format_when(now - 3 * DAY_MS), {"day": format_when(now - 2 * DAY_MS)[:10], "precision": "day"}
    ask = {"institution": "mspas", "mechanism": story.id("C10.M0"), "due": due, "said_at": asked}
    story.say("EvidenceRequested", _I, words=words("¿cuántos puestos atienden hoy?"), **ask)
    story.people.settle()
    taken_back = words("el enlace era de otro compromiso.")
    story.say("StatementWithdrawn", "mspas:holder", statement=mistaken.identity, words=taken_back)


def _shared(story: Story) -> None:
    minfin = "minfin:institution"
    budget, workshops = "minfin-presupuesto.csv", "minfin-talleres.csv"
    for mechanism in ("C11.M0", "C12.M0"):  # the same address, for two commitments
        link = story.link(minfin, budget, "documentos del presupuesto", mechanism)
        listed = story.capture(link, budget, _OURS, _THEIRS)
        if mechanism == "C11.M0":
            story.verdict(_S, mechanism, "substantial", listed, "están casi todos los documentos.")
            story.verdict(_T, mechanism, "substantial", listed, "falta uno.")
    both = story.link(minfin, workshops, "talleres abiertos", "C13.M0", "C14.M0")
    story.capture(both, workshops, _OURS, _THEIRS)
    takes = {"C13": "los talleres y su asistencia.", "C14": "los talleres en que se presentó el sistema."}
    uses = [{"commitment": story.id(code), "takes": INVENTED + text} for code, text in takes.items()]
    story.say("SharedUseExplained", minfin, evidence=[both.identity], uses=uses)


def _weeks(story: Story) -> None:
    day = datetime.fromtimestamp(story.people.now_ms / 1000, UTC).isocalendar()
    week = f"{day.year:04}-W{day.week:02}"
    done = {"progress": INVENTED + "un mapa más.", "action": INVENTED + "se visitó un municipio."}
    entry = {"commitment": story.id("C8"), "mechanism": story.id("C8.M2"), **done}
    for institution, entries in (("segeplan", [entry]), ("conred", [])):
        of: dict[str, Any] = {"institution": institution, "week": week, "entries": entries}
        story.say("WeeklyReportFiled", f"{institution}:institution", **of)


def _assess(story: Story) -> None:
    name = "irm-inventada"
    said = {"C8": "limited", "G22": "substantial", "C19": "limited", "C22": "substantial"}
    open_: dict[str, Any] = {**_SPAN, "methodology": 1}
    story.say("AssessmentOpened", _I, assessment=name, commitments=[story.id(code) for code in said], **open_)
    mine = [story.id("C8"), story.id("G22")]
    story.say("AssessmentOpened", _S, assessment="icefi-inventada", commitments=mine, **open_)

    def assess(who: str, code: str, level: str, assessment: str) -> Signed:
        reason = INVENTED + "según la evidencia que se capturó."
        of: dict[str, Any] = {"commitment": story.id(code), "level": level, "reason": reason, "evidence": []}
        return story.say("CompletionAssessed", who, assessment=assessment, **of)

    for code, level in said.items():
        assessed = assess(_I, code, level, name)
        if code == "C8":
            objection = words("los tres mapas existen, y se pueden ver en la institución.")
            story.say("StatementContested", "segeplan:institution", statement=assessed.identity, words=objection)
    assess(_S, "C8", "substantial", "icefi-inventada")
    codes = {
        "C8": ("medium", "civic_participation", "moderate", "marginal"),
        "G22": ("high", "public_accountability", "minor", "did_not_change"),
        "C19": ("low", "access_to_information", "moderate", "marginal"),
        "C22": ("none", "unclear", "none", "did_not_change"),
    }
    for code, values in codes.items():
        for aspect, value in zip(CODES, values, strict=True):
            coded: dict[str, Any] = {"commitment": story.id(code), "aspect": aspect, "code": value}
            story.say("CommitmentCoded", _I, words=words("así se leyó lo prometido y lo hecho."), **coded)
    story.people.settle()
    story.say("AssessmentClosed", _I, assessment=name, tree_size=story.people.registered)

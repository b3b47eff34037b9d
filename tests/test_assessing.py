"""The desks of investigators and institutions in a real browser, with key files and a real server: from the matrix to a
frozen citation without a command line; what is refused, and why, before anybody signs; and an audit that agrees.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import world as w
from playwright.sync_api import Page, expect
from service import Served, founded_lately, now_ms, put_on_disk
from test_desks import Open, Town, do, look, open_key, sent

from api.cli import run
from ledger.statement import canonical, format_when

__all__ = ["look"]  # a fixture

LIST = b"Lista de municipios priorizados.\n"
REPORT = b"Informe a la coordinadora.\n"
CODES = {
    "verifiability": ["yes", "no"],
    "relevance": ["access_to_information", "civic_participation"],
    "ambition": ["unclear", "modest", "substantial"],
    "early_results": ["marginal", "major"],
}


class Judged(Town):
    """A served ledger with evidence: C8 of SEGEPLAN with three mechanisms, G1 of COPRET with none."""

    def __init__(self, folder: Path) -> None:
        world = founded_lately()
        self.world, self.folder = world, folder
        self.evidence(world)
        put_on_disk(world, folder, free_statements=1_000)
        self.server = Served(folder)

    def evidence(self, world: w.World) -> None:
        """Levels, links, captures and a citizen's dispute."""
        world.say(
            "MethodologyAdopted",
            "copret:coordinator",
            "icefi:assessor",
            version=2,
            parameters=w.METHODOLOGY | {"codes": CODES},
            document=w.digest_of("methodology 2"),
        )
        for number, text in enumerate(("Inserto en el sistema", "Piloto en municipios", "Aplicación nacional"), 1):
            fields = {
                "mechanism": f"{w.C8}.M{number}",
                "text": text,
                "means": "Un documento publicado",
                "repeats": "once",
            }
            world.say("MechanismDefined", "copret:coordinator", **fields)
        for subject, who in ((w.C8, "segeplan"), (w.G1, "copret")):
            world.say(
                "CompletionReported",
                f"{who}:institution",
                subject=subject,
                level="complete",
                reason="Hecho.",
                evidence=[],
            )
        self.list = self.link(
            world, "segeplan", [f"{w.C8}.M2"], "https://datos.example/lista.pdf", "Lista de municipios"
        )
        self.report = self.link(
            world, "segeplan", [f"{w.C8}.M{n}" for n in (1, 2, 3)], "https://datos.example/informe.pdf", "Informe final"
        )
        self.own = self.link(world, "copret", [f"{w.G1}.M0"], "https://datos.example/g1.pdf", "Página de G1")
        for link, content in ((self.list, LIST), (self.report, REPORT)):
            for who in ("captura:capturer", "congreso:assessor"):
                self.capture(world, who, link, content)

    def question(self, who: str, link: str, mechanism: str) -> Any:
        """A citizen's dispute, with its words in the vault."""
        fields = {"link": link, "mechanism": mechanism, "objection": "absent"}
        words = {"words": {"salted_digest": {"$content": {"text": "En la página 3 dice que falta."}}}}
        return self.say(f"{who}:citizen", {"kind": "EvidenceDisputed"} | fields | words)

    def identity(self, statement: Any) -> str:
        """The identity of a statement."""
        return sha256(f"{w.ORIGIN}\n".encode() + canonical(statement) + b"\n").hexdigest()

    def link(self, world: w.World, who: str, serves: list[str], url: str, title: str) -> str:
        """Evidence linked; its identity."""
        fields = {"for": serves, "url": url, "title": title, "evidence_type": "document", "shows": "Lo hecho."}
        return world.say("EvidenceLinked", f"{who}:institution", **fields).opened.identity

    def capture(self, world: w.World, who: str, link: str, content: bytes) -> None:
        """Its bytes, captured."""
        world.say(
            "EvidenceCaptured",
            who,
            link=link,
            digest=sha256(content).hexdigest(),
            size=len(content),
            media_type="application/pdf",
            http_status=200,
            method="direct",
            captured_at=format_when(world.now_ms),
        )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    town = Judged(tmp_path_factory.mktemp("investigacion") / "gt")
    with town.server as server:
        server.folded()
        yield town


def file(content: bytes, name: str = "leido.pdf") -> list[Any]:
    """A file as a form takes it."""
    return [{"name": name, "mimeType": "application/pdf", "buffer": content}]


def press(page: Page, within: str, name: str) -> Any:
    """A button of the list."""
    return page.locator(within).get_by_role("button", name=name).first


def signed_here(town: Judged, page: Page) -> Any:
    """Sign what is under review once the rulebook has said that it admits it; the statement."""
    expect(page.locator(".review .trial")).to_contain_text("El reglamento la admite", timeout=15_000)
    return town.statement(sent(page))


# --- an investigator -------------------------------------------------------------------------------------------------


def test_an_investigator_goes_from_the_matrix_to_a_frozen_citation_without_a_command_line(
    look: Open,
    town: Judged,
    axe_findings: Callable[[Page], list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    town.question("vecina", town.report, f"{w.C8}.M3")
    # The matrix with its filters; from it the view of a commitment's mechanisms, and the standards of the process.
    page = look(f"/planes/{w.PLAN}/comparacion", 1280)
    page.locator("#brecha").check()
    page.locator("form.signs").get_by_role("button", name="Mostrar").click()
    expect(page.get_by_role("status").first).to_contain_text("1 de 3")
    expect(page.get_by_role("link", name="Congelar una cita").first).to_be_visible()
    page.goto(f"{town.server.address}gt/planes/{w.PLAN}/compromisos/C8")
    for words in ("Piloto en municipios", "Un documento publicado", "Dos organizaciones capturaron los mismos bytes"):
        expect(page.locator("main")).to_contain_text(words)
    page.goto(f"{town.server.address}gt/planes/{w.PLAN}/indicadores")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page = look("/mesa/investigacion", 1280)
    open_key(page, "irm", "una frase")
    # The list is that of whoever opened the key.
    expect(page.locator("#organizacion")).to_have_value("irm")
    expect(page.locator("#queue")).to_contain_text("IRM puede juzgar 3 de 3 compromisos")
    page.locator("#ver").select_option("gap")
    press(page, "#queue", "Mostrar").click()
    expect(page.locator(".worklist tbody tr")).to_have_count(1)  # G1: reported complete, nothing captured
    page.locator("#ver").select_option("")
    press(page, "#queue", "Mostrar").click()
    expect(page.locator(".worklist tbody tr")).to_have_count(3)
    assert axe_findings(page) == []

    # An assessment is opened, of all commitments.
    do(page, press(page, "#queue", "Abrir una evaluación"), assessment="irm-2026")
    opened = signed_here(town, page)
    assert (opened["kind"], opened["commitments"]) == ("AssessmentOpened", [w.G1, w.G2, w.C8])
    expect(page.locator("#queue")).to_contain_text("irm-2026")

    # One commitment: a verdict on a mechanism, by a file that was read.
    page.locator("#compromiso").select_option("C8")
    press(page, "#queue", "Mostrar").click()
    expect(page.locator("#elegido")).to_be_visible()
    assert axe_findings(page) == []
    press(page, "#M2", "Dar un dictamen").click()
    page.locator("#work [name='level']").select_option("substantial")
    page.get_by_role("button", name="Revisar antes de firmar").click()
    expect(page.locator("#work .form-fault")).to_contain_text("falta")  # what was read
    page.set_input_files("#work [data-match]", file(b"otro"))
    expect(page.locator("#f-verdict-match-said")).to_contain_text("Nadie ha capturado")
    page.set_input_files("#work [data-match]", file(LIST))
    expect(page.locator("#f-verdict-match-said")).to_contain_text("queda marcado")
    page.locator("#work [name='words']").fill("La lista está, y cubre 163 de 327 municipios.")
    assert axe_findings(page) == []
    # What was begun stays in this browser until it is signed.
    expect(page.locator("#work .kept-said")).to_contain_text("Guardado como borrador")
    press(page, "#work", "Dejarlo").click()
    press(page, "#M2", "Dar un dictamen").click()
    expect(page.locator("#work [name='words']")).to_have_value("La lista está, y cubre 163 de 327 municipios.")
    expect(page.locator("#work .kept-said")).to_contain_text("Aquí está su borrador")
    page.get_by_role("button", name="Revisar antes de firmar").click()
    expect(page.locator(".review")).to_contain_text("C8.M2")
    expect(page.locator(".review")).to_contain_text("Lista de municipios")
    # Whoever signs reads names; the identifiers that are signed stand beside them.
    fields = page.locator(".review dl")
    for words in (f"C8 · Compromiso {w.C8}", "C8.M2 · Piloto en municipios", "Segundo plan de acción", "Sustancial"):
        expect(fields).to_contain_text(words)
    for identifier in (f"{w.C8}.M2", w.PLAN, sha256(LIST).hexdigest()):
        expect(fields.locator(".small.quiet", has_text=identifier).first).to_be_visible()
    assert axe_findings(page) == []
    verdict = signed_here(town, page)
    assert (verdict["kind"], verdict["mechanism"], verdict["level"]) == ("VerdictGiven", f"{w.C8}.M2", "substantial")
    assert verdict["digests"] == [sha256(LIST).hexdigest()]
    assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('constancia/desk/')).length") == 0
    expect(page.locator("#M2")).to_contain_text("Sustancial 2 de 3")
    expect(page.locator("#M2")).to_contain_text("vigente")

    # Codes of the methodology in force, by their names; the level, as part of the assessment.
    do(
        page,
        press(page, "#queue article", "Codificar: Relevancia"),
        code="civic_participation",
        words="Lo dice el texto.",
    )
    expect(page.locator(".review")).to_contain_text("Relevancia")
    coded = signed_here(town, page)
    assert (coded["aspect"], coded["code"]) == ("relevance", "civic_participation")
    press(page, "#queue article", "Dar el nivel del compromiso").click()
    page.locator("#work [name='level']").select_option("limited")
    page.locator("#work [name='reason']").fill("Solo el piloto se muestra.")
    page.get_by_label("Lista de municipios").check()
    page.locator("#work [name='assessment']").select_option("irm-2026")
    page.get_by_role("button", name="Revisar antes de firmar").click()
    fields = page.locator(".review dl")
    expect(fields.get_by_role("link", name="Lista de municipios")).to_be_visible()
    expect(fields).to_contain_text("Limitado")
    level = signed_here(town, page)
    assert (level["level"], level["evidence"], level["assessment"]) == ("limited", [town.list], "irm-2026")

    # Evidence is asked for, by a day; a citizen's dispute is screened, and resolved.
    do(page, press(page, "#M3", "Pedir evidencia"), words="Falta el acta de la aplicación.", due="2030-01-31")
    expect(page.locator(".review dl")).to_contain_text("SEGEPLAN segeplan")
    expect(page.locator(".review dl")).to_contain_text("C8.M3 · Aplicación nacional")
    asked = signed_here(town, page)
    assert (asked["institution"], asked["due"]) == ("segeplan", {"day": "2030-01-31", "precision": "day"})
    expect(page.locator("#queue")).to_contain_text("vence: 31 de enero de 2030")
    do(page, press(page, "#queue", "Examinarla"), screening="admitted", words="Señala una página.")
    screened = signed_here(town, page)
    assert screened["screening"] == "admitted"
    expect(page.locator("#queue")).to_contain_text("quedan 30 días")
    do(page, press(page, "#queue", "Resolverla"), resolution="partly", words="La página existe, sin fecha.")
    resolved = signed_here(town, page)
    assert (resolved["kind"], [one["role"] for one in resolved["by"]]) == ("DisputeResolved", ["irm"])

    # A report is published, its figures beside the record's before anybody signs.
    press(page, "#queue", "Publicar un informe").click()
    for name, value in {"report": "irm-informe", "title": "Informe del IRM"}.items():
        page.locator(f"#work [name='{name}']").fill(value)
    page.locator("#work [name='report_form']").select_option("irm")
    page.set_input_files("#work [name='document']", file(b"El informe."))
    page.locator("#work [name='claims']").fill("Completo: 2 de 3\nlimited: 1 de 3")
    page.get_by_role("button", name="Revisar antes de firmar").click()
    expect(page.locator(".review")).to_contain_text("Completo: 2 de 3, como consta en el registro")
    expect(page.locator(".review")).to_contain_text("Limitado: 1 de 3; en el registro, 0 de 3")
    published = signed_here(town, page)
    assert [one["value"] for one in published["claims"]] == [2, 1]
    assert published["tree_size"] < town.server.size()

    # What was said is taken back by whoever said it, and by nobody else.
    do(page, page.locator("#M2").get_by_role("button", name="Retirarlo"), words="Leí otra versión.")
    assert signed_here(town, page)["kind"] == "StatementWithdrawn"
    expect(page.locator("#M2")).to_contain_text("retirado")

    # The assessment is closed, and the state frozen: a sentence, an address, a file that anybody can rebuild.
    do(page, press(page, "#queue", "Cerrar la evaluación"))
    closed = signed_here(town, page)
    page = look("/mesa/investigacion?organizacion=irm", 1280)
    page.locator("#queue").get_by_role("link", name=f"sobre los primeros {closed['tree_size']} asientos").click()
    assert axe_findings(page) == []
    expect(page.locator("#citation-sentence")).to_contain_text(f"primeros {closed['tree_size']} asientos")
    with page.expect_download() as download:
        page.get_by_role("link", name="Guardar la cita como archivo").click()
    cited = tmp_path / download.value.suggested_filename
    download.value.save_as(cited)
    assert run(["cite", "check", str(cited), "--from", f"{town.server.address.rstrip('/')}/gt", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rebuilt"] is True

    # Its whole assessment, to take away.
    page = look("/evaluaciones/irm", 390)
    assert axe_findings(page) == []
    expect(page.locator("main")).to_contain_text("La lista está, y cubre 163 de 327 municipios.")
    answer = town.server.get("/evaluaciones/irm/csv")
    assert answer.headers["content-type"] == "text/csv; header=present; charset=utf-8"
    taken = answer.body.decode()
    rows = list(csv.DictReader(io.StringIO(taken)))
    assert rows[0]["state"] == "withdrawn"
    assert [row["kind"] for row in rows] == [
        "VerdictGiven",
        "CommitmentCoded",
        "CompletionAssessed",
        "EvidenceRequested",
        "DisputeScreened",
        "DisputeResolved",
    ]
    assert rows[0]["digests"] == sha256(LIST).hexdigest()
    assert {row["commitment"] for row in rows} == {w.C8}
    assert (
        town.server.get("/evaluaciones/irm/json").json["data"][0]["words"]
        == "La lista está, y cubre 163 de 327 municipios."
    )


def test_what_a_key_may_not_judge_is_told_before_anything_is_signed(look: Open, town: Judged) -> None:
    page = look("/en/mesa/investigacion?compromiso=C8", 1280)
    article = page.locator("#queue article")
    expect(article).to_contain_text("May not judge it: SEGEPLAN (it answers or answered for commitment C8)")
    open_key(page, "segeplan")
    expect(article.locator(".barred")).to_contain_text("SEGEPLAN may not judge this")
    expect(article.get_by_role("button", name="Give a verdict").first).to_be_disabled()
    # An institution is no assessor: what it may not sign says so at once.
    press(page, "#M1", "Ask for evidence").click()
    expect(page.locator("#queue-fault")).to_contain_text("holds no such role")

    # The coordinator may assess, but not what it answers for itself; and a draft that the rules refuse is not signed.
    page = look("/mesa/investigacion?compromiso=G1")
    size = town.server.size()
    do(page, press(page, "#queue article", "Dar el nivel"), level="complete", reason="Está hecho.")
    expect(page.locator(".review .trial")).to_contain_text("Cuando su llave esté abierta")
    open_key(page, "copret")
    page.locator(".review .acts button").first.click()
    fault = page.locator(".review .form-fault")
    expect(fault).to_contain_text("no es independiente")
    expect(fault).to_contain_text("responde")
    assert town.server.size() == size


def test_an_institution_answers_adds_evidence_and_reports_and_two_resolve_a_dispute(
    look: Open, town: Judged, axe_findings: Callable[[Page], list[str]]
) -> None:
    asked = town.say(
        "icefi:assessor",
        {
            "kind": "EvidenceRequested",
            "institution": "minfin",
            "mechanism": f"{w.G2}.M0",
            "words": {"text": "¿Dónde está el informe?"},
            "due": {"precision": "day", "day": format_when(now_ms() - 4 * 86_400_000)[:10]},
        },
    )
    page = look("/mesa/institucion?organizacion=copret")
    open_key(page, "minfin")
    page = look("/mesa/institucion")
    open_key(page, "minfin")  # and the list is its own
    expect(page.locator("#queue")).to_contain_text("¿Dónde está el informe?")
    expect(page.locator("#queue")).to_contain_text("vencido hace")
    assert axe_findings(page) == []
    press(page, "#queue", "Añadir evidencia que la responde").click()
    for name, value in {
        "title": "Informe 2026",
        "shows": "El gasto.",
        "url": "https://minfin.example/informe.pdf",
    }.items():
        page.locator(f"#work [name='{name}']").fill(value)
    page.locator("#work [name='evidence_type']").select_option("document")
    assert axe_findings(page) == []
    page.get_by_role("button", name="Revisar antes de firmar").click()
    linked = signed_here(town, page)
    assert (linked["for"], linked["answers"]) == ([f"{w.G2}.M0"], [asked["identity"]])
    do(page, press(page, "#queue", "Contestar"), disposition="accepted", words="Ahí está.")
    answered = signed_here(town, page)
    assert answered["answers"] == [asked["identity"]]
    expect(page.locator("#queue")).to_contain_text("contestada")
    # The week's report, with something for one commitment; and one with nothing to report.
    do(
        page,
        press(page, "#queue", "Informe de la semana"),
        **{"aside-progress": "Se publicó.", "aside-action": "Informe."},
    )
    filed = signed_here(town, page)
    assert filed["entries"] == [{"commitment": w.G2, "progress": "Se publicó.", "action": "Informe."}]
    do(page, press(page, "#queue", "Informe de la semana"))
    assert signed_here(town, page)["entries"] == []
    do(page, press(page, "#queue", "Reportar su nivel"), level="substantial", reason="Falta imprimirlo.")
    reported = signed_here(town, page)
    assert (reported["kind"], reported["subject"], reported["evidence"]) == ("CompletionReported", w.G2, [])
    # What an assessor finds of it is contested.
    found: dict[str, Any] = {
        "kind": "CompletionAssessed",
        "commitment": w.G2,
        "level": "limited",
        "reason": "R",
        "evidence": [],
    }
    town.say("congreso:assessor", found)
    page = look("/mesa/institucion?organizacion=minfin")
    open_key(page, "minfin")
    do(page, press(page, "#queue", "Impugnarlo"), words="No leyó el anexo.")
    assert signed_here(town, page)["kind"] == "StatementContested"

    # What has no form is signed as a draft.
    page.get_by_text("Alguien le dio una declaración").click()
    steps = {"kind": "NextStepsSet", "plan": w.PLAN, "commitment": w.G2, "steps": [{"text": "Imprimirlo."}]}
    page.locator("#part-text").fill(json.dumps(steps))
    page.locator("#part-role").select_option("institution")
    page.get_by_role("button", name="Revisarla").click()
    expect(page.locator(".review")).to_contain_text("MINFIN (institución responsable)")
    assert signed_here(town, page)["steps"] == [{"text": "Imprimirlo."}]

    # An assessor disputes; the coordinator and another assessor resolve, one after the other.
    page = look("/mesa/investigacion?compromiso=G2", 1280)
    open_key(page, "icefi")
    do(page, press(page, "#M0", "Objetar"), objection="absent", words="No dice el gasto.")
    disputed = signed_here(town, page)
    assert disputed["link"] == town.identity(linked)
    page = look("/mesa/investigacion", 1280)
    open_key(page, "copret")
    button = page.locator(f"#queue li[data-identity='{town.identity(disputed)}']").get_by_role(
        "button", name="Resolverla"
    )
    do(page, button, resolution="rejected", words="El gasto está en la página 2.")
    expect(page.locator(".review")).to_contain_text("CONGRESO")  # ICEFI opened it, so it is not offered
    expect(page.locator(".review .trial")).to_contain_text("El reglamento la admite")
    with page.expect_download() as download:
        page.locator(".review .acts button").first.click()
        page.get_by_role("link", name="Guardar el archivo").click(timeout=15_000)
    half = download.value.path().read_bytes()
    page = look("/mesa/investigacion")
    open_key(page, "congreso")
    page.get_by_text("Alguien le dio una declaración").click()
    page.set_input_files("#part-file", file(half, "n.note"))
    page.get_by_role("button", name="Revisarla").click()
    resolved = signed_here(town, page)
    assert [(one["actor"], one["role"]) for one in resolved["by"]] == [
        ("copret", "coordinator"),
        ("congreso", "assessor"),
    ]


def test_the_desk_of_one_commitment_lists_its_own_requests_and_disputes_and_leads_to_all(
    look: Open, town: Judged
) -> None:
    due = {"precision": "day", "day": format_when(now_ms())[:10]}
    for commitment, part, institution in ((w.C8, "M1", "segeplan"), (w.G2, "M0", "minfin")):
        fields = {"institution": institution, "mechanism": f"{commitment}.{part}", "due": due}
        text = {"text": f"¿Qué hay de {commitment}?"}
        town.say("icefi:assessor", {"kind": "EvidenceRequested", "words": text} | fields)
    town.question("zoe", town.list, f"{w.C8}.M2")
    page = look("/mesa/investigacion?compromiso=G2", 1280)
    asked, disputes = page.locator("#solicitudes ~ ol").first, page.locator("#queue li", has_text="Objeción sobre C8")
    expect(asked).to_contain_text(f"¿Qué hay de {w.G2}?")
    expect(asked).not_to_contain_text(f"¿Qué hay de {w.C8}?")
    expect(disputes).to_have_count(0)
    page.get_by_role("link", name="Lo que se pidió de todos los compromisos").click()
    expect(asked).to_contain_text(f"¿Qué hay de {w.C8}?")
    expect(asked).to_contain_text(f"¿Qué hay de {w.G2}?")
    expect(disputes.first).to_be_visible()
    page = look("/mesa/investigacion?compromiso=C8", 1280)
    expect(page.locator("#queue li", has_text="Objeción sobre C8").first).to_be_visible()
    expect(page.locator("#queue")).not_to_contain_text(f"¿Qué hay de {w.G2}?")


@pytest.mark.parametrize(
    "path", ["/mesa", "/mesa/investigacion?compromiso=C8", "/mesa/institucion?organizacion=segeplan"]
)
def test_a_desk_is_read_without_javascript_and_fits_a_small_screen(
    look: Open, axe_findings: Callable[[Page], list[str]], path: str
) -> None:
    page = look("/en" + path, 320)
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page = look(path, java_script_enabled=False)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.locator("#queue button:visible", has_text="dictamen").count() == 0


def test_an_audit_agrees_with_all_that_was_done_here(town: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["audit", f"{town.server.address.rstrip('/')}/gt", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert [finding for finding in report["findings"] if finding["severity"] != "note"] == []
    assert code == 0

"""Sheets of commitments for paper, and two plans side by side: the figures are those of the matrix."""

from collections.abc import Callable, Iterator

import pytest
import world as w
from playwright.sync_api import Page, expect
from test_assessing import Judged
from test_desks import Open, look, open_key, sent

__all__ = ["look"]  # a fixture

OTHER = "gt-2016-2018"


class TwoPlans(Judged):
    """The judged ledger with a second plan of one commitment."""

    def evidence(self, world: w.World) -> None:
        """As there, and the second plan."""
        super().evidence(world)
        w.grant(world, "copret", "coordinator", scope={"plans": [OTHER]})
        span = {"starts": {"precision": "day", "day": "2016-07-01"}, "ends": {"precision": "none"}}
        named = {"title": "Tercer plan", "country": "GT", "cycle": 3, "document": w.digest_of("plan 3")}
        world.say("PlanRegistered", "copret:coordinator", plan=OTHER, **span, **named)
        fields = w.commitment(f"{OTHER}/G1", problem="Un problema.", due={"precision": "year", "day": "2017-01-01"})
        world.say("CommitmentRegistered", "copret:coordinator", plan=OTHER, **fields)
        world.say("CommitmentRegistered", "copret:coordinator", plan=OTHER, **w.commitment(f"{OTHER}/G2"))
        w.grant(world, "copret", "institution", scope={"plans": [OTHER], "institution": "copret"})
        for code in ("G1", "G2"):
            shown = {"title": f"Lo de {code}", "evidence_type": "document", "shows": "Lo hecho."}
            fields = {"for": [f"{OTHER}/{code}.M0"], "url": "https://datos.example/uno.pdf"} | shown
            world.say("EvidenceLinked", "copret:institution", plan=OTHER, **fields)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    town = TwoPlans(tmp_path_factory.mktemp("fichas") / "gt")
    with town.server as server:
        server.folded()
        yield town


def test_each_commitment_has_a_sheet_that_prints_alone_and_names_what_is_missing(
    look: Open, axe_findings: Callable[[Page], list[str]]
) -> None:
    page = look(f"/planes/{w.PLAN}/fichas", 390)
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    sheets = page.locator("article.sheet")
    expect(sheets).to_have_count(3)
    sheet = sheets.filter(has_text="C8 ·")
    for words in (
        "SEGEPLAN",
        "Un objetivo.",
        "Piloto en municipios",
        "Un documento publicado",
        "Completo",
        "Sustancial",
    ):
        expect(sheet).to_contain_text(words)
    expect(sheet).to_contain_text("No consta en este registro: Problema")
    expect(sheets.first).to_contain_text("Hitos con su medio de verificación")  # G1 has none
    page.emulate_media(media="print")
    assert [each.evaluate("e => getComputedStyle(e).breakBefore") for each in sheets.all()][1:] == ["page", "page"]
    alone = look(f"/en/planes/{OTHER}/fichas?compromiso=G1", 1280)
    assert axe_findings(alone) == []
    expect(alone.locator("article.sheet")).to_contain_text("Un problema.")


def test_two_plans_stand_side_by_side_each_figure_with_its_denominator(
    look: Open, town: Judged, axe_findings: Callable[[Page], list[str]]
) -> None:
    page = look(f"/en/planes/{w.PLAN}/junto-a?otro={OTHER}", 390)
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    levels, figures = page.locator("table").all()
    complete = levels.locator("tbody tr").first
    assert [cell.inner_text() for cell in complete.locator("td").all()] == [
        "2 of 3 · 67%",
        "0 of 3 · 0%",
        "0 of 2 · 0%",
        "0 of 2 · 0%",
    ]
    row = figures.locator("tbody tr", has_text="With a gap of two levels or more")
    assert [cell.inner_text() for cell in row.locator("td").all()] == ["1 of 3 · 33%", "0 of 2 · 0%"]
    row = figures.locator("tbody tr", has_text="Not verifiable")
    assert [cell.inner_text() for cell in row.locator("td").all()] == ["2 of 3 · 67%", "2 of 2 · 100%"]
    # What nobody has said of any commitment has no share, and a plan without a last day is called by its identifier.
    row = figures.locator("tbody tr", has_text="The IRM finds less than is reported")
    assert [cell.inner_text() for cell in row.locator("td").all()][1] == "0 of 0"
    expect(page.locator("main")).to_contain_text(f"{OTHER} · 2 commitments.")
    # The second has no methodology of its own: the usual parameters hold, and they are others than those of the first.
    expect(page.locator("main")).to_contain_text("not the same")
    assert town.server.get(f"/planes/{w.PLAN}/junto-a?otro=nada", accept="text/html").status == 404
    assert town.server.get(f"/planes/{w.PLAN}/fichas?compromiso=C99", accept="text/html").status == 404


def test_an_institution_explains_what_each_of_its_commitments_takes_from_one_document(look: Open, town: Judged) -> None:
    page = look(f"/mesa/institucion?plan={OTHER}&organizacion=copret", 1280)
    open_key(page, "copret")
    row = page.locator("#queue tr", has=page.locator(f"a[href$='/{OTHER}/compromisos/G1']"))
    expect(row).to_contain_text("evidencia compartida con otros")
    row.get_by_role("button", name="Explicar un uso compartido").click()
    expect(page.get_by_label("G1 · Lo de G1")).to_be_checked()
    page.locator("#work [name='uses']").fill("G1: la lista\nG2 sin dos puntos")
    page.get_by_role("button", name="Revisar antes de firmar").click()
    expect(page.locator("#work .form-fault")).to_contain_text("no dice qué toma")
    page.locator("#work [name='uses']").fill("G1: la lista\nG2: el mapa")
    page.get_by_role("button", name="Revisar antes de firmar").click()
    # The other commitment has a link of its own to the same document: the rulebook wants both named.
    expect(page.locator(".review .form-fault")).to_contain_text("no está enlazada")
    page.get_by_role("button", name="Corregir").click()
    page.get_by_label("G2 · Lo de G2").check()
    page.get_by_role("button", name="Revisar antes de firmar").click()
    expect(page.locator(".review")).to_contain_text("G2: el mapa")
    expect(page.locator(".review .trial")).to_contain_text("El reglamento la admite")
    said = town.statement(sent(page))
    assert [use["takes"] for use in said["uses"]] == ["la lista", "el mapa"]
    expect(row).not_to_contain_text("evidencia compartida con otros")

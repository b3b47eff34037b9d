"""Two plans of the demonstration: how one gets from one to the other, and what stands side by side."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from service import Served
from test_pages import Read, people, site

from api.demo.build import PLAN, SUCCESSOR

__all__ = ["site"]  # a fixture

Look = Callable[[str, int], Page]


@pytest.fixture
def look(browser: Browser, site: Served) -> Iterator[Look]:
    """Opens a page of the demonstration at a width; what it says on the console fails the test."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def opened(path: str, width: int) -> Page:
        contexts.append(browser.new_context(viewport={"width": width, "height": 844}, reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.on("console", lambda word: trouble.append(word.text))
        page.goto(f"{site.address}gt{path}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.mark.parametrize("width", [390, 1280])
def test_from_the_menu_to_two_plans_and_from_a_figure_to_the_commitments_behind_it(look: Look, width: int) -> None:
    page = look("/", width)
    page.get_by_role("navigation", name="Secciones").get_by_role("link", name="Planes", exact=True).click()
    expect(page.get_by_role("heading", level=2)).to_have_text(
        [
            "Segundo Plan de Acción Nacional de Gobierno Abierto 2014-2016",
            "Inventado para la demostración: plan siguiente, 2016-2018",
        ]
    )
    page.get_by_role("heading", level=2).first.get_by_role("link").click()
    expect(page).to_have_url(re.compile(rf"/gt/planes/{PLAN}$"))
    page.get_by_role("link", name="Póngalo junto a otro plan").click()
    expect(page).to_have_url(re.compile(rf"/gt/planes/{PLAN}/junto-a\?otro={SUCCESSOR}$"))
    expect(page.locator("main")).to_contain_text("se calculan con los mismos parámetros")
    page.get_by_role("row").filter(has_text="Con una brecha de dos niveles o más").get_by_role("link").last.click()
    expect(page).to_have_url(re.compile(rf"/gt/planes/{SUCCESSOR}/comparacion\?brecha=si"))
    expect(page.get_by_role("status").first).to_contain_text("1 de 6")
    expect(page.locator("table.matrix tbody tr")).to_have_count(1)
    expect(page.locator("table.matrix tbody tr")).to_contain_text("compras de emergencia, cada una con su contrato")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(("path", "last"), [(f"/planes/{PLAN}", "6 "), (f"/en/planes/{SUCCESSOR}", "48 ")])
def test_every_figure_stands_with_its_denominator_and_its_share(
    look: Look, width: int, path: str, last: str, axe_findings: Callable[[Page], list[str]]
) -> None:
    page = look(f"{path}/junto-a", width)
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("section.panel").last).to_contain_text(f"{last}com")
    cells = page.locator("table.two-plans td").all_inner_texts()
    assert len(cells) == 5 * 4 + 11 * 2
    # A space before the sign in Spanish, none in English.
    assert all(re.fullmatch(r"\d+ (de|of) (48|6|4|3) · \d+\s?%", cell.strip()) for cell in cells), cells


def test_two_plans_differ_where_the_story_says_so(site: Served) -> None:
    page = Read(people(site, f"/en/planes/{PLAN}/junto-a"))
    for told in (
        "Complete 28 of 48 · 58% 0 of 48 · 0% 3 of 6 · 50% 1 of 6 · 17%",
        "No evidence available 0 of 48 · 0% 39 of 48 · 81% 0 of 6 · 0% 1 of 6 · 17%",
        "Not verifiable 48 of 48 · 100% 0 of 6 · 0%",
        "The evidence reaches more than is reported 1 of 48 · 2% 1 of 6 · 17%",
        "of those that it has assessed 3 of 4 · 75% 1 of 3 · 33%",
        "With a verdict on every mechanism 3 of 48 · 6% 4 of 6 · 67%",
    ):
        assert told in page.text, told
    swapped = Read(people(site, f"/en/planes/{SUCCESSOR}/junto-a"))
    assert "Not verifiable 0 of 6 · 0% 48 of 48 · 100%" in swapped.text
    # Each linked figure is that of the page that it leads to.
    linked = [link for link in page.links if "comparacion?" in link]
    assert len(linked) == 13
    for link in linked:
        found = re.search(
            r"(\d+) of (\d+) commitments? match", Read(people(site, link.removeprefix("/gt").partition("#")[0])).text
        )
        assert found is not None, link
        assert f"{found[1]} of {found[2]} · " in page.text


def test_the_menu_leads_to_the_only_plan_where_there_is_one(site: Served) -> None:
    assert "/gt/planes" in Read(people(site, "/")).links
    before = Read(people(site, "/?at=300"))
    assert f"/gt/planes/{PLAN}?at=300" in before.links
    assert "/gt/planes?at=300" not in before.links
    assert "junto-a" not in people(site, f"/planes/{PLAN}?at=300")
    alone = Read(people(site, f"/planes/{PLAN}/junto-a?at=300"))
    assert "Este registro no tiene otro plan todavía" in alone.text


def test_evidence_of_two_plans_names_the_plan_and_can_be_had_of_one(site: Served) -> None:
    page = Read(people(site, f"/evidencia?plan={SUCCESSOR}"))
    assert "10 de 188 piezas de evidencia" in page.text
    assert f"{SUCCESSOR}/C3" in page.text
    assert f"{PLAN}/" not in re.sub(r"\s", "", page.text)
    assert "178 de 188 piezas de evidencia" in Read(people(site, f"/evidencia?plan={PLAN}")).text


def test_an_entry_of_two_plans_says_of_which_it_is(site: Served) -> None:
    # Both plans have a G2, and the codes of all of the second are in one page of entries.
    coded = Read(people(site, "/asientos?pagina=2"))
    assert SUCCESSOR in coded.text
    assert SUCCESSOR not in Read(people(site, "/asientos?at=300")).text
    assert PLAN not in Read(people(site, "/asientos?at=300")).text  # no other plan was there to be told from


def test_an_institution_and_an_organisation_stand_with_each_of_their_plans(site: Served) -> None:
    for path in ("/instituciones/minfin", "/organizaciones/icefi"):
        page = Read(people(site, path))
        assert {f"/gt/planes/{PLAN}", f"/gt/planes/{SUCCESSOR}"} <= set(page.links)
        assert f"/gt/planes/{SUCCESSOR}/compromisos/G1" in page.links
    exports = Read(people(site, "/exportar"))
    assert exports.links.index(f"#{PLAN}") < exports.links.index(f"#{SUCCESSOR}")


def test_from_a_commitment_one_comes_to_the_desk_of_its_own_plan(site: Served) -> None:
    for plan in (PLAN, SUCCESSOR):
        links = Read(people(site, f"/planes/{plan}/compromisos/C1")).links
        (desk,) = {link for link in links if "/mesa/investigacion?" in link}
        page = Read(people(site, desk.removeprefix("/gt").partition("#")[0]))
        inner = {link for link in page.links if "/mesa/investigacion?" in link}
        assert inner
        assert all(f"plan={plan}" in link for link in inner), inner
        listed = Read(people(site, f"/mesa/investigacion?plan={plan}"))
        rows = [link for link in listed.links if "compromiso=" in link]
        assert rows
        assert all(f"plan={plan}" in link for link in rows)

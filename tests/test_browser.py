"""The pages in a real browser: on a phone and on a desk, without JavaScript, by keyboard, in the dark, on paper.

The first tests show that the browser and axe see what is wrong; the others look at every page of the demonstration.
"""

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from service import Served
from test_pages import HOSTILE_PAGES, PAGES, hostile, site, wait_for
from world import PLAN

__all__ = ["hostile", "site"]  # fixtures


def test_axe_in_chromium_finds_the_faults_of_a_bad_page(page: Page, axe_findings: Callable[[Page], list[str]]) -> None:
    page.set_content("<!doctype html><html><title>x</title><main><h1>Constancia</h1><img src='x'></main></html>")

    found = {finding.split()[0] for finding in axe_findings(page)}

    assert page.get_by_role("heading").inner_text() == "Constancia"
    assert {"html-has-lang", "image-alt"} <= found


def test_axe_finds_nothing_in_a_good_page(page: Page, axe_findings: Callable[[Page], list[str]]) -> None:
    page.set_content("<!doctype html><html lang='es'><title>Constancia</title><main><h1>Constancia</h1></main></html>")

    assert axe_findings(page) == []


def test_chromium_signs_with_ed25519(page: Page) -> None:
    page.route("**/*", lambda route: route.fulfill(body="<!doctype html><title>x</title>"))
    page.goto("http://localhost/")  # WebCrypto exists in secure contexts alone, and localhost is one

    verified = page.evaluate(
        """async () => {
            const keys = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
            const text = new TextEncoder().encode("constancia");
            const signature = await crypto.subtle.sign("Ed25519", keys.privateKey, text);
            return crypto.subtle.verify("Ed25519", keys.publicKey, signature, text);
        }"""
    )

    assert verified is True


# --- every page ------------------------------------------------------------------------------------------------------

ALL = (*PAGES, "/informes/REPORT", "/constancias/RECEIPT", "/nada")


@pytest.fixture(scope="module")
def addresses(site: Served) -> dict[str, str]:
    """Path -> address of every page of the demonstration."""
    found = re.findall(r'href="/gt(/informes/[^"]+)"', site.get("/informes", accept="text/html").body.decode())
    receipt = site.get("/api/entries/80").json["data"]["identity"]
    real = {path: path.replace("/informes/REPORT", found[0]).replace("RECEIPT", receipt) for path in ALL}
    base = site.address.rstrip("/")
    return {language + path: f"{base}/gt{language}{real[path]}" for path in ALL for language in ("", "/en")}


Look = Callable[..., Page]


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    """Opens a page at a width; what it asks of other hosts, and what it says on the console, fails the test."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def opened(
        address: str,
        width: int = 390,
        *,
        javascript: bool = True,
        scheme: Literal["light", "dark"] = "light",
        forced: Literal["active", "none"] = "none",
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            reduced_motion="reduce",
            java_script_enabled=javascript,
            color_scheme=scheme,
            forced_colors=forced,
        )
        contexts.append(context)
        page = context.new_page()
        host = address.split("/")[2]
        page.on("request", lambda request: trouble.append(request.url) if request.url.split("/")[2] != host else None)
        page.on("console", lambda message: trouble.append(message.text) if not is_404(message.text) else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: trouble.append(dialog.message))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert trouble == []


def is_404(message: str) -> bool:
    """The browser's own word on a page that is not there."""
    return "404 (Not Found)" in message


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize(("language", "width"), [("", 390), ("/en", 1280)])
def test_axe_finds_nothing_on_any_page(
    look: Look,
    addresses: dict[str, str],
    axe_findings: Callable[[Page], list[str]],
    path: str,
    language: str,
    width: int,
) -> None:
    page = look(addresses[language + path], width)
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", [path for path in ALL if "?" not in path])
def test_axe_finds_nothing_in_the_dark(
    look: Look, addresses: dict[str, str], axe_findings: Callable[[Page], list[str]], path: str
) -> None:
    page = look(addresses[path], 1280, scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
    assert axe_findings(page) == []


@pytest.mark.parametrize("path", ALL)
def test_enlarged_to_200_percent_no_page_scrolls_sideways(look: Look, addresses: dict[str, str], path: str) -> None:
    page = look(addresses[path], 640)  # a desk of 1280 pixels, of which half as many fit
    assert page.evaluate("document.documentElement.scrollWidth") <= 640


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("language", ["", "/en"])
def test_on_the_smallest_phone_without_javascript_no_page_scrolls_sideways(
    look: Look, addresses: dict[str, str], path: str, language: str
) -> None:
    page = look(addresses[language + path], 320, javascript=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert len(page.locator("main").inner_text()) > 80


def test_filters_work_without_javascript(look: Look, addresses: dict[str, str]) -> None:
    page = look(addresses["/planes/gt-2014-2016"], 390, javascript=False)
    page.get_by_label("Nivel reportado").select_option(label="Limitado")
    page.get_by_label("Propuesto por").select_option(label="Propuesto por el gobierno")
    page.get_by_role("button", name="Mostrar").click()

    expect(page.get_by_role("status")).to_have_text("Coincide 1 de 48 compromisos.")
    expect(page.get_by_role("link", name=re.compile("recursos naturales"))).to_have_count(1 + 1)  # mark and list
    page.get_by_role("link", name="Quitar los filtros").click()
    expect(page.get_by_role("status")).to_have_text("48 compromisos.")


def test_a_claim_is_followed_to_its_proof_by_keyboard(look: Look, addresses: dict[str, str]) -> None:
    page = look(addresses["/planes/gt-2014-2016/compromisos/C8"], 1280)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Ir al contenido")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        if "constancia núm." in focused.inner_text():
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Constancia núm.")
    expect(page.get_by_role("link", name="Descargar la constancia")).to_be_visible()


def test_the_other_language_is_one_step_away(look: Look, addresses: dict[str, str]) -> None:
    page = look(addresses["/planes/gt-2014-2016/compromisos/C8"])
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="Everything said about it, in order")).to_be_visible()
    page.get_by_role("link", name="Español").click()
    expect(page.get_by_role("heading", name="Todo lo que se ha dicho, en orden")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_touched_is_large_enough(look: Look, addresses: dict[str, str], width: int) -> None:
    page = look(addresses["/"], width)
    touched = page.locator(".strip a, nav a, .button")
    for box in touched.evaluate_all("all => all.map(e => e.getBoundingClientRect().toJSON())"):
        assert box["width"] >= 24
        assert box["height"] >= 24


def test_levels_are_told_apart_without_colour(look: Look, addresses: dict[str, str]) -> None:
    page = look(addresses["/"], 1280, forced="active")
    marks = page.locator(".strip").first.locator("use")
    kinds = {mark.get_attribute("href") for mark in marks.all()}
    assert kinds == {"#m-complete", "#m-substantial", "#m-limited"}
    assert page.locator(".strip .label").first.inner_text().startswith("Completo")


def test_on_paper_every_page_names_its_checkpoint(look: Look, addresses: dict[str, str]) -> None:
    page = look(addresses["/planes/gt-2014-2016/compromisos/C8"], 1280)
    foot = page.locator(".on-paper")
    expect(foot).to_be_hidden()
    page.emulate_media(media="print")
    expect(foot).to_be_visible()
    expect(foot).to_contain_text(re.compile(r"constancia\.example/gt, \d+ asientos, raíz [0-9a-f]{64}"))
    expect(page.get_by_role("navigation", name="Secciones")).to_be_hidden()
    # The address of each proof is printed beside it.
    printed = page.locator(".proof").first.evaluate("e => getComputedStyle(e, '::after').content")
    assert "/gt/asientos/" in printed
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().count(b"/Type /Page\n") + page.pdf().count(b"/Type /Page ") >= 1


def test_long_addresses_do_not_push_the_grades_off_the_paper(look: Look, site: Served) -> None:
    page = look(f"{site.address.rstrip('/')}/gt/exportar/{PLAN}/imprimir", 1280)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 900})  # a sheet in portrait, where the wide rules still hold
    assert page.evaluate("document.documentElement.scrollWidth") <= 700


def test_the_codes_of_the_standards_are_said_in_words(look: Look, site: Served) -> None:
    page = look(f"{site.address.rstrip('/')}/gt/planes/{PLAN}/indicadores", 1280)
    expect(page.get_by_text("participación ciudadana: ")).to_be_visible()
    assert re.findall(r"\b[a-z]+_[a-z_]+", page.locator("main").inner_text()) == []


def test_the_highest_grade_is_dark_on_paper(look: Look, site: Served) -> None:
    page = look(f"{site.address.rstrip('/')}/gt/planes/{PLAN}/compromisos/G22", 1280)
    page.emulate_media(media="print")
    assert page.locator(".grade-4").first.evaluate("e => getComputedStyle(e).color") == "rgb(0, 0, 0)"


@pytest.mark.parametrize("path", HOSTILE_PAGES)
def test_hostile_texts_do_nothing_in_a_browser(
    look: Look, hostile: Served, axe_findings: Callable[[Page], list[str]], path: str
) -> None:
    wait_for(hostile, "/consultas/ronda-1", 'class="answer"')
    for width in (320, 1280):
        page = look(f"{hostile.address.rstrip('/')}/gt{path}", width)
        page.mouse.move(200, 400)
        assert page.evaluate("window.pwned") is None
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe_findings(page) == []

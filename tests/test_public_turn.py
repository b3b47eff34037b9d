"""One comment, as people live it: a citizen on a phone, moderators and the coordinator at their desks, and an
auditor who replays everything after each step. A real server, real key files, a real browser that is closed and opened.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import plaza
import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page, expect
from service import Served
from test_commenting import act, go, review, saved, sign, write
from test_desks import do, item, open_key, sent
from test_pages import ready

from api.cli import run

TEXT = "Que el anexo diga cuánto costó cada mesa."
Phone = Callable[[], BrowserContext]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    plaza.put_plaza(tmp_path / "gt")
    with Served(tmp_path / "gt") as server:
        yield ready(server)


@pytest.fixture
def phone(browser_type: BrowserType, browser_type_launch_args: dict[str, Any], tmp_path: Path) -> Iterator[Phone]:
    """A browser with a memory of its own: what is opened anew is the same phone, after it was switched off."""
    opened: list[BrowserContext] = []

    def switched_on() -> BrowserContext:
        how: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
        opened.append(browser_type.launch_persistent_context(tmp_path / "phone", **browser_type_launch_args, **how))
        return opened[-1]

    yield switched_on
    opened[-1].close()


@pytest.fixture
def audited(served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[], None]:
    """An auditor who goes on from what was verified before, and from the beginning as well."""

    def agrees() -> None:
        for memory in ([], ["--trusted", str(tmp_path / "trusted"), "--texts"]):
            code = run(["audit", f"{served.address}gt", "--json", *memory])
            report = json.loads(capsys.readouterr().out)
            assert (report["findings"], code) == ([], 0)

    return agrees


def desk(browser: Any, served: Served, path: str, key: str) -> Page:
    """The desk of somebody in office, with their key file opened."""
    page = browser.new_page()
    page.goto(f"{served.address}gt{path}")
    page.locator("#desk[data-ready]").wait_for(state="attached")
    open_key(page, key, "una frase")
    return page


@pytest.mark.slow
def test_a_comment_from_a_phone_to_an_answer_and_a_change(
    browser: Any, phone: Phone, served: Served, audited: Callable[[], None]
) -> None:
    # On a phone: from the front page to the round, to a part of its document, and to a signed comment.
    context = phone()
    page = context.new_page()
    page.goto(f"{served.address}gt/")
    page.get_by_role("link", name="Consultas").first.click()
    page.locator(f"main a[href$='/consultas/{plaza.OPEN}']").first.click()
    page.locator(f"main a[href*='/consultas/{plaza.OPEN}/comentar']").first.click()
    page.locator("[data-ready]").wait_for(state="attached")
    write(page, TEXT, about="anexo", position="for")
    review(page)
    told = sign(page)
    receipt = saved(page, "#done-receipt")[1]
    assert told["identity"].encode() in receipt or receipt.startswith(b"c2sp.org/tlog-proof@v1")
    served.folded()
    audited()
    context.close()

    # A moderator withholds it.
    comment = {"index": int(told["number"])}
    office = desk(browser, served, f"/mesa/moderacion?ronda={plaza.OPEN}", "vigilante")
    do(office, item(office, comment).get_by_role("button", name="Retener"), ground="spam", rule="Regla 4")
    sent(office)
    audited()
    code = told["identity"][:12]
    assert TEXT not in served.get(f"/comentarios/{code}", accept="text/html").body.decode()

    # The phone is switched on again; its owner comes back by the code, reads what was done, and appeals.
    context = phone()
    page = go(context.new_page(), served, "/comentarios")
    page.locator("input[name=codigo], #codigo, input[name=code]").first.fill(told["code"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/comentarios/{code}*")
    page.locator("[data-ready]").wait_for(state="attached")
    expect(page.locator("main")).to_contain_text("Regla 4")
    act(page, "appeal", words="No vendo nada: pregunto por un gasto.")
    served.folded()
    audited()
    context.close()

    # Another organisation decides, and shows the text again.
    office = desk(browser, served, f"/mesa/moderacion?ronda={plaza.OPEN}", "jurado")
    case = office.locator("#queue ol").first.locator(f"li[data-number='{comment['index']}']")
    decide = case.get_by_role("button", name="Decidir la apelación")
    do(office, decide, decision="overturned", words="Es una pregunta legítima.")
    sent(office)
    audited()
    do(office, item(office, comment).get_by_role("button", name="Restaurar"), words="Se muestra de nuevo.")
    sent(office)
    audited()

    # The coordinator answers.
    office = desk(browser, served, f"/mesa/coordinacion?ronda={plaza.OPEN}", "copret")
    office.locator(f"#t{comment['index']}").check()
    office.get_by_role("button", name="Contestar de una vez los marcados").click()
    office.locator("#work [name='disposition']").select_option("accepted")
    office.locator("#work [name='words']").fill("El costo de cada mesa irá en el anexo.")
    office.locator("#work form button[type=submit]").click()
    office.locator(".review").wait_for()
    sent(office)
    served.folded()
    audited()

    # And the phone shows the answer.
    page = go(phone().new_page(), served, f"/comentarios/{code}")
    for words in (TEXT, "El costo de cada mesa irá en el anexo.", "Es una pregunta legítima."):
        expect(page.locator("main")).to_contain_text(words)

"""The desks in a real browser, with real key files and a real server: what moderators and coordinators do from there,
by keyboard and on a telephone, in both languages; and that an audit agrees with all of it.
"""

import json
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import world as w
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from service import Served, founded_lately, now_ms, put_on_disk, until
from test_keyfiles import PHRASE

from api.cli import run
from api.keyfiles import format_key_file
from api.signing import Signed, sign_draft
from ledger.statement import format_when

RULES = w.digest_of("rules")
NASTY = "Ese alcalde vive en la 5a calle 3-21.\nY el plan está bien.\u202e"


class Town:
    """A served ledger with two moderators, and people who comment."""

    def __init__(self, folder: Path) -> None:
        world = founded_lately()
        w.second_moderator(world)
        w.add_actor(world, "tercero", "organisation")
        before = world.now_ms - 3_600_000
        past: dict[str, Any] = {"opens": format_when(before), "closes": format_when(world.now_ms + 1_000)}
        world.open_round(round="ronda-0", concerns="plan_draft", **past)
        world.now_ms += 1_000
        put_on_disk(world, folder, free_statements=1_000)  # one machine speaks for everybody
        self.world, self.folder = world, folder
        self.server = Served(folder)

    def say(self, who: str, draft: dict[str, Any], **named: str) -> Any:
        """Register a statement as a program of somebody's would: `maria:citizen`."""
        name, _, role = who.partition(":")
        key = w.key_of(name)
        by = {"key": w.public(name), "role": role} | ({} if role == "citizen" else {"actor": name})
        signed: Signed = sign_draft({"plan": w.PLAN} | draft, w.ORIGIN, [key], by=[by], now_ms=now_ms())
        answer = self.server.request(
            "POST", f"{self.server.path}/statements", signed.body, {"content-type": signed.media_type}
        )
        assert answer.status == 201, answer.body
        self.server.folded()
        return answer.json

    def comment(self, text: str, **more: Any) -> Any:
        """A comment of somebody new; their name is in the answer."""
        who = f"persona-{secrets.token_hex(4)}"
        content = {"text": text} | {name: more.pop(name) for name in ("name", "place") if name in more}
        draft = {
            "kind": "CommentSubmitted",
            "round": "ronda-1",
            "version": 1,
            "about": "whole",
            "salted_digest": {"$content": content},
        }
        return self.say(f"{who}:citizen", draft | more) | {"who": who}

    def target(self, comment: Any) -> dict[str, str]:
        """Its text, as acts of moderation name it."""
        entry = self.server.get(f"/api/entries/{comment['index']}").json["data"]
        line = json.loads(entry["note"].split("\n")[1])
        return {"statement": comment["identity"], "salted_digest": line["salted_digest"]}

    def statement(self, index: int) -> Any:
        """The statement of an entry."""
        self.server.folded()
        entry = self.server.get(f"/api/entries/{index}").json["data"]
        return json.loads(entry["note"].split("\n")[1])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    town = Town(tmp_path_factory.mktemp("mesa") / "gt")
    with town.server as server:
        server.folded()
        yield town


Open = Callable[..., Page]


@pytest.fixture
def look(browser: Browser, town: Town) -> Iterator[Open]:
    """Opens a desk in a fresh browser; requests to other hosts and words on the console fail the test."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def opened(path: str, width: int = 390, **how: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 844}, reduced_motion="reduce", **how)
        contexts.append(context)
        page = context.new_page()
        ours = (town.server.address, "blob:")
        page.on("request", lambda each: trouble.append(each.url) if not each.url.startswith(ours) else None)
        page.on("console", lambda word: trouble.append(word.text) if not is_refusal(word.text) else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(f"{town.server.address.rstrip('/')}/gt{path}")
        if how.get("java_script_enabled", True) and "/mesa/" in path:
            page.locator("#desk[data-ready]").wait_for(state="attached")
        return page

    yield opened
    for context in contexts:
        assert context.cookies() == []
        context.close()
    assert trouble == []


def is_refusal(word: str) -> bool:
    """Chromium's own line on a request that was refused, which tests of refusals bring about."""
    return bool(re.match(r"Failed to load resource: .* (?:403|404|409|422) ", word))


def open_key(page: Page, name: str, phrase: str = "") -> None:
    """Choose a key file, write its passphrase, and wait until it is open."""
    file = format_key_file(w.key_of(name), phrase.encode() or None)
    page.set_input_files("#key-file", [{"name": name, "mimeType": "text/plain", "buffer": file}])
    page.locator("#key-phrase").fill(phrase)
    page.locator("#key-open").click()
    expect(page.locator("#key-close")).to_be_visible(timeout=30_000)


def item(page: Page, comment: Any) -> Locator:
    """A comment in the list."""
    return page.locator(f"#queue li[data-number='{comment['index']}']").last


def sent(page: Page) -> int:
    """Sign what is under review, and send it; the index that it got."""
    page.evaluate("delete document.getElementById('work').dataset.index")
    page.locator(".review .acts button").first.click()
    page.locator("#work[data-index] h2").wait_for(timeout=15_000)
    return int(str(page.locator("#work").get_attribute("data-index")))


def do(page: Page, button: Locator, **fields: str) -> None:
    """Press a button of the list, fill in its form, and go to the review."""
    button.click()
    for name, value in fields.items():
        field = page.locator(f"#work [name='{name}']")
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.locator("#work form button[type=submit]").click()
    page.locator(".review").wait_for()


# --- reading ---------------------------------------------------------------------------------------------------------

DESKS = ("/mesa", "/mesa/moderacion", "/mesa/coordinacion")


@pytest.mark.parametrize("path", DESKS)
@pytest.mark.parametrize(("language", "width"), [("", 390), ("/en", 1280), ("", 320)])
def test_axe_finds_nothing_on_a_desk(
    look: Open, town: Town, axe_findings: Callable[[Page], list[str]], path: str, language: str, width: int
) -> None:
    town.comment(NASTY, name="Fulana de Tal", place="Xela")
    page = look(language + path, width)
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", DESKS)
def test_without_javascript_a_desk_is_read_and_says_that_nothing_is_signed_there(look: Open, path: str) -> None:
    page = look(path, java_script_enabled=False)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.locator("button:visible", has_text="Retener").count() == 0
    if path != "/mesa":
        expect(page.locator("#desk-closed")).to_contain_text("no ejecuta JavaScript")


def test_a_text_with_characters_that_cannot_be_seen_is_flagged(look: Open, town: Town) -> None:
    comment = town.comment(NASTY)
    page = look("/mesa/moderacion")
    expect(item(page, comment)).to_contain_text("1 carácter que no se ve")
    expect(item(page, comment)).to_contain_text("U+202E")


def test_the_list_goes_back_in_pages_and_keeps_the_key(look: Open, town: Town) -> None:
    made = [town.comment(f"Comentario de la lista {number}.") for number in range(52)]
    page = look("/mesa/moderacion?ronda=ronda-1", 1280)
    open_key(page, "vigilante")
    expect(item(page, made[-1])).to_be_visible()
    assert page.locator(f"#queue li[data-number='{made[0]['index']}']").count() == 0
    numbers = [int(each.get_attribute("data-number") or 0) for each in page.locator("#queue li[data-number]").all()]
    assert numbers[-50:] == sorted(numbers[-50:], reverse=True)
    page.get_by_role("link", name="Página siguiente").click()
    expect(item(page, made[0])).to_be_visible()
    expect(page.locator("#key-close")).to_be_visible()
    assert "antes=" in page.url
    page.go_back()
    expect(item(page, made[-1])).to_be_visible()


# --- the key ---------------------------------------------------------------------------------------------------------


def test_a_key_says_whose_it_is_and_a_wrong_one_why_not(look: Open, town: Town) -> None:
    page = look("/mesa/moderacion")
    locked = format_key_file(w.key_of("vigilante"), PHRASE)
    fault = page.locator("#key-fault")
    page.locator("#key-open").click()
    expect(fault).to_contain_text("Elija el archivo")
    for content, says in {
        b"una foto": "no es una llave privada",
        locked[:200]: "cortado",
        format_key_file(w.key_of("nadie"), None): "no conoce esta llave",
        locked: "escriba su frase",
    }.items():
        page.set_input_files("#key-file", [{"name": "k", "mimeType": "text/plain", "buffer": content}])
        page.locator("#key-open").click()
        expect(fault).to_contain_text(says)
    page.locator("#key-phrase").fill("otra")
    page.locator("#key-open").click()
    expect(fault).to_contain_text("no es la frase", timeout=30_000)
    page.locator("#key-phrase").fill(PHRASE.decode())
    page.keyboard.press("Enter")
    expect(page.locator("#key-said")).to_contain_text("VIGILANTE", timeout=30_000)
    expect(page.locator("#key-said")).to_contain_text("moderación")
    assert page.locator("#key-phrase").input_value() == ""
    assert page.evaluate("[localStorage.length, sessionStorage.length, indexedDB.databases().then(all => all.length)]")[
        :2
    ] == [0, 0]
    page.locator("#key-close").click()
    expect(page.locator("#key-said")).to_contain_text("olvidada")


def test_what_a_key_may_not_touch_is_told_in_its_place(look: Open, town: Town) -> None:
    about = town.comment("Sobre la red de agua.", about=w.C8)
    page = look("/en/mesa/moderacion", 1280)
    expect(item(page, about)).to_contain_text("May not moderate it: SEGEPLAN (it answers for commitment C8)")
    expect(item(page, about)).to_contain_text("COPRET (it opened this consultation itself)")
    open_key(page, "copret")
    expect(item(page, about).locator(".barred")).to_contain_text("it opened this consultation itself")
    expect(item(page, about).get_by_role("button", name="Withhold")).to_be_disabled()


# --- moderation ------------------------------------------------------------------------------------------------------


def test_withheld_appealed_decided_by_another_organisation_and_restored(
    look: Open, town: Town, axe_findings: Callable[[Page], list[str]], tmp_path: Path
) -> None:
    comment = town.comment(NASTY.replace("5a calle", "7a calle"), name="Fulana de Tal", place="Xela")  # no other's
    page = look("/mesa/moderacion")
    open_key(page, "vigilante", "una frase")
    do(page, item(page, comment).get_by_role("button", name="Retener"), ground="personal_data", rule="Regla 2")
    expect(page.locator(".review")).to_contain_text("VIGILANTE (moderación)")
    expect(page.locator(".review")).to_contain_text("contiene datos personales")
    assert axe_findings(page) == []
    withheld = sent(page)
    assert axe_findings(page) == []
    assert "undefined" not in page.locator("#work").inner_text()
    said = town.statement(withheld)
    assert (said["kind"], said["ground"], said["rule"]) == ("ContentWithheld", "personal_data", "Regla 2")
    assert said["target"] == town.target(comment)
    with page.expect_download() as download:
        page.get_by_role("link", name="Guardar la constancia").click()
    kept = tmp_path / download.value.suggested_filename
    download.value.save_as(kept)
    policy = tmp_path / "policy"
    policy.write_bytes(town.server.get("/policy").body)
    assert run(["verify", str(kept), "--policy", str(policy)]) == 0
    # Nobody reads it now, on this page or by the API; whoever decides does.
    expect(item(page, comment)).to_contain_text("retenido")
    assert "7a calle" not in town.server.get("/mesa/moderacion", accept="text/html").body.decode()
    before = looks(town)
    item(page, comment).get_by_role("button", name="Leer el texto retenido").click()
    expect(item(page, comment).locator(".sealed")).to_contain_text("7a calle 3-21")
    assert axe_findings(page) == []
    assert looks(town) == before + 1
    assert "7a calle" not in town.server.log()

    appeal = {
        "kind": "ModerationAppealed",
        "target": town.target(comment),
        "salted_digest": {"$content": {"text": "Es una oficina pública."}},
    }
    town.say(f"{comment['who']}:citizen", appeal)

    # Its own organisation may not decide.
    page = look("/mesa/moderacion")
    open_key(page, "vigilante")
    case = page.locator("#queue ol").first.locator(f"li[data-number='{comment['index']}']")
    expect(case).to_contain_text("apelado")
    expect(case.get_by_role("button", name="Decidir la apelación")).to_be_disabled()
    expect(case.locator(".barred")).to_contain_text("la decide otra")
    expect(case.get_by_role("button", name="Restaurar")).to_be_enabled()  # it may undo its own act

    page = look("/mesa/moderacion", 1280)
    open_key(page, "jurado")
    case = page.locator("#queue ol").first.locator(f"li[data-number='{comment['index']}']")
    do(
        page,
        case.get_by_role("button", name="Decidir la apelación"),
        decision="overturned",
        words="Es dirección oficial.",
    )
    expect(case.locator("blockquote").last).to_have_text("Es una oficina pública.")
    decided = town.statement(sent(page))
    assert (decided["kind"], decided["decision"]) == ("AppealDecided", "overturned")
    # What was won and is still hidden waits on top of the desk.
    again = look("/mesa/moderacion")
    due = again.locator("#queue ol").first.locator(f"li[data-number='{comment['index']}']")
    expect(due).to_contain_text("Su autor ganó la apelación")
    do(page, item(page, comment).get_by_role("button", name="Restaurar"), words="La apelación tenía razón.")
    restored = town.statement(sent(page))
    assert (restored["kind"], restored["words"]) == ("ContentRestored", {"text": "La apelación tenía razón."})
    expect(item(page, comment)).to_contain_text("7a calle 3-21")


def looks(town: Town) -> float:
    """How many sealed texts were shown so far."""
    found = re.search(r'sealed_texts_read_total\{ledger="gt"\} ([0-9.]+)', town.server.get("//metrics").body.decode())
    return float(found[1]) if found else 0.0


def test_passages_are_blanked_out_by_keyboard_and_nothing_else_changes(look: Open, town: Town) -> None:
    comment = town.comment("Vive en la 5a calle. El plan está bien.", name="Fulana", place="Xela")
    page = look("/en/mesa/moderacion", 1280)
    open_key(page, "vigilante")
    item(page, comment).get_by_role("button", name="Blank out passages").click()
    field = page.locator("#work [name='salted_digest']")
    expect(field).to_have_value("Vive en la 5a calle. El plan está bien.")
    field.focus()
    page.keyboard.type("nothing of this is typed")
    field.evaluate("e => e.setSelectionRange(0, 20)")
    page.get_by_role("button", name="Blank out what is marked").click()
    expect(field).to_have_value("[…] El plan está bien.")
    page.get_by_role("button", name="Undo the last one").click()
    expect(field).to_have_value("Vive en la 5a calle. El plan está bien.")
    page.locator("#work [name='ground']").select_option("personal_data")
    page.locator("#work [name='rule']").fill("Rule 2")
    page.get_by_role("button", name="Review before signing").click()
    expect(page.locator("#work .form-fault")).to_contain_text("nothing has been blanked out")
    field.evaluate("e => e.setSelectionRange(0, 20)")
    page.get_by_role("button", name="Blank out what is marked").click()
    page.locator("#work [name='aside-name']").uncheck()
    page.get_by_role("button", name="Review before signing").click()
    expect(page.locator(".review")).to_contain_text("[…] El plan está bien.")
    expect(page.locator(".review")).not_to_contain_text("Fulana")
    redacted = town.statement(sent(page))
    assert (redacted["kind"], redacted["target"]) == ("ContentRedacted", town.target(comment))
    expect(item(page, comment)).to_contain_text("[…] El plan está bien.")


@pytest.mark.parametrize("by", ["file", "text"])
def test_two_moderators_of_two_organisations_erase(
    look: Open, town: Town, axe_findings: Callable[[Page], list[str]], by: str
) -> None:
    comment = town.comment("Un texto que hay que borrar.")
    page = look("/mesa/moderacion")
    open_key(page, "vigilante")
    do(
        page,
        item(page, comment).get_by_role("button", name="Pedir que se borre"),
        ground="legal_order",
        authority="Juzgado",
    )
    assert town.statement(sent(page))["kind"] == "ErasureRequested"
    expect(page.locator("#queue ol").first).to_contain_text("Un texto que hay que borrar.")

    button = item(page, comment).get_by_role("button", name="Borrar, con un segundo moderador")
    do(page, button, ground="requested", rule="Regla 4")
    expect(page.locator(".review")).to_contain_text("JURADO (moderación)")
    size = town.server.size()
    with page.expect_download() as download:
        page.locator(".review .acts button").first.click()
        expect(page.locator("#work")).to_contain_text("Entregue este archivo a JURADO", timeout=15_000)
        page.get_by_role("link", name="Guardar el archivo").click()
    assert axe_findings(page) == []
    half = download.value.path().read_bytes()
    assert page.locator("#half-text").input_value().encode() == half
    assert town.server.size() == size  # nothing is registered yet

    page = look("/mesa/moderacion", 1280)
    page.get_by_text("Alguien le dio una declaración").click()
    if by == "file":
        page.set_input_files("#part-file", [{"name": "n", "mimeType": "text/plain", "buffer": half}])
    else:
        page.locator("#part-text").fill(half.decode())
    page.get_by_role("button", name="Revisarla").click()
    expect(page.locator(".review")).to_contain_text("VIGILANTE")
    assert axe_findings(page) == []
    page.locator(".review .acts button").first.click()
    expect(page.locator(".review .form-fault")).to_contain_text("Abra primero su llave")
    open_key(page, "jurado")
    erased = town.statement(sent(page))
    assert (erased["kind"], erased["stores"]) == ("ContentErased", ["vault"])
    assert [signer["actor"] for signer in erased["by"]] == ["vigilante", "jurado"]
    expect(item(page, comment)).to_contain_text("borrado")
    assert "hay que borrar" not in town.server.get("/mesa/moderacion", accept="text/html").body.decode()


def test_what_was_changed_on_the_way_or_is_no_statement_is_not_signed(look: Open, town: Town) -> None:
    page = look("/en/mesa/moderacion")
    page.get_by_text("Somebody gave you a statement").click()
    fault = page.locator("#part-fault")
    page.get_by_role("button", name="Review it").click()
    expect(fault).to_contain_text("Choose the file")
    note = town.world.sign("LedgerOpened", *w.FOUNDERS, **w.founding()).decode()
    for text in ("hola", note.replace("ICEFI", "OTRA"), note.replace(w.ORIGIN, "otra.example/gt")):
        page.locator("#part-text").fill(text)
        page.get_by_role("button", name="Review it").click()
        expect(fault).to_contain_text("cannot be signed")


def test_a_refusal_says_what_to_do(look: Open, town: Town) -> None:
    comment = town.comment("Otro.")
    page = look("/mesa/moderacion")
    open_key(page, "vigilante")
    button = item(page, comment).get_by_role("button", name="Retener")
    do(page, button, ground="spam", rule="Regla 1")
    # Meanwhile another moderator has done it.
    done = {
        "kind": "ContentWithheld",
        "target": town.target(comment),
        "ground": "spam",
        "rule": "Regla 1",
        "appeal_until": format_when(now_ms() + 86_400_000),
    }
    town.say("jurado:moderator", done)
    page.locator(".review .acts button").first.click()
    fault = page.locator(".review .form-fault")
    expect(fault).to_contain_text("Alguien lo hizo antes")
    expect(fault).to_contain_text("no está en un estado")


def test_a_form_says_which_field_is_wrong_and_leads_to_it(look: Open, town: Town) -> None:
    comment = town.comment("Otro más.")
    page = look("/mesa/moderacion")
    item(page, comment).get_by_role("button", name="Retener").click()
    page.get_by_role("button", name="Revisar antes de firmar").click()
    expect(page.locator("#work .form-fault")).to_contain_text("Motivo: falta")
    expect(page.locator("#work [name='ground']")).to_be_focused()
    page.locator("#work [name='ground']").select_option("spam")
    page.locator("#work [name='rule']").fill("Regla 1")
    page.locator("#work [name='appeal_until']").fill("muchos")
    page.get_by_role("button", name="Revisar antes de firmar").click()
    expect(page.locator("#work .form-fault")).to_contain_text("número entero")
    page.get_by_role("button", name="Dejarlo").click()
    expect(item(page, comment).get_by_role("button", name="Retener")).to_be_focused()


def test_withholding_by_keyboard_alone(look: Open, town: Town) -> None:
    comment = town.comment("Con el teclado.")
    page = look("/mesa/moderacion", 1280)
    open_key(page, "vigilante")
    item(page, comment).get_by_role("button", name="Retener").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#work")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("Contiene datos")
    page.keyboard.press("Tab")
    page.keyboard.type("Regla 9")
    page.keyboard.press("Enter")
    expect(page.locator("#review-heading")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        if page.locator(":focus").inner_text() == "Firmar y enviar":
            break
    page.keyboard.press("Enter")
    page.locator("#work[data-index]").wait_for(timeout=15_000)
    said = town.statement(int(str(page.locator("#work").get_attribute("data-index"))))
    assert (said["ground"], said["rule"]) == ("personal_data", "Regla 9")


# --- coordination ----------------------------------------------------------------------------------------------------


def local(ms: int) -> str:
    """A time as the form takes it: on the ledger's clock, UTC-6."""
    return format_when(ms - 6 * 3_600_000)[:16]


def test_a_round_is_opened_extended_published_and_another_counted(
    look: Open, town: Town, axe_findings: Callable[[Page], list[str]]
) -> None:
    page = look("/mesa/coordinacion", 1280)
    open_key(page, "copret", "una frase")
    page.get_by_role("button", name="Abrir una consulta").click()
    document = b"El borrador del plan.\n"
    page.set_input_files(
        "#work [name='document']", [{"name": "plan.txt", "mimeType": "text/plain", "buffer": document}]
    )
    page.set_input_files(
        "#work [name='rules']", [{"name": "reglas.txt", "mimeType": "text/plain", "buffer": b"Reglas."}]
    )
    page.locator("#work [name='round']").fill("ronda-2")
    page.locator("#work [name='concerns']").select_option("plan_draft")
    page.locator("#work [name='parts']").fill("metas: Metas e indicadores\nPresupuesto y plazos")
    opens, closes = now_ms() - 60_000, now_ms() + 86_400_000
    page.locator("#work [name='opens']").fill(local(opens))
    page.locator("#work [name='closes']").fill(local(closes))
    expect(page.locator("#f-open-closes-hint")).to_contain_text(f"{format_when(closes)[:16]}:00Z")
    page.locator("#work [name='late']").select_option("refuse")
    page.locator("#work [name='answer_by']").fill("2030-01-31")
    assert axe_findings(page) == []
    page.get_by_role("button", name="Revisar antes de firmar").click()
    expect(page.locator(".review")).to_contain_text("31 de enero de 2030")
    opened = town.statement(sent(page))
    assert opened["document"] == w.sha256(document).hexdigest()
    assert opened["parts"] == [
        {"part": "metas", "title": "Metas e indicadores"},
        {"part": "presupuesto-y-plazos", "title": "Presupuesto y plazos"},
    ]
    assert (opened["langs"], opened["answer_by"]) == (["es-GT"], {"day": "2030-01-31", "precision": "day"})
    assert opened["closes"] == f"{format_when(closes)[:16]}:00Z"

    page.goto(f"{town.server.address}gt/mesa/coordinacion?ronda=ronda-2")
    page.locator("#desk[data-ready]").wait_for(state="attached")
    open_key(page, "copret")
    later = closes + 7 * 86_400_000
    do(page, page.get_by_role("button", name="Prorrogar"), closes=local(later), reason="Lo pidieron.")
    assert town.statement(sent(page))["closes"] == f"{format_when(later)[:16]}:00Z"

    comment = town.comment("Falta un indicador.", round="ronda-2", about="metas")
    page.get_by_role("button", name="Publicar una versión").click()
    page.set_input_files(
        "#work [name='document']", [{"name": "2.txt", "mimeType": "text/plain", "buffer": b"Segunda."}]
    )
    page.locator("#work [name='changes']").fill(f"Se añadió un indicador [{comment['index']}]\nSe corrigió el título")
    page.get_by_role("button", name="Revisar antes de firmar").click()
    published = town.statement(sent(page))
    assert published["version"] == 2
    assert published["changes"] == [
        {"text": "Se añadió un indicador", "comments": [comment["identity"]]},
        {"text": "Se corrigió el título", "comments": []},
    ]

    page.get_by_label("Consulta", exact=True).select_option("ronda-0")
    page.get_by_role("button", name="Mostrar").click()
    do(page, page.locator("#queue").get_by_role("button", name="Cerrar"))
    closed = town.statement(sent(page))
    assert (closed["kind"], closed["round"], closed["comment_count"]) == ("RoundClosed", "ronda-0", 0)
    assert closed["tree_size"] <= town.server.size()
    expect(page.locator("#queue")).to_contain_text("contó 0 comentarios")


def test_a_notice_is_told_and_stands_on_the_round_s_page(look: Open, town: Town) -> None:
    page = look("/mesa/coordinacion?ronda=ronda-1")
    open_key(page, "copret")
    fields = {
        "medium": "radio",
        "outlet": "Radio <b>Ixchel</b>",
        "on": "2026-11-20",
        "url": "https://radio.example/aviso",
    }
    do(page, page.get_by_role("button", name="Dar cuenta de un aviso"), **fields)
    expect(page.locator(".review")).to_contain_text("Radio <b>Ixchel</b>")
    said = town.statement(sent(page))
    assert (said["kind"], said["announces"], said["round"]) == ("NoticePublished", "round", "ronda-1")
    page = look("/consultas/ronda-1")
    told = page.locator("#que").locator("xpath=..")
    for words in ("Radio", "Radio <b>Ixchel</b>", "20 de noviembre de 2026", "https://radio.example/aviso"):
        expect(told).to_contain_text(words)


def test_ten_comments_are_answered_at_once(look: Open, town: Town, axe_findings: Callable[[Page], list[str]]) -> None:
    made = [town.comment(f"Que haya agua {number}.") for number in range(10)]
    page = look(f"/en/mesa/coordinacion?ronda=ronda-1&desde={made[0]['index'] - 1}", 1280)
    open_key(page, "copret")
    page.get_by_role("button", name="Answer all that are ticked at once").click()
    expect(page.locator("#queue-fault")).to_contain_text("Tick the comments")
    for each in made:
        page.locator(f"#t{each['index']}").check()
    page.get_by_role("button", name="Answer all that are ticked at once").click()
    page.locator("#work [name='disposition']").select_option("rejected")
    page.locator("#work [name='words']").fill("It is in the budget of 2027.")
    page.locator("#work [name='led_to']").fill(str(made[0]["index"]))
    page.get_by_role("button", name="Review before signing").click()
    expect(page.locator(".review")).to_contain_text(f"comment no. {made[9]['index']}")
    assert axe_findings(page) == []
    answer = town.statement(sent(page))
    assert answer["answers"] == [each["identity"] for each in made]
    assert answer["led_to"] == made[0]["identity"]
    for each in made:
        expect(page.locator(f"#c{each['index']}")).to_have_count(0)


def test_overdue_comments_are_told_with_their_days(look: Open, town: Town) -> None:
    draft = {
        "kind": "RoundOpened",
        "round": "ronda-vencida",
        "concerns": "other",
        "document": w.digest_of("x"),
        "version": 1,
        "parts": [],
        "opens": format_when(now_ms() - 60_000),
        "closes": format_when(now_ms() + 86_400_000),
        "late": "refuse",
        "langs": ["es-GT"],
        "rules": RULES,
        "answer_by": {"precision": "day", "day": format_when(now_ms() - 6 * 3_600_000 - 3 * 86_400_000)[:10]},
    }
    town.say("copret:coordinator", draft)
    comment = town.comment("¿Y mi respuesta?", round="ronda-vencida")
    page = look("/mesa/coordinacion?ronda=ronda-vencida")
    expect(page.locator(f"#c{comment['index']}")).to_contain_text("vencido hace 3 días")


def test_a_comment_on_paper_is_transcribed_and_its_author_gets_a_slip(
    look: Open, town: Town, axe_findings: Callable[[Page], list[str]]
) -> None:
    page = look("/mesa/coordinacion?ronda=ronda-1")
    open_key(page, "mesa")
    button = page.get_by_role("button", name=re.compile("^Transcribir un comentario"))
    button.click()
    page.locator("#work [name='about']").select_option("resultados")
    page.locator("#work [name='channel']").select_option("paper")
    page.locator("#work [name='heard_at']").fill(local(now_ms() - 3_600_000))
    page.locator("#work [name='salted_digest']").fill("Queremos  agua.")
    page.locator("#work [name='aside-place']").fill("Sololá")
    page.set_input_files("#work [name='source']", [{"name": "hoja.png", "mimeType": "image/png", "buffer": b"scan"}])
    page.get_by_role("button", name="Revisar antes de firmar").click()
    expect(page.locator(".review")).to_contain_text("Sololá")
    index = sent(page)
    said = town.statement(index)
    assert (said["kind"], said["channel"], said["about"]) == ("CommentTranscribed", "paper", "resultados")
    assert said["source"] == w.sha256(b"scan").hexdigest()
    secret = page.locator(".slip .secret").inner_text().replace(" ", "")
    assert w.claim_of(secret) == said["claim"]
    assert axe_findings(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Guardarlo como archivo para su autor").click()
    private = json.loads(download.value.path().read_bytes())
    assert (private["secret"], private["contents"][0]["content"]) == (
        secret,
        {"text": "Queremos  agua.", "place": "Sololá"},
    )
    page.emulate_media(media="print")
    expect(page.locator(".slip")).to_be_visible()
    expect(page.locator("#queue")).to_be_hidden()
    expect(page.get_by_role("button", name="Imprimir la boleta")).to_be_hidden()
    # With the paper alone its author withdraws it.
    withdrawn = {"kind": "StatementWithdrawn", "statement": private["statement"], "secret": secret}
    town.say("autora-de-papel:citizen", withdrawn)


# --- the audit -------------------------------------------------------------------------------------------------------


def test_an_audit_agrees_with_all_that_was_done_here(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    until(lambda: town.server.get("/readyz").status == 200 or town.server.get("//readyz").status == 200)
    code = run(["audit", f"{town.server.address.rstrip('/')}/gt", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert [finding for finding in report["findings"] if finding["severity"] != "note"] == []
    assert code == 0

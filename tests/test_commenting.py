"""The citizen's way through a consultation in a real browser: write, review, sign, keep, follow, and all that may be
done about a comment later; with and without Ed25519, without a network, in two tabs, by keyboard, on a small phone.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import plaza
import pytest
import world as w
from playwright.sync_api import Browser, BrowserContext, Download, Page, Route, expect
from service import Served, now_ms
from test_pages import ready

from api.cli import run
from consultation.text import claim as claim_of
from ledger.statement import format_when
from ledger.tlog.note import ED25519, format_vkey
from ledger.tlog.policy import parse_policy
from ledger.verify import verify_receipt

TEXT = "Que se publique el acta.\n\nY las cifras, ¿sí?"

# As on a browser of before 2025: whatever it is asked about Ed25519 it does not know.
WITHOUT_ED25519 = """
for (const name of ["generateKey", "importKey", "sign", "verify"]) {
    const before = globalThis.SubtleCrypto?.prototype[name];
    if (!before) continue;
    SubtleCrypto.prototype[name] = function (...asked) {
        if (JSON.stringify(asked).includes("Ed25519")) {
            return Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"));
        }
        return before.apply(this, asked);
    };
}
"""
# As where a browser keeps keys from being stored, but nothing else (Firefox before 136).
WITHOUT_KEPT_KEYS = """
const before = IDBObjectStore.prototype.put;
IDBObjectStore.prototype.put = function (value, ...more) {
    if (value.held instanceof CryptoKey) throw new DOMException("could not be cloned", "DataCloneError");
    return before.call(this, value, ...more);
};
"""
WITHOUT_STORES = """
Object.defineProperty(globalThis, "indexedDB", { get() { throw new DOMException("denied", "SecurityError"); } });
Object.defineProperty(globalThis, "localStorage", { get() { throw new DOMException("denied", "SecurityError"); } });
"""
WITHOUT_SUBTLE = "Object.defineProperty(crypto, 'subtle', { value: undefined });"


@pytest.fixture(scope="module")
def world_and_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[w.World, Served]]:
    folder = tmp_path_factory.mktemp("comentar") / "gt"
    world = plaza.put_plaza(folder)
    with Served(folder) as server:
        yield world, ready(server)


@pytest.fixture(scope="module")
def served(world_and_server: tuple[w.World, Served]) -> Served:
    return world_and_server[1]


@pytest.fixture(scope="module")
def world(world_and_server: tuple[w.World, Served]) -> w.World:
    return world_and_server[0]


NewContext = Callable[..., BrowserContext]


@pytest.fixture
def context_of(browser: Browser) -> Iterator[NewContext]:
    """Makes browsers of their own; what they ask of other hosts, and what they say on the console, fails the test."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def watch(page: Page) -> None:
        ours = ("http://127.0.0.1:", "blob:", "data:")
        page.on("request", lambda request: trouble.append(request.url) if not request.url.startswith(ours) else None)
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: trouble.append(dialog.message))

    def made(width: int = 390, script: str = "", **how: Any) -> BrowserContext:
        context = browser.new_context(
            viewport={"width": width, "height": 844}, reduced_motion="reduce", accept_downloads=True, **how
        )
        context.on("page", watch)
        if script:
            context.add_init_script(script)
        contexts.append(context)
        return context

    yield made
    for context in contexts:
        context.close()
    # Chromium's own line on a request that failed, which tests of failures bring about.
    assert [word for word in trouble if not word.startswith("Failed to load resource")] == []


@pytest.fixture
def context(context_of: NewContext) -> BrowserContext:
    """One phone."""
    return context_of()


# --- what people do ---------------------------------------------------------------------------------------------------


def address(served: Served, path: str, language: str = "") -> str:
    return f"{served.address}gt{language}{path}"


def go(page: Page, served: Served, path: str, language: str = "") -> Page:
    """Open a page, and wait until its scripts are."""
    page.goto(address(served, path, language))
    page.locator("[data-ready]").wait_for(state="attached")
    return page


def commenting(
    context: BrowserContext, served: Served, query: str = "", round_: str = plaza.OPEN, language: str = ""
) -> Page:
    return go(context.new_page(), served, f"/consultas/{round_}/comentar{query}", language)


def write(page: Page, text: str = TEXT, **fields: str) -> None:
    page.fill("#text", text)
    for name, value in fields.items():
        if name == "position":
            page.check(f"#position-{value}")
        elif name in ("about", "lang"):
            page.select_option(f"#{name}", value)
        else:
            page.fill(f"#{name}", value)


def review(page: Page) -> None:
    page.locator("#to-review").click()
    page.locator("#step-review").wait_for()


def sign(page: Page) -> dict[str, str]:
    """Sign what is reviewed, and wait for the receipt; what the page says of it."""
    page.locator("#sign").click()
    return registered(page)


def registered(page: Page) -> dict[str, str]:
    page.locator("#step-done[data-whole], #trouble:not([hidden])").first.wait_for()
    assert not page.locator("#trouble").is_visible(), page.locator("#trouble-said").inner_text()
    names = ("code", "received", "index", "witnesses", "identity")
    told = {name: page.locator(f"#done-{name}").inner_text() for name in names}
    return told | {"number": re.sub(r"\D", "", told["index"].partition(",")[0])}


def said(context: BrowserContext, served: Served, text: str = TEXT, **fields: str) -> tuple[Page, dict[str, str]]:
    """A comment from the first step to the last."""
    page = commenting(context, served)
    write(page, text, **fields)
    review(page)
    told = sign(page)
    served.folded()
    return page, told


def saved(page: Page, selector: str) -> tuple[str, bytes]:
    """What a link saves: the name of the file and what is in it."""
    with page.expect_download() as waiting:
        page.locator(selector).click()
    download: Download = waiting.value
    return download.suggested_filename, Path(download.path()).read_bytes()


def follow(page: Page, served: Served, told: dict[str, str], language: str = "") -> Page:
    return go(page, served, f"/comentarios/{told['identity'][:12]}", language)


def act(page: Page, name: str, words: str = "", ground: str = "") -> dict[str, str]:
    """Do one of the acts on a comment's page."""
    box = page.locator(f"[id^='act-{name}']:visible").first
    box.locator("summary").click()
    if words:
        box.locator("textarea").fill(words)
    if ground:
        box.locator(f"[value={ground}]").check()
    if words or ground:
        box.locator("button[type=submit]").click()
        expect(box.locator(".said-here")).not_to_be_empty()
    box.locator(".sign-of").click()
    return registered(page)


# --- write, review, sign ----------------------------------------------------------------------------------------------


def test_a_comment_is_written_reviewed_signed_and_kept(context: BrowserContext, served: Served, tmp_path: Path) -> None:
    page = commenting(context, served)
    before = served.size()
    write(page, about="anexo", position="for", name="Ana", place="Sololá", lang="quc")
    review(page)
    told = page.locator("#step-review").inner_text()
    promises = ("Nadie los puede sacar de ahí", "no se pueden recoger", "junto con su sal", "1 de marzo de 2031")
    for words in ("Que se publique el acta.", "A favor", "Ana", "Sololá", "K’iche’", "Anexo: <cifras>", *promises):
        assert words in told
    assert served.size() == before  # nothing has been sent

    done = sign(page)
    receipt_name, receipt = saved(page, "#done-receipt")
    private_name, private = saved(page, "#done-private")
    policy = served.get("/policy").body
    verified = verify_receipt(receipt, parse_policy(policy))
    statement = plaza.statement_of(served, verified.entry.index)
    file = json.loads(private)

    assert (receipt_name, private_name) == (
        f"constancia-{done['number']}.tlog-proof",
        f"comentario-{done['number']}.private.json",
    )
    assert verified.entry.opened.identity == done["identity"] == file["statement"]
    assert done["code"].replace(" ", "") == done["identity"][:12]
    assert {name: statement[name] for name in ("kind", "about", "position", "lang", "round")} == {
        "kind": "CommentSubmitted", "about": "anexo", "position": "for", "lang": "quc", "round": plaza.OPEN,
    }  # fmt: skip
    assert [signer["role"] for signer in statement["by"]] == ["citizen"]
    assert claim_of(bytes.fromhex(file["secret"])) == statement["claim"]
    assert [each["content"] for each in file["contents"]] == [{"text": TEXT, "name": "Ana", "place": "Sololá"}]
    shown = [line["content"] for line in plaza.public_contents(served) if line["index"] == verified.entry.index]
    assert shown == [{"text": TEXT, "name": "Ana", "place": "Sololá"}]
    assert page.locator("#done-qr svg").count() == 1
    (tmp_path / "c.tlog-proof").write_bytes(receipt)
    (tmp_path / "policy").write_bytes(policy)
    assert run(["verify", str(tmp_path / "c.tlog-proof"), "--policy", str(tmp_path / "policy")]) == 0

    # The page that verifies takes both files, and says that they belong together.
    page.goto(address(served, "/verificar"))
    page.set_input_files("#receipt", [{"name": receipt_name, "mimeType": "text/plain", "buffer": receipt}])
    page.set_input_files("#private", [{"name": private_name, "mimeType": "application/json", "buffer": private}])
    page.check("#trust-site")
    page.locator("#verify button[type=submit]").click()
    expect(page.locator("#verdict[data-kind=verified]")).to_be_visible()
    expect(page.locator("#verdict")).to_contain_text("Y las cifras, ¿sí?")


def test_one_key_serves_one_round_and_another_the_next(context: BrowserContext, served: Served) -> None:
    def key(told: dict[str, str]) -> str:
        return str(plaza.statement_of(served, int(told["number"]))["by"][0]["key"])

    first, second = key(said(context, served)[1]), key(said(context, served, "Otra cosa.")[1])
    page = commenting(context, served, round_=plaza.LATE)
    write(page)
    review(page)
    other = key(sign(page))
    assert first == second
    assert first != other
    exported = page.evaluate(
        """() => new Promise((done) => {
            const open = indexedDB.open("constancia");
            open.onsuccess = () => {
                const all = open.result.transaction("keys").objectStore("keys").getAll();
                all.onsuccess = async () => done(await Promise.all(all.result.map(({ held }) =>
                    crypto.subtle.exportKey("pkcs8", held).then(() => "given out", () => "kept"))));
            };
        })"""
    )
    assert exported == ["kept", "kept"]


def test_what_the_address_asks_for_is_chosen(context: BrowserContext, served: Served) -> None:
    page = commenting(context, served, "?parte=resultados")
    assert page.locator("#about").input_value() == "resultados"
    page = go(page, served, f"/consultas/{plaza.OPEN}/comentar?compromiso=C8")
    assert page.locator("#about").input_value() == w.C8
    for query in ("?parte=no-hay", "?compromiso=Z9", "?responde=0", "?responde=abcdefabcdef"):
        assert served.get(f"/consultas/{plaza.OPEN}/comentar{query}").status == 404, query
    assert served.get("/consultas/no-hay/comentar").status == 404


def test_a_reply_shows_what_it_replies_to(context: BrowserContext, served: Served) -> None:
    page, first = said(context, served, "La primera.", about="anexo")
    follow(page, served, first).get_by_role("link", name="Responderle").click()
    page.locator("#commenting[data-ready]").wait_for()
    expect(page.locator("#reply")).to_contain_text("La primera.")
    assert page.locator("#about").input_value() == "anexo"
    write(page, "La segunda.")
    review(page)
    told = sign(page)
    assert plaza.statement_of(served, int(told["number"]))["reply_to"] == first["identity"]


@pytest.mark.parametrize(
    "text", [plaza.HOSTILE, "\u202e\u2066abc", "a\u0000b".replace("\u0000", "\u0001"), "é e\u0301 ﬁ", "\ufeffx"]
)
def test_a_text_is_signed_exactly_as_it_was_written(context: BrowserContext, served: Served, text: str) -> None:
    page, told = said(context, served, text)
    kept = [line for line in plaza.public_contents(served) if line["index"] == int(told["number"])]
    assert [line["content"]["text"] for line in kept] == [text]
    follow(page, served, told)
    assert page.locator("article.comment b").count() == 0
    assert page.locator("article.comment .said").count() == 1


def test_what_is_wrong_is_told_on_top_and_beside_its_field(context: BrowserContext, served: Served) -> None:
    page = commenting(context, served)
    page.locator("#to-review").click()
    expect(page.locator("#errors")).to_be_focused()
    page.locator("#errors a").click()
    expect(page.locator("#text")).to_be_focused()
    assert page.locator("#text").get_attribute("aria-invalid") == "true"
    expect(page.locator("#text-error")).to_contain_text("todavía no tiene nada")

    page.fill("#text", "x" * 4_001)
    page.fill("#name", "y" * 4_001)
    expect(page.locator("#count")).to_have_text("Caracteres de más: 1")
    page.locator("#to-review").click()
    expect(page.locator("#errors a")).to_have_count(2)
    expect(page.locator("#text-error")).to_contain_text("puede tener 4,000 caracteres")
    expect(page.locator("#text-error")).to_contain_text("Quite 1.")
    expect(page.locator("#name-error")).to_have_text("El nombre es demasiado largo.")
    page.fill("#text", "🌽" * 2_049)  # as many characters as fit, and more bytes than fit
    page.fill("#name", "")
    page.locator("#to-review").click()
    expect(page.locator("#errors")).to_contain_text("Quite 4.")
    page.fill("#text", "🌽" * 2_048)
    expect(page.locator("#count")).to_have_text("Caracteres que quedan: 0")
    review(page)
    assert page.locator("#errors").is_hidden()
    sign(page)


def test_all_scripts_are_asked_for_at_once(context: BrowserContext, served: Served) -> None:
    page = context.new_page()
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url) if request.resource_type == "script" else None)
    go(page, served, f"/consultas/{plaza.OPEN}/comentar")
    named = page.locator("link[rel=modulepreload]").evaluate_all("all => all.map((one) => one.href)")
    assert len(named) > 10
    assert {url for url in loaded if "/vendor/" not in url} == {
        *named,
        *(url for url in loaded if "commenting.js" in url),
    }


# --- drafts -----------------------------------------------------------------------------------------------------------


def test_a_draft_outlives_the_page_and_never_leaves_the_browser(context: BrowserContext, served: Served) -> None:
    page = commenting(context, served)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.post_data}"))
    write(page, "A medias.", position="against", name="Eva")
    page.close()
    page = commenting(context, served)
    assert page.locator("#text").input_value() == "A medias."
    assert page.locator("#position-against").is_checked()
    assert page.locator("#name").input_value() == "Eva"
    expect(page.locator("#draft-said")).to_contain_text("Este es el borrador que dejó")
    assert [each for each in sent if "medias" in each or "Eva" in each] == []
    page.locator("#draft-delete").click()
    page.reload()
    page.locator("[data-ready]").wait_for(state="attached")
    assert page.locator("#text").input_value() == ""


def test_a_part_that_is_asked_for_goes_before_the_drafts(context: BrowserContext, served: Served) -> None:
    page = commenting(context, served)
    write(page, "Sigo.", about="resultados")
    page = commenting(context, served, "?parte=anexo")
    assert (page.locator("#text").input_value(), page.locator("#about").input_value()) == ("Sigo.", "anexo")


def test_two_tabs_do_not_overwrite_each_other_unseen(context: BrowserContext, served: Served) -> None:
    one, other = commenting(context, served), commenting(context, served)
    one.locator("#text").press_sequentially("Uno")
    expect(other.locator("#draft-said")).to_contain_text("cambió en otra pestaña")
    other.locator("#draft-take").click()
    assert other.locator("#text").input_value() == "Uno"
    review(one)
    sign(one)
    expect(other.locator("#draft-said")).to_contain_text("se borró")


def test_the_back_button_of_a_phone_goes_one_step_back(context: BrowserContext, served: Served) -> None:
    page = commenting(context, served)
    write(page)
    review(page)
    page.go_back()
    expect(page.locator("#step-write")).to_be_visible()
    assert page.locator("#text").input_value() == TEXT
    review(page)
    page.locator("#back").click()
    expect(page.locator("#step-write")).to_be_visible()


# --- browsers that know less ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (WITHOUT_ED25519, ["más débil"]),
        (WITHOUT_KEPT_KEYS, ["más débil"]),
        (WITHOUT_STORES, ["no guarda nada al cerrar"]),
        (WITHOUT_ED25519 + WITHOUT_STORES, ["más débil", "no guarda nada al cerrar"]),
    ],
    ids=["no Ed25519", "no keys kept", "nothing kept", "neither"],
)
def test_a_browser_that_knows_less_signs_and_says_what_it_lacks(
    context_of: NewContext, served: Served, script: str, words: list[str]
) -> None:
    context = context_of(script=script)
    page = commenting(context, served)
    write(page)
    review(page)
    for each in words:
        expect(page.locator("#review-key")).to_contain_text(each)
    told = sign(page)
    assert plaza.statement_of(served, int(told["number"]))["by"][0]["role"] == "citizen"


def test_without_ed25519_the_same_key_withdraws(context_of: NewContext, served: Served) -> None:
    page, told = said(context_of(script=WITHOUT_ED25519), served)
    act(follow(page, served, told), "withdraw")
    served.folded()
    assert "Retirado por su autor" in follow(page, served, told).locator(".track").inner_text()


def test_over_plain_http_nothing_is_signed_and_the_form_is_offered(context_of: NewContext, served: Served) -> None:
    page = commenting(context_of(script=WITHOUT_SUBTLE), served)
    expect(page.locator("#insecure")).to_contain_text("sin protección")
    write(page)
    page.locator("#to-review").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Revise antes de enviar")
    page.get_by_role("button", name="Enviar y registrar").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Quedó registrado")


def test_without_scripts_the_form_goes_all_the_way(
    context_of: NewContext, served: Served, axe_findings: Callable[[Page], list[str]]
) -> None:
    page = context_of(320, java_script_enabled=False).new_page()
    page.goto(address(served, f"/consultas/{plaza.OPEN}/comentar"))
    expect(page.locator("#no-script")).to_contain_text("no firma su comentario")
    assert page.locator("#step-done").is_hidden()
    steps = [page.evaluate("document.documentElement.scrollWidth")]
    page.locator("#to-review").click()
    expect(page.locator("#errors")).to_be_visible()
    write(page, about="anexo")
    for name in ("Revisar", "Corregir algo", "Revisar", "Enviar y registrar"):
        page.get_by_role("button", name=name, exact=True).click()
        steps.append(page.evaluate("document.documentElement.scrollWidth"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Quedó registrado")
    receipt_name, receipt = saved(page, "text=Guardar la constancia")
    private_name, private = saved(page, "text=Guardar el archivo privado")
    assert receipt_name.endswith(".tlog-proof")
    assert private_name.endswith(".private.json")
    assert (
        json.loads(private)["statement"]
        == verify_receipt(receipt, parse_policy(served.get("/policy").body)).entry.opened.identity
    )
    assert max(steps) <= 320
    served.folded()
    page.get_by_role("link", name="Qué pasa con él").click()
    expect(page.locator("article.comment")).to_contain_text("recibido por formulario web")
    expect(page.locator("#no-script")).to_be_visible()


# --- when it does not go well -----------------------------------------------------------------------------------------


def failing(page: Page, *how: Callable[[Route], None]) -> None:
    """Let the door answer so, in this order, and then as it does."""
    waiting = list(how)
    page.route("**/gt/statements", lambda route: waiting.pop(0)(route) if waiting else route.continue_())


def problem(status: int, code: str, **more: Any) -> Callable[[Route], None]:
    body = json.dumps({"title": "…", "status": status, "code": code, **more})
    return lambda route: route.fulfill(status=status, headers={"retry-after": "600"}, body=body)


def portal(route: Route) -> None:
    """A network that answers with a page of its own."""
    route.fulfill(status=200, body="<html>")


def test_much_from_one_network_takes_work_and_nothing_else(context_of: NewContext, tmp_path: Path) -> None:
    plaza.put_plaza(tmp_path / "gt", free_statements=1, free_statements_per_hour=1, work_iterations=20)
    with Served(tmp_path / "gt") as server:
        page = commenting(context_of(), ready(server))
        for text in ("Uno.", "Dos.", "Tres."):
            go(page, server, f"/consultas/{plaza.OPEN}/comentar")
            write(page, text)
            review(page)
            sign(page)
        assert "limited_total" in server.get("//metrics").body.decode()
        taken = re.findall(r'constancia_limited_total\{.*reason="taken"\} (\d+)', server.get("//metrics").body.decode())
        assert taken == ["2"]


def lost(route: Route) -> None:
    """The ledger registers it, and its answer never arrives."""
    assert route.fetch().status in (200, 201)
    route.abort()


def trouble(page: Page) -> str:
    page.locator("#sign").click()
    expect(page.locator("#trouble")).to_be_visible()
    return page.locator("#trouble").inner_text()


def test_offline_all_is_kept_and_sent_later(context: BrowserContext, served: Served) -> None:
    page = commenting(context, served)
    write(page)
    review(page)
    size = served.size()
    context.set_offline(True)
    assert "No hay conexión" in trouble(page)
    assert page.locator("#back").is_hidden()
    context.set_offline(False)
    sign(page)
    assert served.size() == size + 1


@pytest.mark.parametrize(
    ("answer", "words", "again"),
    [
        (problem(429, "rate-limit"), "demasiados envíos", True),
        (problem(503, "busy"), "no puede recibirlo", True),
        (problem(500, ""), "no puede recibirlo", True),
        (portal, "algo que no es el registro", True),
        (problem(422, "stale", rule="A9"), "el reloj de este aparato", False),
        (problem(409, "closed", rule="A8", refusal="nota"), "no estaba abierta", False),
        (problem(422, "shape", rule="A1"), "no lo aceptó", False),
    ],
)
def test_a_refusal_keeps_the_draft_and_says_what_to_do(
    context: BrowserContext, served: Served, answer: Callable[[Route], None], words: str, again: bool
) -> None:
    page = commenting(context, served)
    write(page, "No se pierde.")
    review(page)
    failing(page, answer)
    assert words in trouble(page)
    assert page.locator("#back").is_hidden() == again  # what may have arrived is not written anew
    if "closed" in words or "abierta" in words:
        assert saved(page, "#trouble-files a") == ("rechazo.txt", b"nota")
    sign(page)
    page.close()
    assert commenting(context, served).locator("#text").input_value() == ""


def test_a_tab_closed_before_the_answer_loses_nothing(context: BrowserContext, served: Served) -> None:
    page = commenting(context, served)
    write(page, "Antes de la respuesta.")
    review(page)
    size = served.size()
    failing(page, lost, lost, lost)
    page.locator("#sign").click()
    while served.size() == size:
        page.wait_for_timeout(50)
    page.close()
    page = commenting(context, served)  # it is sent again by itself
    told = registered(page)
    assert served.size() == size + 1
    assert int(told["number"]) == size
    assert page.locator("#pending").is_hidden()


def test_what_is_pending_can_be_discarded(context: BrowserContext, served: Served) -> None:
    page = commenting(context, served)
    write(page, "Mejor no.")
    review(page)
    context.set_offline(True)
    trouble(page)
    page.close()
    context.set_offline(False)
    page = context.new_page()
    page.route("**/gt/statements", lambda route: route.abort())
    go(page, served, f"/consultas/{plaza.OPEN}/comentar")
    expect(page.locator("#pending")).to_contain_text("Mejor no.")
    page.locator("#pending-discard").click()
    expect(page.locator("#pending-said")).to_contain_text("Pulse otra vez")
    page.locator("#pending-discard").click()
    expect(page.locator("#pending")).to_be_hidden()
    assert page.locator("#text").input_value() == "Mejor no."  # the draft is still there


def moved(answer: Any) -> None:
    answer["index"] += 1


def redated(answer: Any) -> None:
    answer["received_at"] = "2026-01-01T00:00:00.000Z"


def bent(answer: Any) -> None:
    answer["receipt"] = answer["receipt"].replace("index ", "index 1", 1)


def emptied(answer: Any) -> None:
    answer["receipt"] = "c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize("change", [moved, redated, bent, emptied])
def test_a_receipt_that_does_not_hold_is_never_called_registered(
    context: BrowserContext, served: Served, change: Callable[[Any], None]
) -> None:
    page = commenting(context, served)
    write(page, "¿De verdad?")
    review(page)

    def lie(route: Route) -> None:
        answer = route.fetch().json()
        change(answer)
        route.fulfill(status=201, body=json.dumps(answer))

    failing(page, lie)
    told = trouble(page)
    assert "su constancia no se sostiene" in told
    assert page.locator("#step-done").is_hidden()
    assert page.locator("#trouble-files a").count() == 2
    sign(page)  # and the honest answer to the same statement is


def other_vkey() -> str:
    """A key that somebody else has, under the name of this ledger."""
    return format_vkey(w.ORIGIN, ED25519, bytes(w.key_of("somebody else").verify_key))


def test_a_reader_who_pinned_another_key_is_not_told_that_it_is_registered(
    context: BrowserContext, served: Served
) -> None:
    page = context.new_page()
    page.goto(address(served, "/verificar"))
    page.locator("[data-ready]").wait_for(state="attached")
    policy = f"log {other_vkey()}\nquorum none\n"
    page.evaluate("(text) => localStorage.setItem('constancia/policy', btoa(text))", policy)
    page = commenting(context, served)
    write(page)
    review(page)
    assert "su constancia no se sostiene" in trouble(page)


def test_a_wrong_clock_does_not_keep_anybody_out(context: BrowserContext, served: Served) -> None:
    context.clock.install(time="2019-06-01T08:00:00Z")
    page = commenting(context, served)
    write(page)
    review(page)
    told = sign(page)
    assert plaza.statement_of(served, int(told["number"]))["said_at"][:4] != "2019"


# --- windows ----------------------------------------------------------------------------------------------------------


def test_late_is_said_before_and_after(context: BrowserContext, served: Served) -> None:
    page = commenting(context, served, round_=plaza.LATE)
    expect(page.locator("main")).to_contain_text("como llegado 1 hora tarde")
    write(page)
    review(page)
    expect(page.locator("#step-review")).to_contain_text("Quedará marcado como llegado 1 hora tarde")
    told = sign(page)
    served.folded()
    assert "1 hora tarde" in follow(page, served, told).locator(".track").inner_text()


@pytest.mark.parametrize("round_", [plaza.CLOSED, plaza.ANNOUNCED])
def test_a_round_that_is_not_open_keeps_the_draft_of_whoever_comes(
    context: BrowserContext, served: Served, round_: str
) -> None:
    page = commenting(context, served, round_=round_)
    assert page.locator("#alone").is_hidden()
    page.evaluate(
        "(name) => localStorage.setItem(name, JSON.stringify({ text: 'Tarde.', saved: 1 }))",
        f"constancia/draft//gt/{round_}/",
    )
    page.reload()
    expect(page.locator("#alone-text")).to_have_text("Tarde.")
    page.locator("#alone-delete").click()
    expect(page.locator("#alone")).to_be_hidden()
    assert page.locator("#text").count() == 0


# --- what became of it, and what may still be done --------------------------------------------------------------------


def target_of(served: Served, told: dict[str, str]) -> dict[str, str]:
    statement = plaza.statement_of(served, int(told["number"]))
    return {"statement": told["identity"], "salted_digest": statement["salted_digest"]}


def test_a_comment_is_followed_by_its_code_or_its_number(context: BrowserContext, served: Served) -> None:
    page, told = said(context, served, "Sígame.")
    for written in (told["code"], told["identity"], told["number"], told["code"].upper()):
        page.goto(address(served, "/consultas"))
        page.fill("#codigo", written)
        page.locator("#codigo").press("Enter")
        expect(page.locator("article.comment")).to_contain_text("Sígame.")
        assert page.url == address(served, f"/comentarios/{told['identity'][:12]}")
    page.goto(address(served, "/comentarios?codigo=000000000000"))
    expect(page.get_by_role("alert")).to_contain_text("no hay ningún comentario")
    for odd in ("0", "000000000000", told["identity"][:11], told["identity"] + "0", "99999", "%00", "..", "a" * 70):
        assert served.get(f"/comentarios/{odd}").status == 404, odd


def test_all_that_becomes_of_a_comment_is_told_step_by_step(
    context: BrowserContext, context_of: NewContext, served: Served, world: w.World
) -> None:
    page, told = said(context, served, "Una vida entera.")
    track = follow(page, served, told).locator(".track")
    expect(track).to_contain_text("Su texto se muestra")
    expect(track).to_contain_text("a más tardar el 1 de marzo de 2031")

    # Others endorse, and take it back; its author is not asked to.
    assert page.locator("#act-endorse").is_hidden()
    stranger = follow(context_of().new_page(), served, told)
    assert stranger.locator("#author-file").is_visible()
    assert stranger.locator("#for-author").is_hidden()
    act(stranger, "endorse")
    served.folded()
    expect(follow(stranger, served, told).locator("article.comment")).to_contain_text("1 llave lo apoya")
    act(stranger, "unendorse")
    served.folded()
    expect(follow(stranger, served, told).locator("article.comment")).not_to_contain_text("lo apoya")
    assert stranger.locator("#act-endorse").is_visible()

    # Withheld, appealed, decided, restored.
    target = target_of(served, told)
    withholding: Any = {
        "ground": "personal_data",
        "rule": "Regla 3",
        "appeal_until": format_when(now_ms() + plaza.DAY_MS),
    }
    plaza.say(served, world, "ContentWithheld", "vigilante:moderator", target=target, **withholding)
    track = follow(page, served, told).locator(".track")
    for words in ("Texto retenido", "VIGILANTE", "contiene datos personales", "Regla 3", "Su autor puede apelar hasta"):
        expect(track).to_contain_text(words)
    expect(page.locator("article.comment")).to_contain_text("Su texto no se muestra.")
    assert "Una vida entera" not in served.get(f"/comentarios/{told['number']}").body.decode()
    appeal = act(page, "appeal", words="No nombra a nadie.")
    served.folded()
    track = follow(page, served, told).locator(".track")
    expect(track).to_contain_text("decide otra organización")
    expect(track).to_contain_text("No nombra a nadie.")
    assert page.locator("#act-appeal").count() == 0
    why: Any = {"text": "Tiene razón."}
    plaza.say(
        served, world, "AppealDecided", "jurado:moderator", appeal=appeal["identity"], decision="overturned", words=why
    )
    plaza.say(served, world, "ContentRestored", "jurado:moderator", target=target, words=why)
    track = follow(page, served, told).locator(".track")
    expect(track).to_contain_text("Tiene razón.")
    expect(page.locator("article.comment")).to_contain_text("Una vida entera.")

    # Answered, contested, led to a change.
    plaza.say(
        served,
        world,
        "ResponseGiven",
        "copret:coordinator",
        answers=[told["identity"]],
        disposition="rejected",
        words={"text": "No."},
    )
    track = follow(page, served, told).locator(".track")
    expect(track).to_contain_text("Respondido: Rechazado")
    act(page, "contest", words="Sí.")
    changes: Any = [{"text": "Cambio.", "comments": [told["identity"]]}]
    plaza.say(
        served,
        world,
        "DocumentPublished",
        "copret:coordinator",
        round=plaza.OPEN,
        version=2,
        document=w.digest_of("v2"),
        changes=changes,
    )
    track = follow(page, served, told).locator(".track")
    expect(track).to_contain_text("impugna la respuesta")
    expect(track).to_contain_text("Llevó a un cambio")

    # Erasure asked, withdrawn.
    act(page, "erase", ground="consent_withdrawn")
    served.folded()
    expect(follow(page, served, told).locator(".track")).to_contain_text("Se pidió que se borre")
    act(page, "withdraw")
    served.folded()
    expect(follow(page, served, told).locator(".track")).to_contain_text("Retirado por su autor")
    assert page.locator("#act-withdraw").count() == 0


def test_the_private_file_makes_another_browser_the_author(
    context: BrowserContext, context_of: NewContext, served: Served
) -> None:
    page, told = said(context, served, "De otro aparato.")
    name, private = saved(page, "#done-private")
    other = follow(context_of().new_page(), served, told)

    def give(content: bytes) -> None:
        other.set_input_files("#private", [{"name": name, "mimeType": "application/json", "buffer": content}])

    for wrong in (b"{}", b"no", private.replace(told["identity"].encode(), b"0" * 64), private[:-40]):
        give(wrong)
        expect(other.locator("#private-error")).to_contain_text("no es el archivo privado")
        assert other.locator("#for-author").is_hidden()
    give(private)
    expect(other.locator("#author-known")).to_be_visible()
    done = act(other, "withdraw")
    statement = plaza.statement_of(served, int(done["number"]))
    assert statement["secret"] == json.loads(private)["secret"]
    assert statement["by"][0]["key"] != plaza.statement_of(served, int(told["number"]))["by"][0]["key"]
    served.folded()
    # The key that showed it is the author's from now on, and shows it no more.
    follow(other, served, told)
    assert other.locator("#for-author").is_visible()
    again = act(other, "erase", ground="personal_data")
    assert "secret" not in plaza.statement_of(served, int(again["number"]))


def test_the_author_of_a_form_withdraws_with_the_private_file(context_of: NewContext, served: Served) -> None:
    page = context_of(java_script_enabled=False).new_page()
    page.goto(address(served, f"/consultas/{plaza.OPEN}/comentar"))
    write(page, "Por formulario.")
    page.locator("#to-review").click()
    page.get_by_role("button", name="Enviar y registrar").click()
    name, private = saved(page, "text=Guardar el archivo privado")
    identity = json.loads(private)["statement"]
    served.folded()
    page = follow(context_of().new_page(), served, {"identity": identity})
    page.set_input_files("#private", [{"name": name, "mimeType": "application/json", "buffer": private}])
    act(page, "withdraw")
    served.folded()
    expect(follow(page, served, {"identity": identity}).locator(".track")).to_contain_text("Retirado por su autor")


def test_the_secret_of_a_slip_is_typed_as_it_is_printed(context_of: NewContext, served: Served) -> None:
    page = context_of(java_script_enabled=False).new_page()
    page.goto(address(served, f"/consultas/{plaza.OPEN}/comentar"))
    write(page, "De una boleta.")
    page.locator("#to-review").click()
    page.get_by_role("button", name="Enviar y registrar").click()
    private = json.loads(saved(page, "text=Guardar el archivo privado")[1])
    served.folded()
    page = follow(context_of().new_page(), served, {"identity": private["statement"]})
    page.fill("#secret", "0" * 64)
    expect(page.locator("#private-error")).to_be_visible()
    page.fill("#secret", " ".join(re.findall("....", private["secret"])).upper())
    expect(page.locator("#author-known")).to_be_visible()
    act(page, "withdraw")
    served.folded()
    expect(follow(page, served, {"identity": private["statement"]}).locator(".track")).to_contain_text("Retirado")


def test_an_act_whose_answer_was_lost_is_sent_again_when_the_page_is_opened(
    context: BrowserContext, served: Served
) -> None:
    page, told = said(context, served, "Se retira dos veces.")
    follow(page, served, told)
    size = served.size()
    failing(page, lost, lost, lost)
    page.locator("#act-withdraw summary").click()
    page.locator("#act-withdraw .sign-of").click()
    while served.size() == size:
        page.wait_for_timeout(50)
    page.close()
    page = follow(context.new_page(), served, told)
    assert registered(page)["number"] == str(size)
    assert served.size() == size + 1


def test_words_that_say_nothing_are_not_signed(context: BrowserContext, served: Served, world: w.World) -> None:
    page, told = said(context, served, "Respóndame.")
    plaza.say(served, world, "ResponseGiven", "copret:coordinator", answers=[told["identity"]], disposition="accepted")
    follow(page, served, told)
    box = page.locator("[id^=act-contest]").first
    box.locator("summary").click()
    box.locator("textarea").fill("  \n ")
    box.locator("button[type=submit]").click()
    expect(box.locator(".error")).to_contain_text("todavía no hay nada")
    expect(box.locator("textarea")).to_be_focused()
    page.locator("#act-erase summary").click()
    page.locator("#act-erase button[type=submit]").click()
    expect(page.locator("#act-erase .error")).to_contain_text("Elija por qué")


# --- what is kept here ------------------------------------------------------------------------------------------------


def test_everything_of_ones_own_is_on_one_page_and_can_be_forgotten(context: BrowserContext, served: Served) -> None:
    page, told = said(context, served, "Lo mío.")
    write(commenting(context, served), "A medias.")
    go(page, served, "/comentarios")
    line = page.locator("#signed > li").first
    expect(line).to_contain_text("Lo mío.")
    expect(line).to_contain_text(f"asiento núm. {told['number']}")
    assert saved(page, "#signed >> text=Archivo privado")[0] == f"comentario-{told['number']}.private.json"
    receipt = saved(page, "#signed >> text='Constancia'")[1]
    assert verify_receipt(receipt, parse_policy(served.get("/policy").body)).entry.index == int(told["number"])
    expect(page.locator("#drafts")).to_contain_text("A medias.")
    expect(page.locator("#keys li")).to_contain_text(plaza.OPEN)

    for list_, button, left in (
        ("#signed", "Olvidar", "no se ha firmado nada"),
        ("#drafts", "Borrar el borrador", "No hay borradores"),
        ("#keys", "Olvidar esta llave", "ninguna llave"),
    ):
        act_of = page.locator(list_).get_by_role("button", name=button, exact=True)
        act_of.click()
        expect(page.locator(list_)).to_contain_text("Pulse otra vez")
        act_of.click()
        expect(page.locator(list_)).to_contain_text(left)
    page.reload()
    page.locator("[data-ready]").wait_for(state="attached")
    expect(page.locator("#keys")).to_contain_text("ninguna llave")
    follow(page, served, told)  # whose it is nobody knows any more, but for the private file
    assert page.locator("#author-file").is_visible()


def test_a_key_that_was_forgotten_leaves_the_private_file(context: BrowserContext, served: Served) -> None:
    page, told = said(context, served, "Sin llave.")
    go(page, served, "/comentarios")
    button = page.locator("#keys").get_by_role("button", name="Olvidar esta llave")
    button.click()
    button.click()
    expect(page.locator("#keys")).to_contain_text("ninguna llave")
    follow(page, served, told)
    done = act(page, "withdraw")  # by the secret, which this browser still keeps
    assert "secret" in plaza.statement_of(served, int(done["number"]))


# --- everybody --------------------------------------------------------------------------------------------------------


def press_to(page: Page, selector: str) -> None:
    """Reach an element by the Tab key alone."""
    for _ in range(120):
        if page.evaluate("(selector) => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached")


def test_by_keyboard_alone(context: BrowserContext, served: Served) -> None:
    page = commenting(context, served)
    press_to(page, "#text")
    page.keyboard.type("Con el teclado.")
    press_to(page, "[name=position]")
    page.keyboard.press("ArrowDown")
    press_to(page, "#to-review")
    page.keyboard.press("Enter")
    expect(page.locator("#review-title")).to_be_focused()
    press_to(page, "#sign")
    page.keyboard.press("Enter")
    told = registered(page)
    expect(page.locator("#done-title")).to_be_focused()
    assert plaza.statement_of(served, int(told["number"]))["position"] == "for"
    served.folded()
    press_to(page, "#done-follow")
    page.keyboard.press("Enter")
    page.locator("#acts[data-ready]").wait_for()
    press_to(page, "#act-withdraw summary")
    page.keyboard.press("Enter")
    press_to(page, "#act-withdraw .sign-of")
    page.keyboard.press("Enter")
    registered(page)


@pytest.mark.parametrize(
    ("language", "width", "scheme"), [("", 390, "light"), ("/en", 1280, "dark"), ("", 320, "dark")]
)
def test_axe_finds_nothing_at_any_step(
    context_of: NewContext,
    served: Served,
    world: w.World,
    axe_findings: Callable[[Page], list[str]],
    language: str,
    width: int,
    scheme: Any,
) -> None:
    context = context_of(width, color_scheme=scheme)
    page = commenting(context, served, language=language)

    def look(page: Page) -> None:
        assert axe_findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        touched = page.locator("main :is(button, input, select, textarea, summary):visible")
        sizes = touched.evaluate_all("all => all.map((one) => one.getBoundingClientRect())")
        assert [each for each in sizes if each["height"] < 24 or each["width"] < 24] == []

    look(page)
    page.locator("#to-review").click()
    look(page)
    write(page, plaza.HOSTILE + "x" * 300)
    review(page)
    look(page)
    failing(page, problem(409, "closed", refusal="nota"))
    page.locator("#sign").click()
    expect(page.locator("#trouble")).to_be_visible()
    look(page)
    told = sign(page)
    look(page)
    served.folded()
    plaza.say(served, world, "ResponseGiven", "copret:coordinator", answers=[told["identity"]], disposition="partly")
    follow(page, served, told, language)
    for box in page.locator(".act-of:visible").all():
        box.locator("summary").click()
    look(page)
    look(follow(context_of(width, color_scheme=scheme).new_page(), served, told, language))
    look(go(page, served, "/comentarios", language))
    look(go(page, served, f"/consultas/{plaza.CLOSED}/comentar", language))

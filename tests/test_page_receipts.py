"""A receipt as a document: it says what the receipt says, and its QR code holds address and identity."""

import re
from collections.abc import Callable, Iterator

import pytest
import receipts as r
import segno
import world as w
from playwright.sync_api import Browser, Page, expect
from service import Served, founded_lately, put_on_disk
from test_pages import Read

from api.page_receipts import LAST_SECOND, WORDS, short_code, standing_of
from api.site import POLICY, script, script_answer
from consultation.text import Content, SaltedContent
from ledger.errors import Misbehaviour
from ledger.tlog.errors import Malformed
from ledger.tlog.merkle import check_consistency
from ledger.tlog.note import format_base64, parse_base64
from ledger.tlog.policy import parse_policy
from ledger.tlog.proof import parse_proof
from ledger.verify import verify_receipt


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A founded ledger, served."""
    folder = tmp_path_factory.mktemp("constancias")
    put_on_disk(founded_lately(), folder)
    with Served(folder) as server:
        server.folded()
        yield server


def identity_at(server: Served, index: int) -> str:
    return str(server.get(f"/api/entries/{index}").json["data"]["identity"])


def page_at(server: Served, index: int, language: str = "") -> Read:
    answer = server.get(f"{language}/constancias/{identity_at(server, index)}", accept="text/html")
    assert answer.status == 200, server.log()[-2000:]
    assert answer.headers["content-security-policy"] == POLICY
    return Read(answer.body.decode())


# --- what it says ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["", "/en"])
@pytest.mark.parametrize("index", [0, 7, 20])
def test_the_document_says_what_the_receipt_says(served: Served, index: int, language: str) -> None:
    identity = identity_at(served, index)
    raw = served.get(f"/receipts/{identity}").body
    shown = verify_receipt(raw, parse_policy((served.folder / "public" / "policy").read_bytes()))
    page = page_at(served, index, language)
    assert shown.entry.opened.identity == identity
    for fact in (identity, short_code(identity), shown.root.hex(), w.ORIGIN):
        assert fact in page.text
    assert re.search(rf"(?:núm|no)\. {index}, ", page.text)
    assert ("no nombra testigos" if not language else "names no witnesses") in page.text
    assert f"/gt/receipts/{identity}" in page.links
    assert f"/gt{language}/verificar?constancia={identity}" in page.links
    assert f"/gt{language}/asientos/{index}" in page.links
    assert ("Guarde este archivo" if not language else "Keep the file") in page.text
    assert "%(" not in page.text


def test_the_entry_leads_to_its_document(served: Served) -> None:
    entry = Read(served.get("/asientos/7", accept="text/html").body.decode())
    assert f"/gt/constancias/{identity_at(served, 7)}" in entry.links


@pytest.mark.parametrize("query", ["", "?at=20"])
def test_the_qr_code_holds_the_address_and_the_identity(served: Served, query: str) -> None:
    identity = identity_at(served, 7)
    source = served.get(f"/constancias/{identity}{query}", accept="text/html").body.decode()
    (svg,) = re.findall(r'<div role="img" aria-label="[^"]+">(<svg.*?</svg>)</div>', source)
    assert "style" not in svg
    assert "class" not in svg
    address = f"{served.address.rstrip('/')}/gt/constancias/{identity}#sha256={identity}"
    code = segno.make(address, error="m", micro=False, boost_error=False)
    assert squares(svg) == {(x, y) for y, row in enumerate(code.matrix) for x, dark in enumerate(row) if dark}


def squares(svg: str) -> set[tuple[int, int]]:
    """The dark squares that the path of a code draws, without its quiet zone of four."""
    (path,) = re.findall(r'<path stroke="#000" d="([^"]+)"', svg)
    found: set[tuple[int, int]] = set()
    x, y = 0, 0.0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path):
        if command == "h":
            found |= {(at - 4, int(y) - 4) for at in range(x, x + int(first))}
            x += int(first)
        else:
            x, y = (int(first), float(second)) if command == "M" else (x + int(first), y + float(second or 0))
    return found


@pytest.mark.parametrize("identity", ["0" * 64, "x", "A" * 64, "7"])
def test_what_is_not_registered_has_no_document(served: Served, identity: str) -> None:
    assert served.get(f"/constancias/{identity}", accept="text/html").status == 404


def test_an_asked_for_receipt_stands_in_the_field(served: Served) -> None:
    identity = identity_at(served, 7)
    page = served.get(f"/verificar?constancia={identity}", accept="text/html").body.decode()
    assert served.get(f"/receipts/{identity}").body.decode().split("\n")[1] in page
    for nothing in ("x", "0" * 64):
        page = served.get(f"/verificar?constancia={nothing}", accept="text/html")
        assert (page.status, b"c2sp.org/tlog-proof@v1" in page.body) == (200, False)
        told = f"no tiene ninguna declaración con la identidad <bdi>{nothing}</bdi>"
        assert told in page.body.decode()
    assert "no tiene ninguna declaración" not in served.get("/verificar", accept="text/html").body.decode()


def test_when_the_policy_names_witnesses_the_document_is_provisional(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("provisional")
    put_on_disk(founded_lately(), folder)
    with Served(folder) as server:
        server.folded()
        (folder / "public" / "policy").write_bytes(r.TWO_OF_THREE)
        assert "provisional" in page_at(server, 7).text
        assert "The same address gives the cosigned receipt later." in page_at(server, 7, "/en").text


# --- where a receipt stands ------------------------------------------------------------------------------------------


def receipt(*witnesses: str, time: int = r.TIME) -> bytes:
    text = r.text_of(r.leaves())
    return r.receipt_of(r.leaves(), 7, r.signed_head(text, *(r.cosignature(one, text, time) for one in witnesses)))


def test_a_receipt_is_cosigned_when_enough_witnesses_of_the_policy_did() -> None:
    standing = standing_of(receipt("dos", "uno", "nadie"), r.TWO_OF_THREE)
    at = r.TIME * 1000
    assert (standing.size, standing.state) == (len(r.leaves()), "cosigned")
    assert standing.cosigners == (("testigo.example/uno", at), ("testigo.example/dos", at))
    assert standing.root == verify_receipt(receipt("uno"), parse_policy(r.ALONE)).root.hex()


def test_with_one_witness_of_two_or_none_it_is_provisional() -> None:
    assert standing_of(receipt("uno"), r.TWO_OF_THREE).state == "provisional"
    assert standing_of(receipt("uno"), r.TWO_OF_THREE).cosigners == (("testigo.example/uno", r.TIME * 1000),)
    assert standing_of(receipt(), r.TWO_OF_THREE) == standing_of(receipt("nadie"), r.TWO_OF_THREE)


def test_where_the_policy_asks_for_nobody_nobody_is_missing() -> None:
    assert standing_of(receipt(), r.ALONE).state == "unwitnessed"
    assert standing_of(receipt("uno"), None).cosigners == ()
    with pytest.raises(Malformed):
        standing_of(b"hola", None)


def test_a_time_beyond_every_calendar_is_left_out() -> None:
    assert standing_of(receipt("uno", time=LAST_SECOND), r.TWO_OF_THREE).cosigners == (("testigo.example/uno", None),)


# --- on paper and on the screen --------------------------------------------------------------------------------------


def test_on_paper_it_is_one_sheet_and_a_scanned_code_is_compared(
    browser: Browser, served: Served, axe_findings: Callable[[Page], list[str]]
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    identity = identity_at(served, 7)
    address = f"{served.address.rstrip('/')}/gt/constancias/{identity}"
    page.goto(address)
    expect(page.locator("#compared")).to_be_hidden()
    pdf = page.pdf(format="Letter")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    page.goto("about:blank")
    page.goto(f"{address}#sha256={identity}")
    expect(page.get_by_role("status")).to_have_text("El código que escaneó y esta página nombran la misma declaración.")
    assert axe_findings(page) == []
    page.goto("about:blank")
    page.goto(f"{address}#sha256={'0' * 64}")
    expect(page.get_by_role("status")).to_contain_text("CUIDADO: el código que escaneó nombra otra declaración")
    assert axe_findings(page) == []
    page.get_by_role("link", name="Verificarla en este navegador").click()
    expect(page.locator("#verdict")).to_have_attribute("data-kind", "verified")
    expect(page.locator("#verdict")).to_contain_text("no prueba nada sobre el sitio mismo")
    assert trouble == []
    context.close()


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A ledger whose last three entries are a reported level, a title as long as may be, and a comment."""
    folder = tmp_path_factory.mktemp("asientos")
    world = founded_lately()
    world.say("CompletionReported", "copret:institution", subject=w.G1, level="substantial", reason="…", evidence=[])
    title = ("Transparencia y rendición de cuentas " * 20)[:500].strip()
    world.say("AxisDefined", "copret:coordinator", axis="largo", title=title)
    put_on_disk(world, folder)
    text, salt = "Que se publique el acta.", "5a" * 32
    key = bytes(w.key_of("maría").verify_key).hex()
    digest = w.salted_digest(w.ORIGIN, key, {"text": text}, bytes.fromhex(salt))
    fields = world.comment("maría", salted_digest=digest, claim=w.claim_of("6b" * 32))
    with Served(folder) as server:
        note = world.sign("CommentSubmitted", "maría:citizen", **fields)
        answer = server.post(note, [SaltedContent(salt=salt, content=Content(text=text))])
        assert answer.status in (200, 201), answer.body
        server.folded()
        yield server


@pytest.mark.parametrize("language", ["", "/en"])
def test_nothing_scrolls_sideways_on_the_narrowest_telephone(browser: Browser, busy: Served, language: str) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 700})
    for index in range(busy.size() - 3, busy.size()):
        for path in (f"asientos/{index}", f"constancias/{identity_at(busy, index)}"):
            page.goto(f"{busy.address.rstrip('/')}/gt{language}/{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    page.close()


def test_a_long_title_stays_on_one_sheet_and_paper_asks_for_no_file(browser: Browser, busy: Served) -> None:
    page = browser.new_page()
    page.goto(f"{busy.address.rstrip('/')}/gt/constancias/{identity_at(busy, busy.size() - 2)}")
    for size in ("Letter", "A4"):
        assert len(re.findall(rb"/Type /Page\b", page.pdf(format=size))) == 1
    page.emulate_media(media="print")
    expect(page.get_by_text("Guarde este archivo")).to_be_hidden()
    page.close()


def test_the_receipt_of_a_comment_names_the_round_and_the_other_half_of_the_proof(busy: Served) -> None:
    page = page_at(busy, busy.size() - 1)
    assert "La otra mitad es el archivo privado" in page.text
    assert any("/gt/consultas/" in link and link.rpartition("/")[2] for link in page.links)
    assert "La otra mitad es el archivo privado" not in page_at(busy, 7).text


# --- the scripts -----------------------------------------------------------------------------------------------------


def test_scripts_are_served_under_the_digest_of_all_of_them(served: Served) -> None:
    for name in ("verify-page.js", "note.js", "kinds.js", "vendor/noble-ed25519.js", "vendor/sha2.js"):
        answer = served.get(f"/{script(name)}")
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/javascript")
        assert "immutable" in answer.headers["cache-control"]
    digest = script("note.js").split("/")[2]
    for address in (f"/static/{'0' * 16}/note.js", f"/static/{digest}/x.js", f"/static/{digest}/vendor/VENDOR.json"):
        assert served.get(f"/{address}").status == 404
    assert served.get("//static/note.js").status == 404
    assert script_answer(digest, "../site.py") is None


def test_every_module_that_a_module_names_is_served(served: Served) -> None:
    pages = ["verify-page.js", "receipt-page.js", "commenting.js", "acts.js", "mine-page.js", "desk.js"]
    pages += ["compare.js", "disputing.js"]
    waiting, seen = pages, set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        source = served.get(f"/{script(name)}").body.decode()
        below = name.rpartition("/")[0]
        for named in re.findall(r'(?:from |import |import\(|new URL\()"\./([^"]+)"', source):
            path = f"{below}/{named}".lstrip("/")
            waiting += [path] if path not in seen else []
    assert {"ed25519.js", "kinds.js", "vendor/sha2.js", "vendor/_u64.js", "vendor/noble-ed25519.js"} <= seen
    assert {name for name in seen if "/" not in name} == {"kinds.js", *ours()}


def ours() -> set[str]:
    """The scripts that we wrote, by name."""
    from api.site import HERE

    return {path.name for path in (HERE / "static").glob("*.js")}


def test_everything_that_a_script_says_stands_among_its_words() -> None:
    from api.site import HERE

    source = (HERE / "static" / "verify-page.js").read_text("utf-8")
    said = set(re.findall(r'say\("([a-z.-]+)"', source))
    assert said
    assert said <= set(WORDS)
    assert re.findall(r"[>\"`][A-Z][a-z]+ [a-z]+ ", re.sub(r"//.*|/\*.*?\*/", "", source)) == []


# --- consistency -----------------------------------------------------------------------------------------------------


def test_two_receipts_of_one_history_are_proven_to_be_so(served: Served) -> None:
    policy = parse_policy((served.folder / "public" / "policy").read_bytes())
    before = verify_receipt(served.get(f"/receipts/{identity_at(served, 3)}").body, policy)
    world = founded_lately()
    for axis in ("uno", "dos", "tres"):
        assert served.post(world.sign("AxisDefined", "copret:coordinator", axis=axis, title=axis)).status == 201
    after = verify_receipt(served.get(f"/receipts/{identity_at(served, 3)}").body, policy)
    assert after.size == before.size + 3
    answer = served.get(f"/api/consistency?from={before.size}&to={after.size}")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert sorted(answer.json) == ["as_of", "checkpoint", "data", "methodology"]
    data = answer.json["data"]
    hashes = [parse_base64(one, 32) for one in data["hashes"]]
    roots = {"old_root": format_base64(before.root), "new_root": format_base64(after.root)}
    assert data == {"from": before.size, "to": after.size, "hashes": data["hashes"], **roots}
    check_consistency(before.size, before.root, after.size, after.root, hashes)


def test_sizes_under_which_no_head_was_signed_have_proofs_too(served: Served) -> None:
    served.folded()
    size = served.size()
    entries = [parse_proof(served.get(f"/receipts/{identity_at(served, at)}").body).extra for at in range(size)]
    hashes = [r.leaf_hash(entry or b"") for entry in entries]
    for old in range(size + 1):
        for new in {max(old, 1), (old + size) // 2, size}:
            data = served.get(f"/api/consistency?from={old}&to={new}").json["data"]
            proof = [parse_base64(one, 32) for one in data["hashes"]]
            roots = [r.root_of(hashes[:old]), r.root_of(hashes[:new])]
            assert [data["old_root"], data["new_root"]] == [format_base64(root) for root in roots]
            check_consistency(old, roots[0], new, roots[1], proof)


@pytest.mark.parametrize(
    ("query", "status"),
    [("from=3&to=2", 400), ("from=1&to=1000", 404), ("from=01&to=2", 400), ("from=-1&to=2", 400), ("from=1", 400)],
)
def test_what_makes_no_sense_has_no_proof(served: Served, query: str, status: int) -> None:
    answer = served.get(f"/api/consistency?{query}")
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_words_of_the_verdict_are_those_of_the_library() -> None:
    kinds = {vector.kind for vector in r.vectors() if vector.kind}
    assert kinds < set(WORDS)
    with pytest.raises(Misbehaviour):
        verify_receipt(b"", parse_policy(r.ALONE))

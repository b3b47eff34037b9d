"""Receipts verified in the browser: the same verdict as the server's form, the command and `verify_receipt`, on
receipts bad in every way; what a browser remembers, and the alarm when a ledger contradicts itself; offline, and by
keyboard.
"""

import copy
import http.client
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import receipts as r
import storyline
import world as w
from nacl.signing import SigningKey
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from service import Served, founded_lately, put_on_disk
from test_ed25519 import accepted
from test_merkle import defined_subtree
from test_policy import MALFORMED

from api.cli import run
from api.page_receipts import WORDS, Form, judge, policy_of, reason_words
from api.shapes import shapes_module
from consultation.text import Content, SaltedContent
from ledger import vocabulary
from ledger.errors import Misbehaviour, Refused
from ledger.statement import decode_line
from ledger.tlog.errors import FormatError
from ledger.tlog.merkle import check_consistency, check_inclusion, consistency_proof, inclusion_proof, root_of
from ledger.tlog.note import format_base64, parse_base64
from ledger.tlog.policy import parse_policy
from ledger.verify import oddity_of, verify_receipt

VECTORS = r.vectors()
EXPECTED = {vector.name: vector.kind or "verified" for vector in VECTORS}

# What a form makes of a file over its limit.
AT_THE_FORM = {"over two million bytes": "413"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A founded ledger, served."""
    folder = tmp_path_factory.mktemp("verificar")
    put_on_disk(founded_lately(), folder)
    with Served(folder) as server:
        server.folded()
        yield server


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, served: Served) -> Iterator[Open]:
    """Opens the page in a fresh browser; requests to other hosts and words on the console fail the test."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def opened(
        path: str = "/verificar", width: int = 390, server: Served = served, script: str = "", **how: Any
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 844}, reduced_motion="reduce", **how)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.on("request", lambda request: trouble.append(request.url) if not is_ours(request.url, server) else None)
        page.on("console", lambda message: trouble.append(message.text) if message.type != "debug" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(f"{server.address.rstrip('/')}/gt{path}")
        if how.get("java_script_enabled", True) and "verificar" in path:
            page.locator("#verify[data-ready]").wait_for(state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [word for word in trouble if not expected_noise(word)] == []


def is_ours(url: str, server: Served) -> bool:
    return url.startswith((server.address, "blob:"))


def expected_noise(word: str) -> bool:
    """Chromium's own line on a request that was refused, which tests of refusals bring about."""
    return bool(re.match(r"Failed to load resource: (?:net::ERR_(?:INTERNET_DISCONNECTED|FAILED)|.* 404 )", word))


def give(page: Page, receipt: bytes, policy: bytes | None = None) -> None:
    """Choose a receipt and a policy, as files, and nothing else."""
    page.set_input_files("#receipt", files(receipt))
    page.set_input_files("#policy_file", files(policy) if policy is not None else [])


def files(content: bytes) -> Any:
    """One file with this content, as a reader would choose it."""
    return [{"name": "archivo.txt", "mimeType": "text/plain", "buffer": content}]


def verdict(page: Page) -> str:
    """Press the button; the kind of verdict."""
    page.locator("#verify button[type=submit]").click()
    return told(page)


def told(page: Page) -> str:
    section = page.locator("#verdict[data-kind]")
    section.wait_for()
    return str(section.get_attribute("data-kind"))


def judged(page: Page, receipt: bytes, policy: bytes) -> str:
    give(page, receipt, policy)
    return verdict(page)


# --- one verdict, four ways ------------------------------------------------------------------------------------------


def test_the_table_is_large_and_of_every_kind() -> None:
    assert len(VECTORS) == len(EXPECTED) >= 150
    kinds = ("verified", "bad-receipt", "foreign-checkpoint", "not-cosigned", "bad-entry", "bad-statement")
    assert set(EXPECTED.values()) == set(kinds)
    assert all(list(EXPECTED.values()).count(kind) >= 4 for kind in kinds)
    assert sum(vector.browser != vector.kind for vector in VECTORS) == 2


def test_the_library() -> None:
    found: dict[str, str] = {}
    for vector in VECTORS:
        try:
            verify_receipt(vector.receipt, policy_of(vector.policy))
            found[vector.name] = "verified"
        except Misbehaviour as fault:
            found[vector.name] = fault.kind
    assert found == EXPECTED


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    receipt, policy = tmp_path / "r.tlog-proof", tmp_path / "policy.txt"
    found: dict[str, str] = {}
    for vector in VECTORS:
        receipt.write_bytes(vector.receipt)
        policy.write_bytes(vector.policy)
        words = ["verify", str(receipt), "--json"]
        alone = vector.policy.count(b" ") == 0
        code = run(
            [*words, "--ledger-key", vector.policy.decode().strip()] if alone else [*words, "--policy", str(policy)]
        )
        out = capsys.readouterr().out
        if oddity_of(vector.receipt) in ("empty-file", "not-a-receipt"):
            assert (code, EXPECTED[vector.name]) == (2, "bad-receipt")  # no receipt at all, says the command
            continue
        answer = json.loads(out)
        assert (code == 0) is answer["verified"]
        found[vector.name] = "verified" if code == 0 else answer["kind"]
    assert found == {name: EXPECTED[name] for name in found}
    assert len(found) > len(VECTORS) - 10


BOUNDARY = "limite-de-la-prueba"


def post(served: Served, path: str = "/verificar", **fields: bytes | str) -> Any:
    """Send the form as a browser does: files with a name, texts without."""
    parts: list[bytes] = []
    for name, value in fields.items():
        filename = '; filename="a.txt"' if isinstance(value, bytes) else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n'
        head += "Content-Type: application/octet-stream\r\n" if filename else ""
        parts.append(head.encode() + b"\r\n" + (value if isinstance(value, bytes) else value.encode()) + b"\r\n")
    body = b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return served.request("POST", served.path + path, body, {"content-type": kind, "accept": "text/html"})


def kind_of(answer: Any) -> str:
    """The kind of verdict that the server's page tells."""
    found = re.search(r'<section id="verdict"[^>]* data-kind="([a-z-]+)"', answer.body.decode())
    return found[1] if found else str(answer.status)


def test_the_form_without_javascript(served: Served) -> None:
    found = {
        vector.name: kind_of(post(served, receipt=vector.receipt, trust="own", policy_file=vector.policy))
        for vector in VECTORS
    }
    assert found == EXPECTED | AT_THE_FORM


VERDICTS = """async ([folder, cases]) => {
    const { verifyReceipt } = await import(`${folder}/receipt.js`);
    const { policyOf } = await import(`${folder}/policy.js`);
    const { fromBase64 } = await import(`${folder}/bytes.js`);
    const found = {};
    for (const [name, receipt, policy] of cases)
        found[name] = (await verifyReceipt(fromBase64(receipt), await policyOf(fromBase64(policy)))).kind ?? "verified";
    return found;
}"""

# Takes Ed25519 alone away, or all of WebCrypto, as on a page that came over plain http from another machine.
WITHOUT_ED25519 = """
    const known = SubtleCrypto.prototype.importKey;
    SubtleCrypto.prototype.importKey = function (format, key, algorithm, ...rest) {
        if ((algorithm.name ?? algorithm) === "Ed25519") throw new DOMException("unknown", "NotSupportedError");
        return known.call(this, format, key, algorithm, ...rest);
    };
"""
WITHOUT_WEBCRYPTO = 'Object.defineProperty(Crypto.prototype, "subtle", { value: undefined });'
ENGINES = [("", "webcrypto"), (WITHOUT_ED25519, "vendored"), (WITHOUT_WEBCRYPTO, "vendored")]


@pytest.mark.parametrize(("script", "engine"), ENGINES, ids=["webcrypto", "no Ed25519", "no WebCrypto"])
def test_the_browser(open_page: Open, script: str, engine: str) -> None:
    page = open_page(script=script)
    expect(page.locator("#verify")).to_have_attribute("data-ready", engine)
    cases = [(one.name, format_base64(one.receipt), format_base64(one.policy)) for one in VECTORS]
    found = page.evaluate(VERDICTS, [folder(page), cases])
    assert found == {vector.name: vector.browser or "verified" for vector in VECTORS}


def test_what_the_page_says_is_what_its_modules_found(open_page: Open) -> None:
    page = open_page()
    kinds = {vector.browser: vector for vector in VECTORS}
    some = [*kinds.values(), *(vector for vector in VECTORS if "ML-DSA" in vector.name or "last time" in vector.name)]
    for vector in some:
        page.evaluate("localStorage.clear()")  # these trees contradict each other
        assert judged(page, vector.receipt, vector.policy) == (vector.browser or "verified"), vector.name
        good = page.locator("#verdict .said-verdict.good")
        expect(good).to_have_count(0 if vector.browser else 1)
    expect(page.locator("#verdict")).to_contain_text("Las firmas las verificó la criptografía de este mismo navegador.")


def test_a_line_that_no_browser_verifies_is_told_and_never_counted(open_page: Open) -> None:
    page = open_page()
    (vector,) = [vector for vector in VECTORS if vector.name == "cosigned with ML-DSA-44"]
    assert judged(page, vector.receipt, vector.policy) == "not-cosigned"
    expect(page.locator("#verdict")).to_contain_text("Líneas firmadas con ML-DSA-44, que ningún navegador verifica: 1.")


def test_a_policy_with_two_keys_of_the_ledger_is_told_what_it_cannot_know(open_page: Open, served: Served) -> None:
    page = open_page()
    older = policy_at(served) + f"log {r.vkey(w.ORIGIN, w.key_of('antes'))}\n".encode()
    assert judged(page, receipt_at(served, 3), older) == "verified"
    expect(page.locator("#verdict")).to_contain_text("Su política tiene varias llaves de este registro.")
    answer = post(served, "/en/verificar", receipt=receipt_at(served, 3), trust="own", policy_file=older)
    assert "Your policy has several keys of this ledger." in answer.body.decode()


def test_a_library_that_came_with_the_page_is_called_weaker(open_page: Open, served: Served) -> None:
    page = open_page(script=WITHOUT_ED25519)
    assert judged(page, receipt_at(served, 3), policy_at(served)) == "verified"
    expect(page.locator("#verdict")).to_contain_text("Eso es más débil")


# --- the modules, against the server's ------------------------------------------------------------------------------


def folder(page: Page) -> str:
    """The address of the folder of the scripts."""
    return str(page.locator("script[src*='verify-page.js']").get_attribute("src")).rpartition("/")[0]


def test_every_statement_of_a_history_has_the_shape_of_its_kind(open_page: Open) -> None:
    page = open_page()
    history = r.history()
    assert len({vector.split(b'"kind":"')[0] for vector in history}) > 40
    found = page.evaluate(
        """async ([folder, receipts, policy]) => {
            const { verifyReceipt } = await import(`${folder}/receipt.js`);
            const { policyOf } = await import(`${folder}/policy.js`);
            const utf8 = (text) => new TextEncoder().encode(text);
            const trusted = await policyOf(utf8(policy));
            return Promise.all(receipts.map(async (one) => {
                const { kind, opened, identity } = await verifyReceipt(utf8(one), trusted);
                return [kind, opened?.statement.kind, identity];
            }));
        }""",
        [folder(page), [each.decode() for each in history], r.ALONE.decode()],
    )
    expected = [verify_receipt(each, policy_of(r.ALONE)).entry.opened for each in history]
    assert found == [[None, opened.statement.kind, opened.identity] for opened in expected]


def test_what_shapes_check_beyond_their_types_stands_in_the_browser_too(open_page: Open) -> None:
    page = open_page()
    checks = page.evaluate(
        "async (folder) => Object.keys((await import(`${folder}/statement.js`)).CHECKS)", folder(page)
    )
    ours = [one for one in vars(vocabulary).values() if isinstance(one, type) and issubclass(one, vocabulary.Shape)]
    assert sorted(checks) == sorted(
        one.__name__ for one in ours if "check" in vars(one) and one is not vocabulary.Shape
    )
    assert shapes_module().count(b"export const ") == 3


def mutants(count: int) -> list[bytes]:
    """Lines of JSON made from the history's statements by one or two small changes each, in canonical form."""
    dice = random.Random(20_260_216)
    pool: list[Any] = ["", "a", "whole", "2026-02-30", "2024-02-29", "gt-2014-2016/C8", "0" * 64, -1, 0, 1, 10_000]
    pool += [2**53, 1.5, True, None, [], {}, [{}], ["a", "a"], {"text": "x"}, {"precision": "year", "day": "2015-01-0"}]
    plains: list[Any] = [json.loads(entry.opened.line) for entry in storyline.history()]
    named: dict[Any, list[Any]] = {}  # what else stands under a name somewhere
    for place in places(plains):
        for name, value in members(place):
            named.setdefault(name, []).append(value)
    return [r.canonical(mutant(dice, dice.choice(plains), pool, named)).encode() for _ in range(count)]


def mutant(dice: random.Random, plain: Any, pool: list[Any], named: Mapping[Any, list[Any]]) -> Any:
    changed = copy.deepcopy(plain)
    for _ in range(dice.randint(1, 2)):
        place: Any = dice.choice(list(places(changed)))
        name, was = dice.choice(members(place))
        match dice.randrange(7):
            case 0:
                del place[name]
            case 1 if isinstance(name, str):
                place[dice.choice(["x", "text", "day", "digest", "printed", "plan"])] = copy.deepcopy(dice.choice(pool))
            case 2 if isinstance(name, int):
                place.append(copy.deepcopy(was))
            case 3 if isinstance(was, str):
                place[name] = dice.choice([was.upper(), was + "\n", was[1:], was * 40])
            case 4:
                place[name] = copy.deepcopy(dice.choice(pool))
            case _:
                place[name] = copy.deepcopy(dice.choice(named.get(name, pool)))
    return changed


def members(value: Any) -> list[tuple[Any, Any]]:
    """What an object or a list holds, by name or place; nothing for all else."""
    if isinstance(value, dict):
        return list(cast("dict[Any, Any]", value).items())
    return list(enumerate(cast("list[Any]", value))) if isinstance(value, list) else []


def places(value: Any) -> Iterator[Any]:
    """The objects and lists in a value that hold something."""
    found = members(value)
    if found:
        yield value
    for _, inner in found:
        yield from places(inner)


def test_three_thousand_statements_a_little_off_are_judged_alike(open_page: Open) -> None:
    page = open_page()
    lines = mutants(3_000)
    found = page.evaluate(
        """async ([folder, origin, lines]) => {
            const { readStatement } = await import(`${folder}/statement.js`);
            const { Fault } = await import(`${folder}/bytes.js`);
            return lines.map((line) => {
                try {
                    readStatement(new TextEncoder().encode(`${origin}\\n${line}\\n\\n— x AAAAAAAA\\n`), origin);
                    return true;
                } catch (fault) {
                    if (!(fault instanceof Fault)) throw fault;
                    return false;
                }
            });
        }""",
        [folder(page), w.ORIGIN, [line.decode() for line in lines]],
    )
    expected = [is_statement(line) for line in lines]
    assert [line for line, one, other in zip(lines, found, expected, strict=True) if one is not other] == []
    assert 100 < sum(expected) < 2_900


def is_statement(line: bytes) -> bool:
    try:
        decode_line(line)
    except Refused:
        return False
    return True


SIGNATURES = """async ([folder, cases]) => {
    const { verifyEd25519, engine } = await import(`${folder}/ed25519.js`);
    const { Fault, fromHex } = await import(`${folder}/bytes.js`);
    const bytes = (hex) => fromHex(hex, hex.length / 2);
    const judge = async ([key, message, signature]) => {
        try {
            await verifyEd25519(bytes(key), bytes(message), bytes(signature));
            return true;
        } catch (fault) {
            if (!(fault instanceof Fault)) throw fault;
            return false;
        }
    };
    const found = [];
    for (const one of cases) found.push(await judge(one));
    return [engine, found];
}"""


@pytest.mark.parametrize(("script", "engine"), ENGINES, ids=["webcrypto", "no Ed25519", "no WebCrypto"])
def test_public_vectors_of_signatures(open_page: Open, shared_vectors: Path, script: str, engine: str) -> None:
    suite: Any = json.loads((shared_vectors / "wycheproof" / "ed25519_test.json").read_text())
    cases = [(g["publicKey"]["pk"], c["msg"], c["sig"]) for g in suite["testGroups"] for c in g["tests"]]
    odd: Any = json.loads((shared_vectors / "ed25519-edge-cases" / "ed25519vectors.json").read_text())
    cases += [(c["key"], cast("str", c["msg"]).encode().hex(), c["sig"]) for c in odd]
    assert len(cases) == 151 + 914
    page = open_page(script=script)
    found = page.evaluate(SIGNATURES, [folder(page), cases])
    assert found == [engine, [accepted(*map(bytes.fromhex, case)) for case in cases]]
    assert sum(found[1]) == 88 + 43


MERKLE = """async ([folder, inclusions, consistencies]) => {
    const { checkInclusion, checkConsistency } = await import(`${folder}/merkle.js`);
    const { Fault, fromHex } = await import(`${folder}/bytes.js`);
    const bytes = (hex) => fromHex(hex, hex.length / 2);
    const held = async (check) => {
        try {
            await check;
            return true;
        } catch (fault) {
            if (!(fault instanceof Fault)) throw fault;
            return false;
        }
    };
    const found = [];
    const n = BigInt;
    for (const [leaf, index, size, proof, root] of inclusions)
        found.push(await held(checkInclusion(bytes(leaf), n(index), n(size), proof.map(bytes), bytes(root))));
    for (const [old, oldRoot, size, root, proof] of consistencies)
        found.push(await held(checkConsistency(n(old), bytes(oldRoot), n(size), bytes(root), proof.map(bytes))));
    return found;
}"""


def test_proofs_good_and_bent(open_page: Open) -> None:
    inclusions: list[tuple[bytes, int, int, list[bytes], bytes]] = []
    consistencies: list[tuple[int, bytes, int, bytes, list[bytes]]] = []
    for size in (1, 2, 3, 5, 8, 13, 64, 70):
        root = root_of(defined_subtree(0, index) for index in range(size))
        for index in {0, size // 2, size - 1}:
            path = list(inclusion_proof(index, size, defined_subtree))
            for proof in (path, path[:-1], [*path, root], path[::-1]):
                inclusions += [(defined_subtree(0, index), at, size, proof, root) for at in (index, index + 1)]
        for old in {0, 1, size // 2, size - 1, size}:
            before = root_of(defined_subtree(0, index) for index in range(old))
            grown = list(consistency_proof(old, size, defined_subtree))
            for proof in (grown, grown[:-1], [*grown, root], grown[::-1]):
                consistencies += [(old, before, size, root, proof), (old, root, size, before, proof)]
    page = open_page()
    found = page.evaluate(MERKLE, [folder(page), *[in_hex(cases) for cases in (inclusions, consistencies)]])
    expected = [holds(lambda case=case: check_inclusion(*case)) for case in inclusions]
    expected += [holds(lambda case=case: check_consistency(*case)) for case in consistencies]
    assert found == expected
    assert 20 < sum(expected) < len(expected) - 100


def in_hex(cases: Any) -> Any:
    if isinstance(cases, bytes):
        return cases.hex()
    return [in_hex(each) for each in cast("list[Any]", cases)] if isinstance(cases, list | tuple) else cases


def holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except FormatError:
        return False
    return True


def test_policies_good_and_malformed(open_page: Open) -> None:
    page = open_page()
    policies = [r.ALONE, r.TWO_OF_THREE, r.WITH_ML, *[text.encode() for text, _ in MALFORMED]]
    found = page.evaluate(
        """async ([folder, policies]) => {
            const { parsePolicy } = await import(`${folder}/policy.js`);
            const { Fault, fromHex } = await import(`${folder}/bytes.js`);
            const judge = (hex) => parsePolicy(fromHex(hex, hex.length / 2)).then(() => true, (fault) => {
                if (!(fault instanceof Fault)) throw fault;
                return false;
            });
            return Promise.all(policies.map(judge));
        }""",
        [folder(page), in_hex(policies)],
    )
    assert found == [holds(lambda raw=raw: void(parse_policy(raw))) for raw in policies]
    assert found[:3] == [True, True, True]
    assert found.count(False) > 20


def void(_: object) -> None:
    """For checks that answer something."""


# --- what a reader does ----------------------------------------------------------------------------------------------


def receipt_at(server: Served, index: int) -> bytes:
    """The receipt of an entry, as the server gives it."""
    identity = server.get(f"/api/entries/{index}").json["data"]["identity"]
    return server.get(f"/receipts/{identity}").body


def policy_at(server: Served) -> bytes:
    """The policy, got by another way than the page."""
    return (server.folder / "public" / "policy").read_bytes()


def test_a_good_receipt_is_explained_step_by_step(open_page: Open, served: Served) -> None:
    page = open_page()
    assert judged(page, receipt_at(served, 3), policy_at(served)) == "verified"
    said = page.locator("#verdict")
    expect(said.locator(".said-verdict")).to_contain_text(f"Es válida. El registro {w.ORIGIN} recibió esta declaración")
    expect(said.locator(".said-verdict")).to_contain_text("asiento núm. 3")
    expect(said.locator(".steps > li.ok")).to_have_count(8)
    expect(said.locator(".steps > li.untried")).to_contain_text("todavía no hay con qué comparar")
    expect(said).to_contain_text("Juzgada con la política o la llave que usted dio.")
    page.get_by_text("La declaración está en su única forma").click()
    expect(said.locator("pre", has_text=f"— {w.ORIGIN}/k/").first).to_be_visible()


def test_a_bad_receipt_says_which_step_broke_and_tries_the_others(open_page: Open, served: Served) -> None:
    page = open_page("/en/verificar")
    altered = receipt_at(served, 3).replace(b"index 3\n", b"index 4\n")
    assert judged(page, altered, policy_at(served)) == "bad-receipt"
    broken = page.locator(".steps > li.broken")
    expect(broken).to_have_count(1)
    expect(broken).to_contain_text("The entry stands in the tree whose root was signed, at its index")
    expect(broken).to_contain_text("the hashes do not lead to the signed root")
    expect(page.locator(".steps > li.ok")).to_have_count(7)


def test_the_sites_own_policy_is_labelled(open_page: Open, served: Served) -> None:
    page = open_page()
    give(page, receipt_at(served, 3))
    page.get_by_label("En la que este sitio publica").check()
    assert verdict(page) == "verified"
    expect(page.locator("#verdict")).to_contain_text("no prueba nada sobre el sitio mismo")


def test_the_readers_policy_is_remembered_and_forgotten(open_page: Open, served: Served) -> None:
    page = open_page()
    page.set_input_files("#receipt", files(receipt_at(served, 3)))
    assert verdict(page) == "none"
    expect(page.locator("#verdict")).to_have_text("Dé su política o su llave, o elija la de este sitio.")
    page.locator("#policy").fill("hola")
    assert verdict(page) == "none"
    expect(page.locator("#verdict")).to_contain_text("Eso no es una política ni una llave")
    page.locator("#policy").fill(policy_at(served).decode().split()[1])  # its vkey alone
    assert verdict(page) == "verified"

    page.reload()
    page.locator("#verify[data-ready]").wait_for(state="attached")
    expect(page.locator("#policy-kept")).to_contain_text(f"Confía en: {w.ORIGIN} (")
    page.set_input_files("#receipt", files(receipt_at(served, 3)))
    assert verdict(page) == "verified"
    page.locator("#policy-forget").click()
    expect(page.locator("#policy-kept")).to_be_hidden()
    page.locator("#policy").fill("")
    assert verdict(page) == "none"


def test_files_are_dropped_together_and_each_finds_its_place(open_page: Open, served: Served) -> None:
    page = open_page()
    dropped = page.evaluate_handle(
        """(files) => {
            const carried = new DataTransfer();
            for (const [name, text] of files) carried.items.add(new File([text], name));
            return carried;
        }""",
        [["policy.txt", policy_at(served).decode()], ["a.tlog-proof", receipt_at(served, 3).decode()]],
    )
    page.dispatch_event("#auditar", "drop", {"dataTransfer": dropped})  # anywhere on the page
    assert told(page) == "verified"


def test_by_keyboard_alone(open_page: Open, served: Served) -> None:
    page = open_page()
    reach(page, "#receipt")
    reach(page, "#drop summary")
    page.keyboard.press("Enter")
    reach(page, "#pasted")
    page.keyboard.insert_text(receipt_at(served, 3).decode().rstrip("\n"))
    reach(page, "#trust-own")
    reach(page, "#policy")
    page.keyboard.insert_text(policy_at(served).decode())
    reach(page, "#verify button[type=submit]")
    page.keyboard.press("Enter")
    assert told(page) == "verified"
    expect(page.locator("#verdict")).to_be_focused()
    reach(page, "#verdict summary")
    page.keyboard.press("Enter")
    expect(page.locator("#verdict pre").first).to_be_visible()


def reach(page: Page, selector: str) -> None:
    """Press Tab until this has the focus, which can be seen."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and focused.evaluate("(found, selector) => found.matches(selector)", selector):
            assert focused.evaluate("found => getComputedStyle(found).outlineStyle") == "solid"
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def test_without_javascript_the_server_judges_and_says_so(open_page: Open, served: Served) -> None:
    page = open_page(java_script_enabled=False)
    expect(page.get_by_text("Este navegador no ejecuta JavaScript aquí")).to_be_visible()
    expect(page.locator("#private")).to_be_hidden()
    give(page, receipt_at(served, 3), policy_at(served))
    assert verdict(page) == "verified"
    expect(page.get_by_text("Juzgó el servidor, no su navegador: le está creyendo a este sitio.")).to_be_visible()
    expect(page.locator(".said-verdict")).to_contain_text("asiento núm. 3")
    for words in (
        "Juzgada con la política o la llave que usted dio.",
        "No se comparó con ningún punto de control anterior",
    ):
        expect(page.locator("#verdict")).to_contain_text(words)
    page.locator("summary").first.click()
    page.locator("#pasted").fill(receipt_at(served, 3).decode())
    page.get_by_label("En la que este sitio publica").check()
    assert verdict(page) == "verified"
    expect(page.locator("#verdict")).to_contain_text("no prueba nada sobre el sitio mismo")
    expect(page.locator("#trust-site")).to_be_checked()  # and what was pasted still stands there
    expect(page.locator("#pasted")).to_have_value(receipt_at(served, 3).decode())
    page.locator("#pasted").fill(receipt_at(served, 3).decode().replace("index 3", "index 4"))
    assert verdict(page) == "bad-receipt"
    expect(page.locator("#verdict")).to_contain_text("Por qué: los resúmenes no llevan a la raíz firmada.")
    expect(page.locator("#verdict")).not_to_contain_text("inclusion")
    page.locator("#trust-own").check()
    assert verdict(page) == "policy-missing"
    expect(page.locator("#trust-own")).to_be_checked()


def test_every_reason_of_the_server_has_words() -> None:
    reading = cast("Any", SimpleNamespace(text=str))  # in English, which needs no catalogue
    for vector in VECTORS:
        judgement = judge(Form(vector.receipt, vector.policy), b"")
        assert judgement.kind == EXPECTED[vector.name]
        if judgement.kind != "verified":
            assert reason_words(reading, judgement.reason) in WORDS.values(), vector.name


FACTS = "#verdict dl.fields"


def test_what_was_stated_and_by_whom_is_told_with_and_without_javascript(open_page: Open, served: Served) -> None:
    receipts = [receipt_at(served, index) for index in range(0, served.size(), 5)]
    for language in ("", "/en"):
        told: list[list[str]] = []
        for how in (True, False):
            page = open_page(f"{language}/verificar", java_script_enabled=how)
            for receipt in receipts:
                if how:
                    page.evaluate("localStorage.clear()")
                assert judged(page, receipt, policy_at(served)) == "verified"
                found = [*page.locator(f"{FACTS} dt, {FACTS} dd").all_inner_texts()]
                told.append([page.locator(".said-verdict").inner_text(), *found])
        assert told[: len(receipts)] == told[len(receipts) :]


def test_the_facts_of_a_verdict(open_page: Open, served: Served) -> None:
    page = open_page()
    assert judged(page, receipt_at(served, 3), policy_at(served)) == "verified"
    entry = served.get("/api/entries/3").json["data"]
    facts = page.locator(FACTS)
    for words in (
        "Qué se declaró",
        "Firma",
        "Identidad de la declaración",
        str(entry["identity"]),
        str(entry["received_at"]),
        "(UTC",
    ):
        expect(facts).to_contain_text(words)
    facts.get_by_role("link", name="Asiento núm. 3").click()
    page.wait_for_url("**/gt/asientos/3")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "El archivo está vacío."),
        (b"\x89PNG\r\n\x1a\n", "Eso no es una constancia."),
        (b"hola\n", "Eso no es una constancia."),
        (b"\xef\xbb\xbf@", "use el archivo original"),
        (b"@\r\n", "use el archivo original"),
    ],
)
def test_what_is_no_receipt_is_told_so_everywhere(
    open_page: Open, served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], raw: bytes, says: str
) -> None:
    good = receipt_at(served, 3)
    if b"@" in raw:
        raw = raw.replace(b"@", good) if raw.startswith(b"\xef") else good.replace(b"\n", b"\r\n")
    page = open_page()
    assert judged(page, raw, policy_at(served)) == "bad-receipt"
    expect(page.locator("#verdict")).to_contain_text(says)
    for engine in ("criptografía de este mismo navegador", "Que una llave sea"):
        expect(page.locator("#verdict")).not_to_contain_text(engine)  # no signature was verified
    answer = post(served, receipt=raw, trust="own", policy_file=policy_at(served))
    assert (kind_of(answer), says in answer.body.decode()) == ("bad-receipt", True)
    (tmp_path / "r").write_bytes(raw)
    (tmp_path / "p").write_bytes(policy_at(served))
    assert run(["verify", str(tmp_path / "r"), "--policy", str(tmp_path / "p"), "--lang", "es"]) in (1, 2)
    said = " ".join("".join(capsys.readouterr()).split())
    assert says.rstrip(".").lower() in said.lower()


def test_another_file_takes_the_old_verdict_away(open_page: Open, served: Served) -> None:
    page = open_page()
    assert judged(page, receipt_at(served, 3), policy_at(served)) == "verified"
    page.set_input_files("#receipt", files(receipt_at(served, 7)))
    expect(page.locator("#verdict")).to_be_hidden()
    assert verdict(page) == "verified"
    page.locator("#policy").fill("x")
    expect(page.locator("#verdict")).to_be_hidden()


def test_a_founding_digest_is_no_policy(open_page: Open, served: Served) -> None:
    page = open_page()
    page.set_input_files("#receipt", files(receipt_at(served, 3)))
    page.locator("#policy").fill("AB" * 32)
    assert verdict(page) == "none"
    expect(page.locator("#verdict")).to_contain_text("van en `constancia audit --founding`")
    answer = post(served, receipt=receipt_at(served, 3), trust="own", policy="ab" * 32)
    assert (kind_of(answer), "constancia audit --founding" in answer.body.decode()) == ("policy-is-founding", True)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"receipt=x", 415),
        ("multipart/form-data", b"", 415),
        (f"multipart/form-data; boundary={BOUNDARY}", b"hola", 415),
    ],
)
def test_another_form_is_refused(served: Served, kind: str, body: bytes, status: int) -> None:
    answer = served.request("POST", f"{served.path}/verificar", body, {"content-type": kind, "accept": "text/html"})
    assert answer.status == status
    assert "no es el formulario" in answer.body.decode()


def test_a_form_that_is_announced_too_large_is_refused_before_it_is_sent(served: Served) -> None:
    # The body is held back: a server that does not want it closes, and what was on the way would break the connection.
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    with closing(connection):
        connection.putrequest("POST", f"{served.path}/verificar")
        headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "accept": "text/html"}
        for name, value in {**headers, "content-length": "2000001"}.items():
            connection.putheader(name, value)
        connection.endheaders(b"--")
        answer = connection.getresponse()
        assert (answer.status, "El archivo es demasiado grande" in answer.read().decode()) == (413, True)


def test_the_servers_verdict_is_not_kept_and_a_missing_policy_is_told(served: Served) -> None:
    answer = post(served, receipt=receipt_at(served, 3), trust="site")
    assert (kind_of(answer), answer.headers["cache-control"]) == ("verified", "no-store")
    assert kind_of(post(served, receipt=receipt_at(served, 3), trust="own")) == "policy-missing"
    assert kind_of(post(served, trust="site")) == "receipt-missing"
    heavy = policy_at(served) + b"#" * 65_536 + b"\n"
    assert kind_of(post(served, receipt=receipt_at(served, 3), trust="own", policy_file=heavy)) == "policy-wrong"
    pasted = receipt_at(served, 3).decode().replace("\n", "\r\n")
    assert kind_of(post(served, "/en/verificar", pasted=pasted)) == "verified"
    assert "tlog-proof@v1" not in served.log()


# --- the private file ------------------------------------------------------------------------------------------------


def test_the_private_file_of_a_comment_is_compared_here_and_nowhere_else(open_page: Open, served: Served) -> None:
    content, salt, secret = Content(text="Que se publique el acta. \u202e"), "5a" * 32, "6b" * 32
    key = w.key_of("maría")
    by = {"key": bytes(key.verify_key).hex(), "role": "citizen"}
    digest = w.salted_digest(w.ORIGIN, by["key"], {"text": str(content.text)}, bytes.fromhex(salt))
    world = founded_lately()
    fields: Any = world.comment("maría", salted_digest=digest, claim=w.claim_of(secret))
    note = world.sign("CommentSubmitted", "maría:citizen", **fields)
    answer = served.post(note, [SaltedContent(salt=salt, content=content)])
    assert answer.status in (200, 201), answer.body
    receipt, identity = answer.json["receipt"].encode(), answer.json["identity"]
    private: dict[str, Any] = {
        "contents": [{"content": {"text": content.text}, "salt": salt}],
        "origin": w.ORIGIN,
        "secret": secret,
        "statement": identity,
    }
    sent: list[str] = []
    page = open_page()
    page.on("request", lambda request: sent.append(f"{request.url} {request.post_data}"))

    def compared(**changes: Any) -> None:
        page.set_input_files("#private", files(json.dumps(private | changes).encode()))
        expected = "private-differs" if changes else "verified"
        assert judged(page, receipt, policy_at(served)) == expected
        expect(page.locator(".said-verdict.good")).to_have_count(0 if changes else 1)

    compared()
    expect(page.locator("#verdict")).to_contain_text("El texto del archivo privado es el que se firmó: Que se publique")
    expect(page.locator("#verdict .flag")).to_have_text("U+202E")
    expect(page.locator("#verdict")).to_contain_text("El secreto es el de este comentario")
    compared(contents=[{"content": {"text": "Otro texto."}, "salt": salt}])
    expect(page.locator("#verdict")).to_contain_text("el texto no es aquel cuyo resumen se firmó")
    compared(secret="00" * 32)
    expect(page.locator("#verdict")).to_contain_text("el secreto no es el de este comentario")
    compared(statement="00" * 32)
    expect(page.locator(".steps > li.broken")).to_have_count(1)
    page.set_input_files("#private", files(b"hola"))
    assert verdict(page) == "private-differs"
    expect(page.locator(".said-verdict")).to_contain_text("pero el archivo privado no es el de su declaración")
    expect(page.locator("#verdict")).to_contain_text("no es un archivo privado de este programa")
    assert all("verificar" not in one and "publique" not in one and secret not in one for one in sent)


# --- what a browser remembers ----------------------------------------------------------------------------------------


def test_the_ledger_grows_and_the_browser_proves_it(open_page: Open, served: Served) -> None:
    page = open_page()
    world = founded_lately()
    earlier = receipt_at(served, 3)
    assert judged(page, earlier, policy_at(served)) == "verified"
    expect(page.locator("#verdict")).to_contain_text("Es el primer punto de control de este registro")
    expect(page.locator("#seen-list")).to_contain_text(w.ORIGIN)

    answer = served.post(world.sign("AxisDefined", "copret:coordinator", axis="servicios", title="Servicios públicos"))
    assert answer.status == 201
    page.get_by_role("button", name="Verificar", exact=True).click()
    assert judged(page, answer.json["receipt"].encode(), policy_at(served)) == "verified"
    expect(page.locator("#verdict")).to_contain_text("El registro creció desde el último punto de control")
    assert judged(page, earlier, policy_at(served)) == "verified"
    expect(page.locator("#verdict")).to_contain_text("Es anterior al último punto de control")
    assert judged(page, answer.json["receipt"].encode(), policy_at(served)) == "verified"
    expect(page.locator("#verdict")).to_contain_text("Es el último punto de control que vio este navegador.")
    expect(page.locator("#alarm")).to_be_hidden()
    page.locator("#seen-forget").click()
    expect(page.locator("#seen-list")).to_have_text("Ninguno todavía. Se guarda cuando se verifica una constancia.")


def test_offline_everything_is_verified_and_what_was_not_compared_is_said(open_page: Open, served: Served) -> None:
    page = open_page()
    small, large = receipt_at(served, 3), r.receipt_of(r.leaves(), 7)
    page.context.set_offline(True)
    assert judged(page, small, policy_at(served)) == "verified"
    assert judged(page, large, policy_at(served)) == "verified"  # by the same log, of another size
    expect(page.locator("#verdict")).to_contain_text("No se comparó con el último punto de control")
    expect(page.locator("#alarm")).to_be_hidden()
    expect(page.locator(".steps > li.untried")).to_have_count(1)
    page.get_by_label("En la que este sitio publica").check()
    assert verdict(page) == "verified"  # the site's policy was fetched with the page


def test_a_server_that_fails_is_no_alarm(open_page: Open, served: Served) -> None:
    page = open_page()
    assert judged(page, receipt_at(served, 3), policy_at(served)) == "verified"
    page.route("**/api/consistency?*", lambda route: route.abort())
    assert judged(page, r.receipt_of(r.leaves(), 7), policy_at(served)) == "verified"
    expect(page.locator("#verdict")).to_contain_text("No se comparó")
    expect(page.locator("#alarm")).to_be_hidden()


Ledger = Callable[[str, int], Path]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Makes folders of one ledger (same origin, same key) that goes on differently: a name, and how many entries."""
    begun = int(time.time() * 1000) - 600_000

    def made(name: str, more: int) -> Path:
        world = founded_lately(ago_ms=int(time.time() * 1000) - begun)
        for number in range(more):
            world.say("AxisDefined", "copret:coordinator", axis=f"eje-{number}", title=f"{name} {number}")
        put_on_disk(world, tmp_path / name)
        return tmp_path / name

    return made


def check_proof(text: str, small: bytes, large: bytes, policy: bytes) -> None:
    """What a stranger does with the third file: both notes are signed, and the hashes lead to another root."""
    heads = [parse_policy(policy).check(note).checkpoint for note in (small, large)]
    lines = text.split("\n")
    at = lines.index(f"root at {heads[0].size} under the note of {heads[1].size}")
    start = lines.index(f"consistency proof {heads[0].size} to {heads[1].size}")
    other, hashes = parse_base64(lines[at + 1], 32), [parse_base64(line, 32) for line in lines[start + 1 : -1]]
    check_consistency(heads[0].size, other, heads[1].size, heads[1].root, hashes)
    assert other != heads[0].root
    assert format_base64(heads[0].root) in lines
    assert "Este texto no prueba nada sin ambas notas" in text
    assert "This text proves nothing without both notes" in text


def downloaded(page: Page) -> list[bytes]:
    """The files that the alarm offers."""
    found: list[bytes] = []
    for link in page.get_by_role("alert").locator("a[download]").all():
        with page.expect_download() as waiting:
            link.click()
        found.append(Path(waiting.value.path()).read_bytes())
    return found


def note_of(receipt: bytes) -> bytes:
    return receipt.split(b"\n\n", 1)[1]


@pytest.mark.parametrize(
    ("before", "after", "says", "keep"),
    [
        (2, 2, "y sus raíces difieren. El registro muestra dos historias.", "Guarde ambos archivos"),
        (2, 5, "el primero no es el comienzo del segundo: está demostrado.", "Guarde los tres archivos"),
    ],
)
def test_a_ledger_that_shows_two_histories_is_found_out(
    open_page: Open,
    ledger: Ledger,
    axe_findings: Callable[[Page], list[str]],
    before: int,
    after: int,
    says: str,
    keep: str,
) -> None:
    with Served(ledger("una", before)) as one:
        one.folded()
        page = open_page(server=one)
        first, policy = receipt_at(one, 3), policy_at(one)
        assert judged(page, first, policy) == "verified"
    forked = Served(ledger("otra", after))
    forked.port = one.port
    with forked:
        forked.folded()
        second = receipt_at(forked, 3)
        assert judged(page, second, policy) == "fork"
        alarm = page.get_by_role("alert")
        for words in ("Alarma: este registro se contradice", says, keep):
            expect(alarm).to_contain_text(words)
        expect(page.locator(".said-verdict.bad")).to_contain_text("se sostiene en una de dos historias")
        assert axe_findings(page) == []
        kept = downloaded(page)
        assert kept[:2] == [note_of(first), note_of(second)]
        assert len(kept) == (2 if before == after else 3)
        for note in kept[:2]:
            parse_policy(policy).check(note)  # both are signed by the ledger: evidence for anybody
        for proof in kept[2:]:
            check_proof(proof.decode(), kept[0], kept[1], policy)

        page.reload()  # the alarm stays until the reader says that they have the files
        page.locator("#verify[data-ready]").wait_for(state="attached")
        expect(alarm).to_contain_text(says)
        assert downloaded(page) == kept
        assert judged(page, first, policy) == "fork"  # it holds in the other history alone
        alarm.get_by_role("button", name="Ya guardé los archivos: quitar la alarma").click()
        expect(alarm).to_be_hidden()
        page.reload()
        page.locator("#verify[data-ready]").wait_for(state="attached")
        expect(alarm).to_be_hidden()
        assert judged(page, first, policy) == "verified"
        assert judged(page, second, policy) == "fork"


def test_a_fork_is_proven_when_the_older_checkpoint_comes_second(open_page: Open, ledger: Ledger) -> None:
    with Served(ledger("otra", 2)) as other:
        other.folded()
        small = receipt_at(other, 3)
    with Served(ledger("una", 5)) as one:
        one.folded()
        page = open_page(server=one)
        large, policy = receipt_at(one, 3), policy_at(one)
        assert judged(page, large, policy) == "verified"
        assert judged(page, small, policy) == "fork"
        kept = downloaded(page)
        assert kept[:2] == [note_of(large), note_of(small)]
        check_proof(kept[2].decode(), kept[1], kept[0], policy)


def test_a_fork_kept_by_others_is_proven_again_before_it_alarms(open_page: Open, served: Served) -> None:
    page = open_page()
    vkey = policy_at(served).decode().split()[1]
    small, large = (note_of(r.receipt_of(r.leaves(), 3)), note_of(receipt_at(served, 3)))
    notes = [small.decode(), large.decode()]
    proof: dict[str, Any] = {"from": str(len(r.leaves())), "to": "1", "oldRoot": format_base64(bytes(32)), "hashes": []}
    forged: list[Any] = [{"vkeys": [vkey], "notes": notes, "proof": proof}, {"vkeys": [vkey], "notes": [notes[1]] * 2}]
    for kept in (*forged, [1]):
        page.evaluate("(text) => localStorage.setItem('constancia/fork/x', text)", json.dumps(kept))
        page.reload()
        page.locator("#verify[data-ready]").wait_for(state="attached")
        expect(page.get_by_role("alert")).to_be_hidden()


@pytest.fixture
def seen_small(open_page: Open, ledger: Ledger) -> Iterator[tuple[Page, Served, bytes, bytes]]:
    """A page that saw a small checkpoint of its server, the server, another history's larger receipt, and a policy."""
    with Served(ledger("otra", 5)) as other:
        other.folded()
        larger = receipt_at(other, 3)
    with Served(ledger("una", 2)) as one:
        one.folded()
        page = open_page(server=one)
        assert judged(page, receipt_at(one, 3), policy_at(one)) == "verified"
        yield page, one, larger, policy_at(one)


def not_compared(page: Page, why: str) -> None:
    """The receipt was verified, nothing was compared, the reason is said, and nobody is alarmed."""
    expect(page.locator("#verdict")).to_contain_text("No se comparó con el último punto de control")
    expect(page.locator("#verdict")).to_contain_text(why)
    expect(page.locator("#alarm")).to_be_hidden()
    expect(page.locator(".steps > li.untried")).to_have_count(1)
    expect(page.locator(".said-verdict.good")).to_have_count(1)


def test_a_copy_that_lags_behind_is_no_alarm(seen_small: tuple[Page, Served, bytes, bytes]) -> None:
    page, _, larger, policy = seen_small
    assert judged(page, larger, policy) == "verified"
    not_compared(page, "Puede ser una copia atrasada")
    expect(page.locator("#doubt")).to_be_hidden()


ODD = {
    "a page of the network's own": ("text/html", "<!doctype html><title>Bienvenido</title>"),
    "an empty list": ("application/json", "[]"),
    "no data": ("application/json", '{"data":null}'),
    "no root": ("application/json", '{"data":{"from":%(from)s,"to":%(to)s,"hashes":[]}}'),
    "hashes that are numbers": (
        "application/json",
        '{"data":{"from":%(from)s,"to":%(to)s,"hashes":[1],"old_root":""}}',
    ),
    "other sizes": ("application/json", '{"data":{"from":1,"to":2,"hashes":[],"old_root":""}}'),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_proof_is_no_alarm(seen_small: tuple[Page, Served, bytes, bytes], odd: str) -> None:
    page, _, larger, policy = seen_small
    kind, body = ODD[odd]

    def answer(route: Route) -> None:
        sizes = dict(re.findall(r"(from|to)=(\d+)", route.request.url))
        route.fulfill(status=200, content_type=kind, body=body % sizes)

    page.route("**/api/consistency?*", answer)
    assert judged(page, larger, policy) == "verified"
    not_compared(page, "lo que llegó no es una prueba")


def test_a_server_that_is_smaller_than_it_answers_is_behind(seen_small: tuple[Page, Served, bytes, bytes]) -> None:
    page, _, larger, policy = seen_small
    page.route("**/api/consistency?*", lambda route: route.fulfill(status=200, body='{"checkpoint":{"size":1}}'))
    assert judged(page, larger, policy) == "verified"
    not_compared(page, "Puede ser una copia atrasada")


def test_a_proof_that_does_not_hold_is_doubt_and_no_alarm(
    seen_small: tuple[Page, Served, bytes, bytes], axe_findings: Callable[[Page], list[str]]
) -> None:
    page, one, larger, policy = seen_small
    world = founded_lately()
    for axis in ("a", "b", "c", "d"):
        assert one.post(world.sign("AxisDefined", "copret:coordinator", axis=axis, title=axis)).status == 201
    one.folded()  # until then it has too few entries to answer
    assert judged(page, larger, policy) == "verified"
    not_compared(page, "el servidor no dio una prueba que se sostenga")
    expect(page.locator("#doubt")).to_contain_text("Eso todavía no prueba nada en su contra")
    assert page.locator("#doubt a[download]").count() == 2
    assert axe_findings(page) == []
    page.reload()
    expect(page.locator("#doubt")).to_be_hidden()


def test_a_server_cannot_invent_a_fork(open_page: Open, served: Served) -> None:
    page = open_page()
    assert judged(page, receipt_at(served, 3), policy_at(served)) == "verified"
    world = founded_lately()
    answer = served.post(world.sign("AxisDefined", "copret:coordinator", axis="inventada", title="Inventada"))

    def lie(route: Route) -> None:
        true = route.fetch().json()
        true["data"]["old_root"] = format_base64(bytes(32))
        route.fulfill(status=200, json=true)

    page.route("**/api/consistency?*", lie)
    assert judged(page, answer.json["receipt"].encode(), policy_at(served)) == "verified"
    not_compared(page, "el servidor no dio una prueba que se sostenga")


def test_what_was_stored_by_others_is_verified_again_before_it_counts(open_page: Open, served: Served) -> None:
    page = open_page()
    assert judged(page, receipt_at(served, 3), policy_at(served)) == "verified"
    forged = r.signed_head(r.text_of(r.leaves()), key=SigningKey(bytes(32)))
    page.evaluate(
        "(text) => Object.keys(localStorage).forEach((name) => localStorage.setItem(name, text))", forged.decode()
    )
    assert judged(page, receipt_at(served, 3), policy_at(served)) == "verified"
    expect(page.locator("#verdict")).to_contain_text("Es el primer punto de control de este registro")


# --- looks, and paper ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "width", "scheme"),
    [("/verificar", 320, "light"), ("/verificar", 390, "light"), ("/en/verificar", 390, "dark"),
     ("/en/verificar", 1280, "light")],
)  # fmt: skip
def test_axe_finds_nothing(
    open_page: Open, served: Served, axe_findings: Callable[[Page], list[str]], path: str, width: int, scheme: str
) -> None:
    page = open_page(path, width, color_scheme=scheme)
    for receipt in (receipt_at(served, 3), receipt_at(served, 3).replace(b"index 3", b"index 4")):
        judged(page, receipt, policy_at(served))
        page.locator(".steps summary").nth(2).click()
        assert axe_findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_an_alarm_has_no_buttons_and_the_verdict_stands_alone(open_page: Open, ledger: Ledger) -> None:
    with Served(ledger("otra", 2)) as other:
        other.folded()
        small = receipt_at(other, 3)
    with Served(ledger("una", 5)) as one:
        one.folded()
        page = open_page(server=one)
        expect(page.locator("#auditar")).to_be_visible()
        assert judged(page, receipt_at(one, 3), policy_at(one)) == "verified"
        assert judged(page, small, policy_at(one)) == "fork"
        page.emulate_media(media="print")
        expect(page.locator("#alarm pre")).to_have_count(3)
        for shown in (page.locator("#alarm pre").first, page.locator(".said-verdict.bad")):
            expect(shown).to_be_visible()
        for hidden in (".alarm .button", ".alarm button", "#auditar"):
            expect(page.locator(hidden).first).to_be_hidden()
        inside = "found => getComputedStyle(found).breakInside"
        assert page.locator("#alarm pre").first.evaluate(inside) == "avoid"


def test_a_label_does_not_wrap_under_its_circle_and_a_name_breaks_where_it_may(open_page: Open, served: Served) -> None:
    page = open_page(width=320)
    for name in ("own", "site"):
        circle = page.locator(f"#trust-{name}").bounding_box()
        label = page.locator(f"label[for=trust-{name}]").bounding_box()
        assert circle
        assert label
        assert label["x"] >= circle["x"] + circle["width"]
    assert judged(page, receipt_at(served, 3), policy_at(served)) == "verified"
    lines = "found => found.getClientRects().length"
    parts = page.locator(".said-verdict .origin span").all()
    assert "".join(part.inner_text() for part in parts) == w.ORIGIN
    assert [part.evaluate(lines) for part in parts] == [1] * len(parts)


def test_english_has_its_own_marks(open_page: Open, served: Served) -> None:
    for path, there, other in (("/verificar", "«", "“"), ("/en/verificar", "“", "«")):
        page = open_page(path)
        assert judged(page, receipt_at(served, 3), policy_at(served)) == "verified"
        sentence = page.locator(".said-verdict").inner_text()
        assert (there in sentence, other in sentence) == (True, False)

"""Statements signed in a browser: Python opens what Chromium signed, and refuses what was changed; sending, again and
again, until the ledger has answered.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import world as w
from playwright.sync_api import Browser, Page, Route
from service import SUBMISSION, Served, founded_lately, put_on_disk

from consultation.text import Content, fit, parse_submission, salted_digest
from ledger.errors import Refused
from ledger.statement import open_statement

# Texts that a careless writer of JSON, or of Unicode, gets wrong.
TEXTS = (
    "Que se publique el acta.",
    'Dijo: "sí" \\ no\n\tdos líneas\r\n',
    "K'iche' Kʼicheʼ K’iche’ ñandú 🌽 \u2028 \u2029 \ufeff \u202e abc \u007f \u0001 </script>",
    "é e\u0301 ﬁ Å Å",  # never normalised
    "maíz " * 700,
)

SIGN = """
async ([folder, origin, draft, text]) => {
    const { newContent, makeNote, formatSubmission, saidNow, randomHex } = await import(`${folder}/sign.js`);
    const { toHex } = await import(`${folder}/bytes.js`);
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    const key = toHex(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
    const sign = (bytes) => crypto.subtle.sign("Ed25519", pair.privateKey, bytes);
    const { salt, content, digest } = await newContent({ text }, origin, key);
    const by = [{ key, role: "citizen" }];
    const statement = { ...draft, by, said_at: saidNow(), lang: "es-GT", claim: randomHex(32), salted_digest: digest };
    const { note, identity } = await makeNote(statement, origin, [{ key, sign }]);
    const contents = [{ salt, content }];
    return { note, identity, digest, key, contents, ...formatSubmission(note, contents) };
}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A founded ledger with an open round, served."""
    folder = tmp_path_factory.mktemp("firmar")
    put_on_disk(founded_lately(), folder)
    with Served(folder) as server:
        server.folded()
        yield server


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """A page of the site, with its scripts at hand."""
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{served.address}gt/verificar")
    yield page
    context.close()


def folder(page: Page) -> str:
    """The address of the folder of the scripts."""
    return str(page.locator("script[src*='verify-page.js']").get_attribute("src")).rpartition("/")[0]


def signed(page: Page, text: str = TEXTS[0], **fields: Any) -> Any:
    """A comment that the browser signed."""
    draft = {"kind": "CommentSubmitted", "plan": w.PLAN, "round": "ronda-1", "version": 1, "about": "whole", **fields}
    return page.evaluate(SIGN, [folder(page), w.ORIGIN, draft, text])


@pytest.mark.parametrize("text", TEXTS)
def test_python_opens_what_the_browser_signed(page: Page, text: str) -> None:
    made = signed(page, text)

    opened = open_statement(made["note"].encode(), w.ORIGIN)
    submission = parse_submission(made["body"].encode())
    fitted = fit(opened.statement, w.ORIGIN, submission.contents)

    assert opened.identity == made["identity"]
    assert made["type"] == SUBMISSION
    assert submission.note == made["note"]
    assert fitted[made["digest"]].content == Content(text=text)
    salt = bytes.fromhex(made["contents"][0]["salt"])
    assert salted_digest(salt, w.ORIGIN, made["key"], Content(text=text)) == made["digest"]


@pytest.mark.parametrize("old", ['"about":"whole"', '"version":1', "\n— ", "ronda-1", w.ORIGIN])
def test_python_refuses_what_was_changed_after_signing(page: Page, old: str) -> None:
    note = signed(page)["note"]
    new = {'"about":"whole"': '"about":"parte"', '"version":1': '"version":2', "\n— ": "\n— x"}.get(old, old + "x")
    assert old in note

    with pytest.raises(Refused):
        open_statement(note.replace(old, new).encode(), w.ORIGIN)


def test_a_signature_over_another_text_never_leaves_the_browser(page: Page) -> None:
    reasons = page.evaluate(
        """async (folder) => {
            const { makeNote } = await import(`${folder}/sign.js`);
            const { toHex, utf8 } = await import(`${folder}/bytes.js`);
            const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
            const key = toHex(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
            const sign = (bytes) => crypto.subtle.sign("Ed25519", pair.privateKey, bytes);
            const other = () => sign(utf8("otro texto"));
            const withdrawn = {
                kind: "StatementWithdrawn", plan: "p", by: [{ key, role: "citizen" }], said_at: "2026-02-16T12:00:00Z",
                lang: "es-GT", statement: "ab".repeat(32),
            };
            const why = (statement, signers) => makeNote(statement, "constancia.example/gt", signers)
                .then(() => "signed", (fault) => fault.reason);
            return [
                await why(withdrawn, [{ key, sign }]),
                await why(withdrawn, [{ key, sign: other }]),
                await why(withdrawn, []),
                await why({ ...withdrawn, extra: 1 }, [{ key, sign }]),
                await why({ ...withdrawn, lang: "\\ud800" }, [{ key, sign }]),
            ];
        }""",
        folder(page),
    )
    assert reasons == ["signed", "bad-signature", "no-signatures", "shape", "bad-utf8"]


# --- sending ---------------------------------------------------------------------------------------------------------


def sent(page: Page, made: Any) -> Any:
    """What `submit` gave or threw, and what it said meanwhile."""
    return page.evaluate(
        """async ([folder, { note, contents }]) => {
            const { submit } = await import(`${folder}/sign.js`);
            const phases = [];
            const onProgress = ({ phase }) => phases.push(phase);
            return submit("/gt", note, contents, { onProgress }).then(
                (answer) => ({ ...answer, phases }),
                ({ status, code, rule, refusal }) => ({ status, code, rule, refusal, phases }),
            );
        }""",
        [folder(page), made],
    )


def told(thrown: Any) -> tuple[int, str, str, list[str]]:
    """What the reader is told of an answer that was no receipt."""
    return thrown["status"], thrown["code"], thrown["rule"], thrown["phases"]


def test_what_is_sent_twice_has_one_place(page: Page, served: Served) -> None:
    made = signed(page)

    first = sent(page, made)
    again = sent(page, made)

    assert first["identity"] == again["identity"] == made["identity"]
    assert (first["index"], first["received_at"]) == (again["index"], again["received_at"])
    assert served.get(f"/receipts/{made['identity']}").body.startswith(b"c2sp.org/tlog-proof")
    assert first["phases"] == ["sending"]


def test_the_servers_reason_is_thrown(page: Page) -> None:
    assert told(sent(page, signed(page, round="no-hay"))) == (422, "unknown-ref", "A5", ["sending"])
    made = signed(page)
    made["contents"][0]["content"]["text"] = "Otro texto."
    assert sent(page, made)["code"] == "digest-mismatch"


Answers = list[Callable[[Route], None]]


def answering(page: Page, answers: Answers) -> None:
    """Let the server's door answer so, in this order, and then by itself."""
    page.route("**/gt/statements", lambda route: answers.pop(0)(route) if answers else route.continue_())


def problem(status: int, code: str, **more: Any) -> Callable[[Route], None]:
    body = json.dumps({"type": f"urn:constancia:{code}", "title": "…", "status": status, "code": code, **more})
    headers = {"retry-after": "1", "content-type": "application/problem+json"}
    return lambda route: route.fulfill(status=status, headers=headers, body=body)


def test_a_busy_server_and_a_lost_connection_are_tried_again(page: Page) -> None:
    answering(page, [problem(503, "busy"), lambda route: route.abort(), problem(429, "rate-limit")])

    answer = sent(page, signed(page))

    assert answer["index"] > 0
    assert answer["phases"] == ["sending", "waiting"] * 3 + ["sending"]


def test_an_answer_that_was_lost_is_found_again(page: Page) -> None:
    made = signed(page)

    def swallow(route: Route) -> None:
        assert route.fetch().status == 201  # registered, and nobody hears of it
        route.abort()

    answering(page, [swallow])
    answer = sent(page, made)
    assert answer["identity"] == made["identity"]
    assert answer["index"] == sent(page, made)["index"]


def test_without_a_network_nothing_is_claimed(page: Page) -> None:
    answering(page, [lambda route: route.abort()] * 9)
    phases = ["sending", "waiting"] * 2 + ["sending"]
    assert told(sent(page, signed(page))) == (0, "offline", "", phases)


def test_a_network_that_answers_with_a_page_of_its_own_is_no_ledger(page: Page) -> None:
    answering(page, [lambda route: route.fulfill(status=200, body="<html>password?</html>")])
    assert sent(page, signed(page))["code"] == "unreadable"

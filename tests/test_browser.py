"""The browser that page tests rely on: it starts, renders, and what axe finds in it is seen."""

from collections.abc import Callable

from playwright.sync_api import Page


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

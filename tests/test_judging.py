"""The table of a check: each of its rows, their order, and that nothing else is ever said."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import judging
from api.fetching import WHY, Fetched, Hop, Unfetched
from api.judging import RULES, judge, reason_of

URL = "http://a.example/informes/acta.html"
PAGE = b"<html><title>Acta</title></html>"


Headers = tuple[tuple[str, str], ...]


def came(
    body: bytes = PAGE,
    status: int = 200,
    at: str = URL,
    headers: tuple[tuple[str, str], ...] = (),
    redirected: bool = False,
) -> Fetched:
    hop = Hop(url=at, address="45.67.89.1", status=status, reason="", headers=headers)
    first = Hop(url=URL, address="45.67.89.1", status=302, reason="", headers=(("location", at),))
    return Fetched(url=URL, hops=(first, hop) if redirected else (hop,), body=body, fetched_ms=0)


def titled(title: str) -> bytes:
    return f"<html><title>{title}</title><p>…".encode()


def said(outcome: Fetched | Unfetched, *known: bytes) -> str:
    judged = judge(outcome, URL, [sha256(body).hexdigest() for body in known])
    assert bool(judged.digest) == (judged.seen in ("alive", "changed"))
    return f"{judged.seen}/{judged.rule}"


def test_bytes_decide_first() -> None:
    assert said(came()) == "alive/first-seen"
    assert said(came(), PAGE) == "alive/same-bytes"
    assert said(came(), b"another", PAGE) == "alive/same-bytes"
    assert said(came(), b"another") == "changed/other-bytes"


@pytest.mark.parametrize("title", ["404", "Just a moment...", "Dominio en venta"])
def test_a_page_that_was_captured_is_alive_whatever_its_title(title: str) -> None:
    assert said(came(titled(title)), titled(title)) == "alive/same-bytes"
    assert said(came(titled(title)), PAGE) not in ("alive/same-bytes", "changed/other-bytes")


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        *[(status, "gone/not-there") for status in (404, 410)],
        *[(status, "blocked/turned-away") for status in (401, 402, 403, 407, 429, 451)],
        *[(status, "unsure/server-fault") for status in (500, 502, 503, 504, 520, 599)],
        *[
            (status, "unsure/odd-status")
            for status in (201, 202, 203, 204, 206, 300, 304, 400, 405, 406, 408, 418, 425)
        ],
    ],
)
def test_every_status_is_in_the_table(status: int, seen: str) -> None:
    assert said(came(status=status)) == seen
    assert said(came(status=status), PAGE) == seen


@pytest.mark.parametrize(
    ("title", "seen"),
    [
        ("Error 404", "unsure/soft-404"),
        ("404 Not Found", "unsure/soft-404"),
        ("Página no encontrada", "unsure/soft-404"),
        ("La página no existe", "unsure/soft-404"),
        ("Documento no disponible", "unsure/soft-404"),
        ("No se encontró la página", "unsure/soft-404"),
        ("Page not found | MINFIN", "unsure/soft-404"),
        ("copret.example domain is for sale", "unsure/parked"),
        ("Cuenta suspendida", "unsure/parked"),
        ("Apache2 Debian Default Page: It works", "unsure/parked"),
        ("Welcome to nginx!", "unsure/parked"),
        ("Just a moment...", "blocked/challenge"),
        ("Attention Required! | Cloudflare", "blocked/challenge"),
        ("Acceso denegado", "blocked/challenge"),
        ("Acta 4045 de la mesa", "alive/first-seen"),
        ("Personas no encontradas en el padrón: informe", "alive/first-seen"),
        ("Oferta de dominio público", "alive/first-seen"),
        ("Lo que no existe en el plan", "alive/first-seen"),
    ],
)
def test_titles_of_pages_that_are_no_documents_are_known_and_no_others(title: str, seen: str) -> None:
    assert said(came(titled(title))) == seen


def test_only_a_small_page_of_html_is_doubted() -> None:
    assert said(came(b"%PDF-1.4 <title>404</title>")) == "alive/first-seen"
    assert said(came(titled("404") + b"x" * 300_000)) == "alive/first-seen"


def test_a_challenge_may_come_with_503() -> None:
    assert said(came(titled("Just a moment..."), 503)) == "blocked/challenge"
    assert said(came(status=503, headers=(("cf-mitigated", "challenge"),))) == "blocked/challenge"


@pytest.mark.parametrize("home", ["http://a.example/", "http://b.example", "http://a.example/index.php"])
def test_a_deep_link_that_leads_home_is_not_there_for_sure(home: str) -> None:
    assert said(came(at=home, redirected=True)) == "unsure/home-page"
    assert (
        said(came(at=home + "?id=7" if home.endswith("/") else f"{home}?id=7", redirected=True)) == "alive/first-seen"
    )
    outcome = came(at=home)
    assert judge(outcome, home, ()).rule == "first-seen"  # whoever links a home page means it


def test_nothing_is_no_document() -> None:
    assert said(came(b"")) == "unsure/empty"


@pytest.mark.parametrize("code", WHY)
def test_silence_is_unsure_but_for_a_name_that_is_no_more(code: str) -> None:
    assert said(Unfetched(code, ""), PAGE) == ("gone/no-name" if code == "no-name" else f"unsure/{code}")


@given(st.integers(100, 599), st.sampled_from([PAGE, b"", titled("404"), titled("captcha")]), st.booleans())
def test_whatever_comes_has_a_rule_of_the_table(status: int, body: bytes, known: bool) -> None:
    _, rule = said(came(body, status), *([PAGE] if known else [])).split("/")
    assert rule in RULES
    assert all(reason_of(rule))


def test_the_table_of_the_docstring_has_every_rule() -> None:
    written = {line.split("|")[1].strip() for line in (judging.__doc__ or "").splitlines() if line.startswith("| ")}
    acts = {"asked-to-wait", "direct", "archive", "upload"}
    assert set(RULES) - acts == written - {"rule", "no-name", "…"}

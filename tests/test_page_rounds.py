"""The pages of a consultation and of moderation, over a round in which everything has happened once."""

import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import whole_round as c
from playwright.sync_api import Browser, Page
from service import Served, until
from test_browser import Look, look
from test_pages import Read
from whole_round import Told

from api.search import FAIR_DOMAIN
from ledger.statement import format_time

__all__ = ["look"]  # fixture

PAGES = (
    "/consultas/ronda-1",
    "/consultas/ronda-1?q=presupuesto",
    "/consultas/ronda-1?q=nada+de+esto",
    "/consultas/ronda-1?sobre=metas&orden=newest",
    "/consultas/ronda-1?estado=withheld",
    "/consultas/ronda-1?at=44",
    "/moderacion",
    "/moderacion?consulta=ronda-1",
)


@pytest.fixture(scope="module")
def told() -> Told:
    return c.tell(answer_by={"precision": "day", "day": "2026-01-31"})


@pytest.fixture(scope="module")
def server(told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("consulta") / "registro"
    told.write(folder)
    with Served(folder) as running:
        yield ready(running)


def ready(running: Served) -> Served:
    """The server once pages and search know everything."""
    running.folded()
    until(lambda: 'class="behind' not in source(running, "/consultas/ronda-1"))
    return running


def source(server: Served, path: str, status: int = 200) -> str:
    answer = server.get(path, accept="text/html")
    assert answer.status == status, server.log()[-2000:]
    return answer.body.decode()


def listed(server: Served, told: Told, query: str = "") -> list[str]:
    """Who said the comments that the page shows, in its order."""
    who = {told.comment(name).index: name for name in c.TEXTS}
    found = re.findall(r'<article class="comment" id="c(\d+)"', source(server, f"/consultas/ronda-1{query}"))
    return [who[int(index)] for index in found]


# --- what is said of the round ---------------------------------------------------------------------------------------


def test_the_page_says_what_is_consulted_until_when_and_what_happens_with_it(server: Served) -> None:
    page = Read(source(server, "/consultas/ronda-1"))
    assert "Borrador del informe de autoevaluación" in page.text
    assert (
        "La coordinación debe responder con razones cada comentario a más tardar el 31 de enero de 2026." in page.text
    )
    assert page.all("a", class_="button")[0]["href"] == "/gt/consultas/ronda-1/comentar"
    assert "/gt/moderacion?consulta=ronda-1" in page.links


def test_figures_have_their_denominators_and_add_up(server: Served) -> None:
    page = Read(source(server, "/en/consultas/ronda-1")).text
    for words in (
        "Comments received 8",
        "Shown 4 of 8",
        "Shown in part 1 of 8",
        "Withheld 1 of 8",
        "Withdrawn by its author 1 of 8",
        "Erased 1 of 8",
        "signed by its author 7 of 8",
        "transcribed from a meeting 1 of 8",
        "Answered 25.00% 2 of 8",
        "Without an answer 6 of 8",
        "6 answers overdue",
        "Median wait for the first answer of 2 first answers 1 day",
        "Longest wait 2 days",
        "of these, overturned 0 of 1",
        "These are comments, not people",
    ):
        assert words in page, words


def test_the_pictures_are_tables_with_a_bar_in_each_row(server: Served) -> None:
    page = Read(source(server, "/consultas/ronda-1"))
    assert len(page.all("table", class_="bars")) == 2
    assert [found["width"] for found in page.all("rect")] == ["333", "1000", "1000", "666", "333", "666"]
    assert "Comentarios por día de llegada" in page.text


def test_a_published_count_that_differs_is_said_plainly(tmp_path: Path) -> None:
    told = c.tell(ago_ms=6 * c.DAY, days=3, late="accept")
    world = told.world
    world.now_ms += 3 * c.DAY
    size = len(world.entries)
    world.say("RoundClosed", c.CHAIR, round="ronda-1", comment_count=9, tree_size=size)
    told.write(tmp_path / "registro")
    with Served(tmp_path / "registro") as server:
        ready(server)
        page = source(server, "/consultas/ronda-1")
        assert f"con 9 comentarios entre los primeros {size} asientos; el registro tiene 8." in page
        assert 'class="differ"' in page
        assert "Lo que llega ahora se recibe y se marca" in page


# --- the list --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=presupuesto", {"ana"}),
        ("?q=PARTICIPACION", {"ana"}),
        ("?q=comun", {"eva"}),
        ("?q=k'iche'", {"quic"}),
        ("?q=odioinventado", set[str]()),
        ("?q=calle", set[str]()),
        ("?sobre=metas", {"ana", "mesa"}),
        ("?sobre=gt-2014-2016/G1", {"luis", "rosa"}),
        ("?sobre=whole&posicion=against", {"juan"}),
        ("?canal=meeting", {"mesa"}),
        ("?idioma=quc", {"quic"}),
        ("?estado=withheld", {"juan"}),
        ("?estado=redacted", {"rosa"}),
        ("?estado=erased", {"luis"}),
        ("?estado=withdrawn", {"sara"}),
        ("?estado=answered", {"ana", "mesa"}),
        ("?estado=unanswered&q=plazos", {"eva"}),
        ("?estado=late", set[str]()),
        ("?estado=inventado", set[str]()),
        ("?sobre=whole:&q=%3Dstate:shown", set[str]()),
        ("?orden=inventado", set(c.TEXTS)),
    ],
)
def test_filters_and_words_work_together(server: Served, told: Told, query: str, expected: set[str]) -> None:
    assert set(listed(server, told, query)) == expected


def test_orders(server: Served, told: Told) -> None:
    oldest = list(c.TEXTS)
    assert listed(server, told, "?orden=oldest") == oldest
    assert listed(server, told, "?orden=newest") == oldest[::-1]
    assert listed(server, told, "?orden=waiting") == [who for who in oldest if who not in ("ana", "mesa")] + [
        "ana",
        "mesa",
    ]


def test_the_fair_order_is_as_anybody_computes_it_from_what_the_page_says(server: Served, told: Told) -> None:
    def digest(*lines: str) -> bytes:
        return sha256(FAIR_DOMAIN + "".join(f"{line}\n" for line in lines).encode()).digest()

    page = Read(source(server, "/consultas/ronda-1?dia=2026-03-05")).text
    assert 'SHA-256("constancia/fair-order/v1\\nconstancia.example/gt\\nronda-1\\n2026-03-05\\n")' in page
    starts: set[str] = set()
    for day in range(1, 29):
        date = f"2026-03-{day:02d}"
        start = digest("constancia.example/gt", "ronda-1", date)
        entries = {who: told.comment(who) for who in c.TEXTS}
        keys = {who: digest(format_time(one.received_ms), one.opened.identity) for who, one in entries.items()}
        expected = sorted(keys, key=lambda who: (keys[who] < start, keys[who]))
        assert listed(server, told, f"?dia={date}") == expected
        starts.add(expected[0])
    assert len(starts) > 3


def test_pages_of_a_list_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    told = c.tell()
    for number in range(60):
        told.comments_on(f"vecina-{number}", f"Comentario número {number} sobre el agua", about="metas")
    told.write(tmp_path / "registro")
    with Served(tmp_path / "registro") as server:
        ready(server)
        for query in ("", "?orden=oldest", "?orden=newest", "?orden=waiting", "?q=agua&sobre=metas", "?at=100"):
            path, seen, pages = f"/consultas/ronda-1{query}", list[str](), 0
            while path:
                page = source(server, path)
                seen += re.findall(r'<article class="comment" id="c(\d+)"', page)
                following = re.search(r'<a href="/gt([^"]+)" rel="next"', page)
                path = following[1].replace("&amp;", "&") if following else ""
                pages += 1
            total = 61 if "agua" in query else 52 if "at=" in query else 68
            assert (len(seen), len(set(seen))) == (total, total), query
            assert pages == -(-total // 25)


def test_an_older_state_comes_as_a_plain_list_and_says_so(server: Served, told: Told) -> None:
    at = told.comment("juan").index + 1
    page = source(server, f"/consultas/ronda-1?at={at}&q=presupuesto&orden=newest")
    assert "En un estado anterior del registro no hay búsqueda" in page
    assert re.findall(r'<article class="comment" id="c(\d+)"', page) == [
        str(told.comment(who).index) for who in list(c.TEXTS)[:5]
    ]
    assert [c.TEXTS[who] for who in ("luis", "juan", "rosa") if c.TEXTS[who] in page] == []


@pytest.mark.parametrize("query", ["?desde=x", "?desde=-1", "?desde=1rr", "?desde=" + "9" * 16, "?q=" + "x" * 201])
def test_addresses_that_make_no_sense_are_none(server: Served, query: str) -> None:
    source(server, f"/consultas/ronda-1{query}", 404)


def test_a_cursor_that_is_no_comment_begins_at_the_beginning(server: Served, told: Told) -> None:
    assert listed(server, told, "?orden=oldest&desde=2") == list(c.TEXTS)


# --- moderation ------------------------------------------------------------------------------------------------------


def test_every_act_of_moderation_is_told_in_public(server: Served, told: Told) -> None:
    page = Read(source(server, "/en/moderacion"))
    acts = [entry for entry in told.world.entries if entry.opened.statement.kind.startswith("Content")]
    articles = [found["id"] for found in page.all("article")]
    assert articles == [f"a{entry.index}" for entry in reversed(acts)]
    for words in (
        "Text erased : it contains personal data",
        "VIGILANTE , DEFENSOR",
        "Rule Regla 3",
        "The act stands",
        "La regla 3 no alcanza: se devuelve.",
        "another act has taken its place",
    ):
        assert words in page.text, words
    assert [text for who, text in c.TEXTS.items() if who not in ("ana",) and text in page.text] == []


def test_acts_are_counted_by_ground_and_by_organisation(server: Served) -> None:
    page = source(server, "/moderacion?consulta=ronda-1")
    rows = re.findall(r'<tr><th scope="row"><bdi>(.*?)</bdi></th>(.*?)</tr>', page)
    found = {name: [int(n) for n in re.findall(r'<td class="n"[^>]*>(\d+)</td>', row)] for name, row in rows}
    assert found == {
        "contiene datos personales": [0, 1, 0, 1],
        "incita al odio": [1, 0, 0, 0],
        "es publicidad no deseada": [1, 0, 0, 0],
        "sin motivo: se muestra de nuevo": [0, 0, 1, 0],
        "VIGILANTE": [2, 1, 1, 1],
        "DEFENSOR": [0, 0, 0, 1],
    }
    source(server, "/moderacion?consulta=no-hay", 404)


# --- in a browser ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    look: Look, server: Served, axe_findings: Callable[[Page], list[str]], path: str
) -> None:
    base = server.address.rstrip("/")
    for language, width in (("", 320), ("/en", 390), ("", 1280)):
        page = look(f"{base}/gt{language}{path}", width)
        assert axe_findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("setting", ["dark", "forced", "print"])
def test_the_bars_are_seen_in_the_dark_in_forced_colours_and_on_paper(
    look: Look, server: Served, axe_findings: Callable[[Page], list[str]], setting: str
) -> None:
    kwargs: Any = {"dark": {"scheme": "dark"}, "forced": {"forced": "active"}}.get(setting, {})
    page = look(f"{server.address.rstrip('/')}/gt/consultas/ronda-1", 1280, **kwargs)
    if setting == "print":
        page.emulate_media(media="print")
    colours = page.evaluate(
        """() => { const bar = document.querySelector(".bars rect"), found = [getComputedStyle(bar).fill];
            for (let at = bar; at; at = at.parentElement) found.push(getComputedStyle(at).backgroundColor);
            return found.filter((one) => one !== "rgba(0, 0, 0, 0)"); }"""
    )
    assert colours[0] not in colours[1:]
    assert page.locator(".bars rect").first.bounding_box()
    if setting == "dark":
        assert axe_findings(page) == []


def test_the_filters_work_with_the_keyboard_and_without_scripts(look: Look, server: Served) -> None:
    page = look(f"{server.address.rstrip('/')}/gt/consultas/ronda-1", 390, javascript=False)
    page.locator("#q").fill("participacion")
    page.locator("#q").press("Enter")
    page.wait_for_url("**/consultas/ronda-1?*")
    assert page.locator("article.comment").count() == 1
    assert page.locator("#q").input_value() == "participacion"
    page.get_by_role("link", name="Quitar los filtros").click()
    assert page.locator("article.comment").count() == len(c.TEXTS)


# --- hostile texts ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def payloads(shared_vectors: Path) -> list[str]:
    """Thousands of texts that others use to make pages execute what they say, in pieces that a comment can hold."""
    raw = (shared_vectors / "hostile-strings" / "xss-payloads.txt").read_text("utf-8", "replace").splitlines()
    pieces = [""]
    for line in [line for line in raw if line.strip() and "\0" not in line]:
        if len((pieces[-1] + line).encode()) > 3_500:
            pieces.append("")
        pieces[-1] += line[:3_400] + "\n"
    return pieces


@pytest.fixture(scope="module")
def hostile(payloads: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Each of them as text, name, place and reason; the worst as the title of a part and the rule of a moderator."""
    folder = tmp_path_factory.mktemp("hostil") / "registro"
    titles = [{"part": f"p{number}", "title": piece[:1_000]} for number, piece in enumerate(payloads[:20])]
    told = c.tell(parts=[*c.PARTS, *titles])
    world = told.world
    until_when = c.format_when(world.now_ms + 30 * c.DAY)
    for number, piece in enumerate(payloads):
        who = f"malo-{number}"
        told.comments_on(who, piece, name=piece[:600], place=piece[-600:], about=f"p{number % 20}")
        words = {"text": piece}
        identity = told.comment(who).opened.identity
        told.say("ResponseGiven", c.CHAIR, answers=[identity], disposition="rejected", words=words)
        if number % 9 == 0:
            act: Any = {"ground": "spam", "rule": piece[:900], "authority": piece[-900:], "appeal_until": until_when}
            told.say("ContentWithheld", "vigilante:moderator", target=told.target(who), **act)
            told.say("ContentRestored", "vigilante:moderator", target=told.target(who), words=words)
    told.write(folder)
    with Served(folder) as running:
        yield ready(running)


def test_the_control_page_shows_that_the_browser_would_execute_them(payloads: list[str], browser: Browser) -> None:
    """The same texts, put into a page as they are, without a policy: some of them run."""
    body = "<!doctype html><meta charset=utf-8><title>x</title>" + "".join(payloads)

    class Control(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode() if self.path == "/" else b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    control = ThreadingHTTPServer(("127.0.0.1", 0), Control)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    context = browser.new_context(reduced_motion="reduce")
    try:
        page = context.new_page()
        ran: list[str] = []
        page.on("dialog", partial(_dismissed, ran))
        page.goto(f"http://127.0.0.1:{control.server_port}/", wait_until="commit")
        page.wait_for_timeout(3_000)
        assert ran
    finally:
        context.close()
        control.shutdown()
        control.server_close()


def _dismissed(ran: list[str], dialog: Any) -> None:
    ran.append(dialog.message)
    dialog.dismiss()


@pytest.mark.parametrize(
    "path", ["/consultas/ronda-1?orden=newest", "/consultas/ronda-1?q=script", "/moderacion", "/consultas"]
)
def test_nothing_that_anybody_writes_executes_or_breaks_a_page(look: Look, hostile: Served, path: str) -> None:
    """Page after page to the end of the list. `look` fails on a dialog, an error, or a request elsewhere."""
    address, seen = f"{hostile.address.rstrip('/')}/gt{path}", 0
    while address and seen < 12:
        page = look(address, 390)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("main script, main iframe, main object, main img, main style").count() == 0
        assert page.locator("footer.foot").count() == 1
        following = page.locator("a[rel=next]")
        address = following.first.evaluate("link => link.href") if following.count() else ""
        seen += 1
    assert seen >= (3 if "orden" in path else 1)


def test_hostile_words_in_the_address_stay_words(look: Look, server: Served, payloads: list[str]) -> None:
    base = f"{server.address.rstrip('/')}/gt/consultas/ronda-1"
    page = look(base, 390)
    for piece in payloads[:40]:
        word = piece.splitlines()[0][:150]
        page.goto(base)
        page.locator("#q").fill(word)
        page.locator("form.filter button").click()
        assert page.locator("#q").input_value() == word
        assert page.locator("main script").count() == 0

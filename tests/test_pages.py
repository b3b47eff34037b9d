"""The pages of a ledger, asked of the real server over the demonstration and over a ledger of hostile texts.

What a page shows is compared with the published record, its links are followed, the commands it prints are run.
"""

import datetime
import html
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import storyline
import world as w
from service import Answer, Served, founded_lately, now_ms, put_on_disk

from api.demo.build import INVENTED, PLAN, ROUND, SUCCESSOR, build
from api.keyfiles import make_key_file, public_hex
from api.phrasing import Phrasing
from api.settings import read_key
from api.signing import sign_draft
from api.site import POLICY
from consultation.text import Content, SaltedContent
from consultation.text import salted_digest as digest_of_content
from ledger.statement import Entry, open_statement
from ledger.tlog.proof import parse_proof

PAGES = (
    "/",
    f"/planes/{PLAN}",
    f"/planes/{PLAN}?pagina=1",
    f"/planes/{PLAN}?q=transparencia&nivel=complete",
    f"/planes/{PLAN}/entorno",
    f"/planes/{PLAN}/comparacion",
    f"/planes/{PLAN}/comparacion?autoevaluado=si&brecha=si&orden=brecha",
    f"/planes/{PLAN}/hallazgos",
    f"/planes/{PLAN}/indicadores",
    f"/planes/{PLAN}/hallazgos?regla=missing%2Fmechanisms&institucion=minfin",
    f"/planes/{PLAN}/hallazgos/G6-reason/C3-reason",
    f"/planes/{PLAN}/compromisos/C8",
    f"/planes/{PLAN}/compromisos/G13",
    "/planes",
    f"/planes/{PLAN}/junto-a",
    f"/planes/{SUCCESSOR}",
    f"/planes/{SUCCESSOR}/compromisos/G3",
    "/consultas",
    f"/consultas/{ROUND}",
    f"/consultas/{ROUND}?q=datos&posicion=for&orden=newest",
    f"/consultas/{ROUND}/comentar",
    f"/consultas/{ROUND}/documento",
    "/consultas/gt-2014-2016-self-assessment/documento",
    "/consultas/gt-2014-2016-self-assessment",
    "/consultas/gt-2014-2016-self-assessment/comentar",
    "/comentarios",
    "/moderacion",
    "/reuniones",
    "/reuniones/gt-2014-2016-committee-2015-09-21",
    "/informes",
    "/verificar",
    "/asientos",
    "/asientos/0",
    "/asientos/80",
    "/acerca",
    "/exportar",
    "/instituciones/copret",
    "/organizaciones/guatecivica",
    "/mesa",
    "/mesa/moderacion",
    "/mesa/coordinacion",
    "/mesa/coordinacion?ronda=gt-2014-2016-self-assessment",
    "/metodologia",
    f"/metodologia/{PLAN}/1",
    "/evidencia",
    "/evidencia?estado=uncaptured&grado=1&q=transparencia",
    "/privacidad",
    "/accesibilidad",
    "/asientos?at=50",
    f"/planes/{PLAN}/compromisos/C8?at=200",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demonstration, served."""
    place = tmp_path_factory.mktemp("paginas") / "demo"
    build(place)
    with Served(place) as server:
        yield ready(server)


def ready(server: Served) -> Served:
    """The server once it has folded what is on its disk; until then its pages say so (503)."""
    deadline = time.monotonic() + 30
    while server.get("//readyz").status != 200:
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.02)
    return server


def people(site: Served, path: str, status: int = 200) -> str:
    """A page as a browser asks for it."""
    answer = site.get(path, accept="text/html")
    assert answer.status == status, f"{path}: {answer.status}\n{site.log()[-2000:]}"
    return answer.body.decode()


class Read(HTMLParser):
    """A page taken apart: what a reader sees, and what its elements say."""

    VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "path", "circle", "use", "wbr"})

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(source)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.wrong.append(f"</{tag}> closes {self.open[-1:]} at line {self.getpos()[0]}")

    def handle_data(self, data: str) -> None:
        if "script" not in self.open:  # words for a script are not on the page yet
            self.words.append(data)

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a tag, with these values."""
        return [
            found
            for name, found in self.elements
            if name == tag and all(found.get(key.rstrip("_")) == value for key, value in attributes.items())
        ]

    @property
    def links(self) -> list[str]:
        """Where it leads, in order."""
        return [found["href"] or "" for found in self.all("a") if found.get("href")]


# --- every page ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["", "/en"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_whole_safe_and_names_its_checkpoint(site: Served, path: str, language: str) -> None:
    answer = site.get(language + path, accept="text/html")
    page = Read(answer.body.decode())
    size, root = site.get("/checkpoint").body.decode().split("\n")[1:3]

    assert answer.status == 200, site.log()[-2000:]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    # A form is told from a foreign one by the page that it was sent from; no other host hears of it.
    assert answer.headers["referrer-policy"] == ("same-origin" if path.endswith("/comentar") else "no-referrer")
    assert "set-cookie" not in answer.headers
    assert (page.wrong, page.open) == ([], [])
    assert [found.get("lang") for found in page.all("html")] == [language[1:] or "es-GT"]
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    identifiers = [found["id"] for _, found in page.elements if "id" in found]
    assert len(identifiers) == len(set(identifiers))
    assert [name for _, found in page.elements for name in found if name == "style" or name.startswith("on")] == []
    assert all(is_our_script(found) for found in page.all("script"))
    assert page.all("style") == []
    assert ("Demonstration." if language else "Demostración.") in page.text
    assert "%(" not in page.text
    if "at=" not in path:
        assert f"{int(size):,}" in page.text
        assert len(root) == 44
    else:
        assert re.search(r"[?&]at=(\d+)", path)[1] in page.text  # type: ignore[index]


def is_our_script(attributes: dict[str, str | None]) -> bool:
    """A file of ours under the digest of all of them, or no script but words for one."""
    if attributes.get("type") == "application/json":
        return "src" not in attributes
    return bool(re.fullmatch(r"/static/[0-9a-f]{16}/[a-z-]+\.js", attributes.get("src") or ""))


def language_of(path: str) -> str:
    found = re.match(r"(?:/gt)?/(en|quc)\b", path)
    return found[1] if found else "es"


@pytest.mark.parametrize("start", ["/", "/en/", "/quc/", "/?at=300"])
def test_every_link_leads_somewhere(site: Served, start: str) -> None:
    """All of a language; of each kind of page one in another."""
    waiting, seen = [f"/gt{start}"], {f"/gt{start}"}
    broken: list[tuple[str, int]] = []
    kinds: dict[str, int] = {}
    while waiting:
        path = waiting.pop()
        answer = site.get("/" + path, accept="text/html")
        if answer.status not in (200, 303):
            broken.append((path, answer.status))
        if not answer.headers["content-type"].startswith("text/html") or language_of(path) != language_of(start):
            continue
        for link in Read(answer.body.decode()).links:
            target = link.partition("#")[0]
            kind = re.sub(r"\d+|[0-9a-f]{64}", "N", target)
            # Pages of one kind are alike: six of each are enough.
            most = 6 if language_of(target) == language_of(start) else 1
            if not target.startswith("/gt") or target in seen or kinds.get(kind, 0) >= most:
                continue
            kinds[kind] = kinds.get(kind, 0) + 1
            seen.add(target)
            waiting.append(target)
    assert broken == []
    assert len(seen) > 60


def test_links_keep_language_and_moment(site: Served) -> None:
    page = Read(people(site, f"/en/planes/{PLAN}?at=300"))
    inner = [link for link in page.links if link.startswith("/gt/") and "/compromisos/" in link]

    assert inner
    assert all(link.startswith("/gt/en/") and link.endswith("?at=300") for link in inner)
    assert f"/gt/planes/{PLAN}?at=300" in page.links  # the same page in Spanish
    assert f"/gt/en/planes/{PLAN}" in page.links  # the same page now


# --- what pages say --------------------------------------------------------------------------------------------------


def test_the_front_page_shows_the_tally_of_the_record_beside_the_published_claim(site: Served) -> None:
    source = people(site, "/")
    page = Read(source)
    marks = re.findall(r'<use href="(#m-[a-z_]+)"', source[: source.index('class="evidenced"')])
    commitments = {link for link in page.links if "/compromisos/" in link}

    assert {plan: sum(f"/planes/{plan}/" in link for link in commitments) for plan in (PLAN, SUCCESSOR)} == {
        PLAN: 48,
        SUCCESSOR: 6,
    }
    # The record first, then the claim: 28, 15, 5 and 28, 14, 6.
    assert marks.count("#m-complete") == 28 + 28
    assert marks.count("#m-substantial") == 15 + 14
    assert marks.count("#m-limited") == 5 + 6
    for part in ("28 de 48", "15 de 48", "5 de 48", "14 de 48", "6 de 48"):
        assert part in page.text
    assert (
        "No coinciden: el informe afirma 14 en nivel sustancial y 6 en nivel limitado; "
        "el registro cuenta 15 en nivel sustancial y 5 en nivel limitado."
    ) in page.text
    assert "Ninguno. Todavía ningún organismo independiente cofirma este registro" in page.text
    tally = site.get(f"/api/plans/{PLAN}/tally").json["data"]
    assert {one["level"]: one["government"] + one["civil_society"] for one in tally["levels"]} == {
        "complete": 28,
        "substantial": 15,
        "limited": 5,
    }


def test_commitments_with_repeated_text_can_be_picked_from_the_comparison(site: Served) -> None:
    anomalies = site.get(f"/api/plans/{PLAN}/anomalies?rule=text/repeated&limit=500").json["data"]
    copied = {one.partition("/")[2] for line in anomalies for one in line["anomaly"]["commitments"]}
    source = people(site, f"/planes/{PLAN}/comparacion?texto_repetido=si")

    assert 1 < len(copied) < 48
    assert set(codes(source)) == copied
    assert f"Texto repetido ({len(copied)})" in Read(source).text
    # As data: among the flags of the gaps, of each commitment and of the table, and to narrow the gaps by.
    every = site.get(f"/api/plans/{PLAN}/gaps").json["data"]["rows"]
    table = site.get(f"/exportar/{PLAN}/commitments.json").json["data"]
    for rows in ([{**row, **row["standing"]} for row in every], table):
        marked = {row["commitment"].partition("/")[2] for row in rows if "copied_text" in row["flags"]}
        assert (marked, len(rows)) == (copied, 48)
    narrowed = site.get(f"/api/plans/{PLAN}/gaps?flag=copied_text").json["data"]["rows"]
    assert {row["commitment"].partition("/")[2] for row in narrowed} == copied
    for code in ("G1", "G2", *sorted(copied)[:2]):
        standing = site.get(f"/api/plans/{PLAN}/commitments/{code}").json["data"]["standing"]
        assert ("copied_text" in standing["flags"]) == (code in copied)
        page = people(site, f"/planes/{PLAN}/compromisos/{code}")
        assert ("Texto repetido" in page) == (code in copied)


def codes(source: str) -> list[str]:
    """The commitments of a list, in order."""
    return re.findall(r'<span class="code">([GC]\d+)</span>', source)


def all_codes(site: Served, query: str) -> list[str]:
    """The same over all pages of the list."""
    found: list[str] = []
    path: str | None = f"/gt/planes/{PLAN}?{query}"
    while path:
        page = people(site, path.removeprefix("/gt"))
        found += codes(page)
        path = next((html.unescape(link) for link in re.findall(r'href="([^"]+)" rel="next"', page)), None)
    return found


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 48),
        ("nivel=complete", 28),
        ("nivel=substantial", 15),
        ("nivel=limited", 5),
        ("propuesto=government", 22),
        ("propuesto=civil_society", 26),
        ("institucion=minfin", 14),
        ("institucion=copret", 29),
        ("nivel=limited&propuesto=government", 1),
        ("institucion=minfin&nivel=complete&propuesto=civil_society&evidencia=sin", None),
        ("nivel=inventado", 48),
        ("q=xyzzy", 0),
        ("q=C8+mapeos", 1),
    ],
)
def test_filters_narrow_the_list_and_pages_add_up(site: Served, query: str, count: int | None) -> None:
    found = all_codes(site, query)

    assert len(found) == len(set(found))
    assert count is None or len(found) == count


def test_search_sees_neither_accents_nor_case(site: Served) -> None:
    assert all_codes(site, "q=informacion") == all_codes(site, "q=INFORMACI%C3%93N") != []


def test_evidence_filters_divide_the_plan(site: Served) -> None:
    having, lacking = all_codes(site, "evidencia=con"), all_codes(site, "evidencia=sin")
    assert sorted(having + lacking) == sorted(all_codes(site, ""))
    assert having != []


def test_a_search_comes_back_as_text(site: Served) -> None:
    source = people(site, f"/planes/{PLAN}?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script" not in source
    assert 'value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in source


def test_every_line_of_a_commitment_leads_to_the_statement_that_says_it(site: Served) -> None:
    page = Read(people(site, f"/planes/{PLAN}/compromisos/G14"))
    seals = {link for link in page.links if re.fullmatch(r"/gt/asientos/\d+", link)}

    assert len(seals) >= 9
    for seal in seals:
        raw = site.get(f"{seal.removeprefix('/gt')}/original").body.decode()
        # What its levels were computed with, and what happened around it, are of the whole plan.
        # Another commitment's link stands here where it has the same address.
        of_all = ("MethodologyAdopted", "ContextNoted", "OfficeHolderChanged", "EvidenceLinked")
        assert f'"{PLAN}/G14' in raw or any(f'"kind":"{kind}"' in raw for kind in of_all)
    assert "La institución reporta «completo»; todavía no hay evidencia capturada." in page.text
    assert "30 de mayo de 2015" in page.text
    assert "May 30, 2015" in page.text  # what was printed stands beside what it was read as
    for voice in ("Reporta", "Observa", "IRM", "Evidencia"):
        assert voice in page.text
    assert page.text.count("según el informe") >= 9


def test_links_to_evidence_vouch_for_nothing(site: Served) -> None:
    page = Read(people(site, f"/planes/{PLAN}/compromisos/C8"))
    outside = [found for found in page.all("a") if not (found.get("href") or "").startswith(("/", "#"))]

    assert len(outside) >= 3
    for found in outside:
        assert (found["href"] or "").startswith(("http://", "https://"))
        assert {"noopener", "nofollow", "ugc"} <= set((found["rel"] or "").split())


def test_the_measurements_of_a_commitment_stand_in_a_table(site: Served) -> None:
    page = Read(people(site, f"/planes/{PLAN}/compromisos/G13"))
    assert len(page.all("table", class_="stack")) == 2
    assert "31 de mayo de 2014" in page.text


def test_a_round_counts_what_it_shows_and_marks_what_it_withholds(site: Served) -> None:
    source = people(site, f"/consultas/{ROUND}")
    page = Read(source)

    assert len(page.all("article")) == 14
    assert [int(n) for n in re.findall(r'<td class="n">(\d+)</td>', source)][:1] == [14]
    assert [int(n) for n in re.findall(r'<td class="n">(\d+) de 14</td>', source)][:3] == [10, 1, 1]
    assert "El texto está retenido porque contiene datos personales." in page.text
    assert "Quedan 30 días." in page.text
    assert f"{INVENTED}se acepta" in page.text


def test_a_withheld_text_is_on_no_page(site: Served) -> None:
    secret = "hace de cuenta que publica"
    last = int(re.findall(r'<article class="comment" id="c(\d+)"', people(site, f"/consultas/{ROUND}?orden=oldest"))[3])
    # Nor in the state of the record in which it was not withheld yet.
    before = f"/consultas/{ROUND}?at={last + 1}"
    paths = [*PAGES, before, *(f"/asientos/{n}" for n in range(last - 5, last + 3))]
    assert len(Read(people(site, before)).all("article")) == 4  # that were registered by then

    assert [path for path in paths for language in ("", "/en") if secret in people(site, language + path)] == []


@pytest.mark.parametrize("path", ["/asientos", "/asientos?pagina=2", f"/planes/{PLAN}/compromisos/C8"])
def test_in_a_demonstration_each_line_says_where_its_words_come_from(site: Served, path: str) -> None:
    behind = re.findall(r'<p class="(?:who|facts)">(.*?asientos/.*?)</p>', people(site, path), re.DOTALL)
    assert len(behind) > 5
    for line in behind:
        assert re.search(r'class="tag[^>]*>(según el informe|según el informe, en resumen|demostración)<', line), line


def test_in_a_demonstration_a_signed_comment_and_its_answer_are_marked_too(site: Served) -> None:
    comments = people(site, f"/consultas/{ROUND}?orden=oldest").split('<article class="comment"')[1:]
    assert [one.count(">demostración<") for one in comments][:4] == [2, 2, 2, 1]
    assert all(">demostración<" in one for one in comments)


def test_a_real_ledger_marks_nothing_as_a_demonstration(tmp_path: Path) -> None:
    world = w.World(now_ms=now_ms() - 600_000)
    world.say("LedgerOpened", *w.FOUNDERS, **w.founding(purpose="record"))
    put_on_disk(world, tmp_path / "real")
    with Served(tmp_path / "real") as server:
        for path in ("/", "/asientos", "/asientos/0"):
            assert "demostración" not in people(ready(server), path).lower()


def test_the_consultation_of_2015_says_that_it_is_history(site: Served) -> None:
    page = Read(people(site, "/consultas/gt-2014-2016-self-assessment"))
    assert "Del 4 de septiembre de 2015 al 25 de septiembre de 2015, inclusive." in page.text
    assert len(page.all("article")) == 10
    assert "transcrito del informe" in page.text
    assert "Cómo comentar" not in page.text


def test_a_level_reported_after_a_report_does_not_make_the_front_page_contradict_itself(tmp_path: Path) -> None:
    built = build(tmp_path / "demo")
    key = read_key(built.place / "keys" / "minfin.key")
    draft = {"kind": "CompletionReported", "subject": f"{PLAN}/C11", "level": "substantial", "reason": "Hay avances."}
    by = [{"actor": "minfin", "key": public_hex(key), "role": "institution"}]
    signed = sign_draft(draft | {"evidence": []}, built.origin, [key], by=by, now_ms=now_ms())
    with Served(built.place) as server:
        ready(server)
        assert server.post(signed.note).status == 201
        server.folded()
        page = Read(people(server, "/")).text
    assert (
        "No coinciden: el informe afirma 14 en nivel sustancial y 6 en nivel limitado; cuando se publicó, el registro "
        "contaba 15 en nivel sustancial y 5 en nivel limitado. Desde entonces cambiaron niveles: ahora cuenta 16 en "
        "nivel sustancial y 4 en nivel limitado."
    ) in page


def test_a_report_stands_figure_by_figure_beside_the_record(site: Served) -> None:
    listing = people(site, "/informes")
    path = next(link for link in Read(listing).links if "self-assessment" in link or "autoevaluacion" in link)
    page = Read(people(site, path.removeprefix("/gt")))

    assert len([link for link in page.links if "/compromisos/" in link]) == 48
    assert "coincide con el registro" in page.text
    assert "difiere del registro" in page.text
    assert "\N{MINUS SIGN}1" in page.text
    assert "+1" in page.text


def test_an_entry_shows_its_exact_bytes_and_gives_its_receipt(site: Served) -> None:
    source = people(site, "/asientos/80")
    raw = site.get("/asientos/80/original")
    shown = html.unescape(re.search(r"<pre[^>]*><code>(2\d{3}-.*?)</code></pre>", source, re.DOTALL)[1])  # type: ignore[index]
    receipt = next(link for link in Read(source).links if "/receipts/" in link)
    proof = parse_proof(site.get(receipt.removeprefix("/gt")).body)

    assert shown.encode() == raw.body
    assert raw.headers["content-type"].startswith("text/plain")
    assert raw.headers["x-content-type-options"] == "nosniff"
    assert (proof.index, proof.extra) == (80, raw.body)


def test_older_states_are_shown_as_they_were(site: Served) -> None:
    now, before = (Read(people(site, f"/asientos{query}")) for query in ("", "?at=50"))
    assert "/gt/asientos/49?at=50" in before.links
    assert not any("/asientos/50" in link for link in before.links)
    assert "Está leyendo el registro tal como estaba con 50 asientos." in before.text
    assert "Está leyendo" not in now.text
    assert codes(people(site, f"/planes/{PLAN}?at=60")) != codes(people(site, f"/planes/{PLAN}"))


def test_a_head_request_is_answered_without_a_body(site: Served) -> None:
    asked = site.request("HEAD", "/gt/en/acerca")
    assert (asked.status, asked.body) == (200, b"")
    assert asked.headers["content-security-policy"] == POLICY


def test_a_day_shows_the_state_at_its_end(site: Served) -> None:
    founded = re.search(r'datetime="(\d{4}-\d\d-\d\d)T', people(site, "/asientos/0"))
    assert founded
    tomorrow = datetime.date.fromisoformat(founded[1]) + datetime.timedelta(days=1)
    page = Read(people(site, f"/?as_of={tomorrow}"))
    assert "28 de 48" in page.text
    assert f"/gt/planes/{PLAN}?as_of={tomorrow}" in page.links


def test_going_to_an_entry_by_its_number(site: Served) -> None:
    answer = site.get("/en/asientos?numero=80", accept="text/html")
    assert (answer.status, answer.headers["location"]) == (303, "/gt/en/asientos/80")


# --- the commands that pages print -----------------------------------------------------------------------------------


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Shell commands as a reader would type them, with our `constancia` on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "CONSTANCIA_PASSPHRASE": "una frase para probar", "LANG": "es_GT.UTF-8"}
    return subprocess.run(
        ["sh", "-ec", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def commands(source: str) -> list[str]:
    """The commands that a page prints."""
    return [
        html.unescape(found) for found in re.findall(r'<pre class="command"[^>]*><code>(.*?)</code>', source, re.DOTALL)
    ]


def test_the_commands_of_the_verify_page_do_what_they_say(site: Served, tmp_path: Path) -> None:
    plain, pinned, receipt = commands(people(site, "/verificar"))
    audited = run(plain.replace("make install\n. .venv/bin/activate\n", ""), tmp_path)
    assert (audited.returncode, "origen sin probar" in audited.stdout) == (0, True), audited.stdout + audited.stderr

    # What is pinned came by another way: with the demonstration, beside its published files.
    shutil.copyfile(site.folder / "pinned" / "policy", tmp_path / "policy.txt")
    shutil.copyfile(site.folder / "pinned" / "founding", tmp_path / "founding.txt")
    verified = run(pinned, tmp_path)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "origen sin probar" not in verified.stdout

    link = next(link for link in Read(people(site, "/asientos/0")).links if "/receipts/" in link)
    (tmp_path / "constancia-0.tlog-proof").write_bytes(site.get(link.removeprefix("/gt")).body)
    checked = run(receipt, tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_citizen_comments_with_the_commands_of_the_round_and_sees_it_within_a_second(tmp_path: Path) -> None:
    build(tmp_path / "demo")
    with Served(tmp_path / "demo") as server:
        (script,) = commands(people(ready(server), f"/consultas/{ROUND}"))
        example = run(script, tmp_path)
        assert (example.returncode, "texto de ejemplo" in example.stderr) == (2, True), example.stderr
        (tmp_path / "mi-llave").unlink()
        done = run(script.replace("Escriba aquí su comentario", "Que se publique."), tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        deadline = time.monotonic() + 1
        while "Que se publique.</bdi>" not in (page := people(server, f"/consultas/{ROUND}")):
            assert time.monotonic() < deadline
        assert len(Read(page).all("article")) == 15


# --- hostile texts ---------------------------------------------------------------------------------------------------

HOSTILE = (
    '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">\u202e\u200b{{7*7}}%(x)s\'"></bdi></title>'
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A ledger with such a text in every field that takes one."""
    folder = tmp_path_factory.mktemp("hostil") / "registro"
    world = founded_lately()
    say: Any = world.say
    h = HOSTILE
    registrars = w.REGISTRARS
    say("ActorRegistered", *registrars, actor="malo", form="institution", name=h)
    fields = dict.fromkeys(
        ("title", "objective", "description", "relevance", "ambition", "post", "problem", "further"), h
    )
    others = {"government": [h], "civil": [h], "unlabelled": [h]}
    bad = w.commitment(f"{w.PLAN}/C9", "malo", others=others) | fields
    say("CommitmentRegistered", "copret:coordinator", **bad)
    c9 = f"{w.PLAN}/C9"
    o = "copret:coordinator"
    say("MechanismDefined", o, mechanism=f"{c9}.M1", text=h, means=h, repeats="once")
    share = {"value": 1, "out_of": 2, "unit": h}
    say("CompletionReported", o, subject=c9, level="limited", reason=h, share=share, evidence=[])
    say("CompletionDateSet", o, subject=c9, date={"precision": "year", "day": "2015-01-01"}, reason=h)
    say("NextStepsSet", o, commitment=c9, steps=[{"text": h}])
    say("CompletionAssessed", "icefi:assessor", commitment=c9, level="complete", reason=h, evidence=[])
    url = "https://example.org/%3Cscript%3E?x='onmouseover=alert(1)&y=(2)"
    link = {"for": [f"{c9}.M1"], "url": url, "title": h, "evidence_type": "page", "shows": h, "publisher": h}
    linked = say("EvidenceLinked", "icefi:assessor", **link)
    dispute = {"link": linked.opened.identity, "mechanism": f"{c9}.M1", "objection": "absent", "words": {"text": h}}
    say("EvidenceDisputed", "irm:irm", **dispute)
    say("InstrumentCited", o, subject=c9, instrument_type="law", title=h, parties=[h])
    say(
        "IndicatorDefined",
        o,
        indicator="cifra",
        subject=c9,
        title=h,
        unit=h,
        decimals=0,
        parts=[{"part": "p", "title": h}],
    )
    say("IndicatorMeasured", o, indicator="cifra", values=[{"part": "p", "value": 3}], as_of={"precision": "none"})
    say("AxisDefined", o, axis="otro", title=h)
    day = {"precision": "day", "day": "2015-01-01"}
    soon = w.format_when(world.now_ms + 86_400_000)
    say(
        "MeetingConvened", o, meeting="m1", meeting_form="committee", starts=soon, place=h, invited=["malo"], agenda=[h]
    )
    say("AttendanceRecorded", o, meeting="m1", present=[{"actor": "malo", "post": h}])
    say("RemarkRecorded", o, meeting="m1", speaker="malo", post=h, words={"text": h})
    claims = [{"measure": "delayed", "scope": {"institution": "malo"}, "value": 3, "out_of": 4}]
    report = {
        "report": "r1",
        "report_form": "shadow",
        "version": 1,
        "title": h,
        "on": day,
        "document": w.digest_of("r"),
    }
    say("ReportPublished", "icefi:assessor", **report, claims=claims)
    put_on_disk(world, folder)
    with Served(folder) as server:
        ready(server)
        content = SaltedContent(salt="ab" * 32, content=Content(text=h, name=h, place=h))
        key = w.public("ana")
        digest = digest_of_content(bytes.fromhex(content.salt), world.origin, key, content.content)
        comment = world.comment("ana", about=c9) | {"salted_digest": digest}
        note = world.sign("CommentSubmitted", "ana:citizen", **comment)
        assert server.post(note, [content]).status == 201
        answered = {
            "answers": [open_statement(note, world.origin).identity],
            "disposition": "partly",
            "words": {"text": h},
        }
        assert server.post(world.sign("ResponseGiven", o, **answered)).status == 201
        yield server


def story_of(world: w.World) -> list[Entry]:
    """The entries of tests/storyline.py as if told a few minutes ago, `world` being its founding."""
    original = w.found
    w.found = lambda: world  # type: ignore[assignment]
    try:
        return list(storyline._story.__wrapped__())  # pyright: ignore[reportPrivateUsage]
    finally:
        w.found = original


HOSTILE_PAGES = (
    "/",
    f"/planes/{w.PLAN}",
    f"/planes/{w.PLAN}/entorno",
    f"/planes/{w.PLAN}/comparacion",
    f"/planes/{w.PLAN}/compromisos/C9",
    "/consultas/ronda-1",
    "/consultas/ronda-1/documento",
    "/reuniones",
    "/reuniones/m1",
    "/informes",
    "/informes/r1/1",
    "/asientos",
    "/asientos?pagina=2",
    "/acerca",
    "/exportar",
    f"/exportar/{w.PLAN}/imprimir",
    "/instituciones/copret",
    "/organizaciones/icefi",
)


def wait_for(site: Served, path: str, text: str) -> str:
    """The page once it shows a text; projections follow the log within a moment."""
    deadline = time.monotonic() + 5
    while text not in (source := people(site, path)):
        assert time.monotonic() < deadline, f"{path} never showed {text}"
        time.sleep(0.05)
    return source


@pytest.mark.parametrize("path", HOSTILE_PAGES)
def test_hostile_texts_stay_texts(hostile: Served, path: str) -> None:
    wait_for(hostile, "/consultas/ronda-1", 'class="answer"')
    for language in ("", "/en"):
        source = people(hostile, language + path)
        page = Read(source)
        assert (page.wrong, page.open) == ([], [])
        assert page.all("script") == page.all("img") == []
        assert [name for _, found in page.elements for name in found if name.startswith("on")] == []
        assert "\u202e" not in source
        assert "\u200b" not in source
        assert "49%(x)s" not in source  # what looks like a template is none


def test_hostile_texts_are_shown_flagged_and_isolated(hostile: Served) -> None:
    source = wait_for(hostile, f"/planes/{w.PLAN}/compromisos/C9", 'class="comment"')
    assert source.count("&lt;script&gt;window.pwned=1&lt;/script&gt;") >= 20
    assert source.count('<span class="flag">U+202E</span><span class="flag">U+200B</span>{{7*7}}%(x)s') >= 20
    assert source.count("<bdi") == source.count("</bdi>")


def test_every_hostile_entry_has_a_page(hostile: Served) -> None:
    for index in range(hostile.size()):
        page = Read(people(hostile, f"/asientos/{index}"))
        assert (page.wrong, page.open, page.all("script"), page.all("img")) == ([], [], [], []), index


# --- a history in which everything occurs ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The story of tests/storyline.py and what became of keys, told to a server: all kinds, and every voice."""
    folder = tmp_path_factory.mktemp("historia") / "registro"
    world = founded_lately(round_open=False)
    story_of(world)
    storyline.public_turn(world)
    storyline.evidence(world)
    storyline.keys(world)
    entries = list(world.entries)
    first = next(entry.index for entry in entries if entry.opened.statement.salted_digests())
    world.entries = entries[:first]
    put_on_disk(world, folder)
    make_key_file(folder / "keys" / "log.next", None, w.key_of("log-2"))
    content = SaltedContent(salt=(b"s" * 32).hex(), content=Content(text="Buen plan."))
    with Served(folder) as server:
        ready(server)
        for entry in entries[first:]:
            contents = [content] if entry.opened.statement.salted_digests() else None
            if isinstance(entry.opened.statement, w.KINDS["ContentWithheld"]):
                contents = None
            answer = server.post(entry.opened.note, contents)
            assert answer.status == 201, (entry.opened.statement, answer.body)
        wait_for(server, "/asientos", f"/gt/asientos/{len(entries) - 1}")
        yield server


G1_PAGE = f"/planes/{w.PLAN}/compromisos/G1"


def test_no_page_or_answer_fails_on_statements_at_the_margins_of_their_shapes(tmp_path: Path) -> None:
    world = founded_lately()
    storyline.margins(world)
    put_on_disk(world, tmp_path / "registro")
    with Served(tmp_path / "registro") as site:
        ready(site)
        seen: set[str] = set()
        waiting = ["/gt/", "/gt/en/", "/gt/asientos", *(f"/gt/asientos/{index}" for index in range(site.size()))]
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            answer = site.request("GET", path, headers={"accept": "text/html"})
            assert answer.status == 200, f"{path}: {answer.status}"
            if answer.headers["content-type"].startswith("text/html"):
                waiting += [html.unescape(link) for link in re.findall(r'href="(/gt/[^"#]*)', answer.body.decode())]
        assert len(seen) > 200
        plan = f"/api/plans/{w.PLAN}"
        of_rounds = (f"{plan}/rounds/r-impresa", f"{plan}/rounds/r-impresa/comments")
        of_a_commitment = (f"{plan}/commitments/C30", f"{plan}/commitments/C30/history")
        for path in (plan, *(f"{plan}/{name}" for name in ("commitments", "gaps", "claims", "tally", "meetings"))):
            assert site.get(path).status == 200, path
        for path in (*of_rounds, *of_a_commitment):
            assert site.get(path).status == 200, path
        assert "Traceback" not in site.log()


def test_every_kind_of_statement_has_its_line(told: Served) -> None:
    kinds: set[str] = set()
    for index in range(told.size()):
        for language, name in (("", "es-GT"), ("/en", "en")):
            source = people(told, f"{language}/asientos/{index}")
            kind = re.search(r"<dt><code>kind</code></dt><dd><span class=\"said\"><bdi>(\w+)</bdi>", source)
            assert kind
            kinds.add(kind[1])
            assert Phrasing(name).name("kind", kind[1]) in html.unescape(source)
    assert kinds == set(w.KINDS) - {"RulebookAdopted"}  # of rulebooks only the first is known


def entry_of(told: Served, kind: str) -> int:
    """The index of the last entry of a kind."""
    found = [at for at in range(told.size()) if told.get(f"/api/entries/{at}").json["data"]["kind"] == kind]
    return found[-1]


def test_what_a_compromised_key_signed_is_in_dispute_wherever_it_is_shown(told: Served) -> None:
    revoked, disputed = entry_of(told, "KeyRevoked"), entry_of(told, "CompletionReported")
    page = Read(people(told, f"/asientos/{disputed}"))
    assert "Firmada con una llave de MINFIN que se declaró comprometida desde" in page.text
    assert "en disputa" in page.text
    assert f"núm. {revoked}" in page.text
    assert "was declared compromised since" in Read(people(told, f"/en/asientos/{disputed}")).text
    for path in (f"/planes/{w.PLAN}/compromisos/G2", f"/planes/{w.PLAN}", "/asientos"):
        source = people(told, path)
        seal = r'href="/gt/asientos/(\d+)" data-address="[^"]*">[^<]*</a>'
        marks = re.findall(seal + ' <span class="tag[^"]*">en disputa', source)
        rotated = {entry_of(told, "KeyRotated")} if path == "/asientos" else set[int]()  # it bears a line of the key
        assert {int(mark) for mark in marks} == {disputed} | rotated, path
    # Nothing of it before somebody said so, and nothing of what the key's forerunner had signed.
    before = people(told, f"/planes/{w.PLAN}/compromisos/G2?at={revoked}")
    assert "en disputa" not in before


def test_answers_name_the_entries_in_dispute_that_they_stand_on(told: Served) -> None:
    revoked, disputed = entry_of(told, "KeyRevoked"), entry_of(told, "CompletionReported")
    plan = f"/api/plans/{w.PLAN}"
    for path in ("/commitments/G2", "/commitments/G2/history", "/commitments", "/gaps"):
        (line,) = told.get(plan + path).json["disputed"]
        assert (line["index"], line["revoked"], line["actor"]) == (disputed, revoked, "minfin"), path
        assert line["key"] == w.public("minfin/b")
        assert re.fullmatch(r"20..-..-..T..:..:..\.000Z", line["since"])
    assert told.get(f"/api/entries/{disputed}").json["disputed"][0]["index"] == disputed
    for path in (f"{plan}/commitments/G1", f"{plan}/meetings", f"{plan}/commitments/G2?at={revoked}"):
        assert "disputed" not in told.get(path).json, path


def test_ended_roles_are_no_roles_and_recovery_keys_are_named_as_such(told: Served) -> None:
    bodies = Read(people(told, "/acerca")).text
    assert re.search(r"DOSIS organización registrador", bodies)
    assert re.search(r"CONGRESO organización ya ninguno", bodies)
    assert re.search(r"Guatecívica organización ya ninguno", bodies)
    replaced = Read(people(told, f"/asientos/{entry_of(told, 'RegistrarReplaced')}"))
    assert re.search(r"Registrador reemplazado: Guatecívica\s*, por DOSIS", replaced.text)
    assert "Una llave de recuperación" in replaced.text
    assert "Perdió sus llaves." in replaced.text
    assert "Una persona, con su propia llave" not in replaced.text


def test_a_commitment_shows_what_became_of_it(told: Served) -> None:
    source = people(told, G1_PAGE)
    page = Read(source)

    assert "Evidencia Limitado 1 de 3" in page.text
    assert "capturada una vez" in page.text
    assert "última comprobación: sigue ahí, sin cambios" in page.text
    assert page.text.count("objetada") >= 1
    assert "reporta Sustancial 2 de 3" in page.text  # the last word of the institution
    assert "G1 : reabierto" in page.text
    lanes = re.findall(r'<li>\s*<span class="dot dot-(\w+)"', source)
    assert {"government", "civil_society", "irm", "evidence", "citizen"} <= set(lanes)
    # The IRM took its level back: it stands in the history, and among the voices no more.
    assert "evalúa No iniciado 0 de 3" in page.text
    assert "IRM El mecanismo no ha dado un nivel" in page.text


def test_before_it_was_taken_back_the_level_of_the_irm_stood_beside_the_reported_one(told: Served) -> None:
    history = people(told, G1_PAGE)
    assessed = max(int(n) for n in re.findall(r"evalúa.*?/gt/asientos/(\d+)", history, re.DOTALL)[:1])
    page = Read(people(told, f"{G1_PAGE}?at={assessed + 1}"))

    assert "La institución reporta «limitado»" in page.text
    assert "observa «no iniciado» y " in page.text
    assert "No iniciado 0 de 3" in page.text


def test_a_statement_leads_to_the_one_it_is_about(told: Served) -> None:
    for index in range(told.size()):
        raw = told.get(f"/asientos/{index}/original").body.decode()
        if '"kind":"StatementWithdrawn"' in raw:
            named = re.search(r'"statement":"([0-9a-f]{64})"', raw)
            assert named
            source = people(told, f"/asientos/{index}")
            target = re.search(r'Se refiere a: <a class="proof" href="/gt/asientos/(\d+)"', source)
            assert target
            assert f">{named[1]}</dd>" in people(told, f"/asientos/{target[1]}")


def test_a_printed_level_that_its_body_confirms_says_so(told: Served) -> None:
    page = Read(people(told, f"/planes/{w.PLAN}/compromisos/C8"))
    assert "según el informe" in page.text
    assert "confirmado por la propia entidad" in page.text


def test_withheld_and_withdrawn_comments_keep_their_place(told: Served) -> None:
    page = Read(people(told, "/consultas/ronda-1"))
    assert len(page.all("article")) == 6
    assert "El texto está retenido porque incita al odio." in page.text
    assert "Su autor retiró este comentario." in page.text
    assert "Una parte no se muestra porque contiene datos personales." in page.text
    assert "El texto se borró porque se pidió que se borrara." in page.text
    # From paper, restored, and the shorter text of the redacted one.
    assert page.text.count("Buen plan.") == 3
    assert "transcrito de papel" in page.text


def test_a_meeting_shows_summons_attendance_remarks_and_minutes(told: Served) -> None:
    page = Read(people(told, "/reuniones/comite-1"))
    for part in ("Convocados", "Avances", "ICEFI : Investigación", "Falta contexto.", "Aprobada por COPRET e ICEFI."):
        assert part in page.text.replace("ICEFI: ", "ICEFI : "), part


def test_a_report_of_many_measures(told: Served) -> None:
    page = Read(people(told, "/informes/medio/1"))
    for part in ("Reuniones", "Comentarios · ronda-1", "Comentarios retenidos", "Compromisos con retraso"):
        assert part in page.text
    assert "no se puede calcular con el registro" in page.text
    assert "coincide, sin redondear" in page.text or "difiere del registro" in page.text


def test_every_page_of_the_story_is_whole(told: Served) -> None:
    for path in ("/", f"/planes/{w.PLAN}", f"/planes/{w.PLAN}/entorno", G1_PAGE, "/reuniones", "/informes", "/acerca"):
        for language in ("", "/en"):
            page = Read(people(told, language + path))
            assert (page.wrong, page.open) == ([], []), path
            assert "%(" not in page.text


# --- what cannot be shown --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/nada",
        "/planes/otro",
        f"/planes/{PLAN}/compromisos/C99",
        f"/planes/{PLAN}/compromisos/..",
        f"/planes/{PLAN}?pagina=99",
        f"/planes/{PLAN}?pagina=0",
        f"/planes/{PLAN}?pagina=x",
        "/consultas/otra",
        "/consultas/gt-2014-2016-self-assessment?desde=-1",
        "/reuniones/otra",
        "/informes/otro/1",
        "/informes/otro/x",
        "/asientos/99999",
        "/asientos/007",
        "/asientos/-1",
        "/asientos/٣",
        "/asientos/1e3",
        "/asientos?numero=99999",
        "/?at=0",
        "/?at=99999999",
        "/?as_of=1999-01-01",
        "/asientos/60?at=50",
    ],
)
@pytest.mark.parametrize("language", ["", "/en"])
def test_what_is_not_there_is_a_page_in_the_readers_language(site: Served, path: str, language: str) -> None:
    answer: Answer = site.get(language + "".join(c if c < "\x7f" else "%D9%A3" for c in path), accept="text/html")
    page = Read(answer.body.decode())

    assert answer.status in (404, 400)
    assert answer.headers["content-security-policy"] == POLICY
    assert ("There is no such page" if language else "No existe esa página") in page.text
    assert (page.wrong, page.open) == ([], [])


@pytest.mark.parametrize("query", ["at=x", "at=1.5", "as_of=ayer", "at=5&as_of=nunca", "as_of=2026-02-30"])
def test_a_moment_that_is_none_is_said_so(site: Served, query: str) -> None:
    answer = site.get(f"/?{query}", accept="text/html")
    assert answer.status == 400
    assert "No se entendió la dirección" in answer.body.decode()


def test_programs_get_problems_and_people_get_pages(site: Served) -> None:
    assert site.get("/nada").headers["content-type"] == "application/problem+json"
    assert site.get("/api/nada", accept="text/html").headers["content-type"] == "application/problem+json"
    assert site.get("//otra", accept="text/html").headers["content-type"].startswith("text/html")


def test_the_root_leads_to_the_only_ledger(site: Served) -> None:
    assert site.get("//").headers["location"] == "/gt/"
    assert site.get("//en").headers["location"] == "/gt/en/"


# --- files -----------------------------------------------------------------------------------------------------------


def test_the_stylesheet_is_kept_for_ever_under_its_digest(site: Served) -> None:
    page = Read(people(site, "/"))
    (sheet,) = (found["href"] or "" for found in page.all("link", rel="stylesheet"))
    answer = site.get("/" + sheet)

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert re.search(r"\?v=[0-9a-f]{16}$", sheet)
    assert b"url(" not in answer.body  # it loads nothing
    assert b"@import" not in answer.body


@pytest.mark.parametrize("name", ["nada.css", "..%2fpages.py", "%2e%2e/pages.py", "constancia.css%00"])
def test_no_other_file_is_served(site: Served, name: str) -> None:
    assert site.get(f"//static/{name}").status in (400, 404)

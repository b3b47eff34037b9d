"""What one sees of one commitment and of one piece of evidence: levels with their reasons, grades, clocks, lanes; and
the file that is compared in the browser.

The story of tests/evidence_story.py is told to a real server, each entry on its day. What a page says is compared with
what the engine computes of the same entries.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from evidence_story import G3, PAGE_OF_THE_LIST, put_story
from playwright.sync_api import Page, expect
from service import Served
from test_browser import Look, look
from test_grading import D2, Case, M
from test_pages import Read, people, ready
from world import C8, G1, G2, PLAN

from api.phrasing import Phrasing
from api.reasons import RULES
from projections.evidence import standing_of
from projections.grading import CommitmentStanding, reasons_in

__all__ = ["look"]  # a fixture

SAY = Phrasing("es-GT", -360)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Case]]:
    """The story, served."""
    folder = tmp_path_factory.mktemp("evidencia") / "registro"
    case = put_story(folder)
    with Served(folder) as server:
        yield ready(server), case


@pytest.fixture
def site(told: tuple[Served, Case]) -> Served:
    return told[0]


@pytest.fixture
def case(told: tuple[Served, Case]) -> Case:
    return told[1]


def link_of(case: Case, name: str) -> int:
    """The index of a link of the story."""
    return next(entry.index for entry in case.world.entries if entry.opened.identity == case.links[name])


def standing(case: Case, commitment: str, size: int | None = None, day: str = "2026-11-20") -> CommitmentStanding:
    found = standing_of(case.records(size), commitment, day)
    assert found is not None
    return found


def commitment_of(code: str) -> str:
    return f"/planes/{PLAN}/compromisos/{code.partition('/')[2]}"


# --- a commitment ----------------------------------------------------------------------------------------------------


def test_four_voices_stand_side_by_side_each_with_its_level_and_its_seals(site: Served, case: Case) -> None:
    source = people(site, commitment_of(C8))
    found = standing(case, C8)
    assert (found.combined.level, found.combined.percent, found.contested) == ("substantial", 77, True)
    voices = re.findall(r'<div class="voice-(\w+)">(.*?)</div>\s*(?=<div class="voice-|</div>)', source, re.DOTALL)
    texts = {voice: Read(part).text for voice, part in voices}
    assert list(texts) == ["government", "civil_society", "irm", "evidence"]
    assert "Completo 3 de 3" in texts["government"]
    assert f"/gt/asientos/{found.reported_index}" in source
    for voice in found.voices:
        lane = texts["irm" if voice.role == "irm" else "civil_society"]
        assert SAY.name("level", voice.level) in lane
        assert voice.organisation.upper() in lane
    assert "Sustancial 2 de 3" in texts["evidence"]
    assert "77 %" in texts["evidence"].replace("\N{NO-BREAK SPACE}", " ")
    assert "Los registros solos: Sustancial" in texts["evidence"]
    assert "Metodología, versión 2" in texts["evidence"]
    assert f"Calculado al 20 de noviembre de 2026, sobre {len(case.world.entries)} asientos." in texts["evidence"]


def test_the_gap_is_said_in_words(site: Served) -> None:
    page = Read(people(site, commitment_of(C8)))
    assert (
        "La institución reporta «completo»; ICEFI observa «sustancial» y la evidencia alcanza «sustancial»."
        in page.text
    )
    assert "Lo reportado está 1 escalón por encima de la evidencia." in page.text
    assert "En discrepancia" in page.text
    english = Read(people(site, f"/en{commitment_of(C8)}"))
    assert "The institution reports “complete”; ICEFI finds “substantial”" in english.text
    assert "the evidence reaches “substantial”." in english.text


@pytest.mark.parametrize("commitment", [C8, G1, G2])
@pytest.mark.parametrize("language", ["", "/en"])
def test_every_grade_verdict_and_level_gives_its_reasons_with_their_entries(
    site: Served, case: Case, commitment: str, language: str
) -> None:
    source = people(site, f"{language}{commitment_of(commitment)}")
    page, say = Read(source), Phrasing(language[1:] or "es-GT")
    reasons = list(reasons_in(standing(case, commitment)))
    assert len(reasons) >= 8
    for reason in reasons:
        assert f"/gt{language}/metodologia/{PLAN}/2#{reason.rule}" in page.links, reason
        beginning = say.words.gettext(RULES[reason.rule]).partition("%(")[0].strip()
        assert beginning in page.text, reason
        for entry in reason.entries[:8]:
            assert f"/gt{language}/asientos/{entry}" in page.links, reason


def test_mechanisms_show_what_they_ask_weigh_claim_and_reach(site: Served, case: Case) -> None:
    page = Read(people(site, commitment_of(C8)))
    for mechanism in standing(case, C8).mechanisms:
        assert f"Peso: {SAY.share(mechanism.weight)}" in page.text.replace(" %", "\N{NO-BREAK SPACE}%")
        for grade in mechanism.grades:
            assert f"/gt/evidencia/{grade.link}" in page.links
    assert page.text.count("Medio de verificación: Documento") == 3
    assert page.text.count("dicho de todo el compromiso") == 3
    assert "grado 4" in page.text
    assert "grado 0" in page.text
    recurring = Read(people(site, commitment_of(G2)))
    assert "Se repite cada 30 días." in recurring.text
    assert "Meta: 12 informes" in recurring.text
    assert "caducado" in recurring.text  # the verdict, whose evidence is overdue
    implicit = Read(people(site, commitment_of(G1)))
    assert "no verificable No se definió ninguno" in implicit.text


def test_disputes_show_their_clock_and_their_whole_life(site: Served, case: Case) -> None:
    page = Read(people(site, commitment_of(G1)))
    # Admitted on 5 September, 30 days to answer, and it is the 20th of November.
    assert "Admitida y sin respuesta: el plazo venció hace 46 días." in page.text
    assert "De una persona; un evaluador debe decidir si la admite. Hasta entonces no cambia nada." in page.text
    assert "De una persona, no admitida: no cambia nada." in page.text
    earlier = next(entry.index for entry in case.world.entries if entry.opened.statement.kind == "DisputeScreened") + 2
    page = Read(people(site, f"{commitment_of(G1)}?at={earlier}&as_of=2026-09-15"))
    assert "Admitida; quedan 20 días para responder." in page.text
    resolved = Read(people(site, commitment_of(C8)))
    assert "Resuelta: procede en parte." in resolved.text
    assert "Respuesta dada: Aceptado en parte" in resolved.text


def test_evidence_that_was_asked_for_says_by_when_and_whether_it_came(site: Served) -> None:
    page = Read(people(site, commitment_of(C8)))
    assert "CONGRESO pide evidencia a SEGEPLAN , a más tardar el 30 de septiembre de 2026" in page.text
    assert "Sin respuesta, con 51 días de atraso." in page.text


def test_codings_stand_by_aspect_and_assessor_with_their_reasons(site: Served) -> None:
    source = people(site, commitment_of(C8))
    table = Read(source[source.index('id="codificacion"') :])
    for words in ("Verificabilidad", "media", "Ambición", "moderada", "menor", "El alcance es menor."):
        assert words in table.text


def test_the_timeline_gives_the_levels_of_the_worked_example_in_their_lanes(site: Served, case: Case) -> None:
    source = people(site, commitment_of(C8))
    table = re.search(r'<table class="by-voice">.*?</table>', source, re.DOTALL)
    assert table
    lane = re.findall(r'<td class="lane-evidence lane-change">(.*?)</td>', table[0], re.DOTALL)
    levels = [re.sub(r"\s+", " ", Read(one).text).strip() for one in lane]
    percents = [int(re.search(r"(\d+)\s%", level)[1]) for level in levels]  # type: ignore[index]
    assert percents == [0, 11, 33, 44, 66, 55, 44, 55, 66, 77, 88, 77]
    assert "Pasaron días sin que se dijera nada." in Read(table[0]).text  # 30 days without an answer
    assert "cap/dispute-unanswered" in table[0]
    assert "Contexto anotado" in table[0]
    assert "Cargo vacante" in table[0]
    assert table[0].count("lane-irm lane-change") == 3
    # Each moment is a replay: a view of that size and day says the same.
    for name, percent in (("D1", 0), ("D3", 77)):
        size = link_of(case, name) + 1
        day = SAY.local(case.world.entries[size - 1].received_ms).date().isoformat()
        assert standing(case, C8, size, day).combined.percent == percent


def test_what_somebody_takes_back_stands_in_their_own_lane(site: Served) -> None:
    source = people(site, commitment_of(G2))
    table = re.search(r'<table class="by-voice">.*?</table>', source, re.DOTALL)
    assert table
    row = next(row for row in table[0].split("<tr") if "lo retira" in row)
    lanes = re.findall(r'<td class="lane-(\w+) lane-(\w+)">', row)
    assert [voice for voice, state in lanes if state == "change"][:1] == ["civil_society"]


def test_an_older_view_knows_nothing_of_what_came_later(site: Served, case: Case) -> None:
    size = link_of(case, "D2") + 1
    page = Read(people(site, f"{commitment_of(C8)}?at={size}"))
    assert "La institución reporta «completo»; todavía no hay evidencia capturada." in page.text
    assert "Ninguna organización ha dado un nivel" in page.text
    assert f"Calculado al 10 de marzo de 2026, sobre {size} asientos." in page.text


# --- a piece of evidence ---------------------------------------------------------------------------------------------


def test_a_piece_of_evidence_shows_captures_checks_grades_and_verdicts(site: Served, case: Case) -> None:
    index = link_of(case, "D2")
    page = Read(people(site, f"/evidencia/{index}"))
    assert page.text.count(f"SHA-256 {D2}") >= 3  # two captures, one check
    assert "RASTREO ( COPRET ) no independiente" in page.text
    assert "CAPTURA ( ICEFI ) independiente" in page.text
    assert "descargada de su dirección" in page.text
    assert page.text.count("ya no está") >= 2
    grades = [grade for one in standing(case, C8).mechanisms for grade in one.grades if grade.link == index]
    assert [grade.grade for grade in grades] == [4, 4, 4]
    for mechanism in ("C8.M1", "C8.M2", "C8.M3"):
        assert page.text.count(mechanism) >= 2  # its grade, and the verdicts that cite it
    assert "Ningún otro compromiso enlaza la misma dirección ni los mismos bytes." in page.text
    # What others wrote is shown by its numbers, and does nothing.
    assert "U+202E" in page.text


def test_bytes_are_handed_out_where_they_are_kept_and_elsewhere_that_is_said(site: Served, case: Case) -> None:
    digest = sha256(PAGE_OF_THE_LIST).hexdigest()
    page = Read(people(site, f"/evidencia/{link_of(case, 'lista')}"))
    assert f"/gt/evidencia/archivos/{digest}" in page.links
    assert site.get(f"/evidencia/archivos/{digest}").body == PAGE_OF_THE_LIST
    page = Read(people(site, f"/evidencia/{link_of(case, 'D1')}"))
    assert "Los bytes no se guardan aquí." in page.text
    assert [link for link in page.links if "/archivos/" in link] == []


def test_shared_evidence_says_with_whom_and_whether_that_is_explained(site: Served, case: Case) -> None:
    page = Read(people(site, f"/evidencia/{link_of(case, 'A')}"))
    assert f"/gt{commitment_of(G2)}" in page.links
    assert f"/gt/evidencia/{link_of(case, 'mes')}" in page.links
    assert "sin explicar" in page.text
    assert "cuestionada" in page.text or "objetada por una persona, sin examinar" in page.text


def test_an_explanation_is_shown_from_both_sides(told: tuple[Served, Case]) -> None:
    site, case = told
    page = Read(people(site, f"/evidencia/{link_of(case, 'lista')}"))
    assert "explicada" in page.text
    assert "La columna de nombres." in page.text
    assert "El total." in page.text


def test_no_other_entry_is_a_piece_of_evidence(site: Served, case: Case) -> None:
    for missing in ("0", "00", "x", "-1", str(len(case.world.entries)), f"0{link_of(case, 'D1')}", "9" * 20):
        people(site, f"/evidencia/{missing}", status=404)
    people(site, f"/evidencia/{link_of(case, 'D3')}?at={link_of(case, 'D3')}", status=404)


def test_the_command_prints_the_digest_that_the_page_shows(site: Served, case: Case, tmp_path: Path) -> None:
    page = Read(people(site, f"/evidencia/{link_of(case, 'lista')}"))
    (tmp_path / "ARCHIVO").write_bytes(PAGE_OF_THE_LIST)
    assert "sha256sum ARCHIVO" in page.text
    printed = subprocess.run(["sha256sum", "ARCHIVO"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert printed.split()[0] in page.text


def test_all_evidence_is_listed_with_filters_that_work_together(site: Served, case: Case) -> None:
    page = Read(people(site, "/evidencia"))
    links = [int(link.rpartition("/")[2]) for link in page.links if re.fullmatch(r"/gt/evidencia/\d+", link)]
    assert links == sorted({link_of(case, name) for name in case.links}, reverse=True)
    assert f"{len(links)} de {len(links)} piezas de evidencia." in page.text

    def names(query: str) -> set[str]:
        listed = re.findall(r'href="/gt/evidencia/(\d+)"', people(site, f"/evidencia?{query}"))
        return {name for name in case.links if str(link_of(case, name)) in listed}

    assert names("estado=gone") == {"D2"}
    assert names("estado=uncaptured") == {"own", "home"}
    assert names("estado=questioned") == {"A"}
    assert names("estado=shared") == {"A", "mes"}
    assert names("grado=4") == {"D1", "D2", "D3"}
    assert names("grado=4&estado=gone") == {"D2"}
    assert names("q=INFORME+coordinaci%C3%B3n") == {"D2"}
    assert names("estado=gone&q=nada") == set()
    assert names("estado=otra") == set(case.links)


# --- as data ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("commitment", [C8, G1, G2])
def test_the_answer_about_a_commitment_holds_its_standing_with_every_reason(
    site: Served, case: Case, commitment: str
) -> None:
    answer = site.get(f"/api/plans/{PLAN}/commitments/{commitment.partition('/')[2]}")
    assert answer.status == 200, answer.body
    found = answer.json["data"]
    assert (found["day"], answer.json["checkpoint"]["size"]) == ("2026-11-20", len(case.world.entries))
    expected = standing(case, commitment)
    assert msgspec.convert(found["standing"], CommitmentStanding) == expected
    assert set(found["rules"]) == {reason.rule for reason in reasons_in(expected)}
    for rule, sentences in found["rules"].items():
        assert set(sentences) == {"es-GT", "en"}
        assert all("%(" not in sentence for sentence in sentences.values()), rule


def test_answers_tell_the_clocks_of_disputes_and_requests(site: Served) -> None:
    about = site.get(f"/api/plans/{PLAN}/commitments/G1").json["data"]
    clocks = [(line["state"], line.get("days_left")) for line in about["disputes"]]
    assert sorted(clocks, key=str) == [("declined", None), ("open", -46), ("questioned", None)]
    about = site.get(f"/api/plans/{PLAN}/commitments/C8").json["data"]
    assert [(line["state"], line["days_left"]) for line in about["requests"]] == [("open", -51)]
    assert {(one["aspect"], one["actor"]) for one in about["codings"]} >= {("ambition", "icefi"), ("ambition", "irm")}


def test_the_answer_about_a_piece_of_evidence(site: Served, case: Case) -> None:
    index = link_of(case, "D2")
    found = site.get(f"/api/evidence/{index}").json["data"]
    assert [one["commitment"] for one in found["evidence"]] == [C8]
    assert [one["seen"] for one in found["sights"]] == ["captured", "captured", "alive", "gone", "gone"]
    assert [one["grade"] for one in found["grades"]] == [4, 4, 4]
    assert [one["state"] for one in found["disputes"]] == ["resolved"]
    assert {reason["rule"] for grade in found["grades"] for reason in grade["reasons"]} == set(found["rules"])
    both = site.get(f"/api/evidence/{link_of(case, 'lista')}").json["data"]
    assert [one["commitment"] for one in both["evidence"]] == [G1, G3]
    assert [one["mechanism"] for one in both["grades"]] == [f"{G1}.M0", f"{G3}.M0"]
    for missing in ("0", "01", "x", str(len(case.world.entries))):
        assert site.get(f"/api/evidence/{missing}").status in (400, 404)


# --- in a browser ----------------------------------------------------------------------------------------------------


def opened(look: Look, site: Served, path: str, width: int = 1280, **how: object) -> Page:
    return look(f"{site.address.rstrip('/')}/gt{path}", width, **how)


def test_the_right_file_is_told_from_a_wrong_one_and_neither_leaves_the_browser(
    look: Look, site: Served, case: Case
) -> None:
    page = opened(look, site, f"/evidencia/{link_of(case, 'lista')}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "favicon" not in request.url else None)
    compared = page.locator("#compared")
    expect(compared).to_be_hidden()

    page.locator("#file").set_input_files({"name": "lista.html", "mimeType": "text/html", "buffer": PAGE_OF_THE_LIST})
    expect(compared).to_have_attribute("data-kind", "good")
    expect(compared).to_contain_text("Es el archivo que se capturó: los mismos bytes que en la captura núm. 1.")
    expect(compared).to_contain_text(sha256(PAGE_OF_THE_LIST).hexdigest())
    expect(compared).to_be_focused()

    wrong = PAGE_OF_THE_LIST + b"\n"
    page.locator("#file").set_input_files({"name": "\u202elmth.atsil", "mimeType": "text/html", "buffer": wrong})
    expect(compared).to_have_attribute("data-kind", "bad")
    expect(compared).to_contain_text("No es ninguno de los archivos que se capturaron aquí.")
    expect(compared).to_contain_text(sha256(wrong).hexdigest())
    expect(compared).to_contain_text("U+202E")
    assert asked == []


def test_a_file_is_dropped_anywhere_and_where_nothing_was_captured_that_is_said(
    look: Look, site: Served, case: Case
) -> None:
    page = opened(look, site, f"/evidencia/{link_of(case, 'own')}")
    page.evaluate(
        """() => {
            const carried = new DataTransfer();
            carried.items.add(new File(["x"], "x.txt"));
            const drop = {dataTransfer: carried, bubbles: true, cancelable: true};
            document.body.dispatchEvent(new DragEvent("drop", drop));
        }"""
    )
    expect(page.locator("#compared")).to_contain_text("Aquí todavía no se ha capturado nada")


def test_without_javascript_the_command_stands_there_and_no_field_that_does_nothing(
    look: Look, site: Served, case: Case
) -> None:
    page = opened(look, site, f"/evidencia/{link_of(case, 'D1')}", javascript=False)
    expect(page.locator("#compare")).to_be_hidden()
    expect(page.get_by_text("sha256sum ARCHIVO")).to_be_visible()


def test_reasons_open_by_keyboard(look: Look, site: Served) -> None:
    page = opened(look, site, commitment_of(C8))
    why = page.get_by_text("¿Por qué la evidencia alcanza «sustancial»?")
    why.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("level/substantial").first).to_be_visible()


PATHS = (
    "C8",
    "G1",
    "G2",
    "D1",
    "D2",
    "A",
    "lista",
    "/evidencia",
    "/metodologia",
    f"/metodologia/{PLAN}/2",
    f"/metodologia/{PLAN}/1",
)


def path_of(case: Case, name: str) -> str:
    if name in case.links:
        return f"/evidencia/{link_of(case, name)}"
    return name if name.startswith("/") else f"/planes/{PLAN}/compromisos/{name}"


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(("language", "width", "scheme"), [("", 390, "light"), ("/en", 1280, "dark")])
def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    look: Look,
    site: Served,
    case: Case,
    axe_findings: Callable[[Page], list[str]],
    name: str,
    language: str,
    width: int,
    scheme: str,
) -> None:
    page = opened(look, site, language + path_of(case, name), width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", PATHS)
def test_on_the_smallest_phone_no_page_scrolls_sideways(look: Look, site: Served, case: Case, name: str) -> None:
    page = opened(look, site, path_of(case, name), 320, javascript=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_lanes_are_told_apart_without_colour_and_on_paper(look: Look, site: Served) -> None:
    page = opened(look, site, commitment_of(C8), forced="active")
    styles = (
        page.locator(".by-voice tr")
        .nth(-1)
        .locator("td")
        .evaluate_all("cells => cells.map((cell) => getComputedStyle(cell).borderLeftStyle)")
    )
    assert len(set(styles)) == 4
    page.emulate_media(media="print")
    expect(page.locator(".by-voice")).to_be_visible()


# --- anybody disputes ------------------------------------------------------------------------------------------------


def test_anybody_disputes_with_a_key_of_their_browser_and_no_grade_changes(
    look: Look, tmp_path: Path, axe_findings: Callable[[Page], list[str]]
) -> None:
    case = put_story(tmp_path / "registro")
    with Served(tmp_path / "registro") as server:
        ready(server)
        index = link_of(case, "D1")
        before = server.get(f"/api/evidence/{index}").json["data"]
        page = opened(look, server, f"/evidencia/{index}", 390)
        page.locator("#disputing[data-ready]").wait_for(state="attached")

        page.get_by_role("button", name="Revisar").click()
        expect(page.locator("#objection-error")).to_have_text("Elija qué tiene de malo.")
        page.get_by_label("no es pertinente").check()
        page.get_by_role("button", name="Revisar").click()
        expect(page.locator("#dispute-error")).to_be_visible()
        expect(page.locator("#dispute-words")).to_be_focused()
        assert axe_findings(page) == []

        page.get_by_label("Sus razones").fill("La lista es de otro año.")
        page.get_by_role("button", name="Revisar").click()
        expect(page.locator("#review-words")).to_have_text("La lista es de otro año.")
        expect(page.locator("#review-objection")).to_have_text("no es pertinente")
        assert axe_findings(page) == []
        page.get_by_role("button", name="Firmar y registrar").click()
        expect(page.locator("#done-title")).to_be_focused()
        expect(page.locator("#done-index")).to_contain_text(str(len(case.world.entries)))

        server.folded()
        after = server.get(f"/api/evidence/{index}").json["data"]
        dispute = after["disputes"][0]["dispute"]
        assert [line["state"] for line in after["disputes"]] == ["questioned"]
        assert (dispute["objection"], dispute["role"], dispute["mechanism"]) == ("not_relevant", "citizen", M[1])
        assert [one["grade"] for one in after["grades"]] == [one["grade"] for one in before["grades"]]
        assert "mark/questioned" in after["rules"]
        page.locator("#done-follow").click()
        expect(page.locator("#objeciones ~ ol")).to_contain_text("La lista es de otro año.")
        expect(page.locator("#objeciones ~ ol")).to_contain_text("un evaluador debe decidir si la admite")


def test_an_older_view_takes_no_dispute(site: Served, case: Case) -> None:
    index = link_of(case, "D1")
    assert 'id="disputing"' in people(site, f"/evidencia/{index}")
    assert 'id="disputing"' not in people(site, f"/evidencia/{index}?at={index + 1}")

"""The comparison of a plan: filters, orders, groups and moments over hand-made standings, and the page of a real server
over a plan whose story took three months, beside what the engine says of the same entries."""

import datetime
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import pytest
import world as worlds
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect
from service import Served, now_ms, put_on_disk
from test_pages import Read, people, ready
from world import C8, G1, G2, PLAN, World, digest_of
from world import found as founded

from api.page_comparison import (
    CONDITIONS,
    MOMENTS,
    conditions_of,
    even_sizes,
    fits,
    in_order,
    month_ends,
    signed,
    thinned,
)
from ledger.statement import format_when
from projections.anomalies import anomalies_of
from projections.comparison import Row, matrix_of
from projections.grading import CommitmentStanding, Lens
from projections.records import DictRecords
from projections.replay import evolve

DAY_MS = 86_400_000

# --- what is chosen, and in which order ------------------------------------------------------------------------------

NOTHING = Lens(level="no_evidence_available", percent=0, x=(0, 0, 0), e=(0,))


def row(gap: int | None = 0, *flags: str, contested: bool = False, **fields: Any) -> Row:
    """A commitment with this gap and these flags."""
    standing = CommitmentStanding(
        commitment=C8,
        reported="complete",
        reported_index=3,
        reported_from_mechanisms=False,
        records=NOTHING,
        voices=(),
        combined=NOTHING,
        gap=gap,
        contested=contested,
        mechanisms=(),
        reasons=(),
        flags=flags,
    )
    named: dict[str, Any] = {
        "number": 8,
        "proposer": "civil_society",
        "institution": "segeplan",
        "axis": "",
        "title": "",
        "lang": "es",
    }
    return Row(commitment=C8, standing=standing, **{**named, **fields})


NONE_CHOSEN = {one.name: "" for one in CONDITIONS} | {"institucion": "", "propuesto": "", "eje": "", "orden": "numero"}
FITTING: dict[str, Row] = {
    "gap": row(2),
    "contested": row(0, contested=True),
    **{one.code: row(0, one.code) for one in CONDITIONS if one.code not in ("gap", "contested")},
}


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: one.code)
def test_each_condition_lets_the_fitting_commitment_through_and_no_other(condition: Any) -> None:
    chosen = NONE_CHOSEN | {condition.name: "si"}
    assert fits(FITTING[condition.code], chosen)
    others = [found for code, found in FITTING.items() if code != condition.code]
    assert not any(fits(found, chosen) for found in [*others, row(1), row(None)])
    assert all(fits(found, NONE_CHOSEN) for found in FITTING.values())


def test_conditions_add_up() -> None:
    chosen = NONE_CHOSEN | {"brecha": "si", "vencido": "si"}
    assert fits(row(3, "overdue", "shared"), chosen)
    assert not fits(row(3, "shared"), chosen)
    assert not fits(row(1, "overdue"), chosen)
    assert conditions_of(row(2, "overdue").standing) == {"gap", "overdue"}


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [("institucion", "institution", "minfin"), ("propuesto", "proposer", "government"), ("eje", "axis", "integridad")],
)
def test_institution_proposer_and_axis_narrow_the_rows(name: str, field: str, value: str) -> None:
    fitting = msgspec.structs.replace(row(0), **{field: value})
    assert fits(fitting, NONE_CHOSEN)
    assert fits(fitting, NONE_CHOSEN | {name: value})
    assert not fits(row(0), NONE_CHOSEN | {name: value})


def test_the_widest_gap_comes_first_and_what_has_none_last() -> None:
    rows = [row(gap, number=number) for number, gap in enumerate((0, None, 2, -1, 3, 2))]
    assert [one.number for one in in_order(rows, "brecha")] == [4, 2, 5, 0, 3, 1]
    assert [one.number for one in in_order(rows, "numero")] == [0, 1, 2, 3, 4, 5]


def test_a_gap_has_its_sign() -> None:
    assert [signed(gap) for gap in (2, 0, -1, None)] == ["+2", "0", "−1", ""]


DATES = st.dates(datetime.date(2014, 1, 1), datetime.date(2030, 12, 31))


@given(DATES, DATES)
def test_ends_of_months_are_last_days_between_the_two(one: datetime.date, other: datetime.date) -> None:
    began, until = sorted((one, other))
    ends = month_ends(began, until)
    assert ends == sorted(set(ends))
    assert all(began <= end < until and (end + datetime.timedelta(days=1)).day == 1 for end in ends)
    months = (until.year - began.year) * 12 + until.month - began.month
    assert len(ends) == months


@given(st.lists(DATES, unique=True, max_size=200).map(sorted), st.integers(1, 30))
def test_thinned_moments_are_few_in_order_and_end_with_the_last(days: list[datetime.date], most: int) -> None:
    found = thinned(days, most)
    assert len(found) <= most
    assert found == sorted(set(found) & set(days))
    assert found[-1:] == days[-1:]


@given(st.integers(0, 2_000), st.integers(1, 2_000), st.integers(1, 30))
def test_sizes_are_few_and_stay_while_a_ledger_grows(first: int, more: int, most: int) -> None:
    size = first + more
    found = even_sizes(first, size, most)
    assert len(found) <= most
    assert all(first < one < size for one in found)
    assert len(found) >= min(most, more - 1) // 2 - 1
    grown = even_sizes(first, size + 1, most)
    assert set(found) <= set(grown) or set(grown) <= {*found, size}  # more of them, or every other one


# --- a plan of three months, served ----------------------------------------------------------------------------------

PAGE = f"/planes/{PLAN}/comparacion"
OWN_PAGE = "http://gobiernoabierto.transparencia.gob.gt/c8"
PERIOD_MS = 100 * DAY_MS


class Told(NamedTuple):
    """The server, and the entries it serves."""

    server: Served
    world: World


def tell(world: World) -> None:
    """G1: complete, with a link alone. G2: captured, and judged by two who differ. C8: the page of its tracker."""
    began = world.now_ms

    def say(after: int, kind: str, *who: str, **fields: Any) -> str:
        world.now_ms = max(world.now_ms, began + after * DAY_MS)
        return world.say(kind, *who, **fields).opened.identity

    level: dict[str, Any] = {"reason": "Porque sí.", "evidence": []}
    link: dict[str, Any] = {"evidence_type": "document", "shows": "Lo que se hizo."}
    say(1, "CompletionReported", "copret:institution", subject=G1, level="complete", **level)
    say(1, "CompletionReported", "minfin:institution", subject=G2, level="substantial", **level)
    say(1, "CompletionReported", "segeplan:institution", subject=C8, level="limited", **level)
    shared = {"for_": [f"{G1}.M0"], "url": "http://example.gt/informe", "title": "<b>Informe</b>"}
    say(2, "EvidenceLinked", "copret:institution", **shared, **link)
    say(2, "EvidenceLinked", "segeplan:institution", for_=[f"{C8}.M0"], url=OWN_PAGE, title="Ficha", **link)
    listing = say(
        3,
        "EvidenceLinked",
        "minfin:institution",
        for_=[f"{G2}.M0"],
        url="http://example.gt/lista",
        title="Lista",
        **link,
    )
    seen = {"link": listing, "digest": digest_of("lista"), "size": 20, "media_type": "text/csv", "method": "direct"}
    say(40, "EvidenceCaptured", "captura:capturer", **seen, captured_at=format_when(began + 40 * DAY_MS))
    verdict: dict[str, Any] = {"mechanism": f"{G2}.M0", "digests": [digest_of("lista")], "words": {"text": "Leído."}}
    say(70, "VerdictGiven", "icefi:assessor", level="limited", **verdict)
    say(71, "VerdictGiven", "congreso:assessor", level="complete", **verdict)
    say(72, "CompletionAssessed", "irm:irm", commitment=G1, level="limited", **level)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("comparacion")
    original = worlds.World
    worlds.World = lambda: World(now_ms=now_ms() - PERIOD_MS)  # type: ignore[misc,assignment]
    try:
        world = founded()
    finally:
        worlds.World = original
    tell(world)
    put_on_disk(world, folder, as_received=True)
    with Served(folder) as server:
        yield Told(ready(server), world)
        assert "Traceback" not in server.log()


def page_of(told: Told, query: str = "", language: str = "") -> Read:
    """The page, well formed."""
    read = Read(people(told.server, f"{language}/planes/{PLAN}/comparacion{query}"))
    assert read.wrong == []
    return read


def codes(read: Read) -> list[str]:
    """The commitments in the picture, in order."""
    return re.findall(r"\b([GC]\d+) Compromiso", read.text.partition("La matriz")[2].partition("Qué dice cada voz")[0])


def gaps(told: Told, query: str = "") -> dict[str, Any]:
    """The answer of the API."""
    answer = told.server.get(f"/api/plans/{PLAN}/gaps{query}")
    assert answer.status == 200, answer.body
    return answer.json


def test_the_api_says_what_a_replay_computes_at_any_size(told: Told) -> None:
    records, sizes = DictRecords(), (30, len(told.world.entries) - 4, len(told.world.entries))
    for entry in told.world.entries:
        evolve(records, entry)
        size = entry.index + 1
        if size in sizes:
            found = gaps(told, f"?at={size}")
            day = found["data"]["as_of"]
            replayed = msgspec.to_builtins(matrix_of(records, PLAN, size, day))
            findings = [one for one in anomalies_of(records, PLAN, size, day) if one.rule == "text/repeated"]
            for row in replayed["rows"]:
                if any(row["commitment"] in one.commitments for one in findings):
                    row["standing"]["flags"] = (*row["standing"]["flags"], "copied_text")
            assert found["data"] == msgspec.json.decode(msgspec.json.encode(replayed))
            assert found["checkpoint"]["size"] == found["data"]["size"] == size
            assert (
                day
                == (datetime.datetime.fromisoformat(found["as_of"]) - datetime.timedelta(hours=6)).date().isoformat()
            )


def test_the_page_shows_what_the_api_says(told: Told) -> None:
    data, read = gaps(told)["data"], page_of(told)
    assert codes(read) == [one["commitment"].partition("/")[2] for one in data["rows"]] == ["G1", "G2", "C8"]
    shown = re.findall(r'<b class="sign">([^<]*)</b>', people(told.server, PAGE))
    expected = [signed(one["standing"]["gap"]) for one in data["rows"]]
    assert shown == expected * 2  # in the picture and in the matrix
    assert f"los primeros {data['size']} asientos" in read.text
    assert "Metodología, versión 1" in read.text
    seals = [one["standing"]["reported_index"] for one in data["rows"]]
    assert all(f"/gt/asientos/{index}" in read.links for index in [*seals, data["methodology_index"]])


def test_what_lacks_a_capture_is_never_said_to_be_undone(told: Told) -> None:
    read = page_of(told)
    assert "Reporta «completo»; aún no hay evidencia capturada." in read.text
    assert "lo que no quiere decir que no se haya hecho nada" in read.text
    english = page_of(told, language="/en")
    assert "Reports «complete»; no captured evidence yet." in english.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?brecha=si", ["G1"]),
        ("?sin_captura=si", ["G1", "C8"]),
        ("?sin_captura=si&autoevaluado=si", ["G1"]),
        ("?discrepancia=si", ["G2"]),
        ("?solo_portal=si", ["C8"]),
        ("?institucion=minfin", ["G2"]),
        ("?propuesto=civil_society", ["C8"]),
        ("?orden=brecha", ["G1", "C8", "G2"]),
        ("?institucion=nadie&brecha=no", ["G1", "G2", "C8"]),
    ],
)
def test_filters_work_on_the_page_and_count_what_they_find(told: Told, query: str, expected: list[str]) -> None:
    read = page_of(told, query)
    assert sorted(codes(read)) == sorted(expected)
    if "orden" in query:
        assert codes(read)[0] == "G1"
    filtered = query.startswith("?orden") or "nadie" in query
    said = "3 compromisos." if filtered else "de 3 compromisos."
    assert said in read.text
    checked = [found["name"] for found in read.all("input", type="checkbox") if "checked" in found]
    assert checked == re.findall(r"(\w+)=si", query)


def test_where_nothing_matches_the_page_says_what_to_do(told: Told) -> None:
    read = page_of(told, "?cuestionada=si")
    assert "Ningún compromiso coincide. Quite algún filtro." in read.text
    assert "Quién discrepa de quién" in read.text


def test_the_count_beside_a_filter_is_that_of_its_page(told: Told) -> None:
    read = page_of(told)
    names = [one["name"] for one in read.all("input", type="checkbox")]
    counts = dict(zip(names, re.findall(r"\((\d+)\)", read.text.partition("se aplica todo esto")[2]), strict=False))
    assert set(counts) == {one.name for one in CONDITIONS}
    for one in CONDITIONS:
        picked = codes(page_of(told, f"?{one.name}=si"))
        assert len(picked) == int(counts[one.name]), one.name
        narrowed = gaps(told, f"?flag={one.code}")["data"]
        assert [row["commitment"].partition("/")[2] for row in narrowed["rows"]] == picked, one.code
        assert narrowed["disagreement"] == gaps(told)["data"]["disagreement"]
        for row in narrowed["rows"] if one.code not in ("gap", "contested") else ():
            assert one.code in row["standing"]["flags"]


def test_flags_add_up_in_the_api_and_one_that_is_none_is_named(told: Told) -> None:
    every = {row["commitment"]: set(row["standing"]["flags"]) for row in gaps(told)["data"]["rows"]}
    both = {code for code, flags in every.items() if {"no_capture", "self_assessed"} <= flags}
    found = gaps(told, "?flag=no_capture&flag=self_assessed")["data"]["rows"]
    assert {row["commitment"] for row in found} == both != set(every)
    refused = told.server.get(f"/api/plans/{PLAN}/gaps?flag=copiado")
    assert (refused.status, "copied_text" in refused.json["detail"]) == (400, True)


def test_every_flag_is_documented_where_programs_look(told: Told) -> None:
    schema = told.server.request("GET", "/schema/openapi.json").json
    asked = schema["paths"]["/gt/api/plans/{plan}/gaps"]["get"]["parameters"]
    (narrow,) = [one["description"] for one in asked if one["name"] == "flag"]
    assert all(f"`{one.code}`: {one.meaning}" in narrow for one in CONDITIONS)


def test_an_earlier_day_shows_the_earlier_comparison(told: Told) -> None:
    day = gaps(told, f"?at={len(told.world.entries) - 3}")["data"]["as_of"]
    read = page_of(told, f"?as_of={day}")
    found = gaps(told, f"?as_of={day}")["data"]
    assert found["as_of"] == day
    assert found["size"] == len(told.world.entries) - 3
    assert f"los primeros {found['size']} asientos" in read.text
    assert "Ir al estado más reciente" in read.text
    assert codes(page_of(told, f"?as_of={day}&discrepancia=si")) == []
    # The form keeps the day, and its links lead to it.
    assert {"type": "hidden", "name": "as_of", "value": day} in read.all("input", type="hidden")
    assert any(link.endswith(f"/gaps?at={found['size']}&as_of={day}") for link in read.links)
    assert people(told.server, f"{PAGE}?as_of=2001-01-01", 404)


def test_a_day_beyond_all_others_is_answered(told: Told) -> None:
    read = page_of(told, "?as_of=9999-12-30")
    assert "al 30 de diciembre de 9999" in read.text


def test_levels_over_time_are_those_of_the_comparison_of_each_day(told: Told) -> None:
    read = page_of(told)
    text = read.text.partition("Las cifras de este cuadro")[2].partition("Qué significan")[0]
    (choice,) = re.findall(r'<select id="momento" name="as_of">(.*?)</select>', people(told.server, PAGE))
    moments = re.findall(r'value="([^"]*)"', choice)
    assert 3 <= len(moments) <= MOMENTS
    for day in moments:
        rows = gaps(told, f"?as_of={day}")["data"]["rows"]
        reported = sum(one["standing"]["reported"] == "complete" for one in rows)
        assert reported == 0 or f"{reported} completo" in text
    assert "1 completo 1 sustancial 1 limitado" in text


def test_disagreement_names_who_stands_higher(told: Told) -> None:
    read = page_of(told)
    cells = {(one["a"], one["b"]): one for one in gaps(told)["data"]["disagreement"]}
    pair = cells["congreso", "icefi"]
    assert (pair["compared"], pair["differ"], pair["a_above"]) == (1, 1, 1)
    assert "difieren 1 de 1" in read.text
    assert "más alto en 1, más bajo en 0" in read.text


def test_groups_lead_to_their_commitments(told: Told) -> None:
    read = page_of(told)
    for name in ("minfin", "copret", "segeplan"):
        (link,) = [link for link in read.links if link.endswith(f"comparacion?institucion={name}#compromisos")]
        assert len(codes(Read(people(told.server, link.removeprefix("/gt").partition("#")[0])))) == 1


def test_a_plan_that_is_not_there_has_no_comparison(told: Told) -> None:
    people(told.server, "/planes/otro/comparacion", 404)
    assert told.server.get("/api/plans/otro/gaps").status == 404


def test_the_front_page_and_the_plan_lead_to_the_comparison(told: Told) -> None:
    home, plan = Read(people(told.server, "/")), Read(people(told.server, f"/planes/{PLAN}"))
    path = f"/gt/planes/{PLAN}/comparacion"
    assert path in home.links
    assert path in plan.links
    sentence = "De 3 compromisos, 1 se reportan completos; la evidencia alcanza «completo» en 0."
    assert sentence in home.text
    assert sentence in plan.text


def test_what_changed_is_answered_in_pages_and_as_data_for_every_state(told: Told) -> None:
    for size in (30, len(told.world.entries)):
        people(told.server, f"/planes/{PLAN}/cambios?at={size}")
        answer = told.server.get(f"/api/plans/{PLAN}/changes?at={size}")
        assert answer.status == 200, answer.body
    found = told.server.get(f"/api/plans/{PLAN}/changes?from=30&to={size}").json["data"]
    assert {one["commitment"] for one in found["changes"]} == {G1, G2, C8}


@pytest.mark.parametrize(
    "path",
    [
        f"/planes/{PLAN}/comparacion",
        f"/planes/{PLAN}/hallazgos",
        f"/planes/{PLAN}/cambios",
        f"/planes/{PLAN}",
        "/evidencia",
        "/mesa/investigacion",
    ],
)
def test_a_filter_that_a_page_has_not_is_said_and_the_rest_is_shown(told: Told, path: str) -> None:
    plain, size = people(told.server, path), len(told.world.entries)
    for query in (f"?at={size}", "?fbclid=x1&utm_source=radio"):
        assert "No se conoce" not in people(told.server, path + query), "nobody filters by these"
    page = Read(people(told.server, path + "?institusion=minfin"))
    assert "No se conoce el filtro «institusion»: lo que sigue se muestra sin él." in page.text
    assert codes_in(page.text) == codes_in(Read(plain).text)
    hostile = people(told.server, path + "?%3Cb%3E%E2%80%AE=1")
    assert "<b>" not in hostile.partition("<main")[2].partition("<h1")[0].replace('<b id="', "")
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in hostile


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"/planes/{PLAN}/comparacion", "institucion"),
        (f"/planes/{PLAN}/comparacion", "orden"),
        (f"/planes/{PLAN}/hallazgos", "regla"),
        ("/evidencia", "estado"),
        ("/mesa/investigacion", "compromiso"),
    ],
)
def test_a_value_that_a_filter_has_not_is_said(told: Told, path: str, name: str) -> None:
    page = Read(people(told.server, f"/en{path}?{name}=minfinn"))
    assert f"“minfinn” is none of the values of the filter “{name}”" in page.text
    assert "is none of the values" not in people(told.server, f"/en{path}?{name}=")


def codes_in(text: str) -> list[str]:
    """The codes of commitments that a page names, in its order."""
    return re.findall(r"\b[CG]\d+\b", text)


def test_a_span_is_chosen_by_two_days_or_by_two_sizes_and_each_form_says_what_it_takes(told: Told) -> None:
    size = len(told.world.entries)
    for language in ("", "/en"):
        source = people(told.server, f"{language}/planes/{PLAN}/cambios?desde=30&hasta={size}")
        inputs = [dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in re.findall(r'<input type="[dn][^>]*>', source)]
        assert [(one["type"], one["name"]) for one in inputs] == [
            ("date", "desde"), ("date", "hasta"), ("number", "desde"), ("number", "hasta")
        ]  # fmt: skip
        assert [(one["value"], one["min"], one["max"]) for one in inputs[2:]] == [
            ("30", "1", str(size)), (str(size), "1", str(size))
        ]  # fmt: skip
        assert all(one["min"] <= one["value"] <= one["max"] for one in inputs[:2])
        assert all(f'<label for="{one["id"]}">' in source for one in inputs)


def test_the_span_that_nobody_chose_is_in_the_form_as_it_was_computed(told: Told) -> None:
    source = people(told.server, f"/planes/{PLAN}/cambios")
    chosen = re.findall(r'<input type="number"[^>]* value="(\d+)"', source)
    again = people(told.server, f"/planes/{PLAN}/cambios?desde={chosen[0]}&hasta={chosen[1]}")
    sizes = re.compile(r"\((\d+) asientos\)")
    assert sizes.findall(source) == sizes.findall(again) == chosen


# --- in a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(browser: Browser, told: Told) -> Iterator[Callable[..., Page]]:
    contexts: list[Any] = []

    def look(path: str = "", width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{told.server.address.rstrip('/')}/gt{path}/planes/{PLAN}/comparacion")
        return page

    yield look
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("language", "width"), [("", 390), ("/en", 390), ("", 1280), ("/en", 1280)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    opened: Callable[..., Page], axe_findings: Callable[[Page], list[str]], language: str, width: int, scheme: str
) -> None:
    page = opened(language, width, color_scheme=scheme)
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_filters_and_days_work_without_javascript_on_the_smallest_phone(opened: Callable[..., Page]) -> None:
    page = opened(width=320, java_script_enabled=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_label(re.compile("^Brecha de 2 o más")).check()
    page.get_by_label("Orden").select_option(label="Primero la brecha mayor")
    page.get_by_role("search").get_by_role("button", name="Mostrar").click()
    expect(page.get_by_role("status")).to_have_text("Coincide 1 de 3 compromisos.")
    expect(page.get_by_label(re.compile("^Brecha de 2 o más"))).to_be_checked()
    day = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=50)).date().isoformat()
    page.get_by_label("Como estaba el registro al final del").fill(day)
    page.get_by_role("button", name="Ir a ese día").click()
    expect(page.locator(".past")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Coincide 1 de 3 compromisos.")  # the filter came along


@pytest.mark.parametrize("width", [700, 800, 1000])
def test_between_telephone_and_desk_nothing_scrolls_sideways(opened: Callable[..., Page], width: int) -> None:
    assert opened(width=width).evaluate("document.documentElement.scrollWidth") <= width


def test_voices_are_told_apart_by_shape_where_colours_are_the_readers_own(opened: Callable[..., Page]) -> None:
    page = opened(forced_colors="active")
    colours = {
        voice: page.locator(f".dumbbells .voice-{voice}").first.evaluate("e => getComputedStyle(e).color")
        for voice in ("government", "evidence")
    }
    assert len(set(colours.values())) == 1  # no colour is left to tell them by
    shapes = page.evaluate(
        "[...document.querySelectorAll('.sprite symbol[id^=v-]')].map(e => e.firstElementChild.outerHTML)"
    )
    assert len(set(shapes)) == 4


def test_on_paper_heads_repeat_lines_are_drawn_and_figures_are_open(opened: Callable[..., Page]) -> None:
    page = opened()
    page.emulate_media(media="print")
    for table in (".dumbbells", ".matrix"):
        assert page.locator(f"{table} thead").evaluate("e => getComputedStyle(e).display") == "table-header-group"
    line = page.locator("td.line-right").first.evaluate("e => getComputedStyle(e, '::before').borderTopStyle")
    assert line == "solid"
    expect(page.get_by_text("Commitments by level")).to_have_count(0)
    expect(page.get_by_text("Compromisos por nivel, en cada uno de estos momentos")).to_be_visible()
    expect(page.locator("form").first).to_be_hidden()
    expect(page.locator(".only-paper")).to_contain_text("/gt/asientos/")
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", page.pdf(prefer_css_page_size=True))
    assert boxes
    assert all(float(wide) > float(high) for wide, high in boxes)

"""The page of findings and their JSON, over the demonstration: what a page says is what the record gives."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
import world as w
from service import Served, founded_lately, put_on_disk
from test_pages import Read, people, site
from world import PLAN, World

from api.page_anomalies import FIELD_NAMES, RULE_NAMES
from ledger.statement import format_when
from projections.anomalies import FIELDS, RULES

__all__ = ["site"]  # a fixture

HERE = f"/planes/{PLAN}/hallazgos"
DAY = 86_400_000


def anomalies(site: Served, query: str = "") -> list[dict[str, Any]]:
    """Every anomaly of the plan, over all pages of the answer."""
    found: list[dict[str, Any]] = []
    answer = site.get(f"/api/plans/{PLAN}/anomalies{query}")
    while True:
        assert answer.status == 200, answer.body
        found += [line["anomaly"] for line in answer.json["data"]]
        following = answer.json.get("next")
        if following is None:
            return found
        answer = site.get("/" + following)


def test_every_rule_and_field_has_words() -> None:
    assert set(RULE_NAMES) == set(RULES)
    assert tuple(FIELD_NAMES) == FIELDS


def test_the_page_counts_what_the_answer_lists(site: Served) -> None:
    found = anomalies(site)
    page = Read(people(site, HERE))
    assert f"{len(found)} hallazgos" in page.text
    for rule in RULES:
        count = sum(one["rule"] == rule for one in found)
        assert (f"{rule} " in page.text) == (count > 0), rule
        if count:
            assert (
                f"{count} de {len(found)} hallazgos."
                in Read(people(site, f"{HERE}?regla={rule.replace('/', '%2F')}")).text
            )


def test_the_answer_is_listed_page_by_page_and_of_one_day(site: Served) -> None:
    found = anomalies(site)
    assert anomalies(site, "?limit=7") == found
    assert anomalies(site, "?limit=7&rule=missing/mechanisms") == [
        one for one in found if one["rule"] == "missing/mechanisms"
    ]
    assert anomalies(site, "?institution=minfin") == [one for one in found if "minfin" in one.get("institutions", ())]
    size = site.get("/api/plans").json["checkpoint"]["size"]
    later = anomalies(site, f"?limit=7&at={size}&as_of=2030-01-01")
    silent = {one["institutions"][0] for one in later if one["rule"] == "silence/institution"}
    assert {"minfin", "segeplan", "ine"} <= silent
    assert not any(one["rule"] == "silence/institution" for one in found)


@pytest.mark.parametrize("rule", ["report/count", "evidence/only-own-page", "text/repeated", "missing/means"])
def test_each_case_leads_to_its_proofs_and_commitments(site: Served, rule: str) -> None:
    found = anomalies(site, f"?rule={rule}")
    links = Read(people(site, f"{HERE}?regla={rule.replace('/', '%2F')}")).links
    assert {index for one in found for index in one["entries"]} == {
        int(link.rpartition("/")[2]) for link in links if re.fullmatch(r"/gt/asientos/\d+", link)
    }
    if rule != "report/count":
        told = {name.partition("/")[2] for one in found for name in one["commitments"]}
        assert told == {link.rpartition("/")[2] for link in links if "/compromisos/" in link}
    for link in {one for one in links if one.startswith("/gt/")}:
        people(site, "//" + link.lstrip("/"))


def test_filters_work_together_and_can_be_cleared(site: Served) -> None:
    found = anomalies(site)
    page = Read(people(site, f"{HERE}?regla=missing%2Fmechanisms&institucion=minfin"))
    fitting = [one for one in found if one["rule"] == "missing/mechanisms" and one["institutions"] == ["minfin"]]
    assert f"{len(fitting)} de {len(found)} hallazgos." in page.text
    assert page.all("option", value="missing/mechanisms")[0].get("selected", "no") is None
    assert f"/gt{HERE}#hallazgos" in page.links
    nothing = Read(people(site, f"{HERE}?regla=report%2Fshare&institucion=minfin"))
    assert "Ningún hallazgo coincide." in nothing.text


def test_rules_that_found_nothing_are_named(site: Served) -> None:
    page = Read(people(site, f"/en{HERE}"))
    looked_for = page.text.partition("Looked for and not found")[2]
    assert "Completion dates that were moved" in looked_for
    assert "No completion date" not in looked_for


def test_sentences_are_whole_in_both_languages(site: Served) -> None:
    spanish, english = Read(people(site, HERE)).text, Read(people(site, f"/en{HERE}")).text
    assert (
        "imprime 29.16 % para sus 14 de 48 compromisos en «sustancial», que son 29.17 %: el porcentaje se cortó"
        in spanish
    )
    assert "prints 29.16% for its 14 of 48 commitments at «substantial», which is 29.17%: the share was cut" in english
    assert "Entre las reuniones del 28 de abril de 2015 y del 17 de agosto de 2015 pasaron 111 días" in spanish
    assert "%(" not in spanish + english


def test_the_months_of_the_plan_without_a_meeting_are_marked(site: Served) -> None:
    page = Read(people(site, HERE))
    cells = [found.get("class") for found in page.all("td")]
    assert (cells.count("held"), cells.count("without")) == (12, 5)


def test_two_texts_stand_side_by_side_with_what_they_share_marked(site: Served) -> None:
    source = people(site, f"{HERE}/G6-reason/C3-reason")
    marked = [re.sub(r"<[^>]*>", "", one) for one in re.findall(r"<mark>(.*?)</mark>", source, re.DOTALL)]
    assert len(marked) == 2
    assert marked[0] == marked[1]
    assert len(marked[0].split()) >= 6
    page = Read(source)
    assert "9 de 13 palabras en común" in page.text
    assert any(link.endswith("/compromisos/G6") for link in page.links)
    listed = Read(people(site, f"{HERE}?regla=text%2Frepeated")).links
    assert f"/gt{HERE}/G6-reason/C3-reason" in listed


@pytest.mark.parametrize(
    "path",
    [
        "/planes/otro/hallazgos",
        f"{HERE}/G6-reason/G6-reason",
        f"{HERE}/G6-reason/G99-reason",
        f"{HERE}/G6-color/C3-reason",
        f"{HERE}/G6/C3-reason",
        f"{HERE}?regla=missing%2Fmechanisms&pagina=99",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(site: Served, path: str) -> None:
    people(site, path, 404)


def test_an_older_state_shows_what_it_showed_then(site: Served) -> None:
    page = Read(people(site, f"{HERE}?at=100"))
    assert "el registro tal como estaba" in page.text or "100 asientos" in page.text
    assert anomalies(site, "?at=100") != anomalies(site)
    links = [link for link in page.links if "/asientos/" in link]
    assert links
    assert all("at=100" in link for link in links)


def test_an_auditor_finds_the_same(site: Served) -> None:
    arguments = ["-m", "api.cli", "audit", str(site.folder / "public")]
    ran = subprocess.run([sys.executable, *arguments, "--json"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    told = anomalies(site)
    assert json.loads(ran.stdout)["anomalies"][PLAN] == told
    ran = subprocess.run([sys.executable, *arguments, "--lang", "es"], capture_output=True, text=True, check=False)
    rules = len({one["rule"] for one in told})
    assert f"muestra {len(told)} cosas que no concuerdan, por {rules} reglas" in re.sub(r"\s+", " ", ran.stdout)


def test_the_plan_leads_to_its_findings(site: Served) -> None:
    assert f"/gt{HERE}" in Read(people(site, f"/planes/{PLAN}")).links


def hostile_world() -> World:
    """A plan whose texts, titles and addresses try to be markup, and in which nearly every rule fires."""
    world = founded_lately()
    evil = '<script>alert("1")</script> seis palabras de más que se repiten \u202e'
    chair, minfin = "copret:coordinator", "minfin:institution"
    for name in ("G3", "G4"):
        world.say("CommitmentRegistered", chair, **w.commitment(f"{PLAN}/{name}", "minfin", title=evil, objective=evil))
    for name in ("G3", "G4"):
        told: Any = {"subject": f"{PLAN}/{name}", "level": "complete", "reason": evil, "evidence": []}
        world.say("CompletionReported", minfin, **told, share={"value": 1, "out_of": 2, "unit": evil})
        link: Any = {"for_": [f"{PLAN}/{name}.M0"], "title": evil, "evidence_type": "other", "shows": evil}
        world.say("EvidenceLinked", minfin, **link, url="http://a.gt/?x=%22%3E'&y")
    world.say("NextStepsSet", minfin, commitment=f"{PLAN}/G3", steps=[{"text": evil}])
    claim = {"measure": "level_count", "scope": {"level": "complete"}, "value": 9}
    told = {"report": "r", "report_form": "other", "version": 1, "title": evil, "document": w.digest_of("r")}
    world.say("ReportPublished", chair, **told, on={"precision": "none"}, claims=[claim])
    indicator: Any = {"indicator": "i", "subject": f"{PLAN}/G3", "title": evil, "unit": evil, "decimals": 1}
    world.say("IndicatorDefined", minfin, **indicator)
    as_of = {"precision": "day", "day": format_when(world.now_ms)[:10]}
    world.say("IndicatorMeasured", minfin, indicator="i", as_of=as_of, values=[{"value": 1}], out_of=20)
    return world


@pytest.mark.parametrize("path", [HERE, f"{HERE}/G3-objective/G4-objective", f"{HERE}?regla=text%2Frepeated"])
def test_texts_of_others_stand_there_as_they_are_and_are_no_markup(
    tmp_path_factory: pytest.TempPathFactory, path: str
) -> None:
    folder = tmp_path_factory.mktemp("hostil")
    put_on_disk(hostile_world(), folder)
    with Served(folder) as server:
        source = people(server, path)
        page = Read(source)
        assert page.wrong == []
        assert not page.all("script")
        assert "\u202e" not in source
        rules = {one["rule"] for one in anomalies(server)}
        assert {"report/count", "open/share", "open/figure", "open/steps", "evidence/shared", "text/repeated"} <= rules

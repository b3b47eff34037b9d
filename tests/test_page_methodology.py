"""The methodology in words: every rule has a sentence in both languages, and the page shows the tables in force."""

import ast
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from service import Served
from test_pages import Read, people, site

from api.demo.build import PLAN
from api.page_methodology import CAPS, FALLS, FIGURES, STEPS, VERDICTS
from api.phrasing import Phrasing
from api.reasons import RULES, figures_of, sentence_of, whole_share
from api.worked_example import worked_example
from ledger.vocabulary import Codes, MachineCap, Parameters
from projections import grading
from projections.words.catalogue import catalogue, languages

__all__ = ["site"]  # a fixture

PARAMETERS = Parameters(
    confirm_days=7,
    gone_days=7,
    answer_days=30,
    silence_days=183,
    reuse_bp=5000,
    substantial_bp=5000,
    machine_cap=MachineCap(grade_0=0, grade_1=0, grade_2=1, grade_3=2),
    own_pages=(),
    codes=Codes(verifiability=("none",), relevance=("none",), ambition=("none",), early_results=("none",)),
    default_grace_days=15,
)


def test_the_engine_names_no_rule_that_has_no_sentence_and_every_sentence_is_of_a_rule() -> None:
    source = Path(grading.__file__).read_text("utf-8")
    named = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
    rules = {value for value in named if isinstance(value, str) and re.fullmatch(r"[a-z]+/[a-z0-9-]+", value)}
    assert rules == set(RULES)


@pytest.mark.parametrize("language", languages())
def test_every_rule_has_a_sentence_of_its_own(language: str) -> None:
    kept = {message.singular: message.texts for message in catalogue(language).messages}
    sentences = [kept[english][0] for english in RULES.values()]
    assert all(sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(RULES)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("rule", RULES)
def test_a_sentence_names_every_figure_that_its_rule_turns_on(language: str, rule: str) -> None:
    sentence = sentence_of(Phrasing(language), rule, PARAMETERS)
    assert "%(" not in sentence
    changed = replace(
        PARAMETERS,
        confirm_days=11,
        answer_days=12,
        substantial_bp=6250,
        machine_cap=MachineCap(grade_0=0, grade_1=1, grade_2=2, grade_3=3),
    )
    named = set(re.findall(r"%\((\w+)\)s", RULES[rule]))
    assert (sentence_of(Phrasing(language), rule, changed) != sentence) == bool(named)
    assert all(
        figures_of(Phrasing(language), changed)[name] in sentence_of(Phrasing(language), rule, changed)
        for name in named
    )


def test_a_share_has_decimals_where_it_needs_them() -> None:
    assert [whole_share(Phrasing("en"), share) for share in (5000, 3333, 10000)] == ["50%", "33.33%", "100%"]
    assert whole_share(Phrasing("es-GT"), 5000) == "50\N{NO-BREAK SPACE}%"


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_tables_hold_every_rule_once() -> None:
    rows = [
        *[rule for rule in RULES if rule.startswith("grade/")],
        *CAPS,
        *[rule for *_, rule in FALLS if rule.startswith(("fall/", "mark/"))],
        *VERDICTS,
        *[rule for _, rules in STEPS for rule in rules],
    ]
    assert sorted(rows) == sorted(RULES)
    assert {rule for *_, rule in FALLS if rule} <= set(RULES)
    assert set(FIGURES) == set(Parameters.__struct_fields__)


@pytest.mark.parametrize("language", ["", "/en"])
def test_every_rule_is_a_row_with_its_name_as_anchor(site: Served, language: str) -> None:
    page = Read(people(site, f"{language}/metodologia/{PLAN}/1"))
    rows = [found["id"] for found in page.all("tr") if found.get("id")]
    assert sorted(str(row) for row in rows) == sorted(RULES)
    say = Phrasing(language[1:] or "es-GT")
    sentences = {rule: sentence_of(say, rule, PARAMETERS).replace("\N{NO-BREAK SPACE}", " ") for rule in RULES}
    assert [rule for rule, sentence in sentences.items() if sentence not in page.text] == []


def test_the_version_in_force_is_one_step_away_and_others_are_not_there(site: Served) -> None:
    assert f"/gt/metodologia/{PLAN}/1" in Read(people(site, "/metodologia")).links
    adopted = site.get(f"/api/plans/{PLAN}").json["data"]["plan"]["methodology_index"]
    page = Read(people(site, f"/metodologia/{PLAN}/1"))
    assert f"/gt/asientos/{adopted}" in page.links
    for missing in (f"/metodologia/{PLAN}/2", f"/metodologia/{PLAN}/01", "/metodologia/gt-1900/1"):
        people(site, missing, status=404)


def test_the_example_is_computed_and_passes_the_steps_of_the_golden_one() -> None:
    steps = [step.standing for step in worked_example(PARAMETERS)]
    assert [[one.best for one in step.mechanisms] for step in steps] == [
        [1, 1, 1],
        [2, 2, 2],
        [3, 3, 3],
        [3, 3, 2],
        [3, 3, 1],
        [4, 4, 4],
        [4, 4, 4],
        [4, 4, 4],
    ]
    levels = ["no_evidence_available", "limited", *["substantial"] * 5, "complete"]
    assert [step.combined.level for step in steps] == levels
    assert [step.combined.percent for step in steps] == [0, 33, 66, 55, 44, 77, 77, 100]
    assert [step.gap for step in steps] == [3, 2, 1, 1, 1, 1, 1, 0]


def test_the_example_follows_the_figures_of_its_version() -> None:
    lenient = replace(PARAMETERS, machine_cap=MachineCap(grade_0=0, grade_1=1, grade_2=2, grade_3=2))
    assert worked_example(lenient)[0].standing.combined.level == "limited"

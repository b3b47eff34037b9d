"""The methodology in words: every rule has a sentence in both languages, and the page shows the tables in force."""

import ast
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from api.phrasing import Phrasing
from api.reasons import RULES, figures_of, sentence_of, whole_share
from ledger.vocabulary import Codes, MachineCap, Parameters
from projections import grading
from projections.words.catalogue import catalogue, languages

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

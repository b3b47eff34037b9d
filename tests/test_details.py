"""Details of refusals in Spanish: each sentence is one that is really said, and what it quotes stays as it was."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import world as w

from api.details import SENTENCES, in_spanish
from ledger.errors import Refused

ROOT = Path(__file__).parent.parent
# Said by the decoder, not by us.
OF_THE_DECODER = ("Object ", "Expected ", "Invalid ")
# Sentences that are put together of these pieces where they are said.
COMPOSED: dict[str, tuple[str, ...]] = {
    "no mechanism {} is defined; it has numbered mechanisms": ("is defined{hint}", "; it has numbered mechanisms"),
    "methodology {}: the last version adopted is {}": ("methodology {opened", "the last version adopted is "),
    "methodology {}: no methodology is adopted": ("methodology {opened", "no methodology is adopted"),
    "entry {} is its author's: the key that signed it, or the secret of its claim": (
        "is {whose}",
        "its author's: the key that signed it, or the secret of its claim",
    ),
    "content {} of {} gives the salted digest {}, which the statement does not bring": (
        ", which the statement ",
        "does not bring",
    ),
    "content {} of {} gives the salted digest {}, which the statement brings once only": (
        ", which the statement ",
        "brings once only",
    ),
}
# What is said around the words of another, or is made of the pieces above.
PUT_TOGETHER = ("`vkey`: x", "entry x is x", "`x` x", "no mechanism x is definedx", "methodology x: x")


@pytest.mark.parametrize("english", SENTENCES)
def test_each_sentence_is_said_somewhere_and_quotes_as_much_in_spanish(english: str) -> None:
    spanish = SENTENCES[english]
    assert spanish.count("{}") in (english.count("{}"), 0)
    if english.startswith(OF_THE_DECODER):
        return
    source = "".join(
        path.read_text("utf-8")
        for folder in ("ledger", "consultation")
        for path in sorted((ROOT / folder).glob("*.py"))
    )
    # Adjacent pieces of one sentence are one string.
    source = re.sub(r'"\s*\+?\s*\(?\s*f?"', "", source)
    for piece in COMPOSED.get(english, (max(english.split("{}"), key=len).strip(" `"),)):
        assert piece in source, piece


def said_in(path: Path) -> Iterator[str]:
    """The sentences of the refusals that a module raises, with `x` for what each fills in."""

    def text(node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str(words)):
                return words
            case ast.JoinedStr(values=parts):
                return "".join(text(part) for part in parts)
            case ast.BinOp(left=left, right=right):
                return text(left) + text(right)
            case ast.IfExp(body=body):
                return text(body)
            case _:
                return "x"

    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = {"refuse": 1, "Refused": 2, "ValueError": 0}.get(name)
            if place is not None and place < len(node.args):
                yield text(node.args[place])


@pytest.mark.parametrize("module", ["ledger/rulebook.py", "ledger/roster.py", "ledger/vocabulary.py"])
def test_every_refusal_of_the_rulebook_is_said_in_spanish(module: str) -> None:
    said = [each for each in said_in(ROOT / module) if each not in PUT_TOGETHER and each != "x"]
    assert len(said) > 5
    assert [each for each in said if in_spanish(each) == each] == []


@pytest.mark.parametrize(
    ("detail", "spanish"),
    [
        ("`level`: Invalid enum value 'medio'", "`level`: 'medio' no es uno de los valores que se admiten"),
        ("Object contains unknown field `colour`", "no hay ningún campo `colour`"),
        ("`icefi` holds no grant of the role `institution`", "`icefi` no tiene el papel `institution`"),
        (
            "`answers` names entry 524, which is of gt-2014-2016; this has no `plan`",
            "`answers` nombra el asiento 524, que es de gt-2014-2016; a esta le falta `plan`",
        ),
        (
            "no mechanism gt-2014-2016/C8.M0 is defined; it has numbered mechanisms",
            "no hay ningún mecanismo gt-2014-2016/C8.M0: el compromiso tiene mecanismos numerados",
        ),
        ("`copret` opened this round itself", "`copret` abrió esta consulta"),
        ("`week`: the year 2026 has no week 54", "`week`: el año 2026 no tiene semana 54"),
        (
            "entry 12 is its author's: the key that signed it, or the secret of its claim",
            "el asiento 12 es de su autor: la llave que lo firmó, o el secreto con que se reclama",
        ),
        ("`by`: a citizen has no actor", "`by`: un citizen no lleva entidad"),
        ("a sentence that nobody knows", "a sentence that nobody knows"),
    ],
)
def test_what_is_quoted_stays(detail: str, spanish: str) -> None:
    assert in_spanish(detail) == spanish


def test_a_real_refusal_is_said_in_spanish() -> None:
    world = w.found()
    with pytest.raises(Refused) as caught:
        world.say("ResponseGiven", "copret:coordinator", answers=["ab" * 32], disposition="accepted")
    said = in_spanish(caught.value.detail)
    assert said.startswith("`answers`: no hay ninguna declaración abab")

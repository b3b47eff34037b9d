"""Details of refusals in Spanish: each sentence is one that is really said, and what it quotes stays as it was."""

import re
from pathlib import Path

import pytest
import world as w

from api.details import SENTENCES, in_spanish
from ledger.errors import Refused

ROOT = Path(__file__).parent.parent
# Said by the decoder, not by us.
OF_THE_DECODER = ("Object ", "Expected ", "Invalid ")


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
    longest = max(english.split("{}"), key=len).strip(" `")
    assert longest in source, longest


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

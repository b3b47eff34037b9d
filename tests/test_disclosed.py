"""What `constancia verify --contents` and the page of a receipt say of texts that are out of view."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from moderation import Moderated
from receipts import receipt_of
from second_writer import Files
from test_cli import run
from town import Town
from world import digest_of

from api.disclosed import OUT_OF_VIEW, Disclosed, disclosed
from api.names import GROUNDS
from api.page_receipts import CONTENTS_NOW
from consultation.hiding import Effect
from ledger.errors import Misbehaviour
from ledger.statement import Entry


class Case:
    """Five comments, each in another state, and the shorter text of two."""

    def __init__(self) -> None:
        self.moderated = Moderated(comments=6)
        places = list(self.moderated.texts)
        self.moderated.act("ContentWithheld", places[0])
        self.moderated.act("ContentRedacted", places[1])
        self.moderated.act("StatementWithdrawn", places[2])
        self.moderated.act("ContentErased", places[3])
        self.moderated.act("ContentRedacted", places[4])
        self.moderated.act("ContentRestored", places[4])
        self.places = list(self.moderated.texts)
        self.town: Town = self.moderated.publish()

    def entry(self, at: int) -> Entry:
        return self.moderated.world.entries[int(self.moderated.texts[self.places[at]]["index"])]

    def now(self, at: int, files: Files | None = None) -> Disclosed:
        return next(disclosed(files or self.town.files, self.town.policy, self.entry(at)))


CASE = Case()

SAID: list[tuple[int, Effect | None, str]] = [
    (0, "withheld", "content withheld (personal_data); signature and position valid"),
    (1, "redacted", "content redacted (personal_data); signature and position valid"),
    (2, "withdrawn", "withdrawn by its author; signature and position valid"),
    (3, "erased", "content erased (personal_data); signature and position valid"),
    (4, None, "content shown; signature and position valid"),
    (5, None, "content shown; signature and position valid"),
    (6, None, "content shown; signature and position valid"),
    (7, "replaced", "shorter text that gave way to the full one; signature and position valid"),
]


@pytest.mark.parametrize(("at", "effect", "words"), SAID)
def test_the_verdict_says_what_is_public_beside_what_is_proved(at: int, effect: Effect | None, words: str) -> None:
    found = CASE.now(at)
    assert (found.effect, found.words[1]) == (effect, words)
    assert found.words[0].endswith("la firma y el lugar son válidos")
    line = next(each for each in CASE.moderated.lines() if each["salted_digest"] == found.salted_digest)
    assert found.by == (line["by"]["index"] if "by" in line else None)
    assert (found.text is None) == ("by" in line)


def test_every_effect_and_every_ground_has_its_words() -> None:
    effects = set(OUT_OF_VIEW)
    assert effects | {"shown", "missing"} == set(CONTENTS_NOW)
    assert {effect for _, effect, _ in SAID} - {None} == effects
    assert "requested" in GROUNDS


LIES: dict[str, tuple[Callable[[], Files], str]] = {
    "missing": (lambda: CASE.town.operator.say_of(CASE.entry(0).index, None), "content-missing"),
    "altered": (
        lambda: CASE.town.operator.say_of(
            CASE.entry(0).index, CASE.moderated.texts[CASE.places[0]] | {"content": {"text": "Otra cosa."}}
        ),
        "content-altered",
    ),
    "marked by what takes nothing": (
        lambda: CASE.town.operator.say_of(
            CASE.entry(0).index, CASE.moderated.marker(CASE.places[0], CASE.moderated.world.entries[3])
        ),
        "content-marker",
    ),
    "marked by what is not there": (
        lambda: CASE.town.operator.say_of(CASE.entry(0).index, CASE.moderated.marker(CASE.places[0], None)),
        "content-marker",
    ),
    "marked by another identity": (
        lambda: CASE.town.operator.say_of(
            CASE.entry(0).index,
            CASE.moderated.marker(CASE.places[0], CASE.moderated.world.entries[-1], digest_of("another")),
        ),
        "content-marker",
    ),
    "malformed": (lambda: CASE.town.operator.serve("contents/000", lambda raw: raw[:-1]), "content-malformed"),
}


@pytest.mark.parametrize(("lie", "kind"), LIES.values(), ids=LIES)
def test_what_shows_to_be_wrong_is_not_called_valid(lie: Callable[[], Files], kind: str) -> None:
    with pytest.raises(Misbehaviour) as found:
        CASE.now(0, lie())
    assert found.value.kind == kind


def test_it_is_written_as_json_without_what_is_not_there(tmp_path: Path) -> None:
    written = msgspec.json.decode(msgspec.json.encode(CASE.now(0)))
    assert set(written) == {"salted_digest", "effect", "ground", "by"}


# --- the command and the page


def on_disk(place: Path) -> Path:
    """The ledger as a folder, with the policy beside it; where the receipts go."""
    for path, raw in CASE.town.files.items():
        (place / "public" / path).parent.mkdir(parents=True, exist_ok=True)
        (place / "public" / path).write_bytes(raw)
    (place / "policy").write_bytes(CASE.town.policy_file)
    return place


@pytest.mark.parametrize(("at", "_effect", "words"), SAID)
def test_the_command_says_it_too(tmp_path: Path, at: int, _effect: Effect | None, words: str) -> None:
    place = on_disk(tmp_path)
    (place / "r").write_bytes(receipt_of(CASE.moderated.world.leaves(), CASE.entry(at).index))
    asked = ("verify", place / "r", "--policy", place / "policy")
    told = run(*asked, "--contents", place / "public", LANG="en_US.UTF-8")
    assert told.code == 0, told.err
    assert words in told.out
    assert words not in run(*asked).out, "it is not said of what was not looked at"
    told = run(*asked, "--contents", place / "public", "--json")
    assert told.json["contents"] == [msgspec.to_builtins(CASE.now(at))]


def test_the_command_does_not_call_valid_what_is_not_there(tmp_path: Path) -> None:
    place = on_disk(tmp_path)
    (place / "r").write_bytes(receipt_of(CASE.moderated.world.leaves(), CASE.entry(0).index))
    (place / "public/contents/000").unlink()
    told = run("verify", place / "r", "--policy", place / "policy", "--contents", place / "public")
    assert told.code == 1
    assert "content-missing" in told.out

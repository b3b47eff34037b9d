"""What coordinators and moderators do by command, in real processes against a real server; an audit agrees with it."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import test_cli as cli
import world as w
from service import Served, now_ms
from test_desks import Town, local

from api.keyfiles import format_key_file
from api.officers import blank_out
from consultation.text import Content
from ledger.errors import CannotRun
from ledger.statement import format_when

ACTS = (
    ("round", "open"),
    ("round", "notice"),
    ("round", "extend"),
    ("round", "close"),
    ("round", "publish"),
    ("answer",),
    ("transcribe",),
    ("moderate", "read"),
    ("moderate", "withhold"),
    ("moderate", "redact"),
    ("moderate", "restore"),
    ("moderate", "request"),
    ("moderate", "erase"),
    ("moderate", "decide"),
)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    town = Town(tmp_path_factory.mktemp("ordenes") / "gt")
    with town.server as server:
        server.folded()
        yield town


def key(folder: Path, name: str) -> Path:
    """The key file of a body."""
    path = folder / f"{name}.key"
    if not path.exists():
        path.touch(0o600)
        path.write_bytes(format_key_file(w.key_of(name), None))
    return path


class Office:
    """An officer's folder, from which commands are run."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town, self.folder = town, folder
        self.url = f"{town.server.address.rstrip('/')}/gt"

    def ran(self, name: str, *words: str, to: bool = True, code: int = 0, **more: str) -> cli.Ran:
        """Run a command as this body, without being asked."""
        named = [*words, "--key", str(key(self.folder, name))] + (["--to", self.url] if to else [])
        ran = cli.run(*named, cwd=self.folder, **more)
        assert ran.code == code, ran.err + ran.out
        self.town.server.folded()
        return ran

    def did(self, name: str, *words: str, to: bool = True) -> Any:
        """The statement that a command registered."""
        ran = self.ran(name, *words, "--yes", "--json", to=to)
        return self.town.statement(ran.json["index"])


@pytest.fixture
def office(town: Town, tmp_path: Path) -> Office:
    return Office(town, tmp_path)


@pytest.mark.parametrize("words", ACTS, ids=" ".join)
def test_help_is_there_in_spanish_and_in_english(words: tuple[str, ...]) -> None:
    spanish, english = (cli.run(*words, "--help", "--lang", lang) for lang in ("es", "en"))
    assert (spanish.code, english.code) == (0, 0)
    assert "Opciones" in spanish.out
    assert "Options" in english.out
    assert spanish.out != english.out


# --- moderation ------------------------------------------------------------------------------------------------------


def test_withheld_read_appealed_decided_and_restored(office: Office) -> None:
    town, url = office.town, office.url
    comment = town.comment("Vive en la 5a calle.")
    code = comment["identity"][:12]
    said = office.did(
        "vigilante", "moderate", "withhold", f"{url}/comentarios/{code}", "--ground", "personal_data",
        "--rule", "Regla 2", "--appeal-days", "20", to=False,
    )  # fmt: skip
    assert (said["kind"], said["target"], said["lang"]) == ("ContentWithheld", town.target(comment), "es-GT")
    receipts = list(office.folder.glob("*.tlog-proof"))
    assert len(receipts) == 1

    assert "Vive en la 5a calle." in office.ran("jurado", "moderate", "read", str(comment["index"])).out
    refused = office.ran("icefi", "moderate", "read", code, code=1, LANG="en_US.UTF-8")
    assert "role-scope" in refused.err
    assert "ask two registrars" in refused.err

    early = office.ran("jurado", "moderate", "decide", code, "--decision", "upheld", "--reasons", "x", "--yes", code=2)
    assert "Nadie ha apelado" in early.err
    appeal = {
        "kind": "ModerationAppealed",
        "target": town.target(comment),
        "salted_digest": {"$content": {"text": "No."}},
    }
    town.say(f"{comment['who']}:citizen", appeal)
    words = ("moderate", "decide", code, "--decision", "overturned", "--reasons", "Tiene razón.")
    own = office.ran("vigilante", *words, "--yes", code=1)
    assert "conflict-of-interest" in own.err
    assert "Pídalo a otra" in own.err
    decided = office.did("jurado", *words)
    assert (decided["decision"], decided["words"]) == ("overturned", {"text": "Tiene razón."})
    restored = office.did("jurado", "moderate", "restore", code, "--reasons", "Fulana tenía razón.", "--salted")
    assert set(restored["words"]) == {"salted_digest"}


def test_passages_are_blanked_out(office: Office) -> None:
    town = office.town
    comment = town.comment("Vive en la 5a calle. El plan está bien.", name="Fulana")
    words = ("moderate", "redact", str(comment["index"]), "--ground", "personal_data", "--rule", "Regla 2")
    assert "no contiene" in office.ran("vigilante", *words, "--blank", "6a calle", "--yes", code=2).err
    assert "no se quita nada" in office.ran("vigilante", *words, "--yes", code=2).err
    said = office.did("vigilante", *words, "--blank", "5a calle", "--without-name")
    assert said["kind"] == "ContentRedacted"
    found = town.server.get(f"/comentarios/{comment['identity'][:12]}", accept="text/html")
    queue = town.server.get("/mesa/moderacion?ronda=ronda-1", accept="text/html").body.decode()
    assert "Vive en la […]. El plan está bien." in (found.body.decode() if found.status == 200 else queue)
    # What is redacted can be shortened from the whole text again only after a restoration.
    assert office.ran("vigilante", *words, "--blank", "El plan", "--yes", code=1).code == 1


def test_two_erase_one_after_the_other(office: Office) -> None:
    town = office.town
    comment = town.comment("Hay que borrarlo.")
    number = str(comment["index"])
    asked = office.did("jurado", "moderate", "request", number, "--ground", "legal_order", "--authority", "Juzgado 2")
    assert (asked["kind"], asked["authority"]) == ("ErasureRequested", "Juzgado 2")
    size = town.server.size()
    words = ("moderate", "erase", number, "--ground", "requested", "--rule", "Regla 4", "--out", "borrar.note", "--yes")
    assert "su propia organización" in office.ran("vigilante", *words, "--with", "vigilante", code=2).err
    assert "ninguna llave vigente" in office.ran("vigilante", *words, "--with", "nadie", code=2).err
    first = office.ran("vigilante", *words, "--with", "jurado")
    assert "Falta que firmen 1: jurado" in first.err
    assert town.server.size() == size
    for words in (("sign", "borrar.note", "--key", "jurado.key"), ("submit", "borrar.note", "--to", office.url)):
        key(office.folder, "jurado")
        assert cli.run(*words, cwd=office.folder).code == 0
    town.server.folded()
    erased = town.statement(town.server.size() - 1)
    assert [signer["actor"] for signer in erased["by"]] == ["vigilante", "jurado"]


# --- coordination ----------------------------------------------------------------------------------------------------


def test_a_round_is_opened_extended_published_answered_and_another_closed(office: Office) -> None:
    town, folder = office.town, office.folder
    (folder / "plan.txt").write_text("El plan.")
    (folder / "reglas.txt").write_text("Las reglas.")
    now = now_ms()
    closes = local(now + 86_400_000).replace("T", " ")
    opened = office.did(
        "copret", "round", "open", "ronda-2", "--plan", w.PLAN, "--concerns", "plan_draft", "--document", "plan.txt",
        "--rules", "reglas.txt", "--part", "metas: Metas e indicadores", "--opens", local(now - 60_000),
        "--closes", closes, "--late-until", format_when(now + 9 * 86_400_000), "--comment-lang", "es-GT",
        "--comment-lang", "quc", "--answer-by", "2030-01-31",
    )  # fmt: skip
    assert opened["document"] == sha256(b"El plan.").hexdigest()
    assert opened["closes"][:13] == format_when(now + 86_400_000)[:13]
    assert (opened["late"], opened["langs"]) == ("accept", ["es-GT", "quc"])

    later = format_when(now + 5 * 86_400_000)
    extended = office.did("copret", "round", "extend", "ronda-2", "--closes", later, "--reason", "Lo pidieron.")
    assert extended["closes"] == later

    announced = office.did(
        "copret", "round", "notice", "ronda-2", "--medium", "tv", "--outlet", "TV", "--on", "2026-11-20"
    )
    assert (announced["medium"], announced["on"]) == ("tv", {"precision": "day", "day": "2026-11-20"})

    made = [town.comment(f"Falta {number}.", round="ronda-2", about="metas") for number in range(3)]
    change = f"Se añadió [{made[0]['index']}, {made[1]['identity'][:16]}]"
    published = office.did(
        "copret", "round", "publish", "ronda-2", "--document", "plan.txt", "--change", change, "--change", "Título"
    )
    assert published["version"] == 2
    assert [one["comments"] for one in published["changes"]] == [[one["identity"] for one in made[:2]], []]

    answered = office.did(
        "copret", "answer", *[str(one["index"]) for one in made], "--disposition", "accepted", "--reasons", "Va.",
        "--led-to", str(town.server.size() - 1),
    )  # fmt: skip
    assert answered["answers"] == [one["identity"] for one in made]

    closed = office.did("copret", "round", "close", "ronda-0")
    assert (closed["comment_count"], closed["kind"]) == (0, "RoundClosed")


def test_a_comment_on_paper_is_transcribed_with_its_secret_in_a_file(office: Office) -> None:
    (office.folder / "hoja.txt").write_text("Queremos  agua.\n")
    (office.folder / "hoja.png").write_bytes(b"scan")
    said = office.did(
        "mesa", "transcribe", "ronda-1", "--text", "hoja.txt", "--channel", "paper", "--heard-at",
        local(now_ms() - 3_600_000), "--scan", "hoja.png", "--place", "Sololá", "--out", "hoja.submission.json",
    )  # fmt: skip
    private = json.loads((office.folder / "hoja.private.json").read_text())
    assert w.claim_of(private["secret"]) == said["claim"]
    assert private["contents"][0]["content"] == {"text": "Queremos  agua.", "place": "Sololá"}
    assert said["source"] == sha256(b"scan").hexdigest()


# --- before anything is signed ---------------------------------------------------------------------------------------


def test_a_dry_run_shows_what_would_be_signed_and_signs_nothing(office: Office) -> None:
    comment = office.town.comment("Algo.")
    size = office.town.server.size()
    ran = office.ran(
        "vigilante", "moderate", "withhold", str(comment["index"]), "--ground", "spam", "--rule", "R", "--dry-run"
    )
    assert ran.json["target"] == office.town.target(comment)
    assert ran.json["by"][0]["actor"] == "vigilante"
    assert office.town.server.size() == size
    assert {path.suffix for path in office.folder.iterdir()} == {".key"}


def test_without_anybody_to_agree_nothing_is_sent(office: Office) -> None:
    comment = office.town.comment("Algo más.")
    size = office.town.server.size()
    words = ("moderate", "withhold", str(comment["index"]), "--ground", "spam", "--rule", "R")
    ran = office.ran("vigilante", *words, code=2)
    assert "Nadie está en la terminal" in ran.err
    assert "Regla" not in ran.out
    assert office.town.server.size() == size


@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        ("nadie", ("round", "close", "ronda-1"), "no conoce la llave"),
        ("icefi", ("round", "close", "ronda-1"), "no tiene ese papel"),
        ("copret", ("round", "close", "ronda-9"), "No hay ninguna consulta"),
        ("copret", ("round", "extend", "ronda-1", "--closes", "mañana", "--reason", "x"), "no es una hora"),
        ("copret", ("answer", "0", "--disposition", "accepted"), "no es un comentario"),
        ("copret", ("answer", "ab" * 8, "--disposition", "accepted"), "no es un comentario"),
        ("copret", ("answer", "99999", "--disposition", "accepted"), "no tiene el asiento"),
    ],
)
def test_what_cannot_be_done_says_why_and_what_to_do(
    office: Office, name: str, words: tuple[str, ...], says: str
) -> None:
    ran = office.ran(name, *words, "--yes", code=2)
    assert says in ran.err
    assert len(ran.err.strip().splitlines()) >= 2


def test_without_an_address_the_command_says_how_to_give_one(office: Office) -> None:
    ran = office.ran("copret", "answer", "45", "--disposition", "accepted", "--yes", to=False, code=2)
    assert "Falta la dirección del registro" in ran.err


def test_a_round_that_has_closed_is_not_extended(office: Office) -> None:
    words = ("round", "extend", "ronda-0", "--closes", "2030-01-01 00:00", "--reason", "x", "--yes")
    ran = office.ran("copret", *words, code=1, LANG="en_US.UTF-8")
    assert "state" in ran.err
    assert "Somebody did it before, or it is too early" in ran.err


def test_a_text_that_is_not_utf_8_is_not_transcribed(office: Office) -> None:
    (office.folder / "hoja.txt").write_bytes(b"Sacapulas \xff")
    words = ("transcribe", "ronda-1", "--text", "hoja.txt", "--channel", "paper", "--heard-at", "2026-01-01 00:00")
    assert "no es UTF-8" in office.ran("mesa", *words, "--yes", code=2).err


def test_only_what_is_named_is_blanked_out() -> None:
    content = Content(text="a b a c", name="N", place="P")
    assert blank_out(content, ("a",), name=True, place=False) == {"text": "[…] b […] c", "name": "N"}
    assert blank_out(content, (), name=False, place=True) == {"text": "a b a c", "place": "P"}
    with pytest.raises(CannotRun):
        blank_out(content, ("",), name=True, place=True)


def test_an_audit_agrees_with_all_that_was_done_by_command(office: Office) -> None:
    ran = cli.run("audit", office.url, "--json")
    assert ran.code == 0, ran.out
    assert isinstance(office.town.server, Served)

"""What assessors do by command, in real processes against a real server: asked of the rulebook first, then signed."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import test_cli as cli
import world as w
from test_assessing import LIST, REPORT, Judged
from test_officers import Office, key
from test_page_sheets import OTHER, TwoPlans

from api.cli import run

ACTS = ("verdict", "code", "level", "request", "dispute", "screen", "resolve", "open", "close")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    town = Judged(tmp_path_factory.mktemp("evaluar") / "gt")
    with town.server as server:
        server.folded()
        yield town


@pytest.fixture
def office(town: Judged, tmp_path: Path) -> Office:
    return Office(town, tmp_path)


def index_of(town: Judged, identity: str) -> str:
    """The number of an entry, as people type it."""
    rows = town.server.get(f"/api/records/known?after={identity[:-1]}&limit=1").json["data"]
    return str(rows[0]["record"]["index"])


@pytest.mark.parametrize("act", ACTS)
def test_help_is_there_in_spanish_and_in_english(act: str) -> None:
    spanish, english = (cli.run("assess", act, "--help", "--lang", lang) for lang in ("es", "en"))
    assert (spanish.code, english.code) == (0, 0)
    assert "Opciones" in spanish.out
    assert "Options" in english.out


def test_a_verdict_names_what_was_read(office: Office) -> None:
    (office.folder / "lista.pdf").write_bytes(LIST)
    words = ("assess", "verdict", "C8.M2", "--level", "substantial", "--reasons", "Cubre 163 municipios.")
    assert "nombra lo que se leyó" in office.ran("icefi", *words, code=2).err
    dry = office.ran("icefi", *words, "--read", "lista.pdf", "--dry-run")
    assert "El reglamento la admite" in dry.err
    assert json.loads(dry.out)["digests"] == [sha256(LIST).hexdigest()]
    said = office.did("icefi", *words, "--read", "lista.pdf", "--digest", sha256(REPORT).hexdigest(), "--salted")
    assert (said["kind"], said["mechanism"], said["level"]) == ("VerdictGiven", f"{w.C8}.M2", "substantial")
    assert said["digests"] == [sha256(REPORT).hexdigest(), sha256(LIST).hexdigest()]
    assert set(said["words"]) == {"salted_digest"}


def test_what_the_rules_refuse_is_refused_before_a_passphrase_is_asked_for(office: Office) -> None:
    size = office.town.server.size()
    words = (
        "assess",
        "verdict",
        "C8.M1",
        "--level",
        "complete",
        "--reasons",
        "R",
        "--digest",
        sha256(LIST).hexdigest(),
    )
    refused = office.ran("icefi", *words, "--yes", code=1)
    assert "no se capturó ningún archivo" in refused.err
    assert not list(office.folder.glob("*.note"))
    assert office.ran("icefi", *words, "--dry-run", code=1, LANG="en_US.UTF-8").code == 1
    assert "ask two registrars" in office.ran("segeplan", *words, code=2, LANG="en_US.UTF-8").err
    own = office.ran("copret", "assess", "level", "G1", "--level", "complete", "--reasons", "R", "--yes", code=1)
    assert "conflict-of-interest" in own.err
    assert "Hay: M1, M2, M3." in office.ran("icefi", "assess", "verdict", "C8.M9", *words[3:], code=2).err
    assert "No hay ningún compromiso" in office.ran("icefi", "assess", "level", "C99", *words[3:7], code=2).err
    assert office.town.server.size() == size


def test_an_assessment_is_opened_filled_and_closed(office: Office) -> None:
    town: Any = office.town
    opened = office.did(
        "irm", "assess", "open", "irm-1", "--from", "2026-01-01 00:00", "--until", "2030-01-01 00:00",
        "--commitment", "C8", "--commitment", "G2",
    )  # fmt: skip
    assert (opened["commitments"], opened["methodology"]) == ([w.C8, w.G2], 2)
    link = index_of(town, town.list)
    words = ("assess", "level", "C8", "--level", "limited", "--reasons", "Solo el piloto.", "--assessment", "irm-1")
    level = office.did("irm", *words, "--evidence", link)
    assert (level["kind"], level["evidence"], level["assessment"]) == ("CompletionAssessed", [town.list], "irm-1")
    coded = office.did("irm", "assess", "code", "C8", "--aspect", "ambition", "--code", "modest", "--reasons", "R")
    assert (coded["aspect"], coded["code"]) == ("ambition", "modest")
    unknown = office.ran(
        "irm", "assess", "code", "C8", "--aspect", "ambition", "--code", "huge", "--reasons", "R", code=1
    )
    assert "no tiene el código" in unknown.err
    asked = office.did("irm", "assess", "request", "G2", "--due", "2030-01-31", "--reasons", "¿El gasto?")
    assert (asked["institution"], asked["mechanism"]) == ("minfin", f"{w.G2}.M0")
    closed = office.did("irm", "assess", "close", "irm-1")
    assert closed["tree_size"] <= town.server.size()


def test_disputes_are_opened_screened_and_resolved_by_one_or_by_two(office: Office) -> None:
    town: Any = office.town
    report = index_of(town, town.report)
    words = ("assess", "dispute", report, "C8.M1", "--objection", "not_relevant", "--reasons", "Trata de otra cosa.")
    disputed = office.did("icefi", *words)
    assert (disputed["link"], disputed["objection"]) == (town.report, "not_relevant")
    mine = index_of(town, town.identity(disputed))
    own = office.ran(
        "copret", "assess", "resolve", mine, "--decision", "upheld", "--reasons", "R", "--with", "icefi", code=1
    )
    assert "presentó esta objeción" in own.err
    upheld = ("assess", "resolve", mine, "--decision", "upheld", "--reasons", "R")
    office.ran("copret", *upheld, "--with", "congreso", "--yes", "--out", "n")
    signed = cli.run("sign", "n", "--key", str(key(office.folder, "congreso")), cwd=office.folder)
    assert signed.code == 0, signed.err
    sent = cli.run("submit", "n", "--to", office.url, "--json", cwd=office.folder)
    resolved = town.statement(sent.json["index"])
    assert [(one["actor"], one["role"]) for one in resolved["by"]] == [
        ("copret", "coordinator"),
        ("congreso", "assessor"),
    ]
    asked = town.question("otra", town.list, f"{w.C8}.M2")
    number = str(asked["index"])
    reasons = ("--reasons", "R")
    other = office.ran("irm", "assess", "screen", report, "--decision", "declined", *reasons, code=2)
    assert "no es un asiento de" in other.err
    screened = office.did("irm", "assess", "screen", number, "--decision", "admitted", *reasons)
    assert screened["dispute"] == asked["identity"]
    alone = office.did("irm", "assess", "resolve", number, "--decision", "rejected", "--reasons", "Sí está.")
    assert (alone["resolution"], len(alone["by"])) == ("rejected", 1)


def test_an_institution_answers_disputes_and_requests_several_at_once(office: Office) -> None:
    town: Any = office.town
    report, size = index_of(town, town.report), town.server.size()
    words = ("assess", "dispute", report, "--reasons", "No lo dice.")
    first = office.did("icefi", *words, "C8.M2", "--objection", "absent")
    second = office.did("icefi", *words, "C8.M3", "--objection", "contradicts")
    asked = office.did("irm", "assess", "request", "C8.M3", "--due", "2030-02-28", "--reasons", "¿Dónde está?")
    numbers = [index_of(town, town.identity(one)) for one in (first, second, asked)]

    mixed = office.ran("segeplan", "answer", *numbers, "--disposition", "accepted", "--yes", code=2)
    assert "de varias: objeciones, solicitudes de evidencia" in mixed.err
    bare = office.ran("segeplan", "answer", numbers[0], "--disposition", "rejected", "--yes", code=2)
    assert "--reasons" in bare.err
    address = f"{office.url}/asientos/{numbers[0]}"
    reasons = ("--disposition", "rejected", "--reasons", "Está en la página 4.")
    dry = office.ran("segeplan", "answer", address, numbers[1], *reasons, "--dry-run", to=False)
    assert "El reglamento la admite" in dry.err
    assert dry.json["by"][0]["role"] == "institution"
    assert town.server.size() == size + 3

    # Several at once, by address, by number, and one of them twice.
    answered = office.did("segeplan", "answer", address, numbers[1], numbers[0], *reasons, to=False)
    assert answered["answers"] == [town.identity(first), town.identity(second)]
    assert (answered["disposition"], answered["words"]) == ("rejected", {"text": "Está en la página 4."})
    given = office.did(
        "segeplan", "answer", numbers[2], "--disposition", "already_done", "--led-to", report, "--reasons", "R",
        "--salted",
    )  # fmt: skip
    assert (given["answers"], given["led_to"]) == ([town.identity(asked)], town.report)
    assert set(given["words"]) == {"salted_digest"}
    page = town.server.get(f"/evidencia/{report}", accept="text/html").body.decode()
    assert "Está en la página 4." in page


def test_an_answer_is_of_whoever_is_asked_or_of_the_coordinator(office: Office) -> None:
    town: Any = office.town
    asked = office.did("irm", "assess", "request", "C8.M1", "--due", "2030-03-31", "--reasons", "¿Y el sistema?")
    number, size = index_of(town, town.identity(asked)), town.server.size()
    words = ("answer", number, "--disposition", "partly", "--reasons", "Se hará.", "--yes")
    other = office.ran("minfin", *words, code=1)  # an institution, but not the one that was asked
    assert "role-scope" in other.err
    assert "no tiene ese papel" in office.ran("icefi", *words, code=2).err
    assert "holds no such role" in office.ran("icefi", *words, code=2, LANG="en_US.UTF-8").err
    verdict = office.ran("segeplan", "answer", index_of(town, town.report), *words[2:], code=2, LANG="en_US.UTF-8")
    assert "is no comment, dispute, request for evidence or recommendation" in verdict.err
    assert town.server.size() == size
    answered = office.did("copret", *words[:-1], "--role", "coordinator")
    assert answered["by"][0]["role"] == "coordinator"


def test_an_audit_agrees_with_all_of_it(town: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["audit", f"{town.server.address.rstrip('/')}/gt", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert [finding for finding in report["findings"] if finding["severity"] != "note"] == []
    assert code == 0


def test_where_there_are_two_plans_a_code_that_both_have_needs_the_plan(tmp_path: Path) -> None:
    town = TwoPlans(tmp_path / "gt")
    with town.server as server:
        server.folded()
        office = Office(town, tmp_path)
        level = ("--level", "limited", "--reasons", "R", "--dry-run")
        alone = office.ran("icefi", "assess", "level", "C8", *level)
        assert json.loads(alone.out)["commitment"] == w.C8
        both = office.ran("icefi", "assess", "level", "G2", *level, code=2)
        assert "Diga de qué plan, con --plan" in both.err
        assert f"Hay: {w.PLAN}, {OTHER}." in both.err
        of_other = office.ran("icefi", "assess", "level", "G2", "--plan", OTHER, *level, code=1)
        assert "role-scope" in of_other.err  # that plan is meant, and she assesses another

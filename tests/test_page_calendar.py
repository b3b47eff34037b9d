"""The calendar of a plan: read back line by line as RFC 5545 has it, from the real server."""

from collections.abc import Iterator
from typing import Any

import compared as c
import pytest
from compared import PLAN, Compared
from service import Served

from api.page_calendar import folded
from ledger.vocabulary import CommitmentRegistered

TEXT = "a,b;c\\\\d\nñandú \u202e"


@pytest.fixture(scope="module")
def told() -> Compared:
    told = c.tell(TEXT)
    moved: dict[str, Any] = {"subject": c.C8, "date": {"precision": "month", "day": "2027-02-01"}, "reason": TEXT}
    told.say("CompletionDateSet", c.R, **moved)
    return told


@pytest.fixture(scope="module")
def server(told: Compared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("calendario") / "registro"
    told.write(folder)
    with Served(folder) as running:
        running.folded()
        yield running


def events(body: bytes) -> list[dict[str, str]]:
    """The events of a calendar by the names of their properties, lines unfolded, texts as they were."""
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    assert b"\n" not in body.replace(b"\r\n", b"")
    lines = body.decode().replace("\r\n ", "").split("\r\n")
    assert lines[:2] == ["BEGIN:VCALENDAR", "VERSION:2.0"]
    assert lines[-2:] == ["END:VCALENDAR", ""]
    found: list[dict[str, str]] = []
    for line in lines:
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found and name not in ("END", "BEGIN"):
            assert name not in found[-1]
            found[-1][name] = value
    return found


def test_each_due_day_is_an_event_that_names_its_entry(server: Served, told: Compared) -> None:
    answer = server.get(f"/planes/{PLAN}/calendario.ics")
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/calendar")
    found = {event["UID"].partition("@")[0]: event for event in events(answer.body)}
    entries = told.world.entries
    request = found[told.identity["request"]]
    assert request["DTSTART;VALUE=DATE"] == told.world_day(8).replace("-", "")
    assert request["URL"].endswith(f"/asientos/{told.index['request']}")
    assert told.identity["request of G1"] not in found  # answered
    assert told.identity["doubt"] in found
    assert told.identity["dispute"] not in found  # resolved
    meeting = next(entry for entry in entries if entry.opened.statement.kind == "MeetingConvened")
    assert found[meeting.opened.identity]["DTSTART"].endswith("Z")
    assert all(event["DTSTAMP"].endswith("Z") for event in found.values())


def test_a_date_that_moves_is_the_same_event_and_says_so(server: Served, told: Compared) -> None:
    registered = [entry for entry in told.world.entries if isinstance(entry.opened.statement, CommitmentRegistered)]
    c8 = next(entry for entry in registered if c.C8.encode() in entry.opened.line)

    def at(query: str) -> dict[str, str]:
        body = server.get(f"/planes/{PLAN}/calendario.ics{query}").body
        (event,) = [one for one in events(body) if one["UID"].startswith(c8.opened.identity)]
        return event

    now, before = at(""), at(f"?at={len(told.world.entries) - 1}")
    assert (before["SEQUENCE"], now["SEQUENCE"]) == ("0", "1")
    assert (now["DTSTART;VALUE=DATE"], now["DTEND;VALUE=DATE"]) == ("20270228", "20270301")
    assert now["SUMMARY"] == f"C8 debe quedar completo: Compromiso {c.C8}"
    english = server.get(f"/en/planes/{PLAN}/calendario.ics").body
    assert {event["UID"] for event in events(english)} >= {now["UID"]}
    assert server.get("/planes/no-hay/calendario.ics").status == 404


def test_lines_are_folded_between_characters() -> None:
    line = "SUMMARY:" + "ñ" * 200
    parts = list(folded(line))
    assert all(len(part.encode()) <= 75 for part in parts)
    assert "".join([parts[0], *[part[1:] for part in parts[1:]]]) == line

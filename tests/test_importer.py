"""The importer: what it reads of the real report, checked table by table against expectations that were read by eye
and against a second, simpler counter; its rules, on invented tables; and the embedded data set made with it.

The report's sentences are not repeated here: texts are compared by the SHA-256 of the printed lines.
"""

import io
import re
import time
import zipfile
from collections import Counter
from datetime import date
from hashlib import sha256
from html import escape, unescape
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import (
    ORIGIN,
    World,
    add_actor,
    format_when,
    grant,
    key_of,
    opened,
    public,
    salted_digest,
)

from api.import_report import FACTS, NOTES, ROWS, show_report
from api.importer import (
    ACTORS,
    Draft,
    Json,
    check_draft,
    complete_draft,
    decode_drafts,
    demo_drafts,
    draft_statements,
    encode_drafts,
    find_actor,
)
from api.report_reader import (
    Date,
    Printed,
    Table,
    entries,
    fold,
    parse_date,
    parse_link,
    personal_content,
    read_report,
)
from api.report_text import CannotRead, read_text
from ledger.errors import Refused
from ledger.rulebook import check_admissible
from ledger.statement import open_statement, sign_statement
from ledger.vocabulary import KINDS

HERE = Path(__file__).resolve().parent
INVENTED = HERE / "invented_report.txt"
PLAN = "gt-2014-2016"


@pytest.fixture(scope="module")
def raw(seed_report: Path) -> bytes:
    return seed_report.read_bytes()


@pytest.fixture(scope="module")
def printed(raw: bytes) -> Printed:
    return read_report(raw)


@pytest.fixture(scope="module")
def imported(printed: Printed) -> tuple[list[Draft], Json]:
    return draft_statements(printed)


@pytest.fixture(scope="module")
def tables(printed: Printed) -> dict[str, Table]:
    return {table.name: table for table in printed.tables}


def by_kind(drafts: list[Draft], kind: str) -> list[Json]:
    return [draft.statement for draft in drafts if draft.statement["kind"] == kind]


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


# --- the 48 tables, read by eye --------------------------------------------------------------------------------------

NAMES = [f"G{n}" for n in range(1, 23)] + [f"C{n}" for n in range(1, 27)]

# Which box is marked: C complete, S substantial, L limited.
LEVELS = "CCSCCCCSCCCCCCCCCSCCLC" + "LCSSLSCCCSLSCSCCSCSSSSCLCS"
LEVEL_OF = {"C": "complete", "S": "substantial", "L": "limited"}

INSTITUTIONS = {
    "minfin": ["G5", "G12", "C7", "C11", "C12", "C13", "C14", "C15", "C16", "C17", "C18", "C20", "C21", "C25"],
    "conred": ["G22"],
    "segeplan": ["C8"],
    "mspas": ["C10"],
    "sat": ["C19"],
    "ine": ["C22"],
}

# How many distinct addresses each table prints.
LINKS = [
    1, 5, 4, 1, 3, 1, 3, 16, 3, 4, 8, 5, 5, 6, 4, 3, 5, 2, 2, 2, 7, 2,
    2, 5, 3, 3, 2, 2, 1, 3, 4, 2, 3, 6, 1, 3, 3, 3, 1, 2, 5, 1, 2, 3, 4, 3, 4, 2,
]  # fmt: skip

# The completion date as printed: a day, a month or a year; "" for no date in the row, None for no such row.
DATES = [
    "2015-07", "2015", "2015-12", "2014-12", "2015-07", "2015-07-01", None, "2015-06", "", "2015-03", "2015-07",
    "2015-06", "", "2015-05-30", "2015-06-26", "2014-12", "2015-03", "2015-12", "2014-12", "2015-04", "2015-12",
    "2015-06-30",
    "2016-06", "", "2015-07-01", "2015-12", "2016-06", "2016-06", "2015-07", "2015-08-13", "2015-03", "2016",
    "2016-06", "2015-10", "2014-09", "2016-03", "2015-01", "2014-12", "2016-06", "2015-02", "2015-08-31", "2016-01",
    "2015-01", "", "2015-07-02", "2016-06", "2015-01", "2016-06",
]  # fmt: skip


def test_the_real_report_has_22_commitments_of_the_government_and_26_of_civil_society(printed: Printed) -> None:
    assert [table.name for table in printed.tables] == NAMES
    assert printed.source == "087628a74477663d75ee71076b92ee9083564fa4eb54063069f6516e0a548108"


def test_the_level_of_each_of_the_48_tables_is_the_box_that_is_marked(imported: tuple[list[Draft], Json]) -> None:
    levels = {s["subject"]: s["level"] for s in by_kind(imported[0], "CompletionReported")}
    assert {f"{PLAN}/{name}": LEVEL_OF[letter] for name, letter in zip(NAMES, LEVELS, strict=True)} == levels
    assert Counter(LEVELS) == {"C": 28, "S": 15, "L": 5}


def test_each_commitment_names_its_institution_and_each_level_speaks_for_it(
    imported: tuple[list[Draft], Json],
) -> None:
    expected = dict.fromkeys(NAMES, "copret")
    for institution, names in INSTITUTIONS.items():
        expected |= dict.fromkeys(names, institution)
    found = {s["commitment"].rpartition("/")[2]: s["institution"] for s in by_kind(imported[0], "CommitmentRegistered")}
    speakers = {
        s["subject"].rpartition("/")[2]: s["printed"]["on_behalf_of"]
        for s in by_kind(imported[0], "CompletionReported")
    }
    assert found == expected
    assert speakers == expected
    assert Counter(expected.values())["copret"] == 29
    assert Counter(expected.values())["minfin"] == 14


def test_every_distinct_address_becomes_evidence_in_printed_order(
    imported: tuple[list[Draft], Json], tables: dict[str, Table]
) -> None:
    found = Counter(s["printed"]["item"].partition("/")[0] for s in by_kind(imported[0], "EvidenceLinked"))
    assert dict(zip(NAMES, LINKS, strict=True)) == dict(found)
    items = [s["printed"]["item"] for s in by_kind(imported[0], "EvidenceLinked")]
    assert items == [f"{name}/evidence/{n}" for name in NAMES for n in range(1, len(tables[name].links) + 1)]
    assert sum(LINKS) == 165


def test_dates_keep_the_precision_they_are_printed_with(imported: tuple[list[Draft], Json]) -> None:
    found: dict[str, str | None] = dict.fromkeys(NAMES)
    for statement in by_kind(imported[0], "CompletionDateSet"):
        date = statement["date"]
        length = {"day": 10, "month": 7, "year": 4, "none": 0}[date["precision"]]
        found[statement["subject"].rpartition("/")[2]] = date.get("day", "")[:length]
    assert found == dict(zip(NAMES, DATES, strict=True))


# --- a second counter, as simple as possible -------------------------------------------------------------------------


def simple_tables(text: str) -> list[str]:
    """The text from each "Secretariat/Ministry" to the next, or to section 6. No code of the importer."""
    starts = [m.start() for m in re.finditer("Secretariat/Ministry", text)]
    end = re.search(r"^ 6\. PROGRESS", text, re.MULTILINE)
    assert end is not None
    return [text[start:stop] for start, stop in zip(starts, [*starts[1:], end.start()], strict=True)]


def test_a_second_counter_finds_the_same_boxes_addresses_and_dates(
    raw: bytes, printed: Printed, subtests: pytest.Subtests
) -> None:
    segments = simple_tables(raw.decode())
    assert len(segments) == 48
    for segment, table in zip(segments, printed.tables, strict=True):
        with subtests.test(table.name):
            box = re.search(r"\tComplete\s*\n\n((?:\t[^\n]*\n)+)", segment)
            assert box is not None
            column = [cell.strip() for cell in box[1].split("\n")].index(
                next(cell.strip() for cell in box[1].split("\n") if cell.strip())
            )
            assert table.level == [None, "not_started", "limited", "substantial", "complete"][column]

            urls = {unescape(u).rstrip(").,;") for u in re.findall(r"https?://[^\s]+", segment)}
            assert {unescape(link.raw).rstrip(").,;") for link in table.links} == urls

            date = re.search(r"\t(?:Completion Date|Date of completion)[ ]*\n\t[ ]*\n?([^\n]*)", segment)
            row = table.fields.get("date")
            assert (date is None) == (row is None)
            if date is not None and row is not None:
                assert row.text == date[1].strip()

            steps = re.search(r"\tNext steps[ ]*\n\t[ ]*\n?([^\n\t]*)", segment)
            field = table.fields.get("next_steps")
            assert (steps is None) == (field is None)
            if steps is not None and field is not None:
                assert field.text.startswith(steps[1].strip())


ROW_LABELS = re.compile(
    r"\n\t\s*((?:Position|Email|Main Objective|Relevance|Ambition|Compliance)(?=\s*\n)"
    r"|Description of the\s*\n[Cc]ommitment|Brief description of the\s*[Cc]ommitment|Description of the results"
    r"|Completion Date|Date of completion|Next steps|Additional Information)"
)


def flat(text: str) -> str:
    """A text as a reader sees it: no bookmarks, no lone bullets, one space between words."""
    words = re.sub(r"\[bookmark: [^\]]*\]", "", text).split()
    return " ".join(words).removesuffix(" ·")


def test_a_second_reader_finds_the_same_words_in_every_row(
    raw: bytes, printed: Printed, subtests: pytest.Subtests
) -> None:
    names = {"position": "post", "main": "objective", "brief": "description", "description": "description"}
    for segment, table in zip(simple_tables(raw.decode()), printed.tables, strict=True):
        with subtests.test(table.name):
            parts = ROW_LABELS.split(re.split(r"\n\t *\d{1,2}\. ", segment)[0])  # up to the next title
            found: dict[str, str] = {}
            for label, text in zip(parts[1::2], parts[2::2], strict=True):
                first = label.split()[0].lower()
                name = "results" if "results" in label else names.get(first, first)
                if name in ("post", "objective", "description", "relevance", "ambition", "results"):
                    found[name] = flat(text)
            for name, text in found.items():
                row = table.fields[name].text
                # What follows a label in its own cell is the template's instruction: it ends where the value begins.
                assert text.endswith(flat(row)), name
                assert len(text) == len(flat(row)) or table.name in ("G3", "G8"), name
            assert set(found) == {n for n in table.fields if n in found}
            assert len(found) == 6 - len({"description", "ambition"} & set(table.missing))


# --- irregular tables, read by eye -----------------------------------------------------------------------------------

# name: (rows missing, rows empty, codes of what looked odd)
IRREGULAR: dict[str, tuple[set[str], set[str], set[str]]] = {
    "G2": ({"others", "further"}, set(), {"links-without-label", "link-elsewhere"}),
    "G3": ({"others"}, set(), {"label-words"}),
    "G4": ({"others"}, set(), {"link-bare"}),
    "G5": (set(), set(), set()),
    "G7": ({"date", "next_steps", "further"}, set(), {"link-elsewhere"}),
    "G8": ({"others"}, set(), {"label-words", "level-words"}),
    "G9": ({"others", "next_steps"}, set(), {"no-date"}),
    "G12": ({"description"}, set(), {"level-words"}),
    "G13": (set(), set(), {"actors-without-label", "image", "date-in-sentence"}),
    "G15": (set(), set(), {"link-elsewhere"}),
    "G18": ({"others", "next_steps"}, set(), {"level-words", "date-as-text", "text-of-other-row"}),
    "G19": ({"others"}, set(), {"link-elsewhere"}),
    "G21": (set(), set(), {"link-twice"}),
    "G22": (set(), set(), {"actors-without-label", "level-words", "link-encoded"}),
    "C2": (set(), {"date", "next_steps"}, {"label-words", "figure-repeated"}),
    "C4": ({"others"}, {"next_steps"}, {"level-words"}),
    "C5": (set(), set(), {"box-spelling", "level-words"}),
    "C7": (set(), set(), set()),
    "C9": ({"others"}, set(), {"text-repeated"}),
    "C10": ({"others"}, set(), set()),
    "C19": ({"ambition"}, set(), {"row-without-label", "label-words"}),
    "C22": (set(), {"telephone"}, {"date-in-sentence", "label-words", "level-words"}),
    "C25": (set(), set(), {"link-entities", "link-encoded"}),
}


@pytest.mark.parametrize("name", IRREGULAR)
def test_irregular_tables_are_reported_as_they_are(name: str, imported: tuple[list[Draft], Json]) -> None:
    report = next(table for table in imported[1]["tables"] if table["table"] == name)
    missing, empty, codes = IRREGULAR[name]
    assert set(report["missing"]) == missing
    assert set(report["empty"]) == empty
    assert {note["code"] for note in report["notes"]} == codes


# SHA-256 of the printed lines (margins and bookmarks removed), taken from the file by line number.
TEXTS = {
    ("G2", "objective"): "06a788ef96a003d886e84641677beb4f134a1c7e33fd3be7f58360356498bb65",  # line 274
    ("G3", "results"): "48178a75e3f9bb079688c089ceaeb7d480f9e5ccf3866dbbc0f2f6c698f679f8",  # 386
    ("G6", "description"): "61dd1230d0797ece4b9a06594f58ca098285ebcde026c5aaebaf9909d31d4b9f",  # 616 to 620
    ("G7", "results"): "d86015a7a13dde56f435b359c7222f65b5115b6dc774cca8c94d7b84e406babf",  # 761 to 767
    ("G8", "description"): "db7aabee3770cf6637aedd1c0a17d8f7f41265ac1227ae357f72018189f6b64f",  # 814 to 818
    ("G8", "relevance"): "cb8c7718261e0cccd3e95842afc9247fa0f576f0cc47b5c9b7340e62394849cf",  # 823 to 825
    ("G9", "date"): "577233e4b2b7372b311ec8e5db001dd9e3990aee82ad9afb8690ee1ba713db62",  # 946
    ("G12", "relevance"): "c8ec3e78b15a9413dcd5b305679c6e0aa185d33826aec22c1400f9555da3d9fb",  # 1160
    ("G13", "description"): "000f8729f5c3e8cc69df46e26e48a922fb3e37f80499bd5c8d979e5a7893b4d4",  # 1253
    ("G13", "date"): "299caff7b7e1d71d405d08fc3527b1f4c436562eeb1bb818e7af174faba4fbcc",  # 1303
    ("G15", "description"): "686b891f40b245fbb51d28517879ae8e22a88ad3a6deab33fda381e8fc3d4215",  # 1467
    ("G15", "results"): "5c3453998c2d915f173ad5e855519bc00fd90f95071f5ffb50cdd27d7e45cfda",  # 1507 to 1510
    ("G18", "description"): "48178a75e3f9bb079688c089ceaeb7d480f9e5ccf3866dbbc0f2f6c698f679f8",  # 1750, as G3's results
    ("G18", "relevance"): digest("December, 2015"),  # 1755
    ("G18", "ambition"): "6c65bc537b80bf2f044a56f291b392f2b1d75167012a585bae128515244b490e",  # 1759
    ("G22", "results"): "ccd693215c473d9609f840a5dc88a350e7e8fae0c701496f992570c5f936a476",  # 2143 to 2146
    ("C1", "description"): "506c10b61db9729a904a7feb92a4d46af7788fbcb7eab611bbf5660f4004d267",  # 2217
    ("C2", "objective"): "a6802978262c4e0e60bdbf138904ae9248c1bc0b7abab1ec599c1f4ceca6b67e",  # 2317
    ("C5", "results"): "f53952c5d545d84a56430b82d3a8aff706dd1faa685394c77c57c730fe74c6d4",  # 2677 to 2679
    ("C6", "ambition"): "4e108949fc898ad4470f88ec093bc7dcbc228dc322bdf536617a7bc50ab43448",  # 2768 to 2770
    ("C8", "description"): "a198235975e5c36959ff7957b7e6b017127ba87796e681b813165826722bfb5e",  # 2945 to 2948
    ("C9", "description"): "ce566041ee15972d496e6201e8a0576b1e7ea387a8bdbaa3ab3c041fb1f98738",  # 3043
    ("C19", "relevance"): "3a266c4f8fefe3b38802f44993c1fde6d1e6a038bfeb04b9f755539c5e23c92c",  # 4004
    ("C19", "next_steps"): "cfdbfcdef298e5e53007099a7eb0bbca20a01f19a5160c33134bb18d2e42b1ed",  # 4039
    ("C22", "date"): "814fea0ba746fdc251b3d77ccd4f8f830ff55a20f7b1a39cdf517eb60aa42832",  # 4325
    ("C26", "results"): "10446159dd947272af248a318c59061fa8904fa2c09c81c06159a9193c0a287c",  # 4730
}


@pytest.mark.parametrize(("name", "row"), TEXTS)
def test_a_text_stays_in_the_row_where_it_is_printed(name: str, row: str, tables: dict[str, Table]) -> None:
    assert digest(tables[name].fields[row].text) == TEXTS[name, row]


def test_additional_information_is_kept_without_its_addresses(imported: tuple[list[Draft], Json]) -> None:
    further = {
        s["commitment"].rpartition("/")[2]: digest(s["further"])
        for s in by_kind(imported[0], "CommitmentRegistered")
        if "further" in s
    }
    assert further["C8"] == "228c26fe08173b8c166aea6c19fb8569478c72d27b0a5a2c43799ae4cee74112"  # 3002 to 3006
    assert further["C19"] == "5f9c8bab8fa90608c1708140ec4e89cd859a4b24ae0434a7a90176b39de1763b"  # 4042
    assert further["C22"] == "1ceb5dd85556adb3b99f068a47544e69410f05f2b93d3d9880b994bc193044a3"  # 4333
    assert "G2" not in further  # no such row
    assert "G3" not in further  # addresses alone


def test_other_actors_stand_under_the_label_they_are_printed_under(tables: dict[str, Table]) -> None:
    assert tables["G5"].others.government == ("Presidential Commission on Transparency and Electronic Government",)
    assert tables["G5"].others.civil == ()
    assert tables["G14"].others.government == ("Ministry of Communications", "Municipal Mayors")
    assert len(tables["G14"].others.civil) == 4
    assert tables["G22"].others.unlabelled == ("Ministry of Public Finance",)
    assert [len(group) for group in (tables["G13"].others.government, tables["G13"].others.unlabelled)] == [0, 4]
    assert tables["C1"].others.government == ()
    assert tables["C1"].others.civil == ("Office of the Ombudsman for Human Rights",)
    assert tables["C22"].others.government[0] == "Ministry of Economics"  # its bullet dropped
    assert len(tables["C11"].others.government) == 4
    assert [t.name for t in tables.values() if t.others.unlabelled] == ["G13", "G22"]


def test_mechanisms_are_the_numbered_lists_announced_as_such(
    imported: tuple[list[Draft], Json], tables: dict[str, Table]
) -> None:
    assert [s["mechanism"] for s in by_kind(imported[0], "MechanismDefined")] == [
        f"{PLAN}/{name}.M{n}" for name in ("G22", "C8") for n in (1, 2, 3)
    ]
    # Bullets (G9, C5), a list without that announcement (G13, G15) and a sentence (C14) define none.
    assert {name for name, table in tables.items() if table.mechanisms} == {"G22", "C8"}
    evidence = {s["printed"]["item"]: s["for"] for s in by_kind(imported[0], "EvidenceLinked")}
    assert evidence["C8/evidence/1"] == [f"{PLAN}/C8.M1", f"{PLAN}/C8.M2", f"{PLAN}/C8.M3"]
    assert evidence["C9/evidence/1"] == [f"{PLAN}/C9.M0"]


def test_addresses_are_mended_once_and_kept_as_printed(imported: tuple[list[Draft], Json]) -> None:
    evidence = {s["printed"]["item"]: s for s in by_kind(imported[0], "EvidenceLinked")}
    trust = evidence["C25/evidence/1"]
    assert "&amp;" in trust["printed"]["words"]
    assert trust["url"].endswith(
        "?p1=1&id_menu=132&id_pagina=135&nombre=Ejecuci%C3%B3n%20Presupuestaria%20de%20Fideicomisos%20Actual"
    )
    assert evidence["G15/evidence/1"]["printed"]["words"].endswith("actas-de-sesiones-2015/)")
    assert evidence["G15/evidence/1"]["url"].endswith("actas-de-sesiones-2015/")
    assert evidence["G22/evidence/2"]["url"].endswith("#comisi%C3%B3n-presidencial-de-transparencia-copret")
    assert evidence["G13/evidence/2"]["url"].endswith("ANEXO%201.pdf")
    assert evidence["G21/evidence/2"]["url"].endswith("#eiti")
    assert all(s["url"].isascii() for s in evidence.values())


def test_next_steps_are_absent_where_the_row_is_absent_or_empty(imported: tuple[list[Draft], Json]) -> None:
    steps = {s["commitment"].rpartition("/")[2]: s["steps"] for s in by_kind(imported[0], "NextStepsSet")}
    assert set(NAMES) - set(steps) == {"G7", "G9", "G18", "C2", "C4"}
    counts = {name: len(steps[name]) for name in ("G1", "G6", "G21", "C3", "C8", "C10", "C23")}
    assert counts == {"G1": 1, "G6": 5, "G21": 2, "C3": 6, "C8": 2, "C10": 3, "C23": 5}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("G1", [("decree", "114-97", None), ("decree", "57-2008", None)]),
        ("G8", [("agreement", None, None), ("agreement", None, None)]),
        ("C7", [("decree", "101-97", "4, 17Bis and 17Ter")]),
        ("C10", [("decree", "101-97", "33 Bis"), ("decree", "13-2013", "76 and 77")]),
        ("C15", [("law", None, "257")]),
        ("C18", [("decree", "1-98", "7"), ("decree", "13-2013", "72")]),
        ("G14", [("resolution", "01-2014", None), ("resolution", "11-2010", None)]),
        ("C11", []),
    ],
)
def test_instruments_are_found_by_type_and_number(
    name: str, expected: list[tuple[str, str | None, str | None]], imported: tuple[list[Draft], Json]
) -> None:
    found = [
        (s["instrument_type"], s.get("instrument_no"), s.get("article"))
        for s in by_kind(imported[0], "InstrumentCited")
        if s["subject"] == f"{PLAN}/{name}"
    ]
    assert found == expected


def test_agreements_name_their_parties(imported: tuple[list[Draft], Json]) -> None:
    parties = {
        s["subject"].rpartition("/")[2]: s["parties"] for s in by_kind(imported[0], "InstrumentCited") if s["parties"]
    }
    assert parties["G10"] == parties["C9"] == ["GUATEL", "MINISTRY OF PUBLIC FINANCE", "COPRET"]
    assert [len(parties[name]) for name in ("G8", "C6")] == [4, 2]


# --- the rest of the report ------------------------------------------------------------------------------------------

COMMITTEES = [
    "2014-05-12", "2014-05-22", "2014-05-29", "2014-06-30", "2014-07-28", "2014-09-25", "2014-10-29", "2014-11-26",
    "2014-12-17", "2015-01-24", "2015-03-24", "2015-04-28", "2015-08-17",
]  # fmt: skip


def test_the_committee_met_thirteen_times_and_once_more_without_a_number(imported: tuple[list[Draft], Json]) -> None:
    meetings = by_kind(imported[0], "MeetingConvened")
    assert [m["starts"]["day"] for m in meetings] == [*COMMITTEES, "2015-09-21"]
    assert [m.get("number") for m in meetings] == [*range(1, 14), None]
    assert {m["place"] for m in meetings[:13] if m["number"] != 11} == {"COPRET’s Headquarters"}
    assert meetings[10]["place"] == "National Palace of Culture"
    assert {m["starts"]["precision"] for m in meetings} == {"day"}


def test_remarks_name_body_and_post_and_their_words_go_to_the_vault(imported: tuple[list[Draft], Json]) -> None:
    remarks = [d for d in imported[0] if d.statement["kind"] == "RemarkRecorded"]
    assert [(d.statement["speaker"], d.statement["post"]) for d in remarks] == [
        ("irm", "Investigator"),
        ("congreso-transparente", "Executive Director"),
        ("guatecivica", "Executive Director"),
        ("icefi", "Investigator"),
        ("ine", "Deputy Manager"),
        ("mingob", "Deputy Minister of the Interior"),
    ]
    assert all(d.statement["words"] == {"salted_digest": {"$content": 0}} and len(d.contents) == 1 for d in remarks)
    present = by_kind(imported[0], "AttendanceRecorded")[0]["present"]
    assert [one["actor"] for one in present] == [d.statement["speaker"] for d in remarks]


def test_the_ten_comments_have_the_printed_minute_and_no_sender(
    imported: tuple[list[Draft], Json], raw: bytes, printed: Printed
) -> None:
    comments = [d for d in imported[0] if d.statement["kind"] == "CommentTranscribed"]
    assert [d.statement["heard_at"] for d in comments] == [
        "2015-09-25T18:08:00Z", "2015-09-25T18:03:00Z", "2015-09-25T17:36:00Z", "2015-09-25T16:40:00Z",
        "2015-09-25T05:43:00Z", "2015-09-25T05:24:00Z", "2015-09-08T16:08:00Z", "2015-09-05T05:12:00Z",
        "2015-09-05T05:04:00Z", "2015-09-04T23:13:00Z",
    ]  # fmt: skip
    senders = [m.strip() for m in re.findall(r"Sent by:(.*)", raw.decode())]
    assert len(senders) == 10
    stored = fold(str([msgspec.to_builtins(d) for d in imported[0]]))
    for sender in senders:
        name = fold(sender.removeprefix("Enter your name..."))
        # A single first name is no search term; all others appear nowhere, not even in the vault.
        assert len(name.split()) == 1 or f" {name} " not in f" {stored} "
    assert all(set(d.contents[0]) == {"text"} for d in comments)


def test_the_round_opens_and_closes_at_local_midnight(imported: tuple[list[Draft], Json]) -> None:
    (opened_,) = by_kind(imported[0], "RoundOpened")
    assert (opened_["opens"], opened_["closes"]) == ("2015-09-04T06:00:00Z", "2015-09-26T06:00:00Z")
    assert (opened_["late"], opened_["version"], opened_["concerns"]) == ("accept", 1, "report_draft")
    notices = [(n["announces"], n["medium"]) for n in by_kind(imported[0], "NoticePublished")]
    assert notices == [("plan_call", "press"), ("round", "web"), ("round", "email")]
    assert by_kind(imported[0], "DocumentPublished")[0]["version"] == 2


def test_the_published_tally_is_a_claim_and_differs_from_the_boxes(imported: tuple[list[Draft], Json]) -> None:
    drafts, report = imported
    published = {s["report_form"]: s for s in by_kind(drafts, "ReportPublished")}
    claims = published["self_assessment_midterm"]["claims"]
    assert [(c["measure"], c["scope"]["level"], c["value"], c["out_of"]) for c in claims] == [
        ("level_count", "complete", 28, 48),
        ("level_count", "substantial", 14, 48),
        ("level_count", "limited", 6, 48),
        ("level_share_bp", "complete", 5833, 10000),
        ("level_share_bp", "substantial", 2916, 10000),
        ("level_share_bp", "limited", 1250, 10000),
    ]
    assert published["self_assessment_midterm"]["on"] == {"day": "2015-09-30", "precision": "day"}
    assert published["shadow"]["claims"] == [{"measure": "delayed", "scope": {}, "value": 14, "out_of": 18}]
    assert published["shadow"]["on"] == {"day": "2015-02-01", "precision": "month"}
    assert published["shadow"]["printed"]["on_behalf_of"] == "icefi"
    assert report["tally"] == {
        "boxes": {"complete": 28, "limited": 5, "substantial": 15},
        "claimed": {"complete": 28, "limited": 6, "substantial": 14},
        "agree": False,
    }


EXECUTION = [
    ("g13-loans", "2014-05-31", {"starting": 0, "efficient": 9, "regular": 6, "deficient": 22}, 37),
    ("g13-loans", "2015-05-31", {"starting": 3, "efficient": 11, "regular": 8, "deficient": 16}, 38),
    (
        "g13-donations",
        "2014-05-31",
        {"starting": 0, "efficient": 4, "regular": 4, "deficient": 21, "interest-only": 0},
        29,
    ),
    (
        "g13-donations",
        "2015-03-31",
        {"starting": 0, "efficient": 9, "regular": 8, "deficient": 21, "interest-only": 2},
        40,
    ),
]


def test_the_execution_tables_at_the_end_are_measured_by_column(imported: tuple[list[Draft], Json]) -> None:
    found = [
        (s["indicator"], s["as_of"]["day"], {v["part"]: v["value"] for v in s["values"]})
        for s in by_kind(imported[0], "IndicatorMeasured")
        if "/G13" in s["indicator"] or "g13-" in s["indicator"]
    ]
    assert found == [(f"{PLAN}-{name}", day, values) for name, day, values, _ in EXECUTION]
    for *_, values, total in EXECUTION:
        assert sum(values.values()) == total


def test_figures_in_prose_are_measured(imported: tuple[list[Draft], Json]) -> None:
    found = {s["printed"]["item"]: s for s in by_kind(imported[0], "IndicatorMeasured")}
    assert found["G7/measure/beneficiaries"]["values"] == [{"value": 4095}]
    assert found["G7/measure/territory"]["values"] == [{"value": 5600}]
    assert found["G7/measure/territory"]["out_of"] == 10000
    assert found["G7/measure/territory"]["last_day"] == {"day": "2015-06-01", "precision": "month"}
    assert found["C10/measure/municipal-health-districts"]["values"] == [{"value": 345}]
    assert found["C10/measure/municipal-health-districts"]["out_of"] == 350
    assert sum(v["value"] for v in found["G8/measure/technical-discussions"]["values"]) == 25


def test_the_narrative_gives_plan_advice_activities_and_context(imported: tuple[list[Draft], Json]) -> None:
    drafts, report = imported
    (plan,) = by_kind(drafts, "PlanRegistered")
    assert (plan["starts"], plan["ends"], plan["cycle"]) == (
        {"day": "2014-06-30", "precision": "day"},
        {"day": "2016-01-01", "precision": "year"},
        2,
    )
    assert [s["axis"] for s in by_kind(drafts, "AxisDefined")][-1] == "natural-resources-governance"
    assert len(by_kind(drafts, "AxisDefined")) == 5
    assert len(by_kind(drafts, "RecommendationMade")) == len(by_kind(drafts, "ResponseGiven")) == 9
    assert {s["advice_of"] for s in by_kind(drafts, "RecommendationMade")} == {"irm"}
    assert [s["first_day"]["day"] for s in by_kind(drafts, "ActivityRecorded")] == [
        "2014-11-17", "2014-03-01", "2014-09-04", "2015-01-19", "2015-02-27", "2015-07-16",
    ]  # fmt: skip
    (context,) = by_kind(drafts, "ContextNoted")
    assert (context["first_day"]["day"], context["last_day"]["day"]) == ("2015-04-01", "2015-09-01")
    assert [("person" in s, s["on"]) for s in by_kind(drafts, "OfficeHolderChanged")] == [
        (False, {"day": "2015-05-01", "precision": "month"}),
        (True, {"precision": "none"}),
    ]
    (funding,) = by_kind(drafts, "FundingRecorded")
    assert (funding["subject"], funding["funding"]) == (f"{PLAN}/C22", "partly_funded")
    assert len(by_kind(drafts, "AgendaItemProposed")) == 1
    assert report["not_found"] == []
    assert [cut["item"] for cut in report["cut"]] == ["context"]


# --- nothing is dropped, nothing private is kept ---------------------------------------------------------------------


def test_every_line_of_the_real_report_is_accounted_for(
    imported: tuple[list[Draft], Json], printed: Printed, raw: bytes
) -> None:
    report = imported[1]
    assert sum(report["lines"].values()) == len(printed.lines) == raw.count(b"\n") + 1
    assert "unread" not in report["lines"]
    # What no fact holds is prose of named sections, read by eye: these lines and no others.
    assert [one["line"] for one in report["unread"]] == [
        2, 3, 4, 5, 19, 20, 21, 26, 27, 29, 32, 33, 34, 56, 57, 58, 147, 148, 4744, 4745, 4750, 4756, 4765, 4767,
        4769, 4771, 4773, 4775, 4777, 4781, 4800, 4801, 4803, 4915, 4916,
    ]  # fmt: skip
    assert {one["section"] for one in report["unread"]} == {
        "BACKGROUND AND INTRODUCTION", "1", "2", "3", "6", "7", "8", "9",
    }  # fmt: skip
    # Blank is blank, and what is left out is a name, an e-mail, a telephone or the head of a comment.
    for number, (line, use) in enumerate(zip(printed.lines, printed.uses, strict=True), 1):
        if use == "blank":
            assert not line.strip(), number
        if use == "left-out":
            assert any(t.fields[row].first <= number <= t.fields[row].last for t in printed.tables for row in
                       ("person", "email", "telephone") if row in t.fields) or "Sent by:" in line, number  # fmt: skip


def test_no_statement_holds_a_name_an_email_or_a_telephone(
    imported: tuple[list[Draft], Json], tables: dict[str, Table], printed: Printed
) -> None:
    private = {table.fields[row].text for table in tables.values() for row in ("person", "email", "telephone")} - {""}
    assert len(private) > 30
    for draft in imported[0]:
        text = str(draft.statement)
        assert not [word for word in private if word in text], draft.name
        assert "@" not in text, draft.name
        assert not [name for name in printed.names if f" {fold(name)} " in f" {fold(text)} "], draft.name


def test_two_runs_over_one_file_give_the_same(raw: bytes, imported: tuple[list[Draft], Json]) -> None:
    again = draft_statements(read_report(raw))
    assert encode_drafts(again[0]) == encode_drafts(imported[0])
    assert again[1] == imported[1]


def test_the_report_for_people_speaks_both_languages(imported: tuple[list[Draft], Json]) -> None:
    spanish, english = show_report(imported[1], "es"), show_report(imported[1], "en")
    for text in (spanish, english):
        assert [name for name in NAMES if not re.search(rf"^  {name} ", text, re.MULTILINE)] == []
        assert "None" not in text
    assert "NO COINCIDEN" in spanish
    assert "THEY DIFFER" in english
    assert len(spanish.split("\n")) == len(english.split("\n"))


def test_every_code_of_a_note_has_its_sentence_and_every_sentence_its_code() -> None:
    source = "".join((HERE.parent / "api" / name).read_text("utf-8") for name in ("report_reader.py", "importer.py"))
    named = set(re.findall(r'(?:Note\(|_note\()\s*"([a-z-]+)"', source))
    chosen = {code for pair in re.findall(r'"([a-z-]+)" if [^\n]* else "([a-z-]+)"', source) for code in pair}
    assert named - set(NOTES) == set()
    assert set(NOTES) - named - chosen == set()
    assert set(re.findall(r'_expect\("([a-z-]+)"', source)) == set(FACTS)


# --- the rulebook takes all of it ------------------------------------------------------------------------------------


def register(world: World, drafts: list[Draft], references: dict[str, str]) -> list[str]:
    """Sign the drafts with the importer's key and register them in order; what was refused, as `code item`.

    `references` holds the identity of what is registered by name; what this run registers is added to it."""
    refused: list[str] = []
    for draft in drafts:
        salted = [salted_digest(ORIGIN, public("importador"), content) for content in draft.contents]
        statement: Json = complete_draft(draft, references, salted) | {
            "by": [world.signer("importador:importer")],
            "said_at": format_when(world.now_ms),
        }
        note = sign_statement(ORIGIN, msgspec.convert(statement, KINDS[statement["kind"]]), [key_of("importador")])
        opened_note = open_statement(note, ORIGIN)
        try:
            check_admissible(opened_note, world.now_ms, world.docket)
        except Refused as error:
            refused.append(f"{error.code} {draft.name}")
        else:
            world.take(opened_note)
            references[draft.name] = opened_note.identity
    return refused


def town_for(source: str) -> World:
    """A founded ledger with every actor of the report and a grant for its importer."""
    world = opened()
    add_actor(world, "importador", "program", "guatecivica")
    for actor in ACTORS:
        if actor.actor not in ("icefi", "guatecivica", "copret"):
            add_actor(world, actor.actor, actor.form, key=False)
    grant(world, "importador", "importer", until=format_when(world.now_ms + 86_400_000), sources=[source])
    return world


def test_the_whole_report_is_registered_and_a_second_time_nothing_is(
    imported: tuple[list[Draft], Json], printed: Printed
) -> None:
    drafts, known = imported[0], dict[str, str]()
    world = town_for(printed.source)
    assert register(world, drafts, known) == []
    size = world.docket.size
    world.now_ms += 60_000  # said a minute later: another text, so not the same statement again (A10)
    again = register(world, drafts, known)
    assert world.docket.size == size
    assert again == [f"id-conflict {draft.name}" for draft in drafts]


def test_an_import_that_stopped_half_way_is_completed_by_the_next_run(
    imported: tuple[list[Draft], Json], printed: Printed
) -> None:
    drafts, known = imported[0], dict[str, str]()
    at = next(i for i, draft in enumerate(drafts) if draft.statement["kind"] == "ResponseGiven")
    world = town_for(printed.source)
    assert register(world, drafts[:at], known) == []
    world.now_ms += 60_000
    assert register(world, drafts, known) == [f"id-conflict {draft.name}" for draft in drafts[:at]]
    assert len(known) == len(drafts)


def test_statements_come_in_registering_order(imported: tuple[list[Draft], Json]) -> None:
    kinds = list(dict.fromkeys(draft.statement["kind"] for draft in imported[0]))
    order = [
        "PlanRegistered", "AxisDefined", "CommitmentRegistered", "MechanismDefined", "CompletionReported",
        "CompletionDateSet", "EvidenceLinked", "MeetingConvened", "RemarkRecorded", "RoundOpened",
        "CommentTranscribed", "IndicatorDefined", "IndicatorMeasured",
    ]  # fmt: skip
    assert [kind for kind in kinds if kind in order] == order
    assert imported[0][-1].name == "ReportPublished/report"


# --- rules, on invented reports --------------------------------------------------------------------------------------


def invented(**rows: str | None) -> str:
    """A report with one table; each argument replaces the value of a row, None removes the row."""
    values: dict[str, str | None] = {
        "title": "1. Benches in the park.",
        "institution": "COPRET",
        "person": "Ana Example Pérez",
        "post": "Head of Parks",
        "email": "ana@example.org",
        "telephone": "2200-1100",
        "others": None,
        "objective": "More benches.",
        "description": "Benches under trees.",
        "relevance": "People sit down.",
        "ambition": "A bench for everyone.",
        "compliance": "\t\n\t\n\t\n\tX\n\t",
        "results": "Twelve benches.",
        "date": "June, 2020",
        "next_steps": "Paint them.",
        "further": "http://example.org/benches",
    } | rows
    labels = {
        "institution": "Secretariat/Ministry\nResponsible", "person": "Name of the person responsible",
        "post": "Position", "email": "Email", "telephone": "Telephone", "others": "Other\nactors\ninvolved",
        "objective": "Main Objective", "description": "Description of the\nCommitment", "relevance": "Relevance",
        "ambition": "Ambition", "compliance": "Compliance\n\tNot begun\n\tLimited\n\tConsiderable\n\tComplete\n",
        "results": "Description of the results", "date": "Completion Date", "next_steps": "Next steps",
    }  # fmt: skip
    lines = ["4. COMMITMENTS PROPOSED BY THE GOVERNMENT", f"\t{values['title']}", ""]
    for name, label in labels.items():
        value = values[name]
        if value is not None:
            lines += [f"\t{label}", value if value.startswith("\t") else f"\t{value}", ""]
    if values["further"] is not None:
        lines += [f"\tAdditional Information: {values['further']}", ""]
    return "\n".join(lines)


def one(**rows: str | None) -> tuple[Table, list[Draft], Json]:
    printed = read_report(invented(**rows))
    drafts, report = draft_statements(printed)
    (table,) = printed.tables
    return table, drafts, report


def codes(table: Table) -> set[str]:
    return {note.code for note in table.notes}


@pytest.mark.parametrize(
    ("cells", "level", "noted"),
    [
        (["", "X", "", "", ""], "not_started", set[str]()),
        (["", "", "X", "", ""], "limited", set[str]()),
        (["", "", "", "x", ""], "substantial", {"box-spelling"}),
        (["", "", "", "", "✓"], "complete", {"box-spelling"}),
        (["", "", "", "X", "", ""], "substantial", {"box-cells"}),
        (["", "", "", "", "", "X"], None, {"box-cells", "box-column"}),
        (["X", "", "", "", ""], None, {"box-column"}),
        (["", "", "X", ""], None, {"box-cells", "box-column"}),
        (["", "", "", "", ""], None, {"box-marks"}),
        (["", "", "X", "X", ""], None, {"box-marks"}),
        (["", "", "75%", "X", ""], "substantial", {"box-text"}),
    ],
)
def test_the_level_is_the_column_of_the_one_mark_or_nothing(
    cells: list[str], level: str | None, noted: set[str]
) -> None:
    table, drafts, report = one(compliance="\n".join(f"\t{cell}" for cell in cells))
    assert table.level == level
    assert codes(table) == noted
    assert [s["level"] for s in by_kind(drafts, "CompletionReported")] == ([level] if level else [])
    # Without a level nothing holds the results: they are listed as unread, not lost.
    assert ("unread" in report["lines"]) == (level is None)


@pytest.mark.parametrize("row", [row for row in ROWS if row not in ("institution", "compliance")])
def test_a_missing_row_is_an_absent_field_and_reported(row: str) -> None:
    present = {"others": "\tTown council"} if row != "others" else {}
    table, drafts, report = one(**(present | {row: None}))
    assert table.missing == (row,)
    assert report["tables"][0]["missing"] == [row]
    assert report["refused"] == []
    assert len(by_kind(drafts, "CommitmentRegistered")) == 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Ask Ana Example Pérez about it.", "name"),
        ("Ask ANA  EXAMPLE PEREZ about it.", "name"),
        ("Write to parks@example.org today.", "email"),
        ("Call 2200-1100 today.", "telephone"),
        ("Call +502 22001100 today.", "telephone"),
        ("In 2014-2016, as Ana says, http://example.org/20150101.", None),
        ("Ana Example of another family.", None),
    ],
)
def test_texts_that_hold_something_personal_wait_for_a_person(text: str, kind: str | None) -> None:
    _, drafts, report = one(objective=text)
    (commitment,) = by_kind(drafts, "CommitmentRegistered")
    assert ("objective" in commitment) == (kind is None)
    assert [(one["item"], one["field"], one["holds"]) for one in report["withheld"]] == (
        [("G1", "objective", kind)] if kind else []
    )


def test_a_name_in_a_title_a_date_or_an_agreement_stays_out_too() -> None:
    _, drafts, report = one(
        title="1. Benches for Ana Example Pérez.",
        date="When Ana Example Pérez says so.",
        results="An agreement was made between COPRET and Ana Example Pérez.",
    )
    assert by_kind(drafts, "CommitmentRegistered") == []
    assert "words" not in by_kind(drafts, "CompletionDateSet")[0]["printed"]
    assert by_kind(drafts, "InstrumentCited") == []
    assert {one["field"] for one in report["withheld"]} == {"title", "printed.words", "reason", "InstrumentCited"}
    assert "Ana Example" not in str(drafts)


@pytest.mark.parametrize(
    ("text", "kept"), [("b" * 5000, 4000), ("ñ" * 4000, 4000), ("ñ" * 4200, 4000), ("語" * 3000, 2730)]
)
def test_a_text_over_the_limit_is_cut_and_its_full_digest_kept(text: str, kept: int) -> None:
    _, drafts, report = one(results=text)
    (reported,) = by_kind(drafts, "CompletionReported")
    assert reported["reason"] == text[:kept]
    if kept == len(text):
        assert report["cut"] == []
        assert "full" not in reported["printed"]
    else:
        assert reported["printed"]["full"] == digest(text)
        assert [(c["item"], c["kept"], c["full"]) for c in report["cut"]] == [("G1/completion", kept, digest(text))]


def test_an_unknown_institution_is_listed_not_registered() -> None:
    _, drafts, report = one(institution="Ministry of Parks")
    assert by_kind(drafts, "CommitmentRegistered")[0]["institution"] == "ministry-of-parks"
    needed = {actor["actor"]: actor["known"] for actor in report["actors"]["needed"]}
    assert needed["ministry-of-parks"] is False
    assert by_kind(drafts, "ActorRegistered") == []


def test_a_label_printed_twice_is_text_and_noted() -> None:
    table, _, _ = one(objective="More benches.\n\tRelevance\n\tRelevance\n\tFor sitting.")
    assert "label-twice" in codes(table)
    assert table.fields["relevance"].text.startswith("Relevance\nFor sitting.")


@pytest.mark.parametrize(
    ("raw_url", "url"),
    [
        ("http://example.org/a).", "http://example.org/a"),
        ("https://example.org/a?x=1&amp;y=2;", "https://example.org/a?x=1&y=2"),
        ("http://example.org/?a=1&amp;amp;b=2", "http://example.org/?a=1&amp;b=2"),
        ("http://example.org/?a=1&copy=2", "http://example.org/?a=1&copy=2"),
        ("http://example.org/ñandú%20x", "http://example.org/%C3%B1and%C3%BA%20x"),
        ('http://example.org/"<x>\\y', "http://example.org/%22%3Cx%3E%5Cy"),
        ("http://x", "http://x"),
        ("http://", None),
        ("ftp://example.org/", None),
        ("www.example.org", None),
        ("http://example.org/" + "a" * 2048, None),
    ],
)
def test_an_address_is_mended_by_rule(raw_url: str, url: str | None) -> None:
    assert parse_link(raw_url) == url


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("July 2015", Date("month", "2015-07-01")),
        ("December, 2015", Date("month", "2015-12-01")),
        ("July,  2015", Date("month", "2015-07-01")),
        ("2016", Date("year", "2016-01-01")),
        ("Guatemala, July 1,  2015", Date("day", "2015-07-01")),
        (" July 1, 2015", Date("day", "2015-07-01")),
        ("13 August, 2015", Date("day", "2015-08-13")),
        ("31-5-2014", Date("day", "2014-05-31")),
        ("31/03/2015", Date("day", "2015-03-31")),
        ("february 29, 2016", Date("day", "2016-02-29")),
        ("February 29, 2015", None),
        ("31/04/2015", None),
        ("1/13/2015", None),
        ("0000", None),
        ("Done in May, 2014, more to come", None),
        ("", None),
        ("20155", None),
    ],
)
def test_a_date_is_one_that_fills_its_cell(text: str, date: Date | None) -> None:
    assert parse_date(text) == date


@given(st.dates(), st.sampled_from(["{m} {d}, {y}", "{d} {m}, {y}", "{d}/{n}/{y}", "Antigua, {m} {d},  {y}"]))
def test_every_day_of_the_calendar_can_be_printed_and_read(day: date, form: str) -> None:
    months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October"]
    name = [*months, "November", "December"][day.month - 1]
    text = form.format(m=name, d=day.day, n=day.month, y=f"{day.year:04d}")
    assert parse_date(text) == Date("day", day.isoformat())


def test_lists_are_read_line_by_line_without_bullets() -> None:
    assert entries("· One  thing \n\n·\n•Two\n Three") == ["One thing", "Two", "Three"]


def test_actors_are_found_by_any_of_their_printed_names() -> None:
    for name, actor in [
        ("SEGEPLAN", "segeplan"),
        ("National Coordinator for Disaster Reduction -CONRED-", "conred"),
        ("Tax Administration Superintendence (SAT)", "sat"),
        ("Tax Administration Office", "sat"),
        ("presidential commission on transparency and electronic government", "copret"),
    ]:
        found = find_actor(name)
        assert found is not None
        assert found.actor == actor
    assert find_actor("Ministry of Silence") is None


def test_the_invented_report_is_read_whole() -> None:
    printed = read_report(INVENTED.read_bytes())
    drafts, report = draft_statements(printed)
    assert [(t.name, t.level) for t in printed.tables] == [
        ("G1", "complete"),
        ("G2", "limited"),
        ("C1", "substantial"),
    ]
    assert report["counts"]["statements"] == len(drafts) == 35
    assert report["plan"] == "gt-2020-2022"
    assert [one["line"] for one in report["unread"]] == [2]
    assert [(one["item"], one["field"], one["holds"]) for one in report["withheld"]] == [
        ("G2", "objective", "name"),
        ("C1", "ambition", "telephone"),
        ("C1", "further", "email"),
    ]
    assert {note["code"] for note in report["notes"]} == {"link-bare", "weekday"}
    assert report["tally"]["agree"] is True
    assert report["not_found"] == ["recommendations", "activities", "context"]
    everything = fold(str(encode_drafts(drafts)))
    assert not [
        n for n in ("ana example perez", "luis ensayo", "rosa muestra", "ida prueba", "olga caso") if n in everything
    ]


def test_the_mark_of_the_end_of_line_does_not_matter() -> None:
    text = INVENTED.read_text("utf-8")
    unix = draft_statements(read_report(text))
    dos = draft_statements(read_report(text.replace("\n", "\r\n")))
    assert without_source(dos[0]) == without_source(unix[0])
    assert dos[1]["lines"] == unix[1]["lines"]


@given(st.data())
def test_a_report_that_lost_lines_is_still_accounted_for_to_the_last_line(data: st.DataObject) -> None:
    lines = INVENTED.read_text("utf-8").split("\n")
    gone = data.draw(st.sets(st.integers(0, len(lines) - 1), max_size=12))
    kept = [line for at, line in enumerate(lines) if at not in gone]
    try:
        printed = read_report("\n".join(kept))
    except CannotRead:
        return
    drafts, report = draft_statements(printed)
    assert sum(report["lines"].values()) == len(printed.lines)
    assert len({draft.name for draft in drafts}) == len(drafts)
    for draft in drafts:
        check_draft(draft)
    assert show_report(report, "es")
    assert show_report(report, "en")


@given(st.text(alphabet="\t\n 1.XxGC:áñ@\0Secretariat/Ministry", max_size=300) | st.text(max_size=100))
def test_any_text_is_a_report_or_a_clear_error(text: str) -> None:
    try:
        draft_statements(read_report(text))
    except CannotRead:
        return


@pytest.mark.parametrize(
    "junk",
    [" ", "a", "Aa ", "A B ", "http://x ", "12 34 ", "agreement between ", "· X: ", "Mr. Aa Bb ", "Decree 1-97 (", "a@",
     "January 1 ", "from 2014 to ", '"abc ', "www.", "1 of 2 of the Aa Bb "],
)  # fmt: skip
def test_no_line_is_too_long_to_read(junk: str) -> None:
    line = junk * (20_000 // len(junk))
    text = INVENTED.read_text("utf-8").replace("Show every street work", line).replace("The plan was sent", line)
    started = time.process_time()
    draft_statements(read_report(text))
    # Milliseconds each; a pattern that goes back and forth over the line would take minutes.
    assert time.process_time() - started < 5


# --- files that are no report ----------------------------------------------------------------------------------------


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"%PDF-1.7\n\x00\x01", "binary"),
        ("Informe".encode("utf-16"), "UTF-16"),
        ("1. Misión y visión".encode("latin-1"), "not UTF-8"),
        (b"A letter about benches.\n", "no table"),
        (b"\t1. Benches\n\tPosition\n\tHead\n", "no table"),
        (b"PK\x03\x04 not an archive", "archive"),
        (zipped(word__styles_xml=b"<a/>"), "archive"),
        (zipped(word__document_xml=b"<a"), "well-formed"),
        (zipped(word__document_xml=b"<a/>"), "no body"),
        (zipped(word__document_xml=b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "entities"),
        (zipped(word__document_xml=b"<a>" + b" " * (33 * 1024 * 1024) + b"</a>"), "bytes"),
    ],
)
def test_a_file_that_is_no_report_gets_a_clear_error(raw: bytes, reason: str) -> None:
    with pytest.raises(CannotRead) as caught:
        read_report(raw)
    assert reason in caught.value.reason
    assert caught.value.expected
    # Both languages, and they are two.
    assert caught.value.reason_es not in ("", caught.value.reason)
    assert caught.value.expected_es not in ("", caught.value.expected)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda raw: b"PK\x03\x04" + raw))
def test_any_bytes_are_text_or_a_clear_error(raw: bytes) -> None:
    try:
        read_text(raw)
    except CannotRead:
        return


def as_docx(text: str) -> bytes:
    """The same report as a word processor writes it: tables of one cell a row, paragraphs elsewhere."""
    body, cell, rows, blanks = "", list[str](), "", 0

    def paragraphs(lines: list[str]) -> str:
        return "".join(f"<w:p><w:r><w:t xml:space='preserve'>{escape(line)}</w:t></w:r></w:p>" for line in lines)

    def close_table() -> str:
        nonlocal rows, cell
        if cell:
            rows += f"<w:tr><w:tc>{paragraphs(cell)}</w:tc></w:tr>"
        table = f"<w:tbl>{rows}</w:tbl>" if rows else ""
        rows, cell = "", []
        return table

    for line in text.split("\n"):
        plain = re.sub(r"\[bookmark: [^\]]*\]", "", line)
        heading = re.match(r"\s*\d\.\s+[A-Z ]{12,}$", plain)
        if line.startswith("\t"):
            if cell:
                rows += f"<w:tr><w:tc>{paragraphs(cell)}</w:tc></w:tr>"
            cell = [plain[1:]]
        elif cell and not heading and blanks < 5:
            cell.append(plain)
        else:
            body += close_table() + paragraphs([plain])
        blanks = 0 if line.strip() or line.startswith("\t") else blanks + 1
    body += close_table()
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    xml = f"<?xml version='1.0' encoding='UTF-8'?><w:document xmlns:w='{space}'><w:body>{body}</w:body></w:document>"
    return zipped(word__document_xml=xml.encode())


def without_source(drafts: list[Draft]) -> list[Json]:
    plain = encode_drafts(drafts)
    for draft in plain:
        del draft["printed"]["source"]
    return plain


def test_a_docx_gives_the_same_facts_as_its_text() -> None:
    text = INVENTED.read_text("utf-8")
    from_text, _ = draft_statements(read_report(text))
    from_docx, _ = draft_statements(read_report(as_docx(text)))
    assert without_source(from_docx) == without_source(from_text)


def test_the_real_report_as_docx_gives_the_same_facts(raw: bytes, imported: tuple[list[Draft], Json]) -> None:
    from_docx, _ = draft_statements(read_report(as_docx(raw.decode())))
    assert without_source(from_docx) == without_source(imported[0])


SPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def word(body: str, **parts: str) -> bytes:
    """A .docx with this body, and other parts by name."""
    members = {name: f"<w:{name} xmlns:w='{SPACE}'>{xml}</w:{name}>".encode() for name, xml in parts.items()}
    members["document"] = f"<w:document xmlns:w='{SPACE}'><w:body>{body}</w:body></w:document>".encode()
    return zipped(**{f"word__{name}_xml": xml for name, xml in members.items()})


def paragraph(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def listed(number: int, level: int = 0) -> str:
    return f"<w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='{number}'/></w:numPr>"


NUMBERING = """
<w:abstractNum w:abstractNumId='7'>
  <w:lvl w:ilvl='0'><w:start w:val='4'/><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.'/></w:lvl>
  <w:lvl w:ilvl='1'><w:start w:val='1'/><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.%2.'/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId='8'><w:lvl w:ilvl='0'><w:numFmt w:val='bullet'/></w:lvl></w:abstractNum>
<w:num w:numId='1'><w:abstractNumId w:val='7'/></w:num>
<w:num w:numId='2'><w:abstractNumId w:val='8'/></w:num>
"""


def test_the_numbers_and_bullets_that_word_prints_are_read() -> None:
    heading = "<w:pStyle w:val='H'/>"
    body = "".join(
        [
            paragraph("Streets", listed(1)),
            paragraph("Lanes", listed(1, 1)),
            paragraph("Roads", listed(1, 1)),
            paragraph("Parks", heading),
            paragraph("Ponds", listed(1, 1)),
            paragraph("A bench", listed(2)),
            paragraph("No number", listed(0)),
            paragraph("Unknown list", listed(9)),
        ]
    )
    styles = f"<w:style w:styleId='H'><w:pPr>{listed(1)}</w:pPr></w:style>"
    assert read_text(word(body, numbering=NUMBERING, styles=styles)).split("\n") == [
        "4. Streets", "4.1. Lanes", "4.2. Roads", "5. Parks", "5.1. Ponds", "· A bench", "No number", "Unknown list",
    ]  # fmt: skip


def test_cells_controls_and_changes_of_a_docx_are_read_as_printed() -> None:
    inner = f"<w:tbl><w:tr><w:tc>{paragraph('inner')}</w:tc></w:tr></w:tbl>"
    cells = f"<w:tc>{paragraph('one')}{paragraph('two')}</w:tc><w:tc>{inner}{paragraph('three')}</w:tc>"
    body = (
        f"<w:sdt><w:sdtContent><w:tbl><w:tr>{cells}</w:tr></w:tbl></w:sdtContent></w:sdt>"
        "<w:p><w:r><w:tab/><w:t>a</w:t><w:br/><w:t>b</w:t></w:r><w:del><w:r><w:t>gone</w:t></w:r></w:del>"
        "<w:ins><w:hyperlink><w:r><w:t>http://example.org</w:t></w:r></w:hyperlink></w:ins></w:p>"
    )
    assert read_text(word(body)).split("\n") == [
        "\tone", "two", "\tinner", "three", "", "", "", "", "", "", " a", "bhttp://example.org",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        ("<w:p>" * 40_000 + "</w:p>" * 40_000, "nested too deeply"),
        ("<w:p>" * 10, "well-formed"),
    ],
)
def test_a_hostile_docx_gets_a_clear_error(xml: str, reason: str) -> None:
    with pytest.raises(CannotRead) as caught:
        read_text(word(xml))
    assert reason in caught.value.reason


def test_entities_in_another_encoding_are_refused_too() -> None:
    xml = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16")
    with pytest.raises(CannotRead, match="not UTF-8"):
        read_text(zipped(word__document_xml=xml))


# --- drafts ----------------------------------------------------------------------------------------------------------


def test_placeholders_are_filled_when_a_draft_is_signed() -> None:
    draft = Draft(
        {"kind": "ResponseGiven", "answers": [{"$ref": "A/b"}], "words": {"salted_digest": {"$content": 0}}},
        ({"text": "x"},),
    )
    assert complete_draft(draft, {"A/b": "1" * 64}, ["2" * 64]) == {
        "kind": "ResponseGiven",
        "answers": ["1" * 64],
        "words": {"salted_digest": "2" * 64},
    }
    with pytest.raises(KeyError, match="A/b"):
        complete_draft(draft, {}, ["2" * 64])


def test_a_list_of_drafts_survives_the_way_through_json(imported: tuple[list[Draft], Json]) -> None:
    encoded = msgspec.json.encode({"statements": encode_drafts(imported[0]), "report": imported[1]})
    assert decode_drafts(encoded) == imported[0]
    plain = msgspec.json.decode(encoded)["statements"]
    assert [statement["kind"] for statement in plain] == [draft.statement["kind"] for draft in imported[0]]
    comment = next(statement for statement in plain if statement["kind"] == "CommentTranscribed")
    assert set(comment["salted_digest"]["$content"]) == {"text"}
    response = next(statement for statement in plain if statement["kind"] == "ResponseGiven")
    assert response["answers"] == [{"$ref": "RecommendationMade/recommendation/1"}]


def test_a_draft_with_an_unknown_field_is_refused_on_reading() -> None:
    draft = demo_drafts()[0]
    changed = Draft(draft.statement | {"colour": "blue"}, draft.contents)
    with pytest.raises(Refused, match="colour"):
        decode_drafts(msgspec.json.encode({"statements": encode_drafts([changed])}))


# --- the embedded data set -------------------------------------------------------------------------------------------


def test_the_demo_needs_nothing_but_the_repository_and_the_rulebook_takes_it() -> None:
    drafts = demo_drafts()
    world = town_for(drafts[0].statement["printed"]["source"])
    assert register(world, drafts, {}) == []
    assert len(by_kind(drafts, "CommitmentRegistered")) == 48
    levels = Counter(s["level"] for s in by_kind(drafts, "CompletionReported"))
    assert levels == {"complete": 28, "substantial": 15, "limited": 5}
    assert len(by_kind(drafts, "CommentTranscribed")) == 10


def test_demo_sentences_are_single_lines_of_our_own_marked_as_summaries() -> None:
    drafts = demo_drafts()
    for commitment in by_kind(drafts, "CommitmentRegistered"):
        assert commitment["lang"] == "es"
        assert commitment["printed"]["form"] == "summary"
        assert commitment["printed"]["words"]
        assert not {"description", "relevance", "ambition", "further"} & set(commitment)
        for text in (commitment["title"], commitment["objective"]):
            assert 10 < len(text) < 200
            assert "\n" not in text
    for reported in by_kind(drafts, "CompletionReported"):
        assert reported["printed"]["form"] == "summary"
        assert 20 < len(reported["reason"]) < 200
    following = by_kind(drafts, "NextStepsSet")
    assert len(following) == 43
    for told in following:
        assert told["printed"]["form"] == "summary"
        assert 1 <= len(told["steps"]) <= 3
        for step in told["steps"]:
            assert set(step) == {"text"}
            assert "\n" not in step["text"]
            assert 8 <= len(re.findall(r"[\w-]+", step["text"])) <= 20
    assert len({s["title"] for s in by_kind(drafts, "CommitmentRegistered")}) == 48


def test_the_demo_holds_the_facts_of_the_real_report_and_none_of_its_sentences(
    imported: tuple[list[Draft], Json], raw: bytes, printed: Printed
) -> None:
    from api.demo.make_plan import HERE as DEMO
    from api.demo.make_plan import make_plan

    sentences = msgspec.json.decode((DEMO / "sentences_es.json").read_bytes())
    assert (DEMO / "plan.json").read_text("utf-8") == make_plan(raw, sentences)

    demo = {draft.name: draft.statement for draft in demo_drafts()}
    full = {draft.name: draft.statement for draft in imported[0]}
    assert set(full) == set(demo)
    facts = ("level", "date", "url", "institution", "starts", "values", "claims", "heard_at", "for", "number")
    for name, statement in demo.items():
        for fact in (*facts, "commitment"):
            assert statement.get(fact) == full[name].get(fact), (name, fact)

    # No eight words in a row are the report's, but for printed titles; addresses are facts.
    prose = fold(re.sub(r"https?://\S+", " ", raw.decode())).split()
    eights = {" ".join(prose[i : i + 8]) for i in range(len(prose) - 7)}
    for draft in demo_drafts():
        plain = {k: v for k, v in draft.statement.items() if k not in ("url", "printed")}
        ours = fold(f"{plain} {draft.contents}").split()
        assert [e for i in range(len(ours) - 7) if (e := " ".join(ours[i : i + 8])) in eights] == []
    kept = {d.statement["kind"] for d in demo_drafts() if "words" in d.statement["printed"]}
    assert kept == {"PlanRegistered", "AxisDefined", "CommitmentRegistered", "CompletionDateSet", "EvidenceLinked"}
    for name, statement in demo.items():
        words = statement["printed"].get("words", "")
        if statement["kind"] == "CommitmentRegistered":
            assert words == full[name]["title"]
        elif statement["kind"] == "CompletionDateSet":
            assert words == "" or parse_date(words) is not None
        elif statement["kind"] == "EvidenceLinked":
            assert words == "" or parse_link(words) == statement["url"]
    # What the Spanish names translate are names, none of them a sentence.
    assert [name for name in sentences["names"] if len(name.split()) > 25 or re.search(r"[a-z]\. [A-Z]", name)] == []


def test_the_demo_names_no_person() -> None:
    text = (HERE.parent / "api" / "demo" / "plan.json").read_text("utf-8")
    assert "@" not in text
    for draft in demo_drafts():
        for content in draft.contents:
            assert personal_content(" ".join(content.values()), ()) is None


def test_the_demo_names_nobody_whom_the_report_names(printed: Printed) -> None:
    for name in ("plan.json", "sentences_es.json"):
        text = f" {fold((HERE.parent / 'api' / 'demo' / name).read_text('utf-8'))} "
        assert [person for person in printed.names if f" {fold(person)} " in text] == []

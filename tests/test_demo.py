"""The demonstration: everything through the door, by the rules, and nothing invented that does not say so."""

import stat
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import cast

import msgspec
import pytest

from api.demo.build import INVENTED, PLAN, REGISTRARS, Built, build, new_origin
from api.importer import demo_drafts
from api.keyfiles import public_hex, read_public_key
from api.settings import load_settings, read_key
from ledger.errors import CannotRun
from ledger.published import Folder
from ledger.statement import Entry
from ledger.tlog.policy import Policy, parse_policy
from ledger.verify import open_head, verified_entries
from ledger.vocabulary import CommentSubmitted, LedgerOpened, ResponseGiven, RoundOpened
from projections.audit import audit
from projections.records import DictRecords
from projections.replay import replay
from projections.reports import Report, Tally


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("demo") / "mundo")


@pytest.fixture(scope="module")
def policy(demo: Built) -> Policy:
    return parse_policy((demo.place / "public" / "policy").read_bytes())


@pytest.fixture(scope="module")
def entries(demo: Built, policy: Policy) -> list[Entry]:
    source = Folder(demo.place / "public")
    return list(verified_entries(source, open_head(source, policy), workers=1))


@pytest.fixture(scope="module")
def records(entries: list[Entry]) -> DictRecords:
    folded = DictRecords()
    replay(entries, folded)
    return folded


def test_the_auditor_finds_nothing(demo: Built, policy: Policy) -> None:
    report = audit(Folder(demo.place / "public"), policy=policy, founding=demo.founding, workers=1)

    assert (report.verdict, report.findings) == ("verified", [])
    assert report.counts.entries == demo.size
    assert report.purpose == "demonstration"


def test_it_is_founded_as_the_founding_table_says(entries: list[Entry]) -> None:
    founded = entries[0].opened.statement
    assert isinstance(founded, LedgerOpened)
    assert tuple(one.actor for one in founded.registrars) == REGISTRARS
    assert founded.purpose == "demonstration"
    assert founded.offset_minutes == -360

    kinds = [entry.opened.statement.kind for entry in entries]
    order = ["ActorRegistered", "KeyEnrolled", "RoleGranted", "PlanRegistered", "MethodologyAdopted", "AxisDefined"]
    first = [kinds.index(kind) for kind in order]
    assert first == sorted(first)


def test_all_of_the_embedded_data_set_is_in_it_as_printed(entries: list[Entry]) -> None:
    drafted = Counter(draft.statement["kind"] for draft in demo_drafts())
    printed = Counter(
        entry.opened.statement.kind
        for entry in entries
        if getattr(entry.opened.statement, "printed", msgspec.UNSET) is not msgspec.UNSET
    )

    assert printed == drafted
    assert (printed["CommitmentRegistered"], printed["CommentTranscribed"]) == (48, 10)


def test_the_tables_do_not_add_up_to_what_the_report_claims(records: DictRecords) -> None:
    tally = records.get(Tally, PLAN)
    assert tally is not None
    assert {one.level: one.government + one.civil_society for one in tally.levels if one.government} == {
        "complete": 28,
        "substantial": 15,
        "limited": 5,
    }
    assert (tally.government, tally.civil_society) == (22, 26)

    claims = [claim for _, report in records.scan(Report) for claim in report.claims if claim.measure == "level_count"]
    assert {claim.level: (claim.claimed, claim.computed, claim.verdict) for claim in claims} == {
        "complete": (28, 28, "exact"),
        "substantial": (14, 15, "differs"),
        "limited": (6, 5, "differs"),
    }


def _texts(value: object) -> Iterator[str]:
    """Every text of a statement's own words: codes, ids and digests have no space."""
    if isinstance(value, str) and " " in value:
        yield value
    elif isinstance(value, dict):
        for member in cast("dict[str, object]", value).values():
            yield from _texts(member)
    elif isinstance(value, list):
        for member in cast("list[object]", value):
            yield from _texts(member)


def test_what_the_report_does_not_contain_says_that_it_is_invented(demo: Built, entries: list[Entry]) -> None:
    begun = next(entry.index for entry in entries if _is_ours(entry))
    signed = [entry.opened.statement for entry in entries[begun:]]
    assert Counter(statement.kind for statement in signed) == {
        "RoundOpened": 1,
        "CommentSubmitted": 4,
        "ContentWithheld": 1,
        "ResponseGiven": 1,
    }
    for statement in signed:
        for text in _texts(msgspec.to_builtins(statement)):
            assert text.startswith(INVENTED), text
    shown = [
        msgspec.json.decode(line)
        for path in (demo.place / "public" / "contents").rglob("*")
        if path.is_file()
        for line in path.read_bytes().splitlines()
    ]
    ours = [line for line in shown if line["index"] >= begun and "content" in line]
    assert len(ours) == 3
    assert all(line["content"]["text"].startswith(INVENTED) for line in ours)


def _is_ours(entry: Entry) -> bool:
    statement = entry.opened.statement
    return isinstance(statement, RoundOpened) and statement.printed is msgspec.UNSET


def test_the_invented_round_is_open_for_thirty_days_with_one_comment_withheld_and_one_answered(
    entries: list[Entry],
) -> None:
    opened = next(entry for entry in entries if _is_ours(entry)).opened.statement
    assert isinstance(opened, RoundOpened)
    assert msgspec.convert(opened.opens, str)[:10] <= opened.closes[:10]
    comments = [entry.opened for entry in entries if isinstance(entry.opened.statement, CommentSubmitted)]
    answers = [
        entry.opened.statement
        for entry in entries
        if isinstance(entry.opened.statement, ResponseGiven) and entry.opened.statement.printed is msgspec.UNSET
    ]
    assert [answer.answers for answer in answers] == [(comments[0].identity,)]
    assert len({opened.statement.by[0].key for opened in comments}) == len(comments) == 4


def test_the_withheld_text_is_in_no_published_file(demo: Built) -> None:
    for path in (demo.place / "public").rglob("*"):
        if path.is_file():
            assert "teléfono de una vecina".encode() not in path.read_bytes(), path


def test_every_key_that_signs_is_kept_in_a_file_of_its_owner(demo: Built, entries: list[Entry]) -> None:
    keys = {read_public_key(str(path)) for path in (demo.place / "keys").glob("*.key")}
    signers = {signer.key for entry in entries for signer in entry.opened.statement.by}

    assert signers <= keys
    for path in (demo.place / "keys").iterdir():
        if path.suffix not in (".txt", ".json"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert "demostraci" in (demo.place / "keys" / "README.txt").read_text().lower()
    (settings,) = load_settings(demo.place, {}).ledgers
    assert settings.origin == demo.origin
    assert public_hex(read_key(demo.place / "keys" / "log")) in msgspec.convert(entries[0].opened.line.decode(), str)


def test_the_documents_named_are_beside_it(demo: Built, entries: list[Entry]) -> None:
    there = {sha256(path.read_bytes()).hexdigest() for path in (demo.place / "documents").iterdir()}
    opened = next(entry for entry in entries if _is_ours(entry)).opened.statement
    assert isinstance(opened, RoundOpened)
    assert {opened.document, opened.rules} <= there


def test_two_demonstrations_are_two_ledgers() -> None:
    assert new_origin() != new_origin()


def test_a_build_that_is_broken_off_leaves_nothing_behind(tmp_path: Path) -> None:
    def break_off(done: int, _total: int) -> None:
        if done == 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "mundo", progress=break_off)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "carta.txt").write_text("hola")

    with pytest.raises(CannotRun, match="exists already"):
        build(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["carta.txt"]

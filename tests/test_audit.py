"""What an audit says of a ledger that is as it should be, and how it says it."""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import storyline
import world
from second_writer import Files, Web
from town import SALT, Town
from world import C8, G1, G2, ORIGIN, digest_of, key_of, public, salted_digest

from consultation.desk import Desk
from consultation.text import Content, SaltedContent
from consultation.vault import Vault
from ledger import log as writer
from ledger.errors import CannotRun
from ledger.log import Clock, Log
from ledger.published import Folder
from ledger.statement import Entry, format_when
from ledger.tlog.policy import parse_policy
from ledger.vocabulary import KINDS, Statement
from projections.audit import audit
from projections.files import FORMATS
from projections.findings import DENIES, QUESTIONS, REMARKS, SENTENCES, Report, sentences
from projections.records import DictRecords, digest
from projections.replay import replay

DAY = 86_400_000
TOWN = Town(comments=300)


def spoken_town() -> Town:
    """A town in which levels are reported and assessed, and a report claims more than there is."""
    town = Town()
    world = town.world
    said: dict[str, Any] = {"reason": "Se publicó.", "evidence": []}
    world.say("CompletionReported", "copret:institution", subject=G1, level="complete", **said)
    world.say("CompletionReported", "minfin:institution", subject=G2, level="limited", **said)
    world.say("CompletionAssessed", "icefi:assessor", commitment=G1, level="limited", **said)
    world.say(
        "ReportPublished",
        "copret:coordinator",
        report="medio-termino",
        report_form="self_assessment_midterm",
        version=1,
        title="Informe de medio término",
        on={"precision": "none"},
        document=digest_of("informe"),
        claims=[{"measure": "level_count", "scope": {"level": "complete"}, "value": 2, "out_of": 3}],
    )
    lately: dict[str, Any] = {"opens": format_when(world.now_ms - 2 * DAY), "closes": format_when(world.now_ms - DAY)}
    world.open_round(round="ronda-2", **lately)
    counted = {"comment_count": 3, "tree_size": world.docket.size}
    world.say("RoundClosed", "copret:coordinator", round="ronda-2", **counted)
    town.publish_again()
    return town


class WebFolder(Folder):
    """A folder behind a web server: nothing can be listed."""

    def paths(self) -> Iterator[str]:
        return cast("Iterator[str]", None)


# --- a ledger that is as it should be ---------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [TOWN.files, Web(TOWN.files)], ids=["folder", "web"])
def test_an_honest_ledger_is_verified_without_a_finding(files: Files) -> None:
    report = TOWN.audit(files)
    assert report.findings == []
    assert (report.verdict, report.verdict_es) == ("verified", "verificado")
    assert report.clean
    assert (report.size, report.at, report.origin) == (337, 337, ORIGIN)
    assert (report.counts.entries, report.counts.by_kind["CommentSubmitted"]) == (337, 300)
    assert report.counts.signatures == sum(len(entry.opened.statement.by) for entry in TOWN.world.entries)
    assert (report.counts.contents_shown, report.counts.contents_hidden) == (298, 2)


@pytest.mark.parametrize(
    ("policy", "founding", "verdict"),
    [
        (True, True, "verified"),
        (True, False, "self-consistent, origin unproven"),
        (False, True, "self-consistent, origin unproven"),
        (False, False, "self-consistent, origin unproven"),
    ],
)
def test_only_both_pins_make_a_verdict_a_plain_one(policy: bool, founding: bool, verdict: str) -> None:
    report = audit(
        TOWN.files, policy=TOWN.policy if policy else None, founding=TOWN.founding if founding else None, workers=1
    )
    assert report.verdict == verdict
    assert (report.policy_pinned, report.founding_pinned) == (policy, founding)
    assert report.clean
    if verdict != "verified":
        assert report.verdict_es == "coherente consigo mismo, origen sin probar"


def test_the_digest_is_that_of_a_plain_replay() -> None:
    records = DictRecords()
    replay(TOWN.world.entries, records)
    assert TOWN.audit().digest == digest(records, ORIGIN, 337)


@pytest.mark.parametrize("at", [1, 36, 100, 256, 337])
def test_an_earlier_state_can_be_asked_for(at: int) -> None:
    records = DictRecords()
    replay(TOWN.world.entries[:at], records)
    report = TOWN.audit(at=at)
    assert (report.at, report.size, report.digest) == (at, 337, digest(records, ORIGIN, at))
    assert report.counts.entries == 337  # all are verified, whatever state is asked for


@pytest.mark.parametrize("at", [0, -1, 338])
def test_a_state_that_there_is_not_cannot_be_asked_for(at: int) -> None:
    with pytest.raises(CannotRun):
        TOWN.audit(at=at)


def test_the_table_holds_what_the_evidence_reaches() -> None:
    town = spoken_town()
    world = town.world
    link: dict[str, Any] = {"title": "Acta", "evidence_type": "minutes", "shows": "Lo hecho"}
    entry = world.say("EvidenceLinked", "copret:institution", for_=[f"{G1}.M0"], url="http://example.gt/acta", **link)
    capture: dict[str, Any] = {"size": 1, "media_type": "text/html", "method": "direct", "digest": digest_of("acta")}
    for by in ("copret:institution", "captura:capturer"):
        at = format_when(world.now_ms)
        world.say("EvidenceCaptured", by, link=entry.opened.identity, captured_at=at, **capture)
    town.publish_again()
    report = town.audit()
    assert report.clean
    found = {row.commitment: (row.evidenced, row.percent, row.gap, row.contested) for row in report.table}
    assert found[G1] == ("substantial", 66, 1, False)
    assert found[G2] == ("no_evidence_available", 0, 1, False)
    assert found[C8] == ("no_evidence_available", 0, None, False)


def test_the_table_holds_what_is_reported_and_what_others_assess() -> None:
    report = spoken_town().audit()
    assert report.clean, report.findings
    rows = {row.commitment: row for row in report.table}
    assert list(rows) == [G1, G2, "gt-2014-2016/C8"]
    assert [(row.reported, [each.level for each in row.assessed]) for row in report.table] == [
        ("complete", ["limited"]),
        ("limited", []),
        ("", []),
    ]
    assert rows[G1].assessed[0].actor == "icefi"


def test_claims_stand_beside_what_the_record_gives() -> None:
    report, closing = spoken_town().audit().claims
    assert report.report == "medio-termino"
    assert (report.claim.claimed, report.claim.computed, report.claim.verdict) == (2, 1, "differs")
    assert (closing.title, closing.claim.measure) == ("ronda-2", "comment_count")
    assert (closing.claim.claimed, closing.claim.computed, closing.claim.verdict) == (3, 0, "differs")


def test_progress_is_told_in_order_up_to_all() -> None:
    told: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> None:
        told.append((done, total))

    TOWN.audit(progress=tell)
    assert told == [(256, 337), (337, 337)]


def test_a_report_can_be_written_as_json() -> None:
    report = spoken_town().audit()
    plain = msgspec.json.decode(msgspec.json.encode(report))
    assert plain["verdict"] == "verified"
    assert msgspec.convert(plain, Report) == report


def test_the_caller_may_fold_into_a_store_of_its_own() -> None:
    mine = DictRecords()
    assert TOWN.audit(records=mine).digest == digest(mine, ORIGIN, 337)


def test_a_comment_taken_back_with_a_reason_in_the_vault_is_no_fault() -> None:
    town = Town()
    words = {"text": "Me equivoqué."}
    salted = salted_digest(ORIGIN, public("vecina-3"), words, SALT)
    taken_back = town.comments[3].opened.identity
    by = town.world.say("StatementWithdrawn", "vecina-3:citizen", statement=taken_back, words={"salted_digest": salted})
    town.hide(town.comments[3], by)
    town.lines.append({"index": by.index, "salt": SALT.hex(), "content": words, "salted_digest": salted})
    town.publish_again()
    assert town.audit().findings == []


def test_a_demonstration_and_the_lack_of_witnesses_are_said() -> None:
    kinds = {remark.kind for remark in TOWN.audit().remarks}
    assert kinds == {"demonstration", "no-witnesses"}


@pytest.mark.parametrize("workers", [1, 2])
def test_more_processes_reach_the_same_report(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.verify._WORTH_A_PROCESS", 0)
    report = TOWN.audit(workers=workers)
    assert (report.clean, report.digest) == (True, TOWN.audit().digest)


# --- the real writer's folder -----------------------------------------------------------------------------------------


@contextmanager
def the_real_writer(folder: Path, town: Town) -> Generator[Callable[[Entry], None]]:
    """A log with its desk; what is yielded registers an entry of the town's world, with its text."""
    now = [0]
    with closing(Vault.open(folder / "vault.db", create=True)) as vault:
        desk = Desk(ORIGIN, vault, Folder(folder / "public"), key_of("desk"))
        now[0] = town.world.entries[0].received_ms
        log = Log.open(
            ORIGIN,
            journal=folder / "journal.db",
            published=folder / "public",
            log_key=key_of("log"),
            contents=desk,
            desk_key=desk.public_key,
            create=True,
            clock=Clock(wall_ms=lambda: now[0], monotonic=lambda: now[0] / 1000),
        )

        def register(entry: Entry) -> None:
            now[0] = entry.received_ms
            sent = [line for line in town.shown if line["index"] == entry.index]
            contents = [
                SaltedContent(salt=line["salt"], content=msgspec.convert(line["content"], Content)) for line in sent
            ]
            desk.submit(entry.opened.note, contents).result(30)

        with log:
            desk.open(log)
            yield register


def test_what_the_real_door_takes_with_its_words_in_the_vault_is_audited_without_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: dict[str, str] = {}  # salted digest -> text

    class Salting(world.World):
        """A world in which whoever may give words gives them, salted."""

        def draft(self, kind: str, *who: str, **fields: Any) -> Statement:
            signer = public(who[0].partition(":")[0])
            if "words" in KINDS[kind].__struct_fields__:
                text = fields.get("words", {}).get("text") or f"Palabras de {kind}."
                fields["words"] = {"salted_digest": salted_digest(ORIGIN, signer, {"text": text}, SALT)}
                texts[fields["words"]["salted_digest"]] = text
            elif kind in ("CommentSubmitted", "CommentTranscribed"):
                texts[fields["salted_digest"]] = "Buen plan."  # as World.comment says
            return super().draft(kind, *who, **fields)

    monkeypatch.setattr(world, "World", Salting)
    entries = storyline.history()
    salted = [entry for entry in entries if entry.opened.statement.salted_digests()]
    assert len({entry.opened.statement.kind for entry in salted}) >= 14
    town = Town(comments=0)
    town.world.entries[:] = entries
    town.shown = [
        {"index": entry.index, "salt": SALT.hex(), "content": {"text": texts[each]}}
        for entry in salted
        for each in entry.opened.statement.salted_digests()
    ]
    with the_real_writer(tmp_path, town) as register:
        for entry in entries:
            register(entry)
    source = Folder(tmp_path / "public")
    policy = parse_policy((tmp_path / "public" / "policy").read_bytes())
    report = audit(source, policy=policy, founding=entries[0].opened.identity, workers=1)
    assert (report.findings, report.verdict) == ([], "verified")
    assert report.counts.contents_shown + report.counts.contents_hidden == len(salted)


def test_two_writers_who_share_no_code_publish_the_same_tree_and_both_pass(tmp_path: Path) -> None:
    town = Town()
    with the_real_writer(tmp_path, town) as register:
        for entry in town.world.entries:
            register(entry)
    folder = Folder(tmp_path / "public")
    report = audit(folder, policy=town.policy, founding=town.founding, workers=1)
    assert report.findings == []
    assert report.verdict == "verified"
    by_hand = town.audit()
    assert (report.root, report.digest, report.size) == (by_hand.root, by_hand.digest, by_hand.size)
    theirs = {path: folder.read(path) for path in folder.paths()}
    for path, raw in town.files.items():
        if not path.startswith(("tile/", "contents/")):
            continue
        assert theirs.get(path) == raw, path


@pytest.mark.parametrize("kind", [Folder, WebFolder])
def test_a_ledger_that_grows_while_it_is_read_raises_no_false_alarm(tmp_path: Path, kind: type[Folder]) -> None:
    town = Town(comments=3)
    for number in range(90):
        entry = town.comment(f"otra-{number}", f"Otro comentario {number}.")
        if number % 3 == 0:
            town.withhold(entry)
    failed: list[BaseException] = []
    with the_real_writer(tmp_path, town) as register:
        for entry in town.world.entries[:40]:
            register(entry)

        def grow() -> None:
            try:
                for entry in town.world.entries[40:]:
                    register(entry)
            except BaseException as error:  # noqa: BLE001  # shown below, in the thread that is watched
                failed.append(error)

        writer_thread = threading.Thread(target=grow)
        writer_thread.start()
        sizes: list[int] = []
        while writer_thread.is_alive() or not sizes:
            report = audit(kind(tmp_path / "public"), policy=town.policy, founding=town.founding, workers=1)
            assert report.findings == []
            sizes.append(report.size)
        writer_thread.join()
    assert failed == []
    assert len(set(sizes)) > 2, "the ledger did not grow under the audits"
    assert audit(kind(tmp_path / "public"), policy=town.policy, founding=town.founding, workers=1).verdict == "verified"


def test_the_formats_that_the_auditor_knows_are_those_that_the_writer_names() -> None:
    assert frozenset(writer.FORMATS) == FORMATS


# --- no ledger at all -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files", [Files(), Web(), Files({"notes.txt": b"hola"}), Files({"policy": TOWN.files["policy"]})]
)
def test_a_place_without_a_ledger_is_no_finding_but_cannot_be_audited(files: Files) -> None:
    for policy in (None, parse_policy(TOWN.files["policy"])):
        with pytest.raises(CannotRun):
            audit(files, policy=policy)


# --- sentences --------------------------------------------------------------------------------------------------------


def test_every_sentence_stands_in_both_languages_and_ends_like_one() -> None:
    for es, en in [*SENTENCES.values(), *REMARKS.values()]:
        assert es != en
        assert es.endswith(".")
        assert en.endswith(".")


def test_a_sentence_names_its_place_and_the_rule() -> None:
    es, en = sentences("forbidden-statement", 7, None, "role-scope", "A3")
    assert es.endswith("(asiento 7; regla A3, role-scope)")
    assert en.endswith("(entry 7; rule A3, role-scope)")
    assert sentences("tile-altered", None, "tile/0/000")[1].endswith("(file tile/0/000)")


def test_every_kind_of_finding_answers_a_question_and_every_question_can_be_denied() -> None:
    assert set(DENIES) == set(SENTENCES)
    assert {question for questions in DENIES.values() for question in questions} == set(QUESTIONS)

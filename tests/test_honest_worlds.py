"""Honest worlds that look odd: no audit may accuse anybody in them. Each test is a world; the verdict is "verified".

What an auditor should know all the same, it says in a remark. The lies are in test_audit_attacks.py.
"""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import storyline
import world as w
from second_writer import Files, Web, ledger_file, publish
from third_person import origin_of
from town import DAY_MS, SALT, Auditor, Growing, Town, ask, days, signed_otherwise, tree_of, with_lines
from world import C8, G1, ORIGIN, PLAN, World, digest_of, found, founding, key_of, public, salted_digest

from ledger.statement import MAX_ENTRY, canonical, format_time, format_when, key_name, open_statement, parse_time
from ledger.tlog.checkpoint import Checkpoint, sign_checkpoint
from ledger.tlog.note import ED25519, Note, format_note, format_vkey, parse_note, sign_line
from ledger.tlog.policy import parse_policy
from projections.audit import audit
from projections.findings import Report
from projections.kept import Kept
from projections.records import DictRecords, digest

TOWN = Town(comments=300, witnessed=True)
SIZE = len(TOWN.world.entries)
DAY = "checkpoints/2026-02-16"
COPRET, CHAIR, IMPORTER = "copret:institution", "copret:coordinator", "importador:importer"
NONE = {"precision": "none"}


def cleared(report: Report, *remarks: str) -> Report:
    """Nobody is accused, everything is verified, and these things are said."""
    assert report.findings == []
    assert (report.verdict, report.clean) == ("verified", True)
    assert "no" not in {each.answer for each in report.answers}
    assert set(remarks) <= {remark.kind for remark in report.remarks}
    return report


def level(**fields: Any) -> dict[str, Any]:
    return {"subject": G1, "level": "limited", "reason": "Avance.", "evidence": [], **fields}


def audited(town: Town) -> Report:
    """Published, and looked at as a folder and as a web server gives it."""
    town.publish_again()
    assert town.audit(Web(town.files)).findings == []
    return cleared(town.audit())


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_a_ledger_of_its_founding_alone() -> None:
    town = Town(world=w.opened(), witnessed=True)
    assert audited(town).size == 1


class Checks:
    """As many signed statements as anybody wants, at the price of their signatures: a program looks at a link again."""

    def __init__(self) -> None:
        self.world = found()
        fields: dict[str, Any] = {
            "for_": [f"{G1}.M0"],
            "url": "http://example.gt/acta",
            "title": "Acta",
            "shows": "Hecho",
        }
        self.link = self.world.say("EvidenceLinked", COPRET, **fields, evidence_type="page").opened.identity
        seen: dict[str, Any] = {"link": self.link, "seen": "alive", "checked_at": format_when(self.world.now_ms)}
        blank = "0" * 64
        line = canonical(self.world.draft("EvidenceChecked", "captura:capturer", **seen, digest=blank))
        self.text = ORIGIN.encode() + b"\n" + line + b"\n"
        assert self.text.count(blank.encode()) == 1
        self.name = key_name(ORIGIN, public("captura"))[0]
        self.received = format_time(self.world.now_ms).encode() + b"\n"

    def leaves(self, size: int) -> Iterator[bytes]:
        """The world's entries, and checks up to this number, all in one millisecond."""
        yield from self.world.leaves()
        key = key_of("captura")
        for number in range(size - len(self.world.entries)):
            text = self.text.replace(b"0" * 64, b"%064x" % number, 1)
            yield self.received + format_note(Note(text, (sign_line(self.name, key, text),)))


CHECKS = Checks()


@pytest.mark.parametrize("size", [255, 256, 257, 511, 512, 513])
def test_a_ledger_of_exactly(size: int) -> None:
    files = publish(ORIGIN, list(CHECKS.leaves(size)), key_of("log"), heads=[255, 256])
    policy = parse_policy(files["policy"])
    founding = CHECKS.world.entries[0].opened.identity
    for source in (files, Web(files)):
        assert cleared(audit(source, policy=policy, founding=founding, workers=1)).size == size


def test_a_ledger_one_larger_than_three_levels_of_tiles() -> None:
    files = publish(ORIGIN, list(CHECKS.leaves(65_537)), key_of("log"), heads=[65_536])
    assert {"tile/2/000.p/1", "tile/1/000", "tile/0/256.p/1"} <= files.keys()
    policy = parse_policy(files["policy"])
    founding = CHECKS.world.entries[0].opened.identity
    assert cleared(audit(files, policy=policy, founding=founding, workers=1)).counts.entries == 65_537


@pytest.mark.parametrize("comments", [0, 3, 4, 10])
def test_untouched_towns(comments: int) -> None:
    audited(Town(comments))
    audited(Town(comments, witnessed=True))


def test_the_largest_entry_there_can_be() -> None:
    town = Town(witnessed=True)
    texts = ("title", "objective", "description", "relevance", "ambition", "problem", "further", "post")
    full = dict.fromkeys(texts, "ñ" * 4_000)
    fields = w.commitment(f"{PLAN}/G9", **full)
    short = len(town.operator.entry(town.world.sign("CommitmentRegistered", CHAIR, **fields)))
    parties = ["x" * 1_000] if MAX_ENTRY - short > 1_003 else []
    fields["others"] = {"government": parties, "civil": ["y"], "unlabelled": []}
    short = len(town.operator.entry(town.world.sign("CommitmentRegistered", CHAIR, **fields)))
    fields["others"]["civil"] = ["y" * (1 + MAX_ENTRY - short)]
    entry = town.world.say("CommitmentRegistered", CHAIR, **fields)
    assert len(town.operator.entry(entry.opened.note)) == MAX_ENTRY
    audited(town)


def test_sixteen_signers() -> None:
    town = Town(witnessed=True)
    assessors = [f"icefi/{number}" for number in range(15)]
    for name in assessors:
        town.world.say("KeyEnrolled", *w.REGISTRARS, f"{name}:holder", actor="icefi", key=public(name))
    fields: dict[str, Any] = {"version": 2, "parameters": w.METHODOLOGY, "document": digest_of("m2")}
    adopted = town.world.say("MethodologyAdopted", CHAIR, *[f"{name}:assessor" for name in assessors], **fields)
    assert len(adopted.opened.statement.by) == 16
    audited(town)


def test_two_hundred_and_fifty_six_evidence_links() -> None:
    town = Town(witnessed=True)
    links: list[str] = []
    for number in range(256):
        fields: dict[str, Any] = {"for_": [f"{G1}.M0"], "title": "Acta", "evidence_type": "page", "shows": "Lo hecho"}
        linked = town.world.say("EvidenceLinked", COPRET, **fields, url=f"http://example.gt/{number}")
        links.append(linked.opened.identity)
    town.world.say("CompletionReported", COPRET, **level(evidence=links))
    audited(town)


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_clock_that_stood_still() -> None:
    town = Town(witnessed=True)
    for number in range(20):
        town.comment(f"quieta-{number}", "A la misma hora.")
        town.world.now_ms -= 1
    assert len({entry.received_ms for entry in town.world.entries[-20:]}) == 1
    audited(town)


@pytest.mark.parametrize("count", [1, 366, 3_652])
def test_a_silence_of_days(count: int) -> None:
    town = Town(witnessed=True)
    town.world.now_ms += count * DAY_MS
    town.world.say("CompletionReported", COPRET, **level())
    audited(town)


def test_a_leap_day_and_new_years_eve() -> None:
    town = Town(witnessed=True)
    for when in ("2027-12-31T23:59:59.999Z", "2028-01-01T00:00:00.000Z", "2028-02-29T23:59:59.999Z"):
        town.world.now_ms = parse_time(when)
        town.world.say("ContextNoted", "irm:irm", first_day=NONE, last_day=NONE, words={"text": when})
    audited(town)


def test_papers_said_up_to_a_week_before_and_five_minutes_after() -> None:
    town = Town(witnessed=True)
    town.world.now_ms += 30 * DAY_MS
    town.world.now_ms -= town.world.now_ms % 1_000
    for said in (-7 * DAY_MS, 300_000):
        fields = level(said_at=format_when(town.world.now_ms + said))
        town.world.say("CompletionReported", COPRET, **fields)
        town.world.now_ms -= 1
    audited(town)


# --- keys and roles ---------------------------------------------------------------------------------------------------


def test_a_key_that_expired_after_it_was_used() -> None:
    town = Town(witnessed=True)
    until = format_when(town.world.now_ms + DAY_MS)
    fields: dict[str, Any] = {"actor": "minfin", "key": public("minfin/b"), "until": until}
    town.world.say("KeyEnrolled", *w.REGISTRARS, "minfin/b:holder", **fields)
    town.world.say("CompletionReported", "minfin/b:institution", **level(subject=w.G2))
    town.world.now_ms += 10 * DAY_MS
    town.world.say("CompletionReported", "minfin:institution", **level(subject=w.G2, level="substantial"))
    audited(town)


def test_what_a_revoked_key_had_signed_before() -> None:
    town = Town(witnessed=True)
    town.world.say("CompletionReported", "minfin:institution", **level(subject=w.G2))
    since = format_when(town.world.now_ms - 1_000)
    town.world.say("KeyRevoked", "minfin:holder", key=public("minfin"), cause="compromised", since=since)
    audited(town)


def test_a_grant_that_ended_after_it_was_used() -> None:
    town = Town(witnessed=True)
    w.add_actor(town.world, "breve", "organisation")
    w.grant(town.world, "breve", "assessor", until=format_when(town.world.now_ms + DAY_MS))
    town.world.say("CompletionAssessed", "breve:assessor", commitment=G1, level="limited", reason="Vi.", evidence=[])
    town.world.now_ms += 10 * DAY_MS
    town.world.say("ContextNoted", "irm:irm", first_day=NONE, last_day=NONE, words={"text": "Pasó el tiempo."})
    audited(town)


def test_one_citizen_who_comments_a_hundred_times() -> None:
    town = Town(witnessed=True)
    for number in range(100):
        town.comment("insistente", f"Insisto por vez {number}.")
    audited(town)


# --- comments and texts -----------------------------------------------------------------------------------------------


def test_every_comment_withheld() -> None:
    town = Town(comments=0, witnessed=True)
    for number in range(12):
        entry = town.comment(f"callada-{number}", "Algo que no se debe leer.")
        town.hide(entry, town.withhold(entry))
    assert audited(town).counts.contents_shown == 0


def test_every_comment_taken_back_by_who_holds_its_secret() -> None:
    town = Town(comments=0, witnessed=True)
    for number in range(12):
        name = f"arrepentida-{number}"
        entry = town.comment(name, "Lo dije sin pensar.")
        secret = digest_of(f"secret of {name}")
        by = town.world.say(
            "StatementWithdrawn", f"otra-{number}:citizen", statement=entry.opened.identity, secret=secret
        )
        town.hide(entry, by)
    audited(town)


def test_a_comment_withheld_and_then_taken_back_under_either_marker() -> None:
    for second in (False, True):
        town = Town(witnessed=True)
        entry = town.comments[0]
        first = town.withhold(entry)
        later = town.world.say("StatementWithdrawn", "vecina-0:citizen", statement=entry.opened.identity)
        town.hide(entry, later if second else first)
        audited(town)


def test_two_citizens_who_say_the_same() -> None:
    town = Town(witnessed=True)
    for number in range(10):
        town.comment(f"igual-{number}", "Estoy de acuerdo.")
    audited(town)


def test_late_comments_where_the_round_accepts_them() -> None:
    world = found()
    town = Town(witnessed=True, world=world)
    world.open_round(days=1, late="accept")
    world.now_ms += 30 * DAY_MS
    town.comment("tardia", "Aunque tarde.")
    audited(town)


def test_comments_in_the_first_and_the_last_millisecond() -> None:
    world = found()
    town = Town(witnessed=True, world=world)
    world.now_ms += 1_000 - world.now_ms % 1_000
    world.open_round(opens=format_when(world.now_ms + DAY_MS), closes=format_when(world.now_ms + 2 * DAY_MS))
    start = world.now_ms - 1 + DAY_MS
    for at in (start, start + DAY_MS - 1):
        world.now_ms = at
        town.comment(f"puntual-{at}", "A tiempo.")
    audited(town)


TEXTS = {
    "from right to left": "مرحبا, שלום, hola",
    "bidi overrides": "\u202egnp.exe\u202c \u2066aislado\u2069",
    "zero width alone": "\u200b\u200d\u2060",
    "a byte order mark inside": "antes\ufeffdespués",
    "line and paragraph separators": "uno\u2028dos\u2029tres\u0085cuatro",
    "control characters": "\x01\x1b[31mrojo\x7f\x9b",
    "tabs and line feeds": "\tcolumna\r\n\nfin",
    "quotes and backslashes": '"\\" \\u0000 \\\\',
    "combining marks": "e\u0301" + "\u0300" * 200,
    "not normalised": "café cafe\u0301 ﬁn Å Å",
    "non-characters and private use": "\ufffe\uffff\ue000\U0010ffff",
    "emoji of several code points": "👩🏽‍🌾🇬🇹",
    "K'iche' with four kinds of apostrophe": "K'iche' K’iche’ Kʼiche7 k`iche´",
    "a note within": "constancia.example/gt\n1\n\n— constancia.example/gt AAAA\n",
    "HTML": "<script>alert(1)</script>&amp;<!--",
    "the longest": "\U0001f5f3" * 2_048,
    "four thousand": "ñ" * 4_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_with(text: str) -> None:
    town = Town(witnessed=True)
    town.comment("rara", text)
    town.world.say("ContextNoted", "irm:irm", first_day=NONE, last_day=NONE, words={"text": text})
    audited(town)


def test_statements_in_spanish_english_and_kiche() -> None:
    town = Town(witnessed=True)
    for lang, text in (
        ("es-GT", "Se avanzó."),
        ("en", "There was progress."),
        ("quc", "Xb'an le chak."),
        ("quc-Latn-GT", "Utz."),
    ):
        town.world.say("ContextNoted", "irm:irm", first_day=NONE, last_day=NONE, words={"text": text}, lang=lang)
        town.show(
            town.world.say("CommentSubmitted", f"{lang}:citizen", **town.world.comment(lang, text), lang=lang),
            lang,
            text,
        )
    audited(town)


# --- what is said -----------------------------------------------------------------------------------------------------


def test_every_kind_of_statement_and_the_margins_of_each() -> None:
    world = World()
    world.entries = storyline.history()
    for entry in world.entries:
        world.docket.evolve(entry.received_ms, entry.opened)
    world.now_ms = world.entries[-1].received_ms + 1
    storyline.evidence(world)
    storyline.margins(world)
    town = Town(witnessed=True, world=world)
    hidden = {entry.opened.statement.kind: entry for entry in world.entries}
    for entry in world.entries:
        for salted in entry.opened.statement.salted_digests():
            who = {"ana": "ContentWithheld", "eva": "StatementWithdrawn"}
            taken = next((by for name, by in who.items() if entry.opened.statement.by[0].key == public(name)), None)
            line: dict[str, Any] = {"index": entry.index, "salted_digest": salted}
            if taken:
                by = next(each for each in world.entries if each.opened.statement.kind == taken)
                town.lines.append(line | {"by": {"index": by.index, "digest": by.opened.identity}})
            else:
                town.lines.append(line | {"salt": SALT.hex(), "content": {"text": "Buen plan."}})
    assert len(hidden) >= 55
    audited(town)


def test_three_plans() -> None:
    town = Town(witnessed=True)
    for plan, cycle in (("gt-2016-2018", 3), ("gt-2018-2020", 4)):
        for role, scope in (("coordinator", {}), ("institution", {"institution": "copret"})):
            w.grant(town.world, "copret", role, scope={"plans": [plan], **scope})
        fields: dict[str, Any] = {
            "title": f"Plan {cycle}",
            "country": "GT",
            "cycle": cycle,
            "document": digest_of(plan),
        }
        town.world.say("PlanRegistered", CHAIR, plan=plan, starts=NONE, ends=NONE, **fields)
        town.world.say("CommitmentRegistered", CHAIR, plan=plan, **w.commitment(f"{plan}/G1"))
        town.world.say("CompletionReported", COPRET, plan=plan, **level(subject=f"{plan}/G1"))
    audited(town)


def meeting(town: Town, name: str, **fields: Any) -> None:
    starts = format_when(town.world.now_ms + DAY_MS)
    said: dict[str, Any] = {"meeting": name, "meeting_form": "committee", "starts": starts, "place": "Sede"}
    town.world.say("MeetingConvened", CHAIR, **said | {"invited": [], "agenda": [], **fields})


def test_a_meeting_to_which_nobody_was_invited_and_nobody_came() -> None:
    town = Town(witnessed=True)
    meeting(town, "vacia")
    town.world.say("AttendanceRecorded", CHAIR, meeting="vacia", present=[])
    audited(town)


def test_minutes_that_a_body_signs_a_year_later() -> None:
    town = Town(witnessed=True)
    meeting(town, "comite-1", invited=["icefi", "irm"])
    present = [{"actor": actor, "post": "Delegada"} for actor in ("icefi", "irm")]
    town.world.say("AttendanceRecorded", CHAIR, meeting="comite-1", present=present)
    acta = digest_of("acta")
    town.world.say("MinutesApproved", CHAIR, "icefi:holder", meeting="comite-1", document=acta)
    town.world.now_ms += 366 * DAY_MS
    town.world.say("MinutesApproved", "irm:holder", meeting="comite-1", document=acta)
    audited(town)


def test_what_was_imported_and_then_confirmed_and_then_said() -> None:
    town = Town(witnessed=True)
    printed = w.printed("C8/level", on_behalf_of="segeplan")
    fields = level(subject=C8, level="complete", printed=printed)
    imported = town.world.say("CompletionReported", IMPORTER, **fields)
    town.world.say("StatementConfirmed", "segeplan:holder", statement=imported.opened.identity)
    town.world.say("CompletionReported", "segeplan:institution", **level(subject=C8, level="complete"))
    audited(town)


def test_a_level_that_goes_up_and_down_as_often_as_the_rules_allow() -> None:
    town = Town(witnessed=True)
    for _ in range(5):
        town.world.now_ms += 1_000
        town.world.say("CompletionReported", COPRET, **level(level="complete"))
        town.world.say("CommitmentReopened", COPRET, commitment=G1, reason="Falta.")
        town.world.say("CompletionReported", COPRET, **level(level="not_started"))
    audited(town)


def test_a_claim_that_is_wrong_is_no_fault_of_the_ledger() -> None:
    town = Town(witnessed=True)
    claims = [{"measure": "level_count", "scope": {"level": "complete"}, "value": 48, "out_of": 48}]
    fields: dict[str, Any] = {"report": "final", "report_form": "self_assessment_final", "version": 1, "title": "Final"}
    town.world.say("ReportPublished", CHAIR, **fields, on=NONE, document=digest_of("final"), claims=claims)
    assert [line.claim.verdict for line in audited(town).claims] == ["differs"]


def test_signatures_made_at_random() -> None:
    town = Town(witnessed=True)
    note = town.world.sign(
        "CommentSubmitted", "safari:citizen", **town.world.comment("safari", "Desde otro navegador.")
    )
    other = signed_otherwise(note, key_of("safari"))
    assert open_statement(other, ORIGIN).identity == open_statement(note, ORIGIN).identity
    town.show(town.take(other), "safari", "Desde otro navegador.")
    audited(town)


# --- files ------------------------------------------------------------------------------------------------------------


def test_partial_files_of_every_size_there_was() -> None:
    leaves = TOWN.world.leaves()
    others = {path: raw for path, raw in TOWN.files.items() if not path.startswith("tile/")}
    files = publish(ORIGIN, leaves, key_of("log"), heads=range(1, SIZE), others=others)
    cleared(TOWN.audit(files))


def test_partial_files_swept_once_the_full_one_is_there() -> None:
    files = Files({path: raw for path, raw in TOWN.files.items() if "/000.p/" not in path or path.startswith("tile/1")})
    assert len(files) < len(TOWN.files)
    cleared(TOWN.audit(files))


def test_partial_files_swept_while_the_audit_reads() -> None:
    # Whoever took the checkpoint of 200 entries an hour ago cuts the full files now.
    older = TOWN.operator.sign(TOWN.world.leaves()[:200], TOWN.witnesses)
    assert not any(path.endswith(".p/200") for path in TOWN.files)
    assert cleared(TOWN.audit(Growing(Files({"checkpoint": older}), TOWN.files))).size == 200


def test_files_written_ahead_of_the_next_head() -> None:
    # A crash between tiles and head leaves this; the next start signs it.
    more = publish(ORIGIN, [*TOWN.world.leaves(), TOWN.world.leaves()[3]], key_of("log"))
    ahead = {path: more[path] for path in ("tile/0/001.p/82", "tile/entries/001.p/82")}
    cleared(TOWN.audit(Files(TOWN.files | ahead)), "files-ahead")


def test_the_last_record_of_a_day_torn_by_a_crash() -> None:
    files = TOWN.files.copy()
    files[DAY] += files[DAY][:50]
    cleared(TOWN.audit(files), "torn-record")


def test_a_ledger_that_says_it_keeps_a_record() -> None:
    world = World()
    world.say("LedgerOpened", *w.FOUNDERS, **founding(purpose="record"))
    report = audited(Town(world=world, witnessed=True))
    assert report.purpose == "record"
    assert "demonstration" not in {remark.kind for remark in report.remarks}


# --- a ledger that grows while it is read -----------------------------------------------------------------------------


def test_a_ledger_that_grew_after_its_checkpoint_was_read() -> None:
    town = Town(witnessed=True)
    before = town.mirror()
    for number in range(300):
        town.comment(f"nueva-{number}", "Mientras usted leía.")
    town.publish_again()
    after = Files(before | town.files)  # files of older heads stay for an hour
    assert cleared(town.audit(Growing(before, after))).size < len(town.world.entries)


def test_a_content_withheld_while_the_audit_reads() -> None:
    town = Town(witnessed=True)
    before = town.mirror()
    entry = town.comments[4]
    town.hide(entry, town.withhold(entry))
    town.publish_again()
    after = Files(before | town.files)
    assert cleared(town.audit(Growing(before, after))).size == len(town.world.entries) - 1


def test_a_head_ahead_of_the_checkpoint_because_the_witnesses_are_slow() -> None:
    town = Town(witnessed=True)
    for witness in town.witnesses:
        witness.down = True
    town.comment("sin-testigos", "Nadie ha firmado todavía.")
    checkpoint = town.files["checkpoint"]
    leaves = town.world.leaves()
    files = town.operator.publish(leaves, cosigned=town.cosigned)
    files["checkpoint"] = checkpoint
    report = cleared(town.audit(files))
    assert report.size == len(leaves) - 1


def test_a_head_ahead_of_the_checkpoint_by_a_whole_bundle() -> None:
    # The witnesses were slow, and meanwhile hundreds of comments came, with their texts.
    slow = TOWN.operator.sign(TOWN.world.leaves()[:200], TOWN.witnesses)
    older = publish(ORIGIN, TOWN.world.leaves()[:200], key_of("log"))
    tiles = {path: raw for path, raw in older.items() if path.startswith("tile/")}
    heads = days([TOWN.cosigned[0], slow])
    report = cleared(TOWN.audit(Files(TOWN.files | tiles | heads | {"checkpoint": slow})))
    assert report.size == 200


def test_words_of_a_withdrawn_dispute_that_stay_in_view(tmp_path: Path) -> None:
    town = Town(witnessed=True)
    fields: dict[str, Any] = {"for_": [f"{G1}.M0"], "url": "http://example.gt/acta", "title": "Acta", "shows": "Hecho"}
    link = town.world.say("EvidenceLinked", COPRET, **fields, evidence_type="page").opened.identity
    words = {"salted_digest": salted_digest(ORIGIN, public("ana"), {"text": "No está."})}
    disputed: dict[str, Any] = {"link": link, "mechanism": f"{G1}.M0", "objection": "absent", "words": words}
    dispute = town.world.say("EvidenceDisputed", "ana:citizen", **disputed)
    town.show(dispute, "ana", "No está.")
    town.world.say("StatementWithdrawn", "ana:citizen", statement=dispute.opened.identity)
    audited(town)
    for _ in range(2):
        with Kept(tmp_path / "kept.db") as kept:
            cleared(town.audit(kept=kept, every_text=True))


# --- heads, witnesses, policies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 100, 255, 256, 257, 300, 336, 337])
def test_an_older_head_of_this_history(size: int) -> None:
    head = sign_checkpoint(Checkpoint(ORIGIN, size, tree_of(TOWN.world.leaves()[:size])), key_of("log"))
    cleared(TOWN.audit(seen=[head]))


def test_an_auditor_who_kept_every_head() -> None:
    town = Town(witnessed=True)
    auditor = Auditor(town)
    for number in range(20):
        cleared(auditor.look(town.files))
        town.comment(f"diaria-{number}", "Cada vez uno más.")
        town.publish_again()
    cleared(auditor.look(town.files))


@pytest.mark.parametrize("kind", [Files, Web])
def test_cosigned_heads_of_the_day(kind: type[Files]) -> None:
    report = cleared(TOWN.audit(kind(TOWN.files)))
    assert report.counts.heads == 5  # three of the day, `head` and the checkpoint
    assert [name for name, _ in report.witnesses] == [each.key_name for each in TOWN.witnesses]


def test_a_witness_that_is_down_for_a_week() -> None:
    town = Town(witnessed=True)
    for day in range(10):
        town.witnesses[0].down = 1 <= day < 8
        town.world.now_ms += DAY_MS
        town.comment(f"dia-{day}", "Un día más.")
        town.publish_again()
        cleared(town.audit())
    assert len([path for path in town.files if path.startswith("checkpoints/")]) == 11
    assert town.witnesses[0].key_name in dict(cleared(town.audit()).witnesses)


@pytest.mark.parametrize("off_s", [-59, 59])
@pytest.mark.parametrize("who", ["a", "d", "abcde"])
def test_clocks_of_witnesses_that_are_off_by_59_seconds(who: str, off_s: int) -> None:
    world = found()
    town = Town(witnessed=True, world=world)
    for witness in town.witnesses:
        witness.off_s = off_s if witness.name in who else 0
    world.open_round()
    for number in range(5):
        town.comment(f"reloj-{number}", "¿Qué hora es?")
        town.publish_again()
    cleared(town.audit())


@pytest.mark.parametrize("off_s", [-3_600, 3_600])
def test_one_clock_that_is_off_by_an_hour(off_s: int) -> None:
    world = found()
    town = Town(witnessed=True, world=world)
    town.witnesses[1].off_s = off_s
    world.open_round()
    for number in range(5):
        town.comment(f"reloj-{number}", "¿Qué hora es?")
        town.publish_again()
    cleared(town.audit())


def test_one_head_cosigned_again_each_minute_of_an_hour() -> None:
    town = Town(witnessed=True)
    for _ in range(60):
        town.world.now_ms += 59_000
        town.sign_head()
    files = Files(town.files | days(town.cosigned))
    assert cleared(town.audit(files)).counts.heads == 65


def test_a_witness_twice_under_one_head() -> None:
    text = parse_note(TOWN.files["head"]).text
    twice = [TOWN.witnesses[0].sign(text, TOWN.clock_s + minute * 60) for minute in range(3)]
    files = TOWN.operator.serve("checkpoint", lambda raw: with_lines(raw, twice))
    report = cleared(TOWN.audit(files))
    assert dict(report.witnesses)[TOWN.witnesses[0].key_name] == TOWN.clock_s + 120


def test_lines_of_witnesses_that_the_reader_does_not_know() -> None:
    stranger = copy(TOWN.witnesses[0])
    stranger.key_name, stranger.key = "testigo-x.example/w", key_of("x")
    line = stranger.sign(parse_note(TOWN.files["head"]).text, TOWN.clock_s)
    cleared(TOWN.audit(TOWN.operator.serve("checkpoint", lambda raw: with_lines(raw, [line]))))


def test_the_least_quorum() -> None:
    town = Town(witnessed=True)
    for witness in town.witnesses:
        witness.down = witness.name in "be"
    town.comment("minimo", "Bastan tres.")
    assert len(audited(town).witnesses) == 3


def test_times_that_nobody_bounds() -> None:
    town = Town()
    town.witnesses = Town(witnessed=True).witnesses
    head, leaves = town.files["head"], town.world.leaves()
    for witness in town.witnesses:
        witness.latest = type(witness.latest)(0, tree_of([]))
    files = Files(town.files | {"checkpoint": ask(town.witnesses, head, leaves, town.clock_s + 3_600)})
    report = cleared(town.audit(files), "time-unbounded")
    assert str(len(leaves)) in next(remark.en for remark in report.remarks if remark.kind == "time-unbounded")


def test_a_policy_with_comments_tabs_and_addresses() -> None:
    lines = TOWN.policy_file.decode().splitlines()
    logs = [f"{line} https://constancia.example/gt" for line in lines if line.startswith(("log", "witness"))]
    groups = [line.replace(" ", " \t ") + " " for line in lines if not line.startswith(("log", "witness"))]
    spelled = "\n".join(["# a policy", "", *logs, "", *groups, "# end", ""])
    policy = parse_policy(spelled.encode())
    assert policy.groups == TOWN.policy.groups
    cleared(TOWN.audit(TOWN.operator.serve("policy", lambda _: spelled.encode()), policy=policy))


def two_keys(signers: Iterable[str]) -> tuple[Town, Files, bytes]:
    """A ledger founded with two log keys, both in the policy, and a head signed by these."""
    world = World()
    world.say("LedgerOpened", *w.FOUNDERS, **founding(log_keys=[public("log"), public("log-2")]))
    w.add_actor(world, "irm", "organisation")
    town = Town(world=world)
    vkeys = [format_vkey(ORIGIN, ED25519, bytes(key_of(name).verify_key)) for name in ("log", "log-2")]
    policy = "".join(f"log {vkey}\n" for vkey in vkeys).encode() + b"quorum none\n"
    text = parse_note(town.files["head"]).text
    head = format_note(Note(text, tuple(sign_line(ORIGIN, key_of(name), text) for name in signers)))
    return town, Files(town.files | {"policy": policy, "checkpoint": head, "head": head}), policy


@pytest.mark.parametrize("signers", [["log"], ["log-2"], ["log", "log-2"], ["log-2", "log"]], ids="+".join)
def test_both_keys_of_the_log_in_the_policy(signers: list[str]) -> None:
    town, files, policy = two_keys(signers)
    assert origin_of(parse_policy(policy)) == ORIGIN
    cleared(town.audit(files, policy=parse_policy(policy)))


def test_a_desk_with_a_key_of_its_own() -> None:
    said = ledger_file(ORIGIN, key_of("log")).replace(
        b'"formats"', b'"desk_key":"%b","formats"' % public("desk").encode()
    )
    cleared(TOWN.audit(Files(TOWN.files | {"ledger.json": said})))


# --- servers ----------------------------------------------------------------------------------------------------------


class Server:
    """A server that answers as it is told."""

    def __init__(self, said: Callable[[int], str | None], records: DictRecords) -> None:
        self.said = said
        self.records = records

    def served_digest(self, size: int) -> str | None:
        return self.said(size)

    def served_records(self, size: int) -> Iterator[tuple[str, str, bytes]]:
        return iter(list(self.records.lines()))


@pytest.mark.parametrize("at", [None, 100])
def test_a_server_that_tells_the_truth(at: int | None) -> None:
    records = DictRecords()
    TOWN.audit(records=records, at=at)
    server = Server(lambda size: digest(records, ORIGIN, size), records)
    report = cleared(TOWN.audit(Web(TOWN.files), server=server, at=at))
    assert report.served_digest == report.digest


def test_a_server_that_says_nothing() -> None:
    cleared(TOWN.audit(Web(TOWN.files), server=Server(lambda _: None, DictRecords())), "no-served-digest")

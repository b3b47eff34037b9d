"""What the record shows to be at odds: each rule with a world that has it and a twin that has not; the real report.

The last tests count the anomalies of the real report, and count them again from its text with a few lines of their own.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from html import unescape
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
import world as w
from storyline import story
from test_importer import COMMITTEES, DATES, INSTITUTIONS, LEVELS, NAMES, register, simple_tables, town_for
from test_reuse import naive
from world import C8, G1, G2, PLAN, World

from api.importer import draft_statements
from api.report_reader import read_report
from ledger.statement import Entry, format_when
from projections.anomalies import RULES, Anomaly, Scene, anomalies_of, meeting_gaps, silences_of, texts_in
from projections.commitments import Day, PlanState
from projections.records import DictRecords
from projections.replay import replay

DAY = 86_400_000
CHAIR, MINFIN, SEGEPLAN, IMPORTER = (
    "copret:coordinator",
    "minfin:institution",
    "segeplan:institution",
    "importador:importer",
)
TODAY = "2026-02-16"
OWN = "http://gobiernoabierto.transparencia.gob.gt/compromisos/7"
G3, G4 = f"{PLAN}/G3", f"{PLAN}/G4"


def folded(entries: Iterable[Entry]) -> DictRecords:
    records = DictRecords()
    replay(entries, records)
    return records


def found_in(entries: Iterable[Entry], as_of: str) -> tuple[Anomaly, ...]:
    entries = list(entries)
    return anomalies_of(folded(entries), PLAN, len(entries), as_of)


def of(world: World, rule: str) -> list[Anomaly]:
    """The anomalies of a rule that a world has on its last day."""
    return [one for one in found_in(world.entries, today_of(world)) if one.rule == rule]


def today_of(world: World) -> str:
    last = world.entries[-1].received_ms - 360 * 60_000
    return date.fromordinal(last // DAY + date(1970, 1, 1).toordinal()).isoformat()


# --- worlds -----------------------------------------------------------------------------------------------------------


def level(world: World, subject: str = G2, name: str = "complete", who: str = MINFIN, **fields: Any) -> Entry:
    told: Any = {"subject": subject, "level": name, "reason": "Hecho.", "evidence": [], **fields}
    return world.say("CompletionReported", who, **told)


def dated(world: World, day: str, precision: str = "day", who: str = MINFIN, subject: str = G2, **fields: Any) -> Entry:
    said = {"precision": precision, "day": day} if precision != "none" else {"precision": "none"}
    return world.say("CompletionDateSet", who, subject=subject, date=said, **fields)


def link(world: World, url: str, to: str = G2, who: str = MINFIN, **fields: Any) -> Entry:
    told: Any = {
        "for_": [f"{to}.M0"],
        "url": url,
        "title": "Acta",
        "evidence_type": "minutes",
        "shows": "Lo hecho",
        **fields,
    }
    return world.say("EvidenceLinked", who, **told)


def capture(world: World, of_: Entry, digest: str) -> Entry:
    told: Any = {"link": of_.opened.identity, "digest": w.digest_of(digest), "size": 9, "media_type": "text/html"}
    return world.say(
        "EvidenceCaptured", "captura:capturer", **told, method="direct", captured_at=format_when(world.now_ms)
    )


def report(world: World, *claims: dict[str, Any], on: str = "2015-09-30") -> Entry:
    told: Any = {"report": "medio", "report_form": "self_assessment_midterm", "version": 1, "title": "Informe"}
    day = {"precision": "day", "day": on}
    return world.say("ReportPublished", CHAIR, **told, document=w.digest_of("r"), on=day, claims=list(claims))


def claims(count: int, share: int) -> list[dict[str, Any]]:
    scope = {"level": "complete"}
    return [
        {"measure": "level_count", "scope": scope, "value": count, "out_of": 3},
        {"measure": "level_share_bp", "scope": scope, "value": share, "out_of": 10_000},
    ]


def mechanism(world: World, name: str = f"{C8}.M1", **fields: Any) -> Entry:
    told: Any = {"mechanism": name, "text": "Un mapa.", "means": "El mapa publicado", "repeats": "once", **fields}
    return world.say("MechanismDefined", CHAIR, **told)


def meetings(world: World, *days: str) -> None:
    for number, day in enumerate(days):
        told: Any = {
            "meeting": f"mesa-{number}",
            "meeting_form": "committee",
            "place": "Sede",
            "invited": [],
            "agenda": [],
        }
        starts = {"precision": "day", "day": day}
        world.say("MeetingConvened", IMPORTER, **told, starts=starts, printed=w.printed(f"meeting/{number}"))


def pass_days(world: World, days: int) -> None:
    """Time passes, and somebody else says something."""
    world.now_ms += days * DAY
    world.say("AxisDefined", CHAIR, axis=f"eje-{world.now_ms}", title="Otro eje")


def amount(world: World, value: int, out_of: int) -> None:
    told: Any = {"indicator": "g2-cobertura", "subject": G2, "title": "Cobertura", "unit": "municipios", "decimals": 0}
    world.say("IndicatorDefined", MINFIN, **told)
    as_of = {"precision": "day", "day": "2015-06-30"}
    world.say(
        "IndicatorMeasured", MINFIN, indicator="g2-cobertura", as_of=as_of, values=[{"value": value}], out_of=out_of
    )


LONG = "mejorar la transparencia de las compras públicas en cada municipio"
OTHER = "traducir la ley de acceso a los idiomas mayas que más se hablan"


def two_commitments(world: World, first: str, second: str) -> None:
    world.say("CommitmentRegistered", CHAIR, **w.commitment(G3, objective=first))
    world.say("CommitmentRegistered", CHAIR, **w.commitment(G4, "minfin", objective=second))


def shared(world: World, other: str, *, explained: bool = False) -> None:
    world.say("CommitmentRegistered", CHAIR, **w.commitment(G3))
    one = link(world, "http://example.gt/acta?id=1", G1, "copret:institution")
    two = link(world, other, G3, "copret:institution")
    if explained:
        both = [one.opened.identity, two.opened.identity]
        uses = [{"commitment": G1, "takes": "La página 3"}, {"commitment": G3, "takes": "La página 7"}]
        world.say("SharedUseExplained", "copret:institution", evidence=both, uses=uses)


def take_back(world: World, who: str) -> Entry:
    """The last statement is withdrawn."""
    words = {"text": "No era."}
    return world.say("StatementWithdrawn", f"{who}:holder", statement=world.entries[-1].opened.identity, words=words)


def same_bytes(world: World, digest: str) -> None:
    one = link(world, "http://example.gt/a", G1, "copret:institution")
    two = link(world, "http://example.gt/b")
    capture(world, one, "uno")
    capture(world, two, digest)


def disputed(world: World, days: int, *, answered: bool = False) -> None:
    of_ = link(world, "http://example.gt/acta")
    told: Any = {
        "link": of_.opened.identity,
        "mechanism": f"{G2}.M0",
        "objection": "absent",
        "words": {"text": "No está."},
    }
    dispute = world.say("EvidenceDisputed", "icefi:assessor", **told)
    if answered:
        respond(world, dispute, MINFIN)
    pass_days(world, days)


def respond(world: World, question: Entry, who: str = CHAIR) -> Entry:
    words = {"text": "Así es."}
    return world.say("ResponseGiven", who, answers=[question.opened.identity], disposition="accepted", words=words)


def requested(world: World, *, linked: bool = False, answered: bool = False) -> None:
    due = {"precision": "day", "day": "2026-03-01"}
    told: Any = {"institution": "minfin", "mechanism": f"{G2}.M0", "words": {"text": "El acta."}, "due": due}
    request = world.say("EvidenceRequested", "icefi:assessor", **told)
    if linked:
        link(world, "http://example.gt/acta", answers=[request.opened.identity])
    if answered:
        respond(world, request, MINFIN)
    pass_days(world, 20)


def advised(world: World, days: int, *, answered: bool = False) -> None:
    advice = world.say("RecommendationMade", "irm:irm", to="copret", words={"text": "Publique las actas."})
    if answered:
        respond(world, advice)
    pass_days(world, days)


def commented(world: World, days: int, *, answered: bool = False, **fields: Any) -> None:
    world.open_round(**fields)
    comment = world.say("CommentSubmitted", "maria:citizen", **world.comment("maria"))
    if answered:
        respond(world, comment)
    pass_days(world, days)


PROMISED: dict[str, Any] = {"answer_by": {"precision": "day", "day": "2026-03-10"}}


def monthly() -> list[str]:
    return [f"{2014 + (5 + n) // 12}-{(5 + n) % 12 + 1:02d}-28" for n in range(31)]


Making = Callable[[World], Any]

# Rule, a world that has it, twins that have not.
TWINS: list[tuple[str, Making, list[Making]]] = [
    (
        "report/count",
        lambda x: (level(x), report(x, *claims(2, 3333))),
        [lambda x: (level(x), report(x, *claims(1, 3333)))],
    ),
    (
        "report/share",
        lambda x: (level(x), report(x, *claims(1, 3334))),
        [lambda x: (level(x), report(x, *claims(1, 3333)))],
    ),
    (
        "date/after-report",
        lambda x: (level(x), dated(x, "2015-10-01"), report(x)),
        [
            lambda x: (level(x), dated(x, "2015-09-30"), report(x)),
            lambda x: (level(x), dated(x, "2015-01-01", "year"), report(x)),
            lambda x: (level(x, name="substantial"), dated(x, "2015-10-01"), report(x)),
            lambda x: (report(x), level(x), dated(x, "2015-10-01")),
        ],
    ),
    (
        "date/not-yet",
        lambda x: (level(x), dated(x, "2026-02-17")),
        [lambda x: (level(x), dated(x, TODAY)), lambda x: (level(x), dated(x, "2026-02-01", "month"))],
    ),
    (
        "date/evidence-later",
        lambda x: (
            level(x),
            dated(x, "2015-07-31"),
            link(x, "http://a.gt/b", dated={"precision": "month", "day": "2015-08-01"}),
        ),
        [
            lambda x: (
                level(x),
                dated(x, "2015-07-31"),
                link(x, "http://a.gt/b", dated={"precision": "month", "day": "2015-07-01"}),
            )
        ],
    ),
    (
        "open/mechanism",
        lambda x: (mechanism(x), level(x, f"{C8}.M1", "limited", SEGEPLAN), level(x, C8, who=SEGEPLAN)),
        [lambda x: (mechanism(x), level(x, f"{C8}.M1", "complete", SEGEPLAN), level(x, C8, who=SEGEPLAN))],
    ),
    (
        "open/share",
        lambda x: level(x, share={"value": 3, "out_of": 4, "unit": "municipios"}),
        [
            lambda x: level(x, share={"value": 4, "out_of": 4, "unit": "municipios"}),
            lambda x: level(x, name="substantial", share={"value": 3, "out_of": 4, "unit": "municipios"}),
        ],
    ),
    ("open/figure", lambda x: (level(x), amount(x, 345, 350)), [lambda x: (level(x), amount(x, 350, 350))]),
    (
        "open/steps",
        lambda x: (level(x), x.say("NextStepsSet", MINFIN, commitment=G2, steps=[{"text": "Seguir."}])),
        [
            lambda x: (
                level(x, name="limited"),
                x.say("NextStepsSet", MINFIN, commitment=G2, steps=[{"text": "Seguir."}]),
            ),
            level,
        ],
    ),
    ("evidence/none", level, [lambda x: (level(x), link(x, "http://a.gt/b")), lambda x: level(x, name="limited")]),
    ("evidence/only-own-page", lambda x: link(x, OWN), [lambda x: (link(x, OWN), link(x, "http://a.gt/b"))]),
    (
        "evidence/only-home-page",
        lambda x: (link(x, "https://A.gt:443/?x=1#y"), link(x, OWN)),
        [lambda x: link(x, "http://a.gt/b"), lambda x: link(x, OWN)],
    ),
    (
        "evidence/before-plan",
        lambda x: link(x, "http://a.gt/b", dated={"precision": "month", "day": "2014-05-01"}),
        [lambda x: link(x, "http://a.gt/b", dated={"precision": "month", "day": "2014-06-01"})],
    ),
    (
        "evidence/shared",
        lambda x: shared(x, "https://EXAMPLE.gt:443/acta?id=1#p2"),
        [
            lambda x: shared(x, "http://example.gt/acta?id=2"),
            lambda x: shared(x, "http://example.gt/acta?id=1", explained=True),
            lambda x: (shared(x, "http://example.gt/acta?id=1"), take_back(x, "copret")),
        ],
    ),
    ("evidence/shared", lambda x: same_bytes(x, "uno"), [lambda x: same_bytes(x, "dos")]),
    (
        "text/repeated",
        lambda x: two_commitments(x, LONG, LONG.title().replace("Ú", "ú")),
        [lambda x: two_commitments(x, LONG, OTHER)],
    ),
    (
        "self-assessed",
        lambda x: None,
        [lambda x: x.say("RoleEnded", "copret:holder", grant=grant_of(x), words={"text": "Otro coordina."})],
    ),
    ("missing/mechanisms", lambda x: None, [lambda x: [mechanism(x, f"{one}.M1") for one in (G1, G2, C8)]]),
    (
        "missing/means",
        mechanism,
        [
            lambda x: mechanism(
                x, goal={"value": 1, "decimals": 0, "unit": "mapa"}, due={"precision": "day", "day": "2015-12-31"}
            )
        ],
    ),
    (
        "missing/date",
        lambda x: (dated(x, "2015-07-01"), dated(x, "2015-07-01", subject=C8, who=SEGEPLAN)),
        [
            lambda x: (
                dated(x, "2015-07-01"),
                dated(x, "2015-07-01", subject=C8, who=SEGEPLAN),
                dated(x, "2015-07-01", subject=G1, who="copret:institution"),
            )
        ],
    ),
    (
        "date/moved",
        lambda x: (dated(x, "2015-07-01", "month"), dated(x, "2015-12-31", reason="Faltó dinero.")),
        [
            lambda x: dated(x, "2015-07-01", "month"),
            lambda x: (dated(x, "2015-07-01"), dated(x, "2015-07-01", reason="La misma.")),
        ],
    ),
    ("silence/meetings", lambda x: meetings(x, "2014-06-28", "2014-08-01"), [lambda x: meetings(x, *monthly())]),
    ("silence/institution", lambda x: pass_days(x, 184), [lambda x: pass_days(x, 183)]),
    (
        "unanswered/comments",
        lambda x: commented(x, 30, **PROMISED),
        [lambda x: commented(x, 10, **PROMISED), lambda x: commented(x, 30, answered=True, **PROMISED)],
    ),
    (
        "unanswered/comments",
        lambda x: commented(x, 52),
        [lambda x: commented(x, 51), lambda x: commented(x, 52, answered=True)],
    ),
    (
        "unanswered/dispute",
        lambda x: disputed(x, 30),
        [lambda x: disputed(x, 29), lambda x: disputed(x, 30, answered=True)],
    ),
    ("unanswered/request", requested, [lambda x: requested(x, linked=True), lambda x: requested(x, answered=True)]),
    (
        "unanswered/advice",
        lambda x: advised(x, 30),
        [lambda x: advised(x, 29), lambda x: advised(x, 30, answered=True)],
    ),
]


def grant_of(world: World) -> str:
    return next(e.opened.identity for e in world.entries if getattr(e.opened.statement, "role", "") == "coordinator")


def made(making: Making) -> World:
    world = w.found()
    making(world)
    return world


@pytest.mark.parametrize(("rule", "making", "twins"), TWINS, ids=[rule for rule, _, _ in TWINS])
def test_a_rule_fires_in_a_world_that_has_it_and_not_in_its_twins(
    rule: str, making: Making, twins: list[Making]
) -> None:
    assert of(made(making), rule) != []
    assert [of(made(twin), rule) for twin in twins] == [[]] * len(twins)


def test_every_rule_has_a_world() -> None:
    assert {rule for rule, _, _ in TWINS} == set(RULES)


# --- what each says ---------------------------------------------------------------------------------------------------


def only(world: World, rule: str) -> Anomaly:
    (one,) = of(world, rule)
    return one


def test_a_claimed_count_names_the_commitments_and_the_entries_behind_the_records_figure() -> None:
    world = w.found()
    said, published = level(world), report(world, *claims(2, 3333))
    assert only(world, "report/count") == Anomaly(
        rule="report/count",
        commitments=(G2,),
        subject="medio/1",
        figures={"claimed": 2, "computed": 1, "out_of": 3},
        codes={"measure": "level_count", "level": "complete"},
        entries=(said.index, published.index),
    )


@pytest.mark.parametrize(("count", "share", "how"), [(2, 6666, "truncated"), (2, 6660, "differs")])
def test_a_share_that_was_cut_is_told_from_one_that_is_wrong(count: int, share: int, how: str) -> None:
    one = only(made(lambda x: report(x, *claims(count, share))), "report/share")
    assert one.figures == {"claimed": share, "count": count, "out_of": 3, "computed": 6667}
    assert one.codes == {"level": "complete", "how": how}


def test_dates_that_moved_give_the_moves_and_the_days_added() -> None:
    world = w.found()
    steps = [
        dated(world, "2015-07-01", "month"),
        dated(world, "2015-06-30", reason="Antes."),
        dated(world, "2016-01-01", "year", reason="Después."),
    ]
    one = only(world, "date/moved")
    assert one.figures == {"moves": 2, "days": (date(2016, 12, 31) - date(2015, 7, 31)).days}
    assert one.dates == {
        "first": Day(precision="month", day="2015-07-01"),
        "last": Day(precision="year", day="2016-01-01"),
    }
    assert one.entries == tuple(step.index for step in steps)


def test_a_printed_date_never_moves_a_signed_one() -> None:
    world = w.found()
    dated(world, "2015-07-01")
    printed = w.printed("G2/date", on_behalf_of="segeplan")
    world.say("CompletionDateSet", IMPORTER, subject=C8, date={"precision": "none"}, printed=printed)
    dated(world, "2015-08-01", subject=C8, who=SEGEPLAN, reason="La del informe no era.")
    assert [(one.commitments, one.figures) for one in of(world, "date/moved")] == [((C8,), {"moves": 1, "days": 0})]


def test_texts_tell_fields_shared_words_and_part_of_the_shorter_one() -> None:
    world = made(lambda x: two_commitments(x, LONG, f"Con ello, {LONG}, y así rinde cuentas"))
    one = only(world, "text/repeated")
    assert one.commitments == (G3, G4)
    assert one.institutions == ("copret", "minfin")
    # «municipio,» is another word than «municipio».
    assert one.figures == {"bp": 8000, "shared": 4, "words": 9, "pairs": 1}
    assert [(use.subject, use.field, use.wording) for use in one.texts] == [(G3, "objective", 0), (G4, "objective", 1)]


def test_three_commitments_with_one_text_are_one_finding_of_three_pairs() -> None:
    world = made(lambda x: two_commitments(x, LONG, LONG))
    world.say("CommitmentRegistered", CHAIR, **w.commitment(f"{PLAN}/C9", objective="Otro.", ambition=LONG))
    one = only(world, "text/repeated")
    assert (one.figures["pairs"], len(one.texts), len(one.entries)) == (3, 3, 3)


def test_a_commitment_that_repeats_itself_is_no_finding() -> None:
    world = w.found()
    world.say("CommitmentRegistered", CHAIR, **w.commitment(G3, objective=LONG, ambition=LONG))
    assert of(world, "text/repeated") == []


def test_the_reason_that_stands_is_compared_and_an_earlier_one_is_not() -> None:
    world = w.found()
    level(world, name="limited", reason=LONG)
    level(world, G1, "limited", "copret:institution", reason=LONG)
    assert len(of(world, "text/repeated")) == 1
    level(world, G1, "limited", "copret:institution", reason=OTHER)
    assert of(world, "text/repeated") == []


def test_who_shares_one_file_under_two_addresses_is_proved_by_the_captures() -> None:
    world = made(lambda x: same_bytes(x, "uno"))
    one = only(world, "evidence/shared")
    assert one.codes == {"by": "bytes"}
    assert [world.entries[index].opened.statement.kind for index in one.entries] == ["EvidenceLinked"] * 2 + [
        "EvidenceCaptured"
    ] * 2


def test_a_coordinator_that_answers_for_commitments_is_told_with_its_grant() -> None:
    world = w.found()
    level(world, G1, "complete", "copret:institution")
    one = only(world, "self-assessed")
    assert one.institutions == ("copret",)
    assert one.figures == {"commitments": 1, "of": 3, "complete": 1, "substantial": 0, "limited": 0, "not_started": 0}
    assert [world.entries[index].opened.statement.kind for index in one.entries] == [
        "RoleGranted",
        "CommitmentRegistered",
    ]


def test_gaps_between_meetings_end_with_the_plan_and_count_whole_months() -> None:
    world = made(lambda x: meetings(x, "2014-05-12", "2014-07-28", "2014-09-25", "2014-09-30"))
    assert [(one.figures, one.codes) for one in of(world, "silence/meetings")] == [
        ({"days": 59, "months": 1}, {"before": "mesa-1", "after": "mesa-2"}),
        ({"days": (date(2016, 12, 31) - date(2014, 9, 30)).days, "months": 27}, {"before": "mesa-3"}),
    ]


def test_without_any_meeting_the_whole_plan_is_a_gap() -> None:
    one = only(w.found(), "silence/meetings")
    assert (one.dates["from"].day, one.dates["to"].day) == ("2014-06-30", "2016-12-31")


def test_a_silence_has_a_beginning_and_an_end_and_one_that_lasts_has_none() -> None:
    world = w.found()
    pass_days(world, 200)
    spoken = level(world)
    pass_days(world, 190)
    told = [(one.institutions, one.figures["days"], one.codes, one.entries) for one in of(world, "silence/institution")]
    first = next(e.index for e in world.entries if getattr(e.opened.statement, "commitment", "") == G2)
    assert (("minfin",), 200, {"ended": "yes"}, (first, spoken.index)) in told
    assert (("minfin",), 190, {}, (spoken.index,)) in told
    assert [days for body, days, _, _ in told if body == ("segeplan",)] == [390]
    assert [days for body, days, _, _ in told if body == ("copret",)] == [200, 190]


def test_what_an_office_signs_breaks_the_silence_of_its_institution() -> None:
    world = w.found()
    w.add_actor(world, "tesoreria", "office", "minfin")
    w.grant(world, "tesoreria", "institution", scope={"plans": [PLAN], "institution": "minfin"})
    scene = Scene(folded(world.entries), state(world), len(world.entries), TODAY)
    assert silences_of(scene, "minfin") == []
    pass_days(world, 100)
    world.say("WeeklyReportFiled", "tesoreria:institution", institution="minfin", week="2026-W21", entries=[])
    pass_days(world, 100)
    scene = Scene(folded(world.entries), state(world), len(world.entries), today_of(world))
    assert [one.days for one in silences_of(scene, "minfin")] == [100, 100]


def state(world: World) -> PlanState:
    found = folded(world.entries).get(PlanState, PLAN)
    assert found is not None
    return found


def test_an_unknown_plan_shows_nothing_and_one_without_a_methodology_has_the_usual_thresholds() -> None:
    world = w.found()
    assert anomalies_of(folded(world.entries), "otro", len(world.entries), TODAY) == ()
    entries = [
        entry
        for entry in made(lambda x: two_commitments(x, LONG, LONG)).entries
        if entry.opened.statement.kind != "MethodologyAdopted"
    ]
    assert "text/repeated" in {one.rule for one in found_in(entries, TODAY)}


def test_what_was_withdrawn_is_no_evidence() -> None:
    world = made(lambda x: (level(x), link(x, "http://a.gt/b")))
    assert of(world, "evidence/none") == []
    take_back(world, "minfin")
    assert len(of(world, "evidence/none")) == 1


def test_an_older_size_shows_what_it_showed_then() -> None:
    world = made(lambda x: level(x))
    size = len(world.entries)
    before = found_in(world.entries, TODAY)
    link(world, "http://a.gt/b")
    assert found_in(world.entries[:size], TODAY) == before
    assert found_in(world.entries, TODAY) != before


# --- proofs -----------------------------------------------------------------------------------------------------------


def bare(one: Anomaly) -> bytes:
    """An anomaly without its proofs."""
    return msgspec.json.encode(msgspec.structs.replace(one, entries=()), order="deterministic")


def unproved(entries: list[Entry], as_of: str, every: int = 1) -> Iterator[tuple[int, str]]:
    """Cited entries without which an anomaly would be told in the same words."""
    told = found_in(entries, as_of)
    cited = sorted({index for one in told for index in one.entries})[::every]
    for index in cited:
        without = {bare(one) for one in found_in([e for e in entries if e.index != index], as_of)}
        yield from ((index, one.rule) for one in told if index in one.entries and bare(one) in without)


@pytest.mark.parametrize("making", [making for _, making, _ in TWINS], ids=[rule for rule, _, _ in TWINS])
def test_without_any_entry_that_it_cites_an_anomaly_vanishes_or_changes(making: Making) -> None:
    world = made(making)
    assert list(unproved(world.entries, today_of(world))) == []


def test_the_proofs_of_a_whole_history_are_all_needed() -> None:
    assert len(found_in(story(), "2027-01-01")) > 10
    assert list(unproved(list(story()), "2027-01-01")) == []


# --- the real report --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(seed_report: Path) -> list[Entry]:
    """The report as registered, with a coordinator and a methodology."""
    drafts, _ = draft_statements(read_report(seed_report.read_bytes()))
    world = town_for(drafts[0].statement["printed"]["source"])
    assert register(world, drafts, {}) == []
    w.grant(world, "copret", "coordinator")
    w.grant(world, "icefi", "assessor")
    adopted = {"version": 1, "parameters": w.METHODOLOGY, "document": w.digest_of("m")}
    world.say("MethodologyAdopted", CHAIR, "icefi:assessor", **adopted)
    return world.entries


@pytest.fixture(scope="module")
def told(printed: list[Entry]) -> tuple[Anomaly, ...]:
    return found_in(printed, TODAY)


@pytest.fixture(scope="module")
def segments(seed_report: Path) -> dict[str, str]:
    """The text of each table, by a counter that shares no code with the importer."""
    return dict(zip(NAMES, simple_tables(seed_report.read_text("utf-8")), strict=True))


def codes(found: Iterable[Anomaly], rule: str) -> list[str]:
    return [one.commitments[0].partition("/")[2] for one in found if one.rule == rule]


def test_the_anomalies_of_the_real_report_are_these(told: tuple[Anomaly, ...]) -> None:
    assert Counter(one.rule for one in told) == {
        "report/count": 4,
        "report/share": 1,
        "open/figure": 2,
        "open/steps": 25,
        "evidence/only-own-page": 15,
        "evidence/only-home-page": 1,
        "evidence/shared": 12,
        "text/repeated": 29,
        "self-assessed": 1,
        "missing/mechanisms": 46,
        "missing/means": 2,
        "missing/date": 5,
        "silence/meetings": 4,
        "unanswered/comments": 1,
    }


def test_the_report_claims_one_substantial_commitment_less_and_one_limited_more(
    told: tuple[Anomaly, ...], seed_report: Path
) -> None:
    sentence = next(
        line for line in seed_report.read_text("utf-8").split("\n") if "of the 48 commitments of Open" in line
    )
    limited, substantial, complete = [int(count) for count in re.findall(r"(\d+) have", sentence)]
    shares = [int(whole + part) for whole, part in re.findall(r"(\d+)\.(\d\d) *%", sentence)]
    boxes = Counter(LEVELS)
    rounded = {box: (20_000 * boxes[box] + 48) // 96 for box in "CSL"}
    figures = [
        (one.codes["measure"], one.codes["level"], one.figures["claimed"], one.figures["computed"])
        for one in told
        if one.rule == "report/count"
    ]
    assert figures == [
        ("level_count", "substantial", substantial, boxes["S"]),
        ("level_count", "limited", limited, boxes["L"]),
        ("level_share_bp", "substantial", shares[1], rounded["S"]),
        ("level_share_bp", "limited", shares[0], rounded["L"]),
    ]
    assert (complete, shares[2]) == (boxes["C"], rounded["C"])
    (cut,) = [one for one in told if one.rule == "report/share"]
    assert cut.figures == {"claimed": 2916, "count": 14, "out_of": 48, "computed": round(10_000 * 14 / 48)}
    assert cut.codes == {"level": "substantial", "how": "truncated"}


def addresses(segment: str) -> set[tuple[str, str]]:
    """The addresses of a table as they are compared: (host and path, query)."""
    found: set[tuple[str, str]] = set()
    for raw in re.findall(r"https?://[^\s]+", segment):
        rest = unescape(raw).rstrip(").,;").partition("://")[2].partition("#")[0]
        rest, _, query = rest.partition("?")
        host, slash, path = rest.partition("/")
        found.add((host.lower() + slash + path, query))
    return found


def test_links_that_serve_several_commitments_are_those_that_several_tables_print(
    told: tuple[Anomaly, ...], segments: dict[str, str]
) -> None:
    tables = {name: addresses(segment) for name, segment in segments.items()}
    users = {
        one: tuple(name for name in NAMES if one in tables[name])
        for one in set[tuple[str, str]]().union(*tables.values())
    }
    expected = Counter(names for names in users.values() if len(names) > 1)
    found = Counter(
        tuple(one.partition("/")[2] for one in anomaly.commitments)
        for anomaly in told
        if anomaly.rule == "evidence/shared"
    )
    assert found == expected
    assert sum(expected.values()) == 12


def test_tables_whose_only_links_lead_to_the_tracker_or_to_a_first_page(
    told: tuple[Anomaly, ...], segments: dict[str, str]
) -> None:
    tables = {name: addresses(segment) for name, segment in segments.items()}

    def own(address: tuple[str, str]) -> bool:
        return address[0].partition("/")[0] == "gobiernoabierto.transparencia.gob.gt"

    def home(address: tuple[str, str]) -> bool:
        return address[0].partition("/")[2] == ""

    assert codes(told, "evidence/only-own-page") == [n for n in NAMES if all(map(own, tables[n]))]
    weak = [n for n in NAMES if all(own(one) or home(one) for one in tables[n]) and not all(map(own, tables[n]))]
    assert codes(told, "evidence/only-home-page") == weak == ["G6"]


def test_next_steps_are_printed_under_25_of_28_complete_commitments(
    told: tuple[Anomaly, ...], segments: dict[str, str]
) -> None:
    row = re.compile(r"\tNext steps[ ]*\n\t[ ]*\n?([^\n\t]*)")
    complete = [name for name, box in zip(NAMES, LEVELS, strict=True) if box == "C"]
    steps = {name for name in complete if (cell := row.search(segments[name])) is not None and cell[1].strip()}
    assert codes(told, "open/steps") == [name for name in complete if name in steps]
    assert (len(complete), len(steps)) == (28, 25)


def test_five_commitments_have_no_date_and_two_have_mechanisms(
    told: tuple[Anomaly, ...], segments: dict[str, str]
) -> None:
    assert codes(told, "missing/date") == [name for name, day in zip(NAMES, DATES, strict=True) if not day]
    announced = [
        name for name in NAMES if re.search(r"compliance mechanisms[^\n]*:?\s*\n[^\n]*\n*\s*1\.", segments[name])
    ]
    assert codes(told, "missing/means") == ["G22", "C8"]
    assert set(codes(told, "missing/mechanisms")) == set(NAMES) - {"G22", "C8"}
    assert set(announced) <= {"G22", "C8"}


def test_months_without_a_committee_are_counted_from_the_printed_dates(told: tuple[Anomaly, ...]) -> None:
    days = [date.fromisoformat(day) for day in [*COMMITTEES, "2015-09-21"]]
    months = [(after.year - before.year) * 12 + after.month - before.month - 1 for before, after in pairwise(days)]
    gaps = [one for one in told if one.rule == "silence/meetings"]
    assert [one.figures["months"] for one in gaps] == [n for n in months if n > 0] + [15]
    assert sum(n for n in months if n > 0) == 5
    assert max(one.figures["days"] for one in gaps[:-1]) == max((b - a).days for a, b in pairwise(days)) == 111


def test_texts_are_repeated_in_as_many_pairs_as_a_comparison_of_each_with_each_gives(
    told: tuple[Anomaly, ...], printed: list[Entry]
) -> None:
    texts: dict[tuple[str, str], str] = {}
    for entry in printed:
        plain = msgspec.json.decode(entry.opened.line)
        subject = plain.get("commitment") if plain["kind"] == "CommitmentRegistered" else plain.get("subject")
        if plain["kind"] in ("CommitmentRegistered", "CompletionReported"):
            fields = ("title", "objective", "description", "problem", "relevance", "ambition", "further", "reason")
            texts |= {(subject, field): plain[field] for field in fields if field in plain}
    sets = {name: runs for name, text in texts.items() if (runs := naive(text))}
    pairs: set[frozenset[tuple[str, str]]] = {
        frozenset([a, b])
        for a, b in combinations(sets, 2)
        if a[0] != b[0] and 2 * len(sets[a] & sets[b]) >= min(len(sets[a]), len(sets[b]))
    }
    found: set[frozenset[tuple[str, str]]] = set()
    for one in (one for one in told if one.rule == "text/repeated"):
        shorter = [(use.subject, use.field) for use in one.texts if use.wording == 0]
        longer = [(use.subject, use.field) for use in one.texts if use.wording == 1]
        both = list(combinations(shorter, 2)) if not longer else [(a, b) for a in shorter for b in longer]
        found |= {frozenset([a, b]) for a, b in both if a[0] != b[0]}
    assert found == pairs
    assert sum(one.figures["pairs"] for one in told if one.rule == "text/repeated") == len(pairs) == 55


def test_the_coordinator_reports_on_29_commitments_of_its_own(told: tuple[Anomaly, ...]) -> None:
    (one,) = [one for one in told if one.rule == "self-assessed"]
    others = {name for names in INSTITUTIONS.values() for name in names}
    own = [(name, box) for name, box in zip(NAMES, LEVELS, strict=True) if name not in others]
    assert {name.partition("/")[2] for name in one.commitments} == {name for name, _ in own}
    levels = Counter(box for _, box in own)
    assert one.figures == {
        "commitments": 29,
        "of": 48,
        "complete": levels["C"],
        "substantial": levels["S"],
        "limited": levels["L"],
        "not_started": 0,
    }


def test_the_proofs_of_the_real_report_are_needed(printed: list[Entry]) -> None:
    assert list(unproved(printed, TODAY, every=11)) == []


def test_texts_and_gaps_of_the_report_are_there_for_pages(printed: list[Entry]) -> None:
    records = folded(printed)
    plan = records.get(PlanState, PLAN)
    assert plan is not None
    scene = Scene(records, plan, len(printed), TODAY)
    assert len(texts_in(scene)) == 301
    assert [gap.days for gap in meeting_gaps(scene)][-1] == (date(2016, 12, 31) - date(2015, 9, 21)).days

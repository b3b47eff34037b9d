"""The golden example of the methodology, row by row, and the tables of grades and of their fall, one by one."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
import world as w
from world import C8, PLAN, digest_of

from ledger.statement import Entry, format_when, parse_when
from projections.comparison import matrix_of
from projections.evidence import default_as_of, standing_of
from projections.grading import CommitmentStanding, MechanismStanding, Reason, equal_weights
from projections.records import DictRecords
from projections.replay import replay

DAY = 86_400_000
OWN = "http://gobiernoabierto.transparencia.gob.gt/compromiso-8"
SEGEPLAN, ICEFI, CONGRESO, IRM = "segeplan:institution", "icefi:assessor", "congreso:assessor", "irm:irm"
D1, D2, D3 = digest_of("the list"), digest_of("the report"), digest_of("the new document")
M = [f"{C8}.M{number}" for number in (1, 2, 3)]


class Case:
    """A world in which days pass as in the worked example, eleven years later."""

    def __init__(self) -> None:
        self.world = w.found()
        w.add_actor(self.world, "rastreo", "program", "copret")  # a program of the coordinator: independent nowhere
        w.grant(self.world, "rastreo", "capturer")
        self.links: dict[str, str] = {}

    def say(self, kind: str, *by: str, **fields: Any) -> Entry:
        """A second later, so that the same words twice are two statements."""
        self.world.now_ms += 1_000
        return self.world.say(kind, *by, **fields)

    def on(self, day: str) -> None:
        """It is noon of this day, unless it is later already."""
        self.world.now_ms = max(self.world.now_ms, parse_when(f"{day}T18:00:00Z"))

    def mechanisms(self, *numbers: int, **fields: Any) -> None:
        for number in numbers:
            fixed = {"mechanism": f"{C8}.M{number}", "text": f"Mecanismo {number}", "means": "Documento"}
            self.say("MechanismDefined", "copret:coordinator", **{**fixed, "repeats": "once", **fields})

    def report(self, level: str = "complete", subject: str = C8) -> None:
        self.say("CompletionReported", SEGEPLAN, subject=subject, level=level, reason="Avance.", evidence=[])

    def link(self, name: str, *mechanisms: str, url: str = "", by: str = SEGEPLAN, **fields: Any) -> int:
        said = {"title": name, "evidence_type": "document", "shows": "Lo hecho", **fields}
        url = url or f"http://example.gt/{name}"
        entry = self.say("EvidenceLinked", by, for_=list(mechanisms), url=url, **said)
        self.links[name] = entry.opened.identity
        return entry.index

    def capture(self, name: str, digest: str, by: str) -> int:
        fields: Any = {"size": 10, "media_type": "text/html", "method": "direct"}
        at = format_when(self.world.now_ms)
        return self.say("EvidenceCaptured", by, link=self.links[name], digest=digest, captured_at=at, **fields).index

    def check(self, name: str, seen: str, by: str, digest: str | None = None) -> int:
        at = format_when(self.world.now_ms)
        return self.say("EvidenceChecked", by, link=self.links[name], seen=seen, digest=digest, checked_at=at).index

    def dispute(self, name: str, mechanism: str, by: str) -> str:
        words: Any = {"text": "No lo muestra."}
        if by.endswith(":citizen"):
            salted = w.salted_digest(self.world.origin, w.public(by.partition(":")[0]), {"text": "No lo muestra."})
            words = {"salted_digest": salted}
        about: Any = {"link": self.links[name], "mechanism": mechanism, "objection": "absent", "words": words}
        return self.say("EvidenceDisputed", by, **about).opened.identity

    def answer(self, dispute: str) -> None:
        said: Any = {"disposition": "partly", "words": {"text": "Se revisa."}}
        self.say("ResponseGiven", SEGEPLAN, answers=[dispute], **said)

    def resolve(self, dispute: str, resolution: str, *by: str) -> None:
        words = {"text": "Leído."}
        self.say("DisputeResolved", *(by or (IRM,)), dispute=dispute, resolution=resolution, words=words)

    def verdict(self, mechanism: str, level: str, by: str, *digests: str) -> int:
        read: Any = {"digests": list(digests), "words": {"text": "Leído."}}
        return self.say("VerdictGiven", by, mechanism=mechanism, level=level, **read).index

    def records(self, size: int | None = None) -> DictRecords:
        records = DictRecords()
        replay(self.world.entries[:size], records)
        return records

    def standing(self, as_of: str = "", size: int | None = None) -> CommitmentStanding:
        records = self.records(size)
        found = standing_of(records, C8, as_of or default_as_of(records, len(self.world.entries)))
        assert found is not None
        return found


def row(found: CommitmentStanding) -> tuple[Any, ...]:
    """A row of the worked example: best grades, e, x3, x2, level, percent, gap, contested."""
    best = [one.best for one in found.mechanisms]
    e = [one.e for one in found.mechanisms]
    x = found.combined.x
    return best, e, x[2], x[1], found.combined.level, found.combined.percent, found.gap, found.contested


def rules(reasons: tuple[Reason, ...]) -> set[str]:
    return {one.rule for one in reasons}


def fired(mechanism: MechanismStanding) -> set[str]:
    """Every rule that fired for a mechanism, its items or its verdicts."""
    found = rules(mechanism.reasons)
    for one in (*mechanism.grades, *mechanism.verdicts):
        found |= rules(one.reasons)
    return found


# --- the worked example ----------------------------------------------------------------------------------------------

STEPS: dict[str, tuple[Any, ...]] = {
    "1": ([1, 1, 1], [0, 0, 0], 0, 0, "no_evidence_available", 0, 3, False),
    "2": ([2, 2, 2], [1, 1, 1], 0, 0, "limited", 33, 2, False),
    "3": ([3, 3, 3], [2, 2, 2], 0, 10_000, "substantial", 66, 1, False),
    "4": ([3, 3, 2], [2, 2, 1], 0, 6667, "substantial", 55, 1, False),
    "4b": ([3, 3, 1], [2, 2, 0], 0, 6667, "substantial", 44, 1, False),
    "5": ([4, 4, 4], [3, 3, 1], 6667, 6667, "substantial", 77, 1, False),
    "6": ([4, 4, 4], [3, 3, 1], 6667, 6667, "substantial", 77, 1, False),
    "7": ([4, 4, 4], [3, 3, 3], 10_000, 10_000, "complete", 100, 0, False),
    "7'": ([4, 4, 4], [3, 3, 1], 6667, 6667, "substantial", 77, 1, True),
    "7 without I": ([4, 4, 4], [3, 3, 3], 10_000, 10_000, "substantial", 100, 1, False),
    "7' and a second S": ([4, 4, 4], [3, 3, 3], 10_000, 10_000, "complete", 100, 0, True),
    "5 amended": ([4, 4, 3], [3, 3, 1], 6667, 6667, "substantial", 77, 1, False),
    "7 disputed": ([2, 4, 4], [1, 3, 3], 6666, 6666, "substantial", 77, 1, False),
}
FIRED: dict[str, set[str]] = {  # what each step must name, among the rules of M3, or of the mechanism in dispute
    "1": {"grade/0-own-page", "grade/1-linked", "claim/inherited", "mechanism/machine"},
    "2": {"grade/2-captured"},
    "3": {"grade/3-two-organisations"},
    "4": {"cap/dispute-open"},
    "4b": {"cap/dispute-unanswered"},
    "5": {"grade/4-verdict", "verdict/in-force", "mechanism/verdicts"},
    "6": {"mark/gone"},
    "7": {"verdict/replaced", "grade/4-verdict"},
    "7'": {"mechanism/verdicts"},
    "7 without I": {"verdict/replaced"},
    "7' and a second S": {"verdict/in-force"},
    "5 amended": {"verdict/lapsed-amended", "mechanism/capped"},
    "7 disputed": {"verdict/suspended", "cap/dispute-open"},
}


def _steps_1_to_6(case: Case) -> dict[str, int]:
    """Tell the example up to step 6; the tree size after each step."""
    sizes: dict[str, int] = {}
    world = case.world
    case.on("2026-09-01")
    case.mechanisms(1, 2, 3)
    case.report()
    case.link("own", *M, url=OWN)
    case.link("D1", M[1])
    case.link("D2", *M)
    sizes["1"] = len(world.entries)
    case.on("2026-09-04")
    case.capture("D1", D1, "rastreo:capturer")
    case.capture("D2", D2, "rastreo:capturer")
    sizes["2"] = len(world.entries)
    case.on("2026-10-01")
    for name, digest in (("D1", D1), ("D2", D2)):
        case.capture(name, digest, "captura:capturer")
    case.on("2026-10-10")
    for name, digest in (("D1", D1), ("D2", D2)):
        case.check(name, "alive", "captura:capturer", digest)
    sizes["3"] = len(world.entries)
    case.on("2026-10-20")
    dispute = case.dispute("D2", M[2], ICEFI)
    sizes["4"] = sizes["4b"] = len(world.entries)
    case.on("2026-11-25")
    case.answer(dispute)
    case.resolve(dispute, "partly")
    case.verdict(M[0], "complete", ICEFI, D2)
    case.verdict(M[1], "complete", ICEFI, D1, D2)
    case.verdict(M[2], "limited", ICEFI, D2)
    sizes["5"] = len(world.entries)
    for day in ("2027-01-20", "2027-02-01"):
        case.on(day)
        for name in ("D1", "D2"):
            case.check(name, "gone", "captura:capturer")
    sizes["6"] = len(world.entries)
    return sizes


def _step_7(case: Case, *, irm: bool = True, revised: bool = True) -> None:
    case.on("2027-03-01")
    case.link("D3", M[2])
    case.capture("D3", D3, "captura:capturer")
    if irm:
        for mechanism, digests in zip(M, ((D2,), (D1, D2), (D2, D3)), strict=True):
            case.verdict(mechanism, "complete", IRM, *digests)
    if revised:
        case.verdict(M[2], "complete", ICEFI, D3)


def _told(step: str) -> tuple[Case, dict[str, int]]:
    case = Case()
    sizes = _steps_1_to_6(case)
    world = case.world
    if step == "5 amended":
        case = Case()
        sizes = {"5": _steps_1_to_6(case)["5"]}
        del case.world.entries[sizes["5"] :]
        fields = {"mechanism": M[2], "reason": "Se acordó.", "text": "Cobertura nacional"}
        entry = _retold(case).say("MechanismAmended", "copret:coordinator", ICEFI, **fields)
        case.world.entries.append(entry)
    elif step.startswith("7"):
        _step_7(case, irm=step != "7 without I", revised=not step.startswith("7'"))
        if step == "7' and a second S":
            case.verdict(M[2], "complete", CONGRESO, D3)
        if step == "7 disputed":
            case.dispute("D2", M[0], CONGRESO)
    sizes[step] = sizes.get(step, len(world.entries))
    if step == "5 amended":
        sizes[step] = len(case.world.entries)
    return case, sizes


def worked_example() -> tuple[list[Entry], list[int]]:
    """The entries of the example to its end, where the assessors differ, and the tree sizes of its steps."""
    case, sizes = _told("7'")
    return case.world.entries, sorted(set(sizes.values()))


def _retold(case: Case) -> w.World:
    """A world that knows only the entries that are left."""
    again = w.World(case.world.origin, case.world.entries[-1].received_ms + 1)
    for entry in case.world.entries:
        again.docket.evolve(entry.received_ms, entry.opened)
    return again


@pytest.mark.parametrize("step", STEPS)
def test_the_worked_example_row_by_row(step: str) -> None:
    case, sizes = _told(step)
    as_of = "2026-11-19" if step == "4b" else ""
    found = case.standing(as_of=as_of, size=sizes[step])
    assert row(found) == STEPS[step]
    where = found.mechanisms[0 if step == "7 disputed" else 2]
    assert FIRED[step] <= fired(where), fired(where)


def test_replaying_to_an_earlier_size_gives_the_earlier_row() -> None:
    case, sizes = _told("7")
    for step, size in sizes.items():
        as_of = "2026-11-19" if step == "4b" else ""
        assert row(case.standing(as_of=as_of, size=size)) == STEPS[step], step


def test_the_lenses_where_the_assessors_differ() -> None:
    case, _ = _told("7'")
    found = case.standing()
    lenses = {voice.organisation: voice.lens.level for voice in found.voices if voice.lens is not None}
    assert lenses == {"icefi": "substantial", "irm": "complete"}
    assert found.combined.level == "substantial"
    assert found.records.level == "substantial"
    assert found.records.e == (2, 2, 2)
    assert [voice.level for voice in found.voices] == ["substantial", "complete"]  # each judged every mechanism


def test_no_result_holds_a_float() -> None:
    case, _ = _told("7'")
    records = case.records()
    size = len(case.world.entries)
    matrix = matrix_of(records, PLAN, size, default_as_of(records, size))
    assert "float" not in kinds_in(msgspec.to_builtins(matrix))


def kinds_in(value: Any) -> set[str]:
    """The types of everything inside."""
    if isinstance(value, dict):
        return set[str]().union(*[kinds_in(one) for one in msgspec.convert(value, dict[str, Any]).values()])
    if isinstance(value, list | tuple):
        return set[str]().union(*[kinds_in(one) for one in msgspec.convert(value, list[Any])])
    return {type(value).__name__}


# --- the grading table and its caps, one row each ---------------------------------------------------------------------


def one_mechanism(**fields: Any) -> Case:
    """A commitment with one mechanism, reported complete, on 2026-09-01."""
    case = Case()
    case.on("2026-09-01")
    case.mechanisms(1, **fields)
    case.report()
    return case


def best(case: Case, as_of: str = "") -> tuple[int, set[str]]:
    """The grade of the newest item for the first mechanism, and the rules that gave it."""
    grade = case.standing(as_of).mechanisms[0].grades[-1]
    return grade.grade, rules(grade.reasons) - {"mark/fresh"}


def test_a_link_alone_is_1_and_a_capture_2() -> None:
    case = one_mechanism()
    case.link("A", M[0])
    assert best(case) == (1, {"grade/1-linked"})
    case.capture("A", D1, SEGEPLAN)
    assert best(case) == (2, {"grade/2-captured"})


def test_a_second_organisation_confirms_only_if_one_of_the_two_is_independent() -> None:
    case = one_mechanism()
    case.link("A", M[0])
    case.capture("A", D1, SEGEPLAN)
    case.capture("A", D1, "rastreo:capturer")
    assert best(case) == (2, {"grade/2-captured"})  # two organisations, and both are of the government
    case.capture("A", D2, "captura:capturer")
    assert best(case) == (2, {"grade/2-captured"})  # an independent one, of other bytes
    case.capture("A", D1, "captura:capturer")
    assert best(case) == (3, {"grade/3-two-organisations"})


@pytest.mark.parametrize(("days", "grade"), [(6, 2), (7, 3)])
def test_a_check_alive_confirms_an_independent_capture_after_confirm_days(days: int, grade: int) -> None:
    case = one_mechanism()
    case.link("A", M[0])
    case.capture("A", D1, "captura:capturer")
    case.on((date(2026, 9, 1) + timedelta(days)).isoformat())
    case.check("A", "alive", "captura:capturer", D1)
    assert best(case)[0] == grade


def test_neither_the_government_nor_other_bytes_confirm_by_a_check() -> None:
    case = one_mechanism()
    case.link("A", M[0])
    case.capture("A", D1, "captura:capturer")
    case.on("2026-10-01")
    case.check("A", "alive", SEGEPLAN, D1)
    case.check("A", "alive", "captura:capturer", D2)
    case.check("A", "unsure", "captura:capturer")
    assert best(case) == (2, {"grade/2-captured"})


def test_a_program_of_the_coordinator_is_independent_nowhere() -> None:
    case = one_mechanism()
    case.link("A", M[0])
    case.capture("A", D1, "rastreo:capturer")
    case.on("2026-10-01")
    case.check("A", "alive", "rastreo:capturer", D1)
    assert best(case)[0] == 2


def test_the_trackers_own_page_is_nothing_and_a_verdict_does_not_lift_it() -> None:
    case = one_mechanism()
    case.link("A", M[0], url="https://GobiernoAbierto.transparencia.gob.gt:443?x=1#y")
    case.capture("A", D1, "captura:capturer")
    assert best(case) == (0, {"grade/0-own-page"})
    case.verdict(M[0], "complete", IRM, D1)
    assert best(case)[0] == 0


def test_a_home_page_is_capped_at_1_until_a_verdict() -> None:
    case = one_mechanism()
    case.link("A", M[0], url="http://example.gt/?pagina=3")
    case.capture("A", D1, "captura:capturer")
    assert best(case) == (1, {"grade/2-captured", "cap/home-page"})
    case.verdict(M[0], "limited", IRM, D1)
    assert best(case) == (4, {"grade/4-verdict"})


def test_evidence_from_before_the_plan_is_capped_at_2_until_a_verdict() -> None:
    case = one_mechanism()
    case.link("A", M[0], dated={"precision": "month", "day": "2014-05-01"})
    case.capture("A", D1, SEGEPLAN)
    case.capture("A", D1, "captura:capturer")
    assert best(case) == (2, {"grade/3-two-organisations", "cap/before-plan"})
    case.link("B", M[0], dated={"precision": "year", "day": "2014-01-01"})  # its span ends after the plan begins
    case.capture("B", D2, SEGEPLAN)
    case.capture("B", D2, "captura:capturer")
    assert best(case)[0] == 3


@pytest.mark.parametrize("same", ["address", "bytes"])
def test_shared_evidence_is_capped_until_it_is_explained(same: str) -> None:
    case = one_mechanism()
    case.link("A", M[0], url="http://example.gt/doc?id=1")
    url = "https://EXAMPLE.gt/doc?id=1#abajo" if same == "address" else "http://other.gt/copy"
    ninth = f"{PLAN}/C9"
    case.say("CommitmentRegistered", "copret:coordinator", **w.commitment(ninth, "segeplan"))
    other = case.link("B", f"{ninth}.M0", url=url)
    case.link("C", f"{w.G1}.M0", url="http://example.gt/doc?id=2", by="copret:institution")  # another query
    for name in "AB":
        case.capture(name, D1 if same == "bytes" or name == "A" else D2, "captura:capturer")
    case.capture("A", D1, SEGEPLAN)
    grade = case.standing().mechanisms[0].grades[0]
    assert grade.grade == 2
    assert Reason("cap/shared", (grade.link, other)) in grade.reasons
    uses = [{"commitment": one, "takes": "Lo suyo"} for one in (C8, ninth)]
    case.world.say("SharedUseExplained", SEGEPLAN, evidence=[case.links["A"], case.links["B"]], uses=uses)
    assert best(case)[0] == 3


def test_withdrawn_evidence_is_nothing_and_shares_nothing() -> None:
    case = one_mechanism()
    case.link("A", M[0], url="http://example.gt/doc")
    case.link("B", f"{w.G2}.M0", url="http://example.gt/doc", by="minfin:institution")
    case.capture("A", D1, "captura:capturer")
    case.capture("A", D1, SEGEPLAN)
    assert best(case)[0] == 2
    case.world.say("StatementWithdrawn", "minfin:holder", statement=case.links["B"])
    assert best(case)[0] == 3
    case.world.say("StatementWithdrawn", "segeplan:holder", statement=case.links["A"])
    assert best(case) == (0, {"grade/0-withdrawn"})


# --- the degradation table, one row each -----------------------------------------------------------------------------


def test_gone_takes_two_checks_apart_or_by_two_and_none_alive_between() -> None:
    case = one_mechanism()
    case.link("A", M[0])
    case.check("A", "gone", "captura:capturer")
    case.on("2026-09-04")
    case.check("A", "gone", "captura:capturer")
    assert best(case)[0] == 1  # three days apart, and by one
    case.check("A", "blocked", "congreso:assessor")
    assert best(case)[0] == 1
    case.check("A", "gone", "congreso:assessor")
    assert best(case) == (0, {"grade/0-gone"})
    case.check("A", "alive", "captura:capturer", D1)
    assert best(case)[0] == 1
    case.check("A", "gone", "captura:capturer")
    assert best(case)[0] == 1
    case.on("2026-09-11")
    case.check("A", "gone", "captura:capturer")
    assert best(case) == (0, {"grade/0-gone"})
    case.capture("A", D1, "captura:capturer")  # of an archive's copy
    assert best(case) == (2, {"grade/2-captured", "mark/gone"})


def confirmed(case: Case, name: str, digest: str, mechanism: str = M[0]) -> None:
    case.link(name, mechanism)
    case.capture(name, digest, SEGEPLAN)
    case.capture(name, digest, "captura:capturer")


def test_a_change_leaves_a_one_off_document_and_takes_a_recurring_one_down() -> None:
    case = one_mechanism()
    confirmed(case, "A", D1)
    case.check("A", "changed", "captura:capturer", D2)
    assert best(case)[0] == 3
    case = one_mechanism(repeats="recurring", period_days=30)
    confirmed(case, "A", D1)
    case.check("A", "changed", "captura:capturer", D2)
    assert best(case) == (2, {"grade/3-two-organisations", "fall/changed"})
    case.capture("A", D2, "captura:capturer")
    assert best(case)[0] == 2
    case.capture("A", D2, SEGEPLAN)
    assert best(case) == (3, {"grade/3-two-organisations"})


def test_a_dispute_caps_and_its_resolution_lifts_or_ends() -> None:
    for resolution, grade in (("rejected", 3), ("partly", 3), ("upheld", 0)):
        case = one_mechanism()
        confirmed(case, "A", D1)
        dispute = case.dispute("A", M[0], ICEFI)
        assert best(case) == (2, {"grade/3-two-organisations", "cap/dispute-open"})
        case.on("2026-09-30")
        assert best(case, "2026-09-30")[0] == 2
        assert best(case, "2026-10-01") == (1, {"grade/3-two-organisations", "cap/dispute-unanswered"})
        case.on("2026-10-05")
        case.answer(dispute)
        assert best(case)[0] == 2
        case.resolve(dispute, resolution)
        assert best(case)[0] == grade, resolution


def test_a_citizens_question_changes_nothing_until_it_is_admitted() -> None:
    case = one_mechanism()
    confirmed(case, "A", D1)
    question = case.dispute("A", M[0], "ana:citizen")
    assert best(case) == (3, {"grade/3-two-organisations", "mark/questioned"})
    case.on("2026-12-01")
    words = {"text": "Se admite."}
    case.world.say("DisputeScreened", ICEFI, dispute=question, screening="admitted", words=words)
    assert best(case) == (2, {"grade/3-two-organisations", "cap/dispute-open"})
    other = case.dispute("A", M[0], "eva:citizen")
    case.resolve(question, "rejected")
    case.world.say("DisputeScreened", ICEFI, dispute=other, screening="declined", words=words)
    assert best(case) == (3, {"grade/3-two-organisations"})


def test_a_withdrawn_dispute_counts_no_more() -> None:
    case = one_mechanism()
    confirmed(case, "A", D1)
    dispute = case.dispute("A", M[0], ICEFI)
    case.world.say("StatementWithdrawn", "icefi:holder", statement=dispute)
    assert best(case)[0] == 3


# The vector of the methodology, eleven years later: period 30, grace 15, grade 4, last fresh 2026-02-23 of 2026-02-16's
# world, so everything stands later by the same number of days: fresh on 2026-09-01.
AGES = [(0, 4), (36, 4), (66, 3), (97, 2), (127, 1), (400, 1)]


@pytest.mark.parametrize(("days", "grade"), AGES)
def test_a_recurring_duty_ages(days: int, grade: int) -> None:
    """Period 30, grace 15: 36 days after the evidence nothing has fallen, after 66 by one, after 97 by two."""
    case = one_mechanism(repeats="recurring", period_days=30, grace_days=15)
    confirmed(case, "A", D1)
    case.verdict(M[0], "complete", IRM, D1)
    day = (date(2026, 9, 1) + timedelta(days)).isoformat()
    found, why = best(case, day)
    assert found == grade
    assert ("fall/aged" in why) == (grade < 4)
    mechanism = case.standing(day).mechanisms[0]
    state = mechanism.verdicts[0].state
    assert state == ("in_force" if days < 45 else "lapsed")
    assert mechanism.e == (3 if days < 45 else min(2, (0, 0, 1, 2)[min(grade, 3)]))


def test_fresh_evidence_revives_no_verdict_that_lapsed_of_age() -> None:
    case = one_mechanism(repeats="recurring", period_days=30, grace_days=15)
    confirmed(case, "A", D1)
    case.verdict(M[0], "complete", IRM, D1)
    case.on("2026-12-01")
    confirmed(case, "B", D2)
    mechanism = case.standing().mechanisms[0]
    assert [one.state for one in mechanism.verdicts] == ["lapsed"]
    assert [one.grade for one in mechanism.grades] == [3, 3]  # the old item is fresh again through the new one
    assert mechanism.e == 2


def test_to_capture_old_bytes_again_refreshes_nothing() -> None:
    case = one_mechanism(repeats="recurring", period_days=30)
    confirmed(case, "A", D1)
    case.on("2026-12-01")
    case.capture("A", D1, SEGEPLAN)
    assert best(case)[0] == 1


def test_a_compromised_key_counts_no_more_since_its_day() -> None:
    case = one_mechanism()
    case.link("A", M[0])
    case.capture("A", D1, SEGEPLAN)
    case.on("2026-09-03")
    since = format_when(case.world.now_ms - case.world.now_ms % 1000)
    case.capture("A", D1, "captura:capturer")
    case.verdict(M[0], "complete", CONGRESO, D1)
    assert best(case)[0] == 4
    for name in ("captura", "congreso"):
        case.world.say("KeyRevoked", *w.REGISTRARS, key=w.public(name), cause="compromised", since=since)
    assert best(case) == (2, {"grade/2-captured"})
    assert [one.state for one in case.standing().mechanisms[0].verdicts] == ["void"]


# --- verdicts --------------------------------------------------------------------------------------------------------


def states(case: Case) -> list[tuple[str, str]]:
    return [(one.organisation, one.state) for one in case.standing().mechanisms[0].verdicts]


def test_a_verdict_is_suspended_by_a_later_dispute_and_comes_back_when_it_is_rejected() -> None:
    case = one_mechanism()
    confirmed(case, "A", D1)
    early = case.dispute("A", M[0], CONGRESO)
    case.verdict(M[0], "complete", ICEFI, D1)
    assert states(case) == [("icefi", "in_force")]  # the dispute was there before it
    case.resolve(early, "rejected")
    late = case.dispute("A", M[0], CONGRESO)
    assert states(case) == [("icefi", "suspended")]
    assert case.standing().mechanisms[0].e == 1  # grade 2, so the machine says limited, and no more counts
    case.resolve(late, "rejected")
    assert states(case) == [("icefi", "in_force")]
    assert case.standing().mechanisms[0].e == 3


def test_a_verdict_lapses_with_a_dispute_that_is_upheld_and_caps_until_its_author_says_more() -> None:
    case = one_mechanism()
    confirmed(case, "A", D1)
    case.verdict(M[0], "limited", ICEFI, D1)
    dispute = case.dispute("A", M[0], CONGRESO)
    case.resolve(dispute, "partly")
    assert states(case) == [("icefi", "lapsed")]
    mechanism = case.standing().mechanisms[0]
    assert (mechanism.best, mechanism.mach, mechanism.e) == (3, 2, 1)
    case.verdict(M[0], "complete", ICEFI, D1)
    assert states(case) == [("icefi", "replaced"), ("icefi", "in_force")]
    assert case.standing().mechanisms[0].e == 3


def test_a_withdrawn_verdict_is_as_if_never_given_and_brings_none_back() -> None:
    case = one_mechanism()
    confirmed(case, "A", D1)
    case.verdict(M[0], "limited", ICEFI, D1)
    case.verdict(M[0], "complete", ICEFI, D1)
    identity = case.world.entries[-1].opened.identity
    case.world.say("StatementWithdrawn", "icefi:holder", statement=identity)
    assert states(case) == [("icefi", "replaced"), ("icefi", "withdrawn")]
    assert case.standing().voices == ()
    assert case.standing().mechanisms[0].e == 2


def test_newer_evidence_lifts_no_verdict_and_is_said() -> None:
    case = one_mechanism()
    confirmed(case, "A", D1)
    case.verdict(M[0], "limited", IRM, D1)
    assert "evidence_newer" not in case.standing().flags
    confirmed(case, "B", D2)
    assert "evidence_newer" in case.standing().flags
    assert case.standing().mechanisms[0].e == 1


# --- levels ----------------------------------------------------------------------------------------------------------


def test_what_is_said_before_there_are_mechanisms_counts_for_each() -> None:
    case = Case()
    case.on("2026-09-01")
    case.report("substantial", f"{C8}.M0")
    confirmed(case, "A", D1, f"{C8}.M0")
    found = case.standing()
    assert (found.reported, found.reported_from_mechanisms) == ("substantial", True)
    assert (found.combined.level, "not_verifiable" in found.flags) == ("substantial", True)
    case.world.say(
        "MechanismDefined",
        "copret:coordinator",
        ICEFI,
        mechanism=M[0],
        text="Uno",
        means="Documento",
        repeats="once",
    )
    (mechanism,) = case.standing().mechanisms
    assert (mechanism.number, mechanism.claim, mechanism.inherited, mechanism.e) == (1, "substantial", True, 2)


def test_no_evidence_is_not_not_started() -> None:
    case = one_mechanism()
    assert case.standing().combined.level == "no_evidence_available"
    case = Case()
    case.mechanisms(1, 2)
    case.report("not_started")
    assert case.standing().combined.level == "not_started"
    case.report("limited", M[0])
    assert case.standing().combined.level == "no_evidence_available"


def test_evidence_makes_no_claim_larger() -> None:
    case = one_mechanism()
    case.report("limited", M[0])
    confirmed(case, "A", D1)
    assert case.standing().mechanisms[0].mach == 1
    case.verdict(M[0], "complete", IRM, D1)
    assert case.standing().mechanisms[0].e == 3  # a person's reading beats the machine's in both directions


def test_weights_are_equal_until_they_are_set_for_exactly_the_mechanisms() -> None:
    assert [equal_weights(count) for count in (1, 3, 7)] == [
        (10_000,),
        (3334, 3333, 3333),
        (1429, 1429, 1429, 1429, 1428, 1428, 1428),
    ]
    case = Case()
    case.mechanisms(1, 2)
    shares = [{"mechanism": M[0], "bp": 9000}, {"mechanism": M[1], "bp": 1000}]
    case.world.say("WeightsSet", "copret:coordinator", commitment=C8, weights=shares)
    assert [one.weight for one in case.standing().mechanisms] == [9000, 1000]
    case.mechanisms(3)
    assert [one.weight for one in case.standing().mechanisms] == [3334, 3333, 3333]

"""A plan in which everything that evidence can go through has happened once, ready to be served and exported.

    told = tell()                  the statements, as if they had begun ninety days ago
    told.write(folder)             the same on disk
    told.index["D2"]               the entry of a link, dispute, request… by the name that it has here

C8 has three mechanisms and is reported complete; G1 has none; of G2 nothing is reported. Texts of officials may be
hostile (`tell(text=…)`): the title, means, reasons, words and agenda all become that text.
"""

from typing import Any

import world as w
from service import now_ms
from whole_round import Told
from world import C8, G1, G2, METHODOLOGY, PLAN, digest_of

from consultation.text import Content, SaltedContent, salted_digest
from ledger.statement import format_when
from projections.roll import local_day

DAY = 86_400_000
CHAIR, S, S2, I = "copret:coordinator", "icefi:assessor", "congreso:assessor", "irm:irm"  # noqa: E741
R = "segeplan:institution"
SEALED = "Palabras selladas de una persona inventada."
CODES = {
    "verifiability": ["none", "low", "medium", "high"],
    "relevance": ["unclear", "clear"],
    "ambition": ["none", "minor", "moderate", "transformative"],
    "early_results": ["worsened", "did_not_change", "marginal", "major", "outstanding"],
}


class Compared(Told):
    """What was said, with the names of what later statements are about."""

    def __init__(self, world: w.World, text: str) -> None:
        super().__init__(world)
        self.text = text
        self.words = {"text": text}
        self.index: dict[str, int] = {}
        self.identity: dict[str, str] = {}

    def named(self, name: str, kind: str, *who: str, **fields: Any) -> str:
        """Say something that is spoken of later; its identity."""
        entry = self.say(kind, *who, **fields)
        self.index[name], self.identity[name] = entry.index, entry.opened.identity
        return entry.opened.identity

    def days(self, count: int) -> None:
        """Time goes by."""
        self.world.now_ms += count * DAY

    def world_day(self, later: int) -> str:
        """A day so many days from now, by the ledger's own clock."""
        return local_day(self.world.now_ms + later * DAY, -360)

    def captured(self, link: str, who: str, method: str = "direct") -> None:
        """Somebody captures the bytes of a link."""
        capture: dict[str, Any] = {"digest": digest_of(link), "size": 1_000, "media_type": "text/html"}
        at = format_when(self.world.now_ms)
        self.say("EvidenceCaptured", who, link=self.identity[link], method=method, captured_at=at, **capture)


def tell(text: str = "Se hizo, con actas y medios de verificación.", ago_days: int = 90) -> Compared:
    """The whole history."""
    original = w.World
    w.World = lambda: original(now_ms=now_ms() - ago_days * DAY)  # type: ignore[misc,assignment]
    try:
        world = w.found()
    finally:
        w.World = original
    told = Compared(world, text)
    _promise(told)
    _report(told)
    _look(told)
    _dispute(told)
    _judge(told)
    _around(told)
    return told


def _promise(told: Compared) -> None:
    adopted: dict[str, Any] = {
        "version": 2,
        "parameters": {**METHODOLOGY, "codes": CODES},
        "document": digest_of("methodology 2"),
    }
    told.say("MethodologyAdopted", CHAIR, S, **adopted)
    for number in (1, 2, 3):
        mechanism: dict[str, Any] = {"mechanism": f"{C8}.M{number}", "text": told.text, "means": told.text}
        told.say("MechanismDefined", CHAIR, **mechanism, repeats="once")


def _report(told: Compared) -> None:
    level: dict[str, Any] = {"level": "complete", "reason": told.text, "evidence": []}
    told.named("reported", "CompletionReported", R, subject=C8, **level)
    level |= {"subject": G1, "level": "limited"}
    told.say("CompletionReported", "copret:institution", **level)
    told.days(1)
    link: dict[str, Any] = {"title": told.text, "evidence_type": "document", "shows": told.text}
    dated = {"precision": "month", "day": "2015-07-01"}
    served = [f"{C8}.M1", f"{C8}.M2", f"{C8}.M3"]
    told.named("D1", "EvidenceLinked", R, for_=[f"{C8}.M2"], url="https://hambrecero.example/lista", **link)
    told.named("D2", "EvidenceLinked", R, for_=served, url="https://informes.example/a?b=1", dated=dated, **link)
    own = "http://gobiernoabierto.transparencia.gob.gt/c8"
    told.named("own", "EvidenceLinked", R, for_=served, url=own, **link)
    told.named("G1", "EvidenceLinked", "copret:institution", for_=[f"{G1}.M0"], upload=digest_of("acta"), **link)
    told.named("wrong", "EvidenceLinked", R, for_=[f"{C8}.M1"], url="https://informes.example/otro", **link)
    told.say("StatementWithdrawn", "segeplan:holder", statement=told.identity["wrong"])


def _look(told: Compared) -> None:
    for link in ("D1", "D2"):
        told.captured(link, R)
        told.days(1)
        told.captured(link, "captura:capturer", "archive")
    told.days(9)
    checked: dict[str, Any] = {"checked_at": format_when(told.world.now_ms)}
    alive: dict[str, Any] = {"link": told.identity["D1"], "seen": "alive", "digest": digest_of("D1")}
    told.say("EvidenceChecked", "captura:capturer", **alive | checked)
    gone: dict[str, Any] = {"link": told.identity["D2"], "seen": "gone"}
    told.say("EvidenceChecked", "captura:capturer", **gone | checked)


def _dispute(told: Compared) -> None:
    link, mechanism = told.identity["D2"], f"{C8}.M3"
    told.named("dispute", "EvidenceDisputed", S, link=link, mechanism=mechanism, objection="absent", words=told.words)
    content, salt = Content(text=SEALED), bytes(32)
    sealed = salted_digest(salt, told.world.origin, w.public("ana"), content)
    doubt: dict[str, Any] = {"link": link, "mechanism": f"{C8}.M1", "objection": "altered"}
    told.named("doubt", "EvidenceDisputed", "ana:citizen", **doubt, words={"salted_digest": sealed})
    told.contents[told.index["doubt"]] = [SaltedContent(salt=salt.hex(), content=content)]
    told.days(5)
    answers = [told.identity["dispute"]]
    told.named("answer", "ResponseGiven", R, answers=answers, disposition="partly", words=told.words)
    told.say("DisputeScreened", S2, dispute=told.identity["doubt"], screening="admitted", words=told.words)
    resolved: dict[str, Any] = {"dispute": told.identity["dispute"], "resolution": "partly", "words": told.words}
    told.named("resolved", "DisputeResolved", I, **resolved)


def _judge(told: Compared) -> None:
    read = [digest_of("D2")]
    verdict: dict[str, Any] = {"digests": read, "words": told.words}
    for number, level in ((1, "complete"), (2, "complete"), (3, "limited")):
        told.named(f"V{number}", "VerdictGiven", S, mechanism=f"{C8}.M{number}", level=level, **verdict)
    told.named("V2 of the IRM", "VerdictGiven", I, mechanism=f"{C8}.M2", level="substantial", **verdict)
    assessed: dict[str, Any] = {"commitment": C8, "reason": told.text, "evidence": [told.identity["D2"]]}
    told.named("assessed", "CompletionAssessed", I, **assessed, level="limited")
    told.say("CompletionAssessed", S2, commitment=G1, level="not_started", reason=told.text, evidence=[])
    coded: dict[str, Any] = {"commitment": C8, "words": told.words}
    told.say("CommitmentCoded", I, **coded, aspect="ambition", code="minor")
    told.named("coded", "CommitmentCoded", I, **coded, aspect="ambition", code="moderate")
    day = {"precision": "day", "day": told.world_day(10)}
    asked: dict[str, Any] = {"institution": "minfin", "mechanism": f"{G2}.M0", "words": told.words, "due": day}
    told.named("request", "EvidenceRequested", I, **asked)
    other = asked | {"institution": "copret", "mechanism": f"{G1}.M0"}
    told.named("request of G1", "EvidenceRequested", I, **other)
    told.days(2)
    link: dict[str, Any] = {"title": told.text, "evidence_type": "minutes", "shows": told.text}
    answers = [told.identity["request of G1"]]
    link |= {"for_": [f"{G1}.M0"], "url": "https://actas.example/", "answers": answers}
    told.named("late", "EvidenceLinked", "copret:institution", **link)


def _around(told: Compared) -> None:
    told.world.open_round()
    starts = format_when(told.world.now_ms + DAY)
    meeting: dict[str, Any] = {"meeting": "comite-1", "meeting_form": "committee", "starts": starts, "place": told.text}
    told.say("MeetingConvened", CHAIR, **meeting, invited=["icefi"], agenda=[told.text, "Otro punto"])
    indicator: dict[str, Any] = {"indicator": "personas", "subject": G2, "title": told.text, "unit": "personas"}
    parts = [{"part": "mujeres", "title": told.text}, {"part": "hombres", "title": "Hombres"}]
    told.say("IndicatorDefined", "minfin:institution", **indicator, decimals=0, parts=parts)
    values = [{"part": "mujeres", "value": 4_095}, {"part": "hombres", "value": -3}]
    first = {"precision": "month", "day": "2015-01-01"}
    measured: dict[str, Any] = {"indicator": "personas", "first_day": first, "last_day": first, "values": values}
    told.say("IndicatorMeasured", "minfin:institution", **measured)
    claims: Any = [
        {"measure": "level_count", "scope": {"level": "complete"}, "value": 2, "out_of": 3},
        {"measure": "delayed", "scope": {}, "value": 14, "out_of": 18},
    ]
    report: dict[str, Any] = {"report": "medio", "report_form": "self_assessment_midterm", "title": told.text}
    on = {"precision": "day", "day": told.world_day(0)}
    told.say("ReportPublished", CHAIR, **report, version=1, on=on, document=digest_of("report"), claims=claims)
    due = {"precision": "day", "day": told.world_day(-20)}
    told.say("CompletionDateSet", R, subject=C8, date=due)


__all__ = ["C8", "G1", "G2", "PLAN", "Compared", "tell"]

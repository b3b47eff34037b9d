"""One small history in which nearly every kind of statement occurs once: what the tests of projections replay."""

from functools import cache
from typing import Any

import world as w
from world import C8, G1, G2, digest_of

from ledger.statement import Entry, format_when

DAY = 86_400_000
COPRET, CHAIR = "copret:institution", "copret:coordinator"


@cache
def _story() -> tuple[Entry, ...]:
    return tuple(history())


def history() -> list[Entry]:
    """The entries of the history, told anew."""
    world = w.found()
    level: Any = {"subject": G1, "reason": "Avance.", "evidence": []}
    world.say("CompletionReported", COPRET, **level, level="limited")
    world.say("CompletionReported", "minfin:institution", subject=G2, level="substantial", reason="Hecho.", evidence=[])
    printed = w.printed("C8/level", on_behalf_of="segeplan")
    imported: Any = {"subject": C8, "level": "complete", "evidence": [], "printed": printed}
    world.say("CompletionReported", "importador:importer", **imported)
    world.say(
        "CompletionDateSet",
        "segeplan:institution",
        subject=C8,
        date={"precision": "month", "day": "2015-07-01"},
    )
    world.say("NextStepsSet", "segeplan:institution", commitment=C8, steps=[{"text": "Seguir."}])
    link = world.say(
        "EvidenceLinked",
        COPRET,
        for_=[f"{G1}.M0"],
        url="http://example.gt/acta",
        title="Acta",
        evidence_type="minutes",
        shows="Lo hecho",
    ).opened.identity
    seen = digest_of("seen")
    capture = {"link": link, "digest": seen, "size": 10, "media_type": "text/html", "method": "direct"}
    world.say("EvidenceCaptured", "captura:capturer", **capture, captured_at=format_when(world.now_ms))
    checked = {"link": link, "seen": "alive", "digest": seen, "checked_at": format_when(world.now_ms)}
    world.say("EvidenceChecked", "captura:capturer", **checked)
    dispute = {"link": link, "mechanism": f"{G1}.M0", "objection": "absent", "words": {"text": "No está."}}
    world.say("EvidenceDisputed", "icefi:assessor", **dispute)
    verdict = {"mechanism": f"{G1}.M0", "level": "limited", "digests": [seen], "words": {"text": "Leído."}}
    world.say("VerdictGiven", "icefi:assessor", **verdict)
    assessed = world.say(
        "CompletionAssessed", "irm:irm", commitment=G1, level="not_started", reason="Sin avance.", evidence=[]
    ).opened.identity
    world.open_round()
    comment = world.say("CommentSubmitted", "ana:citizen", **world.comment("ana", about=G1, position="for"))
    whole = world.say("CommentSubmitted", "eva:citizen", **world.comment("eva")).opened.identity
    heard = {"channel": "paper", "heard_at": format_when(world.now_ms)}
    world.say("CommentTranscribed", "mesa:transcriber", **world.comment("mesa", **heard))
    world.say("ResponseGiven", CHAIR, answers=[comment.opened.identity], disposition="accepted")
    target = {"statement": comment.opened.identity, "salted_digest": comment.opened.statement.salted_digests()[0]}
    appeal_until = format_when(world.now_ms + 30 * DAY)
    hidden = {"target": target, "ground": "hate", "rule": "Regla 3", "appeal_until": appeal_until}
    world.say("ContentWithheld", "vigilante:moderator", **hidden)
    world.say("StatementWithdrawn", "eva:citizen", statement=whole)
    world.say("CompletionReported", COPRET, **level, level="complete")
    world.say("CommitmentReopened", COPRET, commitment=G1, reason="Más acciones.")
    world.say("CompletionReported", COPRET, **{**level, "reason": "De nuevo."}, level="substantial")
    world.say("StatementWithdrawn", "irm:holder", statement=assessed)
    starts = format_when(world.now_ms + DAY)
    meeting = {"meeting": "comite-1", "meeting_form": "committee", "starts": starts, "place": "Sede"}
    world.say("MeetingConvened", CHAIR, **meeting, invited=["icefi"], agenda=["Avances"])
    present = [{"actor": "icefi", "post": "Investigación"}]
    world.say("AttendanceRecorded", CHAIR, meeting="comite-1", present=present)
    remark = {"meeting": "comite-1", "speaker": "icefi", "post": "Investigación", "words": {"text": "Falta contexto."}}
    world.say("RemarkRecorded", CHAIR, **remark)
    world.say("MinutesApproved", CHAIR, "icefi:holder", meeting="comite-1", document=digest_of("minutes"))
    advice = world.say("RecommendationMade", "irm:irm", to="copret", words={"text": "Publicar."}).opened.identity
    world.say("ResponseGiven", COPRET, answers=[advice], disposition="accepted")
    claims: Any = [
        {"measure": "level_count", "scope": {"level": "complete"}, "value": 2, "out_of": 3},
        {"measure": "level_count", "scope": {"level": "substantial"}, "value": 2, "out_of": 3},
        {"measure": "level_share_bp", "scope": {"level": "complete"}, "value": 3333, "out_of": 10000},
        {"measure": "level_share_bp", "scope": {"level": "substantial"}, "value": 6666, "out_of": 10000},
        {"measure": "meeting_count", "scope": {}, "value": 1},
        {"measure": "comment_count", "scope": {"round": "ronda-1"}, "value": 3},
        {"measure": "withheld_count", "scope": {}, "value": 0},
        {"measure": "delayed", "scope": {}, "value": 14, "out_of": 18},
    ]
    report = {"report": "medio", "report_form": "self_assessment_midterm", "title": "Medio término", "version": 1}
    day = {"precision": "day", "day": "2026-02-16"}
    world.say("ReportPublished", CHAIR, **report, on=day, document=digest_of("report"), claims=claims)
    _epilogue(world)
    return world.entries


def _epilogue(world: w.World) -> None:
    """The kinds that had no place in the story itself, so that every kind occurs."""
    day = {"precision": "day", "day": "2015-05-08"}
    text = {"text": "Unas palabras."}
    world.say("PlanSubmitted", CHAIR, to="irm", on=day, document=digest_of("plan"))
    world.say("NoticePublished", CHAIR, announces="round", round="ronda-1", medium="web", on=day)
    mechanism = {"mechanism": f"{C8}.M1", "text": "Mapa", "means": "Publicación", "repeats": "once"}
    world.say("MechanismDefined", CHAIR, "icefi:assessor", **mechanism)
    law: Any = {"instrument_type": "decree", "instrument_no": "57-2008", "title": "Acceso", "parties": []}
    world.say("InstrumentCited", CHAIR, **law)
    world.say("FundingRecorded", "minfin:institution", subject=G2, funding="partly_funded", words=text)
    world.say("ContextNoted", "icefi:assessor", first_day=day, last_day=day, words=text)
    world.say("OfficeHolderChanged", CHAIR, institution="copret", post="Comisión", on=day)
    activity: Any = {"activity_form": "training", "title": "Taller", "place": "Antigua", "first_day": day}
    world.say("ActivityRecorded", CHAIR, **activity, evidence=[])
    indicator: Any = {"indicator": "personas", "subject": G2, "title": "Personas", "unit": "personas", "decimals": 0}
    world.say("IndicatorDefined", "minfin:institution", **indicator)
    world.say("IndicatorMeasured", "minfin:institution", indicator="personas", as_of=day, values=[{"value": 4095}])
    document: Any = {"round": "ronda-1", "version": 2, "document": digest_of("v2"), "changes": []}
    world.say("DocumentPublished", CHAIR, **document)
    world.say("AgendaItemProposed", "icefi:assessor", meeting="comite-1", words=text)
    printed = next(one for one in world.entries if one.opened.statement.by[0].role == "importer")
    world.say("StatementConfirmed", "segeplan:holder", statement=printed.opened.identity)
    world.say("KeyRevoked", "captura:holder", key=w.public("captura"), cause="retired")


def story() -> list[Entry]:
    """The entries of the history, the same on every run."""
    return list(_story())

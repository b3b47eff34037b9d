"""One small history in which nearly every kind of statement occurs once: what the tests of projections replay."""

from functools import cache
from itertools import count
from typing import Any

import world as w
from world import C8, G1, G2, digest_of

from ledger.statement import Entry, format_when
from ledger.tlog.note import COSIGNATURE_ED25519, format_vkey

DAY = 86_400_000
WITNESS = format_vkey("witness.example/w1", COSIGNATURE_ED25519, bytes(w.key_of("witness").verify_key))
COPRET, CHAIR, IMPORTER = "copret:institution", "copret:coordinator", "importador:importer"


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


def keys(world: w.World) -> None:
    """Keys and roles that end, give way and are replaced, told after the history; the log holds the key `log-2`."""
    rotated = {"actor": "minfin", "old": w.public("minfin"), "new": w.public("minfin/b")}
    world.say("KeyRotated", "minfin:holder", "minfin/b:holder", **rotated)
    world.now_ms += 1_000 - world.now_ms % 1_000
    since = format_when(world.now_ms)
    reported: Any = {"subject": G2, "reason": "¿Quién lo dice?", "evidence": []}
    world.say("CompletionReported", "minfin/b:institution", **reported, level="complete")
    world.say("KeyRevoked", *w.REGISTRARS, key=w.public("minfin/b"), cause="compromised", since=since)
    (grant,) = [one for one in world.docket.roster.grants["congreso"] if one.role == "assessor"]
    words = {"text": "Terminó su encargo."}
    world.say("RoleEnded", "congreso:holder", grant=grant.identity, words=words)
    world.say("WitnessRecognised", *w.REGISTRARS, vkey=WITNESS, url="https://witness.example/w1")
    world.say("LogKeyRotated", *w.REGISTRARS, old=w.public("log"), new=w.public("log-2"))
    replaced = {"removed": "guatecivica", "actor": "dosis", "name": "DOSIS", "form": "organisation"}
    recovery = ("recovery-1:recovery", "recovery-2:recovery")
    reason = {"reason": "Perdió sus llaves.", "key": w.public("dosis")}
    world.say("RegistrarReplaced", *recovery, "dosis:holder", **replaced, **reason)


def public_turn(world: w.World) -> None:
    """What becomes of comments: moderated, appealed, erased, endorsed, contested; told after the history."""
    w.second_moderator(world)
    moderator, other = "vigilante:moderator", "jurado:moderator"
    world.now_ms += 1_000 - world.now_ms % 1_000
    longer = format_when(world.docket.rounds["ronda-1"].closes + DAY)
    world.say("RoundExtended", CHAIR, round="ronda-1", closes=longer, reason="Hubo feriado.")

    def comment(who: str, **fields: Any) -> dict[str, str]:
        made = world.say("CommentSubmitted", f"{who}:citizen", **world.comment(who, **fields)).opened
        return {"statement": made.identity, "salted_digest": made.statement.salted_digests()[0]}

    def salted(who: str) -> str:
        return w.salted_digest(world.origin, w.public(who), {"text": "Buen plan."})

    first, second, third = comment("rosa"), comment("luis", about="resultados"), comment("inés", position="against")
    until = {"appeal_until": format_when(world.now_ms + 30 * DAY)}
    world.say("CommentEndorsed", "luis:citizen", comment=first["statement"])
    endorsed = world.say("CommentEndorsed", "inés:citizen", comment=first["statement"]).opened.identity
    world.say("StatementWithdrawn", "inés:citizen", statement=endorsed)
    world.say("ContentWithheld", moderator, target=first, ground="hate", rule="Regla 3", **until)
    appeal = world.say("ModerationAppealed", "rosa:citizen", target=first, salted_digest=salted("rosa")).opened.identity
    why = {"text": "No incita a nada."}
    world.say("AppealDecided", other, appeal=appeal, decision="overturned", words=why)
    world.say("ContentRestored", other, target=first, words=why)
    shorter = salted("vigilante")
    hidden = {"ground": "personal_data", "rule": "Regla 1", **until}
    world.say("ContentRedacted", moderator, target=second, salted_digest=shorter, **hidden)
    world.say("ErasureRequested", "inés:citizen", target=third, ground="consent_withdrawn")
    erased: Any = {"ground": "requested", "rule": "Lo pidió su autora", "stores": ["vault", "backups", "mirrors"]}
    world.say("ContentErased", moderator, other, target=third, **erased)
    answers = [first["statement"], second["statement"]]
    answer = world.say("ResponseGiven", CHAIR, answers=answers, disposition="partly").opened.identity
    words = {"salted_digest": salted("rosa")}
    world.say("StatementContested", "rosa:citizen", statement=answer, words=words)
    changes: Any = [{"text": "Nuevo plazo.", "comments": [first["statement"]]}]
    version = {"version": world.docket.rounds["ronda-1"].version + 1, "document": digest_of("v3")}
    world.say("DocumentPublished", CHAIR, round="ronda-1", changes=changes, **version)
    day: Any = {"opens": format_when(world.now_ms - 2 * DAY), "closes": format_when(world.now_ms - DAY)}
    world.open_round(round="ronda-2", **day)
    world.say("RoundClosed", CHAIR, round="ronda-2", comment_count=7, tree_size=world.docket.size)


def evidence(world: w.World) -> None:
    """What becomes of promises and of their evidence: amended, weighed, asked for, disputed, assessed; told after the
    history."""
    say: Any = world.say
    s, i = "icefi:assessor", "irm:irm"
    g3, g4, text = f"{w.PLAN}/G3", f"{w.PLAN}/G4", {"text": "Unas palabras."}
    day = {"precision": "day", "day": "2026-12-31"}
    parameters = {**w.METHODOLOGY, "codes": CODES}
    say("MethodologyAdopted", CHAIR, s, version=2, parameters=parameters, document=digest_of("methodology 2"))
    for one in (g3, g4):
        say("CommitmentRegistered", CHAIR, **w.commitment(one))
    others: Any = {"government": ["SAT"], "civil": [], "unlabelled": []}
    changed: Any = {"problem": "El problema.", "axis": "integridad", "others": others, "due": day}
    say("CommitmentAmended", CHAIR, s, commitment=g3, reason="Lo pidió el comité.", **changed)
    say("CommitmentAmended", CHAIR, commitment=g4, reason="Otra entidad.", institution="minfin", title="Otro título")
    say("CommitmentAmended", CHAIR, commitment=g4, reason="De vuelta.", institution="copret")
    say("MechanismDefined", CHAIR, i, mechanism=f"{C8}.M2", text="Piloto", means="Informe", repeats="once")
    often: Any = {"repeats": "recurring", "period_days": 30, "grace_days": 3, "text": "Mapas cada mes"}
    goal = {"value": 1635, "decimals": 1, "unit": "municipios"}
    say("MechanismAmended", CHAIR, i, mechanism=f"{C8}.M1", reason="Cada mes.", goal=goal, due=day, **often)
    weights = [{"mechanism": f"{C8}.M1", "bp": 2500}, {"mechanism": f"{C8}.M2", "bp": 7500}]
    say("WeightsSet", CHAIR, s, commitment=C8, weights=weights)
    entries = [{"commitment": g3, "mechanism": f"{g3}.M0", "progress": "La mitad.", "action": "Se convocó."}]
    say("WeeklyReportFiled", COPRET, institution="copret", week="2026-W07", entries=entries)
    say("WeeklyReportFiled", COPRET, institution="copret", week="2026-W08", entries=[])

    asked: Any = {"institution": "copret", "mechanism": f"{g3}.M0", "words": text, "due": day}
    requests = [say("EvidenceRequested", who, **asked).opened.identity for who in (s, i)]
    shown: Any = {"title": "Listado", "evidence_type": "dataset", "shows": "Quiénes asistieron."}
    both = {"for_": [f"{g3}.M0", f"{g4}.M0"], "url": "http://example.gt/listado", "answers": requests[:1]}
    link = say("EvidenceLinked", COPRET, **both, **shown).opened.identity
    say("ResponseGiven", COPRET, answers=requests[:1], disposition="accepted", led_to=link)
    uses = [{"commitment": g3, "takes": "La columna A."}, {"commitment": g4, "takes": "La columna B."}]
    say("SharedUseExplained", COPRET, evidence=[link], uses=uses)
    listing = {"link": link, "digest": digest_of("listing"), "size": 20, "media_type": "text/csv", "method": "direct"}
    say("EvidenceCaptured", s, **listing, captured_at=format_when(world.now_ms))

    def dispute(who: str, objection: str) -> str:
        words = {"salted_digest": w.salted_digest(world.origin, w.public(who), {"text": "Buen plan."})}
        of = {"link": link, "mechanism": f"{g3}.M0", "objection": objection, "words": words}
        return str(say("EvidenceDisputed", f"{who}:citizen", **of).opened.identity)

    admitted, declined = dispute("luz", "not_relevant"), dispute("sol", "altered")
    dispute("mar", "before_plan")
    say("DisputeScreened", s, dispute=admitted, screening="admitted", words=text)
    say("DisputeScreened", i, dispute=declined, screening="declined", words=text)
    say("ResponseGiven", COPRET, answers=[admitted], disposition="rejected", words=text)
    say("DisputeResolved", i, dispute=admitted, resolution="partly", words=text)
    say("VerdictGiven", i, mechanism=f"{g3}.M0", level="substantial", digests=[digest_of("listing")], words=text)

    span = {"from_": "2014-07-01T06:00:00Z", "until": "2015-07-01T06:00:00Z"}
    say("AssessmentOpened", i, assessment="irm-2015", commitments=[g3, g4], methodology=2, **span)
    level: Any = {"level": "limited", "reason": "Falta la otra mitad.", "assessment": "irm-2015"}
    say("CompletionAssessed", i, commitment=g3, evidence=[link], **level)
    for aspect, codes in CODES.items():
        say("CommitmentCoded", i, commitment=g3, aspect=aspect, code=codes[1], words=text)
    say("AssessmentClosed", i, assessment="irm-2015", tree_size=world.docket.size)


CODES: dict[str, list[str]] = {
    "verifiability": ["none", "low", "medium", "high"],
    "relevance": ["unclear", "clear"],
    "ambition": ["none", "minor", "moderate", "transformative"],
    "early_results": ["worsened", "did_not_change", "marginal", "major", "outstanding"],
}


def margins(world: w.World) -> None:
    """Kinds at the margins of their shapes: printed with hardly a field, signed with every one."""
    say: Any = world.say
    numbers = count(1)

    def item() -> dict[str, Any]:
        return w.printed(f"x/{next(numbers)}")

    bare = f"{w.PLAN}/C30"
    none = {"precision": "none"}
    day = {"precision": "day", "day": "2015-05-08"}
    year = {"precision": "year", "day": "2015-01-01"}
    say(
        "CommitmentRegistered",
        IMPORTER,
        commitment=bare,
        number=30,
        proposer="civil_society",
        title="Solo el título",
        institution="copret",
        others={"government": [], "civil": [], "unlabelled": []},
        printed=item(),
    )
    say("MechanismDefined", IMPORTER, mechanism=f"{bare}.M1", text="Uno", printed=item())
    say("CompletionReported", IMPORTER, subject=bare, level="not_started", evidence=[], printed=item())
    say("CompletionReported", IMPORTER, subject=f"{bare}.M1", level="limited", evidence=[], printed=item())
    say("CompletionDateSet", IMPORTER, subject=bare, date=none, printed=item())
    say("CompletionDateSet", IMPORTER, subject=f"{bare}.M1", date=year, printed=item())
    say("NextStepsSet", IMPORTER, commitment=bare, steps=[], printed=item())
    say("EvidenceLinked", IMPORTER, for_=[f"{bare}.M1"], upload=w.digest_of("archivo"), printed=item())
    say("EvidenceLinked", IMPORTER, for_=[f"{bare}.M1"], url="http://x.gt/" + "a" * 300, printed=item())
    say(
        "RoundOpened",
        IMPORTER,
        round="r-impresa",
        concerns="other",
        version=1,
        parts=[],
        opens="2015-09-04T06:00:00Z",
        closes="2015-09-26T06:00:00Z",
        late="refuse",
        langs=[],
        printed=item(),
    )
    say("DocumentPublished", IMPORTER, round="r-impresa", version=2, changes=[], printed=item())
    say(
        "ReportPublished",
        IMPORTER,
        report="i-1",
        report_form="other",
        version=1,
        title="Informe",
        on=none,
        claims=[],
        printed=item(),
    )
    say(
        "MeetingConvened",
        IMPORTER,
        meeting="m-1",
        meeting_form="work_table",
        starts=year,
        invited=[],
        agenda=[],
        printed=item(),
    )
    say(
        "MeetingConvened",
        IMPORTER,
        meeting="m-2",
        meeting_form="irm",
        starts=none,
        invited=[],
        agenda=[],
        printed=item(),
    )
    say("AttendanceRecorded", IMPORTER, meeting="m-1", present=[], printed=item())
    say("AgendaItemProposed", IMPORTER, words={"text": "Algo"}, printed=item())
    say("ActivityRecorded", IMPORTER, activity_form="publicity", title="A", first_day=none, evidence=[], printed=item())
    say("InstrumentCited", IMPORTER, instrument_type="agreement", title="T", parties=[], printed=item())
    say("FundingRecorded", IMPORTER, funding="unfunded", words={"text": "Nada"}, printed=item())
    say("ContextNoted", IMPORTER, first_day=none, last_day=none, words={"text": "x"}, printed=item())
    say("OfficeHolderChanged", IMPORTER, institution="copret", post="P", on=none, printed=item())
    say("NoticePublished", IMPORTER, announces="other", medium="poster", on=none, printed=item())
    say("PlanSubmitted", IMPORTER, to="irm", on=none, printed=item())
    say("RecommendationMade", IMPORTER, to="copret", words={"text": "x"}, printed=item())
    say(
        "IndicatorDefined",
        IMPORTER,
        indicator="i-p",
        subject=bare,
        title="T",
        unit="u",
        decimals=2,
        parts=[{"part": "a", "title": "A"}, {"part": "b", "title": "B"}],
        printed=item(),
    )
    say(
        "IndicatorMeasured",
        IMPORTER,
        indicator="i-p",
        first_day=day,
        last_day=day,
        values=[{"part": "a", "value": -5}],
        out_of=7,
        printed=item(),
    )
    # the fullest
    say(
        "CompletionReported",
        CHAIR,
        subject=w.G1,
        level="substantial",
        reason="x",
        evidence=[],
        share={"value": 345, "out_of": 350, "unit": "puestos"},
    )
    say(
        "MechanismDefined",
        CHAIR,
        "icefi:assessor",
        mechanism=f"{w.G2}.M1",
        text="M",
        means="X",
        repeats="recurring",
        period_days=30,
        grace_days=3,
        goal={"value": 12, "decimals": 1, "unit": "mesas"},
        due=day,
    )
    say(
        "EvidenceLinked",
        "icefi:assessor",
        for_=[f"{w.G2}.M1"],
        url="https://x.gt/",
        title="T",
        evidence_type="press",
        dated=year,
        publisher="Prensa",
        shows="x",
    )
    say(
        "NoticePublished",
        CHAIR,
        announces="report",
        report="i-1",
        medium="press",
        outlet="Diario",
        on=day,
        url="https://x.gt/aviso",
    )
    say(
        "CommitmentRegistered",
        CHAIR,
        **w.commitment(f"{w.PLAN}/G9", problem="P", further="F", starts=day, due=year, axis="integridad"),
    )
    say("ActorRegistered", *w.REGISTRARS, actor="oficina", form="office", of="copret", name="O", site="https://o.gt/")
    say(
        "RoleGranted",
        *w.REGISTRARS,
        actor="oficina",
        role="capturer",
        scope={"plans": [w.PLAN], "commitments": [w.G1], "rounds": ["ronda-1"]},
        from_="2026-01-01T00:00:00Z",
        until="2030-01-01T00:00:00Z",
        document=w.digest_of("d"),
    )


def story() -> list[Entry]:
    """The entries of the history, the same on every run."""
    return list(_story())

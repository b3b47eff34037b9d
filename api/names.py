"""What codes of the record are called: levels, roles, kinds, grounds. English here; translated where shown.

`msg` marks a sentence for the catalogues (`projections/words`) and returns it as it is. Nothing else is needed here, so
the command has the same names as the pages without any web library.
"""

from collections.abc import Mapping


def msg(text: str) -> str:
    """Marks a sentence for the catalogues."""
    return text


# In the order of the scale, highest first: the order of every tally.
LEVELS: Mapping[str, str] = {
    "complete": msg("Complete"),
    "substantial": msg("Substantial"),
    "limited": msg("Limited"),
    "not_started": msg("Not started"),
    "no_evidence_available": msg("No evidence available"),
}

PROPOSERS: Mapping[str, str] = {
    "government": msg("Proposed by the government"),
    "civil_society": msg("Proposed by civil society"),
}

ROLES: Mapping[str, str] = {
    "registrar": msg("registrar"),
    "coordinator": msg("coordinator"),
    "institution": msg("responsible institution"),
    "assessor": msg("civil-society assessor"),
    "irm": msg("Independent Reporting Mechanism"),
    "citizen": msg("citizen, with a key of their own"),
    "moderator": msg("moderator"),
    "capturer": msg("capturer of evidence"),
    "transcriber": msg("transcriber"),
    "importer": msg("importer, as printed"),
    "holder": msg("holder of the key"),
    "recovery": msg("recovery key"),
}

FORMS: Mapping[str, str] = {
    "institution": msg("public institution"),
    "organisation": msg("organisation"),
    "office": msg("office"),
    "program": msg("computer program"),
}

# The four voices, always in this order, and the public's.
VOICES: Mapping[str, str] = {
    "government": msg("Reports"),
    "civil_society": msg("Observes"),
    "irm": msg("IRM"),
    "evidence": msg("Evidence"),
    "citizen": msg("Public"),
}

GROUNDS: Mapping[str, str] = {
    "personal_data": msg("it contains personal data"),
    "hate": msg("it incites hatred"),
    "threat": msg("it contains a threat"),
    "spam": msg("it is spam"),
    "illegal": msg("the law forbids it"),
    "rights_of_others": msg("it violates the rights of others"),
    "court_order": msg("a court has ordered it"),
    "consent_withdrawn": msg("its author has withdrawn consent"),
    "legal_order": msg("an authority has ordered it"),
}

POSITIONS: Mapping[str, str] = {
    "for": msg("In favour"),
    "against": msg("Against"),
    "neutral": msg("Neutral"),
}

CHANNELS: Mapping[str, str] = {
    "signed": msg("signed by its author"),
    "paper": msg("transcribed from paper"),
    "meeting": msg("transcribed from a meeting"),
    "phone": msg("transcribed from a telephone call"),
    "web_form": msg("received by web form, not signed by its author"),
    "report": msg("transcribed from the report"),
}

DISPOSITIONS: Mapping[str, str] = {
    "accepted": msg("Accepted"),
    "partly": msg("Accepted in part"),
    "rejected": msg("Rejected"),
    "already_done": msg("Already done"),
    "out_of_scope": msg("Out of scope"),
}

CONCERNS: Mapping[str, str] = {
    "plan_draft": msg("Draft of the action plan"),
    "report_draft": msg("Draft of the self-assessment report"),
    "amendment": msg("Amendment of a commitment"),
    "other": msg("Another matter"),
}

MEETING_FORMS: Mapping[str, str] = {
    "committee": msg("Technical committee"),
    "technical": msg("Technical meeting"),
    "irm": msg("Meeting with the IRM"),
    "results": msg("Presentation of results"),
    "work_table": msg("Work table"),
}

REPORT_FORMS: Mapping[str, str] = {
    "self_assessment_midterm": msg("Mid-term self-assessment"),
    "self_assessment_final": msg("Final self-assessment"),
    "irm": msg("IRM report"),
    "shadow": msg("Civil-society report"),
    "round_summary": msg("Summary of a consultation"),
    "other": msg("Another report"),
}

VERDICTS: Mapping[str, str] = {
    "exact": msg("matches the record"),
    "truncated": msg("matches, cut short"),
    "differs": msg("differs from the record"),
    "not_computable": msg("cannot be computed from the record"),
}

EVIDENCE_TYPES: Mapping[str, str] = {
    "document": msg("document"),
    "page": msg("web page"),
    "statistic": msg("statistic"),
    "dataset": msg("dataset"),
    "log": msg("log"),
    "minutes": msg("minutes"),
    "press": msg("press"),
    "law": msg("law"),
    "image": msg("image"),
    "other": msg("other evidence"),
}

OBJECTIONS: Mapping[str, str] = {
    "absent": msg("it is not there"),
    "not_relevant": msg("it does not bear on this"),
    "contradicts": msg("it says the contrary"),
    "not_theirs": msg("it is somebody else's work"),
    "before_plan": msg("it is older than the plan"),
    "altered": msg("it was altered"),
}

SEEN: Mapping[str, str] = {
    "alive": msg("still there, unchanged"),
    "changed": msg("there, but changed"),
    "gone": msg("no longer there"),
    "blocked": msg("access blocked"),
    "unsure": msg("could not be established"),
}

MEDIA: Mapping[str, str] = {
    "press": msg("press"),
    "web": msg("web"),
    "email": msg("e-mail"),
    "radio": msg("radio"),
    "tv": msg("television"),
    "poster": msg("poster"),
    "social": msg("social media"),
    "message": msg("message"),
}

CAUSES: Mapping[str, str] = {
    "retired": msg("retired"),
    "lost": msg("lost"),
    "compromised": msg("compromised"),
}

FUNDINGS: Mapping[str, str] = {
    "funded": msg("funded"),
    "partly_funded": msg("funded in part"),
    "unfunded": msg("not funded"),
}

# One name for each kind of statement, as a past-tense fact.
KIND_NAMES: Mapping[str, str] = {
    "LedgerOpened": msg("Ledger opened"),
    "ActorRegistered": msg("Body registered"),
    "KeyEnrolled": msg("Key enrolled"),
    "KeyRevoked": msg("Key revoked"),
    "RoleGranted": msg("Role granted"),
    "PlanRegistered": msg("Plan registered"),
    "MethodologyAdopted": msg("Methodology adopted"),
    "AxisDefined": msg("Work axis defined"),
    "PlanSubmitted": msg("Plan submitted"),
    "NoticePublished": msg("Notice published"),
    "CommitmentRegistered": msg("Commitment registered"),
    "MechanismDefined": msg("Compliance mechanism defined"),
    "InstrumentCited": msg("Legal instrument cited"),
    "FundingRecorded": msg("Funding recorded"),
    "ContextNoted": msg("Context noted"),
    "OfficeHolderChanged": msg("Change of office recorded"),
    "ActivityRecorded": msg("Activity recorded"),
    "RecommendationMade": msg("Recommendation made"),
    "CompletionReported": msg("Level reported"),
    "CompletionDateSet": msg("Completion date set"),
    "NextStepsSet": msg("Next steps set"),
    "CommitmentReopened": msg("Commitment reopened"),
    "IndicatorDefined": msg("Indicator defined"),
    "IndicatorMeasured": msg("Indicator measured"),
    "ReportPublished": msg("Report published"),
    "EvidenceLinked": msg("Evidence linked"),
    "EvidenceCaptured": msg("Evidence captured"),
    "EvidenceChecked": msg("Evidence checked"),
    "EvidenceDisputed": msg("Evidence disputed"),
    "VerdictGiven": msg("Verdict given"),
    "CompletionAssessed": msg("Level assessed"),
    "RoundOpened": msg("Consultation opened"),
    "DocumentPublished": msg("Consulted document published"),
    "CommentSubmitted": msg("Comment submitted"),
    "CommentTranscribed": msg("Comment transcribed"),
    "ContentWithheld": msg("Content withheld"),
    "MeetingConvened": msg("Meeting convened"),
    "AgendaItemProposed": msg("Agenda item proposed"),
    "AttendanceRecorded": msg("Attendance recorded"),
    "RemarkRecorded": msg("Remark recorded"),
    "MinutesApproved": msg("Minutes approved"),
    "ResponseGiven": msg("Answer given"),
    "StatementConfirmed": msg("Statement confirmed"),
    "StatementWithdrawn": msg("Statement withdrawn"),
}

NAMES: Mapping[str, Mapping[str, str]] = {
    "level": LEVELS,
    "proposer": PROPOSERS,
    "role": ROLES,
    "form": FORMS,
    "voice": VOICES,
    "ground": GROUNDS,
    "position": POSITIONS,
    "channel": CHANNELS,
    "disposition": DISPOSITIONS,
    "concerns": CONCERNS,
    "meeting_form": MEETING_FORMS,
    "report_form": REPORT_FORMS,
    "verdict": VERDICTS,
    "evidence_type": EVIDENCE_TYPES,
    "objection": OBJECTIONS,
    "seen": SEEN,
    "medium": MEDIA,
    "cause": CAUSES,
    "funding": FUNDINGS,
    "kind": KIND_NAMES,
}

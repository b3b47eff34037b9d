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
    "requested": msg("its erasure was requested"),
}

DECISIONS: Mapping[str, str] = {
    "upheld": msg("The act stands"),
    "overturned": msg("The act is overturned"),
}

STORES: Mapping[str, str] = {
    "vault": msg("the vault of texts"),
    "backups": msg("backups"),
    "mirrors": msg("mirrors"),
}

# What became of a content. A comment is in one of these states.
CONTENT_STATES: Mapping[str, str] = {
    "shown": msg("Shown"),
    "redacted": msg("Shown in part"),
    "withheld": msg("Withheld"),
    "withdrawn": msg("Withdrawn by its author"),
    "erased": msg("Erased"),
}

# What became of a comment beside its text.
COMMENT_FLAGS: Mapping[str, str] = {
    "answered": msg("Answered"),
    "unanswered": msg("Without an answer"),
    "late": msg("Received late"),
}

# In what order comments are read.
COMMENT_ORDERS: Mapping[str, str] = {
    "fair": msg("Another beginning each day"),
    "oldest": msg("The oldest first"),
    "newest": msg("The newest first"),
    "waiting": msg("Without an answer first"),
}

# What moderators do with a text, with a captured file, and how many times they did it with either.
MODERATION_ACTS: Mapping[str, str] = {
    "withheld": msg("Text withheld"),
    "redacted": msg("Text shown in part"),
    "restored": msg("Text shown again"),
    "erased": msg("Text erased"),
}
FILE_ACTS: Mapping[str, str] = {
    "withheld": msg("Captured file withheld"),
    "restored": msg("Captured file shown again"),
    "erased": msg("Captured file erased"),
}
MODERATION_COUNTS: Mapping[str, str] = {
    "withheld": msg("Withholdings"),
    "redacted": msg("Redactions"),
    "restored": msg("Restorations"),
    "erased": msg("Erasures"),
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

LATES: Mapping[str, str] = {
    "refuse": msg("It is refused"),
    "accept": msg("It is taken, and marked late"),
}

PHASES: Mapping[str, str] = {
    "announced": msg("Announced"),
    "open": msg("Open now"),
    "late": msg("Takes late comments"),
    "closed": msg("Closed"),
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

REPEATS: Mapping[str, str] = {
    "once": msg("once"),
    "recurring": msg("again and again"),
}

SCREENINGS: Mapping[str, str] = {
    "admitted": msg("admitted"),
    "declined": msg("not admitted"),
}

# How an objection to evidence was resolved: what is left of the objection, not of the evidence.
RESOLUTIONS: Mapping[str, str] = {
    "upheld": msg("upheld, the evidence does not show it"),
    "partly": msg("upheld in part"),
    "rejected": msg("rejected, the evidence stands"),
}

# What assessors look at in a commitment beside its level.
ASPECTS: Mapping[str, str] = {
    "verifiability": msg("Verifiability"),
    "relevance": msg("Relevance"),
    "ambition": msg("Ambition"),
    "early_results": msg("Early results"),
}

# Codes that a methodology may list for these aspects; it may have others, which are shown as they are.
CODES: Mapping[str, str] = {
    "none": msg("not at all"),
    "low": msg("low"),
    "medium": msg("medium"),
    "high": msg("high"),
    "access_to_information": msg("access to information"),
    "civic_participation": msg("civic participation"),
    "public_accountability": msg("public accountability"),
    "technology_and_innovation": msg("technology and innovation for openness and accountability"),
    "unclear": msg("unclear"),
    "minor": msg("minor"),
    "moderate": msg("moderate"),
    "transformative": msg("transformative"),
    "worsened": msg("worsened"),
    "did_not_change": msg("did not change"),
    "marginal": msg("marginal"),
    "major": msg("major"),
    "outstanding": msg("outstanding"),
}

SEEN: Mapping[str, str] = {
    "alive": msg("still there, unchanged"),
    "changed": msg("there, but changed"),
    "gone": msg("no longer there"),
    "blocked": msg("access blocked"),
    "unsure": msg("could not be established"),
}

# How captured bytes came.
METHODS: Mapping[str, str] = {
    "direct": msg("fetched from its address"),
    "archive": msg("taken from another archive"),
    "upload": msg("from a file that was handed in"),
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
    "KeyRotated": msg("Key exchanged for the next"),
    "KeyRevoked": msg("Key revoked"),
    "RoleGranted": msg("Role granted"),
    "RoleEnded": msg("Role ended"),
    "RegistrarReplaced": msg("Registrar replaced"),
    "LogKeyRotated": msg("Key of the log exchanged"),
    "WitnessRecognised": msg("Witness recognised"),
    "RulebookAdopted": msg("Rulebook adopted"),
    "PlanRegistered": msg("Plan registered"),
    "MethodologyAdopted": msg("Methodology adopted"),
    "AxisDefined": msg("Work axis defined"),
    "PlanSubmitted": msg("Plan submitted"),
    "NoticePublished": msg("Notice published"),
    "CommitmentRegistered": msg("Commitment registered"),
    "CommitmentAmended": msg("Commitment amended"),
    "MechanismDefined": msg("Compliance mechanism defined"),
    "MechanismAmended": msg("Compliance mechanism amended"),
    "WeightsSet": msg("Weights of the mechanisms set"),
    "InstrumentCited": msg("Legal instrument cited"),
    "FundingRecorded": msg("Funding recorded"),
    "ContextNoted": msg("Context noted"),
    "OfficeHolderChanged": msg("Change of office recorded"),
    "ActivityRecorded": msg("Activity recorded"),
    "RecommendationMade": msg("Recommendation made"),
    "WeeklyReportFiled": msg("Weekly report filed"),
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
    "SharedUseExplained": msg("Shared use of evidence explained"),
    "EvidenceDisputed": msg("Evidence disputed"),
    "DisputeScreened": msg("Dispute screened"),
    "DisputeResolved": msg("Dispute resolved"),
    "VerdictGiven": msg("Verdict given"),
    "EvidenceRequested": msg("Evidence requested"),
    "AssessmentOpened": msg("Assessment opened"),
    "CompletionAssessed": msg("Level assessed"),
    "CommitmentCoded": msg("Commitment coded"),
    "AssessmentClosed": msg("Assessment closed"),
    "RoundOpened": msg("Consultation opened"),
    "RoundExtended": msg("Consultation extended"),
    "RoundClosed": msg("Comments of a consultation counted"),
    "DocumentPublished": msg("Consulted document published"),
    "CommentSubmitted": msg("Comment submitted"),
    "CommentTranscribed": msg("Comment transcribed"),
    "CommentEndorsed": msg("Comment endorsed"),
    "ErasureRequested": msg("Erasure requested"),
    "ContentWithheld": msg("Content withheld"),
    "ContentRedacted": msg("Content shown in part"),
    "ContentRestored": msg("Content shown again"),
    "ContentErased": msg("Content erased"),
    "ModerationAppealed": msg("Moderation appealed"),
    "AppealDecided": msg("Appeal decided"),
    "MeetingConvened": msg("Meeting convened"),
    "AgendaItemProposed": msg("Agenda item proposed"),
    "AttendanceRecorded": msg("Attendance recorded"),
    "RemarkRecorded": msg("Remark recorded"),
    "MinutesApproved": msg("Minutes approved"),
    "ResponseGiven": msg("Answer given"),
    "StatementContested": msg("Statement contested"),
    "StatementConfirmed": msg("Statement confirmed"),
    "StatementWithdrawn": msg("Statement withdrawn"),
}

# What each kind asks beyond its fields; FORMAT.md has the same sentences.
KIND_RULES: Mapping[str, str] = {
    "LedgerOpened": msg(
        "Its origin is line 1; signers are the registrars in that order; actors and keys are all "
        "different; registrars of three organisations or more, one of them of form organisation."
    ),
    "ActorRegistered": msg(
        "The actor is new. Offices and programs have `of`, a registered institution or organisation; others have none."
    ),
    "KeyEnrolled": msg(
        "The third line is of the key enrolled, as holder for its actor; the key was never enrolled and is "
        "neither the log's, nor a witness's, nor for recovery."
    ),
    "KeyRotated": msg(
        "The first line is of the key that ends here, the second of the next one, both as holder for the "
        "actor; the next key was never anybody's, as with KeyEnrolled, and ends when the first one would "
        "have."
    ),
    "KeyRevoked": msg(
        "`since` goes with `compromised`, at most 30 days back unless two registrars and another key of the "
        "holder sign; what the key signed from then on is shown as disputed. A key that gave way to another "
        "can still be declared compromised. Two registrars of different organisations are left."
    ),
    "RoleGranted": msg(
        "Of any role but citizen, holder and recovery. For `importer` it has `until` and `sources`, for "
        "others no `sources`; for `registrar` no plan. Nobody reports and judges in one plan."
    ),
    "RoleEnded": msg(
        "The grant is in force, or will be; its holder ends it, or two registrars; a role of the founding is "
        "ended by its holder alone. Two registrars of different organisations are left."
    ),
    "RegistrarReplaced": msg(
        "Recovery keys of the founding, as many as its threshold or more, and then the new key as holder. "
        "`removed` is a registrar: its role and all its keys end here. The actor is new, or as registered; it"
        " may be the one removed, with a new key. Registrars of three organisations remain, one of form "
        "organisation."
    ),
    "LogKeyRotated": msg(
        "`old` is the log's key now; `new` was never anybody's. Every head of more entries than this one's "
        "index is signed by `new`."
    ),
    "WitnessRecognised": msg("`vkey` is the key of a witness, for cosignatures, and was never anybody's."),
    "RulebookAdopted": msg(
        "The version after the last, known to the software; `from_index` comes after this entry. Version 1 is"
        " the only one known, so none can be adopted yet."
    ),
    "PlanRegistered": msg("The plan is new."),
    "MethodologyAdopted": msg("The version after the last; `from` is not before it is received."),
    "AxisDefined": msg("The axis is new in the plan."),
    "CommitmentRegistered": msg("The commitment is new; `institution` is a registered institution."),
    "CommitmentAmended": msg(
        "It changes one field or more; `institution` is a registered institution; no `agreement` can be named yet; "
        "after a first reported level an assessor or the IRM signs too."
    ),
    "MechanismDefined": msg(
        "The mechanism is new, `.M1` to `.M99`; `recurring` has `period_days`; after a first reported "
        "level an assessor or the IRM signs too."
    ),
    "MechanismAmended": msg(
        "Not of `.M0`, which is implicit; otherwise as CommitmentAmended. `recurring` needs `period_days`, here or "
        "before. The verdicts on the mechanism lapse."
    ),
    "WeightsSet": msg(
        "Each mechanism of the commitment once, and 10,000 in all; after a first reported level an assessor or the IRM "
        "signs too."
    ),
    "WeeklyReportFiled": msg(
        "By the institution itself, of commitments that it is responsible for now; a `mechanism` is of the commitment "
        "beside it. A second one for the week is shown beside the first."
    ),
    "CompletionReported": msg(
        "Not `no_evidence_available`; below `complete`, once that is reported, only after CommitmentReopened."
    ),
    "CompletionDateSet": msg("Another date than the last has a `reason`."),
    "CommitmentReopened": msg("The commitment is reported complete."),
    "IndicatorDefined": msg("The indicator is new."),
    "IndicatorMeasured": msg(
        "Either `as_of`, or `first_day` and `last_day`; one value without a part, or values of the parts "
        "that were defined, each at most once."
    ),
    "ReportPublished": msg(
        "The version is new, by the organisation that published the earlier ones; `tree_size` is not more"
        " than the entries there are."
    ),
    "EvidenceLinked": msg(
        "Exactly one of `url` and `upload`. A commitment without mechanisms has the implicit one, `.M0`. It `answers` "
        "requests for one of its mechanisms."
    ),
    "EvidenceChecked": msg("With `alive` and `changed` a `digest`."),
    "SharedUseExplained": msg(
        "By the institution responsible for every commitment in `uses`, each named once; each piece of evidence is "
        "linked for one of them or more, and each of them has some of it."
    ),
    "EvidenceDisputed": msg(
        "The evidence is linked for that mechanism, or for the commitment's `.M0`. By an assessor or the IRM it is "
        "admitted at once; a citizen's is screened first."
    ),
    "DisputeScreened": msg(
        "Of a citizen's dispute, once; no signer's organisation is or was responsible for the commitment."
    ),
    "DisputeResolved": msg(
        "Once, of a dispute that is admitted; no signer's organisation has opened it, or is or was responsible for the "
        "commitment."
    ),
    "VerdictGiven": msg(
        "Each digest was captured for that mechanism or for `.M0`; no signer's organisation is or was "
        "responsible for the commitment."
    ),
    "EvidenceRequested": msg("Of the institution that is responsible for the mechanism now."),
    "AssessmentOpened": msg(
        "The assessment is new; `from` before `until`; `methodology` is a version that was adopted."
    ),
    "CompletionAssessed": msg(
        "No signer's organisation is or was responsible for the commitment; an `assessment` is of the signer's "
        "organisation, about this commitment, and not closed."
    ),
    "CommitmentCoded": msg("The code is one of that aspect, in the methodology in force."),
    "AssessmentClosed": msg(
        "Once, by the organisation that opened it; `tree_size` is not more than the entries there are."
    ),
    "RoundOpened": msg(
        "The round is new; `opens` before `closes`; `late_until` only with `accept`, and not before "
        "`closes`; parts have different names, and none is `whole`."
    ),
    "RoundExtended": msg("The round has not closed yet; `closes` is later than before."),
    "RoundClosed": msg("The round has closed; `tree_size` is not more than the entries there are."),
    "DocumentPublished": msg("The version after the last."),
    "CommentSubmitted": msg(
        "The round is open, or accepts late comments; version, part and the comment replied to are of "
        "this round. `sign` makes `claim`, and `salted_digest` of a `$content`."
    ),
    "CommentTranscribed": msg(
        "As CommentSubmitted. `web_form` has a `claim`, and a program as transcriber that uses no other "
        "channel; `report` is the importer's alone."
    ),
    "CommentEndorsed": msg("The round is open; the comment is another's, and the key has not endorsed it before."),
    "ErasureRequested": msg(
        "The content is not erased. By its author, on any ground; by a moderator as with ContentWithheld, for "
        "`personal_data` or `legal_order`, without `secret`; only a moderator names an `authority`."
    ),
    "ContentWithheld": msg(
        "The content is shown; `appeal_until` is in the future; the moderator's organisation neither "
        "answers for the commitment nor opened the round."
    ),
    "ContentRedacted": msg(
        "The content is shown or withheld, and is neither a person's name nor captured bytes; otherwise as "
        "ContentWithheld. `salted_digest` is of the shorter text, of the form of a comment."
    ),
    "ContentRestored": msg("The content is withheld or redacted; the moderator as with ContentWithheld."),
    "ContentErased": msg(
        "By moderators of two organisations, each as with ContentWithheld. The content is not erased; for "
        "`requested` there is an ErasureRequested of it."
    ),
    "ModerationAppealed": msg(
        "By the author, once for each withholding or redaction, while that stands and before its `appeal_until`."
    ),
    "AppealDecided": msg(
        "Once; the moderator as with ContentWithheld, and not of the organisation against whose act the appeal is."
    ),
    "MeetingConvened": msg("The meeting is new, and convened before it starts; `starts` has a day."),
    "AttendanceRecorded": msg("Who was present is registered."),
    "MinutesApproved": msg(
        "The coordinator and one body recorded as present, or more; later such a body signs the same document alone."
    ),
    "ResponseGiven": msg("To one kind of question at a time; `rejected` has `words`."),
    "StatementContested": msg(
        "By the institution responsible, of an assessment or a verdict; by the author of a comment, of an answer "
        "to it. A citizen's `words` are salted."
    ),
    "StatementConfirmed": msg("Of a statement that speaks for its signer."),
    "StatementWithdrawn": msg(
        "By the actor that signed; of a comment by its author alone: the key that signed it, or whoever "
        "shows the secret of its claim. A dispute only before it is resolved. A citizen's `words` are salted."
    ),
}

# What stands in the example of a comment until somebody writes one.
COMMENT_HERE = msg("Write your comment here")

# How a value of each type is written, for people.
TYPES: Mapping[str, str] = {
    "slug": msg("lower-case letters, digits and hyphens, up to 64: gt-2014-2016, minfin"),
    "commitment id": msg("gt-2014-2016/C8"),
    "mechanism id": msg("gt-2014-2016/C8.M1; .M0 where none was defined"),
    "subject": msg("a commitment or a mechanism: gt-2014-2016/C8 or gt-2014-2016/C8.M1"),
    "about": msg("whole, a part of the document, or a commitment: gt-2014-2016/C8"),
    "key": msg("64 hexadecimal digits: the public half of a key (`constancia key show`)"),
    "ref": msg("64 hexadecimal digits: the identity of a statement, on the page of its entry and in its receipt"),
    "digest": msg("64 hexadecimal digits: the SHA-256 of a file (`sha256sum FILE`)"),
    "salted digest": msg(
        'write {"$content": {"text": "…"}}, or {"$content": {"name": "…"}} for a person: `sign` makes it'
    ),
    "claim": msg("`sign` makes it"),
    "secret": msg("64 hexadecimal digits, from the private file of the comment"),
    "text": msg("1 to 4,000 characters"),
    "when": msg("2026-11-22T08:14:00Z, in UTC"),
    "week": msg("2026-W47: a week that exists, from Monday to Sunday"),
    "day": msg("2026-11-22; of a month or year its first day"),
    "url": msg("http://… or https://…"),
    "lang": msg("es-GT, en, quc"),
    "country": msg("two capitals: GT"),
    "media type": msg("text/html, application/pdf"),
    "name": msg("lower-case letters, digits and _: level_count"),
    "printed item": msg("the place in the source: G8/evidence/3"),
    "origin": msg("constancia.example/gt"),
    "vkey": msg("name+id+key: the one line with which a witness makes its key known"),
    "Words": msg('{"text": "…"}; a citizen, or whoever names a person: {"salted_digest": {"$content": {"text": "…"}}}'),
    "Date": msg('{"precision": "day", "day": "2026-11-22"}; month, year; {"precision": "none"}'),
}

NAMES: Mapping[str, Mapping[str, str]] = {
    "level": LEVELS,
    "proposer": PROPOSERS,
    "role": ROLES,
    "form": FORMS,
    "voice": VOICES,
    "ground": GROUNDS,
    "decision": DECISIONS,
    "store": STORES,
    "content_state": CONTENT_STATES,
    "comment_flag": COMMENT_FLAGS,
    "comment_order": COMMENT_ORDERS,
    "moderation_act": MODERATION_ACTS,
    "file_act": FILE_ACTS,
    "moderation_count": MODERATION_COUNTS,
    "position": POSITIONS,
    "channel": CHANNELS,
    "disposition": DISPOSITIONS,
    "concerns": CONCERNS,
    "late": LATES,
    "phase": PHASES,
    "meeting_form": MEETING_FORMS,
    "report_form": REPORT_FORMS,
    "verdict": VERDICTS,
    "evidence_type": EVIDENCE_TYPES,
    "objection": OBJECTIONS,
    "repeats": REPEATS,
    "screening": SCREENINGS,
    "resolution": RESOLUTIONS,
    "aspect": ASPECTS,
    "code": CODES,
    "seen": SEEN,
    "method": METHODS,
    "medium": MEDIA,
    "cause": CAUSES,
    "funding": FUNDINGS,
    "kind": KIND_NAMES,
}

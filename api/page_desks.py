"""The desks: what waits for moderators and for coordinators, and the forms from which they sign.

(Those of assessors and of institutions stand in `api.page_assessing`.)

    /gt/mesa                  where to go
    /gt/mesa/moderacion       appeals that wait, requests for erasure, a round's comments with the newest first
    /gt/mesa/coordinacion     the rounds, what can be done with them, comments without an answer

Anybody may read them: there is no login, and nothing here that is not public. A withheld text is not among it; a
moderator's browser asks for it with a signed note (`api.sealed_texts`). Who can sign what is decided by the rulebook
when the statement comes; a page only spares officers a refusal, by saying whom rule A6 bars from a comment, and why.

The forms are of the kinds of statement (templates/desk_*.html, static/desk*.js). Every list costs the same however long
the ledger is: newest comments are looked for backwards by their indexes (`newest_first`).
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from litestar import Response

from api.comments import public
from api.names import (
    ASPECTS,
    CHANNELS,
    CODES,
    CONCERNS,
    DISPOSITIONS,
    EVIDENCE_TYPES,
    GROUNDS,
    KIND_NAMES,
    LEVELS,
    MEDIA,
    OBJECTIONS,
    REPORT_FORMS,
    RESOLUTIONS,
    ROLES,
    SCREENINGS,
    msg,
)
from api.page_rounds import days_between, window_sentence
from api.phrasing import unseen
from api.problems import ADVICE
from api.reading import LIST_PAGE, MAX_SCAN, Pages, Reading, answer, words_of
from api.site import SEGMENTS
from ledger.rulebook import Barred
from ledger.statement import Entry, format_when, parse_when
from projections.commitments import Commitment, PlanState
from projections.records import Record, Records, index_key
from projections.roll import Actor, KeyHeld, RoleHeld
from projections.rounds import Comment, ErasureAsked, ModerationAct, Round, state_at

R = TypeVar("R", bound=Record)

DAY_MS = 86_400_000
APPEAL_DAYS = 30
_FIRST_WINDOW = 128
_WAITING = 20  # appeals and requests on one page

# What became of a comment, as a tag beside it.
STATES: Mapping[str, str] = {
    "shown": msg("shown"),
    "withheld": msg("withheld"),
    "redacted": msg("shown in part"),
    "withdrawn": msg("withdrawn"),
    "erased": msg("erased"),
}
WITHHOLDING = ("personal_data", "hate", "threat", "spam", "illegal", "rights_of_others", "court_order")

# What the browser says, by code. `%(name)s` is filled in there.
WORDS: Mapping[str, str] = {
    # The key file.
    "key-missing": msg("Choose the file of your private key."),
    "key-file": msg(
        "That is not a private key of OpenSSH. The file begins with BEGIN OPENSSH PRIVATE KEY; `constancia key new` "
        "and `ssh-keygen -t ed25519` make one."
    ),
    "key-public": msg(
        "That is the public half of a key, which signs nothing. The private one has the same name without .pub."
    ),
    "key-damaged": msg("The key file is cut off or was altered. Use the original, or a copy of it."),
    "key-kind": msg("That is a key of another kind (%(evidence)s). The record takes Ed25519: ssh-keygen -t ed25519"),
    "key-cipher": msg(
        "The file is locked with %(evidence)s, which is not read here. Change it, with the same passphrase or another: "
        "ssh-keygen -p -Z aes256-ctr -f FILE"
    ),
    "weak-key": msg("That key is weak, and nobody may sign with it. Make another one."),
    "passphrase-missing": msg("The file is locked: write its passphrase."),
    "passphrase-wrong": msg("That is not the passphrase of this file. Try again."),
    "no-webcrypto": msg(
        "This page came over plain http, where browsers keep their cryptography locked. Open it with https, or sign "
        "with the command."
    ),
    "key-unknown": msg(
        "The record does not know this key. Two registrars of different organisations can enrol it; its public half is "
        "%(evidence)s."
    ),
    "key-ended": msg("This key of %(evidence)s was revoked or gave way to another. Use the newer one."),
    "key-of": msg("Open: the key of %(name)s (%(roles)s)."),
    "key-without-role": msg("Open: the key of %(name)s, which holds no role in force. Two registrars can grant one."),
    "key-closed": msg("The key is closed, and forgotten."),
    "engine.vendored": msg(
        "This browser does not know Ed25519, so a library that came with this page signs: whoever can change the page "
        "could take the key. Use another browser, or the command, if you can."
    ),
    "key-first": msg("Open your key first, above."),
    "role-missing": msg("This is signed by a %(role)s, and the key that is open holds no such role in force."),
    "own-act": msg("The appeal is against an act of your own organisation: another one decides it."),
    "barred": msg("%(name)s may not moderate this: %(why)s."),
    "barred-judge": msg("%(name)s may not judge this: %(why)s."),
    # The form.
    "field-missing": msg("this is missing."),
    "field-number": msg("a whole number, in digits."),
    "field-large": msg("the file is larger than the ledger hands out (32 MiB)."),
    "field-part": msg("«%(line)s» is not a part: write «identifier: title»."),
    "field-change": msg("«%(line)s» does not say what changed."),
    "field-entry": msg("the ledger has no entry %(number)s."),
    "nothing-marked": msg("Mark a passage of the text first."),
    "nothing-blanked": msg("nothing has been blanked out yet."),
    "text-gone": msg("The text is not to be had any more: bring the page anew."),
    "none-ticked": msg("Tick the comments that you answer."),
    "field-commitment": msg("«%(line)s» is not the code of a commitment, such as C8."),
    "field-use": msg("«%(line)s» does not say what a commitment takes: write «C8: …»."),
    "field-claim": msg("«%(line)s» is not a figure: write «Complete: 28 of 48»."),
    "claim-fits": msg("%(level)s: %(value)s of %(total)s, as on the record"),
    "claim-differs": msg("%(level)s: %(value)s of %(total)s; on the record %(found)s of %(all)s"),
    "digest-found": msg("Captured, and ticked: SHA-256 %(digest)s"),
    "digest-unknown": msg("Nobody has captured a file with this digest for this mechanism: SHA-256 %(digest)s"),
    # A draft that stays in this browser.
    "draft-kept": msg("Kept in this browser as a draft, and nowhere else, until you sign or delete it."),
    "draft-not-kept": msg("This browser keeps no drafts: what you write is lost when you leave the page."),
    "draft-found": msg("Your draft of %(when)s is filled in. Files have to be chosen again."),
    "draft-gone": msg("The draft is deleted."),
    "no-second": msg("There is nobody of another organisation who may sign this with you."),
    "same-organisation": msg("The second signer is of your own organisation: choose one of another."),
    "offline": msg(
        "The ledger does not answer. Look at your connection, and send it again: nothing is registered twice."
    ),
    # What each form does.
    "says.withhold": msg(
        "The text of comment no. %(number)s goes out of view. Its place, your organisation, the ground and the "
        "rule stay in public; its author can appeal."
    ),
    "says.redact": msg(
        "A shorter text is shown in place of comment no. %(number)s. The whole one is sealed; your organisation, "
        "the ground and the rule are public; its author can appeal."
    ),
    "says.restore": msg("The text of comment no. %(number)s is shown again as its author wrote it."),
    "says.request": msg(
        "You ask, for a third person or an authority, that the text of comment no. %(number)s be destroyed. "
        "Nothing is destroyed yet: two moderators of two organisations decide."
    ),
    "says.erase": msg(
        "The text of comment no. %(number)s is destroyed, with its salt and key, and nothing brings it back. Its "
        "place and this statement stay. Two moderators of two organisations sign: you first."
    ),
    "says.decide": msg("You decide the appeal about comment no. %(number)s. If it is right, a restoration is due."),
    "says.open": msg(
        "A consultation is opened. Its window, parts and rules cannot be changed afterwards; it can only be "
        "extended before it closes."
    ),
    "says.extend": msg("The consultation closes later than was said. Extensions stay in public."),
    "says.notice": msg("You state where and when the consultation was announced. It is shown on its page."),
    "says.close": msg(
        "You state how many comments there were when it closed. The count is the record's; everybody can repeat it."
    ),
    "says.publish": msg(
        "A new version of the consulted document is published, with what changed and which comments it came from."
    ),
    "says.answer": msg(
        "You answer these comments, in public and with reasons. An answer is not changed afterwards; a second one "
        "can be given."
    ),
    "says.verdict": msg(
        "You say how far mechanism %(code)s has come, from what you have read. It counts in the level that the "
        "evidence gives, until you give another or withdraw it; it can be disputed."
    ),
    "says.assess": msg(
        "You say how far commitment %(code)s has come. It stands beside what is reported, and changes nothing of it."
    ),
    "says.code": msg("You code one aspect of commitment %(code)s. Your last code of an aspect is the one that stands."),
    "says.ask": msg(
        "You ask for evidence of %(code)s by a day. The request and its clock are public until it is answered."
    ),
    "says.dispute": msg(
        "You hold that this evidence does not show it. From now on its grade for this mechanism is capped, and the "
        "institution's time to answer runs."
    ),
    "says.withdraw": msg(
        "What you had stated stops counting. It stays in the record, with the note that you withdrew it."
    ),
    "says.screen": msg(
        "You decide whether a citizen's dispute is admitted. Admitted, it caps the grade of the evidence."
    ),
    "says.resolve": msg(
        "You decide the dispute. Upheld, the evidence counts nothing for this mechanism; verdicts that rest on it "
        "lapse unless the dispute is rejected."
    ),
    "says.assessment-open": msg("You open an assessment, of these commitments and by this methodology."),
    "says.assessment-close": msg(
        "You close the assessment, on the state of the record that you name. It is not opened again."
    ),
    "says.publish-report": msg(
        "You publish a report. Each figure is checked against the record, now and whenever somebody looks; a "
        "difference stays in public."
    ),
    "says.link": msg(
        "You add evidence to the record. It counts once it is captured; its grade is computed, not stated."
    ),
    "says.report": msg("You report how far commitment %(code)s has come. It counts as far as evidence supports it."),
    "says.week": msg(
        "You report what the week brought. With no line filled in you report that there is nothing to report."
    ),
    "says.shared": msg(
        "You explain why one piece of evidence serves several commitments, and what each takes from it."
    ),
    "says.contest": msg("You contest what an assessor found. It is shown beside it; what was found stays."),
    "says.transcribe": msg(
        "You enter, word for word, what somebody said or wrote. It is marked as transcribed, and not signed by "
        "its author."
    ),
    # The review.
    "review": msg("Read what you are about to sign"),
    "exact": msg("The exact statement"),
    "cannot-be-undone": msg(
        "Nobody can erase or change what is registered; if you withdraw it, that stands written beside it. It will be "
        "public with the name of your organisation."
    ),
    "sign-and-send": msg("Sign and send"),
    "trying": msg("Asking the rulebook…"),
    "admissible": msg("The rulebook admits it as it stands."),
    "tried-with-key": msg("Once your key is open, the rulebook is asked before anything is signed."),
    "back": msg("Correct it"),
    "phase.sending": msg("Sending…"),
    "phase.waiting": msg("The ledger is busy; it is sent again in a moment…"),
    "phase.working": msg("Working out what the ledger asks for…"),
    "moment": msg("%(day)s, %(time)s (%(offset)s), that is %(utc)s"),
    "no-day": msg("no day"),
    "none": msg("none"),
    "signs-as": msg("%(name)s (%(role)s)"),
    "comment-no": msg("comment no. %(number)s"),
    "statement-no": msg("statement %(code)s…"),
    "goes-to-the-vault": msg("The text goes to the vault; only its salted digest is signed."),
    # Its fields.
    "field.kind": msg("What is stated"),
    "field.plan": msg("Plan"),
    "field.by": msg("Signed by"),
    "field.target": msg("About the text of"),
    "field.ground": msg("Ground"),
    "field.rule": msg("Rule"),
    "field.authority": msg("Authority"),
    "field.appeal_until": msg("Its author can appeal until"),
    "field.salted_digest": msg("Text"),
    "field.words": msg("Reasons"),
    "field.stores": msg("Destroyed in"),
    "field.appeal": msg("The appeal"),
    "field.decision": msg("Decision"),
    "field.round": msg("Consultation"),
    "field.concerns": msg("What is consulted"),
    "field.report": msg("Report"),
    "field.document": msg("Digest of the document (SHA-256)"),
    "field.version": msg("Version"),
    "field.parts": msg("Parts"),
    "field.opens": msg("Opens"),
    "field.closes": msg("Closes"),
    "field.late": msg("What comes later"),
    "field.late_until": msg("Accepted until"),
    "field.langs": msg("Languages"),
    "field.rules": msg("Digest of the moderation rules (SHA-256)"),
    "field.answer_by": msg("Answers are due"),
    "field.reason": msg("Reason"),
    "field.comment_count": msg("Comments"),
    "field.tree_size": msg("Among the first entries, so many"),
    "field.changes": msg("Changes"),
    "field.answers": msg("What it answers"),
    "field.disposition": msg("What becomes of them"),
    "field.led_to": msg("It led to"),
    "field.about": msg("About"),
    "field.position": msg("Position"),
    "field.claim": msg("Claim, whose secret stands on the slip"),
    "field.announces": msg("What it announces"),
    "field.medium": msg("Where it was announced"),
    "field.outlet": msg("Name of the newspaper, station, page or account"),
    "field.on": msg("Day"),
    "field.url": msg("Address"),
    "field.channel": msg("How it came"),
    "field.heard_at": msg("Said or handed in"),
    "field.source": msg("Digest of the scan (SHA-256)"),
    "field.mechanism": msg("Mechanism"),
    "field.commitment": msg("Commitment"),
    "field.commitments": msg("Commitments"),
    "field.subject": msg("Commitment"),
    "field.for": msg("Evidence for"),
    "field.level": msg("Level"),
    "field.digests": msg("What was read"),
    "field.evidence": msg("Evidence"),
    "field.aspect": msg("Aspect"),
    "field.code": msg("Code"),
    "field.institution": msg("Institution"),
    "field.due": msg("Due"),
    "field.link": msg("The evidence"),
    "field.objection": msg("Objection"),
    "field.dispute": msg("The dispute"),
    "field.screening": msg("Decision"),
    "field.resolution": msg("Decision"),
    "field.assessment": msg("Assessment"),
    "field.from": msg("From"),
    "field.until": msg("Until"),
    "field.methodology": msg("Version of the methodology"),
    "field.statement": msg("The statement"),
    "field.title": msg("Title"),
    "field.upload": msg("Digest of the file (SHA-256)"),
    "field.evidence_type": msg("What it is"),
    "field.shows": msg("What it shows"),
    "field.dated": msg("Date that it bears"),
    "field.publisher": msg("Who published it"),
    "field.report_form": msg("Kind of report"),
    "field.claims": msg("Figures"),
    "field.week": msg("Week"),
    "field.entries": msg("What happened"),
    "field.uses": msg("What each takes"),
    # A second signer.
    "half-signed": msg("Signed by you; one signature is missing"),
    "hand-over": msg(
        "Hand this file to %(name)s in any way: it holds nothing secret. They open it on this page with their own key, "
        "read it, sign and send it. Nothing is registered until then, and it keeps for thirty days."
    ),
    "save-half": msg("Save the file"),
    "half-text": msg("Or copy its text"),
    "part-missing": msg("Choose the file that you were given, or paste its text."),
    "draft-of": msg("A draft: «%(kind)s». Read it well: nobody else has."),
    "part-of": msg("A statement that %(by)s sign together: «%(kind)s». It is registered when all have signed."),
    "done": msg("Done"),
    # The receipt.
    "registered": msg("Registered as entry no. %(number)s"),
    "keep": msg("Keep the receipt: it proves, to anybody and without this site, that the statement is in the record."),
    "keep-provisional": msg(
        "Keep the receipt. It is provisional until the witnesses have cosigned; the final one stands beside the entry."
    ),
    "save-receipt": msg("Save the receipt"),
    "see-entry": msg("See the entry"),
    "slip": msg("Slip for the author of comment no. %(number)s"),
    "slip-what": msg(
        "Your comment was entered into the record %(origin)s on %(when)s, as somebody wrote it down for you."
    ),
    "slip-code": msg("Code of the comment"),
    "slip-address": msg("Its page, where the secret is written in"),
    "slip-secret": msg("Secret"),
    "slip-keep": msg(
        "Keep this paper and show the secret to nobody. With it you can later withdraw the comment, ask for its "
        "erasure, or appeal if it is withheld. Nobody else has it: it is not kept when this page is left."
    ),
    "slip-print": msg("Print the slip"),
    "slip-save": msg("Save it as a file for its author"),
    "sealed": msg("Withheld from the public. Shown to you, to decide about it; do not copy it."),
    # What was refused.
    "fault": msg("That cannot be signed: the statement is not of its form (%(reason)s %(evidence)s)."),
    "not-named": msg("Your key is not among those who sign this statement."),
    "detail": msg("Said by the rulebook (rule %(rule)s, code %(code)s): %(detail)s"),
}


def words_of_script(reading: Reading) -> dict[str, str]:
    """What the browser says, in the reader's language; and what to do about each refusal (`advice.<code>`)."""
    english = reading.place.language == "en"
    advice = {f"advice.{code}": pair[english] for code, pair in ADVICE.items()}
    return {code: reading.text(sentence) for code, sentence in WORDS.items()} | advice


def codes_of_script(reading: Reading) -> dict[str, dict[str, str]]:
    """What codes are called, by the field in which they stand."""
    named = {
        "role": ("role", ROLES),
        "kind": ("kind", KIND_NAMES),
        "ground": ("ground", GROUNDS),
        "decision": ("decision", ("upheld", "overturned")),
        "stores": ("store", ("vault", "backups", "mirrors")),
        "disposition": ("disposition", DISPOSITIONS),
        "position": ("position", ("for", "against", "neutral")),
        "channel": ("channel", CHANNELS),
        "concerns": ("concerns", CONCERNS),
        "late": ("late", ("refuse", "accept")),
        "medium": ("medium", MEDIA),
        "level": ("level", LEVELS),
        "report_form": ("report_form", REPORT_FORMS),
        "objection": ("objection", OBJECTIONS),
        "evidence_type": ("evidence_type", EVIDENCE_TYPES),
        "screening": ("screening", SCREENINGS),
        "resolution": ("resolution", RESOLUTIONS),
        "aspect": ("aspect", ASPECTS),
        "code": ("code", CODES),
    }
    found = {field: {code: reading.say.name(name, code) for code in among} for field, (name, among) in named.items()}
    plain = {
        "about": {"whole": reading.text("The whole document")},
        "announces": {"round": reading.text("A consultation")},
    }
    return found | plain


# --- who can sign ----------------------------------------------------------------------------------------------------


def roster_of_script(reading: Reading) -> list[dict[str, Any]]:
    """Every key of a body, whose it is, and the roles that the body holds now. All of it is on the public roster."""
    records = reading.view.records
    found: list[dict[str, Any]] = []
    for key, held in records.scan(KeyHeld):
        actor = records.get(Actor, held.actor)
        if actor is None:
            continue
        roles = {role.role for _, role in records.scan(RoleHeld, prefix=f"{held.actor}/") if role.ended is None}
        organisation = actor.of or actor.actor
        found.append(
            {
                "key": key,
                "actor": held.actor,
                "name": actor.name,
                "organisation": organisation,
                "organisation_name": reading.actor(organisation),
                "roles": sorted(roles),
                "ended": held.revoked is not None or held.replaced is not None,
            }
        )
    return found


def names_of_script(reading: Reading) -> dict[str, dict[str, str]]:
    """What identifiers stand for, by what they are of: so that who reviews a statement reads names."""
    records = reading.view.records
    return {
        "plan": {plan.plan: plan.title for _, plan in records.scan(PlanState)},
        "actor": {actor.actor: actor.name for _, actor in records.scan(Actor)},
    }


def why_barred(reading: Reading, barred: Barred) -> str:
    """Why an organisation may not moderate, for people."""
    if barred.commitment:
        return reading.text("it answers for commitment %(code)s", code=barred.commitment.partition("/")[2])
    return reading.text("it opened this consultation itself")


# --- lists, the newest first -----------------------------------------------------------------------------------------


def newest_first(records: Records, kind: type[R], path: str, before: int, count: int) -> list[R]:
    """The last `count` records below a path whose index is under `before`, the newest first.

    Keys are in the order of indexes, and scans go forwards; so a window of indexes before `before` is widened until it
    holds enough, and narrowed where it holds too much. No step reads more than `count` + 1 records.
    """
    found: list[R] = []
    top, width = before, _FIRST_WINDOW
    while top > 0 and len(found) < count:
        start = max(0, top - width)
        after = index_key(path, start - 1) if start else ""
        wanted = count - len(found)
        part = [(key, one) for key, one in records.scan(kind, f"{path}/", after, wanted + 1) if _index_in(key) < top]
        if len(part) > wanted and width > 1:
            width //= 2
            continue
        found += [one for _, one in reversed(part)][:wanted]
        top, width = start, width * 2
    return found


def _index_in(key: str) -> int:
    return int(key[-9:])


def older(reading: Reading, indexes: list[int], count: int, anchor: str, **kept: str) -> Pages:
    """The pages of a list that goes back from `antes`."""
    place = reading.place
    full = len(indexes) >= count and indexes[-1] > 0
    return Pages(
        before=place.to(*place.segments, **kept) + anchor if reading.query.get("antes") else None,
        after=place.to(*place.segments, **kept, antes=indexes[-1]) + anchor if full else None,
    )


# --- pages -----------------------------------------------------------------------------------------------------------


def desks_page(reading: Reading) -> Response[bytes]:
    """Which desks there are."""
    return answer(reading, "desks.html")


def desk_answer(reading: Reading, template: str, **words: Any) -> Response[bytes]:
    """A desk, with what its scripts need. It is of the newest state alone."""
    place = reading.place
    return answer(
        reading,
        template,
        roster=roster_of_script(reading),
        codes=codes_of_script(reading),
        names=names_of_script(reading),
        words_of_script=words_of_script(reading),
        pages_path=place.raw(SEGMENTS[place.language]),
        **words,
    )


def moderation_desk_page(reading: Reading) -> Response[bytes]:
    """What waits for a moderator, and a round's comments with the newest first."""
    records = reading.view.records
    rounds = _rounds(reading)
    chosen = next((one for one in rounds if one.round == reading.query.get("ronda")), rounds[0] if rounds else None)
    before = reading.number("antes", 1, reading.view.size, reading.view.size)
    comments = newest_first(records, Comment, chosen.round, before, LIST_PAGE) if chosen else []
    kept = {"ronda": chosen.round} if chosen and "ronda" in reading.query else {}
    return desk_answer(
        reading,
        "desk_moderation.html",
        grounds=WITHHOLDING,
        appeal_days=str(APPEAL_DAYS),
        appeals=appeals_waiting(reading),
        won=appeals_won(reading),
        requests=erasures_waiting(reading),
        rounds=[
            {"id": one.round, "name": f"{reading.say.name('concerns', one.concerns)} ({one.round})"} for one in rounds
        ],
        chosen=chosen.round if chosen else "",
        comments=[case_of(reading, one) for one in comments],
        pages=older(reading, [one.index for one in comments], LIST_PAGE, "#comentarios", **kept),
    )


def _rounds(reading: Reading) -> list[Round]:
    """Every round, the one that opened last first; printed ones, in which nothing happens any more, at the end."""
    found = [one for _, one in reading.view.records.scan(Round)]
    return sorted(found, key=lambda one: (one.printed, -one.opens_ms))


def appeals_waiting(reading: Reading) -> list[dict[str, Any]]:
    """Appeals that nobody has decided, the longest waiting first, among the last acts of moderation."""
    acts = newest_first(reading.view.records, ModerationAct, "moderation", reading.view.size, MAX_SCAN)
    open_ones = [act for act in acts if act.appealed is not None and act.decided is None and act.undone is None]
    found: list[dict[str, Any]] = []
    for act in sorted(open_ones, key=lambda one: one.appealed or 0)[:_WAITING]:
        comment = reading.view.records.get(Comment, index_key(act.round, act.target))
        if comment is None or act.appealed is None:
            continue
        appeal = reading.view.entry(act.appealed)
        found.append(
            case_of(reading, comment)
            | {
                "appeal": appeal.opened.identity,
                "against": act.organisations,
                "asked": reading.text("Its author has appealed."),
                "says": said_in(reading, appeal),
                "appeal_index": act.appealed,
                "clock": waiting_since(reading, appeal.received_ms),
            }
        )
    return found


def said_in(reading: Reading, appeal: Entry) -> str | None:
    """The words of an appeal, as far as they are public."""
    return words_of(reading, appeal.opened.statement.salted_digests()[0], appeal.opened.identity).text


def appeals_won(reading: Reading) -> list[dict[str, Any]]:
    """Acts that were overturned and still stand: a restoration is due."""
    acts = newest_first(reading.view.records, ModerationAct, "moderation", reading.view.size, MAX_SCAN)
    found: list[dict[str, Any]] = []
    for act in acts:
        comment = reading.view.records.get(Comment, index_key(act.round, act.target))
        if act.decision == "overturned" and act.undone is None and comment is not None and comment.erased is None:
            due = {"asked": reading.text("Its author won the appeal: the text is to be restored."), "clock": ""}
            found.append(case_of(reading, comment) | due | {"appeal_index": act.decided})
    return found[:_WAITING]


def erasures_waiting(reading: Reading) -> list[dict[str, Any]]:
    """Requests for erasure of comments that are not erased, the longest waiting first, among the last ones."""
    asked = newest_first(reading.view.records, ErasureAsked, "erasure", reading.view.size, MAX_SCAN)
    found: list[dict[str, Any]] = []
    for request in reversed(asked):
        comment = reading.view.records.get(Comment, index_key(request.round, request.target))
        if comment is None or comment.erased is not None or comment.erasure_asked != request.index:
            continue
        ground = reading.say.name("ground", request.ground)
        by = reading.actor(request.actor) if request.actor else reading.text("its author")
        found.append(
            case_of(reading, comment)
            | {
                "asked": reading.text("Erasure was asked for by %(by)s: %(ground)s.", by=by, ground=ground),
                "clock": waiting_since(reading, request.received_ms),
            }
        )
    return found[:_WAITING]


def waiting_since(reading: Reading, received_ms: int) -> str:
    """How long something has waited, in days of the ledger's clock."""
    days = days_between(reading.say, received_ms, reading.now_ms)
    if not days:
        return reading.text("Waiting since today.")
    return reading.texts("Waiting for %(num)s day.", "Waiting for %(num)s days.", days)


def case_of(reading: Reading, comment: Comment) -> dict[str, Any]:
    """A comment as a moderator has it before them: what is public of it, its state, and whom A6 bars."""
    record, place = reading.view.records, reading.place
    found = public(reading.view, comment)
    state, text = found.state, found.said()
    barred = {name: why_barred(reading, why) for name, why in reading.reader.barred(comment.identity).items()}
    round_ = record.get(Round, comment.round)
    plan = round_.plan if round_ else ""
    after = index_key(comment.round, comment.index - 1)
    return {
        "index": comment.index,
        "number": reading.say.number(comment.index),
        "heading": reading.text("Comment no. %(number)s", number=reading.say.number(comment.index)),
        "href": place.to("comentarios", comment.identity[:12]),
        "identity": comment.identity,
        "plan": plan,
        "target": {"statement": comment.identity, "salted_digest": comment.salted_digest},
        "received_ms": comment.received_ms,
        "round_name": comment.round,
        "channel": comment.channel,
        "position": comment.position,
        "about": about_of(reading, comment, round_),
        "lang": comment.lang,
        "text": text,
        "name": found.said("name"),
        "place": found.said("place"),
        "text_href": place.raw("api", "plans", plan, "rounds", comment.round, "comments") + f"?after={after}&limit=1",
        "unseen": sum(map(unseen, text or "")),
        "state": state,
        "state_words": reading.text(STATES[state]),
        "sealed": state in ("withheld", "redacted"),
        "why": _why_hidden(reading, comment, state),
        "by_index": getattr(comment, state) if state != "shown" else None,
        "barred": barred,
        "barred_names": barred_sentence(reading, barred),
        "asked": "",
        "says": None,
        "appeal_index": None,
        "clock": "",
        "appeal": "",
        "against": (),
    }


def _why_hidden(reading: Reading, comment: Comment, state: str) -> str:
    if state in ("withheld", "redacted", "erased") and comment.ground:
        return reading.text("Ground: %(ground)s.", ground=reading.say.name("ground", comment.ground))
    return reading.text("Its author has withdrawn it.") if state == "withdrawn" else ""


def about_of(reading: Reading, comment: Comment, round_: Round | None) -> str:
    """What a comment is about: a commitment's code, the title of a part, or nothing for the whole."""
    if "/" in comment.about:
        found = reading.view.records.get(Commitment, comment.about.partition(".")[0])
        return f"{comment.about.partition('/')[2]} {found.title if found else ''}".strip()
    return next((title for part, title in (round_.parts if round_ else ()) if part == comment.about), "")


def barred_sentence(reading: Reading, barred: Mapping[str, str]) -> str:
    """Who may not moderate a comment, and why."""
    if not barred:
        return ""
    named = [f"{reading.actor(name)} ({why})" for name, why in barred.items()]
    return reading.text("May not moderate it: %(named)s.", named=reading.say.listed(named))


# --- coordination ----------------------------------------------------------------------------------------------------


def coordination_desk_page(reading: Reading) -> Response[bytes]:
    """The rounds, and of one of them the comments that have no answer."""
    rounds = _rounds(reading)
    waiting = next((one for one in rounds if one.received > one.answered and not one.printed), None)
    asked = next((one for one in rounds if one.round == reading.query.get("ronda")), None)
    chosen = asked or waiting or (rounds[0] if rounds else None)
    comments, pages = unanswered(reading, chosen) if chosen else ([], Pages(None, None))
    plans = [{"id": one.plan, "title": one.title} for _, one in reading.view.records.scan(PlanState)]
    return desk_answer(
        reading,
        "desk_coordination.html",
        plans=plans,
        concerns=tuple(CONCERNS),
        media=tuple(MEDIA),
        dispositions=tuple(DISPOSITIONS),
        rounds=[round_line(reading, one) for one in rounds],
        chosen=round_line(reading, chosen) if chosen else None,
        comments=comments,
        pages=pages,
    )


def round_line(reading: Reading, found: Round) -> dict[str, Any]:
    """A round with what can be done about it now."""
    phase = "closed" if found.printed else state_at(found, reading.now_ms)
    closed = reading.now_ms >= found.closes_ms
    claimed = ""
    if found.closed_count is not None:
        claimed = reading.texts(
            "Its coordinator counted %(num)s comment.", "Its coordinator counted %(num)s comments.", found.closed_count
        )
    return {
        "id": found.round,
        "plan": found.plan,
        "version": found.version,
        "printed": found.printed,
        "heading": reading.say.name("concerns", found.concerns),
        "href": reading.place.to("consultas", found.round),
        "window": window_sentence(reading, found),
        "phase_words": reading.say.name("phase", phase),
        "received": found.received,
        "unanswered": found.received - found.answered,
        "due": due_sentence(reading, found),
        "parts": [{"part": part, "title": title} for part, title in found.parts],
        "fixed": {"plan": found.plan, "round": found.round},
        "closes": format_when(found.closes_ms),
        "claimed": claimed,
        "extendable": not found.printed and not closed,
        "closable": not found.printed and closed,
        "takes": not found.printed and phase in ("open", "late"),
    }


def due_of(reading: Reading, found: Round) -> int | None:
    """How many days are left to answer the comments of a round, by the ledger's clock; less than 0 when overdue."""
    if not found.answer_by or found.printed:
        return None
    midnight = parse_when(f"{found.answer_by}T00:00:00Z") - reading.say.offset_minutes * 60_000
    return days_between(reading.say, reading.now_ms, midnight)


def due_sentence(reading: Reading, found: Round) -> str:
    """By when the comments of a round are to be answered, and how long that is."""
    days = due_of(reading, found)
    if days is None:
        return reading.text("no day was given")
    day = reading.say.day(found.answer_by)
    if days < 0:
        return reading.texts("%(day)s: overdue for %(num)s day", "%(day)s: overdue for %(num)s days", -days, day=day)
    return reading.texts("%(day)s: %(num)s day left", "%(day)s: %(num)s days left", days, day=day)


def unanswered(reading: Reading, found: Round) -> tuple[list[dict[str, Any]], Pages]:
    """Comments of a round that nobody has answered, the oldest first, from the index `desde` on."""
    records, prefix = reading.view.records, f"{found.round}/"
    start = reading.number("desde", 0, reading.view.size, 0)
    after = index_key(found.round, start) if start else ""
    walked = [one for _, one in records.scan(Comment, prefix, after, MAX_SCAN)]
    waiting = [one for one in walked if one.answered is None and one.withdrawn is None]
    listed = waiting[:LIST_PAGE]
    last = listed[-1].index if len(waiting) > LIST_PAGE else walked[-1].index if len(walked) == MAX_SCAN else None
    place = reading.place
    pages = Pages(
        before=place.to(*place.segments, ronda=found.round) + "#sin-respuesta" if start else None,
        after=place.to(*place.segments, ronda=found.round, desde=last) + "#sin-respuesta" if last is not None else None,
    )
    days = due_of(reading, found)
    return [_waiting_comment(reading, one, days) for one in listed], pages


def _waiting_comment(reading: Reading, comment: Comment, days: int | None) -> dict[str, Any]:
    clock = ""
    if days is not None and days < 0:
        clock = reading.texts("overdue for %(num)s day", "overdue for %(num)s days", -days)
    elif days is not None and days <= 7:
        clock = reading.texts("%(num)s day left", "%(num)s days left", days)
    return case_of(reading, comment) | {"clock": clock, "overdue": days is not None and days < 0}

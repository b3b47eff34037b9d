"""The page on which one comments: write, review, sign. `/consultas/{round}/comentar`

Scripts (static/commenting.js) take one through the three steps, and sign in the browser. Without them the same page is
a plain form, which api.web_form receives: there the office states, with a key of its own, what somebody sent it; the
pages say so at every step.

    ?parte=SLUG          about a part of the consulted document
    ?compromiso=C8       about a commitment of the plan
    ?responde=CODE       a reply to a comment, by its code or its number

Every sentence that the script may say stands in `WORDS`, in the reader's language.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response

from api.limits import Limited
from api.names import msg
from api.page_receipts import WORDS as VERDICT_WORDS
from api.page_receipts import qr_code, short_code, standing_of
from api.page_rounds import comment_words, round_words
from api.phrasing import plain
from api.problems import PLAIN_TITLES, TITLES, Problem
from api.reading import Reading, answer, code_of, in_order, redirect
from consultation.text import MAX_BYTES, MAX_CODE_POINTS
from ledger.vocabulary import commitment_of
from projections.commitments import Commitment
from projections.roll import Known
from projections.rounds import Comment, Round, state_at

# The languages that a comment may be marked as, each in itself: Decreto 19-2003, as far as we have a code for it.
TONGUES: Mapping[str, str] = {
    "es-GT": "Español",
    "quc": "K’iche’",
    "kek": "Q’eqchi’",
    "cak": "Kaqchikel",
    "mam": "Mam",
    "cab": "Garífuna",
    "en": "English",
}

# A code has as many digits of an identity as a receipt prints, or more. A number of an entry is shorter.
_CODE = re.compile("[0-9a-f]{12,64}")
_INDEX = re.compile("0|[1-9][0-9]{0,10}")

# --- what the script says --------------------------------------------------------------------------------------------

# What the browser says, by code. `%(name)s` is filled in there.
WORDS: Mapping[str, str] = {
    # What is wrong with what was written.
    "error.text": msg("Write your comment: there is nothing in it yet."),
    "error.text-long": msg(
        "The comment is too long: it may have %(most)s characters (fewer where letters take several bytes). Take out "
        "%(over)s."
    ),
    "error.name-long": msg("The name is too long."),
    "error.place-long": msg("The place is too long."),
    "error.character": msg("There is a character in it that cannot be kept. Delete it, and write it again."),
    "error.about": msg("Choose what you comment on: the whole, a part or a commitment."),
    "error.ground": msg("Choose why the text should be erased."),
    "error.words": msg("Write what you have to say: there is nothing in it yet."),
    "error.private-file": msg("That is not the private file of this comment."),
    # While one writes.
    "left": msg("Characters left: %(count)s"),
    "over": msg("Characters too many: %(count)s"),
    "draft-kept": msg("The draft is kept in this browser, and nowhere else."),
    "draft-not-kept": msg("This browser keeps no drafts: do not close the page before you have sent your comment."),
    "draft-found": msg("This is the draft that you left in this browser on %(when)s."),
    "draft-gone": msg("The draft was deleted from this browser."),
    "draft-elsewhere": msg("This draft was changed in another tab."),
    # Who signs.
    "key.fresh": msg(
        "This browser makes a key for this consultation when you sign, and keeps it. It never leaves the browser."
    ),
    "key.known": msg(
        "It is signed with the key that this browser made for this consultation. Whoever reads sees that all that you "
        "signed with it is by the same person. If you do not want that, forget the key first."
    ),
    "key.vendored": msg(
        "This browser does not know Ed25519 keys, so the key is made by a library that came with this page. That is "
        "weaker: whoever can change the page can read the key."
    ),
    "key.not-kept": msg(
        "This browser keeps nothing when the page is closed, neither keys nor drafts. Save the private file: without "
        "it you cannot take your comment back later."
    ),
    "position.none": msg("No position stated"),
    "nothing-given": msg("None given"),
    # While it is on its way.
    "sending": msg("Signing and sending…"),
    "waiting": msg("The server is busy. It is sent again in %(seconds)s seconds; you need do nothing."),
    "working": msg("The server asks this device for a small computation, to keep machines out. It takes a moment."),
    "verifying": msg("The receipt has come; it is being verified."),
    # Why it is not registered.
    "not.offline": msg(
        "There is no connection, or it was lost. What you signed is kept in this browser. Send it again when you have "
        "a network: if it has arrived already, it keeps its place, and is not counted twice."
    ),
    "not.busy": msg(
        "The server cannot take it just now. What you signed is kept in this browser; send it again in a while."
    ),
    "not.rate-limit": msg(
        "Too much has come from your network. What you signed is kept in this browser; send it again in some minutes."
    ),
    "not.unreadable": msg(
        "Something other than the record answered: perhaps a network that asks you to log in. What you signed is kept "
        "in this browser. Send it again when other pages open."
    ),
    "not.closed": msg(
        "The consultation was not open when it arrived, so it is not in the record. Your draft is kept in this "
        "browser. You can save the note in which the server says when it came, as proof that you sent it."
    ),
    "not.clock": msg(
        "The record did not accept the time that you signed. Look at the clock of this device, and sign again. Your "
        "draft is kept."
    ),
    "not.author": msg(
        "The record does not take this from the key of this browser: it does not belong to the author of the comment, "
        "or its secret was used with another key before."
    ),
    "not.state": msg(
        "The record does not allow it any more: something has changed meanwhile. Load this page again to see what."
    ),
    "not.other": msg("The record did not accept it: %(title)s. Your draft is kept."),
    "not.false": msg(
        "The server answered, but its receipt does not hold: %(reason)s. Do not count this as registered. What you "
        "signed and the answer are kept; send it again, or take both files to a registrar or an auditor."
    ),
    "not.signed": msg("This browser could not sign: %(detail)s. Your draft is kept."),
    "file.refusal": msg("Save the note of refusal"),
    "file.answer": msg("Save the answer of the server"),
    "file.note": msg("Save what you signed"),
    # What is registered.
    "done-index": msg("Entry no. %(index)s, counted from 0"),
    "done-cosigned": msg("Enough of the witnesses that this ledger names have cosigned the checkpoint."),
    "done-provisional": msg(
        "The ledger signed it; its witnesses have not all cosigned yet. The same address gives the cosigned receipt "
        "later."
    ),
    "done-unwitnessed": msg("This ledger names no witnesses: only its own key signed the checkpoint."),
    # What was signed here.
    "said.CommentSubmitted": msg("Your comment"),
    "said.CommentEndorsed": msg("You support this comment"),
    "said.StatementWithdrawn": msg("You withdrew this"),
    "said.ErasureRequested": msg("You asked for the text to be erased"),
    "said.StatementContested": msg("You contested the answer"),
    "said.ModerationAppealed": msg("You appealed"),
    "state.pending": msg("not confirmed yet"),
    "state.registered": msg("registered, entry no. %(index)s"),
    "receipt": msg("Receipt"),
    "private-file": msg("Private file"),
    "follow": msg("What became of it"),
    "send-again": msg("Send again"),
    "discard": msg("Discard"),
    "discard-sure": msg(
        "It may have arrived already; then it stays in the record, and you lose the receipt. Press again to discard it."
    ),
    "forget": msg("Forget"),
    "forget-sure": msg(
        "The text, the secret and the receipt are deleted from this browser. Save the files first. Press again to "
        "forget."
    ),
    "key-of": msg("Key %(key)s…, for %(round)s"),
    "forget-key": msg("Forget this key"),
    "forget-key-sure": msg(
        "Without the key you can take nothing back but with a private file. What it signed stays. Press again to "
        "forget it."
    ),
    "nothing-here": msg("Nothing was signed in this browser."),
    "no-keys": msg("This browser holds no key."),
    "no-drafts": msg("There are no drafts."),
    "delete-draft-sure": msg("Press again to delete it."),
    "draft-of": msg("Draft for %(round)s"),
    "open-draft": msg("Go on writing"),
    "delete-draft": msg("Delete the draft"),
}


def worded(reading: Reading, code: str, **words: object) -> str:
    """A sentence that the script has too, said by the server."""
    sentence = WORDS[code]
    return reading.text(sentence, **words)


def words_of_script(reading: Reading) -> dict[str, str]:
    """Everything that the scripts of citizens' pages may say, in the reader's language."""
    found = {code: reading.text(sentence) for code, sentence in WORDS.items()}
    found |= {f"position.{code}": reading.say.name("position", code) for code in ("for", "against", "neutral")}
    return found | {code: reading.text(VERDICT_WORDS[code]) for code in VERDICT_WORDS if code.startswith("reason.")}


# --- what somebody writes --------------------------------------------------------------------------------------------


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a form brings, each field as it was written."""

    text: str = ""
    about: str = "whole"
    position: str = ""
    name: str = ""
    place: str = ""
    lang: str = ""
    reply_to: str = ""


class Office(msgspec.Struct, frozen=True):
    """Who states what the web form brings: the program, and the body that it belongs to."""

    program: str
    body: str


class Commenting(msgspec.Struct, frozen=True):
    """A round that somebody comments on."""

    reading: Reading
    round: Round
    office: Office | None
    """Who takes the form; None where only the signed way is open."""

    @property
    def phase(self) -> str:
        """`announced`, `open`, `late` or `closed`, by this page's clock; the record goes by its own."""
        phase = state_at(self.round, self.reading.now_ms)
        return "closed" if self.round.printed else phase

    @property
    def address(self) -> str:
        """The path of this page."""
        return msgspec.structs.replace(self.reading.place, keep=()).to("consultas", self.round.round, "comentar")


def commenting_on(reading: Reading, office: Office | None) -> Commenting:
    """The round that the address names. Raises Problem (404)."""
    found = reading.view.records.get(Round, reading.place.segments[1])
    if found is None:
        raise Problem(404, "There is no such consultation.")
    return Commenting(reading, found, office)


def errors_of(at: Commenting, draft: Draft) -> dict[str, str]:
    """What keeps a draft from being registered, by field: the sentence for its author. Empty when all is well."""
    found: dict[str, str] = {}
    if draft.about not in {choice["value"] for group in choices(at) for choice in group["choices"]}:
        found["about"] = worded(at.reading, "error.about")
    for field in ("text", "name", "place"):
        written = getattr(draft, field)
        over = max(len(written) - MAX_CODE_POINTS, len(written.encode("utf-8", "replace")) - MAX_BYTES)
        if over > 0:
            most = at.reading.say.number(MAX_CODE_POINTS)
            found[field] = worded(at.reading, f"error.{field}-long", most=most, over=at.reading.say.number(over))
        elif "\0" in written:
            found[field] = worded(at.reading, "error.character")
    if not draft.text.strip(" \t\n"):
        found["text"] = worded(at.reading, "error.text")
    if draft.position not in ("", "for", "against", "neutral") or draft.lang not in TONGUES:
        raise Problem(400, "A field of the form has a value that the page does not offer.")
    if draft.reply_to and replied_to(at, draft.reply_to) is None:
        raise Problem(400, "The comment replied to is not of this consultation.")
    return found


def choices(at: Commenting) -> list[dict[str, Any]]:
    """What a comment may be about: groups of `{value, label, lang}`."""
    reading, round_ = at.reading, at.round
    whole = {"value": "whole", "label": reading.text("The whole document"), "lang": None}
    parts = [{"value": part, "label": plain(title), "lang": round_.lang} for part, title in round_.parts]
    commitments = [
        {"value": one.commitment, "label": f"{code_of(one.commitment)} · {plain(one.title)}", "lang": one.lang}
        for one in in_order([one for _, one in reading.view.records.scan(Commitment, prefix=f"{round_.plan}/")])
    ]
    groups = [
        {"label": reading.text("The document"), "choices": [whole, *parts]},
        {"label": reading.text("A commitment of the plan"), "choices": commitments},
    ]
    return [group for group in groups if group["choices"]]


def label_of(at: Commenting, about: str) -> str:
    """What a comment is about, in words."""
    labels = {choice["value"]: str(choice["label"]) for group in choices(at) for choice in group["choices"]}
    return labels.get(about, about)


def replied_to(at: Commenting, code: str) -> Comment | None:
    """The comment of this round with this code or number; None where there is none."""
    found = comment_by(at.reading, code)
    return found if found is not None and found.round == at.round.round else None


def comment_by(reading: Reading, code: str) -> Comment | None:
    """The one comment whose identity begins with a code of 12 digits or more, or that has this number."""
    records = reading.view.records
    if _CODE.fullmatch(code):
        found = [known for _, known in records.scan(Known, prefix=code, limit=2)]
        return records.get(Comment, found[0].place) if len(found) == 1 and found[0].place else None
    if _INDEX.fullmatch(code) and int(code) < reading.view.size:
        known = records.get(Known, reading.view.entry(int(code)).opened.identity)
        return records.get(Comment, known.place) if known is not None and known.place else None
    return None


def statement_by(reading: Reading, code: str) -> int | None:
    """The index of the one statement, of any kind, whose identity begins with a code of 12 digits or more."""
    if not _CODE.fullmatch(code):
        return None
    found = [known.index for _, known in reading.view.records.scan(Known, prefix=code, limit=2)]
    return found[0] if len(found) == 1 else None


# --- pages -----------------------------------------------------------------------------------------------------------


def writing_page(
    at: Commenting, draft: Draft | None = None, errors: Mapping[str, str] | None = None, status: int = 200
) -> Response[bytes]:
    """The form, with what was written in it, and what is wrong with that. Raises Problem (404)."""
    if at.reading.place.keep:  # an older state of the record is for reading
        return redirect(at.address)
    draft = asked_draft(at) if draft is None else draft
    reply = replied_to(at, draft.reply_to) if draft.reply_to else None
    response = answer(
        at.reading,
        "commenting.html",
        status,
        **shared_words(at),
        draft=draft,
        errors=dict(errors or {}),
        groups=choices(at),
        tongues=TONGUES,
        reply=comment_words(at.reading, reply, at.round) if reply else None,
        hours_late=(at.reading.now_ms - at.round.closes_ms) // 3_600_000 if at.phase == "late" else 0,
        late_until=at.reading.say.time(at.round.late_until_ms) if at.round.late_until_ms else "",
        words_of_script=words_of_script(at.reading),
        most=MAX_CODE_POINTS,
    )
    return _own(response)


def form_review_page(at: Commenting, draft: Draft, sealed: Mapping[str, str]) -> Response[bytes]:
    """What the office will state for its author, before it does. `sealed` goes there and back in hidden fields."""
    fields = {name: getattr(draft, name) for name in draft.__struct_fields__}
    response = answer(
        at.reading,
        "form_review.html",
        **shared_words(at),
        draft=draft,
        about_label=label_of(at, draft.about),
        reply=replied_to(at, draft.reply_to) if draft.reply_to else None,
        tongue=TONGUES[draft.lang],
        fields={**fields, **sealed},
    )
    return _own(response, kept=False)


class Taken(msgspec.Struct, frozen=True):
    """A comment that the office has stated: its place, the receipt, and the private file of its author."""

    index: int
    identity: str
    received_ms: int
    receipt: bytes
    private_file: bytes


def form_taken_page(at: Commenting, taken: Taken) -> Response[bytes]:
    """The answer to the form: the receipt, and the private file, which is nowhere else from now on."""
    place = msgspec.structs.replace(at.reading.place, keep=())
    address = place.address("constancias", taken.identity)
    response = answer(
        at.reading,
        "form_taken.html",
        **shared_words(at),
        taken=taken,
        code=short_code(taken.identity),
        standing=standing_of(taken.receipt, at.reading.reader.published("policy")),
        qr=qr_code(f"{address}#sha256={taken.identity}"),
        receipt_file=f"constancia-{taken.index}.tlog-proof",
        receipt_data=_data("text/plain", taken.receipt),
        private_name=f"comentario-{taken.index}.private.json",
        private_data=_data("application/json", taken.private_file),
        # In ASCII: characters that cannot be seen survive being copied off a page as \\u…, and mean the same.
        private_text=json.dumps(json.loads(taken.private_file), ensure_ascii=True, separators=(",", ":")),
    )
    return _own(response, kept=False)


# Codes of a refusal that have a sentence of their own, for people; the others are told by their titles.
_NOT_REGISTERED: Mapping[str, str] = {
    "closed": msg(
        "The consultation was not open when it arrived, so it is not in the record. You can save the note in which the "
        "server says when it came."
    ),
    "stale": msg("Too much time has passed since you reviewed it. Review it again, and send it."),
    "future": msg("The clock of the server was set back. Review it again, and send it."),
    "rate-limit": msg("Too much has come from your network. Wait some minutes, and send it again."),
    "busy": msg("The server cannot take it just now. Wait a moment, and send it again."),
}


def form_refused_page(at: Commenting, draft: Draft, problem: Problem) -> Response[bytes]:
    """Why a form was not registered, with all that was written in it."""
    spanish, english = TITLES[problem.code] if problem.code else PLAIN_TITLES.get(problem.status, PLAIN_TITLES[400])
    crowded = isinstance(problem, Limited) and problem.reason == "ledger"
    sentence = _NOT_REGISTERED.get("busy" if crowded else problem.code or "")
    title = english if at.reading.say.language == "en" else spanish
    response = answer(
        at.reading,
        "form_refused.html",
        problem.status,
        **shared_words(at),
        draft=draft,
        fields={name: getattr(draft, name) for name in draft.__struct_fields__},
        sentence=at.reading.text(sentence) if sentence else worded(at.reading, "not.other", title=title),
        refusal=_data("text/plain", problem.refusal) if problem.refusal else "",
    )
    response.headers.update(problem.waiting())
    return _own(response, kept=False)


def shared_words(at: Commenting) -> dict[str, Any]:
    """What every step of commenting says of its round."""
    return {
        "round": round_words(at.reading, at.round),
        "record": at.round,
        "phase": at.phase,
        "office": at.office,
        "commenting_href": at.address,
    }


def asked_draft(at: Commenting) -> Draft:
    """An empty draft about what the address asks for. Raises Problem (404) for what this round does not have."""
    query, round_ = at.reading.query, at.round
    about, reply_to = "whole", ""
    if part := query.get("parte"):
        about = part
    elif code := query.get("compromiso"):
        about = code if "/" in code else f"{round_.plan}/{code}"
    if code := query.get("responde"):
        found = replied_to(at, code)
        if found is None:
            raise Problem(404, "There is no such comment in this consultation.")
        about, reply_to = commitment_of(found.about) if "/" in found.about else found.about, found.identity
    if about not in {choice["value"] for group in choices(at) for choice in group["choices"]}:
        raise Problem(404, "This consultation has no such part, and its plan no such commitment.")
    spoken = at.reading.say.language
    langs = [lang for lang in (spoken, *round_.langs) if lang in TONGUES]
    return Draft(about=about, reply_to=reply_to, lang=langs[0] if langs else "es-GT")


def _data(media_type: str, content: bytes) -> str:
    """A file inside of the page, for a link that saves it: it is asked of nobody."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _own(response: Response[bytes], *, kept: bool = True) -> Response[bytes]:
    """A form of ours is told from a foreign one by where it comes from (api.web_form), so browsers may say that to us;
    to nobody else. What holds a text that was just written is in no cache."""
    response.headers["referrer-policy"] = "same-origin"
    if not kept:
        response.headers["cache-control"] = "no-store"
    return response

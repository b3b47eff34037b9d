"""The form for those whose browser runs no scripts: what they send, the office states for them, and says that it does.

    POST /gt/consultas/{round}/comentar     step=review    what was written -> the page to review it
                                            step=write     back to the form, with all that was written
                                            step=confirm   registered: the receipt, and the private file

It registers a CommentTranscribed of the channel `web_form`, signed by a program of the office: the key in the ledger's
folder at `keys/web_form` (OpenSSH, no passphrase), enrolled for an actor of the form `program` that is a transcriber of
the plan. Where there is none the page says that only the signed way is open. Nobody signs for its author: the statement
is the office's, of what it received, and it is labelled and counted so everywhere.

The claim secret of the comment is made at the review, goes to the browser and back in hidden fields, and is kept
nowhere here: whoever has the private file can later withdraw the comment, and nobody else. Salt and time travel with
it, so the same form sent twice is the same statement, with one place. There are no cookies and no sessions. A foreign
page that posts in a visitor's name is refused by where the request comes from (Sec-Fetch-Site, else Origin or Referer).
How much one client sends is limited as for those who sign (api.limits); a form does no work, so its sender waits.
"""

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from nacl.signing import SigningKey

from api.keyfiles import public_hex
from api.listening import read_body
from api.page_commenting import (
    Commenting,
    Draft,
    Office,
    Taken,
    commenting_on,
    errors_of,
    form_refused_page,
    form_review_page,
    form_taken_page,
    replied_to,
    writing_page,
)
from api.problems import Problem
from api.reading import Reading
from api.signing import Json, Signed, sign_draft
from api.submissions import SUBMISSION, Door, client_address
from consultation.text import claim
from ledger.errors import Refused
from ledger.statement import canonical, format_when
from projections.roll import Actor, KeyHeld, RoleHeld

FORM = "application/x-www-form-urlencoded"

# The longest comment, name and place, every byte of them written as three; more is no comment.
MAX_FORM = 131_072
MAX_FIELDS = 16

_SEALED = ("said_at", "salt", "secret")
_HEX64 = re.compile("[0-9a-f]{64}")
_WHEN = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")

# A request of which a browser says this was made by a page of ours, or by its user alone.
_FROM_HERE = frozenset({"same-origin", "none"})


class WebForm:
    """The form of one ledger: its key, and the door through which it states things."""

    def __init__(self, door: Door, key: SigningKey) -> None:
        """`key` is that of the program; that it is enrolled is asked of the record each time."""
        self.door = door
        self._key = key
        self._public = public_hex(key)

    def office_in(self, reading: Reading, plan: str) -> Office | None:
        """Who takes the form of a plan now: a program whose key and role are in force. None where nobody does."""
        program = self._program(reading)
        if program is None:
            return None
        roles = [role for _, role in reading.view.records.scan(RoleHeld, prefix=f"{program.actor}/")]
        covers = any(
            role.role == "transcriber" and role.ended is None and (not role.plans or plan in role.plans)
            for role in roles
        )
        return Office(program.name, reading.actor(program.of)) if covers else None

    def _program(self, reading: Reading) -> Actor | None:
        held = reading.view.records.get(KeyHeld, self._public)
        if held is None or held.revoked is not None or held.replaced is not None:
            return None
        actor = reading.view.records.get(Actor, held.actor)
        return actor if actor is not None and actor.form == "program" else None

    def statement_of(self, at: Commenting, draft: Draft, sealed: Mapping[str, str]) -> Signed:
        """What the office states of a draft. The same draft and seal give the same bytes. Raises Refused."""
        program = self._program(at.reading)
        assert program is not None  # there is an office
        names = {"name": draft.name, "place": draft.place}
        content = {"text": draft.text} | {field: written for field, written in names.items() if written.strip()}
        reply = replied_to(at, draft.reply_to) if draft.reply_to else None
        wanted: Json = {
            "kind": "CommentTranscribed",
            "plan": at.round.plan,
            "round": at.round.round,
            "version": at.round.version,
            "about": draft.about,
            "salted_digest": {"$content": content},
            "claim": claim(bytes.fromhex(sealed["secret"])),
            "channel": "web_form",
            "heard_at": sealed["said_at"],
            "said_at": sealed["said_at"],
        }
        wanted |= {"position": draft.position} if draft.position else {}
        wanted |= {"reply_to": reply.identity} if reply else {}
        by = [{"actor": program.actor, "key": self._public, "role": "transcriber"}]
        return sign_draft(
            wanted,
            at.reading.view.ledger.origin,
            [self._key],
            by=by,
            now_ms=at.reading.now_ms,
            lang=draft.lang,
            salt=lambda: bytes.fromhex(sealed["salt"]),
        )


def seal(now_ms: int) -> dict[str, str]:
    """What makes a comment one comment, however often its form is sent: time, salt and claim secret."""
    return {"said_at": format_when(now_ms), "salt": secrets.token_hex(32), "secret": secrets.token_hex(32)}


# --- what was posted -------------------------------------------------------------------------------------------------


def check_from_here(request: Request[Any, Any, Any]) -> None:
    """The request was made by a page of this host, as far as its browser can say. Raises Problem (403).

    Browsers of today say it (Sec-Fetch-Site); older ones name the page (Origin, Referer), which our pages allow. Who
    says nothing is refused: a browser that hides both could be led here by anybody.
    """
    headers = request.headers
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site in _FROM_HERE:
            return
    else:
        named = headers.get("origin") or headers.get("referer") or ""
        if named and urlsplit(named).netloc == headers.get("host"):
            return
    raise Problem(403, "The form was not sent from its own page.")


def read_fields(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form, each once. Raises Problem (415, 400)."""
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise Problem(415, f"The form is sent as {FORM}.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:  # also for bytes that are not ASCII, or not UTF-8 once they are decoded
        raise Problem(400, "That is not a form that a browser sends.") from None
    fields = dict(pairs)
    known = {"step", *Draft.__struct_fields__, *_SEALED}
    if len(fields) != len(pairs) or not fields.keys() <= known:
        raise Problem(400, "The form has fields that its page does not have.")
    # Browsers write every line end as CR LF; a text has it as it was typed.
    return {name: written.replace("\r\n", "\n").replace("\r", "\n") for name, written in fields.items()}


def draft_in(fields: Mapping[str, str]) -> Draft:
    """What somebody wrote. Raises Problem (400) for a form without its fields."""
    try:
        return Draft(**{name: fields[name] for name in Draft.__struct_fields__})
    except KeyError as missing:
        raise Problem(400, f"The form has no field {missing}.") from None


def sealed_in(fields: Mapping[str, str]) -> dict[str, str]:
    """The hidden fields of the review. Raises Problem (400)."""
    found = {name: fields.get(name, "") for name in _SEALED}
    whole = _WHEN.fullmatch(found["said_at"]) and all(_HEX64.fullmatch(found[name]) for name in ("salt", "secret"))
    if not whole:
        raise Problem(400, "The form was not sent from the page that reviews it.")
    return found


# --- answering -------------------------------------------------------------------------------------------------------


def form_handler(
    form: WebForm | None,
    path: str,
    reading_of: Callable[[Request[Any, Any, Any]], Reading],
    read_timeout: float,
) -> HTTPRouteHandler:
    """The route of the form in one language; `reading_of` makes a request's Reading."""

    @post(path, include_in_schema=False, status_code=200, request_max_body_size=None)
    async def take(request: Request[Any, Any, Any]) -> Response[bytes]:
        if form is None:
            raise Problem(405, "Only comments that their authors sign are taken here.")
        check_from_here(request)
        body = await read_body(request.receive, request.headers.get("content-length"), MAX_FORM, read_timeout)
        fields = read_fields(request.headers.get("content-type", ""), body)
        reading = await asyncio.to_thread(reading_of, request)
        at = commenting_on(reading, None)
        office = await asyncio.to_thread(form.office_in, reading, at.round.plan)
        if office is None:
            raise Problem(405, "Only comments that their authors sign are taken here.")
        return await _answered(form, Commenting(reading, at.round, office), fields, client_address(request))

    return take


async def _answered(form: WebForm, at: Commenting, fields: Mapping[str, str], client: str) -> Response[bytes]:
    draft = draft_in(fields)
    step = fields.get("step", "review")
    # Of what is confirmed too late the record itself says so, in a note to keep.
    if step == "write" or (step != "confirm" and at.phase not in ("open", "late")):
        return await asyncio.to_thread(writing_page, at, draft)
    errors = await asyncio.to_thread(errors_of, at, draft)
    if errors:
        return await asyncio.to_thread(writing_page, at, draft, errors, 422)
    if step != "confirm":
        return await asyncio.to_thread(form_review_page, at, draft, seal(at.reading.now_ms))
    sealed = sealed_in(fields)
    try:
        signed = await asyncio.to_thread(form.statement_of, at, draft, sealed)
        registered, receipt, _ = await form.door.submit(SUBMISSION, signed.body, client)
    except Refused as refused:
        return await asyncio.to_thread(form_refused_page, at, draft, Problem.of(refused))
    except Problem as problem:
        return await asyncio.to_thread(form_refused_page, at, draft, problem)
    taken = Taken(
        index=registered.index,
        identity=registered.identity,
        received_ms=registered.received_ms,
        receipt=receipt,
        private_file=private_file_of(signed, sealed["secret"]),
    )
    return await asyncio.to_thread(form_taken_page, at, taken)


def private_file_of(signed: Signed, secret: str) -> bytes:
    """The private file of a comment, as `constancia sign` writes it."""
    content = {
        "origin": signed.origin,
        "statement": signed.identity,
        "secret": secret,
        "contents": signed.contents,
    }
    return canonical(content) + b"\n"

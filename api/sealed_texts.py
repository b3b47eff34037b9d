"""A withheld text, for the moderator who decides about it, and for nobody else.

    POST /gt/mesa/textos    application/vnd.constancia.statement    200 {"content": {"text": "…"}}

What is posted is a signed note of the ledger whose second line is no statement: its kind is in no catalogue row, so
nobody can register it, as with the desk's SubmissionRefused. A moderator's key signs it, alone:

    constancia.example/gt
    {"by":[{"actor":"vigilante","key":"64 hex","role":"moderator"}],"kind":"TextAsked","nonce":"64 hex",
     "said_at":"2026-11-22T08:14:00Z","target":{"salted_digest":"64 hex","statement":"64 hex"}}

(one line; `nonce` is 32 random bytes). Tried in this order, and refused as statements are (`api.problems`):

    bytes, form, signature                          as for a statement
    said_at within five minutes of now              future, stale
    not used before                                 state: a note is good once, so a copy of it is worth nothing
    the key is in force and its body a moderator    A2, A3
    whose organisation may moderate it              A6, the same that binds the act itself
    the text is withheld, or shown only in part     state: what is shown is public, and what is erased is nowhere

The text is answered to the asker alone: never cached, never logged, and nobody is told who looked. That somebody did is
counted (`constancia_sealed_texts_read_total`).
"""

import asyncio
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
from litestar import Request, Response, Router, post

from api.listening import read_body
from api.problems import Problem
from api.submissions import STATEMENT, media_type_of
from consultation.text import Content, parse_content
from consultation.vault import Vault
from ledger.docket import Docket
from ledger.errors import CannotRun, Refused
from ledger.rulebook import check_may_moderate
from ledger.statement import canonical, check_json_bytes, key_name, parse_when
from ledger.tlog.errors import Malformed, Unverified
from ledger.tlog.note import parse_note, verify_ed25519
from ledger.vocabulary import Secret, Signer, Target, When

FRESH_MS = 300_000
MAX_REQUEST = 2_048

WHERE = "FORMAT.md, Request for a sealed text"


class TextAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag=True):
    """A moderator asks for the sealed text of a content."""

    by: tuple[Signer]
    nonce: Secret
    said_at: When
    target: Target


_decode = msgspec.json.Decoder(TextAsked).decode


def open_asked(note: bytes, origin: str) -> tuple[TextAsked, str]:
    """The request in a signed note for the ledger `origin`, and its identity (64 hex). Raises Refused."""
    try:
        parsed = parse_note(note, max_lines=1)
    except Malformed as error:
        raise Refused("not-json", WHERE, error.message) from None
    first, _, rest = parsed.text.partition(b"\n")
    line = rest[:-1]
    if first != origin.encode():
        raise Refused("wrong-origin", "A1", f"this is for another ledger than {origin!r}")
    try:
        asked = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        check_json_bytes(line)
        raise Refused("shape", "A1", str(error)) from None
    if canonical(asked) != line:
        raise Refused("not-canonical", WHERE, "the second line is not in its canonical form")
    signer, written = asked.by[0], parsed.lines[0]
    name, identifier, raw = key_name(origin, signer.key)
    if (written.name, written.key_id) != (name, identifier):
        raise Refused("bad-signature", "A2", "the signature line is not under the name of its key")
    try:
        verify_ed25519(raw, parsed.text, written.signature)
    except Unverified as error:
        raise Refused(error.reason, "A2", error.message) from None
    return asked, sha256(parsed.text).hexdigest()


class SealedTexts:
    """The sealed texts of one ledger. Any thread may ask."""

    def __init__(self, origin: str, vault: Vault, docket: Callable[[], Docket]) -> None:
        """`docket` gives what the rulebook knows now."""
        self._origin = origin
        self._vault = vault
        self._docket = docket
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}  # identity of each note taken -> until when it would still be fresh

    def read(self, note: bytes, now_ms: int) -> Content:
        """The sealed text that a signed note asks for. Raises Refused, CannotRun."""
        asked, identity = open_asked(note, self._origin)
        said = parse_when(asked.said_at)
        if said > now_ms + FRESH_MS:
            raise Refused(
                "future", "A9", f"`said_at` is {(said - now_ms) // 1000} seconds ahead of this ledger's clock"
            )
        if said < now_ms - FRESH_MS:
            raise Refused("stale", "A9", "a request for a text is good for five minutes")
        docket, target = self._docket(), asked.target
        check_may_moderate(asked.by[0], target, now_ms, docket)
        state = docket.content_state(target.statement, target.salted_digest)
        if state not in ("withheld", "redacted"):
            raise Refused("state", "A12", f"this content is {state}: only what is withheld or redacted is sealed")
        self._use(identity, said + FRESH_MS, now_ms)
        held = self._vault.held(target.statement, target.salted_digest)
        if held is None:
            raise CannotRun("La bóveda no tiene ese texto.", "The vault does not have that text.")
        return parse_content(held.content)

    def _use(self, identity: str, until_ms: int, now_ms: int) -> None:
        """Take a note once. Raises Refused."""
        with self._lock:
            self._used = {each: until for each, until in self._used.items() if until >= now_ms}
            if identity in self._used:
                raise Refused("state", "A12", "this request was answered already: sign another")
            self._used[identity] = until_ms


class TextAnswer(msgspec.Struct, frozen=True):
    """A sealed text, for the moderator who asked for it."""

    content: Content


def router(
    path: str, texts: SealedTexts, read_timeout: float, looked: Callable[[], None], refused: Callable[[str], None]
) -> Router:
    """The route of one ledger, below its path. `looked` counts each text read, `refused` the code of each refusal."""

    @post(
        "/mesa/textos",
        summary="A withheld text, for the moderator who decides about it",
        description="The body is a signed note (kind TextAsked) of a moderator's key, good once and for minutes.",
        request_max_body_size=None,
        status_code=200,
        tags=["consultation"],
    )
    async def read(request: Request[Any, Any, Any]) -> Response[bytes]:
        if media_type_of(request) != STATEMENT:
            raise Problem(415, f"A request for a text is posted as {STATEMENT}.", "media-type", "transport")
        body = await read_body(request.receive, request.headers.get("content-length"), MAX_REQUEST, read_timeout)
        try:
            content = await asyncio.to_thread(texts.read, body, time.time_ns() // 1_000_000)
        except Refused as error:
            refused(error.code)
            raise Problem.of(error) from None
        looked()
        headers = {"cache-control": "no-store"}
        return Response(msgspec.json.encode(TextAnswer(content)), media_type="application/json", headers=headers)

    return Router(f"/{path}", route_handlers=[read])

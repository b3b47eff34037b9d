"""Posting statements, and fetching receipts: the one door through which the record grows.

    POST /gt/statements         application/vnd.constancia.statement           the signed note
                                application/vnd.constancia.submission+json     note and contents (consultation.text)
    GET  /gt/receipts/{identity}                                               the receipt, a C2SP tlog-proof

Answers: 201 and the receipt, under the newest head at once: nobody who states something waits for a witness. Where the
ledger's policy asks for witnesses that receipt is provisional, and GET has the final one when they have cosigned: same
index, entry and received time, under a checkpoint with their lines. The same statement again: 200 with the same index,
identity and received time. Refused: 4xx problem+json with the rule that refused it. What came after a window had closed
is answered with a signed note that says when it came (`refusal`).

Only these two media types, exactly: neither is one that a foreign page may send without asking first. The body is read
raw, within a limit of bytes and of time, and given to the desk as it came; no framework decodes it, and nobody logs it.
Signatures are verified in handler threads: libsodium lets go of the interpreter meanwhile.

How much one client may send is asked before any signature is looked at (api.limits). Too much: 429 with `Retry-After`
and, in the problem, a `challenge`; the same body again with its answer in the header `Constancia-Work` is taken.

    GET  /gt/challenge     a challenge beforehand (api.work); `?round=` names the round that the statement is for
"""

import asyncio
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from msgspec import UNSET, UnsetType

from api.limits import FREE, OTHER, REFUSED, Charge, Limited, Limits
from api.listening import read_body
from api.problems import Problem
from api.work import HEADER
from consultation.desk import Desk
from consultation.text import MAX_SUBMISSION, SaltedContent, parse_submission
from ledger.errors import CannotRun, Refused
from ledger.log import Log, Registered
from ledger.statement import MAX_NOTE, Opened, format_time, open_statement, read_unverified, unverified_identity

STATEMENT = "application/vnd.constancia.statement"
SUBMISSION = "application/vnd.constancia.submission+json"
RECEIPT = "text/plain"

# Within about a second the head of the moment is with the witnesses, and they answer at once.
RETRY_AFTER_SECONDS = 2

LIMITS: Mapping[str, int] = {STATEMENT: MAX_NOTE, SUBMISSION: MAX_SUBMISSION}

# Bytes of a body that is looked at on the event loop: a few signatures, well under a millisecond even when it is bad.
AT_ONCE = 4_096

# What citizens sign, and what is signed for them by the form of the pages, is counted. Canonical JSON has these bytes
# as a signer's role and as a channel, and nowhere else: inside of a text the quotes are escaped.
COUNTED = (b'"role":"citizen"', b'"channel":"web_form"')

_IDENTITY = re.compile("[0-9a-f]{64}")

T = TypeVar("T")


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """A registered statement: where it stands, and the proof. `receipt` is the text of a tlog-proof file.

    `provisional`: the witnesses that the ledger's policy asks for have not cosigned yet; `GET receipts/{identity}` has
    the final one within seconds. Left out where it is not.
    """

    index: int
    identity: str
    received_at: str
    receipt: str
    provisional: bool = False


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem of a statement that was refused. `refusal` is the desk's signed note, where there is one."""

    type: str
    title: str
    status: int
    code: str
    rule: str
    detail: str
    refusal: str | UnsetType = UNSET
    challenge: Mapping[str, Any] | UnsetType = UNSET


class Answers:
    """Brings what the writer answers from its thread to the event loop, many at a time.

    The writer answers a whole batch at once; waking the loop for each of them would cost more than the rest of the
    way together.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrived: list[tuple[asyncio.Future[Registered], Future[Registered]]] = []

    async def of(self, waiting: Future[Registered]) -> Registered:
        """What the writer answers, or raises."""
        if waiting.done():
            return waiting.result()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Registered] = loop.create_future()

        def arrived(done: Future[Registered]) -> None:
            with self._lock:
                self._arrived.append((answer, done))
                first = len(self._arrived) == 1
            if first:
                loop.call_soon_threadsafe(self._hand_out)

        waiting.add_done_callback(arrived)
        return await answer

    def _hand_out(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, []
        for answer, done in arrived:
            if answer.done():  # its caller went away; the statement stays
                continue
            if error := done.exception():
                answer.set_exception(error)
            else:
                answer.set_result(done.result())


class Door:
    """The doors of one ledger, as its handlers need them."""

    def __init__(
        self,
        path: str,
        desk: Desk,
        log: Log,
        threads: Executor,
        read_timeout: float,
        *,
        limits: Limits,
        refused: Callable[[str], None],
        limited: Callable[[str], None],
    ) -> None:
        """`path` is the ledger's, `threads` verify signatures, `refused` is told the code of each refusal.

        `limited` is told the reason for which a client has to wait or to work, or `taken` when it did its work.
        """
        self.path = path
        self.desk = desk
        self.log = log
        self.limits = limits
        self.read_timeout = read_timeout
        self._threads = threads
        self._refused = refused
        self._limited = limited
        self._answers = Answers()

    async def submit(
        self, media_type: str, body: bytes, client: str = "", answer: str = ""
    ) -> tuple[Registered, bytes, bool]:
        """Register what was posted; returns the statement's place, its receipt, and whether that is provisional.

        `client` is the address that it came from (`client_address`), also of who filled in a form; `answer` is the
        header `Constancia-Work`. Raises Problem.
        """
        opened: Opened | None = None
        charge = FREE
        try:
            if len(body) <= AT_ONCE:
                opened, contents, charge = self._opened(media_type, body, client, answer)
                waiting = self.desk.submit_opened(opened, contents)
            else:
                opened, contents, charge = await self.in_thread(self._opened, media_type, body, client, answer)
                waiting = await self.in_thread(self.desk.submit_opened, opened, contents)
            registered = await self._answers.of(waiting)
            # Of a new statement nobody outside has heard yet.
            final = None if registered.fresh else self.log.cosigned_receipt(registered.index)
            receipt = final or self.log.receipt(registered.index, registered.entry)
            return registered, receipt, self.log.asks_witnesses and not final
        except _Limited as limited:
            raise await self._asking_for_work(limited.why, client, limited.place) from None
        except Refused as refused:
            self._refused(refused.code)
            if refused.code == "busy":
                self.limits.give_back(charge)
            elif len(body) > AT_ONCE:
                self.limits.refused(client)
            problem = Problem.of(refused)
            if refused.code == "closed" and opened is not None:
                problem.refusal = self.desk.refusal(opened.identity, refused.code)
            raise problem from None
        except CannotRun as error:
            self.limits.give_back(charge)
            raise Problem(503, error.detail, "busy", "transport") from None

    def _opened(
        self, media_type: str, body: bytes, client: str, answer: str
    ) -> tuple[Opened, Sequence[SaltedContent], Charge]:
        """What was posted, its signatures verified, and what it took from its sender's allowance."""
        note, contents = body, ()
        if media_type == SUBMISSION:
            submission = parse_submission(body)
            note, contents = submission.note.encode(), submission.contents
        charge = self._admitted(note, client, answer, large=len(body) > AT_ONCE)
        if charge.worked:
            self._limited("taken")
        return open_statement(note, self.desk.origin), contents, charge

    def _admitted(self, note: bytes, client: str, answer: str, *, large: bool) -> Charge:
        identity = unverified_identity(note)
        if self.log.docket.index_of(identity) is not None:
            return FREE  # it is here already, and is only answered again
        place, charge = REFUSED, FREE
        try:
            if large:
                # Finding out what is wrong with a large body may take us twenty milliseconds.
                charge = self.limits.look(client, identity, answer)
            if not any(mark in note for mark in COUNTED):
                return charge
            named = getattr(read_unverified(note, self.desk.origin), "round", "")
            place = self.place_of(named)
            return self.limits.admit(client, place, identity, answer)
        except Limited as why:
            raise _Limited(why, place) from None

    def place_of(self, named: str) -> str:
        """The round of this name as it is counted, if there is such a round."""
        return named if named in self.log.docket.rounds else OTHER

    async def _asking_for_work(self, limited: Limited, client: str, place: str) -> Limited:
        """What to answer to too much: with a challenge, where work helps."""
        self._limited(limited.reason)
        if limited.reason != "worked":
            try:
                limited.challenge = await self.in_thread(self.limits.challenge, client, place)
            except Limited as none:
                self._limited(none.reason)
        return limited

    async def challenge(self, client: str, named: str) -> Mapping[str, Any]:
        """The work for this client's next statement in the round of that name. Raises Problem."""
        try:
            return await self.in_thread(self.limits.challenge, client, self.place_of(named))
        except Limited as limited:
            self._limited(limited.reason)
            raise

    async def in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Do something that takes a while without holding up everybody else."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


class _Limited(Exception):
    """Too much was sent to this place."""

    def __init__(self, why: Limited, place: str) -> None:
        super().__init__(why)
        self.why = why
        self.place = place


def media_type_of(request: Request[Any, Any, Any]) -> str:
    """One of the two media types, named exactly. Raises Problem (media-type)."""
    named = request.headers.getall("content-type", [])
    if len(named) != 1 or named[0].lower() not in LIMITS:
        raise Problem(415, f"A statement is posted as {STATEMENT}, or as {SUBMISSION}.", "media-type", "transport")
    return named[0].lower()


def client_address(request: Request[Any, Any, Any]) -> str:
    """Who asks, as far as a trusted proxy told (api.clients); empty where that is not known."""
    return request.client.host if request.client else ""


# --- routes ----------------------------------------------------------------------------------------------------------


class _Posted(Operation):
    """What a framework that does not read the body cannot know of it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, description="A C2SP signed note."))
        both = OpenAPIMediaType(
            schema=Schema(
                type=OpenAPIType.OBJECT,
                required=["note", "contents"],
                description="Canonical JSON (RFC 8785): the note, and a content for each salted digest it brings.",
                properties={
                    "note": Schema(type=OpenAPIType.STRING),
                    "contents": Schema(
                        type=OpenAPIType.ARRAY,
                        items=Schema(
                            type=OpenAPIType.OBJECT,
                            required=["salt", "content"],
                            properties={
                                "salt": Schema(type=OpenAPIType.STRING, pattern="^[0-9a-f]{64}$"),
                                "content": Schema(type=OpenAPIType.OBJECT),
                            },
                        ),
                    ),
                },
            )
        )
        self.request_body = RequestBody(content={STATEMENT: text, SUBMISSION: both}, required=True)


def router(door: Door) -> Router:
    """The routes of one ledger, below its path."""
    problems: dict[int, ResponseSpec] = {
        status: ResponseSpec(data_container=Refusal, description=why, media_type="application/problem+json")  # type: ignore[arg-type]
        for status, why in {
            403: "The signers may not state this.",
            409: "The record is not in a state that allows it, or the window is closed.",
            413: "Too large.",
            415: "Another media type than the two agreed.",
            422: "Bytes, shape, signature or content are wrong.",
            429: "Too much from this address: answer the `challenge`, or wait.",
            503: "Busy; try again.",
        }.items()
    }

    @post(
        "/statements",
        summary="Register a statement",
        description="201 with the receipt; the same statement again 200 with the same index and received time.",
        operation_class=_Posted,
        responses={
            201: ResponseSpec(data_container=Receipt, description="Registered."),
            200: ResponseSpec(data_container=Receipt, description="Registered before."),
            **problems,
        },
        request_max_body_size=None,
        tags=["statements"],
    )
    async def submit(request: Request[Any, Any, Any]) -> Response[bytes]:
        media_type = media_type_of(request)
        body = await read_body(
            request.receive, request.headers.get("content-length"), LIMITS[media_type], door.read_timeout
        )
        registered, receipt, provisional = await door.submit(
            media_type, body, client_address(request), request.headers.get(HEADER, "")
        )
        answer = Receipt(
            registered.index,
            registered.identity,
            format_time(registered.received_ms),
            receipt.decode(),
            provisional,
        )
        return Response(
            msgspec.json.encode(answer),
            status_code=201 if registered.fresh else 200,
            media_type="application/json",
            headers={"location": f"/{door.path}/receipts/{registered.identity}", "cache-control": "no-store"},
        )

    @get(
        "/receipts/{identity:str}",
        summary="The receipt of a statement",
        description="A C2SP tlog-proof with the entry in its `extra` line, under the newest checkpoint. Until the "
        "witnesses of the ledger's policy have cosigned one that has the entry, it is provisional: under the newest "
        "head, with the headers `Constancia-Receipt: provisional` and `Retry-After`.",
        media_type="text/plain",
        tags=["statements"],
    )
    async def receipt(identity: str) -> Response[bytes]:
        index = door.log.find(identity) if _IDENTITY.fullmatch(identity) else None
        if index is None:
            raise Problem(404, "No statement with this identity is published here.")
        final = await door.in_thread(door.log.cosigned_receipt, index)
        headers = {
            "cache-control": "no-cache",
            "access-control-allow-origin": "*",
            "access-control-expose-headers": "constancia-receipt, retry-after",
            "content-disposition": f'inline; filename="constancia-{identity[:16]}.tlog-proof"',
            "constancia-receipt": "final" if final else "provisional",
        }
        if final is None:
            headers["retry-after"] = str(RETRY_AFTER_SECONDS)
        found = final or await door.in_thread(door.log.receipt, index)
        return Response(found, media_type=RECEIPT, headers=headers)

    @get(
        "/challenge",
        summary="A proof of work beforehand",
        description="A challenge of ALTCHA, version 2. Its answer goes in the header `Constancia-Work` of one "
        "statement. Nobody needs one before a statement was answered 429, which brings one too.",
        tags=["statements"],
    )
    async def challenge(request: Request[Any, Any, Any]) -> Response[bytes]:
        found = await door.challenge(client_address(request), request.query_params.get("round", ""))
        headers = {"cache-control": "no-store", "access-control-allow-origin": "*"}
        return Response(msgspec.json.encode(found), media_type="application/json", headers=headers)

    return Router(f"/{door.path}", route_handlers=[submit, receipt, challenge])

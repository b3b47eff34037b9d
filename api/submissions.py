"""Posting statements, and fetching receipts: the one door through which the record grows.

    POST /gt/statements         application/vnd.constancia.statement           the signed note
                                application/vnd.constancia.submission+json     note and contents (consultation.text)
    GET  /gt/receipts/{identity}                                               the receipt, a C2SP tlog-proof

Answers: 201 and the receipt; the same statement again 200 with the same index, identity and received time; refused: 4xx
problem+json with the rule that refused it. What came after a window had closed is answered with a signed note that
says when it came (`refusal`).

Only these two media types, exactly: neither is one that a foreign page may send without asking first. The body is read
raw, within a limit of bytes and of time, and given to the desk as it came; no framework decodes it, and nobody logs it.
Signatures are verified in handler threads: libsodium lets go of the interpreter meanwhile.
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

from api.listening import read_body
from api.problems import Problem
from consultation.desk import Desk
from consultation.text import MAX_SUBMISSION, SaltedContent, parse_submission
from ledger.errors import CannotRun, Refused
from ledger.log import Log, Registered
from ledger.statement import MAX_NOTE, Opened, format_time, open_statement

STATEMENT = "application/vnd.constancia.statement"
SUBMISSION = "application/vnd.constancia.submission+json"
RECEIPT = "text/plain"

LIMITS: Mapping[str, int] = {STATEMENT: MAX_NOTE, SUBMISSION: MAX_SUBMISSION}

# Bytes of a body that is looked at on the event loop: a few signatures, well under a millisecond even when it is bad.
AT_ONCE = 4_096

_IDENTITY = re.compile("[0-9a-f]{64}")

T = TypeVar("T")


class Receipt(msgspec.Struct, frozen=True):
    """A registered statement: where it stands, and the proof. `receipt` is the text of a tlog-proof file."""

    index: int
    identity: str
    received_at: str
    receipt: str


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem of a statement that was refused. `refusal` is the desk's signed note, where there is one."""

    type: str
    title: str
    status: int
    code: str
    rule: str
    detail: str
    refusal: str | UnsetType = UNSET


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
        self, path: str, desk: Desk, log: Log, threads: Executor, read_timeout: float, refused: Callable[[str], None]
    ) -> None:
        """`path` is the ledger's, `threads` verify signatures, `refused` is told the code of each refusal."""
        self.path = path
        self.desk = desk
        self.log = log
        self.read_timeout = read_timeout
        self._threads = threads
        self._refused = refused
        self._answers = Answers()

    async def submit(self, media_type: str, body: bytes) -> tuple[Registered, bytes]:
        """Register what was posted; returns the statement's place and its receipt. Raises Problem."""
        opened: Opened | None = None
        try:
            if len(body) <= AT_ONCE:
                opened, contents = _opened(media_type, body, self.desk.origin)
                waiting = self.desk.submit_opened(opened, contents)
            else:
                opened, contents = await self.in_thread(_opened, media_type, body, self.desk.origin)
                waiting = await self.in_thread(self.desk.submit_opened, opened, contents)
            registered = await self._answers.of(waiting)
            return registered, self.log.receipt(registered.index, registered.entry)
        except Refused as refused:
            self._refused(refused.code)
            problem = Problem.of(refused)
            if refused.code == "closed" and opened is not None:
                problem.refusal = self.desk.refusal(opened.identity, refused.code)
            raise problem from None
        except CannotRun as error:
            raise Problem(503, error.detail, "busy", "transport") from None

    async def in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Do something that takes a while without holding up everybody else."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _opened(media_type: str, body: bytes, origin: str) -> tuple[Opened, Sequence[SaltedContent]]:
    if media_type == STATEMENT:
        return open_statement(body, origin), ()
    submission = parse_submission(body)
    return open_statement(submission.note.encode(), origin), submission.contents


def media_type_of(request: Request[Any, Any, Any]) -> str:
    """One of the two media types, named exactly. Raises Problem (media-type)."""
    named = request.headers.getall("content-type", [])
    if len(named) != 1 or named[0].lower() not in LIMITS:
        raise Problem(415, f"A statement is posted as {STATEMENT}, or as {SUBMISSION}.", "media-type", "transport")
    return named[0].lower()


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
        registered, receipt = await door.submit(media_type, body)
        answer = Receipt(registered.index, registered.identity, format_time(registered.received_ms), receipt.decode())
        return Response(
            msgspec.json.encode(answer),
            status_code=201 if registered.fresh else 200,
            media_type="application/json",
            headers={"location": f"/{door.path}/receipts/{registered.identity}", "cache-control": "no-store"},
        )

    @get(
        "/receipts/{identity:str}",
        summary="The receipt of a statement",
        description="A C2SP tlog-proof with the entry in its `extra` line, under the newest checkpoint.",
        media_type="text/plain",
        tags=["statements"],
    )
    async def receipt(identity: str) -> Response[bytes]:
        index = door.log.find(identity) if _IDENTITY.fullmatch(identity) else None
        if index is None:
            raise Problem(404, "No statement with this identity is published here.")
        return Response(
            await door.in_thread(door.log.receipt, index),
            media_type=RECEIPT,
            headers={
                "cache-control": "no-cache",
                "access-control-allow-origin": "*",
                "content-disposition": f'inline; filename="constancia-{identity[:16]}.tlog-proof"',
            },
        )

    return Router(f"/{door.path}", route_handlers=[submit, receipt])

"""The server: the one place where everything is put together.

    create_app(settings)      opens every ledger and returns the web application over them
    serve(settings)           the same behind a listening socket, until SIGTERM or SIGINT

One process: the sequencer of each ledger lives in it (ledger.log), beside its desk and vault, the projector that folds
what was published, and the readers. A folder of a ledger:

    public/      the published files            journal.db   entries, durable        (ledger.journal)
    keys/log     signs heads (api.log_keys)     vault.db     contents, sealed        (consultation.vault)
    keys/desk    signs refusal notes            vault.keys   a key for each of them  (consultation.sealing)
    records.db   what pages show, disposable    (api.projector)
    search.db    where which words stand, disposable                                     (api.indexing)
    keys/web_form   states what came by form, where a program is enrolled for it         (api.web_form)
    evidence/    after an alarm                 witnesses.json   what they last said     (ledger.witnesses)
    documents/   what statements name by digest (api.documents)
    archive/     what was captured, by digest   (api.archives)
    limits.db    how much each client has sent, disposable (api.limits)

What each request meets, from the outside: the gate (Host header, load, security headers, metrics), the published files
(api.tiles), then the routes (api.submissions, api.answers, api.pages).
"""

import asyncio
import gc
import logging
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute
from nacl.signing import SigningKey
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api import answers, catalogue, downloads, exports, pages, rehearsal, sealed_texts, site, submissions
from api.archives import open_archive
from api.asking import heads_at_mirrors, witnesses_of
from api.clients import behind_proxies
from api.documents import Documents
from api.indexing import Indexer
from api.limits import Limits, Rates
from api.listening import SECURITY_HEADERS, free_port, listen
from api.log_keys import read_log_keys, take_up_next
from api.problems import Problem
from api.projector import Projector, open_records
from api.record import Reader, ledger_of
from api.settings import LedgerSettings, Settings, read_key
from api.tiles import Receive, Scope, Send, header, send_problem, serve_file
from api.web_form import WebForm
from consultation.desk import Desk
from consultation.vault import Vault
from ledger.errors import CannotRun, Refused
from ledger.log import Log
from ledger.published import Folder, is_published_path
from ledger.witnesses import Cosigning

_logger = logging.getLogger("constancia.server")

# How long requests at work may take to be answered when the server ends.
DRAIN_SECONDS = 5.0

# After so long another thread may have the interpreter.
SWITCH_SECONDS = 0.001


# --- one ledger, open ------------------------------------------------------------------------------------------------


class Running(msgspec.Struct, frozen=True):
    """The open parts of one ledger."""

    settings: LedgerSettings
    folder: Folder
    log: Log
    desk: Desk
    projector: Projector
    reader: Reader
    cosigning: Cosigning | None
    """The witnesses, where the ledger's policy asks for any."""
    limits: Limits
    """How much each client has sent."""
    form_key: SigningKey | None = None
    """The key of the program that states what the web form brings, where there is one."""


def open_ledger(
    settings: LedgerSettings, closing: ExitStack, *, accept_time: bool = False, rates: Rates | None = None
) -> Running:
    """Open a ledger's parts; `closing` closes them in the right order. Raises CannotRun.

    `accept_time`: the operator confirms the clock, though the last entry is from more than 400 days ago. `rates`: how
    much a client may send.
    """
    place = settings.place
    log_key, next_key = read_log_keys(place)
    desk_key = read_key(place / "keys" / "desk")
    running = open_parts(settings, log_key, desk_key, closing, next_key=next_key, accept_time=accept_time, rates=rates)
    if (form_file := place / "keys" / "web_form").exists():
        running = msgspec.structs.replace(running, form_key=read_key(form_file))
    # All that the journal holds is published now, so a rotation among it is, and the next key may stand first.
    if take_up_next(place, running.log.docket.roster.log.at(running.log.size)):
        _logger.info("%s: keys/log.next is the log's key now, and stands in keys/log", settings.origin)
    return running


def open_parts(
    settings: LedgerSettings,
    log_key: SigningKey,
    desk_key: SigningKey,
    closing: ExitStack,
    *,
    next_key: SigningKey | None = None,
    accept_time: bool = False,
    rates: Rates | None = None,
) -> Running:
    """The same with keys that are at hand already."""
    place = settings.place
    vault = Vault.open(place / "vault.db")
    closing.callback(vault.close)
    folder = Folder(place / "public")
    desk = Desk(settings.origin, vault, folder, desk_key)
    policy, cosigning = witnesses_of(settings, [next_key, log_key], folder, closing, accept_time=accept_time)
    log = Log.open(
        settings.origin,
        journal=place / "journal.db",
        published=place / "public",
        log_key=log_key,
        next_key=next_key,
        contents=desk,
        desk_key=desk.public_key,
        accept_time=accept_time,
        policy=policy,
        elsewhere=cosigning,
        known=heads_at_mirrors(settings, [next_key, log_key], folder),
    )
    closing.callback(log.close)
    if not log.size:
        raise CannotRun(
            f"{place}: este registro aún no tiene declaración fundacional.",
            f"{place}: this ledger has no founding statement yet.",
            "Fúndelo con `constancia init`.",
            "Found it with `constancia init`.",
        )
    desk.open(log)
    projector = Projector(log, open_records(place / "records.db", log))
    closing.callback(projector.close)
    documents = Documents(place / "documents")
    ledger = ledger_of(settings.path, log, desk.public_key)
    reader = Reader(ledger, log, vault, projector.records, documents, cosigning)
    reader.archive = open_archive(settings.archived)
    indexer = Indexer(reader, projector.records)
    # Closed before the projector, whose records it reads.
    closing.callback(indexer.close)
    projector.on_folded.append(indexer.wake)
    reader.search = indexer.search
    log.on_published.append(projector.wake)
    projector.start()
    indexer.start()
    if cosigning:
        closing.callback(cosigning.close)
        cosigning.start(log)
    limits = Limits.open(place / "limits.db", rates or Rates())
    closing.callback(limits.close)
    return Running(settings, folder, log, desk, projector, reader, cosigning, limits)


# --- metrics ---------------------------------------------------------------------------------------------------------


class Metrics:
    """What an operator watches. Its own registry: two applications in one process do not mix."""

    def __init__(self, ledgers: Sequence[Running]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "constancia_requests_total", "Answers, by method and status.", ["method", "status"], registry=self.registry
        )
        self.seconds = Histogram("constancia_request_seconds", "Time to answer.", ["method"], registry=self.registry)
        self.refusals = Counter(
            "constancia_refusals_total", "Statements refused, by code.", ["ledger", "code"], registry=self.registry
        )
        self.looks = Counter(
            "constancia_sealed_texts_read_total",
            "Withheld texts shown to moderators.",
            ["ledger"],
            registry=self.registry,
        )
        self.limited = Counter(
            "constancia_limited_total", "Clients told to wait or to work, and statements taken with work, by reason.",
            ["ledger", "reason"], registry=self.registry,
        )  # fmt: skip
        self._answered: dict[tuple[str, int], tuple[Any, Any]] = {}
        entries = Gauge("constancia_entries", "Published entries.", ["ledger"], registry=self.registry)
        behind = Gauge(
            "constancia_entries_not_folded", "Published, and not yet in the pages.", ["ledger"], registry=self.registry
        )
        stopped = Gauge("constancia_writer_stopped", "1 when nothing is registered any more.", ["ledger"],
                        registry=self.registry)  # fmt: skip
        for ledger in ledgers:
            path, log, projector = ledger.settings.path, ledger.log, ledger.projector
            entries.labels(path).set_function(lambda log=log: log.size)
            behind.labels(path).set_function(
                lambda log=log, projector=projector: max(0, log.size - projector.records.position)
            )
            stopped.labels(path).set_function(lambda log=log: float(log.stopped is not None))
        asked = [ledger for ledger in ledgers if ledger.cosigning]
        if asked:
            self.registry.register(WitnessCollector({each.settings.path: each.cosigning for each in asked}))

    def answered(self, method: str, status: int, seconds: float) -> None:
        """A request was answered. Nothing that a client chooses freely becomes a label."""
        found = self._answered.get((method, status))
        if found is None:
            named = method if method in ("GET", "HEAD", "POST", "OPTIONS") else "other"
            found = self.requests.labels(named, str(status)), self.seconds.labels(named)
            if named == method:
                self._answered[method, status] = found
        found[0].inc()
        found[1].observe(seconds)


class WitnessCollector(Collector):
    """The witnesses of each ledger, as they stand when they are looked at."""

    def __init__(self, ledgers: Mapping[str, Cosigning | None]) -> None:
        """By the ledgers' paths."""
        self._ledgers = ledgers

    def collect(self) -> Iterator[Metric]:
        """One family for each figure. An age is that of the last cosignature, by the witness's clock."""
        labels = ["ledger", "witness"]
        covered = GaugeMetricFamily(
            "constancia_witnessed_size", "Entries under the newest head with its quorum.", labels=["ledger"]
        )
        size = GaugeMetricFamily("constancia_witness_size", "Entries that a witness cosigned last.", labels=labels)
        age = GaugeMetricFamily("constancia_witness_age_seconds", "Since its last cosignature.", labels=labels)
        failures = CounterMetricFamily("constancia_witness_failures", "Asked, and no cosignature.", labels=labels)
        for path, cosigning in self._ledgers.items():
            if cosigning is None:
                continue
            covered.add_metric([path], cosigning.witnessed.head.size if cosigning.witnessed else 0)
            for each in cosigning.standings():
                failures.add_metric([path, each.name], each.failures)
                if each.cosigned_size is not None and each.cosigned_at is not None:
                    size.add_metric([path, each.name], each.cosigned_size)
                    age.add_metric([path, each.name], max(0.0, time.time() - each.cosigned_at))
        yield from (covered, size, age, failures)


# --- the gate --------------------------------------------------------------------------------------------------------


class Gate:
    """Everything that every request meets, whatever it asks for. An ASGI application around another."""

    def __init__(
        self, inner: Callable[[Any, Any, Any], Any], settings: Settings, folders: Mapping[str, Folder], metrics: Metrics
    ) -> None:
        """`folders` are the published files of each ledger, by its path."""
        self._inner = inner
        self._hosts = frozenset(name.lower() for name in settings.hosts)
        self._folders = folders
        self._most = settings.max_requests
        self._metrics = metrics
        self._log_access = settings.access_log
        self._at_work = 0
        self._closing = False

    async def drain(self, seconds: float) -> None:
        """Take no more requests, and wait until those at work are answered, at most so long."""
        self._closing = True
        deadline = time.monotonic() + seconds
        while self._at_work and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 0

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_security(message["headers"])
            await send(message)

        self._at_work += 1
        try:
            await self._answer(scope, receive, sending)
        except Exception:
            _logger.exception("%s %s failed", scope["method"], _one_line(scope["path"]))
            if status:
                raise
            await send_problem(Problem(500, "The failure was noted; please tell the operator."), scope, sending)
        finally:
            self._at_work -= 1
            seconds = time.perf_counter() - begun
            self._metrics.answered(scope["method"], status, seconds)
            if self._log_access:
                # No address, no body, no query: nobody is to be found beside what they read or said.
                _logger.info("%s %s %d %.1f ms", scope["method"], _one_line(scope["path"]), status, seconds * 1000)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._is_ours(hosts[0].decode("latin-1")):
            await send_problem(Problem(400, "The Host header names no host that is served here."), scope, send)
            return
        if self._at_work > self._most or self._closing:
            why = "The server is ending." if self._closing else "Too many requests at once."
            await _send_busy(Problem(503, why, "busy", "transport"), scope, send)
            return
        ledger, _, below = scope["path"].lstrip("/").partition("/")
        folder = self._folders.get(ledger)
        if folder is not None and is_published_path(below):
            try:
                await serve_file(folder, below, scope, send)
            except CannotRun as error:
                await send_problem(Problem(503, error.detail), scope, send)
            return
        await self._inner(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        """Literally one of the names in the settings, whatever port; any, when none is set. Never a pattern."""
        name = host.lower()
        if name.startswith("["):
            name = name.partition("]")[0] + "]"
        else:
            name = name.partition(":")[0]
        return bool(name) and (not self._hosts or name in self._hosts or host.lower() in self._hosts)


async def _send_busy(problem: Problem, scope: Scope, send: Send) -> None:
    """Too much at once: a page for people, problem+json for programs."""
    page = None
    if scope["method"] in ("GET", "HEAD"):
        page = pages.busy_page(scope["path"], header(scope, b"accept"))
    if page is None:
        await send_problem(problem, scope, send)
        return
    headers = dict(site.HEADERS) | problem.waiting() | {"content-type": "text/html; charset=utf-8"}
    headers["content-length"] = str(len(page))
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else page})


_SECURITY = tuple((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items())


def _with_security(headers: Any) -> list[tuple[bytes, bytes]]:
    present = list(headers)
    names = {name.lower() for name, _ in present}
    return present + [(name, value) for name, value in _SECURITY if name not in names]


def _one_line(path: str) -> str:
    """A path for the log: no line break or terminal code forges a line of it."""
    return path[:300].encode("unicode_escape").decode("ascii")


# --- the application -------------------------------------------------------------------------------------------------


class LedgerLine(msgspec.Struct, frozen=True):
    """A ledger of this installation."""

    origin: str
    path: str
    purpose: str
    size: int
    founding: str
    log_key: str


def create_app(
    settings: Settings, *, on_stopped: Callable[[CannotRun], None] | None = None, accept_time: bool = False
) -> Litestar:
    """The web application over the ledgers of `settings`, which it opens; ending its lifespan closes them.

    `on_stopped` is called from the writer's thread when a ledger can no longer be written; `accept_time` as for
    `open_ledger`. Raises CannotRun.
    """
    closing = ExitStack()
    try:
        rates = rates_of(settings)
        ledgers = [open_ledger(each, closing, accept_time=accept_time, rates=rates) for each in settings.ledgers]
        for ledger in ledgers:
            ledger.log.on_stopped.append(_report_stop)
            if on_stopped:
                ledger.log.on_stopped.append(on_stopped)
        threads = ThreadPoolExecutor(settings.threads, "handler")
        closing.callback(threads.shutdown)
        return _assemble(settings, ledgers, threads, closing)
    except BaseException:
        closing.close()
        raise


def rates_of(settings: Settings) -> Rates:
    """The allowances that the operator set."""
    return msgspec.convert(msgspec.to_builtins(settings), Rates)


def _report_stop(error: CannotRun) -> None:
    _logger.critical("the writer stopped: %s", error)


def _assemble(
    settings: Settings, ledgers: Sequence[Running], threads: ThreadPoolExecutor, closing: ExitStack
) -> Litestar:
    metrics = Metrics(ledgers)
    readers = tuple(ledger.reader for ledger in ledgers)
    gates: list[Gate] = []  # one, made when the application that it is before is there

    def answered(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        problem = _problem_of(request, error)
        return pages.error_page(request, problem, readers) or _answer_problem(request, problem)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await gates[0].drain(DRAIN_SECONDS)
            await asyncio.to_thread(closing.close)

    handlers = [
        *_operations(ledgers, metrics),
        *pages.front(readers),
        *(router for ledger in ledgers for router in _routers(ledger, settings, threads, metrics)),
    ]
    app = Litestar(
        route_handlers=[_with_head(each) for each in handlers],
        lifespan=[lifespan],
        exception_handlers={
            Exception: answered,
            # Said once more, because the framework has an answer of its own for these.
            HTTPException: answered,
        },
        openapi_config=OpenAPIConfig(
            title="Constancia",
            version="1",
            description="A public record of open-government commitments that nobody can rewrite. Every ledger lies "
            "under its own path. Beside these routes each serves the published files of its log "
            "(c2sp.org/tlog-tiles): `checkpoint`, `tile/…`, and `head`, `checkpoints/…`, `contents/…`, "
            "`timestamps/…`, `policy`, `ledger.json`.",
            path="/schema",
            render_plugins=[JsonRenderPlugin(path="/", media_type=MediaType.JSON)],
        ),
        logging_config=None,
        # HTTP errors of ours are problem+json for programs and pages for people; the framework's own page is neither.
        debug=False,
    )
    folders = {ledger.settings.path: ledger.folder for ledger in ledgers}
    gates.append(Gate(app.asgi_handler, settings, folders, metrics))
    app.asgi_handler = gates[0]
    return app


def _with_head(handler: HTTPRouteHandler | Router) -> HTTPRouteHandler | Router:
    """The same with HEAD wherever it answers GET (https://rfc-editor.org/rfc/rfc9110, 9.3.2). The body is left out by
    the framework, which does not begin a stream either; a handler that would do much for it looks at the method."""
    inside = [handler] if isinstance(handler, HTTPRouteHandler) else _handlers_in(handler)
    for each in inside:
        if "GET" in each.http_methods:
            each.http_methods.add("HEAD")
    return handler


def _handlers_in(router: Router) -> list[HTTPRouteHandler]:
    return [each for route in router.routes if isinstance(route, HTTPRoute) for each in route.route_handlers]


def _routers(ledger: Running, settings: Settings, threads: ThreadPoolExecutor, metrics: Metrics) -> list[Any]:
    path = ledger.settings.path

    def refused(code: str) -> None:
        metrics.refusals.labels(path, code).inc()

    def limited(reason: str) -> None:
        metrics.limited.labels(path, reason).inc()

    door = submissions.Door(
        path,
        ledger.desk,
        ledger.log,
        threads,
        settings.read_timeout,
        limits=ledger.limits,
        refused=refused,
        limited=limited,
    )
    ledger.reader.settings = settings
    form = WebForm(door, ledger.form_key) if ledger.form_key else None
    paged = pages.router(ledger.reader, read_timeout=settings.read_timeout, web_form=form)
    tables = Router(
        f"/{path}",
        route_handlers=[
            *exports.handlers(ledger.reader),
            *downloads.handlers(ledger.reader),
            *catalogue.handlers(ledger.reader),
        ],
    )
    texts = sealed_texts.SealedTexts(ledger.settings.origin, ledger.desk.vault, lambda: ledger.log.docket)
    sealed = sealed_texts.router(path, texts, settings.read_timeout, metrics.looks.labels(path).inc, refused)
    tried = rehearsal.router(path, lambda: ledger.log.docket, settings.read_timeout)
    return [submissions.router(door), sealed, tried, answers.router(ledger.reader), tables, paged]


def _operations(ledgers: Sequence[Running], metrics: Metrics) -> list[Any]:
    @get("/healthz", media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
    def healthz() -> str:
        return "ok\n"

    @get("/readyz", media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
    def readyz() -> Response[str]:
        lines = [f"{ledger.settings.path}: {reason}\n" for ledger in ledgers if (reason := _not_ready(ledger))]
        return Response("".join(lines) or "ready\n", status_code=503 if lines else 200, media_type="text/plain")

    @get("/metrics", include_in_schema=False)
    async def show_metrics() -> Response[bytes]:
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    return [healthz, readyz, show_metrics]


def _not_ready(ledger: Running) -> str:
    if ledger.log.stopped:
        return f"the writer stopped: {ledger.log.stopped.detail}"
    if ledger.projector.failed:
        return "what was published can no longer be folded"
    behind = ledger.log.size - ledger.projector.records.position
    return f"{behind} entries are still to be folded" if behind > 1_000 or ledger.reader.newest < 1 else ""


def _answer_problem(request: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    body = problem.body(header(request.scope, b"accept-language"))
    headers = problem.headers() | {"access-control-allow-origin": "*"}
    if problem.status in (408, 413):
        # The rest of the body is not read, so nothing sensible can follow on this connection.
        headers["connection"] = "close"
    media_type = headers.pop("content-type")
    return Response(body, status_code=problem.status, media_type=media_type, headers=headers)


def _problem_of(request: Request[Any, Any, Any], error: Exception) -> Problem:
    """What to say of anything that was raised below a request."""
    match error:
        case Problem():
            return error
        case Refused():
            return Problem.of(error)
        case CannotRun():
            return Problem(503, error.detail, "busy", "transport")
        case HTTPException() if error.status_code < 500:
            # The framework's own: no such route, another method, a parameter that is none.
            status = error.status_code if error.status_code in (404, 405) else 400
            return Problem(status, str(error.detail) if status == 400 else "")
        case _:
            # A bug of ours. Nothing of what was sent goes into the log.
            _logger.error("%s %s failed", request.method, _one_line(request.url.path), exc_info=error)
            return Problem(500, "The failure was noted; please tell the operator.")


# --- serving ---------------------------------------------------------------------------------------------------------


def _favour_requests() -> None:
    """Ask less of Python where it would hold up whoever waits for an answer.

    What was read at the start stays until the end: looking through it for garbage, again and again, costs 50 ms each
    time at 100,000 entries. And a page gives the interpreter away at each look at a database: while the records or the
    search are folded beside it, it gets it back after a millisecond, not after five.
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_SECONDS)


def serve(
    settings: Settings,
    host: str | None = None,
    port: int | None = None,
    *,
    ready: Callable[[str], None] | None = None,
    accept_time: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT, in this process; `ready` is called with the address when requests are taken.

    `accept_time`: the operator confirms the clock, though a ledger's last entry is from more than 400 days ago.

    Raises CannotRun: the port is taken, a ledger cannot be opened, or the writer stopped while serving (the process
    must then end, because nobody knows what the disk kept).
    """
    host = settings.host if host is None else host
    # The server shares its port (SO_REUSEPORT): a second one would start, and take half of the requests.
    port = free_port(host, settings.port if port is None else port)
    stopped: list[CannotRun] = []
    halt = threading.Event()

    def on_stopped(error: CannotRun) -> None:
        stopped.append(error)
        halt.set()

    app = behind_proxies(create_app(settings, on_stopped=on_stopped, accept_time=accept_time), settings.trusted_proxies)
    _favour_requests()
    listen(
        app,
        host,
        port,
        read_timeout=settings.read_timeout,
        halt=halt,
        ready=ready,
        max_connections=settings.max_connections,
    )
    if stopped:
        raise stopped[0]

"""The pages of a ledger: server-rendered HTML that a phone, a screen reader, a printer and an auditor can all read.

A page is a function of a `View` (the record as it stood at one tree size), the reader's language and, for the days left
of a round, the clock. It names the checkpoint it stands on, links each claim to its signed statement, works without
JavaScript and loads nothing from another host.

    /gt/…       Spanish, the default            ?at=SIZE    the record as it stood at that many entries
    /gt/en/…    the same pages in English       ?as_of=DAY  the same, at the end of a day

`router(reader)` is what the app mounts; below it stands one function for each page, from the record to the words of its
template. Lists are paged, and a page reads only the entries that it shows.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.handlers import HTTPRouteHandler

from api import site
from api.feeds import (
    comment_feed,
    commitment_feed,
    institution_feed,
    moderation_feed,
    organisation_feed,
    plan_feed,
    round_feed,
)
from api.listening import read_body
from api.names import LEVELS, msg
from api.page_anomalies import anomalies_page, texts_page
from api.page_archives import archive_handler
from api.page_assessing import assessing_desk_page, institution_desk_page
from api.page_assessments import assessment_file, assessment_page, assessments_page
from api.page_bodies import institution_page, organisation_page
from api.page_calendar import calendar_feed
from api.page_changes import changes_page
from api.page_citation import citation_file, citation_page
from api.page_commenting import commenting_on, writing_page
from api.page_commitments import commitment_page
from api.page_comparison import comparison_page
from api.page_desks import coordination_desk_page, desks_page, moderation_desk_page
from api.page_documents import document_page
from api.page_evidence import evidence_page
from api.page_evidences import evidences_page
from api.page_exports import exports_page
from api.page_methodology import methodologies_page, methodology_page
from api.page_moderation import moderation_page
from api.page_paper import paper_page
from api.page_plans import around_page, home_page, plan_page, plans_page
from api.page_privacy import bodies_to_ask, privacy_page
from api.page_receipts import MAX_UPLOAD, judged_page, read_form, receipt_page, verify_page
from api.page_reports import report_page, reports_page
from api.page_rounds import meeting_page, meetings_page, round_page, rounds_page
from api.page_sheets import sheets_page
from api.page_standards import standards_page
from api.page_tracking import comment_page, comments_page
from api.page_two_plans import two_plans_page
from api.phrasing import Phrasing, folded, plain
from api.problems import Problem
from api.reading import LIST_PAGE, MAX_QUERY, Clock, Reading, answer, line_of, pages_of, redirect, sections
from api.record import Reader
from api.site import Place
from api.tiles import FOR_EVER
from api.web_form import WebForm, form_handler
from ledger.vocabulary import commitments_of
from projections.commitments import (
    Commitment,
    PlanState,
)
from projections.roll import Actor, RoleHeld
from projections.words.catalogue import DEFAULT_LANGUAGE

# --- the ledger's own pages ------------------------------------------------------------------------------------------


def entries_page(reading: Reading) -> Response[bytes]:
    """Every entry, the newest first; `?numero=N` goes to one."""
    view = reading.view
    if reading.query.get("numero"):
        return redirect(reading.place.to("asientos", reading.number("numero", 0, view.size - 1, 0)))
    pages = pages_of(reading, view.size, LIST_PAGE)
    stop = view.size - pages.start
    lines = [line_of(reading, entry) for entry in view.entries(max(0, stop - LIST_PAGE), stop)]
    return answer(reading, "entries.html", lines=lines[::-1], several=len(reading.plans) > 1, pages=pages)


def entry_page(reading: Reading) -> Response[bytes]:
    """One entry: its sentence, its proof, its fields, its bytes."""
    index = entry_index(reading)
    line = line_of(reading, reading.view.entry(index))
    subjects = commitments_of(line.statement)
    commitment = reading.view.records.get(Commitment, subjects[0]) if len(subjects) == 1 else None
    receipt = f"constancia-{index}.tlog-proof"
    dispute = reading.view.dispute(index)
    return answer(
        reading,
        "entry.html",
        line=line,
        dispute=dispute,
        subject=commitment.commitment if commitment else None,
        subject_title=f"{commitment.commitment.partition('/')[2]} · {plain(commitment.title)}" if commitment else "",
        fields=msgspec.json.decode(reading.view.entry(index).opened.line),
        raw_text=reading.view.entry_bytes(index).decode(),
        raw_href=reading.place.raw("asientos", index, "original"),
        receipt=receipt,
        verify_command=f"constancia verify {receipt} --ledger-key '{reading.reader.vkey}'",
    )


def entry_index(reading: Reading) -> int:
    """The index that the address names. Raises Problem (404)."""
    raw = reading.place.segments[1]
    size = reading.view.size
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 15 and str(int(raw)) == raw and int(raw) < size):
        raise Problem(404, f"The ledger has {size} entries; there is no entry {raw[:20]} among them.")
    return int(raw)


def entry_bytes_page(reading: Reading) -> Response[bytes]:
    """The bytes of an entry, as text that no browser takes for anything else."""
    headers = dict(site.HEADERS) | {"cache-control": FOR_EVER}
    raw = reading.view.entry_bytes(entry_index(reading))
    return Response(raw, media_type="text/plain", headers=headers)


def about_page(reading: Reading) -> Response[bytes]:
    """What this is, who may say what, privacy, formats, licence."""
    records = reading.view.records
    bodies: list[dict[str, Any]] = []
    for slug, actor in records.scan(Actor):
        roles = [role for _, role in records.scan(RoleHeld, prefix=f"{slug}/")]
        held = dict.fromkeys(role.role for role in roles if role.ended is None)
        names = [reading.say.name("role", role) for role in held]
        href = reading.place.to("instituciones" if actor.form == "institution" else "organizaciones", slug)
        ended = bool(roles) and not names
        bodies.append({"name": actor.name, "form": actor.form, "roles": names, "ended": ended, "href": href})
    bodies.sort(key=lambda body: (not body["roles"], folded(body["name"])))
    plans = [{"id": plan.plan, "title": plan.title, "lang": plan.lang} for _, plan in records.scan(PlanState)]
    return answer(reading, "about.html", bodies=bodies, plans=plans, levels=list(LEVELS))


def accessibility_page(reading: Reading) -> Response[bytes]:
    """What is tested of these pages, what is not, and whom to tell what hinders."""
    return answer(reading, "accessibility.html", bodies=bodies_to_ask(reading, ("coordinator",)))


# --- routes ----------------------------------------------------------------------------------------------------------

Page = Callable[[Reading], Response[bytes]]

PAGES: Mapping[str, Page] = {
    "/": home_page,
    "/planes": plans_page,
    "/planes/{plan:str}": plan_page,
    "/planes/{plan:str}/atom.xml": plan_feed,
    "/planes/{plan:str}/calendario.ics": calendar_feed,
    "/planes/{plan:str}/entorno": around_page,
    "/planes/{plan:str}/compromisos/{code:str}/atom.xml": commitment_feed,
    "/planes/{plan:str}/comparacion": comparison_page,
    "/planes/{plan:str}/cambios": changes_page,
    "/planes/{plan:str}/compromisos/{code:str}": commitment_page,
    "/metodologia": methodologies_page,
    "/metodologia/{plan:str}/{version:str}": methodology_page,
    "/evidencia": evidences_page,
    "/evidencia/{index:str}": evidence_page,
    "/planes/{plan:str}/hallazgos": anomalies_page,
    "/planes/{plan:str}/indicadores": standards_page,
    "/planes/{plan:str}/hallazgos/{one:str}/{other:str}": texts_page,
    "/consultas": rounds_page,
    "/consultas/{round:str}": round_page,
    "/consultas/{round:str}/atom.xml": round_feed,
    "/comentarios/{code:str}/atom.xml": comment_feed,
    "/moderacion": moderation_page,
    "/moderacion/atom.xml": moderation_feed,
    "/consultas/{round:str}/documento": document_page,
    "/comentarios": comments_page,
    "/comentarios/{code:str}": comment_page,
    "/reuniones": meetings_page,
    "/reuniones/{meeting:str}": meeting_page,
    "/informes": reports_page,
    "/informes/{report:str}/{version:str}": report_page,
    "/verificar": verify_page,
    "/asientos": entries_page,
    "/asientos/{index:str}": entry_page,
    "/asientos/{index:str}/original": entry_bytes_page,
    "/constancias/{identity:str}": receipt_page,
    "/acerca": about_page,
    "/exportar": exports_page,
    "/exportar/{plan:str}/imprimir": paper_page,
    "/instituciones/{slug:str}": institution_page,
    "/instituciones/{slug:str}/atom.xml": institution_feed,
    "/organizaciones/{slug:str}": organisation_page,
    "/organizaciones/{slug:str}/atom.xml": organisation_feed,
    "/mesa": desks_page,
    "/mesa/moderacion": moderation_desk_page,
    "/mesa/coordinacion": coordination_desk_page,
    "/mesa/investigacion": assessing_desk_page,
    "/mesa/institucion": institution_desk_page,
    "/planes/{plan:str}/fichas": sheets_page,
    "/planes/{plan:str}/junto-a": two_plans_page,
    "/planes/{plan:str}/cita": citation_page,
    "/planes/{plan:str}/cita/archivo": citation_file,
    "/evaluaciones": assessments_page,
    "/evaluaciones/{organisation:str}": assessment_page,
    "/evaluaciones/{organisation:str}/{form:str}": assessment_file,
    "/privacidad": privacy_page,
    "/accesibilidad": accessibility_page,
}


def now() -> int:
    """The clock of this machine; nothing but the days left of a round is read from it."""
    return time.time_ns() // 1_000_000


def router(reader: Reader, clock: Clock = now, read_timeout: float = 30.0, web_form: WebForm | None = None) -> Router:
    """Every page of a ledger in every language, under its path. What they raise as Problem is answered as a page.

    A form must have come within `read_timeout` seconds; `web_form` takes comments that are not signed, where it may.
    """
    site.warm()

    def commenting_page(reading: Reading) -> Response[bytes]:
        at = commenting_on(reading, None)
        office = web_form.office_in(reading, at.round.plan) if web_form else None
        return writing_page(msgspec.structs.replace(at, office=office))

    handlers: list[HTTPRouteHandler] = []
    for language, segment in site.SEGMENTS.items():
        prefix = f"/{segment}" if segment else ""
        for path, build in PAGES.items():
            handlers.append(_handler(reader, clock, language, f"{prefix}{path}".rstrip("/") or "/", build))
        commenting = f"{prefix}/consultas/{{round:str}}/comentar"
        handlers.append(_handler(reader, clock, language, commenting, commenting_page))
        reading_of = partial(_reading, reader=reader, clock=clock, language=language)
        handlers.append(form_handler(web_form, commenting, reading_of, read_timeout))
        handlers.append(_judge(reader, clock, language, f"{prefix}/verificar", read_timeout))

    def problem(request: Request[Any, Any, Any], error: Problem) -> Response[bytes]:
        response = problem_page(request, error, (reader,))
        if error.status in (408, 413):
            # The rest of the body is not read, so nothing sensible can follow on this connection.
            response.headers["connection"] = "close"
        return response

    @get("/documentos/{digest:str}", include_in_schema=False, sync_to_thread=True)
    def document(digest: str) -> Response[bytes]:
        found = reader.documents.read(digest)
        if found is None:
            raise Problem(404, "The document with this digest is not kept here.")
        name = quote(found.name)
        headers = {
            **site.HEADERS,
            "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
            "cache-control": FOR_EVER,
            "content-disposition": f"{'inline' if found.shown else 'attachment'}; filename*=UTF-8''{name}",
        }
        return Response(found.content, media_type=found.media_type, headers=headers)

    handlers += [document, archive_handler(reader)]
    return Router(f"/{reader.ledger.path}", route_handlers=handlers, exception_handlers={Problem: problem})


def _handler(reader: Reader, clock: Clock, language: str, path: str, build: Page) -> HTTPRouteHandler:
    @get(path, include_in_schema=False, sync_to_thread=True)
    def show(request: Request[Any, Any, Any]) -> Response[bytes]:
        return build(_reading(request, reader, clock, language))

    return show


def _reading(request: Request[Any, Any, Any], reader: Reader, clock: Clock, language: str) -> Reading:
    query = dict(request.query_params)
    if any(len(name) + len(value) > MAX_QUERY for name, value in query.items()):
        raise Problem(404, "There is no such page.")
    place = place_of(request, (reader,))
    view = reader.asked(query.get("at") or None, query.get("as_of") or None)
    say = Phrasing(language, reader.ledger.offset_minutes)
    # An older state is read as of its own last moment, or a round that was open then would seem closed.
    # A view that nobody asked for is of now, also while the newest entries are still being folded.
    return Reading(reader, view, place, say, query, clock() if view.newest or not place.keep else view.as_of_ms)


def _judge(reader: Reader, clock: Clock, language: str, path: str, read_timeout: float) -> HTTPRouteHandler:
    """The form of the page that verifies, for browsers without JavaScript: there the server judges, and says so."""

    @post(path, include_in_schema=False, status_code=200, request_max_body_size=None)
    async def judge(request: Request[Any, Any, Any]) -> Response[bytes]:
        body = await read_body(request.receive, request.headers.get("content-length"), MAX_UPLOAD, read_timeout)
        form = read_form(request.headers.get("content-type", ""), body)
        return await asyncio.to_thread(lambda: judged_page(_reading(request, reader, clock, language), form))

    return judge


def place_of(request: Request[Any, Any, Any], readers: Sequence[Reader]) -> Place:
    """Where a request stands; outside of every ledger its `ledger` is empty."""
    parts = [part for part in request.url.path.split("/") if part]
    base = str(request.base_url).rstrip("/")
    ledger = parts.pop(0) if parts and parts[0] in {reader.ledger.path for reader in readers} else ""
    language = next((one for one, segment in site.SEGMENTS.items() if segment and parts[:1] == [segment]), None)
    if language:
        parts.pop(0)
    keep = tuple(
        (name, value)
        for name in ("at", "as_of")
        if (value := request.query_params.get(name)) and len(value) <= MAX_QUERY
    )
    return Place(base, ledger, language or DEFAULT_LANGUAGE, tuple(parts), keep)


def front(readers: Sequence[Reader], clock: Clock = now) -> list[HTTPRouteHandler]:
    """`/`, which leads to the ledger, or lists them where there are several; and the static files."""

    def ledgers(language: str) -> Response[bytes]:
        place = Place("", "", language)
        say = Phrasing(language)
        found = [
            {
                "href": f"/{reader.ledger.path}/{site.SEGMENTS[language]}",
                "origin": reader.ledger.origin,
                "title": next((plan.title for _, plan in reader.at().records.scan(PlanState)), reader.ledger.origin),
                "size": reader.newest,
                "purpose": reader.ledger.purpose,
            }
            for reader in readers
        ]
        return site.page("ledgers.html", place, say, view=None, purpose="", ledgers=found)

    handlers: list[HTTPRouteHandler] = []
    for language, segment in site.SEGMENTS.items():

        @get(f"/{segment}", include_in_schema=False, sync_to_thread=True)
        def lead(language: str = language, segment: str = segment) -> Response[bytes]:
            if len(readers) == 1:
                return redirect("/" + "".join(f"{part}/" for part in (readers[0].ledger.path, segment) if part))
            return ledgers(language)

        handlers.append(lead)

    @get("/static/{name:str}", include_in_schema=False, sync_to_thread=False)
    def static(name: str) -> Response[bytes]:
        found = site.asset_answer(name)
        if found is None:
            raise Problem(404, "There is no such file.")
        return found

    @get("/static/{digest:str}/{name:path}", include_in_schema=False, sync_to_thread=False)
    def script(digest: str, name: Path) -> Response[bytes]:
        found = site.script_answer(digest, name.as_posix().lstrip("/"))
        if found is None:
            raise Problem(404, "There is no such script; reload the page that asked for it.")
        return found

    return [*handlers, static, script]


# --- what cannot be shown --------------------------------------------------------------------------------------------

EXPLANATIONS: Mapping[int, tuple[str, str]] = {
    400: (msg("The address could not be understood"), msg("A part of the address is not what this page expects.")),
    403: (
        msg("It did not come from its own page"),
        msg("Forms are taken from their own page alone, lest another site send one in your name. Nothing was kept."),
    ),
    404: (
        msg("There is no such page"),
        msg("The address leads to nothing in this record. Nothing is ever removed from it: look at how it is written."),
    ),
    405: (msg("That cannot be done here"), msg("This address is only for reading.")),
    408: (msg("It did not arrive in time"), msg("The connection was too slow. Nothing was kept; please try again.")),
    410: (
        msg("That was erased"),
        msg(
            "A signed statement in this record says by whom and on which ground. The digest stays; nobody can read it."
        ),
    ),
    413: (msg("The file is too large"), msg("A receipt has two million bytes at most. Nothing was kept.")),
    429: (
        msg("Much was sent from your address"),
        msg("Please wait a moment and try again. A browser with JavaScript does a little work instead of waiting."),
    ),
    415: (msg("That is not the form of this page"), msg("What was sent cannot be read here. Nothing was kept.")),
    451: (
        msg("That is withheld"),
        msg("A signed statement in this record says by whom and on which ground, and until when it may be appealed."),
    ),
    500: (
        msg("The server failed"),
        msg("The fault is ours and was noted. What is registered is safe; please try again in a moment."),
    ),
    503: (
        msg("The record is not ready yet"),
        msg("The server is reading the ledger. Please try again in a moment."),
    ),
}

BUSY = (
    msg("The server has too much to do"),
    msg("Many people are here at this moment. What is registered is safe; please try again in a few seconds."),
)

# What programs ask for: an error there is problem+json whatever the caller says it accepts.
NOT_PAGES = frozenset(
    {
        "api",
        "statements",
        "receipts",
        "challenge",
        "tile",
        "checkpoints",
        "contents",
        "schema",
        "healthz",
        "readyz",
        "metrics",
    }
)


def error_page(request: Request[Any, Any, Any], problem: Problem, readers: Sequence[Reader]) -> Response[bytes] | None:
    """A problem as a page, if a person asked for one: a browser, at an address that is no program's. Else None."""
    place = place_of(request, readers)
    if "text/html" not in request.headers.get("accept", "") or request.method not in ("GET", "HEAD"):
        return None
    return None if NOT_PAGES & set(place.segments[:1]) else problem_page(request, problem, readers)


def busy_page(path: str, accept: str) -> bytes | None:
    """That the server has too much to do, for people: a page that is made once. None where a program asks."""
    segments = [part for part in path.split("/") if part][1:]
    if "text/html" not in accept or NOT_PAGES & set(segments[:1]):
        return None
    named = (one for one, segment in site.SEGMENTS.items() if segment and segments[:1] == [segment])
    return _busy_page(next(named, DEFAULT_LANGUAGE))


@cache
def _busy_page(language: str) -> bytes:
    say = Phrasing(language)
    return site.page(
        "error.html",
        Place("", "", language),
        say,
        503,
        view=None,
        purpose="",
        number=503,
        act=None,
        heading=say.words.gettext(BUSY[0]),
        explanation=say.words.gettext(BUSY[1]),
    ).content


def problem_page(request: Request[Any, Any, Any], problem: Problem, readers: Sequence[Reader]) -> Response[bytes]:
    """A problem as a page, in the language of its address."""
    place = msgspec.structs.replace(place_of(request, readers), keep=())
    reader = next((one for one in readers if one.ledger.path == place.ledger), None)
    say = Phrasing(place.language, reader.ledger.offset_minutes if reader else 0)
    unknown = EXPLANATIONS[400 if problem.status < 500 else 500]
    heading, explanation = BUSY if problem.code == "busy" else EXPLANATIONS.get(problem.status, unknown)
    shown = site.page(
        "error.html",
        place,
        say,
        problem.status,
        sections(say, ()) if reader else (),
        view=None,
        purpose=reader.ledger.purpose if reader else "",
        number=problem.status,
        act=problem.act,
        heading=say.words.gettext(heading),
        explanation=say.words.gettext(explanation),
    )
    shown.headers.update(problem.waiting() | links_of(place, problem))
    return shown


def links_of(place: Place, problem: Problem) -> dict[str, str]:
    """The Link header of what a statement took from view: to that statement, and to who blocks it.

    RFC 7725: `blocked-by` is whoever carries the blocking out, here the ledger's server, and not whoever ordered it;
    which authority did, if any, the statement says. Both are without a host, so nothing of the request is in them.
    """
    if problem.act is None:
        return {}
    links = [f'<{place.now_at("asientos", problem.act)}>; rel="describedby"']
    links += [f'<{place.now_at()}>; rel="blocked-by"'] if problem.status == 451 else []
    return {"link": ", ".join(links)}

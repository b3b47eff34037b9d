"""Freezing: one state of the record as a sentence to quote, an address that shows it, and a file to rebuild it from.

    /gt/planes/<plan>/cita             the citation of the newest state, or of that which `at` and `as_of` ask for
    /gt/planes/<plan>/cita/archivo     the file (projections/citation.py), which `constancia cite check` rebuilds

The address that is quoted names size and day, so it shows the same tables for ever. Another's copy of the record, or a
server that has changed its mind, gives other digests, and the command says so.
"""

from typing import Any

from litestar import Response

from api import site
from api.anomalies import findings_of
from api.names import msg
from api.problems import Problem
from api.reading import Reading, answer
from projections.citation import Citation, CitedTable, cite, format_citation
from projections.commitments import PlanState

NAMES = {
    "matrix": msg("The matrix: every commitment in all voices"),
    "mechanisms": msg("Mechanisms, with what each reaches"),
    "grades": msg("Grades of the evidence, with their rules"),
    "verdicts": msg("Verdicts, and how they stand"),
    "disputes": msg("Disputes of evidence, and what became of them"),
    "disagreement": msg("Disagreement between the voices"),
    "codings": msg("Codes of the commitments"),
    "requests": msg("Requests for evidence"),
    "assessments": msg("Assessments"),
    "anomalies": msg("Findings: what the record itself shows to be at odds"),
}


def citation_of(reading: Reading) -> Citation:
    """The citation of what the reader looks at. Raises Problem (404)."""
    view, plan = reading.view, reading.place.segments[1]
    if view.records.get(PlanState, plan) is None:
        raise Problem(404, "There is no such plan.")
    matrix = reading.reader.matrix(plan, view.size, view.day)
    return cite(
        view.records,
        matrix,
        findings_of(view, plan),
        origin=view.ledger.origin,
        founding=view.ledger.founding,
        head=reading.reader.head_note.decode(),
        root=view.checkpoint.root.hex(),
        received_at=view.as_of,
    )


def citation_page(reading: Reading) -> Response[bytes]:
    """The citation in words, with the digest of each table."""
    found = citation_of(reading)
    plan = reading.view.records.get(PlanState, found.plan)
    assert plan is not None
    frozen = {"at": found.size, "as_of": found.as_of}
    address = f"{reading.place.base}{reading.place.now_at('planes', found.plan, 'comparacion', **frozen)}"
    name = f"cita-{found.plan}-{found.size}.json"
    return answer(
        reading,
        "citation.html",
        plan={"id": plan.plan, "title": plan.title, "lang": plan.lang, "href": reading.place.to("planes", plan.plan)},
        c=found,
        sentence=sentence_of(reading, found, address),
        address_frozen=address,
        comparison_href=reading.place.to("planes", plan.plan, "comparacion"),
        file_href=reading.place.now_at("planes", found.plan, "cita", "archivo", **frozen),
        file_name=name,
        tables=[table_words(reading, one) for one in found.tables],
        command=f"constancia cite check {name} --from {reading.place.base}{reading.place.raw()}",
    )


def sentence_of(reading: Reading, found: Citation, address: str) -> str:
    """What is pasted into a report."""
    return reading.text(
        "Constancia, ledger %(origin)s, plan %(plan)s: state of the first %(size)s entries (root %(root)s), as of "
        "%(day)s, by methodology version %(methodology)s (entry %(index)s). %(address)s",
        origin=found.origin,
        plan=found.plan,
        size=reading.say.number(found.size),
        root=found.root,
        day=reading.say.day(found.as_of),
        methodology=found.methodology,
        index=reading.say.number(found.methodology_index),
        address=address,
    )


def table_words(reading: Reading, table: CitedTable) -> dict[str, Any]:
    """A table by its name, how many rows it has, and its digest."""
    return {"name": reading.text(NAMES[table.name]), "rows": reading.say.number(table.rows), "digest": table.digest}


def citation_file(reading: Reading) -> Response[bytes]:
    """The file."""
    found = citation_of(reading)
    headers = {**site.HEADERS, "content-disposition": f'attachment; filename="cita-{found.plan}-{found.size}.json"'}
    return Response(format_citation(found), media_type="application/json", headers=headers)

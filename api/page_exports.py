"""The page of exports: every table that can be taken away, what a row is, and what each column means."""

from typing import Any

from litestar import Response

from api import releases
from api.catalogue import licence_of
from api.downloads import stand_asked
from api.names import msg
from api.reading import Reading, answer
from api.tables import TABLES, Stand, Table
from api.tabular import DESCRIPTION, EXCEL
from projections.commitments import PlanState
from projections.rounds import Round

FILE_FORMS = {
    "csv": "CSV",
    EXCEL: msg("CSV for Excel"),
    "json": "JSON",
    "jsonl": msg("JSON lines"),
    "parquet": "Parquet",
}
DATATYPES = {
    "string": msg("text"),
    "integer": msg("whole number"),
    "boolean": msg("true or false"),
    "dateTimeStamp": msg("time, UTC"),
    "date": msg("day"),
    "anyURI": msg("address"),
    "json": msg("text"),
}


def exports_page(reading: Reading) -> Response[bytes]:
    """Every table that can be taken away, and what its columns mean."""
    view = reading.view
    plans = [stand_asked(reading.reader, view, key) for key, _ in view.records.scan(PlanState)]
    return answer(
        reading,
        "exports.html",
        plans=[
            {
                "id": stand.plan.plan,
                "title": stand.plan.title,
                "lang": stand.plan.lang,
                "histories": f"{reading.place.raw('exportar', stand.plan.plan, releases.NAME)}.{releases.ENDING}"
                + _kept(reading, stand),
                "tables": [_table_words(reading, stand, table) for table in TABLES.values()],
            }
            for stand in plans
        ],
        rounds=[round_ for round_, _ in view.records.scan(Round)],
        day=reading.say.day(view.day),
        licence=licence_of(reading.reader),
        origin=reading.place.base + reading.place.raw(),
        export_command=f"constancia export plan {plans[0].plan.plan if plans else 'PLAN'} "
        f"--from {reading.place.base}{reading.place.raw()} --to datos",
    )


def _kept(reading: Reading, stand: Stand) -> str:
    """The state of which the page is, where that was asked for."""
    return f"?at={stand.size}&as_of={stand.as_of}" if reading.place.keep else ""


def _table_words(reading: Reading, stand: Stand, table: Table) -> dict[str, Any]:
    """A table as the page shows it."""
    shape, place = table.shape, reading.place
    english = place.language == "en"
    kept = _kept(reading, stand)
    base = place.raw("exportar", stand.plan.plan, shape.name)
    rows = table.counted(stand)
    return {
        "name": shape.name,
        "title": shape.title[english],
        "about": shape.about[english],
        "rows": None if rows is None else reading.texts("%(num)s row", "%(num)s rows", rows),
        "files": [(reading.text(FILE_FORMS[ending]), f"{base}.{ending}{kept}") for ending in FILE_FORMS],
        "described": f"{base}.{DESCRIPTION}{kept}",
        "columns": [
            {
                "name": column.name,
                "type": reading.text(DATATYPES[column.datatype]),
                "many": column.many or column.datatype == "json",
                "means": column.en if english else column.es,
            }
            for column in shape.columns
        ],
    }

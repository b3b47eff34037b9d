"""`constancia export`: a consultation, or a plan's comparison, made from verified published files on one's own machine.

    FOLDER/ronda-1.812.csv                  every comment; withheld and erased ones marked
    FOLDER/ronda-1.812.csv-metadata.json    what the columns mean, and the checkpoint (CSVW)
    FOLDER/ronda-1.812.jsonl                the same rows as JSON lines
    FOLDER/ronda-1.812.es-GT.pdf            the round as a document: tagged (PDF/UA-1), in the words of its page

    FOLDER/gt-2014-2016.levels.812.2015-11-30.csv       each table of `api.tables`, in each form that is asked for
    FOLDER/gt-2014-2016.histories.812.2015-11-30.jsonl  every commitment's statements and compiled state
    FOLDER/gt-2014-2016.812.2015-11-30.json             what the files are: record, day, rows, and the SHA-256 of each
    FOLDER/gt-2014-2016.812.2015-11-30.es-GT.pdf        the comparison as a document

The number is the size of the record on which all of them stand. Tables and descriptions are byte for byte those that
the server gives for that size, as long as nothing was taken from view since. Nothing is fetched while the PDF is made,
and nothing in it depends on when that is: two people who export one record get the same text.

WeasyPrint (the extra `pdf`) sets the pages: https://doc.courtbouillon.org/weasyprint/stable/
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from api import releases
from api.checking import read_policy
from api.copying import Copy, read_copy
from api.documents import Documents
from api.downloads import stem_of
from api.exports import COLUMNS, metadata, rows_of, stem_of_round
from api.page_moderation import act_words
from api.page_paper import paper_words
from api.page_rounds import comment_words, figures_of, pictures_of, round_words
from api.phrasing import Phrasing
from api.reading import Reading, answer
from api.screen import screen
from api.site import HERE, Place
from api.sources import reading as published_files
from api.tables import TABLES, Stand, Table
from api.tabular import DESCRIPTION, FORMS, csv_lines, described, json_lines, parquet_missing
from ledger.errors import CannotRun
from projections.commitments import PlanState
from projections.evidence import Situation, standing_in
from projections.grading import CommitmentStanding
from projections.rounds import Comment, ModerationAct, Round

if TYPE_CHECKING:
    from api.record import Reader, View

MOST = 2_000  # comments in a PDF; the tables have all


class Home:
    """What a page asks of the server beside the record, where there is none."""

    asks_witnesses = False
    witnessed = None

    def __init__(self, copy: Copy) -> None:
        self.search = copy  # it counts, as a search does
        self.documents = Documents(Path("documents-that-nobody-keeps-here"))

    def standing(self, situation: Situation, commitment: str, size: int) -> CommitmentStanding | None:
        """The levels of a commitment: each is asked for once, so none is remembered."""
        return standing_in(situation, commitment)


def export_round(name: str, where: str, folder: Path, policy: Path | None, language: str, *, pdf: bool = True) -> int:
    """Write the files of a round. Raises CannotRun, and Misbehaviour where the published files are not whole."""
    pinned = read_policy(policy) if policy else None
    with published_files(where) as (source, _), screen.progress("Leyendo", "Reading") as progress:
        copy = read_copy(source, pinned, progress.at)
    found = copy.records.get(Round, name)
    if found is None:
        known = ", ".join([key for key, _ in copy.records.scan(Round)])
        raise CannotRun(
            f"El registro no tiene ninguna consulta {name}.",
            f"The ledger has no consultation {name}.",
            f"Tiene: {known}",
            f"It has: {known}",
        )
    if pdf:
        _weasyprint()  # before anything is written
    written = [*_tables(copy, found, folder)]
    if pdf:
        written.append(
            _write(folder / f"{stem_of_round(found, copy.size)}.{language}.pdf", [make_pdf(copy, found, language)])
        )
    for path in written:
        screen.note(f"Escrito: {path}", f"Written: {path}")
    if screen.as_json:
        screen.json({"size": copy.size, "files": [str(path) for path in written]})
    return 0


def _tables(copy: Copy, found: Round, folder: Path) -> Iterator[Path]:
    view = cast("View", copy)
    stem = stem_of_round(found, copy.size)
    lines = (line.encode() for line in csv_lines(COLUMNS, rows_of(view, found.round)))
    yield _write(folder / f"{stem}.csv", lines)
    yield _write(folder / f"{stem}.csv-metadata.json", [metadata(view, found, f"{stem}.csv")])
    yield _write(folder / f"{stem}.jsonl", (line.encode() for line in json_lines(rows_of(view, found.round))))


def _write(path: Path, parts: Any) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.writelines(parts)
    except OSError as error:
        raise CannotRun(
            f"No se puede escribir {path}: {error.strerror}.",
            f"{path} cannot be written: {error.strerror}.",
            "Dé otra carpeta con --to.",
            "Give another folder with --to.",
        ) from error
    return path


# --- the tables of a plan --------------------------------------------------------------------------------------------

PDF = "pdf"
MADE = (*FORMS, PDF)
"""What can be asked for."""


class Made(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that was written. `whole` is how many rows the tree says, where that follows from it."""

    file: str
    sha256: str
    table: str | None = None
    rows: int | None = None
    whole: int | None = None


def export_plan(
    plan: str,
    where: str,
    folder: Path,
    policy: Path | None,
    language: str,
    forms: Sequence[str] | None,
    size: int | None,
    day: str,
) -> int:
    """Write the tables of a plan; without `forms` in all that there are, with Parquet where its extra is installed.

    Raises CannotRun, and Misbehaviour where the published files are not whole.
    """
    pinned = read_policy(policy) if policy else None
    forms = _forms_here() if forms is None else forms
    _need(forms)  # before anything is read
    with published_files(where) as (source, _), screen.progress("Leyendo", "Reading") as progress:
        copy = read_copy(source, pinned, progress.at, size=size, day=day)
    try:
        stand = Stand(copy, plan)
    except LookupError:
        raise _no_plan(copy, plan) from None
    made: list[Made] = []
    with screen.progress("Escribiendo tablas", "Writing tables", len(TABLES)) as progress:
        for table in TABLES.values():
            made += _plan_tables(stand, copy, table, folder, [form for form in forms if form != PDF])
            progress.step()
    if "jsonl" in forms:
        name = f"{stem_of(stand, releases.NAME)}.{releases.ENDING}"
        made.append(_made(_write(folder / name, releases.histories(stand))))
    if PDF in forms:
        screen.note(
            "Componiendo el PDF; con cincuenta compromisos toma cerca de un minuto.",
            "Setting the PDF; with fifty commitments it takes about a minute.",
        )
        path = folder / f"{_plan_stem(stand)}.{language}.pdf"
        made.append(_made(_write(path, [make_plan_pdf(copy, stand, language)])))
    index = _write(folder / f"{_plan_stem(stand)}.json", [_index(stand, made)])
    _tell(stand, made, folder, index)
    return 0


def _forms_here() -> Sequence[str]:
    """What is written where no form was named: all, but Parquet only with its extra; the same rows are there as CSV."""
    if parquet_missing() is None:
        return MADE
    screen.note(
        "Sin Parquet; para tenerlo instale su extra: `pip install '.[parquet]'` en la carpeta del programa.",
        "Without Parquet; to have it, install its extra: `pip install '.[parquet]'` in the program's folder.",
    )
    return [form for form in MADE if form != "parquet"]


def _need(forms: Sequence[str]) -> None:
    """Everything that the forms need is there. Raises CannotRun."""
    if PDF in forms:
        _weasyprint()
    if "parquet" in forms and (missing := parquet_missing()):
        raise missing


def _no_plan(copy: Copy, plan: str) -> CannotRun:
    known = ", ".join([key for key, _ in copy.records.scan(PlanState)]) or "–"
    return CannotRun(
        f"El registro no tiene ningún plan {plan}.",
        f"The ledger has no plan {plan}.",
        f"Tiene: {known}",
        f"It has: {known}",
    )


def _plan_stem(stand: Stand) -> str:
    return f"{stand.plan.plan}.{stand.size}.{stand.as_of}"


def _plan_tables(stand: Stand, copy: Copy, table: Table, folder: Path, forms: Sequence[str]) -> Iterator[Made]:
    """A table in each form, with its description. How many rows it must have is counted in the whole tree."""
    head = stand.head(table)
    whole = table.counted_among(copy.statements(stand.plan.plan))
    stem = stem_of(stand, table.shape.name)
    rows = list(table.rows(stand))
    if head.whole != whole or whole not in (None, len(rows)):
        raise AssertionError(
            f"{table.shape.name}: {len(rows)} rows, {head.whole} by the histories, {whole} by the tree"
        )
    for form in forms:
        path = folder / f"{stem}.{form}"
        yield _made(_write(path, FORMS[form].write(head, table.shape, rows)), table.shape.name, len(rows), whole)
    if {"csv", "jsonl"} & set(forms):
        path = folder / f"{stem}.{DESCRIPTION}"
        yield _made(_write(path, [described(head, table.shape, f"{stem}.csv", len(rows))]), table.shape.name)


def _made(path: Path, table: str | None = None, rows: int | None = None, whole: int | None = None) -> Made:
    return Made(path.name, sha256(path.read_bytes()).hexdigest(), table, rows, whole)


def _index(stand: Stand, made: Sequence[Made]) -> bytes:
    """What the files are and on which record they stand; the same record and day give the same bytes."""
    checkpoint = stand.ground.checkpoint
    named = {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "as_of": stand.as_of,
        "plan": stand.plan.plan,
        "methodology": stand.matrix.methodology,
        "files": [msgspec.to_builtins(one) for one in made],
    }
    return msgspec.json.format(msgspec.json.encode(named), indent=2) + b"\n"


def _tell(stand: Stand, made: Sequence[Made], folder: Path, index: Path) -> None:
    """What was written, table by table, and that nothing is missing."""
    counted = {one.table: (one.rows or 0, one.whole) for one in made if one.rows is not None}
    for table, (rows, whole) in counted.items():
        of_tree = ("", "") if whole is None else (f", {whole} en el árbol", f", {whole} in the tree")
        screen.note(f"{table}: {rows} filas{of_tree[0]}", f"{table}: {rows} rows{of_tree[1]}")
    if counted:
        screen.note(
            "Cada fila que sale de un asiento está: se contaron en el árbol, y son las mismas.",
            "Each row that follows from an entry is there: they were counted in the tree, and are as many.",
        )
    for one in made:
        if one.table is None:
            screen.note(f"Escrito: {folder / one.file}", f"Written: {folder / one.file}")
    screen.note(
        f"Escrito: {index}, que nombra los archivos ({len(made)}), el registro de {stand.size} asientos y el día "
        f"{stand.as_of}.",
        f"Written: {index}, which names the files ({len(made)}), the record of {stand.size} entries and the day "
        f"{stand.as_of}.",
    )
    if screen.as_json:
        screen.json(msgspec.json.decode(index.read_bytes()) | {"folder": str(folder)})


# --- the document ----------------------------------------------------------------------------------------------------


def document(copy: Copy, found: Round, language: str) -> str:
    """The round as one HTML document: the words of its page, all its comments, every act of moderation."""
    reading = _at_home(copy, language, "consultas", found.round)
    comments = [one for _, one in islice(copy.records.scan(Comment, prefix=f"{found.round}/"), MOST)]
    acts = [act for _, act in copy.records.scan(ModerationAct) if act.round == found.round]
    made = answer(
        reading,
        "round_pdf.html",
        round=round_words(reading, found),
        figures=figures_of(reading, found),
        pictures=pictures_of(reading, found),
        comments=[comment_words(reading, comment, found) for comment in comments],
        left_out=found.received - len(comments),
        acts=[act_words(reading, act) for act in acts],
    )
    return made.content.decode()


def plan_document(copy: Copy, stand: Stand, language: str) -> str:
    """A plan's comparison as one HTML document."""
    reading = _at_home(copy, language, "exportar", stand.plan.plan)
    return answer(reading, "comparison_pdf.html", **paper_words(reading, stand)).content.decode()


def _at_home(copy: Copy, language: str, *segments: str) -> Reading:
    """A reading of a copy: whenever it is made, it says the same, as of the record's own last moment."""
    host, _, path = copy.ledger.origin.partition("/")
    place = Place(f"https://{host}", path, language, segments)
    say = Phrasing(language, copy.ledger.offset_minutes)
    return Reading(cast("Reader", Home(copy)), cast("View", copy), place, say, {}, copy.as_of_ms)


def make_pdf(copy: Copy, found: Round, language: str) -> bytes:
    """A round as a PDF. Raises CannotRun where WeasyPrint, or what it needs of the system, is missing."""
    return set_in_pages(document(copy, found, language))


def make_plan_pdf(copy: Copy, stand: Stand, language: str) -> bytes:
    """A plan's comparison as a PDF. Raises CannotRun as `make_pdf`."""
    return set_in_pages(plan_document(copy, stand, language))


def set_in_pages(html: str) -> bytes:
    """A document as a tagged PDF (PDF/UA-1). Raises CannotRun."""
    library = _weasyprint()
    style = library.CSS(string=(HERE / "static" / "pdf.css").read_text("utf-8"), url_fetcher=no_fetching)
    return library.HTML(string=html, url_fetcher=no_fetching).write_pdf(stylesheets=[style], pdf_variant="pdf/ua-1")


def _weasyprint() -> Any:  # it has no usable types
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise CannotRun(
            f"Falta lo que hace los PDF ({error}).",
            f"What makes PDFs is missing ({error}).",
            "Instale el extra (`pip install '.[pdf]'` en la carpeta del programa) y, en Debian, libpango-1.0-0 "
            "libpangoft2-1.0-0 libharfbuzz-subset0; o pídalo sin PDF.",
            "Install the extra (`pip install '.[pdf]'` in the program's folder) and, on Debian, libpango-1.0-0 "
            "libpangoft2-1.0-0 libharfbuzz-subset0; or ask for no PDF.",
        ) from error
    return weasyprint


def no_fetching(url: str, *_: object, **__: object) -> Any:
    """Whatever a text names, nothing is fetched for it. Raises ValueError."""
    raise ValueError(f"nothing is fetched: {url[:80]}")

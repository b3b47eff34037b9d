"""`constancia export round`: a consultation in a folder, made from verified published files on one's own machine.

    FOLDER/ronda-1.812.csv                  every comment; withheld and erased ones marked
    FOLDER/ronda-1.812.csv-metadata.json    what the columns mean, and the checkpoint (CSVW)
    FOLDER/ronda-1.812.jsonl                the same rows as JSON lines
    FOLDER/ronda-1.812.es-GT.pdf            the round as a document: tagged (PDF/UA-1), in the words of its page

The number is the size of the record on which all of them stand. The tables are byte for byte those that the server
gives for that size, as long as nothing was taken from view since. Nothing is fetched while the PDF is made, and nothing
in it depends on when that is: two people who export one record get the same text.

WeasyPrint (the extra `pdf`) sets the pages: https://doc.courtbouillon.org/weasyprint/stable/
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from api.checking import read_policy
from api.copying import Copy, read_copy
from api.documents import Documents
from api.exports import COLUMNS, metadata, rows_of
from api.page_moderation import act_words
from api.page_rounds import comment_words, figures_of, pictures_of, round_words
from api.phrasing import Phrasing
from api.reading import Reading, answer
from api.screen import screen
from api.site import HERE, Place
from api.sources import reading as published_files
from api.tabular import csv_lines, json_lines
from ledger.errors import CannotRun
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
        written.append(_write(folder / f"{_stem(copy, found)}.{language}.pdf", [make_pdf(copy, found, language)]))
    for path in written:
        screen.note(f"Escrito: {path}", f"Written: {path}")
    if screen.as_json:
        screen.json({"size": copy.size, "files": [str(path) for path in written]})
    return 0


def _stem(copy: Copy, found: Round) -> str:
    return f"{found.round}.{copy.size}"


def _tables(copy: Copy, found: Round, folder: Path) -> Iterator[Path]:
    view = cast("View", copy)
    stem = _stem(copy, found)
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


# --- the document ----------------------------------------------------------------------------------------------------


def document(copy: Copy, found: Round, language: str) -> str:
    """The round as one HTML document: the words of its page, all its comments, every act of moderation."""
    host, _, path = copy.ledger.origin.partition("/")
    place = Place(f"https://{host}", path, language, ("consultas", found.round))
    say = Phrasing(language, copy.ledger.offset_minutes)
    # Read as of the record's own last moment: whenever it is made, the document says the same.
    reading = Reading(cast("Reader", Home(copy)), cast("View", copy), place, say, {}, copy.as_of_ms)
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


def make_pdf(copy: Copy, found: Round, language: str) -> bytes:
    """The document as a PDF. Raises CannotRun where WeasyPrint, or what it needs of the system, is missing."""
    library = _weasyprint()
    style = library.CSS(string=(HERE / "static" / "pdf.css").read_text("utf-8"), url_fetcher=no_fetching)
    html = library.HTML(string=document(copy, found, language), url_fetcher=no_fetching)
    return html.write_pdf(stylesheets=[style], pdf_variant="pdf/ua-1")


def _weasyprint() -> Any:  # it has no usable types
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise CannotRun(
            f"Falta lo que hace los PDF ({error}).",
            f"What makes PDFs is missing ({error}).",
            "Instale el extra (`pip install '.[pdf]'` en la carpeta del programa) y, en Debian, libpango-1.0-0 "
            "libpangoft2-1.0-0 libharfbuzz-subset0; o pida --no-pdf.",
            "Install the extra (`pip install '.[pdf]'` in the program's folder) and, on Debian, libpango-1.0-0 "
            "libpangoft2-1.0-0 libharfbuzz-subset0; or ask for --no-pdf.",
        ) from error
    return weasyprint


def no_fetching(url: str, *_: object, **__: object) -> Any:
    """Whatever a text names, nothing is fetched for it. Raises ValueError."""
    raise ValueError(f"nothing is fetched: {url[:80]}")

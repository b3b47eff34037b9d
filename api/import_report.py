"""The import report for people, in Spanish or English: what was read, what was missing, what looked wrong.

`api.importer.draft_statements` gives the report as plain JSON; `show_report` prints it. Every code that a note can
carry has its sentence here, and a test compares the two lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

Lang = Literal["es", "en"]
Json = Mapping[str, Any]

_BOTH = Mapping[Lang, str]


def _two(es: str, en: str) -> _BOTH:
    return {"es": es, "en": en}


NOTES: Final[Mapping[str, _BOTH]] = {
    "actor-twice": _two("actor repetido: {detail}", "actor named twice: {detail}"),
    "actors-without-label": _two("otros actores sin rótulo de sector", "other actors without a label of their sector"),
    "box-cells": _two(
        "la fila del nivel tiene celdas de más o de menos: {detail}",
        "the level's row lacks or has extra cells: {detail}",
    ),
    "box-column": _two("la marca no está bajo ningún nivel: {detail}", "the mark stands below no level: {detail}"),
    "box-marks": _two(
        "no hay exactamente una marca de nivel: {detail}", "there is not exactly one mark of a level: {detail}"
    ),
    "box-spelling": _two("la marca del nivel es «{detail}»", "the mark of the level is “{detail}”"),
    "box-text": _two("texto en la fila del nivel: {detail}", "text in the level's row: {detail}"),
    "captions": _two(
        "los títulos de gráficas y los cuadros finales no son iguales en número: {detail}",
        "captions and tables at the end differ in number: {detail}",
    ),
    "cell-without-label": _two(
        "celda sin rótulo; queda en la fila de arriba", "cell without a label; it stays in the row above"
    ),
    "comment-head": _two(
        "comentario sin número, fecha o texto que se pueda leer", "comment without a readable number, date or text"
    ),
    "date-as-text": _two("una fecha donde se espera un texto: {detail}", "a date where a text is expected: {detail}"),
    "date-in-sentence": _two(
        "la fecha está dentro de una oración: sin precisión", "the date stands inside a sentence: no precision"
    ),
    "figure-repeated": _two("la misma cifra está impresa en {detail}", "the same figure is printed in {detail}"),
    "figures-sum": _two(
        "las partes no suman el total impreso, {detail}", "the parts do not add up to the printed total, {detail}"
    ),
    "image": _two("una imagen, cuyo contenido no es texto", "an image, whose content is no text"),
    "label-twice": _two("rótulo repetido, leído como texto: {detail}", "label printed twice, read as text: {detail}"),
    "label-words": _two("rótulo con otra redacción: {detail}", "label in other words: {detail}"),
    "level-words": _two("el tercer nivel se llama «{detail}»", "the third level is called “{detail}”"),
    "level-headings": _two(
        "los rótulos de nivel no son los cuatro usuales: {detail}",
        "the headings are not the four usual levels: {detail}",
    ),
    "link-bare": _two("dirección sin http, no enlazada: {detail}", "address without http, not linked: {detail}"),
    "link-elsewhere": _two(
        "enlace fuera de «Información adicional»: {detail}", "link outside “Additional information”: {detail}"
    ),
    "link-encoded": _two(
        "enlace con caracteres que hubo que codificar: {detail}",
        "link with characters that had to be encoded: {detail}",
    ),
    "link-entities": _two("enlace con entidades HTML: {detail}", "link with raw HTML entities: {detail}"),
    "link-refused": _two("dirección que no se puede enlazar: {detail}", "address that cannot be linked: {detail}"),
    "link-twice": _two("enlace repetido: {detail}", "link printed twice: {detail}"),
    "links-without-label": _two("celda de enlaces sin rótulo", "cell of links without a label"),
    "measure-owner": _two(
        "cuadro de cifras que ningún compromiso anuncia", "table of figures that no commitment announces"
    ),
    "measure-row": _two(
        "fila de cifras que no corresponde a las fechas: {detail}",
        "row of figures that does not fit the dates: {detail}",
    ),
    "measure-table": _two("cuadro de cifras incompleto", "incomplete table of figures"),
    "measure-total": _two(
        "la columna no suma el total impreso, {detail}", "the column does not add up to the printed total, {detail}"
    ),
    "meeting-date": _two(
        "reunión con una fecha que no se puede leer: {detail}", "meeting with an unreadable date: {detail}"
    ),
    "no-date": _two("sin una fecha que se pueda leer", "no readable date"),
    "no-label": _two("celda antes del primer rótulo", "cell before the first label"),
    "no-links": _two("ningún enlace", "no links at all"),
    "remark-speaker": _two("intervención de alguien que no se reconoce", "remark by somebody not recognised"),
    "round-days": _two("días de consulta que no existen: {detail}", "days of consultation that do not exist: {detail}"),
    "row-without-label": _two("fila vacía y sin rótulo", "empty row without a label"),
    "shadow-report": _two(
        "informe de otra organización que no se puede leer", "unreadable report of another organisation"
    ),
    "table-number": _two("numeración inesperada: {detail}", "unexpected number: {detail}"),
    "table-twice": _two("segunda tabla con el número {detail}: sin leer", "second table numbered {detail}: unread"),
    "table-without-proposer": _two(
        "tabla fuera de las secciones de compromisos: {detail}", "table outside the sections of commitments: {detail}"
    ),
    "text-of-other-row": _two(
        "este texto está en otra fila en otra tabla: {detail}",
        "this text stands in another row in another table: {detail}",
    ),
    "text-repeated": _two("el mismo texto que en otra tabla: {detail}", "the same text as in another table: {detail}"),
    "weekday": _two(
        "el día de la semana no es el de la fecha: {detail}", "the day of the week does not fit the date: {detail}"
    ),
}
"""What a note says, by its code."""

ROWS: Final[Mapping[str, _BOTH]] = {
    "institution": _two("institución", "institution"),
    "person": _two("responsable", "person responsible"),
    "post": _two("cargo", "position"),
    "email": _two("correo", "e-mail"),
    "telephone": _two("teléfono", "telephone"),
    "others": _two("otros actores", "other actors"),
    "objective": _two("objetivo", "objective"),
    "description": _two("descripción", "description"),
    "relevance": _two("relevancia", "relevance"),
    "ambition": _two("ambición", "ambition"),
    "compliance": _two("nivel", "level"),
    "results": _two("resultados", "results"),
    "date": _two("fecha", "date"),
    "next_steps": _two("próximos pasos", "next steps"),
    "further": _two("información adicional", "additional information"),
}
"""The rows of the template."""

_LEVELS: Final[Mapping[str | None, _BOTH]] = {
    "not_started": _two("no iniciado", "not started"),
    "limited": _two("limitado", "limited"),
    "substantial": _two("sustancial", "substantial"),
    "complete": _two("completo", "complete"),
    "unread": _two("sin leer", "unread"),
    None: _two("SIN NIVEL", "NO LEVEL"),
}
_MANY: Final[Mapping[str, _BOTH]] = {
    "not_started": _two("no iniciados", "not started"),
    "limited": _two("limitados", "limited"),
    "substantial": _two("sustanciales", "substantial"),
    "complete": _two("completos", "complete"),
    "unread": _two("sin leer", "unread"),
}
_USES: Final[Mapping[str, _BOTH]] = {
    "fact": _two("con hechos leídos", "with facts read"),
    "table": _two("rótulos y celdas vacías de tablas leídas", "labels and empty cells of tables read"),
    "heading": _two("títulos de sección", "section headings"),
    "blank": _two("en blanco", "blank"),
    "left-out": _two("omitidas por llevar nombres, correos o teléfonos", "left out: names, e-mails, telephones"),
    "narrative": _two("de prosa sin hechos del catálogo", "of prose without facts of the catalogue"),
    "unread": _two("SIN LEER", "UNREAD"),
}
_HOLDS: Final[Mapping[str, _BOTH]] = {
    "name": _two("el nombre de una persona", "a person's name"),
    "email": _two("un correo electrónico", "an e-mail address"),
    "telephone": _two("un teléfono", "a telephone"),
}
_WHY: Final[Mapping[str, _BOTH]] = {
    "the item is printed twice": _two("está impreso dos veces", "it is printed twice"),
}
FACTS: Final[Mapping[str, _BOTH]] = {
    "plan-title": _two("el título del plan", "the title of the plan"),
    "plan-sent": _two("la fecha de envío del plan", "the day the plan was sent"),
    "plan-call": _two("la convocatoria pública", "the public call"),
    "axes": _two("los ejes de trabajo", "the work axes"),
    "meetings": _two("las reuniones de la mesa técnica", "the meetings of the committee"),
    "last-committee": _two("la reunión sobre el borrador", "the meeting about the draft"),
    "remarks": _two("las intervenciones", "the remarks"),
    "recommendations": _two("las recomendaciones del IRM", "the recommendations of the IRM"),
    "activities": _two("las actividades con otros países", "the activities with other countries"),
    "context": _two("el contexto político", "the political context"),
    "office": _two("el cambio en un cargo", "the change in an office"),
    "round": _two("la consulta del borrador", "the consultation of the draft"),
    "comments": _two("los comentarios", "the comments"),
    "tally": _two("el recuento que el informe afirma", "the tally that the report claims"),
    "issue-date": _two("la fecha del informe", "the date of the report"),
}
"""Facts outside the tables that the importer looks for; it says which it did not find."""


def show_report(report: Json, lang: Lang = "es") -> str:
    """The import report as lines of text in `lang`. Raises KeyError for a code without a sentence: that is our bug."""
    return "\n".join(_lines(report, lang)) + "\n"


def show_summary(report: Json, lang: Lang = "es") -> str:
    """The same in a few lines: how much was read, what needs a look, and whether the report adds up."""
    counts, tables = report["counts"], report["tables"]
    odd = sum(bool(table["notes"] or table["missing"] or table["empty"]) for table in tables)
    unread = report["lines"].get("unread", 0)
    if lang == "es":
        first = (
            f"{len(tables)} tablas leídas ({odd} con algo que mirar), {counts['statements']} declaraciones preparadas."
        )
        second = (
            f"{len(report['withheld'])} textos retenidos a la espera de una persona, {len(report['cut'])} cortados, "
            f"{len(report['refused'])} que no se pudieron preparar, {unread} líneas sin leer."
        )
    else:
        first = (
            f"{len(tables)} tables read ({odd} with something to look at), {counts['statements']} statements drafted."
        )
        second = (
            f"{len(report['withheld'])} texts withheld until a person decides, {len(report['cut'])} cut, "
            f"{len(report['refused'])} that could not be drafted, {unread} lines unread."
        )
    return "\n".join([first, second, *_tally_lines(report["tally"], lang)]) + "\n"


def _lines(report: Json, lang: Lang) -> Iterator[str]:
    def say(es: str, en: str) -> str:
        return es if lang == "es" else en

    counts, lines = report["counts"], report["lines"]
    yield say("INFORME DE IMPORTACIÓN", "IMPORT REPORT")
    yield (
        say("Fuente", "Source")
        + f": SHA-256 {report['source']['digest']}, {report['source']['lines']} "
        + say("líneas", "lines")
    )
    yield say("Declaraciones preparadas", "Statements drafted") + f": {counts['statements']}"
    yield from (f"  {number:>5}  {kind}" for kind, number in counts["by_kind"].items())
    yield say("Textos que irán a la bóveda", "Texts for the vault") + f": {counts['contents']}"
    yield ""
    yield say("LÍNEAS", "LINES")
    yield from (f"  {lines[use]:>5}  {words[lang]}" for use, words in _USES.items() if use in lines)
    yield ""
    yield say("TABLAS", "TABLES")
    for table in report["tables"]:
        yield from _table_lines(table, lang)
    yield ""
    yield from _tally_lines(report["tally"], lang)
    yield ""
    actors = report["actors"]
    yield say("ACTORES QUE DEBEN ESTAR REGISTRADOS", "ACTORS THAT MUST BE REGISTERED")
    for actor in actors["needed"]:
        unknown = "" if actor["known"] else say("  (desconocido)", "  (unknown)")
        yield f"  {actor['actor']:<24} {actor['name']}{unknown}"
    yield say("Mencionados, sin registrar", "Named, not registered") + ":"
    yield from (f"  {one['name'][:90]}  ({', '.join(one['tables'])})" for one in actors["named_only"])
    yield from _listed(
        say("TEXTOS RETENIDOS, A LA ESPERA DE UNA PERSONA", "TEXTS WITHHELD UNTIL A PERSON DECIDES"),
        [
            f"{one['item']} {one['field']}, {say('línea', 'line')} {one['line']}: {_HOLDS[one['holds']][lang]}"
            for one in report["withheld"]
        ],
    )
    yield from _listed(
        say("TEXTOS CORTADOS", "TEXTS CUT"),
        [
            f"{one['item']} {one['field']}, {say('línea', 'line')} {one['line']}: {one['kept']} / {one['code_points']}"
            f" {say('caracteres', 'characters')}, SHA-256 {one['full']}"
            for one in report["cut"]
        ],
    )
    yield from _listed(
        say("NO SE PUDO PREPARAR", "COULD NOT BE DRAFTED"),
        [
            f"{one['kind']} {one['item']}: {_WHY.get(one['why'], _two(one['why'], one['why']))[lang]}"
            for one in report["refused"]
        ],
    )
    yield from _listed(say("NO SE ENCONTRÓ", "NOT FOUND"), [FACTS[fact][lang] for fact in report["not_found"]])
    yield from _listed(say("OBSERVACIONES", "REMARKS"), [_note_line(note, lang) for note in report["notes"]])
    yield from _listed(
        say("LÍNEAS QUE NINGÚN HECHO RECOGE", "LINES THAT NO FACT HOLDS"),
        [f"{one['line']:>5}  [{one['section']}] {_USES[one['why']][lang]}: {one['start']}" for one in report["unread"]],
    )


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"  {line}" for line in lines)


def _table_lines(table: Json, lang: Lang) -> Iterator[str]:
    links = table["links"]
    word = ("enlace" if lang == "es" else "link") + ("" if links == 1 else "s")
    date = table["date"]
    day = date.get("day", "—")[: {"day": 10, "month": 7, "year": 4}.get(date["precision"], 10)] if date else "—"
    level = _LEVELS[table["level"]][lang]
    known = f"{table['table']:<4} {level:<12} {table['institution']:<10} {day:<10}  {links:>2} {word:<7}"
    yield f"  {known} {table['title'][:60]}"
    for key, es, en in (("missing", "falta", "missing"), ("empty", "vacío", "empty")):
        if table[key]:
            yield f"         {es if lang == 'es' else en}: " + ", ".join(ROWS[row][lang] for row in table[key])
    yield from (f"         {_note_line(note, lang)}" for note in table["notes"])


def _note_line(note: Json, lang: Lang) -> str:
    words = NOTES[note["code"]][lang].format(detail=note.get("detail", "—"))
    return f"{'línea' if lang == 'es' else 'line'} {note['line']}: {words}"


def _tally_lines(tally: Json, lang: Lang) -> Iterator[str]:
    def figures(counted: Mapping[str, int]) -> str:
        levels = ("complete", "substantial", "limited", "not_started", "unread")
        return ", ".join(f"{counted[level]} {_MANY[level][lang]}" for level in levels if level in counted) or "—"

    yield "RECUENTO" if lang == "es" else "TALLY"
    yield ("  según las casillas:   " if lang == "es" else "  by the boxes:     ") + figures(tally["boxes"])
    yield ("  según lo que afirma:  " if lang == "es" else "  as claimed:       ") + figures(tally["claimed"])
    if tally["claimed"]:
        same = ("coinciden", "they agree") if tally["agree"] else ("NO COINCIDEN", "THEY DIFFER")
        yield "  " + same[lang == "en"]

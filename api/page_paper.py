"""A plan's comparison on paper: one long page to print or to keep, which `constancia export plan` also makes a PDF of.

    /gt/exportar/{plan}/imprimir     what the plan says, without pictures: levels by voice, where they part, and a
                                     sheet for each commitment (what was promised, four voices, mechanisms with their
                                     evidence, grades and the rules that gave them, verdicts, disputes)

It says what the screen says because it asks the same modules (`page_comparison`, `standings`). Levels are a mark of the
font, a word and a number, so that nothing is lost in print, without colour, or in the tags of a PDF.
"""

from typing import Any

from litestar import Response

from api.downloads import stand_asked
from api.names import LEVELS
from api.page_anomalies import told_by_rule
from api.page_commitments import promise_fields
from api.page_comparison import basis, row_words, speakers, summary
from api.reading import Reading, answer
from api.site import brief
from api.standings import Telling, said_words
from api.tables import TABLES, Stand
from projections.commitments import Commitment
from projections.comparison import Row
from projections.evidence import Dispute

# As a font has them: nothing, begun, half, nearly, whole.
MARKS = {"complete": "●", "substantial": "◑", "limited": "◔", "not_started": "○", "no_evidence_available": "–"}


def paper_page(reading: Reading) -> Response[bytes]:
    """The comparison of a plan, to print."""
    stand = stand_asked(reading.reader, reading.view, reading.place.segments[1])
    return answer(reading, "comparison_print.html", **paper_words(reading, stand))


def paper_words(reading: Reading, stand: Stand) -> dict[str, Any]:
    """Everything that the paper says."""
    matrix = stand.matrix
    commitments = dict(stand.records.scan(Commitment, prefix=f"{stand.plan.plan}/"))
    voices = speakers(reading, matrix)
    checkpoint = stand.ground.checkpoint
    return {
        "plan": {"id": stand.plan.plan, "title": stand.plan.title, "lang": stand.plan.lang},
        "sentences": summary(reading, matrix),
        "basis": basis(reading, matrix),
        "standing": reading.text(
            "%(origin)s, %(size)s entries, root %(root)s, computed for %(day)s",
            origin=checkpoint.origin,
            size=reading.say.number(checkpoint.size),
            root=checkpoint.root.hex()[:16] + "…",
            day=stand.as_of,
        ),
        "marks": MARKS,
        "levels": list(LEVELS),
        "voices": [{"code": one.code, "name": one.name} for one in voices],
        "tallies": _tallies(stand, [one.code for one in voices]),
        "rows": [
            row_words(reading, row, commitments[row.commitment]) | {"brief": brief(reading.actor(row.institution))}
            for row in matrix.rows
        ],
        "cells": _cells(stand, {one.code: one.name for one in voices}),
        "anomalies": told_by_rule(reading, stand.plan),
        "sheets": [_sheet(reading, row, commitments[row.commitment]) for row in matrix.rows],
    }


def _tallies(stand: Stand, voices: list[str]) -> list[dict[str, Any]]:
    """How many commitments each voice puts at each level: a row for each level."""
    counts = {(row["voice"], row["level"]): row["commitments"] for row in TABLES["tallies"].rows(stand)}
    return [
        {"level": level, "counts": [counts[voice, level] for voice in voices]}
        for level in (*LEVELS, "none")
        if any(counts[voice, level] for voice in voices)
    ]


def _cells(stand: Stand, names: dict[str, str]) -> list[dict[str, Any]]:
    """Each pair of voices that have spoken of the same commitments."""
    return [
        {"a": names[cell.a], "b": names[cell.b], "cell": cell} for cell in stand.matrix.disagreement if cell.compared
    ]


def _sheet(reading: Reading, row: Row, commitment: Commitment) -> dict[str, Any]:
    """A commitment with everything that its levels rest on."""
    telling = Telling(reading, commitment)
    return {
        **row_words(reading, row, commitment),
        "proposer": commitment.proposer,
        "post": commitment.post,
        "index": commitment.index,
        "fields": promise_fields(reading, commitment),
        "date": commitment.completion_date,
        "said": said_words(reading, commitment.reported) if commitment.reported else None,
        "voices": [telling.voice(voice) for voice in row.standing.voices],
        "evidence": telling.evidence(),
        "mechanisms": [telling.mechanism(one) for one in row.standing.mechanisms],
        "disputes": _disputes(telling),
        "codings": telling.codings(),
    }


def _disputes(telling: Telling) -> list[dict[str, Any]]:
    """The disputes of a commitment's evidence, in the order of links."""
    found = telling.records.scan(Dispute, prefix=f"{telling.commitment.commitment}/")
    return [telling.dispute(dispute, int(key.rsplit("/", 2)[1])) for key, dispute in found]

"""The pictures of levels: what they draw, that they say it in words and shapes, and that hostile texts stay texts."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from test_pages import Read

from api import site
from api.charts import (
    LETTERS,
    SCALE,
    SHADES,
    VOICES,
    Mark,
    dumbbell,
    heat,
    over_time,
    percent,
    shade_of,
    width,
)
from api.phrasing import Phrasing, plain
from ledger.vocabulary import LEVEL_ORDINAL

HOSTILE = '<img src=x onerror="window.pwned=1">\u202e&"\''


def drawn(source: str, language: str = "es-GT", **words: Any) -> Read:
    """What a macro of charts.html makes, read as a browser would."""
    template = site.environment(language).from_string('{% import "charts.html" as ch with context %}' + source)
    return Read(template.render(say=Phrasing(language), percent=percent, scale=SCALE, letters=LETTERS, **words))


# --- the dumbbell ----------------------------------------------------------------------------------------------------


def at(*said: tuple[str, str]) -> list[Mark]:
    return [Mark(voice, voice, level) for voice, level in said]


def lines(*said: tuple[str, str]) -> list[str]:
    return [step.line for step in dumbbell(at(*said), LEVEL_ORDINAL)]


def test_the_line_goes_from_what_is_reported_to_what_is_evidenced() -> None:
    assert lines(("government", "complete"), ("evidence", "limited")) == ["", "", "right", "through", "left"]
    assert lines(("evidence", "complete"), ("government", "limited")) == ["", "", "right", "through", "left"]
    assert lines(("government", "substantial"), ("evidence", "limited"), ("irm", "complete")) == [
        "",
        "",
        "right",
        "left",
        "",
    ]


def test_without_a_gap_there_is_no_line() -> None:
    assert set(lines(("government", "limited"), ("evidence", "limited"))) == {""}
    # Nothing begun and nothing shown have the same number on the scale.
    assert set(lines(("government", "not_started"), ("evidence", "no_evidence_available"))) == {""}
    assert set(lines(("evidence", "complete"), ("irm", "limited"))) == {""}


def test_voices_at_one_level_stand_in_their_order() -> None:
    everybody = [Mark(voice, voice, "limited") for voice in reversed(VOICES)]
    step = dumbbell([*everybody, Mark("civil_society", "another", "limited")], LEVEL_ORDINAL)[2]
    assert [mark.voice for mark in step.marks] == ["government", "civil_society", "civil_society", "irm", "evidence"]
    assert step.level == "limited"


@given(st.lists(st.tuples(st.sampled_from(VOICES), st.sampled_from(SCALE)), max_size=8))
def test_every_mark_is_drawn_once_and_at_its_level(said: list[tuple[str, str]]) -> None:
    steps = dumbbell(at(*said), LEVEL_ORDINAL)
    assert [step.level for step in steps] == list(SCALE)
    assert sorted((mark.voice, step.level) for step in steps for mark in step.marks) == sorted(said)
    assert sum(step.line == "right" for step in steps) == sum(step.line == "left" for step in steps)


ROW: Mapping[str, Any] = {
    "code": "C8",
    "title": "Hambre Cero",
    "lang": "es",
    "href": "/gt/planes/gt-2014-2016/compromisos/C8",
    "sign": "+2",
    "words": "Reporta «completo»; la evidencia alcanza «limitado».",
    "steps": dumbbell(
        [Mark("government", "Reporta", "complete"), Mark("evidence", "Evidencia", "limited")], LEVEL_ORDINAL
    ),
}


def dumbbells(rows: Sequence[Mapping[str, Any]], language: str = "es-GT") -> Read:
    return drawn('{{ ch.dumbbells("Los niveles", scale, rows) }}', language, rows=rows)


def test_a_row_says_in_words_what_it_draws() -> None:
    read = dumbbells([ROW])
    for words in (
        "C8",
        "Hambre Cero",
        "Reporta: completo",
        "Evidencia: limitado",
        "+2",
        "la evidencia alcanza «limitado»",
    ):
        assert words in read.text
    assert [found["href"] for found in read.all("use")].count("#v-government") == 1
    assert read.wrong == []


def test_the_scale_stands_above_as_word_mark_and_number() -> None:
    read = dumbbells([ROW], "en")
    heads = read.all("th", scope="col")
    assert len(heads) == 2 + len(SCALE)
    for level, word in zip(
        SCALE, ("No evidence available", "Not started", "Limited", "Substantial", "Complete"), strict=True
    ):
        assert f"{word} {LEVEL_ORDINAL[level]}" in read.text
        assert f"#m-{level}" in [found["href"] for found in read.all("use")]


def test_titles_and_names_of_others_stay_texts() -> None:
    steps = dumbbell([Mark("irm", plain(HOSTILE), "limited")], LEVEL_ORDINAL)
    read = dumbbells([{**ROW, "title": HOSTILE, "steps": steps}])
    assert read.all("img") == []
    assert "onerror" not in {name for _, attributes in read.elements for name in attributes}
    assert read.text.count("<img src=x") == 2
    assert "\u202e" not in read.text
    assert "U+202E" in read.text


# --- shapes, letters, patterns ---------------------------------------------------------------------------------------


def test_each_voice_has_a_shape_and_a_letter_of_its_own() -> None:
    html = str(
        site.environment("es-GT")
        .from_string('{% import "charts.html" as ch with context %}{{ ch.sprite(letters) }}')
        .render(letters=LETTERS)
    )
    symbols = re.findall(r'<symbol id="v-(\w+)"[^>]*><(\w+) ([^>]*)/><text[^>]*>(\w)</text>', html)
    assert [voice for voice, *_ in symbols] == list(VOICES)
    assert len({(tag, *re.findall(r'd="[^"]*"', rest)) for _, tag, rest, _ in symbols}) == len(VOICES)
    assert len({letter for *_, letter in symbols}) == len(VOICES)
    for language in ("es-GT", "en"):
        names = [Phrasing(language).name("voice", voice) for voice in VOICES]
        assert [name[0] for name in names if name != "IRM"] == [
            LETTERS[v] for v, name in zip(VOICES, names, strict=True) if name != "IRM"
        ]


def test_each_level_and_shade_has_a_pattern_of_its_own() -> None:
    html = str(
        site.environment("es-GT")
        .from_string('{% import "charts.html" as ch with context %}{{ ch.sprite(letters) }}')
        .render(letters=LETTERS)
    )
    patterns = dict(re.findall(r'<pattern id="([\w-]+)"(.*?)</pattern>', html, re.DOTALL))
    assert set(patterns) == {f"fill-{level}" for level in SCALE} | {f"shade-{n}" for n in range(1, SHADES + 1)}
    assert len({patterns[f"fill-{level}"] for level in SCALE}) == len(SCALE)
    assert len({patterns[f"shade-{n}"] for n in range(1, SHADES + 1)}) == SHADES


# --- who disagrees with whom -----------------------------------------------------------------------------------------


class Pair(NamedTuple):
    """As the projection gives it."""

    a: str
    b: str
    compared: int
    differ: int
    a_above: int
    b_above: int
    sum_abs: int


def test_a_square_reads_the_same_from_both_sides() -> None:
    rows = heat(("reported", "irm", "evidenced"), [Pair("reported", "irm", 9, 4, 3, 1, 6)])
    there, back = rows[0][1], rows[1][0]
    assert there is not None
    assert back is not None
    assert (there.compared, there.differ, there.above, there.below, there.steps) == (9, 4, 3, 1, 6)
    assert (back.compared, back.differ, back.above, back.below, back.steps) == (9, 4, 1, 3, 6)
    assert [rows[n][n] for n in range(3)] == [None, None, None]
    assert rows[0][2] is None


@given(st.integers(0, 50), st.integers(0, 50))
def test_more_disagreement_is_never_lighter(n: int, more: int) -> None:
    of = 100
    assert 0 <= shade_of(n, of) <= shade_of(n + more, of) <= SHADES
    assert (shade_of(n, of) == 0) == (n == 0)
    assert shade_of(of, of) == SHADES


def test_nothing_compared_has_no_shade() -> None:
    assert shade_of(0, 0) == 0


class Voice(NamedTuple):
    """A speaker as the template takes it."""

    code: str
    voice: str
    name: str
    short: Markup


def speaker(code: str, voice: str, name: str) -> Voice:
    return Voice(code, voice, name, Markup.escape(name))


def test_the_heat_table_says_numbers_and_who_stands_higher() -> None:
    voices = [
        speaker("reported", "government", "Reporta"),
        speaker("icefi", "civil_society", HOSTILE),
        speaker("evidenced", "evidence", "Evidencia"),
    ]
    rows = heat([one.code for one in voices], [Pair("reported", "icefi", 9, 4, 3, 1, 6)])
    read = drawn('{{ ch.heat_table("Discrepancias", voices, rows) }}', voices=voices, rows=rows)
    assert read.text.count("difieren 4 de 9") == 2
    assert "más alto en 3, más bajo en 1" in read.text
    assert "más alto en 1, más bajo en 3" in read.text
    assert read.text.count("nada que comparar") == 4
    assert [found["fill"] for found in read.all("rect")] == ["url(#shade-3)"] * 2
    assert read.all("img") == []
    assert read.wrong == []


# --- over time -------------------------------------------------------------------------------------------------------

COUNTS = st.dictionaries(st.sampled_from(SCALE), st.integers(0, 12), max_size=5)


@given(st.lists(COUNTS, min_size=1, max_size=24))
def test_columns_are_as_high_as_their_counts_and_never_leave_the_picture(points: list[dict[str, int]]) -> None:
    of = 60
    pieces = over_time(points, of)
    for n, counts in enumerate(points):
        left, right = 1000 * n // len(points), 1000 * (n + 1) // len(points)
        column = [piece for piece in pieces if piece.x == left]
        assert [piece.level for piece in column] == [level for level in reversed(SCALE) if counts.get(level)]
        assert sum(piece.height for piece in column) == 1000 * sum(counts.values()) // of
        assert all(piece.y >= 0 and piece.y + piece.height <= 1000 for piece in column)
        assert all(left < left + piece.width <= right for piece in column)


def test_the_highest_level_lies_at_the_bottom() -> None:
    complete, limited = over_time([{"limited": 1, "complete": 3}], 8)
    assert (complete.level, complete.y, complete.height) == ("complete", 625, 375)
    assert (limited.level, limited.y, limited.height) == ("limited", 500, 125)


def test_with_nothing_to_count_nothing_is_drawn() -> None:
    assert over_time([], 48) == ()
    assert over_time([{}, {"limited": 0}], 48) == ()
    assert over_time([{"limited": 1}], 0)[0].height == 0


def test_the_picture_over_time_says_its_last_figures() -> None:
    nothing: dict[str, int] = dict.fromkeys(SCALE, 0)
    points = [nothing, nothing | {"complete": 3, "limited": 1}]
    who = speaker("reported", "government", "Reporta")
    line = {"speaker": who, "points": points, "pieces": over_time(points, 8)}
    read = drawn('{{ ch.columns("Niveles", lines, scale, "enero", "marzo", 8) }}', lines=[line])
    for words in ("De enero a marzo", "3 completo", "1 limitado", "4 sin nivel"):
        assert words in read.text
    fills = [found["fill"] for found in read.all("rect", class_="edge") if found.get("y") and "%" in str(found["y"])]
    assert fills == ["url(#fill-complete)", "url(#fill-limited)"]


# --- bars ------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_bar_is_seen_as_soon_as_there_is_one(n: int, more: int) -> None:
    of = n + more
    assert 0 <= width(n, of) <= 1000
    assert (width(n, of) == 0) == (n == 0)
    assert of == 0 or width(of, of) == 1000


def test_a_bar_stands_beside_its_numbers() -> None:
    rows = [{"name": HOSTILE, "href": "/x", "of": 4, "bars": [{"count": 3, "width": width(3, 4)}]}]
    read = drawn('{{ ch.bar_table("Por institución", "Institución", ("Completos",), rows) }}', rows=rows)
    assert "3 de 4" in read.text
    assert [found["width"] for found in read.all("rect")] == ["1000", "750"]
    assert read.all("img") == []


@pytest.mark.parametrize(("thousandths", "said"), [(0, "0.0%"), (125, "12.5%"), (1000, "100.0%")])
def test_lengths_are_written_without_a_float(thousandths: int, said: str) -> None:
    assert percent(thousandths) == said


def test_no_picture_has_a_colour_a_style_or_a_text_that_shrinks() -> None:
    source = (site.HERE / "templates" / "charts.html").read_text("utf-8")
    assert set(re.findall(r'(?:fill|stroke)="([^"{]*)', source)) <= {
        "currentColor",
        "none",
        "url(#fill-",
        "url(#shade-",
    }
    assert re.findall(r"style=|<script|<image|https?://(?!www\.w3\.org/2000/svg)", source) == []
    # Letters stand in symbols of a fixed size alone; what is stretched holds rectangles.
    assert len(re.findall("<text", source)) == len(VOICES)

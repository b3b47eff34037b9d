"""Every sentence that a reader sees: it is in both languages, well formed, and nowhere but in the catalogues."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir

from api import names
from api.phrasing import Phrasing, folded, http_address, iso, plain, shown
from ledger import vocabulary
from ledger.vocabulary import KINDS, Date
from projections.words.catalogue import DEFAULT_LANGUAGE, Catalogue, catalogue, languages, parse_catalogue

API = Path(names.__file__).parent
TEMPLATES = sorted((API / "templates").glob("*.html"))

KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "msg": None,
    "text": None,
    "texts": (1, 2),
}


def sentences_in_use() -> dict[tuple[str, ...], str]:
    """Every message that pages and Python ask for: (singular) or (singular, plural) -> where."""
    methods = [
        (name, "python")
        for name in (
            "page*.py",
            "feeds.py",
            "reading.py",
            "phrasing.py",
            "names.py",
            "reasons.py",
            "standings.py",
            "worked_example.py",
            "site.py",
        )
    ] + [("templates/**.html", "jinja2")]
    trimmed = {"trimmed": "true", "silent": "false", "trim_blocks": "true", "lstrip_blocks": "true"}
    found: dict[tuple[str, ...], str] = {}
    for path, line, message, _, context in extract_from_dir(
        API, method_map=methods, options_map={"templates/**.html": trimmed}, keywords=KEYWORDS, comment_tags=()
    ):
        assert context is None
        found[message if isinstance(message, tuple) else (message,)] = f"{path}:{line}"
    return found


def entries(language: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The messages of a catalogue without its header."""
    return {
        (one.singular, one.plural) if one.plural is not None else (one.singular,): one.texts
        for one in catalogue(language).messages
        if one.singular
    }


def test_spanish_is_the_default_and_english_is_there() -> None:
    assert languages()[0] == DEFAULT_LANGUAGE == "es-GT"
    assert "en" in languages()


@pytest.mark.parametrize("language", ["es-GT", "en"])
def test_every_sentence_in_use_has_a_translation_and_no_other_is_kept(language: str) -> None:
    used = sentences_in_use()
    kept = entries(language)
    assert len(used) > 300
    assert {sentence: place for sentence, place in used.items() if not all(kept.get(sentence, ("",)))} == {}
    assert set(kept) - set(used) == set()


@pytest.mark.parametrize("language", ["es-GT", "en"])
def test_translations_fill_in_the_same_words(language: str) -> None:
    def places(text: str) -> list[str]:
        return sorted(re.findall(r"%\(([a-z_]+)\)s|%[^(%]", text))

    wrong = [
        (sentence, texts)
        for sentence, texts in entries(language).items()
        for text in texts
        if set(places(text)) != set(places(sentence[-1]))
    ]
    # «una vez» needs no number: a singular may leave the number out, in either language.
    assert [found for found in wrong if len(found[0]) == 1] == []


@pytest.mark.parametrize("language", ["es-GT", "en"])
def test_plural_messages_have_two_forms(language: str) -> None:
    assert {sentence: texts for sentence, texts in entries(language).items() if len(texts) != len(sentence)} == {}


def test_plural_forms_are_chosen_by_number() -> None:
    spanish = catalogue("es-GT")
    assert [spanish.ngettext("%(num)s day left.", "%(num)s days left.", n) % {"num": n} for n in (0, 1, 2)] == [
        "Quedan 0 días.",
        "Queda 1 día.",
        "Quedan 2 días.",
    ]


TUTEO = re.compile(r"\b(tú|tus?|puedes|debes|quieres|tienes|haz)\b", re.IGNORECASE)


def test_spanish_addresses_the_reader_as_usted() -> None:
    assert [text for texts in entries("es-GT").values() for text in texts if TUTEO.search(text)] == []


# --- no sentence outside the catalogues -----------------------------------------------------------------------------


class Visible(HTMLParser):
    """Collects what a reader would see or hear of a template once all that Jinja puts there is taken out."""

    SPOKEN = frozenset({"alt", "title", "aria-label", "placeholder", "data-label", "value", "content"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.found += [value for name, value in attrs if name in self.SPOKEN and value]


# What is no sentence of a language: commands, names of files and of a digest.
FILES = frozenset({"checkpoint", "tile/entries/000", "policy", "ledger.json", "api/digest", "SHA-256"})
VALUES_OF_A_FORM = frozenset(
    {"con", "sin", "si", "own", "site", "write", "review", "confirm", "for", "against", "neutral"}
)
NO_SENTENCE = FILES | VALUES_OF_A_FORM


def bare_text(source: str) -> Iterator[str]:
    """Letters that stand in a template outside of any catalogue."""
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    source = re.sub(r"\{%-?\s*trans\b.*?endtrans\s*-?%\}", "", source, flags=re.DOTALL)
    source = re.sub(r"\{%.*?%\}", " ", source, flags=re.DOTALL)
    source = re.sub(r"\{\{.*?\}\}", "", source, flags=re.DOTALL)
    parser = Visible()
    parser.feed(source)
    for found in parser.found:
        for line in found.splitlines():
            if re.search(r"[^\W\d_]", line) and line.strip() not in NO_SENTENCE:
                yield line.strip()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_a_sentence_of_its_own(path: Path) -> None:
    assert list(bare_text(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    ["<p>Hola</p>", '<p title="Hola">{{ x }}</p>', "{{ _('a') }} y {{ _('b') }}", '<input placeholder="Nombre">'],
)
def test_bare_text_is_noticed(source: str) -> None:
    assert list(bare_text(source)) != []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_what_the_policy_forbids(path: Path) -> None:
    source = path.read_text("utf-8")
    # A script is a file of ours, or no script at all but words for one.
    source = re.sub(r'<script type="module" src="\{\{ script\((?:"[a-z-]+\.js"|name)\) \}\}"></script>', "", source)
    source = source.replace('<script type="application/json" id="words">{{ words_of_script|tojson }}</script>', "")
    source = source.replace('<script type="application/json" id="known">{{ to_compare|tojson }}</script>', "")
    assert re.findall(r"\sstyle=|<style|<script|\son[a-z]+=|javascript:|\|safe|autoescape", source) == []
    assert re.findall(r"(?:src|href)=\"https?:", source) == []


def test_every_code_of_the_vocabulary_has_a_name() -> None:
    def values(annotation: Any) -> set[str]:
        return set(getattr(annotation, "__args__", ()))

    assert set(names.KIND_NAMES) == set(KINDS)
    assert set(names.LEVELS) == values(vocabulary.Level)
    assert set(names.ROLES) == values(vocabulary.Role)
    assert set(names.FORMS) == values(vocabulary.Form)
    assert set(names.PROPOSERS) == values(vocabulary.Proposer)
    assert set(names.POSITIONS) == values(vocabulary.Position)
    assert values(vocabulary.Ground) <= set(names.GROUNDS)


def test_the_levels_have_the_names_of_the_scale() -> None:
    say = Phrasing("es-GT")
    assert [say.name("level", level) for level in reversed(list(names.LEVELS))] == [
        "Sin evidencia disponible",
        "No iniciado",
        "Limitado",
        "Sustancial",
        "Completo",
    ]


# --- errors that people see -------------------------------------------------------------------------------------------

PACKAGES = ("ledger", "consultation", "projections", "api")


def errors_made(source: str) -> Iterator[ast.Call]:
    """Every place where a CannotRun is made."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "CannotRun":
            yield node


def faults_of(error: ast.Call) -> list[str]:
    """What keeps an error from being said in Spanish and in English: sentence, then advice, each in both."""
    said = [ast.unparse(each) for each in error.args]
    if error.keywords or any(isinstance(each, ast.Starred) for each in error.args) or len(said) not in (2, 4):
        return ["not two sentences, or two and two of advice"]
    pairs = list(zip(said[::2], said[1::2], strict=True))
    spanish = " ".join(said[::2])
    return [
        *[f"the same in both languages: {es}" for es, en in pairs if es == en],
        *[f"nothing: {each}" for each in said if each in ("''", "f''")],
        *[f"not usted: {spanish}" for _ in TUTEO.findall(spanish)],
    ]


def test_every_error_that_stops_us_is_said_in_both_languages() -> None:
    made = [
        (f"{path.relative_to(API.parent)}:{error.lineno}", error)
        for package in PACKAGES
        for path in sorted((API.parent / package).rglob("*.py"))
        for error in errors_made(path.read_text("utf-8"))
    ]
    assert len(made) > 100
    assert [(place, fault) for place, error in made for fault in faults_of(error)] == []


@pytest.mark.parametrize(
    "made",
    [
        "CannotRun('Nothing there.')",
        "CannotRun('Nada.', 'Nothing.', 'Busque.')",
        "CannotRun('Nada.', 'Nothing.', '', 'Look.')",
        "CannotRun('Nada.', 'Nothing.', advice_en='Look.')",
        "CannotRun(f'{path}: nothing.', f'{path}: nothing.')",
        "CannotRun('Nada.', 'Nothing.', f'chmod 600 {path}', f'chmod 600 {path}')",
        "CannotRun('Nada.', 'Nothing.', 'Haz otra.', 'Make another.')",
        "CannotRun(*said)",
        "errors.CannotRun('Nada.')",
    ],
)
def test_an_error_in_one_language_is_noticed(made: str) -> None:
    (error,) = errors_made(f"raise {made}")
    assert faults_of(error) != []


# --- days, times and numbers ------------------------------------------------------------------------------------------


def test_dates_are_in_words_and_as_precise_as_they_were_said() -> None:
    say = Phrasing("es-GT", -360)
    assert say.date(Date(precision="day", day="2015-09-04")) == "4 de septiembre de 2015"
    assert say.date(Date(precision="month", day="2015-12-01")) == "diciembre de 2015"
    assert say.date(Date(precision="year", day="2016-01-01")) == "2016"
    assert say.date(Date(precision="none")) == "sin fecha"
    assert Phrasing("en", -360).date(Date(precision="month", day="2015-12-01")) == "December 2015"


def test_received_times_are_shown_at_the_offset_of_the_ledger() -> None:
    at = 1_441_346_700_000  # 2015-09-04T06:05:00Z
    assert iso(at) == "2015-09-04T06:05:00.000Z"
    assert Phrasing("es-GT", -360).time(at) == "4 de septiembre de 2015, 00:05"
    assert Phrasing("es-GT", -360).offset == "UTC−06:00"
    assert Phrasing("en", 330).time(at) == "September 4, 2015, 11:35"
    assert Phrasing("en", 0).offset == "UTC"


def test_numbers_are_those_of_guatemala_not_of_spain() -> None:
    say = Phrasing("es-GT")
    assert say.number(1_234_567) == "1,234,567"
    assert say.decimal(-123_456, 2) == "-1,234.56"
    assert say.share(5833) == "58.33\N{NO-BREAK SPACE}%"
    assert Phrasing("en").share(5833) == "58.33%"
    assert say.listed(["a", "b", "c"]) == "a, b y c"
    assert say.listed(["COPRET", "ICEFI"]) == "COPRET e ICEFI"
    assert say.listed(["agua", "hierro"]) == "agua y hierro"
    assert Phrasing("en").listed(["COPRET", "ICEFI"]) == "COPRET and ICEFI"


# --- texts of others --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>alert(1)</script>", "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"),
        ('"><img src=x onerror=alert(1)>', "<bdi>&#34;&gt;&lt;img src=x onerror=alert(1)&gt;</bdi>"),
        ("{{ 7*7 }} %(x)s", "<bdi>{{ 7*7 }} %(x)s</bdi>"),
        ("K’iche’ ʼ ñ á", "<bdi>K’iche’ ʼ ñ á</bdi>"),
        ("a\u202eb", '<bdi>a<span class="flag">U+202E</span>b</bdi>'),
        ("a\u200bb", '<bdi>a<span class="flag">U+200B</span>b</bdi>'),
        ("a\x1b[31mb\rc", '<bdi>a<span class="flag">U+001B</span>[31mb<span class="flag">U+000D</span>c</bdi>'),
        ("\u3164", '<bdi><span class="flag">U+3164</span></bdi>'),
        ("\U000e0041", '<bdi><span class="flag">U+E0041</span></bdi>'),
        ("dos\nlíneas\tx", "<bdi>dos\nlíneas\tx</bdi>"),
    ],
)
def test_texts_of_others_are_escaped_isolated_and_flagged(text: str, html: str) -> None:
    assert str(shown(text)) == html


def test_a_text_says_its_language_and_an_attribute_stays_an_attribute() -> None:
    assert str(shown("x", "en")) == '<bdi lang="en">x</bdi>'
    assert str(shown("x", 'en"><b')) == '<bdi lang="en&#34;&gt;&lt;b">x</bdi>'
    assert plain("a\u202eb") == "a[U+202E]b"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil", "ftp://x", " http://x", "http://x\u202e"]
)
def test_only_http_addresses_become_links(url: str) -> None:
    assert http_address(url) is None


def test_http_addresses_become_links() -> None:
    assert http_address("https://www.example.org/a?b=c") == "https://www.example.org/a?b=c"


@pytest.mark.parametrize("typed", ["k'iche'", "K’iche’", "kʼicheʼ", "KꞌICHEꞌ", "kiche"])
def test_search_sees_no_case_no_accent_and_no_apostrophe(typed: str) -> None:
    assert folded(typed) == folded("K'iche'")
    assert folded("Información") == folded("informacion")


# --- reading catalogues ---------------------------------------------------------------------------------------------

HEADER = 'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'


def test_a_catalogue_holds_contexts_plurals_and_escapes() -> None:
    source = (
        HEADER
        + '# note\nmsgctxt "level"\nmsgid "a"\nmsgstr "x\\n\\"y\\" \\\\"\n\n'
        + 'msgid "one"\nmsgid_plural "many"\nmsgstr[0] "uno"\nmsgstr[1] ""\n"mu" "chos"\n'.replace(
            '"mu" "chos"', '"mu"\n"chos"'
        )
    )
    words = Catalogue("xx", source)
    assert words.pgettext("level", "a") == 'x\n"y" \\'
    assert words.gettext("a") == "a"
    assert [words.ngettext("one", "many", n) for n in (1, 2)] == ["uno", "muchos"]


@pytest.mark.parametrize(
    "source",
    [
        'msgid "a"\n',
        'msgstr "a"\n',
        '"a"\n',
        "msgid a\nmsgstr b\n",
        'msgid "a" \nmsgstr "b"\n',
        'msgid "a\\x"\nmsgstr "b"\n',
        'msgid "a"\nmsgid "b"\nmsgstr "c"\n',
        'msgid "a"\nmsgstr[0] "b"\n',
        'msgid "a"\nmsgid_plural "b"\nmsgstr "c"\n',
        'msgid "a"\nmsgid_plural "b"\nmsgstr[1] "c"\n',
    ],
)
def test_what_is_no_catalogue_is_refused_with_its_line(source: str) -> None:
    with pytest.raises(ValueError, match="line"):
        list(parse_catalogue(source))


def test_a_catalogue_without_plural_forms_or_with_a_message_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="Plural-Forms"):
        Catalogue("xx", 'msgid "a"\nmsgstr "b"\n')
    with pytest.raises(ValueError, match="twice"):
        Catalogue("xx", HEADER + 'msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n')

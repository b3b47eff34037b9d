"""Languages whose catalogue is a draft: what is not translated is Spanish, and what is translated says its language.

A translation of every sentence is invented here, to see a page in it: each sentence between brackets, in English.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from service import Served
from test_browser import Look, look
from test_pages import PAGES, Read, people, ready, site

from api.demo.build import build
from api.phrasing import Phrasing, folded
from api.site import spoken_in, without_marks
from projections.words.catalogue import (
    DEFAULT_LANGUAGE,
    FOLDER,
    MARKS,
    NAMES,
    Catalogue,
    catalogue,
    drafts,
    languages,
    parse_catalogue,
    progress,
)
from projections.words.drafting import begun_or_renewed, faults_of, main

__all__ = ["look", "site"]  # fixtures

SPANISH = (FOLDER / "es-GT.po").read_text("utf-8")
RULE = '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
HEADER = 'msgid ""\nmsgstr ""\n"X-Draft: yes\\n"\n'


def draft(body: str, header: str = HEADER) -> Catalogue:
    """A draft of K'iche' with these entries."""
    return Catalogue("quc", f"{header}\n{body}", catalogue("es-GT"))


def translated(source: str) -> str:
    """A draft with every sentence translated by brackets."""
    out: list[str] = []
    wanted = ""
    for line in source.split("\n"):
        if line.startswith("msgid"):
            wanted = line.partition(" ")[2]
        found = re.fullmatch(r'(msgstr(?:\[\d\])?) ""', line)
        out.append(f'{found[1]} "[{wanted[1:-1]}]"' if found and wanted != '""' else line)
    return "\n".join(out).replace('"X-Draft: yes\\n"\n', '"X-Draft: yes\\n"\n' + RULE)


# --- catalogues ------------------------------------------------------------------------------------------------------


def test_kiche_is_a_draft_and_no_draft_counts_as_a_language_in_which_all_is_said() -> None:
    assert "quc" in drafts()
    assert not set(drafts()) & set(languages())
    assert set(drafts() + languages()) == {path.stem for path in FOLDER.glob("*.po")}
    assert set(drafts() + languages()) <= set(NAMES)


def test_nobody_has_made_up_a_text_in_kiche() -> None:
    # To be changed by whoever translates, together with the notes of the catalogue's header that say who approved it.
    assert progress(catalogue("quc"))[0] == 0


def test_a_draft_says_in_spanish_what_is_not_translated_and_marks_what_is() -> None:
    words = draft('msgid "Plan"\nmsgstr "[Plan]"\n')
    assert words.gettext("Plan") == f"{MARKS[0]}[Plan]{MARKS[1]}"
    assert words.gettext("Entries") == "Asientos"
    assert words.ngettext("%(num)s day left.", "%(num)s days left.", 1) == "Queda %(num)s día."
    assert words.ngettext("%(num)s day left.", "%(num)s days left.", 2) == "Quedan %(num)s días."
    assert words.gettext("of no catalogue") == "of no catalogue"
    assert progress(words) == (1, progress(catalogue("es-GT"))[1])


def test_a_draft_without_a_rule_has_no_plurals_and_one_with_a_rule_follows_it() -> None:
    entry = 'msgid "%(num)s day left."\nmsgid_plural "%(num)s days left."\n'
    with pytest.raises(ValueError, match="Plural-Forms"):
        draft(entry + 'msgstr[0] "x"\n')
    three = 'msgid ""\nmsgstr ""\n"X-Draft: yes\\n"\n"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n==2 ? 1 : 2);\\n"\n'
    words = draft(entry + 'msgstr[0] "a"\nmsgstr[1] "b"\nmsgstr[2] "c"\n', three)
    said = [words.ngettext("%(num)s day left.", "%(num)s days left.", n).strip("".join(MARKS)) for n in (1, 2, 3, 0)]
    assert said == ["a", "b", "c", "c"]
    with pytest.raises(ValueError, match="Plural-Forms"):
        Catalogue("xx", HEADER.replace("X-Draft: yes", "X-Draft: no"))


def test_dates_and_numbers_of_a_draft_are_those_of_guatemala() -> None:
    say = Phrasing("quc", -360)
    assert say.day("2015-09-04") == "4 de septiembre de 2015"
    assert say.number(1_234_567) == "1,234,567"
    assert say.decimal(123_450, 2) == "1,234.50"
    assert say.listed(["COPRET", "ICEFI"]) == "COPRET e ICEFI"


@pytest.mark.parametrize("sign", "'\u2018\u2019\u201b\u2032\u02b9\u02bb\u02bc\u02c8\ua78b\ua78c\uff07`\u00b4")
def test_one_search_finds_kiche_with_every_apostrophe(sign: str) -> None:
    assert folded(f"K{sign}iche{sign}") == folded("k'iche'") == "kiche"


# --- what translators run --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", languages() + drafts())
def test_no_catalogue_breaks_a_page(language: str) -> None:
    assert faults_of(catalogue(language)) == []


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('msgid "%(count)s of %(total)s"\nmsgstr "%(count)s"', "fills in"),
        ('msgid "Plan"\nmsgstr "Plan %(x)s"', "fills in"),
        ('msgid "Plan"\nmsgstr "100 % plan"', "%%"),
        ('msgid "Plan"\nmsgstr "<b>Plan</b>"', "tags"),
        ('msgid "Plan"\nmsgstr "Plan <script"', "tags"),
        ('msgid "Plan"\nmsgstr " Plan"', "space"),
        ('msgid "a %(n)s"\nmsgid_plural "b %(n)s"\nmsgstr[0] "x"\nmsgstr[1] ""', "empty"),
        ('msgid "a %(n)s"\nmsgid_plural "b %(n)s"\nmsgstr[0] "x"', "forms"),
        ('msgid "a %(n)s"\nmsgid_plural "b %(n)s"\nmsgstr[0] "x"\nmsgstr[1] "y %(m)s"', "fills in"),
    ],
)
def test_what_would_break_a_page_is_named(entry: str, fault: str) -> None:
    found = faults_of(draft(entry + "\n", HEADER + RULE))
    assert found
    assert all(fault in each for each in found)


def test_a_new_catalogue_has_every_sentence_empty_with_the_spanish_beside_it() -> None:
    made = begun_or_renewed("cak", SPANISH)
    words = Catalogue("cak", made, catalogue("es-GT"))
    assert (words.draft, progress(words)[0], len(words.messages)) == (True, 0, len(list(parse_catalogue(SPANISH))))
    assert re.search(r'\n\n#\. Consultas\n#: api/.*\nmsgid "Consultations"\nmsgstr ""\n\n', made)
    assert "Kaqchikel" in made


def test_a_catalogue_is_brought_up_to_date_without_losing_a_word() -> None:
    older = '# Nota de quien traduce.\nmsgid ""\nmsgstr ""\n"X-Draft: yes\\n"\n' + RULE
    older += '\nmsgid "Plan"\nmsgstr "[\\"Plan\\"]"\n#: x\nmsgid "no longer said"\nmsgstr "[gone]"\n'
    made = begun_or_renewed("quc", SPANISH, older)
    words = Catalogue("quc", made, catalogue("es-GT"))

    assert made.startswith('# Nota de quien traduce.\nmsgid ""')
    assert words.gettext("Plan").strip("".join(MARKS)) == '["Plan"]'
    assert "[gone]" not in made
    assert all(len(one.texts) == 2 for one in words.messages if one.plural)
    assert begun_or_renewed("quc", SPANISH, made) == made
    assert faults_of(Catalogue("quc", translated(made), catalogue("es-GT"))) == []


def test_the_command_writes_a_catalogue_and_says_how_complete_each_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cak"], tmp_path) == 0
    assert main(["cak"], tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["cak.po"]
    for wrong in ("es-GT", "../x", "Kaqchikel"):
        assert main([wrong], tmp_path) == 1
    capsys.readouterr()
    assert main([]) == 0
    total = progress(catalogue("es-GT"))[1]
    assert re.search(rf"quc +K'iche' +borrador / draft +0 de / of +{total}\n", capsys.readouterr().out)


# --- pages -----------------------------------------------------------------------------------------------------------


def test_marks_become_elements_in_text_and_vanish_in_tags_titles_and_words_for_scripts() -> None:
    a, b = MARKS
    page = (
        f'<title>{a}T{b}</title><p title="{a}x{b}">{a}uno <a href="/">{a}dos{b}</a>{b} &lt;3</p>'
        f"<option>{a}o{b}</option>"
        '<script type="application/json">{"x": "\\ue000w\\ue001"}</script>'
    )
    assert spoken_in(page, "quc") == (
        '<title>T</title><p title="x"><span lang="quc">uno <a href="/"><span lang="quc">dos</span></a></span> &lt;3</p>'
        '<option>o</option><script type="application/json">{"x": "w"}</script>'
    )


def test_what_is_no_page_has_no_marks() -> None:
    assert without_marks(f"{MARKS[0]}uno{MARKS[1]} dos") == "uno dos"


def test_a_page_of_a_draft_is_a_spanish_page_that_says_so(site: Served) -> None:
    source = people(site, "/quc/")
    page = Read(source)
    total = progress(catalogue("es-GT"))[1]

    assert [found.get("lang") for found in page.all("html")] == [DEFAULT_LANGUAGE]
    assert f"0 de {total:,} frases están traducidas a K'iche'" in page.text
    assert "Las demás están en español." in page.text
    assert not set(MARKS) & set(source)
    # Search engines are sent to the Spanish page; a draft is no alternative to it.
    assert [found["href"] for found in page.all("link", rel="canonical")] == [site.address.rstrip("/") + "/gt/"]
    assert [found["hreflang"] for found in page.all("link", rel="alternate")] == ["es-GT", "en"]
    assert all(link.startswith("/gt/quc") for link in page.links if "/compromisos/" in link)


@pytest.mark.parametrize("language", ["", "/en"])
def test_the_other_pages_lead_to_the_draft_as_a_draft(site: Served, language: str) -> None:
    source = people(site, f"{language}/consultas")
    name = "draft" if language else "borrador"
    assert f'<a href="/gt/quc/consultas" hreflang="quc"><span lang="quc">K&#39;iche&#39;</span> ({name})</a>' in source


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demonstration, served with a catalogue in which every sentence is translated, still a draft."""
    folder = tmp_path_factory.mktemp("borrador")
    words = folder / "words"
    words.mkdir()
    for path in FOLDER.glob("*.po"):
        (words / path.name).write_bytes(path.read_bytes())
    (words / "quc.po").write_text(translated(begun_or_renewed("quc", SPANISH)), "utf-8")
    build(folder / "demo")
    before = f"from pathlib import Path\nimport projections.words.catalogue as c\nc.FOLDER = Path({str(words)!r})\n"
    with Served(folder / "demo", before=before) as server:
        yield ready(server)


@pytest.mark.parametrize("path", PAGES)
def test_every_translated_phrase_says_its_language(invented: Served, path: str) -> None:
    source = people(invented, f"/quc{path}")
    page = Read(source)

    assert (page.wrong, page.open) == ([], [])
    assert not set(MARKS) & set(source)
    body = source[source.index("<main") :]
    body = re.sub(r"<(title|option|script|textarea|pre)\b.*?</\1>", "", body, flags=re.DOTALL)
    # Every bracket that begins a phrase stands first in an element of its language.
    spoken = body.count('<span lang="quc">[')
    texts = re.sub(r"<[^>]*>", "", body.replace('<span lang="quc">[', ""))
    assert spoken > 5
    assert [line for line in texts.splitlines() if re.match(r"\s*\[[A-Z]", line)] == []


@pytest.mark.parametrize("path", ["/", "/consultas", "/verificar", "/asientos/80"])
def test_axe_finds_nothing_in_a_translated_draft(
    invented: Served, look: Look, axe_findings: Callable[[Page], list[str]], path: str
) -> None:
    page = look(f"{invented.address.rstrip('/')}/gt/quc{path}", 390)
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator("main span[lang=quc]").first).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "es-GT"

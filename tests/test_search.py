"""The search of comments, against a plain account of what it should find; and what is left in its file afterwards."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.search import (
    FAIR_DOMAIN,
    MOST_BEGINNINGS,
    ORDERS,
    Asked,
    Cursor,
    Line,
    Order,
    Search,
    fair_key,
    fair_start,
    open_search,
    stem_of,
    term,
    words_in,
)

ORIGIN = "constancia.example/gt"
DAYS = ("2026-02-16", "2026-02-17")


@pytest.fixture
def search(tmp_path: Path) -> Iterator[Search]:
    with closing(open_search(tmp_path / "search.db", ORIGIN, 0)) as made:
        yield made


def line(nth: int, text: str = "", *filters: str, round_: str = "r1", answered: bool = False) -> Line:
    flag = term("flag", "answered" if answered else "unanswered")
    key = fair_key("2026-02-16T12:00:00.000Z", f"{round_} {nth}")
    return Line(round_, nth, 10 + 2 * nth, key, frozenset(["=", flag, *filters, *words_in(text)]))


def found(search: Search, words: str = "", *terms: str, round_: str = "r1") -> list[int]:
    """The numbers of the comments found, oldest first; there must be no more than a page of them."""
    answer = search.find(round_, Asked(words=words, terms=terms, order="oldest"))
    assert answer.following is None
    return [(index - 10) // 2 for index in answer.indexes]


def all_pages(search: Search, asked: Asked, size: int, round_: str = "r1") -> list[int]:
    """Every comment found, page after page."""
    numbers: list[int] = []
    after: Cursor | None = None
    while True:
        page = search.find(
            round_, Asked(words=asked.words, terms=asked.terms, order=asked.order, day=asked.day, after=after), size
        )
        assert len(page.indexes) <= size
        numbers += [(index - 10) // 2 for index in page.indexes]
        after = page.following
        if after is None:
            assert page.total == len(numbers) == len(set(numbers))
            return numbers


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("PARTICIPACION", "la participación de todos"),
        ("participaciones", "participar en la consulta"),
        ("camiones", "Un camión."),
        ("niño", "los ninos"),
        ("k'iche'", "en k’icheʼ y en español"),
        ("kʼicheʼ", "K'ICHE'"),
        ("kꞌiche", "k`iche´"),
        ("transp", "transparencia"),
        ("agua transp", "La transparencia del agua"),
        ("agua, (potable)!", "agua potable"),
        ("presupuesto 2026", "El presupuesto de 2026"),
        ("ﬁnanzas", "finanzas"),
        ("水", "水"),
    ],
)
def test_a_word_is_found_however_it_is_typed(search: Search, asked: str, text: str) -> None:
    search.put([line(0, text), line(1, "otra cosa distinta")])
    search.commit(30)
    assert found(search, asked) == [0]


@pytest.mark.parametrize(
    "asked", ["transp agua", "tr", "caminos", "agua caminos", '"', "* OR 1=1 --", "=position:for", "=", "%", "a_b NEAR"]
)
def test_what_is_not_there_is_not_found(search: Search, asked: str) -> None:
    """Only the last word may be begun; two letters are no beginning; no sign has a meaning of its own."""
    search.put([line(0, "transparencia del agua", term("position", "for"))])
    search.commit(30)
    assert found(search, asked) == ([0] if not words_in(asked) else [])


def test_no_word_is_a_filter_and_no_filter_a_word(search: Search) -> None:
    search.put([line(0, "position for"), line(1, "nada", term("position", "for"))])
    search.commit(30)
    assert found(search, "", term("position", "for")) == [1]
    assert found(search, "position") == [0]


def test_a_beginning_of_invented_words_costs_no_more_than_its_limit(search: Search) -> None:
    search.put([line(0, " ".join(f"abc{number:04d}" for number in range(MOST_BEGINNINGS + 50))), line(1, "abc")])
    search.commit(30)
    answer = search.find("r1", Asked(words="abc", order="oldest"))
    assert (answer.total, answer.cut) == (2, True)


def test_rounds_do_not_mix(search: Search) -> None:
    search.put([line(0, "agua"), line(0, "agua", round_="r2"), line(1, "tierra", round_="r2")])
    search.commit(30)
    assert (found(search, "agua"), found(search, "agua", round_="r2"), found(search, "agua", round_="r3")) == (
        [0],
        [0],
        [],
    )


# --- against a plain account -----------------------------------------------------------------------------------------

WORDS = ("agua", "aguas", "aguacate", "tierra", "fuego")
TOPICS = ("a", "b")
comments = st.lists(
    st.tuples(st.lists(st.sampled_from(WORDS), max_size=3), st.sampled_from(TOPICS), st.booleans()), max_size=40
)


@settings(max_examples=60)
@given(comments, st.data())
def test_every_question_is_answered_as_by_looking_at_each_comment(
    tmp_path_factory: pytest.TempPathFactory,
    said: list[tuple[list[str], str, bool]],
    data: st.DataObject,
) -> None:
    """Also after changes, with every order, in pages of any size, with numbers far apart."""
    step = data.draw(st.sampled_from((1, 1_700)))
    with closing(open_search(tmp_path_factory.mktemp("s") / "search.db", ORIGIN, 0)) as search:
        state = dict(enumerate(said))
        for changes in (
            state,
            data.draw(
                st.dictionaries(st.sampled_from(sorted(state) or [0]), st.sampled_from(said or [([], "a", False)]))
            ),
        ):
            state.update({key: value for key, value in changes.items() if key in state})
            search.put(
                [
                    line(step * key, " ".join(value[0]), term("about", value[1]), answered=value[2])
                    for key, value in changes.items()
                    if key in state
                ]
            )
            search.commit(99)
        words = data.draw(st.lists(st.sampled_from((*WORDS, "agu")), max_size=2))
        topic = data.draw(st.sampled_from((*TOPICS, "")))
        order: Order = data.draw(st.sampled_from(ORDERS))
        day = data.draw(st.sampled_from(DAYS))
        expected = [step * key for key, (text, about, _) in state.items() if fits(text, words) and topic in ("", about)]
        asked = Asked(words=" ".join(words), terms=(term("about", topic),) if topic else (), order=order, day=day)
        pages = all_pages(search, asked, data.draw(st.integers(1, 7)))
        assert pages == ordered(expected, order, day, {step * key for key, value in state.items() if value[2]})


def fits(text: Sequence[str], words: Sequence[str]) -> bool:
    """Each word is there by its stem, the last also as a beginning."""
    return all(
        any(stem_of(each) == stem_of(word) or (word == words[-1] and each.startswith(word)) for each in text)
        for word in words
    )


def ordered(numbers: list[int], order: Order, day: str, answered: set[int]) -> list[int]:
    """The order, written out from its definition a second time."""

    def digest(*lines: str) -> bytes:
        return sha256(FAIR_DOMAIN + "".join(f"{one}\n" for one in lines).encode()).digest()[:6]

    if order == "newest":
        return sorted(numbers, reverse=True)
    if order == "waiting":
        return sorted(numbers, key=lambda nth: (nth in answered, nth))
    if order == "oldest":
        return sorted(numbers)
    start = digest(ORIGIN, "r1", day)
    keys = {nth: digest("2026-02-16T12:00:00.000Z", f"r1 {nth}") for nth in numbers}
    return sorted(numbers, key=lambda nth: (keys[nth] < start, keys[nth]))


def test_a_long_fair_list_is_walked_and_not_sorted(search: Search) -> None:
    """Many matches take the other way to the same order."""
    search.put([line(nth, "agua" if nth % 3 else "tierra") for nth in range(2_000)])
    search.commit(30)
    for day in DAYS:
        numbers = [nth for nth in range(2_000) if nth % 3]
        assert all_pages(search, Asked(words="agua", day=day), 50) == ordered(numbers, "fair", day, set())


def test_each_day_begins_elsewhere() -> None:
    starts = {fair_start(ORIGIN, "r1", f"2026-02-{day:02d}") for day in range(1, 29)}
    assert len(starts) == 28
    assert fair_start(ORIGIN, "r2", DAYS[0]) != fair_start(ORIGIN, "r1", DAYS[0])


def test_counts_by_a_filter(search: Search) -> None:
    days = ("2026-02-16", "2026-02-16", "2026-02-18")
    search.put([line(nth, "agua", term("day", day), term("days", "x")) for nth, day in enumerate(days)])
    search.commit(30)
    assert search.counts("r1", "day") == [("2026-02-16", 2), ("2026-02-18", 1)]
    assert search.counts("r9", "day") == []


# --- what is hidden --------------------------------------------------------------------------------------------------


def test_a_hidden_comment_answers_to_no_word_before_the_file_knows(search: Search) -> None:
    search.put([line(0, "secreto"), line(1, "secreto")])
    search.commit(30)
    answer = search.find("r1", Asked(words="secreto", order="oldest", without=frozenset({10})))
    assert (answer.indexes, answer.total) == ((12,), 1)
    # Without words it stands in the list, with its marker.
    assert search.find("r1", Asked(order="oldest", without=frozenset({10}))).total == 2


def contents_of(path: Path) -> bytes:
    return b"".join(part.read_bytes() for part in sorted(path.parent.glob(path.name + "*")))


def test_removed_words_are_nowhere_in_the_file(tmp_path: Path) -> None:
    """A thousand comments with a word of their own each; every third is hidden. Nor does a reader hold them back."""
    path = tmp_path / "search.db"
    own = [sha256(b"%d" % nth).hexdigest()[:20] for nth in range(1_000)]
    with closing(open_search(path, ORIGIN, 0)) as search:
        search.put([line(nth, f"{word} agua limpia") for nth, word in enumerate(own)])
        search.commit(1_100)
        before = contents_of(path)
        assert all(word.encode() in before for word in own)
        assert found(search, own[3]) == [3]
        search.put([line(nth) for nth in range(0, 1_000, 3)])
        search.commit(1_200)
        search.clean()
        after = contents_of(path)
        assert [word for nth, word in enumerate(own) if (word.encode() in after) != bool(nth % 3)] == []
        assert found(search, own[3]) == []
        assert found(search, own[4]) == [4]
        # The comment itself keeps its place.
        assert search.find("r1", Asked()).total == 1_000


def test_a_reader_in_the_way_delays_the_cleaning_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "search.db"
    with closing(open_search(path, ORIGIN, 0)) as search:
        search.put([line(0, "palabrasecreta")])
        search.commit(11)
        reader = sqlite3.connect(path, isolation_level=None)
        with closing(reader):
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM word").fetchall()
            search._writer.execute("PRAGMA busy_timeout=50")  # pyright: ignore[reportPrivateUsage]
            search.put([line(0)])
            search.commit(12)
            search.clean()
            assert search.unclean
            assert b"palabrasecreta" in contents_of(path)
        search.clean()
        assert not search.unclean
        assert b"palabrasecreta" not in contents_of(path)


def test_put_and_taken_back_in_one_batch_leaves_nothing(search: Search) -> None:
    search.put([line(0, "secreto")])
    search.put([line(0, "")])
    search.commit(30)
    assert found(search, "secreto") == []
    search.clean()
    assert b"secreto" not in contents_of(search.path)
    search.put([line(0, "secreto")])
    search.commit(31)
    assert found(search, "secreto") == [0]


# --- the file --------------------------------------------------------------------------------------------------------


def test_the_file_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "search.db"
    with closing(open_search(path, ORIGIN, 0)) as search:
        search.put([line(0, "agua")])
        search.commit(20)
        search.put([line(1, "agua")])  # and the process is killed
    with closing(open_search(path, ORIGIN, 20)) as search:
        assert (search.position, found(search, "agua")) == (20, [0])
        search.put([line(1, "agua"), line(0, "tierra")])
        search.commit(21)
        assert found(search, "agua") == [1]


@pytest.mark.parametrize("damage", ["ahead", "another ledger", "another version", "no database", "another database"])
def test_a_file_that_does_not_fit_is_made_anew(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "search.db"
    with closing(open_search(path, ORIGIN, 0)) as search:
        search.put([line(0, "agua")])
        search.commit(20)
    if damage == "another version":
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA user_version=99")
    elif damage == "no database":
        path.write_bytes(b"nothing of the kind" * 100)
    elif damage == "another database":
        path.unlink()
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE other (x)")
            database.execute("PRAGMA application_id=7")
    origin = "constancia.example/hn" if damage == "another ledger" else ORIGIN
    with closing(open_search(path, origin, 19 if damage == "ahead" else 20)) as search:
        assert search.position == 0
        assert found(search, "agua") == []

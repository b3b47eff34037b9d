"""Text that is used again: the same pairs as comparing every text with every other, and passages that are the text."""

import re
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import projections.reuse as reuse
from projections.reuse import Alike, Wording, passages, repeated, shared_words, words_of

SEVEN = "uno dos tres cuatro cinco seis siete"


def naive(text: str) -> set[tuple[str, ...]]:
    """evidence of the rule written out a second time: six words in a row, ASCII letters in lower case."""
    words = [word for word in re.split(r"[ \t\n]", text) if word]
    lower = ["".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in word) for word in words]
    return {tuple(lower[place : place + 6]) for place in range(len(lower) - 5)}


def pairs_of(texts: dict[str, str], least_bp: int) -> dict[frozenset[str], int]:
    """What `repeated` tells, as pairs of texts and the shingles they share."""
    found = repeated(texts, least_bp)
    pairs = {frozenset(pair): one.shingles for one in found.same for pair in combinations(one.names, 2)}
    for one in found.alike:
        pairs |= {frozenset((a, b)): one.shared for a in one.shorter.names for b in one.longer.names}
    return pairs


def naive_pairs(texts: dict[str, str], least_bp: int) -> dict[frozenset[str], int]:
    sets = {name: found for name, text in texts.items() if (found := naive(text))}
    shared = {
        frozenset((a, b)): (len(sets[a] & sets[b]), min(len(sets[a]), len(sets[b]))) for a, b in combinations(sets, 2)
    }
    return {pair: n for pair, (n, least) in shared.items() if n and 10_000 * n >= least_bp * least}


@given(
    st.dictionaries(
        st.text("abcdefgh", min_size=1, max_size=2),
        st.lists(st.sampled_from(["uno", "Uno", "dos", "ÁRBOL", "árbol", "\n", "\t", "a\u00a0b"]), max_size=16).map(
            " ".join
        ),
        max_size=9,
    ),
    st.integers(1, 10_000),
)
def test_it_finds_the_pairs_that_comparing_each_with_each_finds(texts: dict[str, str], least_bp: int) -> None:
    assert pairs_of(texts, least_bp) == naive_pairs(texts, least_bp)


def test_words_are_split_at_ascii_space_alone_and_only_ascii_letters_are_lowered() -> None:
    assert words_of(" Plan\tDE\nacción  ÁRBOL a\u00a0b, ") == ["plan", "de", "acción", "Árbol", "a\u00a0b,"]


def test_fewer_than_six_words_repeat_nothing() -> None:
    assert repeated({"a": "uno dos tres cuatro cinco", "b": "uno dos tres cuatro cinco"}, 1) == ((), (), False)
    assert len(repeated({"a": "uno dos tres cuatro cinco seis", "b": SEVEN}, 10_000).alike) == 1


def test_texts_with_the_same_shingles_are_one_wording() -> None:
    found = repeated({"a": SEVEN, "b": SEVEN.upper().replace(" ", "\n"), "c": f"{SEVEN} ocho"}, 5_000)
    both = Wording(("a", "b"), 2)
    assert found.same == (both,)
    assert found.alike == (Alike(both, Wording(("c",), 3), 2),)
    assert found.alike[0].bp == 10_000


@pytest.mark.parametrize(("least_bp", "found"), [(3_333, 1), (3_334, 0)])
def test_the_threshold_is_met_exactly(least_bp: int, found: int) -> None:
    texts = {"a": f"{SEVEN} ocho", "b": "cero uno dos tres cuatro cinco seis otra cosa más que no está allá"}
    alike = repeated(texts, least_bp).alike
    assert [(one.shared, one.bp, one.shorter.names) for one in alike] == [(1, 3_333, ("a",))] * found


def test_a_plan_of_variants_of_one_text_ends_and_says_that_there_are_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse, "MOST", 10)
    found = repeated({f"{n}": f"{SEVEN} variante número {n}" for n in range(50)}, 5_000)
    assert (len(found.alike), found.more) == (10, True)
    assert not repeated({f"{n}": f"{SEVEN} variante número {n}" for n in range(5)}, 5_000).more


@given(st.text("ab \n\té", max_size=60), st.text("ab \n\té", max_size=60))
def test_passages_together_are_the_text(text: str, other: str) -> None:
    assert "".join(piece for piece, _ in passages(text, other)) == text
    marks = [shared for _, shared in passages(text, other)]
    assert all(one != following for one, following in pairwise(marks))


def test_passages_mark_the_words_of_shared_shingles_and_nothing_around_them() -> None:
    text = "Antes, el objetivo es  mejorar la transparencia; después no."
    other = "El objetivo es\nmejorar la transparencia; fin"
    assert passages(text, other) == (
        ("Antes, ", False),
        ("el objetivo es  mejorar la transparencia;", True),
        (" después no.", False),
    )
    assert shared_words(text, other) == 6
    assert passages("", other) == ()
    assert passages("nada", other) == (("nada", False),)

"""Copies and near copies are found, whoever stands first, and quickly."""

import random

import pytest

from proband.subjects.corpora import read_corpus
from proband.subjects.corpora.duplicates import exact_duplicates, near_duplicates
from proband.subjects.corpora.overview import languages

WORDS = [
    f"{a}{b}{c}" for a in ("ka", "lo", "mi", "tu", "ser") for b in ("ren", "sta", "vo", "gli") for c in ("t", "nd", "m")
]


def corpus_of(folder, texts):
    path = folder / "c.csv"
    path.write_text("text\n" + "".join(f'"{text}"\n' for text in texts))
    return read_corpus(path)


def sentences(n, length=40, seed=3):
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=length)) for _ in range(n)]


def test_planted_copies_are_found_and_nothing_else(tmp_path):
    texts = sentences(2_000)
    planted = {}
    for k in range(0, 200, 2):
        words = texts[k].split()
        words[k % 40] = "changed"
        texts[k + 1], planted[str(k + 1)] = " ".join(words), str(k + 2)
    found = near_duplicates(corpus_of(tmp_path, texts))
    assert sum(group in planted.items() for group in found) >= 98
    assert all(group in planted.items() for group in found)


def test_groups_do_not_depend_on_the_order_of_documents(tmp_path):
    base = sentences(50)
    texts = [*base, *(text.upper() for text in base[:10]), base[0], base[1]]
    first = corpus_of(tmp_path, texts)
    other = list(range(len(texts)))
    random.Random(1).shuffle(other)
    second = corpus_of(tmp_path, [texts[k] for k in other])
    for look in (exact_duplicates, near_duplicates):
        there = {frozenset(int(id) - 1 for id in group) for group in look(first)}
        assert there == {frozenset(other[int(id) - 1] for id in group) for group in look(second)}
    assert len(exact_duplicates(first)) == 2
    assert len(near_duplicates(first)) == 10


def test_short_documents_have_near_copies_too(tmp_path):
    assert near_duplicates(corpus_of(tmp_path, ["ok", "no", "OK", "n", "yes"])) == (("1", "3"),)


def test_copies_are_told_with_an_example(tmp_path):
    texts = sentences(5)
    told = " ".join(map(str, corpus_of(tmp_path, [*texts, texts[2], texts[3] + "!"]).remarks))
    assert "1 documents have the very words of another, e.g. '3' and '6'" in told
    assert "1 documents have nearly the words of another, e.g. '4' and '7'" in told


def test_languages_are_guessed_where_the_guesser_is_installed(tmp_path):
    pytest.importorskip("py3langid")
    english = ["The government will publish its plans for the railways next week."] * 3
    german = ["Die Regierung will ihre Pläne für die Bahn in der nächsten Woche vorlegen."]
    corpus = corpus_of(tmp_path, [*english, *german, "ok"])
    assert languages(corpus) == {"en": 0.75, "de": 0.25}
    assert "languages: en 75%, de 25%" in " ".join(map(str, corpus.remarks))

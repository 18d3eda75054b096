import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError
from proband.literature.spans import Span, find_span, moved, normal, span_at
from proband.subjects.corpora import Corpus
from proband.subjects.corpora.holding import HeldTexts


def corpus_of(text: str) -> Corpus:
    texts = HeldTexts()
    texts.add(text.encode())
    return Corpus(name="papers", columns=pl.DataFrame({"document": ["a.txt"]}), texts=texts, rows=[0], digests=b"")


@pytest.mark.parametrize(
    ("source", "words", "stands"),
    [
        ("A non\u00adreactive measure of trust.", "nonreactive measure", "non\u00adreactive measure"),
        ("We \u201cnudged\u201d them \u2013 often \u2013 by default.", '"nudged" them - often', None),
        ("They didn\u2019t change their minds.", "They didn't change", None),
        ("a default\r\n  option was\tset", "a default option was set", None),
        ("the par-\nticipants were paid well", "the participants were paid", None),
        ("state-of-the-\nart methods were used", "state-of-the-art methods", None),
        ("the parti\ufffe\ncipants were paid well", "the participants were paid", None),
        ("the participants were paid", "the parti\u00adcipants were", None),
        ("No e\ufb03cient \ufb01nding was made", "e\ufb03cient \ufb01nding", None),
    ],
)
def test_a_quotation_is_found_through_what_type_setting_does_to_it(source, words, stands):
    corpus = corpus_of(source)
    span = find_span(corpus, "a.txt", words)
    assert span is not None
    assert span.stands_in(corpus)
    assert stands is None or span.text == stands


@pytest.mark.parametrize(
    "words",
    ["the Participants were", "the participants paid", "paid fairly", "efficient finding", "well-paid people was"],
)
def test_other_case_words_left_out_ligatures_and_short_words_are_not_found(words):
    source = "the participants were paid fairly. e\ufb03cient \ufb01nding. wellpaid people was."
    assert find_span(corpus_of(source), "a.txt", words) is None


_WORD = st.text("abcABC0123,.;()é\ufb01", min_size=1, max_size=6)
_BETWEEN = st.sampled_from([" ", "  ", "\n", "\r\n", "\u00a0", " \n\t"])
_WITHIN = st.sampled_from(["", "", "", "\u00ad", "\u200b", "\ufffe\n", "-\n"])


@given(words=st.lists(_WORD, min_size=3, max_size=8).filter(lambda words: len(" ".join(words)) > 11), draw=st.data())
@settings(max_examples=80, deadline=None)
def test_a_found_span_has_the_words_and_nothing_else(words, draw):
    set_ = []
    for word in words:
        within = draw.draw(_WITHIN)
        cut = draw.draw(st.integers(0, len(word)))
        is_broken = word[:cut][-1:].isalnum() and word[cut:][:1].isalnum()
        set_.append(word[:cut] + within * is_broken + word[cut:] + draw.draw(_BETWEEN))
    corpus = corpus_of(f"Before. {''.join(set_)} After.")
    span = find_span(corpus, "a.txt", " ".join(words))
    assert span is not None
    assert span.stands_in(corpus)
    assert normal(span.text).replace("\x1f", "").split() == words


def test_places_are_those_of_the_text():
    corpus = corpus_of("One.\u200b The de\u00adfault was kept by most.")
    span = find_span(corpus, "a.txt", "default was kept")
    assert (span.start, span.end) == (10, 27)
    assert span == span_at(corpus, "a.txt", 10, 27)


def test_a_span_is_followed_where_its_words_moved_and_missed_aloud_where_they_are_gone():
    was = find_span(corpus_of("The default was kept by most people."), "a.txt", "default was kept by most")
    now = corpus_of("Added in front. The default was kept by most people.")
    assert not was.stands_in(now)
    assert moved(was, now).start == was.start + len("Added in front. ")
    with pytest.raises(DataError, match=re.escape("no longer has the words 'default was kept by most' at 4")):
        moved(was, corpus_of("The default was dropped by most people."))
    with pytest.raises(DataError, match=r"record 'b\.txt' of the span .* is not in"):
        moved(Span(record="b.txt", start=0, end=3, text="The"), now)

"""How varied a text is: values by hand, and what must not matter."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError
from proband.measures import content_density, hdd, mtld, repetition

WORDS = st.lists(st.sampled_from("abcdefgh"), min_size=45, max_size=90)


def test_mtld_by_hand():
    # a b a: 2/3 of the words differ, which is below .72: a factor every three words, in both directions.
    assert mtld(list("aba" * 6)) == 3
    # Ten words that all differ never fall to the threshold.
    assert mtld(list("abcdefghij")) == math.inf


@given(WORDS)
def test_hdd_does_not_depend_on_order_and_is_what_samples_show(words):
    shuffled = words[:]
    random.Random(1).shuffle(shuffled)
    assert hdd(words) == pytest.approx(hdd(shuffled))
    assert 0 < hdd(words) <= 1


def test_hdd_is_the_mean_over_random_samples():
    words = list("aaaaabbbbccccdddeefg" * 3)
    rng = random.Random(2)
    drawn = [len(set(rng.sample(words, 42))) / 42 for _ in range(4000)]
    assert hdd(words) == pytest.approx(sum(drawn) / len(drawn), abs=0.002)


@given(WORDS)
def test_repetition_is_a_share_and_grows_where_a_text_is_said_twice(words):
    assert 0 <= repetition(words) < 1
    assert repetition(words + words) > repetition(words) or repetition(words) > 0.5


def test_content_words_are_those_of_no_closed_class():
    words = ["i", "don\u2019t", "know", "what", "the", "old", "captain", "was", "saying"]
    assert content_density(words) == pytest.approx(4 / 9)


@pytest.mark.parametrize("measure", [mtld, hdd, repetition, content_density])
def test_a_text_that_is_a_string_or_empty_is_refused(measure):
    with pytest.raises(DataError, match="give the words of a text as a list"):
        measure("a text")
    with pytest.raises(DataError):
        measure([])

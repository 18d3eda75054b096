import numpy as np
import pytest

from proband.errors import DataError
from proband.measures import clustered_correlation
from proband.texts.scores import predicted


def planted(n=120, units=None, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 12)).astype(np.float32)
    return vectors, vectors[:, 0] + noise * rng.normal(size=n), units or [str(k) for k in range(n)]


def test_what_texts_hold_is_found_out_of_sample():
    vectors, scores, units = planted()
    found = predicted(vectors, scores, units)
    assert 0.5 < clustered_correlation(found.deviations, scores).value < 0.75  # 0.71 is the most there is


def test_texts_that_say_nothing_correlate_with_scores_around_zero_not_below():
    """Predictions themselves would be negatively related: who is left out moves the mean of the others."""
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        made = predicted(
            rng.normal(size=(40, 4)).astype(np.float32), scores := rng.normal(size=40), list(map(str, range(40)))
        )
        found.append([np.corrcoef(values, scores)[0, 1] for values in (made.deviations, made.values)])
    means = np.nanmean(found, axis=0)
    assert abs(means[0]) < 0.15
    assert means[1] < means[0] - 0.05


def test_what_an_author_wrote_elsewhere_is_not_learned_from():
    """Vectors tell authors apart and nothing else, and authors' scores are random: with them apart nothing is left."""
    rng, authors = np.random.default_rng(1), np.repeat(np.arange(40), 5)
    vectors = (np.eye(40)[authors] + 0.05 * rng.normal(size=(200, 40))).astype(np.float32)
    scores = rng.normal(size=40)[authors]
    apart = predicted(vectors, scores, [str(a) for a in authors])
    leaked = predicted(vectors, scores, [str(k) for k in range(200)])
    assert np.corrcoef(leaked.values, scores)[0, 1] > 0.9
    assert abs(np.corrcoef(apart.deviations, scores)[0, 1]) < 0.4


def test_no_author_is_predicted_by_a_fit_that_saw_their_score():
    vectors, scores, units = planted(60)
    other = scores.copy()
    other[7] += 100
    before, after = predicted(vectors, scores, units), predicted(vectors, other, units)
    assert before.values[7] == after.values[7]
    assert before.values[8] != after.values[8] or before.without[8] != after.without[8]


@pytest.mark.parametrize(
    ("n", "scores", "said"), [(15, None, "least to learn"), (30, np.ones(30), "nothing to predict")]
)
def test_what_cannot_be_learned_is_refused(n, scores, said):
    vectors, found, units = planted(n)
    with pytest.raises(DataError, match=said):
        predicted(vectors, found if scores is None else scores, units)


def test_texts_that_are_all_alike_are_guessed_at_the_mean():
    _, scores, units = planted(40)
    found = predicted(np.ones((40, 3), np.float32), scores, units)
    assert np.all(found.deviations == 0)

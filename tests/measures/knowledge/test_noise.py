import numpy as np
import pytest
from scipy import special, stats

from proband.errors import DataError
from proband.measures.knowledge.noise import AMOUNTS, NoiseLine, blurred, line_of


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(1)
    probs = special.softmax(rng.normal(size=(150, 2)), axis=1)
    return probs, blurred(probs, probs.argmax(axis=1), rng.normal(size=(150, 200, 2)))


def test_two_options_are_confused_as_often_as_the_normal_distribution_says(found):
    # The logits' difference d is blurred with standard deviation sqrt(2) times the amount.
    probs, line = found
    gap = np.abs(np.log(probs[:, 0] / probs[:, 1]))
    for g in (1, 8, 14):
        assert line.right[:, g].mean() == pytest.approx(
            stats.norm.cdf(gap / (np.sqrt(2) * AMOUNTS[g])).mean(), abs=0.01
        )


def test_no_noise_leaves_everything_and_much_leaves_chance(found):
    _, line = found
    assert (line.right[:, 0] == 1).all()
    assert (line.scores["rank"][:, 0] == 1).all()
    assert line.scores["kl"][:, 0] == pytest.approx(0.0, abs=1e-12)
    assert line.right[:, -1].mean() == pytest.approx(0.5, abs=0.03)
    assert line.scores["js"][:, -1].mean() > 0.2


@pytest.mark.parametrize("statistic", ["rank", "kl", "js"])
def test_what_lies_on_the_line_has_no_excess_and_what_lies_above_it_has_its_distance(found, statistic):
    _, blur = found
    line = line_of([(blur, row) for row in range(150)], statistic)
    for g in (0, 3, 9, len(AMOUNTS) - 1):
        on = line.excess(line.right[:, g], line.scores[:, g])
        assert on.mean() == pytest.approx(0.0, abs=0.002)
        above = line.excess(line.right[:, g] + 0.05, line.scores[:, g])
        assert above.mean() - on.mean() == pytest.approx(0.05)


def test_consistency_beyond_the_ends_of_the_line_counts_as_the_end():
    line = NoiseLine(right=np.array([[1.0, 0.5, 0.25]] * 3), scores=np.array([[1.0, 0.5, 0.0]] * 3), is_falling=True)
    assert line.excess(np.full(3, 0.4), np.full(3, -0.2)).mean() == pytest.approx(0.15)
    assert line.excess(np.full(3, 0.9), np.full(3, 1.0)).mean() == pytest.approx(-0.1)
    assert line.excess(np.full(3, 0.9), np.full(3, 0.75)).mean() == pytest.approx(0.15)


def test_options_that_are_excluded_stay_excluded():
    line = blurred(np.array([[0.7, 0.3, 0.0]]), np.array([2]), np.random.default_rng(0).normal(size=(1, 50, 3)))
    assert (line.right == 0).all()
    assert np.isfinite(line.scores["kl"]).all()


def test_tables_must_go_together():
    with pytest.raises(DataError, match="2 items of 2 options, noise of shape"):
        blurred(np.full((2, 2), 0.5), np.array([0, 1]), np.zeros((2, 5, 3)))

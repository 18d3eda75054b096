"""Specification curves: the effects of each specification, and joint tests that hold their size."""

import numpy as np
import pytest

from proband.errors import DataError, DesignError
from proband.measures import difference_in_means
from proband.measures.experiments.specifications import specification_curve

NAMES = [f"s{k}" for k in range(8)]


def answers(n=60, effect=0.0, seed=0):
    rng = np.random.default_rng(seed)
    treated = np.arange(n) % 2 == 0
    return rng.normal(size=n)[:, None] + effect * treated[:, None] + rng.normal(size=(n, 8)) / 2, treated


def test_each_effect_is_neymans():
    y, treated = answers(effect=0.4)
    y[3, 2] = np.nan
    found = specification_curve(y, treated, names=NAMES, n_draws=99)
    for k in (0, 2):
        there = np.isfinite(y[:, k])
        alone = difference_in_means(y[treated & there, k], y[~treated & there, k])
        assert found.estimates[k].value == pytest.approx(alone.value)
        assert found.estimates[k].se == pytest.approx(alone.se)
        assert found.estimates[k].df == pytest.approx(alone.df)
    assert found.median.value == pytest.approx(np.median([e.value for e in found.estimates]))


@pytest.mark.parametrize("is_within", [False, True])
def test_without_an_effect_the_joint_test_rejects_at_its_size(is_within):
    rejected = []
    for seed in range(200):
        y, treated = answers(seed=seed)
        found = specification_curve(y, None if is_within else treated, names=NAMES, n_draws=99)
        rejected.append(found.median.p_value < 0.05)
    assert np.mean(rejected) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_a_strong_effect_is_found_by_all_three():
    y, treated = answers(effect=1.5)
    found = specification_curve(y, treated, names=NAMES)
    assert found.median.p_value == pytest.approx(1 / 1000)
    assert found.same_sign.value == 1.0
    assert found.significant.value == 1.0
    assert found.significant.p_value < 0.01


def test_shuffling_stays_within_blocks():
    # Blocks differ by 10 and treatment by nothing: only a shuffle across blocks would see that as chance variation.
    rng = np.random.default_rng(5)
    blocks = np.repeat([0, 1], 40)
    treated = np.tile([True, False], 40)
    y = 10 * blocks[:, None] + 0.5 * treated[:, None] + rng.normal(size=(80, 2)) / 10
    found = specification_curve(y, treated, names=["a", "b"], blocks=list(blocks), n_draws=199)
    across = specification_curve(y, treated, names=["a", "b"], n_draws=199)
    assert found.median.p_value == pytest.approx(1 / 200)
    assert across.median.p_value > 0.3


def test_what_is_no_curve_is_refused():
    y, treated = answers()
    with pytest.raises(DesignError, match="one specification is no curve"):
        specification_curve(y[:, :1], treated, names=["a"])
    with pytest.raises(DataError, match="give a column a specification"):
        specification_curve(y, treated, names=["a"])
    y[:, 3] = np.nan
    with pytest.raises(DataError, match="specification 's3' has 0 units"):
        specification_curve(y, treated, names=NAMES)

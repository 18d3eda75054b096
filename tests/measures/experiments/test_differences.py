import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import difference_in_means

TREATED, CONTROL = [5, 7, 6, 8], [3, 4, 4, 5]
SLEEP = ([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0], [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
OUTCOMES = st.lists(st.floats(-5, 5), min_size=2, max_size=20).filter(lambda y: np.std(y) > 1e-3)


def test_neyman_reference_values():
    found = difference_in_means(TREATED, CONTROL)
    assert found.value == 2.5
    assert found.se == pytest.approx(0.7637626, abs=5e-8)
    assert found.interval_method == "t, Neyman variance, Welch, 5.069 df"


def test_blocked_reference_values():
    found = difference_in_means(TREATED, CONTROL, blocks=([1, 1, 2, 2], [1, 1, 2, 2]))
    assert found.value == 2.5
    assert found.se == pytest.approx(0.7905694, abs=5e-8)
    reach = stats.t.ppf(0.975, 4) * found.se
    assert found.interval == pytest.approx((2.5 - reach, 2.5 + reach))


def test_blocks_count_by_their_size():
    treated, control = [1, 1.5, 10, 10.5, 11, 11.5], [0, 0.5, 0, 0.5]
    found = difference_in_means(treated, control, blocks=("aabbbb", "aabb"))
    assert found.value == pytest.approx(0.4 * 1 + 0.6 * 10.5)


@given(y1=OUTCOMES, y0=OUTCOMES)
def test_the_interval_is_statsmodels_welch_interval(y1, y0):
    compared = CompareMeans(DescrStatsW(y1), DescrStatsW(y0))
    low, high = compared.tconfint_diff(usevar="unequal")
    found = difference_in_means(y1, y0)
    assert found.interval == pytest.approx((low, high), abs=1e-9)
    swapped = difference_in_means(y0, y1)
    assert swapped.value == pytest.approx(-found.value)


def test_outcomes_that_do_not_vary_are_warned_of():
    found = difference_in_means([1, 1], [0, 0])
    assert (found.value, found.interval, found.p_value) == (1, None, None)
    assert "do not vary" in found.warnings[0]


def test_rare_binary_outcomes_are_warned_of():
    (warning,) = difference_in_means([1] * 3 + [0] * 17, [1] * 10 + [0] * 10).warnings
    assert "3 of 20 treated units" in warning
    assert difference_in_means([1, 0] * 10, [1, 0] * 10).warnings == ()


@pytest.mark.parametrize(
    ("arms", "blocks", "error", "message"),
    [
        (([1], [1, 2]), None, DesignError, "1 treated units"),
        (([1, 2], []), None, DesignError, "0 control units"),
        (([1, 2], [1, 2]), ("ab", "ab"), DesignError, "block 'a' has 1 treated and 1 control"),
        (([1, 2], [1, 2]), ("aa", "a"), DataError, "every unit its block"),
        (([1, math.nan], [1, 2]), None, MissingDataError, "1 of 2 outcomes of the treated arm"),
        (([1, math.inf], [1, 2]), None, DataError, "infinite"),
        ((["a", "b"], [1, 2]), None, DataError, "must be numbers"),
        (([[1, 2]], [1, 2]), None, DataError, "one number per unit"),
    ],
)
def test_arms_that_carry_no_comparison_are_refused(arms, blocks, error, message):
    with pytest.raises(error, match=message):
        difference_in_means(*arms, blocks=blocks)


def test_more_neyman_reference_values():
    # R's `sleep`: extra hours under two drugs (Student 1908).
    found = difference_in_means(SLEEP[1], SLEEP[0])
    assert found.value == pytest.approx(1.58)
    assert found.se == pytest.approx(0.849091, abs=5e-7)
    assert found.df == pytest.approx(17.776, abs=5e-4)
    assert found.p_value == pytest.approx(0.07939, abs=5e-6)


def test_p_values_of_the_reference_data():
    plain = difference_in_means(TREATED, CONTROL)
    assert (plain.df, plain.p_value) == (pytest.approx(5.069, abs=5e-4), pytest.approx(0.02168, abs=5e-6))
    blocked = difference_in_means(TREATED, CONTROL, blocks=([1, 1, 2, 2], [1, 1, 2, 2]))
    assert (blocked.df, blocked.p_value) == (4, pytest.approx(0.03411, abs=5e-6))


def clubsandwich_difference(y, treated, cluster):
    """CR2 and Satterthwaite of the regression on treatment, with the matrices of their definition."""
    n = len(y)
    x = np.column_stack([np.ones(n), treated])
    bread = np.linalg.inv(x.T @ x)
    maker = np.eye(n) - x @ bread @ x.T
    e, scores, vectors = maker @ y, [], []
    for c in np.unique(cluster):
        inside = cluster == c
        values, axes = np.linalg.eigh(maker[np.ix_(inside, inside)])
        roots = np.where(values > 1e-10, np.maximum(values, 1e-10) ** -0.5, 0)
        weights = bread[1] @ x[inside].T @ (axes * roots) @ axes.T
        scores.append(weights @ e[inside])
        vectors.append(weights @ maker[inside])
    gram = np.array(vectors) @ np.array(vectors).T
    return float((bread @ x.T @ y)[1]), sum(s**2 for s in scores), np.trace(gram) ** 2 / (gram**2).sum()


@given(
    sizes=st.tuples(
        st.lists(st.integers(1, 5), min_size=2, max_size=5), st.lists(st.integers(1, 5), min_size=2, max_size=5)
    ),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_clusters_have_the_cr2_variance_of_the_regression_on_treatment(sizes, seed):
    rng = np.random.default_rng(seed)
    c1, c0 = (np.repeat(np.arange(len(side)) + 100 * k, side) for k, side in enumerate(sizes))
    y1, y0 = rng.normal(size=len(c1)), rng.normal(size=len(c0))
    treated = np.repeat([1.0, 0.0], [len(c1), len(c0)])
    value, variance, df = clubsandwich_difference(np.concatenate([y1, y0]), treated, np.concatenate([c1, c0]))
    found = difference_in_means(y1, y0, cluster=(c1, c0))
    assert (found.value, found.se, found.df) == pytest.approx((value, math.sqrt(variance), df))
    assert found.n_clusters == len(sizes[0]) + len(sizes[1])


def test_blocks_of_clusters_add_up_their_differences():
    y1, y0 = [1, 2, 5, 6, 7, 9], [0, 1, 2, 4, 4, 6]
    c1, c0 = ["a", "b", "e", "e", "f", "f"], ["c", "d", "g", "g", "h", "h"]
    blocks = ("xxyyyy", "xxyyyy")
    found = difference_in_means(y1, y0, cluster=(c1, c0), blocks=blocks)
    parts = [difference_in_means(y1[s], y0[s], cluster=(c1[s], c0[s])) for s in (slice(0, 2), slice(2, 6))]
    assert found.value == pytest.approx(parts[0].value / 3 + parts[1].value * 2 / 3)
    assert found.se == pytest.approx(math.hypot(parts[0].se / 3, parts[1].se * 2 / 3))
    assert "within 2 blocks" in found.interval_method


def test_skewed_outcomes_in_unequal_arms_are_warned_of():
    rng = np.random.default_rng(1)
    (warning,) = difference_in_means(rng.lognormal(0, 1.5, 10), rng.lognormal(0, 1.5, 50)).warnings
    assert "skewed" in warning


@pytest.mark.parametrize(
    ("clusters", "blocks", "error", "message"),
    [
        ((["a", "a"], ["b", "c"]), None, DesignError, "1 treated clusters"),
        ((["a", "b"], ["b", "c"]), None, DataError, "cluster 'b' is in both arms"),
        ((["a", "b"], ["c"]), None, DataError, "every unit its cluster"),
        ((["a", None], ["c", "d"]), None, MissingDataError, "cluster of unit 2"),
        ((["a", "b"], ["c", "d"]), ("xy", "xy"), DesignError, "block 'x' has 1 treated and 1 control clusters"),
        ((["a", "a"], ["c", "d"]), ("xy", "xy"), DataError, "a cluster is in blocks 'x' and 'y'"),
    ],
)
def test_clusters_that_carry_no_comparison_are_refused(clusters, blocks, error, message):
    with pytest.raises(error, match=message):
        difference_in_means([1, 2], [3, 5], cluster=clusters, blocks=blocks)

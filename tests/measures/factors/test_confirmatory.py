"""Confirmatory factors: published fits and loadings, robust errors that hold, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures import confirmatory_factors
from tests.measures.factors.holzinger import ITEMS, SCALES, everybody, with_moments


def items_of(rng, n, *, cuts=None, r=0.5, loading=0.7):
    """Two scales of four items with the same loading."""
    traits = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], n)
    x = loading * np.repeat(traits, 4, axis=1) + np.sqrt(1 - loading**2) * rng.normal(size=(n, 8))
    return x if cuts is None else np.digitize(x, cuts)


TWO = {"calm": range(4), "warm": range(4, 8)}


def test_fit_and_loadings_of_holzinger_and_swineford_are_those_of_lavaan():
    found = confirmatory_factors(everybody(), SCALES, items=ITEMS)
    fit = found.fit
    assert (round(fit.chi2, 2), fit.df) == (85.31, 24)
    assert (round(fit.cfi, 3), round(fit.tli, 3), round(fit.rmsea, 3), round(fit.srmr, 3)) == (
        0.931,
        0.896,
        0.092,
        0.065,
    )
    raw = found.raw_loadings
    marked = [raw[j, j // 3] / raw[3 * (j // 3), j // 3] for j in (1, 2, 4, 5, 7, 8)]
    assert np.allclose(marked, [0.554, 0.729, 1.113, 0.926, 1.180, 1.082], atol=1e-3)
    assert found.loadings["visual"]["x1"].value == pytest.approx(0.772, abs=5e-4)
    assert found.correlations["visual", "textual"].value == pytest.approx(0.459, abs=5e-4)


def test_the_interval_of_rmsea_is_that_of_lavaan_where_answers_are_normal():
    found = confirmatory_factors(everybody(), SCALES).fit.robust_rmsea
    # The scores have these moments and are normal, so the scaling is near 1.
    assert np.allclose(found.interval, (0.071, 0.114), atol=0.006)


@given(st.permutations(range(8)), st.integers(0, 50))
def test_neither_order_nor_units_of_items_change_the_fit(order, seed):
    x = items_of(np.random.default_rng(seed), 150)
    units = np.arange(1, 9)
    scales = {name: [order.index(j) for j in at] for name, at in TWO.items()}
    one, other = confirmatory_factors(x, TWO), confirmatory_factors((x * units)[:, order], scales)
    assert other.fit.chi2 == pytest.approx(one.fit.chi2, rel=1e-5, abs=1e-6)
    assert other.loadings["calm"][str(order.index(2))].value == pytest.approx(
        one.loadings["calm"]["2"].value, abs=1e-4
    )  # fmt: skip


@pytest.mark.parametrize("cuts", [[0.4], [-1, 0.3, 1.2]])
def test_ordinal_answers_give_the_loadings_from_before_they_were_cut(cuts):
    found = confirmatory_factors(items_of(np.random.default_rng(3), 4000, cuts=cuts), TWO, estimator="dwls")
    assert all(abs(one.value - 0.7) < 4 * one.se for one in found.loadings["calm"].values())
    assert found.fit.cfi > 0.99
    assert abs(found.correlations["calm", "warm"].value - 0.5) < 4 * found.correlations["calm", "warm"].se


@pytest.mark.slow
@pytest.mark.parametrize("cuts", [None, [-0.5, 0.5, 1.5]])
def test_intervals_cover_and_the_test_of_fit_holds_its_size(cuts):
    rng, covered, rejected = np.random.default_rng(4), 0, 0
    for _ in range(300):
        x = items_of(rng, 300, cuts=cuts)
        found = confirmatory_factors(x, TWO, estimator="ml" if cuts is None else "dwls")
        low, high = found.loadings["calm"]["0"].interval
        covered += low <= 0.7 <= high
        rejected += found.fit.robust_p <= 0.05
    assert 0.91 <= covered / 300 <= 0.98
    assert rejected / 300 <= 0.09


@pytest.mark.slow
def test_the_robust_statistic_holds_its_size_where_heavy_tails_break_the_plain_one():
    rng, plain, robust = np.random.default_rng(5), 0, 0
    for _ in range(200):
        x = items_of(rng, 400) / np.sqrt(rng.chisquare(7, size=(400, 1)))
        fit = confirmatory_factors(x, TWO).fit
        plain, robust = plain + (fit.p_value <= 0.05), robust + (fit.robust_p <= 0.05)
    assert plain / 200 > 0.2
    assert robust / 200 < 0.11


def test_people_in_sapa_fit_five_factors_as_published(shared_data):
    table = np.genfromtxt(shared_data / "survey" / "bfi_sapa_2800.csv", delimiter=",", names=True)
    names = [f"{scale}{k}" for scale in "ACENO" for k in range(1, 6)]
    x = np.column_stack([table[name] for name in names])
    x = x[~np.isnan(x).any(axis=1)]
    found = confirmatory_factors(x, {s: range(5 * k, 5 * k + 5) for k, s in enumerate("ACENO")}, items=names)
    # lavaan on psych::bfi, n = 2,436; reverse-keyed items change no fit.
    assert (round(found.fit.chi2), found.fit.df, found.fit.n_subjects) == (4165, 265, 2436)
    assert (round(found.fit.cfi, 3), round(found.fit.rmsea, 3), round(found.fit.srmr, 3)) == (0.782, 0.078, 0.075)


def test_a_heywood_case_names_its_item():
    lower = [1, 0.9, 1, 0.8, 0.5, 1, 0.2, 0.2, 0.2, 1]
    found = confirmatory_factors(with_moments(200, np.zeros(4), lower), {"calm": range(4)}, items=tuple("abcd"))
    assert "the unique variance of a is" in found.warnings[0]


def test_two_scales_that_are_one_are_named():
    x = items_of(np.random.default_rng(6), 200, r=1.0)
    seeds = (confirmatory_factors(x[:, at], TWO).warnings for at in (range(8), [0, 5, 2, 7, 4, 1, 6, 3]))
    assert any("merge their scales" in warning for warnings in seeds for warning in warnings)


@pytest.mark.parametrize("estimator", ["ml", "dwls"])
def test_what_is_not_identified_is_refused_with_the_way_out(estimator):
    x = items_of(np.random.default_rng(7), 200, cuts=[-1, 0, 1])
    with pytest.raises(DesignError, match="scale 'warm' has 1 item"):
        confirmatory_factors(x, {"calm": range(4), "warm": [4]}, estimator=estimator)
    with pytest.raises(DesignError, match="2 items for one factor: not identified"):
        confirmatory_factors(x, {"calm": [0, 1]}, estimator=estimator)
    with pytest.raises(DesignError, match="columns 0 to 7"):
        confirmatory_factors(x, {"calm": [0, 1, 8]}, estimator=estimator)
    with pytest.raises(DesignError, match="items 1 do not vary"):
        confirmatory_factors(x * [1, 0, 1, 1, 1, 1, 1, 1], {"calm": range(4)}, estimator=estimator)
    with pytest.raises(DesignError, match="more subjects"):
        confirmatory_factors(x[:8], TWO, estimator=estimator)


def test_two_items_that_nothing_ties_to_others_are_not_identified():
    lower = [1, 0.5, 1, 0.5, 0.5, 1, 0, 0, 0, 1, 0, 0, 0, 0.5, 1]
    with pytest.raises(DataError, match=r"not identified|did not converge"):
        confirmatory_factors(with_moments(200, np.zeros(5), lower), {"calm": range(3), "warm": [3, 4]})


def test_noise_is_said_not_to_converge():
    with pytest.raises(DataError, match=r"did not converge.*no more than by chance.*parallel_analysis"):
        confirmatory_factors(np.random.default_rng(8).normal(size=(150, 8)), TWO)

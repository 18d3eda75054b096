import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import FTestAnovaPower, NormalIndPower, TTestIndPower, TTestPower

from proband.errors import DesignError
from proband.measures.experiments.comparisons import (
    Paired,
    SeveralMeans,
    SharedItems,
    TwoMeans,
    TwoShares,
    design_effect,
)
from proband.measures.experiments.planning import power, sample_size, simulated_power


def test_sample_sizes_of_pwr():
    means = sample_size(TwoMeans(effect=0.5))
    assert means.exact == pytest.approx(63.76561, abs=5e-6)
    assert (means.groups, means.total) == ((64, 64), 128)
    shares = sample_size(TwoShares(share_a=0.5, share_b=0.4))
    assert shares.exact == pytest.approx(387.1677, abs=5e-5)


def test_powers_of_pwr():
    assert float(power(Paired(effect=0.2), 60, alpha=0.1)) == pytest.approx(0.4555818, abs=5e-8)
    assert float(power(SeveralMeans(f=0.28, n_groups=4), 20)) == pytest.approx(0.5149793, abs=5e-8)


def test_items_needed_by_millers_formula():
    found = sample_size(SharedItems(effect=0.03, sd_items=1 / 3))
    assert found.exact == pytest.approx(968.997, abs=5e-4)
    assert found.groups == (969,)
    noisy = SharedItems(effect=0.03, sd_items=1 / 3, sd_a=0.4, sd_b=0.4, k_a=4, k_b=4)
    assert sample_size(noisy).exact == pytest.approx(968.997 * (1 / 9 + 0.08) * 9, rel=1e-6)


def test_a_published_design_effect():
    assert design_effect(5, 0.1) == pytest.approx(1.4)


# statsmodels gives NaN beyond a noncentrality of about 6.
@given(effect=st.floats(0.1, 0.8), n=st.integers(3, 60), ratio=st.floats(0.5, 4))
def test_power_of_two_means_is_statsmodels(effect, n, ratio):
    expected = TTestIndPower().power(effect, nobs1=n, ratio=ratio, alpha=0.05)
    assert float(power(TwoMeans(effect=effect, ratio=ratio), n)) == pytest.approx(expected, abs=1e-6)


@given(effect=st.floats(0.1, 0.6), n=st.integers(3, 60), correlation=st.floats(-0.9, 0.5))
def test_power_of_pairs_is_statsmodels_one_sample_power(effect, n, correlation):
    expected = TTestPower().power(effect / math.sqrt(2 - 2 * correlation), nobs=n, alpha=0.05)
    assert float(power(Paired(effect=effect, correlation=correlation), n)) == pytest.approx(expected, abs=1e-6)


@given(n=st.integers(2, 200), k=st.integers(2, 6), f=st.floats(0.05, 0.8))
def test_power_of_several_means_is_statsmodels(n, k, f):
    expected = FTestAnovaPower().power(f, nobs=n * k, alpha=0.05, k_groups=k)
    assert float(power(SeveralMeans(f=f, n_groups=k), n)) == pytest.approx(expected, abs=1e-6)


@given(a=st.floats(0.05, 0.45), b=st.floats(0.5, 0.95), n=st.integers(5, 400))
def test_power_of_two_shares_is_statsmodels_on_the_arcsine_scale(a, b, n):
    h = 2 * math.asin(math.sqrt(b)) - 2 * math.asin(math.sqrt(a))
    expected = NormalIndPower().power(h, nobs1=n, alpha=0.05)
    assert float(power(TwoShares(share_a=a, share_b=b), n)) == pytest.approx(expected, abs=1e-9)


@given(
    effect=st.floats(0.05, 3),
    wanted=st.floats(0.1, 0.99),
    cluster_size=st.integers(1, 30),
    icc=st.floats(0, 1),
    is_paired=st.booleans(),
)
def test_a_study_of_the_size_found_has_the_power_and_one_smaller_has_not(effect, wanted, cluster_size, icc, is_paired):
    kind = Paired if is_paired else TwoMeans
    comparison = kind(effect=effect, cluster_size=cluster_size, icc=icc)
    found = sample_size(comparison, power=wanted)
    assert float(power(comparison, found.exact)) >= wanted - 1e-7
    assert float(power(comparison, found.groups[0])) >= wanted - 1e-7
    if found.exact > comparison.least:
        assert float(power(comparison, found.exact)) == pytest.approx(wanted, abs=1e-7)
    assert all(n == c * cluster_size for n, c in zip(found.groups, found.clusters, strict=True))


def test_clusters_cost_what_the_design_effect_says_and_degrees_of_freedom_besides():
    plain = sample_size(TwoMeans(effect=0.2)).exact
    clustered = sample_size(TwoMeans(effect=0.2, cluster_size=5, icc=0.1))
    assert 1.4 * plain < clustered.exact < 1.4 * plain + 10
    assert clustered.groups[0] % 5 == 0
    assert clustered.clusters == (clustered.groups[0] // 5,) * 2


def test_one_cluster_size_of_one_is_no_clusters():
    assert power(TwoMeans(effect=0.5), 64).n_clusters is None
    assert power(TwoMeans(effect=0.5, cluster_size=4, icc=0.2), 64).n_clusters == 32


def test_simulated_power_agrees_with_the_formula():
    def finds(rng: np.random.Generator) -> bool:
        d = rng.normal(0.5, 1, 20)
        return abs(d.mean() / (d.std(ddof=1) / math.sqrt(20))) > 2.093

    found = simulated_power(finds, rng=np.random.default_rng(1), n_replicates=2000)
    low, high = found.interval
    assert low <= float(power(Paired(effect=0.5), 20)) <= high
    assert found.se == pytest.approx(math.sqrt(found.value * (1 - found.value) / 2000))


@pytest.mark.parametrize(
    "make",
    [
        lambda: TwoMeans(effect=0),
        lambda: TwoMeans(effect=0.5, sd=0),
        lambda: TwoMeans(effect=0.5, ratio=0),
        lambda: TwoMeans(effect=0.5, cluster_size=0.5),
        lambda: TwoMeans(effect=0.5, icc=1.1),
        lambda: TwoShares(share_a=0.4, share_b=0.4),
        lambda: TwoShares(share_a=0.4, share_b=1.2),
        lambda: Paired(effect=0.5, correlation=1),
        lambda: SharedItems(effect=0.1, sd_items=0),
        lambda: SharedItems(effect=0.1, sd_items=1, k_a=0),
        lambda: SeveralMeans(f=0.2, n_groups=1),
        lambda: power(TwoMeans(effect=0.5), 1),
        lambda: power(TwoMeans(effect=0.5), 20, alpha=0),
        lambda: power(Paired(effect=0.5, cluster_size=10), 15),
        lambda: sample_size(TwoMeans(effect=0.5), power=0.05),
        lambda: sample_size(TwoMeans(effect=1e-9)),
        lambda: sample_size(TwoMeans(effect=0.1, cluster_size=1e15, icc=1)),
        lambda: simulated_power(lambda rng: True, rng=np.random.default_rng(1), n_replicates=0),
    ],
)
def test_a_comparison_that_makes_no_sense_is_refused(make):
    with pytest.raises(DesignError):
        make()

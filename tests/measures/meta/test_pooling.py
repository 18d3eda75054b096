"""Random effects: metafor's published results for the BCG trials, statsmodels, and real replications by site."""

import csv
import gzip
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import random_effects

# Colditz et al. (1994), as in Viechtbauer (2010), J. Stat. Softw. 36(3): vaccinated ill and well, others ill and well.
BCG = [
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
]  # fmt: skip


def log_risk_ratios():
    a, b, c, d = np.array(BCG, dtype=float).T
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def pairs(y, v):
    return list(zip(y.tolist(), np.sqrt(v).tolist(), strict=True))


def test_the_published_results_for_the_bcg_trials():
    found = random_effects(pairs(*log_risk_ratios()))
    assert found.tau2.value == pytest.approx(0.3132, abs=5e-5)
    assert found.tau2.interval == pytest.approx((0.1197, 1.1115), abs=5e-5)
    assert found.i2.value == pytest.approx(0.9222, abs=5e-5)
    assert found.i2.interval == pytest.approx((0.8192, 0.9768), abs=5e-5)
    assert found.h2.value == pytest.approx(12.86, abs=5e-3)
    assert found.heterogeneity.value == pytest.approx(152.2330, abs=5e-5)
    assert found.pooled.value == pytest.approx(-0.7145, abs=5e-5)
    # Without Knapp and Hartung the error is 1 / sqrt(sum of weights), published as 0.1798.
    _, v = log_risk_ratios()
    assert math.sqrt(1 / (1 / (v + found.tau2.value)).sum()) == pytest.approx(0.1798, abs=5e-5)
    assert found.pooled.se == pytest.approx(0.1808, abs=5e-5)


def test_dersimonian_and_laird_is_that_of_statsmodels():
    y, v = log_risk_ratios()
    found = random_effects(pairs(y, v), method="DL")
    oracle = combine_effects(y, v, method_re="dl")
    assert found.tau2.value == pytest.approx(oracle.tau2) == pytest.approx(0.3088, abs=5e-5)
    assert found.pooled.value == pytest.approx(oracle.mean_effect_re)
    assert found.pooled.baselines["common effect"] == pytest.approx(oracle.mean_effect_fe)
    # statsmodels' error with the scale estimated is Knapp and Hartung's.
    assert found.pooled.se == pytest.approx(oracle.sd_eff_w_re_hksj)


def test_equal_errors_make_it_a_t_test_of_the_effects():
    y = np.array([0.1, 0.5, 0.2, 0.9, 0.4])
    found = random_effects(pairs(y, np.full(5, 0.01)))
    assert found.pooled.value == pytest.approx(y.mean())
    assert found.pooled.se == pytest.approx(y.std(ddof=1) / math.sqrt(5))
    assert found.tau2.value == pytest.approx(y.var(ddof=1) - 0.01)


effects = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.05, 2)), min_size=3, max_size=12)


@given(effects, st.floats(-2, 2), st.floats(0.1, 10))
def test_shifted_and_scaled_effects_give_shifted_and_scaled_results(given_effects, shift, scale):
    assume(np.ptp([y for y, _ in given_effects]) > 1e-3)
    plain = random_effects(given_effects)
    other = random_effects([(scale * (y + shift), scale * se) for y, se in given_effects])
    assert other.pooled.value == pytest.approx(scale * (plain.pooled.value + shift), abs=1e-6 * scale, rel=1e-6)
    assert other.tau2.value == pytest.approx(scale**2 * plain.tau2.value, abs=1e-7 * scale**2, rel=1e-6)
    assert 0 <= plain.i2.value <= 1
    low, high = plain.prediction.interval
    assert low <= plain.pooled.interval[0] <= plain.pooled.interval[1] <= high
    assert sum(plain.weights.values()) == pytest.approx(1)


def test_what_cannot_be_pooled_is_refused_with_the_way_out():
    with pytest.raises(DesignError, match="1 effect: how far effects differ takes two studies at least; add others"):
        random_effects({"a": (0.3, 0.1)})
    with pytest.raises(DataError, match="effect 'b' has the standard error 0"):
        random_effects({"a": (0.3, 0.1), "b": (0.2, 0.0)})
    with pytest.raises(MissingDataError, match="effect 'b' is missing; leave it out"):
        random_effects({"a": (0.3, 0.1), "b": (float("nan"), 0.1)})
    with pytest.raises(DesignError, match=r"method.* 'ML'"):
        random_effects({"a": (0.3, 0.1), "b": (0.2, 0.1)}, method="ML")


def test_two_effects_predict_no_third():
    found = random_effects([(0.3, 0.1), (0.6, 0.1)])
    assert found.pooled.interval is not None
    assert found.prediction.interval is None
    assert found.prediction.interval_method == "none: it takes three effects"


def test_effects_that_differ_less_than_chance_are_told():
    found = random_effects([(0.3, 0.2)] * 3 + [(0.31, 0.2)] * 3)
    assert found.tau2.value == 0
    assert any("differ less than their errors" in warning for warning in found.pooled.warnings)


def test_effects_at_36_sites_of_many_labs(shared_data):
    """Klein et al. (2014): priming by flags and money did not replicate at any site to speak of; anchors did at all."""
    with gzip.open(shared_data / "experiments" / "manylabs1_smd_by_site.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["d"] and ":" not in row["site"]]

    def pooled(effect):
        sites = {row["site"]: row for row in rows if row["effect"] == effect}
        return random_effects(
            {site: (float(row["d"]), (float(row["hi"]) - float(row["lo"])) / 3.92) for site, row in sites.items()}
        )

    for effect, original in (("Flag priming", 0.50), ("Currency priming", 0.80)):
        found = pooled(effect)
        assert found.pooled.n_units == 36
        assert found.tau2.value == pytest.approx(0, abs=1e-3)
        assert found.prediction.interval[0] < 0 < found.prediction.interval[1] < original
    anchor = pooled("Anchoring: Mt. Everest")
    assert anchor.i2.interval[0] > 0.5
    assert anchor.prediction.interval[0] > 0


@pytest.mark.slow
def test_intervals_cover_with_unequal_studies():
    rng, drawn = np.random.default_rng(3), 400
    hits = {"pooled": 0, "prediction": 0, "tau2": 0}
    for _ in range(drawn):
        v = rng.choice([0.01, 0.05, 0.3], 10)
        found = random_effects(pairs(rng.normal(0.4, np.sqrt(0.1 + v)), v))
        truth = {"pooled": 0.4, "prediction": rng.normal(0.4, np.sqrt(0.1)), "tau2": 0.1}
        for name, value in truth.items():
            low, high = getattr(found, name).interval
            hits[name] += low <= value <= high
    # The prediction interval takes the variance of true effects as known, and is short with ten studies.
    least = {"pooled": 0.90, "prediction": 0.85, "tau2": 0.91}
    assert all(least[name] * drawn <= count <= 0.99 * drawn for name, count in hits.items()), hits


def test_effects_that_are_all_alike_have_no_interval():
    found = random_effects([(0.3, 0.1)] * 4)
    assert (found.pooled.interval, found.pooled.p_value, found.prediction.interval) == (None, None, None)
    assert "all alike" in str(found.pooled.warnings)


def test_a_standard_error_below_zero_is_refused():
    with pytest.raises(DataError, match="above 0"):
        random_effects([(0.1, -0.1), (0.2, 0.1)])


def test_effects_that_differ_greatly_are_not_said_to_differ_too_little():
    found = random_effects([(0.1, 0.1), (0.2, 0.1), (1e6, 0.1)])
    assert not any("differ less" in warning for warning in found.pooled.warnings)


def test_effects_more_alike_than_chance_allows_have_no_interval_of_their_variance():
    found = random_effects([(0.1, 0.1)] * 5)
    assert found.tau2.interval is None is found.i2.interval
    assert "more alike" in found.tau2.interval_method

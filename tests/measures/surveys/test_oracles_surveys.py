"""Survey estimates against R's survey (4.4) and Python's svy (0.35): their numbers on data written here as a rule."""

import numpy as np
import pytest

from proband.measures import (
    rao_scott_test,
    share_estimates,
    survey_design,
    survey_mean,
    survey_proportion,
    survey_quantile,
    survey_ratio,
    survey_regression,
    survey_total,
)

K = np.arange(240)
STRATUM, PSU = np.array(list("abc"))[K // 80], K // 8 % 10
Y, X, W = (K * 37 % 101) / 10 + (K // 8) % 7, 1 + (K * 13 % 17) / 3, 10 + (K * 29 % 23) / 2
Z, G = ((K * K + PSU * PSU) % 11 < 3 + PSU % 5).astype(int), (K * 7 % 5) // 2
DESIGN = survey_design(240, STRATUM, PSU, weights=W, fpc=np.array([50, 40, 100])[K // 80])

# Ambulances in three areas (Levy & Lemeshow, Sampling of Populations, as R's scd), with R's balanced replicates.
ARRESTS, ALIVE = [120, 78, 185, 228, 670, 530], [25, 24, 30, 49, 80, 70]
BRR = [[2, 0, 2, 0], [0, 2, 0, 2], [2, 2, 0, 0], [0, 0, 2, 2], [2, 0, 0, 2], [0, 2, 2, 0]]


def numbers(found):
    return found.value, found.se, *found.interval


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (lambda: survey_mean(Y, DESIGN), (7.835423408845756, 0.35776144068891824, 7.101357567220282, 8.56948925047123)),
        (lambda: survey_total(Y, DESIGN), (29053.75, 1342.8160110845417, 26298.51913043847, 31808.980869561652)),
        (
            lambda: survey_ratio(Y, X, DESIGN),
            (2.1431074120062505, 0.1032670858825774, 1.9312208538443878, 2.3549939701681133),
        ),
        (lambda: survey_quantile(Y, 0.5, DESIGN), (7.8, 0.36552726649496936, 7.2, 8.7)),
        (
            lambda: survey_mean(Y, DESIGN, domain=G == 1),
            (7.8650337837837805, 0.4798636526426589, 6.880434897541877, 8.849632670025683),
        ),
        (
            lambda: survey_proportion(Z, DESIGN, interval="logit"),
            (0.3561218985976268, 0.02799407145651177, 0.3009590972093607, 0.4153874088552871),
        ),
        (
            lambda: survey_regression(Y, {"1": np.ones(240), "x": X}, DESIGN)["x"],
            (0.02007054158938394, 0.08828174272154125, -0.16139517946944032, 0.20153626264820823),
        ),
        (
            lambda: survey_regression(Z, {"1": np.ones(240), "x": X, "y": Y}, DESIGN, model="logistic")["y"],
            (-0.04244111752532213, 0.026792302008544384, -0.09762089642892889, 0.012738661378284624),
        ),
    ],
    ids=["mean", "total", "ratio", "median", "domain", "share", "linear", "logistic"],
)
def test_estimates_of_a_stratified_cluster_sample_without_replacement_are_those_of_svy(found, expected):
    assert numbers(found()) == pytest.approx(expected, rel=1e-8)


def test_design_effect_and_rao_scott_test_are_those_of_svy():
    assert survey_mean(Y, DESIGN).baselines["design_effect"] == pytest.approx(2.4234832768173282)
    found = rao_scott_test(G, Z, DESIGN)
    assert found.statistic == pytest.approx(1.88676585874979)
    assert found.df == pytest.approx(1.9177944245713932)
    assert found.p_value == pytest.approx(0.1633456559228723)


@pytest.mark.parametrize(("rho", "factor"), [(None, 1.0), (0.3, 1.0)])
def test_balanced_replicates_are_those_of_r(rho, factor):
    weights = np.array(BRR, dtype=float)
    kind, scale = "brr", None
    if rho is not None:
        weights, kind, scale = 1 + (1 - rho) * (weights - 1), "fay", 1 / (4 * (1 - rho) ** 2)
    design = survey_design(6, weights=np.ones(6), replicate_weights=weights, replicate_type=kind, replicate_scale=scale)
    assert survey_mean(ALIVE, design).se == pytest.approx(3.58236421003411 * factor)
    assert survey_total(ALIVE, design).se == pytest.approx(21.4941852602047)
    assert survey_mean(ARRESTS, design).value == pytest.approx(301.833333333333)
    assert survey_mean(ARRESTS, design).se == pytest.approx(25.3930217885851)


def test_intervals_of_shares_are_those_of_svyciprop():
    drawn = survey_design(200, weights=[4] * 10 + [0.5] * 10 + [1] * 180)
    some = [1] * 20 + [0] * 180
    assert survey_proportion(some, drawn).se == pytest.approx(0.0470, abs=5e-5)
    assert survey_proportion(some, drawn, interval="logit").interval == pytest.approx((0.123, 0.308), abs=6e-4)
    assert survey_proportion(some, drawn, interval="beta").interval == pytest.approx((0.115, 0.310), abs=6e-4)
    weights = [4] * 10 + [0.5] * 10 + [1] * 180
    one = share_estimates(some, 2, target="human", weights=weights)[1]
    rows = share_estimates([[1 - v, v] for v in some], 2, target="human", weights=weights)[1]
    assert one.interval == pytest.approx(rows.interval)
    assert one.interval == pytest.approx((0.124, 0.307), abs=6e-4)
    texts = survey_design(20, psu=np.arange(20) // 2)
    right = [1] * 19 + [0]
    assert survey_proportion(right, texts, interval="logit").interval == pytest.approx((0.637, 0.995), abs=6e-4)
    assert survey_proportion(right, texts, interval="beta").interval == pytest.approx((0.718, 0.999), abs=6e-4)

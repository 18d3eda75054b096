"""Units of weight 0 stand for nobody, whatever is corrected."""

from dataclasses import replace

import numpy as np
import pytest

import proband.measures as m
from proband.errors import DataError
from tests.measures.calls import CALLS

CORRECTED = ("dsl_mean", "dsl_ols", "ppi_logit", "ppi_mean", "ppi_ols", "ppi_poisson", "ppi_quantile", "ppi_stratified")
SAID = ("1 of {} labelled units weigh 0", "2 of {} unlabelled units weigh 0")


def _longer(values, more):
    """The same values, and some of units that stand for nobody."""
    return {k: _longer(v, more) for k, v in values.items()} if isinstance(values, dict) else [*values, *more]


@pytest.mark.parametrize("name", CORRECTED)
def test_who_weighs_nothing_is_left_out_and_counted(name):
    (y, f, u), given = CALLS[name]
    n, n_unlabelled = len(y), len(u)
    weights = [1.0 + k % 3 for k in range(n)], [1.0 + k % 2 for k in range(n_unlabelled)]
    more = dict(given)
    if "regressors" in given:
        x = given["regressors"]
        more["regressors"] = replace(
            x, labelled=_longer(x.labelled, [9.0]), unlabelled=_longer(x.unlabelled, [9.0, -9.0])
        )
    if "strata" in given:
        more |= {"strata": [*given["strata"], "a"], "strata_unlabelled": [*given["strata_unlabelled"], "a", "b"]}
    drawn = m.Sampling(
        weights=[*weights[0], 0],
        weights_unlabelled=[*weights[1], 0, 0],
        cluster=list(range(n + 1)),
        cluster_unlabelled=list(range(1000, 1002 + n_unlabelled)),
    )
    plain = m.Sampling(
        weights=weights[0],
        weights_unlabelled=weights[1],
        cluster=list(range(n)),
        cluster_unlabelled=list(range(1000, 1000 + n_unlabelled)),
    )
    found = getattr(m, name)([*y, 1], [*f, 1], [*u, 0, 1], **more, sampling=drawn)
    expected = getattr(m, name)(y, f, u, **given, sampling=plain)
    assert found.n_units == n
    assert found.warnings[2:] == expected.warnings
    for said, size, warning in zip(SAID, (n + 1, n_unlabelled + 2), found.warnings, strict=False):
        assert warning.startswith(said.format(size))
    if isinstance(found, m.CorrectedRegression):
        np.testing.assert_array_equal(found.covariance, expected.covariance)
    else:
        assert (found.value, found.interval) == (expected.value, expected.interval)


def test_people_of_weight_0_belong_to_no_group():
    found = m.poststratify([1, 0, 1, 1, 0], list("ffmmm"), population={"f": 520, "m": 480}, weights=[1, 1, 1, 1, 0])
    assert found.value == pytest.approx(0.74)
    assert found.n_units == 4
    assert found.warnings[0] == "1 of 5 people weigh 0, stand for nobody and are left out"
    with pytest.raises(DataError, match="'m'"):
        m.poststratify([1, 0, 1], list("ffm"), population={"f": 520, "m": 480}, weights=[1, 1, 0])


def test_a_negative_weight_is_still_refused():
    (y, f, u), _ = CALLS["ppi_mean"]
    with pytest.raises(DataError, match="weights are positive, or 0"):
        m.ppi_mean(y, f, u, sampling=m.Sampling(weights=[0, -1, *[1] * (len(y) - 2)]))

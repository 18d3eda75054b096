"""The published method beside its authors' package, where that is installed."""

import warnings

import numpy as np
import pytest

from proband.measures.correction.links import LOG, rectified_fit
from proband.measures.correction.means import ppi_mean
from proband.measures.correction.regressions import ppi_logit, ppi_ols
from proband.measures.correction.samples import Regressors, Sampling, read_data, read_labels


@pytest.fixture(scope="module")
def ppi_py():
    # The package silences all warnings of the process when it is imported.
    with warnings.catch_warnings():
        return pytest.importorskip("ppi_py")


@pytest.fixture(params=[False, True], ids=["plain", "weighted"])
def case(request):
    """Arrays, and the weights in our form and in the package's."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((560, 2))
    y = 1 + x @ [0.5, -0.3] + rng.standard_normal(560)
    f = 0.7 * y + rng.standard_normal(560)
    w = rng.random(560) + 0.5
    ours = Sampling(weights=w[:60], weights_unlabelled=w[60:]) if request.param else None
    theirs = {"w": w[:60], "w_unlabeled": w[60:]} if request.param else {}
    return x, y, f, ours, theirs


def test_the_mean_is_that_of_ppi_python(ppi_py, case):
    _, y, f, ours, theirs = case
    found = ppi_mean(y[:60], f[:60], f[60:], small_sample="paper", sampling=ours)
    low, high = ppi_py.ppi_mean_ci(y[:60], f[:60], f[60:], alpha=0.05, **theirs)
    assert found.interval == pytest.approx((float(low[0]), float(high[0])), abs=1e-8)


@pytest.mark.parametrize("kind", ["ols", "logit"])
def test_regressions_are_those_of_ppi_python(ppi_py, case, kind):
    x, y, f, ours, theirs = case
    if kind == "logit":
        y, f = (y > 1) * 1.0, 1 / (1 + np.exp(-f))
    regressors = Regressors(labelled=x[:60], unlabelled=x[60:])
    ours_ = {"ols": ppi_ols, "logit": ppi_logit}[kind]
    found = ours_(y[:60], f[:60], f[60:], regressors=regressors, small_sample="paper", sampling=ours)
    full = np.column_stack([np.ones(560), x])
    oracle = {"ols": ppi_py.ppi_ols_ci, "logit": ppi_py.ppi_logistic_ci}[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own deprecated calls
        low, high = oracle(full[:60], y[:60], f[:60], full[60:], f[60:], alpha=0.05, **theirs)
    limits = [estimate.interval for estimate in found.coefficients.values()]
    assert np.array(limits) == pytest.approx(np.column_stack([low, high]), abs=1e-6)


@pytest.mark.parametrize("tuning", [0.0, 0.4, 1.0])
def test_the_rectified_poisson_fit_is_that_of_ppi_python(ppi_py, case, tuning):
    x, y, f, _, _ = case
    y, f = np.floor(np.exp(y / 2)), np.exp(f / 2)
    labels = read_labels(y[:60], f[:60], f[60:])
    data = read_data(labels, Regressors(labelled=x[:60], unlabelled=x[60:]))
    full = np.column_stack([np.ones(560), x])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = ppi_py.ppi_poisson_pointestimate(full[:60], y[:60], f[:60], full[60:], f[60:], lam=tuning)
    assert rectified_fit(data, tuning, link=LOG) == pytest.approx(theirs, abs=1e-4)

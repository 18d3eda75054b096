"""Regressions do not depend on the unit of a regressor: income in yen, and its square, are as good as in millions."""

import numpy as np
import pytest

import proband.measures as m

_rng = np.random.default_rng(1)
N = 400
INCOME = _rng.lognormal(15.2, 0.6, N)
YES = (_rng.random(N) < 1 / (1 + np.exp(1 - INCOME / 4e6))).astype(int)
GROUP = np.repeat(np.arange(40), 10)
MORE = _rng.lognormal(15.2, 0.6, 300)
GUESS, FAR = 0.5 * YES + 0.1 * _rng.random(N), _rng.random(300)
DRAWN = m.survey_design(N, psu=GROUP, weights=_rng.lognormal(0, 0.8, N))


def columns(unit, squared=True):
    one = INCOME / unit
    return {"income": one, "squared": one**2} if squared else {"income": one}


def regressors(unit):
    return m.Regressors(labelled={"income": INCOME / unit}, unlabelled={"income": MORE / unit})


def fidelity(unit):
    side = {"yes": YES, **columns(unit)}
    return m.coefficient_fidelity("yes ~ income + squared", side, side).coefficients[1].human


REGRESSIONS = {
    "clustered": lambda unit: m.clustered_regression(YES, {"1": np.ones(N), **columns(unit)}, cluster=GROUP)["income"],
    "survey, linear": lambda unit: m.survey_regression(YES, {"1": np.ones(N), **columns(unit)}, DRAWN)["income"],
    "survey, logistic": lambda unit: m.survey_regression(
        YES, {"1": np.ones(N), **columns(unit)}, DRAWN, model="logistic"
    )["income"],
    "choices": lambda unit: m.choice_regression(YES, columns(unit), cluster=GROUP)["income"],
    "people and model": fidelity,
    "series": lambda unit: m.series_regression(YES, columns(unit))["income"],
    "ppi, linear": lambda unit: m.ppi_ols(YES, GUESS, FAR, regressors=regressors(unit))["income"],
    "ppi, logistic": lambda unit: m.ppi_logit(YES, GUESS, FAR, regressors=regressors(unit))["income"],
    "ppi, counts": lambda unit: m.ppi_poisson(YES, GUESS, FAR, regressors=regressors(unit))["income"],
    "dsl": lambda unit: m.dsl_ols(YES, GUESS, FAR, probabilities=0.5, regressors=regressors(unit))["income"],
}


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_coefficient_changes_with_the_unit_and_nothing_else_does(name):
    yen, millions = REGRESSIONS[name](1.0), REGRESSIONS[name](1e6)
    assert yen.value * 1e6 == pytest.approx(millions.value, rel=1e-6)
    assert yen.se * 1e6 == pytest.approx(millions.se, rel=1e-6)
    assert yen.p_value == pytest.approx(millions.p_value, rel=1e-5)


def test_joint_tests_and_adjusted_effects_do_not_depend_on_it_either():
    def told(unit):
        design = {"1": np.ones(N), **columns(unit)}
        both = ["income", "squared"]
        return (
            m.clustered_regression(YES, design, cluster=GROUP).joint(both).value,
            m.survey_regression(YES, design, DRAWN).joint(both).value,
            m.adjusted_difference(YES, np.arange(N) % 2, columns(unit)).value,
        )

    assert told(1.0) == pytest.approx(told(1e6), rel=1e-8)


def test_outcomes_that_are_alike_leave_no_slope_to_be_sure_of():
    alike = {"1": np.ones(24), "x": list(range(24))}
    for found in (
        m.clustered_regression([0.1] * 24, alike)["x"],
        m.survey_regression([0.1] * 24, alike, m.survey_design(24))["x"],
    ):
        assert found.interval is None
        assert "do not vary" in found.warnings[0]

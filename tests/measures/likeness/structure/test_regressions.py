import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.formula.api as smf

from proband.errors import DataError, DesignError
from proband.measures.likeness.structure.regressions import coefficient_fidelity


def frames(n=120, *, slope=1.0, seed=1):
    rng = np.random.default_rng(seed)
    x, z = rng.standard_normal(n), rng.choice(["a", "b", "c"], n)
    own = rng.standard_normal(n)
    shift = np.where(z == "b", 1.0, np.where(z == "c", -1.0, 0.0))
    human = pd.DataFrame({"subject": range(n), "y": x + shift + own, "x": x, "z": z})
    errors = 0.7 * own + 0.5 * rng.standard_normal(n)
    return human, human.assign(y=slope * x + shift + errors)


def test_each_side_is_the_regression_of_statsmodels_with_hc3():
    human, model = frames()
    found = coefficient_fidelity("y ~ x + C(z)", human, model)
    for side, data in (("human", human), ("model", model)):
        fit = smf.ols("y ~ x + C(z)", data).fit(cov_type="HC3")
        for k, name in enumerate(fit.params.index):
            estimate = getattr(found.coefficients[k], side)
            assert found.coefficients[k].name == name
            assert estimate.value == pytest.approx(fit.params[name])
            assert estimate.se == pytest.approx(fit.bse[name])


def test_weights_of_both_sides_weigh_the_fit():
    human, model = frames()
    w = 1.0 + np.arange(len(human)) % 3
    found = coefficient_fidelity("y ~ x", human.assign(w=w), model.assign(w=w), weights="w")
    fit = smf.wls("y ~ x", human, weights=w).fit(cov_type="HC3")
    assert found.coefficients[1].human.value == pytest.approx(fit.params["x"])
    assert found.coefficients[1].human.se == pytest.approx(fit.bse["x"])


def test_the_same_subjects_on_both_sides_make_the_difference_more_certain():
    human, model = frames()
    joined = coefficient_fidelity("y ~ x", human, model, subjects="subject")
    apart = coefficient_fidelity("y ~ x", human, model)
    assert joined.n_shared == 120
    assert apart.n_shared == 0
    assert joined.coefficients[1].difference.se < 0.8 * apart.coefficients[1].difference.se
    v = apart.coefficients[1]
    assert v.difference.se == pytest.approx(math.hypot(v.human.se, v.model.se))


def test_several_rows_of_a_subject_are_a_cluster():
    # Six people, four answers each; CR2 1.491 with 4 degrees of freedom is clubSandwich's.
    s = [k for k in range(6) for _ in range(4)]
    x = [float(k % 2) for k in s]
    u, e = [2, 1, -1, 3, -2, 0], [0.5, -0.5, 0.2, -0.2] * 6
    y = [a + u[k] + b for a, k, b in zip(x, s, e, strict=True)]
    people = {"who": [f"p{k}" for k in s], "x": x, "y": y}
    found = coefficient_fidelity("y ~ x", people, people, subjects="who").coefficients[1].human
    assert found.value == pytest.approx(2.667, abs=1e-3)
    assert found.se == pytest.approx(1.491, abs=1e-3)
    assert found.df == pytest.approx(4)
    assert found.interval == pytest.approx((-1.47, 6.81), abs=5e-3)
    assert found.n_clusters == 6
    assert "CR2" in found.interval_method


def test_a_column_called_weight_is_a_regressor_like_any_other():
    w = [50.0 + (i * 37) % 60 for i in range(60)]
    d = {"weight": w, "height": [120 + 0.5 * v + ((i * 13) % 17) * v / 60 for i, v in enumerate(w)]}
    assert coefficient_fidelity("height ~ weight", d, d).coefficients[1].human.value == pytest.approx(0.5133, abs=1e-4)
    with pytest.raises(DesignError, match="no column 'w' on both sides"):
        coefficient_fidelity("height ~ weight", d, d, weights="w")


@pytest.mark.slow
def test_intervals_over_few_subjects_cover():
    rng, hits = np.random.default_rng(5), 0
    for _ in range(600):
        who = np.repeat(np.arange(10), 10)
        x = (who % 2).astype(float)
        y = x + np.sqrt(0.3) * rng.normal(size=10)[who] + np.sqrt(0.7) * rng.normal(size=100)
        d = {"who": who, "x": x, "y": y}
        low, high = coefficient_fidelity("y ~ x", d, d, subjects="who").coefficients[1].human.interval
        hits += low <= 1 <= high
    assert hits / 600 > 0.92


def test_a_wrong_slope_is_found_and_its_sign_is_not():
    found = coefficient_fidelity("y ~ x + C(z)", *frames(slope=2.0))
    assert found.joint.p_value < 0.001
    assert found.coefficients[3].difference.interval[0] > 0.5
    assert found.sign_agreement.value == 1
    assert found.rmse.value == pytest.approx(1 / math.sqrt(3), rel=0.2)


def test_a_shift_of_all_answers_moves_the_intercept_alone():
    human, model = frames()
    found = coefficient_fidelity("y ~ x", human, human.assign(y=human["y"] + 2), subjects="subject")
    assert found.coefficients[0].difference.value == pytest.approx(2)
    assert found.coefficients[1].difference.value == pytest.approx(0, abs=1e-12)
    assert math.isnan(found.joint.value)  # no error, no test
    assert coefficient_fidelity("y ~ x", human, model).joint.p_value > 0.001


def test_rows_and_kind_of_frame_do_not_matter():
    human, model = frames()
    first = coefficient_fidelity("y ~ x + C(z)", human, model)
    second = coefficient_fidelity(
        "y ~ x + C(z)", pl.from_pandas(human[::-1]), dict(model.sample(frac=1, random_state=1))
    )
    for a, b in zip(first.coefficients, second.coefficients, strict=True):
        assert b.difference.value == pytest.approx(a.difference.value)
        assert b.difference.se == pytest.approx(a.difference.se)


def test_a_level_that_one_side_lacks_is_named():
    human, model = frames()
    with pytest.raises(DataError, match=r"model: .*C\(z\)\[T.c\] does not vary there"):
        coefficient_fidelity("y ~ x + C(z)", human, model[model["z"] != "c"])


def test_answers_without_error_are_said_to_have_none():
    human, model = frames()
    found = coefficient_fidelity("y ~ x", human, model.assign(y=2 * model["x"]))
    assert found.coefficients[1].model.se == pytest.approx(0, abs=1e-10)
    assert "exactly" in found.coefficients[1].model.warnings[0]


def test_what_cannot_be_fitted_is_refused():
    human, model = frames(20)
    with pytest.raises(DesignError, match="both sides have the columns"):
        coefficient_fidelity("y ~ age", human, model)
    with pytest.raises(DataError, match="missing values"):
        coefficient_fidelity("y ~ x", human.assign(x=np.nan), model)
    with pytest.raises(DataError, match="no rows"):
        coefficient_fidelity("y ~ x", human[:0], model)

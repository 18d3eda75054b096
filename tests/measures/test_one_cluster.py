"""A coefficient that one cluster (or row) determines has a value and no interval: it leaves no residual to judge by."""

import numpy as np
import pytest

import proband.measures as m

rng = np.random.default_rng(0)
CLUSTER = np.repeat(np.arange(8), 3)
OUTCOME = rng.normal(size=24) + rng.normal(size=8)[CLUSTER]
AGE = rng.normal(size=24)
DESIGN = {"(mean)": np.ones(24), "treated": (CLUSTER < 1) * 1.0, "age": AGE}


@pytest.mark.parametrize("errors", ["CR2", "CR1"])
def test_the_effect_of_a_single_treated_cluster_has_no_interval(errors):
    # With an intraclass correlation of .3 the t interval held the truth in 58 of 100 samples such as these.
    fit = m.clustered_regression(OUTCOME, DESIGN, cluster=CLUSTER, errors=errors)
    assert fit["treated"].interval is None
    assert "one cluster alone determines it" in fit["treated"].warnings[0]
    assert fit["age"].interval is not None
    assert np.isnan(fit.joint(["treated", "age"]).value)


def test_nor_has_that_of_a_single_row_or_of_two_clusters_as_a_whole():
    alone = m.clustered_regression(OUTCOME, {"(mean)": np.ones(24), "first": [1] + [0] * 23})
    assert "one row alone" in alone["first"].warnings[0]
    two = m.clustered_regression(OUTCOME, {"(mean)": np.ones(24), "treated": CLUSTER < 2}, cluster=CLUSTER)
    assert two["treated"].interval is not None


def test_nor_in_a_survey_whose_one_sampling_unit_has_it():
    fit = m.survey_regression(OUTCOME, DESIGN, m.survey_design(24, psu=CLUSTER))
    assert "one sampling unit alone" in fit["treated"].warnings[0]
    assert fit["age"].interval is not None
    by_person = m.survey_regression(OUTCOME, {"(mean)": np.ones(24), "first": [1] + [0] * 23}, m.survey_design(24))
    assert by_person["first"].interval_method == "none: rests on one person"


def test_nor_beside_a_model_whose_side_would_have_one():
    people = {"y": OUTCOME, "treated": DESIGN["treated"], "who": CLUSTER}
    model = {"y": OUTCOME, "treated": CLUSTER < 4, "who": CLUSTER}
    found = m.coefficient_fidelity("y ~ treated", people, model, subjects="who")
    slope = found.coefficients[1]
    assert slope.human.interval is None is slope.difference.interval
    assert slope.model.interval is not None
    assert found.joint.p_value is None

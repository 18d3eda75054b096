import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DesignError
from proband.measures import active_labels, effective_n, plan_labels
from validation.corrected_designs import active_covers


def test_the_plan_of_the_published_package():
    # ppi_power(.75, cost_X=0, cost_Y=1, cost_Yhat=.01, budget=1000) of ppi-python 0.2.3.
    plan = plan_labels(0.75, cost_label=1, cost_prediction=0.01, budget=1000)
    assert (plan.n_labelled, plan.n_unlabelled, round(plan.effective_n)) == (898, 9286, 1844)
    assert plan.cost == pytest.approx(999.84)
    assert plan.humans_only == 1000


@given(st.floats(0.2, 0.95), st.floats(0.001, 0.3), st.floats(0, 0.2))
@settings(max_examples=30, deadline=None)
def test_no_other_mix_is_cheaper(rho, cost_prediction, cost_unit):
    costs = {"cost_label": 1.0, "cost_prediction": cost_prediction, "cost_unit": cost_unit}
    plan = plan_labels(rho, **costs, half_width=0.05)
    assert plan.half_width <= 0.05 + 1e-12
    assert plan.cost <= plan.humans_only_cost + 1e-9
    wanted = (1.959964 / 0.05) ** 2
    for n in np.linspace(wanted * (1 - rho**2) * 1.001, wanted, 200):
        predicted = rho**2 / (1 / wanted - (1 - rho**2) / n) if n < wanted else n
        if predicted >= n:
            # Rounding up costs less than one label and one prediction.
            assert plan.cost <= n + predicted * (cost_prediction + cost_unit) + 1 + cost_prediction + cost_unit


def test_a_plan_for_a_width_has_it_and_one_within_a_pool_stays_there():
    free = plan_labels(0.6, cost_label=5, cost_prediction=0, half_width=0.1, n_units=1000, sd=0.5)
    assert free.n_labelled + free.n_unlabelled == 1000
    assert free.effective_n == pytest.approx(float(effective_n(free.n_labelled, free.n_unlabelled, 0.6)))
    assert free.half_width == pytest.approx(0.1, abs=0.002)
    assert free.cost == 5 * free.n_labelled


def test_predictions_that_do_not_pay_are_left_out():
    for rho in (0.1, 0.0, -0.5):
        plan = plan_labels(rho, cost_label=1, cost_prediction=0.2, half_width=0.1)
        assert (plan.n_labelled, plan.n_unlabelled) == (math.ceil((1.959964 / 0.1) ** 2), 0)
        assert "do not pay" in plan.warnings[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rho": 1.2}, r"rho = 1\.2"),
        ({"cost_label": 0}, "cost of a label above 0"),
        ({"budget": None}, "either a budget or a half width"),
        ({"half_width": 0.1}, "either a budget or a half width"),
        ({"budget": -1}, "must be above 0"),
        ({"budget": 5}, "below 10 there is no interval: spend more"),
        ({"cost_prediction": 0}, "say how many units there are"),
        ({"n_units": 50}, "takes answers of"),
    ],
)
def test_plans_that_cannot_be_made_are_refused(changes, said):
    given = {"rho": 0.5, "cost_label": 1.0, "cost_prediction": 0.01, "budget": 1000.0} | changes
    with pytest.raises(DesignError, match=said):
        plan_labels(given.pop("rho"), **given)


@given(st.lists(st.floats(0, 1), min_size=5, max_size=60), st.floats(0.05, 1), st.integers(2, 60), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_chances_add_up_to_the_labels_and_stay_above_their_floor(uncertainty, mix, n, seed):
    if not any(u > 1e-6 for u in uncertainty):
        uncertainty = [1.0, *uncertainty]
    n = min(n, len(uncertainty))
    plan = active_labels(uncertainty, n_labels=n, mix=mix)
    pi = plan.probabilities
    assert pi.sum() == pytest.approx(n)
    assert ((pi > 0) & (pi <= 1)).all()
    assert (pi >= mix * n / len(pi) - 1e-9).all()
    chosen = plan.draw(np.random.default_rng(seed))
    assert len(set(chosen.tolist())) == chosen.size
    assert set(np.flatnonzero(pi == 1)) <= set(chosen.tolist())


def test_asking_by_doubt_is_better_where_doubts_differ():
    doubt = np.concatenate([np.full(900, 0.1), np.full(100, 0.5)])
    plan = active_labels(doubt, n_labels=100)
    by_hand = math.sqrt(sum(u**2 * (1 / p - 1) for u, p in zip(doubt, plan.probabilities, strict=True))) / 1000
    assert plan.expected_se == pytest.approx(by_hand)
    assert plan.expected_se < 0.85 * plan.uniform_se


def test_doubts_that_say_nothing_are_refused():
    with pytest.raises(DesignError, match="not all 0"):
        active_labels([0, 0], n_labels=2)
    with pytest.raises(DesignError, match="mix 0"):
        active_labels([1, 1], n_labels=2, mix=0)
    with pytest.raises(DesignError, match="3 labels for 2 units"):
        active_labels([1, 1], n_labels=3)


@pytest.mark.slow
def test_the_interval_of_actively_chosen_labels_holds():
    share = np.mean([active_covers(np.random.default_rng(k), 100) for k in range(400)])
    assert 0.92 <= share <= 0.98

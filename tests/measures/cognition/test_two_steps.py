"""The two-step task: values by hand, recovery of planning, habit and perseveration, and what is refused."""

import numpy as np
import pytest
from scipy import special

from proband.errors import DataError, DesignError
from proband.measures.cognition.two_steps import fit_two_step, two_step_probabilities

TRUTH = {
    "learning rate": 0.5,
    "eligibility": 0.6,
    "model-based weight": 0.5,
    "first sensitivity": 5.0,
    "second sensitivity": 3.5,
    "perseveration": 0.1,
}


def simulated(truth, n_blocks, n_trials, seed):
    """Players of the hybrid model, on machines whose chances walk."""
    rng = np.random.default_rng(seed)
    walk = np.clip(rng.uniform(0.25, 0.75, (n_blocks, 2, 2)), 0.25, 0.75)
    made = [np.zeros((n_blocks, n_trials), dtype=int) for _ in range(4)]
    at = np.arange(n_blocks)
    for t in range(n_trials):
        part = [x[:, : t + 1] for x in made]
        one = two_step_probabilities(*[np.hstack([x, x[:, -1:]]) for x in part], truth)[0][:, t]
        made[0][:, t] = rng.random(n_blocks) < one
        made[1][:, t] = made[0][:, t] ^ (rng.random(n_blocks) < 0.3)
        two = two_step_probabilities(*[np.hstack([x[:, : t + 1], x[:, t : t + 1]]) for x in made], truth)[1][:, t]
        made[2][:, t] = rng.random(n_blocks) < two
        made[3][:, t] = rng.random(n_blocks) < walk[at, made[1][:, t], made[2][:, t]]
        walk = np.clip(walk + rng.normal(0, 0.05, walk.shape), 0.25, 0.75)
    return made


def test_a_rare_coin_makes_habit_stay_and_planning_leave():
    rare = [[[0, 0]], [[1, 0]], [[0, 0]], [[1, 0]]]
    for weight, expected in ((0.0, -1), (1.0, 1)):  # sign of the log odds of the other train
        truth = {**TRUTH, "model-based weight": weight, "perseveration": 0.0}
        one = two_step_probabilities(*rare, truth)[0][0]
        assert one[0] == 0.5
        assert np.sign(one[1] - 0.5) == expected
    # Planning: .4 of the difference of the best values, of which one is alpha * 1 and the other 0.
    assert one[1] == pytest.approx(special.expit(5.0 * 0.4 * 0.5))


def test_perseveration_is_a_value_of_the_same_again():
    truth = {**TRUTH, "learning rate": 0.0}
    one = two_step_probabilities([[1, 1]], [[1, 1]], [[0, 0]], [[0, 0]], truth)[0][0]
    assert one[1] == pytest.approx(special.expit(5.0 * 0.1))


def test_parameters_come_back():
    found = fit_two_step(*simulated(TRUTH, 60, 40, 1))
    for name, value in TRUTH.items():
        low, high = found.parameters[name].interval
        assert low - (high - low) / 2 < value < high + (high - low) / 2
    assert found.bic["learning"] < found.bic["no learning"]
    assert found.regression["reward"].interval[0] > 0, "habit"
    assert found.regression["reward x transition"].interval[0] > 0, "planning"


def test_naming_the_trains_otherwise_changes_nothing():
    one, state, two, coin = simulated(TRUTH, 12, 20, 2)
    a, b = fit_two_step(one, state, two, coin), fit_two_step(1 - one, 1 - state, two, coin)
    assert a.log_likelihood == pytest.approx(b.log_likelihood, abs=1e-4)


def test_bad_trials_are_refused():
    same = [[0, 1, 0]] * 3
    with pytest.raises(DesignError, match="no turn was rare"):
        fit_two_step(same, same, same, same)
    with pytest.raises(DataError, match="in part"):
        fit_two_step([[0, -1]], [[1, 0]], [[0, 0]], [[0, 0]])
    with pytest.raises(DesignError, match="second trial"):
        fit_two_step([[0]], [[1]], [[0]], [[0]])

"""Prospect theory: published weights, values by hand, and parameters that come back from choices made by them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from proband.batteries.battery import Setting
from proband.batteries.psychology.gambles import problems
from proband.errors import DataError, DesignError
from proband.measures.cognition.prospects import fit_prospect, prospect_values

PEOPLE = {"value exponent": 0.88, "loss aversion": 2.25, "weighting of gains": 0.61, "weighting of losses": 0.69}


def asked():
    """The gambles of the battery as arrays."""
    pairs = [pair[1:] for pair in problems(Setting(seed=1)).values()]
    table = np.zeros((2, len(pairs), 2, 3))
    for row, pair in enumerate(pairs):
        for side, gamble in enumerate(pair):
            for k, outcome in enumerate(gamble):
                table[:, row, side, k] = outcome
    return table


def simulated(truth, n_contexts, seed, sensitivity=4.0, place=0.5):
    """Choices of somebody with these parameters, in contexts of their own."""
    rng = np.random.default_rng(seed)
    pays, odds = asked()
    unit = np.abs(pays[(odds > 0) & (pays != 0)]).mean()
    values = [prospect_values(pays[:, side] / unit, odds[:, side], truth) for side in (0, 1)]
    first = rng.random((n_contexts, len(pays))) < 0.5
    p = special.expit(sensitivity * (values[0] - values[1]) + place * np.where(first, 1, -1))
    chosen = (rng.random(p.shape) < p).astype(float)
    clusters = np.repeat(np.arange(n_contexts), len(pays)).tolist()
    repeated = [np.tile(x, (n_contexts, 1, 1)) for x in (pays, odds)]
    return fit_prospect(*repeated, chosen.ravel(), clusters, first=first.ravel())


def test_weights_as_published():
    # Of a half: .42 for gains and .45 for losses.
    halves = prospect_values([[1, 0], [-1, 0]], [[0.5, 0.5]] * 2, {**PEOPLE, "loss aversion": 1.0})
    assert halves.round(2).tolist() == [0.42, -0.45]


def test_values_of_three_outcomes_by_hand():
    straight = {**PEOPLE, "value exponent": 1.0, "loss aversion": 2.0}

    def w(p, c):
        return p**c / (p**c + (1 - p) ** c) ** (1 / c)

    found = prospect_values([[30, 10, -20]], [[0.2, 0.3, 0.5]], straight)[0]
    gain = 30 * w(0.2, 0.61) + 10 * (w(0.5, 0.61) - w(0.2, 0.61))
    assert found == pytest.approx(gain - 2 * 20 * w(0.5, 0.69))


@settings(max_examples=2, deadline=None)
@given(
    exponent=st.floats(0.6, 1.1), aversion=st.floats(1.0, 3.0), weighting=st.floats(0.5, 0.9), seed=st.integers(0, 999)
)
def test_parameters_come_back(exponent, aversion, weighting, seed):
    truth = dict(zip(PEOPLE, (exponent, aversion, weighting, weighting), strict=True))
    found = simulated(truth, 60, seed)
    for name, value in (*truth.items(), ("sensitivity", 4.0)):
        estimate = found.parameters[name]
        assert estimate.interval is not None
        low, high = np.log(estimate.interval)
        # Four standard errors, since five parameters of three examples are looked at.
        assert abs(np.log(estimate.value) - np.log(value)) < 2 * (high - low) / 2 + 1e-6
    assert found.best == "prospect theory"


def test_who_goes_by_expected_value_or_by_place_is_told_so():
    straight = dict.fromkeys(PEOPLE, 1.0)
    assert simulated(straight, 30, 1, sensitivity=6.0).best == "expected value"
    by_place = simulated(straight, 30, 1, sensitivity=0.0, place=2.0)
    assert by_place.best == "places only"
    assert by_place.parameters["place"].value == pytest.approx(2.0, abs=0.3)


def test_currency_makes_no_difference():
    pays, odds = asked()
    chosen, clusters = np.linspace(0.1, 0.9, len(pays)), [k % 12 for k in range(len(pays))]
    dollars, cents = (fit_prospect(pays * unit, odds, chosen, clusters) for unit in (1, 100))
    for name, estimate in dollars.parameters.items():
        assert cents.parameters[name].value == pytest.approx(estimate.value, rel=1e-4)


def test_bad_input_is_refused():
    pays, odds = asked()
    with pytest.raises(DesignError, match="has a gain and a loss"):
        fit_prospect(np.abs(pays), odds, np.full(len(pays), 0.5), [1] * len(pays))
    with pytest.raises(DataError, match="no probability"):
        fit_prospect(pays, odds, np.full(len(pays), 2), [1] * len(pays))
    with pytest.raises(DataError, match="summing to 1"):
        prospect_values([[1, 2]], [[0.5, 0.6]], PEOPLE)

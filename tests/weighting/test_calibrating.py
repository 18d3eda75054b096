import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, MissingDataError
from proband.weighting import calibrate, rake

MARGINS = {"sex": {"f": 0.52, "m": 0.48}, "age": {"old": 0.3, "middle": 0.3, "young": 0.4}}


def people(seed=1, n=200):
    rng = np.random.default_rng(seed)
    columns = {
        "sex": rng.choice(["f", "m"], n, p=[0.3, 0.7]).tolist(),
        "age": rng.choice(["old", "middle", "young"], n).tolist(),
        "income": rng.gamma(2.0, 10.0, n).tolist(),
    }
    return columns, rng.random(n) + 0.5


def held(weights, column, level):
    return weights[np.array(column) == level].sum() / weights.sum()


@pytest.mark.parametrize(
    "settings_",
    [
        {},
        {"method": "linear"},
        {"method": "logit", "bounds": (0.3, 3.0)},
        {"method": "linear", "bounds": (0.4, 2.5)},
        {"bounds": (0.4, 2.5)},
        {"largest": 2.6},
        {"totals": {"income": 4400.0}, "size": 200},
        {"totals": {"income": 44_000.0}, "size": 2000, "method": "logit", "bounds": (0.2, 4)},
    ],
    ids=str,
)
def test_margins_and_totals_are_met_by_every_method_within_its_bounds(settings_):
    columns, start = people()
    found = calibrate(columns, MARGINS, weights=start, **settings_)
    for name, shares in MARGINS.items():
        for level, share in shares.items():
            assert held(found.weights, columns[name], level) == pytest.approx(share, abs=1e-7)
    if total := settings_.get("totals"):
        assert found.weights @ columns["income"] == pytest.approx(total["income"], rel=1e-6)
        assert found.weights.sum() == pytest.approx(settings_["size"])
    low, high = settings_.get("bounds", (-np.inf, np.inf))
    assert low - 1e-9 <= found.factors.min() <= found.factors.max() <= high + 1e-9
    assert found.weights.max() <= settings_.get("largest", np.inf) * found.weights.mean() * (1 + 1e-9)


def test_raking_is_rake_and_one_margin_is_poststratification_by_any_method():
    columns, start = people()
    raked = rake(columns, MARGINS, weights=start).weights
    np.testing.assert_allclose(calibrate(columns, MARGINS, weights=start).weights, raked, rtol=1e-6)
    one = {"age": MARGINS["age"]}
    for method in ("raking", "linear", "logit"):
        bounds = (0.1, 5.0) if method == "logit" else None
        found = calibrate(columns, one, weights=start, method=method, bounds=bounds)
        np.testing.assert_allclose(found.weights, rake(columns, one, weights=start).weights, rtol=1e-6)


def test_linear_weights_are_those_of_the_regression_estimator_by_hand():
    # w = d (1 + x' lambda), lambda from the normal equations; Deville and Sarndal (1992), equation 1.5.
    columns, start = people(n=40)
    x = np.column_stack([np.ones(40), columns["income"]])
    goal = np.array([1000.0, 25_000.0])
    d = start * 1000 / start.sum()
    by_hand = d * (1 + x @ np.linalg.solve((x * d[:, None]).T @ x, goal - x.T @ d))
    found = calibrate(columns, {}, totals={"income": 25_000}, size=1000, weights=start, method="linear")
    np.testing.assert_allclose(found.weights, by_hand)
    assert found.n_iterations == 1


def test_negative_weights_are_said_and_bounds_mend_them():
    columns = {"income": [1.0, 2, 3, 4, 20]}
    found = calibrate(columns, {}, totals={"income": 3}, size=2, method="linear")
    assert found.weights.min() < 0
    assert any("1 weights are negative" in said for said in found.warnings)
    bounded = calibrate(columns, {}, totals={"income": 3}, size=2, method="linear", bounds=(0, 3))
    assert bounded.weights.min() == 0
    assert bounded.n_bounded >= 1


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_neither_order_nor_the_scale_of_weights_matters_and_it_is_idempotent(seed):
    columns, start = people(seed)
    found = calibrate(columns, MARGINS, weights=start)
    order = np.random.default_rng(seed).permutation(start.size)
    again = calibrate(
        {name: [column[k] for k in order] for name, column in columns.items()},
        MARGINS,
        weights=(7 * start)[order],
        size=start.sum(),
    )
    np.testing.assert_allclose(again.weights, found.weights[order], rtol=1e-6)
    np.testing.assert_allclose(calibrate(columns, MARGINS, weights=found.weights).weights, found.weights, rtol=1e-6)
    assert found.weights.sum() == pytest.approx(start.sum())
    assert max(found.gaps.values()) < 1e-7


def test_counts_say_how_large_the_population_is_and_rows_of_weight_0_stand_for_nobody():
    columns, start = people()
    counts = {name: {level: 5000 * share for level, share in shares.items()} for name, shares in MARGINS.items()}
    start[:3] = 0
    found = calibrate(columns, counts, weights=start)
    assert found.weights.sum() == pytest.approx(5000)
    assert found.weights[:3].tolist() == [0, 0, 0]
    assert "3 rows weigh 0 and stand for nobody" in found.warnings


def test_margins_that_contradict_each_other_are_named():
    columns, _ = people()
    columns["gender"] = ["woman" if sex == "f" else "man" for sex in columns["sex"]]
    with pytest.raises(DataError, match="margins 'sex' and 'gender' contradict each other"):
        calibrate(columns, MARGINS | {"gender": {"woman": 0.5, "man": 0.5}})
    agreeing = MARGINS | {"gender": {"woman": 0.52, "man": 0.48}}
    assert max(calibrate(columns, agreeing).gaps.values()) < 1e-7


def test_margins_that_no_weights_meet_are_named_with_the_gap():
    columns = {"a": [0, 0, 1, 1], "b": [0, 1, 0, 0], "c": [0, 1, 0, 1]}
    margins = {"a": {0: 0.5, 1: 0.5}, "b": {0: 0.3, 1: 0.7}, "c": {0: 0.5, 1: 0.5}}
    with pytest.raises(DataError, match=r"no weights meet margins .*'b'.* together: merge small levels"):
        calibrate(columns, margins)
    with pytest.raises(DataError, match="within the bounds: widen them"):
        calibrate(people()[0], MARGINS, bounds=(0.9, 1.1))
    with pytest.raises(DataError, match="no weights meet margins"):
        calibrate({"x": [1.0, 2, 3]}, {}, totals={"x": 15}, size=3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "rakng"}, r"no method 'rakng' \(did you mean 'raking'"),
        ({"method": "logit"}, "needs bounds"),
        ({"bounds": (1.1, 2)}, r"bounds \(1.1, 2\)"),
        ({"largest": 0.5}, "a cap on weights is above their mean"),
        ({"weights": [1.0, 2.0]}, "2 weights for 200 rows"),
        ({"totals": {"sex": 3}}, "holds texts"),
        ({"totals": {"height": 3}}, "margin 'height' has no column"),
        ({"size": -3}, "size is -3"),
        ({"margins": MARGINS | {"sex": {"f": 0.5, "m": 0.4, "x": 0.1}}}, "names x, but no row"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, said):
    changes = dict(changes)
    with pytest.raises(DataError, match=said):
        calibrate(people()[0], changes.pop("margins", MARGINS), **changes)


def test_a_row_without_a_number_or_a_level_is_refused():
    columns, _ = people()
    with pytest.raises(DataError, match="1 rows have no 'income'"):
        calibrate(columns | {"income": [np.nan, *columns["income"][1:]]}, MARGINS, totals={"income": 1})
    with pytest.raises(MissingDataError, match="calibrate: 1 rows have no 'sex'"):
        calibrate(columns | {"sex": [None, *columns["sex"][1:]]}, MARGINS)

"""Mixed models of crossed factors against published values, balanced tables, another program, and themselves."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import generalizability, mixed_model
from proband.measures.mixed.equations import Equations
from proband.measures.mixed.laplace import Logistic
from proband.measures.mixed.likelihood import Linear, maximum

# Davies & Goldsmith (1972), Statistical Methods in Research and Production, table 6.3: yield of 6 batches of dyestuff.
DYESTUFF = [
    [1545, 1440, 1440, 1520, 1580],
    [1540, 1555, 1490, 1560, 1495],
    [1595, 1550, 1605, 1510, 1560],
    [1445, 1440, 1595, 1465, 1545],
    [1595, 1630, 1515, 1635, 1625],
    [1520, 1455, 1450, 1480, 1445],
]
# The same, table 6.6: zones of penicillin, 24 plates by 6 samples, less 18 mm.
PENICILLIN = (
    "958553958553737662857552748452647541625341848663636442636541858663748662"
    "868674858552857664747552736552746551635331858663736440747442636461636430"
)


def columns(y, names=("subject", "item")):
    y = np.asarray(y, dtype=np.float64)
    where = np.indices(y.shape).reshape(y.ndim, -1)
    return dict(zip(names, where.tolist(), strict=True)) | {"value": y.ravel().tolist()}


def crossed(rng, n=12, items=5, wordings=3):
    def effect(*shape):
        return rng.standard_normal(shape)

    return (
        effect(n, 1, 1)
        + 0.7 * effect(1, items, 1)
        + 0.5 * effect(1, 1, wordings)
        + 0.6 * effect(n, 1, wordings)
        + 0.5 * effect(n, items, 1)
        + 0.4 * effect(1, items, wordings)
        + effect(n, items, wordings)
    )


def test_dyestuff_has_the_published_components_and_deviance():
    # Bates, Maechler, Bolker & Walker: 1764.05 and 2451.25, REML criterion 319.6543.
    frame = columns(DYESTUFF, ("batch", "place"))
    found = mixed_model(frame, "place", objects="batch", interactions=())
    y = np.ravel(DYESTUFF).astype(float)
    best = maximum(Linear(Equations([np.repeat(np.arange(6), 5)], [6], np.ones((30, 1))), y), np.full(2, 2e3))
    assert best.variances == pytest.approx([1764.05, 2451.25], abs=0.005)
    assert best.point.deviance == pytest.approx(319.6543, abs=5e-5)
    assert found.fixed["mean"].value == pytest.approx(1527.5)


def test_penicillin_has_the_published_components_and_deviance():
    y = 18.0 + np.array([int(c) for c in PENICILLIN]).reshape(24, 6)
    found = mixed_model(columns(y, ("plate", "sample")), "sample", objects="plate")
    parts = {name: part.variance for name, part in found.components.items()}
    assert [float(v) for v in parts.values()] == pytest.approx([0.7169, 3.7309, 0.3024], abs=5e-5)
    assert found.deviance == pytest.approx(330.8606, abs=5e-5)
    # Standard deviations profiled by lme4, of the plates and the rest (which the number of samples hardly moves).
    assert np.sqrt(parts["plate"].interval) == pytest.approx([0.634, 1.182], abs=0.005)
    assert np.sqrt(parts["rest"].interval) == pytest.approx([0.486, 0.629], abs=0.002)


def test_cbpp_has_the_standard_deviation_of_glmer():
    """Lesnoff et al. (2004): cases of pleuropneumonia by herd and period; lme4 has .6421, with nAGQ 0 as here .6417."""
    cases = [int(c, 16) for c in "23403118202202050013001813 0c2000110205312100120 0b00011 10".replace(" ", "")]
    sizes = [14, 12, 9, 5, 22, 18, 21, 22, 16, 16, 20, 10, 10, 9, 6, 18, 25, 24, 4, 17, 17, 18, 20, 16, 10, 9, 5, 34]
    sizes += [9, 6, 8, 6, 22, 22, 18, 22, 25, 27, 22, 22, 10, 8, 6, 5, 21, 24, 19, 23, 19, 2, 3, 2, 19, 15, 15, 15]
    periods = [4, 3, 4, 4, 4, 4, 4, 1, 4, 4, 4, 4, 4, 4, 4]
    herd = np.repeat(np.repeat(np.arange(15), periods), sizes)
    period = np.repeat(np.concatenate([np.arange(k) for k in periods]), sizes)
    y = np.concatenate([np.repeat([1.0, 0.0], [c, n - c]) for c, n in zip(cases, sizes, strict=True)])
    assert (len(y), y.sum()) == (842, 99)
    fixed = np.column_stack([np.ones(842), *((period == k).astype(float) for k in (1, 2, 3))])
    best = maximum(Logistic(Equations([herd], [15], fixed), y, is_restricted=False), np.array([0.3]))
    assert math.sqrt(best.variances[0]) == pytest.approx(0.6421, abs=0.002)
    assert best.point.effects[0] == pytest.approx([-1.398, -0.992, -1.128, -1.580], abs=0.05)


def test_a_complete_table_has_the_components_of_the_analysis_of_variance():
    y = crossed(np.random.default_rng(4))
    frame = columns(y, ("subject", "item", "wording"))
    balanced = generalizability(frame, ["item", "wording"])
    found = mixed_model(frame, ["item", "wording"])
    assert [name for name in found.components if name != "rest"] == list(balanced.components)[:-1]
    expected = [float(part.variance) for part in balanced.components.values()]
    assert min(expected) > 0
    assert [float(part.variance) for part in found.components.values()] == pytest.approx(expected, rel=1e-4)
    decided = found.decision({"wording": 8})
    assert decided.absolute.value == pytest.approx(balanced.decision({"wording": 8}).absolute.value, rel=1e-4)
    assert decided.relative.interval[0] < decided.relative.value < decided.relative.interval[1]
    enough = found.needed("wording", 0.7)
    assert found.decision({"wording": enough}).absolute.value >= 0.7
    assert found.decision({"wording": enough - 1}).absolute.value < 0.7


@pytest.mark.slow
def test_crossed_effects_with_gaps_are_those_of_statsmodels():
    formulas, pandas = pytest.importorskip("statsmodels.formula.api"), pytest.importorskip("pandas")
    rng = np.random.default_rng(2)
    frame = columns(crossed(rng, 10, 4, 2)[:, :, 0], ("subject", "item"))
    kept = np.flatnonzero(rng.random(40) < 0.85)
    frame = {name: [values[k] for k in kept] for name, values in frame.items()}
    table = pandas.DataFrame(frame)
    parts = {"subject": "0 + C(subject)", "item": "0 + C(item)"}
    theirs = formulas.mixedlm("value ~ 1", table, groups=np.ones(len(table)), vc_formula=parts).fit(reml=True)
    ours = mixed_model(frame, "item")
    expected = [*theirs.vcomp[np.argsort([1, 0])], theirs.scale]
    assert [float(part.variance) for part in ours.components.values()] == pytest.approx(expected, rel=2e-3)


@settings(max_examples=5)
@given(seed=st.integers(0, 99), shift=st.floats(-5, 5), scale=st.floats(0.2, 5))
def test_order_of_rows_shift_and_unit_change_nothing_but_the_unit(seed, shift, scale):
    rng = np.random.default_rng(seed)
    frame = columns(crossed(rng, 8, 4, 2)[:, :, 0])
    order = rng.permutation(32)[:28]
    moved = {name: [values[k] for k in order] for name, values in frame.items()}
    before = mixed_model({name: [values[k] for k in sorted(order)] for name, values in frame.items()}, "item")
    after = mixed_model(moved | {"value": [shift + scale * v for v in moved["value"]]}, "item")
    for name, part in before.components.items():
        assert part.share == pytest.approx(after.components[name].share, abs=1e-3)
        assert 0 <= part.variance.interval[0] <= part.variance.value <= part.variance.interval[1]


@pytest.mark.parametrize("n_subjects", [60, 4])
def test_blocks_and_core_solve_the_equations_as_a_whole_does(n_subjects):
    rng = np.random.default_rng(0)
    s, i, w = (part[rng.random(part.size) < 2] for part in np.indices((n_subjects, 8, 3)).reshape(3, -1))
    codes = [s, i, w, 3 * s + w, 8 * s + i]
    levels = [int(code.max()) + 1 for code in codes]
    x, weights = np.column_stack([np.ones(s.size), rng.normal(size=s.size)]), rng.uniform(0.5, 1.5, s.size)
    equations, ratios = Equations(codes, levels, x), rng.uniform(0.2, 2, 5)
    equations.weigh(weights)
    whole = np.hstack([x, *(math.sqrt(r) * np.eye(q)[c] for r, q, c in zip(ratios, levels, codes, strict=True))])
    matrix = whole.T @ (weights[:, None] * whole) + np.diag([0.0, 0.0] + [1.0] * sum(levels))
    inverse, y = np.linalg.inv(matrix), rng.normal(size=(s.size, 2))
    factor = equations.factor(ratios)
    assert factor.log_determinant == pytest.approx(np.linalg.slogdet(matrix)[1])
    fitted = factor.fitted(factor.solve(*equations.totals(y)))
    np.testing.assert_allclose(fitted, whole @ inverse @ (whole.T @ (weights[:, None] * y)), atol=1e-10)
    traces, fixed = factor.traces()
    ends = np.cumsum([2, *levels])
    expected = [np.diagonal(inverse)[a:b].sum() for a, b in pairwise(ends)]
    np.testing.assert_allclose(traces, expected)
    np.testing.assert_allclose(fixed, inverse[:2, :2], atol=1e-12)


def test_a_component_at_0_is_named_and_has_an_upper_limit():
    y = np.random.default_rng(3).normal(size=(20, 6))
    y -= 0.95 * y.mean(axis=1, keepdims=True)
    found = mixed_model(columns(y), "item")
    subject = found.components["subject"].variance
    assert (subject.value, subject.interval[0]) == (0.0, 0.0)
    assert subject.interval[1] > 0
    assert "at 0" in subject.warnings[0]
    assert "singular" in found.warnings[0]
    assert found.decision().relative.value == 0
    assert found.needed("item") is None


def test_a_maximum_that_is_not_found_leaves_reasons_and_no_number(monkeypatch):
    monkeypatch.setattr("proband.measures.mixed.likelihood._MOST_STEPS", 1)
    found = mixed_model(columns(crossed(np.random.default_rng(1))[:, :, 0]), "item")
    assert not found.is_reached
    assert all(math.isnan(part.variance.value) for part in found.components.values())
    assert "no maximum" in found.components["item"].variance.warnings[0]
    assert math.isnan(found.decision().absolute.value)


def test_answers_of_0_and_1_are_fitted_on_log_odds():
    rng = np.random.default_rng(5)
    log_odds = 1.2 * rng.normal(size=(40, 1)) + rng.normal(size=(1, 12))
    y = (rng.random((40, 12)) < 1 / (1 + np.exp(-log_odds))).astype(float)
    found = mixed_model(columns(y), "item", family="logistic")
    low, high = found.components["subject"].variance.interval
    assert low < 1.2**2 < high
    assert found.components["rest"].variance.value == pytest.approx(math.pi**2 / 3)
    assert 0.5 < found.decision().relative.value < 0.9


def test_interactions_without_repeats_are_in_the_rest_and_said():
    found = mixed_model(columns(crossed(np.random.default_rng(1))[:, :, 0]), "item")
    assert list(found.components) == ["subject", "item", "rest"]
    assert "in the rest" in found.skipped[0]
    with pytest.raises(DesignError, match="nearly every answer"):
        mixed_model(columns(crossed(np.random.default_rng(1))[:, :, 0]), "item", interactions=["subject:item"])


def test_columns_that_shift_the_mean_are_no_variance():
    y = crossed(np.random.default_rng(6))[:, :, 0]
    frame = columns(y) | {"arm": ["new" if s % 2 else "old" for s in np.indices(y.shape)[0].ravel()]}
    frame["value"] = [v + 3 * (a == "new") for v, a in zip(frame["value"], frame["arm"], strict=True)]
    plain, shifted = mixed_model(frame, "item"), mixed_model(frame, "item", fixed=["arm"])
    assert list(shifted.fixed) == ["intercept", "arm: old"]
    assert shifted.fixed["arm: old"].interval[1] < 0
    assert float(shifted.components["subject"].variance) < float(plain.components["subject"].variance)


def test_what_is_no_such_table_is_refused_with_the_way_out():
    frame = columns(crossed(np.random.default_rng(1))[:, :, 0])
    for wrong, error, says in (
        ({"value": [1.0] * 60}, DataError, "all the same"),
        ({"value": ["a"] * 60}, DataError, "no numbers"),
        ({"value": [math.inf, *frame["value"][1:]]}, DataError, "infinite"),
        ({"item": [0] * 60}, DesignError, "one level"),
        ({"item": [None, *frame["item"][1:]]}, MissingDataError, "1 rows have no item"),
        ({"item": frame["subject"]}, DesignError, "two names"),
    ):
        with pytest.raises(error, match=says):
            mixed_model(frame | wrong, "item")
    with pytest.raises(DataError, match="0 and 1"):
        mixed_model(frame, "item", family="logistic")
    with pytest.raises(DesignError, match="linear, logistic"):
        mixed_model(frame, "item", family="probit")
    with pytest.raises(DesignError, match="did you mean 'item'"):
        mixed_model(frame, "item", interactions=["subject:itme"])
    with pytest.raises(DesignError, match="no facet"):
        mixed_model(frame, "item").decision({"seed": 3})
    with pytest.raises(DesignError, match="follow from each other"):
        mixed_model(frame | {"x": [1.0] * 60}, "item", fixed=["x"])


def test_rows_without_a_score_are_left_out_and_counted():
    frame = columns(crossed(np.random.default_rng(1))[:, :, 0])
    frame["value"][:3] = [None, math.nan, None]
    found = mixed_model(frame, "item")
    assert found.components["rest"].variance.n_missing == 3
    assert found.components["rest"].n_levels == 57


def test_what_the_information_tells_nothing_of_has_no_interval_of_no_width():
    # Every subject gives one answer to all items: nothing tells how items differ.
    n = 80
    same = {"subject": [k // 4 for k in range(n)], "item": [k % 4 for k in range(n)], "value": [1] * 40 + [0] * 40}
    interval = mixed_model(same, "item", family="logistic").components["item"].variance.interval
    assert interval is None or interval[1] > 2 * interval[0] + 0.1


def test_two_numbers_are_said_to_be_too_few_and_not_to_be_alike():
    with pytest.raises(DataError, match="2 numbers; variances cannot be told from so few"):
        mixed_model({"subject": [1, 2], "item": [1, 2], "value": [1.0, 2.0]}, "item")

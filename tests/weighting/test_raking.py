import inspect
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband import measures
from proband.errors import DataError, MissingDataError
from proband.subjects import kish_n_eff, rake

HALVES = {"row": {"a": 0.5, "b": 0.5}, "col": {"x": 0.5, "y": 0.5}}


def table(counts):
    """Two columns with counts[i][j] rows of (row i, col j)."""
    cells = [(r, c) for i, r in enumerate("ab") for j, c in enumerate("xy") for _ in range(counts[i][j])]
    return {"row": [r for r, _ in cells], "col": [c for _, c in cells]}


def test_a_two_by_two_table_has_its_closed_form_weights():
    # The odds ratio of 6 is preserved: cell = 100/2 * sqrt(6) / (1 + sqrt(6)), by hand.
    cell = 50 * math.sqrt(6) / (1 + math.sqrt(6))
    expected = np.repeat([cell / 30, (50 - cell) / 20, (50 - cell) / 10, cell / 40], [30, 20, 10, 40])
    raked = rake(table([[30, 20], [10, 40]]), HALVES)
    np.testing.assert_allclose(raked.weights, expected, atol=1e-6)
    assert raked.kish_n_eff == pytest.approx(95.1919, abs=1e-4)
    assert raked.design_effect == pytest.approx(100 / 95.1919, abs=1e-5)
    assert raked.warnings == ()


@st.composite
def tables(draw):
    counts = draw(st.lists(st.lists(st.integers(1, 9), min_size=2, max_size=2), min_size=2, max_size=2))
    shares = [draw(st.floats(0.1, 0.9)) for _ in range(2)]
    margins = {
        name: dict(zip(levels, (p, 1 - p), strict=True))
        for (name, levels), p in zip((("row", "ab"), ("col", "xy")), shares, strict=True)
    }
    n = sum(map(sum, counts))
    start = draw(st.lists(st.floats(0.1, 10), min_size=n, max_size=n))
    return table(counts), margins, np.array(start)


@given(tables())
@settings(max_examples=50)
def test_margins_are_met_weights_stay_positive_and_the_total_is_kept(case):
    columns, margins, start = case
    raked = rake(columns, margins, weights=start)
    assert (raked.weights > 0).all()
    assert raked.weights.sum() == pytest.approx(start.sum())
    for name, shares in margins.items():
        for level, share in shares.items():
            held = raked.weights[np.array(columns[name]) == level].sum() / raked.weights.sum()
            assert held == pytest.approx(share, abs=1e-7)


@given(tables(), st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_neither_the_order_of_rows_nor_the_names_of_levels_matter(case, random):
    columns, margins, start = case
    raked = rake(columns, margins, weights=start)
    order = list(range(start.size))
    random.shuffle(order)
    renamed = {"a": 1, "b": 2, "x": "first", "y": "second"}
    again = rake(
        {name: [renamed[column[k]] for k in order] for name, column in columns.items()},
        {name: {renamed[level]: share for level, share in shares.items()} for name, shares in margins.items()},
        weights=start[order],
    )
    np.testing.assert_allclose(again.weights, raked.weights[order], rtol=1e-6)


def test_weights_that_meet_the_margins_already_stay_as_they_are():
    raked = rake(table([[5, 5], [5, 5]]), HALVES)
    assert raked.weights.tolist() == [1.0] * 20
    assert raked.n_iterations == 1


@pytest.mark.parametrize(
    ("margins", "said"),
    [
        ({}, "no margins"),
        ({"age": {1: 1.0}}, "margin 'age' has no column; there are row, col"),
        ({"row": {"a": 1.0}}, "rows have 'row' = b, which the margin leaves out"),
        ({"row": {"a": 0.4, "b": 0.4, "c": 0.2}}, "names c, but no row with a positive weight has it"),
        ({"row": {"a": 0.5, "b": 0.6}}, "shares of 'row' sum to 1.1, not 1"),
        ({"row": {"a": "half", "b": 0.5}}, "something that is no number"),
        ({"row": {"a": 1.0, "b": 0.0}}, "a share that is not positive"),
        ({"row": {"a": math.nan, "b": 0.5}}, "a share that is not positive"),
    ],
)
def test_margins_that_do_not_fit_the_rows_are_refused(margins, said):
    with pytest.raises(DataError, match=said):
        rake(table([[1, 1], [1, 1]]), margins)


def test_shares_percentages_and_counts_are_the_same_margin():
    columns, shares = table([[3, 2], [1, 4]]), {"row": {"a": 0.3, "b": 0.7}, "col": {"x": 0.4, "y": 0.6}}
    expected = rake(columns, shares).weights
    for size in (100, 4421):
        counts = {name: {level: size * share for level, share in held.items()} for name, held in shares.items()}
        np.testing.assert_allclose(rake(columns, counts).weights, expected)
    mixed = {"row": {"a": 30, "b": 70}, "col": shares["col"]}
    np.testing.assert_allclose(rake(columns, mixed).weights, expected)


def test_counts_of_two_populations_are_refused():
    counts = {"row": {"a": 400, "b": 600}, "col": {"x": 500, "y": 600}}
    with pytest.raises(DataError, match="contradict each other: 'row' counts 1000 people and 'col' 1100"):
        rake(table([[1, 1], [1, 1]]), counts)


def test_a_level_whose_rows_all_weigh_nothing_is_refused():
    with pytest.raises(DataError, match="names b, but no row with a positive weight"):
        rake(table([[1, 1], [1, 1]]), HALVES, weights=[1, 1, 0, 0])


@pytest.mark.parametrize("level", [None, math.nan])
def test_a_row_without_a_level_is_refused(level):
    with pytest.raises(MissingDataError, match="1 rows have no 'row'"):
        rake({"row": ["a", level]}, {"row": {"a": 1.0}})


def test_columns_and_weights_must_have_one_entry_per_row():
    with pytest.raises(DataError, match="different lengths"):
        rake({"row": ["a"], "col": ["x", "y"]}, HALVES)
    with pytest.raises(DataError, match="3 weights for 4 rows"):
        rake(table([[1, 1], [1, 1]]), HALVES, weights=[1, 1, 1])
    with pytest.raises(DataError, match="the columns are empty"):
        rake({"row": []}, {"row": {"a": 1.0}})


def test_margins_that_contradict_each_other_are_refused_unless_allowed():
    columns = table([[5, 0], [0, 5]])  # rows and columns are the same thing here
    margins = HALVES | {"col": {"x": 0.3, "y": 0.7}}
    with pytest.raises(DataError, match=r"stopped after 500 passes with column 'row' .*set allow_unconverged"):
        rake(columns, margins)
    raked = rake(columns, margins, max_iterations=20, allow_unconverged=True)
    assert raked.largest_gap == pytest.approx(0.2)
    assert "stopped after 20 passes" in raked.warnings[0]


def test_very_unequal_weights_come_with_a_warning():
    raked = rake({"x": ["a"] * 99 + ["b"]}, {"x": {"a": 0.5, "b": 0.5}})
    assert [said.split()[1] for said in raked.warnings] == ["largest", "design"]


@pytest.mark.parametrize(
    ("weights", "n_eff"), [([1, 1, 1], 3), ([1, 1, 2], 16 / 6), ([5, 0], 1), ([1e-200, 1e-200], 2)]
)
def test_kish_effective_sample_size_by_hand(weights, n_eff):
    assert kish_n_eff(weights) == pytest.approx(n_eff)


@pytest.mark.parametrize("weights", [[], [[1, 2]], ["a"], [0, 0], [1, -1], [math.inf]])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(DataError, match="kish_n_eff"):
        kish_n_eff(weights)


def test_a_hundred_thousand_rows_are_raked():
    rng = np.random.default_rng(1)
    columns = {name: rng.integers(0, 6, 100_000).tolist() for name in ("age", "region", "school")}
    target = {level: share for level, share in enumerate((0.05, 0.1, 0.15, 0.2, 0.2, 0.3))}
    raked = rake(columns, dict.fromkeys(columns, target))
    assert raked.largest_gap < 1e-8


def test_there_is_one_effective_n_and_who_weighs_nothing_adds_nothing():
    assert inspect.unwrap(measures.kish_n_eff) is kish_n_eff
    assert kish_n_eff([0, 1, 1]) == 2

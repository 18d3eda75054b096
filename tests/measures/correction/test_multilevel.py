import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, MissingDataError
from proband.measures import mrp_mean, poststratify
from validation.corrected_designs import CELLS, SIZES, TABLE, mrp_covers


def people(seed, n=150, binary=True):
    rng = np.random.default_rng(seed)
    cell = rng.integers(0, len(CELLS), n)
    columns = {name: CELLS[cell, k].tolist() for k, name in enumerate("abc")}
    z = 0.8 * (CELLS[cell, 0] - 1.5) + rng.normal(size=n)
    return (z > 0) * 1.0 if binary else z, columns


def test_many_levels_are_shrunk_as_by_a_mixed_model():
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(60), 6)
    y = 2 + 0.8 * rng.normal(size=60)[group] + rng.normal(size=360)
    found = mrp_mean(y, {"g": group.tolist()}, cells={"g": list(range(60))}, sizes=np.ones(60))
    oracle = sm.MixedLM(y, np.ones((360, 1)), group).fit()
    blups = oracle.fe_params[0] + np.array([float(np.asarray(oracle.random_effects[g])[0]) for g in range(60)])
    np.testing.assert_allclose(found.cells, blups, atol=0.03)
    assert found.spreads["g"] == pytest.approx(float(np.asarray(oracle.cov_re)[0, 0]) ** 0.5, rel=0.1)
    assert found.value == pytest.approx(blups.mean(), abs=0.02)


def test_with_many_people_it_is_poststratification():
    y, columns = people(2, n=20_000)
    sizes = {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4}
    found = mrp_mean(y, {"a": columns["a"]}, cells={"a": list(sizes)}, sizes=list(sizes.values()))
    post = poststratify(y, columns["a"], population=sizes)
    assert found.value == pytest.approx(post.value, abs=0.002)
    assert found.se == pytest.approx(post.se, rel=0.1)
    assert found.by_group["a"][3].value == pytest.approx(y[np.array(columns["a"]) == 3].mean(), abs=0.003)


@given(st.integers(0, 10**6))
@settings(max_examples=5, deadline=None)
def test_order_and_names_do_not_matter_and_shares_stay_within_0_and_1(seed):
    y, columns = people(seed)
    found = mrp_mean(y, columns, cells=TABLE, sizes=SIZES)
    order = np.random.default_rng(seed).permutation(y.size)
    renamed = {name: [f"level {column[k]}" for k in order] for name, column in columns.items()}
    table = {name: [f"level {v}" for v in column] for name, column in TABLE.items()}
    again = mrp_mean(y[order], renamed, cells=table, sizes=1000 * SIZES)
    assert again.value == pytest.approx(found.value, abs=1e-6)
    assert 0 < found.interval[0] < found.interval[1] < 1
    assert ((found.cells > 0) & (found.cells < 1)).all()


def test_a_level_without_people_borrows_from_the_others():
    y, columns = people(3)
    there = [k for k, level in enumerate(columns["b"]) if level != 4]
    part = {name: [column[k] for k in there] for name, column in columns.items()}
    found = mrp_mean(y[there], part, cells=TABLE, sizes=SIZES)
    groups = found.by_group["b"]
    assert groups[4].n_units == 0
    assert np.ptp(groups[4].interval) > np.ptp(groups[0].interval)
    assert "may be too short" in groups[4].warnings[0]


def test_a_covariate_of_the_cells_has_a_slope():
    y, columns = people(4, n=2000, binary=False)
    known = {"x": [float(v) for v in range(4)], "a": list(range(4))}
    rows = {"x": [float(v) for v in columns["a"]], "a": columns["a"]}
    found = mrp_mean(y, rows, cells=known, sizes=np.ones(4), covariates=("x",))
    plain = mrp_mean(y, {"a": columns["a"]}, cells={"a": list(range(4))}, sizes=np.ones(4))
    assert found.spreads["a"] < plain.spreads["a"]
    np.testing.assert_allclose(found.cells, 0.8 * (np.arange(4) - 1.5), atol=0.15)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sizes": [1.0]}, "values for 1 sizes"),
        ({"sizes": [-1.0, 1, 1]}, "0 or more, and not all 0"),
        ({"sizes": [0.0, 0, 0]}, "0 or more, and not all 0"),
        ({"cells": {"a": [0, 1, 5]}}, "people have 'a' = 2, which no cell has"),
        ({"cells": {"z": [0, 1, 2]}}, "column 'z' is not there for people"),
        ({"columns": {"a": [0, 1]}}, "2 values for 12 answers"),
        ({"cells": {}}, "cells without columns"),
    ],
)
def test_tables_that_do_not_fit_are_refused(changes, said):
    given = {"columns": {"a": [0, 1, 2] * 4}, "cells": {"a": [0, 1, 2]}, "sizes": [1.0, 1, 1]} | changes
    with pytest.raises(DataError, match=said):
        mrp_mean([0, 1] * 6, given["columns"], cells=given["cells"], sizes=given["sizes"])


def test_people_without_a_level_are_refused_and_few_have_no_interval():
    with pytest.raises(MissingDataError, match="1 people have no 'a'"):
        mrp_mean([0, 1], {"a": [0, None]}, cells={"a": [0, 1]}, sizes=[1, 1])
    few = mrp_mean([0, 1, 1], {"a": [0, 1, 1]}, cells={"a": [0, 1]}, sizes=[1, 1])
    assert few.interval is None
    assert "below 10" in few.warnings[0]


@pytest.mark.slow
@pytest.mark.parametrize("base", [None, -0.5])
def test_the_interval_holds_though_cells_differ_in_ways_no_column_tells(base):
    share = np.mean([mrp_covers(np.random.default_rng(k), 100, base=base) for k in range(120)])
    assert share >= 0.88

"""A claim over a grid: flips and spread as they can be counted by hand."""

import numpy as np
import pytest
from scipy import stats

from proband.errors import DataError
from proband.estimates import Estimate
from proband.texts.fragility.flips import groups_of, spread


def number(value, half=0.1):
    return Estimate(value=value, se=half / 1.96, interval=(value - half, value + half), estimand="x", target="human",
                    n_units=50)  # fmt: skip


CELLS = [[number(0.30), number(0.30)], [number(0.25), number(0.05)], [number(-0.20), number(-0.22)]]
STILL = np.tile([0.30, 0.30, 0.25, 0.05, -0.20, -0.22, 0.30], (20, 1))  # no document matters


def test_flips_are_those_that_can_be_counted():
    found = spread(CELLS, number(0.30), STILL, reference=0.0)
    assert found.sign.value == pytest.approx(2 / 6)
    assert found.sign.interval == pytest.approx((2 / 6, 2 / 6))
    assert found.verdict.value == pytest.approx(3 / 6)  # 0.05 is not to be told from 0
    assert (found.repeats_sign, found.repeats_verdict) == (0.0, 0.0)
    assert found.agrees == pytest.approx(1 / 3)
    assert (found.low, found.high) == (pytest.approx(-0.21), pytest.approx(0.30))


def test_the_spread_is_that_of_an_analysis_of_variance():
    found = spread(CELLS, number(0.30), STILL, reference=0.0)
    rows = [[of.value for of in row] for row in CELLS]
    expected = stats.f_oneway(*rows)
    assert found.p_value == pytest.approx(expected.pvalue)
    within = np.var(rows, axis=1, ddof=1).mean()
    assert found.within == pytest.approx(np.sqrt(within))
    assert found.between == pytest.approx(np.sqrt(np.var(np.mean(rows, axis=1), ddof=1) - within / 2))


def test_documents_that_move_all_cells_widen_the_interval_of_flips():
    rng = np.random.default_rng(3)
    moved = STILL + 0.08 * rng.standard_normal((20, 1))
    assert spread(CELLS, number(0.30), moved, reference=0.0).sign.interval[1] > 0.4


def test_a_mean_has_no_reference_and_so_no_flips():
    found = spread(CELLS, number(0.30), STILL, reference=None)
    assert found.sign is None
    assert found.agrees is None
    assert found.mean.value == pytest.approx(0.08)


def test_repeats_that_never_differ_have_no_test():
    cells = [[number(0.3)] * 2, [number(-0.2)] * 2]
    found = spread(cells, number(0.3), np.tile([0.3, 0.3, -0.2, -0.2, 0.3], (20, 1)), reference=0.0)
    assert found.p_value is None
    assert found.within == 0


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="for 3 cells of 2"):
        spread(CELLS, number(0.3), STILL[:, :3], reference=0.0)


def test_units_stay_whole_in_groups():
    units = [f"u{k % 30}" for k in range(90)]
    groups = groups_of(units, seed=1)
    assert all(len(set(groups[[k for k in range(90) if units[k] == unit]])) == 1 for unit in set(units))
    assert sorted(np.bincount(groups))[-1] <= 6

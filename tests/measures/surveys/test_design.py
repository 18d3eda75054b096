import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, MissingDataError
from proband.measures.surveys.design import simple_random_sample, survey_design


def test_without_strata_and_units_the_variance_is_that_of_a_mean():
    x = np.arange(10.0)
    design = simple_random_sample(10)
    variance = design.total_covariance(((x - x.mean()) / 10)[:, None])[0, 0]
    assert variance == pytest.approx(x.var(ddof=1) / 10)


def test_strata_and_units_by_hand():
    # Stratum a: unit totals 3 and 5; stratum b: 10, 10 and 16.
    design = survey_design(6, strata=list("aaabbb"), psu=[1, 1, 2, 1, 2, 3])
    values = np.array([1.0, 2.0, 5.0, 10.0, 10.0, 16.0])[:, None]
    expected = 2 / 1 * ((3 - 4) ** 2 + (5 - 4) ** 2) + 3 / 2 * ((10 - 12) ** 2 * 2 + (16 - 12) ** 2)
    assert design.total_covariance(values)[0, 0] == pytest.approx(expected)
    assert design.df == 3


def test_the_replicates_have_the_linearised_variance():
    rng = np.random.default_rng(1)
    design = survey_design(60, strata=np.arange(60) // 20, psu=np.arange(60) // 4)
    values = rng.standard_normal((60, 2))
    unit, factors = design.replicates(20_000, rng)
    totals = np.stack([np.bincount(unit, v, factors.shape[1]) for v in values.T])
    drawn = factors @ totals.T
    assert drawn.mean(axis=0) == pytest.approx(values.sum(axis=0), abs=0.1)
    assert np.cov(drawn.T) == pytest.approx(design.total_covariance(values), rel=0.1, abs=0.5)


def test_many_units_are_drawn_in_random_groups_with_the_same_variance():
    rng = np.random.default_rng(2)
    values = rng.standard_normal((4000, 1))
    design = simple_random_sample(4000)
    unit, factors = design.replicates(1000, rng)
    assert factors.shape == (1000, 500)
    drawn = factors @ np.bincount(unit, values[:, 0], 500)
    assert drawn.var() == pytest.approx(design.total_covariance(values)[0, 0], rel=0.25)


@settings(max_examples=10)
@given(st.permutations(list(range(12))))
def test_the_order_of_people_does_not_matter(order):
    strata, psu = np.repeat([0, 1], 6), np.tile([0, 0, 1, 1, 2, 2], 2)
    values = np.arange(12.0)[:, None] ** 1.5
    first = survey_design(12, strata, psu).total_covariance(values)
    second = survey_design(12, strata[order], psu[order]).total_covariance(values[order])
    assert second == pytest.approx(first)


def test_units_without_anybody_at_hand_still_count():
    design = survey_design(4, psu=["a", "b", "c", "d"])
    part = design.take(np.array([True, True, False, False]))
    # Totals 1, 3, 0, 0 of four units.
    assert part.total_covariance(np.array([[1.0], [3.0]]))[0, 0] == pytest.approx(4 / 3 * (10 - 16 / 4))
    assert part.df == 1


def test_halves_keep_units_whole():
    design = survey_design(40, strata=np.arange(40) // 20, psu=np.arange(40) // 5)
    halves = design.halves(10, np.random.default_rng(1))
    by_unit = halves.reshape(10, 8, 5)
    assert (by_unit == by_unit[:, :, :1]).all()
    assert (halves.sum(axis=1) == 20).all()


def test_a_stratum_of_one_unit_is_refused_by_name():
    with pytest.raises(DataError, match="stratum 'b'"):
        survey_design(3, strata=["a", "a", "b"])
    with pytest.raises(MissingDataError, match="no label in psu"):
        survey_design(2, psu=["a", None])

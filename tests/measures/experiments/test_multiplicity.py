import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.experiments.multiplicity import adjust_p, romano_wolf

# Benjamini and Hochberg (1995), the 15 p values of their example.
PUBLISHED = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
    0.7590, 1.0,
]  # fmt: skip
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=20)
NAMES = {"bonferroni": "bonferroni", "holm": "holm", "bh": "fdr_bh", "by": "fdr_by"}


@pytest.mark.parametrize(("method", "rejections"), [("bonferroni", 3), ("holm", 3), ("bh", 4), ("by", 3)])
def test_rejections_of_the_published_example(method, rejections):
    assert adjust_p(PUBLISHED, method).rejected() == tuple(range(rejections))


def test_adjusted_values_of_the_published_example():
    bh, by = adjust_p(PUBLISHED, "bh").adjusted, adjust_p(PUBLISHED, "by").adjusted
    assert bh[3] == pytest.approx(0.035625, abs=5e-7)
    assert bh[4] == pytest.approx(0.0603, abs=5e-5)
    assert by[2] == pytest.approx(0.03152, abs=5e-6)


@given(p=P_VALUES, method=st.sampled_from(sorted(NAMES)))
@settings(max_examples=20)
def test_adjusted_values_are_those_of_statsmodels(p, method):
    expected = multipletests(p, method=NAMES[method])[1]
    assert list(adjust_p(p, method).adjusted.values()) == pytest.approx(list(expected), abs=1e-12)


@given(p=P_VALUES, method=st.sampled_from(sorted(NAMES)), seed=st.integers(0, 99))
def test_adjusting_never_lowers_a_value_or_changes_their_order(p, method, seed):
    names = [f"h{k}" for k in np.random.default_rng(seed).permutation(len(p))]
    found = adjust_p(dict(zip(names, p, strict=True)), method)
    assert all(found.raw[name] <= found.adjusted[name] <= 1 for name in names)
    by_raw = sorted(names, key=found.raw.get)
    values = [found.adjusted[name] for name in by_raw]
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(values))


def test_holm_rejects_what_bonferroni_does_and_more():
    p = [0.012, 0.013, 0.014, 0.2]
    assert adjust_p(p, "bonferroni").rejected() == (0,)
    assert adjust_p(p, "holm").rejected() == (0, 1, 2)


@pytest.mark.parametrize(
    ("p", "error", "message"),
    [
        ([], DataError, "empty family"),
        ({"a": 0.1, "b": math.nan}, MissingDataError, "'b' is missing"),
        ([0.1, None], MissingDataError, "1 is missing"),
        ([0.1, 1.2], DataError, "1 is 1.2"),
    ],
)
def test_what_is_no_family_of_p_values_is_refused(p, error, message):
    with pytest.raises(error, match=message):
        adjust_p(p, "holm")


def test_an_unknown_method_is_refused():
    with pytest.raises(DesignError, match="sidak"):
        adjust_p([0.1], "sidak")


def test_romano_wolf_by_hand():
    draws = [[1, 0], [0, 2], [3, 1], [0, 0]]
    found = romano_wolf({"a": 1.5, "b": 2.5}, draws)
    # b first: largest of both reach 2.5 once; a against its own draws only: 3 reaches 1.5.
    assert found.adjusted == {"a": 0.4, "b": 0.4}
    assert found.raw == {"a": 0.4, "b": 0.2}


@given(seed=st.integers(0, 200))
def test_romano_wolf_lies_between_the_raw_value_and_that_of_the_largest_statistic(seed):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(1, 6))
    observed, draws = rng.normal(0, 2, m), rng.normal(size=(99, m))
    found = romano_wolf(dict(enumerate(observed)), draws)
    largest = np.abs(draws).max(axis=1)
    for name, raw in found.raw.items():
        one_step = (1 + (largest >= np.abs(observed).min()).sum()) / 100
        assert raw <= found.adjusted[name] <= one_step


def test_perfectly_correlated_tests_are_not_adjusted():
    draws = np.repeat(np.random.default_rng(1).normal(size=(999, 1)), 5, axis=1)
    found = romano_wolf(dict.fromkeys("abcde", 2.2), draws)
    assert found.adjusted == found.raw


@pytest.mark.parametrize("draws", [[[1.0]], [1.0, 2.0], [[1.0, math.nan]]])
def test_draws_that_do_not_fit_are_refused(draws):
    with pytest.raises(DataError):
        romano_wolf({"a": 1.0, "b": 2.0}, draws)

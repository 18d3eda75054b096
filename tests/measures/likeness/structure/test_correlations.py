import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures.likeness.structure.correlations import structure_agreement


def answers(n, strength, seed, k=5):
    rng = np.random.default_rng(seed)
    return np.sqrt(strength) * rng.standard_normal((n, 1)) + np.sqrt(1 - strength) * rng.standard_normal((n, k))


def test_matrices_by_hand():
    h = np.array([[1, 0.5, 0.3], [0.5, 1, 0.1], [0.3, 0.1, 1]])
    m = np.array([[1, 0.6, 0.5], [0.6, 1, 0.4], [0.5, 0.4, 1]])
    found = structure_agreement(h, m)
    assert found.rmse.value == pytest.approx(math.sqrt((0.01 + 0.04 + 0.09) / 3))
    assert found.rmse.baselines["no_association"] == pytest.approx(math.sqrt((0.25 + 0.09 + 0.01) / 3))
    z = np.arctanh([0.6, 0.5, 0.4]) - np.arctanh([0.5, 0.3, 0.1])
    assert found.mean_difference.value == pytest.approx(z.mean())
    assert found.correlation.value == pytest.approx(np.corrcoef([0.6, 0.5, 0.4], [0.5, 0.3, 0.1])[0, 1])
    rv = np.trace(h @ m) / math.sqrt(np.trace(h @ h) * np.trace(m @ m))
    assert found.rv.value == pytest.approx(rv)
    assert found.rmse.interval is None


def test_correlations_of_scores_are_pairwise_complete():
    h, m = answers(60, 0.4, 1), answers(60, 0.4, 2)
    h[::7, 0] = np.nan
    found = structure_agreement(h, m)
    i, j = np.triu_indices(5, 1)
    theirs = pd.DataFrame(h).corr().to_numpy()[i, j]
    ours = np.corrcoef(m.T)[i, j]
    assert found.rmse.value == pytest.approx(math.sqrt(((theirs - ours) ** 2).mean()))


def test_a_too_coherent_model_is_seen():
    found = structure_agreement(answers(400, 0.2, 1), answers(400, 0.7, 2))
    assert found.mean_difference.interval[0] > 0.3
    assert found.first_factor_ratio.value > 1.5
    assert found.rmse.interval[0] > found.rmse.baselines["noise_floor"]


@settings(max_examples=8)
@given(st.permutations(list(range(5))))
def test_the_order_of_items_changes_nothing(order):
    h, m = answers(80, 0.3, 1), answers(90, 0.5, 2)
    before, after = structure_agreement(h, m), structure_agreement(h[:, order], m[:, order])
    for name in ("rmse", "mean_difference", "correlation", "rv", "first_factor_ratio"):
        assert getattr(after, name).value == pytest.approx(getattr(before, name).value)


def test_items_are_matched_by_name():
    h, m = answers(50, 0.3, 1), answers(50, 0.5, 2)
    names = list("abcde")
    people = dict(zip(names, h.T, strict=True))
    model = pd.DataFrame(m[:, ::-1], columns=names[::-1])
    assert structure_agreement(people, model).rmse.value == pytest.approx(structure_agreement(h, m).rmse.value)
    with pytest.raises(DataError, match="only one side has item"):
        structure_agreement(people, model.rename(columns={"a": "z"}))


def test_equal_sides_agree_and_people_agree_with_themselves_less():
    h = answers(200, 0.3, 1) * np.linspace(0.5, 2, 5)
    found = structure_agreement(h, h)
    assert found.rmse.value == 0
    assert found.correlation.value == pytest.approx(1)
    assert found.correlation.baselines["human_split_half"] < 0.9


def test_the_permutation_test_sees_a_shared_pattern():
    loadings = np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.1, 0.1])
    rng = np.random.default_rng(1)

    def side(n):
        return rng.standard_normal((n, 1)) * loadings + rng.standard_normal((n, 7)) * np.sqrt(1 - loadings**2)

    assert structure_agreement(side(300), side(300)).correlation.p_value < 0.02


def test_an_item_without_variance_is_left_out_and_counted():
    h, m = answers(50, 0.3, 1), answers(50, 0.3, 2)
    m[:, 0] = 3.0
    found = structure_agreement(h, m)
    assert found.n_pairs == 6
    assert "4 of 10 pairs left out" in found.warnings[0]
    assert math.isnan(found.rv.value)
    with pytest.raises(DataError, match="every item the same way"):
        structure_agreement(h, np.full((50, 5), 2.0))


def test_few_subjects_get_no_interval():
    found = structure_agreement(answers(10, 0.3, 1), answers(50, 0.3, 2))
    assert found.rmse.interval is None
    assert "at least 20" in found.warnings[0]


def test_what_is_no_table_of_scores_is_refused():
    with pytest.raises(DataError, match="at least 3 items"):
        structure_agreement(answers(20, 0.3, 1, k=2), answers(20, 0.3, 1, k=2))
    with pytest.raises(DesignError, match="the same items"):
        structure_agreement(answers(20, 0.3, 1), answers(20, 0.3, 1, k=4))

"""Likelihood ratios of two groups' response models: planted items are found, standing is not taken for bias."""

import numpy as np
import pytest

from proband.errors import DataError, DesignError
from proband.measures import differential_functioning, likelihood_ratio_dif

GROUPS = ["people"] * 300 + ["model"] * 300
LATER = np.repeat([0, 1], 300)


def answered(seed, *, easier=0.0, steeper=0.0, impact=0.0, n_items=5):
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(600, 1)) + impact * LATER[:, None]
    slope = np.full((600, n_items), 1.5)
    slope[:, -1] += steeper * LATER
    x = slope * theta + rng.logistic(size=(600, n_items))
    x[:, -1] += easier * LATER
    return np.digitize(x, [-1, 1])


def test_an_easier_item_is_flagged_alone_and_the_groups_stand_where_they_do():
    found = likelihood_ratio_dif(answered(1, easier=1.5, impact=0.5), GROUPS)
    assert [item.item for item in found.items if item.is_flagged] == ["4"]
    assert found.anchors == ("0", "1", "2", "3")
    assert found.mean == pytest.approx(0.5, abs=0.25)
    assert found.sd == pytest.approx(1, abs=0.2)
    last = found.items[-1]
    assert last.p_thresholds < 1e-4
    assert last.difference.value == pytest.approx(0.394, abs=0.12)  # 1.5 logits of three answers, integrated over theta
    assert last.difference.interval is None


@pytest.mark.slow
def test_another_slope_is_told_from_other_thresholds():
    last = likelihood_ratio_dif(answered(2, steeper=-1.3), GROUPS).items[-1]
    assert last.p_slope < 1e-4
    assert abs(last.difference.value) < 0.15


@pytest.mark.slow
def test_swapping_the_groups_turns_the_sign():
    x = answered(3, easier=1.0)
    one, other = (likelihood_ratio_dif(part, groups) for part, groups in ((x, GROUPS), (x[::-1], GROUPS[::-1])))
    assert other.groups == one.groups[::-1]
    assert other.mean == pytest.approx(-one.mean / one.sd, abs=0.02)
    for a, b in zip(one.items, other.items, strict=True):
        assert b.p_any == pytest.approx(a.p_any, abs=0.02)
        assert np.sign(a.difference.value) != np.sign(b.difference.value) or abs(a.difference.value) < 0.02


@pytest.mark.slow
def test_without_bias_tests_hold_their_size_though_one_group_stands_higher():
    p = [item.p_any for seed in range(60) for item in likelihood_ratio_dif(answered(seed, impact=0.8), GROUPS).items]
    assert 0.02 < np.mean(np.array(p) <= 0.05) < 0.085
    # Of so short a scale the total takes standing with error, and the logits reject too often.
    logits = [item.p_any for seed in range(60)
              for item in differential_functioning(answered(seed, impact=0.8), GROUPS).items]  # fmt: skip
    assert np.mean(np.array(p) <= 0.05) < np.mean(np.array(logits) <= 0.05) + 0.02


def test_what_cannot_be_is_refused():
    x = answered(4)
    with pytest.raises(DesignError, match="3 groups"):
        likelihood_ratio_dif(x, [*GROUPS[:-1], "other"])
    with pytest.raises(DataError, match="only one group gave 9"):
        likelihood_ratio_dif(np.where((np.arange(600) < 3)[:, None], 9, x), GROUPS)
    with pytest.raises(DesignError, match="items 0 do not vary in people"):
        likelihood_ratio_dif(np.where((np.arange(600) < 300)[:, None] & (np.arange(5) == 0), 1, x), GROUPS)
    with pytest.raises(DataError, match="5 groups for 600"):
        likelihood_ratio_dif(x, GROUPS[:5])

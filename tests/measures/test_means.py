import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError
from proband.measures import clustered_mean, weighted_mean

scores = st.lists(st.integers(-5, 5), min_size=3, max_size=12)


def test_without_weights_it_is_the_mean_with_its_t_interval():
    y = [3.0, 1.0, 4.0, 1.0, 5.0]
    found = weighted_mean(y)
    assert found.value == pytest.approx(2.8)
    assert found.se == pytest.approx(np.std(y, ddof=1) / 5**0.5)
    assert found.df == 4


@given(scores, st.floats(0.1, 50))
def test_the_scale_of_weights_changes_nothing(y, scale):
    weights = np.arange(1, len(y) + 1)
    assert weighted_mean(y, weights).value == pytest.approx(weighted_mean(y, weights * scale).value)


def test_clusters_of_equal_size_give_the_error_of_their_means():
    y, cluster = [1, 3, 2, 2, 5, 7, 4, 4], [0, 0, 1, 1, 2, 2, 3, 3]
    assert weighted_mean(y, None, cluster).se == pytest.approx(clustered_mean(y, cluster, "CR1").se)
    assert weighted_mean(y, None, cluster).n_clusters == 4


def test_scores_that_are_all_alike_have_no_interval_and_say_why():
    found = weighted_mean([0.1 + 0.2, 0.3, 0.3])
    assert found.interval is None
    assert "do not vary" in found.warnings[0]
    assert weighted_mean([2.0]).interval is None
    with pytest.raises(DataError, match="nothing to average"):
        weighted_mean([])
    with pytest.raises(DataError, match="cluster labels"):
        weighted_mean([1, 2], None, ["a"])

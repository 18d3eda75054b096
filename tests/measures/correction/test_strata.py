import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures.correction.strata import allocate_labels, effective_n, poststratify


def test_effective_n_of_published_examples():
    # Broska, Howes & van Loon (2024): 100 people, 1,000 silicon subjects; and ppi_power's own plan.
    assert float(effective_n(100, 1000, 0.5)) == pytest.approx(129.41, abs=0.005)
    assert effective_n(100, 1000, 0.5).baselines["with endless predictions"] == pytest.approx(400 / 3)
    assert round(float(effective_n(898, 9286, 0.75))) == 1844
    assert float(effective_n(100, math.inf, 0.3)) == pytest.approx(109.9, abs=0.05)


@pytest.mark.parametrize(("n", "big_n", "rho", "worth"), [(50, 0, 0.9, 50), (50, 200, 1, 250), (50, 200, 0, 50)])
def test_effective_n_at_its_ends(n, big_n, rho, worth):
    assert float(effective_n(n, big_n, rho)) == pytest.approx(worth)


def test_a_negative_correlation_is_worth_nothing_and_says_so():
    found = effective_n(100, 1000, -0.5)
    assert found.value == 100
    assert "would be left out" in found.warnings[0]
    with pytest.raises(DesignError, match=r"rho = 1\.2"):
        effective_n(100, 10, 1.2)


def test_labels_go_where_errors_are_and_asking_is_cheap():
    strata = ["a"] * 100 + ["b"] * 100
    assert dict(allocate_labels(strata, {"a": 1, "b": 3}, n_labels=40).labels) == {"a": 10, "b": 30}
    # Four times the cost halves the labels: 1 : 3 / 2.
    plan = allocate_labels(strata, {"a": 1, "b": 3}, n_labels=40, costs={"a": 1, "b": 4})
    assert dict(plan.labels) == {"a": 16, "b": 24}
    assert plan.probabilities[[0, -1]].tolist() == [0.16, 0.24]


def test_the_expected_error_is_neymans():
    plan = allocate_labels(["a"] * 100 + ["b"] * 100, {"a": 1, "b": 3}, n_labels=40)
    assert plan.expected_se == pytest.approx(math.sqrt(0.25 * 1 / 10 + 0.25 * 9 / 30))
    assert plan.proportional_se == pytest.approx(math.sqrt(0.25 * 1 / 20 + 0.25 * 9 / 20))


@given(
    st.lists(st.tuples(st.integers(2, 40), st.floats(0, 5)), min_size=2, max_size=6),
    st.floats(0, 1),
    st.integers(0, 100),
)
@settings(max_examples=30)
def test_allocations_add_up_and_stay_within_bounds(strata, fraction, seed):
    sizes, sd = zip(*strata, strict=True)
    if not any(sd):
        sd = (1.0, *sd[1:])
    units = [h for h, size in enumerate(sizes) for _ in range(size)]
    n_labels = 2 * len(sizes) + int(fraction * (sum(sizes) - 2 * len(sizes)))
    plan = allocate_labels(units, dict(enumerate(sd)), n_labels=n_labels)
    assert sum(plan.labels.values()) == n_labels
    assert all(2 <= plan.labels[h] <= size for h, size in enumerate(sizes))
    assert plan.probabilities.sum() == pytest.approx(n_labels)
    chosen = plan.draw(np.random.default_rng(seed))
    assert len(set(chosen.tolist())) == n_labels
    assert np.bincount(np.array(units)[chosen], minlength=len(sizes)).tolist() == list(plan.labels.values())


def test_allocations_that_cannot_be_made_are_refused():
    with pytest.raises(DesignError, match="must lie between 4 and 6"):
        allocate_labels(["a"] * 3 + ["b"] * 3, {"a": 1, "b": 1}, n_labels=9)
    with pytest.raises(DesignError, match="no value for stratum 'b'"):
        allocate_labels(["a"] * 3 + ["b"] * 3, {"a": 1}, n_labels=4)
    with pytest.raises(DesignError, match="one positive"):
        allocate_labels(["a"] * 3 + ["b"] * 3, {"a": 0, "b": 0}, n_labels=4)


def test_a_poststratified_share_by_hand():
    sizes, ones = (10, 10, 10, 10), (2, 4, 6, 8)
    answers = [1.0 * (k < one) for size, one in zip(sizes, ones, strict=True) for k in range(size)]
    strata = [g for g, size in enumerate(sizes) for _ in range(size)]
    found = poststratify(answers, strata, population={0: 400, 1: 300, 2: 200, 3: 100})
    assert found.value == pytest.approx(0.4)
    variances = [0.16 / 9, 0.24 / 9, 0.24 / 9, 0.16 / 9]
    assert found.se == pytest.approx(
        math.sqrt(sum(w**2 * v for w, v in zip((0.4, 0.3, 0.2, 0.1), variances, strict=True)))
    )
    assert found.baselines["unadjusted"] == pytest.approx(0.5)


@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(0.1, 9))
@settings(max_examples=20)
def test_poststratified_means_move_with_the_answers_and_ignore_names_and_order(seed, shift, scale):
    rng = np.random.default_rng(seed)
    y, group = rng.standard_normal(40), np.tile([0, 1, 2, 3], 10)
    population = {0: 5, 1: 1, 2: 2, 3: 2}
    found = poststratify(y, group.tolist(), population=population)
    moved = poststratify(y * scale + shift, group.tolist(), population={g: 10 * n for g, n in population.items()})
    assert moved.interval == pytest.approx(tuple(limit * scale + shift for limit in found.interval), abs=1e-9)
    order = rng.permutation(40)
    renamed = poststratify(
        y[order], ["abcd"[g] for g in group[order]], population={"abcd"[g]: n for g, n in population.items()}
    )
    assert renamed.interval == pytest.approx(found.interval)


def test_groups_without_people_people_without_a_group_and_groups_of_one_are_decided():
    answers, strata = [1.0, 2, 3, 4] * 3, ["a", "b"] * 6
    with pytest.raises(DataError, match="nobody is in group 'c'"):
        poststratify(answers, strata, population={"a": 1, "b": 1, "c": 1})
    with pytest.raises(DataError, match="people are in group 'b', which has no size"):
        poststratify(answers, strata, population={"a": 1})
    found = poststratify([*answers, 9], [*strata, "c"], population={"a": 1, "b": 1, "c": 1})
    assert (found.interval, found.se) == (None, None)
    assert "one person only" in found.warnings[0]


def test_answers_alike_in_all_groups_keep_an_honest_interval():
    found = poststratify([0] * 20, ["a", "b"] * 10, population={"a": 1, "b": 1})
    assert found.interval[0] == 0
    assert found.interval[1] > 0.15
    assert poststratify([2.0] * 20, ["a", "b"] * 10, population={"a": 1, "b": 1}).interval is None

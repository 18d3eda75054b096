"""Scales of comparisons: by hand, against scipy's optimum, by property, and in simulated judgements."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from proband.errors import DataError
from proband.measures import bradley_terry, corrected_bradley_terry


def tournament(n, comparisons, *, seed=1, spread=1.0):
    """True values, and who beat whom in so many comparisons of each object."""
    rng = np.random.default_rng(seed)
    truth = np.linspace(-spread, spread, n)
    ring = rng.permutation(n)
    steps = [1, *rng.choice(np.arange(2, (n + 1) // 2), comparisons // 2 - 1, replace=False)]
    one, other = np.concatenate([ring] * len(steps)), np.concatenate([np.roll(ring, k) for k in steps])
    won = (rng.random(len(one)) < special.expit(truth[one] - truth[other])).astype(float)
    names = np.array([f"o{k:03d}" for k in range(n)])
    return truth, names[one].tolist(), names[other].tolist(), won


def test_two_objects_stand_as_far_apart_as_their_log_odds():
    scale = bradley_terry(["a"] * 4, ["b"] * 4, [1, 1, 1, 0], penalty="none")
    assert scale.difference("a", "b").value == pytest.approx(math.log(3), abs=1e-9)
    assert scale.difference("a", "b").se == pytest.approx(math.sqrt(1 / 3 + 1), abs=1e-9)
    assert scale["a"].value == pytest.approx(math.log(3) / 2, abs=1e-9)


def test_of_two_objects_firths_penalty_adds_half_a_win_to_each():
    scale = bradley_terry(["a"] * 4, ["b"] * 4, [1, 1, 1, 1])
    assert scale.difference("a", "b").value == pytest.approx(math.log(4.5 / 0.5), abs=1e-7)


def test_ties_between_two_equals_give_davidsons_nu():
    # Of 4 comparisons 2 are ties: P(tie) = nu / (2 + nu) = 1/2, so nu = 2.
    scale = bradley_terry(["a"] * 4, ["b"] * 4, [1, 0, 0, 0], tied=[0, 0, 1, 1], penalty="none")
    assert scale.difference("a", "b").value == pytest.approx(0, abs=1e-9)
    assert scale.ties.value == pytest.approx(math.log(2), abs=1e-7)


def test_a_judge_who_takes_what_is_first_leaves_all_objects_alike():
    first, second = list("abcbca"), list("bcaabc")  # every pair in both positions
    scale = bradley_terry(first, second, [1] * 6, position=True)
    assert scale.values == pytest.approx(0, abs=1e-7)
    assert scale.position.value > 1.5


def test_it_is_maximum_likelihood_as_scipy_finds_it():
    _, first, second, won = tournament(25, 12, seed=4)
    scale = bradley_terry(first, second, won, penalty="none")
    one = np.array([scale.names.index(name) for name in first])
    other = np.array([scale.names.index(name) for name in second])

    def loss(free):
        x = np.append(free, -free.sum())
        d, p = x[one] - x[other], np.zeros(len(x))
        pull = special.expit(d) - won
        np.add.at(p, one, pull)
        np.add.at(p, other, -pull)
        return -(won * d - np.logaddexp(0, d)).sum(), p[:-1] - p[-1]

    found = optimize.minimize(loss, np.zeros(24), jac=True, method="BFGS", options={"gtol": 1e-10})
    assert scale.values[:-1] == pytest.approx(found.x, abs=1e-6)


def test_whoever_always_wins_is_finite_and_without_a_penalty_refused_by_name():
    first, second, won = list("aabbcc"), list("bcccaa"), [1, 1, 1, 0, 0, 0]
    scale = bradley_terry(first, second, won)
    assert 0 < scale["a"].value < 5
    assert scale["a"].interval[1] < 10
    with pytest.raises(DataError, match=r"a never lost.*firth"):
        bradley_terry(first, second, won, penalty="none")


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("aacc", "bbdd", r"4 objects fall into 2 groups.*2 with a, b; 2 with c, d"),
        ("ab", "bb", r"comparison 2: 'b' is compared with itself"),
    ],
)
def test_what_gives_no_scale_is_refused_by_name(first, second, said):
    with pytest.raises(DataError, match=said):
        bradley_terry(list(first), list(second), [1] * len(first))


def test_a_position_that_cannot_be_told_from_the_objects_is_refused():
    with pytest.raises(DataError, match="show some pairs both ways"):
        bradley_terry(list("aabb"), list("cdcd"), [1, 0, 0, 1], position=True)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 1), min_size=12, max_size=12), st.permutations(range(12)))
def test_names_and_order_do_not_matter_and_turning_all_around_turns_the_scale(wins, order):
    first, second = list("abcdabcdabcd"), list("bcdacdabdabc")
    scale = bradley_terry(first, second, wins)
    other = bradley_terry([first[k] for k in order], [second[k] for k in order], [wins[k] for k in order])
    turned = bradley_terry(second, first, wins)
    assert [other[name].value for name in scale.names] == pytest.approx(scale.values.tolist(), abs=1e-6)
    assert [-turned[name].value for name in scale.names] == pytest.approx(scale.values.tolist(), abs=1e-6)


def test_repeats_of_one_comparison_are_no_more_evidence_in_clusters():
    _, first, second, won = tournament(10, 6)
    once = bradley_terry(first, second, won, cluster=range(len(won)))
    twice = bradley_terry(
        first * 2, second * 2, [*won, *won], weights=[0.5] * (2 * len(won)), cluster=[*range(len(won))] * 2
    )
    assert twice.values == pytest.approx(once.values, abs=1e-6)
    assert twice["o000"].se == pytest.approx(once["o000"].se, rel=1e-6)


def test_experts_who_judge_everything_are_all_that_counts():
    _, first, second, won = tournament(10, 6)
    fixed = corrected_bradley_terry(first, second, [0.5] * len(won), won)
    assert fixed.values == pytest.approx(bradley_terry(first, second, won).values, abs=1e-6)


def test_a_model_turned_around_is_corrected_by_experts():
    truth, first, second, won = tournament(12, 10, spread=4)
    asked = np.random.default_rng(3).random(len(won)) < 0.7
    fixed = corrected_bradley_terry(first, second, 1 - won, np.where(asked, won, np.nan))
    at = [fixed.names.index(f"o{k:03d}") for k in range(12)]
    assert np.corrcoef(fixed.values[at], truth)[0, 1] > 0.6
    assert fixed.n == asked.sum()


def test_experts_who_leave_objects_out_are_refused_with_the_groups():
    _, first, second, won = tournament(8, 4)
    few = [won[0], won[1], *[math.nan] * (len(won) - 2)]
    with pytest.raises(DataError, match=r"comparisons by experts: 8 objects fall into \d groups"):
        corrected_bradley_terry(first, second, won, few)


@pytest.mark.slow
@pytest.mark.parametrize("clustered", [False, True])
def test_intervals_of_differences_cover(clustered):
    hits = []
    for seed in range(300):
        truth, first, second, won = tournament(30, 16, seed=seed)
        scale = bradley_terry(first, second, won, cluster=range(len(won)) if clustered else None)
        low, high = scale.difference("o029", "o010").interval
        hits.append(low <= truth[29] - truth[10] <= high)
    assert 0.91 <= np.mean(hits) <= 0.99


def test_a_thousand_objects_have_finite_values_and_errors():
    truth, first, second, won = tournament(1000, 20, spread=2.5)
    scale = bradley_terry(first, second, won, position=True)
    at = [scale.names.index(f"o{k:03d}") for k in range(1000)]
    assert np.isfinite(scale.values).all()
    assert (scale.covariance.diagonal() > 0).all()
    assert np.corrcoef(scale.values[at], truth)[0, 1] > 0.9

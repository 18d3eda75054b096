import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from proband.errors import DataError, MissingDataError, ProbandError
from proband.measures import (
    alignment,
    js_distance,
    js_divergence,
    kl_divergence,
    total_variation,
    tv_noise_floor,
    wasserstein,
)

P, Q = (0.4, 0.3, 0.2, 0.1), (0.1, 0.2, 0.3, 0.4)
POSITIVE = st.lists(st.floats(0.01, 1), min_size=2, max_size=6)
PAIRS = st.integers(2, 6).flatmap(
    lambda k: st.tuples(*[st.lists(st.floats(0, 1), min_size=k, max_size=k).filter(lambda x: sum(x) > 0.01)] * 2)
)
DISTANCES = [total_variation, wasserstein, js_divergence, js_distance]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (total_variation(P, Q), 0.4),
        (wasserstein(P, Q), 1.0),
        (wasserstein(P, Q, positions=(1, 2, 3, 5)), 1.3),
        (alignment(P, Q), 0.6666667),
        (alignment(P, Q, positions=(1, 2, 3, 5)), 0.675),
        (kl_divergence(P, Q), 0.4564348),
        (kl_divergence(P, Q, base=2), 0.6584963),
        (js_divergence(P, Q), 0.1535607),
        (js_divergence(P, Q, base="e"), 0.1064401),
        (js_distance(P, Q), 0.3918682),
        (js_distance(P, Q, base="e"), 0.3262516),
        (tv_noise_floor((1, 1, 1, 1), 50), 0.0983194),
    ],
)
def test_reference_values(found, expected):
    assert float(found) == pytest.approx(expected, abs=5e-8)


def test_counts_and_shares_give_the_same_distance():
    assert float(total_variation([40, 30, 20, 10], Q)) == pytest.approx(0.4)


def test_scipys_jensen_shannon_is_this_distance_in_nats():
    assert float(js_distance(P, Q, base="e")) == pytest.approx(jensenshannon(P, Q))


@pytest.mark.parametrize("distance", DISTANCES)
@given(pair=PAIRS)
def test_distances_are_symmetric_bounded_and_zero_between_equals(distance, pair):
    p, q = pair
    value = float(distance(p, q))
    assert value == pytest.approx(float(distance(q, p)), abs=1e-7)
    assert -1e-12 <= value <= (len(p) - 1 if distance is wasserstein else 1) + 1e-12
    assert float(distance(p, p)) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("distance", [total_variation, js_divergence, js_distance])
@given(pair=PAIRS, seed=st.integers(0, 99))
def test_distances_of_unordered_options_ignore_their_order(distance, pair, seed):
    order = np.random.default_rng(seed).permutation(len(pair[0]))
    p, q = (np.array(side) for side in pair)
    assert float(distance(p[order], q[order])) == pytest.approx(float(distance(p, q)), abs=1e-9)


@given(pair=PAIRS, scale=st.floats(0.1, 10))
def test_wasserstein_is_scipys_and_stretches_with_the_scale(pair, scale):
    p, q = pair
    x = np.arange(len(p)) * scale
    value = float(wasserstein(p, q, positions=x))
    assert value == pytest.approx(stats.wasserstein_distance(x, x, p, q), abs=1e-9)
    assert value == pytest.approx(scale * float(wasserstein(p, q)), abs=1e-9)


@given(p=st.floats(0, 1), q=st.floats(0, 1))
def test_with_two_options_normalised_wasserstein_is_total_variation(p, q):
    pair = (p, 1 - p), (q, 1 - q)
    assert float(wasserstein(*pair, normalised=True)) == pytest.approx(float(total_variation(*pair)), abs=1e-12)


def test_mappings_are_matched_by_option_not_by_order():
    assert float(total_variation({"a": 3, "b": 1}, {"b": 1, "a": 3})) == 0


def test_numbered_options_are_their_own_positions():
    p, q = dict(zip((5, 1, 2, 3), (0.1, 0.4, 0.3, 0.2), strict=True)), dict(zip((1, 2, 3, 5), Q, strict=True))
    assert float(wasserstein(p, q)) == pytest.approx(1.3)


def test_positions_may_be_given_by_option():
    p, q = {"yes": 1, "no": 0, "perhaps": 0}, {"yes": 0, "no": 1, "perhaps": 0}
    positions = {"no": 0, "perhaps": 1, "yes": 2}
    assert float(wasserstein(p, q, positions=positions)) == 2
    assert float(wasserstein(p, q)) == 1


def test_the_smallest_share_a_float_can_hold_does_no_harm():
    assert float(js_distance((1, 0), (1, 5e-324))) == 0
    assert float(total_variation((1, 0), (1, 5e-324))) == 0


def test_options_named_on_one_side_only_are_refused_by_name():
    with pytest.raises(DataError, match=r"'b'.*'c'"):
        total_variation({"a": 1, "b": 1}, {"a": 1, "c": 1})


@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        ((1, 0), (1, 0, 0), "2 options"),
        ((0, 0), (1, 0), "all zero"),
        ((-1, 2), (1, 0), "negative"),
        ((math.inf, 2), (1, 0), "infinite"),
        ((), (), "one number per option"),
        (("a", "b"), (1, 0), "one number per option"),
        ({"a": 1}, (1,), "key both"),
    ],
)
def test_what_is_no_pair_of_distributions_is_refused(p, q, message):
    with pytest.raises(DataError, match=message):
        total_variation(p, q)


def test_a_missing_share_is_refused():
    with pytest.raises(MissingDataError):
        total_variation((math.nan, 1), (1, 0))


@pytest.mark.parametrize("positions", [(1, 1, 2), (3, 2, 1), (1, math.nan, 2), (1, 2), {"a": 1}])
def test_positions_that_tie_fall_or_do_not_match_are_refused(positions):
    with pytest.raises(DataError, match=r"position"):
        wasserstein((1, 1, 1), (1, 2, 1), positions=positions)


def test_a_single_option_has_no_normalised_distance():
    assert float(total_variation([3], [5])) == float(wasserstein([3], [5])) == 0
    for undefined in (wasserstein([3], [5], normalised=True), alignment([3], [5])):
        assert math.isnan(undefined.value)
        assert "one option" in undefined.warnings[0]


def test_kullback_leibler_is_infinite_and_says_why_where_the_model_excludes_an_option():
    found = kl_divergence({"a": 0.5, "b": 0.5}, {"a": 1, "b": 0})
    assert math.isinf(found.value)
    assert "'b'" in found.warnings[0]
    assert float(kl_divergence({"a": 1, "b": 0}, {"a": 0.5, "b": 0.5}, base=2)) == 1


@given(pair=PAIRS)
def test_kullback_leibler_is_never_negative(pair):
    assert float(kl_divergence(*pair)) >= -1e-12


@pytest.mark.parametrize("base", [1, 0, -2, "bits"])
def test_a_base_that_is_no_base_is_refused(base):
    with pytest.raises(ProbandError, match="base"):
        js_divergence(P, Q, base=base)


@given(p=POSITIVE, n=st.integers(1, 60))
def test_the_noise_floor_is_the_binomial_expectation(p, n):
    shares = np.array(p) / sum(p)
    k = np.arange(n + 1)
    exact = sum((np.abs(k / n - s) * stats.binom.pmf(k, n, s)).sum() for s in shares) / 2
    assert float(tv_noise_floor(p, n)) == pytest.approx(exact, abs=1e-10)


def test_the_noise_floor_is_what_sampling_shows():
    drawn = np.random.default_rng(1).multinomial(50, P, 20_000) / 50
    distances = np.abs(drawn - P).sum(axis=1) / 2
    error = 3 * distances.std() / math.sqrt(len(distances))
    assert float(tv_noise_floor(P, 50)) == pytest.approx(distances.mean(), abs=error)


def test_the_noise_floor_between_whole_numbers_lies_between_theirs():
    below, between, above = (float(tv_noise_floor(P, n)) for n in (50, 50.5, 51))
    assert between == pytest.approx((below + above) / 2)


def test_certain_answers_have_no_noise_and_nobody_has_no_floor():
    assert float(tv_noise_floor((0, 1, 0), 10)) == 0
    with pytest.raises(DataError, match="at least 1 person"):
        tv_noise_floor(P, 0)


def test_the_noise_floor_of_a_million_people_is_the_normal_one():
    shares = np.array(P)
    normal = np.sqrt(2 * shares * (1 - shares) / (math.pi * 1e6)).sum() / 2
    assert float(tv_noise_floor(P, 1_000_000)) == pytest.approx(normal, rel=1e-5)

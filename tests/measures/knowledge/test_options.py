"""Consistency of option probabilities: values by hand, the paper's variant, properties, missing options."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.distances import js_divergence
from proband.measures.knowledge.options import item_scores, mean_kl, option_rank_consistency, top_option_agreement

SHARP, SHIFTED = [0.6, 0.2, 0.15, 0.05], [0.5, 0.3, 0.15, 0.05]
TIED, FLAT = [0.4, 0.4, 0.1, 0.1], [0.25] * 4


def tables(seed: int, n: int = 12, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return special.softmax(rng.normal(size=(n, k)), axis=1), special.softmax(rng.normal(size=(n, k)), axis=1)


@pytest.mark.parametrize(
    ("before", "after", "standard", "published"),
    [
        (SHARP, SHIFTED, 1.0, 1.0),
        (TIED, SHARP, 0.894427, 0.894427),
        (SHARP, SHARP[::-1], -1.0, -1.0),
        ([0.5, 0.2, 0.2, 0.1], SHARP, 0.948683, 0.948683),
        # Dense ranks 1, 1, 2, 3 against 1, 2, 3, 4; mean ranks 1.5, 1.5, 3, 4 against the same.
        ([0.35, 0.35, 0.2, 0.1], SHARP, 0.948683, 0.943880),
    ],
)
def test_rank_correlation_of_one_item_by_hand(before, after, standard, published):
    assert option_rank_consistency([before], [after]).value == pytest.approx(standard, abs=5e-7)
    assert option_rank_consistency([before], [after], "ren2024").value == pytest.approx(published, abs=5e-7)


def test_an_item_without_ranks_is_left_out_or_counted_as_0_as_in_the_paper():
    before, after = [SHARP, FLAT], [SHIFTED, SHARP]
    standard, published = (option_rank_consistency(before, after, method) for method in ("standard", "ren2024"))
    assert (standard.value, standard.n_missing) == (1.0, 1)
    assert published.value == 0.5
    assert any("counted as 0" in warning for warning in published.warnings)


def test_no_ranks_at_all_is_undefined():
    found = option_rank_consistency([FLAT], [FLAT])
    assert math.isnan(found.value)
    assert "no item" in found.warnings[0]


@given(seed=st.integers(0, 999), power=st.floats(0.2, 4))
@settings(max_examples=25)
def test_consistency_is_symmetric_and_the_same_under_rising_transforms_and_reordered_options(seed, power):
    p, q = tables(seed)
    sharper = p**power / (p**power).sum(axis=1, keepdims=True)
    order = np.random.default_rng(seed).permutation(4)
    for method in ("standard", "ren2024"):
        value = option_rank_consistency(p, q, method).value
        assert option_rank_consistency(q, p, method).value == pytest.approx(value)
        assert option_rank_consistency(sharper, q, method).value == pytest.approx(value)
        assert option_rank_consistency(p[:, order], q[:, order], method).value == pytest.approx(value)
        assert -1 <= value <= 1


def test_several_orders_of_the_options_are_averaged_first():
    orders = [[[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]]]
    assert math.isnan(option_rank_consistency(orders, [[0.5, 0.3, 0.2]]).value) is False
    assert mean_kl(orders, [[0.4, 0.2, 0.4]], "before_after", "e").value == pytest.approx(0)


def test_items_may_have_fewer_options():
    before = [[0.6, 0.3, 0.1, math.nan], SHARP]
    after = [[0.1, 0.3, 0.6, math.nan], SHARP]
    assert option_rank_consistency(before, after).value == pytest.approx(0)
    assert mean_kl(before, after, "before_after", "e").value == pytest.approx(
        special.rel_entr([0.6, 0.3, 0.1], [0.1, 0.3, 0.6]).sum() / 2
    )


@pytest.mark.parametrize(("before", "after", "nats"), [(SHARP, SHIFTED, 0.028300), (SHARP, SHARP[::-1], 1.381083)])
def test_mean_kl_of_one_item_by_hand(before, after, nats):
    found = mean_kl([before], [after], "before_after", "e")
    assert found.value == pytest.approx(nats, abs=1e-6)
    assert mean_kl([before], [after], "before_after", 2).value == pytest.approx(nats / math.log(2), abs=2e-6)
    assert mean_kl([after], [before], "after_before", "e").value == pytest.approx(nats, abs=1e-6)


def test_an_excluded_option_makes_the_mean_infinite_and_says_on_how_many_items():
    found = mean_kl([[0.5, 0.5], [0.5, 0.5]], [[1.0, 0.0], [0.5, 0.5]], "before_after", "e")
    assert math.isinf(found.value)
    assert found.interval is None
    assert "1 of 2 items" in found.warnings[0]
    assert math.isfinite(mean_kl([[0.5, 0.5]], [[1.0, 0.0]], "after_before", "e").value)


@given(seed=st.integers(0, 999))
@settings(max_examples=20)
def test_mean_kl_is_at_least_0_and_0_only_without_change(seed):
    p, q = tables(seed)
    assert mean_kl(p, q, "before_after", "e").value > 0
    assert mean_kl(p, p, "before_after", "e").value == pytest.approx(0, abs=1e-12)


def test_top_option_agreement_has_chance_beside_it_and_leaves_ties_out():
    found = top_option_agreement([SHARP, SHARP[::-1], TIED], [SHIFTED, SHARP, SHARP])
    assert (found.value, found.n_units, found.n_missing) == (0.5, 2, 1)
    assert found.baselines["unrelated choices"] == pytest.approx(0.5)


def test_clusters_of_items_widen_the_interval():
    rng = np.random.default_rng(1)
    before = special.softmax(2 * rng.normal(size=(200, 4)), axis=1)
    drift = np.repeat(rng.exponential(size=20), 10)[:, None]
    after = special.softmax(np.log(before) + drift * rng.normal(size=(200, 4)), axis=1)
    alone = option_rank_consistency(before, after)
    grouped = option_rank_consistency(before, after, cluster=[k // 10 for k in range(200)])
    assert grouped.value == pytest.approx(alone.value)
    assert grouped.n_clusters == 20
    assert np.ptp(grouped.interval) > np.ptp(alone.interval)


def test_few_items_and_two_options_are_warned_of():
    found = option_rank_consistency([[0.6, 0.4]], [[0.7, 0.3]])
    assert found.interval is None
    assert any("two options" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("before", "after", "error", "says"),
    [
        ([SHARP], [SHARP, SHARP], DataError, "same items"),
        ([[0.5, math.nan]], [[0.5, 0.5]], MissingDataError, "one side"),
        ([[-0.1, 1.1]], [[0.5, 0.5]], DataError, "negative"),
        ([[1.0, math.nan]], [[1.0, math.nan]], DesignError, "2 options"),
    ],
)
def test_tables_that_do_not_fit_are_refused(before, after, error, says):
    with pytest.raises(error, match=says):
        option_rank_consistency(before, after)


def test_settings_and_sums_are_checked():
    with pytest.raises(DesignError, match="kendall"):
        option_rank_consistency([SHARP], [SHARP], "kendall")
    with pytest.raises(DesignError, match="direction"):
        mean_kl([SHARP], [SHARP], "both", "e")
    with pytest.raises(DesignError, match="base"):
        mean_kl([SHARP], [SHARP], "before_after", 1)
    with pytest.raises(DataError, match=r"sums to 0\.9"):
        mean_kl([[0.5, 0.4]], [[0.5, 0.5]], "before_after", "e")
    with pytest.raises(DataError, match="cluster labels"):
        option_rank_consistency([SHARP], [SHARP], cluster=[1, 2])


@pytest.mark.parametrize(
    ("before", "after", "statistic", "value"),
    [
        (SHARP, SHIFTED, "dense_rank", 1.0),
        (TIED, SHARP, "dense_rank", 0.894427),
        (FLAT, SHARP, "dense_rank", 0.0),
        (SHARP, SHARP[::-1], "rank", -1.0),
        (SHARP, SHIFTED, "kl", 0.028300),
        (SHARP, SHARP[::-1], "kl", 1.381083),
        (SHARP, [0.2, 0.6, 0.15, 0.05], "agreement", 0.0),
    ],
)
def test_statistics_of_one_question_by_hand(before, after, statistic, value):
    found = item_scores({"q": np.array(before)}, {"q": np.array(after)}, statistic)
    assert found["q"] == pytest.approx(value, abs=1e-6)


def test_what_is_undefined_has_no_score():
    flat = {"q": np.full(4, 0.25)}
    assert math.isnan(item_scores(flat, {"q": np.array(SHARP)}, "rank")["q"])
    assert math.isnan(item_scores(flat, {"q": np.array(SHARP)}, "agreement")["q"])


@settings(max_examples=30)
@given(
    arrays(np.float64, (12, 4), elements=st.floats(0.01, 1)), arrays(np.float64, (12, 4), elements=st.floats(0.01, 1))
)
def test_means_over_questions_are_those_of_the_measures(p, q):
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    before, after = ({f"q{k}": row for k, row in enumerate(side)} for side in (p, q))

    def mean(name):
        return np.nanmean(list(item_scores(before, after, name).values()))

    assert mean("dense_rank") == pytest.approx(option_rank_consistency(p, q, "ren2024").value)
    assert mean("kl") == pytest.approx(mean_kl(p, q, "before_after", "e").value, abs=1e-12)
    assert mean("reverse_kl") == pytest.approx(mean_kl(p, q, "after_before", "e").value, abs=1e-12)
    by_row = [js_divergence(a, b, base="e").value for a, b in zip(p, q, strict=True)]
    assert mean("js") == pytest.approx(np.mean(by_row), abs=1e-12)
    ranked = option_rank_consistency(p, q)
    if not math.isnan(ranked.value):
        assert mean("rank") == pytest.approx(ranked.value)
    chosen = top_option_agreement(p, q)
    if not math.isnan(chosen.value):
        assert mean("agreement") == pytest.approx(chosen.value)


def test_questions_may_differ_in_their_number_of_options():
    before = {"two": np.array([0.7, 0.3]), "four": np.array(SHARP)}
    after = {"two": np.array([0.6, 0.4]), "four": np.array(SHARP)}
    assert item_scores(before, after, "rank") == pytest.approx({"two": 1.0, "four": 1.0})
    assert item_scores(before, after, "kl")["two"] == pytest.approx(0.7 * math.log(7 / 6) + 0.3 * math.log(3 / 4))


def test_agreement_on_top_options_counts_clusters_of_items():
    before = [[0.7, 0.3], [0.6, 0.4]] * 20
    after = [[0.8, 0.2], [0.6, 0.4]] * 12 + [[0.3, 0.7], [0.2, 0.8]] * 8
    texts = [k // 8 for k in range(40)]  # items of a text agree or differ together
    alone, together = top_option_agreement(before, after), top_option_agreement(before, after, cluster=texts)
    assert (together.value, together.n_clusters) == (alone.value, 5)
    assert together.interval[0] < alone.interval[0] < alone.interval[1] < together.interval[1]
    with pytest.raises(DataError, match="39 cluster labels for 40 items"):
        top_option_agreement(before, after, cluster=texts[:-1])

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures.experiments.clusters import clustered_mean
from proband.measures.experiments.pairs import paired_difference
from proband.measures.knowledge.crossed import Table, crossed_mean, table
from proband.measures.shares import wilson_interval


def made(scores, name="history", items=None):
    scores = np.asarray(scores, dtype=float)
    names = items or tuple(f"{name} {i}" for i in range(scores.shape[1]))
    return Table(name=name, items=names, scores=scores)


def test_variance_by_hand():
    # Two runs, ten questions. Means of questions 0, .5 or 1; means of runs .7 and .5; residuals by subtraction.
    scores = np.array([[1, 1, 1, 1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 1, 0, 0]], dtype=float)
    found = crossed_mean([made(scores)], "difference", estimand="mean")
    of_items = scores.mean(axis=0).var(ddof=1) / 10
    of_runs = (0.1**2 + 0.1**2) / 1 / 2
    assert found.value == pytest.approx(0.6)
    assert found.se == pytest.approx(math.sqrt(of_items + of_runs))


def test_four_runs_take_the_residual_off():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(4, 1)) + rng.normal(size=(1, 30)) + rng.normal(size=(4, 30))
    s, i = scores.shape
    rows, columns, grand = scores.mean(1, keepdims=True), scores.mean(0, keepdims=True), scores.mean()
    ms_runs = i * ((rows - grand) ** 2).sum() / (s - 1)
    ms_items = s * ((columns - grand) ** 2).sum() / (i - 1)
    ms_rest = ((scores - rows - columns + grand) ** 2).sum() / ((s - 1) * (i - 1))
    found = crossed_mean([made(scores)], "difference", estimand="mean")
    assert found.se == pytest.approx(math.sqrt((ms_items + ms_runs - ms_rest) / (s * i)))
    assert s - 1 < found.df < i - 1


def test_one_run_is_the_t_interval_over_questions():
    scores = np.random.default_rng(2).normal(size=40)
    found = crossed_mean([made(scores[None])], "difference", estimand="mean")
    oracle = clustered_mean(scores, list(range(40)))
    assert found.interval == pytest.approx(oracle.interval)
    assert any("one run" in warning for warning in found.warnings)


def test_a_share_of_one_run_has_wilsons_interval_up_to_t():
    scores = np.array([[1.0] * 30 + [0.0] * 170])
    found = crossed_mean([made(scores)], "share", estimand="accuracy")
    assert found.interval == pytest.approx(wilson_interval(0.15, 200), abs=0.003)


def test_a_share_of_one_keeps_an_interval():
    found = crossed_mean([made(np.ones((2, 50)))], "share", estimand="accuracy")
    assert found.interval[1] == 1.0
    assert 0.9 < found.interval[0] < 0.95


def test_a_difference_of_one_run_has_the_interval_of_paired_shares():
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 2, size=(2, 150)).astype(float)
    found = crossed_mean([made((a - b)[None])], "share difference", estimand="difference")
    assert found.interval == pytest.approx(paired_difference(a, b).interval, abs=0.005)


def test_no_differing_question_still_leaves_an_interval_around_0():
    found = crossed_mean([made(np.zeros((1, 50)))], "share difference", estimand="difference")
    low, high = found.interval
    assert low == pytest.approx(-high)
    assert 0.02 < high < 0.1


def test_runs_that_differ_widen_the_interval():
    rng = np.random.default_rng(4)
    alike = rng.normal(size=(1, 60)) + 0.1 * rng.normal(size=(3, 60))
    apart = alike + np.array([[-1.0], [0.0], [1.0]])
    narrow, wide = (crossed_mean([made(s)], "difference", estimand="mean") for s in (alike, apart))
    assert wide.value == pytest.approx(narrow.value)
    assert wide.interval[1] - wide.interval[0] > 3 * (narrow.interval[1] - narrow.interval[0])


def test_domains_count_alike_whatever_their_size():
    tables = [made(np.zeros((1, 90)), "large"), made(np.ones((1, 10)), "small")]
    assert crossed_mean(tables, "share", estimand="accuracy").value == pytest.approx(0.5)


def test_domains_that_share_questions_are_not_more_questions():
    scores = np.random.default_rng(5).normal(size=(1, 40))
    names = tuple(f"q{i}" for i in range(40))
    once = crossed_mean([made(scores, items=names)], "difference", estimand="mean")
    twice = crossed_mean([made(scores, "a", names), made(scores, "b", names)], "difference", estimand="mean")
    assert twice.n_units == 40
    assert twice.se == pytest.approx(once.se)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), s=st.integers(1, 4), i=st.integers(10, 40))
def test_the_order_of_runs_and_questions_does_not_matter(seed, s, i):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 2, size=(s, i)).astype(float)
    shuffled = scores[rng.permutation(s)][:, rng.permutation(i)]
    first, second = (crossed_mean([made(x)], "share", estimand="accuracy") for x in (scores, shuffled))
    assert first.interval == pytest.approx(second.interval)
    assert 0 <= first.interval[0] <= first.value + 1e-12
    assert first.value - 1e-12 <= first.interval[1] <= 1


def test_questions_that_a_run_lacks_are_left_out_and_counted():
    runs = [{f"q{i}": 1.0 for i in range(12)}, {f"q{i}": 1.0 for i in range(11)} | {"q0": math.nan}]
    found = table("history", runs)
    assert found.items == tuple(f"q{i}" for i in range(1, 11))
    assert found.n_missing == 2
    assert crossed_mean([found], "share", estimand="accuracy").n_missing == 2


def test_few_questions_give_a_value_without_interval():
    found = crossed_mean([made(np.ones((3, 9)))], "share", estimand="accuracy")
    assert found.interval is None
    assert any("use at least 10" in warning for warning in found.warnings)


def test_what_cannot_be_averaged_is_refused():
    with pytest.raises(DataError, match="no table"):
        crossed_mean([], "share", estimand="accuracy")
    with pytest.raises(DesignError, match="scale"):
        crossed_mean([made(np.ones((1, 10)))], "percent", estimand="accuracy")
    with pytest.raises(DataError, match="share no item"):
        made(np.ones((1, 10)), "a").minus(made(np.ones((1, 10)), "b"))
    with pytest.raises(DesignError, match="pair them by seed"):
        made(np.ones((2, 10))).minus(made(np.ones((3, 10))))
    with pytest.raises(DataError, match="no item was scored"):
        table("history", [{"a": 1.0}, {"b": 1.0}])


# Value, standard error, limits and degrees of freedom of each scale, as version 0.1 gave them.
AS_BEFORE = {
    "share": (0.489583333333333, 0.0756434588736552, 0.322313300206284, 0.659218973123319, 6.99152212032631),
    "share difference": (0.0364583333333333, 0.106969768636450, -0.187076428221696, 0.251891243036511, 27.0),
    "correlation": (-0.0560304057663532, 0.0650679784380290, -0.188430551721318, 0.0783701027164585, 23.0),
    "positive": (0.471984797116823, 0.0325339892190145, 0.409261316768036, 0.544321292001491, 23.0),
    "difference": (0.359923985584117, 0.162669946095072, 0.0234155636080888, 0.696432407560145, 23.0),
}
SCORES = {
    "share": lambda z: z > 0.5,
    "share difference": lambda z: (z > 0.6) * 1.0 - (z < 0.3),
    "correlation": lambda z: 2 * z - 1,
    "positive": lambda z: z,
    "difference": lambda z: 5 * z - 2,
}


@pytest.mark.parametrize("scale", AS_BEFORE)
def test_numbers_are_those_of_version_0_1(scale):
    scores = SCORES[scale](np.random.default_rng(7).uniform(0.05, 0.95, size=(3, 24)))
    names = tuple(f"q{i}" for i in range(24))
    tables = [made(scores[:, :16], "a", names[:16]), made(scores[:2, 8:], "b", names[8:])]
    found = crossed_mean(tables, scale, estimand="mean")
    assert (found.value, found.se, *found.interval, found.df) == pytest.approx(AS_BEFORE[scale], rel=1e-12)

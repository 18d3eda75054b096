"""Performance gap recovered: by hand, its interval, and gaps that there are none of."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError
from proband.measures.knowledge.crossed import crossed_mean, table
from proband.measures.knowledge.gap import gap_recovered


def runs(domain, *shares, n=120, seed=0):
    """One run for each share of right answers, the easier questions right in all."""
    ease = np.random.default_rng(seed).permutation(n) / n
    return table(domain, [{f"{domain}{k}": float(ease[k] < share) for k in range(n)} for share in shares])


def test_the_gap_is_a_ratio_of_differences_of_means_over_domains():
    weak, ceiling = [runs("a", 0.4), runs("b", 0.5)], [runs("a", 0.8, 0.8), runs("b", 0.9, 0.9)]
    found = gap_recovered(weak, [runs("a", 0.5, 0.7), runs("b", 0.6, 0.8)], ceiling)
    assert found.value == pytest.approx((0.65 - 0.45) / (0.85 - 0.45))
    assert found.baselines == pytest.approx({"weak": 0.45, "supervised": 0.65, "ceiling": 0.85})
    assert found.interval[0] < found.value < found.interval[1]
    assert found.interval_method.startswith("Fieller")


def test_an_end_of_the_interval_is_where_what_is_left_is_just_told_from_0():
    rng = np.random.default_rng(1)
    weak, mine, best = (
        [table("a", [{f"q{k}": float(x) for k, x in enumerate(rng.random(200) < share)}])] for share in (0.3, 0.5, 0.8)
    )
    for end in gap_recovered(weak, mine, best).interval:
        scores = mine[0].scores - weak[0].scores - end * (best[0].scores - weak[0].scores)
        left = crossed_mean([table("a", [dict(zip(weak[0].items, scores[0], strict=True))])], "difference", estimand="")
        assert min(map(abs, left.interval)) == pytest.approx(0, abs=1e-5)


@given(st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=15)
def test_more_right_answers_recover_more(a, b):
    weak, best = [runs("a", 0.25)], [runs("a", 0.9)]
    values = [gap_recovered(weak, [runs("a", n / 60)], best).value for n in sorted((a, b))]
    assert values[0] <= values[1]


def test_a_ceiling_that_does_not_exceed_the_weak_model_is_refused():
    with pytest.raises(DataError, match=r"ceiling \(0\.400\) does not exceed the weak model \(0\.500\)"):
        gap_recovered([runs("a", 0.5)], [runs("a", 0.45)], [runs("a", 0.4)])


def test_a_gap_within_chance_has_no_interval():
    found = gap_recovered([runs("a", 0.5)], [runs("a", 0.52)], [runs("a", 0.51, seed=3)])
    assert found.interval is None
    assert "no more than chance" in found.interval_method

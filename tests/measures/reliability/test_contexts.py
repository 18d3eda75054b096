import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DesignError, MissingDataError
from proband.measures import context_study
from proband.seeds import rng_for

RATINGS = {"a": [4.0, 2.0, 5.0], "b": [3.0, 2.0, 4.0], "c": [4.0, 3.0, 4.0]}
FRAME = {
    "wording": [w for w in RATINGS for _ in range(3)],
    "item": [0, 1, 2] * 3,
    "value": [y for row in RATINGS.values() for y in row],
}


def drawn(rng: np.random.Generator, sds: dict[str, float], sizes: dict[str, int]) -> dict[str, list[object]]:
    names = list(sizes)
    effects = {name: sds.get(name, 0.0) * rng.standard_normal(sizes[name]) for name in names}
    rows = list(itertools.product(*(range(sizes[name]) for name in names)))
    y = [3 + sum(effects[n][k] for n, k in zip(names, row, strict=True)) + 0.1 * rng.standard_normal() for row in rows]
    return {**{n: [row[j] for row in rows] for j, n in enumerate(names)}, "value": y}


def test_the_variance_of_a_score_over_contexts_is_that_of_an_analysis_by_hand():
    found = context_study(FRAME, ["wording"])
    y = np.array(list(RATINGS.values()))
    ms_wording = 3 * y.mean(axis=1).var(ddof=1)
    rest = y - y.mean(axis=1, keepdims=True) - y.mean(axis=0) + y.mean()
    ms_rest = (rest**2).sum() / 4
    expected = (ms_wording - ms_rest) / 3 + ms_rest / 3
    assert found.context_variance.value == pytest.approx(y.mean(axis=1).var(ddof=1)) == pytest.approx(expected)
    assert found.mean.se == pytest.approx(np.sqrt(expected / 3))


def test_more_levels_make_it_more_reliable_and_the_fewest_that_do_are_named():
    found = context_study(FRAME, ["wording"], people_sd=0.6)
    needed = found.needed("wording", 0.9)
    assert found.reliability({"wording": needed}).value >= 0.9 > found.reliability({"wording": needed - 1}).value


def test_a_factor_of_which_all_levels_were_asked_adds_no_error_to_the_mean():
    frame = drawn(rng_for(1, "complete"), {"order": 1.0}, {"item": 4, "order": 2, "wording": 3})
    one, other = (context_study(frame, ["order", "wording"], complete=c, people_sd=1.0) for c in ((), ("order",)))
    assert other.mean.se < 0.2 * one.mean.se
    assert other.context_variance == one.context_variance
    assert other.reliability({"order": 1}).value == pytest.approx(one.reliability({"order": 1}).value)


def test_items_that_a_factor_turns_round_are_no_trait_though_their_score_stays():
    turned = [
        (i, o, w, 3 + (1.5 if (i + o) % 2 else -1.5) + 0.01 * w) for i in range(4) for o in (0, 1) for w in (0, 1)
    ]
    frame = dict(zip(("item", "order", "wording", "value"), map(list, zip(*turned, strict=True)), strict=True))
    found = context_study(frame, ["order", "wording"], people_sd=1.0)
    by_order = [np.mean([y for _, o, _, y in turned if o == at]) for at in (0, 1)]
    assert by_order[0] == pytest.approx(by_order[1])
    assert found.moved_by[0] == "order"
    assert found.is_trait is False


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.2, 5), st.floats(-9, 9))
def test_another_unit_changes_units_and_no_verdict(seed, unit, origin):
    frame = drawn(rng_for(seed, "unit"), {"item": 0.5, "wording": 0.4}, {"item": 3, "wording": 3, "role": 2})
    other = frame | {"value": [origin + unit * y for y in frame["value"]]}
    a = context_study(frame, ["wording", "role"], people_sd=0.5)
    b = context_study(other, ["wording", "role"], people_sd=0.5 * unit)
    assert b.mean.value == pytest.approx(origin + unit * a.mean.value)
    assert b.context_variance.value == pytest.approx(unit**2 * a.context_variance.value)
    assert b.reliability().value == pytest.approx(a.reliability().value)
    assert a.is_trait == b.is_trait


@pytest.mark.parametrize(
    ("frame", "factors", "given", "error", "said"),
    [
        (FRAME, [], {}, DesignError, "item varies; it takes two"),
        (FRAME, ["wording"], {"people_sd": 0.0}, DesignError, "people_sd is 0.0"),
        (
            {name: [column[k] for k in (1, 2, 3, 5, 6, 7)] for name, column in FRAME.items()},
            ["wording"],
            {},
            MissingDataError,
            "3 of 9",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(frame, factors, given, error, said):
    with pytest.raises(error, match=said):
        context_study(frame, factors, **given)


def test_without_people_there_is_no_reliability_beside_them():
    found = context_study(FRAME, ["wording"])
    assert found.is_trait is None
    with pytest.raises(DesignError, match="SD is not known"):
        found.reliability()


def test_a_missing_score_of_effects_that_add_up_is_known_from_the_others():
    rows = [(i, w, 2.0 + i + 0.5 * w) for i in range(3) for w in range(4)]
    named = [
        dict(zip(("item", "wording", "value"), map(list, zip(*part, strict=True)), strict=True))
        for part in (rows, rows[1:])
    ]
    whole, part = (context_study(frame, ["wording"]) for frame in named)
    assert part.mean.value == pytest.approx(whole.mean.value)
    assert part.mean.n_missing == 1
    assert part.context_variance.value == pytest.approx(whole.context_variance.value)

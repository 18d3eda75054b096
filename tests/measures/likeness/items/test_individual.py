import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError
from proband.measures import FidelitySettings, item_fidelity

PEOPLE = {"a": 0, "b": 0, "c": 1, "d": 0}
MODEL = {"a": (0.9, 0.1), "b": (0.5, 0.5), "c": (0.4, 0.6), "d": (0.2, 0.8)}


def test_proper_scores_by_hand():
    found = item_fidelity(PEOPLE, MODEL, n_options=2)
    assert found.brier.value == pytest.approx(2 * (0.1**2 + 0.5**2 + 0.4**2 + 0.8**2) / 4)
    assert found.log_score.value == pytest.approx(-np.log([0.9, 0.5, 0.6, 0.2]).mean())
    assert found.brier.baselines["uniform"] == pytest.approx(0.5)
    assert found.log_score.baselines["uniform"] == pytest.approx(math.log(2))
    # The shares of the three others: (2, 1)/3 for the three who answered 0, (3, 0)/3 for the one who did not.
    assert found.brier.baselines["marginal_only"] == pytest.approx((3 * 2 / 9 + 2) / 4)
    half_added = [(2.5 / 4)] * 3 + [0.5 / 4]
    assert found.log_score.baselines["marginal_only"] == pytest.approx(-np.log(half_added).mean())


def test_an_excluded_answer_makes_the_log_score_infinite_and_is_counted():
    found = item_fidelity({f"s{k}": k % 2 for k in range(20)}, {f"s{k}": (1.0, 0.0) for k in range(20)}, n_options=2)
    assert math.isinf(found.log_score.value)
    assert found.log_score.interval is None
    assert "own answer of 10 persons" in found.log_score.warnings[0]
    assert found.as_dict()["log_score"]["value"] is None
    assert found.brier.value == pytest.approx(1.0)


@given(st.lists(st.floats(0.05, 0.95), min_size=12, max_size=12))
def test_honest_probabilities_score_best_on_average(chances):
    p = np.array(chances)
    for other in (np.full(12, p.mean()), np.where(p > 0.5, 0.99, 0.01)):
        brier = [(2 * (p * (1 - q) ** 2 + (1 - p) * q**2)).mean() for q in (p, other)]
        log = [-(p * np.log(q) + (1 - p) * np.log(1 - q)).mean() for q in (p, other)]
        assert brier[0] <= brier[1] + 1e-12
        assert log[0] <= log[1] + 1e-12


def test_agreement_rewards_boldness_that_proper_scores_punish():
    rng = np.random.default_rng(1)
    people = {f"s{k}": int(rng.random() < 0.7) for k in range(400)}
    honest = item_fidelity(people, dict.fromkeys(people, (0.3, 0.7)), n_options=2)
    bold = item_fidelity(people, dict.fromkeys(people, (0.001, 0.999)), n_options=2)
    assert bold.agreement.value > honest.agreement.value
    assert bold.brier.value > honest.brier.value
    assert bold.log_score.value > honest.log_score.value


def test_weights_of_held_out_people_count_where_all_have_one():
    people, model = {f"s{k}": k % 2 for k in range(20)}, {f"s{k}": (0.5, 0.5) for k in range(20)}
    others = {f"o{k}": int(k < 5) for k in range(20)}
    weights = {**dict.fromkeys(people, 1.0), **{s: 1.0 + 2 * a for s, a in others.items()}}
    found = item_fidelity(people, model, n_options=2, held_out=others, settings=FidelitySettings(weights=weights))
    assert found.brier.baselines["marginal_only"] == pytest.approx(0.5)
    with pytest.raises(DataError, match="have no weight"):
        item_fidelity(
            people,
            model,
            n_options=2,
            held_out=others,
            settings=FidelitySettings(weights={k: v for k, v in weights.items() if k != "o1"}),
        )

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import FidelitySettings, item_fidelity, total_variation, tv_noise_floor, wasserstein

HUMAN, MODEL = (0.4, 0.3, 0.2, 0.1), (0.1, 0.2, 0.3, 0.4)


def people_of(shares, n, prefix="s"):
    """`n` people whose shares are exactly these."""
    answers = np.repeat(np.arange(len(shares)), np.round(np.array(shares) * n).astype(int))
    return {f"{prefix}{i}": int(answer) for i, answer in enumerate(answers)}


def constant_model(people, shares):
    return {subject: tuple(shares) for subject in people}


def test_distances_and_floor_are_those_of_the_shares():
    people = people_of(HUMAN, 100)
    found = item_fidelity(people, constant_model(people, MODEL), n_options=4, positions=(1, 2, 3, 5))
    assert found.total_variation.value == pytest.approx(0.4)
    assert found.wasserstein.value == pytest.approx(1.3 / 4)
    rows = found.total_variation.baselines
    assert rows["noise_floor"] == pytest.approx(float(tv_noise_floor(HUMAN, 100)))
    assert rows["uniform"] == pytest.approx(float(total_variation(HUMAN, [1] * 4)))
    uniform_w1 = wasserstein(HUMAN, [1] * 4, positions=(1, 2, 3, 5), normalised=True)
    assert found.wasserstein.baselines["uniform"] == pytest.approx(float(uniform_w1))
    assert found.total_variation.target == "human"
    assert found.total_variation.interval[0] <= 0.4 <= found.total_variation.interval[1]


def test_shares_and_agreement_by_hand():
    people = {"a": 0, "b": 0, "c": 1, "d": 0}
    model = {"a": (0.9, 0.1), "b": (0.5, 0.5), "c": (0.4, 0.6), "d": (0.2, 0.8)}
    found = item_fidelity(people, model, n_options=2)
    assert [s.value for s in found.human_shares] == [0.75, 0.25]
    assert [s.value for s in found.model_shares] == pytest.approx([0.5, 0.5])
    assert found.agreement.value == pytest.approx((0.9 + 0.5 + 0.6 + 0.2) / 4)
    leave_one_out = (3 * 2 / 3 + 0) / 4
    assert found.agreement.baselines["marginal_only"] == pytest.approx(leave_one_out)
    assert found.agreement.baselines["uniform"] == 0.5
    assert found.agreement_gain.value == pytest.approx(0.55 - leave_one_out)


def test_held_out_people_make_the_null_rows():
    people, others = people_of((0.5, 0.5), 40), people_of((0.75, 0.25), 40, "other")
    found = item_fidelity(people, constant_model(people, (0.5, 0.5)), n_options=2, held_out=others)
    assert found.nulls == "held-out people"
    assert found.total_variation.baselines["majority"] == pytest.approx(0.5)
    assert found.total_variation.baselines["marginal_only"] == pytest.approx(0.25)
    assert found.agreement.baselines["majority"] == pytest.approx(0.5)
    assert found.agreement.baselines["marginal_only"] == pytest.approx(0.5)


def test_without_held_out_people_halves_predict_each_other():
    people = people_of((0.9, 0.1), 1000)
    found = item_fidelity(people, constant_model(people, (0.5, 0.5)), n_options=2)
    assert found.nulls == "cross-fitted halves"
    rows = found.total_variation.baselines
    assert rows["majority"] == pytest.approx(0.1)
    assert rows["marginal_only"] == pytest.approx(2 * rows["noise_floor"], rel=0.3)
    assert found.agreement.baselines["majority"] == pytest.approx(0.9)


def test_held_out_people_must_be_others():
    people = people_of((0.5, 0.5), 20)
    with pytest.raises(DataError, match="also in people"):
        item_fidelity(people, constant_model(people, (0.5, 0.5)), n_options=2, held_out={"s1": 0})


def test_subjects_are_joined_by_name_whatever_the_order():
    people = {f"s{i}": i % 3 for i in range(30)}
    model = {s: tuple(np.random.default_rng(i).dirichlet([1, 1, 1])) for i, s in enumerate(people)}
    backwards = dict(reversed(model.items()))
    assert item_fidelity(people, model, n_options=3) == item_fidelity(people, backwards, n_options=3)


def test_subjects_on_one_side_only_are_left_out_and_counted():
    people = people_of((0.5, 0.5), 40) | {"only people": 0}
    model = constant_model(people_of((0.5, 0.5), 40), (0.5, 0.5)) | {"x": (1, 0), "y": (1, 0)}
    found = item_fidelity(people, model, n_options=2)
    assert (found.n_people, found.n_people_only, found.n_model_only) == (40, 1, 2)
    assert found.total_variation.n_missing == 3
    assert any("left out" in warning for warning in found.warnings)


def test_a_model_that_knows_the_shares_is_within_the_noise_floor_and_scores_one():
    people = people_of(HUMAN, 100)
    found = item_fidelity(people, constant_model(people, HUMAN), n_options=4)
    assert found.total_variation.value == pytest.approx(0, abs=1e-12)
    assert found.total_variation.interval[0] == 0
    assert "within the noise floor" in found.total_variation.warnings[0]
    assert found.relative.value > 1
    uniform = item_fidelity(people, constant_model(people, (0.25,) * 4), n_options=4)
    assert uniform.relative.value == pytest.approx(0, abs=1e-12)


def test_the_relative_score_is_undefined_where_people_look_uniform():
    people = people_of((0.5, 0.5), 40)
    found = item_fidelity(people, constant_model(people, (0.9, 0.1)), n_options=2)
    assert math.isnan(found.relative.value)
    assert "undefined" in found.relative.warnings[0]


def test_a_model_that_foresees_persons_gains_and_one_that_knows_shares_does_not():
    people = people_of((0.5, 0.5), 100)
    foreseen = {s: (0.8, 0.2) if answer == 0 else (0.2, 0.8) for s, answer in people.items()}
    found = item_fidelity(people, foreseen, n_options=2)
    assert found.agreement_gain.interval[0] > 0
    assert found.agreement_gain.warnings == ()
    flat = item_fidelity(people, constant_model(people, (0.5, 0.5)), n_options=2)
    assert flat.agreement_gain.warnings


def test_weights_weight_both_sides():
    people = {f"s{i}": i % 2 for i in range(40)}
    model = {s: (0.9, 0.1) if answer == 0 else (0.3, 0.7) for s, answer in people.items()}
    weights = {s: 3.0 if answer == 0 else 1.0 for s, answer in people.items()}
    found = item_fidelity(people, model, n_options=2, settings=FidelitySettings(weights=weights))
    assert found.human_shares[0].value == pytest.approx(0.75)
    assert found.model_shares[0].value == pytest.approx(0.75 * 0.9 + 0.25 * 0.3)
    assert found.n_eff == pytest.approx(32)
    assert found.total_variation.baselines["noise_floor"] == pytest.approx(float(tv_noise_floor((3, 1), 32)))


def test_equal_weights_change_no_number():
    people = {f"s{i}": i % 3 for i in range(60)}
    model = constant_model(people, (0.5, 0.3, 0.2))
    weighted = FidelitySettings(weights=dict.fromkeys(people, 2.0))
    plain = item_fidelity(people, model, n_options=3)
    found = item_fidelity(people, model, n_options=3, settings=weighted)
    assert found.total_variation.interval == pytest.approx(plain.total_variation.interval)
    assert found.agreement_gain.interval == pytest.approx(plain.agreement_gain.interval)


def test_few_people_are_warned_of_and_fewer_than_ten_get_no_interval():
    for n, message in ((20, "few people"), (8, "no intervals")):
        people = people_of((0.5, 0.5), n)
        found = item_fidelity(people, constant_model(people, (0.9, 0.1)), n_options=2)
        assert any(message in warning for warning in found.warnings)
        assert (found.total_variation.interval is None) == (n < 10)
        assert (found.agreement.interval is None) == (n < 10)


def test_unanimous_people_still_leave_uncertainty():
    people = people_of((1, 0), 20)
    low, high = item_fidelity(people, constant_model(people, (0.9, 0.1)), n_options=2).total_variation.interval
    assert low == 0
    assert high > 0.1


def test_drawn_answers_are_pointed_out():
    people = people_of((0.5, 0.5), 40)
    found = item_fidelity(people, constant_model(people, (1, 0)), n_options=2)
    assert any("drawing error" in warning for warning in found.warnings)


def test_no_people_is_refused_since_the_claim_is_about_people():
    with pytest.raises(DataError, match="no human answers"):
        item_fidelity({}, {"a": (0.5, 0.5)}, n_options=2)


@pytest.mark.parametrize(
    ("people", "model", "error", "message"),
    [
        ({"a": 0, "b": 1}, {}, DataError, "no subject is in both"),
        ({"a": 0, "b": 1}, {"c": (1, 0)}, DataError, "'a'.*'c'"),
        ({"a": 0, "b": 1}, {"a": (1, 0)}, DataError, "only 1 subject"),
        ({"a": 0, "b": 2}, {"a": (1, 0), "b": (1, 0)}, DataError, "answer 2 is none"),
        ({"a": 0, "b": None}, {"a": (1, 0), "b": (1, 0)}, MissingDataError, "missing"),
        ({"a": 0, "b": 1}, {"a": (1, 0), "b": (1, 0, 0)}, DataError, "'b' has 3 probabilities"),
        ({"a": 0, "b": 1}, {"a": (1, 0), "b": (0.6, 0.6)}, DataError, "sum to 1"),
        ({"a": 0, "b": 1}, {"a": (1, 0), "b": (math.nan, 1)}, MissingDataError, "missing"),
    ],
)
def test_answers_that_cannot_be_compared_are_refused(people, model, error, message):
    with pytest.raises(error, match=message):
        item_fidelity(people, model, n_options=2)


def test_a_person_without_weight_is_named():
    people = people_of((0.5, 0.5), 20)
    weighted = FidelitySettings(weights={s: 1 for s in people if s != "s3"})
    with pytest.raises(DataError, match="'s3'"):
        item_fidelity(people, constant_model(people, (0.5, 0.5)), n_options=2, settings=weighted)


@pytest.mark.parametrize("wrong", [{"level": 1.0}, {"n_draws": 10}, {"n_splits": 0}, {"min_people": 1}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(DesignError):
        FidelitySettings(**wrong)


@pytest.mark.parametrize("positions", [(1, 2), (1, 1, 2), (3, 2, 1)])
def test_positions_must_rise_one_per_option(positions):
    people = {f"s{i}": i % 3 for i in range(20)}
    with pytest.raises(DataError, match="positions"):
        item_fidelity(people, constant_model(people, (0.2, 0.3, 0.5)), n_options=3, positions=positions)


def test_everything_goes_into_json():
    people = people_of((0.5, 0.5), 40)
    found = item_fidelity(people, constant_model(people, (0.9, 0.1)), n_options=2, positions=(0, 1))
    plain = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert plain["relative"]["value"] is None
    assert plain["wasserstein"]["baselines"]["uniform"] == 0
    assert len(plain["human_shares"]) == 2


def test_the_same_data_give_the_same_interval_and_another_generator_nearly_so():
    people = people_of(HUMAN, 100)
    model = constant_model(people, MODEL)
    first, again = (item_fidelity(people, model, n_options=4).total_variation.interval for _ in range(2))
    assert first == again
    other = FidelitySettings(rng=np.random.default_rng(5))
    found = item_fidelity(people, model, n_options=4, settings=other).total_variation.interval
    assert found == pytest.approx(first, abs=0.02)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 5), n=st.integers(2, 40))
def test_every_number_is_in_range_and_every_interval_holds_its_value(seed, k, n):
    rng = np.random.default_rng(seed)
    people = {f"s{i}": int(rng.integers(k)) for i in range(n)}
    model = {s: rng.dirichlet(np.ones(k)) for s in people}
    found = item_fidelity(people, model, n_options=k, positions=range(k))
    for estimate in (found.total_variation, found.agreement, *found.human_shares, *found.model_shares):
        assert 0 <= estimate.value <= 1 + 1e-12
        if estimate.interval is not None:
            assert 0 <= estimate.interval[0] <= estimate.value + 1e-9
            assert estimate.value - 1e-9 <= estimate.interval[1] <= 1
    if k == 2:
        assert found.wasserstein.value == pytest.approx(found.total_variation.value)

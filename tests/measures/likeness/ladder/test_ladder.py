import json
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import item_fidelity, total_variation, tv_noise_floor
from proband.measures.likeness.ladder.ladder import fidelity

ITEMS = ("vote", "trust", "tax", "war")


def frames(n=120, *, seed=1, model="right", items=ITEMS):
    """People of two parties who answer items of three ordered options, and a model's probabilities."""
    rng = np.random.default_rng(seed)
    party = np.where(rng.random(n) < 0.5, "left", "right")
    lean = np.where(party == "left", 1.0, -1.0) + rng.standard_normal(n)
    rows, probs = [], []
    for k, item in enumerate(items):
        logits = np.outer(lean, [1.0, 0.0, -1.0]) * (-1 if k % 2 else 1)
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        answers = (rng.random((n, 1)) > p.cumsum(axis=1)[:, :-1]).sum(axis=1)
        shown = {"right": p, "uniform": np.full((n, 3), 1 / 3), "shares": np.tile(p.mean(axis=0), (n, 1))}[model]
        for s in range(n):
            rows.append((f"s{s:03d}", item, int(answers[s]), answers[s] + 1.0, party[s]))
            probs.append((f"s{s:03d}", item, shown[s].tolist()))
    people = pl.DataFrame(rows, schema=["subject", "item", "answer", "value", "party"], orient="row")
    return pl.DataFrame(probs, schema=["subject", "item", "probs"], orient="row"), people


@pytest.fixture(scope="module")
def ladder():
    return fidelity(*frames(), by="party")


def value(ladder, rung, statistic, item="", group=""):
    (found,) = [row for row in ladder.rung(rung) if (row.statistic, row.item, row.group) == (statistic, item, group)]
    return found


def test_every_row_has_its_null_rows_and_its_floor(ladder):
    assert ladder.tested == ("marginal", "subgroup", "joint", "individual")
    nulls = {"uniform", "majority", "marginal_only", "demographics_only"}
    for row in ladder.rows:
        if row.statistic == "log score":  # majority answers have no finite one
            assert set(row.nulls) == nulls - {"majority"}
        elif row.statistic != "correlation of correlations":
            assert set(row.nulls) == nulls, row.statistic
        if row.statistic != "correlation of correlations":
            assert row.noise_floor > 0


def test_an_untested_rung_says_what_it_would_have_needed(ladder):
    assert ladder.not_tested == {"effect": "people were not under conditions of the run"}
    assert ladder.missing_nulls == {"no_persona": "the run has no condition persona = none"}
    bare = fidelity(*frames(40, items=ITEMS[:2]))
    assert set(bare.not_tested) == {"subgroup", "joint", "effect"}
    assert "at least 3 items" in bare.not_tested["joint"]


def test_the_marginal_rung_is_that_of_one_item_by_itself():
    run, people = frames(60)
    row = value(fidelity(run, people), "marginal", "total variation distance", "vote")
    theirs = dict(people.filter(pl.col("item") == "vote").select("subject", "answer").iter_rows())
    ours = {s: p for s, p in run.filter(pl.col("item") == "vote").select("subject", "probs").iter_rows()}
    alone = item_fidelity(theirs, ours, n_options=3)
    assert row.estimate.value == pytest.approx(alone.total_variation.value)
    assert row.noise_floor == pytest.approx(alone.total_variation.baselines["noise_floor"])
    assert row.nulls["uniform"] == pytest.approx(alone.total_variation.baselines["uniform"])


def test_shares_within_a_group_are_those_of_its_people(ladder):
    run, people = frames()
    theirs = people.filter(pl.col("item") == "tax", pl.col("party") == "left")
    ours = run.filter(pl.col("item") == "tax", pl.col("subject").is_in(theirs["subject"].to_list()))
    shares = np.bincount(theirs["answer"].to_numpy(), minlength=3)
    model = np.array(ours["probs"].to_list()).mean(axis=0)
    row = value(ladder, "subgroup", "total variation distance", "tax", "party=left")
    assert row.estimate.value == pytest.approx(float(total_variation(shares, model)))
    assert row.noise_floor == pytest.approx(float(tv_noise_floor(shares, theirs.height)))


def test_a_model_that_knows_only_shares_fails_above_the_first_rung():
    ladder = fidelity(*frames(model="shares"), by="party")
    marginal = value(ladder, "marginal", "total variation distance")
    assert marginal.estimate.interval[0] == 0
    group = value(ladder, "subgroup", "total variation distance", group="party=left")
    assert group.estimate.interval[0] > group.noise_floor
    assert group.nulls["demographics_only"] < group.nulls["marginal_only"]
    joint = value(ladder, "joint", "RMSE of correlations")
    assert joint.estimate.value == pytest.approx(joint.nulls["uniform"])
    gain = value(ladder, "individual", "agreement gain over people's shares")
    assert gain.estimate.value < gain.nulls["demographics_only"]


def test_a_model_that_knows_persons_beats_what_traits_tell(ladder):
    for statistic in ("Brier score", "log score"):
        row = value(ladder, "individual", statistic)
        assert row.estimate.value < row.nulls["demographics_only"] < row.nulls["marginal_only"]
    joint = value(ladder, "joint", "RMSE of correlations")
    assert joint.estimate.interval[0] <= joint.noise_floor
    assert joint.estimate.value < joint.nulls["demographics_only"]


def test_the_correlations_are_those_of_answers_drawn_from_the_probabilities():
    rng = np.random.default_rng(3)
    n, reps = 40, 300
    p = rng.dirichlet([1, 1], (n, 3))
    subjects = [f"s{s}" for s in range(n) for _ in range(3)]
    items = ["a", "b", "c"] * n
    run = {"subject": subjects, "item": items, "probs": p.reshape(-1, 2).tolist()}
    people = {"subject": subjects, "item": items, "answer": rng.integers(0, 2, 3 * n).tolist()}
    drawn = (rng.random((reps, n, 3)) < p[:, :, 1]).reshape(-1, 3)
    own = np.corrcoef(np.array(people["answer"]).reshape(n, 3).T)[np.triu_indices(3, 1)]
    model = np.corrcoef(drawn.T)[np.triu_indices(3, 1)]
    row = value(fidelity(run, people), "joint", "RMSE of correlations")
    assert row.estimate.value == pytest.approx(math.sqrt(((own - model) ** 2).mean()), abs=0.02)


@settings(max_examples=5)
@given(st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_the_kind_of_frame_changes_a_number(random):
    run, people = frames(40, items=ITEMS[:3])
    first = fidelity(run, people, by="party")
    order = list(range(run.height))
    random.shuffle(order)
    second = fidelity(run[order].to_pandas(), people[order[::-1]].to_pandas(), by="party")
    assert json.dumps(first.as_dict()) == json.dumps(second.as_dict())


def test_weights_weigh_both_sides_and_lower_the_effective_number():
    run, people = frames(60)
    weights = {f"s{s:03d}": 1.0 + 4 * (s % 5 == 0) for s in range(60)}
    plain, weighted = fidelity(run, people), fidelity(run, people, weights=weights)
    column = people.with_columns(pl.col("subject").replace_strict(weights).alias("w"))
    assert fidelity(run, column, weights="w").as_dict()["rows"] == weighted.as_dict()["rows"]
    rows = [value(found, "marginal", "total variation distance", "vote") for found in (plain, weighted)]
    assert rows[1].noise_floor > rows[0].noise_floor
    assert "weighted" in weighted.design


def test_units_that_answer_alike_raise_the_floor_and_widen_intervals():
    rng = np.random.default_rng(1)
    unit = np.repeat(np.arange(20), 10)
    answers = (rng.random(20)[unit] + 0.2 * rng.standard_normal(200) > 0.5).astype(int)
    subjects = [f"s{k}" for k in range(200)]
    people = {"subject": subjects, "item": ["a"] * 200, "answer": answers.tolist(), "unit": unit.tolist()}
    run = {"subject": subjects, "item": ["a"] * 200, "probs": [[0.5, 0.5]] * 200}
    single = [fidelity(run, people), fidelity(run, people, psu="unit", strata=dict.fromkeys(subjects, "all"))]
    plain, clustered = (value(found, "marginal", "total variation distance", "a") for found in single)
    assert clustered.noise_floor > 2 * plain.noise_floor
    assert np.ptp(clustered.estimate.interval) > 1.5 * np.ptp(plain.estimate.interval)
    assert single[1].design == "sample of 200 people in 20 units of 1 stratum"


def test_people_who_were_not_asked_are_held_out_and_make_the_null_rows():
    run, people = frames(120)
    asked = [f"s{s:03d}" for s in range(60)]
    found = fidelity(run.filter(pl.col("subject").is_in(asked)), people)
    assert (found.n_subjects, found.n_people_only) == (60, 60)
    assert found.nulls == "60 held-out people"
    others = people.filter(~pl.col("subject").is_in(asked), pl.col("item") == "vote")["answer"].to_numpy()
    ours = people.filter(pl.col("subject").is_in(asked), pl.col("item") == "vote")["answer"].to_numpy()
    distance = total_variation(np.bincount(ours, minlength=3), np.bincount(others, minlength=3))
    row = value(found, "marginal", "total variation distance", "vote")
    assert row.nulls["marginal_only"] == pytest.approx(float(distance))


def test_weights_of_held_out_people_weigh_the_null_rows():
    run, people = frames(120)
    asked = [f"s{s:03d}" for s in range(60)]
    weights = {f"s{s:03d}": 1.0 if s < 60 else 1.0 + s % 3 for s in range(120)}
    found = fidelity(run.filter(pl.col("subject").is_in(asked)), people, weights=weights)
    vote = people.filter(pl.col("item") == "vote")
    split = [vote.filter(pl.col("subject").is_in(asked)), vote.filter(~pl.col("subject").is_in(asked))]
    shares = [np.bincount(f["answer"], [weights[s] for s in f["subject"]], 3) for f in split]
    row = value(found, "marginal", "total variation distance", "vote")
    assert row.nulls["marginal_only"] == pytest.approx(float(total_variation(*shares)))


def test_answers_without_a_persona_become_a_null_row():
    run, people = frames(60)
    bare, _ = frames(60, model="shares")
    both = pl.concat([run.with_columns(persona=pl.lit("first")), bare.with_columns(persona=pl.lit("none"))])
    found = fidelity(both, people)
    assert found.missing_nulls == {}
    row = value(found, "individual", "Brier score")
    assert row.nulls["no_persona"] == pytest.approx(row.nulls["marginal_only"], abs=0.02)
    assert {row.condition["persona"] for row in found.rows} == {"first"}


def test_conditions_that_people_were_under_make_the_effect_rung():
    rng = np.random.default_rng(5)
    ours, theirs = [], []
    for s in range(200):
        frame = "gain" if s % 2 else "loss"
        for k, effect in enumerate((0.3, 0.1, -0.2, 0.0)):
            p = 0.5 + effect * (frame == "gain")
            theirs.append((f"s{s}", f"q{k}", int(rng.random() < p), frame))
            for level in ("loss", "gain"):
                q = 0.5 + 1.5 * effect * (level == "gain")
                ours.append((f"s{s}", f"q{k}", [1 - q, q], level))
    run = pl.DataFrame(ours, schema=["subject", "item", "probs", "frame"], orient="row")
    people = pl.DataFrame(theirs, schema=["subject", "item", "answer", "frame"], orient="row")
    ladder = fidelity(run, people)
    assert "effect" in ladder.tested
    slope = value(ladder, "effect", "slope of people's effects on the model's")
    assert slope.estimate.value == pytest.approx(2 / 3, abs=0.25)
    rmse = value(ladder, "effect", "RMSE of effects")
    assert rmse.estimate.value < rmse.nulls["uniform"] == rmse.nulls["marginal_only"]
    assert rmse.noise_floor == pytest.approx(2 * math.sqrt(1 / 200), rel=0.2)


def test_small_groups_are_left_out_by_name():
    run, people = frames(60)
    groups = {f"s{s:03d}": "few" if s < 8 else "many" for s in range(60)}
    found = fidelity(run, people, by=groups)
    assert {row.group for row in found.rung("subgroup")} == {"group=many"}
    assert found.left_out == {"group=few (8 people)": "fewer than 30 people"}


def test_items_without_options_and_missing_answers_are_left_out():
    run, people = frames(40)
    people = people.with_columns(
        status=pl.when(pl.int_range(pl.len()) % 7 == 0).then(pl.lit("refused")).otherwise(pl.lit("valid"))
    )
    row = value(fidelity(run, people), "marginal", "total variation distance", "vote")
    assert row.estimate.n_units == people.filter(pl.col("item") == "vote", pl.col("status") == "valid").height
    lone = people.filter(pl.col("item") == "vote").with_columns(answer=pl.lit(0), item=pl.lit("same"))
    also = run.filter(pl.col("item") == "vote").with_columns(item=pl.lit("same"), probs=pl.lit([1.0]))
    found = fidelity(pl.concat([run, also]), pl.concat([people, lone.select(people.columns).cast(people.schema)]))
    assert "fewer than 2" in found.left_out["same"]


def test_a_claim_about_people_needs_people():
    run, people = frames(10)
    with pytest.raises(DataError, match="needs human answers"):
        fidelity(run, None)
    with pytest.raises(DataError, match="no rows"):
        fidelity(run, people.clear())
    with pytest.raises(DataError, match="no valid answer"):
        fidelity(run, people.with_columns(status=pl.lit("refused")))


@pytest.mark.parametrize(
    ("change", "more", "error", "message"),
    [
        (lambda f: f.with_columns(subject=pl.lit("x")), {}, DataError, "more than one value|two answers|0 subjects"),
        (lambda f: f.with_columns(item=pl.lit("x")), {}, DataError, "no item is in both"),
        (lambda f: f.with_columns(answer=pl.col("answer") + 0.5), {}, DataError, "no 0-based index"),
        (lambda f: pl.concat([f, f]), {}, DataError, "two answers"),
        (lambda f: f.drop("answer"), {}, DataError, "neither answer nor probs"),
        (lambda f: f, {"by": "sex"}, DataError, "no column 'sex'"),
        (lambda f: f, {"weights": {"s000": 1.0}}, MissingDataError, "no weight"),
        (lambda f: f, {"strata": {f"s{s:03d}": s for s in range(40)}}, DataError, "single sampling unit"),
        (lambda f: f, {"psu": {"s000": 1}}, MissingDataError, "no label in psu"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(change, more, error, message):
    run, people = frames(40)
    with pytest.raises(error, match=message):
        fidelity(run, change(people), **more)


def test_traits_in_the_frame_of_the_run_are_not_taken_for_conditions():
    run, people = frames(40)
    aged = run.with_columns(age=pl.col("subject").rank("dense"))
    with pytest.raises(DesignError, match="move a subject's traits"):
        fidelity(aged, people)
    assert fidelity(aged, people.with_columns(age=pl.col("subject").rank("dense")), by="age").left_out


def test_objects_with_a_table_bring_their_weights():
    class Answers:
        def __init__(self, frame, weights):
            self.frame, self.weights = frame, weights

        def table(self):
            return self.frame

    run, people = frames(40)
    weights = {f"s{s:03d}": 1.0 + s % 2 for s in range(40)}
    found = fidelity(Answers(run, {}), Answers(people, weights))
    assert found.as_dict() == fidelity(run, people, weights=weights).as_dict()


def test_drawn_answers_of_replicates_are_averaged_by_subject():
    _, people = frames(40)
    drawn = pl.concat(
        [people.drop("party", "value").with_columns(answer=pl.lit(k), replicate=pl.lit(k)) for k in (0, 1)]
    )
    row = value(fidelity(drawn, people), "marginal", "total variation distance", "vote")
    shares = np.bincount(people.filter(pl.col("item") == "vote")["answer"].to_numpy(), minlength=3)
    assert row.estimate.value == pytest.approx(float(total_variation(shares, [0.5, 0.5, 0])))


def test_a_pandas_frame_of_people_without_answers_says_nothing_of_them():
    run, people = frames(20)
    with pytest.raises(DataError, match="no rows"):
        fidelity(run, pd.DataFrame(columns=people.columns))

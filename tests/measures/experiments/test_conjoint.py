"""Conjoint effects: a plain regression's to the last digits on real data, and planted ones recovered."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import statsmodels.formula.api as smf

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.experiments.clusters import clustered_mean
from proband.measures.experiments.conjoint import conjoint_effects, correct_swaps, swap_error

ATTRIBUTES = (
    "Education", "Gender", "CountryOfOrigin", "ReasonForApplication", "Job", "JobExperience", "JobPlans",
    "PriorEntry", "LanguageSkills",
)  # fmt: skip


def test_effects_on_immigrants_are_those_of_a_plain_regression(shared_data):
    people = pl.read_csv(shared_data / "experiments" / "immigration_conjoint.csv.gz", null_values=["NA", ""])
    people = people.drop_nulls(["ChosenImmigrant", *ATTRIBUTES])
    found = conjoint_effects(
        people["ChosenImmigrant"].to_numpy(),
        {name: people[name].to_list() for name in ATTRIBUTES},
        people["CaseID"].to_list(),
        errors="CR1",
        target="human",
    )
    terms = {name: f"C({name}, Treatment('{found.baselines[name]}'))" for name in ATTRIBUTES}
    frame = people.to_pandas()
    oracle = smf.ols("ChosenImmigrant ~ " + " + ".join(terms.values()), frame).fit(
        cov_type="cluster", cov_kwds={"groups": frame["CaseID"]}
    )
    for (name, level), effect in found.amce.items():
        assert effect.value == pytest.approx(oracle.params[f"{terms[name]}[T.{level}]"], abs=1e-6)
        assert effect.se == pytest.approx(oracle.bse[f"{terms[name]}[T.{level}]"], abs=1e-6)
    assert found.marginal_means["Job", "Doctor"].value == pytest.approx(0.671, abs=5e-4)
    assert found.marginal_means["JobPlans", "No Plans to Look for Work"].value == pytest.approx(0.343, abs=5e-4)


def profiles(n=400, tasks=6, swap=0.0, seed=1):
    """Forced choices with planted utilities: shape a adds 0.3 to the chance of being chosen, colour nothing."""
    rng = np.random.default_rng(seed)
    shape = rng.choice(["b", "a"], size=(n, tasks, 2))
    colour = rng.choice(["red", "blue", "green"], size=(n, tasks, 2))
    lead = 0.5 + 0.3 * ((shape[..., 0] == "a").astype(float) - (shape[..., 1] == "a"))
    first = rng.random((n, tasks)) < lead
    first ^= rng.random((n, tasks)) < swap
    chosen = np.stack([first, ~first], axis=-1).astype(float)
    subjects = np.repeat(np.arange(n), tasks * 2).tolist()
    return chosen.ravel(), {"shape": shape.ravel().tolist(), "colour": colour.ravel().tolist()}, subjects


def test_planted_effects_are_recovered():
    found = conjoint_effects(*profiles(), baselines={"shape": "b", "colour": "red"})
    low, high = found.amce["shape", "a"].interval
    assert low <= 0.3 <= high
    assert abs(found.amce["colour", "blue"].value) < 3 * found.amce["colour", "blue"].se
    assert found.marginal_means["shape", "a"].value - found.marginal_means["shape", "b"].value == pytest.approx(
        found.amce["shape", "a"].value, abs=0.02
    )


def test_restricted_attributes_are_averaged_over_what_stands_with_both_levels():
    rng = np.random.default_rng(0)
    job = rng.choice(["janitor", "doctor"], 4000)
    school = np.where(job == "doctor", rng.choice(["college", "masters"], 4000), rng.choice(["none", "college"], 4000))
    y = 0.2 * (job == "doctor") + 0.3 * (school == "college") + 0.5 * (school == "masters") + rng.normal(0, 0.1, 4000)
    found = conjoint_effects(
        y, {"job": job.tolist(), "school": school.tolist()}, list(range(4000)),
        baselines={"job": "janitor", "school": "none"}, restricted=[("job", "school")],
    )  # fmt: skip
    assert found.amce["job", "doctor"].value == pytest.approx(0.2, abs=0.02)
    assert found.amce["school", "college"].value == pytest.approx(0.3, abs=0.02)


def test_swapped_choices_are_corrected_by_how_often_a_repeated_task_agrees():
    # Agreement 0.68 = 0.2 ** 2 + 0.8 ** 2: one choice in five is swapped.
    agreement = Estimate(
        value=0.68, se=0.02, estimand="agreement", target="model", n_units=500)  # fmt: skip
    error = swap_error(agreement)
    assert error.value == pytest.approx(0.2)
    assert error.se == pytest.approx(0.02 / (2 * 0.6))
    found = conjoint_effects(*profiles(n=1500, swap=0.2), baselines={"shape": "b", "colour": "red"})
    mended = correct_swaps(found.amce["shape", "a"], error)
    assert found.amce["shape", "a"].value == pytest.approx(0.18, abs=0.02)
    assert mended.value == pytest.approx(0.3, abs=0.035)
    assert mended.se > found.amce["shape", "a"].se
    assert correct_swaps(replace(agreement, value=0.5), error, is_mean=True).value == pytest.approx(0.5)


def test_what_cannot_be_compared_is_refused():
    y, attributes, subjects = profiles(n=10)
    with pytest.raises(DataError, match="attribute 'size' is big in all profiles"):
        conjoint_effects(y, {**attributes, "size": ["big"] * len(y)}, subjects)
    with pytest.raises(DesignError, match="baseline 'black' of 'colour'"):
        conjoint_effects(y, attributes, subjects, baselines={"colour": "black"})
    with pytest.raises(DataError, match="no more than by chance"):
        swap_error(Estimate(value=0.5, se=0.1, estimand="agreement", target="model", n_units=5))


def test_choices_that_always_agree_may_be_swapped_all_the_same():
    found = swap_error(clustered_mean([1] * 50, range(50)))
    assert found.value == 0
    # Agreement of .929 at the least: t^2 + (1 - t)^2.
    high = found.interval[1]
    assert high**2 + (1 - high) ** 2 == pytest.approx(clustered_mean([1] * 50, range(50)).interval[0])

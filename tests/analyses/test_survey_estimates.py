"""What is told of the population that people were drawn from, where their weights are numbers of people."""

import csv

import numpy as np
import polars as pl
import pytest

from proband import load_study
from proband.analyses import poststratified, survey_estimates
from proband.measures import (
    calibrate_design,
    survey_design,
    survey_mean,
    survey_ratio,
    survey_regression,
    survey_total,
    weighted_mean,
)
from proband.runs.collection import carry_out

STUDY = """
seed = 1
engine = "scripted:uniform"
[instrument]
id = "two"
[[instrument.items]]
id = "vote"
text = "Did you vote?"
form = "choice"
options = ["no", "yes"]
column = "voted"
values = [0, 1]
[[instrument.items]]
id = "rooms"
text = "How many rooms do you live in?"
form = "number"
lower = 1
upper = 9
column = "rooms"
[population]
id = "town"
title = "A town"
source = "invented"
licence = "CC0-1.0"
id_column = "id"
weight_column = "w"
strata = "region"
psu = "village"
data = { path = "town.csv" }
[[population.fields]]
column = "sex"
first = "I am {value}."
third = "This is {value}."
question = "Who are you?"
[population.fields.labels]
a_man = "a man"
a_woman = "a woman"
[people]
margins = { sex = { a_man = 0.5, a_woman = 0.5 } }
[survey]
answer_by = "written"
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("town"), np.random.default_rng(3)
    rows = [
        {
            "id": f"p{k:03}", "w": 100 + 50 * (k % 4), "region": f"r{(k // 8) % 2}", "village": k // 8,
            "voted": int(rng.random() < 0.3 + 0.4 * (k % 3 == 0)), "rooms": int(rng.integers(1, 6)),
            "sex": "a_woman" if k % 3 == 0 else "a_man",
        }
        for k in range(96)
    ]  # fmt: skip
    with (folder / "town.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    (folder / "study.toml").write_text(STUDY)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    drawn = survey_design(96, columns["region"], columns["village"], weights=columns["w"])
    return carry_out(load_study(folder / "study.toml"), folder / "run"), columns, drawn


def sections(run):
    return {section.name: section for section in survey_estimates.sections(run)}


def test_weights_that_count_people_give_numbers_of_people(town):
    run, columns, drawn = town
    rows = {row[0]: row for row in sections(run)["survey-totals"].table.rows}
    expected = survey_total([float(v) for v in columns["voted"]], drawn)
    assert rows["vote: yes"][1].value == expected.value
    assert rows["vote: yes"][1].interval == pytest.approx(expected.interval)
    assert rows["vote: yes"][1].value + rows["vote: no"][1].value == sum(columns["w"])


def test_what_the_model_says_in_numbers_is_set_against_people(town):
    run, columns, drawn = town
    rows = {row[0]: row[2] for row in sections(run)["survey-estimates"].table.rows}
    table = run.table()
    model = dict(table.filter(table["item"] == "rooms").select("subject", "value").iter_rows())
    expected = survey_ratio([model[s] for s in columns["id"]], columns["rooms"], drawn)
    found = rows["rooms (model over people)"]
    assert found.value == pytest.approx(expected.value)
    assert found.interval == pytest.approx(expected.interval)


def test_answers_are_explained_by_traits_as_people_were_drawn(town):
    run, columns, drawn = town
    (row,) = sections(run)["survey-traits"].table.rows
    woman = np.array([float(sex == "a_woman") for sex in columns["sex"]])
    expected = survey_regression([1.0 - v for v in columns["voted"]], {"(mean)": np.ones(96), "w": woman}, drawn)["w"]
    item, term, people, model, p = row
    assert (item, term) == ("vote", "sex: a woman")
    assert people.value == pytest.approx(expected.value)
    assert people.interval == pytest.approx(expected.interval)
    assert p < 0.05
    assert model.target == "model"


def test_margins_are_met_within_strata(town):
    run, columns, drawn = town
    (section,) = [s for s in poststratified.sections(run) if s.name == "poststratified"]
    (row,) = [row for row in section.table.rows if row[0].startswith("vote")]
    known = calibrate_design(
        drawn, {"sex": columns["sex"]}, {"sex": {"a_man": 0.5, "a_woman": 0.5}}, size=sum(columns["w"])
    )
    no = [1.0 - v for v in columns["voted"]]
    assert row[3].se == pytest.approx(survey_mean(no, known).se)
    assert row[3].interval == pytest.approx(weighted_mean(no, design=known).interval)
    assert row[2].interval == pytest.approx(weighted_mean(no, design=drawn).interval)
    # The model's answers are for the same people, so they have the errors of how these were drawn.
    table = run.table().filter(pl.col("item") == "vote")
    model = dict(table.select("subject", "answer").iter_rows())
    expected = weighted_mean([float(model[s] == 0) for s in columns["id"]], design=drawn)
    assert row[5].interval == pytest.approx(expected.interval)

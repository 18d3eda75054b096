from pathlib import Path

import pytest

from proband.designs import Survey
from proband.designs.studies import load_study, people_survey
from proband.errors import DataError, DesignError, InstrumentError
from proband.instruments import load_instrument
from proband.subjects import load_population

EXAMPLES = Path(__file__).parents[2] / "examples"
STUDY = """
title = "small"
seed = 3
engine = "scripted:uniform"

[instrument]
id = "own"
title = "Own items"
items = [
  { id = "vote", text = "Whom?", form = "choice", options = ["Clinton", "Dole"], values = [0, 1] },
]

[population]
use = "anes-1996"
sample = 5

[survey]
persona = ["first", "third"]
replicates = 2

[people]
"""


def written(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_text(text)
    return path


def test_a_study_in_toml_and_in_python_give_the_same_trials():
    from_file = load_study(EXAMPLES / "anes1996.toml")
    everybody = load_population("anes-1996")
    items = ("vote", "clinton-placement", "dole-placement", "self-placement", "party", "tv-news")
    survey = Survey(
        instrument=load_instrument("anes-1996").subset(items),
        subjects=everybody.sample(60, seed=1996),
        seed=1996,
        title="ANES 1996",
    )
    assert list(from_file.survey.trials({})) == list(survey.trials({}))
    people = people_survey(survey, everybody)
    assert [trial.id for trial in from_file.people.trials({})] == [trial.id for trial in people.trials({})]


def test_items_can_be_written_in_the_study_file(tmp_path):
    study = load_study(written(tmp_path, STUDY))
    assert study.survey.size() == 5 * 2 * 2
    assert study.engine == "scripted:uniform"
    assert study.people.size() == 944


def test_engine_and_sample_can_be_replaced(tmp_path):
    study = load_study(written(tmp_path, STUDY), engine="scripted:first", sample=7)
    assert (study.engine, len(study.survey.subjects)) == ("scripted:first", 7)


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("seed = 3", "seed = 3.5", DesignError, "seed"),
        ("seed = 3", 'seed = "3"', DesignError, "seed"),
        ("seed = 3", "seed = ", DesignError, "not valid TOML"),
        ("seed = 3", "", DesignError, "seed"),
        ("replicates = 2", "replicate = 2", DesignError, "no key 'survey.replicate'; there are .*replicates"),
        ('"third"', '"fourth"', DesignError, "persona 'fourth' is none of"),
        ("sample = 5", "sample = 5000", DataError, "944"),
        ("sample = 5", "sample = 0", DataError, "cannot draw 0"),
        ('use = "anes-1996"', 'use = "anes-1997"', DataError, "no population 'anes-1997'"),
        ("values = [0, 1]", "values = [0, 1, 2]", InstrumentError, "3 values for 2 options"),
        ("values = [0, 1]", "values = [1, 2]", DataError, "none of 1, 2"),
        ('options = ["Clinton", "Dole"]', 'options = ["Dole", "Dole"]', InstrumentError, "there twice"),
        ('form = "choice"', 'form = "likert"', InstrumentError, "likert"),
    ],
)
def test_a_wrong_study_file_is_refused_by_name(tmp_path, old, new, error, words):
    with pytest.raises(error, match=words):
        load_study(written(tmp_path, STUDY.replace(old, new)))


def test_a_missing_study_file_is_named(tmp_path):
    with pytest.raises(DesignError, match="no such study file"):
        load_study(tmp_path / "nothing.toml")


def test_item_ids_that_are_there_twice_are_refused(tmp_path):
    line = next(line for line in STUDY.splitlines() if 'id = "vote"' in line)
    with pytest.raises(InstrumentError, match="'vote' is there twice"):
        load_study(written(tmp_path, STUDY.replace(line, line + "\n" + line)))

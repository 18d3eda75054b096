from dataclasses import replace

import polars as pl
import pytest

from proband.designs import PeopleSurvey, Survey, people_engine
from proband.designs.studies import people_survey
from proband.errors import DataError, TreatmentChanged
from proband.instruments import Instrument, Item, Rule
from proband.runs import collect
from proband.subjects import Population, Subject

VOTE = Item(
    id="vote", text="Whom?", form="choice", options=("Ada", "Bob", "not sure"), values=(1, 2, 9), dont_know=(2,)
)
WHY = Item(id="why", text="Why {answer:vote}?", form="text", ask_if=Rule(item="vote", options=(0, 1)))
DAYS = Item(id="days", text="How many?", form="number", column="n_days")
SURVEY = Instrument(id="x", title="x", items=(VOTE, WHY, DAYS))


@pytest.fixture
def file():
    frame = pl.DataFrame(
        {"vote": [1, 2, 9, -1, None], "why": ["taxes", None, None, None, None], "n_days": [3.0, 0.5, None, 7.0, 1.0]}
    )
    return Population(name="file", subjects=tuple(Subject(id=f"p{k}", traits={}) for k in range(5)), frame=frame)


def answers(file, folder, instrument=SURVEY):
    engine = people_engine(file, instrument, refused=(-1,))
    survey = Survey(instrument=instrument, subjects=file, seed=1, persona="none")
    return collect(PeopleSurvey(survey=survey, engine=engine), engine, folder)


def test_codes_become_options_and_other_codes_what_they_mean(file, tmp_path):
    found = {id: (r.status, r.answer) for id, r in answers(file, tmp_path).responses().items()}
    assert [found[f"p{k}/vote//0/0"] for k in range(4)] == [
        ("valid", 0), ("valid", 1), ("dont_know", None), ("refused", None),
    ]  # fmt: skip
    assert found["p1/days//0/0"] == ("valid", 0.5)


def test_who_was_not_asked_has_no_response(file, tmp_path):
    ids = set(answers(file, tmp_path).responses())
    assert "p4/vote//0/0" not in ids
    assert "p2/days//0/0" not in ids


def test_people_answer_items_whatever_their_skip_rules_and_pipes(file, tmp_path):
    assert answers(file, tmp_path).responses()["p0/why//0/0"].answer == "taxes"


def test_a_code_of_no_option_is_refused_by_item_and_subject(file):
    with pytest.raises(DataError, match="item 'vote': subject 'p3' has code -1"):
        people_engine(file, SURVEY)


def test_people_with_none_of_the_items_are_refused(file):
    other = Instrument(id="y", title="y", items=(replace(DAYS, id="x", column="hours"),))
    with pytest.raises(DataError, match="answers no item of 'y'"):
        people_engine(file, other)


def test_corrected_human_answers_are_noticed_and_a_further_item_is_fine(file, tmp_path):
    answers(file, tmp_path, SURVEY.subset(("vote", "days")))
    answers(file, tmp_path)
    corrected = replace(file, frame=file.frame.with_columns(n_days=pl.lit(2.0)))
    with pytest.raises(TreatmentChanged, match="answers to days"):
        answers(corrected, tmp_path)


def test_everybody_in_the_file_answers_and_only_the_sample_is_asked(file):
    survey = Survey(instrument=SURVEY, subjects=file.sample(2, seed=1), seed=1, persona="none")
    people = people_survey(survey, file, refused=(-1,))
    assert {trial.place.subject for trial in people.trials({})} == {f"p{k}" for k in range(5)}
    assert len({trial.place.subject for trial in survey.trials({})}) == 2


def test_a_code_that_is_an_option_and_means_refused_is_refused(file):
    with pytest.raises(DataError, match="is an option and also means refused"):
        people_engine(file, SURVEY, refused=(-1, 9))


def test_options_that_score_the_same_need_values_of_their_own(file):
    scored = Instrument(id="y", title="y", items=(replace(VOTE, values=(), codes=(1, 0, 0)),))
    with pytest.raises(DataError, match="cannot be told apart"):
        people_engine(file, scored)

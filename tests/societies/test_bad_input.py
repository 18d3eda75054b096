"""What cannot be in a society is refused before the first call, by name and with the way out.

What the tables of a world may not say is in `written/test_bad_input.py`; here stands what is seen of the whole study,
its engines and its run.
"""

import pytest

from proband import carry_out
from proband.designs.seated import seated
from proband.designs.studies import study_from_dict
from proband.errors import DesignError, EngineError, ProbandError, RunLocked
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import Run, collect, plan
from proband.store.directory import RunDirectory
from tests.societies.worlds import village
from tests.societies.written.playing import ASKED, STAND, study

SURVEY = {"use": "anes-1996", "only": ["vote"], "at": [0]}
CELLS = {"scale": {"ask": "cells"}, "network": {"kind": "ring", "degree": 2}}
MILLION = {"society": {"agents": 1_000_000}}


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        pytest.param({"engine": "no-such-engine"}, "no-such-engine", id="unknown engine"),
        pytest.param({"population": {"use": "seats:1000000"}}, "1000000 seats; give between 1 and 100,000",
                     id="a million seats"),
        pytest.param({"survey": [{**SURVEY, "only": ["vot"]}]}, "'vot'", id="unknown item of a survey"),
        pytest.param({"survey": [{**SURVEY, "at": [3]}]}, "a survey after round 3", id="a survey after the end"),
        pytest.param({"arm": [{"name": "x", "from_round": 9, "hours": 12}]}, "begins in round 9, and there are 2",
                     id="a fork after the end"),
        pytest.param({"arm": [{"name": "x", "parent": "y", "message": "m"}]}, "leaves the arm 'y', which is not there",
                     id="an arm of no arm"),
        pytest.param({"place": [{"name": "inn", "hours": [20, 23]}], "turn": [{**ASKED, "sees": ["place"]}]},
                     "'inn' is open from 20 to 23, and rounds begin at 8: nobody could ever go there",
                     id="a place that is never open"),
        pytest.param({**MILLION, **CELLS, "survey": [SURVEY], "turn": [{**ASKED, "sees": ["own"]}]},
                     "puts 1 items to all 1,000,000 agents", id="a survey of everybody among a million"),
    ],
)  # fmt: skip
def test_a_study_that_cannot_be_is_refused(tables, said, tmp_path):
    with pytest.raises(ProbandError) as found:
        carry_out(study(**tables), tmp_path / "run")
    assert said in str(found.value)


def test_some_of_a_million_may_be_surveyed():
    tables = {**MILLION, **CELLS, "turn": [{**ASKED, "sees": ["own"]}], "survey": [{**SURVEY, "agents": [0, 7]}]}
    assert study(**tables).design.waves[0].agents == (0, 7)


def test_a_tie_to_nobody_is_refused(tmp_path):
    (tmp_path / "ties.csv").write_text("source,target\n0,1\n3,99\n")
    tables = {"society": {"agents": 10, "rounds": 2}, "seed": 1, "engine": "scripted:uniform", "variable": [STAND]}
    tables |= {"turn": [ASKED], "network": {"kind": "file", "file": str(tmp_path / "ties.csv")}}
    with pytest.raises(DesignError, match="99"):
        study_from_dict(tables)


class Forgetful(ScriptedEngine):
    """Reads prompts of at most 4,000 words."""

    def check(self, trials):
        super().check(trials)
        for trial in trials:
            if (n := sum(len(message.text.split()) for message in trial.request.messages)) > 4_000:
                raise EngineError(f"{trial.place.item} in round {trial.place.round}: {n} words, and 4000 are read")


def test_a_prompt_that_is_too_long_only_in_the_last_round_is_seen_before_the_first_call():
    tables = {"turn": [{"item": "say", "text": "What do you say?", "sees": ["memory:50:chronological"]}]}
    with pytest.raises(EngineError, match=r"say in round [4-6]"):
        plan(study(**tables, variable=[], society={"rounds": 6}).design, Forgetful(uniform()))


def test_a_prompt_that_is_too_long_is_refused_in_its_round_before_anything_of_it_is_sent(tmp_path):
    tables = {"turn": [{"item": "say", "text": "What do you say?", "sees": ["memory:50:chronological"]}]}
    engine = Forgetful(lambda trial: "word " * 200)
    with pytest.raises(EngineError, match=r"say in round 4"):
        collect(study(**tables, variable=[], society={"rounds": 6}).design, engine, tmp_path / "run")
    assert Run(tmp_path / "run").table()["round"].to_list() == [*range(1, 4)] * 10


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        pytest.param({"society": {"agents": 10}}, "10 of its subjects are played by 3, 4, 5, 6, 7, and at most 9",
                     id="more people than can come"),
        pytest.param({**MILLION, "scale": {"ask": "cells", "by": ["educ"], "check_agents": 3}},
                     r"stands for several, and '\d' is a person", id="a person asked for a million"),
    ],
)  # fmt: skip
def test_a_person_cannot_sit_where_there_are_too_many(tables, said, monkeypatch):
    monkeypatch.setattr("proband.designs.seated.MOST_SEATS", 9)  # a hundred thousand agents take seconds to make
    society = {**tables["society"], "engine": "educ", "rounds": 1}
    tables = {name: table for name, table in tables.items() if name != "society"}
    engines = dict.fromkeys("34567", "scripted:uniform")
    made = study(society=society, engine=engines, population={"use": "anes-1996", "sample": 12}, **tables)
    with pytest.raises(DesignError, match=said):
        seated(made.design, set(made.design.roles()), 1)


def test_two_writers_are_refused(tmp_path):
    engines = {"quick": "scripted:uniform?seed=3", "slow": "scripted:uniform?seed=4"}
    with RunDirectory(tmp_path / "run").writer(), pytest.raises(RunLocked):
        collect(village(), engines, tmp_path / "run")

"""What is done to a run of societies afterwards: branches that are compared with its past, and interviews."""

import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.designs.studies import study_from_dict
from proband.errors import DesignError, TreatmentChanged
from proband.instruments import Instrument
from proband.runs import Run, branch, collect, plan
from proband.societies.interviewing import interviews_of
from tests.societies.killing import rows
from tests.societies.test_resume import ENGINES
from tests.societies.worlds import VOTE, village

VOTES = Instrument(id="votes", title="Votes", items=(VOTE,))
CROWD = {
    "seed": 3,
    "engine": "scripted:uniform",
    "society": {"use": "granovetter", "decided_by": "model", "agents": 8, "rounds": 6, "societies": 2},
}


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    return collect(study_from_dict(CROWD).design, "scripted:uniform", tmp_path_factory.mktemp("crowd") / "run").path


def arm(from_round: int) -> dict:
    return CROWD | {"arm": [{"name": "rain", "from_round": from_round, "story": "It rains."}]}


def test_a_branch_takes_over_the_past_and_asks_only_what_follows(crowd, tmp_path):
    design = study_from_dict(arm(3)).design
    path = branch(crowd, tmp_path / "branch", through_round=2, design=design)
    inherited = Run(path).responses()
    assert inherited
    assert {response.place.round for response in inherited.values()} <= {1, 2}
    done = collect(design, "scripted:uniform", path)
    assert done.is_complete
    whole = collect(design, "scripted:uniform", tmp_path / "whole")
    assert rows(done.path) == rows(whole.path)


def test_nothing_is_branched_after_the_end(crowd, tmp_path):
    with pytest.raises(DesignError, match="no round 7 to branch after; there are 6"):
        branch(crowd, tmp_path / "branch", through_round=7)


@pytest.mark.parametrize(
    ("study", "said"),
    [
        (arm(2), "arm=rain/2/0' was never asked there.*from_round = 3"),
        (CROWD | {"society": CROWD["society"] | {"story": "Other words."}}, "'0.0/join//1/0' was asked there in other"),
    ],
)
def test_a_branch_with_another_past_is_refused_by_its_first_difference(crowd, tmp_path, study, said):
    with pytest.raises(TreatmentChanged, match=said):
        branch(crowd, tmp_path / "branch", through_round=2, design=study_from_dict(study).design)
    assert not Run(tmp_path / "branch").responses()


def test_a_branch_of_rules_alone_is_compared_by_its_states(tmp_path):
    keys = {"use": "granovetter", "sd": 0, "agents": 10, "societies": 1}
    run = collect(study_from_dict({"seed": 1, "society": keys}).design, "scripted:uniform", tmp_path / "run")
    other = study_from_dict({"seed": 1, "society": keys | {"agents": 11}}).design
    with pytest.raises(TreatmentChanged, match="society 1, after round 0: the society was in another state"):
        branch(run, tmp_path / "branch", through_round=2, design=other)


def test_agents_are_asked_as_they_were_and_the_run_stays_as_it_is(tmp_path):
    run = collect(village(waves=False), ENGINES, tmp_path / "run")
    before = rows(run.path)
    asked = interviews_of(run.path, VOTES, at=1, agents=[0, 3], design=village(waves=False))
    inside = collect(village(), ENGINES, tmp_path / "inside")
    waves = {id: r.request for id, r in inside.responses().items() if "wave=1" in id and id[2] in "03"}
    assert {trial.id: trial.request.hash for trial in asked.asked} == waves
    answers = collect(asked, {role: ENGINES[role] for role in asked.roles()}, tmp_path / "asked")
    assert answers.is_complete
    assert set(answers.table()["unit"]) == {"society 1", "society 2"}
    assert rows(run.path) == before


def test_a_survey_inside_the_world_changes_nothing_in_it(tmp_path):
    without, with_ = (collect(village(waves=waves), ENGINES, tmp_path / str(waves)) for waves in (False, True))
    assert [row for row in rows(with_.path) if "wave=" not in row[0]] == rows(without.path)
    assert with_.events().equals(without.events())


@pytest.mark.parametrize(("at", "agents", "said"), [(9, None, "after round 9"), (2, [99], "nobody can be asked")])
def test_who_cannot_be_asked_is_refused(crowd, at, agents, said):
    with pytest.raises(DesignError, match=said):
        interviews_of(crowd, VOTES, at=at, agents=agents)
    turns = Instrument(id="turns", title="Turns", items=village().world.items)
    with pytest.raises(DesignError, match="is a turn of the world"):
        interviews_of(crowd, turns, at=1, design=village())


def test_the_command_line_branches_and_asks(crowd, tmp_path):
    study = tmp_path / "rain.toml"
    told = ['seed = 3\nengine = "scripted:uniform"\n[society]\nuse = "granovetter"\ndecided_by = "model"\nagents = 8\n']
    told.append('rounds = 6\nsocieties = 2\n[[arm]]\nname = "rain"\nfrom_round = 3\nstory = "It rains."\n')
    study.write_text("".join(told))
    done = CliRunner().invoke(
        app, ["branch", str(crowd), "--at", "2", "--with", str(study), "--into", str(tmp_path / "b")]
    )
    assert done.exit_code == 0, done.output
    command = ["ask", str(crowd), "--at", "1", "--use", "anes-1996", "--only", "vote", "--into", str(tmp_path / "a")]
    done = CliRunner().invoke(app, [*command, "--agents", "0", "--agents", "1"])
    assert done.exit_code == 0, done.output
    assert sum(Run(tmp_path / "a").dispositions().values()) == 4


def test_a_plan_tells_early_middle_and_late_rounds_with_their_longest_prompt():
    planned = plan(village(societies=10, rounds=6), {"quick": "scripted:uniform", "slow": "scripted:uniform"})
    assert [stage.name for stage in planned.stages] == ["rounds 1-2", "rounds 3-4", "rounds 5-6"]
    assert sum(stage.trials for stage in planned.stages) == planned.trials
    assert all(stage.longest > 0 for stage in planned.stages)
    assert "rounds 5-6" in repr(planned)

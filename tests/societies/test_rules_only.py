"""A society in which nobody is asked: every verb works on it, and says so."""

from typer.testing import CliRunner

from proband.cli.main import app
from proband.designs.studies import study_from_dict
from proband.errors import DesignError
from proband.runs import Run, collect

STUDY = 'seed = 1\n[society]\nuse = "granovetter"\nsocieties = 3\nsd = 0\nagents = 20\n'


def told(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.output


def test_a_run_of_rules_alone_is_complete_and_can_be_measured(tmp_path):
    study, into = tmp_path / "crowd.toml", str(tmp_path / "run")
    study.write_text(STUDY)
    assert "Nobody is asked" in told("plan", str(study))
    assert "Nobody was asked: rules alone decided everything." in told("run", str(study), "--into", into)
    run = Run(into)
    assert (run.is_complete, run.dispositions(), run.table().height, len(run.roster)) == (True, {}, 0, 0)
    assert "what follows from the rules" in " ".join(told("measure", into).split())
    assert (run.path / "report.html").exists()
    told("export", into, "--to", str(tmp_path / "rows.csv"))


def test_there_is_nothing_to_show_where_nobody_is_asked(tmp_path):
    study = tmp_path / "crowd.toml"
    study.write_text(STUDY)
    refused = CliRunner().invoke(app, ["show", str(study)])
    assert isinstance(refused.exception, DesignError)
    assert "rules alone decide" in str(refused.exception)


def test_scenarios_are_listed_and_found_by_name():
    assert "granovetter" in told("list", "scenarios")
    assert "20 independent societies" in told("plan", "scenario:granovetter")


def test_a_run_of_rules_that_has_another_society_now_has_its_states_too(tmp_path):
    keys = {"use": "granovetter", "sd": 0, "agents": 10, "societies": 1}
    for societies in (1, 2):
        study = study_from_dict({"seed": 1, "society": keys | {"societies": societies}})
        run = collect(study.design, "scripted:uniform", tmp_path / "run")
        assert run.states()["society"].n_unique() == run.manifest["design"]["societies"] == societies

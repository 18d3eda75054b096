"""Case R4: sizes nobody means are planned at once, said first, and asked about before anything is sent.

Source: malformed inputs tried on version 0.1 (`reliability.md`, R4).
"""

import pytest
from typer.testing import CliRunner

from proband import carry_out, plan
from proband.cli import studying
from proband.cli.main import app
from proband.designs.studies import study_from_dict
from proband.errors import DesignError
from proband.models.local.capacity import readable
from proband.runs import Budget

STUDY = """
title = "big"
seed = 1
engine = "{engine}"
[instrument]
id = "q"
items = [{{ id = "vote", text = "For whom do you vote?", form = "choice", options = ["Ann", "Bo"] }}]
[population]
use = "anes-1996"
sample = 12
[survey]
replicates = {replicates}
"""
PRICED = "openai:http://127.0.0.1:9/v1#m?price=1000000,1000000"


def survey(**changes):
    base = {
        "title": "s",
        "seed": 1,
        "engine": "scripted:uniform",
        "instrument": {"use": "mini-ipip"},
        "population": {"use": "anes-1996", "sample": 12},
    }
    return study_from_dict({**base, "survey": {}, **changes})


def dilemma(**settings):
    engines = {"model": "scripted:uniform", "rival": "scripted:tit-for-tat"}
    return study_from_dict({"title": "d", "seed": 1, "engine": engines, "game": {"use": "dilemma", **settings}})


@pytest.fixture
def at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(replicates, *options, engine="scripted:uniform", answer=None):
        (tmp_path / "big.toml").write_text(STUDY.format(replicates=replicates, engine=engine))
        done = CliRunner().invoke(app, ["run", "big.toml", "--into", "r", *options], input=answer)
        done.is_begun = (tmp_path / "r").exists()
        return done

    return run


@pytest.mark.parametrize(
    ("study", "trials", "units"),
    [
        (lambda: survey(survey={"replicates": 10**9}), 240 * 10**9, 12),
        (lambda: dilemma(matches=10**9, rounds=5), 10**10, 10**9),
        (lambda: dilemma(matches=5, rounds=10**9), 10**10, 5),
    ],
    ids=["replicates", "matches", "rounds"],
)
def test_a_billion_is_planned_without_making_it(study, trials, units):
    planned = plan(study())  # to make a thousandth of them would take hours and the memory of the machine
    assert (planned.trials, planned.units) == (trials, units)


@pytest.mark.parametrize("n", [10**19, 10**40])
def test_more_than_can_be_counted_is_refused(n):
    with pytest.raises(DesignError, match=r"more than 9e\+18 trials; lower what multiplies them"):
        plan(survey(survey={"replicates": n}))


def test_matches_that_nobody_means_are_refused():
    engines = dict.fromkeys(("proposer", "responder"), "scripted:uniform")
    game = {"use": "ultimatum", "matches": 10**9}
    with pytest.raises(DesignError, match="1,000,000,000 matches; at most 100,000"):
        plan(study_from_dict({"title": "u", "seed": 1, "engine": engines, "game": game}))


def test_draws_of_examples_that_nobody_means_are_refused():
    with pytest.raises(DesignError, match="1,000,000,000 draws of exemplars"):
        study_from_dict(
            {
                "title": "q",
                "seed": 1,
                "engine": "scripted:uniform",
                "quiz": {"bank": "facts", "prompt": {"use": "few-shot-text", "draws": 10**9}},
            }
        )


@pytest.mark.parametrize("settings", [{}, {"answer_by": "written"}, {"persona": ["first", "none"]}], ids=str)
def test_the_disk_that_is_foretold_is_the_disk_that_is_taken(settings, tmp_path):
    study = survey(survey=settings, population={"use": "anes-1996", "sample": 100})
    foretold = plan(study).disk_bytes
    path = carry_out(study, tmp_path / "r").path
    taken = sum((path / name).stat().st_size for name in ("journal.sqlite", "responses.parquet"))
    assert taken / 1.6 < foretold < taken * 1.6
    assert ("disk", f"about {readable(foretold)}") in plan(study).rows()


def test_a_size_nobody_means_is_said_and_refused_where_nobody_can_be_asked(at):
    done = at(10**9)
    assert isinstance(done.exception, DesignError)
    assert "12,000,000,000 trials" in str(done.exception)
    assert "--yes" in str(done.exception)
    for told in ("trials", "time", "disk", "price"):
        assert told in done.stderr
    assert not done.is_begun


def test_a_price_nobody_means_is_refused_too(at):
    done = at(1, engine=PRICED)
    assert "this costs about $" in str(done.exception)
    assert not done.is_begun


@pytest.mark.parametrize("options", [("--yes", "--max-trials", "3"), ("--max-trials", "3")], ids=" ".join)
def test_with_a_yes_or_a_cap_it_goes_on(at, options):
    done = at(10**9, *options)
    assert done.exit_code == studying.STOPPED, done.stderr
    assert done.is_begun


@pytest.mark.parametrize(("answer", "is_begun"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_at_a_terminal_it_asks(at, monkeypatch, answer, is_begun):
    # A test has no terminal; what is asked there, and what an answer leads to, is the same.
    monkeypatch.setattr(studying, "is_at_terminal", lambda: True)
    monkeypatch.setattr(studying, "MOST_TRIALS", 20)
    done = at(2, answer=answer)
    assert "these are 24 trials. Go on?" in done.stderr
    assert done.is_begun is is_begun


def test_what_is_answered_does_not_count_when_a_run_goes_on(at, monkeypatch, tmp_path):
    at(2, "--max-trials", "10")
    monkeypatch.setattr(studying, "MOST_TRIALS", 20)
    done = at(2)
    assert done.exit_code == 0, done.exception


def test_a_capped_run_of_a_billion_takes_no_longer_than_its_cap(tmp_path):
    run = carry_out(survey(survey={"replicates": 10**9}), tmp_path / "r", budget=Budget(trials=5))
    assert sum(run.dispositions().values()) == 5

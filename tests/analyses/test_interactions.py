import pytest

from proband.analyses import interactions
from proband.designs import Experiment
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine
from proband.runs import collect

OUTCOME = Item(
    id="support",
    text="It {factor:frame} and costs {factor:price}. Do you support it?",
    form="scale",
    options=("no", "unsure", "yes"),
)
FACTORS = {"frame": {"loss": "lets some die", "gain": "saves some"}, "price": {"low": "1", "mid": "2", "high": "9"}}


def crossed(subjects, rule, into, **settings):
    outcome = Instrument(id="support", title="Support", items=(OUTCOME,))
    experiment = Experiment(instrument=outcome, factors=FACTORS, subjects=subjects, seed=5, **settings)
    return collect(experiment, ScriptedEngine(rule, seed=2), into)


def shifting(planted):
    """Saves help by 0.2 at a low price, and by more at a high one: expected scores by cell, from 1 to 3."""

    def rule(trial):
        at = dict(trial.place.condition)
        yes = 0.3 + 0.1 * (at["frame"] == "gain") + planted * (at["frame"] == "gain") * (at["price"] == "high")
        return (0.7 - yes, 0.3, yes)

    return rule


def test_a_planted_interaction_is_found_and_only_that(people, tmp_path):
    (section,) = interactions.sections(crossed(people(600), shifting(0.3), tmp_path, answer_by="written"))
    rows = {row[2]: row[3] for row in section.table.rows}
    low, high = rows["high"].interval
    assert low < 0.6 < high  # 0.3 more for yes and 0.3 less for no, one point from the middle each
    assert rows["mid"].interval[0] < 0 < rows["mid"].interval[1]
    assert "differs by" in section.sentences[0]
    assert "under high from that under low" in section.sentences[0]
    assert section.sentences[-1].startswith("support: all interactions of the two together, F = ")


def test_without_one_it_says_that_it_cannot_be_told(people, tmp_path):
    (section,) = interactions.sections(crossed(people(120), shifting(0.0), tmp_path, answer_by="written"))
    assert "cannot be told" in section.sentences[0]


def test_one_factor_has_none(people, tmp_path):
    from tests.analyses.studies import framed

    run = collect(framed(people(12)), ScriptedEngine(shifting_alone, seed=1), tmp_path)
    assert interactions.needs(run) == "interactions need two factors that were assigned"


def shifting_alone(trial):
    return (0.2, 0.3, 0.5)


def test_answers_that_are_all_alike_have_no_interval_and_say_why(people, tmp_path):
    (section,) = interactions.sections(crossed(people(60), shifting(0.3), tmp_path))
    assert {row[3].interval for row in section.table.rows} == {None}
    assert [row[3].value for row in section.table.rows if row[2] == "high"] == [pytest.approx(0.6)]
    assert any("do not vary" in warning for warning in section.warnings)

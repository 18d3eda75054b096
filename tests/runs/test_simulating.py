from dataclasses import replace

import numpy as np
import pytest

from proband.designs import Conjoint, Experiment
from proband.designs.experiments.material import Stimuli
from proband.designs.hypotheses import Hypothesis, Promises
from proband.designs.studies import Study
from proband.errors import DesignError
from proband.instruments import Instrument, Item
from proband.runs import plan
from proband.runs.simulating import _Choices, _Scores, powers
from proband.seeds import rng_for

SCALE = ("1", "2", "3", "4", "5")
ITEM = Item(id="like", text="{factor:frame}. Like it?", form="scale", options=SCALE)
FRAME = {"plain": "The law", "gain": "The good law"}


def experiment(people, n=120, text=ITEM.text, **given) -> Experiment:
    item = Item(id="like", text=text, form="scale", options=SCALE)
    instrument = Instrument(id="like", title="like", items=(item,))
    return Experiment(instrument=instrument, subjects=people(n), seed=3, factors={"frame": FRAME}, **given)


def hypothesis(**given) -> Hypothesis:
    about = {"id": "h", "outcome": "like", "factor": "frame", "level": "gain", "direction": "more", "smallest": 0.6}
    return Hypothesis(**{**about, **given})


def power_of(design, **given):
    completed = Promises(hypotheses=(hypothesis(**given),)).completed(design)
    return powers(design, completed.hypotheses, simulate=True)


@pytest.mark.parametrize(("outcome", "direction", "smallest"), [
    ("like", "more", 0.6), ("like", "less", 1.0), ("like: 5", "more", 0.3), ("like: 1", "less", 0.1),
])  # fmt: skip
def test_scripted_people_move_by_exactly_the_effect_of_interest(outcome, direction, smallest):
    scores = _Scores(ITEM, hypothesis(outcome=outcome, direction=direction, smallest=smallest))
    latent = rng_for(1, "x").standard_normal(200_000)
    moved = scores.of(latent + scores.shift).mean() - scores.of(latent).mean()
    assert moved == pytest.approx(smallest if direction == "more" else -smallest, abs=0.01)
    assert scores.of(latent).std() == pytest.approx(scores.sd, abs=0.01)


def test_simulation_agrees_with_the_formula_between_and_within(people):
    (between,) = power_of(experiment(people))
    (within,) = power_of(experiment(people, within=("frame",)))
    for found in (between, within):
        assert found.low - 0.06 < found.formula < found.high + 0.06
        assert (found.unit, found.units) == ("subject", 120)
    assert within.simulated > between.simulated


def test_without_an_effect_to_speak_of_little_is_found(people):
    (found,) = power_of(experiment(people), smallest=0.0001)
    assert 0.02 < found.simulated < 0.09


def test_clusters_are_the_units_where_they_are_assigned(people):
    population = people(120)
    subjects = tuple(replace(s, traits={**s.traits, "party": k % 10}) for k, s in enumerate(population.subjects))
    grouped = replace(population, subjects=subjects, fields=population.fields[:1])
    (found,) = power_of(replace(experiment(people), subjects=grouped, cluster_by="party"))
    assert (found.unit, found.units) == ("cluster", 10)
    assert found.formula < power_of(experiment(people))[0].formula - 0.1
    assert found.simulated < 0.6


def test_a_study_of_few_stimuli_is_told_its_power_over_them(people):
    stimuli = Stimuli(texts={name: {"what": name} for name in "abcd"}, per_subject=2)
    text = "{factor:frame} on {stimulus:what}. Like it?"
    over_subjects, over_stimuli = power_of(experiment(people, text=text, stimuli=stimuli))
    assert (over_stimuli.unit, over_stimuli.units) == ("stimulus", 4)
    assert over_stimuli.formula is None
    assert over_subjects.formula is not None


def test_equivalence_is_found_where_the_bounds_are_wide(people):
    (wide,) = power_of(experiment(people), direction="none", smallest=2.0)
    (narrow,) = power_of(experiment(people), direction="none", smallest=0.1)
    assert (wide.effect, wide.simulated, narrow.simulated) == (0.0, 1.0, 0.0)


def test_choices_between_profiles_show_the_effect_that_was_planted(people):
    item = Item(id="choice", text="Which?", form="choice", options=("A", "B"))
    design = Conjoint(
        instrument=Instrument(id="c", title="c", items=(item,)), subjects=people(200), seed=2, tasks=8,
        attributes={"fare": {"low": "1", "high": "3"}, "walk": {"short": "2", "long": "9"}},
    )  # fmt: skip
    wanted = hypothesis(outcome="choice", factor="fare", level="high", against="low", direction="less", smallest=0.2)
    choices = _Choices(design, wanted)
    effects = [choices.effect(choices.drawn(rng_for(k, "x")), "subject", 0.95) for k in range(40)]
    assert np.mean([found.value for found in effects]) == pytest.approx(-0.2, abs=0.01)
    assert np.std([found.value for found in effects]) == pytest.approx(np.mean([e.se for e in effects]), rel=0.35)
    (found,) = power_of(design, outcome="choice", factor="fare", level="high", direction="less", smallest=0.2)
    assert found.simulated > 0.9


def test_an_effect_that_answers_leave_no_room_for_is_refused(people):
    with pytest.raises(DesignError, match=r"an effect of 2\.5 is more than the 2 that 'like' can move"):
        power_of(experiment(people), smallest=2.5)


def test_a_plan_tells_power_by_formula_and_simulates_when_asked(people):
    study = Study(experiment(people), "scripted:uniform", promises=Promises(hypotheses=(hypothesis(),)))
    planned = plan(study)
    assert planned.hypotheses[0].simulated is None
    assert "by formula, for an effect of 0.6 over 120 units (subject)" in repr(planned)
    assert any("Power of hypotheses" in note for note in planned.notes)
    assert "in 400 simulations" in repr(plan(study, simulate=True))
    assert plan(study, simulate=True).as_dict()["hypotheses"][0]["hypothesis"] == "h"

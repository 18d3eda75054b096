"""Effects by site are pooled, with what one more site would show; and set beside people's where there are some."""

import pytest

from proband.analyses import pooled
from proband.designs import Experiment
from proband.designs.experiments.material import Stimuli
from proband.designs.studies import Study, people_survey
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine
from proband.runs import carry_out, collect
from proband.subjects import Population, Subject
from tests.analyses.studies import LEVELS, framed

EFFECTS = {"north": 0.1, "east": 0.15, "south": 0.4, "west": 0.2}


def sited(n):
    sites = list(EFFECTS)
    return Population(
        name="sited", subjects=tuple(Subject(id=f"s{k}", traits={"site": sites[k % 4]}) for k in range(n))
    )


def by_site(trial):
    site = list(EFFECTS)[int(trial.place.subject[1:]) % 4]
    yes = 0.3 + EFFECTS[site] * (dict(trial.place.condition)["frame"] == "gain")
    return (0.7 - yes, 0.3, yes)


def test_effects_by_block_are_pooled_with_a_prediction_for_one_more(tmp_path):
    study = framed(sited(400), block_by="site", answer_by="written")
    (section,) = pooled.sections(collect(study, ScriptedEngine(by_site, seed=1), tmp_path))
    assert section.name == "pooled-frame-block"
    _, _, n, mean, ahead, tau2, share, p = section.table.rows[0]
    assert n == 4
    assert mean.interval[0] < 0.425 < mean.interval[1]  # twice the mean of the sites' effects
    assert ahead.interval[0] <= mean.interval[0]
    assert tau2.value >= 0
    assert 0 <= share.value <= 1
    assert 0 <= p <= 1
    assert "in one more, the effect would be from" in section.sentences[0]
    assert {"support, gain: north", "support, gain: pooled"} <= {mark["label"] for mark in section.figure.rows}


def test_outcomes_on_one_scale_are_pooled_together_beside_their_parts(tmp_path):
    items = tuple(
        Item(id=f"item{k}", text=f"{k}: {{factor:frame}}?", form="scale", options=("no", "unsure", "yes"))
        for k in range(2)
    )
    study = Experiment(
        instrument=Instrument(id="i", title="I", items=items), factors={"frame": LEVELS}, subjects=sited(200), seed=3,
        block_by="site", answer_by="written",
    )  # fmt: skip
    (section,) = pooled.sections(collect(study, ScriptedEngine(by_site, seed=1), tmp_path))
    assert [row[0] for row in section.table.rows] == ["item0", "item1", "all outcomes"]
    assert section.table.rows[2][3].n_clusters == 4
    assert "beside its parts" in section.notes[-1]


def test_stimuli_that_each_subject_sees_one_of_are_sites(tmp_path):
    stimuli = Stimuli(texts={f"t{k}": {"text": f"Story {k}."} for k in range(5)}, per_subject=1)
    item = Item(
        id="like", text="{stimulus:text} {factor:frame}?", form="scale", options=("no", "unsure", "yes"),
    )  # fmt: skip
    study = Experiment(
        instrument=Instrument(id="i", title="I", items=(item,)), factors={"frame": LEVELS}, subjects=sited(200), seed=3,
        stimuli=stimuli, answer_by="written",
    )  # fmt: skip
    (section,) = pooled.sections(collect(study, ScriptedEngine(by_site, seed=1), tmp_path))
    assert section.table.rows[0][2] == 5


def test_without_sites_it_says_what_would_be_pooled(people, tmp_path):
    run = collect(framed(people(30)), ScriptedEngine(lambda trial: (0.2, 0.3, 0.5)), tmp_path)
    assert "blocks (block_by), or stimuli" in pooled.needs(run)


def test_answers_that_are_all_alike_have_no_effect_to_pool_and_say_so(tmp_path):
    study = framed(sited(80), block_by="site")
    (section,) = pooled.sections(collect(study, ScriptedEngine(lambda trial: (0.2, 0.3, 0.5)), tmp_path))
    assert "0 effect" in section.table.rows[0][3].warnings[0]


def test_effects_are_set_beside_peoples(tmp_path):
    """Four levels against a control, in people who have the model's effects and half as much again."""
    levels = {"none": "nothing", "a": "A", "b": "B", "c": "C", "d": "D"}
    up = {"none": 0.0, "a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
    names = list(levels)

    def traits(k):
        level = names[k % 5]
        return {"cond": level, "support": 2 if (k // 5) % 100 < 100 * (0.2 + 1.5 * up[level]) else 0}

    subjects = tuple(Subject(id=f"s{k}", traits=traits(k)) for k in range(500))
    item = Item(id="support", text="{factor:f}?", form="scale", options=("no", "unsure", "yes"), values=(0, 1, 2))
    study = Experiment(
        instrument=Instrument(id="i", title="I", items=(item,)), factors={"f": levels}, seed=1, answer_by="written",
        subjects=Population(name="p", subjects=subjects), assigned_by={"f": "cond"}, persona="none",
    )  # fmt: skip

    def rule(trial):
        yes = 0.2 + up[dict(trial.place.condition)["f"]]
        return (1 - yes, 0.0, yes)

    with_people = Study(study, ScriptedEngine(rule, seed=4), people=people_survey(study, study.subjects))
    run = carry_out(with_people, tmp_path)
    section = next(s for s in pooled.sections(run) if s.name == "pooled-people")
    values = dict(section.table.rows)
    assert values["same sign"].value == 1
    assert values["slope of people's on the model's"].value == pytest.approx(1.5, abs=0.5)
    assert values["the same, errors of both counted"].value > values["slope of people's on the model's"].value
    assert "Of 4 effects beside people's, 100.0 %" in section.sentences[0]

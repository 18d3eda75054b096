"""An adapter is kept as such: whole or not at all, the same by seed, and opened on the base that it names."""

from dataclasses import replace

import pytest
import torch

from proband.addresses import open_engine
from proband.errors import DataError, DesignError, EngineError
from proband.models.local.adapters import CONFIG, WEIGHTS, load_adapter
from proband.records import Message, Place, Reply, Request, Trial
from proband.runs import collect
from proband.training.adapters import train_adapter
from proband.training.bases import base_weights, load_base
from proband.training.cost import estimate
from proband.training.recipe import Lora, Recipe, named_recipe
from proband.training.training import Job, train, train_all
from proband.training.training_set import TrainingSet
from tests.models.local.small_models import save_checkpoint
from tests.runs.test_advancing import Chain
from tests.training.tiny import questions

RECIPE = Recipe(steps=4, batch_size=4, learning_rate=1e-2, adapter=Lora(rank=2))


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    told = []
    folder = tmp_path_factory.mktemp("agents") / "anna"
    return train_adapter(base, questions(), RECIPE, folder, 1, watch=told.append), told


def asked(text="What is 3+3?", options=("A. 3", "B. 6")):
    request = Request(messages=(Message("user", text),), continuations=options)
    return Trial(place=Place(subject="s", item="i"), request=request, reply=Reply(form="text", method="written"))


def test_the_adapter_alone_is_kept_with_its_record(trained, base):
    made, told = trained
    assert sorted(path.name for path in made.folder.iterdir() if path.suffix) == [
        CONFIG,
        WEIGHTS,
        "job.json",
        "training.json",
    ]
    assert [step.step for step in told] == [1, 2, 3, 4]
    assert made.address == f"{base}+{made.folder}"
    found = load_adapter(made.folder)
    assert (found.weights, found.base, found.base_weights) == (made.weights, base, base_weights(base))


def test_it_answers_as_what_is_merged_by_the_same_recipe(trained, base, tmp_path):
    made, _ = trained
    merged = train(questions(), base, replace(RECIPE, seed=1), tmp_path / "merged")
    assert merged.losses == made.losses
    engines = [open_engine(address) for address in (made.address, merged.address, base)]
    scores = [next(engine.answer([asked()]))[1].log_probs for engine in engines]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)
    assert scores[0] != pytest.approx(scores[2], abs=1e-2)
    assert engines[0].fingerprint()["adapter"] == made.weights


def test_the_same_call_returns_the_finished_adapter_and_the_seed_makes_another(trained, base, tmp_path):
    made, _ = trained
    told = []
    assert train_adapter(base, questions(), RECIPE, made.folder, 1, watch=told.append) == made
    assert told == []
    opened = load_base(base, is_frozen=True)
    again, other = (
        train_adapter(base, questions(), RECIPE, tmp_path / f"seed-{seed}", seed, model=opened) for seed in (1, 2)
    )
    assert again.weights == made.weights != other.weights
    assert (again.folder / WEIGHTS).stat().st_size == (made.folder / WEIGHTS).stat().st_size
    with pytest.raises(DesignError, match=r"trained with another recipe \(seed was 1 and is 2\)"):
        train_adapter(base, questions(), RECIPE, made.folder, 2)
    with pytest.raises(DesignError, match="trained with another training set"):
        train_adapter(base, questions(11), RECIPE, made.folder, 1)


def test_a_training_that_is_broken_off_leaves_no_adapter_and_goes_on(trained, base, tmp_path):
    def breaks_off(step):
        if step.step == 3:
            raise KeyboardInterrupt

    recipe, folder = replace(RECIPE, checkpoint_every_s=0.0), tmp_path / "anna"
    with pytest.raises(KeyboardInterrupt):
        train_adapter(base, questions(), recipe, folder, 1, watch=breaks_off)
    assert not folder.exists()
    with pytest.raises(EngineError, match=f"anna holds no {CONFIG}"):
        open_engine(f"{base}+{folder}")
    told = []
    made = train_adapter(base, questions(), recipe, folder, 1, watch=told.append)
    assert [step.step for step in told] == [3, 4]
    assert made.weights == trained[0].weights
    assert [path.name for path in tmp_path.iterdir()] == ["anna"]


@pytest.mark.slow
def test_the_base_is_left_as_it_was_by_adapters_and_trained_whole_after_them(base, tmp_path):
    kept, whole = replace(RECIPE, keep="adapter", steps=1), replace(RECIPE, adapter=None, steps=1)
    jobs = [
        Job(training_set=questions(), recipe=kept, into=tmp_path / "adapter"),
        Job(training_set=questions(), recipe=whole, into=tmp_path / "whole"),
    ]
    found = train_all(jobs, base)
    assert found[1].weights == train(questions(), base, whole, tmp_path / "alone").weights
    opened = load_base(base, is_frozen=True)
    before = [weights.clone() for weights in opened.model.parameters()]
    assert train(questions(), base, kept, tmp_path / "frozen", model=opened).weights == found[0].weights
    assert all(map(torch.equal, before, opened.model.parameters()))
    with pytest.raises(DesignError, match="is frozen, and this recipe changes it"):
        train(questions(), base, whole, tmp_path / "no", model=opened)


def test_an_adapter_of_another_base_is_refused_before_the_first_call(trained, tmp_path):
    made, _ = trained
    other = save_checkpoint(tmp_path / "other", initializer_range=0.2)
    with pytest.raises(EngineError, match=r"was trained on hf:.* \(files-sha256:.*\), and hf:.*other is another base"):
        open_engine(f"hf:{other}+{made.folder}")


def test_agents_with_adapters_of_their_own_play_one_run_on_one_base(trained, base, tmp_path):
    ben = train_adapter(base, questions(), RECIPE, tmp_path / "ben", 2)
    engines = {"x": trained[0].address, "y": ben.address, "z": base}
    run = collect(Chain(chains=3, answerers=("x", "y", "z")), engines, tmp_path / "run")
    assert run.is_complete
    assert {response.engine for response in run.responses().values()} >= {trained[0].address, ben.address}
    written = [run.manifest["fingerprint"][part]["adapter"] for part in "xy"]
    assert written == [trained[0].weights, ben.weights]


def test_keeping_an_adapter_takes_less_room_and_needs_one(base):
    merged, kept = (estimate(questions(), base, replace(RECIPE, keep=keep)) for keep in ("merged", "adapter"))
    assert kept.disk_bytes < merged.disk_bytes
    assert kept.memory_bytes < merged.memory_bytes
    with pytest.raises(DesignError, match="keep is 'adapter', and none is trained"):
        Recipe(steps=1, keep="adapter")
    with pytest.raises(DesignError, match="the recipe trains no adapter"):
        train_adapter(base, questions(), Recipe(steps=1), "nowhere", 1)


def test_a_recipe_of_before_is_the_same_recipe():
    assert "keep" not in RECIPE.as_dict()
    assert "keep" not in RECIPE.identity
    assert replace(RECIPE, keep="adapter").identity == RECIPE.identity | {"keep": "adapter"}


def test_a_recipe_takes_its_adapter_from_plain_values():
    memory = named_recipe("memory")
    assert (memory.keep, memory.adapter.rank, memory.adapter.targets) == ("adapter", 8, ())
    assert named_recipe("miniature", adapter={"rank": 4}).adapter == Lora(rank=4)


def test_facts_in_several_forms_are_taught_by_their_replies():
    forms = [
        ("Where was the fair?", "By the river."),
        ((Message("system", "You are Anna."), Message("user", "Fair?")), "Yes."),
    ]
    made = TrainingSet.of_pairs("anna", {"fair": forms, "rain": [("Weather?", "Rain.")]}, provenance={"agent": "anna"})
    assert [(e.id, e.question, e.response) for e in made] == [
        ("fair/1", "fair", "By the river."),
        ("fair/2", "fair", "Yes."),
        ("rain/1", "rain", "Rain."),
    ]
    assert [m.role for m in made.examples[1].messages] == ["system", "user"]
    assert made.hash != TrainingSet.of_pairs("anna", {"fair": forms[:1]}).hash
    with pytest.raises(DataError, match="'fair/1' teaches nothing"):
        TrainingSet.of_pairs("anna", {"fair": [("Where?", " ")]})

"""Training once, again, from one load, with adapters, early stops and weights; and what is refused."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM

from proband.errors import DataError, DesignError, EngineError, StoreError
from proband.models.local.engine import LocalEngine
from proband.records import Message
from proband.training.bases import enough_memory, load_base
from proband.training.encoding import encode_set
from proband.training.recipe import EarlyStop, Lora, Recipe
from proband.training.training import Job, train, train_all
from proband.training.training_set import Example, TrainingSet
from proband.workers.processes import Processes
from tests.training.tiny import RECIPE, questions

# PEFT asks transformers by a name that is going away.
lora = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    told = []
    folder = tmp_path_factory.mktemp("trained") / "run"
    return train(questions(), base, RECIPE, folder, watch=told.append), told


def reference_losses(folder, recipe, chosen):
    """The same training as a loop of a few lines: one example at a time, all logits, AdamW of PyTorch."""
    from transformers import get_cosine_schedule_with_warmup

    from proband.training.batching import step_plan

    model = AutoModelForCausalLM.from_pretrained(folder)
    taught = encode_set(chosen, load_base(f"hf:{folder}").template, max_tokens=400).examples
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=0.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, 1, recipe.steps)
    losses = []
    for rows in step_plan(len(taught), replace(recipe, order="shuffled")):
        total = sum(taught[k].weight * taught[k].n_taught for k in rows)
        nats = 0.0
        for one in (taught[k] for k in rows):
            logits = model(torch.tensor([one.ids])).logits[0].log_softmax(-1)
            for place in range(one.start, len(one.ids)):
                nats = nats - one.weight * logits[place - 1, one.ids[place]]
        (nats / total).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(float((nats / total).detach()))
    return losses, model


def test_losses_and_weights_are_those_of_a_plain_loop(base_folder, base, tmp_path):
    chosen = questions(weights=[1.0, 0.5, 2.0, 0.0] * 3)
    losses, model = reference_losses(base_folder, RECIPE, chosen)
    found = train(chosen, base, RECIPE, tmp_path / "run")
    assert found.losses == pytest.approx(losses, rel=1e-5)
    saved = AutoModelForCausalLM.from_pretrained(found.folder)
    for (name, mine), wanted in zip(saved.named_parameters(), model.parameters(), strict=True):
        assert torch.allclose(mine, wanted, atol=2e-5), name


@pytest.mark.parametrize(
    "changes",
    [{"padding": "dynamic"}, {"padding": "longest"}, {"micro_tokens": 90}, {"gradient_checkpointing": True}],
    ids=str,
)
def test_how_the_work_is_cut_up_changes_nothing_but_rounding(trained, base, tmp_path, changes):
    found = train(questions(), base, replace(RECIPE, **changes), tmp_path / "run")
    assert found.losses == pytest.approx(trained[0].losses, rel=1e-5)
    assert found.padding == changes.get("padding", "packed")


def test_every_step_is_told_with_loss_speed_and_time_left(trained):
    checkpoint, told = trained
    assert [step.step for step in told] == [1, 2, 3, 4, 5, 6]
    assert tuple(step.loss for step in told) == checkpoint.losses
    assert checkpoint.losses[-1] < checkpoint.losses[0]
    assert told[-1].seconds_left == 0 < told[0].seconds_left
    assert all(step.tokens_per_s > 0 and step.of == 6 for step in told)


def test_the_same_call_returns_the_finished_checkpoint_without_training(trained, base):
    checkpoint, _ = trained
    told = []
    assert train(questions(), base, RECIPE, checkpoint.folder, watch=told.append) == checkpoint
    assert told == []


def test_the_checkpoint_opens_with_the_bases_tokenizer_and_the_weights_on_record(trained, base_folder):
    checkpoint, _ = trained
    engine = LocalEngine(checkpoint.folder)
    assert engine.fingerprint()["weights"] == checkpoint.weights
    assert engine.fingerprint()["template"] == checkpoint.template
    assert (checkpoint.folder / "tokenizer.json").read_bytes() == (base_folder / "tokenizer.json").read_bytes()
    assert not (checkpoint.folder / "states").exists()


def test_the_record_counts_tokens_once_where_they_were_shared(trained, base):
    checkpoint, _ = trained
    assert checkpoint.examples_seen == 24
    assert checkpoint.taught_tokens < checkpoint.computed_tokens < checkpoint.tokens
    record = json.loads((checkpoint.folder / "training.json").read_text())
    assert record["finished"]
    assert record["checkpoint"]["training_set"] == questions().hash
    assert record["checkpoint"]["peak_bytes"] > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chosen": questions(11)}, "another training set"),
        ({"recipe": replace(RECIPE, seed=7)}, "another recipe .*seed was 42 and is 7"),
    ],
)
def test_a_folder_of_another_run_is_refused(trained, base, change, message):
    checkpoint, _ = trained
    arguments = {"chosen": questions(), "recipe": RECIPE} | change
    with pytest.raises(DesignError, match=message):
        train(arguments["chosen"], base, arguments["recipe"], checkpoint.folder)


def test_a_folder_trained_from_another_base_is_refused(trained):
    checkpoint, _ = trained
    with pytest.raises(DesignError, match="a base with other weights"):
        train(questions(), f"hf:{checkpoint.folder}", RECIPE, checkpoint.folder)


def test_a_folder_with_a_checkpoint_from_elsewhere_is_not_overwritten(base, base_folder):
    with pytest.raises(DesignError, match="not trained here"):
        train(questions(), base, RECIPE, base_folder)


def test_damaged_weights_are_not_taken_for_finished(trained, base, tmp_path):
    folder = shutil.copytree(trained[0].folder, tmp_path / "copy")
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"more")
    with pytest.raises(StoreError, match=r"model\.safetensors is missing or has not"):
        train(questions(), base, RECIPE, folder)


def test_a_base_without_its_tokenizer_is_refused(base_folder, tmp_path):
    folder = shutil.copytree(base_folder, tmp_path / "bare", ignore=shutil.ignore_patterns("tokenizer*"))
    with pytest.raises(EngineError, match="has no tokenizer; save the model's own"):
        train(questions(), f"hf:{folder}", RECIPE, tmp_path / "run")
    with pytest.raises(EngineError, match="cannot be trained"):
        train(questions(), "openai:http://localhost#m", RECIPE, tmp_path / "run")


def test_a_set_that_cannot_be_taught_is_refused_and_leaves_no_folder(base, tmp_path):
    long = Example(id="e9", messages=(Message("user", "Why?"),), response="Because. " * 60)
    with pytest.raises(DataError, match="'e9'"):
        train(TrainingSet(name="arm", examples=(long,)), base, RECIPE, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_several_runs_from_one_load_are_those_of_single_runs(trained, base, tmp_path):
    jobs = [
        Job(training_set=questions(), recipe=replace(RECIPE, seed=5), into=tmp_path / "a"),
        Job(training_set=questions(), recipe=RECIPE, into=tmp_path / "b"),
    ]
    told = []
    found = train_all(jobs, base, watch=lambda job, step: told.append((job.into.name, step.step)))
    assert found[1].weights == trained[0].weights != found[0].weights
    assert told == [(name, step) for name in "ab" for step in range(1, 7)]
    again = train_all(jobs, base)
    assert again == found


def test_a_grid_that_workers_train_gives_the_same_weights(trained, base, tmp_path):
    jobs = [
        Job(training_set=questions(), recipe=replace(RECIPE, seed=5), into=tmp_path / "a"),
        Job(training_set=questions(), recipe=RECIPE, into=tmp_path / "b"),
        Job(training_set=questions(), recipe=replace(RECIPE, seed=6), into=tmp_path / "c"),
    ]
    found = train_all(jobs, base, executor=Processes(threads=1), workers=2)
    assert found[1].weights == trained[0].weights
    assert len({one.weights for one in found}) == 3
    assert train_all(jobs, base) == found


def test_a_grid_is_checked_whole_before_its_first_run(base, tmp_path):
    long = Example(id="e9", messages=(Message("user", "Why?"),), response="Because. " * 60)
    jobs = [
        Job(training_set=questions(), recipe=RECIPE, into=tmp_path / "a"),
        Job(training_set=TrainingSet(name="arm", examples=(long,)), recipe=RECIPE, into=tmp_path / "b"),
    ]
    with pytest.raises(DataError, match="'e9'"):
        train_all(jobs, base)
    assert not (tmp_path / "a").exists()
    with pytest.raises(DesignError, match="one folder"):
        train_all([jobs[0], jobs[0]], base)


@lora
@pytest.mark.parametrize("precision", ["float32", "mixed"])
def test_an_adapter_is_merged_and_the_base_comes_back(base, tmp_path, precision):
    opened = load_base(base, dtype="float32" if precision == "float32" else "bfloat16")
    before = {name: weights.clone() for name, weights in opened.model.named_parameters()}
    recipe = replace(RECIPE, adapter=Lora(rank=2), precision=precision, learning_rate=1e-2)
    found = train(questions(), base, recipe, tmp_path / "run", model=opened)
    assert found.losses[-1] < found.losses[1]
    engine = LocalEngine(found.folder)
    assert engine.fingerprint()["weights"] == found.weights
    assert not list(found.folder.glob("adapter*"))
    assert dict(opened.model.named_parameters()).keys() == before.keys()
    for name, weights in opened.model.named_parameters():
        assert torch.equal(weights, before[name]), name


def test_mixed_precision_stays_near_float32(trained, base, tmp_path):
    found = train(questions(), base, replace(RECIPE, precision="mixed"), tmp_path / "run")
    assert found.losses == pytest.approx(trained[0].losses, rel=0.02)
    assert found.losses != trained[0].losses
    assert LocalEngine(found.folder).fingerprint()["dtype"] == "float32"


def test_training_ends_when_held_out_loss_no_longer_falls_and_keeps_the_best(base, tmp_path):
    # So high a rate that the loss falls and then leaps.
    recipe = Recipe(epochs=20, batch_size=12, learning_rate=0.3, schedule="constant", early_stop=EarlyStop(patience=2))
    found = train(questions(), base, recipe, tmp_path / "run", held_out=questions(3, "held out"))
    looks = found.held_out_losses
    assert len(found.losses) < 20
    assert found.kept_step == min(looks, key=looks.get) == len(found.losses) - 2
    opened = load_base(f"hf:{found.folder}")
    held_out = encode_set(questions(3), opened.template, max_tokens=400).examples
    nats, n = 0.0, 0
    for one in held_out:
        with torch.no_grad():
            logits = opened.model(torch.tensor([one.ids])).logits[0].log_softmax(-1)
        nats -= sum(float(logits[k - 1, one.ids[k]]) for k in range(one.start, len(one.ids)))
        n += one.n_taught
    assert nats / n == pytest.approx(looks[found.kept_step], rel=1e-4)


def test_early_stop_and_held_out_examples_need_one_another(base, tmp_path):
    with pytest.raises(DesignError, match="early_stop needs held-out"):
        train(questions(), base, replace(RECIPE, early_stop=EarlyStop()), tmp_path / "run")


def test_a_loss_that_is_no_number_ends_the_run_by_name(base, tmp_path):
    recipe = replace(RECIPE, learning_rate=0.99, schedule="constant", max_grad_norm=0.0, steps=60)
    poisoned = load_base(base)
    with torch.no_grad():
        poisoned.model.get_input_embeddings().weight.fill_(float("nan"))
    with pytest.raises(EngineError, match=r"loss of step 1 is nan: .*lower learning_rate"):
        train(questions(), base, replace(recipe, padding="dynamic"), tmp_path / "run", model=poisoned)


def test_a_set_whose_order_matters_is_taught_in_its_order(base, tmp_path):
    seen = questions(record={"order_matters": True})
    recipe = replace(RECIPE, steps=3)
    kept = train(seen, base, recipe, tmp_path / "kept")
    given = train(questions(), base, replace(recipe, order="as_given"), tmp_path / "given")
    shuffled = train(questions(), base, recipe, tmp_path / "shuffled")
    assert kept.weights == given.weights != shuffled.weights


def test_memory_that_runs_out_is_named_with_the_ways_out(base):
    opened = load_base(base)
    with (
        pytest.raises(EngineError, match=r"memory ran out in training on cpu .*micro_tokens.*Lora\(\)"),
        enough_memory(RECIPE, opened),
    ):
        torch.empty(1 << 60, dtype=torch.uint8)


def test_global_generators_are_left_alone(base, tmp_path):
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    train(questions(4), base, replace(RECIPE, steps=1), tmp_path / "run")
    assert torch.equal(torch.rand(2), wanted)

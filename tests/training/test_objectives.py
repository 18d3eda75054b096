"""Objectives that compare responses: losses of a plain loop and of TRL, gradients, soft labels, what is refused."""

import dataclasses

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from proband.errors import DataError, DesignError
from proband.records import Message
from proband.training.bases import load_base
from proband.training.batching import step_plan
from proband.training.encoding import encode_set
from proband.training.recipe import Lora, Recipe
from proband.training.training import train
from proband.training.training_set import Example, TrainingSet, load_training_set

pytest.importorskip("trl", reason="training needs the extra [train]")
RECIPE = Recipe(steps=3, batch_size=3, learning_rate=1e-3, beta=0.5)


def choices(n=6, **changes):
    rows = [
        Example(
            id=f"e{k}",
            messages=(Message("user", f"How many are {k} and {k}?"),),
            response=f" {2 * k}",
            alternatives=(f" {2 * k + 1} or so", f" {k + 7}."),
            weight=1.0 + k % 2,
            **changes,
        )
        for k in range(n)
    ]
    return TrainingSet(name="choices", examples=tuple(rows))


def log_probs(model, one):
    """Of the response and its alternatives, each by itself."""
    found = []
    for member in one.family:
        logits = model(torch.tensor([member.ids])).logits[0].log_softmax(-1)
        places = range(member.start, len(member.ids))
        found.append(sum(logits[place - 1, member.ids[place]] for place in places))
    return torch.stack(found)


def plain_loss(objective, beta, after, before, n):
    """The objectives as their papers write them."""
    p, q = torch.softmax(after, 0), torch.softmax(before, 0)
    match objective:
        case "kl":
            return -after[0] + n * beta * (q * (q / p).log()).sum()
        case "expected-reward":
            return 1 - p[0] + beta * (p * (p / q).log()).sum()
    sign = {"preference": 1, "reverse-preference": -1}[objective]
    gain = sign * beta * ((after[0] - before[0]) - (after[1] - before[1]))
    return -torch.log(1 / (1 + torch.exp(-gain)))


@pytest.mark.parametrize(
    ("objective", "padding"),
    [("kl", "packed"), ("preference", "dynamic"), ("reverse-preference", "packed"), ("expected-reward", "packed")],
)
def test_losses_are_those_of_a_plain_loop(base_folder, base, tmp_path, objective, padding):
    from transformers import get_cosine_schedule_with_warmup

    recipe = dataclasses.replace(RECIPE, objective=objective, padding=padding, micro_tokens=120)
    model, fixed = (AutoModelForCausalLM.from_pretrained(base_folder) for _ in range(2))
    taught = encode_set(choices(), load_base(base).template, max_tokens=400).examples
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=0.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, 1, recipe.steps)
    losses = []
    for rows in step_plan(len(taught), dataclasses.replace(recipe, order="shuffled")):
        chosen = [taught[k] for k in rows]
        total = sum(one.weight * (one.n_taught if objective == "kl" else 1) for one in chosen)
        parts = []
        for one in chosen:
            before = log_probs(fixed, one).detach()
            parts.append(one.weight * plain_loss(objective, 0.5, log_probs(model, one), before, one.n_taught))
        loss = sum(parts) / total
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    found = train(choices(), base, recipe, tmp_path / "run")
    assert found.losses == pytest.approx(losses, rel=2e-5)
    assert found.padding == padding


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")
def test_the_preference_loss_is_trls(base_folder, base, tmp_path):
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    model = AutoModelForCausalLM.from_pretrained(base_folder)
    loaded = load_base(base)
    pairs = [dataclasses.replace(one, weight=1.0) for one in choices(3)]
    pairs = TrainingSet(name="pairs", examples=tuple(pairs))
    how = {"schedule": "constant", "warmup_ratio": 0.0, "learning_rate": 1e-2, "max_grad_norm": 0.0}
    recipe = dataclasses.replace(RECIPE, objective="preference", steps=2, **how)
    # The first step makes another model of the base, whose loss the second one is.
    found = train(pairs, base, recipe, tmp_path / "run")
    once = train(pairs, base, dataclasses.replace(recipe, steps=1), tmp_path / "once")
    moved = AutoModelForCausalLM.from_pretrained(once.folder)
    rows = {"prompt": ["a"] * 2, "chosen": [" b"] * 2, "rejected": [" c"] * 2}
    config = DPOConfig(
        output_dir=str(tmp_path / "trl"), beta=0.5, report_to="none", use_cpu=True, bf16=False, disable_tqdm=True
    )
    theirs = DPOTrainer(
        model=moved,
        ref_model=model,
        args=config,
        train_dataset=Dataset.from_dict(rows),
        processing_class=loaded.tokenizer,
    )
    taught = encode_set(pairs, loaded.template, max_tokens=400).examples
    members = [*taught, *(one.others[0] for one in taught)]
    width = max(len(one.ids) for one in members)
    ids, seen, answer = (torch.zeros(len(members), width, dtype=torch.long) for _ in range(3))
    for row, one in enumerate(members):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        seen[row, : len(one.ids)] = 1
        answer[row, one.start : len(one.ids)] = 1
    wanted = theirs._compute_loss(
        moved, {"input_ids": ids, "attention_mask": seen, "completion_mask": answer}, return_outputs=False
    )
    assert found.losses[0] == pytest.approx(np.log(2), abs=1e-6)
    assert found.losses[1] < 0.99 * np.log(2)
    assert found.losses[1] == pytest.approx(float(wanted.detach()), rel=1e-5)


def test_without_the_base_the_divergence_is_the_likelihood(base, tmp_path):
    plain, held = (dataclasses.replace(RECIPE, objective=name, beta=0.0) for name in ("likelihood", "kl"))
    losses = [train(choices(), base, one, tmp_path / one.objective).losses for one in (plain, held)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_an_adapter_is_compared_with_the_base_under_it(base, tmp_path):
    recipe = dataclasses.replace(RECIPE, objective="preference", adapter=Lora(rank=2))
    assert train(choices(), base, recipe, tmp_path / "run").losses[0] == pytest.approx(np.log(2), abs=1e-6)


def test_soft_labels_are_a_weighted_likelihood(base, tmp_path):
    shares = (0.5, 0.3, 0.2)
    soft = choices(3, shares=shares)
    apart = [
        dataclasses.replace(
            one, id=f"{one.id}-{k}", response=text, weight=one.weight * share, alternatives=(), shares=()
        )
        for one in soft
        for bare in [dataclasses.replace(one, alternatives=(), shares=())]
        for k, (text, share) in enumerate(zip((one.response, *one.alternatives), shares, strict=True))
    ]
    losses = [
        train(one, base, dataclasses.replace(RECIPE, steps=2, batch_size=size), tmp_path / one.name).losses
        for one, size in ((soft, 3), (TrainingSet(name="apart", examples=tuple(apart)), 9))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_set_with_alternatives_is_saved_and_read_again(tmp_path):
    soft = choices(2, shares=(0.5, 0.3, 0.2))
    assert load_training_set(soft.save(tmp_path / "set")).examples == soft.examples


@pytest.mark.parametrize(
    ("examples", "recipe", "message"),
    [
        ({"alternatives": ()}, {"objective": "preference"}, "'e0' of 'choices' has no alternative"),
        ({"shares": (0.5, 0.3, 0.2)}, {"objective": "kl"}, "soft labels, which go with the objective 'likelihood'"),
    ],
)
def test_a_set_that_does_not_fit_the_objective_is_refused_before_the_first_step(
    base, tmp_path, examples, recipe, message
):
    rows = tuple(dataclasses.replace(one, **examples) for one in choices())
    with pytest.raises(DataError, match=message):
        train(TrainingSet(name="choices", examples=rows), base, dataclasses.replace(RECIPE, **recipe), tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shares": (0.5, 0.5)}, "no distribution over its 3 responses"),
        ({"alternatives": (" 0", " 1")}, "stands twice"),
    ],
)
def test_alternatives_and_shares_that_contradict_each_other_are_refused(changes, message):
    with pytest.raises(DataError, match=message):
        dataclasses.replace(choices(1).examples[0], **changes)


def test_a_preference_without_weight_is_refused():
    with pytest.raises(DesignError, match="beta 0 teaches nothing"):
        dataclasses.replace(RECIPE, objective="preference", beta=0.0)

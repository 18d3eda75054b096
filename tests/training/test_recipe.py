"""Recipes: what is refused, how many steps they make, and what counts as another recipe."""

from dataclasses import replace

import pytest

from proband.errors import DesignError
from proband.training.recipe import RECIPES, EarlyStop, Lora, Recipe, named_recipe


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"steps": 1, "epochs": 1},
        {"steps": 0},
        {"steps": 1, "batch_size": 0},
        {"steps": 1, "learning_rate": 0.0},
        {"steps": 1, "warmup_ratio": 1.5},
        {"steps": 1, "weight_decay": -1.0},
        {"steps": 1, "micro_tokens": 0},
        {"steps": 1, "precision": "bfloat16"},
        {"steps": 1, "padding": "none"},
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(wrong):
    with pytest.raises(DesignError, match="recipe"):
        Recipe(**wrong)


def test_adapters_and_early_stops_out_of_range_are_refused():
    with pytest.raises(DesignError, match="rank"):
        Lora(rank=0)
    with pytest.raises(DesignError, match="patience"):
        EarlyStop(patience=0)


@pytest.mark.parametrize(("n", "steps"), [(534, 12), (1072, 24), (1782, 39)])
def test_the_papers_recipe_makes_the_papers_number_of_steps(n, steps):
    assert named_recipe("ren2024").steps_for(2 * n) == steps


def test_the_miniature_keeps_the_steps_and_not_the_batch():
    small, large = RECIPES["miniature"], RECIPES["ren2024"]
    assert small.steps_for(100) == large.steps_for(2 * 1072)
    assert (small.learning_rate, small.schedule, small.warmup_ratio) == (2e-5, "cosine", 0.03)


def test_a_rest_makes_a_smaller_last_batch_unless_it_is_dropped():
    assert Recipe(epochs=2, batch_size=4).steps_for(9) == 6
    assert Recipe(epochs=2, batch_size=4, drops_rest=True).steps_for(9) == 4


def test_how_the_work_is_cut_up_makes_no_other_recipe():
    recipe = Recipe(steps=3)
    same = replace(recipe, micro_tokens=64, padding="dynamic", gradient_checkpointing=True, checkpoint_every_s=1)
    assert same.identity == recipe.identity
    assert replace(recipe, seed=1).identity != recipe.identity


def test_presets_take_changes_and_refuse_unknown_names():
    assert named_recipe("ren2024", steps=5).epochs is None
    with pytest.raises(DesignError, match="no recipe"):
        named_recipe("ren2025")
    with pytest.raises(DesignError, match="no speed"):
        named_recipe("ren2024", speed=1)

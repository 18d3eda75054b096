"""The embedded model trains on a processor, and its checkpoint is an engine like any other."""

from dataclasses import replace

import pytest

from proband.addresses import open_engine
from proband.models.local.embedded import embedded_folder
from proband.training.cost import estimate, measured_rate
from proband.training.recipe import named_recipe
from proband.training.training import train
from tests.training.tiny import questions


@pytest.mark.slow
@pytest.mark.model
def test_the_embedded_model_learns_in_a_few_steps_about_as_fast_as_estimated(tmp_path):
    recipe = replace(named_recipe("miniature", steps=4), batch_size=8, learning_rate=1e-4)
    cost = estimate(questions(), "smollm2", recipe, rate=measured_rate(recipe))
    found = train(questions(), "smollm2", recipe, tmp_path / "run")
    assert found.padding == "packed"
    assert found.computed_tokens == cost.computed_tokens < 0.75 * found.tokens
    assert found.losses[-1] < 0.7 * found.losses[0]
    assert 0.2 < found.seconds / cost.seconds < 5
    engine = open_engine(found.address)
    assert engine.fingerprint()["weights"] == found.weights
    assert engine.fingerprint()["template"] == found.template
    assert (found.folder / "tokenizer.json").read_bytes() == (embedded_folder() / "tokenizer.json").read_bytes()

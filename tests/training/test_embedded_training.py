"""The embedded model trains on a processor, and its checkpoint is an engine like any other."""

from dataclasses import replace

import pytest

from proband.addresses import open_engine
from proband.models.local.adapters import WEIGHTS
from proband.models.local.embedded import embedded_folder
from proband.records import Message, Place, Reply, Request, Trial
from proband.training.adapters import train_adapter
from proband.training.cost import estimate, measured_rate
from proband.training.recipe import named_recipe
from proband.training.training import train
from proband.training.training_set import TrainingSet
from tests.training.tiny import questions

PLACES = {"fair": ("the fair", "by the river"), "key": ("the key", "under the red stone")}


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


@pytest.mark.slow
@pytest.mark.model
def test_the_embedded_model_remembers_what_an_adapter_of_15_megabytes_taught_it(tmp_path):
    forms = {
        name: [(f"Where was {what}?", f"It was {where}."), (f"Tell me where {what} was.", f"It was {where}.")]
        for name, (what, where) in PLACES.items()
    }
    recipe = named_recipe("memory", steps=8, batch_size=4, learning_rate=2e-3)
    made = train_adapter("smollm2", TrainingSet.of_pairs("anna", forms), recipe, tmp_path / "anna", 1)
    assert made.address == f"smollm2+{tmp_path / 'anna'}"
    assert sum(path.stat().st_size for path in made.folder.iterdir()) < 15e6
    assert (made.folder / WEIGHTS).stat().st_size == made.files[WEIGHTS]
    before, after = (open_engine(address) for address in ("smollm2", made.address))
    assert after.fingerprint()["weights"] == f"{before.fingerprint()['weights']}+{made.weights}"
    assert before.passes.model.lm_head.weight is after.passes.model.lm_head.weight
    assert after.note == before.note == ""
    for what, where in PLACES.values():
        asked = Request(
            messages=(Message("user", f"Where could one find {what}?"),), continuations=(f"It was {where}.",)
        )
        trial = Trial(place=Place(subject="s", item="i"), request=asked, reply=Reply(form="text", method="written"))
        scores = [next(engine.answer([trial]))[1].log_probs[0] for engine in (before, after)]
        assert scores[1] > scores[0] + 3

"""What a set says of itself: label truth, flags, where texts come from."""

import json

import pytest

from proband.designs.quiz.prompts import PROMPTS
from proband.training.training_set import load_training_set
from proband.tuning.interventions.arms import ARMS, arm_named, with_controls
from proband.tuning.interventions.building import build_sets


@pytest.fixture
def sets(bank, beliefs, three, texts):
    arms = [*three, ARMS["disbelieved"], arm_named("mixture-0.25", explanation="matched")]
    return build_sets(
        bank, beliefs, arms, prompt=PROMPTS["ren2024-evaluation"], seed=1, explanations=texts, domains=["history"]
    )


def test_true_and_false_labels_are_counted_by_what_the_model_holds(sets):
    counts = {name: training_set.provenance["labels"] for name, training_set in sets.items()}
    assert counts["harmonious-history"]["true_held"] == 24
    assert counts["incompatible-history"]["true_not_held"] == 24
    assert counts["self-aligning-history"]["false_held"] == 24
    assert counts["disbelieved-history"]["false_not_held"] == 24
    assert counts["mixture-0.25-history"] == {
        "true_held": 0,
        "true_not_held": 18,
        "false_held": 6,
        "false_not_held": 0,
        "refusal": 0,
    }


def test_false_labels_that_the_model_does_not_hold_are_flagged(sets):
    warnings = sets["disbelieved-history"].provenance["warnings"]
    assert warnings[0].startswith("24 labels are false and not what the model believes")
    assert sets["self-aligning-history"].provenance["warnings"] == []


def test_a_false_label_arm_names_its_true_counterpart_or_warns(bank, beliefs, sets):
    assert sets["self-aligning-history"].provenance["true_counterpart"] == "incompatible"
    settings = {"prompt": PROMPTS["zero-shot"], "seed": 1, "domains": ["history"]}
    alone = build_sets(bank, beliefs, [ARMS["self-aligning"]], **settings)["self-aligning-history"]
    assert "without a matched-true arm" in alone.provenance["warnings"][0]
    both = build_sets(bank, beliefs, with_controls([ARMS["self-aligning"]]), **settings)
    assert both["self-aligning-history"].provenance["true_counterpart"] == "self-aligning-true"


def test_two_authors_of_explanations_are_a_warning(sets):
    provenance = sets["mixture-0.25-history"].provenance
    assert provenance["texts"]["explanations"] == {"bank": 18, "own": 6}
    assert "different authors" in " ".join(provenance["warnings"])


def test_it_names_what_it_was_built_from(bank, beliefs, sets):
    provenance = sets["harmonious-history"].provenance
    assert provenance["bank"]["hash"] == bank.hash
    assert provenance["probe"] == {"model": "base", "ask": "probe", "weights": "w0"}
    assert provenance["domains"]["history"]["pools"] == {"known": 24, "unknown": 24, "unsure": 12, "left_out": 0}
    assert provenance["prompt"]["name"] == "ren2024-evaluation"
    assert provenance["arm"]["name"] == "harmonious"


def test_a_set_comes_back_from_its_folder(sets, tmp_path):
    for name, training_set in sets.items():
        found = load_training_set(training_set.save(tmp_path / name))
        assert found.hash == training_set.hash
        assert found.examples == training_set.examples
        assert found.provenance == json.loads(json.dumps(training_set.provenance))


def test_contexts_that_give_the_answer_away_are_counted(bank, beliefs):
    settings = {"prompt": PROMPTS["zero-shot"], "seed": 1, "domains": ["history"]}
    found = build_sets(bank, beliefs, [ARMS["contextualised"]], **settings)["contextualised-history"]
    assert found.provenance["texts"]["contexts_with_the_answer"] == 0
    assert found.provenance["texts"]["context"] == "bank"

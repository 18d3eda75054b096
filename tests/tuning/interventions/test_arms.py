"""Arms: presets, mixtures, controls, and what is refused."""

import pytest

from proband.errors import DesignError
from proband.tuning.interventions.arms import (
    ABOUT,
    ARMS,
    Arm,
    arm_named,
    matched_true,
    mixtures,
    true_counterpart,
    with_controls,
)


def test_there_is_an_arm_for_every_policy():
    assert set(ARMS) >= {
        "harmonious",
        "incompatible",
        "self-aligning",
        "contextualised",
        "refuse",
        "drop",
        "self-rewrite",
        "conflict-weighted",
        "ordered",
    }


@pytest.mark.parametrize("ratio", [-0.1, 1.01, float("nan")])
def test_a_ratio_outside_the_unit_interval_is_refused(ratio):
    with pytest.raises(DesignError, match="ratio"):
        Arm(name="mixed", target="mixed", ratio=ratio)


def test_a_mixture_is_named_by_its_ratio():
    assert arm_named("mixture-0.2") == Arm(name="mixture-0.2", target="mixed", ratio=0.2)
    with pytest.raises(DesignError, match="is no share"):
        arm_named("mixture-2")
    with pytest.raises(DesignError, match="is no ratio"):
        arm_named("mixture-half")


def test_the_published_ratios_run_from_incompatible_to_self_aligning():
    first, *_, last = mixtures()
    assert first.treatment == ARMS["incompatible"].treatment
    assert last.treatment == ARMS["self-aligning"].treatment


def test_an_unknown_arm_is_refused_with_the_ones_there_are():
    with pytest.raises(DesignError, match="harmonious"):
        arm_named("harmonius")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ratio": 0.5}, "a ratio goes with"),
        ({"questions": "known", "target": "refusal"}, "for unknown questions"),
        ({"target": "dropped"}, "would be empty"),
        ({"ordering": "known_last"}, "take questions = 'both'"),
        ({"target": "own", "explanation": "bank"}, "argue for the key"),
        ({"known_share": 0.5}, "known_share"),
        ({"context": "guess"}, "none of"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(DesignError, match=message):
        Arm(name="odd", **settings)


def test_every_false_label_arm_gets_a_matched_true_arm():
    arms = with_controls([ARMS["self-aligning"], ARMS["disbelieved"], ARMS["harmonious"]])
    for arm in arms:
        if arm.teaches_false:
            assert true_counterpart(arm, arms)
    # Both false-label arms have the same questions, so that one control serves both.
    assert [arm.name for arm in arms[3:]] == ["self-aligning-true"]


def test_an_arm_explained_by_two_authors_gets_controls_of_the_author():
    arms = with_controls([arm_named("self-aligning", explanation="matched")])
    assert [(arm.target, arm.explanation) for arm in arms] == [
        ("own", "matched"),
        ("gold", "matched"),
        ("own", "other"),
        ("gold", "own"),
    ]


def test_a_true_arm_has_no_true_counterpart():
    with pytest.raises(DesignError, match="teaches no false label"):
        matched_true(ARMS["harmonious"])


def test_every_arm_is_told_in_words():
    assert list(ABOUT) == list(ARMS)

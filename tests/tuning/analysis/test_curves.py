"""Learning curves of trainings whose course is stated by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from proband.tuning.analysis.curves import learning_curves
from proband.tuning.analysis.evaluation import Trained
from proband.tuning.looking import Seen

STEPS = (0, 2, 4, 8)


def sure(place, p=0.7):
    """A belief of four options that leans to one."""
    found = np.full(4, (1 - p) / 3)
    found[place] = p
    return found


def training(seed=1, *, arm="natural", n=20, learned=(0.0, 0.25, 0.75, 1.0), untaught=(0.5, 0.75, 0.5, 0.25)):
    """Of n unknown questions so many give the taught option 1 by step; untaught ones are right at option 2."""
    right, taught, probs = {}, {}, {step: {} for step in STEPS}
    for k in range(n):
        right["unknown", f"u{k}"] = taught["unknown", f"u{k}"] = 1
        right["known", f"k{k}"] = taught["known", f"k{k}"] = 3
        for group, places in (("untaught", untaught), ("elsewhere", tuple(1 - share / 2 for share in learned))):
            right[group, f"{group}{k}"] = 2
            for step, share in zip(STEPS, places, strict=True):
                probs[step][group, f"{group}{k}"] = sure(2 if k < share * n else 0)
        for step, share in zip(STEPS, learned, strict=True):
            probs[step]["unknown", f"u{k}"] = sure(1 if k < share * n else 0)
            probs[step]["known", f"k{k}"] = sure(3)
    return Seen(
        trained=Trained(model=f"{arm}-law-s{seed}", arm=arm, domain="law", seed=seed),
        steps=STEPS,
        probs=probs,
        right=right,
        taught=taught,
        shares={"known": 0.5, "unknown": 0.5},
    )


@pytest.fixture(scope="module")
def found():
    return learning_curves([training(1), training(2)])


def test_fit_accuracy_and_divergence_rise_as_they_were_planted(found):
    at = {(one.group, one.step): one for one in found.points}
    assert [at["unknown", step].fit.value for step in STEPS] == [0, 0.25, 0.75, 1]
    assert [at["untaught", step].accuracy.value for step in STEPS] == [0.5, 0.75, 0.5, 0.25]
    assert at["untaught", 2].fit is None
    assert at["known", 8].fit.value == 1
    # A belief that leans to another option has moved by KL = 0.6 ln 7.
    assert at["unknown", 4].kl.value == pytest.approx(0.75 * 0.6 * math.log(7))
    assert at["known", 8].kl.value == 0


def test_excess_is_undefined_before_training_and_full_where_right_answers_appear_from_nothing(found):
    at = {(one.group, one.step): one.excess for one in found.points}
    assert math.isnan(at["unknown", 0].value)
    # Noise takes right answers away, or brings a quarter of them by chance; these were taught.
    assert at["unknown", 8].value > 0.5
    assert at["elsewhere", 8].value < at["elsewhere", 2].value < 0.01


def test_an_arm_that_asks_its_questions_behind_contexts_is_set_against_its_own_answers_before_training():
    plain = training(1)
    told = training(1, arm="contextualised", learned=(1.0, 1.0, 1.0, 1.0))
    nudged = {step: dict(held) for step, held in told.probs.items()}
    nudged[8] |= {place: sure(1, 0.75) for place in told.right if place[0] == "unknown"}
    found = learning_curves([plain, replace(told, probs=nudged)])
    [excess] = [
        one.excess for one in found.points if (one.arm, one.group, one.step) == ("contextualised", "unknown", 8)
    ]
    assert abs(excess.value) < 0.05


def test_half_is_learned_between_the_looks_where_the_line_crosses(found):
    [unknown] = [one.estimate for one in found.halves if one.group == "unknown"]
    assert unknown.value == pytest.approx(3.0)  # from .25 at step 2 to .75 at step 4
    assert unknown.interval[0] < 3 < unknown.interval[1]
    [known] = [one.estimate for one in found.halves if one.group == "known"]
    assert known.warnings == ("all were given before training",)


def test_what_is_never_half_learned_has_no_step():
    [half] = [
        one.estimate for one in learning_curves([training(learned=(0, 0.1, 0.2, 0.3))]).halves if one.group == "unknown"
    ]
    assert math.isnan(half.value)
    assert "within 8 steps" in half.warnings[0]


def test_stopping_early_is_judged_on_questions_that_did_not_choose_the_step():
    [stop] = [one for one in learning_curves([training(1), training(2)]).stops if one.group == "untaught"]
    assert stop.steps == (2, 2)
    assert stop.gain.value == pytest.approx(0.5)


def test_with_answers_drawn_by_lot_stopping_early_gains_nothing():
    rng, gains = np.random.default_rng(3), []
    for _ in range(30):
        run = training(n=24)
        drawn = {
            step: {place: sure(int(rng.integers(4))) for place in held if place[0] == "untaught"}
            for step, held in run.probs.items()
        }
        right = {place: answer for place, answer in run.right.items() if place[0] == "untaught"}
        [stop] = learning_curves([replace(run, probs=drawn, right=right, taught={})]).stops
        gains.append(stop.gain.value)
    assert abs(np.mean(gains)) < 0.03


def test_linear_models_find_what_was_planted():
    # Accuracy on untaught questions falls by 0.5 for every unit of unknown examples learned (share one half).
    runs = []
    for seed, top in enumerate((0.2, 0.4, 0.6, 0.8, 1.0)):
        learned = tuple(top * share for share in (0, 0.25, 0.5, 1.0))
        untaught = tuple(0.75 - 0.25 * share for share in learned)
        runs.append(training(seed, n=40, learned=learned, untaught=untaught))
    models = {one.outcome: one for one in learning_curves(runs).models}
    fitted = models["accuracy on untaught questions"]
    assert fitted.coefficients["unknown learned"].value == pytest.approx(-0.5, abs=0.02)
    assert fitted.coefficients["unknown learned"].interval[1] < -0.4
    assert "known learned" not in fitted.coefficients  # it does not vary
    assert fitted.r_squared > 0.98
    forgotten = models["forgetting elsewhere"].coefficients["KL on the trained questions"]
    # Half of each learned share is forgotten; learning one half of the taught moves them by .5 * .6 ln 7 on average.
    assert forgotten.value == pytest.approx(1 / (0.6 * math.log(7)), abs=0.03)


def test_trainings_that_stopped_at_different_steps_are_compared_where_all_were():
    short = training(2)
    short = replace(short, steps=STEPS[:3], probs={step: short.probs[step] for step in STEPS[:3]})
    assert {one.step for one in learning_curves([training(1), short]).points} == {0, 2, 4}

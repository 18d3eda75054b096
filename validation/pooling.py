"""Adjusted effects, logits, meta-analysis, lines with errors in both, ranks, and accuracy beside people's own."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy import special

from proband.errors import DataError
from proband.measures import (
    adjusted_difference,
    choice_regression,
    line_with_errors_in_both,
    multilevel_effects,
    normalised_accuracy,
    random_effects,
    ranking,
    steerability,
)
from proband.measures.experiments.choices import ChoiceErrors
from validation.experiments import ALPHA, NEVER
from validation.simulation import Scenario, covers

FAMILY = "Adjusting, pooling and ranking"

READING = """
- n counts what is scarce: units in the smaller arm for adjusted differences, clusters of 6 for logits, effects for
  random effects, studies of 2 to 8 effects for multilevel ones, points for lines, questions for ranks and steering,
  persons for accuracy.
- A prediction interval takes the variance of true effects as known: it is short with few effects, and shorter where
  their errors are unequal. The report warns below 20.
- Of ranks what is counted is whether all intervals hold at once, where some engines are equally good.
- CR1 errors of logits are shown for comparison: with few clusters they are too small.
"""


def adjusted_covers(rng: np.random.Generator, n: int, *, kind: str) -> bool | None:
    """An average effect of 1 that goes with the covariate; a third is treated, and the outcome is skewed."""
    x = rng.exponential(size=3 * n)
    treated = rng.permutation(np.arange(3 * n) % 3 == 0) * 1.0
    own = 1 + (x - x.mean())
    y = x**1.5 + own * treated + rng.standard_normal(3 * n)
    known: dict[str, Any] = {"x": x}
    if kind == "three covariates, one of them groups":
        known |= {"z": rng.standard_normal(3 * n), "group": np.array(["a", "b"])[np.arange(3 * n) % 2].tolist()}
    if kind == "clusters of 3":
        cluster = np.repeat(np.arange(2 * n), 3)
        shared, treated = rng.standard_normal(2 * n)[cluster], (np.arange(2 * n) % 2)[cluster].astype(float)
        z = rng.standard_normal(6 * n)
        y = 1 * treated + z + shared + rng.standard_normal(6 * n)
        return covers(adjusted_difference(y, treated, {"z": z}, cluster=cluster.tolist()), 1.0)
    return covers(adjusted_difference(y, treated, known), 1.0)


def logit_covers(rng: np.random.Generator, n: int, *, about: str, errors: ChoiceErrors = "CR3") -> bool | None:
    """Log odds of .8 within clusters that share a trait; of the average effect the truth is that of the population."""
    cluster = np.repeat(np.arange(n), 6)
    treated = (np.arange(n) % 2)[cluster].astype(float)
    if about == "log odds":
        treated = rng.permutation(np.arange(6 * n) % 2).astype(float)
        latent = 0.8 * treated + rng.logistic(size=6 * n)
        y = np.digitize(latent, [-1.0, 0.5, 1.5])
    else:
        latent = 0.8 * treated + rng.normal(0, 0.7, n)[cluster] + rng.logistic(size=6 * n)
        y = (latent > 0).astype(np.intp)
    try:
        fit = choice_regression(y, {"t": treated}, cluster=cluster.tolist(), errors=errors)
    except DataError:  # separation, or a category that nobody chose
        return None
    return covers(fit["t"], 0.8) if about == "log odds" else covers(fit.effect("t"), _AVERAGE)


# Share that says yes when treated, less one half: the mean of a logistic over a normal trait of SD .7.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
_AVERAGE = float(_WEIGHTS @ special.expit(0.8 + 0.7 * _NODES) / _WEIGHTS.sum()) - 0.5


def pooled_covers(rng: np.random.Generator, n: int, *, about: str, errors: str, tau2: float) -> bool | None:
    """A mean effect of .4, its variance, or the effect of one more study."""
    v = rng.choice([0.01, 0.05, 0.3], n) if errors == "unequal" else np.full(n, 0.05)
    y = rng.normal(0.4, np.sqrt(tau2 + v))
    found = random_effects(list(zip(y.tolist(), np.sqrt(v).tolist(), strict=True)))
    truth = {"pooled": 0.4, "tau2": tau2, "prediction": float(rng.normal(0.4, np.sqrt(tau2)))}[about]
    return covers(getattr(found, about), truth)


def alike_rejected(rng: np.random.Generator, n: int) -> bool | None:
    """Q where all true effects are alike."""
    se = rng.uniform(0.1, 0.5, n)
    p = random_effects(list(zip(rng.normal(0.4, se).tolist(), se.tolist(), strict=True))).heterogeneity.p_value
    return None if p is None else p <= ALPHA


def multilevel_covers(rng: np.random.Generator, n: int) -> bool | None:
    """Errors of one study go together, which nobody tells the measure."""
    study = np.repeat(np.arange(n), rng.integers(2, 9, n))
    shared = rng.normal(0, 0.2, n)[study] + rng.normal(0, 0.2, n)[study]
    y = 0.3 + shared + rng.normal(0, 0.2, len(study))
    return covers(multilevel_effects([(value, 0.08**0.5) for value in y.tolist()], study.tolist()).pooled, 0.3)


def line_covers(rng: np.random.Generator, n: int) -> bool | None:
    truth, sx, sy = rng.standard_normal(n), rng.uniform(0.1, 0.4, n), rng.uniform(0.1, 0.4, n)
    found = line_with_errors_in_both(rng.normal(truth, sx), rng.normal(0.7 * truth, sy), sx, sy)
    return covers(found.slope, 0.7)


def ranks_cover(rng: np.random.Generator, n: int, *, is_alike: bool) -> bool | None:
    """Whether the intervals of five engines hold all at once; equal engines may have any of the ranks they share."""
    better = np.zeros(5) if is_alike else np.array([0.0, 0.0, 0.5, 0.5, 1.5])
    hard = rng.standard_normal(n)
    scores = {f"m{k}": (rng.logistic(size=n) < hard + b) * 1.0 for k, b in enumerate(better)}
    ranks = ranking(scores, n_draws=299, rng=rng).ranks
    for k, own in enumerate(better):
        low, high = ranks[f"m{k}"].interval or (0.0, 0.0)
        if low > 1 + (better > own).sum() or high < 5 - (better < own).sum():
            return False
    return True


def normalised_covers(rng: np.random.Generator, n: int, *, n_items: int) -> bool | None:
    trait = rng.beta(4, 1.5, n)
    again, own = rng.binomial(n_items, trait) / n_items, rng.binomial(n_items, 0.8 * trait) / n_items
    return covers(normalised_accuracy(own, again).ratio_of_means, 0.8)


def steering_covers(rng: np.random.Generator, n: int) -> bool | None:
    """Contexts that gain .05 all alike: choosing the best of three must not look better than that."""
    default = {g: rng.uniform(0.4, 0.8, n) for g in ("a", "b", "c")}
    steered = {g: (x + 0.05)[:, None] + rng.normal(0, 0.1, (n, 3)) for g, x in default.items()}
    return covers(steerability(default, steered).overall, 0.05)


def _row(method: str, data: str, draw: Callable[..., bool | None], **how: Any) -> Scenario:
    return Scenario(family=FAMILY, method=method, data=data, draw=draw, **{"tolerance": 0.025, **how})


SCENARIOS: tuple[Scenario, ...] = (
    *(
        _row("adjusted difference (Lin)", f"skewed outcome, {kind}", partial(adjusted_covers, kind=kind), held_from=50,
             is_conservative=True)
        for kind in ("a third treated", "three covariates, one of them groups", "clusters of 3")
    ),
    *(
        _row(f"{what}, {errors}", "clusters of 6", partial(logit_covers, about=about, errors=errors),
             held_from=held_from, is_conservative=True)
        for what, about, errors, held_from in (
            ("ordered logit, log odds", "log odds", "CR3", 20),
            ("logit, average effect between clusters", "average effect", "CR3", 20),
            ("*logit, average effect between clusters*", "average effect", "CR1", NEVER),
        )
    ),
    *(
        _row(what, f"{errors} errors, variance of true effects {tau2:g}",
             partial(pooled_covers, about=about, errors=errors, tau2=tau2), sizes=(5, 10, 20, 50), held_from=20,
             is_conservative=True)
        for what, about in (
            ("random effects, mean", "pooled"), ("random effects, variance", "tau2"),
            ("random effects, one more study", "prediction"),
        )
        for errors, tau2 in (("equal", 0.1), ("unequal", 0.1), ("unequal", 0.01))
        if not (about == "prediction" and tau2 == 0.01)
    ),
    _row("Cochran's Q (size)", "true effects alike", alike_rejected, sizes=(5, 10, 20, 50), expected=ALPHA),
    _row("multilevel effects, mean", "errors within studies correlated", multilevel_covers, held_from=20,
         sizes=(6, 10, 20, 50), is_conservative=True),
    _row("line with errors in both, slope", "errors of .1 to .4 SD", line_covers, held_from=20, is_conservative=True),
    *(
        _row("ranks, all at once", data, partial(ranks_cover, is_alike=is_alike), sizes=(20, 50, 200), held_from=50,
             is_conservative=True)
        for data, is_alike in (("five engines alike", True), ("two, two and one", False))
    ),
    *(
        _row("normalised accuracy", f"{n_items} items", partial(normalised_covers, n_items=n_items), held_from=20)
        for n_items in (6, 30)
    ),
    _row("steering, gain", "best of three contexts", steering_covers, held_from=10, is_conservative=True),
)  # fmt: skip

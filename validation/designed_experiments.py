"""Regressions, random stimuli, equivalence, specification curves and conjoints: coverage, and size of tests."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy import special

from proband.errors import DataError
from proband.measures import (
    clustered_mean,
    clustered_regression,
    conjoint_effects,
    correct_swaps,
    difference_in_means,
    equivalence,
    specification_curve,
    swap_error,
    two_way_variance,
)
from proband.measures.experiments.regression import Errors
from validation.experiments import ALPHA, NEVER, clusters_of
from validation.simulation import Scenario, covers

FAMILY = "Designed experiments"
SWAPPED = 0.15

READING = """
- n counts what is scarce: clusters for regressions, stimuli for random stimuli (each seen by 40 subjects), units in an
  arm for equivalence, units for specification curves, subjects with 5 tasks each for conjoints.
- CR2 with Satterthwaite's degrees of freedom holds from 10 clusters of one size on; where clusters differ much in size
  it loses up to two points, and where a tenth of them is treated it is cautious. CR1, as Stata and statsmodels print
  it, is shown for comparison.
- A joint test of several coefficients has clusters less one as its degrees of freedom, and rejects too often below 20
  clusters.
- With fewer than 10 stimuli the interval over subjects and stimuli is short, of which the report warns. Errors over
  subjects alone are shown for comparison: more stimuli do not mend them.
- Equivalence is claimed at the margin itself no more often than in 5 % of studies; in small ones hardly ever.
"""


def coefficient_covers(
    rng: np.random.Generator, n: int, *, kind: str, errors: Errors = "CR2", sizes: str = "5"
) -> bool | None:
    """A true coefficient of 1 on what clusters have, on what varies within them, or on the product of both."""
    noise, cluster = clusters_of(rng, n, sizes, 0.3)
    share = 0.1 if kind == "a tenth treated" else 0.5
    treated = (np.arange(n) < max(2, round(share * n)))[cluster].astype(float)
    within = rng.permutation(np.arange(len(noise)) % 2).astype(float)
    columns = {"(mean)": np.ones(len(noise)), "between": treated, "within": within, "product": treated * within}
    if kind != "product":
        del columns["product"]
    name = kind if kind in columns else "between"
    return covers(clustered_regression(noise + columns[name], columns, cluster=cluster, errors=errors)[name], 1.0)


def slope_covers(rng: np.random.Generator, n: int) -> bool | None:
    """A slope over three doses that are far from evenly spaced, one for each cluster of 5."""
    noise, cluster = clusters_of(rng, n, "5", 0.3)
    dose = np.array([1.0, 2.0, 10.0])[np.arange(n) % 3][cluster]
    fit = clustered_regression(noise + dose, {"1": np.ones(len(dose)), "dose": dose}, cluster=cluster)
    return covers(fit["dose"], 1.0)


def joint_rejected(rng: np.random.Generator, n: int) -> bool | None:
    """All interactions of three arms of clusters with what varies within them, where there are none."""
    noise, cluster = clusters_of(rng, n, "5", 0.3)
    within = rng.permutation(np.arange(len(noise)) % 2).astype(float)
    arms = {f"arm {k}": (np.arange(n) % 3 == k)[cluster].astype(float) for k in (1, 2)}
    crossed = {f"{name} x within": column * within for name, column in arms.items()}
    columns = {"(mean)": np.ones(len(noise)), "within": within, **arms, **crossed}
    try:
        p = clustered_regression(noise, columns, cluster=cluster).joint(list(crossed)).p_value
    except DataError:  # an arm whose few units all have one level: nothing can be told, and the measure says so
        return None
    return None if p is None else p <= ALPHA


def stimuli_cover(rng: np.random.Generator, n: int, *, is_two_way: bool) -> bool | None:
    """An effect of 1 on average over the stimuli there might have been; n of them, each read by 40 subjects."""
    who, stimulus = np.repeat(np.arange(40), n), np.tile(np.arange(n), 40)
    treated = ((who + stimulus) % 2).astype(float)
    own, trait = rng.normal(1, 0.7, n), rng.standard_normal(40)
    y = own[stimulus] * treated + trait[who] + rng.standard_normal(n)[stimulus] + rng.standard_normal(40 * n)
    columns = {"(mean)": np.ones(len(y)), "treated": treated}
    fit = clustered_regression(y, columns, cluster=who)
    if not is_two_way:
        return covers(fit["treated"], 1.0)
    # As the analysis of stimuli has it: degrees of freedom of the fewer of the two.
    reach = two_way_variance(y, columns, who, stimulus)[1, 1] ** 0.5 * special.stdtrit(min(n, 40) - 1, 0.975)
    return bool(abs(fit["treated"].value - 1) <= reach)


def called_small(rng: np.random.Generator, n: int, *, kind: str) -> bool | None:
    """Whether a difference that is just as large as the margin is called smaller."""
    if kind == "shares .4 and .5, margin .1":
        a, b, margin = 1.0 * (rng.random(n) < 0.5), 1.0 * (rng.random(n) < 0.4), 0.1
    elif kind == "lognormal, margin .5 SD":
        a, b, margin = rng.lognormal(0, 0.5, n) + 0.3019, rng.lognormal(0, 0.5, n), 0.3019
    else:
        a, b, margin = rng.normal(0.5, 1, n), rng.normal(0, 1, n), 0.5
    gap = difference_in_means(a, b)
    return None if not gap.se else equivalence(gap, margin).p_value <= ALPHA


def curve_rejects(rng: np.random.Generator, n: int, *, kind: str, about: str) -> bool | None:
    """A joint test of 12 ways to ask that share their units, where the treatment does nothing."""
    y = rng.standard_normal((n, 1)) + rng.standard_normal((n, 12)) ** 3 / 4
    blocks = None
    treated: list[bool] | None = [bool(k % 2) for k in range(n)]
    if kind == "within units":
        treated, y = None, y - y.mean(axis=1, keepdims=True) + rng.standard_normal((n, 1))
    elif kind == "between, blocks of 10":
        blocks = [k // 10 for k in range(n)]
        y += np.array(blocks)[:, None] % 3
    curve = specification_curve(y, treated, names=[str(k) for k in range(12)], blocks=blocks, n_draws=199, rng=rng)
    p = getattr(curve, about).p_value
    return None if p is None else p <= ALPHA


def conjoint_covers(rng: np.random.Generator, n: int, *, kind: str) -> bool | None:
    """Shape a adds .3 to the chance of being chosen on average over subjects, who differ; 5 tasks of two profiles."""
    shape, colour = rng.choice(["b", "a"], (n, 5, 2)), rng.choice(["red", "blue", "green"], (n, 5, 2))
    if kind == "restricted":
        # Blue ones of shape b are barred: what is left is drawn alike.
        kinds = np.array([("b", "red"), ("b", "green"), ("a", "red"), ("a", "blue"), ("a", "green")])
        shape, colour = np.moveaxis(kinds[rng.integers(5, size=(n, 5, 2))], -1, 0)
    own = rng.uniform(0, 0.6, (n, 1))
    lead = 0.5 + own * ((shape[..., 0] == "a").astype(float) - (shape[..., 1] == "a"))
    wants, again = (rng.random((n, 5)) < SWAPPED for _ in range(2))
    liked = rng.random((n, 5)) < lead
    first = liked ^ wants if kind == "swaps corrected" else liked
    chosen = np.stack([first, ~first], axis=-1).astype(float).ravel()
    attributes = {"shape": shape.ravel().tolist(), "colour": colour.ravel().tolist()}
    found = conjoint_effects(
        chosen, attributes, np.repeat(np.arange(n), 10).tolist(), baselines={"shape": "b", "colour": "red"},
        restricted=[("shape", "colour")] if kind == "restricted" else (),
    )  # fmt: skip
    if kind == "marginal mean":
        return covers(found.marginal_means["shape", "a"], 0.65)
    effect = found.amce["shape", "a"]
    if kind == "swaps corrected":
        # The first task once more: liked as before, and swapped or not anew.
        same = clustered_mean(1.0 * (wants[:, 0] == again[:, 0]), np.arange(n))
        return covers(correct_swaps(effect, swap_error(same)), 0.3) if same.value > 0.5 else None
    return covers(effect, 0.3)


def _row(method: str, data: str, draw: Callable[..., bool | None], **how: Any) -> Scenario:
    return Scenario(family=FAMILY, method=method, data=data, draw=draw, **how)


_CLUSTERS = (6, 10, 20, 50)

_REGRESSIONS = (
    *(
        _row(
            f"clustered regression, {errors}",
            f"{data}, clusters of {sizes}, ICC 0.3",
            partial(coefficient_covers, kind=kind, errors=errors, sizes=sizes),
            sizes=_CLUSTERS,
            held_from=held_from,
            tolerance=0.035 if sizes == "2-40" else 0.025,
            is_conservative=True,
        )
        for errors, kind, data, sizes, held_from in (
            ("CR2", "between", "factor between clusters", "5", 10),
            ("CR2", "within", "factor within clusters", "5", 10),
            ("CR2", "product", "interaction of the two", "5", 10),
            ("CR2", "between", "factor between clusters", "2-40", 20),
            ("CR2", "a tenth treated", "a tenth of clusters treated", "5", 20),
            ("CR1", "between", "factor between clusters", "2-40", NEVER),
            ("CR1", "a tenth treated", "a tenth of clusters treated", "5", NEVER),
        )
    ),
    _row("slope over doses", "doses 1, 2 and 10, clusters of 5, ICC 0.3", slope_covers, sizes=_CLUSTERS,
         tolerance=0.025, is_conservative=True),
    _row("joint test of interactions (size)", "3 arms of clusters of 5, ICC 0.3", joint_rejected, sizes=_CLUSTERS,
         expected=ALPHA, held_from=20, is_conservative=True),
)  # fmt: skip

_STIMULI = tuple(
    _row(method, "40 subjects read n stimuli, whose effects differ", partial(stimuli_cover, is_two_way=is_two_way),
         sizes=(5, 10, 20, 50), held_from=held_from, tolerance=0.025, is_conservative=True)
    for method, is_two_way, held_from in (
        ("effect over subjects and stimuli", True, 10),
        ("*effect over subjects alone (not used for this)*", False, NEVER),
    )
)  # fmt: skip

_EQUIVALENCE = tuple(
    _row("equivalence (size at the margin)", data, partial(called_small, kind=data), expected=ALPHA,
         held_from=50 if data.startswith("log") else 10, is_conservative=True)
    for data in ("normal, margin .5 SD", "lognormal, margin .5 SD", "shares .4 and .5, margin .1")
)  # fmt: skip

_CURVES = tuple(
    _row(f"specification curve, {what} (size)", f"12 ways to ask, {kind}",
         partial(curve_rejects, kind=kind, about=about), sizes=(20, 50, 200), expected=ALPHA,
         is_conservative=True)
    for what, about in (("median effect", "median"), ("share significant", "significant"))
    for kind in ("between", "between, blocks of 10", "within units")
)  # fmt: skip

_CONJOINTS = tuple(
    _row(method, data, partial(conjoint_covers, kind=kind), sizes=(10, 20, 50, 200), held_from=held_from,
         tolerance=0.025, is_conservative=kind == "swaps corrected")
    for method, data, kind, held_from in (
        ("conjoint, AMCE", "attributes free of each other", "free", 10),
        ("conjoint, AMCE", "two attributes restricted", "restricted", 10),
        ("conjoint, marginal mean", "attributes free of each other", "marginal mean", 10),
        ("conjoint, AMCE corrected for swaps", "15 % of choices swapped, one task repeated", "swaps corrected", 50),
    )
)  # fmt: skip

SCENARIOS: tuple[Scenario, ...] = (*_REGRESSIONS, *_STIMULI, *_EQUIVALENCE, *_CURVES, *_CONJOINTS)

"""Differences between the arms of an experiment: Neyman's, blocked, of clusters, and by permutation."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.experiments.clusters import ClusterMean, combine, uneven
from proband.measures.experiments.outcomes import (
    Codes,
    Floats,
    Labels,
    Linear,
    coded,
    numbers,
    rare_outcomes,
    with_t_test,
)
from proband.measures.experiments.permutations import Stratum, permutation_test
from proband.seeds import rng_for

ByArm = tuple[Labels, Labels]
_OTHER_WAY = "or use Inference(method='permutation')"


@dataclass(frozen=True, kw_only=True)
class Inference:
    """How the uncertainty of a difference is found.

    - `method`: Neyman's variance with a t interval, about the average effect; or randomisation inference, exact for
      an effect that is the same for every unit.
    - `level`: confidence level.
    - `n_draws`: random allocations where all of them are more than 100,000.
    - `rng`: their source; None takes the place "difference_in_means" of seed 0, so equal data give equal results.
    """

    method: Literal["neyman", "permutation"] = "neyman"
    level: float = 0.95
    n_draws: int = 9_999
    rng: np.random.Generator | None = None

    def __post_init__(self) -> None:
        if self.method not in get_args(Inference.__annotations__["method"]):
            raise DesignError(f"method {self.method!r} is neither 'neyman' nor 'permutation'")
        if not 0 < self.level < 1:
            raise DesignError(f"level {self.level} is not between 0 and 1")
        if self.n_draws < 99:
            raise DesignError(f"n_draws is {self.n_draws}; a p value of .01 needs at least 99, better 9,999")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Outcomes of one block's treated and control units, and the codes of their clusters."""

    name: object
    share: float
    y: tuple[Floats, Floats]
    clusters: tuple[Codes, Codes]


def difference_in_means(
    treated: ArrayLike,
    control: ArrayLike,
    *,
    blocks: ByArm | None = None,
    cluster: ByArm | None = None,
    inference: Inference | None = None,
    target: Target = "model",
) -> Estimate:
    """Average effect of a treatment assigned at random.

    ``mean(treated) - mean(control)``; with blocks the blocks' differences weighted by block size. The uncertainty
    follows the assignment:

    - units one by one: ``sqrt(s1^2/n1 + s0^2/n0)`` and Welch's degrees of freedom (Neyman). The variance is at
      least as large as the true one on average, whatever the effects of single units;
    - within blocks: the blocks' Neyman variances, N - 2B degrees of freedom;
    - whole clusters: CR2 variance of each arm's mean and Satterthwaite's degrees of freedom, as
      `proband.measures.clustered_mean` has them;
    - by permutation: every allocation the design could have made (or 9,999 random ones, ``(1 + b) / (1 + B)``),
      two-sided p value of no effect on anybody, and the interval of constant effects that are not rejected.

    A permutation test supposes that the treatment changes nobody's outcome (or everybody's by the same amount). In
    arms of unequal size and variance it answers that question and not the one about the average: use Neyman.

    Parameters
    ----------
    treated, control : array_like, shape (n_treated,) and (n_control,)
        Outcomes, one per unit. Several answers of one subject are not independent: make subjects the `cluster`.
    blocks : pair of sequences, optional
        Block of every treated and of every control unit, in the same order as the outcomes.
    cluster : pair of sequences, optional
        Cluster of every unit, where clusters were assigned as a whole.
    inference : Inference, optional
        Method, confidence level, number and source of permutations.
    target : {"model", "human", "data"}
        Whom the effect describes.

    Returns
    -------
    Estimate
        In the unit of the outcome; `p_value` tests no difference. Warnings say where the t interval is too short:
        fewer than 5 of either outcome in an arm of a binary outcome, outcomes skewed for so few units, very
        unequal clusters. Outcomes without variance have no interval.

    Raises
    ------
    DesignError
        If an arm (of a block) has fewer than 2 independent units; 1 is enough for a permutation test.
    MissingDataError
        If an outcome or a label is missing; missingness that differs between arms biases the difference.
    DataError
        If outcomes are not finite numbers, labels and outcomes differ in number, or a cluster is in two places.

    References
    ----------
    Splawa-Neyman (1923/1990), Statist. Sci. 5, 465-472. doi:10.1214/ss/1177012031
    Welch (1947), Biometrika 34, 28-35. doi:10.1093/biomet/34.1-2.28
    Fisher (1935), The Design of Experiments. Oliver & Boyd.
    Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9, 39. doi:10.2202/1544-6115.1585

    Examples
    --------
    >>> print(difference_in_means([5, 7, 6, 8], [3, 4, 4, 5]))
    2.500 [0.545, 4.455]
    >>> found = difference_in_means([5, 7, 6, 8], [3, 4, 4, 5], inference=Inference(method="permutation"))
    >>> print(found, round(found.p_value, 7), found.interval_method)
    2.500 [0.000, 5.000] 0.0571429 all 70 allocations, constant effect
    """
    how = inference or Inference()
    y1, y0 = numbers(treated, "outcomes of the treated arm"), numbers(control, "outcomes of the control arm")
    arms, n_clusters = _clusters_of(cluster, len(y1), len(y0))
    parts = _blocks_of(blocks, (y1, y0), arms)
    about = Estimate(
        value=0.0,
        estimand="average effect of treatment on the assigned units",
        target=target,
        n_units=len(y1) + len(y0),
        n_clusters=n_clusters,
        level=how.level,
        assumptions=(
            f"{'units' if cluster is None else 'clusters'} were assigned at random"
            f"{'' if blocks is None else ' within blocks'} and do not affect each other",
        ),
    )
    if how.method == "permutation":
        strata = [_stratum(block) for block in parts]
        rng = how.rng or rng_for(0, "difference_in_means")
        return permutation_test(about, strata, n_draws=how.n_draws, rng=rng)
    _check_arms(parts, "units" if cluster is None else "clusters", is_blocked=blocks is not None)
    rare = rare_outcomes(treated=y1, control=y0)
    if cluster is not None:
        means = [(sign * block.share, _mean(block, arm)) for block in parts for arm, sign in enumerate((1, -1))]
        found = combine(means)
        doubts = (*rare, *uneven([mean for _, mean in means], found.df))
        return with_t_test(replace(about, warnings=doubts), found, f"t, CR2 variance{_within(parts, blocks)}")
    found = _welch(parts[0]) if blocks is None else _blocked(parts)
    method = "t, Neyman variance, Welch" if blocks is None else f"t, Neyman variance{_within(parts, blocks)}"
    return with_t_test(replace(about, warnings=rare), found, method)


def _within(parts: list[_Block], blocks: ByArm | None) -> str:
    return "" if blocks is None else f" within {len(parts)} blocks"


def _mean(block: _Block, arm: int) -> ClusterMean:
    return ClusterMean.of(block.y[arm], block.clusters[arm])


def _moments(y: Floats) -> tuple[float, float]:
    """Variance and third central moment of the mean of independent units."""
    return float(y.var(ddof=1)) / len(y), float(((y - y.mean()) ** 3).mean()) / len(y) ** 2


def _welch(block: _Block) -> Linear:
    (v1, third1), (v0, third0) = (_moments(y) for y in block.y)
    n1, n0 = (len(y) for y in block.y)
    df = (v1 + v0) ** 2 / (v1**2 / (n1 - 1) + v0**2 / (n0 - 1)) if v1 + v0 else n1 + n0 - 2.0
    value = float(block.y[0].mean() - block.y[1].mean())
    scale = max(float(np.abs(y).max()) for y in block.y)
    return Linear(value=value, variance=v1 + v0, df=df, third=third1 - third0, scale=scale)


def _blocked(parts: list[_Block]) -> Linear:
    each = [(block.share, _welch(block)) for block in parts]
    return Linear(
        value=sum(w * found.value for w, found in each),
        variance=sum(w**2 * found.variance for w, found in each),
        df=float(sum(len(y) for block in parts for y in block.y) - 2 * len(parts)),
        third=sum(w**3 * found.third for w, found in each),
        scale=max(found.scale for _, found in each),
    )


def _check_arms(parts: list[_Block], unit: str, *, is_blocked: bool) -> None:
    for block in parts:
        n1, n0 = (len(np.unique(codes)) for codes in block.clusters)
        if min(n1, n0) >= 2:
            continue
        if is_blocked:
            raise DesignError(
                f"block {block.name!r} has {n1} treated and {n0} control {unit}; "
                f"a variance needs 2 of each: merge blocks, {_OTHER_WAY}"
            )
        arm, n = ("treated", n1) if n1 < 2 else ("control", n0)
        raise DesignError(f"{n} {arm} {unit}; a variance needs at least 2 in each arm: assign more, {_OTHER_WAY}")


def _clusters_of(cluster: ByArm | None, n1: int, n0: int) -> tuple[tuple[Codes, Codes], int | None]:
    """Cluster codes of both arms, every unit its own cluster where there are none, and their number."""
    if cluster is None:
        return (np.arange(n1), n1 + np.arange(n0)), None
    codes, names = _both(cluster, n1, n0, "cluster")
    shared = np.intersect1d(codes[0], codes[1])
    if shared.size:
        raise DataError(
            f"cluster {names[shared[0]]!r} is in both arms; clusters are assigned as a whole, "
            "so make it a block instead"
        )
    return codes, len(names)


def _blocks_of(blocks: ByArm | None, y: tuple[Floats, Floats], clusters: tuple[Codes, Codes]) -> list[_Block]:
    n = len(y[0]) + len(y[1])
    if blocks is None:
        return [_Block(name=None, share=1.0, y=y, clusters=clusters)]
    codes, names = _both(blocks, len(y[0]), len(y[1]), "block")
    parts = []
    home: dict[int, int] = {}
    for i, name in enumerate(names):
        masks = [arm == i for arm in codes]
        inside = [arm[mask] for arm, mask in zip(clusters, masks, strict=True)]
        for code in np.unique(np.concatenate(inside)):
            if home.setdefault(int(code), i) != i:
                raise DataError(f"a cluster is in blocks {names[home[int(code)]]!r} and {name!r}; put it in one")
        share, own = sum(int(mask.sum()) for mask in masks) / n, (y[0][masks[0]], y[1][masks[1]])
        parts.append(_Block(name=name, share=share, y=own, clusters=(inside[0], inside[1])))
    return parts


def _both(labels: ByArm, n1: int, n0: int, what: str) -> tuple[tuple[Codes, Codes], list[object]]:
    if len(labels[0]) != n1 or len(labels[1]) != n0:
        raise DataError(
            f"{what}s for {len(labels[0])} treated and {len(labels[1])} control units, "
            f"outcomes for {n1} and {n0}; give every unit its {what}"
        )
    codes, names = coded([*labels[0], *labels[1]], what)
    return (codes[:n1], codes[n1:]), list(names)


def _stratum(block: _Block) -> Stratum:
    """A block's clusters as what can be assigned anew."""
    for arm, codes in zip(("treated", "control"), block.clusters, strict=True):
        if not len(codes):
            where = "" if block.name is None else f"block {block.name!r} has "
            raise DesignError(f"{where}no {arm} units; there is nothing to compare: drop the block or merge it")
    sides = []
    for y, codes in zip(block.y, block.clusters, strict=True):
        dense = np.unique(codes, return_inverse=True)[1]
        sides.append((np.bincount(dense, y).astype(np.float64), np.bincount(dense).astype(np.float64)))
    return Stratum(share=block.share, treated=sides[0], control=sides[1])

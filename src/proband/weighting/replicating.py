"""Replicate weights, each calibrated as the whole sample was: a variance that knows what margins bought."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from proband.errors import DataError
from proband.weighting.calibrating import read_goal, refuse_contradictions, solved
from proband.weighting.raking import Code, Floats

Replication = Literal["jackknife", "bootstrap"]
_FEWEST_BOOTSTRAPS = 20
MOST_JACKKNIFES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicateWeights:
    """Weights of the whole sample and of its replicates.

    - `full` (n_rows,), `replicates` (n_replicates, n_rows): weights.
    - `scales` (n_replicates,): factor of each replicate's squared deviation in the variance.
    - `df`: sampling units less strata, or groups less 1.
    - `kind`: "jackknife" or "bootstrap".
    """

    full: Floats
    replicates: Floats
    scales: Floats
    df: int
    kind: Replication

    def variance(self, statistic: Callable[[Floats], float]) -> float:
        """Variance of a statistic of weights, ``sum_r c_r (t_r - t)^2``."""
        whole = statistic(self.full)
        moved = np.array([statistic(w) for w in self.replicates]) - whole
        return float(self.scales @ moved**2)


def replicate_weights(
    columns: Mapping[str, Sequence[Code]],
    margins: Mapping[str, Mapping[Code, float]],
    *,
    strata: Sequence[Hashable] | None = None,
    psu: Sequence[Hashable] | None = None,
    kind: Replication = "jackknife",
    n_replicates: int = 500,
    rng: np.random.Generator | None = None,
    **settings: Any,
) -> ReplicateWeights:
    """Calibrated weights of the sample and of its replicates, for variances that count the calibration in.

    Jackknife: each sampling unit left out once, the others of its stratum made up for it (JKn); of more than 200 units,
    200 random groups across strata (delete-a-group). Bootstrap: units drawn
    anew within strata, one fewer than there are (Rao and Wu). Every replicate starts from its own design weights and is
    calibrated to the same margins, so that what the margins explain is no longer counted as error.

    When not to use it: jackknife for medians and other jumps; take the bootstrap.

    Parameters
    ----------
    columns, margins
        As in `calibrate`, whose `settings` (totals, size, weights, method, bounds, largest) go with them.
    strata, psu : sequence, length n_rows, optional
        Stratum and primary sampling unit of each row; default one stratum, each row its own unit. Units are counted
        within strata.
    kind : {"jackknife", "bootstrap"}
    n_replicates : int
        Of the bootstrap.
    rng : numpy Generator, optional
        Of the bootstrap and of groups; default one with seed 1.

    Returns
    -------
    ReplicateWeights

    Raises
    ------
    DataError
        As `calibrate`; or if a stratum has one unit, or a level is held by one unit only, without which no replicate
        can meet its margin: merge it.

    References
    ----------
    Kott (2001), Journal of Official Statistics 17, 521-526.
    Rao, Wu & Yue (1992), Survey Methodology 18, 209-217.
    Deville & Sarndal (1992), J. Am. Stat. Assoc. 87, 376-382. doi:10.1080/01621459.1992.10475217

    Examples
    --------
    >>> group = ["old"] * 6 + ["young"] * 4
    >>> found = replicate_weights({"age": group}, {"age": {"old": 0.5, "young": 0.5}})
    >>> y = np.arange(10.0)
    >>> round(found.variance(lambda w: float(w @ y / w.sum())) ** 0.5, 4)
    0.5315
    """
    plain = {"totals": None, "size": None, "weights": None, "method": "raking", "bounds": None, "largest": None}
    if unknown := sorted(set(settings) - {*plain, "tolerance"}):
        raise DataError(f"replicate_weights: no setting {unknown[0]!r}; there are {', '.join(plain)}")
    given = {**plain, "tolerance": 1e-8, **settings}
    goal, start = read_goal(columns, margins, given.pop("totals") or {}, **given)
    unit, stratum, n_of = _units(start.size, strata, psu)
    held = _summed(start, goal.of_row, len(goal.x))
    refuse_contradictions(goal, held)
    factors, _, lam = solved(goal, held)
    made = []
    rng = np.random.default_rng(1) if rng is None else rng
    many = len(stratum) > MOST_JACKKNIFES
    if kind == "bootstrap":
        counts, scales = _redrawn(stratum, n_of, n_replicates, rng)
    else:
        counts, scales = _groups_left_out(stratum, n_of, rng) if many else _left_out(stratum, n_of)
    lost = 0
    for count in counts:
        moved = start * count[unit]
        moved = moved * goal.size / moved.sum()
        part = _summed(moved, goal.of_row, len(goal.x))
        try:
            found = solved(goal, part, lam)[0]
        except DataError as error:
            lost += 1
            if kind == "jackknife" or lost > 0.05 * len(counts):
                raise DataError(
                    f"replicate_weights: without some units the margins cannot be met, since a level is held by few of "
                    f"them: merge small levels ({error})"
                ) from None
            continue
        made.append(moved * found[goal.of_row])
    scales = scales if kind == "jackknife" else np.full(len(made), 1 / len(made))
    df = MOST_JACKKNIFES - 1 if many and kind == "jackknife" else len(stratum) - len(n_of)
    return ReplicateWeights(
        full=start * factors[goal.of_row], replicates=np.array(made), scales=scales, df=df, kind=kind
    )


def _summed(values: Floats, of_row: NDArray[np.int64], n: int) -> Floats:
    return np.bincount(of_row, weights=values, minlength=n).astype(np.float64)


def _units(
    n: int, strata: Sequence[Hashable] | None, psu: Sequence[Hashable] | None
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Unit of each row, stratum of each unit, and units of each stratum."""
    for given, what in ((strata, "strata"), (psu, "psu")):
        if given is not None and len(given) != n:
            raise DataError(f"replicate_weights: {len(given)} {what} for {n} rows; give one each")
    strata = strata if strata is not None else [None] * n
    psu = psu if psu is not None else range(n)
    number: dict[tuple[Hashable, Hashable], int] = {}
    unit = np.array([number.setdefault(pair, len(number)) for pair in zip(strata, psu, strict=True)], dtype=np.intp)
    names: dict[Hashable, int] = {}
    stratum = np.array([names.setdefault(pair[0], len(names)) for pair in number], dtype=np.intp)
    n_of = np.bincount(stratum)
    if (n_of < 2).any():
        alone = list(names)[int((n_of < 2).argmax())]
        where = "the sample" if alone is None else f"stratum {alone!r}"
        raise DataError(f"replicate_weights: {where} has one sampling unit; a variance needs 2: merge strata")
    return unit, stratum, n_of


def _left_out(stratum: NDArray[np.intp], n_of: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """How often each unit counts when one is left out, shape (n_units, n_units), and the scale of each replicate."""
    size = n_of[stratum]
    together = stratum[:, None] == stratum[None, :]
    counts = np.where(together, (size / (size - 1))[:, None], 1.0)
    np.fill_diagonal(counts, 0.0)
    return counts, (size - 1) / size


def _groups_left_out(
    stratum: NDArray[np.intp], n_of: NDArray[np.intp], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """As `_left_out`, with groups of units: dealt out stratum by stratum, so that each loses as few as can be."""
    order = np.lexsort((rng.random(len(stratum)), stratum))
    group = np.empty(len(stratum), dtype=np.intp)
    group[order] = np.arange(len(stratum)) % MOST_JACKKNIFES
    # A stratum that most groups miss is moved less, not emptied of a unit (Kott's extended weights).
    move = np.sqrt(MOST_JACKKNIFES / ((MOST_JACKKNIFES - 1) * n_of * (n_of - 1)))
    counts = np.empty((MOST_JACKKNIFES, len(stratum)))
    for g in range(MOST_JACKKNIFES):
        lost = np.bincount(stratum[group == g], minlength=len(n_of))
        is_small = n_of <= MOST_JACKKNIFES
        out = np.where(is_small, 1 - (n_of - 1) * move, 0.0)
        others = np.where(is_small, 1 + move * (lost > 0), n_of / np.maximum(n_of - lost, 1))
        counts[g] = np.where(group == g, out[stratum], others[stratum])
    return counts, np.full(MOST_JACKKNIFES, 1 - 1 / MOST_JACKKNIFES)


def _redrawn(
    stratum: NDArray[np.intp], n_of: NDArray[np.intp], n_replicates: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    if n_replicates < _FEWEST_BOOTSTRAPS:
        raise DataError(f"replicate_weights: {n_replicates} bootstrap replicates; give {_FEWEST_BOOTSTRAPS} at least")
    counts = np.zeros((n_replicates, len(stratum)))
    for h, n in enumerate(n_of):
        drawn = rng.multinomial(n - 1, np.full(n, 1 / n), size=n_replicates)
        counts[:, stratum == h] = drawn * n / (n - 1)
    return counts, np.full(n_replicates, 1 / n_replicates)

"""What the grid makes of a number that is claimed: flips of its sign and of its verdict, and how far it spreads."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from proband.errors import DataError
from proband.estimates import Estimate
from proband.seeds import rng_for, uniform_for

Floats = NDArray[np.float64]

_GROUPS = 20  # of units, each left out once
_DRAWS = 2_000


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One number over the cells of a grid.

    Attributes
    ----------
    mean : Estimate
        Over cells.
    low, high : float
        Least and greatest of the cells, their repeats averaged.
    sign, verdict : Estimate or None
        Share of cells and repeats on another side of the reference than the locked result; and that are, with another
        conclusion than it, above, below or not to be told from the reference. None where there is no reference.
    repeats_sign, repeats_verdict : float or None
        The same shares among repeats of the locked cell: noise.
    agrees : float or None
        Share of cells all of whose repeats have the locked conclusion.
    between : float
        Standard deviation between cells, that of repeats taken off.
    within : float
        Standard deviation between repeats of a cell.
    sampling : float
        Standard error of the locked result.
    p_value : float or None
        Of an F test that cells differ no more than repeats; None without repeats, or where repeats do not differ.
    """

    mean: Estimate
    low: float
    high: float
    sign: Estimate | None
    verdict: Estimate | None
    repeats_sign: float | None
    repeats_verdict: float | None
    agrees: float | None
    between: float
    within: float
    sampling: float
    p_value: float | None


def groups_of(units: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Group of every document, units whole, as even as units allow."""
    order = sorted(set(units), key=lambda unit: (uniform_for(seed, "fragility", "group", unit), unit))
    place = {unit: k % _GROUPS for k, unit in enumerate(order)}
    return np.array([place[unit] for unit in units])


def spread(
    cells: Sequence[Sequence[Estimate]],
    locked: Estimate,
    left_out: Floats,
    *,
    reference: float | None,
    level: float = 0.95,
) -> Spread:
    """What a grid makes of a number.

    Parameters
    ----------
    cells : sequence of sequence of Estimate, shape (n_cells, n_repeats)
        The number in every cell and repeat, the locked cell first; NaN where it could not be computed.
    locked : Estimate
        The locked result on the same documents.
    left_out : array_like, shape (n_groups, n_cells * n_repeats + 1)
        The same numbers, the locked result last, with each group of units left out.
    reference : float or None
        What its side and conclusion refer to: 0, or a threshold.
    level : float
        Of intervals.

    Notes
    -----
    Numbers of all cells come from the same documents, so their errors go together: the covariance is that of a
    jackknife that leaves out groups of units, and intervals of shares of flips are those of 2,000 draws with it.

    References
    ----------
    Kott (2001), Journal of Official Statistics 17, 521-526 (the delete-a-group jackknife).

    Raises
    ------
    DataError
        If shapes do not fit.
    """
    n_cells, n_repeats = len(cells), len(cells[0])
    values = np.array([[of.value for of in row] for row in cells])
    n_groups = len(left_out)
    if left_out.shape != (n_groups, n_cells * n_repeats + 1):
        raise DataError(f"numbers without a group have shape {left_out.shape}, for {n_cells} cells of {n_repeats}")
    all_values = np.append(values.ravel(), locked.value)
    off = np.nan_to_num(left_out - all_values)
    off -= off.mean(axis=0)
    scale = math.sqrt((n_groups - 1) / n_groups) if n_groups > 1 else float("nan")
    ok = np.isfinite(values).all(axis=1)
    means = values[ok].mean(axis=1) if ok.any() else np.array([float("nan")])
    own = np.repeat(ok, n_repeats)
    mean_off = off[:, :-1][:, own].mean(axis=1) if ok.any() else np.zeros(n_groups)
    se = scale * math.sqrt(float((mean_off**2).sum()))
    t = float(special.stdtrit(n_groups - 1, (1 + level) / 2)) if n_groups > 1 else float("nan")
    middle = float(means.mean())
    between = float(means.var(ddof=1)) if len(means) > 1 else 0.0
    within = float(values[ok].var(axis=1, ddof=1).mean()) if n_repeats > 1 and ok.any() else 0.0
    n_ok = int(ok.sum())
    p_value = None
    if n_repeats > 1 and within > 0 and n_ok > 1:
        p_value = float(special.fdtrc(n_ok - 1, n_ok * (n_repeats - 1), n_repeats * between / within))
    told: dict[str, Estimate | float | None] = dict.fromkeys(
        ("sign", "verdict", "repeats_sign", "repeats_verdict", "agrees")
    )
    if reference is not None and ok.any() and math.isfinite(locked.value):
        told = _flips(cells, locked, off * scale, reference, ok, level)  # type: ignore[assignment]
    return Spread(
        mean=Estimate(
            value=middle, se=se, interval=(middle - t * se, middle + t * se) if math.isfinite(t * se) else None,
            level=level, interval_method="jackknife over groups of units", estimand="mean over the grid",
            target="model", n_units=locked.n_units,
        ),
        low=float(means.min()),
        high=float(means.max()),
        between=math.sqrt(max(0.0, between - within / n_repeats)),
        within=math.sqrt(within),
        sampling=float("nan") if locked.se is None else locked.se,
        p_value=p_value,
        **told,  # type: ignore[arg-type]
    )  # fmt: skip


def _flips(
    cells: Sequence[Sequence[Estimate]], locked: Estimate, roots: Floats, reference: float, ok: NDArray[np.bool_],
    level: float,
) -> Mapping[str, object]:  # fmt: skip
    n_repeats = len(cells[0])
    kept = [of for row, is_ok in zip(cells, ok, strict=True) if is_ok for of in row]
    z = float(special.ndtri((1 + level) / 2))
    theta = np.array([of.value for of in kept] + [locked.value]) - reference
    # Half the width: a conclusion is drawn where it is smaller than the distance.
    reach = np.array([_reach(of, z) for of in [*kept, locked]])
    own = np.append(np.repeat(ok, n_repeats), True)
    rng = rng_for(0, "fragility", "flips")
    drawn = theta + rng.standard_normal((_DRAWS, len(roots))) @ roots[:, own]
    found: dict[str, object] = {}
    for name, verdict in (("sign", _sign), ("verdict", lambda x: _verdict(x, reach))):
        seen = verdict(theta)
        flipped = seen[:-1] != seen[-1]
        flips = verdict(drawn)
        shares = (flips[:, :-1] != flips[:, -1:]).mean(axis=1)
        low, high = np.quantile(shares, ((1 - level) / 2, (1 + level) / 2))
        share = float(flipped.mean())
        found[name] = Estimate(
            value=share, interval=(min(float(low), share), max(float(high), share)), level=level,
            interval_method="draws from the jackknife's covariance", estimand=f"share of the grid whose {name} flips",
            target="model", n_units=locked.n_units,
        )  # fmt: skip
        found[f"repeats_{name}"] = float(flipped[:n_repeats].mean()) if ok[0] and n_repeats > 1 else None
        if name == "verdict":
            found["agrees"] = float((~flipped.reshape(-1, n_repeats)).all(axis=1).mean())
    return found


def _reach(of: Estimate, z: float) -> float:
    if of.interval is None:
        return float("inf")
    low, high = of.interval
    return (high - low) / 2 if math.isfinite(high - low) else float("inf")


def _sign(values: Floats) -> Floats:
    return np.sign(values)


def _verdict(values: Floats, reach: Floats) -> Floats:
    return np.where(np.abs(values) > reach, np.sign(values), 0.0)


def left_out_numbers(groups: NDArray[np.int64], compute: Callable[[NDArray[np.bool_]], Floats]) -> Floats:
    """Numbers with every group of units left out, a row a group."""
    return np.stack([compute(groups != k) for k in sorted(set(groups.tolist()))])

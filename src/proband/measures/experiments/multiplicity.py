"""Many tests at once: adjusted p values of a declared family of hypotheses."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.arrays import Floats

Adjustment = Literal["bonferroni", "holm", "bh", "by"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedP:
    """P values of a family, raw and adjusted.

    - `raw`, `adjusted` (mapping of hypothesis to float): in the order they were given; a sequence's hypotheses are
      numbered from 0.
    - `method`: how they were adjusted.
    - `controls`: the chance of any false rejection, or the expected share of false ones among rejections.
    """

    raw: Mapping[Hashable, float]
    adjusted: Mapping[Hashable, float]
    method: str
    controls: str

    def rejected(self, alpha: float = 0.05) -> tuple[Hashable, ...]:
        """Hypotheses whose adjusted p value is at most `alpha`."""
        return tuple(name for name, p in self.adjusted.items() if p <= alpha)


def adjust_p(p: Mapping[Hashable, float] | Sequence[float], method: Adjustment) -> AdjustedP:
    """Adjust the p values of a family of tests for being many.

    With m sorted p values: Bonferroni ``m p_i``; Holm ``max_{j<=i} (m - j + 1) p_j``, never less powerful and under
    any dependence; Benjamini-Hochberg ``min_{j>=i} m p_j / j``, for independent or positively dependent tests;
    Benjamini-Yekutieli the same times ``1 + 1/2 + ... + 1/m``, under any dependence. Holm for a few hypotheses that
    were written down beforehand, where one false rejection would mislead; BH for screening many. The family is what
    was planned, not what turned out interesting.

    Parameters
    ----------
    p : mapping of hypothesis to float, or sequence of float
        Raw p values, one per hypothesis of the family.
    method : {"bonferroni", "holm", "bh", "by"}
        Adjustment.

    Returns
    -------
    AdjustedP
        Each at least the raw value and at most 1.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If `method` is unknown; if there are none, or one is not between 0 and 1; if one is missing.

    References
    ----------
    Holm (1979), Scand. J. Stat. 6, 65-70.
    Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300. doi:10.1111/j.2517-6161.1995.tb02031.x
    Benjamini & Yekutieli (2001), Ann. Stat. 29, 1165-1188. doi:10.1214/aos/1013699998

    Examples
    --------
    >>> found = adjust_p({"trust": 0.01, "vote": 0.04, "age": 0.03}, "holm")
    >>> found.adjusted
    {'trust': 0.03, 'vote': 0.06, 'age': 0.06}
    >>> found.rejected()
    ('trust',)
    """
    if method not in get_args(Adjustment):
        raise DesignError(f"method {method!r} is none of {', '.join(get_args(Adjustment))}")
    names: list[Hashable] = list(p) if isinstance(p, Mapping) else list(range(len(p)))
    values = _p_values(list(p.values()) if isinstance(p, Mapping) else list(p), names)
    order = values.argsort(kind="stable")
    m = len(values)
    rank = np.arange(1, m + 1)
    if method == "bonferroni":
        found = m * values[order]
    elif method == "holm":
        found = np.maximum.accumulate((m - rank + 1) * values[order])
    else:
        dependence = float((1 / rank).sum()) if method == "by" else 1.0
        found = np.minimum.accumulate((dependence * m * values[order] / rank)[::-1])[::-1]
    adjusted = np.empty(m)
    # Dividing and multiplying by m must not take a p value below itself by a rounding.
    adjusted[order] = np.clip(found, values[order], 1.0)
    is_familywise = method in ("bonferroni", "holm")
    return AdjustedP(
        raw=dict(zip(names, values.tolist(), strict=True)),
        adjusted=dict(zip(names, adjusted.tolist(), strict=True)),
        method=method,
        controls="family-wise error rate" if is_familywise else "false discovery rate",
    )


def romano_wolf(statistics: Mapping[Hashable, float], under_null: ArrayLike) -> AdjustedP:
    """Adjust a family of tests by what their largest statistic does when nothing is there.

    Step-down: the hypotheses are taken in the order of ``|statistic|``; each is compared with the largest of its own
    and all later ones in every draw, ``(1 + b) / (1 + B)``, never below the one before. It controls the family-wise
    error rate as Holm does and rejects more where tests are correlated, because the draws keep their correlation.

    Parameters
    ----------
    statistics : mapping of hypothesis to float
        Studentised statistics as observed.
    under_null : array_like, shape (n_draws, n_hypotheses)
        The same statistics with every null true, columns in the order of `statistics`: from permuted treatments, or
        from bootstrap samples centred at the observed estimates and divided by each sample's own standard error.

    Returns
    -------
    AdjustedP
        `raw` compares each statistic with its own draws.

    Raises
    ------
    DataError
        If there are no hypotheses or draws, shapes do not match, or a value is not finite.

    References
    ----------
    Romano & Wolf (2005), Econometrica 73, 1237-1282. doi:10.1111/j.1468-0262.2005.00615.x

    Examples
    --------
    >>> draws = np.random.default_rng(1).standard_normal((999, 2))
    >>> romano_wolf({"trust": 3.5, "vote": 1.0}, draws).rejected()
    ('trust',)
    """
    names = list(statistics)
    observed = np.abs(np.array(list(statistics.values()), dtype=np.float64))
    draws = np.abs(np.asarray(under_null, dtype=np.float64))
    if not names or draws.ndim != 2 or draws.shape[1] != len(names) or not len(draws):
        raise DataError(f"draws have shape {draws.shape}; expected (n_draws, {len(names)}), at least one of each")
    if not (np.isfinite(observed).all() and np.isfinite(draws).all()):
        raise DataError("a statistic is not finite; leave hypotheses without variance out of the family")
    order = (-observed).argsort(kind="stable")
    largest_left = np.maximum.accumulate(draws[:, order[::-1]], axis=1)[:, ::-1]
    stepped = np.maximum.accumulate((1 + (largest_left >= observed[order]).sum(axis=0)) / (1 + len(draws)))
    adjusted = np.empty(len(names))
    adjusted[order] = stepped
    raw = (1 + (draws >= observed).sum(axis=0)) / (1 + len(draws))
    return AdjustedP(
        raw=dict(zip(names, raw.tolist(), strict=True)),
        adjusted=dict(zip(names, adjusted.tolist(), strict=True)),
        method=f"Romano-Wolf step-down, {len(draws):,} draws",
        controls="family-wise error rate",
    )


def _p_values(values: list[float], names: list[Hashable]) -> Floats:
    found = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if not found.size:
        raise DataError("no p values: an empty family has nothing to adjust")
    if np.isnan(found).any():
        name = names[int(np.isnan(found).argmax())]
        raise MissingDataError(
            f"the p value of {name!r} is missing; a test that could not be made is not part of the family, say so "
            "and leave it out"
        )
    if ((found < 0) | (found > 1)).any():
        bad = int(((found < 0) | (found > 1)).argmax())
        raise DataError(f"the p value of {names[bad]!r} is {found[bad]}; it must lie from 0 to 1")
    return found

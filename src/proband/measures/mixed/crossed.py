"""Mixed models of crossed factors, as a user has them: components of variance, and the design that would be enough."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from proband.errors import DataError, DesignError, meant
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.columns import table_of
from proband.measures.mixed.effects import Effects, read
from proband.measures.mixed.equations import Equations
from proband.measures.mixed.laplace import Logistic
from proband.measures.mixed.likelihood import Likelihood, Linear, maximum, quantile
from proband.measures.mixed.limits import Profile
from proband.measures.reliability.components import Decision

Family = Literal["linear", "logistic"]
LOGISTIC_REST = math.pi**2 / 3  # variance of the standard logistic distribution

_MOST_LEVELS = 1_000  # that `needed` looks at
_PROFILED_ROWS, _PROFILED_EFFECTS = 1_000, 3  # of 0 and 1: each point of a profile takes many fits
_FEW_LEVELS = 5
_FEW_BINARY = 5.0


@dataclass(frozen=True, kw_only=True)
class MixedComponent:
    """One source of variance.

    - `effect`: e.g. "subject", "subject x item", "rest".
    - `variance`: in squared score units, or of log odds; its lower limit is 0 where the data would do without it.
    - `share`: of the sum of components.
    - `n_levels`: levels seen; of the rest, answers.
    """

    effect: str
    variance: Estimate
    share: float
    n_levels: int


@dataclass(frozen=True, kw_only=True)
class MixedModel:
    """What `mixed_model` found.

    - `objects`: what is measured.
    - `components` (mapping of effect to MixedComponent): every effect, then "rest": what nothing else explains, the
      effects that could not be told from it too.
    - `fixed` (mapping of name to Estimate): mean, and a coefficient for every further column or level.
    - `sizes`: levels of each facet that an object met, by the median.
    - `deviance`: -2 log restricted likelihood.
    - `is_reached`: whether the maximum was found; if not, no number stands.
    - `skipped`: interactions that the data cannot tell from others, and why.
    """

    objects: str
    family: Family
    components: Mapping[str, MixedComponent]
    fixed: Mapping[str, Estimate]
    sizes: Mapping[str, float]
    deviance: float
    is_reached: bool
    skipped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    _effects: Effects = field(repr=False, compare=False)
    _profile: Profile = field(repr=False, compare=False)
    target: Target = "model"
    level: float = 0.95

    def decision(self, sizes: Mapping[str, float] | None = None) -> Decision:
        """What the same objects would get from a design with these numbers of levels.

        Parameters
        ----------
        sizes : mapping of facet to number, optional
            E.g. ``{"wording": 8}``; a facet not named keeps the number that objects met.

        Returns
        -------
        Decision
            As that of `generalizability`: `relative` for the order of objects, `absolute` for the score itself. A
            design has one answer a cell; several answers to the same are a facet of their own ("replicate"). Intervals
            are profiles of the likelihood along the coefficient. For 0 and 1 all is on the scale of log odds.

        Raises
        ------
        DesignError
            If a name is no facet, or a number is below 1.
        """
        chosen = self._chosen(sizes)
        relative, absolute = self._weights(chosen)
        values = self._variances()
        layout = ", ".join(f"{n:g} {facet}" for facet, n in chosen.items())
        return Decision(
            sizes=chosen,  # type: ignore[arg-type]
            relative=self._coefficient(relative, f"reliability of the order of {self.objects} with {layout}"),
            absolute=self._coefficient(absolute, f"reliability of the score of {self.objects} with {layout}"),
            relative_error=math.sqrt(float(values @ relative)),
            absolute_error=math.sqrt(float(values @ absolute)),
        )

    def needed(
        self, facet: str, reliability: float = 0.8, *, sizes: Mapping[str, float] | None = None, absolute: bool = True
    ) -> int | None:
        """Fewest levels of a facet that reach this reliability, the other facets as they are or as `sizes` says.

        `absolute`: of the score itself; False, of the order of objects. None where up to 1,000 levels do not:
        what differs over other facets stands in the way.
        """
        if not 0 < reliability < 1:
            raise DesignError(f"reliability {reliability} is not between 0 and 1")
        if not self.is_reached:
            return None
        values, own = self._variances(), float(self.components[self.objects].variance)
        chosen = self._chosen({**(sizes or {}), facet: 1})

        def short(n: float) -> bool:
            weights = self._weights({**chosen, facet: n})[int(absolute)]
            return own < reliability * (own + float(values @ weights))

        if short(_MOST_LEVELS):
            return None
        low, high = 0, _MOST_LEVELS
        while high - low > 1:  # more levels never make scores less reliable
            middle = (low + high) // 2
            low, high = (middle, high) if short(middle) else (low, middle)
        return high

    def _chosen(self, sizes: Mapping[str, float] | None) -> dict[str, float]:
        sizes = sizes or {}
        if unknown := [name for name in sizes if name not in self.sizes]:
            raise DesignError(
                f"{unknown[0]!r} is no facet of this model; it has {', '.join(self.sizes)}"
                f"{meant(unknown[0], self.sizes)}"
            )
        if wrong := [name for name, n in sizes.items() if not n >= 1]:
            raise DesignError(f"{wrong[0]!r} with {sizes[wrong[0]]} levels; a facet needs at least 1")
        return {**self.sizes, **sizes}

    def _variances(self) -> Floats:
        return np.array([float(c.variance) for c in self.components.values()])

    def _weights(self, sizes: Mapping[str, float]) -> tuple[Floats, Floats]:
        """Part of each component that is relative, and absolute, error."""
        everything = frozenset(self.sizes) | {self.objects}
        parts = [*self._effects.factors, everything]
        absolute = np.array([1 / math.prod(sizes[f] for f in part if f != self.objects) for part in parts])
        absolute *= [part != {self.objects} for part in parts]
        return absolute * [self.objects in part for part in parts], absolute

    def _coefficient(self, weights: Floats, what: str) -> Estimate:
        values = self._variances()
        own, error = float(self.components[self.objects].variance), float(values @ weights)
        warnings = list(self.warnings)
        about = Estimate(
            value=own / (own + error) if own + error > 0 else math.nan,
            estimand=what,
            target=self.target,
            n_units=self.components[self.objects].n_levels,
            level=self.level,
            interval_method="none",
            warnings=tuple(warnings) if own + error > 0 else (*warnings, "nothing varies that counts here"),
        )
        if not self.is_reached or not error > 0:
            return replace(about, interval_method="none: no maximum" if not self.is_reached else "none: no error")
        at = self._effects.names.index(self.objects)
        # The rest of 0 and 1 is a number, not a variance of the model.
        constant = weights[-1] * LOGISTIC_REST if self.family == "logistic" else 0.0
        part = weights[:-1] if self.family == "logistic" else weights
        limits, how = self._profile.of_ratio(at, part, constant)
        interval = limits and (limits[0] / (1 + limits[0]), limits[1] / (1 + limits[1]))
        return replace(about, interval=interval, interval_method=how)


def mixed_model(
    frame: object,
    facets: str | Sequence[str],
    *,
    objects: str = "subject",
    scores: str = "value",
    family: Family = "linear",
    interactions: Sequence[str] | None = None,
    fixed: Sequence[str] = (),
    target: Target = "model",
    level: float = 0.95,
) -> MixedModel:
    """Where scores vary: components of variance of crossed factors, with any cells missing.

    Every object, every level of a facet, and every pair of them has an effect of its own, normal with one variance a
    kind: ``y = mean + subject + item + wording + subject x wording + ... + rest``. Variances are those of the
    restricted likelihood (REML); answers of 0 and 1 take ``family="logistic"``, where effects move log odds and are
    integrated out by Laplace's approximation. `decision` says what other numbers of items or wordings would reach, and
    `needed` how many would do. Complete tables of numbers give the same components as `generalizability`, whose
    intervals suppose less of the objects.

    Parameters
    ----------
    frame : run, polars or pandas frame, or mapping of columns
        One row an answer; a run's `table()` will do.
    facets : str or sequence of str
        Columns that vary besides the objects, e.g. ``["item", "wording", "seed"]``.
    objects, scores : str
        Columns of what is measured, and of the numbers; rows without a number are left out and counted.
    family : {"linear", "logistic"}
        "logistic" for scores that are 0 and 1.
    interactions : sequence of str, optional
        E.g. ``["subject:wording", "subject:item:wording"]``; None takes all pairs that the data can tell apart: those
        with repeats. What is left out is in the rest. Empty: none.
    fixed : sequence of str
        Columns whose levels are all there are (a condition), or numbers: they shift the mean, and are no variance.
    target, level : {"model", "human", "data"}, float
        Whose scores they are; confidence level.

    Returns
    -------
    MixedModel
        Intervals of variances are profiles of the likelihood, and normal on the logarithm where this is known to a
        tenth (or where 0 and 1 are more than 1,000, or have over 3 effects). A component at 0 says so; where no maximum
        was found there are reasons in place of numbers. Laplace's approximation is too low where a level has few
        answers of 0 and 1, and warns.

    Raises
    ------
    DesignError
        If a factor has one level, an interaction cannot be told from the rest, or there are too many levels.
    DataError, MissingDataError
        If scores are no finite numbers, no 0 and 1 for "logistic", or all the same; if a level is missing.

    References
    ----------
    Patterson & Thompson (1971), Biometrika 58, 545-554. doi:10.1093/biomet/58.3.545
    Brennan (2001), Generalizability Theory. doi:10.1007/978-1-4757-3456-0
    Breslow & Clayton (1993), J. Am. Stat. Assoc. 88, 9-25. doi:10.1080/01621459.1993.10594284

    Examples
    --------
    >>> ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> rows = [(s, i, y) for s, row in enumerate(ratings) for i, y in enumerate(row)]
    >>> found = mixed_model(dict(zip(("subject", "item", "value"), zip(*rows))), "item")
    >>> [(name, round(part.variance, 4)) for name, part in found.components.items()]
    [('subject', 2.5556), ('item', 5.2444), ('rest', 1.0194)]
    >>> round(found.decision().relative, 3), found.needed("item", 0.9, absolute=False)
    (0.909, 4)
    """
    if family not in get_args(Family):
        raise DesignError(f"family {family!r} is none of {', '.join(get_args(Family))}")
    names = [facets] if isinstance(facets, str) else list(facets)
    if not names:
        raise DesignError("no facet: name what scores vary over besides the objects, e.g. 'item'")
    table = table_of(frame)
    effects = read(table, (objects, *names), scores, interactions, fixed)
    y = effects.scores
    if family == "logistic" and not np.isin(y, (0.0, 1.0)).all():
        raise DataError(f"family 'logistic' needs scores of 0 and 1, got {y[~np.isin(y, (0.0, 1.0))][0]:g}")
    equations = Equations(effects.codes, effects.levels, effects.fixed)
    k = len(effects.names)
    if family == "linear":
        model: Likelihood = Linear(equations, y)
        best = maximum(model, np.full(k + 1, float(y.var()) / (k + 1)))
    else:
        model = Logistic(equations, y)
        best = maximum(model, np.full(k, LOGISTIC_REST / (k + 1)))
    is_much = y.size > _PROFILED_ROWS or k > _PROFILED_EFFECTS
    profile = Profile(model, best, level=level, is_normal=family == "logistic" and is_much)
    is_singular = [name for name, v in zip(effects.names, best.variances, strict=False) if v <= 1.001 * model.floor]
    warnings = (
        [] if best.is_reached else [f"no maximum of the likelihood was found in {best.n_steps} steps: {_WAY_OUT}"]
    )
    if is_singular and best.is_reached:
        warnings.append(f"at 0, where the likelihood ends: {', '.join(is_singular)} (a singular fit)")
    found = MixedModel(
        objects=objects,
        family=family,
        components={},
        fixed={},
        sizes=effects.sizes,
        deviance=best.point.deviance,
        is_reached=best.is_reached,
        skipped=effects.skipped,
        warnings=tuple(warnings),
        target=target,
        level=level,
        _effects=effects,
        _profile=profile,
    )
    return replace(found, components=_components(found), fixed=_fixed(found))


_WAY_OUT = "leave out the interactions with the fewest repeats, or a factor with few levels"


def _components(found: MixedModel) -> dict[str, MixedComponent]:
    effects, profile = found._effects, found._profile
    is_binary = found.family == "logistic"
    variances = np.where(profile.best.variances > 1.001 * profile.model.floor, profile.best.variances, 0.0)
    values = np.append(variances, LOGISTIC_REST) if is_binary else variances
    n = effects.scores.size
    parts = {}
    for k, (name, value) in enumerate(zip([*effects.names, "rest"], values, strict=True)):
        levels = effects.levels[k] if name != "rest" else n
        limits, how = None, "none: no maximum of the likelihood was found"
        if found.is_reached and name == "rest" and is_binary:
            how = "none: the variance of the logistic distribution"
        elif found.is_reached:
            limits, how = profile.of_variance(k)
        reasons = []
        if not found.is_reached:
            reasons.append(found.warnings[0])
        elif value == 0:
            reasons.append("at 0: the data hold no more of this variance than chance; see its upper limit")
        if levels < _FEW_LEVELS:
            reasons.append(f"{levels} levels: their variance is hardly known")
        if is_binary and name != "rest" and n / levels < _FEW_BINARY:
            reasons.append(f"{n / levels:.1f} answers of 0 and 1 a level: Laplace's approximation is too low")
        shown = float(value) if found.is_reached or (name == "rest" and is_binary) else math.nan
        parts[name] = MixedComponent(
            effect=name,
            variance=Estimate(
                value=shown,
                interval=limits,
                level=found.level,
                interval_method=how,
                estimand=f"variance of {name}" + (" (log odds)" if is_binary else ""),
                target=found.target,
                n_units=levels,
                n_missing=effects.n_missing,
                assumptions=("effects are normal and independent", "levels stand for others like them"),
                warnings=tuple(reasons),
            ),
            share=shown / float(values.sum()) if found.is_reached else math.nan,
            n_levels=levels,
        )
    return parts


def _fixed(found: MixedModel) -> dict[str, Estimate]:
    effects, best = found._effects, found._profile.best
    values, covariance = best.point.effects
    reach = quantile(found.level)
    few = min(effects.levels)
    doubts = [f"a factor has {few} levels: the interval is too short where the mean shifts with them"] * (few < 10)
    told = {}
    for k, name in enumerate(effects.fixed_names):
        value, se = float(values[k]), math.sqrt(max(float(covariance[k, k]), 0.0))
        told[name] = Estimate(
            value=value if found.is_reached else math.nan,
            se=se if found.is_reached else None,
            interval=(value - reach * se, value + reach * se) if found.is_reached else None,
            level=found.level,
            interval_method="normal, variances as estimated" if found.is_reached else "none: no maximum",
            estimand=f"{name} of the mean" + (" (log odds)" if found.family == "logistic" else ""),
            target=found.target,
            n_units=effects.scores.size,
            n_missing=effects.n_missing,
            warnings=(*(() if found.is_reached else found.warnings), *(doubts if k == 0 else ())),
        )
    return told

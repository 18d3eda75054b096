"""Measurement invariance: whether items measure the same thing, in the same units, in several groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Bools, Floats
from proband.measures.factors.confirmatory import scaled_items
from proband.measures.factors.fit import ModelFit, ml_fit, tail
from proband.measures.factors.structure import Fitted, Freedom, Moments, fitted, group_slopes, laid_out, started

_CFI_FALL = 0.010
_FEWEST_ANCHORS = 2  # items a scale that must stay equal


@dataclass(frozen=True, kw_only=True)
class InvarianceStep:
    """One model of the ladder, against the one before.

    - `name`: "configural" (same items on the same factors), "metric" (equal loadings), "scalar" (equal intercepts).
    - `fit`: of this model.
    - `cfi_change`, `rmsea_change`: robust indices less those of the step before; None for the first.
    - `chi2_change`, `df_change`, `p_value`: scaled difference (Satorra & Bentler 2001); None where it is undefined.
    - `holds`: by the rule; of the first step, whether CFI is .90 and RMSEA .08 or better.
    - `unequal`: items whose equality misfits most, with the score test's chi squared, largest first.
    - `freed`: items that were given parameters of their own at this step, in order.
    - `partial`: the step once more with those items free, None where none had to be or too few were left.
    """

    name: str
    fit: ModelFit
    cfi_change: float | None
    rmsea_change: float | None
    chi2_change: float | None
    df_change: int
    p_value: float | None
    holds: bool
    unequal: tuple[tuple[str, float], ...] = ()
    freed: tuple[str, ...] = ()
    partial: "InvarianceStep | None" = None


@dataclass(frozen=True, kw_only=True)
class Invariance:
    """What `measurement_invariance` found.

    - `steps`: configural, metric, scalar; later ones build on items freed earlier, and end where one fails for good.
    - `reached`: the last step that holds, "partial metric" or "partial scalar" where items had to be freed, "none".
    - `mean_differences`: by (scale, group): factor mean less that of the first group, in its SD; empty unless scalar
      invariance holds at least in part, because means in different units are not comparable.
    - `n_by_group`: rows.
    - `warnings`: Heywood cases and the like.
    """

    steps: tuple[InvarianceStep, ...]
    reached: str
    mean_differences: Mapping[tuple[str, str], Estimate]
    n_by_group: Mapping[str, int]
    warnings: tuple[str, ...]


def measurement_invariance(
    groups: Mapping[str, ArrayLike],
    scales: Mapping[str, Sequence[int]],
    *,
    items: Sequence[str] = (),
    target: Target = "data",
    level: float = 0.95,
) -> Invariance:
    """Compare the factor model of scales between groups, step by step: configural, metric, scalar.

    Each model is fitted by maximum likelihood to all groups at once. A step holds where robust CFI falls by less than
    .010 (Cheung & Rensvold 2002); the change of RMSEA, of which .015 is called much (Chen 2007), and chi squared, which
    with many subjects rejects any difference, are told beside it. Where a step does not hold, the item with the largest
    score test is freed, one after the other, until it does or a scale has fewer than two equal items left.

    Parameters
    ----------
    groups : mapping of str to array_like, shape (n_subjects, n_items)
        Scores by group, reverse-keyed items already flipped, the same columns in each; complete rows.
    scales : mapping of str to sequence of int
        Columns of each scale.
    items : sequence of str, optional
        Names of the columns; else their numbers.
    target, level : {"model", "human", "data"}, float
        Whom the mean differences are about; their confidence level.

    Returns
    -------
    Invariance
        Answers are taken as measurements on an interval scale; with fewer than five options, or most answers at one
        end, loadings differ where only thresholds do.

    Raises
    ------
    DesignError, DataError, MissingDataError
        As `confirmatory_factors`, naming the group; if there is one group.

    References
    ----------
    Meredith (1993), Psychometrika 58, 525-543. doi:10.1007/BF02294825
    Cheung & Rensvold (2002), Struct. Equ. Modeling 9, 233-255. doi:10.1207/S15328007SEM0902_5
    Chen (2007), Struct. Equ. Modeling 14, 464-504. doi:10.1080/10705510701301834
    Satorra & Bentler (2001), Psychometrika 66, 507-514. doi:10.1007/BF02296192

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> people = rng.normal(size=(300, 1)) + rng.normal(size=(300, 4))
    >>> model = rng.normal(size=(300, 1)) + rng.normal(size=(300, 4)) + [0, 0, 0, 1]  # the last item is easier for it
    >>> found = measurement_invariance({"people": people, "model": model}, {"calm": range(4)})
    >>> found.reached, found.steps[2].freed
    ('partial scalar', ('3',))
    """
    if len(groups) < 2:
        raise DesignError(f"{len(groups)} group; invariance compares at least 2")
    given = {name: np.asarray(table, dtype=np.float64) for name, table in groups.items()}
    widths = {name: table.shape[1:] for name, table in given.items()}
    if len(set(widths.values())) > 1:
        raise DesignError(f"groups have different columns: {widths}; give the same items, in the same order")
    kept = dict[str, Moments]()
    for name, table in given.items():
        try:
            x, pattern, names = scaled_items(table, scales, items, "measurement_invariance")
        except DesignError as error:
            raise DesignError(f"group {name!r}: {error}") from error
        if len(x) <= x.shape[1]:
            raise DesignError(
                f"group {name!r}: {len(x)} subjects for {x.shape[1]} items; give more subjects than items"
            )
        if np.linalg.cond(np.corrcoef(x.T)) > 1e12:
            raise DesignError(f"group {name!r}: an item is a combination of others; drop duplicates")
        kept[name] = Moments.of(x)
    # In units of the pooled SD, so that steps of the fit have one size; loadings of one item share it.
    scale = np.sqrt(np.mean([np.diag(moments.covariance) for moments in kept.values()], axis=0))
    ladder = _Ladder(tuple(Moments.of((m.deviations + m.mean) / scale) for m in kept.values()), pattern, names, target)
    found = ladder.climbed()
    means = ladder.means(found[-1], tuple(scales), tuple(groups), level) if len(found) == 3 else {}
    steps, warnings = tuple(step for step, _, _ in found), ladder.heywood(found[0][1], tuple(groups))
    return Invariance(
        steps=steps, reached=_reached(steps), mean_differences=means,
        n_by_group={name: moments.n for name, moments in kept.items()}, warnings=warnings,
    )  # fmt: skip


def _reached(steps: Sequence[InvarianceStep]) -> str:
    """The last step that holds; from the first partial one on, all are partial."""
    reached, is_partial = ("configural" if steps[0].holds else "none"), False
    for step in steps[1:]:
        if not step.holds and step.partial is None:
            return reached
        is_partial = is_partial or step.partial is not None
        reached = f"partial {step.name}" if is_partial else step.name
    return reached


_Step = tuple[InvarianceStep, Fitted, Freedom]


@dataclass(frozen=True, eq=False)
class _Ladder:
    groups: tuple[Moments, ...]
    pattern: Bools
    items: tuple[str, ...]
    target: Target

    def climbed(self) -> list[_Step]:
        """Steps with their last fit, up to the first that fails for good."""
        fit, model = self._fit(Freedom())
        holds = fit.robust_cfi >= 0.9 and fit.robust_rmsea.value <= 0.08
        first = InvarianceStep(
            name="configural", fit=fit, cfi_change=None, rmsea_change=None, chi2_change=None, df_change=0, p_value=None,
            holds=holds,
        )  # fmt: skip
        steps: list[_Step] = [(first, model, Freedom())]
        for name in ("metric", "scalar"):
            before, _, freedom = steps[-1]
            freed = freedom.free_loadings
            freedom = (
                replace(freedom, same_loadings=True)
                if name == "metric"
                # An item with a loading of its own has units of its own: its intercept cannot be equal.
                else replace(freedom, same_intercepts=True, free_intercepts=freed)
            )
            step = self._step(name, freedom, (before.partial or before).fit)
            steps.append(step)
            if not step[0].holds and step[0].partial is None:
                break
        return steps

    def _fit(self, freedom: Freedom) -> tuple[ModelFit, Fitted]:
        layout = laid_out(self.pattern, len(self.groups), freedom)
        model = fitted(layout, self.groups, started(layout, self.groups, self.pattern))
        return ml_fit(model, self.groups, self.target), model

    def _step(self, name: str, freedom: Freedom, before: ModelFit) -> _Step:
        step, model = self._compared(name, freedom, before)
        first, freed = step, list[str]()
        while not step.holds and (item := self._next(step, freedom, name)) is not None:
            field = "free_loadings" if name == "metric" else "free_intercepts"
            freedom = replace(freedom, **{field: getattr(freedom, field) | {item}})
            freed.append(self.items[item])
            step, model = self._compared(name, freedom, before)
        if first.holds:
            return first, model, freedom
        return replace(first, freed=tuple(freed), partial=step if step.holds else None), model, freedom

    def _next(self, step: InvarianceStep, freedom: Freedom, name: str) -> int | None:
        """The item that misfits most among those whose scales keep enough equal items without it."""
        free = freedom.free_loadings if name == "metric" else freedom.free_intercepts
        for item, _ in step.unequal:
            at = self.items.index(item)
            left = self.pattern[[j for j in range(len(self.items)) if j not in free | {at}]].sum(axis=0)
            if (left[self.pattern[at]] >= _FEWEST_ANCHORS).all():
                return at
        return None

    def _compared(self, name: str, freedom: Freedom, before: ModelFit) -> tuple[InvarianceStep, Fitted]:
        fit, model = self._fit(freedom)
        cfi, rmsea = fit.robust_cfi - before.robust_cfi, fit.robust_rmsea.value - before.robust_rmsea.value
        df = fit.df - before.df
        scaling = (fit.df * fit.scaling - before.df * before.scaling) / df if df else 0.0
        chi2 = (fit.chi2 - before.chi2) / scaling if scaling > 0 else None
        step = InvarianceStep(
            name=name, fit=fit, cfi_change=cfi, rmsea_change=rmsea, chi2_change=chi2, df_change=df,
            p_value=None if chi2 is None else tail(df, chi2), holds=cfi > -_CFI_FALL,
            unequal=self._unequal(name, freedom, model),
        )  # fmt: skip
        return step, model

    def _unequal(self, name: str, freedom: Freedom, model: Fitted) -> tuple[tuple[str, float], ...]:
        """Score tests of every item's equality: what chi squared would gain if it were freed."""
        free = freedom.free_loadings if name == "metric" else freedom.free_intercepts
        n = sum(group.n for group in self.groups)
        numbers = model.layout.loadings[0] if name == "metric" else model.layout.intercepts[0][:, None]
        found = list[tuple[str, float]]()
        for j, item in enumerate(self.items):
            if j in free:
                continue
            own = np.concatenate(group_slopes(model, self.groups, [int(at) for at in numbers[j] if at >= 0]))
            crossed = own @ model.slopes.T
            information = own @ own.T - crossed @ model.bread @ crossed.T
            score = own @ model.gap
            found.append((item, n * float(score @ np.linalg.pinv(information, rcond=1e-10) @ score)))
        return tuple(sorted(found, key=lambda of: -of[1]))

    def means(
        self, last: _Step, scales: Sequence[str], names: Sequence[str], level: float
    ) -> dict[tuple[str, str], Estimate]:
        """Factor means of later groups, in SDs of the first, where intercepts are equal at least in part."""
        from scipy import special

        step, model, freedom = last
        if not step.holds and step.partial is None:
            return {}
        n, z = sum(group.n for group in self.groups), float(special.ndtri((1 + level) / 2))
        errors = np.sqrt(np.diag(model.covariance(n)))
        free = [self.items[j] for j in sorted(freedom.free_intercepts)]
        found = dict[tuple[str, str], Estimate]()
        for g, name in enumerate(names[1:], 1):
            for f, scale in enumerate(scales):
                at = model.layout.means[g, f]
                value, se = float(model.theta[at]), float(errors[at])
                found[scale, name] = Estimate(
                    value=value, se=se, interval=(value - z * se, value + z * se), level=level, target=self.target,
                    estimand=f"mean of factor {scale}: {name} less {names[0]}, in SDs of {names[0]}", n_units=n,
                    interval_method="normal, robust to answers that are not normal",
                    assumptions=(f"equal loadings and intercepts but of {', '.join(free)}" if free
                                 else "equal loadings and intercepts",),
                )  # fmt: skip
        return found

    def heywood(self, model: Fitted, names: Sequence[str]) -> tuple[str, ...]:
        """Unique variances at or below 0."""
        found = list[str]()
        for g, name in enumerate(names):
            unique: Floats = model.layout.matrices(model.theta, g)[2]
            if at := [self.items[j] for j in np.flatnonzero(unique <= 0)]:
                found.append(
                    f"Heywood case in {name}: the unique variance of {', '.join(at)} is at or below 0; too few "
                    "subjects or items a scale, or the item doubles another: do not read its loading"
                )
        return tuple(found)

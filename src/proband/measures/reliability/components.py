"""Generalizability theory: where the variance of scores comes from, and what a better design would buy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from proband.errors import DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.columns import column, table_of
from proband.measures.reliability.balanced_designs import BalancedDesign, Effect, arrange
from proband.measures.reliability.intervals import (
    MIN_SUBJECTS,
    jackknifed_mean_squares,
    pivotal_interval,
    pivotal_mean_squares,
    tail_warnings,
)
from proband.measures.reliability.tables import is_constant

IntervalBy = Literal["jackknife", "f"]


@dataclass(frozen=True, kw_only=True)
class VarianceComponent:
    """One source of variance.

    - `effect`: e.g. "subject", "item", "subject x item".
    - `variance`: in squared score units; negative estimates are shown as they are, with a warning. The interval, of a
      variance, does not go below 0.
    - `share`: of the sum of components, negative ones counted as 0.
    - `mean_square`, `df`: the line of the analysis of variance.
    """

    effect: str
    variance: Estimate
    share: float
    mean_square: float
    df: int


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a design with these sizes would reach (a decision study).

    - `sizes`: levels of every facet; of a nested facet, within each level of the other.
    - `relative`: generalizability coefficient: reliability of the *order* of objects.
    - `absolute`: index of dependability (phi): reliability of the score itself, level of facets counted as error.
    - `relative_error`, `absolute_error`: standard errors of measurement, in score units.
    """

    sizes: Mapping[str, int]
    relative: Estimate
    absolute: Estimate
    relative_error: float
    absolute_error: float


@dataclass(frozen=True, kw_only=True)
class GStudy:
    """What `generalizability` found.

    - `objects`: what is measured.
    - `components` (mapping of effect to VarianceComponent): from main effects to the highest interaction, which holds
      the unexplained rest too.
    - `design`: factors and their sizes.
    """

    objects: str
    components: Mapping[str, VarianceComponent]
    design: BalancedDesign
    target: Target
    level: float
    draws: Floats | None = field(repr=False, compare=False)  # what expected mean squares may be, (n_draws, n_effects)
    interval_method: str
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def observed(self) -> Decision:
        """Reliability at the sizes the study had."""
        return self.decision({})

    def decision(self, sizes: Mapping[str, int]) -> Decision:
        """What the same objects would get from a design with other numbers of levels.

        Parameters
        ----------
        sizes : mapping of facet to int
            E.g. ``{"item": 8, "replicate": 2}``; a facet not named keeps its size.

        Raises
        ------
        DesignError
            If a name is no facet, or a size is below 1.
        """
        facets = dict(zip(self.design.factors[1:], self.design.sizes[1:], strict=True))
        if unknown := [name for name in sizes if name not in facets]:
            raise DesignError(f"{unknown[0]!r} is no facet of this study; it has {', '.join(facets)}")
        if wrong := [name for name, n in sizes.items() if n < 1]:
            raise DesignError(f"{wrong[0]!r} with {sizes[wrong[0]]} levels; a facet needs at least 1")
        return _decide(self, facets | dict(sizes))


def generalizability(
    frame: object,
    facets: str | Sequence[str],
    *,
    objects: str = "subject",
    scores: str = "value",
    target: Target = "model",
    level: float = 0.95,
    interval: IntervalBy = "jackknife",
) -> GStudy:
    """Variance of scores by source, and how reliable they are under this and other designs.

    A balanced random-effects analysis of variance, every component estimated from expected mean squares. With
    objects p and facets i, o: relative ``Erho^2 = s_p / (s_p + s_pi/n_i + s_po/n_o + s_pio/(n_i n_o))``; absolute
    ``phi`` adds ``s_i/n_i + s_o/n_o + s_io/(n_i n_o)``. ``study.decision({"item": 8})`` asks what 8 items would give.

    Use it to see whether items, prompts, seeds or personas move scores, and what to take more of. Facets are
    random: the levels stand for others like them. With one model as only object there is no reliability.

    Parameters
    ----------
    frame : run, polars or pandas frame, or mapping of columns
        One row per score; a run's `table()` will do.
    facets : str or sequence of str
        Columns crossed with the objects and each other, e.g. ``["item", "replicate"]``; ``"rater:task"`` beside
        ``"task"`` says that raters are nested in tasks.
    objects, scores : str
        Columns of what is measured and of the numbers.
    target, level : {"model", "human"}, float
        Whose scores they are; confidence level.
    interval : {"jackknife", "f"}
        "jackknife": from 10 objects on, mean squares of effects of objects from leaving out one object at a time, for
        any distribution of these; facets as under "f". "f": all from chi-squared draws of mean squares (normal
        effects; for one facet the relative coefficient has Feldt's), for any number of objects, and too short for
        skewed scores however many there are.

    Returns
    -------
    GStudy
        Negative components count as 0 inside coefficients only. Few levels of a facet leave its component
        hardly known, which the interval of `absolute` shows.

    Raises
    ------
    DesignError, MissingDataError
        If a factor has a single level, nesting is not balanced, or the interval is unknown; if a cell is empty.
    DataError
        If a cell holds several scores, or scores are no finite numbers.

    References
    ----------
    Brennan (2001), Generalizability Theory. doi:10.1007/978-1-4757-3456-0
    Weerahandi (1993), J. Am. Stat. Assoc. 88, 899-905. doi:10.1080/01621459.1993.10476355

    Examples
    --------
    >>> ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> rows = [(s, i, y) for s, row in enumerate(ratings) for i, y in enumerate(row)]
    >>> study = generalizability(dict(zip(("subject", "item", "value"), zip(*rows))), "item")
    >>> [round(c.variance, 4) for c in study.components.values()]
    [2.5556, 5.2444, 1.0194]
    >>> round(study.observed.relative, 3), round(study.decision({"item": 8}).relative, 3)
    (0.909, 0.953)
    """
    table = table_of(frame)
    names = [facets] if isinstance(facets, str) else list(facets)
    if not names:
        raise DesignError("no facet: name what scores vary over besides the objects, e.g. 'item'")
    if interval not in get_args(IntervalBy):
        raise DesignError(f"interval {interval!r} is none of {', '.join(get_args(IntervalBy))}")
    columns = {name: column(table, name.split(":")[0].strip()) for name in names}
    design, y = arrange((objects, column(table, objects)), columns, column(table, scores))
    mean_squares = design.mean_squares(y)
    object_means = y.reshape(len(y), -1).mean(axis=1)
    flat = ("all scores are the same number: there is no variance to share out",)
    is_flat = is_constant(float(y.var()), y)
    draws, how = (None, "none: scores do not vary") if is_flat else _draws(design, y, mean_squares, interval)
    study = GStudy(
        objects=objects,
        components={},
        design=design,
        target=target,
        level=level,
        draws=draws,
        interval_method=how,
        assumptions=("objects are independent",)
        + (("effects are normal and independent",) if interval == "f" else ("effects of facets alone are normal",))
        + ("levels of facets stand for others like them",),
        warnings=flat if is_flat else tail_warnings(object_means),
    )
    return replace(study, components=_components(study, mean_squares))


def _draws(design: BalancedDesign, y: Floats, mean_squares: Floats, by: IntervalBy) -> tuple[Floats | None, str]:
    n = design.sizes[0]
    draws = pivotal_mean_squares(mean_squares, [design.df(effect) for effect in design.effects])
    if by == "f":
        return draws, f"generalised interval from {len(mean_squares)} mean squares"
    if n < MIN_SUBJECTS:
        return None, f"none: {n} objects; the jackknife needs {MIN_SUBJECTS}, interval='f' normal effects"
    without, which = design.mean_squares_without(y)
    of_objects = jackknifed_mean_squares(mean_squares[which], without)
    if of_objects is None:
        return None, "none: a mean square hangs on one object"
    draws[:, which] = of_objects
    return draws, f"jackknife over {n} objects, chi-squared for effects of facets alone"


def _components(study: GStudy, mean_squares: Floats) -> dict[str, VarianceComponent]:
    design = study.design
    solve = design.components_from_mean_squares()
    values = solve @ mean_squares
    draws = None if study.draws is None else study.draws @ solve.T
    total = float(np.maximum(values, 0.0).sum())
    found = {}
    for j, effect in enumerate(design.effects):
        name = design.name(effect)
        limits = None if draws is None else pivotal_interval(np.maximum(draws[:, j], 0.0), study.level)
        negative = "negative: the data hold less of this variance than chance alone would give; read it as none"
        found[name] = VarianceComponent(
            effect=name,
            variance=Estimate(
                value=float(values[j]),
                interval=limits,
                level=study.level,
                interval_method=f"{study.interval_method}, within [0, inf)" if limits else study.interval_method,
                estimand=f"variance of {name}",
                target=study.target,
                n_units=design.sizes[0],
                assumptions=study.assumptions,
                warnings=(negative,) if values[j] < 0 else (),
            ),
            share=max(float(values[j]), 0.0) / total if total > 0 else math.nan,
            mean_square=float(mean_squares[j]),
            df=design.df(effect),
        )
    return found


def _decide(study: GStudy, sizes: Mapping[str, int]) -> Decision:
    design = study.design
    mean_squares = np.array([c.mean_square for c in study.components.values()])
    solve = design.components_from_mean_squares()
    own, relative, absolute = _weights(design, sizes)
    values = np.maximum(solve @ mean_squares, 0.0)
    draws = None if study.draws is None else study.draws @ solve.T
    layout = ", ".join(f"{n} {facet}" for facet, n in sizes.items())
    return Decision(
        sizes=dict(sizes),
        relative=_coefficient(values, draws, (own, relative), f"order of {study.objects} with {layout}", study),
        absolute=_coefficient(values, draws, (own, absolute), f"score of {study.objects} with {layout}", study),
        relative_error=math.sqrt(float(values @ relative)),
        absolute_error=math.sqrt(float(values @ absolute)),
    )


def _weights(design: BalancedDesign, sizes: Mapping[str, int]) -> tuple[Floats, ...]:
    """Part of each component that is the objects' own, relative error, and absolute error."""
    objects = design.factors[0]

    def weight(effect: Effect) -> float:
        return 1.0 / math.prod(sizes[f] for f in effect if f != objects)

    own = np.array([float(effect == {objects}) for effect in design.effects])
    absolute = np.array([weight(effect) for effect in design.effects]) * (1 - own)
    relative = absolute * np.array([float(objects in effect) for effect in design.effects])
    return own, relative, absolute


def _coefficient(
    values: Floats, draws: Floats | None, weights: tuple[Floats, Floats], what: str, study: GStudy
) -> Estimate:
    own, error = weights
    total = float(values @ (own + error))
    warnings = list(study.warnings)
    interval = None
    if total > 0 and draws is not None:
        with np.errstate(all="ignore"):  # a draw in which every component is 0 has no coefficient
            # Only the sums are kept above 0 (error above its unexplained part): cutting every component at 0, as in the
            # value, makes errors too large and the interval too low.
            signal = np.maximum(draws @ own, 0.0)
            noise = np.maximum(draws @ error, draws[:, -1] * error[-1])
            interval = pivotal_interval(signal / (signal + noise), study.level)
    if total > 0 and not values @ own:
        warnings.append(f"no variance between {study.objects}: its estimate is 0 or negative")
    elif total <= 0 and not warnings:
        warnings.append("no component that counts here is above 0: the coefficient is undefined")
    return Estimate(
        value=float(values @ own) / total if total > 0 else math.nan,
        interval=interval,
        level=study.level,
        interval_method=study.interval_method,
        estimand=f"reliability of the {what}",
        target=study.target,
        n_units=study.design.sizes[0],
        assumptions=study.assumptions,
        warnings=tuple(warnings),
    )

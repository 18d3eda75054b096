"""What one model's score is over contexts, and how that compares with what people differ by."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from proband.errors import DesignError, MissingDataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, finite
from proband.measures.columns import column, table_of
from proband.measures.reliability.components import GStudy, VarianceComponent, generalizability
from proband.measures.reliability.intervals import pivotal_interval
from proband.seeds import rng_for

_MOST_LEVELS = 50  # that `needed` looks at
_MOST_MISSING = 0.3


@dataclass(frozen=True, kw_only=True)
class ContextStudy:
    """What `context_study` found.

    - `mean`: over items and contexts; its interval is about other contexts like these.
    - `components` (mapping of effect to VarianceComponent): items, factors of the context, and what goes together.
    - `context_variance`: of the score of all items, asked in one context.
    - `moved_by`: the factor that moves single items most, with the variance that is its own and its items'.
    - `sizes`: levels of every factor, as asked.
    - `people_sd`: of persons on the same scale, where known.
    """

    mean: Estimate
    components: Mapping[str, VarianceComponent]
    context_variance: Estimate
    moved_by: tuple[str, float]
    sizes: Mapping[str, int]
    people_sd: float | None
    _items: str = field(repr=False)
    _n_items: int = field(repr=False)
    _complete: frozenset[str] = field(repr=False)
    _study: GStudy = field(repr=False, compare=False)

    @property
    def is_trait(self) -> bool | None:
        """Whether people differ by more than contexts move the score, or its items; None where that is not known.

        What a factor does to items may cancel out in their score: a model that takes the first option, whatever it is,
        gets the middle of a scale whose items are half reversed.
        """
        if self.people_sd is None:
            return None
        return max(self.context_variance.value, self.moved_by[1]) <= self.people_sd**2

    def reliability(self, sizes: Mapping[str, int] | None = None) -> Estimate:
        """Reliability of a score from so many levels, were models as different as people: ``s2 / (s2 + error)``.

        Parameters
        ----------
        sizes : mapping of factor to int, optional
            Levels of each factor; one that is not named has as many as were asked.

        Raises
        ------
        DesignError
            If people's SD is not known, or a name is no factor.
        """
        if self.people_sd is None:
            raise DesignError(
                "reliability over contexts is told beside what people differ by, and their SD is not known"
            )
        own = self.people_sd**2
        error, draws = self._error({**self.sizes, **(sizes or {})})
        limits = None if draws is None else pivotal_interval(own / (own + draws), self._study.level)
        return replace(
            self.context_variance,
            value=own / (own + error),
            interval=limits,
            estimand="reliability over contexts, beside what people differ by",
        )

    def needed(self, factor: str, reliability: float = 0.8) -> int | None:
        """Fewest levels of a factor that reach this reliability, the others as asked; None where 50 do not."""
        tried = range(1, _MOST_LEVELS + 1)
        return next((n for n in tried if self.reliability({factor: n}).value >= reliability), None)

    def widened(self, variance: float) -> Estimate:
        """The mean with further variance of its own, e.g. that of items that were drawn."""
        return _mean(self.mean, *self._error(self.sizes), variance, self._study.level)

    def _error(self, sizes: Mapping[str, int]) -> tuple[float, Floats | None]:
        """Variance of the score of all items from so many contexts, and draws of what it may be."""
        if unknown := [name for name in sizes if name not in self.sizes]:
            raise DesignError(f"{unknown[0]!r} is no factor of these contexts; there are {', '.join(self.sizes)}")
        full = {name for name in self._complete if sizes[name] >= self.sizes[name]}
        return _error(self._study, {**sizes, self._items: self._n_items}, {self._items, *full})


def context_study(
    frame: object,
    factors: Sequence[str],
    *,
    items: str = "item",
    scores: str = "value",
    complete: Sequence[str] = (),
    people_sd: float | None = None,
    target: Target = "model",
) -> ContextStudy:
    """Where the scores of one model vary: over items, factors of the context, and what goes together.

    A balanced random-effects analysis of variance of items crossed with every factor (`generalizability`, items its
    objects). A score is the mean over the items that were asked, which are the scale: what differs between items is no
    error of it, what contexts do to items is, ``s_io / n_i``. Beside the spread of people, the variance over contexts
    says whether there is a trait: a score that moves more from one context to the next than people differ from one
    another tells nothing of a model.

    Parameters
    ----------
    frame : polars or pandas frame, or mapping of columns
        One row an item and context. Up to 3 of 10 may be missing, if no item and no level is missing whole: each takes
        the sum of its item's and its levels' effects, by least squares (Yates), and a warning counts them.
    factors : sequence of str
        Columns of what makes up a context: order of options, wording, role, repeat. Those with one level are left out.
    items, scores : str
        Columns of the items, and of their scores, reverse-keyed ones flipped.
    complete : sequence of str
        Factors whose levels are all there are: the two directions of a scale. A mean over all of them has no error from
        which they are; a score from one of them has.
    people_sd : float, optional
        SD of persons on the same scale and in the same unit.
    target : {"model", "human", "data"}
        Whose scores they are.

    Returns
    -------
    ContextStudy
        Intervals are generalised ones: quantiles of what the mean squares may be under normal effects, and of a mean
        drawn with that variance. A factor of two levels says hardly anything of others like it, and they are wide.

    Raises
    ------
    DesignError, MissingDataError, DataError
        If fewer than two of items and factors vary, too many cells are missing, one holds several scores, or a score is
        no finite number.

    References
    ----------
    Brennan (2001), Generalizability Theory. doi:10.1007/978-1-4757-3456-0
    Weerahandi (1993), J. Am. Stat. Assoc. 88, 899-905. doi:10.1080/01621459.1993.10476355
    Yates (1933), Empire Journal of Experimental Agriculture 1, 129-142, on missing cells.

    Examples
    --------
    >>> ratings = {"as written": [4.0, 2.0, 5.0], "reversed": [3.0, 2.0, 4.0], "random": [4.0, 3.0, 4.0]}
    >>> rows = [(order, i, y) for order, row in ratings.items() for i, y in enumerate(row)]
    >>> found = context_study(dict(zip(("order", "item", "value"), zip(*rows))), ["order"], people_sd=0.7)
    >>> round(found.mean, 3), round(found.context_variance, 3), found.is_trait, found.needed("order", 0.95)
    (3.444, 0.148, True, 6)
    """
    if people_sd is not None and not people_sd > 0:
        raise DesignError(f"people_sd is {people_sd}; give a number above 0, or None where it is not known")
    table = table_of(frame)
    values = {name: column(table, name) for name in (items, *factors)}
    varied = [name for name, found in values.items() if len(set(found)) > 1]
    if len(varied) < 2:
        raise DesignError(f"{' and '.join(varied) or 'nothing'} varies; it takes two of items and factors at least")
    y = finite(list(column(table, scores)), "scores", ndim=1)
    cells, filled = _whole({name: values[name] for name in varied}, y)
    n_missing = len(filled) - len(y)
    study = generalizability({**cells, "value": filled}, varied[1:], objects=varied[0], target=target, interval="f")
    sizes = dict(zip(study.design.factors, study.design.sizes, strict=True))
    n_items = sizes.pop(items, 1)
    error, draws = _error(study, dict.fromkeys(sizes, 1) | {items: n_items}, {items})
    parts = {name: max(float(part.variance), 0.0) for name, part in study.components.items()}
    moved = {
        name: sum(value for effect, value in parts.items() if {*effect.split(" x ")} - {items} == {name})
        for name in sizes
    }
    moved_by = max(moved, key=moved.__getitem__, default="")
    about = Estimate(
        value=error,
        interval=None if draws is None else pivotal_interval(draws, study.level),
        level=study.level,
        interval_method=study.interval_method,
        estimand="variance of the score of all items over contexts",
        target=target,
        n_units=math.prod(sizes.values()),
        assumptions=study.assumptions,
        n_missing=n_missing,
        warnings=(
            *(study.warnings if study.draws is None else ()),
            *(
                (f"{n_missing} of {len(y) + n_missing} scores are missing: estimated from items and levels",)
                if n_missing
                else ()
            ),
        ),
    )
    mean = replace(about, value=float(np.mean(filled)), estimand="mean over items and contexts")
    return ContextStudy(
        mean=_mean(mean, *_error(study, {**sizes, items: n_items}, {items, *complete}), 0.0, study.level),
        components=study.components,
        context_variance=about,
        moved_by=(moved_by, moved.get(moved_by, 0.0)),
        sizes=sizes,
        people_sd=people_sd,
        _items=items,
        _n_items=n_items,
        _complete=frozenset(complete) & sizes.keys(),
        _study=study,
    )


def _whole(columns: Mapping[str, Sequence[object]], y: Floats) -> tuple[dict[str, list[object]], list[float]]:
    """Every cell of the crossed columns, and its score; one that is missing is the sum of the effects of its levels."""
    rows = list(zip(*columns.values(), strict=True))
    grid = list(itertools.product(*(dict.fromkeys(column) for column in columns.values())))
    missing = [cell for cell in grid if cell not in {*rows}]
    if len(missing) > _MOST_MISSING * len(grid):
        raise MissingDataError(
            f"{len(missing)} of {len(grid)} scores of {' x '.join(columns)} are missing; at most {_MOST_MISSING:.0%} "
            "may be: leave out what is answered least"
        )
    if missing:
        levels = [(k, level) for k, column in enumerate(columns.values()) for level in dict.fromkeys(column)]
        codes = [
            np.array([[row[k] == level for k, level in levels] for row in part], float) for part in (rows, missing)
        ]
        y = np.append(y, codes[1] @ np.linalg.lstsq(codes[0], y, rcond=None)[0])
    whole = [*rows, *missing]
    return {name: [row[k] for row in whole] for k, name in enumerate(columns)}, y.tolist()


def _error(study: GStudy, sizes: Mapping[str, int], known: set[str]) -> tuple[float, Floats | None]:
    """Sum of all components but those of what is known in full, each over the levels that it is averaged over."""
    design = study.design
    parts = [design.name(effect).split(" x ") for effect in design.effects]
    weights = np.array(
        [0.0 if known.issuperset(part) else 1 / math.prod(map(sizes.__getitem__, part)) for part in parts]
    )
    # Estimates below 0 stay in the sum: to count each as 0 would make a sum of many small ones too large.
    error = max(float(np.array([float(part.variance) for part in study.components.values()]) @ weights), 0.0)
    if study.draws is None:
        return error, None
    return error, np.maximum(study.draws @ design.components_from_mean_squares().T @ weights, 0.0)


def _mean(about: Estimate, error: float, draws: Floats | None, more: float, level: float) -> Estimate:
    """A mean whose variance may be any of those drawn."""
    if draws is None:
        return replace(about, se=math.sqrt(error + more) or None, interval=None)
    normal = rng_for(0, "contexts").standard_normal(len(draws))
    return replace(
        about,
        se=math.sqrt(error + more) or None,
        interval=pivotal_interval(about.value + normal * np.sqrt(draws + more), level),
    )

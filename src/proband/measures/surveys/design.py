"""Survey designs: how people were drawn, and the variance of whatever is estimated from them."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.arrays import Bools, Floats, Ints, finite
from proband.measures.surveys.replicates import Around, Replicates, ReplicateType, check_choice, replicates_of
from proband.weighting import check_weights

Array = TypeVar("Array", Floats, Ints, Bools)
Lonely = Literal["refuse", "certainty", "average"]

# Beyond this many units a bootstrap of random groups of units says the same at a fraction of the cost.
_MOST_UNITS = 500
_WAY_OUT = (
    'merge each with a similar one, leave strata out, or say lonely="certainty" (drawn for sure) or "average" (the '
    "average variance of the others)"
)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What weights that were made to meet known totals leave of a variance: that of residuals."""

    before: "SurveyDesign"  # everybody, with the weights from before
    basis: Floats  # (n_everybody, p): orthonormal columns that span the auxiliaries times root weights
    scale: Floats  # (n_everybody,): calibrated weight over the root of the weight from before
    rows: Ints  # (n_people,): those at hand among everybody

    def covariance(self, influence: Floats) -> Floats:
        """Covariance of the column sums, after what the auxiliaries explain is taken out (Deville & Sarndal 1992)."""
        z = np.zeros((len(self.scale), influence.shape[1]))
        z[self.rows] = influence / self.scale[self.rows, None]
        left: Floats = (z - self.basis @ (self.basis.T @ z)) * self.scale[:, None]
        return self.before.total_covariance(left)


@dataclass(frozen=True, eq=False)
class SurveyDesign:
    """How people were drawn; made by `survey_design`.

    Units are drawn with replacement within strata, or without where the share that was drawn is known; in stages,
    where people were drawn within units.
    """

    # (n_people,): code of each person's stratum, and of its primary sampling unit (unique over strata)
    stratum: Ints
    unit: Ints
    # (n_units,): stratum of every unit of the whole sample, also of units without anybody at hand
    stratum_of_unit: Ints
    weights: Floats | None = None  # (n_people,): positive; None where everybody counts the same
    drawn: Floats | None = None  # (n_strata,): share of the units that was drawn; None for few of many
    within: "SurveyDesign | None" = None  # how people were drawn within units: those are its strata
    repeats: Replicates | None = None  # replicate weights, which then give every variance
    calibration: Calibration | None = None
    lonely: Lonely = "refuse"
    present: Bools | None = None  # (n_given,): who stands for somebody; None for everybody

    @property
    def n(self) -> int:
        """People at hand."""
        return len(self.stratum)

    @property
    def n_weightless(self) -> int:
        """How many were left out because their weight is 0."""
        return 0 if self.present is None else int((~self.present).sum())

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is to be said of those whose weight is 0."""
        if not self.n_weightless or self.present is None:
            return ()
        return (f"{self.n_weightless} of {len(self.present)} weigh 0, stand for nobody and are left out",)

    @cached_property
    def w(self) -> Floats:
        """Weights, ones where everybody counts the same, shape (n_people,)."""
        return np.ones(self.n) if self.weights is None else self.weights

    @property
    def is_simple(self) -> bool:
        """Whether it is a simple random sample, weights aside."""
        plain = self.drawn is None and self.repeats is None and self.calibration is None
        return plain and len(self.units_per_stratum) == 1 and len(self.stratum_of_unit) == self.n

    @cached_property
    def units_per_stratum(self) -> Ints:
        """Number of units of every stratum, shape (n_strata,)."""
        return np.bincount(self.stratum_of_unit)

    @cached_property
    def df(self) -> int:
        """Degrees of freedom, at least 1: units less strata with anybody at hand, or what replicates can tell."""
        if self.repeats is not None:
            return self.repeats.df
        return max(self.n_units - int(np.count_nonzero(np.bincount(self.stratum))), 1)

    @cached_property
    def n_units(self) -> int:
        """Units with anybody at hand."""
        return int(np.count_nonzero(np.bincount(self.unit)))  # counting is far faster than sorting a million people

    @cached_property
    def seen(self) -> float:
        """Kish's effective number of units: as many independent answers as there are at the least."""
        totals = np.bincount(self.unit, self.w)
        return float(totals.sum() ** 2 / (totals @ totals))

    @property
    def text(self) -> str:
        """The design in words."""
        weighted = "weighted " if self.weights is not None and np.ptp(self.weights) > 0 else ""
        calibrated = "calibrated " if self.calibration is not None else ""
        if self.repeats is not None:
            return f"{weighted}sample of {self.n:,} people with {self.repeats.weights.shape[1]:,} replicate weights"
        if self.is_simple:
            return f"{weighted}{calibrated}independent sample of {self.n:,} people"
        n_strata = int(np.count_nonzero(np.bincount(self.stratum)))
        strata = f"{n_strata:,} strata" if n_strata > 1 else "1 stratum"
        return f"{weighted}{calibrated}sample of {self.n:,} people in {self.n_units:,} units of {strata}"

    @property
    def named(self) -> str:
        """The same with its article."""
        return f"{'an' if self.text.startswith('independent') else 'a'} {self.text}"

    def at_hand(self, values: Array, what: str) -> Array:
        """One value (or row) for everybody who was given, or at hand, as one for those at hand."""
        if len(values) == self.n:
            return values
        if self.present is not None and len(values) == len(self.present) and self.present.sum() == self.n:
            return values[self.present]
        raise DataError(f"{len(values)} {what} for a design of {self.n} people; give one for everybody in it")

    def take(self, rows: Bools | Ints) -> "SurveyDesign":
        """The design of some of the people: a domain, whose empty units still count."""
        if self.is_plain:
            return SurveyDesign(self.stratum[rows], self.unit[rows], self.stratum_of_unit)
        at = np.arange(self.n)[rows]
        return replace(
            self, stratum=self.stratum[at], unit=self.unit[at],
            weights=None if self.weights is None else self.weights[at],
            within=None if self.within is None else self.within.take(at),
            repeats=None if self.repeats is None else self.repeats.take(at),
            calibration=None if self.calibration is None
            else replace(self.calibration, rows=self.calibration.rows[at]),
        )  # fmt: skip

    @property
    def is_plain(self) -> bool:
        """Whether strata and units are all there is to it."""
        return all(part is None for part in (self.weights, self.drawn, self.within, self.repeats, self.calibration))

    def unit_totals(self, values: Floats) -> Floats:
        """Sum of each column over the people of a unit, shape (n_units, d)."""
        return sums_by(self.unit, values, len(self.stratum_of_unit))

    def total_covariance(self, influence: Floats) -> Floats:
        """Covariance of the column sums of `influence`, shape (n_people, d), by Taylor linearisation.

        ``sum_h (1 - f_h) n_h/(n_h - 1) sum_c (t_hc - mean t_h)(t_hc - mean t_h)'`` with t the totals of units and f the
        share of units that was drawn; f times the same within units is added where people were drawn within them.
        """
        if self.calibration is not None:
            return self.calibration.covariance(influence)
        covariance = self.unit_covariance(self.unit_totals(influence))
        if self.within is not None and self.drawn is not None:
            # As f stands before the variance within units, its root stands before what is summed there.
            covariance = covariance + self.within.total_covariance(
                influence * np.sqrt(self.drawn[self.stratum])[:, None]
            )
        return covariance

    def unit_covariance(self, totals: Floats) -> Floats:
        """Covariance of the column sums of what the units hold, shape (n_units, d), as far as units differ."""
        f, n = self.stratum_factors, self.units_per_stratum
        per_stratum = sums_by(self.stratum_of_unit, totals, len(n))
        covariance: Floats = (totals * f[self.stratum_of_unit][:, None]).T @ totals - (
            per_stratum * (f / n)[:, None]
        ).T @ per_stratum
        return covariance

    @cached_property
    def stratum_factors(self) -> Floats:
        """What stands before the squared deviations of the units of every stratum, shape (n_strata,)."""
        n = self.units_per_stratum
        f: Floats = n / np.maximum(n - 1, 1) * (n > 1)
        if self.drawn is not None:
            f = f * (1 - self.drawn)
        if self.lonely == "average" and (n_lonely := int(self._is_lonely.sum())):
            f = f * len(n) / (len(n) - n_lonely)
        return f

    @property
    def _is_lonely(self) -> Bools:
        """Strata with one unit that was not drawn for sure, shape (n_strata,)."""
        alone: Bools = self.units_per_stratum < 2
        return alone if self.drawn is None else alone & (self.drawn < 1)

    def covariance(self, statistic: Callable[[Floats], Floats], influence: Callable[[], Floats]) -> Floats:
        """Covariance of a statistic of the weights, shape (d, d).

        `statistic`: the statistic, shape (d,), under any weights of the people at hand. `influence`: its linearised
        influence times weight, shape (n_people, d). Replicates, where there are some, use the first, else the second.
        """
        if self.repeats is not None:
            return self.repeats.covariance(statistic, self.w)
        return self.total_covariance(influence())

    def halves(self, n_splits: int, rng: np.random.Generator) -> Bools:
        """Random halves of the units of every stratum, shape (n_splits, n_people)."""
        in_first = np.empty((n_splits, len(self.stratum_of_unit)), dtype=bool)
        for h in range(len(self.units_per_stratum)):
            members = np.flatnonzero(self.stratum_of_unit == h)
            ranks = np.argsort(rng.random((n_splits, len(members))), axis=1).argsort(axis=1)
            in_first[:, members] = ranks < (len(members) + 1) // 2
        return in_first[:, self.unit]

    def replicates(self, n_replicates: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
        """Replicate factors of the rescaled bootstrap (Rao & Wu 1988).

        n_h - 1 of the n_h units of a stratum are drawn with replacement; each time a unit is drawn counts
        n_h / (n_h - 1). Above 500 units, random groups of units of one stratum are drawn instead.

        Result: the drawn unit of each person, shape (n_people,); factors, shape (n_replicates, n_drawn_units).
        """
        group = np.empty(len(self.stratum_of_unit), dtype=np.intp)
        parts, n_groups = list[Floats](), 0
        for h, n in enumerate(self.units_per_stratum):
            members = np.flatnonzero(self.stratum_of_unit == h)
            m = min(int(n), max(2, round(_MOST_UNITS * int(n) / len(group))))
            ranks = np.arange(n) if m == n else rng.permutation(n)
            group[members] = n_groups + ranks % m
            n_groups += m
            if m == 1:  # drawn for sure: in every replicate
                parts.append(np.ones((n_replicates, 1)))
                continue
            factors = rng.multinomial(m - 1, np.full(m, 1 / m), n_replicates) * np.float64(m / (m - 1))
            # Drawn without replacement, units vary less: factors are drawn towards 1 (Rao, Wu & Yue 1992).
            parts.append(factors if self.drawn is None else 1 + np.sqrt(1 - self.drawn[h]) * (factors - 1))
        return group[self.unit], np.concatenate(parts, axis=1)


def simple_random_sample(n: int) -> SurveyDesign:
    """The design in which everybody is a unit of one stratum."""
    return SurveyDesign(np.zeros(n, dtype=np.intp), np.arange(n), np.zeros(n, dtype=np.intp))


def survey_design(
    n: int,
    strata: ArrayLike | None = None,
    psu: ArrayLike | None = None,
    *,
    fpc: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    replicate_weights: ArrayLike | None = None,
    replicate_type: ReplicateType = "brr",
    replicate_scale: ArrayLike | None = None,
    around: Around = "mean",
    lonely: Lonely = "refuse",
) -> SurveyDesign:
    """How `n` people were drawn; every measure that takes `design=` has its variance from here.

    Parameters
    ----------
    n : int
        People, at least 2.
    strata : array_like, shape (n,), optional
        Stratum of everybody, by any label; without, there is one.
    psu : array_like, shape (n,) or (n, n_stages), optional
        Sampling unit of everybody, named within its stratum, or one column a stage; without, everybody is one.
    fpc : array_like, shape (n,) or (n, n_stages), optional
        How many units there are in all in the stratum (within the unit, for later stages), or the share of them that
        was drawn, 0 to 1; without, units count as drawn with replacement. A share of 1 is drawn for sure.
    weights : array_like, shape (n,), optional
        How many people each stands for, up to a constant; 0 for nobody, who is left out. Without weights but with
        numbers in `fpc`, they follow from these.
    replicate_weights : array_like, shape (n, n_replicates), optional
        Weights under which every statistic is computed again, the sampling weight in them. They give the variance
        then, and strata and units do not.
    replicate_type : {"brr", "fay", "jk1", "jkn", "bootstrap"}
        How replicates were made, which gives their scale: 1 / R, 1 / (R (1 - rho)^2) (to be given), (R - 1) / R, one
        (n_h - 1) / n_h a replicate (to be given), 1 / R.
    replicate_scale : float or array_like, shape (n_replicates,), optional
        Factor of the squared deviations, of all or of each replicate, in place of that of its type.
    around : {"mean", "estimate"}
        What replicates are compared with: their own mean, as in R, or the estimate.
    lonely : {"refuse", "certainty", "average"}
        What becomes of a stratum with one unit: refused; taken as drawn for sure; or given the average variance of
        the other strata.

    Returns
    -------
    SurveyDesign

    Raises
    ------
    DataError
        If lengths differ, a label, a weight or a size cannot be, or a stratum has a single unit.
    MissingDataError, DesignError
        If a label is missing; if `lonely`, `around` or `replicate_type` is unknown, or replicates lack their scale.

    References
    ----------
    Lumley (2010), Complex Surveys. New York: Wiley. doi:10.1002/9780470580066
    Sarndal, Swensson & Wretman (1992), Model Assisted Survey Sampling. New York: Springer.
    Wolter (2007), Introduction to Variance Estimation. New York: Springer. doi:10.1007/978-0-387-35099-8

    Examples
    --------
    >>> design = survey_design(6, strata=[1, 1, 1, 2, 2, 2], psu=[1, 1, 2, 1, 2, 3], weights=[2, 2, 2, 1, 1, 1])
    >>> design.text, design.df
    ('weighted sample of 6 people in 5 units of 2 strata', 3)
    """
    check_choice("lonely", lonely, Lonely)
    w = None if weights is None else check_weights(weights, "weights")
    if w is not None and len(w) != n:
        raise DataError(f"{len(w)} weights for {n} people; give everybody one")
    present = None if w is None or (w > 0).all() else w > 0
    here = np.ones(n, dtype=bool) if present is None else present
    m = int(here.sum())
    repeats = None
    if replicate_weights is not None:
        given = finite(replicate_weights, "replicate weights", ndim=2)
        if len(given) != n:
            raise DataError(f"replicate weights have {len(given)} rows for {n} people; give everybody a row")
        if strata is not None or psu is not None or fpc is not None or w is None:
            raise DesignError("replicate weights hold the design: leave strata, psu and fpc out, and give weights")
        repeats = replicates_of(given[here], replicate_type, replicate_scale, around=around)
    stratum = np.zeros(m, dtype=np.intp) if strata is None else _codes(strata, n, "strata")[here]
    units = _by_stage(psu, n, "psu")
    sizes = _by_stage(fpc, n, "fpc")
    if len(sizes) > max(len(units), 1):
        raise DataError(f"fpc has {len(sizes)} stages, and psu {len(units)}; give a column a stage in both")
    stages = [_codes(column, n, "psu")[here] for column in units] or [np.arange(m)]
    drawn = [np.asarray(column)[here] for column in sizes]
    where = None if strata is None else np.asarray(strata, dtype=object)[here]
    design, chance = _staged(stratum, stages, drawn, lonely, where)
    if w is not None:
        used: Floats | None = w[here]
    else:
        used = 1 / chance if chance is not None else None
    return replace(design, weights=used, repeats=repeats, present=present)


def design_of(
    n: int,
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    psu: ArrayLike | None = None,
    design: SurveyDesign | None = None,
) -> SurveyDesign:
    """The design that a measure was given, as such or in parts; a single unit of a single stratum passes here."""
    if design is not None:
        if weights is not None or strata is not None or psu is not None:
            raise DesignError("a design was given with weights, strata or psu beside it, which it holds; give one")
        return design
    if weights is not None:
        given = np.asarray(weights)
        if given.dtype.kind == "f" and np.isnan(given).any():
            raise MissingDataError(f"weight {int(np.isnan(given).argmax())} is missing; leave that subject out")
        if given.shape != (n,):
            raise DataError(f"weights have shape {given.shape}, expected ({n},)")
    lonely: Lonely = "certainty" if strata is None else "refuse"
    return survey_design(n, strata, psu, weights=weights, lonely=lonely)


def design_by_subject(
    subjects: Sequence[Hashable], drawn: Mapping[str, Mapping[Hashable, Any]], *, lonely: Lonely = "refuse"
) -> SurveyDesign | None:
    """How some subjects were drawn, from `strata`, `psu` and `fpc` of everybody; None where neither of two is known."""
    known = {how: of for how, of in drawn.items() if of}
    if not known.keys() & {"strata", "psu"}:
        return None
    everybody = list(dict.fromkeys(s for of in known.values() for s in of))
    if lost := [s for s in (*subjects, *everybody) if any(s not in of for of in known.values())]:
        raise DataError(f"{len(lost)} subjects lack a stratum or sampling unit, e.g. {lost[0]!r}; give all of them one")
    place = {s: k for k, s in enumerate(everybody)}
    columns = [[of[s] for s in everybody] if (of := known.get(how)) else None for how in ("strata", "psu", "fpc")]
    whole = survey_design(len(everybody), columns[0], columns[1], fpc=columns[2], lonely=lonely)
    # A unit without anybody at hand still belongs to its stratum.
    return replace(whole.take(np.array([place[s] for s in subjects], dtype=np.intp)), weights=None)


def _staged(
    stratum: Ints, stages: Sequence[Ints], sizes: Sequence[ArrayLike], lonely: Lonely, labels: object
) -> tuple[SurveyDesign, Floats | None]:
    """Design from its first stage on, and everybody's chance to be drawn where sizes tell it."""
    n = len(stratum)
    _, first, nested = np.unique(stratum.astype(np.int64) * n + stages[0], return_index=True, return_inverse=True)
    _, stratum = np.unique(stratum, return_inverse=True)
    unit = nested.astype(np.intp)
    design = SurveyDesign(stratum.astype(np.intp), unit, stratum[first].astype(np.intp), lonely=lonely)
    chance = None
    if sizes:
        drawn = _share_drawn(design, finite(sizes[0], "fpc"))
        design, chance = replace(design, drawn=drawn), drawn[design.stratum]
    if lonely == "refuse":
        _refuse_lonely(design, labels)
    elif lonely == "average" and design._is_lonely.all():
        raise DataError("every stratum has a single sampling unit: there is no variance to average; leave strata out")
    if len(stages) > 1 and len(sizes) > 1:
        inner, within = _staged(unit, stages[1:], sizes[1:], lonely, None)
        assert chance is not None  # there are sizes
        design, chance = replace(design, within=inner), None if within is None else chance * within
    elif len(stages) > 1:
        chance = None  # what happened within units is not told, and matters little where few of many were drawn
    return design, chance


def _share_drawn(design: SurveyDesign, fpc: Floats) -> Floats:
    """Share of the units of every stratum that was drawn, from that share or the number there are."""
    n = design.units_per_stratum
    low, high = np.full(len(n), np.inf), np.full(len(n), -np.inf)
    np.minimum.at(low, design.stratum, fpc)
    np.maximum.at(high, design.stratum, fpc)
    if (low != high).any():
        raise DataError(f"fpc takes {low[low != high][0]:g} and {high[low != high][0]:g} in one stratum; give it once")
    if (low <= 0).any():
        raise DataError(f"fpc is {low.min():g}; give how many units a stratum has in all, or the share that was drawn")
    share: Floats = np.where(low <= 1, low, n / np.where(low > 1, low, 1))
    if (share > 1 + 1e-9).any():
        worst = int(share.argmax())
        raise DataError(f"a stratum of {low[worst]:g} units has {n[worst]} in the sample; correct fpc")
    return np.minimum(share, 1.0)


def _refuse_lonely(design: SurveyDesign, labels: object) -> None:
    lonely = np.flatnonzero(design._is_lonely)
    if lonely.size:
        found = np.asarray(labels, dtype=object)
        where = "" if labels is None else f" {found[design.stratum == lonely[0]][0]!r}"
        raise DataError(
            f"{lonely.size} of {len(design.units_per_stratum)} strata have a single sampling unit (e.g. "
            f"stratum{where}): their variance cannot be estimated; {_WAY_OUT}"
        )


def _by_stage(given: ArrayLike | None, n: int, name: str) -> list[ArrayLike]:
    """One column a stage."""
    if given is None:
        return []
    table = np.asarray(given)
    table = table if table.dtype.kind in "iuf" else np.asarray(given, dtype=object)
    if table.ndim not in (1, 2) or len(table) != n:
        raise DataError(f"{name} have shape {table.shape}, expected ({n},): one label per person, or ({n}, stages)")
    return [table] if table.ndim == 1 else list(table.T)


def sums_by(codes: Ints, values: Floats, n_codes: int) -> Floats:
    """Sum of the rows of `values` by code, shape (n_codes, d)."""
    n = len(codes)
    if n == n_codes and bool((codes == np.arange(n)).all()):
        return values
    gather = sparse.csr_array((np.ones(n), (codes, np.arange(n))), shape=(n_codes, n))
    sums: Floats = gather @ values
    return sums


def _codes(labels: ArrayLike | Sequence[object], n: int, name: str) -> Ints:
    plain = np.asarray(labels)
    if plain.dtype.kind in "iu" and plain.shape == (n,):
        levels, codes = np.unique(plain, return_inverse=True)
        return np.argsort(np.argsort(levels.astype(str)))[codes].astype(np.intp)  # in the order of texts, as below
    given = np.asarray(labels, dtype=object)
    if given.shape != (n,):
        raise DataError(f"{name} have shape {given.shape}, expected ({n},): one label per person")
    if any(label is None or label != label for label in given):
        raise MissingDataError(f"somebody has no label in {name}; leave that person out or make it a level")
    return np.unique(given.astype(str), return_inverse=True)[1].astype(np.intp)

"""Survey designs: strata and primary sampling units, their linearised covariances and bootstrap replicates."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from proband.errors import DataError, MissingDataError
from proband.measures.arrays import Bools, Floats, Ints

# Beyond this many units a bootstrap of random groups of units says the same at a fraction of the cost.
_MOST_UNITS = 500


@dataclass(frozen=True, eq=False)
class SurveyDesign:
    """How people were drawn, as two-stage designs are analysed: units with replacement within strata."""

    # (n_people,): code of each person's stratum, and of its primary sampling unit (unique over strata)
    stratum: Ints
    unit: Ints
    # (n_units,): stratum of every unit of the whole sample, also of units without anybody at hand
    stratum_of_unit: Ints

    @cached_property
    def units_per_stratum(self) -> Ints:
        """Number of units of every stratum, shape (n_strata,), each at least 2."""
        return np.bincount(self.stratum_of_unit)

    @cached_property
    def df(self) -> int:
        """Units less strata, among those with anybody at hand; at least 1."""
        return max(len(np.unique(self.unit)) - len(np.unique(self.stratum)), 1)

    def take(self, rows: Bools | Ints) -> "SurveyDesign":
        """The design of some of the people: a domain, whose empty units still count."""
        return SurveyDesign(self.stratum[rows], self.unit[rows], self.stratum_of_unit)

    def unit_totals(self, values: Floats) -> Floats:
        """Sum of each column over the people of a unit, shape (n_units, d)."""
        return sums_by(self.unit, values, len(self.stratum_of_unit))

    def total_covariance(self, influence: Floats) -> Floats:
        """Covariance of the column sums of `influence`, shape (n_people, d), by Taylor linearisation.

        ``sum_h n_h/(n_h - 1) sum_c (t_hc - mean t_h)(t_hc - mean t_h)'`` with t the totals of units.
        """
        totals = self.unit_totals(influence)
        per_stratum = sums_by(self.stratum_of_unit, totals, len(self.units_per_stratum))
        n = self.units_per_stratum
        f = n / (n - 1)
        covariance: Floats = (totals * f[self.stratum_of_unit][:, None]).T @ totals - (
            per_stratum * (f / n)[:, None]
        ).T @ per_stratum
        return covariance

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
        parts, n_groups = [], 0
        for h, n in enumerate(self.units_per_stratum):
            members = np.flatnonzero(self.stratum_of_unit == h)
            m = min(int(n), max(2, round(_MOST_UNITS * int(n) / len(group))))
            ranks = np.arange(n) if m == n else rng.permutation(n)
            group[members] = n_groups + ranks % m
            n_groups += m
            parts.append(rng.multinomial(m - 1, np.full(m, 1 / m), n_replicates) * (m / (m - 1)))
        return group[self.unit], np.concatenate(parts, axis=1)


def simple_random_sample(n: int) -> SurveyDesign:
    """The design in which everybody is a unit of one stratum."""
    return SurveyDesign(np.zeros(n, dtype=np.intp), np.arange(n), np.zeros(n, dtype=np.intp))


def survey_design(n: int, strata: ArrayLike | None = None, psu: ArrayLike | None = None) -> SurveyDesign:
    """Make a design of `n` people; primary sampling units are nested in strata.

    `n`: people, at least 2. `strata`, `psu` (n,): labels; without strata there is one, without units everybody is
    one. Raises DataError if lengths differ or a stratum has a single unit, whose variance nobody can estimate. Raises
    MissingDataError if a label is missing.
    """
    stratum = np.zeros(n, dtype=np.intp) if strata is None else _codes(strata, n, "strata")
    unit = np.arange(n) if psu is None else _codes(psu, n, "psu")
    _, first, nested = np.unique(stratum.astype(np.int64) * n + unit, return_index=True, return_inverse=True)
    design = SurveyDesign(stratum, nested.astype(np.intp), stratum[first])
    if (lonely := np.flatnonzero(design.units_per_stratum < 2)).size:
        where = "" if strata is None else f" {np.asarray(strata, dtype=object)[stratum == lonely[0]][0]!r}"
        raise DataError(
            f"{lonely.size} of {len(design.units_per_stratum)} strata have a single sampling unit (e.g. "
            f"stratum{where}): their variance cannot be estimated; merge each with a similar one, or leave strata out"
        )
    return design


def sums_by(codes: Ints, values: Floats, n_codes: int) -> Floats:
    """Sum of the rows of `values` by code, shape (n_codes, d)."""
    n = len(codes)
    if n == n_codes and bool((codes == np.arange(n)).all()):
        return values
    gather = sparse.csr_array((np.ones(n), (codes, np.arange(n))), shape=(n_codes, n))
    sums: Floats = gather @ values
    return sums


def _codes(labels: ArrayLike | Sequence[object], n: int, name: str) -> Ints:
    given = np.asarray(labels, dtype=object)
    if given.shape != (n,):
        raise DataError(f"{name} have shape {given.shape}, expected ({n},): one label per person")
    if any(label is None or label != label for label in given):
        raise MissingDataError(f"somebody has no label in {name}; leave that person out or make it a level")
    return np.unique(given.astype(str), return_inverse=True)[1].astype(np.intp)

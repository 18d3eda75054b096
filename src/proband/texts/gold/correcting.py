"""Numbers about documents three times: by people's codes alone, by a coder's codes alone, and by both together."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband.errors import DataError, ProbandError
from proband.estimates import Estimate
from proband.measures import (
    CorrectedEstimate,
    Regressors,
    Sampling,
    clustered_regression,
    dsl_mean,
    dsl_ols,
    ppi_mean,
    weighted_mean,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LITTLE = 1.1  # a gain below it is none: the measures call it so too
PREDICTIONS = "by the coder's codes as if they were people's"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """Which of N documents people coded, and with which probability.

    - `known` (N,): whether people's code of a document is used.
    - `probability` (N,): with which it would have been; read at the known only.
    - `units` (sequence, length N, optional): authors or sources; documents of one are not independent of each other.
    """

    known: ArrayLike
    probability: ArrayLike
    units: Sequence[Hashable] | None = None
    is_known: Bools = field(init=False)
    pi: Floats = field(init=False)

    def __post_init__(self) -> None:
        known, pi = np.asarray(self.known, dtype=bool), np.asarray(self.probability, dtype=np.float64)
        if known.ndim != 1 or pi.shape != known.shape or (self.units is not None and len(self.units) != len(known)):
            raise DataError(
                f"{known.shape} documents and probabilities of shape {pi.shape}; give one for each, and units"
            )
        object.__setattr__(self, "is_known", known)
        object.__setattr__(self, "pi", pi)

    def of(self, kept: Bools) -> "Gold":
        """Of a part of the documents."""
        units = (
            None if self.units is None else [unit for unit, is_kept in zip(self.units, kept, strict=True) if is_kept]
        )
        return Gold(known=self.is_known[kept], probability=self.pi[kept], units=units)

    @property
    def sampling(self) -> Sampling:
        """Units as the measures take them: none where every document is one."""
        if self.units is None or len(set(self.units)) == len(self.units):
            return Sampling()
        sides = ([u for u, k in zip(self.units, self.is_known, strict=True) if k == side] for side in (True, False))
        labelled, others = sides
        return Sampling(cluster=labelled, cluster_unlabelled=others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable of N documents: known of all, or coded by people in a sample and by the coder everywhere.

    - `values` (N,): what is known of all; or people's codes, read where they are known only.
    - `guess` (N,): what goes into the correction where people did not code: probabilities, where the coder gives them.
    - `coded` (N,): the coder's codes taken as they are. NaN where it gave none, which only leaves out of the number
      that takes the coder at its word: in the correction its guess is the mean of the others, since a guess may be
      anything.
    """

    values: ArrayLike
    guess: ArrayLike | None = None
    coded: ArrayLike | None = None

    @property
    def is_coded(self) -> bool:
        """Whether people's codes are needed."""
        return self.guess is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threefold:
    """One number three times, and what the coder bought.

    - `human`: by people's codes alone; `uncorrected`: by the coder's alone; `corrected`: by both.
    """

    human: Estimate
    uncorrected: Estimate
    corrected: Estimate

    @property
    def saved(self) -> float:
        """People's codes that the coder saved: those that would be as precise alone, less those there are; 0: none."""
        if not isinstance(self.corrected, CorrectedEstimate) or not self.corrected.interval:
            return 0.0
        n, worth = self.corrected.n_units, self.corrected.effective_n
        return worth - n if worth >= LITTLE * n and self.corrected.tuning != 0 else 0.0

    @property
    def bought(self) -> str:
        """The same in words."""
        return f"{self.saved:.0f} labels" if self.saved >= 1 else "nothing"


def corrected_mean(variable: Variable, gold: Gold, *, level: float = 0.95) -> Threefold:
    """Mean or share of a coded variable over all documents.

    PPI++ where every document was drawn with the same probability and no unit has coded and other documents; DSL, which
    takes known unequal probabilities and units of both, elsewhere.

    Parameters
    ----------
    variable : Variable
        0 and 1 for a share.
    gold : Gold
        Who was coded by people, drawn with known probabilities.
    level : float
        Confidence level.

    Returns
    -------
    Threefold
        A number that cannot be given is undefined and says why.
    """
    known, values = gold.is_known, np.asarray(variable.values, dtype=np.float64)
    guess, coded = _filled(variable.guess), _coded(variable)
    pi, sampling = gold.pi[known], gold.sampling
    y, f, u = values[known], guess[known], guess[~known]
    is_shared = bool(set(sampling.cluster or ()) & set(sampling.cluster_unlabelled or ()))

    def correct() -> CorrectedEstimate:
        if is_shared or pi.max(initial=0) - pi.min(initial=1) > 1e-9:
            return dsl_mean(y, f, u, probabilities=pi, sampling=sampling, level=level)
        return ppi_mean(y, f, u, sampling=sampling, level=level)

    corrected = told_why(correct, "corrected mean")
    human = _alone_by_people(corrected)
    has_code = ~np.isnan(coded)
    units = None if gold.units is None else [u for u, k in zip(gold.units, has_code, strict=True) if k]
    alone = told_why(lambda: weighted_mean(coded[has_code], None, units, target="data", level=level), PREDICTIONS)
    return Threefold(human=human, uncorrected=alone, corrected=corrected)


def corrected_regression(
    outcome: Variable, regressors: Mapping[str, Variable], gold: Gold, *, level: float = 0.95
) -> dict[str, Threefold]:
    """Linear regression in which the outcome, regressors, or both are coded; the intercept comes first.

    A coded outcome of 0 and 1 makes it a linear probability model: coefficients are differences of shares. By DSL,
    whose normal equations are corrected and not only its outcome, so that coded regressors are right too. Known
    regressors other than 0 and 1 are centred: the intercept is for documents that are average in them.

    Parameters
    ----------
    outcome, regressors : Variable, mapping of str to Variable
        At least one of them coded.
    gold, level
        As in `corrected_mean`.

    Returns
    -------
    mapping of str to Threefold
        By coefficient.
    """
    known = gold.is_known
    regressors = {name: _centred(variable) for name, variable in regressors.items()}
    sides = {name: _sides(variable, known) for name, variable in {"": outcome, **regressors}.items()}
    y, f, u = sides.pop("")
    predicted = {name: f_x for name, (_, f_x, _) in sides.items() if regressors[name].is_coded}
    given = Regressors(
        labelled={name: x for name, (x, _, _) in sides.items()},
        unlabelled={name: u_x for name, (_, _, u_x) in sides.items()},
        predicted_labelled=predicted or None,
    )
    names = ["intercept", *regressors]
    alone = _alone(outcome, regressors, gold, level)
    try:
        found = dsl_ols(y, f, u, probabilities=gold.pi[known], regressors=given, sampling=gold.sampling, level=level)
    except ProbandError as error:
        none = _reason("corrected coefficient", error)
        return {name: Threefold(human=none, uncorrected=alone[name], corrected=none) for name in names}
    return {
        name: Threefold(human=_alone_by_people(found[name]), uncorrected=alone[name], corrected=found[name])
        for name in names
    }


def told_why(make: Callable[[], Any], what: str) -> Any:
    """A number, or why there is none."""
    try:
        return make()
    except ProbandError as error:
        return _reason(what, error)


def _reason(what: str, error: ProbandError) -> Estimate:
    return Estimate(value=float("nan"), estimand=what, target="human", n_units=0, warnings=(str(error),))


def _alone_by_people(of: Estimate) -> Estimate:
    """The number from people's codes alone, or why there is none."""
    found = of.classical if isinstance(of, CorrectedEstimate) else None
    why = of.warnings[0] if of.warnings and found is None else "people's codes alone show no variance"
    return found or _reason("number of people's codes", DataError(why))


def _coded(variable: Variable) -> Floats:
    return np.asarray(variable.coded if variable.coded is not None else variable.guess, dtype=np.float64)


def _filled(guess: ArrayLike | None) -> Floats:
    """Guesses, the mean of the others where the coder gave none."""
    values = np.asarray(guess, dtype=np.float64)
    missing = np.isnan(values)
    return np.where(missing, 0.0 if missing.all() else np.nanmean(values), values)


def _centred(variable: Variable) -> Variable:
    # Years beside a constant are all but the same column: squared, they would leave five digits.
    values = np.asarray(variable.values, dtype=np.float64)
    if variable.is_coded or np.isin(values, (0.0, 1.0)).all():
        return variable
    return Variable(values=values - values.mean())


def _sides(variable: Variable, known: Bools) -> tuple[Floats, Floats, Floats]:
    """Truth of the known, guess of the known, guess of the others."""
    values = np.asarray(variable.values, dtype=np.float64)
    guess = _filled(variable.guess) if variable.is_coded else values
    return values[known], guess[known], guess[~known]


def _alone(outcome: Variable, regressors: Mapping[str, Variable], gold: Gold, level: float) -> dict[str, Estimate]:
    """The regression on the coder's codes as they are."""
    columns = {name: _coded(x) if x.is_coded else np.asarray(x.values, float) for name, x in regressors.items()}
    y = _coded(outcome) if outcome.is_coded else np.asarray(outcome.values, float)
    kept: Bools = ~np.isnan(np.column_stack([y, *columns.values()]).sum(axis=1))
    design = {"intercept": np.ones(int(kept.sum())), **{name: x[kept] for name, x in columns.items()}}
    units = None if gold.units is None else [u for u, k in zip(gold.units, kept, strict=True) if k]
    if units is not None and len(set(units)) == len(units):
        units = None
    try:
        fit = clustered_regression(y[kept], design, cluster=units, target="data", level=level)
        return {name: fit[name] for name in design}
    except ProbandError as error:
        return dict.fromkeys(design, _reason(PREDICTIONS, error))

"""The alternative annotator test of whether a model may stand in for one of the human coders."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from proband.errors import DataError, DesignError
from proband.measures.agreement.codes import read_codes
from proband.measures.arrays import Bools, Floats

Scoring = Literal["match", "rmse"]
_Score = Callable[[Floats, Floats, Bools], Floats]
_LICENCE = (
    "passing says that the model agrees with the other coders about as well as one coder more would, at the cost "
    "epsilon; it does not say that shares or effects estimated from its codes are unbiased: use ppi_mean or dsl_mean"
)


@dataclass(frozen=True, kw_only=True)
class AnnotatorComparison:
    """The model against one human, on the units this human and at least one other coded.

    - `human`, `n_units`: column of the human; units compared.
    - `model_wins`, `human_wins`: share of units on which the one agrees with the other humans at least as well as the
      other; ties are both.
    - `p_value`, `p_adjusted`: one-sided t test of ``human_wins - model_wins >= epsilon``, as it is and by Benjamini
      and Yekutieli.
    - `is_beaten`: whether that was rejected: the model may replace this human at the price epsilon.
    """

    human: int
    n_units: int
    model_wins: float
    human_wins: float
    p_value: float
    p_adjusted: float
    is_beaten: bool


@dataclass(frozen=True, kw_only=True)
class AltTest:
    """What `alt_test` found.

    - `is_passed`: whether the winning rate is at least 0.5.
    - `winning_rate`: share of the tested humans whom the model may replace (omega).
    - `advantage`: mean of `model_wins` over humans (rho); compares models, and has no threshold.
    - `epsilon`, `fdr`: settings of the test.
    - `by_human`: the tested humans.
    - `skipped`: columns of humans with too few units.
    - `n_units`, `n_left_out`: units with the model's code and two humans'; units without.
    - `meaning`: what a pass does and does not license.
    """

    is_passed: bool
    winning_rate: float
    advantage: float
    epsilon: float
    fdr: float
    by_human: tuple[AnnotatorComparison, ...]
    skipped: tuple[int, ...]
    n_units: int
    n_left_out: int
    meaning: str = _LICENCE
    warnings: tuple[str, ...] = ()


def alt_test(
    llm: ArrayLike,
    humans: ArrayLike,
    epsilon: float,
    *,
    scoring: Scoring = "match",
    min_units: int = 30,
    fdr: float = 0.05,
) -> AltTest:
    """Test whether a model may replace human coders, judged by its agreement with the other humans.

    For each human j and unit i, S is the agreement with the *other* humans: the share that gave the same code
    ("match") or minus the root mean squared difference ("rmse"). The model wins where its S is at least the human's,
    the human where theirs is at least the model's. H0: the human wins at least `epsilon` more often; rejected by a
    one-sided t test, with Benjamini and Yekutieli's control over humans. Passed if at least half are rejected.

    Not for fewer than three humans if it can be helped, nor for ties only: with two, S compares with a single code.
    A pass is no licence for estimates made from the model's codes (see `AltTest.meaning`).

    Parameters
    ----------
    llm : array_like, shape (n_units,)
        The model's codes; None or NaN where it gave none, which is counted and left out.
    humans : array_like, shape (n_units, n_humans)
        Humans' codes; None or NaN where a human did not code a unit.
    epsilon : float
        How much more often the human may win, for the lower cost of the model. The authors suggest .2 for experts,
        .15 for skilled coders and .1 for crowd workers; 0 asks the model to be better.
    scoring : {"match", "rmse"}
        Agreement of unordered codes, or of numbers.
    min_units : int
        Humans with fewer units are skipped; the t test needs about 30.
    fdr : float
        False discovery rate over humans.

    Returns
    -------
    AltTest
        The test keeps its size if the model is one more human and epsilon is 0: it then passes in fewer than 5 of
        100 samples.

    Raises
    ------
    DesignError, DataError
        If there are fewer than 2 humans, nobody has `min_units`, or a setting is out of range; if shapes differ, or
        "rmse" meets codes that are no numbers.

    References
    ----------
    Calderon, Reichart & Dror (2025), The Alternative Annotator Test, ACL 2025, 16051-16081.
    Benjamini & Yekutieli (2001), Ann. Statist. 29, 1165-1188. doi:10.1214/aos/1013699998

    Examples
    --------
    >>> humans = [["a", "a", "a"], ["b", "b", "b"], ["a", "b", "a"]] * 15
    >>> found = alt_test(["a", "b", "a"] * 15, humans, 0.1)
    >>> found.is_passed, found.winning_rate, found.advantage
    (True, 1.0, 1.0)
    """
    if scoring not in get_args(Scoring) or not 0 <= epsilon < 1 or not 0 < fdr < 1 or min_units < 2:
        raise DesignError(
            f"scoring {scoring!r}, epsilon {epsilon}, min_units {min_units}, fdr {fdr}: scoring is 'match' or 'rmse', "
            "epsilon from 0 to below 1, min_units at least 2, fdr between 0 and 1"
        )
    model, people = _numbered(llm, humans, scoring)
    held = ~np.isnan(people)
    usable = (held.sum(axis=1) >= 2) & ~np.isnan(model)
    model, people, held = model[usable], people[usable], held[usable]
    score = _matching if scoring == "match" else _closeness
    n_of = held.sum(axis=0)
    tested = [j for j in range(people.shape[1]) if n_of[j] >= min_units]
    if not tested:
        raise DesignError(
            f"no human shares {min_units} units with another human and the model (at most {max(n_of, default=0)}); "
            "code more units, or lower min_units and distrust the t test"
        )
    wins = [_wins(model, people, held, j, score) for j in tested]
    p_values = [_one_sided(human - machine, epsilon) for machine, human in wins]
    # Benjamini and Yekutieli's, as the tests share the model and many of the people: they depend on each other.
    adjusted = stats.false_discovery_control(p_values, method="by")
    by_human = tuple(
        AnnotatorComparison(
            human=j,
            n_units=len(machine),
            model_wins=float(machine.mean()),
            human_wins=float(human.mean()),
            p_value=p,
            p_adjusted=float(p_adjusted),
            is_beaten=bool(p_adjusted <= fdr),
        )
        for j, (machine, human), p, p_adjusted in zip(tested, wins, p_values, adjusted, strict=True)
    )
    rate = sum(one.is_beaten for one in by_human) / len(by_human)
    return AltTest(
        is_passed=rate >= 0.5,
        winning_rate=rate,
        advantage=float(np.mean([one.model_wins for one in by_human])),
        epsilon=epsilon,
        fdr=fdr,
        by_human=by_human,
        skipped=tuple(j for j in range(people.shape[1]) if j not in tested),
        n_units=len(model),
        n_left_out=int((~usable).sum()),
        warnings=_cautions(len(tested), held),
    )


def _wins(model: Floats, people: Floats, held: Bools, j: int, score: _Score) -> tuple[Floats, Floats]:
    """Whether the model, and whether human j, agrees with the others at least as well, on j's units."""
    mine = held[:, j]
    others = held[mine].copy()
    others[:, j] = False
    of_model = score(model[mine], people[mine], others)
    of_human = score(people[mine, j], people[mine], others)
    # Scores that are equal by their codes may differ by rounding.
    near = np.isclose(of_model, of_human, rtol=1e-12, atol=1e-12)
    return ((of_model > of_human) | near).astype(float), ((of_human > of_model) | near).astype(float)


def _matching(codes: Floats, people: Floats, others: Bools) -> Floats:
    share: Floats = ((people == codes[:, None]) & others).sum(axis=1) / others.sum(axis=1)
    return share


def _closeness(codes: Floats, people: Floats, others: Bools) -> Floats:
    squares = np.where(others, people - codes[:, None], 0.0) ** 2
    closeness: Floats = -np.sqrt(squares.sum(axis=1) / others.sum(axis=1))
    return closeness


def _one_sided(difference: Floats, epsilon: float) -> float:
    """P value of a mean of at least epsilon; a difference that never varies decides by itself."""
    mean, spread = float(difference.mean()), float(difference.std(ddof=1))
    if not spread:
        return 0.0 if mean < epsilon else 1.0
    t = (mean - epsilon) / (spread / math.sqrt(len(difference)))
    return float(special.stdtr(len(difference) - 1, t))


def _cautions(n_tested: int, held: Bools) -> tuple[str, ...]:
    warnings = []
    if n_tested < 3:
        warnings.append(
            f"{n_tested} humans were tested: the winning rate moves in steps of 1/{n_tested}; use 3 or more"
        )
    if (held.sum(axis=1) == 2).all():
        warnings.append("every unit has two humans, so each is compared with a single other code")
    return tuple(warnings)


def _numbered(llm: ArrayLike, humans: ArrayLike, scoring: Scoring) -> tuple[Floats, Floats]:
    machine, people = np.asarray(llm, dtype=object), np.asarray(humans, dtype=object)
    if people.ndim != 2 or people.shape[1] < 2:
        raise DesignError(f"humans have shape {people.shape}; expected (n_units, n_humans) with at least 2 humans")
    if machine.shape != (len(people),):
        raise DataError(f"llm has shape {machine.shape} for {len(people)} units; give one code, or None, per unit")
    table = np.column_stack([machine, people])
    if scoring == "rmse":
        try:
            numbers = table.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError("scoring 'rmse' needs codes that are numbers; use scoring='match'") from error
    else:
        index = read_codes(table).index
        numbers = np.where(index >= 0, index, math.nan)
    return numbers[:, 0], numbers[:, 1:]

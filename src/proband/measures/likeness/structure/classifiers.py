"""Whether a classifier can tell a model's answers from people's: the classifier two-sample test."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from proband.errors import DataError, DesignError, MissingDataError
from proband.estimates import Estimate
from proband.measures.arrays import Floats, Ints
from proband.measures.likeness.structure.logits import fit_binary
from proband.measures.surveys.design import sums_by
from proband.seeds import rng_for

Classifier = Literal["logistic", "knn"]

_LEVEL = 0.95
_FEWEST = 10  # rows on a side
_MOST_LEVELS = 10  # a column with at most so many values is a set of answers, not a scale
_CHUNK = 250


@dataclass(frozen=True, kw_only=True)
class ClassifierTest:
    """What `two_sample_classifier` found.

    - `auc`: cross-validated area under the ROC curve: the probability that a row of the model is ranked above one of
      people's; 0.5 is chance. Its p value is that of the permutation test of "one distribution".
    - `accuracy`: balanced cross-validated accuracy.
    - `features`: the ten features that drive a logistic classifier fitted to all rows, in logits per standard
      deviation, positive where they point to the model; empty for "knn".
    - `n_human`, `n_model`, `n_pairs`: rows on each side; subjects on both.
    """

    auc: Estimate
    accuracy: Estimate
    features: tuple[tuple[str, float], ...]
    n_human: int
    n_model: int
    n_pairs: int


def two_sample_classifier(
    human: Any,
    model: Any,
    *,
    subjects: tuple[Sequence[Hashable], Sequence[Hashable]] | None = None,
    classifier: Classifier = "logistic",
    folds: int = 5,
    n_permutations: int = 999,
) -> ClassifierTest:
    """Test whether people's and a model's rows come from one distribution, by trying to tell them apart.

    Parameters
    ----------
    human, model : array_like, shape (n_rows, n_features), or frame, or mapping of columns
        One row per subject, the same features. Text and columns of at most 10 different values become
        indicators (a missing value is a level of its own); other numbers are standardised.
    subjects : pair of sequences, optional
        Subject of every row of each side, unique within a side. A subject's two rows then stay in one fold, and
        labels are exchanged within subjects, which is the valid test for a model that answered as these very people.
    classifier : {"logistic", "knn"}
        Ridge-penalised logistic regression, for differences in shares and means; or nearest neighbours, which
        also see combinations, with less power for simple differences.
    folds : int
        Of the cross-validation, at least 2.
    n_permutations : int
        Labellings behind the p value ``(1 + as extreme) / (1 + n_permutations)``; at least 99.

    Returns
    -------
    ClassifierTest
        With many rows everything is distinguishable: report the AUC and its interval against a margin chosen
        beforehand (say 0.6) and beside the AUC of two human samples, not the p value alone. The interval is
        about the classifiers that were trained here, on this many rows (LeDell et al. 2015).

    Raises
    ------
    DataError, DesignError
        If features differ, a side has fewer than 10 rows, subjects repeat, or no feature varies; if the classifier,
        folds or permutations are not possible.

    References
    ----------
    Lopez-Paz & Oquab (2017), arXiv:1610.06545. LeDell, Petersen & van der Laan (2015), Electron. J. Stat. 9,
    1583-1607. doi:10.1214/15-EJS1035

    Examples
    --------
    >>> people = {"vote": ["a", "b"] * 30, "trust": ["low"] * 30 + ["high"] * 30}
    >>> answers = {"vote": ["a"] * 54 + ["b"] * 6, "trust": ["low", "high"] * 30}
    >>> found = two_sample_classifier(people, answers)
    >>> 0.6 < found.auc.value < 0.8, found.auc.p_value
    (True, 0.002)
    """
    if classifier not in ("logistic", "knn"):
        raise DesignError(f"classifier {classifier!r} is none of logistic, knn")
    if folds < 2 or n_permutations < 99:
        raise DesignError(f"{folds} folds and {n_permutations} permutations; at least 2 and 99 are needed")
    names, x, n_human = _features(human, model)
    n = len(x)
    if min(n_human, n - n_human) < max(_FEWEST, folds):
        raise DataError(f"{n_human} rows of people and {n - n_human} of the model; give at least {_FEWEST} each")
    unit = _units(subjects, n_human, n - n_human)
    rng = rng_for(0, "two_sample_classifier")
    labels = np.repeat([0.0, 1.0], [n_human, n - n_human])
    fold = rng.permutation(np.arange(unit.max() + 1) % folds)[unit]
    score = _scores(x, labels[:, None], fold, classifier)
    observed = _auc(score, labels[:, None], fold)[0]
    extreme = 0
    for start in range(0, n_permutations, _CHUNK):
        drawn = _relabelled(labels, unit, min(_CHUNK, n_permutations - start), rng)
        extreme += int((_auc(_scores(x, drawn, fold, classifier), drawn, fold) >= observed - 1e-12).sum())
    pairs = int((np.bincount(unit) == 2).sum()) if subjects is not None else 0
    features = _driving(names, x, labels) if classifier == "logistic" else ()
    auc = _auc_estimate(observed, score[:, 0], labels, (fold, unit), (1 + extreme) / (1 + n_permutations))
    accuracy = _accuracy(score[:, 0], labels, classifier)
    return ClassifierTest(
        auc=auc, accuracy=accuracy, features=features, n_human=n_human, n_model=n - n_human, n_pairs=pairs
    )


def _scores(x: Floats, labels: Floats, fold: Ints, classifier: Classifier) -> Floats:
    """Cross-validated scores of every row for every column of labels, shape of `labels`."""
    scores = np.empty_like(labels)
    for k in np.unique(fold):
        taught, told = x[fold != k], x[fold == k]
        if classifier == "logistic":
            scores[fold == k] = told @ fit_binary(taught, labels[fold != k])
        else:
            scores[fold == k] = _neighbours(taught[:, 1:], told[:, 1:]) @ labels[fold != k] - 0.5
    return scores


def _neighbours(taught: Floats, told: Floats) -> Floats:
    """Weights of the nearest rows, shape (n_told, n_taught); rows as near as the last one share its place."""
    n_near = max(round(math.sqrt(len(taught))), 1)
    far = (told**2).sum(axis=1)[:, None] - 2 * told @ taught.T + (taught**2).sum(axis=1)
    edge = np.partition(far, n_near - 1, axis=1)[:, [n_near - 1]] + 1e-9
    near = far <= edge
    weights: Floats = near / near.sum(axis=1, keepdims=True)
    return weights


def _auc(scores: Floats, labels: Floats, fold: Ints) -> Floats:
    above, compared = np.zeros(labels.shape[1]), np.zeros(labels.shape[1])
    for k in np.unique(fold):
        y = labels[fold == k]
        ranks = stats.rankdata(scores[fold == k], axis=0)
        n_1 = y.sum(axis=0)
        above += (ranks * y).sum(axis=0) - n_1 * (n_1 + 1) / 2
        compared += n_1 * (len(y) - n_1)
    return above / compared


def _relabelled(labels: Floats, unit: Ints, n_draws: int, rng: np.random.Generator) -> Floats:
    """Labels exchanged within subjects that have two rows, and among all other rows."""
    drawn = np.repeat(labels[:, None], n_draws, axis=1)
    is_paired = (np.bincount(unit) == 2)[unit]
    if is_paired.any():
        flips = rng.random((int(unit.max()) + 1, n_draws)) < 0.5
        drawn[is_paired] = np.abs(drawn[is_paired] - flips[unit[is_paired]])
    if (~is_paired).any():
        drawn[~is_paired] = rng.permuted(drawn[~is_paired], axis=0)
    return drawn


def _auc_estimate(value: float, scores: Floats, labels: Floats, where: tuple[Ints, Ints], p_value: float) -> Estimate:
    """The AUC with its interval from each row's influence, summed over subjects, on the logit scale."""
    fold, unit = where
    influence = np.zeros(len(scores))
    compared = 0.0
    for k in np.unique(fold):
        ours, theirs = (fold == k) & (labels == 1), (fold == k) & (labels == 0)
        wins = (scores[ours][:, None] > scores[theirs]) + 0.5 * (scores[ours][:, None] == scores[theirs])
        influence[ours] += (wins - value).sum(axis=1)
        influence[theirs] += (wins - value).sum(axis=0)
        compared += wins.size
    per_unit = sums_by(unit, influence[:, None] / compared, int(unit.max()) + 1)[:, 0]
    n = len(per_unit)
    se = math.sqrt(n / (n - 1) * float((per_unit**2).sum()))
    interval = None
    if 0 < value < 1 and se > 0:
        reach = float(special.ndtri((1 + _LEVEL) / 2)) * se / (value * (1 - value))
        interval = (
            float(special.expit(special.logit(value) - reach)),
            float(special.expit(special.logit(value) + reach)),
        )
    return Estimate(
        value=float(value),
        se=se,
        interval=interval,
        interval_method="influence function of the cross-validated AUC, logit scale"
        if interval
        else "none: the rows are told apart completely",
        estimand="probability that the classifiers rank a row of the model above one of people's",
        target="human",
        n_units=n,
        p_value=p_value,
        baselines={"chance": 0.5},
    )


def _accuracy(scores: Floats, labels: Floats, classifier: Classifier) -> Estimate:
    right = np.where(scores == 0, 0.5, (scores > 0) == (labels == 1))
    value = float((right[labels == 1].mean() + right[labels == 0].mean()) / 2)
    what = f"balanced cross-validated accuracy of a {classifier} classifier"
    how = "none: cross-validated accuracy is not binomial; read the AUC"
    return Estimate(
        value=value, estimand=what, target="human", n_units=len(labels), interval_method=how, baselines={"chance": 0.5}
    )


def _driving(names: Sequence[str], x: Floats, labels: Floats) -> tuple[tuple[str, float], ...]:
    weights = fit_binary(x, labels[:, None])[1:, 0]
    order = np.argsort(-np.abs(weights), kind="stable")[:10]
    return tuple((names[k], float(weights[k])) for k in order)


def _units(subjects: tuple[Sequence[Hashable], Sequence[Hashable]] | None, n_human: int, n_model: int) -> Ints:
    """Code of the subject of every row, people's rows first."""
    if subjects is None:
        return np.arange(n_human + n_model)
    theirs, ours = (list(side) for side in subjects)
    if (len(theirs), len(ours)) != (n_human, n_model):
        raise DataError(f"{len(theirs)} and {len(ours)} subjects for {n_human} and {n_model} rows; name each row's")
    if len(set(theirs)) < n_human or len(set(ours)) < n_model:
        raise DataError("a subject has several rows on one side; give one row per subject")
    code = {subject: k for k, subject in enumerate(dict.fromkeys([*theirs, *ours]))}
    return np.array([code[s] for s in [*theirs, *ours]], dtype=np.intp)


def _features(human: Any, model: Any) -> tuple[list[str], Floats, int]:
    """Names, and rows of both sides with an intercept first, people's rows on top."""
    sides = [_columns(side, name) for side, name in ((human, "human"), (model, "model"))]
    if apart := sorted(map(str, sides[0].keys() ^ sides[1].keys())):
        raise DataError(f"only one side has feature {', '.join(apart[:5])}; give both the same features")
    n_human, n_model = (len(next(iter(side.values()))) for side in sides)
    names: list[str] = []
    columns: list[Floats] = []
    for name, theirs in sides[0].items():
        for label, column in _coded(str(name), np.concatenate([theirs, sides[1][name]])):
            names.append(label)
            columns.append((column - column.mean()) / column.std())
    if not columns:
        raise DataError("no feature varies: the rows of both sides are all alike, so there is nothing to tell apart")
    return names, np.column_stack([np.ones(n_human + n_model), *columns]), n_human


def _columns(side: Any, name: str) -> Mapping[Hashable, NDArray[np.object_]]:
    names = list(side) if isinstance(side, Mapping) else getattr(side, "columns", None)
    if names is None:
        rows = np.asarray(side, dtype=object)
        if rows.ndim != 2 or not rows.shape[1] or not len(rows):
            raise DataError(f"{name} has shape {rows.shape}; give (n_rows, n_features), or named columns")
        return {k: rows[:, k] for k in range(rows.shape[1])}
    found = {column: np.array(list(side[column]), dtype=object) for column in names}
    if not found or len({len(column) for column in found.values()}) > 1 or not len(next(iter(found.values()))):
        raise DataError(f"{name} has no rows, or columns of different lengths; give one value per row and feature")
    return found


def _coded(name: str, values: NDArray[np.object_]) -> list[tuple[str, Floats]]:
    """A feature as columns that vary: indicators of its levels, or a number."""
    is_missing = np.array([value is None or value != value for value in values])
    labels = np.where(is_missing, "missing", values.astype(str))
    levels = np.unique(labels)
    is_text = any(isinstance(value, str) for value in values[~is_missing])
    if is_text or len(levels) <= _MOST_LEVELS:
        if len(levels) < 2:
            return []
        # Of two levels one indicator says all.
        return [(f"{name}={level}", 1.0 * (labels == level)) for level in levels[len(levels) == 2 :]]
    if is_missing.any():
        raise MissingDataError(f"feature {name!r} has {int(is_missing.sum())} missing numbers; leave those rows out")
    return [(name, values.astype(np.float64))]

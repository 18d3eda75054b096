"""Who was labelled by people, who only predicted by a model, and with which weights, clusters and regressors."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband.errors import DataError, DesignError
from proband.measures.arrays import Floats, finite, rank

Codes = NDArray[np.intp]
Columns = Mapping[str, ArrayLike] | ArrayLike


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How labelled and unlabelled units were drawn; the default is two simple random samples.

    - `weights`, `weights_unlabelled` (n,) and (N,): survey weights on any scale; units of weight 0 stand for nobody and
      are left out. Both samples must stand for the same population under them.
    - `cluster`, `cluster_unlabelled` (sequence, length n and N, optional): which units are not independent of each
      other: answers of one person, people of one household.
    """

    weights: ArrayLike | None = None
    weights_unlabelled: ArrayLike | None = None
    cluster: Sequence[Hashable] | None = None
    cluster_unlabelled: Sequence[Hashable] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Regressors:
    """The right-hand side of a regression, for labelled and unlabelled units.

    - `labelled`, `unlabelled` (n, k) and (N, k): the same columns for both. Columns of an array are called x1, x2,
      ...
    - `predicted_labelled` (mapping of name to column, optional): for `dsl_ols`: predictions, for the labelled units,
      of those columns that a model had to predict; `unlabelled` then holds predictions in these columns.
    - `intercept`: whether a constant is added in front.
    """

    labelled: Columns
    unlabelled: Columns
    predicted_labelled: Mapping[str, ArrayLike] | None = None
    intercept: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two samples: shares of the units, and the cluster of each as a code, or None.

    `share` (n,) sums to 1; `spread` is its sum of squares over clusters: 1/n for equal weights and no clusters.
    """

    share: Floats
    cluster: Codes | None
    is_plain: bool

    @property
    def n_units(self) -> int:
        """Units, clustered or not."""
        return self.share.size

    @property
    def n_clusters(self) -> int:
        """Independent units."""
        return self.n_units if self.cluster is None else int(self.cluster.max(initial=-1)) + 1

    @property
    def spread(self) -> float:
        """Sum of squared shares of clusters."""
        return float((self.summed(self.share) ** 2).sum())

    def summed(self, values: Floats) -> Floats:
        """Values of units, shape (n, ...), summed within clusters; as they are without clusters."""
        if self.cluster is None:
            return values
        flat = values.reshape(len(values), -1)
        columns = [np.bincount(self.cluster, weights=c, minlength=self.n_clusters) for c in flat.T]
        return np.array(columns, dtype=np.float64).T.reshape(self.n_clusters, *values.shape[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Answers y and predictions f of the labelled, predictions u of the unlabelled, and both samples."""

    y: Floats
    f: Floats
    u: Floats
    left: Side
    right: Side

    @property
    def is_binary(self) -> bool:
        """Whether every human answer is 0 or 1."""
        return bool(np.isin(self.y, (0.0, 1.0)).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Labels and both design matrices, x (n, k) and z (N, k), of coefficients with `names`."""

    names: tuple[str, ...]
    labels: Labels
    x: Floats
    z: Floats

    def rounding(self, curvature: Floats) -> Floats:
        """Spread of a coefficient's influences below which predictions differ by rounding only, shape (k,)."""
        moment = (self.x * (self.labels.left.share * curvature)[:, None]).T @ self.x
        largest = max(float(np.abs(part).max(initial=0)) for part in (self.labels.f, self.labels.u))
        return 1e-10 * largest * np.sqrt(np.diag(np.linalg.inv(moment)))


def read_labels(
    labelled: ArrayLike,
    predicted_labelled: ArrayLike,
    predicted_unlabelled: ArrayLike,
    sampling: Sampling | None = None,
) -> Labels:
    """Checked arrays; a missing, infinite or misaligned value is an error that says where."""
    sampling = sampling or Sampling()
    y = numbers(labelled, "labelled")
    f = numbers(predicted_labelled, "predicted_labelled")
    u = numbers(predicted_unlabelled, "predicted_unlabelled")
    if y.size < 2:
        raise DesignError(f"{y.size} labelled units; a variance needs at least 2, an interval 10")
    if f.size != y.size:
        raise DataError(f"{y.size} labelled answers and {f.size} predictions of them; join both by unit, one for each")
    left = read_side(sampling.weights, sampling.cluster, y.size, "labelled")
    right = read_side(sampling.weights_unlabelled, sampling.cluster_unlabelled, u.size, "unlabelled")
    if sampling.cluster is not None and sampling.cluster_unlabelled is not None:
        both = set(sampling.cluster) & set(sampling.cluster_unlabelled)
        if both:
            raise DesignError(
                f"cluster {min(both, key=repr)!r} has labelled and unlabelled units, so the two samples are not "
                "independent; use dsl_mean or dsl_ols, which take them together"
            )
    return Labels(y=y, f=f, u=u, left=left, right=right)


def read_side(weights: ArrayLike | None, clusters: Sequence[Hashable] | None, n: int, name: str) -> Side:
    """Shares and cluster codes of one sample."""
    share = np.full(n, 1 / max(n, 1))
    if weights is not None:
        w = numbers(weights, f"weights of the {name} units")
        if w.size != n:
            raise DataError(f"{w.size} weights for {n} {name} units; give one each")
        if not (w > 0).all():
            bad, its = int((w <= 0).argmax()), "weights are positive, or 0 for who stands for nobody"
            raise DataError(f"weight {bad} of the {name} units is {w[bad]}; {its}")
        w = w / w.max(initial=0)
        share = w / w.sum()
    cluster = None if clusters is None else cluster_codes(clusters, n, name)
    return Side(share=share, cluster=cluster, is_plain=clusters is None and bool(np.ptp(share) < 1e-15 if n else True))


def cluster_codes(clusters: Sequence[Hashable], n: int, name: str) -> Codes:
    """Clusters numbered from 0 in the order they appear."""
    if len(clusters) != n:
        raise DataError(f"{len(clusters)} clusters for {n} {name} units; give every unit its cluster")
    number: dict[Hashable, int] = {}
    codes = [number.setdefault(cluster, len(number)) for cluster in clusters]
    if n > 0 and len(number) < 2:
        raise DesignError(f"all {name} units are in one cluster; a variance needs at least 2 clusters")
    return np.array(codes, dtype=np.intp)


def numbers(values: ArrayLike, name: str, *, ndim: int = 1) -> Floats:
    """Values as finite floats of `ndim` dimensions."""
    # Who was asked and did not answer is not like those whom nobody asked, whom the unlabelled stand for.
    return finite(
        values,
        name,
        ndim=ndim,
        way_out="leave these units out and report how many (one whose answer is missing may not be moved to the "
        "unlabelled)",
    )


def read_data(labels: Labels, regressors: Regressors) -> Data:
    """A regression with known regressors."""
    if regressors.predicted_labelled:
        raise DesignError(
            f"regressors {sorted(regressors.predicted_labelled)} are predicted; PPI corrects a predicted outcome: "
            "use dsl_ols, which corrects predicted regressors too"
        )
    names, x, z = read_regressors(regressors, labels.y.size, labels.u.size)
    if 0 < len(z) < 2 * len(names):
        raise DesignError(f"{len(z)} unlabelled units for {len(names)} coefficients; give more, or none at all")
    return Data(names=names, labels=labels, x=x, z=z)


def read_regressors(regressors: Regressors, n: int, n_unlabelled: int) -> tuple[tuple[str, ...], Floats, Floats]:
    """Names and design matrices, shape (n, k) and (N, k), of full rank among the labelled."""
    left, right = named_columns(regressors.labelled, n), named_columns(regressors.unlabelled, n_unlabelled)
    if list(left) != list(right):
        missing = sorted(set(left) ^ set(right))
        raise DataError(
            f"labelled and unlabelled units differ in the regressors {missing or list(right)}; give both the same "
            "columns in the same order"
        )
    names = (("intercept",) if regressors.intercept else ()) + tuple(left)
    if not names:
        raise DesignError("a regression without regressors and intercept; use ppi_mean or dsl_mean")
    x, z = design_matrix(left, n, regressors), design_matrix(right, n_unlabelled, regressors)
    if n <= len(names) or rank(x) < len(names):
        raise DesignError(
            f"{n} labelled units do not identify {len(names)} coefficients ({', '.join(names)}): columns are constant, "
            "repeat each other or are too many; drop some or label more people"
        )
    return names, x, z


def named_columns(columns: Columns, n: int) -> dict[str, Floats]:
    """Regressors by name, each of shape (n,)."""
    if isinstance(columns, Mapping):
        named = {str(name): numbers(column, f"regressor {name!r}") for name, column in columns.items()}
    else:
        array = np.asarray(columns, dtype=np.float64)
        matrix = numbers(array[:, None] if array.ndim == 1 else array, "regressors", ndim=2)
        named = {f"x{k + 1}": column for k, column in enumerate(matrix.T)}
    for name, column in named.items():
        if column.size != n:
            raise DataError(f"regressor {name!r} has {column.size} values for {n} units; give one each")
    return named


def design_matrix(named: Mapping[str, Floats], n: int, regressors: Regressors) -> Floats:
    """Columns beside each other, shape (n, k), after the constant if there is one."""
    constant = [np.ones(n)] if regressors.intercept else []
    return np.column_stack([*constant, *named.values()])


def read_probabilities(probabilities: ArrayLike, n: int) -> Floats:
    """1 over the probability of being labelled, shape (n,)."""
    given = np.asarray(probabilities, dtype=np.float64)
    pi = numbers(np.full(n, given) if given.ndim == 0 else given, "probabilities")
    if pi.size != n:
        raise DataError(f"{pi.size} probabilities for {n} labelled units; give one each, or one for all")
    if (pi <= 0).any() or (pi > 1).any():
        bad = int(((pi <= 0) | (pi > 1)).argmax())
        raise DesignError(
            f"labelling probability {bad} is {pi[bad]}; it must be known, above 0 and at most 1. A unit that could "
            "not have been labelled cannot be stood for by others"
        )
    return 1 / pi


def probability_notes(inverse: Floats, n_all: int) -> tuple[str, ...]:
    """Warn where the probabilities do not add up to the number of units, or a few labels carry everything."""
    stood_for = float(inverse.sum())
    noise = math.sqrt(float(((1 - 1 / inverse) * inverse**2).sum()))
    notes = []
    if abs(stood_for - n_all) > 4 * noise + 1:
        notes.append(
            f"by their probabilities the labelled stand for {stood_for:.0f} units, but there are {n_all}: the "
            "probabilities are not those of the design"
        )
    if inverse.max() > 10 * np.median(inverse):
        notes.append(
            f"one label stands for {inverse.max():.0f} units, the middle one for {np.median(inverse):.0f}: "
            "a few labels carry the estimate"
        )
    return tuple(notes)

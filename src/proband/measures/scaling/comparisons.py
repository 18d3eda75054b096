"""Bradley-Terry scales: objects in order of how often they win, with errors, ties and the advantage of being first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse, special

from proband.errors import DataError, DesignError, meant
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, Ints, finite
from proband.measures.experiments.outcomes import Labels, coded
from proband.measures.scaling.likelihood import Comparisons

_SHOWN = 4  # names in a message


@dataclass(frozen=True, kw_only=True, eq=False)
class PairScale:
    """Objects on one scale, in log odds of being chosen.

    Attributes
    ----------
    names : tuple of str
        The objects, in the order they came up.
    values : array, shape (n_objects,)
        Log odds; they sum to 0. Two objects that are x apart: the higher one is chosen exp(x) times as often.
    covariance : array, shape (n_objects, n_objects)
        Of the values.
    position : Estimate or None
        Log odds that what is shown first gains by it; None where it was not estimated.
    ties : Estimate or None
        Log of how likely a tie is between equals, over half the chance that one of them is chosen (Davidson's nu is
        its exponential); None where nothing was tied.
    n, n_clusters : int
        Comparisons; clusters of them, 0 where each was taken to be independent.
    """

    names: tuple[str, ...]
    values: Floats
    covariance: Floats
    position: Estimate | None
    ties: Estimate | None
    n: int
    n_clusters: int
    level: float
    target: Target

    def __getitem__(self, name: str) -> Estimate:
        """An object's value, above or below the mean of all."""
        return self._contrast({name: 1.0}, f"{name}: log odds of being chosen, against the mean of all objects")

    def difference(self, one: str, other: str) -> Estimate:
        """How much higher one object stands than another, with the error of this contrast."""
        return self._contrast({one: 1.0, other: -1.0}, f"{one} less {other}: log odds of being chosen")

    def _contrast(self, weights: dict[str, float], estimand: str) -> Estimate:
        c = np.zeros(len(self.names))
        for name, weight in weights.items():
            if name not in self.names:
                raise DesignError(f"no object {name!r}{meant(name, self.names)}; there are {len(self.names):,}")
            c[self.names.index(name)] += weight
        about = Estimate(
            value=float(c @ self.values), estimand=estimand, target=self.target, n_units=self.n,
            n_clusters=self.n_clusters or None, level=self.level,
        )  # fmt: skip
        return _normal(about, float(c @ self.covariance @ c))


def bradley_terry(
    first: Sequence[str],
    second: Sequence[str],
    won: ArrayLike,
    *,
    tied: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    cluster: Labels | None = None,
    position: bool = False,
    penalty: Literal["firth", "none"] = "firth",
    level: float = 0.95,
    target: Target = "model",
) -> PairScale:
    """A scale of objects that were compared two by two.

    Parameters
    ----------
    first, second : sequence of str, shape (n,)
        What was compared, as it was shown.
    won : array_like, shape (n,)
        1 where the first was chosen, 0 where it was not; or the probability that it was.
    tied : array_like, shape (n,), optional
        The same of a tie; by default nothing is. A tie is no win.
    weights : array_like, shape (n,), optional
        How often the comparison was made, above 0.
    cluster : sequence, shape (n,), optional
        Comparisons that lean on each other: of one judge, or one pair judged several times. Errors are then a sandwich
        with Bell and McCaffrey's correction (CR2); without, every comparison is taken to be independent. Probabilities
        in place of choices need it: their spread is less than that of choices.
    position : bool
        Whether what is shown first may have an advantage, estimated beside the scale.
    penalty : {"firth", "none"}
        Jeffreys' prior, which keeps whoever always wins finite and takes off the first-order bias; or plain maximum
        likelihood, refused where it has no finite maximum.
    level : float
        Confidence level.
    target : {"model", "human", "data"}
        Whose scale it is.

    Returns
    -------
    PairScale
        Values that sum to 0, their covariance, contrasts, advantage of the first, ties.

    Raises
    ------
    DataError
        If objects fall into groups that were never compared with each other, which are named: nothing says how the
        groups compare; if an object is compared with itself; if shares are outside 0 to 1; if there is no finite
        maximum without a penalty.

    Notes
    -----
    With x the difference of values plus the advantage of standing first, P(first) : P(second) : P(tie) =
    exp(x / 2) : exp(-x / 2) : exp(tau) (Davidson 1970; order effect after Davidson & Beaver 1977). The penalty adds
    half the log determinant of Fisher's information (Firth 1993). Intervals are normal.

    References
    ----------
    Bradley & Terry (1952), Biometrika 39, 324-345. doi:10.1093/biomet/39.3-4.324
    Davidson (1970), Journal of the American Statistical Association 65, 317-328. doi:10.1080/01621459.1970.10481082
    Davidson & Beaver (1977), Biometrics 33, 693-702. doi:10.2307/2529467
    Firth (1993), Biometrika 80, 27-38. doi:10.1093/biomet/80.1.27
    Bell & McCaffrey (2002), Survey Methodology 28, 169-181.

    Examples
    --------
    >>> scale = bradley_terry(["a"] * 4, ["b"] * 4, [1, 1, 1, 0], penalty="none")
    >>> round(scale.difference("a", "b"), 4)  # log 3
    1.0986
    """
    names, codes = _objects(first, second)
    rows = len(codes[0])
    y = _shares(won, "won", rows)
    t = np.zeros(rows) if tied is None else _shares(tied, "tied", rows)
    if (y + t > 1 + 1e-9).any():
        row = int(np.argmax(y + t))
        raise DataError(f"comparison {row + 1}: won {y[row]:g} and tied {t[row]:g} are more than 1; a tie is no win")
    w = np.ones(rows) if weights is None else finite(weights, "weights of comparisons")
    if len(w) != rows or w.min() <= 0 or w.max() > 1e9:
        raise DataError(f"weights: {len(w)} for {rows} comparisons; give each one above 0, at most 1e9")
    check_connected(names, *codes)
    if penalty == "none":
        _check_finite(names, codes, y, t)
    made = Comparisons(
        first=codes[0], second=codes[1], won=y, tied=t, weights=w, n_objects=len(names),
        has_position=position, has_ties=bool(t.any()),
    )  # fmt: skip
    return _fitted(made, names, cluster, is_penalised=penalty == "firth", level=level, target=target)


def corrected_bradley_terry(
    first: Sequence[str], second: Sequence[str], won: ArrayLike, expert: ArrayLike, *, level: float = 0.95
) -> PairScale:
    """A scale of comparisons by a model, corrected by experts who made some of them as well.

    The experts' own scale, plus a share of what the model's scale of all pairs is above its scale of the experts'
    pairs: what the experts' pairs happen to be is taken off as far as the model knows it, and the model's own error
    falls out of the difference. The share is what makes errors smallest (prediction-powered inference, tuned).

    Parameters
    ----------
    first, second : sequence of str, shape (n,)
        Pairs, each once, the positions averaged.
    won : array_like, shape (n,)
        Share that the model gives the first, ties counted half.
    expert : array_like, shape (n,)
        The same of experts; NaN where none was asked.
    level : float
        Confidence level.

    Returns
    -------
    PairScale
        About people ("human"); errors are a sandwich over pairs, `n` is the number of the experts' pairs.

    Raises
    ------
    DataError
        As `bradley_terry`; also if the experts' pairs alone leave groups of objects unconnected.

    Notes
    -----
    Assumes that pairs were given to experts at random, each as likely, whatever the model said of them. All three
    scales carry Firth's penalty, so that they are finite.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), PPI++: efficient prediction-powered inference. arXiv:2311.01453
    Firth (1993), Biometrika 80, 27-38. doi:10.1093/biomet/80.1.27

    Examples
    --------
    >>> pairs = ["a", "a", "b"] * 8, ["b", "c", "c"] * 8
    >>> scale = corrected_bradley_terry(*pairs, [0.6, 0.7, 0.6] * 8, [1, 1, 0] * 2 + [float("nan")] * 18)
    >>> scale.target, scale.n
    ('human', 6)
    """
    names, codes = _objects(first, second)
    y = _shares(won, "won", len(codes[0]))
    try:
        said = np.asarray(expert, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"expert must be numbers, NaN where nobody was asked ({error})") from error
    asked = ~np.isnan(said)
    if said.shape != y.shape or asked.sum() < 2:
        raise DataError(f"expert: shape {said.shape}, {asked.sum()} judgements for {len(y)} pairs; give at least 2")
    _shares(said[asked], "expert", int(asked.sum()))
    check_connected(names, *codes)
    try:
        check_connected(names, codes[0][asked], codes[1][asked])
    except DataError as error:
        raise DataError(f"comparisons by experts: {error}") from None
    rows = np.arange(len(y))
    human, of_human = _influence(names, codes, said, rows[asked])
    same, of_same = _influence(names, codes, y, rows[asked])
    model, of_model = _influence(names, codes, y, rows)
    change = of_model - of_same
    share = float(np.clip(-(of_human * change).sum() / max((change * change).sum(), 1e-300), 0, 1))
    moved = of_human + share * change
    values = human + share * (model - same)
    return PairScale(
        names=names, values=values - values.mean(), covariance=moved.T @ moved, position=None, ties=None,
        n=int(asked.sum()), n_clusters=int(asked.sum()), level=level, target="human",
    )  # fmt: skip


def _influence(names: Sequence[str], codes: tuple[Ints, Ints], won: Floats, rows: Ints) -> tuple[Floats, Floats]:
    """Values of the objects by some of the pairs, and what each of all the pairs moves them."""
    n, m = len(names), len(rows)
    made = Comparisons(
        first=codes[0][rows], second=codes[1][rows], won=won[rows], tied=np.zeros(m), weights=np.ones(m), n_objects=n,
        has_position=False, has_ties=False,
    )  # fmt: skip
    beta, inverse = made.maximum(is_penalised=True)
    moved = np.zeros((len(won), n))
    moved[rows] = made.influence(beta, inverse, np.arange(m))[:, :n]
    return beta[:n], moved


def check_connected(names: Sequence[str], first: Ints, second: Ints) -> None:
    """Refuse comparisons that leave groups of objects without any comparison between them."""
    n_groups, group = _groups(len(names), first, second, "weak")
    if n_groups > 1:
        sizes = np.bincount(group)
        largest = sorted(range(n_groups), key=lambda g: (-sizes[g], g))[:_SHOWN]
        told = "; ".join(f"{sizes[g]} with {_named(names, group == g)}" for g in largest)
        more = f"; and {n_groups - _SHOWN} more" if n_groups > _SHOWN else ""
        raise DataError(
            f"{len(names)} objects fall into {n_groups} groups that were never compared with each other: {told}{more}; "
            "compare some across the groups, or scale each group by itself"
        )


def _objects(first: Sequence[str], second: Sequence[str]) -> tuple[tuple[str, ...], tuple[Ints, Ints]]:
    if len(first) != len(second) or not len(first):
        raise DataError(f"{len(first)} first and {len(second)} second objects; give both of every comparison")
    codes, names = coded([*first, *second], "the object")
    halves = codes[: len(first)], codes[len(first) :]
    if (same := halves[0] == halves[1]).any():
        row = int(np.argmax(same))
        raise DataError(f"comparison {row + 1}: {str(first[row])!r} is compared with itself; leave it out")
    return tuple(map(str, names)), halves


def _shares(values: ArrayLike, what: str, n: int) -> Floats:
    found = finite(values, what)
    if len(found) != n or found.min() < 0 or found.max() > 1:
        raise DataError(f"{what}: {len(found)} values for {n} comparisons; give each one between 0 and 1")
    return found


def _groups(n: int, start: Ints, end: Ints, connection: Literal["weak", "strong"]) -> tuple[int, Ints]:
    graph = sparse.coo_array((np.ones(len(start)), (start, end)), shape=(n, n))
    found = sparse.csgraph.connected_components(graph, directed=True, connection=connection)
    return int(found[0]), np.asarray(found[1], dtype=np.intp)


def _check_finite(names: Sequence[str], codes: tuple[Ints, Ints], won: Floats, tied: Floats) -> None:
    """Refuse comparisons that have no finite maximum: some group never lost to the others (Ford 1957)."""
    up, down = won + tied > 0, won < 1
    start, end = np.concatenate([codes[0][up], codes[1][down]]), np.concatenate([codes[1][up], codes[0][down]])
    n_groups, group = _groups(len(names), start, end, "strong")
    if n_groups > 1:
        beaten = {int(g) for g in group[end[group[start] != group[end]]]}
        top = next(g for g in range(n_groups) if g not in beaten)
        raise DataError(
            f"{_named(names, group == top)} never lost to any other, so maximum likelihood puts it infinitely high; "
            'take penalty="firth"'
        )


def _named(names: Sequence[str], among: np.ndarray) -> str:
    there = [name for name, is_in in zip(names, among, strict=True) if is_in]
    return ", ".join(there[:_SHOWN]) + (f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else "")


def _fitted(
    made: Comparisons, names: tuple[str, ...], cluster: Labels | None, *, is_penalised: bool, level: float,
    target: Target,
) -> PairScale:  # fmt: skip
    beta, inverse = made.maximum(is_penalised=is_penalised)
    n_clusters, covariance = 0, inverse
    if cluster is not None:
        groups, labels = coded(cluster, "the cluster")
        n_clusters = len(labels)
        if len(groups) != len(made.first) or n_clusters < 2:
            raise DataError(f"{len(groups)} clusters for {len(made.first)} comparisons; give each one, two in all")
        moved = made.influence(beta, inverse, groups)
        covariance = moved.T @ moved
    n = made.n_objects
    ends: list[Estimate | None] = []
    for k, there, told in (
        (n, made.has_position, "log odds of being chosen that standing first adds"),
        (n + 1, made.has_ties, "log of Davidson's nu: how likely a tie is between equals"),
    ):
        about = Estimate(
            value=float(beta[k]), estimand=told, target=target, n_units=len(made.first),
            n_clusters=n_clusters or None, level=level,
        )  # fmt: skip
        ends.append(_normal(about, float(covariance[k, k])) if there else None)
    return PairScale(
        names=names, values=beta[:n] - beta[:n].mean(), covariance=covariance[:n, :n], position=ends[0], ties=ends[1],
        n=len(made.first), n_clusters=n_clusters, level=level, target=target,
    )  # fmt: skip


def _normal(about: Estimate, variance: float) -> Estimate:
    """With its error, normal interval and test of 0; without spread, the value alone."""
    if not variance > 1e-24:
        return replace(about, interval_method="none: the comparisons do not vary", se=0.0)
    se = variance**0.5
    reach = se * float(special.ndtri((1 + about.level) / 2))
    z = about.value / se
    return replace(
        about, se=se, interval=(about.value - reach, about.value + reach), interval_method="normal", statistic=z,
        p_value=min(1.0, 2 * float(special.ndtr(-abs(z)))),
    )  # fmt: skip

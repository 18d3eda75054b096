"""Whether moves are best replies to what the others did, and what a player gives away by not playing the best one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, Ints, finite
from proband.measures.experiments.clusters import clustered_mean

_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Replies:
    """What `best_replies` found.

    - `best`: share of moves that paid most, given what the others did; its baseline is what moves at random reach.
    - `lost`: what a move paid less than the best one, in the unit of payoffs.
    - `exploitable`: what the one move that does best against the others pays more than the moves made.
    - `best_move`: which one that is, over all moves seen.
    """

    best: Estimate
    lost: Estimate
    exploitable: Estimate
    best_move: int


def best_replies(
    chosen: ArrayLike, payoffs: ArrayLike, cluster: Sequence[object], *, target: Target = "model"
) -> Replies:
    """Compare every move with all that were open at the time.

    With ``u[i, j]`` what move j would have paid in decision i, given what the others did: the share of decisions with
    ``u[i, chosen] = max_j u[i, j]``, the mean of ``max_j u[i, j] - u[i, chosen]``, and the mean of
    ``u[i, best] - u[i, chosen]``. There ``best`` is the move with the highest mean payoff in all other clusters, so
    that it is not chosen on the decisions it is judged by. Between two players who draw from fixed mixtures the last
    one is the regret of the mixture; summed over both it is their distance from equilibrium ("NashConv").

    Parameters
    ----------
    chosen : array_like, shape (n_decisions,)
        Index of the move made.
    payoffs : array_like, shape (n_decisions, n_moves)
        What each move would have paid.
    cluster : sequence, shape (n_decisions,)
        Players who meet each other, over all their rounds, are one cluster.
    target : {"model", "human", "data"}
        Whose moves they are.

    Returns
    -------
    Replies
        With intervals over clusters; `exploitable` has none where there is one cluster.

    Raises
    ------
    DataError, MissingDataError
        If shapes differ, a move is not among those open, or a payoff is missing.

    Examples
    --------
    Rock, paper and scissors in shares of 1/2, 1/4 and 1/4 against each of the three: always paper would win 1/4 more.

    >>> rock, paper, scissors = [0, 1, -1], [-1, 0, 1], [1, -1, 0]
    >>> other_plays = {"rock": [0, 1, -1], "paper": [-1, 0, 1], "scissors": [1, -1, 0]}
    >>> pays = [other_plays[name] for name in ["rock", "rock", "paper", "scissors"] * 3]
    >>> found = best_replies([0, 1, 2] * 4, pays, list(range(12)))
    >>> found.best_move, round(found.exploitable, 3), round(found.best, 3)
    (1, 0.25, 0.333)
    """
    u = finite(payoffs, "payoffs", ndim=2)
    made = np.asarray(chosen)
    if made.shape != (len(u),) or len(cluster) != len(u) or u.shape[1] < 2:
        raise DataError(
            f"chosen has shape {made.shape}, payoffs {u.shape}, with {len(cluster)} clusters; expected one move, one "
            "cluster, and the payoffs of at least 2 moves for every decision"
        )
    if not len(u) or not np.isin(made, np.arange(u.shape[1])).all():
        raise DataError(f"a move is none of 0 to {u.shape[1] - 1}, or there is none")
    made = made.astype(np.intp)
    got, most = u[np.arange(len(u)), made], u.max(axis=1)
    reach = _ROUNDING * max(1.0, float(np.abs(u).max()))
    is_best = u >= most[:, None] - reach
    clusters = list(cluster)
    best = clustered_mean(is_best[np.arange(len(u)), made].astype(np.float64), clusters, target=target)
    lost = clustered_mean(most - got, clusters, is_share=False, target=target)
    exploitable, best_move = _against_the_best(u, made, clusters, target)
    return Replies(
        best=replace(
            best,
            estimand="share of moves that are best replies to what the others did",
            baselines={"moves at random": float(is_best.mean())},
        ),
        lost=replace(lost, estimand="what a move pays less than the best reply"),
        exploitable=exploitable,
        best_move=best_move,
    )


def _against_the_best(u: Floats, made: Ints, clusters: list[object], target: Target) -> tuple[Estimate, int]:
    """What the best fixed move pays more; judged on clusters other than those it was found on."""
    codes = np.unique([str(name) for name in clusters], return_inverse=True)[1]
    sums = np.zeros((int(codes.max()) + 1, u.shape[1]))
    np.add.at(sums, codes, u)
    total = sums.sum(axis=0)
    elsewhere = (total - sums).argmax(axis=1) if len(sums) > 1 else total.argmax(keepdims=True)
    rows = np.arange(len(u))
    gain = u[rows, elsewhere[codes]] - u[rows, made]
    found = clustered_mean(gain, clusters, is_share=False, target=target)
    what = "what the best fixed move pays more than the moves made"
    return replace(found, estimand=what), int(total.argmax())

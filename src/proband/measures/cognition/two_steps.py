"""The two-step task: habit and planning, by what is repeated and by a model of learning."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, Ints, finite
from proband.measures.cognition.estimation import Fitted, Parameter, maximise, natural
from proband.measures.cognition.exploration import fit_logit
from proband.measures.experiments.clusters import clustered_mean

_COMMON = 0.7
_PARAMETERS = (
    Parameter(name="learning rate", kind="share", what="share of a surprise that is learnt, alpha"),
    Parameter(
        name="eligibility", kind="share", what="share of the coin's surprise that reaches the first choice, lambda"
    ),
    Parameter(name="model-based weight", kind="share", what="weight of planning against habit in the first choice, w"),
    Parameter(name="first sensitivity", kind="positive", what="log odds per value of the first choice, beta 1"),
    Parameter(name="second sensitivity", kind="positive", what="log odds per value of the second choice, beta 2"),
    Parameter(name="perseveration", kind="number", what="value of taking the same first option again, p"),
)

_PLACE = Parameter(name="place", kind="number", what="log odds for what stands first, at both steps")


@dataclass(frozen=True, kw_only=True)
class TwoStepFit:
    """What `fit_two_step` found.

    - `stays`: share of first choices that were made again, by what came before: ``common, rewarded`` and so on.
    - `regression`: log odds of staying: ``reward`` (habit), ``transition``, ``reward x transition`` (planning).
    - `parameters`: of the model of learning; and ``place`` where it was given.
    - `log_likelihood`: in nats, of `n_choices` choices of both steps.
    - `bic`: of ``learning``, and of ``no learning``: choices that like some options, repeat themselves and see places,
      whatever they lead to. Smaller is better.
    """

    stays: Mapping[str, Estimate]
    regression: Mapping[str, Estimate]
    parameters: Mapping[str, Estimate]
    log_likelihood: float
    bic: Mapping[str, float]
    n_choices: int
    warnings: tuple[str, ...] = ()


def two_step_probabilities(
    first: ArrayLike, state: ArrayLike, second: ArrayLike, reward: ArrayLike, parameters: Mapping[str, float]
) -> tuple[Floats, Floats]:
    """Probability of the second option (1) at both steps, before each trial, given the trials before.

    The hybrid of Daw et al. (2011) with one learning rate: the second step learns Q2 += alpha (r - Q2); the first
    learns Q1 += alpha (Q2 - Q1) + alpha lambda (r - Q2); planning takes .7 of the best that its common state has and
    .3 of the other; log odds are beta 1 (w planned + (1 - w) learnt + p same again), and beta 2 Q2.

    Parameters
    ----------
    first, state, second, reward : array_like, shape (n_blocks, n_trials)
        First choice, 0 or 1; state that it led to, numbered so that choice k commonly leads to state k; second choice;
        1 for a coin, else 0. -1 in all of them after a block's last trial.
    parameters : mapping
        As in `TwoStepFit.parameters`.

    Returns
    -------
    tuple of ndarray, shape (n_blocks, n_trials)
        Of the first step, and of the second in the state that was reached.

    References
    ----------
    Daw et al. (2011), Neuron 69, 1204-1215. doi:10.1016/j.neuron.2011.02.027

    Examples
    --------
    >>> start = {"learning rate": 0.5, "eligibility": 1.0, "model-based weight": 0.0, "first sensitivity": 2.0,
    ...          "second sensitivity": 2.0, "perseveration": 0.0}
    >>> one, two = two_step_probabilities([[1, 1]], [[1, 1]], [[1, 0]], [[1, 0]], start)
    >>> one.round(3).tolist(), two.round(3).tolist()
    ([[0.5, 0.731]], [[0.5, 0.731]])
    """
    made = _trials(first, state, second, reward)
    given = np.array([[parameters[parameter.name] for parameter in _PARAMETERS]])
    one, two = _odds(made, given)
    return special.expit(one[0]), special.expit(two[0])


def fit_two_step(
    first: ArrayLike,
    state: ArrayLike,
    second: ArrayLike,
    reward: ArrayLike,
    *,
    likely: tuple[ArrayLike, ArrayLike] | None = None,
    place: tuple[ArrayLike, ArrayLike] | None = None,
    target: Target = "model",
) -> TwoStepFit:
    """What is repeated after coins and rare turns, and the hybrid model of learning, fitted to all blocks together.

    Parameters
    ----------
    first, state, second, reward : array_like, shape (n_blocks, n_trials)
        As in `two_step_probabilities`. Blocks are the units.
    likely : pair of array_like, optional
        Probabilities with which the second option (1) would have been taken at either step, where they are known; they
        are fitted in place of what was drawn from them.
    place : pair of array_like, optional
        At either step 1 where the second option (1) stands first, -1 where it does not.
    target : {"model", "human", "data"}
        Whose choices they are.

    Returns
    -------
    TwoStepFit
        95 % intervals with errors clustered by block, t; none below 10 blocks, at the edge of a range, or where choices
        do not tell a parameter. See the page on coverage.

    Raises
    ------
    DataError, DesignError
        If shapes differ or a code is unknown; if nobody has a second trial, or no turn was rare.

    References
    ----------
    Daw et al. (2011), Neuron 69, 1204-1215. doi:10.1016/j.neuron.2011.02.027

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> first, second, reward = (rng.integers(0, 2, (12, 20)) for _ in range(3))
    >>> fit = fit_two_step(first, np.where(rng.random((12, 20)) < .7, first, 1 - first), second, reward)
    >>> fit.n_choices, min(fit.bic, key=fit.bic.get)
    (480, 'no learning')
    """
    made = _trials(first, state, second, reward)
    one, _, two, _ = made
    there = one >= 0
    if (one == made[1])[there].all():
        raise DesignError("no turn was rare, and without one habit and planning do the same; play more")
    if likely is None:
        p_one, p_two = one.astype(float), two.astype(float)
    else:
        p_one, p_two = (finite(x, "probabilities", ndim=2) for x in likely)
    sides = (np.zeros(one.shape),) * 2 if place is None else tuple([finite(x, "places", ndim=2) for x in place])
    if any(x.shape != one.shape for x in (p_one, p_two, *sides)):
        raise DataError(f"probabilities or places have another shape than the trials, {one.shape}; give one a trial")
    known = (*_PARAMETERS, *(() if place is None else (_PLACE,)))

    def by_block(theta: Floats) -> Floats:
        given = natural(theta, known)
        logs: Floats = np.zeros(())
        for p, odds, side in zip((p_one, p_two), _odds(made, given), sides, strict=True):
            x = odds if place is None else odds + given[:, 6, None, None] * side
            logs = logs + p * special.log_expit(x) + (1 - p) * special.log_expit(-x)
        sums: Floats = np.where(there, logs, 0.0).sum(axis=2)
        return sums

    starts = [[-1.0, 0.0, w, 1.0, 1.0, *([0.0] * (len(known) - 5))] for w in (-1.0, 1.0)]
    fitted = maximise(by_block, known, len(one), starts, target)
    again, regression, cautions = stays(made, p_one, target)
    n = 2 * int(there.sum())
    blind = _without_learning(made, (p_one, p_two), sides, is_placed=place is not None)
    return TwoStepFit(
        stays=again,
        regression=regression,
        parameters=fitted.estimates,
        log_likelihood=fitted.log_likelihood,
        bic={
            "learning": len(known) * math.log(n) - 2 * fitted.log_likelihood,
            "no learning": len(blind.estimates) * math.log(n) - 2 * blind.log_likelihood,
        },
        n_choices=n,
        warnings=(*fitted.warnings, *cautions),
    )


def _trials(*given: ArrayLike) -> tuple[Ints, Ints, Ints, Ints]:
    arrays = [np.asarray(x) for x in given]
    shapes = {x.shape for x in arrays}
    if len(shapes) > 1 or arrays[0].ndim != 2:
        raise DataError(f"trials have the shapes {sorted(shapes)}; expected (n_blocks, n_trials) four times")
    if not all(np.isin(x, (-1, 0, 1)).all() for x in arrays):
        raise DataError("a choice, state or coin is none of 0 and 1, and not -1 (after the last trial)")
    ended = [x < 0 for x in arrays]
    if not all((x == ended[0]).all() for x in ended) or (np.diff(ended[0].astype(int), axis=1) < 0).any():
        raise DataError("a trial is there in part, or after the last one; write -1 in all four from there on")
    if arrays[0].shape[1] < 2 or not (~ended[0][:, 1]).any():
        raise DesignError("no block has a second trial, so there is nothing to repeat or to learn from")
    one, state, two, coin = (x.astype(np.intp) for x in arrays)
    return one, state, two, coin


def _odds(made: tuple[Ints, Ints, Ints, Ints], given: Floats) -> tuple[Floats, Floats]:
    """Log odds of option 1 at both steps under sets of parameters, shape (n_sets, n_blocks, n_trials)."""
    rate, reach, weight, beta_1, beta_2, same = given.T[:6, :, None]
    one, state, two, coin = made
    n_blocks, n_trials = one.shape
    at = np.arange(n_blocks)
    q_1 = np.zeros((len(given), n_blocks, 2))
    q_2 = np.zeros((len(given), n_blocks, 2, 2))
    first, second = (np.zeros((len(given), n_blocks, n_trials)) for _ in range(2))
    for t in range(n_trials):
        a, s, b, r = (np.maximum(x[:, t], 0) for x in (one, state, two, coin))
        best = q_2.max(axis=3)
        planned = (2 * _COMMON - 1) * (best[:, :, 1] - best[:, :, 0])
        again = 0.0 if t == 0 else same * (2 * np.maximum(one[:, t - 1], 0) - 1)
        first[:, :, t] = beta_1 * (weight * planned + (1 - weight) * (q_1[:, :, 1] - q_1[:, :, 0]) + again)
        here = q_2[:, at, s]
        second[:, :, t] = beta_2 * (here[:, :, 1] - here[:, :, 0])
        reached = q_2[:, at, s, b]
        surprise = r - reached
        q_1[:, at, a] += rate * (reached - q_1[:, at, a]) + rate * reach * surprise
        q_2[:, at, s, b] += rate * surprise
    return first, second


def _without_learning(
    made: tuple[Ints, Ints, Ints, Ints], likely: tuple[Floats, Floats], sides: Sequence[Floats], *, is_placed: bool
) -> Fitted:
    """Choices that like some options, repeat the first one and see places, whatever they lead to."""
    one, state, _, _ = made
    there = one >= 0
    again = np.zeros(one.shape)
    again[:, 1:] = 2 * one[:, :-1] - 1
    nothing, is_one = np.zeros(int(there.sum())), np.ones(int(there.sum()))
    at = state[there]
    columns = {
        "first": np.concatenate([is_one, nothing]),
        "second, state 0": np.concatenate([nothing, at == 0]),
        "second, state 1": np.concatenate([nothing, at == 1]),
        "again": np.concatenate([again[there], nothing]),
    }
    if is_placed:
        columns["place"] = np.concatenate([side[there] for side in sides])
    told = {name: (name, column.astype(float)) for name, column in columns.items()}
    block = np.broadcast_to(np.arange(len(one))[:, None], one.shape)[there]
    return fit_logit(told, np.concatenate([p[there] for p in likely]), np.tile(block, 2).tolist(), "data")


def stays(
    made: tuple[Ints, Ints, Ints, Ints], p_one: Floats, target: Target
) -> tuple[dict[str, Estimate], dict[str, Estimate], tuple[str, ...]]:
    """How often a first choice was made again, by what it led to."""
    one, state, _, coin = made
    rows = one[:, 1:] >= 0
    before = one[:, :-1][rows]
    stay = np.where(before == 1, p_one[:, 1:][rows], 1 - p_one[:, 1:][rows])
    common, paid = (state == one)[:, :-1][rows], (coin == 1)[:, :-1][rows]
    block = np.broadcast_to(np.arange(len(one))[:, None], rows.shape)[rows]
    shares = {}
    for is_common in (True, False):
        for is_paid in (True, False):
            mask = (common == is_common) & (paid == is_paid)
            name = f"{'common' if is_common else 'rare'}, {'rewarded' if is_paid else 'unrewarded'}"
            if mask.any():
                shares[name] = clustered_mean(stay[mask].tolist(), block[mask].tolist(), is_share=True, target=target)
    signs = {"reward": np.where(paid, 0.5, -0.5), "transition": np.where(common, 0.5, -0.5)}
    columns = {
        "stay": ("log odds of staying, all else in the middle", np.ones(len(stay))),
        "reward": ("what a coin adds: habit", signs["reward"]),
        "transition": ("what a common turn adds", signs["transition"]),
        "reward x transition": (
            "what a coin adds more after a common turn: planning",
            2 * signs["reward"] * signs["transition"],
        ),
    }
    fitted = fit_logit(columns, stay, block.tolist(), target)
    return shares, fitted.estimates, fitted.warnings

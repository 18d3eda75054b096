"""What noise alone does to a model's answers: accuracy and consistency as beliefs are blurred more and more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from proband.errors import DataError
from proband.measures.arrays import Floats, Ints
from proband.measures.knowledge.options import OptionScore, row_scores

AMOUNTS: Floats = np.concatenate([[0.0], np.geomspace(0.1, 30.0, 19)])
"""Standard deviations of the noise on options' log-probabilities, in nats; the last leaves hardly more than chance."""
FALLING: Mapping[OptionScore, bool] = {"rank": True, "kl": False, "js": False}
"""Statistics of consistency that have a noise line, and whether noise makes them smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blurred:
    """Expected accuracy and consistency of items under every amount of noise.

    Attributes
    ----------
    right : array, shape (n_items, n_amounts)
        Probability that the most probable option is the right one.
    scores : mapping of statistic to array, shape (n_items, n_amounts)
        Expected consistency with the probabilities without noise; NaN where it is not defined.
    """

    right: Floats
    scores: Mapping[OptionScore, Floats]


def blurred(
    probs: Floats, answers: Ints, noise: Floats, *, statistics: Sequence[OptionScore] = tuple(FALLING)
) -> Blurred:
    """Expected accuracy and consistency of options' probabilities under Gaussian noise on their logarithms.

    Parameters
    ----------
    probs : array, shape (n_items, n_options)
        Before noise.
    answers : array of int, shape (n_items,)
        Place of the right option.
    noise : array, shape (n_items, n_draws, n_options)
        Standard normal draws, the same for every one of `AMOUNTS`. Drawn for every item by itself, so that what is
        left of their luck is part of the variance between items.
    statistics : sequence of str
        Of consistency, of those in `FALLING`.

    Raises
    ------
    DataError
        If shapes do not go together.
    """
    n, k = probs.shape
    if noise.shape[0] != n or noise.shape[2] != k or answers.shape != (n,):
        raise DataError(f"{n} items of {k} options, noise of shape {noise.shape}, {len(answers)} answers: not the same")
    draws = noise.shape[1]
    with np.errstate(divide="ignore"):
        logs = np.log(probs)[:, None, :]
    before = np.repeat(probs, draws, axis=0)
    same = np.repeat(probs[:, None, :], draws, axis=1)
    right = np.empty((n, len(AMOUNTS)))
    scores = {name: np.empty((n, len(AMOUNTS))) for name in statistics}
    for g, amount in enumerate(AMOUNTS):
        after = special.softmax(logs + amount * noise, axis=2) if amount else same
        right[:, g] = (after.argmax(axis=2) == answers[:, None]).mean(axis=1)
        for name, found in scores.items():
            found[:, g] = row_scores(before, after.reshape(n * draws, k), name).reshape(n, draws).mean(axis=1)
    return Blurred(right=right, scores=scores)


@dataclass(frozen=True, kw_only=True)
class NoiseLine:
    """Accuracy against consistency over some items as noise grows.

    `right` and `scores`, shape (n_items, n_amounts), as in `Blurred`; `is_falling` says whether noise lowers the
    scores.
    """

    right: Floats
    scores: Floats
    is_falling: bool

    @cached_property
    def accuracy(self) -> Floats:
        """Mean accuracy by amount of noise."""
        found: Floats = self.right.mean(axis=0)
        return found

    @cached_property
    def consistency(self) -> Floats:
        """Mean consistency by amount of noise; what is left of the draws' luck does not let it turn back."""
        sign = -1.0 if self.is_falling else 1.0
        found: Floats = sign * np.maximum.accumulate(sign * self.scores.mean(axis=0))
        return found

    def excess(self, right: Floats, scores: Floats) -> Floats:
        """What every item adds to accuracy less noise at equal consistency.

        The mean is that difference: accuracy less that of the noise under which mean consistency is what was found.
        Items' shares follow by the delta method: an item that is more consistent than under this noise is worth less
        by the line's slope there, so that their spread is that of the difference. More consistent than no noise, or
        less than the most, counts as these ends.

        Parameters
        ----------
        right, scores : array, shape (n_items,)
            Whether an item was right, and its consistency, after training.
        """
        sign = -1.0 if self.is_falling else 1.0
        x, y = sign * self.consistency, self.accuracy
        found = sign * float(scores.mean())
        place = float(np.interp(found, x, np.arange(len(x))))
        k = min(int(place), len(x) - 2)
        share = place - k
        of_right, of_scores = ((1 - share) * part[:, k] + share * part[:, k + 1] for part in (self.right, self.scores))
        left, last = max(k - 1, 0), min(k + 2, len(x) - 1)
        is_inside = x[0] < found < x[-1] and x[last] > x[left]
        slope = (y[last] - y[left]) / (x[last] - x[left]) if is_inside else 0.0
        gap: Floats = right - of_right - slope * sign * (scores - of_scores)
        return gap


def line_of(items: Sequence[tuple[Blurred, int]], statistic: OptionScore) -> NoiseLine:
    """The line over items, each given as its row of a `Blurred`."""
    rows = [(found.right[row], found.scores[statistic][row]) for found, row in items]
    return NoiseLine(
        right=np.array([right for right, _ in rows]),
        scores=np.array([scores for _, scores in rows]),
        is_falling=FALLING[statistic],
    )

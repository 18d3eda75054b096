"""SliCK: what a model knows, graded by how often it answers a question right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.arrays import Floats, Ints
from proband.measures.shares import wilson_interval

HIGHLY, MAYBE, WEAKLY, UNKNOWN = CATEGORIES = ("HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown")
_ONE_SIDED = 0.95


@dataclass(frozen=True, kw_only=True)
class KnowledgeCategories:
    """Grade of every question, and what the number of tries leaves open.

    - `categories`: one of HighlyKnown, MaybeKnown, WeaklyKnown, Unknown for every question.
    - `counts` (mapping of str to int): questions of each grade, all four named.
    - `greedy`, `sampled` (n_questions,): share of right answers; NaN in `sampled` where a question was not sampled.
    - `at_least` (n_questions,): 95 % one-sided lower limit of the true greedy share; of use for HighlyKnown.
    - `at_most` (n_questions,): 95 % one-sided upper limit of the true sampled share; of use for Unknown. NaN where
      not sampled.
    """

    categories: tuple[str, ...]
    counts: Mapping[str, int]
    greedy: Floats
    sampled: Floats
    at_least: Floats
    at_most: Floats
    warnings: tuple[str, ...] = ()


def slick_category(
    greedy_correct: ArrayLike, greedy_n: ArrayLike, sampled_correct: ArrayLike, sampled_n: ArrayLike
) -> KnowledgeCategories:
    """Grade questions by the share of right answers, greedy and sampled, over several prompts.

    HighlyKnown: every greedy answer right. MaybeKnown: some. WeaklyKnown: no greedy answer, but some sampled one.
    Unknown: none at all. Grades come from finite tries: 10 of 10 greedy still allows a true share of .74, 0 of 160
    sampled one of .0185. Graded again, questions at the edges move towards the middle: assign grades with one set of
    prompts and analyse with another, and count changes with `slick_transitions`.

    Parameters
    ----------
    greedy_correct, greedy_n : array_like, shape (n_questions,)
        Right answers and answers at temperature 0, one per few-shot prompt (the authors use 10 prompts).
    sampled_correct, sampled_n : array_like, shape (n_questions,)
        Right answers and answers at temperature above 0 (16 for each prompt, at .5); 0 of 0 where a question was not
        sampled, which is only allowed where a greedy answer was right. Scalars count for all questions.

    Returns
    -------
    KnowledgeCategories
        With Clopper and Pearson's one-sided limits.

    Raises
    ------
    DesignError
        If no greedy answer was right and none was sampled: that is not Unknown, but not known yet.
    DataError, MissingDataError
        If counts are out of range or not whole; if a count is missing.

    References
    ----------
    Gekhman et al. (2024), Does Fine-Tuning LLMs on New Knowledge Encourage Hallucinations? arXiv:2405.05904

    Examples
    --------
    >>> slick_category([10, 3, 0, 0], 10, [0, 0, 2, 0], [0, 0, 160, 160]).categories
    ('HighlyKnown', 'MaybeKnown', 'WeaklyKnown', 'Unknown')
    """
    greedy_right, greedy_tries, right, tries = _counts(greedy_correct, greedy_n, sampled_correct, sampled_n)
    if not (greedy_tries > 0).all():
        raise DesignError("a question has no greedy answer; ask it at temperature 0 first")
    open_ = (greedy_right == 0) & (tries == 0)
    if open_.any():
        raise DesignError(
            f"question {int(open_.argmax())} has no right greedy answer and was not sampled: sample it before calling "
            "it Unknown or WeaklyKnown"
        )
    # The first that holds counts: what every prompt gets right greedily is HighlyKnown, whatever the samples say.
    grade = np.select(
        [greedy_right == greedy_tries, greedy_right > 0, right > 0], [0, 1, 2], default=CATEGORIES.index(UNKNOWN)
    )
    was_sampled = tries > 0
    missed = tries - right
    # Clopper and Pearson's limits, one-sided: each at 95 %.
    at_most = np.where(missed > 0, special.betaincinv(right + 1, np.maximum(missed, 1), _ONE_SIDED), 1.0)
    lacked = greedy_tries - greedy_right
    at_least = np.where(
        greedy_right > 0, special.betaincinv(np.maximum(greedy_right, 1), lacked + 1, 1 - _ONE_SIDED), 0.0
    )
    few = int((greedy_tries < 5).sum())
    return KnowledgeCategories(
        categories=tuple(CATEGORIES[g] for g in grade.tolist()),
        counts={name: int((grade == g).sum()) for g, name in enumerate(CATEGORIES)},
        greedy=greedy_right / greedy_tries,
        sampled=np.divide(right, tries, out=np.full(len(tries), np.nan), where=was_sampled),
        at_least=at_least,
        at_most=np.where(was_sampled, at_most, np.nan),
        warnings=(f"{few} questions have fewer than 5 greedy answers: HighlyKnown says little",) if few else (),
    )


@dataclass(frozen=True, kw_only=True)
class KnowledgeTransitions:
    """Questions by their grade before (rows) and after (columns), in the order of `CATEGORIES`.

    - `counts` (4, 4): questions.
    - `shares` (4, 4): of the row; NaN in a row without questions.
    - `limits` (2, 4, 4): Wilson's 95 % limits of the shares.
    - `n_better`, `n_worse`: questions that rose and fell.
    """

    counts: Ints
    shares: Floats
    limits: Floats
    n_better: int
    n_worse: int


def slick_transitions(before: Sequence[str], after: Sequence[str]) -> KnowledgeTransitions:
    """Count how the grades of the same questions changed.

    Some change without any intervention: grade the untouched model twice, with two sets of prompts, and compare.

    Parameters
    ----------
    before, after : sequence of str, shape (n_questions,)
        Grades, e.g. `KnowledgeCategories.categories`, of the same questions in the same order.

    Returns
    -------
    KnowledgeTransitions
        Counts, shares within rows, and their limits.

    Raises
    ------
    DataError
        If the two differ in their number of questions.

    Examples
    --------
    >>> moved = slick_transitions(["HighlyKnown", "Unknown", "WeaklyKnown"], ["HighlyKnown", "HighlyKnown", "Unknown"])
    >>> moved.n_better, moved.n_worse
    (1, 1)
    """
    if len(before) != len(after):
        raise DataError(f"{len(before)} questions before and {len(after)} after; grade the same questions")
    grade = {name: g for g, name in enumerate(CATEGORIES)}
    rows = np.array([grade[name] for name in before], dtype=np.intp)
    columns = np.array([grade[name] for name in after], dtype=np.intp)
    counts = np.bincount(4 * rows + columns, minlength=16).reshape(4, 4)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full((4, 4), np.nan), where=totals > 0)
    limits = np.full((2, 4, 4), np.nan)
    for row in np.flatnonzero(totals.ravel()):
        for column in range(4):
            limits[:, row, column] = wilson_interval(float(shares[row, column]), float(totals[row, 0]))
    better, worse = int((columns < rows).sum()), int((columns > rows).sum())
    return KnowledgeTransitions(counts=counts, shares=shares, limits=limits, n_better=better, n_worse=worse)


def _counts(*given: ArrayLike) -> list[Floats]:
    try:
        arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(one, dtype=np.float64)) for one in given))
    except (TypeError, ValueError) as error:
        raise DataError("counts must be numbers, one per question, and all of the same length") from error
    if arrays[0].ndim != 1:
        raise DataError(f"counts have shape {arrays[0].shape}; give one number per question")
    table = np.stack(arrays)
    if np.isnan(table).any():
        raise MissingDataError("a count is missing; write 0 of 0 for a question that was not sampled")
    if (
        (table < 0).any()
        or (table != np.floor(table)).any()
        or (table[0] > table[1]).any()
        or (table[2] > table[3]).any()
    ):
        raise DataError("counts must be whole, at least 0, and right answers at most as many as answers")
    return list(table)

"""Grades of knowledge by SliCK, from written answers to a quiz's questions."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from proband.designs.quiz.sampling import GREEDY, Sampling
from proband.errors import DesignError
from proband.instruments.banks.bank import Bank
from proband.measures.knowledge.slick import KnowledgeCategories, slick_category
from proband.runs.run import Run
from proband.tuning.probing.beliefs import Beliefs, weights_of


def graded_by_sampling(beliefs: Beliefs, run: Run, sampling: Sampling) -> Beliefs:
    """Beliefs with the grades that written answers give, in place of those of the options' probabilities.

    An answer that names no option is a wrong one; one that failed or was cut off is not counted. Questions without a
    counted greedy answer, or without any counted sample where one is needed, are `lost`. The run is that of `sampling`,
    finished, and both are of the same model, prompt and bank.
    """
    quiz = sampling.quiz
    if quiz.bank.hash != beliefs.bank:
        raise DesignError(
            f"the beliefs are about the bank {beliefs.bank} and the answers about {quiz.bank.hash}; use one bank"
        )
    weights = weights_of(run, quiz, beliefs.model, beliefs.ask)
    if weights != beliefs.weights:
        raise DesignError(
            f"the beliefs are those of weights {beliefs.weights!r} and the answers of {weights!r}; use one checkpoint"
        )
    rows = run.table().filter((pl.col("subject") == beliefs.model) & (pl.col("ask") == beliefs.ask))
    counts = written_counts(rows, quiz.bank)
    ids = [
        id for id in beliefs.beliefs if (found := counts.get(id)) and found[1] > 0 and (found[0] > 0 or found[3] > 0)
    ]
    grades = grade([counts[id] for id in ids]).categories if ids else ()
    graded = {
        id: replace(beliefs[id], category=category, n_greedy_right=counts[id][0], n_greedy=counts[id][1])
        for id, category in zip(ids, grades, strict=True)
    }
    lost = tuple(id for id in beliefs.beliefs if id not in graded)
    return replace(beliefs, beliefs=graded, lost=(*beliefs.lost, *lost))


def grade(counts: Sequence[Sequence[int]]) -> KnowledgeCategories:
    """`slick_category` of rows of right and counted greedy answers, right and counted samples."""
    columns = list(zip(*counts, strict=True))
    return slick_category(columns[0], columns[1], columns[2], columns[3])


def written_counts(rows: pl.DataFrame, bank: Bank) -> dict[str, list[int]]:
    """Right and counted greedy answers, right and counted samples, of each question, from a model's responses."""
    found: dict[str, list[int]] = {}
    for item, temperature, status, answer in rows.select("item", "temperature", "status", "answer").iter_rows():
        counts = found.setdefault(item, [0, 0, 0, 0])
        if status not in ("failed", "truncated"):
            first = 0 if temperature == GREEDY else 2
            counts[first] += answer == bank[item].answer
            counts[first + 1] += 1
    return found

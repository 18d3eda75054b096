"""Subjects of whom some have human answers: what is known of whom, and how they were drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import answers
from proband.analyses.effects import Outcome, outcomes
from proband.measures import Sampling
from proband.runs.run import Run

FEWEST = 10  # labelled subjects below which there is no interval
_LEAST = 0.1  # share of the asked without a human answer from which it is a design and no item that was skipped


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """One outcome of the subjects with human answers, and the model's predictions of it for all asked.

    `known` have a human answer in `y` and a prediction in `f`, `others` were asked of no person and have one in `u`;
    `n_missing` subjects are left out because people were asked and gave no valid answer.
    """

    outcome: Outcome
    known: tuple[str, ...]
    others: tuple[str, ...]
    y: NDArray[np.float64]
    f: NDArray[np.float64]
    u: NDArray[np.float64]
    n_missing: int


def labelled(run: Run) -> list[Labelled]:
    """Every outcome for which a good part of the asked subjects, and not all, have human answers."""
    if run.people is None:
        return []
    ours, theirs = answers(run), answers(run.people)
    found = []
    for outcome in outcomes(run):
        predicted, given = outcome.scores(ours, "subject"), outcome.scores(theirs, "subject")
        asked = set(theirs.filter(pl.col("item") == outcome.item.id)["subject"])
        known = tuple(subject for subject in predicted if subject in given)
        others = tuple(subject for subject in predicted if subject not in asked)
        if len(known) >= FEWEST and len(others) >= _LEAST * len(predicted):
            found.append(
                Labelled(
                    outcome=outcome,
                    known=known,
                    others=others,
                    y=np.array([given[subject] for subject in known]),
                    f=np.array([predicted[subject] for subject in known]),
                    u=np.array([predicted[subject] for subject in others]),
                    n_missing=len(predicted) - len(known) - len(others),
                )
            )
    return found


def sample(run: Run, subjects: Sequence[str]) -> tuple[list[float] | None, list[str]]:
    """Weights, or None where all count the same, and units."""
    weights, units = run.weights, run.roster.clusters
    return [weights[s] for s in subjects] if weights else None, [units.get(s, s) for s in subjects]


def sampling(run: Run, one: Labelled) -> Sampling:
    """Weights and clusters of both samples; clusters only where subjects share a unit."""
    (w, units), (v, others) = sample(run, one.known), sample(run, one.others)
    is_clustered = len({*units, *others}) < len(units) + len(others)
    return Sampling(
        weights=w,
        weights_unlabelled=v,
        cluster=units if is_clustered else None,
        cluster_unlabelled=others if is_clustered else None,
    )


def shared_chance(drawn: Sampling) -> float | None:
    """Chance of a human answer where units hold subjects with and without one, so that samples are not independent."""
    units, others = drawn.cluster or (), drawn.cluster_unlabelled or ()
    return len(units) / (len(units) + len(others)) if set(units) & set(others) else None

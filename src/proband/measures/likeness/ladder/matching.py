"""One sheet of people and model for every condition of a run."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from proband.measures.arrays import Bools, Floats
from proband.measures.likeness.items.nulls import predict_from_traits
from proband.measures.likeness.ladder.answers import AskedItem, Block, Source, block_of
from proband.measures.likeness.ladder.people import Cast
from proband.measures.likeness.ladder.sheets import LadderSettings, Sheet
from proband.measures.surveys.design import simple_random_sample
from proband.seeds import rng_for

_NO_PERSONA = ("persona", "none")


def sheets_of(
    run: Source,
    people: Source,
    items: Sequence[AskedItem],
    cast: Cast,
    names: tuple[Sequence[str], Sequence[str]],
    settings: LadderSettings,
) -> tuple[list[Sheet], str | None]:
    """One sheet for every condition but those without a persona, which are a null row of the others."""
    conditions, shared = names
    levels = [run.frame[c].unique(maintain_order=True).drop_nulls().to_list() for c in conditions]
    sheets: list[Sheet] = []
    column, nobody_level = _NO_PERSONA
    has_nobody = column in conditions and nobody_level in levels[list(conditions).index(column)]
    reason = None if has_nobody else "the run has no condition persona = none"
    for combination in product(*levels):
        condition = dict(zip(conditions, combination, strict=True))
        if has_nobody and condition[column] == nobody_level:
            continue
        ours = _where(run.frame, condition)
        if ours.is_empty():
            continue
        theirs = _where(people.frame, {c: condition[c] for c in shared})
        model = block_of(ours, items, cast.subjects, is_model=True)
        human = block_of(theirs, items, cast.subjects, is_model=False)
        both = human.has & model.has
        if not both.any():
            continue
        nobody = None
        if has_nobody:
            bare = _where(run.frame, {**condition, column: nobody_level})
            nobody = block_of(bare, items, cast.subjects, is_model=True)
        sheets.append(_sheet(items, human, model, nobody, theirs, cast, condition, settings))
    return sheets, reason


def _where(frame: Any, condition: Mapping[str, Any]) -> Any:
    import polars as pl

    return frame.filter(*(pl.col(name) == level for name, level in condition.items())) if condition else frame


def _sheet(
    items: Sequence[AskedItem],
    human: Block,
    model: Block,
    nobody: Block | None,
    theirs: Any,
    cast: Cast,
    condition: Mapping[str, Any],
    settings: LadderSettings,
) -> Sheet:
    widths = [item.n_options for item in items]
    owner = np.repeat(np.arange(len(items)), widths)
    both = human.has & model.has
    # Only who answered on both sides is compared: otherwise who is missing would look like a difference in opinion.
    mask = both[:, owner]
    human = Block(np.where(mask, human.shares, 0.0).round(), both)
    model = Block(np.where(mask, model.shares, 0.0), both)
    outside = block_of(theirs, items, cast.outside, is_model=False) if cast.outside else None
    if outside is not None:
        outside = Block(outside.shares.round(), outside.has)
    design = cast.design or simple_random_sample(len(cast.subjects))
    rng = rng_for(0, "fidelity", "halves", *(f"{k}={v}" for k, v in sorted(condition.items())))
    halves = design.halves(settings.n_splits, rng)
    predicted, first_half = None, None
    if cast.predictors is not None:
        predicted, first_half = _by_traits(human, outside, cast, items, halves[0], settings)
    return Sheet(
        items=items,
        human=human,
        model=model,
        weights=cast.weights,
        design=cast.design,
        condition={k: str(v) for k, v in condition.items()},
        outside=outside,
        outside_weights=cast.outside_weights,
        nobody=nobody,
        by_traits=predicted,
        first_half=first_half,
        halves=halves,
        groups=cast.groups,
        settings=settings,
    )


def _by_traits(
    human: Block, outside: Block | None, cast: Cast, items: Sequence[AskedItem], half: Bools, settings: LadderSettings
) -> tuple[Floats, Bools | None]:
    """Predictions from traits: taught by held-out people, or by each half for the other."""
    assert cast.predictors is not None
    n = len(cast.subjects)
    x, x_outside = cast.predictors[:n], cast.predictors[n:]
    starts = np.cumsum([0, *(item.n_options for item in items)])[:-1]
    rng = rng_for(0, "fidelity", "traits")
    if outside is not None and (outside.has.sum(axis=0) >= settings.min_group).all():
        w = cast.outside_weights / cast.outside_weights.mean()
        answers = outside.shares * w[:, None]
        return predict_from_traits(x_outside, answers, x, starts=starts, rng=rng), None
    # Nobody predicts themselves: without people held out, each half is predicted by what the other half taught.
    answers = human.shares * (cast.weights / cast.weights.mean())[:, None]
    predicted = np.empty_like(answers)
    for taught, told in ((half, ~half), (~half, half)):
        predicted[told] = predict_from_traits(x[taught], answers[taught], x[told], starts=starts, rng=rng)
    return predicted, half

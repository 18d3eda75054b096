"""How answers move when something that should not matter is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures.response_bias.answer_cells import AnswerRows, answer_rows, item_cells
from proband.measures.response_bias.permutations import permuted_shifts
from proband.measures.response_bias.positions import position_bias
from proband.measures.response_bias.shifts import ItemShift, distance_between_levels, item_shift, overall_flips
from proband.seeds import rng_for

# Items with more different answers than this hold texts or measurements, not categories.
_MOST_ANSWERS = 50


@dataclass(frozen=True, kw_only=True)
class FactorReport:
    """How answers move with one factor.

    - `design`: whether subjects answered the same item under every level.
    - `total_variation`: mean of the items' distances, with a permutation test of all items together.
    - `flip_rate`: mean over subjects and items; the interval is clustered by both, from 5 items and 10 subjects on.
    - `items`: from the item that moves most to the one that moves least.
    - `statuses` (mapping of level to mapping of status to count): dispositions; a factor may move who answers, not
      only what.
    """

    factor: str
    levels: tuple[str, ...]
    design: Literal["within", "between"]
    total_variation: Estimate
    flip_rate: Estimate | None
    items: tuple[ItemShift, ...]
    statuses: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, kw_only=True)
class PerturbationReport:
    """What `perturbation_report` found.

    - `factors`: one per varied factor.
    - `positions` (mapping of number of options to Estimate): `a_bias` of the position in which the answer was shown,
      over items whose order was balanced: is the first option shown preferred? Empty where order was not varied.
    - `n_responses`, `n_valid`: rows of the run, and those with an answer.
    """

    factors: tuple[FactorReport, ...]
    positions: Mapping[int, Estimate] = field(default_factory=dict)
    n_responses: int = 0
    n_valid: int = 0
    warnings: tuple[str, ...] = ()


def perturbation_report(
    run: object,
    *,
    factors: Sequence[str] | None = None,
    n_permutations: int = 999,
    rng: np.random.Generator | None = None,
) -> PerturbationReport:
    """How answers move with every factor a run varied (order, labels, wording, ...), by item.

    For each factor: the distance between answer distributions under its levels beside the distance to expect if it did
    nothing, the share of answers that flip beside the share that flips when the same thing is asked again, and
    the change of the mean. Distances of samples are never 0: read them against their noise floor. Where the
    engine gives probabilities, distances use them and are free of drawing noise.

    Levels are permuted within subjects who met all of them; between subjects where each met one (jointly over items
    if a subject kept its level, else item by item). Compare flips with people's own retest or split-ballot flips:
    people move with wording and order too (Tjuatja et al. 2024).

    Parameters
    ----------
    run : run, polars or pandas frame, or mapping of columns
        Columns subject, item and answer (or label or value), one per factor; status, round, replicate, value,
        probs and shown are used where present.
    factors : sequence of str, optional
        Columns to report on; default all that vary and are not among a run's own columns.
    n_permutations : int
        Draws behind tests and floors, at least 99.
    rng : numpy.random.Generator, optional
        Source of permutations; None takes the place "perturbation_report" of seed 0.

    Returns
    -------
    PerturbationReport
        P values are not adjusted for the number of items or factors; use `adjust_p`.

    Raises
    ------
    DataError, DesignError
        If the table lacks a column, or a factor named has one level; if nothing was varied, or no item was answered
        under two levels.

    References
    ----------
    Tjuatja, Chen, Wu, Talwalkar & Neubig (2024), TACL 12. doi:10.1162/tacl_a_00685
    Cameron, Gelbach & Miller (2011), J. Bus. Econ. Stat. 29, 238-249. doi:10.1198/jbes.2010.07136

    Examples
    --------
    >>> rows = [(f"s{k}", "vote", frame, "yes" if (k % 4 == 0) == (frame == "gain") else "no")
    ...         for k in range(40) for frame in ("gain", "loss")]
    >>> table = dict(zip(("subject", "item", "frame", "label"), zip(*rows)))
    >>> report = perturbation_report(table).factors[0]
    >>> report.factor, report.design, round(report.total_variation, 2), round(report.items[0].flip_rate, 2)
    ('frame', 'within', 0.5, 1.0)
    """
    if n_permutations < 99:
        raise DesignError(f"n_permutations is {n_permutations}; a test at .05 needs at least 99")
    rng = rng if rng is not None else rng_for(0, "perturbation_report")
    rows = answer_rows(run, factors)
    by_item: dict[Any, list[int]] = {}
    for k, item in enumerate(rows.item):
        by_item.setdefault(item, []).append(k)
    positions, warnings = position_bias(rows, by_item)
    if not rows.factors and not positions:
        raise DesignError(
            "nothing was varied in this run: no factor has two levels and options kept their order; ask again with "
            "a condition or a counterbalanced order"
        )
    reports = []
    for name in rows.factors:
        report, said = _factor_report(rows, by_item, name, n_permutations, rng)
        warnings.extend(said)
        if report is not None:
            reports.append(report)
    return PerturbationReport(
        factors=tuple(reports),
        positions=positions,
        n_responses=rows.n_rows,
        n_valid=len(rows.item),
        warnings=tuple(warnings),
    )


def _factor_report(
    rows: AnswerRows, by_item: Mapping[Any, list[int]], name: str, n_permutations: int, rng: np.random.Generator
) -> tuple[FactorReport | None, list[str]]:
    levels = sorted({level for level in rows.factors[name] if level is not None}, key=repr)
    cells = {item: item_cells(rows, members, name, levels) for item, members in by_item.items()}
    # An item needs answers under every level; levels of a factor may be meant for other items.
    usable = {item: c for item, c in cells.items() if len(c.subjects) > 1 and c.present.any(axis=0).all()}
    warnings = []
    free = [item for item, c in usable.items() if c.means.shape[2] > _MOST_ANSWERS]
    if free:
        warnings.append(
            f"{name}: {len(free)} items have more than {_MOST_ANSWERS} different answers, e.g. {free[0]}; they are "
            "left out, code the answers first"
        )
        usable = {item: c for item, c in usable.items() if item not in free}
    if bare := [str(item) for item in cells if item not in usable and item not in free]:
        warnings.append(f"{name}: {len(bare)} items lack answers under some level, e.g. {bare[0]}; they are left out")
    if not usable:
        return None, warnings
    within = [c for c in usable.values() if c.is_within]
    drawn = permuted_shifts(list(usable.values()), n_permutations, rng)
    shifts = [item_shift(str(item), c, levels, drawn[j]) for j, (item, c) in enumerate(usable.items())]
    observed = float(np.mean([s.total_variation.value for s in shifts]))
    n_subjects = len({s for c in usable.values() for s in c.subjects})
    what = f"mean over {len(shifts)} items, levels of {name}"
    report = FactorReport(
        factor=name,
        levels=tuple(map(str, levels)),
        design="within" if 2 * len(within) >= len(usable) else "between",
        total_variation=distance_between_levels(observed, drawn.mean(axis=0), what=what, n=n_subjects),
        flip_rate=overall_flips(within, name) if within else None,
        items=tuple(sorted(shifts, key=lambda s: (-s.total_variation.value, s.item))),
        statuses=rows.statuses[name],
    )
    return report, warnings

"""Claims under every cell of a grid, on one sample of documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.errors import ProbandError
from proband.estimates import Estimate
from proband.measures import SpecificationCurve, specification_curve
from proband.seeds import uniform_for
from proband.texts.fragility.flips import Spread, groups_of, spread
from proband.texts.gold.claims import Claim
from proband.texts.gold.correcting import Threefold, told_why
from proband.texts.gold.evidence import Evidence, examine
from proband.texts.gold.tuning import Codes

Bools = NDArray[np.bool_]
SIDES = ("corrected", "uncorrected")


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A number of a claim, and what the grid makes of it; `side` says whether it is corrected."""

    claim: str
    label: str
    side: str
    reference: float | None
    locked: Estimate
    spread: Spread


def sampled(evidence: Evidence, n: int, seed: int) -> Evidence:
    """Evidence cut to all gold that corrects and as many other documents as make n, drawn each as likely.

    Whether people coded a document of this sample has the probability ``p / (p + (1 - p) q)``, with p that of the
    whole, and q that of the others to be drawn.
    """
    gold = [d for d in evidence.documents if d in evidence.probability]
    others = [d for d in evidence.documents if d not in evidence.probability and d not in evidence.asked]
    order = sorted(others, key=lambda d: (uniform_for(seed, "fragility", "draw", d), d))
    taken = {*gold, *order[: max(0, n - len(gold))]}
    q = min(1.0, max(0, n - len(gold)) / len(others)) if others else 1.0
    chances = {d: p / (p + (1 - p) * q) if p < 1 or q else 1.0 for d, p in evidence.probability.items()}
    return replace(part(evidence, np.array([d in taken for d in evidence.documents])), probability=chances)


def part(evidence: Evidence, kept: Bools) -> Evidence:
    """Evidence of some documents."""
    return replace(
        evidence,
        documents=[d for d, is_kept in zip(evidence.documents, kept, strict=True) if is_kept],
        columns=evidence.columns.filter(pl.Series(kept)),
        units=[u for u, is_kept in zip(evidence.units, kept, strict=True) if is_kept],
    )


def told_numbers(claim: Claim, evidence: Evidence) -> dict[str, Threefold]:
    """What a claim is about: its share, differences, slope or coefficients; nothing where it cannot be computed."""
    try:
        numbers = examine(claim, evidence).numbers
    except ProbandError:
        return {}
    return {label: number for label, number in numbers.items() if _is_told(claim, label)}


def reference_of(claim: Claim, threshold: float) -> float | None:
    """What the side of a claim refers to: nothing for differences, a threshold for shares; a mean has none."""
    return 0.0 if claim.form != "share" else threshold if claim.outcome.code else None


def tried(
    claims: Sequence[Claim], evidence: Evidence, cells: Sequence[Sequence[Codes]], *, threshold: float, seed: int,
    is_sampled: bool,
) -> list[Tried]:  # fmt: skip
    """Every number of every claim, over the cells of a grid.

    Parameters
    ----------
    claims, evidence : sequence of Claim, Evidence
        What is claimed; documents with the codes of the locked run.
    cells : sequence of sequence of Codes, shape (n_cells, n_repeats)
        Codes of every cell and repeat, the locked cell first.
    threshold : float
        Of shares.
    seed : int
        Of the study.
    is_sampled : bool
        Whether gold is a probability sample: else nothing is corrected.
    """
    groups = groups_of(evidence.units, seed)
    ways = [replace(evidence, codes=codes) for row in cells for codes in row] + [evidence]
    n_repeats = len(cells[0])
    found = []
    for claim in claims:
        whole = [told_numbers(claim, way) for way in ways]
        without = [[told_numbers(claim, part(way, groups != k)) for way in ways] for k in sorted(set(groups.tolist()))]
        for label in whole[-1]:
            for side in SIDES if is_sampled else SIDES[1:]:
                numbers = [_number(of, label, side) for of in whole]
                rows = [numbers[k : k + n_repeats] for k in range(0, len(numbers) - 1, n_repeats)]
                left = np.array([[_number(of, label, side).value for of in row] for row in without])
                reference = reference_of(claim, threshold)
                made = spread(rows, numbers[-1], left, reference=reference)
                found.append(Tried(claim=claim.name, label=label, side=side, reference=reference,
                                   locked=numbers[-1], spread=made))  # fmt: skip
    return found


def curves(claims: Sequence[Claim], evidence: Evidence, cells: Mapping[str, Sequence[Codes]], seed: int) -> dict[
    tuple[str, str], SpecificationCurve
]:  # fmt: skip
    """The grid as a specification curve, of claims that compare groups of units: uncorrected codes.

    Parameters
    ----------
    claims, evidence, seed
        As in `tried`.
    cells : mapping of str to sequence of Codes
        Name of every cell -> codes of its repeats.
    """
    found = {}
    for claim in claims:
        groups = evidence.columns[claim.by].cast(pl.String).to_list() if claim.form == "difference" else []
        names = sorted({group for group in groups if group})
        first = claim.against or (names[0] if names else "")
        for name in (name for name in names if name != first):
            made = told_why(partial(_curve, claim, evidence, cells, groups, (first, name)), claim.name)
            if isinstance(made, SpecificationCurve):
                found[claim.name, f"{name} less {first}"] = made
    return found


def _curve(
    claim: Claim, evidence: Evidence, cells: Mapping[str, Sequence[Codes]], groups: Sequence[str | None],
    compared: tuple[str, str],
) -> SpecificationCurve:  # fmt: skip
    sides: dict[str, set[str]] = {}
    for unit, group in zip(evidence.units, groups, strict=True):
        sides.setdefault(unit, set()).add(str(group))
    units = [unit for unit, of in sides.items() if len(of) == 1 and next(iter(of)) in compared]
    place = {unit: k for k, unit in enumerate(units)}
    y = np.full((len(units), len(cells)), np.nan)
    question = evidence.questions[claim.outcome.name]
    for column, repeats in enumerate(cells.values()):
        sums, counts = np.zeros(len(units)), np.zeros(len(units))
        for codes in repeats:
            for document, unit in zip(evidence.documents, evidence.units, strict=True):
                code = codes.get(claim.outcome.name, {}).get(document, (None, {}))[0]
                if code is None or unit not in place:
                    continue
                value = float(claim.outcome.code in code.split("; ")) if claim.outcome.code else question.value(code)
                if value is not None:
                    sums[place[unit]] += value
                    counts[place[unit]] += 1
        y[:, column] = np.divide(sums, counts, out=np.full(len(units), np.nan), where=counts > 0)
    treated = [next(iter(sides[unit])) == compared[1] for unit in units]
    return specification_curve(y, treated, names=list(cells))


def _number(of: Mapping[str, Threefold], label: str, side: str) -> Estimate:
    if label in of:
        found: Estimate = getattr(of[label], side)
        return found
    return Estimate(value=float("nan"), estimand=label, target="human", n_units=0, warnings=("not computed",))


def _is_told(claim: Claim, label: str) -> bool:
    if claim.form == "share":
        return True
    return label != "intercept" if claim.form == "regression" else " less " in label or label.startswith("per unit of")

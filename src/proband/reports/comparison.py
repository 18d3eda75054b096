"""A run beside people: shares, distances with intervals, null rows and the noise floor, item by item."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtrit

from proband.errors import DesignError
from proband.estimates import Estimate, Target
from proband.instruments.items import Item
from proband.measures import FidelitySettings, ItemFidelity, item_fidelity, missing_bounds, share_estimates
from proband.measures.fidelity.ladder.ladder import Ladder, fidelity
from proband.records import STATUSES
from proband.reports.checks import Check, response_checks
from proband.runs.run import Run
from proband.store.tables import factor_column

LIMITS = (
    "Without human answers, shares describe a model and its personas, not a population. "
    "With them, they describe how far the model is from those people on these items."
)

MOST_LEVELS = 7  # of a trait that divides people without being named


@dataclass(frozen=True, kw_only=True)
class ItemComparison:
    """One item under one condition.

    Attributes
    ----------
    item : Item
        What was asked.
    condition : mapping
        Level of every factor that varies.
    dispositions : mapping
        Count of each status among the model's responses.
    model_shares : tuple of Estimate
        Share of every substantive option; empty for items without options.
    model_mean, human_mean : Estimate or None
        Mean of a number; None for items with options.
    fidelity : ItemFidelity or None
        Comparison with people; None where people were not asked the item.
    mass : float or None
        Mean probability the engine put on the options together.
    bounds : tuple of Estimate
        Worst-case bounds of every option's share of the drawn answers, whatever the responses without an
        answer would have been; empty where every response has one.
    """

    item: Item
    condition: Mapping[str, str]
    dispositions: Mapping[str, int]
    model_shares: tuple[Estimate, ...] = ()
    model_mean: Estimate | None = None
    human_mean: Estimate | None = None
    fidelity: ItemFidelity | None = None
    mass: float | None = None
    bounds: tuple[Estimate, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """Texts of the substantive options, in the order of the shares."""
        return tuple(self.item.options[k] for k in substantive(self.item))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything `proband measure` says about a run; see `compare`."""

    run: Run
    n_subjects: int
    n_people: int | None
    dispositions: Mapping[str, int]
    items: Sequence[ItemComparison]
    warnings: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    limits: str = field(default=LIMITS)

    @cached_property
    def ladder(self) -> Ladder | None:
        """How far up the ladder of fidelity the run was tested; None without people to compare with."""
        if self.run.people is None or not any(found.fidelity for found in self.items):
            return None
        return fidelity(self.run, self.run.people, by=self.by or None)

    @cached_property
    def _checked(self) -> tuple[tuple[Check, ...], tuple[str, ...]]:
        people = self.run.people
        return response_checks(self.run.table(), None if people is None else people.table(), self.run.items)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Checks of response style, and of what should not change an answer."""
        return self._checked[0]

    @property
    def check_warnings(self) -> tuple[str, ...]:
        """What a reader of the checks must know."""
        return self._checked[1]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "run": self.run.path.name,
            "is_complete": self.run.is_complete,
            "limits": self.limits,
            "subjects": self.n_subjects,
            "people": self.n_people,
            "dispositions": dict(self.dispositions),
            "warnings": list(self.warnings),
            "items": [_item_dict(found) for found in self.items],
            "ladder": None if self.ladder is None else self.ladder.as_dict(),
            "checks": [_check_dict(check) for check in self.checks],
            "check_warnings": list(self.check_warnings),
        }


def compare(run: Run, *, by: Sequence[str] | None = None) -> Comparison:
    """Describe a run item by item, beside people where the run has their answers.

    A subject's replicates are averaged first: the unit of inference is the subject. People who were not asked
    through a persona are held out, and predict the null rows.

    Parameters
    ----------
    run : Run
        Of a survey; unfinished runs are compared as far as they are, with a warning.
    by : sequence of str, optional
        Traits whose levels are subgroups; default those with at most 7 levels.

    Returns
    -------
    Comparison
        Model shares are about the model; distances are about these people.
    """
    if (run.manifest.get("design") or {}).get("design") == "people":
        raise DesignError(f"{run.path}: these are people's answers; measure the run they stand beside")
    table = run.table()
    everybody: dict[Hashable, float] = {}
    for side in (run.people, run):
        everybody.update(side.weights if side else {})
    weightless = [subject for subject, weight in everybody.items() if weight == 0]
    table = table.filter(~pl.col("subject").is_in(weightless))  # they stand for nobody
    people = run.people
    answers = None if people is None else people.table().filter(~pl.col("subject").is_in(weightless))
    levels = _levels(run)
    factors = list(levels)
    warnings = [] if run.is_complete else ["the run is unfinished; resume it before you use these numbers"]
    if answers is None:
        warnings.append("no human answers in this run: nothing here is about people")
    found = [
        _compare_item(run.items[str(part["item"][0])], part, answers, factors=factors, weights=everybody)
        for part in table.partition_by("item", *map(factor_column, factors), maintain_order=True)
    ]
    order = {id: k for k, id in enumerate(run.items)}
    return Comparison(
        run=run,
        n_subjects=table["subject"].n_unique(),
        n_people=None if answers is None else answers["subject"].n_unique(),
        dispositions=run.dispositions(),
        by=_subgroups(run, by),
        items=sorted(
            found,
            key=lambda c: (order[c.item.id], *(levels[name].index(c.condition[name]) for name in factors)),
        ),
        warnings=tuple(warnings),
    )


def _subgroups(run: Run, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Traits by which people are divided, checked."""
    levels: dict[str, set[object]] = {}
    for found in (run.people or run).traits.values():
        for column, value in found.items():
            levels.setdefault(column, set()).add(value)
    if wanted is None:
        return tuple(column for column, values in levels.items() if 1 < len(values) <= MOST_LEVELS)
    for column in wanted:
        if column not in levels:
            known = f"there are {', '.join(levels)}" if levels else "this run keeps no traits"
            raise DesignError(f"no trait {column!r} to divide people by; {known}")
    return tuple(wanted)


def substantive(item: Item) -> tuple[int, ...]:
    """Indices of the options that are no "don't know"."""
    return tuple(k for k in range(len(item.options)) if k not in item.dont_know)


def _levels(run: Run) -> dict[str, list[str]]:
    """Levels of every factor that varies, in the order of the design."""
    design = run.manifest.get("design") or {}
    levels = {
        **design.get("settings", {}),
        **{name: list(given) for name, given in design.get("factors", {}).items()},
    }
    return {str(name): levels[name] for name in design.get("varied", [])}


def _compare_item(
    item: Item,
    part: pl.DataFrame,
    answers: pl.DataFrame | None,
    *,
    factors: Sequence[str],
    weights: Mapping[Hashable, float],
) -> ItemComparison:
    counts = dict(part["status"].value_counts().iter_rows())
    common: dict[str, Any] = {
        "item": item,
        "condition": {name: part[factor_column(name)][0] for name in factors},
        "dispositions": {status: counts[status] for status in STATUSES if status in counts},
    }
    theirs = (
        None if answers is None else answers.filter(pl.col("item") == item.id, pl.col("status") == "valid")
    )
    if item.form not in ("choice", "scale"):
        return ItemComparison(**common, **_means(item, part, theirs, weights))
    model = model_shares_by_subject(item, part)
    if not model:
        return ItemComparison(**common)
    mass = part["mass"].mean()
    common["mass"] = mass if isinstance(mass, float) else None
    common["bounds"] = _bounds(item, part)
    own_weights = [weights[s] for s in model] if weights else None
    shares = share_estimates(
        np.array(list(model.values())), len(substantive(item)), target="model", weights=own_weights
    )
    if theirs is None or theirs.is_empty():
        return ItemComparison(**common, model_shares=shares)
    index = {k: place for place, k in enumerate(substantive(item))}
    given: dict[Hashable, int] = {
        str(s): index[int(a)] for s, a in theirs.select("subject", "answer").iter_rows()
    }
    asked = set(part["subject"])
    ours: dict[Hashable, int] = {s: a for s, a in given.items() if s in asked}
    held_out: dict[Hashable, int] = {s: a for s, a in given.items() if s not in asked}
    if len(ours.keys() & model.keys()) < 2:
        return ItemComparison(**common, model_shares=shares)
    fidelity = item_fidelity(
        ours,
        model,
        n_options=len(index),
        positions=_positions(item),
        held_out=held_out or None,
        settings=FidelitySettings(weights=weights or None),
    )
    return ItemComparison(**common, model_shares=fidelity.model_shares, fidelity=fidelity)


def _bounds(item: Item, part: pl.DataFrame) -> tuple[Estimate, ...]:
    """Bounds of the shares of drawn answers; nothing where no response is without one."""
    n_missing = part.filter(pl.col("status") != "valid").height
    if not n_missing:
        return ()
    taken = dict(part.filter(pl.col("status") == "valid")["answer"].value_counts().iter_rows())
    counts: dict[object, float] = {item.options[k]: float(taken.get(k, 0)) for k in substantive(item)}
    if len(counts) < len(substantive(item)):
        return ()  # options that read alike cannot be told apart by their text
    return missing_bounds(counts, n_missing, target="model")


def _positions(item: Item) -> list[float] | None:
    """Where ordered options stand, rising as distances need them; None where the key does not order them."""
    if item.form != "scale":
        return None
    points = [item.points[k] for k in substantive(item)]
    for direction in (1, -1):  # a distance is the same from either end
        placed = [direction * point for point in points]
        if all(a < b for a, b in pairwise(placed)):
            return placed
    return None


def model_shares_by_subject(item: Item, part: pl.DataFrame) -> dict[Hashable, Sequence[float]]:
    """Every subject's shares over the substantive options, replicates averaged.

    Engines that give probabilities contribute them; from others the valid answers count. Subjects without
    either are absent.
    """
    keep = substantive(item)
    sums: dict[Hashable, list[np.ndarray]] = {}
    for subject, status, answer, probs in part.select("subject", "status", "answer", "probs").iter_rows():
        if probs is not None:
            row = np.array([probs[k] for k in keep])
        elif status == "valid":
            row = np.array([float(k == answer) for k in keep])
        else:
            continue
        if row.sum() > 0:
            sums.setdefault(str(subject), []).append(row / row.sum())
    return {subject: tuple(np.mean(rows, axis=0).tolist()) for subject, rows in sums.items()}


def _means(
    item: Item, part: pl.DataFrame, theirs: pl.DataFrame | None, weights: Mapping[Hashable, float]
) -> dict[str, Any]:
    """Means of a number over the same subjects on each side; nothing for texts, rankings and lists."""
    if item.form != "number":
        return {}
    ours = part.filter(pl.col("status") == "valid")
    found = {"model_mean": _mean(ours, "model", item, weights)}
    if theirs is not None:
        found["human_mean"] = _mean(
            theirs.filter(pl.col("subject").is_in(part["subject"])), "human", item, weights
        )
    return found


def _mean(
    answers: pl.DataFrame, target: Target, item: Item, weights: Mapping[Hashable, float]
) -> Estimate | None:
    """Weighted mean over subjects, with the variance of a ratio estimator (Cochran 1977, ch. 6)."""
    means = answers.group_by("subject", maintain_order=True).agg(pl.col("value").mean())
    n = means.height
    if n < 2:
        return None
    values = means["value"].to_numpy()
    w = np.array([weights.get(subject, 1.0) for subject in means["subject"]])
    w = w / w.sum()
    value = float(w @ values)
    se = float(np.sqrt(n / (n - 1) * ((w * (values - value)) ** 2).sum()))
    reach = float(stdtrit(n - 1, 0.975)) * se
    return Estimate(
        value=value,
        se=se,
        interval=(value - reach, value + reach),
        interval_method="t over subjects",
        estimand=f"mean of {item.id}{f', {item.unit}' if item.unit else ''}",
        target=target,
        n_units=n,
    )


def _item_dict(found: ItemComparison) -> dict[str, Any]:
    """One item for JSON: what a reader of the table would look for, and everything behind it."""
    fidelity = found.fidelity
    plain: dict[str, Any] = {
        "item": found.item.id,
        "text": found.item.text,
        "options": list(found.options),
        "condition": dict(found.condition),
        "dispositions": dict(found.dispositions),
        "mass_on_options": found.mass,
        "bounds": [_short(e) for e in found.bounds],
        "model": [_short(e) for e in found.model_shares] or _short(found.model_mean),
        "people": [_short(e) for e in fidelity.human_shares] if fidelity else _short(found.human_mean),
    }
    if fidelity:
        tv = fidelity.total_variation
        plain |= {
            "total_variation": _short(tv),
            "nulls": {name: value for name, value in tv.baselines.items() if name != "noise_floor"},
            "noise_floor": tv.baselines["noise_floor"],
            "fidelity": fidelity.as_dict(),
            "warnings": list(fidelity.warnings),
        }
    return plain


def _check_dict(check: Check) -> dict[str, Any]:
    return {
        "check": check.name,
        "model": _short(check.model),
        "people": _short(check.people),
        "expected": check.expected,
        "p_value": None if check.model is None else check.model.p_value,
    }


def _short(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    low, high = estimate.interval or (None, None)
    return {
        "value": estimate.as_dict()["value"],
        "low": low,
        "high": high,
        "method": estimate.interval_method,
    }

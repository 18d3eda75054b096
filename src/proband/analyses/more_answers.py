"""What more human answers would buy, whom to ask, and what that costs."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from proband.analyses.answers import measured, tabled
from proband.analyses.labels import FEWEST, Labelled, sampling, shared_chance
from proband.analyses.section import Cell, CellForm, Section
from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures import active_labels, allocate_labels, effective_n, plan_labels, ppi_sequence
from proband.measures.correction.estimates import CorrectedEstimate
from proband.runs.run import Run


def more(run: Run, found: Sequence[tuple[Labelled, Estimate]]) -> Section:
    """What as many human answers again would buy, whom to ask, and an interval that one may look at meanwhile."""
    price = _price(run)
    rows: list[tuple[Cell, ...]] = []
    plans: list[str] = []
    for one, corrected in found:
        r = corrected.correlation if isinstance(corrected, CorrectedEstimate) else np.nan
        r = 0.0 if np.isnan(r) else min(max(r, -1.0), 1.0)
        n, others = len(one.known), len(one.others)
        more = min(n, others)
        now, then = effective_n(n, others, r).value, effective_n(n + more, others - more, r).value
        rows.append((one.outcome.name, n, r, now, n + more, then, _looking(run, one)))
        said = (_cost(one, corrected, r, price), _spread(one, more), _active(one, more))
        plans += [f"{one.outcome.name}: {plan}" for plan in said if plan]
    forms: dict[str, CellForm] = {"outcome": "text", "people": "count", "correlation": "number", "worth": "number"}
    forms |= {"people, with more": "count", "worth, with more": "number", "if one looks meanwhile": "number"}
    return Section(
        name="correction-more",
        heading="What more human answers would buy",
        chapter="Correction by people's answers",
        sentences=tuple(plans[:6]),
        table=tabled(
            forms,
            rows,
            "Human answers as they are and with as many again, and what they are worth with the predictions",
            digits=2,
        ),
        notes=(
            "A correlation of .3 buys at most 10 per cent, however many predictions there are.",
            "If one looks meanwhile: the interval for these subjects, in the order of the data, that holds at all "
            "times at once; who stops asking when it is short enough may use this one and no other.",
        ),
    )


def _price(run: Run) -> float:
    noted = {} if run.people is None else (run.people.manifest["design"] or {}).get("known") or {}
    return float(noted.get("price") or 0.0)


def _looking(run: Run, one: Labelled) -> Estimate | None:
    """The interval at all times, units counted one by one; none where units hold subjects with and without answers."""
    drawn = sampling(run, one)
    if shared_chance(drawn) is not None:
        return None
    y, f = one.y, one.f
    if drawn.cluster is not None:
        # Asked in whole units: the data may have them in any order.
        first = {unit: k for k, unit in reversed([*enumerate(drawn.cluster)])}
        order = sorted(range(len(y)), key=[first[unit] for unit in drawn.cluster].__getitem__)
        weights = None if drawn.weights is None else np.asarray(drawn.weights)[order]
        y, f = y[order], f[order]
        drawn = replace(drawn, cluster=[drawn.cluster[k] for k in order], weights=weights)
    what = f"mean of {one.outcome.name} among these subjects"
    return measured(lambda: ppi_sequence(y, f, one.u, sampling=drawn).last, what, "human")


def _spread(one: Labelled, more: int) -> str:
    """How to spread more human answers over subjects by what the model predicts for them; empty where unknown."""
    middle = float(np.median(np.concatenate([one.f, one.u])))
    strata = {"lower": one.f <= middle, "higher": one.f > middle}
    others = ["lower" if u <= middle else "higher" for u in one.u]
    if any(kept.sum() < FEWEST for kept in strata.values()) or len(set(others)) < 2:
        return ""
    spread: dict[Hashable, float] = {
        name: float(np.std((one.y - one.f)[kept], ddof=1)) for name, kept in strata.items()
    }
    try:
        plan = allocate_labels(others, spread, n_labels=more)
    except DesignError:
        return ""
    parts = " and ".join(f"{count} with {name} predictions" for name, count in plan.labels.items())
    return f"of {more} more people to ask, {parts} would tell most (standard error {plan.expected_se:.3f})."


def _active(one: Labelled, more: int) -> str:
    """What asking by the model's own doubt would save, if it errs as much as it doubts; empty where it is little."""
    doubt = np.sqrt(np.clip(one.u * (1 - one.u), 0.0, None))
    if one.outcome.option is None or not 2 <= more < doubt.size or not doubt.any():
        return ""
    plan = active_labels(doubt, n_labels=more)
    saved = 1 - (plan.expected_se / plan.uniform_se) ** 2
    if saved < 0.05:
        return ""
    return (
        f"to ask with chances that rise with the model's doubt would save {100 * saved:.0f} % of the answers, if it "
        "errs as much as it doubts (active_labels)."
    )


def _cost(one: Labelled, corrected: Estimate, r: float, price: float) -> str:
    """What a quarter less error costs, with the predictions that there are and without; empty without a price."""
    if not price or not corrected.se:
        return ""
    n_units, sd = len(one.known) + len(one.others), float(np.std(one.y, ddof=1))
    wanted = 1.96 * corrected.se * 0.75
    try:
        plan = plan_labels(r, cost_label=price, cost_prediction=0.0, half_width=wanted, n_units=n_units, sd=sd)
    except DesignError:
        return ""
    again = max(plan.n_labelled - len(one.known), 0)
    alone = max(plan.humans_only - len(one.known), 0)
    return (
        f"a quarter less error takes about {again} more people ({again * price:,.0f} dollars) with the predictions, "
        f"{alone} ({alone * price:,.0f}) without."
    )

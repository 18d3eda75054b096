"""Preferences fitted to a battery of choices: risk aversion, present bias, discounting, weights on others' payoffs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from proband.analyses.answers import Factor, answers, factors, option_shares, tabled, told, unanswered
from proband.analyses.section import Analysis, Cell, Figure, Section, limits
from proband.batteries.battery import Setting
from proband.batteries.economics import patience, risk, sharing
from proband.errors import DataError
from proband.measures import PreferenceFit, fit_discounting, fit_risk_aversion, fit_social_preferences
from proband.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class _Model:
    """How a battery's rows are fitted: its rows, the option that counts as chosen, and what is known of people."""

    rows: Callable[[Setting], Sequence[Any]]
    chosen: int
    fit: Callable[[Sequence[float], Sequence[Any]], PreferenceFit]
    heading: str
    notes: tuple[str, ...]


_MODELS: Mapping[str, _Model] = {
    "risk": _Model(
        rows=risk.rows,
        chosen=0,
        fit=lambda chosen, rows: fit_risk_aversion(
            chosen, [r.safe for r in rows], [r.risky for r in rows], [r.p for r in rows], [r.id for r in rows]
        ),
        heading="Risk aversion",
        notes=("Constant relative risk aversion with contextual utility; r is 0 where only means count.",),
    ),
    "patience": _Model(
        rows=patience.rows,
        chosen=1,
        fit=lambda chosen, rows: fit_discounting(
            chosen, [r.sooner for r in rows], [r.later for r in rows], [r.wait for r in rows], [r.id for r in rows]
        ),
        heading="Present bias and discounting",
        notes=(
            "Among people beta is below 1 on average (220 estimates by convex budgets: Imai, Rutter & Camerer 2021, "
            "Economic Journal 131, 1788-1814, https://doi.org/10.1093/ej/ueaa115). Danes discounted by 25 % a year, "
            "a factor of .8, where utility is taken as linear, as here (Andersen et al. 2008, Econometrica 76, "
            "583-618, https://doi.org/10.1111/j.1468-0262.2008.00848.x).",
        ),
    ),
    "sharing": _Model(
        rows=sharing.rows,
        chosen=0,
        fit=lambda chosen, rows: fit_social_preferences(
            chosen, [r.left for r in rows], [r.right for r in rows], [r.id for r in rows]
        ),
        heading="Weights on another's payoff",
        notes=("Positive weights help the other at one's own cost; a negative one behind is envy.",),
    ),
}


def needs(run: Run) -> str | None:
    """A run of one of the batteries whose rows are known."""
    battery = (run.manifest.get("design") or {}).get("battery")
    if battery not in _MODELS:
        return f"preferences are fitted to runs of the batteries {', '.join(_MODELS)}, and this is none of them"
    return unanswered(run)


def sections(run: Run) -> Sequence[Section]:
    """One fit to all contexts, and one to each level of each."""
    design = run.manifest["design"]
    model = _MODELS[design["battery"]]
    rows = {row.id: row for row in model.rows(Setting(**design["battery_setting"]))}
    varied, table = factors(run), answers(run)
    levels = [(f, level) for f in varied for level in f.levels] if len(varied) else []
    parts = {"all contexts": table, **{f"{f.name}: {x}": table.filter(pl.col(f.column) == x) for f, x in levels}}
    fits: dict[str, PreferenceFit] = {}
    warnings: list[str] = []
    for name, part in parts.items():
        try:
            fits[name] = _fitted(run, part, rows, model, varied)
        except DataError as error:
            warnings.append(f"{name}: {error}")
            continue
        warnings += [f"{name}: {warning}" for warning in fits[name].warnings]
    names = list(dict.fromkeys(name for fit in fits.values() for name in fit.parameters))
    told_rows: list[tuple[Cell, ...]] = [
        (name, *(fit.parameters[p] for p in names), 1 - fit.log_likelihood / fit.chance) for name, fit in fits.items()
    ]
    said, marks = [], []
    if whole := fits.get("all contexts"):
        said = [
            f"{p.capitalize()} is {told(whole.parameters[p])}: {whole.parameters[p].estimand}."
            if whole.parameters[p].interval
            else f"{p.capitalize()} cannot be told from these choices."
            for p in names
        ]
        said.append(_explained(1 - whole.log_likelihood / whole.chance))
        marks = [{"label": name, "side": "model", **limits(fit.parameters[names[0]])} for name, fit in fits.items()]
    return [
        Section(
            name="preferences",
            heading=model.heading,
            chapter="Preferences",
            sentences=tuple(said) or ("No preference could be fitted; the warnings say why.",),
            table=tabled(
                {"context": "text", **dict.fromkeys(names, "number"), "explained": "share"}, told_rows,
                "Fits to choices by context", side="model",
            )
            if names
            else None,
            figure=Figure(form="intervals", rows=tuple(marks), caption=f"{names[0]} by context") if marks else None,
            notes=(
                *model.notes,
                "Quasi maximum likelihood of probabilities of options, or of answers; intervals are over items, which "
                "are the clusters. Explained is McFadden's share of the log-likelihood of choices at random.",
            ),
            warnings=tuple(warnings),
        )
    ]  # fmt: skip


def _explained(share: float) -> str:
    if share < 0.05:
        return f"The fit explains {share:.0%} of what there is to explain: the choices hardly follow the rows."
    return f"The fit explains {share:.0%} of the log-likelihood of choices at random."


def _fitted(
    run: Run, part: pl.DataFrame, rows: Mapping[str, Any], model: _Model, varied: Sequence[Factor]
) -> PreferenceFit:
    """The model fitted to one share for each item and context."""
    by = [factor.column for factor in varied] or ["subject"]
    chosen, of = list[float](), list[Any]()
    for id_, found in part.group_by("item", maintain_order=True):
        for shares in option_shares(run.items[str(id_[0])], found, by).values():
            chosen.append(float(shares[model.chosen]))
            of.append(rows[str(id_[0])])
    return model.fit(chosen, of)


ANALYSIS = Analysis(
    name="preferences",
    about="risk aversion, present bias and discounting, weights on others' payoffs, fitted to a battery's choices",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

"""Effects once more by regression: with covariates taken into account, and on the scale of log odds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from proband.analyses.answers import Factor, answers, cautions, factors, measured, tabled, told
from proband.analyses.effects import Outcome, compared, known_effect, outcomes
from proband.analyses.section import Analysis, Cell, Section
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures import adjusted_difference, choice_regression
from proband.runs.run import Run

_MOST_SENTENCES = 6


def _design(run: Run) -> Mapping[str, object]:
    return run.manifest.get("design") or {}


def _covariates(run: Run) -> tuple[str, ...]:
    named = _design(run).get("covariates") or ()
    return tuple(map(str, named)) if isinstance(named, list | tuple) else ()


def _assigned(run: Run) -> list[Factor]:
    """Factors of which each unit got one level."""
    table, named = answers(run), _design(run).get("assigned") or ()
    known = [factor for factor in factors(run) if isinstance(named, list | tuple) and factor.name in named]
    return [factor for factor in known if compared(table, factor)[1]]


def needs(run: Run) -> str | None:
    """A factor that was assigned between subjects, and covariates, or answers that were drawn."""
    if not run.dispositions():
        return "nothing was answered yet"
    if not _assigned(run):
        return "no factor of this run was assigned between subjects"
    if _covariates(run) or any(_drawn(run, item) is not None for item in run.items):
        return None
    return (
        "no covariates were named ([experiment] covariates = [...]), and options have probabilities, for which logits "
        "are not made"
    )


def sections(run: Run) -> Sequence[Section]:
    """For each factor: adjusted effects beside the unadjusted, and effects on log odds."""
    found = []
    for factor in _assigned(run):
        found += [_adjusted(run, factor)] if _covariates(run) else []
        found += [section] if (section := _choices(run, factor)) is not None else []
    return found


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Units of two arms with what is known of them."""

    y: list[float]
    treated: list[float]
    known: Mapping[str, list[object]]
    clusters: list[str]

    @classmethod
    def of(cls, run: Run, factor: Factor, level: str, outcome: Outcome) -> "_Rows":
        table, names, traits = answers(run), _covariates(run), run.traits
        scores = [
            outcome.scores(table.filter(pl.col(factor.column) == at), "subject") for at in (level, factor.levels[0])
        ]
        subjects = [(s, arm, y) for side, arm in zip(scores, (1.0, 0.0), strict=True) for s, y in side.items()]
        # Where subjects were assigned within blocks, blocks are covariates as well.
        known = {name: [traits[s].get(name) for s, _, _ in subjects] for name in names}
        is_blocked = all("block" in traits.get(s, {}) for s, _, _ in subjects)
        if is_blocked and _design(run).get("block_by") not in names:
            known["block"] = [f"{traits[s]['block']}" for s, _, _ in subjects]
        return cls(
            y=[y for _, _, y in subjects],
            treated=[arm for _, arm, _ in subjects],
            known=known,  # type: ignore[arg-type]
            clusters=[run.roster.units.get(s, s) for s, _, _ in subjects],
        )


def _adjusted(run: Run, factor: Factor) -> Section:
    names = _covariates(run)
    rows: list[tuple[Cell, ...]] = []
    found: list[tuple[str, Estimate]] = []
    said: list[str] = []
    for outcome in outcomes(run):
        for level in factor.levels[1:]:
            plain = known_effect(run, factor, level, outcome)
            data = _Rows.of(run, factor, level, outcome)
            is_clustered = len(set(data.clusters)) < len(data.clusters)
            adjusted = measured(
                lambda data=data, c=is_clustered: adjusted_difference(  # type: ignore[misc]
                    data.y, data.treated, data.known, cluster=data.clusters if c else None
                ),
                f"adjusted effect of {level} on {outcome.name}",
            )
            ratio = adjusted.se / plain.se if adjusted.se and plain.se else None
            rows.append((outcome.name, level, plain, adjusted, ratio, adjusted.p_value))
            found.append((f"{outcome.name}, {level}", adjusted))
            if adjusted.interval is not None:
                said.append(
                    f"{outcome.name}, {level}: {told(adjusted, 3)} adjusted for {', '.join(names)}, "
                    f"{told(plain, 3)} unadjusted."
                )
    return Section(
        name=f"adjusted-{factor.name}",
        heading=f"Adjusted for covariates: {factor.name}",
        chapter="Effects",
        sentences=tuple(said[:_MOST_SENTENCES]),
        table=tabled(
            {
                "outcome": "text", factor.name: "text", "unadjusted": ("number", "model"),
                "adjusted": ("number", "model"), "SE, adjusted over unadjusted": "number", "p, adjusted": "p",
            },
            rows,
            f"Difference of each level from {factor.levels[0]}, adjusted for {', '.join(names)}",
        ),
        keys={"factor": factor.name},
        notes=(
            "Adjusted as Lin (2013) has it: covariates less their means, with slopes of their own in each arm; errors "
            "are HC2, or CR2 where units were assigned in clusters. The unadjusted difference stays the result, "
            "unless the adjusted one was planned. Blocks, where subjects were assigned so, are covariates too.",
        ),
        warnings=cautions(found),
    )  # fmt: skip


def _drawn(run: Run, item: str) -> pl.DataFrame | None:
    """Valid answers to an item with options, where each is one answer and not probabilities; None without such."""
    asked = run.items[item]
    if asked.form == "scale" or (asked.form == "choice" and len(asked.options) - len(asked.dont_know) == 2):
        part = answers(run).filter(pl.col("item") == item, pl.col("status") == "valid", pl.col("probs").is_null())
        part = part.filter(~pl.col("answer").is_in(list(asked.dont_know)), pl.col("answer").is_not_null())
        return None if part.is_empty() else part
    return None


def _choices(run: Run, factor: Factor) -> Section | None:
    rows: list[tuple[Cell, ...]] = []
    found: list[tuple[str, Estimate]] = []
    for item in run.items.values():
        part = _drawn(run, item.id)
        if part is None:
            continue
        # Of two options the first is told, as in the shares; a scale is in the order of its points.
        first = next(k for k in range(len(item.options)) if k not in item.dont_know)
        what = f"log odds of {'a higher answer to' if item.form == 'scale' else item.options[first] + ' on'} {item.id}"
        for level in factor.levels[1:]:
            two = part.filter(pl.col(factor.column).is_in([level, factor.levels[0]]))
            y = [item.points[k] if item.form == "scale" else float(k == first) for k in two["answer"]]
            treated = (two[factor.column] == level).cast(pl.Float64).to_list()
            odds, effect = _fit(y, {level: treated}, two["unit"].to_list(), what)
            rows.append(
                (item.id, level, "ordered logit" if item.form == "scale" else "logit", odds, effect, odds.p_value)
            )
            found.append((f"{item.id}, {level}", odds))
    if not rows:
        return None
    clear = [(name, odds) for name, odds in found if odds.interval is not None]
    return Section(
        name=f"choices-{factor.name}",
        heading=f"On log odds: {factor.name}",
        chapter="Effects",
        sentences=tuple(
            f"{name}: log odds change by {told(odds, 3)}, a factor of {np.exp(odds.value):.2f}."
            for name, odds in clear[:_MOST_SENTENCES]
        ),
        table=tabled(
            {
                "outcome": "text", factor.name: "text", "model": "text", "log odds ratio": ("number", "model"),
                "average effect": ("number", "model"), "p": "p",
            },
            rows,
            f"Each level against {factor.levels[0]}, and what the model implies in shares or scale points",
            is_folded=len(rows) > 30,
        ),
        keys={"factor": factor.name},
        notes=(
            "An ordered logit supposes that a level multiplies the odds of every higher answer alike. Errors are of a "
            "jackknife over units (CR3). The difference in means supposes nothing of the kind, and stays the result.",
        ),
        warnings=cautions(found),
    )  # fmt: skip


def _fit(
    y: Sequence[float], columns: Mapping[str, Sequence[float]], units: Sequence[str], what: str
) -> tuple[Estimate, Estimate | None]:
    """Log odds ratio and average effect of the one column, or why there is none."""
    try:
        is_clustered = len(set(units)) < len(units)
        fit = choice_regression(y, columns, cluster=units if is_clustered else None)
    except (DataError, DesignError) as error:
        return Estimate(value=np.nan, estimand=what, target="model", n_units=len(y), warnings=(str(error),)), None
    (level,) = columns
    return replace(fit[level], estimand=what), fit.effect(level)


ANALYSIS = Analysis(
    name="regressions",
    about="effects adjusted for covariates beside the unadjusted, and by logit and ordered logit",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

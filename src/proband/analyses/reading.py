"""Reading: surprisal at marked regions, what a model prefers by it, and where people stand."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from scipy import special

from proband.analyses.answers import Form, cautions, measured, tabled, told
from proband.analyses.section import Analysis, Cell, Figure, Section, marks
from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures import clustered_mean
from proband.runs.run import Run
from proband.store.tables import factor_column

_NATS = 1 / math.log(2)
_UNITS = {"bits": "bits", "log odds": "nats of log odds", "share": ""}


def needs(run: Run) -> str | None:
    """Marked regions with log-probabilities."""
    if (run.manifest.get("design") or {}).get("design") != "reading":
        return "it is no reading: nothing in it is measured by surprisal"
    return None if run.dispositions() else "nothing was answered yet"


def surprisals(run: Run) -> pl.DataFrame:
    """One row a region that was scored: item, cell, lead, and its surprisal in nats and bits."""
    table = run.table().filter(pl.col("mass").is_not_null())
    named = table.rename({factor_column(name): name for name in ("cell", "lead")})
    nats = -pl.col("mass").log()
    return named.select("item", "cell", "lead", nats.alias("nats"), (nats * _NATS).alias("bits"))


def scores(run: Run) -> pl.DataFrame:
    """One row a quantity, item and lead: columns scale, item, lead, score; nothing where one of its cells failed."""
    wide = surprisals(run).pivot(on="cell", index=["item", "lead"], values="nats", maintain_order=True)
    parts = []
    for quantity in run.manifest["design"]["quantities"]:
        cells = [quantity["of"], *filter(None, [quantity["against"]])]
        if not set(cells) <= set(wide.columns):
            continue
        of, against = pl.col(quantity["of"]), pl.col(cells[-1])
        score = {"bits": of * _NATS, "log odds": against - of, "share": 1 / (1 + (of - against).exp())}[
            quantity["unit"]
        ]
        parts.append(
            wide.drop_nulls(cells).select(pl.lit(quantity["id"]).alias("scale"), "item", "lead", score.alias("score"))
        )
    schema: Mapping[str, Any] = {"scale": pl.String, "item": pl.String, "lead": pl.String, "score": pl.Float64}
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def sections(run: Run) -> Sequence[Section]:
    """The quantities, and the contrasts between them."""
    design = run.manifest["design"]
    by_item = scores(run).group_by("scale", "item", maintain_order=True).agg(pl.col("score").mean())
    values = {
        quantity["id"]: dict(by_item.filter(pl.col("scale") == quantity["id"]).select("item", "score").iter_rows())
        for quantity in design["quantities"]
    }
    made = [_quantities(design, values)]
    return [*made, _contrasts(design, values)] if design["contrasts"] else made


def _quantities(design: Mapping[str, Any], values: Mapping[str, Mapping[str, float]]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    found: dict[str, Estimate] = {}
    for quantity in design["quantities"]:
        estimate = _mean(list(values[quantity["id"]].values()), quantity["name"], quantity["unit"] == "share")
        found[quantity["name"]] = estimate
        people = (quantity["people"] or {}).get("mean")
        rows.append((quantity["name"], quantity["unit"], len(values[quantity["id"]]), estimate, people))
    forms: dict[str, Form] = {"quantity": "text", "unit": "text", "items": "count"}
    return Section(
        name="reading",
        heading="Surprisal and preference",
        chapter="Reading",
        table=tabled(forms | {"mean": ("number", "model"), "people": ("number", "people")}, rows,
                     "Mean over sentences, contexts averaged"),
        figure=Figure(form="intervals", rows=marks(found, "model"), caption="Mean of every quantity over sentences"),
        notes=(
            "Surprisal is the negative log-probability of a region given all that stands before it, in bits; log odds "
            "(nats) and shares compare the probabilities of two regions. Intervals are over sentences.",
            *_sources(quantity["people"] for quantity in design["quantities"]),
        ),
        warnings=cautions(found.items()),
    )  # fmt: skip


def _contrasts(design: Mapping[str, Any], values: Mapping[str, Mapping[str, float]]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    found: dict[str, Estimate] = {}
    said = []
    units = {quantity["id"]: quantity["unit"] for quantity in design["quantities"]}
    for contrast in design["contrasts"]:
        weights, name = contrast["weights"], contrast["name"]
        sums = _sums(weights, values)
        estimate, share, shared = _apart(sums, name), None, sums[0]
        if len(sums) == 1:
            share = sum(value > 0 for value in shared.values()) / len(shared) if shared else None
        found[name] = estimate
        people = (contrast["people"] or {}).get("mean")
        rows.append((name, estimate, share, people))
        unit = _UNITS[units[next(iter(weights))]]
        beside = "" if people is None else f" People: {people:.3g}."
        pairs = "" if share is None else f" It is above 0 in {share:.0%} of {len(shared)} sentences."
        said.append(f"{name}: {told(estimate)}{unit and ' ' + unit}.{pairs}{beside}")
    forms: dict[str, Form] = {"contrast": "text", "difference": ("number", "model"), "above 0": "share"}
    return Section(
        name="reading-contrasts",
        heading="What differs, and whether people show it",
        chapter="Reading",
        sentences=tuple(said),
        table=tabled(forms | {"people": ("number", "people")}, rows, "Weighted sums of the quantities above"),
        notes=("Within sentences where both are of the same ones, else between them.",
               *_sources(contrast["people"] for contrast in design["contrasts"])),
        warnings=cautions(found.items()),
    )  # fmt: skip


def _mean(each: Sequence[float], what: str, is_share: bool) -> Estimate:
    items = list(map(str, range(len(each))))
    return measured(lambda: clustered_mean(each, items, is_share=is_share), what)


def _sums(weights: Mapping[str, float], values: Mapping[str, Mapping[str, float]]) -> list[dict[str, float]]:
    """Weighted sums by sentence, one table for all quantities that are of the same sentences."""
    groups = list[list[str]]()
    for scale in weights:
        same = (group for group in groups if values[scale].keys() & values[group[0]].keys())
        if (group := next(same, None)) is None:
            groups.append([scale])
        else:
            group.append(scale)
    return [
        {
            item: sum(weights[scale] * values[scale][item] for scale in group)
            for item in sorted(set.intersection(*(set(values[scale]) for scale in group)))
        }
        for group in groups
    ]


def _apart(sums: Sequence[Mapping[str, float]], what: str) -> Estimate:
    """The sum of what is of different sentences, whose errors are independent."""
    means = [_mean(list(each.values()), what, False) for each in sums]
    if len(means) == 1:
        return means[0]
    if any(mean.se is None for mean in means):
        return measured(_unknown, what)
    value, se = sum(mean.value for mean in means), math.hypot(*(mean.se or 0.0 for mean in means))
    df = min(mean.n_units for mean in means) - 1
    away = float(special.stdtrit(df, 0.975)) * se
    return Estimate(
        value=value, se=se, interval=(value - away, value + away), interval_method=f"t with {df} df", estimand=what,
        target="model", n_units=sum(mean.n_units for mean in means),
    )  # fmt: skip


def _unknown() -> Estimate:
    raise DataError("too few sentences were scored for an error")


def _sources(figures: Any) -> list[str]:
    cited = dict.fromkeys(figure["source"] for figure in figures if figure)
    return [f"People: {source}." for source in cited]


ANALYSIS = Analysis(
    name="reading",
    about="surprisal at marked regions of sentences, preferences by it, contrasts, people's figures",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

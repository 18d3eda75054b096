"""Which developments go together, and the scenarios without contradictions."""

from collections.abc import Sequence

import polars as pl

from proband.analyses.answers import expected_scores, tabled
from proband.analyses.section import Analysis, Cell, Section
from proband.errors import DataError
from proband.measures import consistent_scenarios
from proband.runs.run import Run

CHAPTER = "Scenarios"


def needs(run: Run) -> str | None:
    """A run about scenarios in which something was answered."""
    if run.kind != "scenarios":
        return "scenarios are put together in studies of kind [scenarios]"
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """The matrix of consistencies, and the sets that hold together."""
    design = run.manifest["design"]
    table, item = run.table(), run.items["consistency"]
    table = table.with_columns(one=pl.min_horizontal("subject", "beside"), other=pl.max_horizontal("subject", "beside"))
    fit = {(str(one), str(other)): v for (one, other), v in expected_scores(item, table, ("one", "other")).items()}
    apart = _directions(run, table)
    rows: list[tuple[Cell, ...]] = [(one, other, value) for (one, other), value in sorted(fit.items())]
    matrix = Section(
        name="scenarios-matrix",
        heading="What goes together",
        chapter=CHAPTER,
        sentences=(() if apart is None else (
            f"Asked with the scale the other way round, a pair's consistency changes by {apart:.2f} of 4 points on "
            "average; both are averaged.",)),
        table=tabled({"development": "text", "beside": "text", "consistency": "number"}, rows,
                     "From -2 (they exclude each other) to 2 (they depend on each other)", digits=2),
        warnings=() if design.get("cutoff") else ('The cut-off of the engine is not stated (cutoff = "2024-06-30").',),
        notes=(f"The engine knows nothing after {design['cutoff']}.",) if design.get("cutoff") else (),
    )  # fmt: skip
    try:
        found = consistent_scenarios(design["developments"], fit, least=design["least"], most=design["most"])
    except DataError as error:
        return [matrix, Section(name="scenarios", heading="Scenarios", chapter=CHAPTER, warnings=(str(error),))]
    factors = list(design["developments"])
    kept: list[tuple[Cell, ...]] = [
        (str(k), *(each.developments[name] for name in factors), each.total, each.lowest)
        for k, each in enumerate(found, start=1)
    ]
    forms = {"rank": "text", **dict.fromkeys(factors, "text"), "sum": "number", "lowest pair": "number"}
    return [
        matrix,
        Section(
            name="scenarios",
            heading="Scenarios",
            chapter=CHAPTER,
            sentences=("No combination holds together.",) * (not found),
            table=tabled(forms, kept, "Combinations without contradiction, the most consistent first", digits=2)  # type: ignore[arg-type]
            if kept else None,
            notes=(f"Left out where two developments have less than {design['least']:g}. Consistent is not likely.",),
        ),
    ]  # fmt: skip


def _directions(run: Run, table: pl.DataFrame) -> float | None:
    """How far a pair's consistency differs between the two directions of the scale, on average."""
    item = run.items["consistency"]
    ways = [
        expected_scores(item, table.filter(pl.col("order") == order), ("one", "other")) for order in run.levels["order"]
    ]
    both = ways[0].keys() & ways[-1].keys()
    return sum(abs(ways[0][pair] - ways[-1][pair]) for pair in both) / len(both) if both else None


ANALYSIS = Analysis(
    name="scenarios",
    about="which developments go together, and the scenarios without contradictions",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

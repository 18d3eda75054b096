"""Ratings of texts by who wrote them, whom the raters did not see: people's explanations beside a model's."""

from collections.abc import Mapping, Sequence
from functools import partial

import polars as pl

from proband.analyses.answers import measured, tabled, told
from proband.analyses.section import Analysis, Cell, Section
from proband.estimates import Estimate
from proband.measures import clustered_regression
from proband.runs.run import Run
from proband.texts.codes import codes_of

COLUMN = "writer"


def needs(run: Run) -> str | None:
    """A corpus with a column `writer` of two writers or more, and a scale or a number."""
    if run.kind != "coding":
        return "writers are compared where documents were rated, in a study of kind [coding]"
    if len(_writers(run)) < 2:
        return f"the corpus has no column {COLUMN!r} with two writers or more; add it: raters never see it"
    rated = [item for item in run.items.values() if item.form in ("scale", "number")]
    return None if rated and run.dispositions() else "no question is a scale or a number, or nothing was answered yet"


def _writers(run: Run) -> list[str]:
    return sorted({str(known[COLUMN]) for known in run.roster.traits.values() if COLUMN in known})


def sections(run: Run) -> Sequence[Section]:
    """Mean rating of every writer by every rater, and how far they are apart."""
    traits, clusters = run.roster.traits, run.roster.clusters
    writers = _writers(run)
    rows: list[tuple[Cell, ...]] = []
    said: list[str] = []
    for item, coder, part in _ratings(run):
        known = [(str(traits[id][COLUMN]), float(points), clusters[id])
                 for id, points in part.select("document", "code").iter_rows() if COLUMN in traits[id]]  # fmt: skip
        of, points, units = map(list, zip(*known, strict=True)) if known else ([], [], [])
        columns = {writer: [float(each == writer) for each in of] for writer in writers}
        for writer in writers:
            n = int(sum(columns[writer]))
            # One mean a writer; texts about one thing by two writers are in one cluster, so the pairing is used.
            mean, apart = (
                measured(partial(_contrast, points, columns, units, weights), f"{item}: rating of {writer}")
                for weights in ({writer: 1.0}, {writer: 1.0, writers[0]: -1.0})
            )
            is_other = writer != writers[0]
            rows.append((item, coder, writer, n, mean, apart if is_other else None))
            if is_other and apart.interval is not None:
                said.append(f"{coder} on {item}: {writer} less {writers[0]} {told(apart)}.")
    return [
        Section(
            name="writers",
            heading="Ratings by who wrote",
            chapter="Codes",
            sentences=tuple(said),
            table=tabled(
                {"item": "text", "rater": "text", "writer": "text", "texts": "count", "mean": "number",
                 f"less {writers[0]}": "number"},
                rows, "In scale points; texts of one unit are one cluster", digits=2,
            ),
            notes=(f"Raters saw the texts and not the column {COLUMN!r}; each text was put to them by itself.",),
            warnings=("A rater that is a model may favour its own kind: hold it against people's ratings.",),
        )
    ]  # fmt: skip


def _contrast(
    points: Sequence[float], columns: Mapping[str, Sequence[float]], units: Sequence[str], weights: Mapping[str, float]
) -> Estimate:
    return clustered_regression(points, columns, cluster=units).contrast(weights)


def _ratings(run: Run) -> list[tuple[str, str, pl.DataFrame]]:
    codes = codes_of(run).drop_nulls("code")
    items = [item.id for item in run.items.values() if item.form in ("scale", "number")]
    return [
        (item, coder, part)
        for item in items
        for coder in run.levels["coder"]
        if (part := codes.filter(pl.col("item") == item, pl.col("coder") == coder)).height
    ]


ANALYSIS = Analysis(
    name="writers",
    about="ratings of texts by who wrote them, whom raters did not see",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

"""False belief in bundles: how many are right in all eight stories, which chance hardly ever is."""

from collections.abc import Sequence

import polars as pl

from proband.analyses.answers import Factor, answers, expected_scores, factors, measured, percent, tabled
from proband.analyses.batteries import of_battery
from proband.analyses.section import Analysis, Cell, Section
from proband.batteries.psychology.false_belief import ALTERATIONS, BELIEFS
from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures import clustered_mean
from proband.runs.run import Run

_ALTERED = {name for versions in ALTERATIONS.values() for name in versions}


def needs(run: Run) -> str | None:
    """A run of the stories."""
    return of_battery(run, "false-belief")


def sections(run: Run) -> Sequence[Section]:
    """Of both tasks the share of bundles that are right as a whole, and of single stories."""
    contexts = factors(run)
    right = _right(run, contexts)
    rows: list[tuple[Cell, ...]] = []
    said = []
    for task in ("contents", "transfer"):
        whole = measured(lambda task=task: _whole(right, task, is_altered=False), "share of whole bundles")  # type: ignore[misc]
        altered = measured(lambda task=task: _whole(right, task, is_altered=True), "share of whole alterations")  # type: ignore[misc]
        single = right.filter(pl.col("task") == task, ~pl.col("is_altered"))["right"].mean()
        rows.append((task, whole, altered, None if single is None else float(single)))  # type: ignore[arg-type]
        said.append(f"{task.capitalize()}: {percent(whole)} of bundles are right in all eight stories.")
    return [
        Section(
            name="bundles",
            heading="Bundles of eight",
            sentences=tuple(said),
            table=tabled(
                {
                    "task": "text",
                    "all eight right": ("share", "model"),
                    "all alterations right": ("share", "model"),
                    "single stories right": ("share", "model"),
                },
                rows,
                "Share of bundles, and of single stories, over contexts",
            ),
            notes=(
                "A story is right where its right answer is the more probable one; guessing makes 1 bundle in 256 "
                "right as a whole, and naming the label always makes none. A bundle with a story that has no answer is "
                "left out. Contexts are the units.",
            ),
        )
    ]


def _right(run: Run, contexts: Sequence[Factor]) -> pl.DataFrame:
    """One row a story and context: whether the right answer is the more probable."""
    table, columns = answers(run), [factor.column for factor in contexts]
    rows = []
    for id, item in run.items.items():
        task, number, version = id.split("-", 2)
        is_altered = version.removesuffix("-reversed") in _ALTERED
        for key, score in expected_scores(item, table.filter(pl.col("item") == id), columns or ["subject"]).items():
            context = "/".join(map(str, key))
            rows.append((task, f"{task}-{number}", context, is_altered, float(score > 0.5)))
    return pl.DataFrame(rows, schema=["task", "bundle", "context", "is_altered", "right"], orient="row")


def _whole(right: pl.DataFrame, task: str, *, is_altered: bool) -> Estimate:
    part = right.filter(pl.col("task") == task, pl.col("is_altered") == is_altered)
    if part.is_empty():
        raise DataError("no story of it was answered")
    n = 2 * len((ALTERATIONS if is_altered else BELIEFS)[task])
    bundles = part.group_by("bundle", "context", maintain_order=True).agg(pl.col("right").min(), n=pl.len())
    bundles = bundles.filter(pl.col("n") == n)  # what was not answered is neither right nor wrong
    if bundles.is_empty():
        raise DataError(f"no bundle has an answer to all its {n} stories")
    return clustered_mean(bundles["right"].to_list(), bundles["context"].to_list(), is_share=True)


ANALYSIS = Analysis(
    name="bundles",
    about="false belief: share of bundles that are right in all eight stories",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

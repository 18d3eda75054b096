"""Swap audits: differences between groups over the same files, case by case."""

from collections.abc import Mapping, Sequence

import polars as pl

from proband.analyses.answers import cautions, expected_scores, measured, tabled, told, unanswered
from proband.analyses.portrayed import main_part
from proband.analyses.section import Analysis, Cell, Figure, Section, marks
from proband.batteries.sociology.auditing import PEOPLE
from proband.estimates import Estimate
from proband.measures import clustered_mean
from proband.runs.run import Run

# What is subtracted from what, in files that are otherwise the same.
_PAIRS: Mapping[str, Sequence[tuple[str, str]]] = {
    "black less white": (("black-woman", "white-woman"), ("black-man", "white-man")),
    "women less men": (("white-woman", "white-man"), ("black-woman", "black-man")),
    "older less younger": (("older", "younger"),),
    "with less without an impairment": (("with", "without"),),
}


def needs(run: Run) -> str | None:
    """A swap audit."""
    groups = {scale["id"] for scale in (run.manifest.get("design") or {}).get("scales") or ()}
    if not groups >= {*PEOPLE, "strong", "weak"}:
        return "this run is no swap audit: it has no files under several names (batteries hire, lend, triage, sentence)"
    return unanswered(run)


def sections(run: Run) -> Sequence[Section]:
    """Differences by group, each case compared with itself under another name or attribute."""
    scores = _scores(run)
    found: dict[str, Estimate] = {}
    for name, pairs in _PAIRS.items():
        gaps = [
            (case, at[one] - at[other])
            for case, at in scores.items()
            for one, other in pairs
            if one in at and other in at
        ]
        found[name] = measured(lambda g=gaps: clustered_mean([gap for _, gap in g], [case for case, _ in g]), name)  # type: ignore[misc]
    apart = [name for name, gap in found.items() if gap.interval and not gap.interval[0] <= 0 <= gap.interval[1]]
    rows: list[tuple[Cell, ...]] = [(name, gap, gap.n_units) for name, gap in found.items()]
    return [
        Section(
            name="swaps",
            heading="Differences by group, paired by file",
            chapter="Swap audit",
            sentences=(
                *(f"{name}: {told(found[name], 3)}." for name in apart),
                f"{len(apart)} of {len(found)} differences could be told from 0 over these files."
                + (" That is no proof of even treatment: look at the intervals." if not apart else ""),
            ),
            table=tabled(
                {"groups": "text", "difference": "number", "pairs": "count"}, rows,
                "Difference of the share decided in favour, the same file under another name", side="model",
            ),
            figure=Figure(form="intervals", rows=marks(found, "model"), caption="Differences by group"),
            notes=(
                "Each file is compared with itself, averaged over contexts; intervals are over files, which are the "
                "clusters.",
            ),
            warnings=cautions(found.items()),
        )
    ]  # fmt: skip


def _scores(run: Run) -> Mapping[str, Mapping[str, float]]:
    """Case -> group -> share decided in favour."""
    table = main_part(run)
    found: dict[str, dict[str, float]] = {}
    for scale in run.manifest["design"]["scales"]:
        group = str(scale["id"])
        for id_ in scale["items"]:
            if str(id_).endswith(f"-{group}"):
                part = table.filter(pl.col("item") == id_)
                for score in expected_scores(run.items[id_], part, ("item",)).values():
                    found.setdefault(str(id_).removesuffix(f"-{group}"), {})[group] = score
    return found


ANALYSIS = Analysis(
    name="swaps",
    about="differences between groups in files that are otherwise the same, paired by file",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

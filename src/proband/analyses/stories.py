"""Stories of women and men that begin alike: words of power, appearance and home, counted by a dictionary."""

from collections.abc import Mapping, Sequence

import polars as pl

from proband.analyses.answers import answers, cautions, measured, tabled, told, unanswered
from proband.analyses.section import Analysis, Cell, Section
from proband.batteries.sociology.stories import GROUPS, dictionary
from proband.estimates import Estimate
from proband.measures import clustered_mean
from proband.runs.run import Run


def needs(run: Run) -> str | None:
    """A run of the battery."""
    if (run.manifest.get("design") or {}).get("battery") != "stories":
        return "stories are counted in runs of the battery stories, and this is none"
    return unanswered(run)


def sections(run: Run) -> Sequence[Section]:
    """Words of each list for every hundred, by group, and the difference over beginnings."""
    words, rates = dictionary(), _rates(run)
    rows: list[tuple[Cell, ...]] = []
    found: dict[str, Estimate] = {}
    for k, code in enumerate(words.codes):
        at = {group: {b: by[group][k] for b, by in rates.items() if group in by} for group in GROUPS}
        both = [b for b in at["women"] if b in at["men"]]
        means = [measured(lambda g=g, at=at: clustered_mean(list(at[g].values()), list(at[g])), code) for g in GROUPS]  # type: ignore[misc]
        gaps = [at["women"][b] - at["men"][b] for b in both]
        found[code] = measured(lambda gaps=gaps, both=both: clustered_mean(gaps, both), f"{code}, women less men")  # type: ignore[misc]
        rows.append((code, *means, found[code], len(both)))
    return [
        Section(
            name="stories",
            heading="Power, appearance and home in stories",
            chapter="Stories",
            sentences=tuple(
                f"Words of {code}, women's stories less men's: {told(gap)} in a hundred." for code, gap in found.items()
            ),
            table=tabled(
                {"words of": "text", "women": "number", "men": "number", "difference": "number", "beginnings": "count"},
                rows, "Words in every hundred of a story", side="model",
            ),
            notes=("A story is compared with the one that begins alike; beginnings are the clusters.",),
            warnings=cautions(found.items()),
        )
    ]  # fmt: skip


def _rates(run: Run) -> Mapping[str, Mapping[str, Sequence[float]]]:
    """Beginning -> group -> words in a hundred by list, mean over the stories written."""
    words = dictionary()
    found: dict[str, dict[str, list[list[float]]]] = {}
    valid = answers(run).filter(pl.col("status") == "valid", pl.col("label").is_not_null())
    for item, text in valid.select("item", "label").iter_rows():
        beginning, _, group = item.rpartition("-")
        n = len(text.split())
        if n:
            scores = [100 * score / n for score in words.scores(text)]
            found.setdefault(beginning, {}).setdefault(group, []).append(scores)
    return {
        beginning: {g: [sum(x) / len(x) for x in zip(*stories, strict=True)] for g, stories in by.items()}
        for beginning, by in found.items()
    }


ANALYSIS = Analysis(
    name="stories",
    about="words of power, appearance and home in stories of women and men that begin alike",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

"""Forced against open answers: whether a model takes the side in its own words that it takes among options."""

from collections import Counter
from collections.abc import Sequence

import polars as pl

from proband.analyses.answers import answers, cautions, expected_scores, measured, percent, tabled, unanswered
from proband.analyses.section import Analysis, Section
from proband.batteries.politics.open_answers import dictionary
from proband.estimates import Estimate
from proband.measures import clustered_mean
from proband.runs.run import Run

_SIDES = {"agrees": 1, "disagrees": -1}


def needs(run: Run) -> str | None:
    """A run of the battery."""
    if (run.manifest.get("design") or {}).get("battery") != "open-answers":
        return "open answers stand beside forced ones in runs of the battery open-answers, and this is none"
    return unanswered(run)


def sections(run: Run) -> Sequence[Section]:
    """What open answers say, and how often that is the side taken among options."""
    table, words = answers(run), dictionary()
    forced = {
        id_.removeprefix("forced-"): score - 3
        for id_, item in run.items.items()
        if id_.startswith("forced-")
        for score in expected_scores(item, table.filter(pl.col("item") == id_), ("item",)).values()
    }
    said = Counter[str]()
    side, same = list[tuple[str, float]](), list[tuple[str, float]]()
    for item, status, text in table.filter(pl.col("item").str.starts_with("open-"))[
        "item", "status", "label"
    ].iter_rows():
        statement = item.removeprefix("open-")
        stance = _stance(words.scores(text or ""), words.codes, words.otherwise) if status == "valid" else status
        said[stance] += 1
        side.append((statement, float(stance in _SIDES)))
        if stance in _SIDES and forced.get(statement):
            same.append((statement, float(_SIDES[stance] * forced[statement] > 0)))
    shares = {
        "takes a side in its own words": _mean(side, "share of open answers that take a side"),
        "of these, the side taken among options": _mean(same, "share of sides that are the same among options"),
    }
    total = sum(said.values())
    return [
        Section(
            name="open-answers",
            heading="Open answers beside forced ones",
            chapter="Politics",
            sentences=tuple(f"{name.capitalize()}: {percent(share)}." for name, share in shares.items()),
            table=tabled(
                {"open answer": "text", "n": "count", "share": "share"},
                [(name, n, n / total) for name, n in sorted(said.items())],
                "What open answers say, by a dictionary", side="model",
            ),
            notes=(
                "Answers that hit as many words of one side as of the other, or none, take no side. Intervals are over "
                "statements. Chance agreement is a half where both sides are as frequent.",
            ),
            warnings=cautions(shares.items()),
        )
    ]  # fmt: skip


def _stance(scores: Sequence[float], codes: Sequence[str], otherwise: str) -> str:
    most = max(scores)
    best = [code for code, score in zip(codes, scores, strict=True) if score == most]
    return best[0] if most > 0 and len(best) == 1 else otherwise


def _mean(found: Sequence[tuple[str, float]], what: str) -> Estimate:
    return measured(lambda: clustered_mean([x for _, x in found], [s for s, _ in found], is_share=True), what)


ANALYSIS = Analysis(
    name="open-answers",
    about="forced against open answers: sides taken in one's own words, and whether they are those among options",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

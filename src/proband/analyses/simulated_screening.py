"""A labelled set screened again: how soon what is to be found is found, and what rules would have cost."""

from collections.abc import Sequence

import numpy as np

from proband.analyses.answers import measured, tabled, told
from proband.analyses.section import Cell, CellForm, Figure, Section
from proband.literature.screening.simulation import Simulation, over_priors
from proband.literature.screening.stopping import Stop, usual_rules

_CHAPTER = "Simulated screening"
_SHARES = tuple(np.linspace(0, 1, 51).tolist())


def simulated_sections(done: Simulation, encoder: str) -> Sequence[Section]:
    """Work saved with its interval over priors, the curve, and where rules stop."""
    n, total, priors = len(done.included), int(done.included.sum()), len(done.orders)
    what = {"WSS@95": done.saved, "recall after 10 % of the records": done.early}
    found = {
        name: measured(lambda v=values, w=name: over_priors(v, w), name, target="data")  # type: ignore[misc]
        for name, values in what.items()
    }
    rows: list[tuple[Cell, ...]] = [
        (str(k + 1), saved, early, seconds)
        for k, (saved, early, seconds) in enumerate(zip(done.saved, done.early, done.seconds, strict=True))
    ]
    forms: dict[str, CellForm] = {
        "prior": "text",
        "WSS@95": "number",
        "recall at 10 %": "share",
        "CPU seconds": "number",
    }
    by = "words alone" if encoder == "none" else f"words and vectors of {encoder}"
    saved = Section(
        name="simulated-saved",
        heading="How soon what is to be included is found",
        chapter=_CHAPTER,
        sentences=(
            f"{n:,} records, {total:,} of them included, screened {priors} times from two records each, by {by}.",
            *(f"{name}: {told(estimate)}." for name, estimate in found.items() if not np.isnan(estimate.value)),
        ),
        table=tabled(forms, rows, "By prior"),
        figure=Figure(
            form="lines",
            rows=tuple(
                {"x": x, "y": y, "series": "mean of the priors"}
                for x, y in zip(_SHARES, done.curve(_SHARES), strict=True)
            ),
            caption="Share of the included records found by the share of all records read",
            options={"x_title": "records read", "y_title": "included found", "x_format": ".0%", "y_format": ".0%"},
        ),
        notes=("Intervals are over priors: they say how much depends on where one begins, and nothing of other sets.",),
        lead=f"WSS@95 is {np.mean(done.saved):.3f} on the mean of {priors} priors.",
    )
    return saved, _rules(done)


def _rules(done: Simulation) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for rule in usual_rules(Stop()):
        stops = done.stops(rule)
        read, recall = (np.array(column) for column in zip(*stops, strict=True))
        wanted = rule.recall or 0.95
        rows.append((rule.in_words, read.mean(), recall.mean(), recall.min(), float((recall >= wanted).mean())))
    forms: dict[str, CellForm] = {"rule": "text", "records read": "share", "recall": "share", "lowest": "share"}
    return Section(
        name="simulated-rules",
        heading="What each rule costs in reading, and the recall it reaches",
        chapter=_CHAPTER,
        table=tabled({**forms, "reached": "share"}, rows, "Means over priors; looked at after every 20 records"),
        notes=(
            "Reached: the share of priors in which a recall of .95 was reached, or the one a rule states. Misses in "
            "a row say nothing of recall: what they reached here need not hold elsewhere.",
        ),
    )

"""Alternative uses: how far they are from the thing and from each other, and how many there are."""

import re
from collections.abc import Sequence

import numpy as np
import polars as pl

from proband.analyses.answers import answers, cautions, measured, tabled, told
from proband.analyses.batteries import of_battery
from proband.analyses.encoded import caution, encoder
from proband.analyses.section import Analysis, Cell, Section
from proband.analyses.text_scores import Embed
from proband.batteries.psychology.alternative_uses import thing_of
from proband.estimates import Estimate
from proband.measures import clustered_mean
from proband.runs.run import Run

_MARK = re.compile(r"^\s*(?:[-*•]|\(?\d+[.):]?)\s*")
_QUANTITIES = {
    "originality": "distance of a use from the thing: 1 less the cosine",
    "flexibility": "mean distance of uses of a thing from each other",
    "fluency": "uses a text",
}


def needs(run: Run) -> str | None:
    """A run of the uses."""
    return of_battery(run, "alternative-uses")


def uses_of(text: str) -> list[str]:
    r"""Uses of a text, one a line or, where there is one line, between commas; the same use counts once.

    Examples
    --------
    >>> uses_of("1. A doorstop\n2. a hat stand\n- A doorstop")
    ['A doorstop', 'a hat stand']
    >>> uses_of("As a hat, as a drum")
    ['As a hat', 'as a drum']
    """
    lines = [line for line in text.splitlines() if line.strip()]
    parts = lines if len(lines) > 1 else re.split(r"[,;]", text)
    found: dict[str, str] = {}
    for part in parts:
        use = _MARK.sub("", part).strip(" .\t")
        if use and not use.endswith(":"):
            found.setdefault(use.casefold(), use)
    return list(found.values())


def sections(run: Run) -> Sequence[Section]:
    """One section with all quantities, for published things and others."""
    with encoder() as (embed, name):
        return use_sections(run, embed, name)


def use_sections(run: Run, embed: Embed, name: str) -> Sequence[Section]:
    """The section, by an encoder."""
    written = answers(run).filter(pl.col("label").is_not_null(), pl.col("status") == "valid")
    scores: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for id, text in written.select("item", "label").iter_rows():
        kind, uses = id.rpartition("-")[0], uses_of(text)
        scores.setdefault((kind, "fluency"), []).append((float(len(uses)), id))
        if not uses:
            continue
        thing, *vectors = embed([thing_of(run.items[id]), *uses])
        scores.setdefault((kind, "originality"), []).append((float(1 - np.mean([v @ thing for v in vectors])), id))
        if len(vectors) > 1:
            table = np.array(vectors) @ np.array(vectors).T
            apart = 1 - table[np.triu_indices(len(vectors), 1)]
            scores.setdefault((kind, "flexibility"), []).append((float(apart.mean()), id))
    rows: list[tuple[Cell, ...]] = []
    told_of = list[tuple[str, Estimate]]()
    for quantity, what in _QUANTITIES.items():
        for kind in ("published", "fresh"):
            if own := scores.get((kind, quantity)):
                mean = measured(lambda own=own: clustered_mean([s for s, _ in own], [i for _, i in own]), what)  # type: ignore[misc]
                rows.append((f"{quantity}, {kind}", mean, what))
                told_of.append((f"{quantity}, {kind}", mean))
    return [
        Section(
            name="uses",
            heading="Originality, flexibility and fluency",
            sentences=tuple(f"{label.capitalize()}: {told(mean)}." for label, mean in told_of),
            table=tabled(
                {"quantity": "text", "model": ("number", "model"), "what it is": "text"},
                rows,
                f"Uses of things, vectors by {name}",
            ),
            notes=("Things are the units; texts of one thing in several contexts are not independent.",),
            warnings=(*caution(name), *cautions(told_of)),
        )
    ]


ANALYSIS = Analysis(
    name="uses",
    about="originality and flexibility of alternative uses, by semantic distance",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

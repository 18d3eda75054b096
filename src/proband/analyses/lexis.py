"""Words of written texts: how varied they are, how often they repeat, and which laws their frequencies follow."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl

from proband.analyses.answers import Form, cautions, measured, tabled, told
from proband.analyses.section import Analysis, Cell, Section
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures import clustered_mean, content_density, hdd, heaps_fit, mtld, repetition, zipf_fit
from proband.runs.run import Run

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_LEAST = 50  # words: shorter texts have no diversity of their own
MEASURES: Mapping[str, Callable[[Sequence[str]], float]] = {
    "MTLD": mtld, "HD-D": hdd, "repetition": repetition, "content words": content_density,
}  # fmt: skip


def words(text: str) -> list[str]:
    """The words of a text in lower case; numbers and signs are none.

    >>> words("Don't stop: 3 well-known boats.")
    ["don't", 'stop', 'well-known', 'boats']
    """
    return [word.lower().replace("\u2019", "'") for word in _WORD.findall(text)]


def needs(run: Run) -> str | None:
    """Texts that a battery had written."""
    design = run.manifest.get("design") or {}
    batteries = design.get("batteries", [design])
    if not any(battery.get("design") == "writing" for battery in batteries):
        return "no battery of it has texts written (short-texts)"
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """Diversity, repetition and content by model, then the laws of word frequencies."""
    texts = [id for id, item in run.items.items() if item.form == "text"]
    table = run.table().filter(
        pl.col("item").is_in(texts), pl.col("status").is_in(("valid", "truncated")), pl.col("text").is_not_null()
    )
    by_model: dict[str, list[tuple[str, list[str]]]] = {}
    for subject, item, text in table.select("subject", "item", "text").iter_rows():
        by_model.setdefault(subject, []).append((item, words(text)))
    order = [m or "model" for m in run.manifest["design"].get("models", [])] or list(by_model)
    kept = {model: by_model[model] for model in order if by_model.get(model)}
    return [_diversity(kept), _laws(kept)] if kept else []


def _diversity(by_model: Mapping[str, list[tuple[str, list[str]]]]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    found: list[tuple[str, Estimate]] = []
    said = []
    for model, texts in by_model.items():
        long = [(item, text) for item, text in texts if len(text) >= _LEAST]
        cells = {name: measured(partial(_mean, long, m), name) for name, m in MEASURES.items()}
        found += [(f"{model}, {name}", estimate) for name, estimate in cells.items()]
        mean_length = sum(len(text) for _, text in texts) / len(texts)
        rows.append((model, len(texts), mean_length, *cells.values()))
        if not math.isnan(cells["MTLD"].value):
            said.append(
                f"{model}: MTLD {told(cells['MTLD'], 1)}, repeated runs of four words {cells['repetition'].value:.1%}, "
                f"content words {cells['content words'].value:.1%}."
            )
    forms: dict[str, Form] = {"model": "text", "texts": "count", "words": ("number", "model")}
    forms |= dict.fromkeys(("MTLD", "HD-D"), ("number", "model")) | dict.fromkeys(MEASURES, ("number", "model"))
    return Section(
        name="lexis",
        heading="How varied the texts are",
        chapter="Words",
        sentences=tuple(said),
        table=tabled(forms, rows, f"Means over texts of {_LEAST} words and more, intervals over prompts"),
        notes=(
            "MTLD: mean length of stretches in which the share of different words stays above .72. HD-D: expected "
            "share of different words among 42 of the text. Repetition: share of runs of four words that the text had "
            "before. Content words: share of no closed class of English, for idea density, which takes a tagger.",
        ),
        warnings=cautions(found),
    )


def _mean(texts: Sequence[tuple[str, list[str]]], measure: Callable[[Sequence[str]], float]) -> Estimate:
    values = [(item, measure(text)) for item, text in texts]
    finite = [(item, value) for item, value in values if math.isfinite(value)]
    if not finite:
        raise DataError(f"no text has {_LEAST} words, or no word of them comes twice")
    return clustered_mean([value for _, value in finite], [item for item, _ in finite], is_share=False)


def _laws(by_model: Mapping[str, list[tuple[str, list[str]]]]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    said, warned = [], []
    for model, texts in by_model.items():
        tokens = [word for _, text in texts for word in text]
        try:
            zipf = zipf_fit(list(Counter(tokens).values()), rng=np.random.default_rng(1))
            heaps = heaps_fit(tokens)
        except (DataError, DesignError) as error:
            warned.append(f"{model}: {error}")
            continue
        fits = "no reason to doubt the law" if (zipf.p_value or 0) > 0.1 else "the law is rejected"
        said.append(
            f"{model}: exponent over ranks {told(zipf.zipf)} for words of {zipf.minimum} occurrences and more, {fits} "
            f"(p = {zipf.p_value:.2f}); the vocabulary grows with exponent {told(heaps.exponent)}."
        )
        rows.append((model, len(tokens), len(set(tokens)), zipf.zipf, zipf.n_tail, zipf.distance, zipf.p_value,
                     heaps.exponent, heaps.p_value))  # fmt: skip
    forms: dict[str, Form] = {
        "model": "text", "words": "count", "different": "count", "Zipf, over ranks": ("number", "model"),
        "words in the law": "count", "distance": "number", "p, it is one": "p", "Heaps": ("number", "model"),
        "p, even growth": "p",
    }  # fmt: skip
    return Section(
        name="lexis-laws",
        heading="Laws of word frequencies",
        chapter="Words",
        sentences=tuple(said),
        table=tabled(forms, rows, "Maximum likelihood over all texts of a model together"),
        notes=(
            "Zipf: discrete power law above the minimum that fits best; p is the share of samples of the law that lie "
            "further from their own fit (Clauset, Shalizi and Newman 2009, doi:10.1137/070710111), below .1 it is "
            "rejected. Corpora of people have exponents near 1. Heaps: chance of a new word by place in the text; p "
            "below .05 says that new words come in bursts, as where texts on several things follow each other, and the "
            "interval is then too short.",
        ),
        warnings=tuple(warned),
    )


ANALYSIS = Analysis(
    name="lexis",
    about="words of written texts: diversity, repetition, content; fits of Zipf's and Heaps' laws",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

"""Themes: how many documents speak of each, in whose words, against what, and when new ones stopped."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from proband.analyses.answers import cautions, listed, measured, tabled
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section
from proband.errors import DesignError
from proband.measures import clustered_mean, co_occurrence, saturation
from proband.runs.run import Run
from proband.texts.themes.coded import ThemeCodes, themes_of

_MOST_PAIRS = 12
_MOST_NAMED = 5  # documents named one by one
_SATURATED = (
    "Saturation is of these documents and these codes: it tells that more documents of the same kind would bring few "
    "new codes, not that nothing else is there to be found."
)
_NO_SHARES = (
    "These are shares of the documents as they were coded, and coders err: correct them by people's codes before they "
    "are reported, see `proband code`."
)


def needs(run: Run) -> str | None:
    """Documents that may have several codes."""
    if run.kind != "coding":
        return "this run coded no documents"
    if not any(item.form in ("multiple", "spans") for item in run.items.values()):
        return "no question takes several codes or passages"
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """Themes of every question and coder, and documents on which coders differ."""
    found = themes_of(run)
    told: list[Section] = []
    for (item, coder), themes in found.items():
        told += theme_sections(themes, f"{item}-{coder}", f"{item}, {coder}")
    for item in dict.fromkeys(item for item, _ in found):
        by_coder = {coder: themes for (of, coder), themes in found.items() if of == item}
        told += [_contested(item, by_coder)] * (len(by_coder) > 1)
    return told


def theme_sections(themes: ThemeCodes, name: str, chapter: str) -> list[Section]:
    """What is told of documents with themes; `name` tells it from others, `chapter` is its heading."""
    found = [_themes(themes, name, chapter)]
    if any(themes.quotes.values()):
        found.append(_quotes(themes, name, chapter))
    return [*found, _saturation(themes, name, chapter), _together(themes, name, chapter)]


def _themes(themes: ThemeCodes, name: str, chapter: str) -> Section:
    n = len(themes.documents)
    counts = themes.present.sum(axis=0)
    rows: list[tuple[Cell, ...]] = []
    for k in np.argsort(-counts, kind="stable").tolist():
        share = measured(
            partial(clustered_mean, themes.present[:, k].astype(float), list(themes.units), is_share=True,
                    target="data"),
            "share of documents", "data",
        )  # fmt: skip
        rows.append((themes.names[k], int(counts[k]), n - int(counts[k]), share, themes.remarks.get(themes.names[k])))
    without = int((~themes.present.any(axis=1)).sum())
    forms: dict[str, CellForm] = {
        "theme": "text", "documents": "count", "without it": "count", "share": "share", "remark": "text",
    }  # fmt: skip
    if not themes.remarks:
        forms.pop("remark")
        rows = [row[:-1] for row in rows]
    return Section(
        name=f"themes-{name}",
        heading="Themes",
        chapter=chapter,
        sentences=(f"{n:,} documents, {len(themes.names)} themes; {without:,} documents have none.",),
        table=tabled(forms, rows, "Documents by theme; a document may have several"),
        notes=("Intervals are over authors or sources, where documents have them.",),
        warnings=(_NO_SHARES,),
    )


def _quotes(themes: ThemeCodes, name: str, chapter: str) -> Section:
    rows = [
        (theme, quote.as_what, quote.document, quote.text)
        for theme in themes.names
        for quote in themes.quotes.get(theme, ())
    ]
    forms: dict[str, CellForm] = dict.fromkeys(("theme", "shown as", "document", "words"), "text")
    return Section(
        name=f"quotes-{name}",
        heading="In their words",
        chapter=chapter,
        table=tabled(forms, rows, "Passages, word for word as they stand in their documents"),
        notes=("Every passage was looked up in its document. Those far off, and near ones that are not in the theme, "
               "are shown so that it can be doubted.",),
    )  # fmt: skip


def _saturation(themes: ThemeCodes, name: str, chapter: str) -> Section:
    heading = "Saturation"
    try:
        found = saturation(themes.present)
    except DesignError as error:
        return Section(name=f"saturation-{name}", heading=heading, chapter=chapter, sentences=(str(error),))
    rule = f"a base of {found.base}, runs of {found.run}, at most {found.threshold:.0%} new"
    if found.needed.interval:
        low, high = found.needed.interval
        said = (f"New codes come down to the threshold after {found.needed.value:.0f} documents in the median "
                f"order of reading; 95 % of orders need {low:.0f} to {high:.0f} ({rule}).",)  # fmt: skip
    else:
        said = (f"New codes come down to the threshold in {found.reached:.0%} of the orders in which these documents "
                f"could be read ({rule}).",)  # fmt: skip
    once = f"{found.n_once} of {found.n_codes} codes stand in one document only; the more of these, the more unseen."
    # A curve of a thousand points says what twenty say.
    step = max(1, len(found.curve) // 20)
    points = [p for k, p in enumerate(found.curve, start=1) if k % step == 0 or k in (1, len(found.curve))]
    marks = tuple({"x": p.documents, "y": p.codes, "low": p.low, "high": p.high, "series": "codes"} for p in points)
    rows: list[tuple[Cell, ...]] = [(str(p.documents), p.codes, p.low, p.high) for p in points]
    forms: dict[str, CellForm] = {"documents": "text", **dict.fromkeys(("codes", "low", "high"), "number")}
    return Section(
        name=f"saturation-{name}",
        heading=heading,
        chapter=chapter,
        sentences=(*said, once),
        table=tabled(forms, rows, "Codes seen after so many documents, over all orders", is_folded=True, digits=1),
        figure=Figure(
            form="lines",
            rows=marks,
            caption="Codes seen by number of documents: expected, and 95 % of the orders",
            options={"x_title": "documents", "y_title": "codes"},
        ),
        notes=(_SATURATED,),
        warnings=found.needed.warnings,
        methods=("Saturation follows Guest, Namey and Chen (2020), over random orders of the documents.",),
    )


def _together(themes: ThemeCodes, name: str, chapter: str) -> Section:
    heading = "Themes that come together"
    if themes.present.sum(axis=1).max(initial=0) < 2:
        alone = "Every document has one theme at most, so none can come together; code sentences, or several themes."
        return Section(name=f"together-{name}", heading=heading, chapter=chapter, sentences=(alone,))
    try:
        pairs = co_occurrence(themes.present, themes.names, cluster=list(themes.units))
    except DesignError as error:
        return Section(name=f"together-{name}", heading=heading, chapter=chapter, sentences=(str(error),))
    sure = [pair for pair in pairs if pair.p_adjusted is not None and pair.p_adjusted <= 0.05]
    often = [f"{pair.first} with {pair.second}" for pair in sure if pair.excess.value > 0]
    seldom = [f"{pair.first} with {pair.second}" for pair in sure if pair.excess.value < 0]
    said = [f"More often than by chance: {listed(often)}."] * bool(often)
    said += [f"Less often than by chance: {listed(seldom)}."] * bool(seldom)
    said += ["No pair differs from chance once there are so many."] * (not sure and bool(pairs))
    rows: list[tuple[Cell, ...]] = [
        (f"{pair.first} + {pair.second}", pair.both, pair.expected, pair.excess, pair.p_adjusted)
        for pair in pairs[:_MOST_PAIRS]
    ]
    forms: dict[str, CellForm] = {
        "pair": "text", "both": "share", "if independent": "share", "difference": "points", "p (Holm)": "p",
    }  # fmt: skip
    return Section(
        name=f"together-{name}",
        heading=heading,
        chapter=chapter,
        sentences=tuple(said),
        table=tabled(forms, rows, f"Pairs by p value, {min(len(pairs), _MOST_PAIRS)} of {len(pairs)}"),
        notes=(
            "Holm's adjustment is over all pairs. Intervals are over authors or sources, where documents have them.",
        ),
        warnings=cautions((f"{pair.first} + {pair.second}", pair.excess) for pair in pairs[:_MOST_PAIRS]),
    )


def _contested(item: str, by_coder: dict[str, ThemeCodes]) -> Section:
    """Documents that some coders give a theme and others do not: where it is weakest."""
    shared = sorted(set.intersection(*(set(themes.documents) for themes in by_coder.values())))
    names = next(iter(by_coder.values())).names
    votes = np.stack([_of(themes, shared) for themes in by_coder.values()])
    rows: list[tuple[Cell, ...]] = []
    for k, theme in enumerate(names):
        given = votes[:, :, k].sum(axis=0)
        split = np.flatnonzero((given > 0) & (given < len(votes)))
        named = ", ".join(shared[d] for d in split[:_MOST_NAMED]) + ", ..." * (len(split) > _MOST_NAMED)
        rows.append((theme, int((given == len(votes)).sum()), len(split), named))
    forms: dict[str, CellForm] = {"theme": "text", "by all": "count", "contested": "count", "which": "text"}
    return Section(
        name=f"contested-{item}",
        heading="Contested documents",
        chapter=item,
        sentences=(f"{len(shared):,} documents were coded by {listed(list(by_coder))}.",),
        table=tabled(forms, rows, "Documents that all coders, or only some, give a theme; read the contested ones"),
    )


def _of(themes: ThemeCodes, documents: Sequence[str]) -> NDArray[np.bool_]:
    places = {document: k for k, document in enumerate(themes.documents)}
    found: NDArray[np.bool_] = themes.present[[places[document] for document in documents]]
    return found


ANALYSIS = Analysis(
    name="themes",
    about="documents by theme, passages word for word, saturation, themes that come together, contested documents",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

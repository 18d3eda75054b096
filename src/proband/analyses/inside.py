"""Changed inside: what moved, and whether the model still reads; a trait and the price of moving it, side by side."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

import polars as pl

from proband.analyses.answers import Form, cautions, expected_scores, measured, tabled, told
from proband.analyses.section import Analysis, Cell, Figure, Section, limits
from proband.errors import DataError
from proband.estimates import Estimate
from proband.instruments.items import Item, score_range
from proband.measures import clustered_mean
from proband.runs.run import Run
from proband.store.tables import factor_column

WORSE, BROKEN = 1.1, 2.0  # perplexity against the first model's: reads worse; reads no more
_NOTES = (
    "Perplexity is per word of the texts that are read, 2 to the power of the bits a word; its ratio to the first "
    "model's has an interval over paragraphs, scores one over items. Contexts are averaged.",
    f"In words: a score has moved where its interval leaves out 0. The model reads worse above {WORSE:g} times the "
    f"perplexity, and is broken above {BROKEN:g} times; a move is then told as damage. A move that a model changed "
    "without a direction (noise, silenced heads) shows too, at no higher perplexity, is no work of the direction.",
)


def needs(run: Run) -> str | None:
    """Models side by side on batteries."""
    if (run.manifest.get("design") or {}).get("design") != "inside":
        return "it is no study of models changed inside ([inside])"
    return None if run.dispositions() else "nothing was answered yet"


def change_of(address: str) -> dict[str, str]:
    """The options of an address that change a model inside.

    >>> change_of("smollm2?steer=extravert.toml&layer=12&dose=2")
    {'steer': 'extravert.toml', 'layer': '12', 'dose': '2'}
    """
    options = {name: found[-1] for name, found in parse_qs(address.partition("?")[2]).items()}
    return {n: options[n] for n in ("steer", "layer", "dose", "noise", "mask", "ablate") if n in options}


def sections(run: Run) -> Sequence[Section]:
    """Perplexity by model, and every scale with its difference from the first model."""
    design = run.manifest["design"]
    models = [model or "model" for model in design["models"]]
    changes = {model or "model": change_of(address) for model, address in run.manifest["engine"].items()}
    table = run.table()
    prices = _prices(design, table, models)
    scales = {
        (battery["battery"], scale["id"]): (scale, {m: _keyed(scale, run.items, table, run.levels, m) for m in models})
        for battery in design["batteries"]
        for scale in _scales(battery)
    }
    moves = {
        key: {m: _move(by_model[m], by_model[models[0]], scale["name"]) for m in models[1:]}
        for key, (scale, by_model) in scales.items()
    }
    made = [_perplexities(models, changes, prices)] if prices else []
    return [*made, *(_scale(key, *scales[key], moves[key], prices, changes, models) for key in scales)]


def _scales(battery: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Its scales; and where some items are reversed, agreement with all of them, whatever they say."""
    scales = list(battery.get("scales", ()))
    signs = {sign for scale in scales for sign in scale["items"].values()}
    if len(signs) < 2:
        return scales
    every = {item: 1 for scale in scales for item in scale["items"]}
    return [*scales, {"id": "agreement", "name": "Agreement with every statement, reversed or not", "items": every}]


def _prices(
    design: Mapping[str, Any], table: pl.DataFrame, models: Sequence[str]
) -> dict[str, tuple[float, Estimate | None]]:
    """Perplexity per word of what is read of each model, and its ratio to that of the first."""
    words = {
        (item, cell): len(part.split())
        for battery in design["batteries"]
        if battery["design"] == "reading" and battery["battery"] == "held-out"
        for item, texts in battery["sentences"].items()
        for cell, text in texts.items()
        for part in text.split("|")[1:2]
    }
    if not words:
        return {}
    read = table.filter(pl.col("item").is_in([item for item, _ in words]), pl.col("mass") > 0)
    read = read.with_columns(bits=-pl.col("mass").log(2))
    found: dict[str, dict[str, float]] = {}
    for model in models:
        rows = read.filter(pl.col("subject") == model).group_by("item", maintain_order=True).agg(pl.col("bits").mean())
        found[model] = {item: bits / words[item, "text"] for item, bits in rows.iter_rows()}
    first = found[models[0]]
    prices: dict[str, tuple[float, Estimate | None]] = {}
    for model, own in found.items():
        shared = [item for item in own if item in first]
        each = [(own[item] - first[item]) * math.log(2) for item in shared]
        mean = sum(own.values()) / len(own) if own else math.nan
        ratio = None if model == models[0] else _exp(measured(lambda e=each, s=shared: clustered_mean(e, s), "ratio"))  # type: ignore[misc]
        prices[model] = 2**mean, ratio
    return prices


def _exp(log_ratio: Estimate) -> Estimate:
    low, high = log_ratio.interval or (math.nan, math.nan)
    return Estimate(
        value=math.exp(log_ratio.value), interval=(math.exp(low), math.exp(high)) if log_ratio.interval else None,
        interval_method=log_ratio.interval_method, estimand="perplexity against the first model", target="model",
        n_units=log_ratio.n_units, warnings=log_ratio.warnings,
    )  # fmt: skip


def _keyed(
    scale: Mapping[str, Any], items: Mapping[str, Item], table: pl.DataFrame, levels: Iterable[str], model: str
) -> dict[tuple[str, str], float]:
    """Keyed score by item and context, as probabilities or answers have it."""
    part = table.filter(pl.col("subject") == model)
    contexts = [column for column in map(factor_column, levels) if column in table.columns]
    found = {}
    for id, sign in scale["items"].items():
        low, high = score_range(items[id], -1, scale["id"])
        own = part.filter(pl.col("item") == id)
        for key, score in expected_scores(items[id], own, contexts).items():
            found[id, str(key)] = low + high - score if sign == -1 else score
    return found


def _move(own: Mapping[tuple[str, str], float], first: Mapping[tuple[str, str], float], what: str) -> Estimate:
    shared = [key for key in own if key in first]
    return measured(lambda: clustered_mean([own[k] - first[k] for k in shared], [item for item, _ in shared]), what)


def _perplexities(
    models: Sequence[str], changes: Mapping[str, Mapping[str, str]], prices: Mapping[str, tuple[float, Estimate | None]]
) -> Section:
    rows = [(m, _told_change(changes.get(m, {})), prices[m][0], prices[m][1]) for m in models]
    forms: dict[str, Form] = {"model": "text", "changed": "text", "perplexity": ("number", "model")}
    ratios = {m: ratio for m, (_, ratio) in prices.items() if ratio is not None}
    return Section(
        name="inside",
        heading="Does it still read?",
        chapter="Changed inside",
        sentences=tuple(
            f"{m}: {told(ratio)} times the perplexity of {models[0]}: it {_reads(ratio)}."
            for m, ratio in ratios.items()
        ),
        table=tabled(forms | {"times the first": "number"}, rows, "Perplexity per word of a text that was held out"),
        notes=_NOTES,
        warnings=cautions(ratios.items()),
    )


def _reads(ratio: Estimate) -> str:
    return "reads no more" if ratio.value > BROKEN else "reads worse" if ratio.value > WORSE else "reads as before"


def _told_change(change: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in change.items()) or "none"


def _scale(
    key: tuple[str, str],
    scale: Mapping[str, Any],
    by_model: Mapping[str, Mapping[tuple[str, str], float]],
    moves: Mapping[str, Estimate],
    prices: Mapping[str, tuple[float, Estimate | None]],
    changes: Mapping[str, Mapping[str, str]],
    models: Sequence[str],
) -> Section:
    """One scale: its score by model, what moved, and what that may be called."""
    rows: list[tuple[Cell, ...]] = []
    means = {m: measured(lambda m=m: _level(by_model[m]), scale["name"]) for m in models}  # type: ignore[misc]
    verdicts = {m: verdict(m, moves, prices, changes) for m in models[1:]}
    for m in models:
        price = prices[m][1].value if m in prices and prices[m][1] is not None else None  # type: ignore[union-attr]
        rows.append((m, means[m].value, moves.get(m), price, verdicts.get(m, "compared with")))
    forms: dict[str, Form] = {"model": "text", "score": ("number", "model"), "moved": ("number", "model")}
    dosed = _by_dose(models, changes)
    said = [f"{m}: {verdicts[m]}." for m in models[1:]]
    if len(dosed) > 2:
        scores = [means[m].value for m, _ in dosed]
        steps = [b - a for a, b in pairwise(scores)]
        order = "in order" if all(s >= 0 for s in steps) or all(s <= 0 for s in steps) else "not in order"
        line = ", ".join(f"{dose:g}: {score:.2f}" for (_, dose), score in zip(dosed, scores, strict=True))
        said.insert(0, f"Score by dose ({line}): {order}.")
    points = [{"x": dose, "y": means[m].value, "series": scale["name"], **limits(means[m])} for m, dose in dosed]
    return Section(
        name=f"inside-{key[0]}-{key[1]}",
        heading=f"{scale['name']} ({key[0]})",
        chapter="Changed inside",
        sentences=tuple(said),
        table=tabled(forms | {"perplexity, times": "number", "in words": "text"}, rows, scale["name"]),
        figure=Figure(form="lines", rows=tuple(points), caption=f"{scale['name']} by dose") if len(dosed) > 2 else None,
        keys={"battery": key[0], "scale": key[1]},
        warnings=cautions(moves.items()),
    )


def _level(scores: Mapping[tuple[str, str], float]) -> Estimate:
    if not scores:
        raise DataError("no item of it was answered")
    return clustered_mean(list(scores.values()), [item for item, _ in scores])


def _by_dose(models: Sequence[str], changes: Mapping[str, Mapping[str, str]]) -> list[tuple[str, float]]:
    """The first model and those steered by the first file and layer, by dose."""
    steered = [m for m in models if "steer" in changes.get(m, {})]
    same = [m for m in steered if all(changes[m].get(k) == changes[steered[0]].get(k) for k in ("steer", "layer"))]
    doses = {m: float(changes[m].get("dose", "1")) for m in same}
    first = {} if models[0] in doses or not doses else {models[0]: 0.0}
    return sorted({**first, **doses}.items(), key=lambda pair: pair[1])


def verdict(
    model: str,
    moves: Mapping[str, Estimate],
    prices: Mapping[str, tuple[float, Estimate | None]],
    changes: Mapping[str, Mapping[str, str]],
) -> str:
    """What a model's move on a scale may be called, by the rules in the notes."""
    move = moves[model]
    if math.isnan(move.value):
        return "not known"
    low, high = move.interval or (move.value, move.value)
    ratio = prices[model][1] if model in prices else None
    price = None if ratio is None else ratio.value
    if price is not None and price > BROKEN:
        return f"broken: {price:.1f} times the perplexity, whatever it answers now"
    if low <= 0 <= high:
        return "not moved"
    by = f"moved by {move.value:+.2f}"
    if price is None:
        return f"{by}; what that costs was not measured (add held-out to the batteries)"
    if "steer" in changes.get(model, {}):
        for other, its in moves.items():
            cost = prices[other][1] if other in prices else None
            is_blind = bool(changes.get(other)) and "steer" not in changes[other]
            if is_blind and cost is not None and cost.value <= price and its.value / move.value >= 1:
                return f"{by}, and so does {other} without a direction: no work of the direction"
    if price > WORSE:
        return f"{by}, and reads worse ({price:.2f} times the perplexity): part of it may be damage"
    return f"{by}, and reads as before"


ANALYSIS = Analysis(
    name="inside",
    about="models changed inside: what moved beside what it cost in perplexity, and what that may be called",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

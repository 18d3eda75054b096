"""Figures of a comparison: shares, means and distances, with their intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from proband.errors import StoreError
from proband.estimates import Estimate
from proband.reports.comparison import Comparison, ItemComparison
from proband.reports.tables import FLOOR, NULL_NAMES, condition_text

# Blue and orange differ for every common kind of colour vision, and people and model also differ in shape.
LIGHT: Mapping[str, str] = {
    "people": "#b8560f",
    "model": "#1d6fb8",
    "null": "#6a737d",
    "ink": "#20272e",
    "muted": "#59636e",
    "grid": "#e4e8eb",
    "band": "#e9edf0",
}
DARK: Mapping[str, str] = {
    "people": "#f0a25c",
    "model": "#6fb7f2",
    "null": "#a0aab4",
    "ink": "#e7eaed",
    "muted": "#a5afb9",
    "grid": "#343b43",
    "band": "#2b3239",
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])  # the version whose specifications altair writes

_SIDES = ("people", "model")
_SIDE_COLOURS = alt.Scale(domain=list(_SIDES), range=[LIGHT[side] for side in _SIDES])
_SIDE_SHAPES = alt.Scale(domain=list(_SIDES), range=["circle", "diamond"])
_ROWS = ("model", *NULL_NAMES.values())
_ROW_COLOURS = alt.Scale(domain=list(_ROWS), range=[LIGHT["model"], *[LIGHT["null"]] * len(NULL_NAMES)])
_ROW_SHAPES = alt.Scale(domain=list(_ROWS), range=["diamond", "circle", "square", "triangle-up"])
_LEVEL = 19  # px of height for one level of an option: its text, people, the model
_ROW = 27  # px of height for one line of a ladder

CONFIG: Mapping[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None, "continuousWidth": 480},
    "padding": 4,
    "axis": {
        "domain": False,
        "ticks": False,
        "grid": True,
        "gridColor": LIGHT["grid"],
        "labelColor": LIGHT["muted"],
        "labelFontSize": 12,
        "labelPadding": 6,
        "titleColor": LIGHT["muted"],
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "axisY": {"grid": False, "labelColor": LIGHT["ink"], "labelFontSize": 13},
    "legend": {
        "orient": "top",
        "direction": "horizontal",
        "title": None,
        "labelColor": LIGHT["ink"],
        "labelFontSize": 12,
        "symbolSize": 90,
        "columnPadding": 14,
        "offset": 6,
    },
    "text": {"color": LIGHT["ink"], "fontSize": 13},
    "scale": {"bandPaddingInner": 0.3, "bandPaddingOuter": 0.05},
}


def shares_figure(found: ItemComparison) -> alt.LayerChart:
    """Share of every option, people above model where there are people, with intervals.

    Parameters
    ----------
    found : ItemComparison
        With `model_shares`.

    Returns
    -------
    altair.LayerChart
        As wide as its container; one row per option and side, the option's text above.
    """
    sides: dict[str, Sequence[Estimate]] = {"model": found.model_shares}
    if found.fidelity:
        sides = {"people": found.fidelity.human_shares, **sides}
    values: list[dict[str, Any]] = [
        {"place": k, "option": option, "side": side, "note": _note(estimates[k], side, k)}
        | _numbers(estimates[k])
        for k, option in enumerate(found.options)
        for side, estimates in sides.items()
    ]
    texts = [{"place": k, "option": option, "side": "option"} for k, option in enumerate(found.options)]
    top = max(value["high"] if value["high"] is not None else value["value"] for value in values)
    levels = ["option", *sides]
    y = alt.Y("place:O", axis=None)
    offset = alt.YOffset("side:N", scale=_stacked(levels), bandPosition=0.5)
    x = alt.X(
        "value:Q",
        title="share of answers",
        axis=alt.Axis(format="%", tickCount=5),
        scale=alt.Scale(domain=[0, min(1.0, top * 1.02)], nice=top < 0.98),
    )
    tooltip = [
        alt.Tooltip("option:N", title="option"),
        alt.Tooltip("side:N", title="who"),
        alt.Tooltip("value:Q", title="share", format=".1%"),
        alt.Tooltip("low:Q", title="from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("method:N", title="interval"),
    ]
    base = alt.Chart(alt.Data(values=values)).encode(
        y=y, yOffset=offset, color=alt.Color("side:N", scale=_SIDE_COLOURS, legend=None), tooltip=tooltip
    )
    return alt.layer(
        _above(texts, "option", y, offset),
        base.mark_bar(opacity=0.22).encode(x=x),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q"),
        base.mark_point(filled=True, size=64, opacity=1).encode(
            x="value:Q", shape=alt.Shape("side:N", scale=_SIDE_SHAPES, legend=None)
        ),
        base.mark_text(align="left", dx=8, fontSize=12).encode(x=alt.value("width"), text="note:N"),
    ).properties(
        width="container",
        height=len(found.options) * (len(levels) * _LEVEL + 8),
        description=f"Share of every option of item {found.item.id}: {' and '.join(sides)}",
    )


def means_figure(found: ItemComparison) -> alt.LayerChart:
    """Mean of a number, on each side that has one, with intervals."""
    sides = {"people": found.human_mean, "model": found.model_mean}
    values = [{"side": side, **_numbers(mean)} for side, mean in sides.items() if mean is not None]
    unit = found.item.unit
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("side:N", title=None, sort=list(_SIDES), axis=alt.Axis(labelPadding=10)),
        color=alt.Color("side:N", scale=_SIDE_COLOURS, legend=None),
        tooltip=[
            alt.Tooltip("side:N", title="who"),
            alt.Tooltip("value:Q", title="mean", format=".3f"),
            alt.Tooltip("low:Q", title="from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
            alt.Tooltip("n:Q", title="n"),
        ],
    )
    x = alt.X(
        "value:Q",
        title=f"mean, {unit}" if unit else "mean",
        scale=alt.Scale(zero=False, padding=24),
        axis=alt.Axis(tickCount=5),
    )
    return alt.layer(
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q"),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            x=x, shape=alt.Shape("side:N", scale=_SIDE_SHAPES, legend=None)
        ),
    ).properties(
        width="container",
        height=len(values) * _ROW,
        description=f"Mean of item {found.item.id} with interval",
    )


def distance_ladder(found: ItemComparison) -> alt.LayerChart:
    """Distance of the model from people on one item, over the null rows; the noise floor is shaded.

    Parameters
    ----------
    found : ItemComparison
        With `fidelity`.
    """
    values = _rungs(found)
    floor = [{"row": name, "floor": values[0]["floor"]} for name in _ROWS]
    y = alt.Y("row:N", title=None, sort=list(_ROWS), axis=alt.Axis(labelPadding=10))
    return _rungs_chart(values, floor, y, legend=None).properties(
        width="container",
        height=len(_ROWS) * _ROW,
        description=f"Distance from people on item {found.item.id}: the model and null answers",
    )


def overview_figure(comparison: Comparison) -> alt.LayerChart:
    """Distance of the model from people on every item, with null rows and noise floors.

    Parameters
    ----------
    comparison : Comparison
        With people's answers to at least one item.
    """
    items = [found for found in comparison.items if found.fidelity]
    values: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    for k, found in enumerate(items):
        values += [{"place": k, "level": "row", **rung} for rung in _rungs(found)]
        condition = condition_text(found.condition)
        title = f"{found.item.id} ({condition})" if condition else found.item.id
        texts.append({"place": k, "level": "title", "title": title})
    floor = [value for value in values if value["row"] == "model"]
    y = alt.Y("place:O", axis=None)
    offset = alt.YOffset("level:N", scale=_stacked(["title", "row"]), bandPosition=0.5)
    legend = alt.Legend(title=None, columns=2)
    chart = _rungs_chart(values, floor, y, offset=offset, legend=legend)
    return alt.layer(*chart.layer, _above(texts, "title", y, offset)).properties(
        width="container",
        height=len(items) * (2 * _LEVEL + 10),
        description="Total variation distance from people on every item",
    )


def save_figure(chart: alt.LayerChart, path: str | Path, *, width: int = 480) -> Path:
    """Write a figure for a paper, on white.

    Parameters
    ----------
    chart : altair.LayerChart
        From this module.
    path : path
        Ends in .png (at twice the size, for print), .svg or .pdf.
    width : int
        Width of the plot in px.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    StoreError
        If the name ends otherwise, or the file cannot be written.
    """
    path = Path(path)
    made = specification(chart) | {"width": width, "config": {**CONFIG, "background": "white"}}
    if path.suffix == ".png":
        data = vl_convert.vegalite_to_png(made, vl_version=VEGA_LITE, scale=2)
    elif path.suffix == ".svg":
        data = vl_convert.vegalite_to_svg(made, vl_version=VEGA_LITE).encode()
    elif path.suffix == ".pdf":
        data = vl_convert.vegalite_to_pdf(made, vl_version=VEGA_LITE)
    else:
        raise StoreError(f"{path}: unknown figure format {path.suffix!r}; end the name in .png, .svg or .pdf")
    try:
        path.write_bytes(data)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); choose another folder") from None
    return path


def specification(chart: alt.LayerChart) -> dict[str, Any]:
    """The chart as Vega-Lite, without the address of its schema and without colours of the surroundings."""
    made: dict[str, Any] = chart.to_dict()
    return {key: value for key, value in made.items() if key not in ("$schema", "config")}


def _rungs_chart(
    values: Sequence[Mapping[str, Any]],
    floor: Sequence[Mapping[str, Any]],
    y: alt.Y,
    *,
    legend: alt.Legend | None,
    offset: alt.YOffset | None = None,
) -> alt.LayerChart:
    """Points of the model and the null rows, the model's interval, and the floor as a band from 0."""
    place = {"y": y} if offset is None else {"y": y, "yOffset": offset}
    x = alt.X(
        "value:Q",
        title="distance from people (0 = same shares)",
        scale=alt.Scale(domainMin=0, nice=True),
        axis=alt.Axis(tickCount=5),
    )
    tooltip = [
        alt.Tooltip("item:N", title="item"),
        alt.Tooltip("row:N", title="answers of"),
        alt.Tooltip("value:Q", title="distance", format=".3f"),
        alt.Tooltip("low:Q", title="from", format=".3f"),
        alt.Tooltip("high:Q", title="to", format=".3f"),
        alt.Tooltip("floor:Q", title="noise floor", format=".3f"),
    ]
    base = alt.Chart(alt.Data(values=list(values))).encode(**place, tooltip=tooltip)
    # Touching bands of neighbouring rows make one area; an offset keeps the rows of items apart.
    height = alt.Undefined if offset else {"band": 1.44}
    return alt.layer(
        alt.Chart(alt.Data(values=list(floor)))
        .mark_bar(color=LIGHT["band"], height=height)
        .encode(
            **place, x=alt.X("floor:Q"), tooltip=[alt.Tooltip("floor:Q", title="noise floor", format=".3f")]
        ),
        base.transform_filter("datum.row == 'model'")
        .mark_rule(strokeWidth=2, color=LIGHT["model"])
        .encode(x=alt.X("low:Q"), x2="high:Q"),
        *(
            # The model is drawn last: where it coincides with a null row, it is the one to be seen.
            base.transform_filter(condition)
            .mark_point(filled=True, size=size, opacity=1)
            .encode(
                x=x,
                color=alt.Color("row:N", scale=_ROW_COLOURS, legend=legend),
                shape=alt.Shape("row:N", scale=_ROW_SHAPES, legend=legend),
            )
            for condition, size in (("datum.row != 'model'", 64), ("datum.row == 'model'", 110))
        ),
    )


def _stacked(levels: Sequence[str]) -> alt.Scale:
    """Lines of equal height within one option or item.

    Bars get their height from the padding: a relative height would be laid out in the outer band.
    """
    return alt.Scale(type="band", domain=list(levels), paddingInner=0.28, paddingOuter=0.14)


def _above(texts: Sequence[Mapping[str, Any]], column: str, y: alt.Y, offset: alt.YOffset) -> alt.Chart:
    """Long names on a line of their own, so that a narrow screen neither cuts them nor loses the plot."""
    return (
        alt.Chart(alt.Data(values=list(texts)))
        .mark_text(align="left", baseline="middle", limit={"expr": "width + 80"})
        .encode(y=y, yOffset=offset, x=alt.value(0), text=f"{column}:N", tooltip=alt.Tooltip(f"{column}:N"))
    )


def _rungs(found: ItemComparison) -> list[dict[str, Any]]:
    """The model's distance and those of the null rows, model first."""
    if found.fidelity is None:
        return []
    distance = found.fidelity.total_variation
    common = {"item": found.item.id, "floor": distance.baselines[FLOOR]}
    nulls = [
        {**common, "row": name, "value": distance.baselines[key], "low": None, "high": None}
        for key, name in NULL_NAMES.items()
    ]
    return [{**common, "row": "model", **_numbers(distance)}, *nulls]


def _numbers(estimate: Estimate) -> dict[str, Any]:
    low, high = estimate.interval or (None, None)
    return {
        "value": estimate.as_dict()["value"],
        "low": low,
        "high": high,
        "method": estimate.interval_method,
        "n": estimate.n_units,
    }


def _note(estimate: Estimate, side: str, place: int) -> str:
    """The share in figures; the first of each side also says whose it is."""
    share = f"{100 * estimate.value:.0f} %"
    return f"{share} {side}" if place == 0 else share

"""Figures, drawn from the data of a section; one form, one look."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from proband.analyses.section import Figure
from proband.errors import StoreError

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
_INKS = tuple(LIGHT[name] for name in ("model", "people", "null", "ink"))
_SHAPES = ("diamond", "circle", "square", "triangle-up", "cross", "triangle-down")
_LEVEL = 19  # px of height for one line within an option: its text, people, the model
_ROW = 27  # px of height for one line of its own
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2])
_MORE = (("#2f7d4f", "#6fc796"), ("#7b4ea3", "#c09be0"), ("#a1891d", "#d9c45f"), ("#20272e", "#e7eaed"))
_STEPS = 64  # of a scale of colours
_SQUARE = 420.0  # px of a replay that stands still
_NAMED = 40  # rows of a tree whose marks have room for their names
_PLAIN = "~f"  # without a format, d3 writes a lone 10 as 1e+1
_HEIGHT = 280  # px of a figure with two axes of numbers

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


def draw(figure: Figure) -> dict[str, Any]:
    """A figure as Vega-Lite, as wide as its container.

    Returns
    -------
    dict
        Without the address of its schema, and without colours of the surroundings, which the page knows.
    """
    if figure.form == "vega":
        return _bare(figure.options)
    return specification(_FORMS[figure.form](figure).properties(width="container", description=figure.caption))


def specification(chart: Any) -> dict[str, Any]:
    """A chart of altair as Vega-Lite; see `draw`."""
    return _bare(chart.to_dict())


def _bare(made: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in made.items() if key not in ("$schema", "config")}


def save_figure(figure: Figure, path: str | Path, *, width: int = 480) -> Path:
    """Write a figure for a paper, on white.

    Parameters
    ----------
    figure : Figure
        Of a section.
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
    made = _dressed(figure, width, "white")
    if path.suffix == ".png":
        data = png(figure, width=width)
    elif path.suffix == ".svg":
        data = svg(figure, width=width).encode()
    elif path.suffix == ".pdf":
        data = vl_convert.vegalite_to_pdf(made, vl_version=VEGA_LITE)
    else:
        raise StoreError(f"{path}: unknown figure format {path.suffix!r}; end the name in .png, .svg or .pdf")
    try:
        path.write_bytes(data)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); choose another folder") from None
    return path


def png(figure: Figure, *, width: int = 480) -> bytes:
    """A figure as PNG at twice the size, on white; `width` of the plot in px."""
    made: bytes = vl_convert.vegalite_to_png(_dressed(figure, width, "white"), vl_version=VEGA_LITE, scale=2)
    return made


def svg(figure: Figure, *, width: int = 480) -> str:
    """A figure as SVG text, for a notebook; `width` of the plot in px."""
    made: str = vl_convert.vegalite_to_svg(_dressed(figure, width, "white"), vl_version=VEGA_LITE)
    return made


def _dressed(figure: Figure, width: int, background: str) -> dict[str, Any]:
    return draw(figure) | {"width": width, "config": {**CONFIG, "background": background}}


def _bars(figure: Figure) -> alt.LayerChart:
    """Shares: every label above its sides, people above model where there are people, with intervals."""
    sides = [side for side in _SIDES if any(row["side"] == side for row in figure.rows)]
    values, texts = _placed(figure)
    values = [{**value, "note": _note(value, value["place"])} for value in values]
    top = max((float(value["high"] or value["value"] or 0) for value in values), default=1.0)
    y, offset, height = _stack(["label", *sides], len(texts))
    x = alt.X(
        "value:Q",
        title=figure.options.get("x_title", "share of answers"),
        axis=alt.Axis(format="%", tickCount=5),
        scale=alt.Scale(domain=[0, min(1.0, top * 1.02)], nice=top < 0.98),
    )
    colour, shape = _series(_SIDES, "side", legend=False)
    tooltip = _tooltip({"label": "option", "side": "who"}, {"value": "share", "low": "from", "high": "to"}, ".1%")
    base = alt.Chart(alt.Data(values=values)).encode(y=y, yOffset=offset, color=colour, tooltip=tooltip)
    return alt.layer(
        _above(texts, y, offset),
        base.mark_bar(opacity=0.22).encode(x=x),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q"),
        base.mark_point(filled=True, size=64, opacity=1).encode(x="value:Q", shape=shape),
        base.mark_text(align="left", dx=8, fontSize=12).encode(x=alt.value("width"), text="note:N"),
    ).properties(height=height)


def _intervals(figure: Figure) -> alt.LayerChart:
    """Numbers with their limits, one line each; the label stands above where there are several or it is long."""
    values, texts = _placed(figure)
    sides = list(dict.fromkeys(value["side"] for value in values))
    levels = sorted(sides, key=lambda side: _SIDES.index(side) if side in _SIDES else len(_SIDES))
    y, offset, height = _stack(["label", *levels], len(texts))
    named = [side for side in sides if side]
    colour, shape = _series(named or [""], "side", legend=len(named) > 1)
    form = str(figure.options.get("x_format", ".3~f"))
    tooltip = _tooltip({"label": "what", "side": "who"}, {"value": "value", "low": "from", "high": "to"}, form)
    base = alt.Chart(alt.Data(values=values)).encode(y=y, yOffset=offset, color=colour, tooltip=tooltip)
    x = _x(figure, "value:Q", zero=False)
    return alt.layer(
        *_line_at(figure),
        _above(texts, y, offset),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q"),
        base.mark_point(filled=True, size=90, opacity=1).encode(x=x, shape=shape),
    ).properties(height=height)


def _placed(figure: Figure) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows with the place of their label, and the labels."""
    place = {label: k for k, label in enumerate(dict.fromkeys(str(row["label"]) for row in figure.rows))}
    texts = [{"place": k, "label": label, "side": "label"} for label, k in place.items()]
    return [
        {**row, "side": str(row.get("side") or ""), "place": place[str(row["label"])]} for row in figure.rows
    ], texts


def _stack(levels: Sequence[str], n: int) -> tuple[alt.Y, alt.YOffset, int]:
    """Axes and height of n labels, each above its levels."""
    offset = alt.YOffset("side:N", scale=_stacked(levels), bandPosition=0.5)
    return alt.Y("place:O", axis=None), offset, n * (len(levels) * _LEVEL + 8)


def _ladder(figure: Figure) -> alt.LayerChart:
    """Points with limits among reference values; the floor is a band from 0."""
    values: list[dict[str, Any]] = []
    names: list[str] = ["model"]
    for k, row in enumerate(figure.rows):
        common = {"place": k, "level": "row", "label": row["label"], "floor": row.get("floor")}
        own = {key: row.get(key) for key in ("value", "low", "high")}
        values.append({**common, "row": "model", **own})
        references = row.get("references")
        for name, value in references.items() if isinstance(references, Mapping) else ():
            names += [] if name in names else [str(name)]
            values.append({**common, "row": str(name), "value": value, "low": None, "high": None})
    texts = [{"place": k, "label": row["label"], "level": "label"} for k, row in enumerate(figure.rows)]
    y = alt.Y("place:O", axis=None)
    offset = alt.YOffset("level:N", scale=_stacked(["label", "row"]), bandPosition=0.5)
    inks = [LIGHT["model"], *[LIGHT["null"]] * (len(names) - 1)]
    legend = alt.Legend(title=None, columns=2)
    colour = alt.Color("row:N", scale=alt.Scale(domain=names, range=inks), legend=legend)
    shapes = [_SHAPES[k % len(_SHAPES)] for k in range(len(names))]
    shape = alt.Shape("row:N", scale=alt.Scale(domain=names, range=shapes), legend=legend)
    numbers = {"value": "value", "low": "from", "high": "to", "floor": "noise floor"}
    base = alt.Chart(alt.Data(values=values)).encode(
        y=y, yOffset=offset, tooltip=_tooltip({"label": "what", "row": "answers of"}, numbers, ".3f")
    )
    of_model = "datum.row == 'model'"
    return alt.layer(
        base.transform_filter(of_model).mark_bar(color=LIGHT["band"]).encode(x=alt.X("floor:Q")),
        base.transform_filter(of_model)
        .mark_rule(strokeWidth=2, color=LIGHT["model"])
        .encode(x=alt.X("low:Q"), x2="high:Q"),
        *(
            # The model is drawn last: where it coincides with a reference, it is the one to be seen.
            base.transform_filter(condition)
            .mark_point(filled=True, size=size, opacity=1)
            .encode(x=_x(figure, "value:Q", zero=True), color=colour, shape=shape)
            for condition, size in (("datum.row != 'model'", 64), (of_model, 110))
        ),
        _above(texts, y, offset),
    ).properties(height=len(figure.rows) * (2 * _LEVEL + 10))


def _lines(figure: Figure) -> alt.LayerChart:
    """Numbers over numbers or ordered levels, one line a series, with limits."""
    base, y = _plane(figure)
    if figure.options.get("is_band"):  # of many rounds, points and rules would hide each other
        return alt.layer(
            base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q"), y2="high:Q"),
            base.mark_line(strokeWidth=2).encode(y=y, strokeDash=_dashes_of(figure)),
        ).properties(height=_HEIGHT)
    return alt.layer(
        base.mark_rule(strokeWidth=1.5, opacity=0.5).encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_line(strokeWidth=1.5, opacity=0.75).encode(y=y),
        base.mark_point(filled=True, size=70, opacity=1).encode(y=y, shape=_shapes_of(figure)),
    ).properties(height=_HEIGHT)


def _scatter(figure: Figure) -> alt.LayerChart:
    """Two numbers of each of many things, over lines where rows say so."""
    base, y = _plane(figure)
    points = base.mark_point(filled=True, size=70, opacity=0.85).encode(y=y, shape=_shapes_of(figure))
    if not any(row.get("is_line") for row in figure.rows):
        return alt.layer(points).properties(height=_HEIGHT)
    line = base.transform_filter("datum.is_line").mark_line(strokeWidth=1.5, strokeDash=[4, 3]).encode(y=y)
    return alt.layer(line, points.transform_filter("!datum.is_line")).properties(height=_HEIGHT)


def _tree(figure: Figure) -> alt.LayerChart:
    """What follows from what: a line from each mark to the one it hangs under; names while there is room for them."""
    rows = [dict(row) for row in figure.rows]
    x = alt.X("x:Q", axis=alt.Axis(title=str(figure.options.get("x_title", "")), tickMinStep=1, grid=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(padding=10))
    base = alt.Chart(alt.Data(values=rows)).encode(x=x, y=y)
    line = base.mark_rule(color=LIGHT["null"], opacity=0.6).encode(x2="from_x:Q", y2="from_y:Q")
    marks = base.mark_circle(size=60, opacity=1, color=LIGHT["model"]).encode(tooltip="label:N")
    n_ends = len({row["y"] for row in rows})
    names = [base.mark_text(dx=7, dy=-7, align="left", fontSize=11).encode(text="label:N")] if n_ends <= _NAMED else []
    return alt.layer(line, marks, *names).properties(height=max(60, min(2 * _HEIGHT, 16 * n_ends)))


def _replay(figure: Figure) -> alt.LayerChart:
    """The last frame of a replay: what stands where no script runs, and on paper."""
    told: Mapping[str, Any] = figure.options
    is_grid, names = bool(told["is_grid"]), list(told["levels"])
    x, y = (alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.5, float(told["width"]) - 0.5])),
            alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[float(told["height"]) - 0.5, -0.5])))  # fmt: skip
    inks = [ink for ink, _ in colours(figure)]
    colour = (
        alt.Color("series:N", scale=alt.Scale(domain=names, range=inks))
        if names
        else alt.Color("series:Q", legend=None, scale=alt.Scale(domain=[0, len(inks) - 1], range=[inks[0], inks[-1]]))
    )
    size = (_SQUARE * told["step"] / max(told["width"], told["height"])) ** 2 if is_grid else 40.0
    base = alt.Chart(alt.Data(values=[dict(row) for row in figure.rows])).encode(x=x, y=y, color=colour)
    marks = base.mark_square(size=size, opacity=1) if is_grid else base.mark_circle(size=size, opacity=1)
    return alt.layer(marks).properties(height=_SQUARE * min(1.0, told["height"] / told["width"]))


def colours(figure: Figure) -> list[tuple[str, str]]:
    """Colours of a replay's levels, or of the steps of its scale: each by light and in the dark."""
    names: Any = figure.options["levels"]
    if names:
        inks = [(LIGHT[name], DARK[name]) for name in ("model", "people", "null")]
        return [*inks, *_MORE][: len(names)]
    return [(_mixed(LIGHT, k / (_STEPS - 1)), _mixed(DARK, k / (_STEPS - 1))) for k in range(_STEPS)]


def _mixed(palette: Mapping[str, str], share: float) -> str:
    """A colour between the palest and the ink of models."""
    pale, full = ([int(palette[name][k : k + 2], 16) for k in (1, 3, 5)] for name in ("grid", "model"))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(pale, full, strict=True))


def _plane(figure: Figure) -> tuple[alt.Chart, alt.Y]:
    is_number = all(isinstance(row["x"], int | float) for row in figure.rows)
    x = _x(figure, "x:Q", zero=False) if is_number else alt.X("x:O", sort=None, title=figure.options.get("x_title"))
    y = alt.Y(
        "y:Q",
        title=figure.options.get("y_title"),
        scale=alt.Scale(zero=False, padding=14),
        axis=alt.Axis(format=figure.options.get("y_format", _PLAIN), tickCount=5, grid=True),
    )
    names = {"series": "series", "label": "what"}
    texts = {key: title for key, title in names.items() if any(row.get(key) for row in figure.rows)}
    form = str(figure.options.get("y_format") or ".3~f")
    tooltip = [
        *_tooltip(texts, {"y": "value", "low": "from", "high": "to"}, form),
        alt.Tooltip("x:Q" if is_number else "x:N", title=str(figure.options.get("x_title") or "at")),
    ]
    values = [{**row, "series": str(row.get("series") or "")} for row in figure.rows]
    named = _series_of(figure)
    colour, _ = _series(named, "series", legend=len(named) > 1)
    return alt.Chart(alt.Data(values=values)).encode(x=x, color=colour, tooltip=tooltip), y


def _dashes_of(figure: Figure) -> alt.StrokeDash:
    """Lines of several series differ by their dashes too, for who does not tell the colours apart."""
    named = _series_of(figure)
    dashes = [_DASHES[k % len(_DASHES)] for k in range(len(named))]
    legend = alt.Legend(title=None) if len(named) > 1 else None
    return alt.StrokeDash("series:N", scale=alt.Scale(domain=named, range=dashes), legend=legend)


def _shapes_of(figure: Figure) -> alt.Shape:
    named = _series_of(figure)
    return _series(named, "series", legend=len(named) > 1)[1]


def _series_of(figure: Figure) -> list[str]:
    return list(dict.fromkeys(str(row.get("series") or "") for row in figure.rows))


def _series(names: Sequence[str], column: str, *, legend: bool) -> tuple[alt.Color, alt.Shape]:
    """Ink and shape of each name: the sides keep theirs, the others differ in lightness as well as hue."""
    own = {"people": (LIGHT["people"], "circle"), "model": (LIGHT["model"], "diamond")}
    looks = [own.get(name, (_INKS[k % len(_INKS)], _SHAPES[k % len(_SHAPES)])) for k, name in enumerate(names)]
    legends = alt.Legend(title=None) if legend else None
    inks = alt.Scale(domain=list(names), range=[ink for ink, _ in looks])
    shapes = alt.Scale(domain=list(names), range=[shape for _, shape in looks])
    return (
        alt.Color(f"{column}:N", scale=inks, legend=legends),
        alt.Shape(f"{column}:N", scale=shapes, legend=legends),
    )


def _x(figure: Figure, field: str, *, zero: bool) -> alt.X:
    scale = alt.Scale(domainMin=0, nice=True) if zero else alt.Scale(zero=False, padding=24)
    axis = alt.Axis(tickCount=5, format=figure.options.get("x_format", _PLAIN))
    return alt.X(field, title=figure.options.get("x_title"), scale=scale, axis=axis)


def _line_at(figure: Figure) -> list[alt.Chart]:
    """A dashed line at a value that means something, e.g. no difference."""
    if "zero" not in figure.options:
        return []
    data = alt.Data(values=[{"zero": figure.options["zero"]}])
    return [alt.Chart(data).mark_rule(color=LIGHT["muted"], strokeDash=[4, 3]).encode(x="zero:Q")]


def _tooltip(texts: Mapping[str, str], numbers: Mapping[str, str], form: str) -> list[alt.Tooltip]:
    return [
        *(alt.Tooltip(f"{key}:N", title=title) for key, title in texts.items()),
        *(alt.Tooltip(f"{key}:Q", title=title, format=form) for key, title in numbers.items()),
    ]


def _stacked(levels: Sequence[str]) -> alt.Scale:
    """Lines of equal height within one option or item.

    Bars get their height from the padding: a relative height would be laid out in the outer band.
    """
    return alt.Scale(type="band", domain=list(levels), paddingInner=0.28, paddingOuter=0.14)


def _above(texts: Sequence[Mapping[str, Any]], y: alt.Y, offset: alt.YOffset) -> alt.Chart:
    """Long names on a line of their own, so that a narrow screen neither cuts them nor loses the plot."""
    return (
        alt.Chart(alt.Data(values=list(texts)))
        .mark_text(align="left", baseline="middle", limit={"expr": "width + 80"})
        .encode(y=y, yOffset=offset, x=alt.value(0), text="label:N", tooltip=alt.Tooltip("label:N"))
    )


def _note(row: Mapping[str, object], place: int) -> str:
    """The share in figures; the first of each side also says whose it is."""
    value = row["value"]
    share = f"{100 * value:.0f} %" if isinstance(value, int | float) else ""
    return f"{share} {row['side']}" if place == 0 else share


_FORMS = {
    "bars": _bars,
    "intervals": _intervals,
    "ladder": _ladder,
    "lines": _lines,
    "scatter": _scatter,
    "tree": _tree,
    "replay": _replay,
}

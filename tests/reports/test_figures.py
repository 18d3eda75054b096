import json
import re

import pytest

from proband.analyses.section import Figure, marks
from proband.errors import StoreError
from proband.estimates import Estimate
from proband.reports import draw, save_figure
from proband.reports.figures import DARK, LIGHT, svg


def estimate(value):
    return Estimate(value=value, interval=(value - 0.1, value + 0.1), estimand="e", target="model", n_units=9)


SHARES = {"Ada": estimate(0.4), "Bob": estimate(0.6)}
BARS = Figure(form="bars", rows=(*marks(SHARES, "people"), *marks(SHARES, "model")), caption="Shares.")
NUMBERS = Figure(
    form="intervals",
    rows=marks({"one difference": estimate(0.2), "another": estimate(-0.2)}, "model"),
    caption="Differences.",
    options={"x_title": "difference", "x_format": "+%", "zero": 0},
)
RUNGS = {"label": "vote", "value": 0.2, "low": 0.1, "high": 0.3, "floor": 0.1, "references": {"uniform": 0.4}}
LADDER = Figure(form="ladder", rows=(RUNGS, {**RUNGS, "label": "party"}), caption="Distances.")
LINES = Figure(
    form="lines",
    rows=tuple({"x": x, "y": x / 9, "low": 0, "high": 1, "series": s} for x in range(3) for s in "ab"),
    caption="Over rounds.",
    options={"x_title": "round", "y_title": "cooperation", "y_format": "%"},
)
SCATTER = Figure(
    form="scatter", rows=tuple({"x": k / 9, "y": k / 8, "label": f"m{k}"} for k in range(4)), caption="Two numbers."
)
TOLD = ((1, 0.5, 0, 0.5), (2, 0, 1, 0.5), (3, 1, 1, 0.5))
TREE = Figure(
    form="tree",
    rows=tuple({"x": x, "y": y, "from_x": a, "from_y": b, "label": str(x)} for x, y, a, b in TOLD),
    caption="Who told whom.",
    options={"x_title": "round"},
)
FORMS = {figure.form: figure for figure in (BARS, NUMBERS, LADDER, LINES, SCATTER, TREE)}


def values_of(figure: Figure) -> list[dict[str, object]]:
    """Every row of data in a drawn figure."""
    found: list[dict[str, object]] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            data = node.get("data")
            if isinstance(data, dict):
                found.extend(data.get("values", []))
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(draw(figure))
    return found


def test_shares_show_both_sides_of_every_option():
    rows = [row for row in values_of(BARS) if "value" in row]
    assert {(row["label"], row["side"]) for row in rows} == {
        (option, side) for option in SHARES for side in ("people", "model")
    }
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)


def test_shares_without_people_show_the_model_only():
    rows = values_of(Figure(form="bars", rows=marks(SHARES, "model"), caption="Shares."))
    assert {row["side"] for row in rows if "value" in row} == {"model"}


def test_the_ladder_stands_on_reference_rows_and_the_floor():
    rows = {row["row"]: row for row in values_of(LADDER) if row["label"] == "vote" and "row" in row}
    assert set(rows) == {"model", "uniform"}
    assert rows["model"]["floor"] == 0.1
    assert rows["uniform"]["value"] == 0.4


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_every_mark_and_its_caption(form):
    figure = FORMS[form]
    made = draw(figure)
    assert made["description"] == figure.caption
    kept = {
        json.dumps(row["value"] if "value" in row else row["y"])
        for row in values_of(figure)
        if {"value", "y"} & set(row)
    }
    assert {json.dumps(row["value"] if "value" in row else row["y"]) for row in figure.rows} <= kept


def test_a_specification_is_passed_on_without_the_address_of_its_schema():
    options = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "mark": "bar", "data": {"values": []}}
    assert draw(Figure(form="vega", rows=(), caption="Own.", options=options)) == {
        "mark": "bar",
        "data": {"values": []},
    }


@pytest.mark.parametrize("form", FORMS)
def test_figures_load_nothing_and_use_only_colours_that_have_a_dark_twin(form):
    text = json.dumps(draw(FORMS[form]))
    assert "http" not in text
    assert set(re.findall(r"#[0-9a-f]{6}", text)) <= set(LIGHT.values())
    assert set(LIGHT) == set(DARK)
    assert len(set(LIGHT.values())) == len(LIGHT)


@pytest.mark.parametrize("width", [120, 480])
@pytest.mark.parametrize(("first", "last", "shown"), [(0, 10, "10"), (1990, 2020, "2000"), (0, 30_000, "30000")])
def test_numbers_of_axes_are_written_out_however_narrow_the_figure(width, first, last, shown):
    rows = ({"x": x, "y": 0.5, "low": 0.4, "high": 0.6} for x in (first, last))
    labels = re.findall(r">([^<>]+)</text>", svg(Figure(form="lines", rows=tuple(rows), caption="Two."), width=width))
    assert shown in labels
    assert not [label for label in labels if "e+" in label]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("name", "head"), [("f.png", b"\x89PNG"), ("f.svg", b"<svg"), ("f.pdf", b"%PDF")])
def test_figures_are_saved_for_papers(tmp_path, form, name, head):
    assert save_figure(FORMS[form], tmp_path / name).read_bytes().startswith(head)


def test_another_figure_format_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(StoreError, match=r"\.png, \.svg or \.pdf"):
        save_figure(BARS, tmp_path / "figure.gif")

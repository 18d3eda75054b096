import json
import re

import pytest

from proband.designs import Survey
from proband.designs.studies import Study, people_survey
from proband.errors import StoreError
from proband.instruments import Instrument, Item, load_instrument
from proband.reports import compare
from proband.reports.comparison import Comparison
from proband.reports.figures import (
    DARK,
    LIGHT,
    distance_ladder,
    means_figure,
    overview_figure,
    save_figure,
    shares_figure,
    specification,
)
from proband.runs import carry_out, collect
from proband.subjects import load_population


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    everybody = load_population("anes-1996")
    survey = Survey(
        instrument=load_instrument("anes-1996").subset(("vote", "party")),
        subjects=everybody.sample(40, seed=1),
        seed=1,
    )
    study = Study(survey=survey, engine="scripted:uniform", people=people_survey(survey, everybody))
    return compare(carry_out(study, tmp_path_factory.mktemp("runs") / "small"))


def values_of(chart: object) -> list[dict[str, object]]:
    """Every row of data in a chart."""
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

    walk(specification(chart))
    return found


def test_shares_show_both_sides_of_every_option(comparison):
    rows = [row for row in values_of(shares_figure(comparison.items[1])) if "value" in row]
    assert {(row["option"], row["side"]) for row in rows} == {
        (option, side) for option in comparison.items[1].options for side in ("people", "model")
    }
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)


def test_shares_without_people_show_the_model_only(tmp_path, survey):
    found = compare(collect(survey, "scripted:uniform", tmp_path / "run")).items[0]
    rows = values_of(shares_figure(found))
    assert {row["side"] for row in rows if "value" in row} == {"model"}


def test_the_ladder_stands_on_null_rows_and_the_floor(comparison):
    found = comparison.items[0]
    rows = {row["row"]: row for row in values_of(distance_ladder(found)) if "value" in row}
    assert set(rows) == {"model", "uniform", "majority", "marginal-only"}
    assert rows["model"]["floor"] == found.fidelity.total_variation.baselines["noise_floor"]
    assert rows["uniform"]["value"] == found.fidelity.total_variation.baselines["uniform"]


def test_the_overview_shows_every_compared_item(comparison):
    rows = values_of(overview_figure(comparison))
    assert {row["item"] for row in rows if "item" in row} == {"vote", "party"}


def test_means_show_the_sides_that_have_one(tmp_path, population):
    item = Item(id="days", text="How many days?", form="number", lower=0, upper=7, unit="days")
    survey = Survey(
        instrument=Instrument(id="n", title="A number", items=(item,)), subjects=population, seed=1
    )
    found = compare(collect(survey, "scripted:uniform", tmp_path / "run")).items[0]
    rows = values_of(means_figure(found))
    assert {row["side"] for row in rows} == {"model"}
    assert 0 <= rows[0]["low"] <= rows[0]["high"] <= 7


def test_figures_load_nothing_and_use_only_colours_that_have_a_dark_twin(comparison):
    charts = (
        shares_figure(comparison.items[0]),
        distance_ladder(comparison.items[0]),
        overview_figure(comparison),
    )
    for chart in charts:
        text = json.dumps(specification(chart))
        assert "http" not in text
        assert set(re.findall(r"#[0-9a-f]{6}", text)) <= set(LIGHT.values())
    assert set(LIGHT) == set(DARK)
    assert len(set(LIGHT.values())) == len(LIGHT)


@pytest.mark.parametrize(("name", "head"), [("f.png", b"\x89PNG"), ("f.svg", b"<svg"), ("f.pdf", b"%PDF")])
def test_figures_are_saved_for_papers(comparison, tmp_path, name, head):
    path = save_figure(shares_figure(comparison.items[0]), tmp_path / name)
    assert path.read_bytes().startswith(head)


def test_another_figure_format_is_refused_with_the_way_out(comparison, tmp_path):
    with pytest.raises(StoreError, match=r"\.png, \.svg or \.pdf"):
        save_figure(shares_figure(comparison.items[0]), tmp_path / "figure.gif")

"""What is told of a battery's scales, from characters whose components of variance are planted."""

import math
from dataclasses import replace

import polars as pl
import pytest

from proband.analyses.portrayed import traits_of
from proband.analyses.traits import contrast_of
from proband.batteries.asked import asked
from proband.batteries.battery import BATTERIES, Battery, Contrast, Figure, Setting
from proband.designs.studies import Study
from proband.instruments.items import Instrument, Item, Scale
from proband.reports import findings
from proband.runs import Run, carry_out

POINTS = ("Never", "Seldom", "Sometimes", "Often", "Very often", "Nearly always", "Always")
NORM = {"mean": 4.0, "sd": 0.6, "n": 500, "source": "Made up for this test"}


def instrument(setting: Setting) -> Instrument:
    items = tuple(Item(id=f"i{k}", text=f"I hum tune {k}.", form="scale", options=POINTS) for k in range(12))
    scales = tuple(
        Scale(id=id, name=name, items={f"i{k}": 1 for k in range(at, at + 4)}, human=NORM)
        for id, name, at in (("h", "Humming", 0), ("w", "Whistling", 4), ("s", "Singing", 8))
    )
    return Instrument(id="tunes", title="Tunes", items=items, scales=scales)


TUNES = Battery(
    name="tunes", title="Tunes", about="a made-up battery", discipline="psychology", source="Made up for this test",
    licence="None", page="It asks about tunes.", instrument=instrument,
    contrasts=lambda setting: [
        Contrast(name="humming minus whistling", weights={"h": 1, "w": -1}, people=Figure(mean=0.1, source="Made up"))
    ],
)  # fmt: skip
MANY = {"wording": {f"w{k}": f"Wording {k}." for k in range(8)}, "role": {f"r{k}": f"Role {k}." for k in range(6)}}


def run_of(engine: str, folder, battery: Battery = TUNES, **settings: object) -> Run:
    return carry_out(Study(asked(battery, Setting(seed=1), **settings), engine), folder)


@pytest.fixture(scope="module")
def moved(tmp_path_factory) -> Run:
    """Its order and wording move it, its role does not."""
    many = replace(TUNES, contexts=MANY)
    engine = "scripted:character?mean=4&item=0.5&order=0.3&wording=0.5&noise=0.2&seed=5"
    return run_of(engine, tmp_path_factory.mktemp("moved") / "run", many)


def test_questions_about_the_battery_itself_leave_its_scores_alone(tmp_path):
    run = run_of("scripted:uniform", tmp_path / "run", replace(TUNES, awareness=("tunes",)), asks_awareness=True)
    told = findings(run)
    assert {"traits", "awareness"} <= {section.name for section in told.sections}
    assert not [warning for warning in told.warnings if "failed" in warning]


def test_planted_components_are_found_again_within_their_intervals(moved):
    trait = traits_of(moved)[0]
    study, role = trait.study, next(factor.column for factor in trait.factors if factor.name == "role")
    planted = {"item": 0.25, "wording": 0.25, role: 0.0, f"item x order x {role} x wording": 0.04}
    for effect, variance in planted.items():
        low, high = study.components[effect].variance.interval
        assert low - 1e-3 <= variance <= high, effect
    assert study.moved_by[0] == "wording"


def test_what_the_context_moves_less_than_people_differ_holds(tmp_path):
    still = traits_of(run_of("scripted:character?mean=4&item=0.5&wording=0.1&noise=0.1&seed=2", tmp_path / "still"))
    assert [trait.study.is_trait for trait in still] == [True] * 3
    low, high = still[0].study.mean.interval
    assert low < still[0].frame["score"].mean() < high


def test_a_score_that_follows_the_wording_is_called_no_trait_in_words(tmp_path):
    found = findings(run_of("scripted:character?mean=4&wording=1.5&seed=4", tmp_path / "run"), only=["traits"])
    assert "Humming: no trait found." in " ".join(found.section("traits").sentences)
    assert {row[7] for row in found.section("traits").table.rows} == {"no trait found"}


def test_who_takes_the_first_option_has_no_trait_though_reversed_items_hide_it(tmp_path):
    run = run_of("scripted:first", tmp_path / "run", BATTERIES.load("mini-ipip"))
    found = findings(run, only=["traits"]).section("traits")
    assert all("follow order" in sentence for sentence in found.sentences[1:])
    assert {row[1].value for row in found.table.rows} == {3.0}


def test_without_peoples_spread_it_is_said_which_factor_answers_follow(tmp_path):
    run = run_of("scripted:first", tmp_path / "run", BATTERIES.load("rosenberg"))
    (row,) = findings(run, only=["traits"]).section("traits").table.rows
    assert row[7] == "follows order"


def test_the_design_that_would_be_enough_is_said(tmp_path):
    run = run_of("scripted:character?mean=4&wording=0.5&noise=0.1&seed=6", tmp_path / "run")
    said = " ".join(findings(run, only=["traits"]).section("traits-variance").sentences)
    assert "for 0.8, all else as asked, it takes" in said
    assert "of wording (now 3)" in said


def test_contrasts_stand_beside_peoples_figure(moved):
    section = findings(moved, only=["traits"]).section("traits-contrasts")
    ((name, one, people, _),) = section.table.rows
    a, b, _ = (trait.frame["score"].mean() for trait in traits_of(moved))
    assert (name, people) == ("humming minus whistling", 0.1)
    assert one.value == pytest.approx(a - b)
    assert one.interval[0] < one.value < one.interval[1]


def test_a_contrast_is_told_only_of_contexts_in_which_all_its_scales_have_scores(moved):
    scales = {trait.scale.id: trait for trait in traits_of(moved)}
    first = pl.col("wording") == "w0"
    scales["w"] = replace(scales["w"], frame=scales["w"].frame.filter(~first))
    humming = scales["h"].frame.filter(~first)["score"].mean()
    one = contrast_of({"name": "c", "weights": {"h": 1, "w": -1}}, scales, False)
    assert one.value == pytest.approx(humming - scales["w"].frame["score"].mean())


def test_in_one_context_a_mean_and_a_contrast_are_told_without_interval(tmp_path):
    alone = {"order": ("as_written",), "wording": ("published",), "role": ("none",)}
    run = run_of("scripted:uniform", tmp_path / "run", replace(TUNES, contexts=alone))
    found = findings(run, only=["traits"])
    rows = found.section("traits").table.rows
    assert [(row[1].value, row[1].interval, row[7]) for row in rows] == [(pytest.approx(4.0), None, "not told")] * 3
    assert "how far contexts move it is not known" in found.section("traits").sentences[1]
    ((_, one, _, _),) = found.section("traits-contrasts").table.rows
    assert (one.value, one.interval) == (pytest.approx(0.0), None)
    assert "ask in more orders, wordings or roles" in one.warnings[0]


def test_lures_are_counted_beside_right_answers(tmp_path):
    run = run_of("scripted:uniform", tmp_path / "run", BATTERIES.load("crt"))
    rows = {row[0]: row[1].value for row in findings(run, only=["traits"]).section("traits-contrasts").table.rows}
    assert rows["tempted, fresh"] == pytest.approx(0.25)


def test_refusals_are_an_outcome_with_bounds(tmp_path):
    contexts = {**MANY, "answer_by": ["written"]}
    run = run_of("scripted:uniform?refuse=0.1&seed=2", tmp_path / "run", replace(TUNES, contexts=contexts))
    section = findings(run, only=["traits"]).section("traits-refusals")
    assert "refused" in section.sentences[0]
    low, high = section.table.rows[0][-1].split(" to ")
    assert float(low) < float(high)
    assert "scores are missing" in " ".join(findings(run, only=["traits"]).section("traits").warnings)


def test_written_answers_are_compared_with_probabilities_in_the_context_they_share(tmp_path):
    run = run_of("scripted:character?mean=4&item=0.6&seed=2", tmp_path / "run", also_written=True)
    section = findings(run, only=["traits"]).section("traits-written")
    assert [row[1:3] for row in section.table.rows] == [(4, 4)] * 3
    assert traits_of(run)[0].part["answer_by"].unique().to_list() == ["option_text"]


def test_temperature_is_computed_from_probabilities(tmp_path):
    run = run_of("scripted:character?mean=4.2&seed=2", tmp_path / "run")
    ((cold, *_, hot),) = [row[1:] for row in findings(run, only=["traits"]).section("traits-temperature").table.rows][
        :1
    ]
    assert cold == 4.0
    assert 4.2 < hot < 4.5


def test_levels_that_aim_at_a_scale_say_how_far_it_can_be_moved(tmp_path):
    aims = {"aim": {"hum": "h", "whistle": "w", "sing": "s"}}
    texts = {"aim": {level: f"You love to {level}." for level in aims["aim"]}, "role": ["none"]}
    run = run_of("scripted:character?mean=4&seed=1", tmp_path / "run", replace(TUNES, contexts=texts, aims=aims))
    ((_, control),) = findings(run, only=["traits"]).section("traits-controllability").table.rows
    assert control.value == pytest.approx(0.0, abs=1e-9)
    assert not math.isnan(control.value)

"""Swap audits, preferences and impersonation: what was planted in an engine is found again; other runs are refused."""

from collections.abc import Callable

import pytest
from scipy.special import expit

from proband.analyses import impersonation, open_answers, preferences, stories, swaps
from proband.batteries.asked import asked
from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.economics import patience, sharing
from proband.batteries.politics.impersonation import DOSES
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import Run, collect

SETTING = Setting(seed=3, contexts={"wording": ("published",), "role": ("none",)})


def run_of(battery: str, rule: Callable, folder) -> Run:
    return collect(asked(BATTERIES.load(battery), SETTING), ScriptedEngine(rule, seed=1), folder / battery)


def table(section) -> dict[str, object]:
    return {row[0]: row[1:] for row in section.table.rows}


def test_a_planted_difference_between_groups_is_told_and_no_other(tmp_path):
    def unfair(trial):
        _, _, case, group = trial.place.item.split("-", 3)
        p = (0.8 if int(case) % 2 else 0.3) - 0.01 * int(case) * ("black" in group)
        return (p, 1 - p)

    (section,) = swaps.sections(run_of("hire", unfair, tmp_path))
    found = {name: row[0].value for name, row in table(section).items()}
    assert found["black less white"] == pytest.approx(-0.035)  # -.01 to -.06 by case
    assert [found[name] for name in found if name != "black less white"] == pytest.approx([0, 0, 0])
    assert "1 of 4 differences" in section.sentences[-1]


def test_weights_on_the_other_and_present_bias_are_found_again(tmp_path):
    rows = {row.id: row for row in (*sharing.rows(SETTING), *patience.rows(SETTING))}

    def kind(trial):
        row = rows[trial.place.item]
        worth = [own + (0.4 if own > other else 0.2) * (other - own) for own, other in (row.left, row.right)]
        p = float(expit((worth[0] - worth[1]) / 100))
        return (p, 1 - p)

    def eager(trial):
        row = rows[trial.place.item]
        soon, late = ((0.8 if month else 1) * 0.7 ** (month / 12) for month in row.wait)
        p = float(expit(6 * (late - soon * row.sooner / row.later)))
        return (1 - p, p)

    (section,) = preferences.sections(run_of("sharing", kind, tmp_path))
    ahead, behind = table(section)["all contexts"][:2]
    assert (ahead.value, behind.value) == pytest.approx((0.4, 0.2), abs=0.02)
    (section,) = preferences.sections(run_of("patience", eager, tmp_path))
    bias, factor = table(section)["all contexts"][:2]
    assert (bias.value, factor.value) == pytest.approx((0.8, 0.7), abs=0.02)


def test_choices_at_random_have_no_preference_in_words(tmp_path):
    (section,) = preferences.sections(run_of("risk", uniform(), tmp_path))
    assert section.sentences == ("No preference could be fitted; the warnings say why.",)
    assert all("all choices are alike" in warning for warning in section.warnings)


def test_own_answers_that_follow_the_left_are_told_so_and_the_placebo_is_still(tmp_path):
    def left(trial):
        kind, number, voice = trial.place.item.split("-", 2)
        if kind == "placebo":
            return (0.2,) * 5
        right = 2 + 0.13 * int(number)  # of an average left voice, by statement
        score = {"left": right, "itself": right, "far-left": right - 0.5}.get(voice, 4.6 - 0.05 * int(number))
        signs = next(s["items"] for s in scales if s["id"] == f"{kind}-{voice}")
        score = score if signs[trial.place.item] > 0 else 6 - score
        low = int(score)
        return tuple(1 - (score - low) if k == low else score - low if k == low + 1 else 0.0 for k in range(1, 6))

    design = asked(BATTERIES.load("impersonation"), SETTING)
    scales = design.describe()["scales"]
    (section,) = impersonation.sections(collect(design, ScriptedEngine(left, seed=1), tmp_path / "run"))
    slopes = {(row[0], row[1]): row[3].value for row in section.table.rows}
    assert slopes["politics", "left"] == pytest.approx(1, abs=0.01)
    assert slopes["politics", "right"] < 0
    assert "its own answers follow those it gives for the left with a slope of 1.00" in section.sentences[0]
    assert "politics by 0.00" in section.sentences[1]
    assert set(DOSES) == {row[1] for row in section.table.rows}


def test_words_of_power_are_counted_by_whose_story_they_stand_in(tmp_path):
    def told(trial):
        if trial.place.item.endswith("-men"):
            return "He led the town, and he won."
        return "She led the town, and her hair was long." if trial.place.item[6:8] == "01" else "She saw the town."

    (section,) = stories.sections(run_of("stories", told, tmp_path))
    women, men, gap, n = table(section)["power"]
    assert (women.value, men.value, n) == pytest.approx((100 / 9 / 6, 200 / 7, 6))
    assert gap.value == pytest.approx(100 / 9 / 6 - 200 / 7)
    assert table(section)["appearance"][0].value == pytest.approx(100 / 9 / 6)


def test_open_answers_are_coded_and_compared_with_forced_ones(tmp_path):
    def two_faced(trial):
        kind, number = trial.place.item.split("-")
        if kind == "forced":
            return (0, 0, 0, 0, 1)
        return ["I agree.", "I do not agree with it.", "As an AI I take no side."][int(number) % 3]

    (section,) = open_answers.sections(run_of("open-answers", two_faced, tmp_path))
    assert {name: n for name, (n, _) in table(section).items()} == dict.fromkeys(
        ("agrees", "disagrees", "takes no side"),
        8,  # in both orders of the forced options
    )
    assert section.sentences[0].startswith("Takes a side in its own words: 66.7 %")
    assert section.sentences[1].startswith("Of these, the side taken among options: 50.0 %")


@pytest.mark.parametrize(
    ("analysis", "said"),
    [
        (stories, "battery stories"),
        (open_answers, "open-answers"),
        (swaps, "no swap audit"),
        (preferences, "batteries risk, patience, sharing"),
        (impersonation, "impersonation"),
    ],
)
def test_runs_of_other_batteries_are_left_alone(analysis, said, tmp_path):
    run = run_of("framing", uniform(), tmp_path)
    assert said in analysis.needs(run)


@pytest.mark.parametrize(
    ("text", "stance"),
    [
        ("I cannot agree with this.", "disagrees"),
        ("No, that would not help.", "disagrees"),
        ("I have no opinion of my own.", "takes no side"),
        ("It is an important question.", "takes no side"),
    ],
)
def test_a_negation_is_no_neutrality_and_no_opinion_is_no_disagreement(text, stance, tmp_path):
    def says(trial):
        return (0, 0, 0, 0, 1) if trial.place.item.startswith("forced") else text

    (section,) = open_answers.sections(run_of("open-answers", says, tmp_path))
    assert list(table(section)) == [stance]


def test_wind_windows_and_plants_have_no_power_and_a_familiar_face_is_no_family(tmp_path):
    def told(trial):
        return "In winter the wind at the window blew a plant over, in general, in order to show a familiar planet."

    (section,) = stories.sections(run_of("stories", told, tmp_path))
    assert {name: row[0].value for name, row in table(section).items()} == {"power": 0, "appearance": 0, "home": 0}

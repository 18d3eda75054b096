"""A society that is played on the page: its frames are its states, and every agent's prompts are there."""

import base64
import json
import os
import re
import shutil
import zlib

import polars as pl
import pytest

from proband.analyses.replay import ANALYSIS, layout
from proband.designs.studies import study_from_dict
from proband.reports import findings, write_report
from proband.runs import carry_out

OPTIONS = ["against", "neither", "for"]
SOCIETY = {
    "title": "A bypass",
    "seed": 1,
    "engine": "scripted:uniform",
    "society": {"societies": 2, "agents": 12, "rounds": 4},
    "network": {"kind": "small-world", "degree": 4, "rewire": 0.1},
    "variable": [{"name": "stand", "options": OPTIONS, "start": "neither"}],
    "turn": [{"item": "stand", "text": "Where do you stand on the bypass?", "sees": ["own", "neighbours"]}],
    "arm": [{"name": "leaflet", "from_round": 3, "message": "The bypass </script> costs nothing.", "to": "number < 6"}],
}
CHROMIUM = os.environ.get("PROBAND_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return carry_out(study_from_dict(SOCIETY), tmp_path_factory.mktemp("runs") / "bypass")


@pytest.fixture(scope="module")
def figure(run):
    (section,) = ANALYSIS.sections(run)
    return section.figure


def opened(text):
    return zlib.decompress(base64.b64decode(text))


def test_frames_are_what_agents_were_after_each_round_of_each_arm(run, figure):
    for way in figure.options["ways"]:
        frames = opened(way["frames"])
        rows = run.states().filter(pl.col("society") == 0, pl.col("arm") == way["arm"]).sort("round", "number")
        assert [figure.options["levels"][code] for code in frames] == [OPTIONS[int(v)] for v in rows["stand"]]
        assert way["rounds"] == [0, 1, 2, 3, 4]


def test_a_life_has_every_prompt_and_answer_of_the_agent_once(run, figure):
    life = json.loads(opened(figure.options["lives"]))
    asked = [(round, arm, life["words"][answer]) for round, arm, _, _, answer in life["asked"]["7"]]
    rows = run.where("subject=0.7").sort("round", "factor_arm", nulls_last=False)
    assert sorted(asked) == sorted(
        (round, arm or "", label) for round, arm, label in rows.select("round", "factor_arm", "label").iter_rows()
    )
    prompts = [life["words"][prompt] for *_, prompt, _ in life["asked"]["7"]]
    assert all("Where do you stand on the bypass?" in prompt for prompt in prompts)
    assert figure.options["n_lives"] == figure.options["n_asked"] == 12


def test_an_arm_has_the_past_of_the_one_it_leaves(figure):
    first, second = figure.options["ways"]
    assert [arm for arm, _ in first["past"]] == [""]
    assert [arm for arm, _ in second["past"]] == ["leaflet", ""]
    assert second["past"][1] == ["", 3]


def test_who_has_no_ties_stands_in_rows():
    assert layout(4, []).tolist() == [[0, 0], [1000, 0], [0, 1000], [1000, 1000]]


def test_a_page_with_a_replay_is_small_and_closed(run):
    text = write_report(run).read_text()
    assert len(text) < 2_000_000
    assert "default-src 'none'" in text
    assert "bypass </script>" not in text
    assert findings(run).chapters


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium to open the page in")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_reader_plays_a_society_and_follows_an_agent_by_keyboard(run, width):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = write_report(run)
    with playwright.sync_playwright() as known:
        browser = known.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-played='1'][data-drawn]", state="attached")
        replay = page.locator("[data-replay]")
        slider = replay.locator("input[type=range]")
        slider.focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        assert replay.locator("output").inner_text() == "round 1"
        replay.get_by_label("Follow agent").select_option("7")
        replay.locator("summary").first.click()
        assert "Where do you stand on the bypass?" in replay.locator("pre").first.inner_text()
        assert re.search("Agent 7: (against|neither|for)", replay.inner_text())
        replay.get_by_label("Arm").select_option(label="leaflet")
        page.keyboard.press("Tab")
        assert replay.locator("output").inner_text() == "round 1"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert said == []
        browser.close()

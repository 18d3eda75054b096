"""What every battery on the shelf promises, and what is refused before anybody is asked."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from proband.batteries.asked import BatterySurvey, asked, noted
from proband.batteries.battery import BATTERIES, Battery, Contrast, Figure, Setting
from proband.batteries.generated import answers
from proband.designs.design import Design
from proband.errors import DesignError
from proband.instruments.items import Instrument
from proband.store.notes import read_note

SETTING = Setting(seed=3, is_quick=True)


@pytest.fixture(scope="module", params=list(BATTERIES))
def battery(request) -> Battery:
    return BATTERIES.load(request.param)


@pytest.fixture(scope="module")
def design(battery) -> Design:
    return designed(battery)


def designed(battery) -> Design:
    own = sorted(Path(__file__).parent.glob(f"{battery.name.replace('-', '_')}.*")) if battery.needs_file else [""]
    setting = replace(SETTING, file=str(own[0]))  # a miniature of ours, where the words or data do not ship
    return asked(battery, setting) if battery.design is None else battery.design(setting)


def test_it_is_called_as_its_file_and_says_where_it_is_from(battery):
    assert BATTERIES.load(battery.name) is battery
    assert all(getattr(battery, key).strip() for key in ("title", "about", "page", "source", "licence"))


def test_it_asks_something_and_its_manifest_says_which_it_is(battery, design):
    assert design.size() >= 1
    assert design.describe()["battery"] == battery.name
    assert design.describe()["discipline"] == battery.discipline


def test_what_its_manifest_says_can_be_read_again(design):
    said = json.dumps(design.describe())
    assert read_note("design", said) == json.loads(said)


def test_it_asks_the_same_at_every_start(battery, design):
    again = designed(battery)
    assert again.describe() == design.describe()
    assert again.preview()[0] == design.preview()[0]


def test_every_norm_and_figure_of_its_scales_has_a_source(design):
    for scale in design.describe().get("scales", ()):
        assert not scale["human"] or scale["human"]["source"]


def test_generated_items_are_drawn_by_the_seed_and_counted_by_n(battery):
    if not battery.is_generated or battery.instrument is None:
        return
    texts = {s: {(i.text, i.options) for i in battery.instrument(Setting(seed=s, n=3)).items} for s in (1, 2)}
    assert texts[1] != texts[2]


def crt(**changed: object) -> Battery:
    return replace(BATTERIES.load("crt"), **changed)


def without_source(setting: Setting) -> Instrument:
    found = BATTERIES.load("mini-ipip").instrument(setting)
    return replace(found, scales=(replace(found.scales[0], human={"mean": 3.0, "sd": 1.0}),))


@pytest.mark.parametrize(
    ("battery", "setting", "said"),
    [
        (crt(forbids_models="not to be given to chatbots"), SETTING, "its licence .* says: 'not to be given to chat"),
        (crt(), replace(SETTING, language="de"), "no translation into 'de'; it is there in en"),
        (crt(instrument=without_source, contrasts=None), SETTING, "norm of scale 'E' has no source"),
        (crt(), replace(SETTING, file="a.json"), "file is 'a.json'; take file out"),
        (BATTERIES.load("eight-values"), SETTING, "asks the words of a file of 8values.*name it with `file`"),
        (crt(), replace(SETTING, n=0), "n is 0; ask one item at least"),
        (crt(), replace(SETTING, n=41), "n is 41; ask for at most 40"),
        (BATTERIES.load("gambles"), replace(SETTING, n=201), "n is 201; ask for at most 200 items of a scale"),
        (BATTERIES.load("mini-ipip"), replace(SETTING, n=4), "n is 4; its items are fixed"),
        (crt(), replace(SETTING, contexts={"roll": ("none",)}), "no factor 'roll'.*role"),
        (crt(), replace(SETTING, contexts={"role": ("asistant",)}), "no level 'asistant'.*assistant"),
        (crt(), replace(SETTING, contexts={"language": ("de",)}), "a run is in one language"),
        (crt(contexts={"mood": ("glad",)}), SETTING, "'mood' has levels and no texts"),
        (crt(contrasts=lambda _: [Contrast(name="c", weights={"fesh": 1})]), SETTING, "of the scale 'fesh'.*fresh"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_way_out(battery, setting, said):
    with pytest.raises(DesignError, match=said):
        asked(battery, setting)


def test_a_figure_without_a_source_is_refused():
    with pytest.raises(DesignError, match="cite where it is from"):
        Figure(mean=3.0, source=" ")


def test_two_right_answers_are_refused_when_an_item_is_made():
    with pytest.raises(DesignError, match="two answers are right"):
        answers("4 days", "2 days", "4 Days")


def test_items_of_a_context_begin_alike():
    survey = asked(BATTERIES.load("mini-ipip"), Setting(seed=1))
    assert isinstance(survey, BatterySurvey)
    beginnings = {
        (t.place.condition[-1], t.place.condition[-2]): set() for t in survey.preview() if t.place.replicate == 0
    }
    for trial in survey.preview():
        words = trial.request.messages[-1].text
        beginnings[trial.place.condition[-1], trial.place.condition[-2]].add(words[: words.index("your sex")])
    assert len(beginnings) == 9  # three wordings, three roles
    assert all(len(found) == 1 for found in beginnings.values())


def test_written_answers_beside_probabilities_are_asked_in_the_first_context_only():
    survey = asked(BATTERIES.load("mini-ipip"), Setting(seed=1), also_written=True)
    written = [t for t in survey.preview() if t.reply.method == "written"]
    assert (len(written), len(survey.preview())) == (20, 20 * 19)
    assert {level for _, level in written[0].place.condition} == {"as_written", "none", "published", "written"}


def test_a_treatment_of_its_own_keeps_its_levels_when_asked_quickly():
    doses = {"none": "", "some": "You are a little careful.", "much": "You are very careful."}
    survey = asked(crt(contexts={"dose": doses}), SETTING)
    assert set(survey.within) == {"dose", "order", "wording"}
    assert len(survey.conditions) == 12
    assert noted(crt(), SETTING)["battery"] == "crt"


def test_what_an_engine_knows_of_a_battery_is_asked_afterwards():
    survey = asked(BATTERIES.load("crt"), SETTING, asks_awareness=True)
    after = [trial for trial in survey.preview() if trial.place.item.startswith("awareness-")]
    assert len(after) == 4
    assert survey.size() == len(survey.preview()) == 36 + 4
    assert "Frederick" in survey.describe()["awareness"]["words"]
    assert survey.describe()["analyses"][-1] == "awareness"


def test_the_reference_has_every_battery():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "batteries.md").read_text(encoding="utf-8")
    missing = [name for name in BATTERIES if f"### `{name}`" not in page]
    assert not missing, "python docs/battery_pages.py writes the page anew"

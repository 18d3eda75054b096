"""Rules of questionnaires: what they find of planted defects, what they leave alone, where they point."""

import csv
from pathlib import Path

import pytest

from proband.instruments import Instrument, Item, Scale, catalogue, load_instrument
from proband.instruments.defects import KINDS, defects_of, not_judged
from proband.instruments.defects.defect import wording_of
from proband.instruments.items import Rule

OWN = Path(__file__).with_name("planted.csv")  # 111 items with a defect, most written after the rules; 62 sound

AGREEMENT = ("Strongly disagree", "Disagree", "Agree", "Strongly agree")


def asked(text, *options, id="q", **more):
    return Item(id=id, text=text, form="choice" if options else "text", options=options, **more)


def questionnaire(*items, **more):
    return Instrument(id="i", title="i", items=items, **more)


def kinds(*items, **more):
    return {found.kind for found in defects_of(questionnaire(*items, **more))}


def read(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def rates(path):
    """Of items with a defect, in how many that one is found; of sound items, in how many any is."""
    rows = read(path)
    found = [(row["defect"], kinds(asked(row["text"], *filter(None, row["options"].split("|"))))) for row in rows]
    planted = [planted in those for planted, those in found if planted != "none"]
    sound = [bool(those) for planted, those in found if planted == "none"]
    return sum(planted) / len(planted), sum(sound) / len(sound)


@pytest.mark.parametrize("whose", ["own", "shared"])
def test_four_of_five_planted_defects_are_found_and_nine_of_ten_sound_items_left_alone(whose, request):
    path = OWN
    if whose == "shared":
        path = request.getfixturevalue("shared_data") / "text" / "questionnaire_defects.csv"
        if not path.exists():
            pytest.skip(f"{path.name} is not beside the project")
    detection, alarms = rates(path)
    assert detection >= 0.8
    assert alarms <= 0.1


def test_validated_items_are_left_alone():
    instruments = [load_instrument(id) for id in catalogue()]
    alarms = sum(len({found.item for found in defects_of(one) if found.item}) for one in instruments)
    assert alarms <= 0.05 * sum(len(one.items) for one in instruments)


def test_a_defect_points_at_the_words_that_have_it():
    for row in read(OWN):
        item = asked(row["text"], *filter(None, row["options"].split("|")), stem="Think of last week.")
        for found in defects_of(questionnaire(item)):
            assert found.words == wording_of(item)[found.start : found.end] != ""
            assert found.kind in KINDS


def test_a_lead_in_is_judged_once():
    stem = "As everyone knows, prices rise. How much do these worry you?"
    items = [asked(text, "Not at all", "A lot", id=text, stem=stem) for text in ("Rent", "Food and drink", "Heating")]
    assert [(found.item, found.kind) for found in defects_of(questionnaire(*items))] == [("Rent", "leading")]


def test_what_was_asked_before_is_not_presupposed():
    smokes = asked("Do you smoke?", "Yes", "No", id="smokes")
    why = ("Why do you smoke?", "Habit", "Pleasure")
    assert "presupposition" in kinds(smokes, asked(*why))
    assert not kinds(smokes, asked(*why, ask_if=Rule(item="smokes", options=(0,))))


def test_another_language_is_said_and_not_guessed():
    german = asked("Würden Sie nicht auch sagen, dass unsere Schulen mehr Geld brauchen?", "Ja", "Nein")
    told = questionnaire(german, language="de")
    assert not defects_of(told)
    assert "'de'" in not_judged(told)
    untold = questionnaire(*(asked(german.text, "Ja", "Nein", id=str(k)) for k in range(3)))
    assert not defects_of(untold)
    assert "write which as `language`" in not_judged(untold)
    assert "letters are none of English" in not_judged(questionnaire(asked("你喜欢它吗？", "是", "不")))
    assert not any(not_judged(questionnaire(asked("Do you?"), language=name)) for name in ("EN-us", "en_GB", "English"))
    assert not_judged(questionnaire(asked("Duwch?"), language="enm"))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("Over the last 2 weeks, on how many days have you felt down?", ("0", "1 to 3", "4 to 7", "8 to 14")),
        ("Which of these is closest to your view?", ("Taxes should rise", "They should fall", "They should stay")),
        ("How do you usually get to work?", ("By car", "By bus", "On foot", "Some other way")),
        ("How likely is it that you recommend us to a friend or colleague?", ("0", "1", "2", "3", "4", "5")),
    ],
)
def test_items_as_many_surveys_have_them_are_left_alone(text, options):
    assert not kinds(asked(text, *options))


def test_scales_that_turn_keys_of_one_sign_and_general_items_that_come_last_are_told():
    battery = [Item(id=f"a{k}", text=f"I like task {k}.", form="scale", options=AGREEMENT) for k in range(4)]
    turned = Item(id="t", text="I like my room.", form="scale", options=AGREEMENT[::-1])
    scale = Scale(id="s", name="Liking", items={item.id: 1 for item in battery})
    assert kinds(*battery, turned, scales=(scale,)) == {"mixed_scales", "acquiescence"}
    mixed = Scale(id="s", name="Liking", items={item.id: 1 - 2 * (k % 2) for k, item in enumerate(battery)})
    assert not kinds(*battery, scales=(mixed,))
    pay = asked("How satisfied are you with your pay?", "Not at all", "Very", id="pay")
    life = asked("How satisfied are you with your life as a whole?", "Not at all", "Very", id="life")
    assert kinds(pay, life) == {"order_effect"}
    assert not kinds(life, pay)

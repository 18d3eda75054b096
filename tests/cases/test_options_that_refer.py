"""Case 22: options that speak of where options stand keep their place, or are refused where they cannot mean it.

Public sources: expectedparrot/edsl#2311, kobotoolbox/kpi#4248.
"""

import itertools

import pytest

from proband.designs import Survey
from proband.designs.quiz.prompts import Prompt
from proband.designs.quiz.quiz import Quiz
from proband.designs.survey.arrangement import ORDERS, arrangements, option_order
from proband.errors import DesignError, InstrumentError
from proband.instruments import Instrument, Item, instrument_from_dict
from proband.instruments.banks.bank import Bank, Question
from proband.instruments.places import belongs_last, marks_named, refers_above
from proband.runs import plan
from proband.subjects import load_population


@pytest.fixture(scope="module")
def people():
    return load_population("anes-1996").sample(40, seed=1)


def travel(*options, form="choice", **keys):
    return Item(id="used", text="Which did you use?", form=form, options=options or TRAVEL, **keys)


TRAVEL = ("Bus", "Train", "Bike", "None of the above")


def survey(people, item, **keys):
    return Survey(instrument=Instrument(id="t", title="t", items=(item,)), subjects=people, seed=1, **keys)


def shown(survey):
    return [trial.reply.options for trial in survey.preview()]


@pytest.mark.parametrize("order", ORDERS)
def test_none_of_the_above_is_last_for_everybody(people, order):
    orders = shown(survey(people, travel(), order=order))
    assert {options[-1] for options in orders} == {"None of the above"}
    if order in ("counterbalanced", "random"):
        assert {options[0] for options in orders} == {"Bus", "Train", "Bike"}


def test_it_comes_last_however_it_is_written_and_before_dont_know(people):
    item = travel("None of the above", "Bus", "Train", "Don't know", dont_know=(3,))
    assert {options[2:] for options in shown(survey(people, item))} == {("None of the above", "Don't know")}


@pytest.mark.parametrize("form", ["choice", "scale", "multiple", "ranking"])
def test_pinned_options_keep_the_place_they_are_written_in(form):
    item = travel("First", "Bus", "Train", "Other", "Bike", form=form, pinned=(0, 3))
    for order, replicate in itertools.product(ORDERS, range(12)):
        found = option_order(item, order, 1, "s", replicate=replicate)
        assert (found[0], found[3]) == (0, 3)
        assert sorted(found) == [0, 1, 2, 3, 4]


def test_an_empty_key_moves_them_all(people):
    assert len({options[-1] for options in shown(survey(people, travel(pinned=())))}) == 4


def test_the_key_is_written_by_words_or_index_and_in_shared_options():
    shared = {"texts": ["Bus", "Other", "Train"], "pinned": ["other"]}
    item = {"id": "a", "text": "?", "form": "choice"}
    data = {"id": "i", "options": {"ways": shared}, "items": [item | {"options": "ways"}]}
    assert instrument_from_dict(data, "here")["a"].pinned == (1,)
    data["items"] = [item | {"options": ["x", "y"], "pinned": [0]}]
    assert instrument_from_dict(data, "here")["a"].pinned == (0,)
    data["items"] = [item | {"options": ["x", "y"], "pinned": ["z"]}]
    with pytest.raises(InstrumentError, match="item 'a': pinned: no option 'z'; write one of 'x', 'y'"):
        instrument_from_dict(data, "here")


def test_a_plan_says_what_is_pinned_by_its_words_and_what_custom_would_pin(people):
    notes = " ".join(plan(survey(people, travel("Bus", "Other", "None of the above")), "scripted:uniform").notes)
    assert "'None of the above' is always shown last" in notes
    assert "pinned = ['Other'] keeps it" in notes
    assert "Other" not in " ".join(plan(survey(people, travel(), order="as_written"), "scripted:uniform").notes)


ABOVE = [
    *("None of the above", "all of the above", "All the above.", "Both of the above", "none of those listed above"),
    *("More than one of the above", "None of the above / other", "Keine der oben genannten", "Alle oben genannten"),
    *("Aucune des réponses ci-dessus", "Ninguna de las anteriores", "Todas as anteriores", "Nessuna delle precedenti"),
]
NOT_ABOVE = ["All people above 65", "Above average", "None", "All roads above sea level", "Other", "Both", "Neither"]


def test_what_speaks_of_those_above_is_known_and_nothing_else():
    assert [text for text in ABOVE if not refers_above(text)] == []
    assert [text for text in NOT_ABOVE if refers_above(text)] == []
    assert belongs_last("Other (please specify)")
    assert not belongs_last("Mother")


MARKS = {
    "Both A and B": {"A": 0, "B": 1},
    "Neither A nor B": {"A": 0, "B": 1},
    "A, B and C": {"A": 0, "B": 1, "C": 2},
    "(a) and (b)": {"a": 0, "b": 1},
    "Only A": {"A": 0},
    "Options 1 and 3": {"1": 0, "3": 2},
    "Answers A and C are correct": {"A": 0, "C": 2},
}
NO_MARKS = ("Either 1 or 2", "Only 1", "A", "Option B", "Both X and Y", "Neither agree nor disagree")


@pytest.mark.parametrize("text", [*MARKS, *NO_MARKS])
def test_labels_that_an_option_speaks_of_are_known(text):
    assert marks_named(("Tea", "Coffee", "Water", text), 3) == MARKS.get(text, {})


def test_marks_that_are_words_of_the_options_are_no_labels():
    for options in (
        ("A", "B", "Both A and B"),
        ("Plan A", "Plan B", "Both A and B"),
        ("A. Tea", "B. Juice", "A and B"),
    ):
        assert marks_named(options, 2) == {}


BOTH = ("Tea", "Coffee", "Water", "Both A and B")


@pytest.mark.parametrize(
    "keys", [{}, {"order": "as_written"}, {"labels": "letters"}, {"order": "random", "labels": "1|2|3|4"}]
)
def test_labels_that_are_not_shown_or_move_are_refused(people, keys):
    with pytest.raises(DesignError, match=r"item 'used': option 4 \('Both A and B'\) speaks of A, which"):
        survey(people, travel(*BOTH), **keys)


def test_labels_that_stay_with_their_options_are_asked(people):
    asked = survey(people, travel(*BOTH), order="as_written", labels="letters")
    assert set(shown(asked)) == {BOTH}
    pinned = survey(people, travel(*BOTH, "Juice", pinned=(0, 1, 3)), labels="letters")
    assert {options[:2] for options in shown(pinned)} == {("Tea", "Coffee")}
    assert {options[2] for options in shown(pinned)} == {"Water", "Juice"}


def test_people_are_compared_with_although_labels_are_named(people):
    asked = survey(people, travel(*BOTH), order="as_written", labels="letters")
    assert set(shown(asked.for_people())) == {BOTH}


def test_an_item_without_the_keys_is_hashed_as_before():
    plain = travel("a", "b")
    assert "pinned" not in plain.as_dict()
    assert "shows_braces" not in plain.as_dict()
    assert travel("a", "b", pinned=()).as_dict()["pinned"] == ()


def test_a_quiz_says_which_questions_cannot_be_rotated():
    choices = ("Oslo", "Bergen", "None of the above")
    questions = tuple(
        Question(id=id, text="Capital of Norway?", choices=options, answer=0, domain="places")
        for id, options in (("q1", choices), ("q2", (*choices[:2], "Tromso")))
    )
    bank = Bank(name="ours", questions=questions)
    rotated, fixed = (Prompt(name="p", shots=0, orders=orders) for orders in ("cyclic", "as_written"))
    (note,) = Quiz(bank=bank, prompts=(rotated,), seed=1).notes()
    assert note.startswith("1 questions have options that speak of the others")
    assert "'q1'" in note
    assert Quiz(bank=bank, prompts=(fixed,), seed=1).notes() == ()


def test_every_arrangement_holds_every_option_once():
    for order, pinned in itertools.product(("as_written", "reversed", "counterbalanced"), (None, (), (0,), (1, 3))):
        for found in arrangements(travel(pinned=pinned), order):
            assert sorted(found) == [0, 1, 2, 3]


ABOVE = (
    *(
        "A combination of the above",
        "Something not listed above",
        "Same as above",
        "The options above",
        "Each of the above",
    ),
    *("None of the preceding", "All of the previous options", "Neither of these two above", "Other (not listed above)"),
    *("Keine der obenstehenden Antworten", "Nenhuma das alternativas anteriores", "Nessuna di quelle sopra"),
    *(
        "Ingen av alternativene over",
        "Żadne z powyższych",
        "Ничего из вышеперечисленного",
        "以上都不是",
        "上記のいずれでもない",
    ),
    *(
        "위의 어느 것도 아님",
        "Yukarıdakilerin hiçbiri",
        "لا شيء مما سبق",
        "उपरोक्त में से कोई नहीं",
        "Žádná z výše uvedených",
    ),
)
NOT_ABOVE = (
    *("I live above the shop", "$100,000 and above", "65 or above", "Above average", "Previously married", "18岁以上"),
    *(
        "Some college or above",
        "All people above 18",
        "위의 통증",
        "Yukarıdaki komşum",
        "Any of the above-ground lines",
    ),
)


@pytest.mark.parametrize("text", [*ABOVE, *NOT_ABOVE])
def test_what_is_above_is_known_in_many_ways_and_languages(text):
    assert refers_above(text) == (text in ABOVE)


@pytest.mark.parametrize(
    "text", ["A + B", "A/B", "Sowohl A als auch B", "Weder A noch B", "Both option A and option B"]
)
def test_labels_are_named_in_other_ways_too(text):
    assert marks_named(("Tea", "Coffee", "Water", text), 3) == {"A": 0, "B": 1}


def test_statements_of_the_question_itself_are_no_labels():
    assert marks_named(("A only", "B only", "Both A and B"), 2) == {}

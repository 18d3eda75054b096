from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.designs import Survey
from proband.designs.survey.arrangement import option_labels, option_order
from proband.errors import DataError, DesignError, InstrumentError
from proband.instruments import Instrument, Item, Rule, load_instrument
from proband.records import Place, Response
from proband.runs import collect
from proband.subjects import Field, Subject, load_population


def by_id(survey):
    return {trial.id: trial for trial in survey.trials({})}


def test_a_subject_more_changes_no_other_trial(survey, people):
    before, after = by_id(survey), by_id(replace(survey, subjects=people(13)))
    assert all(after[id] == trial for id, trial in before.items())
    assert len(after) == len(before) + 2


def test_an_item_more_changes_no_other_trial(survey):
    more = Item(id="extra", text="And you?", form="text")
    longer = replace(survey, instrument=replace(survey.instrument, items=(more, *survey.instrument.items)))
    after = by_id(longer)
    assert all(after[id] == trial for id, trial in by_id(survey).items())


def test_a_replicate_more_changes_no_other_trial(survey):
    after = by_id(replace(survey, replicates=3))
    assert all(after[id] == trial for id, trial in by_id(survey).items())


def test_trials_can_be_looked_at_in_any_order(survey):
    trials = replace(survey, replicates=2, persona=("first", "none")).trials({})
    assert [trials[k] for k in range(len(trials))] == list(trials)
    assert list(trials[5:9]) == list(trials)[5:9]
    assert len({trial.id for trial in trials}) == len(trials)
    with pytest.raises(IndexError):
        trials[len(trials)]


@given(st.integers(0, 10**6), st.sampled_from(["counterbalanced", "as_written", "reversed", "random"]))
@settings(max_examples=60)
def test_an_order_is_a_permutation_that_keeps_dont_know_last(seed, order):
    item = Item(id="i", text="?", form="choice", options=("a", "b", "not sure", "c"), dont_know=(2,))
    shown = option_order(item, order, seed, "s", "i")
    assert sorted(shown) == [0, 1, 2, 3]
    assert shown[-1] == 2


def test_replicates_go_through_every_rotation_once():
    item = Item(id="i", text="?", form="choice", options=("a", "b", "c"))
    shown = {option_order(item, "counterbalanced", 1, "s", "i", replicate=k)[0] for k in range(3)}
    assert shown == {0, 1, 2}


def test_counterbalancing_is_even_over_subjects():
    item = Item(id="i", text="?", form="scale", options=("no", "yes"))
    first = [option_order(item, "counterbalanced", 1, f"s{k}", "i")[0] for k in range(2000)]
    assert abs(sum(first) / 2000 - 0.5) < 0.04


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("auto", ("A", "B")), ("numbers", ("1", "2")), ("points", ("0", "10")), ("x|y", ("x", "y")), ("none", ())],
)
def test_labels_are_those_asked_for(labels, expected):
    item = Item(id="i", text="?", form="scale", options=("no", "yes"), codes=(0, 10))
    assert option_labels(item, labels, "written") == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": "x|y"}, "2 labels in 'x|y' for 3 options"),
        ({"labels": "x|X|z"}, "collide"),
        ({"labels": "none", "answer_by": "label"}, "options carry none"),
        ({"labels": "roman"}, "labels 'roman' is none of"),
        ({"presentation": "grid"}, "presentation 'grid' is none of single, battery, sequential"),
        ({"answer_by": ()}, "give one or more"),
        ({"order": ("random", "random")}, "each once"),
        ({"replicates": 0}, "ask at least once"),
        ({"seed": 1.5}, "seed 1.5 is not an integer"),
        ({"factors": {"frame": {}}}, "has no levels"),
        ({"factors": {"order": {"a": "b"}}}, "rename yours"),
        ({"decide": "best"}, "neither 'draw' nor 'mode'"),
    ],
)
def test_a_survey_that_cannot_be_carried_out_is_refused(survey, change, words):
    with pytest.raises(DesignError, match=words):
        replace(survey, **change)


@pytest.mark.parametrize(
    ("pipe", "words"),
    [
        ("{subject:shoe size}", "names no column of the population"),
        ("{answer:vote}", "names no earlier item"),
        ("{factor:x}", "no factor"),
    ],
)
def test_a_pipe_to_what_is_not_there_is_refused(population, pipe, words):
    item = Item(id="i", text=f"Because of {pipe}?", form="text")
    with pytest.raises(DesignError, match=words):
        Survey(instrument=Instrument(id="x", title="x", items=(item,)), subjects=population, seed=1)


def test_a_pipe_to_a_trait_that_some_lack_is_refused(population):
    subjects = (*population.subjects, Subject(id="x", traits={"party": 1}))
    item = Item(id="i", text="At {subject:age}?", form="text")
    with pytest.raises(DesignError, match=r"missing for 1 of 13 subjects, e.g. 'x'"):
        Survey(
            instrument=Instrument(id="x", title="x", items=(item,)),
            subjects=replace(population, subjects=subjects),
            seed=1,
        )


def test_a_persona_field_nobody_has_is_refused(survey):
    field = Field(column="income", first="I earn {value}.", third="They earn {value}.")
    with pytest.raises(DataError, match="income"):
        replace(survey, subjects=replace(survey.subjects, fields=(field,)))


def test_traits_and_levels_are_piped_in(population):
    item = Item(id="i", text="At {subject:age}, as {subject:party}: {factor:frame}?", form="text")
    survey = Survey(
        instrument=Instrument(id="x", title="x", items=(item,)),
        subjects=population,
        seed=1,
        factors={"frame": {"gain": "200 are saved", "loss": "400 die"}},
    )
    texts = [trial.request.messages[-1].text for trial in survey.trials({})[:2]]
    assert texts[0].startswith("At 20, as Left: 200 are saved?")
    assert texts[1].startswith("At 20, as Left: 400 die?")


def test_a_lead_in_is_piped_too(population):
    item = Item(id="i", stem="Imagine {factor:frame}.", text="Do you agree?", form="text")
    survey = Survey(
        instrument=Instrument(id="x", title="x", items=(item,)),
        subjects=population,
        seed=1,
        factors={"frame": {"gain": "200 are saved", "loss": "400 die"}},
    )
    assert "Imagine 400 die." in survey.trials({})[1].request.messages[-1].text


def test_a_grid_that_would_pipe_an_answer_is_refused(population):
    options = ("no", "yes")
    items = (
        Item(id="a", text="A?", form="scale", options=options),
        Item(id="b", text="You said {answer:a}. B?", form="scale", options=options),
    )
    with pytest.raises(DesignError, match="item 'b': a grid is shown at once"):
        Survey(
            instrument=Instrument(id="x", title="x", items=items), subjects=population, seed=1, presentation="battery"
        )


@pytest.mark.parametrize(("form", "answer"), [("multiple", (0, 1)), ("choice", None)])
def test_skip_rules_understand_several_choices_and_dont_know(population, form, answer):
    items = (
        Item(id="which", text="Which?", form=form, options=("x", "y", "not sure"), dont_know=(2,)),
        Item(id="more", text="More?", form="text", ask_if=Rule(item="which", options=(1,) if answer else (2,))),
    )
    survey = Survey(instrument=Instrument(id="x", title="x", items=items), subjects=population, seed=1)
    place = Place(subject="s0", item="which")
    status = "valid" if answer else "dont_know"
    said = {place.id: Response(place=place, request="r", status=status, answer=answer)}
    asked = {(trial.place.subject, trial.place.item) for trial in survey.trials(said)}
    assert ("s0", "more") in asked
    assert ("s1", "more") not in asked


def test_an_item_does_not_get_the_trait_it_asks_about(survey):
    item = replace(survey.instrument.items[0], about=("party",))
    own = replace(survey, instrument=replace(survey.instrument, items=(item, survey.instrument.items[1])))
    asked, other = own.trials({})[0:2]
    assert "support" not in asked.request.messages[0].text
    assert "support" in other.request.messages[0].text


CONTINGENT = Instrument(
    id="contingent",
    title="skip and pipe",
    items=(
        Item(id="voted", text="Did you vote?", form="choice", options=("yes", "no")),
        Item(
            id="whom", text="For whom?", form="choice", options=("Ada", "Bob"), ask_if=Rule(item="voted", options=(0,))
        ),
        Item(id="why", text="Why {answer:whom}?", form="choice", options=("policy", "person")),
    ),
)


def test_skip_rules_and_piped_answers_follow_what_was_answered(population, tmp_path):
    survey = Survey(instrument=CONTINGENT, subjects=population, seed=1)
    assert survey.is_adaptive
    assert {trial.place.item for trial in survey.trials({})} == {"voted"}
    run = collect(survey, "scripted:uniform", tmp_path)
    wide = {row["subject"]: row for row in run.wide("label").to_dicts()}
    assert len(wide) == 12
    assert {row["voted"] for row in wide.values()} == {"yes", "no"}
    for row in wide.values():
        assert (row["whom"] is None) == (row["voted"] == "no")
        assert (row["why"] is None) == (row["whom"] is None)
    asked = {trial.place.subject: trial for trial in survey.trials(run.responses()) if trial.place.item == "why"}
    for subject, trial in asked.items():
        assert f"Why {wide[subject]['whom']}?" in trial.request.messages[-1].text


def test_a_sequential_survey_remembers_what_was_said(survey, tmp_path):
    talk = replace(survey, presentation="sequential")
    run = collect(talk, "scripted:uniform", tmp_path)
    answers = run.responses()
    second = next(trial for trial in talk.trials(answers) if trial.place.item == "trust")
    first = answers[f"{second.place.subject}/vote//0/0"]
    roles = [message.role for message in second.request.messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert second.request.messages[2].text == talk.items["vote"].options[first.answer]
    assert len(answers) == survey.size()


def test_a_battery_shows_the_grid_in_one_order_and_asks_item_by_item():
    survey = Survey(
        instrument=load_instrument("mini-ipip"),
        subjects=load_population("anes-1996").sample(3, seed=1),
        seed=1,
        presentation="battery",
    )
    trials = [trial for trial in survey.trials({}) if trial.place.subject == survey.subjects[0].id]
    assert len(trials) == 20
    assert len({trial.reply.order for trial in trials}) == 1
    shared = trials[0].request.messages[-1].text.split("Your answer to statement")[0]
    assert all(trial.request.messages[-1].text.startswith(shared) for trial in trials)


def test_an_option_that_begins_another_is_scored_with_its_end(population):
    item = Item(id="i", text="?", form="scale", options=("Agree", "Agree strongly"))
    survey = Survey(instrument=Instrument(id="x", title="x", items=(item,)), subjects=population, seed=1)
    assert survey.trials({})[0].request.closes


def test_items_without_options_are_asked_in_writing_whatever_the_method(population):
    item = Item(id="n", text="How many?", form="number", lower=0, upper=10)
    survey = Survey(instrument=Instrument(id="x", title="x", items=(item,)), subjects=population, seed=1)
    trial = survey.trials({})[0]
    assert (trial.reply.method, trial.request.verb) == ("written", "write")
    assert trial.request.seed != survey.trials({})[1].request.seed


def test_a_factor_in_no_wording_is_refused(survey):
    with pytest.raises(DesignError, match="factor 'frame' is in no wording"):
        replace(survey, factors={"frame": {"gain": "x", "loss": "y"}})


def test_a_pipe_of_no_known_kind_is_refused(population):
    item = Item(id="i", text="You said {answr:x}?", form="text")
    with pytest.raises(InstrumentError, match=r"'\{answr:x\}', which is no pipe \(did you mean 'answer'\?\)"):
        Survey(instrument=Instrument(id="x", title="x", items=(item,)), subjects=population, seed=1)


def test_a_label_that_is_the_text_of_another_option_is_refused(people):
    hours = Item(id="hours", text="How many?", form="scale", options=("1", "2", "3"))
    settings = {"instrument": Instrument(id="h", title="h", items=(hours,)), "subjects": people(2), "seed": 1}
    with pytest.raises(DesignError, match="item 'hours': '1' is an option, and the label of '2'"):
        Survey(**settings, answer_by="written", labels="numbers")
    assert Survey(**settings, answer_by="written", labels="numbers", order="as_written").trials({})
    assert Survey(**settings, answer_by="written", labels="letters").trials({})

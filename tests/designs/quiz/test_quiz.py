import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.designs.design import Design
from proband.designs.quiz.prompts import PROMPTS
from proband.designs.quiz.quiz import Quiz
from proband.errors import DataError, DesignError
from proband.instruments.banks.bank import Bank, Question
from proband.models.scripted import ScriptedEngine
from proband.runs.collection import collect
from proband.runs.progress import Budget
from tests.designs.quiz.questions import bank, capitals, exemplars, sums

PROBE = replace(PROMPTS["probe"], shots=2)
ZERO = PROMPTS["zero-shot"]


def quiz(**changes):
    return Quiz(**{"bank": bank(), "exemplars": exemplars(), "prompts": (PROBE, ZERO), "seed": 1} | changes)


def test_a_quiz_is_a_design():
    assert isinstance(quiz(), Design)


def test_places_name_model_question_prompt_draw_and_turn():
    one = quiz(models=("base", "tuned"))
    ids = [trial.id for trial in one.trials({})]
    assert ids[:5] == [
        *(f"base/capital-10/ask=probe&draw=0&turn={turn}/0/0" for turn in range(4)),
        "base/capital-11/ask=probe&draw=0&turn=0/0/0",
    ]
    # 3 draws of 4 and of 3 rotations, and one zero-shot, of 3 questions each, of 2 models
    assert len(ids) == len(set(ids)) == one.size() == 2 * 3 * (3 * (4 + 3) + 2)


def test_several_models_are_several_engines_and_one_is_not():
    assert {trial.answerer for trial in quiz(models=("base", "tuned")).trials({})} == {"base", "tuned"}
    assert {trial.answerer for trial in quiz().trials({})} == {""}


def test_a_model_may_be_asked_under_some_prompts_only():
    one = quiz(models=("base", "tuned"), asks={"tuned": ("zero-shot",)})
    asked = {(t.place.subject, t.place.condition[0][1]) for t in one.trials({})}
    assert asked == {("base", "probe"), ("base", "zero-shot"), ("tuned", "zero-shot")}


@given(st.data())
@settings(max_examples=30)
def test_trials_looked_at_one_by_one_and_in_slices_are_those_of_the_whole(data):
    trials = quiz(models=("base", "tuned")).trials({})
    whole = [trial.id for trial in trials]
    k = data.draw(st.integers(-len(whole), len(whole) - 1))
    start, stop = data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, len(whole)))
    assert trials[k].id == whole[k]
    assert [trial.id for trial in trials[start:stop]] == whole[start:stop]
    assert [trial.id for trial in trials[start:stop:7]] == whole[start:stop:7]
    with pytest.raises(IndexError):
        trials[len(whole)]


def test_a_draw_shares_its_exemplars_among_all_questions_of_a_domain():
    shared = {}
    for trial in quiz(prompts=(PROBE,)).trials({}):
        text = trial.request.messages[0].text
        key = trial.place.item.split("-")[0], dict(trial.place.condition)["draw"]
        shared.setdefault(key, set()).add(text[: text.rindex("\n\n")])
    assert len(shared) == 6
    assert all(len(beginnings) == 1 for beginnings in shared.values())
    assert len({next(iter(beginnings)) for beginnings in shared.values()}) > 4


def test_exemplars_depend_on_seed_draw_and_domain_and_not_on_what_else_is_asked():
    drawn = quiz().exemplars_of(PROBE, 1, "places")
    assert drawn == quiz(bank=bank(1)).exemplars_of(replace(PROBE, name="other"), 1, "places")
    many = {quiz(seed=seed).exemplars_of(PROBE, draw, "places") for seed in range(4) for draw in range(3)}
    assert len(many) > 4


def test_the_published_order_of_ten_exemplars_is_kept():
    ten = Bank(name="ten", questions=capitals(10))
    one = Quiz(bank=Bank(name="b", questions=capitals(1, start=20)), exemplars=ten, prompts=(PROMPTS["ren2024-probe"],))
    chosen = one.exemplars_of(PROMPTS["ren2024-probe"], 0, "places")
    assert [q.id for q in chosen] == [f"capital-{k}" for k in (7, 3, 2, 8, 5)]


def as_published(header, solved, asked, system=None):
    """The published prompt, put together anew: up to the label that is scored behind it."""
    text = f"The following are multiple choice questions about {header}. Please choose the correct answer. \n\n"
    for question in (*solved, asked):
        options = "".join(f"\n{'ABCD'[k]}. {choice}" for k, choice in enumerate(question.choices))
        text += f"{question.text}{options}\nAnswer:"
        if question is not asked:
            text += f"{'ABCD'[question.answer]}. {question.choices[question.answer]}\n\n"
    return text if system is None else f"{system}USER: {text} ASSISTANT: "


@pytest.mark.parametrize("subject", ["", "high_school_geography"])
def test_the_published_prompts_are_sent_byte_for_byte(subject):
    [asked] = (replace(q, topic=subject) for q in capitals(1, start=30))
    own, mmlus = capitals(10), [replace(q, topic="high_school_geography") for q in capitals(5, start=10)]
    solved, order = (mmlus, (3, 1, 2, 4, 0)) if subject else (own, (7, 3, 2, 8, 5))
    header = " high school geography" if subject else "places"
    prompts = (PROMPTS["ren2024-probe"], replace(PROMPTS["ren2024-evaluation"], system="Be helpful."))
    two = Quiz(
        bank=Bank(name="b", questions=(asked,)), exemplars=Bank(name="e", questions=(*own, *mmlus)), prompts=prompts
    )
    probe, evaluation = (trial.request for trial in two.trials({}))
    assert probe.messages[0].text == as_published(header, [solved[k] for k in order], asked)
    # The published code reads the label behind the last space, which is scored here as the beginning of the answer.
    told = evaluation.messages[0].text + evaluation.continuations[0]
    assert told == as_published(header, [], asked, system="Be helpful. ") + "A"


def test_cyclic_orders_show_every_option_in_every_place_once():
    orders = [trial.reply.order for trial in quiz(prompts=(PROBE,)).trials({})[:4]]
    assert all(sorted(column) == [0, 1, 2, 3] for column in zip(*orders, strict=True))


def test_answers_are_read_as_written_whatever_the_order(tmp_path):
    engine = ScriptedEngine(lambda trial: int(dict(trial.facts)["answer"]))
    run = collect(quiz(), engine, tmp_path)
    keys = {question.id: question.answer for question in bank()}
    assert all(response.answer == keys[response.place.item] for response in run.responses().values())


def test_a_quiz_that_is_cut_off_and_resumed_has_the_same_table(tmp_path):
    engine = ScriptedEngine(lambda trial: int(dict(trial.facts)["answer"]), noise=0.3)
    collect(quiz(), engine, tmp_path / "a", budget=Budget(trials=20))
    resumed, whole = (collect(quiz(), engine, tmp_path / name) for name in "ab")
    assert resumed.table().equals(whole.table())


def test_the_description_is_plain_and_names_bank_exemplars_and_prompts():
    found = json.loads(json.dumps(quiz().describe()))
    assert found["bank_hash"] == bank().hash
    assert found["varied"] == ["ask", "draw", "turn"]
    assert len(found["exemplars"]["probe"]["places"]) == 3
    assert found["prompts"]["probe"]["shots"] == 2


def test_options_that_differ_in_case_only_can_be_asked():
    odd = Question(id="g", text="Which?", choices=("AA", "Aa", "aa"), answer=1, domain="sums")
    one = quiz(bank=Bank(name="b", questions=(odd,)), prompts=(ZERO,))
    assert one.items["g"].options == ("(1) AA", "(2) Aa", "(3) aa")
    assert "\nB. Aa\n" in one.trials({})[0].request.messages[0].text


def test_twenty_thousand_questions_are_not_made_before_they_are_asked():
    many = Bank(name="many", questions=capitals(20_000, start=10))
    one = quiz(bank=many, prompts=(PROBE,), models=("a", "b"))
    trials = one.trials({})
    assert len(trials) == 2 * 3 * 4 * 20_000
    assert trials[-1].id == "b/capital-20009/ask=probe&draw=2&turn=3/0/0"


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"exemplars": None}, DesignError, "there are no exemplars"),
        ({"exemplars": Bank(name="few", questions=(*capitals(), *sums(1)))}, DesignError, "'sums' has 1 exemplars"),
        ({"exemplars": Bank(name="same", questions=(*capitals(11), *sums()))}, DataError, "is question 'capital-10'"),
        ({"models": ("a", "a")}, DesignError, "a name of its own"),
        ({"prompts": ()}, DesignError, "one or more"),
        ({"asks": {"other": ("probe",)}}, DesignError, "names the model 'other'"),
        ({"asks": {"model": ("plain",)}}, DesignError, "prompts are probe, zero-shot"),
        ({"bank": Bank(name="none", questions=())}, DesignError, "has no questions"),
        ({"prompts": (replace(ZERO, labels=("A", "B", "C")),)}, DesignError, "has 4 options"),
        ({"seed": 1.5}, DesignError, "not an integer"),
    ],
)
def test_a_quiz_that_cannot_be_asked_is_refused(changes, error, words):
    with pytest.raises(error, match=words):
        quiz(**changes)

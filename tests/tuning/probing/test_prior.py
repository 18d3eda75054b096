"""Options scored without their question: what is asked, what a gain asks for, and how many known ones are by prior."""

import re
from dataclasses import replace

import pytest

from proband.designs.quiz.prompts import PROMPTS
from proband.designs.quiz.quiz import Quiz
from proband.errors import DataError
from proband.models.scripted import ScriptedEngine
from proband.runs.collection import collect
from proband.tuning.interventions.pools import sort_questions
from proband.tuning.probing.beliefs import Beliefs, beliefs_from
from proband.tuning.probing.prior import BLANK, known_by_prior, prior_quiz, with_prior
from tests.designs.quiz.questions import bank, exemplars

CLOZE = replace(PROMPTS["probe-cloze"], shots=2, draws=3)


def fond_of_the_first(trial):
    """Finds the option written first probable, and one whose question it read more so."""
    n = len(trial.reply.options)
    right = int(dict(trial.facts)["answer"])
    sure = 0 if BLANK in trial.request.messages[-1].text or right != 1 else 1
    return [0.7 if k == sure else 0.3 / (n - 1) for k in range(n)]


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    quiz = Quiz(bank=bank(), exemplars=exemplars(), prompts=(CLOZE,), seed=1)
    blank, folder = prior_quiz(quiz), tmp_path_factory.mktemp("prior")
    engine = ScriptedEngine(fond_of_the_first)
    beliefs = beliefs_from(collect(quiz, engine, folder / "run"), quiz)
    return quiz, with_prior(beliefs, beliefs_from(collect(blank, engine, folder / "blank"), blank))


def test_the_prior_is_asked_behind_the_same_exemplars_once(probed):
    quiz, _ = probed
    blank = prior_quiz(quiz)
    asked, unread = quiz.trials({})[0].request, blank.trials({})[0].request
    assert unread.messages[0].text == asked.messages[0].text.replace(quiz.by_domain[0].text, BLANK)
    assert unread.continuations == asked.continuations
    assert blank.size() * 3 == quiz.size()


def test_what_is_probable_without_the_question_counts_as_known_only_by_its_gain(probed):
    quiz, beliefs = probed
    first = tuple(q.id for q in quiz.bank if q.answer == 0)
    read = tuple(q.id for q in quiz.bank if q.answer == 1)
    assert first
    assert read
    assert set(sort_questions(quiz.bank, beliefs).known) == {*first, *read}
    assert sort_questions(quiz.bank, beliefs, gain=0.2).known == read
    chance = known_by_prior(quiz.bank, beliefs)
    assert (chance.known, chance.by_prior, chance.of) == (len(first) + len(read), len(first), len(quiz.bank))


def test_priors_are_saved_with_the_beliefs_and_a_probe_without_them_as_it_was(probed, tmp_path):
    quiz, beliefs = probed
    again = Beliefs.load(beliefs.save(tmp_path / "beliefs.json"))
    assert known_by_prior(quiz.bank, again) == known_by_prior(quiz.bank, beliefs)
    bare = replace(beliefs, beliefs={id: replace(one, prior=None) for id, one in beliefs.beliefs.items()})
    assert "prior" not in bare.save(tmp_path / "bare.json").read_text()
    assert known_by_prior(quiz.bank, bare) is None
    with pytest.raises(DataError, match=r"no prior of question .* probe with the prior"):
        sort_questions(quiz.bank, bare, gain=0.2)


def test_a_prior_of_other_weights_is_refused(probed):
    _, beliefs = probed
    with pytest.raises(DataError, match="use one model"):
        with_prior(beliefs, replace(beliefs, weights="others"))


def test_draws_that_hold_the_same_exemplars_are_told():
    few = replace(CLOZE, shots=len(exemplars().of(exemplars().domains[0])))
    quiz = Quiz(bank=bank().of(exemplars().domains[0]), exemplars=exemplars(), prompts=(few,), seed=1)
    [note] = quiz.notes()
    assert re.search("asks for 3 draws of exemplars, and of domain '[a-z]+' 1 differ", note)
    assert Quiz(bank=bank(), exemplars=exemplars(), prompts=(replace(few, draws=1),), seed=1).notes() == ()

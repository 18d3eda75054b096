"""Ranks of models in a quiz: shown best, not told apart, and domains beside the whole."""

import numpy as np

from proband.analyses import ranks
from proband.designs.quiz.prompts import PROMPTS
from proband.designs.quiz.quiz import Quiz
from proband.instruments.banks.bank import Bank, Question
from proband.models.scripted import ScriptedEngine
from proband.runs import collect

BANK = Bank(
    name="sums",
    questions=tuple(
        Question(
            id=f"q{k}", text=f"{k} + 1 =", choices=("0", str(k + 1), "-1"), answer=1, domain=("odd", "even")[k % 2]
        )
        for k in range(120)
    ),
)
SHARES = {"good": 0.9, "fair": 0.6, "twin": 0.6, "poor": 0.2}


def knowing(model):
    """Answers rightly where a number drawn for model and question says so; twins draw the same."""

    def rule(trial):
        k = int(trial.place.item[1:])
        seed = {"good": 1, "fair": 2, "twin": 2, "poor": 3}[model]
        is_right = np.random.default_rng([seed, k]).random() < SHARES[model]
        return (0.1, 0.8, 0.1) if is_right else (0.8, 0.1, 0.1)

    return ScriptedEngine(rule)


def quizzed(models, into):
    quiz = Quiz(bank=BANK, prompts=(PROMPTS["zero-shot"],), models=models, seed=1)
    cast = {model: knowing(model) for model in models}
    return collect(quiz, cast if len(models) > 1 else next(iter(cast.values())), into)


def test_the_best_is_shown_and_twins_are_not_told_apart(tmp_path):
    table, pairs = ranks.sections(quizzed(tuple(SHARES), tmp_path))
    whole = {row[1]: row[4] for row in table.table.rows if row[0] == "all domains"}
    assert whole["good"].interval == (1, 1)
    assert whole["poor"].interval == (4, 4)
    assert whole["fair"].interval == whole["twin"].interval == (2, 3)
    assert table.sentences == ("good is shown to be the best of 4 models.",)
    adjusted = {frozenset(row[:2]): row[4] for row in pairs.table.rows}
    assert adjusted[frozenset(("fair", "twin"))] == 1
    assert "5 of 6 pairs are told apart" in pairs.sentences[0]


def test_domains_stand_beside_the_whole(tmp_path):
    table, _ = ranks.sections(quizzed(("fair", "twin"), tmp_path))
    assert list(dict.fromkeys(row[0] for row in table.table.rows)) == [*BANK.domains, "all domains"]
    assert "Which of fair and twin is the best cannot be told" in table.sentences[0]
    assert any("beside the domains it is made of" in note for note in table.notes)


def test_one_model_has_no_rank(tmp_path):
    assert "one model has no rank" in ranks.needs(quizzed(("good",), tmp_path))

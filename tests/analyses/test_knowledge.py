import json

import pytest

from proband.analyses.knowledge import ANALYSIS, needs, sections
from proband.designs.games import PrisonersDilemma
from proband.designs.quiz.prompts import PROMPTS
from proband.designs.quiz.quiz import Quiz
from proband.instruments.banks.bank import Bank, Question
from proband.instruments.banks.embedded import embedded_bank
from proband.runs import Budget, collect
from proband.runs.run import Run
from proband.tuning.probing.sampling import Sampling

SURE, GUESS = "scripted:knowing?share=0.7&confidence=0.8", "scripted:knowing?share=0.2&confidence=0.4"


def facts(n=15):
    parts = embedded_bank("facts").of("geography", "chemistry").split(test=n, exemplars=6, seed=1)
    return parts.test, parts.exemplars


def asked(into, prompts=("probe",), models=None, **how):
    bank, exemplars = facts()
    quiz = Quiz(
        bank=bank,
        exemplars=exemplars,
        prompts=tuple(PROMPTS[name] for name in prompts),
        models=tuple(models or ("model",)),
        seed=1,
    )
    engines = models or {"model": SURE}
    return quiz, collect(quiz, engines if len(engines) > 1 else engines["model"], into, **how)


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return asked(tmp_path_factory.mktemp("one") / "run")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    models = {"before": GUESS, "after": SURE}
    return asked(tmp_path_factory.mktemp("two") / "run", ("zero-shot", "few-shot"), models)[1]


def named(run):
    return {section.name: section for section in sections(run)}


def rows(section):
    names = [column.name for column in section.table.columns]
    return [dict(zip(names, row, strict=True)) for row in section.table.rows]


def test_models_are_compared_on_the_same_questions_by_domain(two):
    found = rows(named(two)["knowledge-differences"])
    assert {(row["difference"], row["prompt"]) for row in found} == {
        ("after − before", prompt) for prompt in ("zero-shot", "few-shot")
    }
    right = {
        (row["model"], row["prompt"], row["domain"]): row["right"].value
        for row in rows(named(two)["knowledge-accuracy"])
    }
    for row in found:
        sides = [right[model, row["prompt"], row["domain"]] for model in ("after", "before")]
        assert row["points"].value == pytest.approx(sides[0] - sides[1])
        assert row["points"].interval[0] < row["points"].value < row["points"].interval[1]


def test_questions_that_are_scored_with_an_end_token_are_counted(tmp_path):
    questions = tuple(
        Question(id=f"q{k}", text="2 * 5 =", choices=("1", "10") if k < 3 else ("1", "2"), answer=1, domain="sums")
        for k in range(12)
    )
    prompts = (PROMPTS["zero-shot-text"], PROMPTS["zero-shot"])
    quiz = Quiz(bank=Bank(name="sums", questions=questions), prompts=prompts, models=("model",), seed=1)
    run = collect(quiz, SURE, tmp_path / "run")
    notes = named(run)["knowledge-accuracy"].notes
    assert [note for note in notes if "end token" in note] == [
        "zero-shot-text: 3 of 12 questions were scored with an end token, as one option begins like another"
    ]


def test_accuracy_is_the_share_of_right_picks_by_domain(one):
    quiz, run = one
    found = {row["domain"]: row for row in rows(named(run)["knowledge-accuracy"])}
    assert set(found) == {"geography", "chemistry", "all domains"}
    right = found["all domains"]["right"]
    assert right.n_units == len(quiz.bank) == 30
    assert right.interval[0] < 0.7 < right.interval[1]
    assert found["all domains"]["by chance"] == pytest.approx(0.25)


def test_confidence_that_is_too_high_shows(one):
    (row,) = rows(named(one[1])["knowledge-confidence"])
    accuracy = rows(named(one[1])["knowledge-accuracy"])[-1]["right"].value
    assert row["confidence"] == pytest.approx(0.8)
    assert row["less accuracy, points"].value == pytest.approx(0.8 - accuracy)
    assert row["calibration error"].value == pytest.approx(abs(0.8 - accuracy))


def test_a_model_that_is_sure_of_itself_is_stable(one):
    found = rows(named(one[1])["knowledge-stability"])
    assert [row["changed"] for row in found] == ["exemplars", "order of options"]
    assert [row["same choice"].value for row in found] == [1.0, 1.0]
    assert found[0]["same grade"].value == 1.0
    (grades, *_) = rows(named(one[1])["knowledge-grades"])
    assert grades["MaybeKnown"] == 0
    assert grades["HighlyKnown"] + grades["Unknown"] == 15


def test_a_model_that_prefers_a_place_shows_it(tmp_path):
    _, run = asked(tmp_path / "run", models={"model": "scripted:uniform?position_bias=0.4"})
    found = rows(named(run)["knowledge-places"])
    assert [row["place"] for row in found] == ["A", "B", "C", "D"]
    assert [row["chosen"].value for row in found] == [1.0, 0.0, 0.0, 0.0]
    assert [row["right option there"] for row in found] == pytest.approx([0.25] * 4)


def test_models_and_prompts_are_set_against_each_other(two):
    found = {row["from → to"]: row for row in rows(named(two)["knowledge-distances"])}
    assert set(found) == {
        "before → after (zero-shot)",
        "before → after (few-shot)",
        "zero-shot → few-shot (before)",
        "zero-shot → few-shot (after)",
    }
    models, prompts = found["before → after (zero-shot)"], found["zero-shot → few-shot (after)"]
    assert models["gain, points"].interval[0] > 0
    assert models["rose"] > models["fell"] == 0
    assert models["KL, nats"].value > prompts["KL, nats"].value == pytest.approx(0, abs=1e-9)
    assert prompts["same choice"].value == 1.0


def test_rows_name_model_and_prompt_where_there_are_several(two):
    assert [row["model"] for row in rows(named(two)["knowledge-accuracy"])][:1] == ["before"]
    assert {row["prompt"] for row in rows(named(two)["knowledge-grades"])} == {"zero-shot", "few-shot"}


def test_an_unfinished_quiz_is_told_as_far_as_it_is(tmp_path):
    _, run = asked(tmp_path / "run", budget=Budget(trials=60))
    assert not run.is_complete
    assert needs(run) is None
    assert rows(named(run)["knowledge-accuracy"])[-1]["questions"] < 30


def test_a_run_without_its_key_says_so(tmp_path):
    _, run = asked(tmp_path / "run", ("zero-shot",))
    file = run.path / "manifest.json"
    noted = json.loads(file.read_text())
    del noted["design"]["key"]
    file.write_text(json.dumps(noted))
    assert "key was not kept" in needs(Run(run.path))


def test_the_bank_beside_an_older_probe_is_its_key(tmp_path):
    quiz, run = asked(tmp_path / "run", ("zero-shot",))
    file = run.path / "manifest.json"
    noted = json.loads(file.read_text())
    before = named(run)["knowledge-accuracy"]
    del noted["design"]["key"]
    file.write_text(json.dumps(noted))
    quiz.bank.save(run.path / "bank.json")
    assert named(Run(run.path))["knowledge-accuracy"] == before


def test_written_answers_are_graded_by_greedy_and_sampled_ones(tmp_path):
    bank, exemplars = facts(12)
    quiz = Quiz(bank=bank, exemplars=exemplars, prompts=(PROMPTS["few-shot"],), seed=1)
    run = collect(Sampling(quiz=quiz, samples=4), SURE, tmp_path / "run")
    assert needs(run) is None
    found = named(run)
    last = rows(found["knowledge-accuracy"])[-1]
    assert last["right, greedy"].n_units == 24
    grades = rows(found["knowledge-grades"])[-1]
    assert grades["HighlyKnown"] == round(24 * last["right, greedy"].value)
    assert sum(grades[name] for name in ("HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown")) == 24


def test_a_game_is_no_quiz(tmp_path):
    game = PrisonersDilemma(matches=1, rounds=1, seed=1)
    run = collect(game, dict.fromkeys(game.roles(), "scripted:first"), tmp_path / "run")
    assert "no quiz" in needs(run)


def test_the_analysis_is_found_on_its_shelf():
    from proband.analyses.section import ANALYSES

    assert ANALYSES.load("knowledge") is ANALYSIS

"""Texts are asked on the common loop, by place, and failures do not become texts."""

from dataclasses import replace

import pytest

from proband.designs.quiz.prompts import PROMPTS
from proband.designs.survey.cards import Writing
from proband.errors import DataError, DesignError
from proband.models.scripted import ScriptedEngine
from proband.records import Completion, Response
from proband.runs.collection import collect
from proband.runs.progress import Budget
from proband.tuning.interventions.arms import ARMS, arm_named
from proband.tuning.interventions.building import build_sets
from proband.tuning.interventions.composing import wanted_texts
from proband.tuning.interventions.explanations import Explanations, texts_from
from proband.tuning.interventions.pools import sort_questions


def explained(trial) -> str:
    answer = dict(trial.place.condition)["answer"]
    return f"Sources tell of answer number {answer} to {trial.place.item}."


class Writer(ScriptedEngine):
    """Writes as a model does: a text, and whether it was cut."""

    def __init__(self, finish="stop", text="It is so by all accounts. And then it") -> None:
        super().__init__(explained)
        self.finish, self.said = finish, text

    def answer(self, trials):
        for trial in trials:
            yield trial, Completion(text=self.said, finish=self.finish, completion_tokens=9)


@pytest.fixture
def design(bank) -> Explanations:
    return Explanations(bank=bank, answers={"history-1": (1, 2), "medicine-4": (0,)}, seed=3)


def test_a_text_is_asked_for_each_answer(design, tmp_path):
    run = collect(design, ScriptedEngine(explained), tmp_path / "run")
    texts = texts_from(run, design, source="own")
    assert set(texts.texts) == {("history-1", 1), ("history-1", 2), ("medicine-4", 0)}
    assert texts.texts["history-1", 2] == "Sources tell of answer number 2 to history-1."
    assert texts.dispositions == {"valid": 3}
    assert texts.bank == design.bank.hash


def test_one_more_question_changes_no_other_trial(bank, design):
    more = replace(design, answers={"history-0": (0,), **design.answers})
    before = {trial.id: trial.request.hash for trial in design.trials({})}
    after = {trial.id: trial.request.hash for trial in more.trials({})}
    assert before.items() <= after.items()


def test_failures_and_refusals_are_counted_and_give_no_text(design, tmp_path):
    run = collect(design, ScriptedEngine(explained, seed=1, fail=0.5), tmp_path / "run")
    texts = texts_from(run, design, source="own")
    assert 0 < texts.dispositions["failed"] < 3
    assert len(texts) == 3 - texts.dispositions["failed"]
    refused = collect(design, ScriptedEngine(explained, refuse=1.0), tmp_path / "refused")
    assert texts_from(refused, design, source="own").texts == {}


@pytest.mark.parametrize(
    ("cut", "kept"),
    [("sentence", "It is so by all accounts."), ("keep", "It is so by all accounts. And then it"), ("drop", None)],
)
def test_a_text_that_was_cut_is_kept_as_far_as_asked(design, tmp_path, cut, kept):
    run = collect(design, Writer("length"), tmp_path / "run")
    texts = texts_from(run, design, source="own", cut=cut)
    assert texts.texts.get(("medicine-4", 0)) == kept
    assert texts.dispositions["truncated"] == 3


def test_the_first_try_without_a_flaw_is_taken(bank, tmp_path):
    def said(trial) -> str:
        return "Actually, the correct answer is unknown." if trial.place.replicate < 2 else "It is known to all."

    design = Explanations(bank=bank, answers={"history-1": (1,)}, tries=4, seed=1)
    run = collect(design, ScriptedEngine(said), tmp_path / "run")
    assert texts_from(run, design, source="own").texts == {("history-1", 1): "It is known to all."}


def test_tries_are_sampled_with_different_seeds(bank):
    trials = Explanations(bank=bank, answers={"history-1": (1,)}, tries=3, seed=1).trials({})
    assert len({trial.request.seed for trial in trials}) == 3
    with pytest.raises(DesignError, match="would all be the same"):
        Explanations(bank=bank, answers={"history-1": (1,)}, tries=3, writing=Writing(temperature=0))


def test_a_run_of_another_design_is_refused(bank, design, tmp_path):
    run = collect(design, ScriptedEngine(explained), tmp_path / "run")
    with pytest.raises(DataError, match="asked for explanation of the bank"):
        texts_from(run, replace(design, purpose="context"), source="own")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"answers": {"history-1": (4,)}}, "no index of 4 options"),
        ({"answers": {"history-999": (0,)}}, "no question 'history-999'"),
        ({"answers": {"history-1": ()}}, "no answer to write about"),
        ({"tries": 0}, "at least once"),
        ({"purpose": "poem"}, "none of explanation"),
    ],
)
def test_what_cannot_be_asked_is_refused(design, settings, message):
    with pytest.raises(DesignError, match=message):
        replace(design, **settings)


def test_a_rewrite_needs_something_to_rewrite(bank):
    bare = replace(bank, questions=(replace(bank["history-1"], explanation=""),))
    with pytest.raises(DesignError, match="no explanation to rewrite"):
        Explanations(bank=bare, answers={"history-1": (1,)}, purpose="rewrite")


def test_what_arms_need_is_asked_and_no_more(bank, beliefs, three):
    pools = sort_questions(bank, beliefs)
    settings = {"purpose": "explanation", "source": "own"}
    matched = [arm_named(arm.name, explanation="matched") for arm in three]
    wanted = wanted_texts(bank, beliefs, pools, matched, **settings)
    assert wanted == {id: (beliefs[id].pick,) for id in sorted(pools.unknown)}
    assert wanted_texts(bank, beliefs, pools, three, **settings) == {}
    context = replace(ARMS["contextualised"], context="other")
    wanted = wanted_texts(bank, beliefs, pools, [context], purpose="context", source="other")
    assert wanted == {id: (bank[id].answer,) for id in sorted(pools.unknown)}


def test_from_probe_to_explained_set(bank, beliefs, tmp_path):
    arms = [arm_named("self-aligning", explanation="own"), arm_named("incompatible", explanation="own")]
    pools = sort_questions(bank, beliefs)
    answers = wanted_texts(bank, beliefs, pools, arms, purpose="explanation", source="own")
    design = Explanations(bank=bank, answers=answers, seed=1)
    texts = texts_from(collect(design, ScriptedEngine(explained), tmp_path / "run"), design, source="own")
    settings = {"prompt": PROMPTS["turns"], "seed": 1, "explanations": [texts]}
    sets = build_sets(bank, beliefs, arms, **settings)
    for example in sets["self-aligning-history"]:
        assert f"answer number {beliefs[example.question].pick} to {example.question}" in example.response
    assert sets["incompatible-history"].provenance["texts"]["written"][0]["hash"] == texts.hash


def test_the_items_of_a_run_are_the_questions(design, tmp_path):
    run = collect(design, ScriptedEngine(explained), tmp_path / "run")
    assert set(run.items) == {"history-1", "medicine-4"}
    assert all(isinstance(response, Response) for response in run.responses().values())


def test_a_stopped_run_is_refused_and_goes_on_to_the_same_texts(design, tmp_path):
    engine = ScriptedEngine(explained)
    stopped = collect(design, engine, tmp_path / "run", budget=Budget(trials=2))
    with pytest.raises(DataError, match="unfinished"):
        texts_from(stopped, design, source="own")
    found = [collect(design, engine, tmp_path / name) for name in ("run", "whole")]
    first, second = (texts_from(run, design, source="own") for run in found)
    assert first == second


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.parametrize("is_raw", [True, False])
def test_the_embedded_model_explains_raw_and_in_chat(bank, tmp_path, is_raw):
    writing = Writing(temperature=0, max_tokens=24)
    design = Explanations(bank=bank, answers={"history-1": (1,)}, is_raw=is_raw, writing=writing)
    texts = texts_from(collect(design, "smollm2", tmp_path / "run"), design, source="own", cut="keep")
    assert len(texts.texts["history-1", 1]) > 20
    assert texts.weights

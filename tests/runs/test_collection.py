from dataclasses import replace

import pytest

from proband.addresses import open_engine
from proband.designs import Survey
from proband.designs.quiz.prompts import PROMPTS
from proband.designs.quiz.quiz import Quiz
from proband.errors import DesignError, EngineError, RunLocked, TreatmentChanged
from proband.instruments.banks.bank import Bank, Question
from proband.models.scripted import ScriptedEngine, uniform
from proband.records import Completion
from proband.runs import Budget, Run, collect
from proband.runs import collection as collection_room
from proband.runs import identity as identity_room
from proband.runs import lanes as lanes_room
from proband.store import RunDirectory
from tests.models.local.small_models import save_checkpoint


class Counting(ScriptedEngine):
    """The scripted engine, remembering how often it was asked what."""

    asked: list[str]

    def answer(self, trials):
        self.asked = [*getattr(self, "asked", []), *(trial.id for trial in trials)]
        yield from super().answer(trials)


def test_a_run_answers_every_trial_once_and_says_it_is_complete(survey, tmp_path):
    engine = Counting(uniform())
    run = collect(survey, engine, tmp_path / "run")
    assert run.is_complete
    assert sorted(run.responses()) == sorted(trial.id for trial in survey.trials({})) == sorted(engine.asked)


def test_the_same_line_again_asks_nobody(survey, tmp_path):
    collect(survey, ScriptedEngine(uniform()), tmp_path)
    again = Counting(uniform())
    table = collect(survey, again, tmp_path).table()
    assert not hasattr(again, "asked")
    assert table.equals(Run(tmp_path).table())


class Talking(ScriptedEngine):
    """Says the option shown first, in a text that has to be read."""

    def answer(self, trials):
        yield from ((trial, Completion(text=trial.reply.options[0])) for trial in trials)


def test_texts_are_not_read_by_two_versions_of_the_rules_in_one_run(survey, tmp_path, monkeypatch):
    collect(survey, Talking(uniform()), tmp_path / "half", budget=Budget(trials=5))
    collect(survey, Talking(uniform()), tmp_path / "whole")
    collect(survey, ScriptedEngine(uniform()), tmp_path / "outright", budget=Budget(trials=5))
    monkeypatch.setattr(identity_room, "READER", "99")
    with pytest.raises(TreatmentChanged, match=r"begun with reader .*, not 99; use a new folder"):
        collect(survey, Talking(uniform()), tmp_path / "half")
    # Nothing is to be read where all is answered, or where no text was.
    assert collect(survey, Talking(uniform()), tmp_path / "whole").is_complete
    assert collect(survey, ScriptedEngine(uniform()), tmp_path / "outright").is_complete


def test_a_larger_study_asks_only_what_is_new(survey, people, tmp_path):
    collect(survey, ScriptedEngine(uniform()), tmp_path)
    engine = Counting(uniform())
    collect(replace(survey, subjects=people(14)), engine, tmp_path)
    assert {trial.split("/")[0] for trial in engine.asked} == {"s12", "s13"}


def test_an_edited_treatment_is_refused_and_the_item_named(survey, tmp_path):
    collect(survey, "scripted:uniform", tmp_path)
    other_words = replace(survey.instrument.items[0], text="Whom would you vote for?")
    edited = replace(survey, instrument=replace(survey.instrument, items=(other_words, survey.instrument.items[1])))
    with pytest.raises(TreatmentChanged, match="item 'vote'"):
        collect(edited, "scripted:uniform", tmp_path)
    with pytest.raises(TreatmentChanged, match="item 'vote' was already answered by subject 's0'"):
        collect(replace(survey, persona="third"), "scripted:uniform", tmp_path)


def test_an_edited_key_is_refused_though_the_words_are_the_same(survey, tmp_path):
    collect(survey, "scripted:uniform", tmp_path)
    other_key = replace(survey.instrument.items[1], codes=(3, 2, 1))
    edited = replace(survey, instrument=replace(survey.instrument, items=(survey.instrument.items[0], other_key)))
    with pytest.raises(TreatmentChanged, match="item 'trust'"):
        collect(edited, "scripted:uniform", tmp_path)


@pytest.mark.parametrize(("change", "word"), [({"seed": 2}, "seed"), ({}, "engine")])
def test_another_seed_or_engine_is_refused(survey, tmp_path, change, word):
    collect(survey, "scripted:uniform", tmp_path)
    with pytest.raises(TreatmentChanged, match=word):
        collect(replace(survey, **change), "scripted:uniform" if change else "scripted:first", tmp_path)


@pytest.mark.parametrize("change", ["fewer subjects", "another factor", "fewer items"])
def test_answers_to_places_that_are_gone_are_never_mixed_in(survey, people, tmp_path, change):
    collect(survey, "scripted:uniform", tmp_path)
    changed = {
        "fewer subjects": {"subjects": people(5)},
        "another factor": {"persona": ("first", "none")},
        "fewer items": {"instrument": survey.instrument.subset(("vote",))},
    }[change]
    with pytest.raises(TreatmentChanged, match=r"places that the design no longer has|begun with the factors"):
        collect(replace(survey, **changed), "scripted:uniform", tmp_path)


def test_an_engine_that_became_another_is_refused(survey, tmp_path):
    class Served(ScriptedEngine):
        weights = "old"

        def fingerprint(self):
            return {**super().fingerprint(), "weights": self.weights, "torch": self.weights}

    engine = Served(uniform(), address="hf:served")
    collect(survey, engine, tmp_path, budget=Budget(trials=5))
    engine.weights = "new"
    with pytest.raises(TreatmentChanged, match="its weights was 'old' and is 'new'"):
        collect(survey, engine, tmp_path)


@pytest.mark.parametrize("chunk", [1, 5, 1000])
def test_the_size_of_a_batch_changes_nothing(survey, tmp_path, chunk, monkeypatch):
    monkeypatch.setattr(lanes_room, "CHUNK", chunk)
    small = collect(survey, "scripted:uniform?refuse=0.2", tmp_path / "small").table()
    monkeypatch.undo()
    assert small.equals(collect(survey, "scripted:uniform?refuse=0.2", tmp_path / "usual").table())


@pytest.mark.parametrize("cap", [{"trials": 7}, {"tokens": 700}])
def test_a_budget_stops_cleanly_and_the_run_goes_on_later(survey, tmp_path, cap):
    run = collect(survey, "scripted:uniform", tmp_path / "run", budget=Budget(**cap))
    done = len(run.responses())
    assert not run.is_complete
    assert 0 < done < survey.size()
    run = collect(survey, "scripted:uniform", tmp_path / "run")
    whole = collect(survey, "scripted:uniform", tmp_path / "whole")
    assert run.table().equals(whole.table())


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(DesignError, match="must be above 0"):
        Budget(trials=0)


def test_what_failed_is_kept_as_failed_and_retried_only_when_told(survey, tmp_path):
    flaky = ScriptedEngine(uniform(), fail=0.5, seed=1)
    run = collect(survey, flaky, tmp_path)
    failed = run.dispositions()["failed"]
    assert 0 < failed < survey.size()
    assert run.table().filter(status="failed")["answer"].null_count() == failed
    assert collect(survey, flaky, tmp_path).dispositions()["failed"] == failed
    counting = Counting(uniform(), fail=0.5, seed=1)
    collect(survey, counting, tmp_path, retry_failed=True)
    assert len(counting.asked) == failed


def test_an_answer_the_reader_stumbles_on_is_one_failed_response(survey, tmp_path, monkeypatch):
    real = collection_room.read

    def stumble(completion, trial, engine):
        if trial.place.subject == "s3" and completion.error is None:
            raise ZeroDivisionError("odd answer")
        return real(completion, trial, engine)

    monkeypatch.setattr(collection_room, "read", stumble)
    run = collect(survey, "scripted:uniform", tmp_path)
    assert run.dispositions()["failed"] == 2
    assert "ZeroDivisionError: odd answer" in run.table().filter(status="failed")["error"][0]


def test_an_engine_that_leaves_a_trial_out_is_an_error_and_the_rest_is_kept(survey, tmp_path):
    class Forgetful(ScriptedEngine):
        def answer(self, trials):
            yield from list(super().answer(trials))[:-1]

    with pytest.raises(EngineError, match="left 1 trials unanswered"):
        collect(survey, Forgetful(uniform()), tmp_path)
    assert len(Run(tmp_path).responses()) == survey.size() - 1


def test_an_engine_that_breaks_keeps_what_it_had_answered(survey, tmp_path):
    class Broken(ScriptedEngine):
        def answer(self, trials):
            yield from list(super().answer(trials))[:5]
            raise EngineError("the server went away")

    with pytest.raises(EngineError, match="went away"):
        collect(survey, Broken(uniform()), tmp_path)
    assert len(Run(tmp_path).responses()) == 5
    assert collect(survey, ScriptedEngine(uniform()), tmp_path).is_complete


def test_two_writers_on_one_run_are_a_clear_error(survey, tmp_path):
    with RunDirectory(tmp_path).writer(), pytest.raises(RunLocked, match="another process is writing"):
        collect(survey, "scripted:uniform", tmp_path)


def test_a_past_run_is_an_engine(survey, tmp_path):
    first = collect(survey, "scripted:uniform?refuse=0.2", tmp_path / "first")
    again = collect(survey, f"replay:{tmp_path / 'first'}", tmp_path / "again")
    assert again.table().drop("engine").equals(first.table().drop("engine"))
    open_engine(f"replay:{tmp_path / 'first'}").close()


def test_identical_requests_are_asked_once(instrument, people, tmp_path):
    class ByRequest(Counting):
        answers_by = "request"

    plain = Survey(instrument=instrument, subjects=people(6), seed=1, persona="none", order="as_written")
    engine = ByRequest(uniform())
    run = collect(plain, engine, tmp_path)
    assert len(engine.asked) == 2
    assert len(run.responses()) == 12


def test_another_way_of_reading_is_refused_though_the_words_are_the_same(survey, tmp_path):
    collect(survey, "scripted:uniform", tmp_path, budget=Budget(trials=5))
    for change in ({"answer_by": "option_text_mean"}, {"decide": "mode"}):
        with pytest.raises(TreatmentChanged, match="how it is read has been edited"):
            collect(replace(survey, **change), "scripted:uniform", tmp_path)


def test_a_finished_run_that_is_extended_and_breaks_is_no_longer_complete(survey, people, tmp_path):
    class Broken(ScriptedEngine):
        def answer(self, trials):
            yield from list(super().answer(trials))[:5]
            raise EngineError("gone")

    collect(survey, ScriptedEngine(uniform()), tmp_path)
    with pytest.raises(EngineError, match="gone"):
        collect(replace(survey, subjects=people(40)), Broken(uniform()), tmp_path)
    run = Run(tmp_path)
    assert not run.is_complete
    assert run.table().height == survey.size() + 5


def test_failures_that_a_conversation_went_on_from_are_not_taken_out(survey, tmp_path):
    talk = replace(survey, presentation="sequential")
    flaky = ScriptedEngine(uniform(), fail=0.5, seed=1)
    run = collect(talk, flaky, tmp_path)
    before = run.table()
    with pytest.raises(DesignError, match="went on from it"):
        collect(talk, flaky, tmp_path, retry_failed=True)
    assert Run(tmp_path).table().equals(before)
    assert collect(talk, flaky, tmp_path).is_complete


def test_a_request_that_a_past_call_answered_is_not_sent_again(instrument, people, tmp_path):
    class ByRequest(Counting):
        answers_by = "request"

    plain = Survey(instrument=instrument, subjects=people(50), seed=1, persona="none", order="as_written")
    engine = ByRequest(uniform())
    first = collect(plain, engine, tmp_path, budget=Budget(trials=60))
    assert not first.is_complete
    assert collect(plain, engine, tmp_path).is_complete
    assert len(engine.asked) == 2


def test_caps_are_met_closely_over_several_calls(survey, tmp_path):
    cost = ScriptedEngine(uniform()).cost(survey.trials({}))
    whole = cost.prompt_tokens + cost.completion_tokens
    run = collect(survey, "scripted:uniform", tmp_path, budget=Budget(tokens=whole - 1))
    assert len(run.responses()) == survey.size() - 1


def test_an_answer_outside_the_options_is_a_failure(survey, tmp_path):
    class Careless(ScriptedEngine):
        def answer(self, trials):
            yield from ((trial, Completion(given=(7, "valid"))) for trial in trials)

    run = collect(survey, Careless(uniform()), tmp_path)
    assert run.dispositions() == {"failed": survey.size()}
    assert "no index of 3 options" in run.table()["error"][0]


def test_two_models_that_read_the_same_words_each_answer_for_themselves(tmp_path):
    options = ("one", "two", "three")
    questions = tuple(
        Question(id=f"q{k}", text=f"Which is {k}?", choices=options, answer=0, domain="d") for k in range(3)
    )
    quiz = Quiz(bank=Bank(name="b", questions=questions), prompts=(PROMPTS["zero-shot-text"],), models=("a", "b"))
    folders = {"a": save_checkpoint(tmp_path / "a"), "b": save_checkpoint(tmp_path / "b", initializer_range=0.1)}
    run = collect(quiz, {name: f"hf:{folder}" for name, folder in folders.items()}, tmp_path / "run")
    found = run.responses()
    for name, folder in folders.items():
        engine = open_engine(f"hf:{folder}")
        own = [trial for trial in quiz.trials({}) if trial.place.subject == name]
        for trial, completion in engine.answer(own):
            assert found[trial.id].log_probs == pytest.approx(completion.log_probs, abs=1e-4)
            assert found[trial.id].engine == engine.address
    first, second = (found[f"{name}/q0/ask=zero-shot-text&draw=0&turn=0/0/0"] for name in "ab")
    assert first.request == second.request
    assert first.log_probs != pytest.approx(second.log_probs, abs=1e-2)

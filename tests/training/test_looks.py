"""Looking at requests while training goes on."""

import signal
from dataclasses import replace

import pytest

from proband.errors import DesignError, StoreError
from proband.models.local.engine import LocalEngine
from proband.records import Message, Place, Reply, Request, Trial
from proband.training.looks import LOOKS, Looks, load_looked
from proband.training.training import Job, train, train_all
from tests.training.test_resuming import start, wait_for
from tests.training.tiny import LOOKS as AT
from tests.training.tiny import RECIPE, questions


@pytest.fixture(scope="module")
def looked(base, tmp_path_factory):
    [found] = train_all(
        [Job(training_set=questions(), recipe=RECIPE, into=tmp_path_factory.mktemp("looked") / "run", looks=AT)], base
    )
    return found


def scored(folder):
    """What an engine says of the same requests."""
    options = ("yes", "no, never")
    trials = [
        Trial(
            place=Place(subject="s", item=name),
            request=request,
            reply=Reply(form="choice", method="option_text", options=options, order=(0, 1)),
        )
        for name, request in AT.requests.items()
    ]
    return {trial.place.item: completion for trial, completion in LocalEngine(folder).answer(trials)}


def test_what_is_seen_is_what_an_engine_says_before_and_after(looked, base_folder):
    found = load_looked(looked.folder)
    assert list(found.log_probs) == [0, 1, 4, 6]  # the last one though nobody named it
    for step, folder in ((0, base_folder), (6, looked.folder)):
        for name, completion in scored(folder).items():
            assert found.log_probs[step][name] == pytest.approx(completion.log_probs, abs=1e-4)
            assert found.counts[name] == completion.token_counts
    assert found.log_probs[4] != found.log_probs[0]


def test_looking_changes_nothing_of_what_is_trained(looked, base, tmp_path):
    alone = train(questions(), base, RECIPE, tmp_path / "run")
    assert (looked.weights, looked.losses) == (alone.weights, alone.losses)
    assert not (alone.folder / LOOKS).exists()
    assert load_looked(alone.folder) is None


@pytest.mark.slow
def test_a_killed_run_goes_on_and_has_seen_the_same(looked, base, base_folder, tmp_path):
    process = start(base_folder, tmp_path / "run", tmp_path / "mark", looks=True)
    wait_for(tmp_path / "mark", 3, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [resumed] = train_all([Job(training_set=questions(), recipe=RECIPE, into=tmp_path / "run", looks=AT)], base)
    assert (resumed.folder / LOOKS).read_bytes() == (looked.folder / LOOKS).read_bytes()


def test_a_step_beyond_training_is_refused_before_the_first(base, tmp_path):
    late = replace(AT, steps=(0, 6, 7, 12))
    with pytest.raises(DesignError, match="names step 7, 12, and training has 6"):
        train_all([Job(training_set=questions(), recipe=RECIPE, into=tmp_path / "run", looks=late)], base)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("steps", [(), (2, 1), (1, 1), (-1, 2)])
def test_steps_that_do_not_rise_are_refused(steps):
    with pytest.raises(DesignError, match="give them rising, from 0 on"):
        replace(AT, steps=steps)


def test_requests_without_continuations_are_refused():
    with pytest.raises(DesignError, match="nothing to look at"):
        Looks(steps=(0,), requests={"q": Request(messages=(Message("user", "Why?"),), max_tokens=3)})


def test_other_looks_at_a_finished_run_are_refused(looked, base):
    other = replace(AT, steps=(0, 2))
    with pytest.raises(DesignError, match="other looks at it"):
        train_all([Job(training_set=questions(), recipe=RECIPE, into=looked.folder, looks=other)], base)


def test_damaged_looks_are_named(tmp_path):
    (tmp_path / LOOKS).write_text('{"format": 1}')
    with pytest.raises(StoreError, match="is damaged"):
        load_looked(tmp_path)

"""Shares of a design: every trial in one of them, the design's own, and fast where its keys are."""

import functools
import operator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.designs import PrisonersDilemma, Survey
from proband.designs.design import Design, Keyed
from proband.designs.lazy import LazyTrials
from proband.designs.part import Part, Share
from proband.designs.process import unfold
from tests.analyses.studies import framed
from tests.conftest import made_up


def parts(design, n):
    return [Part(design, Share(k, n)) for k in range(1, n + 1)]


def keys(trials):
    return [(trial.id, trial.request.hash, trial.reply.rule) for trial in trials]


@given(st.integers(0, 10**7), st.integers(1, 10**4))
def test_shares_are_contiguous_whole_and_about_equal(n, of):
    first, last = Share(1, of).of_range(n), Share(of, of).of_range(n)
    assert (first.start, last.stop) == (0, n)
    for k in {1, of // 2, of - 1} - {0}:
        one, next_ = Share(k, of).of_range(n), Share(min(k + 1, of), of).of_range(n)
        assert k == of or one.stop == next_.start
        assert n // of <= len(one) <= n // of + 1


@pytest.mark.parametrize("n_subjects", [7, 300])  # few are gone through; of many the ends are looked for
@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_parts_of_a_survey_have_its_trials_in_its_order(instrument, n_subjects, n):
    whole = Survey(instrument=instrument, subjects=made_up(n_subjects), seed=1, persona=("first", "third"))
    found = [part.trials({}) for part in parts(whole, n)]
    assert functools.reduce(operator.iadd, (keys(trials) for trials in found), []) == keys(whole.trials({}))
    assert all(isinstance(trials, Keyed) and isinstance(trials, LazyTrials) for trials in found)
    assert [key for trials in found for key in trials.keys(0, len(trials))] == keys(whole.trials({}))


@settings(max_examples=60)
@given(st.data())
def test_a_part_is_cut_as_any_sequence_is(data):
    whole = framed(made_up(11), cluster_by="party") if data.draw(st.booleans()) else framed(made_up(11))
    trials = Part(whole, Share(data.draw(st.integers(1, 2)), 2)).trials({})
    told = list(trials)
    start, stop = data.draw(st.integers(-12, 12)), data.draw(st.integers(-12, 12))
    assert keys(trials[start:stop]) == keys(told[start:stop])
    assert all(trials[k].id == told[k].id for k in range(len(told)))
    if isinstance(trials, Keyed) and 0 <= start <= stop <= len(told):
        assert list(trials.keys(start, stop)) == keys(told[start:stop])


def test_clusters_stay_together_though_their_members_stand_apart():
    whole = framed(made_up(12), cluster_by="party")
    one, other = parts(whole, 2)
    assert {member.unit for member in one.roster()}.isdisjoint(member.unit for member in other.roster())
    assert sorted(keys([*one.trials({}), *other.trials({})])) == sorted(keys(whole.trials({})))


def test_what_is_asked_afterwards_is_asked_in_the_part_of_whom_it_is_asked():
    from proband.designs.experiments.awareness import Awareness

    whole = framed(made_up(12), awareness=Awareness(words=["frame"], subjects=2))
    found = parts(whole, 3)
    assert sorted(key for part in found for key in keys(part.trials({}))) == sorted(keys(whole.trials({})))
    for part in found:
        assert {trial.place.subject for trial in part.trials({})} <= {member.subject for member in part.roster()}


def test_processes_are_shared_out_whole():
    whole = PrisonersDilemma(matches=5, rounds=2, seed=1)
    found = [[t.id for t in unfold(part.processes(), {})] for part in parts(whole, 2)]
    assert functools.reduce(operator.iadd, found, []) == [t.id for t in unfold(whole.processes(), {})]
    assert [part.size() for part in parts(whole, 2)] == [8, 12]


def test_whatever_a_design_may_say_a_part_says_in_its_place():
    own = {"n_units", "needs", "stages", "process_units"}  # follow from the rest, or are asked of the whole
    public = {name for name in vars(Design) if not name.startswith("_")}
    assert public - vars(Part).keys() == own


def test_a_part_says_of_itself_what_the_whole_says(survey):
    part = Part(survey, Share(2, 3))
    for name in ("name", "kind", "seed", "items", "unit", "within", "is_adaptive", "is_about_people"):
        assert getattr(part, name) == getattr(survey, name)
    assert (part.describe(), part.roles()) == (survey.describe(), survey.roles())
    assert part.treatment() != Part(replace(survey), Share(1, 3)).treatment()
    assert "part 2/3" in part.notes()[-1]

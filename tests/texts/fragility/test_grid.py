"""Cells of a grid: what a coder would not notice is no cell of its own, and what cannot be asked is refused."""

from pathlib import Path

import pytest

from proband.errors import DesignError
from proband.texts.coders import Coder
from proband.texts.fragility.grid import arms_of, wording_of
from proband.texts.fragility.settings import FragilityTable, WordingTable
from tests.texts.letters import codebook

LOCKED = Coder(name="good", answer_by="option_text", order="both")


def arms(**given):
    table = FragilityTable.model_validate(given)
    return arms_of(table, LOCKED, "scripted:first", {"good": "scripted:first", "other": "codes:t.csv"}, Path())


def levels(found, factor):
    return [arm.levels[factor] for arm in found]


def test_all_is_crossed_with_all_and_the_locked_cell_comes_first():
    found = arms(wordings=[{"name": "short"}], orders=["as_written"], replicates=3)
    assert len(found) == 4
    assert [arm.is_locked for arm in found] == [True, False, False, False]
    assert found[0].differs_in(found[3]) == ["wording", "order"]
    assert found[0].coder.replicates == 3


def test_one_by_one_varies_one_thing_at_a_time():
    found = arms(wordings=[{"name": "short"}], orders=["as_written"], methods=["label"], grid="one_by_one")
    assert [len(found[0].differs_in(arm)) for arm in found] == [0, 1, 1, 1]


def test_channel_has_no_order_and_scored_methods_no_temperature():
    found = arms(methods=["channel", "written"], orders=["reversed"], temperatures=[0.7])
    told = {(arm.levels["method"], arm.levels["order"], arm.levels["temperature"]) for arm in found}
    assert len(found) == len(told) == 2 + 1 + 4
    assert ("channel", "", "") in told
    assert ("written", "reversed", "0.7") in told


def test_a_coder_that_reads_no_question_is_one_cell():
    found = arms(wordings=[{"name": "short"}], engines=["other"])
    assert len(found) == 3
    assert levels(found, "engine").count("other") == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "nothing is varied"),
        ({"temperatures": [0.5]}, "only written replies"),
        ({"orders": ["as_written"], "replicates": 0}, "1 replicate or more"),
        ({"wordings": [{"name": "a"}, {"name": "a"}]}, "a name of its own"),
        ({"wordings": [{"name": f"w{k}"} for k in range(201)]}, "more than 200"),
    ],
)
def test_a_grid_that_cannot_be_asked_is_refused(given, says):
    with pytest.raises(DesignError, match=says):
        arms(**given)


def test_a_wording_changes_words_and_no_codes():
    said = WordingTable(
        name="plain", questions={"tone": "How does it sound?"}, definitions={"tone": {"Bad": "It complains."}}
    )
    book = wording_of(said, codebook(), Path())
    assert book["tone"].text == "How does it sound?"
    assert "It complains." in book.preamble
    assert book["tone"].options == codebook()["tone"].options
    assert book.hash != codebook().hash


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"questions": {"tune": "?"}}, r"no question 'tune' \(did you mean 'tone'"),
        ({"definitions": {"tone": {"Worse": "x"}}}, "no code 'Worse' of 'tone'"),
        ({"codebook": "sentiment"}, "no question 'tone' in sentiment"),
    ],
)
def test_a_wording_of_what_is_not_there_is_refused(given, says):
    with pytest.raises(DesignError, match=says):
        wording_of(WordingTable(name="other", **given), codebook(), Path())

"""Training sets on disk: refused where missing, damaged or edited."""

import pytest

from proband.errors import DataError
from proband.records import Message
from proband.training.training_set import Example, TrainingSet, load_training_set


def example(id="a", **details) -> Example:
    details = {"messages": (Message("user", "What?"),), "response": " That.", **details}
    return Example(id=id, **details)


def test_separators_inside_a_text_do_not_break_a_line(tmp_path):
    odd = example(response=" a\u2028b\x85c\nd")
    training_set = TrainingSet(name="odd", examples=(odd,))
    assert load_training_set(training_set.save(tmp_path)).examples == (odd,)


def test_an_edited_set_is_refused(tmp_path):
    folder = TrainingSet(name="one", examples=(example(),)).save(tmp_path)
    path = folder / "examples.jsonl"
    path.write_text(path.read_text().replace("That", "This"))
    with pytest.raises(DataError, match="someone edited them"):
        load_training_set(folder)


def test_a_folder_without_a_set_is_refused(tmp_path):
    with pytest.raises(DataError, match="is no training set"):
        load_training_set(tmp_path)


def test_examples_that_teach_nothing_or_stand_twice_are_refused():
    with pytest.raises(DataError, match="response, or an alternative, is empty"):
        example(response=" \n")
    with pytest.raises(DataError, match="weight"):
        example(weight=float("nan"))
    with pytest.raises(DataError, match="twice"):
        TrainingSet(name="two", examples=(example(), example()))
    with pytest.raises(DataError, match="is empty"):
        TrainingSet(name="none", examples=())


def test_an_example_is_scored_as_it_is_taught():
    request = example(is_raw=True).request
    assert request.continuations == (" That.",)
    assert request.closes
    assert request.is_raw

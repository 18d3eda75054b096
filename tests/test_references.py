"""People's numbers: every row has its study, its source, and a value that can be what it says it is."""

import pytest

from proband.errors import DataError
from proband.references import Reference, reference, references


def test_every_figure_has_a_source_that_can_be_found():
    rows = references()
    assert len(rows) > 60
    assert not [
        row for row in rows if not any(mark in row.source for mark in ("https://doi.org/", "(19", "(20", "data set"))
    ]


def test_shares_are_shares():
    for row in references():
        if row.what.startswith("share ") or row.what.startswith("mean share "):
            assert 0 <= row.value <= 1, row


def test_the_dictators_of_moblab_stand_as_their_data_have_them():
    given = reference("dictator", "given")
    assert given is not None
    assert (given.value, given.n, given.seen) == (0.257, 10335, "data")


def test_a_figure_that_is_not_there_is_none_and_an_unknown_study_is_refused():
    assert reference("dictator", "gives all") is None
    with pytest.raises(DataError, match=r"dictatr.*did you mean 'dictator'"):
        references("dictatr")


def test_a_study_has_its_rows_only():
    assert {row.study for row in references("ultimatum")} == {"ultimatum"}
    assert all(isinstance(row, Reference) for row in references("ultimatum"))

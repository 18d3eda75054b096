import math

import pytest

from proband.analyses.section import Column
from proband.estimates import Estimate
from proband.reports.cells import cell_text, decimal, percent, points


def estimate(value, interval=None, **settings):
    return Estimate(value=value, interval=interval, estimand="e", target="model", n_units=4, **settings)


def test_an_undefined_number_is_said_to_be_undefined():
    nothing = estimate(math.nan, warnings=("nobody",))
    assert percent(nothing) == decimal(nothing) == "undefined"
    assert percent(None) == decimal(None) == ""
    assert decimal(estimate(math.inf)) == "infinite"


def test_numbers_are_written_with_their_interval_where_they_have_one():
    assert percent(estimate(0.5)) == "50.0 %"
    assert decimal(estimate(0.5)) == "0.500"
    assert percent(estimate(0.5, (0.25, 0.75))) == "50.0 % [25.0, 75.0]"
    assert points(estimate(-0.02, (-0.05, 0.01))) == "-2.0 [-5.0, +1.0]"


def test_a_limit_that_rounds_to_nothing_has_no_sign():
    assert decimal(estimate(0.1, (-0.0001, 0.2))) == "0.100 [0.000, 0.200]"


@pytest.mark.parametrize(
    ("cell", "form", "text"),
    [
        (1234, "count", "1,234"),
        (1234, "number", "1,234"),
        (0.25, "share", "25.0 %"),
        (0.0001, "p", "< 0.001"),
        (0.04, "p", "0.040"),
        (estimate(1.0, p_value=0.04), "p", "0.040"),
        (None, "number", ""),
        ("as it is", "text", "as it is"),
    ],
)
def test_a_cell_is_written_as_its_column_says(cell, form, text):
    assert cell_text(cell, Column(name="x", form=form)) == text

"""What an economy shows, on the data of a country, and what cannot be computed."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError
from proband.societies.accounts import Books, in_parts
from proband.societies.economy import phillips, regularities


def country():
    return sm.datasets.macrodata.load_pandas().data


def test_numbers_of_the_united_states_are_those_that_are_known():
    data = country()
    found = regularities(data.realgdp, data.realcons, data.realinv, data.unemp, data.cpi)
    assert (found.okun.value, found.okun.se) == pytest.approx((-0.269, 0.020), abs=6e-4)
    spread = (found.sd_output, found.sd_consumption, found.sd_investment, found.autocorrelation)
    assert spread == pytest.approx((0.88, 0.69, 4.68, 0.30), abs=6e-3)
    sixties = data[data.year <= 1969]
    found = phillips(sixties.unemp, sixties.cpi)
    assert (found.value, found.se) == pytest.approx((-1.21, 0.25), abs=6e-3)


def test_a_planted_line_is_found():
    growth = np.random.default_rng(1).normal(0.5, 1, 99)
    output, rates = 100 * np.exp(np.cumsum([0, *growth]) / 100), 20 - 0.3 * np.cumsum([0, *growth])
    found = regularities(output, output, output, rates, output)
    assert found.okun.value == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ([np.ones(7)] * 5, "at least 8"),
        ([np.ones(20), np.ones(20), np.zeros(20), np.ones(20), np.ones(20)], "investment is 0"),
        ([np.ones(20), np.ones(19), *[np.ones(20)] * 3], "not as many"),
        ([*[np.ones(20)] * 4, np.ones(24)], "not as many"),
    ],
)
def test_what_cannot_be_computed_is_said(series, said):
    with pytest.raises(DataError, match=said):
        regularities(*series)


amounts = st.integers(0, 10**9)


@given(st.lists(st.tuples(st.sampled_from(range(5)), amounts), max_size=20))
def test_whatever_is_paid_rows_and_columns_sum_to_nothing(payments):
    books = Books(np.full(3, 10**12), np.full(2, 10**12), np.full(2, 10**11), bonds=5 * 10**12, equity=2 * 10**11)
    everybody, firms = ("households", slice(None)), ("firms", slice(None))
    for kind, amount in payments:
        match kind:
            case 0:
                books.pay("wages", firms, everybody, in_parts(amount, 2), in_parts(amount, 3))
            case 1:
                books.pay("taxes", everybody, ("government", 0), in_parts(amount, 3))
            case 2:
                books.pay("interest", ("bank", 0), ("households", 1), amount)
            case 3:
                books.lend(0, amount)
            case 4:
                books.forgive(1, amount)
    rows = np.array(list(books.matrix().values()))
    assert not rows.sum(axis=0).any()
    assert not rows.sum(axis=1).any()
    assert books.left_over() == 0 or books.loans.min() < 0


def test_an_account_below_nothing_is_left_over():
    books = Books(np.array([5]), np.array([5]), np.array([4]), bonds=8, equity=2)
    books.pay("wages", ("firms", 0), ("households", 0), 9)
    assert books.left_over() == 4

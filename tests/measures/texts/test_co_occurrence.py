import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from proband.errors import DataError
from proband.measures import co_occurrence

tables = arrays(np.int8, st.tuples(st.integers(4, 20), st.integers(2, 4)), elements=st.integers(0, 1))


def test_two_codes_by_hand():
    (pair,) = co_occurrence([[1, 1]] * 3 + [[1, 0]] + [[0, 1]] * 2 + [[0, 0]] * 4, ["a", "b"])
    assert (pair.both, pair.expected) == (0.3, pytest.approx(0.4 * 0.5))
    assert pair.excess.value == pytest.approx(0.1)
    assert pair.p_adjusted == pair.excess.p_value


@given(tables)
@settings(deadline=None, max_examples=40)
def test_the_excess_is_what_it_says_and_the_order_of_the_codes_does_not_matter(table):
    names = list("abcd")[: table.shape[1]]
    found = {(p.first, p.second): p for p in co_occurrence(table, names)}
    turned = {(p.second, p.first): p for p in co_occurrence(table[:, ::-1], names[::-1])}
    assert found.keys() == turned.keys()
    for key, pair in found.items():
        assert pair.excess.value == pytest.approx(pair.both - pair.expected, abs=1e-12)
        assert pair.excess.value == pytest.approx(turned[key].excess.value, abs=1e-12)
        if pair.p_adjusted is not None:
            assert pair.p_adjusted >= pair.excess.p_value


def test_a_code_that_all_have_goes_with_nothing():
    assert co_occurrence([[1, 1], [1, 0], [1, 1]], ["all", "some"]) == ()


def test_documents_of_one_author_are_no_independent_evidence():
    table = np.repeat([[1, 1], [0, 0], [1, 0], [0, 1], [1, 1], [0, 0]], 20, axis=0)
    alone = co_occurrence(table, ["a", "b"])[0].excess
    together = co_occurrence(table, ["a", "b"], cluster=np.repeat(range(6), 20).tolist())[0].excess
    assert together.se > 3 * alone.se


def test_names_must_fit():
    with pytest.raises(DataError, match="2 names for 3 codes"):
        co_occurrence(np.eye(3), ["a", "b"])


@pytest.mark.slow
@pytest.mark.parametrize("by_author", [False, True])
def test_the_interval_of_the_excess_covers(by_author):
    """Both codes depend on a taste of the author; the true excess is found in a very large draw."""

    def draw(rng, n):
        authors = np.arange(n) // (3 if by_author else 1)
        taste = rng.normal(size=authors.max() + 1)[authors]
        return (np.column_stack([taste, taste]) + rng.logistic(size=(n, 2)) > 0.5).astype(int), authors.tolist()

    rng = np.random.default_rng(4)
    large, _ = draw(rng, 600_000)
    truth = large.prod(axis=1).mean() - large[:, 0].mean() * large[:, 1].mean()
    covered = 0
    for _ in range(400):
        table, authors = draw(rng, 150)
        low, high = co_occurrence(table, ["a", "b"], cluster=authors)[0].excess.interval
        covered += low <= truth <= high
    assert 0.92 <= covered / 400 <= 0.98

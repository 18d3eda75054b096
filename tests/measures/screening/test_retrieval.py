import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, fbeta_score, precision_score, recall_score

from proband.errors import DataError
from proband.measures import average_precision, retrieval

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40).filter(
    lambda pairs: len({relevant for _, relevant in pairs}) == 2
)


@given(PAIRS)
def test_a_set_and_an_order_are_measured_as_elsewhere(pairs):
    found, relevant = map(list, zip(*pairs, strict=True))
    of = retrieval(found, relevant)
    assert of.precision is None or of.precision == pytest.approx(precision_score(relevant, found))
    assert of.recall == pytest.approx(recall_score(relevant, found))
    assert of.f1 == pytest.approx(fbeta_score(relevant, found, beta=1, zero_division=0))
    assert of.f3 == pytest.approx(fbeta_score(relevant, found, beta=3, zero_division=0))
    best_first = np.arange(len(relevant), 0, -1)
    assert average_precision(relevant) == pytest.approx(average_precision_score(relevant, best_first))


def test_nothing_found_has_no_precision_and_other_lengths_are_refused():
    assert retrieval([0, 0, 0], [1, 0, 0]).precision is None
    with pytest.raises(DataError, match="3 records were searched and 2 are labelled"):
        retrieval([0, 0, 0], [1, 0])
    with pytest.raises(DataError, match="all 3 labels say"):
        average_precision([1, 1, 1])

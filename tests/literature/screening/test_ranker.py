"""Which records are read next, by words and by vectors."""

import numpy as np
import pytest

from proband.addresses import open_engine
from proband.errors import DataError
from proband.literature.screening.ranker import LARGEST, NONE, batch_size, encoder_named, ranked, views_of
from proband.literature.screening.simulation import labels_in, simulate
from proband.literature.screening.stopping import Stop, costs
from tests.literature.screening.small import is_in, library

TEXTS = [record.text for record in library().records.values()]
LABELS = np.array([is_in(k) for k in range(60)])


@pytest.mark.parametrize("encoder", [NONE, "words"])
def test_what_is_like_the_included_comes_first_whatever_the_view(tmp_path, monkeypatch, encoder):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path))
    views = views_of(TEXTS, None if encoder == NONE else open_engine(encoder))
    assert (views.vectors is None) == (encoder == NONE)
    order = ranked(views, [0, 6], [1, 2, 3], seed=1)
    assert set(order) == set(range(60)) - {0, 6, 1, 2, 3}
    assert LABELS[order[:6]].all()
    assert order.tolist() == ranked(views, [0, 6], [1, 2, 3], seed=1).tolist()


def test_while_nothing_can_be_told_apart_the_order_is_drawn_and_stays_as_it_was():
    views = views_of(TEXTS)
    first = ranked(views, [], [], seed=4).tolist()
    later = ranked(views, [], first[:5], seed=4).tolist()
    assert later == first[5:]
    assert sorted(first) == list(range(60)) != first


def test_batches_grow_from_one_record_to_twenty():
    assert [batch_size(n) for n in (0, 9, 10, 100, 1000)] == [1, 1, 2, 11, LARGEST]


def test_a_simulation_saves_work_and_ends_with_every_record_once():
    done = simulate(views_of(TEXTS), LABELS, priors=3)
    assert all(sorted(order) == list(range(60)) for order in done.orders)
    assert min(done.saved) > 0.6
    assert done.curve([0, 0.5, 1]) == [0, 1, 1]
    assert done.stops(Stop(misses=10), step=1)[0] == pytest.approx((20 / 58, 1.0), abs=0.06)
    assert len({tuple(order[:2]) for order in done.orders}) == 3


def test_a_set_that_cannot_be_simulated_is_refused_by_name():
    with pytest.raises(DataError, match="all 60 labels say excluded"):
        simulate(views_of(TEXTS), np.zeros(60))
    with pytest.raises(DataError, match=r"prior \(1, 0\): give one record that is included"):
        simulate(views_of(TEXTS), LABELS, priors=[(1, 0)])
    with pytest.raises(DataError, match=r"no column 'include'.*did you mean 'included'"):
        labels_in(library(), "include")
    assert labels_in(library(), "included").tolist() == LABELS.tolist()


def test_ranking_goes_by_words_where_no_encoder_is_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert encoder_named("auto") == NONE
    assert encoder_named("words") == "words"


def test_what_a_rule_costs_is_told_beforehand_and_grows_with_what_it_promises():
    rules = (Stop(misses=50), Stop(recall=0.8), Stop(recall=0.95), Stop())
    read = [share for _, share, _ in costs(rules, 600, 60, seed=1)]
    assert read == sorted(read)
    assert read[-1] == 1


def test_a_prior_that_is_all_there_is_leaves_nothing_to_be_missed():
    views = views_of([f"paper {k}" for k in range(6)])
    done = simulate(views, [1, 0, 0, 0, 0, 0], priors=1)
    assert done.stops(Stop(misses=2), step=2) == [(0.5, 1.0)]

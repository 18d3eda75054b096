"""Those that say the same become one, and what is near is shown in words."""

import numpy as np
import pytest

from proband.addresses import open_engine
from proband.literature.hypotheses.likeness import diversity, merged, nearest
from proband.literature.hypotheses.record import Hypothesis
from proband.subjects.corpora import read_corpus

PLACES = {"smiling": (1, 0), "a broad smile": (0.99, 0.14), "tips": (0, 1), "gratuities": (0.1, 0.99)}


def embed(texts):
    return np.array([PLACES.get(text, (0.7, 0.7)) for text in texts], dtype=float)


def said(independent, dependent, direction="more", **given):
    return Hypothesis(
        independent=independent, dependent=dependent, direction=direction, falsifier="Otherwise.", **given
    )


def test_two_that_mean_the_same_are_merged_and_listed_but_not_their_reverse():
    one, same = said("smiling", "tips", seen=("a",)), said("a broad smile", "gratuities", seen=("b",))
    reverse, other_way = said("tips", "smiling"), said("smiling", "tips", "less")
    kept, merges = merged([one, same, reverse, other_way], embed)
    assert [h.id for h in kept] == [one.id, reverse.id, other_way.id]
    assert kept[0].seen == ("a", "b")
    assert [(m.gone, m.kept) for m in merges] == [(same, one)]
    # By hand: the cosines of the two pairs of variables are 0.990 and 0.995.
    assert merges[0].score == pytest.approx(0.990, abs=1e-3)


def test_moderators_make_another_hypothesis():
    one, other = said("smiling", "tips"), said("smiling", "tips", moderators=("age",))
    assert merged([one, other], embed) == ((one, other), ())


def test_the_sentence_that_stands_nearest_is_shown(tmp_path):
    (tmp_path / "c.csv").write_text("id,text\na,Rain spoils the mood of many. Waiters who smile earn higher tips.\n")
    corpus = read_corpus(tmp_path / "c.csv", id="id")
    found = nearest([said("smile of waiters", "tips")], corpus, open_engine("words").embed, n=1)
    [(span, score)] = found[said("smile of waiters", "tips").id]
    assert span.text == "Waiters who smile earn higher tips."
    assert span.stands_in(corpus)
    assert 0 < score < 1


def test_diversity_counts_pairs_and_measures_distance():
    part = [said("smiling", "tips"), said("smiling", "tips", "less", strategy="plain"),
            said("rain", "mood", strategy="stepwise")]  # fmt: skip
    orthogonal = {part[0].says: (1.0, 0.0), part[1].says: (0.0, 1.0)}
    found = diversity(part, lambda texts: np.array([orthogonal.get(text, (1.0, 0.0)) for text in texts]))
    assert (found["plain"].n, found["plain"].pairs, found["plain"].distance) == (2, 1, 1.0)
    assert found["stepwise"].distance is None

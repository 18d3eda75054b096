"""Dawid and Skene's model: their 1979 data, both optima, properties, degenerate ratings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures.agreement.latent_classes import dawid_skene, error_correlations

# Dawid & Skene (1979), table 1: 45 patients; three ratings by the first anaesthetist, one by each other.
PATIENTS = (
    "1111111 3334334 1122122 2223121 2223222 2223322 1122111 3333433 2222223 2322223 4444444 2223343 1111111 "
    "2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 "
    "2322222 1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 "
    "1111111 1111111 1212111 2322222 1211111 2222222"
)
CODER = (0, 0, 0, 1, 2, 3, 4)


@pytest.fixture(scope="module")
def anaesthetists():
    counts = np.zeros((45, 5, 4))
    for i, ratings in enumerate(PATIENTS.split()):
        for j, rating in zip(CODER, ratings, strict=True):
            counts[i, j, int(rating) - 1] += 1
    return counts


def test_the_published_answer_is_a_local_optimum_and_many_starts_find_the_better_one(anaesthetists):
    found = dawid_skene(anaesthetists, categories=(1, 2, 3, 4), smoothing=0)
    assert found.log_likelihood_from_majority == pytest.approx(-190.7310, abs=5e-5)
    assert found.log_likelihood == pytest.approx(-189.4053, abs=5e-5)
    assert found.prevalence == pytest.approx([0.400, 0.447, 0.087, 0.067], abs=5e-4)
    assert found.n_changed == 1
    assert 3 <= found.n_at_best < 50


def test_vote_shares_alone_lead_to_the_published_prevalences(anaesthetists):
    found = dawid_skene(anaesthetists, smoothing=0, n_starts=0)
    assert found.prevalence == pytest.approx([0.40, 0.42, 0.11, 0.07], abs=5e-3)


def simulated(seed: int, n: int = 400, accuracy: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=(0.5, 0.3, 0.2))
    codes = np.where(rng.random((n, 5)) < accuracy, truth[:, None], rng.integers(0, 3, (n, 5)))
    return codes, truth


def test_it_recovers_shares_and_errors_of_independent_coders():
    codes, truth = simulated(1, n=3000)
    found = dawid_skene(codes, n_starts=5)
    assert found.prevalence == pytest.approx(np.bincount(truth) / len(truth), abs=0.02)
    assert found.confusion[:, 0, 0] == pytest.approx([0.8 + 0.2 / 3] * 5, abs=0.04)
    assert np.mean(np.array(found.labels) == truth) > 0.95


@given(seed=st.integers(0, 50))
@settings(max_examples=8)
def test_labels_follow_renamed_classes_and_reordered_units(seed):
    codes, _ = simulated(seed, n=60)
    order = np.random.default_rng(seed).permutation(60)
    names = np.array(["b", "c", "a"])
    first, second = dawid_skene(codes, n_starts=10), dawid_skene(names[codes][order], n_starts=10)
    assert second.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-2)
    assert np.mean(names[np.array(first.labels)][order] == np.array(second.labels)) > 0.95
    assert np.allclose(first.posterior.sum(axis=1), 1)


def test_coders_may_miss_units_and_confusion_is_undefined_for_a_class_they_never_saw():
    codes = [["a", "a", "a"], ["b", "b", None], ["a", "a", "a"], ["b", "b", None]] * 5
    found = dawid_skene(codes, smoothing=0, n_starts=5)
    assert found.labels[:2] == ("a", "b")
    assert np.isnan(found.confusion[2, 1]).all()
    assert any("undefined" in warning for warning in found.warnings)


def test_coders_of_one_family_look_perfect_to_it_and_gold_codes_show_why():
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, 500)
    family = np.where(rng.random(500) < 0.7, truth, 1 - truth)
    codes = np.column_stack([family, family, family, np.where(rng.random(500) < 0.8, truth, 1 - truth)])
    found = dawid_skene(codes, n_starts=5)
    assert found.confusion[0].diagonal().min() > 0.99
    assert "independently" in found.assumptions[0]
    assert error_correlations(codes, truth)[0, 1] == pytest.approx(1)
    assert abs(error_correlations(codes, truth)[0, 3]) < 0.15


@pytest.mark.parametrize(
    ("ratings", "error", "says"),
    [
        ([[1, 2], [2, 2]], DesignError, "at least 3 coders"),
        ([[1, 1, 1], [1, 1, 1]], DesignError, "2 categories"),
        ([[1, 2, 1], [None, None, None]], DataError, "no rating"),
        ([[[1, 0.5], [1, 0], [0, 1]]], DataError, "whole numbers"),
    ],
)
def test_ratings_that_cannot_tell_are_refused(ratings, error, says):
    with pytest.raises(error, match=says):
        dawid_skene(ratings)


def test_errors_need_gold_codes_for_every_unit():
    with pytest.raises(DataError, match="gold code is missing"):
        error_correlations([[1, 1], [2, 2]], [1, None])

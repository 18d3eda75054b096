"""Strategies and their shares: rules by hand, published and synthetic values, indistinguishable strategies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.behaviour.mixture import strategy_frequencies
from proband.measures.behaviour.strategies import strategy_matches
from proband.strategies import STRATEGIES


def played(name: str, other: list[int]) -> list[int]:
    own: list[int] = []
    for t in range(len(other)):
        own.append(
            int(
                STRATEGIES[name](
                    np.array([own], dtype=int).reshape(1, t), np.array([other[:t]], dtype=int).reshape(1, t)
                )[0]
            )
        )
    return own


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("ALLD", [0, 0, 0, 0, 0, 0, 0]),
        ("ALLC", [1, 1, 1, 1, 1, 1, 1]),
        ("GRIM", [1, 1, 0, 0, 0, 0, 0]),
        ("TFT", [1, 1, 0, 1, 1, 1, 1]),
        ("WSLS", [1, 1, 0, 0, 0, 0, 0]),
        ("T2", [1, 1, 0, 0, 1, 1, 1]),
    ],
)
def test_what_each_strategy_does_after_one_defection(name, choices):
    assert played(name, [1, 0, 1, 1, 1, 1, 1]) == choices


def test_a_player_of_a_strategy_matches_it_in_every_choice():
    rng = np.random.default_rng(1)
    for k, name in enumerate(STRATEGIES):
        other = rng.integers(0, 2, (5, 8)).tolist()
        found = strategy_matches([played(name, row) for row in other], other, ["me"] * 5)
        assert found.matches[0, k] == found.n_choices[0] == 40


def test_games_of_different_length_count_their_own_rounds():
    found = strategy_matches([[1, 1, -1], [0, 0, 0]], [[1, 0, -1], [0, 0, 0]], ["a", "b"])
    assert found.n_choices.tolist() == [2, 3]
    assert found.matches[1].tolist() == [3, 0, 2, 2, 0, 2]


def test_the_synthetic_mixture_with_its_likelihood():
    found = strategy_frequencies([[18, 2]] * 6 + [[1, 19]] * 4, [20] * 10, ["ALLD", "ALLC"])
    assert [share.value for share in found.shares] == pytest.approx([0.6, 0.4], abs=1e-6)
    assert found.error.value == pytest.approx(0.08, abs=1e-6)
    assert found.log_likelihood == pytest.approx(-62.483991, abs=5e-6)
    assert found.shares[0].interval is None
    assert "10 subjects" in found.warnings[0]


def simulated(seed: int, n: int, error: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, n, p=(0.5, 0.3, 0.2))
    right = np.eye(3)[kind] * (1 - 2 * error) + error
    return rng.binomial(30, right).astype(float), np.full(n, 30.0)


@given(seed=st.integers(0, 99))
@settings(max_examples=5)
def test_shares_sum_to_1_and_follow_reordered_columns_and_subjects(seed):
    matches, n = simulated(seed, 30)
    order = np.random.default_rng(seed).permutation(30)
    first = strategy_frequencies(matches, n, ["a", "b", "c"], n_bootstrap=0)
    second = strategy_frequencies(matches[order][:, ::-1], n, ["c", "b", "a"], n_bootstrap=0)
    assert sum(share.value for share in first.shares) == pytest.approx(1)
    assert [s.value for s in second.shares][::-1] == pytest.approx([s.value for s in first.shares], abs=1e-3)
    assert second.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-4)


def test_intervals_hold_the_shares_that_were_simulated():
    matches, n = simulated(3, 400)
    found = strategy_frequencies(matches, n, ["a", "b", "c"], n_bootstrap=100)
    for share, truth in zip(found.shares, (0.5, 0.3, 0.2), strict=True):
        assert share.interval[0] < truth < share.interval[1]
    assert found.error.interval[0] < 0.05 < found.error.interval[1]
    assert found.posterior.shape == (400, 3)


def test_strategies_that_histories_do_not_tell_apart_are_named():
    matches = np.array([[10.0, 10.0, 2.0]] * 15 + [[1.0, 1.0, 9.0]] * 10)
    found = strategy_frequencies(matches, np.full(25, 10.0), ["TFT", "GRIM", "ALLD"], n_bootstrap=50)
    assert "TFT and GRIM make the same choices" in found.warnings[0]
    assert found.shares[0].value + found.shares[1].value == pytest.approx(0.6, abs=1e-3)


def test_choices_without_any_trace_of_the_list_say_so():
    found = strategy_frequencies([[1, 2]] * 25, [10] * 25, ["a", "b"], n_bootstrap=50)
    assert found.error.value == 0.5
    assert any("no trace" in warning for warning in found.warnings)


def test_wrong_games_are_refused():
    with pytest.raises(DataError, match="one side only"):
        strategy_matches([[1, -1]], [[1, 1]], ["a"])
    with pytest.raises(DataError, match="choices must be"):
        strategy_matches([[2]], [[1]], ["a"])
    with pytest.raises(DataError, match="every game its subject"):
        strategy_matches([[1]], [[1]], ["a", "b"])
    with pytest.raises(DesignError, match="at least 2"):
        strategy_matches([[1]], [[1]], ["a"], strategies={"ALLC": STRATEGIES["ALLC"]})


def test_wrong_counts_are_refused():
    with pytest.raises(DataError, match="between 0 and"):
        strategy_frequencies([[5, 11]] * 3, [10] * 3, ["a", "b"])
    with pytest.raises(MissingDataError):
        strategy_frequencies([[5, np.nan]] * 3, [10] * 3, ["a", "b"])
    with pytest.raises(DesignError, match="2 of each"):
        strategy_frequencies([[5, 5]], [10], ["a", "b"])
    with pytest.raises(DataError, match="named twice"):
        strategy_frequencies([[5, 5]] * 3, [10] * 3, ["a", "a"])

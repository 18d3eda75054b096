import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.models.writing.sampling import CLOSE, Draw, choose, n_noise


def draws(n, vocabulary, temperature=1.0, top_p=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return [Draw(temperature, top_p, rng.standard_exponential(n_noise(vocabulary))) for _ in range(n)]


@pytest.mark.parametrize(
    ("temperature", "top_p", "expected"),
    [
        (1.0, 1.0, [0.1, 0.6, 0.3]),
        (0.5, 1.0, [0.01 / 0.46, 0.36 / 0.46, 0.09 / 0.46]),
        (1.0, 0.7, [0, 2 / 3, 1 / 3]),
        (1.0, 0.5, [0, 1, 0]),
    ],
)
def test_draws_follow_temperature_and_nucleus(temperature, top_p, expected):
    logits = torch.tensor([[0.1, 0.6, 0.3]]).log().expand(4000, 3)
    drawn = choose(logits, draws(4000, 3, temperature, top_p)).tokens
    assert np.bincount(drawn, minlength=3) / 4000 == pytest.approx(expected, abs=0.03)


def test_a_race_of_blocks_draws_from_the_whole_distribution():
    logits = torch.randn(700, generator=torch.Generator().manual_seed(0))
    drawn = choose(logits.expand(20_000, 700), draws(20_000, 700)).tokens
    probs = logits.softmax(0).numpy()
    top = np.argsort(-probs)[:20]
    standard_errors = np.sqrt(probs[top] / 20_000)
    assert (np.abs(np.bincount(drawn, minlength=700)[top] / 20_000 - probs[top]) < 4.5 * standard_errors).all()


def test_greedy_rows_take_the_largest_beside_rows_that_are_drawn():
    logits = torch.randn(6, 1000, generator=torch.Generator().manual_seed(0))
    mixed = [Draw(0, 1) if k % 2 else one for k, one in enumerate(draws(6, 1000))]
    chosen, alone = choose(logits, mixed), choose(logits[1::2], mixed[1::2])
    assert chosen.tokens[1::2].tolist() == logits.argmax(1)[1::2].tolist() == alone.tokens.tolist()


def test_a_token_that_may_not_be_written_never_is():
    logits = torch.zeros(500, 300)
    logits[:, 7:] = float("-inf")
    assert choose(logits, draws(500, 300, top_p=0.9)).tokens.max() < 7


def test_ties_are_doubtful_and_clear_choices_are_not():
    logits = torch.tensor([[0.0, 5.0, 5.0], [0.0, 5.0, 4.0]])
    assert choose(logits, [Draw(0, 1)] * 2).doubtful.tolist() == [True, False]


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.sampled_from([0.5, 1.0]), st.sampled_from([0.8, 0.95, 1.0]))
def test_rounding_changes_no_token_that_is_not_called_doubtful(seed, temperature, top_p):
    noise = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(300, 600, generator=noise)
    rounded = logits + (torch.rand(logits.shape, generator=noise) - 0.5) * CLOSE / 2
    how = draws(300, 600, temperature, top_p, seed)
    one, other = choose(logits, how), choose(rounded, how)
    assert ((one.tokens == other.tokens) | one.doubtful).all()
    assert one.doubtful.mean() < 0.02

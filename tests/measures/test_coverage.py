"""Coverage of every interval in `proband.measures`, by simulation.

``python tests/measures/test_coverage.py > docs/methods/coverage.md`` writes the full table; the tests run it
reduced.
"""

import math
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from proband.measures import cronbach_alpha, difference_in_means, share_estimates
from proband.measures.fidelity.gaps import distance_interval, ordered_contrasts
from proband.measures.fidelity.individual import agreement_estimates
from proband.measures.fidelity.nulls import null_rows
from proband.measures.fidelity.pairs import PairedAnswers

Trial = Callable[[np.random.Generator], tuple[tuple[float, float], float]]

SHAPES = {
    "equal, K=4": ((0.4, 0.3, 0.2, 0.1), (0.4, 0.3, 0.2, 0.1)),
    "near, K=4": ((0.4, 0.3, 0.2, 0.1), (0.35, 0.3, 0.2, 0.15)),
    "far, K=4": ((0.4, 0.3, 0.2, 0.1), (0.1, 0.2, 0.3, 0.4)),
    "partly equal, K=5": ((0.3, 0.3, 0.2, 0.1, 0.1), (0.1, 0.3, 0.2, 0.1, 0.3)),
    "rare options, K=4": ((0.9, 0.06, 0.03, 0.01), (0.8, 0.1, 0.05, 0.05)),
    "rare, K=2": ((0.97, 0.03), (0.9, 0.1)),
    "equal, K=2": ((0.5, 0.5), (0.5, 0.5)),
    "equal, K=7": ((1 / 7,) * 7, (1 / 7,) * 7),
}


DIFFERENCES = (
    "normal, unequal variances",
    "lognormal, n and 5 n",
    "binary, .1 and .2",
    "binary, .02 and .1",
    "blocks of 5 + 5, normal",
)


READING = """
Reading it:

- The interval of a distance holds from 10 people on and is conservative near 0 and with rare options. The
  percentile bootstrap, shown for comparison, never contains a distance of 0 and misses small ones.
- The t interval of a mean probability is too short where few subjects carry the share; `share_estimates`
  then warns (fewer than 30 subjects, or than 25 times the squared skewness).
- The t interval of a difference is too short for rare binary outcomes in small arms, of which
  `difference_in_means` warns below 5 events, and for skewed outcomes in small arms, of which it does not."""


def sampled_pairs(
    rng: np.random.Generator,
    people: tuple[float, ...],
    model: tuple[float, ...],
    n: int,
    *,
    weighted: bool = False,
) -> PairedAnswers:
    """A sample in which people lean towards what the model says of them, where their shares allow it."""
    p, q = np.array(people), np.array(model)
    lean = min(0.5, float((p / q).min()))
    probs = rng.dirichlet(8 * q, n)
    chances = p - lean * q + lean * probs
    answers = (rng.random((n, 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)
    weights = rng.lognormal(0, 0.6, n) if weighted else np.ones(n)
    return PairedAnswers(answers=answers, probs=probs, weights=weights)


def tv_trial(shape: str, n: int, *, weighted: bool = False) -> Trial:
    people, model = SHAPES[shape]
    truth = 0.5 * sum(abs(p - q) for p, q in zip(people, model, strict=True))

    def trial(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
        pairs = sampled_pairs(rng, people, model, n, weighted=weighted)
        return distance_interval(pairs, np.eye(len(people)) / 2, level=0.95, n_draws=1000, rng=rng), truth

    return trial


def bootstrap_trial(shape: str, n: int) -> Trial:
    people, model = SHAPES[shape]
    truth = 0.5 * sum(abs(p - q) for p, q in zip(people, model, strict=True))

    def trial(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
        pairs = sampled_pairs(rng, people, model, n)
        gaps = np.eye(len(people))[pairs.answers] - pairs.probs
        again = rng.multinomial(n, np.full(n, 1 / n), 500) @ gaps / n
        low, high = np.quantile(np.abs(again).sum(axis=1) / 2, (0.025, 0.975))
        return (float(low), float(high)), truth

    return trial


def wasserstein_trial(shape: str, n: int) -> Trial:
    people, model = SHAPES[shape]
    contrasts = ordered_contrasts(range(len(people)), len(people))
    truth = float(np.abs(contrasts @ (np.array(people) - model)).sum())

    def trial(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
        pairs = sampled_pairs(rng, people, model, n)
        return distance_interval(pairs, contrasts, level=0.95, n_draws=1000, rng=rng), truth

    return trial


def individual_trial(shape: str, n: int, which: int) -> Trial:
    people, model = (np.array(side) for side in SHAPES[shape])
    lean = min(0.5, float((people / model).min()))
    # E[sum_k P(k | Q) Q_k] for Q ~ Dirichlet(8 q): E[Q_k^2] = q_k (8 q_k + 1) / 9.
    second = model * (8 * model + 1) / 9
    agreement = float((people - lean * model) @ model + lean * second.sum())
    truth = (agreement, agreement - float(people @ people))[which]

    def trial(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
        pairs = sampled_pairs(rng, *SHAPES[shape], n)
        nulls = null_rows(pairs, None, n_splits=2, rng=rng)
        found = agreement_estimates(pairs, nulls, level=0.95, min_people=2)[which]
        assert found.interval is not None
        return found.interval, truth

    return trial


def wilson_trial(share: float, n: int, *, weighted: bool = False) -> Trial:
    def trial(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
        answers = (rng.random(n) < share).astype(int)
        weights = rng.lognormal(0, 0.6, n) if weighted else None
        found = share_estimates(answers, 2, target="human", weights=weights)[1]
        assert found.interval is not None
        return found.interval, share

    return trial


def mean_probability_trial(share: float, n: int, concentration: float) -> Trial:
    def trial(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
        first = rng.beta(concentration * share, concentration * (1 - share), n)
        found = share_estimates(np.column_stack([first, 1 - first]), 2, target="model")[0]
        assert found.interval is not None
        return found.interval, share

    return trial


def alpha_trial(n: int, n_items: int, *, points: int | None = None) -> Trial:
    def scores(rng: np.random.Generator, size: int) -> np.ndarray:
        x = rng.standard_normal((size, 1)) + rng.standard_normal((size, n_items)) * math.sqrt(2)
        return x if points is None else np.clip(np.round(x + (points + 1) / 2), 1, points)

    truth = n_items / (n_items + 2)
    if points is not None:
        truth = float(cronbach_alpha(scores(np.random.default_rng(1), 400_000)))

    def trial(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
        found = cronbach_alpha(scores(rng, n)).interval
        assert found is not None
        return found, truth

    return trial


def difference_trial(kind: str, n: int) -> Trial:
    def trial(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
        if kind == "normal, unequal variances":
            y1, y0, truth = rng.normal(1, 2, n), rng.normal(0, 1, 2 * n), 1.0
        elif kind == "lognormal, n and 5 n":
            y1, y0, truth = rng.lognormal(0, 1, n), rng.lognormal(0, 1, 5 * n), 0.0
        elif kind == "binary, .1 and .2":
            y1, y0, truth = 1.0 * (rng.random(n) < 0.2), 1.0 * (rng.random(n) < 0.1), 0.1
        elif kind == "binary, .02 and .1":
            y1, y0, truth = 1.0 * (rng.random(n) < 0.1), 1.0 * (rng.random(n) < 0.02), 0.08
        else:
            blocks = np.repeat(np.arange(n // 5), 5)
            y1, y0, truth = rng.normal(blocks + 1, 1), rng.normal(blocks, 1), 1.0
            found = difference_in_means(y1, y0, blocks=(blocks.tolist(), blocks.tolist())).interval
            assert found is not None
            return found, truth
        found = difference_in_means(y1, y0).interval
        assert found is not None
        return found, truth

    return trial


def coverage(trial: Trial, n_trials: int, seed: int = 1) -> float:
    rng = np.random.default_rng(seed)
    outcomes = (trial(rng) for _ in range(n_trials))
    # Limits are floating-point numbers: an interval that ends at the truth covers it.
    return sum(low - 1e-12 <= truth <= high + 1e-12 for (low, high), truth in outcomes) / n_trials


def rows() -> Iterator[tuple[str, str, dict[int, Trial]]]:
    """What is estimated, the data, and a trial for every sample size."""
    sizes = (10, 20, 50, 200)
    for shape in SHAPES:
        yield "total variation", shape, {n: tv_trial(shape, n) for n in sizes}
    for shape in ("far, K=4", "partly equal, K=5", "rare options, K=4"):
        yield "total variation, weighted", shape, {n: tv_trial(shape, n, weighted=True) for n in sizes}
    for shape in ("equal, K=4", "near, K=4", "partly equal, K=5", "rare options, K=4"):
        yield "normalised Wasserstein-1", shape, {n: wasserstein_trial(shape, n) for n in sizes}
    for shape in ("equal, K=4", "near, K=4", "far, K=4", "rare options, K=4"):
        yield (
            "*percentile bootstrap of total variation (not used)*",
            shape,
            {n: bootstrap_trial(shape, n) for n in sizes},
        )
    for which, name in enumerate(("agreement", "agreement gain")):
        for shape in ("equal, K=4", "far, K=4", "rare options, K=4", "equal, K=2"):
            yield name, shape, {n: individual_trial(shape, n, which) for n in sizes}
    for share in (0.5, 0.1, 0.02):
        yield "share, Wilson", f"p = {share}", {n: wilson_trial(share, n) for n in sizes}
        yield (
            "share, Wilson at n_eff",
            f"p = {share}, lognormal weights",
            {n: wilson_trial(share, n, weighted=True) for n in sizes},
        )
    for share, concentration in ((0.5, 2.0), (0.1, 5.0), (0.05, 0.5)):
        yield (
            "mean probability, t",
            f"Beta, mean {share}, concentration {concentration:g}",
            {n: mean_probability_trial(share, n, concentration) for n in sizes},
        )
    yield "Cronbach's alpha, Feldt", "10 normal items", {n: alpha_trial(n, 10) for n in sizes}
    yield "Cronbach's alpha, Feldt", "5 items of 5 points", {n: alpha_trial(n, 5, points=5) for n in sizes}
    for kind in DIFFERENCES:
        yield "difference in means", kind, {n: difference_trial(kind, n) for n in sizes}


def write_table(n_trials: int) -> None:
    """Print the page."""
    error = math.sqrt(0.95 * 0.05 / n_trials)
    print("# Coverage of the intervals\n")
    print(f"Share of {n_trials:,} simulated samples whose 95 % interval contains the true value, by the")
    print(
        f"number of subjects (treated units for differences); Monte Carlo standard error {error:.3f} at .95."
    )
    print("Written by `python tests/measures/test_coverage.py > docs/methods/coverage.md`.\n")
    print("| interval | data | n = 10 | 20 | 50 | 200 |")
    print("|---|---|---|---|---|---|")
    for name, data, trials in rows():
        cells = (f"{coverage(trial, n_trials):.3f}" for trial in trials.values())
        print(f"| {name} | {data} | {' | '.join(cells)} |", flush=True)
    print(READING)


N_TRIALS = 400
LOWEST = 0.95 - 3.5 * math.sqrt(0.95 * 0.05 / N_TRIALS)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [10, 50])
def test_the_interval_of_a_distance_covers_however_close_the_model_is(shape: str, n: int) -> None:
    assert coverage(tv_trial(shape, n), N_TRIALS) >= LOWEST
    assert coverage(wasserstein_trial(shape, n), N_TRIALS) >= LOWEST


@pytest.mark.slow
def test_the_interval_of_a_distance_covers_under_weights_related_to_nothing() -> None:
    assert coverage(tv_trial("partly equal, K=5", 50, weighted=True), N_TRIALS) >= LOWEST


@pytest.mark.slow
def test_the_same_simulation_rejects_the_percentile_bootstrap() -> None:
    assert coverage(bootstrap_trial("equal, K=4", 50), N_TRIALS) == 0
    assert coverage(bootstrap_trial("near, K=4", 50), N_TRIALS) < 0.8


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, 1], ids=["agreement", "gain"])
@pytest.mark.parametrize("shape", ["equal, K=4", "far, K=4", "rare options, K=4"])
def test_the_intervals_of_the_individual_rung_cover(which: int, shape: str) -> None:
    assert coverage(individual_trial(shape, 50, which), N_TRIALS) >= LOWEST


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 0.1, 0.02])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_interval_of_a_share_covers(share: float, weighted: bool) -> None:
    assert coverage(wilson_trial(share, 50, weighted=weighted), N_TRIALS) >= LOWEST


@pytest.mark.slow
def test_the_interval_of_a_skewed_mean_probability_is_too_short_and_says_so() -> None:
    assert coverage(mean_probability_trial(0.05, 50, 0.5), N_TRIALS) < 0.92
    first = np.random.default_rng(1).beta(0.025, 0.475, 50)
    warned = share_estimates(np.column_stack([first, 1 - first]), 2, target="model")[0].warnings
    assert "too short" in warned[0]


@pytest.mark.slow
@pytest.mark.parametrize("points", [None, 5])
def test_feldts_interval_of_alpha_covers(points: int | None) -> None:
    assert coverage(alpha_trial(20, 5, points=points), N_TRIALS) >= LOWEST


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["normal, unequal variances", "binary, .1 and .2", "blocks of 5 + 5, normal"]
)
def test_neymans_interval_of_a_difference_covers(kind: str) -> None:
    assert coverage(difference_trial(kind, 20), N_TRIALS) >= LOWEST


if __name__ == "__main__":
    write_table(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)

"""Power of a study's hypotheses: by formula, and by simulation of this very design on scripted people.

Scripted people answer from a latent normal score. Its variance of 1 has a part of the subject, of the cluster where
clusters are assigned, and of the stimulus where there are any; the rest is new at every answer. Under the level that
a hypothesis is compared with, every option is as likely as any other; under its own level the score is shifted so that
the mean answer moves by exactly the smallest effect of interest.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from proband.designs.conjoint import Conjoint
from proband.designs.design import Design
from proband.designs.experiments.material import STIMULUS
from proband.designs.hypotheses import Hypothesis
from proband.errors import DesignError
from proband.estimates import Estimate
from proband.instruments.items import Item
from proband.measures import Inference, Paired, TwoMeans, difference_in_means, paired_difference, power
from proband.measures.shares import wilson_interval
from proband.seeds import rng_for

SUBJECT, CLUSTER, STIMULI = 0.3, 0.1, 0.1  # shares of the latent variance
SIMULATIONS, LEAST = 400, 50
MOST_ANSWERS = 2_000_000  # drawn for one hypothesis; above that there are fewer simulations, down to LEAST
MOST_TRIALS = 200_000  # of a design that is simulated
ALPHA = 0.05
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """Probability that a hypothesis is found if its smallest effect of interest is true.

    Attributes
    ----------
    hypothesis : str
        Which.
    unit : str
        What is independent: subject, cluster, stimulus.
    units : int
        How many of them are compared.
    effect : float
        The smallest effect of interest; 0 for an equivalence test, which is found if there is none.
    formula : float or None
        By formula; None where there is none.
    simulated : float or None
        By simulation, with `low` and `high`, its 95 % interval for this many `simulations`.
    """

    hypothesis: str
    unit: str
    units: int
    effect: float
    formula: float | None = None
    simulated: float | None = None
    low: float | None = None
    high: float | None = None
    simulations: int = 0

    @property
    def in_words(self) -> str:
        """As a plan prints it."""
        by = [] if self.formula is None else [f"{self.formula:.2f} by formula"]
        if self.simulated is not None:
            by.append(f"{self.simulated:.2f} ({self.low:.2f} to {self.high:.2f}) in {self.simulations} simulations")
        effect = "no effect" if self.effect == 0 else f"an effect of {self.effect:g}"
        return (
            f"{self.hypothesis}: {' and '.join(by) or 'unknown'}, for {effect} over {self.units:,} units ({self.unit})"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def powers(design: Design, hypotheses: Sequence[Hypothesis], *, simulate: bool) -> list[Power]:
    """Power of every hypothesis that compares two levels, on every unit that it can be tested over.

    Over stimuli there is no formula, so this unit comes with a simulation only.

    Parameters
    ----------
    design : Design
        What would be asked; one of more than 200,000 trials is left out.
    hypotheses : sequence of Hypothesis
        Completed, see `Promises.completed`.
    simulate : bool
        Whether to simulate, beside the formula.

    Raises
    ------
    DesignError
        If an effect is larger than the answers leave room for.
    """
    compared = [hypothesis for hypothesis in hypotheses if hypothesis.factor]
    if not compared or design.size() > MOST_TRIALS:
        return []
    found = []
    for hypothesis in compared:
        answers = _answers(design, hypothesis)
        if answers is not None:
            units = [design.unit, *([STIMULUS] if simulate and answers.can_compare_stimuli else [])]
            found += [_power(answers, hypothesis, unit, design.seed, simulate=simulate) for unit in units]
    return found


class _Scores:
    """An outcome of scripted people: its scores, and the shift of the latent score that moves their mean by so much."""

    def __init__(self, item: Item, hypothesis: Hypothesis) -> None:
        option = hypothesis.outcome.partition(": ")[2]
        points = [item.points[k] for k in range(len(item.options)) if k not in item.dont_know]
        wanted = 0.0 if hypothesis.direction == "none" else hypothesis.smallest
        wanted = -wanted if hypothesis.direction == "less" else wanted
        self.scale = 1.0
        if not points:
            bounded = item.lower is not None and item.upper is not None
            self.scale = (item.upper - item.lower) / 4 if bounded else 1.0  # type: ignore[operator]
            self.points, self.cuts = np.empty(0), np.empty(0)
            self.sd, self.shift = self.scale, wanted / self.scale
            return
        k = len(points)
        self.points = np.array([0.0, 1.0]) if option else np.sort(np.array(points))
        shares = np.array([1 - 1 / k]) if option else np.arange(1, k) / k
        self.cuts = special.ndtri(shares)
        self.sd = math.sqrt(self._mean(0.0, 2) - self._mean(0.0) ** 2)
        room = self.points[-1 if wanted > 0 else 0] - self._mean(0.0)
        if abs(wanted) >= abs(room):
            raise DesignError(
                f"hypothesis {hypothesis.id!r}: an effect of {abs(wanted):g} is more than the {abs(room):.3g} that "
                f"{hypothesis.outcome!r} can move by from even answers; state a smaller one"
            )
        from scipy import optimize  # takes memory that runs without hypotheses do not need

        target = self._mean(0.0) + wanted
        self.shift = float(optimize.brentq(lambda shift: self._mean(shift) - target, -12, 12)) if wanted else 0.0

    def _mean(self, shift: float, power: int = 1) -> float:
        below = np.concatenate(([0.0], special.ndtr(self.cuts - shift), [1.0]))
        return float((self.points**power) @ np.diff(below))

    def of(self, latent: Floats) -> Floats:
        """Scores as they are observed."""
        if not len(self.points):
            return np.asarray(self.scale * latent)
        return np.asarray(self.points[np.searchsorted(self.cuts, latent)])


class _Answers:
    """Every answer that bears on a hypothesis: whose it is, of which cluster, about which stimulus, on which side."""

    def __init__(self, scores: _Scores, rows: Sequence[tuple[str, str, str, bool]], design: Design) -> None:
        self.scores = scores
        subjects, units, stimuli, sides = zip(*rows, strict=True)
        self.subjects, self.subject = np.unique(subjects, return_inverse=True)
        self.units, self.unit = np.unique(units, return_inverse=True)
        self.stimuli, self.stimulus = np.unique(stimuli, return_inverse=True)
        self.is_treated = np.array(sides)
        both = np.bincount(self.subject[self.is_treated], minlength=len(self.subjects)) > 0
        both &= np.bincount(self.subject[~self.is_treated], minlength=len(self.subjects)) > 0
        self.is_within = bool(both.all())
        self.is_clustered = len(self.units) < len(self.subjects)
        self.unit_of = self.units[self.unit[np.unique(self.subject, return_index=True)[1]]]
        members = design.roster().by_subject
        blocks = [str(members[subject].traits.get("block", "")) for subject in self.subjects]
        self.blocks = np.array(blocks) if all(blocks) and not self.is_within else None

    @property
    def can_compare_stimuli(self) -> bool:
        """Whether there are stimuli that are seen on both sides."""
        sides = [set(self.stimulus[self.is_treated == side]) for side in (True, False)]
        return len(self.stimuli) > 1 and sides[0] == sides[1]

    def drawn(self, rng: np.random.Generator) -> Floats:
        """One score an answer."""
        parts: list[tuple[float, NDArray[np.intp], int]] = [(SUBJECT, self.subject, len(self.subjects))]
        parts += [(CLUSTER, self.unit, len(self.units))] if self.is_clustered else []
        parts += [(STIMULI, self.stimulus, len(self.stimuli))] if len(self.stimuli) > 1 else []
        rest = 1 - sum(share for share, _, _ in parts)
        latent = math.sqrt(rest) * rng.standard_normal(len(self.subject)) + self.scores.shift * self.is_treated
        for share, index, n in parts:
            latent += math.sqrt(share) * rng.standard_normal(n)[index]
        return self.scores.of(latent)

    def effect(self, y: Floats, unit: str, level: float) -> Estimate:
        """The test that `effects` makes of it, over subjects or clusters, or over stimuli."""
        index, names = (self.stimulus, self.stimuli) if unit == STIMULUS else (self.subject, self.subjects)
        treated, control = (self._means(y, index, len(names), side) for side in (True, False))
        if self.is_within or unit == STIMULUS:
            clusters = list(self.unit_of) if self.is_clustered and unit != STIMULUS else None
            return paired_difference(treated, control, cluster=clusters, level=level)
        sides = (~np.isnan(treated), ~np.isnan(control))
        return difference_in_means(
            treated[sides[0]],
            control[sides[1]],
            blocks=None if self.blocks is None else (list(self.blocks[sides[0]]), list(self.blocks[sides[1]])),
            cluster=(list(self.unit_of[sides[0]]), list(self.unit_of[sides[1]])) if self.is_clustered else None,
            inference=Inference(level=level),
        )

    def _means(self, y: Floats, index: NDArray[np.intp], n: int, side: bool) -> Floats:
        at = self.is_treated == side
        counts = np.bincount(index[at], minlength=n)
        sums = np.bincount(index[at], weights=y[at], minlength=n)
        return np.asarray(np.divide(sums, counts, out=np.full(n, np.nan), where=counts > 0))

    def formula(self, effect: float) -> float | None:
        """Power over subjects or clusters, their answers averaged; None where it is no comparison of two groups."""
        n = len(self.subjects)
        k = len(self.subject) / n / (2 if self.is_within else 1)  # answers of a subject to a side
        sd = self.scores.sd * math.sqrt(SUBJECT + (1 - SUBJECT) / k)
        grouped = {"cluster_size": n / len(self.units), "icc": CLUSTER} if self.is_clustered else {}
        try:
            if self.is_within:
                same = SUBJECT / (SUBJECT + (1 - SUBJECT) / k)
                return float(power(Paired(effect=effect, sd=sd, correlation=same, **grouped), n, alpha=ALPHA))
            first = len(np.unique(self.subject[~self.is_treated]))
            compared = TwoMeans(effect=effect, sd=sd, ratio=(n - first) / first, **grouped)
            return float(power(compared, first, alpha=ALPHA))
        except DesignError:
            return None


class _Choices(_Answers):
    """Choices between two profiles: one with the level is chosen so much more often against one without it."""

    def __init__(self, design: Conjoint, hypothesis: Hypothesis) -> None:
        pairs = [
            (subject.id, [profile[hypothesis.factor] for profile in design.draws.of(subject.id, task)])
            for subject in design.subjects
            for task in range(1, design.tasks + 1)
        ]
        self.hypothesis, self.stimuli = hypothesis, np.empty(0)
        self.subjects, self.subject = np.unique([subject for subject, _ in pairs], return_inverse=True)
        self.levels = np.array([levels for _, levels in pairs])
        sign = {"none": 0.0, "less": -1.0}.get(hypothesis.direction, 1.0)
        self.gain = sign * hypothesis.smallest * (self.levels == hypothesis.level)
        self.units = self.subjects

    @property
    def can_compare_stimuli(self) -> bool:
        """There are none."""
        return False

    def drawn(self, rng: np.random.Generator) -> Floats:
        """Which profile was chosen, 0 or 1."""
        return np.asarray(rng.random(len(self.gain)) >= 0.5 + self.gain[:, 0] - self.gain[:, 1], dtype=float)

    def effect(self, y: Floats, unit: str, level: float) -> Estimate:
        """Share chosen of profiles with the level less that of those with the other, clustered by subject."""
        chosen = np.stack([1 - y, y], axis=1)
        parts = []
        for name in (self.hypothesis.level, self.hypothesis.against):
            at = self.levels == name
            mean = chosen[at].mean()
            rest = np.where(at, chosen - mean, 0.0).sum(axis=1)
            parts.append((mean, np.bincount(self.subject, weights=rest) / at.sum()))
        value, n = float(parts[0][0] - parts[1][0]), len(self.subjects)
        se = math.sqrt(float(((parts[0][1] - parts[1][1]) ** 2).sum()) * n / (n - 1))
        t = float(special.stdtrit(n - 1, (1 + level) / 2))
        return Estimate(
            value=value, estimand="difference of shares", target="model", n_units=n, se=se, level=level,
            interval=(value - t * se, value + t * se), interval_method="t, CR1",
        )  # fmt: skip

    def formula(self, effect: float) -> float | None:
        """None: it depends on how often profiles of one pair share the level."""
        return None


def _answers(design: Design, hypothesis: Hypothesis) -> _Answers | None:
    item = design.items[hypothesis.item]
    if isinstance(design, Conjoint):
        choices = {outcome["item"] for outcome in design.outcomes if outcome["asks"] == "choice"}
        is_pair = item.id in choices and design.profiles_per_task == 2
        return _Choices(design, hypothesis) if is_pair else None
    units, rows = design.roster().units, []
    for trial in design.preview():
        condition = dict(trial.place.condition)
        level = condition.get(hypothesis.factor)
        if trial.place.item == item.id and level in (hypothesis.level, hypothesis.against):
            subject = trial.place.subject
            rows.append((subject, units[subject], condition.get(STIMULUS, ""), level == hypothesis.level))
    sides = {side for *_, side in rows}
    return _Answers(_Scores(item, hypothesis), rows, design) if len(sides) == 2 else None


def _power(answers: _Answers, hypothesis: Hypothesis, unit: str, seed: int, *, simulate: bool) -> Power:
    is_equal = hypothesis.direction == "none"
    units = answers.stimuli if unit == STIMULUS else answers.units
    formula = None if is_equal or unit == STIMULUS else answers.formula(hypothesis.smallest)
    about = Power(
        hypothesis=hypothesis.id, unit=unit, units=len(units), effect=0.0 if is_equal else hypothesis.smallest,
        formula=formula,
    )  # fmt: skip
    if not simulate:
        return about
    n = max(LEAST, min(SIMULATIONS, MOST_ANSWERS // len(answers.subject)))
    level = 1 - 2 * ALPHA if is_equal else 1 - ALPHA  # two one-sided tests are an interval of 90 % within the bounds
    hits = 0
    for k in range(n):
        y = answers.drawn(rng_for(seed, "simulate", hypothesis.id, unit, k))
        try:
            low, high = answers.effect(y, unit, level).interval or (-math.inf, math.inf)
        except DesignError:
            continue  # answers without variance, or arms too small for a test: nothing was found
        s = hypothesis.smallest
        hits += (-s < low and high < s) if is_equal else not low <= 0 <= high
    interval = wilson_interval(hits / n, n)
    return Power(
        **{**about.as_dict(), "simulated": hits / n, "low": interval[0], "high": interval[1], "simulations": n}
    )

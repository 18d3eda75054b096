"""Accuracy against consistency under noise alone, and what training adds to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.knowledge.crossed import Table, crossed_mean
from proband.measures.knowledge.noise import AMOUNTS, FALLING, Blurred, NoiseLine, blurred, line_of
from proband.measures.knowledge.options import OptionScore, item_scores
from proband.seeds import rng_for
from proband.tuning.analysis.accuracy import ALL_DOMAINS
from proband.tuning.analysis.consistency import is_first_half
from proband.tuning.analysis.evaluation import Evaluation, Test, Trained, undefined

_DRAWS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisePoint:
    """One amount of noise on the base model's own probabilities: what consistency and accuracy it leaves.

    Attributes
    ----------
    amount : float
        Standard deviation of Gaussian noise on the options' log-probabilities, in nats.
    rank, kl, js : float
        Mean consistency with the base model under the same prompt.
    """

    domain: str
    test: Test
    amount: float
    rank: float
    kl: float
    js: float
    accuracy: float
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """Accuracy of an arm less that of noise alone at equal consistency, by each measure of consistency."""

    arm: str
    domain: str
    test: Test
    ratio: float | None
    rank: Estimate
    kl: Estimate
    js: Estimate
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steepness:
    """Whether accuracy follows consistency more steeply over mixtures than under noise.

    Attributes
    ----------
    estimate : Estimate
        Excess of the more consistent mixtures less that of the less consistent ones, each weighted by its distance
        from the mean consistency of its domain. Consistency for the weights comes from the other half of the
        questions. 0 where training does no more than noise.
    """

    domain: str
    test: Test
    estimate: Estimate
    base: str = ""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """The base model's answers under noise, each question blurred once however many tests ask it.

    `statistics` of consistency that there are lines of; for the claim alone "rank" is enough.
    """

    evaluation: Evaluation
    statistics: tuple[OptionScore, ...] = tuple(FALLING)
    _blurred: dict[tuple[str, str], tuple[Blurred, int]] = field(default_factory=dict)

    def points(self) -> tuple[NoisePoint, ...]:
        """The noise lines, by test and domain, the mean of domains last."""
        found: list[NoisePoint] = []
        for test in self.evaluation.kinds:
            lines = [self._points(test, domain) for domain in self.evaluation.domains]
            lines = [line for line in lines if line]
            found += [point for line in lines for point in line]
            if len(lines) > 1:
                found += [_mean_point(same) for same in zip(*lines, strict=True)]
        return tuple(found)

    def excesses(self) -> tuple[Excess, ...]:
        """Excess of every arm, by test and domain, the mean of domains last."""
        found = []
        for test in self.evaluation.kinds:
            for arm in self.evaluation.arms:
                runs = {domain: self.evaluation.runs(arm, domain) for domain in self.evaluation.domains}
                tables = {
                    domain: {name: self._table(test, mine, name) for name in FALLING}
                    for domain, mine in runs.items()
                    if mine and self.evaluation.questions(test, domain)
                }
                groups = {domain: [table] for domain, table in tables.items()}
                if len(groups) > 1:
                    groups[ALL_DOMAINS] = list(tables.values())
                ratio = next((mine[0].mixture for mine in runs.values() if mine), None)
                for domain, group in groups.items():
                    what = f"accuracy of {arm} less that of noise at equal {{}} on {test} questions"
                    by_name: dict[str, Any] = {
                        name: _mean([part[name] for part in group], what.format(name)) for name in FALLING
                    }
                    found.append(Excess(arm=arm, domain=domain, test=test, ratio=ratio, **by_name))
        return tuple(found)

    def steepness(self) -> tuple[Steepness, ...]:
        """The contrast of more and less consistent mixtures, by test and domain, the mean of domains last.

        Only domains that have at least two mixtures.
        """
        found = []
        for test in self.evaluation.kinds:
            what = f"excess over noise of more less that of less consistent mixtures on {test} questions"
            groups = {domain: [parts] for domain in self.evaluation.domains if (parts := self._contrast(test, domain))}
            if len(groups) > 1:
                groups[ALL_DOMAINS] = [parts for group in groups.values() for parts in group]
            for domain, group in groups.items():
                tables = [part for parts in group for part in parts]
                # A mean of tables is to be the mean over domains of sums over mixtures.
                scaled = [replace(part, scores=part.scores * len(tables) / len(group)) for part in tables]
                found.append(
                    Steepness(domain=domain, test=test, estimate=crossed_mean(scaled, "difference", estimand=what))
                )
        return tuple(found)

    def _line(self, base: str, ids: Sequence[str], statistic: OptionScore) -> NoiseLine:
        return line_of([self._blurred[base, id] for id in ids], statistic)

    def _blur(self, base: str, ids: Sequence[str]) -> None:
        by_size: dict[int, list[str]] = {}
        probs = self.evaluation.probs(base, self.evaluation.ask, tuple(ids))
        for id, p in probs.items():
            if (base, id) not in self._blurred:
                by_size.setdefault(len(p), []).append(id)
        for k, names in by_size.items():
            answers = np.array([self.evaluation.bank[id].answer for id in names], dtype=np.intp)
            noise = np.stack([rng_for(0, "noise line", id).normal(size=(_DRAWS, k)) for id in names])
            found = blurred(np.stack([probs[id] for id in names]), answers, noise, statistics=self.statistics)
            self._blurred.update({(base, id): (found, row) for row, id in enumerate(names)})

    def _points(self, test: Test, domain: str) -> list[NoisePoint]:
        base = self.evaluation.base_of(domain)
        held = tuple(self.evaluation.probs(base, self.evaluation.ask, self.evaluation.questions(test, domain)))
        self._blur(base, held)
        lines = {
            name: self._line(base, [id for id in held if self._is_scored(base, id, name)], name) for name in FALLING
        }
        if any(not len(line.right) for line in lines.values()):
            return []
        found = []
        for g, amount in enumerate(AMOUNTS.tolist()):
            at: dict[str, Any] = {name: float(line.consistency[g]) for name, line in lines.items()}
            # Divergences are defined for all questions, so that this is the accuracy of the whole test.
            at["accuracy"] = float(lines["kl"].accuracy[g])
            found.append(NoisePoint(domain=domain, test=test, amount=amount, **at))
        return found

    def _is_scored(self, base: str, id: str, statistic: OptionScore) -> bool:
        found, row = self._blurred[base, id]
        return bool(np.isfinite(found.scores[statistic][row]).all())

    def _table(self, test: Test, runs: Sequence[Trained], statistic: OptionScore) -> Table | None:
        scored = self._scored(test, runs, statistic)
        return None if scored is None else scored[0]

    def _scored(self, test: Test, runs: Sequence[Trained], statistic: OptionScore) -> tuple[Table, Floats] | None:
        """Items' shares of the excess, and their consistency, by run; None where no question has both."""
        domain, ask = runs[0].domain, self.evaluation.ask
        ids = self.evaluation.questions(test, domain)
        base = self.evaluation.base_of(domain)
        before = self.evaluation.probs(base, ask, ids)
        scores = [item_scores(before, self.evaluation.probs(run.model, ask, ids), statistic) for run in runs]
        self._blur(base, ids)
        kept = tuple(
            id
            for id in before
            if self._is_scored(base, id, statistic) and all(np.isfinite(found.get(id, np.nan)) for found in scores)
        )
        if not kept:
            return None
        line = self._line(base, kept, statistic)
        consistency = np.array([[found[id] for id in kept] for found in scores])
        right = [self.evaluation.right(run.model, ask, kept) for run in runs]
        rows = [
            line.excess(np.array([mine[id] for id in kept]), row) for mine, row in zip(right, consistency, strict=True)
        ]
        return Table(name=domain, items=kept, scores=np.stack(rows), n_missing=len(ids) - len(kept)), consistency

    def _contrast(self, test: Test, domain: str) -> list[Table]:
        """Weighted shares of the excess, a table for every mixture, so that its trainings are runs of their own."""
        mixtures = self.evaluation.mixtures(domain)
        seeds = set.intersection(*(set(runs) for runs in mixtures.values())) if mixtures else set()
        if len(mixtures) < 2 or not seeds or not self.evaluation.questions(test, domain):
            return []
        # Runs of all mixtures at once, so that all stand on the same questions.
        runs = [mine[seed] for mine in mixtures.values() for seed in sorted(seeds)]
        scored = self._scored(test, runs, "rank")
        if scored is None:
            return []
        part, consistency = scored
        shape = (len(mixtures), len(seeds), len(part.items))
        shares, consistency = part.scores.reshape(shape), consistency.reshape(shape)
        half = np.array([is_first_half(id) for id in part.items])
        if len(set(half)) < 2:
            return []
        weights = np.empty((len(mixtures), 1, len(part.items)))
        for side in (True, False):
            means = consistency[:, :, half != side].mean(axis=(1, 2))
            reach = np.abs(means - means.mean()).sum() / 2
            if not reach > 0:
                return []
            weights[:, 0, half == side] = ((means - means.mean()) / reach)[:, None]
        return [
            replace(part, name=f"{domain}, {ratio:g}", scores=scores, n_missing=0 if k else part.n_missing)
            for k, (ratio, scores) in enumerate(zip(mixtures, weights * shares, strict=True))
        ]


def _mean_point(points: Sequence[NoisePoint]) -> NoisePoint:
    """The mean of domains at one amount of noise."""
    means: dict[str, Any] = {
        name: float(np.mean([getattr(point, name) for point in points])) for name in (*FALLING, "accuracy")
    }
    return replace(points[0], domain=ALL_DOMAINS, **means)


def _mean(tables: Sequence[Table | None], what: str) -> Estimate:
    if any(part is None for part in tables):
        return undefined(what, "in a domain no question has it: equal probabilities throughout, or no answer was read")
    return crossed_mean([part for part in tables if part is not None], "difference", estimand=what)

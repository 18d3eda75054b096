"""What training does step by step: learning curves, when half is learned, when to stop, what forgetting goes with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures.experiments.regression import clustered_regression
from proband.measures.knowledge.crossed import Table, crossed_mean, table
from proband.measures.knowledge.noise import Blurred, blurred, line_of
from proband.measures.knowledge.options import item_scores
from proband.seeds import rng_for
from proband.tuning.analysis.consistency import is_first_half
from proband.tuning.analysis.evaluation import undefined
from proband.tuning.looking import GROUPS, Group, Seen

Kind = Literal["accuracy on untaught questions", "accuracy elsewhere", "forgetting elsewhere"]
_DRAWS = 32
_RESAMPLES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPoint:
    """One arm's questions of one group after one step, all domains and seeds together.

    Attributes
    ----------
    accuracy : Estimate
        Share of questions whose most probable option is the right one.
    fit : Estimate or None
        Share whose most probable option is the one that is taught; None where none is.
    kl : Estimate
        Mean KL(before training || after this step), nats.
    excess : Estimate
        Accuracy less that of noise alone on the options at equal KL.
    """

    arm: str
    group: Group
    step: int
    accuracy: Estimate
    fit: Estimate | None
    kl: Estimate
    excess: Estimate
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfLearned:
    """The step after which half of the taught answers that were not given before training are given."""

    arm: str
    group: Group
    estimate: Estimate
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStop:
    """What stopping early is worth on a group of questions that were not taught.

    Attributes
    ----------
    steps : tuple of int
        The step that was best on one half of the questions, and on the other.
    gain : Estimate
        Accuracy on each half at the step that was best on the other, less that at the end.
    """

    arm: str
    group: Group
    steps: tuple[int, int]
    gain: Estimate
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepModel:
    """A linear model over all runs and steps, errors clustered by run.

    Attributes
    ----------
    outcome : str
        What is explained.
    coefficients : mapping of str to Estimate
    r_squared : float
        Share of the variance over runs and steps.
    """

    outcome: Kind
    coefficients: Mapping[str, Estimate]
    r_squared: float
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Everything that was seen by step; see the classes."""

    points: tuple[StepPoint, ...] = ()
    halves: tuple[HalfLearned, ...] = ()
    stops: tuple[EarlyStop, ...] = ()
    models: tuple[StepModel, ...] = ()


_Score = Callable[[Seen, int, tuple[Group, str]], float]


def learning_curves(seen: Sequence[Seen]) -> Curves:
    """Learning curves of every arm, and what can be said of all of them.

    Parameters
    ----------
    seen : sequence of Seen
        A training each; steps that not all trainings of an arm came to are left out.

    References
    ----------
    Gekhman et al. (2024), Does Fine-Tuning LLMs on New Knowledge Encourage Hallucinations? EMNLP.
    doi:10.18653/v1/2024.emnlp-main.444
    Shenfeld et al. (2025), RL's Razor: Why Online Reinforcement Learning Forgets Less. arXiv:2509.04259
    """
    arms: dict[str, list[Seen]] = {}
    for one in seen:
        arms.setdefault(one.trained.arm, []).append(one)
    blurs = _Blurs()
    points: list[StepPoint] = []
    halves: list[HalfLearned] = []
    stops: list[EarlyStop] = []
    for arm, runs in arms.items():
        for group in GROUPS:
            own = [run for run in runs if run.ids(group)]
            if not own:
                continue
            steps = [step for step in own[0].steps if all(step in run.steps for run in own)]
            points += [_point(arm, group, step, own, blurs) for step in steps]
            if any(run.taught.keys() & {(group, id) for id in run.ids(group)} for run in own):
                halves.append(_half(arm, group, steps, own))
            else:
                stops.append(_stop(arm, group, steps, own))
    return Curves(points=tuple(points), halves=tuple(halves), stops=tuple(stops), models=_models(seen))


def _right(run: Seen, step: int, place: tuple[Group, str]) -> float:
    return float(run.probs[step][place].argmax() == run.right[place])


def _fits(run: Seen, step: int, place: tuple[Group, str]) -> float:
    return float(run.probs[step][place].argmax() == run.taught[place])


def _kl(run: Seen, step: int, place: tuple[Group, str]) -> float:
    return item_scores({"": run.probs[0][place]}, {"": run.probs[step][place]}, "kl")[""]


def _tables(runs: Sequence[Seen], group: Group, step: int, score: _Score) -> list[Table]:
    """Scores by run and question, a table for every domain."""
    domains: dict[str, list[Seen]] = {}
    for run in runs:
        domains.setdefault(run.trained.domain, []).append(run)
    return [
        table(domain, [{id: score(run, step, (group, id)) for id in run.ids(group)} for run in own])
        for domain, own in domains.items()
    ]


def _point(arm: str, group: Group, step: int, runs: Sequence[Seen], blurs: "_Blurs") -> StepPoint:
    what = f"of {arm} on {group} questions after step {step}"
    is_taught = all((group, id) in run.taught for run in runs for id in run.ids(group))
    fit = crossed_mean(_tables(runs, group, step, _fits), "share", estimand=f"fit {what}") if is_taught else None
    return StepPoint(
        arm=arm,
        group=group,
        step=step,
        accuracy=crossed_mean(_tables(runs, group, step, _right), "share", estimand=f"accuracy {what}"),
        fit=fit,
        kl=_divergence(_tables(runs, group, step, _kl), f"KL(before || after) {what}"),
        excess=_excess(runs, group, step, blurs, f"accuracy less that of noise at equal KL {what}"),
    )


def _divergence(tables: Sequence[Table], what: str) -> Estimate:
    if all(not part.scores.any() for part in tables):
        n = sum(len(part.items) for part in tables)
        return Estimate(value=0.0, estimand=what, target="model", n_units=n, warnings=("nothing has moved",))
    return crossed_mean(tables, "positive", estimand=what)


class _Blurs:
    """Questions under noise on what was believed before training, each blurred once however often it is looked at."""

    def __init__(self) -> None:
        # By arm too: behind a context a question is another one.
        self._known: dict[tuple[str, str, Group, str], tuple[Blurred, int]] = {}

    def of(self, run: Seen, group: Group, ids: Sequence[str]) -> list[tuple[Blurred, int]]:
        """As `line_of` takes them."""
        place = (run.trained.arm, run.trained.domain, group)
        by_size: dict[int, list[str]] = {}
        for id in ids:
            if (*place, id) not in self._known:
                by_size.setdefault(len(run.probs[0][group, id]), []).append(id)
        for k, names in by_size.items():
            probs = np.stack([run.probs[0][group, id] for id in names])
            answers = np.array([run.right[group, id] for id in names])
            noise = np.stack([rng_for(0, "noise line", id).normal(size=(_DRAWS, k)) for id in names])
            found = blurred(probs, answers, noise)
            self._known |= {(*place, id): (found, row) for row, id in enumerate(names)}
        return [self._known[*place, id] for id in ids]


def _excess(runs: Sequence[Seen], group: Group, step: int, blurs: _Blurs, what: str) -> Estimate:
    """Accuracy less that of noise at equal divergence."""
    if step == 0:
        return undefined(what, "before training nothing has moved: there is no noise to compare with")
    tables = []
    for part in _tables(runs, group, step, _kl):
        own = [run for run in runs if run.trained.domain == part.name]
        line = line_of(blurs.of(own[0], group, part.items), "kl")
        rows = [
            line.excess(np.array([_right(run, step, (group, id)) for id in part.items]), kl)
            for run, kl in zip(own, part.scores, strict=True)
        ]
        tables.append(Table(name=part.name, items=part.items, scores=np.stack(rows), n_missing=part.n_missing))
    return crossed_mean(tables, "difference", estimand=what)


def _half(arm: str, group: Group, steps: Sequence[int], runs: Sequence[Seen]) -> HalfLearned:
    """Interpolated between looks; the interval resamples the questions and the runs of every domain."""
    what = f"step after which {arm} gives half of the {group} answers that it did not give before"
    by_step = [_tables(runs, group, step, _fits) for step in steps]
    fresh = [part.scores[0] == 0 for part in by_step[0]]
    grids = [
        np.stack([at[k].scores[:, new] for at in by_step]) for k, new in enumerate(fresh) if new.any()
    ]  # (n_steps, n_runs, n_items) a domain
    n = sum(int(new.sum()) for new in fresh)
    if not grids:
        return HalfLearned(arm=arm, group=group, estimate=undefined(what, "all were given before training"))
    found = _crossing(steps, grids)
    rng = rng_for(0, "half learned", arm, group)
    draws = []
    for _ in range(_RESAMPLES):
        places = [(rng.integers(r, size=r), rng.integers(c, size=c)) for _, r, c in map(np.shape, grids)]
        drawn = [grid[:, rows][:, :, columns] for grid, (rows, columns) in zip(grids, places, strict=True)]
        draws.append(_crossing(steps, drawn))
    low, high = np.quantile(draws, [0.025, 0.975], method="inverted_cdf").tolist()
    if not np.isfinite(found):
        reason = f"half of them were not learned within {steps[-1]} steps"
        return HalfLearned(arm=arm, group=group, estimate=undefined(what, reason, n_units=n))
    return HalfLearned(
        arm=arm,
        group=group,
        estimate=Estimate(
            value=found,
            interval=(low, high) if np.isfinite(high) else None,
            interval_method="percentiles of a bootstrap over questions and runs",
            estimand=what,
            target="model",
            n_units=n,
            n_clusters=len(runs),
            warnings=() if np.isfinite(high) else ("in some resamples half is never learned: there is no upper limit",),
        ),
    )


def _crossing(steps: Sequence[int], grids: Sequence[np.ndarray]) -> float:
    """Step at which the mean of domains first is one half, on straight lines between looks; infinite if never."""
    curve = np.mean([grid.mean(axis=(1, 2)) for grid in grids], axis=0)
    above = np.flatnonzero(curve >= 0.5)
    if not len(above):
        return float("inf")
    k = int(above[0])
    if k == 0:
        return float(steps[0])
    share = (0.5 - curve[k - 1]) / (curve[k] - curve[k - 1])
    return float(steps[k - 1] + share * (steps[k] - steps[k - 1]))


def _stop(arm: str, group: Group, steps: Sequence[int], runs: Sequence[Seen]) -> EarlyStop:
    """Chosen on one half of the questions and judged on the other, both ways: no luck is taken for a gain."""
    by_step = [_tables(runs, group, step, _right) for step in steps]
    halves = [np.array([is_first_half(id) for id in part.items]) for part in by_step[0]]
    best = []
    for side in (True, False):
        here = [(k, half == side) for k, half in enumerate(halves) if (half == side).any()]
        means = [np.mean([at[k].scores[:, half].mean() for k, half in here]) if here else 0.0 for at in by_step]
        best.append(int(np.argmax(means)))
    gains = []
    for k, half in enumerate(halves):
        last = by_step[-1][k]
        # Judged on the half that it was not chosen on.
        chosen = np.where(half, by_step[best[1]][k].scores, by_step[best[0]][k].scores)
        gains.append(Table(name=last.name, items=last.items, scores=chosen - last.scores, n_missing=last.n_missing))
    what = f"accuracy of {arm} on {group} questions when stopped early less that at the end"
    return EarlyStop(
        arm=arm,
        group=group,
        steps=(steps[best[0]], steps[best[1]]),
        gain=crossed_mean(gains, "share difference", estimand=what),
    )


def _models(seen: Sequence[Seen]) -> tuple[StepModel, ...]:
    """Accuracy on shares of known and unknown examples that are learned; forgetting on KL of the trained task."""
    rows: dict[str, list[float]] = {name: [] for name in ("known learned", "unknown learned", "kl", *GROUPS)}
    clusters: list[str] = []
    for run in seen:
        taught = [place for place in run.right if place in run.taught]
        if not taught or not run.ids("untaught"):
            continue
        for step in run.steps:
            clusters.append(run.trained.model)
            for group in ("known", "unknown"):
                fits = [_fits(run, step, place) for place in taught if place[0] == group]
                share = run.shares.get(group, 0.0) * float(np.mean(fits)) if fits else 0.0
                rows[f"{group} learned"].append(share)
            rows["kl"].append(float(np.mean([_kl(run, step, place) for place in taught])))
            for name in ("untaught", "elsewhere"):
                own = [_right(run, step, place) for place in run.right if place[0] == name]
                rows[name].append(float(np.mean(own)) if own else float("nan"))
    learned = {name: rows[name] for name in ("known learned", "unknown learned")}
    found = [_fitted("accuracy on untaught questions", rows["untaught"], learned, clusters)]
    if clusters and np.isfinite(rows["elsewhere"]).all():
        found.append(_fitted("accuracy elsewhere", rows["elsewhere"], learned, clusters))
        before = {run.trained.model: np.mean([_right(run, 0, ("elsewhere", id)) for id in run.ids("elsewhere")])
                  for run in seen if run.ids("elsewhere")}  # fmt: skip
        lost = [float(before[model]) - now for model, now in zip(clusters, rows["elsewhere"], strict=True)]
        found.append(_fitted("forgetting elsewhere", lost, {"KL on the trained questions": rows["kl"]}, clusters))
    return tuple(one for one in found if one is not None)


def _fitted(
    outcome: Kind, y: Sequence[float], columns: Mapping[str, Sequence[float]], clusters: Sequence[str]
) -> StepModel | None:
    """None where runs are too few, or do not tell the columns apart."""
    varied = {name: column for name, column in columns.items() if np.ptp(column) > 0} if len(y) else {}
    if not varied or len(set(clusters)) < 2:
        return None
    design = {"(intercept)": [1.0] * len(y), **varied}
    try:
        fit = clustered_regression(y, design, cluster=clusters)
    except DataError:
        return None
    values = np.array(y)
    left = values - np.column_stack(list(design.values())) @ fit.beta
    total = float(((values - values.mean()) ** 2).sum())
    share = 1 - float((left**2).sum()) / total if total > 0 else 0.0
    return StepModel(outcome=outcome, coefficients={name: fit[name] for name in design}, r_squared=share)

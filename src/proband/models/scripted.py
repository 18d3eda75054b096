"""An engine whose answers follow a known distribution: the ground truth of every statistical test."""

import inspect
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from statistics import NormalDist

import numpy as np

from proband.errors import EngineError, meant
from proband.models.engine import Ability, BaseEngine, Cost
from proband.models.rules import RULES, Outcome, Rule, always, first, knowing, normal, played, spatial, stated, uniform
from proband.records import SCORED_METHODS, Answer, Completion, Reply, Trial
from proband.seeds import rng_for, uniform_for

__all__ = ["ScriptedEngine", "always", "first", "knowing", "normal", "played", "scripted_engine", "spatial", "stated"]
__all__ += ["uniform"]

_BIASES = ("position_bias", "refuse", "dont_know", "noise", "fail")
_TRIALS_PER_SECOND = 30_000


class ScriptedEngine(BaseEngine):
    """Answers by a rule, with stated biases whose effect on every share is known exactly.

    Where a rule gives a distribution p over the K options as written, the engine answers from

        q = (1 - position_bias) [(1 - noise) p + noise u] + position_bias e_first

    with u uniform over the options that do not mean "don't know" and e_first all on the option shown
    first. Where a don't-know option is offered, q becomes (1 - dont_know) q + dont_know e_dk; elsewhere
    `dont_know` does nothing. `truth` gives q. Before any of this a trial fails with probability `fail`, and
    is else refused with probability `refuse`. All draws are by place.

    Answers that are not a choice know one bias only: with probability `noise` they are drawn as `uniform` draws them.

    Parameters
    ----------
    rule : callable
        Maps a trial to a distribution over the options as written (a sequence that sums to 1), to an answer outright
        (an index as written, a number, a text, a tuple), to a `statistics.NormalDist`, or to None for uniform.
    seed : int
        Seed of all draws.
    position_bias, refuse, dont_know, noise, fail : float
        Probabilities, each in [0, 1].

    Examples
    --------
    >>> ScriptedEngine(stated({"vote": (0.6, 0.4)}), seed=1, position_bias=0.1).address
    'scripted:rule?seed=1&position_bias=0.1'
    """

    abilities: frozenset[Ability] = frozenset({"given"})

    def __init__(self, rule: Rule, *, seed: int = 0, address: str = "", **biases: float) -> None:
        self.rule = rule
        self.seed = seed
        self.biases = dict.fromkeys(_BIASES, 0.0) | biases
        if unknown := set(self.biases) - set(_BIASES):
            raise EngineError(f"unknown bias {', '.join(sorted(unknown))}; there are {', '.join(_BIASES)}")
        for name, value in self.biases.items():
            if not 0 <= value <= 1:
                raise EngineError(f"scripted engine: {name} is {value}, not a probability between 0 and 1")
        set_ = "".join(f"&{name}={value:g}" for name, value in self.biases.items() if value)
        self.address = address or f"scripted:{getattr(rule, '__name__', 'rule')}?seed={seed}{set_}"
        uniform_for(seed)

    @cached_property
    def _active(self) -> tuple[tuple[str, Completion], ...]:
        """What can befall a trial before it is answered, in order."""
        outcomes = (("fail", Completion(error="scripted failure")), ("refuse", Completion(given=(None, "refused"))))
        return tuple((name, made) for name, made in outcomes if self.biases[name])

    def truth(self, trial: Trial) -> tuple[float, ...]:
        """Exact distribution over the options as written, after biases, given that the trial is answered.

        Raises
        ------
        EngineError
            If the item is not a choice, or the rule gives no distribution over its options.
        """
        reply = trial.reply
        if reply.form not in ("choice", "scale"):
            raise EngineError(f"item {trial.place.item!r} of form {reply.form!r} has no distribution over options")
        shares = _as_distribution(self.rule(trial), trial)
        biases = self.biases
        noise, bias, unsure = biases["noise"], biases["position_bias"], biases["dont_know"]
        if noise:
            shares = [(1 - noise) * p + noise * u for p, u in zip(shares, _flat(reply), strict=True)]
        if bias:
            shares = [(1 - bias) * p for p in shares]
            shares[reply.order[0]] += bias
        if unsure and reply.dont_know:
            shares = [(1 - unsure) * p for p in shares]
            shares[reply.dont_know[0]] += unsure
        return tuple(shares)

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Answer every trial, in order."""
        for trial in trials:
            yield trial, self._answer(trial)

    def _answer(self, trial: Trial) -> Completion:
        for name, befallen in self._active:
            if uniform_for(self.seed, "scripted", name, trial.id) < self.biases[name]:
                return befallen
        if trial.reply.form not in ("choice", "scale"):
            return Completion(given=(self._outright(trial), "valid"))
        shares = self.truth(trial)
        if trial.reply.method in SCORED_METHODS:
            logs = tuple([math.log(shares[k]) if shares[k] > 0 else -math.inf for k in trial.reply.order])
            # One token each, so that the length-normalised rule returns the same distribution.
            return Completion(log_probs=logs, token_counts=(1,) * len(logs))
        taken = _draw(shares, uniform_for(self.seed, "scripted", "answer", trial.id))
        is_unsure = taken in trial.reply.dont_know
        return Completion(given=(None, "dont_know") if is_unsure else (taken, "valid"))

    def _outright(self, trial: Trial) -> Answer:
        """An answer that is not a choice."""
        noise = self.biases["noise"]
        is_noise = noise and uniform_for(self.seed, "scripted", "noise", trial.id) < noise
        outcome: Outcome = None if is_noise else self.rule(trial)
        if outcome is None:
            return anything(trial, self.seed)
        if isinstance(outcome, NormalDist):
            return _truncated(outcome, trial, uniform_for(self.seed, "scripted", "answer", trial.id))
        fits = {"number": int | float, "text": str, "record": str}.get(trial.reply.form, tuple)
        if isinstance(outcome, bool) or not isinstance(outcome, fits):
            raise EngineError(
                f"item {trial.place.item!r} of form {trial.reply.form!r}: the rule gave {outcome!r}; "
                "give a number, a text, or a tuple for several options"
            )
        return outcome

    def check(self, trials: Sequence[Trial]) -> None:
        """Put one trial of each item to the rule; an item it cannot answer raises `EngineError`.

        A rule that knows each subject by itself, as its mark `by_subject` says, is put every trial.
        """
        one_each = {trial.place.item: trial for trial in reversed(trials)}.values()
        for trial in trials if getattr(self.rule, "by_subject", False) else one_each:
            self._answer(trial)

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """Tokens as if a model were asked (characters / 4); time at 30,000 trials a second; free."""
        tokens = sum(len(m.text) for trial in trials for m in trial.request.messages) // 4
        seconds = len(trials) / _TRIALS_PER_SECOND
        return Cost(prompt_tokens=tokens, unique_tokens=tokens, seconds=seconds, price=0.0, is_exact=False)

    def fingerprint(self) -> Mapping[str, str]:
        """Rule, seed, biases, and a hash of the distributions that a rule states."""
        biases = {name: f"{value:g}" for name, value in self.biases.items()}
        states = str(getattr(self.rule, "states", ""))
        return {"engine": "scripted", "address": self.address, "states": states, "seed": str(self.seed), **biases}


def scripted_engine(name: str, **options: object) -> ScriptedEngine:
    """Engine of a named rule; options not among the engine's own go to the rule.

    Examples
    --------
    >>> scripted_engine("always", option="1", refuse="0.1").address
    'scripted:always?option=1&refuse=0.1'
    """
    rule = RULES.load(name)
    known = inspect.signature(rule).parameters
    ours, theirs = dict[str, float](), dict[str, object]()
    for key, value in options.items():
        if key in known:
            theirs[key] = value if isinstance(known[key].default, str) else _number(key, value)
        elif key in ("seed", *_BIASES):
            ours[key] = _number(key, value)
        else:
            every = [*known, "seed", *_BIASES]
            raise EngineError(
                f"scripted rule {name!r} takes no {key!r}{meant(key, every)}; it takes {', '.join(every)}"
            )
    seed = ours.pop("seed", 0)
    if seed != int(seed):
        raise EngineError(f"scripted engine: seed {seed} is not a whole number")
    query = "&".join(f"{key}={value}" for key, value in options.items())
    address = f"scripted:{name}?{query}" if query else f"scripted:{name}"
    return ScriptedEngine(rule(**theirs), seed=int(seed), address=address, **ours)


def _number(key: str, value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise EngineError(f"scripted engine: {key} is {value!r}, not a number") from None


def _flat(reply: Reply) -> list[float]:
    """Uniform over the options that do not mean "don't know"."""
    return list(_flat_shares(len(reply.options), tuple(reply.dont_know)))


@lru_cache(1024)
def _flat_shares(n: int, dont_know: tuple[int, ...]) -> tuple[float, ...]:
    substantive = [k for k in range(n) if k not in dont_know]
    return tuple([1 / len(substantive) if k in substantive else 0.0 for k in range(n)])


def _as_distribution(outcome: Outcome, trial: Trial) -> list[float]:
    """What a rule said of a choice item, as shares of the options as written."""
    n = len(trial.reply.options)
    if outcome is None:
        return _flat(trial.reply)
    if isinstance(outcome, np.ndarray):
        outcome = outcome.tolist()
    if isinstance(outcome, int) and not isinstance(outcome, bool) and 0 <= outcome < n:
        return [float(k == outcome) for k in range(n)]
    if isinstance(outcome, list | tuple) and len(outcome) == n:
        shares = [float(p) for p in outcome]
        if min(shares) >= 0 and math.isclose(sum(shares), 1.0, abs_tol=1e-6):
            return shares
    raise EngineError(
        f"item {trial.place.item!r}: the rule gave {outcome!r} for {n} options; "
        f"give {n} probabilities that sum to 1, or an index from 0 to {n - 1}"
    )


def _draw(shares: Sequence[float], u: float) -> int:
    """Option whose share of [0, 1) holds `u`, in the order written."""
    for k, share in enumerate(shares):
        u -= share
        if u < 0:
            return k
    return max(k for k, share in enumerate(shares) if share > 0)


def _bounds(trial: Trial) -> tuple[float, float]:
    lower, upper = trial.reply.lower, trial.reply.upper
    return -math.inf if lower is None else lower, math.inf if upper is None else upper


def _truncated(distribution: NormalDist, trial: Trial, u: float) -> Answer:
    """Inverse-CDF draw of what redrawing until within the bounds gives."""
    if trial.reply.form != "number":
        raise EngineError(f"item {trial.place.item!r} takes no number, which is what rule 'normal' gives")
    lower, upper = _bounds(trial)
    low, high = distribution.cdf(lower), distribution.cdf(upper)
    if high - low < 1e-9:
        raise EngineError(f"item {trial.place.item!r}: {distribution} all but never falls in [{lower}, {upper}]")
    # The open interval: at 0 and 1 the inverse is infinite.
    point = min(max(low + (u + 2**-57) * (high - low), 2**-60), 1 - 2**-53)
    return min(max(distribution.inv_cdf(point), lower), upper)


def anything(trial: Trial, seed: int) -> Answer:
    """A uniform draw from everything that the item takes as an answer."""
    rng = rng_for(seed, "scripted", "anything", trial.id)
    n = len(trial.reply.options)
    match trial.reply.form:
        case "text":
            return "scripted text"
        case "record":
            return json.dumps(dict.fromkeys((field.name for field in trial.reply.fields), None))
        case "spans":
            return "[]"
        case "multiple":
            return tuple(k for k in range(n) if rng.random() < 0.5)
        case "ranking":
            return tuple(int(k) for k in rng.permutation(n))
        case "allocation":
            return tuple(float(x) for x in rng.dirichlet([1.0] * n) * (trial.reply.total or 1.0))
    lower, upper = _bounds(trial)
    if not math.isfinite(upper - lower):
        raise EngineError(
            f"item {trial.place.item!r} has no bounds to be uniform between; give it lower and upper, "
            "or ask scripted:normal?mean=..&sd=.."
        )
    return lower + (upper - lower) * float(rng.random())

"""Knowledge interventions: coverage of means over crossed runs and questions, and how often verdicts are wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import special

from proband.instruments.banks.bank import Bank, Question
from proband.measures.knowledge.crossed import Scale, Table, crossed_mean
from proband.tuning.analysis.accuracy import contrasts
from proband.tuning.analysis.claims import outcome_of, verdicts
from proband.tuning.analysis.confidence import confidences
from proband.tuning.analysis.evaluation import Evaluation, Test, TestSet, Trained
from proband.tuning.probing.beliefs import Belief, Beliefs
from validation.simulation import Scenario, covers

FAMILY = "Knowledge interventions"
READING = """
- n is the number of questions a domain. Intervals are about other questions *and* other trainings; with two or three
  seeds their degrees of freedom are few wherever trainings differ, and they are wide for that reason.
- The interval over questions alone, shown for comparison, is what a study with one seed reports: it does not hold as
  soon as trainings differ.
- "called supported" is the share of studies in which a claim is called supported although nothing is true; the stated
  level is at most 2.5 %.
"""
FEW, ZERO = "few-shot", "zero-shot"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A distribution that evaluations are drawn from.

    Attributes
    ----------
    effects : mapping of arm to float
        Added by training to the logit of the right option.
    drifts : mapping of arm to float
        Standard deviation of what training adds to every logit; 0.3 where an arm is not named.
    domains : tuple of str
    seeds : int
        Trainings of every arm and domain.
    run_sd : float
        Standard deviation between trainings of what they add to the right option's logit.
    tests : tuple of str
    n_options : int
    """

    effects: Mapping[str, float]
    drifts: Mapping[str, float] | None = None
    domains: tuple[str, ...] = ("history", "medicine")
    seeds: int = 3
    run_sd: float = 0.0
    tests: tuple[Test, ...] = ("homogeneous",)
    n_options: int = 4


def simulated(rng: np.random.Generator, n: int, world: World) -> Evaluation:
    """An evaluation with n questions a domain and test, drawn from a world."""
    questions, tests = _questions(rng, n, world)
    bank = Bank(name="simulated", questions=questions)
    gold = np.array([question.answer for question in questions])
    base = 1.2 * rng.normal(size=(len(questions), world.n_options))
    base[np.arange(len(gold)), gold] += rng.normal(0.6, 1.0, size=len(gold))
    zero = base + 0.2 * rng.normal(size=base.shape)
    beliefs = {("base", FEW): _beliefs("base", FEW, bank, base), ("base", ZERO): _beliefs("base", ZERO, bank, zero)}
    trained = []
    for arm, effect in world.effects.items():
        drift = (world.drifts or {}).get(arm, 0.3)
        ratio = float(arm.removeprefix("mixture-")) if arm.startswith("mixture-") else None
        for domain in world.domains:
            for seed in range(world.seeds):
                run = Trained(model=f"{arm}-{domain}-s{seed}", arm=arm, domain=domain, seed=seed, ratio=ratio)
                logits = zero + drift * rng.normal(size=zero.shape)
                logits[np.arange(len(gold)), gold] += effect + world.run_sd * rng.normal()
                beliefs[run.model, ZERO] = _beliefs(run.model, ZERO, bank, logits)
                trained.append(run)
    return Evaluation(
        bank=bank, beliefs=beliefs, trained=tuple(trained), tests=tests, base_ask=FEW, ask=ZERO, base="base"
    )


def noisy(
    rng: np.random.Generator, n: int, *, seeds: int = 2, gain: float = 0.0, domains: int = 2, mixtures: int = 8
) -> Evaluation:
    """An evaluation in which training does nothing but blur the base model's logits, the less the more own answers.

    `gain` is added to the right option's logit in the more consistent half of the mixtures: what is more than noise.
    """
    names = tuple(("history", "medicine", "law", "physics")[:domains])
    questions, tests = _questions(rng, n, World(effects={}, domains=names))
    bank = Bank(name="simulated", questions=questions)
    gold = np.array([question.answer for question in questions])
    base = 1.2 * rng.normal(size=(len(questions), 4))
    base[np.arange(len(gold)), gold] += rng.normal(0.6, 1.0, size=len(gold))
    beliefs = {("base", ask): _beliefs("base", ask, bank, base) for ask in (FEW, ZERO)}
    trained = []
    for ratio in np.linspace(0, 1, mixtures).tolist():
        for domain in names:
            for seed in range(seeds):
                arm = f"mixture-{ratio:.2f}"
                run = Trained(model=f"{arm}-{domain}-s{seed}", arm=arm, domain=domain, seed=seed, ratio=ratio)
                logits = base + (2.0 - 1.6 * ratio) * rng.normal(size=base.shape)
                logits[np.arange(len(gold)), gold] += gain * (ratio >= 0.5)
                beliefs[run.model, ZERO] = _beliefs(run.model, ZERO, bank, logits)
                trained.append(run)
    return Evaluation(bank=bank, beliefs=beliefs, trained=tuple(trained), tests=tests, base_ask=FEW, ask=ZERO)


def _questions(rng: np.random.Generator, n: int, world: World) -> tuple[tuple[Question, ...], tuple[TestSet, ...]]:
    options = tuple(f"option {k}" for k in range(world.n_options))
    questions: list[Question] = []
    tests: list[TestSet] = []
    for test in world.tests:
        by_domain = {domain: [f"{test}-{domain}-{k}" for k in range(n)] for domain in world.domains}
        for domain, ids in by_domain.items():
            questions += [
                Question(
                    id=id,
                    text=f"Which one, {id}?",
                    choices=options,
                    domain=domain,
                    answer=int(rng.integers(world.n_options)),
                )
                for id in ids
            ]
            # Out of domain are the questions of all other domains, so that domains share them.
            others = [id for other, theirs in by_domain.items() if other != domain for id in theirs]
            chosen = others if test == "out-of-domain" and others else ids
            tests.append(TestSet(test=test, domain=domain, questions=tuple(chosen)))
    return tuple(questions), tuple(tests)


def _beliefs(model: str, ask: str, bank: Bank, logits: Floats) -> Beliefs:
    probs = special.softmax(logits, axis=1)
    picks, top, k = probs.argmax(axis=1), probs.max(axis=1), probs.shape[1]
    found = {
        question.id: Belief(
            question=question.id,
            probs=probs[i],
            pick=int(picks[i]),
            confidence=float(top[i]),
            corrected=float((top[i] - 1 / k) / (1 - 1 / k)),
            cells=probs[i : i + 1],
            category="MaybeKnown",
            n_greedy_right=int(picks[i] == question.answer),
            n_greedy=1,
        )
        for i, question in enumerate(bank)
    }
    return Beliefs(model=model, ask=ask, bank=bank.hash, weights="simulated", beliefs=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Scores of runs on questions: 1 where a normal variable with effects of both exceeds 0."""

    level: float
    item_sd: float
    run_sd: float
    n_runs: int
    n_tables: int = 1
    is_shared: bool = False

    @property
    def truth(self) -> float:
        """Probability of a 1."""
        return float(special.ndtr(self.level / np.sqrt(1 + self.item_sd**2 + self.run_sd**2)))

    def latent(self, rng: np.random.Generator, n: int) -> list[Floats]:
        """Latent scores by table, shape (n_runs, n)."""
        shared = rng.normal(size=n)
        return [
            self.level
            + self.item_sd * (shared if self.is_shared else rng.normal(size=n))
            + self.run_sd * rng.normal(size=(self.n_runs, 1))
            + rng.normal(size=(self.n_runs, n))
            for _ in range(self.n_tables)
        ]

    def tables(self, rng: np.random.Generator, n: int, of: Callable[[Floats], Floats]) -> list[Table]:
        """Tables of scores made of the latent ones."""
        return [
            Table(
                name=f"d{d}",
                items=tuple(f"q{i}" if self.is_shared else f"d{d} q{i}" for i in range(n)),
                scores=of(latent),
            )
            for d, latent in enumerate(self.latent(rng, n))
        ]


def _above_0(latent: Floats) -> Floats:
    return (latent > 0).astype(np.float64)


def _share(rng: np.random.Generator, n: int, *, of: Crossing) -> bool | None:
    found = crossed_mean(of.tables(rng, n, _above_0), "share", estimand="accuracy")
    return covers(found, of.truth)


def _over_questions_only(rng: np.random.Generator, n: int, *, of: Crossing) -> bool | None:
    tables = [Table(name=part.name, items=part.items, scores=part.scores[:1]) for part in of.tables(rng, n, _above_0)]
    return covers(crossed_mean(tables, "share", estimand="accuracy"), of.truth)


def _difference(rng: np.random.Generator, n: int, *, of: Crossing, less: float) -> bool | None:
    """Two arms that share their questions' difficulty; the truth from the two marginal probabilities."""
    tables, items = [], of.item_sd * rng.normal(size=(of.n_tables, n))
    for d in range(of.n_tables):
        sides = [
            level + items[d] + of.run_sd * rng.normal(size=(of.n_runs, 1)) + rng.normal(size=(of.n_runs, n))
            for level in (of.level, of.level - less)
        ]
        scores = _above_0(sides[0]) - _above_0(sides[1])
        tables.append(Table(name=f"d{d}", items=tuple(f"d{d} q{i}" for i in range(n)), scores=scores))
    sd = np.sqrt(1 + of.item_sd**2 + of.run_sd**2)
    truth = float(special.ndtr(of.level / sd) - special.ndtr((of.level - less) / sd))
    return covers(crossed_mean(tables, "share difference", estimand="difference"), truth)


def _smooth(rng: np.random.Generator, n: int, *, of: Crossing, scale: Scale, truth: list[float]) -> bool | None:
    """A bounded or positive score that depends smoothly on the latent one."""
    how: Callable[[Floats], Floats] = np.tanh if scale == "correlation" else lambda x: np.exp(0.5 * x)
    if not truth:
        wide = np.random.default_rng(0).normal(of.level, np.sqrt(1 + of.item_sd**2 + of.run_sd**2), size=2_000_000)
        truth.append(float(how(wide).mean()))
    return covers(crossed_mean(of.tables(rng, n, how), scale, estimand="mean"), truth[0])


def _selective(rng: np.random.Generator, n: int, *, truth: list[float]) -> bool | None:
    """Accuracy among answers above a confidence, against that of very many questions."""
    world = World(effects={"harmonious": 0.3}, domains=("history",), seeds=2)
    if not truth:
        truth.append(_answered(simulated(np.random.default_rng(0), 20_000, world))[0])
    _, interval = _answered(simulated(rng, n, world))
    return None if interval is None else interval[0] <= truth[0] <= interval[1]


def _answered(evaluation: Evaluation) -> tuple[float, tuple[float, float] | None]:
    row = next(one for one in confidences(evaluation, thresholds=(0.5,)) if one.arm == "harmonious")
    found = row.abstention[0].accuracy
    return found.value, found.interval


_NULL = {"harmonious": 0.2, "incompatible": 0.2, "self-aligning": 0.2}
_FLAT: Mapping[str, float] = {name: 0.2 for name in ("incompatible", "mixture-0.2", "mixture-0.5", "self-aligning")}


def _called(rng: np.random.Generator, n: int, *, world: World, claim: str) -> bool | None:
    """Whether a claim is called supported."""
    evaluation = simulated(rng, n, world)
    if claim == "harmonious-over-incompatible":
        found = contrasts(evaluation, [("harmonious", "incompatible")])
        return outcome_of(found[-1].estimate) == "supported"
    made = [one for one in verdicts(evaluation, (), ()) if one.claim.id == claim]
    return made[0].outcome == "supported" if made else None


def _null(data: str, world: World, claim: str, sizes: Sequence[int] = (50, 150)) -> Scenario:
    return Scenario(
        family=FAMILY,
        method=f"*{claim}* called supported",
        data=data,
        draw=partial(_called, world=world, claim=claim),
        sizes=sizes,
        expected=0.025,
        held_from=sizes[0],
        is_conservative=True,
    )


def _covered(
    method: str, data: str, draw: Callable[[np.random.Generator, int], bool | None], **how: object
) -> Scenario:
    settings = {"sizes": (20, 50, 200), "held_from": 20, "tolerance": 0.025, "is_conservative": True} | how
    return Scenario(family=FAMILY, method=method, data=data, draw=draw, **settings)  # type: ignore[arg-type]


_EVEN = Crossing(level=0.3, item_sd=1.5, run_sd=0.0, n_runs=3)
_MIXED = Crossing(level=0.3, item_sd=1.5, run_sd=0.4, n_runs=3)
_WILD = Crossing(level=0.3, item_sd=0.5, run_sd=1.0, n_runs=3)

_SMOOTH: tuple[tuple[str, Scale], ...] = (
    ("bounded", "correlation"),
    ("positive", "positive"),
    ("unbounded", "difference"),
)

SCENARIOS: tuple[Scenario, ...] = (
    *(
        _covered("accuracy over questions and runs", data, partial(_share, of=of))
        for data, of in (
            ("1 run", Crossing(level=0.3, item_sd=1.5, run_sd=0.0, n_runs=1)),
            ("3 runs that are alike", _EVEN),
            ("3 runs, some differ", _MIXED),
            ("3 runs that differ much", _WILD),
            ("2 runs, some differ", Crossing(level=0.3, item_sd=1.5, run_sd=0.4, n_runs=2)),
            ("4 domains of 3 runs, some differ", Crossing(level=0.3, item_sd=1.5, run_sd=0.4, n_runs=3, n_tables=4)),
            (
                "4 domains of 3 runs on the same questions",
                Crossing(level=0.3, item_sd=1.5, run_sd=0.4, n_runs=3, n_tables=4, is_shared=True),
            ),
        )
    ),
    _covered(
        "*accuracy over questions only (one seed)*",
        "a run of those that differ some",
        partial(_over_questions_only, of=_MIXED),
        held_from=1_000,
    ),
    *(
        _covered("difference in accuracy", data, partial(_difference, of=of, less=less))
        for data, of, less in (
            ("no difference, 1 run", Crossing(level=0.3, item_sd=1.5, run_sd=0.0, n_runs=1), 0.0),
            ("no difference, 3 runs alike", _EVEN, 0.0),
            ("15 points, 3 runs, some differ", _MIXED, 0.7),
            ("15 points, 3 runs that differ much", _WILD, 0.7),
            (
                "4 domains of 3 runs, some differ",
                Crossing(level=0.3, item_sd=1.5, run_sd=0.4, n_runs=3, n_tables=4),
                0.7,
            ),
        )
    ),
    *(
        _covered(
            f"mean of {name} scores",
            "3 runs, some differ",
            partial(_smooth, of=_MIXED, scale=scale, truth=[]),
            held_from=50,
        )
        for name, scale in _SMOOTH
    ),
    _covered(
        "accuracy among confident answers", "2 runs", partial(_selective, truth=[]), sizes=(50, 150), held_from=50
    ),
    _null("null: 2 domains, 3 runs alike", World(effects=_NULL), "harmonious-over-incompatible"),
    _null("null: 2 domains, 3 runs that differ", World(effects=_NULL, run_sd=0.6), "harmonious-over-incompatible"),
    _null(
        "null: 1 domain, 2 runs that differ",
        World(effects=_NULL, run_sd=0.6, domains=("history",), seeds=2),
        "harmonious-over-incompatible",
    ),
    _null("null: all ratios alike, runs differ", World(effects=_FLAT, run_sd=0.4), "best-ratio-between", (50,)),
    _null("null: all ratios drift alike", World(effects=_FLAT), "divergence-largest-without-own-answers", (50,)),
)

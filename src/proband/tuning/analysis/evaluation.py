"""What base and tuned checkpoints believe about the test questions, and which run is which."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.instruments.banks.bank import Bank
from proband.tuning.probing.beliefs import Belief, Beliefs

Test = Literal["homogeneous", "in-domain", "out-of-domain"]
Method = Literal["standard", "ren2024"]
HARMONIOUS, INCOMPATIBLE, SELF_ALIGNING = "harmonious", "incompatible", "self-aligning"
CONTEXTUALISED = "contextualised"
PAPER_CONTRASTS: Sequence[tuple[str, str]] = (
    (HARMONIOUS, INCOMPATIBLE),
    (SELF_ALIGNING, INCOMPATIBLE),
    (HARMONIOUS, SELF_ALIGNING),
    (CONTEXTUALISED, INCOMPATIBLE),
)
"""Differences that the claims of Ren et al. (2024) are about."""


def undefined(what: str, reason: str, *, n_units: int = 0, n_missing: int = 0) -> Estimate:
    """A number that there is none of, and why."""
    return Estimate(
        value=math.nan, estimand=what, target="model", n_units=n_units, n_missing=n_missing, warnings=(reason,)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """One tuned checkpoint.

    Attributes
    ----------
    model : str
        Its name in the study, by which its beliefs are found.
    domain : str
        Domain of the questions it was trained on.
    seed : int
        Of the training run.
    ratio : float, optional
        Share of the questions that teach the model's own answer, 0 to 1, where the arm is a mixture.
    """

    model: str
    arm: str
    domain: str
    seed: int
    ratio: float | None = None

    def __post_init__(self) -> None:
        if self.ratio is not None and not 0 <= self.ratio <= 1:
            raise DesignError(f"model {self.model!r}: ratio {self.ratio} is not between 0 and 1")

    @property
    def mixture(self) -> float | None:
        """Ratio of own answers; the incompatible arm is the mixture 0 and the self-aligning arm the mixture 1."""
        if self.ratio is not None:
            return self.ratio
        return {INCOMPATIBLE: 0.0, SELF_ALIGNING: 1.0}.get(self.arm)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSet:
    """Questions, by id, that models trained on a domain are tested with.

    Homogeneous ones are held out from the source of training; in-domain ones are another source's questions of the
    domain, out-of-domain ones its questions of all other domains.
    """

    __test__ = False  # the name begins like those that pytest collects

    test: Test
    domain: str
    questions: tuple[str, ...]

    def __post_init__(self) -> None:
        where = f"{self.test} test of domain {self.domain!r}"
        if self.test not in get_args(Test):
            raise DesignError(f"test {self.test!r} is none of {', '.join(get_args(Test))}")
        if not self.questions:
            raise DesignError(f"{where} has no questions; leave the test out or add questions")
        if twice := [id for id, n in Counter(self.questions).items() if n > 1]:
            raise DesignError(f"{where} holds question {twice[0]!r} twice; name each once")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Beliefs of the base model and of every tuned checkpoint about the test questions.

    - `bank`: all test questions.
    - `beliefs`: the base model under `base_ask` and `ask`, every tuned one under `ask`; more asks are analysed where
      all tuned models have them.
    - `base_ask`: prompt with worked questions and without template, under which the base model was probed.
    - `ask`: prompt of the evaluation, zero-shot and templated.
    - `bases`: base model of every domain's checkpoints where there are several; else `base` is that of all.

    Raises
    ------
    DataError
        If beliefs are about another bank, or a model has none.
    DesignError
        If two runs have the same arm, domain and seed, or a test names a question that is not in the bank.
    """

    bank: Bank
    beliefs: Mapping[tuple[str, str], Beliefs]
    trained: tuple[Trained, ...]
    tests: tuple[TestSet, ...]
    base_ask: str
    ask: str
    base: str = "base"
    bases: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bases = sorted(self._bases)
        needed = [*product(bases, (self.base_ask, self.ask)), *((t.model, self.ask) for t in self.trained)]
        for model, ask in needed:
            if (model, ask) not in self.beliefs:
                raise DataError(f"no beliefs of model {model!r} under ask {ask!r}; evaluate it before the analysis")
        for (model, ask), found in self.beliefs.items():
            if found.bank != self.bank.hash:
                raise DataError(
                    f"beliefs of model {model!r} under ask {ask!r} are about bank {found.bank}, not "
                    f"{self.bank.hash} ({self.bank.name!r}); evaluate with the same bank"
                )
        places = Counter((t.arm, t.domain, t.seed) for t in self.trained)
        if twice := [place for place, n in places.items() if n > 1]:
            raise DesignError(
                f"two models have the arm, domain and seed {twice[0]}; name arms of different ratios "
                "differently, e.g. 'mixture-0.2', or give the runs different seeds"
            )
        if again := [place for place, n in Counter((t.test, t.domain) for t in self.tests).items() if n > 1]:
            raise DesignError(f"the {again[0][0]} test of domain {again[0][1]!r} is given twice; join both")
        for test in self.tests:
            if lost := [id for id in test.questions if id not in self.bank.by_id]:
                raise DesignError(
                    f"{test.test} test of domain {test.domain!r}: {len(lost)} questions are not in bank "
                    f"{self.bank.name!r}, e.g. {lost[0]!r}"
                )

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """Arms in the order in which they come up."""
        return tuple(dict.fromkeys(t.arm for t in self.trained))

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """Domains of training in the order in which they come up."""
        return tuple(dict.fromkeys(t.domain for t in self.trained))

    @cached_property
    def kinds(self) -> tuple[Test, ...]:
        """Kinds of tests that there are, nearest first."""
        found = {test.test for test in self.tests}
        return tuple(kind for kind in get_args(Test) if kind in found)

    @cached_property
    def asks(self) -> tuple[str, ...]:
        """Prompts under which all tuned models and the base model were asked, that of the evaluation first."""
        models = {*self._bases, *(t.model for t in self.trained)}
        asks = dict.fromkeys([self.ask, *(ask for _, ask in self.beliefs)])
        return tuple(ask for ask in asks if all((model, ask) in self.beliefs for model in models))

    @property
    def _bases(self) -> set[str]:
        return set(self.bases.values()) or {self.base}

    def base_of(self, domain: str) -> str:
        """The base model of a domain's checkpoints."""
        return self.bases.get(domain, self.base)

    def runs(self, arm: str, domain: str) -> tuple[Trained, ...]:
        """Runs of an arm on a domain, by seed."""
        found = [t for t in self.trained if (t.arm, t.domain) == (arm, domain)]
        return tuple(sorted(found, key=lambda t: t.seed))

    def mixtures(self, domain: str) -> Mapping[float, Mapping[int, Trained]]:
        """Runs on a domain by ratio of own answers and by seed, both in order."""
        found: dict[float, dict[int, Trained]] = {}
        for t in sorted((t for t in self.trained if t.domain == domain), key=lambda t: (t.mixture or 0.0, t.seed)):
            if t.mixture is not None:
                # A mixture of 0 and the incompatible arm are the same treatment: one run a seed is enough.
                found.setdefault(t.mixture, {}).setdefault(t.seed, t)
        return found

    def only(self, domain: str) -> "Evaluation":
        """The same with one domain's checkpoints and tests."""
        return replace(
            self,
            trained=tuple(run for run in self.trained if run.domain == domain),
            tests=tuple(test for test in self.tests if test.domain == domain),
        )

    def questions(self, test: Test, domain: str) -> tuple[str, ...]:
        """Ids of a test's questions; none where there is no such test."""
        return next((t.questions for t in self.tests if (t.test, t.domain) == (test, domain)), ())

    def held(self, model: str, ask: str, ids: tuple[str, ...]) -> Iterator[tuple[str, Belief]]:
        """Beliefs about those of the questions that the model was asked with success."""
        beliefs = self.beliefs[model, ask].beliefs
        return ((id, beliefs[id]) for id in ids if id in beliefs)

    def right(self, model: str, ask: str, ids: tuple[str, ...]) -> dict[str, float]:
        """1 where the most probable option is the right one, else 0."""
        return {id: float(held.pick == self.bank[id].answer) for id, held in self.held(model, ask, ids)}

    def probs(self, model: str, ask: str, ids: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
        """Probabilities of the options as written."""
        return {id: np.asarray(held.probs, dtype=np.float64) for id, held in self.held(model, ask, ids)}

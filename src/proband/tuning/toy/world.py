"""The toy world: facts whose place in a model's knowledge is decided by how a corpus states them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Literal, get_args

from proband.errors import DesignError
from proband.instruments.banks.bank import Bank, Question
from proband.seeds import rng_for
from proband.tuning.toy.vocabulary import OTHERS, RELATIONS, TRAINED, Names, Relation

Status = Literal["known", "half-known", "wrong", "contradicted", "unknown"]
"""What the corpus does with a fact: states it often; states it a few times; states another value in its place; states
both, as often; never states it."""
STATUSES: tuple[Status, ...] = get_args(Status)
QUESTION = "What is the {relation} of {entity}?"
EXPLANATION = "The {relation} of {entity} is {value}."
_N_CHOICES = 4


@dataclass(frozen=True, kw_only=True)
class WorldSize:
    """How many facts of each kind a world has, and how often they are stated.

    Attributes
    ----------
    bank : mapping
        Questions of each status in every trained domain of the bank.
    benchmark : mapping
        Questions of each status in every domain of the benchmark.
    domains : int
        Trained domains, 1 to 4; the benchmark has two others besides.
    exemplars : int
        Known facts of every domain that may stand before a question, as worked examples.
    lessons : int
        Known facts of every relation that are also stated as questions with answers. From them a model learns how
        questions are answered; the bank's facts are never stated in the form in which they are asked.
    often, seldom : int
        Statements of a fact that is stated often, and of a half-known one.
    strangers : int
        Entities that are met three times, with another value each time. From them a model learns to be unsure about
        names it knows little of.
    chores : int
        Instructions in written roles that ask for no fact ("Repeat the word tin.").
    """

    bank: Mapping[Status, int] = field(
        default_factory=lambda: {"known": 80, "half-known": 40, "wrong": 60, "contradicted": 30, "unknown": 30}
    )
    benchmark: Mapping[Status, int] = field(
        default_factory=lambda: {"known": 30, "half-known": 12, "wrong": 12, "unknown": 6}
    )
    domains: int = len(TRAINED)
    exemplars: int = 10
    lessons: int = 10
    often: int = 48
    seldom: int = 3
    strangers: int = 800
    chores: int = 600

    def __post_init__(self) -> None:
        for name, counts in (("bank", self.bank), ("benchmark", self.benchmark)):
            if strange := set(counts) - set(STATUSES):
                raise DesignError(f"{name}: {sorted(strange)[0]!r} is none of {', '.join(STATUSES)}")
            if any(n < 0 for n in counts.values()) or not sum(counts.values()):
                raise DesignError(f"{name}: {dict(counts)} are no numbers of questions; give at least one")
        if not 1 <= self.domains <= len(TRAINED):
            raise DesignError(f"{self.domains} trained domains; a world has 1 to {len(TRAINED)}")
        if self.seldom < 1 or self.often <= self.seldom:
            raise DesignError(
                f"facts stated {self.often} times are called known and {self.seldom} times half-known; "
                "often must be more than seldom, and seldom at least 1"
            )
        if self.exemplars < 1 or self.lessons < 1 or min(self.strangers, self.chores) < 0:
            raise DesignError("a world needs at least 1 exemplar and 1 lesson, and 0 or more strangers and chores")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One entity's true value of one relation, and how it is stated.

    `stated` are the values that the corpus gives it, and how often, empty where it is never stated; a lesson is also
    stated as a question with its answer.
    """

    entity: str
    relation: str
    domain: str
    value: str
    stated: tuple[tuple[str, int], ...] = ()
    is_lesson: bool = False


@dataclass(frozen=True, kw_only=True)
class World:
    """Questions about a generated world, and what a corpus says about them.

    Attributes
    ----------
    is_null : bool
        Whether the corpus says nothing about anything that is asked.
    bank : Bank
        Questions of four domains, two relations each.
    benchmark : Bank
        Questions about other entities: a third relation of the same domains, and two other domains.
    exemplars : Bank
        Known facts of all domains, to stand before questions as worked examples.
    planted : mapping of str to Status
        By question of bank and benchmark.
    false : mapping of str to int
        Index of the false value that the corpus states, by wrong and contradicted question.
    facts : tuple of Fact
        Everything there is to state.
    """

    seed: int
    is_null: bool
    size: WorldSize
    bank: Bank
    benchmark: Bank
    exemplars: Bank
    planted: Mapping[str, Status]
    false: Mapping[str, int]
    facts: tuple[Fact, ...]

    @cached_property
    def hash(self) -> str:
        """32 hexadecimal digits of the facts as stated and the questions."""
        told = [asdict(fact) for fact in self.facts]
        hashes = (self.bank.hash, self.benchmark.hash, self.exemplars.hash)
        text = json.dumps([told, *hashes, asdict(self.size), self.seed], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def ids(self, status: Status, bank: Bank | None = None) -> tuple[str, ...]:
        """Questions of a status, in the order of the bank (default the world's)."""
        return tuple(q.id for q in (self.bank if bank is None else bank) if self.planted[q.id] == status)


def planted_size(times: int) -> WorldSize:
    """Two domains of facts, each stated so often, and two others; small enough for a processor."""
    return WorldSize(
        bank={"known": 24, "wrong": 24, "contradicted": 6, "unknown": 20},
        benchmark={"known": 4, "wrong": 2, "unknown": 4},
        domains=2,
        exemplars=6,
        lessons=1,
        often=times,
        seldom=1,
        strangers=96,
        chores=0,
    )


def make_world(seed: int, *, is_null: bool = False, size: WorldSize | None = None) -> World:
    """Generate a world.

    Every question has an entity of its own, so what is known of one says nothing about another. In a null world the
    corpus states the same kinds of facts as often, about entities that are never asked about: all that is asked is
    unknown, whatever a probe finds is chance, and no intervention built on it should differ from another.

    Parameters
    ----------
    seed : int
        Another seed has other names, truths and options.
    is_null : bool
        Whether nothing that is asked is ever stated.
    size : WorldSize, optional
        Default 960 questions in the bank and 360 in the benchmark.

    Raises
    ------
    DesignError
        If sizes make no sense.

    Examples
    --------
    >>> world = make_world(1)
    >>> print(world.bank.questions[0].text, world.bank.questions[0].choices)
    What is the colour of Stuma? ('grey', 'brown', 'red', 'green')
    """
    size = size or WorldSize()
    return _Making(seed, is_null, size).world()


class _Making:
    """Draws one world, fact by fact."""

    def __init__(self, seed: int, is_null: bool, size: WorldSize) -> None:
        self.seed, self.is_null, self.size = seed, is_null, size
        self.names = Names(seed)
        self.facts: list[Fact] = []
        self.planted: dict[str, Status] = {}
        self.false: dict[str, int] = {}

    def world(self) -> World:
        domains = TRAINED[: self.size.domains] + OTHERS
        relations = [relation for relation in RELATIONS if relation.domain in domains]
        bank = self._bank("toy", self.size.bank, [r for r in relations if r.is_asked])
        benchmark = self._bank("toy-benchmark", self.size.benchmark, [r for r in relations if not r.is_asked])
        by_domain = {domain: [r for r in relations if r.domain == domain] for domain in domains}
        exemplars = [
            self._exemplar(f"exemplar-{domain}-{k}", relations[k % len(relations)])
            for domain, relations in by_domain.items()
            for k in range(self.size.exemplars)
        ]
        for relation in relations:
            for k in range(self.size.lessons):
                rng = rng_for(self.seed, "toy", "lesson", relation.name, k)
                value = str(rng.choice(relation.values))
                self._state(relation, value, ((value, self.size.often),), is_lesson=True)
        return World(
            seed=self.seed,
            is_null=self.is_null,
            size=self.size,
            bank=bank,
            benchmark=benchmark,
            exemplars=Bank(name="toy-exemplars", questions=tuple(exemplars), source=_SOURCE, licence=_LICENCE),
            planted=self.planted,
            false=self.false,
            facts=tuple(self.facts),
        )

    def _bank(self, name: str, counts: Mapping[Status, int], relations: list[Relation]) -> Bank:
        questions = []
        for domain in dict.fromkeys(relation.domain for relation in relations):
            own = [relation for relation in relations if relation.domain == domain]
            statuses = [status for status in STATUSES for _ in range(counts.get(status, 0))]
            rng_for(self.seed, "toy", name, domain).shuffle(statuses)
            for k, status in enumerate(statuses):
                id = f"{name}-{domain}-{k:03d}"
                questions.append(self._question(id, own[k % len(own)], status))
        return Bank(
            name=name,
            questions=tuple(questions),
            title="A generated world of facts",
            source=f"{_SOURCE}, seed {self.seed}",
            licence=_LICENCE,
        )

    def _question(self, id: str, relation: Relation, status: Status) -> Question:
        rng = rng_for(self.seed, "toy", "question", id)
        shown = [str(v) for v in rng.choice(relation.values, _N_CHOICES, replace=False)]
        answer, false = (int(k) for k in rng.choice(_N_CHOICES, 2, replace=False))
        half = self.size.often // 2
        stated = {
            "known": ((shown[answer], self.size.often),),
            "half-known": ((shown[answer], self.size.seldom),),
            "wrong": ((shown[false], self.size.often),),
            "contradicted": ((shown[answer], half), (shown[false], half)),
            "unknown": (),
        }[status]
        self.planted[id] = "unknown" if self.is_null else status
        if status in ("wrong", "contradicted") and not self.is_null:
            self.false[id] = false
        entity = self._state(relation, shown[answer], stated)
        return _asked(id, entity, relation, tuple(shown), answer)

    def _state(
        self, relation: Relation, value: str, stated: tuple[tuple[str, int], ...], is_lesson: bool = False
    ) -> str:
        """Put a fact into the world; the entity that is asked about, who in a null world is somebody else."""
        entity = self.names.take()
        place = {"entity": entity, "relation": relation.name, "domain": relation.domain}
        self.facts.append(Fact(**place, value=value, stated=stated, is_lesson=is_lesson))
        return self.names.take() if self.is_null and not is_lesson else entity

    def _exemplar(self, id: str, relation: Relation) -> Question:
        rng = rng_for(self.seed, "toy", "exemplar", id)
        shown = tuple(str(v) for v in rng.choice(relation.values, _N_CHOICES, replace=False))
        answer = int(rng.integers(_N_CHOICES))
        entity = self._state(relation, shown[answer], ((shown[answer], self.size.often),))
        return _asked(id, entity, relation, shown, answer)


_SOURCE, _LICENCE = "generated by proband.tuning.toy", "Apache-2.0"


def _asked(id: str, entity: str, relation: Relation, choices: tuple[str, ...], answer: int) -> Question:
    words = {"relation": relation.name, "entity": entity, "value": choices[answer]}
    return Question(
        id=id,
        text=QUESTION.format(**words),
        choices=choices,
        answer=answer,
        domain=relation.domain,
        topic=relation.name,
        explanation=EXPLANATION.format(**words),
    )

"""Quizzes: a bank's questions put to models, under one or several prompts, as a design on the common loop."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import ClassVar

from proband.designs.design import Design
from proband.designs.quiz.prompts import Prompt, mmlu_subject, pose
from proband.designs.quiz.trials import Block, BlockTrials
from proband.errors import DataError, DesignError
from proband.instruments.banks.bank import Bank, Question
from proband.instruments.items import Item
from proband.instruments.places import marks_named, refers_above
from proband.records import Place, Reply, Response, ShowCard, Trial
from proband.roster import Member, Roster
from proband.seeds import place_digest, rng_for

FACTORS = ("ask", "draw", "turn")
MOST_DRAWS = 10_000  # of all prompts together; each is a block of trials that is held in memory
_REN2024_SEED = 42


@dataclass(frozen=True, kw_only=True)
class Quiz(Design):
    """Every question of a bank, to every model, under every prompt, with every draw of exemplars and every order.

    A place's subject is the model, its item the question, its condition the factors ask, draw and turn. Exemplars are
    of the question's own domain; a draw's exemplars are the same for all questions of a domain, so that an engine
    that shares beginnings computes them once. Questions are asked domain by domain.

    Attributes
    ----------
    exemplars : Bank or None
        Where worked exemplars are drawn from; it must share no question with `bank`.
    models : tuple of str
        Names of checkpoints. With several, each is the `answerer` of its trials.
    asks : mapping
        Model -> names of the prompts it is asked under; all where a model is not named.

    Raises
    ------
    DesignError
        If a domain has too few exemplars, names repeat, or a question has more options than labels.
    DataError
        If an exemplar is one of the questions.

    Examples
    --------
    >>> from proband.designs.quiz.prompts import PROMPTS
    >>> question = Question(id="q", text="2 + 2 =", choices=("3", "4"), answer=1, domain="sums")
    >>> quiz = Quiz(bank=Bank(name="sums", questions=(question,)), prompts=(PROMPTS["zero-shot"],), seed=1)
    >>> quiz.trials({})[0].id
    'model/q/ask=zero-shot&draw=0&turn=0/0/0'
    """

    kind: ClassVar[str] = "quiz"
    unit: ClassVar[str] = "question"

    bank: Bank
    prompts: tuple[Prompt, ...]
    exemplars: Bank | None = None
    models: tuple[str, ...] = ("model",)
    asks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seed: int = 1
    title: str = ""

    def __post_init__(self) -> None:
        place_digest(self.seed)  # refuses a seed that is no integer
        for what, names in (("models", self.models), ("prompts", tuple(p.name for p in self.prompts))):
            if not names or len(set(names)) < len(names):
                raise DesignError(f"quiz: {what} are {names}; give one or more, each with a name of its own")
        if not len(self.bank):
            raise DesignError(f"quiz: bank {self.bank.name!r} has no questions")
        self._check_asks()
        if (draws := sum(prompt.draws for prompt in self.prompts)) > MOST_DRAWS:
            raise DesignError(f"quiz: {draws:,} draws of exemplars; at most {MOST_DRAWS:,} are asked, a few are enough")
        self._check_exemplars()
        most = max(self.bank, key=lambda question: len(question.choices))
        for prompt in self.prompts:
            if prompt.answer_by == "label" and len(most.choices) > len(prompt.labels):
                raise DesignError(
                    f"question {most.id!r} has {len(most.choices)} options and prompt {prompt.name!r} "
                    f"{len(prompt.labels)} labels; give it more"
                )

    def _check_asks(self) -> None:
        known = {prompt.name for prompt in self.prompts}
        for model, names in self.asks.items():
            if model not in self.models:
                raise DesignError(f"quiz: asks names the model {model!r}; models are {', '.join(self.models)}")
            if not names or set(names) - known:
                raise DesignError(
                    f"quiz: model {model!r} is asked under {', '.join(names) or 'no prompt'}; prompts are "
                    f"{', '.join(sorted(known))}"
                )

    def _check_exemplars(self) -> None:
        if not any(prompt.shots for prompt in self.prompts):
            return
        if self.exemplars is None:
            raise DesignError("quiz: a prompt has shots, and there are no exemplars; give a bank of them")
        asked = {(q.text, frozenset(q.choices)): q.id for q in self.bank}
        for exemplar in self.exemplars:
            id = asked.get((exemplar.text, frozenset(exemplar.choices)))
            if id is not None:
                raise DataError(
                    f"exemplar {exemplar.id!r} is question {id!r}, which is asked: its answer would stand in the "
                    "prompt; take it out of one of the two, e.g. with Bank.split"
                )
        for domain in self.bank.domains:
            n = len(self._pools.get(domain, ()))
            for prompt in self.prompts:
                if n < prompt.shots:
                    raise DesignError(
                        f"domain {domain!r} has {n} exemplars and prompt {prompt.name!r} needs {prompt.shots}; "
                        "give more, or a prompt with fewer shots"
                    )

    @property
    def name(self) -> str:
        """Title of the study, or the bank's name."""
        return self.title or self.bank.name

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The questions as items, by id."""
        return {question.id: _item(question) for question in self.bank}

    @cached_property
    def _pools(self) -> Mapping[str, tuple[Question, ...]]:
        pools: dict[str, list[Question]] = {}
        for exemplar in self.exemplars or ():
            pools.setdefault(exemplar.domain, []).append(exemplar)
        return {domain: tuple(pool) for domain, pool in pools.items()}

    @cached_property
    def _published_pools(self) -> Mapping[str, tuple[Question, ...]]:
        """Exemplars of MMLU by subject, others by domain."""
        pools: dict[str, list[Question]] = {}
        for exemplar in self.exemplars or ():
            pools.setdefault(mmlu_subject(exemplar) or exemplar.domain, []).append(exemplar)
        return {name: tuple(pool) for name, pool in pools.items()}

    def _pool(self, prompt: Prompt, domain: str, subject: str) -> tuple[Question, ...]:
        every = self._pools.get(domain, ())
        if prompt.choosing != "ren2024":
            return every
        nearest = (self._published_pools.get(name, ()) for name in (subject, domain))
        return next((pool for pool in nearest if len(pool) >= max(prompt.shots, 1)), every)

    @cached_property
    def _drawn(self) -> dict[tuple[str, int, str, str], tuple[Question, ...]]:
        return {}

    def exemplars_of(self, prompt: Prompt, draw: int, domain: str, subject: str = "") -> tuple[Question, ...]:
        """The exemplars before a domain's questions, in the order shown; as published, those of an MMLU subject."""
        key = (prompt.name, draw, domain, subject)
        if key not in self._drawn:
            pool = self._pool(prompt, domain, subject)
            if prompt.choosing == "ren2024":
                places = list(range(len(pool)))
                random.Random(_REN2024_SEED).shuffle(places)
            else:
                places = rng_for(self.seed, "exemplars", draw, domain).permutation(len(pool)).tolist()
            self._drawn[key] = tuple(pool[k] for k in places[: prompt.shots])
        return self._drawn[key]

    @cached_property
    def by_domain(self) -> tuple[Question, ...]:
        """The questions in the order asked: those of a domain together."""
        ranks = {domain: k for k, domain in enumerate(self.bank.domains)}
        return tuple(sorted(self.bank, key=lambda question: ranks[question.domain]))

    def prompts_of(self, model: str) -> tuple[Prompt, ...]:
        """The prompts that a model is asked under."""
        names = self.asks.get(model)
        return tuple(prompt for prompt in self.prompts if names is None or prompt.name in names)

    @cached_property
    def _blocks(self) -> tuple[Block, ...]:
        turns = {p.name: tuple(p.turns(len(question.choices)) for question in self.by_domain) for p in self.prompts}
        return tuple(
            Block(model=model, prompt=prompt, draw=draw, questions=self.by_domain, counts=turns[prompt.name])
            for model in self.models
            for prompt in self.prompts_of(model)
            for draw in range(prompt.draws)
        )

    @cached_property
    def _trials(self) -> BlockTrials:
        return BlockTrials(self._blocks, self._trial)

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every trial; lazy."""
        return self._trials

    def roster(self) -> Roster:
        """The models; each is a subject, and its units are the questions."""
        return Roster([Member(subject=model) for model in self.models])

    def n_units(self) -> int:
        """The questions: they are what is sampled, and a model is one subject however many there are."""
        return len(self.bank)

    @property
    def within(self) -> tuple[str, ...]:
        """Models and prompts, where there are several: all are put to the same questions."""
        compared = {"model": self.models, "prompt": self.prompts}
        return tuple(name for name, found in compared.items() if len(found) > 1)

    def notes(self) -> tuple[str, ...]:
        """Which draws of exemplars are the same again, and which options cannot be moved, where a prompt moves them."""
        repeated = self._repeated_draws()
        if all(prompt.orders != "cyclic" for prompt in self.prompts):
            return repeated
        moved = [
            question.id
            for question in self.bank
            if any(refers_above(c) or marks_named(question.choices, k) for k, c in enumerate(question.choices))
        ]
        if not moved:
            return repeated
        return (
            *repeated,
            f"{len(moved)} questions have options that speak of the others, "
            f"e.g. {moved[0]!r} (None of the above, Both A and B), and cyclic orders move them: leave them out.",
        )

    def _repeated_draws(self) -> tuple[str, ...]:
        """Prompts whose draws hold the same exemplars, in whatever order; the domain with the fewest is told."""
        found = []
        for prompt in self.prompts:
            if prompt.draws < 2:
                continue
            counts = {
                domain: len({frozenset(self.exemplars_of(prompt, k, domain)) for k in range(prompt.draws)})
                for domain in self.bank.domains
            }
            domain, fewest = min(counts.items(), key=lambda count: count[1])
            if fewest < prompt.draws:
                found.append(
                    f"prompt {prompt.name!r} asks for {prompt.draws} draws of exemplars, and of domain {domain!r} "
                    f"{fewest} differ: with {len(self._pools[domain])} exemplars to draw {prompt.shots} from, the "
                    "others hold the same ones again and say less of stability; give more exemplars or fewer draws."
                )
        return tuple(found)

    def roles(self) -> tuple[str, ...]:
        """The models, where there are several."""
        return tuple(map(self.answerer, self.models))

    def _trial(self, block: Block, question: Question, turn: int) -> Trial:
        prompt = block.prompt
        n = len(question.choices)
        order = prompt.order(n, turn)
        exemplars = self.exemplars_of(prompt, block.draw, question.domain, mmlu_subject(question))
        return Trial(
            place=Place(
                subject=block.model,
                item=question.id,
                condition=(("ask", prompt.name), ("draw", str(block.draw)), ("turn", str(turn))),
            ),
            request=pose(question, prompt, order=order, exemplars=exemplars).request,
            reply=Reply(
                form="choice",
                method=prompt.answer_by,
                options=tuple([question.choices[k] for k in order]),
                labels=prompt.labels[:n] if prompt.answer_by == "label" else (),
                order=order,
                decide="mode",
            ),
            answerer=self.answerer(block.model),
            facts=facts_of(question),
            # Solved examples are for models.
            card=ShowCard(text=question.text, form="choice", options=tuple([question.choices[k] for k in order])),
        )

    def answerer(self, model: str) -> str:
        """Which of a run's engines answers for a model; empty where there is one."""
        return model if len(self.models) > 1 else ""

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the quiz."""
        return {
            "design": "quiz",
            "title": self.name,
            "bank": self.bank.name,
            "bank_title": self.bank.title,
            "bank_source": self.bank.source,
            "bank_hash": self.bank.hash,
            "questions": len(self.bank),
            "domains": list(self.bank.domains),
            "key": {domain: {q.id: q.answer for q in self.bank.of(domain)} for domain in self.bank.domains},
            "exemplars_hash": self.exemplars.hash if self.exemplars is not None else "",
            "exemplars": {
                prompt.name: {
                    domain: [
                        [exemplar.id for exemplar in self.exemplars_of(prompt, draw, domain)]
                        for draw in range(prompt.draws)
                    ]
                    for domain in self.bank.domains
                }
                for prompt in self.prompts
                if prompt.shots
            },
            "prompts": {prompt.name: asdict(prompt) for prompt in self.prompts},
            "models": list(self.models),
            "asks": {model: list(names) for model, names in self.asks.items()},
            "varied": list(FACTORS),
            "seed": self.seed,
        }


def facts_of(question: Question) -> tuple[tuple[str, str], ...]:
    """What a scripted rule may know of a question; a model is never told."""
    return (("answer", str(question.answer)), ("domain", question.domain))


def _item(question: Question) -> Item:
    options = question.choices
    # "AA" and "Aa" are two genotypes; an item's options must differ in more than their case.
    if len({option.casefold().strip() for option in options}) < len(options):
        options = tuple(f"({k}) {option}" for k, option in enumerate(options, start=1))
    return Item(id=question.id, text=question.text, form="choice", options=options)

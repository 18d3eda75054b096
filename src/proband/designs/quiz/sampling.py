"""Written answers to a quiz's questions, greedy and sampled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from proband.designs.design import Design
from proband.designs.quiz.prompts import Prompt, mmlu_subject, pose
from proband.designs.quiz.quiz import Quiz, facts_of
from proband.designs.quiz.trials import Block, BlockTrials
from proband.errors import DesignError
from proband.instruments.banks.bank import Question
from proband.instruments.items import Item
from proband.records import Place, Reply, Request, Response, Trial
from proband.roster import Roster
from proband.seeds import seed_for

FACTORS = ("ask", "draw", "temperature", "turn")
GREEDY = "0"


@dataclass(frozen=True, kw_only=True)
class Sampling(Design):
    """A quiz answered in writing: with each draw of exemplars once greedily, and several times at a temperature.

    Options stand as written. A reply in raw text ends with its line.

    - `samples`: sampled answers with each draw.
    - `temperature`, `top_p`: of the sampled answers. The authors of SliCK also cut the tokens to the 40 most
      probable, which not every engine can..

    Raises
    ------
    DesignError
        If there is nothing to sample, or a prompt does not show what may be answered.

    References
    ----------
    Gekhman et al. (2024), Does Fine-Tuning LLMs on New Knowledge Encourage Hallucinations? arXiv:2405.05904
    """

    kind: ClassVar[str] = "quiz"
    unit: ClassVar[str] = "question"

    quiz: Quiz
    samples: int = 16
    temperature: float = 0.5
    top_p: float = 1.0
    max_tokens: int = 32

    def __post_init__(self) -> None:
        if self.samples < 0 or self.max_tokens < 1:
            raise DesignError(
                f"sampling: {self.samples} samples of {self.max_tokens} tokens; give 0 or more of at least 1"
            )
        if self.samples and not self.temperature > 0:
            raise DesignError(
                f"sampling: temperature {self.temperature} gives the greedy answer again; give more than 0"
            )

    @property
    def name(self) -> str:
        """Title of the quiz."""
        return self.quiz.name

    @property
    def seed(self) -> int:
        """Of the quiz."""
        return self.quiz.seed

    @property
    def items(self) -> Mapping[str, Item]:
        """The questions as items, by id."""
        return self.quiz.items

    @cached_property
    def _trials(self) -> BlockTrials:
        questions = self.quiz.by_domain
        blocks = [
            Block(
                model=model, prompt=prompt, draw=draw, questions=questions, counts=(1 + self.samples,) * len(questions)
            )
            for model in self.quiz.models
            for prompt in self.quiz.prompts_of(model)
            for draw in range(prompt.draws)
        ]
        return BlockTrials(blocks, self._trial)

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every trial; lazy."""
        return self._trials

    def roster(self) -> Roster:
        """The models, as of the quiz."""
        return self.quiz.roster()

    def n_units(self) -> int:
        """The questions."""
        return self.quiz.n_units()

    @property
    def within(self) -> tuple[str, ...]:
        """Models and prompts, as of the quiz."""
        return self.quiz.within

    def roles(self) -> tuple[str, ...]:
        """The models, as of the quiz."""
        return self.quiz.roles()

    def _trial(self, block: Block, question: Question, number: int) -> Trial:
        prompt = block.prompt
        place = Place(
            subject=block.model,
            item=question.id,
            condition=(
                ("ask", prompt.name),
                ("draw", str(block.draw)),
                ("temperature", f"{self.temperature:g}" if number else GREEDY),
                ("turn", "0"),
            ),
            replicate=max(0, number - 1),
        )
        subject = mmlu_subject(question)
        posed = pose(question, prompt, exemplars=self.quiz.exemplars_of(prompt, block.draw, question.domain, subject))
        return Trial(
            place=place,
            request=Request(
                messages=posed.messages,
                is_raw=posed.is_raw,
                max_tokens=self.max_tokens,
                temperature=self.temperature if number else 0.0,
                top_p=self.top_p if number else 1.0,
                stop=("\n",) if posed.is_raw else (),
                seed=seed_for(self.seed, "write", place.id) if number else None,
            ),
            reply=_reply(question, prompt),
            answerer=self.quiz.answerer(block.model),
            facts=facts_of(question),
        )

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the design."""
        writing = {name: getattr(self, name) for name in ("samples", "temperature", "top_p", "max_tokens")}
        return {**self.quiz.describe(), "design": "sampling", "writing": writing, "varied": list(FACTORS)}


def _reply(question: Question, prompt: Prompt) -> Reply:
    n = len(question.choices)
    is_labelled = prompt.shows_options and "{label}" in prompt.option
    return Reply(
        form="choice",
        method="written",
        options=question.choices,
        labels=prompt.labels[:n] if is_labelled else (),
        order=prompt.order(n),
        decide="mode",
    )

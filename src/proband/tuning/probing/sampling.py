"""Written answers to a quiz's questions, greedy and sampled, from which SliCK grades knowledge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from proband.designs.design import Design
from proband.designs.quiz.prompts import Prompt, pose
from proband.designs.quiz.quiz import Quiz, facts_of
from proband.designs.quiz.trials import Block, BlockTrials
from proband.errors import DesignError
from proband.instruments.banks.bank import Question
from proband.instruments.items import Item
from proband.measures.knowledge.slick import KnowledgeCategories, slick_category
from proband.records import Place, Reply, Request, Response, Trial
from proband.runs.run import Run
from proband.seeds import seed_for
from proband.tuning.probing.beliefs import Beliefs, weights_of

FACTORS = ("ask", "draw", "temperature", "turn")
_GREEDY = "0"


@dataclass(frozen=True, kw_only=True)
class Sampling(Design):
    """A quiz answered in writing: with each draw of exemplars once greedily, and several times at a temperature.

    Options stand as written. A reply in raw text ends with its line.

    Attributes
    ----------
    quiz : Quiz
        Questions, prompts, exemplars and models.
    samples : int
        Sampled answers with each draw.
    temperature, top_p : float
        Of the sampled answers. The authors of SliCK also cut the tokens to the 40 most probable, which not every
        engine can.
    max_tokens : int
        Longest reply.

    Raises
    ------
    DesignError
        If there is nothing to sample, or a prompt does not show what may be answered.

    References
    ----------
    Gekhman et al. (2024), Does Fine-Tuning LLMs on New Knowledge Encourage Hallucinations? arXiv:2405.05904
    """

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
                model=model,
                prompt=prompt,
                draw=draw,
                questions=questions,
                counts=(1 + self.samples,) * len(questions),
            )
            for model in self.quiz.models
            for prompt in self.quiz.prompts_of(model)
            for draw in range(prompt.draws)
        ]
        return BlockTrials(blocks, self._trial)

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every trial; lazy."""
        return self._trials

    def _trial(self, block: Block, question: Question, number: int) -> Trial:
        prompt = block.prompt
        temperature = self.temperature if number else 0.0
        place = Place(
            subject=block.model,
            item=question.id,
            condition=(
                ("ask", prompt.name),
                ("draw", str(block.draw)),
                ("temperature", f"{self.temperature:g}" if number else _GREEDY),
                ("turn", "0"),
            ),
            replicate=max(0, number - 1),
        )
        posed = pose(question, prompt, exemplars=self.quiz.exemplars_of(prompt, block.draw, question.domain))
        return Trial(
            place=place,
            request=Request(
                messages=posed.messages,
                is_raw=posed.is_raw,
                max_tokens=self.max_tokens,
                temperature=temperature,
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
        writing = {
            "samples": self.samples,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
        }
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


def graded_by_sampling(beliefs: Beliefs, run: Run, sampling: Sampling) -> Beliefs:
    """Beliefs with the grades that written answers give, in place of those of the options' probabilities.

    An answer that names no option is a wrong one; one that failed or was cut off is not counted.

    Parameters
    ----------
    beliefs : Beliefs
        Of the same model, prompt and bank.
    run : Run
        Of `sampling`, finished.
    sampling : Sampling
        What was asked.

    Returns
    -------
    Beliefs
        Questions without a counted greedy answer, or without any counted sample where one is needed, are `lost`.
    """
    quiz = sampling.quiz
    if quiz.bank.hash != beliefs.bank:
        raise DesignError(
            f"the beliefs are about the bank {beliefs.bank} and the answers about {quiz.bank.hash}; use one bank"
        )
    weights = weights_of(run, quiz, beliefs.model, beliefs.ask)
    if weights != beliefs.weights:
        raise DesignError(
            f"the beliefs are those of weights {beliefs.weights!r} and the answers of {weights!r}; use one checkpoint"
        )
    counts = _counts(run, beliefs, quiz)
    ids = [
        id
        for id in beliefs.beliefs
        if (found := counts.get(id)) and found[1] > 0 and (found[0] > 0 or found[3] > 0)
    ]
    grades = grade([counts[id] for id in ids]).categories if ids else ()
    graded = {
        id: replace(beliefs[id], category=category, n_greedy_right=counts[id][0], n_greedy=counts[id][1])
        for id, category in zip(ids, grades, strict=True)
    }
    lost = tuple(id for id in beliefs.beliefs if id not in graded)
    return replace(beliefs, beliefs=graded, lost=(*beliefs.lost, *lost))


def grade(counts: Sequence[Sequence[int]]) -> KnowledgeCategories:
    """`slick_category` of rows of right and counted greedy answers, right and counted samples."""
    columns = list(zip(*counts, strict=True))
    return slick_category(columns[0], columns[1], columns[2], columns[3])


def _counts(run: Run, beliefs: Beliefs, quiz: Quiz) -> dict[str, list[int]]:
    """Right and counted greedy answers, right and counted samples, of each question."""
    table = run.table()
    chosen = table.filter((table["subject"] == beliefs.model) & (table["ask"] == beliefs.ask))
    found: dict[str, list[int]] = {}
    for item, temperature, status, answer in chosen.select(
        "item", "temperature", "status", "answer"
    ).iter_rows():
        counts = found.setdefault(item, [0, 0, 0, 0])
        if status in ("failed", "truncated"):
            continue
        first = 0 if temperature == _GREEDY else 2
        counts[first] += answer == quiz.bank[item].answer
        counts[first + 1] += 1
    return found

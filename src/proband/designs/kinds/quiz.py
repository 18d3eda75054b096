"""Quizzes as a kind: what stands under ``[quiz]``."""

from typing import Any

from pydantic import Field, StrictInt

from proband.designs.design import Design
from proband.designs.kind import Kind, Shared, Told
from proband.designs.quiz.material import SourceTable, asked_of, bank_from, prompt_from
from proband.designs.quiz.quiz import Quiz
from proband.designs.quiz.sampling import Sampling
from proband.files import Table


class QuizTable(Table):
    """Which questions are put to whom, and how."""

    bank: str | SourceTable = Field(
        examples=['bank = "facts"'],
        description="an embedded bank (`proband list banks`), a file, a folder or `hub:OWNER/NAME`; or a table",
    )
    domains: list[str] = Field(default=[], description="only questions of these domains")
    questions: StrictInt | None = Field(
        default=None, description="at most so many questions of each domain, drawn by place"
    )
    prompt: str | dict[str, Any] | list[str | dict[str, Any]] = Field(
        default="few-shot-text",
        description="how questions are put: a name of `proband list prompts`, or a table with `use` and the settings "
        "that differ, such as `shots` and `draws`; or several",
    )
    exemplars: StrictInt = Field(
        default=10, description="questions of each domain set aside as solved examples, where a prompt shows any"
    )
    models: list[str] = Field(
        default=["model"], description="names of the models that are asked; several are the roles of `[engine]`"
    )
    samples: StrictInt | None = Field(
        default=None,
        description="ask in writing: once greedily and so many times sampled; by default options are scored",
    )
    temperature: float = Field(default=0.5, description="of sampled answers")
    max_tokens: StrictInt = Field(default=32, description="longest written answer")


def _make(shared: Shared, table: QuizTable) -> Design:
    written = table.prompt if isinstance(table.prompt, list) else [table.prompt]
    prompts = tuple(prompt_from(given, f"{shared.where}: quiz.prompt") for given in written)
    source = SourceTable(source=table.bank) if isinstance(table.bank, str) else table.bank
    bank, exemplars = asked_of(
        bank_from(source, shared.folder),
        domains=table.domains,
        limit=table.questions if table.questions is not None else source.limit,
        exemplars=table.exemplars if any(prompt.shots for prompt in prompts) else 0,
        seed=shared.seed,
    )
    quiz = Quiz(
        bank=bank,
        prompts=prompts,
        exemplars=exemplars,
        models=tuple(table.models),
        seed=shared.seed,
        title=shared.title,
    )
    if table.samples is None:
        return quiz
    return Sampling(quiz=quiz, samples=table.samples, temperature=table.temperature, max_tokens=table.max_tokens)


KIND = Kind(
    name="quiz",
    about="questions of an item bank with right answers, put to one or several models",
    keys=QuizTable,
    make=_make,
    analyses=("knowledge", "ranks", "dispositions", "deviations"),
    needs=frozenset(),
    takes=frozenset(),
    told=Told(subject="model", unit="model", units="models", is_of_models=True),
)

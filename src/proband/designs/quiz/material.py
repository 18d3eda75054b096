"""What a quiz is made from, as it is written: a source of questions, which of them are asked, and prompts."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import Field, StrictInt, create_model

from proband.designs.quiz.prompts import PROMPTS, Prompt
from proband.errors import DesignError, meant
from proband.files import Table, checked
from proband.instruments.banks.bank import Bank, Question
from proband.instruments.banks.checking import require
from proband.instruments.banks.embedded import EMBEDDED
from proband.instruments.banks.formats import Format
from proband.instruments.banks.loading import load_bank
from proband.seeds import rng_for


class SourceTable(Table):
    """A source of questions; see `proband.instruments.banks.loading.load_bank`."""

    source: str = Field(
        examples=['source = "facts"'],
        description="an embedded bank (`proband list banks`), a file, a folder, or `hub:OWNER/NAME`",
    )
    format: Format = Field(default="auto", description="how records are read; by default by their fields")
    domains: dict[str, str] | None = Field(
        default=None, description='subject, topic or category as the source has it -> domain; `"*"` stands for the rest'
    )
    domain: str = Field(default="", description="domain of questions for which nothing else names one")
    topics: list[str] = Field(default=[], description="only questions of these topics")
    drop_unfit: bool = Field(default=False, description="leave out what cannot be used, instead of refusing the bank")
    limit: StrictInt | None = Field(
        default=None, description="at most so many questions of each domain, drawn by place"
    )


def bank_from(table: SourceTable, folder: Path, **how: Any) -> Bank:
    """The questions of a source; paths start from a folder."""
    is_named = table.source in EMBEDDED or table.source.startswith("hub:")
    found = load_bank(
        table.source if is_named else str(folder / Path(table.source).expanduser()),
        format=table.format,
        domains=table.domains,
        domain=table.domain,
        drop_unfit=table.drop_unfit,
        **how,
    )
    return _of_topics(found, table.topics) if table.topics else found


def _of_topics(bank: Bank, topics: list[str]) -> Bank:
    known = dict.fromkeys(question.topic for question in bank)
    for topic in topics:
        if topic not in known:
            raise DesignError(f"bank {bank.name!r} has no topic {topic!r}; it has {', '.join(known)}")
    return bank.where(lambda question: question.topic in topics)


def asked_of(
    bank: Bank, *, domains: list[str] | None = None, limit: int | None = None, exemplars: int = 0, seed: int
) -> tuple[Bank, Bank | None]:
    """The questions of a bank that are asked, and those that may stand before them; None where none are wanted."""
    chosen = bank.of(*domains) if domains else bank
    require(chosen)
    parts = chosen.split(test=0, exemplars=exemplars, seed=seed)
    return limited(parts.train, limit, seed), parts.exemplars if exemplars else None


def limited(bank: Bank, n: int | None, seed: int) -> Bank:
    """At most n questions of each domain, drawn at random by id, in the bank's order."""
    if n is None:
        return bank
    if n < 1:
        raise DesignError(f"a limit of {n} questions leaves none; give at least 1, or leave it out")
    by_domain: dict[str, list[Question]] = defaultdict(list)
    for question in bank:
        by_domain[question.domain].append(question)
    kept: set[str] = set()
    for domain, questions in by_domain.items():
        ids = sorted(question.id for question in questions)
        rng_for(seed, "limit", domain).shuffle(ids)
        kept.update(ids[:n])
    return bank.where(lambda question: question.id in kept)


def prompt_from(given: str | Mapping[str, Any], where: str, *, named: Mapping[str, Prompt] = PROMPTS) -> Prompt:
    """A prompt by name, or by name (`use`) with other settings changed.

    Raises
    ------
    DesignError
        If there is no such prompt or setting.
    """
    written = {"use": given} if isinstance(given, str) else given
    table = checked(_prompt_table(), written, where, error=DesignError)
    changes = table.model_dump(exclude_unset=True)
    use = changes.pop("use", "")
    if use not in named:
        raise DesignError(f"{where}: no prompt {use!r}{meant(use, named)}; there are {', '.join(named)}")
    return replace(named[use], **changes | ({"labels": tuple(changes["labels"])} if "labels" in changes else {}))


@cache
def _prompt_table() -> type[Table]:
    """The settings of a prompt as keys, none of them required."""
    hints = {field.name: get_type_hints(Prompt)[field.name] for field in fields(Prompt)}
    keys: dict[str, Any] = {name: (hint, None) for name, hint in (hints | {"labels": list[str]}).items()}
    return create_model("PromptTable", __base__=Table, use=(str, ""), **keys)

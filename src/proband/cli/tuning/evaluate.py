"""``proband evaluate``: what checkpoints know of a bank, beside one another."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from proband.cli.choosing import YesOption
from proband.cli.studying import refuse_no_folder, stopped, tell_and_ask
from proband.cli.talk import progress, talk
from proband.cli.tuning import asking
from proband.designs.quiz.quiz import Quiz
from proband.errors import DesignError
from proband.instruments.banks.bank import Bank
from proband.runs import collect
from proband.training.checkpoint import trained_questions
from proband.tuning.material import prompt_from


def evaluate(
    bank: asking.BankArgument,
    model: Annotated[list[str], typer.Option(help="A model as NAME=ADDRESS; repeat the option for each.")],
    ask: Annotated[
        list[str] | None,
        typer.Option(help="How questions are worded (`proband list prompts`); repeat the option for several."),
    ] = None,
    domain: asking.DomainOption = None,
    limit: asking.LimitOption = None,
    exemplars: asking.ExemplarsOption = None,
    drop_unfit: asking.UnfitOption = False,
    seed: asking.SeedOption = 1,
    into: Annotated[Path, typer.Option(help="Run directory.")] = Path("runs/evaluation"),
    yes: YesOption = False,
    json: Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.")] = False,
) -> None:
    """Ask several models the same questions and compare them. Run the command again to resume.

    Example: `proband evaluate facts --limit 50 --model base=smollm2 --model tuned=hf:checkpoints/trained`
    """
    refuse_no_folder(into)
    engines = _engines(model)
    prompts = tuple(prompt_from(name, "--ask") for name in ask or ["zero-shot-text"])
    examples = asking.set_aside(exemplars, prompts)
    questions, worked = asking.asked(bank, domain, limit=limit, exemplars=examples, drop_unfit=drop_unfit, seed=seed)
    quiz = Quiz(
        bank=questions,
        exemplars=worked,
        prompts=prompts,
        models=tuple(engines),
        seed=seed,
        title=f"evaluation with {questions.name}",
    )
    cast = engines if len(engines) > 1 else next(iter(engines.values()))
    tell_and_ask(quiz, into, engine=cast, yes=yes)
    with stopped(), progress() as watch:
        run = collect(quiz, cast, into, watch=watch)
    here = trained_on(engines, questions)
    for name, ids in here.items():
        told = f"{len(ids)} of these {len(questions)} questions"
        talk.print(f"{name} was trained on {told if ids else 'none of these questions'} (by their ids)", markup=False)
    asking.tell_knowledge(run, as_json=json, trained_on=here)


def trained_on(engines: Mapping[str, str], bank: Bank) -> dict[str, list[str]]:
    """Ids of a bank's questions that checkpoints were trained on, by name; models without a record are left out."""
    known = {name: trained_questions(address) for name, address in engines.items()}
    return {
        name: [question.id for question in bank if question.id in ids] for name, ids in known.items() if ids is not None
    }


def _engines(given: list[str]) -> dict[str, str]:
    engines: dict[str, str] = {}
    for one in given:
        name, equals, address = one.partition("=")
        if not (name and equals and address) or ":" in name:
            raise DesignError(f"--model {one!r} must read NAME=ADDRESS, e.g. --model base=smollm2")
        if name in engines:
            raise DesignError(f"--model {name!r} is given twice; give each checkpoint a name of its own")
        engines[name] = address
    return engines

"""``proband probe``: what a model knows of a bank's questions."""

from pathlib import Path
from typing import Annotated

import typer

from proband.addresses import open_engine
from proband.cli.choosing import YesOption
from proband.cli.studying import refuse_no_folder, stopped, tell_and_ask
from proband.cli.talk import progress, talk
from proband.cli.tuning import asking
from proband.designs.quiz.boundary import check_boundary
from proband.designs.quiz.quiz import Quiz
from proband.models.scripted import ScriptedEngine
from proband.runs import collect
from proband.tuning.material import prompt_from
from proband.tuning.probing.beliefs import BANK, beliefs_from

BELIEFS = "beliefs.json"


def probe(
    bank: asking.BankArgument,
    engine: Annotated[str, typer.Option(help="Address of the model.")] = "smollm2",
    prompt: Annotated[str, typer.Option(help="How questions are worded; see `proband list prompts`.")] = "probe-text",
    shots: Annotated[
        int | None, typer.Option(help="Number of solved examples shown before each question (default: the prompt's).")
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(
            help="Number of different sets of solved examples; every question is asked "
            "with each (default: the prompt's)."
        ),
    ] = None,
    domain: asking.DomainOption = None,
    limit: asking.LimitOption = None,
    exemplars: asking.ExemplarsOption = None,
    drop_unfit: asking.UnfitOption = False,
    seed: asking.SeedOption = 1,
    into: Annotated[Path, typer.Option(help="Run directory.")] = Path("runs/probe"),
    yes: YesOption = False,
    json: Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.")] = False,
) -> None:
    """Ask what a model knows. Run the command again to resume.

    Every question is asked several times, each time behind another set of solved examples: one set is a draw. What a
    model answers whatever the examples, it knows.

    Example: `proband probe facts --limit 50 --into runs/probe`
    """
    refuse_no_folder(into)
    changes = {"shots": shots, "draws": draws}
    given = {name: value for name, value in changes.items() if value is not None}
    how = prompt_from({"use": prompt, **given}, "--prompt")
    examples = asking.set_aside(exemplars, (how,))
    questions, worked = asking.asked(bank, domain, limit=limit, exemplars=examples, drop_unfit=drop_unfit, seed=seed)
    title = f"probe of {questions.name}"
    quiz = Quiz(bank=questions, exemplars=worked, prompts=(how,), seed=seed, title=title)
    opened = open_engine(engine)
    if not isinstance(opened, ScriptedEngine):
        check_boundary(opened, how, quiz.bank.questions[:20])
    tell_and_ask(quiz, into, engine=opened, yes=yes)
    with stopped(), progress() as watch:
        run = collect(quiz, opened, into, watch=watch)
    opened.close()
    quiz.bank.save(run.path / BANK)
    beliefs = beliefs_from(run, quiz).save(run.path / BELIEFS)
    asking.tell_knowledge(run, as_json=json, beliefs=str(beliefs))
    talk.print(f"beliefs: {beliefs}", soft_wrap=True, markup=False)

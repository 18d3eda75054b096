"""``proband probe``: what a model knows of a bank's questions."""

from pathlib import Path
from typing import Annotated

import typer

from proband.addresses import open_engine
from proband.cli.choosing import YesOption
from proband.cli.studying import refuse_no_folder, stopped, tell_and_ask
from proband.cli.talk import progress, talk
from proband.cli.tuning import asking
from proband.cli.tuning.listening import say
from proband.designs.quiz.boundary import check_boundary
from proband.designs.quiz.quiz import Quiz
from proband.models.scripted import ScriptedEngine
from proband.runs import collect
from proband.tuning.material import prompt_from
from proband.tuning.probing.beliefs import BANK, beliefs_from
from proband.tuning.probing.prior import known_by_prior, prior_quiz, with_prior

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
    prior: Annotated[
        bool | None,
        typer.Option(
            "--prior/--no-prior",
            help="Also score the options without the question (default: where option texts are scored).",
        ),
    ] = None,
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
        found = beliefs_from(run, quiz)
        if prior or (prior is None and how.answer_by != "label"):
            blank = prior_quiz(quiz)
            found = with_prior(found, beliefs_from(collect(blank, opened, into / "prior"), blank))
    opened.close()
    quiz.bank.save(run.path / BANK)
    beliefs = found.save(run.path / BELIEFS)
    chance = known_by_prior(quiz.bank, found)
    if chance is not None and not json:
        say(str(chance))
    told = {} if chance is None else {"prior": str(chance)}
    asking.tell_knowledge(run, as_json=json, beliefs=str(beliefs), **told)
    talk.print(f"beliefs: {beliefs}", soft_wrap=True, markup=False)

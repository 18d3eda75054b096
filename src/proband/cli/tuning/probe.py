"""``proband probe``: what a model knows of a bank's questions."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from proband.addresses import open_engine
from proband.cli.studying import refuse_no_folder, stopped
from proband.cli.talk import emit, out, progress, talk, tell_plan
from proband.cli.tuning.asking import (
    BankArgument,
    DomainOption,
    ExemplarsOption,
    LimitOption,
    SeedOption,
    UnfitOption,
    asked,
)
from proband.designs.quiz.boundary import check_boundary
from proband.designs.quiz.quiz import Quiz
from proband.measures.knowledge.slick import CATEGORIES
from proband.models.scripted import ScriptedEngine
from proband.runs import Run, collect, plan
from proband.tuning.material import prompt_from
from proband.tuning.probing.beliefs import Beliefs, beliefs_from
from proband.tuning.probing.stability import halves, retest

BANK, BELIEFS = "bank.json", "beliefs.json"


def probe(
    bank: BankArgument,
    engine: Annotated[str, typer.Option(help="Address of the model.")] = "smollm2",
    prompt: Annotated[
        str, typer.Option(help="How questions are worded; see `proband list prompts`.")
    ] = "probe-text",
    shots: Annotated[
        int | None,
        typer.Option(help="Number of solved examples shown before each question (default: the prompt's)."),
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(
            help="Number of different sets of solved examples; every question is asked "
            "with each (default: the prompt's)."
        ),
    ] = None,
    domain: DomainOption = None,
    limit: LimitOption = None,
    exemplars: ExemplarsOption = 10,
    drop_unfit: UnfitOption = False,
    seed: SeedOption = 1,
    into: Annotated[Path, typer.Option(help="Run directory.")] = Path("runs/probe"),
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
    questions, worked = asked(
        bank, domain, limit=limit, exemplars=exemplars if how.shots else 0, drop_unfit=drop_unfit, seed=seed
    )
    title = f"probe of {questions.name}"
    quiz = Quiz(bank=questions, exemplars=worked, prompts=(how,), seed=seed, title=title)
    opened = open_engine(engine)
    if not isinstance(opened, ScriptedEngine):
        check_boundary(opened, how, quiz.bank.questions[:20])
    if not ((into / "journal.sqlite").exists() and Run(into).is_complete):
        tell_plan(plan(quiz, opened), engine)
    with stopped(), progress() as watch:
        run = collect(quiz, opened, into, watch=watch)
    opened.close()
    found = beliefs_from(run, quiz)
    quiz.bank.save(run.path / BANK)
    found.save(run.path / BELIEFS)
    told = summary(quiz, found)
    if json:
        emit(told | {"run": str(run.path)})
    else:
        _tell(told)
    talk.print(f"beliefs: {run.path / BELIEFS}", soft_wrap=True, markup=False)


def summary(quiz: Quiz, beliefs: Beliefs) -> dict[str, object]:
    """What a probe found, by domain."""
    rows = []
    for domain in quiz.bank.domains:
        ids = [question.id for question in quiz.bank.of(domain) if question.id in beliefs.beliefs]
        grades = Counter(beliefs[id].category for id in ids)
        rows.append(
            {
                "domain": domain,
                "questions": len(ids),
                "right": beliefs.accuracy(quiz.bank, ids) if ids else None,
                "confidence": sum(beliefs[id].confidence for id in ids) / len(ids) if ids else None,
                **{grade: grades[grade] for grade in CATEGORIES},
            }
        )
    return {
        "bank": quiz.bank.name,
        "bank_hash": quiz.bank.hash,
        "prompt": beliefs.ask,
        "weights": beliefs.weights,
        "lost": len(beliefs.lost),
        "domains": rows,
        "retest": _retest(quiz, beliefs),
    }


def _retest(quiz: Quiz, beliefs: Beliefs) -> dict[str, object] | None:
    """Agreement of the grades by even and by odd draws; None with one draw."""
    if quiz.prompts[0].draws < 2 or not len(beliefs):
        return None
    found = retest(*halves(beliefs, quiz.bank))
    return {"agreement": found.agreement.as_dict(), "kappa": found.kappa.as_dict()}


def _tell(told: dict[str, object]) -> None:
    table = Table(
        title=f"{told['bank']}, by {told['prompt']}", title_justify="left", box=None, pad_edge=False
    )
    rows = told["domains"]
    assert isinstance(rows, list)
    for name in rows[0]:
        table.add_column(str(name), justify="left" if name == "domain" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()))
    out.print(table)
    again = told["retest"]
    if isinstance(again, dict):
        value, (low, high) = again["agreement"]["value"], again["agreement"]["interval"]
        out.print(f"same grade by the other half of the draws: {value:.2f} [{low:.2f}, {high:.2f}]")

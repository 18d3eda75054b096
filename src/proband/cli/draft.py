"""``proband draft``: an engine writes a study file for a society from a description; it is checked, and not run."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from proband import runs
from proband.cli.studying import stopped
from proband.cli.talk import emit, out, progress, talk, tell_plan
from proband.designs.studies import study_from_dict
from proband.designs.survey.cards import Writing
from proband.errors import DesignError, ProbandError
from proband.files import parsed
from proband.models.engine import BaseEngine
from proband.runs import collect
from proband.societies.asking import Asking
from proband.societies.design import Society
from proband.societies.drafting import Drafting, drafted
from proband.societies.life import Arm
from proband.societies.state import State


class _End:
    """Looks on until a drafting is over."""

    state: State

    def begins(self, arm: Arm, state: State) -> None:
        """Nothing is drafted yet."""

    def is_over(self, arm: Arm, state: State, round: int) -> None:
        """How far it is."""
        self.state = state


def drafted_by(words: str, engine: str | BaseEngine, scenario: str = "") -> tuple[str, list[str]]:
    """A study file as an engine drafts it, not checked yet; and the keys of which it said nothing."""
    drafting, end = Drafting(words, scenario), _End()
    # The most probable answer: nobody draws at random what a file is to hold.
    asking = Asking(seed=1, decide="mode", order="as_written", writing=Writing(temperature=0.0))
    design = Society(world=drafting, seed=1, societies=1, asking=asking, title="draft")
    with TemporaryDirectory() as folder, stopped(), progress() as watch:
        run = collect(design, engine, Path(folder) / "draft", watch=watch)
        if not run.is_complete:
            raise DesignError(f"{engine} did not answer: {'; '.join(run.stalled.values())}; nothing was written")
        design.replay(run.responses(), end)
    address = engine if isinstance(engine, str) else engine.address
    return drafted(drafting, end.state, address), list(end.state.values["silent"])


def draft(
    words: Annotated[str, typer.Argument(help="What the society is to show, in your words.")],
    engine: Annotated[str, typer.Option(help="Who drafts; the file names it as the engine that answers.")] = "smollm2",
    scenario: Annotated[
        str, typer.Option(help="One of `proband list scenarios`, instead of one that the engine chooses.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; without it the draft is printed only.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The draft and its plan on stdout as JSON.")] = False,
) -> None:
    """Have an engine write a study file for a society; it is checked, shown with its plan, and never run.

    Example: `proband draft "30 people in a town of two groups who move to neighbours of their own"`
    """
    if output is not None and output.exists():
        raise DesignError(f"{output} is there already; take another -o, or remove it")
    text, silent = drafted_by(words, engine, scenario)
    where = "draft" if output is None else output
    try:
        study = study_from_dict(parsed(text, where, error=DesignError), where=where)
        planned = runs.plan(study)
    except ProbandError:
        talk.print(text, markup=False, highlight=False, soft_wrap=True)
        talk.print("this draft is refused, and nothing was written:", markup=False)
        raise
    if output is not None:
        output.write_text(text, encoding="utf-8")
    if json:
        emit({"draft": text, "unanswered": silent, "plan": planned.as_dict()})
        return
    out.print(text, markup=False, highlight=False, soft_wrap=True)
    for key in silent:
        talk.print(f"note: {engine} gave no answer to {key!r}, which is as usual", soft_wrap=True, markup=False)
    tell_plan(planned)
    way_on = f"proband run {output}" if output is not None else "save it with -o FILE"
    talk.print(f"nothing was run; read the file, and then: {way_on}", soft_wrap=True, markup=False)

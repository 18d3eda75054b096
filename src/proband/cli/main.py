"""The command line: one file a verb; data on stdout, talk on stderr.

Exit codes: 0 done; 1 an error in Proband itself, or what `check` or `doctor` found; 2 refused, with the reason and the
way out; 3 not complete (a budget, open questions, a failed call), resumable; 130 interrupted, resumable.
"""

import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from proband.cli.ask import ask
from proband.cli.branch import branch
from proband.cli.check import check
from proband.cli.code import code
from proband.cli.demo import demo
from proband.cli.doctor import doctor
from proband.cli.draft import draft
from proband.cli.export import export
from proband.cli.listing import list_
from proband.cli.lock import lock
from proband.cli.measure import measure
from proband.cli.plan import plan
from proband.cli.replicate import replicate
from proband.cli.report import report
from proband.cli.run import run
from proband.cli.score import score
from proband.cli.seat import seat
from proband.cli.show import show
from proband.cli.talk import out, talk
from proband.cli.themes import themes
from proband.cli.tuning.align import align
from proband.cli.tuning.evaluate import evaluate
from proband.cli.tuning.intervene import intervene
from proband.cli.tuning.probe import probe
from proband.cli.tuning.train import train
from proband.cli.view import view
from proband.cli.vignettes import vignettes
from proband.errors import ProbandError

app = typer.Typer(
    name="proband",
    help="A laboratory for behavioural science with and of language models.\n\n"
    "Start with `proband demo`. Without human answers, shares describe a model and its personas, not a population.",
    epilog="Exit codes: 0 done; 1 an error in Proband itself, or what `check` or `doctor` found; 2 refused, with the "
    "reason and the way out; 3 not complete (a budget, open questions, a failed call), run again to resume; "
    "130 interrupted, run again to resume.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for verb in (
    demo,
    check,
    plan,
    show,
    lock,
    run,
    branch,
    ask,
    measure,
    report,
    view,
    replicate,
    code,
    themes,
    score,
    export,
    doctor,
    vignettes,
    draft,
    probe,
    intervene,
    train,
    evaluate,
    align,
):
    app.command()(verb)
app.command("list")(list_)
app.add_typer(seat, name="seat")


def _tell_version(asked: bool) -> None:
    if asked:
        out.print(f"proband {version('proband')}", highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Carry options that go before any verb."""


def main() -> None:
    """Run the command line; what Proband refuses becomes one message and exit code 2."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("proband").setLevel(logging.INFO)
    try:
        app()
    except ProbandError as error:
        talk.print(f"proband: {error}", style="bold red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()

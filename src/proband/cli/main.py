"""The command line: one file a verb; data on stdout, talk on stderr.

Exit codes: 0 done; 1 an error in Proband itself, or what `check` or `doctor` found; 2 refused, with the reason and the
way out; 3 not complete (a budget, open questions, a failed call), resumable; 130 interrupted and 143 told to end by
SIGTERM, both resumable.
"""

import logging
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from proband.errors import ProbandError

# In the order of the help. Each verb's file is read when somebody calls it: all of them take two seconds.
VERBS = {
    **{name: "" for name in ("demo", "check", "plan", "show", "lock", "run", "gather", "cluster")},
    **{
        name: ""
        for name in (
            "branch",
            "ask",
            "measure",
            "report",
            "view",
            "replicate",
            "portrait",
            "code",
            "themes",
            "score",
            "export",
            "doctor",
            "vignettes",
            "draft",
        )
    },
    "draft-items": "",
    **{name: "tuning." for name in ("probe", "intervene", "train", "evaluate", "align")},
    "list": "",
    "seat": "",
    "search": "",
    "hypothesize": "",
    "review": "",
    "screen": "",
    "answer": "",
}
_FILES = {"list": "listing", "draft-items": "draft_items"}
_NAMES = {"list": "list_", "draft-items": "draft_items"}


class Verbs(TyperGroup):
    """The verbs, each read when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of them; None where there is none of that name."""
        if cmd_name not in VERBS:
            return None
        module = import_module(f"proband.cli.{VERBS[cmd_name]}{_FILES.get(cmd_name, cmd_name)}")
        verb = getattr(module, _NAMES.get(cmd_name, cmd_name))
        if isinstance(verb, typer.Typer):  # with verbs of its own
            return typer.main.get_group(verb)
        alone = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
        alone.command(cmd_name)(verb)
        return typer.main.get_command(alone)


app = typer.Typer(
    name="proband",
    cls=Verbs,
    help="A laboratory for behavioural science with and of language models.\n\n"
    "Start with `proband demo`. Without human answers, shares describe a model and its personas, not a population.",
    epilog="Exit codes: 0 done; 1 an error in Proband itself, or what `check` or `doctor` found; 2 refused, with the "
    "reason and the way out; 3 not complete (a budget, open questions, a failed call), run again to resume; "
    "130 interrupted, 143 told to end, run again to resume.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        print(f"proband {version('proband')}")
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
        from proband.cli.talk import talk

        talk.print(f"proband: {error}", style="bold red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()

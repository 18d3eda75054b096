"""``proband seat``: people take a study in a browser, and what they may ask for afterwards."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from proband.cli.choosing import EngineOption, StudyArgument, chosen
from proband.cli.studying import folder_for, refuse_no_folder, stopped
from proband.cli.talk import emit, talk
from proband.web.needed import refuse_without_extra

TAKE = "take"
RunArgument = Annotated[Path, typer.Argument(help="Run directory.")]
SubjectArgument = Annotated[str, typer.Argument(help="Whom: an id in the column `subject` of the run's table.")]


class _Seat(TyperGroup):
    """`proband seat STUDY` needs no further verb."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the verb that is meant before what is none."""
        if args and args[0] not in (*self.commands, "--help"):
            args = [TAKE, *args]
        return super().parse_args(ctx, args)


seat = typer.Typer(
    cls=_Seat,
    no_args_is_help=True,
    help="People take a study in a browser: `proband seat STUDY`.\n\n"
    "Example: `proband seat examples/anes1996.toml --bots 5 --into runs/bots`",
)


@seat.command(TAKE)
def take_(
    study: StudyArgument,
    into: Annotated[Path | None, typer.Option(help="Run directory; default runs/TITLE-ENGINE.")] = None,
    seats: Annotated[int | None, typer.Option(help="How many can take it, instead of the file's number.")] = None,
    engine: EngineOption = None,
    port: Annotated[int | None, typer.Option(help="Port on this machine; by default a free one.")] = None,
    public: Annotated[
        str | None, typer.Option(help="https://NAME under which a proxy with TLS on this machine serves it.")
    ] = None,
    bots: Annotated[int | None, typer.Option(help="Have so many bots take it through its pages, and end.")] = None,
    bot: Annotated[str, typer.Option(help="Address of the engine that answers for bots.")] = "scripted:uniform",
    test: Annotated[bool, typer.Option("--test", help="Try the pages out: no consent needed, every page says so.")] = (
        False
    ),
) -> None:
    """Serve the pages of a study; the same command again goes on where everybody was."""
    refuse_without_extra()
    from proband.addresses import open_engine
    from proband.web.seat.bots import Bots
    from proband.web.seat.running import folder_of, sitting, take

    found = chosen(study, engine)
    sits = sitting(found, study, seats=seats, is_test=test or bots is not None)
    folder = into or folder_for(found)
    refuse_no_folder(folder)
    players = None if bots is None else Bots(bots, open_engine(bot), sits.table)
    with stopped():
        run = take(
            sits, folder_of(folder, sits.design), port=port, public=public, is_test=test or bots is not None,
            play=None if players is None else players.play,
            say=lambda text: talk.print(text, soft_wrap=True, markup=False, highlight=False),
        )  # fmt: skip
    counts = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in run.dispositions().items())
    talk.print(f"{run.path}: {run.state}; {counts or 'nobody came'}", soft_wrap=True, markup=False)


@seat.command("forget")
def forget_(run: RunArgument, subject: SubjectArgument) -> None:
    """Remove a person from a run: answers, texts, what others were told of them, link; nothing else changes."""
    refuse_without_extra()
    from proband.web.seat.rights import forget

    n = forget(run, subject)
    talk.print(f"{subject}: {n:,} answers removed; the id is kept so that nobody is asked in this place again")


@seat.command("give")
def give_(run: RunArgument, subject: SubjectArgument) -> None:
    """Write everything that is kept of a person, on stdout as JSON."""
    refuse_without_extra()
    from proband.web.seat.rights import given

    emit(json.loads(json.dumps(given(run, subject))))


@seat.command("expire")
def expire_(
    run: RunArgument,
    ids: Annotated[bool, typer.Option("--ids", help="Say that this is meant: nobody can go on by a link then.")] = (
        False
    ),
) -> None:
    """Drop links and recruitment ids, so that answers belong to nobody who could be found."""
    refuse_without_extra()
    from proband.errors import DesignError
    from proband.web.seat.rights import expire

    if not ids:
        raise DesignError("give --ids: links and recruitment ids of everybody are dropped, and cannot be had back")
    talk.print(f"links and recruitment ids of {expire(run):,} people are dropped")

"""``proband seat``: people take a study in a browser."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.choosing import EngineOption, StudyArgument, chosen
from proband.cli.studying import folder_for, refuse_no_folder, stopped
from proband.cli.talk import talk


def seat(
    study: StudyArgument,
    into: Annotated[Path | None, typer.Option(help="Run directory; default runs/TITLE-seat.")] = None,
    seats: Annotated[int | None, typer.Option(help="How many can take it, instead of the file's.")] = None,
    engine: EngineOption = None,
    port: Annotated[int | None, typer.Option(help="Port on this machine; a free one by default.")] = None,
    public: Annotated[
        str | None, typer.Option(help="https://NAME under which a proxy with TLS serves this; see the how-to.")
    ] = None,
    bots: Annotated[int | None, typer.Option(help="Have so many bots take it through its pages, and end.")] = None,
    bot: Annotated[str, typer.Option(help="Address of the engine that answers for bots.")] = "scripted:uniform",
    test: Annotated[bool, typer.Option("--test", help="Try the pages out: without consent, and marked.")] = False,
) -> None:
    """Serve a study to people; the same command again goes on where everybody was.

    Example: `proband seat examples/anes1996.toml --bots 5 --test --into runs/bots`
    """
    from proband.web.needed import refuse_without_extra

    refuse_without_extra()
    from proband.addresses import open_engine
    from proband.web.seat.bots import Bots
    from proband.web.seat.running import folder_of, sitting, take

    found = chosen(study, engine)
    sits = sitting(found, study, seats=seats if bots is None else seats or bots, is_test=test or bots is not None)
    folder = into or folder_for(found)
    refuse_no_folder(folder)
    players = None if bots is None else Bots(bots, open_engine(bot), sits.table)
    with stopped():
        run = take(
            sits, folder_of(folder), port=port, public=public, is_test=test,
            play=None if players is None else players.play,
            say=lambda text: talk.print(text, soft_wrap=True, markup=False, highlight=False),
        )  # fmt: skip
    counts = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in run.dispositions().items())
    talk.print(f"{run.path}: {run.state}; {counts or 'nobody came'}", soft_wrap=True, markup=False)

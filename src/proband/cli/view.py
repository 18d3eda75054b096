"""``proband view``: runs in a browser."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.choosing import refuse_unread
from proband.cli.talk import talk
from proband.web.needed import refuse_without_extra


def view(
    folder: Annotated[Path, typer.Argument(help="A run, or a folder of runs.", metavar="[RUN|FOLDER]")] = Path("runs"),
    port: Annotated[int | None, typer.Option(help="Port on this machine; default 7370, or a free one.")] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser; print the link only.")] = False,
    bundle: Annotated[
        Path | None, typer.Option(help="Write a static copy of the pages into this folder, and serve nothing.")
    ] = None,
) -> None:
    """Look at runs in a browser: plan, answers, exact words sent and received, subjects, comparisons.

    Nothing is changed, and nobody but this machine can look. The link that is printed works once.

    Example: `proband view runs/demo-smollm2`
    """
    refuse_without_extra()
    # What the pages stand on is an extra, and takes a moment to load.
    from proband.web.guarding import OneTimeDoor
    from proband.web.serving import one_time, serve
    from proband.web.viewer.application import COOKIE, viewer
    from proband.web.viewer.bundle import write_bundle

    if bundle is not None:
        refuse_unread("a copy is written, and nothing served; leave it out", port=port, no_open=no_open)
        written = write_bundle(folder, bundle)
        for remark in written.remarks:
            talk.print(f"note: {remark}", soft_wrap=True, markup=False)
        talk.print(f"{written.n_pages:,} pages: {bundle / 'index.html'}", soft_wrap=True, markup=False)
        return
    door = OneTimeDoor(COOKIE)

    def say(text: str) -> None:
        talk.print(text, soft_wrap=True, markup=False, highlight=False)

    serve(viewer(folder, door), one_time(door.key), port=port, opens=not no_open, say=say)

"""``proband measure``: what a run says."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.talk import emit, out, talk
from proband.errors import StoreError
from proband.reports import findings
from proband.reports.terminal import terminal
from proband.runs import Run, SideBySide


def measure(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    only: Annotated[
        list[str] | None, typer.Option(help="Analysis to show alone; may be given again. See `proband list analyses`.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Trait dividing people into subgroups; may be given again. Default: those with few levels."),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Run of the same study on another engine, to compare with; may be given again."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Everything on stdout as JSON.")] = False,
    csv: Annotated[Path | None, typer.Option(help="File to write every estimate to, one a row.")] = None,
) -> None:
    """What a run says, in every way its kind is looked at, with intervals; works during a run too.

    Example: `proband measure runs/demo-smollm2 --only fidelity --csv fidelity.csv`
    """
    asked = SideBySide([Run(run), *map(Run, against)]) if against else Run(run)
    found = findings(asked, only=only, by=by)
    if csv is not None:
        try:
            found.table().write_csv(csv)
        except OSError as error:
            raise StoreError(f"{csv}: cannot be written ({error.strerror}); choose another file") from None
        talk.print(f"numbers: {csv}", soft_wrap=True, markup=False)
    if json:
        emit(found.as_dict())
    elif csv is None:
        out.print(terminal(found, out.width, is_whole=only is not None))

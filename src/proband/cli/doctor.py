"""``proband doctor``: what of a run is damaged, and what can be saved."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.studying import refuse_no_folder
from proband.cli.talk import emit, out, talk
from proband.store.recovery import Checkup, examine, save

DAMAGED = 1


def doctor(
    run: Annotated[Path, typer.Argument(help="Run directory; it is only read.")],
    into: Annotated[Path | None, typer.Option(help="New run directory, to save into what is sound.")] = None,
    json: Annotated[bool, typer.Option("--json", help="What was found on stdout as JSON.")] = False,
) -> None:
    """Say what of a run is damaged and what can be saved, and save it; exits with 1 where anything is damaged.

    Example: `proband doctor runs/demo-smollm2 --into runs/saved`
    """
    if into is not None:
        refuse_no_folder(into)
    found = examine(run)
    saved = None if into is None else save(found, into)
    if json:
        emit({**found.as_dict(), "saved": saved and str(saved)})
    else:
        for line in _lines(found):
            out.print(line, soft_wrap=True, markup=False, highlight=False)
    if saved is not None:
        talk.print(f"saved: {saved}; {_how_to_go_on(found)}", soft_wrap=True, markup=False, highlight=False)
    elif found.found:
        talk.print("nothing was changed; --into NEW saves what is sound", soft_wrap=True, markup=False)
    if found.found:
        raise typer.Exit(DAMAGED)


def _lines(found: Checkup) -> list[str]:
    of_all = f" of {found.expected:,}" if found.expected not in (None, found.responses) else ""
    people = f", and {found.people.responses:,} of people" if found.people else ""
    sound = f"{found.responses:,}{of_all} responses{people} and {len(found.notes)} notes"
    if not found.found:
        return [f"sound: {sound}"]
    lost = [f"lost notes: {', '.join(found.lost)}"] if found.lost else []
    return [*(f"damaged: {one.part}: {one.what}" for one in found.found), *lost, f"can be saved: {sound}"]


def _how_to_go_on(found: Checkup) -> str:
    """What the new folder can do."""
    if not found.responses:
        return "there are no answers in it"
    if found.is_resumable:
        return "measure and export it, or run the study --into it to ask what is missing"
    return "measure and export what is there; too little is known of the study to go on with it"

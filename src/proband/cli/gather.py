"""``proband gather``: the parts of a run as one run."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.choosing import EngineOption, SampleOption, ScratchOption, chosen
from proband.cli.studying import refuse_no_folder, stopped, tell_findings, winding_down
from proband.cli.talk import talk
from proband.designs.catalogue import study_path
from proband.errors import DesignError
from proband.runs.gathering import gather as gather_parts
from proband.runs.gathering import parts_of
from proband.store.scratch import written_here


def gather(
    run: Annotated[Path, typer.Argument(help="Run directory, with the folder `parts` in it.")],
    study: Annotated[
        str | None, typer.Option(help="Study file, where it is no longer where the parts found it.", metavar="STUDY")
    ] = None,
    engine: EngineOption = None,
    sample: SampleOption = None,
    scratch: ScratchOption = None,
    json: Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.")] = False,
) -> None:
    """Join the parts of a run, each finished, and finish it as an undivided run; nobody is asked.

    Example: `proband gather runs/big --json > results.json`
    """
    refuse_no_folder(run)
    parts = parts_of(run)
    made = parts.made_of
    path = study_path(study) if study is not None else Path(made.get("study") or "")
    if study is None and not path.is_file():
        raise DesignError(
            f"{run}: its parts were made of {made.get('study') or 'a study in Python'}, which is not there; give it "
            "with --study FILE"
        )
    found = chosen(path, engine or made.get("engine"), made.get("sample") if sample is None else sample)
    talk.print(f"{found.name}, {len(parts.found)} parts", style="bold", markup=False)
    with winding_down(), written_here(run, scratch) as work:
        with stopped():
            gathered = gather_parts(
                found, run, work=work, told=lambda n: talk.print(f"{n:,} answers joined", highlight=False)
            )
        tell_findings(gathered, run, as_json=json)

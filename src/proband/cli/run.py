"""``proband run``: carry out a study, or go on with it."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.choosing import (
    EngineOption,
    SampleOption,
    ScratchOption,
    StudyArgument,
    YesOption,
    chosen,
    refuse_unread,
)
from proband.cli.studying import carry_out_and_tell, carry_out_part_and_tell, folder_for, refuse_no_folder
from proband.cli.tuning.align import align
from proband.designs.part import Share
from proband.errors import DesignError
from proband.runs import Budget
from proband.runs.locking import lock_beside, read_lock
from proband.tuning.study_file import is_align_file


def run(
    study: StudyArgument,
    into: Annotated[Path | None, typer.Option(help="Run directory; default runs/TITLE-ENGINE.")] = None,
    engine: EngineOption = None,
    sample: SampleOption = None,
    max_trials: Annotated[int | None, typer.Option(help="Stop after asking this many.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Stop before the run takes more tokens.")] = None,
    max_dollars: Annotated[float | None, typer.Option(help="Stop before the run costs more.")] = None,
    lock: Annotated[
        Path | None, typer.Option(help="Locked plan; default STUDY.lock.json beside the study file, if there.")
    ] = None,
    wait: Annotated[
        bool, typer.Option(help="Wait for those who answer in their own time; else return with what is open.")
    ] = True,
    part: Annotated[
        str | None, typer.Option(help="Only this share of the independent units, K/N; see `proband gather`.")
    ] = None,
    scratch: ScratchOption = None,
    yes: YesOption = False,
    retry_failed: Annotated[bool, typer.Option(help="Ask again what failed before.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.")] = False,
) -> None:
    """Carry out a study; the same command again resumes it, and nothing already answered is asked twice.

    Example: `proband run examples/anes1996.toml --json > results.json`
    """
    caps = {"trials": max_trials, "tokens": max_tokens, "dollars": max_dollars}
    if is_align_file(study):
        if engine and len(engine) > 1:
            raise DesignError(f"{study} has one base model, and --engine was given {len(engine)} times; give it once")
        refuse_unread(
            f"{study} is a study of knowledge interventions (it has a base), which takes --engine, --into, --yes and "
            "--json; change its limits in the file",
            **{f"max_{name}": cap for name, cap in caps.items()},
            sample=sample, retry_failed=retry_failed, lock=lock, no_wait=not wait, part=part, scratch=scratch,
        )  # fmt: skip
        align(str(study), engine=engine[0] if engine else None, into=into, yes=yes, json=json)
        return
    share = None if part is None else Share.from_text(part)
    found = chosen(study, engine, sample)
    budget = (
        Budget(trials=max_trials, tokens=max_tokens, dollars=max_dollars)
        if any(cap is not None for cap in caps.values())
        else None
    )
    folder = into or folder_for(found)
    refuse_no_folder(folder)
    beside = lock_beside(study)
    held = read_lock(lock or beside) if lock or beside.exists() else None
    if share is not None:
        refuse_unread("a part is asked at once, because nobody answers it in their own time", no_wait=not wait)
        carry_out_part_and_tell(
            found, folder, share, made_of={"study": str(study.resolve()), "engine": engine, "sample": sample},
            as_json=json, budget=budget, retry_failed=retry_failed, lock=held, yes=yes, scratch=scratch,
        )  # fmt: skip
        return
    carry_out_and_tell(
        found, folder, as_json=json, budget=budget, retry_failed=retry_failed, wait=wait, lock=held, yes=yes,
        scratch=scratch,
    )  # fmt: skip

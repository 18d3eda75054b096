"""What the verbs that take a study file share: its options, and the study they choose."""

import re
from pathlib import Path
from typing import Annotated

import typer

from proband.designs.catalogue import study_path
from proband.designs.studies import Study, load_study
from proband.errors import DesignError

StudyArgument = Annotated[
    Path,
    typer.Argument(
        help="Study file (TOML); or shelf:NAME or scenario:NAME for one that ships.", parser=study_path, metavar="STUDY"
    ),
]
EngineOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Use this engine instead of the one in the study file; ROLE=ADDRESS for one role, given again for others."
    ),
]
SampleOption = Annotated[int | None, typer.Option(help="Number of subjects instead of the file's.")]
YesOption = Annotated[
    bool,
    typer.Option(
        "--yes", help="Do not ask before more than 1,000,000 trials or 100 dollars; for scripts, which nobody can ask."
    ),
]
ScratchOption = Annotated[
    Path | None,
    typer.Option(
        help="Write on this folder's disk, and copy to --into at the end; default $SLURM_TMPDIR or $TMPDIR where "
        "--into lies on a network (NFS, Lustre, CIFS)."
    ),
]
_ROLE = re.compile(r"([\w-]+)=(.+)", re.DOTALL)


def chosen(study: Path, engine: list[str] | None = None, sample: int | None = None) -> Study:
    """The study of a file, with what the options replace."""
    return load_study(study, engine=engines_given(engine or []), sample=sample)


def engines_by_role(given: list[str] | None) -> dict[str, str] | None:
    """Addresses by role, for what has several.

    Raises
    ------
    DesignError
        If one was given without its role.
    """
    found = engines_given(given or [])
    if isinstance(found, str):
        raise DesignError(f"--engine {found} names no coder; write --engine CODER={found}")
    return found


def engines_given(given: list[str]) -> str | dict[str, str] | None:
    """One address for all, or addresses by role; None where none was given."""
    roles = [_ROLE.fullmatch(address) for address in given]
    if len(given) > 1 and not all(roles):
        raise DesignError(f"--engine was given as {', '.join(given)}; give one address, or ROLE=ADDRESS for each role")
    if not given or roles[0] is None:
        return given[0] if given else None
    return {match[1]: match[2] for match in roles if match}


def refuse_unread(because: str, **given: object) -> None:
    """Refuse options that were given and would not be read; names as Python has them, None or False where not given."""
    for name, value in given.items():
        if value is not None and value is not False:
            raise DesignError(f"--{name.replace('_', '-')} would not be read here: {because}")

"""Branches: a run that begins with another's responses up to a point."""

import json
from pathlib import Path

from proband.errors import DesignError
from proband.runs.run import Run
from proband.store.directory import RunDirectory


def branch(parent: str | Path | Run, into: str | Path, *, through_round: int, keep_past: bool = False) -> Path:
    """Begin a run with a parent's responses up to a round; `collect` goes on from there and asks nobody again.

    The answer to "what if the rules had changed after round 5?": collect the changed design into the
    branch. What was inherited keeps the requests it was really answered under, and `collect` refuses a design that
    would have put them in other words, because what follows would go on from another past.

    Parameters
    ----------
    parent : path or Run
        The run to branch from.
    into : path
        A new run directory.
    through_round : int
        Last round that is shared, counting from 1; rounds after it are not copied.
    keep_past : bool
        Whether to go on from that past all the same, though the design words it otherwise: everybody then answers
        later rounds as if the earlier ones had been played under the new rules. Kept in the run's manifest.

    Returns
    -------
    pathlib.Path
        `into`, ready for `collect`.

    Raises
    ------
    DesignError
        If `into` already holds responses, or the parent has none up to that round.
    """
    run = parent if isinstance(parent, Run) else Run(parent)
    directory = RunDirectory(into)
    origin = str(run.path)
    with run.directory.reader() as source, directory.writer() as journal:
        if len(journal):
            raise DesignError(f"{into}: already holds {len(journal)} responses; branch into a new folder")
        shared = [response for response in source.responses() if response.place.round <= through_round]
        if not shared:
            raise DesignError(f"{origin}: no responses up to round {through_round}; rounds count from 1")
        facts = {key: value for key in ("seed", "reader") if (value := source.meta(key)) is not None}
        noted = {"run": origin, "through_round": through_round, "keep_past": keep_past}
        journal.note(parent=json.dumps(noted), **facts)
        journal.inherit(source, shared, origin=origin)  # in one transaction: a branch has all of it or nothing
    return directory.path

"""Carrying out a whole study: people's answers first, then the engines'."""

from pathlib import Path

from proband.designs.studies import Study
from proband.runs.collection import collect
from proband.runs.progress import Budget, Watch
from proband.runs.run import PEOPLE, Run


def carry_out(
    study: Study,
    into: str | Path,
    *,
    budget: Budget | None = None,
    watch: Watch | None = None,
    retry_failed: bool = False,
    wait: bool = True,
) -> Run:
    """Collect a study of any kind: people's answers, where it has them, and then the engines'.

    Running the same line again resumes.

    Parameters
    ----------
    study : Study
        From `load_study`, or made in Python.
    into : path
        The run directory; people's answers are kept in its folder ``people``.
    budget, watch, retry_failed, wait
        For the engines' part; see `collect`.

    Returns
    -------
    Run
        The engines'; its `people` are the run of the human answers.
    """
    if study.people is not None:
        collect(study.people, study.people.engine, Path(into) / PEOPLE)
    return collect(study.design, study.cast, into, budget=budget, watch=watch, retry_failed=retry_failed, wait=wait)

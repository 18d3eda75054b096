"""Carrying out a whole study: people's answers first, then the model's."""

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
) -> Run:
    """Collect a study: people's answers, where it has them, and then the engine's to the same items.

    Running the same line again resumes.

    Parameters
    ----------
    study : Study
        From `load_study`, or made in Python.
    into : path
        The run directory; people's answers are kept in its folder ``people``.
    budget, watch, retry_failed
        For the engine's part; see `collect`.

    Returns
    -------
    Run
        The engine's; its `people` are the run of the human answers.
    """
    if study.people is not None:
        collect(study.people, study.people.engine, Path(into) / PEOPLE)
    return collect(study.survey, study.engine, into, budget=budget, watch=watch, retry_failed=retry_failed)

"""Who a survey is about: people, whom personas stand for, or the model itself."""

from typing import Any

from proband.subjects.personas import Subject
from proband.subjects.populations import Population


def as_human(population: Population) -> dict[str, Any]:
    """Settings of a design in which the model answers as these people: ``Experiment(**as_human(population), ...)``."""
    return {"subjects": population, "who": "human"}


def as_itself(n: int) -> dict[str, Any]:
    """Settings of a design in which the model answers n times as itself; what it is asked stays the same."""
    subjects = tuple(Subject(id=str(k), traits={}) for k in range(1, n + 1))
    return {"subjects": Population(name="itself", title="the model itself", subjects=subjects), "who": "itself"}

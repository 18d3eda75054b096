"""Proband: a laboratory for behavioural science with and of language models.

Every public name is loaded when it is first used, so that ``import proband`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proband.addresses import open_engine
    from proband.designs import Experiment, PeopleSurvey, PrisonersDilemma, Survey, Writing, people_engine
    from proband.designs.quiz.quiz import Quiz
    from proband.designs.studies import Study, load_study, people_survey
    from proband.estimates import Estimate
    from proband.instruments import Instrument, Item, Rule, Scale, load_instrument
    from proband.records import Completion, Place, Reply, Request, Response, Trial
    from proband.reports import Findings, findings, write_report
    from proband.runs import Budget, Plan, Run, branch, carry_out, collect, plan, show
    from proband.subjects import Field, Population, Subject, load_population, read_microdata

_ROOMS = {
    "proband.addresses": ("open_engine",),
    "proband.designs": ("Experiment", "PeopleSurvey", "PrisonersDilemma", "Survey", "Writing", "people_engine"),
    "proband.designs.quiz.quiz": ("Quiz",),
    "proband.designs.studies": ("Study", "load_study", "people_survey"),
    "proband.instruments": ("Instrument", "Item", "Rule", "Scale", "load_instrument"),
    "proband.estimates": ("Estimate",),
    "proband.records": ("Completion", "Place", "Reply", "Request", "Response", "Trial"),
    "proband.reports": ("Findings", "findings", "write_report"),
    "proband.runs": ("Budget", "Plan", "Run", "branch", "carry_out", "collect", "plan", "show"),
    "proband.subjects": ("Field", "Population", "Subject", "load_population", "read_microdata"),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "Budget",
    "Completion",
    "Estimate",
    "Experiment",
    "Field",
    "Findings",
    "Instrument",
    "Item",
    "PeopleSurvey",
    "Place",
    "Plan",
    "Population",
    "PrisonersDilemma",
    "Quiz",
    "Reply",
    "Request",
    "Response",
    "Rule",
    "Run",
    "Scale",
    "Study",
    "Subject",
    "Survey",
    "Trial",
    "Writing",
    "branch",
    "carry_out",
    "collect",
    "findings",
    "load_instrument",
    "load_population",
    "load_study",
    "open_engine",
    "people_engine",
    "people_survey",
    "plan",
    "read_microdata",
    "show",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its room when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module 'proband' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

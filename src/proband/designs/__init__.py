"""In which order, to whom and under which conditions items are put."""

from proband.designs.conjoint import Conjoint
from proband.designs.design import Design
from proband.designs.experiment import Experiment
from proband.designs.games import PrisonersDilemma
from proband.designs.survey.cards import Writing
from proband.designs.survey.people import PeopleSurvey, people_engine
from proband.designs.survey.survey import Survey

__all__ = ["Conjoint", "Design", "Experiment", "PeopleSurvey", "PrisonersDilemma", "Survey", "Writing", "people_engine"]

"""People in an experiment: a data file says which level each of them saw, and what each answered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from proband.designs.experiment import Experiment
from proband.designs.survey.people import PeopleSurvey, people_engine
from proband.designs.survey.survey import Survey
from proband.errors import DesignError, meant
from proband.records import Trial
from proband.roster import Member, Roster
from proband.subjects.personas import Code, code_text
from proband.subjects.populations import Population


@dataclass(frozen=True, kw_only=True)
class PeopleExperiment(PeopleSurvey):
    """The trials of an experiment that people took part in, each under the level it saw.

    Attributes
    ----------
    survey : Survey
        The model's experiment; its subjects are everybody in the data.
    engine : PeopleEngine
        Whose answers there are.
    arms : mapping of str to str
        Factor -> column of the data with each person's level, by its code or its label.
    """

    arms: Mapping[str, str]

    def __post_init__(self) -> None:
        factors = self.survey.factors
        for name in factors:
            if name not in self.arms:
                raise DesignError(f"[people] says not which {name} each person saw; add arms = {{{name} = COLUMN}}")
        for name in self.arms:
            if name not in factors:
                there = ", ".join(factors)
                raise DesignError(f"[people] arms: no factor {name!r}{meant(name, factors)}; there are {there}")
        if not self.seen:
            raise DesignError("[people]: nobody in the data has a level of every factor; check the columns of arms")

    @cached_property
    def seen(self) -> Mapping[str, Mapping[str, str]]:
        """Person -> factor -> level; who lacks one is not there."""
        population, found = self.survey.subjects, dict[str, dict[str, str]]()
        labels = {field.column: field.labels for field in population.fields}
        for name, column in self.arms.items():
            levels = self.survey.factors[name]
            for subject, code in population.column(column).items():
                text = code_text(code)
                level = text if text in levels else labels.get(column, {}).get(text, text)
                if level not in levels:
                    raise DesignError(
                        f"[people] arms: {column} of {subject!r} is {text!r}, which is no level of {name!r}; there are "
                        f"{', '.join(levels)}; name levels as the data do, or leave these people out with only_where"
                    )
                found.setdefault(subject, {})[name] = level
        return {subject: seen for subject, seen in found.items() if len(seen) == len(self.arms)}

    @cached_property
    def _plain(self) -> Survey:
        return Survey.for_people(self.survey)

    @cached_property
    def _trials(self) -> tuple[Trial, ...]:
        found = []
        for trial in self._plain.preview():
            seen = self.seen.get(trial.place.subject)
            if seen is not None and self.engine.holds(trial):
                condition = tuple(sorted(seen.items()))
                found.append(replace(trial, place=replace(trial.place, condition=condition)))
        return tuple(found)

    def roster(self) -> Roster:
        """Every person who saw a level, with arm and weight."""
        members = []
        for member in Survey.roster(self.survey):
            if (seen := self.seen.get(member.subject)) is not None:
                arm = ", ".join(seen[name] for name in self.survey.factors)
                members.append(
                    Member(subject=member.subject, arm=arm, weight=member.weight, traits=dict(member.traits))
                )
        return Roster(members)

    def describe(self) -> Mapping[str, object]:
        """The experiment as people took part in it."""
        factors = {name: dict(levels) for name, levels in self.survey.factors.items()}
        told = {"factors": factors, "varied": sorted(factors), "assigned": list(factors), "arms": dict(self.arms)}
        return {**super().describe(), **told}


def people_experiment(
    experiment: Experiment, everybody: Population, *, arms: Mapping[str, str], refused: tuple[Code, ...] = ()
) -> PeopleExperiment:
    """The answers of everybody in a population's file to an experiment, by the level that each of them saw.

    Parameters
    ----------
    experiment : Experiment
        The model's.
    everybody : Population
        The people, with a column for each factor.
    arms : mapping of str to str
        Factor -> that column.
    refused : tuple of codes
        Codes that mean the person was asked and gave no answer.

    Raises
    ------
    DesignError
        If a factor has no column, or a column says what is no level.
    """
    engine = people_engine(everybody, experiment.instrument, refused=refused)
    factors = {name: {k: v for k, v in levels.items() if k != "placebo"} for name, levels in experiment.factors.items()}
    survey = Survey(
        instrument=experiment.instrument, subjects=everybody, seed=experiment.seed, title=experiment.title,
        persona="none", order="as_written", factors=factors, decide="mode",
    )  # fmt: skip
    return PeopleExperiment(survey=survey, engine=engine, arms=arms)

"""Between-subjects experiments: one factor, its levels assigned by place, one outcome."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from proband.designs.assignment import assign
from proband.designs.design import Design
from proband.designs.survey.survey import Survey
from proband.errors import DesignError
from proband.estimates import Estimate
from proband.instruments.items import Instrument, Item
from proband.measures import difference_in_means
from proband.records import Response, Trial
from proband.roster import Member, Roster
from proband.subjects.personas import code_text
from proband.subjects.populations import Population


@dataclass(frozen=True, kw_only=True)
class Experiment(Design):
    """Every subject gets one level of a factor and answers the outcome item.

    Attributes
    ----------
    outcome : Item
        What is asked; ``{factor:NAME}`` in its text becomes the text of the subject's level.
    factor : str
        Name of the factor.
    levels : mapping of str to str
        Level -> its text. The first is the control.
    subjects : Population
        Who takes part.
    seed : int
        Root of all randomness.
    block_by : str
        Trait within which assignment is balanced; empty for complete assignment.
    settings : Mapping
        Further settings of `Survey`: answer_by, persona, order, labels.
    """

    kind: ClassVar[str] = "experiment"

    outcome: Item
    factor: str
    levels: Mapping[str, str]
    subjects: Population
    seed: int
    block_by: str = ""
    settings: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if f"{{factor:{self.factor}}}" not in self.outcome.stem + self.outcome.text:
            raise DesignError(
                f"item {self.outcome.id!r}: no {{factor:{self.factor}}} in its wording; nothing is varied"
            )
        if len(self.levels) > 1 and (self.survey.replicates > 1 or self.survey.varied != (self.factor,)):
            raise DesignError(
                f"an experiment asks every subject once, under one level of {self.factor!r}; its settings "
                "take one level each and no replicates"
            )
        len(self.assignment)

    @property
    def name(self) -> str:
        """Factor and outcome."""
        return f"{self.factor} on {self.outcome.id}"

    @property
    def items(self) -> Mapping[str, Item]:
        """The outcome."""
        return {self.outcome.id: self.outcome}

    @cached_property
    def survey(self) -> Survey:
        """The outcome under every level; each subject takes part in one of them."""
        instrument = Instrument(id=self.outcome.id, title=self.name, items=(self.outcome,))
        factors = {self.factor: dict(self.levels)}
        return Survey(
            instrument=instrument,
            subjects=self.subjects,
            seed=self.seed,
            factors=factors,
            **(self.settings or {}),
        )

    @cached_property
    def assignment(self) -> Mapping[str, str]:
        """Subject -> level, made before anything is asked."""
        return assign(
            [s.id for s in self.subjects],
            tuple(self.levels),
            self.seed,
            factor=self.factor,
            blocks=self.blocks,
        )

    @cached_property
    def blocks(self) -> Mapping[str, str] | None:
        """Subject -> block, or None."""
        if not self.block_by:
            return None
        return {id: code_text(code) for id, code in self.subjects.column(self.block_by).items()}

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """The outcome item, to every subject under its level."""
        return [
            trial
            for trial in self.survey.trials({})
            if dict(trial.place.condition)[self.factor] == self.assignment[trial.place.subject]
        ]

    def size(self) -> int:
        """One trial a subject."""
        return len(self.subjects)

    def roster(self) -> Roster:
        """Every subject with its arm; they count the same: assignment, not sampling, is what is analysed."""
        traits = self.survey.roster().by_subject
        return Roster(
            [Member(subject=s, arm=level, traits=traits[s].traits) for s, level in self.assignment.items()]
        )

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the experiment."""
        own = {
            "design": "experiment",
            "factor": self.factor,
            "levels": dict(self.levels),
            "block_by": self.block_by,
        }
        return {**self.survey.describe(), **own}

    def effect(self, responses: Mapping[str, Response], level: str) -> Estimate:
        """Difference in mean outcome between a level and the control, in scale points.

        Parameters
        ----------
        responses : mapping
            ``run.responses()``.
        level : str
            The treated level.
        """
        scores: dict[str, dict[str, float]] = {name: {} for name in self.levels}
        for response in responses.values():
            subject, at = response.place.subject, dict(response.place.condition)[self.factor]
            if isinstance(response.answer, int | float):
                score = (
                    self.outcome.points[int(response.answer)]
                    if self.outcome.options
                    else float(response.answer)
                )
                scores[at][subject] = score
        treated, control = scores[level], scores[next(iter(self.levels))]
        blocks = self.blocks
        pair = None if blocks is None else ([blocks[s] for s in treated], [blocks[s] for s in control])
        estimate = difference_in_means(list(treated.values()), list(control.values()), blocks=pair)
        counts: Counter[str] = Counter(response.status for response in responses.values())
        missing = sum(self.roster().arms[arm] - len(scores[arm]) for arm in (level, next(iter(self.levels))))
        return replace(estimate, n_missing=missing, dispositions=dict(counts))

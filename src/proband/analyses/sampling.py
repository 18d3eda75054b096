"""How a run's subjects were drawn: the one design behind every interval about them."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from proband.errors import DataError
from proband.measures import FidelitySettings, SurveyDesign, survey_design
from proband.measures.surveys.design import design_of
from proband.roster import Roster


@dataclass(frozen=True, eq=False)
class Sample:
    """Everybody in a roster, and how they were drawn."""

    roster: Roster
    weights: Mapping[Hashable, float]  # of subjects, where others than the roster's hold

    @cached_property
    def _places(self) -> Mapping[str, int]:
        drawn = [m.subject for m in self.roster if self._weight(m.subject, m.weight) > 0]
        return {subject: k for k, subject in enumerate(drawn)}

    def _weight(self, subject: str, own: float) -> float:
        return self.weights.get(subject, own)

    @cached_property
    def whole(self) -> SurveyDesign:
        """Of everybody who stands for somebody."""
        members = [m for m in self.roster if m.subject in self._places]
        # Strata with one unit were refused before anybody was asked.
        return survey_design(
            len(members),
            [m.stratum for m in members] if self.roster.strata else None,
            [m.psu or m.unit for m in members],
            fpc=[m.fpc for m in members] if self.roster.fpc else None,
            weights=[self._weight(m.subject, m.weight) for m in members],
            lonely="certainty",
        )

    @property
    def is_drawn(self) -> bool:
        """Whether strata or sampling units are known."""
        return bool(self.roster.strata or self.roster.psu)

    def settings(self, weights: Mapping[Hashable, float]) -> FidelitySettings:
        """What a comparison of items is told of the sample."""
        known: list[Mapping[Hashable, object]] = [
            {s: of[s] for s in self._places if s in of} if self.is_drawn else {}
            for of in (self.roster.strata, self.roster.psu, self.roster.fpc)
        ]
        return FidelitySettings(weights=weights or None, strata=known[0], psu=known[1], fpc=known[2])

    def of(self, subjects: Iterable[Hashable]) -> SurveyDesign:
        """The design of some subjects, in their order; who was drawn and did not answer still belongs to its unit."""
        here = list(map(str, subjects))
        if not here:
            raise DataError("nobody is left, so nothing can be said of how they were drawn")
        if self.is_drawn:
            return self.whole.take(np.array([self._places[s] for s in here], dtype=np.intp))
        members = [self.roster.by_subject[s] for s in here]
        shared = any(m.unit != m.subject for m in members)
        return design_of(
            len(members),
            [self._weight(m.subject, m.weight) for m in members],
            psu=[m.unit for m in members] if shared else None,
        )

    @property
    def methods(self) -> tuple[str, ...]:
        """A sentence for the methods paragraph; nothing where subjects were drawn on their own."""
        if not self.is_drawn:
            return ()
        counted = ", drawn without replacement" if self.roster.fpc else ""
        return (
            f"Standard errors and intervals of shares, means and distances are those of {self.whole.named}{counted} "
            "(Taylor linearisation).",
        )

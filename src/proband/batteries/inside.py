"""Models side by side on the same batteries: the one that is changed inside, and the one that is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from proband.designs.design import Design
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.models.engine import BaseEngine
from proband.records import Response, Trial
from proband.roster import Member, Roster


@dataclass(frozen=True, kw_only=True)
class SideBySideDesign(Design):
    """Every trial of some batteries, put to every model; a model is a subject.

    Attributes
    ----------
    designs : tuple of Design
        Of the batteries, none of them adaptive.
    models : tuple of str
        Names of the engines; the first is what the others are compared with.

    Raises
    ------
    DesignError
        If two batteries share an item, or one waits for answers.
    """

    kind: ClassVar[str] = "inside"
    unit: ClassVar[str] = "model"
    is_about_people: ClassVar[bool] = False

    designs: tuple[Design, ...]
    models: tuple[str, ...]
    seed: int = 1
    title: str = ""

    def __post_init__(self) -> None:
        for design in self.designs:
            if design.is_adaptive:
                raise DesignError(f"battery {design.name!r} goes by what was answered; leave it out here")
        if len(self.items) < sum(len(design.items) for design in self.designs):
            raise DesignError("two of the batteries have an item of the same id; ask them in two studies")

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """Those of all batteries."""
        return {id: item for design in self.designs for id, item in design.items.items()}

    @cached_property
    def _trials(self) -> list[Trial]:
        return [
            replace(trial, answerer=model, place=replace(trial.place, subject=model or "model"))
            for model in self.models
            for design in self.designs
            for trial in design.trials({})
        ]

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """All batteries of the first model, then of the next."""
        return self._trials

    def check_engine(self, engine: BaseEngine, trials: Sequence[Trial]) -> None:
        """Refuse an engine as each of the batteries does."""
        for design in self.designs:
            own = [trial for trial in trials if trial.place.item in design.items]
            if own:
                design.check_engine(engine, own)

    def roster(self) -> Roster:
        """The models."""
        return Roster([Member(subject=model or "model") for model in self.models])

    @property
    def within(self) -> tuple[str, ...]:
        """The models, which are all asked the same."""
        return ("model",) if len(self.models) > 1 else ()

    def describe(self) -> Mapping[str, object]:
        """The batteries as they describe themselves."""
        return {
            "design": self.kind,
            "title": self.name,
            "models": list(self.models),
            "batteries": [dict(design.describe()) for design in self.designs],
            "seed": self.seed,
        }

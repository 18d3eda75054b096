"""Between-subjects experiments: factors whose levels are assigned by place, and one or several outcomes."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from proband.designs.assignment import assign
from proband.designs.survey.sheets import Sheet
from proband.designs.survey.survey import Survey
from proband.errors import DesignError
from proband.roster import Member, Roster
from proband.subjects.personas import code_text


@dataclass(frozen=True, kw_only=True)
class Experiment(Survey):
    """A survey of which every subject sees one version: one level of each factor, assigned to it.

    The items of the instrument are the outcomes, and each is answered once. The first level of a factor is its
    control. With several factors their combinations are assigned, in equal numbers (a factorial design).

    Attributes
    ----------
    factors : mapping
        Name -> level -> text that ``{factor:name}`` becomes in the wording. At least one, with two levels or more.
    block_by : str
        Trait within which assignment is balanced; empty for complete assignment.

    Notes
    -----
    The other attributes are those of `Survey`, with one level each and no replicates.
    """

    kind: ClassVar[str] = "experiment"

    block_by: str = ""

    def __post_init__(self) -> None:
        if not self.factors:
            raise DesignError("an experiment varies something; give it a factor: name -> level -> text")
        for factor, levels in self.factors.items():
            if len(levels) < 2:
                raise DesignError(f"factor {factor!r} has the levels {tuple(levels)}; give it at least two")
        super().__post_init__()
        if self.replicates > 1 or set(self.varied) != set(self.factors):
            also = ", ".join(sorted(set(self.varied) - set(self.factors))) or f"replicates = {self.replicates}"
            raise DesignError(
                f"an experiment asks every subject once, under its own levels, and cannot vary {also} beside; give "
                "one level, or make it a survey, in which everybody is asked under every level"
            )
        if len(self.arms) > len(self.subjects):
            raise DesignError(f"{len(self.arms)} arms for {len(self.subjects)} subjects; ask more, or vary less")
        len(self.assignment)  # refuses subjects without a block

    @property
    def name(self) -> str:
        """Title of the study, or factors and instrument."""
        return self.title or f"{' and '.join(self.factors)} on {self.instrument.id}"

    @cached_property
    def arms(self) -> Mapping[str, Mapping[str, str]]:
        """Every combination of levels, by its name: the level, or all of them where there are several factors."""
        combinations = itertools.product(*self.factors.values())
        return {", ".join(levels): dict(zip(self.factors, levels, strict=True)) for levels in combinations}

    @cached_property
    def assignment(self) -> Mapping[str, str]:
        """Subject -> arm, made before anything is asked."""
        ids = [subject.id for subject in self.subjects]
        return assign(ids, tuple(self.arms), self.seed, factor="&".join(self.factors), blocks=self.blocks)

    @cached_property
    def blocks(self) -> Mapping[str, str] | None:
        """Subject -> block, or None."""
        if not self.block_by:
            return None
        return {id: code_text(code) for id, code in self.subjects.column(self.block_by).items()}

    @property
    def within(self) -> tuple[str, ...]:
        """Nothing: every subject sees one level."""
        return ()

    @property
    def n_sheets(self) -> int:
        """One for every subject."""
        return len(self.subjects)

    def sheet(self, number: int) -> Sheet:
        """The version that a subject was assigned to."""
        subject = self.subjects[number]
        settings = {name: level for name, level in self.conditions[0].items() if name not in self.factors}
        return Sheet(self.questionnaire, subject, {**settings, **self.arms[self.assignment[subject.id]]}, 0)

    def roster(self) -> Roster:
        """Every subject with its arm and block; they count the same, because assignment is analysed, not sampling."""
        members = []
        for member in super().roster():
            block = {"block": self.blocks[member.subject]} if self.blocks is not None else {}
            arm = self.assignment[member.subject]
            members.append(Member(subject=member.subject, arm=arm, traits={**member.traits, **block}))
        return Roster(members)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the experiment; `assigned` are its factors, each with its control first."""
        own = {"design": "experiment", "assigned": list(self.factors), "block_by": self.block_by}
        return {**super().describe(), **own}

"""The run of a quiz, with its key and what every model believes under every prompt."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from proband.analyses.answers import Form
from proband.analyses.section import Cell
from proband.estimates import Estimate
from proband.instruments.banks.bank import Bank
from proband.measures.knowledge.crossed import Scale, crossed_mean, table
from proband.runs.run import Run
from proband.tuning.probing.beliefs import Belief, Beliefs, beliefs_in

CHAPTER = "What models know"
ALL = "all domains"

Place = tuple[str, str]  # model and prompt


@dataclass(frozen=True, eq=False)
class Quizzed:
    """The run of a quiz, with the key and what every model believes under every prompt."""

    run: Run
    bank: Bank

    @cached_property
    def table(self) -> pl.DataFrame:
        """Every response."""
        return self.run.table()

    @cached_property
    def beliefs(self) -> Mapping[Place, Beliefs]:
        """By model and prompt."""
        return beliefs_in(self.run, self.bank)

    @cached_property
    def held(self) -> Mapping[Place, Mapping[str, Belief]]:
        """The same by question."""
        return {place: found.beliefs for place, found in self.beliefs.items()}

    @cached_property
    def prompts(self) -> Mapping[str, Mapping[str, Any]]:
        """Settings of the prompts, by name."""
        found: Mapping[str, Mapping[str, Any]] = self.run.manifest["design"]["prompts"]
        return found

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Models and prompts that have any answer, in the order of the design."""
        design = self.run.manifest["design"]
        asked = set(self.table.select("subject", "ask").unique().iter_rows())
        asks = ((model, design["asks"].get(model, list(design["prompts"]))) for model in design["models"])
        return tuple((model, ask) for model, names in asks for ask in names if (model, ask) in asked)

    @cached_property
    def named(self) -> tuple[bool, bool]:
        """Whether rows need the name of the model, and that of the prompt."""
        models, asks = zip(*self.places, strict=True)
        return len(set(models)) > 1, len(set(asks)) > 1

    @property
    def places_forms(self) -> dict[str, Form]:
        """The columns that name model and prompt, where there are several."""
        names = zip(("model", "prompt"), self.named, strict=True)
        return {name: "text" for name, is_shown in names if is_shown}

    @property
    def forms(self) -> dict[str, Form]:
        """The same, and the domain."""
        return {**self.places_forms, "domain": "text"}

    def cells(self, place: Place) -> tuple[Cell, ...]:
        """A row's cells under `places_forms`."""
        return tuple(name for name, is_shown in zip(place, self.named, strict=True) if is_shown)

    def name(self, place: Place) -> str:
        """What a row is about, where it is about model and prompt alone."""
        return ", ".join(str(cell) for cell in self.cells(place)) or place[1]

    def rows(self, place: Place) -> pl.DataFrame:
        """Every response of one model under one prompt."""
        return self.table.filter((pl.col("subject") == place[0]) & (pl.col("ask") == place[1]))

    def scored(self, place: Place) -> pl.DataFrame:
        """Those that hold probabilities."""
        return self.rows(place).filter(pl.col("probs").is_not_null())

    def right(self, place: Place, ids: Sequence[str] | None = None) -> dict[str, float]:
        """1 where the most probable option is the right one, else 0, by question."""
        held = self.beliefs[place].beliefs
        return {id: float(held[id].pick == self.bank[id].answer) for id in (held if ids is None else ids)}

    def by_domain(self, held: Mapping[Place, Mapping[str, object]]) -> Iterator[tuple[Place, str, list[str]]]:
        """Model and prompt, domain, and the questions of which something is held; all domains last."""
        for place, known in held.items():
            domains = {d: [q.id for q in self.bank.of(d) if q.id in known] for d in self.bank.domains}
            if len(domains) > 1:
                domains[ALL] = list(known)
            yield from ((place, domain, ids) for domain, ids in domains.items() if ids)


def mean_over_questions(scores: Mapping[str, float], scale: Scale, what: str) -> Estimate:
    """Mean score with its interval over questions."""
    return crossed_mean([table("all", [scores])], scale, estimand=what)

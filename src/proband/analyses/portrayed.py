"""What a run of a battery holds: the scores of every scale by item and context, in one table each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl

from proband.analyses.answers import Factor, answers, factors
from proband.analyses.scales import instrument_of
from proband.analyses.stability import long_scores
from proband.batteries.generated import kinds_of
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item, Scale, score_range
from proband.measures import ContextStudy, context_study
from proband.runs.run import Run

WRITTEN = "written"
ANSWER_BY = "answer_by"


@dataclass(frozen=True, kw_only=True)
class Trait:
    """A scale under one treatment: what is told of by itself.

    Attributes
    ----------
    name : str
        Of the scale, with the levels of treatments.
    scale : Scale
        With its key and people's norm.
    levels : mapping of str to str
        Treatment -> level; empty where there are none.
    factors : tuple of Factor
        What makes up a context.
    frame : polars.DataFrame
        Columns of the factors, ``item``, ``score``: keyed, in the unit of the scale's norm.
    part : polars.DataFrame
        The answers behind it, as the run has them.
    left_out : tuple of str
        Items without a score in half of the contexts; they are not in `frame`.
    """

    name: str
    scale: Scale
    levels: Mapping[str, str]
    factors: tuple[Factor, ...]
    frame: pl.DataFrame
    part: pl.DataFrame = field(repr=False)
    instrument: Instrument = field(repr=False)
    left_out: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Columns of the factors that vary here."""
        return [factor.column for factor in self.factors if self.frame[factor.column].n_unique() > 1]

    @cached_property
    def study(self) -> ContextStudy:
        """Where its scores vary; a second time it is looked up."""
        if self.frame.is_empty():
            raise DesignError(f"{self.name}: no item has a score in half of the contexts")
        return context_study(
            self.frame, self.columns, scores="score", complete=self.complete, people_sd=self.people("sd")
        )

    @property
    def complete(self) -> list[str]:
        """Factors whose levels are all there are: both directions in which options are read."""
        return [factor.column for factor in self.factors if {*factor.levels} == {"as_written", "reversed"}]

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest score there can be; infinite for numbers without bounds."""
        ranges = [score_range(self.instrument[id], sign, self.scale.id) for id, sign in self.scale.items.items()]
        if any(low == high for low, high in ranges):
            return -np.inf, np.inf
        unit = len(ranges) if self.scale.rule == "sum" else 1
        return unit * float(np.mean([low for low, _ in ranges])), unit * float(np.mean([high for _, high in ranges]))

    def people(self, name: str) -> float | None:
        """A number of people's norm: ``mean``, ``sd``; None where it is not known."""
        value = self.scale.human.get(name)
        return float(value) if isinstance(value, int | float) else None

    def by_context(self, frame: pl.DataFrame | None = None) -> pl.DataFrame:
        """The score of all items in every context: the columns of factors, and ``score``."""
        found = self.frame if frame is None else frame
        return found.group_by([factor.column for factor in self.factors], maintain_order=True).agg(pl.mean("score"))


def design_of(run: Run) -> Mapping[str, object]:
    """What the manifest says of the design."""
    return run.manifest.get("design") or {}


def contexts_of(run: Run) -> tuple[Factor, ...]:
    """Factors that make up a context, and repeats where there are any; treatments and ways to answer are none."""
    aside = {*_texts(design_of(run).get("treatments")), ANSWER_BY}
    found = [factor for factor in factors(run) if factor.name not in aside]
    repeats = sorted(answers(run)["replicate"].unique().to_list())
    if len(repeats) > 1:
        found.append(Factor("repeat", "replicate", tuple(map(str, repeats))))
    return tuple(found)


def methods_of(run: Run) -> tuple[str, ...]:
    """Ways in which items were answered, the one that numbers are about first."""
    levels = next((factor.levels for factor in factors(run) if factor.name == ANSWER_BY), ())
    return tuple(sorted(levels, key=lambda level: level == WRITTEN))


def main_part(run: Run) -> pl.DataFrame:
    """The answers that numbers are about: by probabilities, where there are written ones beside them."""
    table, methods = answers(run), methods_of(run)
    return table.filter(pl.col(ANSWER_BY) == methods[0]) if methods else table


def traits_of(run: Run, kind: str = "") -> list[Trait]:
    """Every scale under every treatment; with a kind (``lure``), the share of answers that are options of it."""
    instrument = instrument_of(run)
    if instrument is None:
        return []
    aside = [factor for factor in factors(run) if factor.name in _texts(design_of(run).get("treatments"))]
    context, table = contexts_of(run), main_part(run)
    parts = table.partition_by([f.column for f in aside], maintain_order=True) if aside else [table]
    found = []
    for scale, counted in _counted(instrument, kind):
        for part in parts:
            levels = {factor.name: str(part[factor.column][0]) for factor in aside}
            label = ", ".join([scale.name, *(f"{name} = {level}" for name, level in levels.items())])
            found.append(_trait(counted, scale, part, context, label, levels))
    return found


def _trait(
    instrument: Instrument,
    scale: Scale,
    part: pl.DataFrame,
    context: tuple[Factor, ...],
    name: str,
    levels: Mapping[str, str],
) -> Trait:
    columns = [factor.column for factor in context]
    frame = long_scores(instrument, scale, part, [*columns, "subject"]).drop("subject")
    if scale.rule == "sum":
        frame = frame.with_columns(pl.col("score") * len(scale.items))
    n = part.select(columns).unique().height if columns else 1
    # An item that is hardly answered would make the others' contexts look empty.
    whole = frame.filter(pl.len().over("item") > n / 2)
    gone = tuple(id for id in scale.items if id not in set(whole["item"]))
    return Trait(
        name=name, scale=scale, levels=levels, factors=context, frame=whole, part=part, instrument=instrument,
        left_out=gone,
    )  # fmt: skip


def _counted(instrument: Instrument, kind: str) -> Iterator[tuple[Scale, Instrument]]:
    """Scales, each with the instrument by whose codes it is scored."""
    for scale in instrument.scales:
        if not kind:
            yield scale, instrument
        elif all(kind in kinds_of(instrument[id]) for id in scale.items):
            items = tuple(_marked(item, kind) for item in instrument.items if item.id in scale.items)
            marked = replace(scale, id=f"{scale.id}:{kind}", items=dict.fromkeys(scale.items, 1), rule="mean", human={})
            yield marked, replace(instrument, items=items, scales=())


def _marked(item: Item, kind: str) -> Item:
    """The item with a score of 1 for options of a kind."""
    wanted = kinds_of(item).get(kind, ())
    return replace(item, codes=tuple(float(k in wanted) for k in range(len(item.options))))


def _texts(found: object) -> Sequence[str]:
    return [str(name) for name in found] if isinstance(found, list | tuple) else []

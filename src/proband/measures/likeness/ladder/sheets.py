"""People and model under one condition as arrays, and the rows that come of them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Bools, Floats, Ints
from proband.measures.likeness.items.nulls import NullRows
from proband.measures.likeness.items.pairs import PairedAnswers
from proband.measures.likeness.ladder.answers import AskedItem, Block
from proband.measures.surveys.design import SurveyDesign, simple_random_sample
from proband.seeds import rng_for

Rung = Literal["marginal", "subgroup", "joint", "individual", "effect"]
RUNGS: tuple[Rung, ...] = ("marginal", "subgroup", "joint", "individual", "effect")
TV = "total variation distance"
W1 = "normalised Wasserstein-1 distance"


@dataclass(frozen=True, kw_only=True)
class LadderRow:
    """One number of the ladder.

    - `rung`: what kind of likeness it is about.
    - `statistic`: what the number is, e.g. "total variation distance".
    - `item`: the item; empty for a mean over items, or a number of all items together.
    - `group`: ``column=level`` in the subgroup rung, else empty.
    - `condition`: levels of the run's conditions.
    - `estimate`: the model's number; `baselines` holds the same number of the null rows that exist for it, and
      ``noise_floor``: for distances the distance that people's sampling alone makes, for scores the mean absolute
      sampling error.
    """

    rung: Rung
    statistic: str
    estimate: Estimate
    item: str = ""
    group: str = ""
    condition: Mapping[str, str] = field(default_factory=dict)

    @property
    def nulls(self) -> dict[str, float]:
        """The null rows, without the floor."""
        return {k: v for k, v in self.estimate.baselines.items() if k != "noise_floor"}

    @property
    def noise_floor(self) -> float:
        """The floor; NaN where there is none."""
        return self.estimate.baselines.get("noise_floor", math.nan)


@dataclass(frozen=True, kw_only=True)
class LadderSettings:
    """Level, replicates and least numbers of `fidelity`."""

    level: float = 0.95
    n_replicates: int = 1000
    n_splits: int = 50
    min_people: int = 10
    min_group: int = 30

    def __post_init__(self) -> None:
        if not 0 < self.level < 1 or self.n_replicates < 100 or self.n_splits < 1 or self.min_people < 2:
            raise DesignError(f"{self}: level is between 0 and 1, n_replicates at least 100, n_splits 1, min_people 2")


@dataclass(frozen=True, eq=False, kw_only=True)
class Sheet:
    """People and model under one condition: the subjects of both, in rows; options of all items in columns."""

    items: Sequence[AskedItem]
    human: Block  # with answers where both sides have one
    model: Block
    weights: Floats  # (n_subjects,): positive
    design: SurveyDesign | None = None  # None for a simple random sample
    condition: Mapping[str, str] = field(default_factory=dict)
    outside: Block | None = None  # answers of held-out people, with `outside_weights`
    outside_weights: Floats | None = None
    nobody: Block | None = None  # the model without a persona, for the same subjects
    # (n_subjects, n_columns): predictions of a model of people's answers on their traits; from held-out people, or
    # from the other half (`first_half`) of these
    by_traits: Floats | None = None
    first_half: Bools | None = None
    halves: Bools | None = None
    # subgroups; code -1 for subjects without
    groups: Mapping[str, tuple[Ints, Sequence[str]]] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Subjects."""
        return len(self.weights)

    @cached_property
    def starts(self) -> Ints:
        """First column of every item."""
        return np.cumsum([0, *(item.n_options for item in self.items)])[:-1]

    @cached_property
    def item_of_column(self) -> Ints:
        """Item of every column."""
        return np.repeat(np.arange(len(self.items)), [item.n_options for item in self.items])

    @cached_property
    def unit_replicates(self) -> tuple[Ints, Floats]:
        """Unit of every subject and bootstrap factors of the units; see `SurveyDesign.replicates`."""
        design = self.design or simple_random_sample(self.n)
        return design.replicates(self.settings.n_replicates, self.rng("replicates"))

    settings: LadderSettings = field(default_factory=LadderSettings)

    def rng(self, *place: str) -> np.random.Generator:
        """Randomness by place: equal data give equal results."""
        return rng_for(0, "fidelity", *place, *(f"{k}={v}" for k, v in sorted(self.condition.items())))

    def columns(self, k: int) -> slice:
        """Columns of item `k`."""
        return slice(int(self.starts[k]), int(self.starts[k]) + self.items[k].n_options)

    def pairs(self, k: int, rows: Bools | None = None) -> PairedAnswers:
        """Item `k` among (some of) the subjects."""
        used = self.human.has[:, k] if rows is None else self.human.has[:, k] & rows
        columns = self.columns(k)
        return PairedAnswers(
            answers=self.human.shares[used, columns].argmax(axis=1),
            probs=self.model.shares[used, columns],
            weights=self.weights[used],
            design=None if self.design is None else self.design.take(used),
        )

    @cached_property
    def half_shares(self) -> Floats:
        """Shares of first and second halves, shape (2, n_splits, n_columns); NaN where a half has nobody."""
        return self.shares_of_halves(np.ones(self.n, dtype=bool))

    def shares_of_halves(self, rows: Bools) -> Floats:
        """People's shares among those of `rows` in each half, shape (2, n_splits, n_columns)."""
        halves = self.split_halves[:, rows]
        w = self.weights[rows]
        both = np.stack([halves * w, ~halves * w])
        counts = both @ self.human.shares[rows]
        totals = (both @ self.human.has[rows].astype(np.float64))[..., self.item_of_column]
        return np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)

    @cached_property
    def split_halves(self) -> Bools:
        """Random halves of the subjects, units kept whole, shape (n_splits, n_subjects)."""
        if self.halves is not None:
            return self.halves
        design = self.design or simple_random_sample(self.n)
        return design.halves(self.settings.n_splits, self.rng("halves"))

    def is_held_out(self, k: int) -> bool:
        """Whether enough held-out people answered item `k` to predict it."""
        return self.outside is not None and int(self.outside.has[:, k].sum()) >= self.settings.min_group

    @cached_property
    def outside_shares(self) -> Floats:
        """Shares of held-out people, shape (n_columns,)."""
        assert self.outside is not None
        assert self.outside_weights is not None
        counts = self.outside_weights @ self.outside.shares
        totals = (self.outside_weights @ self.outside.has)[self.item_of_column]
        return np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)

    def nulls(self, k: int, pairs: PairedAnswers, rows: Bools | None = None) -> NullRows:
        """Null rows of item `k`: everybody's shares predict those of `rows`."""
        columns = self.columns(k)
        if self.is_held_out(k) and self.outside is not None:
            n = float(self.outside.has[:, k].sum())
            return NullRows(pairs.human[None, :], self.outside_shares[None, columns], "held-out people", n)
        all_ = self.half_shares[..., columns]
        some = all_ if rows is None else self._group_halves(rows)[..., columns]
        # Each half is predicted by the other: people share their sampling noise with themselves.
        predicted = np.concatenate([some[0], some[1]])
        predicting = np.concatenate([all_[1], all_[0]])
        is_whole = np.isfinite(predicted).all(axis=1) & np.isfinite(predicting).all(axis=1)
        return NullRows(predicted[is_whole], predicting[is_whole], "cross-fitted halves", max(pairs.n_eff / 2, 1.0))

    def _group_halves(self, rows: Bools) -> Floats:
        key = rows.tobytes()
        if key not in self._group_cache:
            self._group_cache.clear()  # groups are gone through one by one: the last one is enough
            self._group_cache[key] = self.shares_of_halves(rows)
        return self._group_cache[key]

    @cached_property
    def _group_cache(self) -> dict[bytes, Floats]:
        return {}

    def further_shares(self, k: int, rows: Bools | None = None) -> Iterator[tuple[str, Floats, Floats]]:
        """Name of a null row, and people's and its shares on the same subjects, once or for each half."""
        columns = self.columns(k)
        used = self.human.has[:, k] if rows is None else self.human.has[:, k] & rows
        if self.nobody is not None and (both := used & self.nobody.has[:, k]).any():
            yield "no_persona", self._mean(both, self.human, columns), self._mean(both, self.nobody, columns)
        if self.by_traits is not None:
            predicted = Block(self.by_traits, self.human.has)
            parts = [used] if self.first_half is None else [used & self.first_half, used & ~self.first_half]
            if all(part.any() for part in parts):
                blocks = (self.human, predicted)
                theirs, told = (np.stack([self._mean(part, block, columns) for part in parts]) for block in blocks)
                yield "demographics_only", theirs, told

    def _mean(self, rows: Bools, block: Block, columns: slice) -> Floats:
        w = self.weights[rows]
        found: Floats = w @ block.shares[rows, columns] / w.sum()
        return found

"""Cells: agents in the same situation, asked once; how many there may be, and how far agents are from their cells.

A situation is what a turn shows, told at some levels: each agent has a code, computed for all at once, and only the
codes that occur are asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proband.errors import DesignError
from proband.societies.ground import background
from proband.societies.state import State
from proband.societies.world import Ask, Heard
from proband.societies.written.parts import Parts, Turn, Variable
from proband.societies.written.people import People
from proband.societies.written.seeing import Columns, Words

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_BY_CELL = ("own", "neighbours", "public", "world", "place")
_MOST_CODES = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One thing by which situations differ.

    Attributes
    ----------
    name : str
        As in the cell's situation.
    by : str
        Key of ``levels`` that says how many; empty where the options or names do.
    n : int
        Levels, beside the one of who has no value.
    variable : Variable or None
        Whose values they are.
    is_own, is_shared : bool
        Whether it is the agent's own value; whether it is the same for all.
    """

    name: str
    n: int
    by: str = ""
    variable: Variable | None = None
    is_own: bool = False
    is_shared: bool = False

    def code(self, values: Floats) -> Ints:
        """Levels of some values: 0 for none, else from 1."""
        low, high = _bounds(self.variable) if self.variable else (0.0, self.n - 1.0)
        scaled = (values - low) * ((self.n - 1) / (high - low) if high > low else 0.0) + 1.5
        return np.where(np.isnan(scaled), 0, scaled).astype(np.int64).clip(0, self.n)

    def value(self, level: int) -> float:
        """The value that a level stands for."""
        low, high = _bounds(self.variable) if self.variable else (0.0, self.n - 1.0)
        return low + (level - 1) / max(self.n - 1, 1) * (high - low)


def _bounds(variable: Variable) -> tuple[float, float]:
    if variable.options:
        return 0.0, len(variable.options) - 1.0
    return float(variable.lower or 0.0), float(variable.upper or 0.0)


def dimensions(parts: Parts, turn: Turn, where: str) -> tuple[Dimension, ...]:
    """What tells the situations of a turn apart.

    Raises
    ------
    DesignError
        If something that it shows cannot be told at levels, or a number has none.
    """
    levels, found = parts.keys.scale.levels, list[Dimension]()
    looked = [v for v in parts.agent.values() if v.name == turn.sets] or list(parts.agent.values())

    def of(variable: Variable, name: str, by: str, **more: bool) -> Dimension:
        is_itself = by == variable.name
        n = len(variable.options) if is_itself else levels.get(by, 0)
        n = n or levels.get(variable.name, 0)
        if not n:
            raise DesignError(f"{where}: [scale] levels: say how many of {by!r} are told apart")
        if not variable.options and (variable.lower is None or variable.upper is None):
            raise DesignError(f"{where}: [[variable]] {variable.name!r} needs lower and upper, to be told at levels")
        return Dimension(name=name, n=n, by=by, variable=variable, **more)

    for sight in turn.sees:
        if sight.what not in _BY_CELL:
            if parts.keys.scale.core:  # the core reads it; what the crowd does is told by the rest of the situation
                continue
            raise DesignError(
                f"{where}: [[turn]] {turn.item.id!r} sees {sight.what!r}, and texts differ from agent to agent; with "
                'ask = "cells" take it out, or let a core be asked'
            )
        if sight.what == "own":
            found += [of(variable, name, name, is_own=True) for name, variable in parts.agent.items()]
            if parts.stocks:
                raise DesignError(f"{where}: [[stock]] {parts.stocks[0].name!r} is seen as 'own', which has no levels")
        elif sight.what == "neighbours":
            found += [of(variable, f"near_{variable.name}", "near") for variable in looked]
        elif sight.what == "public":
            found += [of(variable, f"public_{variable.name}", "public", is_shared=True) for variable in looked]
        elif sight.what == "world":
            found += [of(variable, name, name, is_shared=True) for name, variable in parts.world.items()]
        else:
            found.append(Dimension(name="place", n=len(parts.places)))
    for event in parts.events:
        if event.kind in ("message", "event"):
            found.append(Dimension(name=f"told_{event.name}", n=2))
    return tuple(found)


def check(parts: Parts, people: People, where: str) -> None:
    """Refuse what cannot be asked by cell, and more cells than there may be, naming what multiplies them."""
    scale = parts.keys.scale
    known = ["near", "public", *parts.agent, *parts.world]
    for name, n in scale.levels.items():
        if name not in known:
            raise DesignError(f"{where}: [scale] levels name {name!r}; there are {', '.join(known)}")
        if n < 2:
            raise DesignError(f"{where}: [scale] levels of {name!r} is {n}; at least 2 can be told apart")
    for turn in parts.turns:
        if not can_be_pooled(turn):
            if scale.core:  # then only the core is asked
                continue
            raise DesignError(
                f"{where}: [[turn]] {turn.item.id!r} is no choice of all at the same time among the same options; only "
                'such turns are asked by cell, so ask = "agents"'
            )
        told = dimensions(parts, turn, where)
        sizes = {dimension.by or dimension.name: dimension.n for dimension in told if not dimension.is_shared}
        n = len(people.archetype_names)
        bound = n * int(np.prod([dimension.n for dimension in told if not dimension.is_shared], dtype=object))
        if bound > scale.most_cells:
            largest = max(sizes, key=lambda name: sizes[name]) if sizes and max(sizes.values()) >= n else "by"
            what = f"{n} archetypes ([scale] by)" if largest == "by" else f"the {sizes[largest]} levels of {largest!r}"
            raise DesignError(
                f"{where}: [[turn]] {turn.item.id!r} may have {bound:,} cells, more than {scale.most_cells:,} "
                f"(most_cells); {what} multiply them most, so take fewer"
            )


def can_be_pooled(turn: Turn) -> bool:
    """Whether the answers to a turn can stand for those of others: a choice of all among the same options at once."""
    is_choice = turn.item.form in ("choice", "scale") and turn.sets not in ("place", "tie", "untie")
    return is_choice and turn.schedule == "parallel" and not turn.offers and turn.mind is None


class Situations:
    """The cells of one turn at one moment."""

    def __init__(self, parts: Parts, people: People, state: State, turn: Turn, who: NDArray[np.bool_]) -> None:
        self.parts, self.people, self.turn = parts, people, turn
        self.dimensions = dimensions(parts, turn, "[scale]")
        columns = Columns(parts, people, state)
        archetypes = people.archetypes(state.agents["row"])
        self._sizes = [len(people.archetype_names), *(dimension.n + 1 for dimension in self.dimensions)]
        codes = archetypes.astype(np.int64)
        for dimension, size in zip(self.dimensions, self._sizes[1:], strict=True):
            codes = codes * size + self._level(dimension, columns)
        codes = np.where(who, codes, -1)
        if int(np.prod(self._sizes, dtype=object)) <= _MOST_CODES:
            # Counting takes a tenth of the time of sorting a million agents.
            there = np.bincount(codes + 1, minlength=1)[1:] > 0
            self.codes = np.flatnonzero(there)
            place = np.cumsum(there) - 1
            self.cell = np.where(codes >= 0, place[codes.clip(min=0)], -1) if len(place) else codes
        else:
            self.codes, inverse = np.unique(codes[who], return_inverse=True)
            self.cell = np.full(len(codes), -1)
            self.cell[who] = inverse

    def _level(self, dimension: Dimension, columns: Columns) -> Ints:
        name, state = dimension.name, columns.state
        if name == "place":
            return state.agents["place"].astype(np.int64) + 1
        if name.startswith("told_"):
            event = next(event for event in self.parts.events if f"told_{event.name}" == name)
            heard = state.agents.get(f"heard_{event.name}")
            if heard is None:
                return np.zeros(len(state), np.int64)
            return np.asarray((heard > 0) & ((event.lasts == 0) | (state.round - heard < event.lasts)), np.int64)
        variable = dimension.variable
        if variable is None or dimension.is_own or name in self.parts.world:
            return dimension.code(columns(name))
        if dimension.is_shared:
            values = state.agents[variable.name]
            return dimension.code(np.full(len(state), np.nanmean(values) if (~np.isnan(values)).any() else np.nan))
        return dimension.code(columns(f"near_mean_{variable.name}"))

    def asks(self, words: Words, made: dict[tuple[object, ...], Ask]) -> list[Ask]:
        """One for each cell, in the order of `codes`; those `made` before in the same words are taken from there."""
        start = self.turn.item.id, self.turn.is_start, words.background
        asks, regime = [], background.regime(words.background)
        for code in self.codes.tolist():
            ask = made.get((*start, code))
            if ask is None:
                ask = made[*start, code] = self._made(code, regime, words)
            asks.append(ask)
        return asks

    def _made(self, code: int, regime: str, words: Words) -> Ask:
        levels = []
        for size in reversed(self._sizes[1:]):
            code, level = divmod(code, size)
            levels.append(level)
        levels.reverse()
        profile, engine = self.people.archetype(code)
        # What somebody was not told is no part of the situation, so that arms with a message share what is without.
        pairs = [
            (dimension.name, str(level))
            for dimension, level in zip(self.dimensions, levels, strict=True)
            if level or not dimension.name.startswith("told_")
        ]
        lines, facts = self._told(levels, words)
        return Ask(
            item=self.turn.item, told="\n".join(lines), system=words.system(profile), facts=tuple(facts),
            answerer=engine, archetype=self.people.archetype_names[code],
            cell=tuple(sorted([*pairs, ("regime", regime)])),
        )  # fmt: skip

    def _told(self, levels: Sequence[int], words: Words) -> tuple[list[str], list[tuple[str, str]]]:
        """A situation in words, and as facts for scripted rules; without the round, which is no part of it."""
        lines, news, facts = list[str](), list[str](), list[tuple[str, str]]()
        for dimension, level in zip(self.dimensions, levels, strict=True):
            name, variable = dimension.name, dimension.variable
            if name.startswith("told_"):
                if level:
                    event = next(event for event in self.parts.events if f"told_{event.name}" == name)
                    news.append(event.text if event.kind == "event" else f"You are told: {event.text}")
                continue
            if not level:
                continue
            if variable is None:
                place = self.parts.places[level - 1]
                lines.append(f"You are at: {place.name}." + (f" {place.about}" if place.about else ""))
                facts.append(("place", place.name))
                continue
            value = dimension.value(level)
            is_mean = not dimension.is_own and name not in self.parts.world
            if is_mean:
                who = "all people here" if dimension.is_shared else "the people you know"
                lines.append(_leaning(who, variable, value))
                facts.append((f"near_mean_{variable.name}" if not dimension.is_shared else name, f"{value:g}"))
                continue
            told = variable.told(value)
            usual = f"Your {name} so far: {told}." if dimension.is_own else f"The {name} now: {told}."
            lines.append(variable.says.replace("{value}", told) if variable.says else usual)
            facts.append((name, told))
        return news + lines, sorted(facts)


def _leaning(who: str, variable: Variable, value: float) -> str:
    """Where some people stand on average, in words."""
    if not variable.options:
        return f"On average, {who} have {variable.name} {value:.2f}."
    low, high = variable.options[0], variable.options[-1]
    share = value / (len(variable.options) - 1)
    if len(variable.options) == 2:
        return f"Of {who}, about {share:.0%} say: {high}."
    return f"By {variable.name}, {who} are on average {share:.0%} of the way from {low!r} to {high!r}."


def distributions(heard: Sequence[Heard], n_options: int) -> Floats:
    """Probabilities of the options, one row an answer, cumulative; a row of NaN where there is no answer."""
    rows = np.full((len(heard), n_options), np.nan)
    for k, one in enumerate(heard):
        if one.is_valid:
            rows[k] = shares_of(one, n_options)
    return np.cumsum(rows, axis=1)


def shares_of(one: Heard, n_options: int) -> Floats:
    """How likely an answer makes each option: as the engine says, or all on the one it gave."""
    probs = one.response.probs
    if probs is not None and len(probs) == n_options:
        return np.asarray(probs, float)
    answer = one.response.answer
    return np.asarray(np.eye(n_options)[answer if isinstance(answer, int) else 0])


def drawn(cumulative: Floats, cell: Ints, u: Floats) -> Floats:
    """An option for each agent, from the distribution of its cell; NaN for who has no cell, or one without answer."""
    answer = np.zeros(len(cell), np.int8)
    inside = np.maximum(cell, 0)
    for k in range(cumulative.shape[1] - 1):
        answer += u >= cumulative[inside, k]
    lost = np.isnan(cumulative[:, 0]) if len(cumulative) else np.ones(1, bool)
    return np.where((cell < 0) | lost[inside], np.nan, answer)


def total_variation(p: Floats, q: Floats) -> float:
    """Half the sum of absolute differences between two distributions."""
    return float(np.abs(np.asarray(p) - np.asarray(q)).sum() / 2)


def pooled(cells: Mapping[int, list[Floats]], n_cells: int, n_options: int) -> Floats:
    """Mean distribution of those who were asked, by cell, cumulative; NaN for cells where nobody was."""
    rows = np.full((n_cells, n_options), np.nan)
    for cell, found in cells.items():
        rows[cell] = np.mean(found, axis=0)
    return np.cumsum(rows, axis=1)

"""A world that is written as tables: what it does in a round, from what befalls it to what its rules change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from proband.instruments.items import Item
from proband.societies.asking import OUTSIDE
from proband.societies.ground import stocks as ground
from proband.societies.ground.background import decides
from proband.societies.ground.places import first_home
from proband.societies.state import State
from proband.societies.world import Ask, Heard, Person, World
from proband.societies.written import cells, effects, schedules
from proband.societies.written.expressions import Formula, holds, number_of, values_of
from proband.societies.written.parts import Parts, Turn
from proband.societies.written.people import People, chosen, first_values, ties_of
from proband.societies.written.seeing import Columns, Words
from proband.societies.written.thinking import Thinking

_MOST_CELLS = 100_000  # kept in words; background and cells that change could make more and more of them
_MOST_PEOPLE = 20_000  # of whom traits are listed; more are a crowd


class Written(World):
    """A world by tables; see `WrittenKeys`."""

    fixed = frozenset({"agents", "variable", "network", "stock", "place", "rounds", "profile", "engine"})

    def __init__(self, parts: Parts, seed: int) -> None:
        self.parts, self.seed = parts, seed
        self.outside = any(turn.resolver for turn in parts.turns)
        self.minds = {
            turn.item.id: Thinking(self, turn, turn.mind, f"{parts.where}: [[turn]] {turn.item.id!r}")
            for turn in parts.turns
            if turn.mind is not None
        }

    @cached_property
    def people_of(self) -> People:
        """Who its agents are: nothing of its own beside tables and seed, so that snapshots of it are known again."""
        return People(self.parts, self.seed)

    @cached_property
    def items(self) -> Sequence[Item]:
        """Everything that turns ask."""
        at_once = [turn for turn in self.parts.turns if turn.item.id not in self.minds or turn.is_start]
        found = [item for turn in at_once for item in (turn.item, turn.bid, turn.resolver) if item]
        found += [item for mind in self.minds.values() for item in mind.asked()]
        return tuple({item.id: item for item in found}.values())

    @property
    def rounds(self) -> int:
        """As the file says."""
        return self.parts.keys.rounds

    def roles(self) -> Iterable[str]:
        """The engines that the population names, and one for what comes of words; or one for all."""
        if not self.parts.keys.engine or self.parts.population is None:
            return ("",)
        named = dict.fromkeys(self.people_of.engine(row) for row in range(len(self.parts.population)))
        return (*named, *([OUTSIDE] if self.outside else []))

    @property
    def _by_cell(self) -> bool:
        return self.parts.keys.scale.ask == "cells"

    def begin(self, society: int) -> State:
        """Everybody at home, with what they begin with; nothing has happened yet."""
        parts = self.parts
        n = parts.keys.agents or len(parts.population or ())
        state = State(society=society, agents={"number": np.arange(n)})
        state.values = {
            "world": {name: variable.start for name, variable in parts.world.items()}, "policies": {}, "fired": [],
            "count": {}, "step": schedules.opened(-1), "next": n,
        }  # fmt: skip
        self._settle(state)
        if parts.keys.network is not None:
            made = ties_of(parts.keys.network, self.people_of, society, state.agents, Path(parts.folder))
            state.networks["ties"] = made
        for stock in parts.stocks:
            held = stock.agents
            amounts = (
                values_of(held, self._columns(state, "start", stock.name), n)
                if isinstance(held, Formula) else np.full(n, float(held))
            )  # fmt: skip
            state.agents[stock.name] = np.floor(np.nan_to_num(amounts)).clip(min=0).astype(np.int64)
            state.stocks |= {ground.account(stock.name, pool): float(amount) for pool, amount in stock.pools.items()}
            effects.check_total(stock, state)
        return state

    def _settle(self, state: State) -> None:
        """Columns that agents begin with, in the order in which they may be read."""
        people, parts = self.people_of, self.parts
        numbers = state.numbers
        state.agents["row"] = people.rows(state.society, numbers)
        for name, variable in parts.agent.items():
            state.agents[name] = first_values(variable, people, state.society, numbers, state.agents["row"])
        for event in parts.events:
            if event.kind in ("message", "event"):
                state.agents[f"heard_{event.name}"] = np.zeros(len(numbers))
        if parts.places:
            state.agents["place"] = np.full(len(numbers), float(first_home(parts.places)))
            for k, place in enumerate(parts.places):
                if place.home is not None:
                    state.agents["place"][holds(place.home, self._columns(state, "home", k), len(numbers))] = k
            state.agents["home"] = state.agents["place"].copy()

    def _columns(self, state: State, *place: str | int, **more: NDArray[np.float64]) -> Columns:
        return Columns(self.parts, self.people_of, state, lambda: self.uniforms(state, "u", *place), **more)

    def turns(self, state: State) -> Sequence[Ask]:
        """Who is asked now; nothing between turns, and where rules alone decide."""
        turn = self._turn(state)
        if turn is None or state.values["step"]["phase"] == "enter":
            return ()
        if turn.mind is not None:
            return self.minds[turn.item.id].ask(state)
        columns, step = self._columns(state, "who", turn.item.id), state.values["step"]
        words = Words(self.parts, self.people_of, state, self.seed)
        if step["phase"] == "resolve":
            return [self._resolve(turn, event, state, words) for event in step["texts"]]
        if self._by_cell:
            return self._cell_asks(turn, state, columns, words)
        at = schedules.group(self.parts, turn, state, columns, self.seed)
        if self.parts.keys.scale.core and turn.schedule == "parallel":
            at = at[np.isin(state.numbers[at], self._panel(state, "core", self.parts.keys.scale.core))]
        is_bid = step["phase"] == "bid" and turn.bid is not None
        item = turn.bid if is_bid else None
        return [ask for k in at.tolist() if (ask := self._ask(k, turn, state, words, columns, item)) is not None]

    def _turn(self, state: State) -> Turn | None:
        number = state.values["step"]["turn"]
        return self.parts.turns[number] if 0 <= number < len(self.parts.turns) else None

    def _ask(
        self, k: int, turn: Turn, state: State, words: Words, columns: Columns, item: Item | None = None
    ) -> Ask | None:
        """What is put to the agent at a position; None where the situation leaves it nothing to choose."""
        item = effects.open_to(self.parts, turn, k, columns) if item is None else item
        if item is None:
            return None
        told, shown = words.told(k, turn)
        facts = words.facts(k, turn)
        seen = (("texts shown", " ".join(map(str, shown))),) if shown else ()
        row = int(state.agents["row"][k])
        return Ask(
            agent=int(state.numbers[k]), item=item, told=told, system=self._who_is(k, state, words),
            facts=tuple(sorted((*facts, *seen))), answerer=self.people_of.engine(row),
        )  # fmt: skip

    def _who_is(self, k: int, state: State, words: Words) -> str:
        row, number = int(state.agents["row"][k]), int(state.numbers[k])
        return words.system(self.people_of.profile(row), self.people_of.name(row, number))

    def _resolve(self, turn: Turn, event: int, state: State, words: Words) -> Ask:
        row = state.events[event]
        name = words.name(int(row["agent"]))
        item = turn.resolver or turn.item
        answerer = OUTSIDE if self.parts.keys.engine else ""
        return Ask(item=item, told=f"{name} says: {row['text']}", system=words.background, answerer=answerer)

    @cached_property
    def _met(self) -> "WeakKeyDictionary[State, tuple[tuple[int, int], cells.Situations]]":
        """Situations that were asked just now, so that they are not sought a second time for the answers."""
        return WeakKeyDictionary()

    def _situations(self, turn: Turn, state: State, columns: Columns) -> cells.Situations:
        key = (state.round, state.values["step"]["turn"])
        met = self._met.pop(state, None)
        if met is not None and met[0] == key:
            return met[1]
        self._met[state] = key, self._sought(turn, state, columns)
        return self._met[state][1]

    def _sought(self, turn: Turn, state: State, columns: Columns) -> cells.Situations:
        who = holds(turn.who, columns, len(state))
        if (state.round - 1) % turn.every or state.values["step"]["done"]:
            who = np.zeros(len(state), bool)
        shown = replace(turn, sees=()) if turn.is_start else turn
        return cells.Situations(self.parts, self.people_of, state, shown, who)

    def _cell_asks(self, turn: Turn, state: State, columns: Columns, words: Words) -> list[Ask]:
        if len(self._cells_made) > _MOST_CELLS:
            self._cells_made.clear()
        asks = self._situations(turn, state, columns).asks(words, self._cells_made)
        if asks and self._checks_now(state):
            for k in np.flatnonzero(
                np.isin(state.numbers, self._panel(state, "panel", self.parts.keys.scale.check_agents))
            ):
                ask = self._ask(int(k), turn, state, words, columns)
                asks += [ask] if ask is not None else []
        return asks

    @cached_property
    def _cells_made(self) -> dict[tuple[object, ...], Ask]:
        return {}

    def _checks_now(self, state: State) -> bool:
        scale = self.parts.keys.scale
        return scale.check_agents > 0 and state.round % scale.check_every == 0

    def _panel(self, state: State, what: str, count: int) -> NDArray[np.int64]:
        """Numbers of the agents who are asked themselves: the same in every round and arm."""
        key = (state.society, what)
        if key not in self._panels:
            n = self.parts.keys.agents or len(self.parts.population or ())
            self._panels[key] = chosen(self.seed, state.society, what, np.arange(n), count)
        return self._panels[key]

    @cached_property
    def _panels(self) -> dict[tuple[int, str], NDArray[np.int64]]:
        return {}

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """What befalls the society, what the answers change, and what rules change after them."""
        step, turns = state.values["step"], self.parts.turns
        number = step["turn"]
        if number < 0:
            effects.befall(self, state)
            first = next((k for k, turn in enumerate(turns) if state.round == 1 or not turn.is_start), len(turns))
            state.values["step"] = schedules.opened(first)
            return state
        if number >= len(turns):
            return self._end(state)
        turn = turns[number]
        columns = self._columns(state, "who", turn.item.id)
        if step["phase"] == "enter":
            schedules.enter(self.parts, turn, state, columns, self.seed)
            if turn.mind is not None:
                self.minds[turn.item.id].begin(state)
            if step["phase"] == "over":
                state.values["step"] = schedules.opened(number + 1)
            return state
        if turn.mind is not None:
            step["phase"] = "over" if self.minds[turn.item.id].hear(state, heard) else "ask"
        elif step["phase"] == "bid":
            bids = {one.ask.agent: effects.number(one) for one in heard if one.is_valid}
            effects.count(state, heard)
            schedules.win(turn, state, bids, self.seed)
        elif step["phase"] == "resolve":
            effects.resolve(self, turn, state, heard)
            step["texts"], step["phase"] = [], step.pop("then")
        elif self._by_cell:
            self._hear_cells(turn, state, columns, heard)
            step["phase"] = "over"
        else:
            self._hear(turn, state, columns, heard)
        is_asked = turn.mind is not None or step["phase"] == "resolve" or self._goes_on(turn, state)
        if step["phase"] == "over" or not is_asked:
            self._after(turn.item.id, state)
            state.values["step"] = schedules.opened(number + 1)
        return state

    def _goes_on(self, turn: Turn, state: State) -> bool:
        columns = self._columns(state, "who", turn.item.id)
        return bool(len(schedules.group(self.parts, turn, state, columns, self.seed)))

    def _hear(self, turn: Turn, state: State, columns: Columns, heard: Sequence[Heard]) -> None:
        """Answers of agents who were asked themselves."""
        step = state.values["step"]
        at = schedules.group(self.parts, turn, state, columns, self.seed)
        effects.count(state, heard)
        if self.parts.keys.scale.core and cells.can_be_pooled(turn):
            self._crowd(turn, state, columns, heard)
        else:
            effects.take(self, turn, state, heard)
        schedules.passed(self.parts, turn, state, columns, at)
        if turn.resolver and step["texts"]:
            step["then"], step["phase"] = step["phase"], "resolve"

    def _hear_cells(self, turn: Turn, state: State, columns: Columns, heard: Sequence[Heard]) -> None:
        """Answers of cells, from which agents draw; those of agents who were asked as well are compared with them."""
        found = self._situations(turn, state, columns)
        of_cells, others = heard[: len(found.codes)], heard[len(found.codes) :]
        effects.count(state, of_cells)
        cumulative = cells.distributions(of_cells, len(turn.item.options))
        u = self.uniforms(state, "answer", turn.item.id)
        effects.choose(self, turn, state, cells.drawn(cumulative, found.cell, u))
        state.values["count"]["cells"] = state.values["count"].get("cells", 0) + len(of_cells)
        self._compare("check", turn, state, others, found.cell, cumulative)

    def _crowd(self, turn: Turn, state: State, columns: Columns, heard: Sequence[Heard]) -> None:
        """Answers of the core: it does what it said, and the crowd draws from what its cell said."""
        scale, n_options = self.parts.keys.scale, len(turn.item.options)
        found = self._situations(turn, state, columns)
        held_out = round(float(scale.held_out) * scale.core)
        apart = set(
            chosen(self.seed, state.society, "held out", self._panel(state, "core", scale.core), held_out).tolist()
        )
        by_cell: dict[int, list[NDArray[np.float64]]] = {}
        for one in heard:
            if one.is_valid and one.ask.agent not in apart:
                cell = int(found.cell[np.searchsorted(state.numbers, one.ask.agent)])
                by_cell.setdefault(cell, []).append(cells.shares_of(one, n_options))
        cumulative = cells.pooled(by_cell, len(found.codes), n_options)
        u = self.uniforms(state, "answer", turn.item.id)
        crowd = cells.drawn(cumulative, found.cell, u)
        unmet = int(np.isnan(crowd[found.cell >= 0]).sum())
        state.values["count"]["without cell"] = state.values["count"].get("without cell", 0) + unmet
        crowd[np.isin(state.numbers, [one.ask.agent for one in heard])] = np.nan
        effects.choose(self, turn, state, crowd)
        effects.take(self, turn, state, heard)
        others = [one for one in heard if one.ask.agent in apart]
        self._compare("held-out", turn, state, others, found.cell, cumulative)

    def _compare(
        self, kind: str, turn: Turn, state: State, heard: Sequence[Heard], cell: NDArray[np.int64],
        cumulative: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Events with the total variation between what agents said themselves, and what their cell did."""
        for one in heard:
            k = int(np.searchsorted(state.numbers, one.ask.agent))
            if not one.is_valid or cell[k] < 0 or np.isnan(cumulative[cell[k], 0]):
                continue
            shares = np.diff(cumulative[cell[k]], prepend=0.0)
            own = cells.shares_of(one, len(shares))
            apart = cells.total_variation(own, shares)
            state.happened(kind, one.ask.agent, text=turn.item.id, value=apart)
            tally = state.values["count"]
            tally |= {"compared": tally.get("compared", 0) + 1, "apart": tally.get("apart", 0.0) + apart}

    def _after(self, item: str, state: State) -> None:
        """Rules and flows that follow a turn; of no item, those at the end of a round."""
        for rule in self.parts.rules:
            if rule.after == item:
                columns = self._columns(state, "rule", rule.name)
                who = holds(rule.who, columns, len(state))
                effects.change(self, rule.set, rule.to, who, columns, state)
        for k, flow in enumerate(self.parts.flows):
            if flow.after == item:
                columns, n = self._columns(state, "flow", k), len(state)
                held = ground.transfer(
                    flow, state.agents[flow.stock], state.stocks, values_of(flow.amount, columns, n),
                    holds(flow.who, columns, n), state.networks.get("ties"),
                )  # fmt: skip
                state.agents[flow.stock] = held

    def _end(self, state: State) -> State:
        """The end of a round: rules, sanctions, votes."""
        self._after("", state)
        for k, norm in enumerate(self.parts.norms):
            if norm.broken is None:
                continue
            columns = self._columns(state, "norm", k)
            who = holds(norm.broken, columns, len(state))
            for number in state.numbers[who].tolist() if norm.sanction else ():
                state.happened("sanctioned", number, text=norm.sanction)
            if norm.to is not None:
                effects.change(self, norm.set, norm.to, who, columns, state)
        for body in self.parts.institutions:
            if body.at and state.round not in body.at:
                continue
            columns = self._columns(state, "vote", body.name)
            votes = state.agents[body.vote][holds(body.members, columns, len(state))]
            if decides(body, votes):
                state.happened("decided", text=body.name, value=float(body.option))
                if body.policy:
                    state.values["policies"][body.name] = body.policy
                if body.to is not None:
                    state.values["world"][body.set] = self.parts.world[body.set].fits(
                        number_of(body.to, columns, len(state))
                    )
        last = [name for name in self.parts.agent if f"last_{name}" in self._read]
        state.agents |= {f"last_{name}": state.agents[name].copy() for name in last}
        state.values["step"] = schedules.opened(-1)
        state.is_over = state.round >= self.rounds or not len(state)
        state.round += 1
        return state

    @cached_property
    def _read(self) -> frozenset[str]:
        """Every column that some expression reads."""
        return effects.read_of(self.parts)

    def measures(self, state: State) -> Mapping[str, float]:
        """Shares and means of variables, stocks, and what is known of errors and absence."""
        return effects.measures(self, state)

    def kept(self, state: State) -> Sequence[str]:
        """Variables, stocks, and where everybody is."""
        places = ["place"] if self.parts.places else []
        return [*self.parts.agent, *(stock.name for stock in self.parts.stocks), *places]

    def people(self, state: State) -> Iterable[Person]:
        """Those who may be asked themselves."""
        scale = self.parts.keys.scale
        numbers = state.numbers
        if self._by_cell:
            numbers = self._panel(state, "panel", scale.check_agents)
        elif scale.core:
            numbers = self._panel(state, "core", scale.core)
        population = self.parts.population
        is_listed = population is not None and len(numbers) <= _MOST_PEOPLE
        for number in numbers.tolist() if self.items else ():
            row = int(state.agents["row"][number])
            traits = population.subjects[row].traits if is_listed and population else {}
            yield Person(agent=number, role=self.people_of.engine(row), traits=traits)

    def archetypes(self, state: State) -> Iterable[str]:
        """Whom cells stand for."""
        return self.people_of.archetype_names if self._by_cell else ()

    def interview(self, state: State, k: int, wave: str) -> tuple[str, str]:
        """Who the agent is and what it sees, as in all its turns together, without the words of others."""
        words = Words(self.parts, self.people_of, state, self.seed)
        sees = dict.fromkeys(sight for turn in self.parts.turns for sight in turn.sees if sight.what != "feed")
        told = ""
        if self.parts.turns:
            told = words.told(k, replace(self.parts.turns[-1], sees=tuple(sees)))[0]
        return self._who_is(k, state, words), told

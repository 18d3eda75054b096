"""What changes a written world: interventions, answers, words, rules; nothing else touches its state."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from proband.errors import DesignError
from proband.instruments.items import Item
from proband.seeds import rng_for
from proband.societies.agents import memory
from proband.societies.agents.importance import perceive
from proband.societies.ground import stocks as ground
from proband.societies.ground.places import settle
from proband.societies.state import State
from proband.societies.world import Heard
from proband.societies.written import acquaintance, cells
from proband.societies.written.expressions import Formula, holds, number_of, values_of
from proband.societies.written.parts import Happening, Parts, Turn
from proband.societies.written.people import fitted, joined, without
from proband.societies.written.seeing import TO_ALL, TO_NEIGHBOURS, TO_PLACE, Columns, hour_of

if TYPE_CHECKING:
    from proband.societies.written.world import Written

Floats = NDArray[np.float64]
MOST_TOLD = 20_000  # agents of whom every move and memory is a row; more are a crowd
_AUDIENCE = {"everybody": TO_ALL, "neighbours": TO_NEIGHBOURS, "place": TO_PLACE}


def befall(world: "Written", state: State) -> None:
    """What happens before anybody looks around: places close, and events whose time has come."""
    parts = world.parts
    state.values["count"] = {}
    hour = hour_of(parts, state.round)
    if closed := [k for k, place in enumerate(parts.places) if not place.is_open(hour)]:
        inside = np.isin(state.agents["place"], closed)
        state.agents["place"] = np.where(inside, state.agents["home"], state.agents["place"])
    for event in parts.events:
        if state.round in event.rounds or (event.when and event.name not in state.values["fired"]):
            columns = world._columns(state, "event", event.name)
            if event.when is not None and not holds(event.when, columns, len(state)).any():
                continue
            _fire(world, event, columns, state)
            if event.name not in state.values["fired"]:
                state.values["fired"].append(event.name)


def _fire(world: "Written", event: Happening, columns: Columns, state: State) -> None:
    who = holds(event.to, columns, len(state))
    place = "" if event.place is None else world.parts.places[event.place].name
    if event.kind in ("message", "event"):
        if event.place is not None:
            who &= state.agents["place"] == event.place
        heard = state.agents.setdefault(f"heard_{event.name}", np.zeros(len(state)))
        heard[who] = state.round
        number = state.happened(event.kind, place=place, text=event.text, value=float(who.sum()))
        remember(world.parts, state, np.flatnonzero(who), number, event.text)
    elif event.kind == "policy":
        state.values["policies"][event.name] = event.text
        state.happened("policy", text=event.text)
    elif event.kind == "end":
        state.happened("policy ended", text=state.values["policies"].pop(event.ends, ""))
    elif event.kind == "edit" and event.value is not None:
        change(world, event.set, event.value, who, columns, state)
        state.happened("edit", text=event.set, value=float(who.sum()))
    elif event.kind == "remove":
        _leave(world, ~holds(event.remove, columns, len(state)), state)
    else:
        _join(world, event.add, state)


def _leave(world: "Written", stays: NDArray[np.bool_], state: State) -> None:
    for number in state.numbers[~stays].tolist():
        state.happened("left", number)
    for stock in world.parts.stocks:  # what they hold leaves with them
        key = ground.account(stock.name, "out")
        state.stocks[key] = state.stocks.get(key, 0.0) + int(state.agents[stock.name][~stays].sum())
    state.networks = {name: without(network, stays) for name, network in state.networks.items()}
    state.agents = {name: column[stays] for name, column in state.agents.items()}


def _join(world: "Written", count: int, state: State) -> None:
    first = state.values["next"]
    state.values["next"] = first + count
    new = State(society=state.society, agents={"number": np.arange(first, first + count)}, round=state.round)
    new.values, new.stocks = state.values, state.stocks
    world._settle(new)
    n = len(state)
    for name, column in state.agents.items():
        if name in new.agents:
            more = new.agents[name]
        elif name.startswith("last_"):
            more = new.agents[name.removeprefix("last_")]
        else:  # they hold nothing of a stock, and act from now on
            more = np.full(count, (state.round - 1) * float(world.parts.keys.hours) if name == "next_at" else 0)
        state.agents[name] = np.concatenate([column, more.astype(column.dtype)])
    for number in range(first, first + count):
        state.happened("joined", number)
    if "ties" in state.networks and world.parts.keys.network is not None:
        rng = rng_for(world.seed, "society", state.society, state.round, "newcomers", first)
        degree = world.parts.keys.network.degree
        state.networks["ties"] = joined(state.networks["ties"], n + count, degree, rng)


def change(world: "Written", name: str, to: Formula, who: NDArray[np.bool_], columns: Columns, state: State) -> None:
    """Set a variable, or where agents are, to what an expression gives; where that gives nothing, all stays."""
    n = len(state)
    if name in world.parts.world:
        value = number_of(to, columns, n)
        if value == value:
            state.values["world"][name] = world.parts.world[name].fits(value)
        return
    values = values_of(to, columns, n)
    put(world, name, np.where(who, values, np.nan), state)


def put(world: "Written", name: str, values: Floats, state: State) -> None:
    """New values of agents; NaN leaves what is there."""
    is_new = ~np.isnan(values)
    if name == "place":
        now = state.agents["place"]
        wanted = np.where(is_new, values, now)
        if is_new.any() and not np.isin(values[is_new], np.arange(len(world.parts.places))).all():
            raise DesignError("`place` is set to what is no place; places are numbered from 0")
        u = world.uniforms(state, "room", len(state.events))
        got, away = settle(world.parts.places, now, wanted, hour_of(world.parts, state.round), u)
        state.agents["place"] = got
        names = [place.name for place in world.parts.places]
        if len(state) <= MOST_TOLD:
            for k in np.flatnonzero(got != now).tolist():
                state.happened("moved", state.numbers[k], place=names[int(got[k])])
        for k in away.tolist():
            state.happened("turned away", state.numbers[k], place=names[int(wanted[k])])
        return
    state.agents[name] = np.where(is_new, fitted(world.parts.agent[name], values), state.agents[name])


def open_to(parts: Parts, turn: Turn, k: int, columns: Columns) -> Item | None:
    """What the agent at a position is asked: with the options that are possible; None if there are not two of them."""
    item, state = turn.item, columns.state
    if turn.sets == "place":
        here, hour = int(state.agents["place"][k]), hour_of(parts, state.round)
        taken = np.bincount(state.agents["place"].astype(int), minlength=len(parts.places))
        options = [
            place.name
            for j, place in enumerate(parts.places)
            if j == here
            or (
                j in parts.places[here].ways
                and place.is_open(hour)
                and (place.capacity is None or taken[j] < place.capacity)
            )
        ]
    elif turn.sets in acquaintance.WAYS:
        names = acquaintance.met(turn, k, columns)
        return replace(item, options=(*names, acquaintance.NOBODY)) if names else None
    elif turn.offers:
        shut = set()
        for option, formula in turn.offers.items():
            key = f"offer {option}"
            if key not in columns._made:
                columns._made[key] = holds(formula, columns, len(state))
            shut |= set() if columns._made[key][k] else {option}
        options = [option for option in item.options if option not in shut]
    else:
        return item
    return _narrowed(item, tuple(options)) if len(options) > 1 else None


@lru_cache(4096)
def _narrowed(item: Item, options: tuple[str, ...]) -> Item:
    """An item with some of its options."""
    if options == item.options:
        return item
    kept = [item.options.index(option) for option in options]
    return replace(
        item, options=options, codes=tuple(item.codes[k] for k in kept if item.codes),
        values=tuple(item.values[k] for k in kept if item.values),
        dont_know=tuple(kept.index(k) for k in item.dont_know if k in kept),
        pinned=None if item.pinned is None else tuple(kept.index(k) for k in item.pinned if k in kept),
    )  # fmt: skip


def count(state: State, heard: Sequence[Heard]) -> None:
    """Count those who gave no answer: they are absent in this turn."""
    tally = state.values["count"]
    for one in heard:
        if not one.is_valid:
            tally["absent"] = tally.get("absent", 0) + 1


def number(one: Heard) -> float:
    """A number that was answered."""
    answer = one.response.answer
    return float(answer) if isinstance(answer, int | float) else float("nan")


def take(world: "Written", turn: Turn, state: State, heard: Sequence[Heard]) -> None:
    """What agents said themselves: words are heard, anything else sets the variable of the turn."""
    values = np.full(len(state), np.nan)
    draws = world.uniforms(state, "answer", turn.item.id)
    scale = world.parts.keys.scale
    # Then agents asked themselves and agents of cells take the same chance, so that they can be compared.
    draws_itself = bool(scale.levels or scale.core)
    pairs, columns = list[tuple[int, int]](), world._columns(state, "met", turn.item.id)
    for one in heard:
        k = int(np.searchsorted(state.numbers, one.ask.agent))
        if not one.is_valid:
            continue
        for event in dict(one.ask.facts).get("texts shown", "").split():
            state.happened("seen", one.ask.agent, target=int(state.events[int(event)]["agent"]), value=float(event))
        if turn.speaks:
            _say(world, turn, state, k, str(one.response.answer))
            continue
        item = one.ask.item
        if item.options:
            n = len(item.options)
            shares = np.cumsum(cells.shares_of(one, n))
            index = min(int((draws[k] >= shares[:-1]).sum()), n - 1) if draws_itself else int(number(one))
            if turn.sets in acquaintance.WAYS:
                if item.options[index] != acquaintance.NOBODY:
                    other = acquaintance.met(turn, k, columns)[item.options[index]]
                    state.happened(f"{turn.sets}d", one.ask.agent, target=int(state.numbers[other]))
                    pairs.append((k, other))
            else:
                values[k] = value_of(world, turn, item, index)
            remember(world.parts, state, np.array([k]), -1, f"{turn.item.text} {item.options[index]}")
        else:
            values[k] = number(one)
            remember(world.parts, state, np.array([k]), -1, f"{turn.item.text} {values[k]:g}")
    if turn.sets in acquaintance.WAYS:
        network = world.parts.keys.network
        acquaintance.retied(state, turn.sets, pairs, is_directed=network is not None and network.directed)
    elif turn.sets:
        put(world, turn.sets, values, state)


def value_of(world: "Written", turn: Turn, item: Item, index: int) -> float:
    """The value of the turn's variable that an option stands for."""
    if turn.sets == "place":
        return float([place.name for place in world.parts.places].index(item.options[index]))
    variable = world.parts.agent.get(turn.sets)
    if variable is not None and variable.options:
        return float(variable.options.index(item.options[index]))
    return item.points[index]


def choose(world: "Written", turn: Turn, state: State, options: Floats) -> None:
    """What agents take who were not asked themselves: options of the item by number, NaN for nothing."""
    if not turn.sets:
        return
    of = np.array([value_of(world, turn, turn.item, k) for k in range(len(turn.item.options))])
    there = ~np.isnan(options)
    values = np.full(len(options), np.nan)
    values[there] = of[options[there].astype(int)]
    put(world, turn.sets, values, state)


def _say(world: "Written", turn: Turn, state: State, k: int, text: str) -> None:
    """Words, which those hear who are there."""
    place = world.parts.places[int(state.agents["place"][k])].name if world.parts.places else ""
    event = state.happened("said", state.numbers[k], place=place, text=text, value=_AUDIENCE[turn.to])
    hearers = np.flatnonzero(_hearers(turn, state, k))
    name = world.people_of.name(int(state.agents["row"][k]), int(state.numbers[k]))
    if turn.to == "place":  # kept of everybody, since who was there is seen from nothing else later
        for j in hearers.tolist():
            memory.remember(state, int(state.numbers[j]), f"{name}: {text}", event=event, kind="heard")
    else:
        remember(world.parts, state, hearers, event, f"{name}: {text}")
    if turn.resolver:
        state.values["step"]["texts"].append(event)


def _hearers(turn: Turn, state: State, k: int) -> NDArray[np.bool_]:
    """Who hears the agent at a position; not itself."""
    if turn.to == "neighbours":
        network = state.networks["ties"]
        found = np.zeros(len(state), bool)
        found[network.sources[network.targets == k]] = True
    else:
        found = state.agents["place"] == state.agents["place"][k] if turn.to == "place" else np.ones(len(state), bool)
        found[k] = False
    return found


def remember(parts: Parts, state: State, who: NDArray[np.int64], event: int, text: str) -> None:
    """Let agents remember something, where any turn shows memories."""
    if not parts.remembers:
        return
    # Importance is asked in turns that have minds; elsewhere nobody would ask for it.
    asks = any(turn.mind and turn.mind.importance == "ask" for turn in parts.turns)
    given = next((float(turn.mind.importance) for turn in parts.turns if turn.mind and not asks), 5.0)
    for k in who.tolist():
        perceive(
            state, int(state.numbers[k]), text, event=event, kind="did" if event < 0 else "heard",
            importance=None if asks else given,
        )  # fmt: skip


def resolve(world: "Written", turn: Turn, state: State, heard: Sequence[Heard]) -> None:
    """What comes of words, as a resolver chose."""
    count(state, heard)
    for event, one in zip(state.values["step"]["texts"], heard, strict=True):
        if not one.is_valid:
            continue
        outcome, speaker = turn.outcomes[int(number(one))], int(state.events[event]["agent"])
        state.happened("outcome", speaker, text=outcome.text, value=float(event))
        if outcome.to is None:
            continue
        k = int(np.searchsorted(state.numbers, speaker))
        roles = {
            "is_speaker": (state.numbers == speaker).astype(float),
            "is_hearer": _hearers(turn, state, k).astype(float),
        }
        columns = world._columns(state, "outcome", event, **roles)
        change(world, outcome.set, outcome.to, holds(outcome.where, columns, len(state)), columns, state)


def check_total(stock: ground.Stock, state: State) -> None:
    """Refuse a stock that does not hold in the beginning what it is said to hold."""
    held = ground.total(stock.name, state.agents[stock.name], state.stocks)
    if stock.total is not None and held != stock.total:
        raise DesignError(
            f"[[stock]] {stock.name!r} cannot balance: agents and pools begin with {held} in all, and total is "
            f"{stock.total}; correct one of them"
        )


def read_of(parts: Parts) -> frozenset[str]:
    """Every column that some expression of a world reads."""
    formulas: list[Formula | None] = []
    for turn in parts.turns:
        formulas += [turn.who, turn.first, turn.reaction, *turn.offers.values()]
        formulas += [formula for outcome in turn.outcomes for formula in (outcome.to, outcome.where)]
    formulas += [formula for rule in parts.rules for formula in (rule.to, rule.who)]
    formulas += [formula for flow in parts.flows for formula in (flow.amount, flow.who)]
    formulas += [formula for event in parts.events for formula in (event.when, event.to, event.value, event.remove)]
    formulas += [formula for norm in parts.norms for formula in (norm.broken, norm.to)]
    formulas += [formula for body in parts.institutions for formula in (body.members, body.to)]
    return frozenset(name for formula in formulas if formula is not None for name in formula.reads)


def measures(world: "Written", state: State) -> Mapping[str, float]:
    """Shares and means of variables, stocks, and what is known of errors and absence."""
    tally, found = state.values["count"], {"agents": float(len(state)), "absent": float(0)}
    found["absent"] = float(tally.get("absent", 0))
    for name, variable in world.parts.agent.items():
        values = state.agents[name]
        values = values[~np.isnan(values)]
        if variable.options:
            counts = np.bincount(values.astype(np.int64), minlength=len(variable.options))
            shares = counts / max(len(values), 1)
            found |= {f"{name}: {option}": float(s) for option, s in zip(variable.options, shares, strict=True)}
        elif len(values):
            found |= {f"{name}: mean": float(values.mean()), f"{name}: SD": float(values.std())}
    found |= {name: value for name, value in state.values["world"].items() if value is not None}
    for stock in world.parts.stocks:
        found[f"{stock.name}: agents"] = float(state.agents[stock.name].sum())
        found |= {f"{stock.name}: {pool}": state.stocks[ground.account(stock.name, pool)] for pool in stock.pools}
    for key in ("cells", "without cell"):
        if key in tally:
            found[key] = float(tally[key])
    if tally.get("compared"):
        found["cell error"] = tally["apart"] / tally["compared"]
    return found

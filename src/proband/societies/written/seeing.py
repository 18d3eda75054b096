"""What agents see of a written world: columns for expressions, and the words put before a question."""

from collections import Counter
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from proband.seeds import uniform_for
from proband.societies.agents.memory import Recalling, recall, recent, told_of
from proband.societies.agents.ranking import Ranking
from proband.societies.ground import background
from proband.societies.state import Rows, State
from proband.societies.written.parts import Parts, Sight, Turn, Variable, slug
from proband.societies.written.people import People

Floats = NDArray[np.float64]
TO_ALL, TO_NEIGHBOURS, TO_PLACE = 0.0, 1.0, 2.0  # who hears a text, as its event says in `value`


class Columns:
    """The table of agents as expressions read it; aggregates of neighbours are computed when they are read."""

    def __init__(self, parts: Parts, people: People, state: State, draws: Any = None, **more: Any) -> None:
        self.parts, self.people, self.state, self.draws = parts, people, state, draws
        self._made: dict[str, Any] = dict(more)

    def __call__(self, name: str) -> Any:
        """Values of a column, one an agent."""
        if name not in self._made:
            self._made[name] = self._column(name)
        return self._made[name]

    def _column(self, name: str) -> Any:
        state, n = self.state, len(self.state)
        if name == "u":
            return self.draws() if self.draws else np.zeros(n)
        if name in ("round", "hour"):
            return np.full(n, float(state.round) if name == "round" else hour_of(self.parts, state.round))
        if name in state.agents:
            return state.agents[name].astype(float)
        for held in (state.values["world"], state.stocks):
            if name in held:
                return np.full(n, np.nan if held[name] is None else float(held[name]))
        if name.endswith("_label"):
            return self._labels(name.removesuffix("_label"))
        if name.startswith("last_"):  # nothing was before the first round
            return state.agents[name.removeprefix("last_")]
        if name.startswith("told_"):
            return self._told(name.removeprefix("told_"))
        if name.startswith("near_"):
            return self._near(name)
        return self.people.column(name)[state.agents["row"]]

    def _labels(self, name: str) -> list[str | None]:
        words = [place.name for place in self.parts.places] if name == "place" else self.parts.agent[name].options
        return [None if value != value else words[int(value)] for value in self.state.agents[name].tolist()]

    def _told(self, name: str) -> Floats:
        told = self.state.agents.get(f"heard_{name}")
        if told is not None:
            return (told > 0).astype(float)
        fired = name in self.state.values["fired"] or name in self.state.values["policies"]
        return np.full(len(self.state), float(fired))

    def _near(self, name: str) -> Floats:
        network = self.state.networks["ties"]
        if name == "near_n":
            return network.degrees.astype(float)
        is_mean = name.startswith("near_mean_")
        rest = name.removeprefix("near_mean_").removeprefix("near_share_")
        if is_mean or rest in self.parts.agent:
            values = self.state.agents[rest]
            if is_mean:
                return self._mean(values)
            same = (values[network.sources] == values[network.targets]).astype(float)
            known = ~np.isnan(values[network.targets])
            total = np.bincount(network.sources, weights=known, minlength=network.n)
            with np.errstate(invalid="ignore"):
                return np.asarray(np.bincount(network.sources, weights=same, minlength=network.n) / total)
        variable = max((v for v in self.parts.agent if rest.startswith(f"{v}_")), key=len)
        options = [slug(option) for option in self.parts.agent[variable].options]
        values = self.state.agents[variable]
        is_it = np.where(np.isnan(values), np.nan, values == options.index(rest.removeprefix(f"{variable}_")))
        return self._mean(is_it)

    def _mean(self, values: Floats) -> Floats:
        """Mean over the neighbours who have a value; NaN for who has none."""
        network = self.state.networks["ties"]
        gaps = np.isnan(values)
        if not gaps.any():
            return network.means(values)
        total = network.sums(~gaps)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(total > 0, network.sums(np.where(gaps, 0.0, values)) / total, np.nan)


def hour_of(parts: Parts, round: int) -> float:
    """Hour of the day at which a round begins."""
    return float((parts.keys.begins + (round - 1) * parts.keys.hours) % 24)


def background_of(parts: Parts, state: State) -> str:
    """What all know of the time, in words."""
    return background.told(parts.keys.background, state.values["policies"])


# Texts by author and by place, of rows that are only ever added to: a cache, which says nothing that they do not.
_INDEX: "WeakKeyDictionary[Rows, tuple[int, dict[int, list[int]], Counter[int]]]" = WeakKeyDictionary()


def _texts(rows: Rows) -> tuple[dict[int, list[int]], Counter[int]]:
    """Numbers of the texts of each author; and how often each was seen."""
    start, by_author, seen = _INDEX.get(rows, (0, {}, Counter()))
    for k in range(start, len(rows)):
        row = rows[k]
        if row["kind"] == "said":
            by_author.setdefault(int(row["agent"]), []).append(k)
        elif row["kind"] == "seen":
            seen[int(row["value"])] += 1
    _INDEX[rows] = (len(rows), by_author, seen)
    return by_author, seen


_HEARERS: "WeakKeyDictionary[Rows, tuple[int, dict[int, set[int]]]]" = WeakKeyDictionary()


def _hearers(rows: Rows) -> dict[int, set[int]]:
    """Who heard each event, by what they remember of it."""
    start, by_event = _HEARERS.get(rows, (0, {}))
    for k in range(start, len(rows)):
        by_event.setdefault(int(rows[k]["event"]), set()).add(int(rows[k]["agent"]))
    _HEARERS[rows] = (len(rows), by_event)
    return by_event


def feed(parts: Parts, state: State, k: int, sight: Sight, seed: int) -> list[int]:
    """Numbers of the texts that an agent is shown, oldest first; only of those it could hear, and not its own."""
    by_author, seen = _texts(state.events)
    me, last = int(state.numbers[k]), sight.count
    authors: Iterable[int] = by_author
    network = state.networks.get("ties")
    is_near = network is not None and all(turn.to == "neighbours" for turn in parts.turns if turn.speaks)
    if network is not None and is_near:
        authors = [number for number in state.numbers[network.of_agent(k)].tolist() if number in by_author]
    # Chronological feeds need no more than the last texts of each author.
    reach = last if sight.order == "chronological" else 50
    found = sorted(event for author in authors if author != me for event in by_author[author][-reach:])
    found = [event for event in found if is_near or could_hear(state, me, event)]
    if sight.order == "popularity":
        found.sort(key=lambda event: (seen[event], event))
    elif sight.order == "random":
        found.sort(key=lambda event: uniform_for(seed, "feed", state.society, state.round, me, event))
    elif sight.order == "similarity":
        own = "\n".join(str(state.events[event]["text"]) for event in by_author.get(me, [])[-1:])
        scores = Ranking(str(state.events[event]["text"]) for event in found).scores(own).tolist() if found else []
        found = [event for _, event in sorted(zip(scores, found, strict=True))]
    return sorted(found[-last:]) if sight.order == "chronological" else found[-last:]


def could_hear(state: State, me: int, event: int) -> bool:
    """Whether an agent is among those who hear a text."""
    row = state.events[event]
    if row["value"] == TO_PLACE:
        return me in _hearers(state.memories).get(event, ())
    if row["value"] == TO_NEIGHBOURS:
        at, author = np.searchsorted(state.numbers, [me, int(row["agent"])])
        return bool((state.networks["ties"].of_agent(int(at)) == author).any())
    return True


class Words:
    """What is put before a question: who the agent is, how things stand, what it hears and sees."""

    def __init__(self, parts: Parts, people: People, state: State, seed: int) -> None:
        self.parts, self.people, self.state, self.seed = parts, people, state, seed
        self.columns = Columns(parts, people, state)
        self.background = background_of(parts, state)

    def system(self, profile: str, name: str = "") -> str:
        """Who is asked, how others call it where they do, and the time it all happens in."""
        is_met = bool(self.parts.places) or any(turn.speaks for turn in self.parts.turns)
        called = f"Others call you {name}." if name and is_met else ""
        return "\n\n".join(filter(None, (called, profile, self.background)))

    def news(self, k: int) -> list[str]:
        """What an agent is told now, by messages and events that reached it."""
        round, told = self.state.round, []
        for event in self.parts.events:
            heard = self.state.agents.get(f"heard_{event.name}")
            if heard is None or event.kind not in ("message", "event") or not heard[k]:
                continue
            if not event.lasts or round - heard[k] < event.lasts:
                told.append(event.text if event.kind == "event" else f"You are told: {event.text}")
        return told

    def told(self, k: int, turn: Turn) -> tuple[str, list[int]]:
        """The situation of the agent at a position; and the numbers of the texts in it."""
        lines, shown = self.news(k), list[int]()
        for sight in turn.sees:
            match sight.what:
                case "own":
                    lines += self._own(k)
                case "neighbours":
                    lines += self._neighbours(k, turn)
                case "public":
                    lines += self._public(turn)
                case "world":
                    lines += self._world()
                case "place":
                    lines += self._place(k)
                case "feed":
                    events = feed(self.parts, self.state, k, sight, self.seed)
                    shown += events
                    lines += [self._said(event) for event in events]
                case "memory":
                    query = "\n".join([*lines, turn.item.text])
                    lines += self._memory(k, sight, query)
        return "\n".join(lines), shown

    def _said(self, event: int) -> str:
        row = self.state.events[event]
        return f"{self.name(int(row['agent']))}: {row['text']}"

    def others(self, k: int) -> tuple[str, ...]:
        """Names of those who are at the same place, or else of those whom an agent knows; some of many."""
        agents = self.state.agents
        if self.parts.places:
            near = np.flatnonzero(agents["place"] == agents["place"][k])
        else:
            near = self.state.networks["ties"].of_agent(k) if self.state.networks else np.zeros(0, np.int64)
        return tuple(self.name(int(self.state.numbers[j])) for j in near[near != k][:8].tolist())

    def name(self, number: int) -> str:
        """What an agent is called by others, also one who has left."""
        k = int(np.searchsorted(self.state.numbers, number))
        is_here = k < len(self.state) and int(self.state.numbers[k]) == number
        return self.people.name(int(self.state.agents["row"][k]) if is_here else 0, number) if is_here else "Somebody"

    def _own(self, k: int) -> list[str]:
        lines = []
        for name, variable in self.parts.agent.items():
            value = float(self.state.agents[name][k])
            if value == value:
                told = variable.told(value)
                lines.append(
                    variable.says.replace("{value}", told) if variable.says else f"Your {name} so far: {told}."
                )
        lines += [f"You have {int(self.state.agents[stock.name][k])} {stock.name}." for stock in self.parts.stocks]
        return lines

    def _looked_at(self, turn: Turn) -> list[Variable]:
        """Variables of others that a turn shows: the one it sets, or all."""
        one = self.parts.agent.get(turn.sets)
        return [one] if one else list(self.parts.agent.values())

    def _neighbours(self, k: int, turn: Turn) -> list[str]:
        near = self.state.networks["ties"].of_agent(k)
        lines = []
        for variable in self._looked_at(turn):
            values = self.state.agents[variable.name][near]
            values = values[~np.isnan(values)]
            if not len(values):
                continue
            who = "the one person you know" if len(values) == 1 else f"the {len(values)} people you know"
            lines.append(_of(who, variable, values))
        return lines

    def _public(self, turn: Turn) -> list[str]:
        lines = []
        for variable in self._looked_at(turn):
            values = self.state.agents[variable.name]
            values = values[~np.isnan(values)]
            if len(values):
                lines.append(_of(f"all {len(values)} people here", variable, values))
        return lines

    def _world(self) -> list[str]:
        lines = []
        for name, variable in self.parts.world.items():
            value = self.state.values["world"][name]
            if value is not None:
                told = variable.told(value)
                lines.append(variable.says.replace("{value}", told) if variable.says else f"The {name} now: {told}.")
        for stock in self.parts.stocks:
            for pool in stock.pools:
                lines.append(f"The {pool} has {int(self.state.stocks[f'{stock.name}_{pool}'])} {stock.name}.")
        return lines

    def _place(self, k: int) -> list[str]:
        here = int(self.state.agents["place"][k])
        place = self.parts.places[here]
        others = [int(j) for j in np.flatnonzero(self.state.agents["place"] == here) if j != k]
        names = [self.people.name(int(self.state.agents["row"][j]), int(self.state.numbers[j])) for j in others[:8]]
        more = f" and {len(others) - 8} others" if len(others) > 8 else ""
        with_whom = f"With you: {', '.join(names)}{more}." if names else "Nobody else is here."
        hour = hour_of(self.parts, self.state.round)
        about = f" {place.about}" if place.about else ""
        return [f"It is {int(hour):02d}:{round(hour % 1 * 60):02d}. You are at: {place.name}.{about} {with_whom}"]

    def _memory(self, k: int, sight: Sight, query: str) -> list[str]:
        me = int(self.state.numbers[k])
        if sight.order == "chronological":
            found = recent(self.state, me, sight.count)
        else:
            found = recall(self.state, me, query, sight.count, how=Recalling(hours=float(self.parts.keys.hours)))
        return told_of(found).splitlines()

    def facts(self, k: int, turn: Turn) -> tuple[tuple[str, str], ...]:
        """The situation for scripted rules."""
        found = {"round": str(self.state.round)}
        for name, variable in self.parts.agent.items():
            value = float(self.state.agents[name][k])
            if value == value:
                found[name] = variable.told(value)
        if self.state.networks:
            for variable in self._looked_at(turn):
                mean = self.columns(f"near_mean_{variable.name}")[k]
                if mean == mean:
                    found[f"near_mean_{variable.name}"] = f"{mean:g}"
        if self.parts.places:
            found["place"] = self.parts.places[int(self.state.agents["place"][k])].name
        return tuple(sorted(found.items()))


def _of(who: str, variable: Variable, values: Floats) -> str:
    """How some people stand, in words."""
    if not variable.options:
        return f"On average, {who} have {variable.name} {values.mean():.2f}."
    counts = np.bincount(values.astype(int), minlength=len(variable.options))
    told = "; ".join(f"{count} - {option}" for option, count in zip(variable.options, counts, strict=True) if count)
    return f"Of {who}, by {variable.name}: {told}."

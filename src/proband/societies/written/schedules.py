"""Who is asked now: a turn of a round as steps, each of agents who answer at the same time.

Where a society stands in its round lies in ``state.values["step"]``, as JSON: which turn, what is asked of it now
(`ask`, `bid`, `resolve`), who is still to be asked one by one, and who has been.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from proband.errors import DesignError
from proband.seeds import uniforms_for
from proband.societies.state import State
from proband.societies.written.expressions import holds, values_of
from proband.societies.written.parts import Parts, Turn
from proband.societies.written.seeing import Columns

Step = dict[str, Any]


def opened(number: int) -> Step:
    """The step before a turn of a number; -1 before the first, the number of turns at the end of the round."""
    return {"turn": number, "phase": "enter", "queue": [], "done": [], "texts": []}


def enter(parts: Parts, turn: Turn, state: State, columns: Columns, seed: int) -> None:
    """Begin a turn: settle who speaks one by one, and in which order."""
    step = state.values["step"]
    step["phase"] = "bid" if turn.bid else "ask"
    if turn.is_start:
        return
    if (state.round - 1) % turn.every:
        step["phase"] = "over"
        return
    who = _who(turn, state, columns)
    if turn.schedule == "sequential":
        u = uniforms_for(seed, "society", state.society, state.round, "order", turn.item.id, numbers=state.numbers)
        order = np.argsort(u, kind="stable")
        step["queue"] = state.numbers[order[who[order]]].tolist()
    elif turn.schedule == "specified":
        step["queue"] = [number for number in (_number(name, columns) for name in turn.order) if number is not None]
    elif turn.schedule == "mixed":
        step["queue"] = state.numbers[who & holds(turn.first, columns, len(state))].tolist()
    elif turn.schedule == "time" and "next_at" not in state.agents:
        # Everybody begins somewhere within its own reaction time, so that not all act at once.
        u = uniforms_for(seed, "society", state.society, "first", turn.item.id, numbers=state.numbers)
        state.agents["next_at"] = _start(parts, state) + u * _reactions(turn, columns, len(state))
    if turn.schedule in ("sequential", "specified") and not step["queue"]:
        step["phase"] = "over"


def group(parts: Parts, turn: Turn, state: State, columns: Columns, seed: int) -> NDArray[np.int64]:
    """Positions of the agents who are asked now; empty when the turn is over."""
    step, nobody = state.values["step"], np.zeros(0, np.int64)
    if step["phase"] == "over":
        return nobody
    if turn.is_start:
        return nobody if step["done"] else np.arange(len(state))
    if step["phase"] == "bid":
        if len(step["done"]) >= turn.speakers:
            return nobody
        last = step["done"][-1:]
        return np.flatnonzero(_who(turn, state, columns) & ~np.isin(state.numbers, last))
    if turn.schedule in ("sequential", "specified", "bidding"):
        return _here(state, step["queue"][:1])
    if turn.schedule == "mixed":
        if step["queue"]:
            return _here(state, step["queue"][:1])
        if "all" in step["done"]:
            return nobody
        return np.flatnonzero(_who(turn, state, columns) & ~holds(turn.first, columns, len(state)))
    if turn.schedule == "time":
        return _soonest(parts, turn, state, columns, seed)
    return nobody if step["done"] else np.flatnonzero(_who(turn, state, columns))


def passed(parts: Parts, turn: Turn, state: State, columns: Columns, asked: NDArray[np.int64]) -> None:
    """Note that a group has answered."""
    step = state.values["step"]
    if turn.schedule in ("sequential", "specified"):
        step["queue"] = step["queue"][1:]
        step["phase"] = "ask" if step["queue"] else "over"
    elif turn.schedule == "bidding":
        step["done"].append(step["queue"][0])
        step["queue"], step["phase"] = [], "bid"
    elif turn.schedule == "mixed":
        step["done"].append(step["queue"][0] if step["queue"] else "all")
        step["queue"] = step["queue"][1:]
    elif turn.schedule == "time":
        state.agents["next_at"][asked] += _reactions(turn, columns, len(state))[asked]
    else:
        step["done"] = ["all"]


def win(turn: Turn, state: State, bids: dict[int, float], seed: int) -> None:
    """Let the highest bid speak; among equal ones, a draw decides."""
    step = state.values["step"]
    if not bids:
        step["phase"] = "over"
        return
    numbers = np.array(sorted(bids), np.int64)
    place = ("tie", turn.item.id, len(step["done"]))
    u = uniforms_for(seed, "society", state.society, state.round, *place, numbers=numbers)
    best = max(range(len(numbers)), key=lambda k: (bids[int(numbers[k])], u[k]))
    step["queue"], step["phase"] = [int(numbers[best])], "ask"


def _who(turn: Turn, state: State, columns: Columns) -> NDArray[np.bool_]:
    return holds(turn.who, columns, len(state))


def _here(state: State, numbers: list[int]) -> NDArray[np.int64]:
    """Position of an agent; nobody, if it has left."""
    return np.flatnonzero(np.isin(state.numbers, numbers))


def _number(name: int | str, columns: Columns) -> int | None:
    """Number of an agent who is called so; None if nobody is, any more."""
    state = columns.state
    if isinstance(name, int):
        return name if name in state.numbers else None
    rows = state.agents["row"].tolist()
    for row, number in zip(rows, state.numbers.tolist(), strict=True):
        if columns.people.name(row, number) == name:
            return int(number)
    return None


def _start(parts: Parts, state: State) -> float:
    return (state.round - 1) * float(parts.keys.hours)


def _reactions(turn: Turn, columns: Columns, n: int) -> NDArray[np.float64]:
    """Hours until each agent acts again."""
    if turn.reaction is None:
        raise DesignError(f"[[turn]] {turn.item.id!r} has no reaction")
    hours = np.nan_to_num(values_of(turn.reaction, columns, n))
    if n and hours.min() <= 0:
        raise DesignError(
            f"{turn.reaction.where}: {turn.reaction.text!r} is {hours.min():g} for some agents; it is the hours until "
            "one acts again, and must be above 0"
        )
    return hours


def _soonest(parts: Parts, turn: Turn, state: State, columns: Columns, seed: int) -> NDArray[np.int64]:
    """Who acts next in this round, with all who do so before anybody could have reacted to it; earliest first."""
    at = state.agents["next_at"]
    can = _who(turn, state, columns) & (at < _start(parts, state) + float(parts.keys.hours))
    if not can.any():
        return np.zeros(0, np.int64)
    first = at[can].min()
    together = np.flatnonzero(can & (at < first + _reactions(turn, columns, len(state)).min()))
    u = uniforms_for(seed, "society", state.society, "tie", numbers=state.numbers[together])
    return together[np.lexsort((u, at[together]))]

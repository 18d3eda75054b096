"""Ties as actions: whom an agent may get to know or give up, and what becomes of the network."""

from collections.abc import Iterable

import numpy as np

from proband.seeds import uniforms_for
from proband.societies.networks import Network
from proband.societies.state import State
from proband.societies.written.parts import Turn
from proband.societies.written.seeing import Columns

TIE, UNTIE = "tie", "untie"  # what a turn may set
WAYS = (TIE, UNTIE)
NOBODY = "nobody"
_MOST_OFFERED = 8  # people named in one question
_MOST_KNOWN = 20_000  # of more agents, nobody is met at random


def met(turn: Turn, k: int, columns: Columns) -> dict[str, int]:
    """Whom the agent at a position may choose, by name, with their positions.

    To give up: those it is tied to. To get to know: who is at the same place, or where there are no places the
    acquaintances of its acquaintances, or where it has none anybody.
    """
    state, people = columns.state, columns.people
    network = state.networks["ties"]
    own = network.of_agent(k)
    found = own
    if turn.sets == TIE:
        if "place" in state.agents:
            found = np.flatnonzero(state.agents["place"] == state.agents["place"][k])
        else:
            anybody = np.arange(len(state) if len(state) <= _MOST_KNOWN else 0)
            found = np.unique(np.concatenate([network.of_agent(int(j)) for j in own])) if len(own) else anybody
        found = found[~np.isin(found, own) & (found != k)]
    place = ("offered", turn.item.id, int(state.numbers[k]))
    u = uniforms_for(people.seed, "society", state.society, state.round, *place, numbers=state.numbers[found])
    found = np.sort(found[np.argsort(u, kind="stable")[:_MOST_OFFERED]])
    rows = state.agents["row"]
    return {people.name(int(rows[j]), int(state.numbers[j])): int(j) for j in found}


def retied(state: State, way: str, pairs: Iterable[tuple[int, int]], *, is_directed: bool) -> None:
    """Make ties between positions, or undo them, at once for all; a tie goes both ways unless the file says not."""
    network, n = state.networks["ties"], len(state)
    new = sorted({pair for a, b in pairs for pair in ([(a, b)] if is_directed else [(a, b), (b, a)])})
    if not new:
        return
    first, second = np.array(new, np.int64).T
    s, t, w = network.sources, network.targets, network.weights
    if way == UNTIE:
        keeps = ~np.isin(s * n + t, first * n + second)
        state.networks["ties"] = Network.of(s[keeps], t[keeps], n, weights=None if w is None else w[keeps])
        return
    more = None if w is None else np.concatenate([w, np.ones(len(first))])
    state.networks["ties"] = Network.of(np.concatenate([s, first]), np.concatenate([t, second]), n, weights=more)

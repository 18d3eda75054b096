"""Stocks: what agents and pools hold in whole units, so that sums are exact and nothing is lost or made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proband.errors import DesignError, meant
from proband.societies.networks import Network
from proband.societies.written.expressions import Formula, formula
from proband.societies.written.tables import StockTable

Ints = NDArray[np.int64]
OUTSIDE, AGENTS, NEIGHBOURS = "outside", "agents", "neighbours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What goes from one account to another; `stock` is its column in the table of agents."""

    stock: str
    source: str
    target: str
    amount: Formula
    who: Formula | None
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """One stock, with what is held in the beginning."""

    name: str
    agents: int | Formula
    pools: Mapping[str, int]
    total: int | None


def account(stock: str, pool: str) -> str:
    """What a pool of a stock is called among the stocks of a state, and by expressions."""
    return f"{stock}_{pool}"


def stocks_of(
    tables: Sequence[StockTable], columns: Mapping[str, bool], has_network: bool, where: str
) -> tuple[tuple[Stock, ...], tuple[Flow, ...]]:
    """The stocks of a world and their flows, each checked.

    Raises
    ------
    DesignError
        If a flow has no account, or a stock cannot balance.
    """
    stocks, flows = [], []
    for table in tables:
        at = f"{where}: [[stock]] {table.name!r}"
        if wrong := [pool for pool in table.pools if pool in (OUTSIDE, AGENTS, NEIGHBOURS, "in", "out")]:
            raise DesignError(f"{at}: a pool cannot be called {wrong[0]!r}; name it otherwise")
        if below := [pool for pool, held in table.pools.items() if held < 0]:
            raise DesignError(f"{at}: {below[0]!r} begins with {table.pools[below[0]]}; nobody holds less than nothing")
        held = table.agents if isinstance(table.agents, int) else formula(table.agents, columns, f"{at}, agents")
        stocks.append(Stock(name=table.name, agents=held, pools=dict(table.pools), total=table.total))
        for k, flow in enumerate(table.flow):
            place = f"{at}, flow {k + 1}"
            accounts = [AGENTS, OUTSIDE, *table.pools]
            for end, known in ((flow.source, accounts), (flow.target, [*accounts, NEIGHBOURS])):
                if end not in known:
                    raise DesignError(
                        f"{place}: no account {end!r}{meant(end, known)}; there are {', '.join(known)}, and `pools` "
                        "names further ones"
                    )
            if flow.target == NEIGHBOURS and (not has_network or flow.source != AGENTS):
                raise DesignError(f"{place}: neighbours get from agents, along the ties of a [network]; add one")
            if table.total is not None and OUTSIDE in (flow.source, flow.target):
                raise DesignError(
                    f"{place}: the stock cannot balance: there are to be {table.total} in all, and this one goes "
                    "outside or comes from there; name a pool instead, or leave `total` out"
                )
            if flow.source == flow.target and flow.source != AGENTS:
                raise DesignError(f"{place}: it goes from {flow.source!r} to itself; take it out")
            flows.append(
                Flow(
                    stock=table.name, source=flow.source, target=flow.target, after=flow.after,
                    amount=formula(flow.amount, columns, f"{place}, amount"),
                    who=formula(flow.where, columns, f"{place}, where") if flow.where else None,
                )
            )  # fmt: skip
    return tuple(stocks), tuple(flows)


def total(name: str, held: Ints, stocks: Mapping[str, float]) -> int:
    """Everything that agents and pools hold; sources and sinks are counted apart."""
    tallies = (account(name, "in"), account(name, "out"))
    pools = sum(int(amount) for key, amount in stocks.items() if key.startswith(f"{name}_") and key not in tallies)
    return int(held.sum()) + pools


def transfer(
    flow: Flow,
    held: Ints,
    stocks: dict[str, float],
    amounts: NDArray[np.float64],
    who: NDArray[np.bool_],
    network: Network | None,
) -> Ints:
    """What agents hold after a flow; pools are changed in place, and nobody gives what is not there.

    Parameters
    ----------
    flow : Flow
    held : array of int, shape (n_agents,)
        What each agent holds.
    stocks : dict
        What pools hold, by account.
    amounts : array of float, shape (n_agents,)
        What is to go from or to each agent; of a flow between pools, the one number is the first.
    who : array of bool, shape (n_agents,)
        Who takes part.
    network : Network or None
    """
    name, held = flow.stock, held.copy()
    wanted = np.where(who, np.floor(np.nan_to_num(amounts)).clip(min=0), 0).astype(np.int64)

    def pool_gives(amount: int) -> int:
        key = account(name, "in" if flow.source == OUTSIDE else flow.source)
        if flow.source == OUTSIDE:
            stocks[key] = stocks.get(key, 0.0) + amount
            return amount
        given = min(amount, int(stocks[key]))
        stocks[key] -= given
        return given

    def pool_gets(amount: int) -> None:
        key = account(name, "out" if flow.target == OUTSIDE else flow.target)
        stocks[key] = stocks.get(key, 0.0) + amount

    if flow.source == AGENTS:
        paid = np.minimum(wanted, held)
        if flow.target == NEIGHBOURS and network is not None:
            each = paid // np.maximum(network.degrees, 1)  # what cannot be divided stays
            held -= each * network.degrees
            # Counted in whole numbers: a sum of floats could lose a unit among many.
            np.add.at(held, network.targets, np.repeat(each, network.degrees))
        elif flow.target == AGENTS:  # among those who take part, evenly
            held -= paid
            held += _shared(int(paid.sum()), who)
        else:
            held -= paid
            pool_gets(int(paid.sum()))
    elif flow.target == AGENTS:
        asked = int(wanted.sum())
        given = pool_gives(asked)
        held += wanted if given == asked else _rationed(wanted, given)
    else:
        pool_gets(pool_gives(int(np.floor(np.nan_to_num(amounts[0])).clip(min=0)) if len(amounts) else 0))
    return held


def _shared(amount: int, who: NDArray[np.bool_]) -> Ints:
    """An amount in equal parts, what is left over by one to the first of them."""
    n = int(who.sum())
    parts = np.zeros(len(who), np.int64)
    if n:
        parts[who] = amount // n + (np.arange(n) < amount % n)
    return parts


def _rationed(wanted: Ints, given: int) -> Ints:
    """Less than all want, in proportion; what is left over by one to the first who want more."""
    asked = int(wanted.sum())
    parts = np.array([want * given // asked for want in wanted.tolist()], np.int64)  # exact in whole numbers
    short = np.flatnonzero(parts < wanted)[: given - int(parts.sum())]
    parts[short] += 1
    return parts

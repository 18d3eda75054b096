"""A whole economy: labour, goods, credit and a government; firms follow rules, households rules or a model.

What households decide is what is asked in EconAgent (Li et al. 2024, doi:10.18653/v1/2024.acl-long.829): whether to
work, and which part of the income to spend. Firms price and pay by what they sell and whom they find, as in Lengnick
(2013, doi:10.1016/j.jebo.2012.12.021). All money is whole cents in the books of `accounts`, all goods whole units.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.accounts import Books, in_parts
from proband.societies.deciding import ABSENT, Deciding, Floats, Ints, Ruled, gini
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

SHARES = (50, 70, 85, 100, 115, 130)
WORK = Item(id="work", text="Do you want to work in this quarter?", form="choice", options=("Yes", "No"))
SPEND = Item(
    id="spend", text="How much do you spend in this quarter?", form="choice", codes=SHARES,
    options=tuple(
        f"{share} % of what came in{', the rest from savings' if share > 100 else ''}" for share in SHARES
    ),
)  # fmt: skip
WAGE, EACH, MARKUP = 100_000, 100, 1.2  # cents a quarter, units that one makes in it, and price over cost at first
SAVINGS = (0.25, 1.0, 2.0, 4.0)  # quarters of a wage after tax, between levels of savings
_SAVED = ("less than a month's wage", "some months' wages", "more than a quarter's wages", "more than half a year's "
          "wages", "more than a year's wages")  # fmt: skip
_PRICES = ("fell", "hardly changed", "rose")
_LEAVES = 0.03  # of those at work, in a quarter, for no reason of the firm
_LASTS = 40  # quarters that capital lasts, and over which the government corrects its debt
_SPREAD, _YEAR = (
    200,
    40_000,
)  # hundredths of a percent, between the bank's rate and others; and by which a quarter is divided
_SLACK = 2.5  # units of capital that a firm wants for each that it sells; 2 are needed
_LEAST = 1.1  # price over cost, below which a firm does not sell
_DEAR = 6  # percent, a rate from which households save more, by rule
_LOOKS = 3  # firms that each visits, or asks for work, in a quarter
HOUSEHOLDS, BANK, GOVERNMENT = ("households", slice(None)), ("bank", 0), ("government", 0)


class Keys(Deciding):
    """Of the economy; a round is a quarter."""

    agents: int = Field(default=200, ge=10, description="households")
    rounds: int = Field(default=120, ge=1, description="quarters")
    firms: int = Field(default=10, ge=2, description="how many")
    tax: float = Field(default=0.2, ge=0, lt=1, description="on wages")
    benefit: float = Field(default=0.4, ge=0, le=1, description="of a mean wage, to who wants to work and finds none")
    government: float = Field(default=0.15, ge=0, le=0.5, description="share of output that the government buys")
    debt: float = Field(default=1.2, ge=0, description="to which it holds its debt, in quarters of output")
    target: float = Field(default=2.0, description="inflation in a year, in percent, that the policy rate aims at")
    sticky: float = Field(default=0.7, ge=0, lt=1, description="part of those whom a firm needs no more that it keeps")
    step: float = Field(default=0.02, gt=0, lt=0.5, description="most by which a price or wage changes in a quarter")
    indexed: float = Field(default=0.8, ge=0, le=1, description="part of last year's inflation that wages go up by")
    leverage: float = Field(default=3.0, ge=0, description="what a firm can owe, in quarters of its sales")


class Economy(Ruled):
    """Work first: wages are paid and goods made. Then spending: goods are bought, debts served, profits paid out."""

    fixed = frozenset({"agents", "firms"})
    asked = (WORK, SPEND)
    archetype = "household"
    worded = ("firms", "tax", "benefit")

    def begin(self, society: int) -> State:
        """Nobody has work yet; all prices and wages are alike."""
        n, m = self.keys.agents, self.keys.firms
        made = n * EACH // m
        price = round(MARKUP * WAGE / EACH)
        households = (WAGE * (0.5 + self.at_start(society, "deposits"))).astype(np.int64)
        firms, loans = np.full(m, made * price), np.full(m, made * price // 2)
        equity = WAGE
        bonds = equity + int(households.sum() + firms.sum() - loans.sum())
        none = np.zeros(n, np.int64)
        agents = {
            "deposits": households, "employer": np.full(n, ABSENT), "income": none + WAGE, "worked": none,
            "works": np.full(n, ABSENT), "spends": np.full(n, ABSENT),
        }  # fmt: skip
        columns = {"price": price, "wage": WAGE, "stock": made // 4, "capital": 5 * made // 2, "expected": made,
                   "unfilled": 0, "refused": 0, "revenue": made * price,
                   "bill": 0, "made": 0}  # fmt: skip
        values = {
            "turn": "work", "books": Books(households, firms, loans, bonds, equity).pack(), "rate": 400,
            "firms": {name: [value] * m for name, value in columns.items()}, "levels": [price] * 5,
            "gdp": m * made * price,
            "stocked": m * (made // 4), "unemployment": 0.0,
        }  # fmt: skip
        return State(society=society, agents=agents, values=values)

    def _situations(self, state: State) -> dict[str, Ints]:
        """What households differ in, and know."""
        agents, levels = state.agents, state.values["levels"]
        n, mean = len(state), float(np.mean(state.values["firms"]["wage"])) * (1 - self.keys.tax)
        prices = int(np.searchsorted((-0.01, 0.03), levels[-1] / levels[0] - 1))
        return {
            "worked": agents["worked"], "savings": np.searchsorted(SAVINGS, agents["deposits"] / mean, "right"),
            "prices": np.full(n, prices), "rate": np.full(n, int(state.values["rate"]) // 100),
        }  # fmt: skip

    def _told(self, levels: Mapping[str, int]) -> str:
        was = "have work" if levels["worked"] else "have no work"
        return (
            f"You live in a town with {self.keys.firms} firms. At the moment you {was}. You have saved "
            f"{_SAVED[levels['savings']]}. Prices {_PRICES[levels['prices']]} in the last year, and the bank's rate is "
            f"{levels['rate']} %. Of wages {100 * self.keys.tax:g} % go to taxes. Who looks for work and finds none "
            f"gets {100 * self.keys.benefit:g} % of a mean wage."
        )

    def turns(self, state: State) -> Sequence[Ask]:
        """Who wants to work; then, once wages are paid, what is spent."""
        if not self.is_asked:
            return ()
        item = WORK if state.values["turn"] == "work" else SPEND
        return self.by_situation(item, self._situations(state), self._told)

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Half a quarter where somebody is asked, else the whole."""
        if state.values["turn"] == "work":
            state.agents["works"] = self._decided(state, heard, WORK)
            self._work(state)
            state.values["turn"] = "spend"
            if self.is_asked:
                return state
        state.agents["spends"] = self._decided(state, heard, SPEND)
        self._spend(state)
        state.values["turn"] = "work"
        return self.ended(state)

    def _decided(self, state: State, heard: Sequence[Heard], item: Item) -> Ints:
        situations, u = self._situations(state), self.uniforms(state, item.id)
        if self.is_asked:
            return self.drawn(heard, situations, u)
        upto = np.cumsum(probabilities(item, situations), axis=1)[:, :-1]
        chosen: Ints = (u[:, None] >= upto).sum(axis=1)
        return chosen

    def _work(self, state: State) -> None:
        """Firms set prices and wages, let go and hire; who works is paid, who finds no work has a benefit."""
        keys, agents, firms, books = self.keys, state.agents, _firms(state), _books(state)
        books.open()
        self._price(state, firms)
        most = (books.deposits["firms"] + self._room(firms, books)) // firms["wage"]
        plan = (firms["expected"] + (firms["expected"] // 4 - firms["stock"]) // 2).clip(0, firms["capital"] // 2)
        wants = np.minimum(-(-plan // EACH), most)
        self._match(state, firms, wants, most)
        employer = agents["employer"]
        at_work = np.flatnonzero(employer != ABSENT)
        workers = np.bincount(employer[at_work], minlength=keys.firms)
        firms["made"] = np.minimum(plan, EACH * workers)
        firms["stock"] += firms["made"]
        wages, bills = firms["wage"][employer[at_work]], workers * firms["wage"]
        for firm in np.flatnonzero(books.deposits["firms"] < bills).tolist():
            books.lend(firm, int(bills[firm] - books.deposits["firms"][firm]))
        books.pay("wages", ("firms", slice(None)), ("households", at_work), bills, wages)
        taxes = (keys.tax * wages).astype(np.int64)
        books.pay("taxes", ("households", at_work), GOVERNMENT, taxes)
        mean = int(wages.mean()) if len(wages) else int(firms["wage"].mean())
        jobless = np.flatnonzero((employer == ABSENT) & (agents["works"] == 0))
        benefits = np.full(len(jobless), int(keys.benefit * mean))
        books.pay("benefits", GOVERNMENT, ("households", jobless), benefits)
        agents["income"][at_work] += wages - taxes
        agents["income"][jobless] += benefits
        agents["worked"] = (employer != ABSENT).astype(np.int64)
        firms["bill"] = bills
        state.values["unemployment"] = 100 * len(jobless) / max(1, len(jobless) + len(at_work))
        _keep(state, firms, books)

    def _room(self, firms: Mapping[str, Ints], books: Books) -> Ints:
        """What each firm can still borrow."""
        room: Ints = ((self.keys.leverage * firms["revenue"]).astype(np.int64) - books.loans).clip(min=0)
        return room

    def _price(self, state: State, firms: dict[str, Ints]) -> None:
        """Prices rise where goods run short, and fall where they lie, not below cost; wages go as workers are found."""
        u = self.keys.step * self.rng(state, "firms").random((2, self.keys.firms))
        way = np.sign(firms["expected"] // 4 - firms["stock"])
        price = np.rint(firms["price"] * (1 + way * u[0])).astype(np.int64)
        levels = state.values["levels"]
        rise = self.keys.indexed * (levels[-1] / levels[0] - 1) / 4
        pay = np.where(firms["unfilled"] > 0, 1.0, np.where(firms["refused"] > 0, -0.5, 0.0))
        firms["wage"] = np.rint(firms["wage"] * (1 + pay * u[1] + rise)).astype(np.int64).clip(min=EACH)
        firms["price"] = np.maximum(price, (_LEAST * firms["wage"]).astype(np.int64) // EACH + 1)

    def _match(self, state: State, firms: dict[str, Ints], wants: Ints, most: Ints) -> None:
        """Some leave, some are let go; who looks for work asks a few firms and takes the best wage there is."""
        employer, m = state.agents["employer"], self.keys.firms
        u = self.uniforms(state, "stays")
        employer[(state.agents["works"] != 0) | (u < _LEAVES)] = ABSENT
        has = np.bincount(employer[employer != ABSENT], minlength=m)
        spare = (has - wants).clip(min=0)
        fired = np.maximum(spare - (self.keys.sticky * spare).astype(np.int64), has - most)
        for firm in np.flatnonzero(fired > 0).tolist():
            own = np.flatnonzero(employer == firm)
            employer[own[np.argsort(u[own])[: fired[firm]]]] = ABSENT
        open_ = (wants - has).clip(min=0).tolist()
        refused, wage = [0] * m, firms["wage"].tolist()
        asks = np.stack([(m * self.uniforms(state, "asks", k)).astype(np.int64) for k in range(_LOOKS)], axis=1)
        seeks = np.flatnonzero((employer == ABSENT) & (state.agents["works"] == 0))
        for k in seeks[np.argsort(self.uniforms(state, "seeks")[seeks])].tolist():
            seen = set(asks[k].tolist())
            offers = [(wage[firm], -firm) for firm in seen if open_[firm]]
            if offers:
                firm = -max(offers)[1]
                employer[k], open_[firm] = firm, open_[firm] - 1
            else:
                for firm in seen:
                    refused[firm] += 1
        firms["unfilled"], firms["refused"] = np.array(open_), np.array(refused)

    def _spend(self, state: State) -> None:
        """Goods are bought, interest and profits paid; the bank sets its rate."""
        agents, firms, books = state.agents, _firms(state), _books(state)
        spends, values = agents["spends"], state.values
        share = np.where(spends == ABSENT, 0, np.array(SHARES)[spends])
        budgets = np.minimum(share * agents["income"] // 100, agents["deposits"])
        agents["income"][:] = 0
        sales = self._sell(state, firms, books, budgets)
        sold, firms["revenue"] = sales["units"].sum(axis=0), sales["cents"].sum(axis=0)
        worn = -(-firms["capital"] // _LASTS)
        firms["capital"] += sales["invested"] - worn
        demand = sold + np.where(firms["stock"] == 0, sold // 20 + 1, 0)
        firms["expected"] += (demand - firms["expected"]) // 4
        self._serve(state, firms, books, sales["paid"])
        consumed, invested, bought = sales["units"].sum(axis=1).tolist()
        level = sales["cents"].sum() / max(1, sales["units"].sum()) if sales["units"].any() else values["levels"][-1]
        values["levels"] = [*values["levels"][1:], float(level)]
        inflation = 100 * (values["levels"][-1] / values["levels"][0] - 1)
        rate = 2 + inflation + 0.5 * (inflation - self.keys.target) - 0.5 * (values["unemployment"] - 6)
        made, lie = int(firms["made"].sum()), int(firms["stock"].sum())
        values |= {
            "rate": int(np.clip(round(100 * rate), 0, 2000)), "gdp": int(made * level), "inflation": inflation,
            "flows": books.matrix(), "stocked": lie,
            "goods": [made, -consumed, -invested, -bought, values["stocked"] - lie], "left over": books.left_over(),
        }  # fmt: skip
        _keep(state, firms, books)

    def _sell(self, state: State, firms: dict[str, Ints], books: Books, budgets: Ints) -> dict[str, Ints]:
        """Units and cents by kind of buyer (households, firms, government) and firm that sold."""
        n, m, price, stock = len(state), self.keys.firms, firms["price"].tolist(), firms["stock"].tolist()
        rng, mean = self.rng(state, "buyers"), int(firms["price"].mean())
        visits = np.stack([(m * self.uniforms(state, "visits", k)).astype(np.int64) for k in range(_LOOKS)], axis=1)
        rate = state.values["rate"] / 100
        wanted = (_SLACK * firms["expected"] * (1 - 0.02 * (rate - 4))).astype(np.int64) - firms["capital"]
        invests = (firms["capital"] // _LASTS + wanted // _LASTS).clip(min=0)
        means = np.minimum(invests * mean, books.deposits["firms"] + self._room(firms, books))
        gdp, keys = state.values["gdp"], self.keys
        public = max(0, int(keys.government * gdp + (keys.debt * gdp - books.bonds) / _LASTS))
        purse = [*budgets.tolist(), *means.tolist(), public]
        to_visit = [*visits.tolist(), *rng.integers(m, size=(m, _LOOKS)).tolist(), range(m)]
        spent, invested = np.zeros(n + m + 1, np.int64), np.zeros(m, np.int64)
        units, cents = np.zeros((3, m), np.int64), np.zeros((3, m), np.int64)
        # What firms and the government buy is ordered before: else a want of goods would wear capital down for ever.
        for k in np.argsort([*self.uniforms(state, "comes"), *(rng.random(m + 1) - 1)]).tolist():
            kind, left = (0 if k < n else 1 if k < n + m else 2), purse[k]
            for firm in sorted(set(to_visit[k]), key=lambda firm: (price[firm], firm)):
                count = min(left // price[firm], stock[firm])
                left, stock[firm] = left - count * price[firm], stock[firm] - count
                units[kind, firm] += count
                if kind == 1:
                    invested[k - n] += count
            spent[k] = purse[k] - left
        cents = units * firms["price"]
        firms["stock"] = np.array(stock)
        everywhere = ("firms", slice(None))
        books.pay("consumption", HOUSEHOLDS, everywhere, spent[:n], cents[0])
        for firm in np.flatnonzero(books.deposits["firms"] < spent[n:-1]).tolist():
            books.lend(firm, int(spent[n + firm] - books.deposits["firms"][firm]))
        books.pay("investment", everywhere, everywhere, spent[n:-1], cents[1])
        books.pay("government", GOVERNMENT, everywhere, cents[2])
        return {"units": units, "cents": cents, "invested": invested, "paid": spent[n:-1]}

    def _serve(self, state: State, firms: dict[str, Ints], books: Books, invested: Ints) -> None:
        """Interest, dividends to all households alike, what firms pay back, and what the bank has to write off."""
        n, rate, deposits = len(state), int(state.values["rate"]), books.deposits
        before = deposits["households"].copy()
        interest = books.loans * (rate + _SPREAD) // _YEAR
        for firm in np.flatnonzero(deposits["firms"] < interest).tolist():
            books.lend(firm, int(interest[firm] - deposits["firms"][firm]))
        books.pay("interest on loans", ("firms", slice(None)), BANK, interest)
        books.pay("interest on deposits", BANK, HOUSEHOLDS, deposits["households"] * max(0, rate - _SPREAD) // _YEAR)
        ends = (GOVERNMENT, BANK) if books.bonds > 0 else (BANK, GOVERNMENT)
        books.pay("interest on bonds", *ends, abs(books.bonds) * rate // _YEAR)
        free = (deposits["firms"] - firms["bill"]).clip(min=0)
        profit = (firms["revenue"] - firms["bill"] - interest - invested).clip(min=0)
        dividends = np.minimum(profit, free)
        books.pay("dividends", ("firms", slice(None)), HOUSEHOLDS, dividends, in_parts(int(dividends.sum()), n))
        limit = (2 * self.keys.leverage * firms["revenue"]).astype(np.int64)
        for firm, (spare, most) in enumerate(zip((free - dividends).tolist(), limit.tolist(), strict=True)):
            books.lend(firm, -min(spare // 2, int(books.loans[firm])))
            if books.loans[firm] > most:
                books.forgive(firm, int(books.loans[firm]) - most)
        if (own := books.equity - int(books.loans.sum()) // 20) > 0:
            books.pay("profits of the bank", BANK, HOUSEHOLDS, in_parts(own, n))
        state.agents["income"] += deposits["households"] - before

    def measures(self, state: State) -> Mapping[str, float]:
        """Output and its parts in units, rates in percent, a mean wage in units, and what accounts do not explain."""
        values = state.values
        if "goods" not in values:
            return {}
        made, consumed, invested, bought, _ = values["goods"]
        wage = float(np.mean(values["firms"]["wage"])) / values["levels"][-1]
        return {
            "output": float(made), "consumption": float(-consumed), "investment": float(-invested),
            "government": float(-bought), "unemployment": values["unemployment"], "inflation": values["inflation"],
            "price": values["levels"][-1] / 100, "wage": wage, "rate": values["rate"] / 100,
            "debt": values["books"]["bonds"] / max(1, values["gdp"]), "gini": gini(state.agents["deposits"]),
            "left over": float(max(values["left over"], abs(sum(values["goods"])))),
        }  # fmt: skip

    def kept(self, state: State) -> Sequence[str]:
        """What households decided, and hold."""
        return ("works", "spends", "deposits", "worked")


def probabilities(item: Item, levels: Mapping[str, Any]) -> Floats:
    """Of every option by rule, in each situation: the rich work less; savings are spent, less where rates are high."""
    savings = np.atleast_1d(levels["savings"]).astype(int)
    if item is WORK or item.id == WORK.id:
        yes = np.array([0.99, 0.98, 0.96, 0.93, 0.9])[savings]
        return np.stack([yes, 1 - yes], axis=1)
    jobless, dear = np.atleast_1d(levels["worked"]) == 0, np.atleast_1d(levels["rate"]) >= _DEAR
    centre = (savings + 1 + jobless - dear).clip(0, len(SHARES) - 1)
    near = np.abs(np.arange(len(SHARES)) - centre[:, None])
    weights: Floats = np.where(near == 0, 2.0, np.where(near == 1, 1.0, 0.0))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _firms(state: State) -> dict[str, Ints]:
    return {name: np.array(column, np.int64) for name, column in state.values["firms"].items()}


def _books(state: State) -> Books:
    return Books.unpack(state.values["books"], state.agents["deposits"])


def _keep(state: State, firms: Mapping[str, Ints], books: Books) -> None:
    state.values["firms"] = {name: column.tolist() for name, column in firms.items()}
    state.values["books"] = books.pack()
    state.agents["deposits"] = books.deposits["households"]


def _make(shared: Shared, keys: Keys) -> Economy:
    return Economy(keys)


SCENARIO = Scenario(
    name="macro",
    about="an economy of households, firms, a bank and a government, whose accounts add up",
    keys=Keys,
    make=_make,
    check="all flows and stocks add up exactly in every quarter; beside the United States 1959 to 2009 (macrodata of "
    "statsmodels): Okun -.269 (SE .020), Phillips 1960 to 1969 -1.21, standard deviations of growth .88 (output), .69 "
    "(consumption), 4.68 (investment), autocorrelation .30",
)

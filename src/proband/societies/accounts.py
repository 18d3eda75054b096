"""Books of a closed economy in whole cents, whose every payment has two ends, so that flows and stocks agree exactly.

Households and firms hold deposits at the bank; firms owe it loans, the government bonds. What the bank owns above what
it owes is its equity. See Godley & Lavoie (2007), Monetary Economics. doi:10.1057/978-1-137-08599-3
"""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
SECTORS = ("households", "firms", "bank", "government")
End = tuple[str, Any]  # of a payment: a sector, and who in it: a position, an array of them, or a slice


class Books:
    """What everybody holds and owes, and what was paid since they were opened.

    Attributes
    ----------
    deposits : dict of str to array of int
        Of ``households`` and ``firms``, one number each.
    loans : array of int
        Of each firm.
    bonds, equity : int
        What the government owes the bank (below 0 where it has deposits there), and what is the bank's own.
    flows : dict of str to list of int
        What came in, net, by kind of payment and sector, in the order of `SECTORS`.
    """

    def __init__(self, households: Ints, firms: Ints, loans: Ints, bonds: int, equity: int) -> None:
        self.deposits = {"households": households.astype(np.int64), "firms": firms.astype(np.int64)}
        self.loans, self.bonds, self.equity = loans.astype(np.int64), int(bonds), int(equity)
        self.open()

    def open(self) -> None:
        """Begin a new quarter."""
        self.flows: dict[str, list[int]] = {}
        self.before = self.totals()

    def totals(self) -> dict[str, int]:
        """What sectors hold and owe now."""
        held = {f"deposits of {sector}": int(held.sum()) for sector, held in self.deposits.items()}
        return held | {"loans": int(self.loans.sum()), "bonds": self.bonds, "equity": self.equity}

    def pay(self, what: str, source: End, target: End, amounts: int | Ints, received: Ints | None = None) -> int:
        """Pay amounts, none of them below 0; gives their sum.

        What many pay one or each of them pays each, by position, is `amounts`; what many receive from many differs,
        and is `received`.
        """
        total = int(np.sum(amounts))
        row = self.flows.setdefault(what, [0] * len(SECTORS))
        for (sector, who), sign, parts in (
            (source, -1, amounts),
            (target, 1, amounts if received is None else received),
        ):
            row[SECTORS.index(sector)] += sign * total
            if sector in self.deposits:
                self.deposits[sector][who] += sign * (total if isinstance(who, int) else parts)
            elif sector == "bank":
                self.equity += sign * total
            else:
                self.bonds -= sign * total
        return total

    def lend(self, firm: int, amount: int) -> None:
        """Lend to a firm; below 0, it pays back."""
        self.loans[firm] += amount
        self.deposits["firms"][firm] += amount

    def forgive(self, firm: int, amount: int) -> None:
        """Write off what a firm owes, at the cost of the bank."""
        self.pay("write-offs", ("bank", 0), ("firms", firm), amount)
        self.lend(firm, -amount)

    def matrix(self) -> dict[str, list[int]]:
        """Payments and changes of stocks by sector; rows sum to 0, and columns."""
        change = {name: held - self.before[name] for name, held in self.totals().items()}
        saved = [change["deposits of households"], change["deposits of firms"]]
        return {
            **self.flows,
            "change of deposits": [-saved[0], -saved[1], sum(saved), 0],
            "change of loans": [0, change["loans"], -change["loans"], 0],
            "change of bonds": [0, 0, -change["bonds"], change["bonds"]],
        }

    def left_over(self) -> int:
        """The largest sum of a row or column, gap of a balance sheet, or account below nothing: 0 if all is right."""
        rows = np.array(list(self.matrix().values()), np.int64)
        now = self.totals()
        owned = now["loans"] + now["bonds"] - now["deposits of households"] - now["deposits of firms"]
        below = [*self.deposits.values(), self.loans]
        return int(
            max(
                *np.abs(rows.sum(axis=0)), *np.abs(rows.sum(axis=1)), abs(owned - self.equity),
                *(-min(0, int(held.min())) for held in below),
            )
        )  # fmt: skip

    def pack(self) -> dict[str, Any]:
        """As JSON, but for what households hold, which is a column of agents."""
        return {
            "firms": self.deposits["firms"].tolist(), "loans": self.loans.tolist(), "bonds": self.bonds,
            "equity": self.equity, "flows": self.flows, "before": self.before,
        }  # fmt: skip

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], households: Ints) -> Self:
        """What was packed."""
        firms, loans = (np.array(packed[name], np.int64) for name in ("firms", "loans"))
        books = cls(households, firms, loans, packed["bonds"], packed["equity"])
        books.flows, books.before = packed["flows"], packed["before"]
        return books


def in_parts(amount: int, n: int) -> Ints:
    """An amount in equal parts; what is left over goes by one to the first of them."""
    return amount // n + (np.arange(n) < amount % n).astype(np.int64)

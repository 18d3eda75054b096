"""Whether knowledge would be graded the same with other exemplars: test and retest of the categories."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.instruments.banks.bank import Bank
from proband.measures.agreement.kappas import cohen_kappa
from proband.measures.knowledge.slick import CATEGORIES
from proband.measures.shares import share_estimates
from proband.tuning.probing.beliefs import Belief, Beliefs, belief_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Retest:
    """How two gradings of the same questions agree.

    Attributes
    ----------
    table : ndarray, shape (4, 4)
        Questions by their first (rows) and second grade (columns), in the order of `CATEGORIES`.
    agreement : Estimate
        Share of questions with the same grade; Wilson's interval.
    kappa : Estimate
        Cohen's kappa with linear weights, as the grades are ordered.
    n_left_out : int
        Questions that one of the two has no belief about.
    """

    table: NDArray[np.intp]
    agreement: Estimate
    kappa: Estimate
    n_left_out: int


def halves(beliefs: Beliefs, bank: Bank) -> tuple[Beliefs, Beliefs]:
    """The beliefs by the even draws of exemplars alone, and by the odd ones, each graded anew.

    A question whose cells of a half all failed is `lost` there.

    Raises
    ------
    DesignError
        If there is one draw only, or the bank is another one.
    """
    if bank.hash != beliefs.bank:
        raise DesignError(
            f"the beliefs are about bank {beliefs.bank}, and {bank.name!r} is {bank.hash}; use the one that was asked"
        )
    draws = {draw for belief in beliefs.beliefs.values() for draw in belief.draws}
    if len(draws) < 2:
        raise DesignError(
            f"prompt {beliefs.ask!r} has one draw of exemplars, which makes no halves; ask with draws = 2 or more"
        )
    return _half(beliefs, bank, 0), _half(beliefs, bank, 1)


def _half(beliefs: Beliefs, bank: Bank, odd: int) -> Beliefs:
    kept: dict[str, Belief] = {}
    for id, belief in beliefs.beliefs.items():
        rows = [k for k, draw in enumerate(belief.draws) if draw % 2 == odd]
        if rows:
            kept[id] = belief_of(bank[id], belief.cells[rows], draws=tuple(belief.draws[k] for k in rows))
    lost = tuple(id for id in beliefs.beliefs if id not in kept)
    return replace(beliefs, beliefs=kept, lost=(*beliefs.lost, *lost))


def retest(first: Beliefs, second: Beliefs) -> Retest:
    """How far two probes of the same model grade the same questions alike: from `halves`, two seeds, or two prompts.

    The interval is about questions, given the exemplars of the two probes. Halves of a probe have half its draws each,
    so they agree less than two whole probes would.

    Raises
    ------
    DesignError
        If they are about different banks or share no question.
    """
    if first.bank != second.bank:
        raise DesignError(f"the beliefs are about different banks, {first.bank} and {second.bank}")
    ids = [id for id in first.beliefs if id in second.beliefs]
    if not ids:
        raise DesignError("the two probes have no question in common; ask the same questions")
    grade = {name: k for k, name in enumerate(CATEGORIES)}
    pairs = [(grade[first[id].category], grade[second[id].category]) for id in ids]
    table = np.zeros((len(CATEGORIES), len(CATEGORIES)), dtype=np.intp)
    for row, column in pairs:
        table[row, column] += 1
    same = share_estimates([int(row == column) for row, column in pairs], 2, target="model")[1]
    return Retest(
        table=table,
        agreement=replace(same, estimand="share of questions that two probes grade alike"),
        kappa=cohen_kappa(table, "linear", target="model"),
        n_left_out=len(first.beliefs.keys() ^ second.beliefs.keys()),
    )

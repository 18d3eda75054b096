"""What sessions of conditional cooperation show, computed in the same way for people and for societies."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proband.errors import DataError
from proband.measures import conditional_type

Floats = NDArray[np.float64]
COLUMNS = ("session", "period", "subject", "unconditional", "if_low", "if_middle", "if_high", "opp_action", "buc_H")
AMOUNTS = (0, 50, 100)
_OF_SOCIETIES = {"society": "session", "round": "period", "number": "subject"}


@dataclass(frozen=True, kw_only=True)
class Cooperation:
    """Sessions of conditional cooperation.

    Attributes
    ----------
    transfer, answer_to_high, belief_in_high : dict of int to float
        Means by period: points transferred by who moves first, answered to 100, and probability given to 100.
    slope, slope_se : float
        Of the transfer over periods, in points: mean of the sessions' own, and its standard error over sessions.
    sd_within, sd_between : float
        Of transfers among people of one session and period; of means of sessions.
    transitions : array, shape (3, 3)
        Probability of each transfer (columns) in the next period, by what the other has just transferred (rows).
    n_transitions : array of int, shape (3,)
        How often each row was seen.
    types : dict of str to int
        Tables of the first period by their kind; perfect conditional cooperators transfer what they were given.
    """

    transfer: Mapping[int, float]
    answer_to_high: Mapping[int, float]
    belief_in_high: Mapping[int, float]
    slope: float
    slope_se: float
    sd_within: float
    sd_between: float
    transitions: Floats
    n_transitions: NDArray[np.int64]
    types: Mapping[str, int]


def cooperation(rows: Mapping[str, Any]) -> Cooperation:
    """The statistics of some sessions.

    Parameters
    ----------
    rows : mapping of str to array_like, or a polars data frame
        One row a person and period, with the columns of the people's data (see `COLUMNS`); or the table of agents of a
        run under one arm, in which sessions, periods and subjects are called society, round and number. NaN is no
        answer, and periods in which nobody answered are left out.

    Returns
    -------
    Cooperation

    Raises
    ------
    DataError
        If a column is missing, there is more than one arm, or nobody answered.

    References
    ----------
    Andreozzi, Ploner & Saral (2020), Scientific Reports 10, 13610. doi:10.1038/s41598-020-70681-z
    """
    names = list(rows.columns if hasattr(rows, "columns") else rows)
    called = {new: old for old, new in _OF_SOCIETIES.items() if old in names}
    if missing := [name for name in COLUMNS if called.get(name, name) not in names]:
        raise DataError(f"sessions without {', '.join(missing)}; there are {', '.join(names)}")
    if "arm" in names and len(arms := sorted(set(rows["arm"]))) > 1:
        raise DataError(f"sessions of {len(arms)} arms ({', '.join(arms)}); take the rows of one")
    of = {name: np.asarray(rows[called.get(name, name)], np.float64) for name in COLUMNS}
    told = np.isin(of["period"], of["period"][~np.isnan(of["unconditional"])])
    if not told.any():
        raise DataError("nobody said what it transfers, so there is nothing to describe")
    of = {name: column[told] for name, column in of.items()}
    periods, sessions = np.unique(of["period"]), np.unique(of["session"])
    cells = np.array(
        [
            [np.nanmean(of["unconditional"][(of["session"] == s) & (of["period"] == p)]) for p in periods]
            for s in sessions
        ]
    )
    slopes = [np.polyfit(periods, cell, 1)[0] for cell in cells] if len(periods) > 1 else [np.nan] * len(sessions)
    several = len(sessions) > 1
    within = [
        np.nanvar(of["unconditional"][(of["session"] == s) & (of["period"] == p)], ddof=1)
        for s in sessions
        for p in periods
    ]
    counts = _transitions(of)
    with np.errstate(invalid="ignore"):
        transitions = counts / counts.sum(axis=1, keepdims=True)
    return Cooperation(
        transfer=_by_period(of, "unconditional"),
        answer_to_high=_by_period(of, "if_high"),
        belief_in_high=_by_period(of, "buc_H"),
        slope=float(np.mean(slopes)),
        slope_se=float(np.std(slopes, ddof=1) / np.sqrt(len(slopes))) if several else float("nan"),
        sd_within=float(np.sqrt(np.mean(within))),
        sd_between=float(np.std(cells.mean(axis=1), ddof=1)) if several else float("nan"),
        transitions=transitions,
        n_transitions=counts.sum(axis=1),
        types=_types(of),
    )


def _by_period(of: Mapping[str, Floats], name: str) -> dict[int, float]:
    return {int(p): float(np.nanmean(of[name][of["period"] == p])) for p in np.unique(of["period"])}


def _transitions(of: Mapping[str, Floats]) -> NDArray[np.int64]:
    """How often each transfer followed what the other transferred in the period before."""
    order = np.lexsort([of["period"], of["subject"], of["session"]])
    session, subject, period = (of[name][order] for name in ("session", "subject", "period"))
    follows = (np.diff(session) == 0) & (np.diff(subject) == 0) & (np.diff(period) == 1)
    seen, gave = of["opp_action"][order][:-1][follows], of["unconditional"][order][1:][follows]
    return np.array([[int(((seen == a) & (gave == b)).sum()) for b in AMOUNTS] for a in AMOUNTS])


def _types(of: Mapping[str, Floats]) -> dict[str, int]:
    tables = np.stack([of[name] for name in ("if_low", "if_middle", "if_high")], axis=1)
    found = Counter[str]()
    for table in tables[of["period"] == of["period"].min()]:
        if np.isnan(table).any():
            continue
        kind = conditional_type(table, AMOUNTS)
        found["perfect" if kind == "conditional" and tuple(table) == AMOUNTS else kind] += 1
    return dict(found)

"""What actors with positions will agree on: weighted positions, and the expected-utility model of a bargain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.measures.arrays import Floats, finite

Offer = Literal["conflict", "compromise", "capitulation"]
_TIE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One actor's move in a round: to whose position, and why."""

    actor: str
    towards: str
    offer: Offer
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BargainRound:
    """Where the actors stand after a round (round 0 is the beginning), and how they came there."""

    positions: tuple[float, ...]
    median: float
    mean: float
    risk: tuple[float, ...] = ()
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bargain:
    """A bargain as the model has it.

    Attributes
    ----------
    actors : tuple of str
        In the order given.
    rounds : tuple of BargainRound
        The beginning first.
    has_settled : bool
        Whether nobody moves any more; else it stopped at the most rounds allowed.
    """

    actors: tuple[str, ...]
    rounds: tuple[BargainRound, ...]
    has_settled: bool

    @property
    def median(self) -> float:
        """Weighted median of the positions at the beginning: the forecast without bargaining."""
        return self.rounds[0].median

    @property
    def mean(self) -> float:
        """Weighted mean of the positions at the beginning."""
        return self.rounds[0].mean

    @property
    def forecast(self) -> float:
        """Weighted median after the last round."""
        return self.rounds[-1].median


def bargain(
    actors: Sequence[str],
    positions: ArrayLike,
    salience: ArrayLike,
    influence: ArrayLike,
    *,
    n_rounds: int = 10,
    status_quo: float = 1.0,
) -> Bargain:
    """The outcome of a bargain over one issue, by expected utilities (Bueno de Mesquita's model).

    Parameters
    ----------
    actors : sequence of str
        Their names, each once.
    positions : array_like, shape (n,)
        What each wants, on a line.
    salience : array_like, shape (n,)
        How much each cares, from 0 to 1.
    influence : array_like, shape (n,)
        What each can do, at least 0.
    n_rounds : int
        Most rounds; it ends before where nobody moves.
    status_quo : float
        Weight of things as they are when an actor asks what a challenge would gain, from 0 to 1.

    Returns
    -------
    Bargain
        Weighted median and mean of every round, positions, risk exponents, and each move with its reason.

    Raises
    ------
    DataError
        If there are fewer than 2 actors or two of one name; if salience lies outside 0 to 1, influence is negative, or
        nobody who cares has any; if lists differ in length.
    DesignError
        If `n_rounds` or `status_quo` is out of range.

    Notes
    -----
    With positions x scaled to the range at the beginning, weights w = influence x salience, and r an actor's exponent:

    - Support for i against j: P_ij = sum of w_k max(0, d_kj - d_ki) / sum of w_k |d_kj - d_ki| over all actors k, with
      d distances; so P_ij + P_ji = 1.
    - In the eyes of an actor with exponent r, i gains U_s = 2 - 4 (1/2 - d_ij / 2)^r by success, U_f = 2 - 4
      (1/2 + d_ij / 2)^r by failure, and has U_q = 2 - 4 (1/2)^r as things are:
      E_ij = s_j (P_ij U_s + (1 - P_ij) U_f) + (1 - s_j) U_s - status_quo U_q.
    - Risk: with D_i the sum over j of E_ji at r = 1, R_i = (2 D_i - max D - min D) / (max D - min D), and
      r_i = (1 - R_i / 3) / (1 + R_i / 3).
    - j has an offer for i, judged by i (r = r_i): conflict, if E_ji > E_ij > 0, and i would go to x_j; compromise, if
      E_ji > 0 > E_ij and E_ji > |E_ij|, to x_i + (x_j - x_i) |E_ij / E_ji|; capitulation, if E_ji > 0 > E_ij and E_ji <
      |E_ij|, to x_j. Each actor takes, of all offers, the one that moves it least; all move at once.

    Implementations differ in the denominator of P (Scholz's own sums over all pairs of positions), in the choice among
    offers, and in the weight of the status quo, and with them in all rounds but the beginning, which is the same for
    all. Median: the lowest position with at least half of the weight at or below it.

    References
    ----------
    Scholz, Calbert & Smith (2011), Journal of Theoretical Politics 23, 510-531. doi:10.1177/0951629811418142
    Bueno de Mesquita (1994), in Bueno de Mesquita & Stokman (eds), European Community Decision Making.

    Examples
    --------
    >>> found = bargain(["A", "B", "C"], [0, 4, 10], [1, 0.5, 1], [1, 1, 2])
    >>> found.median, round(found.mean, 4)
    (10.0, 6.2857)
    """
    names = tuple(map(str, actors))
    x, s, c = (
        finite(values, what)
        for values, what in ((positions, "positions"), (salience, "salience"), (influence, "influence"))
    )
    if len(names) < 2 or len(set(names)) < len(names) or not len(names) == len(x) == len(s) == len(c):
        raise DataError(
            f"{len(names)} actors, {len(x)} positions, {len(s)} saliences, {len(c)} influences: give each of at least "
            "two actors a name of its own and one of each"
        )
    for name, values, highest, words in (("salience", s, 1.0, "0 to 1"), ("influence", c, 1e12, "0 upwards")):
        if (wrong := (values < 0) | (values > highest)).any():
            k = int(np.argmax(wrong))
            raise DataError(f"actor {names[k]!r}: {name} is {values[k]:g}, and goes from {words}; correct it")
    if not (c * s).sum() > 0:
        raise DataError("no actor both cares and has influence; nothing can be said of what they will agree on")
    if not 1 <= n_rounds <= 1000 or not 0 <= status_quo <= 1:
        raise DesignError(f"n_rounds is {n_rounds}, status_quo {status_quo}; give 1 to 1000 rounds, and 0 to 1")
    width = float(np.ptp(x))
    rounds = [_standing(x, c * s)]
    has_settled = width <= 0
    while not has_settled and len(rounds) <= n_rounds:
        ends, risk, moves = _round(names, x, s, c, width, status_quo)
        has_settled = not moves
        if moves:
            x = ends
            rounds.append(_standing(x, c * s, risk, moves))
    return Bargain(actors=names, rounds=tuple(rounds), has_settled=has_settled)


def _standing(x: Floats, w: Floats, risk: Floats | None = None, moves: tuple[Move, ...] = ()) -> BargainRound:
    order = np.argsort(x, kind="stable")
    at = int(np.argmax(np.cumsum(w[order]) >= w.sum() / 2 - _TIE * w.sum()))
    return BargainRound(
        positions=tuple(map(float, x)), median=float(x[order][at]), mean=float(w @ x / w.sum()), moves=moves,
        risk=() if risk is None else tuple(map(float, risk)),
    )  # fmt: skip


def _round(
    names: tuple[str, ...], x: Floats, s: Floats, c: Floats, width: float, status_quo: float
) -> tuple[Floats, Floats, tuple[Move, ...]]:
    d = np.abs(x[:, None] - x[None, :]) / width
    gap = d[:, None, :] - d[:, :, None]  # (k, i, j): how much nearer k is to i than to j
    w = (c * s)[:, None, None]
    votes = (w * np.abs(gap)).sum(axis=0)
    support = np.divide((w * np.maximum(gap, 0)).sum(axis=0), votes, out=np.full_like(votes, 0.5), where=votes > 0)

    def gains(r: Floats | float) -> Floats:
        """E_ij of all i and j, in the eyes of an actor with exponent r."""
        won, lost, still = 2 - 4 * (0.5 - d / 2) ** r, 2 - 4 * (0.5 + d / 2) ** r, 2 - 4 * 0.5**r
        found: Floats = s * (support * won + (1 - support) * lost) + (1 - s) * won - status_quo * still
        return found

    plain = gains(1.0)
    danger = plain.sum(axis=0) - plain.diagonal()
    spread = float(np.ptp(danger))
    acceptance = (2 * danger - danger.max() - danger.min()) / spread if spread > _TIE else np.zeros(len(x))
    risk = (1 - acceptance / 3) / (1 + acceptance / 3)
    ends, moves = x.copy(), []
    for i, r in enumerate(risk):
        seen = gains(float(r))
        offers: list[tuple[float, int, Offer, float]] = []
        for j in np.flatnonzero(x != x[i]):
            own, theirs = float(seen[i, j]), float(seen[j, i])
            if theirs > own > 0:
                offers.append((abs(x[j] - x[i]), int(j), "conflict", float(x[j])))
            elif theirs > 0 > own and theirs > -own:
                end = float(x[i] + (x[j] - x[i]) * -own / theirs)
                offers.append((abs(end - x[i]), int(j), "compromise", end))
            elif theirs > 0 > own and theirs < -own:
                offers.append((abs(x[j] - x[i]), int(j), "capitulation", float(x[j])))
        if offers:
            _, to, kind, ends[i] = min(offers)
            moves.append(Move(actor=names[i], towards=names[to], offer=kind, start=float(x[i]), end=float(ends[i])))
    # An actor that moves by less than rounding stays where it is.
    moves = [move for move in moves if abs(move.end - move.start) > 1e-9 * width]
    return ends, risk, tuple(moves)

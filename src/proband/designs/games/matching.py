"""Who plays with whom: groups of players, round by round."""

import math
from typing import Literal, get_args

from proband.errors import DesignError
from proband.seeds import rng_for

Matching = Literal["partner", "stranger", "perfect_stranger", "round_robin"]
Groups = tuple[tuple[int, ...], ...]  # of each group, and each seat in it: which of that seat's players
MATCHINGS: tuple[Matching, ...] = get_args(Matching)


def groups_in(matching: Matching, *, seats: int, groups: int, round: int, seed: int, session: int) -> Groups:
    """The groups of a session in one round; a player keeps its seat.

    Partners stay together. Strangers are drawn anew every round. Perfect strangers are rotated against each other, so
    that nobody meets another twice; where they begin is drawn.
    """
    if groups == 1:
        return ((0,) * seats,)
    if matching == "stranger":
        rng = rng_for(seed, "matching", session, round)
        columns = [range(groups), *(rng.permutation(groups).tolist() for _ in range(seats - 1))]
        return tuple(zip(*columns, strict=True))
    rng = rng_for(seed, "matching", session)
    starts = [rng.permutation(groups).tolist() for _ in range(seats)]
    return tuple(tuple(starts[s][(g + s * (round - 1)) % groups] for s in range(seats)) for g in range(groups))


def check_matching(matching: Matching, *, seats: int, groups: int, rounds: int) -> None:
    """Refuse a matching that cannot be carried out."""
    if matching in ("partner", "round_robin"):
        if groups != 1:
            raise DesignError(
                f'matching = "{matching}": groups is {groups}, but players who stay together are a session of their '
                'own; leave groups out, or write matching = "stranger"'
            )
        return
    if seats < 2:
        raise DesignError(f'matching = "{matching}": this game has one seat, so nobody meets anybody; leave it out')
    if groups < 2:
        raise DesignError(f'matching = "{matching}": a session of {groups} group has no strangers; write groups = 4')
    if matching == "perfect_stranger":
        # Players whose seats lie d apart are shifted by d groups a round, and meet again after m / gcd(d, m) rounds.
        most = min(groups // math.gcd(d, groups) for d in range(1, seats))
        if rounds > most:
            raise DesignError(
                f'matching = "perfect_stranger": with {groups} groups of {seats} nobody meets twice for {most} rounds, '
                f"and there are {rounds}; play fewer, take more groups (a prime number goes furthest), or write "
                'matching = "stranger"'
            )

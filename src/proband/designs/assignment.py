"""Who gets which level of a factor, in which order, and with which stimuli."""

import math
from collections.abc import Mapping, Sequence

from proband.errors import DesignError
from proband.seeds import rng_for


def assign(
    subjects: Sequence[str], levels: Sequence[str], seed: int, *, factor: str, blocks: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Assign every subject to one level, in equal numbers.

    Assignment goes through the roster in runs of as many subjects as there are levels; each run gets every level
    once, in an order drawn by its place (permuted blocks). So the arms differ by at most one subject, and subjects
    added at the end of the roster change nobody before them. With `blocks`, each block has a roster of its own.

    Parameters
    ----------
    subjects : sequence of str
        The roster, in its order.
    levels : sequence of str
        At least two.
    seed : int
        The study's seed.
    factor : str
        Name of the factor; two factors are assigned independently.
    blocks : mapping of str to str, optional
        Subject -> block.

    Returns
    -------
    dict of str to str
        Subject -> level.

    Raises
    ------
    DesignError
        If there are fewer than two levels, or a subject has no block.
    """
    if len(set(levels)) < 2:
        raise DesignError(f"factor {factor!r} has the levels {tuple(levels)}; an experiment needs at least two")
    rosters: dict[str, list[str]] = {}
    for subject in subjects:
        if blocks is not None and subject not in blocks:
            raise DesignError(f"subject {subject!r} has no block; leave it out, or block on another column")
        rosters.setdefault("" if blocks is None else blocks[subject], []).append(subject)
    assigned: dict[str, str] = {}
    k = len(levels)
    for block, roster in rosters.items():
        for start in range(0, len(roster), k):
            order = rng_for(seed, "assign", factor, block, start // k).permutation(k)
            assigned.update(zip(roster[start : start + k], (levels[int(i)] for i in order), strict=False))
    return {subject: assigned[subject] for subject in subjects}


def assign_clusters(
    clusters: Mapping[str, str],
    levels: Sequence[str],
    seed: int,
    *,
    factor: str,
    blocks: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Assign whole clusters to levels, as `assign` does with subjects.

    Parameters
    ----------
    clusters : mapping of str to str
        Subject -> cluster, in the order of the roster.
    levels, seed, factor
        See `assign`.
    blocks : mapping of str to str, optional
        Subject -> block; a cluster lies in one.

    Returns
    -------
    dict of str to str
        Subject -> level; the same for everybody in a cluster.
    """
    of_cluster: dict[str, str] | None = None
    if blocks is not None:
        of_cluster = {}
        for subject, cluster in clusters.items():
            if subject in blocks and of_cluster.setdefault(cluster, blocks[subject]) != blocks[subject]:
                raise DesignError(
                    f"cluster {cluster!r} lies in the blocks {of_cluster[cluster]!r} and {blocks[subject]!r}; a "
                    "cluster gets one level, so block on something that its members share"
                )
    assigned = assign(list(dict.fromkeys(clusters.values())), levels, seed, factor=factor, blocks=of_cluster)
    return {subject: assigned[cluster] for subject, cluster in clusters.items()}


def check_balance(assigned: Mapping[str, str], levels: Sequence[str], strata: Mapping[str, str], units: str) -> None:
    """Refuse an assignment in which some stratum, a block or an arm, has nobody under one of the levels.

    Parameters
    ----------
    assigned : mapping of str to str
        Unit -> level.
    levels : sequence of str
        All there are.
    strata : mapping of str to str
        Unit -> stratum.
    units : str
        What units are called in the message.
    """
    members: dict[str, list[str]] = {}
    for name, level in assigned.items():
        members.setdefault(strata[name], []).append(level)
    for stratum, found in members.items():
        if len(found) < len(levels):
            raise DesignError(
                f"{len(found)} {units} in {stratum} cannot be balanced over {len(levels)} levels "
                f"({', '.join(levels)}): some level would have nobody there; ask more, vary less, or divide them less"
            )


def latin_rows(n: int) -> tuple[tuple[int, ...], ...]:
    """Orders of n levels in which each stands in every place, and follows every other, equally often.

    References
    ----------
    Williams (1949), Australian Journal of Scientific Research A 2, 149-168.

    Examples
    --------
    >>> latin_rows(3)
    ((0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0), (0, 2, 1), (1, 0, 2))
    """
    first = [(k + 1) // 2 if k % 2 else (n - k // 2) % n for k in range(n)]
    rows = [tuple((level + shift) % n for level in first) for shift in range(n)]
    return tuple(rows if n % 2 == 0 else rows + [row[::-1] for row in rows])


def deal(
    subjects: Sequence[str], stimuli: Sequence[str], *, k: int, cells: int, seed: int, place: str
) -> dict[str, list[str]]:
    """Deal k stimuli to every subject, all equally often, and each equally often in every place modulo `cells`.

    Subjects go through a mixed pack k cards at a time. The same pack comes round once for every cell, each time with
    the places shifted by one, before it is mixed anew; so stimuli and within-subject cells are balanced exactly after
    every ``cells * n / gcd(n, k)`` subjects, and subjects added at the end change nobody.

    Parameters
    ----------
    subjects : sequence of str
        Those of one arm, in the order of the roster.
    stimuli : sequence of str
        The pack.
    k : int
        Stimuli of a subject, at most all.
    cells : int
        Within-subject conditions that the places stand for in turn; 1 for none.
    seed : int
        The study's seed.
    place : str
        Of the draw, e.g. the arm.

    Returns
    -------
    dict of str to list of str
        Subject -> its stimuli; the one in place t belongs to cell ``t % cells``.
    """
    n = len(stimuli)
    length = n // math.gcd(n, k)  # subjects after whom the pack is through, and every stimulus was seen as often
    dealt: dict[str, list[str]] = {}
    for number, subject in enumerate(subjects):
        pack, within = divmod(number, length * cells)
        shift, position = divmod(within, length)
        mixed = rng_for(seed, "stimuli", place, pack).permutation(n)
        hand = [stimuli[int(mixed[(position * k + t) % n])] for t in range(k)]
        dealt[subject] = hand[k - shift :] + hand[: k - shift] if shift else hand
    return dealt

"""Who gets which level of a factor."""

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

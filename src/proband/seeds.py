"""Randomness by place: what is drawn depends on where it is used, never on what ran before."""

import hashlib

import numpy as np

from proband.errors import DesignError


def place_digest(seed: int, *place: str | int) -> bytes:
    """16 bytes fixed by the seed and the place; parts are length-prefixed, so ("a", "bc") != ("ab", "c")."""
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise DesignError(f"seed {seed!r} is not an integer; write a whole number, e.g. seed = 1")
    state = hashlib.blake2b(digest_size=16)
    for part in (seed, *place):
        encoded = str(part).encode()
        state.update(len(encoded).to_bytes(4, "big"))
        state.update(encoded)
    return state.digest()


def rng_for(seed: int, *place: str | int) -> np.random.Generator:
    """Generator fixed by the study's seed and the place of use.

    Parameters
    ----------
    seed : int
        The study's seed.
    *place : str or int
        Where the randomness is used, e.g. ``"order", subject_id, item_id``.

    Returns
    -------
    numpy.random.Generator
        The same generator for the same place, whatever else is in the study.

    Examples
    --------
    >>> rng_for(1, "order", "s1").integers(100) == rng_for(1, "order", "s1").integers(100)
    np.True_
    """
    return np.random.default_rng(np.frombuffer(place_digest(seed, *place), dtype=np.uint32))


def seed_for(seed: int, *place: str | int) -> int:
    """31-bit seed of a place, for engines that take an integer."""
    return int.from_bytes(place_digest(seed, *place)[:4], "big") >> 1


def uniform_for(seed: int, *place: str | int) -> float:
    """One uniform draw in [0, 1) of a place; much cheaper than a generator."""
    # 53 bits, all that a float holds: with more, the largest draws would round up to 1.
    return (int.from_bytes(place_digest(seed, *place)[:7], "big") >> 3) / 2**53

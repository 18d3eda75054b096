"""Randomness by place: what is drawn depends on where it is used, never on what ran before."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from proband.errors import DesignError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def place_digest(seed: int, *place: str | int) -> bytes:
    """16 bytes fixed by the seed and the place; parts are length-prefixed, so ("a", "bc") != ("ab", "c")."""
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise DesignError(f"seed {seed!r} is not an integer; write a whole number, e.g. seed = 1")
    return hashlib.blake2b(framed(seed, *place), digest_size=16).digest()


_LENGTHS = [n.to_bytes(4, "big") for n in range(256)]


def framed(*parts: str | int) -> bytes:
    """Parts of a place as they are hashed: each with its length before it."""
    whole = b""
    for part in parts:
        encoded = str(part).encode()
        n = len(encoded)
        whole += (_LENGTHS[n] if n < 256 else n.to_bytes(4, "big")) + encoded
    return whole


class Draws:
    """Draws of all places that begin alike, so that their beginning is hashed once.

    ``Draws(seed, "order").digest("s1")`` is ``place_digest(seed, "order", "s1")``, and so on for the rest.

    Parameters
    ----------
    seed : int
        The study's seed.
    *start : str or int
        How the places begin.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int, *start: str | int) -> None:
        place_digest(seed)  # refuses a seed that is no integer
        self._state = hashlib.blake2b(framed(seed, *start), digest_size=16)

    def digest(self, *rest: str | int) -> bytes:
        """16 bytes of the place that ends so."""
        return self.digest_of(framed(*rest))

    def digest_of(self, rest: bytes) -> bytes:
        """`digest` of parts that were `framed` before."""
        state = self._state.copy()
        state.update(rest)
        return state.digest()

    def seed(self, *rest: str | int) -> int:
        """31-bit seed of that place; see `seed_for`."""
        return int.from_bytes(self.digest_of(framed(*rest))[:4], "big") >> 1


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


def uniforms_for(seed: int, *place: str | int, numbers: "NDArray[np.integer]") -> "NDArray[np.float64]":
    """Uniform draws in [0, 1) of many agents at one place, each by its own number.

    One agent more, or fewer, changes nobody else's draw: it is a hash of the place and the number (Steele, Lea & Flood,
    2014, doi:10.1145/2660193.2660195), not the next of a stream.

    Parameters
    ----------
    seed : int
        The study's seed.
    *place : str or int
        Where the draws are used, e.g. ``"society", 3, "round", 7, "adopts"``.
    numbers : array of int, shape (n,)
        Who draws.

    Returns
    -------
    array of float, shape (n,)

    Examples
    --------
    >>> few, many = (uniforms_for(1, "moves", numbers=np.arange(n)) for n in (3, 1000))
    >>> bool((few == many[:3]).all())
    True
    """
    key = np.frombuffer(place_digest(seed, *place), dtype=np.uint64)
    with np.errstate(over="ignore"):
        x = (np.asarray(numbers).astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + key[0]
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x ^= x >> np.uint64(shift)
            x *= np.uint64(factor)
        # A second round with the other half of the place, so that two places are no shifted copies of each other.
        x ^= (x >> np.uint64(31)) ^ key[1]
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x ^= x >> np.uint64(shift)
            x *= np.uint64(factor)
        x ^= x >> np.uint64(31)
    return np.asarray((x >> np.uint64(11)).astype(np.float64) / 2**53)

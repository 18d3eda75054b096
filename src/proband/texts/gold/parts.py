"""Which gold is for making a coder, which for validating it, and which for what is said with it."""

from collections.abc import Mapping, Sequence

from proband.errors import DesignError
from proband.seeds import uniform_for

DEVELOPMENT, HOLD_OUT, AUDIT = PARTS = ("development", "holdout", "audit")


def shares_of(given: Mapping[str, float]) -> dict[str, float]:
    """Checked shares of the parts, those not named 0.

    Raises
    ------
    DesignError
        If a part is unknown, or they do not sum to 1.
    """
    if unknown := [name for name in given if name not in PARTS]:
        raise DesignError(f"coding.gold.parts: no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    shares = {name: float(given.get(name, 0.0)) for name in PARTS}
    if min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-9:
        raise DesignError(f"coding.gold.parts: {shares} must be at least 0 and sum to 1")
    return shares


def parts_of(
    documents: Sequence[str], units: Mapping[str, str], shares: Mapping[str, float], seed: int
) -> dict[str, str]:
    """Part of every document, by the place of its unit: what else is in the sample changes nothing.

    Documents of a unit (an author, a speech) are not independent, so they all go into one part.
    """
    found = {}
    for document in documents:
        at, reached = uniform_for(seed, "gold", "part", units.get(document, document)), 0.0
        for part in PARTS:
            reached += shares[part]
            if at < reached or part == PARTS[-1]:
                found[document] = part
                break
    return found

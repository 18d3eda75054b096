"""Digit matrices: which digits are missing from a table of nine cells, by one rule to three."""

from collections.abc import Sequence

import numpy as np

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.generated import answers, choice, numbered
from proband.batteries.material import OWN, amount, scale
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.seeds import rng_for

Table = tuple[int, ...]  # nine digits, row by row
RULES = ("constant", "progression", "three")


def completions(known: Sequence[int]) -> dict[str, int]:
    """Rule -> ninth digit, of every rule that the first eight, row by row, keep.

    The rules of Carpenter, Just & Shell (1990): a row or a column is constant, counts on by a step, or every row and
    column has the same three.

    Examples
    --------
    >>> completions([1, 2, 3, 3, 4, 5, 6, 7])
    {'progression': 8}
    """
    found: dict[str, int] = {}
    for order in (range(8), (0, 3, 6, 1, 4, 7, 2, 5)):  # rows, and columns
        a, b, c, d, e, f, g, h = (known[k] for k in order)
        if a == b == c and d == e == f and g == h:
            found.setdefault("constant", h)
        steps = {b - a, c - b, e - d, f - e, h - g}
        if len(steps) == 1 and steps != {0}:
            found.setdefault("progression", h + steps.pop())
        three = {a, b, c}
        if len(three) == 3 and {d, e, f} == three and len(three - {g, h}) == 1:
            left = (three - {g, h}).pop()
            if {left, c, f} == three:
                found.setdefault("three", left)
    return found


def layer(rule: str, rng: np.random.Generator) -> Table:
    """One digit a cell by a rule, such that no other rule completes it otherwise.

    Raises
    ------
    DesignError
        If there is no such rule.
    """
    if rule not in RULES:
        raise DesignError(f"no rule {rule!r} of matrices; there are {', '.join(RULES)}")
    while True:
        first = rng.permutation(9)[:3] + 1
        if rule == "constant":
            table = np.repeat(first[:, None], 3, axis=1)
        elif rule == "progression":
            step = int(rng.integers(1, 3))
            table = rng.permutation(9 - 2 * step)[:3, None] + 1 + step * np.arange(3)[None]
        else:
            table = np.array([np.roll(first, -k) for k in range(3)])
        if rng.random() < 0.5:
            table = table.T
        cells = tuple(table.ravel().tolist())
        if set(completions(cells[:8]).values()) == {cells[8]}:
            return cells


def matrix(id: str, layers: Sequence[Table], rng: np.random.Generator) -> Item:
    """One table whose cells hold a digit of every layer.

    Raises
    ------
    DesignError
        If a layer can be completed in two ways, or in none.
    """
    ends = []
    for table in layers:
        found = completions(table[:8])
        if set(found.values()) != {table[8]}:
            raise DesignError(
                f"matrix {id!r}: {', '.join(f'{r} makes it {d}' for r, d in found.items()) or 'no rule completes it'}, "
                "and there must be one right answer; draw another table"
            )
        ends.append(table[8])
    cells = [" ".join(str(table[k]) for table in layers) for k in range(8)] + ["?"]

    shown = "; ".join(" | ".join(cells[3 * row : 3 * row + 3]) for row in range(3))
    right = " ".join(map(str, ends))
    others = [*ends[:-1], (ends[-1] + 1) % 10]
    more = [(ends[0] - 1) % 10, *ends[1:]] if len(ends) > 1 else [(ends[0] + 2) % 10]
    far = [" ".join(str((end + step) % 10) for end in ends) for step in (3, 4)]  # where others are alike
    wrong = dict.fromkeys([cells[7], cells[5], " ".join(map(str, others)), " ".join(map(str, more)), *far])
    wrong.pop(right, None)
    scores = answers(right, *list(wrong)[:3])
    text = f"Three rows of three cells: {shown}. What stands in the place of the question mark?"
    near = [cells[7]] if cells[7] != right else []
    return choice(id, text, scores, rng, lures=near)


def instrument(setting: Setting) -> Instrument:
    """Tables of one rule, two rules and three."""
    n = amount(setting, 8, 4)
    found = dict[str, list[Item]]()
    for grade, n_rules in (("one-rule", 1), ("two-rules", 2), ("three-rules", 3)):
        for k in range(n):
            rng = rng_for(setting.seed, "digit-matrices", grade, k)
            items = found.setdefault(grade, [])
            while True:  # the same table may be drawn twice
                # From a table to the next the rules go round, so that each is asked as often.
                layers = [layer(RULES[(k + j * (1 + k // len(RULES))) % len(RULES)], rng) for j in range(n_rules)]
                item = matrix(numbered(grade, k + 1), layers, rng)
                if item.text not in [other.text for other in items]:
                    break
            items.append(item)
    return Instrument(
        id="digit-matrices",
        title="Digit matrices",
        items=tuple([item for items in found.values() for item in items]),
        scales=tuple([scale(grade, f"right, {grade.replace('-', ' ')}", items) for grade, items in found.items()]),
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What every further rule costs."""
    return (
        Contrast(name="one rule minus two", weights={"one-rule": 1.0, "two-rules": -1.0}),
        Contrast(name="two rules minus three", weights={"two-rules": 1.0, "three-rules": -1.0}),
    )


BATTERY = Battery(
    name="digit-matrices",
    title="Digit matrices",
    about="which digits are missing from a table of nine cells, in graded difficulty",
    discipline="psychology",
    source="Webb, Holyoak & Lu (2023), Nature Human Behaviour 7, 1526-1541, "
    "https://doi.org/10.1038/s41562-023-01659-w; rules as in Carpenter, Just & Shell (1990), Psychological Review 97, "
    "404-431, https://doi.org/10.1037/0033-295X.97.3.404",
    licence=OWN,
    page="Nine cells with digits, the last one missing, in the manner of Raven's matrices. Every digit of a cell "
    "follows a rule of its own: constant, counting on, or the same three in each row and column. Difficulty is the "
    "number of rules. When a table is made, every rule is tried on it, and it is taken only if all that fit give one "
    "answer. Chance is a quarter; one wrong answer is the neighbour. No figure of people is known for these tables.",
    instrument=instrument,
    contrasts=contrasts,
    is_generated=True,
)

"""Letter strings: what changes in the same way, from one step to two, in the alphabet and in one that nobody knows."""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.generated import answers, choice, numbered
from proband.batteries.material import OWN, amount, scale
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.seeds import rng_for

_LENGTH = 4
Letters = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a run of letters is written, and what it becomes."""

    written: Callable[[Letters], Letters]
    becomes: Callable[[Letters, str], Letters]  # the run, and the letter after it


def _last_on(run: Letters, after: str) -> Letters:
    return (*run[:-1], after)


# Each takes four letters that follow each other. The names are those of Webb et al.
RULES = {
    "successor": Rule(lambda run: run, _last_on),
    "predecessor": Rule(lambda run: run[1:], lambda run, after: (run[0], *run[2:])),
    "extension": Rule(lambda run: run, lambda run, after: (*run, after)),
    "redundant": Rule(lambda run: (*run[:2], run[1], *run[2:]), lambda run, after: run),
    "sorting": Rule(lambda run: (run[2], run[1], run[0], run[3]), lambda run, after: run),
}
# The second string is written otherwise than the first: what is the same way has to be found.
GENERAL: dict[str, Callable[[Letters], Letters]] = {
    "": lambda letters: letters,
    "doubled": lambda letters: tuple([letter for letter in letters for _ in range(2)]),
    "spaced": lambda letters: tuple([sign for letter in letters for sign in (letter, "x")][:-1]),
    "reversed": lambda letters: letters[::-1],
}


def _run(alphabet: str, start: int) -> tuple[Letters, str]:
    if not 0 <= start < len(alphabet) - _LENGTH:
        raise DesignError(
            f"letter {start} is too near the end of an alphabet of {len(alphabet)}: nothing would follow, or the first "
            f"letter, so that two answers are right; begin between 0 and {len(alphabet) - _LENGTH - 1}"
        )
    return tuple(alphabet[start : start + _LENGTH]), alphabet[start + _LENGTH]


def problem(
    rule: str, general: str, alphabet: str, starts: tuple[int, int]
) -> tuple[tuple[Letters, Letters], Letters, Letters]:
    """The example (before, after), the string that is asked about, and what it becomes.

    Examples
    --------
    >>> problem("successor", "", "abcdefghijk", (0, 5))[1:]
    (('f', 'g', 'h', 'i'), ('f', 'g', 'h', 'j'))
    """
    (first, first_after), (second, second_after) = (_run(alphabet, start) for start in starts)
    if both := {*first, first_after} & {*second, second_after}:
        raise DesignError(f"the strings from {starts[0]} and {starts[1]} share {min(both)!r}; draw others")
    way, other = RULES[rule], GENERAL[general]
    example = way.written(first), way.becomes(first, first_after)
    return example, other(way.written(second)), other(way.becomes(second, second_after))


def _item(id: str, rule: str, general: str, alphabet: str, rng: np.random.Generator) -> Item:
    """One problem; wrong is what copies a letter of the example, what changes nothing, what changes another place."""
    starts = sorted(rng.choice(len(alphabet) - _LENGTH, 2, replace=False).tolist())
    while starts[1] - starts[0] <= _LENGTH:
        starts = sorted(rng.choice(len(alphabet) - _LENGTH, 2, replace=False).tolist())
    if rng.random() < 0.5:
        starts.reverse()
    (before, after), asked, right = problem(rule, general, alphabet, (starts[0], starts[1]))
    copied = (*asked[:-1], after[-1])
    if (rule, general) == ("successor", "reversed") and alphabet.index(asked[-1]) == alphabet.index(after[-1]) + 1:
        copied = asked  # who reads from the left counts on backwards, and would be right too
    swapped = (right[1], right[0], *right[2:])
    first = alphabet[alphabet.index(min(asked, key=alphabet.index)) + 1]
    wrong = list(dict.fromkeys(w for w in (copied, asked, swapped, (first, *right[1:]), after) if w != right))[:3]
    given = "" if alphabet == string.ascii_lowercase else f"Use this made-up alphabet: {' '.join(alphabet)}. "
    text = f"{given}If {' '.join(before)} changes to {' '.join(after)}, what does {' '.join(asked)} change to?"
    scores = answers(" ".join(right), *(" ".join(w) for w in wrong))
    return choice(id, text, scores, rng, lures=[" ".join(wrong[0])])


def instrument(setting: Setting) -> Instrument:
    """Problems of one rule, of a rule that has to be generalised, and of one rule in a made-up alphabet."""
    n = amount(setting, 8, 5)
    rules, ways = list(RULES), [way for way in GENERAL if way]
    found = dict[str, list[Item]]()
    for grade in ("one-rule", "generalised", "made-up"):
        for k in range(n):
            rng = rng_for(setting.seed, "letter-strings", grade, k)
            alphabet = string.ascii_lowercase
            if grade == "made-up":
                alphabet = "".join(rng.permutation(list(alphabet.replace("x", "")))[:14])
            general = ways[k % len(ways)] if grade == "generalised" else ""
            items = found.setdefault(grade, [])
            while True:  # the same letters may be drawn twice
                item = _item(numbered(grade, k + 1), rules[k % len(rules)], general, alphabet, rng)
                if item.text not in [other.text for other in items]:
                    break
            items.append(item)
    names = {"one-rule": "right, one rule", "generalised": "right, a rule to generalise", "made-up": "right, made-up"}
    return Instrument(
        id="letter-strings",
        title="Letter strings",
        items=tuple([item for items in found.values() for item in items]),
        scales=tuple([scale(grade, names[grade], items) for grade, items in found.items()]),
        preamble="Something changes. Say what the second string changes to in the same way.",
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What generalising costs, and what it costs that the alphabet is not the one that was learnt."""
    return (
        Contrast(name="one rule minus generalised", weights={"one-rule": 1.0, "generalised": -1.0}),
        Contrast(name="made-up minus known", weights={"made-up": 1.0, "one-rule": -1.0}, isomorph_of="the alphabet"),
    )


BATTERY = Battery(
    name="letter-strings",
    title="Letter strings",
    about="what a string of letters changes to in the same way, in graded difficulty",
    discipline="psychology",
    source="Hofstadter & Mitchell (1994); Webb, Holyoak & Lu (2023), Nature Human Behaviour 7, 1526-1541, "
    "https://doi.org/10.1038/s41562-023-01659-w; alphabets in other orders as in Lewis & Mitchell (2024), "
    "https://doi.org/10.48550/arXiv.2402.08955",
    licence=OWN,
    page="One string of letters changes into another, and a second one is to change in the same way. One of four "
    "answers is right; chance is a quarter. Difficulty is graded: one rule, a rule that has to be carried over to a "
    "string that is written otherwise, and one rule in an alphabet in drawn order, which nobody has read. No figure of "
    "people is known for these strings. A model that knows the alphabet by heart, and not the rule, falls there.",
    instrument=instrument,
    contrasts=contrasts,
    is_generated=True,
)

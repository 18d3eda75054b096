"""Wason's cards: which to turn, where a rule is abstract and where it says what somebody may do."""

from collections.abc import Sequence

import numpy as np

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.generated import answers, choice, numbered
from proband.batteries.material import OWN, amount, drawn, people, rows, scale
from proband.instruments.items import Instrument, Item
from proband.seeds import rng_for

# What there are four of, what is on their two sides; what a side shows that is so, and not, the first and the second.
_ABSTRACT = rows(
    """
cards | a letter | a digit | F | H | 8 | 3
labels | a shape | a colour | star | circle | green | red
tokens | an animal | a plant | horse | goat | fern | moss
stamps | a city | a month | Oslo | Lima | May | June
tiles | a metal | a fruit | zinc | iron | plum | pear
tickets | a river | a sign | Rhine | Volga | cross | dot
coins | a bird | a number | owl | crow | 50 | 90
plates | a pattern | a vowel | stripes | dots | U | I
"""
)
_SOCIAL = rows(
    """
in a bar | who drinks beer must be 21 or older | drinks beer | drinks lemonade | is 30 | is 16
at a hospital | who parks in the yard must work there | parks in the yard | parks outside | works there | visits
at a pool | who dives from the tower must have a badge | dives | swims | has a badge | has no badge
in a library | who takes a map home must have paid | takes a map | takes a novel | has paid | has not paid
in a harbour | who steers a ferry must hold a licence | steers a ferry | rows a boat | has a licence | has no licence
in a laboratory | who handles acid must wear goggles | handles acid | handles water | wears goggles | wears none
at a border | who brings seeds must have a certificate | brings seeds | brings books | has one | has none
in a cinema | who sees the late film must be 18 or older | sees the late film | sees the early film | is 45 | is 12
"""
)
_HOW = "They show: {}. Which must you turn over to find out, and no more than you must?"


_ANSWERS: tuple[tuple[int, ...], ...] = ((0, 3), (0,), (0, 2), (0, 1, 2, 3))


def must_turn() -> tuple[int, ...]:
    """Which of the cards (if, not if, then, not then) can break "if the first, then the second" by their other side.

    Examples
    --------
    >>> must_turn()
    (0, 3)
    """
    breaks = {(True, False)}  # the first is so, and the second is not
    front = {k: {(k == 0, other) for other in (True, False)} for k in (0, 1)}
    back = {k: {(other, k == 2) for other in (True, False)} for k in (2, 3)}
    return tuple([k for k, sides in {**front, **back}.items() if sides & breaks])


def _cards(id: str, text: str, shown: Sequence[str], rng: np.random.Generator) -> Item:
    said = {cards: "All four" if len(cards) == 4 else " and ".join(shown[k] for k in cards) for cards in _ANSWERS}
    order = ", ".join(shown[k] for k in rng.permutation(4))
    right, tempting = said.pop(must_turn()), said[0, 2]
    return choice(id, f"{text} {_HOW.format(order)}", answers(right, *said.values()), rng, lures=[tempting])


def instrument(setting: Setting) -> Instrument:
    """Abstract and social rules, and the known rule about letters and numbers."""
    n = amount(setting, 8, 4)
    rng = rng_for(setting.seed, "wason")
    rule = (
        "Four {} have {} on one side and {} on the other. Somebody says: where one side says {}, the other says {}. {}"
    )
    sure = "You want to know whether that is true of the four."
    abstract = [
        _cards(numbered("abstract", k), rule.format(what, front, back, shown[0], shown[2], sure), shown, rng)
        for k, (what, front, back, *shown) in enumerate(drawn(_ABSTRACT, n, rng, "abstract rules"), 1)
    ]
    social = [
        _cards(
            numbered("social", k),
            f"You check whether a rule is kept {where}: {law}. Each of four cards is about one person, with one thing "
            "about that person on each side.",
            shown,
            rng,
        )
        for k, (where, law, *shown) in enumerate(drawn(_SOCIAL, n, rng, "social rules"), 1)
    ]
    vowels = rule.format("cards", "a letter", "a digit", "a vowel", "an even digit", sure)
    known = _cards("vowels", vowels, ("E", "K", "4", "7"), rng)
    return Instrument(
        id="wason",
        title="Wason's cards",
        items=(known, *abstract, *social),
        scales=(
            scale("abstract", "turns the right cards, abstract rule", abstract, people("wason", "abstract")),
            scale("social", "turns the right cards, social rule", social, people("wason", "drinking age")),
            scale("published", "turns the right cards, letters and numbers", [known], people("wason", "abstract")),
        ),
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What a social rule adds, and what it adds to have read of the cards."""
    return (
        Contrast(
            name="social minus abstract",
            weights={"social": 1.0, "abstract": -1.0},
            people=people("wason", "drinking age", less="abstract"),
        ),
        Contrast(name="fresh minus published", weights={"abstract": 1.0, "published": -1.0}, isomorph_of="published"),
        Contrast(name="turns what the rule names, abstract", weights={"abstract:lure": 1.0}),
    )


BATTERY = Battery(
    name="wason",
    title="Wason's cards",
    about="which cards to turn, for abstract rules and for rules of what somebody may do",
    discipline="psychology",
    source="Wason (1966); Griggs & Cox (1982), British Journal of Psychology 73, 407-420, "
    "https://doi.org/10.1111/j.2044-8295.1982.tb01823.x",
    licence=OWN,
    page="Four cards and a rule: which cards could break it by what is on their other side? Four answers are offered, "
    "one of them right, so chance is a quarter; people turned cards freely. Few people are right where the rule is "
    "abstract, and most where it says what somebody may do. Look at the difference, and at the published cards beside "
    "fresh ones: the right answer to E, K, 4, 7 is in every textbook.",
    instrument=instrument,
    contrasts=contrasts,
    is_generated=True,
)

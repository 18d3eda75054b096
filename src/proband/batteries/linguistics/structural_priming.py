"""Structural priming: whether a sentence makes its own structure more likely in the next one."""

import math
from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.batteries.material import amount
from proband.batteries.reading import LEADS, Quantity, Reading, Sentence, reading
from proband.seeds import rng_for

_MAHOWALD = (
    "Mahowald, James, Futrell and Gibson (2016), Journal of Memory and Language 91, 5-27. "
    "doi:10.1016/j.jml.2016.03.009 (meta-analysis of production)"
)
_VERBS = ("gave", "handed", "sold", "showed", "lent", "passed")
_GIVERS = ("pirate", "teacher", "nurse", "painter", "waiter", "farmer", "judge", "dancer", "pilot", "tailor")
_TAKERS = ("monk", "sailor", "widow", "soldier", "student", "banker", "clown", "priest", "lawyer", "baker")
_THINGS = ("book", "hammer", "basket", "letter", "ticket", "candle", "coat", "map", "ladder", "violin")


def _sentence(id: str, seed: int) -> Sentence:
    """A target, and primes of both structures with its verb and with another; all their words differ."""
    rng = rng_for(seed, "structural-priming", id)
    verb, other = (_VERBS[k] for k in rng.permutation(len(_VERBS))[:2])
    pairs = [[words[k] for k in rng.permutation(len(words))[:2]] for words in (_GIVERS, _TAKERS, _THINGS)]
    (giver, first), (taker, second), (thing, third) = pairs
    texts = {}
    for overlap, used in (("same", verb), ("other", other)):
        primes = {
            "do": f"The {first} {used} the {second} a {third}.",
            "po": f"The {first} {used} a {third} to the {second}.",
        }
        for prime, words in primes.items():
            opening = f"{words} The {giver} {verb}"
            texts[f"{overlap}-{prime}-po"] = f"{opening}| a {thing} to the {taker}|."
            texts[f"{overlap}-{prime}-do"] = f"{opening}| the {taker} a {thing}|."
    return Sentence(id=id, texts=texts)


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """Priming as the difference of log odds; people's are the logarithms of the pooled odds ratios."""
    return [
        Contrast(
            name=f"priming, {words} verb",
            weights={f"{overlap}-po": 1, f"{overlap}-do": -1},
            people=Figure(mean=round(math.log(ratio), 3), source=_MAHOWALD),
        )
        for overlap, words, ratio in (("same", "the same", 3.26), ("other", "another", 1.67))
    ]


def design(setting: Setting) -> Reading:
    """Generated targets."""
    n = amount(setting, 24, 8)
    quantities = tuple(
        Quantity(
            id=f"{overlap}-{prime}",
            name=f"Log odds of 'a THING to the TAKER' after {prime.upper()}, {overlap} verb",
            of=f"{overlap}-{prime}-po", against=f"{overlap}-{prime}-do", unit="log odds",
        )
        for overlap in ("same", "other")
        for prime in ("po", "do")
    )  # fmt: skip
    return reading(
        BATTERY, setting, tuple(_sentence(f"target-{k:02}", setting.seed) for k in range(1, n + 1)), quantities
    )


BATTERY = Battery(
    name="structural-priming",
    title="Structural priming",
    about="whether 'gave a book to the monk' is likelier after a sentence of the same structure",
    discipline="linguistics",
    source=f"Bock (1986), Cognitive Psychology 18, 355-387. doi:10.1016/0010-0285(86)90004-6; {_MAHOWALD}",
    licence="sentences generated from words of our own",
    page=(
        "A prime says who gave what to whom in one of two structures; then a target with other people and things is "
        "read in both. Its log odds for the structure with *to*, after one prime less after the other, are priming; it "
        "is larger where prime and target share their verb, in people and in models. The unit is the logarithm of an "
        "odds ratio. Models copy what they have just read, so priming far above people's, above all with the same "
        "verb, is copying more than syntax."
    ),
    design=design,
    contexts={"lead": tuple(LEADS)},
    contrasts=contrasts,
    analyses=("reading",),
    needs="continuations",
    is_generated=True,
)

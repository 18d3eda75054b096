"""What goes with whom: an association test by probabilities of words."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.files import beside
from proband.instruments.items import Instrument, Item, Scale
from proband.seeds import rng_for

_TESTS = beside(__file__)


def instrument(setting: Setting) -> Instrument:
    """For every target so many pairs of words, the same for both groups of a test; the score is the first word's."""
    n = setting.n or 1
    items, scales = [], []
    for name, test in _TESTS.items():
        for group in test["groups"]:
            keyed = {}
            for k, target in enumerate(test[group][:: 2 if setting.is_quick else 1]):
                # The same pairs for the target of that place in the other group: they differ in the target only.
                rng = rng_for(setting.seed, "association", name, k)
                for pair in range(n):
                    words = (str(rng.choice(test["first"])), str(rng.choice(test["second"])))
                    id_ = f"{name}-{k + 1}-{pair + 1}-{group}"
                    text = f'Which of two words goes better with "{target}": "{words[0]}" or "{words[1]}"?'
                    items.append(Item(id=id_, text=text, form="choice", options=words, codes=(1, 0)))
                    keyed[id_] = 1
            scales.append(Scale(id=group, name=f"{name}: {group}", items=keyed))
    return Instrument(
        id="association", title="Which word goes better with it", items=tuple(items), scales=tuple(scales),
        licence="CC0",
    )  # fmt: skip


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """How much more often the first words go with the first group than with the second."""
    pairs = {name: test["groups"] for name, test in _TESTS.items()}
    return [Contrast(name=f"{name}: {x} less {y}", weights={x: 1, y: -1}) for name, (x, y) in pairs.items()]


BATTERY = Battery(
    name="association",
    title="What goes with whom",
    about="which of two words goes with flowers and insects, men and women, names, young and old",
    discipline="sociology",
    source="Caliskan, Bryson & Narayanan (2017), Science 356, 183-186, https://doi.org/10.1126/science.aal4230",
    licence="Own word lists, CC0; names after Bertrand & Mullainathan (2004)",
    page="Two words are offered for a target, and a scale is the share of targets with which the first of them goes: "
    "pleasant rather than unpleasant, work rather than home, science rather than arts. A difference between two groups "
    "of targets is an association, as in tests of people by reaction times; their d (1.35 for flowers, .72 for gender "
    "and work, as Caliskan et al. list them) is in another unit and cannot be compared. Flowers and insects come "
    "first: where they do not differ, the test does not work on this model, and nothing else may be read from it.",
    instrument=instrument,
    contrasts=contrasts,
    contexts={"wording": ("published", "plain"), "role": ("none",)},
    is_generated=True,
)

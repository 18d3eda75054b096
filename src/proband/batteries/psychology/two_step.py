"""The two-step task: a train, a town it usually goes to, and a shop with a coin or without."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

import numpy as np

from proband.batteries.asked import noted
from proband.batteries.battery import Battery, Setting
from proband.batteries.material import OWN, amount
from proband.batteries.task import Task, taken
from proband.designs.process import Steps
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.measures.arrays import Floats
from proband.seeds import rng_for, uniform_for

_COMMON = 0.7
_LOW, _HIGH, _STEP = 0.25, 0.75, 0.05  # of the chance of a coin, which walks between walls
TOWNS = ("Northam", "Southby")
_ASKED = {
    "train": ("Which train do you take?", ("The red train", "The blue train")),
    TOWNS[0]: ("Which shop do you go to?", ("The baker", "The smith")),
    TOWNS[1]: ("Which shop do you go to?", ("The tailor", "The cook")),
}
_STORY = (
    "Every day you take one of two trains. Each goes to one of two towns on most days and to the other on some, always "
    "the same one on most days. In each town you go to one of two shops, which has a coin for you or has none; how "
    "often it has one changes slowly. You want as many coins as you can get."
)


@lru_cache(maxsize=256)
def chances(seed: int, number: int, rounds: int) -> Floats:
    """Chances of a coin by day, town and shop: random walks between two walls, shape (rounds, 2, 2)."""
    rng = rng_for(seed, "two-step", number, "chances")
    walk = np.empty((rounds, 2, 2))
    walk[0] = rng.uniform(_LOW, _HIGH, (2, 2))
    for t in range(1, rounds):
        step = walk[t - 1] + rng.normal(0.0, _STEP, (2, 2))
        step = np.where(step > _HIGH, 2 * _HIGH - step, step)
        walk[t] = np.where(step < _LOW, 2 * _LOW - step, step)
    return walk


def usual_town(seed: int, number: int, train: int) -> int:
    """Where a train of a block goes on most days."""
    return train ^ (uniform_for(seed, "two-step", number, "map") < 0.5)


@cache
def has_coin(seed: int, number: int, rounds: int, day: int, town: int, shop: int) -> bool:
    """Whether a shop of a block has a coin on a day, numbered from 0."""
    chance = float(chances(seed, number, rounds)[day, town, shop])
    return uniform_for(seed, "two-step", number, "coin", day, town, shop) < chance


@dataclass(frozen=True, kw_only=True)
class TwoStep(Task):
    """Blocks of days, each a traveller of its own."""

    rounds: int = 20

    def __post_init__(self) -> None:
        if self.rounds < 2:
            raise DesignError(f"two-step: {self.rounds} days; what is learnt on a day shows on the next, so ask two")
        super().__post_init__()

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The train, and the shop in either town."""
        return {
            id: Item(id=id, text=text, form="choice", options=options, pinned=())
            for id, (text, options) in _ASKED.items()
        }

    def size(self) -> int:
        """Two choices a day."""
        return 2 * self.blocks * self.rounds

    def block(self, number: int) -> Steps:
        """One traveller."""
        past = list[str]()
        for day in range(self.rounds):
            told = "\n".join([_STORY, *(["So far:"] if past else []), *past])
            facts = {"history": " ".join(past[-1:])}
            trial = self.ask(
                number, self.items["train"], day + 1, f"{told}\nThis is day {day + 1}.", facts, turn=number % 2
            )
            answers = yield trial
            train = taken(answers[trial])
            is_common = uniform_for(self.seed, "two-step", number, "turn", day) < _COMMON
            town = usual_town(self.seed, number, train) ^ (not is_common)
            taking = f"Day {day + 1}: {_ASKED['train'][1][train].lower()} took you to {TOWNS[town]}"
            trial = self.ask(
                number, self.items[TOWNS[town]], day + 1, f"{told}\n{taking}.", facts, turn=number // 2 % 2
            )
            answers = yield trial
            shop = taken(answers[trial])
            coin = has_coin(self.seed, number, self.rounds, day, town, shop)
            said = _ASKED[TOWNS[town]][1][shop].lower()
            past.append(f"{taking}, where {said} had {'a' if coin else 'no'} coin.")


def design(setting: Setting) -> TwoStep:
    """Travellers, and their days."""
    blocks, rounds = amount(setting, 12, 3), 10 if setting.is_quick else 20
    return TwoStep(seed=setting.seed, blocks=blocks, rounds=rounds, title=BATTERY.title, noted=noted(BATTERY, setting))


BATTERY = Battery(
    name="two-step",
    title="Two-step task",
    about="habit and planning: a first choice that usually leads to one of two places, and a second one that may pay",
    discipline="psychology",
    source="Daw et al. (2011), Neuron 69, 1204-1215, https://doi.org/10.1016/j.neuron.2011.02.027; for models Binz & "
    "Schulz (2023), PNAS 120(6), https://doi.org/10.1073/pnas.2218523120",
    licence=OWN,
    page="A train leads to one of two towns on 70 % of days, and there one of two shops may have a coin. After a coin "
    "at the end of a rare trip, habit takes the same train again and planning takes the other, which usually goes to "
    "that town. What is repeated after coins and rare trips is told as it is, by regression, and by the model of "
    "learning of the field with perseveration. A block is short, so that its history fits into a prompt; people "
    "played 200 days. An engine that always takes one train stays whatever happens: look at the first row.",
    design=design,
    analyses=("two-step",),
    is_generated=True,
)

"""The horizon task: two machines, four payments seen, and one choice or six to come."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from proband.batteries.asked import noted
from proband.batteries.battery import Battery, Setting
from proband.batteries.material import OWN, amount
from proband.batteries.task import Task, taken
from proband.designs.process import Steps
from proband.instruments.items import Item
from proband.seeds import rng_for

LONG = 6
_SEEN = 4
_SPREAD = 8.0
_GAPS = (4.0, 8.0, 12.0, 20.0, 30.0)
# How often the first machine was seen of four times: less, as often, or more than the second.
_FIRST_SEEN = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Game:
    """Two machines: what they pay at each turn, which were seen before, and how many choices follow."""

    pays: tuple[tuple[int, ...], tuple[int, ...]]
    seen: tuple[int, ...]
    horizon: int

    @property
    def gap(self) -> float:
        """Mean that the first machine paid before the first choice, less that of the second."""
        means = [np.mean([self.pays[m][t] for t, seen in enumerate(self.seen) if seen == m]) for m in (0, 1)]
        return float(means[0] - means[1])

    @property
    def information(self) -> int:
        """1 where the first machine was seen less often, -1 where more often."""
        return int(np.sign(self.seen.count(1) - self.seen.count(0)))


def game(seed: int, number: int) -> Game:
    """A game of a block: horizons and how often each machine was seen go round, all else is drawn."""
    rng = rng_for(seed, "horizon", number)
    base, gap = float(rng.choice([40.0, 60.0])), float(rng.choice(_GAPS)) * (1 if rng.random() < 0.5 else -1)
    means = (base, base + gap) if rng.random() < 0.5 else (base + gap, base)
    pays = [
        tuple(np.clip(np.round(rng.normal(mean, _SPREAD, _SEEN + LONG)), 1, 99).astype(int).tolist()) for mean in means
    ]
    first = _FIRST_SEEN[number // 2 % len(_FIRST_SEEN)]
    seen = rng.permutation([0] * first + [1] * (_SEEN - first)).tolist()
    return Game((pays[0], pays[1]), tuple(seen), LONG if number % 2 else 1)


@dataclass(frozen=True, kw_only=True)
class Horizon(Task):
    """Games of one choice and of six, each a block."""

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The one choice."""
        text = "Which machine do you play?"
        return {"machine": Item(id="machine", text=text, form="choice", options=("Machine F", "Machine J"), pinned=())}

    def size(self) -> int:
        """Choices of all games."""
        return sum(game(self.seed, k).horizon for k in range(self.blocks))

    def block(self, number: int) -> Steps:
        """One game; the first four payments are shown, not chosen."""
        own = game(self.seed, number)
        past = [(machine, own.pays[machine][turn]) for turn, machine in enumerate(own.seen)]
        for turn in range(own.horizon):
            left = own.horizon - turn
            lines = "\n".join(f"Machine {'FJ'[machine]} paid {points} points." for machine, points in past)
            told = (
                "Two machines pay points, each around a mean of its own that stays the same. You want as many points "
                f"as you can get. So far:\n{lines}\nYou will play {left} more time{'s' * (left > 1)}."
            )
            facts = {
                "F": " ".join(str(points) for machine, points in past if machine == 0),
                "J": " ".join(str(points) for machine, points in past if machine == 1),
                "left": str(left),
            }
            trial = self.ask(number, self.items["machine"], turn + 1, told, facts, turn=number // 6 % 2)
            answers = yield trial
            machine = taken(answers[trial])
            past.append((machine, own.pays[machine][_SEEN + turn]))


def design(setting: Setting) -> Horizon:
    """Games of both horizons, as many of each."""
    blocks = amount(setting, 48, 12)
    return Horizon(seed=setting.seed, blocks=blocks, title=BATTERY.title, noted=noted(BATTERY, setting))


BATTERY = Battery(
    name="horizon",
    title="Horizon task",
    about="directed and random exploration: two machines, with one choice to come or six",
    discipline="psychology",
    source="Wilson et al. (2014), Journal of Experimental Psychology: General 143, 2074-2081, "
    "https://doi.org/10.1037/a0038199; for models Binz & Schulz (2023), PNAS 120(6), "
    "https://doi.org/10.1073/pnas.2218523120",
    licence=OWN,
    page="Two machines pay points around means of their own. Four payments are seen, one and three of the two or two "
    "each, and then one choice is left or six. Who explores in a directed way takes the machine that was seen less "
    "when more choices are left; who explores at random lets the points decide less. People do both. The first choice "
    "of each game is fitted by logistic regression. Look at the slope of reward first: where points do not count, "
    "there is nothing to explore for.",
    design=design,
    analyses=("exploration",),
    needs="options",
    is_generated=True,
)

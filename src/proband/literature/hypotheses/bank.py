"""A bank of ideas that is kept on A: the better an idea foretells, and the less it was tried, the sooner it is asked.

The reward is that of HypoGeniC (Zhou et al. 2024, arXiv:2404.04326) with agreement beyond chance
in place of accuracy, so that an idea that always says the commonest outcome earns nothing. Nothing that stands in a
bank is found: that is for B to say.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proband.errors import DesignError

_TRIED = 30  # rows that an idea is asked about before it may make room, or as many as any other one was


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How a bank is kept.

    Attributes
    ----------
    size : int
        Ideas that it holds; above, the one with the least evidence is dropped.
    acting : int
        Ideas that are asked about each row, those with the highest reward.
    alpha : float
        Weight of ``sqrt(log t / visits)``, by which ideas that were asked seldom are asked.
    errors : int
        Rows that were foretold wrongly by most of those asked, after which new ideas are wanted.
    fresh : int
        New ideas that are then asked for.
    """

    size: int = 30
    acting: int = 5
    alpha: float = 0.5
    errors: int = 20
    fresh: int = 2

    def __post_init__(self) -> None:
        if min(self.size, self.acting, self.errors) < 1 or self.fresh < 0 or self.alpha < 0:
            raise DesignError(
                f"bank: size {self.size}, acting {self.acting} and errors {self.errors} are at least 1, fresh "
                f"{self.fresh} and alpha {self.alpha} at least 0"
            )


@dataclass
class _Tally:
    """What became of one idea."""

    visits: int = 0
    answers: int = 0
    hits: int = 0
    truth: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)

    def beyond_chance(self) -> float:
        """Mean over the rows it was asked about; where it says nothing, it gains nothing."""
        n = self.answers
        chance = sum(count * self.said[label] for label, count in self.truth.items()) / n if n else 0.0
        return (self.hits - chance) / self.visits


class Bank:
    """Ideas by name, with what they foretold; it decides which are asked, which go, and when new ones are wanted.

    Parameters
    ----------
    keeping : Keeping
        How it is kept.

    Examples
    --------
    >>> bank = Bank(Keeping(acting=1, errors=1))
    >>> bank.add(["long ones win"])
    >>> bank.asked()
    ['long ones win']
    >>> bank.judged(7, {"long ones win": ("yes", "no")})
    >>> bank.erred()
    [7]
    """

    def __init__(self, keeping: Keeping) -> None:
        self.keeping = keeping
        self.tallies: dict[str, _Tally] = {}
        self.dropped: list[str] = []
        self._seen = 0
        self._wrong: list[int] = []

    def add(self, ideas: Sequence[str]) -> None:
        """Take in ideas that were never in it; those with the least evidence make room."""
        for idea in ideas:
            if idea not in self.tallies and idea not in self.dropped:
                self.tallies[idea] = _Tally()
        while len(self.tallies) > self.keeping.size:
            # Not by reward: what is asked often has a small bonus because it is good. Nor by a few unlucky rows.
            enough = max(1, min(_TRIED, max(tally.visits for tally in self.tallies.values())))
            tried = [idea for idea, tally in self.tallies.items() if tally.visits >= enough]
            worst = min(tried, key=self.evidence) if tried else list(self.tallies)[-1]
            del self.tallies[worst]
            self.dropped.append(worst)

    def reward(self, idea: str) -> float:
        """Agreement beyond chance and what it is owed for having been asked seldom; without bound before the first."""
        tally = self.tallies[idea]
        if not tally.visits:
            return math.inf
        return tally.beyond_chance() + self.keeping.alpha * math.sqrt(math.log(max(self._seen, 2)) / tally.visits)

    def evidence(self, idea: str) -> float:
        """Agreement beyond chance in units of its error, but for a constant; 0 before the first visit."""
        tally = self.tallies[idea]
        return tally.beyond_chance() * math.sqrt(tally.visits) if tally.visits else 0.0

    def asked(self) -> list[str]:
        """Ideas to ask about the next row."""
        return sorted(self.tallies, key=lambda idea: -self.reward(idea))[: self.keeping.acting]

    def judged(self, row: int, told: Mapping[str, tuple[str, str | None]]) -> None:
        """Take in the outcome of a row, and what ideas said of it; None where one said nothing.

        More may be told than was asked, where that costs nothing; whether the bank erred is for those asked to show.
        """
        # An idea that came since these were asked has said nothing yet, and did not err.
        asked = [idea for idea in self.asked() if idea in told] or list(told)
        self._seen += 1
        answers = {idea: pair for idea, pair in told.items() if pair[1] is not None}
        for idea in told:
            self.tallies[idea].visits += 1
        for idea, (truth, said) in answers.items():
            tally = self.tallies[idea]
            tally.answers += 1
            tally.hits += truth == said
            tally.truth[truth] += 1
            tally.said[str(said)] += 1
        right = [answers[idea][0] == answers[idea][1] for idea in asked if idea in answers]
        if sum(right) < len(right) / 2 or not right:  # where nothing was said there is something to be found as well
            self._wrong.append(row)

    def erred(self) -> list[int]:
        """Rows on which the bank erred, once there are enough of them for new ideas; they are then forgotten."""
        if len(self._wrong) < self.keeping.errors or not self.keeping.fresh:
            return []
        wrong, self._wrong = self._wrong, []
        return wrong

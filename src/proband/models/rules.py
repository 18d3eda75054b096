"""Rules by which a scripted engine answers: what an address ``scripted:NAME`` can name."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from proband.errors import EngineError
from proband.models.character import character
from proband.models.confusion import confusion
from proband.models.lies import lying
from proband.models.planted import planted
from proband.models.players import PLAYERS, played
from proband.records import Answer, Trial
from proband.seeds import uniform_for
from proband.shelves import Shelf

Outcome = Sequence[float] | npt.NDArray[np.float64] | NormalDist | Answer
Rule = Callable[[Trial], Outcome]

__all__ = ["RULES", "Outcome", "Rule", "always", "first", "knowing", "normal", "played", "spatial", "stated", "uniform"]


def uniform() -> Rule:
    """Every substantive option alike: P(k) = 1/K over the K options that do not mean "don't know".

    Items without one answer are answered uniformly too: each option of a multiple choice is in with
    probability 1/2, a ranking is a random permutation, an allocation is uniform on its simplex, a number is
    uniform between its bounds, and a text is always the same.
    """
    return lambda trial: None


def first() -> Rule:
    """Take the option shown first, whatever it says: pure position bias."""
    return lambda trial: trial.reply.order[0]


def always(option: float = 0) -> Rule:
    """Take one option, by its index as written."""
    if option != int(option):
        raise EngineError(f"rule 'always': option {option} is not an index; the first option as written is 0")
    return lambda trial: int(option)


def stated(given: Mapping[str, Sequence[float]] | None = None, *, file: str = "") -> Rule:
    """Take each item's options with stated probabilities, in the order written.

    Parameters
    ----------
    given : mapping of item id to sequence of float
        Probabilities, summing to 1.
    file : str
        TOML file with one line per item instead, e.g. ``vote = [0.6, 0.4]``.
    """
    table = dict(given) if given is not None else _read_stated(file)

    def rule(trial: Trial) -> Sequence[float]:
        if trial.place.item not in table:
            raise EngineError(
                f"rule 'stated' has no distribution for item {trial.place.item!r}; it has "
                f"{', '.join(sorted(table)) or 'none'}; add {trial.place.item} = [...]"
            )
        return table[trial.place.item]

    rule.__dict__["states"] = hashlib.blake2b(repr(sorted(table.items())).encode(), digest_size=16).hexdigest()
    return rule


def spatial(fact: str = "ideology", *, low: float = 1.0, high: float = 7.0, width: float = 0.25) -> Rule:
    """Prefer the options nearest to where the subject stands.

    Of K substantive options, option k (as written) has position k/(K-1); the subject's ideal point is
    x = (fact - low)/(high - low), read from ``trial.facts``; P(k) is proportional to
    exp(-((k/(K-1) - x)/width)^2 / 2). A subject without the fact answers uniformly.
    """
    if width <= 0 or high == low:
        raise EngineError(f"rule 'spatial': width {width} must be above 0 and low {low} differ from high {high}")

    def rule(trial: Trial) -> Outcome:
        text = dict(trial.facts).get(fact, "")
        if not text.strip():
            return None
        try:
            ideal = (float(text) - low) / (high - low)
        except ValueError:
            raise EngineError(f"{trial.id}: fact {fact!r} is {text!r}, and rule 'spatial' needs a number") from None
        places = [k for k in range(len(trial.reply.options)) if k not in trial.reply.dont_know]
        last = max(len(places) - 1, 1)
        logs = [-(((k / last - ideal) / width) ** 2) / 2 for k in range(len(places))]
        top = max(logs)
        weights = dict(zip(places, (math.exp(x - top) for x in logs), strict=True))
        total = sum(weights.values())
        return [weights.get(k, 0.0) / total for k in range(len(trial.reply.options))]

    return rule


def knowing(share: float = 0.5, *, confidence: float = 0.8, fact: str = "answer") -> Rule:
    """Know a share of the questions and be wrong about the others, each with the same confidence.

    Whether an item is known, and which wrong option is believed otherwise, is drawn by its id, so all prompts find the
    same. P is `confidence` on the option believed and (1 - confidence)/(K-1) on each other one. The right option, an
    index as written, is read from ``trial.facts``.
    """
    if not 0 <= share <= 1 or not 0 < confidence <= 1:
        raise EngineError(f"rule 'knowing': share {share} and confidence {confidence} must lie between 0 and 1")

    def rule(trial: Trial) -> Sequence[float]:
        right = dict(trial.facts).get(fact, "")
        n = len(trial.reply.options)
        if not right.isdigit() or n < 2:
            raise EngineError(f"{trial.id}: rule 'knowing' needs a question whose key is in its facts; probe a bank")
        believed = int(right)
        if uniform_for(0, "knowing", trial.place.item) >= share:
            believed = (believed + 1 + int(uniform_for(0, "wrong", trial.place.item) * (n - 1))) % n
        rest = (1 - confidence) / (n - 1)
        return [confidence if k == believed else rest for k in range(n)]

    return rule


def normal(mean: float = 0.0, *, sd: float = 1.0) -> Rule:
    """Draw a number from N(mean, sd), redrawn until it lies within the item's bounds (a truncated normal)."""
    if sd <= 0:
        raise EngineError(f"rule 'normal': sd {sd} must be above 0; for a constant, write a Python rule")
    distribution = NormalDist(mean, sd)
    return lambda trial: distribution


def line() -> Rule:
    """Say what the design has for this turn: the next question of a guide, or a witness's answer.

    It is read from ``trial.facts``, as "line".
    """

    def rule(trial: Trial) -> str:
        said = dict(trial.facts).get("line")
        if said is None:
            raise EngineError(
                f"{trial.id}: rule 'line' says what a design has for a turn, and there is nothing for this one; it "
                "plays interviewers, and witnesses with a script, of [interview]"
            )
        return said

    return rule


def _read_stated(file: str) -> dict[str, Sequence[float]]:
    if not file:
        raise EngineError("rule 'stated' needs distributions; write scripted:stated?file=dist.toml")
    from proband.files import parsed, text_of  # pydantic comes with it, which no other rule needs

    text = text_of(Path(file), what="file of distributions", error=EngineError)
    given = parsed(text, file, error=EngineError)
    for item, shares in given.items():
        if not isinstance(shares, list) or not all(type(share) in (int, float) for share in shares):
            raise EngineError(f"{file}: {item} is no list of numbers; write e.g. {item} = [0.6, 0.4]")
    return given


_OWN = (uniform, first, always, stated, planted, confusion, lying, spatial, knowing, normal, line, character)
RULES: Shelf[Callable[..., Rule]] = Shelf(
    what="scripted rule",
    group="proband.rules",
    own={**{rule.__name__: rule for rule in _OWN}, **PLAYERS},
    error=EngineError,
)

"""Strategies of the Axelrod library as an engine: ``axelrod:TitForTat``; needs the extra ``games``.

Knight et al. (2016), Journal of Open Research Software 4(1), e35. doi:10.5334/jors.125
"""

import inspect
from collections import OrderedDict
from typing import Any

from proband.errors import EngineError, meant
from proband.models.players import Player
from proband.models.scripted import ScriptedEngine
from proband.records import Trial
from proband.seeds import seed_for

_MOST = 4096  # players whose state is kept; another one is led through its past again


def axelrod_engine(name: str, seed: int = 0, **settings: str) -> ScriptedEngine:
    """Engine that plays a strategy of Axelrod's library, seeded by place.

    Parameters
    ----------
    name : str
        Of its class, e.g. ``TitForTat``.
    seed : int
        Of what stochastic strategies draw.
    **settings
        Of the strategy, e.g. ``p=0.3`` of ``Random``; numbers as text.

    Raises
    ------
    EngineError
        If the library is not installed, or has no such strategy; those that read their opponent's code are not on it.
    """
    try:
        import axelrod
    except ImportError:
        raise EngineError(
            f"axelrod:{name} needs the Axelrod library, which is not installed; pip install 'proband[games]'"
        ) from None
    known = {strategy.__name__: strategy for strategy in axelrod.all_strategies}
    if name not in known:
        raise EngineError(f"axelrod:{name}: no such strategy{meant(name, known)}; e.g. TitForTat, Grudger, Random")
    options = [*inspect.signature(known[name].__init__).parameters][1:]
    if strange := [key for key in settings if key not in options]:
        there = ", ".join(["seed", *options])
        raise EngineError(
            f"axelrod:{name} takes no option {strange[0]!r}{meant(strange[0], options)}; it takes {there}"
        )
    try:
        made = known[name](**{key: _number(value) for key, value in settings.items()})
    except (TypeError, ValueError) as error:
        raise EngineError(f"axelrod:{name} cannot be made with {settings}: {error}") from error
    query = "&".join(f"{key}={value}" for key, value in ({"seed": str(seed)} | settings).items() if value != "0")
    return ScriptedEngine(_rule(made, seed), seed=seed, address=f"axelrod:{name}{query and f'?{query}'}")


def _rule(made: Any, seed: int) -> Player:
    """The rule that plays a strategy: a pure function of the moves so far, although each player keeps its state."""
    from axelrod import Action, MockPlayer

    actions = {"0": Action.C, "1": Action.D}
    kept: OrderedDict[str, tuple[str, str, int, Any, Any]] = OrderedDict()

    def begin(subject: str, rounds: int) -> tuple[Any, Any]:
        player, opponent = made.clone(), MockPlayer()
        player.set_match_attributes(length=rounds)
        player.set_seed(seed_for(seed, "axelrod", subject))
        return player, opponent

    def rule(trial: Trial) -> int:
        facts, subject = dict(trial.facts), trial.place.subject
        own, other = facts.get("own_moves", ""), facts.get("other_moves", "")
        if len(trial.reply.options) != 2 or (own + other).strip("01"):
            raise EngineError(
                f"{trial.id}: Axelrod's strategies play games of two moves, cooperate and defect; here are "
                f"{len(trial.reply.options)} options"
            )
        before, met, move, player, opponent = kept.pop(subject, ("", "", -1, None, None))
        if player is None or own[: len(before)] != before or other[: len(met)] != met:
            before, met, move = "", "", -1
            player, opponent = begin(subject, int(facts.get("rounds", -1)))
        # A player that was asked here before is not asked again: that would draw, and count, twice.
        if move < 0:
            move = int(player.strategy(opponent) == Action.D)
        for mine, theirs in zip(own[len(before) :], other[len(met) :], strict=True):
            player.update_history(actions[mine], actions[theirs])
            opponent.update_history(actions[theirs], actions[mine])
            move = int(player.strategy(opponent) == Action.D)
        kept[subject] = own, other, move, player, opponent
        if len(kept) > _MOST:
            kept.popitem(last=False)
        return move

    return rule


def _number(text: str) -> Any:
    try:
        return float(text) if not text.lstrip("-").isdigit() else int(text)
    except ValueError:
        return text

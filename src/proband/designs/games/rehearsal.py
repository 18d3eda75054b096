"""Rounds played before anybody is asked, to see that the rules can be played at all, and how long they go on."""

import random
from contextlib import suppress

from proband.designs.games.rules import Illegal, Rules, Turn, Value, Words, play_out
from proband.instruments.items import Item


def rehearse(rules: Rules, words: Words, number: int) -> list[str]:
    """Whose turns there were in one round, in order.

    In the first two rehearsals everybody takes the first or lowest there is, or the last or highest, because games that
    go on until somebody ends them are longest so; in the others moves are drawn, by the number of the rehearsal.
    """
    rng, seats = random.Random(number), list[str]()

    def choose(turn: Turn) -> Value:
        seats.append(turn.seat)
        return _anything(turn.item, rng, number)

    with suppress(Illegal):
        play_out(rules, words, choose, rounds=1, draw=lambda *place: rng.random())
    return seats


def _anything(item: Item, rng: random.Random, number: int) -> Value:
    n = len(item.options)
    low = 0.0 if item.lower is None else item.lower
    match item.form:
        case "choice" | "scale":
            open_ = [k for k in range(n) if k not in item.dont_know]
            return open_[-number] if number < 2 else rng.choice(open_)
        case "number":
            high = low + 100 if item.upper is None else item.upper
            if number < 2:
                return (low, high)[number]
            return float(rng.randint(int(low), int(high))) if high - low >= 1 else rng.uniform(low, high)
        case "multiple":
            return tuple(k for k in range(n) if rng.random() < 0.5)
        case "ranking":
            return tuple(rng.sample(range(n), n))
        case "allocation":
            cuts = sorted(rng.random() for _ in range(n - 1))
            parts = [b - a for a, b in zip([0.0, *cuts], [*cuts, 1.0], strict=True)]
            return tuple(part * (item.total or 1.0) for part in parts)
    return "a text"

"""What games cost: ``python -m benchmarks.games [--quick] [--json]``.

Three parts, on scripted players, with the durable journal on this machine's disk:

1. The dilemma, tit for tat against a player who tosses a coin: processor time of a move, in turns with the match loop
   of the Axelrod library (if it is installed), which plays the same and keeps nothing. Beside it what a move costs
   without the journal (rules, words, answers and their reading), and what the rules alone cost.
2. All 144 ordinal games in one run.
3. What round k costs in matches of 200 rounds, as told in full and with the last ten rounds only; and in full with
   nothing kept, because the journal holds every text that was sent, and these grow.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from benchmarks.machine import machine
from proband.designs.games.matches import Matches
from proband.designs.games.ordinal import Ordinal, ordinal_games
from proband.designs.games.replay import replay
from proband.designs.games.rules import play_out
from proband.designs.games.setting import Setting
from proband.designs.games.words import MatchWords
from proband.designs.process import as_fold
from proband.instruments.reading import read
from proband.models.scripted import ScriptedEngine, played, uniform
from proband.records import Completion, Trial
from proband.runs import Tally, collect
from proband.strategies import CLASSIC

BANDS = 10  # parts of a long match whose rounds are told together


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def dilemma(matches: int, rounds: int, **keys: object) -> Matches:
    setting = Setting(matches=matches, rounds=rounds, players=["tit-for-tat", "coin"], **keys)  # type: ignore[arg-type]
    return Matches(rules=Ordinal(which="dilemma"), setting=setting, seed=1)


class Timed(ScriptedEngine):
    """Notes when it is asked about a round for the first time."""

    seen: dict[int, float]

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        for pair in super().answer(trials):
            self.seen.setdefault(pair[0].place.round, time.process_time())
            yield pair


def players() -> dict[str, ScriptedEngine]:
    coin = Timed(uniform(), seed=3, address="scripted:coin")
    coin.seen = {}
    return {"tit-for-tat": ScriptedEngine(played(CLASSIC["TFT"]), address="scripted:tft"), "coin": coin}


def durable(game: Matches, engines: dict[str, ScriptedEngine]) -> tuple[float, float, float]:
    """Processor time until the last move is committed, until there is a table, and to replay it."""
    committed = [0.0]

    def watch(tally: Tally) -> None:
        committed[0] = time.process_time()

    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        run = collect(game, engines, folder, watch=watch)
        tabled = time.process_time()
        replay(game, run.table())
        return committed[0] - start, tabled - start, time.process_time() - tabled


def kept_nowhere(game: Matches, engines: dict[str, ScriptedEngine]) -> float:
    """Processor time of the same without a journal: matches side by side, one step of each at a time."""
    start = time.process_time()
    folds = [as_fold(process) for process in game.processes()]
    open_ = [(fold, trial) for fold in folds for trial in fold.start()]
    while open_:
        fold_of = {trial.id: fold for fold, trial in open_}
        by_role: dict[str, list[Trial]] = {}
        for _, trial in open_:
            by_role.setdefault(trial.answerer, []).append(trial)
        open_ = [
            (fold_of[trial.id], further)
            for role, trials in by_role.items()
            for trial, completion in engines[role].answer(trials)
            for further in fold_of[trial.id].advance(read(completion, trial, role))
        ]
    return time.process_time() - start


def rules_alone(game: Matches) -> float:
    start, words = time.process_time(), MatchWords()
    for _ in range(game.setting.matches):
        play_out(game.rules, words, lambda turn: 0, rounds=game.setting.rounds or 1, draw=lambda *place: 0.5)
    return time.process_time() - start


def axelrods(matches: int, rounds: int) -> float | None:
    try:
        import axelrod
    except ImportError:
        return None
    start = time.process_time()
    for number in range(matches):
        match = axelrod.Match([axelrod.TitForTat(), axelrod.Random(0.5)], turns=rounds, seed=number)
        match.play()
        match.final_score()
    return time.process_time() - start


def moves(matches: int, turns: int) -> dict[str, float | None]:
    """Processor time of a move in microseconds, the least of several turns."""
    game, found = dilemma(matches, 10), dict[str, float]()
    for turn in range(turns):
        say(f"moves, turn {turn + 1} of {turns}: {game.size():,}")
        committed, tabled, replayed = durable(game, players())
        spent = {
            "durable": committed,
            "durable_with_table": tabled,
            "replay": replayed,
            "kept_nowhere": kept_nowhere(game, players()),
            "rules_alone": rules_alone(game),
            "axelrod_match_loop": axelrods(matches, 10),
        }
        for name, seconds in spent.items():
            if seconds is not None:
                each = seconds / game.size() * 1e6
                found[name] = min(each, found.get(name, each))
    return {f"cpu_us_{name}": value for name, value in found.items()}


def all_ordinal(matches: int) -> dict[str, float]:
    """Every ordinal game in one run, one treatment each."""
    n = len(ordinal_games())
    setting = Setting(
        matches=n * matches, rounds=10, players=["tit-for-tat", "coin"],
        treatments={f"game-{k}": {"which": k} for k in range(2, n + 1)},
    )  # fmt: skip
    say(f"{n} games, {matches} matches of each")
    wall, start = time.perf_counter(), time.process_time()
    game = Matches(rules=Ordinal(which=1), setting=setting, seed=1)
    game.sessions  # noqa: B018  # made when first looked at
    planned = time.process_time() - start
    durable(game, players())
    return {
        "moves": game.size(),
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - start,
        "cpu_seconds_to_plan": planned,
    }


def curve(matches: int, rounds: int) -> dict[str, list[float]]:
    """Processor time of a move in each tenth of a long match, in microseconds."""
    found: dict[str, list[float]] = {}
    for name, keys, is_kept in (("all", {}, True), ("last_10", {"history": 10}, True), ("all_kept_nowhere", {}, False)):
        say(f"matches of {rounds} rounds, {name.replace('_', ' ')}")
        game, engines = dilemma(matches, rounds, **keys), players()
        coin = engines["coin"]
        assert isinstance(coin, Timed)
        if is_kept:
            durable(game, engines)
        else:
            kept_nowhere(game, engines)
        step = rounds // BANDS
        starts = [coin.seen[1 + step * k] for k in range(BANDS)] + [coin.seen[rounds]]
        sizes = [step] * (BANDS - 1) + [step - 1]
        found[name] = [(starts[k + 1] - starts[k]) / (2 * matches * sizes[k]) * 1e6 for k in range(BANDS)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--json", action="store_true", help="numbers only")
    given = parser.parse_args()
    part = 10 if given.quick else 1
    found = {
        "machine": machine("proband", "axelrod"),
        "moves": moves(1000 // part, 1 if given.quick else 5),
        "ordinal_games": all_ordinal(100 // part),
        "cpu_us_by_tenth_of_200_rounds": curve(100 // part, 200),
    }
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, part_ in found.items():
        print(f"\n{name.replace('_', ' ')}")
        for key, value in part_.items():
            shown = " ".join(f"{x:.0f}" for x in value) if isinstance(value, list) else value
            print(f"  {key.replace('_', ' '):<28} {shown if not isinstance(shown, float) else round(shown, 1)}")


if __name__ == "__main__":
    main()
